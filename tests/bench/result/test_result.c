/* A run's result as JSON, as text and for Prometheus: a closed loop, an open loop, and one whose
 * numbers are as large as they get. */

#include "bench/statistics/hdrlog.h"
#include "bench/result/metric.h"
#include "bench/result/result.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)

enum { COLUMNS = 60, THRESHOLDS_MAX = 4 };

struct fixture {
    const char *urls[2];
    struct load_options options;
    struct load_thread threads[2];
    struct load_result result;
    struct instrument instrument;
    struct threshold thresholds[THRESHOLDS_MAX];
    struct result_context context;
    json_t *run;
};

/* 10 s of 1 ms each, with 3 failures and 7 replies of status 404. */
static void open_closed_loop(struct fixture *fixture)
{
    struct load_result *result = &fixture->result;
    struct stats *stats = &result->stats;
    *fixture = (struct fixture){
        .urls = {"http://127.0.0.1:9000/s"},
        .options = {.url_count = 1, .duration_ns = 10 * S, .warm_up_ns = LOAD_WARM_UP_AUTO},
        .threads = {{.user_s = 0.05, .system_s = 0.4, .busy = 0.405},
                    {.user_s = 0.05, .system_s = 0.5, .busy = 0.41}},
    };
    fixture->options.urls = fixture->urls;
    *result = (struct load_result){
        .options = &fixture->options,
        .loop = "uring",
        .loop_reason = "io_uring with DEFER_TASKRUN",
        .opening_s = 0.01,
        .warm_up_s = 0.5,
        .warm_up_requests = 5000,
        .window_s = 10,
        .elapsed_s = 10.001,
        .started_at = 1795219200.0125,
        .threads = fixture->threads,
        .thread_count = 2,
        .connections = 64,
    };
    assert_int_equal(stats_open(stats), 0);
    stats->begun = stats->requests = 100000;
    stats->replies = 99997;
    stats->errors[HAUL_CONNECT] = 1;
    stats->errors[HAUL_DEADLINE] = 2;
    stats->statuses[200] = 99990;
    stats->statuses[404] = 7;
    stats->anomalies[5] = 3; /* name_space */
    stats->finished_in_window = 99950;
    stats->measured = 100000;
    stats->late = 50;
    stats->bytes_received = 12345678;
    stats->bytes_sent = 6300000;
    stats->body_bytes = 1200000;
    stats->connections = 65;
    stats->system_calls = 2000;
    stats->completions = 100000;
    histogram_record_many(&stats->actual, MS, 99996);
    histogram_record(&stats->actual, 20 * MS);
    histogram_record_many(&stats->error_status, MS, 7);
    histogram_record(&stats->failed, MS);
    histogram_record_many(&stats->failed, 10 * S, 2);
    histogram_add(&stats->all, &stats->actual);
    histogram_add(&stats->all, &stats->failed);
    histogram_record_many(&stats->good, MS, 99989);
    histogram_record(&stats->good, 20 * MS);
    histogram_record_many(&stats->phases[PHASE_CONNECT], 50 * US, 65);
    histogram_record_many(&stats->phases[PHASE_FIRST_BYTE], 990 * US, 99997);
    histogram_record_many(&stats->phases[PHASE_BODY], 10 * US, 99997);
}

static void make_open_loop(struct fixture *fixture)
{
    struct stats *stats = &fixture->result.stats;
    fixture->options.rate_from = 10000;
    histogram_record_many(&stats->intended, 2 * MS, 99997);
    histogram_reset(&stats->good);
    histogram_reset(&stats->error_status);
    histogram_reset(&stats->all);
    histogram_record_many(&stats->good, 2 * MS, 99990);
    histogram_record_many(&stats->error_status, 2 * MS, 7);
    histogram_add(&stats->all, &stats->intended);
    histogram_add(&stats->all, &stats->failed);
    histogram_record_many(&stats->phases[PHASE_QUEUE], MS, 99997);
    histogram_record_many(&stats->phases[PHASE_TLS], MS, 65);
    histogram_record_many(&stats->lag, 10 * US, 100000);
    stats->lagged_ns = 12500 * US;
}

static void parse_thresholds(struct fixture *fixture, const char *const *texts, size_t count)
{
    char message[THRESHOLD_SENTENCE_BYTES];
    for (size_t i = 0; i < count; i++)
        assert_true(threshold_parse(&fixture->thresholds[i], texts[i], message));
    fixture->context.thresholds = fixture->thresholds;
    fixture->context.threshold_count = count;
}

static void make_json(struct fixture *fixture)
{
    instrument_judge(&fixture->instrument, &fixture->result, 2);
    fixture->context.instrument = &fixture->instrument;
    fixture->run = result_json(&fixture->result, &fixture->context);
    assert_non_null(fixture->run);
}

static void close_fixture(struct fixture *fixture)
{
    stats_close(&fixture->result.stats);
    json_decref(fixture->run);
    json_decref(fixture->context.environment);
    json_decref(fixture->context.calibration);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static const char closed_json[] =
    "{'schema':'haul-bench/1','kind':'run','haul':'" HAUL_VERSION "',"
    "'started_at':'2026-11-21T00:00:00.013Z','url':'http://127.0.0.1:9000/s','targets':1,"
    "'server':'embedded','method':'GET','prepared':null,'loop':'uring',"
    "'loop_reason':'io_uring with DEFER_TASKRUN','connections':64,'threads':2,'pipeline':1,"
    "'http':'1.1','close':false,'tls':false,'mode':'closed',"
    "'hidden':'closed loop: a connection asks again only when it has been answered, so a server "
    "that stops for 1 s costs this run 64 long latencies, not the 9,995 of the requests that would "
    "have been due; --rate shows them',"
    "'plan':{'requests':null,'duration_s':10.0,'rate_from':null,'rate_to':null,'stages':null,"
    "'warm_up':'auto','timeout_s':10.0},"
    "'opening_s':0.01,'warm_up_s':0.5,'warm_up_requests':5000,'window_s':10.0,'elapsed_s':10.001,"
    "'requests':100000,'replies':99997,'unfinished':0,'oldest_unfinished_s':0.0,'unsent':0,"
    "'resent':0,'interrupted':false,'aborted':null,'rate_per_s':9995.0,'rate_held':null,"
    "'bytes_received':12345678,'bytes_sent':6300000,'body_bytes':1200000,'connections_opened':65,"
    "'error_count':10,'errors':{'connect':1,'deadline':2},'statuses':{'200':99990,'404':7},"
    "'anomalies':{'name_space':3},"
    "'latency_us':{'intended':null,'actual':{'count':99997,'min':1000.0,'p50':1000.447,"
    "'p75':1000.447,'p90':1000.447,'p95':1000.447,'p99':1000.447,'p99_9':1000.447,"
    "'p99_99':1000.447,'max':20000.0,'mean':1000.19,'stddev':60.084},'all':{'count':100000,"
    "'min':1000.0,'p50':1000.447,'p75':1000.447,'p90':1000.447,'p95':1000.447,'p99':1000.447,"
    "'p99_9':1000.447,'p99_99':1000.447,'max':10000000.0,'mean':1200.17,'stddev':44716.48,"
    "'lower_bound_from':'max'},'good':{'count':99990,'min':1000.0,'p50':1000.447,"
    "'p75':1000.447,'p90':1000.447,'p95':1000.447,'p99':1000.447,'p99_9':1000.447,"
    "'p99_99':1000.447,'max':20000.0,'mean':1000.19,'stddev':60.086},"
    "'error_status':{'count':7,'min':1000.0,'p50':1000.0,'p75':1000.0,'p90':1000.0,"
    "'p95':1000.0,'p99':1000.0,'p99_9':1000.0,'p99_99':1000.0,'max':1000.0,'mean':1000.0,"
    "'stddev':0.0},'failed':{'count':3,'min':1000.0,'p50':10000000.0,'p75':10000000.0,"
    "'p90':10000000.0,'p95':10000000.0,'p99':10000000.0,'p99_9':10000000.0,"
    "'p99_99':10000000.0,'max':10000000.0,'mean':6667000.0,'stddev':4713573.803}},"
    "'phases_us':{'queue':null,"
    "'connect':{'count':65,'min':50.0,'p50':50.0,'p75':50.0,'p90':50.0,'p95':50.0,'p99':50.0,"
    "'p99_9':50.0,'p99_99':50.0,'max':50.0,'mean':50.0,'stddev':0.0},"
    "'tls':null,"
    "'first_byte':{'count':99997,'min':990.0,'p50':990.0,'p75':990.0,'p90':990.0,'p95':990.0,"
    "'p99':990.0,'p99_9':990.0,'p99_99':990.0,'max':990.0,'mean':990.0,'stddev':0.0},"
    "'body':{'count':99997,'min':10.0,'p50':10.0,'p75':10.0,'p90':10.0,'p95':10.0,'p99':10.0,"
    "'p99_9':10.0,'p99_99':10.0,'max':10.0,'mean':10.0,'stddev':0.0}},"
    "'cpu':{'us_per_request':10.0,'user_us_per_request':1.0,'system_us_per_request':9.0,"
    "'user_s':0.1,'system_s':0.9,'busiest_thread':0.41},"
    "'system_calls_per_request':0.02,'completions_per_request':1.0,"
    "'instrument':{'verdict':'ok','was_bottleneck':false,'sentences':['nothing stood in the way: "
    "the busiest client thread used 41 % of its processor'],'schedule_lag_us':null,"
    "'lagged_s':null,"
    "'waited_s':0.0,'stopped_s':0.0,'lingers':0,'lingered_s':0.0,'pauses':0,"
    "'queue_overflows':0,'buffers_empty':0,'ports_exhausted':0,'connections_asked':64,"
    "'is_nofile_short':false,'calibration':{'sentence':'it costs 2 us'}},"
    "'environment':{'kernel':'Linux 6.1','cpu':'EPYC','cores_online':4,'cores_allowed':2,"
    "'ring':null},"
    "'timeline':null,'histograms':null,'stages':null,"
    "'thresholds':[{'text':'p99<2ms','is_met':true,'sentence':'p99<2ms: met: p99 was 1.000 ms'},"
    "{'text':'errors==0','is_met':false,'sentence':'errors==0: not met: errors was 10'}]}";

static void describe(struct fixture *fixture)
{
    static const char *const texts[] = {"p99<2ms", "errors==0"};
    parse_thresholds(fixture, texts, 2);
    fixture->context.server = "embedded";
    fixture->context.calibration = json_pack("{s:s}", "sentence", "it costs 2 us");
    fixture->context.environment =
        json_pack("{s:s, s:s, s:i, s:i, s:n}", "kernel", "Linux 6.1", "cpu", "EPYC", "cores_online",
                  4, "cores_allowed", 2, "ring");
}

static void test_json(void **state)
{
    struct fixture fixture;
    (void)state;
    open_closed_loop(&fixture);
    describe(&fixture);
    make_json(&fixture);
    char *text = json_dumps(fixture.run, RESULT_JSON_FLAGS);
    for (char *at = text; (at = strchr(at, '"')) != NULL;)
        *at = '\'';
    assert_string_equal(text, closed_json);
    assert_false(result_is_met(fixture.run));
    free(text);
    close_fixture(&fixture);
}

static const struct {
    const char *path;
    const char *value; /* as JSON */
} open_rows[] = {
    {"mode", "\"open\""},
    {"hidden", "null"},
    {"server", "null"},
    {"url", "\"https://localhost/?\""},
    {"targets", "2"},
    {"tls", "true"},
    {"method", "\"POST\""},
    {"http", "\"1.0\""},
    {"close", "true"},
    {"pipeline", "4"},
    {"rate_held", "1.0"},
    {"plan/rate_from", "10000.0"},
    {"plan/rate_to", "10000.0"},
    {"plan/requests", "7"},
    {"plan/duration_s", "10.0"},
    {"plan/warm_up", "0.25"},
    {"plan/timeout_s", "2.5"},
    {"latency_us/intended/max", "2000.0"},
    {"latency_us/actual/max", "20000.0"},
    {"phases_us/queue/p50", "1000.0"},
    {"phases_us/tls/count", "65"},
    {"instrument/schedule_lag_us/p99", "10.0"},
    {"instrument/lagged_s", "0.0125"},
    {"instrument/connections_asked", "100"},
    {"instrument/is_nofile_short", "true"},
    {"instrument/verdict", "\"limited\""},
    {"instrument/calibration", "null"},
    {"environment", "null"},
    {"histograms/unit", "\"ns\""},
    {"thresholds", "[]"},
};

static json_t *value_at(json_t *run, const char *path)
{
    char words[128];
    char *rest = words;
    json_t *value = run;
    snprintf(words, sizeof(words), "%s", path);
    for (char *word = strsep(&rest, "/"); word != NULL; word = strsep(&rest, "/"))
        value = json_object_get(value, word);
    return value;
}

static void make_unusual(struct fixture *fixture)
{
    make_open_loop(fixture);
    fixture->urls[0] = "https://localhost/\xff";
    fixture->options.url_count = 2;
    fixture->options.http.has_body = true;
    fixture->options.is_http10 = fixture->options.is_closing = true;
    fixture->options.pipeline = 4;
    fixture->options.requests = 7;
    fixture->options.connections = 100;
    fixture->options.warm_up_ns = 250 * (int64_t)MS;
    fixture->options.timeout_ns = 2500 * MS;
    fixture->context.has_histograms = true;
}

/* What is counted is there whole. */
static void assert_payloads(const struct fixture *fixture)
{
    const struct stats *stats = &fixture->result.stats;
    const struct {
        const char *path;
        const struct histogram *counted;
    } rows[] = {
        {"histograms/actual", &stats->actual},
        {"histograms/intended", &stats->intended},
        {"histograms/queue", &stats->phases[PHASE_QUEUE]},
        {"histograms/connect", &stats->phases[PHASE_CONNECT]},
        {"histograms/tls", &stats->phases[PHASE_TLS]},
        {"histograms/first_byte", &stats->phases[PHASE_FIRST_BYTE]},
        {"histograms/body", &stats->phases[PHASE_BODY]},
    };
    struct histogram decoded;
    assert_true(histogram_open(&decoded));
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *payload = json_string_value(value_at(fixture->run, rows[i].path));
        if (payload == NULL || hdrlog_decode(span_of(payload), &decoded) != HDRLOG_OK)
            fail_msg("%s: %s", rows[i].path, payload != NULL ? payload : "absent");
        assert_memory_equal(decoded.counts, rows[i].counted->counts,
                            HISTOGRAM_BUCKETS * sizeof(*decoded.counts));
    }
    histogram_close(&decoded);
}

static void test_json_open_loop(void **state)
{
    struct fixture fixture;
    (void)state;
    open_closed_loop(&fixture);
    make_unusual(&fixture);
    fixture.options.requests = 0;
    make_json(&fixture);
    json_decref(fixture.run);
    fixture.options.requests = 7;
    fixture.run = result_json(&fixture.result, &fixture.context);
    for (size_t i = 0; i < ROWS(open_rows); i++) {
        char *text = json_dumps(value_at(fixture.run, open_rows[i].path),
                                RESULT_JSON_FLAGS | JSON_ENCODE_ANY);
        if (text == NULL || strcmp(text, open_rows[i].value) != 0)
            fail_msg("%s: %s", open_rows[i].path, text != NULL ? text : "absent");
        free(text);
    }
    assert_true(result_is_met(fixture.run));
    assert_payloads(&fixture);
    close_fixture(&fixture);
}

/* What is printed and read again still gives the metrics. */
static void test_metrics_again(void **state)
{
    static const struct {
        const char *name;
        double value;
    } metrics[] = {
        {"rate", 9995},      {"errors", 10},        {"error_share", 1e-4},
        {"cpu", 10},         {"p50", 1000.447},     {"max", 1e7},
        {"mean", 1200.17},   {"actual.max", 20000}, {"good.max", 20000},
        {"failed.p50", 1e7}, {"requests", 1e5},     {"system_calls", 0.02},
        {"body.p99", 10},    {"connect.min", 50},   {"actual.p99.99", 1000.447},
    };
    struct fixture fixture;
    double value;
    (void)state;
    open_closed_loop(&fixture);
    make_json(&fixture);
    char *text = json_dumps(fixture.run, RESULT_JSON_FLAGS);
    json_t *again = json_loads(text, 0, NULL);
    assert_true(json_equal(again, fixture.run));
    for (size_t i = 0; i < ROWS(metrics); i++)
        if (!metric_value(again, metrics[i].name, &value) || value != metrics[i].value)
            fail_msg("%s: %.17g", metrics[i].name, value);
    assert_false(metric_value(again, "tls.p99", &value));
    json_decref(again);
    free(text);
    close_fixture(&fixture);
}

/* A run that was ended before anything happened. */
static void test_nothing(void **state)
{
    struct fixture fixture = {.urls = {"http://h/"}, .options = {.url_count = 1}};
    (void)state;
    fixture.options.urls = fixture.urls;
    fixture.result = (struct load_result){.options = &fixture.options, .loop = "epoll"};
    fixture.context.has_histograms = true;
    assert_int_equal(stats_open(&fixture.result.stats), 0);
    make_json(&fixture);
    static const char *const nulls[] = {
        "rate_per_s",        "latency_us/actual",        "cpu/us_per_request", "cpu/busiest_thread",
        "histograms/actual", "system_calls_per_request", "histograms/queue",   "histograms/connect",
        "histograms/tls",    "histograms/first_byte",    "histograms/body"};
    for (size_t i = 0; i < ROWS(nulls); i++)
        if (!json_is_null(value_at(fixture.run, nulls[i])))
            fail_msg("%s", nulls[i]);
    close_fixture(&fixture);
}

/* --- text ------------------------------------------------------------------------------------- */

static char *printed(void (*print)(FILE *, const json_t *), const json_t *run)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    print(out, run);
    assert_int_equal(fclose(out), 0);
    return text;
}

static const char closed_text[] = "target        GET http://127.0.0.1:9000/s (the embedded\n"
                                  "              server)\n"
                                  "load          closed loop, 64 connections, 2 threads, loop\n"
                                  "              uring, HTTP/1.1\n"
                                  "machine       Linux 6.1; EPYC; 2 of 4 processors\n"
                                  "time          10.00 s and 1.000 ms until all had finished\n"
                                  "              (before it 10.00 ms of opening and 500.0 ms of\n"
                                  "              warm-up, 5,000 requests)\n"
                                  "requests      100,000 with 99,997 replies\n"
                                  "rate          9,995/s\n"
                                  "bytes         12.3 MB received, 1.2 MB of it bodies; 6.3 MB\n"
                                  "              sent\n"
                                  "connections   65 opened\n"
                                  "errors        10 (0.01 % of the requests)\n"
                                  "  by stage    connect: 1; deadline: 2\n"
                                  "statuses      200: 99,990; 404: 7\n"
                                  "odd replies   name_space: 3\n"
                                  "client CPU    10.00 us a request (1.000 us of the program,\n"
                                  "              9.000 us of the kernel) and up to 41 % of a\n"
                                  "              processor for a thread\n"
                                  "system calls  0.020 a request, and 1 completion\n"
                                  "\n"
                                  "latency of all that finished, and by outcome\n"
                                  "                  all      good  4xx, 5xx    failed\n"
                                  "p50          1.000 ms  1.000 ms  1.000 ms   10.00 s\n"
                                  "p75          1.000 ms  1.000 ms  1.000 ms   10.00 s\n"
                                  "p90          1.000 ms  1.000 ms  1.000 ms   10.00 s\n"
                                  "p95          1.000 ms  1.000 ms  1.000 ms   10.00 s\n"
                                  "p99          1.000 ms  1.000 ms  1.000 ms   10.00 s\n"
                                  "p99.9        1.000 ms  1.000 ms  1.000 ms   10.00 s\n"
                                  "p99.99       1.000 ms  1.000 ms  1.000 ms   10.00 s\n"
                                  "max      over 10.00 s  20.00 ms  1.000 ms   10.00 s\n"
                                  "mean         1.200 ms  1.000 ms  1.000 ms   6.667 s\n"
                                  "stddev       44.72 ms  60.09 us      0 us   4.714 s\n"
                                  "min          1.000 ms  1.000 ms  1.000 ms  1.000 ms\n"
                                  "count         100,000    99,990         7         3\n"
                                  "\n"
                                  "latency of replies, from when a request was begun\n"
                                  "          actual\n"
                                  "p50     1.000 ms\n"
                                  "p75     1.000 ms\n"
                                  "p90     1.000 ms\n"
                                  "p95     1.000 ms\n"
                                  "p99     1.000 ms\n"
                                  "p99.9   1.000 ms\n"
                                  "p99.99  1.000 ms\n"
                                  "max     20.00 ms\n"
                                  "mean    1.000 ms\n"
                                  "stddev  60.08 us\n"
                                  "min     1.000 ms\n"
                                  "count     99,997\n"
                                  "\n"
                                  "phases of it, one after the other\n"
                                  "         connect  1st byte      body\n"
                                  "p50     50.00 us  990.0 us  10.00 us\n"
                                  "p75     50.00 us  990.0 us  10.00 us\n"
                                  "p90     50.00 us  990.0 us  10.00 us\n"
                                  "p95     50.00 us  990.0 us  10.00 us\n"
                                  "p99     50.00 us  990.0 us  10.00 us\n"
                                  "p99.9   50.00 us  990.0 us  10.00 us\n"
                                  "p99.99  50.00 us  990.0 us  10.00 us\n"
                                  "max     50.00 us  990.0 us  10.00 us\n"
                                  "mean    50.00 us  990.0 us  10.00 us\n"
                                  "stddev      0 us      0 us      0 us\n"
                                  "min     50.00 us  990.0 us  10.00 us\n"
                                  "count         65    99,997    99,997\n"
                                  "\n"
                                  "was it me?    no: nothing stood in the way: the busiest\n"
                                  "              client thread used 41 % of its processor\n"
                                  "calibration   it costs 2 us\n"
                                  "hidden        closed loop: a connection asks again only when\n"
                                  "              it has been answered, so a server that stops\n"
                                  "              for 1 s costs this run 64 long latencies, not\n"
                                  "              the 9,995 of the requests that would have been\n"
                                  "              due; --rate shows them\n"
                                  "thresholds    p99<2ms: met: p99 was 1.000 ms\n"
                                  "              errors==0: not met: errors was 10\n";

static void test_text(void **state)
{
    struct fixture fixture;
    (void)state;
    open_closed_loop(&fixture);
    describe(&fixture);
    make_json(&fixture);
    char *text = printed(result_text, fixture.run);
    assert_string_equal(text, closed_text);
    free(text);
    close_fixture(&fixture);
}

static const char *const open_lines[] = {
    "target        GET http://127.0.0.1:9000/s\n",
    "load          open loop, 5,000/s to 15,000/s over 64\n",
    "rate          9,995/s (100 % of what was due was begun in\n",
    "latency of all that finished, from when it was due, and\nby outcome\n",
    "                  all      good  4xx, 5xx    failed\n",
    "p99          2.001 ms  2.000 ms  2.000 ms   10.00 s\n",
    "latency of replies, from when a request was due and from\nwhen it was begun\n",
    "        intended    actual\n",
    "p99     2.000 ms  1.000 ms\n",
    "           queue   connect       tls  1st byte      body\n",
    "p99     1.000 ms  50.00 us  1.000 ms  990.0 us  10.00 us\n",
    "was it me?    no: nothing stood in the way: the busiest\n",
};

static void test_text_open_loop(void **state)
{
    struct fixture fixture;
    (void)state;
    open_closed_loop(&fixture);
    make_open_loop(&fixture);
    fixture.options.rate_from = 5000;
    fixture.options.rate_to = 15000;
    make_json(&fixture);
    char *text = printed(result_text, fixture.run);
    for (size_t i = 0; i < ROWS(open_lines); i++)
        if (strstr(text, open_lines[i]) == NULL)
            fail_msg("no '%s' in\n%s", open_lines[i], text);
    assert_null(strstr(text, "hidden"));
    assert_null(strstr(text, "thresholds"));
    free(text);
    close_fixture(&fixture);
}

/* --- stages ----------------------------------------------------------------------------------- */

/* 10 s at 100/s, then a ramp of which the run saw 10 s of 20, with failures that are its p99. */
static const struct load_stage some_stages[] = {
    {10 * S, 100, 100}, {20 * S, 100, 5000}, {5 * S, 0, 0}};

static void make_stages(struct fixture *fixture, struct stats *stages)
{
    make_open_loop(fixture);
    fixture->options.rate_from = 0;
    fixture->options.duration_ns = 0;
    fixture->options.stages = some_stages;
    fixture->options.stage_count = ROWS(some_stages);
    fixture->result.stages = stages;
    fixture->result.window_s = 20;
    for (size_t i = 0; i < ROWS(some_stages); i++)
        assert_int_equal(stats_open(&stages[i]), 0);
    stages[0].requests = stages[0].replies = stages[0].statuses[200] = 1000;
    stages[0].finished_in_window = 999;
    histogram_record_many(&stages[0].good, 2 * MS, 1000);
    stages[1].requests = 12345;
    stages[1].replies = stages[1].statuses[200] = 11345;
    stages[1].errors[HAUL_RECEIVE] = 1000;
    stages[1].unsent = 6;
    stages[1].finished_in_window = 12340;
    histogram_record_many(&stages[1].good, 4 * MS, 11345);
    histogram_record_many(&stages[1].failed, 300 * MS, 1000);
    for (size_t i = 0; i < ROWS(some_stages); i++)
        stats_sum_up(&stages[i], true);
}

static void test_stages(void **state)
{
    static const char wanted[] = "\nstages, with the latency of what was due in each\n"
                                 "until         asked      rate errors       p50           p99\n"
                                 "   10         100/s   99.90/s      -  2.000 ms      2.000 ms\n"
                                 "   30  100..5,000/s   1,234/s  1,000  4.002 ms over 300.0 ms\n"
                                 "   35           0/s         -      -         -             -\n";
    struct fixture fixture;
    struct stats stages[ROWS(some_stages)];
    double value;
    (void)state;
    open_closed_loop(&fixture);
    make_stages(&fixture, stages);
    make_json(&fixture);
    char *text = printed(result_text, fixture.run);
    if (strstr(text, wanted) == NULL)
        fail_msg("%s", text);
    if (strstr(text, "load          open loop, 10s@100, 20s@100..5000, 5s@0,") == NULL)
        fail_msg("%s", text);
    free(text);
    const json_t *second = json_array_get(json_object_get(fixture.run, "stages"), 1);
    assert_true(metric_value(second, "unsent", &value) && value == 6);
    assert_true(metric_value(second, "errors", &value) && value == 1000);
    assert_true(metric_value(second, "good.p99", &value) && value > 3999 && value < 4004);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(fixture.run, "plan"), "stages")),
        "10s@100,20s@100..5000,5s@0");
    for (size_t i = 0; i < ROWS(stages); i++)
        stats_close(&stages[i]);
    close_fixture(&fixture);
}

/* The last field of a line of CSV, and how many there are. */
static size_t last_field(const char *line, char *ret_last)
{
    size_t count = 1, length = strcspn(line, "\n");
    bool is_quoted = false;
    const char *last = line;
    for (size_t i = 0; i < length; i++) {
        is_quoted ^= line[i] == '"';
        if (line[i] == ',' && !is_quoted) {
            count++;
            last = line + i + 1;
        }
    }
    snprintf(ret_last, 16, "%.*s", (int)(line + length - last), last);
    return count;
}

/* A row of the whole, whose stage is empty, and one for each. */
static void test_csv_of_stages(void **state)
{
    static const char *const lasts[] = {"stage", "", "1", "2", "3"};
    struct fixture fixture;
    struct stats stages[ROWS(some_stages)];
    char last[16];
    (void)state;
    open_closed_loop(&fixture);
    make_stages(&fixture, stages);
    make_json(&fixture);
    char *text = printed(result_csv, fixture.run), *line = text;
    size_t columns = last_field(text, last);
    for (size_t i = 0; i < ROWS(lasts); i++) {
        assert_int_equal(last_field(line, last), columns);
        assert_string_equal(last, lasts[i]);
        line = strchr(line, '\n') + 1;
    }
    assert_string_equal(line, "");
    assert_non_null(strstr(text, ",12345,11345,"));
    free(text);
    for (size_t i = 0; i < ROWS(stages); i++)
        stats_close(&stages[i]);
    close_fixture(&fixture);
}

static void test_text_bottleneck(void **state)
{
    static const struct {
        double busy;
        uint64_t requests;
        bool is_interrupted;
        const char *line;
    } verdicts[] = {
        {1, 100000, false, "was it me?    yes: the client was the bottleneck: its"},
        {0.4, 50000, false, "was it me?    the rate was not held: 50.00 %"},
        {0.4, 100000, true, "was it me?    in part: the run was interrupted after 10.0 s\n"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(verdicts); i++) {
        struct fixture fixture;
        open_closed_loop(&fixture);
        make_open_loop(&fixture);
        fixture.threads[0].busy = verdicts[i].busy;
        fixture.result.stats.requests = verdicts[i].requests;
        fixture.result.is_interrupted = verdicts[i].is_interrupted;
        make_json(&fixture);
        char *text = printed(result_text, fixture.run);
        if (strstr(text, verdicts[i].line) == NULL)
            fail_msg("no '%s' in\n%s", verdicts[i].line, text);
        free(text);
        close_fixture(&fixture);
    }
}

static void test_text_find_max(void **state)
{
    static const struct {
        const char *json;
        const char *text;
    } rows[] = {
        {"{\"find_max\": {\"expression\": \"p99<50ms\", \"rate\": 12345.6, \"is_bounded\": true,"
         " \"trials\": [{}, {}]}}",
         "find max      p99<50ms held up to 12,346/s (2 trials)\n"},
        {"{\"find_max\": {\"expression\": \"p99<50ms\", \"rate\": 1500, \"is_bounded\": false,"
         " \"trials\": [{}]}}",
         "find max      p99<50ms held up to 1,500/s, and at all that\n"
         "              could be sent (1 trial)\n"},
        {"{\"find_max\": {\"expression\": \"p99<1ns\", \"rate\": null, \"is_bounded\": true,"
         " \"trials\": []}}",
         "find max      p99<1ns held at no rate (0 trials)\n"},
        {"{}", ""},
        {"[]", ""},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        json_t *run = json_loads(rows[i].json, 0, NULL);
        char *text = printed(result_text, run);
        assert_string_equal(text, rows[i].text);
        free(text);
        json_decref(run);
    }
}

/* Everything as large as it gets, and an URL that fits in no line, of two-byte characters and one
 * that moves the cursor. */
static void make_huge(struct fixture *fixture)
{
    static char url[2000] = "http://127.0.0.1:9000/\x1b[2J\"\\";
    struct load_result *result = &fixture->result;
    struct stats *stats = &result->stats;
    make_open_loop(fixture);
    while (strlen(url) + 3 < sizeof(url))
        strcat(url, "\xc3\xbc");
    fixture->urls[0] = fixture->urls[1] = url;
    fixture->options.url_count = 2;
    fixture->options.rate_from = 123456789012;
    fixture->options.rate_to = 999999999999;
    fixture->options.pipeline = fixture->options.connections = UINT32_MAX;
    result->connections = UINT32_MAX - 1;
    result->window_s = result->warm_up_s = result->opening_s = 1e9;
    result->elapsed_s = 2e9;
    result->warm_up_requests = INT64_MAX;
    result->is_interrupted = true;
    fixture->threads[0] = (struct load_thread){.user_s = 1e12, .system_s = 1e12, .busy = 123.456};
    for (size_t i = 0; i < offsetof(struct stats, good) / sizeof(uint64_t); i++)
        ((uint64_t *)stats)[i] = INT64_MAX / 2048;
    struct histogram *const all[] = {&stats->actual,    &stats->intended,  &stats->lag,
                                     &stats->phases[0], &stats->phases[1], &stats->phases[2],
                                     &stats->phases[3]};
    for (size_t i = 0; i < ROWS(all); i++)
        histogram_record_many(all[i], HISTOGRAM_HIGHEST_NS + 1, HISTOGRAM_COUNT_MAX / 2);
    histogram_record_many(&stats->phases[PHASE_BODY], US, 12345678);
}

static void assert_columns(const char *text)
{
    size_t columns = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\n')
            columns = 0;
        else if (((unsigned char)*at & 0xc0) != 0x80 && ++columns > COLUMNS)
            fail_msg("more than %d columns before '%.40s' in\n%s", COLUMNS, at, text);
        assert_true(*at == '\n' || (unsigned char)*at >= ' ');
    }
    const char *space = strstr(text, " \n");
    if (space != NULL)
        fail_msg("a line ends with a space in\n%s", text);
}

static void test_text_huge(void **state)
{
    static const char *const texts[] = {"first_byte.p99.99<00000000000000000001us",
                                        "errors                      <  0.00000001   %"};
    struct fixture fixture;
    (void)state;
    open_closed_loop(&fixture);
    make_huge(&fixture);
    parse_thresholds(&fixture, texts, 1);
    make_json(&fixture);
    char *text = printed(result_text, fixture.run);
    assert_columns(text);
    assert_non_null(strstr(text, "   4398 s    4398 s    4398 s    4398 s  10.00 us\n"));
    assert_non_null(strstr(text, "  8796093M  8796093M  8796093M  8796093M       12M\n"));
    free(text);
    close_fixture(&fixture);
    assert_columns(closed_text);
}

/* --- Prometheus ------------------------------------------------------------------------------- */

/* What the exposition format's description says, and nothing more lenient. A family's lines stand
 * together, HELP and TYPE before its samples; no sample comes twice. */
struct exposition {
    const char *at;
    char family[128];
    char type[16];
    char families[100][128];
    size_t family_count;
    size_t samples; /* of this family */
    char seen[400][1024];
    size_t seen_count;
};

static void take_text(struct exposition *exposition, const char *text)
{
    if (strncmp(exposition->at, text, strlen(text)) != 0)
        fail_msg("'%s' should stand at '%.60s'", text, exposition->at);
    exposition->at += strlen(text);
}

static void take_name(struct exposition *exposition, char *ret_name, size_t size)
{
    size_t length = strspn(exposition->at, "abcdefghijklmnopqrstuvwxyz_0123456789");
    assert_true(length > 0 && length < size && !isdigit((unsigned char)*exposition->at));
    snprintf(ret_name, size, "%.*s", (int)length, exposition->at);
    exposition->at += length;
}

static void take_head(struct exposition *exposition)
{
    char name[128];
    assert_true(exposition->family_count == 0 || exposition->samples > 0);
    take_text(exposition, "# HELP ");
    take_name(exposition, exposition->family, sizeof(exposition->family));
    take_text(exposition, " ");
    assert_true(strcspn(exposition->at, "\n") > 0);
    exposition->at = strchr(exposition->at, '\n');
    take_text(exposition, "\n# TYPE ");
    take_name(exposition, name, sizeof(name));
    assert_string_equal(name, exposition->family);
    take_text(exposition, " ");
    take_name(exposition, exposition->type, sizeof(exposition->type));
    take_text(exposition, "\n");
    for (size_t i = 0; i < exposition->family_count; i++)
        assert_string_not_equal(exposition->families[i], name);
    assert_true(exposition->family_count < ROWS(exposition->families));
    strcpy(exposition->families[exposition->family_count++], name);
    exposition->samples = 0;
}

static void take_quoted(struct exposition *exposition, char *ret_value, size_t size)
{
    size_t length = 0;
    take_text(exposition, "\"");
    for (; *exposition->at != '"'; exposition->at++) {
        assert_true(*exposition->at != '\n' && *exposition->at != '\0');
        char byte = *exposition->at;
        if (byte == '\\') {
            byte = *++exposition->at;
            assert_true(byte == '\\' || byte == '"' || byte == 'n');
            byte = byte == 'n' ? '\n' : byte;
        }
        if (length + 1 < size)
            ret_value[length++] = byte;
    }
    ret_value[length] = '\0';
    take_text(exposition, "\"");
}

/* {a="b",c="d"}; the URL, and whether loop, connections and url are all there. */
static void take_labels(struct exposition *exposition, char *ret_url, size_t size, bool *ret_is_sum)
{
    char name[64], value[1024];
    bool has_loop = false, has_connections = false, has_quantile = false;
    *ret_url = '\0';
    for (const char *opening = "{"; *opening == '{' || *exposition->at == ','; opening = ",") {
        take_text(exposition, opening);
        take_name(exposition, name, sizeof(name));
        take_text(exposition, "=");
        take_quoted(exposition, value, sizeof(value));
        has_loop |= strcmp(name, "loop") == 0 && *value != '\0';
        has_connections |= strcmp(name, "connections") == 0 && *value != '\0';
        has_quantile |= strcmp(name, "quantile") == 0;
        if (strcmp(name, "url") == 0)
            snprintf(ret_url, size, "%s", value);
    }
    take_text(exposition, "} ");
    assert_true(has_loop && has_connections);
    assert_true(!has_quantile || !*ret_is_sum);
    *ret_is_sum |= has_quantile;
}

static void take_sample(struct exposition *exposition, const char *url)
{
    char name[128], found[1024];
    const char *begin = exposition->at;
    char *end;
    take_name(exposition, name, sizeof(name));
    assert_memory_equal(name, exposition->family, strlen(exposition->family));
    const char *suffix = name + strlen(exposition->family);
    bool is_summary = strcmp(exposition->type, "summary") == 0;
    bool is_sum = strcmp(suffix, "_sum") == 0 || strcmp(suffix, "_count") == 0;
    assert_true(*suffix == '\0' || (is_summary && is_sum));
    take_labels(exposition, found, sizeof(found), &is_sum);
    assert_string_equal(found, url);
    assert_true(is_sum == is_summary);
    snprintf(found, sizeof(found), "%.*s", (int)(exposition->at - begin), begin);
    for (size_t i = 0; i < exposition->seen_count; i++)
        assert_string_not_equal(exposition->seen[i], found);
    assert_true(exposition->seen_count < ROWS(exposition->seen));
    strcpy(exposition->seen[exposition->seen_count++], found);
    double value = strtod(exposition->at, &end);
    assert_true(end != exposition->at && isfinite(value));
    exposition->at = end;
    take_text(exposition, "\n");
    exposition->samples++;
}

static void parse_exposition(const char *text, const char *url)
{
    static struct exposition exposition;
    exposition = (struct exposition){.at = text};
    while (*exposition.at != '\0')
        if (*exposition.at == '#')
            take_head(&exposition);
        else
            take_sample(&exposition, url);
    assert_true(exposition.family_count > 0 && exposition.samples > 0);
    for (size_t i = 0; i < exposition.family_count; i++)
        assert_memory_equal(exposition.families[i], "haul_bench_", strlen("haul_bench_"));
}

#define LABELS "loop=\"uring\",connections=\"64\",url=\"http://127.0.0.1:9000/s\""

static const char *const prometheus_lines[] = {
    "# TYPE haul_bench_requests_total counter\nhaul_bench_requests_total{" LABELS "} 100000\n",
    "haul_bench_requests_per_second{" LABELS "} 9995\n",
    "haul_bench_received_bytes_total{" LABELS "} 12345678\n",
    "haul_bench_cpu_seconds_per_request{" LABELS "} 1e-05\n",
    "haul_bench_failures_total{" LABELS ",stage=\"deadline\"} 2\n",
    "haul_bench_statuses_total{" LABELS ",status=\"404\"} 7\n",
    "haul_bench_anomalies_total{" LABELS ",anomaly=\"name_space\"} 3\n",
    "# TYPE haul_bench_latency_seconds summary\n",
    "haul_bench_latency_seconds{" LABELS ",clock=\"actual\",quantile=\"0.999\"} 0.001000447\n",
    "haul_bench_latency_seconds{" LABELS ",clock=\"actual\",quantile=\"1\"} 0.02\n",
    "haul_bench_latency_seconds_count{" LABELS ",clock=\"actual\"} 99997\n",
    "haul_bench_latency_seconds_sum{" LABELS ",clock=\"actual\"} 100.01599943\n",
    "haul_bench_phase_seconds{" LABELS ",phase=\"first_byte\",quantile=\"0.5\"} 0.00099\n",
    "haul_bench_verdict{" LABELS ",verdict=\"ok\"} 1\n",
    "haul_bench_verdict{" LABELS ",verdict=\"client_bound\"} 0\n",
    ",version=\"" HAUL_VERSION "\",mode=\"closed\",method=\"GET\",http=\"1.1\","
    "kernel=\"Linux 6.1\",cpu=\"EPYC\"} 1\n",
};

static void test_prometheus(void **state)
{
    struct fixture fixture;
    (void)state;
    open_closed_loop(&fixture);
    describe(&fixture);
    make_json(&fixture);
    char *text = printed(result_prometheus, fixture.run);
    parse_exposition(text, fixture.urls[0]);
    for (size_t i = 0; i < ROWS(prometheus_lines); i++)
        if (strstr(text, prometheus_lines[i]) == NULL)
            fail_msg("no '%s' in\n%s", prometheus_lines[i], text);
    assert_null(strstr(text, "intended\""));
    assert_null(strstr(text, "rate_held"));
    free(text);
    close_fixture(&fixture);
}

static void test_prometheus_escapes(void **state)
{
    struct fixture fixture;
    (void)state;
    open_closed_loop(&fixture);
    make_open_loop(&fixture);
    fixture.urls[0] = "http://h/\"a\\b\nc";
    make_json(&fixture);
    char *text = printed(result_prometheus, fixture.run);
    parse_exposition(text, fixture.urls[0]);
    assert_non_null(strstr(text, "url=\"http://h/\\\"a\\\\b\\nc\""));
    assert_non_null(strstr(text, "clock=\"intended\",quantile=\"0.99\"} 0.002\n"));
    assert_non_null(strstr(text, "haul_bench_rate_held_ratio{"));
    free(text);
    close_fixture(&fixture);
}

/* Nothing to say about what is no run. */
static void test_prometheus_nothing(void **state)
{
    (void)state;
    json_t *run = json_object();
    char *text = printed(result_prometheus, run);
    assert_string_equal(text, "");
    free(text);
    json_decref(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_open_loop),
        cmocka_unit_test(test_metrics_again),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_open_loop),
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_csv_of_stages),
        cmocka_unit_test(test_text_bottleneck),
        cmocka_unit_test(test_text_find_max),
        cmocka_unit_test(test_text_huge),
        cmocka_unit_test(test_prometheus),
        cmocka_unit_test(test_prometheus_escapes),
        cmocka_unit_test(test_prometheus_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
