/* Owns the blocks. The one idea: entitled blocks are never counted, because there is one for each
 * slot that may ask; only the shared ones, and the pieces, can run out. */

#include "engine/memory/store.h"

#include <assert.h>
#include <string.h>

void store_init(struct store *store, struct block *blocks, uint32_t *next, uint32_t count,
                uint32_t shared)
{
    assert(shared <= count);
    slab_init(&store->slab, next, count);
    store->blocks = blocks;
    store->shared = store->shared_left = shared;
}

void store_pieces_init(struct store *store, char *bytes, uint32_t *next, uint32_t count,
                       uint32_t size)
{
    slab_init(&store->piece_slab, next, count);
    store->pieces = bytes;
    store->piece_bytes = size;
}

uint32_t store_take(struct store *store)
{
    uint32_t index = slab_take(&store->slab);
    assert(index != SLAB_NONE);
    store->blocks[index].next = NO_BLOCK;
    store->blocks[index].piece =
        (struct haul_piece){.next = NULL, .bytes = store->blocks[index].bytes, .length = 0};
    return index;
}

uint32_t store_take_shared(struct store *store)
{
    if (store->shared_left == 0)
        return NO_BLOCK;
    store->shared_left--;
    return store_take(store);
}

void store_give(struct store *store, uint32_t block)
{
    slab_give(&store->slab, block);
}

void store_give_shared(struct store *store, uint32_t block)
{
    assert(store->shared_left < store->shared);
    store->shared_left++;
    slab_give(&store->slab, block);
}

uint32_t store_take_piece(struct store *store)
{
    return slab_take(&store->piece_slab);
}

void store_give_piece(struct store *store, uint32_t piece)
{
    slab_give(&store->piece_slab, piece);
}

/* The block with room at the chain's end, a new one where the last is full. */
static struct block *chain_room(struct chain *chain, struct store *store)
{
    assert((chain->first == NO_BLOCK) == (chain->last == NO_BLOCK));
    if (chain->first == NO_BLOCK) {
        chain->first = chain->last = store_take(store);
        return store_block(store, chain->first);
    }
    struct block *last = store_block(store, chain->last);
    assert(last->next == NO_BLOCK && last->piece.length <= BLOCK_BYTES);
    if (last->piece.length < BLOCK_BYTES)
        return last;
    uint32_t index = store_take_shared(store);
    if (index == NO_BLOCK)
        return NULL;
    struct block *block = store_block(store, index);
    last->next = index;
    last->piece.next = &block->piece;
    chain->last = index;
    return block;
}

size_t chain_append(struct chain *chain, struct store *store, const char *bytes, size_t length)
{
    size_t done = 0;
    while (done < length) {
        struct block *block = chain_room(chain, store);
        if (!block)
            break;
        size_t room = BLOCK_BYTES - block->piece.length;
        size_t take = length - done < room ? length - done : room;
        memcpy(block->bytes + block->piece.length, bytes + done, take);
        block->piece.length += take;
        done += take;
    }
    return done;
}

void chain_free(struct chain *chain, struct store *store)
{
    for (uint32_t index = chain->first; index != NO_BLOCK;) {
        uint32_t next = store_block(store, index)->next;
        assert((next == NO_BLOCK) == (index == chain->last));
        if (index == chain->first)
            store_give(store, index);
        else
            store_give_shared(store, index);
        index = next;
    }
    *chain = CHAIN_EMPTY;
}
