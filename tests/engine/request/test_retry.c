/* Retries: what is asked again after what, plain and over TLS, over every loop; and what becomes of
 * a request that waits. */

#include "engine/engine.h"
#include "tests/lib/address.h"
#include "tests/lib/engine/chance.h"
#include "tests/lib/engine/engine_rows.h"
#include "tests/lib/tls/tls_gathering.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RETRY(times)                                                                               \
    .retry = &(const struct haul_retry)                                                            \
    {                                                                                              \
        .max = times, .delay_ms = 1                                                                \
    }
#define FOLLOW                                                                                     \
    .redirect = &(const struct haul_redirect)                                                      \
    {                                                                                              \
        .follow = true                                                                             \
    }
#define BUSY "HTTP/1.1 503 x\r\nContent-Length: 4\r\n\r\nbusy"
#define TO(status, path)                                                                           \
    "HTTP/1.1 " status " x\r\nContent-Length: 2\r\nLocation: " path "\r\n\r\nno"

static const struct gathering_row rows[] = {
    {
        "a reply that says later",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, BUSY}, {EXPECT, "GET /a "}, {SEND, BUSY},
                       {EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {RETRY(2), .keep_headers = true},
        .transcript = "200 ok 'a' reused\n",
    },
    {
        "without retries it is the result",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, BUSY}, {EXPECT_END})),
        .requests = {"/a"},
        .transcript = "503 ok 'busy'\n",
    },
    {
        "when the tries are spent the last reply is the result",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, BUSY}, {EXPECT, "GET /a "},
                       {SEND, "HTTP/1.1 500 x\r\nContent-Length: 4\r\n\r\nlast"}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {RETRY(1), .keep_headers = true, .fail_status = 400},
        .transcript = "500 status@body 'last' reused\n",
    },
    {
        "or the last failure, without the reply before",
        SCRIPTS(
            SCRIPT({EXPECT, "GET /a "}, {SEND, BUSY}, {EXPECT, "GET /a "}, {SEND, "H"}, {CLOSE})),
        .requests = {"/a"},
        .options = {RETRY(1), .keep_headers = true},
        .transcript = "0 truncated@head '' reused\n",
    },
    {
        "a failed try is not the run's: nothing else is cancelled",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {RESET}),
                SCRIPT({EXPECT, "GET /"}, {SEND, REPLY(1, "x")}, {EXPECT, "GET /"},
                       {SEND, REPLY(1, "x")}, {EXPECT_END})),
        .requests = {"/a", "/b"},
        .options = {RETRY(1), .cancel_on_error = true, .unordered = true},
        .transcript = "200 ok 'x'\n200 ok 'x' reused\n",
    },
    {
        "a connection that breaks in any state of a reply",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {CLOSE}), SCRIPT({EXPECT, "GET /a "}, {RESET}),
                SCRIPT({EXPECT, "GET /a "}, {SEND, "HTTP/1.1 2"}, {CLOSE}),
                SCRIPT({EXPECT, "GET /a "}, {SEND, "HTTP/1.1 2"}, {RESET}),
                SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(9, "half")}, {CLOSE}),
                SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(9, "half")}, {RESET}),
                SCRIPT({EXPECT, "GET /a "}, {SEND, CHUNKED "4\r\nhalf\r\n"}, {RESET}),
                SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(5, "whole")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {RETRY(7), .keep_headers = true},
        .transcript = "200 ok 'whole'\n",
    },
    {
        "a reply that says later and then breaks, or is long",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "},
                       {SEND, "HTTP/1.1 503 x\r\nContent-Length: 9\r\n\r\nhalf"}, {RESET}),
                SCRIPT({EXPECT, "GET /a "},
                       {SEND, "HTTP/1.1 503 x\r\nContent-Length: 99999\r\n\r\n"}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /a "}, {SEND, "HTTP/1.1 503 x\r\n\r\nuntil"}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {RETRY(3)},
        .transcript = "200 ok 'a'\n",
    },
    {
        "what may have been acted upon is not sent again",
        SCRIPTS(SCRIPT({EXPECT, "POST /a "}, {SEND, BUSY}, {EXPECT, "POST /b "}, {CLOSE}),
                SCRIPT({EXPECT, "POST /c "}, {SEND, "H"}, {RESET})),
        .requests = {"POST /a", "POST /b", "POST /c"},
        .options = {RETRY(3)},
        .transcript = "503 ok 'busy'\n0 receive@head '' reused\n0 receive@head ''\n",
    },
    {
        "unless it has a key, or all are asked for",
        SCRIPTS(SCRIPT({EXPECT, "POST /a "}, {EXPECT_BODY, "x"}, {SEND, BUSY}, {EXPECT, "POST /a "},
                       {EXPECT_BODY, "x"}, {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {RETRY(3), .body = "x", .body_length = 1, .has_body = true,
                    .headers = (const char *const[]){"Idempotency-Key: 1", NULL}},
        .transcript = "200 ok 'a' reused\n",
    },
    {
        "all are asked for",
        SCRIPTS(
            SCRIPT({EXPECT, "POST /a "}, {EXPECT_BODY, "x"}, {SEND, "H"}, {CLOSE}),
            SCRIPT({EXPECT, "POST /a "}, {EXPECT_BODY, "x"}, {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {.retry =
                        &(const struct haul_retry){.max = 1, .delay_ms = 1, .all_methods = true},
                    .body = "x",
                    .body_length = 1,
                    .has_body = true},
        .transcript = "200 ok 'a'\n",
    },
    {
        "what is refused for good",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n"},
                       {EXPECT, "GET /b "}, {SEND, "nonsense\r\n"}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, "nonsense\r\n"}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /c "},
                       {SEND, "HTTP/1.1 503 x\r\nRetry-After: 601\r\nContent-Length: 0\r\n\r\n"},
                       {EXPECT_END})),
        .requests = {"/a", "/b", "/c"},
        .options = {RETRY(3), .fail_status = 500},
        .transcript = "404 ok ''\n0 protocol@head ''\n503 status@body ''\n",
        .retries = 1,
    },
    {
        "the hop that failed is asked for again, and none before it",
        SCRIPTS(SCRIPT({EXPECT, "POST /a "}, {EXPECT_BODY, "x"}, {SEND, TO("303", "/b")},
                       {EXPECT, "GET /b "}, {SEND, BUSY}, {EXPECT, "GET /b "},
                       {SEND, TO("302", "/c")}, {EXPECT, "GET /c "}, {LACKS, "Content-"},
                       {SEND, "HTTP"}, {CLOSE}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {RETRY(2), FOLLOW, .body = "x", .body_length = 1, .has_body = true},
        .transcript = "200 ok 'c'\n",
    },
    {
        "a kept connection that dies is no try",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "}, {CLOSE}),
                SCRIPT({EXPECT, "GET /b "}, {CLOSE}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a", "/b"},
        .options = {RETRY(1)},
        .transcript = "200 ok 'a'\n200 ok 'b'\n",
        .retries = 1,
    },
};

/* --- what is told ----------------------------------------------------------------------------- */

static void the_tries_are_listed(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, BUSY}, {EXPECT, "GET /a "}, {SEND, "H"}, {RESET}),
        SCRIPT({EXPECT, "GET /a "}, {SEND, TO("302", "/b")}, {EXPECT, "GET /b "},
               {SEND, REPLY(1, "b")}, {EXPECT_END})};
    static const struct haul_retry retry = {.max = 5, .delay_ms = 20, .keep_tries = true};
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul = gathering_open(&(struct haul_options){.retry = &retry, FOLLOW});
    gathering_submit(haul, server, "/a");
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_OK);
    assert_int_equal(result->attempts, 4);
    assert_int_equal(result->retries, 2);
    assert_int_equal(result->redirects, 1);
    const struct haul_try *first = result->tries;
    assert_true(first && first->status == 503 && first->error == HAUL_OK);
    assert_true(first->wait_ns >= UINT64_C(20000000));
    const struct haul_try *second = first->next;
    assert_true(second && second->status == 0 && second->error == HAUL_RECEIVE && !second->next);
    assert_int_equal(result->wait_ns, first->wait_ns + second->wait_ns);
    assert_true(result->wait_ns + result->redirect_ns + result->ttfb_ns <= result->total_ns);
    haul_release(haul, result);
    struct haul_facts facts;
    haul_get_facts(haul, &facts);
    assert_true(facts.retried == 2 && facts.redirects == 1 && facts.retries == 0);
    gathering_close(haul);
    assert_loopback(server);
}

static void what_was_asked_is_told_where_it_is_too_long(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "},
               {SEND, "HTTP/1.1 429 x\r\nRetry-After: 3153600000\r\nContent-Length: 0\r\n\r\n"},
               {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){RETRY(5)});
    gathering_submit(haul, server, "/a");
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->status, 429);
    assert_int_equal(result->attempts, 1);
    assert_true(result->retry_after_s == UINT64_C(3153600000));
    haul_release(haul, result);
    gathering_close(haul);
    assert_loopback(server);
}

/* --- those that wait -------------------------------------------------------------------------- */

static const struct haul_retry patient = {.max = 5, .delay_ms = 3600000};

static const struct loopback_script busy[] = {SCRIPT(
    {EXPECT, "GET /a "}, {SEND, BUSY}, {EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_END})};

/* The only place and the only connection are another's meanwhile. */
static struct haul *open_with_one_waiting(struct loopback *server, bool cancels)
{
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1,
                                                              .retry = &patient,
                                                              .unordered = true,
                                                              .fail_status = cancels ? 200 : 0,
                                                              .cancel_on_error = cancels});
    gathering_submit(haul, server, "/a");
    gathering_until_asked(haul, server, 1);
    for (int steps = 0; haul->engine.waiting == 0;)
        engine_step(haul, &steps);
    struct haul_facts facts;
    haul_get_facts(haul, &facts);
    assert_true(facts.waiting == 1 && facts.in_flight == 0);
    return haul;
}

static void expect_cancelled(struct haul *haul)
{
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_CANCELLED);
    assert_int_equal(result->stage, HAUL_STAGE_QUEUE);
    assert_int_equal(result->status, 0);
    haul_release(haul, result);
}

static void a_place_is_free_while_one_waits_and_it_can_be_cancelled(void)
{
    struct loopback *server = loopback_open(busy, 1);
    struct haul *haul = open_with_one_waiting(server, false);
    gathering_submit(haul, server, "/b");
    const struct haul_result *result = gathering_next(haul);
    assert_true(result->index == 1 && result->status == 200 && result->reused_connection);
    haul_release(haul, result);
    assert_int_equal(haul_cancel(haul, 0), 0);
    assert_int_equal(haul_cancel(haul, 0), -EALREADY);
    expect_cancelled(haul);
    gathering_close(haul);
    assert_loopback(server);
}

static void anothers_failure_reaches_one_that_waits(void)
{
    struct loopback *server = loopback_open(busy, 1);
    struct haul *haul = open_with_one_waiting(server, true);
    gathering_submit(haul, server, "/b");
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_STATUS);
    haul_release(haul, result);
    expect_cancelled(haul);
    gathering_close(haul);
    assert_loopback(server);
}

static void all_are_cancelled_or_closed_with_one_that_waits(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, BUSY}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = open_with_one_waiting(server, false);
    haul_cancel_all(haul);
    expect_cancelled(haul);
    gathering_close(haul);
    assert_loopback(server);
    server = loopback_open(scripts, 1);
    haul_close(open_with_one_waiting(server, false));
    assert_loopback(server);
}

/* --- time ------------------------------------------------------------------------------------- */

static void each_try_has_its_own_time(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {HOLD}),
        SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(9, "half")}, {HOLD}),
        SCRIPT({EXPECT, "GET /a "}, {SEND, BUSY}, {EXPECT, "GET /a "},
               {SEND, "HTTP/1.1 503 x\r\n"
                      "Content-Length: 9\r\n\r\nhalf"},
               {HOLD}),
        SCRIPT_REPEAT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 4);
    struct haul *haul =
        gathering_open(&(struct haul_options){.max_time_ms = 1500, RETRY(50), .keep_bodies = true});
    gathering_submit(haul, server, "/a");
    gathering_expect(haul, "200 ok 'a'\n");
    gathering_close(haul);
    loopback_close(server); /* a machine that is very busy needs other tries */
}

static void all_tries_together_have_a_time(void)
{
    static const struct loopback_script scripts[] = {SCRIPT({EXPECT, "GET /a "}, {HOLD})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){
        .retry = &(const struct haul_retry){.max = 100, .delay_ms = 1, .max_time_ms = 300}});
    gathering_submit(haul, server, "/a");
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_DEADLINE);
    assert_true(result->total_ns >= UINT64_C(300000000));
    haul_release(haul, result);
    gathering_close(haul);
    loopback_close(server);
}

static void the_time_to_connect_is_that_of_each_try(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({HANDSHAKE_BEFORE, "ServerHello"}, {HOLD}),
        SCRIPT({HANDSHAKE_INSIDE, "Certificate"}, {RESET}),
        SCRIPT({HANDSHAKE_BEFORE, "ServerKeyExchange"}, {CLOSE}),
        SCRIPT_REPEAT({EXPECT, "POST /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})};
    if (strcmp(gathering_scheme(), "https") != 0)
        return;
    struct loopback *server = loopback_open(scripts, 4);
    struct haul *haul = gathering_open(
        &(struct haul_options){.connect_timeout_ms = 2000, RETRY(50), .keep_bodies = true});
    gathering_submit(haul, server, "POST /a"); /* of which nothing was sent */
    gathering_expect(haul, "200 ok 'a'\n");
    gathering_close(haul);
    loopback_close(server);
}

/* --- bodies and budgets ----------------------------------------------------------------------- */

/* A body of nine bytes breaks off behind the fourth, of which a part was handed out. */
#define TAG "ETag: \"t\"\r\n"
#define HALF(fields) OK fields "Content-Length: 9\r\n\r\nhalf"
#define REST(fields, length, body)                                                                 \
    "HTTP/1.1 206 x\r\n" fields "Content-Length: " #length "\r\n\r\n" body
#define ASKS_REST(from)                                                                            \
    {EXPECT, "GET /a "}, {HAS, "Range: bytes=" #from "-\r\n"},                                     \
    {                                                                                              \
        HAS, "If-Range: \"t\"\r\n"                                                                 \
    }
#define ASKS_ALL                                                                                   \
    {EXPECT, "GET /a "},                                                                           \
    {                                                                                              \
        LACKS, "Range: "                                                                           \
    }
#define ANEW                                                                                       \
    {                                                                                              \
        ASKS_ALL, {SEND, REPLY(5, "again")},                                                       \
        {                                                                                          \
            EXPECT_END                                                                             \
        }                                                                                          \
    }

static const struct {
    const char *about;
    const char *first; /* HALF(TAG) where it is NULL */
    struct loopback_row rest[2][12];
    const char *body;
    int status; /* 200 where it is 0 */
    enum haul_error error;
    uint32_t attempts;
    bool parts_stay;
} resumed[] = {
    {"the rest is joined",
     NULL,
     {{ASKS_REST(4), {SEND, REST(TAG "Content-Range: bytes 4-8/9\r\n", 5, "whole")}, {EXPECT_END}}},
     "halfwhole",
     .attempts = 2,
     .parts_stay = true},
    {"its length is not needed",
     NULL,
     {{ASKS_REST(4),
       {SEND, "HTTP/1.1 206 x\r\n" TAG "Content-Range: bytes 4-8/9\r\n"
              "Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n"},
       {EXPECT_END}}},
     "halfwhole",
     .attempts = 2},
    {"of the whole what is missing is taken",
     NULL,
     {{ASKS_REST(4), {SEND, OK TAG "Content-Length: 9\r\n\r\nhalfwhole"}, {EXPECT_END}}},
     "halfwhole",
     .attempts = 2,
     .parts_stay = true},
    {"another body begins anew",
     NULL,
     {{ASKS_REST(4), {SEND, OK "ETag: \"u\"\r\nContent-Length: 5\r\n\r\nother"}, {EXPECT_END}}},
     "other",
     .attempts = 2},
    {"so does one that is coded, or of another length",
     NULL,
     {{ASKS_REST(4),
       {SEND, OK TAG "Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\ngzipgzip!"},
       {EXPECT_END}}},
     "gzipgzip!",
     .attempts = 2},
    {"of another length",
     NULL,
     {{ASKS_REST(4), {SEND, OK TAG "Content-Length: 10\r\n\r\nhalfwhole!"}, {EXPECT_END}}},
     "halfwhole!",
     .attempts = 2},
    {"a part of another body is asked for anew",
     NULL,
     {{ASKS_REST(4),
       {SEND, REST("ETag: \"u\"\r\nContent-Range: bytes 4-8/9\r\n", 5, "wrong")},
       ASKS_ALL,
       {SEND, REPLY(5, "again")},
       {EXPECT_END}}},
     "again",
     .attempts = 3},
    {"one with a weak tag",
     NULL,
     {{ASKS_REST(4),
       {SEND, REST("ETag: W/\"t\"\r\nContent-Range: bytes 4-8/9\r\n", 5, "wrong")},
       ASKS_ALL,
       {SEND, REPLY(5, "again")},
       {EXPECT_END}}},
     "again",
     .attempts = 3},
    {"one that begins elsewhere",
     NULL,
     {{ASKS_REST(4),
       {SEND, REST(TAG "Content-Range: bytes 5-8/9\r\n", 4, "hole")},
       ASKS_ALL,
       {SEND, REPLY(5, "again")},
       {EXPECT_END}}},
     "again",
     .attempts = 3},
    {"one of another length",
     NULL,
     {{ASKS_REST(4),
       {SEND, REST(TAG "Content-Range: bytes 4-8/10\r\n", 5, "whole")},
       ASKS_ALL,
       {SEND, REPLY(5, "again")},
       {EXPECT_END}}},
     "again",
     .attempts = 3},
    {"one that does not say how long the whole is",
     OK TAG "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
     {{ASKS_REST(4),
       {SEND, REST(TAG "Content-Range: bytes 4-6/*\r\n", 3, "who")},
       ASKS_ALL,
       {SEND, REPLY(5, "again")},
       {EXPECT_END}}},
     "again",
     .attempts = 3},
    {"where the whole has no length, the part says it",
     OK TAG "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
     {{ASKS_REST(4), {SEND, REST(TAG "Content-Range: bytes 4-8/9\r\n", 5, "whole")}, {EXPECT_END}}},
     "halfwhole",
     .attempts = 2},
    {"and none at all",
     NULL,
     {{ASKS_REST(4),
       {SEND, "HTTP/1.1 416 x\r\nContent-Length: 2\r\n\r\nno"},
       ASKS_ALL,
       {SEND, REPLY(5, "again")},
       {EXPECT_END}}},
     "again",
     .attempts = 3},
    {"what is no rest of it is the result",
     NULL,
     {{ASKS_REST(4), {SEND, "HTTP/1.1 404 x\r\nContent-Length: 4\r\n\r\ngone"}, {EXPECT_END}}},
     "gone",
     404,
     .attempts = 2},
    {"what has come stays while the server is busy",
     NULL,
     {{ASKS_REST(4),
       {SEND, BUSY},
       ASKS_REST(4),
       {SEND, REST(TAG "Content-Range: bytes 4-8/9\r\n", 5, "whole")},
       {EXPECT_END}}},
     "halfwhole",
     .attempts = 3,
     .parts_stay = true},
    {"it may break off again",
     NULL,
     {{ASKS_REST(4), {SEND, REST(TAG "Content-Range: bytes 4-8/9\r\n", 5, "wh")}, {CLOSE}},
      {ASKS_REST(6), {SEND, REST(TAG "Content-Range: bytes 6-8/9\r\n", 3, "ole")}, {EXPECT_END}}},
     "halfwhole",
     .attempts = 3},
    {"or come in parts",
     NULL,
     {{ASKS_REST(4), {SEND, REST(TAG "Content-Range: bytes 4-5/9\r\n", 2, "wh")}, {EXPECT_END}},
      {ASKS_REST(6), {SEND, REST(TAG "Content-Range: bytes 6-8/9\r\n", 3, "ole")}, {EXPECT_END}}},
     "halfwhole",
     .attempts = 3},
    {"more than there is of it is an error",
     NULL,
     {{ASKS_REST(4),
       {SEND, "HTTP/1.1 206 x\r\n" TAG "Content-Range: bytes 4-8/9\r\n"
              "Transfer-Encoding: chunked\r\n\r\n6\r\nwhole!\r\n0\r\n\r\n"},
       {EXPECT_END}}},
     "halfwhole!",
     .error = HAUL_PROTOCOL,
     .attempts = 2},
    {"and of the whole",
     NULL,
     {{ASKS_REST(4),
       {SEND, OK TAG "Transfer-Encoding: chunked\r\n\r\na\r\nhalfwhole!\r\n0\r\n\r\n"},
       {EXPECT_END}}},
     "halfwhole!",
     .error = HAUL_PROTOCOL,
     .attempts = 2},
    {"elsewhere it is asked for anew",
     NULL,
     {{ASKS_REST(4),
       {SEND, TO("302", "/b")},
       {EXPECT, "GET /b "},
       {LACKS, "Range: "},
       {SEND, REPLY(5, "again")},
       {EXPECT_END}}},
     "again",
     .attempts = 3},
    {"without a tag it begins anew", HALF(""), {ANEW}, "again", .attempts = 2},
    {"with a weak one", HALF("ETag: W/\"t\"\r\n"), {ANEW}, "again", .attempts = 2},
    {"with a coding", HALF(TAG "Content-Encoding: gzip\r\n"), {ANEW}, "again", .attempts = 2},
    {"where it cannot, it is the error it was",
     NULL,
     {{ASKS_REST(4), {SEND, OK "ETag: \"u\"\r\nContent-Length: 5\r\n\r\nother"}, {EXPECT_END}}},
     "half",
     .error = HAUL_RECEIVE,
     .attempts = 2,
     .parts_stay = true},
    {"nor is it asked for where nothing can come of it",
     HALF(""),
     {{{END}}},
     "half",
     .error = HAUL_RECEIVE,
     .attempts = 1,
     .parts_stay = true},
};

/* As a caller does that goes back where a part does. */
static const struct haul_result *take_parts(struct haul *haul, struct loopback *server, char *body)
{
    size_t length = 0;
    for (;;) {
        const struct haul_result *result = gathering_next(haul);
        if (result->body_offset < length)
            assert_int_equal(result->body_offset, 0);
        length = (size_t)result->body_offset;
        length += haul_body_copy(result, body + length, 99 - length);
        assert_int_equal(length, result->body_bytes);
        body[length] = '\0';
        if (!result->more)
            return result;
        haul_release(haul, result);
        loopback_continue(server, 0);
    }
}

static void bodies_are_gone_on_with(void)
{
    for (size_t i = 0; i < sizeof resumed / sizeof *resumed; i++) {
        const char *first = resumed[i].first ? resumed[i].first : HALF(TAG);
        struct loopback_script scripts[3] = {
            SCRIPT({EXPECT, "GET /a "}, {SEND, first}, {PAUSE}, {RESET})};
        size_t count = 1;
        for (; count < 3 && resumed[i].rest[count - 1][0].action != END; count++)
            memcpy(scripts[count].rows, resumed[i].rest[count - 1], sizeof resumed[i].rest[0]);
        const struct haul_retry retry = {
            .max = 3, .delay_ms = 1, .parts_stay = resumed[i].parts_stay};
        char body[100] = "";
        gathering_note("%s", resumed[i].about);
        struct loopback *server = loopback_open(scripts, count);
        struct haul *haul = gathering_open(&(struct haul_options){.keep_bodies = true,
                                                                  .stream_bodies = true,
                                                                  .keep_headers = i % 3 == 0,
                                                                  .retry = &retry,
                                                                  FOLLOW});
        gathering_submit(haul, server, "/a");
        const struct haul_result *result = take_parts(haul, server, body);
        assert_string_equal(body, resumed[i].body);
        assert_int_equal(result->error, resumed[i].error);
        assert_int_equal(result->stage, resumed[i].error ? HAUL_STAGE_BODY : HAUL_STAGE_DONE);
        assert_int_equal(result->status, resumed[i].status ? resumed[i].status : 200);
        assert_int_equal(result->attempts, resumed[i].attempts);
        haul_release(haul, result);
        gathering_close(haul);
        assert_loopback(server);
    }
}

/* A range of its own is the caller's affair. */
static void a_range_that_was_asked_for_is_asked_for_again(void)
{
    static const char *const headers[] = {"Range: bytes=0-8", NULL};
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, HALF(TAG)}, {PAUSE}, {RESET}),
        SCRIPT({EXPECT, "GET /a "}, {HAS, "Range: bytes=0-8\r\n"}, {LACKS, "If-Range"},
               {SEND, REST(TAG "Content-Range: bytes 0-8/9\r\n", 9, "halfwhole")}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul = gathering_open(&(struct haul_options){
        .keep_bodies = true, .stream_bodies = true, .headers = headers, RETRY(1)});
    char body[100] = "";
    gathering_submit(haul, server, "/a");
    const struct haul_result *result = take_parts(haul, server, body);
    assert_string_equal(body, "halfwhole");
    assert_int_equal(result->status, 206);
    haul_release(haul, result);
    gathering_close(haul);
    assert_loopback(server);
}

static void a_budget_runs_out(void)
{
    enum { REQUESTS = 30 };
    static const struct haul_retry retry = {.max = 5, .delay_ms = 1, .has_budget = true};
    struct haul *haul = gathering_open(&(struct haul_options){.retry = &retry, .window = 100});
    uint64_t attempts = 0;
    uint16_t port;
    int held = address_hold(-1, &port); /* which refuses */
    for (int i = 0; i < REQUESTS; i++)
        gathering_submit_to(haul, port, "/a");
    for (int i = 0; i < REQUESTS; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_CONNECT);
        attempts += result->attempts;
        haul_release(haul, result);
    }
    assert_int_equal(attempts, REQUESTS + 10);
    gathering_close(haul);
    close(held);
}

/* --- chance ----------------------------------------------------------------------------------- */

static void choose(uint64_t seed, struct haul_options *options)
{
    static const struct haul_retry retry = {.max = 6, .delay_ms = 2, .keep_tries = true};
    static const struct haul_redirect redirect = {.follow = true, .keep_hops = true};
    options->keep_bodies = seed % 4 != 0;
    options->stream_bodies = seed % 4 == 1;
    options->retry = &retry;
    options->redirect = &redirect;
}

static void make_short(uint64_t seed, struct haul *haul)
{
    struct budget *budget = &haul->engine.budget;
    if (seed % 3 == 1 && haul->engine.options.keep_bodies)
        budget->reserve_blocks = budget->shared_blocks - 4;
}

static void nobody_waits(const struct haul *haul)
{
    assert_int_equal(haul->engine.waiting, 0);
}

/* Failures, waits, hops and cancellations in any order, some of them while memory is short. */
static void nothing_is_lost_whatever_happens(void)
{
    static const char *const replies[] = {BUSY, TO("302", "/b"), REPLY(1, "x"),
                                          "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n"};
    chance_run(&(const struct chance){.replies = replies,
                                      .reply_count = sizeof replies / sizeof *replies,
                                      .choose = choose,
                                      .prepare = make_short,
                                      .check = nobody_waits});
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(the_tries_are_listed),
    SCENARIO(what_was_asked_is_told_where_it_is_too_long),
    SCENARIO(a_place_is_free_while_one_waits_and_it_can_be_cancelled),
    SCENARIO(anothers_failure_reaches_one_that_waits),
    SCENARIO(all_are_cancelled_or_closed_with_one_that_waits),
    SCENARIO(each_try_has_its_own_time),
    SCENARIO(all_tries_together_have_a_time),
    SCENARIO(the_time_to_connect_is_that_of_each_try),
    SCENARIO(bodies_are_gone_on_with),
    SCENARIO(a_range_that_was_asked_for_is_asked_for_again),
    SCENARIO(a_budget_runs_out),
    SCENARIO(nothing_is_lost_whatever_happens),
};

int main(void)
{
    gathering_apart();
    return tls_gathering_main(rows, sizeof rows / sizeof *rows, scenarios,
                              sizeof scenarios / sizeof *scenarios);
}
