/* The rule of deadlines: which time is up first in which stage, and what is said. */

#include "engine/request/due.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#define MS UINT64_C(1000000)

static const struct due_starts same = {.hop_ns = 5 * MS, .attempt_ns = 5 * MS};

static const struct {
    enum haul_stage stage;
    uint64_t due_ns; /* begun at 5 ms, with 10 ms to connect and 100 ms in all */
    const char *word;
} rows[] = {
    {HAUL_STAGE_RESOLVE, 15 * MS, "name"},      {HAUL_STAGE_CONNECT, 15 * MS, "connection"},
    {HAUL_STAGE_TLS, 15 * MS, "connection"},    {HAUL_STAGE_SEND, 105 * MS, "reply"},
    {HAUL_STAGE_HEAD, 105 * MS, "reply"},       {HAUL_STAGE_BODY, 105 * MS, "reply"},
    {HAUL_STAGE_QUEUE, 105 * MS, "descriptor"},
};

static void each_stage_has_its_time_and_its_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct failure *failure = due_failure(rows[i].stage);
        assert_int_equal(due_ns(rows[i].stage, &same, 10, 100), rows[i].due_ns);
        assert_int_equal(failure->error, HAUL_DEADLINE);
        assert_int_equal(failure->os_error, ETIMEDOUT);
        assert_non_null(strstr(failure->message, rows[i].word));
    }
}

static void the_whole_is_the_bound_and_negative_is_none(void **state)
{
    (void)state;
    assert_int_equal(due_ns(HAUL_STAGE_CONNECT, &same, 100, 10), 15 * MS);
    assert_int_equal(due_ns(HAUL_STAGE_CONNECT, &same, -1, 10), 15 * MS);
    assert_int_equal(due_ns(HAUL_STAGE_CONNECT, &same, 10, -1), 15 * MS);
    assert_int_equal(due_ns(HAUL_STAGE_CONNECT, &same, -1, -1), UINT64_MAX);
    assert_int_equal(due_ns(HAUL_STAGE_BODY, &same, 10, -1), UINT64_MAX);
    assert_int_equal(due_ns(HAUL_STAGE_BODY, &same, 10, INT64_MAX), UINT64_MAX);
}

static void the_time_to_connect_begins_anew_with_each_hop(void **state)
{
    static const struct due_starts later = {.hop_ns = 50 * MS, .attempt_ns = 5 * MS};
    (void)state;
    assert_int_equal(due_ns(HAUL_STAGE_CONNECT, &later, 10, 100), 60 * MS);
    assert_int_equal(due_ns(HAUL_STAGE_TLS, &later, 80, 100), 105 * MS);
    assert_int_equal(due_ns(HAUL_STAGE_SEND, &later, 10, 100), 105 * MS);
    assert_int_equal(due_ns(HAUL_STAGE_BODY, &later, 10, 20), 25 * MS);
}

/* From its own beginning, and only where it has one. */
static void each_stage_has_a_time_of_its_own(void **state)
{
    static const struct due_starts starts = {
        .hop_ns = 1 * MS, .queued_ns = 2 * MS, .connected_ns = 3 * MS, .sent_ns = 4 * MS};
    static const struct haul_times times = {
        .queue_ms = 10, .resolve_ms = 20, .tls_ms = 30, .first_byte_ms = 40};
    static const struct haul_times none = {.queue_ms = -1, .resolve_ms = 0};
    static const struct due_starts nowhere = {0};
    static const struct {
        enum haul_stage stage;
        uint64_t due_ns;
        const char *word;
    } owns[] = {
        {HAUL_STAGE_QUEUE, 12 * MS, "queue timeout"},
        {HAUL_STAGE_RESOLVE, 21 * MS, "resolve timeout"},
        {HAUL_STAGE_TLS, 33 * MS, "TLS timeout"},
        {HAUL_STAGE_HEAD, 44 * MS, "first-byte timeout"},
        {HAUL_STAGE_CONNECT, UINT64_MAX, ""},
        {HAUL_STAGE_SEND, UINT64_MAX, ""},
        {HAUL_STAGE_BODY, UINT64_MAX, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof owns / sizeof *owns; i++) {
        assert_int_equal(due_own_ns(owns[i].stage, &starts, &times), owns[i].due_ns);
        assert_int_equal(due_own_ns(owns[i].stage, &starts, &none), UINT64_MAX);
        assert_int_equal(due_own_ns(owns[i].stage, &nowhere, &times), UINT64_MAX);
        assert_int_equal(due_own_failure(owns[i].stage)->error, HAUL_DEADLINE);
        assert_non_null(strstr(due_own_failure(owns[i].stage)->message, owns[i].word));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stage_has_its_time_and_its_sentence),
        cmocka_unit_test(the_time_to_connect_begins_anew_with_each_hop),
        cmocka_unit_test(the_whole_is_the_bound_and_negative_is_none),
        cmocka_unit_test(each_stage_has_a_time_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
