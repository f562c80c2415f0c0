/* What options and results say of themselves. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/load/load.h"
#include "bench/load/processors.h"

static void test_names(void **state)
{
    static const char *const clients[] = {"uring", "epoll", "threads"};
    (void)state;
    for (int i = 0; i < CLIENT_COUNT; i++)
        assert_string_equal(client_name((enum client_kind)i), clients[i]);
}

static void assert_filled(const struct load_options *options, const struct load_options *wanted)
{
    struct load_options filled = load_filled(options);
    assert_int_equal(filled.connections, wanted->connections);
    assert_int_equal(filled.threads, wanted->threads);
    assert_int_equal(filled.pipeline, wanted->pipeline);
    assert_int_equal(filled.requests, wanted->requests);
    assert_int_equal(filled.duration_ns, wanted->duration_ns);
    assert_int_equal(filled.timeout_ns, wanted->timeout_ns);
    assert_true(filled.rate_from >= wanted->rate_from && filled.rate_from <= wanted->rate_from);
    assert_true(filled.rate_to >= wanted->rate_to && filled.rate_to <= wanted->rate_to);
}

#define SECONDS(number) ((number)*UINT64_C(1000000000))

static void test_defaults(void **state)
{
    static const struct {
        struct load_options options, filled;
    } rows[] = {
        {{0},
         {.connections = 64,
          .threads = 1,
          .pipeline = 1,
          .duration_ns = SECONDS(10),
          .timeout_ns = SECONDS(10)}},
        /* requests bound the window as well as time does */
        {{.requests = 7, .rate_from = 5},
         {.connections = 64,
          .threads = 1,
          .pipeline = 1,
          .requests = 7,
          .timeout_ns = SECONDS(10),
          .rate_from = 5,
          .rate_to = 5}},
        /* what was said stays */
        {{.connections = 2,
          .threads = 3,
          .pipeline = 4,
          .duration_ns = 5,
          .timeout_ns = 6,
          .rate_from = 7,
          .rate_to = 8},
         {.connections = 2,
          .threads = 3,
          .pipeline = 4,
          .duration_ns = 5,
          .timeout_ns = 6,
          .rate_from = 7,
          .rate_to = 8}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_filled(&rows[i].options, &rows[i].filled);
}

static void test_threads_sum(void **state)
{
    struct load_thread threads[] = {
        {1, 0.5, 3, 0.25, -1, 0.5}, {2, 0.25, 4, 0.75, 0.5, 0}, {4, 0.125, 2, 0.5, 0.25, 1}};
    const struct load_result result = {.threads = threads, .thread_count = 3};
    const struct load_thread wanted = {7, 0.875, 4, 0.75, 0.5, 1}, none = {0};
    (void)state;
    struct load_thread sum = load_threads_sum(&result);
    assert_memory_equal(&sum, &wanted, sizeof sum);
    sum = load_threads_sum(&(struct load_result){0});
    assert_memory_equal(&sum, &none, sizeof sum);
}

static void test_processors_others(void **state)
{
    static const struct {
        struct processors_time from, to;
        uint32_t count;
        double others;
    } rows[] = {
        {{5, 1, 1}, {5.5, 1.5, 1 + SECONDS(2)}, 1, 0.5},
        {{5, 1, 1}, {5.5, 1.5, 1 + SECONDS(2)}, 2, 0.75},
        {{5, 1, 1}, {7.5, 1.5, 1 + SECONDS(2)}, 1, 0}, /* by the grain of what is counted */
        {{-1, 1, 1}, {5.5, 1.5, 1 + SECONDS(2)}, 1, -1},
        {{5, 1, 1}, {-1, 1.5, 1 + SECONDS(2)}, 1, -1},
        {{5, 1, 1}, {5.5, 1.5, 1 + SECONDS(2)}, 0, -1},
        {{0, 0, 0}, {0, 0, 0}, 1, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double others = processors_others(&rows[i].from, &rows[i].to, rows[i].count);
        assert_true(others >= rows[i].others && others <= rows[i].others);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_threads_sum),
        cmocka_unit_test(test_processors_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
