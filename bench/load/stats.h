#ifndef BENCH_LOAD_STATS_H
#define BENCH_LOAD_STATS_H

/* What one client thread counts: outcomes, bytes, times. Its memory is the same after a second and
 * after a night. Mergeable: stats_add() of all threads is the run's. */

#include "bench/statistics/histogram.h"
#include "engine/haul.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a request's time went, one after the other. queue: from when it was due until it was begun
 * (open loop only). connect and tls: of each connection that was opened. first_byte: from the
 * request's sending to the reply's first byte. body: from there to its last. */
#define PHASES(X)                                                                                  \
    X(QUEUE, "queue")                                                                              \
    X(CONNECT, "connect")                                                                          \
    X(TLS, "tls")                                                                                  \
    X(FIRST_BYTE, "first_byte")                                                                    \
    X(BODY, "body")

enum phase {
#define PHASE_ENUM(name, text) PHASE_##name,
    PHASES(PHASE_ENUM)
#undef PHASE_ENUM
        PHASE_COUNT,
};

const char *phase_name(enum phase phase);

#define STATS_PLUS_ONE(name, text) +1
enum {
    STATS_ERROR_COUNT = HAUL_RESOURCE + 1,
    STATS_STATUS_COUNT = 1000,
    STATS_ANOMALY_COUNT = HAUL_ANOMALIES(STATS_PLUS_ONE),
};

struct stats {
    uint64_t begun;    /* requests: begun */
    uint64_t requests; /* finished, with a reply or a failure */
    uint64_t replies;
    uint64_t unsent;             /* due, never begun: the run ended first */
    uint64_t unfinished;         /* begun, and under way when the run ended */
    uint64_t resent;             /* times one was sent again, its connection having ended */
    uint64_t late;               /* finished after the window's end */
    uint64_t finished_in_window; /* begun before the window or in it */
    uint64_t measured;           /* requests that finished while processor time, system calls and
                                    completions were counted */
    uint64_t bytes_received;     /* from the network, TLS records as they came */
    uint64_t bytes_sent;
    uint64_t body_bytes;
    uint64_t connections;     /* opened */
    uint64_t ports_exhausted; /* times connect() said EADDRNOTAVAIL */
    uint64_t pauses;          /* after a connection that could not be opened */
    uint64_t lingers;         /* long ones: a server announced an end that did not come */
    uint64_t lingered_ns;     /* in them, by all connections together */
    uint64_t lagged_ns;       /* open loop: of the schedule, begun 1 ms late or more (lag): of each
                                 such request the lag, or the time until the next one was due */
    uint64_t system_calls;
    uint64_t completions; /* completion-queue entries, or events */
    uint64_t buffers_empty;
    uint64_t queue_overflows;
    uint64_t errors[STATS_ERROR_COUNT];      /* by enum haul_error; [HAUL_OK] stays 0 */
    uint64_t anomalies[STATS_ANOMALY_COUNT]; /* replies with each, by the number of its bit */
    uint64_t statuses[STATS_STATUS_COUNT];
    uint64_t oldest_ns; /* of the unfinished, since it was due: the greatest counts */
    /* By outcome, each request once, from when it was due: */
    struct histogram good;         /* replies with a status below 400 */
    struct histogram error_status; /* the other replies */
    struct histogram failed;       /* until the failure */
    struct histogram all;          /* their sum: stats_sum_up() */
    /* Of replies. Of the two, that which is from when a request was due is a sum as well. */
    struct histogram actual;   /* from a request's begin to its last byte */
    struct histogram intended; /* from when it was due; open loop only */
    struct histogram lag;      /* open loop: due, a connection free, and yet not begun so long */
    struct histogram phases[PHASE_COUNT];
};

/* Errors: -ENOMEM. */
int stats_open(struct stats *stats);
void stats_close(struct stats *stats);

/* So many of them, all or none. NULL may be closed. */
int stats_open_list(struct stats **ret_list, size_t count);
void stats_close_list(struct stats *list, size_t count);

/* Drops everything but what is about connections: how many were opened, how often no port was left,
 * phases connect and tls. */
void stats_begin_window(struct stats *stats);

/* As just opened. */
void stats_reset(struct stats *stats);

void stats_add(struct stats *into, const struct stats *from);

/* Once, when all is added: makes the histograms that are sums. */
void stats_sum_up(struct stats *stats, bool is_open_loop);

/* All failures, and all replies with a status of 400 or more. */
uint64_t stats_errors(const struct stats *stats);

#endif
