#ifndef BENCH_RUN_OPTIONS_H
#define BENCH_RUN_OPTIONS_H

/* The words of a run: `haul bench [options] [URL]`. */

#include "bench/base/option.h"
#include "bench/load/load.h"
#include "bench/result/result.h"
#include "bench/result/threshold.h"
#include "bench/run/targets.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum options_verdict { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_BAD };

enum { OPTIONS_MESSAGE_BYTES = 560 };

struct options {
    enum options_verdict verdict;              /* as far as the words have been read */
    struct load_options load;                  /* what it points to is below */
    struct load_stage stages[LOAD_STAGES_MAX]; /* load's */
    struct targets targets;                    /* of the command line and of -i */
    char **inputs;                             /* the files of -i; NULL-terminated */
    char **headers;                            /* NULL-terminated */
    char *body;
    enum result_format format;
    const char *output_path;   /* NULL: standard output */
    const char *hdr_path;      /* NULL: no HdrHistogram log */
    const char *timeline_path; /* NULL: no CSV of the intervals */
    struct threshold *thresholds;
    size_t threshold_count;
    struct threshold *find_max; /* all of them must hold; errors<1%, where none is about errors */
    size_t find_max_count;      /* 0: no search */
    struct threshold *abort_on; /* a run in an interval of which one of them holds is ended */
    size_t abort_on_count;
    bool is_aborting_unmet; /* and one in which a threshold is not met */
    bool is_calibrating;
    bool is_quiet;
    bool is_embedded;     /* no URL was given */
    bool is_https;        /* and the embedded server speaks TLS */
    uint64_t reply_bytes; /* of the embedded server's replies; 0: its shortest */
};

/* argv[0] is not looked at. The words are borrowed. BAD: ret_message, of OPTIONS_MESSAGE_BYTES,
 * names the word and the cause. Always to be followed by options_free(). */
enum options_verdict options_parse(struct options *ret_options, int argc, char **argv,
                                   char *ret_message);
void options_free(struct options *options);

/* Which options there are. */
extern const struct option_list run_options;

#endif
