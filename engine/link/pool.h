#ifndef ENGINE_LINK_POOL_H
#define ENGINE_LINK_POOL_H

/* The connection slots: how many are open, who works on each, and the idle links by origin and by
 * age. What is done on a slot (dialing, an exchange) is others', and so is closing its link. */

#include "engine/link/origin.h"
#include "engine/memory/slab.h"

#include <stdbool.h>
#include <stdint.h>

#define NO_HOLDER UINT32_MAX

/* A server that closes behind each reply does so within this time, unless it is very busy; one that
 * has closed an idle one within the second time, or one under a request, is distrusted for the
 * third. */
#define POOL_REST_NS UINT64_C(50000000)
#define POOL_EARLY_NS UINT64_C(1000000000)
#define POOL_DISTRUST_NS UINT64_C(60000000000)

enum pool_state {
    POOL_FREE,
    POOL_DIALING,
    POOL_BUSY,
    POOL_IDLE,
    POOL_CLOSING,
};

struct pool_slot {
    enum pool_state state;
    uint32_t holder; /* for whom it is dialed or busy: the caller's own number; NO_HOLDER */
    uint32_t origin; /* NO_ORIGIN: closing */
    uint32_t next;   /* of its origin's idle ones */
    uint32_t previous;
    uint32_t newer; /* of all idle ones */
    uint32_t older;
    uint64_t idle_ns; /* since when it is idle, or was before it became busy */
    bool is_vain;     /* for want of a port or of memory: nothing is gained by its end */
    bool is_beside; /* a second attempt, beyond the bound: it counts with those that are closing */
};

struct pool {
    struct pool_slot *slots;
    struct slab slab;
    struct origins *origins;
    uint32_t most;   /* open at once */
    uint32_t open;   /* with a descriptor, or about to have one */
    uint32_t idle;   /* of these */
    uint32_t beside; /* second attempts, which do not count as open until they are alone */
    uint32_t beside_most;
    uint32_t idle_oldest; /* NO_SLOT: none is idle */
    uint32_t idle_newest;
    uint64_t retry_ns; /* in a shortage of descriptors or ports: when to look again; 0: none is */
};

/* slots: one for each of the slab, zero-filled, the caller's; those that are more than most are for
 * what is being closed, and for second attempts. */
void pool_init(struct pool *pool, struct pool_slot *slots, struct slab slab,
               struct origins *origins, uint32_t most);

/* The link that became idle last of those to the origin; NO_SLOT: none. */
static inline uint32_t pool_idle(const struct pool *pool, uint32_t origin)
{
    return pool->origins->list[origin].idle;
}

enum pool_trust {
    POOL_TRUSTED,
    POOL_UNKNOWN, /* until ret_ns, unless it closes one before */
    POOL_DISTRUSTED,
};

/* Does the origin, which has an idle link, keep its connections, so that a request that must not be
 * sent twice may go out on it? */
enum pool_trust pool_trust(struct pool *pool, uint32_t origin, uint64_t now_ns, uint64_t *ret_ns);

/* The server has ended a link unannounced, which is idle, or busy with a request that has no answer
 * and is not its first. */
void pool_is_cut(struct pool *pool, uint32_t slot, uint64_t now_ns);

/* Takes the link that became idle last of those to the origin: busy for holder. NO_SLOT: none. */
uint32_t pool_take_idle(struct pool *pool, uint32_t origin, uint32_t holder);

/* Descriptors, ports or memory are short: until a link has been closed, or the time has come, no
 * other is opened. */
static inline void pool_be_short(struct pool *pool, uint64_t retry_ns)
{
    pool->retry_ns = retry_ns;
}

/* The one that was to be opened is of no use: its end does not end the shortage. */
static inline void pool_is_vain(struct pool *pool, uint32_t slot)
{
    pool->slots[slot].is_vain = true;
}

/* May a link be opened beside those that are? */
static inline bool pool_may_open(const struct pool *pool, uint64_t now_ns)
{
    return now_ns >= pool->retry_ns;
}

/* Has it links, open or closing, besides those of count slots? */
static inline bool pool_has_more(const struct pool *pool, uint32_t count)
{
    return pool->slab.taken > count;
}

/* The oldest idle link, where one must be closed to make room for another; NO_SLOT. */
uint32_t pool_surplus(const struct pool *pool, uint64_t now_ns);

/* A slot to dial for holder, to the URL's origin; NO_SLOT: the bound is reached, of slots or of
 * origins. */
uint32_t pool_take(struct pool *pool, const struct url *url, uint32_t holder);

/* Has it room for a second attempt beside one that is dialed? */
static inline bool pool_may_race(const struct pool *pool, uint64_t now_ns)
{
    return pool->beside < pool->beside_most && pool->slab.taken < pool->slab.count &&
           pool_may_open(pool, now_ns);
}

/* A slot for a second attempt beside the one that is dialed on slot, for the same holder; NO_SLOT:
 * there is no room for it. pool_count(): it is alone, and counts as open from now on. */
uint32_t pool_take_beside(struct pool *pool, uint32_t slot);
void pool_count(struct pool *pool, uint32_t slot);

/* It has been dialed. */
void pool_begin(struct pool *pool, uint32_t slot);

/* A busy one is at rest. */
void pool_put_idle(struct pool *pool, uint32_t slot, uint64_t now_ns);

/* It is being closed, and counts as open no more; pool_remove(): it is free. Of two attempts the
 * one that is left is to be counted then. */
void pool_close(struct pool *pool, uint32_t slot);
void pool_remove(struct pool *pool, uint32_t slot);

static inline enum pool_state pool_state(const struct pool *pool, uint32_t slot)
{
    return pool->slots[slot].state;
}

static inline uint32_t pool_holder(const struct pool *pool, uint32_t slot)
{
    return pool->slots[slot].holder;
}

static inline bool pool_has_idle(const struct pool *pool)
{
    return pool->idle_newest != NO_SLOT;
}

#endif
