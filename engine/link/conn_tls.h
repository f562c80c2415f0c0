#ifndef ENGINE_LINK_CONN_TLS_H
#define ENGINE_LINK_CONN_TLS_H

/* The two halves of a connection: conn.c knows of requests and replies, conn_tls.c of the records
 * that carry them over https. Nobody else includes this. */

#include "engine/link/conn.h"
#include "engine/engine.h"

static inline struct conn *conn_at(struct engine *engine, uint32_t index)
{
    return &engine->conns[index];
}

static inline struct fetch *fetch_of(struct engine *engine, const struct conn *conn)
{
    return &engine->fetches[conn->fetch];
}

/* --- what conn.c asks for --------------------------------------------------------------------- */

/* The connection stands: begins the handshake, behind which the request goes. */
void conn_tls_begin(struct engine *engine, uint32_t index);

/* Sends bytes, and behind them body_rest. They must stay until the request is sent. */
void conn_tls_send(struct engine *engine, uint32_t index, const char *bytes, size_t length);

/* A send is through. False: there is more to send, or no request yet. */
bool conn_tls_on_send(struct engine *engine, uint32_t index);

/* Bytes came from the kernel. */
void conn_tls_on_receive(struct engine *engine, uint32_t index, struct span wire);

/* TLS has failed, and so does the connection, with what it has to say of it. */
void conn_tls_fail(struct engine *engine, uint32_t index);

/* Says close_notify where the connection is in order and nothing stands in the way. To be called
 * right before its descriptor is closed. */
void conn_tls_close(struct engine *engine, uint32_t index);

/* What was agreed on, into a result. */
void conn_tls_describe(const struct conn *conn, struct haul_result *result);

/* --- what conn_tls.c asks for ----------------------------------------------------------------- */

/* The connection can carry its request now. */
void conn_send_request(struct engine *engine, uint32_t index);

/* Bytes of a reply, as the server wrote them. */
void conn_take_bytes(struct engine *engine, uint32_t index, struct span in);

/* Nothing more will come: FIN, close_notify, or a failure (error is its errno, else 0). */
void conn_take_end(struct engine *engine, uint32_t index, int error);

/* Closes the connection and finishes its request. */
void conn_fail(struct engine *engine, uint32_t index, const struct failure *failure);

#endif
