/* When requests are due. The schedule is a formula, not a list: with a rate that grows evenly, the
 * number of requests due by time t is a parabola, and its inverse says when number k is due; of
 * stages there is one after the other. */

#include "bench/load/workload.h"

#include <math.h>

#define SECOND_NS 1e9
#define FAR_S 1e9 /* later than any run ends */

/* A piece of it: how long it takes until so many are due, at a rate that grows by slope a second */
static double piece_s(double rate_from, double slope, double count)
{
    if (count <= 0)
        return 0;
    if (slope == 0)
        return count / rate_from;
    return 2 * count / (rate_from + sqrt(fmax(rate_from * rate_from + 2 * slope * count, 0)));
}

/* The rate's growth in requests a second, each second. */
static double growth(const struct load_options *options)
{
    if (options->duration_ns == 0 || options->rate_to == options->rate_from)
        return 0;
    return (options->rate_to - options->rate_from) / ((double)options->duration_ns / SECOND_NS);
}

/* Where the rate's growing ends: how many requests are due until then. */
static double ramp_count(const struct load_options *options)
{
    return (options->rate_from + options->rate_to) / 2 * ((double)options->duration_ns / SECOND_NS);
}

static double ramp_s(const struct load_options *options, double count)
{
    double slope = growth(options);
    if (slope != 0 && count > ramp_count(options))
        return (double)options->duration_ns / SECOND_NS +
               (count - ramp_count(options)) / options->rate_to;
    return piece_s(options->rate_from, slope, count);
}

/* --- its stages ------------------------------------------------------------------------------- */

/* How far the schedule is at a stage's begin. */
struct mark {
    size_t stage;
    uint64_t start_ns;
    double due; /* requests before it; of a fraction the next stage makes one */
};

/* Sums of products of decimals miss whole numbers by less than that. */
#define WHOLE 1e-6

static struct mark mark_next(const struct load_options *options, struct mark mark)
{
    const struct load_stage *stage = &options->stages[mark.stage];
    double length_s = (double)stage->duration_ns / SECOND_NS;
    double due = mark.due + (stage->rate_from + stage->rate_to) / 2 * length_s;
    bool is_whole = fabs(due - round(due)) < WHOLE;
    return (struct mark){mark.stage + 1, mark.start_ns + stage->duration_ns,
                         is_whole ? round(due) : due};
}

/* What is due at a stage's very end is the next one's, so that a pause has none. */
static struct mark mark_of(const struct load_options *options, double count)
{
    struct mark mark = {0};
    while (mark.stage < options->stage_count) {
        struct mark next = mark_next(options, mark);
        if (next.due > count)
            break;
        mark = next;
    }
    return mark;
}

static uint64_t staged_ns(const struct load_options *options, double count)
{
    struct mark mark = mark_of(options, count);
    const struct load_stage *stage = &options->stages[mark.stage];
    if (mark.stage == options->stage_count) {
        double rate = options->stages[mark.stage - 1].rate_to;
        double seconds = rate > 0 ? (count - mark.due) / rate : FAR_S;
        return mark.start_ns + (uint64_t)(fmin(seconds, FAR_S) * SECOND_NS);
    }
    double length_s = (double)stage->duration_ns / SECOND_NS;
    double slope = (stage->rate_to - stage->rate_from) / length_s;
    double seconds = piece_s(stage->rate_from, slope, count - mark.due);
    return mark.start_ns + (uint64_t)(fmin(seconds, length_s) * SECOND_NS);
}

size_t workload_stage_of(const struct load_options *options, uint64_t index)
{
    size_t stage = mark_of(options, (double)index).stage;
    return stage < options->stage_count ? stage : options->stage_count - 1;
}

size_t workload_stage_at(const struct load_options *options, uint64_t time_ns)
{
    size_t stage = 0;
    while (stage + 1 < options->stage_count && time_ns >= options->stages[stage].duration_ns)
        time_ns -= options->stages[stage++].duration_ns;
    return stage;
}

uint64_t workload_due_before(const struct load_options *options, size_t stage)
{
    struct mark mark = {0};
    while (mark.stage < stage)
        mark = mark_next(options, mark);
    return (uint64_t)ceil(mark.due);
}

/* --- all of it -------------------------------------------------------------------------------- */

uint64_t workload_due_ns(const struct load_options *options, uint64_t index)
{
    double count = (double)index;
    if (options->stage_count > 0)
        return staged_ns(options, count);
    return (uint64_t)(fmin(ramp_s(options, count), FAR_S) * SECOND_NS);
}

static double fastest(const struct load_options *options)
{
    double rate = fmax(options->rate_from, options->rate_to);
    for (size_t i = 0; i < options->stage_count; i++)
        rate = fmax(rate, fmax(options->stages[i].rate_from, options->stages[i].rate_to));
    return rate;
}

/* By halving, since the two directions of the formula need not round alike. */
uint64_t workload_due_count(const struct load_options *options, uint64_t time_ns)
{
    uint64_t low = 0;
    uint64_t high = (uint64_t)(fastest(options) * ((double)time_ns / SECOND_NS)) + 2;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (workload_due_ns(options, middle) < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
