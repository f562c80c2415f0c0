/* One connection of each client of the load generator, against a scripted server, plain and over
 * TLS: what is kept, what is asked again, what counts as what. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/load/conductor.h"
#include "tests/lib/loopback.h"
#include "tests/lib/patience.h"
#include "tests/lib/running.h"
#include "tests/lib/tls/tls_loopback.h"

#include <stdio.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

enum { SCRIPTS_MAX = 8, PATHS_MAX = 3, URL_BYTES = 64 };
enum { SHORT_LINGER_NS = 50000000 }; /* where no end is to come */

#define OK "HTTP/1.1 200 OK\r\n"
#define REPLY(length, body) OK "Content-Length: " #length "\r\n\r\n" body
#define LAST_REPLY(length, body) OK "Connection: close\r\nContent-Length: " #length "\r\n\r\n" body
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

/* The run itself comes first, to see that somebody listens, and says nothing. */
#define CALL SCRIPT({EXPECT_END})

struct row {
    const char *name;
    struct loopback_script scripts[SCRIPTS_MAX]; /* those that are empty are none */
    const char *paths[PATHS_MAX];                /* none: "/a" */
    struct load_options options;
    const char *summary;
    const char *tls_summary;     /* NULL: as summary */
    const char *threads_summary; /* NULL: as these */
    uint64_t threads_timeout_ns; /* 0: that of the options */
    bool is_plain;               /* TLS would cut its bytes otherwise */
    bool is_race;                /* whether a request is sent before the end came is not known */
    uint64_t unseen;             /* requests that failed before they were sent */
};

/* More than fits between a client that sends and a server that does not read. */
static const char long_body[8 << 20];

#define LONG_BODY                                                                                  \
    {                                                                                              \
        .has_body = true, .body = long_body, .body_length = sizeof long_body                       \
    }

/* A reply that fills a receive buffer of 16 KiB to its last byte, and one that nobody asked for. */
#define FULL_HEAD OK "Content-Length: 16342\r\n\r\n"
enum { FULL_BYTES = 16384, TWO_BYTES = FULL_BYTES + sizeof REPLY(1, "x") - 1 };
static char two_replies[TWO_BYTES + 1];

static void two_replies_make(void)
{
    memset(two_replies, 'x', FULL_BYTES);
    memcpy(two_replies, FULL_HEAD, sizeof FULL_HEAD - 1);
    memcpy(two_replies + FULL_BYTES, REPLY(1, "x"), sizeof REPLY(1, "x"));
}

static const struct row rows[] = {
    {
        "the connection is kept",
        {CALL, SCRIPT({EXPECT, "GET /a HTTP/1.1\r\nHost: 127.0.0.1:"}, {SEND, REPLY(5, "hello")},
                      {EXPECT, "GET /a "}, {SEND, REPLY(0, "")}, {EXPECT, "GET /a "},
                      {SEND, REPLY(2, "ab")}, {EXPECT_END})},
        .options = {.requests = 3},
        .summary = "200 x3; 1 connections; 7 body bytes",
    },
    {
        "targets in their order, round and round",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "},
                      {SEND, REPLY(2, "bb")}, {EXPECT, "GET /c "}, {SEND, REPLY(3, "ccc")},
                      {EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})},
        .paths = {"/a", "/b", "/c"},
        .options = {.requests = 4},
        .summary = "200 x4; 1 connections; 7 body bytes",
    },
    {
        "a reply in crumbs",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND_BYTES, REPLY(5, "hello")}, {EXPECT, "GET /a "},
                      {SEND_BYTES, CHUNKED "3\r\nabc\r\n0\r\n\r\n"}, {EXPECT_END})},
        .options = {.requests = 2},
        .summary = "200 x2; 1 connections; 8 body bytes",
    },
    {
        "a long body",
        {CALL,
         SCRIPT({EXPECT, "GET /a "}, {SEND, OK "Content-Length: 300000\r\n\r\n"},
                {FILL, NULL, 300000}, {EXPECT, "GET /a "}, {SEND, REPLY(0, "")}, {EXPECT_END})},
        .options = {.requests = 2},
        .summary = "200 x2; 1 connections; 300000 body bytes",
    },
    {
        "interim heads",
        {CALL, SCRIPT({EXPECT, "GET /a "},
                      {SEND, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" REPLY(
                                 1, "a")},
                      {EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})},
        .options = {.requests = 2},
        .summary = "200 x2; 1 connections; 2 body bytes",
    },
    {
        "HEAD",
        {CALL, SCRIPT({EXPECT, "HEAD /a "}, {SEND, REPLY(5000, "")}, {EXPECT, "HEAD /a "},
                      {SEND, CHUNKED}, {EXPECT_END})},
        .options = {.requests = 2, .http = {.method = "HEAD"}},
        .summary = "200 x2; 1 connections; 0 body bytes",
    },
    {
        "POST",
        {CALL,
         SCRIPT({EXPECT, "POST /a "}, {HAS, "\r\nContent-Length: 5\r\n"}, {HAS, "\r\nX-A: b\r\n"},
                {EXPECT_BODY, "a=b&c"}, {SEND, REPLY(1, "a")}, {EXPECT, "POST /a "},
                {EXPECT_BODY, "a=b&c"}, {SEND, REPLY(1, "a")}, {EXPECT_END})},
        .options = {.requests = 2,
                    .http = {.has_body = true,
                             .body = "a=b&c",
                             .body_length = 5,
                             .headers = (const char *const[]){"X-A: b", NULL}}},
        .summary = "200 x2; 1 connections; 2 body bytes",
    },
    {
        "a reply before the request is whole",
        {CALL,
         SCRIPT({EXPECT, "POST /a "}, {SEND, REPLY(1, "a")},
                {EXPECT_BODY, long_body, sizeof long_body}, {EXPECT, "POST /b "},
                {EXPECT_BODY, long_body, sizeof long_body}, {SEND, REPLY(1, "b")}, {EXPECT_END})},
        .paths = {"/a", "/b"},
        .options = {.requests = 2, .http = LONG_BODY},
        .summary = "200 x2; 1 connections; 2 body bytes",
    },
    {
        "a reply to a request that is never read", /* what only sends does not see it */
        {CALL, SCRIPT({EXPECT, "POST /a "}, {SEND, REPLY(1, "a")}, {HOLD}),
         SCRIPT({EXPECT, "POST /a "}, {SEND, REPLY(1, "b")}, {HOLD})},
        .options = {.requests = 2, .timeout_ns = 1000 * 1000000, .http = LONG_BODY},
        .summary = "200 x2; 2 connections; 2 body bytes",
        .threads_summary = "deadline x2; 2 connections; 0 body bytes",
        .threads_timeout_ns = 400 * 1000000,
    },
    {
        "statuses are no failures",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, "HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx"},
                      {EXPECT, "GET /a "}, {SEND, "HTTP/1.1 503 No\r\nContent-Length: 1\r\n\r\nx"},
                      {EXPECT, "GET /a "}, {SEND, "HTTP/1.1 204 No\r\n\r\n"}, {EXPECT_END})},
        .options = {.requests = 3},
        .summary = "204 x1, 404 x1, 503 x1; 1 connections; 2 body bytes",
    },

    /* --- the connection ends between replies -------------------------------------------------- */
    {
        "what was asked behind the last reply may not be asked twice",
        {CALL,
         SCRIPT({EXPECT, "POST /a "}, {EXPECT_BODY, "x"}, {EXPECT, "POST /a "}, {EXPECT_BODY, "x"},
                {SEND, LAST_REPLY(1, "a")}, {CLOSE}),
         SCRIPT({EXPECT, "POST /a "}, {EXPECT_BODY, "x"}, {SEND, REPLY(1, "a")}, {EXPECT_END})},
        .options = {.requests = 3,
                    .pipeline = 2,
                    .http = {.has_body = true, .body = "x", .body_length = 1}},
        .summary = "200 x2, receive x1; 2 connections; 2 body bytes",
    },
    {
        "the server says that it closes, and closes",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {CLOSE}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "b")}, {CLOSE})},
        .options = {.requests = 2},
        .summary = "200 x2; 2 connections; 2 body bytes",
    },
    {
        "the server says that it closes, and does not",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {EXPECT_END}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "b")}, {EXPECT_END})},
        .options = {.requests = 2, .linger_ns = SHORT_LINGER_NS},
        .summary = "200 x2; 2 connections; 2 body bytes",
    },
    {
        "the server closes without a word",
        {CALL,
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "},
                {SEND, REPLY(1, "b")}, {CLOSE}),
         SCRIPT({EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {CLOSE}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})},
        .paths = {"/a", "/b", "/c"},
        .options = {.requests = 4},
        .summary = "200 x4; 3 connections; 4 body bytes",
        .is_race = true,
    },
    {
        "the server closes when it is asked again",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "}, {CLOSE}),
         SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT, "GET /c "}, {RESET}),
         SCRIPT({EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT_END})},
        .paths = {"/a", "/b", "/c"},
        .options = {.requests = 3},
        .summary = "200 x3; 3 connections; 3 body bytes; 2 resent",
    },
    {
        "what may not be asked twice is not sent again",
        {CALL,
         SCRIPT({EXPECT, "POST /a "}, {EXPECT_BODY, "x"}, {SEND, REPLY(1, "a")},
                {EXPECT, "POST /b "}, {EXPECT_BODY, "x"}, {CLOSE}),
         SCRIPT({EXPECT, "POST /c "}, {EXPECT_BODY, "x"}, {SEND, REPLY(1, "c")},
                {EXPECT, "POST /a "}, {EXPECT_BODY, "x"}, {RESET}),
         SCRIPT({EXPECT, "POST /b "}, {EXPECT_BODY, "x"}, {SEND, REPLY(1, "b")}, {EXPECT_END})},
        .paths = {"/a", "/b", "/c"},
        .options = {.requests = 5, .http = {.has_body = true, .body = "x", .body_length = 1}},
        .summary = "200 x3, receive x2; 3 connections; 3 body bytes",
    },
    {
        "nor is a method that nobody knows",
        {CALL, SCRIPT({EXPECT, "GIVE /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GIVE /a "}, {CLOSE}),
         SCRIPT({EXPECT, "GIVE /a "}, {SEND, REPLY(1, "c")}, {EXPECT_END})},
        .options = {.requests = 3, .http = {.method = "GIVE"}},
        .summary = "200 x2, receive x1; 2 connections; 2 body bytes",
    },
    {
        "PUT may be asked twice",
        {CALL,
         SCRIPT({EXPECT, "PUT /a "}, {EXPECT_BODY, "x"}, {SEND, REPLY(1, "a")}, {EXPECT, "PUT /a "},
                {EXPECT_BODY, "x"}, {CLOSE}),
         SCRIPT({EXPECT, "PUT /a "}, {EXPECT_BODY, "x"}, {SEND, REPLY(1, "c")}, {EXPECT_END})},
        .options = {.requests = 2,
                    .http = {.method = "PUT", .has_body = true, .body = "x", .body_length = 1}},
        .summary = "200 x2; 2 connections; 2 body bytes; 1 resent",
    },
    {
        "a request is sent again once a connection",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /a "}, {RESET}),
         SCRIPT({EXPECT, "GET /a "}, {RESET}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})},
        .options = {.requests = 3},
        .summary = "200 x2, receive x1; 3 connections; 2 body bytes; 1 resent",
    },
    {
        "the server closes a new connection on what it is asked",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {CLOSE}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})},
        .options = {.requests = 2},
        .summary = "200 x1, receive x1; 2 connections; 1 body bytes",
    },
    {
        "the server never answers, and closes",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {CLOSE}), SCRIPT({EXPECT, "GET /b "}, {RESET}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})},
        .paths = {"/a", "/b"},
        .options = {.requests = 3},
        .summary = "200 x1, receive x2; 3 connections; 1 body bytes",
    },
    {
        "what a connection is never answered is not hidden by another target",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "}, {RESET}),
         SCRIPT({EXPECT, "GET /b "}, {RESET}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "}, {RESET}),
         SCRIPT({EXPECT, "GET /b "}, {RESET})},
        .paths = {"/a", "/b"},
        .options = {.requests = 4},
        .summary = "200 x2, receive x2; 4 connections; 2 body bytes; 2 resent",
    },
    {
        "surplus behind a reply, in the next buffer",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, two_replies, TWO_BYTES}, {EXPECT_END}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "b")}, {EXPECT_END})},
        .options = {.requests = 2},
        .summary = "200 x2; 2 connections; 16343 body bytes",
        .is_plain = true,
    },
    {
        "surplus behind a reply",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "aHTTP/1.1 200 OK")}, {EXPECT_END}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "b")}, {EXPECT_END})},
        .options = {.requests = 2},
        .summary = "200 x2; 2 connections; 2 body bytes",
    },

    /* --- a connection a request --------------------------------------------------------------- */
    {
        "the request says that it is the last",
        {CALL,
         SCRIPT({EXPECT, "GET /a "}, {HAS, "\r\nConnection: close\r\n"}, {SEND, LAST_REPLY(1, "a")},
                {CLOSE}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {CLOSE})},
        .options = {.requests = 2, .is_closing = true},
        .summary = "200 x2; 2 connections; 2 body bytes",
    },
    {
        "the request says that it is the last, and the server does not care",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})},
        .options = {.requests = 2, .is_closing = true, .linger_ns = SHORT_LINGER_NS},
        .summary = "200 x2; 2 connections; 2 body bytes",
    },
    {
        "the client waits for the server to close first",
        {CALL,
         SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {FIN}, {EXPECT_UNNOTIFIED_END}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {FIN}, {EXPECT_UNNOTIFIED_END})},
        .options = {.requests = 2, .is_closing = true},
        .summary = "200 x2; 2 connections; 2 body bytes",
    },
    {
        "HTTP/1.0",
        {CALL,
         SCRIPT({EXPECT, "GET /a HTTP/1.0\r\n"}, {SEND, "HTTP/1.0 200 OK\r\n\r\nall"}, {CLOSE}),
         SCRIPT({EXPECT, "GET /a HTTP/1.0\r\n"},
                {SEND, "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nall"}, {CLOSE}),
         SCRIPT({EXPECT, "GET /a HTTP/1.0\r\n"}, {SEND, REPLY(3, "all")}, {CLOSE})},
        .options = {.requests = 3, .is_http10 = true},
        .summary = "200 x3; 3 connections; 9 body bytes",
    },
    {
        "HTTP/1.0, kept",
        {CALL,
         SCRIPT({EXPECT, "GET /a HTTP/1.0\r\n"},
                {SEND, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na"},
                {EXPECT, "GET /a HTTP/1.0\r\n"},
                {SEND, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na"},
                {EXPECT_END})},
        .options = {.requests = 2, .is_http10 = true},
        .summary = "200 x2; 1 connections; 2 body bytes",
    },

    /* --- the connection ends inside a reply --------------------------------------------------- */
    {
        "until the connection's end",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, OK "\r\nall of it"}, {CLOSE}),
         SCRIPT({EXPECT, "GET /b "}, {SEND, OK "\r\n"}, {FILL, NULL, 100000}, {CLOSE})},
        .paths = {"/a", "/b"},
        .options = {.requests = 2},
        .summary = "200 x2; 2 connections; 100009 body bytes",
    },
    {
        "until the connection's end, which is none of its own",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, OK "\r\nall of it"}, {FIN}, {EXPECT_END}),
         SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_END})},
        .paths = {"/a", "/b"},
        .options = {.requests = 2},
        .summary = "200 x2; 2 connections; 10 body bytes",
        .tls_summary = "200 x1, truncated x1; 2 connections; 1 body bytes",
    },
    {
        "until a reset",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, OK "\r\nall of it"}, {RESET}),
         SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_END})},
        .paths = {"/a", "/b"},
        .options = {.requests = 2},
        .summary = "200 x1, truncated x1; 2 connections; 1 body bytes",
    },
    {
        "cut in the head, the body, and the chunks",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, "HTTP/1.1 200"}, {CLOSE}),
         SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(5, "hell")}, {CLOSE}),
         SCRIPT({EXPECT, "GET /c "}, {SEND, CHUNKED "5\r\nhello\r\n"}, {CLOSE}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(5, "hell")}, {RESET}),
         SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_END})},
        .paths = {"/a", "/b", "/c"},
        .options = {.requests = 5},
        .summary = "200 x1, truncated x4; 5 connections; 1 body bytes",
    },
    {
        "cut in the second reply",
        {CALL,
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "},
                {SEND, "HTTP/1.1 2"}, {CLOSE}),
         SCRIPT({EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT_END})},
        .paths = {"/a", "/b", "/c"},
        .options = {.requests = 3},
        .summary = "200 x2, truncated x1; 2 connections; 2 body bytes",
    },

    /* --- replies that are none ---------------------------------------------------------------- */
    {
        "no HTTP",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, "SSH-2.0-OpenSSH_9.2\r\n"}, {EXPECT_END}),
         SCRIPT({EXPECT, "GET /b "}, {SEND, OK "Content-Length: x\r\n\r\n"}, {EXPECT_END}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, CHUNKED "x\r\n"}, {EXPECT_END}),
         SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_END})},
        .paths = {"/a", "/b"},
        .options = {.requests = 4},
        .summary = "200 x1, protocol x3; 4 connections; 1 body bytes",
    },
    {
        "a head without end",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, OK "A: "}, {FILL, NULL, 263000}, {EXPECT_END}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})},
        .options = {.requests = 2},
        .summary = "200 x1, protocol x1; 2 connections; 1 body bytes",
    },

    /* --- silence ------------------------------------------------------------------------------ */
    {
        "no reply in time",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {EXPECT_END}),
         SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(5, "hell")}, {EXPECT_END}),
         SCRIPT({EXPECT, "GET /a "}, {EXPECT_END})},
        .paths = {"/a", "/b"},
        .options = {.requests = 3, .timeout_ns = 300 * 1000000},
        .summary = "deadline x3; 3 connections; 0 body bytes",
    },

    /* --- pipelining --------------------------------------------------------------------------- */
    {
        "bursts of three",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {EXPECT, "GET /a "}, {EXPECT, "GET /a "},
                      {SEND, REPLY(1, "a") REPLY(0, "") REPLY(2, "bb")}, {EXPECT, "GET /a "},
                      {EXPECT, "GET /a "}, {SEND, REPLY(1, "a") REPLY(1, "b")}, {EXPECT_END})},
        .options = {.requests = 5, .pipeline = 3},
        .summary = "200 x5; 1 connections; 5 body bytes",
    },
    {
        "a burst whose replies come in crumbs",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {EXPECT, "GET /a "}, {EXPECT, "GET /a "},
                      {SEND_BYTES, REPLY(1, "a") REPLY(0, "") CHUNKED "2\r\nbb\r\n0\r\n\r\n"},
                      {EXPECT_END})},
        .options = {.requests = 3, .pipeline = 3},
        .summary = "200 x3; 1 connections; 3 body bytes",
    },
    {
        "a burst that is answered in part",
        {CALL,
         SCRIPT({EXPECT, "GET /a "}, {EXPECT, "GET /a "}, {EXPECT, "GET /a "},
                {SEND, REPLY(1, "a") LAST_REPLY(1, "b")}, {CLOSE}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "c")}, {EXPECT_END})},
        .options = {.requests = 3, .pipeline = 3},
        .summary = "200 x3; 2 connections; 3 body bytes; 1 resent",
    },
    {
        "a burst that is answered in part, without a word",
        {CALL,
         SCRIPT({EXPECT, "GET /a "}, {EXPECT, "GET /a "}, {EXPECT, "GET /a "},
                {SEND, REPLY(1, "a")}, {CLOSE}),
         SCRIPT({EXPECT, "GET /a "}, {EXPECT, "GET /a "}, {SEND, REPLY(1, "b")}, {RESET}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "c")}, {EXPECT_END})},
        .options = {.requests = 3, .pipeline = 3},
        .summary = "200 x3; 3 connections; 3 body bytes; 3 resent",
    },
    {
        "a burst that is cut in its second reply",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {EXPECT, "GET /a "}, {EXPECT, "GET /a "},
                      {SEND, REPLY(1, "a") OK}, {CLOSE})},
        .options = {.requests = 3, .pipeline = 3},
        .summary = "200 x1, truncated x2; 1 connections; 1 body bytes",
    },
    {
        "a burst whose first reply ends with the connection",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {EXPECT, "GET /a "}, {SEND, OK "\r\nall"}, {CLOSE}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "b")}, {EXPECT_END})},
        .options = {.requests = 2, .pipeline = 2},
        .summary = "200 x2; 2 connections; 4 body bytes; 1 resent",
    },
};

/* --- playing ---------------------------------------------------------------------------------- */

struct play {
    enum client_kind kind;
    bool is_tls;
};

static size_t script_count(const struct loopback_script *scripts)
{
    size_t count = 0;
    while (count < SCRIPTS_MAX && scripts[count].rows[0].action != END)
        count++;
    return count;
}

static void urls_make(const struct row *row, const struct play *play,
                      const struct loopback *loopback, char (*ret_texts)[URL_BYTES],
                      const char **ret_urls)
{
    for (size_t i = 0; i < PATHS_MAX && (i == 0 || row->paths[i]); i++) {
        snprintf(ret_texts[i], URL_BYTES, "%s://127.0.0.1:%u%s", play->is_tls ? "https" : "http",
                 (unsigned)loopback_port(loopback), row->paths[i] ? row->paths[i] : "/a");
        ret_urls[i] = ret_texts[i];
    }
}

static void play_row(const struct row *row, const struct play *play)
{
    struct loopback *loopback = loopback_open(row->scripts, script_count(row->scripts));
    struct load_options options = row->options;
    struct load_result result;
    char texts[PATHS_MAX][URL_BYTES];
    const char *urls[PATHS_MAX] = {NULL};
    char summary[RUNNING_SUMMARY_BYTES];
    assert_non_null(loopback);
    urls_make(row, play, loopback, texts, urls);
    options.urls = urls;
    while (options.url_count < PATHS_MAX && urls[options.url_count])
        options.url_count++;
    options.connections = 1;
    options.tls.ca_file = tls_loopback_roots();
    if (play->kind == CLIENT_THREADS && row->threads_timeout_ns > 0)
        options.timeout_ns = row->threads_timeout_ns;
    if (play->is_tls)
        options.timeout_ns *= TEST_HANDSHAKE_TIMES;
    running_do(row->name, play->kind, &options, &result);
    running_summarize(&result, summary);
    uint64_t sent = result.stats.requests + result.stats.resent - row->unseen;
    size_t seen = loopback_received(loopback);
    load_result_close(&result);
    const char *violation = loopback_close(loopback);
    const char *wanted = play->is_tls && row->tls_summary ? row->tls_summary : row->summary;
    if (play->kind == CLIENT_THREADS && row->threads_summary)
        wanted = row->threads_summary;
    char *resent = strstr(summary, " body bytes; ");
    if (row->is_race && resent)
        resent[strlen(" body bytes")] = '\0';
    if (violation != NULL || strcmp(summary, wanted) != 0)
        fail_msg("%s, over %s%s: %s, not %s; %s", row->name, client_name(play->kind),
                 play->is_tls ? " and TLS" : "", summary, wanted, violation ? violation : "");
    if (row->is_race ? seen > sent : seen != sent)
        fail_msg("%s, over %s%s: the server saw %zu, not %llu", row->name, client_name(play->kind),
                 play->is_tls ? " and TLS" : "", seen, (unsigned long long)sent);
}

static void test_rows(void **state)
{
    const struct play *play = *state;
    if (!running_has(play->kind))
        skip();
    loopback_use(play->is_tls ? tls_loopback_layer() : NULL);
    two_replies_make();
    for (size_t i = 0; i < COUNT(rows); i++)
        if (!play->is_tls || !rows[i].is_plain)
            play_row(&rows[i], play);
    loopback_use(NULL);
}

/* --- handshakes ------------------------------------------------------------------------------- */

static const struct row handshake_rows[] = {
    {
        "no handshake, then one",
        {CALL, SCRIPT({HANDSHAKE_BEFORE, "ServerHello"}, {CLOSE}),
         SCRIPT({HANDSHAKE_INSIDE, "Certificate"}, {RESET}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})},
        .options = {.requests = 2, .tls.backend = HAUL_BACKEND_BEARSSL},
        .summary = "200 x1, tls x1; 1 connections; 1 body bytes",
        .unseen = 1,
    },
    {
        "no handshake, then one by the other library, which is no failure",
        {CALL, SCRIPT({HANDSHAKE_BEFORE, "ServerHello"}, {CLOSE}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {CLOSE}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})},
        .options = {.requests = 2},
        .summary = "200 x2; 2 connections; 2 body bytes",
    },
    {
        "nor one by either",
        {CALL, SCRIPT({HANDSHAKE_BEFORE, "ServerHello"}, {CLOSE}),
         SCRIPT({HANDSHAKE_BEFORE, "ServerHello"}, {CLOSE}),
         SCRIPT({HANDSHAKE_BEFORE, "ServerHello"}, {CLOSE}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})},
        .options = {.requests = 2},
        .summary = "200 x1, tls x1; 1 connections; 1 body bytes",
        .unseen = 1,
    },
    {
        "a handshake that stops",
        {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {CLOSE}),
         SCRIPT({HANDSHAKE_BEFORE, "Finished"}, {EXPECT_END}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})},
        .options = {.requests = 3, .timeout_ns = 400 * 1000000},
        .summary = "200 x2, deadline x1; 2 connections; 2 body bytes",
        .unseen = 1,
    },
    {
        "full handshakes only",
        {CALL, SCRIPT({HANDSHAKE_BEFORE, "Certificate"}, {RESET}),
         SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {CLOSE}),
         SCRIPT({HANDSHAKE_BEFORE, "Certificate"}, {RESET})},
        .options = {.requests = 2, .is_full_handshake = true},
        .summary = "200 x1, tls x1; 1 connections; 1 body bytes",
        .unseen = 1,
    },
};

/* Three connections, an hour and a half of the certificates' clock between them: the second resumes
 * the session of the first, and the third may not, because the issuer has expired. */
static const struct row expiry_row = {
    "a session that has outlived its issuer",
    {CALL, SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {CLOSE}),
     SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {CLOSE}),
     SCRIPT({HANDSHAKE_AFTER, "Certificate"}, {EXPECT_END})},
    .options = {.requests = 3},
    .summary = "200 x2, tls x1; 2 connections; 2 body bytes",
    .unseen = 1,
};

static void test_expiry(void **state)
{
    const struct play *play = *state;
    if (!running_has(play->kind))
        skip();
    loopback_use(tls_loopback_layer());
    tls_loopback_clock(0, TLS_LOOPBACK_ISSUER_S * 3 / 4);
    play_row(&expiry_row, play);
    tls_loopback_clock(0, 0);
    loopback_use(NULL);
}

static void test_handshakes(void **state)
{
    const struct play *play = *state;
    if (!running_has(play->kind))
        skip();
    loopback_use(tls_loopback_layer());
    for (size_t i = 0; i < COUNT(handshake_rows); i++)
        play_row(&handshake_rows[i], play);
    loopback_use(NULL);
}

/* What was missed of the schedule, however many requests were due in it. */
static void test_lagged(void **state)
{
    static const struct load_stage stages[] = {
        {.duration_ns = 1000000000, .rate_from = 100, .rate_to = 100}, {.duration_ns = 9000000000}};
    static const struct {
        struct load_options options;
        uint64_t index, lag_ns, lagged_ns;
    } lagged_rows[] = {
        {{.rate_from = 100, .rate_to = 100}, 7, 999999, 0},
        {{.rate_from = 100, .rate_to = 100}, 7, 4000000, 4000000},
        {{.rate_from = 100, .rate_to = 100}, 7, 40000000, 10000000},
        {{.rate_from = 1000, .rate_to = 1000}, 0, 40000000, 1000000},
        {{.stages = stages, .stage_count = 2}, 99, 40000000, 40000000},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(lagged_rows); i++) {
        const struct client client = {.options = &lagged_rows[i].options};
        struct stats stats;
        assert_int_equal(stats_open(&stats), 0);
        client_lagged(&client, &stats, lagged_rows[i].index, lagged_rows[i].lag_ns);
        assert_in_range(stats.lagged_ns, lagged_rows[i].lagged_ns, lagged_rows[i].lagged_ns + 1);
        assert_int_equal(histogram_max_ns(&stats.lag), lagged_rows[i].lag_ns);
        stats_close(&stats);
    }
}

int main(void)
{
    static const struct play plays[] = {
        {CLIENT_URING, false}, {CLIENT_EPOLL, false}, {CLIENT_THREADS, false},
        {CLIENT_URING, true},  {CLIENT_EPOLL, true},  {CLIENT_THREADS, true},
    };
#define ROWS(number)                                                                               \
    {                                                                                              \
        .name = "rows " #number, .test_func = test_rows,                                           \
        .initial_state = (void *)(uintptr_t)&plays[number]                                         \
    }
#define HANDSHAKES(number)                                                                         \
    {                                                                                              \
        .name = "handshakes " #number, .test_func = test_handshakes,                               \
        .initial_state = (void *)(uintptr_t)&plays[number]                                         \
    }
#define EXPIRY(number)                                                                             \
    {                                                                                              \
        .name = "expiry " #number, .test_func = test_expiry,                                       \
        .initial_state = (void *)(uintptr_t)&plays[number]                                         \
    }
    const struct CMUnitTest tests[] = {
        ROWS(0),
        ROWS(1),
        ROWS(2),
        ROWS(3),
        ROWS(4),
        ROWS(5),
        HANDSHAKES(3),
        HANDSHAKES(4),
        HANDSHAKES(5),
        EXPIRY(3),
        EXPIRY(4),
        EXPIRY(5),
        cmocka_unit_test(test_lagged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
