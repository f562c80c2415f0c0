#ifndef BENCH_BASE_UNIT_H
#define BENCH_BASE_UNIT_H

/* What figures are counted in, which way is better, and how people read them. */

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

#endif
