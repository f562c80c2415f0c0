#ifndef BENCH_COMPARE_COMPARISON_H
#define BENCH_COMPARE_COMPARISON_H

/* What a comparison has seen, and what follows from it: as JSON (SCHEMA.md), and from that JSON as
 * text for people. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct comparison_side {
    const char *name;
    const char *program;        /* NULL: the program that compares */
    const char *const *options; /* its own, beside the common ones; ended by NULL */
    json_t *const *runs;        /* one a round, SCHEMA.md's */
};

struct comparison {
    const struct comparison_side *sides;
    size_t side_count;
    size_t rounds; /* complete ones, the warm-up left out */
    size_t rounds_asked;
    const char *server;        /* "embedded"; NULL: one that the user named */
    const char *const *common; /* options of all sides; ended by NULL */
    const char *const *metrics;
    size_t metric_count; /* at most BOOTSTRAP_METRICS_MAX */
    double confidence;   /* as in bootstrap.h */
    double same_within;
    bool is_interrupted;
};

/* A new reference; NULL: out of memory. With fewer rounds than BOOTSTRAP_ROUNDS_MIN it has no
 * pairs. */
json_t *comparison_json(const struct comparison *comparison);

/* Was a difference found, in any pair? */
bool comparison_has_difference(const json_t *json);

/* At most 60 columns where the names of sides and metrics are short, no colour. What cannot be
 * written is for ferror(out) to tell. */
void comparison_text(FILE *out, const json_t *json);

#endif
