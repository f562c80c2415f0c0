/* The search for the highest rate, against a server that is a formula: what it can do at all, and
 * up to which rate its latency is good. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/run/find_max.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

enum { NEVER = -1 };

struct fake {
    double capacity;  /* of a closed loop */
    double most_held; /* of an open one */
    double most_good; /* up to which the threshold is met */
    int fails_at;     /* the number of the trial that cannot be run; NEVER */
    int trials;
};

static json_t *fake_trial(void *context, double rate)
{
    struct fake *fake = context;
    if (fake->trials++ == fake->fails_at)
        return NULL;
    if (rate == 0)
        return json_pack("{s:s, s:f}", "mode", "closed", "rate_per_s", fake->capacity);
    double held = rate <= fake->most_held ? 1 : fake->most_held / rate;
    double p99 = rate <= fake->most_good ? 1000 : 50001;
    return json_pack("{s:s, s:f, s:f, s:{s:{s:f}, s:n}}", "mode", "open", "rate_held", held,
                     "asked", rate, "latency_us", "intended", "p99", p99, "actual");
}

static json_t *search(struct fake *fake)
{
    struct threshold threshold;
    char message[THRESHOLD_SENTENCE_BYTES];
    assert_true(threshold_parse(&threshold, "p99<50ms", message));
    return find_max(&threshold, 1, fake_trial, fake);
}

/* --- what is found ---------------------------------------------------------------------------- */

static const struct {
    double capacity;
    double most_held;
    double most_good;
    double rate; /* to be found; 0: null */
    bool is_bounded;
} rows[] = {
    {100000, 100000, 30000, 30000, true},
    {100000, 100000, 99000, 99000, true},
    {100000, 100000, 50000, 50000, true}, /* the first step itself */
    {100000, 100000, 49999, 49999, true},
    {100000, 100000, 12, 12, true},
    {1e8, 1e8, 3000, 3000, true},
    {1e8, 1e8, 1, 1, true},
    {10, 10, 5, 5, true},
    {1, 1, 1, 1, false},
    {1.5, 1.5, 1, 1, true},
    {100000, 100000, 1e9, 100000, false}, /* good at all it can do */
    {100000, 70000, 1e9, 70000, true},    /* an open loop can do less */
    {100000, 99600, 1e9, 100000, false},  /* as good as held */
    {100000, 70000, 20000, 20000, true},
    {100000, 100000, 0, 0, true}, /* never good */
    {100000, 0.5, 1e9, 0, true},  /* never held */
    {0.5, 0.5, 1e9, 0, false},    /* nothing to be tried */
    {0, 0, 0, 0, false},
};

/* What the trials say adds up: met up to the rate, not met above it. */
static void check_trials(const json_t *trials, const json_t *rate)
{
    size_t index;
    const json_t *trial;
    json_array_foreach((json_t *)(uintptr_t)trials, index, trial)
    {
        double tried = json_number_value(json_object_get(trial, "rate"));
        bool is_met = json_is_true(json_object_get(trial, "is_met"));
        assert_int_equal(is_met, json_is_number(rate) && tried <= json_number_value(rate));
        assert_true(json_string_length(json_object_get(trial, "sentence")) > 0);
    }
    assert_true(index <= FIND_MAX_TRIALS);
}

static void test_rates(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fake fake = {rows[i].capacity, rows[i].most_held, rows[i].most_good, NEVER, 0};
        json_t *run = search(&fake);
        assert_non_null(run);
        const json_t *found = json_object_get(run, "find_max");
        const json_t *rate = json_object_get(found, "rate");
        const json_t *trials = json_object_get(found, "trials");
        assert_string_equal(json_string_value(json_object_get(found, "expression")), "p99<50ms");
        assert_int_equal(json_is_true(json_object_get(found, "is_bounded")), rows[i].is_bounded);
        assert_int_equal(json_array_size(trials), fake.trials - 1);
        check_trials(trials, rate);
        if (rows[i].rate == 0) {
            assert_true(json_is_null(rate));
            assert_null(json_object_get(run, "asked"));
        } else {
            double value = json_number_value(rate);
            if (value < rows[i].rate / 1.02 || value > rows[i].rate * 1.006)
                fail_msg("row %zu: %f, not %f", i, value, rows[i].rate);
            assert_true(json_number_value(json_object_get(run, "asked")) == value);
        }
        json_decref(run);
    }
}

/* Why a rate was refused: the threshold, or that it was not held. */
static void test_sentences(void **state)
{
    (void)state;
    static const struct {
        struct fake fake;
        const char *sentence; /* of the first trial: how it begins */
    } sentences[] = {
        {{1000, 1000, 2000, NEVER, 0}, "p99<50ms: met: "},
        {{1000, 1000, 500, NEVER, 0}, "p99<50ms: not met: "},
        {{1000, 500, 2000, NEVER, 0}, "the rate was not held"},
        {{1000, 500, 200, NEVER, 0}, "p99<50ms: not met: "},
    };
    for (size_t i = 0; i < COUNT(sentences); i++) {
        struct fake fake = sentences[i].fake;
        json_t *run = search(&fake);
        const json_t *trials = json_object_get(json_object_get(run, "find_max"), "trials");
        const json_t *sentence = json_object_get(json_array_get(trials, 0), "sentence");
        assert_memory_equal(json_string_value(sentence), sentences[i].sentence,
                            strlen(sentences[i].sentence));
        json_decref(run);
    }
}

/* --- what cannot be run ----------------------------------------------------------------------- */

static void test_failing_trials(void **state)
{
    (void)state;
    struct fake whole = {100000, 100000, 30000, NEVER, 0};
    json_decref(search(&whole));
    for (int i = 0; i < whole.trials; i++) {
        struct fake fake = whole;
        fake.fails_at = i;
        fake.trials = 0;
        assert_null(search(&fake));
        assert_int_equal(fake.trials, i + 1); /* it ends the search */
    }
}

/* A run that does not say whether its rate was held has not held it. */
static json_t *silent_trial(void *context, double rate)
{
    json_t *run = fake_trial(context, rate);
    json_object_del(run, "rate_held");
    return run;
}

static void test_silent_trials(void **state)
{
    (void)state;
    struct fake fake = {1000, 1000, 2000, NEVER, 0};
    struct threshold threshold;
    char message[THRESHOLD_SENTENCE_BYTES];
    assert_true(threshold_parse(&threshold, "p99<50ms", message));
    json_t *run = find_max(&threshold, 1, silent_trial, &fake);
    assert_true(json_is_null(json_object_get(json_object_get(run, "find_max"), "rate")));
    json_decref(run);
}

/* Requests fail from 20,000/s on. */
static json_t *failing_trial(void *context, double rate)
{
    json_t *run = fake_trial(context, rate);
    json_object_set_new(run, "requests", json_integer(1000));
    json_object_set_new(run, "error_count", json_integer(rate > 20000 ? 1000 : 9));
    return run;
}

/* All conditions must hold; the trial says which did not. */
static void test_conditions(void **state)
{
    static const char *const texts[] = {"p99<50ms", "errors<1%"};
    struct threshold conditions[COUNT(texts)];
    struct fake fake = {100000, 100000, 30000, NEVER, 0};
    char message[THRESHOLD_SENTENCE_BYTES];
    size_t index;
    const json_t *trial;
    bool has_errors = false;
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_true(threshold_parse(&conditions[i], texts[i], message));
    json_t *run = find_max(conditions, COUNT(texts), failing_trial, &fake);
    const json_t *found = json_object_get(run, "find_max");
    double rate = json_number_value(json_object_get(found, "rate"));
    assert_true(rate > 20000 / 1.02 && rate <= 20000);
    assert_string_equal(json_string_value(json_object_get(found, "expression")),
                        "p99<50ms and errors<1%");
    json_array_foreach(json_object_get(found, "trials"), index, trial)
    {
        const char *sentence = json_string_value(json_object_get(trial, "sentence"));
        has_errors |= strcmp(sentence, "errors<1%: not met: error_share was 100 %") == 0;
    }
    assert_true(has_errors);
    json_decref(run);
}

/* Everything is met, and the run of that number was cut short. */
static json_t *cut_trial(void *context, double rate)
{
    struct fake *fake = context;
    bool is_cut = fake->trials == fake->fails_at;
    fake->fails_at = NEVER;
    json_t *run = fake_trial(context, rate);
    json_object_set_new(run, "interrupted", json_boolean(is_cut));
    if (!is_cut)
        fake->fails_at = 3;
    return run;
}

static void test_interrupted(void **state)
{
    struct fake fake = {100000, 100000, 50000, 3, 0};
    struct threshold threshold;
    char message[THRESHOLD_SENTENCE_BYTES];
    (void)state;
    assert_true(threshold_parse(&threshold, "p99<50ms", message));
    json_t *run = find_max(&threshold, 1, cut_trial, &fake);
    assert_int_equal(fake.trials, 4);
    const json_t *found = json_object_get(run, "find_max");
    const json_t *trials = json_object_get(found, "trials");
    assert_true(json_is_true(json_object_get(found, "interrupted")));
    assert_true(json_number_value(json_object_get(found, "rate")) == 50000);
    assert_int_equal(json_array_size(trials), 3);
    const json_t *last = json_array_get(trials, 2);
    assert_true(json_is_false(json_object_get(last, "is_met")));
    assert_string_equal(json_string_value(json_object_get(last, "sentence")),
                        "the trial was interrupted");
    json_decref(run);
    fake = (struct fake){100000, 100000, 50000, 0, 0};
    run = find_max(&threshold, 1, cut_trial, &fake);
    found = json_object_get(run, "find_max");
    assert_int_equal(json_array_size(json_object_get(found, "trials")), 0);
    assert_true(json_is_null(json_object_get(found, "rate")));
    json_decref(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),          cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_interrupted),    cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_failing_trials), cmocka_unit_test(test_silent_trials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
