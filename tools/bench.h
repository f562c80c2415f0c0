#ifndef TOOLS_BENCH_H
#define TOOLS_BENCH_H

/* `haul bench …`: the program haul-bench takes this one's place. argv[0] is "bench". Returns the
 * exit status, and only where that program could not be run; why is said on stderr. */
int bench_exec(char **argv);

#endif
