/* Owns how a report names things: axes, values, sides, slices, numbers with their intervals. */

#include "bench/report/report_page.h"
#include "bench/result/axes.h"
#include "bench/result/metric.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

void report_say(const struct report_page *page, const char *text)
{
    page->format->text(page->out, text);
}

void report_sayf(const struct report_page *page, const char *format, ...)
{
    char text[256];
    va_list words;
    va_start(words, format);
    vsnprintf(text, sizeof text, format, words);
    va_end(words);
    report_say(page, text);
}

/* --- names ------------------------------------------------------------------------------------ */

/* NULL: it is spoken as it stands. */
static const struct axis_row *words_of(const char *name)
{
    const struct axis_row *axis = axis_find(name);
    return axis != NULL && axis->title != NULL ? axis : NULL;
}

const char *report_axis_title(const char *name)
{
    const struct axis_row *words = words_of(name);
    return words != NULL ? words->title : name;
}

const char *report_value_name(const char *value)
{
    return strcmp(value, "uring") == 0 ? "io_uring" : value;
}

/* Of one, the plural's s is left out. */
static void say_after(const struct report_page *page, const char *after, bool is_one)
{
    size_t length = strlen(after);
    bool is_plural = length > 0 && after[length - 1] == 's';
    report_sayf(page, "%.*s", (int)(length - (is_one && is_plural)), after);
}

void report_value(const struct report_page *page, size_t axis, size_t value)
{
    const struct report_axis *it = &page->sums->report->axes[axis];
    const struct axis_row *words = words_of(it->name);
    if (words == NULL) {
        report_say(page, it->name);
        report_say(page, " ");
    } else {
        report_say(page, words->before);
    }
    report_say(page, report_value_name(it->values[value]));
    if (words != NULL)
        say_after(page, words->after, strcmp(it->values[value], "1") == 0);
}

void report_axis(const struct report_page *page, size_t axis)
{
    const char *title = report_axis_title(page->sums->report->axes[axis].name);
    bool is_word = title[0] >= 'A' && title[0] <= 'Z' && title[1] >= 'a';
    if (is_word)
        report_sayf(page, "%c", title[0] - 'A' + 'a');
    report_say(page, title + is_word);
}

void report_side(const struct report_page *page, size_t side)
{
    const struct report_sums *sums = page->sums;
    const char *name = sums->by >= 0 ? sums->report->axes[sums->by].name : "";
    if (sums->by < 0)
        report_say(page, "all");
    else if (strcmp(name, "loop") == 0 || strcmp(name, "side") == 0)
        report_say(page, report_value_name(sums->report->axes[sums->by].values[side]));
    else
        report_value(page, (size_t)sums->by, side);
}

void report_against(const struct report_page *page, size_t pair)
{
    report_side(page, page->sums->pairs[pair][0]);
    report_say(page, " against ");
    report_side(page, page->sums->pairs[pair][1]);
}

void report_pair(const struct report_page *page, size_t pair)
{
    report_side(page, page->sums->pairs[pair][0]);
    report_say(page, " and ");
    report_side(page, page->sums->pairs[pair][1]);
}

/* The values of a place, but for those of two axes and of such as have only one. */
static size_t say_place(const struct report_page *page, const struct report_place *place,
                        int except, int except_too)
{
    const struct report *report = page->sums->report;
    size_t said = 0;
    for (size_t i = 0; i < report->axis_count; i++) {
        if (report->axes[i].count < 2 || (int)i == except || (int)i == except_too)
            continue;
        report_say(page, said++ > 0 ? ", " : "");
        report_value(page, i, place->at[i]);
    }
    return said;
}

/* Do the slices that a mean is over differ in an axis? */
static bool is_averaged(const struct report_panel *panel, size_t axis)
{
    const struct report_place *first = NULL;
    for (size_t i = 0; i < panel->slice_count; i++) {
        const struct report_place *slice = &panel->slices[i];
        if (!panel->is_complete[i])
            continue;
        if (first != NULL && slice->at[axis] != first->at[axis])
            return true;
        first = first != NULL ? first : slice;
    }
    return false;
}

static void say_mean(const struct report_page *page, const struct report_panel *panel)
{
    char counts[80];
    size_t said = 0;
    for (size_t i = 0; i < page->sums->report->axis_count; i++) {
        if (!is_averaged(panel, i))
            continue;
        report_say(page, said++ > 0 ? ", " : "");
        report_axis(page, i);
    }
    snprintf(counts, sizeof counts,
             panel->complete_count < panel->slice_count
                 ? " (%zu of %zu slices, those that are complete)"
                 : " (%zu slices)",
             panel->complete_count, panel->slice_count);
    report_say(page, counts);
}

void report_slice(const struct report_page *page, const struct report_panel *panel, size_t slice)
{
    if (slice == REPORT_ALL)
        say_mean(page, panel);
    else
        say_place(page, &panel->slices[slice], panel->axis, page->sums->by);
}

void report_cell_name(const struct report_page *page, const struct report_cell *cell)
{
    if (say_place(page, &cell->place, -1, -1) == 0)
        report_say(page, "The run");
}

/* --- numbers ---------------------------------------------------------------------------------- */

_Static_assert((int)REPORT_NUMBER_BYTES >= (int)METRIC_TEXT_BYTES, "a number's text fits");

const char *report_metric_title(const char *name)
{
    for (size_t i = 0; i < REPORT_METRIC_COUNT; i++)
        if (strcmp(report_metrics[i].key, name) == 0)
            return report_metrics[i].title;
    return name;
}

char *report_measure(char *buffer, enum metric_unit unit, double value)
{
    char *us = strstr(metric_text(buffer, unit, value), " us");
    return us != NULL ? memcpy(us, " µs", sizeof " µs"), buffer : buffer;
}

char *report_number(char *buffer, enum report_metric metric, double value)
{
    double factor = report_metrics[metric].factor;
    return isnan(value) ? strcpy(buffer, "–") : metric_text(buffer, METRIC_COUNT, value * factor);
}

__attribute__((format(printf, 2, 3))) static void minor(const struct report_page *page,
                                                        const char *format, ...)
{
    char text[160];
    va_list words;
    va_start(words, format);
    vsnprintf(text, sizeof text, format, words);
    va_end(words);
    page->format->minor(page->out, text);
}

void report_estimate(const struct report_page *page, const struct report_estimate *estimate,
                     enum report_metric metric)
{
    char value[REPORT_NUMBER_BYTES], low[REPORT_NUMBER_BYTES], high[REPORT_NUMBER_BYTES];
    report_say(page, report_number(value, metric, estimate->value));
    if (!isnan(estimate->low))
        minor(page, " [%s … %s]", report_number(low, metric, estimate->low),
              report_number(high, metric, estimate->high));
    if (estimate->bound_count > 0)
        minor(page, " ○");
}

enum report_scale report_scale(double ratio)
{
    return ratio >= 2 ? REPORT_TIMES : ratio <= 0.1 ? REPORT_TIMES_LESS : REPORT_PERCENT;
}

static double amount_of(double ratio, enum report_scale scale)
{
    return scale == REPORT_PERCENT ? fabs(ratio - 1) * 100
           : scale == REPORT_TIMES ? ratio
                                   : 1 / ratio;
}

int report_digits(double ratio, enum report_scale scale)
{
    return amount_of(ratio, scale) < 10;
}

char *report_amount(char *buffer, double ratio, enum report_scale scale, int digits)
{
    double amount = amount_of(ratio, scale);
    if (digits == 0 && amount >= 1000)
        return metric_text(buffer, METRIC_COUNT, round(amount));
    snprintf(buffer, REPORT_NUMBER_BYTES, "%.*f", digits, amount);
    return buffer;
}

/* As report_amount(); percent with a sign, which is a minus and no hyphen. */
static char *put_change(char *buffer, double ratio, enum report_scale scale, int digits)
{
    char amount[REPORT_NUMBER_BYTES];
    const char *sign = scale != REPORT_PERCENT ? "" : ratio < 1 ? "−" : "+";
    snprintf(buffer, REPORT_NUMBER_BYTES, "%s%.*s", sign, REPORT_NUMBER_BYTES - 4,
             report_amount(amount, ratio, scale, digits));
    return buffer;
}

void report_difference(const struct report_page *page, const struct report_estimate *ratio)
{
    char value[REPORT_NUMBER_BYTES], low[REPORT_NUMBER_BYTES], high[REPORT_NUMBER_BYTES];
    enum report_scale scale = report_scale(ratio->value);
    int digits = report_digits(ratio->value, scale);
    if (isnan(ratio->value)) {
        report_say(page, "–");
        return;
    }
    put_change(value, ratio->value, scale, digits);
    report_sayf(page, "%s%s%s",
                scale == REPORT_TIMES        ? "×"
                : scale == REPORT_TIMES_LESS ? "÷"
                                             : "",
                value, scale == REPORT_PERCENT ? " %" : "");
    bool is_turned = scale == REPORT_TIMES_LESS;
    if (!isnan(ratio->low))
        minor(page, " [%s … %s]",
              put_change(low, is_turned ? ratio->high : ratio->low, scale, digits),
              put_change(high, is_turned ? ratio->low : ratio->high, scale, digits));
}
