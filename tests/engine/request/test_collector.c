/* The collector without network: requests are finished by hand, in every order. */

#include "engine/request/collector.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 6, BLOCKS = 16 };

/* The fetch of an index is its slot at first. */
struct stage {
    struct collector collector;
    struct store store;
    struct fetch fetches[WINDOW];
    struct fetch_extra extras[WINDOW];
    uint32_t ring[WINDOW];
    struct block blocks[BLOCKS];
    uint32_t block_next[BLOCKS];
};

static struct stage stage;

static struct collector *stage_init(bool is_unordered, bool is_streaming)
{
    struct collector *collector = &stage.collector;
    memset(&stage, 0, sizeof stage);
    store_init(&stage.store, stage.blocks, stage.block_next, BLOCKS, BLOCKS - WINDOW - 1);
    collector_init(collector, stage.ring, WINDOW, stage.fetches);
    collector->is_unordered = is_unordered;
    collector->hands_out_parts = is_streaming;
    return collector;
}

static void add(struct collector *collector, uint32_t slot)
{
    stage.fetches[slot].chain = CHAIN_EMPTY;
    stage.fetches[slot].state = FETCH_ACTIVE;
    stage.fetches[slot].is_partial = stage.fetches[slot].has_extra = false;
    stage.fetches[slot].extra = &stage.extras[slot];
    stage.fetches[slot].index = collector_add(collector, slot);
}

static void finish(struct collector *collector, uint32_t slot)
{
    stage.fetches[slot].state = FETCH_DONE;
    collector_done(collector, slot);
}

/* Takes all that may be handed out; they must be these slots, written as digits. */
static void expect(struct collector *collector, const char *slots)
{
    for (; *slots; slots++) {
        uint32_t slot = (uint32_t)(*slots - '0');
        assert_int_equal(collector_next(collector), slot);
        assert_int_equal(stage.fetches[slot].state, FETCH_LENT);
        assert_int_equal(collector->lent_part, NO_FETCH);
    }
    assert_int_equal(collector_next(collector), NO_FETCH);
}

static void results_leave_as_soon_as_they_may(void **state)
{
    static const struct {
        bool is_unordered;
        const char *finished;           /* slots */
        const char *handed_out[WINDOW]; /* after each of them */
    } rows[] = {
        {false, "012345", {"0", "1", "2", "3", "4", "5"}},
        {false, "543210", {"", "", "", "", "", "012345"}},
        {false, "103254", {"", "01", "", "23", "", "45"}},
        {false, "120534", {"", "", "012", "", "3", "45"}},
        {true, "012345", {"0", "1", "2", "3", "4", "5"}},
        {true, "543210", {"5", "4", "3", "2", "1", "0"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct collector *collector = stage_init(rows[i].is_unordered, false);
        for (uint32_t slot = 0; slot < WINDOW; slot++)
            add(collector, slot);
        for (int j = 0; j < WINDOW; j++) {
            assert_true(collector->unfinished > 0);
            finish(collector, (uint32_t)(rows[i].finished[j] - '0'));
            expect(collector, rows[i].handed_out[j]);
        }
        assert_int_equal(collector->unfinished, 0);
    }
}

static void the_finished_queue_up_out_of_order(void **state)
{
    (void)state;
    struct collector *collector = stage_init(true, false);
    for (uint32_t slot = 0; slot < WINDOW; slot++)
        add(collector, slot);
    finish(collector, 4);
    finish(collector, 1);
    finish(collector, 3);
    expect(collector, "413");
    finish(collector, 0);
    finish(collector, 5);
    expect(collector, "05");
}

/* Indices go on for ever, slots and the ring are used again. */
static void indices_outlive_slots(void **state)
{
    (void)state;
    struct collector *collector = stage_init(false, false);
    for (uint64_t index = 0; index < 100; index += 2) {
        uint32_t first = (uint32_t)(index / 2 % 3);
        add(collector, first);
        add(collector, first + 3);
        assert_int_equal(stage.fetches[first].index, index);
        assert_int_equal(stage.fetches[first + 3].index, index + 1);
        assert_int_equal(collector_current(collector), first);
        finish(collector, first + 3);
        expect(collector, "");
        finish(collector, first);
        assert_int_equal(collector_next(collector), first);
        assert_int_equal(collector_next(collector), first + 3);
        assert_int_equal(collector_current(collector), NO_FETCH);
    }
}

/* --- parts ------------------------------------------------------------------------------------ */

static void receive(uint32_t slot, const char *bytes)
{
    struct chain *chain = &stage.fetches[slot].chain;
    assert_int_equal(chain_append(chain, &stage.store, bytes, strlen(bytes)), strlen(bytes));
}

static void expect_part(struct collector *collector, uint32_t slot, const char *bytes)
{
    assert_int_equal(collector_next(collector), slot);
    const struct block *first = store_block(&stage.store, collector->lent.first);
    assert_int_equal(first->piece.length, strlen(bytes));
    assert_memory_equal(first->piece.bytes, bytes, strlen(bytes));
    assert_int_equal(collector->lent_part, slot);
    chain_free(&collector->lent, &stage.store); /* as haul_release() does */
    collector->lent_part = NO_FETCH;
}

static void the_first_in_order_leaves_in_parts(void **state)
{
    (void)state;
    struct collector *collector = stage_init(false, true);
    add(collector, 0);
    add(collector, 1);
    receive(1, "one");
    expect(collector, ""); /* not its turn */
    receive(0, "zero");
    expect_part(collector, 0, "zero");
    expect(collector, "");
    receive(0, "more");
    expect_part(collector, 0, "more");
    finish(collector, 0);
    assert_int_equal(collector_next(collector), 0); /* the last, and empty */
    assert_int_equal(stage.fetches[0].chain.first, NO_BLOCK);
    expect_part(collector, 1, "one");
    finish(collector, 1);
    expect(collector, "1");
}

/* Out of order only the body whose turn it is leaves in parts, and until its last nothing else
 * does. */
static void one_body_at_a_time_leaves_in_parts(void **state)
{
    (void)state;
    struct collector *collector = stage_init(true, true);
    add(collector, 0);
    add(collector, 1);
    add(collector, 2);
    receive(1, "one");
    expect(collector, ""); /* memory is not short: nobody's turn is needed */
    assert_int_equal(collector_current(collector), NO_FETCH);
    assert_true(collector_is_current(collector, 1));
    assert_false(collector_is_current(collector, 0));
    expect_part(collector, 1, "one");
    finish(collector, 0);
    expect(collector, "");
    receive(1, "more");
    expect_part(collector, 1, "more");
    finish(collector, 1);
    expect(collector, "10");
    assert_true(collector_is_current(collector, 2));
    finish(collector, 2);
    expect(collector, "2");
    assert_int_equal(collector_current(collector), NO_FETCH);
}

static void whole_bodies_leave_whole(void **state)
{
    (void)state;
    struct collector *collector = stage_init(false, false);
    add(collector, 0);
    receive(0, "zero");
    expect(collector, "");
    finish(collector, 0);
    expect(collector, "0");
    assert_int_equal(store_block(&stage.store, stage.fetches[0].chain.first)->piece.length, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_leave_as_soon_as_they_may),
        cmocka_unit_test(the_finished_queue_up_out_of_order),
        cmocka_unit_test(indices_outlive_slots),
        cmocka_unit_test(the_first_in_order_leaves_in_parts),
        cmocka_unit_test(one_body_at_a_time_leaves_in_parts),
        cmocka_unit_test(whole_bodies_leave_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
