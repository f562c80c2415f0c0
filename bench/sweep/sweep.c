/* Owns the course of a sweep. The idea: the file is the only state. What is to be done is all cells
 * of all rounds less those that the file has, and so a sweep that was killed, one that was stopped
 * and one that has never begun are the same case.
 *
 * Each run is a process with an embedded server of its own: no cell meets what another left
 * behind, and nothing outlives a sweep that is killed. */

#include "bench/sweep/sweep.h"

#include "bench/base/child.h"
#include "bench/base/clock.h"
#include "bench/base/exit_status.h"
#include "bench/base/journal.h"
#include "bench/base/prose.h"
#include "bench/result/axes.h"
#include "bench/result/records.h"
#include "bench/result/result.h"
#include "bench/base/signals.h"
#include "bench/sweep/sweep_csv.h"
#include "bench/sweep/sweep_plan.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    MESSAGE_BYTES = 600,
    CELL_TEXT_BYTES = 256,
    COLUMNS_DEFAULT = 80,
    LINES_OF_PROGRESS = 20, /* where it is no terminal */
};

/* A run that takes so much longer than expected is taken for hung. */
static const double patience_s = 300.0;

enum cell_state { MISSING, FAILED, DONE };

struct sweep {
    const char *program;
    struct sweep_plan plan;
    struct journal journal;
    unsigned char *states; /* enum cell_state: round by round, the cells */
    size_t *order;         /* of the cells in a round */
    size_t done;

    bool is_terminal;
    bool is_line_open; /* the cursor stands in a line of progress */
    uint64_t began_ns;
    size_t tried; /* since then */
    char message[MESSAGE_BYTES];
};

__attribute__((format(printf, 2, 3))) static bool fail(struct sweep *sweep, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sweep->message, sizeof sweep->message, format, arguments);
    va_end(arguments);
    return false;
}

__attribute__((format(printf, 2, 3))) static void say(struct sweep *sweep, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%shaul bench: sweep: ", sweep->is_line_open ? "\r\033[K" : "");
    sweep->is_line_open = false;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static void cell_text(const struct sweep *sweep, size_t cell, char *ret_text)
{
    matrix_text(&sweep->plan.matrix, cell, ret_text, CELL_TEXT_BYTES);
}

/* --- the file --------------------------------------------------------------------------------- */

/* A line for the file; NULL: no memory, or a word that is not UTF-8. Takes the object. */
static char *line_of(json_t *object)
{
    char *text = object != NULL ? json_dumps(object, RESULT_JSON_FLAGS) : NULL;
    size_t length = text != NULL ? strlen(text) : 0;
    char *line = text != NULL ? realloc(text, length + 2) : NULL;

    json_decref(object);
    if (line == NULL)
        free(text);
    else
        memcpy(line + length, "\n", 2);
    return line;
}

static json_t *options_json(const struct sweep *sweep)
{
    json_t *list = json_array();

    for (size_t i = 0; i < sweep->plan.word_count; i++)
        if (json_array_append_new(list, json_string(sweep->plan.words[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static char *head_line(const struct sweep *sweep)
{
    return line_of(json_pack("{ss ss ss si so so si sI}", "schema", RECORDS_SCHEMA, "kind", "sweep",
                             "matrix", sweep->plan.matrix_text, "rounds", (int)sweep->plan.rounds,
                             "options", options_json(sweep), "axes",
                             matrix_axes(&sweep->plan.matrix), "cells", (int)sweep->plan.run_count,
                             "seed", (json_int_t)sweep->plan.seed));
}

static bool write_head(struct sweep *sweep, off_t old_bytes)
{
    char *line = head_line(sweep);

    if (line == NULL)
        return fail(sweep, "no memory, or an option that is not UTF-8");
    bool is_good = journal_replace_first(&sweep->journal, old_bytes, line, sweep->message);
    free(line);
    return is_good;
}

/* true: both are the same JSON, in the same order. Takes both. */
static bool compare(struct sweep *sweep, const char *what, json_t *theirs, json_t *ours)
{
    char *theirs_text = theirs != NULL ? json_dumps(theirs, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    char *ours_text = ours != NULL ? json_dumps(ours, JSON_COMPACT) : NULL;
    bool is_same = theirs_text != NULL && ours_text != NULL && strcmp(theirs_text, ours_text) == 0;

    if (!is_same)
        fail(sweep, "%s:1: is of another sweep: its %s are %.200s, now they are %.200s",
             sweep->plan.path, what, theirs_text != NULL ? theirs_text : "missing",
             ours_text != NULL ? ours_text : "out of memory");
    free(theirs_text);
    free(ours_text);
    json_decref(theirs);
    json_decref(ours);
    return is_same;
}

static bool compare_heads(struct sweep *sweep, const struct records *records)
{
    if (records->rounds > sweep->plan.rounds)
        return fail(sweep,
                    "%s:1: has %" PRIu32 " rounds, which may grow, but not shrink to %" PRIu32,
                    sweep->plan.path, records->rounds, sweep->plan.rounds);
    return compare(sweep, "axes", matrix_axes(&records->matrix),
                   matrix_axes(&sweep->plan.matrix)) &&
           compare(sweep, "options", json_incref(json_object_get(records->head, "options")),
                   options_json(sweep));
}

/* Cells that failed are to be tried again: they stay missing. */
static bool read_cells(struct sweep *sweep, struct records *records, size_t *ret_count)
{
    struct record record;
    enum records_next next;

    for (*ret_count = 0; (next = records_read(records, &record)) == RECORDS_ONE; ++*ret_count) {
        if (*ret_count == 0 && !compare_heads(sweep, records)) {
            record_free(&record);
            return false;
        }
        size_t index = (record.round - 1) * sweep->plan.matrix.cell_count + record.cell;
        if (record.run != NULL && sweep->states[index] != DONE) {
            sweep->states[index] = DONE;
            sweep->done++;
        }
        record_free(&record);
    }
    return next == RECORDS_END || fail(sweep, "%s", records->message);
}

static bool drop_tail(struct sweep *sweep, const struct records *records)
{
    if (!records->is_torn)
        return true;
    say(sweep, "%s:%zu: a line without its end, dropped", sweep->plan.path, records->line + 1);
    return journal_truncate(&sweep->journal, records->whole_bytes, sweep->message);
}

/* A file without a cell has nothing to lose, so that it becomes this sweep's. */
static bool continue_file(struct sweep *sweep, struct records *records)
{
    size_t count;

    if (!records_open(records, sweep->plan.path))
        return fail(sweep, "%s", records->message);
    if (records->head == NULL)
        return fail(sweep, "%s: is a run, not a sweep", sweep->plan.path);
    if (!read_cells(sweep, records, &count) || !drop_tail(sweep, records))
        return false;
    json_t *seed = json_object_get(records->head, "seed");
    if (count > 0 && json_is_integer(seed))
        sweep->plan.seed = (uint64_t)json_integer_value(seed);
    return (count > 0 && records->rounds == sweep->plan.rounds) ||
           write_head(sweep, records->head_bytes);
}

static bool open_file(struct sweep *sweep)
{
    struct records records;

    if (!journal_open(&sweep->journal, sweep->plan.path, sweep->message))
        return false;
    if (sweep->journal.length == 0)
        return write_head(sweep, 0);
    bool is_good = continue_file(sweep, &records);
    records_close(&records);
    return is_good;
}

/* --- progress --------------------------------------------------------------------------------- */

/* A negative time is not known. */
static void duration_text(double time_s, char *ret_text, size_t size)
{
    unsigned long minutes = (unsigned long)(time_s / 60 + 0.5);

    if (time_s < 0)
        snprintf(ret_text, size, "unknown time");
    else if (time_s < 90)
        snprintf(ret_text, size, "%.0f s", time_s);
    else if (minutes < 90)
        snprintf(ret_text, size, "%lu min", minutes);
    else
        snprintf(ret_text, size, "%lu h %02lu min", minutes / 60, minutes % 60);
}

static double time_left_s(const struct sweep *sweep)
{
    double left = (double)(sweep->plan.run_count - sweep->done);

    if (sweep->tried == 0)
        return sweep->plan.run_s > 0 ? left * sweep->plan.run_s : -1;
    return left * clock_seconds_since(sweep->began_ns) / (double)sweep->tried;
}

static int columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                           : COLUMNS_DEFAULT;
}

static void show(struct sweep *sweep, size_t cell, uint32_t round)
{
    char text[CELL_TEXT_BYTES], left[60], line[CELL_TEXT_BYTES + 160];
    size_t step = sweep->plan.run_count / LINES_OF_PROGRESS;

    if (sweep->plan.is_quiet || (!sweep->is_terminal && step > 1 && sweep->tried % step != 0))
        return;
    cell_text(sweep, cell, text);
    duration_text(time_left_s(sweep), left, sizeof left);
    snprintf(line, sizeof line, "%zu/%zu, %s left, round %" PRIu32 ": %s", sweep->done,
             sweep->plan.run_count, left, round, text);
    if (!sweep->is_terminal) {
        say(sweep, "%s", line);
        return;
    }
    fprintf(stderr, "\r\033[K%.*s", columns() - 1, line);
    sweep->is_line_open = true;
}

/* --- the course ------------------------------------------------------------------------------- */

/* What a child wrote may be any bytes. */
static json_t *sentence_json(char *sentence)
{
    json_t *string = json_string(sentence);

    if (string != NULL)
        return string;
    for (char *letter = sentence; *letter != '\0'; letter++)
        if (!isprint((unsigned char)*letter))
            *letter = '?';
    return json_string(sentence);
}

/* Takes the value. */
static bool append(struct sweep *sweep, size_t cell, uint32_t round, const char *key, json_t *value)
{
    char *line =
        line_of(json_pack("{ss ss so si so}", "schema", RECORDS_SCHEMA, "kind", "cell", "cell",
                          matrix_cell(&sweep->plan.matrix, cell), "round", (int)round, key, value));
    bool is_good = line != NULL ? journal_append(&sweep->journal, line, sweep->message)
                                : fail(sweep, "no memory");
    free(line);
    return is_good;
}

/* Returns 0 or the sweep's exit status. */
static int keep(struct sweep *sweep, size_t cell, uint32_t round, struct child_result *result)
{
    unsigned char *state = &sweep->states[(round - 1) * sweep->plan.matrix.cell_count + cell];
    char text[CELL_TEXT_BYTES];

    if (record_kind(result->json) == RECORD_RUN) {
        *state = DONE;
        sweep->done++;
        return append(sweep, cell, round, "run", json_incref(result->json)) ? 0 : EXIT_CANNOT;
    }
    if (result->json != NULL)
        snprintf(result->sentence, sizeof result->sentence, "printed no result of a run");
    *state = FAILED;
    cell_text(sweep, cell, text);
    say(sweep, "%s, round %" PRIu32 ": %s", text, round, result->sentence);
    return append(sweep, cell, round, "failed", sentence_json(result->sentence)) ? 0 : EXIT_CANNOT;
}

/* A run that takes so long hangs; 0: nothing can be said. */
static uint64_t limit_ns(const struct sweep *sweep)
{
    return sweep->plan.run_s > 0 ? (uint64_t)((3 * sweep->plan.run_s + patience_s) * 1e9) : 0;
}

static int run_cell(struct sweep *sweep, size_t cell, uint32_t round)
{
    struct matrix_words words;
    struct child_result result;
    int status;

    if (!matrix_words(&sweep->plan.matrix, cell, &sweep->plan.base, &words)) {
        fail(sweep, "no memory");
        return EXIT_CANNOT;
    }
    struct child_options options = {.program = sweep->program,
                                    .words = (const char *const *)words.words,
                                    .word_count = words.count,
                                    .limit_ns = limit_ns(sweep)};
    show(sweep, cell, round);
    enum child_end end = child_run(&options, &result);
    sweep->tried++;
    if (end == CHILD_INTERRUPTED || (end == CHILD_FAILED && signals_first() != 0)) {
        status = EXIT_INTERRUPTED;
    } else if (end == CHILD_FAILED && result.status == EXIT_USAGE) {
        status = EXIT_USAGE;
        fail(sweep, "%s", result.sentence);
    } else {
        status = keep(sweep, cell, round, &result);
    }
    child_result_free(&result);
    matrix_words_free(&words);
    return status;
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15); /* SplitMix64 */

    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

static void shuffle(struct sweep *sweep, uint32_t round)
{
    uint64_t state = sweep->plan.seed;

    state = next_random(&state) ^ round;
    for (size_t i = 0; i < sweep->plan.matrix.cell_count; i++) {
        size_t j = next_random(&state) % (i + 1);
        sweep->order[i] = sweep->order[j];
        sweep->order[j] = i;
    }
}

/* Runs what is in that state, round by round, so that a sweep cut short has its cells equally
 * often. */
static int run_all(struct sweep *sweep, enum cell_state state)
{
    for (uint32_t round = 1; round <= sweep->plan.rounds; round++) {
        const unsigned char *states = sweep->states + (round - 1) * sweep->plan.matrix.cell_count;
        shuffle(sweep, round);
        for (size_t i = 0; i < sweep->plan.matrix.cell_count; i++) {
            if (states[sweep->order[i]] != state)
                continue;
            int status =
                signals_first() != 0 ? EXIT_INTERRUPTED : run_cell(sweep, sweep->order[i], round);
            if (status != 0)
                return status;
        }
    }
    return 0;
}

/* --- from words to exit status ---------------------------------------------------------------- */

static void say_begin(struct sweep *sweep)
{
    if (!sweep->plan.is_quiet)
        say(sweep, "%zu runs, %zu of them done; seed %" PRIu64, sweep->plan.run_count, sweep->done,
            sweep->plan.seed);
    sweep->began_ns = clock_monotonic_ns();
}

static int say_end(struct sweep *sweep, int status)
{
    if (status == EXIT_INTERRUPTED)
        say(sweep, "stopped: %s has %zu of %zu runs; the same command goes on", sweep->plan.path,
            sweep->done, sweep->plan.run_count);
    else if (status != 0)
        say(sweep, "%s", sweep->message);
    else if (sweep->done < sweep->plan.run_count)
        say(sweep, "%zu of %zu runs failed; the same command tries them again",
            sweep->plan.run_count - sweep->done, sweep->plan.run_count);
    else if (!sweep->plan.is_quiet)
        say(sweep, "%s has all %zu runs", sweep->plan.path, sweep->plan.run_count);
    return status == 0 && sweep->done < sweep->plan.run_count ? EXIT_CANNOT : status;
}

static int print_plan(struct sweep *sweep)
{
    char text[CELL_TEXT_BYTES], left[60];

    for (size_t cell = 0; cell < sweep->plan.matrix.cell_count; cell++) {
        cell_text(sweep, cell, text);
        puts(text);
    }
    duration_text(time_left_s(sweep), left, sizeof left);
    printf("%zu cells, %" PRIu32 " rounds: %zu runs, %s\n", sweep->plan.matrix.cell_count,
           sweep->plan.rounds, sweep->plan.run_count, left);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fail(sweep, "standard output: %s", strerror(errno));
    return say_end(sweep, EXIT_CANNOT);
}

/* false: message says why. */
static bool csv_write(struct sweep *sweep)
{
    struct records records;
    if (sweep->plan.csv_path == NULL)
        return true;
    bool is_good = sweep_csv_write(sweep->plan.path, sweep->plan.csv_path, &records) == 0;
    if (!is_good)
        fail(sweep, "%s", records.message);
    records_close(&records);
    return is_good;
}

/* Those that failed get a second chance when all others are done: what stood in their way may have
 * gone. */
static int work(struct sweep *sweep)
{
    if (!open_file(sweep))
        return say_end(sweep, EXIT_CANNOT);
    say_begin(sweep);
    int status = run_all(sweep, MISSING);
    if (status == 0)
        status = run_all(sweep, FAILED);
    if (!csv_write(sweep) && status == 0)
        status = EXIT_CANNOT;
    return say_end(sweep, status);
}

static void sweep_free(struct sweep *sweep)
{
    if (sweep->journal.descriptor >= 0)
        journal_close(&sweep->journal);
    sweep_plan_close(&sweep->plan);
    free(sweep->states);
    free(sweep->order);
}

static void print_help(void)
{
    struct prose prose = {.out = stdout};

    option_help(stdout, &sweep_options);
    putchar('\n');
    prose_begin(&prose, "Axes:", strlen("Axes: "));
    prose.indent = 0;
    for (size_t i = 0; i < axis_row_count; i++)
        if (axis_rows[i].option != NULL)
            prose_words(&prose, axis_rows[i].key);
    prose_end(&prose);
    fputs("Any axis fills {axis} in the URL and in options. With a URL,\n"
          "body and tls have to be in it so.\n"
          "A run is of -z 2s --warm-up auto, if not said otherwise.\n",
          stdout);
}

static int begin(struct sweep *sweep)
{
    const struct sweep_plan *plan = &sweep->plan;

    if (plan->is_help) {
        print_help();
        return 0;
    }
    if (plan->is_dry)
        return print_plan(sweep);
    sweep->states = calloc(plan->run_count, 1);
    sweep->order = calloc(plan->matrix.cell_count, sizeof *sweep->order);
    if (sweep->states == NULL || sweep->order == NULL) {
        fail(sweep, "no memory");
        return say_end(sweep, EXIT_CANNOT);
    }
    return work(sweep);
}

int sweep_with(const char *program, int argc, char **argv)
{
    struct sweep sweep = {
        .program = program, .journal.descriptor = -1, .is_terminal = isatty(STDERR_FILENO)};
    int status = EXIT_USAGE;

    signals_catch();
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write(), as a full disk */
    if (sweep_plan_open(&sweep.plan, argc, argv))
        status = begin(&sweep);
    else
        say(&sweep, "%s", sweep.plan.message);
    sweep_free(&sweep);
    return status;
}

int sweep_main(int argc, char **argv)
{
    return sweep_with(NULL, argc, argv);
}
