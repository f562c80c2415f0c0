/* Kept connections that are not to be relied on: servers that close behind each reply without
 * saying so, times that a reply states, times that an option states. */

#include "engine/engine.h"
#include "tests/lib/gathering.h"

enum { POSTS = 400 };

#define REPLY "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"

static const struct loopback_script closes_each_time[] = {
    SCRIPT_REPEAT({EXPECT, "POST /"}, {SEND, REPLY "x"}, {CLOSE}),
};

/* The reply says nothing of it; whatever is sent after it is lost. */
static void no_request_is_lost_where_each_reply_is_the_last(void)
{
    const uint32_t at_once[] = {1, 8, 64};
    for (size_t i = 0; i < sizeof at_once / sizeof *at_once; i++) {
        struct loopback *server = loopback_open(closes_each_time, 1);
        struct haul *haul = gathering_open(
            &(struct haul_options){.concurrency = at_once[i], .method = "POST", .has_body = true});
        gathering_note("%u at once", at_once[i]);
        for (uint32_t j = 0; j < POSTS; j++)
            gathering_submit(haul, server, "/");
        for (uint32_t j = 0; j < POSTS; j++) {
            const struct haul_result *result = gathering_next(haul);
            assert_int_equal(result->error, HAUL_OK);
            assert_int_equal(result->status, 200);
            haul_release(haul, result);
        }
        gathering_close(haul);
        assert_loopback(server);
    }
}

/* Where links are kept they are used: at most a few are opened until that is known. */
static void who_keeps_connections_is_asked_on_them(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "POST /a "}, {SEND, REPLY "a"}, {EXPECT, "POST /b "}, {SEND, REPLY "b"},
               {EXPECT, "POST /c "}, {SEND, REPLY "c"}, {EXPECT_END}),
    };
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    gathering_submit(haul, server, "POST /a");
    gathering_submit(haul, server, "POST /b");
    gathering_submit(haul, server, "POST /c");
    gathering_expect(haul, "200 ok 'a'\n200 ok 'b' reused\n200 ok 'c' reused\n");
    gathering_close(haul);
    assert_loopback(server);
}

#define STATES(seconds)                                                                            \
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nKeep-Alive: timeout=" #seconds "\r\n\r\n"

/* Less one second: of one second nothing is left. */
static void what_a_reply_states_is_obeyed(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, STATES(1) "a"}, {EXPECT_END}),
        SCRIPT({EXPECT, "GET /b "}, {SEND, STATES(600) "b"}, {EXPECT, "GET /c "},
               {SEND, STATES(2) "c"}, {EXPECT_END}),
        SCRIPT({EXPECT, "GET /d "}, {SEND, STATES(0) "d"}, {EXPECT_END}),
    };
    struct loopback *server = loopback_open(scripts, 3);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    gathering_submit(haul, server, "/a");
    gathering_submit(haul, server, "/b");
    gathering_submit(haul, server, "/c");
    gathering_expect(haul, "200 ok 'a'\n200 ok 'b'\n200 ok 'c' reused\n");
    struct engine *engine = &haul->engine;
    uint32_t idle = engine->pool.idle_newest;
    uint64_t due_ns = engine->deadlines.entries[idle].due_ns;
    assert_in_range(due_ns - engine->pool.slots[idle].idle_ns, 1000000000, 1000000000);
    engine->deadlines.entries[idle].due_ns = 1; /* as if it were over */
    gathering_submit(haul, server, "/d");
    gathering_expect(haul, "200 ok 'd'\n");
    gathering_close(haul);
    assert_loopback(server);
}

static const struct {
    int64_t option_ms;
    uint64_t kept_ns;
} idle_times[] = {
    {0, UINT64_C(60000000000)},
    {5000, UINT64_C(5000000000)},
    {700000, UINT64_C(599000000000)}, /* the reply's, less one second */
    {-1, UINT64_C(599000000000)},
};

static void the_option_bounds_what_is_stated(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, STATES(600) "a"}, {EXPECT_END}),
    };
    for (size_t i = 0; i < sizeof idle_times / sizeof *idle_times; i++) {
        struct loopback *server = loopback_open(scripts, 1);
        struct haul *haul = gathering_open(&(struct haul_options){
            .keep_bodies = true, .idle_timeout_ms = idle_times[i].option_ms});
        gathering_submit(haul, server, "/a");
        gathering_expect(haul, "200 ok 'a'\n");
        const struct engine *engine = &haul->engine;
        uint32_t idle = engine->pool.idle_newest;
        assert_int_equal(engine->deadlines.entries[idle].due_ns - engine->pool.slots[idle].idle_ns,
                         idle_times[i].kept_ns);
        gathering_close(haul);
        assert_loopback(server);
    }
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(no_request_is_lost_where_each_reply_is_the_last),
    SCENARIO(who_keeps_connections_is_asked_on_them),
    SCENARIO(what_a_reply_states_is_obeyed),
    SCENARIO(the_option_bounds_what_is_stated),
};

int main(void)
{
    return gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof *scenarios);
}
