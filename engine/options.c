/* Options become an engine that can run. They are checked, completed by defaults, and what of them
 * is the caller's is copied; memory is taken, counted and freed by one list of shelves; then the
 * loop is opened, and what stands upon it. */

#include "engine/engine.h"
#include "engine/request/schedule/spacing.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MAX_MS UINT64_C(1000000000000) /* 31 years */

enum {
    CONNECT_TIMEOUT_DEFAULT_MS = 10000,
    MAX_TIME_DEFAULT_MS = 300000,
    IDLE_TIMEOUT_DEFAULT_MS = 60000,
    MAX_RATIO_DEFAULT = 1000,
};

/* The strings of the options, copied into one allocation. */
static int options_copy(struct engine *engine)
{
    static const char *const none[] = {NULL};
    struct haul_options *options = &engine->options;
    struct haul_tls *tls = &engine->tls;
    const char *const *headers = options->headers ? options->headers : none;
    const char **strings[] = {
        &engine->transport.interface,
        &options->user_agent,
        &options->method,
        &options->dns_servers,
        &tls->ca_file,
        &tls->ca_directory,
        &tls->client_certificate,
        &tls->client_key,
        &tls->pinned_keys,
        &tls->key_log,
    };
    enum { STRINGS = sizeof strings / sizeof *strings };
    size_t count = 0;
    size_t bytes = 0;
    for (; headers[count]; count++)
        bytes += strlen(headers[count]) + 1;
    for (size_t i = 0; i < STRINGS; i++)
        bytes += *strings[i] ? strlen(*strings[i]) + 1 : 0;

    char **copies = malloc((count + 1) * sizeof *copies + bytes);
    if (!copies)
        return -ENOMEM;
    char *text = (char *)(copies + count + 1);
    for (size_t i = 0; i < count; i++) {
        copies[i] = text;
        text = stpcpy(text, headers[i]) + 1;
    }
    copies[count] = NULL;
    for (size_t i = 0; i < STRINGS; i++) {
        if (!*strings[i])
            continue;
        char *copy = text;
        text = stpcpy(text, *strings[i]) + 1;
        *strings[i] = copy;
    }
    engine->option_strings = copies;
    options->headers = (const char *const *)copies;
    return 0;
}

/* What is left to others is theirs. */
static void times_take(struct engine *engine)
{
    struct haul_times *times = &engine->times;
    const struct haul_limits *limits = &engine->limits;
    if (times->connect_ms == 0)
        times->connect_ms = engine->options.connect_timeout_ms;
    if (times->max_ms == 0)
        times->max_ms = engine->options.max_time_ms;
    engine->has_times = times->queue_ms > 0 || times->resolve_ms > 0 || times->tls_ms > 0 ||
                        times->first_byte_ms > 0;
    engine->has_speed = times->speed_limit > 0 || times->speed_ms > 0;
    engine->has_times |= engine->has_speed;
    uint64_t most_ms = (DEADLINE_NEVER - engine->now_ns) / 1000000;
    bool ends = limits->deadline_ms > 0 && (uint64_t)limits->deadline_ms < most_ms;
    engine->end_ns =
        ends ? engine->now_ns + (uint64_t)limits->deadline_ms * 1000000 : DEADLINE_NEVER;
}

static int options_take(struct engine *engine, const struct haul_options *options,
                        struct haul_open_error *ret_why)
{
    engine->options = *options;
    if (options->tls)
        engine->tls = *options->tls;
    engine->options.tls = &engine->tls;
    if (options->redirect)
        engine->redirect = *options->redirect;
    engine->options.redirect = &engine->redirect;
    if (options->retry)
        engine->retry = *options->retry;
    engine->options.retry = &engine->retry;
    if (options->transport)
        engine->transport = *options->transport;
    engine->options.transport = &engine->transport;
    if (options->limits)
        engine->limits = *options->limits;
    engine->options.limits = &engine->limits;
    if (options->times)
        engine->times = *options->times;
    engine->options.times = &engine->times;
    if (!engine->options.user_agent)
        engine->options.user_agent = "haul/" HAUL_VERSION;
    if (engine->options.connect_timeout_ms == 0)
        engine->options.connect_timeout_ms = CONNECT_TIMEOUT_DEFAULT_MS;
    if (engine->options.max_time_ms == 0)
        engine->options.max_time_ms = MAX_TIME_DEFAULT_MS;
    if (engine->options.idle_timeout_ms == 0)
        engine->options.idle_timeout_ms = IDLE_TIMEOUT_DEFAULT_MS;
    times_take(engine);
    uint64_t idle_ms = (uint64_t)engine->options.idle_timeout_ms; /* negative: very long */
    engine->kept_ns = (idle_ms < KEPT_MAX_MS ? idle_ms : KEPT_MAX_MS) * 1000000;
    if (options->compressed && !coding_names()) {
        *ret_why = (struct haul_open_error){
            .option = "compressed", .message = "compressed: no content coding was built in"};
        return -EINVAL;
    }
    engine->terms.accept_encoding = options->compressed ? coding_names() : NULL;
    int unusable = auth_open(&engine->auth, options->auth, ret_why);
    if (unusable)
        return unusable;
    uint64_t nofile = budget_nofile(engine->options.raise_nofile);
    if (nofile == 0) {
        ret_why->message = "RLIMIT_NOFILE leaves no descriptor for a connection";
        ret_why->nofile_needed = budget_nofile_needed();
        return -EMFILE;
    }
    int error = budget_make(&engine->budget, &engine->options, nofile, ret_why);
    engine->options.auth = NULL;
    return error ? error : options_copy(engine);
}

/* What all requests send that have nothing of their own. */
static struct request_credentials given_to_all(const struct auth *auth)
{
    static const struct request_credentials none;
    const struct credentials *given = &auth->given;
    if (auth->is_digest)
        return none;
    return (struct request_credentials){
        .bearer = given->bearer, .user = given->user, .password = given->password};
}

/* options are the caller's, whose words a refusal names. */
static int template_take(struct engine *engine, const struct haul_options *options,
                         struct haul_open_error *ret_why)
{
    size_t bad_field = SIZE_MAX;
    struct request_options request = {
        .method = engine->options.method,
        .user_agent = engine->options.user_agent,
        .fields = engine->options.headers,
        .has_body = engine->options.has_body,
        .body_bytes = engine->options.body_length,
        .may_expect = engine->options.body_length > UPLOAD_EXPECT_ABOVE,
        .path_as_is = engine->options.path_as_is,
        .accept_encoding = engine->terms.accept_encoding,
        .credentials = given_to_all(&engine->auth),
        .is_http10 = engine->transport.http_version == 10,
    };
    engine->template_fields = malloc(TEMPLATE_BYTES);
    if (!engine->template_fields)
        return -ENOMEM;
    enum proto_error error = request_template_init(
        &engine->terms.template, &request, engine->template_fields, TEMPLATE_BYTES, &bad_field);
    if (!error)
        return 0;
    ret_why->message = proto_error_sentence(error);
    if (error == PROTO_METHOD || error == PROTO_METHOD_CONNECT) {
        ret_why->option = "method";
        ret_why->item = options->method;
    } else if (error == PROTO_REQUEST_TOO_LONG) {
        ret_why->option = "headers"; /* all of them together */
    } else if (bad_field == SIZE_MAX) {
        ret_why->option = "user_agent";
        ret_why->item = options->user_agent;
    } else {
        ret_why->option = "headers";
        ret_why->item = options->headers[bad_field];
    }
    return -EINVAL;
}

static int reroute_take(struct engine *engine, struct haul_open_error *ret_why)
{
    struct haul_options *options = &engine->options;
    int error = reroute_init(&engine->origins.reroute, options->connect_to, options->resolve,
                             engine->now_ns, ret_why);
    options->connect_to = NULL; /* the caller's; what they say is now the reroute's */
    options->resolve = NULL;
    if (!error)
        error = deny_init(&engine->origins.deny, engine->limits.deny_addresses, ret_why);
    engine->limits.deny_addresses = NULL; /* likewise the guard's */
    return error;
}

/* --- memory ----------------------------------------------------------------------------------- */

_Static_assert((int)BUDGET_RECEIVE_BUFFERS >= (int)LOOP_BUFFERS_MAX,
               "what a pause lets through fits");

enum shelf_group {
    SHELF_REQUESTS,
    SHELF_CONNECTIONS,
    SHELF_ORIGINS,
    SHELF_HOSTS,
    SHELF_BLOCKS,
    SHELF_HEADS,
    SHELF_DECODERS,
    SHELF_SESSIONS,
    SHELF_GROUPS,
};

/* All arrays there are: what they belong to, where they lie, how many elements they have. They are
 * taken, counted and freed by this list. */
#define SHELVES(X)                                                                                 \
    X(REQUESTS, fetches, budget->window)                                                           \
    X(REQUESTS, fetch_extras, budget->window)                                                      \
    X(REQUESTS, fetch_slab.next, budget->window)                                                   \
    X(REQUESTS, lents, budget->window)                                                             \
    X(REQUESTS, lent_slab.next, budget->window)                                                    \
    X(REQUESTS, logins, budget->window)                                                            \
    X(REQUESTS, tried, budget->window)                                                             \
    X(REQUESTS, tried_further, (size_t)budget->window *TRIED_FURTHER_MAX)                          \
    X(REQUESTS, waits.entries, budget->window)                                                     \
    X(REQUESTS, collector.ring, budget->window)                                                    \
    X(REQUESTS, uploads, budget->window)                                                           \
    X(CONNECTIONS, pool.slots, budget->conns)                                                      \
    X(CONNECTIONS, pool.slab.next, budget->conns)                                                  \
    X(CONNECTIONS, link_list, budget->conns)                                                       \
    X(CONNECTIONS, dials.list, budget->conns)                                                      \
    X(CONNECTIONS, exchanges.list, budget->conns)                                                  \
    X(CONNECTIONS, deadlines.entries, budget->conns)                                               \
    X(CONNECTIONS, pressure.waiters, budget->conns)                                                \
    X(CONNECTIONS, paces, budget->conns)                                                           \
    X(CONNECTIONS, heads.nodes, budget->conns)                                                     \
    X(CONNECTIONS, pipes.waiters, budget->pipes)                                                   \
    X(CONNECTIONS, pipes.slab.next, budget->pipes)                                                 \
    X(ORIGINS, origins.list, budget->origins)                                                      \
    X(ORIGINS, origins.buckets, origin_bucket_count(budget->origins))                              \
    X(BLOCKS, store.blocks, budget->blocks)                                                        \
    X(BLOCKS, store.slab.next, budget->blocks)                                                     \
    X(HEADS, store.pieces, (size_t)budget->head_bytes * budget->head_pieces)                       \
    X(HEADS, store.piece_slab.next, budget->head_pieces)                                           \
    X(CONNECTIONS, coded.nodes, budget->conns)                                                     \
    X(DECODERS, decoders.list, budget->decoders)                                                   \
    X(DECODERS, decoders.slab.next, budget->decoders)                                              \
    X(SESSIONS, sessions.list, budget->sessions)                                                   \
    X(SESSIONS, sessions.slab.next, budget->sessions)                                              \
    X(DECODERS, decoders.step, budget->decoders > 0 ? DECODER_STEP_BYTES : 0)                      \
    X(REQUESTS, turns.turns, budget->window)                                                       \
    X(CONNECTIONS, dials.crowds.list, budget->conns)                                               \
    X(CONNECTIONS, dials.crowds.buckets, origin_bucket_count(budget->conns))                       \
    X(CONNECTIONS, dials.crowds.of_slot, budget->conns)                                            \
    X(CONNECTIONS, turns.gates, (size_t)budget->conns + 1)                                         \
    X(CONNECTIONS, turns.conn_hosts, budget->conns)                                                \
    X(CONNECTIONS, turns.levels, (size_t)budget->concurrency + 1)                                  \
    X(CONNECTIONS, turns.filled, schedule_words(budget->concurrency + 1))                          \
    X(HOSTS, turns.hosts, budget->hosts)                                                           \
    X(HOSTS, turns.heap, budget->hosts)                                                            \
    X(HOSTS, turns.buckets, hosts_bucket_count(budget->hosts))

/* Memory that is zero and costs nothing until it is touched: calloc() maps what is long, and writes
 * zeroes to what is not. */
static void *take(size_t count, size_t size, bool *ret_failed)
{
    enum { LONG = 16384, MAPPED = 160 * 1024 };
    bool is_padded = size > 0 && count > LONG / size && count < MAPPED / size;
    void *memory = calloc(is_padded ? MAPPED / size : count, size);
    *ret_failed |= !memory;
    return memory;
}

static int shelves_take(struct engine *engine)
{
    const struct budget *budget = &engine->budget;
    bool failed = false;
#define SHELF_TAKE(group, member, count)                                                           \
    engine->member = take(count, sizeof *engine->member, &failed);
    SHELVES(SHELF_TAKE)
#undef SHELF_TAKE
    return failed ? -ENOMEM : 0;
}

static void schedule_take(struct engine *engine)
{
    const struct haul_limits *wanted = &engine->limits;
    int64_t delay_ms = wanted->delay_per_host_ms;
    delay_ms = delay_ms > INT64_MAX / 4000000 ? INT64_MAX / 4000000 : delay_ms;
    const struct schedule_limits limits = {
        .spacing_ns = spacing_of_rate(wanted->rate),
        .host_spacing_ns = spacing_of_rate(wanted->rate_per_host),
        .host_delay_ns = delay_ms > 0 ? (uint64_t)delay_ms * 1000000 : 0,
        .host_conns = wanted->max_per_host,
        .is_adaptive = wanted->adaptive,
        .has_gates = wanted->max_per_address > 0,
    };
    engine->turns.host_count = engine->budget.hosts;
    engine->turns.level_count = engine->budget.concurrency + 1;
    schedule_init(&engine->schedule, engine->fetches, &engine->turns, &limits, engine->random);
}

static void requests_init(struct engine *engine)
{
    const struct budget *budget = &engine->budget;
    const struct haul_options *options = &engine->options;
    uint64_t most = (uint64_t)budget->shared_blocks / 2 * BLOCK_BYTES;
    slab_init(&engine->fetch_slab, engine->fetch_slab.next, budget->window);
    slab_init(&engine->lent_slab, engine->lent_slab.next, budget->window);
    collector_init(&engine->collector, engine->collector.ring, budget->window, engine->fetches);
    engine->collector.is_unordered = options->unordered;
    engine->collector.hands_out_parts = options->stream_bodies;
    engine->terms.options = options;
    engine->terms.expect_above = UPLOAD_EXPECT_ABOVE;
    engine->terms.store = &engine->store;
    engine->terms.fetches = engine->fetches;
    engine->terms.extras = engine->fetch_extras;
    engine->terms.url_blocks = engine->terms.url_blocks_left = budget->url_blocks;
    engine->terms.body_bytes_max = options->stream_bodies ? UINT64_MAX : most;
    engine->terms.trail_reserve = budget->reserve_blocks;
    engine->terms.resumes = engine->retry.max > 0 && options->stream_bodies;
    engine->heir = NO_FETCH;
    engine->looks_from = engine->terms.resumes ? 0 : 300;
    engine->random = engine->now_ns | 1; /* of no secret: it only spreads what comes back */
    engine->terms.auth = &engine->auth;
    engine->terms.sessions = &engine->sessions;
    engine->terms.logins = engine->logins;
    schedule_take(engine);
    engine->terms.has_client_certificate = engine->tls.client_certificate;
}

static int memory_take(struct engine *engine)
{
    const struct budget *budget = &engine->budget;
    int error = shelves_take(engine);
    if (error)
        return error;
    store_init(&engine->store, engine->store.blocks, engine->store.slab.next, budget->blocks,
               budget->shared_blocks);
    store_pieces_init(&engine->store, engine->store.pieces, engine->store.piece_slab.next,
                      budget->head_pieces, budget->head_bytes);
    origins_init(&engine->origins, engine->origins.list, engine->origins.buckets, budget->origins);
    slab_init(&engine->pool.slab, engine->pool.slab.next, budget->conns);
    pool_init(&engine->pool, engine->pool.slots, engine->pool.slab, &engine->origins,
              budget->concurrency);
    deadline_init(&engine->deadlines, engine->deadlines.entries, budget->conns, engine->now_ns);
    deadline_init(&engine->waits, engine->waits.entries, budget->window, engine->now_ns);
    pressure_init(&engine->pressure, engine->pressure.waiters);
    heads_init(&engine->heads, engine->heads.nodes);
    heads_init(&engine->coded, engine->coded.nodes);
    uint64_t max_ratio = engine->options.max_ratio ? engine->options.max_ratio : MAX_RATIO_DEFAULT;
    decoders_init(&engine->decoders, engine->decoders.list, engine->decoders.slab.next,
                  budget->decoders, engine->decoders.step, max_ratio);
    sessions_init(&engine->sessions, engine->sessions.list, engine->sessions.slab.next,
                  budget->sessions);
    requests_init(engine);
    return 0;
}

static void term(struct engine_terms *ret, const char *name, uint64_t count, uint64_t bytes_each)
{
    ret->list[ret->sum.term_count++] = (struct haul_budget_term){name, count, bytes_each};
    ret->sum.total_bytes += count * bytes_each;
}

/* One term a consumer; what the loop and TLS take for themselves is added to the shelves. */
void engine_terms(const struct budget *budget, struct engine_terms *ret)
{
    const struct engine *engine = NULL; /* only sizes are asked for */
    uint64_t bytes[SHELF_GROUPS] = {0};
#define SHELF_COUNT(group, member, count)                                                          \
    bytes[SHELF_##group] += (uint64_t)(count) * sizeof *engine->member;
    SHELVES(SHELF_COUNT)
#undef SHELF_COUNT
    uint64_t block_bytes = bytes[SHELF_BLOCKS] / budget->blocks;
    uint32_t entitled = budget->blocks - budget->shared_blocks - budget->url_blocks;
    uint32_t buffers =
        budget->conns < BUDGET_RECEIVE_BUFFERS ? budget->conns : BUDGET_RECEIVE_BUFFERS;
    *ret = (struct engine_terms){0};
    term(ret, "requests from submit to release", budget->window,
         bytes[SHELF_REQUESTS] / budget->window);
    term(ret, "connections, with those that close, or race", budget->conns,
         bytes[SHELF_CONNECTIONS] / budget->conns);
    term(ret, "origins", budget->origins, bytes[SHELF_ORIGINS] / budget->origins);
    term(ret, "hosts of requests", budget->hosts, bytes[SHELF_HOSTS] / budget->hosts);
    term(ret, "blocks that slots are entitled to", entitled, block_bytes);
    term(ret, "blocks for long URLs", budget->url_blocks, block_bytes);
    term(ret, "shared blocks for bodies", budget->shared_blocks, block_bytes);
    if (budget->head_pieces > 0)
        term(ret, "pieces for heads beyond 16 KiB", budget->head_pieces,
             bytes[SHELF_HEADS] / budget->head_pieces);
    if (budget->decoders > 0)
        term(ret, "decoders of coded bodies, from the first one on", budget->decoders,
             bytes[SHELF_DECODERS] / budget->decoders + decoder_bytes());
    if (budget->sessions > 0)
        term(ret, "nonces of Digest, as they are met", budget->sessions,
             bytes[SHELF_SESSIONS] / budget->sessions);
    term(ret, "TLS connections, from the first https URL on", budget->conns, tls_size());
    if (budget->may_openssl && tls_has_backend(TLS_OPENSSL))
        term(ret, "of OpenSSL's own, where that serves them", budget->conns,
             tls_heap_size(TLS_OPENSSL));
    if (tls_arithmetic_size() > 0)
        term(ret, "arithmetic by OpenSSL, likewise", 1, tls_arithmetic_size());
    term(ret, "certificate chains in arrival, likewise", budget->conns, tls_chain_size());
    term(ret, "receive buffers of the loop", buffers < 32 ? 32 : buffers, LOOP_BUFFER_BYTES);
    term(ret, "completion queue entries", 4 * (uint64_t)budget->conns + 64, 16);
}

static void memory_free(struct engine *engine)
{
    origins_deinit(&engine->origins);
    decoders_deinit(&engine->decoders);
    sessions_deinit(&engine->sessions);
#define SHELF_FREE(group, member, count) free(engine->member);
    SHELVES(SHELF_FREE)
#undef SHELF_FREE
    reroute_deinit(&engine->origins.reroute);
    deny_deinit(&engine->origins.deny);
    auth_close(&engine->auth);
    if (engine->template_fields)
        explicit_bzero(engine->template_fields, TEMPLATE_BYTES);
    free(engine->template_fields);
    free(engine->option_strings);
}

/* --- opening and closing ---------------------------------------------------------------------- */

int engine_slots(const struct haul_options *options, uint32_t *ret_slots)
{
    struct budget budget;
    uint64_t nofile = budget_nofile(options->raise_nofile);
    int error = nofile ? budget_make(&budget, options, nofile, NULL) : -EMFILE;
    if (!error)
        *ret_slots = budget.conns;
    return error;
}

static int loop_take(struct engine *engine)
{
    struct loop_options options = {.slots = engine->budget.conns,
                                   .polls = BUDGET_RESOLVER_TAGS + engine->budget.pipes};
    switch (engine->options.loop) {
    case HAUL_LOOP_URING:
        return loop_uring_open(&engine->loop, &options);
    case HAUL_LOOP_EPOLL:
        return loop_epoll_open(&engine->loop, &options);
    case HAUL_LOOP_AUTO:
        break;
    }
    return loop_auto_open(&engine->loop, &options);
}

/* options.dns_servers are the engine's own copy of the caller's. */
static int resolver_take(struct engine *engine, const char *servers,
                         struct haul_open_error *ret_why)
{
    const struct resolver_options options = {
        .servers = engine->options.dns_servers,
        .family = engine->origins.source.family,
        .patience_ms = engine->times.connect_ms,
    };
    int error = resolver_open(&engine->resolver, engine->loop, 0, BUDGET_RESOLVER_TAGS, &options);
    engine->origins.resolver = engine->resolver;
    if (error == -EINVAL)
        *ret_why = (struct haul_open_error){
            .option = "dns_servers",
            .item = servers,
            .message = "dns_servers is not a list of addresses",
        };
    return error;
}

/* Links upon the loop, and what is done on them. */
static void connections_init(struct engine *engine)
{
    links_init(&engine->links, engine->loop, &engine->store, &engine->secure, engine->link_list);
    engine->links.source = &engine->origins.source;
    engine->dials = (struct dials){
        .list = engine->dials.list,
        .count = engine->budget.conns,
        .loose = NO_SLOT,
        .links = &engine->links,
        .origins = &engine->origins,
        .resolver = engine->resolver,
        .options = &engine->tls,
        .crowds = engine->dials.crowds,
        .turn_crowd = engine->budget.conns, /* the gate behind those of all crowds */
    };
    uint64_t most = engine->limits.max_per_address;
    engine->dials.crowds.most = most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
    engine->dials.crowds.bucket_mask = origin_bucket_count(engine->budget.conns) - 1;
    exchanges_init(&engine->exchanges, engine->exchanges.list, &engine->links, &engine->store);
    pipes_init(&engine->pipes, engine->loop, BUDGET_RESOLVER_TAGS, engine->pipes.waiters,
               engine->pipes.slab.next, engine->budget.pipes);
    engine->exchanges.pipes = &engine->pipes;
    engine->exchanges.held_left = engine->budget.held_blocks;
    engine->exchanges.rules.is_strict = engine->options.strict;
    engine->exchanges.rules.max_head = engine->budget.head_bytes;
    engine->exchanges.rules.carry_above = engine->options.keep_headers ? BLOCK_BYTES : UINT32_MAX;
}

/* Where it fails, what ret_why names is the caller's, not the engine's copy. */
static int engine_init(struct engine *engine, const struct haul_options *options,
                       struct haul_open_error *ret_why)
{
    static const struct haul_tls defaults;
    const struct haul_tls *tls = options->tls ? options->tls : &defaults;
    int error = options_take(engine, options, ret_why);
    if (!error)
        error = memory_take(engine);
    if (!error)
        error = template_take(engine, options, ret_why);
    if (!error)
        error = reroute_take(engine, ret_why);
    if (!error)
        error = source_init(&engine->origins.source, options->transport, ret_why);
    if (!error)
        error = secure_check(tls, ret_why);
    if (!error && !engine->loop)
        error = loop_take(engine);
    if (!error)
        error = resolver_take(engine, options->dns_servers, ret_why);
    if (!error && tls->at_open)
        error = secure_open(&engine->secure, tls, engine->budget.conns, ret_why);
    if (!error)
        connections_init(engine);
    return error;
}

int engine_open(struct engine *engine, const struct haul_options *options, struct loop *loop,
                struct haul_open_error *ret_why)
{
    *engine = (struct engine){.loop = loop, .now_ns = clock_now_ns()};
    secure_init(&engine->secure);
    int error = engine_init(engine, options, ret_why);
    if (error)
        engine_close(engine);
    return error;
}

/* Nobody has a block where every request was released and every link is at rest. */
static void check_blocks(const struct engine *engine)
{
    const struct store *store = &engine->store;
    bool is_at_rest = engine->fetch_slab.taken == 0 && engine->pool.slab.taken == engine->pool.idle;
    assert(!is_at_rest || (store->slab.taken == 0 && store->shared_left == store->shared));
    assert(!is_at_rest || engine->pipes.slab.taken == 0);
}

void engine_close(struct engine *engine)
{
    check_blocks(engine);
    resolver_close(engine->resolver);
    for (uint32_t i = 0; i < engine->pool.slab.touched; i++)
        link_deinit(&engine->links, i);
    if (engine->loop)
        loop_close(engine->loop);
    secure_close(&engine->secure);
    memory_free(engine);
}
