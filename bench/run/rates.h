#ifndef BENCH_RUN_RATES_H
#define BENCH_RUN_RATES_H

/* How people write a rate, and from where to where one goes. */

#include <stdbool.h>

/* "1000", "5k", "1000/s", "30/1m", "5/m", "100..5000/s": by the second, from and to. */
bool rates_parse(const char *text, double *ret_from, double *ret_to);

#endif
