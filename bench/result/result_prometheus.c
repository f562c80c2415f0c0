/* A run in Prometheus' text exposition format 0.0.4, from its JSON. A family is a row: its name,
 * its type, its help and where its value stands. One without a value is left out as a whole. */

#include "bench/result/result.h"
#include "bench/base/json_at.h"

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

static const struct single {
    const char *name;
    const char *type;
    const char *help;
    const char *group; /* NULL: at the top */
    const char *key;
    double factor; /* to the base unit */
} singles[] = {
    {"requests_total", "counter", "Requests begun in the window and finished.", NULL, "requests",
     1},
    {"replies_total", "counter", "Requests that were answered.", NULL, "replies", 1},
    {"unsent_total", "counter", "Requests due in the window and never begun.", NULL, "unsent", 1},
    {"errors_total", "counter", "Failures, and replies with a status from 400 on.", NULL,
     "error_count", 1},
    {"requests_per_second", "gauge", "Requests finished within the window, a second.", NULL,
     "rate_per_s", 1},
    {"rate_held_ratio", "gauge", "Requests begun in time, of those asked for.", NULL, "rate_held",
     1},
    {"window_seconds", "gauge", "Length of the window.", NULL, "window_s", 1},
    {"received_bytes_total", "counter", "Bytes received.", NULL, "bytes_received", 1},
    {"sent_bytes_total", "counter", "Bytes sent.", NULL, "bytes_sent", 1},
    {"body_bytes_total", "counter", "Bytes of bodies received.", NULL, "body_bytes", 1},
    {"connections_opened_total", "counter", "Connections opened.", NULL, "connections_opened", 1},
    {"cpu_seconds_per_request", "gauge", "The client's processor time a request.", "cpu",
     "us_per_request", 1e-6},
    {"busiest_thread_ratio", "gauge", "The busiest client thread, of one processor.", "cpu",
     "busiest_thread", 1},
    {"system_calls_per_request", "gauge", "The client's system calls a request.", NULL,
     "system_calls_per_request", 1},
    {"completions_per_request", "gauge", "Completions a request.", NULL, "completions_per_request",
     1},
    {"queue_overflows_total", "counter", "Completion queue overflows.", "instrument",
     "queue_overflows", 1},
    {"buffers_empty_total", "counter", "Times no receive buffer was left.", "instrument",
     "buffers_empty", 1},
    {"ports_exhausted_total", "counter", "Times no local port was left.", "instrument",
     "ports_exhausted", 1},
};

static void put_single(FILE *out, const json_t *run, const struct single *single)
{
    const json_t *group = single->group != NULL ? json_object_get(run, single->group) : run;
    const json_t *value = json_object_get(group, single->key);
    if (!json_is_number(value))
        return;
    put_head(out, single->name, single->type, single->help);
    put_sample(out, run, single->name, "", NULL, 0, json_number_value(value) * single->factor);
}

/* --- values by name --------------------------------------------------------------------------- */

static void put_counts(FILE *out, const json_t *run, const char *name, const char *help,
                       const char *label, json_t *counts)
{
    const char *key;
    json_t *value;
    if (json_object_size(counts) == 0)
        return;
    put_head(out, name, "counter", help);
    json_object_foreach(counts, key, value)
    {
        put_sample(out, run, name, "", &(struct label){label, key}, 1, json_number_value(value));
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

static const struct {
    const char *key;
    const char *quantile;
} quantiles[] = {
    {"min", "0"},    {"p50", "0.5"},     {"p75", "0.75"},      {"p90", "0.9"}, {"p95", "0.95"},
    {"p99", "0.99"}, {"p99_9", "0.999"}, {"p99_99", "0.9999"}, {"max", "1"},
};

static void put_summary(FILE *out, const json_t *run, const char *name, struct label label,
                        const json_t *latency)
{
    double count = number_at(latency, "count");
    double mean_us = number_at(latency, "mean");
    for (size_t i = 0; i < ROWS(quantiles); i++) {
        const json_t *value = json_object_get(latency, quantiles[i].key);
        const struct label labels[] = {label, {"quantile", quantiles[i].quantile}};
        if (json_is_number(value))
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

static void put_summaries(FILE *out, const json_t *run, const char *name, const char *help,
                          const char *label, json_t *group)
{
    const char *key;
    json_t *latency;
    if (!has_latency(group))
        return;
    put_head(out, name, "summary", help);
    json_object_foreach(group, key, latency)
    {
        if (json_is_object(latency))
            put_summary(out, run, name, (struct label){label, key}, latency);
    }
}

static void put_deviation(FILE *out, const json_t *run, json_t *clocks)
{
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

void result_prometheus(FILE *out, const json_t *run)
{
    json_t *clocks = json_object_get(run, "latency_us");
    if (text_at(run, "url") == NULL)
        return;
    put_info(out, run);
    for (size_t i = 0; i < ROWS(singles); i++)
        put_single(out, run, &singles[i]);
    put_counts(out, run, "failures_total", "Failures by the stage of the trip.", "stage",
               json_object_get(run, "errors"));
    put_counts(out, run, "statuses_total", "Replies by status.", "status",
               json_object_get(run, "statuses"));
    put_summaries(out, run, "latency_seconds",
                  "Latency; intended: from when a request was due, actual: from when it was begun.",
                  "clock", clocks);
    put_deviation(out, run, clocks);
    put_summaries(out, run, "phase_seconds", "Where the latency went.", "phase",
                  json_object_get(run, "phases_us"));
    put_verdict(out, run);
}
