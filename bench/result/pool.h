#ifndef BENCH_RESULT_POOL_H
#define BENCH_RESULT_POOL_H

/* Two runs of the same load become one, as if it had been measured once. Runs are objects as in
 * SCHEMA.md, which may come from anywhere. */

#include <jansson.h>

enum pool_manner {
    POOL_REPEATS,  /* one after the other: times add up, rates are the mean over them */
    POOL_TOGETHER, /* at the same time on one server: rates, connections and threads add up */
};

enum { POOL_MESSAGE_BYTES = 400 };

/* "repeats", "together". */
const char *pool_manner_name(enum pool_manner manner);

/* A new run. Counts add up; what is per request is weighted by requests; count, least, greatest,
 * mean and deviation of latencies are exact, their percentiles are those of the histograms added.
 * The schedule lag has none, and phases have none where a run lacks theirs: their percentiles are
 * null then. The gravest verdict counts. Of the environment what is not the same is all there is,
 * as "a | b". What else differs becomes null.
 *
 * NULL: they are not of the same load, or not well formed, or there is no memory; ret_message,
 * of POOL_MESSAGE_BYTES, then names the member: 'loop is "epoll", and "uring" in the other'. */
json_t *pool_runs(json_t *first, json_t *second, enum pool_manner manner, char *ret_message);

#endif
