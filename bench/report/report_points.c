/* Owns what the charts are drawn from: the numbers of the tables once more, as JSON between two
 * tags of an HTML page. The idea: names are written by the same words as everywhere, into a format
 * whose text is the inside of a JSON string. */

#include "bench/report/report_page.h"
#include "bench/base/json_at.h"

#include <math.h>
#include <string.h>

/* --- JSON ------------------------------------------------------------------------------------- */

/* No "<" and no "&", so that nothing within can end the element, or look like another. */
static void put_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || strchr("\"\\<>&", *text) != NULL)
            fprintf(out, "\\u%04x", *text);
        else
            putc(*text, out);
}

static const struct report_format names = {.text = put_text, .minor = put_text, .strong = put_text};

static struct report_page named(const struct report_page *page)
{
    struct report_page result = *page;
    result.format = &names;
    return result;
}

static void put_string(const struct report_page *page, const char *text)
{
    putc('"', page->out);
    put_text(page->out, text);
    putc('"', page->out);
}

static void put_number(const struct report_page *page, double number)
{
    if (isfinite(number))
        fprintf(page->out, "%.6g", number);
    else
        fputs("null", page->out);
}

/* What stands between the i-th and the one before it. */
static void put_comma(const struct report_page *page, size_t i)
{
    fputs(i > 0 ? ",\n" : "", page->out);
}

/* --- estimates -------------------------------------------------------------------------------- */

/* [value, low, high, is bound], with ratios the winner's side too: -1, a tie; null, not known. */
static void put_estimate(const struct report_page *page, const struct report_estimate *estimate,
                         double factor)
{
    if (isnan(estimate->value)) {
        fputs("null", page->out);
        return;
    }
    putc('[', page->out);
    put_number(page, estimate->value * factor);
    putc(',', page->out);
    put_number(page, estimate->low * factor);
    putc(',', page->out);
    put_number(page, estimate->high * factor);
    fprintf(page->out, ",%d", estimate->bound_count > 0);
}

static void put_level(const struct report_page *page, const struct report_estimate *estimate,
                      enum report_metric metric)
{
    put_estimate(page, estimate, report_metrics[metric].factor);
    fputs(isnan(estimate->value) ? "" : "]", page->out);
}

static void put_ratio(const struct report_page *page, const struct report_estimate *ratio,
                      enum report_winner winner, const size_t *sides)
{
    put_estimate(page, ratio, 1);
    if (isnan(ratio->value))
        return;
    if (winner == REPORT_UNKNOWN)
        fputs(",null]", page->out);
    else if (winner == REPORT_TIE)
        fputs(",-1]", page->out);
    else
        fprintf(page->out, ",%zu]", sides[winner == REPORT_SECOND]);
}

/* --- a panel ---------------------------------------------------------------------------------- */

/* Pair by pair, x by x, and last of all x together. */
static void put_ratios(const struct report_page *page, size_t slice, enum report_metric metric)
{
    const struct report_sums *sums = page->sums;
    const struct report_panel *panel = &sums->panels[0];
    for (size_t pair = 0; pair < sums->pair_count; pair++) {
        fputs(pair > 0 ? "],[" : "[", page->out);
        for (size_t x = 0; x <= panel->x_count; x++) {
            size_t one = x < panel->x_count ? x : REPORT_ALL;
            struct report_estimate ratio = report_ratio(sums, panel, slice, one, pair, metric);
            put_comma(page, x);
            put_ratio(page, &ratio, report_winner(&ratio, metric), sums->pairs[pair]);
        }
    }
    fputs("]", page->out);
}

static void put_levels(const struct report_page *page, const struct report_panel *panel,
                       size_t slice, enum report_metric metric)
{
    const struct report_sums *sums = page->sums;
    for (size_t side = 0; side < sums->side_count; side++) {
        fputs(side > 0 ? "],[" : "[", page->out);
        for (size_t x = 0; x < panel->x_count; x++) {
            struct report_estimate level = report_level(sums, panel, slice, x, side, metric);
            put_comma(page, x);
            put_level(page, &level, metric);
        }
    }
    fputs("]", page->out);
}

static void put_view(const struct report_page *page, const struct report_panel *panel, size_t slice)
{
    struct report_page naming = named(page);
    fputs(slice == REPORT_ALL ? "{\"name\":\"geometric mean over " : "{\"name\":\"", page->out);
    report_slice(&naming, panel, slice);
    fputs("\",\"levels\":{", page->out);
    for (enum report_metric metric = 0; metric < REPORT_COMPARED_COUNT; metric++) {
        fprintf(page->out, "%s\"%s\":[", metric > 0 ? "," : "", report_metrics[metric].key);
        put_levels(page, panel, slice, metric);
        putc(']', page->out);
    }
    fputs("},\"ratios\":{", page->out);
    for (enum report_metric metric = 0;
         metric < REPORT_COMPARED_COUNT && panel == page->sums->panels && report_has_ratios(page);
         metric++) {
        fprintf(page->out, "%s\"%s\":[", metric > 0 ? "," : "", report_metrics[metric].key);
        put_ratios(page, slice, metric);
        putc(']', page->out);
    }
    fputs("}}", page->out);
}

static void put_xs(const struct report_page *page, const struct report_panel *panel)
{
    const struct report_axis *axis =
        panel->axis >= 0 ? &page->sums->report->axes[panel->axis] : NULL;
    fputs("\"title\":", page->out);
    put_string(page, axis != NULL ? report_axis_title(axis->name) : "");
    fputs(",\"labels\":[", page->out);
    for (size_t x = 0; x < panel->x_count; x++) {
        put_comma(page, x);
        put_string(page, axis != NULL ? report_value_name(axis->values[x]) : "");
    }
    fputs("],\"numbers\":", page->out);
    if (axis == NULL || !axis->is_numeric) {
        fputs("null", page->out);
        return;
    }
    for (size_t x = 0; x < panel->x_count; x++) {
        putc(x > 0 ? ',' : '[', page->out);
        put_number(page, axis->numbers[x]);
    }
    putc(']', page->out);
}

static void put_panel(const struct report_page *page, const struct report_panel *panel)
{
    putc('{', page->out);
    put_xs(page, panel);
    fputs(",\"views\":[", page->out);
    if (report_has_mean(panel))
        put_view(page, panel, REPORT_ALL);
    for (size_t slice = 0; slice < panel->slice_count; slice++) {
        put_comma(page, slice + report_has_mean(panel));
        put_view(page, panel, slice);
    }
    fputs("]}", page->out);
}

/* --- curves ----------------------------------------------------------------------------------- */

static const struct {
    double above; /* 1 / (1 - q) */
    enum report_metric metric;
} named_quantiles[] = {
    {1, REPORT_MIN},  {2, REPORT_P50},   {4, REPORT_P75},      {10, REPORT_P90},
    {20, REPORT_P95}, {100, REPORT_P99}, {1000, REPORT_P99_9}, {10000, REPORT_P99_99},
};

bool report_has_curve(const struct report_cell *cell)
{
    bool has = cell->curve_count > 0;
    for (size_t i = 0; i < cell->good_count; i++)
        has |= !isnan(cell->runs[i].values[REPORT_P50]) || !isnan(cell->runs[i].values[REPORT_P99]);
    return has && report_cell_has_replies(cell);
}

static void put_point(const struct report_page *page, size_t i, double above, double us)
{
    fputs(i > 0 ? ",[" : "[", page->out);
    put_number(page, above);
    putc(',', page->out);
    put_number(page, us / 1e3);
    putc(']', page->out);
}

/* Points of 1 / (1 - q) and milliseconds; without histograms the quantiles that have names. */
static void put_curve(const struct report_page *page, const struct report_cell *cell)
{
    size_t count = 0;
    putc('[', page->out);
    if (cell != NULL && !report_has_curve(cell))
        cell = NULL;
    for (size_t i = 0; cell != NULL && i < cell->curve_count; i++)
        put_point(page, count++, 1 / (1 - report_quantile(i)), (double)cell->curve_us[i]);
    for (size_t i = 0; cell != NULL && cell->curve_us == NULL &&
                       i < sizeof named_quantiles / sizeof *named_quantiles;
         i++) {
        struct report_estimate level =
            report_cell_level(page->sums, cell, named_quantiles[i].metric);
        if (!isnan(level.value))
            put_point(page, count++, named_quantiles[i].above, level.value);
    }
    putc(']', page->out);
}

/* Where p99 differs most and nothing stood in the way, or else in the middle: a chart to begin with
 * that has something to tell. */
static size_t first_curve(const struct report_page *page)
{
    const struct report_panel *panel = &page->sums->panels[0];
    size_t all = panel->slice_count * panel->x_count, best = all / 2;
    double greatest = 0;
    for (size_t i = 0; report_has_ratios(page) && i < all; i++)
        for (size_t pair = 0; pair < page->sums->pair_count; pair++) {
            struct report_estimate ratio = report_ratio(page->sums, panel, i / panel->x_count,
                                                        i % panel->x_count, pair, REPORT_P99);
            enum report_winner winner = report_winner(&ratio, REPORT_P99);
            if (winner != REPORT_TIE && winner != REPORT_UNKNOWN && ratio.bound_count == 0 &&
                fabs(log(ratio.value)) > greatest) {
                greatest = fabs(log(ratio.value));
                best = i;
            }
        }
    return best;
}

static void put_context(const struct report_page *page, size_t slice, size_t x)
{
    const struct report_panel *panel = &page->sums->panels[0];
    struct report_page naming = named(page);
    fputs("{\"name\":\"", page->out);
    if (panel->axis >= 0)
        report_value(&naming, (size_t)panel->axis, x);
    if (panel->slice_count > 1) {
        fputs(panel->axis >= 0 ? ", " : "", page->out);
        report_slice(&naming, panel, slice);
    }
    fputs("\",\"curves\":[", page->out);
    for (size_t side = 0; side < page->sums->side_count; side++) {
        put_comma(page, side);
        put_curve(page, report_cell_of(page->sums, panel, slice, x, side));
    }
    fputs("],\"bound\":[", page->out);
    for (size_t side = 0; side < page->sums->side_count; side++) {
        const struct report_cell *cell = report_cell_of(page->sums, panel, slice, x, side);
        fprintf(page->out, "%s%d", side > 0 ? "," : "", cell != NULL && cell->bound_count > 0);
    }
    fputs("]}", page->out);
}

static void put_contexts(const struct report_page *page)
{
    const struct report_panel *panel = &page->sums->panels[0];
    fprintf(page->out, ",\n\"context\":%zu,\"contexts\":[", first_curve(page));
    for (size_t i = 0; i < panel->slice_count * panel->x_count; i++) {
        put_comma(page, i);
        put_context(page, i / panel->x_count, i % panel->x_count);
    }
    putc(']', page->out);
}

/* --- what compare has found ------------------------------------------------------------------- */

static void put_compared_pair(const struct report_page *page, const json_t *compare,
                              const json_t *pair)
{
    size_t sides[2], i, count = 0;
    json_t *metric;
    report_compared_sides(compare, pair, sides);
    fputs("[", page->out);
    json_array_foreach(json_object_get(pair, "metrics"), i, metric)
    {
        struct report_estimate ratio;
        enum report_winner winner;
        if (!report_compared(metric, &ratio, &winner))
            continue;
        put_comma(page, count++);
        fputs("{\"label\":", page->out);
        put_string(page, report_metric_title(text_at(metric, "metric")));
        fputs(",\"ratio\":", page->out);
        put_ratio(page, &ratio, winner, sides);
        putc('}', page->out);
    }
    fputs("]", page->out);
}

static void put_compared(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    size_t count = 0, i;
    json_t *pair;
    fputs(",\n\"compared\":[", page->out);
    for (size_t k = 0; k < report->compare_count; k++)
        json_array_foreach(json_object_get(report->compares[k], "pairs"), i, pair)
        {
            put_comma(page, count++);
            put_compared_pair(page, report->compares[k], pair);
        }
    putc(']', page->out);
}

/* --- all of it -------------------------------------------------------------------------------- */

static void put_sides(const struct report_page *page)
{
    struct report_page naming = named(page);
    fputs("{\"sides\":[", page->out);
    for (size_t side = 0; side < page->sums->side_count; side++) {
        fputs(side > 0 ? "\",\"" : "\"", page->out);
        report_side(&naming, side);
    }
    fputs("\"],\"pairs\":[", page->out);
    for (size_t i = 0; i < page->sums->pair_count; i++)
        fprintf(page->out, "%s[%zu,%zu]", i > 0 ? "," : "", page->sums->pairs[i][0],
                page->sums->pairs[i][1]);
    fputs("],\"metrics\":{", page->out);
    for (enum report_metric metric = 0; metric < REPORT_COMPARED_COUNT; metric++) {
        fprintf(page->out, "%s\"%s\":{\"title\":", metric > 0 ? "," : "",
                report_metrics[metric].key);
        put_string(page, report_metrics[metric].title);
        fputs(",\"unit\":", page->out);
        put_string(page, report_metrics[metric].unit);
        putc('}', page->out);
    }
    putc('}', page->out);
}

void report_points(const struct report_page *page)
{
    put_sides(page);
    fputs(",\n\"panels\":[", page->out);
    for (size_t i = 0; i < page->sums->panel_count; i++) {
        put_comma(page, i);
        put_panel(page, &page->sums->panels[i]);
    }
    putc(']', page->out);
    put_contexts(page);
    put_compared(page);
    putc('}', page->out);
}
