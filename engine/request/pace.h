#ifndef ENGINE_REQUEST_PACE_H
#define ENGINE_REQUEST_PACE_H

/* Is a reply too slow? Of a clock that runs only while it is read: what is paused never stalls. */

#include <stdbool.h>
#include <stdint.h>

enum { PACE_QUARTERS = 4 };

/* All zero: nothing is measured. */
struct pace {
    uint64_t bytes[PACE_QUARTERS]; /* of the last quarters of the time, and */
    uint64_t current;              /* since */
    uint64_t ran_ns;               /* of the current quarter, before since_ns */
    uint64_t since_ns;             /* it runs; where is_running */
    uint32_t quarters;             /* that are over */
    bool is_begun;
    bool is_running;
};

void pace_begin(struct pace *pace, uint64_t now_ns);
void pace_pause(struct pace *pace, uint64_t now_ns);
void pace_go_on(struct pace *pace, uint64_t now_ns);

static inline void pace_add(struct pace *pace, uint64_t bytes)
{
    pace->current += bytes;
}

/* When pace_is_slow() is to be asked next; UINT64_MAX: never, as it goes. */
uint64_t pace_due_ns(const struct pace *pace, uint64_t time_ns);

/* Have fewer than limit bytes a second come, on the average of the last time_ns? */
bool pace_is_slow(struct pace *pace, uint64_t now_ns, uint64_t time_ns, uint64_t limit);

#endif
