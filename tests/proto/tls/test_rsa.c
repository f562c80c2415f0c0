/* RSA signatures (PKCS#1 v1.5) by libcrypto against BearSSL's check: the same answer and the same
 * hash, whatever is in the signature. Each is made by raising a block of our own to the private
 * exponent, so that what is wrong in it is what the row says and nothing else. The cases are those
 * that implementations have got wrong (as Wycheproof collects them). Signing is deterministic: both
 * make the same bytes. */

#include "proto/tls/ecdsa.h"
#include "proto/tls/rsa.h"
#include "proto/tls/tls.h"
#include "tests/lib/tls/starving.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <string.h>

enum { BYTES_MAX = 512, HASH_BYTES = 32 };

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* What stands before a SHA-256. */
static const unsigned char with_null[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                          0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                          0x01, 0x05, 0x00, 0x04, 0x20};
static const unsigned char without_null[] = {0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48,
                                             0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x04, 0x20};
/* BER, not DER: a length of two bytes where one does */
static const unsigned char long_form[] = {0x30, 0x81, 0x31, 0x30, 0x0d, 0x06, 0x09,
                                          0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
                                          0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
static const unsigned char of_sha1[] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
                                        0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};
static const unsigned char with_rubbish[] = {0x30, 0x33, 0x30, 0x0f, 0x06, 0x09, 0x60,
                                             0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                             0x01, 0x05, 0x02, 0xaa, 0xbb, 0x04, 0x20};

struct pair {
    EVP_PKEY *key;
    unsigned char n[BYTES_MAX + 1], e[8]; /* n with a zero before it */
    size_t n_length, e_length;
};

static struct pair pair_make(unsigned bits, unsigned exponent)
{
    struct pair pair = {0};
    BIGNUM *e = BN_new(), *n = NULL, *own_e = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);

    assert_true(BN_set_word(e, exponent) && EVP_PKEY_keygen_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)bits) == 1 &&
                EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, e) == 1 &&
                EVP_PKEY_keygen(context, &pair.key) == 1 &&
                EVP_PKEY_get_bn_param(pair.key, "n", &n) == 1 &&
                EVP_PKEY_get_bn_param(pair.key, "e", &own_e) == 1);
    pair.n_length = (size_t)BN_bn2bin(n, pair.n + 1);
    pair.e_length = (size_t)BN_bn2bin(own_e, pair.e);
    BN_free(e);
    BN_free(n);
    BN_free(own_e);
    EVP_PKEY_CTX_free(context);
    return pair;
}

/* block to the private exponent. */
static void raise(const struct pair *pair, const unsigned char *block, unsigned char *ret_value)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair->key, NULL);
    size_t length = pair->n_length;

    assert_true(EVP_PKEY_decrypt_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context, 3 /* none */) == 1 &&
                EVP_PKEY_decrypt(context, ret_value, &length, block, pair->n_length) == 1);
    EVP_PKEY_CTX_free(context);
}

static void hash_fill(unsigned char *hash)
{
    for (size_t i = 0; i < HASH_BYTES; i++)
        hash[i] = (unsigned char)(200 - 7 * i);
}

/* 0, 1, bytes of 0xff, 0, prefix, hash and what is behind it. */
static void block_make(const struct pair *pair, const unsigned char *prefix, size_t length,
                       size_t behind, unsigned char *ret_block)
{
    unsigned char hash[HASH_BYTES];
    size_t info = length + HASH_BYTES + behind;

    hash_fill(hash);
    memset(ret_block, 0xff, pair->n_length);
    ret_block[0] = 0;
    ret_block[1] = 1;
    ret_block[pair->n_length - info - 1] = 0;
    memcpy(ret_block + pair->n_length - info, prefix, length);
    memcpy(ret_block + pair->n_length - info + length, hash, HASH_BYTES);
}

static void expect_of(const struct pair *pair, const unsigned char *value, size_t length,
                      const unsigned char *oid, bool is_good, const char *what)
{
    unsigned char own[HASH_BYTES] = {0}, other[HASH_BYTES] = {0}, hash[HASH_BYTES];

    for (size_t zero = 0; zero < 2; zero++) {
        const br_rsa_public_key key = {(unsigned char *)(uintptr_t)pair->n + zero,
                                       pair->n_length + 1 - zero,
                                       (unsigned char *)(uintptr_t)pair->e, pair->e_length};
        bool by_own = tls_rsa_verify(value, length, oid, HASH_BYTES, &key, own) == 1;
        bool by_other =
            br_rsa_pkcs1_vrfy_get_default()(value, length, oid, HASH_BYTES, &key, other) == 1;

        if (by_own != is_good || by_other != is_good)
            fail_msg("%zu bits, %s: %d by libcrypto, %d by BearSSL", 8 * pair->n_length, what,
                     (int)by_own, (int)by_other);
        hash_fill(hash);
        if (is_good)
            assert_true(memcmp(own, hash, HASH_BYTES) == 0 && memcmp(other, hash, HASH_BYTES) == 0);
    }
}

static void expect(const struct pair *pair, const unsigned char *block, bool is_good,
                   const char *what)
{
    unsigned char value[BYTES_MAX];

    raise(pair, block, value);
    expect_of(pair, value, pair->n_length, BR_HASH_OID_SHA256, is_good, what);
}

static void blocks_check(const struct pair *pair)
{
    static const struct {
        const unsigned char *prefix;
        size_t length, behind;
        bool is_good;
        const char *what;
    } rows[] = {
        {with_null, sizeof(with_null), 0, true, "as it should be"},
        {without_null, sizeof(without_null), 0, true, "parameters that are not there"},
        {long_form, sizeof(long_form), 0, false, "a length in its long form"},
        {of_sha1, sizeof(of_sha1), 0, false, "of another hash"},
        {with_rubbish, sizeof(with_rubbish), 0, false, "parameters that are rubbish"},
        {with_null, sizeof(with_null) - 1, 0, false, "a prefix cut short"},
        {with_null, sizeof(with_null), 1, false, "something behind the hash"},
        {with_null, sizeof(with_null), 40, false, "much behind the hash"},
        {with_null, 0, 0, false, "the hash alone"},
    };
    unsigned char block[BYTES_MAX];

    for (size_t i = 0; i < COUNT(rows); i++) {
        block_make(pair, rows[i].prefix, rows[i].length, rows[i].behind, block);
        expect(pair, block, rows[i].is_good, rows[i].what);
    }
}

static void padding_check(const struct pair *pair)
{
    unsigned char block[BYTES_MAX];
    static const struct {
        size_t at;
        unsigned char byte;
        const char *what;
    } rows[] = {
        {1, 2, "padding of the other type"},
        {1, 0, "padding of no type"},
        {2, 0, "no padding"},
        {2, 0xfe, "padding with another byte"},
        {10, 0x00, "an end of padding before its time"},
        {11, 0x7f, "padding with another byte in it"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        block_make(pair, with_null, sizeof(with_null), 0, block);
        block[rows[i].at] = rows[i].byte;
        expect(pair, block, false, rows[i].what);
    }
    block_make(pair, with_null, sizeof(with_null), 0, block);
    block[pair->n_length - sizeof(with_null) - HASH_BYTES - 1] = 0xff;
    expect(pair, block, false, "padding without its end");
}

static void numbers_check(const struct pair *pair)
{
    unsigned char block[BYTES_MAX], value[BYTES_MAX + 1] = {0};
    struct pair odd = *pair;

    block_make(pair, with_null, sizeof(with_null), 0, block);
    raise(pair, block, value + 1);
    expect_of(pair, value, pair->n_length + 1, BR_HASH_OID_SHA256, false, "a zero before it");
    expect_of(pair, value + 1, pair->n_length - 1, BR_HASH_OID_SHA256, false, "cut short");
    expect_of(pair, value + 1, 0, BR_HASH_OID_SHA256, false, "empty");
    expect_of(pair, value + 1, pair->n_length, BR_HASH_OID_SHA384, false, "asked for SHA-384");
    expect_of(pair, pair->n + 1, pair->n_length, BR_HASH_OID_SHA256, false, "the modulus itself");
    memset(value, 0xff, sizeof(value));
    expect_of(pair, value, pair->n_length, BR_HASH_OID_SHA256, false, "more than the modulus");
    memset(value, 0, sizeof(value));
    expect_of(pair, value, pair->n_length, BR_HASH_OID_SHA256, false, "zero");
    value[pair->n_length - 1] = 1;
    expect_of(pair, value, pair->n_length, BR_HASH_OID_SHA256, false, "one");
    raise(pair, block, value);
    odd.n[5] ^= 1;
    expect_of(&odd, value, pair->n_length, BR_HASH_OID_SHA256, false, "another modulus");
    odd = *pair;
    odd.e[0] ^= 2;
    expect_of(&odd, value, pair->n_length, BR_HASH_OID_SHA256, false, "another exponent");
    odd.e[0] = 0;
    expect_of(&odd, value, pair->n_length, BR_HASH_OID_SHA256, false, "an exponent of zero");
    odd.e[0] = 1;
    odd.e_length = 1;
    expect_of(&odd, value, pair->n_length, BR_HASH_OID_SHA256, false, "another value to one");
    odd = *pair;
    odd.n[odd.n_length] &= 0xfe;
    expect_of(&odd, value, pair->n_length, BR_HASH_OID_SHA256, false, "an even modulus");
}

static void test_rsa(void **state)
{
    static const struct {
        unsigned bits, exponent;
    } rows[] = {{1024, 65537}, {1025, 65537}, {1032, 3},     {2048, 65537},
                {2048, 3},     {2049, 17},    {3072, 65537}, {4096, 3}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pair pair = pair_make(rows[i].bits, rows[i].exponent);

        blocks_check(&pair);
        padding_check(&pair);
        numbers_check(&pair);
        EVP_PKEY_free(pair.key);
    }
}

/* A block as it should be, with 1 for an exponent: it is its own signature, so that anybody can
 * make one. Both take it as what it is; what keys a certificate may have is for proto/x509 to say.
 */
static void test_exponent_of_one(void **state)
{
    struct pair pair = pair_make(2048, 3);
    unsigned char block[BYTES_MAX];

    (void)state;
    pair.e[0] = 1;
    block_make(&pair, with_null, sizeof(with_null), 0, block);
    expect_of(&pair, block, pair.n_length, BR_HASH_OID_SHA256, true, "its own signature");
    block_make(&pair, with_null, sizeof(with_null), 40, block);
    expect_of(&pair, block, pair.n_length, BR_HASH_OID_SHA256, false, "with rubbish behind it");
    EVP_PKEY_free(pair.key);
}

/* More than is worked with, and what is no number at all. */
static void test_lengths(void **state)
{
    struct pair pair = pair_make(1024, 65537);
    unsigned char block[BYTES_MAX], value[BYTES_MAX];
    static unsigned char large[BYTES_MAX + 8];
    unsigned char hash[HASH_BYTES];
    br_rsa_public_key key = {large, sizeof(large), pair.e, pair.e_length};

    (void)state;
    memset(large, 0xff, sizeof(large));
    assert_int_equal(
        tls_rsa_verify(large, sizeof(large), BR_HASH_OID_SHA256, HASH_BYTES, &key, hash), 0);
    block_make(&pair, with_null, sizeof(with_null), 0, block);
    raise(&pair, block, value);
    memset(pair.n, 0, sizeof(pair.n));
    expect_of(&pair, value, pair.n_length, BR_HASH_OID_SHA256, false, "a modulus of zero");
    pair.n[pair.n_length] = 1;
    expect_of(&pair, value, pair.n_length, BR_HASH_OID_SHA256, false, "a modulus of one");
    EVP_PKEY_free(pair.key);
}

/* --- signing ---------------------------------------------------------------------------------- */

enum { FACTOR_BYTES_MAX = BYTES_MAX / 2 + 1 };

/* As BearSSL has it, over bytes; each with zeros before it, or without. */
struct secret {
    unsigned char bytes[5][FACTOR_BYTES_MAX];
    br_rsa_private_key key;
};

static void factor_read(EVP_PKEY *pair, const char *name, unsigned char *bytes, size_t zeros,
                        unsigned char **ret_bytes, size_t *ret_length)
{
    BIGNUM *number = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(pair, name, &number), 1);
    *ret_bytes = bytes;
    *ret_length = (size_t)BN_num_bytes(number) + zeros;
    assert_true(*ret_length <= FACTOR_BYTES_MAX);
    assert_true(BN_bn2binpad(number, bytes, (int)*ret_length) >= 0);
    BN_clear_free(number);
}

static void secret_read(const struct pair *pair, size_t zeros, struct secret *ret)
{
    br_rsa_private_key *key = &ret->key;

    key->n_bitlen = (uint32_t)EVP_PKEY_get_bits(pair->key);
    factor_read(pair->key, "rsa-factor1", ret->bytes[0], zeros, &key->p, &key->plen);
    factor_read(pair->key, "rsa-factor2", ret->bytes[1], zeros, &key->q, &key->qlen);
    factor_read(pair->key, "rsa-exponent1", ret->bytes[2], zeros, &key->dp, &key->dplen);
    factor_read(pair->key, "rsa-exponent2", ret->bytes[3], zeros, &key->dq, &key->dqlen);
    factor_read(pair->key, "rsa-coefficient1", ret->bytes[4], zeros, &key->iq, &key->iqlen);
}

static br_rsa_public_key public_of(const struct pair *pair)
{
    return (br_rsa_public_key){(unsigned char *)(uintptr_t)pair->n + 1, pair->n_length,
                               (unsigned char *)(uintptr_t)pair->e, pair->e_length};
}

static const struct digest {
    const unsigned char *oid;
    size_t length;
} digests[] = {
    {NULL, 36}, /* MD5 and SHA-1, before TLS 1.2 */
    {BR_HASH_OID_SHA1, 20},
    {BR_HASH_OID_SHA256, 32},
    {BR_HASH_OID_SHA384, 48},
    {BR_HASH_OID_SHA512, 64},
};

static bool sign_by(br_rsa_pkcs1_sign sign, const struct digest *digest,
                    const br_rsa_private_key *key, unsigned char value[BYTES_MAX])
{
    unsigned char hash[64];

    for (size_t i = 0; i < sizeof(hash); i++)
        hash[i] = (unsigned char)(i * 5 + 1);
    memset(value, 0xa5, BYTES_MAX);
    return sign(digest->oid, hash, digest->length, key, value) == 1;
}

static void expect_same_values(const struct rsa_signer *signer, size_t bytes)
{
    unsigned char own[BYTES_MAX], other[BYTES_MAX];

    for (size_t i = 0; i < COUNT(digests); i++) {
        bool fits = bytes >= digests[i].length + 19 + 11;

        assert_int_equal(sign_by(tls_rsa_sign, &digests[i], &signer->key, own), fits);
        assert_int_equal(sign_by(br_rsa_pkcs1_sign_get_default(), &digests[i], &signer->key, other),
                         fits);
        if (fits)
            assert_memory_equal(own, other, BYTES_MAX);
    }
}

/* Every length of a modulus, also such as are no whole bytes. */
static void test_sign(void **state)
{
    static const struct {
        unsigned bits, exponent;
    } rows[] = {{1024, 65537}, {1025, 65537}, {1031, 3},     {2048, 65537},
                {2048, 3},     {2056, 17},    {3072, 65537}, {4096, 65537}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pair pair = pair_make(rows[i].bits, rows[i].exponent);
        br_rsa_public_key public_key = public_of(&pair);

        for (size_t zeros = 0; zeros < 2; zeros++) {
            struct rsa_signer signer;
            struct secret secret;

            if (zeros > 0 && rows[i].bits > 4000)
                continue;
            secret_read(&pair, zeros, &secret);
            tls_rsa_signer_open(&signer, &secret.key, &public_key);
            assert_non_null(signer.own);
            expect_same_values(&signer, pair.n_length);
            expect_same_values(&signer, pair.n_length); /* blinded anew */
            tls_rsa_signer_close(&signer);
            assert_null(signer.own);
        }
        EVP_PKEY_free(pair.key);
    }
}

/* A fault in one half of the computation makes a signature that gives the key away. */
static void test_fault(void **state)
{
    struct pair pair = pair_make(2048, 65537);
    br_rsa_public_key public_key = public_of(&pair);
    unsigned char right[BYTES_MAX], own[BYTES_MAX], other[BYTES_MAX];
    struct secret secret;

    (void)state;
    for (size_t i = 2; i < 5; i++) {
        struct rsa_signer signer;

        secret_read(&pair, 0, &secret);
        assert_true(sign_by(br_rsa_pkcs1_sign_get_default(), &digests[2], &secret.key, right));
        secret.bytes[i][100] ^= 4;
        tls_rsa_signer_open(&signer, &secret.key, &public_key);
        assert_non_null(signer.own);
        if (sign_by(tls_rsa_sign, &digests[2], &signer.key, own))
            assert_memory_equal(own, right, pair.n_length);
        assert_true(sign_by(br_rsa_pkcs1_sign_get_default(), &digests[2], &secret.key, other));
        assert_memory_not_equal(other, right, pair.n_length);
        tls_rsa_signer_close(&signer);
    }
    EVP_PKEY_free(pair.key);
}

/* Whom libcrypto cannot serve, BearSSL does. */
static void test_others(void **state)
{
    struct pair pair = pair_make(1024, 65537);
    br_rsa_public_key public_key = public_of(&pair);
    unsigned char large[] = {1, 0, 1, 0, 1}, even[] = {2}, one[] = {1};
    const struct {
        unsigned char *e;
        size_t length;
    } rows[] = {{large, sizeof(large)}, {even, 1}, {one, 1}, {one, 0}};
    struct rsa_signer signer;
    struct secret secret;

    (void)state;
    secret_read(&pair, 0, &secret);
    for (size_t i = 0; i < COUNT(rows); i++) {
        public_key.e = rows[i].e;
        public_key.elen = rows[i].length;
        tls_rsa_signer_open(&signer, &secret.key, &public_key);
        assert_null(signer.own);
        expect_same_values(&signer, pair.n_length);
        tls_rsa_signer_close(&signer);
    }
    public_key = public_of(&pair);
    public_key.nlen--;
    tls_rsa_signer_open(&signer, &secret.key, &public_key);
    assert_null(signer.own);
    expect_same_values(&signer, pair.n_length);
    EVP_PKEY_free(pair.key);
}

/* Nothing is handed out but the signature. */
static bool is_starved(const struct secret *secret, const br_rsa_public_key *public_key,
                       const unsigned char *right, size_t bytes, unsigned left, bool once)
{
    unsigned char own[BYTES_MAX];
    struct rsa_signer signer;
    bool is_good, was_refused;

    starving_set(left, once);
    tls_rsa_signer_open(&signer, &secret->key, public_key);
    is_good = sign_by(tls_rsa_sign, &digests[2], &signer.key, own);
    tls_rsa_signer_close(&signer);
    was_refused = starving_end();
    if (is_good)
        assert_memory_equal(own, right, bytes);
    assert_true(is_good || was_refused);
    return was_refused;
}

static void test_no_memory(void **state)
{
    struct pair pair = pair_make(1024, 65537);
    br_rsa_public_key public_key = public_of(&pair);
    unsigned char right[BYTES_MAX];
    struct secret secret;
    unsigned refused = 0;

    (void)state;
    secret_read(&pair, 0, &secret);
    assert_true(sign_by(br_rsa_pkcs1_sign_get_default(), &digests[2], &secret.key, right));
    for (int once = 0; once < 2; once++)
        for (unsigned left = 0;
             is_starved(&secret, &public_key, right, pair.n_length, left, once == 1); left++)
            refused++;
    assert_true(refused > 20);
    EVP_PKEY_free(pair.key);
}

/* What a budget says of the most that a handshake has it compute, beside the tables and a key that
 * stay; afterwards nothing more is held. */
static void test_memory(void **state)
{
    struct pair pair = pair_make(4096, 65537);
    br_rsa_public_key public_key = public_of(&pair);
    unsigned char value[BYTES_MAX], hash[64];
    size_t most, before, after;
    struct rsa_signer signer;
    struct secret secret;

    (void)state;
    secret_read(&pair, 0, &secret);
    EVP_PKEY_free(pair.key);
    tls_rsa_signer_open(&signer, &secret.key, &public_key);
    assert_true(sign_by(tls_rsa_sign, &digests[2], &signer.key, value));
    before = starving_bytes(&most);
    assert_true(sign_by(tls_rsa_sign, &digests[2], &signer.key, value));
    assert_int_equal(
        tls_rsa_verify(value, pair.n_length, BR_HASH_OID_SHA256, 32, &public_key, hash), 1);
    after = starving_bytes(&most);
    assert_int_equal(after, before);
    assert_true(most > before);
    assert_in_range(most, 100000, tls_arithmetic_size());
    tls_rsa_signer_close(&signer);
    assert_true(starving_bytes(&most) < before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rsa),       cmocka_unit_test(test_exponent_of_one),
        cmocka_unit_test(test_lengths),   cmocka_unit_test(test_sign),
        cmocka_unit_test(test_fault),     cmocka_unit_test(test_others),
        cmocka_unit_test(test_no_memory), cmocka_unit_test(test_memory),
    };
    struct ecdsa libcrypto;

    if (!starving_begin() || !tls_ecdsa_open(&libcrypto)) /* loads it */
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
