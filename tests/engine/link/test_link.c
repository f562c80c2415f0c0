/* Links over both loops, against a peer in the same thread: each step lets the link's events come,
 * writes down their names, and then lets the peer receive and answer. */

#include "engine/link/link.h"
#include "tests/lib/address.h"
#include "tests/lib/tls/tls_loopback.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SHORT_BYTES = 4096, LONG_BYTES = 32 << 20, WAIT_NS = 10000000, PATIENCE_S = 120 };

static char bytes[LONG_BYTES];

struct play {
    struct loop *loop;
    struct links links;
    struct link link; /* the only one */
    struct secure secure;
    struct store store;
    struct block *block;
    uint32_t block_next;
    struct sockaddr_in address;
    int listener;
    int peer;              /* -1: not accepted */
    struct tls_server tls; /* the peer's */
    bool is_tls;
    bool is_peer_reading;
    bool is_peer_eager; /* speaks behind its Finished, at once */
    uint64_t received;  /* by the peer, from the wire */
    struct tls_session session;
    const struct tls_session *offered; /* NULL: none */
    char events[200];
};

/* --- the peer --------------------------------------------------------------------------------- */

static void peer_flush(struct play *play)
{
    char wire[16384];
    for (int length; (length = BIO_read(play->tls.out, wire, sizeof wire)) > 0;)
        assert_int_equal(send(play->peer, wire, (size_t)length, MSG_NOSIGNAL), length);
}

static void peer_take(struct play *play, const char *wire, size_t length)
{
    bool was_done = SSL_is_init_finished(play->tls.ssl);
    char plain[16384];
    assert_int_equal(BIO_write(play->tls.in, wire, (int)length), length);
    tls_server_step(&play->tls);
    if (play->is_peer_eager && !was_done && SSL_is_init_finished(play->tls.ssl))
        assert_int_equal(SSL_write(play->tls.ssl, "early", 5), 5);
    while (SSL_is_init_finished(play->tls.ssl) && SSL_read(play->tls.ssl, plain, sizeof plain) > 0)
        ;
    peer_flush(play);
}

static void peer_step(struct play *play)
{
    static char wire[65536];
    ssize_t length;
    if (play->peer < 0)
        play->peer = accept4(play->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (play->peer < 0 || !play->is_peer_reading)
        return;
    while ((length = recv(play->peer, wire, sizeof wire, MSG_DONTWAIT)) > 0) {
        play->received += (uint64_t)length;
        if (play->is_tls)
            peer_take(play, wire, (size_t)length);
    }
}

/* --- the link --------------------------------------------------------------------------------- */

static void note(struct play *play, const struct link_event *event)
{
    static const char *const kinds[] = {"connected", "ready", "bytes", "sent", "end", "closed"};
    static const char *const ends[] = {"refused", "fin", "broken", "cut", "bad TLS", "early"};
    size_t length = strlen(play->events);
    const char *text = event->kind == LINK_END ? ends[event->end] : kinds[event->kind];
    snprintf(play->events + length, sizeof play->events - length, " %s", text);
}

static void on_event(struct play *play, const struct link_event *event)
{
    const struct secure_peer peer = {.host = {"127.0.0.1", 9}, .session = play->offered};
    note(play, event);
    if (event->kind == LINK_CONNECTED && play->is_tls)
        assert_true(link_secure(&play->links, 0, &peer));
    else if (event->kind == LINK_CONNECTED)
        loop_receive(play->loop, 0);
    else if (event->kind == LINK_READY && !play->offered)
        assert_true(tls_get_session(link_at(&play->links, 0)->tls, &play->session));
}

static void step(struct play *play)
{
    struct completion completion;
    struct link_event event;
    assert_int_equal(loop_wait(play->loop, 1, WAIT_NS), 0);
    while (loop_next(play->loop, &completion)) {
        bool has_event = links_take(&play->links, &completion, &event);
        for (; has_event; has_event = links_next(&play->links, &event))
            on_event(play, &event);
    }
    peer_step(play);
}

/* Until the events are those, or it took too long. */
static void expect(struct play *play, const char *events)
{
    time_t end_s = time(NULL) + PATIENCE_S;
    while (strcmp(play->events, events) != 0 && time(NULL) < end_s)
        step(play);
    assert_string_equal(play->events, events);
}

static void play_open(struct play *play)
{
    assert_int_equal(
        link_open(&play->links, 0, (const struct sockaddr *)&play->address, sizeof play->address),
        0);
    if (play->is_tls)
        tls_loopback_init(&play->tls);
}

static void play_close(struct play *play)
{
    play->events[0] = '\0';
    link_close(&play->links, 0);
    expect(play, " closed");
    assert_int_equal(link_at(&play->links, 0)->state, LINK_FREE);
    close(play->peer);
    play->peer = -1;
    play->events[0] = '\0';
    if (play->is_tls)
        tls_server_deinit(&play->tls);
}

typedef int (*loop_opener)(struct loop **ret_loop, const struct loop_options *options);

static struct play *play_make(loop_opener open_loop, bool is_tls)
{
    const struct loop_options options = {.slots = 1};
    const struct haul_tls trust = {.ca_file = is_tls ? tls_loopback_roots() : NULL};
    struct play *play = calloc(1, sizeof *play);
    assert_non_null(play);
    *play = (struct play){.peer = -1, .is_tls = is_tls, .is_peer_reading = true};
    play->block = malloc(sizeof *play->block);
    assert_non_null(play->block);
    if (open_loop(&play->loop, &options)) {
        free(play->block);
        free(play);
        return NULL;
    }
    play->listener = address_bind(SOCK_STREAM, &play->address);
    assert_int_equal(listen(play->listener, 8), 0);
    fcntl(play->listener, F_SETFL, O_NONBLOCK);
    secure_init(&play->secure);
    if (is_tls)
        assert_int_equal(secure_open(&play->secure, &trust, 1, NULL), 0);
    store_init(&play->store, play->block, &play->block_next, 1, 0);
    links_init(&play->links, play->loop, &play->store, &play->secure, &play->link);
    play_open(play);
    return play;
}

static void play_free(struct play *play)
{
    play_close(play);
    loop_close(play->loop);
    close(play->listener);
    secure_close(&play->secure);
    free(play->block);
    free(play);
}

/* --- what is played --------------------------------------------------------------------------- */

static void await_handshake(struct play *play)
{
    time_t end_s = time(NULL) + PATIENCE_S;
    while (!SSL_is_init_finished(play->tls.ssl) && time(NULL) < end_s)
        step(play);
    assert_true(SSL_is_init_finished(play->tls.ssl));
}

/* Of a resumed handshake our flight is the last: it goes out although nothing is sent behind it. */
static void play_resumed(struct play *play)
{
    expect(play, " connected ready");
    await_handshake(play);
    play_close(play);
    play->offered = &play->session;
    play_open(play);
    expect(play, " connected ready");
    await_handshake(play);
    assert_true(SSL_session_reused(play->tls.ssl));
}

/* What comes in the same receive as the end of the handshake comes after it. */
static void play_eager(struct play *play)
{
    play->is_peer_eager = true;
    expect(play, " connected ready bytes");
}

/* A close_notify is answered while the link is open, and the FIN behind it is told too. */
static void play_answered(struct play *play)
{
    expect(play, " connected ready");
    await_handshake(play);
    SSL_shutdown(play->tls.ssl);
    peer_flush(play);
    expect(play, " connected ready fin");
    assert_int_equal(SSL_get_shutdown(play->tls.ssl), SSL_SENT_SHUTDOWN);
    link_answer(&play->links, 0);
    time_t end_s = time(NULL) + PATIENCE_S;
    while (!(SSL_get_shutdown(play->tls.ssl) & SSL_RECEIVED_SHUTDOWN) && time(NULL) < end_s)
        step(play);
    assert_int_equal(SSL_get_shutdown(play->tls.ssl), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    assert_int_equal(play->links.bytes_sent, play->received);
    shutdown(play->peer, SHUT_WR);
    expect(play, " connected ready fin fin");
}

/* A curt link says nothing at its end, others do. */
static void play_ends(struct play *play)
{
    for (int is_curt = 0; is_curt < 2; is_curt++) {
        char end;
        expect(play, " connected ready");
        await_handshake(play);
        play->links.is_curt = is_curt;
        play->is_peer_reading = false;
        link_close(&play->links, 0);
        expect(play, " connected ready closed");
        bool is_silent = recv(play->peer, &end, 1, MSG_PEEK) == 0;
        assert_int_equal(is_silent, is_curt);
        close(play->peer);
        play->peer = -1;
        play->is_peer_reading = true;
        play->events[0] = '\0';
        tls_server_deinit(&play->tls);
        play_open(play);
    }
    expect(play, " connected ready");
}

/* A long send is told of; and a silent one that is asked about, where it is not through. */
static void play_sends(struct play *play)
{
    expect(play, " connected");
    play->is_peer_reading = false;
    assert_false(link_is_sending(&play->links, 0));
    assert_false(link_send(&play->links, 0, (struct span){bytes, LONG_BYTES}, (struct span){0}));
    step(play);
    assert_true(link_is_sending(&play->links, 0));
    play->is_peer_reading = true;
    expect(play, " connected sent");
    assert_false(link_is_sending(&play->links, 0));

    uint64_t sent = LONG_BYTES;
    play->is_peer_reading = false;
    for (; !link_is_sending(&play->links, 0); sent += SHORT_BYTES) {
        assert_true(
            link_send(&play->links, 0, (struct span){bytes, SHORT_BYTES}, (struct span){0}));
    }
    assert_string_equal(play->events, " connected sent");
    play->is_peer_reading = true;
    expect(play, " connected sent sent");
    assert_false(link_is_sending(&play->links, 0));
    time_t end_s = time(NULL) + PATIENCE_S;
    while (play->received < sent && time(NULL) < end_s)
        step(play);
    assert_int_equal(play->received, sent);
    assert_int_equal(play->links.bytes_sent, sent);
}

static const struct {
    const char *name;
    bool is_tls;
    void (*play)(struct play *play);
} rows[] = {
    {"a resumed handshake is ended without a request", true, play_resumed},
    {"bytes behind the handshake come after it", true, play_eager},
    {"a close_notify is answered, and the FIN awaited", true, play_answered},
    {"an end has its last word, or none", true, play_ends},
    {"sends are told of", false, play_sends},
};

static void run(loop_opener open_loop, const char *name)
{
    tls_loopback_layer();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct play *play = play_make(open_loop, rows[i].is_tls);
        if (!play) {
            print_message("skipped: no %s here\n", name);
            skip();
        }
        print_message("%s: %s\n", name, rows[i].name);
        rows[i].play(play);
        play_free(play);
    }
}

static void test_epoll(void **state)
{
    (void)state;
    run(loop_epoll_open, "epoll");
}

static void test_uring(void **state)
{
    (void)state;
    run(loop_uring_open, "uring");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epoll),
        cmocka_unit_test(test_uring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
