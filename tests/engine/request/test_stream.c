/* Bodies larger than the memory for them: handed out in parts, held back while it is not their
 * turn, and never beyond what the budget says. */

#include "engine/engine.h"
#include "tests/lib/gathering.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define LENGTH(length) OK "Content-Length: " #length "\r\n\r\n"
#define LAST_LENGTH(length) OK "Connection: close\r\nContent-Length: " #length "\r\n\r\n"
#define MIB (1024 * 1024)

enum { SMALLEST = 20 * MIB }; /* the least memory for bodies there is */

/* --- taking ----------------------------------------------------------------------------------- */

/* Counts a part's bytes, each of which must be as FILL sends it. */
static uint64_t check_part(const struct haul_result *result)
{
    static char x[BLOCK_BYTES];
    uint64_t length = 0;
    if (x[0] == '\0')
        memset(x, 'x', sizeof x);
    for (const struct haul_piece *piece = result->body; piece; piece = piece->next) {
        assert_in_range(piece->length, 1, sizeof x);
        assert_memory_equal(piece->bytes, x, piece->length);
        length += piece->length;
    }
    return length;
}

/* Nothing may be given out beyond what the budget has. */
static void check_bounds(const struct engine *engine)
{
    assert_in_range(engine->store.slab.taken, 0, engine->budget.blocks);
    assert_in_range(engine->active, 0, engine->budget.concurrency);
}

/* Takes one request's result, in as many parts as it comes; returns how many there were. */
static int take_body(struct haul *haul, uint64_t index, uint64_t length)
{
    const struct haul_result *result;
    uint64_t received = 0;
    bool has_more = true;
    int parts = 0;
    for (; has_more; parts++) {
        result = gathering_next(haul);
        assert_int_equal(result->index, index);
        assert_int_equal(result->error, HAUL_OK);
        assert_int_equal(result->status, 200);
        received += check_part(result);
        assert_int_equal(received, result->body_bytes);
        has_more = result->more;
        check_bounds(&haul->engine);
        haul_release(haul, result);
    }
    assert_int_equal(received, length);
    return parts;
}

static uint64_t peak_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss * 1024;
}

/* --- one body --------------------------------------------------------------------------------- */

static void a_body_larger_than_all_memory_comes_in_parts(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, LENGTH(62914560)}, {FILL, NULL, 62914560},
               {EXPECT, "GET /b "}, {SEND, LENGTH(3)}, {FILL, NULL, 3}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = 1, .keep_bodies = true, .stream_bodies = true, .body_bytes = SMALLEST});
    gathering_submit(haul, server, "/a");
    gathering_submit(haul, server, "/b");
    uint64_t before = peak_bytes();
    assert_in_range(take_body(haul, 0, 62914560), 2, 1000000);
    assert_in_range(take_body(haul, 1, 3), 1, 2);
    assert_in_range(peak_bytes() - before, 0, SMALLEST + 8 * MIB);
    gathering_close(haul);
    assert_loopback(server);
}

static void a_part_must_be_released_before_the_next(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, LENGTH(200000)}, {FILL, NULL, 100000}, {PAUSE},
               {FILL, NULL, 100000}, {EXPECT_END}),
        SCRIPT({EXPECT, "GET /b "}, {SEND, LENGTH(3)}, {FILL, NULL, 3}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = 2, .keep_bodies = true, .stream_bodies = true});
    const struct haul_result *other;
    gathering_submit(haul, server, "/a");
    gathering_submit(haul, server, "/b");
    const struct haul_result *part = gathering_next(haul);
    uint64_t length = check_part(part);
    assert_true(part->more);
    loopback_continue(server, 0);
    assert_int_equal(haul_next(haul, &other, 0), -EBUSY);
    assert_int_equal(haul_next(haul, &other, -1), -EBUSY);
    assert_int_equal(check_part(part), length);
    haul_release(haul, part);
    for (bool has_more = true; has_more;) {
        part = gathering_next(haul);
        length += check_part(part);
        has_more = part->more;
        haul_release(haul, part);
    }
    assert_int_equal(length, 200000);
    take_body(haul, 1, 3);
    gathering_close(haul);
    assert_loopback(server);
}

/* The parts handed out stay good; the last result says what went wrong. */
static void a_body_that_ends_too_early_says_so_at_its_end(void)
{
    static const struct loopback_script scripts[] = {SCRIPT(
        {EXPECT, "GET /a "}, {SEND, LENGTH(200000)}, {FILL, NULL, 100000}, {PAUSE}, {CLOSE})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = 1, .keep_bodies = true, .stream_bodies = true});
    uint64_t length = 0;
    gathering_submit(haul, server, "/a");
    for (bool has_more = true; has_more;) {
        const struct haul_result *part = gathering_next(haul);
        length += check_part(part);
        has_more = part->more;
        assert_int_equal(part->error, has_more ? HAUL_OK : HAUL_TRUNCATED);
        haul_release(haul, part);
        if (length == 100000 && has_more)
            loopback_continue(server, 0);
    }
    assert_int_equal(length, 100000);
    gathering_close(haul);
    assert_loopback(server);
}

static void a_body_is_cancelled_between_its_parts(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, LENGTH(200000)}, {FILL, NULL, 100000}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = 1, .keep_bodies = true, .stream_bodies = true});
    gathering_submit(haul, server, "/a");
    const struct haul_result *part = gathering_next(haul);
    assert_true(part->more);
    assert_int_equal(haul_cancel(haul, 0), 0);
    check_part(part);
    haul_release(haul, part);
    const struct haul_result *last = gathering_next(haul);
    assert_int_equal(last->error, HAUL_CANCELLED);
    assert_int_equal(last->stage, HAUL_STAGE_BODY);
    assert_false(last->more);
    haul_release(haul, last);
    gathering_close(haul);
    assert_loopback(server);
}

static void without_parts_half_the_memory_is_the_limit(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, LENGTH(9437184)}, {FILL, NULL, 9437184},
               {EXPECT, "GET /b "}, {SEND, LENGTH(12582912)}, {FILL, NULL, 12582912}, {EXPECT_END}),
        SCRIPT({EXPECT, "GET /c "}, {SEND, OK "\r\n"}, {FILL, NULL, 12582912}, {EXPECT_END}),
        SCRIPT({EXPECT, "GET /d "}, {SEND, LENGTH(3)}, {FILL, NULL, 3}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 3);
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = 1, .keep_bodies = true, .body_bytes = SMALLEST});
    static const char *const paths[] = {"/a", "/b", "/c", "/d"};
    for (int i = 0; i < 4; i++)
        gathering_submit(haul, server, paths[i]);
    take_body(haul, 0, 9437184);
    for (int i = 0; i < 2; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_LIMIT);
        assert_int_equal(result->stage, HAUL_STAGE_BODY);
        check_part(result);
        haul_release(haul, result);
    }
    take_body(haul, 3, 3);
    gathering_close(haul);
    assert_loopback(server);
}

/* --- several bodies --------------------------------------------------------------------------- */

enum { BODIES = 4, BODY = 12582912 };

#define HELD                                                                                       \
    SCRIPT({EXPECT, "GET /a "}, {PAUSE}, {SEND, LENGTH(12582912)}, {FILL, NULL, BODY}, {EXPECT_END})
#define LARGE SCRIPT({EXPECT, "GET /"}, {SEND, LENGTH(12582912)}, {FILL, NULL, BODY}, {EXPECT_END})

/* Works until the others have filled what is theirs and are held back. */
static void until_short(struct haul *haul)
{
    const struct haul_result *result;
    for (int i = 0; !haul->engine.pressure.is_short; i++) {
        assert_in_range(i, 0, GATHERING_PATIENCE_MS / 5);
        assert_int_equal(gathering_try(haul, &result, 5), -EAGAIN);
    }
}

/* Together they are more than the memory; while the first says nothing, the others must wait with
 * room left for it. */
static void bodies_wait_for_the_first_in_order(void)
{
    static const struct loopback_script scripts[] = {HELD, LARGE, LARGE, LARGE};
    struct loopback *server = loopback_open(scripts, BODIES);
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = BODIES, .keep_bodies = true, .stream_bodies = true, .body_bytes = SMALLEST});
    gathering_submit(haul, server, "/a");
    gathering_until_asked(haul, server, 1);
    for (int i = 1; i < BODIES; i++)
        gathering_submit(haul, server, "/b");
    until_short(haul);
    loopback_continue(server, 0);
    for (uint64_t i = 0; i < BODIES; i++)
        take_body(haul, i, BODY);
    gathering_close(haul);
    assert_loopback(server);
}

/* The parts of one body come one after the other, whichever body that is. */
static void bodies_come_one_after_the_other_out_of_order(void)
{
    static const struct loopback_script scripts[] = {HELD, LARGE, LARGE, LARGE};
    struct loopback *server = loopback_open(scripts, BODIES);
    uint64_t received[BODIES] = {0};
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = BODIES,
                                                              .keep_bodies = true,
                                                              .stream_bodies = true,
                                                              .unordered = true,
                                                              .body_bytes = SMALLEST});
    gathering_submit(haul, server, "/a");
    gathering_until_asked(haul, server, 1);
    for (int i = 1; i < BODIES; i++)
        gathering_submit(haul, server, "/b");
    uint64_t index = BODIES;
    for (int finished = 0; finished < BODIES;) {
        const struct haul_result *part = gathering_next(haul);
        assert_true(index == BODIES || part->index == index);
        assert_int_equal(part->error, HAUL_OK);
        received[part->index] += check_part(part);
        assert_int_equal(part->body_bytes, received[part->index]);
        index = part->more ? part->index : BODIES;
        finished += !part->more;
        check_bounds(&haul->engine);
        haul_release(haul, part);
        if (finished == BODIES - 1)
            loopback_continue(server, 0);
    }
    for (int i = 0; i < BODIES; i++)
        assert_int_equal(received[i], BODY);
    gathering_close(haul);
    assert_loopback(server);
}

/* --- many whole bodies ------------------------------------------------------------------------ */

enum { MANY = 48, MEDIUM = 1048576 };

static const struct loopback_script first_is_held[] = {
    SCRIPT({EXPECT, "GET /a "}, {PAUSE}, {SEND, LAST_LENGTH(1048576)}, {FILL, NULL, MEDIUM},
           {EXPECT_END}),
    SCRIPT_REPEAT({EXPECT, "GET /b "}, {SEND, LAST_LENGTH(1048576)}, {FILL, NULL, MEDIUM},
                  {EXPECT_END}),
};

static struct haul *ask_many(struct loopback *server, bool is_unordered)
{
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = 8, .keep_bodies = true, .unordered = is_unordered, .body_bytes = SMALLEST});
    gathering_submit(haul, server, "/a");
    gathering_until_asked(haul, server, 1);
    for (int i = 1; i < MANY; i++)
        gathering_submit(haul, server, "/b");
    return haul;
}

/* The first stalls; the others finish until their share of the memory is used up. */
static void whole_bodies_wait_for_the_first(void)
{
    struct loopback *server = loopback_open(first_is_held, 2);
    struct haul *haul = ask_many(server, false);
    until_short(haul);
    assert_in_range(haul->engine.requests, 0, MANY - 2);
    loopback_continue(server, 0);
    for (uint64_t i = 0; i < MANY; i++)
        assert_int_equal(take_body(haul, i, MEDIUM), 1);
    gathering_close(haul);
    assert_loopback(server);
}

static void whole_bodies_come_out_of_order(void)
{
    struct loopback *server = loopback_open(first_is_held, 2);
    struct haul *haul = ask_many(server, true);
    for (int i = 0; i < MANY; i++) {
        if (i == MANY - 1)
            loopback_continue(server, 0);
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_OK);
        assert_int_equal(check_part(result), MEDIUM);
        assert_false(result->more);
        haul_release(haul, result);
    }
    gathering_close(haul);
    assert_loopback(server);
}

/* Results that the caller keeps are memory that the next ones lack: those must wait, not fail, and
 * the caller is told, until the oldest is released. */
static void check_kept_bodies(uint32_t concurrency)
{
    enum { COUNT = 5, NINE = 9437184, FIT = SMALLEST / NINE };
    static const struct loopback_script scripts[] = {SCRIPT_REPEAT(
        {EXPECT, "GET /"}, {SEND, LAST_LENGTH(9437184)}, {FILL, NULL, NINE}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    const struct haul_result *kept[COUNT];
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = concurrency, .keep_bodies = true, .body_bytes = SMALLEST});
    for (int i = 0; i < COUNT; i++)
        gathering_submit(haul, server, "/");
    for (int first = 0, count = 0; first < COUNT; first++) {
        const struct haul_result *next;
        int error;
        while ((error = gathering_try(haul, &next, GATHERING_PATIENCE_MS)) == 0)
            kept[count++] = next;
        assert_int_equal(error, count < COUNT ? -EBUSY : -ENODATA);
        assert_in_range(count - first, 1, FIT);
        assert_int_equal(kept[first]->error, HAUL_OK);
        assert_int_equal(kept[first]->index, first);
        assert_int_equal(check_part(kept[first]), NINE);
        haul_release(haul, kept[first]);
    }
    gathering_close(haul);
    assert_loopback(server);
}

static void bodies_that_the_caller_keeps_hold_the_next_one_back(void)
{
    check_kept_bodies(1);
}

static void bodies_that_the_caller_keeps_hold_all_others_back(void)
{
    check_kept_bodies(3);
}

static bool all_await_heads(const struct engine *engine, uint32_t count)
{
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < engine->pool.slab.touched; i++)
        waiting += engine->exchanges.list[i].state == EXCHANGE_HEAD;
    return waiting == count;
}

/* Servers that say nothing may take all the turns there are to receive; not for long. */
static void the_silent_give_way_to_a_body(void)
{
    enum { SILENT = 240, NINE = 9437184 };
    const struct haul_result *result;
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = SILENT + 1,
                                                              .window = SILENT + 2,
                                                              .keep_bodies = true,
                                                              .unordered = true,
                                                              .body_bytes = SMALLEST});
    for (int i = 0; i < SILENT; i++)
        gathering_submit_to(haul, gathering_server_port(), "/stall");
    for (int i = 0; !all_await_heads(&haul->engine, SILENT); i++) {
        assert_in_range(i, 0, GATHERING_PATIENCE_MS / 5);
        assert_int_equal(gathering_try(haul, &result, 5), -EAGAIN);
    }
    gathering_submit_to(haul, gathering_server_port(), "/bytes/9437184");
    result = gathering_next(haul);
    assert_int_equal(result->index, SILENT);
    assert_int_equal(result->error, HAUL_OK);
    assert_int_equal(result->body_bytes, NINE);
    haul_release(haul, result);
    haul_cancel_all(haul);
    for (int i = 0; i < SILENT; i++)
        haul_release(haul, gathering_next(haul));
    gathering_close(haul);
}

/* URLs are kept in the same blocks; however many wait, they leave the bodies what is theirs. */
static void long_urls_leave_room_for_bodies(void)
{
    enum { LONG = 2000, NINE = 9437184 };
    static const struct loopback_script scripts[] = {SCRIPT_REPEAT(
        {EXPECT, "GET /"}, {SEND, LAST_LENGTH(9437184)}, {FILL, NULL, NINE}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = 2, .window = 4096, .keep_bodies = true, .body_bytes = SMALLEST});
    char url[LONG];
    int submitted = 0;
    int length = snprintf(url, sizeof url, "http://127.0.0.1:%u/", loopback_port(server));
    memset(url + length, 'x', LONG - 1 - (size_t)length);
    url[LONG - 1] = '\0';
    while (haul_submit(haul, &(struct haul_request){.url = url}) == 0)
        submitted++;
    assert_int_equal(submitted, haul->engine.budget.url_blocks);
    for (int i = 0; i < 2; i++)
        assert_int_equal(take_body(haul, (uint64_t)i, NINE), 1);
    haul_cancel_all(haul);
    for (int i = 2; i < submitted; i++)
        haul_release(haul, gathering_next(haul));
    gathering_close(haul);
    assert_loopback(server);
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(a_body_larger_than_all_memory_comes_in_parts),
    SCENARIO(a_part_must_be_released_before_the_next),
    SCENARIO(a_body_that_ends_too_early_says_so_at_its_end),
    SCENARIO(a_body_is_cancelled_between_its_parts),
    SCENARIO(without_parts_half_the_memory_is_the_limit),
    SCENARIO(bodies_wait_for_the_first_in_order),
    SCENARIO(bodies_come_one_after_the_other_out_of_order),
    SCENARIO(whole_bodies_wait_for_the_first),
    SCENARIO(whole_bodies_come_out_of_order),
    SCENARIO(bodies_that_the_caller_keeps_hold_the_next_one_back),
    SCENARIO(bodies_that_the_caller_keeps_hold_all_others_back),
    SCENARIO(the_silent_give_way_to_a_body),
    SCENARIO(long_urls_leave_room_for_bodies),
};

int main(void)
{
    return gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof *scenarios);
}
