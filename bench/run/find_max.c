/* The search: a closed loop says what the server can do at all. From there the rate goes down, in
 * steps that grow, until all conditions hold; then the gap between what held and what did not is
 * halved, on a logarithmic scale, until it is narrow. A rate holds where they are met and
 * the rate itself was kept: a server that falls behind its schedule has lost, whatever its
 * percentiles say. */

#include "bench/run/find_max.h"
#include "bench/base/json_at.h"

#include <math.h>
#include <string.h>

static const double narrow = 1.02; /* the gap that ends the search */
static const double lowest = 1;    /* a second */
static const double held_least = 0.995;

struct search {
    const struct threshold *conditions;
    size_t condition_count;
    find_max_trial *trial;
    void *context;
    json_t *trials;
    json_t *best;
    double best_rate;  /* 0: none held */
    double worst_rate; /* the lowest that did not hold; 0: all did */
    unsigned count;
    bool is_interrupted;
};

static bool rate_was_held(const json_t *run)
{
    const json_t *held = json_object_get(run, "rate_held");
    return json_is_number(held) && json_number_value(held) >= held_least;
}

/* Do all conditions hold? ret_sentence: of the first that does not, or of the first. */
static bool is_good(const struct search *search, const json_t *run, char *ret_sentence)
{
    char sentence[THRESHOLD_SENTENCE_BYTES];
    bool is_met = true;
    for (size_t i = 0; is_met && i < search->condition_count; i++) {
        is_met = threshold_check(&search->conditions[i], run, sentence);
        if (i == 0 || !is_met)
            strcpy(ret_sentence, sentence);
    }
    if (!is_met || rate_was_held(run))
        return is_met;
    strcpy(ret_sentence, "the rate was not held");
    return false;
}

static bool was_interrupted(const json_t *run)
{
    return json_is_true(json_object_get(run, "interrupted"));
}

/* One rate more; false: it could not be tried. */
static bool search_try(struct search *search, double rate)
{
    char sentence[THRESHOLD_SENTENCE_BYTES] = "the trial was interrupted";
    json_t *run = search->trial(search->context, rate);
    if (!run)
        return false;
    search->count++;
    search->is_interrupted = was_interrupted(run);
    bool is_met = !search->is_interrupted && is_good(search, run, sentence);
    json_array_append_new(search->trials, json_pack("{s:f, s:b, s:s}", "rate", rate, "is_met",
                                                    (int)is_met, "sentence", sentence));
    if (search->is_interrupted) {
        json_decref(run);
        return true;
    }
    if (is_met && rate > search->best_rate) {
        json_decref(search->best);
        search->best = json_incref(run);
        search->best_rate = rate;
    } else if (!is_met && (search->worst_rate == 0 || rate < search->worst_rate)) {
        search->worst_rate = rate;
    }
    json_decref(run);
    return true;
}

/* What the server does in a closed loop: no open loop can hold more. */
static bool capacity(struct search *search, double *ret_rate)
{
    json_t *run = search->trial(search->context, 0);
    search->is_interrupted = was_interrupted(run);
    *ret_rate = number_at(run, "rate_per_s");
    json_decref(run);
    return run != NULL;
}

/* Steps of 2, 4, 16, 256 …: any rate is found within the trials. */
static bool search_run(struct search *search)
{
    double step = 2;
    double rate;
    if (!capacity(search, &rate))
        return false;
    for (; search->best_rate == 0 && rate >= lowest && !search->is_interrupted; step *= step) {
        if (!search_try(search, rate))
            return false;
        rate = rate > lowest ? fmax(rate / step, lowest) : 0;
    }
    while (search->best_rate > 0 && search->worst_rate > search->best_rate * narrow &&
           search->count < FIND_MAX_TRIALS && !search->is_interrupted)
        if (!search_try(search, sqrt(search->best_rate * search->worst_rate)))
            return false;
    return true;
}

/* "p99<50ms and errors<1%" */
static json_t *expression(const struct search *search)
{
    json_t *text = json_string("");
    for (size_t i = 0; i < search->condition_count; i++) {
        json_t *longer = json_sprintf("%s%s%s", json_string_value(text), i > 0 ? " and " : "",
                                      search->conditions[i].text);
        json_decref(text);
        text = longer;
    }
    return text;
}

json_t *find_max(const struct threshold *conditions, size_t count, find_max_trial *trial,
                 void *context)
{
    struct search search = {.conditions = conditions,
                            .condition_count = count,
                            .trial = trial,
                            .context = context,
                            .trials = json_array()};
    json_t *run = NULL;
    if (search.trials && search_run(&search)) {
        run = search.best ? json_incref(search.best) : json_object();
        json_object_set_new(run, "find_max",
                            json_pack("{s:o, s:o, s:b, s:b, s:O}", "expression",
                                      expression(&search), "rate",
                                      search.best ? json_real(search.best_rate) : json_null(),
                                      "is_bounded", (int)(search.worst_rate > 0), "interrupted",
                                      (int)search.is_interrupted, "trials", search.trials));
    }
    json_decref(search.best);
    json_decref(search.trials);
    return run;
}
