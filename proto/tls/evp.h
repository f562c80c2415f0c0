#ifndef PROTO_TLS_EVP_H
#define PROTO_TLS_EVP_H

/* The arithmetic of a certificate's signature by libcrypto, Ed25519, Ed448 and RSA-PSS among it.
 * For the room's own files. */

#include "proto/x509/verify.h"

struct openssl;

struct evp {
    const struct openssl *openssl;
    struct ossl_lib_ctx_st *library; /* that it works in; NULL: the process's own */
};

/* For verify_chain() with a wide policy; context is a struct evp. */
verify_signature_fn tls_evp_check_signature;

#endif
