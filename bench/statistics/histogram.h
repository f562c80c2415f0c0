#ifndef BENCH_STATISTICS_HISTOGRAM_H
#define BENCH_STATISTICS_HISTOGRAM_H

/* Durations, counted: 0 to HISTOGRAM_HIGHEST_NS (73 minutes), to three significant digits. Memory
 * is constant, and count, least, greatest, mean and deviation are exact. One layout for all, so
 * that adding two together gives what recording both in one would have given.
 *
 * Values below 2048 have a bucket each. From there on every octave is cut into 1024 equal buckets,
 * none wider than a thousandth of the values in it. This is the array of an HdrHistogram with
 * lowest discernible value 1 and three significant digits.
 *
 * A histogram belongs to one thread at a time. An unused one costs address space, not memory. */

#include <stdbool.h>
#include <stdint.h>

enum { HISTOGRAM_OCTAVE_BITS = 10, HISTOGRAM_BUCKETS = 33 << HISTOGRAM_OCTAVE_BITS };

#define HISTOGRAM_HIGHEST_NS ((UINT64_C(1) << 42) - 1)

/* So many values may be counted in all. */
#define HISTOGRAM_COUNT_MAX ((UINT64_C(1) << 44) - 1)

/* Holds the squares of HISTOGRAM_COUNT_MAX values of HISTOGRAM_HIGHEST_NS, summed; where there are
 * no such integers, on 32 bits, with the precision that is left. */
#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 histogram_wide;
#else
typedef long double histogram_wide;
#endif

struct histogram {
    uint64_t *counts; /* HISTOGRAM_BUCKETS */
    uint64_t count;
    uint64_t clipped;
    uint64_t min_ns; /* UINT64_MAX where count is 0 */
    uint64_t max_ns;
    histogram_wide sum;
    histogram_wide sum_of_squares;
};

/* false: no memory. */
bool histogram_open(struct histogram *histogram);

/* Of one that was opened, or whose opening failed, or that is all zero. */
void histogram_close(struct histogram *histogram);

/* As just opened. */
void histogram_reset(struct histogram *histogram);

/* Index into counts of a value of at most HISTOGRAM_HIGHEST_NS. */
static inline uint32_t histogram_index(uint64_t value_ns)
{
    const uint64_t first_octave = (UINT64_C(2) << HISTOGRAM_OCTAVE_BITS) - 1;
    unsigned zeros = (unsigned)__builtin_clzll(value_ns | first_octave);
    unsigned octave = 63 - HISTOGRAM_OCTAVE_BITS - zeros;

    return (uint32_t)(octave << HISTOGRAM_OCTAVE_BITS) + (uint32_t)(value_ns >> octave);
}

/* times: at least 1. A greater value than HISTOGRAM_HIGHEST_NS is recorded as that one in every
 * respect, and counted as clipped. */
static inline void histogram_record_many(struct histogram *histogram, uint64_t value_ns,
                                         uint64_t times)
{
    if (__builtin_expect(value_ns > HISTOGRAM_HIGHEST_NS, 0)) {
        value_ns = HISTOGRAM_HIGHEST_NS;
        histogram->clipped += times;
    }
    histogram->counts[histogram_index(value_ns)] += times;
    histogram->count += times;
    histogram->min_ns = value_ns < histogram->min_ns ? value_ns : histogram->min_ns;
    histogram->max_ns = value_ns > histogram->max_ns ? value_ns : histogram->max_ns;
    histogram->sum += (histogram_wide)value_ns * times;
    histogram->sum_of_squares += (histogram_wide)value_ns * value_ns * times;
}

static inline void histogram_record(struct histogram *histogram, uint64_t value_ns)
{
    histogram_record_many(histogram, value_ns, 1);
}

/* Counts values of which only the bucket is known, times at least 1: mean and deviation take its
 * middle for each, min its lowest value, max its highest. */
void histogram_record_bucket(struct histogram *histogram, uint32_t index, uint64_t times);

/* into counts also what from did. */
void histogram_add(struct histogram *into, const struct histogram *from);

static inline uint64_t histogram_count(const struct histogram *histogram)
{
    return histogram->count;
}

/* How many of the values were greater than HISTOGRAM_HIGHEST_NS. */
static inline uint64_t histogram_clipped(const struct histogram *histogram)
{
    return histogram->clipped;
}

/* Of an empty histogram, these are 0. The deviation is the population's. */
uint64_t histogram_min_ns(const struct histogram *histogram);
uint64_t histogram_max_ns(const struct histogram *histogram);
double histogram_mean_ns(const struct histogram *histogram);
double histogram_deviation_ns(const struct histogram *histogram);

/* The value that a share q (0 to 1) of all values is not above: that of rank ceil(q * count),
 * counted from 1, as the highest value of its bucket but not above the greatest recorded. It is not
 * below the true one, and above it by less than a thousandth. 0: the histogram is empty. */
uint64_t histogram_quantile(const struct histogram *histogram, double q);

struct histogram_bucket {
    uint64_t lowest_ns;
    uint64_t highest_ns;
    uint64_t count;
};

/* The buckets that are not empty, in ascending order. *cursor begins as 0. false: there is none
 * left. */
bool histogram_next(const struct histogram *histogram, uint32_t *cursor,
                    struct histogram_bucket *ret_bucket);

#endif
