/* Owns what https adds to a connection: records out, records in, and the handshake before them. The
 * hard idea is the order of sends. A connection has one send at a time, and records cannot be taken
 * back once they are made: so everything that waits goes into one block, which is handed to the
 * kernel whole, and nothing is added to it until it is through. */

#include "engine/link/conn_tls.h"

#include <string.h>

/* --- sending ---------------------------------------------------------------------------------- */

/* Everything that TLS has to send goes into one block, and from there to the kernel: the records'
 * own memory is free again for what follows, once nothing else is under way. The end of a long
 * request is never a silent send: the server may answer before it, and it would be lost. */
static void gather_records(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    if (conn->is_sending)
        return;
    size_t left = conn->record_length + tls_wire_out(conn->tls).length + conn->plain_length +
                  conn->body_rest_length;
    if (left == 0) /* an idle connection has no block */
        return;
    conn->is_sending = loop_is_sending(engine->loop, index);
    if (conn->is_sending)
        return;
    if (conn->record_block == NO_BLOCK)
        conn->record_block = store_take(&engine->store);
    char *bytes = store_block(&engine->store, conn->record_block)->bytes;
    bool has_small_rest = left > BLOCK_BYTES - 256 && left <= BLOCK_BYTES + LOOP_SILENT_BYTES;
    size_t size = has_small_rest ? BLOCK_BYTES / 2 : BLOCK_BYTES;
    for (;;) {
        struct span wire = tls_wire_out(conn->tls);
        size_t room = conn->record_length < size ? size - conn->record_length : 0;
        size_t fits = wire.length < room ? wire.length : room;
        if (fits > 0)
            memcpy(bytes + conn->record_length, wire.bytes, fits);
        tls_wire_sent(conn->tls, fits);
        conn->record_length += (uint32_t)fits;
        if (fits < wire.length)
            return;
        if (conn->plain_length == 0) { /* all that is left of the request: one send ends it */
            conn->plain = conn->body_rest;
            conn->plain_length = conn->body_rest_length;
            conn->body_rest_length = 0;
        }
        size_t taken = tls_plain_in(conn->tls, (struct span){conn->plain, conn->plain_length});
        conn->plain += taken;
        conn->plain_length -= taken;
        if (wire.length == 0 && taken == 0)
            return;
    }
}

static void send_records(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    size_t length = 0;
    gather_records(engine, index);
    if (!conn->is_sending)
        length = conn->record_length;
    if (length == 0)
        return;
    conn->record_length = 0;
    conn->is_sending = length > LOOP_SILENT_BYTES;
    loop_send(engine->loop, index, store_block(&engine->store, conn->record_block)->bytes, length);
}

void conn_tls_send(struct engine *engine, uint32_t index, const char *bytes, size_t length)
{
    struct conn *conn = conn_at(engine, index);
    conn->plain = bytes;
    conn->plain_length = length;
    send_records(engine, index);
    conn->is_sent = !conn->is_sending && conn->plain_length == 0 && conn->body_rest_length == 0;
    if (conn->is_sent)
        fetch_of(engine, conn)->sent_ns = engine->now_ns;
}

bool conn_tls_on_send(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    conn->is_sending = false;
    send_records(engine, index);
    return !conn->is_sending && conn->state != CONN_TLS;
}

/* --- beginning and ending --------------------------------------------------------------------- */

void conn_tls_begin(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    struct origin *origin = &engine->origins.list[conn->origin];
    struct failure failure = {HAUL_TLS, "the kernel gives no entropy", 0};
    conn->state = CONN_TLS;
    fetch_of(engine, conn)->connected_ns = engine->now_ns;
    int error =
        secure_open(&engine->secure, &engine->options, engine->budget.conns, &failure.message);
    if (!error)
        conn->tls =
            secure_begin(&engine->secure, index, (struct span){origin->host, origin->host_length},
                         origin->has_session ? &origin->session : NULL);
    if (!conn->tls) {
        failure.os_error = -error;
        conn_fail(engine, index, &failure);
        return;
    }
    send_records(engine, index);
    loop_receive(engine->loop, index);
}

void conn_tls_describe(const struct conn *conn, struct haul_result *result)
{
    struct tls_facts facts = tls_facts(conn->tls);
    result->tls_version = facts.version;
    result->tls_suite = facts.suite;
    result->tls_resumed = facts.is_resumed;
    result->tls_verification = facts.is_verified ? "ok" : verify_sentence(facts.verdict);
}

/* The handshake is done: its facts and its session are kept, and the request may go. */
static void handshake_done(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    struct origin *origin = &engine->origins.list[conn->origin];
    origin->has_session = tls_get_session(conn->tls, &origin->session);
    secure_log_keys(&engine->secure, conn->tls);
    conn_send_request(engine, index);
}

void conn_tls_fail(struct engine *engine, uint32_t index)
{
    const struct conn *conn = conn_at(engine, index);
    struct tls_failure tls = tls_failure(conn->tls);
    struct failure failure = {HAUL_TLS, tls.sentence, 0};
    if (conn->fetch == NO_FETCH) {
        conn_close(engine, index);
        return;
    }
    if (tls.error == TLS_CERTIFICATE)
        fetch_of(engine, conn)->result.tls_verification = tls.sentence;
    conn_fail(engine, index, &failure);
}

/* Whoever ends a connection has to say so (RFC 5246, 7.2.1); the answer need not be awaited. What
 * is not a whole stream of records so far, or not through, has no good end either. */
void conn_tls_close(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    enum tls_state state = tls_state(conn->tls);
    bool is_in_order = !conn->is_sending && !conn->send_error && conn->record_length == 0;
    if ((state != TLS_OPEN && state != TLS_CLOSED) || !is_in_order)
        return;
    tls_close(conn->tls);
    struct span wire = tls_wire_out(conn->tls);
    if (wire.length > 0)
        loop_send_last(engine->loop, index, wire.bytes, wire.length);
}

/* --- receiving -------------------------------------------------------------------------------- */

/* What the records that were taken have led to. False: the connection is closed. */
static bool advance(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    switch (tls_state(conn->tls)) {
    case TLS_HANDSHAKE:
    case TLS_OPEN:
        gather_records(engine, index); /* of a resumed handshake, our flight is the last */
        if (conn->state == CONN_TLS && tls_state(conn->tls) == TLS_OPEN)
            handshake_done(engine, index);
        else
            send_records(engine, index);
        break;
    case TLS_CLOSING:
    case TLS_CLOSED:
        conn_take_end(engine, index, 0);
        break;
    case TLS_FAILED:
        conn_tls_fail(engine, index);
        break;
    }
    return conn->state != CONN_CLOSING;
}

/* Wire bytes to plain ones. TLS takes none only where a handshake flight waits to be sent, which no
 * honest server answers before it is complete. Behind a complete reply, part of a record is the
 * begin of what nobody asked for. */
void conn_tls_on_receive(struct engine *engine, uint32_t index, struct span wire)
{
    static const struct failure early = {
        HAUL_TLS, "the server went on with the handshake before it was its turn", 0};
    struct conn *conn = conn_at(engine, index);
    for (;;) {
        size_t taken = tls_wire_in(conn->tls, wire);
        struct span plain = tls_plain_out(conn->tls);
        wire = (struct span){wire.bytes + taken, wire.length - taken};
        if (plain.length > 0) {
            conn_take_bytes(engine, index, plain);
            if (conn->state == CONN_CLOSING)
                return;
            tls_plain_taken(conn->tls, plain.length);
        }
        if (!advance(engine, index))
            return;
        if (wire.length == 0)
            break;
        if (taken == 0 && plain.length == 0)
            break;
    }
    if (wire.length == 0 && !(conn->state == CONN_IDLE && tls_is_inside_record(conn->tls)))
        return;
    if (conn->fetch == NO_FETCH)
        conn_close(engine, index);
    else
        conn_fail(engine, index, &early);
}
