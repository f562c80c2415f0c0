/* Words as a shell splits them: a text, and the words it comes to. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/base/words.h"

#include <errno.h>
#include <string.h>

enum { WORDS_MAX = 6 };

static const struct {
    const char *text;
    const char *words[WORDS_MAX];
} rows[] = {
    {"", {NULL}},
    {" \t\n ", {NULL}},
    {"-c", {"-c"}},
    {"-c 64", {"-c", "64"}},
    {"  -c\t64\n", {"-c", "64"}},
    {"a b c d", {"a", "b", "c", "d"}},
    {"''", {""}},
    {"\"\"", {""}},
    {"'' \"\" ''", {"", "", ""}},
    {"-H 'X: a  b'", {"-H", "X: a  b"}},
    {"-H \"X: a  b\"", {"-H", "X: a  b"}},
    {"-H'X: a'\" b\"\\ c", {"-HX: a b c"}},
    {"'it'\\''s'", {"it's"}},
    {"\"it's\"", {"it's"}},
    {"'say \"so\"'", {"say \"so\""}},
    {"\"say \\\"so\\\"\"", {"say \"so\""}},
    {"a\\ b", {"a b"}},
    {"\\a\\\\", {"a\\"}},
    {"'a\\b'", {"a\\b"}},
    {"\"a\\b\"", {"a\\b"}},
    {"\"\\$\\`\\\\\"", {"$`\\"}},
    {"$HOME *.c ~ #no", {"$HOME", "*.c", "~", "#no"}},
    {"a\\\nb", {"ab"}},
    {"\"a\\\nb\"", {"ab"}},
    {"'a\nb'", {"a\nb"}},
    {"caf\xc3\xa9 'gr\xc3\xb6\xc3\x9f' e", {"caf\xc3\xa9", "gr\xc3\xb6\xc3\x9f", "e"}},
};

static void splits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct words words;
        size_t position, count = 0;
        assert_int_equal(words_split(&words, rows[i].text, &position), 0);
        for (; count < WORDS_MAX && rows[i].words[count] != NULL; count++) {
            assert_true(count < words.count);
            assert_string_equal(words.words[count], rows[i].words[count]);
        }
        assert_int_equal(words.count, count);
        assert_null(words.words[count]);
        words_free(&words);
    }
}

/* Where what has no end begins. */
static const struct {
    const char *text;
    size_t position;
} faults[] = {
    {"'", 0},
    {"\"", 0},
    {"\\", 0},
    {"-c 'a b", 3},
    {"a'b'c'd", 5},
    {"a \"b 'c'", 2},
    {"\"a\\\"", 0},
    {"\"a\\", 0},
    {"a 'b' c\\", 7},
    {"'a\" \"", 0},
    {"\"it's\" it's", 9},
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct words words;
        size_t position = SIZE_MAX;
        assert_int_equal(words_split(&words, faults[i].text, &position), -EINVAL);
        assert_int_equal(position, faults[i].position);
        assert_null(words.words);
        assert_null(words.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
