/* The sized calls: structs that are shorter or longer than the library's, the way of openat2(2). */

#include "engine/sized.h"
#include "tests/lib/gathering.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LONGER = 24, GUARD = 0x5a };

/* A struct of size bytes as the beginning of a block of just as many, so that a sanitizer sees who
 * reads on. */
static void *cut(const void *from, size_t from_size, size_t size)
{
    char *memory = calloc(1, size ? size : 1);
    assert_non_null(memory);
    memcpy(memory, from, from_size < size ? from_size : size);
    return memory;
}

/* --- copying ---------------------------------------------------------------------------------- */

static void structs_of_all_lengths_are_taken(void **state)
{
    static const struct {
        const char *from;
        size_t from_size;
        int error;
        const char *taken;
    } rows[] = {
        {"abcd", 4, 0, "abcd"},
        {"abc", 3, 0, "abc\0"},
        {"a", 1, 0, "a\0\0\0"},
        {"", 0, -EINVAL, NULL},
        {"abcd\0", 5, 0, "abcd"},
        {"abcd\0\0\0\0\0", 9, 0, "abcd"},
        {"abcd\1", 5, -E2BIG, NULL},
        {"abcd\0\0\0\0\200", 9, -E2BIG, NULL},
        {"\0\0\0\0\0\1\0", 7, -E2BIG, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char taken[5] = {'x', 'x', 'x', 'x', GUARD};
        char *from = cut(rows[i].from, rows[i].from_size, rows[i].from_size);
        assert_int_equal(sized_take(taken, 4, from, rows[i].from_size), rows[i].error);
        if (rows[i].taken)
            assert_memory_equal(taken, rows[i].taken, 4);
        assert_int_equal(taken[4], GUARD);
        free(from);
    }
}

static void structs_of_all_lengths_are_given(void **state)
{
    static const char *const given[] = {"", "a", "ab", "abc", "abcd", "abcd\0", "abcd\0\0"};
    (void)state;
    sized_give(NULL, 4, "abcd", 4);
    for (size_t size = 0; size < sizeof given / sizeof *given; size++) {
        char *ret = malloc(size + 1);
        assert_non_null(ret);
        memset(ret, GUARD, size + 1);
        sized_give(ret, size, "abcd", 4);
        assert_memory_equal(ret, given[size], size);
        assert_int_equal(ret[size], GUARD);
        free(ret);
    }
}

/* --- options ---------------------------------------------------------------------------------- */

/* Any beginning of the options is options: the sum of memory is that of those it has. */
static void options_may_be_cut_anywhere(void **state)
{
    const struct haul_options all = {
        .concurrency = 200, .window = 777, .keep_headers = true, .keep_bodies = true};
    (void)state;
    for (size_t size = sizeof(uint32_t); size <= sizeof all + LONGER; size++) {
        struct haul_options padded = {0};
        struct haul_budget budget, expected;
        struct haul_options *part = cut(&all, sizeof all, size);
        memcpy(&padded, part, size < sizeof padded ? size : sizeof padded);
        assert_int_equal(haul_get_budget(&padded, &expected), 0);
        assert_int_equal(haul_get_budget_sized(part, size, &budget, sizeof budget, NULL, 0), 0);
        assert_int_equal(budget.total_bytes, expected.total_bytes);
        free(part);
    }
}

/* Not one that would be silently ignored is taken, wherever options are. */
static void unknown_options_are_refused(void **state)
{
    char bytes[sizeof(struct haul_options) + LONGER];
    const struct haul_options *options = (const struct haul_options *)(const void *)bytes;
    struct haul *haul = NULL;
    struct haul_gathered *gathered = NULL;
    struct haul_budget budget;
    struct haul_budget_term term;
    struct haul_open_error why;
    (void)state;
    for (size_t at = sizeof *options; at < sizeof bytes; at++) {
        memset(bytes, 0, sizeof bytes);
        bytes[at] = 1;
        assert_int_equal(haul_open_sized(&haul, options, sizeof bytes, &why, sizeof why), -E2BIG);
        assert_non_null(strstr(why.message, "older than the program"));
        assert_int_equal(
            haul_gather_sized(NULL, 0, options, sizeof bytes, &gathered, &why, sizeof why), -E2BIG);
        assert_int_equal(
            haul_get_budget_sized(options, sizeof bytes, &budget, sizeof budget, &why, sizeof why),
            -E2BIG);
        assert_int_equal(haul_get_budget_term_sized(options, sizeof bytes, 0, &term, sizeof term),
                         -E2BIG);
        assert_int_equal(haul_open_sized(&haul, options, at, NULL, 0), 0);
        haul_close(haul);
    }
}

static void the_size_of_tls_travels_too(void **state)
{
    static const struct haul_tls pinned = {.pinned_keys = "none"};
    struct haul_open_error why;
    struct haul *haul = NULL;
    (void)state;
    for (size_t size = 0; size <= sizeof pinned + LONGER; size += sizeof(void *)) {
        struct haul_tls *tls = cut(&pinned, sizeof pinned, size);
        const struct haul_options options = {.tls = tls, .tls_size = size};
        bool has_pins = size > offsetof(struct haul_tls, pinned_keys);
        int error = haul_open_sized(&haul, &options, sizeof options, &why, sizeof why);
        assert_int_equal(error, size == 0 || has_pins ? -EINVAL : 0);
        if (error)
            assert_string_equal(why.option, has_pins ? "pinned_keys" : "tls");
        else
            haul_close(haul);
        free(tls);
    }
    char *longer = cut(&pinned, 0, sizeof pinned + 1);
    longer[sizeof pinned] = 1;
    const struct haul_options options = {.tls = (const struct haul_tls *)(const void *)longer,
                                         .tls_size = sizeof pinned + 1};
    assert_int_equal(haul_open_sized(&haul, &options, sizeof options, &why, sizeof why), -E2BIG);
    assert_string_equal(why.option, "tls");
    free(longer);
}

static void the_size_of_redirect_travels_too(void **state)
{
    static const struct haul_redirect follow = {.follow = true, .max = 1};
    struct haul_open_error why;
    struct haul *haul = NULL;
    (void)state;
    for (size_t size = 0; size <= sizeof follow + LONGER; size++) {
        struct haul_redirect *redirect = cut(&follow, sizeof follow, size);
        const struct haul_options options = {.redirect = redirect, .redirect_size = size};
        int error = haul_open_sized(&haul, &options, sizeof options, &why, sizeof why);
        assert_int_equal(error, size == 0 ? -EINVAL : 0);
        if (error)
            assert_string_equal(why.option, "redirect");
        else
            haul_close(haul);
        free(redirect);
    }
    char *longer = cut(&follow, 0, sizeof follow + 1);
    longer[sizeof follow] = 1;
    const struct haul_options options = {.redirect = (const void *)longer,
                                         .redirect_size = sizeof follow + 1};
    assert_int_equal(haul_open_sized(&haul, &options, sizeof options, &why, sizeof why), -E2BIG);
    assert_string_equal(why.option, "redirect");
    free(longer);
}

/* It is not asked for where there is no tls, and the inline functions know it by themselves. */
static void the_size_of_tls_is_filled_in(void **state)
{
    static const struct haul_tls pinned = {.pinned_keys = "none"};
    struct haul *haul = NULL;
    struct haul_gathered *gathered = NULL;
    (void)state;
    assert_int_equal(haul_open(&haul, &(struct haul_options){.tls = &pinned, .tls_size = 1}),
                     -EINVAL);
    assert_int_equal(haul_gather(NULL, 0, &(struct haul_options){.tls = &pinned}, &gathered),
                     -EINVAL);
    const struct haul_options none = {.tls_size = 7};
    assert_int_equal(haul_open_sized(&haul, &none, sizeof none, NULL, 0), 0);
    haul_close(haul);
}

/* --- requests --------------------------------------------------------------------------------- */

static void requests_may_be_cut(void **state)
{
    static char tag;
    static const struct haul_request whole = {.url = "nonsense", .tag = &tag, .method = "PUT"};
    static const struct {
        size_t size;
        int error;
        const void *tag;
        const char *method;
    } rows[] = {
        {0, -EINVAL, NULL, NULL},
        {1, -EINVAL, NULL, NULL}, /* less than a URL */
        {offsetof(struct haul_request, url_length), 0, NULL, "GET"},
        {offsetof(struct haul_request, method), 0, &tag, "GET"},
        {offsetof(struct haul_request, headers), 0, &tag, "PUT"},
        {sizeof whole, 0, &tag, "PUT"},
        {sizeof whole + LONGER, 0, &tag, "PUT"},
    };
    struct haul *haul;
    uint64_t count = 0;
    (void)state;
    assert_int_equal(haul_open(&haul, NULL), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct haul_request *request = cut(&whole, sizeof whole, rows[i].size);
        if (rows[i].size == 1)
            memset(request, 0, 1);
        int error = haul_submit_sized(haul, request, rows[i].size);
        free(request);
        assert_int_equal(error, rows[i].error);
        if (error)
            continue;
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->index, count++);
        assert_ptr_equal(result->tag, rows[i].tag);
        assert_string_equal(result->method, rows[i].method);
        haul_release(haul, result);
    }
    char *longer = cut(&whole, sizeof whole, sizeof whole + LONGER);
    longer[sizeof whole + LONGER - 1] = 1;
    assert_int_equal(
        haul_submit_sized(haul, (struct haul_request *)(void *)longer, sizeof whole + LONGER),
        -E2BIG);
    free(longer);
    assert_int_equal(haul_submit(haul, &(struct haul_request){0}), -EINVAL);
    haul_close(haul);
}

/* --- what is written -------------------------------------------------------------------------- */

enum written { FACTS, BUDGET, TERM, ERROR, WRITTEN };

static int write_sized(enum written what, const struct haul *haul, void *ret, size_t size)
{
    static const struct haul_options bad = {.fail_status = 1};
    struct haul_budget budget;
    struct haul *none;
    switch (what) {
    case FACTS:
        haul_get_facts_sized(haul, ret, size);
        return 0;
    case BUDGET:
        return haul_get_budget_sized(NULL, 0, ret, size, NULL, 0);
    case TERM:
        return haul_get_budget_term_sized(NULL, 0, 3, ret, size);
    case ERROR:
        haul_get_budget_sized(&bad, sizeof bad, &budget, sizeof budget, ret, size);
        return haul_open_sized(&none, &bad, sizeof bad, ret, size) == -EINVAL ? 0 : -1;
    case WRITTEN:
        break;
    }
    return -1;
}

/* At most what the caller has room for, and all of that: what the library lacks is zero. */
static void no_more_is_written_than_there_is_room(void **state)
{
    static const size_t sizes[] = {sizeof(struct haul_facts), sizeof(struct haul_budget),
                                   sizeof(struct haul_budget_term), sizeof(struct haul_open_error)};
    static const size_t ends[] = {sizeof(struct haul_facts), sizeof(struct haul_budget),
                                  sizeof(struct haul_budget_term),
                                  offsetof(struct haul_open_error, detail) + sizeof(int)};
    static const char zeros[LONGER];
    char whole[sizeof(struct haul_facts)];
    struct haul *haul;
    (void)state;
    assert_int_equal(haul_open(&haul, NULL), 0);
    for (enum written what = FACTS; what < WRITTEN; what++) {
        assert_int_equal(write_sized(what, haul, whole, sizes[what]), 0);
        for (size_t size = 0; size <= sizes[what] + LONGER; size++) {
            char *ret = malloc(size + 1);
            assert_non_null(ret);
            memset(ret, GUARD, size + 1);
            assert_int_equal(write_sized(what, haul, ret, size), 0);
            assert_memory_equal(ret, whole, size < ends[what] ? size : ends[what]);
            if (size > sizes[what])
                assert_memory_equal(ret + sizes[what], zeros, size - sizes[what]);
            assert_int_equal(ret[size], GUARD);
            free(ret);
        }
    }
    haul_close(haul);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structs_of_all_lengths_are_taken),
        cmocka_unit_test(structs_of_all_lengths_are_given),
        cmocka_unit_test(options_may_be_cut_anywhere),
        cmocka_unit_test(unknown_options_are_refused),
        cmocka_unit_test(the_size_of_tls_travels_too),
        cmocka_unit_test(the_size_of_redirect_travels_too),
        cmocka_unit_test(the_size_of_tls_is_filled_in),
        cmocka_unit_test(requests_may_be_cut),
        cmocka_unit_test(no_more_is_written_than_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
