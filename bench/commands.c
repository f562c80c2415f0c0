/* Owns the list of subcommands, which main(), the completions and the test of the manual page go
 * by. */

#include "bench/commands.h"

#include "bench/compare/compare.h"
#include "bench/compare/compare_plan.h"
#include "bench/report/report.h"
#include "bench/run/calibrate.h"
#include "bench/run/options.h"
#include "bench/sweep/merge.h"
#include "bench/sweep/sweep.h"
#include "bench/sweep/sweep_plan.h"

const struct command commands[] = {
    {"", "load a server, and say truly how long it took", NULL, &run_options, false},
    {"compare", "which of two or three is faster", compare_main, &compare_options, false},
    {"sweep", "every cell of a matrix", sweep_main, &sweep_options, false},
    {"merge", "one file of several", merge_main, &merge_options, true},
    {"report", "one page of files of results", report_main, &report_options, true},
    {"calibrate", "what haul bench itself costs", calibrate_main, &calibrate_options, false},
};

const size_t command_count = sizeof commands / sizeof *commands;
