/* Owns what a run's JSON consists of. The idea: a member is a row, in the order of the JSON, and
 * all that is made of members walks the rows; what a row cannot say is a function above it. A value
 * that cannot be made, for want of memory, is NULL. What a run has no number for is null. */

#include "bench/result/members.h"
#include "bench/statistics/hdrlog.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

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

/* The value itself, or NULL where making it has failed. */
static json_t *unless(int failed, json_t *value)
{
    if (!failed)
        return value;
    json_decref(value);
    return NULL;
}

/* --- latencies -------------------------------------------------------------------------------- */

static double least_ns(const struct histogram *histogram)
{
    return (double)histogram_min_ns(histogram);
}

static double greatest_ns(const struct histogram *histogram)
{
    return (double)histogram_max_ns(histogram);
}

const struct latency_statistic latency_statistics[] = {
    {"count", NULL, 0, NULL, NULL},
    {"min", "min", 0, "0", least_ns},
    {"p50", "p50", 0.5, "0.5", NULL},
    {"p75", "p75", 0.75, "0.75", NULL},
    {"p90", "p90", 0.9, "0.9", NULL},
    {"p95", "p95", 0.95, "0.95", NULL},
    {"p99", "p99", 0.99, "0.99", NULL},
    {"p99_9", "p99.9", 0.999, "0.999", NULL},
    {"p99_99", "p99.99", 0.9999, "0.9999", NULL},
    {"max", "max", 0, "1", greatest_ns},
    {"mean", "mean", 0, NULL, histogram_mean_ns},
    {"stddev", "stddev", 0, NULL, histogram_deviation_ns},
};

const size_t latency_statistic_count = sizeof(latency_statistics) / sizeof(*latency_statistics);

/* From the middle upwards; the least and the count come last. */
const struct latency_statistic *latency_statistic_shown(size_t index)
{
    enum { LAST = 2 };
    size_t first = latency_statistic_count - LAST;
    return &latency_statistics[index < first ? index + LAST : latency_statistic_count - 1 - index];
}

static json_t *statistic(const struct latency_statistic *statistic,
                         const struct histogram *histogram)
{
    if (statistic->quantile > 0)
        return microseconds((double)histogram_quantile(histogram, statistic->quantile));
    return statistic->take_ns != NULL ? microseconds(statistic->take_ns(histogram))
                                      : count(histogram_count(histogram));
}

static json_t *latency(const struct histogram *histogram)
{
    if (histogram_count(histogram) == 0)
        return json_null();
    json_t *object = json_object();
    int failed = 0;
    for (size_t i = 0; i < latency_statistic_count; i++)
        failed |= json_object_set_new(object, latency_statistics[i].key,
                                      statistic(&latency_statistics[i], histogram));
    return unless(failed, object);
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

/* --- what was asked for ----------------------------------------------------------------------- */

static bool is_open_loop(const struct member_source *source)
{
    return load_is_open(source->options);
}

static const char *first_url(const struct member_source *source)
{
    return source->options->url_count > 0 ? source->options->urls[0] : "";
}

static json_t *schema(const struct member_source *source)
{
    (void)source;
    return json_string("haul-bench/1");
}

static json_t *kind(const struct member_source *source)
{
    (void)source;
    return json_string("run");
}

static json_t *version(const struct member_source *source)
{
    (void)source;
    return json_string(HAUL_VERSION);
}

static json_t *started_at(const struct member_source *source)
{
    char date[32], full[48];
    int64_t time_ms = (int64_t)llround(source->result->started_at * 1e3);
    time_t whole = (time_t)(time_ms / 1000);
    struct tm parts;
    if (gmtime_r(&whole, &parts) == NULL)
        return json_null();
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(full, sizeof(full), "%s.%03dZ", date, (int)(time_ms % 1000));
    return json_string(full);
}

static json_t *url(const struct member_source *source)
{
    return text(first_url(source));
}

static json_t *targets(const struct member_source *source)
{
    return count(source->options->url_count);
}

static json_t *server(const struct member_source *source)
{
    return text_or_null(source->context->server);
}

/* Of the first target, as url is. */
static json_t *method(const struct member_source *source)
{
    const struct haul_options *http = &source->options->http;
    const struct load_target none = {0};
    const struct load_target *own = source->options->targets ? source->options->targets : &none;
    const char *usual = http->has_body || own->has_body ? "POST" : "GET";
    const char *asked = own->method != NULL ? own->method : http->method;
    return text(asked != NULL ? asked : usual);
}

/* Of a template. */
static json_t *prepared(const struct member_source *source)
{
    uint64_t requests = source->result->prepared;
    return requests > 0 ? count(requests) : json_null();
}

static json_t *loop(const struct member_source *source)
{
    return json_string(source->result->loop);
}

static json_t *loop_reason(const struct member_source *source)
{
    return text_or_null(source->result->loop_reason);
}

static json_t *pipeline(const struct member_source *source)
{
    return count(source->options->pipeline);
}

static json_t *http(const struct member_source *source)
{
    return json_string(source->options->is_http10 ? "1.0" : "1.1");
}

static json_t *is_closing(const struct member_source *source)
{
    return json_boolean(source->options->is_closing);
}

static json_t *is_tls(const struct member_source *source)
{
    return json_boolean(strncasecmp(first_url(source), "https:", 6) == 0);
}

static json_t *mode(const struct member_source *source)
{
    return json_string(is_open_loop(source) ? "open" : "closed");
}

static json_t *hidden(const struct member_source *source)
{
    const struct instrument *judged = source->context->instrument;
    return text_or_null(judged != NULL ? judged->hidden : NULL);
}

static json_t *group(const struct member_source *source)
{
    (void)source;
    return json_object();
}

static json_t *requests_asked(const struct member_source *source)
{
    return source->options->requests > 0 ? count(source->options->requests) : json_null();
}

static json_t *duration_asked(const struct member_source *source)
{
    return duration_or_null(source->options->duration_ns);
}

static json_t *rate_from(const struct member_source *source)
{
    return null_or(source->options->rate_from > 0, source->options->rate_from);
}

static json_t *rate_to(const struct member_source *source)
{
    return null_or(source->options->rate_from > 0, source->options->rate_to);
}

/* As --stages takes it. */
static json_t *plan_stages(const struct member_source *source)
{
    char words[LOAD_STAGES_MAX * 64];
    size_t used = 0;
    for (size_t i = 0; i < source->options->stage_count; i++) {
        const struct load_stage *stage = &source->options->stages[i];
        used +=
            (size_t)snprintf(words + used, sizeof(words) - used, "%s%.9gs@%.9g", i > 0 ? "," : "",
                             (double)stage->duration_ns / 1e9, stage->rate_from);
        if (stage->rate_to != stage->rate_from)
            used += (size_t)snprintf(words + used, sizeof(words) - used, "..%.9g", stage->rate_to);
    }
    return used > 0 ? json_string(words) : json_null();
}

static json_t *warm_up(const struct member_source *source)
{
    int64_t warm_up_ns = source->options->warm_up_ns;
    return warm_up_ns == LOAD_WARM_UP_AUTO ? json_string("auto")
                                           : seconds((double)warm_up_ns / 1e9);
}

static json_t *timeout(const struct member_source *source)
{
    return duration_or_null(source->options->timeout_ns);
}

/* --- what came of it -------------------------------------------------------------------------- */

static json_t *oldest_unfinished(const struct member_source *source)
{
    return seconds((double)source->result->stats.oldest_ns / 1e9);
}

static json_t *is_interrupted(const struct member_source *source)
{
    return json_boolean(source->result->is_interrupted);
}

static json_t *aborted(const struct member_source *source)
{
    return text_or_null(source->context->aborted);
}

static json_t *rate(const struct member_source *source)
{
    return share_of((double)source->result->stats.finished_in_window, source->result->window_s);
}

static json_t *rate_held(const struct member_source *source)
{
    const struct instrument *judged = source->context->instrument;
    bool is_there = judged != NULL && judged->rate_held >= 0;
    return null_or(is_there, is_there ? judged->rate_held : 0);
}

static json_t *error_count(const struct member_source *source)
{
    return count(stats_errors(&source->result->stats));
}

static json_t *errors(const struct member_source *source)
{
    const struct stats *stats = &source->result->stats;
    json_t *object = json_object();
    int failed = 0;
    for (int i = 0; i < STATS_ERROR_COUNT; i++)
        if (stats->errors[i] > 0)
            failed |= json_object_set_new(object, haul_error_name((enum haul_error)i),
                                          count(stats->errors[i]));
    return unless(failed, object);
}

static json_t *statuses(const struct member_source *source)
{
    const struct stats *stats = &source->result->stats;
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

static json_t *anomalies(const struct member_source *source)
{
    const struct stats *stats = &source->result->stats;
    json_t *object = json_object();
    int failed = 0;
    for (int i = 0; i < STATS_ANOMALY_COUNT; i++)
        if (stats->anomalies[i] > 0)
            failed |= json_object_set_new(object, haul_anomaly_name((enum haul_anomaly)(1 << i)),
                                          count(stats->anomalies[i]));
    return unless(failed, object);
}

/* --- what it cost ----------------------------------------------------------------------------- */

static double measured(const struct member_source *source)
{
    return (double)source->result->stats.measured;
}

static json_t *us_a_request(const struct member_source *source, double time_s)
{
    double requests = measured(source);
    return requests > 0 ? microseconds(time_s * 1e9 / requests) : json_null();
}

static json_t *cpu(const struct member_source *source)
{
    struct load_thread time = load_threads_sum(source->result);
    return us_a_request(source, time.user_s + time.system_s);
}

static json_t *user_cpu(const struct member_source *source)
{
    return us_a_request(source, load_threads_sum(source->result).user_s);
}

static json_t *system_cpu(const struct member_source *source)
{
    return us_a_request(source, load_threads_sum(source->result).system_s);
}

static json_t *user_s(const struct member_source *source)
{
    return seconds(load_threads_sum(source->result).user_s);
}

static json_t *system_s(const struct member_source *source)
{
    return seconds(load_threads_sum(source->result).system_s);
}

static json_t *busiest_thread(const struct member_source *source)
{
    return null_or(source->result->thread_count > 0, load_threads_sum(source->result).busy);
}

static json_t *system_calls(const struct member_source *source)
{
    return share_of((double)source->result->stats.system_calls, measured(source));
}

static json_t *completions(const struct member_source *source)
{
    return share_of((double)source->result->stats.completions, measured(source));
}

/* --- was it me? ------------------------------------------------------------------------------- */

static json_t *instrument(const struct member_source *source)
{
    return source->context->instrument != NULL ? json_object() : json_null();
}

static json_t *verdict(const struct member_source *source)
{
    return json_string(instrument_verdict_name(source->context->instrument->verdict));
}

static json_t *was_bottleneck(const struct member_source *source)
{
    return json_boolean(source->context->instrument->was_bottleneck);
}

static json_t *sentences(const struct member_source *source)
{
    const struct instrument *judged = source->context->instrument;
    json_t *array = json_array();
    int failed = 0;
    for (size_t i = 0; i < judged->sentence_count; i++)
        failed |= json_array_append_new(array, text(judged->sentences[i]));
    return unless(failed, array);
}

static json_t *waited_s(const struct member_source *source)
{
    double time_s = load_threads_sum(source->result).waited_s;
    return time_s < 0 ? json_null() : seconds(time_s);
}

static json_t *stopped_s(const struct member_source *source)
{
    return seconds(load_threads_sum(source->result).stopped_s);
}

static json_t *lagged_s(const struct member_source *source)
{
    double time_s = (double)source->result->stats.lagged_ns / 1e9;
    return is_open_loop(source) ? seconds(time_s) : json_null();
}

static json_t *lingered_s(const struct member_source *source)
{
    return seconds((double)source->result->stats.lingered_ns / 1e9);
}

static json_t *connections_asked(const struct member_source *source)
{
    return count(source->options->connections);
}

static json_t *is_nofile_short(const struct member_source *source)
{
    return json_boolean(source->result->connections < source->options->connections);
}

static json_t *calibration(const struct member_source *source)
{
    return borrowed_or_null(source->context->calibration);
}

static json_t *environment(const struct member_source *source)
{
    return borrowed_or_null(source->context->environment);
}

/* --- from a row to its value ------------------------------------------------------------------ */

static const void *place_of(const struct member *member, const struct member_source *source)
{
    return (const char *)source->result + member->offset;
}

static json_t *count_at(const struct member *member, const struct member_source *source)
{
    const void *place = place_of(member, source);
    return count(member->size == sizeof(uint32_t) ? *(const uint32_t *)place
                                                  : *(const uint64_t *)place);
}

json_t *member_make(const struct member *member, const struct member_source *source)
{
    if (member->make != NULL)
        return member->make(source);
    if (member->type == MEMBER_LATENCY)
        return latency(place_of(member, source));
    return member->type == MEMBER_COUNT ? count_at(member, source)
                                        : seconds(*(const double *)place_of(member, source));
}

bool member_is_made(const struct member *member)
{
    return member->make != NULL || member->size > 0;
}

/* The latencies whole, as many as the rows have. */
static json_t *histograms(const struct member_source *source)
{
    if (!source->context->has_histograms)
        return json_null();
    json_t *object = json_object();
    int failed = json_object_set_new(object, "unit", json_string("ns"));
    const struct member *member;
    for (size_t i = 0; (member = member_with_histogram(i)) != NULL; i++)
        failed |=
            json_object_set_new(object, member_key(member), encoded(place_of(member, source)));
    return unless(failed, object);
}

/* --- over time -------------------------------------------------------------------------------- */

static int put_counts(json_t *row, const struct timeline_row *from)
{
    json_t *errors = json_object(), *statuses = json_object();
    int failed = 0;
    for (int i = 0; i < STATS_ERROR_COUNT; i++)
        if (from->errors[i] > 0)
            failed |= json_object_set_new(errors, haul_error_name((enum haul_error)i),
                                          count(from->errors[i]));
    for (int i = 1; i < STATUS_CLASSES; i++)
        if (from->classes[i] > 0) {
            char key[] = {(char)('0' + i), 'x', 'x', '\0'};
            failed |= json_object_set_new(statuses, key, count(from->classes[i]));
        }
    failed |= json_object_set_new(row, "errors", errors);
    return failed | json_object_set_new(row, "statuses", statuses);
}

static json_t *interval(const struct timeline_row *from, uint64_t window_ns)
{
    bool has_finished = from->requests > 0;
    double rate = 0;
    bool has_rate = timeline_rate(from, window_ns, &rate);
    const struct {
        const char *key;
        json_t *value;
    } values[] = {
        {"start_s", seconds((double)from->start_ns / 1e9)},
        {"end_s", seconds((double)from->end_ns / 1e9)},
        {"requests", count(from->requests)},
        {"rate_per_s", null_or(has_rate, round(rate * 1e3) / 1e3)},
        {"p50_us", has_finished ? microseconds((double)from->p50_ns) : json_null()},
        {"p99_us", has_finished ? microseconds((double)from->p99_ns) : json_null()},
        {"max_us", has_finished ? microseconds((double)from->max_ns) : json_null()},
        {"in_flight", count(from->in_flight)},
    };
    json_t *row = json_object();
    int failed = 0;
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        failed |= json_object_set_new(row, values[i].key, values[i].value);
    failed |= put_counts(row, from);
    return unless(failed, row);
}

static json_t *timeline(const struct member_source *source)
{
    const struct timeline *from = source->result->timeline;
    if (from == NULL)
        return json_null();
    json_t *rows = json_array();
    int failed = 0;
    for (size_t i = 0; i < from->count; i++)
        failed |= json_array_append_new(
            rows, interval(&from->rows[i], (uint64_t)llround(source->result->window_s * 1e9)));
    json_t *object = json_object();
    failed |= json_object_set_new(object, "interval_s",
                                  seconds((double)source->options->interval_ns / 1e9));
    failed |= json_object_set_new(object, "rows", rows);
    return unless(failed, object);
}

/* --- the rows --------------------------------------------------------------------------------- */

/* A member of struct load_result: a uint32_t, a uint64_t, a double or a histogram. */
#define AT(field)                                                                                  \
    .offset = offsetof(struct load_result, field), .size = sizeof(((struct load_result *)0)->field)

/* Somebody else puts it there, or it has no one place. */
#define ELSEWHERE .make = NULL

/* By which name a figure is asked for, and which way is better. */
#define METRIC(text, way, words) .metric = text, .sense = METRIC_##way, .title = words

#define FAMILY(text, words) .family = text, .help = words

const struct member run_members[] = {
    {"schema", MEMBER_TEXT, MERGE_SAME, .make = schema},
    {"kind", MEMBER_TEXT, MERGE_SAME, .make = kind},
    {"haul", MEMBER_TEXT, MERGE_SAME, .make = version},
    {"started_at", MEMBER_TEXT, MERGE_EARLIEST, .make = started_at},
    {"url", MEMBER_TEXT, MERGE_SAME_URL, .make = url},
    {"targets", MEMBER_COUNT, MERGE_SAME, .make = targets},
    {"server", MEMBER_TEXT, MERGE_SAME, .make = server},
    {"method", MEMBER_TEXT, MERGE_SAME, .make = method},
    {"prepared", MEMBER_COUNT, MERGE_ALIKE, .make = prepared},
    {"loop", MEMBER_TEXT, MERGE_SAME, .make = loop},
    {"loop_reason", MEMBER_TEXT, MERGE_JOINED, .make = loop_reason},
    {"connections", MEMBER_COUNT, MERGE_SAME_OR_SUM, AT(connections)},
    {"threads", MEMBER_COUNT, MERGE_SAME_OR_SUM, AT(thread_count)},
    {"pipeline", MEMBER_COUNT, MERGE_SAME, .make = pipeline},
    {"http", MEMBER_TEXT, MERGE_SAME, .make = http},
    {"close", MEMBER_SWITCH, MERGE_SAME, .make = is_closing},
    {"tls", MEMBER_SWITCH, MERGE_SAME, .make = is_tls},
    {"mode", MEMBER_TEXT, MERGE_SAME, .make = mode},
    {"hidden", MEMBER_TEXT, MERGE_ALIKE, .make = hidden},
    {"plan", MEMBER_GROUP, MERGE_ALIKE, .make = group},
    {"plan.requests", MEMBER_COUNT, MERGE_SAME_OR_SUM, .make = requests_asked},
    {"plan.duration_s", MEMBER_NUMBER, MERGE_SAME, .unit = METRIC_SECONDS, .make = duration_asked},
    {"plan.rate_from", MEMBER_NUMBER, MERGE_SAME_OR_SUM, .unit = METRIC_PER_SECOND,
     .make = rate_from},
    {"plan.rate_to", MEMBER_NUMBER, MERGE_SAME_OR_SUM, .unit = METRIC_PER_SECOND, .make = rate_to},
    {"plan.stages", MEMBER_TEXT, MERGE_SAME, .make = plan_stages},
    {"plan.warm_up", MEMBER_OBJECT, MERGE_SAME, .make = warm_up},
    {"plan.timeout_s", MEMBER_NUMBER, MERGE_SAME, .unit = METRIC_SECONDS, .make = timeout},
    {"plan.", MEMBER_OBJECT, MERGE_SAME, ELSEWHERE},
    {"opening_s", MEMBER_NUMBER, MERGE_TIME_SPENT, .unit = METRIC_SECONDS, AT(opening_s)},
    {"warm_up_s", MEMBER_NUMBER, MERGE_TIME_SPENT, .unit = METRIC_SECONDS, AT(warm_up_s)},
    {"warm_up_requests", MEMBER_COUNT, MERGE_SUM, AT(warm_up_requests)},
    {"window_s", MEMBER_NUMBER, MERGE_TIME_SPENT, .unit = METRIC_SECONDS, AT(window_s),
     FAMILY("window_seconds", "Length of the window.")},
    {"elapsed_s", MEMBER_NUMBER, MERGE_TIME_SPENT, .unit = METRIC_SECONDS, AT(elapsed_s)},
    {"requests", MEMBER_COUNT, MERGE_SUM, AT(stats.requests),
     METRIC("requests", NEITHER, "Requests"),
     FAMILY("requests_total", "Requests begun in the window and finished.")},
    {"replies", MEMBER_COUNT, MERGE_SUM, AT(stats.replies), METRIC("replies", NEITHER, "Replies"),
     FAMILY("replies_total", "Requests that were answered.")},
    {"unfinished", MEMBER_COUNT, MERGE_SUM, AT(stats.unfinished),
     METRIC("unfinished", LOWER_IS_BETTER, "Under way at the end"),
     FAMILY("unfinished_total", "Requests begun in the window and under way when the run ended.")},
    {"oldest_unfinished_s", MEMBER_NUMBER, MERGE_GREATEST, .unit = METRIC_SECONDS,
     .make = oldest_unfinished},
    {"unsent", MEMBER_COUNT, MERGE_SUM, AT(stats.unsent),
     METRIC("unsent", LOWER_IS_BETTER, "Due, never begun"),
     FAMILY("unsent_total", "Requests due in the window and never begun.")},
    {"resent", MEMBER_COUNT, MERGE_SUM, AT(stats.resent),
     METRIC("resent", LOWER_IS_BETTER, "Sent again"),
     FAMILY("resent_total", "Times a request was sent again on another connection.")},
    {"interrupted", MEMBER_SWITCH, MERGE_EITHER, .make = is_interrupted},
    {"aborted", MEMBER_TEXT, MERGE_ALIKE, .make = aborted},
    {"rate_per_s", MEMBER_NUMBER, MERGE_RATE, .unit = METRIC_PER_SECOND, .make = rate,
     METRIC("rate", HIGHER_IS_BETTER, "Rate"),
     FAMILY("requests_per_second", "Requests finished within the window, a second.")},
    {"rate_held", MEMBER_NUMBER, MERGE_BY_REQUESTS, .unit = METRIC_SHARE, .make = rate_held,
     METRIC("rate_held", HIGHER_IS_BETTER, "Rate held"),
     FAMILY("rate_held_ratio", "Requests begun in time, of those asked for.")},
    {"bytes_received", MEMBER_COUNT, MERGE_SUM, .unit = METRIC_BYTES, AT(stats.bytes_received),
     FAMILY("received_bytes_total", "Bytes received.")},
    {"bytes_sent", MEMBER_COUNT, MERGE_SUM, .unit = METRIC_BYTES, AT(stats.bytes_sent),
     FAMILY("sent_bytes_total", "Bytes sent.")},
    {"body_bytes", MEMBER_COUNT, MERGE_SUM, .unit = METRIC_BYTES, AT(stats.body_bytes),
     FAMILY("body_bytes_total", "Bytes of bodies received.")},
    {"connections_opened", MEMBER_COUNT, MERGE_SUM, AT(stats.connections),
     FAMILY("connections_opened_total", "Connections opened.")},
    {"error_count", MEMBER_COUNT, MERGE_SUM, .make = error_count,
     METRIC("errors", LOWER_IS_BETTER, "Errors"),
     FAMILY("errors_total", "Failures, and replies with a status from 400 on.")},
    {"errors", MEMBER_COUNTS, MERGE_COUNTS, .make = errors,
     FAMILY("failures_total", "Failures by the stage of the trip."), .label = "stage"},
    {"statuses", MEMBER_COUNTS, MERGE_COUNTS, .make = statuses,
     FAMILY("statuses_total", "Replies by status."), .label = "status"},
    {"anomalies", MEMBER_COUNTS, MERGE_COUNTS, .make = anomalies,
     FAMILY("anomalies_total", "Odd replies by what is odd."), .label = "anomaly"},
    {"latency_us", MEMBER_GROUP, MERGE_ALIKE, .make = group,
     FAMILY("latency_seconds",
            "Latency; intended: from when a request was due, actual: from when it was begun; the "
            "others by outcome."),
     .label = "clock"},
    {"latency_us.intended", MEMBER_LATENCY, MERGE_LATENCY, .unit = METRIC_MICROSECONDS,
     AT(stats.intended), METRIC("intended", LOWER_IS_BETTER, "intended"),
     .histogram = HISTOGRAM_OPEN},
    {"latency_us.actual", MEMBER_LATENCY, MERGE_LATENCY, .unit = METRIC_MICROSECONDS,
     AT(stats.actual), METRIC("actual", LOWER_IS_BETTER, "actual"), .histogram = HISTOGRAM_ALWAYS},
    {"latency_us.all", MEMBER_LATENCY, MERGE_LATENCY, .unit = METRIC_MICROSECONDS, AT(stats.all),
     METRIC("all", LOWER_IS_BETTER, "all"), .histogram = HISTOGRAM_LATER},
    {"latency_us.good", MEMBER_LATENCY, MERGE_LATENCY, .unit = METRIC_MICROSECONDS, AT(stats.good),
     METRIC("good", LOWER_IS_BETTER, "good"), .histogram = HISTOGRAM_LATER},
    {"latency_us.error_status", MEMBER_LATENCY, MERGE_LATENCY, .unit = METRIC_MICROSECONDS,
     AT(stats.error_status), METRIC("error_status", LOWER_IS_BETTER, "4xx, 5xx"),
     .histogram = HISTOGRAM_LATER},
    {"latency_us.failed", MEMBER_LATENCY, MERGE_LATENCY, .unit = METRIC_MICROSECONDS,
     AT(stats.failed), METRIC("failed", LOWER_IS_BETTER, "failed"), .histogram = HISTOGRAM_LATER},
    {"latency_us.", MEMBER_LATENCY, MERGE_LATENCY, ELSEWHERE},
    {"phases_us", MEMBER_GROUP, MERGE_ALIKE, .make = group,
     FAMILY("phase_seconds", "Where the latency went."), .label = "phase"},
    {"phases_us.queue", MEMBER_LATENCY, MERGE_LATENCY, .unit = METRIC_MICROSECONDS,
     AT(stats.phases[PHASE_QUEUE]), METRIC("queue", LOWER_IS_BETTER, "queue"),
     .histogram = HISTOGRAM_LATER},
    {"phases_us.connect", MEMBER_LATENCY, MERGE_LATENCY, .unit = METRIC_MICROSECONDS,
     AT(stats.phases[PHASE_CONNECT]), METRIC("connect", LOWER_IS_BETTER, "connect"),
     .histogram = HISTOGRAM_LATER},
    {"phases_us.tls", MEMBER_LATENCY, MERGE_LATENCY, .unit = METRIC_MICROSECONDS,
     AT(stats.phases[PHASE_TLS]), METRIC("tls", LOWER_IS_BETTER, "tls"),
     .histogram = HISTOGRAM_LATER},
    {"phases_us.first_byte", MEMBER_LATENCY, MERGE_LATENCY, .unit = METRIC_MICROSECONDS,
     AT(stats.phases[PHASE_FIRST_BYTE]), METRIC("first_byte", LOWER_IS_BETTER, "1st byte"),
     .histogram = HISTOGRAM_LATER},
    {"phases_us.body", MEMBER_LATENCY, MERGE_LATENCY, .unit = METRIC_MICROSECONDS,
     AT(stats.phases[PHASE_BODY]), METRIC("body", LOWER_IS_BETTER, "body"),
     .histogram = HISTOGRAM_LATER},
    {"phases_us.", MEMBER_LATENCY, MERGE_LATENCY, ELSEWHERE},
    {"cpu", MEMBER_GROUP, MERGE_ALIKE, .make = group},
    {"cpu.us_per_request", MEMBER_NUMBER, MERGE_BY_REQUESTS, .unit = METRIC_MICROSECONDS,
     .make = cpu, METRIC("cpu", LOWER_IS_BETTER, "CPU per request"),
     FAMILY("cpu_seconds_per_request", "The client's processor time a request.")},
    {"cpu.user_us_per_request", MEMBER_NUMBER, MERGE_BY_REQUESTS, .unit = METRIC_MICROSECONDS,
     .make = user_cpu, METRIC("user_cpu", LOWER_IS_BETTER, "of it user")},
    {"cpu.system_us_per_request", MEMBER_NUMBER, MERGE_BY_REQUESTS, .unit = METRIC_MICROSECONDS,
     .make = system_cpu, METRIC("system_cpu", LOWER_IS_BETTER, "of it system")},
    {"cpu.user_s", MEMBER_NUMBER, MERGE_SUM, .unit = METRIC_SECONDS, .make = user_s},
    {"cpu.system_s", MEMBER_NUMBER, MERGE_SUM, .unit = METRIC_SECONDS, .make = system_s},
    {"cpu.busiest_thread", MEMBER_NUMBER, MERGE_GREATEST, .unit = METRIC_SHARE,
     .make = busiest_thread, METRIC("busiest_thread", LOWER_IS_BETTER, "Busiest thread"),
     FAMILY("busiest_thread_ratio", "The busiest client thread, of one processor.")},
    {"system_calls_per_request", MEMBER_NUMBER, MERGE_BY_REQUESTS, .make = system_calls,
     METRIC("system_calls", LOWER_IS_BETTER, "System calls per request"),
     FAMILY("system_calls_per_request", "The client's system calls a request.")},
    {"completions_per_request", MEMBER_NUMBER, MERGE_BY_REQUESTS, .make = completions,
     METRIC("completions", LOWER_IS_BETTER, "Completions per request"),
     FAMILY("completions_per_request", "Completions a request.")},
    {"instrument", MEMBER_GROUP, MERGE_ALIKE, .make = instrument},
    {"instrument.verdict", MEMBER_TEXT, MERGE_GRAVEST, .make = verdict},
    {"instrument.was_bottleneck", MEMBER_SWITCH, MERGE_EITHER, .make = was_bottleneck},
    {"instrument.sentences", MEMBER_LIST, MERGE_SENTENCES, .make = sentences},
    {"instrument.schedule_lag_us", MEMBER_LATENCY, MERGE_LATENCY, .unit = METRIC_MICROSECONDS,
     AT(stats.lag), METRIC("lag", LOWER_IS_BETTER, "lag")},
    {"instrument.lagged_s", MEMBER_NUMBER, MERGE_SUM, .unit = METRIC_SECONDS, .make = lagged_s},
    {"instrument.waited_s", MEMBER_NUMBER, MERGE_GREATEST, .unit = METRIC_SECONDS, .make = waited_s,
     FAMILY("client_waited_seconds", "For a processor, of the thread that waited longest.")},
    {"instrument.stopped_s", MEMBER_NUMBER, MERGE_GREATEST, .unit = METRIC_SECONDS,
     .make = stopped_s, FAMILY("client_stopped_seconds", "So much too late the client woke.")},
    {"instrument.lingers", MEMBER_COUNT, MERGE_SUM, AT(stats.lingers),
     FAMILY("lingers_total", "Closes that a server announced and that did not come.")},
    {"instrument.lingered_s", MEMBER_NUMBER, MERGE_SUM, .unit = METRIC_SECONDS, .make = lingered_s},
    {"instrument.pauses", MEMBER_COUNT, MERGE_SUM, AT(stats.pauses),
     FAMILY("pauses_total", "Pauses after a connection that could not be opened.")},
    {"instrument.queue_overflows", MEMBER_COUNT, MERGE_SUM, AT(stats.queue_overflows),
     FAMILY("queue_overflows_total", "Completion queue overflows.")},
    {"instrument.buffers_empty", MEMBER_COUNT, MERGE_SUM, AT(stats.buffers_empty),
     FAMILY("buffers_empty_total", "Times no receive buffer was left.")},
    {"instrument.ports_exhausted", MEMBER_COUNT, MERGE_SUM, AT(stats.ports_exhausted),
     FAMILY("ports_exhausted_total", "Times no local port was left.")},
    {"instrument.connections_asked", MEMBER_COUNT, MERGE_SAME_OR_SUM, .make = connections_asked},
    {"instrument.is_nofile_short", MEMBER_SWITCH, MERGE_EITHER, .make = is_nofile_short},
    {"instrument.calibration", MEMBER_OBJECT, MERGE_ALIKE, .make = calibration},
    {"environment", MEMBER_OBJECT, MERGE_ALIKE, .make = environment},
    {"environment.", MEMBER_OBJECT, MERGE_JOINED, ELSEWHERE},
    {"timeline", MEMBER_OBJECT, MERGE_EQUAL, .make = timeline},
    {"histograms", MEMBER_OBJECT, MERGE_ALIKE, .make = histograms},
    {"stages", MEMBER_LIST, MERGE_EQUAL, ELSEWHERE},
    {"thresholds", MEMBER_LIST, MERGE_ALIKE, ELSEWHERE},
    {"find_max", MEMBER_OBJECT, MERGE_ALIKE, ELSEWHERE},
    {"merged", MEMBER_GROUP, MERGE_ALIKE, ELSEWHERE},
    {"merged.runs", MEMBER_COUNT, MERGE_SUM, ELSEWHERE},
    {"merged.manner", MEMBER_TEXT, MERGE_SAME, ELSEWHERE},
    {"merged.from", MEMBER_LIST, MERGE_LISTS, ELSEWHERE},
    {"merged.parts", MEMBER_LIST, MERGE_LISTS, ELSEWHERE},
};

const size_t run_member_count = sizeof(run_members) / sizeof(*run_members);

const struct member_quotient member_quotients[] = {
    {METRIC_ERROR_SHARE, "error_count", "requests", METRIC_SHARE, METRIC_LOWER_IS_BETTER,
     "Errors of the requests"},
};

const size_t member_quotient_count = sizeof(member_quotients) / sizeof(*member_quotients);

/* --- finding ---------------------------------------------------------------------------------- */

const struct member *member_find(const char *path)
{
    const struct member *found = NULL;
    for (size_t i = 0; i < run_member_count; i++) {
        size_t length = strlen(run_members[i].path);
        if (strcmp(path, run_members[i].path) == 0)
            return &run_members[i];
        if (run_members[i].path[length - 1] == '.' &&
            strncmp(path, run_members[i].path, length) == 0)
            found = &run_members[i];
    }
    return found;
}

const char *member_key(const struct member *member)
{
    const char *point = strrchr(member->path, '.');
    return point != NULL ? point + 1 : member->path;
}

/* Groups are one deep. */
json_t *member_parent(const json_t *run, const struct member *member)
{
    char group[32];
    const char *point = strchr(member->path, '.');
    if (point == NULL)
        return (json_t *)(uintptr_t)run;
    snprintf(group, sizeof(group), "%.*s", (int)(point - member->path), member->path);
    return json_object_get(run, group);
}

json_t *member_of(const json_t *run, const struct member *member)
{
    return json_object_get(member_parent(run, member), member_key(member));
}

const struct member *member_with_histogram(size_t index)
{
    for (int kind = HISTOGRAM_ALWAYS; kind <= HISTOGRAM_LATER; kind++)
        for (size_t i = 0; i < run_member_count; i++)
            if (run_members[i].histogram == (enum member_histogram)kind && index-- == 0)
                return &run_members[i];
    return NULL;
}
