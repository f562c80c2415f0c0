#ifndef PROTO_TLS_RSA_H
#define PROTO_TLS_RSA_H

/* RSA signatures under BearSSL by libcrypto: to check one of 2048 bits takes 17 us and not 150, to
 * make one 0.6 ms and not 4. For the room's own files. */

#include <bearssl.h>

/* As BearSSL's br_rsa_pkcs1_vrfy, up to 4096 bits; nothing here is secret. What is loaded is found
 * at each call; where nothing is, BearSSL's own serves. */
uint32_t tls_rsa_verify(const unsigned char *signature, size_t length, const unsigned char *oid,
                        size_t hash_length, const br_rsa_public_key *key, unsigned char *ret_hash);

/* A client's key, and what libcrypto makes of it, with its blinding, for as long as it is used:
 * BearSSL hands nothing over but the key, so that the one is found by the other's address. */
struct rsa_signer {
    br_rsa_private_key key; /* for tls_rsa_sign(); its numbers are borrowed */
    struct rsa_st *own;     /* NULL: BearSSL signs */
};

/* public_key is its certificate's. */
void tls_rsa_signer_open(struct rsa_signer *ret_signer, const br_rsa_private_key *key,
                         const br_rsa_public_key *public_key);
void tls_rsa_signer_close(struct rsa_signer *signer);

/* As BearSSL's br_rsa_pkcs1_sign, and the same bytes; key is a struct rsa_signer's. What was
 * computed wrongly is never handed out: it would give the key away. */
uint32_t tls_rsa_sign(const unsigned char *oid, const unsigned char *hash, size_t hash_length,
                      const br_rsa_private_key *key, unsigned char *ret_value);

#endif
