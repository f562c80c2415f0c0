#ifndef BENCH_RESULT_THRESHOLD_H
#define BENCH_RESULT_THRESHOLD_H

/* Thresholds: 'p99<20ms', 'errors<0.1%', 'rate>=10k', 'cpu<=5us', 'first_byte.p99<2ms'.
 *
 * METRIC OPERATOR NUMBER[UNIT], spaces allowed between them. Operators: < <= > >= == !=. Units: a
 * time must have ns, us, ms, s or m; a rate may end in /s; rates and counts may have k or M; a
 * share may have %; errors with % are their share of the requests. */

#include "bench/result/metric.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum threshold_operator {
    THRESHOLD_BELOW,
    THRESHOLD_AT_MOST,
    THRESHOLD_ABOVE,
    THRESHOLD_AT_LEAST,
    THRESHOLD_EQUAL,
    THRESHOLD_UNEQUAL,
};

enum { THRESHOLD_TEXT_BYTES = 96, THRESHOLD_SENTENCE_BYTES = 256 };

struct threshold {
    char text[THRESHOLD_TEXT_BYTES]; /* as written */
    char metric[METRIC_NAME_BYTES];
    enum threshold_operator operator;
    double limit; /* in the metric's unit */
};

/* False: ret_message, of THRESHOLD_SENTENCE_BYTES, says what is wrong and at which character. */
bool threshold_parse(struct threshold *ret_threshold, const char *text, char *ret_message);

/* Is it met by this run? ret_sentence, of THRESHOLD_SENTENCE_BYTES, says what was seen. A metric
 * that the run has no number for is not met, nor is one of which it has a lower bound only, if that
 * does not show it. */
bool threshold_check(const struct threshold *threshold, const json_t *run, char *ret_sentence);

#endif
