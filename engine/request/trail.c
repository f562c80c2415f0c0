/* Owns the blocks of a trail. They are filled from the front, and what does not fit into the last
 * one any more takes another. */

#include "engine/request/trail.h"

#include <stdalign.h>
#include <stdint.h>

/* How many bytes at the front of the rest cannot be used. */
static size_t padding(const char *at)
{
    return -(uintptr_t)at % alignof(max_align_t);
}

static void *take(struct trail *trail, const struct store *store, size_t size)
{
    if (trail->last == NO_BLOCK)
        return NULL;
    char *at = store_block(store, trail->last)->bytes + trail->used;
    size_t needed = padding(at) + size;
    if (needed > BLOCK_BYTES - trail->used)
        return NULL;
    trail->used += (uint32_t)needed;
    return at + needed - size;
}

void *trail_add(struct trail *trail, struct store *store, uint32_t reserve, size_t size)
{
    void *room = take(trail, store, size);
    if (room || size + alignof(max_align_t) > BLOCK_BYTES || store->shared_left <= reserve)
        return room;
    uint32_t block = store_take_shared(store);
    if (block == NO_BLOCK)
        return NULL;
    store_block(store, block)->next = trail->last;
    *trail = (struct trail){.last = block};
    return take(trail, store, size);
}

void trail_free(struct trail *trail, struct store *store)
{
    while (trail->last != NO_BLOCK) {
        uint32_t block = trail->last;
        trail->last = store_block(store, block)->next;
        store_give_shared(store, block);
    }
    *trail = TRAIL_EMPTY;
}
