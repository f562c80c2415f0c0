/* Numbers for people: four digits, the unit that they are read in, thousands apart. */

#include "bench/base/unit.h"

#include <math.h>
#include <stdio.h>

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
