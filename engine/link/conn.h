#ifndef ENGINE_LINK_CONN_H
#define ENGINE_LINK_CONN_H

/* One connection: a handler a completion, and what begins, pauses and ends it. */

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
    uint32_t next; /* of its origin's idle, or resolving, connections, or of those in line */
    uint32_t previous;
    uint32_t newer; /* of all idle connections */
    uint32_t older;
    uint32_t requests;      /* sent on it */
    uint32_t carry;         /* the block of a head that came in several pieces; NO_BLOCK */
    struct tls *tls;        /* NULL: plain; its memory is the engine's, by slot */
    uint32_t record_block;  /* TLS records on their way; NO_BLOCK */
    uint32_t record_length; /* of those that are not with the kernel yet */
    const char *plain;      /* what of the request is to become records yet */
    size_t plain_length;
    uint32_t request_block; /* of a request longer than `request`; NO_BLOCK */
    int send_error;
    bool has_socket : 1;
    bool is_sending : 1; /* of TLS records: a send that will tell when it is through */
    bool is_sent : 1;    /* the whole request is with the kernel */
    bool is_waiting : 1; /* to receive, in the line of pressure.c: next and previous are its */
    bool is_armed : 1;   /* to receive once */
    bool asks_close : 1;
    const char *body_rest; /* of the request's body, still to be sent */
    size_t body_rest_length;
    struct reply reply;
    char request[CONN_REQUEST_INLINE];
};

struct engine;

/* Begins the fetch on a connection to its origin: an idle one (unless it is being sent again), or a
 * new one. False: no connection may be opened now. A failure finishes the fetch and is true. */
bool conn_begin(struct engine *engine, uint32_t fetch);

void conn_on_connect(struct engine *engine, uint32_t index, int32_t result);
void conn_on_send(struct engine *engine, uint32_t index, int32_t result);
void conn_on_receive(struct engine *engine, uint32_t index, int32_t result, const char *bytes);
void conn_on_closed(struct engine *engine, uint32_t index);
void conn_on_deadline(struct engine *engine, uint32_t index);

/* The addresses of an origin are known, or could not be found. */
void conn_on_addresses(struct engine *engine, const struct resolver_answer *answer);

/* Takes the connection out of every list and closes it. Its fetch is the caller's to finish. */
void conn_close(struct engine *engine, uint32_t index);

/* Before the loop is closed, which takes the descriptors: the last word of a connection, and the
 * end of its keys. */
void conn_deinit(struct engine *engine, uint32_t index);

/* Where on the trip the connection's request is. */
enum haul_stage conn_stage(const struct conn *conn);

#endif
