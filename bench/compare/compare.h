#ifndef BENCH_COMPARE_COMPARE_H
#define BENCH_COMPARE_COMPARE_H

/* `haul bench compare`: sides run in turns, and what of them differs. argv[0] is "compare". Returns
 * the exit status: 0 done, 1 could not be done, 2 usage, 3 a difference and --fail-on-difference,
 * 130 interrupted. signals_catch() comes before. */
int compare_main(int argc, char **argv);

#endif
