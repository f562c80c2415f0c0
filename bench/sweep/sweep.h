#ifndef BENCH_SWEEP_SWEEP_H
#define BENCH_SWEEP_SWEEP_H

/* `haul bench sweep`: every cell of a matrix, round by round, each a run in a process of its
 * own, the results in one file. The file says what is done: run again, a sweep does what is
 * missing, and the cells that failed. SCHEMA.md has its lines. */

/* argv[0] is the subcommand's word. Returns the exit status: 0; 1 where the file cannot be used or
 * cells failed; 2 usage; 130 interrupted. */
int sweep_main(int argc, char **argv);

/* As sweep_main(), with a program in haul-bench's place; NULL: haul-bench. */
int sweep_with(const char *program, int argc, char **argv);

#endif
