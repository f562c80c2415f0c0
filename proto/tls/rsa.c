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
    HASH_BYTES_MAX = 64,
    PREFIX_BYTES_MAX = 10 + OID_BYTES_MAX,
};

#define RSA_FUNCTIONS(X)                                                                           \
    X(BN_bin2bn)                                                                                   \
    X(BN_clear_free)                                                                               \
    X(BN_free)                                                                                     \
    X(ERR_clear_error)                                                                             \
    X(RSA_free)                                                                                    \
    X(RSA_new)                                                                                     \
    X(RSA_private_encrypt)                                                                         \
    X(RSA_public_decrypt)                                                                          \
    X(RSA_set0_crt_params)                                                                         \
    X(RSA_set0_factors)                                                                            \
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

/* --- signing ---------------------------------------------------------------------------------- */

static uint32_t exponent_of(const br_rsa_public_key *key)
{
    uint64_t exponent = 0;

    for (size_t i = 0; i < key->elen && exponent <= UINT32_MAX; i++)
        exponent = exponent << 8 | key->e[i];
    return exponent <= UINT32_MAX ? (uint32_t)exponent : 0;
}

/* The private exponent, which BearSSL's keys do not have. Libcrypto does without, too, until its
 * own result turns out to be wrong: then it computes anew, with this. */
static BIGNUM *exponent_make(const struct functions *functions, const br_rsa_private_key *key,
                             const br_rsa_public_key *public_key)
{
    br_rsa_compute_privexp compute = br_rsa_compute_privexp_get_default();
    uint32_t exponent = exponent_of(public_key);
    unsigned char bytes[MODULUS_BYTES_MAX];
    BIGNUM *number = NULL;
    size_t length = compute(NULL, key, exponent);

    if (length > 0 && length <= sizeof(bytes) && compute(bytes, key, exponent) == length)
        number = functions->BN_bin2bn(bytes, (int)length, NULL);
    explicit_bzero(bytes, sizeof(bytes));
    return number;
}

/* What is set belongs to rsa; the rest is given back. */
static bool factors_set(const struct functions *functions, RSA *rsa, const br_rsa_private_key *key)
{
    BIGNUM *p = functions->BN_bin2bn(key->p, (int)key->plen, NULL);
    BIGNUM *q = functions->BN_bin2bn(key->q, (int)key->qlen, NULL);

    if (p != NULL && q != NULL && functions->RSA_set0_factors(rsa, p, q) == 1)
        return true;
    functions->BN_clear_free(p);
    functions->BN_clear_free(q);
    return false;
}

static bool remainders_set(const struct functions *functions, RSA *rsa,
                           const br_rsa_private_key *key)
{
    BIGNUM *dp = functions->BN_bin2bn(key->dp, (int)key->dplen, NULL);
    BIGNUM *dq = functions->BN_bin2bn(key->dq, (int)key->dqlen, NULL);
    BIGNUM *iq = functions->BN_bin2bn(key->iq, (int)key->iqlen, NULL);

    if (dp != NULL && dq != NULL && iq != NULL &&
        functions->RSA_set0_crt_params(rsa, dp, dq, iq) == 1)
        return true;
    functions->BN_clear_free(dp);
    functions->BN_clear_free(dq);
    functions->BN_clear_free(iq);
    return false;
}

static bool exponent_set(const struct functions *functions, RSA *rsa, const br_rsa_private_key *key,
                         const br_rsa_public_key *public_key)
{
    BIGNUM *d = exponent_make(functions, key, public_key);

    if (d != NULL && functions->RSA_set0_key(rsa, NULL, NULL, d) == 1)
        return true;
    functions->BN_clear_free(d);
    return false;
}

void tls_rsa_signer_open(struct rsa_signer *ret_signer, const br_rsa_private_key *key,
                         const br_rsa_public_key *public_key)
{
    struct functions functions;
    RSA *rsa;

    *ret_signer = (struct rsa_signer){.key = *key};
    if (!functions_find(&functions))
        return;
    rsa =
        is_of_length(public_key, (key->n_bitlen + 7) / 8) ? key_make(&functions, public_key) : NULL;
    if (rsa != NULL && exponent_set(&functions, rsa, key, public_key) &&
        factors_set(&functions, rsa, key) && remainders_set(&functions, rsa, key))
        ret_signer->own = rsa;
    else
        functions.RSA_free(rsa);
    functions.ERR_clear_error();
}

void tls_rsa_signer_close(struct rsa_signer *signer)
{
    struct functions functions;

    if (signer->own != NULL && functions_find(&functions))
        functions.RSA_free(signer->own);
    signer->own = NULL;
}

/* Under TLS 1.2 it has its prefix; before that it is two hashes without. */
static size_t info_make(const unsigned char *oid, const unsigned char *hash, size_t hash_length,
                        unsigned char ret_info[PREFIX_BYTES_MAX + HASH_BYTES_MAX])
{
    size_t before = oid != NULL ? prefix_make(oid, hash_length, true, ret_info) : 0;

    memcpy(ret_info + before, hash, hash_length);
    return before + hash_length;
}

uint32_t tls_rsa_sign(const unsigned char *oid, const unsigned char *hash, size_t hash_length,
                      const br_rsa_private_key *key, unsigned char *ret_value)
{
    const struct rsa_signer *signer = (const struct rsa_signer *)(const void *)key;
    unsigned char info[PREFIX_BYTES_MAX + HASH_BYTES_MAX];
    struct functions functions;
    int length;

    if (signer->own == NULL)
        return br_rsa_pkcs1_sign_get_default()(oid, hash, hash_length, key, ret_value);
    if (hash_length > HASH_BYTES_MAX || (oid != NULL && oid[0] > OID_BYTES_MAX) ||
        !functions_find(&functions))
        return 0;
    length = functions.RSA_private_encrypt((int)info_make(oid, hash, hash_length, info), info,
                                           ret_value, signer->own, RSA_PKCS1_PADDING);
    functions.ERR_clear_error();
    return length > 0 ? 1 : 0;
}
