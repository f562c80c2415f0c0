#ifndef ENGINE_LOOP_BATCH_H
#define ENGINE_LOOP_BATCH_H

/* For how many completions a wait should wait, by how often they came lately. */

#include <stdint.h>

enum { BATCH_FROM = 32 }; /* in flight: from here on it pays to wait for several completions */

struct batch {
    uint64_t since_ns;  /* when the present measurement of their rate began */
    uint64_t count;     /* completions since */
    uint64_t per_batch; /* by the last measurement: as many as may be waited for */
};

/* After each run: so many came in it. */
void batch_measure(struct batch *batch, uint32_t completions, uint64_t now_ns);

/* For loop_wait(), with so many in flight; at least 1. */
uint32_t batch_size(const struct batch *batch, uint32_t in_flight);

#endif
