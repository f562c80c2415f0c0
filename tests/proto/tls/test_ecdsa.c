/* ECDSA by libcrypto against BearSSL's: whatever the signature, the answer is the same, but for
 * what is not DER. The cases are those that implementations have got wrong (as Wycheproof collects
 * them): numbers at and beyond the edges, hashes of other lengths, points that are none. */

#include "proto/tls/ecdsa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CURVES = 3, POINT_BYTES_MAX = 133, SIGNATURE_BYTES_MAX = 160, HASH_BYTES_MAX = 64 };

static const struct curve {
    const char *name;
    int number;
    const char *order; /* of its group, in hexadecimal */
} curves[CURVES] = {
    {"P-256", BR_EC_secp256r1, "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"},
    {"P-384", BR_EC_secp384r1,
     "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52"
     "973"},
    {"P-521", BR_EC_secp521r1,
     "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC014"
     "8F7"
     "09A5D03BB5C9B8899C47AEBB6FB71E91386409"},
};

/* What is checked. */
struct bench {
    const struct curve *curve;
    unsigned char point[POINT_BYTES_MAX];
    size_t point_length;
    unsigned char hash[HASH_BYTES_MAX];
    size_t hash_length;
    unsigned char signature[SIGNATURE_BYTES_MAX];
    size_t length;
};

static void sign(struct bench *bench, EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);

    bench->length = sizeof(bench->signature);
    assert_true(EVP_PKEY_sign_init(context) == 1 &&
                EVP_PKEY_sign(context, bench->signature, &bench->length, bench->hash,
                              bench->hash_length) == 1);
    EVP_PKEY_CTX_free(context);
}

static struct bench bench_make(const struct curve *curve, size_t hash_length)
{
    EVP_PKEY *key = EVP_EC_gen(curve->name);
    struct bench bench = {.curve = curve, .hash_length = hash_length};

    assert_true(key != NULL &&
                EVP_PKEY_get_octet_string_param(key, "pub", bench.point, sizeof(bench.point),
                                                &bench.point_length) == 1);
    for (size_t i = 0; i < hash_length; i++)
        bench.hash[i] = (unsigned char)(255 - 3 * i);
    sign(&bench, key);
    EVP_PKEY_free(key);
    return bench;
}

static struct ecdsa libcrypto;

static bool by(br_ecdsa_vrfy verify, struct bench *bench)
{
    const br_ec_public_key key = {bench->curve->number, bench->point, bench->point_length};

    return verify(&libcrypto.ec, bench->hash, bench->hash_length, &key, bench->signature,
                  bench->length) == 1;
}

static void expect(struct bench *bench, bool is_good, const char *what)
{
    bool other = by(br_ecdsa_vrfy_asn1_get_default(), bench);
    bool own = by(tls_ecdsa_verify, bench);

    if (own != is_good || other != is_good)
        fail_msg("%s, %s: %d by libcrypto, %d by BearSSL", bench->curve->name, what, (int)own,
                 (int)other);
}

/* A number of a signature, as DER has it. */
static void number_add(struct bench *bench, const BIGNUM *number)
{
    unsigned char bytes[80] = {0};
    size_t length = (size_t)BN_bn2bin(number, bytes + 1), skip = 1;
    unsigned char *at = bench->signature + bench->length;

    if (length == 0 || bytes[1] >= 0x80) {
        skip = 0;
        length++;
    }
    *at++ = 0x02;
    *at++ = (unsigned char)length;
    memcpy(at, bytes + skip, length);
    bench->length += 2 + length;
}

static void numbers_set(struct bench *bench, const BIGNUM *r, const BIGNUM *s)
{
    unsigned char *bytes = bench->signature;
    size_t length;

    bench->length = 0;
    number_add(bench, r);
    number_add(bench, s);
    length = bench->length;
    memmove(bytes + (length < 128 ? 2 : 3), bytes, length);
    bytes[0] = 0x30;
    bytes[1] = length < 128 ? (unsigned char)length : 0x81;
    if (length >= 128)
        bytes[2] = (unsigned char)length;
    bench->length = length + (length < 128 ? 2 : 3);
}

static void test_good_and_spoilt(void **state)
{
    static const size_t hashes[] = {20, 32, 48, 64};

    (void)state;
    for (size_t c = 0; c < CURVES; c++) {
        for (size_t h = 0; h < sizeof(hashes) / sizeof(hashes[0]); h++) {
            struct bench bench = bench_make(&curves[c], hashes[h]), spoilt;

            expect(&bench, true, "as it was made");
            spoilt = bench;
            spoilt.hash[0] ^= 1;
            expect(&spoilt, false, "another hash");
            spoilt = bench;
            spoilt.signature[bench.length - 1] ^= 1;
            expect(&spoilt, false, "another s");
            spoilt = bench;
            spoilt.point[bench.point_length - 1] ^= 1;
            expect(&spoilt, false, "a point that is not on the curve");
            spoilt = bench;
            spoilt.point[0] = 0;
            expect(&spoilt, false, "a point of no form");
            spoilt = bench;
            spoilt.point_length--;
            expect(&spoilt, false, "a point cut short");
            spoilt = bench;
            spoilt.length--;
            expect(&spoilt, false, "a signature cut short");
            spoilt = bench;
            spoilt.length = 0;
            expect(&spoilt, false, "no signature");
            spoilt = bench;
            spoilt.curve = &curves[(c + 1) % CURVES];
            expect(&spoilt, false, "another curve");
        }
    }
}

/* r and s from 1 to the order less 1, and nothing else. */
static void test_edges(void **state)
{
    (void)state;
    for (size_t c = 0; c < CURVES; c++) {
        struct bench bench = bench_make(&curves[c], 32);
        BIGNUM *edges[5] = {BN_new(), BN_new(), NULL, NULL, NULL};

        assert_true(BN_set_word(edges[0], 0) && BN_set_word(edges[1], 1));
        for (size_t i = 2; i < 5; i++)
            assert_true(BN_hex2bn(&edges[i], curves[c].order) > 0);
        assert_true(BN_sub_word(edges[2], 1) && BN_add_word(edges[4], 1));
        for (size_t r = 0; r < 5; r++) {
            for (size_t s = 0; s < 5; s++) {
                numbers_set(&bench, edges[r], edges[s]);
                expect(&bench, false, "numbers at the edges");
            }
        }
        for (size_t i = 0; i < 5; i++)
            BN_free(edges[i]);
    }
}

/* What BearSSL overlooks: it is DER that RFC 3279, 2.2.3, asks for. */
static void test_not_der(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2; c++) {
        struct bench bench = bench_make(&curves[c], 32), odd = bench;

        odd.signature[odd.length++] = 0;
        assert_false(by(tls_ecdsa_verify, &odd)); /* something behind it */
        odd = bench;
        memmove(odd.signature + 3, odd.signature + 2, bench.length - 2);
        odd.signature[2] = odd.signature[1];
        odd.signature[1] = 0x81;
        odd.length++;
        assert_false(by(tls_ecdsa_verify, &odd)); /* a length that is longer than it need be */
        assert_true(by(tls_ecdsa_verify, &bench));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_and_spoilt),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_not_der),
    };

    if (!tls_ecdsa_open(&libcrypto))
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
