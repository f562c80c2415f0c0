/* ECDSA by libcrypto's own functions, not through EVP: in 3.0 what that looks up and locks around a
 * check costs as much as the check. They are deprecated there, and the one idea is that this is
 * known: no file but this one and rsa.c uses such. */

#include "proto/tls/ecdsa.h"
#include "proto/tls/arithmetic.h"

enum { SIGNATURE_BYTES_MAX = 139 }; /* on P-521: two numbers of 66 bytes, each with its header */

bool tls_ecdsa_open(struct ecdsa *ecdsa)
{
    ecdsa->ec = *br_ec_get_default();
    tls_curves_use(&ecdsa->ec);
    return openssl_load(&ecdsa->openssl);
}

static const struct openssl *openssl_of(const br_ec_impl *ec)
{
    return &((const struct ecdsa *)(const void *)ec)->openssl;
}

uint32_t tls_ecdsa_verify(const br_ec_impl *ec, const void *hash, size_t hash_length,
                          const br_ec_public_key *key, const void *signature, size_t length)
{
    const struct openssl *openssl = openssl_of(ec);
    int number = openssl_curve_number(key->curve);
    EC_KEY *own = number != NID_undef ? openssl->EC_KEY_new_by_curve_name(number) : NULL;
    bool is_good =
        own != NULL && openssl->EC_KEY_oct2key(own, key->q, key->qlen, NULL) == 1 &&
        openssl->ECDSA_verify(0, hash, (int)hash_length, signature, (int)length, own) == 1;

    openssl->EC_KEY_free(own);
    openssl->ERR_clear_error();
    return is_good ? 1 : 0;
}

/* Libcrypto would sign with any number. The key's own is compared without a branch on it. */
static bool is_scalar(const br_ec_private_key *key)
{
    size_t length, skipped;
    const unsigned char *order = br_ec_get_default()->order(key->curve, &length);
    unsigned borrow = 0, any = 0, above = 0;

    skipped = key->xlen > length ? key->xlen - length : 0;
    for (size_t i = 0; i < skipped; i++)
        above |= key->x[i];
    for (size_t i = 0; i < length; i++) {
        unsigned byte = i < key->xlen - skipped ? key->x[key->xlen - 1 - i] : 0;

        any |= byte;
        borrow = (byte - order[length - 1 - i] - borrow) >> 8 & 1;
    }
    return above == 0 && any != 0 && borrow == 1;
}

void tls_ecdsa_signer_open(struct ecdsa_signer *ret_signer, const struct ecdsa *ecdsa,
                           const br_ec_private_key *key)
{
    const struct openssl *openssl = &ecdsa->openssl;
    int number = openssl_curve_number(key->curve);
    EC_KEY *own = number != NID_undef ? openssl->EC_KEY_new_by_curve_name(number) : NULL;

    *ret_signer = (struct ecdsa_signer){.key = *key};
    if (own != NULL && is_scalar(key) && openssl->EC_KEY_oct2priv(own, key->x, key->xlen) == 1)
        ret_signer->own = own;
    else
        openssl->EC_KEY_free(own);
    openssl->ERR_clear_error();
}

void tls_ecdsa_signer_close(struct ecdsa_signer *signer, const struct ecdsa *ecdsa)
{
    if (signer->own != NULL)
        ecdsa->openssl.EC_KEY_free(signer->own);
    signer->own = NULL;
}

size_t tls_ecdsa_sign(const br_ec_impl *ec, const br_hash_class *hash_class, const void *hash,
                      const br_ec_private_key *key, void *ret_signature)
{
    const struct ecdsa_signer *signer = (const struct ecdsa_signer *)(const void *)key;
    int hash_length = (int)(hash_class->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK);
    unsigned length = 0;
    bool is_good;

    if (signer->own == NULL)
        return br_ecdsa_sign_asn1_get_default()(ec, hash_class, hash, key, ret_signature);
    is_good =
        openssl_of(ec)->ECDSA_sign(0, hash, hash_length, ret_signature, &length, signer->own) == 1;
    openssl_of(ec)->ERR_clear_error();
    /* without memory for its DER, 3.0 calls it done and its length -1 */
    return is_good && length <= SIGNATURE_BYTES_MAX ? length : 0;
}
