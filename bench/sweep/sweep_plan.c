/* Owns the words of a sweep. The idea: every cell's words are parsed here as its run will parse
 * them, so that a value which cannot be used is an error now, and not in the middle of the
 * night. */

#include "bench/sweep/sweep_plan.h"

#include "bench/run/options.h"
#include "bench/result/records.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { ROUNDS_DEFAULT = 5 };

/* What a run takes beside its window. */
static const double warm_up_auto_s = 1.0, process_s = 0.3;

__attribute__((format(printf, 2, 3))) static bool fail(struct sweep_plan *plan, const char *format,
                                                       ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(plan->message, sizeof plan->message, format, arguments);
    va_end(arguments);
    return false;
}

/* --- words ------------------------------------------------------------------------------------ */

static bool parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *ret_number)
{
    char *end;

    errno = 0;
    *ret_number = strtoull(text, &end, 10);
    return isdigit((unsigned char)*text) && *end == '\0' && errno == 0 && *ret_number >= least &&
           *ret_number <= most;
}

static bool take_rounds(const struct option_taking *taking)
{
    struct sweep_plan *plan = taking->into;
    uint64_t rounds;

    if (!parse_number(taking->value, 1, RECORDS_RUNS_MAX, &rounds))
        return fail(plan, "--rounds %s: a number from 1 on is wanted", taking->value);
    plan->rounds = (uint32_t)rounds;
    return true;
}

static bool take_seed(const struct option_taking *taking)
{
    struct sweep_plan *plan = taking->into;

    plan->has_seed = parse_number(taking->value, 0, INT64_MAX, &plan->seed);
    return plan->has_seed || fail(plan, "--seed %s: a number is wanted", taking->value);
}

#define AT(member) OPTION_AT(struct sweep_plan, member)

/* What is not here is a word for the runs. */
static const struct option_row rows[] = {
    {"matrix", 0, "TEXT", .take = option_take_text, AT(matrix_text),
     .help = "'loop=uring,epoll;c=1,64;tls=off,on'"},
    {"rounds", 0, "N", .take = take_rounds, .standard = "5", .help = "may be raised later"},
    {"output", 'o', "FILE", .take = option_take_text, AT(path), .help = "JSON, one line a cell"},
    {"csv", 0, "FILE", .take = option_take_text, AT(csv_path),
     .help = "at the end, all that is there: a row a cell and round"},
    {"seed", 0, "N", .take = take_seed, .standard = "random", .help = "of the order"},
    {"dry-run", 0, .take = option_take_switch, AT(is_dry),
     .help = "prints the cells and how long they take"},
    {"quiet", 'q', .take = option_take_switch, AT(is_quiet), .help = "no progress"},
    {"help", 0, .take = option_take_switch, AT(is_help), .help = "this"},
};

const struct option_list sweep_options = {
    .usage = "usage: haul bench sweep --matrix TEXT -o FILE [options]\n"
             "                        [options of a run] [URL]\n"
             "\n"
             "Runs every cell of a matrix, in random order, so many\n"
             "rounds. Run again after an interruption, it does only what\n"
             "is missing, and what failed.\n"
             "\n",
    .notes = "",
    .rows = rows,
    .count = sizeof rows / sizeof *rows,
    .has_run_options = true,
};

/* The option that a word is, alone or as --option=value; NULL: none of ours. */
static const struct option_row *find_own(const char *word)
{
    size_t length = strcspn(word, "=");
    const struct option_row *row = option_find(&sweep_options, word, length);
    bool may_have_value = row != NULL && length > 2 && row->value != NULL;

    return word[length] == '\0' || may_have_value ? row : NULL;
}

/* Takes the word at *index, and its value. */
static bool take_word(struct sweep_plan *plan, char **argv, int *index)
{
    const char *word = argv[*index];
    const struct option_row *row = find_own(word);

    if (row == NULL) {
        plan->words[plan->word_count++] = word;
        return strcmp(word, "--") != 0 || fail(plan, "'--' has no place here");
    }
    const char *value = strchr(word, '=');
    if (value != NULL)
        value++;
    else if (row->value != NULL)
        value = argv[++*index];
    if (row->value != NULL && value == NULL)
        return fail(plan, "%s: needs a value", word);
    return row->take(&(struct option_taking){plan, row, value, plan->message});
}

static bool take_words(struct sweep_plan *plan, int argc, char **argv)
{
    plan->words = calloc((size_t)argc + 4, sizeof *plan->words);
    if (plan->words == NULL)
        return fail(plan, "no memory");
    for (int i = 1; i < argc; i++)
        if (!take_word(plan, argv, &i))
            return false;
    if (plan->is_help)
        return true;
    if (plan->matrix_text == NULL)
        return fail(plan, "--matrix is missing (--help shows one)");
    if (plan->path == NULL && !plan->is_dry)
        return fail(plan, "-o FILE is missing");
    return true;
}

/* --- what the words of a run amount to -------------------------------------------------------- */

static bool check_options(struct sweep_plan *plan, enum options_verdict verdict,
                          const struct options *options)
{
    if (verdict == OPTIONS_HELP || verdict == OPTIONS_VERSION)
        return fail(plan, "--version is no option of a sweep's run");
    if (options->output_path != NULL || options->hdr_path != NULL)
        return fail(plan, "--hdr is no option of a sweep's run: the file has the histograms");
    if (options->timeline_path != NULL)
        return fail(plan, "--timeline is no option of a sweep's run: the file has the intervals");
    if (options->format != FORMAT_JSON)
        return fail(plan, "--format is no option of a sweep's run");
    return options->find_max_count == 0 || fail(plan, "--find-max is no option of a sweep's run");
}

/* Parses the words of a cell as its run will. options_free() follows in every case. */
static bool parse_cell(struct sweep_plan *plan, size_t cell, struct options *ret_options)
{
    static char name[] = "haul bench", option[] = "--format", value[] = "json";
    char text[MATRIX_MESSAGE_BYTES], message[OPTIONS_MESSAGE_BYTES];
    struct matrix_words words;
    enum options_verdict verdict = OPTIONS_BAD;

    *ret_options = (struct options){0};
    if (!matrix_words(&plan->matrix, cell, &plan->base, &words))
        return fail(plan, "no memory");
    snprintf(message, sizeof message, "no memory");
    char **argv = calloc(words.count + 4, sizeof *argv);
    if (argv != NULL) {
        memcpy(argv, (char *[]){name, option, value}, 3 * sizeof *argv);
        memcpy(argv + 3, words.words, words.count * sizeof *argv);
        verdict = options_parse(ret_options, (int)words.count + 3, argv, message);
    }
    free(argv);
    matrix_words_free(&words);
    matrix_text(&plan->matrix, cell, text, sizeof text);
    return verdict == OPTIONS_BAD ? fail(plan, "%s: %s", text, message)
                                  : check_options(plan, verdict, ret_options);
}

static void expect(struct sweep_plan *plan, const struct load_options *load)
{
    double warm_up_s = load->warm_up_ns < 0 ? warm_up_auto_s : (double)load->warm_up_ns / 1e9;
    double run_s = (double)load->duration_ns / 1e9 + warm_up_s + process_s;

    if (load->duration_ns != 0 && run_s > plan->run_s)
        plan->run_s = run_s;
}

static void put_first(struct sweep_plan *plan, const char *option, const char *value)
{
    memmove(plan->words + 2, plan->words, plan->word_count * sizeof *plan->words);
    plan->words[0] = option;
    plan->words[1] = value;
    plan->word_count += 2;
}

/* Parses as if the words named targets, so that no axis adds what only the embedded server is told:
 * whether they do is then there to see. Words that are not good may say how long a run is too: then
 * nothing is added that would be blamed in their place. */
static bool parse_base(struct sweep_plan *plan, bool *ret_is_bounded, bool *ret_has_server)
{
    struct options options;

    plan->base = (struct matrix_base){plan->words, plan->word_count, true};
    bool is_good = parse_cell(plan, 0, &options);
    *ret_is_bounded =
        options.load.duration_ns != 0 || options.load.requests != 0 || options.load.stage_count > 0;
    *ret_has_server = !options.is_embedded;
    options_free(&options);
    return is_good;
}

/* Defaults go before the words, so that theirs count. There may be words that need the window's
 * to be good. */
static bool take_defaults(struct sweep_plan *plan)
{
    bool is_bounded, has_server;

    parse_base(plan, &is_bounded, &has_server);
    put_first(plan, "--warm-up", "auto");
    if (!is_bounded)
        put_first(plan, "-z", "2s");
    bool is_good = parse_base(plan, &is_bounded, &has_server);
    plan->base.has_server = has_server;
    return is_good;
}

static bool check_cells(struct sweep_plan *plan)
{
    for (size_t cell = 0; cell < plan->matrix.cell_count; cell++) {
        struct options options;
        bool is_good = parse_cell(plan, cell, &options);
        if (is_good)
            expect(plan, &options.load);
        options_free(&options);
        if (!is_good)
            return false;
    }
    return true;
}

static bool lay_out(struct sweep_plan *plan)
{
    char message[MATRIX_MESSAGE_BYTES];

    if (matrix_parse(&plan->matrix, plan->matrix_text, message) != 0)
        return fail(plan, "--matrix: %s", message);
    if (!take_defaults(plan))
        return false;
    if (!matrix_check(&plan->matrix, &plan->base, message))
        return fail(plan, "--matrix: %s", message);
    if (plan->rounds > RECORDS_RUNS_MAX / plan->matrix.cell_count)
        return fail(plan, "more than %d runs", RECORDS_RUNS_MAX);
    plan->run_count = plan->rounds * plan->matrix.cell_count;
    return check_cells(plan);
}

/* --- a plan ----------------------------------------------------------------------------------- */

bool sweep_plan_open(struct sweep_plan *plan, int argc, char **argv)
{
    uint32_t seed = 0;

    *plan = (struct sweep_plan){.rounds = ROUNDS_DEFAULT};
    if (!take_words(plan, argc, argv))
        return false;
    if (!plan->has_seed && getrandom(&seed, sizeof seed, 0) == sizeof seed)
        plan->seed = seed;
    return plan->is_help || lay_out(plan);
}

void sweep_plan_close(struct sweep_plan *plan)
{
    matrix_free(&plan->matrix);
    free(plan->words);
}
