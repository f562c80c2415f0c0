#ifndef BENCH_LOAD_PROCESSORS_H
#define BENCH_LOAD_PROCESSORS_H

/* Who had the processors that a run's client could use, besides the client. */

#include <sched.h>
#include <stdint.h>

/* As of one moment, in seconds since whenever. */
struct processors_time {
    double idle_s; /* nobody had them, by all of them together; negative: not known */
    double own_s;  /* this process, on whichever it ran */
    uint64_t now_ns;
};

struct processors_time processors_time(const cpu_set_t *set);

/* Which share of count processors' time others had between the two; negative: not known. What the
 * kernel does for devices and connections is among it. */
double processors_others(const struct processors_time *from, const struct processors_time *to,
                         uint32_t count);

#endif
