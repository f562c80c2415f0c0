/* What a server sees of limits: the most connections at once, those that are idle among them, and
 * how many requests came. The hard idea is to count no connection that the client has closed: its
 * end may still be on its way, from another processor, when the next one is accepted. So one that
 * would be too many is counted when no end has come for a second: nothing is closed meanwhile that
 * is not closed already, but what the client has no more use for. */

#include "engine/engine.h"
#include "tests/lib/engine/engine_rows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SEEN_MOST = 1024 };

static struct witness {
    pthread_t thread;
    struct pollfd ends[SEEN_MOST]; /* the bell that ends it, the listener, the connections */
    nfds_t count;
    uint32_t most;
    uint32_t allowed;
    uint32_t accepted;
    uint32_t requests;
    bool closes; /* behind each second reply */
    int bell[2];
    uint16_t port;
} witness;

enum { FIRST_CONNECTION = 2 };

static void leave(nfds_t at)
{
    close(witness.ends[at].fd);
    witness.ends[at] = witness.ends[--witness.count];
}

/* One request a segment, as they are small. /hops/2 leads to /hops/1, that to /hops/0. */
static void serve(nfds_t at)
{
    uint32_t hops = 0;
    char hop[128];
    static const char kept[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    static const char last[] =
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    char head[4096];
    ssize_t length = recv(witness.ends[at].fd, head, sizeof head - 1, 0);
    if (length <= 0) {
        leave(at);
        return;
    }
    head[length] = '\0';
    sscanf(head, "GET /hops/%u ", &hops);
    snprintf(hop, sizeof hop, "HTTP/1.1 302 X\r\nLocation: /hops/%u\r\nContent-Length: 0\r\n\r\n",
             hops - 1);
    bool is_last = ++witness.requests % 2 == 0 && witness.closes;
    const char *text = hops > 0 ? hop : is_last ? last : kept;
    send(witness.ends[at].fd, text, strlen(text), MSG_NOSIGNAL);
}

static void take_ends(void)
{
    poll(witness.ends, witness.count, 0);
    for (nfds_t i = witness.count; i-- > FIRST_CONNECTION;)
        if (witness.ends[i].revents)
            serve(i);
}

static uint32_t count_open(void)
{
    for (int waits = 0; waits < 100 && witness.count - FIRST_CONNECTION > witness.allowed;) {
        waits += poll(witness.ends + FIRST_CONNECTION, witness.count - FIRST_CONNECTION, 10) == 0;
        take_ends();
    }
    return (uint32_t)witness.count - FIRST_CONNECTION;
}

static void *watch(void *unused)
{
    for (;;) {
        poll(witness.ends, witness.count, -1);
        if (witness.ends[0].revents)
            return unused;
        bool is_new = witness.ends[1].revents != 0;
        take_ends();
        if (!is_new)
            continue;
        int connection = accept(witness.ends[1].fd, NULL, NULL);
        if (connection < 0 || witness.count == SEEN_MOST)
            return unused;
        witness.ends[witness.count++] = (struct pollfd){.fd = connection, .events = POLLIN};
        uint32_t open = count_open();
        witness.most = open > witness.most ? open : witness.most;
        witness.accepted++;
    }
}

static void witness_open(bool closes, uint32_t allowed)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    witness = (struct witness){.closes = closes, .allowed = allowed};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, SEEN_MOST), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(pipe(witness.bell), 0);
    witness.port = ntohs(address.sin_port);
    witness.ends[0] = (struct pollfd){.fd = witness.bell[0], .events = POLLIN};
    witness.ends[1] = (struct pollfd){.fd = listener, .events = POLLIN};
    witness.count = FIRST_CONNECTION;
    assert_int_equal(pthread_create(&witness.thread, NULL, watch, NULL), 0);
}

static void witness_close(void)
{
    assert_int_equal(write(witness.bell[1], "", 1), 1);
    pthread_join(witness.thread, NULL);
    while (witness.count > 0)
        leave(witness.count - 1);
    close(witness.bell[1]);
}

static void ask(struct haul *haul, const char *host, int count)
{
    char url[64];
    snprintf(url, sizeof url, "http://%s:%u/", host, witness.port);
    for (int i = 0; i < count; i++)
        assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url}), 0);
}

static void take(struct haul *haul, int count)
{
    for (int i = 0; i < count; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->status, 200);
        haul_release(haul, result);
    }
}

/* --- rows ------------------------------------------------------------------------------------- */

/* By the most that it saw at once: of one host, and of two names of one address. */
static void a_server_never_sees_more_than_allowed(void)
{
    static const struct {
        struct haul_limits limits;
        uint32_t most;
        bool closes;
    } rows[] = {
        {{.max_per_host = 3}, 6, false},
        {{.max_per_host = 3}, 6, true},
        {{.max_per_host = 1}, 2, true},
        {{.max_per_address = 3}, 3, true},
        {{.max_per_host = 2, .max_per_address = 3}, 3, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char rule[64];
        witness_open(rows[i].closes, rows[i].most);
        snprintf(rule, sizeof rule, "*:%u:127.0.0.1", witness.port);
        const char *const rules[] = {rule, NULL};
        struct haul *haul = gathering_open(
            &(struct haul_options){.concurrency = 16, .resolve = rules, .limits = &rows[i].limits});
        ask(haul, "a.test", 40);
        take(haul, 40);
        ask(haul, "b.test", 40);
        ask(haul, "a.test", 40);
        take(haul, 80);
        gathering_close(haul);
        witness_close();
        assert_int_equal(witness.requests, 120);
        assert_in_range(witness.most, 1, rows[i].most);
    }
}

/* At one place over three hosts: a handshake a host, as each host's requests are one turn; by a
 * second a turn ends early. */
static void a_server_sees_few_handshakes(void)
{
    enum { HOSTS = 3, EACH = 20 };
    char rule[64];
    witness_open(false, SEEN_MOST);
    snprintf(rule, sizeof rule, "*:%u:127.0.0.1", witness.port);
    const char *const rules[] = {rule, NULL};
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = 1, .resolve = rules, .unordered = true});
    for (int i = 0; i < HOSTS * EACH; i++)
        ask(haul, (const char *const[]){"a.test", "b.test", "c.test"}[i % HOSTS], 1);
    take(haul, HOSTS * EACH);
    gathering_close(haul);
    witness_close();
    assert_in_range(witness.accepted, HOSTS, 2 * HOSTS);
    assert_int_equal(witness.requests, HOSTS * EACH);
}

/* Each hop within a host is a beginning of that host, for which its one connection is enough. */
static void hops_within_a_host_are_counted(void)
{
    static const struct haul_redirect follow = {.follow = true};
    static const struct {
        struct haul_limits limits;
        uint64_t least_ns; /* from one beginning to the next; of a rate a millisecond less */
    } rows[] = {
        {{.max_per_host = 1}, 0},
        {{.rate_per_host = 25}, 39000000},
        {{.delay_per_host_ms = 40}, 40000000},
        {{.max_per_host = 1, .delay_per_host_ms = 40}, 40000000},
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        char url[64];
        uint32_t most = rows[row].limits.max_per_host ? 1 : 2;
        witness_open(false, most);
        uint64_t from_ns = clock_now_ns();
        struct haul *haul = gathering_open(&(struct haul_options){
            .concurrency = 8, .redirect = &follow, .limits = &rows[row].limits});
        for (uint32_t hops = 3; hops >= 2; hops--) {
            snprintf(url, sizeof url, "http://127.0.0.1:%u/hops/%u", witness.port, hops);
            assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url}), 0);
        }
        for (uint32_t hops = 3; hops >= 2; hops--) {
            const struct haul_result *result = gathering_next(haul);
            assert_int_equal(result->status, 200);
            assert_int_equal(result->redirects, hops);
            assert_int_equal(result->attempts, hops + 1);
            haul_release(haul, result);
        }
        assert_true(clock_now_ns() - from_ns >= 6 * rows[row].least_ns);
        gathering_close(haul);
        witness_close();
        assert_int_equal(witness.requests, 7);
        assert_in_range(witness.most, 1, most);
    }
}

/* --- in turn ---------------------------------------------------------------------------------- */

enum { MANY = 700 };

static int listen_silently(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, MANY), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    *ret_port = ntohs(address.sin_port);
    return listener;
}

/* 256 at first; and since it says nothing at all, in the end as many as there are. Then the limit
 * of another host is not theirs. */
static void a_silent_server_sees_all_of_them(void)
{
    static const char *const schemes[] = {"http", "https"};
    for (int i = 0; i < 2; i++) {
        char url[64];
        uint16_t port;
        const struct haul_result *result;
        int listener = listen_silently(&port);
        struct haul *haul = gathering_open(&(struct haul_options){.concurrency = MANY});
        snprintf(url, sizeof url, "%s://127.0.0.1:%u/", schemes[i], port);
        for (int k = 0; k < MANY; k++)
            assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url}), 0);
        assert_int_equal(engine_run(&haul->engine, 0), 0);
        assert_int_equal(haul->engine.dials.connects, 256);
        assert_int_equal(haul->engine.active, 256);
        assert_int_equal(haul->engine.schedule.count, MANY - 256);
        while (haul->engine.dials.connects < MANY)
            assert_int_equal(haul_next(haul, &result, 1), -EAGAIN);
        haul_cancel_all(haul);
        for (int k = 0; k < MANY; k++)
            haul_release(haul, gathering_next(haul));
        gathering_close(haul);
        close(listener);
    }
}

/* All are answered, on fewer connections than there are requests. */
static void a_quick_server_answers_all_in_turn(void)
{
    witness_open(false, SEEN_MOST);
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = MANY});
    ask(haul, "127.0.0.1", MANY);
    take(haul, MANY);
    gathering_close(haul);
    witness_close();
    assert_int_equal(witness.requests, MANY);
    assert_in_range(witness.accepted, 1, MANY);
}

int main(void)
{
    static const struct gathering_scenario scenarios[] = {
        SCENARIO(a_server_never_sees_more_than_allowed), SCENARIO(a_server_sees_few_handshakes),
        SCENARIO(hops_within_a_host_are_counted),        SCENARIO(a_silent_server_sees_all_of_them),
        SCENARIO(a_quick_server_answers_all_in_turn),
    };
    return gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof *scenarios);
}
