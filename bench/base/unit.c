/* Numbers for people: four digits, the unit that they are read in, thousands apart. And numbers
 * from people, of which nothing is taken that could be meant in two ways. */

#include "bench/base/unit.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

/* Digits behind the point that make four in all, where it is not far below 1. */
static int decimals(double value)
{
    static const double limits[] = {999.95, 99.995, 9.9995, 0.01};
    int count = 0;
    for (size_t i = 0; i < ROWS(limits); i++)
        count += fabs(value) < limits[i];
    return count < (int)ROWS(limits) ? count : 5;
}

static void write_duration(char *buffer, double us)
{
    static const char *const units[] = {"us", "ms", "s"};
    size_t unit = 0;
    for (; unit < ROWS(units) - 1 && fabs(us) >= 999.95; unit++)
        us /= 1000;
    snprintf(buffer, METRIC_TEXT_BYTES, "%.*f %s", us == 0 ? 0 : decimals(us), us, units[unit]);
}

/* Thousands apart; a point and digits behind it only where the number is small and has some. */
static void write_number(char *buffer, double value, const char *unit)
{
    char digits[METRIC_TEXT_BYTES];
    if (!(fabs(value) < 1e15)) {
        snprintf(buffer, METRIC_TEXT_BYTES, "%.6g%s", value, unit);
        return;
    }
    int behind = value == floor(value) ? 0 : decimals(value);
    int length = snprintf(digits, sizeof(digits), "%.*f", behind, fabs(value));
    int whole = behind > 0 ? length - behind - 1 : length;
    char *at = buffer;
    if (value < 0)
        *at++ = '-';
    for (int i = 0; i < length; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    snprintf(at, (size_t)(buffer + METRIC_TEXT_BYTES - at), "%s", unit);
}

static void write_percent(char *buffer, double percent)
{
    if (fabs(percent) < 999.95)
        snprintf(buffer, METRIC_TEXT_BYTES, "%.4g %%", percent);
    else
        write_number(buffer, round(percent), " %");
}

char *metric_text(char *buffer, enum metric_unit unit, double value)
{
    switch (unit) {
    case METRIC_MICROSECONDS:
        write_duration(buffer, value);
        break;
    case METRIC_PER_SECOND:
        write_number(buffer, value, "/s");
        break;
    case METRIC_SHARE:
        write_percent(buffer, value * 100);
        break;
    case METRIC_SECONDS:
        write_duration(buffer, value * 1e6);
        break;
    case METRIC_COUNT:
    case METRIC_BYTES:
        write_number(buffer, value, "");
        break;
    }
    return buffer;
}

/* --- as they are written ---------------------------------------------------------------------- */

bool unit_number(const char *text, const char **ret_end, double *ret_number)
{
    char digits[64];
    size_t length = strspn(text, "0123456789.");
    char *end;
    if (length == 0 || length >= sizeof digits || strcspn(text, "0123456789") >= length)
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    *ret_number = strtod(digits, &end);
    *ret_end = text + length;
    return *end == '\0';
}

/* "k" and "M" are passed over; what they stand for. */
static double scale_take(const char **at)
{
    double scale = **at == 'k' ? 1e3 : **at == 'M' ? 1e6 : 1;
    *at += scale > 1;
    return scale;
}

bool unit_count(const char *text, uint64_t maximum, uint64_t *ret_count)
{
    double number;
    if (!isdigit((unsigned char)*text) || !unit_number(text, &text, &number))
        return false;
    double count = number * scale_take(&text);
    if (*text != '\0' || count > (double)maximum || count != floor(count))
        return false;
    *ret_count = (uint64_t)count;
    return true;
}

static const struct {
    const char *unit;
    double ns;
} times[] = {{"h", 3600e9}, {"m", 60e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}};

/* Which unit stands there, from that one on; ROWS(times): none. */
static size_t time_unit(const char *text, size_t first)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz");
    while (first < ROWS(times) &&
           (strlen(times[first].unit) != length || strncmp(times[first].unit, text, length) != 0))
        first++;
    return first;
}

bool unit_time(const char *text, uint64_t *ret_ns)
{
    double sum = 0, number;
    size_t unit = 0;
    bool is_first = true;
    do {
        if (!unit_number(text, &text, &number))
            return false;
        bool is_bare = is_first && *text == '\0';
        unit = is_bare ? 2 : time_unit(text, unit);
        if (unit == ROWS(times))
            return false;
        sum += number * times[unit].ns;
        text += is_bare ? 0 : strlen(times[unit++].unit);
        is_first = false;
    } while (*text != '\0');
    *ret_ns = sum < 1e18 ? (uint64_t)sum : 0;
    return sum < 1e18;
}
