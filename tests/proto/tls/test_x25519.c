/* x25519 by libcrypto against BearSSL's, and both against RFC 7748: the same point for the same
 * scalar, whatever the two are; but what comes to zero is refused. The cases are those that
 * implementations have got wrong (as Wycheproof collects them): points of small order, on the twist
 * and beyond the field's prime, the highest bit, scalars at the edges. */

#include "proto/tls/ecdsa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

enum { BYTES = 32, ROUNDS = 200 };

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct ecdsa libcrypto;

static void hex_read(const char *text, unsigned char ret[BYTES])
{
    for (size_t i = 0; i < BYTES; i++) {
        static const char digits[] = "0123456789abcdef";

        ret[i] = (unsigned char)((strchr(digits, text[2 * i]) - digits) * 16 +
                                 (strchr(digits, text[2 * i + 1]) - digits));
    }
}

static bool by(const br_ec_impl *ec, unsigned char point[BYTES], const unsigned char *scalar,
               size_t length)
{
    return ec->mul(point, BYTES, scalar, length, BR_EC_curve25519) == 1;
}

static bool is_zero(const unsigned char point[BYTES])
{
    static const unsigned char zero[BYTES];

    return memcmp(point, zero, BYTES) == 0;
}

static void expect_same(const unsigned char point[BYTES], const unsigned char *scalar,
                        const char *what)
{
    unsigned char own[BYTES], other[BYTES];
    bool is_good;

    memcpy(own, point, BYTES);
    memcpy(other, point, BYTES);
    is_good = by(&libcrypto.ec, own, scalar, BYTES);
    assert_true(by(br_ec_get_default(), other, scalar, BYTES));
    if (is_good != !is_zero(other) || (is_good && memcmp(own, other, BYTES) != 0))
        fail_msg("another point, or none: %s", what);
}

/* RFC 7748, 5.2. */
static void test_vectors(void **state)
{
    static const char *const rows[][3] = {
        {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
         "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
         "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
        {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
         "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
         "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
        {"0900000000000000000000000000000000000000000000000000000000000000",
         "0900000000000000000000000000000000000000000000000000000000000000",
         "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned char scalar[BYTES], point[BYTES], wanted[BYTES];

        hex_read(rows[i][0], scalar);
        hex_read(rows[i][1], point);
        hex_read(rows[i][2], wanted);
        expect_same(point, scalar, "of RFC 7748");
        assert_true(by(&libcrypto.ec, point, scalar, BYTES));
        assert_memory_equal(point, wanted, BYTES);
    }
}

static const char *const points[] = {
    /* of small order: 0, 1, of order 8 twice, p - 1; and p, p + 1, which are 0 and 1 once more */
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    /* the same with the highest bit, which does not count */
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    /* the generator; 2, which is on the twist; and what is not reduced: p + 2, p + 9, 2^255 - 1 */
    "0900000000000000000000000000000000000000000000000000000000000000",
    "0200000000000000000000000000000000000000000000000000000000000000",
    "efffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

enum { POINTS_OF_SMALL_ORDER = 10 };

static const char *const scalars[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0700000000000000000000000000000000000000000000000000000000000080",
    "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", /* the order */
    "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
};

static void test_edges(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(points); i++) {
        for (size_t j = 0; j < COUNT(scalars); j++) {
            unsigned char point[BYTES], scalar[BYTES];

            hex_read(points[i], point);
            hex_read(scalars[j], scalar);
            expect_same(point, scalar, points[i]);
            if (i < POINTS_OF_SMALL_ORDER)
                assert_false(by(&libcrypto.ec, point, scalar, BYTES));
        }
    }
}

/* Each point is the scalar of the next one. */
static void test_rounds(void **state)
{
    unsigned char point[BYTES] = {9}, scalar[BYTES] = {0x40}, own[BYTES], other[BYTES];

    (void)state;
    for (size_t i = 0; i < ROUNDS; i++) {
        expect_same(point, scalar, "a round");
        assert_int_equal(libcrypto.ec.mulgen(own, scalar, BYTES, BR_EC_curve25519), BYTES);
        assert_int_equal(br_ec_get_default()->mulgen(other, scalar, BYTES, BR_EC_curve25519),
                         BYTES);
        assert_memory_equal(own, other, BYTES);
        assert_true(by(&libcrypto.ec, point, scalar, BYTES));
        memcpy(scalar, point, BYTES);
        point[i % BYTES] ^= (unsigned char)i;
    }
}

/* What it does not do is BearSSL's, as before. */
static void test_others(void **state)
{
    unsigned char scalar[BYTES + 1] = {1}, point[65] = {4}, own[65], other[65];

    (void)state;
    assert_int_equal(libcrypto.ec.mulgen(own, scalar, BYTES - 7, BR_EC_curve25519), BYTES);
    assert_int_equal(br_ec_get_default()->mulgen(other, scalar, BYTES - 7, BR_EC_curve25519),
                     BYTES);
    assert_memory_equal(own, other, BYTES);
    assert_int_equal(libcrypto.ec.mul(point, BYTES - 1, scalar, BYTES, BR_EC_curve25519), 0);
    assert_int_equal(libcrypto.ec.mul(point, BYTES, scalar, BYTES + 1, BR_EC_curve25519), 0);
    assert_int_equal(libcrypto.ec.mulgen(own, scalar, BYTES, BR_EC_secp256r1), 65);
    assert_int_equal(br_ec_get_default()->mulgen(other, scalar, BYTES, BR_EC_secp256r1), 65);
    assert_memory_equal(own, other, 65);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_others),
    };

    if (!tls_ecdsa_open(&libcrypto))
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
