/* Metrics: names, and what they are in a run. */

#include "bench/result/members.h"
#include "bench/result/metric.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

static const char closed_run[] =
    "{\"mode\": \"closed\", \"requests\": 2000, \"replies\": 1990, \"unsent\": 0,"
    " \"rate_per_s\": 100.5, \"rate_held\": null, \"error_count\": 10,"
    " \"latency_us\": {\"intended\": null, \"actual\": {\"count\": 1990, \"min\": 1.5,"
    "   \"p50\": 2.5, \"p75\": 3.5, \"p90\": 4.5, \"p95\": 5.5, \"p99\": 6.5, \"p99_9\": 7.5,"
    "   \"p99_99\": 8.5, \"max\": 9, \"mean\": 2.75, \"stddev\": 0.25}},"
    " \"phases_us\": {\"queue\": null, \"connect\": {\"p99\": 11}, \"tls\": null,"
    "   \"first_byte\": {\"p99\": 12, \"p99_9\": 12.5}, \"body\": {\"mean\": 13}},"
    " \"cpu\": {\"us_per_request\": 4.5, \"user_us_per_request\": 0.5,"
    "   \"system_us_per_request\": 4, \"busiest_thread\": 0.4},"
    " \"system_calls_per_request\": 0.02, \"completions_per_request\": 1,"
    " \"instrument\": {\"schedule_lag_us\": null}}";

static const char open_run[] =
    "{\"mode\": \"open\", \"requests\": 0, \"error_count\": 0, \"rate_held\": 0.9998,"
    " \"latency_us\": {\"intended\": {\"p99\": 900.5}, \"actual\": {\"p99\": 3.5}},"
    " \"phases_us\": {\"queue\": {\"max\": 1000}},"
    " \"instrument\": {\"schedule_lag_us\": {\"p99\": 0.125}}}";

static const struct {
    const char *run;
    const char *name;
    double value;
} value_rows[] = {
    {closed_run, "rate", 100.5},
    {closed_run, "requests", 2000},
    {closed_run, "replies", 1990},
    {closed_run, "unsent", 0},
    {closed_run, "errors", 10},
    {closed_run, "error_share", 0.005},
    {closed_run, "cpu", 4.5},
    {closed_run, "user_cpu", 0.5},
    {closed_run, "system_cpu", 4},
    {closed_run, "busiest_thread", 0.4},
    {closed_run, "system_calls", 0.02},
    {closed_run, "completions", 1},
    {closed_run, "min", 1.5},
    {closed_run, "p50", 2.5},
    {closed_run, "p75", 3.5},
    {closed_run, "p90", 4.5},
    {closed_run, "p95", 5.5},
    {closed_run, "p99", 6.5},
    {closed_run, "p99.9", 7.5},
    {closed_run, "p99.99", 8.5},
    {closed_run, "max", 9},
    {closed_run, "mean", 2.75},
    {closed_run, "stddev", 0.25},
    {closed_run, "actual.p99.99", 8.5},
    {closed_run, "connect.p99", 11},
    {closed_run, "first_byte.p99", 12},
    {closed_run, "first_byte.p99.9", 12.5},
    {closed_run, "body.mean", 13},
    {open_run, "p99", 900.5},
    {open_run, "intended.p99", 900.5},
    {open_run, "actual.p99", 3.5},
    {open_run, "queue.max", 1000},
    {open_run, "lag.p99", 0.125},
    {open_run, "rate_held", 0.9998},
};

static const struct {
    const char *run;
    const char *name;
} absent_rows[] = {
    {closed_run, "tls.p99"},      /* null */
    {closed_run, "intended.p99"}, /* null */
    {closed_run, "rate_held"},    /* null */
    {closed_run, "lag.p99"},      /* null */
    {closed_run, "connect.p50"},  /* left out */
    {open_run, "error_share"},    /* of no requests */
    {open_run, "cpu"},            /* no such object */
    {"[]", "p99"},                /* no run at all */
    {"{\"latency_us\": 3, \"mode\": 1}", "p99"},
    {"{\"cpu\": {\"us_per_request\": \"4.5\"}}", "cpu"},
    {closed_run, "p98"}, /* not known */
};

static json_t *parse(const char *text)
{
    json_t *run = json_loads(text, 0, NULL);
    assert_non_null(run);
    return run;
}

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(value_rows); i++) {
        json_t *run = parse(value_rows[i].run);
        double value = -1;
        if (!metric_is_known(value_rows[i].name) ||
            !metric_value(run, value_rows[i].name, &value) || value != value_rows[i].value)
            fail_msg("%s: %f", value_rows[i].name, value);
        json_decref(run);
    }
}

static void test_absent(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(absent_rows); i++) {
        json_t *run = parse(absent_rows[i].run);
        double value;
        if (metric_value(run, absent_rows[i].name, &value))
            fail_msg("%s: %f", absent_rows[i].name, value);
        json_decref(run);
    }
    double value;
    assert_false(metric_value(NULL, "p99", &value));
}

static void test_unknown(void **state)
{
    static const char *const names[] = {
        "",
        ".",
        "p",
        "p98",
        "P99",
        "p99.",
        "p99.999",
        "p99_9",
        ".p99",
        "actual",
        "actual.",
        "actual.rate",
        "actual.actual.p99",
        "first_byte.p99.9.9",
        "cpu.p99",
        "rate ",
        "latency",
        "constructor",
        "rate_per_s",
    };
    (void)state;
    for (size_t i = 0; i < ROWS(names); i++)
        if (metric_is_known(names[i]))
            fail_msg("'%s' is known", names[i]);
}

/* Of figures, quotients, statistics, and latencies. */
static size_t names_of_rows(void)
{
    size_t count = member_quotient_count;
    for (size_t i = 0; i < run_member_count; i++)
        count += run_members[i].metric != NULL;
    for (size_t i = 0; i < latency_statistic_count; i++)
        count += latency_statistics[i].name != NULL;
    return count;
}

/* Every name that the help names is known. */
static void test_names(void **state)
{
    char names[METRIC_NAMES_BYTES];
    (void)state;
    assert_true(strlen(metric_names(names)) < sizeof(names) - 1);
    size_t count = 0;
    for (char *word = strtok(names, ",; "); word != NULL; word = strtok(NULL, ",; ")) {
        if (strcmp(word, "also") == 0 || strcmp(word, "as") == 0)
            continue;
        if (!metric_is_known(word))
            fail_msg("'%s' is not known", word);
        count++;
    }
    assert_int_equal(count, names_of_rows());
}

static const struct {
    const char *name;
    enum metric_unit unit;
    enum metric_sense sense;
} kind_rows[] = {
    {"rate", METRIC_PER_SECOND, METRIC_HIGHER_IS_BETTER},
    {"rate_held", METRIC_SHARE, METRIC_HIGHER_IS_BETTER},
    {"requests", METRIC_COUNT, METRIC_NEITHER},
    {"errors", METRIC_COUNT, METRIC_LOWER_IS_BETTER},
    {"error_share", METRIC_SHARE, METRIC_LOWER_IS_BETTER},
    {"cpu", METRIC_MICROSECONDS, METRIC_LOWER_IS_BETTER},
    {"system_calls", METRIC_COUNT, METRIC_LOWER_IS_BETTER},
    {"p99", METRIC_MICROSECONDS, METRIC_LOWER_IS_BETTER},
    {"connect.mean", METRIC_MICROSECONDS, METRIC_LOWER_IS_BETTER},
};

static void test_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(kind_rows); i++)
        if (metric_unit(kind_rows[i].name) != kind_rows[i].unit ||
            metric_sense(kind_rows[i].name) != kind_rows[i].sense)
            fail_msg("%s", kind_rows[i].name);
}

static const struct {
    enum metric_unit unit;
    double value;
    const char *text;
} text_rows[] = {
    {METRIC_MICROSECONDS, 0, "0 us"},
    {METRIC_MICROSECONDS, 0.001, "0.00100 us"},
    {METRIC_MICROSECONDS, 4.5, "4.500 us"},
    {METRIC_MICROSECONDS, 9.9996, "10.00 us"},
    {METRIC_MICROSECONDS, 123.45, "123.5 us"},
    {METRIC_MICROSECONDS, 999.94, "999.9 us"},
    {METRIC_MICROSECONDS, 999.96, "1.000 ms"},
    {METRIC_MICROSECONDS, 12345, "12.35 ms"},
    {METRIC_MICROSECONDS, 4398046511.103, "4398 s"},
    {METRIC_PER_SECOND, 10021, "10,021/s"},
    {METRIC_PER_SECOND, 0.5, "0.500/s"},
    {METRIC_SHARE, 0, "0 %"},
    {METRIC_SHARE, 0.0005, "0.05 %"},
    {METRIC_SHARE, 0.025, "2.5 %"},
    {METRIC_SHARE, 0.99976, "99.98 %"},
    {METRIC_SHARE, 123.4567, "12,346 %"},
    {METRIC_SHARE, 1, "100 %"},
    {METRIC_SHARE, 0.41, "41 %"},
    {METRIC_COUNT, 0, "0"},
    {METRIC_COUNT, 999, "999"},
    {METRIC_COUNT, 1000, "1,000"},
    {METRIC_COUNT, 300000, "300,000"},
    {METRIC_COUNT, 1234567890123, "1,234,567,890,123"},
    {METRIC_COUNT, -1234, "-1,234"},
    {METRIC_COUNT, 0.00045, "0.00045"},
    {METRIC_COUNT, 1e300, "1e+300"},
};

static void test_text(void **state)
{
    char buffer[METRIC_TEXT_BYTES];
    (void)state;
    for (size_t i = 0; i < ROWS(text_rows); i++)
        assert_string_equal(metric_text(buffer, text_rows[i].unit, text_rows[i].value),
                            text_rows[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),  cmocka_unit_test(test_absent),
        cmocka_unit_test(test_unknown), cmocka_unit_test(test_names),
        cmocka_unit_test(test_kinds),   cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
