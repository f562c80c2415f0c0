#ifndef ENGINE_REQUEST_SCHEDULE_H
#define ENGINE_REQUEST_SCHEDULE_H

/* The requests that wait to begin, in the order in which they do. */

#include "engine/request/fetch.h"

#include <stdint.h>

struct schedule {
    struct fetch *fetches; /* by slot */
    uint32_t first;        /* NO_FETCH: none waits */
    uint32_t last;
    uint32_t count;
};

/* fetches must outlive the schedule. */
void schedule_init(struct schedule *schedule, struct fetch *fetches);

/* The fetch waits behind all others, or, where it had begun before, in front of them. */
void schedule_append(struct schedule *schedule, uint32_t fetch);
void schedule_prepend(struct schedule *schedule, uint32_t fetch);

/* It waits no more; at the same cost wherever it stands. Its state is the caller's to set. */
void schedule_remove(struct schedule *schedule, uint32_t fetch);

#endif
