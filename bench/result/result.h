#ifndef BENCH_RESULT_RESULT_H
#define BENCH_RESULT_RESULT_H

/* A run's result: as JSON (SCHEMA.md), and from that JSON as text for people and for Prometheus. */

#include "bench/result/members.h"
#include "bench/result/threshold.h"
#include "bench/load/load.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* How the JSON is to be written: doubles hold nanoseconds of microseconds within 15 digits. */
#define RESULT_JSON_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

/* A new reference; NULL: out of memory. */
json_t *result_json(const struct load_result *result, const struct result_context *context);

/* Were all thresholds of this run met? */
bool result_is_met(const json_t *run);

/* The formats that a run is printed in: enum, name, and what prints it. */
#define RESULT_FORMATS(X)                                                                          \
    X(TEXT, "text", result_text)                                                                   \
    X(JSON, "json", result_line)                                                                   \
    X(PROMETHEUS, "prometheus", result_prometheus)                                                 \
    X(CSV, "csv", result_csv)

enum result_format {
#define RESULT_FORMAT_ENUM(name, word, put) FORMAT_##name,
    RESULT_FORMATS(RESULT_FORMAT_ENUM)
#undef RESULT_FORMAT_ENUM
};

/* "text|json|prometheus|csv|", as bench/base/option.h takes it. */
#define RESULT_FORMAT_CHOICE(name, word, put) word "|"
#define RESULT_FORMAT_CHOICES RESULT_FORMATS(RESULT_FORMAT_CHOICE)

void result_put(FILE *out, const json_t *run, enum result_format format);

/* The JSON in one line, with its end. */
void result_line(FILE *out, const json_t *run);

/* At most 60 columns, no colour. What cannot be written is for ferror(out) to tell. */
void result_text(FILE *out, const json_t *run);

/* How many stages the run has told; 0: it had none. */
size_t result_stages(const json_t *run);

/* A head and a row, and one for each stage: a column a figure, by its path in the JSON, and last
 * the stage's number, from 1; of the whole run, stage 0, that is empty. */
void result_csv(FILE *out, const json_t *run);
void result_csv_head(FILE *out);
void result_csv_row(FILE *out, const json_t *run, size_t stage);

/* A field, in quotes where it needs them. */
void csv_text(FILE *out, const char *text);

/* The course of a run as CSV, an interval of it a row; of a window that is so long. */
void timeline_csv_head(FILE *out);
void timeline_csv_row(FILE *out, const struct timeline_row *row, uint64_t window_ns);

/* Text exposition format 0.0.4, base units, labels loop, connections and url. */
void result_prometheus(FILE *out, const json_t *run);

#endif
