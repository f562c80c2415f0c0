/* Owns the queue. It is linked both ways, so that cancelling, which takes out as many as there are,
 * looks for none. */

#include "engine/request/schedule.h"

#include <assert.h>

void schedule_init(struct schedule *schedule, struct fetch *fetches)
{
    *schedule = (struct schedule){.fetches = fetches, .first = NO_FETCH, .last = NO_FETCH};
}

/* What is linked to a slot's place from both sides, or from the ends. */
static uint32_t *link_to(struct schedule *schedule, uint32_t previous)
{
    return previous == NO_FETCH ? &schedule->first : &schedule->fetches[previous].next;
}

static uint32_t *link_back(struct schedule *schedule, uint32_t next)
{
    return next == NO_FETCH ? &schedule->last : &schedule->fetches[next].previous;
}

static void insert(struct schedule *schedule, uint32_t index, uint32_t previous, uint32_t next)
{
    struct fetch *fetches = schedule->fetches;
    uint32_t *to = link_to(schedule, previous);
    uint32_t *back = link_back(schedule, next);
    enum fetch_state state = fetches[index].state;
    assert(state == FETCH_FREE || state == FETCH_ACTIVE || state == FETCH_WAITING);
    assert(*to == next && *back == previous);
    fetches[index].state = FETCH_QUEUED;
    fetches[index].previous = previous;
    fetches[index].next = next;
    *to = *back = index;
    schedule->count++;
}

void schedule_append(struct schedule *schedule, uint32_t index)
{
    insert(schedule, index, schedule->last, NO_FETCH);
}

void schedule_prepend(struct schedule *schedule, uint32_t index)
{
    insert(schedule, index, NO_FETCH, schedule->first);
}

void schedule_remove(struct schedule *schedule, uint32_t index)
{
    struct fetch *fetches = schedule->fetches;
    uint32_t previous = fetches[index].previous;
    uint32_t next = fetches[index].next;
    uint32_t *to = link_to(schedule, previous);
    uint32_t *back = link_back(schedule, next);
    assert(fetches[index].state == FETCH_QUEUED && schedule->count > 0 && *to == index &&
           *back == index);
    *to = next;
    *back = previous;
    schedule->count--;
}
