/* Coded bodies in every delivery, at every cut, damaged and as bombs: what comes out, and how much
 * of it before it is refused. */

#include "proto/coding/coding.h"
#include "tests/lib/coded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MIB = 1 << 20, RATIO = 1000 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- playing ---------------------------------------------------------------------------------- */

static char *memory;
static struct coding coding;

/* What came of a body, as far as it was good. */
static struct {
    char *bytes;
    size_t size;
    size_t length;
    enum proto_error error;
} outcome;

static void keep(const char *bytes, size_t length)
{
    if (length == 0)
        return;
    if (outcome.length + length > outcome.size) {
        outcome.size = 2 * (outcome.length + length);
        outcome.bytes = realloc(outcome.bytes, outcome.size);
        assert_non_null(outcome.bytes);
    }
    memcpy(outcome.bytes + outcome.length, bytes, length);
    outcome.length += length;
}

static void take_all(size_t step)
{
    static char bytes[MIB];
    size_t length = step;
    while (!outcome.error && length == step) {
        outcome.error = coding_take(&coding, bytes, step, &length);
        keep(bytes, length);
    }
}

static void begin(const char *names, size_t size, uint64_t max_ratio)
{
    struct coding_list list = {0};
    outcome.length = 0;
    outcome.error = coding_list_add(&list, span_of(names));
    if (!outcome.error)
        outcome.error = coding_begin(&coding, &list, memory, size, max_ratio);
}

static void feed(struct span bytes, size_t step)
{
    if (outcome.error)
        return;
    coding_feed(&coding, bytes);
    take_all(step);
}

static void end(void)
{
    if (!outcome.error)
        outcome.error = coding_end(&coding);
}

/* first bytes at once, then in pieces; step: how many are asked for at a time. */
static void play(const char *names, struct span wire, size_t first, size_t piece, size_t step)
{
    begin(names, coding_memory_bytes(), RATIO);
    for (size_t at = 0, length = first; at < wire.length; at += length, length = piece) {
        length = length < wire.length - at ? length : wire.length - at;
        feed((struct span){wire.bytes + at, length}, step);
    }
    end();
}

static void expect(const char *names, struct span plain, enum proto_error error)
{
    if (outcome.error != error)
        fail_msg("%s: expected: %s; found: %s", names, proto_error_sentence(error),
                 proto_error_sentence(outcome.error));
    if (error != PROTO_OK)
        return;
    assert_int_equal(outcome.length, plain.length);
    assert_memory_equal(outcome.bytes, plain.bytes, plain.length);
}

static void drop(struct span coded)
{
    free((void *)(uintptr_t)coded.bytes);
}

/* What a reply says of what was made. */
static const char *named(const char *names)
{
    return strcmp(names, "raw") == 0 ? "deflate" : strcmp(names, "wide") == 0 ? "zstd" : names;
}

static const char *const single[] = {"gzip", "deflate", "raw", "br", "zstd"};

/* --- rows ------------------------------------------------------------------------------------- */

static void lists_are_read(void **state)
{
    static const struct {
        const char *value;
        enum proto_error error;
        uint32_t count;
        uint32_t named;
    } rows[] = {
        {"", PROTO_OK, 0, 0},
        {"identity", PROTO_OK, 0, 0},
        {"Identity , ,", PROTO_OK, 0, 0},
        {"gzip", PROTO_OK, 1, 1},
        {"X-GZip", PROTO_OK, 1, 1},
        {" deflate\t,gzip", PROTO_OK, 2, 2},
        {"gzip,identity,gzip,gzip,gzip,gzip", PROTO_OK, 5, 5},
        {"gzip,gzip,gzip,gzip,gzip,gzip", PROTO_CONTENT_COUNT, 5, 6},
        {"compress", PROTO_CONTENT_UNKNOWN, 0, 1},
        {"gzip, exi, gzip", PROTO_CONTENT_UNKNOWN, 1, 3},
        {"gzipped", PROTO_CONTENT_UNKNOWN, 0, 1},
        {"gzi", PROTO_CONTENT_UNKNOWN, 0, 1},
    };
    (void)state;
    if (!coded_is_there("gzip"))
        skip();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct coding_list list = {0};
        assert_int_equal(coding_list_add(&list, span_of(rows[i].value)), rows[i].error);
        assert_int_equal(list.count, rows[i].count);
        assert_int_equal(list.named, rows[i].named);
    }
}

static void all_bodies_in_all_deliveries(void **state)
{
    static const size_t lengths[] = {0, 1, 2, 300, 40000, 3000000};
    static const size_t steps[] = {1, 7, 32768};
    (void)state;
    for (size_t i = 0; i < COUNT(single); i++) {
        for (size_t j = 0; j < COUNT(lengths) && coded_is_there(single[i]); j++) {
            char *text = coded_text(lengths[j]);
            struct span plain = {text, lengths[j]};
            struct span coded = coded_make(single[i], plain);
            for (size_t k = lengths[j] > 40000 ? 2 : 0; k < COUNT(steps); k++) {
                play(named(single[i]), coded, coded.length + 1, 1, steps[k]);
                expect(single[i], plain, PROTO_OK);
                play(named(single[i]), coded, 1, lengths[j] > 40000 ? 999 : 1, steps[k]);
                expect(single[i], plain, PROTO_OK);
                play(named(single[i]), coded, 5, 16384, steps[k]);
                expect(single[i], plain, PROTO_OK);
            }
            drop(coded);
            free(text);
        }
    }
}

/* Cut in two anywhere it is the same; cut off anywhere it is truncated, but where nothing is left
 * of it. */
static void check_cuts(const char *names, size_t length)
{
    char *text = coded_text(length);
    struct span plain = {text, length};
    struct span coded = coded_make(names, plain);
    for (size_t cut = 1; cut < coded.length; cut++) {
        play(named(names), coded, cut, coded.length, 500);
        expect(names, plain, PROTO_OK);
        play(named(names), (struct span){coded.bytes, cut}, cut, 1, 32768);
        expect(names, plain, PROTO_CONTENT_TRUNCATED);
        assert_true(outcome.length <= length);
        assert_memory_equal(outcome.bytes, text, outcome.length);
    }
    play(named(names), (struct span){coded.bytes, 0}, 1, 1, 100);
    expect(names, (struct span){"", 0}, PROTO_OK);
    drop(coded);
    free(text);
}

static void every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(single); i++)
        if (coded_is_there(single[i]))
            check_cuts(single[i], 3000);
}

static void several_codings(void **state)
{
    static const char *const lists[] = {"gzip,gzip", "br,gzip", "zstd,br",
                                        "gzip,deflate,br,zstd,gzip", "zstd,zstd,zstd,zstd,zstd"};
    (void)state;
    for (size_t i = 0; i < COUNT(lists); i++)
        if (coded_is_there("br") && coded_is_there("zstd"))
            check_cuts(lists[i], 1500);
}

/* What has a checksum is right or refused; without one at least nothing strays. */
static void every_damaged_byte(void **state)
{
    (void)state;
    char *text = coded_text(2000);
    struct span plain = {text, 2000};
    for (size_t i = 0; i < COUNT(single); i++) {
        if (!coded_is_there(single[i]))
            continue;
        bool has_sum = strcmp(single[i], "br") != 0 && strcmp(single[i], "raw") != 0;
        struct span coded = coded_make(single[i], plain);
        char *bytes = (char *)(uintptr_t)coded.bytes;
        unsigned refused = 0;
        for (size_t at = 0; at < coded.length; at++) {
            bytes[at] = (char)(bytes[at] ^ 0x55);
            play(named(single[i]), coded, 100, 100, 333);
            bytes[at] = (char)(bytes[at] ^ 0x55);
            refused += outcome.error != PROTO_OK;
            if (has_sum && outcome.error == PROTO_OK)
                expect(single[i], plain, PROTO_OK);
            assert_true(outcome.length <= MIB);
        }
        assert_true(refused > (has_sum ? coded.length - 30 : 10));
        drop(coded);
    }
    free(text);
}

/* --- ends ------------------------------------------------------------------------------------- */

static struct span joined(struct span a, struct span b)
{
    char *bytes = malloc(a.length + b.length + 1);
    assert_non_null(bytes);
    memcpy(bytes, a.bytes, a.length);
    memcpy(bytes + a.length, b.bytes, b.length);
    return (struct span){bytes, a.length + b.length};
}

static void what_lies_behind_the_end_is_dropped(void **state)
{
    static const char *const tails[] = {"x",        "\x1f",     "xy",
                                        "\0\0\0\0", "\x28\xb5", "garbage of a kind"};
    (void)state;
    struct span plain = SPAN("what is meant");
    for (size_t i = 0; i < COUNT(single); i++)
        for (size_t j = 0; j < COUNT(tails) && coded_is_there(single[i]); j++) {
            struct span coded = coded_make(single[i], plain);
            struct span both =
                joined(coded, (struct span){tails[j], j == 3 ? 4 : strlen(tails[j])});
            play(named(single[i]), both, both.length, 1, 4);
            expect(single[i], plain, PROTO_OK);
            play(named(single[i]), both, 1, 1, 100);
            expect(single[i], plain, PROTO_OK);
            drop(coded);
            drop(both);
        }
}

static void members_and_frames_follow_one_another(void **state)
{
    static const char *const names[] = {"gzip", "zstd"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        if (!coded_is_there(names[i]))
            continue;
        struct span first = coded_make(names[i], SPAN("one, "));
        struct span second = coded_make(names[i], SPAN("two"));
        struct span both = joined(first, second);
        for (size_t cut = 1; cut < both.length; cut++) {
            play(names[i], both, cut, both.length, 3);
            expect(names[i], SPAN("one, two"), PROTO_OK);
        }
        play(names[i], (struct span){both.bytes, both.length - 1}, both.length, 1, 100);
        expect(names[i], SPAN("one, two"), PROTO_CONTENT_TRUNCATED);
        drop(first);
        drop(second);
        drop(both);
    }
}

/* --- limits ----------------------------------------------------------------------------------- */

/* How much came of zeros before it was refused, or all of it. */
static void play_zeros(const char *names, size_t length, enum proto_error error)
{
    char *zeros = calloc(1, length);
    assert_non_null(zeros);
    struct span coded = coded_make(names, (struct span){zeros, length});
    play(named(names), coded, 16384, 16384, 32768);
    if (outcome.error != error)
        fail_msg("%s, %zu to %zu: %s", names, coded.length, length,
                 proto_error_sentence(outcome.error));
    drop(coded);
    free(zeros);
}

static void bombs_are_refused(void **state)
{
    (void)state;
    if (!coded_is_there("gzip"))
        skip();
    play_zeros("gzip", MIB, PROTO_OK);
    play_zeros("gzip,gzip", MIB, PROTO_OK);
    play_zeros("gzip,gzip", MIB + 1, PROTO_CONTENT_RATIO);
    play_zeros("gzip,gzip", 50 * MIB, PROTO_CONTENT_RATIO);
    assert_in_range(outcome.length, MIB, MIB + 32768);
    if (coded_is_there("br")) {
        play_zeros("br", MIB, PROTO_OK);
        play_zeros("br", 50 * MIB, PROTO_CONTENT_RATIO);
        assert_in_range(outcome.length, MIB, MIB + 32768);
    }
    if (coded_is_there("zstd")) {
        play_zeros("zstd", 50 * MIB, PROTO_CONTENT_RATIO);
        assert_in_range(outcome.length, MIB, MIB + 32768);
    }
}

/* What ends a row may give nothing: empty members without end, which the first makes of little. */
static void bombs_in_between_are_refused(void **state)
{
    (void)state;
    if (!coded_is_there("gzip"))
        skip();
    enum { MEMBERS = 200000 };
    struct span empty = coded_make("gzip", SPAN(""));
    char *members = malloc(MEMBERS * empty.length);
    assert_non_null(members);
    for (size_t i = 0; i < MEMBERS; i++)
        memcpy(members + i * empty.length, empty.bytes, empty.length);
    struct span bomb = coded_make("gzip,gzip", (struct span){members, MEMBERS * empty.length});
    play("gzip,gzip,gzip", bomb, 16384, 16384, 32768);
    assert_int_equal(outcome.error, PROTO_CONTENT_RATIO);
    assert_int_equal(outcome.length, 0);
    drop(bomb);
    drop(empty);
    free(members);
}

static void ratios_may_be_others(void **state)
{
    static const struct {
        uint64_t max_ratio;
        enum proto_error error;
    } rows[] = {
        {0, PROTO_OK},    {1, PROTO_CONTENT_RATIO}, {500, PROTO_CONTENT_RATIO},
        {2000, PROTO_OK}, {UINT64_MAX, PROTO_OK},
    };
    (void)state;
    if (!coded_is_there("gzip"))
        skip();
    char *zeros = calloc(1, 4 * MIB);
    assert_non_null(zeros);
    struct span coded = coded_make("gzip", (struct span){zeros, 4 * MIB});
    for (size_t i = 0; i < COUNT(rows); i++) {
        begin("gzip", coding_memory_bytes(), rows[i].max_ratio);
        feed(coded, 32768);
        end();
        expect("gzip", (struct span){zeros, 4 * MIB}, rows[i].error);
    }
    drop(coded);
    free(zeros);
}

static void windows_are_limited(void **state)
{
    (void)state;
    if (!coded_is_there("zstd"))
        skip();
    char *text = coded_text(100000);
    struct span coded = coded_make("wide", (struct span){text, 100000});
    play("zstd", coded, 16384, 16384, 32768);
    expect("wide", SPAN(""), PROTO_CONTENT_WINDOW);
    drop(coded);
    free(text);
}

static void memory_is_limited(void **state)
{
    (void)state;
    char *text = coded_text(100000);
    for (size_t i = 0; i < COUNT(single); i++) {
        if (!coded_is_there(single[i]))
            continue;
        struct span coded = coded_make(single[i], (struct span){text, 100000});
        for (size_t size = 512; size < 40000; size += 777) {
            begin(named(single[i]), size, RATIO);
            feed(coded, 32768);
            expect(single[i], SPAN(""), PROTO_CONTENT_MEMORY);
        }
        drop(coded);
    }
    free(text);
}

/* --- the arena -------------------------------------------------------------------------------- */

static void pieces_do_not_overlap(void **state)
{
    enum { SIZE = 1 << 16, PIECES = 40 };
    static _Alignas(16) char bytes[SIZE];
    static struct {
        unsigned char *at;
        size_t size;
    } pieces[PIECES];
    struct arena arena;
    uint32_t random = 7;
    (void)state;
    arena_init(&arena, bytes, SIZE);
    for (int i = 0; i < 20000; i++) {
        random = random * 1664525 + 1013904223;
        size_t place = (random >> 20) % PIECES;
        for (size_t j = 0; pieces[place].at && j < pieces[place].size; j++)
            assert_int_equal(pieces[place].at[j], place);
        arena_give(&arena, pieces[place].at);
        pieces[place].size = (random >> 8) % 4000;
        pieces[place].at = arena_take(&arena, pieces[place].size);
        if (pieces[place].at)
            memset(pieces[place].at, (int)place, pieces[place].size);
    }
    for (size_t i = 0; i < PIECES; i++)
        arena_give(&arena, pieces[i].at);
    assert_non_null(arena_take(&arena, SIZE - 64)); /* all of it is one again */
    assert_null(arena_take(&arena, 64));
    assert_null(arena_take(&arena, SIZE_MAX));
    assert_in_range(arena.reached, SIZE - 64, SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read),
        cmocka_unit_test(all_bodies_in_all_deliveries),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(several_codings),
        cmocka_unit_test(every_damaged_byte),
        cmocka_unit_test(what_lies_behind_the_end_is_dropped),
        cmocka_unit_test(members_and_frames_follow_one_another),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(bombs_in_between_are_refused),
        cmocka_unit_test(ratios_may_be_others),
        cmocka_unit_test(windows_are_limited),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(pieces_do_not_overlap),
    };
    memory = malloc(coding_memory_bytes() + 1);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(memory);
    free(outcome.bytes);
    return failed;
}
