#ifndef BENCH_BASE_UNIT_H
#define BENCH_BASE_UNIT_H

/* What figures are counted in, which way is better, and how people read and write them. */

#include <stdbool.h>
#include <stdint.h>

enum metric_unit {
    METRIC_COUNT,
    METRIC_MICROSECONDS,
    METRIC_PER_SECOND,
    METRIC_SHARE, /* 0 … 1; people read percent */
    METRIC_SECONDS,
    METRIC_BYTES,
};

enum metric_sense { METRIC_NEITHER, METRIC_HIGHER_IS_BETTER, METRIC_LOWER_IS_BETTER };

enum { METRIC_TEXT_BYTES = 40 };

/* A value of that unit as people read it: "12.34 ms", "10,021/s", "0.05 %", "300,000". Writes to a
 * buffer of METRIC_TEXT_BYTES and returns it. */
char *metric_text(char *buffer, enum metric_unit unit, double value);

/* A number as people write it: digits, and at most one point among or before them, that some digit
 * follows or precedes; "0x10", "1e3", "+1", "1..2" and "nan" are none. ret_end is behind it. false:
 * there is none. */
bool unit_number(const char *text, const char **ret_end, double *ret_number);

/* "10000", "10k", "1.5k", "2M": a whole number, of thousands or millions. */
bool unit_count(const char *text, uint64_t maximum, uint64_t *ret_count);

/* "500ms", "30s", "1m30s", "1h"; seconds where no unit stands. Of several, each is smaller than the
 * one before it. */
bool unit_time(const char *text, uint64_t *ret_ns);

#endif
