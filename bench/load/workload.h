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

enum {
    REQUEST_IS_HEAD = 1,      /* its reply has no body */
    REQUEST_IS_IDEMPOTENT = 2 /* asking twice does no more than asking once (RFC 9110, 9.2.2) */
};

/* Requests that are gone round, one behind the other in memory. The first of them stand once more
 * behind the last, so that a burst of as many as a connection may have under way is one piece,
 * wherever it begins. */
struct round {
    char *bytes;
    size_t *at;       /* where each begins, and the last ends */
    uint8_t *kinds;   /* of each, REQUEST_IS_... */
    uint32_t count;   /* of those that differ; */
    uint32_t entries; /* and of all */
    size_t length;
    size_t room;
};

/* An origin of the targets. Connection i goes to place i modulo their number. */
struct place {
    char *host; /* zero-terminated, without brackets */
    uint16_t port;
    bool is_https;
    struct sockaddr_storage address; /* the one that accepted a connection when the run began */
    socklen_t address_length;
    struct round *rounds; /* one, each connection goes round it; of a template one for each loop,
                             whose connections go round it together */
    uint32_t round_count;
    uint32_t request_count; /* of all rounds, in the order given */
    size_t longest;         /* of them, in bytes */
};

struct workload {
    const struct load_options *options;
    struct place *places;
    uint32_t place_count;
    uint32_t depth;    /* requests under way on a connection at once */
    bool is_head;      /* replies have no bodies; */
    bool is_mixed;     /* some do and some do not */
    bool is_https;     /* some place is */
    uint64_t prepared; /* requests of a template; a run that asks more goes round them; else 0 */
};

/* That of a loop. */
static inline const struct round *place_round(const struct place *place, uint32_t loop)
{
    return &place->rounds[place->round_count > 1 ? loop : 0];
}

/* So many requests, from that one on. */
static inline struct span round_burst(const struct round *round, uint32_t first, uint32_t count)
{
    return (struct span){round->bytes + round->at[first],
                         round->at[first + count] - round->at[first]};
}

static inline uint32_t round_next(const struct round *round, uint32_t request)
{
    return request + 1 < round->count ? request + 1 : 0;
}

/* Parses the URLs, resolves the hosts, finds an address of each that accepts a connection, writes
 * the requests. options is borrowed. Errors: -EINVAL (a URL, method or header; a body too large for
 * pipelining), what template_put() says of a file, -EHOSTUNREACH (a host has no address),
 * -ECONNREFUSED and what else connect() said, -ENOMEM; message (size bytes) names the place and the
 * cause. */
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
