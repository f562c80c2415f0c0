/* Options become numbers: the bounds, the defaults, and a sum that names everything taken. */

#include "engine/memory/budget.h"
#include "engine/engine.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define PLENTY UINT64_C(1000000)
#define MIB ((uint64_t)1 << 20)

static void options_become_numbers(void **state)
{
    static const struct {
        struct haul_options options;
        uint64_t nofile;
        uint32_t concurrency;
        uint32_t window;
    } rows[] = {
        {{0}, PLENTY, 64, 64 + 1024},
        {{.concurrency = 1}, PLENTY, 1, 1 + 1024},
        {{.unordered = true}, PLENTY, 64, 64 + 16384},
        {{.unordered = true, .keep_headers = true}, PLENTY, 64, 64 + 16384},
        {{.unordered = true, .keep_headers = true, .keep_bodies = true}, PLENTY, 64, 64 + 8192},
        {{.concurrency = 3000}, PLENTY, 3000, 6000},
        {{.concurrency = 9500}, PLENTY, 9500, 9500 + 4096},
        {{.concurrency = 100000}, PLENTY, 100000, 100000 + 4096},
        {{.concurrency = 100}, 10, 10, 10 + 1024}, /* as many as there are descriptors */
        {{.concurrency = 100}, 100, 100, 100 + 1024},
        {{.concurrency = 100, .window = 500}, PLENTY, 100, 500},
        {{.concurrency = 100, .window = 5}, PLENTY, 100, 101}, /* always above concurrency */
        {{.window = 1 << 22}, PLENTY, 64, 1 << 22},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct budget budget;
        assert_int_equal(budget_make(&budget, &rows[i].options, rows[i].nofile, NULL), 0);
        assert_int_equal(budget.concurrency, rows[i].concurrency);
        assert_int_equal(budget.window, rows[i].window);
        assert_true(budget.conns > budget.concurrency);
        assert_true(budget.origins >= budget.conns);
    }
}

static void what_is_out_of_range_is_named(void **state)
{
    static const struct {
        struct haul_options options;
        const char *word;
    } rows[] = {
        {{.concurrency = 100001}, "concurrency"}, {{.window = (1 << 22) + 1}, "window"},
        {{.body_bytes = SIZE_MAX}, "body_bytes"}, {{.loop = (enum haul_loop)3}, "loop"},
        {{.fail_status = -1}, "fail_status"},     {{.fail_status = 99}, "fail_status"},
        {{.fail_status = 600}, "fail_status"},    {{.stream_bodies = true}, "stream_bodies"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct budget budget;
        struct haul_open_error why = {0};
        struct haul_open_error public;
        struct haul_budget sum;
        assert_int_equal(budget_make(&budget, &rows[i].options, PLENTY, NULL), -EINVAL);
        assert_int_equal(budget_make(&budget, &rows[i].options, PLENTY, &why), -EINVAL);
        assert_non_null(strstr(why.message, rows[i].word));
        assert_string_equal(why.option, rows[i].word);
        assert_null(why.item);
        assert_int_equal(haul_get_budget(&rows[i].options, &sum), -EINVAL);
        assert_int_equal(haul_get_budget_explained(&rows[i].options, &sum, &public), -EINVAL);
        assert_string_equal(public.message, why.message);
        assert_string_equal(public.option, why.option);
    }
}

/* Whatever the options: room for the largest body whose turn it is, beside all that others hold. */
static void the_reserve_holds_the_current_body(void **state)
{
    static const uint64_t sizes[] = {0, 1, 20 * MIB, 32 * MIB, 33 * MIB, 1024 * MIB};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int is_streaming = 0; is_streaming < 2; is_streaming++) {
            struct budget budget;
            struct haul_options options = {
                .keep_bodies = true, .stream_bodies = is_streaming, .body_bytes = sizes[i]};
            assert_int_equal(budget_make(&budget, &options, PLENTY, NULL), 0);
            uint32_t body = is_streaming ? 0 : budget.shared_blocks / 2;
            assert_true(budget.flight_blocks > 0);
            assert_true(budget.reserve_blocks >= body + 2 * budget.flight_blocks);
            assert_true(budget.reserve_blocks < budget.shared_blocks);
            assert_true((uint64_t)budget.shared_blocks * sizeof(struct block) >= sizes[i] / 2);
        }
}

static void what_is_not_kept_needs_no_memory(void **state)
{
    struct budget budget;
    (void)state;
    assert_int_equal(budget_make(&budget, &(struct haul_options){0}, PLENTY, NULL), 0);
    assert_int_equal(budget.shared_blocks, 0);
    assert_int_equal(budget.reserve_blocks, 0);
    assert_int_equal(budget.blocks, 6 * budget.conns + budget.url_blocks + budget.held_blocks);
    assert_in_range(budget.head_pieces, 2, 64);
    assert_int_equal(budget.head_bytes, 256 << 10);
    assert_int_equal(
        budget_make(&budget, &(struct haul_options){.max_head = BLOCK_BYTES}, PLENTY, NULL), 0);
    assert_int_equal(budget.blocks, 3 * budget.conns + budget.url_blocks);
    assert_int_equal(budget.head_pieces, 0);
    assert_int_equal(budget.head_bytes, BLOCK_BYTES);
}

static uint64_t term_count(const struct haul_options *options, const char *word)
{
    struct haul_budget_term term;
    for (size_t i = 0; haul_get_budget_term(options, i, &term) == 0; i++)
        if (strstr(term.name, word))
            return term.count;
    fail_msg("no term says %s", word);
    return 0;
}

static void the_sum_is_that_of_its_terms(void **state)
{
    struct haul_options options = {.concurrency = 200, .keep_bodies = true, .keep_headers = true};
    struct haul_budget sum;
    uint64_t total = 0;
    (void)state;
    assert_int_equal(haul_get_budget(&options, &sum), 0);
    assert_in_range(sum.term_count, 5, ENGINE_TERMS_MAX);
    for (size_t i = 0; i < sum.term_count; i++) {
        struct haul_budget_term term;
        assert_int_equal(haul_get_budget_term(&options, i, &term), 0);
        assert_true(strlen(term.name) > 0);
        assert_true(term.bytes_each > 0);
        total += term.count * term.bytes_each;
    }
    struct haul_budget_term none;
    assert_int_equal(haul_get_budget_term(&options, sum.term_count, &none), -ENOENT);
    assert_int_equal(haul_get_budget_term(&options, SIZE_MAX, &none), -ENOENT);
    assert_int_equal(sum.total_bytes, total);
    assert_int_equal(term_count(&options, "requests"), 200 + 1024);
    assert_int_equal(term_count(&options, "connections"), 400);
    assert_int_equal(term_count(&options, "race"), 400); /* as many beside as may be closing */
    assert_int_equal(haul_get_budget(NULL, &sum), 0);
    assert_int_equal(term_count(NULL, "requests"), 64 + 1024);
}

static void descriptors_are_counted(void **state)
{
    struct rlimit saved;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
    struct rlimit limit = {.rlim_cur = 100, .rlim_max = saved.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    uint64_t left = budget_nofile(false);
    assert_in_range(left, 1, 100 - 3 - BUDGET_RESOLVER_TAGS);
    limit.rlim_cur = 10; /* fewer than the engine's own */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(budget_nofile(false), 0);
    assert_true(budget_nofile(true) > 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(limit.rlim_cur, limit.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_become_numbers),
        cmocka_unit_test(what_is_out_of_range_is_named),
        cmocka_unit_test(the_reserve_holds_the_current_body),
        cmocka_unit_test(what_is_not_kept_needs_no_memory),
        cmocka_unit_test(the_sum_is_that_of_its_terms),
        cmocka_unit_test(descriptors_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
