#ifndef BENCH_REPORT_REPORT_SUMS_H
#define BENCH_REPORT_REPORT_SUMS_H

/* What many rounds come to: medians, ratios of medians, and how sure they are. Estimates are
 * computed when asked for, the same every time. */

#include "bench/report/report_data.h"

enum { REPORT_SIDES_MAX = 4, REPORT_PAIRS_MAX = 6, REPORT_PANELS_MAX = 4 };

/* A median, or the ratio of two; of several cells together, the geometric mean of those. The
 * interval is of 95 %, by bootstrap over the rounds. */
struct report_estimate {
    double value; /* NAN: there is none */
    double low;   /* NAN: no interval, since a cell has only one round */
    double high;
    size_t rounds; /* of the cell that has fewest */
    size_t cell_count;
    size_t bound_count; /* of these cells, those where the instrument once stood in the way */
};

/* Cells over the values of one axis. What the other axes have beside it is a slice: one value of
 * each, but for the compared one. */
struct report_panel {
    int axis; /* -1: none, and one value */
    size_t x_count;
    struct report_place *slices;
    bool *is_complete; /* slice by slice: every side has a good run at every x */
    size_t slice_count;
    size_t complete_count;
};

struct report_sums {
    const struct report *report;
    int by;            /* the axis whose values are compared, or -1 */
    size_t side_count; /* its values; 1 without an axis */
    size_t pairs[REPORT_PAIRS_MAX][2];
    size_t pair_count;
    size_t panel_count;                            /* never 0 */
    struct report_panel panels[REPORT_PANELS_MAX]; /* the first is what ratios are shown over */
    /* The first panel's first view, over all x. */
    struct report_estimate overall[REPORT_PAIRS_MAX][REPORT_COMPARED_COUNT];
    size_t rounds;  /* of the cell that has most */
    double *values; /* from here on: room to compute in */
    struct report_sample *samples;
    double *draws;
    uint32_t *hits;
};

/* by: NULL: the loop where there are several, or else the first axis with 2 to 4 values. Returns 0.
 * Errors: -EINVAL: by is no axis with 2 to 4 values; -ENOMEM. */
int report_sums_open(struct report_sums *ret_sums, const struct report *report, const char *by);
void report_sums_close(struct report_sums *sums);

/* In place of a slice's number: the mean of all complete slices. In place of an x: of all x. */
#define REPORT_ALL SIZE_MAX

/* Several slices, of which two or more are complete. */
bool report_has_mean(const struct report_panel *panel);

/* The view to begin with: the mean, or else the first slice. */
size_t report_first_view(const struct report_panel *panel);

/* NULL: there is no such cell with a good run. */
const struct report_cell *report_cell_of(const struct report_sums *sums,
                                         const struct report_panel *panel, size_t slice, size_t x,
                                         size_t side);

struct report_estimate report_level(const struct report_sums *sums,
                                    const struct report_panel *panel, size_t slice, size_t x,
                                    size_t side, enum report_metric metric);

/* Of a cell by itself. */
struct report_estimate report_cell_level(const struct report_sums *sums,
                                         const struct report_cell *cell, enum report_metric metric);

/* The pair's first side, of its second. */
struct report_estimate report_ratio(const struct report_sums *sums,
                                    const struct report_panel *panel, size_t slice, size_t x,
                                    size_t pair, enum report_metric metric);

enum report_winner { REPORT_TIE, REPORT_FIRST, REPORT_SECOND, REPORT_UNKNOWN };

/* TIE: no difference detected, the interval holds 1. UNKNOWN: no estimate, or no interval. */
enum report_winner report_winner(const struct report_estimate *ratio, enum report_metric metric);

#endif
