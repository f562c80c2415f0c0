/* A run's result as JSON: the members of bench/result/members.c, one after the other, and what is
 * asserted of the whole of them. A value that cannot be made, for want of memory, is NULL, and one
 * NULL makes the whole NULL.
 *
 * And the same figures as CSV (RFC 4180, but with plain line ends): a column a figure, by its path
 * in the JSON; of a run's course a row an interval. What is not there is an empty field, so that
 * all rows of all files have the same columns. */

#include "bench/result/bound.h"
#include "bench/base/json_at.h"
#include "bench/result/result.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* A group that is null has no members. */
static int add_member(json_t *run, const struct member *member, const struct member_source *source)
{
    json_t *parent = member_parent(run, member);
    if (!member_is_made(member) || json_is_null(parent))
        return 0;
    return json_object_set_new(parent, member_key(member), member_make(member, source));
}

/* --- thresholds, which are about the finished object ------------------------------------------ */

static json_t *verdict_on(const struct threshold *threshold, const json_t *run)
{
    char sentence[THRESHOLD_SENTENCE_BYTES];
    bool is_met = threshold_check(threshold, run, sentence);
    return json_pack("{ss sb ss}", "text", threshold->text, "is_met", (int)is_met, "sentence",
                     sentence);
}

static json_t *thresholds(const json_t *run, const struct result_context *context)
{
    json_t *array = json_array();
    int failed = 0;
    for (size_t i = 0; i < context->threshold_count; i++)
        failed |= json_array_append_new(array, verdict_on(&context->thresholds[i], run));
    if (!failed)
        return array;
    json_decref(array);
    return NULL;
}

bool result_is_met(const json_t *run)
{
    const json_t *array = json_object_get(run, "thresholds");
    size_t i;
    const json_t *threshold;
    json_array_foreach(array, i, threshold)
    {
        if (!json_is_true(json_object_get(threshold, "is_met")))
            return false;
    }
    return true;
}

/* --- stage by stage --------------------------------------------------------------------------- */

/* What a stage has as a run has it, under the same name. */
static bool is_of_stage(const struct member *member)
{
    static const char *const paths[] = {
        "requests", "replies",  "unfinished", "oldest_unfinished_s",
        "unsent",   "resent",   "rate_per_s", "error_count",
        "errors",   "statuses", "anomalies",  "latency_us",
    };
    if (strncmp(member->path, "latency_us.", strlen("latency_us.")) == 0)
        return member_is_made(member);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (strcmp(member->path, paths[i]) == 0)
            return true;
    return false;
}

static json_t *stage_plan(const struct load_stage *stage, const struct load_options *options)
{
    return json_pack("{s:f, s:f, s:f, s:f}", "duration_s", (double)stage->duration_ns / 1e9,
                     "rate_from", stage->rate_from, "rate_to", stage->rate_to, "timeout_s",
                     (double)options->timeout_ns / 1e9);
}

/* Of a run as long as the stage, of what was due in it. */
static json_t *stage_object(const struct member_source *whole, size_t number, double start_s)
{
    const struct load_stage *stage = &whole->options->stages[number];
    double length_s = (double)stage->duration_ns / 1e9;
    struct load_result result = {
        .options = whole->options,
        .stats = whole->result->stages[number],
        .window_s = fmax(fmin(length_s, whole->result->window_s - start_s), 0),
    };
    const struct member_source source = {&result, whole->options, whole->context};
    json_t *object = json_pack("{s:f, s:f, s:o?}", "start_s", start_s, "end_s", start_s + length_s,
                               "plan", stage_plan(stage, whole->options));
    int failed = object == NULL;
    for (size_t i = 0; i < run_member_count; i++)
        if (is_of_stage(&run_members[i]))
            failed |= add_member(object, &run_members[i], &source);
    failed |= !bound_put(object);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *stages(const struct member_source *source)
{
    json_t *array = json_array();
    double start_s = 0;
    int failed = 0;
    if (source->result->stages == NULL) {
        json_decref(array);
        return json_null();
    }
    for (size_t i = 0; i < source->options->stage_count; i++) {
        failed |= json_array_append_new(array, stage_object(source, i, start_s));
        start_s += (double)source->options->stages[i].duration_ns / 1e9;
    }
    if (!failed)
        return array;
    json_decref(array);
    return NULL;
}

json_t *result_json(const struct load_result *result, const struct result_context *context)
{
    const struct load_options filled = load_filled(result->options);
    const struct member_source source = {result, &filled, context};
    json_t *run = json_object();
    int failed = run == NULL;
    for (size_t i = 0; i < run_member_count; i++)
        failed |= add_member(run, &run_members[i], &source);
    failed |= !bound_put(run);
    failed |= json_object_set_new(run, "stages", stages(&source));
    failed |= json_object_set_new(run, "thresholds", thresholds(run, context));
    if (!failed)
        return run;
    json_decref(run);
    return NULL;
}

/* --- CSV: fields ------------------------------------------------------------------------------ */

/* A text that a spreadsheet would take for a formula is one of the file's, not ours: it is told
 * apart by the quote that makes it text. */
void csv_text(FILE *out, const char *text)
{
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++)
        fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
    fputc('"', out);
}

static void put_value(FILE *out, const json_t *value)
{
    if (json_is_string(value))
        csv_text(out, json_string_value(value));
    else if (json_is_boolean(value) || json_is_number(value))
        json_dumpf(value, out, RESULT_JSON_FLAGS | JSON_ENCODE_ANY);
}

/* --- CSV: runs -------------------------------------------------------------------------------- */

/* What follows a member's path in the head, and its value; NULL: nothing, it is the value. */
static bool has_columns(const struct member *member)
{
    size_t length = strlen(member->path);
    return member->type != MEMBER_GROUP && member->type != MEMBER_LIST &&
           member->path[length - 1] != '.' && strncmp(member->path, "merged", 6) != 0 &&
           (member->type != MEMBER_OBJECT || strcmp(member->path, "plan.warm_up") == 0);
}

/* The kinds that a member of counts may have, from 0; NULL: no further one. */
static const char *kind_of(const struct member *member, int index)
{
    static const char *const classes[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
    if (strcmp(member->path, "errors") == 0)
        return index + 1 < STATS_ERROR_COUNT ? haul_error_name((enum haul_error)(index + 1)) : NULL;
    return index < 5 ? classes[index] : NULL;
}

/* Of statuses, those that begin so. */
static double count_of(const json_t *counts, const char *kind)
{
    const char *key;
    json_t *value;
    double sum = 0;
    bool is_class = kind[1] == 'x';
    json_object_foreach((json_t *)(uintptr_t)counts, key, value)
    {
        if (is_class ? key[0] == kind[0] : strcmp(key, kind) == 0)
            sum += json_number_value(value);
    }
    return sum;
}

static void put_names(FILE *out, const struct member *member, const char **between)
{
    const char *kind;
    if (member->type == MEMBER_LATENCY) {
        for (size_t i = 0; i < latency_statistic_count; i++)
            fprintf(out, "%s%s.%s", *between, member->path, latency_statistics[i].key);
    } else if (member->type == MEMBER_COUNTS) {
        for (int i = 0; (kind = kind_of(member, i)) != NULL; i++)
            fprintf(out, "%s%s.%s", *between, member->path, kind);
    } else {
        fprintf(out, "%s%s", *between, member->path);
    }
    *between = ",";
}

static void put_values(FILE *out, const struct member *member, const json_t *run,
                       const char **between)
{
    const json_t *value = member_of(run, member);
    const char *kind;
    if (member->type == MEMBER_LATENCY) {
        for (size_t i = 0; i < latency_statistic_count; i++) {
            fputs(*between, out);
            put_value(out, json_object_get(value, latency_statistics[i].key));
        }
    } else if (member->type == MEMBER_COUNTS) {
        for (int i = 0; (kind = kind_of(member, i)) != NULL; i++) {
            fputs(*between, out);
            if (json_is_object(value))
                fprintf(out, "%.0f", count_of(value, kind));
        }
    } else {
        fputs(*between, out);
        put_value(out, value);
    }
    *between = ",";
}

void result_csv_head(FILE *out)
{
    const char *between = "";
    for (size_t i = 0; i < run_member_count; i++)
        if (has_columns(&run_members[i]))
            put_names(out, &run_members[i], &between);
    fputs(",stage\n", out);
}

size_t result_stages(const json_t *run)
{
    return json_array_size(json_object_get(run, "stages"));
}

/* A stage has the names of a run, and what it does not have is the run's alone. */
void result_csv_row(FILE *out, const json_t *run, size_t stage)
{
    const json_t *stages = json_object_get(run, "stages");
    const json_t *object = stage > 0 ? json_array_get(stages, stage - 1) : run;
    const char *between = "";
    for (size_t i = 0; i < run_member_count; i++)
        if (has_columns(&run_members[i]))
            put_values(out, &run_members[i], object, &between);
    if (stage > 0)
        fprintf(out, ",%zu\n", stage);
    else
        fputs(",\n", out);
}

void result_csv(FILE *out, const json_t *run)
{
    result_csv_head(out);
    for (size_t stage = 0; stage <= result_stages(run); stage++)
        result_csv_row(out, run, stage);
}

/* --- CSV: the course of a run ----------------------------------------------------------------- */

void timeline_csv_head(FILE *out)
{
    fputs("start_s,end_s,requests,rate_per_s,p50_us,p99_us,max_us,in_flight,errors", out);
    for (int i = 1; i <= 5; i++)
        fprintf(out, ",%dxx", i);
    for (int i = 1; i < STATS_ERROR_COUNT; i++)
        fprintf(out, ",%s", haul_error_name((enum haul_error)i));
    fputc('\n', out);
}

static void put_thousandths(FILE *out, uint64_t value)
{
    fprintf(out, ",%" PRIu64 ".%03u", value / 1000, (unsigned)(value % 1000));
}

void timeline_csv_row(FILE *out, const struct timeline_row *row, uint64_t window_ns)
{
    double rate;
    fprintf(out, "%" PRIu64 ".%06u,%" PRIu64 ".%06u,%" PRIu64 ",", row->start_ns / 1000000000,
            (unsigned)(row->start_ns % 1000000000 / 1000), row->end_ns / 1000000000,
            (unsigned)(row->end_ns % 1000000000 / 1000), row->requests);
    if (timeline_rate(row, window_ns, &rate))
        fprintf(out, "%.1f", rate);
    if (row->requests > 0) {
        put_thousandths(out, row->p50_ns);
        put_thousandths(out, row->p99_ns);
        put_thousandths(out, row->max_ns);
    } else {
        fputs(",,,", out);
    }
    fprintf(out, ",%" PRIu64 ",%" PRIu64, row->in_flight, timeline_errors(row));
    for (int i = 1; i <= 5; i++)
        fprintf(out, ",%" PRIu64, row->classes[i]);
    for (int i = 1; i < STATS_ERROR_COUNT; i++)
        fprintf(out, ",%" PRIu64, row->errors[i]);
    fputc('\n', out);
}

/* --- formats ---------------------------------------------------------------------------------- */

void result_line(FILE *out, const json_t *run)
{
    json_dumpf(run, out, RESULT_JSON_FLAGS);
    fputc('\n', out);
}

void result_put(FILE *out, const json_t *run, enum result_format format)
{
    static void (*const puts[])(FILE *, const json_t *) = {
#define RESULT_FORMAT_PUT(name, word, put) [FORMAT_##name] = put,
        RESULT_FORMATS(RESULT_FORMAT_PUT)
#undef RESULT_FORMAT_PUT
    };
    puts[format](out, run);
}
