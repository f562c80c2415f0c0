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

#include <assert.h>

#define TURN_NS UINT64_C(50000000)

void pressure_init(struct pressure *pressure, struct pressure_waiter *waiters)
{
    *pressure = (struct pressure){.waiters = waiters, .first = NO_SLOT, .last = NO_SLOT};
}

void pressure_begin(struct pressure *pressure, uint64_t now_ns)
{
    assert(!pressure->is_short && pressure->first == NO_SLOT);
    pressure->is_short = true;
    pressure->was_held_back = true;
    pressure->next_turn_ns = now_ns + TURN_NS;
}

/* --- the line --------------------------------------------------------------------------------- */

static void line_insert(struct pressure *pressure, uint32_t slot, uint32_t previous, uint32_t next)
{
    struct pressure_waiter *waiters = pressure->waiters;
    assert(pressure->is_short && !waiters[slot].is_waiting && !waiters[slot].is_armed);
    uint32_t *to = previous == NO_SLOT ? &pressure->first : &waiters[previous].next;
    uint32_t *back = next == NO_SLOT ? &pressure->last : &waiters[next].previous;
    assert(*to == next && *back == previous);
    waiters[slot].is_waiting = true;
    waiters[slot].previous = previous;
    waiters[slot].next = next;
    *to = *back = slot;
}

static void line_remove(struct pressure *pressure, uint32_t slot)
{
    struct pressure_waiter *waiters = pressure->waiters;
    assert(waiters[slot].is_waiting && !waiters[slot].is_armed);
    uint32_t previous = waiters[slot].previous;
    uint32_t next = waiters[slot].next;
    uint32_t *to = previous == NO_SLOT ? &pressure->first : &waiters[previous].next;
    uint32_t *back = next == NO_SLOT ? &pressure->last : &waiters[next].previous;
    assert(*to == slot && *back == slot);
    waiters[slot].is_waiting = false;
    *to = next;
    *back = previous;
}

void pressure_wait(struct pressure *pressure, uint32_t slot)
{
    line_insert(pressure, slot, pressure->last, NO_SLOT);
}

void pressure_wait_first(struct pressure *pressure, uint32_t slot)
{
    line_insert(pressure, slot, NO_SLOT, pressure->first);
}

void pressure_received(struct pressure *pressure, uint32_t slot)
{
    assert(pressure->waiters[slot].is_armed && pressure->armed > 0);
    pressure->waiters[slot].is_armed = false;
    pressure->armed--;
}

void pressure_leave(struct pressure *pressure, uint32_t slot)
{
    if (pressure_is_armed(pressure, slot))
        pressure_received(pressure, slot);
    if (pressure_is_waiting(pressure, slot))
        line_remove(pressure, slot);
}

/* --- how many blocks -------------------------------------------------------------------------- */

/* For one more receive, of the current body or of another. A caller who keeps results is told so
 * before the last blocks are used up. */
bool pressure_has_room(const struct pressure *pressure, const struct pressure_view *view,
                       bool for_current)
{
    uint32_t needed = pressure->armed * PRESSURE_RECEIVE_BLOCKS;
    if (!for_current)
        needed += view->rest + PRESSURE_RECEIVE_BLOCKS;
    else
        needed += view->rest < PRESSURE_RECEIVE_BLOCKS ? view->rest : PRESSURE_RECEIVE_BLOCKS;
    if (for_current && view->caller_has_results)
        needed += view->flight_blocks;
    return view->shared_left >= needed;
}

/* Some way above the reserve, so that it does not go to and fro with every block. */
bool pressure_has_plenty(const struct pressure_view *view)
{
    assert(view->reserve_blocks <= view->shared_blocks);
    uint32_t usable = view->shared_blocks - view->reserve_blocks;
    return view->shared_left >= view->reserve_blocks + usable / 2;
}

/* --- letting in ------------------------------------------------------------------------------- */

/* Out of order, any may become the current one. */
uint32_t pressure_choose(const struct pressure *pressure, const struct pressure_view *view)
{
    if (!pressure->is_short || pressure->was_held_back || pressure_has_plenty(view))
        return NO_SLOT;
    return view->has_current || pressure_has_room(pressure, view, false) ? NO_SLOT
                                                                         : pressure->first;
}

static enum pressure_act arm(struct pressure *pressure, uint32_t slot, uint32_t *ret_slot)
{
    line_remove(pressure, slot);
    pressure->waiters[slot].is_armed = true;
    pressure->armed++;
    *ret_slot = slot;
    return PRESSURE_RECEIVE_ONCE;
}

/* There is plenty again: all that wait. */
static enum pressure_act let_all_in(struct pressure *pressure, uint32_t *ret_slot)
{
    pressure->is_short = pressure->was_held_back = false;
    *ret_slot = pressure->first;
    if (pressure->first == NO_SLOT)
        return PRESSURE_DONE;
    line_remove(pressure, pressure->first);
    return PRESSURE_RECEIVE;
}

/* The current body first, wherever it stands. */
enum pressure_act pressure_next(struct pressure *pressure, const struct pressure_view *view,
                                uint32_t *ret_slot)
{
    uint32_t current = view->current;
    uint32_t first = pressure->first;
    if (!pressure->is_short || (pressure_has_plenty(view) && !view->heads_wait))
        return let_all_in(pressure, ret_slot);
    if (pressure->was_held_back || first == NO_SLOT)
        return PRESSURE_DONE;
    if (current != NO_SLOT && pressure_is_waiting(pressure, current) &&
        pressure_has_room(pressure, view, true))
        return arm(pressure, current, ret_slot);
    if (pressure_has_room(pressure, view, first == current))
        return arm(pressure, first, ret_slot);
    return PRESSURE_DONE;
}

/* --- turns ------------------------------------------------------------------------------------ */

bool pressure_is_turn(struct pressure *pressure, uint64_t now_ns)
{
    if (!pressure->is_short || now_ns < pressure->next_turn_ns)
        return false;
    pressure->next_turn_ns = now_ns + TURN_NS;
    return pressure->first != NO_SLOT;
}

/* In order no other can take the current one's place. */
uint32_t pressure_give_way(struct pressure *pressure, const struct pressure_view *view,
                           uint32_t slots, uint32_t *cursor)
{
    while (*cursor < slots) {
        uint32_t slot = (*cursor)++;
        if (!pressure_is_armed(pressure, slot) || (slot == view->current && !view->may_change))
            continue;
        pressure_received(pressure, slot);
        pressure_wait(pressure, slot);
        pressure->was_held_back = true;
        return slot;
    }
    return NO_SLOT;
}

uint64_t pressure_turn_ns(const struct pressure *pressure)
{
    bool has_waiting = pressure->is_short && pressure->armed > 0 && pressure->first != NO_SLOT;
    return has_waiting ? pressure->next_turn_ns : UINT64_MAX;
}

/* --- what else waits -------------------------------------------------------------------------- */

bool pressure_may_begin(const struct pressure *pressure, const struct pressure_view *view)
{
    return pressure->first == NO_SLOT && pressure_has_room(pressure, view, false);
}

bool pressure_waits_for_caller(const struct pressure *pressure, const struct pressure_view *view)
{
    if (pressure->first == NO_SLOT || pressure->was_held_back || !view->caller_has_results ||
        pressure_has_room(pressure, view, true))
        return false;
    if (view->is_unordered)
        return pressure->armed == 0;
    return view->current != NO_SLOT && pressure_is_waiting(pressure, view->current);
}
