/* What is much and stalls, ends or dies anywhere near its end: every byte that was sent comes, at
 * once or a little late, over every loop; on loopback as it is, and with the segments and the
 * receive buffer of a small machine in a network of the test's own. */

#include "engine/loop/bulk.h"
#include "engine/loop/loop.h"
#include "tests/lib/address.h"
#include "tests/lib/engine/loop_await.h"
#include "tests/lib/network.h"
#include "tests/lib/patience.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 8, LENGTH = LOOP_MUCH_BYTES + 300 * 1024 };

/* One connection of the loop, and what has come on it. */
struct wire {
    struct loop *loop;
    int fd;
    int peer;
    size_t received;
};

static char pattern(size_t i)
{
    return (char)(i * 31 + (i >> 8));
}

static struct wire wire_open(struct loop *loop)
{
    struct sockaddr_in address;
    int listener = address_bind(SOCK_STREAM, &address);
    struct wire wire = {.loop = loop};
    assert_int_equal(listen(listener, 1), 0);
    wire.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(wire.fd >= 0);
    loop_attach(loop, 0, wire.fd);
    loop_connect(loop, 0, (struct sockaddr *)&address, sizeof address);
    assert_int_equal(await(loop).op, LOOP_CONNECT);
    wire.peer = accept(listener, NULL, NULL);
    assert_true(wire.peer >= 0);
    close(listener);
    loop_receive(loop, 0);
    return wire;
}

static void wire_close(const struct wire *wire)
{
    loop_close_slot(wire->loop, 0);
    assert_int_equal(await(wire->loop).op, LOOP_CLOSED);
}

static int least_bytes(const struct wire *wire)
{
    int bytes = 0;
    socklen_t length = sizeof bytes;
    assert_int_equal(getsockopt(wire->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, &length), 0);
    return bytes;
}

/* --- the peer --------------------------------------------------------------------------------- */

struct speech {
    pthread_t thread;
    int fd;
    size_t from;
    size_t to;
};

static void *speak(void *argument)
{
    struct speech *speech = argument;
    char bytes[16384];
    while (speech->from < speech->to) {
        size_t count = speech->to - speech->from;
        count = count < sizeof bytes ? count : sizeof bytes;
        for (size_t i = 0; i < count; i++)
            bytes[i] = pattern(speech->from + i);
        ssize_t sent = send(speech->fd, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0)
            break;
        speech->from += (size_t)sent;
    }
    return NULL;
}

static void speech_begin(struct speech *speech, int fd, size_t from, size_t to)
{
    *speech = (struct speech){.fd = fd, .from = from, .to = to};
    assert_int_equal(pthread_create(&speech->thread, NULL, speak, speech), 0);
}

static void speech_end(struct speech *speech)
{
    pthread_join(speech->thread, NULL);
}

/* Takes one more receive; returns its result. */
static int32_t take(struct wire *wire)
{
    struct completion completion = await(wire->loop);
    assert_int_equal(completion.op, LOOP_RECEIVE);
    for (int32_t i = 0; i < completion.result; i++)
        assert_true(completion.bytes[i] == pattern(wire->received++));
    return completion.result;
}

/* The peer says so much, and all of it comes, while it says no more. */
static void hear(struct wire *wire, size_t from, size_t to)
{
    struct speech speech;
    speech_begin(&speech, wire->peer, from, to);
    while (wire->received < to)
        assert_true(take(wire) > 0);
    speech_end(&speech);
    assert_int_equal(wire->received, to);
}

/* --- cuts ------------------------------------------------------------------------------------- */

/* How much is to come yet where the peer falls silent. */
static const size_t cuts[] = {
    LENGTH - 1,
    LENGTH - 20000,
    LOOP_MUCH_BYTES + 30000,
    LOOP_MUCH_BYTES + 2,
    LOOP_MUCH_BYTES + 1,
    LOOP_MUCH_BYTES,
    LOOP_MUCH_BYTES - 1,
    240000,
    200000,
    BULK_BYTES + 1,
    BULK_BYTES,
    BULK_BYTES - 1,
    100000,
    60000,
    LOOP_BUFFER_BYTES,
    2000,
    8,
    7,
    6,
    5,
    4,
    3,
    2,
    1,
};
enum { CUTS = sizeof cuts / sizeof *cuts };

/* On one connection, body after body; and then it goes on. */
static void a_peer_may_stall_anywhere(struct loop *loop)
{
    struct wire wire = wire_open(loop);
    size_t begin = 0;
    for (size_t i = 0; i < CUTS; i++, begin += LENGTH) {
        loop_expect(loop, 0, LENGTH);
        hear(&wire, begin, begin + LENGTH - cuts[i]);
        hear(&wire, begin + LENGTH - cuts[i], begin + LENGTH);
        assert_int_equal(least_bytes(&wire), 1);
    }
    wire_close(&wire);
    close(wire.peer);
}

/* What had come is expected late, and so does not come any more. */
static void much_is_less_than_is_said(struct loop *loop)
{
    struct wire wire = wire_open(loop);
    for (size_t i = 0; i < CUTS; i++) {
        size_t before = wire.received;
        struct speech speech;
        speech_begin(&speech, wire.peer, before, before + LENGTH);
        while (wire.received < before + cuts[i])
            assert_true(take(&wire) > 0);
        loop_expect(loop, 0, LENGTH);
        while (wire.received < before + LENGTH)
            assert_true(take(&wire) > 0);
        speech_end(&speech);
    }
    wire_close(&wire);
    close(wire.peer);
}

static void a_peer_may_end_anywhere(struct loop *loop)
{
    for (size_t i = 0; i < CUTS; i++) {
        struct wire wire = wire_open(loop);
        struct speech speech;
        loop_expect(loop, 0, LENGTH);
        speech_begin(&speech, wire.peer, 0, LENGTH - cuts[i]);
        while (wire.received < LENGTH - cuts[i])
            assert_true(take(&wire) > 0);
        speech_end(&speech);
        close(wire.peer);
        assert_int_equal(take(&wire), 0);
        wire_close(&wire);
    }
}

/* The same with the end right behind the last byte, and with a death there: of that it hears too,
 * and of no byte that was not sent. */
static void a_peer_may_die_anywhere(struct loop *loop)
{
    enum { LEFT = 8192 }; /* which every send buffer holds */
    for (size_t i = 0; i < 2 * CUTS; i++) {
        struct wire wire = wire_open(loop);
        struct linger linger = {.l_onoff = i % 2 == 0};
        struct speech speech;
        int32_t result;
        loop_expect(loop, 0, LENGTH);
        const size_t length = LENGTH - cuts[i / 2];
        speech_begin(&speech, wire.peer, 0, length);
        while (wire.received + LEFT < length)
            assert_true(take(&wire) > 0);
        speech_end(&speech);
        setsockopt(wire.peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        close(wire.peer);
        while ((result = take(&wire)) > 0)
            continue;
        assert_int_equal(result, linger.l_onoff ? -ECONNRESET : 0);
        assert_in_range(wire.received, linger.l_onoff ? 0 : length, length);
        wire_close(&wire);
    }
}

/* Of many stalls one at least is not made longer by what the machine does besides. */
static void a_stall_is_noticed_soon(struct loop *loop)
{
    enum { STALLS = 20 };
    struct wire wire = wire_open(loop);
    uint64_t least_ns = UINT64_MAX;
    for (size_t i = 0; i < STALLS; i++) {
        char byte = pattern(wire.received);
        loop_expect(loop, 0, UINT64_C(1) << 40);
        uint64_t since_ns = clock_now_ns();
        assert_int_equal(send(wire.peer, &byte, 1, 0), 1);
        assert_int_equal(take(&wire), 1);
        uint64_t passed_ns = clock_now_ns() - since_ns;
        least_ns = passed_ns < least_ns ? passed_ns : least_ns;
    }
    assert_in_range(least_ns, 0, 2 * LOOP_STALL_NS);
    wire_close(&wire);
    close(wire.peer);
}

/* Paused, what it waits for cannot come; then it does. */
static void a_pause_in_between_loses_nothing(struct loop *loop)
{
    struct wire wire = wire_open(loop);
    struct speech speech;
    struct completion completion;
    loop_expect(loop, 0, LENGTH);
    speech_begin(&speech, wire.peer, 0, LENGTH - 1);
    for (int pauses = 0; wire.received < LENGTH - 1; pauses++) {
        assert_true(take(&wire) > 0);
        if (pauses % 3)
            continue;
        loop_pause(loop, 0);
        loop_tick(loop, clock_now_ns() + 2 * LOOP_STALL_NS);
        while ((completion = await(loop)).op != LOOP_TICK)
            for (int32_t i = 0; i < completion.result; i++)
                assert_true(completion.bytes[i] == pattern(wire.received++));
        if (pauses % 2)
            loop_receive_once(loop, 0);
        loop_receive(loop, 0);
    }
    speech_end(&speech);
    hear(&wire, LENGTH - 1, LENGTH);
    wire_close(&wire);
    close(wire.peer);
}

/* --- where it is done ------------------------------------------------------------------------- */

/* Not on a kernel whose ring receives into one buffer at a time. */
static bool may_wait_for_much(const struct wire *wire)
{
    return least_bytes(wire) > 1;
}

/* Who stalls is let go, and who flows again is not. */
static void what_flows_is_waited_for(struct loop *loop)
{
    struct wire wire = wire_open(loop);
    uint64_t limit_ns = clock_now_ns() + (uint64_t)PATIENCE_NS;
    loop_expect(loop, 0, UINT64_C(1) << 40);
    if (!may_wait_for_much(&wire)) {
        print_message("skipped: it waits for one byte only\n");
        wire_close(&wire);
        close(wire.peer);
        return;
    }
    assert_in_range(least_bytes(&wire), 2, BULK_BYTES); /* half a receive buffer at most */
    hear(&wire, 0, 1);
    /* The byte may have come before a look. */
    while (least_bytes(&wire) > 1 && clock_now_ns() < limit_ns) {
        loop_tick(loop, clock_now_ns() + LOOP_STALL_NS);
        assert_int_equal(await(loop).op, LOOP_TICK);
    }
    assert_int_equal(least_bytes(&wire), 1);
    struct speech speech;
    speech_begin(&speech, wire.peer, 1, SIZE_MAX);
    while (least_bytes(&wire) == 1 && clock_now_ns() < limit_ns)
        assert_true(take(&wire) > 0);
    assert_in_range(least_bytes(&wire), 2, BULK_BYTES);
    shutdown(wire.peer, SHUT_RDWR);
    speech_end(&speech);
    wire_close(&wire);
    close(wire.peer);
}

/* --- all of it -------------------------------------------------------------------------------- */

static const struct variant {
    const char *name;
    int (*open)(struct loop **ret_loop, const struct loop_options *options);
    uint32_t without;
} variants[] = {
    {"epoll", loop_epoll_open, 0},
    {"uring", loop_uring_open, 0},
    {"uring, COOP_TASKRUN", loop_uring_open, LOOP_WITHOUT_DEFER_TASKRUN},
    {"uring, no bundles", loop_uring_open, LOOP_WITHOUT_BUNDLES},
    {"uring, no buffer ring", loop_uring_open, LOOP_WITHOUT_BUFFER_RING},
};

#define SCENARIO(name)                                                                             \
    {                                                                                              \
#name, name                                                                                \
    }

static const struct scenario {
    const char *name;
    void (*run)(struct loop *loop);
} scenarios[] = {
    SCENARIO(a_peer_may_stall_anywhere),        SCENARIO(much_is_less_than_is_said),
    SCENARIO(a_peer_may_end_anywhere),          SCENARIO(a_peer_may_die_anywhere),
    SCENARIO(a_stall_is_noticed_soon),          SCENARIO(what_flows_is_waited_for),
    SCENARIO(a_pause_in_between_loses_nothing),
};

enum {
    VARIANTS = sizeof variants / sizeof *variants,
    SCENARIOS = sizeof scenarios / sizeof *scenarios
};

struct pairing {
    const struct variant *variant;
    const struct scenario *scenario;
    char name[96];
};

static void run_pairing(void **state)
{
    const struct pairing *pairing = *state;
    const struct loop_options options = {.slots = SLOTS, .without = pairing->variant->without};
    struct loop *loop;
    int error = pairing->variant->open(&loop, &options);
    if (error) {
        print_message("skipped: %s\n", strerror(-error));
        return;
    }
    pairing->scenario->run(loop);
    loop_close(loop);
}

static int run_all(const char *network)
{
    static struct pairing pairings[VARIANTS * SCENARIOS];
    static struct CMUnitTest tests[VARIANTS * SCENARIOS];
    for (size_t i = 0; i < VARIANTS * SCENARIOS; i++) {
        struct pairing *pairing = &pairings[i];
        *pairing = (struct pairing){&variants[i / SCENARIOS], &scenarios[i % SCENARIOS], ""};
        snprintf(pairing->name, sizeof pairing->name, "%s: %s", pairing->variant->name,
                 pairing->scenario->name);
        tests[i] = (struct CMUnitTest){
            .name = pairing->name, .test_func = run_pairing, .initial_state = pairing};
    }
    return cmocka_run_group_tests_name(network, tests, NULL, NULL);
}

/* Segments of Ethernet, and receive buffers that do not hold what a socket would wait for. */
static bool network_shrink(void)
{
    static const char rmem[] = "4096 16384 65536";
    struct ifreq request = {.ifr_name = "lo", .ifr_mtu = 1500};
    int fd = network_take() ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    bool is_small = fd >= 0 && ioctl(fd, SIOCSIFMTU, &request) == 0;
    if (fd >= 0)
        close(fd);
    fd = open("/proc/sys/net/ipv4/tcp_rmem", O_WRONLY | O_CLOEXEC);
    is_small &= fd >= 0 && write(fd, rmem, sizeof rmem - 1) > 0;
    if (fd >= 0)
        close(fd);
    return is_small;
}

int main(void)
{
    int failed = run_all("bulk");
    if (network_shrink())
        failed += run_all("bulk, small buffers");
    else
        print_message("skipped: no network with small buffers is to be had here\n");
    return failed;
}
