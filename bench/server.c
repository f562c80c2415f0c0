/* The server's connections: one handler for each completion, the reply's pieces one after another.
 *
 * The hard idea is that short sends complete in silence. Their bytes are with the kernel, at the
 * latest, when the next loop_wait() has returned, provided that the socket has room. So a
 * connection asks the kernel for room now and then (a client may send requests without reading
 * replies), and what may only happen when a reply is out (its scratch memory is written anew, the
 * connection ends) happens behind the next wait: the connection settles.
 *
 * Over TLS a channel stands between the bytes of requests and replies and those of the wire. */

#include "bench/server.h"

#include "bench/reply.h"
#include "bench/server_tls.h"
#include "engine/loop.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_DEFAULT = 1024,
    ACCEPT_TAG = 0,
    UNREAD_CHECK_BYTES = 64 * 1024, /* sent between two looks at the send queue */
    UNREAD_MAX_BYTES = 256 * 1024,  /* in the send queue, before a short send has to wait */
    CARRY_PAUSE_BYTES = 64 * 1024,  /* of requests that wait, before receiving pauses */
};

#define NS_PER_MS UINT64_C(1000000)
#define LINGER_NS (2000 * NS_PER_MS)
#define ACCEPT_RETRY_NS (10 * NS_PER_MS)

enum state {
    FREE,
    IDLE,      /* waits for the next request */
    WAITING,   /* for its time, to send the next piece */
    SENDING,   /* a long piece */
    SETTLING,  /* for the next loop_wait(), behind a reply */
    LINGERING, /* FIN is sent: for the client's, or its time */
    STALLED,   /* until the client gives up */
    CLOSING,   /* for LOOP_CLOSED */
};

struct connection {
    LIST_ENTRY(connection) link; /* of the waiting, lingering and settling */
    enum state state;
    int fd;
    uint64_t due_ns;
    bool client_done; /* its FIN is here */
    bool is_paused;
    struct channel *channel; /* NULL: not over TLS */
    char *carry;             /* received, not yet served */
    size_t carry_length;
    size_t carry_size;
    size_t unread_bytes; /* sent since the last look at the send queue */
    struct scratch scratch;
    struct reply reply;
    struct span piece; /* of the reply, next to be sent */
};

LIST_HEAD(connection_list, connection);

struct server {
    struct loop *loop;
    struct server_tls *tls; /* NULL: http */
    struct replies replies;
    struct connection *connections;
    uint32_t *free_slots;
    uint32_t free_count;
    uint32_t connection_count;
    struct connection_list timed;
    struct connection_list settling;
    uint64_t accept_due_ns; /* 0: accepting */
    int listener;
    uint16_t port;
    atomic_bool stopping;
};

static uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint32_t slot_of(const struct server *server, const struct connection *connection)
{
    return (uint32_t)(connection - server->connections);
}

/* --- states ----------------------------------------------------------------------------------- */

/* What is received is not looked at. */
static bool is_deaf(enum state state)
{
    return state == LINGERING || state == STALLED || state == CLOSING;
}

static bool is_listed(enum state state)
{
    return state == WAITING || state == SETTLING || state == LINGERING;
}

static void enter(struct connection *connection, enum state state, struct connection_list *list)
{
    if (is_listed(connection->state))
        LIST_REMOVE(connection, link);
    connection->state = state;
    if (list)
        LIST_INSERT_HEAD(list, connection, link);
}

/* Due times are whole milliseconds, so that one tick serves many connections. */
static void enter_timed(struct server *server, struct connection *connection, enum state state,
                        uint64_t delay_ns)
{
    uint64_t due_ns = now_ns() + delay_ns;

    connection->due_ns = (due_ns + NS_PER_MS - 1) / NS_PER_MS * NS_PER_MS;
    enter(connection, state, &server->timed);
    loop_tick(server->loop, connection->due_ns);
}

static void connection_close(struct server *server, struct connection *connection)
{
    if (connection->state == CLOSING)
        return;
    enter(connection, CLOSING, NULL);
    loop_close_slot(server->loop, slot_of(server, connection));
}

static bool has_room(struct connection *connection)
{
    int unread = 0;

    if (connection->unread_bytes < UNREAD_CHECK_BYTES)
        return true;
    if (ioctl(connection->fd, SIOCOUTQ, &unread) == 0 && unread > UNREAD_MAX_BYTES)
        return false;
    connection->unread_bytes = 0;
    return true;
}

/* --- between plain bytes and the wire --------------------------------------------------------- */

/* Takes the piece, or what of it there is room for. false: LOOP_SEND comes before the next. */
static bool connection_put(struct server *server, struct connection *connection, struct span *piece)
{
    size_t length = piece->length;

    if (connection->channel) {
        channel_write(connection->channel, piece);
        return !channel_is_long(connection->channel);
    }
    loop_send(server->loop, slot_of(server, connection), piece->bytes, length);
    connection->unread_bytes += length;
    piece->length = 0;
    return length <= LOOP_SILENT_BYTES;
}

/* Nothing more will be said. Over TLS that is said too, unless the reply is to look cut off; where
 * that has to wait, it comes here again. */
static void connection_finish(struct server *server, struct connection *connection,
                              enum reply_end end)
{
    struct channel *channel = connection->channel;

    connection->reply.end = end;
    if (channel && !has_room(connection)) {
        enter_timed(server, connection, WAITING, NS_PER_MS);
        return;
    }
    if (channel && end == REPLY_CLOSE)
        channel_notify(channel);
    if (channel && channel_is_long(channel))
        enter(connection, SENDING, NULL);
    else
        enter(connection, SETTLING, &server->settling);
}

/* At the end of each event: what its replies and the handshake made goes out in one send. A reply
 * has asked for room before; what else there is waits for some. */
static void connection_flush(struct server *server, struct connection *connection)
{
    struct channel *channel = connection->channel;

    if (!channel || connection->state == CLOSING || connection->state == LINGERING)
        return;
    if (channel_is_long(channel) || has_room(connection)) {
        struct span records = channel_take(channel);

        if (records.length > 0)
            loop_send(server->loop, slot_of(server, connection), records.bytes, records.length);
        connection->unread_bytes += records.length;
    }
    if (channel_has_failed(channel))
        connection_finish(server, connection, REPLY_CUT);
}

static void connection_reset(struct server *server, struct connection *connection)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    connection_flush(server, connection);
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    connection_close(server, connection);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void reply_ended(struct server *server, struct connection *connection, bool used_scratch)
{
    switch (connection->reply.end) {
    case REPLY_KEEP:
        if (used_scratch)
            enter(connection, SETTLING, &server->settling);
        else
            enter(connection, IDLE, NULL);
        return;
    case REPLY_CLOSE:
    case REPLY_CUT:
        connection_finish(server, connection, connection->reply.end);
        return;
    case REPLY_RESET:
        connection_reset(server, connection);
        return;
    case REPLY_STALL:
        enter(connection, STALLED, NULL);
        return;
    }
}

/* Sends pieces until one has to be waited for, or the reply is out. */
static void connection_send(struct server *server, struct connection *connection)
{
    struct reply *reply = &connection->reply;
    struct span *piece = &connection->piece;
    bool used_scratch = false;

    while (piece->length > 0 || reply_next(&server->replies, reply, &connection->scratch, piece)) {
        if (piece->length <= LOOP_SILENT_BYTES && !has_room(connection)) {
            enter_timed(server, connection, WAITING, NS_PER_MS);
            return;
        }
        used_scratch = !connection->channel && piece->bytes == connection->scratch.bytes;
        if (!connection_put(server, connection, piece)) {
            enter(connection, SENDING, NULL);
            return;
        }
        if (reply->rest == REPLY_DRIP && reply->rest_bytes > 0) {
            enter_timed(server, connection, WAITING, reply->interval_ns);
            return;
        }
    }
    reply_ended(server, connection, used_scratch);
}

static void connection_reply(struct server *server, struct connection *connection)
{
    connection->piece.length = 0;
    if (connection->reply.delay_ns > 0)
        enter_timed(server, connection, WAITING, connection->reply.delay_ns);
    else
        connection_send(server, connection);
}

/* --- receiving -------------------------------------------------------------------------------- */

/* Serves whole requests at the front of bytes, as long as replies need no waiting. Returns how many
 * bytes are done with. */
static size_t connection_serve(struct server *server, struct connection *connection,
                               struct span bytes)
{
    size_t served = 0;

    while (connection->state == IDLE && served < bytes.length) {
        struct span rest = {bytes.bytes + served, bytes.length - served};
        struct inbound request;
        int status = inbound_parse(rest, &request);

        if (status == INBOUND_MORE)
            break;
        if (status == 0) {
            rest.length = request.length;
            reply_make(&server->replies, &request, rest, &connection->scratch, &connection->reply);
        } else {
            reply_refuse(status, &connection->scratch, &connection->reply);
        }
        served += rest.length;
        connection_reply(server, connection);
    }
    return served;
}

static bool carry_append(struct connection *connection, struct span bytes)
{
    size_t needed = connection->carry_length + bytes.length;

    if (needed > connection->carry_size) {
        size_t size = needed < 4096 ? 4096 : 2 * needed;
        char *carry = realloc(connection->carry, size);

        if (!carry)
            return false;
        connection->carry = carry;
        connection->carry_size = size;
    }
    if (bytes.length > 0)
        memcpy(connection->carry + connection->carry_length, bytes.bytes, bytes.length);
    connection->carry_length = needed;
    return true;
}

static void carry_serve(struct server *server, struct connection *connection)
{
    struct span carry = {connection->carry, connection->carry_length};
    size_t served = carry.length > 0 ? connection_serve(server, connection, carry) : 0;

    connection->carry_length -= served;
    if (served > 0)
        memmove(connection->carry, connection->carry + served, connection->carry_length);
}

/* Requests that wait for their turn are bounded; one that is being received is by its parser. */
static void connection_throttle(struct server *server, struct connection *connection)
{
    bool pauses = connection->state != IDLE && connection->carry_length > CARRY_PAUSE_BYTES;

    if (pauses == connection->is_paused || connection->state == CLOSING)
        return;
    connection->is_paused = pauses;
    if (pauses)
        loop_pause(server->loop, slot_of(server, connection));
    else
        loop_receive(server->loop, slot_of(server, connection));
}

/* The connection may be idle again: what has been received meanwhile comes next. */
static void connection_resume(struct server *server, struct connection *connection)
{
    carry_serve(server, connection);
    if (connection->state == IDLE && connection->client_done)
        connection_finish(server, connection, REPLY_CLOSE);
    connection_throttle(server, connection);
}

static void on_bytes(struct server *server, struct connection *connection, struct span bytes)
{
    if (is_deaf(connection->state))
        return;
    if (connection->carry_length == 0) {
        size_t served = connection_serve(server, connection, bytes);

        bytes.bytes += served;
        bytes.length -= served;
    }
    if (connection->state == CLOSING || bytes.length == 0)
        return;
    if (!carry_append(connection, bytes)) {
        connection_reset(server, connection);
        return;
    }
    connection_resume(server, connection);
}

static void on_client_done(struct server *server, struct connection *connection)
{
    connection->client_done = true;
    if (connection->state == IDLE)
        connection_finish(server, connection, REPLY_CLOSE);
    else if (connection->state == LINGERING || connection->state == STALLED)
        connection_close(server, connection);
}

static void on_received(struct server *server, struct connection *connection, struct span received)
{
    enum channel_read read = CHANNEL_PLAIN;
    struct span plain;

    if (!connection->channel) {
        on_bytes(server, connection, received);
        return;
    }
    channel_receive(connection->channel, received);
    while (read == CHANNEL_PLAIN && !is_deaf(connection->state)) {
        read = channel_read(connection->channel, &plain);
        if (read == CHANNEL_PLAIN)
            on_bytes(server, connection, plain);
        else if (read == CHANNEL_ENDED)
            on_client_done(server, connection);
    }
}

static void on_receive(struct server *server, const struct completion *completion)
{
    struct connection *connection = &server->connections[completion->slot];

    if (connection->state == CLOSING)
        return;
    if (completion->result > 0)
        on_received(server, connection,
                    (struct span){completion->bytes, (size_t)completion->result});
    else if (completion->result == 0)
        on_client_done(server, connection);
    else
        connection_close(server, connection);
    connection_flush(server, connection);
}

static void on_send(struct server *server, const struct completion *completion)
{
    struct connection *connection = &server->connections[completion->slot];

    if (connection->state == CLOSING)
        return;
    if (completion->result < 0) {
        connection_close(server, connection);
        return;
    }
    if (connection->channel)
        channel_sent(connection->channel);
    assert(connection->channel || connection->state == SENDING);
    if (connection->state == SENDING)
        connection_send(server, connection);
    connection_resume(server, connection);
    connection_flush(server, connection);
}

/* --- behind each wait, and at each tick ------------------------------------------------------- */

static void connection_settled(struct server *server, struct connection *connection)
{
    if (connection->reply.end == REPLY_KEEP) {
        enter(connection, IDLE, NULL);
        connection_resume(server, connection);
        return;
    }
    shutdown(connection->fd, SHUT_WR);
    if (connection->client_done)
        connection_close(server, connection);
    else
        enter_timed(server, connection, LINGERING, LINGER_NS);
}

/* A connection that settles again meanwhile stands before those to come, for the next time. */
static void server_settle(struct server *server)
{
    struct connection *connection = LIST_FIRST(&server->settling);

    if (server->tls)
        server_tls_settle(server->tls);
    while (connection) {
        struct connection *next = LIST_NEXT(connection, link);

        connection_settled(server, connection);
        connection = next;
    }
}

static void connection_due(struct server *server, struct connection *connection)
{
    if (connection->state == LINGERING) {
        connection_close(server, connection);
        return;
    }
    connection_send(server, connection);
    connection_resume(server, connection);
    connection_flush(server, connection);
}

static void server_accept(struct server *server)
{
    server->accept_due_ns = 0;
    loop_accept(server->loop, ACCEPT_TAG, server->listener);
}

static void on_tick(struct server *server)
{
    uint64_t time_ns = now_ns();
    uint64_t next_ns = UINT64_MAX;
    struct connection *connection = LIST_FIRST(&server->timed);

    while (connection) {
        struct connection *next = LIST_NEXT(connection, link);

        if (connection->due_ns <= time_ns)
            connection_due(server, connection);
        else if (connection->due_ns < next_ns)
            next_ns = connection->due_ns;
        connection = next;
    }
    if (server->accept_due_ns != 0 && server->accept_due_ns <= time_ns)
        server_accept(server);
    if (next_ns != UINT64_MAX)
        loop_tick(server->loop, next_ns);
}

/* --- connections come and go ------------------------------------------------------------------ */

static void on_accept(struct server *server, int32_t result)
{
    if (result < 0) {
        server->accept_due_ns = now_ns() + ACCEPT_RETRY_NS;
        loop_tick(server->loop, server->accept_due_ns);
        return;
    }
    struct channel *channel = server->tls ? channel_open(server->tls) : NULL;
    if (server->free_count == 0 || (server->tls && !channel)) {
        channel_close(channel);
        close(result);
        return;
    }
    uint32_t slot = server->free_slots[--server->free_count];
    const int on = 1;
    setsockopt(result, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    server->connections[slot] =
        (struct connection){.state = IDLE, .fd = result, .channel = channel};
    loop_attach(server->loop, slot, result);
    loop_receive(server->loop, slot);
}

static void connection_deinit(struct connection *connection)
{
    channel_close(connection->channel);
    free(connection->carry);
    free(connection->scratch.bytes);
    *connection = (struct connection){.state = FREE};
}

static void on_closed(struct server *server, uint32_t slot)
{
    connection_deinit(&server->connections[slot]);
    server->free_slots[server->free_count++] = slot;
}

static void dispatch(struct server *server, const struct completion *completion)
{
    switch (completion->op) {
    case LOOP_ACCEPT:
        on_accept(server, completion->result);
        return;
    case LOOP_RECEIVE:
        on_receive(server, completion);
        return;
    case LOOP_SEND:
        on_send(server, completion);
        return;
    case LOOP_CLOSED:
        on_closed(server, completion->slot);
        return;
    case LOOP_TICK:
        on_tick(server);
        return;
    case LOOP_CONNECT:
    case LOOP_READY:
    case LOOP_WAKE:
        return;
    }
}

int server_run(struct server *server)
{
    struct completion completion;

    while (!atomic_load(&server->stopping)) {
        int64_t timeout_ns = LIST_EMPTY(&server->settling) ? -1 : 0;
        int error = loop_wait(server->loop, 1, timeout_ns);

        if (error && error != -EINTR)
            return error;
        server_settle(server);
        while (loop_next(server->loop, &completion))
            dispatch(server, &completion);
    }
    return 0;
}

void server_stop(struct server *server)
{
    atomic_store(&server->stopping, true);
    loop_wake(server->loop);
}

/* --- opening and closing ---------------------------------------------------------------------- */

union address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

static int address_parse(const char *host, uint16_t port, union address *ret_address,
                         socklen_t *ret_length)
{
    *ret_address = (union address){.ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
    *ret_length = sizeof ret_address->ipv4;
    if (inet_pton(AF_INET, host, &ret_address->ipv4.sin_addr) == 1)
        return 0;
    *ret_address = (union address){.ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    *ret_length = sizeof ret_address->ipv6;
    return inet_pton(AF_INET6, host, &ret_address->ipv6.sin6_addr) == 1 ? 0 : -EINVAL;
}

static int server_listen(struct server *server, const char *host, uint16_t port)
{
    const int on = 1;
    union address address;
    socklen_t length;
    int error = address_parse(host ? host : "127.0.0.1", port, &address, &length);

    if (error)
        return error;
    server->listener = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->listener < 0)
        return -errno;
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(server->listener, &address.any, length) < 0 ||
        listen(server->listener, SOMAXCONN) < 0 ||
        getsockname(server->listener, &address.any, &length) < 0)
        return -errno;
    bool is_ipv4 = address.any.sa_family == AF_INET;
    server->port = ntohs(is_ipv4 ? address.ipv4.sin_port : address.ipv6.sin6_port);
    return 0;
}

static int server_open_loop(struct server *server, enum server_loop which)
{
    const struct loop_options options = {.slots = server->connection_count, .polls = 1};

    switch (which) {
    case SERVER_LOOP_AUTO:
        return loop_auto_open(&server->loop, &options);
    case SERVER_LOOP_URING:
        return loop_uring_open(&server->loop, &options);
    case SERVER_LOOP_EPOLL:
        return loop_epoll_open(&server->loop, &options);
    }
    return -EINVAL;
}

static int server_init(struct server *server, const struct server_options *options)
{
    uint32_t count = options->connections ? options->connections : CONNECTIONS_DEFAULT;
    int error = server_listen(server, options->host, options->port);

    if (!error && options->tls)
        error = server_tls_open(&server->tls, options->tls_certificate, options->tls_key);
    if (error)
        return error;
    server->connections = calloc(count, sizeof *server->connections);
    server->free_slots = calloc(count, sizeof *server->free_slots);
    if (!server->connections || !server->free_slots)
        return -ENOMEM;
    server->connection_count = count;
    while (count > 0)
        server->free_slots[server->free_count++] = --count;
    error = server_open_loop(server, options->loop);
    if (error)
        return error;
    server_accept(server);
    return 0;
}

int server_open(struct server **ret_server, const struct server_options *options)
{
    struct server *server = calloc(1, sizeof *server);
    int error;

    if (!server)
        return -ENOMEM;
    server->listener = -1;
    if (!replies_init(&server->replies, options->stall_first_ms)) {
        free(server);
        return -ENOMEM;
    }
    error = server_init(server, options);
    if (error) {
        server_close(server);
        return error;
    }
    *ret_server = server;
    return 0;
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}

const char *server_loop_name(const struct server *server)
{
    return server->loop->interface->name;
}

const char *server_pin(const struct server *server)
{
    return server->tls ? server_tls_pin(server->tls) : NULL;
}

/* The loop first: until it is closed, the kernel may read what the connections own. */
void server_close(struct server *server)
{
    if (!server)
        return;
    if (server->loop)
        loop_close(server->loop);
    for (uint32_t i = 0; i < server->connection_count; i++)
        connection_deinit(&server->connections[i]);
    if (server->listener >= 0)
        close(server->listener);
    free(server->connections);
    free(server->free_slots);
    server_tls_close(server->tls);
    replies_deinit(&server->replies);
    free(server);
}
