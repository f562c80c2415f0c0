/* Owns what the files of a report say. The idea: a file is read without knowing what the next one
 * holds, so that each run keeps its own names and values; only when all are there do these become
 * axes, and a sort by place makes runs into rounds and rounds into cells. */

#include "bench/report_data.h"
#include "bench/hdrlog.h"
#include "bench/json_at.h"
#include "bench/metric.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA "haul-bench/1"
#define NOT_SAID "–"

enum { QUANTILES_A_DECADE = 8 };

const struct report_metric_names report_metrics[REPORT_METRIC_COUNT] = {
#define REPORT_METRIC_ROW(name, key, title, unit, factor)                                          \
    [REPORT_##name] = {key, title, unit, factor},
    REPORT_METRICS(REPORT_METRIC_ROW)
#undef REPORT_METRIC_ROW
};

/* --- faults ----------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static bool fail(struct report *report, const char *format,
                                                       ...)
{
    va_list words;
    va_start(words, format);
    vsnprintf(report->fault, sizeof report->fault, format, words);
    va_end(words);
    return false;
}

static bool fail_memory(struct report *report)
{
    return fail(report, "out of memory");
}

/* A line of a file; what is found wrong is said of it. */
struct source {
    const char *path;
    size_t line;
};

static bool fail_at(struct report *report, struct source source, const char *why)
{
    return fail(report, "%s:%zu: %s", source.path, source.line, why);
}

/* --- rows that grow --------------------------------------------------------------------------- */

/* Room for one more; NULL: no memory. Doubles where count is a power of two. */
static void *grow(void *rows, size_t count, size_t size)
{
    if (rows != NULL && (count & (count - 1)) != 0)
        return rows;
    return reallocarray(rows, count > 0 ? count * 2 : 1, size);
}

static struct report_run *add_run(struct report *report)
{
    struct report_run *runs = grow(report->runs, report->run_count, sizeof *runs);
    if (runs == NULL)
        return NULL;
    report->runs = runs;
    runs[report->run_count] = (struct report_run){0};
    return &runs[report->run_count++];
}

static struct report_axis *add_axis(struct report *report, const char *name)
{
    struct report_axis *axes = grow(report->axes, report->axis_count, sizeof *axes);
    if (axes == NULL)
        return NULL;
    report->axes = axes;
    axes[report->axis_count].name = name;
    axes[report->axis_count].count = 0;
    return &axes[report->axis_count++];
}

/* The report keeps a value that was made for it. NULL: no memory. */
static json_t *keep(struct report *report, json_t *made)
{
    if (report->owned == NULL)
        report->owned = json_array();
    return json_array_append_new(report->owned, made) == 0 ? made : NULL;
}

/* --- one line --------------------------------------------------------------------------------- */

static json_t *number_text(const json_t *number)
{
    return json_is_number(number) ? json_sprintf("%.12g", json_number_value(number)) : NULL;
}

static json_t *switch_text(const json_t *boolean)
{
    return json_is_boolean(boolean) ? json_string(json_is_true(boolean) ? "on" : "off") : NULL;
}

static json_t *own_text(const json_t *string)
{
    return json_is_string(string) ? json_copy((json_t *)(uintptr_t)string) : NULL;
}

/* What a run itself says about where it would stand. */
static const struct {
    const char *axis;
    const char *field;
    json_t *(*text)(const json_t *value);
} fields[] = {
    {"loop", "loop", own_text},
    {"c", "connections", number_text},
    {"pipeline", "pipeline", number_text},
    {"tls", "tls", switch_text},
    {"close", "close", switch_text},
    {"mode", "mode", own_text},
    {"url", "url", own_text},
};

static json_t *field_text(const json_t *run, size_t field)
{
    return fields[field].text(json_object_get(run, fields[field].field));
}

static json_t *file_text(const char *path)
{
    const char *slash = strrchr(path, '/');
    return json_string_nocheck(slash != NULL ? slash + 1 : path);
}

/* The cell of a run that no sweep made. */
static json_t *own_cell(const json_t *run, const char *path)
{
    json_t *cell = json_object();
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        json_t *text = field_text(run, i);
        if (text != NULL)
            json_object_set_new_nocheck(cell, fields[i].axis, text);
    }
    json_object_set_new_nocheck(cell, "file", file_text(path));
    return cell;
}

static void take_values(struct report_run *run)
{
    for (size_t i = 0; i < REPORT_METRIC_COUNT; i++)
        if (run->json == NULL || !metric_value(run->json, report_metrics[i].key, &run->values[i]))
            run->values[i] = NAN;
}

/* root's reference goes to the report with the first run that is made of it. */
static bool take_run(struct report *report, json_t *root, struct report_run with,
                     struct source source)
{
    struct report_run *run = with.cell != NULL ? add_run(report) : NULL;
    if (run == NULL)
        return fail_memory(report);
    *run = with;
    run->root = json_incref(root);
    run->file = source.path;
    run->line = source.line;
    take_values(run);
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

static bool read_cell(struct report *report, json_t *root, struct source source)
{
    struct report_run run = {
        .cell = json_object_get(root, "cell"),
        .json = json_object_get(root, "run"),
        .failed = text_at(root, "failed"),
        .round = json_integer_value(json_object_get(root, "round")),
    };
    if (!cell_is_sound(run.cell))
        return fail_at(report, source, "its \"cell\" is not an object of up to 16 strings");
    if (run.round < 1)
        return fail_at(report, source, "its \"round\" is not a number from 1 on");
    if (json_is_object(run.json) == (run.failed != NULL))
        return fail_at(report, source, "it has neither one \"run\" nor one sentence in \"failed\"");
    report->swept++;
    return take_run(report, root, run, source);
}

static bool read_run(struct report *report, json_t *root, struct source source)
{
    struct report_run run = {
        .cell = keep(report, own_cell(root, source.path)), .json = root, .round = 1};
    return take_run(report, root, run, source);
}

/* "64", "4k", "1.5", "1000/s"; NAN: not a number. */
static double number_of(const char *text)
{
    static const char units[] = "kmg";
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return NAN;
    double number = strtod(text, &end);
    const char *unit = *end != '\0' ? strchr(units, *end | 0x20) : NULL;
    if (unit != NULL) {
        number *= exp2(10.0 * (double)(unit - units + 1));
        end++;
    }
    return *end == '\0' || strcmp(end, "/s") == 0 ? number : NAN;
}

static int value_find(const struct report_axis *axis, const char *value)
{
    for (size_t i = 0; i < axis->count; i++)
        if (strcmp(axis->values[i], value) == 0)
            return (int)i;
    return -1;
}

static bool add_value(struct report *report, struct report_axis *axis, const char *value)
{
    if (value_find(axis, value) >= 0)
        return true;
    if (axis->count == REPORT_VALUES_MAX)
        return fail(report, "more than 256 values of the axis \"%.64s\"", axis->name);
    axis->numbers[axis->count] = number_of(value);
    axis->values[axis->count++] = value;
    return true;
}

/* The axes of a sweep, in its order of them and of their values. */
static bool take_axes(struct report *report, const json_t *axes, struct source source)
{
    const char *name;
    json_t *values, *value;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)axes, name, values)
    {
        int found = report_axis_find(report, name);
        struct report_axis *axis = found >= 0 ? &report->axes[found] : NULL;
        if (axis == NULL && report->axis_count < REPORT_AXES_MAX)
            axis = add_axis(report, name);
        if (axis == NULL)
            return fail_at(report, source, "more than 16 axes");
        json_array_foreach(values, i, value)
        {
            if (!json_is_string(value))
                return fail_at(report, source, "the values of its \"axes\" are not strings");
            if (!add_value(report, axis, json_string_value(value)))
                return false;
        }
    }
    return true;
}

static bool read_sweep(struct report *report, json_t *root, struct source source)
{
    const json_t *axes = json_object_get(root, "axes");
    json_int_t rounds = json_integer_value(json_object_get(root, "rounds"));
    double planned = (double)rounds;
    const char *name;
    json_t *values;
    if (!json_is_object(axes) || rounds < 1)
        return fail_at(report, source, "a sweep without \"axes\" or \"rounds\"");
    if (keep(report, json_incref(root)) == NULL)
        return fail_memory(report);
    if (!take_axes(report, axes, source))
        return false;
    json_object_foreach((json_t *)(uintptr_t)axes, name, values)
    {
        planned *= (double)json_array_size(values);
    }
    report->planned += planned < 1e9 ? (size_t)planned : 0;
    report->is_sweep = true;
    return true;
}

static bool read_compared_run(struct report *report, json_t *root, const json_t *row,
                              struct source source)
{
    const char *side = text_at(row, "side");
    const json_t *json = json_object_get(row, "run");
    json_int_t round = json_integer_value(json_object_get(row, "round"));
    if (side == NULL || round < 1 || !json_is_object(json))
        return fail_at(report, source, "one of its \"runs\" has no side, round or run");
    json_t *cell =
        keep(report, json_pack("{s:s, s:o}", "side", side, "file", file_text(source.path)));
    return take_run(report, root, (struct report_run){.cell = cell, .json = json, .round = round},
                    source);
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

static bool read_compare(struct report *report, json_t *root, struct source source)
{
    json_t *pairs = json_object_get(root, "pairs"), *row;
    size_t i;
    if (!json_is_array(pairs))
        return fail_at(report, source, "a comparison without \"pairs\"");
    json_array_foreach(pairs, i, row)
    {
        if (!compared_is_sound(row))
            return fail_at(report, source, "one of its \"pairs\" has no sides, metrics or verdict");
    }
    json_array_foreach(json_object_get(root, "runs"), i, row)
    {
        if (!read_compared_run(report, root, row, source))
            return false;
    }
    json_t **compares = grow(report->compares, report->compare_count, sizeof(json_t *));
    if (compares == NULL)
        return fail_memory(report);
    report->compares = compares;
    compares[report->compare_count++] = json_incref(root);
    return true;
}

static const struct {
    const char *kind;
    bool (*read)(struct report *report, json_t *root, struct source source);
} kinds[] = {
    {"sweep", read_sweep}, {"cell", read_cell}, {"run", read_run}, {"compare", read_compare}};

static bool read_object(struct report *report, json_t *root, struct source source)
{
    const char *schema = text_at(root, "schema"), *kind = text_at(root, "kind");
    if (schema == NULL || strcmp(schema, SCHEMA) != 0)
        return fail_at(report, source, "not a result of haul bench: its schema is not " SCHEMA);
    for (size_t i = 0; kind != NULL && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind, kinds[i].kind) == 0)
            return kinds[i].read(report, root, source);
    return fail_at(report, source, "not a sweep, cell, run or comparison");
}

/* --- one file --------------------------------------------------------------------------------- */

static bool slurp(struct report *report, const char *path, char **ret_bytes, size_t *ret_length)
{
    size_t room = 1 << 16, length = 0, count;
    char *bytes = malloc(room), *larger;
    FILE *file = fopen(path, "re");
    if (bytes == NULL || file == NULL)
        goto fault;
    while ((count = fread(bytes + length, 1, room - length, file)) > 0) {
        length += count;
        if (length < room)
            continue;
        larger = realloc(bytes, room *= 2);
        if (larger == NULL)
            goto fault;
        bytes = larger;
    }
    if (ferror(file))
        goto fault;
    fclose(file);
    *ret_bytes = bytes;
    *ret_length = length;
    return true;
fault:
    fail(report, "%s: %s", path, strerror(errno));
    if (file != NULL)
        fclose(file);
    free(bytes);
    return false;
}

static bool is_blank(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (strchr(" \t\r", bytes[i]) == NULL || bytes[i] == '\0')
            return false;
    return true;
}

static bool fail_json(struct report *report, struct source source, const json_error_t *error)
{
    size_t line = source.line + (error->line > 1 ? (size_t)error->line - 1 : 0);
    return fail(report, "%s:%zu: not JSON: %s", source.path, line, error->text);
}

/* A file of one object over many lines. */
static bool read_whole(struct report *report, const char *bytes, size_t length, const char *path)
{
    json_error_t error;
    struct source source = {path, 1};
    json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
    bool done =
        root != NULL ? read_object(report, root, source) : fail_json(report, source, &error);
    json_decref(root);
    return done;
}

/* A sweep that was killed may end within a line: that one is left out. */
static bool read_lines(struct report *report, const char *bytes, size_t length, const char *path)
{
    json_error_t error;
    const char *end = bytes + length;
    struct source source = {path, 1};
    bool done = true;
    for (const char *next; done && bytes < end; bytes = next, source.line++) {
        const char *stop = memchr(bytes, '\n', (size_t)(end - bytes));
        size_t size = (size_t)((stop != NULL ? stop : end) - bytes);
        next = bytes + size + 1;
        if (is_blank(bytes, size))
            continue;
        json_t *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
        if (root != NULL)
            done = read_object(report, root, source);
        else if (stop == NULL)
            report->torn_count++;
        else
            done = fail_json(report, source, &error);
        json_decref(root);
    }
    return done;
}

static bool first_line_is_whole(const char *bytes, size_t length)
{
    while (length > 0 && strchr(" \t\r\n", *bytes) != NULL && *bytes != '\0')
        bytes++, length--;
    const char *stop = memchr(bytes, '\n', length);
    json_t *root = json_loadb(bytes, stop != NULL ? (size_t)(stop - bytes) : length, 0, NULL);
    json_decref(root);
    return root != NULL;
}

bool report_read(struct report *report, const char *path)
{
    char *bytes;
    size_t length;
    if (!slurp(report, path, &bytes, &length))
        return false;
    bool done = first_line_is_whole(bytes, length) ? read_lines(report, bytes, length, path)
                                                   : read_whole(report, bytes, length, path);
    free(bytes);
    return done;
}

/* --- axes ------------------------------------------------------------------------------------- */

int report_axis_find(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->axis_count; i++)
        if (strcmp(report->axes[i].name, name) == 0)
            return (int)i;
    return -1;
}

static bool add_cell_axes(struct report *report, const struct report_run *run)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)run->cell, name, value)
    {
        if (report_axis_find(report, name) >= 0)
            continue;
        if (report->axis_count == REPORT_AXES_MAX)
            return fail_at(report, (struct source){run->file, run->line}, "more than 16 axes");
        if (add_axis(report, name) == NULL)
            return fail_memory(report);
    }
    return true;
}

/* A run's value on an axis that its cell does not name may be known from the run. */
static const char *value_of(struct report *report, const struct report_run *run, const char *axis)
{
    const char *value = text_at(run->cell, axis);
    json_t *made = NULL;
    for (size_t i = 0; value == NULL && i < sizeof fields / sizeof *fields; i++)
        if (run->json != NULL && strcmp(fields[i].axis, axis) == 0)
            made = field_text(run->json, i);
    if (made != NULL)
        value = json_string_value(keep(report, made));
    return value != NULL ? value : NOT_SAID;
}

static void sort_values(struct report_axis *axis)
{
    axis->is_numeric = axis->count > 0;
    for (size_t i = 0; i < axis->count; i++)
        axis->is_numeric &= !isnan(axis->numbers[i]);
    for (size_t i = 1; axis->is_numeric && i < axis->count; i++)
        for (size_t k = i; k > 0 && axis->numbers[k - 1] > axis->numbers[k]; k--) {
            const char *value = axis->values[k];
            double number = axis->numbers[k];
            axis->values[k] = axis->values[k - 1];
            axis->numbers[k] = axis->numbers[k - 1];
            axis->values[k - 1] = value;
            axis->numbers[k - 1] = number;
        }
}

/* Values that no sweep's first line has listed come in the order in which runs have them. */
static bool make_axes(struct report *report)
{
    for (size_t i = 0; i < report->run_count; i++)
        if (!add_cell_axes(report, &report->runs[i]))
            return false;
    for (size_t i = 0; i < report->axis_count; i++) {
        struct report_axis *axis = &report->axes[i];
        for (size_t k = 0; k < report->run_count; k++)
            if (!add_value(report, axis, value_of(report, &report->runs[k], axis->name)))
                return false;
        sort_values(axis);
    }
    return true;
}

static void place_runs(struct report *report)
{
    for (size_t i = 0; i < report->run_count; i++)
        for (size_t k = 0; k < report->axis_count; k++) {
            struct report_run *run = &report->runs[i];
            const struct report_axis *axis = &report->axes[k];
            run->place.at[k] = (uint16_t)value_find(axis, value_of(report, run, axis->name));
        }
}

/* --- cells ------------------------------------------------------------------------------------ */

static int compare_places(const struct report_place *a, const struct report_place *b)
{
    for (size_t i = 0; i < REPORT_AXES_MAX; i++)
        if (a->at[i] != b->at[i])
            return a->at[i] < b->at[i] ? -1 : 1;
    return 0;
}

static int compare_numbers(json_int_t a, json_int_t b)
{
    return (a > b) - (a < b);
}

/* By place and round; the files in any order, but each together. */
static int compare_rounds(const void *left, const void *right)
{
    const struct report_run *a = left, *b = right;
    int order = compare_places(&a->place, &b->place);
    if (order == 0)
        order = compare_numbers(a->round, b->round);
    if (order == 0)
        order = strcmp(a->file, b->file);
    return order != 0 ? order : compare_numbers((json_int_t)a->line, (json_int_t)b->line);
}

/* By place; the good ones first. */
static int compare_cells(const void *left, const void *right)
{
    const struct report_run *a = left, *b = right;
    int order = compare_places(&a->place, &b->place);
    if (order == 0)
        order = compare_numbers(a->json == NULL, b->json == NULL);
    return order != 0 ? order : compare_rounds(left, right);
}

static bool is_same_run(const struct report_run *a, const struct report_run *b)
{
    const char *begun_a = text_at(a->json, "started_at"), *begun_b = text_at(b->json, "started_at");
    return begun_a != NULL && begun_b != NULL && strcmp(begun_a, begun_b) == 0;
}

static void swap_runs(struct report_run *a, struct report_run *b)
{
    struct report_run held = *a;
    *a = *b;
    *b = held;
}

/* Of a round that was repeated the last run counts, but none that failed after a good one; two good
 * ones cannot both be that round. */
static bool drop_repeated(struct report *report)
{
    size_t kept = 0;
    for (size_t i = 0; i < report->run_count; i++) {
        struct report_run *run = &report->runs[i], *last = &report->runs[kept > 0 ? kept - 1 : 0];
        bool is_round =
            kept > 0 && compare_places(&run->place, &last->place) == 0 && run->round == last->round;
        bool is_file = is_round && strcmp(run->file, last->file) == 0;
        bool are_good = is_round && run->json != NULL && last->json != NULL;
        if (are_good && (is_file || is_same_run(run, last)))
            return fail(report, "%s:%zu: the same run is in %.200s:%zu", run->file, run->line,
                        last->file, last->line);
        if (!is_file) {
            swap_runs(run, &report->runs[kept++]);
            continue;
        }
        if (run->json != NULL || last->json == NULL)
            swap_runs(run, last);
        json_t *dropped = run->root; /* axes may have their names from it */
        run->root = NULL;
        if (keep(report, dropped) == NULL)
            return fail_memory(report);
    }
    report->swept -= report->run_count - kept;
    report->run_count = kept;
    return true;
}

const char *report_run_verdict(const struct report_run *run)
{
    const char *verdict = text_at(json_object_get(run->json, "instrument"), "verdict");
    return verdict != NULL ? verdict : "ok";
}

static struct report_cell *add_cell(struct report *report, const struct report_run *first)
{
    struct report_cell *cells = grow(report->cells, report->cell_count, sizeof *cells);
    if (cells == NULL)
        return NULL;
    report->cells = cells;
    cells[report->cell_count] = (struct report_cell){.place = first->place, .runs = first};
    return &cells[report->cell_count++];
}

static bool make_cells(struct report *report)
{
    struct report_cell *cell = NULL;
    for (size_t i = 0; i < report->run_count; i++) {
        const struct report_run *run = &report->runs[i];
        if (cell == NULL || compare_places(&run->place, &cell->place) != 0)
            cell = add_cell(report, run);
        if (cell == NULL)
            return fail_memory(report);
        cell->run_count++;
        cell->good_count += run->json != NULL;
        cell->bound_count += run->json != NULL && strcmp(report_run_verdict(run), "ok") != 0;
    }
    return true;
}

static int compare_place_of_cell(const void *place, const void *cell)
{
    return compare_places(place, &((const struct report_cell *)cell)->place);
}

const struct report_cell *report_cell_at(const struct report *report,
                                         const struct report_place *place)
{
    const struct report_cell *cell = report->cell_count == 0
                                         ? NULL
                                         : bsearch(place, report->cells, report->cell_count,
                                                   sizeof *report->cells, compare_place_of_cell);
    return cell != NULL && cell->good_count > 0 ? cell : NULL;
}

/* --- curves ----------------------------------------------------------------------------------- */

double report_quantile(size_t point)
{
    return 1 - pow(10, -(double)point / QUANTILES_A_DECADE);
}

/* A quantile that less than one value lies above would only repeat the greatest. */
static bool draw_curve(struct report_cell *cell, const struct histogram *sum)
{
    cell->curve_us = malloc(REPORT_CURVE_POINTS * sizeof *cell->curve_us);
    if (cell->curve_us == NULL)
        return false;
    double count = (double)histogram_count(sum);
    for (size_t i = 0; i < REPORT_CURVE_POINTS; i++)
        if ((1 - report_quantile(i)) * count >= 0.999)
            cell->curve_us[cell->curve_count++] =
                (float)((double)histogram_quantile(sum, report_quantile(i)) / 1e3);
    return true;
}

static const json_t *payload_of(const json_t *run)
{
    const json_t *histograms = json_object_get(run, "histograms");
    const json_t *intended = json_object_get(histograms, "intended");
    return json_is_string(intended) ? intended : json_object_get(histograms, "actual");
}

static bool sum_histograms(struct report *report, struct report_cell *cell, struct histogram *one,
                           struct histogram *sum)
{
    histogram_reset(sum);
    for (size_t i = 0; i < cell->good_count; i++) {
        const struct report_run *run = &cell->runs[i];
        const json_t *payload = payload_of(run->json);
        if (!json_is_string(payload))
            continue;
        struct span bytes = {json_string_value(payload), json_string_length(payload)};
        enum hdrlog_error error = hdrlog_decode(bytes, one);
        if (error != HDRLOG_OK)
            return fail_at(report, (struct source){run->file, run->line},
                           hdrlog_error_sentence(error));
        if (histogram_count(sum) + histogram_count(one) > HISTOGRAM_COUNT_MAX)
            return fail_at(report, (struct source){run->file, run->line},
                           "its cell counts more than 2^44 - 1 values");
        histogram_add(sum, one);
    }
    return histogram_count(sum) == 0 || draw_curve(cell, sum) || fail_memory(report);
}

static bool make_curves(struct report *report)
{
    struct histogram one = {0}, sum = {0};
    bool done = histogram_open(&one) && histogram_open(&sum);
    if (!done)
        fail_memory(report);
    for (size_t i = 0; done && i < report->cell_count; i++)
        done = sum_histograms(report, &report->cells[i], &one, &sum);
    histogram_close(&one);
    histogram_close(&sum);
    return done;
}

/* --- all together ----------------------------------------------------------------------------- */

static void sort_runs(struct report *report, int (*compare)(const void *left, const void *right))
{
    if (report->run_count > 0)
        qsort(report->runs, report->run_count, sizeof *report->runs, compare);
}

bool report_arrange(struct report *report)
{
    if (report->run_count == 0 && report->compare_count == 0)
        return fail(report, "there is no finished run in what was read");
    if (!make_axes(report))
        return false;
    place_runs(report);
    sort_runs(report, compare_rounds);
    if (!drop_repeated(report))
        return false;
    sort_runs(report, compare_cells);
    return make_cells(report) && make_curves(report);
}

void report_free(struct report *report)
{
    for (size_t i = 0; i < report->run_count; i++)
        json_decref(report->runs[i].root);
    for (size_t i = 0; i < report->cell_count; i++)
        free(report->cells[i].curve_us);
    for (size_t i = 0; i < report->compare_count; i++)
        json_decref(report->compares[i]);
    json_decref(report->owned);
    free(report->runs);
    free(report->cells);
    free(report->compares);
    free(report->axes);
    *report = (struct report){0};
}
