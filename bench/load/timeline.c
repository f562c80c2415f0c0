/* Rows that merge. The one hard idea: a row keeps its histogram packed, some kilobytes, and each
 * row is made of as many intervals as every other, so that halving their number, whenever there are
 * too many, bounds memory and work for a run of any length. */

#include "bench/load/timeline.h"

#include "bench/statistics/hdrlog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int timeline_open(struct timeline *timeline)
{
    memset(timeline, 0, sizeof *timeline);
    if (!histogram_open(&timeline->histogram) || !histogram_open(&timeline->aside))
        return -ENOMEM;
    timeline->each = 1;
    return 0;
}

void timeline_close(struct timeline *timeline)
{
    for (size_t i = 0; i < timeline->count; i++)
        free(timeline->rows[i].histogram);
    histogram_close(&timeline->histogram);
    histogram_close(&timeline->aside);
    timeline->count = 0;
}

/* --- a row ------------------------------------------------------------------------------------ */

struct timeline_row timeline_row_of(const struct stats *stats, uint64_t start_ns, uint64_t end_ns,
                                    uint64_t in_flight)
{
    struct timeline_row row = {
        .start_ns = start_ns,
        .end_ns = end_ns,
        .requests = stats->requests,
        .in_window = stats->finished_in_window,
        .in_flight = in_flight,
        .p50_ns = histogram_quantile(&stats->all, 0.5),
        .p99_ns = histogram_quantile(&stats->all, 0.99),
        .max_ns = histogram_max_ns(&stats->all),
    };
    memcpy(row.errors, stats->errors, sizeof row.errors);
    for (int i = 0; i < STATS_ERROR_COUNT; i++)
        row.classes[0] += stats->errors[i];
    for (unsigned i = 100; i < STATS_STATUS_COUNT; i++)
        row.classes[i / 100] += stats->statuses[i];
    return row;
}

bool timeline_rate(const struct timeline_row *row, uint64_t window_ns, double *ret_rate)
{
    uint64_t end_ns = row->end_ns < window_ns ? row->end_ns : window_ns;
    if (end_ns <= row->start_ns)
        return false;
    *ret_rate = (double)row->in_window * 1e9 / (double)(end_ns - row->start_ns);
    return true;
}

uint64_t timeline_errors(const struct timeline_row *row)
{
    uint64_t count = row->classes[0];
    for (int i = 4; i < STATUS_CLASSES; i++)
        count += row->classes[i];
    return count;
}

/* What it has finished, beside its histogram. */
static void counts_add(struct timeline_row *into, const struct timeline_row *from)
{
    into->end_ns = from->end_ns;
    into->in_flight = from->in_flight;
    into->requests += from->requests;
    into->in_window += from->in_window;
    into->max_ns = from->max_ns > into->max_ns ? from->max_ns : into->max_ns;
    for (int i = 0; i < STATUS_CLASSES; i++)
        into->classes[i] += from->classes[i];
    for (int i = 0; i < STATS_ERROR_COUNT; i++)
        into->errors[i] += from->errors[i];
}

static bool pack(struct timeline *timeline, struct timeline_row *row,
                 const struct histogram *histogram)
{
    row->p50_ns = histogram_quantile(histogram, 0.5);
    row->p99_ns = histogram_quantile(histogram, 0.99);
    row->histogram = NULL;
    if (histogram_count(histogram) == 0)
        return true;
    row->histogram = hdrlog_encode(histogram);
    if (!row->histogram)
        return false;
    timeline->bytes += strlen(row->histogram);
    return true;
}

/* Adds the row's histogram to timeline->histogram, and frees it. */
static bool unpack(struct timeline *timeline, struct timeline_row *row)
{
    if (!row->histogram)
        return true;
    timeline->bytes -= strlen(row->histogram);
    bool is_good = hdrlog_decode(span_of(row->histogram), &timeline->aside) == HDRLOG_OK;
    histogram_add(&timeline->histogram, &timeline->aside);
    free(row->histogram);
    row->histogram = NULL;
    return is_good;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* Of two rows one. timeline->histogram is empty, and will be. */
static bool merge(struct timeline *timeline, struct timeline_row *into, struct timeline_row *from)
{
    bool is_good = unpack(timeline, into) && unpack(timeline, from);
    counts_add(into, from);
    if (is_good)
        is_good = pack(timeline, into, &timeline->histogram);
    if (into->p99_ns > into->max_ns)
        into->p99_ns = into->max_ns;
    if (into->p50_ns > into->max_ns)
        into->p50_ns = into->max_ns;
    histogram_reset(&timeline->histogram);
    return is_good;
}

static bool halve(struct timeline *timeline)
{
    bool is_good = true;
    size_t half = timeline->count / 2;
    for (size_t i = 0; i < half && is_good; i++) {
        struct timeline_row *pair = &timeline->rows[2 * i];
        is_good = merge(timeline, pair, pair + 1);
        if (i > 0) {
            timeline->rows[i] = *pair;
            pair->histogram = NULL;
        }
    }
    if (is_good)
        timeline->count = half;
    timeline->each *= 2;
    return is_good;
}

static bool row_end(struct timeline *timeline)
{
    struct timeline_row *row = &timeline->rows[timeline->count++];
    *row = timeline->row;
    timeline->present = 0;
    bool is_good = pack(timeline, row, &timeline->histogram);
    histogram_reset(&timeline->histogram);
    return is_good;
}

static bool is_full(const struct timeline *timeline)
{
    return timeline->count == TIMELINE_ROWS ||
           (timeline->bytes > TIMELINE_BYTES && timeline->count % 2 == 0);
}

bool timeline_add(struct timeline *timeline, const struct timeline_row *row,
                  const struct stats *stats)
{
    bool is_good = true;
    if (timeline->present == 0 && is_full(timeline))
        is_good = halve(timeline);
    if (timeline->present == 0)
        timeline->row = *row;
    else
        counts_add(&timeline->row, row);
    timeline->present++;
    histogram_add(&timeline->histogram, &stats->all);
    if (timeline->present >= timeline->each)
        is_good &= row_end(timeline);
    return is_good;
}

bool timeline_end(struct timeline *timeline)
{
    return timeline->present == 0 || row_end(timeline);
}
