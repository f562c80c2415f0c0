/* Thresholds as the user writes them. A cursor walks the text once: metric, operator, number, unit;
 * what does not fit is reported with the character that it stands at. */

#include "bench/result/threshold.h"
#include "bench/result/members.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

struct cursor {
    const char *text;
    const char *at;
    char *message;
};

static __attribute__((format(printf, 2, 3))) bool refuse(struct cursor *cursor, const char *format,
                                                         ...)
{
    char why[THRESHOLD_SENTENCE_BYTES - 40];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    snprintf(cursor->message, THRESHOLD_SENTENCE_BYTES, "character %zu: %s",
             (size_t)(cursor->at - cursor->text) + 1, why);
    return false;
}

static void skip_spaces(struct cursor *cursor)
{
    while (*cursor->at == ' ')
        cursor->at++;
}

/* How a metric's name may look; whether it is one is another question. */
static size_t name_length(const char *text)
{
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '_' || text[length] == '.')
        length++;
    return length;
}

static bool take_metric(struct cursor *cursor, struct threshold *threshold)
{
    size_t length = name_length(cursor->at);
    if (length == 0)
        return refuse(cursor, "a metric's name should stand here");
    snprintf(threshold->metric, sizeof(threshold->metric), "%.*s", (int)length, cursor->at);
    if (length >= sizeof(threshold->metric) || !metric_is_known(threshold->metric))
        return refuse(cursor, "there is no metric '%.*s'", (int)(length < 40 ? length : 40),
                      cursor->at);
    cursor->at += length;
    return true;
}

/* Longer ones first. */
static const struct {
    const char *text;
    enum threshold_operator operator;
} operators[] = {
    {"<=", THRESHOLD_AT_MOST}, {">=", THRESHOLD_AT_LEAST}, {"==", THRESHOLD_EQUAL},
    {"!=", THRESHOLD_UNEQUAL}, {"<", THRESHOLD_BELOW},     {">", THRESHOLD_ABOVE},
};

static bool take_operator(struct cursor *cursor, struct threshold *threshold)
{
    for (size_t i = 0; i < COUNT(operators); i++) {
        size_t length = strlen(operators[i].text);
        if (strncmp(cursor->at, operators[i].text, length) == 0) {
            threshold->operator= operators[i].operator;
            cursor->at += length;
            return true;
        }
    }
    return refuse(cursor, "one of < <= > >= == != should stand here");
}

/* Digits with at most one point among them: strtod() would take more. */
static bool take_number(struct cursor *cursor, struct threshold *threshold)
{
    size_t length = strspn(cursor->at, "0123456789.");
    char digits[32];
    char *end;
    if (length == 0)
        return refuse(cursor, "a number should stand here");
    if (length >= sizeof(digits))
        return refuse(cursor, "the number is too long");
    snprintf(digits, sizeof(digits), "%.*s", (int)length, cursor->at);
    threshold->limit = strtod(digits, &end);
    if (*end != '\0' || strcmp(digits, ".") == 0)
        return refuse(cursor, "'%s' is no number", digits);
    cursor->at += length;
    return true;
}

/* What a metric's unit may be written as. */
static const struct {
    enum metric_unit unit;
    const char *text;
    double factor;
} units[] = {
    {METRIC_MICROSECONDS, "ns", 1e-3}, {METRIC_MICROSECONDS, "us", 1},
    {METRIC_MICROSECONDS, "ms", 1e3},  {METRIC_MICROSECONDS, "s", 1e6},
    {METRIC_MICROSECONDS, "m", 60e6},  {METRIC_PER_SECOND, "", 1},
    {METRIC_PER_SECOND, "/s", 1},      {METRIC_PER_SECOND, "k", 1e3},
    {METRIC_PER_SECOND, "k/s", 1e3},   {METRIC_PER_SECOND, "M", 1e6},
    {METRIC_PER_SECOND, "M/s", 1e6},   {METRIC_SHARE, "", 1},
    {METRIC_SHARE, "%", 1e-2},         {METRIC_COUNT, "", 1},
    {METRIC_COUNT, "k", 1e3},          {METRIC_COUNT, "M", 1e6},
    {METRIC_SECONDS, "ms", 1e-3},      {METRIC_SECONDS, "s", 1},
    {METRIC_SECONDS, "m", 60},         {METRIC_BYTES, "", 1},
    {METRIC_BYTES, "k", 1e3},          {METRIC_BYTES, "M", 1e6},
};

static const char *units_allowed(enum metric_unit unit)
{
    static const char *const sentences[] = {
        [METRIC_MICROSECONDS] = "a time needs its unit: ns, us, ms, s or m",
        [METRIC_PER_SECOND] = "a rate is a number, with k, M or /s",
        [METRIC_SHARE] = "a share is a number up to 1, or has %",
        [METRIC_COUNT] = "a count is a number, with k or M",
        [METRIC_SECONDS] = "a time needs its unit: ms, s or m",
        [METRIC_BYTES] = "a size is a number, with k or M",
    };
    return sentences[unit];
}

static bool take_unit(struct cursor *cursor, struct threshold *threshold)
{
    if (strcmp(threshold->metric, "errors") == 0 && *cursor->at == '%')
        strcpy(threshold->metric, METRIC_ERROR_SHARE);
    enum metric_unit unit = metric_unit(threshold->metric);
    size_t length = strcspn(cursor->at, " ");
    if (unit == METRIC_SHARE && length == 0 && threshold->limit > 1)
        return refuse(cursor, "%s", units_allowed(unit));
    for (size_t i = 0; i < COUNT(units); i++)
        if (units[i].unit == unit && strlen(units[i].text) == length &&
            memcmp(units[i].text, cursor->at, length) == 0) {
            threshold->limit *= units[i].factor;
            cursor->at += length;
            return true;
        }
    return refuse(cursor, "%s", units_allowed(unit));
}

static bool take_end(struct cursor *cursor)
{
    return *cursor->at == '\0' || refuse(cursor, "nothing should follow here");
}

bool threshold_parse(struct threshold *ret_threshold, const char *text, char *ret_message)
{
    struct cursor cursor = {text, text, ret_message};
    *ret_threshold = (struct threshold){0};
    if (strlen(text) >= sizeof(ret_threshold->text))
        return refuse(&cursor, "a threshold has at most %d characters", THRESHOLD_TEXT_BYTES - 1);
    strcpy(ret_threshold->text, text);
    bool (*const parts[])(struct cursor *, struct threshold *) = {take_metric, take_operator,
                                                                  take_number, take_unit};
    for (size_t i = 0; i < COUNT(parts); i++) {
        skip_spaces(&cursor);
        if (!parts[i](&cursor, ret_threshold))
            return false;
    }
    skip_spaces(&cursor);
    return take_end(&cursor);
}

/* --- the verdict ------------------------------------------------------------------------------ */

/* As far as doubles go: 0.7 % and 7 of 1,000 are the same. */
static bool is_equal(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fabs(b);
}

static bool holds(const struct threshold *threshold, double value)
{
    bool is_at_limit = is_equal(value, threshold->limit);
    switch (threshold->operator) {
    case THRESHOLD_BELOW:
        return value < threshold->limit && !is_at_limit;
    case THRESHOLD_AT_MOST:
        return value < threshold->limit || is_at_limit;
    case THRESHOLD_ABOVE:
        return value > threshold->limit && !is_at_limit;
    case THRESHOLD_AT_LEAST:
        return value > threshold->limit || is_at_limit;
    case THRESHOLD_EQUAL:
        return is_at_limit;
    case THRESHOLD_UNEQUAL:
        return !is_at_limit;
    }
    return false;
}

/* The value as people read it; where that looks like the limit and is not, all its digits. */
static char *value_text(char *buffer, const struct threshold *threshold, double value)
{
    static const char *const suffixes[] = {
        [METRIC_MICROSECONDS] = " us", [METRIC_PER_SECOND] = "/s", [METRIC_SHARE] = "",
        [METRIC_COUNT] = "",           [METRIC_SECONDS] = " s",    [METRIC_BYTES] = "",
    };
    char limit[METRIC_TEXT_BYTES];
    enum metric_unit unit = metric_unit(threshold->metric);
    metric_text(buffer, unit, value);
    metric_text(limit, unit, threshold->limit);
    if (strcmp(buffer, limit) == 0 && !is_equal(value, threshold->limit))
        snprintf(buffer, METRIC_TEXT_BYTES, "%.15g%s", value, suffixes[unit]);
    return buffer;
}

/* Of a lower bound it is known only that it is above what it is above. */
static bool is_known_to_hold(const struct threshold *threshold, const json_t *run, double value)
{
    bool is_above =
        threshold->operator== THRESHOLD_ABOVE || threshold->operator== THRESHOLD_AT_LEAST;
    return holds(threshold, value) && (is_above || !metric_is_bound(run, threshold->metric));
}

bool threshold_check(const struct threshold *threshold, const json_t *run, char *ret_sentence)
{
    char text[METRIC_TEXT_BYTES];
    double value;
    if (!metric_value(run, threshold->metric, &value)) {
        snprintf(ret_sentence, THRESHOLD_SENTENCE_BYTES, "%s: not met: this run has no %s",
                 threshold->text, threshold->metric);
        return false;
    }
    bool is_met = is_known_to_hold(threshold, run, value);
    snprintf(ret_sentence, THRESHOLD_SENTENCE_BYTES, "%s: %s: %s was %s%s", threshold->text,
             is_met ? "met" : "not met", threshold->metric,
             metric_is_bound(run, threshold->metric) ? "over " : "",
             value_text(text, threshold, value));
    return is_met;
}
