/* The statistics of a comparison, on rounds simulated as a machine makes them: metrics that go
 * together, noise, drift that both sides share, and now and then a run that something else
 * disturbed. Seeded, so that each run of this test sees the same rounds. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/statistics/bootstrap.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { METRICS = 7, CPU = 1, ROUNDS_MAX = 30 };

/* Noise of a run, and how much of it is the run's own, in all its metrics alike. */
static const struct {
    double noise;
    double common;
} metrics[METRICS] = {
    {0.012, 0.8}, {0.015, 0.6}, {0.012, 0.8}, {0.015, 0.7}, {0.03, 0.5}, {0.05, 0.3}, {0.013, 0.9},
};

static void assert_near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.9f is not %.9f", value, wanted);
}

struct machine {
    uint64_t random;
    double drift;     /* of a run, as a share */
    double disturbed; /* share of runs */
    double planted;   /* how much more cpu b has; as a logarithm */
};

struct seen {
    double a[METRICS * ROUNDS_MAX];
    double b[METRICS * ROUNDS_MAX];
};

/* SplitMix64. */
static double unit(struct machine *machine)
{
    uint64_t bits = machine->random += 0x9e3779b97f4a7c15;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    return ((double)((bits ^ (bits >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static double normal(struct machine *machine)
{
    double radius = sqrt(-2 * log(unit(machine)));
    return radius * cos(2 * M_PI * unit(machine));
}

/* One run: a value of each metric, stride apart. */
static void run(struct machine *machine, double drifted, double planted, double *ret_values,
                size_t stride)
{
    double own = normal(machine);
    double disturbance = unit(machine) < machine->disturbed ? 0.1 + 0.4 * unit(machine) : 0;

    for (size_t i = 0; i < METRICS; i++) {
        double common = metrics[i].common;
        double noise = common * own + sqrt(1 - common * common) * normal(machine);
        double sum = drifted + metrics[i].noise * noise;
        sum += i == CPU ? disturbance / 2 + planted : disturbance;
        ret_values[i * stride] = 100 * exp(sum);
    }
}

static void run_rounds(struct machine *machine, size_t rounds, struct seen *ret_seen)
{
    double drifted = 0;

    for (size_t round = 0; round < rounds; round++)
        for (size_t place = 0; place < 2; place++) {
            bool is_b = place != round % 2;
            drifted += machine->drift * normal(machine);
            run(machine, drifted, is_b ? machine->planted : 0,
                (is_b ? ret_seen->b : ret_seen->a) + round, rounds);
        }
}

static void compare(const struct seen *seen, size_t rounds,
                    struct bootstrap_estimate *ret_estimates)
{
    const struct bootstrap_rounds all = {seen->a, seen->b, METRICS, rounds};
    const struct bootstrap_options options = {.confidence = 0.99, .same_within = 0.01, .seed = 1};
    bool aside[ROUNDS_MAX];

    assert_int_equal(bootstrap_compare(&all, &options, ret_estimates, aside), 0);
}

static bool is_difference(const struct bootstrap_estimate *estimate)
{
    return estimate->verdict == BOOTSTRAP_A_HIGHER || estimate->verdict == BOOTSTRAP_B_HIGHER;
}

struct tally {
    unsigned alarms;  /* comparisons with a difference in what was not planted */
    unsigned found;   /* that found more cpu with b */
    unsigned covered; /* whose intervals all hold */
};

static struct tally simulate(struct machine machine, size_t rounds, unsigned comparisons)
{
    struct tally tally = {0};

    for (unsigned i = 0; i < comparisons; i++) {
        struct seen seen;
        struct bootstrap_estimate estimates[METRICS];
        bool is_alarm = false, is_covered = true;
        run_rounds(&machine, rounds, &seen);
        compare(&seen, rounds, estimates);
        for (size_t metric = 0; metric < METRICS; metric++) {
            double truth = metric == CPU ? exp(machine.planted) : 1;
            is_alarm |= is_difference(&estimates[metric]) && truth == 1;
            is_covered &= estimates[metric].low <= truth && truth <= estimates[metric].high;
        }
        tally.alarms += is_alarm;
        tally.found += estimates[CPU].verdict == BOOTSTRAP_B_HIGHER;
        tally.covered += is_covered;
    }
    return tally;
}

/* Of a thousand comparisons of equal sides 990 are to be quiet; here 98 of 100 must be, or one less
 * of few, and a planted 5 % of cpu must be found. */
static const struct {
    struct machine machine;
    size_t rounds;
    unsigned comparisons;
    unsigned alarms_max;
    unsigned found_min;
} rows[] = {
    {{1, 0.005, 0.00, 0}, 20, 20, 1, 0},       {{2, 0.010, 0.05, 0}, 20, 20, 1, 0},
    {{3, 0.005, 0.05, 0}, 5, 60, 1, 0},        {{4, 0.005, 0.05, 0}, 10, 40, 1, 0},
    {{5, 0.005, 0.00, 0.0488}, 20, 20, 1, 20}, {{6, 0.005, 0.05, 0.0488}, 20, 20, 1, 20},
};

static void admits_a_tie_and_finds_a_difference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tally tally = simulate(rows[i].machine, rows[i].rounds, rows[i].comparisons);
        print_message("seed %d, %zu rounds, %u times: %u false, %u found, %u covered\n",
                      (int)rows[i].machine.random, rows[i].rounds, rows[i].comparisons,
                      tally.alarms, tally.found, tally.covered);
        assert_true(tally.alarms <= rows[i].alarms_max);
        assert_true(tally.found >= rows[i].found_min);
        assert_true(tally.covered + 3 >= rows[i].comparisons);
    }
}

/* --- what can be said beforehand -------------------------------------------------------------- */

enum { FEW = 8 };

static const struct {
    const char *name;
    double a[FEW];
    double b[FEW];
    double ratio;
    enum bootstrap_verdict verdict;
    double mean; /* geometric, of a */
} exact_rows[] = {
    {"equal, always",
     {5, 5, 5, 5, 5, 5, 5, 5},
     {5, 5, 5, 5, 5, 5, 5, 5},
     1,
     BOOTSTRAP_SAME,
     5.0000},
    {"drifting together",
     {5, 6, 7, 8, 9, 10, 11, 12},
     {5, 6, 7, 8, 9, 10, 11, 12},
     1,
     BOOTSTRAP_SAME,
     8.1755},
    {"half of a percent, always",
     {200, 400, 200, 400, 200, 400, 200, 400},
     {201, 402, 201, 402, 201, 402, 201, 402},
     1.005,
     BOOTSTRAP_SAME,
     282.8427},
    {"twice, always",
     {5, 6, 7, 8, 9, 10, 11, 12},
     {10, 12, 14, 16, 18, 20, 22, 24},
     2,
     BOOTSTRAP_B_HIGHER,
     8.1755},
    {"half, always",
     {10, 12, 14, 16, 18, 20, 22, 24},
     {5, 6, 7, 8, 9, 10, 11, 12},
     0.5,
     BOOTSTRAP_A_HIGHER,
     16.3511},
    {"twice and half in turns",
     {5, 5, 5, 5, 5, 5, 5, 5},
     {10, 2.5, 10, 2.5, 10, 2.5, 10, 2.5},
     1,
     BOOTSTRAP_NONE,
     5.0000},
};

static void knows_the_plain_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exact_rows / sizeof *exact_rows; i++) {
        const struct bootstrap_rounds rounds = {exact_rows[i].a, exact_rows[i].b, 1, FEW};
        const struct bootstrap_options options = {0.99, 0.01, 1};
        struct bootstrap_estimate estimate;
        bool aside[FEW];
        print_message("%s\n", exact_rows[i].name);
        assert_int_equal(bootstrap_compare(&rounds, &options, &estimate, aside), 0);
        assert_near(estimate.ratio, exact_rows[i].ratio, 1e-9);
        assert_near(estimate.b / estimate.a, estimate.ratio, 1e-9);
        assert_near(estimate.a, exact_rows[i].mean, 1e-3);
        assert_near(estimate.resolution, sqrt(estimate.high / estimate.low) - 1, 1e-9);
        assert_true(estimate.low < estimate.ratio && estimate.ratio < estimate.high);
        assert_int_equal(estimate.verdict, exact_rows[i].verdict);
    }
}

/* Ten rounds, b 3 % higher but for noise; in the fourth something else ran beside b. */
static void sets_a_disturbed_round_aside(void **state)
{
    static const double a[] = {100, 101, 100, 102, 99, 100, 101, 100, 99, 100};
    static const double b[] = {103, 104.5, 102.6, 155, 102.2, 103.1, 103.7, 102.9, 102.4, 103};
    const struct bootstrap_rounds rounds = {a, b, 1, 10};
    const struct bootstrap_options options = {0.99, 0.01, 1};
    struct bootstrap_estimate estimate;
    bool aside[10];

    (void)state;
    assert_int_equal(bootstrap_compare(&rounds, &options, &estimate, aside), 0);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(aside[i], i == 3);
    assert_int_equal(estimate.rounds, 9);
    assert_int_equal(estimate.verdict, BOOTSTRAP_B_HIGHER);
    assert_near(estimate.ratio, 1.03, 0.003);
}

/* Three metrics; in the fourth round the last one alone stands out. */
static void sets_a_value_aside(void **state)
{
    static const double a[] = {100, 101, 100, 102, 99, 100, 101, 100, 99, 100,
                               100, 101, 100, 102, 99, 100, 101, 100, 99, 100,
                               100, 101, 100, 102, 99, 100, 101, 100, 99, 100};
    static const double b[] = {103, 104.5, 102.6, 105.1, 102.2, 103.1, 103.7, 102.9, 102.4, 103,
                               103, 104.5, 102.6, 105.1, 102.2, 103.1, 103.7, 102.9, 102.4, 103,
                               103, 104.5, 102.6, 60,    102.2, 103.1, 103.7, 102.9, 102.4, 103};
    const struct bootstrap_rounds rounds = {a, b, 3, 10};
    const struct bootstrap_options options = {0.99, 0.01, 1};
    struct bootstrap_estimate estimates[3];
    bool aside[10];

    (void)state;
    assert_int_equal(bootstrap_compare(&rounds, &options, estimates, aside), 0);
    for (size_t i = 0; i < 10; i++)
        assert_false(aside[i]);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(estimates[i].rounds, i == 2 ? 9 : 10);
        assert_int_equal(estimates[i].verdict, BOOTSTRAP_B_HIGHER);
        assert_near(estimates[i].ratio, 1.03, 0.003);
    }
}

/* Where half of all rounds are of one kind and half of another, none is the disturbed one. */
static void keeps_what_is_half(void **state)
{
    static const double a[] = {100, 100, 100, 100, 100, 100, 100, 100};
    static const double b[] = {103, 150, 103.1, 151, 102.9, 149, 103, 150};
    const struct bootstrap_rounds rounds = {a, b, 1, 8};
    const struct bootstrap_options options = {0.99, 0.01, 1};
    struct bootstrap_estimate estimate;
    bool aside[8];

    (void)state;
    assert_int_equal(bootstrap_compare(&rounds, &options, &estimate, aside), 0);
    assert_int_equal(estimate.rounds, 8);
    assert_near(estimate.ratio, sqrt(1.03 * 1.5), 0.003);
}

/* The same rounds with their sides exchanged: the same, the other way round. */
static void is_the_same_seen_from_b(void **state)
{
    struct machine machine = {7, 0.005, 0.05, 0.03};
    struct seen seen;
    struct bootstrap_estimate there[METRICS], back[METRICS];

    (void)state;
    run_rounds(&machine, 20, &seen);
    compare(&seen, 20, there);
    struct seen exchanged = seen;
    memcpy(exchanged.a, seen.b, sizeof seen.b);
    memcpy(exchanged.b, seen.a, sizeof seen.a);
    compare(&exchanged, 20, back);
    for (size_t i = 0; i < METRICS; i++) {
        assert_near(there[i].ratio * back[i].ratio, 1, 1e-9);
        assert_near(there[i].low * back[i].high, 1, 1e-9);
    }
}

static void finds_the_middle(void **state)
{
    double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2}, one[] = {7};

    (void)state;
    assert_near(bootstrap_median(odd, 3), 2, 0);
    assert_near(bootstrap_median(even, 4), 2.5, 0);
    assert_near(bootstrap_median(one, 1), 7, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_middle),
        cmocka_unit_test(knows_the_plain_cases),
        cmocka_unit_test(sets_a_disturbed_round_aside),
        cmocka_unit_test(sets_a_value_aside),
        cmocka_unit_test(keeps_what_is_half),
        cmocka_unit_test(is_the_same_seen_from_b),
        cmocka_unit_test(admits_a_tie_and_finds_a_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
