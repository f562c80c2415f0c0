/* The scripted server: owns the listening socket, one thread that accepts and one a connection.
 *
 * The hard idea is that it never waits for luck. Every wait is for a thing that happens (bytes, a
 * continue, the end), and the end of the test loses against bytes that have already arrived: the
 * loopback interface delivers before the client's system call returns, so what a client sent before
 * loopback_close() is always seen. */

#include "tests/lib/loopback.h"
#include "tests/lib/patience.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_BYTES_MAX = 64 * 1024, STACK_BYTES = 512 * 1024, VIOLATION_BYTES = 1024 };
enum { WIRE_BYTES = 32 * 1024, FILL_BYTES = 16 * 1024 };

struct connection {
    struct loopback *loopback;
    const struct loopback_row *rows;
    size_t index;
    pthread_t thread;
    int fd;
    size_t permits; /* PAUSE rows that may pass */
    size_t pauses;  /* PAUSE rows reached */
    void *state;    /* of the layer; NULL: there is none */
    bool is_cut;    /* the layer may send no more */
    size_t head_length;
    char *head; /* the last one received, zero-terminated */
};

struct loopback {
    const struct loopback_layer *layer;
    const struct loopback_script *scripts;
    size_t count;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int listener;
    int ended; /* an eventfd, readable for good once loopback_close() is under way */
    bool ending;
    uint16_t port;
    size_t accepted;
    size_t received;
    size_t sent;
    char violation[VIOLATION_BYTES];
    struct connection connections[LOOPBACK_CONNECTIONS_MAX];
};

static const char *const action_names[] = {
    [END] = "END",
    [EXPECT] = "EXPECT",
    [HAS] = "HAS",
    [LACKS] = "LACKS",
    [SEND] = "SEND",
    [FILL] = "FILL",
    [PAUSE] = "PAUSE",
    [EXPECT_BODY] = "EXPECT_BODY",
    [FIN] = "FIN",
    [RESET] = "RESET",
    [CLOSE] = "CLOSE",
    [EXPECT_END] = "EXPECT_END",
    [HOLD] = "HOLD",
    [SEND_BYTES] = "SEND_BYTES",
    [EXPECT_NOTIFIED_END] = "EXPECT_NOTIFIED_END",
    [EXPECT_UNNOTIFIED_END] = "EXPECT_UNNOTIFIED_END",
    [SEND_PART] = "SEND_PART",
    [SEND_RAW] = "SEND_RAW",
    [NOTIFY] = "NOTIFY",
    [RENEW] = "RENEW",
    [HANDSHAKE_BEFORE] = "HANDSHAKE_BEFORE",
    [HANDSHAKE_INSIDE] = "HANDSHAKE_INSIDE",
    [HANDSHAKE_AFTER] = "HANDSHAKE_AFTER",
};

static const struct loopback_layer *layer_in_use;

void loopback_use(const struct loopback_layer *layer)
{
    layer_in_use = layer;
}

/* --- what went wrong -------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void violate(struct loopback *loopback,
                                                          const char *format, ...)
{
    va_list arguments;

    pthread_mutex_lock(&loopback->mutex);
    if (loopback->violation[0] == '\0') {
        va_start(arguments, format);
        vsnprintf(loopback->violation, sizeof loopback->violation, format, arguments);
        va_end(arguments);
    }
    pthread_mutex_unlock(&loopback->mutex);
}

static bool row_violated(struct connection *connection, const struct loopback_row *row,
                         const char *why)
{
    violate(
        connection->loopback, "connection %zu, row %zu: %s \"%s\": %s; the last head was \"%s\"",
        connection->index, (size_t)(row - connection->rows), action_names[row->action],
        row->text != NULL ? row->text : "", why, connection->head != NULL ? connection->head : "");
    return false;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static const char *const waited_too_long = "nothing came for too long";
static const char *const test_ended = "the test ended before it";
static const char *const client_closed = "the client closed the connection";

/* NULL: fd is ready for events; else why it is not. */
static const char *wait_ready(const struct loopback *loopback, int fd, short events)
{
    struct pollfd polled[] = {{.fd = fd, .events = events},
                              {.fd = loopback->ended, .events = POLLIN}};
    int ready;

    do
        ready = poll(polled, 2, TEST_PATIENCE_MS);
    while (ready < 0 && errno == EINTR);
    if (ready <= 0)
        return waited_too_long;
    return polled[0].revents != 0 ? NULL : test_ended;
}

static void deadline_init(struct timespec *ret_deadline)
{
    clock_gettime(CLOCK_MONOTONIC, ret_deadline);
    ret_deadline->tv_sec += TEST_PATIENCE_S;
}

static bool wait_count(struct loopback *loopback, const size_t *count, size_t wanted)
{
    struct timespec deadline;
    bool reached;

    deadline_init(&deadline);
    pthread_mutex_lock(&loopback->mutex);
    while (*count < wanted)
        if (pthread_cond_timedwait(&loopback->changed, &loopback->mutex, &deadline) == ETIMEDOUT)
            break;
    reached = *count >= wanted;
    pthread_mutex_unlock(&loopback->mutex);
    return reached;
}

static size_t read_count(struct loopback *loopback, const size_t *count)
{
    size_t now;

    pthread_mutex_lock(&loopback->mutex);
    now = *count;
    pthread_mutex_unlock(&loopback->mutex);
    return now;
}

static void raise_count_by(struct loopback *loopback, size_t *count, size_t by)
{
    pthread_mutex_lock(&loopback->mutex);
    *count += by;
    pthread_cond_broadcast(&loopback->changed);
    pthread_mutex_unlock(&loopback->mutex);
}

static void raise_count(struct loopback *loopback, size_t *count)
{
    raise_count_by(loopback, count, 1);
}

/* --- the wire --------------------------------------------------------------------------------- */

static void wire_send(struct connection *connection, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(connection->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
            raise_count_by(connection->loopback, &connection->loopback->sent, (size_t)sent);
        } else if (errno == EAGAIN) {
            if (wait_ready(connection->loopback, connection->fd, POLLOUT) != NULL)
                return;
        } else if (errno != EINTR) {
            return;
        }
    }
}

/* NULL: something was received. */
static const char *wire_receive(struct connection *connection, char *bytes, size_t size,
                                size_t *ret_length)
{
    ssize_t got;

    do {
        const char *why = wait_ready(connection->loopback, connection->fd, POLLIN);

        if (why != NULL)
            return why;
        got = recv(connection->fd, bytes, size, 0);
    } while (got < 0 && errno == EINTR);
    *ret_length = got > 0 ? (size_t)got : 0;
    return got > 0 ? NULL : client_closed;
}

/* --- the layer -------------------------------------------------------------------------------- */

static size_t layer_take(struct connection *connection, char *bytes, size_t size)
{
    return connection->loopback->layer->wire_out(connection->state, bytes, size);
}

static void layer_send(struct connection *connection)
{
    char bytes[WIRE_BYTES];
    size_t length;

    while ((length = layer_take(connection, bytes, sizeof bytes)) > 0)
        if (!connection->is_cut)
            wire_send(connection, bytes, length);
}

/* NULL: the layer has taken what came. What it answers is still to be sent. */
static const char *layer_receive(struct connection *connection)
{
    char bytes[4096];
    size_t length;
    const char *why = wire_receive(connection, bytes, sizeof bytes, &length);

    if (why == NULL)
        connection->loopback->layer->wire_in(connection->state, bytes, length);
    return why;
}

static bool layer_is_notified(const struct connection *connection)
{
    return connection->state != NULL && connection->loopback->layer->is_notified(connection->state);
}

static void layer_notify(struct connection *connection)
{
    if (connection->state == NULL || connection->is_cut)
        return;
    connection->loopback->layer->notify(connection->state);
    layer_send(connection);
}

static void layer_renew(struct connection *connection)
{
    connection->loopback->layer->renew(connection->state);
    layer_send(connection);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* NULL: something was received; or, with a layer, there may be something the next time. */
static const char *receive_some(struct connection *connection, char *bytes, size_t size,
                                size_t *ret_length)
{
    const char *why;

    if (connection->state == NULL)
        return wire_receive(connection, bytes, size, ret_length);
    *ret_length = connection->loopback->layer->plain_out(connection->state, bytes, size);
    if (*ret_length > 0)
        return NULL;
    if (layer_is_notified(connection))
        return client_closed;
    why = layer_receive(connection);
    layer_send(connection);
    return why;
}

/* NULL: exactly length bytes lie at bytes. */
static const char *receive_exactly(struct connection *connection, char *bytes, size_t length)
{
    while (length > 0) {
        size_t got;
        const char *why = receive_some(connection, bytes, length, &got);

        if (why != NULL)
            return why;
        bytes += got;
        length -= got;
    }
    return NULL;
}

/* A byte at a time: what follows the blank line is left for the next row. */
static const char *receive_head(struct connection *connection)
{
    connection->head_length = 0;
    connection->head[0] = '\0';
    while (connection->head_length < HEAD_BYTES_MAX) {
        char *end = connection->head + connection->head_length;
        const char *why = receive_exactly(connection, end, 1);

        if (why != NULL)
            return why;
        end[1] = '\0';
        connection->head_length++;
        if (connection->head_length >= 4 && memcmp(end - 3, "\r\n\r\n", 4) == 0)
            return NULL;
    }
    return "the head is too long";
}

static bool play_expect(struct connection *connection, const struct loopback_row *row)
{
    const char *why = receive_head(connection);

    if (why != NULL)
        return row_violated(connection, row, why);
    raise_count(connection->loopback, &connection->loopback->received);
    if (strncmp(connection->head, row->text, strlen(row->text)) != 0)
        return row_violated(connection, row, "the head begins otherwise");
    return true;
}

static bool play_has(struct connection *connection, const struct loopback_row *row)
{
    bool has = strstr(connection->head, row->text) != NULL;

    if (has != (row->action == HAS))
        return row_violated(connection, row, has ? "it has" : "it has not");
    return true;
}

static size_t row_length(const struct loopback_row *row)
{
    return row->length != 0 ? row->length : strlen(row->text);
}

static bool play_expect_body(struct connection *connection, const struct loopback_row *row)
{
    size_t length = row_length(row);
    char *body = malloc(length + 1);
    const char *why = body == NULL ? "no memory" : receive_exactly(connection, body, length);

    if (why == NULL && memcmp(body, row->text, length) != 0)
        why = "the body is another";
    free(body);
    return why == NULL || row_violated(connection, row, why);
}

static bool play_expect_end(struct connection *connection, const struct loopback_row *row)
{
    char byte;
    const char *why = receive_exactly(connection, &byte, 1);

    if (why == NULL)
        why = "the client sent more";
    else if (why == client_closed && row->action == EXPECT_NOTIFIED_END &&
             !layer_is_notified(connection))
        why = "the client did not say so";
    else if (why == client_closed && row->action == EXPECT_UNNOTIFIED_END &&
             layer_is_notified(connection))
        why = "the client said so";
    return why == client_closed || row_violated(connection, row, why);
}

static void send_all(struct connection *connection, const char *bytes, size_t length)
{
    if (connection->state == NULL) {
        wire_send(connection, bytes, length);
        return;
    }
    connection->loopback->layer->plain_in(connection->state, bytes, length);
    layer_send(connection);
}

static void play_fill(struct connection *connection, size_t length)
{
    char block[FILL_BYTES];

    memset(block, 'x', sizeof block);
    for (; length > sizeof block; length -= sizeof block)
        send_all(connection, block, sizeof block);
    send_all(connection, block, length);
}

/* TCP_NODELAY is set, so each send is a segment. */
static void play_send_bytes(struct connection *connection, const struct loopback_row *row)
{
    char wire[WIRE_BYTES];
    const char *bytes = row->text;
    size_t length = row_length(row);

    if (connection->state != NULL) {
        connection->loopback->layer->plain_in(connection->state, bytes, length);
        length = layer_take(connection, wire, sizeof wire);
        bytes = wire;
    }
    for (size_t i = 0; i < length; i++)
        wire_send(connection, bytes + i, 1);
}

static void play_send_part(struct connection *connection, const struct loopback_row *row)
{
    char wire[WIRE_BYTES];

    connection->loopback->layer->plain_in(connection->state, row->text, row_length(row));
    wire_send(connection, wire, layer_take(connection, wire, sizeof wire) / 2);
    connection->is_cut = true;
}

static size_t handshake_part(enum loopback_action action, size_t offset, size_t length)
{
    if (action == HANDSHAKE_BEFORE)
        return offset;
    return offset + (action == HANDSHAKE_INSIDE ? length / 2 : length);
}

/* What the layer gives at once is what it says in one turn: the message is in it, or all of it
 * comes before. */
static bool play_handshake(struct connection *connection, const struct loopback_row *row)
{
    char wire[WIRE_BYTES];
    const char *why = NULL;

    while (why == NULL) {
        size_t length = layer_take(connection, wire, sizeof wire);
        size_t offset, part;

        connection->is_cut =
            connection->loopback->layer->find(wire, length, row->text, &offset, &part);
        if (connection->is_cut)
            length = handshake_part(row->action, offset, part);
        wire_send(connection, wire, length);
        if (connection->is_cut)
            return true;
        why = layer_receive(connection);
    }
    return row_violated(connection, row, why);
}

static bool play_pause(struct connection *connection, const struct loopback_row *row)
{
    struct loopback *loopback = connection->loopback;
    struct timespec deadline;
    bool passed;
    int error = 0;

    deadline_init(&deadline);
    raise_count(loopback, &connection->pauses);
    pthread_mutex_lock(&loopback->mutex);
    while (connection->permits == 0 && !loopback->ending && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&loopback->changed, &loopback->mutex, &deadline);
    passed = connection->permits > 0;
    connection->permits -= passed;
    pthread_mutex_unlock(&loopback->mutex);
    return passed || row_violated(connection, row, error != 0 ? waited_too_long : test_ended);
}

/* Only the event descriptor is polled: the client may do what it likes meanwhile. */
static void play_hold(const struct connection *connection)
{
    wait_ready(connection->loopback, -1, 0);
}

static void close_reset(struct connection *connection)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(connection->fd);
    connection->fd = -1;
}

/* Bytes that were never read would turn the FIN into an RST. */
static void close_orderly(struct connection *connection)
{
    char discarded[4096];

    if (connection->fd < 0)
        return;
    layer_notify(connection);
    shutdown(connection->fd, SHUT_WR);
    while (recv(connection->fd, discarded, sizeof discarded, MSG_DONTWAIT) > 0)
        ;
    close(connection->fd);
    connection->fd = -1;
}

/* false: a violation, the script ends here. */
static bool play_row(struct connection *connection, const struct loopback_row *row)
{
    switch (row->action) {
    case EXPECT:
        return play_expect(connection, row);
    case HAS:
    case LACKS:
        return play_has(connection, row);
    case EXPECT_BODY:
        return play_expect_body(connection, row);
    case EXPECT_END:
    case EXPECT_NOTIFIED_END:
    case EXPECT_UNNOTIFIED_END:
        return play_expect_end(connection, row);
    case SEND:
        send_all(connection, row->text, row_length(row));
        return true;
    case SEND_BYTES:
        play_send_bytes(connection, row);
        return true;
    case SEND_PART:
        play_send_part(connection, row);
        return true;
    case SEND_RAW:
        wire_send(connection, row->text, row_length(row));
        return true;
    case FILL:
        play_fill(connection, row->length);
        return true;
    case HANDSHAKE_BEFORE:
    case HANDSHAKE_INSIDE:
    case HANDSHAKE_AFTER:
        return play_handshake(connection, row);
    case NOTIFY:
        layer_notify(connection);
        return true;
    case RENEW:
        layer_renew(connection);
        return true;
    case PAUSE:
        return play_pause(connection, row);
    case FIN:
        shutdown(connection->fd, SHUT_WR);
        return true;
    case RESET:
        close_reset(connection);
        return true;
    case END:
    case CLOSE:
        close_orderly(connection);
        return true;
    case HOLD:
        play_hold(connection);
        return true;
    }
    return false;
}

static void *connection_main(void *argument)
{
    struct connection *connection = argument;
    const struct loopback_row *row = connection->rows;

    while (play_row(connection, row) && row->action != END)
        row++;
    close_orderly(connection);
    return NULL;
}

/* --- accepting -------------------------------------------------------------------------------- */

static const struct loopback_script *script_for(const struct loopback *loopback, size_t index)
{
    if (index < loopback->count)
        return &loopback->scripts[index];
    if (loopback->count > 0 && loopback->scripts[loopback->count - 1].repeat)
        return &loopback->scripts[loopback->count - 1];
    return NULL;
}

static int thread_start(pthread_t *ret_thread, void *(*run)(void *), void *argument)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);

    if (error != 0)
        return error;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    error = pthread_create(ret_thread, &attributes, run, argument);
    pthread_attr_destroy(&attributes);
    return error;
}

static void connection_free(struct connection *connection)
{
    free(connection->head);
    if (connection->state != NULL)
        connection->loopback->layer->close(connection->state);
    connection->head = NULL;
    connection->state = NULL;
}

/* false: no thread was started, fd is the caller's. */
static bool connection_start(struct loopback *loopback, size_t index, int fd)
{
    const struct loopback_script *script = script_for(loopback, index);
    struct connection *connection;

    if (script == NULL || index >= LOOPBACK_CONNECTIONS_MAX) {
        violate(loopback, "connection %zu came, and no script is left for it", index);
        return false;
    }
    connection = &loopback->connections[index];
    connection->loopback = loopback;
    connection->rows = script->rows;
    connection->index = index;
    connection->fd = fd;
    connection->head = calloc(1, HEAD_BYTES_MAX + 1);
    connection->state = loopback->layer != NULL ? loopback->layer->open() : NULL;
    bool is_ready = connection->head != NULL && (connection->state != NULL || !loopback->layer);
    raise_count(loopback, &loopback->accepted); /* before the thread, which may answer at once */
    if (is_ready && thread_start(&connection->thread, connection_main, connection) == 0)
        return true;
    pthread_mutex_lock(&loopback->mutex);
    loopback->accepted--;
    pthread_mutex_unlock(&loopback->mutex);
    connection_free(connection);
    violate(loopback, "connection %zu: no thread or memory for it", index);
    return false;
}

static void *accept_main(void *argument)
{
    struct loopback *loopback = argument;
    const int on = 1;

    for (;;) {
        const char *why = wait_ready(loopback, loopback->listener, POLLIN);
        int fd;

        if (why == test_ended)
            return NULL;
        if (why != NULL)
            continue;
        fd = accept4(loopback->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (!connection_start(loopback, loopback->accepted, fd))
            close(fd);
    }
}

/* --- the test's side -------------------------------------------------------------------------- */

static int listen_on(struct loopback *loopback, int family)
{
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
    } address = {.any.sa_family = (sa_family_t)family};
    socklen_t length = family == AF_INET6 ? sizeof address.ipv6 : sizeof address.ipv4;

    if (family == AF_INET6)
        address.ipv6.sin6_addr = in6addr_loopback;
    else
        address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    loopback->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (loopback->listener < 0 || bind(loopback->listener, &address.any, length) < 0 ||
        listen(loopback->listener, LOOPBACK_CONNECTIONS_MAX) < 0 ||
        getsockname(loopback->listener, &address.any, &length) < 0)
        return -errno;
    loopback->port = ntohs(family == AF_INET6 ? address.ipv6.sin6_port : address.ipv4.sin_port);
    return 0;
}

static void loopback_free(struct loopback *loopback)
{
    if (loopback->listener >= 0)
        close(loopback->listener);
    if (loopback->ended >= 0)
        close(loopback->ended);
    pthread_cond_destroy(&loopback->changed);
    pthread_mutex_destroy(&loopback->mutex);
    free(loopback);
}

static struct loopback *open_family(int family, const struct loopback_script *scripts, size_t count)
{
    struct loopback *loopback = calloc(1, sizeof *loopback);
    pthread_condattr_t attributes;

    if (loopback == NULL)
        return NULL;
    loopback->layer = layer_in_use;
    loopback->scripts = scripts;
    loopback->count = count;
    loopback->listener = -1;
    pthread_mutex_init(&loopback->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&loopback->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    loopback->ended = eventfd(0, EFD_CLOEXEC);
    if (loopback->ended >= 0 && listen_on(loopback, family) == 0 &&
        thread_start(&loopback->thread, accept_main, loopback) == 0)
        return loopback;
    loopback_free(loopback);
    return NULL;
}

struct loopback *loopback_open(const struct loopback_script *scripts, size_t count)
{
    return open_family(AF_INET, scripts, count);
}

struct loopback *loopback_open_ipv6(const struct loopback_script *scripts, size_t count)
{
    return open_family(AF_INET6, scripts, count);
}

uint16_t loopback_port(const struct loopback *loopback)
{
    return loopback->port;
}

void loopback_continue(struct loopback *loopback, size_t connection)
{
    raise_count(loopback, &loopback->connections[connection].permits);
}

size_t loopback_accepted(struct loopback *loopback)
{
    return read_count(loopback, &loopback->accepted);
}

size_t loopback_received(struct loopback *loopback)
{
    return read_count(loopback, &loopback->received);
}

size_t loopback_sent(struct loopback *loopback)
{
    return read_count(loopback, &loopback->sent);
}

size_t loopback_paused(struct loopback *loopback, size_t connection)
{
    return read_count(loopback, &loopback->connections[connection].pauses);
}

bool loopback_wait_received(struct loopback *loopback, size_t count)
{
    return wait_count(loopback, &loopback->received, count);
}

bool loopback_wait_accepted(struct loopback *loopback, size_t count)
{
    return wait_count(loopback, &loopback->accepted, count);
}

bool loopback_wait_paused(struct loopback *loopback, size_t connection, size_t nth)
{
    return wait_count(loopback, &loopback->connections[connection].pauses, nth);
}

static void end_threads(struct loopback *loopback)
{
    const uint64_t one = 1;

    pthread_mutex_lock(&loopback->mutex);
    loopback->ending = true;
    pthread_cond_broadcast(&loopback->changed);
    pthread_mutex_unlock(&loopback->mutex);
    if (write(loopback->ended, &one, sizeof one) != sizeof one)
        abort();
    pthread_join(loopback->thread, NULL);
    for (size_t i = 0; i < loopback->accepted; i++) {
        pthread_join(loopback->connections[i].thread, NULL);
        connection_free(&loopback->connections[i]);
    }
}

const char *loopback_close(struct loopback *loopback)
{
    static char violation[VIOLATION_BYTES];
    size_t wanted;

    end_threads(loopback);
    wanted = loopback->count;
    if (wanted > 0 && loopback->scripts[wanted - 1].repeat)
        wanted--;
    if (loopback->accepted < wanted)
        violate(loopback, "%zu connections were to come, and %zu came", wanted, loopback->accepted);
    memcpy(violation, loopback->violation, sizeof violation);
    loopback_free(loopback);
    return violation[0] != '\0' ? violation : NULL;
}
