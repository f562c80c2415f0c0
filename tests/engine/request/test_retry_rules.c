/* What is tried again, and when, row by row: no network, no clock, no chance but what is given. */

#include "engine/request/retry.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#define S UINT64_C(1000000000)
#define HEAD(fields)                                                                               \
    {                                                                                              \
        "HTTP/1.1 503 x\r\n" fields "\r\n", sizeof("HTTP/1.1 503 x\r\n" fields "\r\n") - 1         \
    }

static struct haul_retry retry;
static const struct haul_options options = {.retry = &retry};
static const struct fetch_terms terms = {.options = &options};

/* Begun at 100 s, at 110 s now. */
static struct fetch fetch_of(bool is_idempotent)
{
    static struct fetch_extra extras[4]; /* of as many as a row has at once */
    static unsigned next;
    return (struct fetch){
        .started_ns = 100 * S, .is_idempotent = is_idempotent, .extra = &extras[next++ % 4]};
}

static const struct retry_view view = {
    .now_ns = 110 * S, .end_ns = UINT64_MAX, .random = 7 * S + 123, .begun = 1};

/* --- what ------------------------------------------------------------------------------------- */

static const struct {
    int status;
    const char *after;
    bool is_again;
} statuses[] = {
    {200, NULL, false},   {400, NULL, false}, {401, NULL, false}, {404, NULL, false},
    {408, NULL, true},    {410, NULL, false}, {413, NULL, false}, {413, "1", true},
    {413, "soon", false}, {425, NULL, false}, {425, "0", true},   {429, NULL, true},
    {500, NULL, true},    {501, NULL, false}, {502, NULL, true},  {503, NULL, true},
    {504, NULL, true},    {505, NULL, false}, {404, "1", false},  {301, "1", false},
};

static void some_statuses_pass(void **state)
{
    (void)state;
    retry = (struct haul_retry){.max = 1};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct fetch fetch = fetch_of(true);
        struct retry_cause cause = {.status = statuses[i].status, .head = HEAD("")};
        static const struct span soon = HEAD("Retry-After: soon\r\n"),
                                 one = HEAD("Retry-After: 1\r\n"),
                                 zero = HEAD("Retry-After: 0\r\n");
        if (statuses[i].after)
            cause.head = *statuses[i].after == 's' ? soon : *statuses[i].after == '1' ? one : zero;
        if (retry_take(&fetch, &terms, &cause, &view) != statuses[i].is_again)
            fail_msg("%d %s", statuses[i].status, statuses[i].after ? statuses[i].after : "");
        assert_int_equal(fetch_view(&fetch)->again_ns != 0, statuses[i].is_again);
    }
}

static const struct {
    enum haul_error error;
    int os_error;
    enum haul_stage stage;
    bool is_lost;
    bool is_again;      /* where the method is idempotent, */
    bool is_post_again; /* and where it is not */
} failures[] = {
    {HAUL_URL, 0, HAUL_STAGE_QUEUE, false, false, false},
    {HAUL_RESOLVE, ENOENT, HAUL_STAGE_RESOLVE, false, false, false},
    {HAUL_RESOLVE, ENODEV, HAUL_STAGE_RESOLVE, false, false, false},
    {HAUL_RESOLVE, ECONNREFUSED, HAUL_STAGE_RESOLVE, false, true, true},
    {HAUL_RESOLVE, ETIMEDOUT, HAUL_STAGE_RESOLVE, false, true, true},
    {HAUL_CONNECT, ECONNREFUSED, HAUL_STAGE_CONNECT, false, true, true},
    {HAUL_TLS, 0, HAUL_STAGE_TLS, false, false, false},
    {HAUL_TLS, ENOKEY, HAUL_STAGE_TLS, false, false, false},
    {HAUL_TLS, ECONNRESET, HAUL_STAGE_TLS, true, true, true},
    {HAUL_SEND, EPIPE, HAUL_STAGE_SEND, false, true, false},
    {HAUL_RECEIVE, ECONNRESET, HAUL_STAGE_HEAD, false, true, false},
    {HAUL_TRUNCATED, 0, HAUL_STAGE_BODY, false, true, false},
    {HAUL_DEADLINE, ETIMEDOUT, HAUL_STAGE_RESOLVE, false, true, true},
    {HAUL_DEADLINE, ETIMEDOUT, HAUL_STAGE_TLS, false, true, true},
    {HAUL_DEADLINE, ETIMEDOUT, HAUL_STAGE_BODY, false, true, false},
    {HAUL_PROTOCOL, 0, HAUL_STAGE_HEAD, false, false, false},
    {HAUL_LIMIT, 0, HAUL_STAGE_BODY, false, false, false},
    {HAUL_REDIRECT, 0, HAUL_STAGE_BODY, false, false, false},
    {HAUL_RESOURCE, EMFILE, HAUL_STAGE_CONNECT, false, false, false},
};

static void some_failures_pass(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        const struct retry_cause cause = {
            .failure = {failures[i].error, "", failures[i].os_error},
            .stage = failures[i].stage,
            .is_lost = failures[i].is_lost,
        };
        struct fetch get = fetch_of(true), post = fetch_of(false), all = fetch_of(false);
        retry = (struct haul_retry){.max = 1};
        assert_int_equal(retry_take(&get, &terms, &cause, &view), failures[i].is_again);
        assert_int_equal(retry_take(&post, &terms, &cause, &view), failures[i].is_post_again);
        retry.all_methods = true;
        assert_int_equal(retry_take(&all, &terms, &cause, &view), failures[i].is_again);
    }
}

static const struct retry_cause refused = {.failure = {HAUL_CONNECT, "", ECONNREFUSED},
                                           .stage = HAUL_STAGE_CONNECT};

/* Where parts stay with whom they were given to, a body goes on where it broke off, or not. */
static void parts_that_stay_are_not_begun_anew(void **state)
{
    struct fetch fetch = fetch_of(true);
    (void)state;
    fetch.is_partial = true;
    retry = (struct haul_retry){.max = 9, .all_methods = true, .parts_stay = true};
    assert_false(retry_take(&fetch, &terms, &refused, &view));
    fetch.can_resume = true;
    assert_true(retry_take(&fetch, &terms, &refused, &view));
    fetch.can_resume = false;
    retry.parts_stay = false;
    assert_true(retry_take(&fetch, &terms, &refused, &view));
}

static void tries_are_counted(void **state)
{
    struct fetch fetch = fetch_of(true);
    (void)state;
    retry = (struct haul_retry){0};
    assert_false(retry_take(&fetch, &terms, &refused, &view));
    retry.max = 3;
    for (int i = 0; i < 3; i++)
        assert_true(retry_take(&fetch, &terms, &refused, &view));
    assert_false(retry_take(&fetch, &terms, &refused, &view));
}

/* --- when ------------------------------------------------------------------------------------- */

static void waits_double_up_to_a_minute(void **state)
{
    static const uint64_t below_s[] = {1, 2, 4, 8, 16, 32, 60, 60, 60, 60};
    (void)state;
    retry = (struct haul_retry){.max = UINT32_MAX};
    for (uint64_t random = 0; random < 1000; random++) {
        struct fetch fetch = fetch_of(true);
        struct retry_view chance = view;
        chance.random = random * UINT64_C(0x9e3779b97f4a7c15);
        for (size_t i = 0; i < 10; i++) {
            assert_true(retry_take(&fetch, &terms, &refused, &chance));
            assert_in_range(fetch_view(&fetch)->again_ns - chance.now_ns, 0, below_s[i] * S - 1);
        }
        for (int i = 0; i < 100; i++) /* however many there are */
            assert_true(retry_take(&fetch, &terms, &refused, &chance));
        assert_in_range(fetch_view(&fetch)->again_ns - chance.now_ns, 0, 60 * S - 1);
    }
}

static const struct {
    struct haul_retry retry;
    const char *after;
    uint64_t wait_ns; /* UINT64_MAX: there is no further try */
    uint64_t asked_s; /* which the result then says */
    uint64_t end_s;   /* of the run; 0: it has none */
} waits[] = {
    {{.delay_ms = 2500}, NULL, 2500000000, 0, 0},
    {{.delay_ms = 2500}, "1", 2500000000, 0, 0},
    {{.delay_ms = 2500}, "3", 3 * S, 0, 0},
    {{.delay_ms = 1}, "600", 600 * S, 0, 0},
    {{.delay_ms = 1}, "601", UINT64_MAX, 601, 0},
    {{.delay_ms = 1}, "315360000", UINT64_MAX, 315360000, 0},
    {{.delay_ms = 1}, "99999999999999", UINT64_MAX, UINT64_C(1) << 33, 0},
    {{.delay_ms = 1}, "years", 1000000, 0, 0},
    {{.delay_ms = 1, .max_time_ms = 20000}, "9", 9 * S, 0, 0},
    {{.delay_ms = 1, .max_time_ms = 20000}, "10", UINT64_MAX, 10, 0},
    {{.delay_ms = 1, .max_time_ms = 2000000}, "1800", 1800 * S, 0, 0},
    {{.delay_ms = 9999, .max_time_ms = 20000}, NULL, 9999000000, 0, 0},
    {{.delay_ms = 10000, .max_time_ms = 20000}, NULL, UINT64_MAX, 0, 0},
    {{.delay_ms = 1, .max_time_ms = 10000}, NULL, UINT64_MAX, 0, 0},
    {{.delay_ms = 1, .max_time_ms = 5000}, NULL, UINT64_MAX, 0, 0},
    {{.delay_ms = INT64_MAX, .max_time_ms = INT64_MAX}, NULL, INT64_MAX, 0, 0},
    {{.delay_ms = 1, .max_time_ms = -1}, "600", 600 * S, 0, 0},
    {{.delay_ms = 1}, "9", 9 * S, 0, 120},
    {{.delay_ms = 1}, "10", UINT64_MAX, 10, 120},
    {{.delay_ms = 1}, "1800", 1800 * S, 0, 2000},
    {{.delay_ms = 1}, "1890", UINT64_MAX, 1890, 2000},
    {{.delay_ms = 10000}, NULL, 10 * S, 0, 120},
    {{.delay_ms = 10000}, "1", 10 * S, 0, 120},
    {{.delay_ms = 1, .max_time_ms = 20000}, "5", 5 * S, 0, 116},
    {{.delay_ms = 1, .max_time_ms = 20000}, "5", UINT64_MAX, 5, 115},
    {{.delay_ms = 1, .max_time_ms = 14000}, "5", UINT64_MAX, 5, 2000},
};

static void each_wait_is_as_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        char head[128];
        struct fetch fetch = fetch_of(true);
        int length = snprintf(head, sizeof head, "HTTP/1.1 503 x\r\n%s%s\r\n\r\n",
                              waits[i].after ? "Retry-After: " : "A: b",
                              waits[i].after ? waits[i].after : "");
        struct retry_cause cause = {.status = 503, .head = {head, (size_t)length}};
        retry = waits[i].retry;
        retry.max = 1;
        struct retry_view ends = view;
        ends.end_ns = waits[i].end_s ? waits[i].end_s * S : UINT64_MAX;
        bool is_again = retry_take(&fetch, &terms, &cause, &ends);
        if (is_again != (waits[i].wait_ns != UINT64_MAX) ||
            (is_again && fetch_view(&fetch)->again_ns != view.now_ns + waits[i].wait_ns))
            fail_msg("row %zu: %d, %llu", i, is_again,
                     (unsigned long long)fetch_view(&fetch)->again_ns);
        assert_int_equal(fetch_view(&fetch)->retry_after_s, waits[i].asked_s);
    }
}

/* --- the budget ------------------------------------------------------------------------------- */

static const struct {
    bool has_budget;
    uint32_t percent;
    uint64_t begun, retried;
    bool is_again;
} budgets[] = {
    {false, 0, 1, 1000000, true},  {true, 0, 1000000, 9, true},
    {true, 0, 1000000, 10, false}, {true, 10, 50, 9, true},
    {true, 10, 50, 10, false},     {true, 10, 110, 10, true},
    {true, 10, 110, 11, false},    {true, 100, 500, 499, true},
    {true, 100, 500, 500, false},  {true, 33, 1000, 329, true},
    {true, 33, 1000, 330, false},  {true, 100, UINT64_MAX, UINT64_MAX - 1, true},
};

static void the_budget_is_a_share_and_never_below_ten(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        struct fetch fetch = fetch_of(true);
        struct retry_view spent = view;
        spent.begun = budgets[i].begun;
        spent.retried = budgets[i].retried;
        retry = (struct haul_retry){
            .max = 1, .has_budget = budgets[i].has_budget, .budget_percent = budgets[i].percent};
        assert_int_equal(retry_take(&fetch, &terms, &refused, &spent), budgets[i].is_again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_statuses_pass),
        cmocka_unit_test(some_failures_pass),
        cmocka_unit_test(parts_that_stay_are_not_begun_anew),
        cmocka_unit_test(tries_are_counted),
        cmocka_unit_test(waits_double_up_to_a_minute),
        cmocka_unit_test(each_wait_is_as_asked),
        cmocka_unit_test(the_budget_is_a_share_and_never_below_ten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
