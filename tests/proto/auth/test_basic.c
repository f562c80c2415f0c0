/* Basic credentials: the examples of RFC 7617 and RFC 4648, and every length of a last group. */

#include "proto/auth/basic.h"
#include "tests/lib/feed.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static const struct {
    struct span user, password;
    const char *value;
} rows[] = {
    {WIRE("Aladdin"), WIRE("open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
    {WIRE("test"), WIRE("123\xc2\xa3"), "Basic dGVzdDoxMjPCow=="},
    {WIRE(""), WIRE(""), "Basic Og=="},
    {WIRE("a"), WIRE(""), "Basic YTo="},
    {WIRE(""), WIRE("p"), "Basic OnA="},
    {WIRE("a"), WIRE("b"), "Basic YTpi"},
    {WIRE("a:b"), WIRE("c:"), "Basic YTpiOmM6"},
    {WIRE("\xff\xff"), WIRE("\xfb\xef\xbe"), "Basic //86++++"},
};

static void test_values(void **state)
{
    char buffer[64];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t length = strlen(rows[i].value);
        const char *user = feed_guarded(0, rows[i].user);
        const char *password = feed_guarded(1, rows[i].password);
        struct span spans[] = {{user, rows[i].user.length}, {password, rows[i].password.length}};

        assert_int_equal(basic_write(spans[0], spans[1], buffer, sizeof(buffer)), length);
        assert_memory_equal(buffer, rows[i].value, length);
        memset(buffer, '#', sizeof(buffer));
        assert_int_equal(basic_write(spans[0], spans[1], buffer, length - 1), length);
        assert_int_equal(buffer[0], '#'); /* nothing is written by half */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
