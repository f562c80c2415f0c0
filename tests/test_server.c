/* The embedded server, over both loops: what it says to one request, to many at once, to one in
 * crumbs, and to a client that asks without reading. Everything else is tested and measured against
 * it, so that its own faults would be looked for elsewhere. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/inbound.h"
#include "bench/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEARD_BYTES_MAX = 8 * 1024 * 1024, REPEATS = 2000 };

struct fixture {
    struct server *server;
    pthread_t thread;
    int result;
    char *heard;
};

static void *serve(void *argument)
{
    struct fixture *fixture = argument;

    fixture->result = server_run(fixture->server);
    return NULL;
}

static int setup(void **state, enum server_loop loop)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const struct server_options options = {.loop = loop, .connections = 64};

    assert_non_null(fixture);
    *state = fixture;
    fixture->heard = malloc(HEARD_BYTES_MAX);
    assert_non_null(fixture->heard);
    if (server_open(&fixture->server, &options))
        return 0; /* this kernel has no such loop: the tests say so */
    return pthread_create(&fixture->thread, NULL, serve, fixture);
}

static int setup_uring(void **state)
{
    return setup(state, SERVER_LOOP_URING);
}

static int setup_epoll(void **state)
{
    return setup(state, SERVER_LOOP_EPOLL);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    int result = 0;

    if (fixture->server) {
        server_stop(fixture->server);
        pthread_join(fixture->thread, NULL);
        result = fixture->result;
        server_close(fixture->server);
    }
    free(fixture->heard);
    free(fixture);
    return result;
}

static int dial(struct fixture *fixture)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 30};
    int fd;

    if (!fixture->server)
        skip();
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_port = htons(server_port(fixture->server));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *bytes, size_t length)
{
    assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

/* A ring that is being taken down, of a test before, interrupts what this thread waits for. */
static ssize_t hear(int fd, char *bytes, size_t length)
{
    ssize_t got;
    do {
        got = recv(fd, bytes, length, 0);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* Everything up to the server's FIN, zero-terminated. */
static size_t hear_all(struct fixture *fixture, int fd)
{
    size_t length = 0;
    ssize_t got;

    while ((got = hear(fd, fixture->heard + length, HEARD_BYTES_MAX - 1 - length)) > 0)
        length += (size_t)got;
    assert_int_equal(got, 0);
    fixture->heard[length] = '\0';
    return length;
}

#define CLOSE " HTTP/1.1\r\nConnection: close\r\n\r\n"

static const struct {
    const char *request;
    const char *reply_begins;
    size_t body_bytes;
} replies[] = {
    {"GET /p/1" CLOSE, "HTTP/1.1 200 OK\r\n", 612},
    {"GET /s?query" CLOSE, "HTTP/1.1 200 OK\r\n", 128},
    {"GET http://host/s" CLOSE, "HTTP/1.1 200 OK\r\n", 128},
    {"GET /4k" CLOSE, "HTTP/1.1 200 OK\r\n", 4096},
    {"GET /64k" CLOSE, "HTTP/1.1 200 OK\r\n", 65536},
    {"HEAD /64k" CLOSE, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 65536", 0},
    {"GET /bytes/0" CLOSE, "HTTP/1.1 200 OK\r\n", 0},
    {"GET /bytes/16385" CLOSE, "HTTP/1.1 200 OK\r\n", 16385},
    {"GET /bytes/1000000" CLOSE, "HTTP/1.1 200 OK\r\n", 1000000},
    {"GET /bytes/67108865" CLOSE, "HTTP/1.1 404 ", 9},
    {"GET /chunked/0" CLOSE, "HTTP/1.1 200 OK\r\n", 5},
    {"GET /chunked/2500" CLOSE, "HTTP/1.1 200 OK\r\n", 2 * (5 + 1000 + 2) + 5 + 500 + 2 + 5},
    {"GET /chunked/2500 HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", 2500},
    {"GET /close/1 HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", 612},
    {"GET /delay/1" CLOSE, "HTTP/1.1 200 OK\r\n", 2},
    {"GET /drip/7/1" CLOSE, "HTTP/1.1 200 OK\r\n", 7},
    {"GET /status/204" CLOSE, "HTTP/1.1 204 No Content\r\nConnection", 0},
    {"GET /status/503" CLOSE, "HTTP/1.1 503 Service Unavailable\r\n", 19},
    {"GET /status/600" CLOSE, "HTTP/1.1 404 ", 9},
    {"GET /headers/2" CLOSE, "HTTP/1.1 200 OK\r\nX-Field-1: value 1\r\nX-Field-2: value 2\r\n", 0},
    {"GET /truncate HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", 10},
    {"GET /posts/100" CLOSE, "HTTP/1.1 200 OK\r\nContent-Type: application/json", 0},
    {"GET /posts/101" CLOSE, "HTTP/1.1 404 ", 9},
    {"GET /posts/0" CLOSE, "HTTP/1.1 404 ", 9},
    {"GET /nothing" CLOSE, "HTTP/1.1 404 Not Found\r\n", 9},
    {"PUT /s HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /status/418" CLOSE, "HTTP/1.1 200 ", 0},
    {"nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", 11},
};

static void test_replies(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        int fd = dial(fixture);

        say(fd, replies[i].request, strlen(replies[i].request));
        size_t length = hear_all(fixture, fd);
        close(fd);
        const char *body = strstr(fixture->heard, "\r\n\r\n");
        assert_non_null(body);
        body += 4;
        if (strncmp(fixture->heard, replies[i].reply_begins, strlen(replies[i].reply_begins)) != 0)
            fail_msg("%s: %.200s", replies[i].request, fixture->heard);
        if (replies[i].body_bytes > 0)
            assert_int_equal(length - (size_t)(body - fixture->heard), replies[i].body_bytes);
    }
}

static void test_echo(void **state)
{
    static const char request[] = "POST /echo HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody";
    struct fixture *fixture = *state;
    int fd = dial(fixture);

    for (size_t i = 0; i < sizeof request - 1; i++)
        say(fd, request + i, 1);
    hear_all(fixture, fd);
    close(fd);
    assert_string_equal(strstr(fixture->heard, "\r\n\r\n") + 4, request);
}

static void test_reset(void **state)
{
    static const char request[] = "GET /reset HTTP/1.1\r\n\r\n";
    int fd = dial(*state);

    say(fd, request, sizeof request - 1);
    assert_int_equal(recv(fd, (char[1]){0}, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
}

struct talk {
    int fd;
    char *requests;
    size_t length;
};

static void *talk(void *argument)
{
    struct talk *talk = argument;

    say(talk->fd, talk->requests, talk->length);
    shutdown(talk->fd, SHUT_WR);
    return NULL;
}

/* Static, shared-memory and long replies, all asked for at once: each must come whole and in turn.
 * The requests fill the socket before the first reply is read. */
static void test_pipelining(void **state)
{
    static const char requests[] =
        "GET /s HTTP/1.1\r\n\r\nGET /users/7 HTTP/1.1\r\n\r\n"
        "GET /bytes/40000 HTTP/1.1\r\n\r\nGET /status/204 HTTP/1.1\r\n\r\n"
        "GET /users/8 HTTP/1.1\r\n\r\n";
    struct fixture *fixture = *state;
    struct talk all = {.fd = dial(fixture), .length = REPEATS / 20 * (sizeof requests - 1)};
    struct talk one = {.fd = dial(fixture), .length = sizeof requests - 1};
    pthread_t thread;
    size_t turn;

    all.requests = malloc(all.length + 1);
    one.requests = malloc(one.length + 1);
    assert_non_null(all.requests);
    assert_non_null(one.requests);
    for (size_t i = 0; i < REPEATS / 20; i++)
        memcpy(all.requests + i * one.length, requests, one.length);
    memcpy(one.requests, requests, one.length);

    talk(&one);
    turn = hear_all(fixture, one.fd);
    char *expected = malloc(turn);
    assert_non_null(expected);
    memcpy(expected, fixture->heard, turn);

    assert_int_equal(pthread_create(&thread, NULL, talk, &all), 0);
    size_t length = hear_all(fixture, all.fd);
    pthread_join(thread, NULL);
    assert_int_equal(length, REPEATS / 20 * turn);
    for (size_t i = 0; i < REPEATS / 20; i++)
        assert_memory_equal(fixture->heard + i * turn, expected, turn);
    close(one.fd);
    close(all.fd);
    free(one.requests);
    free(all.requests);
    free(expected);
}

static void test_many_small_at_once(void **state)
{
    static const char request[] = "GET /s HTTP/1.1\r\n\r\n";
    struct fixture *fixture = *state;
    struct talk all = {.fd = dial(fixture), .length = REPEATS * (sizeof request - 1)};

    all.requests = malloc(all.length + 1);
    assert_non_null(all.requests);
    for (size_t i = 0; i < REPEATS; i++)
        memcpy(all.requests + i * (sizeof request - 1), request, sizeof request - 1);
    talk(&all);
    size_t length = hear_all(fixture, all.fd);
    size_t turn = length / REPEATS;
    assert_int_equal(length, REPEATS * turn);
    for (size_t i = 1; i < REPEATS; i++)
        assert_memory_equal(fixture->heard + i * turn, fixture->heard, turn);
    close(all.fd);
    free(all.requests);
}

/* What inbound_parse() says of a head, and of each of its beginnings: that it goes on. */
static const struct {
    const char *text;
    int status;
    const char *path;
    bool keep_alive;
} heads[] = {
    {"GET / HTTP/1.1\r\n\r\n", 0, "/", true},
    {"GET / HTTP/1.0\r\n\r\n", 0, "/", false},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 0, "/", true},
    {"GET / HTTP/1.1\r\nconnection: foo , CLOSE\r\n\r\n", 0, "/", false},
    {"GET http://host/a?b HTTP/1.1\r\n\r\n", 0, "/a", true},
    {"GET http://host HTTP/1.1\r\n\r\n", 0, "", true},
    {"GET / HTTP/2.0\r\n\r\n", 505, NULL, false},
    {"GET / HTTP/1.2\r\n\r\n", 505, NULL, false},
    {"GET /\r\n\r\n", 400, NULL, false},
    {"GET  / HTTP/1.1\r\n\r\n", 400, NULL, false},
    {"G@T / HTTP/1.1\r\n\r\n", 400, NULL, false},
    {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400, NULL, false},
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, NULL, false},
    {"GET / HTTP/1.1\r\nHost\r\n\r\n", 400, NULL, false},
    {"GET / HTTP/1.1\r\n: a\r\n\r\n", 400, NULL, false},
    {"PUT / HTTP/1.1\r\nContent-Length: \r\n\r\n", 400, NULL, false},
    {"PUT / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", 400, NULL, false},
    {"PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, NULL, false},
    {"PUT / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 413, NULL, false},
    {"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501, NULL, false},
};

static void test_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct span text = span_of(heads[i].text);
        struct inbound inbound;

        assert_int_equal(inbound_parse(text, &inbound), heads[i].status);
        if (heads[i].status != 0)
            continue;
        assert_true(span_equal(inbound.path, span_of(heads[i].path)));
        assert_int_equal(inbound.keep_alive, heads[i].keep_alive);
        assert_int_equal(inbound.length, text.length);
        while (text.length-- > 0)
            assert_int_equal(inbound_parse(text, &inbound), INBOUND_MORE);
    }
}

static void test_head_limit(void **state)
{
    static char head[INBOUND_HEAD_BYTES_MAX + 1] = "GET / HTTP/1.1\r\nA: ";
    struct inbound inbound;

    (void)state;
    memset(head + strlen(head), 'a', sizeof head - strlen(head));
    assert_int_equal(inbound_parse((struct span){head, sizeof head - 1}, &inbound), INBOUND_MORE);
    assert_int_equal(inbound_parse((struct span){head, sizeof head}, &inbound), 431);
}

#define BOTH_LOOPS(test)                                                                           \
    {#test " (uring)", test, setup_uring, teardown, NULL},                                         \
    {                                                                                              \
#test " (epoll)", test, setup_epoll, teardown, NULL                                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH_LOOPS(test_replies),
        BOTH_LOOPS(test_echo),
        BOTH_LOOPS(test_reset),
        BOTH_LOOPS(test_pipelining),
        BOTH_LOOPS(test_many_small_at_once),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_head_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
