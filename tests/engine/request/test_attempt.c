/* What is tried again, row by row: what the request is, what has come of it, what follows. */

#include "engine/request/attempt.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static const struct {
    enum outcome_kind kind;
    bool is_reused;
    bool is_idempotent;
    bool is_resent;
    enum verdict verdict;
} rows[] = {
    {OUTCOME_FAILED, true, true, false, ATTEMPT_DONE},
    {OUTCOME_FAILED, false, true, false, ATTEMPT_DONE},
    {OUTCOME_NO_ROOM, false, false, false, ATTEMPT_WAIT},
    {OUTCOME_NO_ROOM, false, false, true, ATTEMPT_WAIT},
    {OUTCOME_REFUSED, false, false, false, ATTEMPT_GO_ON},
    {OUTCOME_REFUSED, false, false, true, ATTEMPT_GO_ON},
    {OUTCOME_UNANSWERED, true, true, false, ATTEMPT_RESEND},
    {OUTCOME_UNANSWERED, true, false, false, ATTEMPT_DONE}, /* it may have been acted upon */
    {OUTCOME_UNANSWERED, false, true, false, ATTEMPT_DONE}, /* a fresh one says what is so */
    {OUTCOME_UNANSWERED, true, true, true, ATTEMPT_DONE},
};

static void only_what_does_no_harm_is_tried_again(void **state)
{
    static const struct haul_retry none;
    const struct haul_options options = {.retry = &none};
    const struct fetch_terms terms = {.options = &options};
    const struct retry_view view = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct outcome outcome = {.kind = rows[i].kind};
        struct fetch fetch = {.is_idempotent = rows[i].is_idempotent,
                              .is_resent = rows[i].is_resent,
                              .is_reused = rows[i].is_reused};
        assert_int_equal(attempt_after(&fetch, &terms, &outcome, &view), rows[i].verdict);
        bool is_resend = rows[i].verdict == ATTEMPT_RESEND;
        assert_int_equal(fetch.is_resent, rows[i].is_resent || is_resend);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_what_does_no_harm_is_tried_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
