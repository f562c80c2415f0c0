#ifndef ENGINE_REQUEST_COLLECTOR_H
#define ENGINE_REQUEST_COLLECTOR_H

/* Gathers results in any order and releases them in the order of their requests, or, where that
 * was asked for, as they come. */

#include "engine/memory/store.h"
#include "engine/request/fetch.h"

#include <stdbool.h>
#include <stdint.h>

struct collector {
    struct fetch *fetches; /* by slot */
    bool hands_out_parts;
    uint32_t *ring; /* ordered: the fetch of an index, at index % window */
    uint32_t window;
    uint64_t next_index; /* of the next request */
    uint64_t head_index; /* ordered: of the next result */
    bool is_unordered;
    uint32_t done_first; /* unordered: the finished, a list */
    uint32_t done_last;
    uint32_t current;    /* unordered: the body that may be handed out in parts */
    uint32_t lent_part;  /* the fetch whose part is handed out and not released, */
    struct chain lent;   /* and that part */
    uint64_t unfinished; /* submitted, their last result not yet handed out */
    uint64_t held;       /* whose last result is with the caller */
};

/* ring: room for window, the caller's; fetches must outlive the collector. */
void collector_init(struct collector *collector, uint32_t *ring, uint32_t window,
                    struct fetch *fetches);

/* A request was taken; returns its index. */
uint64_t collector_add(struct collector *collector, uint32_t fetch);

/* The fetch that an index had when it was added; the index may have left since, and the fetch may
 * be another's. NO_FETCH: not known. */
uint32_t collector_place(const struct collector *collector, uint64_t index);

/* It is finished. */
void collector_done(struct collector *collector, uint32_t fetch);

/* The next result that may be handed out, as a fetch in state FETCH_LENT, or, where it is
 * lent_part, a part of one that is still active. NO_FETCH: none now. Another may be the current
 * one then. */
uint32_t collector_next(struct collector *collector);

/* The request whose turn it is; NO_FETCH: none has it. */
uint32_t collector_current(const struct collector *collector);

/* Is this the request whose turn it is: the only one that is received while blocks are short, so
 * that the others' waiting ends? */
bool collector_is_current(struct collector *collector, uint32_t fetch);

#endif
