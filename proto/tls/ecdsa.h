#ifndef PROTO_TLS_ECDSA_H
#define PROTO_TLS_ECDSA_H

/* ECDSA under BearSSL by libcrypto, where that is there: a check on P-256 takes 55 us and not
 * 1000, and is most of a handshake. For the room's own files. */

#include <bearssl.h>
#include <stdbool.h>

/* As BearSSL's own for ASN.1, on P-256, P-384 and P-521; ec is not used. Stricter in one point:
 * r and s have to be DER in its shortest form. Nothing here is secret. */
uint32_t tls_ecdsa_verify(const br_ec_impl *ec, const void *hash, size_t hash_length,
                          const br_ec_public_key *key, const void *signature, size_t length);

/* To be called first, and often: libcrypto then reads no openssl.cnf and sets no handler at exit.
 */
void tls_ecdsa_begin(void);

#endif
