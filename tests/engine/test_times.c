/* Each stage has a time of its own, of all requests and of one; none counts another's. And the run
 * has one. */

#include "engine/engine.h"
#include "tests/lib/engine/engine_rows.h"
#include "tests/lib/tls/tls_gathering.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Works until all that a script sends before its first PAUSE is on its way, by TLS or not. */
static void until_paused(struct haul *haul, struct loopback *server, size_t connection)
{
    const struct haul_result *result;
    for (int steps = 0; loopback_paused(server, connection) == 0; steps++) {
        assert_in_range(steps, 0, GATHERING_PATIENCE_MS / 5);
        assert_int_equal(gathering_try(haul, &result, 5), -EAGAIN);
    }
}

static const struct haul_times first_byte = {.first_byte_ms = 500};

/* Nothing comes; something comes in time, and what follows it late. */
static void the_first_byte_is_awaited_for_so_long(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /silent"}, {HOLD}),
        SCRIPT({EXPECT, "GET /early"}, {SEND, "H"}, {PAUSE}, {SEND, "TTP/1.1 200 OK\r\n"},
               {SEND, "Content-Length: 2\r\n\r\nok"}, {HOLD}),
    };
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = 1, .keep_bodies = true, .times = &first_byte, .unordered = true});
    gathering_submit(haul, server, "/silent");
    gathering_expect_one(haul, "0 deadline@head ''");
    gathering_submit(haul, server, "/early");
    until_paused(haul, server, 1);
    for (int steps = 0; steps < 70; steps++) { /* of 10 ms each */
        const struct haul_result *result;
        assert_int_equal(gathering_try(haul, &result, 10), -EAGAIN);
    }
    loopback_continue(server, 1);
    gathering_expect_one(haul, "200 ok 'ok'");
    gathering_close(haul);
    assert_loopback(server);
}

/* One waits for the other's place. */
static void the_queue_is_waited_in_for_so_long(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a"}, {PAUSE}, {SEND, REPLY(2, "ok")}, {EXPECT, "GET /c"},
               {SEND, REPLY(2, "ok")}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = 1,
                               .keep_bodies = true,
                               .unordered = true,
                               .times = &(const struct haul_times){.queue_ms = 300}});
    gathering_submit(haul, server, "/a");
    gathering_until_asked(haul, server, 1);
    gathering_submit(haul, server, "/b");
    gathering_expect_one(haul, "0 deadline@queue ''");
    loopback_continue(server, 0);
    gathering_expect_one(haul, "200 ok 'ok'");
    gathering_submit(haul, server, "/c");
    gathering_expect_one(haul, "200 ok 'ok' reused");
    gathering_close(haul);
    assert_loopback(server);
}

/* What is one request's does not hold for the next, and the other way round. */
static void a_request_has_times_of_its_own(void)
{
    const bool is_https = strcmp(gathering_scheme(), "https") == 0;
    const int64_t within_ms = is_https ? TEST_HANDSHAKE_TIMES * 500 : 500; /* handshakes too */
    const struct haul_times all = {.max_ms = within_ms + 100};
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /"}, {HOLD}), SCRIPT({EXPECT, "GET /"}, {HOLD}),
        SCRIPT({EXPECT, "GET /"}, {PAUSE}, {SEND, REPLY(2, "ok")}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 3);
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = 3, .keep_bodies = true, .times = &all});
    char url[64];
    const struct haul_times times[] = {
        {.max_ms = within_ms}, {.first_byte_ms = 300}, {.max_ms = -1, .first_byte_ms = -1}};
    for (int i = 0; i < 3; i++) {
        snprintf(url, sizeof url, "%s://127.0.0.1:%u/", gathering_scheme(), loopback_port(server));
        assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url, .times = &times[i]}),
                         0);
        gathering_until_asked(haul, server, (size_t)i + 1);
    }
    gathering_expect_one(haul, "0 deadline@head ''");
    gathering_expect_one(haul, "0 deadline@head ''");
    for (int64_t waited_ms = 0; waited_ms < within_ms + 200; waited_ms += 10) {
        const struct haul_result *result;
        assert_int_equal(gathering_try(haul, &result, 10), -EAGAIN);
    }
    loopback_continue(server, 2);
    gathering_expect_one(haul, "200 ok 'ok'");
    gathering_close(haul);
    assert_loopback(server);
}

/* What waits for a retry waits to begin. */
static void a_retry_is_waited_for_so_long(void)
{
    static const struct loopback_script scripts[] = {SCRIPT(
        {EXPECT, "GET /"}, {SEND, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(
        &(struct haul_options){.retry = &(const struct haul_retry){.max = 1, .delay_ms = 3600000},
                               .times = &(const struct haul_times){.queue_ms = 50}});
    gathering_submit(haul, server, "/");
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_DEADLINE);
    assert_int_equal(result->stage, HAUL_STAGE_QUEUE);
    haul_release(haul, result);
    gathering_close(haul);
    assert_loopback(server);
}

/* Under way, waiting for a retry, and never begun. */
static void the_run_has_a_deadline(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /again"}, {SEND, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"},
               {EXPECT, "GET /hold"}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = 1,
        .retry = &(const struct haul_retry){.max = 1, .delay_ms = 3600000, .max_time_ms = 7200000},
        .limits = &(const struct haul_limits){.deadline_ms = 2000}});
    gathering_submit(haul, server, "/again");
    gathering_until_asked(haul, server, 1);
    gathering_submit(haul, server, "/hold");
    gathering_submit(haul, server, "/never");
    static const enum haul_error errors[] = {HAUL_DEADLINE, HAUL_DEADLINE, HAUL_NOT_STARTED};
    for (int i = 0; i < 3; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, errors[i]);
        assert_int_equal(result->os_error, ETIMEDOUT);
        haul_release(haul, result);
    }
    assert_int_equal(haul_submit(haul, &(struct haul_request){.url = "http://127.0.0.1/"}),
                     -ECANCELED);
    gathering_close(haul);
    assert_loopback(server);
}

/* What could only be asked again behind it is not waited for. */
static void a_retry_after_the_run_is_none(void)
{
    static const struct loopback_script scripts[] = {SCRIPT(
        {EXPECT, "GET /"},
        {SEND, "HTTP/1.1 503 No\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n"}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(
        &(struct haul_options){.retry = &(const struct haul_retry){.max = 1, .delay_ms = 1},
                               .limits = &(const struct haul_limits){.deadline_ms = 1800000}});
    gathering_submit(haul, server, "/");
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_OK);
    assert_int_equal(result->status, 503);
    assert_int_equal(result->retry_after_s, 3600);
    haul_release(haul, result);
    gathering_close(haul);
    assert_loopback(server);
}

static const struct haul_times brisk = {.speed_limit = 1000, .speed_ms = 400};

/* Nothing comes, or too little; and what comes at 20 bytes a second is fast enough for 10. */
static void a_reply_that_is_too_slow_is_ended(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /silent"}, {HOLD}),
        SCRIPT({EXPECT, "GET /body"}, {SEND, OK "Content-Length: 9\r\n\r\nx"}, {HOLD}),
    };
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul =
        gathering_open(&(struct haul_options){.keep_bodies = true, .times = &brisk});
    gathering_submit(haul, server, "/silent");
    gathering_expect_one(haul, "0 deadline@head ''");
    gathering_submit(haul, server, "/body");
    gathering_expect_one(haul, "200 deadline@body 'x'");
    gathering_close(haul);
    assert_loopback(server);
}

/* At 20 bytes a second, behind a head. */
static void a_reply_may_be_as_slow_as_allowed(void)
{
    static const struct haul_times rows[] = {{.speed_limit = 2, .speed_ms = 1600},
                                             {.speed_limit = 0, .speed_ms = 1600},
                                             {.speed_limit = 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct haul *haul = gathering_open(&(struct haul_options){.times = &rows[i]});
        gathering_submit_to(haul, gathering_server_port(), "/drip/40/50");
        gathering_expect_one(haul, "200 ok ''");
        gathering_close(haul);
    }
    struct haul *haul = gathering_open(&(struct haul_options){
        .times = &(const struct haul_times){.speed_limit = 1000, .speed_ms = 800}});
    gathering_submit_to(haul, gathering_server_port(), "/drip/1000/50");
    gathering_expect_one(haul, "200 deadline@body ''");
    gathering_close(haul);
}

/* The second is paused for the order, and the first is silent for as long. */
static void what_is_paused_never_stalls(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /first"}, {PAUSE}, {SEND, LAST_REPLY(2, "ok")}, {CLOSE}),
        SCRIPT({EXPECT, "GET /second"}, {SEND, OK "Content-Length: 50000000\r\n\r\n"},
               {FILL, "", 50000000}, {HOLD}),
    };
    static const struct haul_times patient = {.speed_limit = -1, .speed_ms = -1};
    struct loopback *server = loopback_open(scripts, 2);
    char url[64];
    uint64_t bytes = 0;
    struct haul *haul = gathering_open(&(struct haul_options){
        .keep_bodies = true, .stream_bodies = true, .body_bytes = 1, .times = &brisk});
    snprintf(url, sizeof url, "%s://127.0.0.1:%u/first", gathering_scheme(), loopback_port(server));
    assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url, .times = &patient}), 0);
    gathering_until_asked(haul, server, 1);
    gathering_submit(haul, server, "/second");
    const struct haul_result *result;
    for (int steps = 0; steps < 150; steps++) /* of 10 ms each */
        assert_int_equal(gathering_try(haul, &result, 10), -EAGAIN);
    assert_in_range(haul->engine.bytes_received, 1000000, 49000000);
    loopback_continue(server, 0);
    gathering_expect_one(haul, "200 ok 'ok'");
    do {
        result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_OK);
        bytes = result->body_bytes;
        haul_release(haul, result);
    } while (bytes < 50000000);
    gathering_close(haul);
    assert_loopback(server);
}

/* A caller who does not come to take what is there is no fault of the server's. */
static void what_its_caller_does_not_take_never_stalls(void)
{
    static const struct loopback_script scripts[] = {SCRIPT(
        {EXPECT, "GET /"}, {SEND, OK "Content-Length: 2\r\n\r\n"}, {PAUSE}, {SEND, "ok"}, {HOLD})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul =
        gathering_open(&(struct haul_options){.keep_bodies = true, .times = &brisk});
    const struct haul_result *result;
    gathering_submit(haul, server, "/");
    until_paused(haul, server, 0);
    assert_int_equal(gathering_try(haul, &result, 10), -EAGAIN);
    for (int i = 0; i < 4; i++) { /* each as long as may be stalled; between, a moment of work */
        poll(NULL, 0, 400);
        assert_int_equal(gathering_try(haul, &result, 0), -EAGAIN);
    }
    loopback_continue(server, 0);
    gathering_expect_one(haul, "200 ok 'ok'");
    gathering_close(haul);
    assert_loopback(server);
}

/* A socket of the address that takes what comes and says nothing; its port. */
static int open_silent(int type, uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int silent = socket(AF_INET, type, 0);
    assert_int_equal(bind(silent, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&address, &length), 0);
    if (type == SOCK_STREAM) /* the kernel accepts */
        assert_int_equal(listen(silent, 8), 0);
    *ret_port = ntohs(address.sin_port);
    return silent;
}

/* Of a name server that is silent: its own time ends it, and no other does, though all others are
 * shorter. */
static void addresses_are_waited_for_so_long(void)
{
    static const struct haul_times times = {
        .resolve_ms = 600, .queue_ms = 200, .tls_ms = 100, .first_byte_ms = 100};
    char servers[32];
    uint16_t port;
    int silent = open_silent(SOCK_DGRAM, &port);
    snprintf(servers, sizeof servers, "127.0.0.1:%u", port);
    struct haul *haul =
        gathering_open(&(struct haul_options){.dns_servers = servers, .times = &times});
    uint64_t from_ns = clock_now_ns();
    assert_int_equal(haul_submit(haul, &(struct haul_request){.url = "http://silent.test/"}), 0);
    gathering_expect_one(haul, "0 deadline@resolve ''");
    assert_true(clock_now_ns() - from_ns >= UINT64_C(590000000));
    gathering_close(haul);
    close(silent);
}

/* Of one that accepts, and says nothing of TLS. */
static void a_handshake_is_waited_for_so_long(void)
{
    static const struct haul_times times = {
        .tls_ms = 600, .queue_ms = 200, .resolve_ms = 100, .first_byte_ms = 100};
    char url[64];
    uint16_t port;
    int silent = open_silent(SOCK_STREAM, &port);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", port);
    struct haul *haul = gathering_open(
        &(struct haul_options){.times = &times, .tls = &(const struct haul_tls){.insecure = true}});
    uint64_t from_ns = clock_now_ns();
    assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url}), 0);
    gathering_expect_one(haul, "0 deadline@tls ''");
    assert_true(clock_now_ns() - from_ns >= UINT64_C(590000000));
    gathering_close(haul);
    close(silent);
}

/* And what these two take counts as none of another's time: a reply that is slow. */
static void a_slow_reply_takes_no_other_time(void)
{
    static const struct haul_times times = {.resolve_ms = 150, .tls_ms = 150, .queue_ms = 150};
    struct haul *haul = gathering_open(&(struct haul_options){.times = &times});
    gathering_submit_to(haul, gathering_server_port(), "/delay/400");
    gathering_expect_one(haul, "200 ok ''");
    gathering_close(haul);
}

/* Nothing is under way, and only the run's time is to come: the descriptor tells of it. */
static void the_descriptor_tells_of_a_deadline_alone(void)
{
    const struct haul_result *result;
    struct haul *haul = gathering_open(&(struct haul_options){
        .limits = &(const struct haul_limits){.deadline_ms = 700, .rate = 1.0 / 3600}});
    for (int i = 0; i < 2; i++)
        gathering_submit_to(haul, gathering_server_port(), "/p/1");
    result = gathering_next(haul);
    assert_true(result->status == 200 || result->error == HAUL_DEADLINE);
    haul_release(haul, result);
    int error;
    while ((error = gathering_try(haul, &result, 0)) == -EAGAIN) {
        struct pollfd wait = {.fd = haul_fd(haul), .events = POLLIN};
        assert_int_equal(haul->engine.active, 0);
        assert_int_equal(poll(&wait, 1, GATHERING_PATIENCE_MS), 1);
    }
    assert_int_equal(error, 0);
    assert_int_equal(result->error, HAUL_NOT_STARTED);
    assert_int_equal(result->os_error, ETIMEDOUT);
    haul_release(haul, result);
    gathering_close(haul);
}

/* Each hop is a beginning: of two requests of three hops, six. */
static void hops_are_counted_by_the_rate(void)
{
#define TO(path) "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " path "\r\n\r\n"
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a"}, {SEND, TO("/b")}, {EXPECT, "GET /b"}, {SEND, TO("/c")},
               {EXPECT, "GET /c"}, {SEND, REPLY(2, "ok")}, {EXPECT, "GET /a"}, {SEND, TO("/b")},
               {EXPECT, "GET /b"}, {SEND, TO("/c")}, {EXPECT, "GET /c"}, {SEND, REPLY(2, "ok")},
               {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = 1,
                               .keep_bodies = true,
                               .limits = &(const struct haul_limits){.rate = 20},
                               .redirect = &(const struct haul_redirect){.follow = true}});
    uint64_t from_ns = clock_now_ns();
    for (int i = 0; i < 2; i++)
        gathering_submit(haul, server, "/a");
    gathering_expect(haul, "200 ok 'ok' reused\n200 ok 'ok' reused\n");
    assert_true(clock_now_ns() - from_ns >= 5 * UINT64_C(49000000));
    gathering_close(haul);
    assert_loopback(server);
}

/* Over TLS too; and what is TLS's or the names' own, or asks bench/server, which speaks plainly. */
int main(void)
{
    static const struct gathering_scenario scenarios[] = {
        SCENARIO(the_first_byte_is_awaited_for_so_long),
        SCENARIO(the_queue_is_waited_in_for_so_long),
        SCENARIO(a_request_has_times_of_its_own),
        SCENARIO(a_retry_is_waited_for_so_long),
        SCENARIO(the_run_has_a_deadline),
        SCENARIO(a_reply_that_is_too_slow_is_ended),
        SCENARIO(what_is_paused_never_stalls),
        SCENARIO(what_its_caller_does_not_take_never_stalls),
        SCENARIO(a_retry_after_the_run_is_none),
        SCENARIO(hops_are_counted_by_the_rate),
    };
    static const struct gathering_scenario plain[] = {
        SCENARIO(a_reply_may_be_as_slow_as_allowed),
        SCENARIO(addresses_are_waited_for_so_long),
        SCENARIO(a_handshake_is_waited_for_so_long),
        SCENARIO(a_slow_reply_takes_no_other_time),
        SCENARIO(the_descriptor_tells_of_a_deadline_alone),
    };
    gathering_apart();
    int failed = gathering_main(NULL, 0, plain, sizeof plain / sizeof *plain);
    return failed + tls_gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof *scenarios);
}
