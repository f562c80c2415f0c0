/* Owns the sentences at the top. The idea: the winner is always the subject, so that a sentence
 * never asks its reader to turn a ratio round, and where nothing was detected it says so first. */

#include "bench/report/report_page.h"
#include "bench/base/json_at.h"
#include "bench/result/metric.h"

#include <math.h>
#include <string.h>

/* "io_uring needs 8 % less than epoll" */
static const struct {
    const char *verb;
    const char *than;
} metric_words[REPORT_COMPARED_COUNT] = {
    [REPORT_CPU] = {" needs ", " less than "},
    [REPORT_RATE] = {" reaches ", " more than "},
    [REPORT_P99] = {" stays ", " below "},
};

/* --- how much --------------------------------------------------------------------------------- */

/* The winner's figure to the other's: of the second side, the ratio is the inverse of the
 * estimate's. */
static double winners(double ratio, enum report_winner winner)
{
    return winner == REPORT_SECOND ? 1 / ratio : ratio;
}

/* How far the winner is ahead, as a factor. */
static double margin(const struct report_estimate *ratio, enum report_winner winner)
{
    double value = winners(ratio->value, winner);
    return value < 1 ? 1 / value : value;
}

static enum report_scale scale_of(const struct report_estimate *ratio, enum report_winner winner)
{
    return report_scale(winners(ratio->value, winner));
}

/* "8 % [5 … 11]", "12 times [10 … 14]" */
static void say_margin(const struct report_page *page, const struct report_estimate *ratio,
                       enum report_winner winner)
{
    char value[REPORT_NUMBER_BYTES], low[REPORT_NUMBER_BYTES], high[REPORT_NUMBER_BYTES];
    char text[2 * REPORT_NUMBER_BYTES + 16];
    enum report_scale scale = scale_of(ratio, winner);
    double is = winners(ratio->value, winner);
    double one = winners(ratio->low, winner), other = winners(ratio->high, winner);
    bool is_first = (one < other) == (is > 1);
    int digits = report_digits(is, scale);
    report_sayf(page, "%s %s", report_amount(value, is, scale, digits),
                scale == REPORT_PERCENT ? "%" : "times");
    snprintf(text, sizeof text, " [%s … %s]",
             report_amount(low, is_first ? one : other, scale, digits),
             report_amount(high, is_first ? other : one, scale, digits));
    page->format->minor(page->out, text);
}

/* " less than ", " as much as ", behind a margin */
static const char *than_of(enum report_metric metric, enum report_scale scale)
{
    return scale == REPORT_TIMES ? " as much as " : metric_words[metric].than;
}

/* --- over everything -------------------------------------------------------------------------- */

/* Two sides of it have been measured somewhere. */
static bool can_compare(const struct report_page *page, size_t pair)
{
    const struct report_sums *sums = page->sums;
    const struct report_panel *panel = &sums->panels[0];
    for (size_t slice = 0; slice < panel->slice_count; slice++)
        for (size_t x = 0; x < panel->x_count; x++)
            if (report_cell_of(sums, panel, slice, x, sums->pairs[pair][0]) != NULL &&
                report_cell_of(sums, panel, slice, x, sums->pairs[pair][1]) != NULL)
                return true;
    return false;
}

bool report_has_ratios(const struct report_page *page)
{
    const struct report_sums *sums = page->sums;
    bool can = false;
    if (sums->pair_count == 0 || strcmp(sums->report->axes[sums->by].name, "side") == 0)
        return false;
    for (size_t i = 0; i < sums->pair_count && !can; i++)
        can = can_compare(page, i);
    return can;
}

bool report_has_runs(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    bool has = false;
    for (size_t i = 0; i < report->cell_count; i++)
        has |= report->cells[i].good_count > 0;
    return has;
}

const char *report_clock(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    bool has_open = false, has_closed = false;
    for (size_t i = 0; i < report->run_count; i++) {
        const char *mode = text_at(report->runs[i].json, "mode");
        has_open |= mode != NULL && strcmp(mode, "open") == 0;
        has_closed |= mode != NULL && strcmp(mode, "open") != 0;
    }
    if (has_open && has_closed)
        return "from when a request was due (open loop) or begun (closed loop)";
    return has_open ? "from when a request was due" : "from when a request was begun";
}

/* Who beats most of the others. */
static size_t leader_of(const struct report_page *page, enum report_metric metric)
{
    const struct report_sums *sums = page->sums;
    size_t wins[REPORT_SIDES_MAX] = {0}, leader = 0;
    for (size_t i = 0; i < sums->pair_count; i++) {
        const struct report_estimate *ratio = &page->sums->overall[i][metric];
        enum report_winner winner = report_winner(ratio, metric);
        if (winner == REPORT_FIRST || winner == REPORT_SECOND)
            wins[sums->pairs[i][winner == REPORT_SECOND]]++;
    }
    for (size_t i = 1; i < sums->side_count; i++)
        if (wins[i] > wins[leader])
            leader = i;
    return leader;
}

static bool pair_has(const struct report_page *page, size_t pair, size_t side)
{
    return page->sums->pairs[pair][0] == side || page->sums->pairs[pair][1] == side;
}

static size_t other_of(const struct report_page *page, size_t pair, size_t side)
{
    return page->sums->pairs[pair][page->sums->pairs[pair][0] == side];
}

/* The leader's wins, in one clause; false: there are none. */
static bool say_wins(const struct report_page *page, enum report_metric metric, size_t leader)
{
    size_t said = 0;
    for (size_t i = 0; i < page->sums->pair_count; i++) {
        const struct report_estimate *ratio = &page->sums->overall[i][metric];
        enum report_winner winner = report_winner(ratio, metric);
        if (!pair_has(page, i, leader) || winner == REPORT_TIE || winner == REPORT_UNKNOWN)
            continue;
        if (said++ == 0) {
            report_side(page, leader);
            report_say(page, metric_words[metric].verb);
        } else {
            report_say(page, ", ");
        }
        say_margin(page, ratio, winner);
        report_say(page, than_of(metric, scale_of(ratio, winner)));
        report_side(page, other_of(page, i, leader));
    }
    return said > 0;
}

static void say_ties(const struct report_page *page, enum report_metric metric, size_t leader,
                     bool is_behind)
{
    const char *before =
        is_behind ? "; no difference detected between " : "no difference detected between ";
    for (size_t i = 0; i < page->sums->pair_count; i++) {
        const struct report_estimate *ratio = &page->sums->overall[i][metric];
        if (!pair_has(page, i, leader) || report_winner(ratio, metric) != REPORT_TIE)
            continue;
        report_say(page, before);
        report_pair(page, i);
        before = ", nor between ";
    }
}

/* "8 % less than ", "3 % more than ", "12 times as much as ", "as much as " */
static void say_more(const struct report_page *page, double ratio)
{
    char value[REPORT_NUMBER_BYTES];
    enum report_scale scale = report_scale(ratio);
    int digits = report_digits(ratio, scale);
    if (fabs(ratio - 1) < 0.0005) {
        report_say(page, "as much as ");
        return;
    }
    report_sayf(page, "%s %s", report_amount(value, ratio, scale, digits),
                scale == REPORT_PERCENT ? "%" : "times");
    report_say(page, scale == REPORT_TIMES ? " as much as "
                     : ratio < 1           ? " less than "
                                           : " more than ");
}

/* A single round has ratios and no interval. */
static void say_unknown(const struct report_page *page, enum report_metric metric)
{
    const char *before = "in the only round ";
    for (size_t i = 0; i < page->sums->pair_count; i++) {
        const struct report_estimate *ratio = &page->sums->overall[i][metric];
        if (report_winner(ratio, metric) != REPORT_UNKNOWN)
            continue;
        report_say(page, before);
        report_side(page, page->sums->pairs[i][0]);
        report_say(page, metric == REPORT_RATE  ? " did "
                         : metric == REPORT_CPU ? " used "
                                                : " took ");
        say_more(page, ratio->value);
        report_side(page, page->sums->pairs[i][1]);
        before = "; ";
    }
}

static bool is_known(const struct report_page *page, enum report_metric metric, bool with_interval)
{
    for (size_t i = 0; i < page->sums->pair_count; i++) {
        const struct report_estimate *ratio = &page->sums->overall[i][metric];
        if (isnan(with_interval ? ratio->low : ratio->value))
            return false;
    }
    return true;
}

static void say_overall(const struct report_page *page, enum report_metric metric)
{
    const struct report_format *format = page->format;
    format->item_begin(page->out);
    format->strong(page->out, report_metrics[metric].title);
    report_say(page, ": ");
    if (!is_known(page, metric, false)) {
        report_say(page, "not all cells have been measured, see below");
    } else if (!is_known(page, metric, true)) {
        say_unknown(page, metric);
    } else {
        size_t leader = leader_of(page, metric);
        say_ties(page, metric, leader, say_wins(page, metric, leader));
    }
    report_say(page, ".");
    format->item_end(page->out);
}

static void say_basis(const struct report_page *page)
{
    const struct report_sums *sums = page->sums;
    const struct report_panel *panel = &sums->panels[0];
    page->format->paragraph_begin(page->out, "basis");
    report_sayf(page, "Medians over %zu round%s", sums->rounds, sums->rounds == 1 ? "" : "s");
    if (panel->x_count > 1) {
        report_say(page, ", geometric mean over ");
        report_axis(page, (size_t)panel->axis);
    }
    if (panel->slice_count > 1) {
        report_say(page, report_has_mean(panel) ? " and " : "; ");
        report_slice(page, panel, report_first_view(panel));
    }
    report_sayf(page, "; latency %s. ", report_clock(page));
    if (sums->rounds < 2) {
        report_sayf(page,
                    "%zu cells, no verdict: one round cannot tell a difference from chance, "
                    "--rounds 5 can.",
                    sums->report->cell_count);
    } else {
        report_say(page, "In brackets: 95 % intervals by bootstrap over rounds");
        report_say(page, sums->rounds < 5 ? ", too narrow with fewer than five rounds" : "");
        report_say(page, ". \"No difference detected\" says that the interval holds zero, not that "
                         "there is none. Of many cells without a difference, one in twenty seems "
                         "to have one.");
    }
    page->format->paragraph_end(page->out);
}

/* --- pair by pair ----------------------------------------------------------------------------- */

/* How a pair compares at each x. */
struct along {
    enum report_metric metric;
    size_t pair;
    enum report_winner winners[REPORT_VALUES_MAX];
    struct report_estimate ratios[REPORT_VALUES_MAX];
};

/* "at 1, 16 and 64 connections" */
static void say_points(const struct report_page *page, const enum report_winner *winners,
                       enum report_winner wanted)
{
    const struct report_panel *panel = &page->sums->panels[0];
    size_t count = 0, said = 0;
    for (size_t x = 0; x < panel->x_count; x++)
        count += winners[x] == wanted;
    for (size_t x = 0; x < panel->x_count; x++) {
        if (winners[x] != wanted)
            continue;
        said++;
        report_say(page, said == 1 ? " at " : said == count ? " and " : ", ");
        if (said == count)
            report_value(page, (size_t)panel->axis, x);
        else
            report_say(page, page->sums->report->axes[panel->axis].values[x]);
    }
}

static void say_who(const struct report_page *page, enum report_metric metric, size_t pair,
                    enum report_winner winner)
{
    report_side(page, page->sums->pairs[pair][winner == REPORT_SECOND]);
    report_say(page, metric_words[metric].verb);
}

static void say_than(const struct report_page *page, const char *than, size_t pair,
                     enum report_winner winner)
{
    report_say(page, than);
    report_side(page, page->sums->pairs[pair][winner == REPORT_FIRST]);
}

/* "io_uring needs 5 % [3 … 7] less than epoll at 256 connections, 8 % [5 … 11] at 1000" */
static void say_few(const struct report_page *page, const struct along *along,
                    enum report_winner winner)
{
    const struct report_panel *panel = &page->sums->panels[0];
    enum report_scale first = REPORT_PERCENT;
    size_t said = 0;
    say_who(page, along->metric, along->pair, winner);
    for (size_t x = 0; x < panel->x_count; x++) {
        enum report_scale scale = scale_of(&along->ratios[x], winner);
        if (along->winners[x] != winner)
            continue;
        report_say(page, said > 0 ? ", " : "");
        say_margin(page, &along->ratios[x], winner);
        if (said == 0)
            say_than(page, than_of(along->metric, first = scale), along->pair, winner);
        else if ((scale == REPORT_TIMES) != (first == REPORT_TIMES))
            report_say(page, scale == REPORT_TIMES ? " as much" : " more");
        report_say(page, " at ");
        if (said++ == 0)
            report_value(page, (size_t)panel->axis, x);
        else
            report_say(page, page->sums->report->axes[panel->axis].values[x]);
    }
}

/* "5 to 12 %", "1.5 to 12 times": of both ends in the same words, which it returns. */
static enum report_scale say_range(const struct report_page *page, double least, double most)
{
    char from[REPORT_NUMBER_BYTES], to[REPORT_NUMBER_BYTES];
    enum report_scale scale = report_scale(most);
    report_amount(from, least, scale, report_digits(least, scale));
    report_amount(to, most, scale, report_digits(most, scale));
    report_sayf(page, "%s to %s %s", from, to, scale == REPORT_PERCENT ? "%" : "times");
    return scale;
}

/* "io_uring needs 5 to 12 % less than epoll at 1, 16 and 64 connections, most at 64: 12 %
 * [10 … 14]" */
static void say_many(const struct report_page *page, const struct along *along,
                     enum report_winner winner)
{
    const struct report_panel *panel = &page->sums->panels[0];
    size_t least = SIZE_MAX, most = 0;
    for (size_t x = 0; x < panel->x_count; x++) {
        if (along->winners[x] != winner)
            continue;
        if (least == SIZE_MAX)
            least = most = x;
        if (margin(&along->ratios[x], winner) < margin(&along->ratios[least], winner))
            least = x;
        if (margin(&along->ratios[x], winner) > margin(&along->ratios[most], winner))
            most = x;
    }
    say_who(page, along->metric, along->pair, winner);
    enum report_scale scale = say_range(page, winners(along->ratios[least].value, winner),
                                        winners(along->ratios[most].value, winner));
    say_than(page, than_of(along->metric, scale), along->pair, winner);
    say_points(page, along->winners, winner);
    report_say(page, ", most at ");
    report_say(page, page->sums->report->axes[panel->axis].values[most]);
    report_say(page, ": ");
    say_margin(page, &along->ratios[most], winner);
}

static size_t count_winners(const enum report_winner *winners, size_t count,
                            enum report_winner wanted)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += winners[i] == wanted;
    return found;
}

enum { FEW = 2 };

static void say_along(const struct report_page *page, enum report_metric metric, size_t pair)
{
    const struct report_panel *panel = &page->sums->panels[0];
    struct along along = {.metric = metric, .pair = pair};
    const char *between = "";
    for (size_t x = 0; x < panel->x_count; x++) {
        along.ratios[x] =
            report_ratio(page->sums, panel, report_first_view(panel), x, pair, metric);
        along.winners[x] = report_winner(&along.ratios[x], metric);
    }
    if (count_winners(along.winners, panel->x_count, REPORT_TIE) > 0) {
        report_say(page, "no difference detected");
        say_points(page, along.winners, REPORT_TIE);
        between = "; ";
    }
    for (enum report_winner winner = REPORT_FIRST; winner <= REPORT_SECOND; winner++) {
        size_t count = count_winners(along.winners, panel->x_count, winner);
        if (count == 0)
            continue;
        report_say(page, between);
        (count <= FEW ? say_few : say_many)(page, &along, winner);
        between = "; ";
    }
    if (count_winners(along.winners, panel->x_count, REPORT_UNKNOWN) > 0) {
        report_say(page, between);
        report_say(page, "no verdict");
        say_points(page, along.winners, REPORT_UNKNOWN);
    }
    report_say(page, ".");
}

/* How it went slice by slice, where the sentence before was about their mean. */
static void say_counts(const struct report_page *page, enum report_metric metric, size_t pair)
{
    const struct report_panel *panel = &page->sums->panels[0];
    size_t counts[REPORT_UNKNOWN + 1] = {0}, all = 0;
    for (size_t slice = 0; slice < panel->slice_count; slice++)
        for (size_t x = 0; x < panel->x_count; x++) {
            struct report_estimate ratio = report_ratio(page->sums, panel, slice, x, pair, metric);
            if (isnan(ratio.value))
                continue;
            counts[report_winner(&ratio, metric)]++;
            all++;
        }
    report_sayf(page, " Of %zu cells: ", all);
    report_side(page, page->sums->pairs[pair][0]);
    report_sayf(page, " ahead in %zu, ", counts[REPORT_FIRST]);
    report_side(page, page->sums->pairs[pair][1]);
    report_sayf(page, " in %zu, no difference detected in %zu", counts[REPORT_SECOND],
                counts[REPORT_TIE]);
    if (counts[REPORT_UNKNOWN] > 0)
        report_sayf(page, ", no verdict in %zu", counts[REPORT_UNKNOWN]);
    report_say(page, ".");
}

static void say_pair(const struct report_page *page, size_t pair)
{
    const struct report_panel *panel = &page->sums->panels[0];
    page->format->group_begin(page->out, "pair");
    page->format->heading_begin(page->out, 3);
    report_pair(page, pair);
    page->format->heading_end(page->out, 3);
    page->format->list_begin(page->out, "along");
    for (enum report_metric metric = 0; metric < REPORT_COMPARED_COUNT; metric++) {
        page->format->item_begin(page->out);
        page->format->strong(page->out, report_metrics[metric].title);
        report_say(page, ": ");
        say_along(page, metric, pair);
        if (panel->slice_count > 1)
            say_counts(page, metric, pair);
        page->format->item_end(page->out);
    }
    page->format->list_end(page->out);
    page->format->group_end(page->out);
}

/* --- what compare has found ------------------------------------------------------------------- */

bool report_compared(const json_t *metric, struct report_estimate *ret_ratio,
                     enum report_winner *ret_winner)
{
    const char *name = text_at(metric, "metric"), *verdict = text_at(metric, "verdict");
    double ratio = number_at(metric, "ratio");
    double low = number_at(metric, "low");
    double high = number_at(metric, "high");
    if (!(ratio > 0) || !(low > 0) || !(high > 0))
        return false;
    bool is_first_higher = strcmp(verdict, "a higher") == 0;
    bool is_low_better = metric_is_known(name) && metric_sense(name) == METRIC_LOWER_IS_BETTER;
    *ret_ratio = (struct report_estimate){1 / ratio, 1 / high, 1 / low, 0, 1, 0};
    *ret_winner = is_first_higher != is_low_better ? REPORT_FIRST : REPORT_SECOND;
    if (!is_first_higher && strcmp(verdict, "b higher") != 0)
        *ret_winner = REPORT_TIE;
    return true;
}

void report_compared_sides(const json_t *compare, const json_t *pair, size_t ret_sides[2])
{
    const char *const keys[] = {"a", "b"};
    for (size_t k = 0; k < 2; k++) {
        const char *wanted = text_at(pair, keys[k]);
        json_t *side;
        size_t i;
        ret_sides[k] = k;
        json_array_foreach(json_object_get(compare, "sides"), i, side)
        {
            const char *name = text_at(side, "name");
            if (name != NULL && strcmp(name, wanted) == 0 && i < REPORT_SIDES_MAX)
                ret_sides[k] = i;
        }
    }
}

static const char *side_of(const json_t *pair, const char *key)
{
    return report_value_name(text_at(pair, key));
}

/* "no difference detected between io_uring and epoll: -13 % [-47 … +44]; one of 38 % would have
 * shown" */
static void say_compared_tie(const struct report_page *page, const json_t *pair,
                             const json_t *metric, const struct report_estimate *ratio)
{
    double resolution = number_at(metric, "resolution") * 100;
    report_say(page, text_at(metric, "verdict"));
    report_say(page, " between ");
    report_say(page, side_of(pair, "a"));
    report_say(page, " and ");
    report_say(page, side_of(pair, "b"));
    report_say(page, ": ");
    report_difference(page, ratio);
    if (resolution > 0)
        report_sayf(page, "; one of %.*f %% would have shown", resolution < 10, resolution);
}

/* Here the higher one is the subject: not of every metric it is known which is better. "epoll is
 * higher than io_uring by 8 %", "epoll is 12 times as high as io_uring" */
static void say_compared_higher(const struct report_page *page, const json_t *pair,
                                const struct report_estimate *ratio)
{
    bool is_first = ratio->value > 1;
    enum report_winner winner = is_first ? REPORT_FIRST : REPORT_SECOND;
    bool has_times = scale_of(ratio, winner) == REPORT_TIMES;
    report_say(page, side_of(pair, is_first ? "a" : "b"));
    report_say(page, has_times ? " is " : " is higher than ");
    if (has_times) {
        say_margin(page, ratio, winner);
        report_say(page, " as high as ");
    }
    report_say(page, side_of(pair, is_first ? "b" : "a"));
    if (!has_times) {
        report_say(page, " by ");
        say_margin(page, ratio, winner);
    }
}

static void say_compared_metric(const struct report_page *page, const json_t *pair,
                                const json_t *metric)
{
    struct report_estimate ratio;
    enum report_winner winner;
    page->format->item_begin(page->out);
    page->format->strong(page->out, report_metric_title(text_at(metric, "metric")));
    report_say(page, ": ");
    if (!report_compared(metric, &ratio, &winner)) {
        report_say(page, text_at(metric, "verdict"));
    } else if (winner == REPORT_TIE) {
        say_compared_tie(page, pair, metric, &ratio);
    } else {
        say_compared_higher(page, pair, &ratio);
    }
    report_say(page, ".");
    page->format->item_end(page->out);
}

/* What a pair comes to, as one sentence. */
static void say_compared_lead(const struct report_page *page, const json_t *pair)
{
    json_t *metrics = json_object_get(pair, "metrics"), *metric;
    size_t i, known = 0, better[2] = {0};
    json_array_foreach(metrics, i, metric)
    {
        struct report_estimate ratio;
        enum report_winner winner;
        if (!report_compared(metric, &ratio, &winner))
            continue;
        known++;
        if (winner == REPORT_FIRST || winner == REPORT_SECOND)
            better[winner == REPORT_SECOND]++;
    }
    page->format->item_begin(page->out);
    if (better[0] + better[1] == 0)
        report_sayf(page, "No difference detected in %zu of %zu metrics between %s and %s.", known,
                    json_array_size(metrics), side_of(pair, "a"), side_of(pair, "b"));
    for (size_t k = 0; k < 2; k++)
        if (better[k] > 0)
            report_sayf(page, "%s%s is better than %s in %zu of %zu metrics.",
                        k == 1 && better[0] > 0 ? " " : "", side_of(pair, k == 0 ? "a" : "b"),
                        side_of(pair, k == 0 ? "b" : "a"), better[k], json_array_size(metrics));
    page->format->item_end(page->out);
}

static void say_compared_leads(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    page->format->list_begin(page->out, "lead");
    for (size_t k = 0; k < report->compare_count; k++) {
        json_t *pair;
        size_t i;
        json_array_foreach(json_object_get(report->compares[k], "pairs"), i, pair)
        {
            say_compared_lead(page, pair);
        }
    }
    page->format->list_end(page->out);
}

static void say_compared_basis(const struct report_page *page, const json_t *compare)
{
    double confidence = number_at(compare, "confidence");
    double same = number_at(compare, "same_within");
    double rounds = number_at(compare, "rounds");
    page->format->paragraph_begin(page->out, "basis");
    report_sayf(page, "As compare has found it in %.0f rounds, each with all sides. ", rounds);
    if (confidence > 0)
        report_sayf(page, "In brackets: %.3g %% intervals, of a pair all at once. ",
                    confidence * 100);
    if (same > 0)
        report_sayf(page, "\"same\": within %.3g %%. ", same * 100);
    page->format->paragraph_end(page->out);
}

static void say_compared(const struct report_page *page, const json_t *compare)
{
    json_t *pair, *metric;
    size_t i, k;
    json_array_foreach(json_object_get(compare, "pairs"), i, pair)
    {
        page->format->group_begin(page->out, "pair");
        page->format->heading_begin(page->out, 3);
        report_say(page, side_of(pair, "a"));
        report_say(page, " against ");
        report_say(page, side_of(pair, "b"));
        page->format->heading_end(page->out, 3);
        page->format->list_begin(page->out, "along");
        json_array_foreach(json_object_get(pair, "metrics"), k, metric)
        {
            say_compared_metric(page, pair, metric);
        }
        page->format->list_end(page->out);
        page->format->group_end(page->out);
    }
}

/* --- the whole verdict ------------------------------------------------------------------------ */

static void say_level(const struct report_page *page, const struct report_cell *cell,
                      enum report_metric metric, const char *before, const char *behind)
{
    struct report_estimate level = report_cell_level(page->sums, cell, metric);
    level.bound_count = 0;
    report_say(page, before);
    report_say(page, report_is_lower_bound(cell, metric) ? "over " : "");
    report_estimate(page, &level, metric);
    report_say(page, behind);
}

/* Without two to compare, what was measured is the finding. */
static void say_levels(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    bool has_replies = false;
    page->format->list_begin(page->out, "lead");
    if (!report_has_runs(page)) {
        page->format->item_begin(page->out);
        report_say(page, "Nothing: every run failed.");
        page->format->item_end(page->out);
    }
    for (size_t i = 0; report_has_runs(page) && i < report->cell_count && i < 3; i++) {
        const struct report_cell *cell = &report->cells[i];
        page->format->item_begin(page->out);
        if (report->cell_count > 1) {
            report_cell_name(page, cell);
            report_say(page, ": ");
        }
        if (cell->good_count == 0) {
            report_say(page, "not measured, every run failed.");
        } else if (!report_cell_has_replies(cell)) {
            report_say(page, "No request was answered: there is neither a rate nor a latency.");
        } else {
            say_level(page, cell, REPORT_RATE, "", " requests/s");
            say_level(page, cell, REPORT_P99, ", p99 latency ", " ms");
            say_level(page, cell, REPORT_CPU, ", ", " µs of CPU a request.");
            has_replies = true;
        }
        page->format->item_end(page->out);
    }
    page->format->list_end(page->out);
    if (!has_replies)
        return;
    page->format->paragraph_begin(page->out, "basis");
    report_sayf(page, "Latency: %s, of all that finished; the CPU is the client's.",
                report_clock(page));
    page->format->paragraph_end(page->out);
}

static void say_bound(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    size_t bound = 0, good = 0, late = 0;
    for (size_t i = 0; i < report->run_count; i++) {
        const struct report_run *run = &report->runs[i];
        good += run->json != NULL;
        bound += run->json != NULL && report_run_is_bound(run);
        late += run->json != NULL && strcmp(report_run_verdict(run), "rate_not_held") == 0;
    }
    if (good == 0)
        return;
    page->format->paragraph_begin(page->out, bound > 0 ? "warning" : "basis");
    if (bound > 0 && good == 1)
        report_say(page,
                   "The instrument stood in the way: rate and latency are about haul bench as "
                   "well as about the server. What it was is named below.");
    else if (bound > 0)
        report_sayf(
            page,
            "In %zu of %zu runs the instrument stood in the way: there rate and latency are about "
            "haul bench as well as about the server. They are named below, hollow in the charts, "
            "and have a ring in the tables.",
            bound, good);
    else
        report_sayf(page, "The instrument kept up in %s%zu run%s.", good > 1 ? "all " : "", good,
                    good == 1 ? "" : "s");
    page->format->paragraph_end(page->out);
    if (late == 0)
        return;
    page->format->paragraph_begin(page->out, "warning");
    report_sayf(page,
                "In %zu of %zu runs the rate that was asked for was not held, though the client "
                "kept up: the server was at its end, or the connections were too few.",
                late, good);
    page->format->paragraph_end(page->out);
}

static void say_missing(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    if (report->swept < report->planned) {
        page->format->paragraph_begin(page->out, "warning");
        report_sayf(page, "The sweep is not finished: %zu of %zu runs are here.", report->swept,
                    report->planned);
        page->format->paragraph_end(page->out);
    }
    if (report->torn_count > 0) {
        page->format->paragraph_begin(page->out, "warning");
        report_say(page, "A file's last line was cut short and is left out.");
        page->format->paragraph_end(page->out);
    }
}

const char *report_verdict_title(const struct report_page *page)
{
    bool is_compared = report_has_ratios(page) || page->sums->report->compare_count > 0;
    return is_compared ? "What won where" : "What was measured";
}

void report_verdict(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    if (report_has_ratios(page)) {
        page->format->list_begin(page->out, "lead");
        for (enum report_metric metric = 0; metric < REPORT_COMPARED_COUNT; metric++)
            say_overall(page, metric);
        page->format->list_end(page->out);
        say_basis(page);
    } else if (report->compare_count > 0) {
        say_compared_leads(page);
    } else {
        say_levels(page);
    }
    say_bound(page);
    say_missing(page);
    bool has_pairs = report_has_ratios(page) && page->sums->panels[0].axis >= 0;
    page->format->group_begin(page->out, "pairs");
    for (size_t i = 0; has_pairs && page->sums->rounds > 1 && i < page->sums->pair_count; i++)
        say_pair(page, i);
    for (size_t i = 0; i < report->compare_count; i++)
        say_compared(page, report->compares[i]);
    page->format->group_end(page->out);
    for (size_t i = 0; i < report->compare_count; i++)
        say_compared_basis(page, report->compares[i]);
}

/* --- what, when and where --------------------------------------------------------------------- */

static void say_axes(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    size_t said = 0;
    for (size_t i = 0; i < report->axis_count; i++) {
        if (report->axes[i].count < 2)
            continue;
        report_say(page, said++ > 0 ? ", " : "");
        report_axis(page, i);
    }
}

/* "64 connections to http://127.0.0.1:8080/", of one cell alone. */
static void say_run(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    const json_t *run = report->cell_count == 1 ? report->runs[0].json : NULL;
    const char *url = text_at(run, "url"), *server = text_at(run, "server");
    double connections = number_at(run, "connections");
    if (url == NULL || connections < 1) {
        report_say(page, report->run_count > 1 ? "Runs of haul bench" : "A run of haul bench");
        return;
    }
    report_sayf(page, "%.0f connection%s to ", connections, connections == 1 ? "" : "s");
    report_say(page, server != NULL ? "the embedded server" : url);
}

void report_title(const struct report_page *page)
{
    const struct report_sums *sums = page->sums;
    if (page->title != NULL) {
        report_say(page, page->title);
        return;
    }
    if (sums->pair_count > 0) {
        for (size_t i = 0; i < sums->side_count; i++) {
            report_say(page, i == 0 ? "" : i + 1 == sums->side_count ? " and " : ", ");
            report_side(page, i);
        }
        report_say(page, " compared");
    } else if (sums->report->is_sweep) {
        report_say(page, "A sweep over ");
        say_axes(page);
    } else {
        say_run(page);
    }
}

static const char *environment_text(const struct report_page *page, const char *key)
{
    const struct report *report = page->sums->report;
    const json_t *run = report->run_count > 0 ? report->runs[0].json : NULL;
    return text_at(json_object_get(run, "environment"), key);
}

/* The first and the last of the runs' beginnings: ISO 8601 sorts as text. */
static void say_when(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    const char *first = NULL, *last = NULL;
    for (size_t i = 0; i < report->run_count; i++) {
        const char *begun = text_at(report->runs[i].json, "started_at");
        if (begun == NULL || strlen(begun) < 16 || begun[10] != 'T')
            continue;
        if (first == NULL || strcmp(begun, first) < 0)
            first = begun;
        if (last == NULL || strcmp(begun, last) > 0)
            last = begun;
    }
    if (first == NULL)
        return;
    report_sayf(page, "%.10s %.5s", first, first + 11);
    if (strncmp(first, last, 10) != 0)
        report_sayf(page, " to %.10s %.5s", last, last + 11);
    else if (strncmp(first, last, 16) != 0)
        report_sayf(page, " to %.5s", last + 11);
    report_say(page, " UTC · ");
}

void report_where(const struct report_page *page)
{
    static const char *const keys[] = {"cpu", "kernel", "distribution"};
    const struct report *report = page->sums->report;
    say_when(page);
    report_sayf(page, "%zu cell%s, %zu run%s", report->cell_count,
                report->cell_count == 1 ? "" : "s", report->run_count,
                report->run_count == 1 ? "" : "s");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (environment_text(page, keys[i]) != NULL) {
            report_say(page, " · ");
            report_say(page, environment_text(page, keys[i]));
        }
    for (size_t i = 0; i < report->axis_count; i++)
        if (report->axes[i].count == 1 && strcmp(report->axes[i].name, "url") != 0) {
            report_say(page, " · ");
            report_value(page, i, 0);
        }
}
