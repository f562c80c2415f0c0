/* Which metrics there are. A plain one is a row with its place in a run's JSON; one of latency is a
 * clock or a phase, which says where to look, and a statistic, which says what to take there. */

#include "bench/result/metric.h"
#include "bench/base/json_at.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct plain {
    const char *name;
    const char *group; /* NULL: at the top */
    const char *key;
    enum metric_unit unit;
    enum metric_sense sense;
};

static const struct plain plains[] = {
    {"rate", NULL, "rate_per_s", METRIC_PER_SECOND, METRIC_HIGHER_IS_BETTER},
    {"rate_held", NULL, "rate_held", METRIC_SHARE, METRIC_HIGHER_IS_BETTER},
    {"requests", NULL, "requests", METRIC_COUNT, METRIC_NEITHER},
    {"replies", NULL, "replies", METRIC_COUNT, METRIC_NEITHER},
    {"unsent", NULL, "unsent", METRIC_COUNT, METRIC_LOWER_IS_BETTER},
    {"errors", NULL, "error_count", METRIC_COUNT, METRIC_LOWER_IS_BETTER},
    {METRIC_ERROR_SHARE, NULL, NULL, METRIC_SHARE, METRIC_LOWER_IS_BETTER},
    {"cpu", "cpu", "us_per_request", METRIC_MICROSECONDS, METRIC_LOWER_IS_BETTER},
    {"user_cpu", "cpu", "user_us_per_request", METRIC_MICROSECONDS, METRIC_LOWER_IS_BETTER},
    {"system_cpu", "cpu", "system_us_per_request", METRIC_MICROSECONDS, METRIC_LOWER_IS_BETTER},
    {"busiest_thread", "cpu", "busiest_thread", METRIC_SHARE, METRIC_LOWER_IS_BETTER},
    {"system_calls", NULL, "system_calls_per_request", METRIC_COUNT, METRIC_LOWER_IS_BETTER},
    {"completions", NULL, "completions_per_request", METRIC_COUNT, METRIC_LOWER_IS_BETTER},
};

/* Where a latency stands. */
struct place {
    const char *name;
    const char *group;
    const char *key;
};

static const struct place places[] = {
    {"intended", "latency_us", "intended"},
    {"actual", "latency_us", "actual"},
    {"queue", "phases_us", "queue"},
    {"connect", "phases_us", "connect"},
    {"tls", "phases_us", "tls"},
    {"first_byte", "phases_us", "first_byte"},
    {"body", "phases_us", "body"},
    {"lag", "instrument", "schedule_lag_us"},
};

static const struct {
    const char *name;
    const char *key;
} statistics[] = {
    {"p50", "p50"},   {"p75", "p75"},       {"p90", "p90"},       {"p95", "p95"},
    {"p99", "p99"},   {"p99.9", "p99_9"},   {"p99.99", "p99_99"}, {"max", "max"},
    {"mean", "mean"}, {"stddev", "stddev"}, {"min", "min"},
};

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

/* A name taken apart: a plain row, or a statistic with the place before it. */
struct metric {
    const struct plain *plain;
    const struct place *place; /* NULL: the loop's own clock */
    const char *statistic;     /* its key */
};

static const struct plain *find_plain(const char *name)
{
    for (size_t i = 0; i < COUNT(plains); i++)
        if (strcmp(name, plains[i].name) == 0)
            return &plains[i];
    return NULL;
}

static const struct place *find_place(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT(places); i++)
        if (strlen(places[i].name) == length && memcmp(name, places[i].name, length) == 0)
            return &places[i];
    return NULL;
}

static const char *find_statistic(const char *name)
{
    for (size_t i = 0; i < COUNT(statistics); i++)
        if (strcmp(name, statistics[i].name) == 0)
            return statistics[i].key;
    return NULL;
}

/* "p99.9" has a point as well: what stands before the first one is a place or part of a number. */
static bool find(const char *name, struct metric *ret_metric)
{
    const char *point = strchr(name, '.');
    *ret_metric = (struct metric){.plain = find_plain(name)};
    if (ret_metric->plain != NULL)
        return true;
    if (point != NULL)
        ret_metric->place = find_place(name, (size_t)(point - name));
    ret_metric->statistic = find_statistic(ret_metric->place != NULL ? point + 1 : name);
    return ret_metric->statistic != NULL;
}

bool metric_is_known(const char *name)
{
    struct metric metric;
    return find(name, &metric);
}

enum metric_unit metric_unit(const char *name)
{
    const struct plain *plain = find_plain(name);
    return plain != NULL ? plain->unit : METRIC_MICROSECONDS;
}

enum metric_sense metric_sense(const char *name)
{
    const struct plain *plain = find_plain(name);
    return plain != NULL ? plain->sense : METRIC_LOWER_IS_BETTER;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool number(const json_t *value, double *ret_value)
{
    if (!json_is_number(value))
        return false;
    *ret_value = json_number_value(value);
    return true;
}

static const json_t *in_group(const json_t *run, const char *group)
{
    return group != NULL ? json_object_get(run, group) : run;
}

static bool error_share(const json_t *run, double *ret_value)
{
    double errors, requests;
    if (!number(json_object_get(run, "error_count"), &errors) ||
        !number(json_object_get(run, "requests"), &requests) || requests <= 0)
        return false;
    *ret_value = errors / requests;
    return true;
}

static const json_t *loop_latency(const json_t *run)
{
    const json_t *latency = json_object_get(run, "latency_us");
    const char *mode = text_at(run, "mode");
    bool is_open = mode != NULL && strcmp(mode, "open") == 0;
    return json_object_get(latency, is_open ? "intended" : "actual");
}

bool metric_value(const json_t *run, const char *name, double *ret_value)
{
    struct metric metric;
    if (!find(name, &metric))
        return false;
    if (metric.plain != NULL && metric.plain->key == NULL)
        return error_share(run, ret_value);
    if (metric.plain != NULL)
        return number(json_object_get(in_group(run, metric.plain->group), metric.plain->key),
                      ret_value);
    const json_t *latency =
        metric.place != NULL
            ? json_object_get(in_group(run, metric.place->group), metric.place->key)
            : loop_latency(run);
    return number(json_object_get(latency, metric.statistic), ret_value);
}

/* --- for people ------------------------------------------------------------------------------- */

/* Digits behind the point that make four in all, where it is not far below 1. */
static int decimals(double value)
{
    static const double limits[] = {999.95, 99.995, 9.9995, 0.01};
    int count = 0;
    for (size_t i = 0; i < COUNT(limits); i++)
        count += fabs(value) < limits[i];
    return count < (int)COUNT(limits) ? count : 5;
}

static void write_duration(char *buffer, double us)
{
    static const char *const units[] = {"us", "ms", "s"};
    size_t unit = 0;
    for (; unit < COUNT(units) - 1 && fabs(us) >= 999.95; unit++)
        us /= 1000;
    snprintf(buffer, METRIC_TEXT_BYTES, "%.*f %s", us == 0 ? 0 : decimals(us), us, units[unit]);
}

/* Thousands apart; a point and digits behind it only where the number is small and has some. */
static void write_number(char *buffer, double value, const char *unit)
{
    char digits[METRIC_TEXT_BYTES];
    if (!(fabs(value) < 1e15)) {
        snprintf(buffer, METRIC_TEXT_BYTES, "%.6g%s", value, unit);
        return;
    }
    int behind = value == floor(value) ? 0 : decimals(value);
    int length = snprintf(digits, sizeof(digits), "%.*f", behind, fabs(value));
    int whole = behind > 0 ? length - behind - 1 : length;
    char *at = buffer;
    if (value < 0)
        *at++ = '-';
    for (int i = 0; i < length; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    snprintf(at, (size_t)(buffer + METRIC_TEXT_BYTES - at), "%s", unit);
}

static void write_percent(char *buffer, double percent)
{
    if (fabs(percent) < 999.95)
        snprintf(buffer, METRIC_TEXT_BYTES, "%.4g %%", percent);
    else
        write_number(buffer, round(percent), " %");
}

char *metric_text(char *buffer, enum metric_unit unit, double value)
{
    switch (unit) {
    case METRIC_MICROSECONDS:
        write_duration(buffer, value);
        break;
    case METRIC_PER_SECOND:
        write_number(buffer, value, "/s");
        break;
    case METRIC_SHARE:
        write_percent(buffer, value * 100);
        break;
    case METRIC_COUNT:
        write_number(buffer, value, "");
        break;
    }
    return buffer;
}

const char *metric_names(void)
{
    return "rate, rate_held, requests, replies, unsent, errors, error_share, cpu, user_cpu, "
           "system_cpu, busiest_thread, system_calls, completions; p50, p75, p90, p95, p99, p99.9, "
           "p99.99, max, mean, stddev, min, also as intended.p99, actual.p99, queue.p99, "
           "connect.p99, tls.p99, first_byte.p99, body.p99, lag.p99";
}
