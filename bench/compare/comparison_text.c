/* A comparison for people, from its JSON: for each pair a table whose columns fit, and a sentence
 * that admits a tie. The JSON is our own, so that what must be there is there. */

#include "bench/compare/comparison.h"
#include "bench/statistics/bootstrap.h"
#include "bench/base/json_at.h"
#include "bench/result/metric.h"
#include "bench/base/prose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL = 9, NAME_WIDTH = 6, VALUE_WIDTH = 9, NUMBER_BYTES = 32 };

/* --- what was compared ------------------------------------------------------------------------ */

/* With quotes where a shell would want them. */
static void write_option(FILE *out, const char *option)
{
    bool is_plain = *option != '\0' && strpbrk(option, " \t\n\"'\\$`*?[]{}()<>|&;#~!") == NULL;

    fprintf(out, is_plain ? " %s" : " '%s'", option);
}

static void put_options(FILE *out, const char *label, const char *program, const json_t *options)
{
    char *text = NULL;
    size_t length;
    FILE *memory = open_memstream(&text, &length);

    if (memory == NULL)
        return;
    if (program != NULL)
        fprintf(memory, "%s", program);
    for (size_t i = 0; i < json_array_size(options); i++)
        write_option(memory, json_string_value(json_array_get(options, i)));
    if (fclose(memory) == 0)
        prose_line(out, label, LABEL, "%s", *text != '\0' ? text : "(nothing of its own)");
    free(text);
}

static void put_rounds(FILE *out, const json_t *json)
{
    double rounds = number_at(json, "rounds");

    prose_line(out, "", 0,
               "%.0f of %.0f rounds, in each all sides one after the other, in changing order%s",
               rounds, number_at(json, "rounds_asked"),
               json_is_true(json_object_get(json, "interrupted")) ? "; then it was interrupted"
                                                                  : "");
}

static void put_head(FILE *out, const json_t *json)
{
    const json_t *sides = json_object_get(json, "sides");
    const char *url = text_at(json, "url");

    if (url != NULL)
        prose_line(out, "", 0, "%s%s", url,
                   text_at(json, "server") != NULL ? " (embedded server)" : "");
    if (json_array_size(json_object_get(json, "options")) > 0)
        put_options(out, "all", NULL, json_object_get(json, "options"));
    for (size_t i = 0; i < json_array_size(sides); i++) {
        const json_t *side = json_array_get(sides, i);
        char label[NUMBER_BYTES];
        snprintf(label, sizeof label, "%s:", text_at(side, "name"));
        put_options(out, label, text_at(side, "program"), json_object_get(side, "options"));
    }
    put_rounds(out, json);
}

/* --- what was measured ------------------------------------------------------------------------ */

/* Which side a metric's verdict is for; NULL: neither. */
static const char *higher_side(const json_t *pair, const json_t *metric)
{
    const char *verdict = text_at(metric, "verdict");

    if (strcmp(verdict, "a higher") == 0 || strcmp(verdict, "b higher") == 0)
        return text_at(pair, (char[]){verdict[0], '\0'});
    return NULL;
}

static bool is_verdict(const json_t *metric, const char *verdict)
{
    return strcmp(text_at(metric, "verdict"), verdict) == 0;
}

static int widest_name(const json_t *metrics)
{
    int widest = NAME_WIDTH;

    for (size_t i = 0; i < json_array_size(metrics); i++) {
        int width = (int)strlen(text_at(json_array_get(metrics, i), "metric"));
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void put_verdict(FILE *out, const json_t *pair, const json_t *metric)
{
    const char *higher = higher_side(pair, metric);

    if (higher != NULL)
        fprintf(out, "%s higher\n", higher);
    else
        fprintf(out, "%s\n", is_verdict(metric, "same") ? "same" : "-");
}

/* Three digits behind the point, fewer where the number is large. */
static char *ratio_text(char *buffer, double ratio)
{
    snprintf(buffer, NUMBER_BYTES, "%.*f", ratio < 9.9995 ? 3 : ratio < 99.95 ? 1 : 0, ratio);
    return buffer;
}

#define RATIO_AT(metric, key) ratio_text((char[NUMBER_BYTES]){0}, number_at(metric, key))
#define VALUE_AT(metric, key)                                                                      \
    metric_text((char[METRIC_TEXT_BYTES]){0}, metric_unit(text_at(metric, "metric")),              \
                number_at(metric, key))

static void put_metric(FILE *out, const json_t *pair, const json_t *metric, int width)
{
    char interval[2 * NUMBER_BYTES + 4];

    fprintf(out, "%-*s ", width, text_at(metric, "metric"));
    if (is_verdict(metric, "not comparable")) {
        fprintf(out, "missing, 0, or a lower bound, in a round\n");
        return;
    }
    snprintf(interval, sizeof interval, "%s\u2026%s", RATIO_AT(metric, "low"),
             RATIO_AT(metric, "high"));
    fprintf(out, "%*s %*s %5s %s%*s ", VALUE_WIDTH, VALUE_AT(metric, "a"), VALUE_WIDTH,
            VALUE_AT(metric, "b"), RATIO_AT(metric, "ratio"), interval,
            11 - (int)prose_columns(interval, strlen(interval)), "");
    put_verdict(out, pair, metric);
}

static void put_table(FILE *out, const json_t *pair, double confidence)
{
    const json_t *metrics = json_object_get(pair, "metrics");
    int width = widest_name(metrics);

    fprintf(out, "\n%-*s %*s %*s ratio %.3g %%\n", width, "", VALUE_WIDTH, text_at(pair, "a"),
            VALUE_WIDTH, text_at(pair, "b"), confidence * 100);
    for (size_t i = 0; i < json_array_size(metrics); i++)
        put_metric(out, pair, json_array_get(metrics, i), width);
}

/* --- in words --------------------------------------------------------------------------------- */

/* "6.7 % higher with b [5.0 … 8.0]"; from twice on, percent are hard to read. */
static void write_difference(FILE *out, const json_t *pair, const json_t *metric)
{
    double ratio = number_at(metric, "ratio");
    double low = number_at(metric, "low"), high = number_at(metric, "high");
    const char *name = text_at(metric, "metric"), *b = text_at(pair, "b");
    bool is_higher = ratio > 1;

    if (ratio >= 2 || ratio <= 0.5) {
        fprintf(out, "%s %.3g times as high with %s [%.3g \u2026 %.3g]", name, ratio, b, low, high);
        return;
    }
    double first = is_higher ? low - 1 : 1 - high, last = is_higher ? high - 1 : 1 - low;
    int digits = fabs(ratio - 1) < 0.0995 ? 1 : 0;
    fprintf(out, "%s %.*f %% %s with %s [%.*f \u2026 %.*f]", name, digits, fabs(ratio - 1) * 100,
            is_higher ? "higher" : "lower", b, digits, first * 100, digits, last * 100);
}

/* How small a difference would have been seen; of results of before that was told, nothing. */
static void write_resolution(FILE *out, const json_t *metric)
{
    double percent = number_at(metric, "resolution") * 100;

    if (percent > 0)
        fprintf(out, " (%.*f %% would have shown)", percent < 9.95 ? 1 : 0, percent);
}

/* The metrics that have this verdict, behind the introduction; nothing where there is none. */
static void write_group(FILE *out, const json_t *metrics, const char *verdict,
                        const char *introduction, const char **separator)
{
    const char *before = introduction;

    for (size_t i = 0; i < json_array_size(metrics); i++) {
        const json_t *metric = json_array_get(metrics, i);
        if (!is_verdict(metric, verdict))
            continue;
        if (before == introduction)
            fputs(*separator, out);
        fprintf(out, "%s%s", before, text_at(metric, "metric"));
        if (is_verdict(metric, "no difference detected"))
            write_resolution(out, metric);
        before = ", ";
        *separator = "; ";
    }
}

static void write_differences(FILE *out, const json_t *pair, const char **separator)
{
    const json_t *metrics = json_object_get(pair, "metrics");

    for (size_t i = 0; i < json_array_size(metrics); i++) {
        const json_t *metric = json_array_get(metrics, i);
        if (higher_side(pair, metric) == NULL)
            continue;
        fputs(*separator, out);
        write_difference(out, pair, metric);
        *separator = "; ";
    }
}

static void write_sentence(FILE *out, const json_t *pair, double same_within)
{
    const json_t *metrics = json_object_get(pair, "metrics");
    const char *separator = "";
    char same[64];

    fprintf(out, "%s and %s: ", text_at(pair, "a"), text_at(pair, "b"));
    write_differences(out, pair, &separator);
    snprintf(same, sizeof same, "the same within %.3g %% in ", same_within * 100);
    write_group(out, metrics, "same", same, &separator);
    write_group(out, metrics, "no difference detected", "no difference detected in ", &separator);
    write_group(out, metrics, "not comparable", "not comparable in ", &separator);
    fputs(".", out);
}

static void put_sentence(FILE *out, const json_t *pair, double same_within)
{
    char *text = NULL;
    size_t length;
    FILE *memory = open_memstream(&text, &length);

    if (memory == NULL)
        return;
    write_sentence(memory, pair, same_within);
    if (fclose(memory) == 0)
        prose_line(out, "", 0, "%s", text);
    free(text);
}

/* The first metric that differs, of which more, or less, is better; NULL: none. */
static const json_t *first_difference(const json_t *pair)
{
    const json_t *metrics = json_object_get(pair, "metrics");

    for (size_t i = 0; i < json_array_size(metrics); i++) {
        const json_t *metric = json_array_get(metrics, i);
        if (higher_side(pair, metric) != NULL &&
            metric_sense(text_at(metric, "metric")) != METRIC_NEITHER)
            return metric;
    }
    return NULL;
}

/* "Summary: a was 1.07 ± 0.01 times better than b in cpu" */
static void put_summary(FILE *out, const json_t *pair)
{
    const json_t *metric = first_difference(pair);
    const char *a = text_at(pair, "a"), *b = text_at(pair, "b");

    if (metric == NULL) {
        prose_line(out, "", 0, "Summary: no difference was detected between %s and %s.", a, b);
        return;
    }
    const char *name = text_at(metric, "metric");
    bool is_b = (number_at(metric, "ratio") > 1) == (metric_sense(name) == METRIC_HIGHER_IS_BETTER);
    double ratio = number_at(metric, "ratio");
    double reach = (number_at(metric, "high") - number_at(metric, "low")) / 2;
    double times = ratio > 1 ? ratio : 1 / ratio;
    prose_line(out, "", 0, "Summary: %s was %.2f \u00b1 %.2f times better than %s in %s.",
               is_b ? b : a, times, reach * times / ratio, is_b ? a : b, name);
}

static void put_aside(FILE *out, const json_t *pair)
{
    const json_t *rounds = json_object_get(pair, "rounds_aside");
    size_t count = json_array_size(rounds), length = 0;
    char numbers[BOOTSTRAP_ROUNDS_MAX * 5 + 1];

    for (size_t i = 0; i < count && length < sizeof numbers; i++)
        length += (size_t)snprintf(numbers + length, sizeof numbers - length, "%s%.0f",
                                   i > 0 ? ", " : "", json_number_value(json_array_get(rounds, i)));
    if (count > 0)
        prose_line(out, "", 0, "Disturbed, and not used here: round%s %s.", count > 1 ? "s" : "",
                   numbers);
}

static void put_pair(FILE *out, const json_t *json, const json_t *pair)
{
    put_table(out, pair, number_at(json, "confidence"));
    fputc('\n', out);
    put_sentence(out, pair, number_at(json, "same_within"));
    put_summary(out, pair);
    put_aside(out, pair);
}

/* --- what to make of it ----------------------------------------------------------------------- */

static void put_instrument(FILE *out, const json_t *side, double rounds)
{
    static const struct {
        const char *verdict;
        const char *words;
    } rows[] = {
        {"client_bound", "the client was the bottleneck"},
        {"rate_not_held", "the asked rate was not held"},
        {"all_failed", "every request failed"},
        {"limited", "a limit of the client's machine was met"},
    };
    const char *name = text_at(side, "name");
    const json_t *counts = json_object_get(side, "verdicts");
    double errors = number_at(side, "error_count");

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double count = number_at(counts, rows[i].verdict);
        if (count > 0)
            prose_line(out, "", 0, "%s: %s in %.0f of %.0f runs.", name, rows[i].words, count,
                       rounds);
    }
    if (number_at(counts, "ok") == rounds)
        prose_line(out, "", 0, "%s: the client was the bottleneck in none of %.0f runs.", name,
                   rounds);
    if (errors > 0)
        prose_line(out, "", 0, "%s: %.0f of %.0f requests failed.", name, errors,
                   number_at(side, "requests"));
}

static void put_notes(FILE *out, const json_t *json)
{
    const json_t *sides = json_object_get(json, "sides");

    if (json_array_size(json_object_get(json, "pairs")) > 0)
        prose_line(out, "", 0,
                   "A ratio is of the second side's figure to the first's, which are geometric "
                   "means of the "
                   "rounds used. All intervals of a table hold at once in "
                   "%.3g %% of comparisons; '-': no difference detected.",
                   number_at(json, "confidence") * 100);
    else
        prose_line(out, "", 0, "Too few rounds to compare: %d are needed.", BOOTSTRAP_ROUNDS_MIN);
    for (size_t i = 0; i < json_array_size(sides); i++)
        put_instrument(out, json_array_get(sides, i), number_at(json, "rounds"));
}

void comparison_text(FILE *out, const json_t *json)
{
    const json_t *pairs = json_object_get(json, "pairs");

    put_head(out, json);
    for (size_t i = 0; i < json_array_size(pairs); i++)
        put_pair(out, json, json_array_get(pairs, i));
    fputc('\n', out);
    put_notes(out, json);
}
