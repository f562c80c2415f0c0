/* haul-bench, which `haul bench` runs: main(), and a run of load from its words to its exit status.
 * The other subcommands are drivers of such runs, or read what they left. */

#include "bench/commands.h"
#include "bench/run/calibrate.h"
#include "bench/run/embedded.h"
#include "bench/result/environment.h"
#include "bench/run/find_max.h"
#include "bench/statistics/hdrlog.h"
#include "bench/result/instrument.h"
#include "bench/run/live.h"
#include "bench/run/options.h"
#include "bench/base/exit_status.h"
#include "bench/base/json_at.h"
#include "bench/base/replace.h"
#include "bench/result/result.h"
#include "bench/load/conductor.h"
#include "bench/base/signals.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { INTERVAL_TEXT_BYTES = THRESHOLD_SENTENCE_BYTES + 80 };

enum { MESSAGE_BYTES = 400, FIND_MAX_TRIAL_S = 3 };

/* A run, and what belongs to it. */
struct bench {
    struct options options;
    struct embedded embedded;
    bool has_embedded;
    char url[EMBEDDED_URL_BYTES];
    const char *urls[2];
    json_t *calibration;
    json_t *environment;
    struct replace output;
    struct replace hdr;
    FILE *timeline;               /* NULL: none */
    struct instrument instrument; /* of the last run */
    char message[MESSAGE_BYTES];
};

static int complain(const char *message)
{
    fprintf(stderr, "haul bench: %s\n", message);
    return EXIT_CANNOT;
}

static int complain_of(const char *path, int error)
{
    fprintf(stderr, "haul bench: %s: %s\n", path, strerror(-error));
    return EXIT_CANNOT;
}

/* --- the server ------------------------------------------------------------------------------- */

/* Its certificate is nobody's, so that it is not looked at. */
static int server_start(struct bench *bench)
{
    struct options *options = &bench->options;
    struct embedded_options wanted = {.is_tls = options->is_https, .is_apart = true};
    if (!options->is_embedded)
        return 0;
    if (embedded_open(&bench->embedded, &wanted, bench->message, sizeof bench->message) < 0)
        return complain(bench->message);
    bench->has_embedded = true;
    embedded_url(&bench->embedded, options->reply_bytes, bench->url);
    bench->urls[0] = bench->url;
    options->load.urls = bench->urls;
    options->load.url_count = 1;
    options->load.tls.insecure |= options->is_https;
    return 0;
}

/* --- one run ---------------------------------------------------------------------------------- */

/* The processors that the calling thread may use: "0,2". */
static void processors_text(char *text, size_t size)
{
    cpu_set_t set;
    size_t length = 0;
    text[0] = '\0';
    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE && length < size; cpu++)
        if (CPU_ISSET(cpu, &set))
            length +=
                (size_t)snprintf(text + length, size - length, length > 0 ? ",%d" : "%d", cpu);
}

/* What was found before the load, and what is known only now. */
static void environment_finish(struct bench *bench, const struct load_result *result)
{
    char processors[128];
    const char *ring = result->loop_reason;
    processors_text(processors, sizeof processors);
    json_object_set_new(bench->environment, "ring", ring[0] ? json_string(ring) : json_null());
    if (bench->options.load.is_pinned || bench->has_embedded)
        json_object_set_new(bench->environment, "client_processors", json_string(processors));
    if (bench->has_embedded && bench->embedded.cpu >= 0)
        json_object_set_new(bench->environment, "server_processors",
                            json_sprintf("%d", bench->embedded.cpu));
}

/* What looks on while a run is under way. */
struct sight {
    struct bench *bench;
    struct live_view view;
    bool is_live;
    bool is_open_loop;
    bool has_begun;
    uint64_t window_ns; /* UINT64_MAX: not bounded */
    int error;          /* of what an interval was written to */
    const char *error_path;
    const struct load_options *load;
    char aborted[INTERVAL_TEXT_BYTES]; /* why; "": it was not */
};

static void on_progress(void *context, const struct run_progress *progress)
{
    struct sight *sight = context;
    if (sight->is_live)
        live_draw(&sight->view, progress);
}

/* false: out has failed. */
static bool hdr_write(struct sight *sight, const struct interval_view *view)
{
    struct hdrlog_interval interval = {sight->is_open_loop ? "actual" : NULL, view->row->start_ns,
                                       view->row->end_ns};
    FILE *out = sight->bench->hdr.out;
    if (!sight->has_begun && !hdrlog_begin(out, (uint64_t)(view->started_at * 1e9)))
        return false;
    sight->has_begun = true;
    if (!hdrlog_write(out, &interval, &view->stats->actual))
        return false;
    interval.tag = "intended";
    return (!sight->is_open_loop || hdrlog_write(out, &interval, &view->stats->intended)) &&
           fflush(out) == 0;
}

static bool timeline_write(const struct sight *sight, const struct interval_view *view)
{
    timeline_csv_row(sight->bench->timeline, view->row, sight->window_ns);
    return fflush(sight->bench->timeline) == 0;
}

/* The first of the conditions that is met, or not; with its sentence. */
static bool is_one(const json_t *run, const struct threshold *list, size_t count, bool is_met,
                   char *ret_sentence)
{
    for (size_t i = 0; i < count; i++)
        if (threshold_check(&list[i], run, ret_sentence) == is_met)
            return true;
    return false;
}

/* An interval is looked at as if it were a run. Where nothing has finished it says nothing. */
static bool is_to_end(struct sight *sight, const struct interval_view *view)
{
    const struct options *options = &sight->bench->options;
    double start_s = (double)view->row->start_ns / 1e9, end_s = (double)view->row->end_ns / 1e9;
    char sentence[THRESHOLD_SENTENCE_BYTES];
    bool has_conditions = options->abort_on_count > 0 || options->is_aborting_unmet;
    if (!has_conditions || view->row->requests == 0)
        return false;
    struct load_result interval = {.options = sight->load,
                                   .loop = "",
                                   .stats = *view->stats,
                                   .window_s = end_s - start_s,
                                   .elapsed_s = end_s - start_s};
    json_t *run = result_json(&interval, &(struct result_context){0});
    size_t asserted = options->is_aborting_unmet ? options->threshold_count : 0;
    bool is_over =
        run != NULL && (is_one(run, options->abort_on, options->abort_on_count, true, sentence) ||
                        is_one(run, options->thresholds, asserted, false, sentence));
    if (is_over)
        snprintf(sight->aborted, sizeof sight->aborted, "between %.6g s and %.6g s: %s", start_s,
                 end_s, sentence);
    json_decref(run);
    return is_over;
}

/* As they come, so that who reads along has them. */
static bool on_interval(void *context, const struct interval_view *view)
{
    struct sight *sight = context;
    if (sight->bench->hdr.out && !hdr_write(sight, view))
        sight->error_path = sight->bench->options.hdr_path;
    else if (sight->bench->timeline && !timeline_write(sight, view))
        sight->error_path = sight->bench->options.timeline_path;
    if (sight->error_path)
        sight->error = errno;
    return !sight->error_path && !is_to_end(sight, view);
}

/* The run's JSON, a new reference; NULL, with bench->message: it could not be done. */
static json_t *bench_run(struct bench *bench, const struct load_options *load)
{
    struct load_result result;
    struct load_options filled = load_filled(load);
    struct sight sight = {
        .bench = bench,
        .is_live = !bench->options.is_quiet && isatty(STDERR_FILENO),
        .load = load,
        .is_open_loop = load_is_open(load),
        .window_ns = filled.duration_ns > 0 ? filled.duration_ns : UINT64_MAX,
    };
    struct run_watch watch = {on_progress, &sight, LIVE_INTERVAL_MS, on_interval};
    if (sight.is_live)
        live_open(&sight.view, stderr, load);
    int error = load_run(load, &watch, &result, bench->message, sizeof bench->message);
    if (sight.is_live)
        live_close(&sight.view);
    if (error)
        return NULL;
    if (sight.error_path) {
        snprintf(bench->message, sizeof bench->message, "%s: %s", sight.error_path,
                 strerror(sight.error));
        load_result_close(&result);
        return NULL;
    }
    instrument_judge(&bench->instrument, &result, result.processors);
    environment_finish(bench, &result);
    struct result_context context = {
        .server = bench->has_embedded ? "embedded" : NULL,
        .instrument = &bench->instrument,
        .environment = bench->environment,
        .calibration = bench->calibration,
        .thresholds = bench->options.thresholds,
        .threshold_count = bench->options.threshold_count,
        .has_histograms = true,
        .aborted = sight.aborted,
    };
    json_t *run = result_json(&result, &context);
    if (!run)
        snprintf(bench->message, sizeof bench->message, "out of memory");
    load_result_close(&result);
    return run;
}

static json_t *trial(void *context, double rate)
{
    struct bench *bench = context;
    struct load_options load = bench->options.load;
    load.rate_from = load.rate_to = rate;
    if (load.duration_ns == 0)
        load.duration_ns = (uint64_t)FIND_MAX_TRIAL_S * 1000000000;
    if (signals_first() != 0)
        return json_pack("{s:b}", "interrupted", 1);
    json_t *run = bench_run(bench, &load);
    if (run && !bench->options.is_quiet && isatty(STDERR_FILENO))
        fprintf(stderr, "tried %.0f requests/s\n", rate);
    return run;
}

/* What is asserted counts in each trial. */
static json_t *search(struct bench *bench)
{
    const struct options *options = &bench->options;
    size_t count = options->find_max_count + options->threshold_count;
    struct threshold *conditions = calloc(count, sizeof *conditions);
    if (!conditions)
        return NULL;
    memcpy(conditions, options->find_max, options->find_max_count * sizeof *conditions);
    for (size_t i = 0; i < options->threshold_count; i++)
        conditions[options->find_max_count + i] = options->thresholds[i];
    json_t *run = find_max(conditions, count, trial, bench);
    free(conditions);
    return run;
}

/* A search has failed where nothing held; else it is as good as the run that was found. */
static int exit_status(const struct bench *bench, const json_t *run)
{
    const json_t *found = json_object_get(run, "find_max");
    const char *name = text_at(json_object_get(run, "instrument"), "verdict");
    struct instrument instrument = bench->instrument;
    if (signals_first())
        return EXIT_INTERRUPTED;
    if (json_is_string(json_object_get(run, "aborted")))
        return EXIT_UNMET;
    if (!result_is_met(run) || (found && json_is_null(json_object_get(found, "rate"))))
        return EXIT_UNMET;
    for (int i = INSTRUMENT_OK; i <= INSTRUMENT_CLIENT_BOUND; i++)
        if (name && strcmp(name, instrument_verdict_name((enum instrument_verdict)i)) == 0)
            instrument.verdict = (enum instrument_verdict)i;
    return instrument_exit_status(&instrument);
}

/* --- from words to exit status ---------------------------------------------------------------- */

static int outputs_open(struct bench *bench)
{
    const struct options *options = &bench->options;
    int error = replace_open(&bench->output, options->output_path);
    if (error)
        return complain_of(options->output_path, error);
    error = options->hdr_path ? replace_open(&bench->hdr, options->hdr_path) : 0;
    if (error)
        return complain_of(options->hdr_path, error);
    if (!options->timeline_path)
        return 0;
    bench->timeline = fopen(options->timeline_path, "we");
    if (!bench->timeline)
        return complain_of(options->timeline_path, -errno);
    timeline_csv_head(bench->timeline);
    return 0;
}

static int outputs_commit(struct bench *bench)
{
    const char *path = bench->options.output_path;
    int error = replace_commit(&bench->output);
    if (error)
        return complain_of(path ? path : "standard output", error);
    error = bench->hdr.out ? replace_commit(&bench->hdr) : 0;
    if (error)
        return complain_of(bench->options.hdr_path, error);
    FILE *timeline = bench->timeline;
    bench->timeline = NULL;
    return timeline && fclose(timeline) != 0 ? complain_of(bench->options.timeline_path, -errno)
                                             : 0;
}

static int work(struct bench *bench)
{
    struct options *options = &bench->options;
    int status = outputs_open(bench);
    if (status)
        return status;
    bench->environment = environment_json(NULL);
    if (options->is_calibrating) {
        bench->calibration = calibrate(&options->load, bench->message, sizeof bench->message);
        if (!bench->calibration)
            return complain(bench->message);
    }
    status = server_start(bench);
    if (status)
        return status;
    json_t *run = options->find_max_count > 0 ? search(bench) : bench_run(bench, &options->load);
    if (!run)
        return signals_first() ? EXIT_INTERRUPTED : complain(bench->message);
    result_put(bench->output.out, run, options->format);
    int wanted = exit_status(bench, run);
    json_decref(run);
    status = outputs_commit(bench);
    return status ? status : wanted;
}

static int run_main(int argc, char **argv)
{
    static struct bench bench;
    int status = EXIT_DONE;
    switch (options_parse(&bench.options, argc, argv, bench.message)) {
    case OPTIONS_BAD:
        complain(bench.message);
        status = EXIT_USAGE;
        break;
    case OPTIONS_HELP:
        option_help(stdout, &run_options);
        break;
    case OPTIONS_VERSION:
        puts("haul bench " HAUL_VERSION);
        break;
    case OPTIONS_RUN:
        status = work(&bench);
        break;
    }
    if (bench.output.out)
        replace_abandon(&bench.output);
    if (bench.hdr.out)
        replace_abandon(&bench.hdr);
    if (bench.timeline)
        fclose(bench.timeline);
    if (bench.has_embedded)
        embedded_close(&bench.embedded);
    json_decref(bench.calibration);
    json_decref(bench.environment);
    options_free(&bench.options);
    return status;
}

/* A word of letters alone is no URL; it was meant for one of the subcommands. */
static bool is_bare_word(const char *word)
{
    return word[0] != '\0' && word[strspn(word, "abcdefghijklmnopqrstuvwxyz")] == '\0';
}

static int refuse_word(const char *word)
{
    fprintf(stderr, "haul bench: '%s' is no URL, and not one of", word);
    for (size_t i = 0; i < command_count; i++)
        if (commands[i].run)
            fprintf(stderr, " %s%s", commands[i].name, i + 1 < command_count ? "," : "\n");
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    signals_catch();
    for (size_t i = 0; argc > 1 && i < command_count; i++)
        if (commands[i].run != NULL && strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (argc > 1 && is_bare_word(argv[1]))
        return refuse_word(argv[1]);
    return run_main(argc, argv);
}
