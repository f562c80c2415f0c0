#ifndef BENCH_REPORT_REPORT_H
#define BENCH_REPORT_REPORT_H

/* haul bench report: files of results in, one page for people out. */

#include "bench/base/option.h"

/* argv[0] is "report". Returns the exit status: 0 written, 1 not, 2 usage. */
int report_main(int argc, char **argv);

extern const struct option_list report_options;

#endif
