/* The contract of engine/loop/loop.h, the same for every loop: each scenario is run over epoll,
 * over io_uring down its ladder, and through the loop that injects faults, with none and with
 * harmless ones. A ring that the kernel refuses is skipped, and why is printed.
 *
 * That something does not come is asked of a tick: settle() takes completions until a timer set
 * last has gone off. A slow machine can only make that miss a fault, never see one. */

#include "engine/loop/loop.h"
#include "tests/lib/address.h"
#include "tests/lib/engine/loop_await.h"
#include "tests/lib/fault.h"
#include "tests/lib/patience.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 512, TAGS = 8, MANY = 400 };

#define MILLISECOND UINT64_C(1000000)

/* --- waiting ---------------------------------------------------------------------------------- */

static void expect(struct loop *loop, enum loop_op op, uint32_t slot, int32_t result)
{
    struct completion completion = await(loop);

    assert_int_equal(completion.op, op);
    assert_int_equal(completion.slot, slot);
    assert_int_equal(completion.result, result);
}

/* Nothing is left, and nothing comes. */
static void settle(struct loop *loop)
{
    loop_tick(loop, clock_now_ns() + 10 * MILLISECOND);
    assert_int_equal(await(loop).op, LOOP_TICK);
}

/* Hands over to the kernel what is queued, where nothing is to come of it yet. */
static void hand_over(struct loop *loop)
{
    struct completion completion;

    assert_int_equal(loop_wait(loop, 1, 0), 0);
    assert_false(loop_next(loop, &completion));
}

/* --- the other end ---------------------------------------------------------------------------- */

static void set_patience(int fd)
{
    struct timeval patience = {.tv_sec = TEST_PATIENCE_S};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

/* Attaches one end of a pair to the slot; returns the other, which blocks. */
static int attach_pair(struct loop *loop, uint32_t slot)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    set_patience(ends[1]);
    loop_attach(loop, slot, ends[0]);
    return ends[1];
}

static int bind_port(struct sockaddr_in *ret_address)
{
    int fd = address_bind(SOCK_STREAM, ret_address);

    set_patience(fd);
    return fd;
}

static int listen_on(struct sockaddr_in *ret_address)
{
    int fd = bind_port(ret_address);

    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static void attach_tcp(struct loop *loop, uint32_t slot)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    loop_attach(loop, slot, fd);
}

/* A TCP connection between the slot and the descriptor returned. */
static int connect_tcp(struct loop *loop, uint32_t slot)
{
    struct sockaddr_in address;
    int listener = listen_on(&address);

    attach_tcp(loop, slot);
    loop_connect(loop, slot, (struct sockaddr *)&address, sizeof(address));
    expect(loop, LOOP_CONNECT, slot, 0);
    int peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
    set_patience(peer);
    close(listener);
    return peer;
}

static void reset(int fd)
{
    struct linger linger = {.l_onoff = 1};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void hear(int fd, const char *text)
{
    char heard[64];

    assert_int_equal(recv(fd, heard, strlen(text), MSG_WAITALL), (ssize_t)strlen(text));
    assert_memory_equal(heard, text, strlen(text));
}

/* Receives text in as many pieces as it comes in. */
static void expect_text(struct loop *loop, uint32_t slot, const char *text)
{
    while (*text != '\0') {
        struct completion completion = await(loop);
        assert_int_equal(completion.op, LOOP_RECEIVE);
        assert_int_equal(completion.slot, slot);
        assert_in_range(completion.result, 1, strlen(text));
        assert_memory_equal(completion.bytes, text, (size_t)completion.result);
        text += completion.result;
    }
}

static void expect_closed(struct loop *loop, uint32_t slot)
{
    loop_close_slot(loop, slot);
    expect(loop, LOOP_CLOSED, slot, 0);
}

/* Byte i of every long stream. */
static char pattern(size_t i)
{
    return (char)(i * 31 + (i >> 8));
}

struct stream {
    pthread_t thread;
    int fd;
    size_t length;
    size_t done; /* bytes moved, and in reading as they should be */
};

static void *stream_read(void *argument)
{
    struct stream *stream = argument;
    char bytes[65536];

    while (stream->done < stream->length) {
        ssize_t count = recv(stream->fd, bytes, sizeof(bytes), 0);
        for (ssize_t i = 0; i < count; i++, stream->done++)
            if (bytes[i] != pattern(stream->done))
                return NULL;
        if (count <= 0)
            return NULL;
    }
    return NULL;
}

static void *stream_write(void *argument)
{
    struct stream *stream = argument;
    char bytes[65536];

    while (stream->done < stream->length) {
        size_t count = stream->length - stream->done;
        count = count < sizeof(bytes) ? count : sizeof(bytes);
        for (size_t i = 0; i < count; i++)
            bytes[i] = pattern(stream->done + i);
        ssize_t sent = send(stream->fd, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0)
            return NULL;
        stream->done += (size_t)sent;
    }
    return NULL;
}

static void stream_begin(struct stream *stream, void *(*run)(void *), int fd, size_t length)
{
    *stream = (struct stream){.fd = fd, .length = length};
    assert_int_equal(pthread_create(&stream->thread, NULL, run, stream), 0);
}

static void stream_end(struct stream *stream)
{
    pthread_join(stream->thread, NULL);
    assert_int_equal(stream->done, stream->length);
}

static char *make_bytes(size_t length)
{
    char *bytes = malloc(length);

    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++)
        bytes[i] = pattern(i);
    return bytes;
}

/* --- connecting ------------------------------------------------------------------------------- */

static void a_connect_is_answered(struct loop *loop)
{
    int peer = connect_tcp(loop, 3);

    loop_send(loop, 3, "hello", 5);
    hand_over(loop);
    hear(peer, "hello");
    settle(loop);
    close(peer);
}

static void a_connect_is_refused(struct loop *loop)
{
    struct sockaddr_in address;
    int fd = bind_port(&address); /* and nobody listens */

    attach_tcp(loop, 0);
    loop_connect(loop, 0, (struct sockaddr *)&address, sizeof(address));
    expect(loop, LOOP_CONNECT, 0, -ECONNREFUSED);
    settle(loop);
    expect_closed(loop, 0);
    close(fd);
}

static void a_connect_to_nowhere_fails_at_once(struct loop *loop)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(1)};

    address.sin_addr.s_addr = htonl(INADDR_BROADCAST);
    attach_tcp(loop, 0);
    loop_connect(loop, 0, (struct sockaddr *)&address, sizeof(address));
    struct completion completion = await(loop);
    assert_int_equal(completion.op, LOOP_CONNECT);
    assert_true(completion.result < 0);
    expect_closed(loop, 0);
    settle(loop);
}

/* A listener whose queue is full answers nobody: such a connect stays under way. */
static void a_connect_under_way_is_closed(struct loop *loop)
{
    struct sockaddr_in address;
    int listener = bind_port(&address);

    assert_int_equal(listen(listener, 0), 0);
    for (uint32_t slot = 0; slot < 8; slot++) {
        attach_tcp(loop, slot);
        loop_connect(loop, slot, (struct sockaddr *)&address, sizeof(address));
    }
    assert_int_equal(loop_wait(loop, 1, 0), 0);
    for (uint32_t slot = 0; slot < 8; slot++)
        loop_close_slot(loop, slot);
    uint32_t closed = 0;
    for (uint32_t i = 0; i < 8; i++) {
        struct completion completion = await(loop);
        assert_int_equal(completion.op, LOOP_CLOSED);
        closed |= 1u << completion.slot;
    }
    assert_int_equal(closed, 0xff);
    settle(loop);
    close(listener);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void a_short_send_is_silent(struct loop *loop)
{
    static char bytes[LOOP_SILENT_BYTES];
    static char heard[LOOP_SILENT_BYTES];
    int peer = attach_pair(loop, 0);

    memset(bytes, 'x', sizeof(bytes));
    loop_send(loop, 0, bytes, sizeof(bytes));
    hand_over(loop);
    assert_int_equal(recv(peer, heard, sizeof(heard), MSG_WAITALL), sizeof(heard));
    assert_memory_equal(heard, bytes, sizeof(bytes));
    settle(loop);
    close(peer);
}

static void a_longer_send_is_answered(struct loop *loop)
{
    char *bytes = make_bytes(LOOP_SILENT_BYTES + 1);
    int peer = attach_pair(loop, 0);

    loop_send(loop, 0, bytes, LOOP_SILENT_BYTES + 1);
    expect(loop, LOOP_SEND, 0, 0);
    settle(loop);
    close(peer);
    free(bytes);
}

static void a_send_larger_than_all_buffers_is_through_in_the_end(struct loop *loop)
{
    enum { LENGTH = 16 << 20 };
    char *bytes = make_bytes(LENGTH);
    int peer = connect_tcp(loop, 0);
    struct stream stream;

    loop_send(loop, 0, bytes, LENGTH);
    hand_over(loop);
    settle(loop);
    stream_begin(&stream, stream_read, peer, LENGTH);
    expect(loop, LOOP_SEND, 0, 0);
    stream_end(&stream);
    settle(loop);
    close(peer);
    free(bytes);
}

static void a_send_to_a_closed_peer_fails(struct loop *loop)
{
    int peer = attach_pair(loop, 0);

    close(peer);
    loop_send(loop, 0, "GET", 3);
    expect(loop, LOOP_SEND, 0, -EPIPE);
    expect_closed(loop, 0);
    settle(loop);
}

static void a_long_send_ended_by_the_peer_fails(struct loop *loop)
{
    enum { LENGTH = 16 << 20 };
    char *bytes = make_bytes(LENGTH);
    int peer = connect_tcp(loop, 0);

    loop_send(loop, 0, bytes, LENGTH);
    hand_over(loop);
    reset(peer);
    struct completion completion = await(loop);
    assert_int_equal(completion.op, LOOP_SEND);
    assert_true(completion.result == -ECONNRESET || completion.result == -EPIPE);
    expect_closed(loop, 0);
    settle(loop);
    free(bytes);
}

static void a_long_send_goes_on_while_receiving(struct loop *loop)
{
    enum { LENGTH = 8 << 20 };
    char *bytes = make_bytes(LENGTH);
    int peer = connect_tcp(loop, 0);
    struct stream up, down;
    size_t received = 0;

    loop_receive(loop, 0);
    loop_send(loop, 0, bytes, LENGTH);
    stream_begin(&up, stream_read, peer, LENGTH);
    stream_begin(&down, stream_write, peer, LENGTH);
    for (bool is_sent = false; !is_sent || received < LENGTH;) {
        struct completion completion = await(loop);
        if (completion.op == LOOP_SEND) {
            assert_int_equal(completion.result, 0);
            assert_false(is_sent);
            is_sent = true;
            continue;
        }
        assert_int_equal(completion.op, LOOP_RECEIVE);
        assert_in_range(completion.result, 1, LOOP_BUFFER_BYTES);
        assert_memory_equal(completion.bytes, bytes + received, (size_t)completion.result);
        received += (size_t)completion.result;
    }
    stream_end(&up);
    stream_end(&down);
    settle(loop);
    close(peer);
    free(bytes);
}

static void a_long_send_under_way_is_closed(struct loop *loop)
{
    enum { LENGTH = 16 << 20 };
    char *bytes = make_bytes(LENGTH);
    int peer = connect_tcp(loop, 0);

    loop_send(loop, 0, bytes, LENGTH);
    hand_over(loop);
    expect_closed(loop, 0);
    settle(loop);
    close(peer);
    free(bytes);
}

/* Attaches an end whose buffers are full; returns the other, and how much it has to read first. */
static int attach_stuffed_pair(struct loop *loop, uint32_t slot, size_t *ret_stuffing)
{
    static const char stuffing[1024];
    int ends[2];
    ssize_t sent;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    set_patience(ends[1]);
    for (*ret_stuffing = 0;; *ret_stuffing += (size_t)sent) {
        sent = send(ends[0], stuffing, sizeof(stuffing), MSG_DONTWAIT);
        if (sent < 0)
            break;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    loop_attach(loop, slot, ends[0]);
    return ends[1];
}

static void unstuff(int fd, size_t stuffing)
{
    char *bytes = malloc(stuffing);

    assert_non_null(bytes);
    assert_int_equal(recv(fd, bytes, stuffing, MSG_WAITALL), (ssize_t)stuffing);
    free(bytes);
}

static void a_silent_send_that_has_to_wait_is_told(struct loop *loop)
{
    size_t stuffing;
    int peer = attach_stuffed_pair(loop, 0, &stuffing);

    assert_false(loop_is_sending(loop, 0));
    loop_send(loop, 0, "GET /", 5);
    assert_true(loop_is_sending(loop, 0));
    settle(loop);
    assert_true(loop_is_sending(loop, 0));
    unstuff(peer, stuffing);
    expect(loop, LOOP_SEND, 0, 0);
    assert_false(loop_is_sending(loop, 0));
    hear(peer, "GET /");
    settle(loop);
    close(peer);
}

/* The answer to asking is known at once, whether or not there was a wait. */
static void a_silent_send_is_through_when_asked(struct loop *loop)
{
    static char text[5];
    int peer = connect_tcp(loop, 0);

    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "%04d", i);
        loop_send(loop, 0, text, 4);
        if (i % 3 == 0)
            hand_over(loop);
        assert_false(loop_is_sending(loop, 0));
        memset(text, 0, sizeof(text));
    }
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "%04d", i);
        hear(peer, text);
    }
    settle(loop);
    close(peer);
}

static void a_longer_send_is_under_way_until_told(struct loop *loop)
{
    char *bytes = make_bytes(LOOP_SILENT_BYTES + 1);
    int peer = attach_pair(loop, 0);

    loop_send(loop, 0, bytes, LOOP_SILENT_BYTES + 1);
    assert_true(loop_is_sending(loop, 0));
    assert_int_equal(loop_wait(loop, 1, 0), 0);
    assert_true(loop_is_sending(loop, 0));
    expect(loop, LOOP_SEND, 0, 0);
    assert_false(loop_is_sending(loop, 0));
    loop_send(loop, 0, "more", 4);
    assert_false(loop_is_sending(loop, 0));
    settle(loop);
    close(peer);
    free(bytes);
}

static void a_send_that_failed_is_under_way_until_told(struct loop *loop)
{
    int peer = attach_pair(loop, 0);

    close(peer);
    loop_send(loop, 0, "GET", 3);
    assert_true(loop_is_sending(loop, 0));
    expect(loop, LOOP_SEND, 0, -EPIPE);
    assert_false(loop_is_sending(loop, 0));
    settle(loop);
}

/* An early reply says nothing of the request: its bytes stay, and come whole. */
static void an_early_reply_does_not_end_a_send(struct loop *loop)
{
    size_t stuffing;
    int peer = attach_stuffed_pair(loop, 0, &stuffing);

    loop_receive(loop, 0);
    loop_send(loop, 0, "GET /a", 6);
    settle(loop);
    say(peer, "HTTP/1.1 400");
    expect_text(loop, 0, "HTTP/1.1 400");
    assert_true(loop_is_sending(loop, 0));
    unstuff(peer, stuffing);
    expect(loop, LOOP_SEND, 0, 0);
    hear(peer, "GET /a");
    settle(loop);
    close(peer);
}

/* Or it never is, and the slot is closed: its bytes are the caller's again. */
static void a_silent_send_that_waits_is_closed(struct loop *loop)
{
    static char request[6];
    size_t stuffing;
    int peer = attach_stuffed_pair(loop, 0, &stuffing);
    char heard[6];

    memcpy(request, "GET /a", 6);
    loop_send(loop, 0, request, 6);
    settle(loop);
    expect_closed(loop, 0);
    memcpy(request, "GET /b", 6);
    unstuff(peer, stuffing);
    ssize_t length = recv(peer, heard, sizeof(heard), 0);
    assert_true(length <= 0 || memcmp(heard, "GET /a", (size_t)length) == 0);
    settle(loop);
    close(peer);
}

/* With small segments a socket's buffer holds less than it does on loopback: each send is one that
 * is through at once, fits in part, or not at all, and what the peer hears is one stream. */
static void short_sends_over_small_segments_come_whole(struct loop *loop)
{
    enum { LENGTH = 1 << 20, PIECE = LOOP_SILENT_BYTES - 3 };
    const int segment = 536;
    struct sockaddr_in address;
    char *bytes = make_bytes(LENGTH);
    int listener = listen_on(&address);
    struct stream stream;
    int told = 0;

    assert_int_equal(setsockopt(listener, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment)), 0);
    attach_tcp(loop, 0);
    loop_connect(loop, 0, (struct sockaddr *)&address, sizeof(address));
    expect(loop, LOOP_CONNECT, 0, 0);
    int peer = accept(listener, NULL, NULL);
    set_patience(peer);
    close(listener);
    for (size_t sent = 0; sent < LENGTH; sent += PIECE) {
        loop_send(loop, 0, bytes + sent, sent + PIECE < LENGTH ? PIECE : LENGTH - sent);
        if (!loop_is_sending(loop, 0))
            continue;
        if (told++ == 0)
            stream_begin(&stream, stream_read, peer, LENGTH);
        expect(loop, LOOP_SEND, 0, 0);
    }
    assert_true(told > 0);
    stream_end(&stream);
    settle(loop);
    close(peer);
    free(bytes);
}

/* Of two completions that come together the first leads to a send, and at the second its bytes are
 * asked for: what the caller writes there now is not sent. */
static void bytes_given_back_at_once_are_sent_first(struct loop *loop)
{
    enum { TWO_BUFFERS = LOOP_BUFFER_BYTES + 1 };
    static char request[4];
    char *bytes = make_bytes(TWO_BUFFERS);
    int peer = connect_tcp(loop, 0);

    memcpy(request, "ping", 4);
    assert_int_equal(send(peer, bytes, TWO_BUFFERS, 0), TWO_BUFFERS);
    loop_receive(loop, 0);
    for (int32_t received = 0; received < TWO_BUFFERS;) {
        struct completion completion = await(loop);
        assert_int_equal(completion.op, LOOP_RECEIVE);
        if (received == 0)
            loop_send(loop, 0, request, 4);
        received += completion.result;
    }
    assert_false(loop_is_sending(loop, 0));
    memcpy(request, "pong", 4);
    hear(peer, "ping");
    free(bytes);
    close(peer);
}

/* The same where the second is the connection's end, and the slot is closed with it. */
static void bytes_given_back_by_a_close_are_sent_first(struct loop *loop)
{
    static char request[4];
    int peer = connect_tcp(loop, 0);

    memcpy(request, "ping", 4);
    say(peer, "x");
    shutdown(peer, SHUT_WR);
    loop_receive(loop, 0);
    expect_text(loop, 0, "x");
    loop_send(loop, 0, request, 4);
    expect(loop, LOOP_RECEIVE, 0, 0);
    loop_close_slot(loop, 0);
    expect(loop, LOOP_CLOSED, 0, 0);
    memcpy(request, "pong", 4);
    hear(peer, "ping");
    close(peer);
}

/* A last word goes at once, and its bytes are the caller's again. */
static void a_last_word_comes_before_the_end(struct loop *loop)
{
    char word[4] = "bye";
    int peer = connect_tcp(loop, 0);

    loop_receive(loop, 0);
    loop_send(loop, 0, "GET /", 5);
    hand_over(loop);
    hear(peer, "GET /");
    say(peer, "HTTP/1.1 200");
    expect_text(loop, 0, "HTTP/1.1 200");
    loop_send_last(loop, 0, word, 3);
    memset(word, 0, sizeof(word));
    loop_close_slot(loop, 0);
    expect(loop, LOOP_CLOSED, 0, 0);
    hand_over(loop);
    hear(peer, "bye");
    assert_int_equal(recv(peer, word, 1, 0), 0);
    close(peer);
}

/* In the middle of a send it would be taken for a part of that. */
static void a_last_word_is_not_said_in_the_middle(struct loop *loop)
{
    enum { LENGTH = 8 << 20 };
    char *bytes = make_bytes(LENGTH);
    char *heard = malloc(LENGTH);
    int peer = connect_tcp(loop, 0);
    size_t length = 0;
    ssize_t got;

    assert_non_null(heard);
    loop_send(loop, 0, bytes, LENGTH);
    hand_over(loop);
    loop_send_last(loop, 0, "bye", 3);
    loop_close_slot(loop, 0);
    expect(loop, LOOP_CLOSED, 0, 0);
    while (length < LENGTH && (got = recv(peer, heard + length, LENGTH - length, 0)) > 0)
        length += (size_t)got;
    assert_in_range(length, 0, LENGTH - 1);
    assert_memory_equal(heard, bytes, length);
    free(bytes);
    free(heard);
    close(peer);
}

/* --- receiving -------------------------------------------------------------------------------- */

static void pieces_come_as_they_are_sent(struct loop *loop)
{
    int peer = attach_pair(loop, 1);

    loop_receive(loop, 1);
    loop_receive(loop, 1); /* asking twice changes nothing */
    for (int i = 0; i < 100; i++) {
        say(peer, "HTTP/1.1 200 OK\r\n");
        expect_text(loop, 1, "HTTP/1.1 200 OK\r\n");
    }
    settle(loop);
    close(peer);
}

static void what_came_before_asking_is_not_lost(struct loop *loop)
{
    int peer = attach_pair(loop, 1);

    say(peer, "early");
    settle(loop);
    loop_receive(loop, 1);
    expect_text(loop, 1, "early");
    close(peer);
}

static void a_long_stream_comes_whole(struct loop *loop)
{
    enum { LENGTH = 8 << 20 };
    int peer = connect_tcp(loop, 0);
    struct stream stream;

    loop_receive(loop, 0);
    stream_begin(&stream, stream_write, peer, LENGTH);
    for (size_t received = 0; received < LENGTH;) {
        struct completion completion = await(loop);
        assert_int_equal(completion.op, LOOP_RECEIVE);
        assert_in_range(completion.result, 1, LOOP_BUFFER_BYTES);
        for (int32_t i = 0; i < completion.result; i++)
            assert_true(completion.bytes[i] == pattern(received++));
    }
    stream_end(&stream);
    close(peer);
    expect(loop, LOOP_RECEIVE, 0, 0);
    settle(loop);
}

/* All that comes until nothing does, from the pattern's place on; returns how much it was. */
static size_t take_pattern(struct loop *loop, uint32_t slot, size_t from)
{
    struct completion completion;
    size_t length = 0;

    loop_tick(loop, clock_now_ns() + 10 * MILLISECOND);
    while ((completion = await(loop)).op != LOOP_TICK) {
        assert_int_equal(completion.op, LOOP_RECEIVE);
        assert_int_equal(completion.slot, slot);
        for (int32_t i = 0; i < completion.result; i++)
            assert_true(completion.bytes[i] == pattern(from + length++));
    }
    return length;
}

/* Expected once it has begun, paused now and then, and with a wait between what came together. */
static void what_is_expected_comes_whole(struct loop *loop)
{
    enum { LENGTH = 8 << 20 };
    int peer = connect_tcp(loop, 0);
    struct stream stream;
    size_t received = 0;

    loop_receive(loop, 0);
    stream_begin(&stream, stream_write, peer, LENGTH);
    for (int count = 0; received < LENGTH; count++) {
        struct completion completion = await(loop);
        assert_int_equal(completion.op, LOOP_RECEIVE);
        assert_in_range(completion.result, 1, LOOP_BUFFER_BYTES);
        for (int32_t i = 0; i < completion.result; i++)
            assert_true(completion.bytes[i] == pattern(received++));
        if (count == 3 || count == 5)
            loop_expect(loop, 0, LENGTH - received);
        if (count % 17 == 0)
            assert_int_equal(loop_wait(loop, 1, 0), 0);
        if (count % 29 == 0) {
            loop_pause(loop, 0);
            received += take_pattern(loop, 0, received);
            loop_receive(loop, 0);
        }
    }
    stream_end(&stream);
    close(peer);
    expect(loop, LOOP_RECEIVE, 0, 0);
    settle(loop);
}

/* What came for it together with the first piece is nobody's; no buffer is lost with it, as what
 * comes on another slot shows. */
static void what_was_expected_ends_with_its_slot(struct loop *loop)
{
    enum { LENGTH = 6 * LOOP_BUFFER_BYTES, LIVES = 100 };
    char *bytes = make_bytes(LENGTH);
    int other = attach_pair(loop, 5);

    loop_receive(loop, 5);
    for (int life = 0; life < LIVES; life++) {
        int peer = attach_pair(loop, 7);
        loop_expect(loop, 7, LOOP_MUCH_BYTES);
        assert_int_equal(send(peer, bytes, LENGTH, MSG_NOSIGNAL), LENGTH);
        if (life % 2)
            close(peer);
        loop_receive(loop, 7);
        struct completion completion = await(loop);
        assert_int_equal(completion.op, LOOP_RECEIVE);
        assert_int_equal(completion.slot, 7);
        assert_memory_equal(completion.bytes, bytes, completion.result);
        expect_closed(loop, 7);
        say(other, "other");
        expect_text(loop, 5, "other");
        if (life % 2 == 0)
            close(peer);
    }
    settle(loop);
    close(other);
    free(bytes);
}

static void a_fin_comes_after_the_bytes_and_once(struct loop *loop)
{
    int peer = connect_tcp(loop, 2);

    loop_receive(loop, 2);
    say(peer, "last words");
    close(peer);
    expect_text(loop, 2, "last words");
    expect(loop, LOOP_RECEIVE, 2, 0);
    settle(loop);
    expect_closed(loop, 2);
    settle(loop);
}

static void a_reset_is_a_failure(struct loop *loop)
{
    int peer = connect_tcp(loop, 2);

    loop_receive(loop, 2);
    hand_over(loop);
    reset(peer);
    expect(loop, LOOP_RECEIVE, 2, -ECONNRESET);
    settle(loop);
    expect_closed(loop, 2);
}

/* A peer that goes away from a connection of which nothing is wanted must not keep the loop busy,
 * and must not be forgotten. */
static void a_reset_while_paused_waits(struct loop *loop)
{
    int peer = connect_tcp(loop, 2);

    loop_receive(loop, 2);
    hand_over(loop);
    loop_pause(loop, 2);
    settle(loop);
    reset(peer);
    settle(loop);
    uint64_t enters = loop->counters.enters;
    settle(loop);
    assert_in_range(loop->counters.enters - enters, 0, 10);
    loop_receive(loop, 2);
    expect(loop, LOOP_RECEIVE, 2, -ECONNRESET);
    settle(loop);
}

static void a_pause_holds_back_and_loses_nothing(struct loop *loop)
{
    int peer = attach_pair(loop, 5);

    loop_receive(loop, 5);
    say(peer, "one ");
    expect_text(loop, 5, "one ");
    loop_pause(loop, 5);
    settle(loop); /* what was on its way has come */
    say(peer, "two ");
    settle(loop);
    say(peer, "three");
    loop_receive(loop, 5);
    expect_text(loop, 5, "two three");
    loop_pause(loop, 5);
    loop_receive(loop, 5);
    say(peer, "four");
    expect_text(loop, 5, "four");
    loop_pause(loop, 5);
    loop_receive(loop, 5);
    loop_pause(loop, 5);
    settle(loop);
    close(peer);
    settle(loop);
    loop_receive(loop, 5);
    expect(loop, LOOP_RECEIVE, 5, 0);
    settle(loop);
}

/* A receive for once brings one buffer, however much there is, and after a pause, too. */
static void a_receive_for_once_brings_one_buffer(struct loop *loop)
{
    enum { LENGTH = 5 * LOOP_BUFFER_BYTES };
    int peer = attach_pair(loop, 5);
    char *bytes = make_bytes(LENGTH);
    size_t received = 0;

    loop_receive(loop, 5);
    hand_over(loop);
    loop_pause(loop, 5);
    settle(loop);
    loop_receive_once(loop, 5);
    assert_int_equal(send(peer, bytes, LENGTH, MSG_NOSIGNAL), LENGTH);
    for (int i = 0; i < 3; i++) {
        size_t length = take_pattern(loop, 5, received);
        assert_in_range(length, 1, LOOP_BUFFER_BYTES);
        received += length;
        settle(loop);
        loop_receive_once(loop, 5);
    }
    loop_pause(loop, 5);
    received += take_pattern(loop, 5, received); /* what was on its way */
    assert_in_range(received, 1, LENGTH - LOOP_BUFFER_BYTES);
    loop_receive(loop, 5);
    received += take_pattern(loop, 5, received);
    assert_int_equal(received, LENGTH);
    loop_pause(loop, 5);
    settle(loop);
    loop_receive_once(loop, 5);
    close(peer);
    expect(loop, LOOP_RECEIVE, 5, 0);
    settle(loop);
    free(bytes);
}

/* Every peer sends more than the loop can have room for at once. */
static void more_than_all_buffers_hold_comes_whole(struct loop *loop)
{
    enum { LENGTH = 65536 };
    static int peers[MANY];
    static size_t received[MANY];
    char *bytes = make_bytes(LENGTH);

    for (uint32_t slot = 0; slot < MANY; slot++) {
        peers[slot] = attach_pair(loop, slot);
        received[slot] = 0;
        assert_int_equal(send(peers[slot], bytes, LENGTH, MSG_NOSIGNAL), LENGTH);
        close(peers[slot]);
        loop_receive(loop, slot);
    }
    for (uint32_t ended = 0; ended < MANY;) {
        struct completion completion = await(loop);
        size_t *offset = &received[completion.slot];
        assert_int_equal(completion.op, LOOP_RECEIVE);
        assert_in_range(completion.result, 0, LENGTH - *offset);
        if (completion.result == 0)
            assert_int_equal(*offset, LENGTH);
        else
            assert_memory_equal(completion.bytes, bytes + *offset, (size_t)completion.result);
        ended += completion.result == 0;
        *offset += (size_t)completion.result;
    }
    settle(loop);
    free(bytes);
}

/* --- closing ---------------------------------------------------------------------------------- */

static void an_idle_slot_closes(struct loop *loop)
{
    int peer = attach_pair(loop, 0);

    expect_closed(loop, 0);
    settle(loop);
    assert_int_equal(recv(peer, &(char){0}, 1, 0), 0); /* the descriptor is closed too */
    close(peer);
}

static void a_receiving_slot_closes(struct loop *loop)
{
    int peer = attach_pair(loop, 0);

    loop_receive(loop, 0);
    hand_over(loop);
    expect_closed(loop, 0);
    settle(loop);
    assert_int_equal(recv(peer, &(char){0}, 1, 0), 0);
    close(peer);
}

static void bytes_on_their_way_do_not_survive_the_slot(struct loop *loop)
{
    char *bytes = make_bytes(65536);
    int first = attach_pair(loop, 0);
    int second = attach_pair(loop, 1);

    loop_receive(loop, 0);
    loop_receive(loop, 1);
    assert_int_equal(send(first, bytes, 65536, 0), 65536);
    assert_int_equal(send(second, bytes, 65536, 0), 65536);
    struct completion completion = await(loop);
    assert_int_equal(completion.op, LOOP_RECEIVE);
    loop_close_slot(loop, 0);
    loop_close_slot(loop, 1);
    uint32_t closed = 0;
    for (int i = 0; i < 2; i++) {
        completion = await(loop);
        assert_int_equal(completion.op, LOOP_CLOSED);
        closed |= 1u << completion.slot;
    }
    assert_int_equal(closed, 3);
    settle(loop);
    close(first);
    close(second);
    free(bytes);
}

static void a_slot_used_again_hears_only_its_own(struct loop *loop)
{
    for (int life = 0; life < 300; life++) {
        char text[16];
        int peer = attach_pair(loop, 7);
        snprintf(text, sizeof(text), "life %d", life);
        loop_receive(loop, 7);
        say(peer, text);
        if (life % 3 != 0)
            expect_text(loop, 7, text);
        if (life % 3 == 1)
            say(peer, "too late");
        if (life % 5 == 0)
            assert_int_equal(loop_wait(loop, 1, 0), 0);
        expect_closed(loop, 7);
        close(peer);
    }
    settle(loop);
}

/* What came together is lent one by one; in between the caller may close any of the others, and use
 * the slot again. */
static void the_first_of_many_ends_the_others(struct loop *loop)
{
    enum { COUNT = 8, AGAIN = 3 };
    int peers[COUNT];

    for (uint32_t slot = 0; slot < COUNT; slot++) {
        peers[slot] = attach_pair(loop, slot);
        loop_receive(loop, slot);
        say(peers[slot], "old");
    }
    struct completion completion = await(loop);
    assert_int_equal(completion.op, LOOP_RECEIVE);
    for (uint32_t slot = 0; slot < COUNT; slot++) {
        loop_send(loop, slot, "bye", 3);
        loop_close_slot(loop, slot);
    }
    for (uint32_t slot = 0; slot < COUNT; slot++)
        assert_int_equal(await(loop).op, LOOP_CLOSED);
    int peer = attach_pair(loop, AGAIN);
    loop_receive(loop, AGAIN);
    say(peer, "new");
    expect_text(loop, AGAIN, "new");
    expect_closed(loop, AGAIN);
    settle(loop);
    close(peer);
    for (uint32_t slot = 0; slot < COUNT; slot++) {
        hear(peers[slot], "bye");
        close(peers[slot]);
    }
}

static void a_failed_send_does_not_outlive_the_slot(struct loop *loop)
{
    for (int life = 0; life < 50; life++) {
        int peer = attach_pair(loop, 7);
        close(peer);
        loop_send(loop, 7, "GET", 3);
        if (life % 2 == 0)
            assert_int_equal(loop_wait(loop, 1, 0), 0);
        expect_closed(loop, 7);
    }
    settle(loop);
}

/* --- accepting and polling -------------------------------------------------------------------- */

static int dial(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
    set_patience(fd);
    return fd;
}

static void connections_are_accepted_until_unpoll(struct loop *loop)
{
    struct sockaddr_in address;
    int listener = listen_on(&address);
    int clients[4];

    fcntl(listener, F_SETFL, O_NONBLOCK);
    loop_accept(loop, 2, listener);
    hand_over(loop);
    for (uint32_t i = 0; i < 3; i++)
        clients[i] = dial(&address);
    for (uint32_t i = 0; i < 3; i++) {
        struct completion completion = await(loop);
        assert_int_equal(completion.op, LOOP_ACCEPT);
        assert_int_equal(completion.slot, 2);
        assert_true(completion.result >= 0);
        loop_attach(loop, i, completion.result);
        loop_send(loop, i, "hello", 5);
    }
    hand_over(loop);
    for (uint32_t i = 0; i < 3; i++) {
        hear(clients[i], "hello");
        close(clients[i]);
    }
    loop_unpoll(loop, 2);
    clients[3] = dial(&address);
    settle(loop);
    close(clients[3]);
    close(listener);
}

static void accepting_from_what_does_not_listen_ends(struct loop *loop)
{
    struct sockaddr_in address;
    int fd = bind_port(&address);

    fcntl(fd, F_SETFL, O_NONBLOCK);
    loop_accept(loop, 0, fd);
    struct completion completion = await(loop);
    assert_int_equal(completion.op, LOOP_ACCEPT);
    assert_true(completion.result < 0);
    settle(loop);
    loop_unpoll(loop, 0);
    close(fd);
}

static void expect_ready(struct loop *loop, uint32_t tag, short events)
{
    struct completion completion = await(loop);

    assert_int_equal(completion.op, LOOP_READY);
    assert_int_equal(completion.slot, tag);
    assert_int_equal(completion.result & events, events);
}

static void a_poll_fires_once(struct loop *loop)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    loop_poll(loop, 4, ends[0], POLLIN);
    settle(loop);
    assert_int_equal(write(ends[1], "x", 1), 1);
    expect_ready(loop, 4, POLLIN);
    settle(loop);
    loop_poll(loop, 4, ends[0], POLLIN); /* still readable */
    expect_ready(loop, 4, POLLIN);
    loop_poll(loop, 5, ends[1], POLLOUT);
    expect_ready(loop, 5, POLLOUT);
    close(ends[1]);
    assert_int_equal(read(ends[0], &(char){0}, 1), 1);
    loop_poll(loop, 4, ends[0], POLLIN);
    expect_ready(loop, 4, POLLHUP);
    settle(loop);
    close(ends[0]);
}

static void a_poll_is_replaced_and_undone(struct loop *loop)
{
    int a[2], b[2];

    assert_int_equal(pipe2(a, O_CLOEXEC), 0);
    assert_int_equal(pipe2(b, O_CLOEXEC), 0);
    loop_poll(loop, 0, a[0], POLLIN);
    hand_over(loop);
    loop_poll(loop, 0, b[0], POLLIN);
    assert_int_equal(write(a[1], "x", 1), 1);
    settle(loop);
    assert_int_equal(write(b[1], "x", 1), 1);
    expect_ready(loop, 0, POLLIN);
    settle(loop);

    loop_poll(loop, 0, a[0], POLLIN); /* ready, but undone before it is told */
    loop_unpoll(loop, 0);
    loop_unpoll(loop, 0);
    settle(loop);
    loop_poll(loop, 0, a[0], POLLIN);
    assert_int_equal(loop_wait(loop, 1, 0), 0);
    loop_unpoll(loop, 0);
    settle(loop);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

/* The same number, another file: what was asked of the first is not told of the second. */
static void a_descriptor_number_used_again_is_polled_afresh(struct loop *loop)
{
    for (int i = 0; i < 50; i++) {
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        loop_poll(loop, 0, ends[0], POLLIN);
        if (i % 2 == 0) {
            assert_int_equal(write(ends[1], "x", 1), 1);
            expect_ready(loop, 0, POLLIN);
        } else {
            hand_over(loop);
        }
        loop_unpoll(loop, 0);
        close(ends[0]);
        close(ends[1]);
    }
    settle(loop);
}

/* --- time, waking, waiting -------------------------------------------------------------------- */

static void a_tick_comes_in_time(struct loop *loop)
{
    uint64_t time_ns = clock_now_ns() + 5 * MILLISECOND;

    loop_tick(loop, time_ns);
    assert_int_equal(await(loop).op, LOOP_TICK);
    assert_true(clock_now_ns() >= time_ns);
    settle(loop);
}

static void the_earliest_tick_counts(struct loop *loop)
{
    uint64_t now_ns = clock_now_ns();

    loop_tick(loop, now_ns + 3600000 * MILLISECOND);
    hand_over(loop);
    loop_tick(loop, now_ns + 10 * MILLISECOND);
    loop_tick(loop, now_ns + 7200000 * MILLISECOND);
    assert_int_equal(await(loop).op, LOOP_TICK);
    assert_true(clock_now_ns() >= now_ns + 10 * MILLISECOND);
    loop_tick(loop, 1); /* long past */
    assert_int_equal(await(loop).op, LOOP_TICK);
    settle(loop);
}

/* Whether it was handed over or not, and moved to an earlier time or not; nor does it make who
 * polls think that anything had come. */
static void a_tick_taken_back_does_not_come(struct loop *loop)
{
    for (int i = 0; i < 4; i++) {
        struct pollfd poll_fd = {.fd = loop->poll_fd, .events = POLLIN};
        uint64_t now_ns = clock_now_ns();
        loop_tick(loop, now_ns + 40 * MILLISECOND);
        if (i & 1)
            hand_over(loop);
        if (i & 2)
            loop_tick(loop, now_ns + 30 * MILLISECOND);
        loop_untick(loop);
        loop_untick(loop);
        hand_over(loop);
        assert_int_equal(poll(&poll_fd, 1, 60), 0);
    }
    uint64_t time_ns = clock_now_ns() + 10 * MILLISECOND;
    loop_tick(loop, time_ns);
    assert_int_equal(await(loop).op, LOOP_TICK);
    assert_true(clock_now_ns() >= time_ns);
    settle(loop);
}

/* It has gone off, and its completion was not taken. */
static void a_tick_taken_back_too_late_is_not_the_next(struct loop *loop)
{
    loop_tick(loop, 1);
    assert_int_equal(loop_wait(loop, 1, PATIENCE_NS), 0);
    loop_untick(loop);
    uint64_t time_ns = clock_now_ns() + 20 * MILLISECOND;
    loop_tick(loop, time_ns);
    assert_int_equal(await(loop).op, LOOP_TICK);
    assert_true(clock_now_ns() >= time_ns);
    settle(loop);
}

static void *wake_from_a_thread(void *loop)
{
    loop_wake(loop);
    return NULL;
}

static void a_thread_wakes_the_loop(struct loop *loop)
{
    for (int i = 0; i < 20; i++) {
        struct completion completion;
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, wake_from_a_thread, loop), 0);
        while (!loop_next(loop, &completion))
            assert_int_equal(loop_wait(loop, 1, -1), 0);
        assert_int_equal(completion.op, LOOP_WAKE);
        pthread_join(thread, NULL);
    }
    settle(loop);
}

static void a_wake_before_the_wait_is_not_lost(struct loop *loop)
{
    loop_wake(loop);
    loop_wake(loop);
    assert_int_equal(await(loop).op, LOOP_WAKE);
    settle(loop);
}

static void a_wait_runs_out(struct loop *loop)
{
    int peer = attach_pair(loop, 0);
    struct completion completion;

    loop_receive(loop, 0);
    assert_int_equal(loop_wait(loop, 1, 2500000), 0);
    assert_false(loop_next(loop, &completion));
    assert_int_equal(loop_wait(loop, 16, 100000), 0);
    assert_false(loop_next(loop, &completion));
    say(peer, "x");
    assert_int_equal(loop_wait(loop, 16, PATIENCE_NS), 0); /* one is enough after a while */
    expect_text(loop, 0, "x");
    close(peer);
}

static void on_signal(int number)
{
    (void)number;
}

struct nuisance {
    pthread_t target;
    atomic_bool is_enough;
};

static void *send_signals(void *argument)
{
    struct nuisance *nuisance = argument;

    while (!atomic_load(&nuisance->is_enough)) {
        pthread_kill(nuisance->target, SIGUSR1);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return NULL;
}

static void a_signal_ends_the_wait(struct loop *loop)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct nuisance nuisance = {.target = pthread_self()};
    struct completion completion;
    pthread_t thread;
    int result = 0;

    sigaction(SIGUSR1, &action, NULL);
    assert_int_equal(pthread_create(&thread, NULL, send_signals, &nuisance), 0);
    while (result == 0) {
        result = loop_wait(loop, 1, PATIENCE_NS);
        assert_false(loop_next(loop, &completion));
    }
    atomic_store(&nuisance.is_enough, true);
    pthread_join(thread, NULL);
    assert_int_equal(result, -EINTR);
    settle(loop);
}

static bool is_readable(const struct loop *loop, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = loop->poll_fd, .events = POLLIN};

    return poll(&poll_fd, 1, timeout_ms) == 1;
}

static void poll_fd_tells_of_everything(struct loop *loop)
{
    int peer = attach_pair(loop, 0);
    int other = attach_pair(loop, 1);

    loop_receive(loop, 0);
    hand_over(loop);
    for (int round = 0; round < 20; round++) {
        say(peer, "x");
        assert_true(is_readable(loop, TEST_PATIENCE_MS));
        expect_text(loop, 0, "x");
        hand_over(loop);
    }
    loop_tick(loop, clock_now_ns() + 5 * MILLISECOND);
    hand_over(loop);
    assert_true(is_readable(loop, TEST_PATIENCE_MS));
    assert_int_equal(await(loop).op, LOOP_TICK);
    hand_over(loop);
    loop_wake(loop);
    assert_true(is_readable(loop, TEST_PATIENCE_MS));
    assert_int_equal(await(loop).op, LOOP_WAKE);

    for (int tries = 0; hand_over(loop), is_readable(loop, 0); tries++)
        assert_in_range(tries, 0, 100); /* with nothing left it falls silent */
    loop_ring(loop);
    loop_ring(loop);
    assert_true(is_readable(loop, 0));
    struct completion completion;
    for (int tries = 0; is_readable(loop, 0); tries++) {
        assert_in_range(tries, 0, 100);
        assert_int_equal(loop_wait(loop, 1, 0), 0);
        while (loop_next(loop, &completion))
            assert_int_equal(completion.op, LOOP_TICK);
    }
    close(peer);
    close(other);
}

/* --- many, and often -------------------------------------------------------------------------- */

static void hundreds_of_connections_keep_apart(struct loop *loop)
{
    static int peers[MANY];
    uint64_t sum = 0;

    for (uint32_t slot = 0; slot < MANY; slot++) {
        peers[slot] = attach_pair(loop, slot);
        loop_receive(loop, slot);
    }
    hand_over(loop);
    for (int round = 0; round < 5; round++) {
        for (uint32_t slot = 0; slot < MANY; slot++)
            assert_int_equal(send(peers[slot], &slot, sizeof(slot), 0), sizeof(slot));
        for (uint32_t i = 0; i < MANY; i++) {
            struct completion completion = await(loop);
            assert_int_equal(completion.op, LOOP_RECEIVE);
            assert_int_equal(completion.result, sizeof(completion.slot));
            assert_memory_equal(completion.bytes, &completion.slot, sizeof(completion.slot));
            sum += completion.slot;
        }
    }
    assert_int_equal(sum, 5 * MANY * (MANY - 1) / 2);
    for (uint32_t slot = 0; slot < MANY; slot++)
        close(peers[slot]);
    for (uint32_t closed = 0; closed < MANY;) {
        struct completion completion = await(loop);
        assert_int_equal(completion.result, 0);
        closed += completion.op == LOOP_CLOSED;
        if (completion.op != LOOP_CLOSED) {
            assert_int_equal(completion.op, LOOP_RECEIVE);
            loop_close_slot(loop, completion.slot);
        }
    }
    settle(loop);
}

static void requests_and_replies_take_turns(struct loop *loop)
{
    int peer = connect_tcp(loop, 9);

    loop_receive(loop, 9);
    for (int i = 0; i < 500; i++) {
        loop_send(loop, 9, "GET / HTTP/1.1\r\n\r\n", 18);
        assert_int_equal(loop_wait(loop, 1, 0), 0);
        hear(peer, "GET / HTTP/1.1\r\n\r\n");
        say(peer, "HTTP/1.1 204\r\n\r\n");
        expect_text(loop, 9, "HTTP/1.1 204\r\n\r\n");
    }
    settle(loop);
    close(peer);
}

/* A child process keeps a copy of every descriptor: what it has of them wakes nobody here. */
static void what_a_child_keeps_wakes_nobody(struct loop *loop)
{
    int peer = connect_tcp(loop, 0);
    int line[2], polled[2];
    char byte;

    loop_receive(loop, 0);
    assert_int_equal(pipe2(line, O_CLOEXEC), 0);
    assert_int_equal(pipe2(polled, O_CLOEXEC), 0);
    loop_poll(loop, 1, polled[0], POLLIN);
    hand_over(loop);
    pid_t child = fork();
    if (child == 0) {
        close(line[1]);
        _exit(read(line[0], &byte, 1) == 0 ? 0 : 1);
    }
    expect_closed(loop, 0);
    loop_unpoll(loop, 1);
    close(polled[0]);
    say(peer, "too late");
    assert_int_equal(write(polled[1], "x", 1), 1);
    uint64_t enters = loop->counters.enters;
    settle(loop);
    assert_in_range(loop->counters.enters - enters, 0, 16);
    hand_over(loop);
    assert_int_equal(poll(&(struct pollfd){.fd = loop->poll_fd, .events = POLLIN}, 1, 0), 0);

    int status;
    close(line[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(line[0]);
    close(polled[1]);
    close(peer);
}

static int left_open[2] = {-1, -1}; /* by a scenario, for after loop_close() */

/* loop_close() with everything under way; the runner counts the descriptors. */
static void everything_under_way_ends_with_the_loop(struct loop *loop)
{
    static char bytes[1 << 20];

    for (uint32_t slot = 0; slot < 20; slot++) {
        int peer = attach_pair(loop, slot);
        loop_receive(loop, slot);
        loop_send(loop, slot, bytes, sizeof(bytes));
        say(peer, "x");
        close(peer);
    }
    assert_int_equal(pipe2(left_open, O_CLOEXEC), 0);
    loop_poll(loop, 0, left_open[0], POLLIN);
    loop_tick(loop, clock_now_ns() + 3600000 * MILLISECOND);
    assert_int_equal(loop_wait(loop, 1, 0), 0);
}

/* --- the loops -------------------------------------------------------------------------------- */

enum {
    WITHOUT_DEFER = LOOP_WITHOUT_DEFER_TASKRUN,
    WITHOUT_FLAGS = LOOP_WITHOUT_DEFER_TASKRUN | LOOP_WITHOUT_COOP_TASKRUN,
    WITHOUT_BUFFERS = LOOP_WITHOUT_BUFFER_RING,
};

static const struct fault_rates no_faults = {0};

static const struct variant {
    const char *name;
    int (*open)(struct loop **ret_loop, const struct loop_options *options);
    uint32_t without;
    const struct fault_rates *faults; /* NULL: not through the loop that injects them */
} variants[] = {
    {"epoll", loop_epoll_open, 0, NULL},
    {"uring", loop_uring_open, 0, NULL},
    {"uring, COOP_TASKRUN", loop_uring_open, WITHOUT_DEFER, NULL},
    {"uring, no flags", loop_uring_open, WITHOUT_FLAGS, NULL},
    {"uring, no bundles", loop_uring_open, LOOP_WITHOUT_BUNDLES, NULL},
    {"uring, no buffer ring", loop_uring_open, WITHOUT_BUFFERS, NULL},
    {"uring, nothing", loop_uring_open, WITHOUT_FLAGS | WITHOUT_BUFFERS, NULL},
    {"no faults over epoll", loop_epoll_open, 0, &no_faults},
    {"no faults over uring", loop_uring_open, 0, &no_faults},
};

typedef void scenario_run(struct loop *loop);

#define SCENARIO(name)                                                                             \
    {                                                                                              \
#name, name                                                                                \
    }

static const struct scenario {
    const char *name;
    scenario_run *run;
} scenarios[] = {
    SCENARIO(a_connect_is_answered),
    SCENARIO(a_connect_is_refused),
    SCENARIO(a_connect_to_nowhere_fails_at_once),
    SCENARIO(a_connect_under_way_is_closed),
    SCENARIO(a_short_send_is_silent),
    SCENARIO(a_longer_send_is_answered),
    SCENARIO(a_send_larger_than_all_buffers_is_through_in_the_end),
    SCENARIO(a_send_to_a_closed_peer_fails),
    SCENARIO(a_long_send_ended_by_the_peer_fails),
    SCENARIO(a_long_send_goes_on_while_receiving),
    SCENARIO(a_long_send_under_way_is_closed),
    SCENARIO(a_silent_send_that_has_to_wait_is_told),
    SCENARIO(a_silent_send_is_through_when_asked),
    SCENARIO(a_longer_send_is_under_way_until_told),
    SCENARIO(a_send_that_failed_is_under_way_until_told),
    SCENARIO(an_early_reply_does_not_end_a_send),
    SCENARIO(a_silent_send_that_waits_is_closed),
    SCENARIO(short_sends_over_small_segments_come_whole),
    SCENARIO(bytes_given_back_at_once_are_sent_first),
    SCENARIO(bytes_given_back_by_a_close_are_sent_first),
    SCENARIO(a_last_word_comes_before_the_end),
    SCENARIO(a_last_word_is_not_said_in_the_middle),
    SCENARIO(pieces_come_as_they_are_sent),
    SCENARIO(what_came_before_asking_is_not_lost),
    SCENARIO(a_long_stream_comes_whole),
    SCENARIO(what_is_expected_comes_whole),
    SCENARIO(what_was_expected_ends_with_its_slot),
    SCENARIO(a_fin_comes_after_the_bytes_and_once),
    SCENARIO(a_reset_is_a_failure),
    SCENARIO(a_reset_while_paused_waits),
    SCENARIO(a_pause_holds_back_and_loses_nothing),
    SCENARIO(a_receive_for_once_brings_one_buffer),
    SCENARIO(more_than_all_buffers_hold_comes_whole),
    SCENARIO(an_idle_slot_closes),
    SCENARIO(a_receiving_slot_closes),
    SCENARIO(bytes_on_their_way_do_not_survive_the_slot),
    SCENARIO(a_slot_used_again_hears_only_its_own),
    SCENARIO(the_first_of_many_ends_the_others),
    SCENARIO(a_failed_send_does_not_outlive_the_slot),
    SCENARIO(connections_are_accepted_until_unpoll),
    SCENARIO(accepting_from_what_does_not_listen_ends),
    SCENARIO(a_poll_fires_once),
    SCENARIO(a_poll_is_replaced_and_undone),
    SCENARIO(a_descriptor_number_used_again_is_polled_afresh),
    SCENARIO(a_tick_comes_in_time),
    SCENARIO(the_earliest_tick_counts),
    SCENARIO(a_tick_taken_back_does_not_come),
    SCENARIO(a_tick_taken_back_too_late_is_not_the_next),
    SCENARIO(a_thread_wakes_the_loop),
    SCENARIO(a_wake_before_the_wait_is_not_lost),
    SCENARIO(a_wait_runs_out),
    SCENARIO(a_signal_ends_the_wait),
    SCENARIO(poll_fd_tells_of_everything),
    SCENARIO(hundreds_of_connections_keep_apart),
    SCENARIO(requests_and_replies_take_turns),
    SCENARIO(what_a_child_keeps_wakes_nobody),
    SCENARIO(everything_under_way_ends_with_the_loop),
};

enum {
    VARIANTS = sizeof(variants) / sizeof(variants[0]),
    SCENARIOS = sizeof(scenarios) / sizeof(scenarios[0]),
};

struct pairing {
    const struct variant *variant;
    const struct scenario *scenario;
    char name[128];
};

static int open_variant(const struct variant *variant, struct loop **ret_loop)
{
    struct loop_options options = {.slots = SLOTS, .polls = TAGS, .without = variant->without};
    int error = variant->open(ret_loop, &options);

    if (error == 0 && variant->faults != NULL)
        *ret_loop = fault_open(*ret_loop, variant->faults, 1);
    return error;
}

static int count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(directory);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static void run_pairing(void **state)
{
    const struct pairing *pairing = *state;
    int descriptors = count_descriptors();
    struct loop *loop;
    int error = open_variant(pairing->variant, &loop);

    if (error != 0) {
        print_message("  %s: %s\n", pairing->variant->name, strerror(-error));
        skip();
    }
    pairing->scenario->run(loop);
    loop_close(loop);
    for (int i = 0; i < 2; i++) {
        if (left_open[i] >= 0)
            close(left_open[i]);
        left_open[i] = -1;
    }
    assert_int_equal(count_descriptors(), descriptors);
}

/* A program that has closed its standard input gets its descriptor for a socket. */
static void descriptor_0_ends_with_the_loop(void **state)
{
    const struct loop_options options = {.slots = 4, .polls = 1};
    int (*const opens[])(struct loop **, const struct loop_options *) = {loop_epoll_open,
                                                                         loop_uring_open};
    (void)state;
    for (size_t i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
        struct loop *loop;
        int ends[2];
        char byte;
        if (opens[i](&loop, &options) != 0)
            continue;
        int input = fcntl(0, F_DUPFD_CLOEXEC, 3);
        close(0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
        set_patience(ends[1]);
        loop_attach(loop, 1, ends[0]);
        loop_receive(loop, 1);
        assert_int_equal(loop_wait(loop, 1, 0), 0);
        loop_close(loop);
        bool is_closed = fcntl(0, F_GETFD) < 0;
        if (input >= 0) {
            dup2(input, 0);
            close(input);
        }
        assert_int_equal(ends[0], 0);
        assert_true(is_closed);
        assert_int_equal(recv(ends[1], &byte, 1, 0), 0);
        close(ends[1]);
    }
}

/* --- a ring that is refused in part ----------------------------------------------------------- */

enum { NO_FILTERS = 77 };

/* From now on this process is answered with error for that system call. */
static bool refuse(long call, int error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

struct refusal {
    long call;
    int error;
    bool is_late; /* after the loop was opened */
    bool has_run; /* and has waited once */
};

static const struct refusal refusals[] = {
    {SYS_io_uring_enter, EPERM, false, false},     {SYS_io_uring_enter, ENOSYS, false, false},
    {SYS_io_uring_enter, EACCES, false, false},    {SYS_io_uring_register, EPERM, false, false},
    {SYS_io_uring_register, ENOSYS, false, false}, {SYS_io_uring_register, EACCES, false, false},
    {SYS_io_uring_enter, EPERM, true, false},      {SYS_io_uring_enter, ENOSYS, true, true},
    {SYS_io_uring_enter, EACCES, true, true},      {SYS_io_uring_register, EPERM, true, false},
};

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__ % 256;                                                                 \
    } while (0)

/* The ring is refused with the reason, and who leaves the choice gets a loop that works. */
static int refused_at_open(const struct refusal *refusal)
{
    const struct loop_options options = {.slots = 4, .polls = 1};
    struct completion completion;
    struct loop *loop;
    char sentence[128];
    int ends[2];

    if (!refuse(refusal->call, refusal->error))
        return NO_FILTERS;
    REQUIRE(loop_uring_open(&loop, &options) == -refusal->error);
    loop_uring_explain(-refusal->error, sentence, sizeof(sentence));
    REQUIRE(loop_auto_open(&loop, &options) == 0);
    REQUIRE(strcmp(loop->interface->name, "epoll") == 0);
    REQUIRE(strcmp(loop->reason, sentence) == 0);
    REQUIRE(strstr(sentence, strerrorname_np(refusal->error)) != NULL);
    REQUIRE(strstr(sentence, "seccomp") != NULL);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    loop_attach(loop, 0, ends[0]);
    loop_receive(loop, 0);
    REQUIRE(write(ends[1], "x", 1) == 1);
    while (!loop_next(loop, &completion))
        REQUIRE(loop_wait(loop, 1, -1) == 0);
    REQUIRE(completion.op == LOOP_RECEIVE && completion.result == 1);
    loop_close(loop);
    return 0;
}

/* Far more is asked for than the queue holds. Nothing of it happens, every wait says why, and the
 * loop closes with what it owns. */
static int refused_later(const struct refusal *refusal)
{
    enum { ALL = 64 };
    const struct loop_options options = {.slots = ALL, .polls = ALL};
    struct loop *loop;
    int ends[ALL][2];
    char byte;

    REQUIRE(loop_uring_open(&loop, &options) == 0);
    if (refusal->has_run)
        REQUIRE(loop_wait(loop, 1, 0) == 0);
    if (!refuse(refusal->call, refusal->error))
        return NO_FILTERS;
    for (uint32_t i = 0; i < ALL; i++) {
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]) == 0);
        loop_attach(loop, i, ends[i][0]);
        loop_receive(loop, i);
        loop_send(loop, i, "hello", 5);
        loop_is_sending(loop, i);
        loop_poll(loop, i, ends[i][1], POLLIN);
        loop_tick(loop, UINT64_MAX - i - 1);
        loop_unpoll(loop, i);
    }
    for (int i = 0; i < 3; i++)
        REQUIRE(loop_wait(loop, 1, -1) == -refusal->error);
    for (uint32_t i = 0; i < ALL; i += 2)
        loop_close_slot(loop, i);
    REQUIRE(loop_wait(loop, 1, -1) == -refusal->error);
    loop_close(loop);
    for (uint32_t i = 0; i < ALL; i++)
        REQUIRE(recv(ends[i][1], &byte, 1, 0) == 0);
    return 0;
}

static void a_ring_refused_in_part_is_no_ring(void **state)
{
    const struct loop_options options = {.slots = 4};
    struct loop *loop;

    (void)state;
    if (loop_uring_open(&loop, &options) != 0) {
        print_message("  no ring here\n");
        skip();
    }
    loop_close(loop);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            alarm(TEST_PATIENCE_S); /* what spins never ends by itself */
            _exit(refusals[i].is_late ? refused_later(&refusals[i])
                                      : refused_at_open(&refusals[i]));
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTERS) {
            print_message("  no seccomp filters here\n");
            skip();
        }
        if (status != 0)
            fail_msg("refusal %zu: signal %d, or line %d of 256", i, WTERMSIG(status),
                     WEXITSTATUS(status));
    }
}

/* --- the loop that injects faults ------------------------------------------------------------- */

enum { LIVES = 3000, PLAYERS = 48, SPEECH = 3000 };

/* One who plays the engine's part in a slot, and counts what must not happen twice. */
struct player {
    int peer;
    size_t received;
    bool is_dead; /* receiving has ended */
    bool is_closing;
};

struct stage {
    struct loop *loop;
    struct player players[PLAYERS];
    int lives;
};

static void player_enter(struct stage *stage, uint32_t slot)
{
    static char speech[SPEECH];
    struct player *player = &stage->players[slot];

    for (size_t i = 0; i < SPEECH; i++)
        speech[i] = pattern(i);
    *player = (struct player){.peer = attach_pair(stage->loop, slot)};
    loop_receive(stage->loop, slot);
    loop_send(stage->loop, slot, "hello", 5);
    assert_int_equal(send(player->peer, speech, SPEECH, 0), SPEECH);
    stage->lives++;
}

static void player_leave(struct stage *stage, uint32_t slot)
{
    struct player *player = &stage->players[slot];

    if (!player->is_closing)
        loop_close_slot(stage->loop, slot);
    player->is_closing = true;
}

static void player_receive(struct stage *stage, const struct completion *completion)
{
    struct player *player = &stage->players[completion->slot];

    assert_false(player->is_dead);
    player->is_dead = completion->result <= 0;
    for (int32_t i = 0; i < completion->result; i++)
        assert_true(completion->bytes[i] == pattern(player->received++));
    if (player->is_dead || player->received == SPEECH)
        player_leave(stage, completion->slot);
}

static void stage_on(struct stage *stage, const struct completion *completion)
{
    struct player *player = &stage->players[completion->slot];

    if (completion->op == LOOP_TICK || completion->op == LOOP_WAKE)
        return;
    assert_int_equal(player->is_closing, completion->op == LOOP_CLOSED);
    if (completion->op == LOOP_RECEIVE) {
        player_receive(stage, completion);
    } else if (completion->op == LOOP_SEND) {
        assert_true(completion->result < 0);
        player_leave(stage, completion->slot);
    } else {
        assert_int_equal(completion->op, LOOP_CLOSED);
        close(player->peer);
        if (stage->lives < LIVES)
            player_enter(stage, completion->slot);
    }
}

static struct fault_counts play(uint64_t seed)
{
    static const struct fault_rates rates = {
        .receive_cut = 300,
        .receive_failed = 50,
        .receive_ended = 50,
        .connect_failed = 300,
        .send_failed = 50,
        .reordered = 200,
        .delayed = 200,
        .spurious_tick = 100,
        .spurious_wake = 100,
        .interrupted = 100,
    };
    const struct loop_options options = {.slots = PLAYERS, .polls = 1};
    struct stage stage = {0};
    int closed = 0;

    print_message("  seed %llu\n", (unsigned long long)seed);
    assert_int_equal(loop_epoll_open(&stage.loop, &options), 0);
    stage.loop = fault_open(stage.loop, &rates, seed);
    assert_non_null(stage.loop);
    for (uint32_t slot = 0; slot < PLAYERS; slot++)
        player_enter(&stage, slot);
    while (closed < LIVES) {
        struct completion completion = await(stage.loop);
        stage_on(&stage, &completion);
        closed += completion.op == LOOP_CLOSED;
    }
    struct fault_counts counts = *fault_counts(stage.loop);
    loop_close(stage.loop);
    return counts;
}

static void faults_keep_the_contract(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct fault_counts counts = play(seed);
        assert_true(counts.receive_cut > 100);
        assert_true(counts.receive_failed > 10);
        assert_true(counts.receive_ended > 10);
        assert_true(counts.send_failed > 10);
        assert_true(counts.reordered > 100);
        assert_true(counts.delayed > 100);
        assert_true(counts.spurious_tick > 0);
        assert_true(counts.spurious_wake > 0);
        assert_true(counts.interrupted > 0);
    }
}

static void a_seed_tells_the_same_story_twice(void **state)
{
    (void)state;
    struct fault_counts first = play(42);
    struct fault_counts second = play(42);

    assert_memory_equal(&first, &second, sizeof(first));
}

static void connects_fail_where_they_would_not(void **state)
{
    (void)state;
    static const struct fault_rates rates = {.connect_failed = 500};
    const struct loop_options options = {.slots = 64, .polls = 1};
    struct sockaddr_in address;
    struct loop *loop;
    int listener = bind_port(&address);
    uint64_t failed = 0;

    assert_int_equal(listen(listener, 64), 0);
    assert_int_equal(loop_epoll_open(&loop, &options), 0);
    loop = fault_open(loop, &rates, 1);
    assert_non_null(loop);
    for (uint32_t slot = 0; slot < 64; slot++) {
        attach_tcp(loop, slot);
        loop_connect(loop, slot, (struct sockaddr *)&address, sizeof(address));
    }
    for (uint32_t slot = 0; slot < 64; slot++) {
        struct completion completion = await(loop);
        assert_int_equal(completion.op, LOOP_CONNECT);
        failed += completion.result < 0;
    }
    settle(loop);
    assert_in_range(failed, 1, 63);
    assert_int_equal(fault_counts(loop)->connect_failed, failed);
    loop_close(loop);
    close(listener);
}

/* --- what a pause lets through ---------------------------------------------------------------- */

/* A peer that sends another piece whenever one is taken, and how far both are. */
struct flood {
    int peer;
    const char *bytes;
    size_t length;
    size_t sent;
    size_t received;
};

/* Takes what there is. At each send, as at any system call, a ring without DEFER_TASKRUN takes up
 * what has come. */
static void flood_take(struct flood *flood, struct loop *loop)
{
    struct completion completion;

    do {
        size_t left = flood->length - flood->sent;
        size_t length = left < LOOP_BUFFER_BYTES ? left : LOOP_BUFFER_BYTES;
        ssize_t sent = send(flood->peer, flood->bytes + flood->sent, length, MSG_DONTWAIT);
        flood->sent += sent > 0 ? (size_t)sent : 0;
        if (!loop_next(loop, &completion))
            return;
        assert_int_equal(completion.op, LOOP_RECEIVE);
        for (int32_t i = 0; i < completion.result; i++)
            assert_true(completion.bytes[i] == pattern(flood->received++));
    } while (true);
}

/* However long it goes on, what comes is no more than all buffers hold, and after the next wait
 * nothing. */
static void check_pause(struct loop *loop)
{
    enum { ALL = LOOP_BUFFERS_MAX * LOOP_BUFFER_BYTES, LENGTH = 3 * ALL };
    char *bytes = make_bytes(LENGTH);
    struct flood flood = {.peer = connect_tcp(loop, 0), .bytes = bytes, .length = LENGTH};
    loop_receive(loop, 0);
    flood.sent = (size_t)send(flood.peer, bytes, LOOP_BUFFER_BYTES, 0);
    flood.received = (size_t)await(loop).result;
    loop_pause(loop, 0);
    size_t before = flood.received;
    flood_take(&flood, loop);
    assert_int_equal(loop_wait(loop, 1, 0), 0);
    flood_take(&flood, loop);
    assert_in_range(flood.received - before, 0, ALL);
    hand_over(loop);
    loop_receive(loop, 0);
    while (flood.received < LENGTH) {
        assert_int_equal(loop_wait(loop, 1, PATIENCE_NS), 0);
        flood_take(&flood, loop);
    }
    close(flood.peer);
    free(bytes);
}

static void what_comes_after_a_pause_is_bounded(void **state)
{
    (void)state;
    for (size_t i = 0; i < VARIANTS; i++) {
        struct loop *loop;
        const struct loop_options options = {
            .slots = SLOTS, .polls = TAGS, .without = variants[i].without};
        if (variants[i].faults || variants[i].open(&loop, &options))
            continue; /* that copies all there is; or it is refused, as is said above */
        check_pause(loop);
        loop_close(loop);
    }
}

int main(void)
{
    static struct pairing pairings[VARIANTS * SCENARIOS];
    static struct CMUnitTest tests[VARIANTS * SCENARIOS];
    const struct CMUnitTest fault_tests[] = {
        cmocka_unit_test(faults_keep_the_contract),
        cmocka_unit_test(a_seed_tells_the_same_story_twice),
        cmocka_unit_test(connects_fail_where_they_would_not),
    };
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    for (size_t i = 0; i < VARIANTS * SCENARIOS; i++) {
        struct pairing *pairing = &pairings[i];
        pairing->variant = &variants[i / SCENARIOS];
        pairing->scenario = &scenarios[i % SCENARIOS];
        snprintf(pairing->name, sizeof(pairing->name), "%s: %s", pairing->variant->name,
                 pairing->scenario->name);
        tests[i] = (struct CMUnitTest){
            .name = pairing->name, .test_func = run_pairing, .initial_state = pairing};
    }
    const struct CMUnitTest process_tests[] = {
        cmocka_unit_test(descriptor_0_ends_with_the_loop),
        cmocka_unit_test(a_ring_refused_in_part_is_no_ring),
        cmocka_unit_test(what_comes_after_a_pause_is_bounded),
    };
    int failed = cmocka_run_group_tests_name("loop", tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("process", process_tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("fault", fault_tests, NULL, NULL);
}
