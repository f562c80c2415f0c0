/* Binaries that were built with an older haul.h: what they know of it is where it was. That they
 * run is shown by tests/engine/frozen/old_program.c. */

#include "tests/engine/frozen/layout.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

/* Of a header that has everything of the frozen one; and of one that has more. */
static void compare(const struct layout *later)
{
    assert_int_equal(later->row_count, layout_frozen.row_count);
    for (size_t i = 0; i < layout_frozen.row_count; i++) {
        const struct layout_row *was = &layout_frozen.rows[i];
        const struct layout_row *is = &later->rows[i];
        if (is->place != was->place || is->size != was->size)
            fail_msg("%s was %zu (%zu bytes) and is %zu (%zu bytes)", was->name, was->place,
                     was->size, is->place, is->size);
    }
    for (size_t i = 0; i < layout_frozen.struct_count; i++)
        assert_true(later->structs[i].size >= layout_frozen.structs[i].size);
}

static void nothing_has_moved(void **state)
{
    (void)state;
    compare(&layout_current);
}

static void nothing_moves_where_structs_grow(void **state)
{
    (void)state;
    compare(&layout_grown);
}

/* An old program leaves the padding of a struct as it finds it, and says that its size includes it:
 * a member there would have any value. So what callers fill ends with a member and not with a gap;
 * where a flag would come last, something wider goes behind it. */
static void what_callers_fill_has_no_gap_at_its_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < layout_current.struct_count; i++) {
        const struct layout_struct *now = &layout_current.structs[i];
        if (layout_grown.structs[i].next != now->size)
            fail_msg("%s has %zu bytes, the last member ends at %zu", now->name, now->size,
                     layout_grown.structs[i].next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_has_moved),
        cmocka_unit_test(nothing_moves_where_structs_grow),
        cmocka_unit_test(what_callers_fill_has_no_gap_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
