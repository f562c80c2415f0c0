/* Which percentiles are lower bounds, and what that means for what is asked of them. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/base/json_at.h"
#include "bench/result/bound.h"
#include "bench/result/result.h"

#include <string.h>

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))
#define MS UINT64_C(1000000)

struct row {
    const char *name;
    uint64_t good; /* of 10 ms each */
    uint64_t slow; /* of 18 ms */
    uint64_t failed;
    uint64_t failed_ms; /* each took so long */
    enum haul_error error;
    const char *from; /* NULL: no bound */
    double p50_ms, p99_ms, max_ms;
};

/* The timeout is 300 ms. */
static const struct row rows[] = {
    {"none has failed", 98, 2, 0, 0, HAUL_OK, NULL, 10, 18, 18},
    {"one in twenty has timed out", 940, 10, 50, 301, HAUL_DEADLINE, "p99", 10, 300, 300},
    {"just as many as p99 bears", 970, 20, 10, 301, HAUL_DEADLINE, "p99_9", 10, 18, 300},
    {"one more", 969, 20, 11, 301, HAUL_DEADLINE, "p99", 10, 300, 300},
    {"failed at once: the longest wait counts", 940, 10, 50, 0, HAUL_RECEIVE, "p99", 10, 18, 18},
    {"failed late", 940, 10, 50, 25, HAUL_TRUNCATED, "p99", 10, 25, 25},
    {"one of ten thousand", 9998, 1, 1, 301, HAUL_DEADLINE, "max", 10, 10, 300},
    {"more than half", 40, 0, 60, 301, HAUL_DEADLINE, "p50", 300, 300, 300},
    {"all", 0, 0, 7, 2, HAUL_CONNECT, "p50", 2, 2, 2},
};

struct fixture {
    const char *urls[1];
    struct load_options options;
    struct load_result result;
    json_t *run;
};

static void open_fixture(struct fixture *fixture, const struct row *row)
{
    struct stats *stats = &fixture->result.stats;
    *fixture = (struct fixture){.urls = {"http://h/"}};
    fixture->options = (struct load_options){.url_count = 1, .timeout_ns = 300 * MS};
    fixture->options.urls = fixture->urls;
    fixture->result = (struct load_result){.options = &fixture->options, .loop = "epoll"};
    assert_int_equal(stats_open(stats), 0);
    stats->begun = stats->requests = row->good + row->slow + row->failed;
    stats->replies = row->good + row->slow;
    stats->errors[row->error] = row->failed;
    if (row->good > 0)
        histogram_record_many(&stats->good, 10 * MS, row->good);
    if (row->slow > 0)
        histogram_record_many(&stats->error_status, 18 * MS, row->slow);
    if (row->failed > 0)
        histogram_record_many(&stats->failed, row->failed_ms * MS, row->failed);
    stats_sum_up(stats, false);
    fixture->run = result_json(&fixture->result, &(struct result_context){0});
    assert_non_null(fixture->run);
}

static void close_fixture(struct fixture *fixture)
{
    stats_close(&fixture->result.stats);
    json_decref(fixture->run);
}

static void assert_ms(const struct row *row, const json_t *all, const char *key, double wanted_ms)
{
    double ms = number_at(all, key) / 1000;
    if (ms < wanted_ms * 0.999 || ms > wanted_ms * 1.001)
        fail_msg("%s: %s is %g ms, not %g", row->name, key, ms, wanted_ms);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct row *row = &rows[i];
        struct fixture fixture;
        open_fixture(&fixture, row);
        const json_t *all = json_object_get(json_object_get(fixture.run, "latency_us"), "all");
        const json_t *from = json_object_get(all, BOUND_KEY);
        if (row->from == NULL ? !json_is_null(from)
                              : strcmp(json_string_value(from), row->from) != 0)
            fail_msg("%s: %s", row->name, json_string_value(from));
        assert_ms(row, all, "p50", row->p50_ms);
        assert_ms(row, all, "p99", row->p99_ms);
        assert_ms(row, all, "max", row->max_ms);
        assert_int_equal(number_at(all, "count"), row->good + row->slow + row->failed);
        close_fixture(&fixture);
    }
}

/* What a bound shows is known, and nothing else. */
static void test_thresholds(void **state)
{
    static const struct {
        const char *text;
        bool is_met;
        const char *sentence;
    } checks[] = {
        {"p99<20ms", false, "p99<20ms: not met: p99 was over 300.0 ms"},
        {"p99<400ms", false, "p99<400ms: not met: p99 was over 300.0 ms"},
        {"p99!=1ms", false, "p99!=1ms: not met: p99 was over 300.0 ms"},
        {"p99>100ms", true, "p99>100ms: met: p99 was over 300.0 ms"},
        {"p99>400ms", false, "p99>400ms: not met: p99 was over 300.0 ms"},
        {"all.p99.9<20ms", false, "all.p99.9<20ms: not met: p99.9 was over 300.0 ms"},
        {"p50<20ms", true, "p50<20ms: met: p50 was 10.0"},
        {"mean<30ms", true, "mean<30ms: met: mean was 24.63 ms"},
        {"actual.p99<20ms", true, "actual.p99<20ms: met: actual.p99 was 18.00 ms"},
        {"good.max<20ms", true, "good.max<20ms: met: good.max was 10.00 ms"},
    };
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture, &rows[1]);
    for (size_t i = 0; i < ROWS(checks); i++) {
        struct threshold threshold;
        char sentence[THRESHOLD_SENTENCE_BYTES];
        assert_true(threshold_parse(&threshold, checks[i].text, sentence));
        bool is_met = threshold_check(&threshold, fixture.run, sentence);
        const char *was = strstr(checks[i].sentence, " was ");
        if (is_met != checks[i].is_met || strstr(sentence, was) == NULL)
            fail_msg("%s", sentence);
    }
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_thresholds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
