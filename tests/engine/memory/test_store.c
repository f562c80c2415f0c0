/* The pool of blocks: entitled ones, shared ones that run out, and chains of both. */

#include "engine/memory/store.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 10, SHARED = 4 };

struct pool {
    struct store store;
    struct block *blocks;
    uint32_t next[BLOCKS];
};

static int pool_open(void **state)
{
    struct pool *pool = calloc(1, sizeof *pool);
    assert_non_null(pool);
    pool->blocks = calloc(BLOCKS, sizeof *pool->blocks);
    assert_non_null(pool->blocks);
    store_init(&pool->store, pool->blocks, pool->next, BLOCKS, SHARED);
    *state = pool;
    return 0;
}

/* Whatever a test did: everything was given back. */
static int pool_close(void **state)
{
    struct pool *pool = *state;
    assert_int_equal(pool->store.slab.taken, 0);
    assert_int_equal(pool->store.shared_left, SHARED);
    free(pool->blocks);
    free(pool);
    return 0;
}

static void shared_blocks_run_out_and_entitled_ones_do_not(void **state)
{
    struct store *store = &((struct pool *)*state)->store;
    uint32_t shared[SHARED];
    for (int i = 0; i < SHARED; i++)
        assert_int_not_equal(shared[i] = store_take_shared(store), NO_BLOCK);
    assert_int_equal(store_take_shared(store), NO_BLOCK);
    uint32_t entitled = store_take(store);
    assert_int_not_equal(entitled, NO_BLOCK);
    assert_int_equal(store_take_shared(store), NO_BLOCK);
    store_give_shared(store, shared[0]);
    assert_int_not_equal(shared[0] = store_take_shared(store), NO_BLOCK);
    for (int i = 0; i < SHARED; i++)
        store_give_shared(store, shared[i]);
    store_give(store, entitled);
}

static void a_block_is_empty_when_taken(void **state)
{
    struct store *store = &((struct pool *)*state)->store;
    for (int i = 0; i < 3; i++) {
        struct chain chain = CHAIN_EMPTY;
        assert_int_equal(chain_append(&chain, store, "abc", 3), 3);
        const struct block *block = store_block(store, chain.first);
        assert_int_equal(block->piece.length, 3);
        assert_null(block->piece.next);
        assert_ptr_equal(block->piece.bytes, block->bytes);
        chain_free(&chain, store);
        assert_int_equal(chain.first, NO_BLOCK);
    }
}

static char byte_at(size_t i)
{
    return (char)(i * 31 + (i >> 8));
}

/* The pieces of a chain, one after the other, are what was appended, length bytes. */
static void check_chain(const struct store *store, const struct chain *chain, size_t length)
{
    size_t at = 0;
    const struct haul_piece *piece = &store_block(store, chain->first)->piece;
    for (; piece; piece = piece->next) {
        assert_in_range(piece->length, 1, BLOCK_BYTES);
        assert_true(piece->length == BLOCK_BYTES || piece->next == NULL);
        for (size_t i = 0; i < piece->length; i++)
            assert_true(piece->bytes[i] == byte_at(at + i));
        at += piece->length;
    }
    assert_int_equal(at, length);
}

/* In steps of every size, up to the pool's end: the chain takes one entitled block and then all
 * shared ones. */
static void a_chain_grows_until_the_shared_blocks_end(void **state)
{
    enum { MOST = (SHARED + 1) * BLOCK_BYTES };
    static const size_t steps[] = {1000, 4096, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, MOST};
    struct store *store = &((struct pool *)*state)->store;
    char *bytes = malloc(MOST);
    assert_non_null(bytes);
    for (size_t i = 0; i < MOST; i++)
        bytes[i] = byte_at(i);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct chain chain = CHAIN_EMPTY;
        size_t done = 0;
        while (done + steps[i] <= MOST) {
            assert_int_equal(chain_append(&chain, store, bytes + done, steps[i]), steps[i]);
            done += steps[i];
            check_chain(store, &chain, done);
        }
        assert_int_equal(chain_append(&chain, store, bytes + done, MOST - done), MOST - done);
        check_chain(store, &chain, MOST);
        assert_int_equal(store->shared_left, 0);
        assert_int_equal(chain_append(&chain, store, "x", 1), 0);
        check_chain(store, &chain, MOST);
        chain_free(&chain, store);
    }
    free(bytes);
}

static void what_does_not_fit_is_said(void **state)
{
    enum { LENGTH = (SHARED + 2) * BLOCK_BYTES };
    struct store *store = &((struct pool *)*state)->store;
    char *bytes = calloc(1, LENGTH);
    struct chain chain = CHAIN_EMPTY;
    struct chain other = CHAIN_EMPTY;
    assert_int_equal(chain_append(&chain, store, bytes, LENGTH), (SHARED + 1) * BLOCK_BYTES);
    assert_int_equal(chain_append(&other, store, bytes, LENGTH), BLOCK_BYTES);
    chain_free(&chain, store);
    assert_int_equal(chain_append(&other, store, bytes, 1), 1);
    chain_free(&other, store);
    free(bytes);
}

static void pieces_run_out_and_lie_apart(void **state)
{
    enum { PIECES = 2, BYTES = 100 };
    static char bytes[PIECES * BYTES];
    static uint32_t next[PIECES];
    struct store *store = &((struct pool *)*state)->store;
    store_pieces_init(store, bytes, next, PIECES, BYTES);
    uint32_t one = store_take_piece(store);
    uint32_t other = store_take_piece(store);
    assert_int_equal(store_take_piece(store), NO_PIECE);
    assert_int_equal(labs(store_piece(store, one) - store_piece(store, other)), BYTES);
    store_give_piece(store, one);
    assert_int_equal(store_take_piece(store), one);
    store_give_piece(store, one);
    store_give_piece(store, other);
}

static void freeing_an_empty_chain_changes_nothing(void **state)
{
    struct store *store = &((struct pool *)*state)->store;
    struct chain chain = CHAIN_EMPTY;
    chain_free(&chain, store);
    assert_int_equal(chain_append(&chain, store, "", 0), 0);
    assert_int_equal(chain.first, NO_BLOCK);
}

#define WITH_POOL(test) cmocka_unit_test_setup_teardown(test, pool_open, pool_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_POOL(shared_blocks_run_out_and_entitled_ones_do_not),
        WITH_POOL(a_block_is_empty_when_taken),
        WITH_POOL(a_chain_grows_until_the_shared_blocks_end),
        WITH_POOL(what_does_not_fit_is_said),
        WITH_POOL(pieces_run_out_and_lie_apart),
        WITH_POOL(freeing_an_empty_chain_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
