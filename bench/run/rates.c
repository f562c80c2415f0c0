/* A rate, or two with points between them. The library reads each, so that haul and haul bench mean
 * the same by a word; here a number alone is by the second. */

#include "bench/run/rates.h"
#include "engine/haul.h"

#include <stdio.h>
#include <string.h>

/* The first number must not have the first of the points. */
bool rates_parse(const char *text, double *ret_from, double *ret_to)
{
    char first[64];
    bool has_unit;
    const char *dots = strstr(text, ".."), *per = strchr(text, '/');
    if (dots == NULL)
        return haul_rate_parse(text, ret_from, &has_unit) == 0 && (*ret_to = *ret_from, true);
    if (per != NULL && per < dots)
        return false;
    int length =
        snprintf(first, sizeof first, "%.*s%s", (int)(dots - text), text, per != NULL ? per : "");
    return length < (int)sizeof first && haul_rate_parse(first, ret_from, &has_unit) == 0 &&
           haul_rate_parse(dots + 2, ret_to, &has_unit) == 0;
}
