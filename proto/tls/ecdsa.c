/* ECDSA by libcrypto's own functions, not through EVP: in 3.0 what that looks up and locks around a
 * check costs as much as the check. They are deprecated there, and the one idea is that this is
 * known: it is the only file that uses them. */

#define OPENSSL_SUPPRESS_DEPRECATED

#include "proto/tls/ecdsa.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

static int number_of(int curve)
{
    switch (curve) {
    case BR_EC_secp256r1:
        return NID_X9_62_prime256v1;
    case BR_EC_secp384r1:
        return NID_secp384r1;
    case BR_EC_secp521r1:
        return NID_secp521r1;
    }
    return NID_undef;
}

void tls_ecdsa_begin(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL);
}

uint32_t tls_ecdsa_verify(const br_ec_impl *ec, const void *hash, size_t hash_length,
                          const br_ec_public_key *key, const void *signature, size_t length)
{
    int number = number_of(key->curve);
    EC_KEY *own = number != NID_undef ? EC_KEY_new_by_curve_name(number) : NULL;
    bool is_good = own != NULL && EC_KEY_oct2key(own, key->q, key->qlen, NULL) == 1 &&
                   ECDSA_verify(0, hash, (int)hash_length, signature, (int)length, own) == 1;

    (void)ec;
    EC_KEY_free(own);
    ERR_clear_error();
    return is_good ? 1 : 0;
}
