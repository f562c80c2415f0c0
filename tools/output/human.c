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

/* Of a character; 0: it is none that may be shown. */
static size_t printable_character(const unsigned char *at, size_t length)
{
    static const struct {
        unsigned char first, last;  /* of the first byte */
        unsigned char lower, upper; /* of the second */
        size_t bytes;
    } rows[] = {
        {0x20, 0x7E, 0, 0, 1},       {0xC2, 0xC2, 0xA0, 0xBF, 2}, {0xC3, 0xDF, 0x80, 0xBF, 2},
        {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
        {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4},
        {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t bytes = rows[i].bytes;
        if (at[0] < rows[i].first || at[0] > rows[i].last || bytes > length)
            continue;
        bool is_good = bytes == 1 || (at[1] >= rows[i].lower && at[1] <= rows[i].upper);
        for (size_t j = 2; j < bytes; j++)
            is_good = is_good && (at[j] & 0xC0) == 0x80;
        return is_good ? bytes : 0;
    }
    return 0;
}

size_t human_printable(const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes;
    size_t count = 0, more;
    while (count < length && (more = printable_character(at + count, length - count)) > 0)
        count += more;
    return count;
}

void human_write_printable(FILE *to, const char *bytes, size_t length)
{
    while (length > 0) {
        size_t count = human_printable(bytes, length);
        size_t taken = count > 0 ? count : 1;
        fwrite(count > 0 ? bytes : "?", 1, taken, to);
        bytes += taken;
        length -= taken;
    }
}
