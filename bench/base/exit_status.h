#ifndef BENCH_BASE_EXIT_STATUS_H
#define BENCH_BASE_EXIT_STATUS_H

/* The exit statuses of haul bench and of its subcommands: what scripts rely on, once. The manual
 * page is checked against these rows: name, status, and what it says of it. */

#define EXIT_STATUSES(X)                                                                           \
    X(DONE, 0, "done")                                                                             \
    X(CANNOT, 1, "it could not be done, as the last line of stderr says")                          \
    X(USAGE, 2, "usage: words that are not understood")                                            \
    X(DIFFERENCE, 3, "compare found a difference and was to fail then")                            \
    X(ALL_FAILED, 96, "every request failed")                                                      \
    X(RATE_NOT_HELD, 97, "the rate was not held")                                                  \
    X(CLIENT_BOUND, 98, "the client was the bottleneck")                                           \
    X(UNMET, 99, "a threshold was not met")                                                        \
    X(INTERRUPTED, 130, "interrupted")

enum {
#define EXIT_STATUS_ENUM(name, status, text) EXIT_##name = status,
    EXIT_STATUSES(EXIT_STATUS_ENUM)
#undef EXIT_STATUS_ENUM
};

#endif
