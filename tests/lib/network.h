#ifndef TESTS_LIB_NETWORK_H
#define TESTS_LIB_NETWORK_H

/* A network of the calling process's own, in which nobody else has a socket, with its loopback
 * interface up. For a process of one thread. false: it is not to be had here. */

#include <stdbool.h>

bool network_take(void);

#endif
