#ifndef TESTS_LIB_RUNNING_H
#define TESTS_LIB_RUNNING_H

/* Runs of load inside a test, over each client, and checked for what must hold of every run. */

#include "bench/load/load.h"

enum { RUNNING_SUMMARY_BYTES = 256 };

/* Is there such a client on this machine? A kernel may refuse io_uring. */
bool running_has(enum client_kind kind);

/* What does not hold of a result although it must of any; NULL: nothing. Valid until the next
 * call. */
const char *running_violation(const struct load_result *result);

/* Runs options over kind; where that fails, or the result violates anything, the test does. name is
 * for its message. */
void running_do(const char *name, enum client_kind kind, const struct load_options *options,
                struct load_result *ret_result);

/* "200 x3, truncated x1; 2 connections; 15 body bytes", and where there are some "; 1 resent; 2
 * unfinished", to a buffer of RUNNING_SUMMARY_BYTES. */
void running_summarize(const struct load_result *result, char *ret_summary);

#endif
