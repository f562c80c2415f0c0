/* Facts in lines: what a terminal of so many columns shows. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/output/human.h"

#include <stdlib.h>

static const struct {
    size_t columns;
    const char *facts;
    const char *lines;
} fold_rows[] = {
    {SIZE_MAX, "9 requests: 6 2xx; 5 B in 1 s", "haul: 9 requests: 6 2xx; 5 B in 1 s\n"},
    {23, "9 requests: 6 2xx; 5 B in 1 s", "haul: 9 requests: 6 2xx;\n      5 B in 1 s\n"},
    {24, "9 requests: 6 2xx; 5 B in 1 s", "haul: 9 requests: 6 2xx;\n      5 B in 1 s\n"},
    {35, "9 requests: 6 2xx; 5 B in 1 s", "haul: 9 requests: 6 2xx; 5 B in 1 s\n"},
    {34, "9 requests: 6 2xx; 5 B in 1 s", "haul: 9 requests: 6 2xx;\n      5 B in 1 s\n"},
    {1, "a (b 1, c 2); d", "haul: a (b 1,\n      c 2);\n      d\n"},
    {20, "1,234,567 failed, 8", "haul: 1,234,567 failed,\n      8\n"},
    {80, "", "haul: \n"},
};

static void test_fold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fold_rows) / sizeof(fold_rows[0]); i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *to = open_memstream(&text, &size);
        assert_non_null(to);
        human_fold(to, "haul", fold_rows[i].facts, fold_rows[i].columns);
        assert_int_equal(fclose(to), 0);
        assert_string_equal(text, fold_rows[i].lines);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
