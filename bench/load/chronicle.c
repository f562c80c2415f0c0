/* Slices become intervals. The one hard idea: an interval is over when everybody who counts has
 * passed it; who is stopped holds the others up for as long as they have slices, and what it then
 * brings too late counts in the interval that is not over. */

#include "bench/load/chronicle.h"

#include <errno.h>
#include <stdlib.h>

int chronicle_open(struct chronicle *chronicle, const struct load_options *options,
                   struct tally *tallies, uint32_t tally_count)
{
    chronicle->options = options;
    chronicle->tallies = tallies;
    chronicle->tally_count = tally_count;
    chronicle->timeline = calloc(1, sizeof *chronicle->timeline);
    int error = chronicle->timeline ? timeline_open(chronicle->timeline) : -ENOMEM;
    if (stats_open(&chronicle->present) < 0 || stats_open(&chronicle->sum) < 0)
        error = -ENOMEM;
    return error;
}

void chronicle_close(struct chronicle *chronicle)
{
    stats_close(&chronicle->present);
    stats_close(&chronicle->sum);
    if (chronicle->timeline)
        timeline_close(chronicle->timeline);
    free(chronicle->timeline);
    chronicle->timeline = NULL;
}

/* It is over, at that time since the window's begin. */
static void interval_end(struct chronicle *chronicle, uint64_t end_ns, uint64_t in_flight)
{
    struct load_interval interval = load_interval_of(chronicle->options, chronicle->number);
    struct stats *present = &chronicle->present;
    stats_sum_up(present, load_is_open(chronicle->options));
    chronicle->last = timeline_row_of(present, interval.start_ns, end_ns, in_flight);
    chronicle->has_last = true;
    timeline_add(chronicle->timeline, &chronicle->last, present);
    struct interval_view view = {chronicle->started_at, &chronicle->last, present};
    if (chronicle->look && !chronicle->look(chronicle->context, &view))
        chronicle->is_enough = true;
    stats_add(&chronicle->sum, present);
    stats_reset(present);
    chronicle->in_flight = 0;
    chronicle->number++;
}

/* What is there of the interval; false: it goes on. Threads that wait do not turn by themselves. */
static bool tally_collect(struct chronicle *chronicle, struct tally *tally, uint64_t now_ns)
{
    struct slice *slice;
    if (tally->is_shared) {
        pthread_mutex_lock(&tally->lock);
        if (now_ns >= tally->next_ns)
            tally_turn(tally, now_ns, 0);
        pthread_mutex_unlock(&tally->lock);
    }
    uint64_t passed = atomic_load_explicit(&tally->passed, memory_order_acquire);
    bool was_full = tally_is_full(tally);
    while ((slice = tally_first(tally, chronicle->number)) != NULL) {
        stats_add(&chronicle->present, &slice->stats);
        chronicle->in_flight += slice->in_flight;
        tally_take(tally);
    }
    return passed > chronicle->number || (was_full && tally_is_full(tally));
}

/* Has everybody passed the present interval? Who holds up one that has no slice left does so no
 * longer. Where nobody counts any more, nobody passes it. */
static bool is_passed(struct chronicle *chronicle, uint64_t now_ns)
{
    bool all_passed = true;
    bool is_pressing = false;
    bool has_ended = true;
    for (uint32_t i = 0; i < chronicle->tally_count; i++) {
        struct tally *tally = &chronicle->tallies[i];
        all_passed &= tally_collect(chronicle, tally, now_ns);
        is_pressing |= tally_is_full(tally);
        has_ended &= atomic_load_explicit(&tally->passed, memory_order_relaxed) == UINT64_MAX;
    }
    return !has_ended && (all_passed || is_pressing);
}

void chronicle_take(struct chronicle *chronicle, uint64_t window_ns, uint64_t now_ns,
                    uint64_t in_flight)
{
    for (;;) {
        struct load_interval interval = load_interval_of(chronicle->options, chronicle->number);
        if (now_ns < window_ns + interval.end_ns || !is_passed(chronicle, now_ns))
            return;
        bool is_shared = chronicle->tallies[0].is_shared;
        interval_end(chronicle, interval.end_ns, is_shared ? in_flight : chronicle->in_flight);
    }
}

/* Slices that were left behind, and those that were not, up to that number; is_last: all. */
static void collect_rest(struct chronicle *chronicle, uint64_t number, bool is_last)
{
    for (uint32_t i = 0; i < chronicle->tally_count; i++) {
        struct tally *tally = &chronicle->tallies[i];
        struct slice *slice;
        while ((slice = tally_first(tally, number)) != NULL) {
            stats_add(&chronicle->present, &slice->stats);
            tally_take(tally);
        }
        uint32_t turned = atomic_load(&tally->turned);
        slice = &tally->slices[turned % TALLY_SLICES];
        if (turned == atomic_load(&tally->taken) && (is_last || slice->number <= number)) {
            stats_add(&chronicle->present, &slice->stats);
            stats_reset(&slice->stats);
        }
    }
}

void chronicle_end(struct chronicle *chronicle, bool has_window, uint64_t elapsed_ns)
{
    uint64_t time_ns = elapsed_ns > 0 ? elapsed_ns - 1 : 0;
    uint64_t last = load_interval_at(chronicle->options, time_ns).number;
    while (has_window && chronicle->number < last) {
        struct load_interval interval = load_interval_of(chronicle->options, chronicle->number);
        collect_rest(chronicle, chronicle->number, false);
        interval_end(chronicle, interval.end_ns, 0);
    }
    collect_rest(chronicle, UINT64_MAX, true);
    bool is_there = chronicle->number <= last || chronicle->present.requests > 0;
    if (has_window && elapsed_ns > 0 && is_there)
        interval_end(chronicle, elapsed_ns, 0);
    else
        stats_add(&chronicle->sum, &chronicle->present);
    timeline_end(chronicle->timeline);
}
