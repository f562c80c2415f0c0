#ifndef TOOLS_INTERRUPT_H
#define TOOLS_INTERRUPT_H

/* SIGINT, SIGTERM and SIGHUP: the first one asks the run to end, the second one ends the process,
 * after removing the files that are not yet whole. A process has one set of signal handlers, and so
 * this is the one place with state of its own. */

#include <poll.h>

struct haul;

/* From now on a signal is noted; one that was ignored stays ignored. SIGPIPE and SIGXFSZ are
 * ignored, so that writing says EPIPE or EFBIG. */
void interrupt_install(void);

/* From now on a signal wakes haul; NULL, before haul is closed: nothing. */
void interrupt_wakes(struct haul *haul);

/* The first signal that came; 0: none. */
int interrupt_signal(void);

/* poll(2) that a signal ends in every case, also one that came just before: -1 with EINTR. */
int interrupt_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

/* Files to remove should the process end at once, one a slot; NULL: none. The string stays the
 * caller's and must live until it is replaced. */
enum interrupt_slot { INTERRUPT_OUTPUT, INTERRUPT_BODY, INTERRUPT_SLOTS };
void interrupt_guard(enum interrupt_slot slot, const char *path);

#endif
