#ifndef ENGINE_LINK_LINK_H
#define ENGINE_LINK_LINK_H

/* One byte stream to one place, plain or over TLS: connected, secured, sent on, received from,
 * closed. Links know neither HTTP nor requests: calls go down, and what becomes of them comes up as
 * events, which links_take() makes of the loop's completions. Nothing here calls back.
 *
 * A link is a slot of the loop. Its life: link_open(), LINK_CONNECTED, with TLS link_secure() and
 * LINK_READY, then link_send() and LINK_BYTES, and at last link_close(), after which LINK_CLOSED
 * comes and the slot is free. A link that has ended by itself (LINK_END) is still to be closed. */

#include "engine/failure.h"
#include "engine/link/secure.h"
#include "engine/loop/loop.h"
#include "engine/memory/store.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define NO_LINK UINT32_MAX

enum link_state {
    LINK_FREE,
    LINK_CONNECTING,
    LINK_SECURING, /* the TLS handshake */
    LINK_OPEN,
    LINK_CLOSING,
};

struct link {
    enum link_state state : 8;
    bool is_sending;        /* records are under way, and LOOP_SEND will tell */
    bool is_unsent;         /* LINK_SENT is still to tell of what was given to send */
    uint32_t record_block;  /* TLS records on their way; NO_BLOCK */
    uint32_t record_length; /* of those that are not with the loop yet */
    int send_error;         /* of a send that failed; 0 */
    struct tls *tls;        /* NULL: plain; its memory is secure's, by slot */
    struct span next;       /* of what is to be sent, what is to become records first, */
    struct span rest;       /* and what comes behind all that is under way */
};

struct source;

struct links {
    struct loop *loop;
    struct store *store;         /* a block for the records of each link */
    struct secure *secure;       /* NULL: no link is to be secured */
    struct link *list;           /* by slot, zero-filled at first */
    const struct source *source; /* may be set: where connections come from; else anywhere */
    bool is_curt;                /* may be set: links end without a close_notify of their own */
    uint64_t bytes_sent;         /* that the loop was given: over TLS records, but for last words */
    /* the receive whose events are being taken */
    uint32_t current; /* NO_LINK: none */
    struct span wire; /* what of it TLS has not seen */
    bool has_bytes;   /* TLS has seen more of it: what that has led to was not told yet */
    bool is_spent;    /* TLS takes no more of it */
    size_t plain_length;
};

enum link_event_kind {
    LINK_CONNECTED, /* without TLS it is ready with that */
    LINK_READY,     /* the handshake is done */
    LINK_BYTES,     /* bytes: what the peer said, until the next call */
    LINK_SENT,   /* all that was given to link_send() is with the kernel; or error: a send failed,
                    though the peer's answer, or the reason, may still be readable */
    LINK_END,    /* nothing more will come; end says how */
    LINK_CLOSED, /* the slot is free */
};

enum link_end {
    LINK_REFUSED, /* the connect failed: error */
    LINK_FIN,     /* an orderly end; over TLS by close_notify: see link_answer() */
    LINK_BROKEN,  /* the receive failed: error */
    LINK_CUT, /* over TLS a FIN without close_notify, or in the handshake: tls_failure() has it */
    LINK_BAD_TLS, /* the handshake or a record is wrong: tls_failure() has it */
    LINK_EARLY,   /* the peer went on with the handshake before it was its turn */
};

struct link_event {
    enum link_event_kind kind;
    enum link_end end;
    uint32_t link;
    int error; /* a positive errno */
    struct span bytes;
};

/* Sets up *links; list, store and secure must outlive them. */
void links_init(struct links *links, struct loop *loop, struct store *store, struct secure *secure,
                struct link *list);

/* The event of a LOOP_CONNECT, LOOP_SEND, LOOP_RECEIVE or LOOP_CLOSED; false: none. A receive over
 * TLS may have several: links_next() has the others, until false. Between them the link may be
 * closed, then no further one comes. */
static inline bool links_take(struct links *links, const struct completion *completion,
                              struct link_event *ret_event);
static inline bool links_next(struct links *links, struct link_event *ret_event);

/* Opens a socket of the address's family for a free slot, and connects it. address must stay until
 * the next event. Errors: those of socket() and bind(); the slot is free then as before. */
int link_open(struct links *links, uint32_t index, const struct sockaddr *address,
              socklen_t length);

/* Begins the handshake of a link that has just connected, and receives. Returns false where there
 * is no entropy, or no memory. */
bool link_secure(struct links *links, uint32_t index, const struct secure_peer *peer);

/* Sends bytes, and rest behind them, one at a time a link. True: all is with the kernel, and bytes
 * and rest are the caller's again as those of loop_send() are; else LINK_SENT says so, or that it
 * failed. */
static inline bool link_send(struct links *links, uint32_t index, struct span bytes,
                             struct span rest);

/* Is anything of it not with the kernel yet? Then LINK_SENT is still to come. */
static inline bool link_is_sending(struct links *links, uint32_t index);

/* What an end says of itself that TLS brought about: LINK_CUT, LINK_BAD_TLS, LINK_EARLY, or a
 * LINK_FIN in the handshake. */
struct failure link_failure(const struct links *links, const struct link_event *event);

/* An error that says: this process, or the machine, has no descriptor or memory left for now. */
bool link_is_shortage(int error);

/* Nothing is sent and nothing is awaited: gives back what a busy link needs. */
static inline void link_rest(struct links *links, uint32_t index);

/* Over TLS, a part of a record has come, and its rest has not. */
static inline bool link_is_inside_record(const struct links *links, uint32_t index);

/* What comes unasked need not be data: it is to be taken in. */
static inline bool link_speaks_at_rest(const struct links *links, uint32_t index);

/* After a LINK_FIN by close_notify: answers it, where the link is not closed yet but waits for the
 * peer's own FIN, which comes as another LINK_FIN. */
void link_answer(struct links *links, uint32_t index);

/* Over TLS says close_notify, where the stream is in order; then closes. LINK_CLOSED follows. */
void link_close(struct links *links, uint32_t index);

/* Before the loop is closed, which takes the descriptors: the last word of a link that is not free,
 * and the end of its keys. */
void link_deinit(struct links *links, uint32_t index);

static inline struct link *link_at(const struct links *links, uint32_t index)
{
    return &links->list[index];
}

/* --- the half of a link that knows of records (link_tls.c), for link.c alone ------------------ */

/* The one way to the loop, for both halves. */
static inline void link_hand_over(struct links *links, uint32_t index, struct span bytes)
{
    links->bytes_sent += bytes.length;
    loop_send(links->loop, index, bytes.bytes, bytes.length);
}

/* Makes records of what is to be sent, and sends them, where none are under way. True: nothing of
 * it is left, and no LOOP_SEND will come. */
bool link_tls_send(struct links *links, uint32_t index);

/* The next event of the receive that links->wire is left of; false: it has no more. */
bool link_tls_next(struct links *links, struct link_event *ret_event);

/* Says close_notify where the stream is in order and nothing stands in the way. */
void link_tls_notify(struct links *links, uint32_t index);

/* --- what is done at each request, and is mostly little --------------------------------------- */

bool links_take_any(struct links *links, const struct completion *completion,
                    struct link_event *ret_event);
bool link_send_any(struct links *links, uint32_t index, struct span bytes, struct span rest);

/* Of plain bytes, nothing else of the event is set. */
static inline bool links_take(struct links *links, const struct completion *completion,
                              struct link_event *ret_event)
{
    bool is_bytes = completion->op == LOOP_RECEIVE && completion->result > 0;
    const struct link *link = link_at(links, completion->slot);
    if (!is_bytes || link->tls)
        return links_take_any(links, completion, ret_event);
    assert(link->state == LINK_OPEN); /* or it is of an earlier life of the slot */
    ret_event->kind = LINK_BYTES;
    ret_event->link = completion->slot;
    ret_event->bytes = (struct span){completion->bytes, (size_t)completion->result};
    return true;
}

static inline bool links_next(struct links *links, struct link_event *ret_event)
{
    return links->current != NO_LINK && link_tls_next(links, ret_event);
}

/* What is short, whole and plain is through with the loop's own send. */
static inline bool link_send(struct links *links, uint32_t index, struct span bytes,
                             struct span rest)
{
    struct link *link = link_at(links, index);
    assert(link->state == LINK_OPEN);
    if (link->tls || rest.length > 0 || bytes.length > LOOP_SILENT_BYTES)
        return link_send_any(links, index, bytes, rest);
    link->is_unsent = false;
    link->rest.length = 0;
    link_hand_over(links, index, bytes);
    return true;
}

static inline bool link_is_sending(struct links *links, uint32_t index)
{
    struct link *link = link_at(links, index);
    if (!link->is_unsent && !loop_is_sending(links->loop, index))
        return false;
    link->is_unsent = true;
    return true;
}

static inline void link_rest(struct links *links, uint32_t index)
{
    struct link *link = link_at(links, index);
    if (link->record_block == NO_BLOCK)
        return;
    if (link->state == LINK_OPEN && loop_is_sending(links->loop, index))
        return; /* what answered the server's new keys; the next rest gives it back */
    assert(!link->is_sending || link->state == LINK_CLOSING); /* the kernel reads it */
    store_give(links->store, link->record_block);
    link->record_block = NO_BLOCK;
}

static inline bool link_is_inside_record(const struct links *links, uint32_t index)
{
    const struct link *link = link_at(links, index);
    return link->tls && tls_is_inside_record(link->tls);
}

static inline bool link_speaks_at_rest(const struct links *links, uint32_t index)
{
    const struct link *link = link_at(links, index);
    return link->tls && tls_speaks_at_rest(link->tls);
}

#endif
