/* ECDSA by libcrypto's own functions, not through EVP: in 3.0 what that looks up and locks around a
 * check costs as much as the check. They are deprecated there, and the one idea is that this is
 * known: no file but this one and rsa.c uses such. */

#include "proto/tls/ecdsa.h"
#include "proto/tls/curves.h"

bool tls_ecdsa_open(struct ecdsa *ecdsa)
{
    ecdsa->ec = *br_ec_get_default();
    tls_curves_use(&ecdsa->ec);
    return openssl_load(&ecdsa->openssl);
}

uint32_t tls_ecdsa_verify(const br_ec_impl *ec, const void *hash, size_t hash_length,
                          const br_ec_public_key *key, const void *signature, size_t length)
{
    const struct openssl *openssl = &((const struct ecdsa *)(const void *)ec)->openssl;
    int number = openssl_curve_number(key->curve);
    EC_KEY *own = number != NID_undef ? openssl->EC_KEY_new_by_curve_name(number) : NULL;
    bool is_good =
        own != NULL && openssl->EC_KEY_oct2key(own, key->q, key->qlen, NULL) == 1 &&
        openssl->ECDSA_verify(0, hash, (int)hash_length, signature, (int)length, own) == 1;

    openssl->EC_KEY_free(own);
    openssl->ERR_clear_error();
    return is_good ? 1 : 0;
}
