/* Owns which runs belong together. The idea: one sum a cell and round, kept as the JSON that it
 * will be written as, to which each run is added when it is read: the memory is that of the
 * result, however many files there are. */

#include "bench/sweep/merge.h"
#include "bench/base/exit_status.h"
#include "bench/base/json_at.h"

#include "bench/result/pool.h"
#include "bench/result/records.h"
#include "bench/base/replace.h"
#include "bench/result/result.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_BYTES = RECORDS_MESSAGE_BYTES + POOL_MESSAGE_BYTES, CELL_TEXT_BYTES = 256 };

struct sum {
    json_t *run;    /* NULL: none yet */
    json_t *failed; /* what came instead */
    json_t *parts;  /* by the identity of each run in it, where that is from; NULL: none */
    const char *path;
    size_t line; /* where the first part of run is */
};

/* What the file being read has of a sum. */
struct seen {
    size_t line; /* of the run; 0: none */
    bool has_failed;
};

struct merge {
    const char *output_path;
    enum pool_manner manner;
    bool is_pooling;
    bool is_help; /* the only thing that is asked for */

    const char *first_path;
    json_t *head; /* of the first file; NULL: they are single runs */
    struct matrix matrix;
    uint32_t rounds;
    size_t cell_count; /* single runs: 1 */
    struct sum *sums;  /* by round, then cell */
    size_t sum_count;
    json_t *paths;
    char message[MESSAGE_BYTES];
};

__attribute__((format(printf, 2, 3))) static bool fail(struct merge *merge, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(merge->message, sizeof merge->message, format, arguments);
    va_end(arguments);
    return false;
}

static void complain(const char *message)
{
    fprintf(stderr, "haul bench: merge: %s\n", message);
}

/* --- heads ------------------------------------------------------------------------------------ */

/* The first file's head is kept, and its matrix with it. */
static bool take_first(struct merge *merge, const struct records *records)
{
    char message[MATRIX_MESSAGE_BYTES];

    merge->first_path = records->path;
    merge->cell_count = 1;
    if (records->head == NULL)
        return true;
    if (matrix_parse(&merge->matrix, text_at(records->head, "matrix"), message) != 0)
        return fail(merge, "%s: %s", records->path, message);
    merge->head = json_incref(records->head);
    merge->cell_count = merge->matrix.cell_count;
    return true;
}

/* Takes both values. */
static bool compare(struct merge *merge, const char *path, const char *what, json_t *first,
                    json_t *value)
{
    char *first_text = first != NULL ? json_dumps(first, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    bool is_same = first_text != NULL && text != NULL && strcmp(first_text, text) == 0;

    if (!is_same)
        fail(merge, "%s:1: its %s are %.200s, those of %s:1 are %.200s", path, what,
             text != NULL ? text : "missing", merge->first_path,
             first_text != NULL ? first_text : "missing");
    free(first_text);
    free(text);
    json_decref(first);
    json_decref(value);
    return is_same;
}

static bool check_head(struct merge *merge, const struct records *records)
{
    if (merge->first_path == NULL)
        return take_first(merge, records);
    if ((merge->head == NULL) != (records->head == NULL))
        return fail(merge, "%s:1: is %s, and %s is %s", records->path,
                    records->head != NULL ? "a sweep" : "a run", merge->first_path,
                    merge->head != NULL ? "a sweep" : "a run");
    return merge->head == NULL ||
           (compare(merge, records->path, "axes", matrix_axes(&merge->matrix),
                    matrix_axes(&records->matrix)) &&
            compare(merge, records->path, "options",
                    json_incref(json_object_get(merge->head, "options")),
                    json_incref(json_object_get(records->head, "options"))));
}

/* Rounds may differ: who has more of them has more. */
static bool grow(struct merge *merge, const struct records *records)
{
    uint32_t rounds = records->head == NULL || merge->is_pooling ? 1 : records->rounds;
    size_t count = rounds * merge->cell_count;

    if (rounds <= merge->rounds)
        return true;
    struct sum *sums = realloc(merge->sums, count * sizeof *sums);
    if (sums == NULL)
        return fail(merge, "no memory");
    memset(sums + merge->sum_count, 0, (count - merge->sum_count) * sizeof *sums);
    merge->sums = sums;
    merge->sum_count = count;
    merge->rounds = rounds;
    return true;
}

/* --- runs ------------------------------------------------------------------------------------- */

/* What no two runs have in common, whatever their files are called and however they are written:
 * when it began, and what it counted. FNV-1a of 64 bits. */
static void identity(const json_t *run, char ret_text[17])
{
    static const char *const counts[] = {"requests", "replies", "bytes_received", "bytes_sent",
                                         "connections"};
    char facts[512];
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    const char *began = text_at(run, "started_at"), *url = text_at(run, "url");
    int length = snprintf(facts, 300, "%s %.200s %s", began != NULL ? began : "",
                          url != NULL ? url : "", text_at(run, "loop"));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        length += snprintf(facts + length, sizeof facts - (size_t)length, " %.0f",
                           number_at(run, counts[i]));
    snprintf(facts + length, sizeof facts - (size_t)length, " %.0f",
             number_at(run, "elapsed_s") * 1e9);
    for (const char *at = facts; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    snprintf(ret_text, 17, "%016" PRIx64, hash);
}

/* Says in the run where it is from. A run that was merged before brings its own. */
static bool put_origin(struct merge *merge, const struct records *records, json_t *run)
{
    char place[RECORDS_MESSAGE_BYTES], part[17];

    if (json_object_get(run, "merged") != NULL)
        return true;
    snprintf(place, sizeof place, "%s:%zu", records->path, records->line);
    identity(run, part);
    return json_object_set_new(run, "merged",
                               json_pack("{si ss s[s] s[s]}", "runs", 1, "manner",
                                         pool_manner_name(merge->manner), "from", place, "parts",
                                         part)) == 0 ||
           fail(merge, "%s: no memory, or the path is not UTF-8", place);
}

/* That a run is there twice is no second measurement. Rounds of one file may be alike. */
static bool add_parts(struct merge *merge, const struct records *records, struct sum *sum,
                      const json_t *run)
{
    const json_t *parts = json_object_get(json_object_get(run, "merged"), "parts");

    if (sum->parts == NULL)
        sum->parts = json_object();
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const char *part = json_string_value(json_array_get(parts, i));
        if (part == NULL)
            continue;
        const json_t *old = json_object_get(sum->parts, part);
        const char *path = text_at(old, "path");
        if (path != NULL && strcmp(path, records->path) != 0)
            return fail(merge, "%s:%zu: is a run that %s:%.0f has already, under another name",
                        records->path, records->line, path, number_at(old, "line"));
        if (json_object_set_new(sum->parts, part,
                                json_pack("{ss sI}", "path", records->path, "line",
                                          (json_int_t)records->line)) != 0)
            return fail(merge, "no memory");
    }
    return true;
}

static bool add_run(struct merge *merge, const struct records *records, struct sum *sum,
                    json_t *run)
{
    char message[POOL_MESSAGE_BYTES];

    if (!put_origin(merge, records, run))
        return false;
    if (sum->run == NULL) {
        sum->run = json_incref(run);
        sum->path = records->path;
        sum->line = records->line;
        return add_parts(merge, records, sum, run);
    }
    json_t *both = pool_runs(sum->run, run, merge->manner, message);
    if (both == NULL)
        return fail(merge, "%s:%zu: does not go with %s:%zu: %s", records->path, records->line,
                    sum->path, sum->line, message);
    json_decref(sum->run);
    sum->run = both;
    return add_parts(merge, records, sum, run);
}

static bool add_record(struct merge *merge, const struct records *records,
                       const struct record *record, struct seen *seen)
{
    size_t place = (record->round - 1) * merge->cell_count + record->cell;
    struct sum *sum = &merge->sums[merge->is_pooling ? record->cell : place];

    if (record->run == NULL) {
        json_decref(sum->failed);
        sum->failed = json_incref(json_object_get(record->json, "failed"));
        seen[place].has_failed = true;
        return true;
    }
    if (seen[place].line != 0)
        return fail(merge, "%s:%zu: this cell's round is in line %zu already", records->path,
                    record->line, seen[place].line);
    seen[place].line = record->line;
    return add_run(merge, records, sum, record->run);
}

static void say_failed(const struct merge *merge, const struct records *records,
                       const struct seen *seen)
{
    char text[CELL_TEXT_BYTES];

    for (size_t i = 0; i < records->rounds * merge->cell_count; i++)
        if (seen[i].has_failed && seen[i].line == 0) {
            matrix_text(&merge->matrix, i % merge->cell_count, text, sizeof text);
            fprintf(stderr, "haul bench: merge: %s: %s, round %zu failed\n", records->path, text,
                    i / merge->cell_count + 1);
        }
}

static bool add_records(struct merge *merge, struct records *records, struct seen *seen)
{
    struct record record;
    enum records_next next;

    while ((next = records_read(records, &record)) == RECORDS_ONE) {
        bool is_good = add_record(merge, records, &record, seen);
        record_free(&record);
        if (!is_good)
            return false;
    }
    if (next == RECORDS_BAD)
        return fail(merge, "%s", records->message);
    if (records->head != NULL && records->is_torn)
        fprintf(stderr, "haul bench: merge: %s:%zu: a line without its end, left out\n",
                records->path, records->line + 1);
    say_failed(merge, records, seen);
    return true;
}

static bool add_file(struct merge *merge, const char *path)
{
    struct records records;
    struct seen *seen = NULL;
    bool is_good = records_open(&records, path) || fail(merge, "%s", records.message);

    if (is_good && check_head(merge, &records) && grow(merge, &records)) {
        size_t rounds = records.head != NULL ? records.rounds : 1;
        seen = calloc(rounds * merge->cell_count, sizeof *seen);
        is_good = seen != NULL ? add_records(merge, &records, seen) : fail(merge, "no memory");
    } else {
        is_good = false;
    }
    free(seen);
    records_close(&records);
    return is_good;
}

/* --- the result ------------------------------------------------------------------------------- */

static void write_line(FILE *out, const json_t *object)
{
    json_dumpf(object, out, RESULT_JSON_FLAGS);
    fputc('\n', out);
}

/* false: no memory. */
static bool write_head(struct merge *merge, FILE *out)
{
    json_t *merged = json_pack("{sO ss sb}", "files", merge->paths, "manner",
                               pool_manner_name(merge->manner), "pooled", (int)merge->is_pooling);

    json_object_del(merge->head, "seed");
    if (json_object_set_new(merge->head, "rounds", json_integer(merge->rounds)) != 0 ||
        json_object_set_new(merge->head, "cells", json_integer((json_int_t)merge->sum_count)) !=
            0 ||
        json_object_set_new(merge->head, "merged", merged) != 0)
        return false;
    write_line(out, merge->head);
    return true;
}

static bool write_cell(const struct merge *merge, size_t index, FILE *out)
{
    const struct sum *sum = &merge->sums[index];
    json_t *cell = matrix_cell(&merge->matrix, index % merge->cell_count);
    json_t *line =
        json_pack("{ss ss so si sO}", "schema", RECORDS_SCHEMA, "kind", "cell", "cell", cell,
                  "round", (int)(index / merge->cell_count + 1),
                  sum->run != NULL ? "run" : "failed", sum->run != NULL ? sum->run : sum->failed);

    if (line == NULL)
        return false;
    write_line(out, line);
    json_decref(line);
    return true;
}

static bool write_result(struct merge *merge, FILE *out)
{
    bool is_good = true;

    if (merge->head == NULL) {
        write_line(out, merge->sums[0].run);
        return true;
    }
    is_good = write_head(merge, out);
    for (size_t i = 0; is_good && i < merge->sum_count; i++)
        if (merge->sums[i].run != NULL || merge->sums[i].failed != NULL)
            is_good = write_cell(merge, i, out);
    return is_good || fail(merge, "no memory");
}

static bool write_file(struct merge *merge)
{
    const char *path = merge->output_path != NULL ? merge->output_path : "standard output";
    struct replace replace;
    int error = replace_open(&replace, merge->output_path);

    if (error != 0)
        return fail(merge, "%s: %s", path, strerror(-error));
    if (!write_result(merge, replace.out)) {
        replace_abandon(&replace);
        return false;
    }
    error = replace_commit(&replace);
    return error == 0 || fail(merge, "%s: %s", path, strerror(-error));
}

/* --- from words to exit status ---------------------------------------------------------------- */

static bool add_files(struct merge *merge, int count, char **paths)
{
    merge->paths = json_array();
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < i; j++)
            if (strcmp(paths[i], paths[j]) == 0)
                return fail(merge, "%s: is there twice", paths[i]);
        if (json_array_append_new(merge->paths, json_string(paths[i])) != 0)
            return fail(merge, "no memory, or '%s' is not UTF-8", paths[i]);
        if (!add_file(merge, paths[i]))
            return false;
    }
    return true;
}

static void merge_free(struct merge *merge)
{
    for (size_t i = 0; i < merge->sum_count; i++) {
        json_decref(merge->sums[i].run);
        json_decref(merge->sums[i].failed);
        json_decref(merge->sums[i].parts);
    }
    free(merge->sums);
    json_decref(merge->paths);
    if (merge->head != NULL)
        matrix_free(&merge->matrix);
    json_decref(merge->head);
}

static bool take_together(const struct option_taking *taking)
{
    ((struct merge *)taking->into)->manner = POOL_TOGETHER;
    return true;
}

#define AT(member) OPTION_AT(struct merge, member)

static const struct option_row rows[] = {
    {"output", 'o', "FILE", .take = option_take_text, AT(output_path),
     .help = "instead of standard output"},
    {"pool", 0, .take = option_take_switch, AT(is_pooling),
     .help = "adds the rounds too: one run a cell"},
    {"together", 0, .take = take_together,
     .help = "they ran at the same time on one server: rates and connections add up (else they "
             "are repeats: rates are averaged)"},
    {"help", 0, .take = option_take_switch, AT(is_help), .help = "this"},
};

const struct option_list merge_options = {
    .usage = "usage: haul bench merge [options] FILE...\n"
             "\n"
             "Adds the results of several files of the same sweep, or of\n"
             "several runs, and their histograms: the same cell of the\n"
             "same round becomes one run. Other files are refused, and a\n"
             "run that is there twice.\n"
             "\n",
    .notes = "",
    .rows = rows,
    .count = sizeof rows / sizeof *rows,
};

static bool take_words(struct merge *merge, int argc, char **argv)
{
    struct option_getopt getopt;
    bool is_good = true;
    int code;

    option_getopt(&merge_options, &getopt);
    opterr = 0;
    optind = 0;
    while (is_good && !merge->is_help &&
           (code = getopt_long(argc, argv, getopt.letters, getopt.options, NULL)) != -1) {
        const struct option_row *row = option_of_getopt(&merge_options, code);
        if (row != NULL)
            is_good = row->take(&(struct option_taking){merge, row, optarg, merge->message});
        else if (code == ':')
            is_good = fail(merge, "%s: needs a value", argv[optind - 1]);
        else
            is_good = fail(merge, "%s: no such option (--help lists them)", argv[optind - 1]);
    }
    return is_good;
}

static bool check(struct merge *merge, bool has_files)
{
    if (!has_files)
        return fail(merge, "which files? (--help says more)");
    return !merge->is_pooling || merge->manner != POOL_TOGETHER ||
           fail(merge, "--pool and --together are two merges, one after the other");
}

int merge_main(int argc, char **argv)
{
    struct merge merge = {.manner = POOL_REPEATS};
    bool is_good = take_words(&merge, argc, argv);

    if (is_good && merge.is_help) {
        option_help(stdout, &merge_options);
        return EXIT_DONE;
    }
    if (!is_good || !check(&merge, optind < argc)) {
        complain(merge.message);
        return EXIT_USAGE;
    }
    is_good = add_files(&merge, argc - optind, argv + optind) && write_file(&merge);
    if (!is_good)
        complain(merge.message);
    merge_free(&merge);
    return is_good ? EXIT_DONE : EXIT_CANNOT;
}
