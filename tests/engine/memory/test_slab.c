/* The pool of slots, against a plain list of what is taken. */

#include "engine/memory/slab.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 100 };

static void the_last_given_is_taken_first(void **state)
{
    (void)state;
    uint32_t next[4];
    struct slab slab;

    slab_init(&slab, next, 4);
    for (uint32_t slot = 0; slot < 4; slot++)
        assert_int_equal(slab_take(&slab), slot);
    assert_int_equal(slab_take(&slab), SLAB_NONE);
    assert_int_equal(slab.taken, 4);
    slab_give(&slab, 1);
    slab_give(&slab, 3);
    assert_int_equal(slab_take(&slab), 3);
    assert_int_equal(slab_take(&slab), 1);
    assert_int_equal(slab_take(&slab), SLAB_NONE);
}

static void a_slot_never_taken_is_never_touched(void **state)
{
    (void)state;
    uint32_t next[SLOTS];
    uint32_t untouched[SLOTS];
    struct slab slab;

    memset(next, 0xa5, sizeof(next));
    memset(untouched, 0xa5, sizeof(untouched));
    slab_init(&slab, next, SLOTS);
    for (int round = 0; round < 10; round++) {
        uint32_t a = slab_take(&slab);
        uint32_t b = slab_take(&slab);
        slab_give(&slab, a);
        slab_give(&slab, b);
    }
    assert_memory_equal(next + 2, untouched + 2, sizeof(next) - 2 * sizeof(next[0]));
}

static void no_slot_is_taken_twice(void **state)
{
    (void)state;
    uint32_t next[SLOTS], order[SLOTS], taken = 0;
    bool is_taken[SLOTS] = {false};
    struct slab slab;

    srand(1);
    slab_init(&slab, next, SLOTS);
    for (int round = 0; round < 100000; round++) {
        if (rand() % 2 == 0) {
            uint32_t slot = slab_take(&slab);
            assert_true((slot == SLAB_NONE) == (taken == SLOTS));
            if (slot == SLAB_NONE)
                continue;
            assert_in_range(slot, 0, SLOTS - 1);
            assert_false(is_taken[slot]);
            is_taken[slot] = true;
            order[taken++] = slot;
        } else if (taken > 0) {
            uint32_t at = (uint32_t)rand() % taken;
            is_taken[order[at]] = false;
            slab_give(&slab, order[at]);
            order[at] = order[--taken];
        }
        assert_int_equal(slab.taken, taken);
    }
}

static void an_empty_pool_has_nothing(void **state)
{
    (void)state;
    struct slab slab;

    slab_init(&slab, NULL, 0);
    assert_int_equal(slab_take(&slab), SLAB_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_given_is_taken_first),
        cmocka_unit_test(a_slot_never_taken_is_never_touched),
        cmocka_unit_test(no_slot_is_taken_twice),
        cmocka_unit_test(an_empty_pool_has_nothing),
    };
    return cmocka_run_group_tests_name("slab", tests, NULL, NULL);
}
