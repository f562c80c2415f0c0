#ifndef PROTO_TLS_ECDSA_H
#define PROTO_TLS_ECDSA_H

/* ECDSA under BearSSL by libcrypto, where that is there: a check on P-256 takes 55 us and not
 * 1000, and is most of a handshake; a signature takes 25 us and not 400. For the room's own
 * files. */

#include "proto/tls/openssl.h"

#include <bearssl.h>

/* BearSSL's functions get no context, but their br_ec_impl, which may be one's own. */
struct ecdsa {
    br_ec_impl ec; /* BearSSL's default, but for what multiplies: arithmetic.h */
    struct openssl openssl;
};

/* false: libcrypto is not there. */
bool tls_ecdsa_open(struct ecdsa *ecdsa);

/* As BearSSL's own for ASN.1, on P-256, P-384 and P-521; ec is a struct ecdsa's. Stricter in one
 * point: r and s have to be DER in its shortest form. Nothing here is secret. */
uint32_t tls_ecdsa_verify(const br_ec_impl *ec, const void *hash, size_t hash_length,
                          const br_ec_public_key *key, const void *signature, size_t length);

/* A client's key, and libcrypto's of the same number. */
struct ecdsa_signer {
    br_ec_private_key key; /* for tls_ecdsa_sign(); its number is borrowed */
    EC_KEY *own;           /* NULL: BearSSL signs */
};

void tls_ecdsa_signer_open(struct ecdsa_signer *ret_signer, const struct ecdsa *ecdsa,
                           const br_ec_private_key *key);
void tls_ecdsa_signer_close(struct ecdsa_signer *signer, const struct ecdsa *ecdsa);

/* As BearSSL's own for ASN.1, but that it is another signature each time: the number used once is
 * libcrypto's, made from its entropy, the key and the hash. ec is a struct ecdsa's, key a struct
 * ecdsa_signer's. */
size_t tls_ecdsa_sign(const br_ec_impl *ec, const br_hash_class *hash_class, const void *hash,
                      const br_ec_private_key *key, void *ret_signature);

#endif
