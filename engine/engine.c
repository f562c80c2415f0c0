/* Owns everything. engine_run() is the loop: begin what may begin, one enter, dispatch each
 * completion to its handler. Handlers only queue; so nothing recurses, and the caller, who is
 * served between runs, never stands on the stack of a handler. */

#include "engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_FROM = 64, /* in flight: from here on it pays to wait for several completions */
    BATCH_SHARE = 4,
    BATCH_MAX = 64,
    TAKEN_WHOLE = 16, /* one wait takes at least so many, if there are as many */
};

#define FRESH_NS UINT64_C(100000) /* as long as a full batch takes to be handled */
#define RATE_SPAN_NS UINT64_C(1000000)

/* --- opening ---------------------------------------------------------------------------------- */

static int template_take(struct engine *engine)
{
    struct request_options request = {
        .method = engine->options.method,
        .user_agent = engine->options.user_agent,
        .fields = engine->options.headers,
        .has_body = engine->options.has_body,
        .body_bytes = engine->options.body_length,
    };
    engine->template_fields = malloc(TEMPLATE_BYTES);
    if (!engine->template_fields)
        return -ENOMEM;
    enum proto_error error = request_template_init(&engine->template, &request,
                                                   engine->template_fields, TEMPLATE_BYTES, NULL);
    return error ? -EINVAL : 0;
}

/* --- memory ----------------------------------------------------------------------------------- */

enum shelf_group { SHELF_REQUESTS, SHELF_CONNECTIONS, SHELF_ORIGINS, SHELF_BLOCKS, SHELF_GROUPS };

/* All arrays there are: what they belong to, where they lie, how many elements they have. They are
 * taken, counted and freed by this list. */
#define SHELVES(X)                                                                                 \
    X(REQUESTS, fetches, budget->window)                                                           \
    X(REQUESTS, fetch_slab.next, budget->window)                                                   \
    X(REQUESTS, collector.ring, budget->window)                                                    \
    X(CONNECTIONS, conns, budget->conns)                                                           \
    X(CONNECTIONS, conn_slab.next, budget->conns)                                                  \
    X(CONNECTIONS, link_list, budget->conns)                                                       \
    X(CONNECTIONS, deadlines.entries, budget->conns)                                               \
    X(CONNECTIONS, pressure.waiters, budget->conns)                                                \
    X(ORIGINS, origins.list, budget->origins)                                                      \
    X(ORIGINS, origins.buckets, origin_bucket_count(budget->origins))                              \
    X(BLOCKS, store.blocks, budget->blocks)                                                        \
    X(BLOCKS, store.slab.next, budget->blocks)

/* Memory that is zero and costs nothing until it is touched. */
static void *take(size_t count, size_t size, bool *ret_failed)
{
    void *memory = calloc(count, size);
    *ret_failed |= !memory;
    return memory;
}

static int memory_take(struct engine *engine)
{
    const struct budget *budget = &engine->budget;
    bool failed = false;
#define SHELF_TAKE(group, member, count)                                                           \
    engine->member = take(count, sizeof *engine->member, &failed);
    SHELVES(SHELF_TAKE)
#undef SHELF_TAKE
    if (failed)
        return -ENOMEM;
    slab_init(&engine->fetch_slab, engine->fetch_slab.next, budget->window);
    schedule_init(&engine->schedule, engine->fetches);
    slab_init(&engine->conn_slab, engine->conn_slab.next, budget->conns);
    pressure_init(&engine->pressure, engine->pressure.waiters);
    store_init(&engine->store, engine->store.blocks, engine->store.slab.next, budget->blocks,
               budget->shared_blocks);
    collector_init(&engine->collector, engine->collector.ring, budget->window, engine->fetches,
                   &engine->store);
    engine->collector.is_unordered = engine->options.unordered;
    engine->collector.hands_out_parts = engine->options.stream_bodies;
    deadline_init(&engine->deadlines, engine->deadlines.entries, budget->conns, engine->now_ns);
    origins_init(&engine->origins, engine->origins.list, engine->origins.buckets, budget->origins);
    return 0;
}

static void term(struct haul_budget *ret, const char *name, uint64_t count, uint64_t bytes_each)
{
    ret->terms[ret->term_count++] = (struct haul_budget_term){name, count, bytes_each};
    ret->total_bytes += count * bytes_each;
}

/* One term a consumer; what the loop and TLS take for themselves is added to the shelves. */
void engine_terms(const struct budget *budget, struct haul_budget *ret)
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
    *ret = (struct haul_budget){0};
    term(ret, "requests from submit to release", budget->window,
         bytes[SHELF_REQUESTS] / budget->window);
    term(ret, "connections", budget->conns, bytes[SHELF_CONNECTIONS] / budget->conns);
    term(ret, "origins", budget->origins, bytes[SHELF_ORIGINS] / budget->origins);
    term(ret, "blocks that slots are entitled to", entitled, block_bytes);
    term(ret, "blocks for long URLs", budget->url_blocks, block_bytes);
    term(ret, "shared blocks for bodies", budget->shared_blocks, block_bytes);
    term(ret, "TLS connections, from the first https URL on", budget->conns, tls_size());
    term(ret, "certificate chains in arrival, likewise", budget->conns, tls_chain_size());
    term(ret, "receive buffers of the loop", buffers < 32 ? 32 : buffers, LOOP_BUFFER_BYTES);
    term(ret, "completion queue entries", 4 * (uint64_t)budget->conns + 64, 16);
}

/* --- opening and closing ---------------------------------------------------------------------- */

static int reroute_take(struct engine *engine)
{
    const char *message;
    struct haul_options *options = &engine->options;
    int error = reroute_init(&engine->origins.reroute, options->connect_to, options->resolve,
                             engine->now_ns, &message);
    options->connect_to = NULL; /* the caller's; what they say is now the reroute's */
    options->resolve = NULL;
    return error;
}

static void memory_free(struct engine *engine)
{
    origins_deinit(&engine->origins);
#define SHELF_FREE(group, member, count) free(engine->member);
    SHELVES(SHELF_FREE)
#undef SHELF_FREE
    reroute_deinit(&engine->origins.reroute);
    free(engine->template_fields);
    free(engine->option_strings);
}

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
    struct loop_options options = {.slots = engine->budget.conns, .polls = BUDGET_RESOLVER_TAGS};
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

static int engine_init(struct engine *engine, const struct haul_options *options)
{
    int error = engine_take_options(engine, options);
    if (!error)
        error = template_take(engine);
    if (!error)
        error = memory_take(engine);
    if (!error)
        error = reroute_take(engine);
    if (!error)
        error = secure_check(&engine->options);
    if (!error && !engine->loop)
        error = loop_take(engine);
    if (!error)
        links_init(&engine->links, engine->loop, &engine->store, &engine->secure,
                   engine->link_list);
    if (!error)
        error = resolver_open(&engine->resolver, engine->loop, 0, BUDGET_RESOLVER_TAGS,
                              engine->options.dns_servers, engine->options.connect_timeout_ms);
    if (!error && engine->options.tls_at_open)
        error = secure_open(&engine->secure, &engine->options, engine->budget.conns, NULL);
    return error;
}

int engine_open(struct engine *engine, const struct haul_options *options, struct loop *loop)
{
    *engine = (struct engine){
        .loop = loop,
        .idle_oldest = NO_CONN,
        .idle_newest = NO_CONN,
        .now_ns = clock_now_ns(),
    };
    secure_init(&engine->secure);
    int error = engine_init(engine, options);
    if (error)
        engine_close(engine);
    return error;
}

void engine_close(struct engine *engine)
{
    resolver_close(engine->resolver);
    for (uint32_t i = 0; i < engine->conn_slab.touched; i++)
        link_deinit(&engine->links, i);
    if (engine->loop)
        loop_close(engine->loop);
    secure_close(&engine->secure);
    memory_free(engine);
}

/* --- running ---------------------------------------------------------------------------------- */

static void dispatch(struct engine *engine, const struct completion *completion)
{
    uint32_t slot = completion->slot;
    switch (completion->op) {
    case LOOP_ACCEPT: /* the engine listens to nobody */
        return;
    case LOOP_CONNECT:
    case LOOP_SEND:
    case LOOP_CLOSED:
        conn_take(engine, completion);
        return;
    case LOOP_RECEIVE:
        conn_take_receive(engine, completion);
        return;
    case LOOP_READY:
        resolver_on_ready(engine->resolver, slot, completion->result);
        return;
    case LOOP_TICK: /* what is due is looked for after every wait */
        return;
    case LOOP_WAKE:
        engine->is_woken = true;
        return;
    }
}

static void take_answers(struct engine *engine)
{
    struct resolver_answer answer;
    while (resolver_next(engine->resolver, &answer))
        conn_on_addresses(engine, &answer);
}

static void expire(struct engine *engine)
{
    uint32_t conn;
    if (resolver_deadline_ns(engine->resolver) <= engine->now_ns)
        resolver_on_tick(engine->resolver);
    take_answers(engine);
    while (deadline_expired(&engine->deadlines, engine->now_ns, &conn))
        conn_on_deadline(engine, conn);
}

static void arm_tick(struct engine *engine)
{
    uint64_t time_ns = deadline_next_ns(&engine->deadlines);
    uint64_t resolver_ns = resolver_deadline_ns(engine->resolver);
    uint64_t turn_ns = pressure_turn_ns(&engine->pressure);
    time_ns = resolver_ns < time_ns ? resolver_ns : time_ns;
    time_ns = turn_ns < time_ns ? turn_ns : time_ns;
    if (time_ns != UINT64_MAX && engine->active > 0)
        loop_tick(engine->loop, time_ns);
}

/* How often completions came lately, for batch(). */
static void measure_rate(struct engine *engine)
{
    engine->rate_count += engine->completions;
    uint64_t span_ns = engine->now_ns - engine->rate_since_ns;
    if (span_ns < RATE_SPAN_NS)
        return;
    engine->rate_per_batch_wait = engine->rate_count * LOOP_BATCH_WAIT_NS / span_ns;
    engine->rate_count = 0;
    engine->rate_since_ns = engine->now_ns;
}

/* Waiting for several completions at once saves wake-ups, and lets what comes in two segments be
 * received as one; but only as many as may be expected while the loop is willing to wait, and only
 * a fraction of what is in flight, so that the server is never left idle. */
static uint32_t batch(const struct engine *engine)
{
    uint64_t count = engine->active / BATCH_SHARE;
    if (engine->active < BATCH_FROM)
        return 1;
    count = count < BATCH_MAX ? count : BATCH_MAX;
    count = count < engine->rate_per_batch_wait ? count : engine->rate_per_batch_wait;
    return count > 1 ? (uint32_t)count : 1;
}

/* Handshakes take long, and a hostile one as long as it may: what is due meanwhile ends between two
 * of them, not behind the last. */
static void expire_between(struct engine *engine)
{
    uint64_t now_ns = clock_now_ns();
    if (now_ns - engine->now_ns < DEADLINE_TICK_NS)
        return;
    engine->now_ns = now_ns;
    expire(engine);
}

/* One wait, and what it brings. count as for loop_wait(). */
static int wait_and_take(struct engine *engine, uint32_t count, int64_t timeout_ns)
{
    struct completion completion;
    int error = loop_wait(engine->loop, count, timeout_ns);
    if (error && error != -EINTR)
        return error;
    engine->now_ns = clock_now_ns();
    while (loop_next(engine->loop, &completion)) {
        bool is_costly =
            completion.op == LOOP_RECEIVE && engine->conns[completion.slot].state == CONN_TLS;
        engine->completions++;
        dispatch(engine, &completion);
        if (is_costly)
            expire_between(engine);
    }
    return error;
}

/* Before a request goes out on a kept connection, what the kernel already has for that connection
 * must be taken: a FIN, or a reply that nobody asked for and that would be this request's (RFC
 * 9112, 9.2). Where many are under way, what was taken a moment ago is as good. */
static bool must_look(const struct engine *engine, uint64_t absence_ns)
{
    bool has_many = engine->budget.concurrency >= BATCH_FROM;
    return engine->schedule.count > 0 && engine->idle_newest != NO_CONN &&
           (!has_many || absence_ns > FRESH_NS);
}

/* Takes what came while the engine did not run, without waiting. A caller who was away for long,
 * writing to a slow pipe perhaps, must not turn replies that wait in the kernel into expired
 * requests: all of them are taken before deadlines count again, which they do when this is over.
 * Else it is enough that everything has been taken which was there at the beginning: a wait that
 * takes few has left none. */
static int catch_up(struct engine *engine)
{
    uint64_t now_ns = clock_now_ns();
    uint64_t absence_ns = now_ns - engine->now_ns;
    bool was_away = absence_ns > ENGINE_ABSENCE_NS;
    uint32_t few = was_away ? 1 : TAKEN_WHOLE;
    uint64_t end_ns = now_ns + ENGINE_ABSENCE_NS;
    bool goes_on = was_away || must_look(engine, absence_ns);
    int error = 0;
    engine->now_ns = now_ns;
    while (goes_on && !error) {
        uint32_t before = engine->completions;
        error = wait_and_take(engine, 0, 0);
        goes_on = engine->completions - before >= few && engine->now_ns < end_ns;
    }
    return error;
}

/* --- while memory is short -------------------------------------------------------------------- */

/* What the current body may still take. In parts, it is handed out with what it has. */
static uint32_t rest_of(const struct engine *engine, const struct fetch *current)
{
    if (engine->options.stream_bodies)
        return PRESSURE_RECEIVE_BLOCKS;
    uint64_t most = engine->budget.shared_blocks / 2;
    uint64_t has = current ? current->result.body_bytes / BLOCK_BYTES : 0;
    return has < most ? (uint32_t)(most - has) : 0;
}

static struct pressure_view view_of(const struct engine *engine)
{
    uint32_t index = collector_current(&engine->collector);
    const struct fetch *current = index == NO_FETCH ? NULL : &engine->fetches[index];
    bool is_unordered = engine->collector.is_unordered;
    return (struct pressure_view){
        .shared_left = engine->store.shared_left,
        .shared_blocks = engine->budget.shared_blocks,
        .reserve_blocks = engine->budget.reserve_blocks,
        .flight_blocks = engine->budget.flight_blocks,
        .rest = rest_of(engine, current),
        .current = current && current->state == FETCH_ACTIVE ? current->conn : NO_SLOT,
        .has_current = current,
        .is_unordered = is_unordered,
        .may_change = is_unordered && current && !current->is_partial,
        .caller_has_results = engine->fetch_slab.taken > engine->collector.unfinished,
    };
}

void engine_hold_back(struct engine *engine)
{
    if (!pressure_begins(&engine->pressure, engine->store.shared_left,
                         engine->budget.reserve_blocks))
        return;
    pressure_begin(&engine->pressure, engine->now_ns);
    for (uint32_t i = 0; i < engine->conn_slab.touched; i++)
        if (conn_awaits_reply(&engine->conns[i]) && !pressure_is_armed(&engine->pressure, i)) {
            loop_pause(engine->loop, i);
            pressure_wait(&engine->pressure, i);
        }
}

void engine_let_in(struct engine *engine)
{
    uint32_t slot;
    struct pressure *pressure = &engine->pressure;
    struct pressure_view view = view_of(engine);
    uint32_t chosen = pressure_choose(pressure, &view);
    if (chosen != NO_SLOT) {
        collector_is_current(&engine->collector, engine->conns[chosen].fetch);
        view = view_of(engine);
    }
    for (;;) {
        switch (pressure_next(pressure, &view, &slot)) {
        case PRESSURE_RECEIVE:
            loop_receive(engine->loop, slot);
            break;
        case PRESSURE_RECEIVE_ONCE:
            loop_receive_once(engine->loop, slot);
            break;
        case PRESSURE_DONE:
            return;
        }
    }
}

static void take_turns(struct engine *engine)
{
    uint32_t slot;
    uint32_t cursor = 0;
    if (!pressure_is_turn(&engine->pressure, engine->now_ns))
        return;
    struct pressure_view view = view_of(engine);
    uint32_t slots = engine->conn_slab.touched;
    while ((slot = pressure_give_way(&engine->pressure, &view, slots, &cursor)) != NO_SLOT) {
        if (slot == view.current)
            engine->collector.current = NO_FETCH;
        loop_pause(engine->loop, slot);
    }
}

bool engine_waits_for_caller(const struct engine *engine)
{
    if (engine->pressure.first == NO_SLOT)
        return false;
    struct pressure_view view = view_of(engine);
    return pressure_waits_for_caller(&engine->pressure, &view);
}

bool engine_may_begin_another(const struct engine *engine)
{
    struct pressure_view view = view_of(engine);
    return pressure_may_begin(&engine->pressure, &view);
}

/* Receives that were taken back are counted on no more when the kernel knows, and what they had
 * delivered by then is taken. */
static int relieve(struct engine *engine)
{
    int error = 0;
    take_turns(engine);
    if (engine->pressure.was_held_back)
        error = wait_and_take(engine, 0, 0);
    if (error)
        return error;
    engine->pressure.was_held_back = false;
    engine_let_in(engine);
    return 0;
}

void engine_keep_time(struct engine *engine)
{
    catch_up(engine); /* what fails now fails again in the next run */
    expire(engine);
}

int engine_run(struct engine *engine, int64_t timeout_ns)
{
    uint64_t finished = engine->requests;
    engine->completions = 0;
    int error = catch_up(engine);
    if (error)
        return error;
    fetch_start_queued(engine);
    take_answers(engine);
    if (engine->pressure.is_short)
        error = relieve(engine);
    if (error)
        return error;
    arm_tick(engine);
    bool has_news =
        engine->completions > 0 || engine->requests > finished || engine_waits_for_caller(engine);
    error = wait_and_take(engine, has_news ? 0 : batch(engine), timeout_ns);
    if (error && error != -EINTR)
        return error;
    measure_rate(engine);
    expire(engine);
    return error;
}

void engine_cancel_all(struct engine *engine)
{
    engine->is_cancelled = true;
    for (uint32_t i = 0; i < engine->fetch_slab.touched; i++) {
        enum fetch_state state = engine->fetches[i].state;
        if (state == FETCH_QUEUED || state == FETCH_ACTIVE)
            fetch_cancel(engine, i);
    }
}
