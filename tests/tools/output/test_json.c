/* The pieces of JSON: numbers, escapes, UTF-8 and base64, whole and cut at every place. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/output/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void assert_number(uint64_t number)
{
    char ours[JSON_UINT_BYTES + 1], theirs[JSON_UINT_BYTES + 1];
    *put_uint(ours, number) = '\0';
    sprintf(theirs, "%" PRIu64, number);
    assert_string_equal(ours, theirs);
}

static void test_numbers(void **state)
{
    (void)state;
    assert_number(0);
    assert_number(UINT64_MAX);
    for (uint64_t power = 1; power <= UINT64_MAX / 10; power *= 10) {
        assert_number(power - 1);
        assert_number(power);
        assert_number(power + 7);
    }
}

#define TEXT(literal) literal, sizeof(literal) - 1

static const struct {
    const char *bytes;
    size_t length;
    bool latin1;
    const char *escaped;
} escape_rows[] = {
    {TEXT(""), false, ""},
    {TEXT("http://127.0.0.1:8940/p/1?q=~"), false, "http://127.0.0.1:8940/p/1?q=~"},
    {TEXT("say \"hi\" \\ to"), false, "say \\\"hi\\\" \\\\ to"},
    {TEXT("\"2345678"), false, "\\\"2345678"},
    {TEXT("1234567\""), false, "1234567\\\""},
    {TEXT("a\nb\rc\td"), false, "a\\nb\\rc\\td"},
    {TEXT("\0\x01\x1f\x20\x7f"), false, "\\u0000\\u0001\\u001f \x7f"},
    {TEXT("caf\xC3\xA9"), false, "caf\xC3\xA9"},
    {TEXT("caf\xE9"), true, "caf\\u00e9"},
    {TEXT("1234567\xFF"), true, "1234567\\u00ff"},
    {TEXT("\x80 2345678"), true, "\\u0080 2345678"},
};

static void test_escapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(escape_rows) / sizeof(escape_rows[0]); i++) {
        size_t length = escape_rows[i].length;
        for (size_t cut = 0; cut <= length; cut++) {
            char text[256];
            char *at = put_escaped(text, escape_rows[i].bytes, cut, escape_rows[i].latin1);
            at = put_escaped(at, escape_rows[i].bytes + cut, length - cut, escape_rows[i].latin1);
            *at = '\0';
            assert_string_equal(text, escape_rows[i].escaped);
        }
    }
}

/* Every byte at every place of a word of eight is told from its neighbours. */
static void test_every_byte_everywhere(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        for (int place = 0; place < 8; place++) {
            char word[8] = "abcdefgh", text[64];
            word[place] = (char)byte;
            bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
            size_t length = (size_t)(put_escaped(text, word, sizeof(word), true) - text);
            assert_int_equal(length == 8, plain);
        }
    }
}

static const struct {
    const char *bytes;
    size_t length;
    bool valid;
} utf8_rows[] = {
    {TEXT(""), true},
    {TEXT("plain ascii, longer than eight"), true},
    {TEXT("\xC2\x80"), true},
    {TEXT("\xDF\xBF"), true},
    {TEXT("\xE0\xA0\x80"), true},
    {TEXT("\xED\x9F\xBF"), true},
    {TEXT("\xEF\xBF\xBF"), true},
    {TEXT("\xF0\x90\x80\x80"), true},
    {TEXT("\xF4\x8F\xBF\xBF"), true},
    {TEXT("12345678\xE2\x82\xAC 12345678"), true},
    {TEXT("\x80"), false},
    {TEXT("\xC1\xBF"), false},     /* an overlong form */
    {TEXT("\xE0\x9F\xBF"), false}, /* an overlong form */
    {TEXT("\xED\xA0\x80"), false}, /* a surrogate */
    {TEXT("\xF0\x8F\xBF\xBF"), false},
    {TEXT("\xF4\x90\x80\x80"), false}, /* above U+10FFFF */
    {TEXT("\xF5\x80\x80\x80"), false},
    {TEXT("\xC3"), false}, /* an end too early */
    {TEXT("\xE2\x82"), false},
    {TEXT("\xC3("), false},
    {TEXT("\xE2\x82("), false},
    {TEXT("12345678\xFF"), false},
};

static void test_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(utf8_rows) / sizeof(utf8_rows[0]); i++) {
        size_t length = utf8_rows[i].length;
        assert_int_equal(utf8_is_valid(utf8_rows[i].bytes, length), utf8_rows[i].valid);
        for (size_t cut = 0; cut <= length; cut++) {
            struct utf8 utf8 = {0};
            bool valid = utf8_feed(&utf8, utf8_rows[i].bytes, cut) &&
                         utf8_feed(&utf8, utf8_rows[i].bytes + cut, length - cut) &&
                         utf8_end(&utf8);
            assert_int_equal(valid, utf8_rows[i].valid);
        }
    }
}

/* RFC 4648, section 10, and bytes above 127. */
static const struct {
    const char *bytes;
    size_t length;
    const char *encoded;
} base64_rows[] = {
    {TEXT(""), ""},
    {TEXT("f"), "Zg=="},
    {TEXT("fo"), "Zm8="},
    {TEXT("foo"), "Zm9v"},
    {TEXT("foob"), "Zm9vYg=="},
    {TEXT("fooba"), "Zm9vYmE="},
    {TEXT("foobar"), "Zm9vYmFy"},
    {TEXT("\x00\xFF\xFE\xFB"), "AP/++w=="},
};

static void test_base64(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(base64_rows) / sizeof(base64_rows[0]); i++) {
        size_t length = base64_rows[i].length;
        for (size_t cut = 0; cut <= length; cut++) {
            char text[64];
            struct base64 base64 = {0};
            char *at = put_base64(text, &base64, base64_rows[i].bytes, cut);
            at = put_base64(at, &base64, base64_rows[i].bytes + cut, length - cut);
            *put_base64_end(at, &base64) = '\0';
            assert_string_equal(text, base64_rows[i].encoded);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_every_byte_everywhere),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
