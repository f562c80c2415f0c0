#ifndef PROTO_TLS_EVP_H
#define PROTO_TLS_EVP_H

/* The arithmetic of a certificate's signature by libcrypto, Ed25519, Ed448 and RSA-PSS among it.
 * For the room's own files. */

#include "proto/x509/verify.h"

/* For verify_chain() with a wide policy; context is the OSSL_LIB_CTX that it works in. */
verify_signature_fn tls_evp_check_signature;

#endif
