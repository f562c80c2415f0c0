/* Owns the order. In order, a ring says which fetch an index is, and only the one at the head may
 * leave; out of order, a list of the finished. A body too large to wait whole leaves in parts, and
 * until its last part nothing else does. */

#include "engine/request/collector.h"

#include <assert.h>

void collector_init(struct collector *collector, uint32_t *ring, uint32_t window,
                    struct fetch *fetches)
{
    *collector = (struct collector){
        .ring = ring,
        .window = window,
        .fetches = fetches,
        .done_first = NO_FETCH,
        .done_last = NO_FETCH,
        .current = NO_FETCH,
        .lent_part = NO_FETCH,
        .lent = CHAIN_EMPTY,
    };
}

uint64_t collector_add(struct collector *collector, uint32_t fetch)
{
    uint64_t index = collector->next_index++;
    if (!collector->is_unordered)
        collector->ring[index % collector->window] = fetch;
    collector->unfinished++;
    return index;
}

uint32_t collector_place(const struct collector *collector, uint64_t index)
{
    if (collector->is_unordered || index >= collector->next_index)
        return NO_FETCH;
    return collector->ring[index % collector->window];
}

void collector_done(struct collector *collector, uint32_t index)
{
    if (!collector->is_unordered)
        return;
    assert(collector->fetches[index].state == FETCH_DONE && index != collector->done_last);
    collector->fetches[index].next = NO_FETCH;
    collector->fetches[index].previous = collector->done_last;
    if (collector->done_first == NO_FETCH)
        collector->done_first = index;
    else {
        assert(collector->fetches[collector->done_last].next == NO_FETCH);
        collector->fetches[collector->done_last].next = index;
    }
    collector->done_last = index;
}

static uint32_t head(const struct collector *collector)
{
    if (collector->head_index == collector->next_index)
        return NO_FETCH;
    return collector->ring[collector->head_index % collector->window];
}

uint32_t collector_current(const struct collector *collector)
{
    return collector->is_unordered ? collector->current : head(collector);
}

bool collector_is_current(struct collector *collector, uint32_t index)
{
    if (collector->is_unordered && collector->current == NO_FETCH)
        collector->current = index;
    return collector_current(collector) == index;
}

static void note_offset(struct fetch *fetch)
{
    struct fetch_extra *extra = fetch_extra(fetch);
    extra->offset = extra->handed;
    extra->handed = fetch->body_bytes;
}

static uint32_t hand_out(struct collector *collector, uint32_t index)
{
    struct fetch *fetch = &collector->fetches[index];
    fetch->state = FETCH_LENT;
    if (collector->hands_out_parts)
        note_offset(fetch);
    collector->unfinished--;
    collector->held++;
    return index;
}

/* The body as far as it has come, while the rest is still coming, or is to be asked for again. */
static uint32_t hand_out_part(struct collector *collector, uint32_t index)
{
    struct fetch *fetch = &collector->fetches[index];
    if (!collector->hands_out_parts || fetch->chain.first == NO_BLOCK)
        return NO_FETCH;
    assert(fetch->state == FETCH_ACTIVE || fetch->is_resumed);
    assert(collector->lent.first == NO_BLOCK);
    collector->lent = fetch->chain;
    fetch->chain = CHAIN_EMPTY;
    fetch->is_partial = true;
    note_offset(fetch);
    collector->lent_part = index;
    return index;
}

static uint32_t next_in_order(struct collector *collector)
{
    uint32_t index = head(collector);
    if (index == NO_FETCH)
        return NO_FETCH;
    assert(collector->fetches[index].index == collector->head_index);
    if (collector->fetches[index].state != FETCH_DONE)
        return hand_out_part(collector, index);
    collector->head_index++;
    return hand_out(collector, index);
}

static void done_remove(struct collector *collector, uint32_t index)
{
    uint32_t previous = collector->fetches[index].previous;
    uint32_t next = collector->fetches[index].next;
    uint32_t *to =
        previous == NO_FETCH ? &collector->done_first : &collector->fetches[previous].next;
    uint32_t *back = next == NO_FETCH ? &collector->done_last : &collector->fetches[next].previous;
    assert(*to == index && *back == index);
    *to = next;
    *back = previous;
}

static uint32_t next_finished(struct collector *collector)
{
    uint32_t index = collector->done_first;
    uint32_t current = collector->current;
    if (current != NO_FETCH && collector->fetches[current].is_partial) {
        if (collector->fetches[current].state != FETCH_DONE)
            return hand_out_part(collector, current);
        index = current;
    } else if (index == NO_FETCH) {
        return current == NO_FETCH ? NO_FETCH : hand_out_part(collector, current);
    }
    assert(collector->fetches[index].state == FETCH_DONE);
    done_remove(collector, index);
    if (index == current)
        collector->current = NO_FETCH;
    return hand_out(collector, index);
}

uint32_t collector_next(struct collector *collector)
{
    assert(collector->lent_part == NO_FETCH);
    return collector->is_unordered ? next_finished(collector) : next_in_order(collector);
}
