/* What a run's options and result say of themselves. It knows no client and no clock: whoever reads
 * a run can ask here, whether it has run in this process or not. */

#include "bench/load/load.h"

#include "engine/link/secure.h"

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
    for (size_t i = 0; i < filled.stage_count; i++)
        filled.duration_ns = (i > 0 ? filled.duration_ns : 0) + filled.stages[i].duration_ns;
    if (filled.requests == 0 && filled.duration_ns == 0)
        filled.duration_ns = LOAD_DURATION_DEFAULT_S * UINT64_C(1000000000);
    if (filled.timeout_ns == 0)
        filled.timeout_ns = LOAD_TIMEOUT_DEFAULT_S * UINT64_C(1000000000);
    if (filled.linger_ns == 0)
        filled.linger_ns = UINT64_C(1000000000);
    if (filled.interval_ns == 0)
        filled.interval_ns = LOAD_INTERVAL_DEFAULT_MS * UINT64_C(1000000);
    if (filled.rate_to == 0)
        filled.rate_to = filled.rate_from;
    return filled;
}

const char *load_tls_refuses(const struct load_options *options)
{
    struct haul_open_error why = {0};
    struct haul_tls tls = options->tls;
    tls.pinned_keys = NULL;
    return secure_check(&tls, &why) ? why.message : NULL;
}

/* Pieces of equal length, but for the last before an end that is known. */
struct load_interval load_interval_at(const struct load_options *options, uint64_t time_ns)
{
    uint64_t length_ns = options->interval_ns;
    uint64_t window_ns = options->duration_ns > 0 ? options->duration_ns : UINT64_MAX;
    uint64_t from_ns = time_ns < window_ns ? 0 : window_ns;
    struct load_interval interval = {
        .number = (time_ns - from_ns) / length_ns,
        .start_ns = from_ns + (time_ns - from_ns) / length_ns * length_ns,
    };
    interval.end_ns = interval.start_ns + length_ns;
    if (from_ns > 0)
        interval.number += (window_ns - 1) / length_ns + 1;
    else if (interval.end_ns > window_ns)
        interval.end_ns = window_ns;
    return interval;
}

struct load_interval load_interval_of(const struct load_options *options, uint64_t number)
{
    uint64_t length_ns = options->interval_ns;
    uint64_t window_ns = options->duration_ns;
    uint64_t whole = window_ns > 0 ? (window_ns - 1) / length_ns + 1 : UINT64_MAX;
    uint64_t start_ns =
        number < whole ? number * length_ns : window_ns + (number - whole) * length_ns;
    return load_interval_at(options, start_ns);
}

struct load_thread load_threads_sum(const struct load_result *result)
{
    struct load_thread sum = {0};
    for (uint32_t i = 0; i < result->thread_count; i++) {
        const struct load_thread *thread = &result->threads[i];
        sum.user_s += thread->user_s;
        sum.system_s += thread->system_s;
        sum.span_s = thread->span_s > sum.span_s ? thread->span_s : sum.span_s;
        sum.busy = thread->busy > sum.busy ? thread->busy : sum.busy;
        if (i == 0 || thread->waited_s > sum.waited_s)
            sum.waited_s = thread->waited_s;
        sum.stopped_s = thread->stopped_s > sum.stopped_s ? thread->stopped_s : sum.stopped_s;
    }
    return sum;
}
