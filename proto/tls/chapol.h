#ifndef PROTO_TLS_CHAPOL_H
#define PROTO_TLS_CHAPOL_H

/* ChaCha20-Poly1305 under BearSSL by libcrypto: a record of 16 KiB takes 9 us and not 40. For the
 * room's own files. */

#include <bearssl.h>

/* Records of engine are encrypted and decrypted by libcrypto from now on, as BearSSL does it. Short
 * ones BearSSL does itself, sooner; and all where nothing is loaded, which is looked for each
 * time. */
void tls_chapol_use(br_ssl_engine_context *engine);

#endif
