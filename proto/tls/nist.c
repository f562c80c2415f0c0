/* Points of P-256, P-384 and P-521 times a secret, by functions of libcrypto that take a point and
 * a number and nothing else. One scalar and one point is the case that they do in constant time:
 * P-256 and P-521 by code of their own, P-384 by a ladder over coordinates that are blinded.
 *
 * The hard idea is what a failure may not do: BearSSL does not look whether its own point could be
 * made, and sends what lies in the buffer, which is then the point both sides share. So where
 * libcrypto has no memory for it, BearSSL computes it. */

#include "proto/tls/arithmetic.h"
#include "proto/tls/openssl.h"

enum { POINT_BYTES_MAX = 133 };

#define NIST_FUNCTIONS(X)                                                                          \
    X(BN_bin2bn)                                                                                   \
    X(BN_clear_free)                                                                               \
    X(BN_set_flags)                                                                                \
    X(EC_GROUP_free)                                                                               \
    X(EC_GROUP_new_by_curve_name)                                                                  \
    X(EC_POINT_clear_free)                                                                         \
    X(EC_POINT_mul)                                                                                \
    X(EC_POINT_new)                                                                                \
    X(EC_POINT_oct2point)                                                                          \
    X(EC_POINT_point2oct)                                                                          \
    X(ERR_clear_error)

OPENSSL_FUNCTIONS(NIST_FUNCTIONS)

/* What a multiplication is made of; members may be NULL. */
struct product {
    EC_GROUP *group;
    EC_POINT *point;
    EC_POINT *result;
    BIGNUM *scalar;
};

static bool product_begin(const struct functions *functions, struct product *product, int number,
                          const unsigned char *scalar, size_t scalar_length)
{
    *product = (struct product){.group = functions->EC_GROUP_new_by_curve_name(number)};
    if (product->group == NULL)
        return false;
    product->point = functions->EC_POINT_new(product->group);
    product->result = functions->EC_POINT_new(product->group);
    product->scalar = functions->BN_bin2bn(scalar, (int)scalar_length, NULL);
    if (product->point == NULL || product->result == NULL || product->scalar == NULL)
        return false;
    functions->BN_set_flags(product->scalar, BN_FLG_CONSTTIME);
    return true;
}

static void product_end(const struct functions *functions, struct product *product)
{
    functions->BN_clear_free(product->scalar);
    functions->EC_POINT_clear_free(product->result);
    functions->EC_POINT_clear_free(product->point);
    functions->EC_GROUP_free(product->group);
    functions->ERR_clear_error();
}

/* Infinity has one byte, and is no point that either side may use. */
static size_t result_write(const struct functions *functions, const struct product *product,
                           unsigned char *ret_point)
{
    unsigned char bytes[POINT_BYTES_MAX];
    size_t length = functions->EC_POINT_point2oct(
        product->group, product->result, POINT_CONVERSION_UNCOMPRESSED, bytes, sizeof(bytes), NULL);

    if (length > 1)
        memcpy(ret_point, bytes, length);
    explicit_bzero(bytes, sizeof(bytes));
    return length > 1 ? length : 0;
}

uint32_t tls_nist_mul(unsigned char *point, size_t point_length, const unsigned char *scalar,
                      size_t scalar_length, int curve)
{
    int number = openssl_curve_number(curve);
    struct functions functions;
    struct product product;
    bool is_good;

    if (number == NID_undef || !functions_find(&functions))
        return br_ec_get_default()->mul(point, point_length, scalar, scalar_length, curve);
    if (point_length == 0 || point[0] != POINT_CONVERSION_UNCOMPRESSED) /* as BearSSL */
        return 0;
    is_good = product_begin(&functions, &product, number, scalar, scalar_length) &&
              functions.EC_POINT_oct2point(product.group, product.point, point, point_length,
                                           NULL) == 1 &&
              functions.EC_POINT_mul(product.group, product.result, NULL, product.point,
                                     product.scalar, NULL) == 1 &&
              result_write(&functions, &product, point) > 0;
    product_end(&functions, &product);
    return is_good ? 1 : 0;
}

size_t tls_nist_mulgen(unsigned char *ret_point, const unsigned char *scalar, size_t scalar_length,
                       int curve)
{
    int number = openssl_curve_number(curve);
    struct functions functions;
    struct product product;
    size_t length = 0;

    if (number != NID_undef && functions_find(&functions)) {
        if (product_begin(&functions, &product, number, scalar, scalar_length) &&
            functions.EC_POINT_mul(product.group, product.result, product.scalar, NULL, NULL,
                                   NULL) == 1)
            length = result_write(&functions, &product, ret_point);
        product_end(&functions, &product);
    }
    if (length > 0)
        return length;
    return br_ec_get_default()->mulgen(ret_point, scalar, scalar_length, curve);
}
