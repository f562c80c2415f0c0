#ifndef BENCH_RESULT_BOUND_H
#define BENCH_RESULT_BOUND_H

/* Percentiles of requests of which some have failed. How long a failed one would have taken nobody
 * knows, only that it would have been longer than it was waited for: with more failures than
 * 1 - XX percent, pXX is a lower bound. `all` of a run's latency_us says from where on. */

#include <jansson.h>
#include <stdbool.h>

#define BOUND_KEY "lower_bound_from"

/* Sets lower_bound_from in a run's latency_us.all, whose percentiles are its histogram's, and those
 * that are bounds: to the timeout, or, where no request has reached that, the longest wait. False:
 * there is no memory. */
bool bound_put(json_t *run);

/* Is this statistic ("p99_9", "max") of a latency a lower bound? */
bool bound_is_of(const json_t *latency, const char *statistic);

#endif
