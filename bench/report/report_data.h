#ifndef BENCH_REPORT_REPORT_DATA_H
#define BENCH_REPORT_REPORT_DATA_H

/* What a report is about: runs read from files, checked, and put in order. Every run stands in a
 * cell, every cell has a value on every axis. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers of a run that a report shows: the enum's name, the name in bench/result/metric.h,
 * title, unit, and what to multiply by to have that unit. */
#define REPORT_METRICS(X)                                                                          \
    X(CPU, "cpu", "CPU per request", "µs", 1)                                                      \
    X(RATE, "rate", "Rate", "requests/s", 1)                                                       \
    X(P99, "p99", "p99 latency", "ms", 1e-3)                                                       \
    X(SYSTEM_CALLS, "system_calls", "System calls per request", "", 1)                             \
    X(COMPLETIONS, "completions", "Completions per request", "", 1)                                \
    X(USER_CPU, "user_cpu", "of it user", "µs", 1)                                                 \
    X(SYSTEM_CPU, "system_cpu", "of it system", "µs", 1)                                           \
    X(REQUESTS, "requests", "Requests", "", 1)                                                     \
    X(ERRORS, "errors", "Errors", "", 1)                                                           \
    X(UNSENT, "unsent", "Due, never begun", "", 1)                                                 \
    X(RATE_HELD, "rate_held", "Rate held", "%", 100)                                               \
    X(MIN, "min", "min", "ms", 1e-3)                                                               \
    X(P50, "p50", "p50", "ms", 1e-3)                                                               \
    X(P75, "p75", "p75", "ms", 1e-3)                                                               \
    X(P90, "p90", "p90", "ms", 1e-3)                                                               \
    X(P95, "p95", "p95", "ms", 1e-3)                                                               \
    X(P99_9, "p99.9", "p99.9", "ms", 1e-3)                                                         \
    X(P99_99, "p99.99", "p99.99", "ms", 1e-3)                                                      \
    X(MAX, "max", "max", "ms", 1e-3)                                                               \
    X(MEAN, "mean", "mean", "ms", 1e-3)                                                            \
    X(DEVIATION, "stddev", "deviation", "ms", 1e-3)                                                \
    X(QUEUE_P50, "queue.p50", "queue p50", "ms", 1e-3)                                             \
    X(QUEUE_P99, "queue.p99", "queue p99", "ms", 1e-3)                                             \
    X(CONNECT_P50, "connect.p50", "connect p50", "ms", 1e-3)                                       \
    X(CONNECT_P99, "connect.p99", "connect p99", "ms", 1e-3)                                       \
    X(TLS_P50, "tls.p50", "tls p50", "ms", 1e-3)                                                   \
    X(TLS_P99, "tls.p99", "tls p99", "ms", 1e-3)                                                   \
    X(FIRST_BYTE_P50, "first_byte.p50", "first byte p50", "ms", 1e-3)                              \
    X(FIRST_BYTE_P99, "first_byte.p99", "first byte p99", "ms", 1e-3)                              \
    X(BODY_P50, "body.p50", "body p50", "ms", 1e-3)                                                \
    X(BODY_P99, "body.p99", "body p99", "ms", 1e-3)

enum report_metric {
#define REPORT_METRIC_ENUM(name, key, title, unit, factor) REPORT_##name,
    REPORT_METRICS(REPORT_METRIC_ENUM)
#undef REPORT_METRIC_ENUM
        REPORT_METRIC_COUNT,
    REPORT_COMPARED_COUNT = REPORT_P99 + 1, /* the first three are compared, and drawn */
};

struct report_metric_names {
    const char *key;
    const char *title;
    const char *unit; /* "": none */
    double factor;
};

extern const struct report_metric_names report_metrics[REPORT_METRIC_COUNT];

enum { REPORT_AXES_MAX = 16, REPORT_VALUES_MAX = 256, REPORT_FAULT_BYTES = 512 };

struct report_axis {
    const char *name;
    const char *values[REPORT_VALUES_MAX];
    double numbers[REPORT_VALUES_MAX];
    size_t count;
    bool is_numeric; /* every value is a number, which may end in k, m or g */
};

/* Where a cell stands: an index into each axis' values. */
struct report_place {
    uint16_t at[REPORT_AXES_MAX];
};

/* One round of a cell. */
struct report_run {
    const json_t *cell; /* names and values, strings */
    const json_t *json; /* the run; NULL: it failed */
    const char *failed; /* the sentence why, or NULL */
    const char *side;   /* of a comparison; NULL: the run is of none */
    const char *file;
    size_t line;
    json_int_t round;
    struct report_place place;
    double values[REPORT_METRIC_COUNT]; /* as in the JSON; NAN: none */
};

/* Latencies at the quantiles of report_quantile(), of all rounds of a cell together. */
enum { REPORT_CURVE_POINTS = 49 };

struct report_cell {
    struct report_place place;
    const struct report_run *runs;
    size_t run_count;
    size_t good_count;  /* those that did not fail, which come first */
    size_t bound_count; /* of these: report_run_is_bound() */
    float *curve_us;    /* NULL: there are no histograms */
    size_t curve_count;
};

struct report {
    struct report_axis axes[REPORT_AXES_MAX];
    size_t axis_count;
    struct report_run *runs; /* in the order of the cells */
    size_t run_count;
    struct report_cell *cells; /* in the order of their places */
    size_t cell_count;
    const json_t **compares; /* objects of kind "compare" */
    size_t compare_count;
    size_t planned;    /* runs that the sweeps' first lines speak of */
    size_t swept;      /* runs that there are of them, failed ones too */
    size_t torn_count; /* last lines cut short, left out */
    bool is_sweep;
    json_t *kept;                   /* an array of all that others point into */
    char fault[REPORT_FAULT_BYTES]; /* why a call has returned false */
};

/* Takes everything in a file: a sweep, a run, a comparison, or any number of them, one a line. The
 * report refers to path's bytes from then on. false: fault says why, with the line. */
bool report_read(struct report *report, const char *path);

/* After the last file: axes, cells, curves. false: fault says why. */
bool report_arrange(struct report *report);

void report_free(struct report *report);

/* From 0 to 0.999999: evenly spaced in the logarithm of 1 / (1 - q), eight a decade. */
double report_quantile(size_t point);

/* NULL: there is no such cell, or none of its runs is good. */
const struct report_cell *report_cell_at(const struct report *report,
                                         const struct report_place *place);

/* The axis' index, or -1. */
int report_axis_find(const struct report *report, const char *name);

/* One of the words of the instrument's verdict; "ok" where there is none. */
const char *report_run_verdict(const struct report_run *run);

/* Did haul bench, or its machine, stand between the server and the figures? Not where all requests
 * failed, or a rate was not held by the server. */
bool report_run_is_bound(const struct report_run *run);

/* Was any request of its runs answered? */
bool report_cell_has_replies(const struct report_cell *cell);

/* --- for those who fill it --- */

/* The sentence into fault; returns false. */
__attribute__((format(printf, 2, 3))) bool report_fail(struct report *report, const char *format,
                                                       ...);

/* Takes a value that others will point into. NULL: no memory. */
json_t *report_keep(struct report *report, json_t *made);

/* The names of an object become axes, and where a name's value is an array, what is in it the
 * axis' values, in that order. false: fault says why, with the line. */
bool report_add_axes(struct report *report, const json_t *axes, const char *file, size_t line);

#endif
