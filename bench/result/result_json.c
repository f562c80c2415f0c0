/* A run's result as JSON: the members of bench/result/members.c, one after the other, and what is
 * asserted of the whole of them. A value that cannot be made, for want of memory, is NULL, and one
 * NULL makes the whole NULL. */

#include "bench/result/bound.h"
#include "bench/result/result.h"

#include <stdint.h>

/* A group that is null has no members. */
static int add_member(json_t *run, const struct member *member, const struct member_source *source)
{
    json_t *parent = member_parent(run, member);
    if (!member_is_made(member) || json_is_null(parent))
        return 0;
    return json_object_set_new(parent, member_key(member), member_make(member, source));
}

/* --- thresholds, which are about the finished object ------------------------------------------ */

static json_t *verdict_on(const struct threshold *threshold, const json_t *run)
{
    char sentence[THRESHOLD_SENTENCE_BYTES];
    bool is_met = threshold_check(threshold, run, sentence);
    return json_pack("{ss sb ss}", "text", threshold->text, "is_met", (int)is_met, "sentence",
                     sentence);
}

static json_t *thresholds(const json_t *run, const struct result_context *context)
{
    json_t *array = json_array();
    int failed = 0;
    for (size_t i = 0; i < context->threshold_count; i++)
        failed |= json_array_append_new(array, verdict_on(&context->thresholds[i], run));
    if (!failed)
        return array;
    json_decref(array);
    return NULL;
}

bool result_is_met(const json_t *run)
{
    const json_t *array = json_object_get(run, "thresholds");
    size_t i;
    const json_t *threshold;
    json_array_foreach(array, i, threshold)
    {
        if (!json_is_true(json_object_get(threshold, "is_met")))
            return false;
    }
    return true;
}

json_t *result_json(const struct load_result *result, const struct result_context *context)
{
    const struct load_options filled = load_filled(result->options);
    const struct member_source source = {result, &filled, context};
    json_t *run = json_object();
    int failed = run == NULL;
    for (size_t i = 0; i < run_member_count; i++)
        failed |= add_member(run, &run_members[i], &source);
    failed |= !bound_put(run);
    failed |= json_object_set_new(run, "thresholds", thresholds(run, context));
    if (!failed)
        return run;
    json_decref(run);
    return NULL;
}

/* --- formats ---------------------------------------------------------------------------------- */

void result_line(FILE *out, const json_t *run)
{
    json_dumpf(run, out, RESULT_JSON_FLAGS);
    fputc('\n', out);
}

void result_put(FILE *out, const json_t *run, enum result_format format)
{
    static void (*const puts[])(FILE *, const json_t *) = {
#define RESULT_FORMAT_PUT(name, word, put) [FORMAT_##name] = put,
        RESULT_FORMATS(RESULT_FORMAT_PUT)
#undef RESULT_FORMAT_PUT
    };
    puts[format](out, run);
}
