#ifndef ENGINE_REQUEST_TRAIL_H
#define ENGINE_REQUEST_TRAIL_H

/* What a result tells of a request's way: records in shared blocks, as many as there is room for
 * beside the blocks that bodies are entitled to. */

#include "engine/memory/store.h"

#include <stddef.h>

struct trail {
    uint32_t last; /* block, each linked to the one before; NO_BLOCK: none */
    uint32_t used; /* bytes of it */
};

#define TRAIL_EMPTY ((struct trail){.last = NO_BLOCK})

/* Room for size bytes, aligned for any pointer, until trail_free(). NULL: there is none; the last
 * reserve shared blocks are not touched. */
void *trail_add(struct trail *trail, struct store *store, uint32_t reserve, size_t size);

/* Gives all blocks back; the trail is empty after it. */
void trail_free(struct trail *trail, struct store *store);

#endif
