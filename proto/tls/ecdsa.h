#ifndef PROTO_TLS_ECDSA_H
#define PROTO_TLS_ECDSA_H

/* ECDSA under BearSSL by libcrypto, where that is there: a check on P-256 takes 55 us and not
 * 1000, and is most of a handshake. For the room's own files. */

#include "proto/tls/openssl.h"

#include <bearssl.h>

/* BearSSL's functions get no context, but their br_ec_impl, which may be one's own. */
struct ecdsa {
    br_ec_impl ec; /* BearSSL's default, but for what multiplies: curves.h */
    struct openssl openssl;
};

/* false: libcrypto is not there. */
bool tls_ecdsa_open(struct ecdsa *ecdsa);

/* As BearSSL's own for ASN.1, on P-256, P-384 and P-521; ec is a struct ecdsa's. Stricter in one
 * point: r and s have to be DER in its shortest form. Nothing here is secret. */
uint32_t tls_ecdsa_verify(const br_ec_impl *ec, const void *hash, size_t hash_length,
                          const br_ec_public_key *key, const void *signature, size_t length);

#endif
