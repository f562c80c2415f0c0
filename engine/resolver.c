/* Host names to addresses. Owns the c-ares channel, the lookups under way and the queue of answers.
 *
 * The hard idea is to turn c-ares inside out: its callbacks only write down what they are told, and
 * everything else asks. It tells which sockets it wants to hear of, for as long as it wants; the
 * loop's polls fire once; so a socket is armed again after each, unless c-ares has let go of it, or
 * closed it and opened another with the same number, in between.
 *
 * ares_library_init() is not called: except on Windows it only counts its calls, in a global that
 * is not safe between threads. */

#include "engine/resolver.h"

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

enum { QUERY_TIMEOUT_MS = 1000, QUERY_TRIES = 2, DELIVERIES_MAX = 256 };

struct lookup {
    struct resolver *resolver;
    struct lookup *next; /* in the queue of answers */
    uint16_t port;
    struct resolver_answer answer;
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
    bool closing;
    struct lookup *first; /* answers to be taken */
    struct lookup **last;
    uint32_t first_tag;
    uint32_t tags;
    struct socket sockets[];
};

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

static void on_answer(void *argument, int status, int timeouts, struct ares_addrinfo *info)
{
    struct lookup *lookup = argument;
    struct resolver *resolver = lookup->resolver;
    (void)timeouts;

    if (resolver->closing) {
        free(lookup);
        return;
    }
    if (status == ARES_SUCCESS && (info == NULL || info->nodes == NULL))
        status = ARES_ENODATA;
    if (status == ARES_SUCCESS) {
        fill_addresses(&lookup->answer.addresses, info->nodes, lookup->port);
        lookup->answer.addresses.ttl_s = find_ttl_s(info);
    } else {
        lookup->answer.error = find_failure(status)->error;
        lookup->answer.message = find_failure(status)->message;
    }
    if (info != NULL)
        ares_freeaddrinfo(info);
    *resolver->last = lookup;
    resolver->last = &lookup->next;
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
    int on = 1;
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    (void)argument;

    if (fd >= 0 && type == SOCK_STREAM)
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
        .tries = QUERY_TRIES,
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
                  uint32_t tags, const char *servers)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver) + tags * sizeof(struct socket));
    if (resolver == NULL)
        return -ENOMEM;
    resolver->loop = loop;
    resolver->first_tag = first_tag;
    resolver->tags = tags;
    resolver->last = &resolver->first;
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
    while (resolver->first != NULL) {
        struct lookup *lookup = resolver->first;
        resolver->first = lookup->next;
        free(lookup);
    }
    free(resolver);
}

int resolver_lookup(struct resolver *resolver, uint32_t id, const char *host, uint16_t port)
{
    /* c-ares would sort by connecting a socket to each address, and a service name would make it
     * read /etc/services: neither is wanted. */
    static const struct ares_addrinfo_hints hints = {
        .ai_flags = ARES_AI_NOSORT,
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
    };
    int error = resolver->channel != NULL ? 0 : open_channel(resolver, NULL);
    if (error != 0)
        return error;

    struct lookup *lookup = calloc(1, sizeof(*lookup));
    if (lookup == NULL)
        return -ENOMEM;
    lookup->resolver = resolver;
    lookup->port = port;
    lookup->answer.id = id;
    ares_getaddrinfo(resolver->channel, host, NULL, &hints, on_answer, lookup);
    deliver_errors(resolver);
    return 0;
}

bool resolver_next(struct resolver *resolver, struct resolver_answer *ret_answer)
{
    struct lookup *lookup = resolver->first;

    if (lookup == NULL)
        return false;
    resolver->first = lookup->next;
    if (resolver->first == NULL)
        resolver->last = &resolver->first;
    *ret_answer = lookup->answer;
    free(lookup);
    return true;
}

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
    deliver_errors(resolver);
}

uint64_t resolver_deadline_ns(const struct resolver *resolver, uint64_t now_ns)
{
    struct timeval left;

    if (resolver->channel == NULL || ares_timeout(resolver->channel, NULL, &left) == NULL)
        return UINT64_MAX;
    return now_ns + (uint64_t)left.tv_sec * 1000000000 + (uint64_t)left.tv_usec * 1000;
}

void resolver_on_tick(struct resolver *resolver)
{
    if (resolver->channel == NULL)
        return;
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    deliver_errors(resolver);
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
