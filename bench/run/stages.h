#ifndef BENCH_RUN_STAGES_H
#define BENCH_RUN_STAGES_H

/* The words of --stages: how long at which rate, or from which to which, one after the other. */

#include "bench/load/load.h"

enum { STAGES_MESSAGE_BYTES = 200 };

/* "10s@100,30s@100..5000,10s@0". Writes at most LOAD_STAGES_MAX stages and returns how many; 0:
 * ret_message, of STAGES_MESSAGE_BYTES, says what is wrong, to stand behind the option's name. */
size_t stages_parse(const char *text, struct load_stage *ret_stages, char *ret_message);

#endif
