/* ChaCha20-Poly1305 records by libcrypto against BearSSL's: the same bytes of the same bytes, and
 * the same refused. The cases are those that implementations have got wrong (as Wycheproof collects
 * them): every bit of a code, what the code covers, lengths at the edges of blocks and records,
 * numbers of records that carry, and keys and texts whose sums do. */

#include "proto/tls/arithmetic.h"
#include "proto/tls/ecdsa.h"
#include "tests/lib/tls/starving.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

enum { RECORD_BYTES_MAX = 16384, TAG_BYTES = 16, HEADER_BYTES = 5, TYPE = 23, VERSION = 0x0303 };

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* One side's two directions, and where a record lies: a header's bytes are before it. */
struct side {
    br_ssl_engine_context engine;
    br_sslrec_chapol_context in, out;
    unsigned char bytes[HEADER_BYTES + RECORD_BYTES_MAX + TAG_BYTES + 4];
    size_t at, length;
};

static struct side own, other;

static void side_open(struct side *side, bool by_libcrypto, const unsigned char key[32],
                      const unsigned char iv[12])
{
    br_ssl_engine_context *engine = &side->engine;

    memset(side, 0, sizeof(*side));
    br_ssl_engine_set_default_chapol(engine);
    if (by_libcrypto)
        tls_chapol_use(engine);
    engine->ichapol_in->init(&side->in.vtable.in, engine->ichacha, engine->ipoly, key, iv);
    engine->ichapol_out->init(&side->out.vtable.out, engine->ichacha, engine->ipoly, key, iv);
    side->at = HEADER_BYTES;
}

static void sides_open(unsigned char key_byte, unsigned char step)
{
    unsigned char key[32], iv[12];

    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (unsigned char)(key_byte + i * step);
    for (size_t i = 0; i < sizeof(iv); i++)
        iv[i] = (unsigned char)(key_byte - i * step);
    side_open(&own, true, key, iv);
    side_open(&other, false, key, iv);
}

static void sides_number(uint64_t number)
{
    own.in.seq = own.out.seq = other.in.seq = other.out.seq = number;
}

static void fill(struct side *side, size_t length, unsigned char byte, unsigned char step)
{
    for (size_t i = 0; i < length; i++)
        side->bytes[side->at + i] = (unsigned char)(byte + i * step);
    side->length = length;
}

static void encrypt(struct side *side)
{
    unsigned char *record =
        (*side->out.vtable.out)
            .inner.encrypt((const br_sslrec_out_class **)(void *)&side->out.vtable.out, TYPE,
                           VERSION, side->bytes + side->at, &side->length);

    assert_ptr_equal(record, side->bytes + side->at - HEADER_BYTES);
    side->length -= HEADER_BYTES;
}

static bool decrypt(struct side *side, int type, unsigned version)
{
    unsigned char *record =
        (*side->in.vtable.in)
            .inner.decrypt((const br_sslrec_in_class **)(void *)&side->in.vtable.in, type, version,
                           side->bytes + side->at, &side->length);

    assert_true(record == NULL || record == side->bytes + side->at);
    return record != NULL;
}

static void expect_same(const char *what)
{
    if (own.length != other.length ||
        memcmp(own.bytes + own.at, other.bytes + other.at, own.length) != 0)
        fail_msg("another record, %zu and %zu bytes: %s", own.length, other.length, what);
}

/* There and back, each by its own and by the other. */
static void trip(size_t length, unsigned char byte, unsigned char step, const char *what)
{
    unsigned char text[RECORD_BYTES_MAX];

    fill(&own, length, byte, step);
    fill(&other, length, byte, step);
    memcpy(text, own.bytes + own.at, length);
    encrypt(&own);
    encrypt(&other);
    expect_same(what);
    assert_int_equal(own.length, length + TAG_BYTES);
    assert_true(length < 32 || memcmp(own.bytes + own.at, text, length) != 0);
    if (!decrypt(&own, TYPE, VERSION) || !decrypt(&other, TYPE, VERSION))
        fail_msg("refused, %zu bytes: %s", length, what);
    expect_same(what);
    assert_int_equal(own.length, length);
    assert_memory_equal(own.bytes + own.at, text, length);
    assert_true(own.in.seq == other.in.seq && own.out.seq == other.out.seq);
}

static const size_t lengths[] = {0,    1,    15,   16,   17,   63,    64,   65,   255,
                                 1007, 1008, 1023, 1024, 1025, 1039,  1087, 1088, 1089,
                                 4095, 4096, 4097, 8192, 9999, 16383, 16384};

static void test_lengths(void **state)
{
    (void)state;
    sides_open(3, 7);
    for (size_t i = 0; i < COUNT(lengths); i++)
        for (size_t at = 0; at < 3; at++) {
            own.at = HEADER_BYTES + at;
            trip(lengths[i], 1, 3, "a length");
        }
    assert_true(own.in.seq == 3 * COUNT(lengths));
}

/* Sums of Poly1305 that carry, and a state of ChaCha20 without a bit or with all of them. */
static void test_keys_and_texts(void **state)
{
    static const unsigned char bytes[][2] = {{0, 0}, {0xff, 0}, {0x80, 0},
                                             {1, 0}, {0, 1},    {0xff, 255}};

    (void)state;
    for (size_t key = 0; key < COUNT(bytes); key++) {
        sides_open(bytes[key][0], bytes[key][1]);
        for (size_t text = 0; text < COUNT(bytes); text++)
            for (size_t i = 12; i < COUNT(lengths); i += 4)
                trip(lengths[i], bytes[text][0], bytes[text][1], "a key and a text");
    }
}

/* The number is over the end of the nonce, and wraps. */
static void test_numbers(void **state)
{
    static const uint64_t numbers[] = {0,          254,       65534,         UINT32_MAX - 1,
                                       UINT32_MAX, INT64_MAX, UINT64_MAX - 1};

    (void)state;
    sides_open(9, 5);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        sides_number(numbers[i]);
        for (size_t more = 0; more < 4; more++)
            trip(more < 3 ? 2000 : 16, 40, 1, "a number");
        assert_true(own.in.seq == numbers[i] + 4);
    }
}

/* A record of each, encrypted. */
static void records_make(size_t length)
{
    sides_open(11, 13);
    fill(&own, length, 5, 9);
    fill(&other, length, 5, 9);
    encrypt(&own);
    encrypt(&other);
    expect_same("to be spoilt");
}

static void expect_refused(int type, unsigned version, const char *what)
{
    bool own_is_good = decrypt(&own, type, version), other_is_good = decrypt(&other, type, version);

    if (own_is_good || other_is_good)
        fail_msg("taken (libcrypto %d, BearSSL %d): %s", (int)own_is_good, (int)other_is_good,
                 what);
    assert_true(own.in.seq == other.in.seq);
}

static void flip(size_t length, size_t bit, const char *what)
{
    records_make(length);
    own.bytes[own.at + bit / 8] ^= (unsigned char)(1u << bit % 8);
    other.bytes[other.at + bit / 8] ^= (unsigned char)(1u << bit % 8);
    expect_refused(TYPE, VERSION, what);
}

static void test_spoilt(void **state)
{
    static const size_t some[] = {16, 1024, 1041, 16384};

    (void)state;
    for (size_t i = 0; i < COUNT(some); i++) {
        for (size_t bit = 0; bit < 8 * TAG_BYTES; bit++)
            flip(some[i], 8 * some[i] + bit, "a bit of the code");
        for (size_t bit = 0; bit < 8 * some[i]; bit += 8 * some[i] / 16 - 1)
            flip(some[i], bit, "a bit of the text");
        records_make(some[i]);
        expect_refused(TYPE - 1, VERSION, "another type");
        records_make(some[i]);
        expect_refused(TYPE, VERSION - 1, "another version");
        records_make(some[i]);
        own.in.seq = other.in.seq = 1;
        expect_refused(TYPE, VERSION, "another number");
        records_make(some[i]);
        own.length = --other.length;
        expect_refused(TYPE, VERSION, "cut short");
        records_make(some[i]);
        own.length = ++other.length;
        expect_refused(TYPE, VERSION, "a byte more");
    }
    records_make(2000);
    memset(own.bytes + own.at + 2000, 0, TAG_BYTES);
    memset(other.bytes + other.at + 2000, 0, TAG_BYTES);
    expect_refused(TYPE, VERSION, "a code of zeros");
}

/* What is judged before a record is read. */
static void test_lengths_of_records(void **state)
{
    (void)state;
    sides_open(1, 1);
    for (size_t length = 0; length < RECORD_BYTES_MAX + 40; length++) {
        int by_own =
            (*own.in.vtable.in)
                .inner.check_length(
                    (const br_sslrec_in_class *const *)(const void *)&own.in.vtable.in, length);
        int by_other =
            (*other.in.vtable.in)
                .inner.check_length(
                    (const br_sslrec_in_class *const *)(const void *)&other.in.vtable.in, length);

        assert_int_equal(by_own, by_other);
        assert_int_equal(by_own, length >= TAG_BYTES && length <= RECORD_BYTES_MAX + TAG_BYTES);
    }
}

/* BearSSL's records over our function, both ways. */
static void test_function(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        unsigned char key[32] = {1}, nonce[12] = {2}, header[13] = {3}, tags[2][TAG_BYTES];

        sides_open(1, 1);
        for (int encrypts = 1; encrypts >= 0; encrypts--) {
            fill(&own, lengths[i], 77, 3);
            fill(&other, lengths[i], 77, 3);
            own.engine.ipoly(key, nonce, own.bytes + own.at, own.length, header, sizeof(header),
                             tags[0], own.engine.ichacha, encrypts);
            other.engine.ipoly(key, nonce, other.bytes + other.at, other.length, header,
                               sizeof(header), tags[1], other.engine.ichacha, encrypts);
            expect_same("by the function");
            assert_memory_equal(tags[0], tags[1], TAG_BYTES);
        }
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    sides_open(4, 4);
    for (int once = 0; once < 2; once++) {
        bool was_refused = true;
        unsigned left = 0;

        for (; was_refused; left++) {
            starving_set(left, once == 1);
            trip(1500, 1, 1, "with little memory");
            was_refused = starving_end();
        }
        assert_true(left > 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_keys_and_texts),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_spoilt),
        cmocka_unit_test(test_lengths_of_records),
        cmocka_unit_test(test_function),
        cmocka_unit_test(test_no_memory),
    };
    struct ecdsa libcrypto;

    if (!starving_begin() || !tls_ecdsa_open(&libcrypto)) /* loads it */
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
