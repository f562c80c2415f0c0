/* The server's connections: one handler for each completion, the reply's pieces one after another.
 *
 * The hard idea is that a connection has one send at a time, and that the loop says which are under
 * way. What the replies of one event come to is sent at its end, by one send: a reply that is alone
 * from where it lies, several from memory that they are gathered in. While a send is under way (a
 * client may send requests without reading replies) no further reply is made, nor does the
 * connection end: LOOP_SEND takes it up again. What can wait for it asks behind the next wait, when
 * that costs nothing: memory that was sent from is given back, and a connection ends.
 *
 * Over TLS a channel stands between the bytes of requests and replies and those of the wire.
 *
 * It stands on the loop and not on engine/link: a link is the client's end, and its TLS the very
 * one that is measured here against another's. What the server does with a descriptor (half-closes,
 * resets, memory given back without an event, one send for the replies of a receive) would stand
 * beside a link, and not fall away. */

#include "bench/server/server.h"

#include "bench/base/clock.h"
#include "bench/server/reply.h"
#include "bench/server/server_tls.h"
#include "engine/loop/loop.h"
#include "engine/memory/list.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    CONNECTIONS_DEFAULT = 1024,
    ACCEPT_TAG = 0,
    GATHERED_BYTES = 64 * 1024,    /* of the replies of one event */
    CARRY_PAUSE_BYTES = 64 * 1024, /* of requests that wait, before receiving pauses */
};

#define NS_PER_MS UINT64_C(1000000)
#define LINGER_NS (2000 * NS_PER_MS)
#define ACCEPT_RETRY_NS (10 * NS_PER_MS)

enum connection_state {
    FREE,
    IDLE,      /* waits for the next request */
    WAITING,   /* for its time, to send the next piece */
    SENDING,   /* waits for LOOP_SEND, to go on */
    SETTLING,  /* for the next loop_wait(), behind the last reply */
    LINGERING, /* FIN is sent: for the client's, or its time */
    STALLED,   /* until the client gives up */
    CLOSING,   /* for LOOP_CLOSED */
};

/* They belong to all connections together, as a channel's records do. */
struct gathered {
    struct gathered *next; /* free, too */
    char bytes[GATHERED_BYTES];
};

struct connection {
    struct list_node link;        /* of the waiting, lingering and settling */
    struct list_node flying_link; /* memory was sent from that is to be given back */
    enum connection_state state;
    int fd;
    uint64_t due_ns;
    bool client_done; /* its FIN is here */
    bool is_paused;
    struct channel *channel; /* NULL: not over TLS */
    char *carry;             /* received, not yet served */
    size_t carry_length;
    size_t carry_size;
    struct scratch scratch;
    struct reply reply;
    struct span piece;         /* of the reply, next to be sent */
    struct span out;           /* to be sent at the end of the event; over TLS the channel has it */
    struct gathered *gathered; /* what out lies in, or did until it was sent; NULL: in a reply's */
};

struct server {
    struct loop *loop;
    struct server_tls *tls; /* NULL: http */
    struct replies replies;
    struct connection *connections;
    uint32_t *free_slots;
    uint32_t free_count;
    uint32_t connection_count;
    struct list_node timed;
    struct list_node settling;
    struct list_node flying;   /* since the last wait */
    struct gathered *gathered; /* free */
    uint64_t accept_due_ns;    /* 0: accepting */
    int listener;
    uint16_t port;
    atomic_bool stopping;
};

static uint32_t slot_of(const struct server *server, const struct connection *connection)
{
    return (uint32_t)(connection - server->connections);
}

/* --- states ----------------------------------------------------------------------------------- */

/* What is received is not looked at. */
static bool is_deaf(enum connection_state state)
{
    return state == LINGERING || state == STALLED || state == CLOSING;
}

static void enter(struct connection *connection, enum connection_state state,
                  struct list_node *list)
{
    list_remove(&connection->link);
    connection->state = state;
    if (list)
        list_append(list, &connection->link);
}

/* The first of a list of states; NULL: nobody is in it. */
static struct connection *first_of(const struct list_node *list)
{
    struct list_node *node = list_first(list);

    return node ? LIST_OWNER(node, struct connection, link) : NULL;
}

/* Due times are whole milliseconds, so that one tick serves many connections. */
static void enter_timed(struct server *server, struct connection *connection,
                        enum connection_state state, uint64_t delay_ns)
{
    uint64_t due_ns = clock_monotonic_ns() + delay_ns;

    connection->due_ns = (due_ns + NS_PER_MS - 1) / NS_PER_MS * NS_PER_MS;
    enter(connection, state, &server->timed);
    loop_tick(server->loop, connection->due_ns);
}

/* --- between replies and the loop ------------------------------------------------------------- */

static bool is_sending(const struct server *server, const struct connection *connection)
{
    return loop_is_sending(server->loop, slot_of(server, connection));
}

static void gathered_give_back(struct server *server, struct connection *connection)
{
    struct gathered *gathered = connection->gathered;

    if (!gathered)
        return;
    gathered->next = server->gathered;
    server->gathered = gathered;
    connection->gathered = NULL;
}

/* What was handed over is through. */
static void connection_sent(struct server *server, struct connection *connection)
{
    list_remove(&connection->flying_link);
    gathered_give_back(server, connection);
    if (connection->channel)
        channel_sent(connection->channel);
}

/* What there is to send, where no send is under way. */
static void connection_hand_over(struct server *server, struct connection *connection)
{
    struct channel *channel = connection->channel;
    bool has_bytes = channel ? channel_has_records(channel) : connection->out.length > 0;

    if (!has_bytes || is_sending(server, connection))
        return;
    struct span bytes = channel ? channel_take(channel) : connection->out;
    connection->out.length = 0;
    loop_send(server->loop, slot_of(server, connection), bytes.bytes, bytes.length);
    if (!channel && !connection->gathered)
        return;
    list_remove(&connection->flying_link);
    list_append(&server->flying, &connection->flying_link);
}

/* Another reply comes behind out: its memory may be written anew. */
static bool out_gather(struct server *server, struct connection *connection)
{
    struct gathered *gathered = connection->gathered;
    struct span *out = &connection->out;

    if (!gathered && (gathered = server->gathered))
        server->gathered = gathered->next;
    if (!gathered)
        gathered = malloc(sizeof *gathered);
    if (!gathered)
        return false;
    if (out->bytes != gathered->bytes)
        memcpy(gathered->bytes, out->bytes, out->length);
    out->bytes = gathered->bytes;
    connection->gathered = gathered;
    return true;
}

/* A long piece is not copied, and nothing comes behind it. */
static bool out_put(struct server *server, struct connection *connection, struct span *piece)
{
    struct span *out = &connection->out;

    if (out->length == 0) {
        *out = *piece;
        piece->length = 0;
        return out->length <= LOOP_SILENT_BYTES;
    }
    if (piece->length > GATHERED_BYTES - out->length || !out_gather(server, connection))
        return false;
    memcpy(connection->gathered->bytes + out->length, piece->bytes, piece->length);
    out->length += piece->length;
    piece->length = 0;
    return true;
}

/* Takes the piece, or what of it there is room for. false: what was taken is to be sent first. */
static bool connection_put(struct server *server, struct connection *connection, struct span *piece)
{
    if (!connection->channel)
        return out_put(server, connection, piece);
    channel_write(connection->channel, piece);
    return !channel_is_long(connection->channel);
}

/* --- ending ----------------------------------------------------------------------------------- */

static void connection_close(struct server *server, struct connection *connection)
{
    if (connection->state == CLOSING)
        return;
    enter(connection, CLOSING, NULL);
    list_remove(&connection->flying_link);
    loop_close_slot(server->loop, slot_of(server, connection));
}

/* Nothing more will be said. Over TLS that is said too, unless the reply is to look cut off. */
static void connection_finish(struct server *server, struct connection *connection,
                              enum reply_end end)
{
    connection->reply.end = end;
    if (connection->channel && end == REPLY_CLOSE)
        channel_notify(connection->channel);
    enter(connection, SETTLING, &server->settling);
}

/* At the end of each event. */
static void connection_flush(struct server *server, struct connection *connection)
{
    if (connection->state == CLOSING || connection->state == LINGERING)
        return;
    connection_hand_over(server, connection);
    if (connection->channel && channel_has_failed(connection->channel))
        connection_finish(server, connection, REPLY_CUT);
}

/* What was said before is with the kernel by then. */
static void connection_reset(struct server *server, struct connection *connection)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    connection->reply.end = REPLY_RESET;
    connection_hand_over(server, connection);
    if (is_sending(server, connection)) {
        enter(connection, SENDING, NULL);
        return;
    }
    setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    connection_close(server, connection);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void reply_ended(struct server *server, struct connection *connection)
{
    switch (connection->reply.end) {
    case REPLY_KEEP:
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

/* Over TLS a reply's bytes are copied into records, which may wait behind others; otherwise they
 * are sent from, and made, where those before them lie. */
static bool must_wait(struct server *server, struct connection *connection)
{
    if (connection->channel)
        return false;
    if (connection->out.length > 0 && out_gather(server, connection))
        return false;
    connection_hand_over(server, connection);
    return is_sending(server, connection);
}

/* Sends pieces until one has to be waited for, or the reply is out. */
static void connection_send(struct server *server, struct connection *connection)
{
    struct reply *reply = &connection->reply;
    struct span *piece = &connection->piece;

    while (piece->length > 0 || reply_next(&server->replies, reply, &connection->scratch, piece)) {
        if (!connection_put(server, connection, piece)) {
            connection_hand_over(server, connection);
            if (is_sending(server, connection)) {
                enter(connection, SENDING, NULL);
                return;
            }
        } else if (reply->rest == REPLY_DRIP && reply->rest_bytes > 0) {
            enter_timed(server, connection, WAITING, reply->interval_ns);
            return;
        }
    }
    reply_ended(server, connection);
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
        if (must_wait(server, connection)) {
            enter(connection, SENDING, NULL);
            break;
        }
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
    connection_sent(server, connection);
    if (connection->state == SENDING)
        connection_send(server, connection);
    connection_resume(server, connection);
    connection_flush(server, connection);
}

/* --- behind each wait, and at each tick ------------------------------------------------------- */

static void connection_settled(struct server *server, struct connection *connection)
{
    if (is_sending(server, connection)) {
        enter(connection, SENDING, NULL);
        return;
    }
    shutdown(connection->fd, SHUT_WR);
    if (connection->client_done)
        connection_close(server, connection);
    else
        enter_timed(server, connection, LINGERING, LINGER_NS);
}

/* What is still under way LOOP_SEND will take up. */
static void server_settle(struct server *server)
{
    struct connection *connection;
    struct list_node *node;

    while ((node = list_first(&server->flying))) {
        connection = LIST_OWNER(node, struct connection, flying_link);
        list_remove(node);
        if (!is_sending(server, connection))
            connection_sent(server, connection);
    }
    while ((connection = first_of(&server->settling)))
        connection_settled(server, connection);
}

static void connection_due(struct server *server, struct connection *connection)
{
    if (connection->state == LINGERING) {
        connection_close(server, connection);
        return;
    }
    if (must_wait(server, connection))
        enter(connection, SENDING, NULL);
    else
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
    uint64_t time_ns = clock_monotonic_ns();
    uint64_t next_ns = UINT64_MAX;

    for (struct list_node *node = server->timed.next, *next; node != &server->timed; node = next) {
        struct connection *connection = LIST_OWNER(node, struct connection, link);

        next = node->next;
        if (connection->due_ns <= time_ns)
            connection_due(server, connection);
        else if (connection->due_ns < next_ns)
            next_ns = connection->due_ns;
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
        server->accept_due_ns = clock_monotonic_ns() + ACCEPT_RETRY_NS;
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
    struct connection *connection = &server->connections[slot];
    *connection = (struct connection){.state = IDLE, .fd = result, .channel = channel};
    list_init(&connection->link);
    list_init(&connection->flying_link);
    loop_attach(server->loop, slot, result);
    loop_receive(server->loop, slot);
}

static void connection_deinit(struct server *server, struct connection *connection)
{
    gathered_give_back(server, connection);
    channel_close(connection->channel);
    free(connection->carry);
    free(connection->scratch.bytes);
    *connection = (struct connection){.state = FREE};
}

static void on_closed(struct server *server, uint32_t slot)
{
    connection_deinit(server, &server->connections[slot]);
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
        int64_t timeout_ns = list_is_empty(&server->settling) ? -1 : 0;
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
    list_init(&server->timed);
    list_init(&server->settling);
    list_init(&server->flying);
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
        connection_deinit(server, &server->connections[i]);
    while (server->gathered) {
        struct gathered *gathered = server->gathered;

        server->gathered = gathered->next;
        free(gathered);
    }
    if (server->listener >= 0)
        close(server->listener);
    free(server->connections);
    free(server->free_slots);
    server_tls_close(server->tls);
    replies_deinit(&server->replies);
    free(server);
}
