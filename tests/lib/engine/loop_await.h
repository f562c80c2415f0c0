#ifndef TESTS_LIB_ENGINE_LOOP_AWAIT_H
#define TESTS_LIB_ENGINE_LOOP_AWAIT_H

/* The next completion of a loop, for tests that stand at its seam. */

#include "engine/loop/loop.h"
#include "engine/memory/clock.h"
#include "tests/lib/patience.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#define PATIENCE_NS (TEST_PATIENCE_S * INT64_C(1000000000))

/* However long it takes within reason. */
static inline struct completion await(struct loop *loop)
{
    struct completion completion;
    uint64_t limit_ns = clock_now_ns() + (uint64_t)PATIENCE_NS;

    while (!loop_next(loop, &completion)) {
        int result = loop_wait(loop, 1, PATIENCE_NS);
        assert_true(result == 0 || result == -EINTR);
        if (clock_now_ns() > limit_ns)
            fail_msg("nothing has come");
    }
    return completion;
}

#endif
