/* Owns the conduct of a comparison. The idea: whatever changes while it runs must hit all sides
 * alike. So each round runs all sides, and the order changes from round to round: a round and the
 * next are mirrored (a b, b a), and each two rounds the first side moves to the end, which makes
 * a b, b a, b a, a b of two sides, and all six orders of three. A drift that is even over four
 * rounds cancels out, and so does whatever a run leaves behind for the next one. One server serves
 * all runs. The first round, with cold caches, is not counted. */

#include "bench/compare/compare.h"
#include "bench/statistics/bootstrap.h"
#include "bench/base/child.h"
#include "bench/compare/compare_plan.h"
#include "bench/compare/comparison.h"
#include "bench/run/embedded.h"
#include "bench/base/clock.h"
#include "bench/base/exit_status.h"
#include "bench/base/json_at.h"
#include "bench/base/replace.h"
#include "bench/result/result.h"
#include "bench/base/signals.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct compare {
    struct plan plan;
    json_t *runs[PLAN_SIDES_MAX][BOOTSTRAP_ROUNDS_MAX + 1]; /* the first is the warm-up's */
    size_t rounds_done;                                     /* with the warm-up */
    struct embedded servers[2];                             /* http, https */
    bool has_server[2];
    uint64_t began_ns;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct compare *compare, const char *format,
                                                       ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(compare->plan.message, sizeof compare->plan.message, format, arguments);
    va_end(arguments);
    return false;
}

/* --- the server ------------------------------------------------------------------------------- */

static bool wants_server(const struct compare *compare, bool is_https)
{
    for (size_t i = 0; i < compare->plan.side_count; i++)
        if (compare->plan.sides[i].is_embedded && compare->plan.sides[i].is_https == is_https)
            return true;
    return false;
}

/* The last one to be opened takes its processor from the clients; both run on the same one. */
static bool open_servers(struct compare *compare)
{
    for (size_t i = 0; i < 2; i++) {
        struct embedded_options options = {
            .is_tls = i == 1,
            .is_apart = i == 1 || !wants_server(compare, true),
        };
        if (wants_server(compare, i == 1)) {
            if (embedded_open(&compare->servers[i], &options, compare->plan.message,
                              sizeof compare->plan.message) < 0)
                return false;
            compare->has_server[i] = true;
        }
    }
    return true;
}

static bool add_urls(struct compare *compare)
{
    char url[EMBEDDED_URL_BYTES];
    bool is_good = true;

    for (size_t i = 0; is_good && i < compare->plan.side_count; i++) {
        struct plan_side *side = &compare->plan.sides[i];
        if (!side->is_embedded)
            continue;
        embedded_url(&compare->servers[side->is_https], side->reply_bytes, url);
        is_good = plan_add_word(&compare->plan, &side->run, url);
    }
    return is_good;
}

static void close_servers(struct compare *compare)
{
    for (size_t i = 2; i-- > 0;)
        if (compare->has_server[i])
            embedded_close(&compare->servers[i]);
}

/* --- rounds ----------------------------------------------------------------------------------- */

/* Which side runs at that place of that round. */
static size_t side_at(const struct compare *compare, size_t round, size_t place)
{
    size_t count = compare->plan.side_count;
    size_t from_first = round % 2 == 0 ? place : count - 1 - place;

    return (from_first + round / 2) % count;
}

static bool is_watched(const struct compare *compare)
{
    return !compare->plan.is_quiet && isatty(STDERR_FILENO);
}

/* "\r\033[K": over the line that was there. */
static void show_progress(const struct compare *compare, size_t place, const char *name)
{
    size_t done = compare->rounds_done * compare->plan.side_count + place;
    size_t all = (compare->plan.rounds + 1) * compare->plan.side_count;
    double left_s =
        done > 0 ? clock_seconds_since(compare->began_ns) / (double)done * (double)(all - done) : 0;

    if (!is_watched(compare))
        return;
    if (compare->rounds_done == 0)
        fprintf(stderr, "\r\033[Kwarm-up, %s", name);
    else
        fprintf(stderr, "\r\033[Kround %zu of %zu, %s", compare->rounds_done, compare->plan.rounds,
                name);
    if (done > 0)
        fprintf(stderr, left_s < 120 ? "; %.0f s left" : "; %.0f min left",
                left_s < 120 ? left_s : left_s / 60);
}

static void hide_progress(const struct compare *compare)
{
    if (is_watched(compare))
        fputs("\r\033[K", stderr);
}

/* Returns false. */
static bool fail_run(struct compare *compare, size_t index, const char *sentence)
{
    const char *name = compare->plan.sides[index].name;

    if (compare->rounds_done == 0)
        return fail(compare, "%s, warm-up: %s", name, sentence);
    return fail(compare, "%s, round %zu: %s", name, compare->rounds_done, sentence);
}

static bool is_run(const json_t *json)
{
    const char *kind = text_at(json, "kind");

    return kind != NULL && strcmp(kind, "run") == 0;
}

static bool keep_run(struct compare *compare, size_t index, json_t *run)
{
    if (!is_run(run))
        return fail_run(compare, index, "what it printed is no run");
    json_object_del(run, "histograms");
    compare->runs[index][compare->rounds_done] = json_incref(run);
    return true;
}

/* false: it failed, with a message; or this was interrupted, without one. */
static bool run_side(struct compare *compare, size_t index)
{
    const struct plan_side *side = &compare->plan.sides[index];
    struct child_result result;
    struct child_options options = {
        .program = side->program,
        .words = (const char *const *)side->run.words,
        .word_count = side->run.count,
        .limit_ns = side->limit_ns,
    };
    enum child_end end = child_run(&options, &result);
    bool is_good = end == CHILD_DONE && keep_run(compare, index, result.json);

    if (end == CHILD_FAILED)
        fail_run(compare, index, result.sentence);
    child_result_free(&result);
    return is_good;
}

static bool run_round(struct compare *compare)
{
    for (size_t place = 0; place < compare->plan.side_count; place++) {
        size_t index = side_at(compare, compare->rounds_done, place);
        show_progress(compare, place, compare->plan.sides[index].name);
        if (!run_side(compare, index))
            return false;
    }
    return true;
}

static bool run_rounds(struct compare *compare)
{
    bool is_good = true;

    compare->began_ns = clock_monotonic_ns();
    while (is_good && compare->rounds_done < compare->plan.rounds + 1) {
        is_good = run_round(compare);
        compare->rounds_done += is_good;
    }
    hide_progress(compare);
    return is_good;
}

/* --- the result ------------------------------------------------------------------------------- */

static size_t rounds_counted(const struct compare *compare)
{
    return compare->rounds_done > 0 ? compare->rounds_done - 1 : 0;
}

static json_t *make_json(const struct compare *compare)
{
    static const char *const none[] = {NULL};
    const struct plan *plan = &compare->plan;
    struct comparison_side sides[PLAN_SIDES_MAX];

    for (size_t i = 0; i < plan->side_count; i++)
        sides[i] = (struct comparison_side){
            .name = plan->sides[i].name,
            .program = plan->sides[i].program,
            .options = (const char *const *)plan->sides[i].options.words,
            .runs = compare->runs[i] + 1,
        };
    struct comparison comparison = {
        .sides = sides,
        .side_count = plan->side_count,
        .rounds = rounds_counted(compare),
        .rounds_asked = plan->rounds,
        .server = compare->has_server[0] || compare->has_server[1] ? "embedded" : NULL,
        .common = plan->common.words != NULL ? (const char *const *)plan->common.words : none,
        .metrics = (const char *const *)plan->metrics.words,
        .metric_count = plan->metrics.count,
        .confidence = plan->confidence,
        .same_within = plan->same_within,
        .is_interrupted = signals_first() != 0,
    };
    return comparison_json(&comparison);
}

/* Of rounds that suffice for nothing, nothing is printed. */
static bool print(struct compare *compare, struct replace *output, bool *ret_has_difference)
{
    const char *path = compare->plan.output_path;

    if (rounds_counted(compare) < BOOTSTRAP_ROUNDS_MIN)
        return true;
    json_t *json = make_json(compare);
    if (json == NULL)
        return fail(compare, "out of memory");
    if (compare->plan.is_json) {
        json_dumpf(json, output->out, RESULT_JSON_FLAGS);
        fputc('\n', output->out);
    } else
        comparison_text(output->out, json);
    *ret_has_difference = comparison_has_difference(json);
    json_decref(json);
    int error = replace_commit(output);
    return error == 0 ||
           fail(compare, "%s: %s", path != NULL ? path : "standard output", strerror(-error));
}

static int complain(const struct compare *compare, int status)
{
    fprintf(stderr, "haul bench: compare: %s\n", compare->plan.message);
    return status;
}

static int complain_of_interruption(struct compare *compare)
{
    size_t rounds = rounds_counted(compare);

    fail(compare, "interrupted after %zu complete rounds of %zu%s", rounds, compare->plan.rounds,
         rounds < BOOTSTRAP_ROUNDS_MIN ? ": too few to compare" : "");
    return complain(compare, EXIT_INTERRUPTED);
}

static int complain_of_end(struct compare *compare)
{
    return signals_first() != 0 ? complain_of_interruption(compare)
                                : complain(compare, EXIT_CANNOT);
}

/* A run that failed is told at once; the rounds before it still count. */
static int conduct(struct compare *compare, struct replace *output)
{
    bool has_difference = false;

    if (!open_servers(compare) || !add_urls(compare))
        return complain_of_end(compare);
    int status = run_rounds(compare) ? EXIT_DONE : complain_of_end(compare);
    if (!print(compare, output, &has_difference))
        return complain(compare, EXIT_CANNOT);
    if (status == EXIT_DONE && has_difference && compare->plan.is_failing)
        return EXIT_DIFFERENCE;
    return status;
}

static int work(struct compare *compare)
{
    struct replace output;
    int error = replace_open(&output, compare->plan.output_path);

    if (error != 0) {
        fail(compare, "%s: %s", compare->plan.output_path, strerror(-error));
        return complain(compare, EXIT_CANNOT);
    }
    int status = conduct(compare, &output);
    close_servers(compare);
    if (output.out != NULL)
        replace_abandon(&output);
    return status;
}

int compare_main(int argc, char **argv)
{
    struct compare compare = {.rounds_done = 0};
    int status = EXIT_DONE;

    if (!plan_parse(&compare.plan, argc, argv))
        status = complain(&compare, EXIT_USAGE);
    else if (compare.plan.is_help)
        option_help(stdout, &compare_options);
    else
        status = work(&compare);
    for (size_t i = 0; i < PLAN_SIDES_MAX; i++)
        for (size_t round = 0; round <= BOOTSTRAP_ROUNDS_MAX; round++)
            json_decref(compare.runs[i][round]);
    plan_free(&compare.plan);
    return status;
}
