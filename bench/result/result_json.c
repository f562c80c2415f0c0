/* A run's result as JSON: the place where SCHEMA.md is true. Each part of the object is a list of
 * members; a value that cannot be made, for want of memory, is NULL, and one NULL makes the whole
 * NULL. What a run has no number for is null. */

#include "bench/result/result.h"

#include "bench/statistics/hdrlog.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

/* --- objects ---------------------------------------------------------------------------------- */

struct member {
    const char *key;
    json_t *value; /* a reference that is given away */
};

/* Not 0: some value was NULL, or there is no memory. */
static int add(json_t *object, const struct member *members, size_t member_count)
{
    int failed = 0;
    for (size_t i = 0; i < member_count; i++)
        failed |= json_object_set_new(object, members[i].key, members[i].value);
    return failed;
}

/* The value itself, or NULL where making it has failed. */
static json_t *unless(int failed, json_t *value)
{
    if (!failed)
        return value;
    json_decref(value);
    return NULL;
}

static json_t *object_of(const struct member *members, size_t member_count)
{
    json_t *object = json_object();
    return unless(add(object, members, member_count), object);
}

/* --- values ----------------------------------------------------------------------------------- */

static json_t *null_or(bool is_there, double value)
{
    return is_there && isfinite(value) ? json_real(value) : json_null();
}

/* To the nanosecond. */
static json_t *seconds(double value)
{
    return null_or(true, round(value * 1e9) / 1e9);
}

static json_t *microseconds(double value_ns)
{
    return null_or(true, round(value_ns) / 1e3);
}

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *share_of(double value, double whole)
{
    return null_or(whole > 0, value / whole);
}

static json_t *duration_or_null(uint64_t duration_ns)
{
    return duration_ns > 0 ? seconds((double)duration_ns / 1e9) : json_null();
}

/* Whatever the bytes are: what is not UTF-8 is kept as far as it is ASCII. */
static json_t *text(const char *bytes)
{
    json_t *string = json_string(bytes);
    char *copy = string == NULL ? strdup(bytes) : NULL;
    if (copy == NULL)
        return string;
    for (char *at = copy; *at != '\0'; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    string = json_string(copy);
    free(copy);
    return string;
}

static json_t *text_or_null(const char *bytes)
{
    return bytes != NULL && *bytes != '\0' ? text(bytes) : json_null();
}

static json_t *borrowed_or_null(json_t *value)
{
    return value != NULL ? json_incref(value) : json_null();
}

static json_t *quantile(const struct histogram *histogram, double q)
{
    return microseconds((double)histogram_quantile(histogram, q));
}

static json_t *latency(const struct histogram *histogram)
{
    if (histogram_count(histogram) == 0)
        return json_null();
    const struct member members[] = {
        {"count", count(histogram_count(histogram))},
        {"min", microseconds((double)histogram_min_ns(histogram))},
        {"p50", quantile(histogram, 0.5)},
        {"p75", quantile(histogram, 0.75)},
        {"p90", quantile(histogram, 0.9)},
        {"p95", quantile(histogram, 0.95)},
        {"p99", quantile(histogram, 0.99)},
        {"p99_9", quantile(histogram, 0.999)},
        {"p99_99", quantile(histogram, 0.9999)},
        {"max", microseconds((double)histogram_max_ns(histogram))},
        {"mean", microseconds(histogram_mean_ns(histogram))},
        {"stddev", microseconds(histogram_deviation_ns(histogram))},
    };
    return object_of(members, COUNT(members));
}

/* --- what was asked for ----------------------------------------------------------------------- */

static bool is_open_loop(const struct load_options *options)
{
    return options->rate_from > 0;
}

static const char *method(const struct haul_options *http)
{
    if (http->method != NULL)
        return http->method;
    return http->has_body ? "POST" : "GET";
}

static const char *first_url(const struct load_options *options)
{
    return options->url_count > 0 ? options->urls[0] : "";
}

static json_t *started_at(double time_s)
{
    char date[32], full[48];
    int64_t time_ms = (int64_t)llround(time_s * 1e3);
    time_t whole = (time_t)(time_ms / 1000);
    struct tm parts;
    if (gmtime_r(&whole, &parts) == NULL)
        return json_null();
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(full, sizeof(full), "%s.%03dZ", date, (int)(time_ms % 1000));
    return json_string(full);
}

static int add_identity(json_t *run, const struct load_result *result,
                        const struct result_context *context)
{
    const struct load_options *options = result->options;
    const struct member members[] = {
        {"schema", json_string("haul-bench/1")},   {"kind", json_string("run")},
        {"haul", json_string(HAUL_VERSION)},       {"started_at", started_at(result->started_at)},
        {"url", text(first_url(options))},         {"targets", count(options->url_count)},
        {"server", text_or_null(context->server)}, {"method", text(method(&options->http))},
    };
    return add(run, members, COUNT(members));
}

static json_t *warm_up(const struct load_options *options)
{
    return options->warm_up_ns == LOAD_WARM_UP_AUTO ? json_string("auto")
                                                    : seconds((double)options->warm_up_ns / 1e9);
}

static json_t *plan(const struct load_options *options)
{
    const struct member members[] = {
        {"requests", options->requests > 0 ? count(options->requests) : json_null()},
        {"duration_s", duration_or_null(options->duration_ns)},
        {"rate_from", null_or(is_open_loop(options), options->rate_from)},
        {"rate_to", null_or(is_open_loop(options), options->rate_to)},
        {"warm_up", warm_up(options)},
        {"timeout_s", duration_or_null(options->timeout_ns)},
    };
    return object_of(members, COUNT(members));
}

static int add_shape(json_t *run, const struct load_result *result,
                     const struct result_context *context)
{
    const struct load_options filled = load_filled(result->options), *options = &filled;
    const char *hidden = context->instrument != NULL ? context->instrument->hidden : NULL;
    bool is_tls = strncasecmp(first_url(options), "https:", 6) == 0;
    const struct member members[] = {
        {"loop", json_string(result->loop)},
        {"loop_reason", text_or_null(result->loop_reason)},
        {"connections", count(result->connections)},
        {"threads", count(result->thread_count)},
        {"pipeline", count(options->pipeline)},
        {"http", json_string(options->is_http10 ? "1.0" : "1.1")},
        {"close", json_boolean(options->is_closing)},
        {"tls", json_boolean(is_tls)},
        {"mode", json_string(is_open_loop(options) ? "open" : "closed")},
        {"hidden", text_or_null(hidden)},
        {"plan", plan(options)},
    };
    return add(run, members, COUNT(members));
}

/* --- what came of it -------------------------------------------------------------------------- */

static json_t *rate_held(const struct instrument *instrument)
{
    bool is_there = instrument != NULL && instrument->rate_held >= 0;
    return null_or(is_there, is_there ? instrument->rate_held : 0);
}

static int add_window(json_t *run, const struct load_result *result,
                      const struct result_context *context)
{
    const struct stats *stats = &result->stats;
    double finished_in_window = (double)stats->finished_in_window;
    const struct member members[] = {
        {"opening_s", seconds(result->opening_s)},
        {"warm_up_s", seconds(result->warm_up_s)},
        {"warm_up_requests", count(result->warm_up_requests)},
        {"window_s", seconds(result->window_s)},
        {"elapsed_s", seconds(result->elapsed_s)},
        {"requests", count(stats->requests)},
        {"replies", count(stats->replies)},
        {"unsent", count(stats->unsent)},
        {"rate_per_s", share_of(finished_in_window, result->window_s)},
        {"rate_held", rate_held(context->instrument)},
    };
    return add(run, members, COUNT(members));
}

static json_t *errors(const struct stats *stats)
{
    json_t *object = json_object();
    int failed = 0;
    for (int i = 0; i < STATS_ERROR_COUNT; i++)
        if (stats->errors[i] > 0)
            failed |= json_object_set_new(object, haul_error_name((enum haul_error)i),
                                          count(stats->errors[i]));
    return unless(failed, object);
}

static json_t *statuses(const struct stats *stats)
{
    json_t *object = json_object();
    char key[16];
    int failed = 0;
    for (int i = 0; i < STATS_STATUS_COUNT; i++)
        if (stats->statuses[i] > 0) {
            snprintf(key, sizeof(key), "%d", i);
            failed |= json_object_set_new(object, key, count(stats->statuses[i]));
        }
    return unless(failed, object);
}

static int add_outcome(json_t *run, const struct stats *stats)
{
    const struct member members[] = {
        {"bytes_received", count(stats->bytes_received)},
        {"bytes_sent", count(stats->bytes_sent)},
        {"body_bytes", count(stats->body_bytes)},
        {"connections_opened", count(stats->connections)},
        {"error_count", count(stats_errors(stats))},
        {"errors", errors(stats)},
        {"statuses", statuses(stats)},
    };
    return add(run, members, COUNT(members));
}

static json_t *clocks(const struct stats *stats)
{
    const struct member members[] = {
        {"intended", latency(&stats->intended)},
        {"actual", latency(&stats->actual)},
    };
    return object_of(members, COUNT(members));
}

/* A member a phase; value_of gives it away. */
static int add_phases(json_t *object, const struct stats *stats,
                      json_t *value_of(const struct histogram *))
{
    int failed = 0;
    for (int i = 0; i < PHASE_COUNT; i++)
        failed |=
            json_object_set_new(object, phase_name((enum phase)i), value_of(&stats->phases[i]));
    return failed;
}

static json_t *phases(const struct stats *stats)
{
    json_t *object = json_object();
    return unless(add_phases(object, stats, latency), object);
}

/* --- what it cost ----------------------------------------------------------------------------- */

static json_t *us_a_request(double time_s, double requests)
{
    return requests > 0 ? microseconds(time_s * 1e9 / requests) : json_null();
}

static json_t *processor(const struct load_result *result)
{
    double requests = (double)result->stats.measured;
    struct load_thread time = load_threads_sum(result);
    const struct member members[] = {
        {"us_per_request", us_a_request(time.user_s + time.system_s, requests)},
        {"user_us_per_request", us_a_request(time.user_s, requests)},
        {"system_us_per_request", us_a_request(time.system_s, requests)},
        {"user_s", seconds(time.user_s)},
        {"system_s", seconds(time.system_s)},
        {"busiest_thread", null_or(result->thread_count > 0, time.busy)},
    };
    return object_of(members, COUNT(members));
}

static int add_times(json_t *run, const struct load_result *result)
{
    const struct stats *stats = &result->stats;
    double requests = (double)stats->measured;
    const struct member members[] = {
        {"latency_us", clocks(stats)},
        {"phases_us", phases(stats)},
        {"cpu", processor(result)},
        {"system_calls_per_request", share_of((double)stats->system_calls, requests)},
        {"completions_per_request", share_of((double)stats->completions, requests)},
    };
    return add(run, members, COUNT(members));
}

/* --- was it me? ------------------------------------------------------------------------------- */

static json_t *sentences(const struct instrument *judged)
{
    json_t *array = json_array();
    int failed = 0;
    for (size_t i = 0; i < judged->sentence_count; i++)
        failed |= json_array_append_new(array, text(judged->sentences[i]));
    return unless(failed, array);
}

static json_t *instrument(const struct load_result *result, const struct result_context *context)
{
    const struct instrument *judged = context->instrument;
    const struct stats *stats = &result->stats;
    uint32_t asked = load_filled(result->options).connections;
    if (judged == NULL)
        return json_null();
    const struct member members[] = {
        {"verdict", json_string(instrument_verdict_name(judged->verdict))},
        {"was_bottleneck", json_boolean(judged->was_bottleneck)},
        {"sentences", sentences(judged)},
        {"schedule_lag_us", latency(&stats->lag)},
        {"queue_overflows", count(stats->queue_overflows)},
        {"buffers_empty", count(stats->buffers_empty)},
        {"ports_exhausted", count(stats->ports_exhausted)},
        {"connections_asked", count(asked)},
        {"is_nofile_short", json_boolean(result->connections < asked)},
        {"calibration", borrowed_or_null(context->calibration)},
    };
    return object_of(members, COUNT(members));
}

static json_t *encoded(const struct histogram *histogram)
{
    char *payload = histogram_count(histogram) > 0 ? hdrlog_encode(histogram) : NULL;
    json_t *string = payload != NULL ? json_string(payload) : NULL;
    if (histogram_count(histogram) == 0)
        string = json_null();
    free(payload);
    return string;
}

static json_t *histograms(const struct stats *stats)
{
    const struct member members[] = {
        {"unit", json_string("ns")},
        {"actual", encoded(&stats->actual)},
        {"intended", encoded(&stats->intended)},
    };
    json_t *object = object_of(members, COUNT(members));
    return unless(add_phases(object, stats, encoded), object);
}

static int add_circumstances(json_t *run, const struct load_result *result,
                             const struct result_context *context)
{
    const struct member members[] = {
        {"instrument", instrument(result, context)},
        {"environment", borrowed_or_null(context->environment)},
        {"histograms", context->has_histograms ? histograms(&result->stats) : json_null()},
    };
    return add(run, members, COUNT(members));
}

/* --- thresholds, which are about the finished object ------------------------------------------ */

static json_t *verdict_on(const struct threshold *threshold, const json_t *run)
{
    char sentence[THRESHOLD_SENTENCE_BYTES];
    bool is_met = threshold_check(threshold, run, sentence);
    const struct member members[] = {
        {"text", text(threshold->text)},
        {"is_met", json_boolean(is_met)},
        {"sentence", text(sentence)},
    };
    return object_of(members, COUNT(members));
}

static json_t *thresholds(const json_t *run, const struct result_context *context)
{
    json_t *array = json_array();
    int failed = 0;
    for (size_t i = 0; i < context->threshold_count; i++)
        failed |= json_array_append_new(array, verdict_on(&context->thresholds[i], run));
    return unless(failed, array);
}

bool result_is_met(const json_t *run)
{
    const json_t *array = json_object_get(run, "thresholds");
    size_t i;
    const json_t *threshold;
    json_array_foreach(array, i, threshold)
    {
        if (!json_is_true(json_object_get(threshold, "is_met")))
            return false;
    }
    return true;
}

json_t *result_json(const struct load_result *result, const struct result_context *context)
{
    json_t *run = json_object();
    int failed = add_identity(run, result, context);
    failed |= add_shape(run, result, context);
    failed |= add_window(run, result, context);
    failed |= add_outcome(run, &result->stats);
    failed |= add_times(run, result);
    failed |= add_circumstances(run, result, context);
    failed |= json_object_set_new(run, "thresholds", thresholds(run, context));
    return unless(failed, run);
}
