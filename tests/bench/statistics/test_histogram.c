/* The histogram, against sorted lists of what was recorded. */

#include "bench/statistics/histogram.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RANDOM_VALUES = 1000000, VALUES_MAX = 16 };

static struct histogram opened(void)
{
    struct histogram histogram;

    assert_true(histogram_open(&histogram));
    return histogram;
}

/* Marsaglia's xorshift64. */
static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Of every magnitude up to HISTOGRAM_HIGHEST_NS. */
static uint64_t random_value(uint64_t *seed)
{
    unsigned bits = 1 + (unsigned)(random_next(seed) % 42);

    return random_next(seed) >> (64 - bits);
}

static void assert_same(const struct histogram *a, const struct histogram *b)
{
    assert_memory_equal(a->counts, b->counts, HISTOGRAM_BUCKETS * sizeof(*a->counts));
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->clipped, b->clipped);
    assert_int_equal(a->min_ns, b->min_ns);
    assert_int_equal(a->max_ns, b->max_ns);
    assert_true(a->sum == b->sum);
    assert_true(a->sum_of_squares == b->sum_of_squares);
}

static void assert_empty(const struct histogram *histogram)
{
    struct histogram_bucket bucket;
    uint32_t cursor = 0;

    assert_int_equal(histogram_count(histogram), 0);
    assert_int_equal(histogram_clipped(histogram), 0);
    assert_int_equal(histogram_min_ns(histogram), 0);
    assert_int_equal(histogram_max_ns(histogram), 0);
    assert_true(histogram_mean_ns(histogram) == 0);
    assert_true(histogram_deviation_ns(histogram) == 0);
    assert_int_equal(histogram_quantile(histogram, 0.5), 0);
    assert_false(histogram_next(histogram, &cursor, &bucket));
}

/* --- buckets ---------------------------------------------------------------------------------- */

static void the_buckets_lie_one_behind_the_other(void **state)
{
    (void)state;
    struct histogram histogram = opened();
    struct histogram_bucket bucket;
    uint64_t expected_ns = 0;
    uint32_t cursor = 0;

    for (uint32_t index = 0; index < HISTOGRAM_BUCKETS; index++)
        histogram_record_bucket(&histogram, index, index + 1);
    for (uint32_t index = 0; index < HISTOGRAM_BUCKETS; index++) {
        assert_true(histogram_next(&histogram, &cursor, &bucket));
        assert_int_equal(bucket.lowest_ns, expected_ns);
        assert_int_equal(bucket.count, index + 1);
        assert_int_equal(histogram_index(bucket.lowest_ns), index);
        assert_int_equal(histogram_index(bucket.highest_ns), index);
        expected_ns = bucket.highest_ns + 1;
    }
    assert_false(histogram_next(&histogram, &cursor, &bucket));
    assert_false(histogram_next(&histogram, &cursor, &bucket));
    assert_int_equal(expected_ns - 1, HISTOGRAM_HIGHEST_NS);
    histogram_close(&histogram);
}

static void assert_bucket(uint64_t value_ns, uint64_t lowest_ns, uint64_t width_ns)
{
    struct histogram histogram = opened();
    struct histogram_bucket bucket;
    uint32_t cursor = 0;

    histogram_record(&histogram, value_ns);
    assert_true(histogram_next(&histogram, &cursor, &bucket));
    assert_int_equal(bucket.lowest_ns, lowest_ns);
    assert_int_equal(bucket.highest_ns, lowest_ns + width_ns - 1);
    assert_int_equal(bucket.count, 1);
    histogram_close(&histogram);
}

static void buckets_double_their_width_at_powers_of_two(void **state)
{
    (void)state;

    assert_bucket(0, 0, 1);
    for (unsigned power = 1; power < 42; power++) {
        uint64_t edge_ns = UINT64_C(1) << power;
        uint64_t below_ns = power <= 11 ? 1 : edge_ns >> 11;
        uint64_t above_ns = power < 11 ? 1 : edge_ns >> 10;

        assert_bucket(edge_ns - 1, edge_ns - below_ns, below_ns);
        assert_bucket(edge_ns, edge_ns, above_ns);
        assert_bucket(edge_ns + 1, edge_ns + (above_ns == 1), above_ns);
    }
    assert_bucket(HISTOGRAM_HIGHEST_NS, HISTOGRAM_HIGHEST_NS - 0x7fffffff, 0x80000000);
}

/* What lies outside of the recorded values must not be touched, so that it never costs memory. */
static void only_the_buckets_in_use_are_looked_at(void **state)
{
    (void)state;
    struct histogram histogram = opened(), sum = opened();
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = HISTOGRAM_BUCKETS * sizeof(uint64_t) / page;
    uint32_t first = (uint32_t)(10 * page / sizeof(uint64_t));
    char *memory = (char *)histogram.counts;
    struct histogram_bucket bucket;
    uint32_t cursor = 0;

    assert_int_equal(mprotect(memory, 10 * page, PROT_NONE), 0);
    assert_int_equal(mprotect(memory + 11 * page, (pages - 11) * page, PROT_NONE), 0);
    histogram_record_bucket(&histogram, first, 1);
    histogram_record_bucket(&histogram, first + (uint32_t)(page / sizeof(uint64_t)) - 1, 1);
    assert_true(histogram_quantile(&histogram, 0) < histogram_quantile(&histogram, 1));
    while (histogram_next(&histogram, &cursor, &bucket))
        assert_int_equal(bucket.count, 1);
    histogram_add(&sum, &histogram);
    assert_int_equal(histogram_count(&sum), 2);
    histogram_reset(&histogram);
    assert_empty(&histogram);
    histogram_close(&histogram);
    histogram_close(&sum);
}

/* --- quantiles -------------------------------------------------------------------------------- */

struct quantile_row {
    struct {
        uint64_t value_ns;
        uint64_t times;
    } recorded[VALUES_MAX];
    double q;
    uint64_t value_ns;
};

static const struct quantile_row quantile_rows[] = {
    /* one value is all of them */
    {{{7, 1}}, 0, 7},
    {{{7, 1}}, 0.5, 7},
    {{{7, 1}}, 1, 7},
    {{{0, 5}}, 0.99, 0},
    /* rank ceil(q * count), counted from 1 */
    {{{1, 1}, {2, 1}, {3, 1}, {4, 1}}, 0, 1},
    {{{1, 1}, {2, 1}, {3, 1}, {4, 1}}, 0.25, 1},
    {{{1, 1}, {2, 1}, {3, 1}, {4, 1}}, 0.2500001, 2},
    {{{1, 1}, {2, 1}, {3, 1}, {4, 1}}, 0.5, 2},
    {{{1, 1}, {2, 1}, {3, 1}, {4, 1}}, 0.75, 3},
    {{{1, 1}, {2, 1}, {3, 1}, {4, 1}}, 0.99, 4},
    {{{1, 1}, {2, 1}, {3, 1}, {4, 1}}, 1, 4},
    /* 0.07 * 100 and 0.29 * 100 are no whole numbers in binary */
    {{{1, 7}, {2, 93}}, 0.07, 1},
    {{{1, 29}, {2, 71}}, 0.29, 1},
    {{{1, 990}, {2, 9}, {3, 1}}, 0.99, 1},
    {{{1, 990}, {2, 9}, {3, 1}}, 0.999, 2},
    {{{1, 990}, {2, 9}, {3, 1}}, 0.9991, 3},
    /* beyond 2047, the highest value of the bucket, but not above the greatest */
    {{{2048, 1}, {2050, 1}}, 0.5, 2049},
    {{{2048, 1}, {2050, 1}}, 1, 2050},
    {{{1000000, 99}, {5000000, 1}}, 0.99, 1000447},
    {{{1000000, 99}, {5000000, 1}}, 0.991, 5000000},
    {{{1000000, 100}}, 0.5, 1000000},
    {{{1000000, 100}, {1000001, 1}}, 0.5, 1000001},
    /* the ends */
    {{{1, 1}, {HISTOGRAM_HIGHEST_NS, 1}}, 0.5, 1},
    {{{1, 1}, {HISTOGRAM_HIGHEST_NS, 1}}, 1, HISTOGRAM_HIGHEST_NS},
    {{{1, HISTOGRAM_COUNT_MAX - 1}, {2, 1}}, 0.5, 1},
    {{{1, HISTOGRAM_COUNT_MAX - 1}, {2, 1}}, 1, 2},
};

static void quantiles(void **state)
{
    (void)state;
    struct histogram histogram = opened();

    for (size_t i = 0; i < sizeof(quantile_rows) / sizeof(quantile_rows[0]); i++) {
        const struct quantile_row *row = &quantile_rows[i];

        histogram_reset(&histogram);
        for (size_t j = 0; j < VALUES_MAX && row->recorded[j].times > 0; j++)
            histogram_record_many(&histogram, row->recorded[j].value_ns, row->recorded[j].times);
        if (histogram_quantile(&histogram, row->q) != row->value_ns)
            fail_msg("row %zu: %ju, not %ju", i, (uintmax_t)histogram_quantile(&histogram, row->q),
                     (uintmax_t)row->value_ns);
    }
    histogram_close(&histogram);
}

static int value_compare(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static void assert_close_above(uint64_t value_ns, uint64_t true_ns)
{
    assert_true(value_ns >= true_ns);
    assert_true((value_ns - true_ns) * 1000 <= true_ns);
}

static void a_quantile_is_within_a_thousandth_of_the_true_one(void **state)
{
    (void)state;
    uint64_t *values = calloc(RANDOM_VALUES, sizeof(*values)), seed = 88172645463325252;
    struct histogram histogram = opened();

    assert_non_null(values);
    for (size_t i = 0; i < RANDOM_VALUES; i++) {
        values[i] = random_value(&seed);
        histogram_record(&histogram, values[i]);
    }
    qsort(values, RANDOM_VALUES, sizeof(*values), value_compare);
    for (size_t rank = 1; rank <= RANDOM_VALUES; rank += rank < 1000 ? 1 : 997)
        assert_close_above(histogram_quantile(&histogram, (double)rank / RANDOM_VALUES),
                           values[rank - 1]);
    assert_int_equal(histogram_min_ns(&histogram), values[0]);
    assert_int_equal(histogram_max_ns(&histogram), values[RANDOM_VALUES - 1]);
    assert_int_equal(histogram_quantile(&histogram, 1), values[RANDOM_VALUES - 1]);
    free(values);
    histogram_close(&histogram);
}

static void every_value_is_within_a_thousandth_of_its_bucket(void **state)
{
    (void)state;
    struct histogram histogram = opened();
    uint64_t seed = 362436069;

    for (size_t i = 0; i < RANDOM_VALUES; i++) {
        uint64_t value_ns = random_value(&seed);
        struct histogram_bucket bucket;
        uint32_t cursor = 0;

        histogram_reset(&histogram);
        histogram_record(&histogram, value_ns);
        assert_true(histogram_next(&histogram, &cursor, &bucket));
        assert_true(bucket.lowest_ns <= value_ns);
        assert_close_above(bucket.highest_ns, value_ns);
    }
    histogram_close(&histogram);
}

/* --- mean and deviation ----------------------------------------------------------------------- */

static void mean_and_deviation_are_exact(void **state)
{
    (void)state;
    static const uint64_t values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    static const uint64_t offsets[] = {0, 1, 1000003, 1000000000, 4000000000000};
    struct histogram histogram = opened();

    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        histogram_reset(&histogram);
        for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++)
            histogram_record_many(&histogram, offsets[i] + values[j], 1000000);
        assert_true(histogram_mean_ns(&histogram) == (double)offsets[i] + 5);
        assert_true(histogram_deviation_ns(&histogram) == 2);
        histogram_reset(&histogram);
        histogram_record_many(&histogram, offsets[i], 1000000);
        histogram_record_many(&histogram, offsets[i] + 1, 1000000);
        assert_true(histogram_mean_ns(&histogram) == (double)offsets[i] + 0.5);
        assert_true(histogram_deviation_ns(&histogram) == 0.5);
    }
    histogram_close(&histogram);
}

static void the_sums_hold_as_much_as_may_be_counted(void **state)
{
    (void)state;
    const uint64_t half = HISTOGRAM_COUNT_MAX / 2;
    struct histogram histogram = opened();

    histogram_record_many(&histogram, HISTOGRAM_HIGHEST_NS, HISTOGRAM_COUNT_MAX);
    assert_true(histogram_mean_ns(&histogram) == (double)HISTOGRAM_HIGHEST_NS);
    assert_true(histogram_deviation_ns(&histogram) == 0);
    histogram_reset(&histogram);
    histogram_record_many(&histogram, 0, half);
    histogram_record_many(&histogram, HISTOGRAM_HIGHEST_NS, half);
    assert_true(histogram_mean_ns(&histogram) == (double)HISTOGRAM_HIGHEST_NS / 2);
    assert_true(histogram_deviation_ns(&histogram) == (double)HISTOGRAM_HIGHEST_NS / 2);
    histogram_close(&histogram);
}

static void of_a_bucket_the_middle_counts(void **state)
{
    (void)state;
    struct histogram histogram = opened();

    histogram_record_bucket(&histogram, histogram_index(1000000), 3);
    assert_int_equal(histogram_count(&histogram), 3);
    assert_int_equal(histogram_min_ns(&histogram), 999936);
    assert_int_equal(histogram_max_ns(&histogram), 1000447);
    assert_true(histogram_mean_ns(&histogram) == 1000192);
    assert_true(histogram_deviation_ns(&histogram) == 0);
    histogram_record_bucket(&histogram, HISTOGRAM_BUCKETS - 1, 1);
    assert_int_equal(histogram_max_ns(&histogram), HISTOGRAM_HIGHEST_NS);
    assert_int_equal(histogram_clipped(&histogram), 0);
    histogram_close(&histogram);
}

/* --- the whole -------------------------------------------------------------------------------- */

static void adding_is_recording_both(void **state)
{
    (void)state;
    struct histogram one = opened(), other = opened(), both = opened(), sum = opened();
    uint64_t seed = 521288629;

    for (size_t i = 0; i < 100000; i++) {
        uint64_t value_ns = random_value(&seed) << (i % 1000 == 0);
        struct histogram *part = i % 3 == 0 ? &one : &other;

        histogram_record(part, value_ns);
        histogram_record(&both, value_ns);
    }
    assert_true(histogram_clipped(&both) > 0);
    histogram_add(&sum, &one);
    assert_same(&sum, &one);
    histogram_add(&sum, &other);
    assert_same(&sum, &both);
    histogram_reset(&one);
    histogram_add(&sum, &one);
    assert_same(&sum, &both);
    histogram_close(&one);
    histogram_close(&other);
    histogram_close(&both);
    histogram_close(&sum);
}

static void many_are_as_many_times_one(void **state)
{
    (void)state;
    struct histogram many = opened(), each = opened();
    uint64_t seed = 7;

    for (uint64_t times = 1; times <= 300; times++) {
        uint64_t value_ns = times % 50 == 0 ? UINT64_MAX : random_value(&seed);

        histogram_record_many(&many, value_ns, times);
        for (uint64_t i = 0; i < times; i++)
            histogram_record(&each, value_ns);
    }
    assert_same(&many, &each);
    histogram_close(&many);
    histogram_close(&each);
}

static void what_is_too_great_counts_as_the_greatest(void **state)
{
    (void)state;
    static const uint64_t values[] = {HISTOGRAM_HIGHEST_NS + 1, UINT64_C(3600000000000) * 24,
                                      (uint64_t)-1};
    struct histogram histogram = opened(), expected = opened();

    histogram_record(&histogram, HISTOGRAM_HIGHEST_NS);
    assert_int_equal(histogram_clipped(&histogram), 0);
    for (size_t i = 0; i < 3; i++) {
        histogram_record(&histogram, values[i]);
        assert_int_equal(histogram_clipped(&histogram), i + 1);
    }
    histogram_record_many(&expected, HISTOGRAM_HIGHEST_NS, 4);
    expected.clipped = 3;
    assert_same(&histogram, &expected);
    assert_int_equal(histogram_quantile(&histogram, 0.5), HISTOGRAM_HIGHEST_NS);
    histogram_close(&histogram);
    histogram_close(&expected);
}

static void an_empty_one_is_all_zeros(void **state)
{
    (void)state;
    struct histogram histogram = opened(), fresh = opened(), unopened = {0};
    uint64_t seed = 11;

    assert_empty(&histogram);
    for (int i = 0; i < 1000; i++)
        histogram_record(&histogram, random_value(&seed) << 1);
    histogram_reset(&histogram);
    assert_empty(&histogram);
    assert_same(&histogram, &fresh);
    histogram_reset(&histogram);
    assert_same(&histogram, &fresh);
    histogram_close(&histogram);
    histogram_close(&fresh);
    histogram_close(&unopened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_buckets_lie_one_behind_the_other),
        cmocka_unit_test(buckets_double_their_width_at_powers_of_two),
        cmocka_unit_test(only_the_buckets_in_use_are_looked_at),
        cmocka_unit_test(quantiles),
        cmocka_unit_test(a_quantile_is_within_a_thousandth_of_the_true_one),
        cmocka_unit_test(every_value_is_within_a_thousandth_of_its_bucket),
        cmocka_unit_test(mean_and_deviation_are_exact),
        cmocka_unit_test(the_sums_hold_as_much_as_may_be_counted),
        cmocka_unit_test(of_a_bucket_the_middle_counts),
        cmocka_unit_test(adding_is_recording_both),
        cmocka_unit_test(many_are_as_many_times_one),
        cmocka_unit_test(what_is_too_great_counts_as_the_greatest),
        cmocka_unit_test(an_empty_one_is_all_zeros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
