#ifndef BENCH_SWEEP_SWEEP_PLAN_H
#define BENCH_SWEEP_SWEEP_PLAN_H

/* What a sweep is asked for: its own options, the words that all its runs have, and its matrix. */

#include "bench/base/option.h"
#include "bench/result/matrix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SWEEP_PLAN_MESSAGE_BYTES = 600 };

struct sweep_plan {
    const char *matrix_text;
    const char *csv_path; /* NULL: no CSV */
    const char *path;     /* NULL: none was given, which only a dry run may do without */
    uint32_t rounds;
    uint64_t seed;
    bool has_seed; /* else it is a random one */
    bool is_dry;
    bool is_quiet;
    bool is_help;       /* and then nothing below is set */
    const char **words; /* of every run, with defaults */
    size_t word_count;
    struct matrix matrix;
    struct matrix_base base;
    size_t run_count; /* cells times rounds */
    double run_s;     /* what a run is expected to take at most; 0: not known */
    char message[SWEEP_PLAN_MESSAGE_BYTES];
};

/* argv[0] is the subcommand's word; the others are borrowed. false: message says which of them
 * cannot be used. sweep_plan_close() follows in every case. */
bool sweep_plan_open(struct sweep_plan *plan, int argc, char **argv);
void sweep_plan_close(struct sweep_plan *plan);

extern const struct option_list sweep_options;

#endif
