/* Histograms in a kilobyte: what comes out again, against what was put in. */

#include "bench/statistics/packed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { TIMES_MAX = 1 << 20 };

/* splitmix64 */
static uint64_t next(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double unit(uint64_t *seed)
{
    return ((double)(next(seed) >> 11) + 0.5) / 9007199254740992.0;
}

/* Around middle_ns, so many octaves to each side, the middle the likeliest. */
static void fill(struct histogram *histogram, unsigned times, double middle_ns, double octaves)
{
    uint64_t seed = times;
    for (unsigned i = 0; i < times; i++) {
        double at = unit(&seed) + unit(&seed) + unit(&seed) + unit(&seed) - 2; /* -2 to 2 */
        histogram_record(histogram, (uint64_t)(middle_ns * exp2(at / 2 * octaves)));
    }
}

static const double quantiles[] = {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1};

/* 2^width_bits of 1024 buckets of an octave are one. */
static void assert_alike(const struct histogram *is, const struct histogram *was, unsigned width)
{
    assert_int_equal(histogram_count(is), histogram_count(was));
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        double wanted = (double)histogram_quantile(was, quantiles[i]);
        double got = (double)histogram_quantile(is, quantiles[i]);
        double most = wanted * (double)width / 1024 + (double)width + 1;
        assert_true(fabs(got - wanted) <= most);
    }
}

static void test_shapes(void **state)
{
    static const struct {
        unsigned times;
        double middle_ns, octaves;
        unsigned width; /* at most so many buckets became one */
    } rows[] = {
        {0, 1e6, 1, 1},       {1, 1e6, 1, 1},          {150, 1e6, 8, 1},
        {1000, 1e6, 0.1, 1},  {500000, 1e6, 1.5, 8}, /* a second of a steady load */
        {500000, 1e6, 3, 16}, {TIMES_MAX, 1e6, 8, 64}, {TIMES_MAX, 3e6, 19, 128},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct histogram was, is;
        struct packed packed, again;
        assert_true(histogram_open(&was) && histogram_open(&is));
        fill(&was, rows[i].times, rows[i].middle_ns, rows[i].octaves);
        packed_put(&packed, &was);
        packed_add(&packed, &is);
        assert_in_range(1u << packed.bytes[0], 1, rows[i].width);
        assert_alike(&is, &was, 1u << packed.bytes[0]);
        packed_put(&again, &is); /* what is wide is not made wider */
        histogram_reset(&is);
        packed_add(&again, &is);
        assert_alike(&is, &was, 1u << packed.bytes[0]);
        histogram_close(&was);
        histogram_close(&is);
    }
}

/* Few buckets are kept as they are, whatever they count. */
static void test_exact(void **state)
{
    struct histogram was, is;
    struct packed packed;
    (void)state;
    assert_true(histogram_open(&was) && histogram_open(&is));
    histogram_record(&was, 0);
    histogram_record_many(&was, 1, HISTOGRAM_COUNT_MAX / 2);
    histogram_record(&was, 2048);
    histogram_record_many(&was, 1234567, 128);
    histogram_record(&was, HISTOGRAM_HIGHEST_NS + 1);
    packed_put(&packed, &was);
    packed_add(&packed, &is);
    assert_memory_equal(is.counts, was.counts, HISTOGRAM_BUCKETS * sizeof *was.counts);
    assert_int_equal(is.count, was.count);
    histogram_close(&was);
    histogram_close(&is);
}

/* Every bucket there is counts as much as it may. */
static void test_fullest(void **state)
{
    struct histogram was, is;
    struct packed packed;
    (void)state;
    assert_true(histogram_open(&was) && histogram_open(&is));
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        histogram_record_bucket(&was, i, HISTOGRAM_COUNT_MAX / HISTOGRAM_BUCKETS);
    packed_put(&packed, &was);
    packed_add(&packed, &is);
    assert_alike(&is, &was, 512);
    histogram_close(&was);
    histogram_close(&is);
}

/* The sum of a thousand is no further off than one of them. */
static void test_sums(void **state)
{
    struct histogram was, is, one;
    struct packed sum = {{0}}, packed;
    (void)state;
    assert_true(histogram_open(&was) && histogram_open(&is) && histogram_open(&one));
    for (unsigned i = 0; i < 1000; i++) {
        fill(&one, 1000 + i, 1e6, 3);
        histogram_add(&was, &one);
        packed_put(&packed, &one);
        histogram_reset(&one);
        packed_add(&packed, &is);
        packed_add(&sum, &is);
        packed_put(&sum, &is);
        histogram_reset(&is);
    }
    packed_add(&sum, &is);
    assert_in_range(1u << sum.bytes[0], 1, 16);
    assert_alike(&is, &was, 1u << sum.bytes[0]);
    histogram_close(&was);
    histogram_close(&is);
    histogram_close(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_fullest),
        cmocka_unit_test(test_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
