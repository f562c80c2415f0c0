/* Rows that merge. The one hard idea: each row keeps its histogram packed, in a kilobyte, and is
 * made of as many intervals as every other, so that halving their number, whenever there are too
 * many, keeps memory and work the same for a run of any length. */

#include "bench/load/timeline.h"

#include <errno.h>
#include <string.h>

int timeline_open(struct timeline *timeline)
{
    memset(timeline, 0, sizeof *timeline); /* which touches all of it */
    if (!histogram_open(&timeline->histogram))
        return -ENOMEM;
    timeline->each = 1;
    return 0;
}

void timeline_close(struct timeline *timeline)
{
    histogram_close(&timeline->histogram);
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

/* What timeline->histogram counts, which is empty then. */
static void row_pack(struct timeline *timeline, size_t index)
{
    struct timeline_row *row = &timeline->rows[index];
    struct histogram *histogram = &timeline->histogram;
    row->p50_ns = histogram_quantile(histogram, 0.5);
    row->p99_ns = histogram_quantile(histogram, 0.99);
    if (row->p99_ns > row->max_ns)
        row->p99_ns = row->max_ns;
    if (row->p50_ns > row->max_ns)
        row->p50_ns = row->max_ns;
    packed_put(&timeline->packed[index], histogram);
    histogram_reset(histogram);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* Each two become one. None is without a neighbour: TIMELINE_ROWS is even. */
static void halve(struct timeline *timeline)
{
    timeline->count /= 2;
    for (size_t i = 0; i < timeline->count; i++) {
        timeline->rows[i] = timeline->rows[2 * i];
        counts_add(&timeline->rows[i], &timeline->rows[2 * i + 1]);
        packed_add(&timeline->packed[2 * i], &timeline->histogram);
        packed_add(&timeline->packed[2 * i + 1], &timeline->histogram);
        row_pack(timeline, i);
    }
    timeline->each *= 2;
}

static void row_end(struct timeline *timeline)
{
    timeline->rows[timeline->count] = timeline->row;
    timeline->present = 0;
    row_pack(timeline, timeline->count++);
}

void timeline_add(struct timeline *timeline, const struct timeline_row *row,
                  const struct stats *stats)
{
    if (timeline->present == 0 && timeline->count == TIMELINE_ROWS)
        halve(timeline);
    if (timeline->present == 0)
        timeline->row = *row;
    else
        counts_add(&timeline->row, row);
    timeline->present++;
    histogram_add(&timeline->histogram, &stats->all);
    if (timeline->present >= timeline->each)
        row_end(timeline);
}

void timeline_end(struct timeline *timeline)
{
    if (timeline->present > 0)
        row_end(timeline);
}
