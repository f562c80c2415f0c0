/* Host names to addresses. Owns the c-ares channel, the lookups from question to answer, and who of
 * them may ask when.
 *
 * The first hard idea is to turn c-ares inside out: its callbacks only write down what they are
 * told, and everything else asks. It tells which sockets it wants to hear of, for as long as it
 * wants; the loop's polls fire once; so a socket is armed again after each, unless c-ares has let
 * go of it, or closed it and opened another with the same number, in between.
 *
 * The second is that answers come in a burst, to a socket whose buffer holds few: 277 datagrams of
 * the shortest over loopback, a third of that behind some network cards; and a forwarder may refuse
 * what is beyond 150 questions. So a lookup needs one of PLACES to be asked, which it gives back
 * with its answer, or when the answer is so late that it will not come in a burst with others: a
 * name whose servers are silent keeps nobody waiting for long. Others wait in their order.
 *
 * A lookup's way is that through the lists of enum phase. c-ares cannot drop a single query, so
 * what nobody waits for any more stays with it for a while.
 *
 * ares_library_init() is not called: except on Windows it only counts its calls, in a global that
 * is not safe between threads. */

#include "engine/link/resolver.h"
#include "engine/memory/clock.h"

#include <ares.h>
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    PLACES = 64,             /* two questions each: A and AAAA */
    ASKS_MAX = 16384,        /* with c-ares at once, with those that nobody waits for */
    QUERY_TIMEOUT_MS = 1000, /* of the first try; c-ares doubles it for each other */
    QUERY_TRIES_MIN = 2,
    QUERY_TRIES_MAX = 4,            /* 15 s */
    PATIENCE_UNLIMITED_MS = 120000, /* where the caller's has no limit */
    RECEIVE_BUFFER_BYTES = 1 << 20, /* the kernel may give less: 416 KiB by default */
    DELIVERIES_MAX = 256,
};

#define MS UINT64_C(1000000)
#define TICK_NS (50 * MS)
#define HOLD_MIN_NS (50 * MS)
#define HOLD_MAX_NS (1000 * MS)
#define QUERY_TIMEOUT_NS (QUERY_TIMEOUT_MS * MS)
#define SPLIT_NS (1250 * MS) /* when the second try has had time for an answer */
#define SECOND_FAMILY_NS (250 * MS)

enum phase {
    QUEUED,    /* waits for a place */
    HOLDING,   /* asked, and has a place; in the order of asking, as the next two */
    LINGERING, /* asked, without a place */
    SPLIT,     /* has asked for each family alone too, and waits for both */
    LAST,      /* neither came; any will do */
    ANSWERED,  /* to be taken */
    OVER,      /* nobody waits for it, but c-ares has not let go of it */
    PHASES,
};

struct ask {
    struct resolver_lookup *lookup;
    int family;
};

struct resolver_lookup {
    struct resolver *resolver;
    struct resolver_lookup *next; /* in the list of its phase */
    struct resolver_lookup *previous;
    enum phase phase;
    bool is_forgotten;
    uint32_t asks;   /* that c-ares has not answered */
    uint32_t halves; /* of these: for one family */
    uint64_t asked_ns;
    uint64_t until_ns; /* no new try later than this */
    struct ares_addrinfo *found;
    uint32_t ttl_s; /* of what was found */
    struct ask both;
    struct ask ipv4;
    struct ask ipv6;
    struct resolver_answer answer;
    uint16_t port;
    char host[];
};

struct list {
    struct resolver_lookup *first;
    struct resolver_lookup *last;
    uint32_t count;
};

struct socket {
    int fd;       /* -1: this tag is free */
    int error;    /* that a send came upon; for the next receive to return */
    short wanted; /* poll(2) events */
    bool armed;
};

struct resolver {
    struct loop *loop;
    ares_channel channel; /* NULL until there is something to look up */
    uint64_t patience_ns;
    uint64_t tick_ns;   /* when c-ares is to look for queries that have timed out */
    uint64_t answer_ns; /* how long answers take, smoothed */
    uint32_t wanted;    /* lookups whose answer is still to come */
    uint32_t asks;
    bool closing;
    struct list lists[PHASES];
    uint32_t first_tag;
    uint32_t tags;
    struct socket sockets[];
};

/* --- the lists of lookups --------------------------------------------------------------------- */

static void list_append(struct list *list, struct resolver_lookup *lookup)
{
    lookup->next = NULL;
    lookup->previous = list->last;
    if (list->last == NULL)
        list->first = lookup;
    else
        list->last->next = lookup;
    list->last = lookup;
    list->count++;
}

static void list_remove(struct list *list, struct resolver_lookup *lookup)
{
    assert(list->count > 0);
    if (lookup->previous == NULL)
        list->first = lookup->next;
    else
        lookup->previous->next = lookup->next;
    if (lookup->next == NULL)
        list->last = lookup->previous;
    else
        lookup->next->previous = lookup->previous;
    list->count--;
}

static void lookup_move(struct resolver_lookup *lookup, enum phase phase)
{
    list_remove(&lookup->resolver->lists[lookup->phase], lookup);
    lookup->phase = phase;
    list_append(&lookup->resolver->lists[phase], lookup);
}

static void lookup_free(struct resolver_lookup *lookup)
{
    list_remove(&lookup->resolver->lists[lookup->phase], lookup);
    ares_freeaddrinfo(lookup->found);
    free(lookup);
}

/* Nobody waits for it any more. */
static void lookup_end(struct resolver_lookup *lookup)
{
    if (lookup->asks == 0)
        lookup_free(lookup);
    else if (lookup->phase != OVER)
        lookup_move(lookup, OVER);
}

/* --- what c-ares tells ------------------------------------------------------------------------ */

/* A server that answers with a failure is passed over for the next; when none is left c-ares says
 * that no connection was to be had. */
static const struct failure {
    int status;
    int error;
    const char *message;
} failures[] = {
    {ARES_ENOTFOUND, -ENOENT, "the host name does not exist"},
    {ARES_ENODATA, -ENOENT, "the host name has no address"},
    {ARES_ETIMEOUT, -ETIMEDOUT, "no DNS server answered in time"},
    {ARES_ECONNREFUSED, -ECONNREFUSED, "no DNS server can be reached, or none can answer"},
    {ARES_EFORMERR, -EREMOTEIO, "the DNS server did not understand the question"},
    {ARES_EBADRESP, -EREMOTEIO, "the DNS server's answer is malformed"},
    {ARES_EBADNAME, -EINVAL, "the host name is not one that can be looked up"},
    {ARES_ENOMEM, -ENOMEM, "out of memory while looking the host name up"},
    {0, -EREMOTEIO, "the host name could not be looked up"},
};

static const struct failure *find_failure(int status)
{
    const struct failure *failure = failures;

    while (failure->status != status && failure->status != 0)
        failure++;
    return failure;
}

static const struct ares_addrinfo_node *skip_to(const struct ares_addrinfo_node *node, int family)
{
    while (node != NULL && node->ai_family != family)
        node = node->ai_next;
    return node;
}

static void add_address(struct resolver_addresses *addresses, const struct ares_addrinfo_node *node,
                        uint16_t port)
{
    union resolver_address *address = &addresses->list[addresses->count++];

    memcpy(address, node->ai_addr, node->ai_addrlen);
    if (node->ai_family == AF_INET6)
        address->ipv6.sin6_port = htons(port);
    else
        address->ipv4.sin_port = htons(port);
}

static void fill_addresses(struct resolver_addresses *addresses,
                           const struct ares_addrinfo_node *nodes, uint16_t port)
{
    int other = nodes->ai_family == AF_INET6 ? AF_INET : AF_INET6;
    const struct ares_addrinfo_node *heads[] = {nodes, skip_to(nodes, other)};

    for (int turn = 0; heads[0] != NULL || heads[1] != NULL; turn ^= 1) {
        const struct ares_addrinfo_node *node = heads[turn];
        if (node == NULL)
            continue;
        if (addresses->count == RESOLVER_ADDRESSES_MAX)
            return;
        add_address(addresses, node, port);
        heads[turn] = skip_to(node->ai_next, node->ai_family);
    }
}

/* An answer lives as long as the shortest-lived record that led to it. */
static uint32_t find_ttl_s(const struct ares_addrinfo *info)
{
    int ttl_s = RESOLVER_TTL_MAX_S;

    for (const struct ares_addrinfo_cname *name = info->cnames; name != NULL; name = name->next)
        ttl_s = name->ttl < ttl_s ? name->ttl : ttl_s;
    for (const struct ares_addrinfo_node *node = info->nodes; node != NULL; node = node->ai_next)
        ttl_s = node->ai_ttl < ttl_s ? node->ai_ttl : ttl_s;
    return (uint32_t)(ttl_s < RESOLVER_TTL_MIN_S ? RESOLVER_TTL_MIN_S : ttl_s);
}

/* Karn's rule, and TCP's: only what was answered without another try says how long answers take. */
static void measure(struct resolver *resolver, const struct resolver_lookup *lookup)
{
    if (lookup->phase != HOLDING && lookup->phase != LINGERING)
        return;
    uint64_t sample_ns = clock_now_ns() - lookup->asked_ns;
    if (sample_ns < QUERY_TIMEOUT_NS)
        resolver->answer_ns = (7 * resolver->answer_ns + sample_ns) / 8;
}

static void lookup_answer(struct resolver_lookup *lookup, int status)
{
    struct resolver_answer *answer = &lookup->answer;

    measure(lookup->resolver, lookup);
    if (lookup->found != NULL) {
        fill_addresses(&answer->addresses, lookup->found->nodes, lookup->port);
        answer->addresses.ttl_s = lookup->ttl_s;
        ares_freeaddrinfo(lookup->found);
        lookup->found = NULL;
    } else {
        answer->error = find_failure(status)->error;
        answer->message = find_failure(status)->message;
    }
    lookup->resolver->wanted--;
    lookup_move(lookup, ANSWERED);
}

/* Puts what was found for one family behind what was found for the other. */
static void lookup_keep(struct resolver_lookup *lookup, struct ares_addrinfo *info)
{
    uint32_t ttl_s = find_ttl_s(info);

    if (lookup->found == NULL) {
        lookup->found = info;
        lookup->ttl_s = ttl_s;
        return;
    }
    struct ares_addrinfo_node *last = lookup->found->nodes;
    while (last->ai_next != NULL)
        last = last->ai_next;
    last->ai_next = info->nodes;
    info->nodes = NULL;
    ares_freeaddrinfo(info);
    lookup->ttl_s = ttl_s < lookup->ttl_s ? ttl_s : lookup->ttl_s;
}

static void on_both(struct resolver_lookup *lookup, int status, struct ares_addrinfo *info)
{
    if (info != NULL) {
        ares_freeaddrinfo(lookup->found);
        lookup->found = NULL;
        lookup_keep(lookup, info);
    }
    if (lookup->found == NULL && status == ARES_ETIMEOUT && clock_now_ns() < lookup->until_ns)
        lookup_move(lookup, QUEUED);
    else
        lookup_answer(lookup, status);
}

static void on_half(struct resolver_lookup *lookup, struct ares_addrinfo *info)
{
    lookup->halves--;
    if (info != NULL)
        lookup_keep(lookup, info);
    if (lookup->found == NULL)
        return;
    if (lookup->halves == 0) {
        lookup_answer(lookup, ARES_SUCCESS);
    } else if (lookup->phase == LAST) { /* the other may be just behind */
        lookup->asked_ns = clock_now_ns();
        lookup_move(lookup, SPLIT);
    }
}

static bool is_over(const struct resolver_lookup *lookup)
{
    return lookup->is_forgotten || lookup->phase == ANSWERED || lookup->phase == OVER;
}

static void on_answer(void *argument, int status, int timeouts, struct ares_addrinfo *info)
{
    const struct ask *ask = argument;
    struct resolver_lookup *lookup = ask->lookup;
    struct resolver *resolver = lookup->resolver;
    (void)timeouts;

    lookup->asks--;
    resolver->asks--;
    if (status == ARES_SUCCESS && (info == NULL || info->nodes == NULL))
        status = ARES_ENODATA;
    if (resolver->closing || is_over(lookup) || status != ARES_SUCCESS) {
        ares_freeaddrinfo(info);
        info = NULL;
    }
    if (resolver->closing || lookup->phase == ANSWERED)
        return;
    if (is_over(lookup))
        lookup_end(lookup);
    else if (ask->family == AF_UNSPEC)
        on_both(lookup, status, info);
    else
        on_half(lookup, info);
}

static void arm(struct resolver *resolver, struct socket *socket)
{
    uint32_t tag = resolver->first_tag + (uint32_t)(socket - resolver->sockets);

    socket->armed = true;
    loop_poll(resolver->loop, tag, socket->fd, socket->wanted);
}

/* fd -1 finds a free one. */
static struct socket *find_socket(struct resolver *resolver, int fd)
{
    for (uint32_t i = 0; i < resolver->tags; i++)
        if (resolver->sockets[i].fd == fd)
            return &resolver->sockets[i];
    return NULL;
}

static void on_socket_state(void *argument, ares_socket_t fd, int readable, int writable)
{
    struct resolver *resolver = argument;
    struct socket *socket = find_socket(resolver, fd);
    short wanted = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));

    if (socket == NULL)
        socket = find_socket(resolver, -1);
    if (socket == NULL)
        return;
    if (wanted == 0) { /* c-ares closes fd next */
        loop_unpoll(resolver->loop, resolver->first_tag + (uint32_t)(socket - resolver->sockets));
        *socket = (struct socket){.fd = -1};
    } else if (socket->fd != fd || socket->wanted != wanted) {
        socket->fd = fd;
        socket->wanted = wanted;
        arm(resolver, socket);
    }
}

/* --- the sockets that c-ares uses ------------------------------------------------------------- */

static ares_socket_t on_open(int family, int type, int protocol, void *argument)
{
    int bytes = RECEIVE_BUFFER_BYTES;
    int on = 1;
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    (void)argument;

    if (fd >= 0 && type == SOCK_DGRAM)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    else if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static int on_close(ares_socket_t fd, void *argument)
{
    (void)argument;
    return close(fd);
}

static int on_connect(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t length,
                      void *argument)
{
    (void)argument;
    return connect(fd, address, length);
}

static bool is_datagram(int fd)
{
    int type = 0;
    socklen_t length = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_DGRAM;
}

static ssize_t send_vector(int fd, const struct iovec *vector, int count)
{
    /* sendmsg() only reads it. */
    struct msghdr message = {
        .msg_iov = (struct iovec *)(uintptr_t)vector,
        .msg_iovlen = (size_t)(count < IOV_MAX ? count : IOV_MAX),
    };

    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static bool is_for_now(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
}

/* A datagram that was refused leaves its error at the socket, for whatever call comes next. Where
 * that is the send of another question, c-ares takes it for this one's, and the refused one waits
 * for its time to run out. So the error is kept for a receive, and the send is tried again. What
 * finds no room is what the network could have lost, too. */
static ares_ssize_t on_send(ares_socket_t fd, const struct iovec *vector, int count, void *argument)
{
    ssize_t sent = send_vector(fd, vector, count);

    if (sent >= 0 || !is_datagram(fd))
        return sent;
    struct socket *socket = find_socket(argument, fd);
    if (socket != NULL && !is_for_now(errno)) {
        socket->error = errno;
        sent = send_vector(fd, vector, count);
    }
    return sent < 0 && is_for_now(errno) ? (ares_ssize_t)vector->iov_len : sent;
}

static ares_ssize_t on_receive(ares_socket_t fd, void *buffer, size_t size, int flags,
                               struct sockaddr *address, ares_socklen_t *length, void *argument)
{
    ssize_t received = recvfrom(fd, buffer, size, flags, address, length);
    struct socket *socket = received < 0 ? find_socket(argument, fd) : NULL;

    if (socket != NULL && socket->error != 0) {
        errno = socket->error;
        socket->error = 0;
    }
    return received;
}

/* To the queries that have been sent there; they then go elsewhere, or once more, which may come
 * upon an error again. */
static void deliver_errors(struct resolver *resolver)
{
    uint32_t deliveries = 0;
    uint32_t i = 0;

    while (i < resolver->tags && deliveries < DELIVERIES_MAX) {
        const struct socket *socket = &resolver->sockets[i++];
        if (socket->fd < 0 || socket->error == 0)
            continue;
        ares_process_fd(resolver->channel, socket->fd, ARES_SOCKET_BAD);
        deliveries++;
        i = 0;
    }
}

/* --- the channel ------------------------------------------------------------------------------ */

static uint64_t find_patience_ns(int64_t patience_ms)
{
    if (patience_ms < 0)
        patience_ms = PATIENCE_UNLIMITED_MS;
    return (uint64_t)(patience_ms < INT32_MAX ? patience_ms : INT32_MAX) * MS;
}

/* As many as fit into the patience with the first server that is asked. */
static int find_tries(uint64_t patience_ns)
{
    int tries = QUERY_TRIES_MIN;

    while (tries < QUERY_TRIES_MAX && ((UINT64_C(1) << tries) - 1) * QUERY_TIMEOUT_NS < patience_ns)
        tries++;
    return tries;
}

static int open_channel(struct resolver *resolver, const char *servers)
{
    static const struct ares_socket_functions functions = {
        .asocket = on_open,
        .aclose = on_close,
        .aconnect = on_connect,
        .arecvfrom = on_receive,
        .asendv = on_send,
    };
    struct ares_options options = {
        .timeout = QUERY_TIMEOUT_MS,
        .tries = find_tries(resolver->patience_ns),
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = resolver,
    };
    int status = ares_init_options(&resolver->channel, &options,
                                   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS) {
        resolver->channel = NULL;
        return status == ARES_ENOMEM ? -ENOMEM : -EIO;
    }
    ares_set_socket_functions(resolver->channel, &functions, resolver);
    if (servers == NULL)
        return 0;
    status = ares_set_servers_ports_csv(resolver->channel, servers);
    if (status == ARES_SUCCESS)
        return 0;
    return status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
}

int resolver_open(struct resolver **ret_resolver, struct loop *loop, uint32_t first_tag,
                  uint32_t tags, const char *servers, int64_t patience_ms)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver) + tags * sizeof(struct socket));
    if (resolver == NULL)
        return -ENOMEM;
    resolver->loop = loop;
    resolver->first_tag = first_tag;
    resolver->tags = tags;
    resolver->patience_ns = find_patience_ns(patience_ms);
    for (uint32_t i = 0; i < tags; i++)
        resolver->sockets[i].fd = -1;

    /* A list of servers is looked at now, so that a bad one is known now. */
    int error = servers == NULL ? 0 : open_channel(resolver, servers);
    if (error != 0)
        resolver_close(resolver);
    else
        *ret_resolver = resolver;
    return error;
}

void resolver_close(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    resolver->closing = true;
    if (resolver->channel != NULL)
        ares_destroy(resolver->channel);
    for (int phase = 0; phase < PHASES; phase++)
        while (resolver->lists[phase].first != NULL)
            lookup_free(resolver->lists[phase].first);
    free(resolver);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void lookup_ask(struct resolver_lookup *lookup, struct ask *ask)
{
    struct resolver *resolver = lookup->resolver;
    /* c-ares would sort by connecting a socket to each address, and a service name would make it
     * read /etc/services: neither is wanted. */
    const struct ares_addrinfo_hints hints = {
        .ai_flags = ARES_AI_NOSORT,
        .ai_family = ask->family,
        .ai_socktype = SOCK_STREAM,
    };

    if (resolver->asks++ == 0)
        resolver->tick_ns = clock_now_ns() + TICK_NS;
    lookup->asks++;
    lookup->halves += ask->family != AF_UNSPEC;
    ares_getaddrinfo(resolver->channel, lookup->host, NULL, &hints, on_answer, ask);
}

static bool has_place(const struct resolver *resolver)
{
    return resolver->lists[HOLDING].count < PLACES && resolver->asks < ASKS_MAX;
}

static void begin_queued(struct resolver *resolver)
{
    while (resolver->lists[QUEUED].first != NULL && has_place(resolver)) {
        struct resolver_lookup *lookup = resolver->lists[QUEUED].first;
        lookup_move(lookup, HOLDING);
        lookup->asked_ns = clock_now_ns();
        lookup_ask(lookup, &lookup->both);
    }
}

/* What is left to do after each call: errors may make lookups end, and so make room for others. */
static void go_on(struct resolver *resolver)
{
    deliver_errors(resolver);
    begin_queued(resolver);
    deliver_errors(resolver);
    if (resolver->wanted == 0 && resolver->asks > 0)
        ares_cancel(resolver->channel);
}

int resolver_lookup(struct resolver *resolver, uint32_t id, const char *host, uint16_t port,
                    struct resolver_lookup **ret_lookup)
{
    size_t length = strlen(host);
    int error = resolver->channel != NULL ? 0 : open_channel(resolver, NULL);
    if (error != 0)
        return error;

    struct resolver_lookup *lookup = calloc(1, sizeof(*lookup) + length + 1);
    if (lookup == NULL)
        return -ENOMEM;
    lookup->resolver = resolver;
    lookup->until_ns = clock_now_ns() + resolver->patience_ns;
    lookup->both = (struct ask){lookup, AF_UNSPEC};
    lookup->ipv4 = (struct ask){lookup, AF_INET};
    lookup->ipv6 = (struct ask){lookup, AF_INET6};
    lookup->port = port;
    lookup->answer.id = id;
    memcpy(lookup->host, host, length);
    list_append(&resolver->lists[QUEUED], lookup);
    resolver->wanted++;
    if (ret_lookup != NULL)
        *ret_lookup = lookup;
    go_on(resolver);
    return 0;
}

void resolver_forget(struct resolver *resolver, struct resolver_lookup *lookup)
{
    assert(!lookup->is_forgotten && lookup->phase != OVER);
    if (lookup->phase != ANSWERED)
        resolver->wanted--;
    lookup->is_forgotten = true;
    /* One with a place keeps it: its answers are on their way all the same. */
    if (lookup->phase != HOLDING)
        lookup_end(lookup);
    if (resolver->wanted == 0 && resolver->asks > 0)
        ares_cancel(resolver->channel);
}

bool resolver_next(struct resolver *resolver, struct resolver_answer *ret_answer)
{
    struct resolver_lookup *lookup = resolver->lists[ANSWERED].first;

    if (lookup == NULL)
        return false;
    *ret_answer = lookup->answer;
    lookup_end(lookup);
    return true;
}

/* --- events ----------------------------------------------------------------------------------- */

void resolver_on_ready(struct resolver *resolver, uint32_t tag, int32_t events)
{
    assert(tag >= resolver->first_tag && tag - resolver->first_tag < resolver->tags);
    struct socket *socket = &resolver->sockets[tag - resolver->first_tag];
    int fd = socket->fd;
    /* A failure is for whoever reads or writes next to find. */
    int failed = events < 0 || (events & (POLLERR | POLLHUP | POLLNVAL));

    if (fd < 0)
        return;
    socket->armed = false;
    ares_process_fd(
        resolver->channel,
        (socket->wanted & POLLIN) && (failed || (events & POLLIN)) ? fd : ARES_SOCKET_BAD,
        (socket->wanted & POLLOUT) && (failed || (events & POLLOUT)) ? fd : ARES_SOCKET_BAD);
    if (socket->fd >= 0 && !socket->armed)
        arm(resolver, socket);
    go_on(resolver);
}

static uint64_t hold_ns(const struct resolver *resolver)
{
    uint64_t time_ns = 4 * resolver->answer_ns;

    if (time_ns < HOLD_MIN_NS)
        return HOLD_MIN_NS;
    return time_ns > HOLD_MAX_NS ? HOLD_MAX_NS : time_ns;
}

uint64_t resolver_deadline_ns(const struct resolver *resolver)
{
    const struct resolver_lookup *oldest = resolver->lists[HOLDING].first;

    if (resolver->asks == 0)
        return UINT64_MAX;
    if (resolver->lists[QUEUED].first == NULL || oldest == NULL)
        return resolver->tick_ns;
    uint64_t place_ns = oldest->asked_ns + hold_ns(resolver);
    return place_ns < resolver->tick_ns ? place_ns : resolver->tick_ns;
}

/* The first of that phase, if it was asked so long ago. */
static struct resolver_lookup *find_due(const struct resolver *resolver, enum phase phase,
                                        uint64_t now_ns, uint64_t after_ns)
{
    struct resolver_lookup *lookup = resolver->lists[phase].first;

    return lookup != NULL && lookup->asked_ns + after_ns <= now_ns ? lookup : NULL;
}

static void pass_places_on(struct resolver *resolver, uint64_t now_ns)
{
    struct resolver_lookup *lookup;

    while ((lookup = find_due(resolver, HOLDING, now_ns, hold_ns(resolver))) != NULL)
        lookup_move(lookup, lookup->is_forgotten ? OVER : LINGERING);
}

/* c-ares says nothing until both families are answered. Where one never is, the other alone is what
 * there is to know. */
static void split_late(struct resolver *resolver, uint64_t now_ns)
{
    struct resolver_lookup *lookup;

    while ((lookup = find_due(resolver, LINGERING, now_ns, SPLIT_NS)) != NULL) {
        lookup_move(lookup, SPLIT);
        lookup->asked_ns = now_ns;
        lookup_ask(lookup, &lookup->ipv4);
        lookup_ask(lookup, &lookup->ipv6);
    }
}

static void content_with_one(struct resolver *resolver, uint64_t now_ns)
{
    struct resolver_lookup *lookup;

    while ((lookup = find_due(resolver, SPLIT, now_ns, SECOND_FAMILY_NS)) != NULL) {
        if (lookup->found != NULL)
            lookup_answer(lookup, ARES_SUCCESS);
        else
            lookup_move(lookup, LAST);
    }
}

void resolver_on_tick(struct resolver *resolver)
{
    uint64_t now_ns = clock_now_ns();

    if (resolver->channel == NULL)
        return;
    /* Not ares_timeout(): it walks all queries to find the one whose time runs out first. */
    if (now_ns >= resolver->tick_ns) {
        ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        resolver->tick_ns = now_ns + TICK_NS;
    }
    pass_places_on(resolver, now_ns);
    split_late(resolver, now_ns);
    content_with_one(resolver, now_ns);
    go_on(resolver);
}

/* --- what needs no lookup --------------------------------------------------------------------- */

static bool is_localhost(struct span host)
{
    static const struct span localhost = {"localhost", 9};

    if (host.length > 0 && host.bytes[host.length - 1] == '.')
        host.length--;
    if (host.length > localhost.length) {
        size_t label = host.length - localhost.length;
        if (host.bytes[label - 1] != '.')
            return false;
        host = (struct span){host.bytes + label, localhost.length};
    }
    return span_equal_fold(host, localhost);
}

static bool add_literal(struct resolver_addresses *addresses, int family, const char *text,
                        uint16_t port)
{
    union resolver_address *address = &addresses->list[addresses->count];

    *address = (union resolver_address){0};
    address->any.sa_family = (sa_family_t)family;
    if (family == AF_INET6) {
        address->ipv6.sin6_port = htons(port);
        if (inet_pton(AF_INET6, text, &address->ipv6.sin6_addr) != 1)
            return false;
    } else {
        address->ipv4.sin_port = htons(port);
        if (inet_pton(AF_INET, text, &address->ipv4.sin_addr) != 1)
            return false;
    }
    addresses->count++;
    return true;
}

bool resolver_literal(const char *host, enum url_host_kind kind, uint16_t port,
                      struct resolver_addresses *ret_addresses)
{
    ret_addresses->count = 0;
    ret_addresses->ttl_s = RESOLVER_TTL_MAX_S;
    switch (kind) {
    case URL_HOST_IPV4:
        return add_literal(ret_addresses, AF_INET, host, port);
    case URL_HOST_IPV6:
        return add_literal(ret_addresses, AF_INET6, host, port);
    case URL_HOST_NAME:
        return is_localhost(span_of(host)) &&
               add_literal(ret_addresses, AF_INET, "127.0.0.1", port) &&
               add_literal(ret_addresses, AF_INET6, "::1", port);
    }
    return false;
}
