/* The public calls: they check what they were given and hand over to the engine. */

#include "engine/engine.h"
#include "engine/request/redirect.h"
#include "engine/sized.h"
#include "proto/coding/coding.h"
#include "proto/http/idna.h"
#include "proto/http/location.h"
#include "proto/http/response.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So long a call whose time is over goes on with what is there. */
#define OVERTIME_NS UINT64_C(1000000)

static const char *const error_names[] = {
#define ERROR_NAME(name, text) [HAUL_##name] = text,
    HAUL_ERRORS(ERROR_NAME)
#undef ERROR_NAME
};

static const char *const stage_names[] = {
#define STAGE_NAME(name, text) [HAUL_STAGE_##name] = text,
    HAUL_STAGES(STAGE_NAME)
#undef STAGE_NAME
};

const char *haul_error_name(enum haul_error error)
{
    return (size_t)error < sizeof error_names / sizeof *error_names ? error_names[error]
                                                                    : "unknown";
}

const char *haul_stage_name(enum haul_stage stage)
{
    return (size_t)stage < sizeof stage_names / sizeof *stage_names ? stage_names[stage]
                                                                    : "unknown";
}

#define ANOMALY_AGREES(name, text)                                                                 \
    _Static_assert((int)HAUL_ANOMALY_##name == (int)PROTO_ANOMALY_##name,                          \
                   "the public bits are those of the reader");
HAUL_ANOMALIES(ANOMALY_AGREES)
#undef ANOMALY_AGREES
#define ANOMALY_ONE(name, text) +1
_Static_assert(HAUL_ANOMALIES(ANOMALY_ONE) == PROTO_ANOMALY_COUNT, "each of them is public");
#undef ANOMALY_ONE

const char *haul_anomaly_name(enum haul_anomaly anomaly)
{
    switch (anomaly) {
#define ANOMALY_NAME(name, text)                                                                   \
    case HAUL_ANOMALY_##name:                                                                      \
        return text;
        HAUL_ANOMALIES(ANOMALY_NAME)
#undef ANOMALY_NAME
    }
    return "unknown";
}

const char *haul_version(void)
{
    return HAUL_VERSION;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int open_on_loop(struct haul **ret_haul, const struct haul_options *options,
                        struct loop *loop, struct haul_open_error *ret_why)
{
    struct haul *haul = malloc(sizeof *haul);
    if (!haul && loop)
        loop_close(loop);
    if (!haul)
        return -ENOMEM;
    int error = engine_open(&haul->engine, options, loop, ret_why);
    if (error) {
        free(haul);
        return error;
    }
    *ret_haul = haul;
    return 0;
}

int haul_open_on_loop(struct haul **ret_haul, const struct haul_options *options, struct loop *loop)
{
    struct haul_open_error why;
    return open_on_loop(ret_haul, options, loop, &why);
}

const char *haul_strerror(int error)
{
    const char *sentence = strerrordesc_np(-error);
    return sentence ? sentence : "unknown error";
}

/* What no option is to blame for has the general sentence. Returns error. */
static int explain(int error, struct haul_open_error *why, struct haul_open_error *ret_error,
                   size_t size)
{
    if (error && !why->message)
        why->message = haul_strerror(error);
    sized_give(ret_error, size, why, sizeof *why);
    return error;
}

int haul_open_sized(struct haul **ret_haul, const struct haul_options *options, size_t options_size,
                    struct haul_open_error *ret_error, size_t error_size)
{
    struct sized_options all;
    struct haul_open_error why = {0};
    int error = sized_options_take(&all, options, options_size, &why);
    if (!error)
        error = open_on_loop(ret_haul, &all.options, NULL, &why);
    return explain(error, &why, ret_error, error_size);
}

void haul_close(struct haul *haul)
{
    if (!haul)
        return;
    engine_close(&haul->engine);
    free(haul);
}

/* --- requests --------------------------------------------------------------------------------- */

/* A request's own times, where it has none those of all. */
static int take_times(struct engine *engine, const struct haul_request *request,
                      struct haul_times *ret_times)
{
    const struct haul_times *all = &engine->times;
    int error = sized_take(ret_times, sizeof *ret_times, request->times, request->times_size);
#define TAKE_TIME(member) ret_times->member = ret_times->member ? ret_times->member : all->member
    TAKE_TIME(queue_ms);
    TAKE_TIME(resolve_ms);
    TAKE_TIME(connect_ms);
    TAKE_TIME(tls_ms);
    TAKE_TIME(first_byte_ms);
    TAKE_TIME(max_ms);
    TAKE_TIME(speed_limit);
    TAKE_TIME(speed_ms);
#undef TAKE_TIME
    return error;
}

/* A body that lies in memory, and is sent as uploads are. */
static void upload_body(struct engine *engine, uint32_t index)
{
    struct span body = fetch_body(&engine->fetches[index], &engine->terms);
    upload_init_memory(&engine->uploads[index], body.bytes, body.length);
}

/* Out of order, and where there are several hosts: what waits for those that are slow does not keep
 * others from being known, which begin before it, and the connections of the others are kept, as
 * more of their requests are known. One host gains nothing by it. */
static bool looks_further(const struct engine *engine)
{
    return engine->collector.is_unordered && engine->schedule.hosts.touched > 1;
}

/* refused: what of its upload is wrong; NULL: nothing, or it has none, which is known where this is
 * called. */
static inline __attribute__((always_inline)) int
submit(struct engine *engine, const struct haul_request *request, const struct failure *refused)
{
    struct haul_times times;
    int unusable = request->times ? take_times(engine, request, &times) : 0;
    if (unusable)
        return unusable;
    if (engine->is_cancelled)
        return -ECANCELED;
    if (engine->active + engine->schedule.count >= engine->budget.unfinished &&
        !looks_further(engine))
        return -EAGAIN;
    uint32_t index = slab_take(&engine->fetch_slab);
    if (index == SLAB_NONE)
        return -EAGAIN;
    enum proto_error error;
    struct fetch *fetch = &engine->fetches[index];
    if (fetch_init(fetch, &engine->terms, request, clock_now_ns(), &error)) {
        slab_give(&engine->fetch_slab, index);
        return -EAGAIN;
    }
    engine->has_unrepeatable |= !fetch->is_idempotent;
    fetch->has_times = request->times;
    if (request->times) {
        fetch_extra(fetch)->times = times;
        engine->has_times = true;
        engine->has_speed |= times.speed_limit > 0 || times.speed_ms > 0;
    }
    fetch->index = collector_add(&engine->collector, index);
    if (fetch->has_upload && !request->upload)
        upload_body(engine, index);
    else if (fetch->has_upload)
        upload_take(&engine->uploads[index], request->upload);
    if (!error && !refused) {
        schedule_append(&engine->schedule, index);
        if (engine->has_times)
            engine_await_first_turn(engine, index);
        return 0;
    }
    struct failure failure = error ? failure_of(error) : *refused;
    engine_finish(engine, index, HAUL_STAGE_QUEUE, &failure);
    return 0;
}

/* An upload of this library's size, of which all is known. */
static __attribute__((noinline)) int submit_upload(struct engine *engine,
                                                   const struct haul_request *request)
{
    struct haul_upload what;
    struct haul_request whole = *request;
    struct failure failure;
    int error = sized_take(&what, sizeof what, request->upload, request->upload_size);
    whole.upload = &what;
    if (error)
        return error;
    return submit(engine, &whole, upload_measure(&what, &failure) ? NULL : &failure);
}

int haul_submit_sized(struct haul *haul, const struct haul_request *request, size_t size)
{
    struct haul_request whole;
    if (size != sizeof whole) { /* almost always it is */
        int error = sized_take(&whole, sizeof whole, request, size);
        if (error)
            return error;
        request = &whole;
    }
    if (!request->url)
        return -EINVAL;
    return request->upload ? submit_upload(&haul->engine, request)
                           : submit(&haul->engine, request, NULL);
}

/* A result is made where it is handed out: as many take memory as the caller holds. */
static const struct haul_result *lend(struct engine *engine, uint32_t index)
{
    const struct collector *collector = &engine->collector;
    const struct fetch *fetch = &engine->fetches[index];
    bool more = collector->lent_part == index;
    uint32_t first = more ? collector->lent.first : fetch->chain.first;
    uint32_t place = slab_take(&engine->lent_slab);
    assert(place != SLAB_NONE); /* no fetch is lent twice */
    struct lent *lent = &engine->lents[place];
    lent->fetch = index;
    fetch_describe(fetch, &engine->terms,
                   first == NO_BLOCK ? NULL : &store_block(&engine->store, first)->piece, more,
                   &lent->result);
    return &lent->result;
}

/* Results that are ready go first; then whether there is any reason to wait. */
static int next_ready(struct engine *engine, const struct haul_result **ret_result)
{
    if (engine->collector.lent_part != NO_FETCH)
        return -EBUSY;
    uint32_t index = collector_next(&engine->collector);
    if (index != NO_FETCH) {
        if (engine->pressure.is_short)
            engine_let_in(engine);
        *ret_result = lend(engine, index);
        return 0;
    }
    if (engine->collector.unfinished == 0)
        return -ENODATA;
    if (engine_waits_for_caller(engine))
        return -EBUSY;
    if (engine->asks_pieces) {
        engine->asks_pieces = false;
        return -EINPROGRESS;
    }
    if (engine->is_woken) {
        engine->is_woken = false;
        return -EINTR;
    }
    return -EAGAIN;
}

/* What is left until end_ns; at the end 0, which takes only what is ready. */
static int64_t time_left(uint64_t end_ns, int timeout_ms)
{
    if (timeout_ms < 0)
        return -1;
    uint64_t now_ns = timeout_ms ? clock_now_ns() : end_ns;
    return now_ns < end_ns ? (int64_t)(end_ns - now_ns) : 0;
}

/* Results that are ready go first, but a caller who takes long over each of many must not keep
 * deadlines from being due for as long as there is another one. */
static void keep_time(struct engine *engine)
{
    if (engine->active > 0 && clock_coarse_ns() > engine->now_ns + ENGINE_ABSENCE_NS)
        engine_keep_time(engine);
}

/* Nothing is awaited, but connections are kept: one that ends, or speaks unasked, is closed now. */
static int tend_idle(struct engine *engine)
{
    int error;
    do
        error = engine_run(engine, 0);
    while ((!error && engine->completions > 0) || error == -EINTR);
    return error ? error : -ENODATA;
}

int haul_next(struct haul *haul, const struct haul_result **ret_result, int timeout_ms)
{
    struct engine *engine = &haul->engine;
    int result = next_ready(engine, ret_result);
    if (result == 0)
        keep_time(engine);
    if (result == -ENODATA)
        return tend_idle(engine);
    if (result != -EAGAIN)
        return result;
    uint64_t end_ns = timeout_ms > 0 ? clock_now_ns() + (uint64_t)timeout_ms * 1000000 : 0;
    uint64_t over_ns = 0;
    for (;;) {
        int64_t left_ns = time_left(end_ns, timeout_ms);
        int error = engine_run(engine, left_ns);
        if (error)
            return error;
        result = next_ready(engine, ret_result);
        if (result != -EAGAIN)
            return result;
        /* The last run may have queued what only the next one hands to the kernel; but bodies may
         * come in faster than they can be taken, without an end. */
        if (left_ns != 0)
            continue;
        if (engine->completions == 0)
            return -EAGAIN;
        over_ns = over_ns ? over_ns : engine->now_ns + OVERTIME_NS;
        if (engine->now_ns >= over_ns) {
            loop_ring(engine->loop);
            return -EAGAIN;
        }
    }
}

void haul_release(struct haul *haul, const struct haul_result *result)
{
    /* Its address says which of the lent ones it is. */
    struct engine *engine = &haul->engine;
    const struct lent *lent = (const struct lent *)(const void *)result;
    uint32_t place = (uint32_t)(lent - engine->lents);
    uint32_t index = lent->fetch;
    assert(slab_is_taken(&engine->lent_slab, place));
    slab_give(&engine->lent_slab, place);
    if (engine->collector.lent_part == index) {
        chain_free(&engine->collector.lent, &engine->store);
        engine->collector.lent_part = NO_FETCH;
    } else {
        fetch_release(&engine->fetches[index], &engine->terms);
        engine->collector.held--;
        slab_give(&engine->fetch_slab, index);
    }
    if (engine->pressure.is_short)
        engine_let_in(engine);
}

/* Where the request of an index is. In order the collector knows its place, unless another request
 * has taken it since. */
static uint32_t find_fetch(const struct engine *engine, uint64_t index)
{
    const struct fetch *fetches = engine->fetches;
    uint32_t likely = collector_place(&engine->collector, index);
    if (likely != NO_FETCH && fetches[likely].state != FETCH_FREE && fetches[likely].index == index)
        return likely;
    for (uint32_t i = 0; i < engine->fetch_slab.touched; i++)
        if (fetches[i].state != FETCH_FREE && fetches[i].index == index)
            return i;
    return NO_FETCH;
}

/* One that is not finished. -ENOENT: there is none of that index; -EALREADY: it is. */
static int find_unfinished(const struct engine *engine, uint64_t index, uint32_t *ret_fetch)
{
    *ret_fetch = find_fetch(engine, index);
    if (*ret_fetch == NO_FETCH)
        return -ENOENT;
    enum fetch_state state = engine->fetches[*ret_fetch].state;
    bool is_unfinished = state == FETCH_QUEUED || state == FETCH_WAITING || state == FETCH_ACTIVE;
    return is_unfinished ? 0 : -EALREADY;
}

int haul_cancel(struct haul *haul, uint64_t index)
{
    struct engine *engine = &haul->engine;
    uint32_t fetch;
    int error = find_unfinished(engine, index, &fetch);
    if (!error)
        engine_cancel(engine, fetch);
    return error;
}

static int give_body(struct haul *haul, uint64_t index, struct span piece)
{
    struct engine *engine = &haul->engine;
    uint32_t fetch;
    int error = find_unfinished(engine, index, &fetch);
    if (error)
        return error;
    if (!engine->fetches[fetch].has_upload || !engine->uploads[fetch].what.by_pieces)
        return -EINVAL;
    return engine_give(engine, fetch, piece);
}

int haul_send_body(struct haul *haul, uint64_t index, const void *bytes, size_t length)
{
    return give_body(haul, index, (struct span){length > 0 ? bytes : "", length});
}

int haul_end_body(struct haul *haul, uint64_t index)
{
    return give_body(haul, index, (struct span){NULL, 0});
}

void haul_cancel_all(struct haul *haul)
{
    engine_cancel_all(&haul->engine);
}

int haul_fd(const struct haul *haul)
{
    return haul->engine.loop->poll_fd;
}

void haul_wake(struct haul *haul)
{
    loop_wake(haul->engine.loop);
}

bool haul_header_next(const struct haul_result *result, size_t *cursor, const char **ret_name,
                      size_t *ret_name_length, const char **ret_value, size_t *ret_value_length)
{
    struct span name;
    struct span value;
    struct span head = {result->head, result->head_length};
    if (!result->head || !response_field_next(head, cursor, &name, &value))
        return false;
    *ret_name = name.bytes;
    *ret_name_length = name.length;
    *ret_value = value.bytes;
    *ret_value_length = value.length;
    return true;
}

bool haul_pin_refused(const struct haul_result *result)
{
    return result->detail == HAUL_DETAIL_PIN;
}

size_t haul_body_copy(const struct haul_result *result, void *buffer, size_t size)
{
    size_t done = 0;
    for (const struct haul_piece *piece = result->body; piece && done < size; piece = piece->next) {
        size_t length = piece->length < size - done ? piece->length : size - done;
        memcpy((char *)buffer + done, piece->bytes, length);
        done += length;
    }
    return done;
}

/* --- what the engine knows of itself ---------------------------------------------------------- */

void haul_get_facts_sized(const struct haul *haul, struct haul_facts *ret_facts, size_t size)
{
    const struct engine *engine = &haul->engine;
    const struct loop *loop = engine->loop;
    struct haul_facts facts = {
        .loop = loop->interface->name,
        .concurrency = engine->budget.concurrency,
        .window = engine->budget.window,
        .requests = engine->requests,
        .failures = engine->failures,
        .connections = engine->dials.connects,
        .retries = engine->retries,
        .bytes_received = engine->bytes_received,
        .enters = loop->counters.enters,
        .completions = loop->counters.completions,
        .buffers_empty = loop->counters.buffers_empty,
        .queue_overflows = loop->counters.queue_overflows,
        .in_flight = engine->active,
        .waiting = engine->schedule.count + engine->waiting,
        .races_lost = engine->dials.lost,
        .retried = engine->retried,
        .redirects = engine->redirects,
        .redirects_unfollowed = engine->redirects_unfollowed,
    };
    snprintf(facts.loop_reason, sizeof facts.loop_reason, "%s", loop->reason);
    sized_give(ret_facts, size, &facts, sizeof facts);
}

static int terms_make(const struct haul_options *options, size_t size, struct engine_terms *ret,
                      struct haul_open_error *ret_why)
{
    struct sized_options all;
    struct budget budget;
    int error = sized_options_take(&all, options, size, ret_why);
    if (!error)
        error =
            budget_make(&budget, &all.options, budget_nofile(all.options.raise_nofile), ret_why);
    if (!error)
        engine_terms(&budget, ret);
    return error;
}

int haul_get_budget_sized(const struct haul_options *options, size_t options_size,
                          struct haul_budget *ret_budget, size_t budget_size,
                          struct haul_open_error *ret_error, size_t error_size)
{
    struct haul_open_error why = {0};
    struct engine_terms terms;
    int error = terms_make(options, options_size, &terms, &why);
    if (!error)
        sized_give(ret_budget, budget_size, &terms.sum, sizeof terms.sum);
    return explain(error, &why, ret_error, error_size);
}

int haul_get_budget_term_sized(const struct haul_options *options, size_t options_size,
                               size_t index, struct haul_budget_term *ret_term, size_t term_size)
{
    struct haul_open_error why;
    struct engine_terms terms;
    int error = terms_make(options, options_size, &terms, &why);
    if (!error && index >= terms.sum.term_count)
        error = -ENOENT;
    if (!error)
        sized_give(ret_term, term_size, &terms.list[index], sizeof *ret_term);
    return error;
}

size_t haul_redirect_url(const struct haul_result *result, char *ret_url, size_t size)
{
    struct span head = {result->head, result->head_length};
    struct span base = {result->url_effective, result->url_effective_length};
    struct span location;
    struct url url;
    char text[URL_BYTES_MAX];
    char room[URL_ROOM_BYTES];
    size_t length;
    if (size > 0)
        ret_url[0] = '\0';
    if (!redirect_is(result->status) || !result->head || location_find(head, &location) ||
        location.length == 0 || location_resolve(base, location, false, text, sizeof text, &length))
        return 0;
    if (url_parse((struct span){text, length}, room, &url, NULL))
        return 0;
    if (size > 0)
        snprintf(ret_url, size, "%.*s", (int)length, text);
    return length;
}

int haul_probe_uring(char *ret_sentence, size_t size)
{
    struct loop *loop;
    int error = loop_uring_open(&loop, &(struct loop_options){.slots = 1});
    if (error) {
        loop_uring_explain(error, ret_sentence, size);
        return error;
    }
    snprintf(ret_sentence, size, "%s", loop->reason);
    loop_close(loop);
    return 0;
}

const char *haul_idn_version(void)
{
    return idna_version();
}

const char *haul_openssl_version(void)
{
    return tls_backend_version(TLS_OPENSSL);
}

const char *haul_openssl_missing(void)
{
    return tls_backend_missing(TLS_OPENSSL);
}

const char *haul_codings(void)
{
    return coding_names();
}
