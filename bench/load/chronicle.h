#ifndef BENCH_LOAD_CHRONICLE_H
#define BENCH_LOAD_CHRONICLE_H

/* What the conductor makes of the slices that clients leave behind: interval after interval a row,
 * and the sum of all, which is the run's. */

#include "bench/load/load.h"
#include "bench/load/tally.h"

struct chronicle {
    const struct load_options *options; /* filled in */
    struct tally *tallies;
    uint32_t tally_count;
    uint64_t number;      /* of the interval that is not over */
    struct stats present; /* of that, so far */
    uint64_t in_flight;   /* at its end, of those who have passed it */
    struct stats sum;     /* of all that are over */
    struct timeline *timeline;
    struct timeline_row last; /* of the last that is over */
    bool has_last;

    /* Each interval when it is over; false: no more is wanted. NULL: nobody looks. */
    bool (*look)(void *context, const struct interval_view *view);
    void *context;
    double started_at;
    bool is_enough; /* look() was false */
};

/* Errors: -ENOMEM. Always to be followed by chronicle_close(); what is all zero may be closed. */
int chronicle_open(struct chronicle *chronicle, const struct load_options *options,
                   struct tally *tallies, uint32_t tally_count);
void chronicle_close(struct chronicle *chronicle);

/* Takes what there is of the window, which began at window_ns; in_flight: requests under way. */
void chronicle_take(struct chronicle *chronicle, uint64_t window_ns, uint64_t now_ns,
                    uint64_t in_flight);

/* Nobody counts any more: the rest, until elapsed_ns after the window's begin. sum and timeline are
 * whole then. */
void chronicle_end(struct chronicle *chronicle, bool has_window, uint64_t elapsed_ns);

#endif
