/* Owns the channels of c-ares, one a server, and their sockets.
 *
 * The first hard idea is to turn c-ares inside out: its callbacks only write down what they are
 * told, and everything else asks. It tells which sockets it wants to hear of, for as long as it
 * wants; the loop's polls fire once; so a socket is armed again after each, unless c-ares has let
 * go of it, or closed it and opened another with the same number, in between.
 *
 * The second is that each server has a channel, which asks it once. c-ares would ask the servers in
 * their order, however often the first has been silent, doubles whatever timeout is stated, and
 * takes no other list while anything is under way. So whom to ask, when, and for how long is not
 * its business here: it finds a question for an answer, and turns to TCP for what is truncated.
 *
 * ares_library_init() is not called: except on Windows it only counts its calls, in a global that
 * is not safe between threads. */

#include "engine/link/nameserver.h"
#include "engine/link/link.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    RECEIVE_BUFFER_BYTES = 1 << 20, /* the kernel may give less: 416 KiB by default */
    DELIVERIES_MAX = 256,
};

/* --- the loop's side of a socket -------------------------------------------------------------- */

static uint32_t tag_of(const struct dns_sockets *sockets, const struct dns_socket *socket)
{
    return sockets->first_tag + (uint32_t)(socket - sockets->list);
}

static void arm(struct dns_sockets *sockets, struct dns_socket *socket)
{
    assert(socket->fd >= 0 && socket->wanted != 0);
    socket->armed = true;
    loop_poll(sockets->loop, tag_of(sockets, socket), socket->fd, socket->wanted);
}

/* fd -1 finds a free one. */
static struct dns_socket *find_socket(struct dns_sockets *sockets, int fd)
{
    for (uint32_t i = 0; i < sockets->tags; i++)
        if (sockets->list[i].fd == fd)
            return &sockets->list[i];
    return NULL;
}

static void on_socket_state(void *argument, ares_socket_t fd, int readable, int writable)
{
    struct nameserver *server = argument;
    struct dns_sockets *sockets = server->sockets;
    struct dns_socket *socket = find_socket(sockets, fd);
    short wanted = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));

    if (socket == NULL)
        socket = find_socket(sockets, -1);
    if (socket == NULL)
        return;
    if (wanted == 0) { /* c-ares closes fd next */
        loop_unpoll(sockets->loop, tag_of(sockets, socket));
        *socket = (struct dns_socket){.fd = -1};
    } else if (socket->fd != fd || socket->wanted != wanted) {
        socket->fd = fd;
        socket->wanted = wanted;
        socket->server = server;
        arm(sockets, socket);
    }
}

void dns_sockets_on_ready(struct dns_sockets *sockets, uint32_t tag, int32_t events)
{
    assert(tag >= sockets->first_tag && tag - sockets->first_tag < sockets->tags);
    struct dns_socket *socket = &sockets->list[tag - sockets->first_tag];
    int fd = socket->fd;
    /* A failure is for whoever reads or writes next to find. */
    int failed = events < 0 || (events & (POLLERR | POLLHUP | POLLNVAL));

    if (fd < 0)
        return;
    socket->armed = false;
    ares_process_fd(
        socket->server->channel,
        (socket->wanted & POLLIN) && (failed || (events & POLLIN)) ? fd : ARES_SOCKET_BAD,
        (socket->wanted & POLLOUT) && (failed || (events & POLLOUT)) ? fd : ARES_SOCKET_BAD);
    if (socket->fd >= 0 && !socket->armed)
        arm(sockets, socket);
}

void dns_sockets_deliver_errors(struct dns_sockets *sockets)
{
    uint32_t deliveries = 0;
    uint32_t i = 0;

    while (i < sockets->tags && deliveries < DELIVERIES_MAX) {
        const struct dns_socket *socket = &sockets->list[i++];
        if (socket->fd < 0 || socket->error == 0)
            continue;
        ares_process_fd(socket->server->channel, socket->fd, ARES_SOCKET_BAD);
        deliveries++;
        i = 0;
    }
}

/* --- the sockets that c-ares uses ------------------------------------------------------------- */

static ares_socket_t on_open(int family, int type, int protocol, void *argument)
{
    struct nameserver *server = argument;
    int bytes = RECEIVE_BUFFER_BYTES;
    int on = 1;
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

    server->is_cut = false;
    server->shortage = fd < 0 && link_is_shortage(errno) ? errno : 0;
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
    struct nameserver *server = argument;
    ssize_t sent = send_vector(fd, vector, count);

    if (sent >= 0)
        return sent;
    if (!is_datagram(fd)) {
        server->is_cut = !is_for_now(errno);
        return sent;
    }
    struct dns_socket *socket = find_socket(server->sockets, fd);
    if (socket != NULL && !is_for_now(errno)) {
        socket->error = errno;
        sent = send_vector(fd, vector, count);
    }
    return sent < 0 && is_for_now(errno) ? (ares_ssize_t)vector->iov_len : sent;
}

/* c-ares gives no address for what it reads from a stream. */
static ares_ssize_t on_receive(ares_socket_t fd, void *buffer, size_t size, int flags,
                               struct sockaddr *address, ares_socklen_t *length, void *argument)
{
    struct nameserver *server = argument;
    ssize_t received = recvfrom(fd, buffer, size, flags, address, length);
    struct dns_socket *socket = received < 0 ? find_socket(server->sockets, fd) : NULL;

    if (address == NULL)
        server->is_cut = received == 0 || (received < 0 && !is_for_now(errno));
    if (socket != NULL && socket->error != 0) {
        errno = socket->error;
        socket->error = 0;
    }
    return received;
}

/* --- the channels ----------------------------------------------------------------------------- */

static int error_of(int status)
{
    if (status == ARES_SUCCESS)
        return 0;
    return status == ARES_ENOMEM ? -ENOMEM : -EIO;
}

static int hosts_open(struct nameservers *servers)
{
    char lookups[] = "f";
    struct ares_options options = {.lookups = lookups};

    return error_of(ares_init_options(&servers->hosts, &options, ARES_OPT_LOOKUPS));
}

/* ARES_FLAG_NOCHECKRESP: what the server says is told, and not passed over for another server,
 * which there is none of. */
static int server_open(struct nameserver *server, const struct ares_addr_port_node *node,
                       uint32_t late_ms)
{
    static const struct ares_socket_functions functions = {
        .asocket = on_open,
        .aclose = on_close,
        .aconnect = on_connect,
        .arecvfrom = on_receive,
        .asendv = on_send,
    };
    char lookups[] = "b";
    struct ares_addr_port_node alone = *node;
    struct ares_options options = {
        .flags = ARES_FLAG_NOCHECKRESP,
        .timeout = (int)late_ms,
        .tries = 1,
        .lookups = lookups,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = server,
    };
    int status = ares_init_options(&server->channel, &options,
                                   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                       ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);

    if (status != ARES_SUCCESS) {
        server->channel = NULL;
        return error_of(status);
    }
    ares_set_socket_functions(server->channel, &functions, server);
    alone.next = NULL;
    return error_of(ares_set_servers_ports(server->channel, &alone));
}

static int servers_open(struct nameservers *servers, struct dns_sockets *sockets, uint32_t late_ms)
{
    const struct ares_addr_port_node *node = servers->conf.servers;
    int error = hosts_open(servers);

    if (servers->conf.timeout_ms >= late_ms)
        late_ms = servers->conf.timeout_ms + 1000;
    for (; !error && node != NULL && servers->count < NAMESERVERS_MAX; node = node->next) {
        struct nameserver *server = &servers->list[servers->count++];
        server->sockets = sockets;
        error = server_open(server, node, late_ms);
    }
    return error;
}

int nameservers_open(struct nameservers **ret_servers, struct dns_sockets *sockets,
                     const char *path, const char *list, uint32_t late_ms)
{
    struct nameservers *servers =
        calloc(1, sizeof(*servers) + NAMESERVERS_MAX * sizeof(servers->list[0]));
    if (servers == NULL)
        return -ENOMEM;
    int error = resolv_conf_read(&servers->conf, path, list);
    if (error) {
        free(servers);
        return error;
    }
    error = servers_open(servers, sockets, late_ms);
    if (error)
        nameservers_close(servers);
    else
        *ret_servers = servers;
    return error;
}

void nameservers_close(struct nameservers *servers)
{
    if (servers == NULL)
        return;
    for (uint32_t i = 0; i < servers->count; i++)
        if (servers->list[i].channel != NULL)
            ares_destroy(servers->list[i].channel);
    if (servers->hosts != NULL)
        ares_destroy(servers->hosts);
    resolv_conf_free(&servers->conf);
    free(servers);
}

/* --- whom to ask ------------------------------------------------------------------------------ */

static struct nameserver *pick(struct nameservers *servers, uint32_t first, uint32_t tried,
                               uint64_t now_ns, bool is_shunned)
{
    for (uint32_t i = 0; i < servers->count; i++) {
        struct nameserver *server = &servers->list[(first + i) % servers->count];
        if (!(tried & nameserver_bit(servers, server)) &&
            (server->asked_last_ns > now_ns) == is_shunned)
            return server;
    }
    return NULL;
}

struct nameserver *nameservers_pick(struct nameservers *servers, uint32_t first, uint32_t tried,
                                    uint64_t now_ns)
{
    struct nameserver *server = pick(servers, first, tried, now_ns, false);
    return server != NULL ? server : pick(servers, first, tried, now_ns, true);
}

void nameserver_shun(struct nameserver *server, uint64_t now_ns)
{
    server->asked_last_ns = now_ns + NAMESERVER_SHUNNED_NS;
}
