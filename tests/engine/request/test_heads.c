/* Heads that are longer than a block, more at once than there are pieces for: whoever gets none
 * waits, and comes to its end. */

#include "engine/engine.h"
#include "tests/lib/engine/engine_rows.h"

#include <errno.h>

enum { REQUESTS = 90, FIELD = 40000, PIECES = 64 /* where heads are kept */, BODY = 600000 };

#define BEGINS                                                                                     \
    {EXPECT, "GET "},                                                                              \
    {                                                                                              \
        SEND, OK "Connection: close\r\nA: "                                                        \
    }
#define ENDS                                                                                       \
    {FILL, NULL, FIELD}, {SEND, "\r\nContent-Length: 100000\r\n\r\n"},                             \
    {                                                                                              \
        FILL, NULL, 100000                                                                         \
    }

static const struct loopback_script all_long[] = {SCRIPT_REPEAT(BEGINS, ENDS)};

/* The first is late, and the others may have all pieces but the last. */
static const struct loopback_script first_late[] = {SCRIPT(BEGINS, {PAUSE}, ENDS),
                                                    SCRIPT_REPEAT(BEGINS, ENDS)};

static const struct loopback_script in_mid_head[] = {
    SCRIPT_REPEAT({EXPECT, "GET "}, {SEND, OK "A: "}, {FILL, NULL, FIELD}, {HOLD})};

static struct haul *ask(struct loopback *server, const struct haul_options *options, int count)
{
    struct haul *haul = gathering_open(options);
    for (int i = 0; i < count; i++)
        gathering_submit(haul, server, "/");
    return haul;
}

static void check(const struct haul_result *result, const struct haul_options *options)
{
    size_t length = 0;
    assert_string_equal(haul_error_name(result->error), "ok");
    assert_int_equal(result->body_bytes, 100000);
    for (const struct haul_piece *piece = result->body; piece; piece = piece->next)
        length += piece->length;
    assert_int_equal(length, options->keep_bodies ? 100000 : 0);
    if (!options->keep_headers)
        return;
    size_t cursor = 0;
    const char *name;
    const char *value;
    size_t name_length;
    size_t value_length;
    assert_in_range(result->head_length, FIELD, FIELD + 100);
    for (int i = 0; i < 2; i++)
        assert_true(haul_header_next(result, &cursor, &name, &name_length, &value, &value_length));
    assert_int_equal(value_length, FIELD);
    for (size_t i = 0; i < value_length; i++)
        assert_int_equal(value[i], 'x');
}

static const struct haul_options manners[] = {
    {.concurrency = 64},
    {.concurrency = REQUESTS, .keep_headers = true},
    {.concurrency = REQUESTS, .keep_headers = true, .keep_bodies = true},
    {.concurrency = 64, .keep_headers = true, .keep_bodies = true, .unordered = true},
    {.concurrency = REQUESTS, .keep_bodies = true, .unordered = true},
    {.concurrency = REQUESTS, .max_head = FIELD + 100, .keep_headers = true},
};

static void all_have_their_turn(void)
{
    for (size_t i = 0; i < sizeof manners / sizeof *manners; i++) {
        struct loopback *server = loopback_open(all_long, 1);
        struct haul *haul = ask(server, &manners[i], REQUESTS);
        for (int n = 0; n < REQUESTS; n++) {
            const struct haul_result *result = gathering_next(haul);
            check(result, &manners[i]);
            haul_release(haul, result);
        }
        assert_int_equal(haul->engine.store.piece_slab.taken, 0);
        assert_in_range(haul->engine.store.piece_slab.touched, 1, haul->engine.budget.head_pieces);
        gathering_close(haul);
        assert_loopback(server);
    }
}

/* Of bodies that together are more than the memory for them: who has a piece may wait for blocks,
 * and who has blocks for a piece. */
static void nor_do_they_wait_for_ever_where_blocks_are_short_too(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT_REPEAT(BEGINS, {FILL, NULL, FIELD}, {SEND, "\r\n\r\n"}, {FILL, NULL, BODY})};
    for (int i = 0; i < 4; i++) {
        struct haul_options options = {.concurrency = REQUESTS,
                                       .keep_headers = true,
                                       .keep_bodies = true,
                                       .unordered = i & 1,
                                       .stream_bodies = i & 2,
                                       .body_bytes = 20 << 20};
        struct loopback *server = loopback_open(scripts, 1);
        struct haul *haul = ask(server, &options, REQUESTS);
        for (int finished = 0; finished < REQUESTS;) {
            const struct haul_result *result = gathering_next(haul);
            assert_string_equal(haul_error_name(result->error), "ok");
            finished += !result->more;
            if (!result->more)
                assert_int_equal(result->body_bytes, BODY);
            haul_release(haul, result);
        }
        gathering_close(haul);
        assert_loopback(server);
    }
}

/* In order: nothing is handed out before the first, which all others wait for. */
static void the_last_piece_is_for_the_one_whose_turn_it_is(void)
{
    struct haul_options options = {.concurrency = REQUESTS, .keep_headers = true};
    struct loopback *server = loopback_open(first_late, 2);
    struct haul *haul = ask(server, &options, REQUESTS);
    uint32_t pieces = haul->engine.budget.head_pieces;
    gathering_until_finished(haul, pieces - 1);
    assert_int_equal(haul->engine.store.piece_slab.taken, pieces - 1);
    for (int steps = 0; haul->engine.heads.count < REQUESTS - pieces;)
        engine_step(haul, &steps);
    assert_int_equal(haul->engine.heads.count, REQUESTS - pieces);
    loopback_continue(server, 0);
    for (uint64_t n = 0; n < REQUESTS; n++) {
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->index, n);
        check(result, &options);
        haul_release(haul, result);
    }
    gathering_close(haul);
    assert_loopback(server);
}

/* -EBUSY: what is handed out holds the pieces. */
static void a_caller_who_keeps_them_is_told(void)
{
    for (int is_unordered = 0; is_unordered < 2; is_unordered++) {
        struct haul_options options = {
            .concurrency = REQUESTS, .keep_headers = true, .unordered = is_unordered};
        const struct haul_result *kept[REQUESTS];
        const struct haul_result *result;
        struct loopback *server = loopback_open(all_long, 1);
        struct haul *haul = ask(server, &options, REQUESTS);
        uint32_t count = 0;
        int error;
        while (!(error = gathering_try(haul, &result, GATHERING_PATIENCE_MS)))
            kept[count++] = result;
        assert_int_equal(error, -EBUSY);
        assert_in_range(count, is_unordered ? PIECES : 1, PIECES); /* later ones may have some */
        for (uint32_t left = REQUESTS - count; left > 0; left--) {
            check(kept[count - 1], &options);
            haul_release(haul, kept[count - 1]);
            kept[count - 1] = gathering_next(haul);
        }
        while (count > 0)
            haul_release(haul, kept[--count]);
        gathering_close(haul);
        assert_loopback(server);
    }
}

static void the_time_of_those_that_wait_runs_on(void)
{
    enum { COUNT = 20 };
    struct haul_options options = {.concurrency = COUNT, .max_time_ms = 400};
    struct loopback *server = loopback_open(in_mid_head, 1);
    struct haul *haul = ask(server, &options, COUNT);
    for (int i = 0; i < COUNT; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_string_equal(haul_error_name(result->error), "deadline");
        haul_release(haul, result);
    }
    assert_int_equal(haul->engine.heads.count, 0);
    gathering_close(haul);
    assert_loopback(server);
}

/* One that waits is cancelled, as is one that has a piece. */
static void those_that_wait_are_cancelled(void)
{
    enum { COUNT = 20 };
    struct haul_options options = {.concurrency = COUNT};
    struct loopback *server = loopback_open(in_mid_head, 1);
    struct haul *haul = ask(server, &options, COUNT);
    int steps = 0;
    while (haul->engine.heads.count == 0)
        engine_step(haul, &steps);
    haul_cancel_all(haul);
    for (int i = 0; i < COUNT; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_in_range(result->error, HAUL_CANCELLED, HAUL_NOT_STARTED);
        haul_release(haul, result);
    }
    assert_int_equal(haul->engine.store.piece_slab.taken, 0);
    gathering_close(haul);
    assert_loopback(server);
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(all_have_their_turn),
    SCENARIO(nor_do_they_wait_for_ever_where_blocks_are_short_too),
    SCENARIO(the_last_piece_is_for_the_one_whose_turn_it_is),
    SCENARIO(a_caller_who_keeps_them_is_told),
    SCENARIO(the_time_of_those_that_wait_runs_on),
    SCENARIO(those_that_wait_are_cancelled),
};

int main(void)
{
    return gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof *scenarios);
}
