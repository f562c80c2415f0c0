/* ECDSA by libcrypto against BearSSL's: whatever the signature, the answer is the same, but for
 * what is not DER. The cases are those that implementations have got wrong (as Wycheproof collects
 * them): numbers at and beyond the edges, hashes of other lengths, points that are none. */

#include "proto/tls/ecdsa.h"
#include "proto/tls/tls.h"
#include "tests/lib/tls/starving.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CURVES = 3, POINT_BYTES_MAX = 133, SIGNATURE_BYTES_MAX = 160, HASH_BYTES_MAX = 64 };

static const struct curve {
    const char *name;
    int number;
} curves[CURVES] = {
    {"P-256", BR_EC_secp256r1},
    {"P-384", BR_EC_secp384r1},
    {"P-521", BR_EC_secp521r1},
};

static BIGNUM *order_of(const struct curve *curve)
{
    size_t length;
    const unsigned char *bytes = br_ec_get_default()->order(curve->number, &length);
    BIGNUM *order = BN_bin2bn(bytes, (int)length, NULL);

    assert_non_null(order);
    return order;
}

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
            edges[i] = order_of(&curves[c]);
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

/* A good signature's numbers in another dress: s may be what it lacks of the order, which anybody
 * can make of it; r and s beyond the order are the same numbers to who reduces them, and no
 * signature; and with the zero left out before its highest bit a number of DER is negative. */
static void test_dress(void **state)
{
    (void)state;
    for (size_t c = 0; c < CURVES; c++) {
        struct bench bench = bench_make(&curves[c], 32), odd = bench;
        const unsigned char *at = bench.signature;
        ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)bench.length);
        BIGNUM *order = order_of(&curves[c]), *number = BN_new();
        const BIGNUM *r = ECDSA_SIG_get0_r(signature), *s = ECDSA_SIG_get0_s(signature);

        assert_true(BN_sub(number, order, s));
        numbers_set(&odd, r, number);
        expect(&odd, true, "the order less s");
        assert_true(BN_add(number, r, order));
        numbers_set(&odd, number, s);
        expect(&odd, false, "r and the order");
        assert_true(BN_add(number, s, order));
        numbers_set(&odd, r, number);
        expect(&odd, false, "s and the order");
        numbers_set(&odd, s, r);
        expect(&odd, false, "the other way round");
        BN_free(number);
        BN_free(order);
        ECDSA_SIG_free(signature);
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

/* --- signing ---------------------------------------------------------------------------------- */

enum { SCALAR_BYTES_MAX = 68 };

struct secret {
    unsigned char bytes[SCALAR_BYTES_MAX];
    br_ec_private_key key;
};

/* The order and some, or, where some is not negative, that number; zeros before it. */
static void secret_make(const struct curve *curve, int some, size_t zeros, struct secret *ret)
{
    BIGNUM *number = order_of(curve);
    int bytes = BN_num_bytes(number);

    assert_true(some < 0 ? BN_sub_word(number, (BN_ULONG)-some)
                         : BN_set_word(number, (BN_ULONG)some));
    assert_true(BN_bn2binpad(number, ret->bytes, bytes + (int)zeros) >= 0);
    ret->key = (br_ec_private_key){curve->number, ret->bytes, (size_t)bytes + zeros};
    BN_free(number);
}

static void bench_for(const struct curve *curve, const struct secret *secret, size_t hash_length,
                      struct bench *ret_bench)
{
    *ret_bench = (struct bench){.curve = curve, .hash_length = hash_length};
    for (size_t i = 0; i < hash_length; i++)
        ret_bench->hash[i] = (unsigned char)(9 + 11 * i);
    ret_bench->point_length =
        br_ec_compute_pub(&libcrypto.ec, NULL, ret_bench->point, &secret->key);
    assert_true(ret_bench->point_length > 0);
}

static const br_hash_class *const classes[] = {&br_sha1_vtable, &br_sha256_vtable,
                                               &br_sha384_vtable, &br_sha512_vtable};

static size_t sign_by(br_ecdsa_sign signs, const br_hash_class *class, const br_ec_private_key *key,
                      struct bench *bench)
{
    bench->length = signs(&libcrypto.ec, class, bench->hash, key, bench->signature);
    return bench->length;
}

static void sign_check(const struct curve *curve, const struct secret *secret)
{
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        struct bench bench, again;
        struct ecdsa_signer signer;

        bench_for(curve, secret, (size_t[]){20, 32, 48, 64}[i], &bench);
        again = bench;
        tls_ecdsa_signer_open(&signer, &libcrypto, &secret->key);
        assert_non_null(signer.own);
        assert_true(sign_by(tls_ecdsa_sign, classes[i], &signer.key, &bench) > 0);
        assert_true(sign_by(tls_ecdsa_sign, classes[i], &signer.key, &again) > 0);
        expect(&bench, true, "signed by libcrypto");
        expect(&again, true, "signed by libcrypto once more");
        assert_memory_not_equal(bench.signature, again.signature, bench.length);
        assert_true(sign_by(br_ecdsa_sign_asn1_get_default(), classes[i], &secret->key, &again) >
                    0);
        expect(&again, true, "signed by BearSSL");
        bench.hash[0] ^= 1;
        expect(&bench, false, "signed by libcrypto, another hash");
        tls_ecdsa_signer_close(&signer, &libcrypto);
        assert_null(signer.own);
    }
}

static void test_sign(void **state)
{
    (void)state;
    for (size_t c = 0; c < CURVES; c++) {
        struct secret secret;

        secret_make(&curves[c], -12345, 0, &secret);
        sign_check(&curves[c], &secret);
        secret_make(&curves[c], 77, 0, &secret);
        sign_check(&curves[c], &secret);
    }
}

/* From 1 to the order less 1, however it is written. */
static void test_sign_edges(void **state)
{
    static const struct {
        int some;
        size_t zeros;
    } rows[] = {{1, 0}, {2, 0}, {-1, 0}, {-2, 0}, {3, 1}, {-1, 2}};

    (void)state;
    for (size_t c = 0; c < CURVES; c++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct ecdsa_signer signer;
            struct secret secret;
            struct bench bench;

            secret_make(&curves[c], rows[i].some, rows[i].zeros, &secret);
            bench_for(&curves[c], &secret, 32, &bench);
            tls_ecdsa_signer_open(&signer, &libcrypto, &secret.key);
            assert_non_null(signer.own);
            assert_true(sign_by(tls_ecdsa_sign, &br_sha256_vtable, &signer.key, &bench) > 0);
            expect(&bench, true, "a key at the edge");
            tls_ecdsa_signer_close(&signer, &libcrypto);
        }
    }
}

/* Zero, the order, more than that: neither signs with what is no key. */
static void test_no_key(void **state)
{
    (void)state;
    for (size_t c = 0; c < CURVES; c++) {
        for (int row = 0; row < 5; row++) {
            struct ecdsa_signer signer;
            struct secret secret;
            struct bench bench = {.curve = &curves[c], .hash_length = 32};

            secret_make(&curves[c], row == 0 ? 0 : -1, row == 4 ? 1 : 0, &secret);
            if (row == 1 || row == 2)
                secret.bytes[secret.key.xlen - 1] =
                    (unsigned char)(secret.bytes[secret.key.xlen - 1] + row);
            if (row == 3)
                memset(secret.bytes, 0xff, secret.key.xlen);
            if (row == 4)
                secret.bytes[0] = 1;
            tls_ecdsa_signer_open(&signer, &libcrypto, &secret.key);
            assert_null(signer.own);
            if (row < 4)
                assert_int_equal(sign_by(tls_ecdsa_sign, &br_sha256_vtable, &signer.key, &bench),
                                 0);
        }
    }
}

/* --- certificates ----------------------------------------------------------------------------- */

static bool is_taken(void *arithmetic, const struct bench *bench)
{
    const struct certificate_signature signature = {
        .scheme = CERTIFICATE_SCHEME_ECDSA,
        .hash = CERTIFICATE_HASH_SHA256,
        .value = {(const char *)bench->signature, bench->length},
        .tbs = SPAN("abc")};
    const struct certificate_key key = {.kind = CERTIFICATE_KEY_EC,
                                        .curve = (enum certificate_curve)bench->curve->number,
                                        .point = {(const char *)bench->point, bench->point_length}};

    return tls_check_signature(arithmetic, &signature, &key);
}

static void expect_either(const struct bench *bench, bool is_good, const char *what)
{
    bool own = is_taken(&libcrypto.ec, bench), other = is_taken(NULL, bench);

    if (own != is_good || other != is_good)
        fail_msg("%s, %s: %d by libcrypto, %d by BearSSL", bench->curve->name, what, (int)own,
                 (int)other);
}

/* Signatures whose first number has a zero before it, so that it can be left out. */
static void bench_with_zero(const struct curve *curve, struct bench *ret_bench)
{
    struct ecdsa_signer signer;
    br_sha256_context context;
    struct secret secret;

    secret_make(curve, -4321, 0, &secret);
    bench_for(curve, &secret, 32, ret_bench);
    br_sha256_init(&context);
    br_sha256_update(&context, "abc", 3);
    br_sha256_out(&context, ret_bench->hash);
    tls_ecdsa_signer_open(&signer, &libcrypto, &secret.key);
    do
        assert_true(sign_by(tls_ecdsa_sign, &br_sha256_vtable, &signer.key, ret_bench) > 0);
    while (ret_bench->signature[4] != 0);
    tls_ecdsa_signer_close(&signer, &libcrypto);
}

/* Whoever computes, the same certificates are taken: those whose signature is DER. */
static void test_either(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2; c++) {
        struct bench bench, odd;

        bench_with_zero(&curves[c], &bench);
        expect_either(&bench, true, "DER");
        odd = bench;
        memmove(odd.signature + 4, odd.signature + 5, bench.length - 5);
        odd.length--;
        odd.signature[1]--;
        odd.signature[3]--;
        expect_either(&odd, false, "a negative number");
        odd = bench;
        memmove(odd.signature + 5, odd.signature + 4, bench.length - 4);
        odd.length++;
        odd.signature[1]++;
        odd.signature[3]++;
        expect_either(&odd, false, "a zero too many");
        odd = bench;
        odd.signature[odd.length++] = 0;
        expect_either(&odd, false, "something behind it");
        odd.signature[1]++;
        expect_either(&odd, false, "something behind its numbers");
        odd = bench;
        memmove(odd.signature + 3, odd.signature + 2, bench.length - 2);
        odd.signature[1] = 0x81;
        odd.signature[2] = (unsigned char)(bench.length - 2);
        odd.length++;
        expect_either(&odd, false, "a length that is longer than it need be");
        odd = bench;
        odd.signature[0] = 0x31;
        expect_either(&odd, false, "a set");
        odd.length = 0;
        expect_either(&odd, false, "empty");
    }
}

/* Nothing is handed out but a signature. */
static void test_no_memory(void **state)
{
    (void)state;
    for (size_t c = 0; c < CURVES; c++) {
        for (int once = 0; once < 2; once++) {
            bool was_refused = true;

            for (unsigned left = 0; was_refused; left++) {
                struct ecdsa_signer signer;
                struct secret secret;
                struct bench bench;

                secret_make(&curves[c], -999, 0, &secret);
                bench_for(&curves[c], &secret, 32, &bench);
                starving_set(left, once == 1);
                tls_ecdsa_signer_open(&signer, &libcrypto, &secret.key);
                sign_by(tls_ecdsa_sign, &br_sha256_vtable, &signer.key, &bench);
                tls_ecdsa_signer_close(&signer, &libcrypto);
                was_refused = starving_end();
                if (bench.length > 0)
                    expect(&bench, true, "signed with little memory");
                assert_true(bench.length > 0 || was_refused);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_and_spoilt),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_dress),
        cmocka_unit_test(test_not_der),
        cmocka_unit_test(test_sign),
        cmocka_unit_test(test_sign_edges),
        cmocka_unit_test(test_no_key),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_either),
    };

    if (!starving_begin() || !tls_ecdsa_open(&libcrypto))
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
