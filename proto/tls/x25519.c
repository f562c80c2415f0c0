/* The functions are those of EVP, as there are no others for it. The hard idea is where they come
 * from: BearSSL hands over nothing that a context could be found by, and there is no global, so
 * that they are looked up anew each time, which takes 1 us of 60. */

#include "proto/tls/arithmetic.h"

#include "proto/tls/openssl.h"

enum { BYTES = 32 };

#define X25519_FUNCTIONS(X)                                                                        \
    X(ERR_clear_error)                                                                             \
    X(EVP_PKEY_CTX_free)                                                                           \
    X(EVP_PKEY_CTX_new)                                                                            \
    X(EVP_PKEY_derive)                                                                             \
    X(EVP_PKEY_derive_init)                                                                        \
    X(EVP_PKEY_derive_set_peer_ex)                                                                 \
    X(EVP_PKEY_free)                                                                               \
    X(EVP_PKEY_get_raw_public_key)                                                                 \
    X(EVP_PKEY_new_raw_private_key)                                                                \
    X(EVP_PKEY_new_raw_public_key)

OPENSSL_FUNCTIONS(X25519_FUNCTIONS)

static EVP_PKEY *key_make(const struct functions *functions, const unsigned char scalar[BYTES])
{
    return functions->EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, scalar, BYTES);
}

/* Any 32 bytes are a point, so that nothing is to be checked of the peer's. */
static bool derive(const struct functions *functions, EVP_PKEY *own, EVP_PKEY *peer,
                   unsigned char ret_point[BYTES])
{
    EVP_PKEY_CTX *context = functions->EVP_PKEY_CTX_new(own, NULL);
    size_t length = BYTES;
    bool is_good = context != NULL && functions->EVP_PKEY_derive_init(context) == 1 &&
                   functions->EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1 &&
                   functions->EVP_PKEY_derive(context, ret_point, &length) == 1;

    functions->EVP_PKEY_CTX_free(context);
    return is_good;
}

static bool is_for_it(int curve, size_t point_length, size_t scalar_length, struct functions *ret)
{
    return curve == BR_EC_curve25519 && point_length == BYTES && scalar_length == BYTES &&
           functions_find(ret);
}

static uint32_t multiply(unsigned char *point, size_t point_length, const unsigned char *scalar,
                         size_t scalar_length, int curve)
{
    struct functions functions;
    EVP_PKEY *own, *peer;
    bool is_good;

    if (!is_for_it(curve, point_length, scalar_length, &functions))
        return tls_nist_mul(point, point_length, scalar, scalar_length, curve);
    own = key_make(&functions, scalar);
    peer = functions.EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, BYTES);
    is_good = own != NULL && peer != NULL && derive(&functions, own, peer, point);
    functions.EVP_PKEY_free(own);
    functions.EVP_PKEY_free(peer);
    functions.ERR_clear_error();
    return is_good ? 1 : 0;
}

/* In nist.c it says why no failure may be left here. */
static size_t multiply_generator(unsigned char *ret_point, const unsigned char *scalar,
                                 size_t scalar_length, int curve)
{
    struct functions functions;
    size_t length = BYTES;
    EVP_PKEY *own;

    if (!is_for_it(curve, BYTES, scalar_length, &functions))
        return tls_nist_mulgen(ret_point, scalar, scalar_length, curve);
    own = key_make(&functions, scalar);
    if (own == NULL || functions.EVP_PKEY_get_raw_public_key(own, ret_point, &length) != 1)
        length = 0;
    functions.EVP_PKEY_free(own);
    functions.ERR_clear_error();
    if (length == 0)
        length = br_ec_get_default()->mulgen(ret_point, scalar, scalar_length, curve);
    return length;
}

void tls_curves_use(br_ec_impl *ec)
{
    ec->mul = multiply;
    ec->mulgen = multiply_generator;
}
