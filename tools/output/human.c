/* Owns how numbers look to people: thousands apart, two significant digits of a unit. */

#include "tools/output/human.h"

#include <stdbool.h>
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

/* How long the fact is, its separator included; what is in brackets may be parted too. */
static size_t fact_length(const char *facts)
{
    size_t length = strcspn(facts, ",;");
    while (facts[length] != '\0' && facts[length + 1] != ' ')
        length += 1 + strcspn(facts + length + 1, ",;");
    return facts[length] == '\0' ? length : length + 1;
}

void human_fold(FILE *to, const char *name, const char *facts, size_t columns)
{
    size_t indent = strlen(name) + 2, column = indent;
    fprintf(to, "%s: ", name);
    for (bool first = true; *facts != '\0'; first = false) {
        size_t length = fact_length(facts);
        if (!first && column + 1 + length > columns)
            column = indent + 0 * (size_t)fprintf(to, "\n%*s", (int)indent, "");
        else if (!first)
            column += (size_t)fprintf(to, " ");
        column += (size_t)fprintf(to, "%.*s", (int)length, facts);
        facts += length;
        facts += *facts == ' ';
    }
    fputc('\n', to);
}
