/* Owns where runs stand. The idea: when all files are read, what the runs' cells name becomes axes,
 * and a sort by place makes runs into rounds and rounds into cells. */

#include "bench/statistics/hdrlog.h"
#include "bench/base/json_at.h"
#include "bench/report/report_data.h"
#include "bench/result/axes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOT_SAID "–"

enum { QUANTILES_A_DECADE = 8 };

static bool fail_memory(struct report *report)
{
    return report_fail(report, "out of memory");
}

static bool fail_at(struct report *report, const char *file, size_t line, const char *why)
{
    return report_fail(report, "%s:%zu: %s", file, line, why);
}

/* --- runs that no sweep made ------------------------------------------------------------------ */

/* What a run itself says about where it would stand; NULL: it does not. */
static json_t *member_text(const json_t *run, const struct axis_row *axis)
{
    const json_t *value = axis->member != NULL ? json_object_get(run, axis->member) : NULL;
    if (json_is_number(value))
        return json_sprintf("%.12g", json_number_value(value));
    if (json_is_boolean(value))
        return json_string(json_is_true(value) ? "on" : "off");
    return json_is_string(value) ? json_copy((json_t *)(uintptr_t)value) : NULL;
}

static json_t *own_cell(const struct report_run *run)
{
    const char *slash = strrchr(run->file, '/');
    json_t *cell = json_object();
    if (run->side != NULL)
        json_object_set_new(cell, "side", json_string(run->side));
    for (size_t i = 0; run->side == NULL && i < axis_row_count; i++) {
        json_t *text = member_text(run->json, &axis_rows[i]);
        if (text != NULL)
            json_object_set_new_nocheck(cell, axis_rows[i].key, text);
    }
    json_object_set_new_nocheck(cell, "file",
                                json_string_nocheck(slash != NULL ? slash + 1 : run->file));
    return cell;
}

static bool name_cells(struct report *report)
{
    for (size_t i = 0; i < report->run_count; i++) {
        struct report_run *run = &report->runs[i];
        if (run->cell == NULL)
            run->cell = report_keep(report, own_cell(run));
        if (run->cell == NULL)
            return fail_memory(report);
    }
    return true;
}

/* --- axes ------------------------------------------------------------------------------------- */

int report_axis_find(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->axis_count; i++)
        if (strcmp(report->axes[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* The axis of that name, which may be new; NULL: it would be one too many. */
static struct report_axis *take_axis(struct report *report, const char *name)
{
    int found = report_axis_find(report, name);
    if (found < 0 && report->axis_count < REPORT_AXES_MAX) {
        found = (int)report->axis_count++;
        report->axes[found].name = name;
    }
    return found >= 0 ? &report->axes[found] : NULL;
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
        return report_fail(report, "more than 256 values of the axis \"%.64s\"", axis->name);
    axis->numbers[axis->count] = number_of(value);
    axis->values[axis->count++] = value;
    return true;
}

bool report_add_axes(struct report *report, const json_t *axes, const char *file, size_t line)
{
    const char *name;
    json_t *values, *value;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)axes, name, values)
    {
        struct report_axis *axis = take_axis(report, name);
        if (axis == NULL)
            return fail_at(report, file, line, "more than 16 axes");
        json_array_foreach(values, i, value)
        {
            if (!json_is_string(value))
                return fail_at(report, file, line, "the values of its \"axes\" are not strings");
            if (!add_value(report, axis, json_string_value(value)))
                return false;
        }
    }
    return true;
}

/* A run's value on an axis that its cell does not name may be known from the run. */
static const char *value_of(struct report *report, const struct report_run *run, const char *axis)
{
    const char *value = text_at(run->cell, axis);
    const struct axis_row *known = axis_find(axis);
    json_t *made = NULL;
    if (value == NULL && known != NULL && run->json != NULL)
        made = member_text(run->json, known);
    if (made != NULL)
        value = json_string_value(report_keep(report, made));
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
        if (!report_add_axes(report, report->runs[i].cell, report->runs[i].file,
                             report->runs[i].line))
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
            return report_fail(report, "%s:%zu: the same run is in %.200s:%zu", run->file,
                               run->line, last->file, last->line);
        if (!is_file)
            report->runs[kept++] = *run;
        else if (run->json != NULL || last->json == NULL)
            *last = *run;
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

bool report_run_is_bound(const struct report_run *run)
{
    const char *verdict = report_run_verdict(run);
    return strcmp(verdict, "ok") != 0 && strcmp(verdict, "all_failed") != 0 &&
           strcmp(verdict, "rate_not_held") != 0;
}

/* Older runs do not say how many replies there were. */
static bool has_replies(const json_t *run)
{
    const json_t *replies = json_object_get(run, "replies");
    return !json_is_number(replies) || json_number_value(replies) > 0;
}

bool report_cell_has_replies(const struct report_cell *cell)
{
    bool has = false;
    for (size_t i = 0; i < cell->good_count; i++)
        has |= has_replies(cell->runs[i].json);
    return has;
}

/* There are at most as many as runs. */
static bool make_cells(struct report *report)
{
    struct report_cell *cell = NULL;
    report->cells = calloc(report->run_count, sizeof *report->cells);
    if (report->cells == NULL && report->run_count > 0)
        return fail_memory(report);
    for (size_t i = 0; i < report->run_count; i++) {
        const struct report_run *run = &report->runs[i];
        if (cell == NULL || compare_places(&run->place, &cell->place) != 0) {
            cell = &report->cells[report->cell_count++];
            *cell = (struct report_cell){.place = run->place, .runs = run};
        }
        cell->run_count++;
        cell->good_count += run->json != NULL;
        cell->bound_count += run->json != NULL && report_run_is_bound(run);
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
    const json_t *all = json_object_get(histograms, "all");
    const json_t *intended = json_object_get(histograms, "intended");
    if (json_is_string(all))
        return all;
    return json_is_string(intended) ? intended : json_object_get(histograms, "actual");
}

static bool sum_histograms(struct report *report, struct report_cell *cell, struct histogram *one,
                           struct histogram *sum)
{
    histogram_reset(sum);
    for (size_t i = 0; i < cell->good_count; i++) {
        const struct report_run *run = &cell->runs[i];
        const json_t *payload = payload_of(run->json);
        if (!json_is_string(payload) || !has_replies(run->json))
            continue;
        struct span bytes = {json_string_value(payload), json_string_length(payload)};
        enum hdrlog_error error = hdrlog_decode(bytes, one);
        if (error != HDRLOG_OK)
            return fail_at(report, run->file, run->line, hdrlog_error_sentence(error));
        if (histogram_count(sum) + histogram_count(one) > HISTOGRAM_COUNT_MAX)
            return fail_at(report, run->file, run->line,
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
        return report_fail(report, "there is no finished run in what was read");
    if (!name_cells(report) || !make_axes(report))
        return false;
    place_runs(report);
    sort_runs(report, compare_rounds);
    if (!drop_repeated(report))
        return false;
    sort_runs(report, compare_cells);
    return make_cells(report) && make_curves(report);
}
