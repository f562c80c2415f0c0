/* A comparison as JSON. The idea: only metrics that have a positive number in each round of both
 * sides can be set in relation; those of a pair are judged together, so that the whole pair's word
 * holds with the asked confidence, and the others are named as what they are. */

#include "bench/compare/comparison.h"
#include "bench/statistics/bootstrap.h"
#include "bench/base/json_at.h"
#include "bench/result/metric.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char not_comparable[] = "not comparable";

static const char *const verdicts[] = {
    [BOOTSTRAP_NONE] = "no difference detected",
    [BOOTSTRAP_SAME] = "same",
    [BOOTSTRAP_B_HIGHER] = "b higher",
    [BOOTSTRAP_A_HIGHER] = "a higher",
};

/* --- objects ---------------------------------------------------------------------------------- */

struct member {
    const char *key;
    json_t *value; /* taken over; NULL: making it has failed */
};

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

/* NULL: out of memory. */
static json_t *object_of(const struct member *members, size_t count)
{
    json_t *object = json_object();
    int failed = 0;

    for (size_t i = 0; i < count; i++)
        failed |= json_object_set_new(object, members[i].key, members[i].value);
    if (failed == 0)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *count_of(size_t count)
{
    return json_integer((json_int_t)count);
}

/* --- a pair ----------------------------------------------------------------------------------- */

/* Two sides, and their values: [metric * rounds + round], a metric each that can be compared. */
struct pair {
    const struct comparison *comparison;
    const struct comparison_side *a;
    const struct comparison_side *b;
    double *a_values;
    double *b_values;
    size_t *rows; /* of each metric of the comparison: its row in the values, or NO_ROW */
    size_t row_count;
    struct bootstrap_estimate estimates[BOOTSTRAP_METRICS_MAX];
    bool aside[BOOTSTRAP_ROUNDS_MAX];
};

#define NO_ROW SIZE_MAX

/* false: a round has no such number, or none above 0, or a lower bound only. */
static bool take_values(const struct comparison_side *side, const char *metric, size_t rounds,
                        double *ret_values)
{
    for (size_t i = 0; i < rounds; i++)
        if (!metric_value(side->runs[i], metric, &ret_values[i]) || !isfinite(ret_values[i]) ||
            ret_values[i] <= 0 || metric_is_bound(side->runs[i], metric))
            return false;
    return true;
}

static void fill_rows(struct pair *pair)
{
    size_t rounds = pair->comparison->rounds;

    for (size_t i = 0; i < pair->comparison->metric_count; i++) {
        const char *metric = pair->comparison->metrics[i];
        size_t offset = pair->row_count * rounds;
        bool is_comparable = take_values(pair->a, metric, rounds, pair->a_values + offset) &&
                             take_values(pair->b, metric, rounds, pair->b_values + offset);
        pair->rows[i] = is_comparable ? pair->row_count++ : NO_ROW;
    }
}

static bool pair_open(struct pair *pair)
{
    size_t values = pair->comparison->metric_count * pair->comparison->rounds;

    pair->a_values = calloc(values, sizeof *pair->a_values);
    pair->b_values = calloc(values, sizeof *pair->b_values);
    pair->rows = calloc(pair->comparison->metric_count, sizeof *pair->rows);
    return pair->a_values != NULL && pair->b_values != NULL && pair->rows != NULL;
}

static void pair_close(struct pair *pair)
{
    free(pair->a_values);
    free(pair->b_values);
    free(pair->rows);
}

static bool pair_estimate(struct pair *pair)
{
    struct bootstrap_rounds rounds = {
        .a = pair->a_values,
        .b = pair->b_values,
        .metrics = pair->row_count,
        .rounds = pair->comparison->rounds,
    };
    struct bootstrap_options options = {
        .confidence = pair->comparison->confidence,
        .same_within = pair->comparison->same_within,
        .seed = 1,
    };

    return pair->row_count == 0 ||
           bootstrap_compare(&rounds, &options, pair->estimates, pair->aside) == 0;
}

static json_t *describe_not_comparable(const char *metric)
{
    const struct member members[] = {
        {"metric", json_string(metric)},
        {"a", json_null()},
        {"b", json_null()},
        {"ratio", json_null()},
        {"low", json_null()},
        {"high", json_null()},
        {"resolution", json_null()},
        {"rounds", count_of(0)},
        {"verdict", json_string(not_comparable)},
    };

    return object_of(members, COUNT(members));
}

static json_t *describe_metric(const struct pair *pair, size_t index)
{
    const char *metric = pair->comparison->metrics[index];
    size_t row = pair->rows[index];

    if (row == NO_ROW)
        return describe_not_comparable(metric);
    const struct bootstrap_estimate *estimate = &pair->estimates[row];
    const struct member members[] = {
        {"metric", json_string(metric)},
        {"a", json_real(estimate->a)},
        {"b", json_real(estimate->b)},
        {"ratio", json_real(estimate->ratio)},
        {"low", json_real(estimate->low)},
        {"high", json_real(estimate->high)},
        {"resolution", json_real(estimate->resolution)},
        {"rounds", count_of(estimate->rounds)},
        {"verdict", json_string(verdicts[estimate->verdict])},
    };
    return object_of(members, COUNT(members));
}

static bool has_difference(const struct pair *pair)
{
    for (size_t i = 0; i < pair->row_count; i++)
        if (pair->estimates[i].verdict == BOOTSTRAP_A_HIGHER ||
            pair->estimates[i].verdict == BOOTSTRAP_B_HIGHER)
            return true;
    return false;
}

static json_t *rounds_aside(const struct pair *pair)
{
    json_t *rounds = json_array();

    for (size_t i = 0; i < pair->comparison->rounds; i++)
        if (pair->aside[i])
            json_array_append_new(rounds, count_of(i + 1));
    return rounds;
}

static json_t *describe_metrics(const struct pair *pair)
{
    json_t *metrics = json_array();

    for (size_t i = 0; i < pair->comparison->metric_count; i++)
        json_array_append_new(metrics, describe_metric(pair, i));
    return metrics;
}

static json_t *describe_pair(const struct pair *pair)
{
    const char *verdict = has_difference(pair) ? "difference" : verdicts[BOOTSTRAP_NONE];
    const struct member members[] = {
        {"a", json_string(pair->a->name)},   {"b", json_string(pair->b->name)},
        {"verdict", json_string(verdict)},   {"rounds_aside", rounds_aside(pair)},
        {"metrics", describe_metrics(pair)},
    };

    return object_of(members, COUNT(members));
}

static json_t *compare_pair(const struct comparison *comparison, size_t a, size_t b)
{
    struct pair pair = {
        .comparison = comparison,
        .a = &comparison->sides[a],
        .b = &comparison->sides[b],
    };
    json_t *json = NULL;

    if (pair_open(&pair)) {
        fill_rows(&pair);
        if (pair_estimate(&pair))
            json = describe_pair(&pair);
    }
    pair_close(&pair);
    return json;
}

/* Each with each, the earlier one as a. */
static json_t *compare_pairs(const struct comparison *comparison)
{
    json_t *pairs = json_array();

    if (comparison->rounds < BOOTSTRAP_ROUNDS_MIN)
        return pairs;
    for (size_t a = 0; a < comparison->side_count; a++)
        for (size_t b = a + 1; b < comparison->side_count; b++)
            if (json_array_append_new(pairs, compare_pair(comparison, a, b)) < 0) {
                json_decref(pairs);
                return NULL;
            }
    return pairs;
}

/* --- the sides -------------------------------------------------------------------------------- */

/* How often the instrument said what. */
static json_t *count_verdicts(const struct comparison_side *side, size_t rounds)
{
    json_t *counts = json_object();

    for (size_t i = 0; i < rounds; i++) {
        const json_t *instrument = json_object_get(side->runs[i], "instrument");
        const char *verdict = text_at(instrument, "verdict");
        if (verdict == NULL)
            continue;
        json_int_t count = json_integer_value(json_object_get(counts, verdict));
        json_object_set_new(counts, verdict, json_integer(count + 1));
    }
    return counts;
}

static json_int_t sum_of(const struct comparison_side *side, size_t rounds, const char *key)
{
    json_int_t sum = 0;

    for (size_t i = 0; i < rounds; i++)
        sum += json_integer_value(json_object_get(side->runs[i], key));
    return sum;
}

static json_t *strings(const char *const *texts)
{
    json_t *array = json_array();

    for (size_t i = 0; texts[i] != NULL; i++)
        json_array_append_new(array, json_string(texts[i]));
    return array;
}

static json_t *describe_side(const struct comparison_side *side, size_t rounds)
{
    const struct member members[] = {
        {"name", json_string(side->name)},
        {"program", side->program != NULL ? json_string(side->program) : json_null()},
        {"options", strings(side->options)},
        {"verdicts", count_verdicts(side, rounds)},
        {"requests", json_integer(sum_of(side, rounds, "requests"))},
        {"error_count", json_integer(sum_of(side, rounds, "error_count"))},
    };

    return object_of(members, COUNT(members));
}

static json_t *describe_sides(const struct comparison *comparison)
{
    json_t *sides = json_array();

    for (size_t i = 0; i < comparison->side_count; i++)
        json_array_append_new(sides, describe_side(&comparison->sides[i], comparison->rounds));
    return sides;
}

static json_t *describe_run(const struct comparison_side *side, size_t round)
{
    const struct member members[] = {
        {"side", json_string(side->name)},
        {"round", count_of(round + 1)},
        {"run", json_incref(side->runs[round])},
    };

    return object_of(members, COUNT(members));
}

static json_t *describe_runs(const struct comparison *comparison)
{
    json_t *runs = json_array();

    for (size_t round = 0; round < comparison->rounds; round++)
        for (size_t i = 0; i < comparison->side_count; i++)
            json_array_append_new(runs, describe_run(&comparison->sides[i], round));
    return runs;
}

/* What the first run says; null where there is none. */
static json_t *first_run_has(const struct comparison *comparison, const char *key)
{
    json_t *value =
        comparison->rounds > 0 ? json_object_get(comparison->sides[0].runs[0], key) : NULL;

    return value != NULL ? json_incref(value) : json_null();
}

json_t *comparison_json(const struct comparison *comparison)
{
    const struct member members[] = {
        {"schema", json_string("haul-bench/1")},
        {"kind", json_string("compare")},
        {"url", first_run_has(comparison, "url")},
        {"server", comparison->server != NULL ? json_string(comparison->server) : json_null()},
        {"options", strings(comparison->common)},
        {"sides", describe_sides(comparison)},
        {"rounds", count_of(comparison->rounds)},
        {"rounds_asked", count_of(comparison->rounds_asked)},
        {"confidence", json_real(comparison->confidence)},
        {"same_within", json_real(comparison->same_within)},
        {"interrupted", json_boolean(comparison->is_interrupted)},
        {"pairs", compare_pairs(comparison)},
        {"environment", first_run_has(comparison, "environment")},
        {"runs", describe_runs(comparison)},
    };

    return object_of(members, COUNT(members));
}

bool comparison_has_difference(const json_t *json)
{
    const json_t *pairs = json_object_get(json, "pairs");

    for (size_t i = 0; i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        if (strcmp(text_at(pair, "verdict"), "difference") == 0)
            return true;
    }
    return false;
}
