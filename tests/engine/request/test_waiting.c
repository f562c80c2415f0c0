/* Who receives while blocks are short, slot by slot: what pressure is told and shown, and what it
 * gives back. What comes of it with an engine around it is test_pressure.c. */

#include "engine/request/pressure.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { SLOTS = 4, SHARED = 100, RESERVE = 40, FLIGHT = 10, NOW = 1000, TURN = 50000000 };

static struct pressure_waiter waiters[SLOTS];
static struct pressure pressure;
static struct pressure_view view;

/* In a shortage, with so many blocks left, and all slots in line. */
static void begin(uint32_t left)
{
    memset(waiters, 0, sizeof waiters);
    pressure_init(&pressure, waiters);
    view = (struct pressure_view){.shared_left = left,
                                  .shared_blocks = SHARED,
                                  .reserve_blocks = RESERVE,
                                  .flight_blocks = FLIGHT,
                                  .rest = 20,
                                  .current = NO_SLOT};
    assert_true(pressure_begins(&pressure, RESERVE - 1, RESERVE));
    pressure_begin(&pressure, NOW);
    assert_false(pressure_begins(&pressure, RESERVE - 1, RESERVE));
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        pressure_wait(&pressure, slot);
    pressure.was_held_back = false;
}

/* "0 1" are the slots that are to receive, with "!" once. */
static void expect(const char *acts)
{
    char text[64] = "";
    uint32_t slot;
    enum pressure_act act;
    while ((act = pressure_next(&pressure, &view, &slot)) != PRESSURE_DONE)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u%s", *text ? " " : "", slot,
                 act == PRESSURE_RECEIVE_ONCE ? "!" : "");
    assert_string_equal(text, acts);
}

static void it_begins_below_the_reserve(void **state)
{
    (void)state;
    pressure_init(&pressure, waiters);
    assert_false(pressure_begins(&pressure, RESERVE, RESERVE));
    assert_true(pressure_begins(&pressure, RESERVE - 1, RESERVE));
}

/* Others need room for what all that are armed may bring, and for the rest of the current body. */
static void so_many_are_armed_as_the_blocks_can_take(void **state)
{
    (void)state;
    begin(22);
    expect("");
    begin(23);
    expect("0!");
    begin(29);
    expect("0! 1! 2!");
    pressure_received(&pressure, 1);
    pressure_wait_first(&pressure, 1);
    expect("1!");
    assert_int_equal(pressure.armed, 3);
}

static void the_current_body_goes_first_and_further(void **state)
{
    (void)state;
    begin(5);
    view.current = 2;
    view.has_current = true;
    expect("2!");
    begin(26);
    view.current = 2;
    view.has_current = true;
    expect("2! 0!");
    begin(2);
    view.current = 2;
    view.has_current = true;
    expect("");
    view.rest = 2; /* no more can come of it */
    expect("2!");
}

static void nothing_is_armed_before_what_was_held_back_has_come(void **state)
{
    (void)state;
    begin(39);
    pressure.was_held_back = true;
    expect("");
    assert_int_equal(pressure_choose(&pressure, &view), NO_SLOT);
    pressure.was_held_back = false;
    expect("0! 1! 2! 3!");
}

static void with_plenty_all_receive_again(void **state)
{
    (void)state;
    begin(69);
    pressure_leave(&pressure, 1);
    expect("0! 2! 3!");
    pressure_received(&pressure, 2);
    pressure_wait_first(&pressure, 2);
    view.shared_left = 70; /* the reserve, and half of what is above it */
    expect("2");
    assert_false(pressure.is_short);
    assert_int_equal(pressure.first, NO_SLOT);
    assert_int_equal(pressure.armed, 2);
    pressure_leave(&pressure, 0);
    pressure_leave(&pressure, 3);
    assert_int_equal(pressure.armed, 0);
}

static void without_a_current_body_the_first_is_chosen_where_nobody_has_room(void **state)
{
    (void)state;
    begin(23);
    assert_int_equal(pressure_choose(&pressure, &view), NO_SLOT);
    begin(22);
    assert_int_equal(pressure_choose(&pressure, &view), 0);
    view.has_current = true; /* it need not be on a slot */
    assert_int_equal(pressure_choose(&pressure, &view), NO_SLOT);
}

static void give_way(const char *slots)
{
    char text[64] = "";
    uint32_t cursor = 0;
    uint32_t slot;
    while ((slot = pressure_give_way(&pressure, &view, SLOTS, &cursor)) != NO_SLOT)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%u", slot);
    assert_string_equal(text, slots);
}

static void the_silent_give_way_in_their_turn(void **state)
{
    (void)state;
    begin(29);
    view.current = 1;
    view.has_current = true;
    expect("1! 0! 2!");
    assert_int_equal(pressure_turn_ns(&pressure), NOW + TURN);
    assert_false(pressure_is_turn(&pressure, NOW + TURN - 1));
    assert_true(pressure_is_turn(&pressure, NOW + TURN));
    give_way("02");
    assert_true(pressure.was_held_back);
    assert_int_equal(pressure.armed, 1);
    assert_int_equal(pressure.first, 3);
    assert_int_equal(pressure.last, 2);
    view.may_change = true;
    give_way("1");
    assert_int_equal(pressure_turn_ns(&pressure), UINT64_MAX);
}

/* In order it is the current body that must wait, out of order all of them. */
static void only_the_caller_can_help_where_he_holds_the_blocks(void **state)
{
    (void)state;
    begin(5);
    view.current = 2;
    view.has_current = true;
    assert_false(pressure_waits_for_caller(&pressure, &view));
    view.caller_has_results = true; /* a flight's worth more is kept for it */
    assert_true(pressure_waits_for_caller(&pressure, &view));
    expect("");
    view.shared_left = FLIGHT + 3;
    assert_false(pressure_waits_for_caller(&pressure, &view));
    expect("2!");
    view.shared_left = 5;
    assert_false(pressure_waits_for_caller(&pressure, &view)); /* it is armed */
    view.is_unordered = true;
    assert_false(pressure_waits_for_caller(&pressure, &view));
    pressure_received(&pressure, 2);
    assert_true(pressure_waits_for_caller(&pressure, &view));
}

static void another_begins_only_where_nobody_waits(void **state)
{
    (void)state;
    begin(39);
    assert_false(pressure_may_begin(&pressure, &view));
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        pressure_leave(&pressure, slot);
    assert_true(pressure_may_begin(&pressure, &view));
    view.shared_left = 22;
    assert_false(pressure_may_begin(&pressure, &view));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_below_the_reserve),
        cmocka_unit_test(so_many_are_armed_as_the_blocks_can_take),
        cmocka_unit_test(the_current_body_goes_first_and_further),
        cmocka_unit_test(nothing_is_armed_before_what_was_held_back_has_come),
        cmocka_unit_test(with_plenty_all_receive_again),
        cmocka_unit_test(without_a_current_body_the_first_is_chosen_where_nobody_has_room),
        cmocka_unit_test(the_silent_give_way_in_their_turn),
        cmocka_unit_test(only_the_caller_can_help_where_he_holds_the_blocks),
        cmocka_unit_test(another_begins_only_where_nobody_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
