/* Owns the measure of a reply's speed: the bytes of the last four quarters of the time allowed, so
 * that what is too slow is told at most a quarter late, and a pause of its own at the quarter's end
 * costs no list of times. */

#include "engine/request/pace.h"

void pace_begin(struct pace *pace, uint64_t now_ns)
{
    *pace = (struct pace){.since_ns = now_ns, .is_begun = true, .is_running = true};
}

void pace_pause(struct pace *pace, uint64_t now_ns)
{
    if (pace->is_running)
        pace->ran_ns += now_ns - pace->since_ns;
    pace->is_running = false;
}

void pace_go_on(struct pace *pace, uint64_t now_ns)
{
    if (!pace->is_begun || pace->is_running)
        return;
    pace->is_running = true;
    pace->since_ns = now_ns;
}

uint64_t pace_due_ns(const struct pace *pace, uint64_t time_ns)
{
    uint64_t quarter_ns = time_ns / PACE_QUARTERS;
    if (!pace->is_running)
        return UINT64_MAX;
    uint64_t left_ns = quarter_ns > pace->ran_ns ? quarter_ns - pace->ran_ns : 0;
    return left_ns < UINT64_MAX - pace->since_ns ? pace->since_ns + left_ns : UINT64_MAX;
}

/* bytes / time < limit, where limit * time may not fit. */
static bool is_below(uint64_t bytes, uint64_t time_ns, uint64_t limit)
{
    return (double)bytes < (double)limit * ((double)time_ns / 1e9);
}

bool pace_is_slow(struct pace *pace, uint64_t now_ns, uint64_t time_ns, uint64_t limit)
{
    if (pace_due_ns(pace, time_ns) > now_ns)
        return false;
    pace->bytes[pace->quarters++ % PACE_QUARTERS] = pace->current;
    pace->current = pace->ran_ns = 0;
    pace->since_ns = now_ns;
    uint64_t sum = 0;
    for (int i = 0; i < PACE_QUARTERS; i++)
        sum += pace->bytes[i];
    return pace->quarters >= PACE_QUARTERS && is_below(sum, time_ns, limit);
}
