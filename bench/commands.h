#ifndef BENCH_COMMANDS_H
#define BENCH_COMMANDS_H

/* What `haul bench` can be asked for. */

#include "bench/base/option.h"

#include <stdbool.h>
#include <stddef.h>

struct command {
    const char *name; /* "": a run, which has none */
    const char *help;
    int (*run)(int argc, char **argv); /* argv[0] is the name. NULL: a run is for main() */
    const struct option_list *options;
    bool has_files; /* its words are files, and not URLs */
};

extern const struct command commands[];
extern const size_t command_count;

#endif
