#ifndef BENCH_LOAD_WORKLOAD_H
#define BENCH_LOAD_WORKLOAD_H

/* What is to be asked, made once and read by every client thread: the places that connections go
 * to, the bytes of each request, and the schedule of an open loop. */

#include "bench/load/load.h"
#include "proto/span.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* A request, so often over as a connection may have requests under way: a burst of k is the first
 * k × length bytes. */
struct target {
    char *bytes;
    size_t length;
};

/* An origin of the targets. Connection i goes to place i modulo their number. */
struct place {
    char *host; /* zero-terminated, without brackets */
    uint16_t port;
    bool is_https;
    struct sockaddr_storage address; /* the one that accepted a connection when the run began */
    socklen_t address_length;
    struct target *targets; /* in the order given; each connection goes round them */
    uint32_t target_count;
};

struct workload {
    const struct load_options *options;
    struct place *places;
    uint32_t place_count;
    uint32_t depth;     /* requests under way on a connection at once */
    bool is_head;       /* replies have no bodies */
    bool is_https;      /* some place is */
    bool is_idempotent; /* asking twice does no more than asking once (RFC 9110, 9.2.2) */
};

/* Parses the URLs, resolves the hosts, finds an address of each that accepts a connection, writes
 * the requests. options is borrowed. Errors: -EINVAL (a URL, method or header; a body too large for
 * pipelining), -EHOSTUNREACH (a host has no address), -ECONNREFUSED and what else connect() said,
 * -ENOMEM; message (size bytes) names the place and the cause. */
int workload_open(struct workload *workload, const struct load_options *options, char *ret_message,
                  size_t size);
void workload_close(struct workload *workload);

/* When request index (0, 1, …) of an open loop is due, in nanoseconds since the schedule's begin.
 * The rate goes from rate_from to rate_to in duration_ns, or from stage to stage, and stays
 * there. */
uint64_t workload_due_ns(const struct load_options *options, uint64_t index);

/* How many requests are due in the first time_ns of the schedule. */
uint64_t workload_due_count(const struct load_options *options, uint64_t time_ns);

/* The stage in which request index is due, or which the time, counted from the window's begin, is
 * in; behind the last it is that. The options have stages. */
size_t workload_stage_of(const struct load_options *options, uint64_t index);
size_t workload_stage_at(const struct load_options *options, uint64_t time_ns);

/* How many requests are due before the stage; of all, where stage is their count. */
uint64_t workload_due_before(const struct load_options *options, size_t stage);

#endif
