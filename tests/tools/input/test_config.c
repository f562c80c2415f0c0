/* Lines of -K, as curl 7.88 reads them. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/input/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text;
    const char *options; /* "line word=value;", value "-": none; '!': more stands behind it */
} rows[] = {
    {"", ""},
    {"# x\n\n  # y\n/ z\n* c\n\r\n", ""},
    {"silent", "1 silent=-;"},
    {"silent\r\nurl = u\r\n", "1 silent=-;2 url=u;"},
    {"url=u", "1 url=u;"},
    {"url:u", "1 url=u;"},
    {"url u", "1 url=u;"},
    {"  url \t= : u", "1 url=u;"},
    {"url = http://h:80/?a=b", "1 url=http://h:80/?a=b;"},
    {"--url u", "1 --url=u;"},
    {"--url=u", "1 --url=u=-;"}, /* as in curl: with dashes, = parts nothing */
    {"-o f", "1 -o=f;"},
    {"-sS", "1 -sS=-;"},
    {"url = \"a b\"", "1 url=a b;"},
    {"url = \"a\\\"b\\\\c\\td\\qe\"f g", "1 url=a\"b\\c\tdqe;"},
    {"url = \"\"", "1 url=;"},
    {"url = \"open\nsilent", "1 url=open;2 silent=-;"},
    {"url = \"open\\", "1 url=open\\;"},
    {"url = a b", "1 url=a!;"},
    {"url = a # b", "1 url=a;"},
    {"url = #b", "1 url=#b;"},
    {"url =", "1 url=-;"},
    {"=", "1 =-;"},
    {"\n\nhead\n", "3 head=-;"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char got[256] = "", *text = strdup(rows[i].text);
        struct config config = {.at = text};
        struct config_option option;
        while (config_next(&config, &option))
            snprintf(got + strlen(got), sizeof(got) - strlen(got), "%u %s=%s%s;", config.line,
                     option.word, option.value != NULL ? option.value : "-",
                     option.has_more ? "!" : "");
        assert_string_equal(got, rows[i].options);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
