#ifndef BENCH_COMPARE_COMPARE_PLAN_H
#define BENCH_COMPARE_COMPARE_PLAN_H

/* What a comparison is to do, from its words. */

#include "bench/base/option.h"
#include "bench/load/load.h"
#include "bench/result/metric.h"
#include "bench/base/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLAN_SIDES_MAX = CLIENT_COUNT, PLAN_MESSAGE_BYTES = METRIC_NAMES_BYTES + 256 };

/* Words of their own memory, ended by NULL; words is NULL where there is none. */
struct word_list {
    char **words;
    size_t count;
};

struct plan_side {
    const char *name;
    const char *program;  /* NULL: this one */
    const char *text;     /* as the user wrote the options; NULL: nothing */
    struct words options; /* its own */
    struct word_list run; /* the words of a run; the embedded server's URL is to be added */
    bool is_embedded;     /* the user gave no URL */
    bool is_https;        /* of the embedded server */
    uint64_t reply_bytes; /* likewise; 0: its shortest */
    uint64_t limit_ns;    /* a run cannot sensibly take longer; 0: it can */
};

struct plan {
    struct plan_side sides[PLAN_SIDES_MAX];
    size_t side_count;
    const char *loops;       /* NULL: sides are a and b */
    struct word_list common; /* options of all sides */
    size_t rounds;           /* without the warm-up */
    bool has_users_length;   /* -z or -n */
    double confidence;
    double same_within;
    struct word_list metrics;
    const char *output_path;
    bool is_json;
    bool is_failing; /* --fail-on-difference */
    bool is_quiet;
    bool is_help; /* the only thing that is asked for */
    char message[PLAN_MESSAGE_BYTES];
};

/* argv[0] is not looked at; the words are borrowed. false: message says what is wrong. The words of
 * the runs are checked too. plan_free() follows in every case. */
bool plan_parse(struct plan *ret_plan, int argc, char **argv);
void plan_free(struct plan *plan);

/* Adds a copy of the word; false: no memory, and message says so. */
bool plan_add_word(struct plan *plan, struct word_list *list, const char *word);

extern const struct option_list compare_options;

#endif
