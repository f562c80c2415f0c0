#ifndef BENCH_REPORT_REPORT_PAGE_H
#define BENCH_REPORT_REPORT_PAGE_H

/* A report as sentences and tables, written once for every format. */

#include "bench/base/unit.h"
#include "bench/report/report_sums.h"

#include <stdio.h>

/* TEXT may be broken into lines. */
enum report_column_kind { REPORT_COLUMN_TEXT, REPORT_COLUMN_WORD, REPORT_COLUMN_NUMBER };

struct report_column {
    const char *title;
    const char *unit; /* "": none */
    enum report_column_kind kind;
};

enum { REPORT_COLUMNS_MAX = REPORT_AXES_MAX + 16 };

struct report_table {
    const char *caption;
    struct report_column columns[REPORT_COLUMNS_MAX];
    size_t column_count;
    size_t head_count; /* the columns that name a row */
    bool is_long;      /* as long as the sweep: may be folded away or scrolled */
};

/* How a format writes things. Text of any kind may be given to text() and minor(). */
struct report_format {
    void (*text)(FILE *out, const char *text);
    void (*minor)(FILE *out, const char *text); /* beside something greater */
    void (*strong)(FILE *out, const char *text);
    void (*heading_begin)(FILE *out, int level);
    void (*heading_end)(FILE *out, int level);
    void (*group_begin)(FILE *out, const char *name); /* blocks that belong together */
    void (*group_end)(FILE *out);
    void (*paragraph_begin)(FILE *out, const char *name); /* name: what it is, or NULL */
    void (*paragraph_end)(FILE *out);
    void (*list_begin)(FILE *out, const char *name);
    void (*item_begin)(FILE *out);
    void (*item_end)(FILE *out);
    void (*list_end)(FILE *out);
    void (*table_begin)(FILE *out, const struct report_table *table);
    void (*row_begin)(FILE *out);
    /* column: of the table. sort: what to sort by, NAN: the text. mark: a word for the style, or
     * NULL. */
    void (*cell_begin)(FILE *out, const struct report_table *table, size_t column, double sort,
                       const char *mark);
    void (*cell_end)(FILE *out, const struct report_table *table, size_t column);
    void (*row_end)(FILE *out);
    void (*table_end)(FILE *out, const struct report_table *table);
};

struct report_page {
    FILE *out;
    const struct report_format *format;
    const struct report_sums *sums;
    const char *title; /* NULL: what it is about */
};

/* Whole pages. Whether out has failed is not looked at. */
void report_html(const struct report_page *page);
void report_markdown(const struct report_page *page);
void report_csv(const struct report_page *page);

/* The data that the page's charts are drawn from: one JSON object, in which no "<" stands. */
void report_points(const struct report_page *page);

/* Has it latencies to draw, of requests that were answered? */
bool report_has_curve(const struct report_cell *cell);

/* --- words: report_words.c -------------------------------------------------------------------- */

void report_say(const struct report_page *page, const char *text);

/* At most 255 bytes. */
__attribute__((format(printf, 2, 3))) void report_sayf(const struct report_page *page,
                                                       const char *format, ...);

enum { REPORT_NUMBER_BYTES = 48 };

/* A metric's title, by the name that it is asked for; the name where it has none. */
const char *report_metric_title(const char *name);

/* As metric_text() into REPORT_NUMBER_BYTES, but as the page writes it: "12.34 µs". */
char *report_measure(char *buffer, enum metric_unit unit, double value);

/* A number of a metric in its unit: "12.34", "10,021". */
char *report_number(char *buffer, enum report_metric metric, double value);

const char *report_axis_title(const char *name);
const char *report_value_name(const char *value);

/* "64 connections", "TLS on". */
void report_value(const struct report_page *page, size_t axis, size_t value);

void report_side(const struct report_page *page, size_t side);

/* "io_uring against epoll": of which the figures are, and what they are compared with. */
void report_against(const struct report_page *page, size_t pair);

/* "io_uring and epoll" */
void report_pair(const struct report_page *page, size_t pair);

/* "connections", "TLS" */
void report_axis(const struct report_page *page, size_t axis);

/* "4k bodies, TLS on"; of the mean, what it is over; nothing where there is but one. */
void report_slice(const struct report_page *page, const struct report_panel *panel, size_t slice);

/* Of a cell: its values on the axes that have several. */
void report_cell_name(const struct report_page *page, const struct report_cell *cell);

/* "4.54 [4.41 … 4.66]", with a ring behind it where the instrument stood in the way; "–" */
void report_estimate(const struct report_page *page, const struct report_estimate *estimate,
                     enum report_metric metric);

/* How far apart two figures are, so that nobody has to calculate: percent, but from twice as much
 * and a tenth on, times. */
enum report_scale { REPORT_PERCENT, REPORT_TIMES, REPORT_TIMES_LESS };

enum report_scale report_scale(double ratio);

/* "8.2", "25", "1,675", without sign and unit. digits: behind the point, as the one they belong to
 * has them by report_digits(). */
char *report_amount(char *buffer, double ratio, enum report_scale scale, int digits);
int report_digits(double ratio, enum report_scale scale);

/* "-8.2 % [-11.0 … -5.1]", "×2.5 [2.3 … 2.7]", "÷12 [10 … 14]", of a ratio. */
void report_difference(const struct report_page *page, const struct report_estimate *ratio);

/* --- what is said: report_verdict.c ----------------------------------------------------------- */

void report_title(const struct report_page *page);
void report_where(const struct report_page *page);
const char *report_verdict_title(const struct report_page *page);
void report_verdict(const struct report_page *page);

/* Does this report compare by itself, or only repeat what compare has found? Not where no two cells
 * have been measured that could be compared. */
bool report_has_ratios(const struct report_page *page);

/* Has any run been measured? */
bool report_has_runs(const struct report_page *page);

/* "from when it was begun", "from when it was due", or both words where there are both loops. */
const char *report_clock(const struct report_page *page);

/* A row of a pair's metrics that compare has found, as a ratio of its first side to its second. The
 * winner is the better one, or the higher where neither is better. false: it was not measured. */
bool report_compared(const json_t *metric, struct report_estimate *ret_ratio,
                     enum report_winner *ret_winner);

/* Which of compare's sides a pair's two are. */
void report_compared_sides(const json_t *compare, const json_t *pair, size_t ret_sides[2]);

/* --- tables: report_tables.c ------------------------------------------------------------------ */

void report_instrument(const struct report_page *page);
void report_environment(const struct report_page *page);
void report_failures(const struct report_page *page);

/* Has a run failed, or a request? */
bool report_has_failures(const struct report_page *page);

/* Have so many requests failed in one of its runs that this percentile is a lower bound? */
bool report_is_lower_bound(const struct report_cell *cell, enum report_metric metric);

void report_table_ratios(const struct report_page *page);
void report_table_levels(const struct report_page *page, const struct report_panel *panel);
void report_table_compared(const struct report_page *page, const json_t *compare);
void report_tables(const struct report_page *page);

/* --- of few cells ----------------------------------------------------------------------------- */

/* Has a run what is to be told of it? */
typedef bool report_has(const struct report_run *run);

/* The cell's first run that has it; NULL: none has. */
const struct report_run *report_first_run(const struct report_cell *cell, report_has *has);

/* Has any run of the report it, and are its cells few enough that it is told? */
bool report_few_have(const struct report_page *page, report_has *has);

/* --- over time: report_course.c --------------------------------------------------------------- */

/* Of few cells, that have timelines. */
bool report_has_course(const struct report_page *page);
void report_course(const struct report_page *page);

/* --- stage by stage: report_stages.c ---------------------------------------------------------- */

/* Of few cells, whose loads have stages. */
bool report_has_stages(const struct report_page *page);
void report_stages(const struct report_page *page);

#endif
