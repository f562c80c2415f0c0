/* Owns how numbers look to people: thousands apart, two significant digits of a unit. */

#include "tools/output/human.h"

#include <stdio.h>
#include <string.h>

char *human_count(char *buffer, uint64_t count)
{
    char digits[HUMAN_BYTES];
    int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
    char *at = buffer;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
    return buffer;
}

char *human_bytes(char *buffer, uint64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 999.5; value /= 1000)
        unit++;
    const char *format = unit == 0 || value >= 99.5 ? "%.0f %s" : "%.1f %s";
    snprintf(buffer, HUMAN_BYTES, format, value, units[unit]);
    return buffer;
}

char *human_duration(char *buffer, uint64_t time_ns)
{
    double seconds = (double)time_ns / 1e9;
    if (seconds >= 60)
        snprintf(buffer, HUMAN_BYTES, "%.0f:%02.0f", (double)((uint64_t)seconds / 60),
                 (double)((uint64_t)seconds % 60));
    else if (seconds >= 9.95)
        snprintf(buffer, HUMAN_BYTES, "%.1f s", seconds);
    else if (seconds >= 0.1)
        snprintf(buffer, HUMAN_BYTES, "%.2f s", seconds);
    else if (seconds >= 0.001)
        snprintf(buffer, HUMAN_BYTES, "%.1f ms", seconds * 1e3);
    else
        snprintf(buffer, HUMAN_BYTES, "%.0f us", seconds * 1e6);
    return buffer;
}
