/* P-256, P-384 and P-521 by libcrypto against BearSSL's: the same point for the same scalar,
 * whatever the two are. The cases are those that implementations have got wrong (as Wycheproof
 * collects them): points that are none or written in another way, scalars at the edges, results
 * that begin with zeros; and memory that runs out, where neither may hand out anything else. */

#include "proto/tls/ecdsa.h"
#include "proto/tls/tls.h"
#include "tests/lib/tls/starving.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CURVES = 3, POINT_BYTES_MAX = 133, SCALAR_BYTES_MAX = 66, FILL = 0xa5 };

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct ecdsa libcrypto;

static const struct curve {
    const char *name;
    int number, own; /* in TLS, of libcrypto */
} curves[CURVES] = {
    {"P-256", BR_EC_secp256r1, NID_X9_62_prime256v1},
    {"P-384", BR_EC_secp384r1, NID_secp384r1},
    {"P-521", BR_EC_secp521r1, NID_secp521r1},
};

/* --- numbers and points ----------------------------------------------------------------------- */

struct number {
    unsigned char bytes[SCALAR_BYTES_MAX];
    size_t length;
};

struct point {
    unsigned char bytes[POINT_BYTES_MAX];
    size_t length;
};

static struct number order_of(const struct curve *curve)
{
    struct number order = {.length = 0};
    const unsigned char *bytes = br_ec_get_default()->order(curve->number, &order.length);

    memcpy(order.bytes, bytes, order.length);
    return order;
}

/* The order and some; of as many bytes. */
static struct number order_and(const struct curve *curve, int some)
{
    struct number order = order_of(curve);
    int carry = some;

    for (size_t i = order.length; i-- > 0;) {
        int sum = order.bytes[i] + carry;

        order.bytes[i] = (unsigned char)(sum & 255);
        carry = sum >> 8;
    }
    return order;
}

/* As many bytes as the order, the last of them given. */
static struct number small(const struct curve *curve, unsigned char last)
{
    struct number number = {.length = order_of(curve).length};

    number.bytes[number.length - 1] = last;
    return number;
}

static struct number filled(const struct curve *curve, unsigned char byte)
{
    struct number number = order_of(curve);

    memset(number.bytes + 1, byte, number.length - 1);
    number.bytes[0] = number.bytes[0] > 1 ? 0x7f : 0;
    return number;
}

static struct point generator_of(const struct curve *curve)
{
    struct point point = {.length = 0};
    const unsigned char *bytes = br_ec_get_default()->generator(curve->number, &point.length);

    memcpy(point.bytes, bytes, point.length);
    return point;
}

static bool by(const br_ec_impl *ec, const struct curve *curve, struct point *point,
               const struct number *scalar)
{
    return ec->mul(point->bytes, point->length, scalar->bytes, scalar->length, curve->number) == 1;
}

static struct point expect_same(const struct curve *curve, const struct point *point,
                                const struct number *scalar, const char *what)
{
    struct point own = *point, other = *point;

    if (!by(&libcrypto.ec, curve, &own, scalar) || !by(br_ec_get_default(), curve, &other, scalar))
        fail_msg("%s: no product: %s", curve->name, what);
    if (own.length != other.length || memcmp(own.bytes, other.bytes, own.length) != 0)
        fail_msg("%s: another product: %s", curve->name, what);
    return own;
}

static void expect_refused(const struct curve *curve, const struct point *point, const char *what)
{
    struct number scalar = filled(curve, 0x5a);
    struct point own = *point, other = *point;
    bool own_is_good = by(&libcrypto.ec, curve, &own, &scalar);
    bool other_is_good = by(br_ec_get_default(), curve, &other, &scalar);

    if (own_is_good || other_is_good)
        fail_msg("%s: taken (libcrypto %d, BearSSL %d): %s", curve->name, (int)own_is_good,
                 (int)other_is_good, what);
    if (memcmp(own.bytes, point->bytes, point->length) != 0)
        fail_msg("%s: refused, and written to: %s", curve->name, what);
}

static void expect_generator(const struct curve *curve, const struct number *scalar)
{
    struct point own = {.length = 0}, other = own, wanted = generator_of(curve);

    own.length = libcrypto.ec.mulgen(own.bytes, scalar->bytes, scalar->length, curve->number);
    other.length =
        br_ec_get_default()->mulgen(other.bytes, scalar->bytes, scalar->length, curve->number);
    assert_int_equal(own.length, wanted.length);
    assert_int_equal(other.length, wanted.length);
    assert_memory_equal(own.bytes, other.bytes, wanted.length);
}

/* --- cases ------------------------------------------------------------------------------------ */

/* RFC 5903, 8.1 and 8.2: the initiator's secret times the responder's point. */
static void test_vectors(void **state)
{
    static const unsigned char secret[] = {0xc8, 0x8f, 0x01, 0xf5, 0x10, 0xd9, 0xac, 0x3f,
                                           0x70, 0xa2, 0x92, 0xda, 0xa2, 0x31, 0x6d, 0xe5,
                                           0x44, 0xe9, 0xaa, 0xb8, 0xaf, 0xe8, 0x40, 0x49,
                                           0xc6, 0x2a, 0x9c, 0x57, 0x86, 0x2d, 0x14, 0x33};
    static const unsigned char public[] = {
        0x04, 0xd1, 0x2d, 0xfb, 0x52, 0x89, 0xc8, 0xd4, 0xf8, 0x12, 0x08, 0xb7, 0x02,
        0x70, 0x39, 0x8c, 0x34, 0x22, 0x96, 0x97, 0x0a, 0x0b, 0xcc, 0xb7, 0x4c, 0x73,
        0x6f, 0xc7, 0x55, 0x44, 0x94, 0xbf, 0x63, 0x56, 0xfb, 0xf3, 0xca, 0x36, 0x6c,
        0xc2, 0x3e, 0x81, 0x57, 0x85, 0x4c, 0x13, 0xc5, 0x8d, 0x6a, 0xac, 0x23, 0xf0,
        0x46, 0xad, 0xa3, 0x0f, 0x83, 0x53, 0xe7, 0x4f, 0x33, 0x03, 0x98, 0x72, 0xab};
    static const unsigned char shared[] = {0xd6, 0x84, 0x0f, 0x6b, 0x42, 0xf6, 0xed, 0xaf,
                                           0xd1, 0x31, 0x16, 0xe0, 0xe1, 0x25, 0x65, 0x20,
                                           0x2f, 0xef, 0x8e, 0x9e, 0xce, 0x7d, 0xce, 0x03,
                                           0x81, 0x24, 0x64, 0xd0, 0x4b, 0x94, 0x42, 0xde};
    struct number scalar = {.length = sizeof(secret)};
    struct point point = {.length = sizeof(public)};

    (void)state;
    memcpy(scalar.bytes, secret, sizeof(secret));
    memcpy(point.bytes, public, sizeof(public));
    point = expect_same(&curves[0], &point, &scalar, "of RFC 5903");
    assert_memory_equal(point.bytes + 1, shared, sizeof(shared));
}

static void scalars_check(const struct curve *curve, const struct point *point)
{
    const struct {
        const char *what;
        struct number scalar;
    } rows[] = {
        {"1", small(curve, 1)},
        {"2", small(curve, 2)},
        {"3", small(curve, 3)},
        {"255", small(curve, 255)},
        {"the order less 1", order_and(curve, -1)},
        {"the order less 2", order_and(curve, -2)},
        {"the order less 17", order_and(curve, -17)},
        {"bytes of 00", filled(curve, 0)},
        {"bytes of ff", filled(curve, 0xff)},
        {"bytes of 80", filled(curve, 0x80)},
        {"bytes of 5a", filled(curve, 0x5a)},
        {"one byte", {{7}, 1}},
        {"two bytes, a zero first", {{0, 7}, 2}},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        bool is_zero = curve->number == BR_EC_secp521r1 && strcmp(rows[i].what, "bytes of 00") == 0;

        if (is_zero)
            continue;
        expect_same(curve, point, &rows[i].scalar, rows[i].what);
        expect_generator(curve, &rows[i].scalar);
    }
}

static void test_scalars(void **state)
{
    (void)state;
    for (size_t c = 0; c < CURVES; c++) {
        struct number scalar = filled(&curves[c], 0x33);
        struct point point = generator_of(&curves[c]);

        scalars_check(&curves[c], &point);
        point = expect_same(&curves[c], &point, &scalar, "another point");
        scalars_check(&curves[c], &point);
    }
}

/* What is no scalar BearSSL leaves undefined; libcrypto's product is infinity, and refused. */
static void test_no_scalar(void **state)
{
    (void)state;
    for (size_t c = 0; c < CURVES; c++) {
        const struct number rows[] = {small(&curves[c], 0), order_of(&curves[c]), {.length = 0}};

        for (size_t i = 0; i < COUNT(rows); i++) {
            struct point point = generator_of(&curves[c]);

            assert_false(by(&libcrypto.ec, &curves[c], &point, &rows[i]));
            assert_memory_equal(point.bytes, generator_of(&curves[c]).bytes, point.length);
        }
    }
}

/* A coordinate and the field's prime: the same number to who reduces it, and no coordinate. */
static bool prime_add(const struct curve *curve, struct point *point, size_t at)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(curve->own);
    size_t bytes = (point->length - 1) / 2;
    BIGNUM *prime = BN_new(), *sum = BN_bin2bn(point->bytes + at, (int)bytes, NULL);
    bool fits = EC_GROUP_get_curve(group, prime, NULL, NULL, NULL) == 1 &&
                BN_add(sum, sum, prime) == 1 &&
                BN_bn2binpad(sum, point->bytes + at, (int)bytes) == (int)bytes;

    BN_free(sum);
    BN_free(prime);
    EC_GROUP_free(group);
    return fits;
}

/* With x of zero, so that x and the prime can be written in as many bytes. */
static struct point with_zero_x(const struct curve *curve)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(curve->own);
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *x = BN_new();
    struct point made = {.length = sizeof(made.bytes)};

    assert_int_equal(EC_POINT_set_compressed_coordinates(group, point, x, 0, NULL), 1);
    made.length = EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, made.bytes,
                                     sizeof(made.bytes), NULL);
    BN_free(x);
    EC_POINT_free(point);
    EC_GROUP_free(group);
    return made;
}

static void forms_check(const struct curve *curve)
{
    const struct point good = generator_of(curve);
    size_t bytes = (good.length - 1) / 2;
    struct point odd = good;

    for (unsigned form = 0; form < 256; form += form < 8 ? 1 : 31) {
        odd.bytes[0] = (unsigned char)form;
        if (form != 4)
            expect_refused(curve, &odd, "of another form, or hybrid");
    }
    odd = good;
    odd.bytes[0] = 3 - (good.bytes[good.length - 1] & 1);
    odd.length = 1 + bytes;
    expect_refused(curve, &odd, "compressed");
    odd = (struct point){.length = 1};
    expect_refused(curve, &odd, "infinity in its one byte");
    odd.length = good.length;
    expect_refused(curve, &odd, "zeros");
    odd.bytes[0] = 4;
    expect_refused(curve, &odd, "x and y of zero");
    odd = good;
    odd.length--;
    expect_refused(curve, &odd, "cut short");
    odd.length = 0;
    expect_refused(curve, &odd, "empty");
}

static void test_no_point(void **state)
{
    (void)state;
    for (size_t c = 0; c < CURVES; c++) {
        const struct curve *curve = &curves[c];
        struct number scalar = filled(curve, 0x5a);
        struct point odd = generator_of(curve), zero_x = with_zero_x(curve);
        size_t bytes = (odd.length - 1) / 2;

        forms_check(curve);
        odd.bytes[odd.length - 1] ^= 1;
        expect_refused(curve, &odd, "beside the curve");
        odd = generator_of(curve);
        odd.bytes[bytes] ^= 1;
        expect_refused(curve, &odd, "with another x");
        odd = generator_of(curve);
        memset(odd.bytes + 1, 0xff, 2 * bytes);
        expect_refused(curve, &odd, "x and y beyond the prime");
        expect_same(curve, &zero_x, &scalar, "x of zero");
        assert_true(prime_add(curve, &zero_x, 1));
        expect_refused(curve, &zero_x, "x that is the prime");
        odd = generator_of(curve);
        if (c == 2 && prime_add(curve, &odd, 1))
            expect_refused(curve, &odd, "x and the prime");
    }
}

/* The points of one curve are none of another of as many bytes, and of no other length either. */
static void test_other_curve(void **state)
{
    (void)state;
    for (size_t c = 0; c < CURVES; c++) {
        struct point other = generator_of(&curves[(c + 1) % CURVES]);

        expect_refused(&curves[c], &other, "of another curve");
    }
}

/* A share is as long as the field, zeros and all. */
static void test_leading_zeros(void **state)
{
    (void)state;
    for (size_t c = 0; c < CURVES; c++) {
        const struct curve *curve = &curves[c];
        struct number scalar = filled(curve, 0x77);
        size_t bytes = (generator_of(curve).length - 1) / 2, first = c == 2 ? 2 : 1, found = 0;

        for (unsigned i = 0; i < 4000 && found < 2; i++) {
            struct point point = generator_of(curve);
            unsigned char *last = scalar.bytes + scalar.length;

            last[-1] = (unsigned char)(i & 255);
            last[-2] = (unsigned char)(i >> 8);
            assert_true(by(&libcrypto.ec, curve, &point, &scalar));
            if (point.bytes[first] == 0 || point.bytes[bytes + first] == 0) {
                found++;
                point = generator_of(curve);
                expect_same(curve, &point, &scalar, "a coordinate that begins with zeros");
                expect_generator(curve, &scalar);
            }
        }
        assert_int_equal(found, 2);
    }
}

/* Each product is the point of the next one, and its x the scalar. */
static void test_rounds(void **state)
{
    (void)state;
    for (size_t c = 0; c < CURVES; c++) {
        struct number scalar = filled(&curves[c], 0x11);
        struct point point = generator_of(&curves[c]);

        for (size_t i = 0; i < (c == 0 ? 60u : 12u); i++) {
            point = expect_same(&curves[c], &point, &scalar, "a round");
            expect_generator(&curves[c], &scalar);
            memcpy(scalar.bytes, point.bytes + 1, scalar.length);
            scalar.bytes[0] &= c == 2 ? 0 : 0x7f;
        }
    }
}

/* BearSSL does not look at what mulgen returns: what lies there is sent. */
static void generator_starved(const struct curve *curve, const struct number *scalar,
                              const struct point *wanted, unsigned left, bool once)
{
    struct point own = {.length = 0};

    memset(own.bytes, FILL, sizeof(own.bytes));
    starving_set(left, once);
    own.length = libcrypto.ec.mulgen(own.bytes, scalar->bytes, scalar->length, curve->number);
    starving_end();
    assert_int_equal(own.length, wanted->length);
    assert_memory_equal(own.bytes, wanted->bytes, wanted->length);
}

static void starve(const struct curve *curve, const struct number *scalar,
                   const struct point *wanted, bool once)
{
    const struct point generator = generator_of(curve);
    size_t failures = 0;
    bool is_over = false;

    for (unsigned left = 0; !is_over; left++) {
        struct point own = generator;
        bool is_good;

        generator_starved(curve, scalar, wanted, left, once);
        starving_set(left, once);
        is_good = by(&libcrypto.ec, curve, &own, scalar);
        is_over = !starving_end();
        assert_memory_equal(own.bytes, is_good ? wanted->bytes : generator.bytes, own.length);
        assert_true(is_good || !is_over);
        failures += !is_good;
    }
    assert_true(failures > 3);
}

static void test_no_memory(void **state)
{
    static const struct curve x25519 = {"x25519", BR_EC_curve25519, 0};

    (void)state;
    for (size_t c = 0; c <= CURVES; c++) {
        const struct curve *curve = c < CURVES ? &curves[c] : &x25519;
        struct number scalar = filled(curve, 0x5a);
        struct point generator = generator_of(curve), wanted;

        scalar.length = c < CURVES ? scalar.length : 32;
        scalar.bytes[0] = c < CURVES ? scalar.bytes[0] : 0x40;
        wanted = expect_same(curve, &generator, &scalar, "with memory");
        starve(curve, &scalar, &wanted, true);
        starve(curve, &scalar, &wanted, false);
    }
}

/* What is taken for a product is given back. */
static void test_memory(void **state)
{
    (void)state;
    for (size_t c = 0; c < CURVES; c++) {
        struct number scalar = filled(&curves[c], 0x5a);
        struct point point = generator_of(&curves[c]);
        size_t most, before;

        expect_generator(&curves[c], &scalar);
        before = starving_bytes(&most);
        expect_same(&curves[c], &point, &scalar, "counted");
        expect_generator(&curves[c], &scalar);
        assert_int_equal(starving_bytes(&most), before);
        assert_in_range(most, before + 1, tls_arithmetic_size());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),     cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_no_scalar),   cmocka_unit_test(test_no_point),
        cmocka_unit_test(test_other_curve), cmocka_unit_test(test_leading_zeros),
        cmocka_unit_test(test_rounds),      cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_memory),
    };

    if (!starving_begin() || !tls_ecdsa_open(&libcrypto))
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
