/* Large bodies whose server stalls, ends or dies anywhere near their end: what was sent is there at
 * once, or nearly, is counted right, and how it ended is told. */

#include "engine/engine.h"
#include "engine/loop/bulk.h"
#include "tests/lib/engine/engine_rows.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH = LOOP_MUCH_BYTES + 300 * 1024, HEAD_BYTES = sizeof REPLY(569344, "") - 1 };
static_assert(LENGTH == 569344, "as its head says");

/* How much of the body is not sent, or not at first. */
static const size_t cuts[] = {
    LENGTH - 1,
    LOOP_MUCH_BYTES + 20000,
    LOOP_MUCH_BYTES + 1,
    LOOP_MUCH_BYTES,
    240000,
    200000,
    BULK_BYTES + 1,
    BULK_BYTES,
    BULK_BYTES - 1,
    60000,
    LOOP_BUFFER_BYTES,
    1000,
    7,
    3,
    2,
    1,
};
enum { CUTS = sizeof cuts / sizeof *cuts };

static struct loopback_script play(size_t cut, struct loopback_row end, struct loopback_row behind)
{
    return (struct loopback_script)SCRIPT({EXPECT, "GET /"}, {SEND, REPLY(569344, "")},
                                          {FILL, NULL, LENGTH - cut}, end, behind);
}

static void submit(struct haul *haul, const struct loopback *server)
{
    gathering_submit(haul, server, "/");
}

static const struct haul_result *next_of(struct haul *haul, enum haul_error error,
                                         enum haul_stage stage)
{
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, error);
    assert_int_equal(result->stage, stage);
    return result;
}

static void check_body(const struct haul_result *result, size_t length)
{
    char *body = malloc(LENGTH);
    assert_non_null(body);
    assert_int_equal(result->body_wire_bytes, length);
    assert_int_equal(haul_body_copy(result, body, LENGTH), length);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(body[i], 'x');
    free(body);
}

/* All that it has sent is there while it stalls; then it goes on. */
static void a_server_may_stall(void)
{
    for (size_t i = 0; i < CUTS; i++) {
        struct loopback_script script =
            play(cuts[i], (struct loopback_row){PAUSE}, (struct loopback_row){FILL, NULL, cuts[i]});
        struct loopback *server = loopback_open(&script, 1);
        struct haul *haul = gathering_open(&(struct haul_options){.keep_bodies = true});
        submit(haul, server);
        gathering_until_received(haul, HEAD_BYTES + LENGTH - cuts[i]);
        loopback_continue(server, 0);
        const struct haul_result *result = next_of(haul, HAUL_OK, HAUL_STAGE_DONE);
        check_body(result, LENGTH);
        haul_release(haul, result);
        gathering_close(haul);
        assert_loopback(server);
    }
}

static void end_each(enum loopback_action action, enum haul_error error)
{
    static struct loopback_script scripts[CUTS];
    for (size_t i = 0; i < CUTS; i++)
        scripts[i] = play(cuts[i], (struct loopback_row){action}, (struct loopback_row){END});
    struct loopback *server = loopback_open(scripts, CUTS);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    for (size_t i = 0; i < CUTS; i++)
        submit(haul, server);
    for (size_t i = 0; i < CUTS; i++) {
        const struct haul_result *result = gathering_next(haul);
        if (action == RESET && result->status == 0) { /* it came before the head */
            assert_int_equal(result->error, error);
        } else {
            assert_int_equal(result->error, error);
            assert_int_equal(result->stage, HAUL_STAGE_BODY);
            assert_in_range(result->body_wire_bytes, action == RESET ? 0 : LENGTH - cuts[i],
                            LENGTH - cuts[i]);
            check_body(result, (size_t)result->body_wire_bytes);
        }
        haul_release(haul, result);
    }
    gathering_close(haul);
    loopback_close(server);
}

static void a_server_may_end(void)
{
    end_each(CLOSE, HAUL_TRUNCATED);
}

static void a_server_may_die(void)
{
    end_each(RESET, HAUL_RECEIVE);
}

/* Whose time is up has what was sent by then. */
static void a_stall_runs_out_of_time(void)
{
    enum { STALLS = 6 };
    static struct loopback_script scripts[STALLS];
    size_t sent = 0;
    for (size_t i = 0; i < STALLS; i++) {
        size_t cut = cuts[i * (CUTS - 1) / (STALLS - 1)];
        scripts[i] = play(cut, (struct loopback_row){HOLD}, (struct loopback_row){END});
        sent += HEAD_BYTES + LENGTH - cut;
    }
    struct loopback *server = loopback_open(scripts, STALLS);
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = STALLS,
        .keep_bodies = true,
        .times = &(const struct haul_times){.speed_limit = 1, .speed_ms = 3000}});
    for (size_t i = 0; i < STALLS; i++)
        submit(haul, server);
    gathering_until_received(haul, sent);
    for (size_t i = 0, left = sent; i < STALLS; i++) {
        const struct haul_result *result = next_of(haul, HAUL_DEADLINE, HAUL_STAGE_BODY);
        check_body(result, (size_t)result->body_wire_bytes);
        left -= HEAD_BYTES + (size_t)result->body_wire_bytes;
        assert_true(i + 1 < STALLS || left == 0);
        haul_release(haul, result);
    }
    gathering_close(haul);
    loopback_close(server);
}

/* A byte a millisecond is no stall, for longer than one may last. */
static void a_slow_body_is_seen_to_move(void)
{
    struct haul *haul = gathering_open(&(struct haul_options){
        .keep_bodies = true,
        .times = &(const struct haul_times){.speed_limit = 1, .speed_ms = 3000}});
    gathering_submit_to(haul, gathering_server_port(), "/drip/300000/1");
    for (int steps = 0; haul->engine.bytes_received < 3500;)
        engine_step(haul, &steps);
    haul_close(haul);
}

int main(void)
{
    static const struct gathering_scenario scenarios[] = {
        SCENARIO(a_server_may_stall),
        SCENARIO(a_server_may_end),
        SCENARIO(a_server_may_die),
        SCENARIO(a_stall_runs_out_of_time),
        SCENARIO(a_slow_body_is_seen_to_move),
    };
    gathering_apart();
    return gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof *scenarios);
}
