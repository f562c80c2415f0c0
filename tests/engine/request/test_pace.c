/* When a reply is too slow, with a clock of the test's: by quarters of the time allowed. */

#include "engine/request/pace.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define MS UINT64_C(1000000)

enum { TIME_MS = 400, QUARTER_MS = TIME_MS / PACE_QUARTERS, LIMIT = 1000 };

static const uint64_t begin_ns = 7000 * MS;

/* At the end of each quarter, of which bytes have come. */
static bool is_slow_after(struct pace *pace, uint64_t *now_ns, uint64_t bytes)
{
    pace_add(pace, bytes);
    *now_ns += QUARTER_MS * MS;
    assert_int_equal(pace_due_ns(pace, TIME_MS * MS), *now_ns);
    return pace_is_slow(pace, *now_ns, TIME_MS * MS, LIMIT);
}

/* 1,000 bytes a second are 400 in 400 ms: never before these are over, and by their sum. */
static void it_is_slow_by_the_sum_of_the_time(void **state)
{
    static const struct {
        uint64_t bytes[6];
        int slow_at; /* the quarter; 6: none */
    } rows[] = {
        {{0, 0, 0, 0, 0, 0}, 3},          {{100, 100, 100, 100, 100, 100}, 6},
        {{99, 100, 100, 100, 0, 0}, 3},   {{400, 0, 0, 0, 0, 0}, 4},
        {{0, 0, 0, 400, 0, 0}, 6},        {{1000, 0, 0, 0, 400, 0}, 6},
        {{100, 100, 100, 100, 99, 0}, 4},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pace pace = {0};
        uint64_t now_ns = begin_ns;
        int quarter = 0;
        pace_begin(&pace, now_ns);
        while (quarter < 6 && !is_slow_after(&pace, &now_ns, rows[i].bytes[quarter]))
            quarter++;
        if (quarter != rows[i].slow_at)
            fail_msg("row %zu: slow at %d", i, quarter);
    }
}

/* While it is paused its clock stands, however long. */
static void what_is_paused_is_not_slow(void **state)
{
    struct pace pace = {0};
    uint64_t now_ns = begin_ns;
    (void)state;
    pace_begin(&pace, now_ns);
    pace_pause(&pace, now_ns + 60 * MS);
    assert_int_equal(pace_due_ns(&pace, TIME_MS * MS), UINT64_MAX);
    now_ns += 3600 * 1000 * MS;
    assert_false(pace_is_slow(&pace, now_ns, TIME_MS * MS, LIMIT));
    pace_pause(&pace, now_ns); /* twice is once */
    pace_go_on(&pace, now_ns);
    pace_go_on(&pace, now_ns + 10 * MS);
    assert_int_equal(pace_due_ns(&pace, TIME_MS * MS), now_ns + 40 * MS);
    assert_false(pace_is_slow(&pace, now_ns + 39 * MS, TIME_MS * MS, LIMIT));
    now_ns += 40 * MS;
    for (int quarter = 0; quarter < 3; quarter++) {
        assert_false(pace_is_slow(&pace, now_ns, TIME_MS * MS, LIMIT));
        now_ns += QUARTER_MS * MS;
    }
    assert_true(pace_is_slow(&pace, now_ns, TIME_MS * MS, LIMIT));
}

/* What was never begun is not measured, and no product of limit and time is too large. */
static void its_ends_hold(void **state)
{
    struct pace pace = {0};
    (void)state;
    pace_go_on(&pace, begin_ns);
    assert_int_equal(pace_due_ns(&pace, TIME_MS * MS), UINT64_MAX);
    pace_begin(&pace, begin_ns);
    assert_int_equal(pace_due_ns(&pace, UINT64_MAX), begin_ns + UINT64_MAX / PACE_QUARTERS);
    pace_add(&pace, UINT64_MAX / 8);
    uint64_t now_ns = begin_ns;
    for (int quarter = 0; quarter < PACE_QUARTERS; quarter++) {
        now_ns += QUARTER_MS * MS;
        assert_int_equal(pace_is_slow(&pace, now_ns, TIME_MS * MS, UINT64_MAX), quarter == 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_slow_by_the_sum_of_the_time),
        cmocka_unit_test(what_is_paused_is_not_slow),
        cmocka_unit_test(its_ends_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
