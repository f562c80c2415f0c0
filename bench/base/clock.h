#ifndef BENCH_BASE_CLOCK_H
#define BENCH_BASE_CLOCK_H

/* The clock that every duration is measured with. It is read in a header, so that a client pays
 * no call for it between two requests. */

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC. */
static inline uint64_t clock_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline double clock_seconds_since(uint64_t begin_ns)
{
    return (double)(clock_monotonic_ns() - begin_ns) / 1e9;
}

#endif
