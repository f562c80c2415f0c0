#ifndef ENGINE_MEMORY_SLAB_H
#define ENGINE_MEMORY_SLAB_H

/* A fixed pool of equal slots, 0 … count - 1. The slot given back last is taken first, while its
 * memory is still in the cache, and a slot never taken is never touched: memory that the kernel
 * commits on first use is committed only as far as the pool was ever full. */

#include <stdbool.h>
#include <stdint.h>

#define SLAB_NONE UINT32_MAX
#define SLAB_TAKEN (SLAB_NONE - 1) /* what `next` says of a taken slot */
#define NO_SLOT SLAB_NONE          /* where a slot of connections is meant */

struct slab {
    uint32_t *next; /* a free slot's successor; of a taken one SLAB_TAKEN */
    uint32_t count;
    uint32_t first;   /* the slot given back last, or SLAB_NONE */
    uint32_t touched; /* slots from here on were never taken */
    uint32_t taken;
};

/* next: room for count entries, the caller's; nothing is written to it here. */
void slab_init(struct slab *slab, uint32_t *next, uint32_t count);

/* A free slot, or SLAB_NONE. */
uint32_t slab_take(struct slab *slab);

/* slot must be taken. */
void slab_give(struct slab *slab, uint32_t slot);

static inline bool slab_is_taken(const struct slab *slab, uint32_t slot)
{
    return slot < slab->touched && slab->next[slot] == SLAB_TAKEN;
}

#endif
