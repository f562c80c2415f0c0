/* What the client threads count: opened, dropped and added together. Where every histogram of a
 * struct stats is meant they are walked as one list, so that none is forgotten. */

#include "bench/load/stats.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { HISTOGRAMS_BY_NAME = 7, HISTOGRAM_COUNT = HISTOGRAMS_BY_NAME + PHASE_COUNT };

const char *phase_name(enum phase phase)
{
    static const char *const names[] = {
#define PHASE_TEXT(name, text) [PHASE_##name] = text,
        PHASES(PHASE_TEXT)
#undef PHASE_TEXT
    };
    return names[phase];
}

static void list_histograms(struct stats *stats, struct histogram *ret_list[HISTOGRAM_COUNT])
{
    struct histogram *by_name[HISTOGRAMS_BY_NAME] = {
        &stats->good,   &stats->error_status, &stats->failed, &stats->all,
        &stats->actual, &stats->intended,     &stats->lag,
    };
    memcpy(ret_list, by_name, sizeof by_name);
    for (int i = 0; i < PHASE_COUNT; i++)
        ret_list[HISTOGRAMS_BY_NAME + i] = &stats->phases[i];
}

int stats_open(struct stats *stats)
{
    struct histogram *list[HISTOGRAM_COUNT];
    memset(stats, 0, sizeof(*stats));
    list_histograms(stats, list);
    for (int i = 0; i < HISTOGRAM_COUNT; i++)
        if (!histogram_open(list[i])) {
            stats_close(stats);
            return -ENOMEM;
        }
    return 0;
}

void stats_close(struct stats *stats)
{
    struct histogram *list[HISTOGRAM_COUNT];
    list_histograms(stats, list);
    for (int i = 0; i < HISTOGRAM_COUNT; i++)
        histogram_close(list[i]);
}

int stats_open_list(struct stats **ret_list, size_t count)
{
    *ret_list = calloc(count, sizeof **ret_list);
    for (size_t i = 0; *ret_list && i < count; i++)
        if (stats_open(&(*ret_list)[i]) < 0) {
            stats_close_list(*ret_list, i);
            *ret_list = NULL;
        }
    return *ret_list ? 0 : -ENOMEM;
}

void stats_close_list(struct stats *list, size_t count)
{
    for (size_t i = 0; list && i < count; i++)
        stats_close(&list[i]);
    free(list);
}

void stats_begin_window(struct stats *stats)
{
    struct histogram *list[HISTOGRAM_COUNT];
    uint64_t connections = stats->connections;
    uint64_t ports_exhausted = stats->ports_exhausted;
    memset(stats, 0, offsetof(struct stats, good));
    stats->connections = connections;
    stats->ports_exhausted = ports_exhausted;
    list_histograms(stats, list);
    for (int i = 0; i < HISTOGRAM_COUNT; i++)
        if (list[i] != &stats->phases[PHASE_CONNECT] && list[i] != &stats->phases[PHASE_TLS])
            histogram_reset(list[i]);
}

void stats_reset(struct stats *stats)
{
    struct histogram *list[HISTOGRAM_COUNT];
    memset(stats, 0, offsetof(struct stats, good));
    list_histograms(stats, list);
    for (int i = 0; i < HISTOGRAM_COUNT; i++)
        histogram_reset(list[i]);
}

static void add_all(uint64_t *into, const uint64_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        into[i] += from[i];
}

static void add_counters(struct stats *into, const struct stats *from)
{
    into->begun += from->begun;
    into->requests += from->requests;
    into->replies += from->replies;
    into->unsent += from->unsent;
    into->unfinished += from->unfinished;
    into->resent += from->resent;
    into->late += from->late;
    into->finished_in_window += from->finished_in_window;
    into->measured += from->measured;
    into->bytes_received += from->bytes_received;
    into->bytes_sent += from->bytes_sent;
    into->body_bytes += from->body_bytes;
    into->connections += from->connections;
    into->ports_exhausted += from->ports_exhausted;
    into->pauses += from->pauses;
    into->lingers += from->lingers;
    into->lingered_ns += from->lingered_ns;
    into->lagged_ns += from->lagged_ns;
    into->system_calls += from->system_calls;
    into->completions += from->completions;
    into->buffers_empty += from->buffers_empty;
    into->queue_overflows += from->queue_overflows;
    add_all(into->errors, from->errors, STATS_ERROR_COUNT);
    add_all(into->anomalies, from->anomalies, STATS_ANOMALY_COUNT);
    add_all(into->statuses, from->statuses, STATS_STATUS_COUNT);
    if (into->oldest_ns < from->oldest_ns)
        into->oldest_ns = from->oldest_ns;
}

void stats_add(struct stats *into, const struct stats *from)
{
    struct histogram *into_list[HISTOGRAM_COUNT];
    struct histogram *from_list[HISTOGRAM_COUNT];
    struct stats copy = *from; /* of which the counts are the same */
    add_counters(into, from);
    list_histograms(into, into_list);
    list_histograms(&copy, from_list);
    for (int i = 0; i < HISTOGRAM_COUNT; i++)
        histogram_add(into_list[i], from_list[i]);
}

void stats_sum_up(struct stats *stats, bool is_open_loop)
{
    struct histogram *replies = is_open_loop ? &stats->intended : &stats->actual;
    histogram_add(replies, &stats->good);
    histogram_add(replies, &stats->error_status);
    histogram_add(&stats->all, replies);
    histogram_add(&stats->all, &stats->failed);
}

uint64_t stats_errors(const struct stats *stats)
{
    uint64_t count = 0;
    for (int i = 0; i < STATS_ERROR_COUNT; i++)
        count += stats->errors[i];
    for (int i = 400; i < STATS_STATUS_COUNT; i++)
        count += stats->statuses[i];
    return count;
}
