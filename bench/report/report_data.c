/* Owns what the files of a report say. The idea: a file is read without knowing what the next one
 * holds, so that each run keeps its own names and values until all are there. What was read is kept
 * whole, and all else only points into it. */

#include "bench/report/report_data.h"
#include "bench/base/json_at.h"
#include "bench/result/metric.h"
#include "bench/result/records.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct report_metric_names report_metrics[REPORT_METRIC_COUNT] = {
#define REPORT_METRIC_ROW(name, key, title, unit, factor)                                          \
    [REPORT_##name] = {key, title, unit, factor},
    REPORT_METRICS(REPORT_METRIC_ROW)
#undef REPORT_METRIC_ROW
};

bool report_fail(struct report *report, const char *format, ...)
{
    va_list words;
    va_start(words, format);
    vsnprintf(report->fault, sizeof report->fault, format, words);
    va_end(words);
    return false;
}

json_t *report_keep(struct report *report, json_t *made)
{
    if (report->kept == NULL)
        report->kept = json_array();
    return json_array_append_new(report->kept, made) == 0 ? made : NULL;
}

static bool fail_memory(struct report *report)
{
    return report_fail(report, "out of memory");
}

static bool fail_at(struct report *report, const struct record *record, const char *why)
{
    return report_fail(report, "%s:%zu: %s", record->path, record->line, why);
}

/* Room for one more; NULL: no memory. Doubles where count is a power of two. */
static void *grow(void *rows, size_t count, size_t size)
{
    if (rows != NULL && (count & (count - 1)) != 0)
        return rows;
    return reallocarray(rows, count > 0 ? count * 2 : 1, size);
}

/* --- one record ------------------------------------------------------------------------------- */

static void take_values(struct report_run *run)
{
    for (size_t i = 0; i < REPORT_METRIC_COUNT; i++)
        if (run->json == NULL || !metric_value(run->json, report_metrics[i].key, &run->values[i]))
            run->values[i] = NAN;
}

static bool take_run(struct report *report, const struct record *record, struct report_run run)
{
    struct report_run *runs = grow(report->runs, report->run_count, sizeof *runs);
    if (runs == NULL)
        return fail_memory(report);
    run.file = record->path;
    run.line = record->line;
    take_values(&run);
    report->runs = runs;
    runs[report->run_count++] = run;
    return true;
}

static bool cell_is_sound(const json_t *cell)
{
    const char *key;
    json_t *value;
    if (!json_is_object(cell) || json_object_size(cell) > REPORT_AXES_MAX)
        return false;
    json_object_foreach((json_t *)(uintptr_t)cell, key, value)
    {
        if (!json_is_string(value))
            return false;
    }
    return true;
}

static bool read_cell(struct report *report, const struct record *record)
{
    struct report_run run = {
        .cell = json_object_get(record->json, "cell"),
        .json = record->run,
        .failed = record->failed,
        .round = record->round,
    };
    if (!cell_is_sound(run.cell))
        return fail_at(report, record, "its \"cell\" is not an object of up to 16 strings");
    report->swept++;
    return take_run(report, record, run);
}

static bool read_run(struct report *report, const struct record *record)
{
    return take_run(report, record,
                    (struct report_run){.json = record->run, .round = record->round});
}

static bool read_sweep(struct report *report, const struct record *record)
{
    const json_t *axes = json_object_get(record->json, "axes");
    json_int_t rounds = json_integer_value(json_object_get(record->json, "rounds"));
    double planned = (double)rounds;
    const char *name;
    json_t *values;
    if (!json_is_object(axes) || rounds < 1)
        return fail_at(report, record, "a sweep without \"axes\" or \"rounds\"");
    if (!report_add_axes(report, axes, record->path, record->line))
        return false;
    json_object_foreach((json_t *)(uintptr_t)axes, name, values)
    {
        planned *= (double)json_array_size(values);
    }
    report->planned += planned < 1e9 ? (size_t)planned : 0;
    report->is_sweep = true;
    return true;
}

static bool read_compared_run(struct report *report, const struct record *record, const json_t *row)
{
    struct report_run run = {
        .side = text_at(row, "side"),
        .json = json_object_get(row, "run"),
        .round = json_integer_value(json_object_get(row, "round")),
    };
    if (run.side == NULL || run.round < 1 || !json_is_object(run.json))
        return fail_at(report, record, "one of its \"runs\" has no side, round or run");
    return take_run(report, record, run);
}

static bool compared_is_sound(const json_t *pair)
{
    json_t *metrics = json_object_get(pair, "metrics"), *metric;
    size_t i;
    if (text_at(pair, "a") == NULL || text_at(pair, "b") == NULL || !json_is_array(metrics))
        return false;
    json_array_foreach(metrics, i, metric)
    {
        if (text_at(metric, "metric") == NULL || text_at(metric, "verdict") == NULL)
            return false;
    }
    return true;
}

static bool read_compare(struct report *report, const struct record *record)
{
    json_t *pairs = json_object_get(record->json, "pairs"), *row;
    size_t i;
    if (!json_is_array(pairs))
        return fail_at(report, record, "a comparison without \"pairs\"");
    json_array_foreach(pairs, i, row)
    {
        if (!compared_is_sound(row))
            return fail_at(report, record, "one of its \"pairs\" has no sides, metrics or verdict");
    }
    json_array_foreach(json_object_get(record->json, "runs"), i, row)
    {
        if (!read_compared_run(report, record, row))
            return false;
    }
    const json_t **compares = grow(report->compares, report->compare_count, sizeof *compares);
    if (compares == NULL)
        return fail_memory(report);
    report->compares = compares;
    compares[report->compare_count++] = record->json;
    return true;
}

/* --- one file --------------------------------------------------------------------------------- */

static bool read_record(struct report *report, struct record *record)
{
    static bool (*const readers[])(struct report * report, const struct record *record) = {
        [RECORD_SWEEP] = read_sweep,
        [RECORD_CELL] = read_cell,
        [RECORD_RUN] = read_run,
        [RECORD_COMPARE] = read_compare,
    };
    return report_keep(report, record->json) != NULL ? readers[record->kind](report, record)
                                                     : fail_memory(report);
}

bool report_read(struct report *report, const char *path)
{
    struct records records;
    struct record record;
    enum records_next next = RECORDS_BAD;
    bool done = records_open_any(&records, path);
    while (done && (next = records_read_any(&records, &record)) == RECORDS_ONE)
        done = read_record(report, &record);
    if (next == RECORDS_BAD)
        done = report_fail(report, "%s", records.message);
    report->torn_count += records.is_torn;
    records_close(&records);
    return done;
}

void report_free(struct report *report)
{
    for (size_t i = 0; i < report->cell_count; i++)
        free(report->cells[i].curve_us);
    json_decref(report->kept);
    free(report->runs);
    free(report->cells);
    free(report->compares);
    *report = (struct report){0};
}
