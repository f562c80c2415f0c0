/* What a run's options and result say of themselves. It knows no client and no clock: whoever reads
 * a run can ask here, whether it has run in this process or not. */

#include "bench/load/load.h"

const char *client_name(enum client_kind kind)
{
    static const char *const names[CLIENT_COUNT] = {
        [CLIENT_URING] = "uring",
        [CLIENT_EPOLL] = "epoll",
        [CLIENT_THREADS] = "threads",
    };
    return names[kind];
}

struct load_options load_filled(const struct load_options *options)
{
    struct load_options filled = *options;
    if (filled.connections == 0)
        filled.connections = LOAD_CONNECTIONS_DEFAULT;
    if (filled.threads == 0)
        filled.threads = 1;
    if (filled.pipeline == 0)
        filled.pipeline = 1;
    if (filled.requests == 0 && filled.duration_ns == 0)
        filled.duration_ns = LOAD_DURATION_DEFAULT_S * UINT64_C(1000000000);
    if (filled.timeout_ns == 0)
        filled.timeout_ns = LOAD_TIMEOUT_DEFAULT_S * UINT64_C(1000000000);
    if (filled.rate_to == 0)
        filled.rate_to = filled.rate_from;
    return filled;
}

struct load_thread load_threads_sum(const struct load_result *result)
{
    struct load_thread sum = {0};
    for (uint32_t i = 0; i < result->thread_count; i++) {
        const struct load_thread *thread = &result->threads[i];
        sum.user_s += thread->user_s;
        sum.system_s += thread->system_s;
        sum.busy = thread->busy > sum.busy ? thread->busy : sum.busy;
        if (i == 0 || thread->waited_s > sum.waited_s)
            sum.waited_s = thread->waited_s;
        sum.stopped_s = thread->stopped_s > sum.stopped_s ? thread->stopped_s : sum.stopped_s;
    }
    return sum;
}
