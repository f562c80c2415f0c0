#ifndef BENCH_RUN_FIND_MAX_H
#define BENCH_RUN_FIND_MAX_H

/* The highest rate at which something still holds, found by trials. */

#include "bench/result/threshold.h"

#include <jansson.h>
#include <stdbool.h>

/* One trial at a rate (0: closed loop, as fast as it goes): its JSON, a new reference, or NULL,
 * which ends the search. */
typedef json_t *find_max_trial(void *context, double rate);

enum { FIND_MAX_TRIALS = 16 };

/* The run of the highest rate at which all conditions held, a new reference, with a field
 * "find_max": {"expression", "rate", "is_bounded", "interrupted", "trials": [{"rate", "is_met",
 * "sentence"}]}. rate null: they held at none. is_bounded false: they held at all the client or the
 * server could do. A trial whose run is "interrupted" ends the search, and has held nothing. NULL:
 * a trial could not be run. */
json_t *find_max(const struct threshold *conditions, size_t count, find_max_trial *trial,
                 void *context);

#endif
