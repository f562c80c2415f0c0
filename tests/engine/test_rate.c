/* Rates as people write them: what is taken, and what could be meant in two ways and is not. */

#include "engine/haul.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void rates_are_read(void **state)
{
    static const struct {
        const char *text;
        double rate;
        bool has_unit;
    } rows[] = {
        {"10/s", 10, true},
        {"30/m", 0.5, true},
        {"3600/h", 1, true},
        {"86400/d", 1, true},
        {"1/d", 1 / 86400.0, true},
        {"5k/s", 5000, true},
        {"1.5k/m", 25, true},
        {"2M/s", 2e6, true},
        {"0.5/s", 0.5, true},
        {"2/100ms", 20, true},
        {"1/1m30s", 1 / 90.0, true},
        {"1/2d", 1 / 172800.0, true},
        {"1/1.5s", 1 / 1.5, true},
        {"7", 7, false},
        {"5k", 5000, false},
        {"1.", 1, false},
        {"0", 0, false},
        {"0/s", 0, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double rate = -1;
        bool has_unit;
        if (haul_rate_parse(rows[i].text, &rate, &has_unit) != 0)
            fail_msg("%s is refused", rows[i].text);
        if (rate < rows[i].rate * 0.999999999 || rate > rows[i].rate * 1.000000001)
            fail_msg("%s is %f", rows[i].text, rate);
        assert_int_equal(has_unit, rows[i].has_unit);
    }
}

static void what_is_none_is_refused(void **state)
{
    static const char *const words[] = {
        "",      "-1/s",  "+1/s",  ".5/s",  "1e3/s",  "0x10/s", "1/",      "1/0s",
        "1/60",  "1/S",   "1/day", "1/s/s", "1/1",    "1/s1m",  "1/30s1m", "1/1s1s",
        "1 /s",  "1/ s",  " 1/s",  "1/s ",  "/s",     "1..2/s", "1.2.3",   "k/s",
        "1kk/s", "inf/s", "nan/s", "1/-1s", "1/m30s",
    };
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        double rate;
        bool has_unit;
        if (haul_rate_parse(words[i], &rate, &has_unit) != -EINVAL)
            fail_msg("'%s' is taken", words[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_read),
        cmocka_unit_test(what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
