/* Owns the connections. Each completion has one handler, which treats failure first, then takes
 * what came, then asks the loop for what is next. The hard idea is what may be reused: only a
 * connection whose reply ended exactly where its framing said, with the request sent to its end and
 * nothing behind the reply, becomes idle; every other one is closed. */

#include "engine/engine.h"

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

static struct conn *conn_at(struct engine *engine, uint32_t index)
{
    return &engine->conns[index];
}

static struct fetch *fetch_of(struct engine *engine, const struct conn *conn)
{
    return &engine->fetches[conn->fetch];
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

static void conn_on_closed(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    assert(conn->state == CONN_CLOSING);
    block_drop(engine, &conn->request_block);
    conn->state = CONN_FREE;
    slab_give(&engine->conn_slab, index);
    engine->lacks_descriptors = false;
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
    pressure_leave(&engine->pressure, index);
    deadline_clear(&engine->deadlines, index);
    block_drop(engine, &conn->carry);
    origin_release(&engine->origins, conn->origin);
    engine->open--;
    conn->fetch = NO_FETCH;
    conn->state = CONN_CLOSING;
    if (link_at(&engine->links, index)->state != LINK_FREE)
        link_close(&engine->links, index);
    else
        conn_on_closed(engine, index);
}

static void conn_fail(struct engine *engine, uint32_t index, const struct failure *failure)
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
 * fits, and what does not. False: the head is too long for a block. */
static bool conn_write_request(struct engine *engine, uint32_t index, struct span *ret_bytes,
                               struct span *ret_rest)
{
    struct conn *conn = conn_at(engine, index);
    struct fetch *fetch = fetch_of(engine, conn);
    char fields[TEMPLATE_BYTES];
    struct request_template own;
    const struct request_template *template = &engine->template;
    if (fetch->has_own) {
        if (fetch_template(engine, fetch, &own, fields))
            return false;
        template = &own;
    }
    conn->asks_close = template->asks_close;

    size_t length;
    size_t size = sizeof conn->request;
    char *bytes = conn->request;
    enum proto_error error = request_write(template, &fetch->url, bytes, size, &length);
    if (error || length + fetch->body_length > size) {
        if (conn->request_block == NO_BLOCK)
            conn->request_block = store_take(&engine->store);
        bytes = store_block(&engine->store, conn->request_block)->bytes;
        size = BLOCK_BYTES;
        if (request_write(template, &fetch->url, bytes, size, &length))
            return false;
    }
    size_t fits = fetch->body_length < size - length ? fetch->body_length : size - length;
    size_t rest = fetch->body_length - fits;
    if (rest > 0 && rest <= LOOP_SILENT_BYTES) /* the end of a long request must not be silent */
        fits = fits > LOOP_SILENT_BYTES ? fits - LOOP_SILENT_BYTES : 0;
    if (fits > 0)
        memcpy(bytes + length, fetch->body, fits);
    *ret_bytes = (struct span){bytes, length + fits};
    *ret_rest = (struct span){(const char *)fetch->body + fits, fetch->body_length - fits};
    return true;
}

static void conn_sent(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    conn->is_sent = true;
    fetch_of(engine, conn)->sent_ns = engine->now_ns;
}

static void conn_describe_tls(const struct engine *engine, uint32_t index,
                              struct haul_result *result)
{
    const struct tls *tls = link_at(&engine->links, index)->tls;
    if (!tls)
        return;
    struct tls_facts facts = tls_facts(tls);
    result->tls_version = facts.version;
    result->tls_suite = facts.suite;
    result->tls_resumed = facts.is_resumed;
    result->tls_verification = facts.is_verified ? "ok" : verify_sentence(facts.verdict);
}

static void conn_send_request(struct engine *engine, uint32_t index)
{
    static const struct failure too_long = {HAUL_URL,
                                            "the request's head is longer than 16,000 bytes", 0};
    struct conn *conn = conn_at(engine, index);
    struct fetch *fetch = fetch_of(engine, conn);
    struct span bytes;
    struct span rest;
    conn->state = CONN_HEAD;
    conn->is_sent = false;
    fetch->secured_ns = engine->now_ns;
    if (fetch->connected_ns == 0)
        fetch->connected_ns = engine->now_ns;
    fetch->result.reused_connection = conn->requests > 0;
    conn_describe_tls(engine, index, &fetch->result);
    conn->requests++;
    reply_begin(&conn->reply, fetch->is_head);
    conn_set_deadline(engine, index);
    if (!conn_write_request(engine, index, &bytes, &rest)) {
        conn_fail(engine, index, &too_long);
        return;
    }
    if (link_send(&engine->links, index, bytes, rest))
        conn_sent(engine, index);
    if (!engine->pressure.is_short) {
        loop_receive(engine->loop, index);
        return;
    }
    loop_pause(engine->loop, index);
    pressure_wait(&engine->pressure, index);
}

/* This process, or the machine, has no descriptor or memory left for now. */
static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* A failed send is not yet the end: the reply, or the reason, may still be readable. Only where the
 * connection lives on, or its reply was complete before, would nothing come any more. */
static void conn_on_sent(struct engine *engine, uint32_t index, int error)
{
    struct conn *conn = conn_at(engine, index);
    struct failure failure = {HAUL_SEND, "the connection failed while the request was sent", error};
    if (!error) {
        conn_sent(engine, index);
        return;
    }
    conn->is_sent = false;
    if (conn->state == CONN_IDLE)
        conn_close(engine, index);
    else if (is_shortage(error))
        conn_fail(engine, index, &failure);
}

/* --- beginning -------------------------------------------------------------------------------- */

/* What has been closed may still be queued in the loop: in a shortage it is handed over first.
 * Beyond that, whatever is open and idle, or ends, makes room. */
static int conn_open(struct engine *engine, uint32_t index, const union resolver_address *address)
{
    socklen_t length = resolver_address_length(address);
    int error = link_open(&engine->links, index, &address->any, length);
    if (!is_shortage(-error))
        return error;
    loop_wait(engine->loop, 1, 0);
    return link_open(&engine->links, index, &address->any, length);
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
    int error = conn_open(engine, index, address);
    if (error) {
        conn_no_socket(engine, index, -error);
        return;
    }
    conn_set_deadline(engine, index);
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

static void conn_on_refused(struct engine *engine, uint32_t index, int error)
{
    struct failure failure = {HAUL_CONNECT, "the connection was refused or failed", error};
    if (!try_next_address(engine, index))
        conn_fail(engine, index, &failure);
}

static void conn_secure(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    struct origin *origin = &engine->origins.list[conn->origin];
    struct span host = {origin->host, origin->host_length};
    struct failure failure = {HAUL_TLS, "the kernel gives no entropy", 0};
    conn->state = CONN_TLS;
    fetch_of(engine, conn)->connected_ns = engine->now_ns;
    int error =
        secure_open(&engine->secure, &engine->options, engine->budget.conns, &failure.message);
    if (!error &&
        link_secure(&engine->links, index, host, origin->has_session ? &origin->session : NULL))
        return;
    failure.os_error = -error;
    conn_fail(engine, index, &failure);
}

static void conn_on_connected(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    struct origin *origin = &engine->origins.list[conn->origin];
    struct fetch *fetch = fetch_of(engine, conn);
    origin->preferred = (origin->preferred + fetch->address_attempt) % origin->addresses.count;
    fetch->address_attempt = 0;
    if (origin->is_https)
        conn_secure(engine, index);
    else
        conn_send_request(engine, index);
}

/* The handshake is done: its facts and its session are kept, and the request may go. */
static void conn_on_ready(struct engine *engine, uint32_t index)
{
    const struct tls *tls = link_at(&engine->links, index)->tls;
    struct origin *origin = &engine->origins.list[conn_at(engine, index)->origin];
    origin->has_session = tls_get_session(tls, &origin->session);
    secure_log_keys(&engine->secure, tls);
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
static uint32_t conn_take_slot(struct engine *engine)
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
    uint32_t index = conn_take_slot(engine);
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
                       !conn->asks_close && !link_at(&engine->links, index)->send_error &&
                       !loop_is_sending(engine->loop, index);
    if (!is_reusable) {
        conn_close(engine, index);
    } else {
        block_drop(engine, &conn->request_block);
        link_rest(&engine->links, index);
        deadline_clear(&engine->deadlines, index);
        if (pressure_is_waiting(&engine->pressure, index)) {
            pressure_leave(&engine->pressure, index);
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
    engine_hold_back(engine);
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
    int send_error = link_at(&engine->links, index)->send_error;
    struct failure failure = {HAUL_RECEIVE, "the connection failed while the reply was awaited",
                              error};
    if (conn->reply.has_begun)
        failure.message = "the connection failed inside the reply";
    else if (send_error)
        failure = (struct failure){HAUL_SEND, "the connection failed while the request was sent",
                                   send_error};
    conn_fail(engine, index, &failure);
}

static void conn_fail_tls(struct engine *engine, uint32_t index)
{
    const struct conn *conn = conn_at(engine, index);
    struct tls_failure tls = tls_failure(link_at(&engine->links, index)->tls);
    struct failure failure = {HAUL_TLS, tls.sentence, 0};
    if (tls.error == TLS_CERTIFICATE)
        fetch_of(engine, conn)->result.tls_verification = tls.sentence;
    conn_fail(engine, index, &failure);
}

/* Without a handshake there is nothing to try again, nor to be complete. */
static void conn_end_handshake(struct engine *engine, uint32_t index,
                               const struct link_event *event)
{
    static const struct failure early = {
        HAUL_TLS, "the server went on with the handshake before it was its turn", 0};
    struct failure broken = {HAUL_TLS, "the connection failed during the TLS handshake",
                             event->error};
    if (event->end == LINK_EARLY)
        conn_fail(engine, index, &early);
    else if (event->end == LINK_BROKEN)
        conn_fail(engine, index, &broken);
    else
        conn_fail_tls(engine, index);
}

static void conn_end_reply(struct engine *engine, uint32_t index, const struct link_event *event)
{
    struct conn *conn = conn_at(engine, index);
    bool has_begun = conn->reply.has_begun;
    enum proto_error bad;
    if (!has_begun && conn_resend(engine, index))
        return;
    if (event->error || (!has_begun && link_at(&engine->links, index)->send_error))
        conn_fail_receive(engine, index, event->error);
    else if ((bad = reply_end(&conn->reply)))
        conn_fail_protocol(engine, index, bad);
    else if (event->end == LINK_CUT) /* a body until close, without close_notify */
        conn_fail_tls(engine, index);
    else
        conn_finish(engine, index, false);
}

static void conn_on_end(struct engine *engine, const struct link_event *event)
{
    enum conn_state state = conn_at(engine, event->link)->state;
    if (state == CONN_IDLE)
        conn_close(engine, event->link);
    else if (event->end == LINK_REFUSED)
        conn_on_refused(engine, event->link, event->error);
    else if (state == CONN_TLS || event->end == LINK_EARLY)
        conn_end_handshake(engine, event->link, event);
    else if (event->end == LINK_BAD_TLS)
        conn_fail_tls(engine, event->link);
    else
        conn_end_reply(engine, event->link, event);
}

/* One event after the other, until the bytes are used up or the reply has come to an end. */
static void conn_on_bytes(struct engine *engine, uint32_t index, struct span in)
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
    else if (!conn_awaits_reply(conn) || pressure_is_waiting(&engine->pressure, index))
        return;
    else if (engine->pressure.is_short)
        pressure_wait_first(&engine->pressure, index);
    else
        loop_receive(engine->loop, index);
}

static void conn_on_event(struct engine *engine, const struct link_event *event)
{
    switch (event->kind) {
    case LINK_CONNECTED:
        conn_on_connected(engine, event->link);
        break;
    case LINK_READY:
        conn_on_ready(engine, event->link);
        break;
    case LINK_BYTES:
        conn_on_bytes(engine, event->link, event->bytes);
        break;
    case LINK_SENT:
        conn_on_sent(engine, event->link, event->error);
        break;
    case LINK_END:
        conn_on_end(engine, event);
        break;
    case LINK_CLOSED:
        conn_on_closed(engine, event->link);
        break;
    }
}

void conn_take(struct engine *engine, const struct completion *completion)
{
    struct link_event event;
    bool has_event = links_take(&engine->links, completion, &event);
    for (; has_event; has_event = links_next(&engine->links, &event))
        conn_on_event(engine, &event);
}

void conn_take_receive(struct engine *engine, const struct completion *completion)
{
    uint32_t index = completion->slot;
    struct conn *conn = conn_at(engine, index);
    bool was_armed = pressure_is_armed(&engine->pressure, index);
    if (was_armed)
        pressure_received(&engine->pressure, index);
    if (completion->result > 0) {
        engine->bytes_received += (uint32_t)completion->result;
        if (conn->state == CONN_IDLE) { /* nobody asked: it would be the next one's reply */
            conn_close(engine, index);
            return;
        }
    }
    conn_take(engine, completion);
    if (conn->state == CONN_IDLE && link_is_inside_record(&engine->links, index))
        conn_close(engine, index);
    else if (was_armed)
        conn_receive_again(engine, index);
}
