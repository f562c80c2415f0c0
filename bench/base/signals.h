#ifndef BENCH_BASE_SIGNALS_H
#define BENCH_BASE_SIGNALS_H

/* SIGINT, SIGTERM and SIGHUP: the first one is noted, for whoever is at work to end in good order;
 * the second one ends the process at once. A process has one set of signal handlers, and so this
 * is the one place with state of its own. */

#include <poll.h>

/* From now on a signal is noted; one that was ignored stays ignored. SIGPIPE is ignored. Calling
 * it again does nothing. */
void signals_catch(void);

/* The first signal that came; 0: none. */
int signals_first(void);

/* poll(2) that a signal ends in every case, also one that came just before: -1 with EINTR. With
 * timeout_ms -1 it waits for ever. */
int signals_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

#endif
