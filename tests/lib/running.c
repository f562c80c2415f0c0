/* What must hold of every run: sums that agree with each other, whatever the server did. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/running.h"

#include "bench/load/conductor.h"
#include "engine/loop/loop.h"

#include <stdio.h>

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

bool running_has(enum client_kind kind)
{
    struct loop *loop;
    if (kind != CLIENT_URING)
        return true;
    if (loop_uring_open(&loop, &(struct loop_options){.slots = 1}) < 0)
        return false;
    loop_close(loop);
    return true;
}

/* --- what must hold --------------------------------------------------------------------------- */

static uint64_t sum(const uint64_t *counts, size_t length)
{
    uint64_t total = 0;
    for (size_t i = 0; i < length; i++)
        total += counts[i];
    return total;
}

/* Nothing can have taken less since it was due than since it was begun. */
static bool are_clocks_apart(const struct stats *stats)
{
    static const double shares[] = {0, 0.1, 0.5, 0.9, 0.99, 1};
    for (size_t i = 0; i < COUNT(shares); i++)
        if (histogram_quantile(&stats->intended, shares[i]) <
            histogram_quantile(&stats->actual, shares[i]))
            return false;
    return histogram_mean_ns(&stats->intended) >= histogram_mean_ns(&stats->actual);
}

const char *running_violation(const struct load_result *result)
{
    static char sentence[400];
    const struct stats *stats = &result->stats;
    const struct load_options *options = result->options;
    bool is_open = load_is_open(options);
    uint64_t replies = stats->replies;
    const struct {
        const char *law;
        bool holds;
    } laws[] = {
        {"requests are replies and failures",
         stats->requests == replies + sum(stats->errors, STATS_ERROR_COUNT)},
        {"every reply has a status", sum(stats->statuses, STATS_STATUS_COUNT) == replies},
        {"what was begun has finished, or is under way",
         stats->begun == stats->requests + stats->unfinished},
        {"what is under way has its age", (stats->oldest_ns > 0) == (stats->unfinished > 0)},
        {"no more is begun than was asked for",
         options->requests == 0 || stats->begun + stats->unsent <= options->requests},
        {"every reply has its latency", histogram_count(&stats->actual) == replies},
        {"every request that finished has its outcome",
         histogram_count(&stats->good) + histogram_count(&stats->error_status) == replies &&
             histogram_count(&stats->failed) == stats->requests - replies &&
             histogram_count(&stats->all) == stats->requests},
        {"an outcome is a status' or a failure",
         histogram_count(&stats->error_status) + histogram_count(&stats->failed) ==
             stats_errors(stats)},
        {"every reply has its intended latency",
         histogram_count(&stats->intended) == (is_open ? replies : 0)},
        {"intended latencies are not below actual ones", !is_open || are_clocks_apart(stats)},
        {"every reply has waited",
         histogram_count(&stats->phases[PHASE_QUEUE]) == (is_open ? replies : 0)},
        {"every reply has a first byte",
         histogram_count(&stats->phases[PHASE_FIRST_BYTE]) == replies},
        {"every reply has a last byte", histogram_count(&stats->phases[PHASE_BODY]) == replies},
        {"every connection took its time",
         histogram_count(&stats->phases[PHASE_CONNECT]) == stats->connections},
        {"every begun request of an open loop may lag",
         histogram_count(&stats->lag) <= (is_open ? stats->begun : 0)},
        {"a closed loop has none unsent", is_open || stats->unsent == 0},
        {"late ones have finished", stats->late <= stats->requests},
        {"bodies were received", stats->bytes_received >= stats->body_bytes || replies == 0},
        {"something was sent for each reply", stats->bytes_sent >= replies},
        {"the window is not longer than all", result->elapsed_s >= result->window_s},
        {"there are threads", result->thread_count > 0 && result->threads != NULL},
        {"the loop has its name", result->loop == client_name(options->client)},
    };
    for (size_t i = 0; i < COUNT(laws); i++)
        if (!laws[i].holds) {
            char summary[RUNNING_SUMMARY_BYTES];
            running_summarize(result, summary);
            snprintf(sentence, sizeof sentence, "not so: %s (%s, begun %llu, finished %llu)",
                     laws[i].law, summary, (unsigned long long)stats->begun,
                     (unsigned long long)stats->requests);
            return sentence;
        }
    return NULL;
}

/* --- running ---------------------------------------------------------------------------------- */

void running_do(const char *name, enum client_kind kind, const struct load_options *options,
                struct load_result *ret_result)
{
    static struct load_options load;
    char message[300];
    load = *options;
    load.client = kind;
    int error = load_run(&load, NULL, ret_result, message, sizeof message);
    if (error)
        fail_msg("%s, over %s: %d, %s", name, client_name(kind), error, message);
    const char *violation = running_violation(ret_result);
    if (violation != NULL)
        fail_msg("%s, over %s: %s", name, client_name(kind), violation);
}

void running_summarize(const struct load_result *result, char *ret_summary)
{
    const struct stats *stats = &result->stats;
    FILE *out = fmemopen(ret_summary, RUNNING_SUMMARY_BYTES, "w");
    const char *comma = "";
    for (size_t i = 0; i < STATS_STATUS_COUNT; i++)
        if (stats->statuses[i] > 0) {
            fprintf(out, "%s%zu x%llu", comma, i, (unsigned long long)stats->statuses[i]);
            comma = ", ";
        }
    for (size_t i = 0; i < STATS_ERROR_COUNT; i++)
        if (stats->errors[i] > 0) {
            fprintf(out, "%s%s x%llu", comma, haul_error_name((enum haul_error)i),
                    (unsigned long long)stats->errors[i]);
            comma = ", ";
        }
    fprintf(out, "; %llu connections; %llu body bytes", (unsigned long long)stats->connections,
            (unsigned long long)stats->body_bytes);
    if (stats->resent > 0)
        fprintf(out, "; %llu resent", (unsigned long long)stats->resent);
    if (stats->unfinished > 0)
        fprintf(out, "; %llu unfinished", (unsigned long long)stats->unfinished);
    fclose(out);
}
