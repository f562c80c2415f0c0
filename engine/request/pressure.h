#ifndef ENGINE_REQUEST_PRESSURE_H
#define ENGINE_REQUEST_PRESSURE_H

/* Who may receive while the blocks for bodies are short. It is told what happens, by connection
 * slot, and gives back the slots that are to receive, to receive once, or to be paused; it does
 * neither itself. */

#include "engine/memory/slab.h"

#include <stdbool.h>
#include <stdint.h>

/* One completion's bytes may fill up one block, and take two; of TLS, a record's beginning may have
 * come before them. */
enum { PRESSURE_RECEIVE_BLOCKS = 3 };

struct pressure_waiter {
    uint32_t previous; /* in the line, while is_waiting */
    uint32_t next;
    bool is_waiting; /* to receive */
    bool is_armed;   /* to receive once */
};

struct pressure {
    struct pressure_waiter *waiters; /* by slot; written to in a shortage only */
    bool is_short;                   /* receives are counted from here on */
    bool was_held_back; /* receives of before may still deliver, until the next wait is over */
    uint32_t first;     /* slots that wait to receive, a line */
    uint32_t last;
    uint32_t armed;        /* slots that receive once */
    uint64_t next_turn_ns; /* when those that are silent give way to those that wait */
};

/* How things stand; made only where it is asked for. */
struct pressure_view {
    uint32_t shared_left;    /* blocks */
    uint32_t shared_blocks;  /* of these, all there are, */
    uint32_t reserve_blocks; /* what only the current body may use, */
    uint32_t flight_blocks;  /* and what of it is for what comes after a pause */
    uint32_t rest;           /* what the current body may still take */
    uint32_t current;        /* its slot; NO_SLOT: it has none, or there is no current body */
    bool has_current;
    bool is_unordered;       /* any body may become the current one, */
    bool may_change;         /* and this one need not stay it */
    bool caller_has_results; /* not released */
    bool heads_wait;         /* receives are counted for their sake too: see heads.h */
};

enum pressure_act { PRESSURE_DONE, PRESSURE_RECEIVE, PRESSURE_RECEIVE_ONCE };

/* waiters: one a slot, zero-filled, the caller's. */
void pressure_init(struct pressure *pressure, struct pressure_waiter *waiters);

/* Are the blocks left, where they were not short, short now? Then each slot that awaits a reply,
 * if it is not armed, is to be paused and to wait. */
static inline bool pressure_begins(const struct pressure *pressure, uint32_t shared_left,
                                   uint32_t reserve_blocks)
{
    return shared_left < reserve_blocks && !pressure->is_short;
}
void pressure_begin(struct pressure *pressure, uint64_t now_ns);

/* While blocks are short: the slot awaits its reply, and stands in line to receive it: behind all
 * others, or, where it has just received and goes on, before them. */
void pressure_wait(struct pressure *pressure, uint32_t slot);
void pressure_wait_first(struct pressure *pressure, uint32_t slot);

static inline bool pressure_is_waiting(const struct pressure *pressure, uint32_t slot)
{
    return pressure->first != NO_SLOT && pressure->waiters[slot].is_waiting;
}

static inline bool pressure_is_armed(const struct pressure *pressure, uint32_t slot)
{
    return pressure->armed > 0 && pressure->waiters[slot].is_armed;
}

/* It was armed, and has received. */
void pressure_received(struct pressure *pressure, uint32_t slot);

/* It awaits no reply any more. */
void pressure_leave(struct pressure *pressure, uint32_t slot);

/* After blocks have become free, and before each wait: the slot whose body is to become the
 * current one; NO_SLOT: none. The view is another one then. */
uint32_t pressure_choose(const struct pressure *pressure, const struct pressure_view *view);

/* Behind that, until DONE: ret_slot is to receive, or to receive once; as many as the blocks left
 * allow. */
enum pressure_act pressure_next(struct pressure *pressure, const struct pressure_view *view,
                                uint32_t *ret_slot);

/* Before that: has the time come for who is silent to give way? Then pressure_give_way() names
 * those of the slots *cursor … slots - 1, to be paused, until NO_SLOT. The current body's, which is
 * among them only where it may change, is the current one no more. */
bool pressure_is_turn(struct pressure *pressure, uint64_t now_ns);
uint32_t pressure_give_way(struct pressure *pressure, const struct pressure_view *view,
                           uint32_t slots, uint32_t *cursor);

/* When pressure_is_turn() is to be asked; UINT64_MAX: nobody waits. */
uint64_t pressure_turn_ns(const struct pressure *pressure);

/* Would the blocks alone be no reason any more to count receives? */
bool pressure_has_plenty(const struct pressure_view *view);

/* May a receive's bytes be taken, of the current body or of another, beside all that are armed? */
bool pressure_has_room(const struct pressure *pressure, const struct pressure_view *view,
                       bool for_current);

/* May another request begin, while blocks are short, that is not the current one? */
bool pressure_may_begin(const struct pressure *pressure, const struct pressure_view *view);

/* The request whose turn it is, or, out of order, every one, waits for blocks that the caller
 * holds. */
bool pressure_waits_for_caller(const struct pressure *pressure, const struct pressure_view *view);

#endif
