#ifndef BENCH_RESULT_METRIC_H
#define BENCH_RESULT_METRIC_H

/* Metrics by name, as in SCHEMA.md, and their values in a run's JSON: "rate", "errors", "cpu",
 * "p99", "intended.p99.9", "first_byte.mean". A quantile without a clock is the intended one in an
 * open loop and the actual one in a closed loop. */

#include "bench/base/unit.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { METRIC_NAME_BYTES = 32, METRIC_NAMES_BYTES = 1024 };

bool metric_is_known(const char *name);

/* Of known names only. */
enum metric_unit metric_unit(const char *name);
enum metric_sense metric_sense(const char *name);

/* False: the name is not known, or this run has no such number (null, or left out). */
bool metric_value(const json_t *run, const char *name, double *ret_value);

/* Is its value no more than a lower bound, because too many requests failed? */
bool metric_is_bound(const json_t *run, const char *name);

/* The names, for messages and help. Writes to a buffer of METRIC_NAMES_BYTES and returns it. */
char *metric_names(char *buffer);

#endif
