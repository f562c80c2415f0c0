/* Owns the slots, and which of them are idle. An idle link is in two lists: that of its origin,
 * from which the last is taken first, since a server closes the others sooner; and that of all, by
 * age, from whose old end room is made. */

#include "engine/link/pool.h"

#include <assert.h>

void pool_init(struct pool *pool, struct pool_slot *slots, struct slab slab,
               struct origins *origins, uint32_t most)
{
    *pool = (struct pool){
        .slots = slots,
        .slab = slab,
        .origins = origins,
        .most = most,
        .beside_most = slab.count - most,
        .idle_oldest = NO_SLOT,
        .idle_newest = NO_SLOT,
    };
}

/* --- idle links ------------------------------------------------------------------------------- */

static void idle_insert(struct pool *pool, uint32_t index)
{
    struct pool_slot *slots = pool->slots;
    struct pool_slot *slot = &slots[index];
    uint32_t *list = &pool->origins->list[slot->origin].idle;
    uint32_t *to =
        pool->idle_newest == NO_SLOT ? &pool->idle_oldest : &slots[pool->idle_newest].newer;
    assert(*to == NO_SLOT);
    slot->previous = NO_SLOT;
    slot->next = *list;
    if (*list != NO_SLOT)
        slots[*list].previous = index;
    *list = index;
    slot->newer = NO_SLOT;
    slot->older = pool->idle_newest;
    *to = index;
    pool->idle_newest = index;
    pool->idle++;
}

static void idle_remove(struct pool *pool, uint32_t index)
{
    struct pool_slot *slots = pool->slots;
    struct pool_slot *slot = &slots[index];
    uint32_t *list = &pool->origins->list[slot->origin].idle;
    uint32_t *to = slot->previous == NO_SLOT ? list : &slots[slot->previous].next;
    uint32_t *newer = slot->older == NO_SLOT ? &pool->idle_oldest : &slots[slot->older].newer;
    uint32_t *older = slot->newer == NO_SLOT ? &pool->idle_newest : &slots[slot->newer].older;
    assert(*to == index && *newer == index && *older == index);
    *to = slot->next;
    if (slot->next != NO_SLOT) {
        assert(slots[slot->next].previous == index);
        slots[slot->next].previous = slot->previous;
    }
    *newer = slot->newer;
    *older = slot->older;
    pool->idle--;
}

uint32_t pool_take_idle(struct pool *pool, uint32_t origin, uint32_t holder)
{
    uint32_t index = pool->origins->list[origin].idle;
    if (index == NO_SLOT)
        return NO_SLOT;
    assert(pool->slots[index].state == POOL_IDLE && pool->slots[index].origin == origin);
    idle_remove(pool, index);
    pool->slots[index].state = POOL_BUSY;
    pool->slots[index].holder = holder;
    return index;
}

void pool_put_idle(struct pool *pool, uint32_t index, uint64_t now_ns)
{
    struct pool_slot *slot = &pool->slots[index];
    assert(slot->state == POOL_BUSY);
    slot->state = POOL_IDLE;
    slot->holder = NO_HOLDER;
    slot->idle_ns = now_ns;
    idle_insert(pool, index);
}

enum pool_trust pool_trust(struct pool *pool, uint32_t index, uint64_t now_ns, uint64_t *ret_ns)
{
    struct origin *origin = &pool->origins->list[index];
    if (now_ns < origin->distrust_ns)
        return POOL_DISTRUSTED;
    if (origin->has_kept)
        return POOL_TRUSTED;
    uint64_t since_ns = now_ns;
    for (uint32_t i = origin->idle; i != NO_SLOT; i = pool->slots[i].next)
        since_ns = pool->slots[i].idle_ns < since_ns ? pool->slots[i].idle_ns : since_ns;
    *ret_ns = since_ns + POOL_REST_NS;
    origin->has_kept = *ret_ns <= now_ns;
    return origin->has_kept ? POOL_TRUSTED : POOL_UNKNOWN;
}

/* One that is closed after it was idle for long says nothing of the others. */
void pool_is_cut(struct pool *pool, uint32_t index, uint64_t now_ns)
{
    const struct pool_slot *slot = &pool->slots[index];
    struct origin *origin = &pool->origins->list[slot->origin];
    if (slot->state == POOL_IDLE && now_ns - slot->idle_ns > POOL_EARLY_NS)
        return;
    origin->distrust_ns = now_ns + POOL_DISTRUST_NS;
    origin->has_kept = false;
}

/* --- slots ------------------------------------------------------------------------------------ */

uint32_t pool_surplus(const struct pool *pool, uint64_t now_ns)
{
    bool is_full = pool->open >= pool->most;
    return is_full || !pool_may_open(pool, now_ns) ? pool->idle_oldest : NO_SLOT;
}

uint32_t pool_take(struct pool *pool, const struct url *url, uint32_t holder)
{
    if (pool->open >= pool->most)
        return NO_SLOT;
    uint32_t index = slab_take(&pool->slab);
    if (index == SLAB_NONE)
        return NO_SLOT;
    uint32_t origin = origin_acquire(pool->origins, url);
    if (origin == NO_ORIGIN) {
        slab_give(&pool->slab, index);
        return NO_SLOT;
    }
    assert(pool->slots[index].state == POOL_FREE && holder != NO_HOLDER);
    pool->slots[index].state = POOL_DIALING;
    pool->slots[index].holder = holder;
    pool->slots[index].origin = origin;
    pool->open++;
    return index;
}

uint32_t pool_take_beside(struct pool *pool, uint32_t slot)
{
    const struct pool_slot *first = &pool->slots[slot];
    assert(first->state == POOL_DIALING);
    if (pool->beside >= pool->beside_most)
        return NO_SLOT;
    uint32_t index = slab_take(&pool->slab);
    if (index == SLAB_NONE)
        return NO_SLOT;
    assert(pool->slots[index].state == POOL_FREE);
    origin_share(pool->origins, first->origin);
    pool->slots[index].state = POOL_DIALING;
    pool->slots[index].holder = first->holder;
    pool->slots[index].origin = first->origin;
    pool->slots[index].is_beside = true;
    pool->beside++;
    return index;
}

/* One of the open ones, or of those beside them. */
static void uncount(struct pool *pool, struct pool_slot *slot)
{
    uint32_t *count = slot->is_beside ? &pool->beside : &pool->open;
    assert(*count > 0);
    --*count;
    slot->is_beside = false;
}

void pool_count(struct pool *pool, uint32_t index)
{
    struct pool_slot *slot = &pool->slots[index];
    assert(slot->state == POOL_DIALING);
    uncount(pool, slot);
    pool->open++;
}

void pool_begin(struct pool *pool, uint32_t index)
{
    assert(pool->slots[index].state == POOL_DIALING && pool->slots[index].holder != NO_HOLDER);
    assert(!pool->slots[index].is_beside);
    pool->slots[index].state = POOL_BUSY;
}

void pool_close(struct pool *pool, uint32_t index)
{
    struct pool_slot *slot = &pool->slots[index];
    assert(slot->state != POOL_FREE && slot->state != POOL_CLOSING);
    assert((slot->state == POOL_IDLE) == (slot->holder == NO_HOLDER));
    if (slot->state == POOL_IDLE)
        idle_remove(pool, index);
    origin_release(pool->origins, slot->origin);
    slot->origin = NO_ORIGIN;
    slot->holder = NO_HOLDER;
    slot->state = POOL_CLOSING;
    uncount(pool, slot);
}

void pool_remove(struct pool *pool, uint32_t index)
{
    assert(pool->slots[index].state == POOL_CLOSING && pool->slots[index].origin == NO_ORIGIN);
    assert(pool->open < pool->slab.taken);
    pool->slots[index].state = POOL_FREE;
    slab_give(&pool->slab, index);
    if (!pool->slots[index].is_vain)
        pool->retry_ns = 0;
    pool->slots[index].is_vain = false;
}
