/* Every way to spoil a kept connection, behind every kind of reply: what the server says unasked,
 * or that it ends, must never reach the next request, which goes out on a connection of its own. */

#include "engine/engine.h"
#include "tests/lib/engine/engine_rows.h"

#include <string.h>

#define EVIL OK "Content-Length: 4\r\n\r\nEVIL"
#define GOOD "HTTP/1.1 299 Good\r\nContent-Length: 0\r\n\r\n"

static const struct {
    const char *request;
    const char *reply;
    const char *line;
} replies[] = {
    {"/a", REPLY(1, "a"), "200 ok ''"},
    {"/a", REPLY(0, ""), "200 ok ''"},
    {"/a", CHUNKED "1\r\na\r\n0\r\n\r\n", "200 ok ''"},
    {"/a", "HTTP/1.1 204 No Content\r\n\r\n", "204 ok ''"},
    {"/a", "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n", "304 ok ''"},
    {"HEAD /a", REPLY(4, ""), "200 ok ''"},
};

/* Up to two rows that the server plays behind the reply. */
static const struct loopback_row spoils[][2] = {
    {{SEND, EVIL}},
    {{SEND, EVIL EVIL}},
    {{SEND, EVIL}, {FIN}},
    {{SEND, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"},
     {FIN}},
    {{SEND, "HTTP/1.1 200 OK\r\nContent-Le"}},
    {{SEND, "HTTP/1.1 200 OK\r\nContent-Le"}, {FIN}},
    {{SEND, "HTTP/1.1 100 Continue\r\n\r\n"}},
    {{SEND, "EVIL"}},
    {{SEND, "0\r\n\r\n"}},
    {{SEND, "\r\n"}},
    {{SEND, "\0", 1}},
    {{FILL, NULL, 65536}},
    {{FILL, NULL, 65536}, {FIN}},
    {{FIN}},
};

enum {
    REPLIES = sizeof replies / sizeof *replies,
    SPOILS = sizeof spoils / sizeof *spoils,
    ROWS_OF_SPOIL = 2,
};

/* The reply behind a pause; the spoiling at once, or behind another; a last pause says that all of
 * it is sent. */
static void write_script(struct loopback_script *script, size_t reply, size_t spoil, bool is_late)
{
    struct loopback_row *row = script->rows;
    memset(script, 0, sizeof *script);
    *row++ = (struct loopback_row){EXPECT, strncmp(replies[reply].request, "HEAD", 4) ? "GET /a "
                                                                                      : "HEAD /a "};
    *row++ = (struct loopback_row){PAUSE};
    *row++ = (struct loopback_row){SEND, replies[reply].reply};
    if (is_late)
        *row++ = (struct loopback_row){PAUSE};
    for (size_t i = 0; i < ROWS_OF_SPOIL && spoils[spoil][i].action != END; i++)
        *row++ = spoils[spoil][i];
    *row++ = (struct loopback_row){PAUSE};
    *row++ = (struct loopback_row){EXPECT_END};
}

/* While the server spoils it the engine does not run: the next run both finds it and needs a
 * connection. */
static void check(uint32_t concurrency, size_t reply, size_t spoil, bool is_late)
{
    struct loopback_script scripts[2] = {{{{END}}},
                                         SCRIPT({EXPECT, "GET /b "}, {SEND, GOOD}, {EXPECT_END})};
    write_script(&scripts[0], reply, spoil, is_late);
    gathering_note("reply %zu, spoil %zu, %s, concurrency %u", reply, spoil,
                   is_late ? "late" : "at once", concurrency);
    struct loopback *server = loopback_open(scripts, 2);
    assert_non_null(server);
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = concurrency});
    gathering_submit(haul, server, replies[reply].request);
    gathering_until_asked(haul, server, 1);
    loopback_continue(server, 0);
    if (is_late)
        gathering_expect_one(haul, replies[reply].line);
    else
        assert_true(loopback_wait_paused(server, 0, 2));
    if (is_late) {
        loopback_continue(server, 0);
        assert_true(loopback_wait_paused(server, 0, 3));
    } else {
        gathering_expect_one(haul, replies[reply].line);
    }
    haul->engine.left_ns -= 1000000; /* so long as it takes the server at least */
    gathering_submit(haul, server, "/b");
    gathering_expect(haul, "299 ok ''\n");
    assert_int_equal(haul->engine.retries, 0);
    loopback_continue(server, 0);
    gathering_close(haul);
    assert_loopback(server);
}

void engine_check_spoilt(uint32_t concurrency)
{
    size_t kinds = concurrency == 1 ? REPLIES : 1;
    for (size_t i = 0; i < kinds * SPOILS; i++) {
        check(concurrency, i / SPOILS, i % SPOILS, false);
        check(concurrency, i / SPOILS, i % SPOILS, true);
    }
}
