/* Owns what TLS adds to a link: records out, records in, and the handshake before them. The hard
 * idea is the order of sends. A link has one send at a time, and records cannot be taken back once
 * they are made: so everything that waits goes into one block, which is handed to the kernel whole,
 * and nothing is added to it until it is through. */

#include "engine/link/link.h"

#include <assert.h>
#include <string.h>

/* --- sending ---------------------------------------------------------------------------------- */

static void take(struct span *span, size_t length)
{
    span->bytes += length;
    span->length -= length;
}

/* Fills the block's first size bytes with records, as far as there is something to send. */
static void fill_block(struct link *link, char *block, size_t size)
{
    for (;;) {
        struct span wire = tls_wire_out(link->tls);
        assert(link->record_length <= BLOCK_BYTES);
        size_t room = link->record_length < size ? size - link->record_length : 0;
        size_t fits = wire.length < room ? wire.length : room;
        if (fits > 0)
            memcpy(block + link->record_length, wire.bytes, fits);
        tls_wire_sent(link->tls, fits);
        link->record_length += (uint32_t)fits;
        if (fits < wire.length)
            return;
        if (link->next.length == 0) { /* all that is left: one send ends it */
            link->next = link->rest;
            link->rest.length = 0;
        }
        size_t taken = tls_plain_in(link->tls, link->next);
        take(&link->next, taken);
        if (wire.length == 0 && taken == 0)
            return;
    }
}

/* Everything that TLS has to send goes into one block, and from there to the kernel: the records'
 * own memory is free again for what follows, once nothing else is under way. The end of what is
 * long is never a silent send: the peer may answer before it, and it would be lost. */
static void gather_records(struct links *links, uint32_t index)
{
    struct link *link = link_at(links, index);
    if (link->is_sending)
        return;
    size_t left = link->record_length + tls_wire_out(link->tls).length + link->next.length +
                  link->rest.length;
    if (left == 0) /* a link at rest has no block */
        return;
    link->is_sending = loop_is_sending(links->loop, index);
    if (link->is_sending)
        return;
    if (link->record_block == NO_BLOCK)
        link->record_block = store_take(links->store);
    bool has_small_rest = left > BLOCK_BYTES - 256 && left <= BLOCK_BYTES + LOOP_SILENT_BYTES;
    fill_block(link, store_block(links->store, link->record_block)->bytes,
               has_small_rest ? BLOCK_BYTES / 2 : BLOCK_BYTES);
}

bool link_tls_send(struct links *links, uint32_t index)
{
    struct link *link = link_at(links, index);
    gather_records(links, index);
    size_t length = link->is_sending ? 0 : link->record_length;
    if (length > 0) {
        assert(!link->is_sending && link->record_block != NO_BLOCK);
        const char *records = store_block(links->store, link->record_block)->bytes;
        link->record_length = 0;
        link->is_sending = length > LOOP_SILENT_BYTES;
        link_hand_over(links, index, (struct span){records, length});
    }
    return !link->is_sending && link->next.length == 0 && link->rest.length == 0;
}

/* Whoever ends a connection has to say so (RFC 5246, 7.2.1); the answer need not be awaited. What
 * is not a whole stream of records so far, or not through, has no good end either. */
void link_tls_notify(struct links *links, uint32_t index)
{
    struct link *link = link_at(links, index);
    enum tls_state state = tls_state(link->tls);
    bool is_in_order = !link->is_sending && !link->send_error && link->record_length == 0;
    if ((state != TLS_OPEN && state != TLS_CLOSED) || !is_in_order)
        return;
    tls_close(link->tls);
    struct span wire = tls_wire_out(link->tls);
    if (wire.length > 0)
        loop_send_last(links->loop, index, wire.bytes, wire.length);
}

/* --- receiving -------------------------------------------------------------------------------- */

static bool tell(struct link_event *ret, enum link_event_kind kind, uint32_t index)
{
    *ret = (struct link_event){.kind = kind, .link = index};
    return true;
}

/* The last event of a receive: what follows of it is nobody's. */
static bool tell_end(struct links *links, struct link_event *ret, enum link_end end)
{
    *ret = (struct link_event){.kind = LINK_END, .end = end, .link = links->current};
    links->current = NO_LINK;
    return true;
}

/* Says once that the handshake is done. What came behind it, and what of it is to be sent yet, is
 * looked at after that: the caller need not send anything. */
static bool tell_ready(struct links *links, struct link *link, struct link_event *ret)
{
    if (link->state != LINK_SECURING || tls_state(link->tls) != TLS_OPEN)
        return false;
    link->state = LINK_OPEN;
    links->has_bytes = links->is_spent = false;
    return tell(ret, LINK_READY, links->current);
}

/* Wire bytes to plain ones. True: there are some, or there may be from now on. */
static bool take_wire(struct links *links, struct link *link, struct link_event *ret)
{
    size_t taken = tls_wire_in(link->tls, links->wire);
    struct span plain = tls_plain_out(link->tls);
    take(&links->wire, taken);
    if (tell_ready(links, link, ret))
        return true;
    links->has_bytes = true;
    links->is_spent = links->wire.length == 0 || (taken == 0 && plain.length == 0);
    links->plain_length = plain.length;
    if (plain.length == 0)
        return false;
    *ret = (struct link_event){.kind = LINK_BYTES, .link = links->current, .bytes = plain};
    return true;
}

/* What the records that were taken have led to. True: to an event. */
static bool decide(struct links *links, struct link *link, struct link_event *ret)
{
    uint32_t index = links->current;
    links->has_bytes = false;
    if (links->plain_length > 0)
        tls_plain_taken(link->tls, links->plain_length);
    switch (tls_state(link->tls)) {
    case TLS_HANDSHAKE:
    case TLS_OPEN:
        break;
    case TLS_CLOSING:
    case TLS_CLOSED:
        return tell_end(links, ret, LINK_FIN);
    case TLS_FAILED:
        return tell_end(links, ret, LINK_BAD_TLS);
    }
    if (link->state == LINK_SECURING) {
        gather_records(links, index); /* of a resumed handshake, our flight is the last */
        if (tell_ready(links, link, ret))
            return true;
    }
    link_tls_send(links, index);
    return false;
}

/* TLS takes nothing only where a handshake flight waits to be sent, which no honest peer answers
 * before it is complete. */
bool link_tls_next(struct links *links, struct link_event *ret_event)
{
    struct link *link = link_at(links, links->current);
    assert(link->tls && (link->state == LINK_OPEN || link->state == LINK_SECURING));
    for (;;) {
        if (links->has_bytes) {
            if (decide(links, link, ret_event))
                return true;
        } else if (!links->is_spent) {
            if (take_wire(links, link, ret_event))
                return true;
        } else if (links->wire.length > 0) {
            return tell_end(links, ret_event, LINK_EARLY);
        } else {
            links->current = NO_LINK;
            return false;
        }
    }
}
