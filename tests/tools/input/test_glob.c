/* Globs: each row is a text and everything it expands to, as curl has it, or the fault it has. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/input/glob.h"

#include <stdio.h>
#include <string.h>

/* The expansions, one space after each. */
static const struct {
    const char *text;
    const char *expansions;
} expansion_rows[] = {
    {"plain", "plain "},
    {"p[1-3]", "p1 p2 p3 "},
    {"[8-11]", "8 9 10 11 "},
    {"[08-11]", "08 09 10 11 "},
    {"[001-100:33]", "001 034 067 100 "},
    {"[1-10:4]x", "1x 5x 9x "},
    {"[7-7]", "7 "},
    {"[0-0]", "0 "},
    {"[9223372036854775806-9223372036854775807]", "9223372036854775806 9223372036854775807 "},
    {"[a-e]", "a b c d e "},
    {"[a-e:2]", "a c e "},
    {"[X-Z]", "X Y Z "},
    {"{a,b,c}", "a b c "},
    {"{one}", "one "},
    {"x{,y}", "x xy "},
    {"x{y,}", "xy x "},
    {"{a,b}[1-2]", "a1 a2 b1 b2 "},
    {"[1-2]/{x,y}/[a-b]", "1/x/a 1/x/b 1/y/a 1/y/b 2/x/a 2/x/b 2/y/a 2/y/b "},
    {"\\[1-3\\]", "[1-3] "},
    {"\\{a,b\\}", "{a,b} "},
    {"a\\b{c,d}", "a\\bc a\\bd "},
    {"{a\\,b,c\\}}", "a,b c} "},
    {"http://[::1]:80/[1-2]", "http://[::1]:80/1 http://[::1]:80/2 "},
    {"http://[fe80::1%25eth0]/[1-2]", "http://[fe80::1%25eth0]/1 http://[fe80::1%25eth0]/2 "},
    {"http://[fe80::1%br-lan]:80/", "http://[fe80::1%br-lan]:80/ "},
    {"http://[::ffff:1.2.3.4]/", "http://[::ffff:1.2.3.4]/ "},
    {"?ids[]=[1-2]", "?ids[]=1 ?ids[]=2 "},
};

static void expand_all(const char *text, char *ret_expansions)
{
    struct glob glob;
    size_t column;
    char one[128];
    *ret_expansions = '\0';
    assert_int_equal(glob_init(&glob, text, strlen(text), &column), GLOB_NONE);
    do {
        size_t length = glob_expand(&glob, one, sizeof(one));
        assert_true(length < sizeof(one));
        sprintf(ret_expansions + strlen(ret_expansions), "%.*s ", (int)length, one);
    } while (glob_next(&glob));
}

static void test_expansions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(expansion_rows) / sizeof(expansion_rows[0]); i++) {
        char expansions[1024];
        expand_all(expansion_rows[i].text, expansions);
        assert_string_equal(expansions, expansion_rows[i].expansions);
    }
}

/* After the last expansion comes the first again. */
static void test_goes_round(void **state)
{
    (void)state;
    struct glob glob;
    size_t column;
    char first[8], again[8];
    assert_int_equal(glob_init(&glob, "[1-2]{a,b}[x-y]", 15, &column), GLOB_NONE);
    size_t length = glob_expand(&glob, first, sizeof(first));
    for (int i = 0; i < 7; i++)
        assert_true(glob_next(&glob));
    assert_false(glob_next(&glob));
    assert_int_equal(glob_expand(&glob, again, sizeof(again)), length);
    assert_memory_equal(first, again, length);
}

static const struct {
    const char *text;
    enum glob_fault fault;
    size_t column;
} fault_rows[] = {
    {"ab{c", GLOB_UNCLOSED, 3},  {"ab[1-2", GLOB_UNCLOSED, 3},
    {"[", GLOB_UNCLOSED, 1},     {"{", GLOB_UNCLOSED, 1},
    {"{a\\", GLOB_UNCLOSED, 1},  {"ab}", GLOB_UNOPENED, 3},
    {"ab]", GLOB_UNOPENED, 3},   {"{a]}", GLOB_UNOPENED, 3},
    {"{a{b}}", GLOB_NESTED, 3},  {"{a[1-2]}", GLOB_NESTED, 3},
    {"x{}", GLOB_EMPTY, 4},      {"[3-1]", GLOB_RANGE, 5},
    {"[z-a]", GLOB_RANGE, 5},    {"[a-Z]", GLOB_RANGE, 2},
    {"[a-1]", GLOB_RANGE, 2},    {"[1-a]", GLOB_RANGE, 4},
    {"[ab]", GLOB_RANGE, 2},     {"[1]", GLOB_RANGE, 3},
    {"[1-]", GLOB_RANGE, 4},     {"[-1]", GLOB_RANGE, 2},
    {"[1-9:0]", GLOB_RANGE, 7},  {"[1-9:9]", GLOB_RANGE, 7},
    {"[1-9:]", GLOB_RANGE, 6},   {"[1-9:2", GLOB_UNCLOSED, 1},
    {"[a-c:-1]", GLOB_RANGE, 6}, {"[1-9223372036854775808]", GLOB_RANGE, 22},
    {"[1 - 2]", GLOB_RANGE, 3},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fault_rows) / sizeof(fault_rows[0]); i++) {
        struct glob glob;
        size_t column = 0;
        const char *text = fault_rows[i].text;
        assert_int_equal(glob_init(&glob, text, strlen(text), &column), fault_rows[i].fault);
        assert_int_equal(column, fault_rows[i].column);
        assert_true(strlen(glob_sentence(fault_rows[i].fault)) > 0);
    }
}

static void test_counts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t count;
    } rows[] = {
        {"plain", 1},
        {"[001-100:2]", 50},
        {"{a,b\\,c,}", 3},
        {"[a-z][a-z]{x,y}", 26 * 26 * 2},
        {"[0-9223372036854775807]", UINT64_C(1) << 63},
        {"[0-9223372036854775807]{a,b}", UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct glob glob;
        size_t column;
        assert_int_equal(glob_init(&glob, rows[i].text, strlen(rows[i].text), &column), GLOB_NONE);
        assert_int_equal(glob_count(&glob), rows[i].count);
    }
}

static void test_parts_have_an_end(void **state)
{
    (void)state;
    struct glob glob;
    size_t column;
    char text[GLOB_PARTS_MAX * 3 + 3 + 1] = "";
    for (int i = 0; i < GLOB_PARTS_MAX; i++)
        strcat(text, "{a}");
    assert_int_equal(glob_init(&glob, text, strlen(text), &column), GLOB_NONE);
    strcat(text, "{b}");
    assert_int_equal(glob_init(&glob, text, strlen(text), &column), GLOB_TOO_MANY);
    assert_int_equal(column, GLOB_PARTS_MAX * 3 + 1);
}

/* Exactly as much as fits is written, and the whole length is told. */
static void test_short_buffer(void **state)
{
    (void)state;
    struct glob glob;
    size_t column;
    char buffer[4] = "----";
    assert_int_equal(glob_init(&glob, "ab[10-11]{xyz}", 14, &column), GLOB_NONE);
    assert_int_equal(glob_expand(&glob, buffer, 3), 7);
    assert_memory_equal(buffer, "ab1-", 4);
}

static void test_needed(void **state)
{
    (void)state;
    assert_false(glob_is_needed("http://host/a\\b?c=d,e-f", 23));
    assert_true(glob_is_needed("a{", 2));
    assert_true(glob_is_needed("]", 1));
    assert_false(glob_is_needed("]", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expansions),
        cmocka_unit_test(test_goes_round),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_parts_have_an_end),
        cmocka_unit_test(test_short_buffer),
        cmocka_unit_test(test_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
