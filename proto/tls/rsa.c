/* By functions that 3.0 deprecates, as ecdsa.c says. Libcrypto raises to the power and takes the
 * padding off; what is left has to be the one DigestInfo that there is for the hash, byte for byte:
 * read as DER, it could be understood in more than one way, which is how such signatures have been
 * forged. */

#include "proto/tls/rsa.h"

#include "proto/tls/openssl.h"

#include <string.h>

enum {
    MODULUS_BYTES_MAX = 512,
    OID_BYTES_MAX = 16,
    PREFIX_BYTES_MAX = 10 + OID_BYTES_MAX,
};

#define RSA_FUNCTIONS(X)                                                                           \
    X(BN_bin2bn)                                                                                   \
    X(BN_free)                                                                                     \
    X(ERR_clear_error)                                                                             \
    X(RSA_free)                                                                                    \
    X(RSA_new)                                                                                     \
    X(RSA_public_decrypt)                                                                          \
    X(RSA_set0_key)

OPENSSL_FUNCTIONS(RSA_FUNCTIONS)

static RSA *key_make(const struct functions *functions, const br_rsa_public_key *key)
{
    RSA *rsa = functions->RSA_new();
    BIGNUM *n = functions->BN_bin2bn(key->n, (int)key->nlen, NULL);
    BIGNUM *e = functions->BN_bin2bn(key->e, (int)key->elen, NULL);

    if (rsa != NULL && n != NULL && e != NULL && functions->RSA_set0_key(rsa, n, e, NULL) == 1)
        return rsa;
    functions->RSA_free(rsa);
    functions->BN_free(n);
    functions->BN_free(e);
    return NULL;
}

/* What stands before the hash (RFC 8017, 9.2): its algorithm's parameters are NULL, or, as some
 * signers have it, not there. */
static size_t prefix_make(const unsigned char *oid, size_t hash_length, bool has_null,
                          unsigned char ret_prefix[PREFIX_BYTES_MAX])
{
    size_t oid_length = oid[0], algorithm = 2 + oid_length + (has_null ? 2 : 0);
    unsigned char *at = ret_prefix;

    *at++ = 0x30;
    *at++ = (unsigned char)(2 + algorithm + 2 + hash_length);
    *at++ = 0x30;
    *at++ = (unsigned char)algorithm;
    *at++ = 0x06;
    memcpy(at, oid, 1 + oid_length);
    at += 1 + oid_length;
    if (has_null) {
        *at++ = 0x05;
        *at++ = 0;
    }
    *at++ = 0x04;
    *at++ = (unsigned char)hash_length;
    return (size_t)(at - ret_prefix);
}

static bool is_hash(const unsigned char *info, size_t length, const unsigned char *oid,
                    size_t hash_length)
{
    for (int has_null = 0; has_null < 2; has_null++) {
        unsigned char prefix[PREFIX_BYTES_MAX];
        size_t before = prefix_make(oid, hash_length, has_null == 1, prefix);

        if (length == before + hash_length && memcmp(info, prefix, before) == 0)
            return true;
    }
    return false;
}

/* The number of a modulus may have zeros before it; a signature is as long as the rest. */
static bool is_of_length(const br_rsa_public_key *key, size_t length)
{
    size_t zeros = 0;

    while (zeros < key->nlen && key->n[zeros] == 0)
        zeros++;
    return key->nlen - zeros == length && length > 0 && length <= MODULUS_BYTES_MAX;
}

uint32_t tls_rsa_verify(const unsigned char *signature, size_t length, const unsigned char *oid,
                        size_t hash_length, const br_rsa_public_key *key, unsigned char *ret_hash)
{
    unsigned char info[MODULUS_BYTES_MAX];
    struct functions functions;
    bool is_good;
    RSA *rsa;
    int got = 0;

    if (oid == NULL || oid[0] > OID_BYTES_MAX || !functions_find(&functions))
        return br_rsa_pkcs1_vrfy_get_default()(signature, length, oid, hash_length, key, ret_hash);
    rsa = is_of_length(key, length) ? key_make(&functions, key) : NULL;
    if (rsa != NULL)
        got = functions.RSA_public_decrypt((int)length, signature, info, rsa, RSA_PKCS1_PADDING);
    is_good = got > 0 && is_hash(info, (size_t)got, oid, hash_length);
    if (is_good)
        memcpy(ret_hash, info + got - hash_length, hash_length);
    functions.RSA_free(rsa);
    functions.ERR_clear_error();
    return is_good ? 1 : 0;
}
