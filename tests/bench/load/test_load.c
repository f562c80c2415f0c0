/* What options and results say of themselves. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/load/load.h"

static void test_names(void **state)
{
    static const char *const clients[] = {"uring", "epoll", "threads"};
    (void)state;
    for (int i = 0; i < CLIENT_COUNT; i++)
        assert_string_equal(client_name((enum client_kind)i), clients[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
