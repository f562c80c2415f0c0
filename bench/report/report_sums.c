/* Owns medians, ratios and their intervals. The idea: an estimate is a function of samples, one a
 * cell, and its interval is what that function gives when each sample is replaced by a draw from
 * itself; so that one cell, a pair of cells and a mean over a hundred pairs are the same code. */

#include "bench/report/report_sums.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 2000, FEWEST_SIDES = 2 };

#define TAIL 0.025 /* of the draws, on either side of the interval */

struct report_sample {
    const double *values; /* ascending */
    size_t count;
    double sign; /* of its logarithm in the mean: -1 for a ratio's second side */
};

/* --- the draw --------------------------------------------------------------------------------- */

/* splitmix64: any seed will do, and one seed gives the same intervals every time. */
static uint64_t random_next(uint64_t *state)
{
    uint64_t word = *state += UINT64_C(0x9E3779B97F4A7C15);
    word = (word ^ (word >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94D049BB133111EB);
    return word ^ (word >> 31);
}

static size_t random_below(uint64_t *state, size_t limit)
{
    return (size_t)(((random_next(state) >> 32) * limit) >> 32);
}

static double median(const struct report_sample *sample)
{
    size_t middle = sample->count / 2;
    if (sample->count % 2 == 1)
        return sample->values[middle];
    return (sample->values[middle - 1] + sample->values[middle]) / 2;
}

/* The value of a rank in a draw that hit each value so often. */
static double ranked(const struct report_sample *sample, const uint32_t *hits, size_t rank)
{
    size_t i = 0;
    for (size_t seen = hits[0]; seen <= rank; seen += hits[i])
        i++;
    return sample->values[i];
}

static double median_of_draw(const struct report_sample *sample, uint32_t *hits, uint64_t *state)
{
    size_t middle = sample->count / 2;
    memset(hits, 0, sample->count * sizeof *hits);
    for (size_t i = 0; i < sample->count; i++)
        hits[random_below(state, sample->count)]++;
    double upper = ranked(sample, hits, middle);
    return sample->count % 2 == 1 ? upper : (ranked(sample, hits, middle - 1) + upper) / 2;
}

/* --- the estimate ----------------------------------------------------------------------------- */

/* state NULL: of the samples themselves. mean_of: how many samples one side has. */
static double statistic(const struct report_sums *sums, size_t count, size_t mean_of,
                        uint64_t *state)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const struct report_sample *sample = &sums->samples[i];
        double middle = state != NULL ? median_of_draw(sample, sums->hits, state) : median(sample);
        if (count == 1)
            return middle;
        sum += sample->sign * log(middle);
    }
    return exp(sum / (double)mean_of);
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static struct report_estimate estimate(const struct report_sums *sums, size_t count, size_t mean_of)
{
    struct report_estimate result = {NAN, NAN, NAN, SIZE_MAX, mean_of, 0};
    uint64_t state = 1;
    for (size_t i = 0; i < count; i++) {
        const struct report_sample *sample = &sums->samples[i];
        if (sample->count < result.rounds)
            result.rounds = sample->count;
        if (count > 1 && sample->values[0] <= 0)
            return result;
    }
    result.value = statistic(sums, count, mean_of, NULL);
    if (result.rounds < 2)
        return result;
    for (size_t i = 0; i < DRAWS; i++)
        sums->draws[i] = statistic(sums, count, mean_of, &state);
    qsort(sums->draws, DRAWS, sizeof *sums->draws, compare_doubles);
    result.low = sums->draws[(size_t)(DRAWS * TAIL)];
    result.high = sums->draws[DRAWS - 1 - (size_t)(DRAWS * TAIL)];
    return result;
}

/* --- which cells ------------------------------------------------------------------------------ */

const struct report_cell *report_cell_of(const struct report_sums *sums,
                                         const struct report_panel *panel, size_t slice, size_t x,
                                         size_t side)
{
    struct report_place place = panel->slices[slice];
    if (panel->axis >= 0)
        place.at[panel->axis] = (uint16_t)x;
    if (sums->by >= 0)
        place.at[sums->by] = (uint16_t)side;
    return report_cell_at(sums->report, &place);
}

/* A selection that grows by cells; is_whole falls when one has not what is asked for. */
struct selection {
    size_t sample_count;
    size_t value_count;
    size_t bound_count;
    bool is_whole;
};

static void select_cell(const struct report_sums *sums, struct selection *selection,
                        const struct report_cell *cell, enum report_metric metric, double sign)
{
    double *values = sums->values + selection->value_count;
    size_t count = 0;
    for (size_t i = 0; cell != NULL && i < cell->good_count; i++)
        if (!isnan(cell->runs[i].values[metric]))
            values[count++] = cell->runs[i].values[metric];
    if (count == 0) {
        selection->is_whole = false;
        return;
    }
    qsort(values, count, sizeof *values, compare_doubles);
    sums->samples[selection->sample_count++] = (struct report_sample){values, count, sign};
    selection->value_count += count;
    selection->bound_count += cell->bound_count > 0;
}

static void select_side(const struct report_sums *sums, struct selection *selection,
                        const struct report_panel *panel, size_t slice, size_t x, size_t side,
                        enum report_metric metric, double sign)
{
    bool is_mean = slice == REPORT_ALL;
    for (size_t i = is_mean ? 0 : slice; i < (is_mean ? panel->slice_count : slice + 1); i++) {
        if (is_mean && !panel->is_complete[i])
            continue;
        for (size_t k = x == REPORT_ALL ? 0 : x; k < (x == REPORT_ALL ? panel->x_count : x + 1);
             k++)
            select_cell(sums, selection, report_cell_of(sums, panel, i, k, side), metric, sign);
    }
}

static struct report_estimate conclude(const struct report_sums *sums, struct selection selection,
                                       size_t sides)
{
    if (!selection.is_whole || selection.sample_count == 0)
        return (struct report_estimate){NAN, NAN, NAN, 0, 0, 0};
    struct report_estimate result =
        estimate(sums, selection.sample_count, selection.sample_count / sides);
    result.bound_count = selection.bound_count;
    return result;
}

struct report_estimate report_level(const struct report_sums *sums,
                                    const struct report_panel *panel, size_t slice, size_t x,
                                    size_t side, enum report_metric metric)
{
    struct selection selection = {.is_whole = true};
    select_side(sums, &selection, panel, slice, x, side, metric, 1);
    return conclude(sums, selection, 1);
}

struct report_estimate report_cell_level(const struct report_sums *sums,
                                         const struct report_cell *cell, enum report_metric metric)
{
    struct selection selection = {.is_whole = true};
    select_cell(sums, &selection, cell, metric, 1);
    return conclude(sums, selection, 1);
}

struct report_estimate report_ratio(const struct report_sums *sums,
                                    const struct report_panel *panel, size_t slice, size_t x,
                                    size_t pair, enum report_metric metric)
{
    struct selection selection = {.is_whole = true};
    select_side(sums, &selection, panel, slice, x, sums->pairs[pair][0], metric, 1);
    select_side(sums, &selection, panel, slice, x, sums->pairs[pair][1], metric, -1);
    return conclude(sums, selection, 2);
}

enum report_winner report_winner(const struct report_estimate *ratio, enum report_metric metric)
{
    bool is_more_better = metric == REPORT_RATE;
    if (isnan(ratio->value) || isnan(ratio->low))
        return REPORT_UNKNOWN;
    if (ratio->low <= 1 && ratio->high >= 1)
        return REPORT_TIE;
    return (ratio->value > 1) == is_more_better ? REPORT_FIRST : REPORT_SECOND;
}

/* --- panels ----------------------------------------------------------------------------------- */

bool report_has_mean(const struct report_panel *panel)
{
    return panel->slice_count > 1 && panel->complete_count > 1;
}

size_t report_first_view(const struct report_panel *panel)
{
    return report_has_mean(panel) ? REPORT_ALL : 0;
}

static int compare_slices(const void *left, const void *right)
{
    const struct report_place *a = left, *b = right;
    for (size_t i = 0; i < REPORT_AXES_MAX; i++)
        if (a->at[i] != b->at[i])
            return a->at[i] < b->at[i] ? -1 : 1;
    return 0;
}

static bool slice_is_complete(const struct report_sums *sums, const struct report_panel *panel,
                              size_t slice)
{
    for (size_t x = 0; x < panel->x_count; x++)
        for (size_t side = 0; side < sums->side_count; side++)
            if (report_cell_of(sums, panel, slice, x, side) == NULL)
                return false;
    return true;
}

/* The panel's two axes set to their first value, the cells' places are those of their slices. */
static bool panel_add(struct report_sums *sums, int axis)
{
    const struct report *report = sums->report;
    struct report_panel *panel = &sums->panels[sums->panel_count++];
    size_t cell_count = report->cell_count, kept = 0;
    *panel = (struct report_panel){.axis = axis};
    panel->x_count = axis >= 0 ? report->axes[axis].count : 1;
    panel->slices = calloc(cell_count + 1, sizeof *panel->slices);
    panel->is_complete = calloc(cell_count + 1, sizeof *panel->is_complete);
    if (panel->slices == NULL || panel->is_complete == NULL)
        return false;
    for (size_t i = 0; i < cell_count; i++) {
        panel->slices[i] = report->cells[i].place;
        if (axis >= 0)
            panel->slices[i].at[axis] = 0;
        if (sums->by >= 0)
            panel->slices[i].at[sums->by] = 0;
    }
    qsort(panel->slices, cell_count, sizeof *panel->slices, compare_slices);
    for (size_t i = 0; i < cell_count; i++)
        if (i == 0 || compare_slices(&panel->slices[i], &panel->slices[kept - 1]) != 0)
            panel->slices[kept++] = panel->slices[i];
    panel->slice_count = kept;
    for (size_t i = 0; i < kept; i++)
        panel->complete_count += panel->is_complete[i] = slice_is_complete(sums, panel, i);
    return true;
}

/* How good an axis is as the one that a chart goes along; 0: not at all. */
static int axis_rank(const struct report_sums *sums, int axis)
{
    static const char *const first[] = {"c", "body"};
    const struct report_axis *candidate = &sums->report->axes[axis];
    if (axis == sums->by || candidate->count < 2)
        return 0;
    for (int i = 0; i < 2; i++)
        if (strcmp(candidate->name, first[i]) == 0)
            return candidate->is_numeric ? 4 - i : 1;
    return candidate->is_numeric ? 2 : 1;
}

/* Numbers first, connections and body sizes before all others; words only where ratios would
 * otherwise have nothing to go along. */
static bool panels_open(struct report_sums *sums)
{
    for (int rank = 4; rank > 0; rank--)
        for (size_t i = 0; i < sums->report->axis_count; i++) {
            bool is_wanted =
                axis_rank(sums, (int)i) == rank && (rank > 1 || sums->panel_count == 0);
            if (is_wanted && sums->panel_count < REPORT_PANELS_MAX && !panel_add(sums, (int)i))
                return false;
        }
    return sums->panel_count > 0 || panel_add(sums, -1);
}

/* --- opening ---------------------------------------------------------------------------------- */

static bool may_be_compared(const struct report_axis *axis)
{
    return axis->count >= FEWEST_SIDES && axis->count <= REPORT_SIDES_MAX;
}

static int axis_to_compare(const struct report *report)
{
    int loop = report_axis_find(report, "loop");
    if (loop >= 0 && may_be_compared(&report->axes[loop]))
        return loop;
    for (size_t i = 0; i < report->axis_count; i++)
        if (may_be_compared(&report->axes[i]))
            return (int)i;
    return -1;
}

static void pairs_make(struct report_sums *sums)
{
    for (size_t a = 0; a < sums->side_count; a++)
        for (size_t b = a + 1; b < sums->side_count; b++) {
            sums->pairs[sums->pair_count][0] = a;
            sums->pairs[sums->pair_count++][1] = b;
        }
}

static void compare_overall(struct report_sums *sums)
{
    const struct report_panel *panel = &sums->panels[0];
    for (size_t i = 0; i < sums->pair_count; i++)
        for (enum report_metric metric = 0; metric < REPORT_COMPARED_COUNT; metric++)
            sums->overall[i][metric] =
                report_ratio(sums, panel, report_first_view(panel), REPORT_ALL, i, metric);
}

int report_sums_open(struct report_sums *ret_sums, const struct report *report, const char *by)
{
    struct report_sums *sums = ret_sums;
    *sums = (struct report_sums){.report = report, .side_count = 1};
    sums->by = by != NULL ? report_axis_find(report, by) : axis_to_compare(report);
    if (by != NULL && (sums->by < 0 || !may_be_compared(&report->axes[sums->by])))
        return -EINVAL;
    if (sums->by >= 0)
        sums->side_count = report->axes[sums->by].count;
    pairs_make(sums);
    for (size_t i = 0; i < report->cell_count; i++)
        if (report->cells[i].run_count > sums->rounds)
            sums->rounds = report->cells[i].run_count;
    sums->values = calloc(report->run_count + 1, sizeof *sums->values);
    sums->samples = calloc(report->cell_count + 1, sizeof *sums->samples);
    sums->draws = calloc(DRAWS, sizeof *sums->draws);
    sums->hits = calloc(sums->rounds + 1, sizeof *sums->hits);
    if (sums->values == NULL || sums->samples == NULL || sums->draws == NULL ||
        sums->hits == NULL || !panels_open(sums)) {
        report_sums_close(sums);
        return -ENOMEM;
    }
    compare_overall(sums);
    return 0;
}

void report_sums_close(struct report_sums *sums)
{
    for (size_t i = 0; i < sums->panel_count; i++) {
        free(sums->panels[i].slices);
        free(sums->panels[i].is_complete);
    }
    free(sums->values);
    free(sums->samples);
    free(sums->draws);
    free(sums->hits);
    *sums = (struct report_sums){0};
}
