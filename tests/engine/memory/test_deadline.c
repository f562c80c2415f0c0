/* The timer wheel, by hand at its seams and against a plain array of times. Time is a number here;
 * no test waits. */

#include "engine/memory/deadline.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define TICK DEADLINE_TICK_NS
#define SECOND UINT64_C(1000000000)
#define HOUR (3600 * SECOND)

enum { IDS = 64 };

/* --- by hand ---------------------------------------------------------------------------------- */

enum verb {
    SET,    /* id's deadline becomes time */
    CLEAR,  /* id has none any more */
    EXPIRE, /* at time, id is the next to expire; NOBODY: none is */
    NEXT,   /* the wheel wants to be looked at no later than time, and not before the step before */
    SLEEP,  /* the wheel wants nothing */
};

enum { NOBODY = IDS };

struct row {
    enum verb verb;
    uint32_t id;
    uint64_t time_ns;
};

struct script {
    const char *name;
    uint64_t start_ns;
    struct row rows[12];
};

static const struct script scripts[] = {
    {"an empty wheel sleeps", 5 * SECOND, {{SLEEP, 0, 0}, {EXPIRE, NOBODY, 9 * HOUR}}},
    {"never early, at most a tick late",
     0,
     {{SET, 1, 5 * TICK + 1},
      {NEXT, 0, 6 * TICK},
      {EXPIRE, NOBODY, 5 * TICK},
      {EXPIRE, NOBODY, 6 * TICK - 1},
      {EXPIRE, 1, 6 * TICK},
      {EXPIRE, NOBODY, 7 * TICK},
      {SLEEP, 0, 0}}},
    {"what has passed expires at once",
     3 * HOUR,
     {{SET, 1, 0}, {SET, 2, 3 * HOUR}, {EXPIRE, 2, 3 * HOUR}, {EXPIRE, 1, 3 * HOUR}}},
    {"a cleared deadline does not expire",
     0,
     {{SET, 1, TICK}, {CLEAR, 1, 0}, {EXPIRE, NOBODY, SECOND}, {SLEEP, 0, 0}}},
    {"clearing nothing is harmless", 0, {{CLEAR, 1, 0}, {SLEEP, 0, 0}}},
    {"set again after clearing, in the same bucket",
     0,
     {{SET, 1, TICK}, {CLEAR, 1, 0}, {SET, 1, TICK}, {EXPIRE, 1, TICK}}},
    {"put off",
     0,
     {{SET, 1, TICK},
      {SET, 1, 40 * SECOND},
      {EXPIRE, NOBODY, 40 * SECOND - 1},
      {EXPIRE, 1, 40 * SECOND}}},
    {"put off again and again",
     0,
     {{SET, 1, TICK},
      {SET, 1, 2 * SECOND},
      {EXPIRE, NOBODY, SECOND},
      {SET, 1, 3 * SECOND},
      {EXPIRE, NOBODY, 2 * SECOND},
      {SET, 1, 3 * HOUR},
      {EXPIRE, NOBODY, 3 * HOUR - 1},
      {EXPIRE, 1, 3 * HOUR}}},
    {"brought forward across levels",
     0,
     {{SET, 1, 9 * HOUR},
      {SET, 1, 9 * SECOND},
      {SET, 1, 2 * TICK},
      {NEXT, 0, 2 * TICK},
      {EXPIRE, NOBODY, TICK},
      {EXPIRE, 1, 2 * TICK},
      {EXPIRE, NOBODY, 10 * HOUR},
      {SLEEP, 0, 0}}},
    {"two in a bucket, one put off while it is being emptied",
     0,
     {{SET, 1, 100 * TICK},
      {SET, 2, 100 * TICK},
      {EXPIRE, 2, 100 * TICK},
      {SET, 1, 300 * TICK},
      {EXPIRE, NOBODY, 299 * TICK},
      {EXPIRE, 1, 300 * TICK}}},
    {"the rest of a coarse bucket is not forgotten behind what it refiled",
     0,
     {{SET, 1, 64 * TICK},
      {SET, 2, 70 * TICK},
      {EXPIRE, 1, 64 * TICK},
      {SET, 1, 66 * TICK},
      {EXPIRE, 1, 66 * TICK},
      {EXPIRE, 2, 70 * TICK}}},
    {"a jump over every level",
     0,
     {{SET, 1, 1000 * HOUR}, {EXPIRE, NOBODY, 1000 * HOUR - 1}, {EXPIRE, 1, 2000 * HOUR}}},
    {"the largest times there are",
     UINT64_MAX - HOUR,
     {{SET, 1, UINT64_MAX - 1}, {EXPIRE, NOBODY, UINT64_MAX - SECOND}}},
    {"a digit wraps between two ticks",
     63 * TICK,
     {{SET, 1, 64 * TICK},
      {SET, 2, 63 * TICK},
      {EXPIRE, 2, 63 * TICK},
      {EXPIRE, NOBODY, 63 * TICK},
      {EXPIRE, 1, 64 * TICK}}},
};

static void run_row(struct deadlines *deadlines, const struct row *row)
{
    uint32_t id = NOBODY;

    switch (row->verb) {
    case SET:
        deadline_set(deadlines, row->id, row->time_ns);
        break;
    case CLEAR:
        deadline_clear(deadlines, row->id);
        break;
    case EXPIRE:
        assert_int_equal(deadline_expired(deadlines, row->time_ns, &id), row->id != NOBODY);
        assert_int_equal(id, row->id);
        break;
    case NEXT:
        assert_in_range(deadline_next_ns(deadlines), 1, row->time_ns);
        break;
    case SLEEP:
        assert_true(deadline_next_ns(deadlines) == DEADLINE_NEVER);
        break;
    }
}

static void scripts_run(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct deadline_entry entries[IDS] = {0};
        struct deadlines deadlines;

        print_message("  %s\n", scripts[i].name);
        deadline_init(&deadlines, entries, IDS, scripts[i].start_ns);
        for (size_t at = 0; at < 12; at++) {
            const struct row *row = &scripts[i].rows[at];
            if (row->verb != SET || row->id != 0)
                run_row(&deadlines, row);
        }
    }
}

/* --- against an array ------------------------------------------------------------------------- */

struct model {
    struct deadlines deadlines;
    struct deadline_entry entries[IDS];
    uint64_t due_ns[IDS];
    uint64_t now_ns;
    uint64_t looked_ns; /* when expired() was last asked until it had no more */
    uint64_t random;
};

static uint64_t random_next(struct model *model)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return model->random;
}

/* Anything from nanoseconds to days, each magnitude as likely as the other. */
static uint64_t random_span(struct model *model)
{
    uint64_t bits = random_next(model) % 48;
    return random_next(model) & ((UINT64_C(1) << bits) - 1);
}

static void model_set(struct model *model)
{
    uint32_t id = random_next(model) % IDS;
    uint64_t span = random_span(model);
    uint64_t time_ns = model->now_ns + span;

    if (random_next(model) % 8 == 0)
        time_ns = span < model->now_ns ? model->now_ns - span : 0;
    model->due_ns[id] = time_ns;
    deadline_set(&model->deadlines, id, time_ns);
}

static void model_expire(struct model *model)
{
    uint32_t id;

    while (deadline_expired(&model->deadlines, model->now_ns, &id)) {
        assert_in_range(id, 0, IDS - 1);
        assert_true(model->due_ns[id] <= model->now_ns);
        model->due_ns[id] = DEADLINE_NEVER;
        if (random_next(model) % 16 == 0)
            model_set(model);
        if (random_next(model) % 64 == 0)
            return;
    }
    for (id = 0; id < IDS; id++)
        assert_true(model->due_ns[id] == DEADLINE_NEVER ||
                    model->due_ns[id] + TICK > model->now_ns);
    model->looked_ns = model->now_ns;
}

/* Whoever sleeps until deadline_next_ns() comes too late for nobody. */
static void model_check_next(struct model *model)
{
    uint64_t next_ns = deadline_next_ns(&model->deadlines);

    for (uint32_t id = 0; id < IDS; id++)
        if (model->due_ns[id] != DEADLINE_NEVER)
            assert_true(next_ns < TICK || next_ns - TICK < model->due_ns[id] ||
                        next_ns <= model->now_ns);
}

static void model_run(uint64_t seed)
{
    struct model *model = calloc(1, sizeof(*model));
    assert_non_null(model);
    print_message("  seed %llu\n", (unsigned long long)seed);

    model->random = seed;
    model->now_ns = random_span(model);
    deadline_init(&model->deadlines, model->entries, IDS, model->now_ns);
    memset(model->due_ns, 0xff, sizeof(model->due_ns));
    for (int i = 0; i < 200000; i++) {
        switch (random_next(model) % 8) {
        case 0: {
            uint32_t id = random_next(model) % IDS;
            model->due_ns[id] = DEADLINE_NEVER;
            deadline_clear(&model->deadlines, id);
            break;
        }
        case 1:
            model->now_ns += random_span(model) >> 4;
            break;
        case 2:
            model_expire(model);
            break;
        case 3:
            model_check_next(model);
            break;
        default:
            model_set(model);
            break;
        }
    }
    free(model);
}

static void the_wheel_agrees_with_an_array(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++)
        model_run(seed * UINT64_C(0x9e3779b97f4a7c15));
}

/* Asked every tick, as the engine does: everything expires once, and in time. */
static void nothing_is_late_when_asked_every_tick(void **state)
{
    (void)state;
    struct model *model = calloc(1, sizeof(*model));
    assert_non_null(model);
    uint32_t id, expired = 0, set = 0;

    model->random = 7;
    deadline_init(&model->deadlines, model->entries, IDS, 0);
    memset(model->due_ns, 0xff, sizeof(model->due_ns));
    for (uint64_t tick = 0; tick < 300000; tick++) {
        model->now_ns = tick * TICK;
        while (deadline_expired(&model->deadlines, model->now_ns, &id)) {
            assert_true(model->due_ns[id] <= model->now_ns);
            assert_true(model->due_ns[id] + TICK > model->now_ns);
            model->due_ns[id] = DEADLINE_NEVER;
            expired++;
        }
        id = random_next(model) % IDS;
        if (model->due_ns[id] != DEADLINE_NEVER || tick > 200000)
            continue;
        model->due_ns[id] = model->now_ns + random_next(model) % (100 * SECOND);
        deadline_set(&model->deadlines, id, model->due_ns[id]);
        set++;
    }
    assert_int_equal(expired, set);
    assert_true(deadline_next_ns(&model->deadlines) == DEADLINE_NEVER);
    free(model);
}

static void an_unused_entry_is_never_touched(void **state)
{
    (void)state;
    struct deadline_entry entries[IDS] = {0}, zero[IDS] = {0};
    struct deadlines deadlines;
    uint32_t id;

    deadline_init(&deadlines, entries, IDS, 0);
    deadline_set(&deadlines, 0, SECOND);
    assert_true(deadline_expired(&deadlines, SECOND, &id));
    assert_memory_equal(entries + 1, zero + 1, sizeof(entries) - sizeof(entries[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_run),
        cmocka_unit_test(the_wheel_agrees_with_an_array),
        cmocka_unit_test(nothing_is_late_when_asked_every_tick),
        cmocka_unit_test(an_unused_entry_is_never_touched),
    };
    return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
