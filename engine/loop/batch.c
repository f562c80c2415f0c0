/* Waiting for several completions at once saves wake-ups, and lets what comes in two segments be
 * received as one; but only as many as may be expected while the loop is willing to wait, and only
 * a fraction of what is in flight, so that the server is never left idle. */

#include "engine/loop/batch.h"

enum { BATCH_SHARE = 4, BATCH_MAX = 64 };

#define RATE_SPAN_NS UINT64_C(1000000)

/* So long a full batch may take: a fifth of a pulse, which is to end none that does come. */
#define BATCH_NS UINT64_C(200000)

void batch_measure(struct batch *batch, uint32_t completions, uint64_t now_ns)
{
    batch->count += completions;
    uint64_t span_ns = now_ns - batch->since_ns;
    if (span_ns < RATE_SPAN_NS)
        return;
    batch->per_batch = batch->count * BATCH_NS / span_ns;
    batch->count = 0;
    batch->since_ns = now_ns;
}

uint32_t batch_size(const struct batch *batch, uint32_t in_flight)
{
    uint64_t count = in_flight / BATCH_SHARE;
    if (in_flight < BATCH_FROM)
        return 1;
    count = count < BATCH_MAX ? count : BATCH_MAX;
    count = count < batch->per_batch ? count : batch->per_batch;
    return count > 1 ? (uint32_t)count : 1;
}
