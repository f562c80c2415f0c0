/* Trails: records keep what was written to them, and leave the blocks of bodies alone. */

#include "engine/request/trail.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 8, RESERVE = 3 };

static void records_fill_what_is_not_reserved(void **state)
{
    struct block *blocks = calloc(BLOCKS, sizeof *blocks);
    uint32_t next[BLOCKS];
    struct store store;
    struct trail trail = TRAIL_EMPTY;
    unsigned char *records[4000];
    size_t count = 0;
    (void)state;
    assert_non_null(blocks);
    store_init(&store, blocks, next, BLOCKS, BLOCKS);
    assert_null(trail_add(&trail, &store, RESERVE, BLOCK_BYTES + 1));
    for (size_t size = 1; (records[count] = trail_add(&trail, &store, RESERVE, size)); count++) {
        assert_int_equal((uintptr_t)records[count] % alignof(max_align_t), 0);
        memset(records[count], (int)count, size);
        size = 1 + size * 7 % 501;
    }
    assert_in_range(count, (size_t)(BLOCKS - RESERVE) * BLOCK_BYTES / 540, 4000);
    assert_int_equal(store.shared_left, RESERVE);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(*records[i], (unsigned char)i);
    trail_free(&trail, &store);
    assert_int_equal(store.shared_left, BLOCKS);
    assert_int_equal(store.slab.taken, 0);
    trail_free(&trail, &store);
    free(blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(records_fill_what_is_not_reserved)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
