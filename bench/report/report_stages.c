/* Owns the stages of a load: of each cell the first run that has some, a stage a row, of what was
 * due in it. What the file says may be anything: where a number should stand and does not, nothing
 * is shown. */

#include "bench/report/report_page.h"

#include "bench/base/json_at.h"
#include "bench/base/unit.h"
#include "bench/result/bound.h"

#include <math.h>

enum { TEXT_BYTES = 2 * REPORT_NUMBER_BYTES };

enum column {
    COLUMN_NUMBER,
    COLUMN_UNTIL,
    COLUMN_ASKED,
    COLUMN_RATE,
    COLUMN_ERRORS,
    COLUMN_UNSENT,
    COLUMN_FIRST_LATENCY,
};

static const struct {
    const char *title;
    const char *unit;
    const char *key; /* in the stage, or of its latency of all that finished */
} columns[] = {
    [COLUMN_NUMBER] = {"Stage", "", NULL},
    [COLUMN_UNTIL] = {"Until", "s", "end_s"},
    [COLUMN_ASKED] = {"Asked", "requests/s", NULL},
    [COLUMN_RATE] = {"Rate", "requests/s", "rate_per_s"},
    [COLUMN_ERRORS] = {"Errors", "", "error_count"},
    [COLUMN_UNSENT] = {"Never begun", "", "unsent"},
    [COLUMN_FIRST_LATENCY] = {"p50", "", "p50"},
    {"p99", "", "p99"},
    {"max", "", "max"},
};

enum { COLUMNS = sizeof columns / sizeof *columns };

static const json_t *stages_of(const struct report_run *run)
{
    return json_object_get(run->json, "stages");
}

static bool has_stages(const struct report_run *run)
{
    return json_array_size(stages_of(run)) > 0;
}

bool report_has_stages(const struct report_page *page)
{
    return report_few_have(page, has_stages);
}

/* "100", "100 to 5,000" */
static void asked_text(char *buffer, const json_t *stage)
{
    const json_t *plan = json_object_get(stage, "plan");
    double from = number_at(plan, "rate_from"), to = number_at(plan, "rate_to");
    char first[REPORT_NUMBER_BYTES], last[REPORT_NUMBER_BYTES];
    snprintf(buffer, TEXT_BYTES, from == to ? "%s" : "%s to %s",
             report_measure(first, METRIC_COUNT, from), report_measure(last, METRIC_COUNT, to));
}

static double value_of(const json_t *stage, size_t at)
{
    const json_t *all = json_object_get(json_object_get(stage, "latency_us"), "all");
    const json_t *from = at >= COLUMN_FIRST_LATENCY ? all : stage;
    const json_t *value = columns[at].key != NULL ? json_object_get(from, columns[at].key) : NULL;
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void value_text(char *buffer, const json_t *stage, size_t at, double value)
{
    const json_t *all = json_object_get(json_object_get(stage, "latency_us"), "all");
    bool is_latency = at >= COLUMN_FIRST_LATENCY;
    bool is_none = (at == COLUMN_ERRORS || at == COLUMN_UNSENT) && value <= 0;
    char text[REPORT_NUMBER_BYTES] = "\u2013";
    if (at == COLUMN_UNTIL && isfinite(value))
        snprintf(text, sizeof text, "%.6g", round(value * 1e3) / 1e3);
    else if (isfinite(value) && !is_none)
        report_measure(text, is_latency ? METRIC_MICROSECONDS : METRIC_COUNT,
                       at == COLUMN_RATE && value >= 100 ? round(value) : value);
    snprintf(buffer, TEXT_BYTES, "%s%s",
             is_latency && isfinite(value) && bound_is_of(all, columns[at].key) ? "over " : "",
             text);
}

static void put_row(const struct report_page *page, const struct report_table *table,
                    const json_t *stage, size_t number)
{
    page->format->row_begin(page->out);
    for (size_t at = 0; at < COLUMNS; at++) {
        double value = at == COLUMN_NUMBER ? (double)number : value_of(stage, at);
        bool is_bad = (at == COLUMN_ERRORS || at == COLUMN_UNSENT) && value > 0;
        char text[TEXT_BYTES];
        if (at == COLUMN_ASKED)
            asked_text(text, stage);
        else
            value_text(text, stage, at, value);
        page->format->cell_begin(page->out, table, at, value, is_bad ? "differs" : NULL);
        report_say(page, text);
        page->format->cell_end(page->out, table, at);
    }
    page->format->row_end(page->out);
}

static void put_stages(const struct report_page *page, const struct report_cell *cell)
{
    const struct report_run *run = report_first_run(cell, has_stages);
    struct report_table table = {.head_count = 1, .column_count = COLUMNS};
    bool has_name = page->sums->report->cell_count > 1;
    size_t i;
    const json_t *stage;
    page->format->paragraph_begin(page->out, NULL);
    if (has_name)
        report_cell_name(page, cell);
    report_sayf(page,
                "%s %lld: errors and latencies are of the requests that were due in a stage, "
                "whenever they finished; the rate is of those that finished in its time.",
                has_name ? ", round" : "Round", (long long)run->round);
    page->format->paragraph_end(page->out);
    for (size_t k = 0; k < COLUMNS; k++)
        table.columns[k] =
            (struct report_column){columns[k].title, columns[k].unit, REPORT_COLUMN_NUMBER};
    table.caption = "Stage by stage";
    page->format->table_begin(page->out, &table);
    json_array_foreach(stages_of(run), i, stage)
    {
        put_row(page, &table, stage, i + 1);
    }
    page->format->table_end(page->out, &table);
}

void report_stages(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    for (size_t i = 0; i < report->cell_count; i++)
        if (report_first_run(&report->cells[i], has_stages) != NULL)
            put_stages(page, &report->cells[i]);
}
