/* Where blocks are short, and what is paused holds all the places that the request whose turn it
 * is could have: one of them gives its own up, and is asked for again. In order, and out of order
 * while a body comes in parts. */

#include "engine/engine.h"
#include "tests/lib/gathering.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define SMALL OK "Content-Length: 1\r\n\r\na"
#define BUSY "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
#define MIB (1024 * 1024)

enum { MEMORY = 20 * MIB, LARGE = 40 * MIB, HALF = 20 * MIB }; /* the least memory there is */

#define GET(path)                                                                                  \
    {                                                                                              \
        EXPECT, "GET " path " HTTP/1.1\r\n"                                                        \
    }
#define LARGE_BODY                                                                                 \
    {SEND, OK "Content-Length: 41943040\r\n\r\n"},                                                 \
    {                                                                                              \
        FILL, NULL, LARGE                                                                          \
    }
#define HALF_BODY                                                                                  \
    {SEND, OK "Content-Length: 20971520\r\n\r\n"},                                                 \
    {                                                                                              \
        FILL, NULL, HALF                                                                           \
    }

/* So late that whoever waits has the place by then, on a busy machine too. */
enum { DELAY_MS = 200 };
static const struct haul_retry once = {.max = 1, .delay_ms = DELAY_MS};
static const struct haul_limits one_a_host = {.max_per_host = 1};

/* --- asking ----------------------------------------------------------------------------------- */

static struct loopback *server;
static char rule[64];
static const char *const rules[] = {rule, NULL};

static struct haul *open_to(const struct loopback_script *scripts, size_t count,
                            struct haul_options options)
{
    server = loopback_open(scripts, count);
    snprintf(rule, sizeof rule, "*:%u:127.0.0.1", loopback_port(server));
    options.concurrency = options.concurrency ? options.concurrency : 4;
    options.keep_bodies = options.stream_bodies = true;
    options.body_bytes = MEMORY;
    options.resolve = rules;
    return gathering_open(&options);
}

#define OPEN(scripts, ...)                                                                         \
    open_to(scripts, sizeof scripts / sizeof *scripts, (struct haul_options){__VA_ARGS__})

static void submit(struct haul *haul, const char *method, const char *host, const char *path)
{
    char url[128];
    snprintf(url, sizeof url, "http://%s.test:%u%s", host, loopback_port(server), path);
    struct haul_request request = {.url = url, .method = method, .has_body = method != NULL};
    assert_int_equal(haul_submit(haul, &request), 0);
}

static void until_short(struct haul *haul)
{
    const struct haul_result *result;
    for (int i = 0; !haul->engine.pressure.is_short; i++) {
        assert_in_range(i, 0, GATHERING_PATIENCE_MS / 5);
        assert_int_equal(gathering_try(haul, &result, 5), -EAGAIN);
    }
}

/* Of one request all parts, one after the other: its status and length, and how often it was
 * begun. */
static void take(struct haul *haul, uint64_t index, uint64_t length, uint32_t attempts)
{
    uint64_t received = 0;
    for (bool has_more = true; has_more;) {
        const struct haul_result *result = gathering_next(haul);
        if (result->error != HAUL_OK)
            fail_msg("%d: %s", (int)result->index, result->message);
        assert_int_equal(result->status, 200);
        assert_int_equal(result->index, index);
        for (const struct haul_piece *piece = result->body; piece; piece = piece->next)
            received += piece->length;
        has_more = result->more;
        assert_true(has_more || result->attempts == attempts);
        haul_release(haul, result);
    }
    assert_int_equal(received, length);
}

static void done(struct haul *haul)
{
    gathering_close(haul);
    assert_loopback(server);
}

/* --- in order --------------------------------------------------------------------------------- */

/* The second has begun on the connection of the first, which waits to be tried again. */
static void a_retry_gets_its_place_at_its_host(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT(GET("/a"), {SEND, BUSY}, GET("/b"), LARGE_BODY, {EXPECT_END}),
        SCRIPT(GET("/a"), {SEND, SMALL}, GET("/b"), LARGE_BODY, {EXPECT_END}),
    };
    struct haul *haul = OPEN(scripts, .retry = &once, .limits = &one_a_host);
    submit(haul, NULL, "x", "/a");
    submit(haul, NULL, "x", "/b");
    take(haul, 0, 1, 2);
    take(haul, 1, LARGE, 2);
    assert_int_equal(haul->engine.retried, 1);
    done(haul);
}

static void a_hop_gets_its_place_at_the_next_host(void)
{
    static const struct haul_redirect follow = {.follow = true};
    static struct loopback_script scripts[] = {
        SCRIPT(GET("/a"), {PAUSE}, {SEND, NULL}, {EXPECT_END}),
        SCRIPT(GET("/b"), LARGE_BODY, {EXPECT_END}),
        SCRIPT(GET("/there"), {SEND, SMALL}, GET("/b"), LARGE_BODY, {EXPECT_END}),
    };
    char head[128];
    scripts[0].rows[2].text = head;
    struct haul *haul = OPEN(scripts, .redirect = &follow, .limits = &one_a_host);
    snprintf(head, sizeof head,
             "HTTP/1.1 302 There\r\nLocation: http://y.test:%u/there\r\nContent-Length: 0\r\n\r\n",
             loopback_port(server));
    submit(haul, NULL, "x", "/a");
    gathering_until_asked(haul, server, 1);
    submit(haul, NULL, "y", "/b");
    until_short(haul);
    loopback_continue(server, 0);
    take(haul, 0, 1, 2);
    take(haul, 1, LARGE, 2);
    done(haul);
}

/* Of several the one that comes last. */
static void the_last_makes_way(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT(GET("/a"), {PAUSE}, {SEND, BUSY}, GET("/c"), HALF_BODY, {EXPECT_END}),
        SCRIPT(GET("/b"), {PAUSE}, HALF_BODY, {EXPECT_END}),
        SCRIPT(GET("/a"), {SEND, SMALL}, GET("/c"), HALF_BODY, {EXPECT_END}),
    };
    struct haul *haul =
        OPEN(scripts, .retry = &once, .limits = &(const struct haul_limits){.max_per_host = 2});
    submit(haul, NULL, "x", "/a");
    gathering_until_asked(haul, server, 1);
    submit(haul, NULL, "x", "/b");
    gathering_until_asked(haul, server, 2);
    submit(haul, NULL, "x", "/c");
    loopback_continue(server, 0);
    gathering_until_asked(haul, server, 3);
    loopback_continue(server, 1);
    take(haul, 0, 1, 2);
    take(haul, 1, HALF, 1);
    take(haul, 2, HALF, 2);
    done(haul);
}

/* A third host stood behind the address before the one whose turn it is. */
static void a_retry_gets_its_place_at_its_address(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT(GET("/a"), {SEND, BUSY}, {EXPECT_END}),  SCRIPT(GET("/b"), LARGE_BODY, {EXPECT_END}),
        SCRIPT(GET("/a"), {SEND, SMALL}, {EXPECT_END}), SCRIPT(GET("/b"), LARGE_BODY, {EXPECT_END}),
        SCRIPT(GET("/c"), {SEND, SMALL}, {EXPECT_END}),
    };
    struct haul *haul = OPEN(scripts, .retry = &(const struct haul_retry){.max = 1, .delay_ms = 40},
                             .limits = &(const struct haul_limits){.max_per_address = 1});
    submit(haul, NULL, "x", "/a");
    submit(haul, NULL, "y", "/b");
    submit(haul, NULL, "z", "/c");
    take(haul, 0, 1, 2);
    take(haul, 1, LARGE, 2);
    take(haul, 2, 1, 1);
    done(haul);
}

/* The 503 has halved what the host may have. */
static void a_retry_gets_its_place_at_a_host_that_has_fewer(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT(GET("/a"), {PAUSE}, {SEND, BUSY}, GET("/a"), {SEND, SMALL}, GET("/b"), LARGE_BODY,
               {EXPECT_END}),
        SCRIPT(GET("/b"), LARGE_BODY, {EXPECT_END}),
    };
    struct haul *haul =
        OPEN(scripts, .retry = &once,
             .limits = &(const struct haul_limits){.max_per_host = 3, .adaptive = 1});
    submit(haul, NULL, "x", "/a");
    gathering_until_asked(haul, server, 1);
    submit(haul, NULL, "x", "/b");
    until_short(haul);
    loopback_continue(server, 0);
    take(haul, 0, 1, 2);
    take(haul, 1, LARGE, 2);
    done(haul);
}

/* --- out of order ----------------------------------------------------------------------------- */

/* Parts of it are handed out, and nothing else comes before the rest. */
static void a_body_in_parts_goes_on(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT(GET("/a"), {SEND, OK "ETag: \"v\"\r\nContent-Length: 41943040\r\n\r\n"},
               {FILL, NULL, HALF}, {PAUSE}, {CLOSE}),
        SCRIPT(GET("/b"), LARGE_BODY, {EXPECT_END}),
        SCRIPT(GET("/a"), {HAS, "\r\nRange: bytes=20971520-\r\n"},
               {SEND, "HTTP/1.1 206 Rest\r\nETag: \"v\"\r\nContent-Length: 20971520\r\n"
                      "Content-Range: bytes 20971520-41943039/41943040\r\n\r\n"},
               {FILL, NULL, HALF}, GET("/b"), LARGE_BODY, {EXPECT_END}),
    };
    uint64_t received = 0;
    struct haul *haul = OPEN(scripts, .retry = &once, .limits = &one_a_host, .unordered = true);
    submit(haul, NULL, "x", "/a");
    submit(haul, NULL, "x", "/b");
    while (received < HALF) {
        const struct haul_result *part = gathering_next(haul);
        assert_true(part->index == 0 && part->more);
        received = part->body_bytes;
        haul_release(haul, part);
    }
    loopback_continue(server, 0);
    take(haul, 0, HALF, 2);
    take(haul, 1, LARGE, 2);
    done(haul);
}

/* --- what may not be sent twice --------------------------------------------------------------- */

/* It comes to its end; what waits for its place has none. */
static void a_post_is_not_sent_twice(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT(GET("/a"), {SEND, BUSY}, {EXPECT_END}),
        SCRIPT({EXPECT, "POST /b "}, LARGE_BODY, {EXPECT_END}),
    };
    struct haul *haul = OPEN(scripts, .retry = &once, .limits = &one_a_host);
    submit(haul, NULL, "x", "/a");
    submit(haul, "POST", "x", "/b");
    gathering_expect_one(haul, "0 limit@queue ''");
    take(haul, 1, LARGE, 1);
    done(haul);
}

static void a_post_that_may_be_repeated_makes_way(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT(GET("/a"), {SEND, BUSY}, {EXPECT_END}),
        SCRIPT({EXPECT, "POST /b "}, LARGE_BODY, {EXPECT_END}),
        SCRIPT(GET("/a"), {SEND, SMALL}, {EXPECT_END}),
        SCRIPT({EXPECT, "POST /b "}, LARGE_BODY, {EXPECT_END}),
    };
    struct haul *haul = OPEN(
        scripts,
        .retry = &(const struct haul_retry){.max = 1, .delay_ms = DELAY_MS, .all_methods = true},
        .limits = &one_a_host);
    submit(haul, NULL, "x", "/a");
    submit(haul, "POST", "x", "/b");
    take(haul, 0, 1, 2);
    take(haul, 1, LARGE, 2);
    done(haul);
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(a_retry_gets_its_place_at_its_host),
    SCENARIO(a_hop_gets_its_place_at_the_next_host),
    SCENARIO(the_last_makes_way),
    SCENARIO(a_retry_gets_its_place_at_its_address),
    SCENARIO(a_retry_gets_its_place_at_a_host_that_has_fewer),
    SCENARIO(a_body_in_parts_goes_on),
    SCENARIO(a_post_is_not_sent_twice),
    SCENARIO(a_post_that_may_be_repeated_makes_way),
};

int main(void)
{
    return gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof *scenarios);
}
