#ifndef ENGINE_MEMORY_CLOCK_H
#define ENGINE_MEMORY_CLOCK_H

/* The one clock of the engine: CLOCK_MONOTONIC, in nanoseconds. */

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_read_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_now_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

/* As it was at the last timer interrupt: some milliseconds behind, and cheaper. */
static inline uint64_t clock_coarse_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC_COARSE);
}

#endif
