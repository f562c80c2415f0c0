#ifndef BENCH_RESULT_INSTRUMENT_H
#define BENCH_RESULT_INSTRUMENT_H

/* Was it me? What stood in the way of a run that was not the server: found in its result, said in
 * words. */

#include "bench/load/load.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the lightest to the gravest; a run has the gravest of those that hold. */
enum instrument_verdict {
    INSTRUMENT_OK,
    INSTRUMENT_LIMITED,       /* something ran short, or the run was interrupted */
    INSTRUMENT_ALL_FAILED,    /* no request had a good reply: there is nothing to be told */
    INSTRUMENT_RATE_NOT_HELD, /* open loop: more or fewer requests were begun than asked for */
    INSTRUMENT_CLIENT_BOUND,  /* haul bench itself was at its end */
};

enum { INSTRUMENT_SENTENCES = 16, INSTRUMENT_SENTENCE_BYTES = 320 };

struct instrument {
    enum instrument_verdict verdict;
    bool was_bottleneck;   /* the figures are about haul bench and its machine, not the server */
    double rate_held;      /* begun in time, of those asked for; negative in a closed loop */
    double busiest;        /* the busiest client thread, of one processor */
    size_t sentence_count; /* never 0; the gravest come first */
    char sentences[INSTRUMENT_SENTENCES][INSTRUMENT_SENTENCE_BYTES];
    char hidden[INSTRUMENT_SENTENCE_BYTES]; /* what a closed loop hides; "" in an open loop */
};

/* "ok", "limited", "all_failed", "rate_not_held", "client_bound". */
const char *instrument_verdict_name(enum instrument_verdict verdict);

/* processors: how many the client's threads had to share; 0: not known, and then only each thread
 * is judged for itself. */
void instrument_judge(struct instrument *ret_instrument, const struct load_result *result,
                      uint32_t processors);

/* The program's exit status as far as the instrument decides it: 98, 97, 96 or 0. */
int instrument_exit_status(const struct instrument *instrument);

#endif
