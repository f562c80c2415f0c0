/* The engine against a scripted server: one reply after the other as rows, and what needs hands on
 * both sides as scenarios. */

#include "engine/engine.h"
#include "tests/lib/address.h"
#include "tests/lib/engine/engine_rows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COUNT = 20 };

/* --- order ------------------------------------------------------------------------------------ */

static const struct loopback_script first_is_late[] = {
    SCRIPT({EXPECT, "GET /a "}, {PAUSE}, {SEND, REPLY(1, "a")}, {EXPECT_END}),
    SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_END}),
};

static struct haul *ask_twice(struct loopback *server, bool is_unordered)
{
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = 2, .keep_bodies = true, .unordered = is_unordered});
    gathering_submit(haul, server, "/a");
    gathering_submit(haul, server, "/b");
    return haul;
}

static void a_late_first_reply_comes_first(void)
{
    struct loopback *server = loopback_open(first_is_late, 2);
    struct haul *haul = ask_twice(server, false);
    gathering_until_finished(haul, 1); /* and nothing may be handed out */
    loopback_continue(server, 0);
    gathering_expect(haul, "200 ok 'a'\n200 ok 'b'\n");
    gathering_close(haul);
    assert_loopback(server);
}

static void unordered_results_come_as_they_are_finished(void)
{
    struct loopback *server = loopback_open(first_is_late, 2);
    struct haul *haul = ask_twice(server, true);
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->index, 1);
    haul_release(haul, result);
    loopback_continue(server, 0);
    gathering_expect(haul, "200 ok 'a'\n");
    gathering_close(haul);
    assert_loopback(server);
}

/* --- pieces ----------------------------------------------------------------------------------- */

/* Takes replies that close their connection, count pieces each; the engine has taken each piece
 * before the next is sent. */
static void check_pieces(const struct loopback_script *scripts, size_t script_count, size_t count,
                         const char *expected)
{
    struct loopback *server = loopback_open(scripts, script_count);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    uint64_t received = 0;
    for (size_t i = 0; i < script_count; i++) {
        const struct loopback_row *row = scripts[i].rows + 1;
        gathering_submit(haul, server, "/a");
        for (size_t piece = 1; piece < count; piece++, row += 2) {
            received += row->length ? row->length : strlen(row->text);
            gathering_until_received(haul, received);
            loopback_continue(server, i);
        }
        received += strlen(row->text);
        gathering_expect_one(haul, expected);
    }
    gathering_close(haul);
    assert_loopback(server);
}

static void check_every_cut(const char *reply, const char *expected)
{
    size_t length = strlen(reply);
    struct loopback_script *scripts = calloc(length, sizeof *scripts);
    assert_non_null(scripts);
    for (size_t cut = 1; cut < length; cut++)
        scripts[cut - 1] = (struct loopback_script)SCRIPT(
            {EXPECT, "GET /a "}, {SEND, reply, cut}, {PAUSE}, {SEND, reply + cut}, {EXPECT_END});
    check_pieces(scripts, length - 1, 2, expected);
    free(scripts);
}

static void a_head_is_cut_anywhere(void)
{
    check_every_cut("HTTP/1.1 100 Continue\r\n\r\n" LAST_REPLY(3, "abc"), "200 ok 'abc'");
}

static void chunks_are_cut_anywhere(void)
{
    check_every_cut(OK "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "2;x=\"y\"\r\nab\r\n01\r\nc\r\n0\r\nA: b\r\n\r\n",
                    "200 ok 'abc'");
}

/* What is carried of an interim head makes room for what follows it. */
static void heads_are_cut_in_turns(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, "HTTP/1.1 103 E"}, {PAUSE},
               {SEND, "arly\r\n\r\nHTTP/1.1 1"}, {PAUSE},
               {SEND, "00 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\nConte"}, {PAUSE},
               {SEND, "nt-Length: 3\r\n\r\nabc"}, {EXPECT_END}),
        SCRIPT({EXPECT, "GET /a "}, {SEND, "HTTP/1.1 103 Early\r\nA: " X5000 "\r\nB: " X500 X500},
               {PAUSE}, {SEND, X5000}, {PAUSE},
               {SEND, X500 "\r\n\r\n" OK "Connection: close\r\nC: " X5000 "\r\nD: " X5000
                           "\r\nContent-Le"},
               {PAUSE}, {SEND, "ngth: 3\r\n\r\nabc"}, {EXPECT_END}),
    };
    check_pieces(scripts, 2, 4, "200 ok 'abc'");
}

/* --- idle connections ------------------------------------------------------------------------- */

#define BUSY SCRIPT({EXPECT, "GET /b "}, {PAUSE}, {SEND, REPLY(1, "b")}, {EXPECT_END})
#define FRESH SCRIPT({EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT_END})

static void an_idle_connection_that_the_server_closes_is_dropped(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {PAUSE}, {CLOSE}), BUSY, FRESH};
    engine_check_idle_is_dropped(scripts);
}

static void an_idle_connection_that_the_server_resets_is_dropped(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {PAUSE}, {RESET}), BUSY, FRESH};
    engine_check_idle_is_dropped(scripts);
}

static void an_idle_connection_that_speaks_is_closed(void)
{
    static const struct loopback_script scripts[] = {SCRIPT({EXPECT, "GET /a "},
                                                            {SEND, REPLY(1, "a")}, {PAUSE},
                                                            {SEND, REPLY(1, "?")}, {EXPECT_END}),
                                                     BUSY, FRESH};
    engine_check_idle_is_dropped(scripts);
}

/* Another idle connection may be as dead as the one that was tried. */
static void what_is_sent_again_is_sent_on_a_fresh_connection(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END}),
        SCRIPT({EXPECT, "GET /b "}, {PAUSE}, {SEND, REPLY(1, "b")}, {EXPECT, "GET /c "}, {CLOSE}),
        FRESH};
    struct loopback *server = loopback_open(scripts, 3);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 3, .keep_bodies = true});
    gathering_submit(haul, server, "/a");
    gathering_submit(haul, server, "/b");
    gathering_expect_one(haul, "200 ok 'a'");
    loopback_continue(server, 1);
    gathering_expect_one(haul, "200 ok 'b'");
    gathering_submit(haul, server, "/c"); /* what became idle last is used first */
    gathering_expect_one(haul, "200 ok 'c'");
    assert_int_equal(haul->engine.retries, 1);
    gathering_close(haul);
    assert_loopback(server);
}

/* --- bounds ----------------------------------------------------------------------------------- */

/* The first request is answered last, so that no result comes in between. */
static void concurrency_is_a_hard_bound(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /"}, {PAUSE}, {SEND, LAST_REPLY(0, "")}, {EXPECT_END}),
        SCRIPT_REPEAT({EXPECT, "GET /"}, {PAUSE}, {SEND, LAST_REPLY(0, "")}, {EXPECT_END}),
    };
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 3});
    for (int i = 0; i < COUNT; i++)
        gathering_submit(haul, server, "/");
    for (size_t ended = 0; ended + 3 < COUNT; ended++) {
        gathering_until_asked(haul, server, ended + 3);
        gathering_until_finished(haul, ended);
        assert_int_equal(haul->engine.pool.open, 3);
        assert_int_equal(haul->engine.active, 3);
        assert_true(loopback_wait_accepted(server, ended + 3));
        assert_int_equal(loopback_accepted(server), ended + 3);
        loopback_continue(server, ended + 1);
    }
    loopback_continue(server, 0);
    for (size_t i = COUNT - 2; i < COUNT; i++)
        loopback_continue(server, i);
    for (int i = 0; i < COUNT; i++)
        gathering_expect_one(haul, "200 ok ''");
    gathering_close(haul);
    assert_true(loopback_wait_accepted(server, COUNT));
    assert_int_equal(loopback_accepted(server), COUNT);
    assert_loopback(server);
}

/* Each server keeps its connection, and the oldest idle one gives way to another origin. */
static void idle_connections_give_way_to_other_origins(void)
{
    enum { ORIGINS = 4, KEPT = 2 };
#define FIRST SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})
    static const struct loopback_script scripts[] = {
        FIRST, SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_END})};
    static const struct loopback_script kept[] = {
        FIRST, SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT, "GET /c "},
                      {SEND, REPLY(1, "c")}, {EXPECT_END})};
    struct loopback *servers[ORIGINS];
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 2, .keep_bodies = true});
    for (int i = 0; i < ORIGINS; i++) {
        servers[i] = loopback_open(i < ORIGINS - KEPT ? scripts : kept, 2);
        assert_non_null(servers[i]);
    }
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < ORIGINS; i++) {
            gathering_submit(haul, servers[i], round ? "/b" : "/a");
            gathering_expect_one(haul, round ? "200 ok 'b'" : "200 ok 'a'");
            assert_in_range(haul->engine.pool.open, 1, 2);
        }
    gathering_submit(haul, servers[ORIGINS - 1], "/c");
    gathering_submit(haul, servers[ORIGINS - 2], "/c");
    gathering_expect(haul, "200 ok 'c' reused\n200 ok 'c' reused\n");
    gathering_close(haul);
    for (int i = 0; i < ORIGINS; i++)
        assert_loopback(servers[i]);
}

/* --- connecting ------------------------------------------------------------------------------- */

static void a_refused_connection_is_an_error(void)
{
    uint16_t port;
    int fd = address_hold(-1, &port);
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1});
    for (int i = 0; i < 3; i++)
        gathering_submit_to(haul, port, "/a");
    for (int i = 0; i < 3; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_CONNECT);
        assert_int_equal(result->stage, HAUL_STAGE_CONNECT);
        assert_int_equal(result->os_error, ECONNREFUSED);
        haul_release(haul, result);
    }
    gathering_close(haul);
    close(fd);
}

/* A listener whose queue is full answers nobody. */
static void a_connect_has_its_own_time(void)
{
    enum { FILLERS = 4 };
    int fillers[FILLERS];
    uint16_t port;
    int fd = address_hold(0, &port);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < FILLERS; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 2, .connect_timeout_ms = 40});
    for (int i = 0; i < 3; i++)
        gathering_submit_to(haul, port, "/a");
    gathering_expect(haul, "0 deadline@connect ''\n0 deadline@connect ''\n0 deadline@connect ''\n");
    gathering_close(haul);
    for (int i = 0; i < FILLERS; i++)
        close(fillers[i]);
    close(fd);
}

/* A server on [::1] whose port nobody listens on at 127.0.0.1, where it is held by *ret_held. Tests
 * run side by side: another one's server may have it, and then this asks for another port. */
static struct loopback *open_ipv6_only(const struct loopback_script *scripts, size_t count,
                                       int *ret_held)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct loopback *server;
    while ((server = loopback_open_ipv6(scripts, count))) {
        *ret_held = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        address.sin_port = htons(loopback_port(server));
        if (bind(*ret_held, (const struct sockaddr *)&address, sizeof address) == 0)
            break;
        close(*ret_held);
        loopback_close(server);
    }
    return server;
}

/* Each reply ends its connection; refused: how many connections were in vain. */
static void check_ipv6(const char *host, uint64_t refused)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {EXPECT_END}),
        SCRIPT({EXPECT, "GET /b "}, {SEND, LAST_REPLY(1, "b")}, {EXPECT_END}),
    };
    int held = -1;
    struct loopback *server = open_ipv6_only(scripts, 2, &held);
    char url[64];
    if (!server) {
        print_message("skipped: this machine has no ::1\n");
        skip();
    }
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    for (int i = 0; i < 2; i++) {
        snprintf(url, sizeof url, "http://%s:%u/%c", host, loopback_port(server), "ab"[i]);
        gathering_submit(haul, server, url);
    }
    gathering_expect(haul, "200 ok 'a'\n200 ok 'b'\n");
    assert_int_equal(haul->engine.dials.connects, 2 + refused);
    gathering_close(haul);
    close(held);
    assert_loopback(server);
}

static void an_ipv6_literal_is_an_address(void)
{
    check_ipv6("[::1]", 0);
}

/* localhost is 127.0.0.1 and ::1; only the second listens, and is the first the next time. */
static void localhost_is_tried_at_both_addresses(void)
{
    check_ipv6("localhost", 1);
}

static void localhost_in_other_letters_is_the_same_origin(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "},
               {SEND, REPLY(1, "b")}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    char url[64];
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    snprintf(url, sizeof url, "http://localhost:%u/a", loopback_port(server));
    gathering_submit(haul, server, url);
    snprintf(url, sizeof url, "HTTP://LocalHost:%u/b", loopback_port(server));
    gathering_submit(haul, server, url);
    gathering_expect(haul, "200 ok 'a'\n200 ok 'b' reused\n");
    gathering_close(haul);
    assert_loopback(server);
}

/* --- names ------------------------------------------------------------------------------------ */

/* A DNS server that knows one address for every name. */
struct names {
    pthread_t thread;
    int fd;
    char address[32]; /* as the option wants it */
};

static size_t write_answer(unsigned char *message, size_t length)
{
    static const unsigned char address[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1};
    size_t name = 12;
    while (message[name] != 0 && name < length)
        name += message[name] + 1u;
    bool asks_for_ipv4 = message[name + 2] == 1;
    message[2] = 0x81; /* a reply */
    message[3] = 0x80;
    message[7] = asks_for_ipv4;
    message[11] = 0; /* without the query's extra record */
    length = name + 5;
    if (asks_for_ipv4)
        memcpy(message + length, address, sizeof address);
    return length + (asks_for_ipv4 ? sizeof address : 0);
}

/* Until it is sent a message of no bytes. */
static void *names_serve(void *argument)
{
    const struct names *names = argument;
    unsigned char message[1024];
    struct sockaddr_in from;
    socklen_t from_length = sizeof from;
    ssize_t length;
    while ((length = recvfrom(names->fd, message, sizeof message / 2, 0, (struct sockaddr *)&from,
                              &from_length)) > 0)
        sendto(names->fd, message, write_answer(message, (size_t)length), 0,
               (struct sockaddr *)&from, from_length);
    return NULL;
}

static struct sockaddr_in names_bind(struct names *names)
{
    struct sockaddr_in address;
    names->fd = address_bind(SOCK_DGRAM, &address);
    snprintf(names->address, sizeof names->address, "127.0.0.1:%u", ntohs(address.sin_port));
    return address;
}

/* Several requests wait for the same answer; it serves them all, and the next one too. */
static void a_name_is_looked_up_once(void)
{
    enum { TOGETHER = 3 };
    static const struct loopback_script scripts[] = {
        SCRIPT_REPEAT({EXPECT, "GET /a HTTP/1.1\r\nHost: server.example:"},
                      {SEND, LAST_REPLY(1, "a")}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct names names;
    char url[64];
    struct sockaddr_in address = names_bind(&names);
    assert_int_equal(pthread_create(&names.thread, NULL, names_serve, &names), 0);
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = TOGETHER, .keep_bodies = true, .dns_servers = names.address});
    snprintf(url, sizeof url, "http://server.example:%u/a", loopback_port(server));
    for (int i = 0; i < TOGETHER; i++)
        gathering_submit(haul, server, url);
    gathering_expect(haul, "200 ok 'a'\n200 ok 'a'\n200 ok 'a'\n");
    assert_int_equal(sendto(names.fd, NULL, 0, 0, (struct sockaddr *)&address, sizeof address), 0);
    pthread_join(names.thread, NULL);
    close(names.fd);
    gathering_submit(haul, server, url); /* nobody is left to be asked */
    gathering_expect(haul, "200 ok 'a'\n");
    gathering_close(haul);
    assert_loopback(server);
}

static void a_name_without_an_answer_is_an_error(void)
{
    struct names names;
    names_bind(&names);
    close(names.fd); /* and nobody listens */
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 2, .dns_servers = names.address});
    for (int i = 0; i < 3; i++)
        gathering_submit_to(haul, 1, i == 2 ? "http://b.example/" : "http://a.example/");
    gathering_expect(haul, "0 resolve@resolve ''\n0 resolve@resolve ''\n0 resolve@resolve ''\n");
    gathering_close(haul);
}

/* Asserts that a request's deadline is so long after its start, and brings it near. */
static void bring_near(struct haul *haul, uint32_t fetch, uint64_t allowed_ms)
{
    enum { SOON_NS = 20000000 };
    struct engine *engine = &haul->engine;
    uint32_t conn = engine->fetches[fetch].conn;
    assert_int_equal(engine->deadlines.entries[conn].due_ns,
                     engine->fetches[fetch].started_ns + allowed_ms * 1000000);
    deadline_set(&engine->deadlines, conn, clock_now_ns() + SOON_NS);
}

/* The server is asked, and silent. */
static void a_lookup_ends_by_deadline_or_cancel(void)
{
    enum { CONNECT_MS = 200000 }; /* the whole has 300 s */
    const struct haul_result *result;
    struct names names;
    names_bind(&names);
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = 3, .dns_servers = names.address, .connect_timeout_ms = CONNECT_MS});
    gathering_submit_to(haul, 1, "http://a.example/");
    gathering_submit_to(haul, 1, "http://a.example/");
    gathering_submit_to(haul, 1, "http://b.example/");
    assert_int_equal(gathering_try(haul, &result, 0), -EAGAIN);
    assert_int_equal(haul_cancel(haul, 1), 0);
    bring_near(haul, 0, CONNECT_MS);
    bring_near(haul, 2, CONNECT_MS);
    gathering_expect(haul,
                     "0 deadline@resolve ''\n0 cancelled@resolve ''\n0 deadline@resolve ''\n");
    gathering_submit_to(haul, 1, "http://c.example/"); /* given up with the engine */
    assert_int_equal(gathering_try(haul, &result, 0), -EAGAIN);
    haul_close(haul);
    close(names.fd);
}

/* The number in the next question's name n<number>; false: nothing more has been asked. */
static bool names_take(const struct names *names, int *ret_number)
{
    unsigned char message[1024] = {0};
    if (recv(names->fd, message, sizeof message - 1, MSG_DONTWAIT) <= 0)
        return false;
    *ret_number = atoi((const char *)message + 14); /* behind the header, a length and the n */
    return true;
}

/* More names than are asked at once: those whose requests are cancelled leave the queue, and the
 * one behind them is asked. */
static void nobody_asks_for_the_names_of_cancelled_requests(void)
{
    enum { NAMES = 300 };
    struct names names;
    const struct haul_result *result;
    int number = 0;
    int last = 0;
    names_bind(&names);
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = NAMES, .dns_servers = names.address, .connect_timeout_ms = -1});
    for (int i = 0; i < NAMES; i++) {
        char url[64];
        snprintf(url, sizeof url, "http://n%d.example/", i);
        gathering_submit_to(haul, 1, url);
    }
    assert_int_equal(gathering_try(haul, &result, 0), -EAGAIN);
    while (names_take(&names, &number))
        last = number > last ? number : last;
    assert_in_range(last, 1, NAMES - 3);
    for (uint64_t i = 1; i < NAMES - 1; i++)
        assert_int_equal(haul_cancel(haul, i), 0);
    for (uint64_t limit = 0; number != NAMES - 1; limit++) {
        assert_true(limit < 1000000);
        assert_int_equal(gathering_try(haul, &result, 10), -EAGAIN);
        while (names_take(&names, &number))
            assert_true(number <= last || number == NAMES - 1);
    }
    haul_close(haul);
    close(names.fd);
}

/* --- deadlines -------------------------------------------------------------------------------- */

/* Everything that three servers say before they fall silent has come. */
static void until_silent(struct haul *haul, struct loopback *server)
{
    int steps = 0;
    for (size_t i = 0; i < 3; i++)
        while (loopback_paused(server, i) == 0)
            engine_step(haul, &steps);
    gathering_until_received(haul, loopback_sent(server));
}

/* The deadlines in force are the right ones; brought near, they end the wait. */
static void time_runs_out_in_the_head_and_in_the_body(void)
{
    enum { TOTAL_MS = 300000 };
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {PAUSE}, {HOLD}),
        SCRIPT({EXPECT, "GET /b "}, {SEND, "HTTP/1.1 20"}, {PAUSE}, {HOLD}),
        SCRIPT({EXPECT, "GET /c "}, {SEND, REPLY(5, "hel")}, {PAUSE}, {HOLD}),
    };
    struct loopback *server = loopback_open(scripts, 3);
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = 3, .max_time_ms = TOTAL_MS, .keep_bodies = true});
    gathering_submit(haul, server, "/a");
    gathering_submit(haul, server, "/b");
    gathering_submit(haul, server, "/c");
    until_silent(haul, server);
    for (uint32_t i = 0; i < 3; i++) {
        bring_near(haul, i, TOTAL_MS);
        loopback_continue(server, i);
    }
    gathering_expect(haul, "0 deadline@head ''\n0 deadline@head ''\n200 deadline@body 'hel'\n");
    gathering_close(haul);
    assert_loopback(server);
}

/* --- bodies of requests ----------------------------------------------------------------------- */

static void check_upload(size_t length)
{
    char *body = engine_body(length);
    const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "POST /a "}, {EXPECT_BODY, body, length}, {SEND, REPLY(1, "a")},
               {EXPECT, "POST /b "}, {EXPECT_BODY, body, length}, {SEND, REPLY(1, "b")},
               {EXPECT_END}),
    };
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1,
                                                              .keep_bodies = true,
                                                              .body = body,
                                                              .body_length = length,
                                                              .has_body = true});
    gathering_submit(haul, server, "/a");
    gathering_submit(haul, server, "/b");
    gathering_expect(haul, "200 ok 'a'\n200 ok 'b' reused\n");
    gathering_close(haul);
    assert_loopback(server);
    free(body);
}

static void a_body_of_10_kb_is_sent(void)
{
    check_upload(10000);
}

static void a_body_of_3_mb_is_sent(void)
{
    check_upload(3 << 20);
}

/* What is still being sent when the reply is there makes the connection unfit for another. */
static void an_early_reply_ends_the_upload(void)
{
    engine_check_early_reply(EXPECT_END);
}

/* --- cancelling ------------------------------------------------------------------------------- */

static const struct loopback_script second_fails[] = {
    SCRIPT({EXPECT, "GET /a "}, {EXPECT_END}),
    SCRIPT({EXPECT, "GET /b "}, {PAUSE}, {SEND, "nonsense\r\n"}, {EXPECT_END}),
};

static void the_first_failure_cancels_the_others(void)
{
    struct loopback *server = loopback_open(second_fails, 2);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 2, .cancel_on_error = true});
    const char *const paths[] = {"/a", "/b", "/c", "/d"};
    for (int i = 0; i < 4; i++)
        gathering_submit(haul, server, paths[i]);
    gathering_until_asked(haul, server, 2);
    loopback_continue(server, 1);
    gathering_expect(haul, "0 cancelled@head ''\n0 protocol@head ''\n0 not_started@queue ''\n"
                           "0 not_started@queue ''\n");
    assert_int_equal(haul_submit(haul, &(struct haul_request){.url = "http://127.0.0.1/"}),
                     -ECANCELED);
    gathering_close(haul);
    assert_loopback(server);
}

/* The failure is known at once: what was submitted before it never begins. */
static void a_bad_url_cancels_what_is_queued(void)
{
    struct haul *haul = gathering_open(&(struct haul_options){.cancel_on_error = true});
    gathering_submit_to(haul, 1, "/a");
    gathering_submit_to(haul, 1, "gopher://a/");
    assert_int_equal(haul_submit(haul, &(struct haul_request){.url = "http://127.0.0.1/"}),
                     -ECANCELED);
    gathering_expect(haul, "0 not_started@queue ''\n0 url@queue ''\n");
    gathering_close(haul);
}

static void one_request_is_cancelled_wherever_it_is(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(5, "hel")}, {EXPECT_END}),
        SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT, "GET /d "},
               {SEND, REPLY(1, "d")}, {EXPECT_END}),
    };
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul = ask_twice(server, false);
    gathering_until_finished(haul, 1);
    assert_int_equal(haul_cancel(haul, 1), -EALREADY);
    gathering_submit(haul, server, "/c");
    gathering_submit(haul, server, "/d");
    assert_int_equal(haul_cancel(haul, 2), 0);
    assert_int_equal(haul_cancel(haul, 2), -EALREADY);
    assert_int_equal(haul_cancel(haul, 4), -ENOENT);
    gathering_until_finished(haul, 3);
    for (int steps = 0; haul->engine.fetches[0].body_bytes < 3;)
        engine_step(haul, &steps);
    assert_int_equal(haul->engine.fetches[0].status, 200);
    assert_int_equal(haul_cancel(haul, 0), 0);
    gathering_expect(haul, "200 cancelled@body 'hel'\n200 ok 'b'\n0 not_started@queue ''\n"
                           "200 ok 'd' reused\n");
    assert_int_equal(haul_cancel(haul, 0), -ENOENT);
    gathering_close(haul);
    assert_loopback(server);
}

static void all_requests_are_cancelled(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT_REPEAT({EXPECT, "GET /"}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 2});
    for (int i = 0; i < 4; i++)
        gathering_submit(haul, server, "/");
    gathering_until_asked(haul, server, 2);
    haul_cancel_all(haul);
    haul_cancel_all(haul);
    assert_int_equal(haul_submit(haul, &(struct haul_request){.url = "http://127.0.0.1/"}),
                     -ECANCELED);
    gathering_expect(haul, "0 cancelled@head ''\n0 cancelled@head ''\n0 not_started@queue ''\n"
                           "0 not_started@queue ''\n");
    gathering_close(haul);
    assert_loopback(server);
}

/* Slots that were released in one order are taken again in the other, so that the queue and the
 * slots run against each other: where each cancelling looks for its place, this takes minutes. */
static void check_many_cancelled(bool one_by_one)
{
    enum { MANY = 100000 };
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .window = MANY + 1});
    const struct haul_result *results[MANY];
    for (int i = 0; i < MANY; i++)
        assert_int_equal(haul_submit(haul, &(struct haul_request){.url = ":"}), 0);
    for (int i = 0; i < MANY; i++)
        results[i] = gathering_next(haul);
    for (int i = 0; i < MANY; i++)
        haul_release(haul, results[i]);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(haul_submit(haul, &(struct haul_request){.url = "http://127.0.0.1:1/"}),
                         0);
    for (uint64_t i = 0; one_by_one && i < MANY; i++)
        assert_int_equal(haul_cancel(haul, 2 * (uint64_t)MANY - 1 - i), 0);
    haul_cancel_all(haul);
    for (uint64_t i = 0; i < MANY; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->index, MANY + i);
        assert_int_equal(result->error, HAUL_NOT_STARTED);
        haul_release(haul, result);
    }
    gathering_close(haul);
}

static void cancelling_many_costs_each_the_same(void)
{
    check_many_cancelled(false);
}

static void cancelling_many_one_by_one_costs_each_the_same(void)
{
    check_many_cancelled(true);
}

/* The request's own end and the others' come from within the same handler. */
static void a_failed_connect_cancels_the_others(void)
{
    uint16_t port;
    int fd = address_hold(-1, &port);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 8, .cancel_on_error = true});
    for (int i = 0; i < COUNT; i++)
        gathering_submit_to(haul, port, "/");
    int failed = 0;
    for (int i = 0; i < COUNT; i++) {
        const struct haul_result *result = gathering_next(haul);
        failed += result->error == HAUL_CONNECT;
        assert_true(result->error == HAUL_CONNECT || result->error == HAUL_CANCELLED ||
                    (result->error == HAUL_NOT_STARTED && i >= 8));
        haul_release(haul, result);
    }
    assert_int_equal(failed, 1);
    gathering_close(haul);
    close(fd);
}

/* haul_close() with everything under way; the runner counts the descriptors, and the sanitizer the
 * memory. */
static void an_engine_closes_in_the_middle(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(5, "hel")}, {EXPECT_END}),
        SCRIPT({EXPECT, "GET /b "}, {EXPECT_END}),
    };
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul = ask_twice(server, false);
    gathering_submit(haul, server, "/c");
    gathering_until_asked(haul, server, 2);
    haul_close(haul);
    assert_true(loopback_wait_received(server, 2));
    assert_loopback(server);
}

static void nothing_unasked_reaches_a_later_request(void)
{
    engine_check_spoilt(1);
}

static void nor_where_many_are_under_way(void)
{
    engine_check_spoilt(64);
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(a_late_first_reply_comes_first),
    SCENARIO(unordered_results_come_as_they_are_finished),
    SCENARIO(a_head_is_cut_anywhere),
    SCENARIO(chunks_are_cut_anywhere),
    SCENARIO(heads_are_cut_in_turns),
    SCENARIO(an_idle_connection_that_the_server_closes_is_dropped),
    SCENARIO(an_idle_connection_that_the_server_resets_is_dropped),
    SCENARIO(an_idle_connection_that_speaks_is_closed),
    SCENARIO(nothing_unasked_reaches_a_later_request),
    SCENARIO(nor_where_many_are_under_way),
    SCENARIO(what_is_sent_again_is_sent_on_a_fresh_connection),
    SCENARIO(concurrency_is_a_hard_bound),
    SCENARIO(idle_connections_give_way_to_other_origins),
    SCENARIO(a_refused_connection_is_an_error),
    SCENARIO(a_connect_has_its_own_time),
    SCENARIO(an_ipv6_literal_is_an_address),
    SCENARIO(localhost_is_tried_at_both_addresses),
    SCENARIO(localhost_in_other_letters_is_the_same_origin),
    SCENARIO(a_name_is_looked_up_once),
    SCENARIO(a_name_without_an_answer_is_an_error),
    SCENARIO(a_lookup_ends_by_deadline_or_cancel),
    SCENARIO(nobody_asks_for_the_names_of_cancelled_requests),
    SCENARIO(time_runs_out_in_the_head_and_in_the_body),
    SCENARIO(a_body_of_10_kb_is_sent),
    SCENARIO(a_body_of_3_mb_is_sent),
    SCENARIO(an_early_reply_ends_the_upload),
    SCENARIO(the_first_failure_cancels_the_others),
    SCENARIO(a_bad_url_cancels_what_is_queued),
    SCENARIO(one_request_is_cancelled_wherever_it_is),
    SCENARIO(all_requests_are_cancelled),
    SCENARIO(cancelling_many_costs_each_the_same),
    SCENARIO(cancelling_many_one_by_one_costs_each_the_same),
    SCENARIO(a_failed_connect_cancels_the_others),
    SCENARIO(an_engine_closes_in_the_middle),
};

int main(void)
{
    return gathering_main(engine_rows, engine_row_count, scenarios,
                          sizeof scenarios / sizeof *scenarios);
}
