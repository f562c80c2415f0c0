/* The search: a closed loop says what the server can do at all. From there the rate goes down, in
 * steps that grow, until the threshold holds; then the gap between what held and what did not is
 * halved, on a logarithmic scale, until it is narrow. A rate holds where the threshold is met and
 * the rate itself was kept: a server that falls behind its schedule has lost, whatever its
 * percentiles say. */

#include "bench/run/find_max.h"
#include "bench/base/json_at.h"

#include <math.h>

static const double narrow = 1.02; /* the gap that ends the search */
static const double lowest = 1;    /* a second */
static const double held_least = 0.995;

struct search {
    const struct threshold *threshold;
    find_max_trial *trial;
    void *context;
    json_t *trials;
    json_t *best;
    double best_rate;  /* 0: none held */
    double worst_rate; /* the lowest that did not hold; 0: all did */
    unsigned count;
};

static bool rate_was_held(const json_t *run)
{
    const json_t *held = json_object_get(run, "rate_held");
    return json_is_number(held) && json_number_value(held) >= held_least;
}

/* One rate more; false: it could not be tried. */
static bool search_try(struct search *search, double rate)
{
    char sentence[THRESHOLD_SENTENCE_BYTES];
    json_t *run = search->trial(search->context, rate);
    if (!run)
        return false;
    search->count++;
    bool is_met = threshold_check(search->threshold, run, sentence);
    const char *text = sentence;
    if (is_met && !rate_was_held(run)) {
        is_met = false;
        text = "the rate was not held";
    }
    json_array_append_new(search->trials, json_pack("{s:f, s:b, s:s}", "rate", rate, "is_met",
                                                    is_met, "sentence", text));
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
static bool capacity(const struct search *search, double *ret_rate)
{
    json_t *run = search->trial(search->context, 0);
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
    for (; search->best_rate == 0 && rate >= lowest; step *= step) {
        if (!search_try(search, rate))
            return false;
        rate = rate > lowest ? fmax(rate / step, lowest) : 0;
    }
    while (search->best_rate > 0 && search->worst_rate > search->best_rate * narrow &&
           search->count < FIND_MAX_TRIALS)
        if (!search_try(search, sqrt(search->best_rate * search->worst_rate)))
            return false;
    return true;
}

json_t *find_max(const struct threshold *threshold, find_max_trial *trial, void *context)
{
    struct search search = {
        .threshold = threshold, .trial = trial, .context = context, .trials = json_array()};
    json_t *run = NULL;
    if (search.trials && search_run(&search)) {
        run = search.best ? json_incref(search.best) : json_object();
        json_object_set_new(run, "find_max",
                            json_pack("{s:s, s:o, s:b, s:O}", "expression", threshold->text, "rate",
                                      search.best ? json_real(search.best_rate) : json_null(),
                                      "is_bounded", search.worst_rate > 0, "trials",
                                      search.trials));
    }
    json_decref(search.best);
    json_decref(search.trials);
    return run;
}
