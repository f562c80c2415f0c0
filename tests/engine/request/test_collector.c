/* The collector without network: requests are finished by hand, in every order. */

#include "engine/engine.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 6, BLOCKS = 16 };

/* As much of an engine as the collector looks at; the fetch of an index is its slot at first. */
struct stage {
    struct engine engine;
    struct fetch fetches[WINDOW];
    uint32_t ring[WINDOW];
    struct block blocks[BLOCKS];
    uint32_t block_next[BLOCKS];
};

static struct stage stage;

static struct engine *stage_init(bool is_unordered, bool is_streaming)
{
    struct engine *engine = &stage.engine;
    memset(&stage, 0, sizeof stage);
    engine->fetches = stage.fetches;
    engine->options.unordered = is_unordered;
    engine->options.stream_bodies = is_streaming;
    store_init(&engine->store, stage.blocks, stage.block_next, BLOCKS, BLOCKS - WINDOW - 1);
    collector_init(&engine->collector, stage.ring, WINDOW, is_unordered);
    return engine;
}

static void add(struct engine *engine, uint32_t slot)
{
    stage.fetches[slot].chain = stage.fetches[slot].lent = CHAIN_EMPTY;
    stage.fetches[slot].state = FETCH_ACTIVE;
    stage.fetches[slot].is_partial = false;
    stage.fetches[slot].result.index = collector_add(&engine->collector, slot);
}

static void finish(struct engine *engine, uint32_t slot)
{
    stage.fetches[slot].state = FETCH_DONE;
    collector_done(engine, slot);
}

/* Takes all that may be handed out; they must be these slots, written as digits. */
static void expect(struct engine *engine, const char *slots)
{
    for (; *slots; slots++) {
        uint32_t slot = (uint32_t)(*slots - '0');
        assert_int_equal(collector_next(engine), slot);
        assert_int_equal(stage.fetches[slot].state, FETCH_LENT);
        assert_false(stage.fetches[slot].result.more);
    }
    assert_int_equal(collector_next(engine), NO_FETCH);
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
        struct engine *engine = stage_init(rows[i].is_unordered, false);
        for (uint32_t slot = 0; slot < WINDOW; slot++)
            add(engine, slot);
        for (int j = 0; j < WINDOW; j++) {
            assert_true(engine->collector.unfinished > 0);
            finish(engine, (uint32_t)(rows[i].finished[j] - '0'));
            expect(engine, rows[i].handed_out[j]);
        }
        assert_int_equal(engine->collector.unfinished, 0);
    }
}

static void the_finished_queue_up_out_of_order(void **state)
{
    (void)state;
    struct engine *engine = stage_init(true, false);
    for (uint32_t slot = 0; slot < WINDOW; slot++)
        add(engine, slot);
    finish(engine, 4);
    finish(engine, 1);
    finish(engine, 3);
    expect(engine, "413");
    finish(engine, 0);
    finish(engine, 5);
    expect(engine, "05");
}

/* Indices go on for ever, slots and the ring are used again. */
static void indices_outlive_slots(void **state)
{
    (void)state;
    struct engine *engine = stage_init(false, false);
    for (uint64_t index = 0; index < 100; index += 2) {
        uint32_t first = (uint32_t)(index / 2 % 3);
        add(engine, first);
        add(engine, first + 3);
        assert_int_equal(stage.fetches[first].result.index, index);
        assert_int_equal(stage.fetches[first + 3].result.index, index + 1);
        assert_int_equal(collector_current(&engine->collector), first);
        finish(engine, first + 3);
        expect(engine, "");
        finish(engine, first);
        assert_int_equal(collector_next(engine), first);
        assert_int_equal(collector_next(engine), first + 3);
        assert_int_equal(collector_current(&engine->collector), NO_FETCH);
    }
}

/* --- parts ------------------------------------------------------------------------------------ */

static void receive(struct engine *engine, uint32_t slot, const char *bytes)
{
    struct chain *chain = &stage.fetches[slot].chain;
    assert_int_equal(chain_append(chain, &engine->store, bytes, strlen(bytes)), strlen(bytes));
}

static void expect_part(struct engine *engine, uint32_t slot, const char *bytes)
{
    struct fetch *fetch = &stage.fetches[slot];
    assert_int_equal(collector_next(engine), slot);
    assert_true(fetch->result.more);
    assert_int_equal(fetch->result.body->length, strlen(bytes));
    assert_memory_equal(fetch->result.body->bytes, bytes, strlen(bytes));
    assert_int_equal(engine->collector.lent_part, slot);
    chain_free(&fetch->lent, &engine->store); /* as fetch_release() does */
    engine->collector.lent_part = NO_FETCH;
}

static void the_first_in_order_leaves_in_parts(void **state)
{
    (void)state;
    struct engine *engine = stage_init(false, true);
    add(engine, 0);
    add(engine, 1);
    receive(engine, 1, "one");
    expect(engine, ""); /* not its turn */
    receive(engine, 0, "zero");
    expect_part(engine, 0, "zero");
    expect(engine, "");
    receive(engine, 0, "more");
    expect_part(engine, 0, "more");
    finish(engine, 0);
    assert_int_equal(collector_next(engine), 0); /* the last, and empty */
    assert_null(stage.fetches[0].result.body);
    expect_part(engine, 1, "one");
    finish(engine, 1);
    expect(engine, "1");
}

/* Out of order only the body whose turn it is leaves in parts, and until its last nothing else
 * does. */
static void one_body_at_a_time_leaves_in_parts(void **state)
{
    (void)state;
    struct engine *engine = stage_init(true, true);
    add(engine, 0);
    add(engine, 1);
    add(engine, 2);
    receive(engine, 1, "one");
    expect(engine, ""); /* memory is not short: nobody's turn is needed */
    assert_int_equal(collector_current(&engine->collector), NO_FETCH);
    assert_true(collector_is_current(engine, 1));
    assert_false(collector_is_current(engine, 0));
    expect_part(engine, 1, "one");
    finish(engine, 0);
    expect(engine, "");
    receive(engine, 1, "more");
    expect_part(engine, 1, "more");
    finish(engine, 1);
    expect(engine, "10");
    assert_true(collector_is_current(engine, 2));
    finish(engine, 2);
    expect(engine, "2");
    assert_int_equal(collector_current(&engine->collector), NO_FETCH);
}

static void whole_bodies_leave_whole(void **state)
{
    (void)state;
    struct engine *engine = stage_init(false, false);
    add(engine, 0);
    receive(engine, 0, "zero");
    expect(engine, "");
    finish(engine, 0);
    expect(engine, "0");
    assert_int_equal(stage.fetches[0].result.body->length, 4);
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
