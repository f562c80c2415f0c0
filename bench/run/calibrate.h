#ifndef BENCH_RUN_CALIBRATE_H
#define BENCH_RUN_CALIBRATE_H

/* What haul bench itself costs: load on a server that does next to nothing. */

#include "bench/base/option.h"
#include "bench/load/load.h"

#include <jansson.h>
#include <stddef.h>

/* One second of load like this one's (connections, threads, pipelining, kernel interface) on the
 * embedded server's shortest reply, in a closed loop. A new object: {"us_per_request",
 * "user_us_per_request", "rate_per_s", "p50_us", "p99_us", "busiest_thread", "sentence"}. NULL:
 * ret_message (size bytes) says why. */
json_t *calibrate(const struct load_options *like, char *ret_message, size_t size);

/* `haul bench calibrate`: over each kernel interface. */
int calibrate_main(int argc, char **argv);

extern const struct option_list calibrate_options;

#endif
