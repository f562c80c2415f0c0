/* The histogram's memory and what is read from it.
 *
 * Only the buckets from that of the least value to that of the greatest are ever looked at: the
 * kernel commits a page of counts when it is first touched, and most never are.
 *
 * The deviation is exact before its one rounding: the sum of squared distances from the mean's
 * integer part is worked out modulo 2^128, which may wrap on its way to a result that fits. */

#include "bench/statistics/histogram.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>

enum { COUNTS_BYTES = HISTOGRAM_BUCKETS * sizeof(uint64_t) };

static void clear_facts(struct histogram *histogram)
{
    *histogram = (struct histogram){.counts = histogram->counts, .min_ns = UINT64_MAX};
}

bool histogram_open(struct histogram *histogram)
{
    void *memory = mmap(NULL, COUNTS_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    histogram->counts = memory != MAP_FAILED ? memory : NULL;
    clear_facts(histogram);
    return histogram->counts != NULL;
}

void histogram_close(struct histogram *histogram)
{
    if (histogram->counts != NULL)
        munmap(histogram->counts, COUNTS_BYTES);
}

/* --- buckets ---------------------------------------------------------------------------------- */

/* Values 0 … 2047 are octave 0; it alone fills two times 1024 buckets. */
static unsigned octave_of(uint32_t index)
{
    uint32_t half = index >> HISTOGRAM_OCTAVE_BITS;

    return half > 0 ? half - 1 : 0;
}

static uint64_t lowest_of(uint32_t index)
{
    unsigned octave = octave_of(index);

    return (uint64_t)(index - (octave << HISTOGRAM_OCTAVE_BITS)) << octave;
}

static uint64_t highest_of(uint32_t index)
{
    return lowest_of(index) + (UINT64_C(1) << octave_of(index)) - 1;
}

/* The buckets that may be other than empty: first … end - 1. */
struct range {
    uint32_t first;
    uint32_t end;
};

static struct range range_used(const struct histogram *histogram)
{
    if (histogram->count == 0)
        return (struct range){0, 0};
    return (struct range){histogram_index(histogram->min_ns),
                          histogram_index(histogram->max_ns) + 1};
}

void histogram_reset(struct histogram *histogram)
{
    struct range range = range_used(histogram);

    memset(histogram->counts + range.first, 0,
           (range.end - range.first) * sizeof(*histogram->counts));
    clear_facts(histogram);
}

/* --- counting --------------------------------------------------------------------------------- */

static void widen(struct histogram *histogram, uint64_t min_ns, uint64_t max_ns)
{
    if (min_ns < histogram->min_ns)
        histogram->min_ns = min_ns;
    if (max_ns > histogram->max_ns)
        histogram->max_ns = max_ns;
}

void histogram_record_bucket(struct histogram *histogram, uint32_t index, uint64_t times)
{
    uint64_t width_ns = UINT64_C(1) << octave_of(index);

    histogram_record_many(histogram, lowest_of(index) + width_ns / 2, times);
    widen(histogram, lowest_of(index), highest_of(index));
}

void histogram_add(struct histogram *into, const struct histogram *from)
{
    struct range range = range_used(from);

    for (uint32_t i = range.first; i < range.end; i++)
        into->counts[i] += from->counts[i];
    into->count += from->count;
    into->clipped += from->clipped;
    into->sum += from->sum;
    into->sum_of_squares += from->sum_of_squares;
    widen(into, from->min_ns, from->max_ns);
}

/* --- reading ---------------------------------------------------------------------------------- */

uint64_t histogram_min_ns(const struct histogram *histogram)
{
    return histogram->count > 0 ? histogram->min_ns : 0;
}

uint64_t histogram_max_ns(const struct histogram *histogram)
{
    return histogram->max_ns;
}

double histogram_mean_ns(const struct histogram *histogram)
{
    if (histogram->count == 0)
        return 0;
    return (double)((long double)histogram->sum / (long double)histogram->count);
}

#ifdef __SIZEOF_INT128__
double histogram_deviation_ns(const struct histogram *histogram)
{
    const histogram_wide count = histogram->count, sum = histogram->sum;
    histogram_wide middle, squares;
    long double rest;

    if (count == 0)
        return 0;
    middle = sum / count;
    squares = histogram->sum_of_squares + middle * middle * count - 2 * middle * sum;
    rest = (long double)(sum % count) / (long double)count;
    return (double)sqrtl((long double)squares / (long double)count - rest * rest);
}
#else
double histogram_deviation_ns(const struct histogram *histogram)
{
    if (histogram->count == 0)
        return 0;
    long double mean = histogram->sum / histogram->count;
    long double square = histogram->sum_of_squares / histogram->count - mean * mean;
    return square > 0 ? (double)sqrtl(square) : 0;
}
#endif

/* The product is rounded down a little more than it may have been rounded up: 0.07 of 100 values
 * are 7, though 0.07 * 100 is above that. */
static uint64_t rank_of(double q, uint64_t count)
{
    double rank = ceil(q * (double)count * (1 - DBL_EPSILON));

    return rank < 1 ? 1 : (uint64_t)rank;
}

uint64_t histogram_quantile(const struct histogram *histogram, double q)
{
    struct range range = range_used(histogram);
    uint64_t rank, seen = 0;

    assert(q >= 0 && q <= 1);
    rank = rank_of(q, histogram->count);
    for (uint32_t i = range.first; i < range.end; i++) {
        seen += histogram->counts[i];
        if (seen >= rank) {
            uint64_t highest_ns = highest_of(i);

            return highest_ns < histogram->max_ns ? highest_ns : histogram->max_ns;
        }
    }
    return 0;
}

bool histogram_next(const struct histogram *histogram, uint32_t *cursor,
                    struct histogram_bucket *ret_bucket)
{
    struct range range = range_used(histogram);
    uint32_t i = *cursor > range.first ? *cursor : range.first;

    while (i < range.end && histogram->counts[i] == 0)
        i++;
    *cursor = i + 1;
    if (i >= range.end)
        return false;
    *ret_bucket = (struct histogram_bucket){lowest_of(i), highest_of(i), histogram->counts[i]};
    return true;
}
