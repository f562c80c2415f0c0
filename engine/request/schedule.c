/* Owns the queue. It is linked both ways, so that cancelling, which takes out as many as there are,
 * looks for none. */

#include "engine/request/schedule.h"

#include <assert.h>

void schedule_init(struct schedule *schedule, struct fetch *fetches)
{
    *schedule = (struct schedule){.fetches = fetches, .first = NO_FETCH, .last = NO_FETCH};
}

static void insert(struct schedule *schedule, uint32_t index, uint32_t previous, uint32_t next)
{
    struct fetch *fetches = schedule->fetches;
    fetches[index].state = FETCH_QUEUED;
    fetches[index].previous = previous;
    fetches[index].next = next;
    *(previous == NO_FETCH ? &schedule->first : &fetches[previous].next) = index;
    *(next == NO_FETCH ? &schedule->last : &fetches[next].previous) = index;
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
    assert(fetches[index].state == FETCH_QUEUED && schedule->count > 0);
    *(previous == NO_FETCH ? &schedule->first : &fetches[previous].next) = next;
    *(next == NO_FETCH ? &schedule->last : &fetches[next].previous) = previous;
    schedule->count--;
}
