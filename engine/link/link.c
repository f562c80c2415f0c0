/* Owns the links: sockets from connect to close, and what of sends is not through.
 *
 * The hard idea is who is told of a send. Short ones are silent where they fit, and then nobody is
 * told (loop.h has the rule); what is given to link_send() may besides be two pieces, or become
 * several sends of records. So link_send() says whether anything is still to come, and so does
 * link_is_sending() later; LINK_SENT comes exactly where one of them said so, or where a silent
 * send has failed after all. */

#include "engine/link/link.h"
#include "engine/link/source.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

void links_init(struct links *links, struct loop *loop, struct store *store, struct secure *secure,
                struct link *list)
{
    *links = (struct links){
        .loop = loop, .store = store, .secure = secure, .list = list, .current = NO_LINK};
}

/* --- opening and closing ---------------------------------------------------------------------- */

int link_open(struct links *links, uint32_t index, const struct sockaddr *address, socklen_t length)
{
    int on = 1;
    struct link *link = link_at(links, index);
    assert(link->state == LINK_FREE && !link->tls);
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0)
        return -errno;
    int error = links->source ? source_bind(links->source, fd, address->sa_family) : 0;
    if (error) {
        close(fd);
        return -error;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *link = (struct link){.state = LINK_CONNECTING, .record_block = NO_BLOCK};
    loop_attach(links->loop, index, fd);
    loop_connect(links->loop, index, address, length);
    return 0;
}

bool link_is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

bool link_secure(struct links *links, uint32_t index, const struct secure_peer *peer)
{
    struct link *link = link_at(links, index);
    assert(link->state == LINK_OPEN && !link->tls);
    link->tls = secure_begin(links->secure, index, peer);
    if (!link->tls)
        return false;
    link->state = LINK_SECURING;
    link_tls_send(links, index);
    loop_receive(links->loop, index);
    return true;
}

void link_close(struct links *links, uint32_t index)
{
    struct link *link = link_at(links, index);
    assert(link->state != LINK_FREE && link->state != LINK_CLOSING);
    if (links->current == index)
        links->current = NO_LINK;
    if (link->tls && !links->is_curt)
        link_tls_notify(links, index);
    link->state = LINK_CLOSING;
    loop_close_slot(links->loop, index);
}

void link_answer(struct links *links, uint32_t index)
{
    if (link_at(links, index)->tls)
        link_tls_send(links, index);
}

static void link_end_tls(struct link *link)
{
    if (link->tls)
        tls_deinit(link->tls);
    link->tls = NULL;
}

void link_deinit(struct links *links, uint32_t index)
{
    struct link *link = link_at(links, index);
    if (link->tls && link->state != LINK_CLOSING && !links->is_curt)
        link_tls_notify(links, index);
    link_end_tls(link);
}

/* --- sending ---------------------------------------------------------------------------------- */

bool link_send_any(struct links *links, uint32_t index, struct span bytes, struct span rest)
{
    struct link *link = link_at(links, index);
    bool is_through = bytes.length <= LOOP_SILENT_BYTES && rest.length == 0;
    assert(!link->is_unsent);
    link->rest = rest;
    if (link->tls) {
        link->next = bytes;
        is_through = link_tls_send(links, index);
    } else {
        link_hand_over(links, index, bytes);
    }
    link->is_unsent = !is_through;
    return is_through;
}

/* Sends what is behind what is through. True: nothing is. */
static bool send_on(struct links *links, uint32_t index)
{
    struct link *link = link_at(links, index);
    struct span rest = link->rest;
    assert(link->state == LINK_OPEN || link->state == LINK_SECURING);
    link->is_sending = false;
    if (link->tls)
        return link_tls_send(links, index);
    link->rest.length = 0;
    if (rest.length > 0)
        link_hand_over(links, index, rest);
    return rest.length == 0;
}

/* --- events ----------------------------------------------------------------------------------- */

static bool tell(struct link_event *ret, enum link_event_kind kind, uint32_t index, int error)
{
    *ret = (struct link_event){.kind = kind, .link = index, .error = error};
    return true;
}

static bool tell_end(struct link_event *ret, enum link_end end, uint32_t index, int error)
{
    *ret = (struct link_event){.kind = LINK_END, .end = end, .link = index, .error = error};
    return true;
}

static bool on_connect(struct links *links, uint32_t index, int32_t result, struct link_event *ret)
{
    assert(link_at(links, index)->state == LINK_CONNECTING);
    if (result < 0)
        return tell_end(ret, LINK_REFUSED, index, -result);
    link_at(links, index)->state = LINK_OPEN;
    return tell(ret, LINK_CONNECTED, index, 0);
}

static bool on_send(struct links *links, uint32_t index, int32_t result, struct link_event *ret)
{
    struct link *link = link_at(links, index);
    assert(link->state == LINK_OPEN || link->state == LINK_SECURING);
    if (result < 0) {
        link->send_error = -result;
        link->is_unsent = false;
        return tell(ret, LINK_SENT, index, -result);
    }
    if (!send_on(links, index) || !link->is_unsent)
        return false;
    link->is_unsent = false;
    return tell(ret, LINK_SENT, index, 0);
}

static bool on_end(struct links *links, uint32_t index, int32_t result, struct link_event *ret)
{
    struct link *link = link_at(links, index);
    assert(link->state == LINK_OPEN || link->state == LINK_SECURING);
    if (link->tls)
        tls_wire_end(link->tls);
    if (result < 0)
        return tell_end(ret, LINK_BROKEN, index, -result);
    bool is_cut = link->tls && tls_state(link->tls) == TLS_FAILED;
    return tell_end(ret, is_cut ? LINK_CUT : LINK_FIN, index, 0);
}

static bool on_receive(struct links *links, const struct completion *completion,
                       struct link_event *ret)
{
    uint32_t index = completion->slot;
    if (completion->result <= 0)
        return on_end(links, index, completion->result, ret);
    assert(link_at(links, index)->tls); /* links_take() has the others */
    assert(link_at(links, index)->state != LINK_CLOSING && links->current == NO_LINK);
    links->current = index;
    links->wire = (struct span){completion->bytes, (size_t)completion->result};
    links->has_bytes = links->is_spent = false;
    links->plain_length = 0;
    return link_tls_next(links, ret);
}

static bool on_closed(struct links *links, uint32_t index, struct link_event *ret)
{
    struct link *link = link_at(links, index);
    assert(link->state == LINK_CLOSING && links->current != index);
    link_rest(links, index);
    link_end_tls(link);
    link->state = LINK_FREE;
    return tell(ret, LINK_CLOSED, index, 0);
}

struct failure link_failure(const struct links *links, const struct link_event *event)
{
    static const char early[] = "the server went on with the handshake before it was its turn";
    if (event->end == LINK_EARLY)
        return (struct failure){HAUL_TLS, early, 0};
    return (struct failure){HAUL_TLS, tls_failure(link_at(links, event->link)->tls).sentence, 0};
}

bool links_take_any(struct links *links, const struct completion *completion,
                    struct link_event *ret_event)
{
    uint32_t index = completion->slot;
    switch (completion->op) {
    case LOOP_CONNECT:
        return on_connect(links, index, completion->result, ret_event);
    case LOOP_SEND:
        return on_send(links, index, completion->result, ret_event);
    case LOOP_RECEIVE:
        return on_receive(links, completion, ret_event);
    case LOOP_CLOSED:
        return on_closed(links, index, ret_event);
    case LOOP_ACCEPT:
    case LOOP_READY:
    case LOOP_TICK:
    case LOOP_WAKE:
        break;
    }
    return false;
}
