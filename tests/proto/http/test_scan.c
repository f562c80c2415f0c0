/* All scanners against a loop that needs no explanation, at every place where one could differ. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/http/scan.h"
#include "tests/lib/feed.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { LENGTH_MAX = 100 };

static const char *reference(const char *p, const char *end)
{
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;

        if (c == 0x7f || (c <= 0x1f && c != '\t'))
            return p;
    }
    return end;
}

/* NULL entries are implementations that this machine lacks. */
static scan_fn *implementation(size_t index)
{
    switch (index) {
    case 0:
        return scan_control;
    case 1:
        return scan_control_plain();
    case 2:
        return scan_control_sse2();
    default:
        return scan_control_avx2();
    }
}

static void check_all(struct span bytes)
{
    const char *p = feed_guarded(0, bytes);
    const char *end = p + bytes.length;

    for (size_t i = 0; i < 4; i++) {
        scan_fn *scan = implementation(i);

        if (scan != NULL)
            assert_ptr_equal(scan(p, end), reference(p, end));
    }
}

static void test_implementations_exist(void **state)
{
    (void)state;
    assert_non_null(scan_control_plain());
#if defined(__x86_64__)
    assert_non_null(scan_control_sse2());
    assert_int_equal(scan_control_avx2() != NULL, __builtin_cpu_supports("avx2") != 0);
#else
    assert_null(scan_control_sse2());
    assert_null(scan_control_avx2());
#endif
}

/* One control byte at every offset of every length; length as offset means none. The end lies at an
 * unreadable page, and the start has every alignment. */
static void test_every_place(void **state)
{
    char bytes[LENGTH_MAX];

    (void)state;
    for (size_t length = 0; length <= LENGTH_MAX; length++) {
        for (size_t at = 0; at <= length; at++) {
            memset(bytes, 'x', sizeof(bytes));
            if (at < length)
                bytes[at] = '\r';
            check_all((struct span){bytes, length});
        }
    }
}

/* The first of several is found. */
static void test_first_of_two(void **state)
{
    char bytes[LENGTH_MAX];

    (void)state;
    for (size_t first = 0; first < LENGTH_MAX; first++) {
        for (size_t second = first; second < LENGTH_MAX; second++) {
            memset(bytes, 0xff, sizeof(bytes));
            bytes[first] = '\x7f';
            bytes[second] = '\0';
            check_all((struct span){bytes, sizeof(bytes)});
        }
    }
}

/* Every byte value, in every lane of the widest vector and behind it. */
static void test_every_byte(void **state)
{
    char bytes[LENGTH_MAX];

    (void)state;
    for (int value = 0; value <= 0xff; value++) {
        for (size_t at = 0; at < 70; at++) {
            memset(bytes, 'x', sizeof(bytes));
            bytes[at] = (char)value;
            check_all((struct span){bytes, 80});
        }
        memset(bytes, value, sizeof(bytes));
        check_all((struct span){bytes, sizeof(bytes)});
    }
}

/* Bytes behind the end are not found, even where they could be read. */
static void test_stops_at_end(void **state)
{
    char bytes[LENGTH_MAX];

    (void)state;
    memset(bytes, '\r', sizeof(bytes));
    for (size_t length = 0; length < LENGTH_MAX; length++) {
        for (size_t i = 0; i < 4; i++) {
            scan_fn *scan = implementation(i);

            if (scan != NULL)
                assert_ptr_equal(scan(bytes, bytes + length), bytes + length);
        }
        bytes[length] = 'x';
    }
}

static const struct token {
    struct span text;
    size_t length;
} tokens[] = {
    {WIRE(""), 0},       {WIRE("GET"), 3},   {WIRE("Host: x"), 4}, {WIRE(": x"), 0},
    {WIRE("a\x00b"), 1}, {WIRE("a\xff"), 1}, {WIRE("~!#|z{"), 5},
};

static void test_token(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(tokens); i++) {
        const char *p = feed_guarded(0, tokens[i].text);

        assert_int_equal(scan_token(p, p + tokens[i].text.length) - p, tokens[i].length);
    }
}

static void test_is_token(void **state)
{
    (void)state;
    for (int c = 0; c <= 0xff; c++) {
        bool expected = c > 0x20 && c < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", c) == NULL;

        assert_int_equal(scan_is_token((char)c), expected);
    }
}

/* Each pair of bytes, at each place of spans of each length up to two words and a half. */
static void test_equal_fold(void **state)
{
    (void)state;
    for (int pair = 0; pair < 256 * 256; pair++) {
        unsigned char x = (unsigned char)(pair >> 8), y = (unsigned char)pair;
        bool is_same = x == y || ((x ^ y) == 0x20 && ((x | 0x20) >= 'a' && (x | 0x20) <= 'z'));
        size_t length = 1 + (size_t)(pair * 7 + pair / 256) % 20;
        size_t at = (size_t)(pair / 3) % length;
        char a[20], b[20];

        memset(a, 'q', sizeof(a));
        memset(b, 'Q', sizeof(b));
        a[at] = (char)x;
        b[at] = (char)y;
        assert_int_equal(span_equal_fold((struct span){a, length}, (struct span){b, length}),
                         is_same);
        assert_false(span_equal_fold((struct span){a, length}, (struct span){b, length - 1}));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_implementations_exist),
        cmocka_unit_test(test_every_place),
        cmocka_unit_test(test_first_of_two),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_stops_at_end),
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_is_token),
        cmocka_unit_test(test_equal_fold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
