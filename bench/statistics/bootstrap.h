#ifndef BENCH_STATISTICS_BOOTSTRAP_H
#define BENCH_STATISTICS_BOOTSTRAP_H

/* Two sides, measured in turns: how their metrics relate, and how sure that is. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BOOTSTRAP_ROUNDS_MIN = 3, BOOTSTRAP_ROUNDS_MAX = 100, BOOTSTRAP_METRICS_MAX = 64 };

struct bootstrap_options {
    double confidence;  /* that all intervals hold at once: 0.99; from 0.5 to 0.999 */
    double same_within; /* the smallest difference that matters: 0.01; 0: any does */
    uint64_t seed;      /* the same seed gives the same intervals */
};

/* What each metric had in each round: values[metric * rounds + round], all of them above 0. */
struct bootstrap_rounds {
    const double *a;
    const double *b;
    size_t metrics; /* 1 … BOOTSTRAP_METRICS_MAX */
    size_t rounds;  /* BOOTSTRAP_ROUNDS_MIN … BOOTSTRAP_ROUNDS_MAX */
};

enum bootstrap_verdict {
    BOOTSTRAP_NONE,     /* no difference detected */
    BOOTSTRAP_SAME,     /* the same within same_within: the interval says so */
    BOOTSTRAP_B_HIGHER, /* the interval is above 1 */
    BOOTSTRAP_A_HIGHER, /* below 1 */
};

struct bootstrap_estimate {
    double a; /* geometric means of the rounds in use */
    double b;
    double ratio; /* b of a: geometric mean of the rounds' ratios */
    double low;
    double high;
    double resolution; /* the least difference that would have been one: 0.01 is 1 % */
    size_t rounds;     /* in use: without those disturbed, in all metrics or in this one */
    enum bootstrap_verdict verdict;
};

/* One estimate a metric. ret_aside, one a round, says which rounds were disturbed and not used
 * in any.
 * Returns 0 or -ENOMEM. */
int bootstrap_compare(const struct bootstrap_rounds *rounds,
                      const struct bootstrap_options *options,
                      struct bootstrap_estimate *ret_estimates, bool *ret_aside);

/* Of values that are not in order; count is at least 1. Sorts them. */
double bootstrap_median(double *values, size_t count);

#endif
