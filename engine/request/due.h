#ifndef ENGINE_REQUEST_DUE_H
#define ENGINE_REQUEST_DUE_H

/* When a request's time is up, by the stage it is in, and what is said of it then. */

#include "engine/failure.h"

#include <stdint.h>

struct due_starts {
    uint64_t hop_ns;     /* when this hop was begun, from which the time to connect counts */
    uint64_t attempt_ns; /* and the first one, from which the whole does */
    /* Of its stage alone; 0: it is not in it. */
    uint64_t queued_ns;
    uint64_t connected_ns;
    uint64_t sent_ns;
};

/* A time allowed that is negative has no end. */
uint64_t due_ns(enum haul_stage stage, const struct due_starts *starts, int64_t connect_ms,
                int64_t max_ms);

const struct failure *due_failure(enum haul_stage stage);

/* The same, of the stage's own time alone. */
uint64_t due_own_ns(enum haul_stage stage, const struct due_starts *starts,
                    const struct haul_times *times);
const struct failure *due_own_failure(enum haul_stage stage);

#endif
