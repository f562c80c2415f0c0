#ifndef ENGINE_REQUEST_SCHEDULE_SPACING_H
#define ENGINE_REQUEST_SCHEDULE_SPACING_H

/* Even spacing at a rate. What was missed is not made up for by a burst; only what a timer may be
 * late by is: a tenth of the spacing, at most 1 ms. Below 1 ms of spacing no timer would keep it,
 * and those of 1 ms begin at once. */

#include <stdint.h>

#define SPACING_CREDIT_NS UINT64_C(1000000)
#define SPACING_MOST_NS (UINT64_MAX / 4)

/* By the second; 0: there is no rate, and no spacing. */
static inline uint64_t spacing_of_rate(double rate)
{
    if (rate <= 0)
        return 0;
    double ns = 1e9 / rate;
    if (ns >= (double)SPACING_MOST_NS)
        return SPACING_MOST_NS;
    return ns < 1 ? 1 : (uint64_t)ns;
}

static inline uint64_t spacing_credit_ns(uint64_t spacing_ns)
{
    if (spacing_ns < SPACING_CREDIT_NS)
        return SPACING_CREDIT_NS - spacing_ns;
    uint64_t tenth_ns = spacing_ns / 10;
    return tenth_ns < SPACING_CREDIT_NS ? tenth_ns : SPACING_CREDIT_NS;
}

/* One begins now, which is not before next_ns. Returns when the next may. */
static inline uint64_t spacing_after(uint64_t next_ns, uint64_t spacing_ns, uint64_t now_ns)
{
    uint64_t credit_ns = spacing_credit_ns(spacing_ns);
    uint64_t least_ns = now_ns > credit_ns ? now_ns - credit_ns : 0;
    return (next_ns > least_ns ? next_ns : least_ns) + spacing_ns;
}

#endif
