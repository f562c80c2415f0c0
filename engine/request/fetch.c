/* Owns the requests, from submit to release. A fetch is in exactly one place: the queue, a
 * connection, the collector, or the caller's hands; its state says which. */

#include "engine/request/fetch.h"
#include "engine/engine.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* --- beginning -------------------------------------------------------------------------------- */

/* While blocks are short the request whose turn it is begins, which need not be the first, since
 * what goes back to the queue goes to its front. In order no other would do any good. */
static uint32_t queue_next(struct engine *engine)
{
    uint32_t first = engine->schedule.first;
    uint32_t current = collector_current(&engine->collector);
    if (first == NO_FETCH || !engine->pressure.is_short)
        return first;
    if (current != NO_FETCH && engine->fetches[current].state == FETCH_QUEUED)
        return current;
    bool may_begin = engine->collector.is_unordered && engine_may_begin_another(engine);
    return engine->active == 0 || may_begin ? first : NO_FETCH;
}

void fetch_start_queued(struct engine *engine)
{
    while (engine->active < engine->budget.concurrency) {
        uint32_t index = queue_next(engine);
        if (index == NO_FETCH)
            return;
        struct fetch *fetch = &engine->fetches[index];
        schedule_remove(&engine->schedule, index);
        fetch->state = FETCH_ACTIVE;
        engine->active++;
        if (fetch->started_ns == 0)
            fetch->started_ns = engine->now_ns;
        if (conn_begin(engine, index))
            continue;
        engine->active--;
        schedule_prepend(&engine->schedule, index);
        return;
    }
}

void fetch_requeue(struct engine *engine, uint32_t index)
{
    struct fetch *fetch = &engine->fetches[index];
    assert(fetch->state == FETCH_ACTIVE && fetch->chain.first == NO_BLOCK);
    fetch->conn = NO_CONN;
    fetch->connected_ns = fetch->secured_ns = fetch->sent_ns = fetch->first_byte_ns = 0;
    fetch->result.reused_connection = fetch->result.tls_resumed = false;
    fetch->result.tls_version = fetch->result.tls_suite = fetch->result.tls_verification = NULL;
    engine->active--;
    schedule_prepend(&engine->schedule, index);
}

/* --- submitting ------------------------------------------------------------------------------- */

/* Long URLs need a block of their own. -EAGAIN: there are enough of them already. */
static int fetch_keep_url(struct engine *engine, struct fetch *fetch, struct span url)
{
    char *text = fetch->text;
    fetch->url_block = NO_BLOCK;
    if (url.length >= sizeof fetch->text) {
        if (engine->long_urls == engine->budget.url_blocks)
            return -EAGAIN;
        engine->long_urls++;
        fetch->url_block = store_take(&engine->store);
        text = store_block(&engine->store, fetch->url_block)->bytes;
    }
    size_t length = url.length <= URL_BYTES_MAX ? url.length : URL_BYTES_MAX;
    memcpy(text, url.bytes, length);
    text[length] = '\0';
    fetch->result.url = text;
    fetch->result.url_length = length;
    return 0;
}

enum proto_error fetch_template(const struct engine *engine, const struct fetch *fetch,
                                struct request_template *ret_template, char *fields)
{
    const struct haul_options *options = &engine->options;
    struct request_options request = {
        .method = fetch->method ? fetch->method : options->method,
        .user_agent = options->user_agent,
        .fields = fetch->headers ? fetch->headers : options->headers,
        .has_body = fetch->has_body,
        .body_bytes = fetch->body_length,
    };
    return request_template_init(ret_template, &request, fields, TEMPLATE_BYTES, NULL);
}

static void fetch_take_request(struct engine *engine, struct fetch *fetch,
                               const struct haul_request *request)
{
    const struct haul_options *options = &engine->options;
    bool has_body = request->has_body || request->body_length > 0;
    fetch->result.tag = request->tag;
    fetch->method = request->method;
    fetch->headers = request->headers;
    fetch->has_own = request->method || request->headers || has_body;
    fetch->has_body = has_body || options->has_body;
    fetch->body = has_body ? request->body : options->body;
    fetch->body_length = has_body ? request->body_length : options->body_length;
}

/* Everything about the request that can be wrong without a network. */
static enum proto_error fetch_check(struct engine *engine, struct fetch *fetch, size_t url_length)
{
    char fields[TEMPLATE_BYTES];
    struct request_template own;
    const struct request_template *template = &engine->template;
    fetch->result.method = template->method.bytes;
    if (fetch->has_own) {
        enum proto_error error = fetch_template(engine, fetch, &own, fields);
        if (error)
            return error;
        template = &own;
    }
    fetch->result.method = template->method.bytes;
    fetch->is_head = template->is_head;
    fetch->is_idempotent = template->is_idempotent;
    if (url_length > URL_BYTES_MAX)
        return PROTO_URL_TOO_LONG;
    struct span text = {fetch->result.url, fetch->result.url_length};
    return url_parse(text, &fetch->url, NULL);
}

int fetch_submit(struct engine *engine, const struct haul_request *request)
{
    if (engine->is_cancelled)
        return -ECANCELED;
    uint32_t index = slab_take(&engine->fetch_slab);
    if (index == SLAB_NONE)
        return -EAGAIN;
    struct fetch *fetch = &engine->fetches[index];
    size_t url_length = request->url_length ? request->url_length : strlen(request->url);
    memset(fetch, 0, offsetof(struct fetch, text));
    if (fetch_keep_url(engine, fetch, (struct span){request->url, url_length})) {
        slab_give(&engine->fetch_slab, index);
        return -EAGAIN;
    }
    fetch->chain = fetch->lent = CHAIN_EMPTY;
    fetch->head_block = NO_BLOCK;
    fetch->conn = NO_CONN;
    fetch->submitted_ns = clock_now_ns();
    fetch->result.index = collector_add(&engine->collector, index);
    fetch_take_request(engine, fetch, request);
    enum proto_error error = fetch_check(engine, fetch, url_length);
    if (!error) {
        schedule_append(&engine->schedule, index);
        return 0;
    }
    struct failure failure = failure_of(error);
    fetch_finish(engine, index, HAUL_STAGE_QUEUE, &failure);
    return 0;
}

/* --- finishing -------------------------------------------------------------------------------- */

static uint64_t between(uint64_t from_ns, uint64_t to_ns)
{
    return from_ns && to_ns > from_ns ? to_ns - from_ns : 0;
}

static void fetch_take_times(struct fetch *fetch, uint64_t now_ns)
{
    struct haul_result *result = &fetch->result;
    result->queue_ns = between(fetch->submitted_ns, fetch->started_ns);
    result->connect_ns = between(fetch->started_ns, fetch->connected_ns);
    result->tls_ns = between(fetch->connected_ns, fetch->secured_ns);
    result->send_ns = between(fetch->secured_ns, fetch->sent_ns);
    result->ttfb_ns = between(fetch->sent_ns, fetch->first_byte_ns);
    result->total_ns = between(fetch->started_ns, now_ns);
}

static void fetch_take_failure(struct fetch *fetch, enum haul_stage stage,
                               const struct failure *failure)
{
    fetch->result.error = failure->error;
    fetch->result.stage = stage;
    fetch->result.message = failure->message;
    fetch->result.os_error = failure->os_error;
}

void fetch_finish(struct engine *engine, uint32_t index, enum haul_stage stage,
                  const struct failure *failure)
{
    static const struct failure bad_status = {HAUL_STATUS, "the status is an error", 0};
    struct fetch *fetch = &engine->fetches[index];
    int fail_status = engine->options.fail_status;
    if (!failure && fail_status && fetch->result.status >= fail_status)
        failure = &bad_status;
    if (fetch->state == FETCH_ACTIVE)
        engine->active--;
    fetch->state = FETCH_DONE;
    fetch->conn = NO_CONN;
    fetch->result.stage = HAUL_STAGE_DONE;
    fetch_take_times(fetch, engine->now_ns);
    engine->requests++;
    if (failure) {
        fetch_take_failure(fetch, stage, failure);
        engine->failures++;
    }
    collector_done(&engine->collector, index);
    if (failure && engine->options.cancel_on_error && !engine->is_cancelled)
        engine_cancel_all(engine);
}

void fetch_cancel(struct engine *engine, uint32_t index)
{
    static const struct failure not_started = {HAUL_NOT_STARTED, "cancelled before it was begun",
                                               0};
    static const struct failure cancelled = {HAUL_CANCELLED, "cancelled", 0};
    struct fetch *fetch = &engine->fetches[index];
    if (fetch->state == FETCH_QUEUED) {
        schedule_remove(&engine->schedule, index);
        fetch_finish(engine, index, HAUL_STAGE_QUEUE,
                     fetch->started_ns ? &cancelled : &not_started);
        return;
    }
    enum haul_stage stage = conn_stage(&engine->conns[fetch->conn]);
    conn_close(engine, fetch->conn);
    fetch_finish(engine, index, stage, &cancelled);
}

void fetch_release(struct engine *engine, uint32_t index)
{
    struct fetch *fetch = &engine->fetches[index];
    if (engine->collector.lent_part == index) {
        chain_free(&fetch->lent, &engine->store);
        engine->collector.lent_part = NO_FETCH;
    } else {
        assert(fetch->state == FETCH_LENT);
        chain_free(&fetch->chain, &engine->store);
        if (fetch->head_block != NO_BLOCK)
            store_give(&engine->store, fetch->head_block);
        if (fetch->url_block != NO_BLOCK) {
            store_give(&engine->store, fetch->url_block);
            engine->long_urls--;
        }
        fetch->state = FETCH_FREE;
        slab_give(&engine->fetch_slab, index);
    }
    if (engine->pressure.is_short)
        engine_let_in(engine);
}
