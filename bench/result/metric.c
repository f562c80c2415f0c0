/* Which metrics there are. A plain one is a row of bench/result/members.c; one of latency is a row
 * too, which says where to look, and a statistic, which says what to take there. */

#include "bench/result/metric.h"
#include "bench/base/json_at.h"
#include "bench/result/bound.h"
#include "bench/result/members.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

/* A name taken apart: a figure of a run, a quotient of two, or a statistic of a latency. */
struct metric {
    const struct member *member;
    const struct member_quotient *quotient;
    const struct member *latency; /* NULL, with a statistic: the loop's own clock */
    const char *statistic;        /* its key */
};

static const struct member *find_member(const char *name, size_t length, bool is_latency)
{
    for (size_t i = 0; i < run_member_count; i++) {
        const char *metric = run_members[i].metric;
        if (metric != NULL && (run_members[i].type == MEMBER_LATENCY) == is_latency &&
            strlen(metric) == length && memcmp(name, metric, length) == 0)
            return &run_members[i];
    }
    return NULL;
}

static const struct member_quotient *find_quotient(const char *name)
{
    for (size_t i = 0; i < member_quotient_count; i++)
        if (strcmp(name, member_quotients[i].metric) == 0)
            return &member_quotients[i];
    return NULL;
}

static const char *find_statistic(const char *name)
{
    for (size_t i = 0; i < latency_statistic_count; i++)
        if (latency_statistics[i].name != NULL && strcmp(name, latency_statistics[i].name) == 0)
            return latency_statistics[i].key;
    return NULL;
}

/* "p99.9" has a point as well: what stands before the first one is a latency or part of a
 * number. */
static bool find(const char *name, struct metric *ret_metric)
{
    const char *point = strchr(name, '.');
    *ret_metric = (struct metric){.member = find_member(name, strlen(name), false),
                                  .quotient = find_quotient(name)};
    if (ret_metric->member != NULL || ret_metric->quotient != NULL)
        return true;
    if (point != NULL)
        ret_metric->latency = find_member(name, (size_t)(point - name), true);
    ret_metric->statistic = find_statistic(ret_metric->latency != NULL ? point + 1 : name);
    return ret_metric->statistic != NULL;
}

bool metric_is_known(const char *name)
{
    struct metric metric;
    return find(name, &metric);
}

enum metric_unit metric_unit(const char *name)
{
    struct metric metric;
    find(name, &metric);
    if (metric.quotient != NULL)
        return metric.quotient->unit;
    return metric.member != NULL ? metric.member->unit : METRIC_MICROSECONDS;
}

enum metric_sense metric_sense(const char *name)
{
    struct metric metric;
    find(name, &metric);
    if (metric.quotient != NULL)
        return metric.quotient->sense;
    return metric.member != NULL ? metric.member->sense : METRIC_LOWER_IS_BETTER;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool number(const json_t *value, double *ret_value)
{
    if (!json_is_number(value))
        return false;
    *ret_value = json_number_value(value);
    return true;
}

static bool quotient(const json_t *run, const struct member_quotient *quotient, double *ret_value)
{
    double part, whole;
    if (!number(member_of(run, member_find(quotient->part)), &part) ||
        !number(member_of(run, member_find(quotient->whole)), &whole) || whole <= 0)
        return false;
    *ret_value = part / whole;
    return true;
}

/* Of all that finished; of runs of before that was counted, and only of those, of replies: a merged
 * run of both kinds has `unfinished`, null, and no `all`. */
static const json_t *loop_latency(const json_t *run)
{
    const json_t *latency = json_object_get(run, "latency_us");
    const json_t *all = json_object_get(latency, "all");
    const char *mode = text_at(run, "mode");
    bool is_open = mode != NULL && strcmp(mode, "open") == 0;
    bool is_old = json_object_get(run, "unfinished") == NULL;
    return all != NULL || !is_old ? all : json_object_get(latency, is_open ? "intended" : "actual");
}

bool metric_value(const json_t *run, const char *name, double *ret_value)
{
    struct metric metric;
    if (!find(name, &metric))
        return false;
    if (metric.quotient != NULL)
        return quotient(run, metric.quotient, ret_value);
    if (metric.member != NULL)
        return number(member_of(run, metric.member), ret_value);
    const json_t *latency =
        metric.latency != NULL ? member_of(run, metric.latency) : loop_latency(run);
    return number(json_object_get(latency, metric.statistic), ret_value);
}

bool metric_is_bound(const json_t *run, const char *name)
{
    struct metric metric;
    if (!find(name, &metric) || metric.statistic == NULL)
        return false;
    return bound_is_of(metric.latency != NULL ? member_of(run, metric.latency) : loop_latency(run),
                       metric.statistic);
}

/* --- names ------------------------------------------------------------------------------------ */

/* Adds a name to the list; what does not fit is left out. */
static void put_name(char *buffer, const char *between, const char *name, const char *statistic)
{
    size_t length = strlen(buffer);
    snprintf(buffer + length, METRIC_NAMES_BYTES - length, "%s%s%s", between, name, statistic);
}

static void put_figure(char *buffer, const struct member *member)
{
    put_name(buffer, *buffer != '\0' ? ", " : "", member->metric, "");
    for (size_t i = 0; i < member_quotient_count; i++)
        if (strcmp(member_quotients[i].part, member->path) == 0)
            put_name(buffer, ", ", member_quotients[i].metric, "");
}

/* What there should be more of comes first, what there should be less of last. */
static void put_figures(char *buffer)
{
    static const enum metric_sense order[] = {METRIC_HIGHER_IS_BETTER, METRIC_NEITHER,
                                              METRIC_LOWER_IS_BETTER};
    for (size_t k = 0; k < COUNT(order); k++)
        for (size_t i = 0; i < run_member_count; i++) {
            const struct member *member = &run_members[i];
            if (member->metric != NULL && member->type != MEMBER_LATENCY &&
                member->sense == order[k])
                put_figure(buffer, member);
        }
}

char *metric_names(char *buffer)
{
    const char *between = "; ";
    buffer[0] = '\0';
    put_figures(buffer);
    for (size_t i = 0; i < latency_statistic_count; i++) {
        const struct latency_statistic *statistic = latency_statistic_shown(i);
        if (statistic->name != NULL)
            put_name(buffer, between, statistic->name, "");
        between = ", ";
    }
    between = ", also as ";
    for (size_t i = 0; i < run_member_count; i++)
        if (run_members[i].metric != NULL && run_members[i].type == MEMBER_LATENCY) {
            put_name(buffer, between, run_members[i].metric, ".p99");
            between = ", ";
        }
    return buffer;
}
