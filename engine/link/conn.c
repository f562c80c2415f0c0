/* Owns the connections. Each completion has one handler, which treats failure first, then takes
 * what came, then asks the loop for what is next. The hard idea is what may be reused: only a
 * connection whose reply ended exactly where its framing said, with the request sent to its end and
 * nothing behind the reply, becomes idle; every other one is closed. */

#include "engine/link/conn_tls.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum haul_stage conn_stage(const struct conn *conn)
{
    switch (conn->state) {
    case CONN_RESOLVING:
        return HAUL_STAGE_RESOLVE;
    case CONN_CONNECTING:
        return HAUL_STAGE_CONNECT;
    case CONN_TLS:
        return HAUL_STAGE_TLS;
    case CONN_HEAD:
        return conn->is_sent || conn->reply.has_begun ? HAUL_STAGE_HEAD : HAUL_STAGE_SEND;
    case CONN_BODY:
        return HAUL_STAGE_BODY;
    case CONN_FREE:
    case CONN_IDLE:
    case CONN_CLOSING:
        break;
    }
    return HAUL_STAGE_QUEUE;
}

/* --- lists of connections --------------------------------------------------------------------- */

static void list_push(struct engine *engine, uint32_t *list, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    conn->previous = NO_CONN;
    conn->next = *list;
    if (conn->next != NO_CONN)
        conn_at(engine, conn->next)->previous = index;
    *list = index;
}

static void list_remove(struct engine *engine, uint32_t *list, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    if (conn->previous == NO_CONN)
        *list = conn->next;
    else
        conn_at(engine, conn->previous)->next = conn->next;
    if (conn->next != NO_CONN)
        conn_at(engine, conn->next)->previous = conn->previous;
}

static void idle_push(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    conn->state = CONN_IDLE;
    list_push(engine, &engine->origins.list[conn->origin].idle, index);
    conn->newer = NO_CONN;
    conn->older = engine->idle_newest;
    if (engine->idle_newest == NO_CONN)
        engine->idle_oldest = index;
    else
        conn_at(engine, engine->idle_newest)->newer = index;
    engine->idle_newest = index;
}

static void idle_remove(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    list_remove(engine, &engine->origins.list[conn->origin].idle, index);
    if (conn->older == NO_CONN)
        engine->idle_oldest = conn->newer;
    else
        conn_at(engine, conn->older)->newer = conn->newer;
    if (conn->newer == NO_CONN)
        engine->idle_newest = conn->older;
    else
        conn_at(engine, conn->newer)->older = conn->older;
}

/* --- ending ----------------------------------------------------------------------------------- */

static void block_drop(struct engine *engine, uint32_t *block)
{
    if (*block != NO_BLOCK)
        store_give(&engine->store, *block);
    *block = NO_BLOCK;
}

/* With the last one that waits for the addresses their lookup goes, which may not have begun. */
static void resolving_remove(struct engine *engine, uint32_t origin_index, uint32_t index)
{
    struct origin *origin = &engine->origins.list[origin_index];
    list_remove(engine, &origin->waiting, index);
    if (origin->waiting != NO_CONN || origin->state != ORIGIN_RESOLVING)
        return;
    resolver_forget(engine->resolver, origin->lookup);
    origin->state = ORIGIN_UNKNOWN;
}

void conn_close(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    enum conn_state state = conn->state;
    assert(state != CONN_FREE && state != CONN_CLOSING);
    if (state == CONN_IDLE)
        idle_remove(engine, index);
    if (state == CONN_RESOLVING)
        resolving_remove(engine, conn->origin, index);
    if (conn->is_waiting || conn->is_armed)
        pressure_leave(engine, index);
    deadline_clear(&engine->deadlines, index);
    block_drop(engine, &conn->carry);
    origin_release(&engine->origins, conn->origin);
    engine->open--;
    conn->fetch = NO_FETCH;
    conn->state = CONN_CLOSING;
    if (conn->tls)
        conn_tls_close(engine, index);
    if (conn->has_socket)
        loop_close_slot(engine->loop, index);
    else
        conn_on_closed(engine, index);
}

void conn_on_closed(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    assert(conn->state == CONN_CLOSING);
    block_drop(engine, &conn->request_block);
    block_drop(engine, &conn->record_block);
    if (conn->tls)
        tls_deinit(conn->tls);
    conn->tls = NULL;
    conn->state = CONN_FREE;
    slab_give(&engine->conn_slab, index);
    engine->lacks_descriptors = false;
}

void conn_deinit(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    if (!conn->tls)
        return;
    if (conn->state != CONN_CLOSING)
        conn_tls_close(engine, index);
    tls_deinit(conn->tls);
}

void conn_fail(struct engine *engine, uint32_t index, const struct failure *failure)
{
    uint32_t fetch = conn_at(engine, index)->fetch;
    enum haul_stage stage = conn_stage(conn_at(engine, index));
    conn_close(engine, index);
    fetch_finish(engine, fetch, stage, failure);
}

static void conn_fail_protocol(struct engine *engine, uint32_t index, enum proto_error error)
{
    struct failure failure = failure_of(error);
    conn_fail(engine, index, &failure);
}

void conn_on_deadline(struct engine *engine, uint32_t index)
{
    static const struct failure resolve_timeout = {
        HAUL_DEADLINE, "the name had no answer within the connect timeout", ETIMEDOUT};
    static const struct failure connect_timeout = {
        HAUL_DEADLINE, "no connection within the connect timeout", ETIMEDOUT};
    static const struct failure max_time = {HAUL_DEADLINE,
                                            "no complete reply within the time allowed", ETIMEDOUT};
    struct conn *conn = conn_at(engine, index);
    if (conn->fetch == NO_FETCH)
        return;
    if (conn->state == CONN_RESOLVING)
        conn_fail(engine, index, &resolve_timeout);
    else if (conn->state == CONN_CONNECTING || conn->state == CONN_TLS)
        conn_fail(engine, index, &connect_timeout);
    else
        conn_fail(engine, index, &max_time);
}

/* --- deadlines -------------------------------------------------------------------------------- */

static uint64_t due(uint64_t start_ns, int64_t allowed_ms)
{
    uint64_t most_ms = (DEADLINE_NEVER - start_ns) / 1000000;
    bool is_never = allowed_ms < 0 || (uint64_t)allowed_ms > most_ms;
    return is_never ? DEADLINE_NEVER : start_ns + (uint64_t)allowed_ms * 1000000;
}

static void conn_set_deadline(struct engine *engine, uint32_t index)
{
    const struct conn *conn = conn_at(engine, index);
    uint64_t start_ns = engine->fetches[conn->fetch].started_ns;
    uint64_t time_ns = due(start_ns, engine->options.max_time_ms);
    if (conn->state == CONN_RESOLVING || conn->state == CONN_CONNECTING) {
        uint64_t connect_ns = due(start_ns, engine->options.connect_timeout_ms);
        time_ns = connect_ns < time_ns ? connect_ns : time_ns;
    }
    deadline_set(&engine->deadlines, index, time_ns);
}

/* --- sending ---------------------------------------------------------------------------------- */

/* The whole head into the connection's own bytes, or into a block; behind it as much of the body as
 * fits. Returns the length, 0 where the head is too long for a block. */
static size_t conn_write_request(struct engine *engine, uint32_t index, char **ret_bytes)
{
    struct conn *conn = conn_at(engine, index);
    struct fetch *fetch = fetch_of(engine, conn);
    char fields[TEMPLATE_BYTES];
    struct request_template own;
    const struct request_template *template = &engine->template;
    if (fetch->has_own) {
        if (fetch_template(engine, fetch, &own, fields))
            return 0;
        template = &own;
    }
    conn->asks_close = template->asks_close;

    size_t length;
    size_t size = sizeof conn->request;
    *ret_bytes = conn->request;
    enum proto_error error = request_write(template, &fetch->url, conn->request, size, &length);
    if (error || length + fetch->body_length > size) {
        if (conn->request_block == NO_BLOCK)
            conn->request_block = store_take(&engine->store);
        *ret_bytes = store_block(&engine->store, conn->request_block)->bytes;
        size = BLOCK_BYTES;
        if (request_write(template, &fetch->url, *ret_bytes, size, &length))
            return 0;
    }
    size_t fits = fetch->body_length < size - length ? fetch->body_length : size - length;
    size_t rest = fetch->body_length - fits;
    if (rest > 0 && rest <= LOOP_SILENT_BYTES) /* the end must not be silent: see below */
        fits = fits > LOOP_SILENT_BYTES ? fits - LOOP_SILENT_BYTES : 0;
    if (fits > 0)
        memcpy(*ret_bytes + length, fetch->body, fits);
    conn->body_rest = fetch->body_length > fits ? (const char *)fetch->body + fits : NULL;
    conn->body_rest_length = fetch->body_length - fits;
    return length + fits;
}

static void conn_send(struct engine *engine, uint32_t index, const char *bytes, size_t length)
{
    struct conn *conn = conn_at(engine, index);
    if (conn->tls) {
        conn_tls_send(engine, index, bytes, length);
        return;
    }
    conn->is_sent = length <= LOOP_SILENT_BYTES && conn->body_rest_length == 0;
    if (conn->is_sent)
        fetch_of(engine, conn)->sent_ns = engine->now_ns;
    loop_send(engine->loop, index, bytes, length);
}

void conn_send_request(struct engine *engine, uint32_t index)
{
    static const struct failure too_long = {HAUL_URL,
                                            "the request's head is longer than 16,000 bytes", 0};
    struct conn *conn = conn_at(engine, index);
    struct fetch *fetch = fetch_of(engine, conn);
    char *bytes;
    conn->state = CONN_HEAD;
    conn->is_sent = false;
    conn->send_error = 0;
    fetch->secured_ns = engine->now_ns;
    if (fetch->connected_ns == 0)
        fetch->connected_ns = engine->now_ns;
    fetch->result.reused_connection = conn->requests > 0;
    if (conn->tls)
        conn_tls_describe(conn, &fetch->result);
    conn->requests++;
    reply_begin(&conn->reply, fetch->is_head);
    conn_set_deadline(engine, index);
    size_t length = conn_write_request(engine, index, &bytes);
    if (length == 0) {
        conn_fail(engine, index, &too_long);
        return;
    }
    conn_send(engine, index, bytes, length);
    if (engine->pressure.is_short)
        pressure_wait(engine, index);
    else
        loop_receive(engine->loop, index);
}

/* This process, or the machine, has no descriptor or memory left for now. */
static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* A failed send is not yet the end: the reply, or the reason, may still be readable. Only where the
 * connection lives on, or its reply was complete before, would nothing come any more. */
static void conn_on_send_failed(struct engine *engine, uint32_t index, int error)
{
    struct conn *conn = conn_at(engine, index);
    struct failure failure = {HAUL_SEND, "the connection failed while the request was sent", error};
    conn->send_error = error;
    conn->is_sent = false;
    if (conn->state == CONN_IDLE)
        conn_close(engine, index);
    else if (is_shortage(error))
        conn_fail(engine, index, &failure);
}

void conn_on_send(struct engine *engine, uint32_t index, int32_t result)
{
    struct conn *conn = conn_at(engine, index);
    if (result < 0) {
        conn_on_send_failed(engine, index, -result);
        return;
    }
    if (conn->tls && !conn_tls_on_send(engine, index))
        return;
    const char *rest = conn->body_rest;
    size_t length = conn->body_rest_length;
    conn->body_rest_length = 0;
    if (length > 0) {
        conn_send(engine, index, rest, length);
    } else if (!conn->is_sent) {
        conn->is_sent = true;
        fetch_of(engine, conn)->sent_ns = engine->now_ns;
    }
}

/* --- beginning -------------------------------------------------------------------------------- */

/* What has been closed may still be queued in the loop: in a shortage it is handed over first.
 * Beyond that, whatever is open and idle, or ends, makes room. */
static int conn_open_socket(struct engine *engine, int family)
{
    int on = 1;
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(family, type, IPPROTO_TCP);
    if (fd < 0 && is_shortage(errno)) {
        loop_wait(engine->loop, 1, 0);
        fd = socket(family, type, IPPROTO_TCP);
    }
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void conn_no_socket(struct engine *engine, uint32_t index, int error)
{
    struct failure failure = {HAUL_RESOURCE, "no descriptor for another connection is left", error};
    if (!is_shortage(error))
        failure = (struct failure){HAUL_CONNECT, "no socket of the address's family", error};
    if (!is_shortage(error) || engine->open == 1) {
        conn_fail(engine, index, &failure);
        return;
    }
    uint32_t fetch = conn_at(engine, index)->fetch;
    conn_close(engine, index);
    fetch_requeue(engine, fetch);
    engine->lacks_descriptors = true;
}

static void conn_connect(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    struct origin *origin = &engine->origins.list[conn->origin];
    uint32_t attempt = fetch_of(engine, conn)->address_attempt;
    const union resolver_address *address =
        &origin->addresses.list[(origin->preferred + attempt) % origin->addresses.count];
    conn->state = CONN_CONNECTING;
    int fd = conn_open_socket(engine, address->any.sa_family);
    if (fd < 0) {
        conn_no_socket(engine, index, errno);
        return;
    }
    conn->has_socket = true;
    conn_set_deadline(engine, index);
    loop_attach(engine->loop, index, fd);
    loop_connect(engine->loop, index, &address->any, resolver_address_length(address));
    engine->connections++;
}

static bool try_next_address(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    uint32_t fetch = conn->fetch;
    if (++engine->fetches[fetch].address_attempt >=
        engine->origins.list[conn->origin].addresses.count)
        return false;
    conn_close(engine, index);
    fetch_requeue(engine, fetch);
    return true;
}

void conn_on_connect(struct engine *engine, uint32_t index, int32_t result)
{
    struct conn *conn = conn_at(engine, index);
    struct origin *origin = &engine->origins.list[conn->origin];
    struct fetch *fetch = fetch_of(engine, conn);
    if (result < 0) {
        struct failure failure = {HAUL_CONNECT, "the connection was refused or failed", -result};
        if (!try_next_address(engine, index))
            conn_fail(engine, index, &failure);
        return;
    }
    origin->preferred = (origin->preferred + fetch->address_attempt) % origin->addresses.count;
    fetch->address_attempt = 0;
    if (origin->is_https)
        conn_tls_begin(engine, index);
    else
        conn_send_request(engine, index);
}

static void conn_resolve(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    struct origin *origin = &engine->origins.list[conn->origin];
    conn->state = CONN_RESOLVING;
    conn_set_deadline(engine, index);
    list_push(engine, &origin->waiting, index);
    if (origin->state == ORIGIN_RESOLVING)
        return;
    origin->state = ORIGIN_RESOLVING;
    int error = resolver_lookup(engine->resolver, conn->origin, origin->target.host,
                                origin->target.port, &origin->lookup);
    if (error) {
        struct resolver_answer answer = {
            .id = conn->origin, .error = error, .message = "the name service cannot be used"};
        conn_on_addresses(engine, &answer);
    }
}

void conn_on_addresses(struct engine *engine, const struct resolver_answer *answer)
{
    struct origin *origin = &engine->origins.list[answer->id];
    struct failure failure = {HAUL_RESOLVE, answer->message, -answer->error};
    origin->state = answer->error ? ORIGIN_UNKNOWN : ORIGIN_KNOWN;
    origin->addresses = answer->addresses;
    origin->preferred = 0;
    origin->expires_ns = engine->now_ns + (uint64_t)answer->addresses.ttl_s * 1000000000;
    while (origin->waiting != NO_CONN) {
        uint32_t index = origin->waiting;
        if (answer->error) {
            conn_fail(engine, index, &failure);
        } else {
            list_remove(engine, &origin->waiting, index);
            conn_connect(engine, index);
        }
    }
}

static bool origin_has_addresses(const struct engine *engine, const struct origin *origin)
{
    return origin->state == ORIGIN_KNOWN && engine->now_ns < origin->expires_ns;
}

/* A connection slot within the bound, for which the oldest idle connection is closed if need be. */
static uint32_t conn_take(struct engine *engine)
{
    if (engine->open >= engine->budget.concurrency && engine->idle_oldest != NO_CONN)
        conn_close(engine, engine->idle_oldest);
    if (engine->open >= engine->budget.concurrency)
        return NO_CONN;
    return slab_take(&engine->conn_slab);
}

static bool conn_begin_new(struct engine *engine, uint32_t fetch)
{
    if (engine->lacks_descriptors && engine->open > 0) {
        if (engine->idle_oldest != NO_CONN)
            conn_close(engine, engine->idle_oldest);
        return false;
    }
    uint32_t index = conn_take(engine);
    if (index == NO_CONN)
        return false;
    uint32_t origin = origin_acquire(&engine->origins, &engine->fetches[fetch].url);
    if (origin == NO_ORIGIN) {
        slab_give(&engine->conn_slab, index);
        return false;
    }
    struct conn *conn = conn_at(engine, index);
    memset(conn, 0, offsetof(struct conn, reply));
    conn->fetch = fetch;
    conn->origin = origin;
    conn->carry = NO_BLOCK;
    conn->reply.carry = NULL;
    conn->request_block = NO_BLOCK;
    conn->record_block = NO_BLOCK;
    engine->fetches[fetch].conn = index;
    engine->open++;
    if (origin_has_addresses(engine, &engine->origins.list[origin]))
        conn_connect(engine, index);
    else
        conn_resolve(engine, index);
    return true;
}

bool conn_begin(struct engine *engine, uint32_t fetch_index)
{
    struct fetch *fetch = &engine->fetches[fetch_index];
    uint32_t origin = fetch->is_resent ? NO_ORIGIN : origin_find(&engine->origins, &fetch->url);
    if (origin == NO_ORIGIN || engine->origins.list[origin].idle == NO_CONN)
        return conn_begin_new(engine, fetch_index);
    uint32_t index = engine->origins.list[origin].idle;
    idle_remove(engine, index);
    conn_at(engine, index)->fetch = fetch_index;
    fetch->conn = index;
    conn_send_request(engine, index);
    return true;
}

/* --- receiving -------------------------------------------------------------------------------- */

/* The reply is complete and nothing came behind it, or something did (surplus). */
static void conn_finish(struct engine *engine, uint32_t index, bool has_surplus)
{
    struct conn *conn = conn_at(engine, index);
    uint32_t fetch = conn->fetch;
    bool is_reusable = conn->reply.response.keep_alive && conn->is_sent && !has_surplus &&
                       !conn->asks_close && !conn->send_error &&
                       !loop_is_sending(engine->loop, index);
    if (!is_reusable) {
        conn_close(engine, index);
    } else {
        block_drop(engine, &conn->request_block);
        block_drop(engine, &conn->record_block);
        deadline_clear(&engine->deadlines, index);
        if (conn->is_waiting) {
            pressure_leave(engine, index);
            loop_receive(engine->loop, index);
        }
        conn->fetch = NO_FETCH;
        idle_push(engine, index);
    }
    fetch_finish(engine, fetch, HAUL_STAGE_BODY, NULL);
}

/* Keeps the data where bodies are kept. False: the fetch has failed. */
static bool conn_keep(struct engine *engine, uint32_t index, struct span data)
{
    static const struct failure too_long = {
        HAUL_LIMIT, "the body is longer than half of the memory for bodies", 0};
    static const struct failure no_room = {
        HAUL_LIMIT, "no memory is left for bodies that wait for their turn", 0};
    struct conn *conn = conn_at(engine, index);
    struct fetch *fetch = fetch_of(engine, conn);
    const struct failure *failure = NULL;
    fetch->result.body_bytes += data.length;
    if (!engine->options.keep_bodies)
        return true;
    uint64_t most = (uint64_t)engine->budget.shared_blocks / 2 * BLOCK_BYTES;
    if (!engine->options.stream_bodies && fetch->result.body_bytes > most)
        failure = &too_long;
    else if (chain_append(&fetch->chain, &engine->store, data.bytes, data.length) < data.length)
        failure = &no_room;
    if (failure) {
        conn_fail(engine, index, failure);
        return false;
    }
    pressure_check(engine);
    return true;
}

static void conn_take_head(struct engine *engine, struct conn *conn, struct span head)
{
    struct fetch *fetch = fetch_of(engine, conn);
    conn->state = CONN_BODY;
    fetch->result.status = conn->reply.response.status;
    fetch->result.version_minor = conn->reply.response.version_minor;
    if (!engine->options.keep_headers)
        return;
    fetch->head_block = store_take(&engine->store);
    char *kept = store_block(&engine->store, fetch->head_block)->bytes;
    memcpy(kept, head.bytes, head.length);
    fetch->result.head = kept;
    fetch->result.head_length = head.length;
}

static void conn_lend_carry(struct engine *engine, struct conn *conn)
{
    conn->carry = store_take(&engine->store);
    conn->reply.carry = store_block(&engine->store, conn->carry)->bytes;
}

static void conn_drop_carry(struct engine *engine, struct conn *conn)
{
    block_drop(engine, &conn->carry);
    conn->reply.carry = NULL;
}

/* The connection died before any byte of the reply, or what came is no reply. On a reused one that
 * says nothing about the request: the server may have closed it while idle, or may have sent more
 * for the request before than it had announced, too late to be seen there. */
static bool conn_resend(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    struct fetch *fetch = fetch_of(engine, conn);
    uint32_t fetch_index = conn->fetch;
    if (conn->requests < 2 || !fetch->is_idempotent || fetch->is_resent)
        return false;
    fetch->is_resent = true;
    engine->retries++;
    conn_close(engine, index);
    fetch_requeue(engine, fetch_index);
    return true;
}

static void conn_fail_receive(struct engine *engine, uint32_t index, int error)
{
    const struct conn *conn = conn_at(engine, index);
    struct failure failure = {HAUL_RECEIVE, "the connection failed while the reply was awaited",
                              error};
    if (conn->reply.has_begun)
        failure.message = "the connection failed inside the reply";
    else if (conn->send_error)
        failure = (struct failure){HAUL_SEND, "the connection failed while the request was sent",
                                   conn->send_error};
    conn_fail(engine, index, &failure);
}

void conn_take_end(struct engine *engine, uint32_t index, int error)
{
    struct conn *conn = conn_at(engine, index);
    enum proto_error bad;
    if (conn->state == CONN_IDLE) {
        conn_close(engine, index);
    } else if (conn->state == CONN_TLS && error) {
        struct failure failure = {HAUL_TLS, "the connection failed during the TLS handshake",
                                  error};
        conn_fail(engine, index, &failure);
    } else if (conn->state == CONN_TLS) {
        conn_tls_fail(engine, index);
    } else if (!conn->reply.has_begun && conn_resend(engine, index)) {
        return;
    } else if (error || (!conn->reply.has_begun && conn->send_error)) {
        conn_fail_receive(engine, index, error);
    } else if ((bad = reply_end(&conn->reply))) {
        conn_fail_protocol(engine, index, bad);
    } else if (conn->tls && tls_state(conn->tls) == TLS_FAILED) {
        conn_tls_fail(engine, index); /* a body until close, without close_notify */
    } else {
        conn_finish(engine, index, false);
    }
}

/* One event after the other, until the bytes are used up or the reply has come to an end. */
void conn_take_bytes(struct engine *engine, uint32_t index, struct span in)
{
    struct conn *conn = conn_at(engine, index);
    struct span data;
    enum proto_error bad;
    if (conn->state == CONN_IDLE) {
        conn_close(engine, index);
        return;
    }
    if (!conn->reply.has_begun)
        fetch_of(engine, conn)->first_byte_ns = engine->now_ns;
    for (;;) {
        switch (reply_feed(&conn->reply, &in, &data, &bad)) {
        case REPLY_MORE:
            return;
        case REPLY_CARRY:
            conn_lend_carry(engine, conn);
            break;
        case REPLY_HEAD:
            conn_take_head(engine, conn, data);
            conn_drop_carry(engine, conn);
            break;
        case REPLY_BODY:
            if (!conn_keep(engine, index, data))
                return;
            break;
        case REPLY_DONE:
            conn_finish(engine, index, in.length > 0);
            return;
        case REPLY_BAD:
            if (bad != PROTO_STATUS_LINE || !conn_resend(engine, index))
                conn_fail_protocol(engine, index, bad);
            return;
        }
    }
}

/* It could receive once: what it awaits now takes another one. */
static void conn_receive_again(struct engine *engine, uint32_t index)
{
    const struct conn *conn = conn_at(engine, index);
    if (conn->state == CONN_IDLE)
        loop_receive(engine->loop, index);
    else if ((conn->state == CONN_HEAD || conn->state == CONN_BODY) && !conn->is_waiting)
        pressure_receive_more(engine, index);
}

void conn_on_receive(struct engine *engine, uint32_t index, int32_t result, const char *bytes)
{
    struct conn *conn = conn_at(engine, index);
    bool was_armed = conn->is_armed;
    if (was_armed)
        pressure_received(engine, index);
    if (result <= 0) {
        if (conn->tls)
            tls_wire_end(conn->tls);
        conn_take_end(engine, index, -result);
        return;
    }
    struct span in = {bytes, (size_t)result};
    engine->bytes_received += in.length;
    if (conn->state == CONN_IDLE) /* nobody asked: it would be taken for the next one's reply */
        conn_close(engine, index);
    else if (conn->tls)
        conn_tls_on_receive(engine, index, in);
    else
        conn_take_bytes(engine, index, in);
    if (was_armed)
        conn_receive_again(engine, index);
}
