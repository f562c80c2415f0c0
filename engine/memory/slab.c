/* The pool of slots. The hard idea: the free list grows only by giving, so that initialising a pool
 * of any size costs nothing; `touched` stands for all the slots that have yet to enter it. */

#include "engine/memory/slab.h"

#include <assert.h>

void slab_init(struct slab *slab, uint32_t *next, uint32_t count)
{
    assert(count < SLAB_TAKEN);
    *slab = (struct slab){.next = next, .count = count, .first = SLAB_NONE};
}

uint32_t slab_take(struct slab *slab)
{
    uint32_t slot = slab->first;

    /* No slot of the free list is taken, and where the list has none, none has been lost. */
    assert(slot != SLAB_NONE ? slab->next[slot] != SLAB_TAKEN : slab->taken == slab->touched);
    if (slot != SLAB_NONE)
        slab->first = slab->next[slot];
    else if (slab->touched < slab->count)
        slot = slab->touched++;
    else
        return SLAB_NONE;

    slab->next[slot] = SLAB_TAKEN;
    slab->taken++;
    return slot;
}

void slab_give(struct slab *slab, uint32_t slot)
{
    assert(slab_is_taken(slab, slot));
    slab->next[slot] = slab->first;
    slab->first = slot;
    slab->taken--;
}
