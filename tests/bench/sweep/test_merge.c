/* Two runs that become one, and files of them. What a merged run says of its latencies is held
 * against a histogram that recorded them all. */

#include "bench/statistics/hdrlog.h"
#include "bench/statistics/histogram.h"
#include "bench/sweep/merge.h"
#include "bench/result/pool.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/quoted.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* All but what comes of latencies. */
static const char one_text[] =
    "{'schema':'haul-bench/1','kind':'run','haul':'0.1.0','started_at':'2026-01-02T00:00:00.000Z',"
    "'url':'http://127.0.0.1:9000/s','targets':1,'server':'embedded','method':'GET',"
    "'loop':'uring','loop_reason':'this','connections':64,'threads':1,'pipeline':1,'http':'1.1',"
    "'close':false,'tls':false,'mode':'open','hidden':null,"
    "'plan':{'requests':null,'duration_s':2.0,'rate_from':100.0,'rate_to':100.0,"
    "'warm_up':'auto','timeout_s':10},"
    "'opening_s':0.25,'warm_up_s':0.5,'warm_up_requests':10,'window_s':2.0,'elapsed_s':2.5,"
    "'requests':100,'replies':99,'unsent':1,'rate_per_s':50.0,'rate_held':1.0,"
    "'bytes_received':1000,'bytes_sent':500,'body_bytes':300,'connections_opened':64,"
    "'error_count':1,'errors':{'connect':1},'statuses':{'200':99},"
    "'cpu':{'us_per_request':4.0,'user_us_per_request':1.0,'system_us_per_request':3.0,"
    "'user_s':0.5,'system_s':1.5,'busiest_thread':0.5},"
    "'system_calls_per_request':0.5,'completions_per_request':null,"
    "'instrument':{'verdict':'ok','was_bottleneck':false,'sentences':['all well'],"
    "'schedule_lag_us':null,'queue_overflows':0,'buffers_empty':1,'ports_exhausted':2,"
    "'connections_asked':64,'is_nofile_short':false,'calibration':null},"
    "'environment':{'kernel':'6.1','cpu':'a','cores_online':2,'governor':null},"
    "'thresholds':[{'text':'p50<20us','is_met':true,'sentence':'p50 was small'}],"
    "'histograms':{'unit':'ns'},'latency_us':{},"
    "'phases_us':{'queue':null,'connect':null,"
    "'body':{'count':1,'min':2.0,'p50':2.0,'max':2.0,'mean':2.0,'stddev':0.0}},"
    "'note':'same','remark':'one'}";

/* What the second one has otherwise. */
static const char other_text[] =
    "{'started_at':'2026-01-01T00:00:00.000Z','url':'http://127.0.0.1:9001/s','loop_reason':'that',"
    "'window_s':6.0,'elapsed_s':6.5,'requests':300,'replies':300,'unsent':0,'rate_per_s':90.0,"
    "'rate_held':0.8,'error_count':0,'errors':{'tls':4},'statuses':{'200':298,'404':2},"
    "'cpu':{'us_per_request':8.0,'user_us_per_request':3.0,'system_us_per_request':5.0,"
    "'user_s':1.0,'system_s':2.0,'busiest_thread':0.25},"
    "'system_calls_per_request':0.9,'completions_per_request':1.0,"
    "'instrument':{'verdict':'limited','was_bottleneck':true,'sentences':['all well','not so'],"
    "'schedule_lag_us':null,'queue_overflows':5,'buffers_empty':1,'ports_exhausted':0,"
    "'connections_asked':64,'is_nofile_short':false,'calibration':null},"
    "'environment':{'kernel':'6.9','cpu':'a','cores_online':4,'governor':null},"
    "'phases_us':{'queue':null,'connect':{'count':1,'min':1.0,'p50':1.0,'max':1.0,'mean':1.0,"
    "'stddev':0.0},'body':{'count':3,'min':4.0,'p50':4.0,'max':4.0,'mean':4.0,'stddev':0.0}},"
    "'remark':'another'}";

/* A member by its path, "cpu.user_s". */
static json_t *at(json_t *run, const char *path)
{
    char bytes[80], *rest = bytes, *key;

    snprintf(bytes, sizeof bytes, "%s", path);
    while ((key = strsep(&rest, ".")) != NULL)
        run = json_object_get(run, key);
    return run;
}

static void put(json_t *run, const char *path, json_t *value)
{
    const char *dot = strrchr(path, '.');
    char parent[80];

    snprintf(parent, sizeof parent, "%.*s", dot != NULL ? (int)(dot - path) : 0, path);
    assert_int_equal(json_object_set_new(dot != NULL ? at(run, parent) : run,
                                         dot != NULL ? dot + 1 : path, value),
                     0);
}

/* The last word of a path. */
static const char *name_of(const char *path)
{
    return strrchr(path, '.') + 1;
}

static void put_payload(json_t *run, const char *path, json_t *value)
{
    json_object_set_new(at(run, "histograms"), name_of(path), value);
}

/* path: "latency_us.actual". */
static void put_latencies(json_t *run, const char *path, const struct histogram *histogram)
{
    char *payload = hdrlog_encode(histogram);

    assert_non_null(payload);
    put_payload(run, path, json_string(payload));
    free(payload);
    put(run, path,
        json_pack("{sI sf sn sf sf sf}", "count", (json_int_t)histogram_count(histogram), "min",
                  (double)histogram_min_ns(histogram) / 1e3, "p50", "max",
                  (double)histogram_max_ns(histogram) / 1e3, "mean",
                  histogram_mean_ns(histogram) / 1e3, "stddev",
                  histogram_deviation_ns(histogram) / 1e3));
}

/* Latencies from first_ns on, step_ns apart. */
static void record(struct histogram *histogram, uint64_t first_ns, uint64_t step_ns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        histogram_record(histogram, first_ns + i * step_ns);
}

/* Two runs, and what their latencies are together. */
struct two {
    json_t *one;
    json_t *other;
    struct histogram actual;
    struct histogram intended;
    struct histogram first_byte;
};

static void open_two(struct two *two)
{
    struct histogram part;

    two->one = quoted_json(one_text);
    two->other = json_deep_copy(two->one);
    json_t *changes = quoted_json(other_text);
    assert_int_equal(json_object_update(two->other, changes), 0);
    json_decref(changes);
    assert_true(histogram_open(&part) && histogram_open(&two->actual) &&
                histogram_open(&two->intended) && histogram_open(&two->first_byte));
    record(&part, 10000, 77, 99);
    histogram_add(&two->actual, &part);
    histogram_add(&two->intended, &part);
    histogram_add(&two->first_byte, &part);
    put_latencies(two->one, "latency_us.actual", &part);
    put_latencies(two->one, "latency_us.intended", &part);
    put_latencies(two->one, "phases_us.first_byte", &part);
    histogram_reset(&part);
    record(&part, 5000, 1234567, 300);
    histogram_add(&two->actual, &part);
    put_latencies(two->other, "latency_us.actual", &part);
    histogram_reset(&part);
    record(&part, 3000000000, 50000000, 400);
    histogram_add(&two->intended, &part);
    put_latencies(two->other, "latency_us.intended", &part);
    histogram_reset(&part);
    record(&part, 700, 333, 250);
    histogram_add(&two->first_byte, &part);
    put_latencies(two->other, "phases_us.first_byte", &part);
    histogram_close(&part);
}

static void close_two(struct two *two)
{
    json_decref(two->one);
    json_decref(two->other);
    histogram_close(&two->actual);
    histogram_close(&two->intended);
    histogram_close(&two->first_byte);
}

static void assert_member(json_t *run, const char *path, const char *wanted)
{
    char *text =
        json_dumps(at(run, path), JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
    json_t *value = quoted_json(wanted);
    char *wanted_text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));

    if (text == NULL || strcmp(text, wanted_text) != 0)
        fail_msg("%s is %s, not %s", path, text, wanted_text);
    free(text);
    free(wanted_text);
    json_decref(value);
}

/* --- two runs --------------------------------------------------------------------------------- */

/* What comes of the two in either manner. */
static const struct {
    const char *path;
    const char *repeats;
    const char *together; /* NULL: as for repeats */
} members[] = {
    {"schema", "'haul-bench/1'", NULL},
    {"started_at", "'2026-01-01T00:00:00.000Z'", NULL},
    {"url", "'http://127.0.0.1:9000/s'", NULL},
    {"loop", "'uring'", NULL},
    {"loop_reason", "'this | that'", NULL},
    {"connections", "64", "128"},
    {"threads", "1", "2"},
    {"pipeline", "1", NULL},
    {"tls", "false", NULL},
    {"hidden", "null", NULL},
    {"plan.requests", "null", NULL},
    {"plan.rate_from", "100.0", "200.0"},
    {"plan.duration_s", "2.0", NULL},
    {"opening_s", "0.5", "0.25"},
    {"warm_up_s", "1.0", "0.5"},
    {"warm_up_requests", "20", NULL},
    {"window_s", "8.0", "6.0"},
    {"elapsed_s", "9.0", "6.5"},
    {"requests", "400", NULL},
    {"replies", "399", NULL},
    {"unsent", "1", NULL},
    {"rate_per_s", "80.0", "140.0"},
    {"rate_held", "0.85", NULL},
    {"bytes_received", "2000", NULL},
    {"connections_opened", "128", NULL},
    {"error_count", "1", NULL},
    {"errors", "{'connect':1,'tls':4}", NULL},
    {"statuses", "{'200':397,'404':2}", NULL},
    {"cpu.us_per_request", "7.0", NULL},
    {"cpu.user_us_per_request", "2.5", NULL},
    {"cpu.user_s", "1.5", NULL},
    {"cpu.system_s", "3.5", NULL},
    {"cpu.busiest_thread", "0.5", NULL},
    {"system_calls_per_request", "0.8", NULL},
    {"completions_per_request", "null", NULL},
    {"instrument.verdict", "'limited'", NULL},
    {"instrument.was_bottleneck", "true", NULL},
    {"instrument.sentences", "['all well','not so']", NULL},
    {"instrument.schedule_lag_us", "null", NULL},
    {"instrument.queue_overflows", "5", NULL},
    {"instrument.ports_exhausted", "2", NULL},
    {"instrument.connections_asked", "64", "128"},
    {"instrument.is_nofile_short", "false", NULL},
    {"environment", "{'kernel':'6.1 | 6.9','cpu':'a','cores_online':null,'governor':null}", NULL},
    {"phases_us.queue", "null", NULL},
    {"phases_us.connect", "{'count':1,'min':1.0,'p50':1.0,'max':1.0,'mean':1.0,'stddev':0.0}",
     NULL},
    {"phases_us.body.count", "4", NULL},
    {"phases_us.body.min", "2.0", NULL},
    {"phases_us.body.p50", "null", NULL},
    {"phases_us.body.max", "4.0", NULL},
    {"phases_us.body.mean", "3.5", NULL},
    {"phases_us.body.stddev", "0.866025403784", NULL},
    {"note", "'same'", NULL},
    {"remark", "null", NULL},
};

static void members_become_one(void **state)
{
    (void)state;
    for (int manner = POOL_REPEATS; manner <= POOL_TOGETHER; manner++) {
        char message[POOL_MESSAGE_BYTES];
        struct two two;
        open_two(&two);
        json_t *both = pool_runs(two.one, two.other, (enum pool_manner)manner, message);
        if (both == NULL)
            fail_msg("%s", message);
        for (size_t i = 0; i < COUNT(members); i++)
            assert_member(both, members[i].path,
                          manner == POOL_TOGETHER && members[i].together != NULL
                              ? members[i].together
                              : members[i].repeats);
        assert_false(json_is_true(
            json_object_get(json_array_get(json_object_get(both, "thresholds"), 0), "is_met")));
        json_decref(both);
        close_two(&two);
    }
}

static void assert_near(json_t *latency, const char *key, double wanted_ns, double share)
{
    double value = json_number_value(json_object_get(latency, key));

    if (!(fabs(value - wanted_ns / 1e3) <= share * wanted_ns / 1e3))
        fail_msg("%s is %.17g, not %.17g", key, value, wanted_ns / 1e3);
}

static void assert_latencies(json_t *run, const char *path, const struct histogram *all)
{
    static const struct {
        const char *key;
        double q;
    } quantiles[] = {{"p50", 0.5},  {"p75", 0.75},    {"p90", 0.9},      {"p95", 0.95},
                     {"p99", 0.99}, {"p99_9", 0.999}, {"p99_99", 0.9999}};
    json_t *latency = at(run, path);
    const char *payload = json_string_value(json_object_get(at(run, "histograms"), name_of(path)));
    struct histogram found;

    assert_int_equal(json_integer_value(json_object_get(latency, "count")), histogram_count(all));
    for (size_t i = 0; i < COUNT(quantiles); i++)
        assert_near(latency, quantiles[i].key, (double)histogram_quantile(all, quantiles[i].q),
                    1e-12);
    assert_near(latency, "min", (double)histogram_min_ns(all), 1e-12);
    assert_near(latency, "max", (double)histogram_max_ns(all), 1e-12);
    assert_near(latency, "mean", histogram_mean_ns(all), 1e-12);
    assert_near(latency, "stddev", histogram_deviation_ns(all), 1e-9);
    assert_non_null(payload);
    assert_true(histogram_open(&found));
    assert_int_equal(hdrlog_decode(span_of(payload), &found), HDRLOG_OK);
    assert_memory_equal(found.counts, all->counts, HISTOGRAM_BUCKETS * sizeof *found.counts);
    histogram_close(&found);
}

static void latencies_are_those_of_one_histogram(void **state)
{
    char message[POOL_MESSAGE_BYTES];
    struct two two;

    (void)state;
    open_two(&two);
    json_t *both = pool_runs(two.one, two.other, POOL_REPEATS, message);
    assert_non_null(both);
    assert_latencies(both, "latency_us.actual", &two.actual);
    assert_latencies(both, "latency_us.intended", &two.intended);
    assert_latencies(both, "phases_us.first_byte", &two.first_byte);
    /* and once more, with what was merged */
    json_t *thrice = pool_runs(both, two.one, POOL_REPEATS, message);
    assert_non_null(thrice);
    record(&two.actual, 10000, 77, 99);
    assert_latencies(thrice, "latency_us.actual", &two.actual);
    record(&two.first_byte, 10000, 77, 99);
    assert_latencies(thrice, "phases_us.first_byte", &two.first_byte);
    json_decref(both);
    json_decref(thrice);
    close_two(&two);
}

static void a_run_without_latencies_adds_none(void **state)
{
    char message[POOL_MESSAGE_BYTES];
    struct two two;
    struct histogram empty;

    (void)state;
    open_two(&two);
    assert_true(histogram_open(&empty));
    put(two.one, "latency_us.intended", json_null());
    put(two.one, "histograms.intended", json_null());
    put(two.other, "latency_us.intended", json_null());
    put(two.other, "histograms.intended", json_null());
    put(two.other, "latency_us.actual", json_null());
    put(two.other, "histograms.actual", json_null());
    json_t *both = pool_runs(two.one, two.other, POOL_REPEATS, message);
    assert_non_null(both);
    assert_member(both, "latency_us.intended", "null");
    assert_member(both, "histograms.intended", "null");
    record(&empty, 10000, 77, 99);
    assert_latencies(both, "latency_us.actual", &empty);
    assert_true(json_is_null(at(two.one, "latency_us.actual.p50"))); /* they are as they were */
    json_decref(both);
    histogram_close(&empty);
    close_two(&two);
}

/* What a run has of a phase: values or none, and in histograms a payload, null or, in an older run,
 * no member. */
enum has { PAYLOAD, NONE, OLDER, OLDER_NONE };

static void put_phase(json_t *run, const char *path, enum has has, const struct histogram *values)
{
    put_latencies(run, path, values);
    if (has == OLDER || has == OLDER_NONE)
        json_object_del(at(run, "histograms"), name_of(path));
    if (has == NONE)
        put_payload(run, path, json_null());
    if (has == NONE || has == OLDER_NONE)
        put(run, path, json_null());
}

static const struct {
    enum has one;
    enum has other;
    const char *payload; /* NULL: that of the values in both; "": it is not there */
} phase_rows[] = {
    {PAYLOAD, PAYLOAD, NULL},    {PAYLOAD, NONE, NULL},
    {NONE, PAYLOAD, NULL},       {NONE, NONE, "null"},
    {PAYLOAD, OLDER_NONE, NULL}, {OLDER_NONE, PAYLOAD, NULL},
    {NONE, OLDER_NONE, "null"},  {OLDER_NONE, OLDER_NONE, "null"},
    {PAYLOAD, OLDER, ""},        {OLDER, PAYLOAD, ""},
    {OLDER, OLDER, ""},          {OLDER, NONE, ""},
    {OLDER_NONE, OLDER, ""},
};

static size_t add_values(struct histogram *all, enum has has, const struct histogram *values)
{
    if (has == PAYLOAD || has == OLDER)
        histogram_add(all, values);
    return has == PAYLOAD || has == OLDER;
}

static void assert_phase(json_t *both, size_t row, const char *path, struct two *two)
{
    struct histogram all;
    assert_true(histogram_open(&all));
    size_t had = add_values(&all, phase_rows[row].one, &two->actual) +
                 add_values(&all, phase_rows[row].other, &two->intended);
    json_t *payload = json_object_get(at(both, "histograms"), name_of(path));

    if (phase_rows[row].payload == NULL)
        assert_latencies(both, path, &all);
    else if (*phase_rows[row].payload == '\0')
        assert_null(payload);
    else
        assert_true(json_is_null(payload));
    assert_int_equal(json_integer_value(json_object_get(at(both, path), "count")),
                     histogram_count(&all));
    if (payload == NULL && had == 2)
        assert_true(json_is_null(json_object_get(at(both, path), "p50")));
    histogram_close(&all);
}

static void phases_are_those_of_one_histogram_where_both_have_theirs(void **state)
{
    static const char *const paths[] = {"phases_us.queue", "phases_us.connect", "phases_us.tls",
                                        "phases_us.first_byte", "phases_us.body"};
    char message[POOL_MESSAGE_BYTES];

    (void)state;
    for (size_t row = 0; row < COUNT(phase_rows); row++) {
        struct two two;
        open_two(&two);
        for (size_t i = 0; i < COUNT(paths); i++) {
            put_phase(two.one, paths[i], phase_rows[row].one, &two.actual);
            put_phase(two.other, paths[i], phase_rows[row].other, &two.intended);
        }
        json_t *both = pool_runs(two.one, two.other, POOL_REPEATS, message);
        if (both == NULL)
            fail_msg("row %zu says '%s'", row, message);
        for (size_t i = 0; i < COUNT(paths); i++)
            assert_phase(both, row, paths[i], &two);
        json_decref(both);
        close_two(&two);
    }
}

static void a_run_without_any_histograms_has_no_phases(void **state)
{
    char message[POOL_MESSAGE_BYTES];
    struct two two;

    (void)state;
    open_two(&two);
    put(two.other, "histograms", json_null());
    put(two.other, "latency_us", quoted_json("{'actual':null,'intended':null}"));
    json_t *both = pool_runs(two.one, two.other, POOL_REPEATS, message);
    assert_non_null(both);
    assert_member(both, "phases_us.first_byte.count", "349");
    assert_member(both, "phases_us.first_byte.p99", "null");
    assert_null(at(both, "histograms.first_byte"));
    json_decref(both);
    put(two.other, "latency_us", json_null());
    assert_null(pool_runs(two.one, two.other, POOL_REPEATS, message));
    assert_string_equal(message, "latency_us.actual is missing");
    close_two(&two);
}

static void remove_member(json_t *run, const char *group, const char *name)
{
    json_object_del(at(run, group), name);
    json_object_del(at(run, "histograms"), name);
}

/* As a run has it that was made before there was such a latency: nothing is known of both, and
 * nothing of all three, rather than what one of them has counted. */
static void a_latency_that_one_does_not_know_is_left_out(void **state)
{
    char message[POOL_MESSAGE_BYTES];
    struct two two;

    (void)state;
    open_two(&two);
    remove_member(two.other, "phases_us", "first_byte");
    json_t *both = pool_runs(two.one, two.other, POOL_REPEATS, message);
    assert_non_null(both);
    json_t *thrice = pool_runs(both, two.one, POOL_REPEATS, message);
    assert_non_null(thrice);
    assert_null(at(both, "phases_us.first_byte"));
    assert_null(at(thrice, "phases_us.first_byte"));
    assert_null(at(thrice, "histograms.first_byte"));
    assert_member(thrice, "phases_us.body.count", "5");
    json_decref(both);
    json_decref(thrice);
    close_two(&two);
}

static const struct {
    const char *path;
    const char *value; /* of the second run; NULL: none */
    const char *message;
} differences[] = {
    {"loop", "'epoll'", "loop is \"epoll\", and \"uring\" in the other"},
    {"haul", "'0.2.0'", "haul is \"0.2.0\", and \"0.1.0\" in the other"},
    {"server", "null", "url is \"http://127.0.0.1:9001/s\", and \"http://127.0.0.1:9000/s\" in"},
    {"url", "'http://127.0.0.1:9000/t'",
     "url is \"http://127.0.0.1:9000/t\", and \"http://127.0.0.1:9000/s\" in the other"},
    {"url", "5", "url is no string"},
    {"mode", "'closed'", "mode is \"closed\", and \"open\" in the other"},
    {"connections", "65", "connections is 65, and 64 in the other"},
    {"connections", NULL, "connections is missing, and 64 in the other"},
    {"close", "true", "close is true, and false in the other"},
    {"plan.duration_s", "3.0", "plan.duration_s is 3.0, and 2.0 in the other"},
    {"plan.rate_to", "null", "plan.rate_to is null, and 100.0 in the other"},
    {"plan.news", "1", "plan.news is 1, and missing in the other"},
    {"requests", "'many'", "requests is no number"},
    {"requests", "9223372036854775807", "requests is out of range"},
    {"elapsed_s", "1e308", NULL},
    {"cpu.user_s", "[]", "cpu.user_s is no number"},
    {"errors", "[]", "errors is no object"},
    {"statuses", "{'200':'x'}", "statuses is no number"},
    {"instrument.verdict", "'splendid'", "instrument.verdict is no verdict"},
    {"instrument.sentences", "'fine'", "instrument.sentences is no list"},
    {"latency_us.actual.mean", "null", "latency_us.actual.mean is no number"},
    {"latency_us.actual.mean", "1e308", "latency_us.actual is out of range"},
    {"latency_us.actual.count", "301",
     "histograms.actual has 300 values, and latency_us.actual 301"},
    {"latency_us.actual", "null", "histograms.actual has 300 values, and latency_us.actual 0"},
    {"histograms.actual", "null", "histograms.actual has 0 values, and latency_us.actual 300"},
    {"histograms", "null", "histograms.actual has 0 values, and latency_us.actual 300"},
    {"histograms.actual", "'HIST'", "histograms.actual: the payload "},
    {"histograms.first_byte", "'HIST'", "histograms.first_byte: the payload "},
    {"histograms.first_byte", "5",
     "histograms.first_byte has 0 values, and phases_us.first_byte 250"},
    {"histograms.first_byte", "null",
     "histograms.first_byte has 0 values, and phases_us.first_byte 250"},
    {"phases_us.first_byte", "null",
     "histograms.first_byte has 250 values, and phases_us.first_byte 0"},
    {"phases_us.first_byte.count", "251",
     "histograms.first_byte has 250 values, and phases_us.first_byte 251"},
    {"histograms.body", "'HIST'", "histograms.body: the payload "}, /* the first has none */
    {"thresholds", "[]", "thresholds is missing, and \"p50<20us\" in the other"},
    {"thresholds", "[{'text':'p50<21us'}]", "thresholds is \"p50<21us\", and \"p50<20us\""},
};

static void what_differs_or_is_broken_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(differences); i++) {
        char message[POOL_MESSAGE_BYTES] = "";
        struct two two;
        open_two(&two);
        if (differences[i].value != NULL)
            put(two.other, differences[i].path, quoted_json(differences[i].value));
        else
            json_object_del(two.other, differences[i].path);
        json_t *both = pool_runs(two.one, two.other, POOL_REPEATS, message);
        assert_int_equal(both != NULL, differences[i].message == NULL);
        if (differences[i].message != NULL && strstr(message, differences[i].message) != message)
            fail_msg("row %zu says '%s'", i, message);
        json_decref(both);
        close_two(&two);
    }
}

/* Replaces every member, one after the other, by everything that it should not be. */
static void try_all(struct two *two, json_t *object)
{
    static const char *const values[] = {"null",    "true", "-1",      "9223372036854775807",
                                         "1.7e308", "''",   "'a\\nb'", "[]",
                                         "{}",      "[{}]"};
    char message[POOL_MESSAGE_BYTES];
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(object, next, key, value)
    {
        char kept[40];
        snprintf(kept, sizeof kept, "%s", key);
        if (json_is_object(value))
            try_all(two, value);
        json_incref(value);
        for (size_t i = 0; i < COUNT(values); i++) {
            json_object_set_new(object, kept, quoted_json(values[i]));
            for (int manner = POOL_REPEATS; manner <= POOL_TOGETHER; manner++) {
                *message = '\0';
                json_t *both = pool_runs(two->one, two->other, (enum pool_manner)manner, message);
                json_t *back = pool_runs(two->other, two->one, (enum pool_manner)manner, message);
                assert_true(both != NULL || *message != '\0');
                json_decref(both);
                json_decref(back);
            }
        }
        json_object_set_new(object, kept, value);
    }
}

static void whatever_a_member_is_nothing_breaks(void **state)
{
    struct two two;

    (void)state;
    open_two(&two);
    try_all(&two, two.other);
    close_two(&two);
}

/* --- files ------------------------------------------------------------------------------------ */

enum { PATH_BYTES = 64, WORDS = 12 };

static char directory[] = "/tmp/test_merge.XXXXXX";

static const char *path_of(const char *name)
{
    static char paths[8][PATH_BYTES];
    static int next;
    char *path = paths[next++ % 8];

    snprintf(path, PATH_BYTES, "%s/%s", directory, name);
    return path;
}

static char *read_file(const char *name)
{
    FILE *in = fopen(path_of(name), "re");
    char *bytes = calloc(1, 1 << 20);

    assert_non_null(bytes);
    if (in != NULL) {
        bytes[fread(bytes, 1, (1 << 20) - 1, in)] = '\0';
        fclose(in);
    }
    return bytes;
}

static void assert_says(const char *name, const char *text)
{
    char *bytes = read_file(name);

    if (strstr(bytes, text) == NULL)
        fail_msg("%s lacks '%s':\n%.2000s", name, text, bytes);
    free(bytes);
}

static void redirect(const char *name, int descriptor)
{
    int file = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (file < 0 || dup2(file, descriptor) < 0)
        _exit(126);
    close(file);
}

/* Words are split at blanks, in the folder of the files. */
static int merge(const char *text)
{
    char bytes[300], name[] = "merge", *rest = bytes;
    char *words[WORDS] = {name};
    int count = 1, status;

    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        snprintf(bytes, sizeof bytes, "%s", text);
        while ((words[count] = strsep(&rest, " ")) != NULL)
            count++;
        redirect("err", STDERR_FILENO);
        redirect("out", STDOUT_FILENO);
        exit(chdir(directory) == 0 ? merge_main(count, words) : 126);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void assert_merge(const char *words, int status)
{
    int found = merge(words);
    char *bytes = read_file("err");

    if (found != status)
        fail_msg("merge %s ends with %d, not %d: %s", words, found, status, bytes);
    free(bytes);
}

#define HEAD(rounds)                                                                               \
    "{'schema':'haul-bench/1','kind':'sweep','matrix':'c=1,2','rounds':" #rounds                   \
    ",'options':['-z','2s'],'axes':{'c':['1','2']},'cells':9,'seed':5}"

/* A line each: HEAD, then "cell round what", what being a run, "one" or "other", or a sentence. */
static void write_sweep(const char *name, const char *head, const char *const *cells)
{
    FILE *out = fopen(path_of(name), "we");
    struct two two;

    assert_non_null(out);
    open_two(&two);
    json_t *object = quoted_json(head);
    json_dumpf(object, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(object);
    for (; *cells != NULL; cells++) {
        char cell[2] = {(*cells)[0], '\0'};
        const char *what = *cells + 4;
        if (strcmp(what, "third") == 0) /* as "one", but another's */
            put(two.one, "started_at", json_string("2026-01-03T00:00:00.000Z"));
        json_t *run = strcmp(what, "one") == 0     ? json_incref(two.one)
                      : strcmp(what, "third") == 0 ? json_incref(two.one)
                      : strcmp(what, "other") == 0 ? json_incref(two.other)
                                                   : json_string(what);
        json_t *line = json_pack("{ss ss s{ss} si so}", "schema", "haul-bench/1", "kind", "cell",
                                 "cell", "c", cell, "round", (*cells)[2] - '0',
                                 json_is_object(run) ? "run" : "failed", run);
        json_dumpf(line, out, JSON_COMPACT);
        fputc('\n', out);
        json_decref(line);
    }
    fclose(out);
    close_two(&two);
}

static void write_text(const char *name, const char *text)
{
    FILE *out = fopen(path_of(name), "we");

    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void write_run(const char *name, json_t *run, size_t flags)
{
    assert_int_equal(json_dump_file(run, path_of(name), flags), 0);
}

/* "c=1 round 2: 400 requests of 2 runs" a line. */
static void assert_cells(const char *name, const char *wanted)
{
    char found[600] = "", *bytes = read_file(name), *rest = bytes, *text;
    size_t length = 0;

    strsep(&rest, "\n");
    while ((text = strsep(&rest, "\n")) != NULL && *text != '\0') {
        json_t *line = json_loads(text, 0, NULL);
        assert_non_null(line);
        const char *failed = json_string_value(at(line, "failed"));
        length += (size_t)snprintf(
            found + length, sizeof found - length, "%s %lld %s %lld of %lld\n",
            json_string_value(at(line, "cell.c")), json_integer_value(at(line, "round")),
            failed != NULL ? failed : "requests", json_integer_value(at(line, "run.requests")),
            json_integer_value(at(line, "run.merged.runs")));
        json_decref(line);
    }
    assert_string_equal(found, wanted);
    free(bytes);
}

static const char *const first_cells[] = {"1 1 one", "2 1 one", "2 2 no luck", "1 2 one", NULL};
static const char *const second_cells[] = {"2 1 bad",   "2 1 other",    "1 3 other",
                                           "1 1 other", "2 2 bad luck", NULL};

static void the_same_cell_of_the_same_round_is_added(void **state)
{
    (void)state;
    write_sweep("a", HEAD(2), first_cells);
    write_sweep("b", HEAD(3), second_cells);
    assert_merge("a b -o merged", 0);
    assert_cells("merged", "1 1 requests 400 of 2\n"
                           "2 1 requests 400 of 2\n"
                           "1 2 requests 100 of 1\n"
                           "2 2 bad luck 0 of 0\n"
                           "1 3 requests 300 of 1\n");
    assert_says("merged", "\"rounds\":3,\"options\":[\"-z\",\"2s\"],\"axes\":{\"c\":[\"1\",\"2\"]},"
                          "\"cells\":6,\"merged\":{\"files\":[\"a\",\"b\"],\"manner\":\"repeats\","
                          "\"pooled\":false}}\n");
    assert_says("merged",
                "\"merged\":{\"runs\":2,\"manner\":\"repeats\",\"from\":[\"a:2\",\"b:5\"]");
    assert_says("err", "merge: a: c=2, round 2 failed\n");
    assert_says("err", "merge: b: c=2, round 2 failed\n");
}

static void pooling_adds_the_rounds_too(void **state)
{
    (void)state;
    write_sweep("a", HEAD(2), first_cells);
    write_sweep("b", HEAD(3), second_cells);
    assert_merge("--pool a b", 0);
    assert_cells("out", "1 1 requests 800 of 4\n2 1 requests 400 of 2\n");
    assert_says("out", "\"rounds\":1,");
    assert_says("out", "\"from\":[\"a:2\",\"a:5\",\"b:4\",\"b:5\"]");
}

/* The cells of a file with ten digits of each number: a sum's last ones depend on its order. */
static char *read_rounded(const char *name)
{
    char *bytes = read_file(name), *rest = bytes, *text, *rounded;
    json_t *lines = json_array();

    strsep(&rest, "\n");
    while ((text = strsep(&rest, "\n")) != NULL && *text != '\0')
        assert_int_equal(json_array_append_new(lines, json_loads(text, 0, NULL)), 0);
    assert_true(json_array_size(lines) > 0);
    rounded = json_dumps(lines, JSON_REAL_PRECISION(10));
    json_decref(lines);
    free(bytes);
    return rounded;
}

/* In one go, or first some and then the rest. */
static void what_was_merged_can_be_merged_again(void **state)
{
    static const char *const third[] = {"1 1 third", "2 1 third", "2 2 no luck", "1 2 third", NULL};
    (void)state;
    write_sweep("a", HEAD(3), first_cells);
    write_sweep("b", HEAD(3), second_cells);
    write_sweep("c", HEAD(3), third);
    assert_merge("-o ab a b", 0);
    assert_merge("-o abc ab c", 0);
    assert_merge("-o direct a b c", 0);
    char *one = read_rounded("abc"), *other = read_rounded("direct");
    assert_string_equal(one, other);
    free(one);
    free(other);
}

static void single_runs_become_one(void **state)
{
    struct two two;

    (void)state;
    open_two(&two);
    write_run("a", two.one, JSON_INDENT(2));
    write_run("b", two.other, JSON_COMPACT);
    assert_merge("a b", 0);
    assert_says("out", "\"requests\":400,");
    assert_says("out", "\"rate_per_s\":80.0,");
    assert_says("out", "\"merged\":{\"runs\":2,\"manner\":\"repeats\",\"from\":[\"a:1\",\"b:1\"]");
    assert_merge("--together a b", 0);
    assert_says("out", "\"rate_per_s\":140.0,");
    assert_says("out", "\"connections\":128,");
    close_two(&two);
}

/* A sweep, and others each of which does not go with it. */
static void write_misfits(struct two *two)
{
    static const char *const twice[] = {"1 1 one", "2 1 one", "1 1 one", NULL};
    static const char *const none[] = {NULL};
    static const char *const again[] = {"1 3 one", "1 1 one", NULL};

    write_sweep("a", HEAD(2), first_cells);
    write_sweep("axes", "{'schema':'haul-bench/1','kind':'sweep','matrix':'c=1,3','rounds':2}",
                none);
    write_sweep("options",
                "{'schema':'haul-bench/1','kind':'sweep','matrix':'c=1,2','rounds':2,"
                "'options':['-z','3s']}",
                none);
    write_run("run", two->one, 0);
    write_run("copied", two->one, JSON_INDENT(2) | JSON_SORT_KEYS);
    write_sweep("again", HEAD(3), again);
    put_payload(two->other, "phases_us.first_byte", json_string("HIST"));
    write_run("phase", two->other, 0);
    put(two->one, "loop", json_string("epoll"));
    json_t *head = quoted_json(HEAD(2)),
           *line = json_pack("{ss ss s{ss} si sO}", "schema", "haul-bench/1", "kind", "cell",
                             "cell", "c", "1", "round", 1, "run", two->one);
    char *head_text = json_dumps(head, JSON_COMPACT), *line_text = json_dumps(line, JSON_COMPACT);
    FILE *out = fopen(path_of("epoll"), "we");
    fprintf(out, "%s\n%s\n", head_text, line_text);
    fclose(out);
    out = fopen(path_of("damaged"), "we");
    fprintf(out, "%s\n{{\n", head_text);
    fclose(out);
    write_sweep("twice", HEAD(2), twice);
    write_text("diary", "dear diary\n");
    write_text("empty", "");
    write_text("schema", "{\"schema\":\"haul-bench/9\",\"kind\":\"sweep\"}\n");
    write_text("merged", "as it was");
    put(two->one, "loop", json_string("uring"));
    free(head_text);
    free(line_text);
    json_decref(head);
    json_decref(line);
}

static void files_that_do_not_go_together_are_refused(void **state)
{
    static const struct {
        const char *words;
        int status;
        const char *message;
    } rows[] = {
        {"a axes", 1,
         "axes:1: its axes are {\"c\":[\"1\",\"3\"]}, those of a:1 are {\"c\":[\"1\",\"2\"]}"},
        {"a options", 1,
         "options:1: its options are [\"-z\",\"3s\"], those of a:1 are [\"-z\",\"2s\"]"},
        {"a run", 1, "run:1: is a run, and a is a sweep"},
        {"run a", 1, "a:1: is a sweep, and run is a run"},
        {"a epoll", 1,
         "epoll:2: does not go with a:2: loop is \"epoll\", and \"uring\" in the other"},
        {"twice", 1, "twice:4: this cell's round is in line 2 already"},
        {"a a", 1, "a: is there twice"},
        {"run copied", 1, "copied:1: is a run that run:1 has already, under another name"},
        {"ab a", 1, "a:2: is a run that ab:2 has already, under another name"},
        {"a again", 1, "again:3: is a run that a:2 has already, under another name"},
        {"a nowhere", 1, "nowhere: cannot be opened: No such file"},
        {"a .", 1, ".: cannot be read: Is a directory"},
        {"a diary", 1, "diary:1: is no JSON"},
        {"a damaged", 1, "damaged:2: is no JSON"},
        {"a schema", 1, "schema:1: has the schema 'haul-bench/9'"},
        {"a empty", 1, "empty:1: is no JSON"},
        {"run phase", 1, "phase:1: does not go with run:1: histograms.first_byte: the payload "},
        {"-o merged", 2, "which files?"},
        {"--pool --together a", 2, "--pool and --together are two merges"},
        {"--nonsense a", 2, "--nonsense: no such option"},
        {"a -o", 2, "-o: needs a value"},
    };
    struct two two;

    (void)state;
    open_two(&two);
    write_misfits(&two);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char words[100];
        snprintf(words, sizeof words, "%s%s", rows[i].status == 1 ? "-o merged " : "",
                 rows[i].words);
        assert_merge(words, rows[i].status);
        assert_says("err", rows[i].message);
        char *merged = read_file("merged");
        assert_string_equal(merged, "as it was");
        free(merged);
    }
    close_two(&two);
}

/* A sweep that is under way, or was killed. */
static void a_line_without_its_end_is_left_out(void **state)
{
    static const char *const cells[] = {"1 1 one", NULL};

    (void)state;
    write_sweep("a", HEAD(1), cells);
    FILE *out = fopen(path_of("a"), "ae");
    fputs("{\"schema\":\"haul-", out);
    fclose(out);
    assert_merge("a -o merged", 0);
    assert_says("err", "merge: a:3: a line without its end, left out");
    assert_cells("merged", "1 1 requests 100 of 1\n");
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
    static const char *const names[] = {"a",      "b",       "c",     "ab",     "abc",   "direct",
                                        "axes",   "options", "run",   "epoll",  "twice", "diary",
                                        "out",    "damaged", "empty", "schema", "phase", "err",
                                        "merged", "copied",  "again"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        unlink(path_of(names[i]));
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_become_one),
        cmocka_unit_test(latencies_are_those_of_one_histogram),
        cmocka_unit_test(a_run_without_latencies_adds_none),
        cmocka_unit_test(phases_are_those_of_one_histogram_where_both_have_theirs),
        cmocka_unit_test(a_run_without_any_histograms_has_no_phases),
        cmocka_unit_test(a_latency_that_one_does_not_know_is_left_out),
        cmocka_unit_test(what_differs_or_is_broken_is_named),
        cmocka_unit_test(whatever_a_member_is_nothing_breaks),
        cmocka_unit_test(the_same_cell_of_the_same_round_is_added),
        cmocka_unit_test(pooling_adds_the_rounds_too),
        cmocka_unit_test(what_was_merged_can_be_merged_again),
        cmocka_unit_test(single_runs_become_one),
        cmocka_unit_test(files_that_do_not_go_together_are_refused),
        cmocka_unit_test(a_line_without_its_end_is_left_out),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
