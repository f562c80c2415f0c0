#ifndef ENGINE_MEMORY_STORE_H
#define ENGINE_MEMORY_STORE_H

/* The pool of 16 KiB blocks that heads, bodies and long URLs are kept in; and a few longer pieces,
 * each for one head that no block holds.
 *
 * Some blocks a slot is entitled to: store_take() always has them. The others are shared, and at
 * their end store_take_shared() says no; who asked waits. */

#include "engine/haul.h"
#include "engine/memory/slab.h"

#include <assert.h>
#include <stdbool.h>

enum { BLOCK_BYTES = 16384 - 32 };

#define NO_BLOCK SLAB_NONE
#define NO_PIECE SLAB_NONE

struct block {
    struct haul_piece piece;
    uint32_t next;
    char bytes[BLOCK_BYTES];
};

struct store {
    struct slab slab;
    struct block *blocks;
    uint32_t shared; /* of all blocks; the others are entitled ones */
    uint32_t shared_left;
    struct slab piece_slab;
    char *pieces;
    uint32_t piece_bytes; /* of each */
};

/* Blocks in the order of their bytes; the first is an entitled one, the others are shared. */
struct chain {
    uint32_t first;
    uint32_t last;
};

#define CHAIN_EMPTY ((struct chain){NO_BLOCK, NO_BLOCK})

/* next and blocks: room for count, the caller's, untouched here. */
void store_init(struct store *store, struct block *blocks, uint32_t *next, uint32_t count,
                uint32_t shared);

/* bytes, next: room for count pieces of that size, likewise. */
void store_pieces_init(struct store *store, char *bytes, uint32_t *next, uint32_t count,
                       uint32_t size);

static inline struct block *store_block(const struct store *store, uint32_t index)
{
    assert(slab_is_taken(&store->slab, index));
    return &store->blocks[index];
}

uint32_t store_take(struct store *store);
uint32_t store_take_shared(struct store *store); /* NO_BLOCK: none is left */
void store_give(struct store *store, uint32_t block);
void store_give_shared(struct store *store, uint32_t block);

static inline char *store_piece(const struct store *store, uint32_t piece)
{
    return store->pieces + (size_t)piece * store->piece_bytes;
}

uint32_t store_take_piece(struct store *store); /* NO_PIECE: none is left */
void store_give_piece(struct store *store, uint32_t piece);

/* Copies bytes behind the chain's end. Returns how many found room: fewer than length where the
 * shared blocks are used up. */
size_t chain_append(struct chain *chain, struct store *store, const char *bytes, size_t length);

/* Gives all blocks back; the chain is empty after it. */
void chain_free(struct chain *chain, struct store *store);

#endif
