/* Owns the tables and lists: every number that a chart shows, and what stood in its way. */

#include "bench/report/report_page.h"
#include "bench/base/json_at.h"
#include "bench/result/bound.h"
#include "bench/result/members.h"
#include "bench/result/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- tables with a cell's values before each row ---------------------------------------------- */

static void add_column(struct report_table *table, const char *title, const char *unit,
                       enum report_column_kind kind)
{
    table->columns[table->column_count++] = (struct report_column){title, unit, kind};
}

static void add_metric_column(struct report_table *table, enum report_metric metric)
{
    add_column(table, report_metrics[metric].title, report_metrics[metric].unit,
               REPORT_COLUMN_NUMBER);
}

/* Those with several values, but for one (-1: none). */
static bool is_told(const struct report_page *page, size_t axis, int except)
{
    return page->sums->report->axes[axis].count > 1 && (int)axis != except;
}

static void add_axis_columns(const struct report_page *page, struct report_table *table, int except)
{
    const struct report *report = page->sums->report;
    for (size_t i = 0; i < report->axis_count; i++)
        if (is_told(page, i, except))
            add_column(table, report_axis_title(report->axes[i].name), "",
                       report->axes[i].is_numeric ? REPORT_COLUMN_NUMBER : REPORT_COLUMN_TEXT);
    if (table->column_count == 0)
        add_column(table, "Run", "", REPORT_COLUMN_TEXT);
    table->head_count = table->column_count;
}

static void cell_text(const struct report_page *page, const struct report_table *table,
                      size_t column, const char *text)
{
    page->format->cell_begin(page->out, table, column, NAN, NULL);
    report_say(page, text);
    page->format->cell_end(page->out, table, column);
}

static void cell_number(const struct report_page *page, const struct report_table *table,
                        size_t column, double number)
{
    char text[METRIC_TEXT_BYTES];
    page->format->cell_begin(page->out, table, column, number, NULL);
    report_say(page, metric_text(text, METRIC_COUNT, number));
    page->format->cell_end(page->out, table, column);
}

static void cell_estimate(const struct report_page *page, const struct report_table *table,
                          size_t column, const struct report_estimate *estimate,
                          enum report_metric metric)
{
    page->format->cell_begin(page->out, table, column, estimate->value, NULL);
    report_estimate(page, estimate, metric);
    page->format->cell_end(page->out, table, column);
}

static void cell_value(const struct report_page *page, const struct report_table *table,
                       size_t column, size_t axis, size_t value)
{
    const struct report_axis *it = &page->sums->report->axes[axis];
    page->format->cell_begin(page->out, table, column, it->is_numeric ? it->numbers[value] : NAN,
                             NULL);
    report_say(page, report_value_name(it->values[value]));
    page->format->cell_end(page->out, table, column);
}

/* Returns the next column. */
static size_t cells_of_place(const struct report_page *page, const struct report_table *table,
                             size_t column, const struct report_place *place, int except)
{
    for (size_t i = 0; i < page->sums->report->axis_count; i++)
        if (is_told(page, i, except))
            cell_value(page, table, column++, i, place->at[i]);
    if (column == 0)
        cell_text(page, table, column++, "this one");
    return column;
}

/* --- ratios ----------------------------------------------------------------------------------- */

static const char *winner_mark(enum report_winner winner, const size_t *sides)
{
    static const char *const marks[REPORT_SIDES_MAX] = {"side0", "side1", "side2", "side3"};
    switch (winner) {
    case REPORT_FIRST:
        return marks[sides[0]];
    case REPORT_SECOND:
        return marks[sides[1]];
    case REPORT_TIE:
        return "tie";
    case REPORT_UNKNOWN:
        return NULL;
    }
    return NULL;
}

static void cell_ratio(const struct report_page *page, const struct report_table *table,
                       size_t column, size_t pair, const struct report_estimate *ratio,
                       enum report_metric metric)
{
    const char *mark = winner_mark(report_winner(ratio, metric), page->sums->pairs[pair]);
    page->format->cell_begin(page->out, table, column, ratio->value, mark);
    report_difference(page, ratio);
    page->format->cell_end(page->out, table, column);
}

static void cell_pair(const struct report_page *page, const struct report_table *table,
                      size_t column, size_t pair)
{
    page->format->cell_begin(page->out, table, column, (double)pair, NULL);
    report_against(page, pair);
    page->format->cell_end(page->out, table, column);
}

static void cells_of_ratios(const struct report_page *page, const struct report_table *table,
                            size_t column, size_t slice, size_t x, size_t pair)
{
    const struct report_panel *panel = &page->sums->panels[0];
    for (enum report_metric metric = 0; metric < REPORT_COMPARED_COUNT; metric++) {
        struct report_estimate ratio = report_ratio(page->sums, panel, slice, x, pair, metric);
        cell_ratio(page, table, column++, pair, &ratio, metric);
    }
}

static void row_of_ratios(const struct report_page *page, const struct report_table *table,
                          size_t x, size_t pair)
{
    const struct report_panel *panel = &page->sums->panels[0];
    page->format->row_begin(page->out);
    cell_pair(page, table, 0, pair);
    if (panel->axis >= 0 && x == REPORT_ALL)
        cell_text(page, table, 1, "all");
    else if (panel->axis >= 0)
        cell_value(page, table, 1, (size_t)panel->axis, x);
    cells_of_ratios(page, table, table->head_count, report_first_view(panel), x, pair);
    page->format->row_end(page->out);
}

void report_table_ratios(const struct report_page *page)
{
    const struct report_sums *sums = page->sums;
    const struct report_panel *panel = &sums->panels[0];
    struct report_table table = {.caption = "How much more or less the first has than the second"};
    add_column(&table, "Compared", "", REPORT_COLUMN_WORD);
    if (panel->axis >= 0)
        add_column(&table, report_axis_title(sums->report->axes[panel->axis].name), "",
                   REPORT_COLUMN_NUMBER);
    table.head_count = table.column_count;
    for (enum report_metric metric = 0; metric < REPORT_COMPARED_COUNT; metric++)
        add_column(&table, report_metrics[metric].title, "", REPORT_COLUMN_NUMBER);
    page->format->table_begin(page->out, &table);
    for (size_t pair = 0; pair < sums->pair_count; pair++) {
        for (size_t x = 0; panel->axis >= 0 && x < panel->x_count; x++)
            row_of_ratios(page, &table, x, pair);
        row_of_ratios(page, &table, REPORT_ALL, pair);
    }
    page->format->table_end(page->out, &table);
}

/* A row where both sides have been measured. */
static void row_of_comparison(const struct report_page *page, const struct report_table *table,
                              size_t slice, size_t x, size_t pair)
{
    const struct report_sums *sums = page->sums;
    const struct report_panel *panel = &sums->panels[0];
    const struct report_cell *first = report_cell_of(sums, panel, slice, x, sums->pairs[pair][0]);
    if (first == NULL || report_cell_of(sums, panel, slice, x, sums->pairs[pair][1]) == NULL)
        return;
    page->format->row_begin(page->out);
    cell_pair(page, table, 0, pair);
    size_t column = cells_of_place(page, table, 1, &first->place, sums->by);
    cells_of_ratios(page, table, column, slice, x, pair);
    page->format->row_end(page->out);
}

static void table_all_ratios(const struct report_page *page)
{
    const struct report_sums *sums = page->sums;
    const struct report_panel *panel = &sums->panels[0];
    struct report_table table = {.caption = "Every comparison: how much more or less the first has",
                                 .is_long = true};
    add_column(&table, "Compared", "", REPORT_COLUMN_WORD);
    add_axis_columns(page, &table, sums->by);
    for (enum report_metric metric = 0; metric < REPORT_COMPARED_COUNT; metric++)
        add_column(&table, report_metrics[metric].title, "", REPORT_COLUMN_NUMBER);
    page->format->table_begin(page->out, &table);
    for (size_t pair = 0; pair < sums->pair_count; pair++)
        for (size_t slice = 0; slice < panel->slice_count; slice++)
            for (size_t x = 0; x < panel->x_count; x++)
                row_of_comparison(page, &table, slice, x, pair);
    page->format->table_end(page->out, &table);
}

/* --- levels ----------------------------------------------------------------------------------- */

void report_table_levels(const struct report_page *page, const struct report_panel *panel)
{
    const struct report_sums *sums = page->sums;
    const struct report_axis *axis = &sums->report->axes[panel->axis];
    struct report_table table = {.caption = "Medians over rounds, geometric mean over the slices"};
    add_column(&table, report_axis_title(axis->name), "", REPORT_COLUMN_NUMBER);
    add_column(&table, sums->by >= 0 ? report_axis_title(sums->report->axes[sums->by].name) : "",
               "", REPORT_COLUMN_TEXT);
    table.head_count = table.column_count;
    for (enum report_metric metric = 0; metric < REPORT_COMPARED_COUNT; metric++)
        add_metric_column(&table, metric);
    page->format->table_begin(page->out, &table);
    for (size_t x = 0; x < panel->x_count; x++)
        for (size_t side = 0; side < sums->side_count; side++) {
            page->format->row_begin(page->out);
            cell_value(page, &table, 0, (size_t)panel->axis, x);
            page->format->cell_begin(page->out, &table, 1, NAN, NULL);
            report_side(page, side);
            page->format->cell_end(page->out, &table, 1);
            for (enum report_metric metric = 0; metric < REPORT_COMPARED_COUNT; metric++) {
                struct report_estimate level =
                    report_level(sums, panel, REPORT_ALL, x, side, metric);
                cell_estimate(page, &table, 2 + metric, &level, metric);
            }
            page->format->row_end(page->out);
        }
    page->format->table_end(page->out, &table);
}

/* --- every cell ------------------------------------------------------------------------------- */

/* One table of all cells: these metrics, as far as any run has them. */
static const struct cell_table {
    const char *caption;
    enum report_metric metrics[14];
    size_t count;
} cell_tables[] = {
    {"Every cell: medians over its rounds",
     {REPORT_RATE, REPORT_RATE_HELD, REPORT_CPU, REPORT_USER_CPU, REPORT_SYSTEM_CPU,
      REPORT_SYSTEM_CALLS, REPORT_COMPLETIONS, REPORT_REQUESTS, REPORT_UNSENT, REPORT_ERRORS},
     10},
    {"Every cell: latency of all that finished",
     {REPORT_MIN, REPORT_P50, REPORT_P75, REPORT_P90, REPORT_P95, REPORT_P99, REPORT_P99_9,
      REPORT_P99_99, REPORT_MAX, REPORT_MEAN, REPORT_DEVIATION},
     11},
    {"Every cell: where the time went",
     {REPORT_QUEUE_P50, REPORT_QUEUE_P99, REPORT_CONNECT_P50, REPORT_CONNECT_P99, REPORT_TLS_P50,
      REPORT_TLS_P99, REPORT_FIRST_BYTE_P50, REPORT_FIRST_BYTE_P99, REPORT_BODY_P50,
      REPORT_BODY_P99},
     10},
};

/* Of what every run states, a column of zeros says nothing. */
static bool is_measured(const struct report *report, enum report_metric metric)
{
    double least = metric == REPORT_UNSENT ? 1 : 0;
    for (size_t i = 0; i < report->run_count; i++)
        if (report->runs[i].values[metric] >= least)
            return true;
    return false;
}

static void cells_of_metrics(const struct report_page *page, const struct report_table *table,
                             size_t column, const struct report_cell *cell,
                             const struct cell_table *kind)
{
    for (size_t i = 0; i < kind->count; i++) {
        enum report_metric metric = kind->metrics[i];
        if (!is_measured(page->sums->report, metric))
            continue;
        struct report_estimate level = report_cell_level(page->sums, cell, metric);
        if (metric >= REPORT_COMPARED_COUNT)
            level = (struct report_estimate){.value = level.value, .low = NAN};
        page->format->cell_begin(page->out, table, column, level.value, NULL);
        report_say(page, report_is_lower_bound(cell, metric) ? "over " : "");
        report_estimate(page, &level, metric);
        page->format->cell_end(page->out, table, column++);
    }
}

static void table_of_cells(const struct report_page *page, const struct cell_table *kind)
{
    const struct report *report = page->sums->report;
    struct report_table table = {.caption = kind->caption, .is_long = true};
    add_axis_columns(page, &table, -1);
    for (size_t i = 0; i < kind->count; i++)
        if (is_measured(report, kind->metrics[i]))
            add_metric_column(&table, kind->metrics[i]);
    if (table.column_count == table.head_count)
        return;
    add_column(&table, "Rounds", "", REPORT_COLUMN_NUMBER);
    page->format->table_begin(page->out, &table);
    for (size_t i = 0; i < report->cell_count; i++) {
        const struct report_cell *cell = &report->cells[i];
        page->format->row_begin(page->out);
        size_t column = cells_of_place(page, &table, 0, &cell->place, -1);
        cells_of_metrics(page, &table, column, cell, kind);
        cell_number(page, &table, table.column_count - 1, (double)cell->good_count);
        page->format->row_end(page->out);
    }
    page->format->table_end(page->out, &table);
}

/* --- what compare has found ------------------------------------------------------------------- */

/* A side's level, in the metric's own unit. */
static void cell_compared(const struct report_page *page, const struct report_table *table,
                          size_t column, const char *name, const json_t *level)
{
    char text[REPORT_NUMBER_BYTES] = "–";
    if (json_is_number(level) && metric_is_known(name))
        report_measure(text, metric_unit(name), json_number_value(level));
    cell_text(page, table, column, text);
}

static void row_compared(const struct report_page *page, const struct report_table *table,
                         const json_t *metric, const size_t *sides)
{
    const char *name = text_at(metric, "metric");
    struct report_estimate ratio = {.value = NAN};
    enum report_winner winner = REPORT_UNKNOWN;
    report_compared(metric, &ratio, &winner);
    page->format->row_begin(page->out);
    cell_text(page, table, 0, report_metric_title(name));
    cell_compared(page, table, 1, name, json_object_get(metric, "a"));
    cell_compared(page, table, 2, name, json_object_get(metric, "b"));
    page->format->cell_begin(page->out, table, 3, ratio.value, winner_mark(winner, sides));
    report_difference(page, &ratio);
    page->format->cell_end(page->out, table, 3);
    cell_text(page, table, 4, text_at(metric, "verdict"));
    page->format->row_end(page->out);
}

static void table_compared(const struct report_page *page, const json_t *compare,
                           const json_t *pair)
{
    size_t sides[2];
    struct report_table table = {.caption = "How much more or less the first has than the second",
                                 .head_count = 1};
    json_t *metric;
    size_t i;
    report_compared_sides(compare, pair, sides);
    add_column(&table, "Metric", "", REPORT_COLUMN_TEXT);
    add_column(&table, report_value_name(text_at(pair, "a")), "", REPORT_COLUMN_NUMBER);
    add_column(&table, report_value_name(text_at(pair, "b")), "", REPORT_COLUMN_NUMBER);
    add_column(&table, "Difference", "", REPORT_COLUMN_NUMBER);
    add_column(&table, "Verdict", "", REPORT_COLUMN_TEXT);
    page->format->table_begin(page->out, &table);
    json_array_foreach(json_object_get(pair, "metrics"), i, metric)
    {
        row_compared(page, &table, metric, sides);
    }
    page->format->table_end(page->out, &table);
}

void report_table_compared(const struct report_page *page, const json_t *compare)
{
    json_t *pair;
    size_t i;
    json_array_foreach(json_object_get(compare, "pairs"), i, pair)
    {
        table_compared(page, compare, pair);
    }
}

/* --- all of it -------------------------------------------------------------------------------- */

void report_tables(const struct report_page *page)
{
    const struct report_panel *panel = &page->sums->panels[0];
    if (report_has_ratios(page) && panel->slice_count > 1)
        table_all_ratios(page);
    for (size_t i = 0; i < sizeof cell_tables / sizeof *cell_tables; i++)
        if (page->sums->report->cell_count > 0)
            table_of_cells(page, &cell_tables[i]);
}

/* --- the instrument --------------------------------------------------------------------------- */

/* What its author calls it, and what people do. */
static const char *const verdict_names[][2] = {{"client_bound", "client-bound"},
                                               {"rate_not_held", "rate not held"},
                                               {"all_failed", "all failed"},
                                               {"limited", "limited"}};

/* The loop that was asked for gave way to another. NULL: it did not. */
static const char *loop_instead(const struct report_run *run)
{
    const char *asked = text_at(run->cell, "loop");
    const char *used = text_at(run->json, "loop");
    return asked != NULL && used != NULL && strcmp(asked, used) != 0 ? used : NULL;
}

static const char *first_sentence(const struct report_run *run)
{
    const json_t *instrument = json_object_get(run->json, "instrument");
    const char *sentence =
        json_string_value(json_array_get(json_object_get(instrument, "sentences"), 0));
    return sentence != NULL ? sentence : "";
}

static void row_of_instrument(const struct report_page *page, const struct report_table *table,
                              const struct report_cell *cell, const char *what, size_t rounds,
                              const char *words)
{
    char text[64];
    page->format->row_begin(page->out);
    size_t column = cells_of_place(page, table, 0, &cell->place, -1);
    cell_text(page, table, column++, what);
    snprintf(text, sizeof text, "%zu of %zu", rounds, cell->good_count);
    cell_text(page, table, column++, text);
    cell_text(page, table, column, words);
    page->format->row_end(page->out);
}

/* What people call it; itself where it is none of ours, NULL where nothing stood in the way. */
static const char *verdict_name(const struct report_run *run)
{
    const char *verdict = report_run_verdict(run);
    for (size_t k = 0; k < sizeof verdict_names / sizeof *verdict_names; k++)
        if (strcmp(verdict, verdict_names[k][0]) == 0)
            return verdict_names[k][1];
    return strcmp(verdict, "ok") == 0 ? NULL : verdict;
}

/* A row for each verdict, with the words of the first run that has it. */
static void rows_of_verdicts(const struct report_page *page, const struct report_table *table,
                             const struct report_cell *cell)
{
    for (size_t first = 0; first < cell->good_count; first++) {
        const char *name = verdict_name(&cell->runs[first]);
        size_t count = 0, before = 0;
        for (size_t i = 0; name != NULL && i < cell->good_count; i++) {
            const char *other = verdict_name(&cell->runs[i]);
            bool is_same = other != NULL && strcmp(other, name) == 0;
            count += is_same;
            before += is_same && i < first;
        }
        if (count > 0 && before == 0)
            row_of_instrument(page, table, cell, name, count, first_sentence(&cell->runs[first]));
    }
}

static void rows_of_instrument(const struct report_page *page, const struct report_table *table,
                               const struct report_cell *cell)
{
    size_t count = 0;
    const char *used = NULL;
    rows_of_verdicts(page, table, cell);
    for (size_t i = 0; i < cell->good_count; i++)
        if (loop_instead(&cell->runs[i]) != NULL) {
            used = loop_instead(&cell->runs[i]);
            count++;
        }
    if (used != NULL)
        row_of_instrument(page, table, cell, "another loop than asked", count,
                          report_value_name(used));
}

static bool has_rows(const struct report_cell *cell)
{
    bool has = false;
    for (size_t i = 0; i < cell->good_count; i++)
        has |= loop_instead(&cell->runs[i]) != NULL ||
               strcmp(report_run_verdict(&cell->runs[i]), "ok") != 0;
    return has;
}

/* What every closed loop hides, as a run has said it. */
static void say_hidden(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    const char *hidden = NULL;
    for (size_t i = 0; hidden == NULL && i < report->run_count; i++)
        hidden = text_at(report->runs[i].json, "hidden");
    if (hidden == NULL)
        return;
    page->format->paragraph_begin(page->out, "basis");
    report_say(page, hidden);
    page->format->paragraph_end(page->out);
}

void report_instrument(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    struct report_table table = {.caption = "What stood in the way", .is_long = true};
    bool is_any = false;
    for (size_t i = 0; i < report->cell_count; i++)
        is_any |= has_rows(&report->cells[i]);
    if (!is_any) {
        page->format->paragraph_begin(page->out, NULL);
        report_say(page, "In no run was the client the bottleneck, a rate not held, or anything "
                         "short.");
        page->format->paragraph_end(page->out);
        say_hidden(page);
        return;
    }
    add_axis_columns(page, &table, -1);
    add_column(&table, "What", "", REPORT_COLUMN_WORD);
    add_column(&table, "Rounds", "", REPORT_COLUMN_WORD);
    add_column(&table, "In its words", "", REPORT_COLUMN_TEXT);
    page->format->table_begin(page->out, &table);
    for (size_t i = 0; i < report->cell_count; i++)
        rows_of_instrument(page, &table, &report->cells[i]);
    page->format->table_end(page->out, &table);
    say_hidden(page);
}

/* --- the environment -------------------------------------------------------------------------- */

static void count_value(json_t *values, const char *text)
{
    json_int_t count = json_integer_value(json_object_get(values, text));
    json_object_set_new_nocheck(values, text, json_integer(count + 1));
}

static void count_one(json_t *values, const json_t *value)
{
    char text[METRIC_TEXT_BYTES];
    if (json_is_string(value)) {
        count_value(values, json_string_value(value));
    } else if (json_is_number(value)) {
        count_value(values, metric_text(text, METRIC_COUNT, json_number_value(value)));
    } else if (json_is_null(value)) {
        count_value(values, "not known");
    } else {
        char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        count_value(values, dump != NULL ? dump : "");
        free(dump);
    }
}

static const json_t *environment_of(const struct report_run *run)
{
    return json_object_get(run->json, "environment");
}

/* Name by name, how often each value was there. */
static json_t *count_environments(const struct report *report)
{
    json_t *names = json_object();
    for (size_t i = 0; i < report->run_count; i++) {
        const char *name;
        json_t *value;
        json_object_foreach((json_t *)(uintptr_t)environment_of(&report->runs[i]), name, value)
        {
            if (json_object_get(names, name) == NULL)
                json_object_set_new_nocheck(names, name, json_object());
            count_one(json_object_get(names, name), value);
        }
    }
    return names;
}

enum { VALUES_LISTED = 4 };

/* All, with how often each was there; of many, only examples. */
static void say_values(const struct report_page *page, json_t *values)
{
    const char *text;
    json_t *count;
    size_t distinct = json_object_size(values), said = 0;
    if (distinct > VALUES_LISTED)
        report_sayf(page, "%zu different ones, such as ", distinct);
    json_object_foreach(values, text, count)
    {
        if (said++ == VALUES_LISTED)
            break;
        report_say(page, said > 1 ? "; " : "");
        report_say(page, text);
        if (distinct > 1 && distinct <= VALUES_LISTED)
            report_sayf(page, " (%lld run%s)", (long long)json_integer_value(count),
                        json_integer_value(count) == 1 ? "" : "s");
    }
}

/* The load average is another one each time. */
static void row_of_environment(const struct report_page *page, const struct report_table *table,
                               const char *name, json_t *values)
{
    bool is_odd = json_object_size(values) > 1 && strcmp(name, "load_average") != 0;
    page->format->row_begin(page->out);
    cell_text(page, table, 0, name);
    page->format->cell_begin(page->out, table, 1, NAN, is_odd ? "differs" : NULL);
    say_values(page, values);
    page->format->cell_end(page->out, table, 1);
    page->format->row_end(page->out);
}

void report_environment(const struct report_page *page)
{
    struct report_table table = {.caption = "As each run has stated it", .head_count = 1};
    json_t *names = count_environments(page->sums->report), *values;
    const char *name;
    add_column(&table, "Name", "", REPORT_COLUMN_TEXT);
    add_column(&table, "Value", "", REPORT_COLUMN_TEXT);
    page->format->table_begin(page->out, &table);
    json_object_foreach(names, name, values)
    {
        row_of_environment(page, &table, name, values);
    }
    page->format->table_end(page->out, &table);
    json_decref(names);
}

/* --- failures --------------------------------------------------------------------------------- */

/* Has a run before it, of those that failed in its cell, said the same? */
static bool is_said(const struct report_cell *cell, size_t number)
{
    for (size_t i = cell->good_count; i < number; i++)
        if (strcmp(cell->runs[i].failed, cell->runs[number].failed) == 0)
            return true;
    return false;
}

/* "io_uring, 64 connections, rounds 1 and 3: could not connect" */
static void item_of_failure(const struct report_page *page, const struct report_cell *cell,
                            size_t number)
{
    const char *why = cell->runs[number].failed;
    size_t count = 0, said = 0;
    if (is_said(cell, number))
        return;
    for (size_t i = number; i < cell->run_count; i++)
        count += strcmp(cell->runs[i].failed, why) == 0;
    page->format->item_begin(page->out);
    report_cell_name(page, cell);
    report_say(page, count == 1 ? ", round " : ", rounds ");
    for (size_t i = number; i < cell->run_count; i++)
        if (strcmp(cell->runs[i].failed, why) == 0) {
            const char *between = said == 0 ? "" : said + 1 == count ? " and " : ", ";
            report_sayf(page, "%s%lld", between, (long long)cell->runs[i].round);
            said++;
        }
    report_say(page, ": ");
    report_say(page, why);
    page->format->item_end(page->out);
}

bool report_is_lower_bound(const struct report_cell *cell, enum report_metric metric)
{
    for (size_t i = 0; i < latency_statistic_count; i++) {
        const struct latency_statistic *statistic = &latency_statistics[i];
        if (statistic->name == NULL || strcmp(statistic->name, report_metrics[metric].key) != 0)
            continue;
        for (size_t k = 0; k < cell->good_count; k++) {
            const json_t *clocks = json_object_get(cell->runs[k].json, "latency_us");
            if (bound_is_of(json_object_get(clocks, "all"), statistic->key))
                return true;
        }
    }
    return false;
}

/* The first percentile that is a lower bound in one of its runs; NULL: none is. */
static const char *first_lower_bound(const struct report_cell *cell)
{
    for (size_t i = 0; i < latency_statistic_count; i++)
        for (size_t k = 0; k < cell->good_count; k++) {
            const json_t *clocks = json_object_get(cell->runs[k].json, "latency_us");
            if (bound_is_of(json_object_get(clocks, "all"), latency_statistics[i].key))
                return latency_statistics[i].name;
        }
    return NULL;
}

/* Requests that failed in runs that did not: which, and how many, and what percentiles are then. */
static void item_of_errors(const struct report_page *page, const struct report_cell *cell)
{
    double errors = 0, requests = 0;
    for (size_t i = 0; i < cell->good_count; i++) {
        errors += fmax(0, cell->runs[i].values[REPORT_ERRORS]);
        requests += fmax(0, cell->runs[i].values[REPORT_REQUESTS]);
    }
    char some[METRIC_TEXT_BYTES], all[METRIC_TEXT_BYTES];
    page->format->item_begin(page->out);
    report_cell_name(page, cell);
    report_sayf(page, ": %s errors in %s requests", metric_text(some, METRIC_COUNT, errors),
                metric_text(all, METRIC_COUNT, requests));
    const char *bound = first_lower_bound(cell);
    if (bound != NULL)
        report_sayf(page, "; from %s on percentiles are lower bounds, so many requests failed",
                    bound);
    page->format->item_end(page->out);
}

static bool has_errors(const struct report_cell *cell)
{
    for (size_t i = 0; i < cell->good_count; i++)
        if (cell->runs[i].values[REPORT_ERRORS] > 0)
            return true;
    return false;
}

bool report_has_failures(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    bool is_any = false;
    for (size_t i = 0; i < report->cell_count; i++)
        is_any |= report->cells[i].good_count < report->cells[i].run_count ||
                  has_errors(&report->cells[i]);
    return is_any;
}

/* How much of all: what is read first. */
static void say_failures(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    size_t failed = 0;
    double errors = 0, requests = 0;
    for (size_t i = 0; i < report->run_count; i++) {
        const struct report_run *run = &report->runs[i];
        failed += run->json == NULL;
        errors += fmax(0, run->values[REPORT_ERRORS]);
        requests += fmax(0, run->values[REPORT_REQUESTS]);
    }
    char some[METRIC_TEXT_BYTES], all[METRIC_TEXT_BYTES];
    page->format->paragraph_begin(page->out, "banner");
    if (failed == report->run_count)
        report_sayf(page, failed == 1 ? "The run failed." : "All %zu runs failed.", failed);
    else if (failed > 0)
        report_sayf(page, "%zu of %zu runs failed.", failed, report->run_count);
    if (errors > 0 && errors >= requests)
        report_say(page,
                   failed > 0 ? " In the others every request failed." : "Every request failed.");
    else if (errors > 0)
        report_sayf(page, "%s%s of %s requests failed%s, %.2g %%.", failed > 0 ? " " : "",
                    metric_text(some, METRIC_COUNT, errors),
                    metric_text(all, METRIC_COUNT, requests), failed > 0 ? " in the others" : "",
                    100 * errors / requests);
    page->format->paragraph_end(page->out);
}

void report_failures(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    if (!report_has_failures(page)) {
        page->format->paragraph_begin(page->out, NULL);
        report_say(page, "No run failed, and no request in any of them.");
        page->format->paragraph_end(page->out);
        return;
    }
    say_failures(page);
    page->format->list_begin(page->out, "failures");
    for (size_t i = 0; i < report->cell_count; i++) {
        const struct report_cell *cell = &report->cells[i];
        for (size_t k = cell->good_count; k < cell->run_count; k++)
            item_of_failure(page, cell, k);
        if (has_errors(cell))
            item_of_errors(page, cell);
    }
    page->format->list_end(page->out);
}

/* --- of few cells ----------------------------------------------------------------------------- */

enum { FEW_CELLS = 4 };

const struct report_run *report_first_run(const struct report_cell *cell, report_has *has)
{
    for (size_t i = 0; i < cell->good_count; i++)
        if (has(&cell->runs[i]))
            return &cell->runs[i];
    return NULL;
}

bool report_few_have(const struct report_page *page, report_has *has)
{
    const struct report *report = page->sums->report;
    bool is_any = false;
    for (size_t i = 0; i < report->cell_count; i++)
        is_any |= report_first_run(&report->cells[i], has) != NULL;
    return is_any && report->cell_count <= FEW_CELLS;
}
