/* The queue of requests, by what is put in and taken out of it, at both ends and in between. */

#include "engine/request/schedule.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

enum { FETCHES = 5 };

static struct fetch fetches[FETCHES];

/* The slots that wait, as digits, from both ends. */
static void expect(const struct schedule *schedule, const char *slots)
{
    uint32_t previous = NO_FETCH;
    uint32_t index = schedule->first;
    for (; *slots; slots++) {
        assert_int_equal(index, *slots - '0');
        assert_int_equal(fetches[index].state, FETCH_QUEUED);
        assert_int_equal(fetches[index].previous, previous);
        previous = index;
        index = fetches[index].next;
    }
    assert_int_equal(index, NO_FETCH);
    assert_int_equal(schedule->last, previous);
}

static void take(struct schedule *schedule, uint32_t fetch)
{
    schedule_remove(schedule, fetch);
    fetches[fetch].state = FETCH_ACTIVE;
}

static void what_waits_keeps_its_order(void **state)
{
    struct schedule schedule;
    (void)state;
    schedule_init(&schedule, fetches);
    expect(&schedule, "");
    for (uint32_t i = 0; i < FETCHES; i++)
        schedule_append(&schedule, i);
    assert_int_equal(schedule.count, FETCHES);
    expect(&schedule, "01234");
    take(&schedule, 0);
    take(&schedule, 2);
    take(&schedule, 4);
    expect(&schedule, "13");
    schedule_prepend(&schedule, 2); /* it had begun, and begins again before the others */
    schedule_append(&schedule, 0);
    expect(&schedule, "2130");
    take(&schedule, 3);
    take(&schedule, 1);
    take(&schedule, 0);
    take(&schedule, 2);
    expect(&schedule, "");
    assert_int_equal(schedule.count, 0);
    schedule_prepend(&schedule, 4);
    expect(&schedule, "4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_waits_keeps_its_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
