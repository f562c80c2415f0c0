/* A run in Prometheus' text exposition format 0.0.4, from its JSON. A family is a row of
 * bench/result/members.c that has one. One without a value is left out as a whole. */

#include "bench/result/result.h"
#include "bench/base/json_at.h"
#include "bench/result/members.h"

#include <string.h>

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

/* --- labels ----------------------------------------------------------------------------------- */

static void put_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '\n':
            fputs("\\n", out);
            break;
        case '\\':
        case '"':
            fputc('\\', out);
            fputc(*text, out);
            break;
        default:
            fputc(*text, out);
        }
}

static void put_label(FILE *out, const char *name, const char *value)
{
    fprintf(out, "%s=\"", name);
    put_escaped(out, value != NULL ? value : "");
    fputc('"', out);
}

/* A label beside those of every sample; name NULL: none. */
struct label {
    const char *name;
    const char *value;
};

static void put_sample(FILE *out, const json_t *run, const char *name, const char *suffix,
                       const struct label *labels, size_t label_count, double value)
{
    fprintf(out, "haul_bench_%s%s{", name, suffix);
    put_label(out, "loop", text_at(run, "loop"));
    fprintf(out, ",connections=\"%.0f\",", number_at(run, "connections"));
    put_label(out, "url", text_at(run, "url"));
    for (size_t i = 0; i < label_count; i++) {
        fputc(',', out);
        put_label(out, labels[i].name, labels[i].value);
    }
    fprintf(out, "} %.15g\n", value);
}

static void put_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP haul_bench_%s %s\n# TYPE haul_bench_%s %s\n", name, help, name, type);
}

/* --- single values ---------------------------------------------------------------------------- */

static void put_family(FILE *out, const struct member *member)
{
    size_t length = strlen(member->family), end = strlen("_total");
    bool is_counter = length > end && strcmp(member->family + length - end, "_total") == 0;
    put_head(out, member->family, is_counter ? "counter" : "gauge", member->help);
}

/* In seconds, where it is a time. */
static void put_single(FILE *out, const json_t *run, const struct member *member)
{
    const json_t *value = member_of(run, member);
    double factor = member->unit == METRIC_MICROSECONDS ? 1e-6 : 1;
    if (!json_is_number(value))
        return;
    put_family(out, member);
    put_sample(out, run, member->family, "", NULL, 0, json_number_value(value) * factor);
}

/* --- values by name --------------------------------------------------------------------------- */

static void put_counts(FILE *out, const json_t *run, const struct member *member)
{
    json_t *counts = member_of(run, member);
    const char *key;
    json_t *value;
    if (json_object_size(counts) == 0)
        return;
    put_family(out, member);
    json_object_foreach(counts, key, value)
    {
        put_sample(out, run, member->family, "", &(struct label){member->label, key}, 1,
                   json_number_value(value));
    }
}

/* One sample for each verdict there is, so that an alert may name one. */
static void put_verdict(FILE *out, const json_t *run)
{
    const char *verdict = text_at(json_object_get(run, "instrument"), "verdict");
    if (verdict == NULL)
        return;
    put_head(out, "verdict", "gauge", "1 for the verdict on the instrument.");
    for (int i = INSTRUMENT_OK; i <= INSTRUMENT_CLIENT_BOUND; i++) {
        const char *name = instrument_verdict_name((enum instrument_verdict)i);
        put_sample(out, run, "verdict", "", &(struct label){"verdict", name}, 1,
                   strcmp(name, verdict) == 0);
    }
}

static void put_info(FILE *out, const json_t *run)
{
    const json_t *environment = json_object_get(run, "environment");
    const struct label labels[] = {
        {"version", text_at(run, "haul")},          {"mode", text_at(run, "mode")},
        {"method", text_at(run, "method")},         {"http", text_at(run, "http")},
        {"kernel", text_at(environment, "kernel")}, {"cpu", text_at(environment, "cpu")},
    };
    put_head(out, "info", "gauge", "What was run where.");
    put_sample(out, run, "info", "", labels, ROWS(labels), 1);
}

/* --- latencies -------------------------------------------------------------------------------- */

static void put_summary(FILE *out, const json_t *run, const char *name, struct label label,
                        const json_t *latency)
{
    double count = number_at(latency, "count");
    double mean_us = number_at(latency, "mean");
    for (size_t i = 0; i < latency_statistic_count; i++) {
        const json_t *value = json_object_get(latency, latency_statistics[i].key);
        const struct label labels[] = {label, {"quantile", latency_statistics[i].label}};
        if (latency_statistics[i].label != NULL && json_is_number(value))
            put_sample(out, run, name, "", labels, 2, json_number_value(value) * 1e-6);
    }
    put_sample(out, run, name, "_sum", &label, 1, mean_us * count * 1e-6);
    put_sample(out, run, name, "_count", &label, 1, count);
}

static bool has_latency(json_t *group)
{
    const char *key;
    json_t *latency;
    json_object_foreach(group, key, latency)
    {
        if (json_is_object(latency))
            return true;
    }
    return false;
}

/* Of a group of latencies. */
static void put_summaries(FILE *out, const json_t *run, const struct member *member)
{
    json_t *group = member_of(run, member);
    const char *key;
    json_t *latency;
    if (!has_latency(group))
        return;
    put_head(out, member->family, "summary", member->help);
    json_object_foreach(group, key, latency)
    {
        if (json_is_object(latency))
            put_summary(out, run, member->family, (struct label){member->label, key}, latency);
    }
}

static void put_deviation(FILE *out, const json_t *run)
{
    json_t *clocks = json_object_get(run, "latency_us");
    const char *key;
    json_t *latency;
    if (!has_latency(clocks))
        return;
    put_head(out, "latency_stddev_seconds", "gauge", "Standard deviation of the latencies.");
    json_object_foreach(clocks, key, latency)
    {
        const json_t *value = json_object_get(latency, "stddev");
        if (json_is_number(value))
            put_sample(out, run, "latency_stddev_seconds", "", &(struct label){"clock", key}, 1,
                       json_number_value(value) * 1e-6);
    }
}

static size_t kind_of(const struct member *member)
{
    if (member->type == MEMBER_GROUP)
        return 2;
    return member->type == MEMBER_COUNTS ? 1 : 0;
}

/* Numbers, then what has many samples by name, then summaries. */
void result_prometheus(FILE *out, const json_t *run)
{
    static void (*const puts[])(FILE *, const json_t *,
                                const struct member *) = {put_single, put_counts, put_summaries};
    if (text_at(run, "url") == NULL)
        return;
    put_info(out, run);
    for (size_t kind = 0; kind < ROWS(puts); kind++)
        for (size_t i = 0; i < run_member_count; i++)
            if (run_members[i].family != NULL && kind_of(&run_members[i]) == kind)
                puts[kind](out, run, &run_members[i]);
    put_deviation(out, run);
    put_verdict(out, run);
}
