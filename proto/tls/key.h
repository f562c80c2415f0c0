#ifndef PROTO_TLS_KEY_H
#define PROTO_TLS_KEY_H

/* The client's private key as libcrypto's, for the room's own files. */

#include "proto/tls/evp.h"
#include "proto/tls/openssl.h"

/* Of a key in DER: PKCS#1 (RSA), SEC1 (EC on P-256, P-384, P-521) or PKCS#8 (these, RSA-PSS,
 * Ed25519, Ed448), to be freed. NULL: it is none of them, or there is no memory. */
EVP_PKEY *tls_key_read(const struct evp *evp, struct span der);

#endif
