#ifndef PROTO_TLS_RSA_H
#define PROTO_TLS_RSA_H

/* The check of an RSA signature under BearSSL by libcrypto: 2048 bits take 17 us and not 150. For
 * the room's own files. */

#include <bearssl.h>

/* As BearSSL's br_rsa_pkcs1_vrfy, up to 4096 bits; nothing here is secret. What is loaded is found
 * at each call; where nothing is, BearSSL's own serves. */
uint32_t tls_rsa_verify(const unsigned char *signature, size_t length, const unsigned char *oid,
                        size_t hash_length, const br_rsa_public_key *key, unsigned char *ret_hash);

#endif
