/* Thresholds: rows of what is written, what it comes to, and what is said about it. */

#include "bench/result/threshold.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

static const struct {
    const char *text;
    const char *metric;
    enum threshold_operator operator;
    double limit;
} parsed_rows[] = {
    {"p99<20ms", "p99", THRESHOLD_BELOW, 20000},
    {"p99.9<=1s", "p99.9", THRESHOLD_AT_MOST, 1e6},
    {"p99.99 > 500us", "p99.99", THRESHOLD_ABOVE, 500},
    {" max >= 2m ", "max", THRESHOLD_AT_LEAST, 120e6},
    {"min==1500 ns", "min", THRESHOLD_EQUAL, 1.5},
    {"mean!=.5ms", "mean", THRESHOLD_UNEQUAL, 500},
    {"errors<3", "errors", THRESHOLD_BELOW, 3},
    {"errors<0.1%", "error_share", THRESHOLD_BELOW, 0.001},
    {"errors == 0", "errors", THRESHOLD_EQUAL, 0},
    {"error_share<0.5", "error_share", THRESHOLD_BELOW, 0.5},
    {"rate>=10k", "rate", THRESHOLD_AT_LEAST, 10000},
    {"rate>=1.5M/s", "rate", THRESHOLD_AT_LEAST, 1.5e6},
    {"rate>200/s", "rate", THRESHOLD_ABOVE, 200},
    {"rate > 200", "rate", THRESHOLD_ABOVE, 200},
    {"rate_held>=99.5%", "rate_held", THRESHOLD_AT_LEAST, 0.995},
    {"requests>=1M", "requests", THRESHOLD_AT_LEAST, 1e6},
    {"cpu<=5us", "cpu", THRESHOLD_AT_MOST, 5},
    {"system_calls<0.5", "system_calls", THRESHOLD_BELOW, 0.5},
    {"first_byte.p99<2ms", "first_byte.p99", THRESHOLD_BELOW, 2000},
    {"intended.p99.9<2ms", "intended.p99.9", THRESHOLD_BELOW, 2000},
};

static void test_parsed(void **state)
{
    char message[THRESHOLD_SENTENCE_BYTES];
    struct threshold threshold;
    (void)state;
    for (size_t i = 0; i < ROWS(parsed_rows); i++) {
        if (!threshold_parse(&threshold, parsed_rows[i].text, message))
            fail_msg("%s: %s", parsed_rows[i].text, message);
        assert_string_equal(threshold.text, parsed_rows[i].text);
        assert_string_equal(threshold.metric, parsed_rows[i].metric);
        assert_int_equal(threshold.operator, parsed_rows[i].operator);
        if (fabs(threshold.limit - parsed_rows[i].limit) > 1e-9 * parsed_rows[i].limit)
            fail_msg("%s: %.17g", parsed_rows[i].text, threshold.limit);
    }
}

#define TIME "a time needs its unit: ns, us, ms, s or m"
#define RATE "a rate is a number, with k, M or /s"
#define SHARE "a share is a number up to 1, or has %"
#define COUNT "a count is a number, with k or M"
#define OPERATOR "one of < <= > >= == != should stand here"

static const struct {
    const char *text;
    const char *message;
} refused_rows[] = {
    {"", "character 1: a metric's name should stand here"},
    {"<20ms", "character 1: a metric's name should stand here"},
    {"  -p99<1s", "character 3: a metric's name should stand here"},
    {"p98<20ms", "character 1: there is no metric 'p98'"},
    {" latency<20ms", "character 2: there is no metric 'latency'"},
    {"a_name_that_is_much_longer_than_any_metric_has<1",
     "character 1: there is no metric 'a_name_that_is_much_longer_than_any_metr'"},
    {"p99", "character 4: " OPERATOR},
    {"p99 20ms", "character 5: " OPERATOR},
    {"p99=20ms", "character 4: " OPERATOR},
    {"p99<", "character 5: a number should stand here"},
    {"p99<-1ms", "character 5: a number should stand here"},
    {"p99<=ms", "character 6: a number should stand here"},
    {"p99<<1ms", "character 5: a number should stand here"},
    {"p99<.ms", "character 5: '.' is no number"},
    {"p99<1.2.3ms", "character 5: '1.2.3' is no number"},
    {"p99<nan", "character 5: a number should stand here"},
    {"p99<0x10ms", "character 6: " TIME},
    {"p99<1e3ms", "character 6: " TIME},
    {"p99<20", "character 7: " TIME},
    {"p99<20MS", "character 7: " TIME},
    {"p99<20%", "character 7: " TIME},
    {"p99<20/s", "character 7: " TIME},
    {"cpu<5", "character 6: " TIME},
    {"rate>10ms", "character 8: " RATE},
    {"rate>10%", "character 8: " RATE},
    {"rate>10K", "character 8: " RATE},
    {"rate_held>=99.5", "character 16: " SHARE},
    {"error_share<2", "character 14: " SHARE},
    {"errors<3ms", "character 9: " COUNT},
    {"requests>=1%", "character 12: " COUNT},
    {"p99<20ms p50<10ms", "character 10: nothing should follow here"},
    {"p99<20ms,", "character 7: " TIME},
    {"p99<00000000000000000000000000000001ms", "character 5: the number is too long"},
};

static void test_refused(void **state)
{
    char message[THRESHOLD_SENTENCE_BYTES];
    struct threshold threshold;
    (void)state;
    for (size_t i = 0; i < ROWS(refused_rows); i++) {
        if (threshold_parse(&threshold, refused_rows[i].text, message))
            fail_msg("'%s' is taken", refused_rows[i].text);
        assert_string_equal(message, refused_rows[i].message);
    }
}

static void test_too_long(void **state)
{
    char text[1000], message[THRESHOLD_SENTENCE_BYTES];
    struct threshold threshold;
    (void)state;
    memset(text, 'p', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_false(threshold_parse(&threshold, text, message));
    assert_string_equal(message, "character 1: a threshold has at most 95 characters");
}

static const char run_text[] =
    "{\"mode\": \"closed\", \"requests\": 1000, \"error_count\": 7, \"rate_per_s\": 9999.5,"
    " \"latency_us\": {\"actual\": {\"p99\": 20000, \"max\": 25000.5}, \"intended\": null},"
    " \"phases_us\": {\"tls\": null}, \"cpu\": {\"us_per_request\": 4.75}}";

static const struct {
    const char *text;
    bool is_met;
    const char *sentence;
} checked_rows[] = {
    {"p99<20ms", false, "p99<20ms: not met: p99 was 20.00 ms"},
    {"p99<=20ms", true, "p99<=20ms: met: p99 was 20.00 ms"},
    {"p99>20ms", false, "p99>20ms: not met: p99 was 20.00 ms"},
    {"p99>=20ms", true, "p99>=20ms: met: p99 was 20.00 ms"},
    {"p99==20ms", true, "p99==20ms: met: p99 was 20.00 ms"},
    {"p99!=20ms", false, "p99!=20ms: not met: p99 was 20.00 ms"},
    {"p99<20001us", true, "p99<20001us: met: p99 was 20000 us"},
    {"p99>19999us", true, "p99>19999us: met: p99 was 20000 us"},
    {"max!=25ms", true, "max!=25ms: met: max was 25000.5 us"},
    {"errors<0.7%", false, "errors<0.7%: not met: error_share was 0.7 %"},
    {"errors<=0.7%", true, "errors<=0.7%: met: error_share was 0.7 %"},
    {"errors>0.7%", false, "errors>0.7%: not met: error_share was 0.7 %"},
    {"errors>=0.7%", true, "errors>=0.7%: met: error_share was 0.7 %"},
    {"errors<=7", true, "errors<=7: met: errors was 7"},
    {"errors==0", false, "errors==0: not met: errors was 7"},
    {"rate>=10k", false, "rate>=10k: not met: rate was 9999.5/s"},
    {"cpu<=5us", true, "cpu<=5us: met: cpu was 4.750 us"},
    {"tls.p99<1s", false, "tls.p99<1s: not met: this run has no tls.p99"},
    {"tls.p99!=1s", false, "tls.p99!=1s: not met: this run has no tls.p99"},
    {"intended.p99<1s", false, "intended.p99<1s: not met: this run has no intended.p99"},
};

static void test_checked(void **state)
{
    json_t *run = json_loads(run_text, 0, NULL);
    char sentence[THRESHOLD_SENTENCE_BYTES];
    struct threshold threshold;
    (void)state;
    assert_non_null(run);
    for (size_t i = 0; i < ROWS(checked_rows); i++) {
        assert_true(threshold_parse(&threshold, checked_rows[i].text, sentence));
        bool is_met = threshold_check(&threshold, run, sentence);
        assert_string_equal(sentence, checked_rows[i].sentence);
        assert_int_equal(is_met, checked_rows[i].is_met);
    }
    json_decref(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parsed),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
