/* Error names: that ours are glibc's, one by one. */

#include "engine/libc/lacking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_each_error(void **state)
{
    int known = 0;
    (void)state;
    for (int error = -2; error < 4096; error++) {
        const char *name = libc_error_name(error), *expected = strerrorname_np(error);
        assert_int_equal(name == NULL, expected == NULL);
        if (expected == NULL)
            continue;
        assert_string_equal(name, expected);
        known++;
    }
    assert_true(known > 130); /* of 132 on x86 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
