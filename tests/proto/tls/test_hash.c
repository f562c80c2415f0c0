/* Hashes and the pseudorandom function of TLS 1.2 by libcrypto against BearSSL's: the same bytes of
 * the same bytes, at every length about a block, from pieces, and of secrets and results of any
 * length. */

#include "proto/tls/arithmetic.h"
#include "proto/tls/ecdsa.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

enum { BYTES_MAX = 20000, RESULT_BYTES_MAX = 400 };

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct {
    const br_hash_class *class;
    size_t bytes;
} hashes[] = {
    {&br_sha1_vtable, 20},
    {&br_sha256_vtable, 32},
    {&br_sha384_vtable, 48},
    {&br_sha512_vtable, 64},
};

static struct ecdsa libcrypto;
static unsigned char bytes[BYTES_MAX];

static void bytes_fill(void)
{
    for (size_t i = 0; i < BYTES_MAX; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 251);
}

static struct span bytes_at(size_t at, size_t length)
{
    return (struct span){(const char *)bytes + at, length};
}

static void expect_same(size_t hash, const struct span *pieces, size_t count, size_t length)
{
    unsigned char own[65], other[64];
    br_hash_compat_context context;

    memset(own, 0xa5, sizeof(own));
    tls_hash(&libcrypto, hashes[hash].class, pieces, count, own);
    hashes[hash].class->init(&context.vtable);
    hashes[hash].class->update(&context.vtable, bytes, length);
    hashes[hash].class->out(&context.vtable, other);
    assert_memory_equal(own, other, hashes[hash].bytes);
    assert_int_equal(own[hashes[hash].bytes], 0xa5);
}

static void test_lengths(void **state)
{
    (void)state;
    bytes_fill();
    for (size_t hash = 0; hash < COUNT(hashes); hash++) {
        struct span all = bytes_at(0, BYTES_MAX);

        for (size_t length = 0; length < 300; length++) {
            struct span piece = bytes_at(0, length);

            expect_same(hash, &piece, 1, length);
        }
        expect_same(hash, &all, 1, BYTES_MAX);
    }
}

static void test_pieces(void **state)
{
    (void)state;
    for (size_t hash = 0; hash < COUNT(hashes); hash++) {
        expect_same(hash, NULL, 0, 0);
        for (size_t cut = 0; cut <= 260; cut++) {
            const struct span pieces[] = {
                bytes_at(0, cut), {NULL, 0}, bytes_at(cut, 260 - cut), bytes_at(260, 5)};

            expect_same(hash, pieces, COUNT(pieces), 265);
        }
    }
}

/* FIPS 180-4's example. */
static void test_vector(void **state)
{
    static const unsigned char wanted[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                           0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                           0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                           0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    unsigned char own[32];

    (void)state;
    tls_hash(&libcrypto, &br_sha256_vtable, &SPAN("abc"), 1, own);
    assert_memory_equal(own, wanted, sizeof(wanted));
}

static void prf_check(size_t secret, size_t length, size_t seed_count,
                      const br_tls_prf_seed_chunk *seeds, const char *label)
{
    static const struct {
        br_tls_prf_impl own, other;
    } rows[] = {{tls_prf_sha256, br_tls12_sha256_prf}, {tls_prf_sha384, br_tls12_sha384_prf}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned char own[RESULT_BYTES_MAX + 1], other[RESULT_BYTES_MAX + 1];

        memset(own, 0xa5, sizeof(own));
        memset(other, 0xa5, sizeof(other));
        rows[i].own(own, length, bytes, secret, label, seed_count, seeds);
        rows[i].other(other, length, bytes, secret, label, seed_count, seeds);
        assert_memory_equal(own, other, sizeof(own));
    }
}

static void test_prf(void **state)
{
    static const size_t secrets[] = {0, 1, 32, 48, 63, 64, 65, 66, 127, 128, 129, 200};
    static const size_t lengths[] = {0,  1,  12, 31, 32, 33,  47,  48,
                                     49, 64, 88, 96, 97, 104, 144, 400};
    const br_tls_prf_seed_chunk seeds[] = {{bytes + 5, 32}, {bytes + 99, 0}, {bytes + 50, 100}};

    (void)state;
    for (size_t s = 0; s < COUNT(secrets); s++)
        for (size_t l = 0; l < COUNT(lengths); l++)
            for (size_t count = 0; count <= COUNT(seeds); count++)
                prf_check(secrets[s], lengths[l], count, seeds,
                          count == 2 ? "" : "extended master secret");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_prf),
    };
    if (!tls_ecdsa_open(&libcrypto)) /* loads it */
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
