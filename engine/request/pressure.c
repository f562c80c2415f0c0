/* Owns who waits while the blocks for bodies are short, so that no request fails for want of them
 * and none waits for ever.
 *
 * The hard idea: a receive is a promise of blocks. With plenty, everybody receives as the kernel
 * has it. When the blocks left come down to the reserve, every receive is taken back, and from then
 * on one is armed only for one completion, and only while the blocks left can take what all that
 * are armed may deliver, heads included, since a body follows a head at once. What is left must
 * besides take the rest of the current body, the one whose end alone gives blocks back: so it can
 * always go on, and where it cannot it is the caller who holds the blocks. The others stand in
 * line, who has just received at its front, so that one after the other comes to its end; who is
 * armed and silent gives way after a while. */

#include "engine/request/pressure.h"
#include "engine/engine.h"

#include <assert.h>

/* One completion's bytes may fill up one block, and take two; of TLS, a record's beginning may have
 * come before them. */
enum { BLOCKS_OF_RECEIVE = 3 };

#define TURN_NS UINT64_C(50000000)

static struct conn *conn_at(struct engine *engine, uint32_t index)
{
    return &engine->conns[index];
}

void pressure_init(struct pressure *pressure)
{
    *pressure = (struct pressure){.first = NO_CONN, .last = NO_CONN};
}

/* --- the line --------------------------------------------------------------------------------- */

static void line_insert(struct engine *engine, uint32_t index, uint32_t previous, uint32_t next)
{
    struct pressure *pressure = &engine->pressure;
    struct conn *conn = conn_at(engine, index);
    assert(!conn->is_waiting && !conn->is_armed);
    conn->is_waiting = true;
    conn->previous = previous;
    conn->next = next;
    *(previous == NO_CONN ? &pressure->first : &conn_at(engine, previous)->next) = index;
    *(next == NO_CONN ? &pressure->last : &conn_at(engine, next)->previous) = index;
}

static void line_append(struct engine *engine, uint32_t index)
{
    line_insert(engine, index, engine->pressure.last, NO_CONN);
}

static void line_prepend(struct engine *engine, uint32_t index)
{
    line_insert(engine, index, NO_CONN, engine->pressure.first);
}

static void line_remove(struct engine *engine, uint32_t index)
{
    struct pressure *pressure = &engine->pressure;
    struct conn *conn = conn_at(engine, index);
    assert(conn->is_waiting);
    conn->is_waiting = false;
    uint32_t previous = conn->previous;
    uint32_t next = conn->next;
    *(previous == NO_CONN ? &pressure->first : &conn_at(engine, previous)->next) = next;
    *(next == NO_CONN ? &pressure->last : &conn_at(engine, next)->previous) = previous;
}

/* --- how many blocks -------------------------------------------------------------------------- */

/* What the current body may still take. In parts, it is handed out with what it has. */
static uint32_t rest_of_current(const struct engine *engine)
{
    uint32_t current = collector_current(&engine->collector);
    if (engine->options.stream_bodies)
        return BLOCKS_OF_RECEIVE;
    uint64_t most = engine->budget.shared_blocks / 2;
    uint64_t has =
        current == NO_FETCH ? 0 : engine->fetches[current].result.body_bytes / BLOCK_BYTES;
    return has < most ? (uint32_t)(most - has) : 0;
}

static bool caller_has_results(const struct engine *engine)
{
    return engine->fetch_slab.taken > engine->collector.unfinished;
}

static bool is_current(const struct engine *engine, uint32_t index)
{
    return collector_current(&engine->collector) == engine->conns[index].fetch;
}

/* For one more receive, of the current body or of another. A caller who keeps results is told so
 * before the last blocks are used up. */
static bool has_room(const struct engine *engine, bool for_current)
{
    uint32_t rest = rest_of_current(engine);
    uint32_t needed = engine->pressure.armed * BLOCKS_OF_RECEIVE;
    if (!for_current)
        needed += rest + BLOCKS_OF_RECEIVE;
    else
        needed += rest < BLOCKS_OF_RECEIVE ? rest : BLOCKS_OF_RECEIVE;
    if (for_current && caller_has_results(engine))
        needed += engine->budget.flight_blocks;
    return engine->store.shared_left >= needed;
}

/* Some way above the reserve, so that it does not go to and fro with every block. */
static bool has_plenty(const struct engine *engine)
{
    uint32_t usable = engine->budget.shared_blocks - engine->budget.reserve_blocks;
    return engine->store.shared_left >= engine->budget.reserve_blocks + usable / 2;
}

/* --- receiving -------------------------------------------------------------------------------- */

void pressure_wait(struct engine *engine, uint32_t index)
{
    loop_pause(engine->loop, index);
    line_append(engine, index);
}

void pressure_received(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    assert(conn->is_armed && engine->pressure.armed > 0);
    conn->is_armed = false;
    engine->pressure.armed--;
}

void pressure_receive_more(struct engine *engine, uint32_t index)
{
    if (engine->pressure.is_short)
        line_prepend(engine, index);
    else
        loop_receive(engine->loop, index);
}

void pressure_leave(struct engine *engine, uint32_t index)
{
    if (conn_at(engine, index)->is_armed)
        pressure_received(engine, index);
    if (conn_at(engine, index)->is_waiting)
        line_remove(engine, index);
}

static bool awaits_reply(const struct conn *conn)
{
    return conn->state == CONN_HEAD || conn->state == CONN_BODY;
}

static void arm(struct engine *engine, uint32_t index)
{
    line_remove(engine, index);
    conn_at(engine, index)->is_armed = true;
    engine->pressure.armed++;
    loop_receive_once(engine->loop, index);
}

void pressure_check(struct engine *engine)
{
    struct pressure *pressure = &engine->pressure;
    if (pressure->is_short || engine->store.shared_left >= engine->budget.reserve_blocks)
        return;
    pressure->is_short = true;
    pressure->was_held_back = true;
    pressure->next_turn_ns = engine->now_ns + TURN_NS;
    for (uint32_t i = 0; i < engine->conn_slab.touched; i++) {
        struct conn *conn = conn_at(engine, i);
        if (awaits_reply(conn) && !conn->is_armed)
            pressure_wait(engine, i);
    }
}

static void let_all_in(struct engine *engine)
{
    struct pressure *pressure = &engine->pressure;
    pressure->is_short = pressure->was_held_back = false;
    while (pressure->first != NO_CONN) {
        uint32_t index = pressure->first;
        line_remove(engine, index);
        loop_receive(engine->loop, index);
    }
}

/* The current body first, wherever it stands. Out of order, any may become the current one. */
static void let_current_in(struct engine *engine)
{
    struct pressure *pressure = &engine->pressure;
    uint32_t current = collector_current(&engine->collector);
    if (current == NO_FETCH && pressure->first != NO_CONN && !has_room(engine, false)) {
        current = conn_at(engine, pressure->first)->fetch;
        collector_is_current(&engine->collector, current);
    }
    if (current == NO_FETCH || engine->fetches[current].state != FETCH_ACTIVE)
        return;
    uint32_t index = engine->fetches[current].conn;
    if (conn_at(engine, index)->is_waiting && has_room(engine, true))
        arm(engine, index);
}

void pressure_let_in(struct engine *engine)
{
    struct pressure *pressure = &engine->pressure;
    if (!pressure->is_short)
        return;
    if (has_plenty(engine)) {
        let_all_in(engine);
        return;
    }
    if (pressure->was_held_back)
        return;
    let_current_in(engine);
    while (pressure->first != NO_CONN && has_room(engine, is_current(engine, pressure->first)))
        arm(engine, pressure->first);
}

/* --- turns ------------------------------------------------------------------------------------ */

/* Out of order the current one gives way, too, unless parts of it have been handed out. In order no
 * other can take its place. */
static bool gives_way(struct engine *engine, uint32_t index)
{
    struct conn *conn = conn_at(engine, index);
    if (!conn->is_armed)
        return false;
    if (!is_current(engine, index))
        return true;
    if (!engine->collector.is_unordered || engine->fetches[conn->fetch].is_partial)
        return false;
    engine->collector.current = NO_FETCH;
    return true;
}

void pressure_take_turns(struct engine *engine)
{
    struct pressure *pressure = &engine->pressure;
    if (!pressure->is_short || engine->now_ns < pressure->next_turn_ns)
        return;
    pressure->next_turn_ns = engine->now_ns + TURN_NS;
    if (pressure->first == NO_CONN)
        return;
    for (uint32_t i = 0; i < engine->conn_slab.touched; i++)
        if (gives_way(engine, i)) {
            pressure_received(engine, i);
            pressure_wait(engine, i);
            pressure->was_held_back = true;
        }
}

uint64_t pressure_next_ns(const struct engine *engine)
{
    const struct pressure *pressure = &engine->pressure;
    bool has_waiting = pressure->is_short && pressure->armed > 0 && pressure->first != NO_CONN;
    return has_waiting ? pressure->next_turn_ns : UINT64_MAX;
}

bool pressure_may_begin(const struct engine *engine)
{
    const struct pressure *pressure = &engine->pressure;
    return !pressure->is_short || (pressure->first == NO_CONN && has_room(engine, false));
}

bool pressure_waits_for_caller(const struct engine *engine)
{
    const struct pressure *pressure = &engine->pressure;
    uint32_t current = collector_current(&engine->collector);
    if (pressure->first == NO_CONN || pressure->was_held_back || !caller_has_results(engine) ||
        has_room(engine, true))
        return false;
    if (engine->collector.is_unordered)
        return pressure->armed == 0;
    return engine->fetches[current].state == FETCH_ACTIVE &&
           engine->conns[engine->fetches[current].conn].is_waiting;
}
