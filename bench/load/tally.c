/* A ring of slices with one writer and one reader. The one hard idea: `passed` is written after
 * `turned` and read before it, so that who reads that an interval is over finds all of it. */

#include "bench/load/tally.h"

#include "bench/load/load.h"

#include <errno.h>

int tally_open(struct tally *tally, const struct load_options *options, bool is_shared)
{
    *tally = (struct tally){.is_shared = is_shared, .next_ns = UINT64_MAX, .options = options};
    int error = 0;
    pthread_mutex_init(&tally->lock, NULL);
    for (unsigned i = 0; i < TALLY_SLICES; i++)
        if (stats_open(&tally->slices[i].stats) < 0)
            error = -ENOMEM;
    tally->stats = &tally->slices[0].stats;
    if (options->stage_count > 0 && stats_open_list(&tally->stages, options->stage_count) < 0)
        error = -ENOMEM;
    return error;
}

void tally_close(struct tally *tally)
{
    for (unsigned i = 0; i < TALLY_SLICES; i++)
        stats_close(&tally->slices[i].stats);
    stats_close_list(tally->stages, tally->options ? tally->options->stage_count : 0);
    pthread_mutex_destroy(&tally->lock);
}

static struct slice *slice_at(struct tally *tally, uint32_t count)
{
    return &tally->slices[count % TALLY_SLICES];
}

void tally_begin(struct tally *tally, uint64_t window_ns)
{
    stats_begin_window(tally->stats);
    tally->is_in_window = true;
    tally->window_ns = window_ns;
    tally->next_ns = window_ns + load_interval_at(tally->options, 0).end_ns;
}

bool tally_is_full(const struct tally *tally)
{
    uint32_t turned = atomic_load_explicit(&tally->turned, memory_order_relaxed);
    return turned - atomic_load_explicit(&tally->taken, memory_order_acquire) == TALLY_SLICES - 1;
}

/* The present slice is left behind. */
static struct slice *slice_leave(struct tally *tally, uint64_t in_flight)
{
    uint32_t turned = atomic_load_explicit(&tally->turned, memory_order_relaxed) + 1;
    slice_at(tally, turned - 1)->in_flight = in_flight;
    atomic_store_explicit(&tally->turned, turned, memory_order_release);
    return slice_at(tally, turned);
}

void tally_turn(struct tally *tally, uint64_t now_ns, uint64_t in_flight)
{
    if (tally_is_full(tally))
        return;
    struct load_interval interval = load_interval_at(tally->options, now_ns - tally->window_ns);
    struct slice *slice = slice_leave(tally, in_flight);
    slice->number = interval.number;
    tally->stats = &slice->stats;
    tally->next_ns = tally->window_ns + interval.end_ns;
    atomic_store_explicit(&tally->passed, interval.number, memory_order_release);
}

void tally_end(struct tally *tally)
{
    if (!tally->is_in_window || tally_is_full(tally))
        return;
    tally->stats = &slice_leave(tally, 0)->stats;
    tally->next_ns = UINT64_MAX;
    atomic_store_explicit(&tally->passed, UINT64_MAX, memory_order_release);
}

struct slice *tally_first(struct tally *tally, uint64_t number)
{
    uint32_t taken = atomic_load_explicit(&tally->taken, memory_order_relaxed);
    struct slice *slice = slice_at(tally, taken);
    bool is_there = taken != atomic_load_explicit(&tally->turned, memory_order_acquire);
    return is_there && slice->number <= number ? slice : NULL;
}

void tally_take(struct tally *tally)
{
    uint32_t taken = atomic_load_explicit(&tally->taken, memory_order_relaxed);
    stats_reset(&slice_at(tally, taken)->stats);
    atomic_store_explicit(&tally->taken, taken + 1, memory_order_release);
}
