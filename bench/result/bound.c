/* Owns which percentiles are lower bounds. The idea: failures count as longer than any reply, so
 * that a percentile is known as long as its rank is not above the number of replies. */

#include "bench/result/bound.h"

#include "bench/base/json_at.h"
#include "bench/result/members.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Which share of the values lies at or below it; 0: it is no percentile. */
static double share_of(const struct latency_statistic *statistic)
{
    return strcmp(statistic->key, "max") == 0 ? 1 : statistic->quantile;
}

static double max_of(const json_t *clocks, const char *key)
{
    return number_at(json_object_get(clocks, key), "max");
}

/* No less than any reply took: the percentiles below it are of replies. */
static double bound_us(const json_t *run, const json_t *clocks)
{
    double timeout_us = number_at(json_object_get(run, "plan"), "timeout_s") * 1e6;
    double longest_us = fmax(max_of(clocks, "good"), max_of(clocks, "error_status"));
    bool has_timed_out = number_at(json_object_get(run, "errors"), "deadline") > 0;
    return fmax(longest_us, has_timed_out ? timeout_us : max_of(clocks, "failed"));
}

bool bound_put(json_t *run)
{
    json_t *clocks = json_object_get(run, "latency_us");
    json_t *all = json_object_get(clocks, "all");
    if (!json_is_object(all))
        return true;
    double count = number_at(all, "count");
    double replies = count - number_at(json_object_get(clocks, "failed"), "count");
    bool is_good = true;
    const char *first = NULL;
    for (size_t i = 0; i < latency_statistic_count; i++) {
        const char *key = latency_statistics[i].key;
        double share = share_of(&latency_statistics[i]);
        if (share == 0 || fmax(ceil(share * count * (1 - DBL_EPSILON)), 1) <= replies)
            continue;
        first = first != NULL ? first : key;
        is_good &= json_object_set_new(all, key, json_real(bound_us(run, clocks))) == 0;
    }
    return is_good &&
           json_object_set_new(all, BOUND_KEY, first ? json_string(first) : json_null()) == 0;
}

bool bound_is_of(const json_t *latency, const char *statistic)
{
    const char *first = text_at(latency, BOUND_KEY);
    bool is_bound = false;
    for (size_t i = 0; first != NULL && i < latency_statistic_count; i++) {
        is_bound |= strcmp(latency_statistics[i].key, first) == 0;
        if (strcmp(latency_statistics[i].key, statistic) == 0)
            return is_bound && share_of(&latency_statistics[i]) > 0;
    }
    return false;
}
