#ifndef BENCH_BASE_EXIT_STATUS_H
#define BENCH_BASE_EXIT_STATUS_H

/* The exit statuses of haul bench and of its subcommands: what scripts rely on, once. The manual
 * page has the same list. */

enum {
    EXIT_DONE = 0,
    EXIT_CANNOT = 1,         /* it could not be done; the last line of stderr says why */
    EXIT_USAGE = 2,          /* words that are not understood */
    EXIT_DIFFERENCE = 3,     /* compare --fail-on-difference, and there is one */
    EXIT_RATE_NOT_HELD = 97, /* an open loop's requests were not begun when they were due */
    EXIT_CLIENT_BOUND = 98,  /* the figures are about haul bench, not about the server */
    EXIT_UNMET = 99,         /* an --assert was not met */
    EXIT_INTERRUPTED = 130,  /* by a signal, as a shell says it of SIGINT */
};

#endif
