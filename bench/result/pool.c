/* Owns what it means to add two runs. The idea: a member's row (bench/result/members.c) says how
 * two values become one; a walk over both objects does the rest, and what has no row is kept where
 * it is the same. */

#include "bench/result/pool.h"

#include "bench/statistics/hdrlog.h"
#include "bench/statistics/histogram.h"
#include "bench/result/instrument.h"
#include "bench/result/bound.h"
#include "bench/result/members.h"
#include "bench/base/json_at.h"
#include "bench/result/threshold.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 128, SENTENCES_MAX = 32, JOINED_BYTES_MAX = 1000 };

struct pool {
    json_t *first;
    json_t *second;
    enum pool_manner manner;
    char *message;
};

/* Two values of a run's member. */
struct pair {
    const char *path;
    json_t *first; /* NULL: it is not there */
    json_t *second;
};

/* Returns a new reference; NULL: they cannot become one, for the reason in the message, which is
 * that there is no memory until another is written. */
typedef json_t *combine(struct pool *pool, const struct pair *pair);

const char *pool_manner_name(enum pool_manner manner)
{
    return manner == POOL_TOGETHER ? "together" : "repeats";
}

static void explain(struct pool *pool, const char *format, va_list arguments)
{
    vsnprintf(pool->message, POOL_MESSAGE_BYTES, format, arguments);
}

__attribute__((format(printf, 2, 3))) static bool deny(struct pool *pool, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    explain(pool, format, arguments);
    va_end(arguments);
    return false;
}

__attribute__((format(printf, 2, 3))) static json_t *refuse(struct pool *pool, const char *format,
                                                            ...)
{
    va_list arguments;

    va_start(arguments, format);
    explain(pool, format, arguments);
    va_end(arguments);
    return NULL;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool is_none(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

/* jansson makes no number of what is not finite. */
static json_t *real_or_refuse(struct pool *pool, const char *path, double value)
{
    json_t *number = json_real(value);

    return number != NULL ? number : refuse(pool, "%s is out of range", path);
}

static bool are_numbers(struct pool *pool, const struct pair *pair)
{
    if (json_is_number(pair->first) && json_is_number(pair->second))
        return true;
    return deny(pool, "%s is no number", pair->path);
}

/* A member of a run's that weighs the run; 0: it is not there. */
static double weight(const json_t *run, const char *key)
{
    return number_at(run, key);
}

static double mean(double first, double first_weight, double second, double second_weight)
{
    double both = first_weight + second_weight;

    return both > 0 ? (first * first_weight + second * second_weight) / both : first;
}

/* --- how two become one ----------------------------------------------------------------------- */

static json_t *differ(struct pool *pool, const struct pair *pair)
{
    char *first = json_dumps(pair->first, JSON_COMPACT | JSON_ENCODE_ANY);
    char *second = json_dumps(pair->second, JSON_COMPACT | JSON_ENCODE_ANY);

    deny(pool, "%s is %.120s, and %.120s in the other", pair->path,
         second != NULL ? second : "missing", first != NULL ? first : "missing");
    free(first);
    free(second);
    return NULL;
}

static json_t *same(struct pool *pool, const struct pair *pair)
{
    if (is_none(pair->first) && is_none(pair->second))
        return json_null();
    return json_equal(pair->first, pair->second) ? json_incref(pair->first) : differ(pool, pair);
}

static json_t *sum(struct pool *pool, const struct pair *pair)
{
    json_int_t total;

    if (is_none(pair->first) || is_none(pair->second))
        return json_null();
    if (!are_numbers(pool, pair))
        return NULL;
    if (!json_is_integer(pair->first) || !json_is_integer(pair->second))
        return real_or_refuse(pool, pair->path,
                              json_number_value(pair->first) + json_number_value(pair->second));
    if (__builtin_add_overflow(json_integer_value(pair->first), json_integer_value(pair->second),
                               &total))
        return refuse(pool, "%s is out of range", pair->path);
    return json_integer(total);
}

static json_t *greatest(struct pool *pool, const struct pair *pair)
{
    if (is_none(pair->first) || is_none(pair->second))
        return json_null();
    if (!are_numbers(pool, pair))
        return NULL;
    return json_incref(json_number_value(pair->first) < json_number_value(pair->second)
                           ? pair->second
                           : pair->first);
}

static json_t *earliest(struct pool *pool, const struct pair *pair)
{
    const char *first = json_string_value(pair->first), *second = json_string_value(pair->second);

    (void)pool;
    if (first == NULL || second == NULL)
        return json_null();
    return json_incref(strcmp(first, second) <= 0 ? pair->first : pair->second);
}

static json_t *either(struct pool *pool, const struct pair *pair)
{
    (void)pool;
    return json_boolean(json_is_true(pair->first) || json_is_true(pair->second));
}

/* Of each machine its own, where they worked together. */
static json_t *same_or_sum(struct pool *pool, const struct pair *pair)
{
    return pool->manner == POOL_TOGETHER ? sum(pool, pair) : same(pool, pair);
}

static json_t *time_spent(struct pool *pool, const struct pair *pair)
{
    return pool->manner == POOL_TOGETHER ? greatest(pool, pair) : sum(pool, pair);
}

static json_t *weighted(struct pool *pool, const struct pair *pair, const char *by)
{
    if (is_none(pair->first) || is_none(pair->second))
        return json_null();
    if (!are_numbers(pool, pair))
        return NULL;
    return real_or_refuse(pool, pair->path,
                          mean(json_number_value(pair->first), weight(pool->first, by),
                               json_number_value(pair->second), weight(pool->second, by)));
}

static json_t *by_requests(struct pool *pool, const struct pair *pair)
{
    return weighted(pool, pair, "requests");
}

static json_t *rate(struct pool *pool, const struct pair *pair)
{
    return pool->manner == POOL_TOGETHER ? sum(pool, pair) : weighted(pool, pair, "window_s");
}

/* Of the embedded server the port is any. */
static const char *place_in_url(const json_t *run, const char *url)
{
    const char *server = text_at(run, "server");
    const char *authority = strstr(url, "://");

    if (server == NULL || strcmp(server, "embedded") != 0 || authority == NULL)
        return url;
    return authority + 3 + strcspn(authority + 3, "/");
}

static json_t *same_url(struct pool *pool, const struct pair *pair)
{
    const char *first = json_string_value(pair->first), *second = json_string_value(pair->second);

    if (first == NULL || second == NULL)
        return refuse(pool, "%s is no string", pair->path);
    return strcmp(place_in_url(pool->first, first), place_in_url(pool->second, second)) == 0
               ? json_incref(pair->first)
               : differ(pool, pair);
}

static bool find_verdict(const json_t *value, int *ret_verdict)
{
    const char *name = json_string_value(value);

    for (int i = INSTRUMENT_OK; name != NULL && i <= INSTRUMENT_CLIENT_BOUND; i++)
        if (strcmp(instrument_verdict_name((enum instrument_verdict)i), name) == 0) {
            *ret_verdict = i;
            return true;
        }
    return false;
}

static json_t *gravest(struct pool *pool, const struct pair *pair)
{
    int first, second;

    if (!find_verdict(pair->first, &first) || !find_verdict(pair->second, &second))
        return refuse(pool, "%s is no verdict", pair->path);
    return json_incref(first < second ? pair->second : pair->first);
}

static bool has_value(const json_t *array, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_equal(json_array_get(array, i), value))
            return true;
    return false;
}

static json_t *all_of_both(struct pool *pool, const struct pair *pair)
{
    if (!json_is_array(pair->first) || !json_is_array(pair->second))
        return refuse(pool, "%s is no list", pair->path);
    json_t *both = json_copy(pair->first);
    if (json_array_extend(both, pair->second) == 0)
        return both;
    json_decref(both);
    return NULL;
}

/* Sentences with figures in them are hardly ever the same, so that there is an end. */
static json_t *sentences(struct pool *pool, const struct pair *pair)
{
    if (!json_is_array(pair->first) || !json_is_array(pair->second))
        return refuse(pool, "%s is no list", pair->path);
    json_t *both = json_copy(pair->first);
    for (size_t i = 0; i < json_array_size(pair->second); i++) {
        json_t *sentence = json_array_get(pair->second, i);
        if (json_array_size(both) < SENTENCES_MAX && !has_value(both, sentence))
            json_array_append(both, sentence);
    }
    return both;
}

/* Is text one of the parts of "a | b"? */
static bool is_part(const char *joined, const char *text)
{
    size_t length = strlen(text);

    for (const char *part = joined; part != NULL; part = strstr(part, " | ")) {
        part += part == joined ? 0 : 3;
        if (strncmp(part, text, length) == 0 &&
            (part[length] == '\0' || strncmp(part + length, " | ", 3) == 0))
            return true;
    }
    return false;
}

static json_t *joined(struct pool *pool, const struct pair *pair)
{
    const char *first = json_string_value(pair->first), *second = json_string_value(pair->second);

    (void)pool;
    if (first == NULL || second == NULL)
        return json_equal(pair->first, pair->second) ? json_incref(pair->first) : json_null();
    if (is_part(first, second) || strlen(first) + strlen(second) > JOINED_BYTES_MAX)
        return json_incref(pair->first);
    return json_sprintf("%s | %s", first, second);
}

/* An object of counts, in which what is not there is 0. */
static json_t *counts(struct pool *pool, const struct pair *pair)
{
    const char *key;
    json_t *value;

    if (!json_is_object(pair->first) || !json_is_object(pair->second))
        return refuse(pool, "%s is no object", pair->path);
    json_t *both = json_copy(pair->first);
    json_object_foreach(pair->second, key, value)
    {
        json_t *old = json_object_get(both, key);
        json_t *total =
            old == NULL ? json_incref(value) : sum(pool, &(struct pair){pair->path, old, value});
        if (total == NULL || json_object_set_new(both, key, total) != 0) {
            json_decref(both);
            return NULL;
        }
    }
    return both;
}

/* --- latencies -------------------------------------------------------------------------------- */

struct moments {
    double count;
    double min;
    double max;
    double mean;
    double stddev;
};

static bool take_moments(struct pool *pool, const char *path, const json_t *latency,
                         struct moments *ret_moments)
{
    const struct {
        const char *key;
        double *value;
    } members[] = {
        {"count", &ret_moments->count},   {"min", &ret_moments->min},
        {"max", &ret_moments->max},       {"mean", &ret_moments->mean},
        {"stddev", &ret_moments->stddev},
    };

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const json_t *value = json_object_get(latency, members[i].key);
        if (!json_is_number(value))
            return deny(pool, "%s.%s is no number", path, members[i].key);
        *members[i].value = json_number_value(value);
    }
    return true;
}

/* Variances about the means, and those of the means about theirs. */
static struct moments add_moments(const struct moments *first, const struct moments *second)
{
    double middle = mean(first->mean, first->count, second->mean, second->count);
    double first_off = first->mean - middle, second_off = second->mean - middle;
    double variance =
        mean(first->stddev * first->stddev + first_off * first_off, first->count,
             second->stddev * second->stddev + second_off * second_off, second->count);

    return (struct moments){.count = first->count + second->count,
                            .min = fmin(first->min, second->min),
                            .max = fmax(first->max, second->max),
                            .mean = middle,
                            .stddev = sqrt(fmax(variance, 0))};
}

/* Without percentiles: those of two runs say nothing on those of both. */
static json_t *write_moments(const struct moments *moments, json_t *count)
{
    json_t *object = json_object();
    bool is_good = true;

    for (size_t i = 0; i < latency_statistic_count; i++)
        json_object_set_new(object, latency_statistics[i].key, json_null());
    is_good &= json_object_set_new(object, "count", count) == 0;
    is_good &= json_object_set_new(object, "min", json_real(moments->min)) == 0;
    is_good &= json_object_set_new(object, "max", json_real(moments->max)) == 0;
    is_good &= json_object_set_new(object, "mean", json_real(moments->mean)) == 0;
    is_good &= json_object_set_new(object, "stddev", json_real(moments->stddev)) == 0;
    if (is_good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *latency(struct pool *pool, const struct pair *pair)
{
    struct moments first, second;

    if (is_none(pair->first))
        return is_none(pair->second) ? json_null() : json_copy(pair->second);
    if (is_none(pair->second))
        return json_copy(pair->first);
    if (!take_moments(pool, pair->path, pair->first, &first) ||
        !take_moments(pool, pair->path, pair->second, &second))
        return NULL;
    json_t *count = sum(pool, &(struct pair){pair->path, json_object_get(pair->first, "count"),
                                             json_object_get(pair->second, "count")});
    struct moments both = add_moments(&first, &second);
    json_t *object = count != NULL ? write_moments(&both, count) : NULL;
    return count == NULL || object != NULL ? object
                                           : refuse(pool, "%s is out of range", pair->path);
}

/* --- histograms ------------------------------------------------------------------------------- */

/* A run that has counted nothing lacks nothing. */
static bool is_lacking(const json_t *run, const struct member *series)
{
    return series->histogram == HISTOGRAM_LATER && !json_is_null(member_of(run, series)) &&
           json_object_get(json_object_get(run, "histograms"), member_key(series)) == NULL;
}

/* Decodes what a run has, and nothing where it may lack it; a run that counts latencies must have a
 * histogram of as many. */
static bool take_histogram(struct pool *pool, const json_t *run, const struct member *series,
                           struct histogram *ret_histogram)
{
    const char *payload = text_at(json_object_get(run, "histograms"), member_key(series));
    uint64_t wanted =
        (uint64_t)json_integer_value(json_object_get(member_of(run, series), "count"));
    enum hdrlog_error error = HDRLOG_OK;

    histogram_reset(ret_histogram);
    if (is_lacking(run, series))
        return true;
    if (payload != NULL)
        error = hdrlog_decode(span_of(payload), ret_histogram);
    if (error != HDRLOG_OK)
        return deny(pool, "histograms.%s: %s", member_key(series), hdrlog_error_sentence(error));
    if (histogram_count(ret_histogram) != wanted)
        return deny(pool, "histograms.%s has %" PRIu64 " values, and %s %" PRIu64,
                    member_key(series), histogram_count(ret_histogram), series->path, wanted);
    return true;
}

/* What is read back from a bucket is its highest value, which the exact extremes bound. */
static bool put_quantiles(const struct histogram *histogram, json_t *both)
{
    double min = number_at(both, "min");
    double max = number_at(both, "max");
    bool is_good = true;

    for (size_t i = 0; i < latency_statistic_count; i++) {
        const struct latency_statistic *statistic = &latency_statistics[i];
        double value = statistic->quantile > 0
                           ? (double)histogram_quantile(histogram, statistic->quantile) / 1e3
                           : 0;
        if (statistic->quantile > 0)
            is_good &= json_object_set_new(both, statistic->key,
                                           json_real(fmax(fmin(value, max), min))) == 0;
    }
    return is_good;
}

static json_t *encode(const struct histogram *histogram)
{
    char *payload = histogram_count(histogram) > 0 ? hdrlog_encode(histogram) : NULL;
    json_t *string = payload != NULL ? json_string(payload) : NULL;

    free(payload);
    return histogram_count(histogram) > 0 ? string : json_null();
}

static bool put_series(struct pool *pool, const struct member *series,
                       const struct histogram *histogram, json_t *both)
{
    json_t *latency = member_of(both, series);
    bool is_empty = histogram_count(histogram) == 0;

    if (!is_empty && !json_is_object(latency))
        return deny(pool, "%s is missing", series->path);
    return json_object_set_new(json_object_get(both, "histograms"), member_key(series),
                               encode(histogram)) == 0 &&
           (is_empty || put_quantiles(histogram, latency));
}

/* Where one run lacks the histogram, both together do. */
static bool add_series(struct pool *pool, const struct member *series, struct histogram *first,
                       struct histogram *second, json_t *both)
{
    if (!take_histogram(pool, pool->first, series, first) ||
        !take_histogram(pool, pool->second, series, second))
        return false;
    if (is_lacking(pool->first, series) || is_lacking(pool->second, series))
        return true;
    histogram_add(first, second);
    return put_series(pool, series, first, both);
}

static bool add_histograms(struct pool *pool, json_t *both)
{
    struct histogram first = {0}, second = {0};
    bool is_good = histogram_open(&first) && histogram_open(&second) &&
                   json_object_set_new(both, "histograms", json_pack("{ss}", "unit", "ns")) == 0;

    const struct member *series;
    for (size_t i = 0; is_good && (series = member_with_histogram(i)) != NULL; i++)
        is_good = add_series(pool, series, &first, &second, both);
    histogram_close(&first);
    histogram_close(&second);
    return is_good;
}

/* --- thresholds ------------------------------------------------------------------------------- */

/* What was asserted of each is looked at again, of both. */
static json_t *judge(struct pool *pool, const json_t *asserted, const json_t *both)
{
    const char *text = text_at(asserted, "text");
    char sentence[THRESHOLD_SENTENCE_BYTES] = "no string";
    struct threshold threshold;

    if (text == NULL || !threshold_parse(&threshold, text, sentence))
        return refuse(pool, "thresholds: %s", sentence);
    bool is_met = threshold_check(&threshold, both, sentence);
    return json_pack("{ss sb ss}", "text", text, "is_met", is_met, "sentence", sentence);
}

static bool judge_all(struct pool *pool, json_t *both)
{
    const json_t *first = json_object_get(pool->first, "thresholds");
    const json_t *second = json_object_get(pool->second, "thresholds");
    json_t *list = json_array();

    for (size_t i = 0; i < json_array_size(first) || i < json_array_size(second); i++) {
        const json_t *asserted = json_array_get(first, i), *other = json_array_get(second, i);
        struct pair texts = {"thresholds", json_object_get(asserted, "text"),
                             json_object_get(other, "text")};
        json_t *text = same(pool, &texts);
        json_t *judged = text != NULL ? judge(pool, asserted, both) : NULL;
        json_decref(text);
        if (judged == NULL || json_array_append_new(list, judged) != 0) {
            json_decref(list);
            return false;
        }
    }
    return json_object_set_new(both, "thresholds", list) == 0;
}

/* --- the walk --------------------------------------------------------------------------------- */

static json_t *pool_objects(struct pool *pool, const struct pair *pair);

static json_t *alike(struct pool *pool, const struct pair *pair)
{
    if (json_is_object(pair->first) && json_is_object(pair->second))
        return pool_objects(pool, pair);
    return json_equal(pair->first, pair->second) ? json_incref(pair->first) : json_null();
}

static json_t *equal(struct pool *pool, const struct pair *pair)
{
    (void)pool;
    return json_equal(pair->first, pair->second) ? json_incref(pair->first) : json_null();
}

/* What has no row is kept where it is alike. */
static json_t *pool_values(struct pool *pool, const struct pair *pair)
{
    static combine *const rules[MERGE_COUNT] = {
        [MERGE_ALIKE] = alike,
        [MERGE_EQUAL] = equal,
        [MERGE_SAME] = same,
        [MERGE_SAME_URL] = same_url,
        [MERGE_SAME_OR_SUM] = same_or_sum,
        [MERGE_SUM] = sum,
        [MERGE_TIME_SPENT] = time_spent,
        [MERGE_RATE] = rate,
        [MERGE_BY_REQUESTS] = by_requests,
        [MERGE_GREATEST] = greatest,
        [MERGE_EARLIEST] = earliest,
        [MERGE_EITHER] = either,
        [MERGE_GRAVEST] = gravest,
        [MERGE_JOINED] = joined,
        [MERGE_COUNTS] = counts,
        [MERGE_SENTENCES] = sentences,
        [MERGE_LISTS] = all_of_both,
        [MERGE_LATENCY] = latency,
    };
    const struct member *member = member_find(pair->path);

    return rules[member != NULL ? member->merge : MERGE_ALIKE](pool, pair);
}

/* A latency that runs of before its row do not have: of both together nothing is known then. */
static bool is_unknown_to_one(const struct pair *pair)
{
    const struct member *member = member_find(pair->path);

    return member != NULL && member->histogram == HISTOGRAM_LATER &&
           (pair->first == NULL || pair->second == NULL);
}

static bool pool_member(struct pool *pool, const struct pair *parents, const char *key,
                        json_t *both)
{
    char path[PATH_BYTES];
    struct pair pair = {path, json_object_get(parents->first, key),
                        json_object_get(parents->second, key)};
    int length = snprintf(path, sizeof path, "%s%s%s", parents->path,
                          *parents->path != '\0' ? "." : "", key);

    if ((size_t)length >= sizeof path)
        return deny(pool, "%s… is nested too deep", path);
    if (is_unknown_to_one(&pair))
        return true;
    json_t *value = pool_values(pool, &pair);
    if (value == NULL)
        return false;
    return json_object_set_new(both, key, value) == 0;
}

/* The members of the first, and then those that only the second has. */
static json_t *pool_objects(struct pool *pool, const struct pair *pair)
{
    json_t *both = json_object();
    bool is_good = both != NULL;
    const char *key;
    json_t *value;

    json_object_foreach(pair->first, key, value)
    {
        is_good = is_good && pool_member(pool, pair, key, both);
    }
    json_object_foreach(pair->second, key, value)
    {
        is_good =
            is_good && (json_object_get(both, key) != NULL || pool_member(pool, pair, key, both));
    }
    if (is_good)
        return both;
    json_decref(both);
    return NULL;
}

json_t *pool_runs(json_t *first, json_t *second, enum pool_manner manner, char *ret_message)
{
    struct pool pool = {first, second, manner, ret_message};

    deny(&pool, "no memory");
    json_t *both = pool_objects(&pool, &(struct pair){"", first, second});
    if (both != NULL && add_histograms(&pool, both) && bound_put(both) && judge_all(&pool, both))
        return both;
    json_decref(both);
    return NULL;
}
