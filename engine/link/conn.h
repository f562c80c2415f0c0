#ifndef ENGINE_LINK_CONN_H
#define ENGINE_LINK_CONN_H

/* One connection: an exchange of request and reply on a link, or a link at rest. Its slot is its
 * link's. */

#include "engine/haul.h"
#include "engine/loop/loop.h"
#include "engine/link/origin.h"
#include "proto/http/reply.h"

#include <stdbool.h>
#include <stdint.h>

enum { CONN_REQUEST_INLINE = 224 };

enum conn_state {
    CONN_FREE,
    CONN_RESOLVING, /* waits for its origin's addresses */
    CONN_CONNECTING,
    CONN_TLS,  /* the handshake */
    CONN_HEAD, /* the request is on its way, the reply's head is awaited */
    CONN_BODY,
    CONN_IDLE,
    CONN_CLOSING,
};

struct conn {
    enum conn_state state;
    uint32_t fetch;
    uint32_t origin;
    uint32_t next; /* of its origin's idle, or resolving, connections */
    uint32_t previous;
    uint32_t newer; /* of all idle connections */
    uint32_t older;
    uint32_t requests;      /* sent on it */
    uint32_t carry;         /* the block of a head that came in several pieces; NO_BLOCK */
    uint32_t request_block; /* of a request longer than `request`; NO_BLOCK */
    bool is_sent : 1;       /* the whole request is with the kernel */
    bool asks_close : 1;
    struct reply reply;
    char request[CONN_REQUEST_INLINE];
};

struct engine;

/* Begins the fetch on a connection to its origin: an idle one (unless it is being sent again), or a
 * new one. False: no connection may be opened now. A failure finishes the fetch and is true. */
bool conn_begin(struct engine *engine, uint32_t fetch);

/* What the loop says of a connection: made into events of its link, each of which has a handler. */
void conn_take(struct engine *engine, const struct completion *completion);
void conn_take_receive(struct engine *engine, const struct completion *completion);
void conn_on_deadline(struct engine *engine, uint32_t index);

/* The addresses of an origin are known, or could not be found. */
void conn_on_addresses(struct engine *engine, const struct resolver_answer *answer);

/* Takes the connection out of every list and closes it. Its fetch is the caller's to finish. */
void conn_close(struct engine *engine, uint32_t index);

static inline bool conn_awaits_reply(const struct conn *conn)
{
    return conn->state == CONN_HEAD || conn->state == CONN_BODY;
}

/* Where on the trip the connection's request is. */
enum haul_stage conn_stage(const struct conn *conn);

#endif
