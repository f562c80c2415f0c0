#ifndef BENCH_RESULT_MEMBERS_H
#define BENCH_RESULT_MEMBERS_H

/* What a run's JSON has, a row a member: where it stands, what it is, where it comes from, how two
 * of it are added, how it is asked for by name and scraped. JSON, merging, metrics, Prometheus and
 * the text's tables are made from these rows; SCHEMA.md is checked against them. */

#include "bench/base/unit.h"
#include "bench/load/load.h"
#include "bench/result/instrument.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum member_type {
    MEMBER_GROUP, /* of members that have rows; or null */
    MEMBER_TEXT,
    MEMBER_COUNT,  /* an integer */
    MEMBER_NUMBER, /* a real */
    MEMBER_SWITCH,
    MEMBER_COUNTS,  /* an object of integers, by names that are not known here */
    MEMBER_LATENCY, /* an object of latency_statistics */
    MEMBER_LIST,
    MEMBER_OBJECT, /* of what has no rows; or null */
};

/* How two become one; pool.h says it in words. */
enum member_merge {
    MERGE_ALIKE, /* objects member by member; what is not the same becomes null */
    MERGE_EQUAL, /* whole, or null */
    MERGE_SAME,  /* what is not the same is refused */
    MERGE_SAME_URL,
    MERGE_SAME_OR_SUM, /* sum: of runs at the same time */
    MERGE_SUM,
    MERGE_TIME_SPENT,
    MERGE_RATE,
    MERGE_BY_REQUESTS, /* the mean, weighted by requests */
    MERGE_GREATEST,
    MERGE_EARLIEST,
    MERGE_EITHER,
    MERGE_GRAVEST, /* of verdicts */
    MERGE_JOINED,  /* "a | b" */
    MERGE_COUNTS,
    MERGE_SENTENCES,
    MERGE_LISTS,
    MERGE_LATENCY,
    MERGE_COUNT, /* how many there are */
};

/* Whether `histograms` has the whole of a latency, under the last word of its path; those of all
 * runs come first there. */
enum member_histogram {
    HISTOGRAM_NONE,
    HISTOGRAM_ALWAYS,
    HISTOGRAM_OPEN,  /* what is null but in an open loop */
    HISTOGRAM_LATER, /* runs of before it was there lack it */
};

struct threshold;

/* What is known of a run beside its figures. All of it is borrowed. */
struct result_context {
    const char *server; /* "embedded"; NULL: one that the user named */
    const struct instrument *instrument;
    json_t *environment; /* environment_json(); NULL: null */
    json_t *calibration; /* CALIBRATION; NULL: none. Its "sentence" is printed for people */
    const struct threshold *thresholds;
    size_t threshold_count;
    bool has_histograms; /* put them in */
    const char *aborted; /* the sentence why the run was ended early; NULL: it was not */
};

/* Where a value is taken from. */
struct member_source {
    const struct load_result *result;
    const struct load_options *options; /* its options, with every default filled in */
    const struct result_context *context;
};

struct member {
    const char *path; /* "cpu.user_s"; ends with a dot: of all that begin so and have no row */
    enum member_type type;
    enum member_merge merge;
    enum metric_unit unit;
    enum metric_sense sense;
    const char *metric; /* its name; of a latency what stands before ".p99". NULL: none */
    const char *title;  /* for people */

    /* One of these, or neither: then somebody else puts it there. */
    size_t offset; /* in struct load_result: of an integer, of seconds, of a histogram */
    size_t size;   /* of what is there; 0: nothing */
    json_t *(*make)(const struct member_source *source);

    enum member_histogram histogram;
    const char *family; /* of Prometheus, without "haul_bench_"; "…_total" counts. NULL: none */
    const char *help;
    const char *label; /* of a family with a sample for each that the member has */
};

extern const struct member run_members[];
extern const size_t run_member_count;

/* The row of that path, or the one that stands for it; NULL: none. */
const struct member *member_find(const char *path);

/* Where it stands: the object that has it and its name there. NULL: that object is not there. */
json_t *member_parent(const json_t *run, const struct member *member);
const char *member_key(const struct member *member);

/* The member itself; NULL: not there. */
json_t *member_of(const json_t *run, const struct member *member);

/* A value for the row, a new reference. NULL: there is no memory. */
json_t *member_make(const struct member *member, const struct member_source *source);
bool member_is_made(const struct member *member);

/* The latency that has the histogram of that index, from 0; NULL: no further one. */
const struct member *member_with_histogram(size_t index);

/* What a latency consists of, in its order. */
struct latency_statistic {
    const char *key;
    const char *name;                                     /* of a metric; NULL: none */
    double quantile;                                      /* 0: it is none */
    const char *label;                                    /* "quantile" of Prometheus; NULL: none */
    double (*take_ns)(const struct histogram *histogram); /* NULL: a quantile, or the count */
};

extern const struct latency_statistic latency_statistics[];
extern const size_t latency_statistic_count;

/* The same in the order in which people read them: index from 0. */
const struct latency_statistic *latency_statistic_shown(size_t index);

/* A figure that is the quotient of two others. */
struct member_quotient {
    const char *metric;
    const char *part; /* paths */
    const char *whole;
    enum metric_unit unit;
    enum metric_sense sense;
    const char *title;
};

/* "errors" counts; this names the metric that is its share of the requests. */
#define METRIC_ERROR_SHARE "error_share"

extern const struct member_quotient member_quotients[];
extern const size_t member_quotient_count;

#endif
