#ifndef BENCH_LOAD_TIMELINE_H
#define BENCH_LOAD_TIMELINE_H

/* The course of a run: a row an interval, at most TIMELINE_ROWS of them. Where there would be more
 * two neighbours become one, their percentiles those of both histograms added, as far as these have
 * room in PACKED_BYTES. All memory is taken, and touched, when it is opened. */

#include "bench/load/stats.h"
#include "bench/statistics/packed.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TIMELINE_ROWS = 1000,
    STATUS_CLASSES = 10, /* by the first digit; 0: failures */
};

struct timeline_row {
    uint64_t start_ns; /* since the window's begin */
    uint64_t end_ns;
    uint64_t requests;  /* that finished in it, of those begun for the window */
    uint64_t in_window; /* of those that finished in it, within the window: its rate */
    uint64_t classes[STATUS_CLASSES];
    uint64_t errors[STATS_ERROR_COUNT];
    uint64_t in_flight; /* at its end */
    uint64_t p50_ns;    /* of all that finished, as `all` of the run; 0 where requests is 0 */
    uint64_t p99_ns;
    uint64_t max_ns;
};

/* An interval that is over. */
struct interval_view {
    double started_at; /* the window: seconds since 1970 */
    const struct timeline_row *row;
    const struct stats *stats; /* what was counted in it, summed up */
};

struct timeline {
    struct timeline_row rows[TIMELINE_ROWS];
    struct packed packed[TIMELINE_ROWS]; /* what a row counts */
    size_t count;
    uint32_t each;    /* intervals that a row is made of; 0: not open */
    uint32_t present; /* intervals in the row that is not full */
    struct timeline_row row;
    struct histogram histogram; /* of that */
};

/* Errors: -ENOMEM. timeline_close() takes also what is all zero. */
int timeline_open(struct timeline *timeline);
void timeline_close(struct timeline *timeline);

/* What an interval's stats, summed up, make of its row. */
struct timeline_row timeline_row_of(const struct stats *stats, uint64_t start_ns, uint64_t end_ns,
                                    uint64_t in_flight);

/* Requests a second in its part of the window, which is so long; false: it has none. */
bool timeline_rate(const struct timeline_row *row, uint64_t window_ns, double *ret_rate);

/* Failures, and statuses from 400 on. */
uint64_t timeline_errors(const struct timeline_row *row);

/* The next interval, which begins where the last has ended. */
void timeline_add(struct timeline *timeline, const struct timeline_row *row,
                  const struct stats *stats);

/* All have been added: the row that is not full is one too. */
void timeline_end(struct timeline *timeline);

#endif
