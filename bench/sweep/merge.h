#ifndef BENCH_SWEEP_MERGE_H
#define BENCH_SWEEP_MERGE_H

/* `haul bench merge`: files of the same sweep, or single runs of the same load, become one. What
 * is added is the same cell of the same round, so that rounds, and with them intervals, remain;
 * SCHEMA.md has the members of a merged run, bench/result/pool.h how they come about. */

#include "bench/base/option.h"

/* argv[0] is the subcommand's word. Returns the exit status: 0; 1 where a file cannot be read or
 * does not go with the others, and then nothing is written; 2 usage. */
int merge_main(int argc, char **argv);

extern const struct option_list merge_options;

#endif
