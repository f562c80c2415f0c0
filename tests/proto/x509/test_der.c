/* DER elements, each as it is written and what is read of it, and where each is cut or refused. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/x509/der.h"
#include "tests/lib/feed.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ZEROS_16 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ZEROS_128 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16

static struct span guarded(struct span bytes)
{
    return (struct span){feed_guarded(0, bytes), bytes.length};
}

static const struct element {
    struct span bytes;
    int tag;        /* -1: refused */
    size_t content; /* its length */
    size_t rest;
} elements[] = {
    {WIRE("\x05\x00"), 0x05, 0, 0},
    {WIRE("\x05\x00\x05\x00"), 0x05, 0, 2},
    {WIRE("\x04\x02xy"), 0x04, 2, 0},
    {WIRE("\x04\x02xyz"), 0x04, 2, 1},
    {WIRE("\x30\x02\x05\x00"), 0x30, 2, 0},
    {WIRE("\xa3\x00"), 0xa3, 0, 0},
    {WIRE("\x04\x7f" ZEROS_128), 0x04, 127, 1},
    {WIRE("\x04\x81\x80" ZEROS_128), 0x04, 128, 0},
    {WIRE("\x04\x82\x01\x00" ZEROS_128 ZEROS_128), 0x04, 256, 0},

    {WIRE(""), -1, 0, 0},
    {WIRE("\x04"), -1, 0, 0},
    {WIRE("\x04\x01"), -1, 0, 0},
    {WIRE("\x04\x02x"), -1, 0, 0},
    {WIRE("\x04\x80xy\0\0"), -1, 0, 0},
    {WIRE("\x04\x81"), -1, 0, 0},
    {WIRE("\x04\x81\x01x"), -1, 0, 0},
    {WIRE("\x04\x81\x7f" ZEROS_128), -1, 0, 0},
    {WIRE("\x04\x82\x00\x80" ZEROS_128), -1, 0, 0},
    {WIRE("\x04\x82\x01"), -1, 0, 0},
    {WIRE("\x04\x84\xff\xff\xff\xff" ZEROS_16), -1, 0, 0},
    {WIRE("\x04\x85\x01\x00\x00\x00\x00" ZEROS_16), -1, 0, 0},
    {WIRE("\x04\x88\xff\xff\xff\xff\xff\xff\xff\xff"), -1, 0, 0},
    {WIRE("\x04\xff" ZEROS_128), -1, 0, 0},
    {WIRE("\x1f\x01x"), -1, 0, 0},
    {WIRE("\xbf\x81\x01\x00"), -1, 0, 0},
};

static void test_elements(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(elements); i++) {
        const struct element *row = &elements[i];
        struct span rest = guarded(row->bytes), whole = rest;
        struct der_element element = {0};

        if (der_next(&rest, &element) != (row->tag >= 0))
            fail_msg("row %zu of the elements", i);
        if (row->tag < 0) {
            assert_ptr_equal(rest.bytes, whole.bytes);
            assert_int_equal(rest.length, whole.length);
            continue;
        }
        assert_int_equal(element.tag, row->tag);
        assert_int_equal(element.content.length, row->content);
        assert_int_equal(rest.length, row->rest);
        assert_ptr_equal(element.whole.bytes, whole.bytes);
        assert_int_equal(element.whole.length + rest.length, whole.length);
    }
}

static const struct number {
    struct span bytes;
    int length; /* of the magnitude; -1: refused */
} numbers[] = {
    {WIRE("\x02\x01\x00"), 0},      {WIRE("\x02\x01\x01"), 1},
    {WIRE("\x02\x01\x7f"), 1},      {WIRE("\x02\x02\x00\x80"), 1},
    {WIRE("\x02\x02\x01\x00"), 2},  {WIRE("\x02\x03\x00\xff\xff"), 2},
    {WIRE("\x02\x00"), -1},         {WIRE("\x02\x01\x80"), -1},
    {WIRE("\x02\x01\xff"), -1},     {WIRE("\x02\x02\x00\x7f"), -1},
    {WIRE("\x02\x02\x00\x00"), -1}, {WIRE("\x02\x03\x00\x00\x80"), -1},
    {WIRE("\x0a\x01\x01"), -1},     {WIRE("\x02\x02\x01"), -1},
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        struct span rest = guarded(numbers[i].bytes), magnitude = {NULL, 0};

        if (der_take_unsigned(&rest, &magnitude) != (numbers[i].length >= 0))
            fail_msg("row %zu of the numbers", i);
        if (numbers[i].length >= 0)
            assert_int_equal(magnitude.length, numbers[i].length);
    }
}

static const struct bits {
    struct span bytes;
    int length; /* -1: refused */
    unsigned unused;
} bit_strings[] = {
    {WIRE("\x03\x01\x00"), 0, 0},      {WIRE("\x03\x02\x00\xff"), 1, 0},
    {WIRE("\x03\x02\x07\x80"), 1, 7},  {WIRE("\x03\x03\x04\xff\xf0"), 2, 4},
    {WIRE("\x03\x00"), -1, 0},         {WIRE("\x03\x01\x01"), -1, 0},
    {WIRE("\x03\x02\x08\x00"), -1, 0}, {WIRE("\x03\x02\x07\xc0"), -1, 0},
    {WIRE("\x03\x02\x01\x01"), -1, 0}, {WIRE("\x04\x02\x00\xff"), -1, 0},
};

static void test_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bit_strings); i++) {
        struct span rest = guarded(bit_strings[i].bytes), bits = {NULL, 0};
        unsigned unused = 0;

        if (der_take_bits(&rest, &bits, &unused) != (bit_strings[i].length >= 0))
            fail_msg("row %zu of the bit strings", i);
        if (bit_strings[i].length >= 0) {
            assert_int_equal(bits.length, bit_strings[i].length);
            assert_int_equal(unused, bit_strings[i].unused);
        }
    }
}

static const struct time {
    const char *text; /* 13 bytes: UTCTime, 15: GeneralizedTime */
    bool is_good;
    int64_t time_s;
} times[] = {
    {"700101000000Z", true, 0},
    {"691231235959Z", true, -1},
    {"010909014640Z", true, 1000000000},
    {"380119031408Z", true, 2147483648},
    {"491231235959Z", true, 2524607999},
    {"500101000000Z", true, -631152000},
    {"000229000000Z", true, 951782400},
    {"240229120000Z", true, 1709208000},
    {"240301000000Z", true, 1709251200},
    {"20500101000000Z", true, 2524608000},
    {"21000301000000Z", true, 4107542400},
    {"99991231235959Z", true, 253402300799},
    {"19000301000000Z", true, -2203891200},
    {"00010101000000Z", true, -62135596800},
    {"00000229000000Z", true, -62162121600},
    {"00000101000000Z", true, -62167219200},

    {"230229000000Z", false, 0},
    {"19000229000000Z", false, 0},
    {"21000229000000Z", false, 0},
    {"240230000000Z", false, 0},
    {"240431000000Z", false, 0},
    {"240732000000Z", false, 0},
    {"240001000000Z", false, 0},
    {"241301000000Z", false, 0},
    {"240100000000Z", false, 0},
    {"240101240000Z", false, 0},
    {"240101006000Z", false, 0},
    {"240101000060Z", false, 0},
    {"2401010000000", false, 0},
    {"24010100 000Z", false, 0},
    {"2401010000Z", false, 0},
    {"2401010000+0000", false, 0},
    {"20240101000000z", false, 0},
    {"20240101000000.0Z", false, 0},
    {"", false, 0},
};

static void test_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(times); i++) {
        size_t length = strlen(times[i].text);
        char der[32] = {length == 13 ? DER_UTC_TIME : DER_GENERALIZED_TIME, (char)length};
        struct span rest;
        int64_t time_s = 0;

        memcpy(der + 2, times[i].text, length);
        rest = guarded((struct span){der, length + 2});
        if (der_take_time(&rest, &time_s) != times[i].is_good || time_s != times[i].time_s)
            fail_msg("%s is %lld", times[i].text, (long long)time_s);
    }
}

static void test_booleans(void **state)
{
    struct span true_one = SPAN("\x01\x01\xff"), false_one = SPAN("\x01\x01\x00");
    struct span odd = SPAN("\x01\x01\x01"), wide = SPAN("\x01\x02\xff\xff"), content;
    bool value = false;

    (void)state;
    assert_true(der_take_boolean(&true_one, &value) && value && true_one.length == 0);
    assert_true(der_take_boolean(&false_one, &value) && !value);
    assert_false(der_take_boolean(&odd, &value));
    assert_false(der_take_boolean(&wide, &value));
    assert_true(der_only(SPAN("\x04\x01x"), DER_OCTET_STRING, &content));
    assert_false(der_only(SPAN("\x04\x01xy"), DER_OCTET_STRING, &content));
    assert_false(der_only(SPAN("\x05\x01x"), DER_OCTET_STRING, &content));
    assert_false(der_only((struct span){NULL, 0}, DER_OCTET_STRING, &content));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_bits),     cmocka_unit_test(test_times),
        cmocka_unit_test(test_booleans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
