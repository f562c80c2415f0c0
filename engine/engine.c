/* Owns everything, and alone knows how the rooms belong together. engine_run() is the loop: begin
 * what may begin, one enter, dispatch each completion. A completion becomes an event of its link,
 * that becomes news of a dial or of an exchange, and each kind of news has one handler here.
 * Handlers only queue; so nothing recurses, and the caller, who is served between runs, never
 * stands on the stack of a handler. */

#include "engine/engine.h"
#include "engine/request/attempt.h"
#include "engine/request/due.h"
#include "engine/request/resume.h"
#include "proto/http/retry_after.h"
#include "proto/tls/tls.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

enum { SPEED_MS = 30000 }; /* as curl's */
enum { HELD_MAX_S = 600 }; /* a host, by its own word */

enum { TAKEN_WHOLE = 16 }; /* one wait takes at least so many, if there are as many */

#define FRESH_NS UINT64_C(100000)        /* as long as a caller takes to hand on a full batch */
#define RETRY_NS UINT64_C(100000000)     /* in a shortage that others may end */
#define PATIENCE_NS UINT64_C(1000000000) /* with a server that does not say 100 */

/* --- the life of a request -------------------------------------------------------------------- */

static struct fetch *fetch_on(const struct engine *engine, uint32_t slot)
{
    return &engine->fetches[pool_holder(&engine->pool, slot)];
}

static inline void end_decoding(struct engine *engine, struct fetch *fetch)
{
    if (fetch->decoder == NO_DECODER)
        return;
    decoder_close(&engine->decoders, fetch->decoder);
    fetch->decoder = NO_DECODER;
}

/* goes_on: its host may keep its turn, if a connection is idle. */
static inline void give_place_back(struct engine *engine, uint32_t index, bool goes_on)
{
    uint32_t slot = engine->fetches[index].conn;
    bool is_kept = goes_on && slot != NO_SLOT && pool_state(&engine->pool, slot) == POOL_IDLE;
    assert(engine->active > 0);
    engine->active--;
    schedule_end(&engine->schedule, index, is_kept, engine->now_ns);
}

void engine_finish(struct engine *engine, uint32_t index, enum haul_stage stage,
                   const struct failure *failure)
{
    struct fetch *fetch = &engine->fetches[index];
    if (fetch->state == FETCH_ACTIVE)
        give_place_back(engine, index, true);
    end_decoding(engine, fetch);
    bool has_failed = fetch_finish(fetch, &engine->terms, stage, failure, engine->now_ns);
    engine->requests++;
    engine->failures += has_failed;
    if (engine->collector.is_unordered)
        collector_done(&engine->collector, index);
    if (has_failed && engine->options.cancel_on_error && !engine->is_cancelled)
        engine_cancel_all(engine);
}

/* The addresses that were tried for it. */
static struct tried *tried_of(struct engine *engine, struct fetch *fetch)
{
    size_t index = (size_t)(fetch - engine->fetches);
    struct tried *tried = &engine->tried[index];
    if (!fetch->has_tried)
        tried_reset(tried, &engine->tried_further[index * TRIED_FURTHER_MAX]);
    fetch->has_tried = true;
    return tried;
}

static const struct haul_times *times_of(const struct engine *engine, const struct fetch *fetch)
{
    return fetch->has_times ? &fetch->extra->times : &engine->times;
}

/* When the time of the stage alone is up. */
static uint64_t own_due_of(const struct engine *engine, const struct fetch *fetch,
                           enum haul_stage stage)
{
    struct due_starts starts = {
        .hop_ns = fetch->begun_ns,
        .queued_ns = fetch_view(fetch)->queued_ns ? fetch->extra->queued_ns : fetch->submitted_ns,
        .connected_ns = fetch->connected_ns,
        .sent_ns = fetch->first_byte_ns ? 0 : fetch->sent_ns,
    };
    return due_own_ns(stage, &starts, times_of(engine, fetch));
}

static uint64_t due_of(const struct engine *engine, const struct fetch *fetch,
                       enum haul_stage stage)
{
    const struct haul_times *times = times_of(engine, fetch);
    struct due_starts starts = {.hop_ns = fetch->begun_ns, .attempt_ns = fetch->attempt_ns};
    uint64_t time_ns = DEADLINE_NEVER;
    if (fetch->attempt_ns)
        time_ns = due_ns(stage, &starts, times->connect_ms, times->max_ms);
    if (engine->has_times) {
        uint64_t own_ns = own_due_of(engine, fetch, stage);
        time_ns = own_ns < time_ns ? own_ns : time_ns;
    }
    if (engine->retry.max == 0 || !fetch_has_begun(fetch))
        return time_ns;
    uint64_t end_ns = retry_end_ns(fetch, &engine->retry);
    return end_ns < time_ns ? end_ns : time_ns;
}

/* What is said of one whose time is up. */
static const struct failure *failure_of_due(const struct engine *engine, const struct fetch *fetch,
                                            enum haul_stage stage)
{
    bool is_own = engine->has_times && own_due_of(engine, fetch, stage) <= engine->now_ns;
    return is_own ? due_own_failure(stage) : due_failure(stage);
}

static void wake_at(struct engine *engine, uint32_t index, uint64_t time_ns)
{
    engine->has_waits = true;
    deadline_set(&engine->waits, index, time_ns);
}

void engine_await_first_turn(struct engine *engine, uint32_t index)
{
    if (times_of(engine, &engine->fetches[index])->queue_ms > 0)
        wake_at(engine, index, due_of(engine, &engine->fetches[index], HAUL_STAGE_QUEUE));
}

/* In the queue, what has begun has a time by which it must be over. */
static void await_turn(struct engine *engine, uint32_t index)
{
    wake_at(engine, index, due_of(engine, &engine->fetches[index], HAUL_STAGE_QUEUE));
}

/* Back to the front of its host's queue, to be begun on another connection; its time runs on.
 * is_unsent: its server has seen nothing of it. */
static void requeue(struct engine *engine, uint32_t index, bool is_unsent)
{
    struct fetch *fetch = &engine->fetches[index];
    end_decoding(engine, fetch);
    fetch_retreat(fetch);
    give_place_back(engine, index, false);
    fetch_extra(fetch)->queued_ns = engine->now_ns;
    schedule_prepend(&engine->schedule, index, is_unsent);
    await_turn(engine, index);
}

/* --- the life of a connection slot ------------------------------------------------------------ */

enum haul_stage engine_stage(const struct engine *engine, uint32_t slot)
{
    switch (pool_state(&engine->pool, slot)) {
    case POOL_DIALING:
        return dial_stage(&engine->dials, slot);
    case POOL_BUSY:
        return exchange_stage(&engine->exchanges, slot);
    case POOL_FREE:
    case POOL_IDLE:
    case POOL_CLOSING:
        break;
    }
    return HAUL_STAGE_QUEUE;
}

/* As many of those that wait for the address as there is room for now. */
static void leave_crowd(struct engine *engine, uint32_t slot)
{
    const struct crowds *crowds = &engine->dials.crowds;
    uint32_t crowd = crowds_leave(&engine->dials.crowds, slot);
    if (crowd == NO_CROWD)
        return;
    uint32_t count = crowds->list[crowd].count;
    schedule_open(&engine->schedule, crowd, count > 0 ? crowds->most - count : UINT32_MAX);
}

static void on_closed(struct engine *engine, uint32_t slot)
{
    assert(!deadline_is_set(&engine->deadlines, slot));
    assert(!pressure_is_waiting(&engine->pressure, slot) &&
           !pressure_is_armed(&engine->pressure, slot));
    exchange_close(&engine->exchanges, slot);
    pool_remove(&engine->pool, slot);
    schedule_disconnect(&engine->schedule, slot);
    if (engine->dials.crowds.most > 0)
        leave_crowd(engine, slot);
}

/* Of two attempts one is left: it is its request's. */
static void be_alone(struct engine *engine, uint32_t slot)
{
    pool_count(&engine->pool, slot);
    fetch_on(engine, slot)->conn = slot;
}

/* Takes the slot out of every list and closes its link. Its request is the caller's to finish,
 * unless it has another attempt. */
static void close_slot(struct engine *engine, uint32_t slot)
{
    uint32_t rival = NO_SLOT;
    dial_is_answered(&engine->dials, slot);
    if (pool_state(&engine->pool, slot) == POOL_DIALING) {
        rival = dial_rival(&engine->dials, slot);
        dial_forget(&engine->dials, slot);
    }
    exchange_end(&engine->exchanges, slot);
    pressure_leave(&engine->pressure, slot);
    heads_leave(&engine->heads, slot);
    heads_leave(&engine->coded, slot);
    deadline_clear(&engine->deadlines, slot);
    pool_close(&engine->pool, slot);
    if (rival != NO_SLOT)
        be_alone(engine, rival);
    if (link_at(&engine->links, slot)->state != LINK_FREE)
        link_close(&engine->links, slot);
    else
        on_closed(engine, slot);
}

static void close_rival(struct engine *engine, uint32_t slot)
{
    if (pool_state(&engine->pool, slot) != POOL_DIALING)
        return;
    uint32_t rival = dial_rival(&engine->dials, slot);
    if (rival != NO_SLOT)
        close_slot(engine, rival);
}

static void fail(struct engine *engine, uint32_t slot, const struct failure *failure)
{
    uint32_t index = pool_holder(&engine->pool, slot);
    enum haul_stage stage = engine_stage(engine, slot);
    close_rival(engine, slot);
    close_slot(engine, slot);
    engine_finish(engine, index, stage, failure);
}

/* There is no descriptor, port or memory for it. */
static void wait_for_room(struct engine *engine, uint32_t index)
{
    requeue(engine, index, true);
    fetch_wait(&engine->fetches[index]);
    pool_be_short(&engine->pool, engine->now_ns + RETRY_NS);
}

/* xorshift64 (Marsaglia). */
static struct retry_view retry_view_of(struct engine *engine)
{
    if (engine->retry.max == 0)
        return (struct retry_view){0};
    engine->random ^= engine->random << 13;
    engine->random ^= engine->random >> 7;
    engine->random ^= engine->random << 17;
    return (struct retry_view){
        .now_ns = engine->now_ns,
        .now_s = time(NULL),
        .end_ns = engine->end_ns,
        .random = engine->random,
        .begun = engine->begun,
        .retried = engine->retried,
    };
}

/* When it is tried again, or has waited for too long. */
static uint64_t wake_ns(const struct engine *engine, const struct fetch *fetch, uint64_t again_ns)
{
    uint64_t own_ns =
        engine->has_times ? own_due_of(engine, fetch, HAUL_STAGE_QUEUE) : DEADLINE_NEVER;
    return own_ns < again_ns ? own_ns : again_ns;
}

/* Until its time has come it holds nothing but its place in the window. */
static void leave_without_place(struct engine *engine, uint32_t index)
{
    struct fetch *fetch = &engine->fetches[index];
    uint64_t again_ns = fetch_view(fetch)->again_ns;
    engine->redirects += !again_ns && !fetch->asks_anew && !fetch->answers;
    end_decoding(engine, fetch);
    fetch_extra(fetch)->queued_ns = engine->now_ns;
    fetch_leave(fetch, &engine->terms, engine->now_ns);
    bool is_current = engine->collector.is_unordered && engine->collector.current == index;
    if (is_current && !fetch->is_partial) /* else nothing comes between its parts */
        engine->collector.current = NO_FETCH;
    if (again_ns) {
        engine->retried++;
        engine->waiting++;
        fetch->state = FETCH_WAITING;
        wake_at(engine, index, wake_ns(engine, fetch, again_ns));
    } else {
        schedule_prepend(&engine->schedule, index, false);
        await_turn(engine, index);
    }
}

/* What was decided comes now: its slot is at rest or closed. A host that has it tried again, or led
 * elsewhere, has not answered what was asked, and its turn is over: else hosts that only do so
 * would keep those waiting that answer. */
static void leave(struct engine *engine, uint32_t index)
{
    const struct fetch *fetch = &engine->fetches[index];
    bool goes_on = !fetch_view(fetch)->again_ns && schedule_stays(&engine->schedule, index);
    if (!goes_on)
        schedule_yield(&engine->schedule, index, engine->now_ns);
    give_place_back(engine, index, goes_on);
    leave_without_place(engine, index);
}

static void close_and_leave(struct engine *engine, uint32_t slot)
{
    uint32_t index = pool_holder(&engine->pool, slot);
    close_slot(engine, slot);
    leave(engine, index);
}

static void end_wait(struct engine *engine, uint32_t index)
{
    assert(engine->waiting > 0 && engine->fetches[index].state == FETCH_WAITING);
    deadline_clear(&engine->waits, index);
    fetch_extra(&engine->fetches[index])->again_ns = 0;
    engine->waiting--;
}

/* The attempt has come to nothing; what comes of the request is for request/attempt.c to say. */
static void lose(struct engine *engine, uint32_t slot, struct outcome *outcome)
{
    uint32_t index = pool_holder(&engine->pool, slot);
    struct retry_view view = retry_view_of(engine);
    outcome->stage = engine_stage(engine, slot);
    close_slot(engine, slot);
    switch (attempt_after(&engine->fetches[index], &engine->terms, outcome, &view)) {
    case ATTEMPT_DONE:
        engine_finish(engine, index, outcome->stage, &outcome->failure);
        break;
    case ATTEMPT_AGAIN:
        leave(engine, index);
        break;
    case ATTEMPT_RESEND:
        engine->retries++;
        engine->fetches[index].begun_ns = 0;
        requeue(engine, index, false);
        break;
    case ATTEMPT_GO_ON:
        requeue(engine, index, true);
        break;
    case ATTEMPT_WAIT:
        wait_for_room(engine, index);
        break;
    case ATTEMPT_ELSEWHERE: /* a head leads there, no loss */
    case ATTEMPT_REFUSED:
    case ATTEMPT_MET:
    case ATTEMPT_GOES_ON:
    case ATTEMPT_ANEW:
    case ATTEMPT_ANSWER:
    case ATTEMPT_BROKEN:
        break;
    }
}

static uint64_t slow_due_ns(const struct engine *engine, uint32_t slot);

static uint64_t deadline_of(const struct engine *engine, uint32_t slot, enum haul_stage stage)
{
    uint64_t time_ns = due_of(engine, fetch_on(engine, slot), stage);
    if (!engine->has_speed || stage < HAUL_STAGE_HEAD)
        return time_ns;
    uint64_t slow_ns = slow_due_ns(engine, slot);
    return slow_ns < time_ns ? slow_ns : time_ns;
}

static void set_deadline(struct engine *engine, uint32_t slot, enum haul_stage stage)
{
    deadline_set(&engine->deadlines, slot, deadline_of(engine, slot, stage));
}

/* As begun, or as never begun. */
static void end_early(struct engine *engine, uint32_t index, const struct failure *begun,
                      const struct failure *not_started)
{
    struct fetch *fetch = &engine->fetches[index];
    if (fetch->state == FETCH_ACTIVE) {
        assert(fetch_on(engine, fetch->conn) == fetch);
        fail(engine, fetch->conn, begun);
        return;
    }
    if (fetch->state == FETCH_WAITING)
        end_wait(engine, index);
    else
        schedule_remove(&engine->schedule, index);
    engine_finish(engine, index, HAUL_STAGE_QUEUE, fetch_has_begun(fetch) ? begun : not_started);
}

static const struct failure cancelled = {HAUL_CANCELLED, "cancelled", 0};
static const struct failure not_started = {HAUL_NOT_STARTED, "cancelled before it was begun", 0};

void engine_cancel(struct engine *engine, uint32_t index)
{
    end_early(engine, index, &cancelled, &not_started);
}

static void end_all(struct engine *engine, const struct failure *begun,
                    const struct failure *unbegun)
{
    engine->is_cancelled = true;
    for (uint32_t i = 0; i < engine->fetch_slab.touched; i++) {
        enum fetch_state state = engine->fetches[i].state;
        if (state == FETCH_QUEUED || state == FETCH_WAITING || state == FETCH_ACTIVE)
            end_early(engine, i, begun, unbegun);
    }
}

void engine_cancel_all(struct engine *engine)
{
    end_all(engine, &cancelled, &not_started);
}

/* The run's own time is up. */
static void end_run(struct engine *engine)
{
    static const struct failure late = {HAUL_DEADLINE, "the deadline of the run has come",
                                        ETIMEDOUT};
    static const struct failure too_late = {
        HAUL_NOT_STARTED, "the deadline of the run came before it was begun", ETIMEDOUT};
    engine->end_ns = DEADLINE_NEVER;
    end_all(engine, &late, &too_late);
}

/* --- while memory is short -------------------------------------------------------------------- */

/* What the current body may still take. In parts, it is handed out with what it has. */
static uint32_t rest_of(const struct engine *engine, const struct fetch *current)
{
    if (engine->options.stream_bodies)
        return PRESSURE_RECEIVE_BLOCKS;
    uint64_t most = engine->budget.shared_blocks / 2;
    uint64_t has = current ? current->body_bytes / BLOCK_BYTES : 0;
    return has < most ? (uint32_t)(most - has) : 0;
}

static struct pressure_view view_of(const struct engine *engine)
{
    uint32_t index = collector_current(&engine->collector);
    const struct fetch *current = index == NO_FETCH ? NULL : &engine->fetches[index];
    bool is_unordered = engine->collector.is_unordered;
    return (struct pressure_view){
        .shared_left = engine->options.keep_bodies ? engine->store.shared_left : UINT32_MAX / 2,
        .shared_blocks = engine->budget.shared_blocks,
        .reserve_blocks = engine->budget.reserve_blocks,
        .flight_blocks = engine->budget.flight_blocks,
        .rest = rest_of(engine, current),
        .current = current && current->state == FETCH_ACTIVE ? current->conn : NO_SLOT,
        .has_current = current,
        .is_unordered = is_unordered,
        .may_change = is_unordered && current && !current->is_partial,
        .caller_has_results = engine->fetch_slab.taken > engine->collector.unfinished,
        .heads_wait = engine->heads.count + engine->coded.count > 0,
    };
}

/* --- how fast replies come, where that is asked for ------------------------------------------- */

/* Of a clock that stands while the caller is away. */
static uint64_t reading_ns(const struct engine *engine)
{
    return engine->now_ns - engine->away_ns;
}

/* Of a request, how slow is too slow; false: nothing is. */
static bool speed_of(const struct engine *engine, const struct fetch *fetch, uint64_t *ret_time_ns,
                     uint64_t *ret_limit)
{
    const struct haul_times *times = times_of(engine, fetch);
    if (times->speed_limit < 0 || times->speed_ms < 0 || times->speed_limit + times->speed_ms == 0)
        return false;
    uint64_t time_ms = times->speed_ms ? (uint64_t)times->speed_ms : SPEED_MS;
    *ret_time_ns = time_ms < DEADLINE_NEVER / 1000000 ? time_ms * 1000000 : DEADLINE_NEVER;
    *ret_limit = times->speed_limit ? (uint64_t)times->speed_limit : 1;
    return true;
}

static uint64_t slow_due_ns(const struct engine *engine, uint32_t slot)
{
    uint64_t time_ns, limit;
    if (!speed_of(engine, fetch_on(engine, slot), &time_ns, &limit))
        return DEADLINE_NEVER;
    uint64_t due_ns = pace_due_ns(&engine->paces[slot], time_ns);
    return due_ns < DEADLINE_NEVER - engine->away_ns ? due_ns + engine->away_ns : DEADLINE_NEVER;
}

static bool is_slow(struct engine *engine, uint32_t slot)
{
    uint64_t time_ns, limit;
    return engine->has_speed && speed_of(engine, fetch_on(engine, slot), &time_ns, &limit) &&
           pace_is_slow(&engine->paces[slot], reading_ns(engine), time_ns, limit);
}

static void set_deadline(struct engine *engine, uint32_t slot, enum haul_stage stage);

/* It is read from now on, or not: its clock runs, or stands. */
static __attribute__((noinline)) void run_pace(struct engine *engine, uint32_t slot, bool is_read)
{
    struct pace *pace = &engine->paces[slot];
    if (pool_state(&engine->pool, slot) != POOL_BUSY || !pace->is_begun)
        return;
    (is_read ? pace_go_on : pace_pause)(pace, reading_ns(engine));
    set_deadline(engine, slot, engine_stage(engine, slot));
}

static inline void pause_link(struct engine *engine, uint32_t slot)
{
    loop_pause(engine->loop, slot);
    if (engine->has_speed)
        run_pace(engine, slot, false);
}

static inline void receive(struct engine *engine, uint32_t slot)
{
    loop_receive(engine->loop, slot);
    if (engine->has_speed)
        run_pace(engine, slot, true);
}

static void receive_once(struct engine *engine, uint32_t slot)
{
    loop_receive_once(engine->loop, slot);
    if (engine->has_speed)
        run_pace(engine, slot, true);
}

static bool awaits_reply(const struct engine *engine, uint32_t slot)
{
    return pool_state(&engine->pool, slot) == POOL_BUSY &&
           !heads_is_waiting(&engine->heads, slot) && !heads_is_waiting(&engine->coded, slot);
}

/* Blocks have become short: nobody receives as before. */
static void hold_all_back(struct engine *engine)
{
    pressure_begin(&engine->pressure, engine->now_ns);
    for (uint32_t i = 0; i < engine->pool.slab.touched; i++)
        if (awaits_reply(engine, i) && !pressure_is_armed(&engine->pressure, i)) {
            pause_link(engine, i);
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
        collector_is_current(&engine->collector, pool_holder(&engine->pool, chosen));
        view = view_of(engine);
    }
    for (;;) {
        switch (pressure_next(pressure, &view, &slot)) {
        case PRESSURE_RECEIVE:
            receive(engine, slot);
            break;
        case PRESSURE_RECEIVE_ONCE:
            receive_once(engine, slot);
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
    uint32_t slots = engine->pool.slab.touched;
    while ((slot = pressure_give_way(&engine->pressure, &view, slots, &cursor)) != NO_SLOT) {
        if (slot == view.current)
            engine->collector.current = NO_FETCH;
        pause_link(engine, slot);
    }
}

/* --- while pieces for heads are short --------------------------------------------------------- */

static struct heads_view heads_view_of(const struct engine *engine)
{
    const struct slab *pieces = &engine->store.piece_slab;
    uint32_t index = collector_current(&engine->collector);
    bool has_slot = index != NO_FETCH && engine->fetches[index].state == FETCH_ACTIVE;
    return (struct heads_view){
        .pieces_left = pieces->count - pieces->taken,
        .current = has_slot ? engine->fetches[index].conn : NO_SLOT,
        .is_unordered = engine->collector.is_unordered,
    };
}

/* What is held of one may be read where there is a piece for its head, and room for its body. */
static bool has_piece(const struct engine *engine, uint32_t slot)
{
    struct heads_view view = heads_view_of(engine);
    return !exchange_lacks_piece(&engine->exchanges, slot) || heads_has_piece(&view, slot);
}

static bool has_blocks(const struct engine *engine, uint32_t slot)
{
    if (!engine->pressure.is_short)
        return true;
    struct pressure_view view = view_of(engine);
    return pressure_has_plenty(&view) ||
           pressure_has_room(&engine->pressure, &view, slot == view.current);
}

static uint32_t next_queued(struct engine *engine);

/* Of one line: the one whose turn it is, or out of order all there are in both, and nothing but
 * what the caller holds would let it go on. */
static bool line_waits_for_caller(struct engine *engine, const struct heads *line)
{
    struct heads_view view = heads_view_of(engine);
    uint32_t slot = heads_next(line, &view);
    if (slot == NO_SLOT)
        return false;
    bool caller_has_results = engine->fetch_slab.taken > engine->collector.unfinished;
    bool is_callers =
        !has_piece(engine, slot) ? engine->options.keep_headers : !has_blocks(engine, slot);
    if (!caller_has_results || !is_callers || engine->pressure.was_held_back)
        return false;
    if (!view.is_unordered)
        return slot == view.current;
    bool may_begin = engine->active < engine->budget.concurrency && next_queued(engine) != NO_FETCH;
    return engine->heads.count + engine->coded.count == engine->active && !may_begin;
}

bool engine_waits_for_caller(struct engine *engine)
{
    if (line_waits_for_caller(engine, &engine->heads) ||
        line_waits_for_caller(engine, &engine->coded))
        return true;
    if (engine->pressure.first == NO_SLOT)
        return false;
    struct pressure_view view = view_of(engine);
    return pressure_waits_for_caller(&engine->pressure, &view);
}

static const struct failure no_piece = {HAUL_LIMIT,
                                        "no memory is left for heads that are beyond 16 KiB", 0};

/* What comes before it is paused is held; and so that this is little, all receive once at a time as
 * long as any waits. Out of order the one whose turn it is must be one that can
 * go on: another takes its place. */
static void wait_for_piece(struct engine *engine, uint32_t slot)
{
    if (!exchange_hold(&engine->exchanges, slot)) {
        fail(engine, slot, &no_piece);
        return;
    }
    pressure_leave(&engine->pressure, slot);
    pause_link(engine, slot);
    heads_wait(&engine->heads, slot);
    if (engine->collector.is_unordered &&
        engine->collector.current == pool_holder(&engine->pool, slot))
        engine->collector.current = NO_FETCH;
    if (!engine->pressure.is_short)
        hold_all_back(engine);
}

static void on_long_head(struct engine *engine, uint32_t slot)
{
    struct heads_view view = heads_view_of(engine);
    if (heads_may_take(&engine->heads, &view, slot))
        exchange_lend(&engine->exchanges, slot, store_take_piece(&engine->store));
    else
        wait_for_piece(engine, slot);
}

static bool may_begin_another(const struct engine *engine)
{
    struct pressure_view view = view_of(engine);
    return pressure_may_begin(&engine->pressure, &view);
}

/* --- coded bodies ----------------------------------------------------------------------------- */

/* What a decoder has, a piece of the body, becomes as much plain body as there are blocks for.
 * False: the rest has to wait, or it has failed and is over. */
static bool decode(struct engine *engine, uint32_t slot)
{
    struct fetch *fetch = fetch_on(engine, slot);
    for (bool has_more = true; has_more;) {
        struct span data;
        enum proto_error error;
        if (engine->pressure.was_held_back || !has_blocks(engine, slot))
            return false;
        has_more = decoder_take(&engine->decoders, fetch->decoder, &data, &error);
        struct failure failure = failure_of(error);
        const struct failure *cut = fetch_take_body(fetch, &engine->terms, data);
        if (cut || error) {
            fail(engine, slot, cut ? cut : &failure);
            return false;
        }
        if (pressure_begins(&engine->pressure, engine->store.shared_left,
                            engine->budget.reserve_blocks))
            hold_all_back(engine);
    }
    return true;
}

static const struct failure no_room_held = {HAUL_LIMIT,
                                            "no memory is left for bodies that are decoded", 0};

/* It waits half decoded: what is left of the piece stays with its decoder, what comes behind it is
 * held. */
static void wait_for_blocks(struct engine *engine, uint32_t slot)
{
    decoder_keep(&engine->decoders, fetch_on(engine, slot)->decoder);
    bool is_held = exchange_is_held(&engine->exchanges, slot);
    if (!exchange_hold(&engine->exchanges, slot)) {
        fail(engine, slot, &no_room_held);
        return;
    }
    pressure_leave(&engine->pressure, slot);
    pause_link(engine, slot);
    if (is_held)
        heads_wait_first(&engine->coded, slot);
    else
        heads_wait(&engine->coded, slot);
}

static __attribute__((noinline)) void on_coded_body(struct engine *engine, uint32_t slot,
                                                    struct span data)
{
    uint32_t index = pool_holder(&engine->pool, slot);
    decoder_feed(&engine->decoders, engine->fetches[index].decoder, data);
    if (!decode(engine, slot) && engine->fetches[index].decoder != NO_DECODER)
        wait_for_blocks(engine, slot);
}

/* The codings of the body that this head comes before. */
static enum proto_error list_codings(struct span head, struct coding_list *ret_list)
{
    struct span name;
    struct span value;
    enum proto_error error = PROTO_OK;
    *ret_list = (struct coding_list){0};
    for (size_t cursor = 0; !error && response_field_next(head, &cursor, &name, &value);)
        if (span_equal_fold(name, SPAN("Content-Encoding")))
            error = coding_list_add(ret_list, value);
    return error;
}

/* A part of a coded body cannot be decoded alone (206), and what has no body has nothing to. */
static const struct failure *begin_decoding(struct engine *engine, uint32_t slot, struct span head,
                                            struct failure *failure)
{
    struct coding_list list;
    struct fetch *fetch = fetch_on(engine, slot);
    const struct response *response = exchange_response(&engine->exchanges, slot);
    if (response->framing == FRAMING_NONE)
        return NULL;
    enum proto_error error = list_codings(head, &list);
    fetch_extra(fetch)->codings_kept = list.named;
    if (!engine->options.compressed || response->status == 206 || (!error && list.count == 0))
        return NULL;
    *failure = failure_of(error);
    if (error)
        return failure;
    fetch->decoder = decoder_open(&engine->decoders, &list, &error);
    *failure = error ? failure_of(error)
                     : (struct failure){HAUL_RESOURCE, "there is no memory for a decoder", ENOMEM};
    if (fetch->decoder == NO_DECODER)
        return failure;
    fetch_extra(fetch)->codings = list.count;
    fetch_extra(fetch)->codings_kept = 0;
    return NULL;
}

/* --- what an exchange tells ------------------------------------------------------------------- */

/* A long head stays where it is, in the piece that it was carried in. */
static void keep_head(struct engine *engine, uint32_t slot, struct span head)
{
    struct fetch *fetch = fetch_on(engine, slot);
    if (engine->options.keep_headers && head.length > BLOCK_BYTES)
        fetch_extra(fetch)->head_piece = exchange_take_piece(&engine->exchanges, slot);
    fetch_take_head(fetch, &engine->terms, head);
}

static void end_at(struct engine *engine, uint32_t slot, enum haul_stage stage,
                   const struct failure *failure)
{
    uint32_t index = pool_holder(&engine->pool, slot);
    close_slot(engine, slot);
    engine_finish(engine, index, stage, failure);
}

/* The rest of the reply is read where it has an end that is near. */
static void pass(struct engine *engine, uint32_t slot, uint64_t length)
{
    const struct response *response = exchange_response(&engine->exchanges, slot);
    if (response->framing == FRAMING_CLOSE || !fetch_pass(fetch_on(engine, slot), length))
        close_and_leave(engine, slot);
}

static void note_status(struct fetch *fetch, const struct response *response)
{
    fetch->status = response->status;
    fetch->version_minor = response->version_minor;
}

/* What a reply leads to. Of a body that it does not want nothing more is sent; one that waits for a
 * 100 may be wanted without. */
static enum verdict judge_head(struct engine *engine, uint32_t slot, struct span head,
                               struct failure *ret_failure)
{
    const struct response *response = exchange_response(&engine->exchanges, slot);
    struct fetch *fetch = fetch_on(engine, slot);
    struct retry_view view = retry_view_of(engine);
    bool is_unsent = fetch->has_upload && exchange_is_uploading(&engine->exchanges, slot);
    bool has_expected = is_unsent && exchange_has_expected(&engine->exchanges, slot);
    if (is_unsent && response->status >= 300)
        exchange_stop(&engine->exchanges, slot);
    if (has_expected && response->status == 417)
        return attempt_at_417(fetch, ret_failure);
    return attempt_at_head(fetch, &engine->terms, response, head, &view, ret_failure);
}

/* False: the reply is the result. */
static bool leads_on(struct engine *engine, uint32_t slot, struct span head)
{
    struct failure failure;
    const struct response *response = exchange_response(&engine->exchanges, slot);
    struct fetch *fetch = fetch_on(engine, slot);
    bool has_length = response->framing == FRAMING_LENGTH;
    switch (judge_head(engine, slot, head, &failure)) {
    case ATTEMPT_AGAIN:
    case ATTEMPT_ANEW:
    case ATTEMPT_ANSWER:
    case ATTEMPT_ELSEWHERE:
        if (!fetch->is_resumed)
            note_status(fetch, response);
        if (has_length && response->content_length > FETCH_PASSED_BYTES_MAX)
            close_and_leave(engine, slot);
        else
            pass(engine, slot, 0);
        return true;
    case ATTEMPT_REFUSED:
        note_status(fetch, response);
        keep_head(engine, slot, head);
        end_at(engine, slot, HAUL_STAGE_HEAD, &failure);
        return true;
    case ATTEMPT_BROKEN:
        end_at(engine, slot, HAUL_STAGE_BODY, &failure);
        return true;
    case ATTEMPT_GOES_ON:
        return true;
    case ATTEMPT_MET:
        engine->redirects_unfollowed++;
        return false;
    case ATTEMPT_DONE:
    case ATTEMPT_GO_ON:
    case ATTEMPT_WAIT:
    case ATTEMPT_RESEND:
        break;
    }
    return false;
}

/* What a reply fails by before its body comes. The length of a coded one is none of its body's. */
static void check_body(struct engine *engine, uint32_t slot, struct span head)
{
    struct failure room;
    const struct failure *failure = NULL;
    const struct fetch *fetch = fetch_on(engine, slot);
    const struct response *response = exchange_response(&engine->exchanges, slot);
    if (response->has_content_coding)
        failure = begin_decoding(engine, slot, head, &room);
    if (!failure && response->framing == FRAMING_LENGTH && fetch->decoder == NO_DECODER)
        failure = fetch_check_length(fetch, response->content_length);
    if (failure)
        end_at(engine, slot, HAUL_STAGE_HEAD, failure);
    else if (response->framing == FRAMING_LENGTH && response->content_length >= LOOP_MUCH_BYTES &&
             !link_at(&engine->links, slot)->tls)
        loop_expect(engine->loop, slot, response->content_length);
}

/* Where hosts have what they show to bear. */
static __attribute__((noinline)) void heed(struct engine *engine, uint32_t slot, struct span head)
{
    uint32_t index = pool_holder(&engine->pool, slot);
    int status = exchange_response(&engine->exchanges, slot)->status;
    int64_t after_s = 0;
    if (status != 429 && status != 503) {
        if (status < 500)
            schedule_praise(&engine->schedule, index);
        return;
    }
    bool has_time = retry_after_find(head, time(NULL), &after_s);
    after_s = !has_time || after_s < 0 ? 0 : after_s > HELD_MAX_S ? HELD_MAX_S : after_s;
    schedule_slow(&engine->schedule, index, engine->fetches[index].begun_ns,
                  engine->now_ns + (uint64_t)after_s * 1000000000, engine->now_ns);
}

static void on_head(struct engine *engine, uint32_t slot, struct span head)
{
    const struct response *response = exchange_response(&engine->exchanges, slot);
    struct fetch *fetch = fetch_on(engine, slot);
    fetch->anomalies = response->anomalies;
    if (engine->limits.adaptive)
        heed(engine, slot, head);
    if (response->status >= engine->looks_from && leads_on(engine, slot, head))
        return;
    note_status(fetch, response);
    keep_head(engine, slot, head);
    if (response->framing == FRAMING_LENGTH || response->has_content_coding)
        check_body(engine, slot, head);
}

static inline void on_body(struct engine *engine, uint32_t slot, struct span data)
{
    struct fetch *fetch = fetch_on(engine, slot);
    if (fetch->is_passing) {
        pass(engine, slot, data.length);
        return;
    }
    if (fetch_view(fetch)->skip > 0)
        data = fetch_skip(fetch, data);
    fetch->body_wire_bytes += data.length;
    if (fetch->decoder != NO_DECODER) {
        on_coded_body(engine, slot, data);
        return;
    }
    const struct failure *failure = fetch_take_body(fetch, &engine->terms, data);
    if (failure)
        fail(engine, slot, failure);
    else if (pressure_begins(&engine->pressure, engine->store.shared_left,
                             engine->budget.reserve_blocks))
        hold_all_back(engine);
}

/* How long a connection is kept where the reply says so: with a second for the way, since the
 * server counts from when it has sent. */
static __attribute__((noinline)) uint64_t stated_ns(uint64_t kept_ns, uint32_t stated_s)
{
    uint64_t time_ns = stated_s > 0 ? (stated_s - UINT64_C(1)) * 1000000000 : 0;
    return time_ns < kept_ns ? time_ns : kept_ns;
}

static void open_crowd(struct engine *engine, uint32_t slot)
{
    schedule_open(&engine->schedule, engine->dials.crowds.of_slot[slot] - 1, 1);
}

/* What it waited to receive has come before it was paused. */
static void rest(struct engine *engine, uint32_t slot, uint64_t kept_ns)
{
    exchange_rest(&engine->exchanges, slot);
    deadline_note(&engine->deadlines, slot, engine->now_ns + kept_ns);
    if (pressure_is_waiting(&engine->pressure, slot)) {
        pressure_leave(&engine->pressure, slot);
        receive(engine, slot);
    }
    pool_put_idle(&engine->pool, slot, engine->now_ns);
    schedule_idle(&engine->schedule, slot);
    if (engine->dials.crowds.most > 0) /* the first of those makes room for itself */
        open_crowd(engine, slot);
}

/* The reply is whole, and the body that it was to go on with may not be. */
static bool is_in_part(struct engine *engine, uint32_t slot)
{
    struct fetch *fetch = fetch_on(engine, slot);
    const struct failure *failure = fetch->is_passing ? NULL : resume_end(fetch, &engine->terms);
    if (!failure)
        return false;
    struct outcome outcome = {.kind = OUTCOME_FAILED, .failure = *failure};
    lose(engine, slot, &outcome);
    return true;
}

static void end_coded(struct engine *engine, uint32_t index)
{
    enum proto_error bad = decoder_end(&engine->decoders, engine->fetches[index].decoder);
    struct failure failure = failure_of(bad);
    engine_finish(engine, index, HAUL_STAGE_BODY, bad ? &failure : NULL);
}

static inline void end_body(struct engine *engine, uint32_t index)
{
    if (engine->fetches[index].decoder != NO_DECODER)
        end_coded(engine, index);
    else
        engine_finish(engine, index, HAUL_STAGE_BODY, NULL);
}

static inline void on_done(struct engine *engine, uint32_t slot, bool is_reusable)
{
    uint32_t index = pool_holder(&engine->pool, slot);
    assert(engine->fetches[index].conn == slot);
    if (engine->fetches[index].is_resumed && is_in_part(engine, slot))
        return;
    uint64_t kept_ns = is_reusable ? engine->kept_ns : 0;
    const struct response *response = exchange_response(&engine->exchanges, slot);
    if (response->has_keep_alive_timeout)
        kept_ns = stated_ns(kept_ns, response->keep_alive_timeout_s);
    if (kept_ns > 0)
        rest(engine, slot, kept_ns);
    else
        close_slot(engine, slot);
    if (engine->fetches[index].is_passing)
        leave(engine, index);
    else
        end_body(engine, index);
}

static void on_failed(struct engine *engine, uint32_t slot, const struct exchange_news *news)
{
    enum outcome_kind kind = news->is_unanswered ? OUTCOME_UNANSWERED : OUTCOME_FAILED;
    struct outcome outcome = {.kind = kind, .failure = news->failure};
    if (fetch_on(engine, slot)->is_passing) {
        close_and_leave(engine, slot);
        return;
    }
    if (news->is_unanswered && fetch_on(engine, slot)->is_reused)
        pool_is_cut(&engine->pool, slot, engine->now_ns);
    lose(engine, slot, &outcome);
}

/* From now on the first byte is awaited. */
static inline void on_sent(struct engine *engine, uint32_t slot)
{
    fetch_on(engine, slot)->sent_ns = engine->now_ns;
    if (engine->has_speed)
        pace_begin(&engine->paces[slot], reading_ns(engine));
    if (engine->has_times)
        set_deadline(engine, slot, HAUL_STAGE_HEAD);
}

/* The upload has come so far. */
static void on_upload(struct engine *engine, uint32_t slot, const struct exchange_news *news)
{
    if (news->kind == EXCHANGE_SENT)
        on_sent(engine, slot);
    else if (news->kind == EXCHANGE_FAILED)
        on_failed(engine, slot, news);
    else if (news->kind == EXCHANGE_ASKS)
        engine->asks_pieces = true;
}

/* Its body was waited with, and goes on its way. The first byte of the reply is still to come. */
static void send_upload(struct engine *engine, uint32_t slot)
{
    struct exchange_news news;
    set_deadline(engine, slot, HAUL_STAGE_SEND);
    if (exchange_go_on(&engine->exchanges, slot, &news))
        on_upload(engine, slot, &news);
}

/* What a body is read from is ready, or will never be. */
static void on_pipe(struct engine *engine, const struct completion *completion)
{
    struct exchange_news news;
    uint32_t slot = pipes_ready(&engine->pipes, completion->slot);
    int error = completion->result < 0 ? -completion->result : 0;
    if (exchange_read(&engine->exchanges, slot, error, &news))
        on_upload(engine, slot, &news);
}

int engine_give(struct engine *engine, uint32_t index, struct span piece)
{
    struct exchange_news news;
    bool has_news;
    struct fetch *fetch = &engine->fetches[index];
    struct upload *upload = &engine->uploads[index];
    bool is_on_its_way =
        fetch->state == FETCH_ACTIVE && pool_state(&engine->pool, fetch->conn) == POOL_BUSY;
    if (upload->has_ended)
        return -EINVAL;
    if (is_on_its_way) {
        int count = exchange_give(&engine->exchanges, fetch->conn, piece, &news, &has_news);
        if (has_news)
            on_upload(engine, fetch->conn, &news);
        return count;
    }
    upload->has_ended = !piece.bytes;
    return piece.length > 0 ? -EAGAIN : 0;
}

static inline void on_news(struct engine *engine, const struct exchange_news *news)
{
    uint32_t slot = news->exchange;
    const struct response *response = exchange_response(&engine->exchanges, slot);
    switch (news->kind) {
    case EXCHANGE_SENT:
        on_sent(engine, slot);
        break;
    case EXCHANGE_GOES_ON:
        fetch_on(engine, slot)->first_byte_ns = 0;
        send_upload(engine, slot);
        break;
    case EXCHANGE_ASKS:
        engine->asks_pieces = true;
        break;
    case EXCHANGE_IS_LONG:
        on_long_head(engine, slot);
        break;
    case EXCHANGE_IS_HEAD:
        on_head(engine, slot, news->bytes);
        break;
    case EXCHANGE_IS_BODY:
        on_body(engine, slot, news->bytes);
        break;
    case EXCHANGE_DONE:
        fetch_on(engine, slot)->anomalies = response->anomalies;
        on_done(engine, slot, news->is_reusable);
        break;
    case EXCHANGE_FAILED:
        fetch_on(engine, slot)->anomalies = response->anomalies;
        on_failed(engine, slot, news);
        break;
    }
}

/* --- sending ---------------------------------------------------------------------------------- */

static void describe_tls(const struct engine *engine, uint32_t slot, struct fetch *fetch)
{
    const struct tls *tls = link_at(&engine->links, slot)->tls;
    if (!tls)
        return;
    struct tls_facts facts = tls_facts(tls);
    struct fetch_extra *extra = fetch_extra(fetch);
    extra->tls_version = facts.version;
    extra->tls_suite = facts.suite;
    extra->tls_backend = facts.backend;
    fetch->is_tls_resumed = facts.is_resumed;
    extra->tls_verification = facts.is_verified ? "ok" : verify_sentence(facts.verdict);
}

/* From now on it receives; in a shortage it stands in line for that. */
static void await_reply(struct engine *engine, uint32_t slot)
{
    if (!engine->pressure.is_short) {
        receive(engine, slot);
        return;
    }
    pause_link(engine, slot);
    pressure_wait(&engine->pressure, slot);
}

/* A body that waits for a 100 is sent without when a second is over (as in curl). */
static bool begin_upload(struct engine *engine, uint32_t slot,
                         const struct exchange_request *request, struct exchange_news *ret_news)
{
    struct upload *upload = &engine->uploads[pool_holder(&engine->pool, slot)];
    bool has_news = exchange_begin_upload(&engine->exchanges, slot, request, upload, ret_news);
    uint64_t time_ns = engine->now_ns + PATIENCE_NS;
    if (exchange_is_waiting(&engine->exchanges, slot) &&
        time_ns < deadline_of(engine, slot, HAUL_STAGE_SEND))
        deadline_set(&engine->deadlines, slot, time_ns);
    return has_news;
}

/* Its method and fields are the caller's: they were right when it was submitted. */
static bool send_own(struct engine *engine, uint32_t slot, struct exchange_request *request,
                     struct exchange_news *ret_news)
{
    char fields[TEMPLATE_BYTES + RESUME_FIELDS_BYTES];
    char answer[TEMPLATE_BYTES];
    struct request_template own;
    struct span value;
    struct fetch *fetch = fetch_on(engine, slot);
    enum proto_error error = fetch_answer(fetch, &engine->terms, answer, sizeof answer, &value);
    if (!error)
        error = fetch_template(fetch, &engine->terms, value, &own, fields, sizeof fields);
    request->template = &own;
    if (!error && fetch_on(engine, slot)->has_upload)
        return begin_upload(engine, slot, request, ret_news);
    if (!error)
        return exchange_begin(&engine->exchanges, slot, request, ret_news);
    *ret_news = (struct exchange_news){
        .kind = EXCHANGE_FAILED, .exchange = slot, .failure = failure_of(error)};
    return true;
}

static void send_request(struct engine *engine, uint32_t slot, bool is_reused)
{
    struct exchange_news news;
    struct fetch *fetch = fetch_on(engine, slot);
    struct url url = url_unpack(&fetch->url);
    struct exchange_request request = {
        .template = &engine->terms.template,
        .url = &url,
        .body = fetch_body(fetch, &engine->terms),
    };
    fetch_take_connection(fetch, is_reused, engine->now_ns);
    describe_tls(engine, slot, fetch);
    if (engine->has_speed)
        engine->paces[slot] = (struct pace){0};
    set_deadline(engine, slot, HAUL_STAGE_SEND);
    bool has_news = fetch->has_own ? send_own(engine, slot, &request, &news)
                                   : exchange_begin(&engine->exchanges, slot, &request, &news);
    if (has_news && news.kind == EXCHANGE_FAILED) {
        on_failed(engine, slot, &news);
        return;
    }
    if (has_news && news.kind == EXCHANGE_SENT)
        on_sent(engine, slot);
    else if (has_news)
        engine->asks_pieces = true;
    await_reply(engine, slot);
}

/* --- getting a connection --------------------------------------------------------------------- */

/* Until another attempt begins beside it, if there can be one, or its time to connect is over. */
static void await_connection(struct engine *engine, uint32_t slot)
{
    uint64_t time_ns = deadline_of(engine, slot, HAUL_STAGE_CONNECT);
    uint64_t late_ns = engine->now_ns + dial_delay_ns(&engine->dials, slot);
    if (late_ns < time_ns && dial_may_have_another(&engine->dials, slot))
        time_ns = late_ns;
    deadline_set(&engine->deadlines, slot, time_ns);
}

static void on_dial(struct engine *engine, const struct dial_news *news);

/* Its host may have no connection beside this one, which is silent: the next address is tried in
 * its place. */
static void take_turns_at_addresses(struct engine *engine, uint32_t slot)
{
    struct outcome outcome = {.kind = OUTCOME_REFUSED};
    dial_give_up(&engine->dials, slot);
    close_rival(engine, slot);
    lose(engine, slot, &outcome);
}

/* Begins another attempt beside that on slot, where there is an address and room for it; of two the
 * older one makes way for a third. Without room it is looked for again later. */
static void race(struct engine *engine, uint32_t slot)
{
    struct dial_news news;
    struct dials *dials = &engine->dials;
    struct fetch *fetch = fetch_on(engine, slot);
    uint32_t rival = dial_rival(dials, slot);
    if (!dial_has_another(dials, slot) || !pool_may_race(&engine->pool, engine->now_ns)) {
        await_connection(engine, slot);
        return;
    }
    if (schedule_is_full(&engine->schedule, pool_holder(&engine->pool, slot))) {
        take_turns_at_addresses(engine, slot);
        return;
    }
    if (rival != NO_SLOT) {
        dial_give_up(dials, rival);
        close_slot(engine, rival);
    }
    uint32_t beside = pool_take_beside(&engine->pool, slot);
    schedule_connect(&engine->schedule, pool_holder(&engine->pool, slot), beside);
    set_deadline(engine, slot, HAUL_STAGE_CONNECT);
    exchange_open(&engine->exchanges, beside, beside);
    set_deadline(engine, beside, HAUL_STAGE_CONNECT);
    if (dial_begin(dials, beside, engine->pool.slots[slot].origin, tried_of(engine, fetch), slot,
                   engine->now_ns, &news))
        on_dial(engine, &news);
}

/* One of two attempts has failed: the other is the request's, and what is next begins beside it. */
static void leave_race(struct engine *engine, const struct dial_news *news)
{
    uint32_t rival = dial_rival(&engine->dials, news->slot);
    close_slot(engine, news->slot);
    if (news->is_shortage)
        await_connection(engine, rival);
    else
        race(engine, rival);
}

/* Where only descriptors of this process are short, and none of them is a connection's, no end of
 * it is in sight. */
static bool can_wait(const struct engine *engine, const struct dial_news *news)
{
    return news->is_shortage &&
           (news->failure.os_error != EMFILE || pool_has_more(&engine->pool, 1));
}

static uint32_t idle_in_crowd(const struct engine *engine, uint32_t crowd)
{
    bool is_turn = crowd == engine->dials.turn_crowd;
    uint32_t slot = is_turn ? NO_SLOT : engine->pool.idle_oldest;
    while (slot != NO_SLOT && engine->dials.crowds.of_slot[slot] != crowd + 1)
        slot = engine->pool.slots[slot].newer;
    return slot;
}

/* Its host waits until an address has room, for which a link to it that is idle is closed; that
 * room is its own. */
static void stand_behind(struct engine *engine, uint32_t index, uint32_t crowd)
{
    uint32_t slot = idle_in_crowd(engine, crowd);
    schedule_stand_behind(&engine->schedule, index, crowd, slot != NO_SLOT);
    if (slot != NO_SLOT)
        close_slot(engine, slot);
}

/* What was found when its addresses came: it has not begun after all, and what it has waited for
 * them does not count as waiting to begin. */
static void wait_for_crowd(struct engine *engine, uint32_t slot, uint32_t crowd)
{
    uint32_t index = pool_holder(&engine->pool, slot);
    struct fetch *fetch = &engine->fetches[index];
    const struct fetch_extra *before = fetch_view(fetch);
    uint64_t queued_ns = before->queued_ns ? before->queued_ns : fetch->submitted_ns;
    uint64_t begun_ns = fetch->begun_ns;
    close_slot(engine, slot);
    requeue(engine, index, true);
    fetch_wait(fetch);
    if (fetch->attempt_ns == begun_ns) {
        fetch->attempt_ns = 0;
        engine->begun -= !fetch_has_begun(fetch);
    }
    fetch_extra(fetch)->queued_ns = queued_ns + (engine->now_ns - begun_ns);
    await_turn(engine, index);
    stand_behind(engine, index, crowd);
}

/* One that was to race with an attempt that is silent: that one gives its place up, so that its
 * request gets its turn at the address. */
static void on_crowded(struct engine *engine, const struct dial_news *news)
{
    uint32_t slot = news->slot;
    uint32_t rival = dial_rival(&engine->dials, slot);
    if (rival != NO_SLOT) {
        dial_give_up(&engine->dials, rival);
        close_slot(engine, slot);
        slot = rival;
    }
    wait_for_crowd(engine, slot, news->crowd);
}

static void on_dial_failed(struct engine *engine, const struct dial_news *news)
{
    struct outcome outcome = {
        .kind = OUTCOME_FAILED, .failure = news->failure, .is_lost = news->is_lost};
    struct fetch *fetch = fetch_on(engine, news->slot);
    if (news->is_crowded) {
        on_crowded(engine, news);
        return;
    }
    if (news->is_shortage)
        pool_is_vain(&engine->pool, news->slot);
    if (dial_rival(&engine->dials, news->slot) != NO_SLOT) {
        leave_race(engine, news);
        return;
    }
    if (can_wait(engine, news))
        outcome.kind = OUTCOME_NO_ROOM;
    else if (news->has_another || news->is_moved)
        outcome.kind = OUTCOME_REFUSED;
    fetch_extra(fetch)->detail = news->detail;
    if (news->detail == HAUL_DETAIL_CERTIFICATE)
        fetch->extra->tls_verification = news->failure.message;
    lose(engine, news->slot, &outcome);
}

/* It has won, if there was a race; what is tried for the request after that is tried anew. */
static void on_connected(struct engine *engine, uint32_t slot)
{
    struct fetch *fetch = fetch_on(engine, slot);
    close_rival(engine, slot);
    fetch->has_tried = false;
}

static void on_dial(struct engine *engine, const struct dial_news *news)
{
    struct dial_news failed;
    switch (news->kind) {
    case DIAL_BEGUN:
        await_connection(engine, news->slot);
        break;
    case DIAL_CONNECTED:
        on_connected(engine, news->slot);
        fetch_on(engine, news->slot)->connected_ns = engine->now_ns;
        set_deadline(engine, news->slot, HAUL_STAGE_TLS);
        if (dial_secure(&engine->dials, news->slot, &failed))
            on_dial_failed(engine, &failed);
        break;
    case DIAL_READY:
        on_connected(engine, news->slot);
        pool_begin(&engine->pool, news->slot);
        send_request(engine, news->slot, false);
        break;
    case DIAL_FAILED:
        on_dial_failed(engine, news);
        break;
    }
}

static const struct failure too_slow = {
    HAUL_DEADLINE, "the reply was slower than the speed limit for the speed time", ETIMEDOUT};

/* Of an attempt at an address another one may begin beside it; else the time is up. */
static void on_deadline(struct engine *engine, uint32_t slot)
{
    if (pool_state(&engine->pool, slot) == POOL_IDLE) {
        close_slot(engine, slot);
        return;
    }
    assert(pool_holder(&engine->pool, slot) != NO_HOLDER);
    enum haul_stage stage = engine_stage(engine, slot);
    if (stage == HAUL_STAGE_CONNECT && engine->now_ns < deadline_of(engine, slot, stage)) {
        dial_is_late(&engine->dials, slot);
        race(engine, slot);
        return;
    }
    if (exchange_is_waiting(&engine->exchanges, slot) &&
        engine->now_ns < deadline_of(engine, slot, stage)) {
        send_upload(engine, slot);
        return;
    }
    const struct fetch *fetch = fetch_on(engine, slot);
    slot = fetch->conn;
    bool is_slow_alone = engine->has_speed && stage >= HAUL_STAGE_HEAD &&
                         engine->now_ns < due_of(engine, fetch, stage);
    if (is_slow_alone && !is_slow(engine, slot)) {
        set_deadline(engine, slot, stage);
        return;
    }
    struct outcome outcome = {
        .kind = OUTCOME_FAILED,
        .failure =
            is_slow_alone ? too_slow : *failure_of_due(engine, fetch, engine_stage(engine, slot))};
    close_rival(engine, slot);
    if (fetch_view(fetch)->again_ns)
        close_and_leave(engine, slot);
    else
        lose(engine, slot, &outcome);
}

/* Its time is up before its turn has come: a try that has come to nothing is one there too, but for
 * the time that it may wait for its turn. */
static void lose_turn(struct engine *engine, uint32_t index)
{
    struct fetch *fetch = &engine->fetches[index];
    struct retry_view view = retry_view_of(engine);
    const struct failure *failure = failure_of_due(engine, fetch, HAUL_STAGE_QUEUE);
    struct outcome outcome = {
        .kind = OUTCOME_FAILED, .failure = *failure, .stage = HAUL_STAGE_QUEUE};
    schedule_remove(&engine->schedule, index);
    if (failure == due_own_failure(HAUL_STAGE_QUEUE) ||
        attempt_after(fetch, &engine->terms, &outcome, &view) != ATTEMPT_AGAIN) {
        engine_finish(engine, index, HAUL_STAGE_QUEUE, failure);
        return;
    }
    fetch_take_turn(fetch, engine->now_ns);
    leave_without_place(engine, index);
}

/* Of one that waits to be tried again, or was queued again; unless it has begun since, or is
 * another one. */
static void on_wait_over(struct engine *engine, uint32_t index)
{
    const struct fetch *fetch = &engine->fetches[index];
    if (fetch->state == FETCH_WAITING && engine->now_ns < fetch_view(fetch)->again_ns) {
        end_wait(engine, index);
        engine_finish(engine, index, HAUL_STAGE_QUEUE, due_own_failure(HAUL_STAGE_QUEUE));
        return;
    }
    if (fetch->state == FETCH_WAITING) {
        end_wait(engine, index);
        schedule_prepend(&engine->schedule, index, false);
        await_turn(engine, index);
        return;
    }
    if (fetch->state != FETCH_QUEUED)
        return;
    if (engine->now_ns >= due_of(engine, fetch, HAUL_STAGE_QUEUE))
        lose_turn(engine, index);
    else
        await_turn(engine, index); /* it was woken for its host's time */
}

/* It had its turn, and could not come to its end. */
static void wait_again(struct engine *engine, uint32_t slot)
{
    bool is_coded = fetch_on(engine, slot)->decoder != NO_DECODER;
    heads_wait_first(is_coded ? &engine->coded : &engine->heads, slot);
}

/* It reads what was held, as far as there is room for it; then it receives again, or its link has
 * ended. */
static void go_on(struct engine *engine, uint32_t slot)
{
    struct exchange_news news;
    struct link_event end;
    engine->has_gone_on = true;
    heads_leave(&engine->heads, slot);
    if (exchange_lacks_piece(&engine->exchanges, slot))
        exchange_lend(&engine->exchanges, slot, store_take_piece(&engine->store));
    while (exchange_feed_held(&engine->exchanges, slot)) {
        while (exchange_next(&engine->exchanges, &news))
            on_news(engine, &news);
        if (heads_is_waiting(&engine->coded, slot))
            return;
        if (exchange_is_held(&engine->exchanges, slot) && !has_blocks(engine, slot)) {
            wait_again(engine, slot);
            return;
        }
    }
    if (pool_state(&engine->pool, slot) != POOL_BUSY)
        return;
    if (!exchange_take_held_end(&engine->exchanges, slot, &end))
        await_reply(engine, slot);
    else if (exchange_take(&engine->exchanges, slot, &end, &news))
        on_news(engine, &news);
}

/* First what was kept half decoded; and a body whose last piece that was ends with it. */
static void go_on_decoding(struct engine *engine, uint32_t slot)
{
    struct exchange_news news;
    engine->has_gone_on = true;
    heads_leave(&engine->coded, slot);
    uint32_t index = pool_holder(&engine->pool, slot);
    if (!decode(engine, slot)) {
        if (engine->fetches[index].decoder != NO_DECODER)
            wait_again(engine, slot);
        return;
    }
    exchange_feed(&engine->exchanges, slot, (struct span){"", 0});
    while (exchange_next(&engine->exchanges, &news))
        on_news(engine, &news);
    if (pool_state(&engine->pool, slot) == POOL_BUSY && !heads_is_waiting(&engine->coded, slot))
        go_on(engine, slot);
}

static void let_coded_in(struct engine *engine)
{
    while (engine->coded.count > 0) {
        struct heads_view view = heads_view_of(engine);
        uint32_t slot = heads_next(&engine->coded, &view);
        if (!has_blocks(engine, slot) && engine->collector.is_unordered)
            collector_is_current(&engine->collector, pool_holder(&engine->pool, slot));
        if (!has_blocks(engine, slot))
            return;
        go_on_decoding(engine, slot);
    }
}

/* Out of order any may become the one whose turn it is, as in pressure.c. */
static void let_heads_in(struct engine *engine)
{
    while (engine->heads.count > 0) {
        struct heads_view view = heads_view_of(engine);
        uint32_t slot = heads_next(&engine->heads, &view);
        if (!has_piece(engine, slot))
            return;
        if (!has_blocks(engine, slot) && engine->collector.is_unordered)
            collector_is_current(&engine->collector, pool_holder(&engine->pool, slot));
        if (!has_blocks(engine, slot))
            return;
        go_on(engine, slot);
    }
}

/* --- beginning -------------------------------------------------------------------------------- */

/* A slot within the bounds, for which the oldest idle link is closed if need be. */
static uint32_t take_slot(struct engine *engine, uint32_t index)
{
    bool may_open = pool_may_open(&engine->pool, engine->now_ns);
    uint32_t surplus = pool_surplus(&engine->pool, engine->now_ns);
    if (surplus != NO_SLOT)
        close_slot(engine, surplus);
    struct url url = url_unpack(&engine->fetches[index].url);
    return may_open ? pool_take(&engine->pool, &url, index) : NO_SLOT;
}

/* Out of the queue: there is a slot for it. is_kept: its host has another that is idle. */
static inline void start(struct engine *engine, uint32_t index, bool is_kept)
{
    struct fetch *fetch = &engine->fetches[index];
    if (fetch_has_begun(fetch))
        deadline_clear(&engine->waits, index);
    else
        engine->begun++;
    schedule_begin(&engine->schedule, index, is_kept, engine->now_ns);
    fetch_begin(fetch, engine->now_ns);
    engine->active++;
}

/* A link of its host that is idle, and of no use to it: to another origin of the host, or it must
 * have a fresh one. */
static uint32_t useless_idle(const struct engine *engine, uint32_t index)
{
    uint32_t slot = engine->pool.idle_oldest;
    while (slot != NO_SLOT && !schedule_is_of(&engine->schedule, index, slot))
        slot = engine->pool.slots[slot].newer;
    return slot;
}

/* Its host has as many connections as it may have: until one of them ends, or is idle and of use,
 * nothing of the host begins. */
static __attribute__((noinline)) void wait_for_own(struct engine *engine, uint32_t index)
{
    uint32_t slot = useless_idle(engine, index);
    schedule_fill(&engine->schedule, index);
    if (slot != NO_SLOT)
        close_slot(engine, slot);
}

static bool must_stand_behind(struct engine *engine, uint32_t index)
{
    struct fetch *fetch = &engine->fetches[index];
    struct url url = url_unpack(&fetch->url);
    uint32_t origin = origin_find(&engine->origins, &url);
    if (origin == NO_ORIGIN)
        return false;
    uint32_t crowd = dial_crowd(&engine->dials, origin, tried_of(engine, fetch), engine->now_ns);
    if (crowd != NO_CROWD)
        stand_behind(engine, index, crowd);
    return crowd != NO_CROWD;
}

static bool begin_dialing(struct engine *engine, uint32_t index)
{
    struct dial_news news;
    struct fetch *fetch = &engine->fetches[index];
    if (schedule_is_full(&engine->schedule, index)) {
        wait_for_own(engine, index);
        return true;
    }
    if (must_stand_behind(engine, index))
        return true;
    uint32_t slot = take_slot(engine, index);
    if (slot == NO_SLOT)
        return false;
    start(engine, index, false);
    fetch->conn = slot;
    schedule_connect(&engine->schedule, index, slot);
    exchange_open(&engine->exchanges, slot, slot);
    set_deadline(engine, slot, HAUL_STAGE_CONNECT);
    if (dial_begin(&engine->dials, slot, engine->pool.slots[slot].origin, tried_of(engine, fetch),
                   NO_SLOT, engine->now_ns, &news))
        on_dial(engine, &news);
    else if (engine->has_times)
        set_deadline(engine, slot, engine_stage(engine, slot));
    return true;
}

/* Of the links that are idle, those that have been for too long are closed, and those that are in
 * the middle of saying something. True: one is left. */
static inline bool has_idle(struct engine *engine, uint32_t origin)
{
    uint32_t slot;
    while ((slot = pool_idle(&engine->pool, origin)) != NO_SLOT) {
        if (!deadline_has_come(&engine->deadlines, slot, engine->now_ns) &&
            !link_is_inside_record(&engine->links, slot))
            return true;
        close_slot(engine, slot);
    }
    return false;
}

/* Room for another link that is not taken from the origin's own. */
static bool has_other_room(const struct engine *engine, uint32_t origin)
{
    const struct pool *pool = &engine->pool;
    uint32_t oldest = pool->idle_oldest;
    return pool->open < pool->most || (oldest != NO_SLOT && pool->slots[oldest].origin != origin);
}

/* What must not be sent twice goes on an idle link only where the server is known to keep them; a
 * fresh one is as well, but not if all are closed for it: then it waits until that is known. */
static __attribute__((noinline)) enum pool_trust find_trust(struct engine *engine, uint32_t origin)
{
    uint64_t time_ns;
    enum pool_trust trust = pool_trust(&engine->pool, origin, engine->now_ns, &time_ns);
    if (trust != POOL_UNKNOWN)
        return trust;
    if (has_other_room(engine, origin))
        return POOL_DISTRUSTED;
    engine->trust_ns = time_ns;
    return POOL_UNKNOWN;
}

/* On an idle link of its origin, unless it is being sent again, or on a new one; or not now, since
 * its host may have no other. False: nor may any other one be opened. */
static bool begin(struct engine *engine, uint32_t index)
{
    struct fetch *fetch = &engine->fetches[index];
    struct url url = url_unpack(&fetch->url);
    uint32_t origin = fetch->is_resent ? NO_ORIGIN : origin_find(&engine->origins, &url);
    if (origin == NO_ORIGIN || !has_idle(engine, origin))
        return begin_dialing(engine, index);
    bool is_repeatable = fetch->is_idempotent && !fetch->is_once;
    enum pool_trust trust = is_repeatable ? POOL_TRUSTED : find_trust(engine, origin);
    if (trust != POOL_TRUSTED)
        return trust == POOL_DISTRUSTED && begin_dialing(engine, index);
    uint32_t slot = pool_take_idle(&engine->pool, origin, index);
    start(engine, index, pool_idle(&engine->pool, origin) != NO_SLOT);
    fetch->conn = slot;
    send_request(engine, slot, true);
    return true;
}

/* Must the last place stay free for the request whose turn it is? Where bodies are kept, all others
 * may come to wait for it to be over. */
static bool is_kept_for_current(const struct engine *engine)
{
    uint32_t current = collector_current(&engine->collector);
    enum fetch_state state = current == NO_FETCH ? FETCH_FREE : engine->fetches[current].state;
    return state == FETCH_QUEUED || state == FETCH_WAITING;
}

/* Its host stands behind an address where others came before, which do not begin now: it needs no
 * more than room there, or a link that is idle. */
static void pass_by(struct engine *engine, uint32_t index)
{
    uint32_t gate = schedule_gate(&engine->schedule, index);
    const struct crowds *crowds = &engine->dials.crowds;
    if (gate == NO_GATE)
        return;
    if (crowds->list[gate].count < crowds->most || idle_in_crowd(engine, gate) != NO_SLOT)
        schedule_let_through(&engine->schedule, index);
}

static uint32_t if_it_may_begin(struct engine *engine, uint32_t index)
{
    bool is_queued = engine->fetches[index].state == FETCH_QUEUED;
    if (is_queued && engine->dials.crowds.most > 0)
        pass_by(engine, index);
    bool may = is_queued && schedule_may_begin(&engine->schedule, index, engine->now_ns);
    return may ? index : NO_FETCH;
}

/* While blocks are short it is the request whose turn it is that begins, whoever's turn it would be
 * else. In order no other would do any good. */
static uint32_t next_in_shortage(struct engine *engine, uint32_t current)
{
    if (current != NO_FETCH && engine->fetches[current].state == FETCH_QUEUED)
        return if_it_may_begin(engine, current);
    bool may_begin = engine->collector.is_unordered && may_begin_another(engine);
    return engine->active == 0 || may_begin ? schedule_next(&engine->schedule, engine->now_ns)
                                            : NO_FETCH;
}

static __attribute__((noinline)) bool is_short(const struct engine *engine)
{
    struct pressure_view view = view_of(engine);
    return !pressure_has_plenty(&view);
}

/* A place was made for the one whose turn it is: until it has begun no other may take that. */
static __attribute__((noinline)) bool inherits(struct engine *engine)
{
    uint32_t heir = engine->heir;
    bool waits = engine->fetches[heir].state == FETCH_QUEUED &&
                 collector_current(&engine->collector) == heir;
    engine->heir = waits ? heir : NO_FETCH;
    return waits;
}

static uint32_t next_queued(struct engine *engine)
{
    bool is_last = engine->options.keep_bodies && engine->active + 1 == engine->budget.concurrency;
    if (engine->schedule.count == 0)
        return NO_FETCH;
    if (engine->heir != NO_FETCH && inherits(engine))
        return if_it_may_begin(engine, engine->heir);
    if (is_last && is_kept_for_current(engine))
        return if_it_may_begin(engine, collector_current(&engine->collector));
    if (engine->pressure.is_short && is_short(engine))
        return next_in_shortage(engine, collector_current(&engine->collector));
    return schedule_next(&engine->schedule, engine->now_ns);
}

/* Hosts whose servers are accepting: few, since each has many connections under way, so that they
 * are simply asked again. */
static inline bool has_turns(const struct engine *engine)
{
    return schedule_has_behind(&engine->schedule, engine->dials.turn_crowd);
}

static void begin_queued(struct engine *engine)
{
    engine->trust_ns = 0;
    if (has_turns(engine))
        schedule_open(&engine->schedule, engine->dials.turn_crowd, UINT32_MAX);
    while (engine->active < engine->budget.concurrency) {
        uint32_t index = next_queued(engine);
        if (index == NO_FETCH || !begin(engine, index))
            return;
    }
}

/* --- making way ------------------------------------------------------------------------------- */

/* What a request that is queued waits for, besides its time. */
enum obstacle { NO_OBSTACLE, ITS_HOST, ITS_ADDRESS, ALL };

static enum obstacle obstacle_of(const struct engine *engine, uint32_t index)
{
    if (schedule_waits_for_own(&engine->schedule, index))
        return ITS_HOST;
    if (schedule_gate(&engine->schedule, index) != NO_GATE)
        return ITS_ADDRESS;
    return pool_may_open(&engine->pool, engine->now_ns) ? NO_OBSTACLE : ALL;
}

/* Does what is on the slot hold what the request waits for? A link that is idle does not: it is
 * used, or closed for it. */
static bool is_in_the_way(const struct engine *engine, uint32_t index, enum obstacle obstacle,
                          uint32_t slot)
{
    uint32_t holder = pool_holder(&engine->pool, slot);
    enum pool_state state = pool_state(&engine->pool, slot);
    if (state == POOL_FREE || state == POOL_IDLE || obstacle == ALL)
        return state != POOL_FREE && state != POOL_IDLE;
    if (obstacle == ITS_ADDRESS)
        return engine->dials.crowds.of_slot[slot] == schedule_gate(&engine->schedule, index) + 1;
    if (holder != NO_HOLDER)
        return schedule_is_beside(&engine->schedule, index, holder);
    return engine->limits.max_per_host > 0 && schedule_is_of(&engine->schedule, index, slot);
}

static bool is_paused(const struct engine *engine, uint32_t slot)
{
    return pressure_is_waiting(&engine->pressure, slot) || heads_is_waiting(&engine->heads, slot) ||
           heads_is_waiting(&engine->coded, slot);
}

/* What passes is none of the result. */
static bool may_make_way(const struct engine *engine, const struct fetch *fetch)
{
    bool is_repeatable = fetch->is_idempotent || engine->retry.all_methods;
    return fetch->is_passing || (is_repeatable && !fetch->is_once && !fetch->is_partial);
}

/* Of those that are in the way, where none of them can go on, the one that comes last; NO_SLOT: one
 * can, or (*ret_is_stuck) none may be asked for again. */
static uint32_t last_in_the_way(const struct engine *engine, uint32_t index, enum obstacle obstacle,
                                bool *ret_is_stuck)
{
    uint32_t last = NO_SLOT;
    *ret_is_stuck = false;
    for (uint32_t i = 0; i < engine->pool.slab.touched; i++) {
        if (!is_in_the_way(engine, index, obstacle, i))
            continue;
        *ret_is_stuck = is_paused(engine, i);
        if (!*ret_is_stuck)
            return NO_SLOT;
        const struct fetch *fetch = fetch_on(engine, i);
        if (may_make_way(engine, fetch) &&
            (last == NO_SLOT || fetch->index > fetch_on(engine, last)->index))
            last = i;
    }
    return last;
}

/* Has its host's time come? Else it is looked for again then: what waits for its own connections
 * stands in no order of time. */
static bool is_due(struct engine *engine, uint32_t index)
{
    uint64_t time_ns = schedule_host_due_ns(&engine->schedule, index);
    uint64_t end_ns = due_of(engine, &engine->fetches[index], HAUL_STAGE_QUEUE);
    if (time_ns > engine->now_ns)
        wake_at(engine, index, time_ns < end_ns ? time_ns : end_ns);
    return time_ns <= engine->now_ns;
}

/* What is paused waits for the request whose turn it is to be over. If that has been led, or tried
 * again, to where only such have places, it would wait for them: so the one that comes last gives
 * its connection up, and is asked for again. */
static __attribute__((noinline)) void make_way(struct engine *engine)
{
    static const struct failure stuck = {
        HAUL_LIMIT, "the bodies behind it hold its connections, and none can be asked for again",
        0};
    bool is_stuck;
    uint32_t current = collector_current(&engine->collector);
    if (engine->pressure.was_held_back || current == NO_FETCH ||
        engine->fetches[current].state != FETCH_QUEUED)
        return;
    enum obstacle obstacle = obstacle_of(engine, current);
    if (obstacle == NO_OBSTACLE || !is_due(engine, current))
        return;
    uint32_t slot = last_in_the_way(engine, current, obstacle, &is_stuck);
    if (slot != NO_SLOT) {
        struct fetch *fetch = fetch_on(engine, slot);
        fetch->asks_anew |= !fetch->is_passing;
        close_and_leave(engine, slot);
        engine->heir = current;
    } else if (is_stuck && obstacle != ALL) {
        schedule_remove(&engine->schedule, current);
        engine_finish(engine, current, HAUL_STAGE_QUEUE, &stuck);
    }
    engine->has_gone_on |= slot != NO_SLOT;
}

/* --- completions ------------------------------------------------------------------------------ */

static __attribute__((noinline)) void note_answer(struct engine *engine, uint32_t slot)
{
    uint64_t sent_ns = fetch_on(engine, slot)->sent_ns;
    if (sent_ns > 0 && engine->now_ns - sent_ns < DIAL_NEAR_NS)
        dial_is_near(&engine->dials, slot);
    dial_is_answered(&engine->dials, slot);
}

static inline void on_first_byte(struct engine *engine, uint32_t slot)
{
    fetch_on(engine, slot)->first_byte_ns = engine->now_ns;
    if (!fetch_on(engine, slot)->is_reused)
        note_answer(engine, slot);
    if (engine->has_times && !exchange_is_waiting(&engine->exchanges, slot))
        set_deadline(engine, slot, HAUL_STAGE_BODY);
}

static void on_exchange_event(struct engine *engine, const struct link_event *event)
{
    struct exchange_news news;
    uint32_t exchange = event->link; /* one a link */
    bool has_news = false;
    if (exchange_is_held(&engine->exchanges, exchange) && event->kind != LINK_SENT) {
        if (!exchange_hold_event(&engine->exchanges, event))
            fail(engine, exchange, &no_piece);
        return;
    }
    if (event->kind != LINK_BYTES) {
        has_news = exchange_take(&engine->exchanges, exchange, event, &news);
    } else {
        if (!exchange_has_begun(&engine->exchanges, exchange))
            on_first_byte(engine, exchange);
        exchange_feed(&engine->exchanges, exchange, event->bytes);
    }
    for (; has_news || exchange_next(&engine->exchanges, &news); has_news = false)
        on_news(engine, &news);
}

static void on_dial_event(struct engine *engine, const struct link_event *event)
{
    struct dial_news news;
    if (dial_take(&engine->dials, event, &news))
        on_dial(engine, &news);
}

/* An idle link has nothing to say: it would be the next request's reply. */
static void on_event(struct engine *engine, const struct link_event *event)
{
    enum pool_state state = pool_state(&engine->pool, event->link);
    if (state == POOL_BUSY) { /* which is what it mostly is */
        on_exchange_event(engine, event);
        return;
    }
    assert(state != POOL_FREE);
    switch (state) {
    case POOL_DIALING:
        on_dial_event(engine, event);
        break;
    case POOL_IDLE:
        if (event->kind != LINK_SENT || event->error) {
            pool_is_cut(&engine->pool, event->link, engine->now_ns);
            close_slot(engine, event->link);
        }
        break;
    case POOL_CLOSING:
        if (event->kind == LINK_CLOSED)
            on_closed(engine, event->link);
        break;
    case POOL_BUSY:
    case POOL_FREE:
        break;
    }
}

static void on_link(struct engine *engine, const struct completion *completion)
{
    struct link_event event;
    bool has_event = links_take(&engine->links, completion, &event);
    for (; has_event; has_event = links_next(&engine->links, &event))
        on_event(engine, &event);
}

/* It could receive once: what it awaits now takes another one. */
static void receive_again(struct engine *engine, uint32_t slot)
{
    enum pool_state state = pool_state(&engine->pool, slot);
    if (state == POOL_IDLE)
        receive(engine, slot);
    else if (!awaits_reply(engine, slot) || pressure_is_waiting(&engine->pressure, slot))
        return;
    else if (engine->pressure.is_short)
        pressure_wait_first(&engine->pressure, slot);
    else
        receive(engine, slot);
}

static void on_receive(struct engine *engine, const struct completion *completion)
{
    uint32_t slot = completion->slot;
    bool was_armed = pressure_is_armed(&engine->pressure, slot);
    if (was_armed) {
        pressure_received(&engine->pressure, slot);
        if (engine->has_speed)
            run_pace(engine, slot, false);
    }
    if (completion->result > 0) {
        engine->bytes_received += (uint32_t)completion->result;
        if (engine->has_speed)
            pace_add(&engine->paces[slot], (uint32_t)completion->result);
        if (pool_state(&engine->pool, slot) == POOL_IDLE &&
            !link_speaks_at_rest(&engine->links, slot)) { /* nor is it to be decrypted */
            pool_is_cut(&engine->pool, slot, engine->now_ns);
            close_slot(engine, slot);
            return;
        }
    }
    on_link(engine, completion);
    if (pool_state(&engine->pool, slot) == POOL_IDLE &&
        link_is_inside_record(&engine->links, slot) && !link_speaks_at_rest(&engine->links, slot))
        close_slot(engine, slot);
    else if (was_armed)
        receive_again(engine, slot);
}

static void dispatch(struct engine *engine, const struct completion *completion)
{
    switch (completion->op) {
    case LOOP_ACCEPT: /* the engine listens to nobody */
        break;
    case LOOP_CONNECT:
    case LOOP_SEND:
    case LOOP_CLOSED:
        on_link(engine, completion);
        break;
    case LOOP_RECEIVE:
        on_receive(engine, completion);
        break;
    case LOOP_READY:
        if (completion->slot < BUDGET_RESOLVER_TAGS)
            resolver_on_ready(engine->resolver, completion->slot, completion->result);
        else
            on_pipe(engine, completion);
        break;
    case LOOP_TICK: /* what is due is looked for after every wait */
        break;
    case LOOP_WAKE:
        engine->is_woken = true;
        break;
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static void take_answers(struct engine *engine)
{
    struct dial_news news;
    struct resolver_answer answer;
    while (resolver_next(engine->resolver, &answer)) {
        dial_answer(&engine->dials, &answer, engine->now_ns);
        while (dial_next(&engine->dials, &answer, &news))
            on_dial(engine, &news);
    }
    while (dial_has_next(&engine->dials) && dial_next(&engine->dials, NULL, &news))
        on_dial(engine, &news);
}

static void expire(struct engine *engine)
{
    uint32_t slot;
    if (resolver_deadline_ns(engine->resolver) <= engine->now_ns)
        resolver_on_tick(engine->resolver);
    take_answers(engine);
    while (deadline_expired(&engine->deadlines, engine->now_ns, &slot))
        on_deadline(engine, slot);
    while (deadline_expired(&engine->waits, engine->now_ns, &slot))
        on_wait_over(engine, slot);
    if (engine->end_ns <= engine->now_ns)
        end_run(engine);
}

/* When one may begin that waits for nothing but its time. */
static uint64_t begin_due_ns(struct engine *engine)
{
    bool may_begin = engine->schedule.has_rates && engine->active < engine->budget.concurrency;
    return may_begin ? schedule_due_ns(&engine->schedule, engine->now_ns) : DEADLINE_NEVER;
}

static void arm_tick(struct engine *engine)
{
    uint64_t time_ns = deadline_next_ns(&engine->deadlines);
    uint64_t resolver_ns = resolver_deadline_ns(engine->resolver);
    uint64_t turn_ns = pressure_turn_ns(&engine->pressure);
    time_ns = resolver_ns < time_ns ? resolver_ns : time_ns;
    time_ns = turn_ns < time_ns ? turn_ns : time_ns;
    if (engine->has_waits) {
        uint64_t wait_ns = deadline_next_ns(&engine->waits);
        engine->has_waits = wait_ns != DEADLINE_NEVER;
        time_ns = wait_ns < time_ns ? wait_ns : time_ns;
    }
    bool is_short = engine->pool.retry_ns > 0 && engine->schedule.count > 0;
    if (is_short && engine->pool.retry_ns < time_ns)
        time_ns = engine->pool.retry_ns;
    bool is_unknown = engine->trust_ns > 0 && engine->schedule.count > 0;
    if (is_unknown && engine->trust_ns < time_ns)
        time_ns = engine->trust_ns;
    uint64_t begin_ns = begin_due_ns(engine);
    if (has_turns(engine) && engine->now_ns + DIAL_LOOK_NS < begin_ns)
        begin_ns = engine->now_ns + DIAL_LOOK_NS;
    time_ns = begin_ns < time_ns ? begin_ns : time_ns;
    time_ns = engine->end_ns < time_ns ? engine->end_ns : time_ns;
    bool is_awaited = engine->active > 0 || engine->has_waits || is_short || is_unknown ||
                      begin_ns != DEADLINE_NEVER || engine->end_ns != DEADLINE_NEVER;
    /* At rest it wakes nobody for times of requests that are over, which stay filed. */
    if (time_ns != UINT64_MAX && is_awaited && engine->collector.unfinished > 0)
        loop_tick(engine->loop, time_ns);
    else
        loop_untick(engine->loop);
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
        bool is_costly = completion.op == LOOP_RECEIVE &&
                         link_at(&engine->links, completion.slot)->state == LINK_SECURING;
        engine->completions++;
        dispatch(engine, &completion);
        if (is_costly)
            expire_between(engine);
    }
    return error;
}

static bool has_many(const struct engine *engine)
{
    return engine->budget.concurrency >= BATCH_FROM;
}

/* Before a request goes out on a kept connection, what the kernel already has for that connection
 * must be taken: a FIN, or a reply that nobody asked for and that would be this request's (RFC
 * 9112, 9.2). Where many are under way, what the last run took is as good, unless the caller was
 * away since or it must not be sent twice. */
static bool must_look(const struct engine *engine, uint64_t now_ns)
{
    return engine->schedule.count > 0 && pool_has_idle(&engine->pool) &&
           (!has_many(engine) || now_ns - engine->left_ns > FRESH_NS || engine->has_unrepeatable);
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
    bool goes_on = was_away || must_look(engine, now_ns);
    int error = 0;
    engine->now_ns = now_ns;
    engine->away_ns += was_away ? absence_ns : 0;
    while (goes_on && !error) {
        uint32_t before = engine->completions;
        error = wait_and_take(engine, 0, 0);
        goes_on = engine->completions - before >= few && engine->now_ns < end_ns;
    }
    return error;
}

/* Receives that were taken back are counted on no more when the kernel knows, and what they had
 * delivered by then is taken: before that no blocks are for anybody else, nor for what is held. */
static int land(struct engine *engine)
{
    int error = 0;
    take_turns(engine);
    if (engine->pressure.was_held_back)
        error = wait_and_take(engine, 0, 0);
    if (!error)
        engine->pressure.was_held_back = false;
    return error;
}

void engine_keep_time(struct engine *engine)
{
    catch_up(engine); /* what fails now fails again in the next run */
    expire(engine);
}

/* Between two runs every request is counted where it is, and so is every slot. */
static void check_counts(const struct engine *engine)
{
    const struct pool *pool = &engine->pool;
    const struct store *store = &engine->store;
    assert(engine->active <= engine->budget.concurrency);
    assert((engine->schedule.count == 0) == (engine->schedule.queued_hosts == 0));
    assert(engine->schedule.held == engine->active);
    assert(engine->active + engine->schedule.count + engine->waiting <=
           engine->collector.unfinished);
    assert(engine->collector.unfinished + engine->collector.held == engine->fetch_slab.taken);
    assert(engine->collector.is_unordered ||
           engine->collector.unfinished ==
               engine->collector.next_index - engine->collector.head_index);
    assert(pool->idle <= pool->open && pool->open <= pool->slab.taken);
    assert(engine->active <= pool->open - pool->idle); /* each has a slot */
    assert(engine->pressure.armed <= pool->open);
    assert(store->shared_left <= store->shared);
    assert(store->shared - store->shared_left <= store->slab.taken);
    assert(engine->links.current == NO_LINK && engine->exchanges.current == NO_EXCHANGE);
}

int engine_run(struct engine *engine, int64_t timeout_ns)
{
    uint64_t finished = engine->requests;
    engine->completions = 0;
    engine->has_gone_on = false;
    int error = catch_up(engine);
    if (!error && engine->pressure.is_short)
        error = land(engine);
    if (error)
        return error;
    if (engine->heads.count > 0)
        let_heads_in(engine);
    if (engine->coded.count > 0)
        let_coded_in(engine);
    begin_queued(engine);
    take_answers(engine);
    if (engine->pressure.is_short) {
        engine_let_in(engine);
        make_way(engine);
    }
    arm_tick(engine);
    bool has_news = engine->completions > 0 || engine->requests > finished || engine->has_gone_on ||
                    engine_waits_for_caller(engine);
    uint32_t count = engine->transport.eager ? 1 : batch_size(&engine->batch, engine->active);
    error = wait_and_take(engine, has_news ? 0 : count, timeout_ns);
    if (error && error != -EINTR)
        return error;
    batch_measure(&engine->batch, engine->completions, engine->now_ns);
    expire(engine);
    check_counts(engine);
    engine->left_ns = has_many(engine) ? clock_now_ns() : 0;
    return error;
}
