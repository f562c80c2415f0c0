#ifndef TESTS_LIB_TLS_TLS_FIXED_H
#define TESTS_LIB_TLS_TLS_FIXED_H

/* A TLS client of which nothing varies, where it is BearSSL's: what a server sent it once, in a
 * handshake, can be sent to it again. */

#include "proto/tls/tls.h"

/* Flags. Without INSECURE, no chain is trusted: there are no roots. */
enum { TLS_FIXED_SESSION = 1, TLS_FIXED_INSECURE = 2, TLS_FIXED_LEGACY = 4, TLS_FIXED_FLAGS = 8 };

/* What SESSION offers: ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 of TLS 1.2. */
extern const struct tls_session tls_fixed_session;

/* NULL: no memory. trust: an empty one. */
struct tls_config *tls_fixed_config(const struct trust *trust, enum tls_backend_name backend,
                                    unsigned flags);

/* For the host a.test. */
struct tls *tls_fixed_init(void *memory, struct tls_config *config, unsigned flags);

#endif
