/* What the client threads count: added together, dropped at the window's begin. */

#include "bench/load/stats.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

enum { COUNTERS = offsetof(struct stats, statuses) / sizeof(uint64_t) + STATS_STATUS_COUNT };

/* Every counter another number, times a factor, so that none can stand in for another. */
static void fill(struct stats *stats, uint64_t factor)
{
    uint64_t *counters = (uint64_t *)stats;
    for (size_t i = 0; i < COUNTERS; i++)
        counters[i] = factor * (i + 1);
    stats->oldest_ns = factor;
    histogram_record_many(&stats->good, 100, factor);
    histogram_record_many(&stats->error_status, 200, factor);
    histogram_record_many(&stats->failed, 300, factor);
    histogram_record_many(&stats->all, 400, factor);
    histogram_record_many(&stats->actual, 1000, factor);
    histogram_record_many(&stats->intended, 2000, factor);
    histogram_record_many(&stats->lag, 3000, factor);
    for (int i = 0; i < PHASE_COUNT; i++)
        histogram_record_many(&stats->phases[i], 4000 + 1000 * (uint64_t)i, factor);
}

static void assert_histogram(const struct histogram *histogram, uint64_t value_ns, uint64_t times)
{
    assert_int_equal(histogram_count(histogram), times);
    assert_int_equal(histogram_min_ns(histogram), times > 0 ? value_ns : 0);
    assert_int_equal(histogram_max_ns(histogram), times > 0 ? value_ns : 0);
}

static void test_add(void **state)
{
    struct stats into, from;
    (void)state;
    assert_int_equal(stats_open(&into), 0);
    assert_int_equal(stats_open(&from), 0);
    fill(&into, 3);
    fill(&from, 4);
    stats_add(&into, &from);
    const uint64_t *counters = (const uint64_t *)&into;
    for (size_t i = 0; i < COUNTERS; i++)
        assert_int_equal(counters[i], 7 * (i + 1));
    assert_int_equal(into.oldest_ns, 4);
    assert_histogram(&into.good, 100, 7);
    assert_histogram(&into.error_status, 200, 7);
    assert_histogram(&into.failed, 300, 7);
    assert_histogram(&into.all, 400, 7);
    assert_histogram(&into.actual, 1000, 7);
    assert_histogram(&into.intended, 2000, 7);
    assert_histogram(&into.lag, 3000, 7);
    for (int i = 0; i < PHASE_COUNT; i++)
        assert_histogram(&into.phases[i], 4000 + 1000 * (uint64_t)i, 7);
    assert_int_equal(from.requests, 4 * (offsetof(struct stats, requests) / sizeof(uint64_t) + 1));
    stats_close(&into);
    stats_close(&from);
}

static void test_begin_window(void **state)
{
    struct stats stats;
    (void)state;
    assert_int_equal(stats_open(&stats), 0);
    fill(&stats, 2);
    uint64_t connections = stats.connections, ports_exhausted = stats.ports_exhausted;
    stats_begin_window(&stats);
    assert_int_equal(stats.connections, connections);
    assert_int_equal(stats.ports_exhausted, ports_exhausted);
    stats.connections = stats.ports_exhausted = 0;
    const uint64_t *counters = (const uint64_t *)&stats;
    for (size_t i = 0; i < COUNTERS; i++)
        assert_int_equal(counters[i], 0);
    assert_int_equal(stats.oldest_ns, 0);
    assert_histogram(&stats.good, 0, 0);
    assert_histogram(&stats.error_status, 0, 0);
    assert_histogram(&stats.failed, 0, 0);
    assert_histogram(&stats.all, 0, 0);
    assert_histogram(&stats.actual, 0, 0);
    assert_histogram(&stats.intended, 0, 0);
    assert_histogram(&stats.lag, 0, 0);
    for (int i = 0; i < PHASE_COUNT; i++)
        assert_histogram(&stats.phases[i], 4000 + 1000 * (uint64_t)i,
                         i == PHASE_CONNECT || i == PHASE_TLS ? 2 : 0);
    stats_close(&stats);
}

/* What the loop's own clock has of replies is the sum of their outcomes, and all is that of all. */
static void test_sum_up(void **state)
{
    (void)state;
    for (int is_open = 0; is_open < 2; is_open++) {
        struct stats stats;
        assert_int_equal(stats_open(&stats), 0);
        histogram_record_many(&stats.good, 100, 5);
        histogram_record_many(&stats.error_status, 100, 3);
        histogram_record_many(&stats.failed, 100, 2);
        if (is_open)
            histogram_record_many(&stats.actual, 50, 8);
        stats_sum_up(&stats, is_open);
        assert_histogram(&stats.actual, is_open ? 50 : 100, 8);
        assert_histogram(&stats.intended, 100, is_open ? 8 : 0);
        assert_histogram(&stats.all, 100, 10);
        stats_close(&stats);
    }
}

static void test_errors(void **state)
{
    struct stats stats;
    (void)state;
    assert_int_equal(stats_open(&stats), 0);
    assert_int_equal(stats_errors(&stats), 0);
    stats.statuses[200] = 1000;
    stats.statuses[399] = 500;
    assert_int_equal(stats_errors(&stats), 0);
    stats.statuses[400] = 1;
    stats.statuses[999] = 2;
    stats.errors[HAUL_URL] = 4;
    stats.errors[HAUL_RESOURCE] = 8;
    assert_int_equal(stats_errors(&stats), 15);
    stats_close(&stats);
}

static void test_names(void **state)
{
    static const char *const phases[] = {"queue", "connect", "tls", "first_byte", "body"};
    (void)state;
    assert_int_equal(PHASE_COUNT, sizeof(phases) / sizeof(*phases));
    for (int i = 0; i < PHASE_COUNT; i++)
        assert_string_equal(phase_name((enum phase)i), phases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),    cmocka_unit_test(test_begin_window),
        cmocka_unit_test(test_sum_up), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
