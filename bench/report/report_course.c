/* Owns runs over time: of each cell the first run that has a timeline, an interval a row, with a
 * bar that shows where a server slowed down or died. What the file says may be anything: where a
 * number should stand and does not, nothing is shown. */

#include "bench/report/report_page.h"

#include "bench/base/unit.h"

#include <math.h>
#include <string.h>

enum { ROWS_LEAST = 3, ROWS_SHORT = 40, BAR = 10, BAR_BYTES = 3 * BAR + 1 };

enum column { COLUMN_UNTIL, COLUMN_RATE, COLUMN_BAR, COLUMN_ERRORS, COLUMN_FIRST_LATENCY };

static const struct {
    const char *title;
    const char *unit;
    enum report_column_kind kind;
    const char *key; /* in the timeline's row */
    enum metric_unit in;
} columns[] = {
    [COLUMN_UNTIL] = {"Until", "s", REPORT_COLUMN_NUMBER, "end_s", METRIC_COUNT},
    [COLUMN_RATE] = {"Rate", "requests/s", REPORT_COLUMN_NUMBER, "rate_per_s", METRIC_COUNT},
    [COLUMN_BAR] = {"", "", REPORT_COLUMN_WORD, NULL, METRIC_COUNT},
    [COLUMN_ERRORS] = {"Errors", "", REPORT_COLUMN_NUMBER, NULL, METRIC_COUNT},
    [COLUMN_FIRST_LATENCY] = {"p50", "", REPORT_COLUMN_NUMBER, "p50_us", METRIC_MICROSECONDS},
    {"p99", "", REPORT_COLUMN_NUMBER, "p99_us", METRIC_MICROSECONDS},
    {"max", "", REPORT_COLUMN_NUMBER, "max_us", METRIC_MICROSECONDS},
    {"In flight", "", REPORT_COLUMN_NUMBER, "in_flight", METRIC_COUNT},
};

enum { COLUMNS = sizeof columns / sizeof *columns };

static const json_t *rows_of(const struct report_run *run)
{
    return json_object_get(json_object_get(run->json, "timeline"), "rows");
}

static bool has_rows(const struct report_run *run)
{
    return json_array_size(rows_of(run)) >= ROWS_LEAST;
}

bool report_has_course(const struct report_page *page)
{
    return report_few_have(page, has_rows);
}

static double number(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* Failures, and statuses from 400 on. */
static double errors_of(const json_t *row)
{
    static const char *const groups[] = {"errors", "statuses"};
    double sum = 0;
    for (size_t i = 0; i < 2; i++) {
        const char *key;
        json_t *value;
        json_object_foreach(json_object_get(row, groups[i]), key, value)
        {
            if (i == 0 || key[0] >= '4')
                sum += json_number_value(value);
        }
    }
    return sum;
}

/* As long as the rate; of it, as light, what were errors. */
static void bar_text(char *buffer, const json_t *row, double most)
{
    double rate = number(row, "rate_per_s"), requests = number(row, "requests");
    int length = most > 0 && rate > 0 ? (int)ceil(fmin(rate / most, 1) * BAR) : 0;
    double share = requests > 0 ? fmin(errors_of(row) / requests, 1) : 0;
    int light = share > 0 ? (int)ceil(share * length) : 0;
    for (int i = 0; i < length; i++)
        memcpy(buffer + (size_t)3 * (size_t)i, i < length - light ? "\u2588" : "\u2591", 3);
    buffer[3 * length] = '\0';
}

static void put_cell(const struct report_page *page, const struct report_table *table, size_t at,
                     const json_t *row, double most)
{
    char text[REPORT_NUMBER_BYTES], bar[BAR_BYTES];
    bool is_errors = at == COLUMN_ERRORS;
    double value = is_errors                 ? errors_of(row)
                   : columns[at].key != NULL ? number(row, columns[at].key)
                                             : NAN;
    bool is_bad = is_errors && value > 0;
    page->format->cell_begin(page->out, table, at, value, is_bad ? "differs" : NULL);
    if (at == COLUMN_BAR) {
        bar_text(bar, row, most);
        report_say(page, bar);
    } else if (at == COLUMN_UNTIL && isfinite(value)) {
        report_sayf(page, "%.6g", value);
    } else if (isfinite(value) && !(is_errors && value <= 0)) {
        report_say(page,
                   report_measure(text, columns[at].in, at == COLUMN_RATE ? round(value) : value));
    } else {
        report_say(page, "\u2013");
    }
    page->format->cell_end(page->out, table, at);
}

static void put_course(const struct report_page *page, const struct report_cell *cell)
{
    const struct report_run *run = report_first_run(cell, has_rows);
    const json_t *rows = rows_of(run);
    struct report_table table = {.head_count = 1, .column_count = COLUMNS};
    size_t i;
    const json_t *row;
    double most = 0;
    page->format->paragraph_begin(page->out, NULL);
    bool has_name = page->sums->report->cell_count > 1;
    if (has_name)
        report_cell_name(page, cell);
    report_sayf(page,
                "%s %lld: what finished in each interval. A bar is the rate, light where it is "
                "errors; latencies are those of all that finished, failures too.",
                has_name ? ", round" : "Round", (long long)run->round);
    page->format->paragraph_end(page->out);
    for (size_t k = 0; k < COLUMNS; k++)
        table.columns[k] =
            (struct report_column){columns[k].title, columns[k].unit, columns[k].kind};
    table.caption = "Over time";
    table.is_long = json_array_size(rows) > ROWS_SHORT;
    json_array_foreach(rows, i, row)
    {
        most = fmax(most, number(row, "rate_per_s"));
    }
    page->format->table_begin(page->out, &table);
    json_array_foreach(rows, i, row)
    {
        page->format->row_begin(page->out);
        for (size_t k = 0; k < COLUMNS; k++)
            put_cell(page, &table, k, row, most);
        page->format->row_end(page->out);
    }
    page->format->table_end(page->out, &table);
}

void report_course(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    for (size_t i = 0; i < report->cell_count; i++)
        if (report_first_run(&report->cells[i], has_rows) != NULL)
            put_course(page, &report->cells[i]);
}
