#ifndef TESTS_LIB_FAULT_H
#define TESTS_LIB_FAULT_H

/* A loop around a loop that makes bad luck likely. It keeps the contract of engine/loop/loop.h: a
 * connect is answered once, nothing is received after a failure, LOOP_CLOSED is the last of a slot,
 * and the order within a slot stays as it is. What happens depends on nothing but the seed and on
 * the order in which the inner loop's completions come. */

#include "engine/loop/loop.h"

#include <stdint.h>

/* How often, in thousandths. */
struct fault_rates {
    uint32_t receive_cut;    /* of receives: lent in several pieces, some of them one byte long */
    uint32_t cut_bytes;      /* no rate: how long the pieces are instead; 0: as chance has it */
    uint32_t receive_failed; /* of receives: -ECONNRESET, after some of the bytes or none */
    uint32_t receive_ended;  /* of receives: a FIN, after some of the bytes or none */
    uint32_t connect_failed; /* of connects: -ECONNREFUSED, -ETIMEDOUT or -ENETUNREACH */
    uint32_t connect_silent; /* of connects: never answered */
    uint32_t connect_short;  /* of connects: -EADDRNOTAVAIL, -ENOBUFS or -ENOMEM */
    uint32_t silent_ipv4;    /* no rate: connects to this network of 256 addresses, in network
                                order, are never answered; 0: there is none */
    uint32_t send_failed;    /* of sends: -EPIPE or -ECONNRESET, and receiving ends too */
    uint32_t reordered;      /* of completions: overtaken by one of another slot */
    uint32_t delayed;        /* of completions: not before the next wait */
    uint32_t spurious_tick;  /* of waits: followed by a LOOP_TICK for nothing */
    uint32_t spurious_wake;  /* of waits: followed by a LOOP_WAKE for nothing */
    uint32_t interrupted;    /* of waits: -EINTR */
};

/* How often it was so. */
struct fault_counts {
    uint64_t receive_cut;
    uint64_t receive_failed;
    uint64_t receive_ended;
    uint64_t connect_failed;
    uint64_t connect_silent; /* to that network, too */
    uint64_t connect_short;
    uint64_t send_failed;
    uint64_t reordered;
    uint64_t delayed;
    uint64_t spurious_tick;
    uint64_t spurious_wake;
    uint64_t interrupted;
    uint64_t silent_sends; /* no fault: sends of which nothing is told unless they fail */
};

/* inner is the new loop's from now on, and closed with it. NULL: out of memory; inner is closed
 * then too. While completions are delayed poll_fd does not tell of them: drive it with loop_wait().
 * interface->name, and reason, are the inner loop's. */
struct loop *fault_open(struct loop *inner, const struct fault_rates *rates, uint64_t seed);

const struct fault_counts *fault_counts(const struct loop *loop);

#endif
