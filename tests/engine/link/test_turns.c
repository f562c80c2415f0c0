/* How many connections to an origin are under way that its server may not have accepted, on a loop
 * that does nothing and with a clock of the test's own. */

#include "tests/lib/engine/dial_stage.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/resource.h>

enum {
    SLOTS = STAGE_SLOTS,
    MOST = DIAL_TURN_MOST,
    TURN = 7777,
    LOOKS = 2,
    MORE_LOOKS = 8,
    NEAR_LOOKS = 50,
    LONG_LOOKS = 500,
    THROUGH = 8
};

static struct stage stage;
static uint64_t now_ns;

static void stage_open(enum origin_state state)
{
    stage_set(&stage, SLOTS, state, state == ORIGIN_KNOWN, UINT64_MAX);
    stage.dials.turn_crowd = TURN;
    now_ns = 1000000;
}

static bool must_wait(void)
{
    struct tried tried = {0};
    uint32_t crowd = dial_crowd(&stage.dials, 0, &tried, now_ns);
    assert_true(crowd == TURN || crowd == NO_CROWD);
    return crowd == TURN;
}

static enum dial_news_kind begin(uint32_t slot, uint32_t rival)
{
    uint32_t request = rival == NO_SLOT ? slot : rival;
    assert_true(
        dial_begin(&stage.dials, slot, 0, &stage.tried[request], rival, now_ns, &stage.news));
    return stage.news.kind;
}

/* From slot on, as many as may be; returns how many were. */
static uint32_t open_all(uint32_t slot)
{
    uint32_t first = slot;
    while (slot < SLOTS && !must_wait())
        assert_int_equal(begin(slot++, NO_SLOT), DIAL_BEGUN);
    return slot - first;
}

/* The connection is through, accepted or not. */
static void get_through(uint32_t slot)
{
    struct link_event event = {.kind = LINK_CONNECTED, .link = slot};
    stage.link[slot].state = LINK_OPEN;
    assert_true(dial_take(&stage.dials, &event, &stage.news));
    assert_int_equal(stage.news.kind, DIAL_READY);
}

/* The same, and they are through. */
static uint32_t open_and_connect(uint32_t slot)
{
    uint32_t count = open_all(slot);
    for (uint32_t i = 0; i < count; i++)
        get_through(slot + i);
    return count;
}

static void close_from(uint32_t slot)
{
    for (; slot < SLOTS; slot++) {
        dial_is_answered(&stage.dials, slot);
        tried_reset(&stage.tried[slot], stage.further[slot]);
        if (stage.link[slot].state == LINK_FREE)
            continue;
        dial_forget(&stage.dials, slot);
        link_close(&stage.links, slot);
        stage.link[slot].state = LINK_FREE;
    }
}

/* So many looks, so far apart. */
static bool is_silent(uint32_t looks, uint64_t apart_ns)
{
    bool waits = must_wait();
    for (uint32_t i = 0; i < looks; i++) {
        now_ns += apart_ns;
        waits = must_wait();
    }
    return !waits;
}

static void so_many_may_be_under_way(void **state)
{
    (void)state;
    stage_open(ORIGIN_KNOWN);
    assert_int_equal(open_all(0), MOST);
    assert_int_equal(begin(MOST, NO_SLOT), DIAL_FAILED);
    assert_true(stage.news.is_crowded);
    assert_int_equal(stage.news.crowd, TURN);
    assert_int_equal(stage.dials.connects, MOST);
    close_from(0);
}

/* What was opened before it has been accepted too; that it is answered later changes nothing. */
static void an_answer_makes_room_for_all_before_it(void **state)
{
    (void)state;
    stage_open(ORIGIN_KNOWN);
    assert_int_equal(open_all(0), MOST);
    dial_is_answered(&stage.dials, 9);
    dial_is_answered(&stage.dials, 9);
    dial_is_answered(&stage.dials, 3);
    assert_int_equal(open_all(MOST), 10);
    dial_is_answered(&stage.dials, MOST + 9);
    assert_int_equal(open_all(MOST + 10), MOST);
    close_from(0);
    assert_int_equal(open_all(0), MOST);
    close_from(0);
}

/* Twice as many, then as many as get through. With the last one that was accepted it is as at
 * first. */
static void a_silent_server_is_not_waited_for(void **state)
{
    enum { LEFT = SLOTS - 2 * MOST };
    uint32_t slot = 2 * MOST, rounds = 0;
    (void)state;
    stage_open(ORIGIN_KNOWN);
    assert_int_equal(open_and_connect(0), MOST);
    assert_false(is_silent(LOOKS - 1, DIAL_LOOK_NS));
    assert_true(is_silent(1, DIAL_LOOK_NS));
    assert_int_equal(open_and_connect(MOST), MOST);
    assert_false(is_silent(MORE_LOOKS - 1, DIAL_LOOK_NS));
    assert_true(is_silent(1, DIAL_LOOK_NS));
    for (; slot < SLOTS; rounds++)
        slot += open_and_connect(slot);
    assert_in_range(rounds, LEFT / 128, LEFT / THROUGH / 2); /* more and more */
    close_from(0);
    assert_int_equal(open_all(0), MOST);
    close_from(0);
}

/* Its queue is full: it is given a second, in which the kernel tries again. */
static void where_none_gets_through_few_are_tried(void **state)
{
    (void)state;
    stage_open(ORIGIN_KNOWN);
    assert_int_equal(open_and_connect(0), MOST);
    assert_true(is_silent(LOOKS, DIAL_LOOK_NS));
    assert_int_equal(open_and_connect(MOST), MOST);
    assert_true(is_silent(MORE_LOOKS, DIAL_LOOK_NS));
    assert_int_equal(open_all(2 * MOST), THROUGH);
    get_through(2 * MOST);
    assert_int_equal(open_all(2 * MOST + THROUGH), 1);
    assert_false(is_silent(LONG_LOOKS - 1, DIAL_LOOK_NS));
    assert_true(is_silent(1, DIAL_LOOK_NS));
    assert_int_equal(open_all(2 * MOST + THROUGH + 1), SLOTS - 2 * MOST - THROUGH - 1);
    close_from(0);
}

/* None of them is through: no queue of its can be full. */
static void a_server_far_away_is_not_waited_for(void **state)
{
    (void)state;
    stage_open(ORIGIN_KNOWN);
    assert_int_equal(open_all(0), MOST);
    assert_false(is_silent(LOOKS - 1, DIAL_LOOK_NS));
    assert_true(is_silent(1, DIAL_LOOK_NS));
    assert_int_equal(open_all(MOST), SLOTS - MOST);
    close_from(0);
    assert_int_equal(open_all(0), MOST);
    close_from(0);
}

/* It is rather busy: it is given a tenth of a second. */
static void one_that_is_near_is_waited_for(void **state)
{
    (void)state;
    stage_open(ORIGIN_KNOWN);
    assert_int_equal(open_and_connect(0), MOST);
    dial_is_near(&stage.dials, 0);
    assert_true(is_silent(LOOKS, DIAL_LOOK_NS));
    assert_int_equal(open_and_connect(MOST), MOST);
    assert_false(is_silent(NEAR_LOOKS - 1, DIAL_LOOK_NS));
    assert_true(is_silent(1, DIAL_LOOK_NS));
    assert_int_equal(open_all(2 * MOST), THROUGH);
    assert_false(is_silent(NEAR_LOOKS - 1, DIAL_LOOK_NS));
    close_from(0);
}

/* This process may not have run in between; and looks that follow each other closely are one. */
static void looks_are_counted_and_not_time(void **state)
{
    (void)state;
    stage_open(ORIGIN_KNOWN);
    assert_int_equal(open_all(0), MOST);
    get_through(0);
    assert_false(is_silent(LOOKS - 1, 100 * DIAL_LOOK_NS));
    dial_is_answered(&stage.dials, 0);
    assert_int_equal(open_all(MOST), 1);
    assert_false(is_silent(100, DIAL_LOOK_NS / 100));
    dial_is_answered(&stage.dials, 0); /* was before */
    get_through(1);                    /* which is news, too */
    assert_false(is_silent(LOOKS - 1, DIAL_LOOK_NS));
    dial_is_answered(&stage.dials, 1);
    assert_int_equal(open_all(MOST + 1), 1);
    assert_false(is_silent(LOOKS - 1, DIAL_LOOK_NS));
    close_from(0);
}

/* They began before it was known how many may: who is left over is told so. */
static void who_waited_for_addresses_waits_for_a_turn(void **state)
{
    struct resolver_answer answer = {.addresses = addresses_of(1)};
    uint32_t begun = 0, crowded = 0;
    (void)state;
    stage_open(ORIGIN_RESOLVING);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        assert_false(
            dial_begin(&stage.dials, slot, 0, &stage.tried[slot], NO_SLOT, now_ns, &stage.news));
    assert_false(must_wait());
    dial_answer(&stage.dials, &answer, now_ns);
    while (dial_next(&stage.dials, &answer, &stage.news)) {
        begun += stage.news.kind == DIAL_BEGUN;
        crowded += stage.news.is_crowded && stage.news.crowd == TURN;
        if (stage.news.is_crowded)
            dial_forget(&stage.dials, stage.news.slot);
    }
    assert_int_equal(begun, MOST);
    assert_int_equal(crowded, SLOTS - MOST);
    close_from(0);
}

/* It is the second attempt of one that is late already. */
static void a_rival_waits_for_no_turn(void **state)
{
    struct resolver_addresses two = addresses_of(2);
    (void)state;
    stage_open(ORIGIN_KNOWN);
    places_renew(&stage.origin.places, &two);
    stage.origin.is_open = true;
    assert_int_equal(open_all(0), MOST);
    assert_int_equal(begin(MOST, 0), DIAL_BEGUN);
    close_from(0);
}

int main(void)
{
    struct rlimit files;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_may_be_under_way),
        cmocka_unit_test(an_answer_makes_room_for_all_before_it),
        cmocka_unit_test(a_silent_server_is_not_waited_for),
        cmocka_unit_test(where_none_gets_through_few_are_tried),
        cmocka_unit_test(a_server_far_away_is_not_waited_for),
        cmocka_unit_test(one_that_is_near_is_waited_for),
        cmocka_unit_test(looks_are_counted_and_not_time),
        cmocka_unit_test(who_waited_for_addresses_waits_for_a_turn),
        cmocka_unit_test(a_rival_waits_for_no_turn),
    };
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < 2 * SLOTS ? files.rlim_max : 2 * SLOTS;
    setrlimit(RLIMIT_NOFILE, &files);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
