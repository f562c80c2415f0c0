/* The embedded server, over both loops, plain and over TLS 1.2 and 1.3: what it says to one
 * request, to many at once, to one in crumbs, and to a client that asks without reading. Everything
 * else is tested and measured against it, so that its own faults would be looked for elsewhere.
 *
 * The client's TLS is libssl between two memory BIOs, so that what goes over the wire, and in what
 * pieces, is the test's to say; haul itself is the client of the last rows. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/server/inbound.h"
#include "bench/server/server.h"
#include "engine/haul.h"
#include "tests/lib/patience.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEARD_BYTES_MAX = 8 * 1024 * 1024, MIXED_REPEATS = 100, SMALL_REPEATS = 6000 };
enum { SEGMENTED_BYTES = 20000, UNREAD_REPEATS = 2000 };

#define GET(path) "GET " path " HTTP/1.1\r\n\r\n"

/* What a test is run over. */
struct kind {
    const char *name;
    enum server_loop loop;
    int tls_version; /* the client's only one; 0: no TLS */
};

struct fixture {
    const struct kind *kind;
    struct server *server;
    pthread_t thread;
    int result;
    SSL_CTX *context;   /* the client's; NULL: no TLS */
    bool in_crumbs;     /* what is said goes out a byte at a time */
    int segment;        /* of TCP, at most; 0: as large as may be */
    int receive_buffer; /* 0: as it is */
    char *heard;
};

static void *serve(void *argument)
{
    struct fixture *fixture = argument;

    fixture->result = server_run(fixture->server);
    return NULL;
}

static int serve_with(struct fixture *fixture, const struct server_options *options)
{
    int error = server_open(&fixture->server, options);

    if (!error)
        assert_int_equal(pthread_create(&fixture->thread, NULL, serve, fixture), 0);
    return error;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    fixture->kind = *state;
    *state = fixture;
    fixture->heard = malloc(HEARD_BYTES_MAX);
    assert_non_null(fixture->heard);
    if (fixture->kind->tls_version) {
        fixture->context = SSL_CTX_new(TLS_client_method());
        assert_non_null(fixture->context);
        SSL_CTX_set_min_proto_version(fixture->context, fixture->kind->tls_version);
        SSL_CTX_set_max_proto_version(fixture->context, fixture->kind->tls_version);
    }
    /* A kernel that has no such loop: dial() skips the test. */
    serve_with(fixture, &(struct server_options){
                            .loop = fixture->kind->loop,
                            .connections = 64,
                            .tls = fixture->kind->tls_version != 0,
                        });
    return 0;
}

static void server_end(struct fixture *fixture)
{
    if (!fixture->server)
        return;
    server_stop(fixture->server);
    pthread_join(fixture->thread, NULL);
    server_close(fixture->server);
    fixture->server = NULL;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    server_end(fixture);
    int result = fixture->result;
    SSL_CTX_free(fixture->context);
    free(fixture->heard);
    free(fixture);
    return result;
}

/* --- the client ------------------------------------------------------------------------------- */

struct peer {
    int fd;
    SSL *ssl; /* NULL: no TLS */
    BIO *in;  /* what was received */
    BIO *out; /* what is to be sent */
    bool is_notified;
    bool in_crumbs;
};

static void send_raw(const struct peer *peer, const char *bytes, size_t length)
{
    size_t step = peer->in_crumbs ? 1 : length;

    for (size_t i = 0; i < length; i += step)
        assert_int_equal(send(peer->fd, bytes + i, step, MSG_NOSIGNAL), (ssize_t)step);
}

/* A ring that is being taken down, of a test before, interrupts what this thread waits for. */
static ssize_t receive_raw(const struct peer *peer, char *bytes, size_t length)
{
    ssize_t got;
    do {
        got = recv(peer->fd, bytes, length, 0);
    } while (got < 0 && errno == EINTR);
    return got;
}

static ssize_t take_in(const struct peer *peer)
{
    static char bytes[65536];
    ssize_t got = receive_raw(peer, bytes, sizeof bytes);

    if (got > 0)
        assert_int_equal(BIO_write(peer->in, bytes, (int)got), got);
    else
        BIO_set_mem_eof_return(peer->in, 0);
    return got;
}

static void pass_on(const struct peer *peer)
{
    char *bytes;
    long length = BIO_get_mem_data(peer->out, &bytes);

    send_raw(peer, bytes, (size_t)length);
    BIO_reset(peer->out);
}

/* Sends what libssl has to say, receives what it waits for: true, and it may be asked again. */
static bool go_on(const struct peer *peer, int result)
{
    pass_on(peer);
    return SSL_get_error(peer->ssl, result) == SSL_ERROR_WANT_READ && take_in(peer) >= 0;
}

static void shake_hands(struct peer *peer, SSL_CTX *context, SSL_SESSION *session)
{
    int result;

    peer->ssl = SSL_new(context);
    peer->in = BIO_new(BIO_s_mem());
    peer->out = BIO_new(BIO_s_mem());
    assert_true(peer->ssl && peer->in && peer->out);
    SSL_set_bio(peer->ssl, peer->in, peer->out);
    SSL_set_connect_state(peer->ssl);
    if (session)
        assert_int_equal(SSL_set_session(peer->ssl, session), 1);
    do {
        result = SSL_do_handshake(peer->ssl);
    } while (result != 1 && go_on(peer, result));
    assert_int_equal(result, 1);
    pass_on(peer);
}

static struct peer dial_raw(struct fixture *fixture)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = TEST_PATIENCE_S};
    struct peer peer = {.in_crumbs = fixture->in_crumbs};

    if (!fixture->server)
        skip();
    peer.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_port = htons(server_port(fixture->server));
    setsockopt(peer.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fixture->segment)
        assert_int_equal(setsockopt(peer.fd, IPPROTO_TCP, TCP_MAXSEG, &fixture->segment,
                                    sizeof fixture->segment),
                         0);
    if (fixture->receive_buffer)
        assert_int_equal(setsockopt(peer.fd, SOL_SOCKET, SO_RCVBUF, &fixture->receive_buffer,
                                    sizeof fixture->receive_buffer),
                         0);
    assert_int_equal(connect(peer.fd, (const struct sockaddr *)&address, sizeof address), 0);
    return peer;
}

static struct peer dial_again(struct fixture *fixture, SSL_SESSION *session)
{
    struct peer peer = dial_raw(fixture);

    if (fixture->context)
        shake_hands(&peer, fixture->context, session);
    return peer;
}

static struct peer dial(struct fixture *fixture)
{
    return dial_again(fixture, NULL);
}

/* Without a word; libssl is told otherwise, or it would forget the session. */
static void hang_up(struct peer *peer)
{
    close(peer->fd);
    if (peer->ssl)
        SSL_set_shutdown(peer->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(peer->ssl);
    ERR_clear_error();
}

/* The bytes that say these on the wire, to be freed. */
static char *seal(const struct peer *peer, const char *bytes, size_t *length)
{
    char *sealed;

    if (peer->ssl) {
        assert_int_equal(SSL_write(peer->ssl, bytes, (int)*length), *length);
        *length = (size_t)BIO_get_mem_data(peer->out, &sealed);
        bytes = sealed;
    }
    sealed = malloc(*length);
    assert_non_null(sealed);
    memcpy(sealed, bytes, *length);
    if (peer->ssl)
        BIO_reset(peer->out);
    return sealed;
}

static void say(const struct peer *peer, const char *bytes, size_t length)
{
    char *sealed = seal(peer, bytes, &length);

    send_raw(peer, sealed, length);
    free(sealed);
}

/* 0: the server's close_notify or alert, or its FIN; -1: errno says. */
static ssize_t hear(struct peer *peer, char *bytes, size_t length)
{
    int got;

    if (!peer->ssl)
        return receive_raw(peer, bytes, length);
    do {
        ERR_clear_error();
        got = SSL_read(peer->ssl, bytes, (int)length);
    } while (got <= 0 && go_on(peer, got));
    if (got > 0)
        return got;
    peer->is_notified = SSL_get_error(peer->ssl, got) == SSL_ERROR_ZERO_RETURN;
    return SSL_get_error(peer->ssl, got) == SSL_ERROR_WANT_READ ? -1 : 0;
}

/* Everything up to the server's FIN, zero-terminated. */
static size_t hear_all(struct fixture *fixture, struct peer *peer)
{
    size_t length = 0;
    ssize_t got;

    while ((got = hear(peer, fixture->heard + length, HEARD_BYTES_MAX - 1 - length)) > 0)
        length += (size_t)got;
    assert_int_equal(got, 0);
    assert_int_equal(receive_raw(peer, (char[1]){0}, 1), 0);
    fixture->heard[length] = '\0';
    return length;
}

/* --- replies ---------------------------------------------------------------------------------- */

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
    {"GET /bytes/3974" CLOSE, "HTTP/1.1 200 OK\r\n", 3974}, /* just short, and long when notified */
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
        struct peer peer = dial(fixture);

        say(&peer, replies[i].request, strlen(replies[i].request));
        size_t length = hear_all(fixture, &peer);
        bool is_cut = strstr(replies[i].request, "/truncate") != NULL;
        assert_int_equal(peer.is_notified, peer.ssl && !is_cut);
        hang_up(&peer);
        const char *body = strstr(fixture->heard, "\r\n\r\n");
        assert_non_null(body);
        body += 4;
        if (strncmp(fixture->heard, replies[i].reply_begins, strlen(replies[i].reply_begins)) != 0)
            fail_msg("%s: %.200s", replies[i].request, fixture->heard);
        if (replies[i].body_bytes > 0)
            assert_int_equal(length - (size_t)(body - fixture->heard), replies[i].body_bytes);
        if (strstr(replies[i].request, "/bytes/1")) /* the text repeats itself */
            assert_memory_equal(body, body + 64, replies[i].body_bytes - 64);
    }
}

static void test_echo(void **state)
{
    static const char request[] = "POST /echo HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody";
    struct fixture *fixture = *state;

    fixture->in_crumbs = true;
    struct peer peer = dial(fixture);
    for (size_t i = 0; i < sizeof request - 1; i++)
        say(&peer, request + i, 1);
    hear_all(fixture, &peer);
    hang_up(&peer);
    assert_string_equal(strstr(fixture->heard, "\r\n\r\n") + 4, request);
}

/* What was answered before comes before it. */
static void test_reset(void **state)
{
    static const char requests[] = "GET /s HTTP/1.1\r\n\r\nGET /reset HTTP/1.1\r\n\r\n";
    struct fixture *fixture = *state;
    struct peer peer = dial(fixture);

    say(&peer, requests, strlen(requests));
    assert_true(hear(&peer, fixture->heard, HEARD_BYTES_MAX) > 128);
    assert_int_equal(hear(&peer, fixture->heard, HEARD_BYTES_MAX), -1);
    assert_int_equal(errno, ECONNRESET);
    hang_up(&peer);
}

struct talk {
    struct peer peer;
    char *wire;
    size_t length;
};

static struct talk talk_open(struct fixture *fixture, const char *requests, size_t repeats)
{
    struct talk talk = {.peer = dial(fixture), .length = repeats * strlen(requests)};
    char *all = malloc(talk.length);

    assert_non_null(all);
    for (size_t i = 0; i < repeats; i++)
        memcpy(all + i * strlen(requests), requests, strlen(requests));
    talk.wire = seal(&talk.peer, all, &talk.length);
    free(all);
    return talk;
}

static void *talk_say(void *argument)
{
    struct talk *talk = argument;

    send_raw(&talk->peer, talk->wire, talk->length);
    shutdown(talk->peer.fd, SHUT_WR);
    return NULL;
}

static void talk_close(struct talk *talk)
{
    assert_int_equal(talk->peer.is_notified, talk->peer.ssl != NULL);
    hang_up(&talk->peer);
    free(talk->wire);
}

/* All asked for at once, again and again: each must come whole and in turn, as it does once. */
static void take_turns(struct fixture *fixture, const char *requests, size_t repeats)
{
    struct talk all = talk_open(fixture, requests, repeats);
    struct talk one = talk_open(fixture, requests, 1);
    pthread_t thread;
    size_t turn;

    talk_say(&one);
    turn = hear_all(fixture, &one.peer);
    char *expected = malloc(turn);
    assert_non_null(expected);
    memcpy(expected, fixture->heard, turn);

    assert_int_equal(pthread_create(&thread, NULL, talk_say, &all), 0);
    size_t length = hear_all(fixture, &all.peer);
    pthread_join(thread, NULL);
    assert_int_equal(length, repeats * turn);
    for (size_t i = 0; i < repeats; i++)
        assert_memory_equal(fixture->heard + i * turn, expected, turn);
    talk_close(&one);
    talk_close(&all);
    free(expected);
}

/* Static, shared-memory and long replies. The requests fill the socket before the first reply is
 * read. */
static void test_pipelining(void **state)
{
    take_turns(*state,
               GET("/s") GET("/users/7") GET("/bytes/40000") GET("/status/204") GET("/users/8"),
               MIXED_REPEATS);
}

/* With small segments, and a client that takes little at a time, a socket's buffer is full where a
 * short reply is half in it. */
static void test_small_segments(void **state)
{
    static const char *const requests[] = {
        GET("/p/2"),
        GET("/bytes/3000") GET("/bytes/1"),
        GET("/s") GET("/users/7") GET("/chunked/2500") GET("/delay/0") GET("/4k") GET("/drip/2/0")
            GET("/headers/20") GET("/status/204"),
    };
    static const int segments[] = {536, 1000, 1460, 9000};
    struct fixture *fixture = *state;

    fixture->receive_buffer = 4096;
    for (size_t i = 0; i < sizeof segments / sizeof *segments; i++)
        for (size_t j = 0; j < sizeof requests / sizeof *requests; j++) {
            fixture->segment = segments[i];
            take_turns(fixture, requests[j], SEGMENTED_BYTES / strlen(requests[j]));
        }
}

/* Whoever asks and never reads holds up nobody else, nor the server's end. */
static void test_nobody_reads(void **state)
{
    struct fixture *fixture = *state;
    struct peer deaf[8];

    fixture->segment = 536;
    fixture->receive_buffer = 4096;
    for (size_t i = 0; i < sizeof deaf / sizeof *deaf; i++) {
        struct talk talk = talk_open(fixture, GET("/bytes/3000"), UNREAD_REPEATS);

        deaf[i] = talk.peer;
        send_raw(&talk.peer, talk.wire, talk.length);
        free(talk.wire);
        take_turns(fixture, GET("/s"), 10);
    }
    for (size_t i = 0; i < sizeof deaf / sizeof *deaf; i++) {
        if (i % 2)
            hang_up(&deaf[i]);
    }
    take_turns(fixture, GET("/s"), 10);
    for (size_t i = 0; i < sizeof deaf / sizeof *deaf; i++) {
        if (i % 2 == 0)
            hang_up(&deaf[i]);
    }
}

static void test_many_small_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct talk all = talk_open(fixture, "GET /s HTTP/1.1\r\n\r\n", SMALL_REPEATS);

    talk_say(&all);
    size_t length = hear_all(fixture, &all.peer);
    size_t turn = length / SMALL_REPEATS;
    assert_int_equal(length, SMALL_REPEATS * turn);
    for (size_t i = 1; i < SMALL_REPEATS; i++)
        assert_memory_equal(fixture->heard + i * turn, fixture->heard, turn);
    talk_close(&all);
}

/* --- heads ------------------------------------------------------------------------------------ */

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

/* --- TLS alone -------------------------------------------------------------------------------- */

#define ASK "GET /s" CLOSE
#define LONG "GET /bytes/8000000 HTTP/1.1\r\n\r\n"

static void ask(struct fixture *fixture, struct peer *peer)
{
    say(peer, ASK, strlen(ASK));
    hear_all(fixture, peer);
    assert_memory_equal(fixture->heard, "HTTP/1.1 200 OK\r\n", 17);
    assert_true(peer->is_notified);
}

/* Of TLS 1.2 both ways, of 1.3 tickets. The session outlives a connection that ends in a reset: by
 * a client who has not read everything. */
static void test_resumption(void **state)
{
    static const uint64_t ways[] = {0, SSL_OP_NO_TICKET};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        SSL_CTX_clear_options(fixture->context, SSL_OP_NO_TICKET);
        SSL_CTX_set_options(fixture->context, ways[i]);
        struct peer first = dial(fixture);
        say(&first, LONG, strlen(LONG));
        assert_true(hear(&first, fixture->heard, HEARD_BYTES_MAX) > 0);
        assert_false(SSL_session_reused(first.ssl));
        SSL_SESSION *session = SSL_get1_session(first.ssl);
        hang_up(&first);

        struct peer again = dial_again(fixture, session);
        assert_true(SSL_session_reused(again.ssl));
        ask(fixture, &again);
        hang_up(&again);
        SSL_SESSION_free(session);
    }
}

static void test_identity(void **state)
{
    struct fixture *fixture = *state;
    struct peer peer = dial(fixture);
    X509 *certificate = SSL_get1_peer_certificate(peer.ssl);
    unsigned char *key = NULL;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &key);
    unsigned char digest[32], base64[45];

    assert_int_equal(X509_check_host(certificate, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(certificate, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(certificate, "127.0.0.2", 0), 0);

    assert_int_equal(EVP_Digest(key, (size_t)length, digest, NULL, EVP_sha256(), NULL), 1);
    EVP_EncodeBlock(base64, digest, sizeof digest);
    assert_memory_equal(server_pin(fixture->server), "sha256//", 8);
    assert_string_equal(server_pin(fixture->server) + 8, base64);
    hang_up(&peer);

    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(fixture->context), certificate), 1);
    SSL_CTX_set_verify(fixture->context, SSL_VERIFY_PEER, NULL);
    peer = dial(fixture);
    assert_int_equal(SSL_get_verify_result(peer.ssl), X509_V_OK);
    hang_up(&peer);
    X509_free(certificate);
    OPENSSL_free(key);
}

/* To the connection's end, whatever it says. */
static void hear_out(struct fixture *fixture, const struct peer *peer)
{
    ssize_t got;

    do {
        got = receive_raw(peer, fixture->heard, HEARD_BYTES_MAX);
    } while (got > 0);
    assert_true(got == 0 || errno == ECONNRESET);
}

/* Before the handshake, after it, and inside a long reply. What else is served goes on. */
static void test_what_is_no_tls(void **state)
{
    static const char *const requests[] = {"", "GET /s HTTP/1.1\r\n\r\n", LONG,
                                           "GET /drip/1000/1000 HTTP/1.1\r\n\r\n"};
    struct fixture *fixture = *state;

    struct peer peer = dial_raw(fixture);
    send_raw(&peer, ASK, strlen(ASK));
    hear_out(fixture, &peer);
    hang_up(&peer);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        peer = dial(fixture);
        if (requests[i][0])
            say(&peer, requests[i], strlen(requests[i]));
        send_raw(&peer, ASK, strlen(ASK));
        while (hear(&peer, fixture->heard, HEARD_BYTES_MAX) > 0)
            ;
        assert_false(peer.is_notified);
        hear_out(fixture, &peer);
        hang_up(&peer);
    }
    peer = dial(fixture);
    ask(fixture, &peer);
    hang_up(&peer);
}

/* TLS 1.3: the client's keys change, and it asks the server for new ones. */
static void keys_change(struct fixture *fixture, struct peer *peer)
{
    static const char request[] = "GET /64k HTTP/1.1\r\n\r\n";

    for (int i = 0; i < 3; i++) {
        assert_int_equal(SSL_key_update(peer->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        say(peer, request, strlen(request));
    }
    say(peer, ASK, strlen(ASK));
    assert_true(hear_all(fixture, peer) > 3 * 65536);
    assert_true(peer->is_notified);
}

/* TLS 1.2: the client would shake hands once more, which libssl takes ill to be refused. */
static void hands_stay(struct fixture *fixture, struct peer *peer)
{
    assert_int_equal(SSL_renegotiate(peer->ssl), 1);
    assert_int_equal(SSL_do_handshake(peer->ssl), -1);
    pass_on(peer);
    assert_int_equal(hear(peer, fixture->heard, HEARD_BYTES_MAX), 0);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
}

static void test_changes_of_mind(void **state)
{
    struct fixture *fixture = *state;
    struct peer peer = dial(fixture);

    if (fixture->kind->tls_version == TLS1_3_VERSION)
        keys_change(fixture, &peer);
    else
        hands_stay(fixture, &peer);
    hang_up(&peer);
    peer = dial(fixture);
    ask(fixture, &peer);
    hang_up(&peer);
}

/* --- a certificate from a file ---------------------------------------------------------------- */

enum { COMMENT_BYTES = 9000 };

/* With a comment so long that the handshake is a long send. */
static void certificate_write(FILE *file)
{
    static char comment[COMMENT_BYTES + 1];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();

    memset(comment, '-', COMMENT_BYTES);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_netscape_comment, comment);
    X509_set_version(certificate, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -1000);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 1000);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    X509_EXTENSION_free(extension);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void test_certificate_file(void **state)
{
    struct fixture *fixture = *state;
    char path[] = "/tmp/test_server.XXXXXX";
    struct server_options options = {
        .loop = fixture->kind->loop, .tls = true, .tls_certificate = path};

    if (!fixture->server)
        skip();
    server_end(fixture);
    FILE *file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    certificate_write(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(serve_with(fixture, &options), 0);
    struct peer peer = dial(fixture);
    ask(fixture, &peer);
    hang_up(&peer);
    unlink(path);

    struct server *server;
    assert_int_equal(server_open(&server, &options), -EKEYREJECTED);
}

/* --- haul as the client ----------------------------------------------------------------------- */

static const struct {
    const char *path;
    enum haul_error error;
    int status;
    uint64_t body_bytes;
    bool is_resumed;
} gathered[] = {
    {"/close/1", HAUL_OK, 200, 612, false},
    {"/close/2", HAUL_OK, 200, 612, true},
    {"/s", HAUL_OK, 200, 128, true},
    {"/64k", HAUL_OK, 200, 65536, true},
    {"/bytes/5000000", HAUL_OK, 200, 5000000, true},
    {"/chunked/2500", HAUL_OK, 200, 2500, true},
    {"/drip/7/1", HAUL_OK, 200, 7, true},
    {"/status/204", HAUL_OK, 204, 0, true},
    {"/truncate", HAUL_TRUNCATED, 200, 10, true},
    {"/reset", HAUL_RECEIVE, 0, 0, true},
    {"/s", HAUL_OK, 200, 128, true},
};

enum { GATHERED = sizeof gathered / sizeof *gathered };

static const struct haul_result *gather_next(struct haul *haul)
{
    const struct haul_result *result;
    int error;

    do {
        error = haul_next(haul, &result, TEST_PATIENCE_MS);
    } while (error == -EINTR);
    assert_int_equal(error, 0);
    return result;
}

static struct haul *gather(struct fixture *fixture, const struct haul_options *options,
                           const char *path)
{
    struct haul *haul;
    char url[64];

    assert_int_equal(haul_open(&haul, options), 0);
    for (size_t i = 0; i < (path ? 1 : GATHERED); i++) {
        snprintf(url, sizeof url, "https://127.0.0.1:%u%s", server_port(fixture->server),
                 path ? path : gathered[i].path);
        assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url}), 0);
    }
    return haul;
}

static void test_haul(void **state)
{
    struct fixture *fixture = *state;
    struct haul_tls tls = {.insecure = true};
    struct haul_options options = {.concurrency = 1, .tls = &tls};

    if (!fixture->server)
        skip();
    tls.pinned_keys = server_pin(fixture->server);
    struct haul *haul = gather(fixture, &options, NULL);
    for (size_t i = 0; i < GATHERED; i++) {
        const struct haul_result *result = gather_next(haul);

        if (result->error != gathered[i].error)
            fail_msg("%s: %s: %s", result->url, haul_error_name(result->error), result->message);
        assert_int_equal(result->status, gathered[i].status);
        assert_int_equal(result->body_bytes, gathered[i].body_bytes);
        assert_int_equal(result->tls_resumed, gathered[i].is_resumed);
        haul_release(haul, result);
    }
    haul_close(haul);

    options.max_time_ms = 100;
    haul = gather(fixture, &options, "/stall");
    const struct haul_result *late = gather_next(haul);
    assert_int_equal(late->error, HAUL_DEADLINE);
    assert_false(haul_pin_refused(late));
    haul_close(haul);

    options.max_time_ms = 0;
    tls.pinned_keys = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    haul = gather(fixture, &options, "/s");
    const struct haul_result *result = gather_next(haul);
    assert_int_equal(result->error, HAUL_TLS);
    assert_int_equal(result->detail, HAUL_DETAIL_PIN);
    assert_true(haul_pin_refused(result));
    haul_close(haul);
}

/* --- every test over each kind ---------------------------------------------------------------- */

static const struct kind kinds[] = {
    {"uring", SERVER_LOOP_URING, 0},
    {"epoll", SERVER_LOOP_EPOLL, 0},
    {"uring, TLS 1.2", SERVER_LOOP_URING, TLS1_2_VERSION},
    {"epoll, TLS 1.2", SERVER_LOOP_EPOLL, TLS1_2_VERSION},
    {"uring, TLS 1.3", SERVER_LOOP_URING, TLS1_3_VERSION},
    {"epoll, TLS 1.3", SERVER_LOOP_EPOLL, TLS1_3_VERSION},
};

static const struct {
    const char *name;
    CMUnitTestFunction run;
    bool needs_tls;
} over_kinds[] = {
    {"replies", test_replies, false},
    {"echo", test_echo, false},
    {"reset", test_reset, false},
    {"pipelining", test_pipelining, false},
    {"small segments", test_small_segments, false},
    {"nobody reads", test_nobody_reads, false},
    {"many small at once", test_many_small_at_once, false},
    {"resumption", test_resumption, true},
    {"identity", test_identity, true},
    {"what is no TLS", test_what_is_no_tls, true},
    {"changes of mind", test_changes_of_mind, true},
    {"certificate file", test_certificate_file, true},
    {"haul", test_haul, true},
};

enum {
    KINDS = sizeof kinds / sizeof *kinds,
    OVER_KINDS = sizeof over_kinds / sizeof *over_kinds,
    NAME_BYTES = 48,
};

int main(void)
{
    static char names[KINDS * OVER_KINDS][NAME_BYTES];
    struct CMUnitTest tests[KINDS * OVER_KINDS + 2] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_head_limit),
    };
    size_t count = 2;

    for (size_t i = 0; i < KINDS * OVER_KINDS; i++) {
        const struct kind *kind = &kinds[i % KINDS];

        if (over_kinds[i / KINDS].needs_tls && !kind->tls_version)
            continue;
        snprintf(names[i], NAME_BYTES, "%s (%s)", over_kinds[i / KINDS].name, kind->name);
        tests[count++] = (struct CMUnitTest){names[i], over_kinds[i / KINDS].run, setup, teardown,
                                             (void *)(uintptr_t)kind};
    }
    return _cmocka_run_group_tests("server", tests, count, NULL, NULL);
}
