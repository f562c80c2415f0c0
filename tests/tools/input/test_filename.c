/* Names that URLs suggest, and what goes into their query. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/input/filename.h"
#include "tools/input/query.h"

#include <stdlib.h>
#include <string.h>

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *url, *name; /* NULL: none */
    } rows[] = {
        {"http://h/a", "a"},         {"http://h/a/b.c", "b.c"},     {"http://h/a?b/c", "a"},
        {"http://h/a#b/c", "a"},     {"http://h/a?b#c", "a"},       {"http://h", NULL},
        {"http://h/", NULL},         {"http://h/a/", NULL},         {"http://h?a/b", NULL},
        {"http://h/.", NULL},        {"http://h/a/..", NULL},       {"http://h/...", "..."},
        {"http://h/.a", ".a"},       {"http://h/%2e%2e", "%2e%2e"}, {"http://h/%2Fetc", "%2Fetc"},
        {"http://h/a%00b", "a%00b"}, {"http://h//a", "a"},          {"http://u@h/a", "a"},
        {"http://h/a\\b", "a\\b"},   {"HTTPS://h/a", "a"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *name;
        size_t length;
        bool is_one = filename_of_url(rows[i].url, strlen(rows[i].url), &name, &length);
        assert_int_equal(is_one, rows[i].name != NULL);
        if (!is_one)
            continue;
        assert_int_equal(length, strlen(rows[i].name));
        assert_memory_equal(name, rows[i].name, length);
    }
}

/* What a file system takes, and a byte more. */
static void test_long_names(void **state)
{
    (void)state;
    char url[300] = "http://h/";
    const char *name;
    size_t length;
    memset(url + 9, 'a', 255);
    assert_true(filename_of_url(url, 9 + 255, &name, &length));
    url[9 + 255] = 'a';
    assert_false(filename_of_url(url, 9 + 256, &name, &length));
}

static void test_schemes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool has;
    } rows[] = {
        {"http://h", true},   {"a+b-c.1://", true},   {"h", false},
        {"", false},          {"h:80/p", false},      {"://h", false},
        {"1http://h", false}, {"h/?http://x", false}, {"h/?u=http://x", false},
        {"http:/h", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(url_has_scheme(rows[i].text, strlen(rows[i].text)), rows[i].has);
}

/* As curl 7.88 sends them. */
static void test_queries(void **state)
{
    (void)state;
    static const struct {
        const char *text, *encoded; /* NULL: a file is meant */
    } rows[] = {
        {"a b", "a+b"},
        {"=a&b", "a%26b"},
        {"x=a b&c", "x=a+b%26c"},
        {"x y=1", "x y=1"},
        {"x=a=b", "x=a%3Db"},
        {"x=a@b", "x=a%40b"},
        {"-._~*'", "-._~%2A%27"},
        {"\xC3\xA9%", "%C3%A9%25"},
        {"", ""},
        {"@f", NULL},
        {"n@f", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct query_part part = query_part_of(rows[i].text);
        assert_int_equal(part.is_file, rows[i].encoded == NULL);
        if (part.is_file) {
            assert_string_equal(part.content, "f");
            continue;
        }
        char *text = query_encode(&part, part.content, strlen(part.content));
        assert_string_equal(text, rows[i].encoded);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_schemes),
        cmocka_unit_test(test_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
