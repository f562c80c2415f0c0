/* Owns the words of a comparison. The idea: one table has the options that are the comparison's;
 * any other word is the runs', and is checked by what a run itself parses its words with, before
 * the first run begins. */

#include "bench/compare/compare_plan.h"
#include "bench/base/unit.h"
#include "bench/statistics/bootstrap.h"
#include "bench/result/metric.h"
#include "bench/run/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Many short rounds rather than few long ones: a machine that turns faster or slower in between
 * (another load on the same core) then spoils a smaller part of them. Where the user says how long
 * a run is, it is longer, and fewer will do. */
enum { ROUNDS_DEFAULT = 50, ROUNDS_OF_USERS_LENGTH = 20 };

/* A run's time where the user says none; and what a run may take beside it, to start and to end. */
static const char duration_default[] = "300ms";
static const uint64_t duration_default_ns = 300000000;
static const char warm_up_default[] = "0.2";
static const uint64_t slack_ns = 60000000000;

#define METRICS_DEFAULT "rate,cpu,p50,p90,p99,p99.9,mean"

__attribute__((format(printf, 2, 3))) static bool fail(struct plan *plan, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(plan->message, sizeof plan->message, format, arguments);
    va_end(arguments);
    return false;
}

/* --- words ------------------------------------------------------------------------------------ */

bool plan_add_word(struct plan *plan, struct word_list *list, const char *word)
{
    char **longer = realloc(list->words, (list->count + 2) * sizeof *longer);

    if (longer == NULL)
        return fail(plan, "out of memory");
    list->words = longer;
    longer[list->count] = strdup(word);
    longer[list->count + 1] = NULL;
    return longer[list->count++] != NULL || fail(plan, "out of memory");
}

static bool word_list_add_all(struct plan *plan, struct word_list *list, char *const *words)
{
    bool is_good = true;

    for (size_t i = 0; is_good && words != NULL && words[i] != NULL; i++)
        is_good = plan_add_word(plan, list, words[i]);
    return is_good;
}

static bool word_list_add_split(struct plan *plan, struct word_list *list, const char *text)
{
    char *copy = strdup(text), *rest = NULL;
    bool is_good = copy != NULL || fail(plan, "out of memory");

    for (char *word = copy != NULL ? strtok_r(copy, ",", &rest) : NULL; is_good && word != NULL;
         word = strtok_r(NULL, ",", &rest))
        is_good = plan_add_word(plan, list, word);
    free(copy);
    return is_good;
}

static void word_list_free(struct word_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->words[i]);
    free(list->words);
    *list = (struct word_list){0};
}

/* --- options ---------------------------------------------------------------------------------- */

static bool set_side(struct plan *plan, size_t index, const char *text)
{
    size_t position;
    struct plan_side *side = &plan->sides[index];

    words_free(&side->options);
    side->text = text;
    int error = words_split(&side->options, text, &position);
    if (error == -EINVAL)
        return fail(plan, "--%s: the quoting that begins at character %zu has no end: %s",
                    index == 0 ? "a" : "b", position + 1, text + position);
    return error == 0 || fail(plan, "out of memory");
}

static bool set_a(const struct option_taking *taking)
{
    struct plan *plan = taking->into;

    return set_side(plan, 0, taking->value);
}

static bool set_b(const struct option_taking *taking)
{
    struct plan *plan = taking->into;

    return set_side(plan, 1, taking->value);
}

static bool set_rounds(const struct option_taking *taking)
{
    struct plan *plan = taking->into;
    const char *text = taking->value;
    char *end;
    unsigned long rounds = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || rounds < BOOTSTRAP_ROUNDS_MIN ||
        rounds > BOOTSTRAP_ROUNDS_MAX)
        return fail(plan, "--rounds %s: a number from %d to %d is wanted", text,
                    BOOTSTRAP_ROUNDS_MIN, BOOTSTRAP_ROUNDS_MAX);
    plan->rounds = rounds;
    return true;
}

/* "0.99" or "99%". */
static bool parse_share(const char *text, double *ret_share)
{
    const char *end;

    if (!unit_number(text, &end, ret_share))
        return false;
    if (*end == '%') {
        *ret_share /= 100;
        end++;
    }
    return *end == '\0';
}

static bool set_confidence(const struct option_taking *taking)
{
    struct plan *plan = taking->into;
    const char *text = taking->value;

    return (parse_share(text, &plan->confidence) && plan->confidence >= 0.5 &&
            plan->confidence <= 0.999) ||
           fail(plan, "--confidence %s: a number from 0.5 to 0.999 is wanted", text);
}

static bool set_same_within(const struct option_taking *taking)
{
    struct plan *plan = taking->into;
    const char *text = taking->value;

    return (parse_share(text, &plan->same_within) && plan->same_within < 1) ||
           fail(plan, "--same-within %s: a share below 1 is wanted, such as 1%% or 0.01", text);
}

static bool check_metric(struct plan *plan, size_t index)
{
    const char *metric = plan->metrics.words[index];
    char names[METRIC_NAMES_BYTES];

    if (!metric_is_known(metric))
        return fail(plan, "--metrics: there is no '%s'; there are %s", metric, metric_names(names));
    for (size_t i = 0; i < index; i++)
        if (strcmp(plan->metrics.words[i], metric) == 0)
            return fail(plan, "--metrics: '%s' is there twice", metric);
    return true;
}

static bool set_metrics(const struct option_taking *taking)
{
    struct plan *plan = taking->into;
    const char *text = taking->value;

    word_list_free(&plan->metrics);
    if (!word_list_add_split(plan, &plan->metrics, text))
        return false;
    if (plan->metrics.count == 0 || plan->metrics.count > BOOTSTRAP_METRICS_MAX)
        return fail(plan, "--metrics '%s': names of 1 to %d metrics are wanted", text,
                    BOOTSTRAP_METRICS_MAX);
    for (size_t i = 0; i < plan->metrics.count; i++)
        if (!check_metric(plan, i))
            return false;
    return true;
}

static bool set_format(const struct option_taking *taking)
{
    struct plan *plan = taking->into;
    char choices[OPTION_LABEL_BYTES];
    int choice = option_choice(taking->row, taking->value);

    option_choices(taking->row, choices);
    plan->is_json = choice == 1;
    return choice >= 0 || fail(plan, "--format %s: %s is wanted", taking->value, choices);
}

#define AT(member) OPTION_AT(struct plan, member)

/* What is not here is a word for the runs. */
static const struct option_row rows[] = {
    {"a", 0, "OPTIONS", .take = set_a, .help = "what only that side has"},
    {"b", 0, "OPTIONS", .take = set_b, .help = "likewise"},
    {"loops", 0, "LIST", .take = option_take_text, AT(loops),
     .help = "a side for each of these loops"},
    {"program-a", 0, "PATH", .take = option_take_text, AT(sides[0].program),
     .help = "what runs a: a haul-bench"},
    {"program-b", 0, "PATH", .take = option_take_text, AT(sides[1].program), .help = "what runs b"},
    {"rounds", 0, "N", .take = set_rounds, .standard = "50, or 20 with -z or -n",
     .help = "that count"},
    {"confidence", 0, "P", .take = set_confidence, .standard = "0.99",
     .help = "that all intervals of a pair hold at once"},
    {"same-within", 0, "P", .take = set_same_within, .standard = "1%",
     .help = "smaller differences do not matter"},
    {"metrics", 0, "LIST", .take = set_metrics, .standard = METRICS_DEFAULT,
     .help = "what is compared"},
    {"format", 0, "NAME", "text|json", .take = set_format, .standard = "text"},
    {"output", 'o', "FILE", .take = option_take_text, AT(output_path),
     .help = "instead of standard output"},
    {"fail-on-difference", 0, .take = option_take_switch, AT(is_failing),
     .help = "exit status 3 if there is one"},
    {"quiet", 'q', .take = option_take_switch, AT(is_quiet), .help = "no progress"},
    {"help", 0, .take = option_take_switch, AT(is_help), .help = "this"},
};

const struct option_list compare_options = {
    .usage = "usage: haul bench compare --a 'OPTIONS' --b 'OPTIONS'\n"
             "                          [options] [options of all] [URL]\n"
             "       haul bench compare --loops uring,epoll,threads …\n"
             "\n"
             "Runs two or three sides in turns and says what of them\n"
             "differs, and by how much. OPTIONS are those of haul bench.\n"
             "Without a URL the embedded server is started, once.\n"
             "\n",
    .notes = "\n"
             "A run has -z 300ms --warm-up 0.2 if nothing else is said.\n"
             "Exit status: 0, 1 could not be done, 2 usage, 3 see above,\n"
             "130 interrupted: what is known by then is printed.\n",
    .rows = rows,
    .count = sizeof rows / sizeof *rows,
    .has_run_options = true,
};

static bool take_option(struct plan *plan, const struct option_row *row, const char *value)
{
    return row->take(&(struct option_taking){plan, row, value, plan->message});
}

/* The words from *index on that are an option of ours, with its value in the same or the next. */
static bool take_word(struct plan *plan, int argc, char **argv, int *index)
{
    const char *word = argv[*index];
    size_t length = strcspn(word, "=");
    const struct option_row *row = option_find(&compare_options, word, length);
    const char *value = word[length] == '=' ? word + length + 1 : NULL;

    if (row == NULL)
        return plan_add_word(plan, &plan->common, word);
    if (row->value == NULL && value != NULL)
        return fail(plan, "%.*s takes no value", (int)length, word);
    if (row->value != NULL && value == NULL && ++*index == argc)
        return fail(plan, "%s wants a value", word);
    return take_option(plan, row, value != NULL ? value : argv[*index]);
}

static bool take_words(struct plan *plan, int argc, char **argv)
{
    const struct option_row *metrics = option_find(&compare_options, "--metrics", 9);
    bool is_good = take_option(plan, metrics, METRICS_DEFAULT);

    for (int i = 1; is_good && i < argc; i++)
        is_good = take_word(plan, argc, argv, &i);
    return is_good;
}

/* --- sides ------------------------------------------------------------------------------------ */

static bool is_loop(const char *name)
{
    for (int kind = 0; kind < CLIENT_COUNT; kind++)
        if (strcmp(name, client_name((enum client_kind)kind)) == 0)
            return true;
    return false;
}

static bool add_loop_side(struct plan *plan, const char *loop)
{
    char text[32];
    size_t position;
    struct plan_side *side = &plan->sides[plan->side_count];

    if (!is_loop(loop))
        return fail(plan, "--loops %s: uring, epoll and threads are known", plan->loops);
    for (size_t i = 0; i < plan->side_count; i++)
        if (strcmp(plan->sides[i].name, loop) == 0)
            return fail(plan, "--loops %s: %s is there twice", plan->loops, loop);
    snprintf(text, sizeof text, "--loop %s", loop);
    if (words_split(&side->options, text, &position) != 0)
        return fail(plan, "out of memory");
    side->name = side->options.words[1];
    plan->side_count++;
    return true;
}

static bool add_loop_sides(struct plan *plan)
{
    struct word_list loops = {0};
    bool is_good = word_list_add_split(plan, &loops, plan->loops);

    for (size_t i = 0; is_good && i < loops.count; i++)
        is_good = add_loop_side(plan, loops.words[i]);
    word_list_free(&loops);
    if (is_good && plan->side_count < 2)
        is_good = fail(plan, "--loops %s: two or three of uring, epoll and threads are wanted",
                       plan->loops);
    return is_good;
}

/* A side of which nothing was said has no options of its own. */
static bool add_sides(struct plan *plan)
{
    struct plan_side *a = &plan->sides[0], *b = &plan->sides[1];
    bool has_sides = a->text != NULL || b->text != NULL || a->program != NULL || b->program != NULL;

    if (has_sides && plan->loops != NULL)
        return fail(plan, "--loops makes the sides itself: not with --a, --b, --program-a or "
                          "--program-b");
    if (plan->loops != NULL)
        return add_loop_sides(plan);
    if (!has_sides)
        return fail(plan, "says not what to compare: --a and --b, or --loops (see --help)");
    a->name = "a";
    b->name = "b";
    plan->side_count = 2;
    return (a->text != NULL || set_side(plan, 0, "")) && (b->text != NULL || set_side(plan, 1, ""));
}

/* Those of the embedded server are taken by us, and no run knows them. */
static bool add_run_words(struct plan *plan, struct plan_side *side, char *const *words)
{
    bool is_good = true;

    for (size_t i = 0; is_good && words != NULL && words[i] != NULL; i++) {
        size_t length = strcspn(words[i], "=");
        const struct option_row *row = option_find(&run_options, words[i], length);
        bool has_value = row != NULL && row->value != NULL && words[i][length] == '\0';
        if (row == NULL || !row->is_server)
            is_good = plan_add_word(plan, &side->run, words[i]);
        else if (has_value && words[i + 1] != NULL)
            i++;
    }
    return is_good;
}

/* What a run does with its result is ours to say. */
static bool check_options(struct plan *plan, const struct plan_side *side,
                          const struct options *options)
{
    if (options->format != FORMAT_TEXT || options->output_path != NULL ||
        options->hdr_path != NULL || options->timeline_path != NULL || options->find_max_count > 0)
        return fail(plan,
                    "%s: --format, -o, --hdr, --timeline and --find-max are not for a run of a "
                    "comparison",
                    side->name);
    return true;
}

static bool plan_run(struct plan *plan, struct plan_side *side, const struct options *options)
{
    const struct load_options *load = &options->load;
    bool is_bounded = load->requests != 0 || load->duration_ns != 0;
    uint64_t duration_ns = is_bounded ? load->duration_ns : duration_default_ns;
    uint64_t timeout_ns = load_filled(load).timeout_ns;
    uint64_t warm_up_ns = load->warm_up_ns > 0 ? (uint64_t)load->warm_up_ns : 0;

    side->is_embedded = options->is_embedded;
    side->is_https = options->is_https;
    side->reply_bytes = options->reply_bytes;
    if (duration_ns != 0)
        side->limit_ns = 2 * duration_ns + warm_up_ns + timeout_ns + slack_ns;
    plan->has_users_length |= is_bounded;
    return (is_bounded || (plan_add_word(plan, &side->run, "-z") &&
                           plan_add_word(plan, &side->run, duration_default))) &&
           plan_add_word(plan, &side->run, "--warm-up") &&
           plan_add_word(plan, &side->run, is_bounded ? "auto" : warm_up_default) &&
           plan_add_word(plan, &side->run, "-q") && add_run_words(plan, side, plan->common.words) &&
           add_run_words(plan, side, side->options.words) &&
           (!side->is_https || plan_add_word(plan, &side->run, "-k"));
}

/* The words are checked as a run would, before anything is run. */
static bool check_side(struct plan *plan, struct plan_side *side)
{
    struct word_list words = {0};
    struct options options = {0};
    char why[OPTIONS_MESSAGE_BYTES] = "--help and --version are no run's";

    bool is_good = plan_add_word(plan, &words, "compare") &&
                   word_list_add_all(plan, &words, plan->common.words) &&
                   word_list_add_all(plan, &words, side->options.words);
    if (is_good && options_parse(&options, (int)words.count, words.words, why) != OPTIONS_RUN)
        is_good = fail(plan, "%s: %s", side->name, why);
    is_good = is_good && check_options(plan, side, &options) && plan_run(plan, side, &options);
    options_free(&options);
    word_list_free(&words);
    return is_good;
}

bool plan_parse(struct plan *ret_plan, int argc, char **argv)
{
    *ret_plan = (struct plan){.confidence = 0.99, .same_within = 0.01};
    bool is_good = take_words(ret_plan, argc, argv);

    if (is_good && ret_plan->is_help)
        return true;
    is_good = is_good && add_sides(ret_plan);
    for (size_t i = 0; is_good && i < ret_plan->side_count; i++)
        is_good = check_side(ret_plan, &ret_plan->sides[i]);
    if (ret_plan->rounds == 0)
        ret_plan->rounds = ret_plan->has_users_length ? ROUNDS_OF_USERS_LENGTH : ROUNDS_DEFAULT;
    return is_good;
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < PLAN_SIDES_MAX; i++) {
        words_free(&plan->sides[i].options);
        word_list_free(&plan->sides[i].run);
    }
    word_list_free(&plan->common);
    word_list_free(&plan->metrics);
}
