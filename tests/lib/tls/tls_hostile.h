#ifndef TESTS_LIB_TLS_TLS_HOSTILE_H
#define TESTS_LIB_TLS_TLS_HOSTILE_H

/* The scripted server of tests/tls_loopback with certificates that take long to refuse: names under
 * constraints, and keys of one name that may all have signed each other and end in a root that is
 * trusted. No two connections of TLS_HOSTILE_CHAINS in a row have the same. */

#include "tests/lib/loopback.h"

enum { TLS_HOSTILE_CHAINS = 20 };

/* As tls_loopback_layer(): all is made by the first call. */
const struct loopback_layer *tls_hostile_layer(void);

/* The file of that root, and of those in tls_loopback_roots(). */
const char *tls_hostile_roots(void);

#endif
