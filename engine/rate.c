/* Reads a rate as people write it: how many, of which time. One reader for haul, haul bench and
 * programs; of what could be meant in two ways nothing is taken ("1e3", "+5", ".5/s", "5/60"). */

#include "engine/haul.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits, and a point with or without some behind it. */
static bool number_take(const char **at, double *ret_number)
{
    char digits[64], *end;
    size_t length = strspn(*at, "0123456789.");
    if (!is_digit(**at) || length >= sizeof digits)
        return false;
    memcpy(digits, *at, length);
    digits[length] = '\0';
    *ret_number = strtod(digits, &end);
    *at += length;
    return *end == '\0';
}

static bool count_take(const char **at, double *ret_count)
{
    if (!number_take(at, ret_count))
        return false;
    double scale = **at == 'k' ? 1e3 : **at == 'M' ? 1e6 : 1;
    *at += scale > 1;
    *ret_count *= scale;
    return true;
}

static const struct {
    const char *name;
    double s;
} units[] = {{"d", 86400}, {"h", 3600},  {"m", 60},   {"s", 1},
             {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}};

enum { UNITS = sizeof units / sizeof *units };

/* Which unit stands there, from that one on; UNITS: none. */
static size_t unit_find(const char *text, size_t first)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz");
    while (first < UNITS &&
           (strlen(units[first].name) != length || strncmp(units[first].name, text, length) != 0))
        first++;
    return first;
}

/* "s", "d", "100ms", "1m30s": of several, each is smaller than the one before it. */
static bool duration_parse(const char *text, double *ret_s)
{
    double number = 1, sum = 0;
    bool is_bare = !is_digit(*text) && *text != '.';
    size_t unit = 0;
    do {
        if (!is_bare && !number_take(&text, &number))
            return false;
        unit = unit_find(text, unit);
        if (unit == UNITS)
            return false;
        sum += number * units[unit].s;
        text += strlen(units[unit++].name);
    } while (*text != '\0' && !is_bare);
    *ret_s = sum;
    return *text == '\0' && sum > 0;
}

int haul_rate_parse(const char *text, double *ret_rate, bool *ret_has_unit)
{
    double count, per_s = 1;
    if (!count_take(&text, &count))
        return -EINVAL;
    *ret_has_unit = *text == '/';
    if (*text == '/' ? !duration_parse(text + 1, &per_s) : *text != '\0')
        return -EINVAL;
    *ret_rate = count / per_s;
    return 0;
}
