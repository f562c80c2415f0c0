#ifndef TOOLS_TALLY_H
#define TOOLS_TALLY_H

/* What became of the whole run: counts, the exit code, the line at its end. */

#include "engine/haul.h"
#include "tools/exits.h"

#define TALLY_PLUS_ONE(name, text) +1
enum {
    TALLY_ERRORS = HAUL_ERRORS(TALLY_PLUS_ONE),
    TALLY_ANOMALIES = HAUL_ANOMALIES(TALLY_PLUS_ONE),
};

enum { TALLY_CLASSES = 6 }; /* 600 to 999 are as 5xx (RFC 9110, 15) */

struct tally {
    bool has_bodies; /* set before the first: bodies are kept */
    uint64_t results;
    uint64_t body_bytes;
    uint64_t errors[TALLY_ERRORS];       /* by enum haul_error, HAUL_OK included */
    uint64_t classes[TALLY_CLASSES];     /* what succeeded, by the first digit of its status */
    uint64_t coded;                      /* among it: bodies kept as they were coded (gzip …) */
    uint64_t late;                       /* replies whose Retry-After is too far ahead, */
    uint64_t late_s;                     /* and the longest of those */
    uint64_t anomalies[TALLY_ANOMALIES]; /* replies with each, by the number of its bit */
    uint64_t first_index;                /* of the first failure in the order of the arguments */
    enum haul_error first_error;         /* HAUL_OK: there was none */
    int first_exit_code;
};

/* Counts a request's last result. */
void tally_take(struct tally *tally, const struct haul_result *result);

/* Is it a failure for want of trusted roots, which is that of every https URL? */
bool tally_lacks_roots(const struct haul_result *result);

/* What was never begun is none. */
uint64_t tally_failures(const struct tally *tally);

/* Of the first failure in the order of the arguments; that a request was cancelled or not started
 * counts only where nothing else failed. */
int tally_exit_code(const struct tally *tally);

/* "10,000 requests: 9,990 2xx, 8 5xx, 2 failed (connect 2); 6.1 MB in 0.52 s, 19,230/s", and where
 * there were any "; odd replies: colon_space 3, name_space 1". */
void tally_summary(const struct tally *tally, uint64_t elapsed_ns, char *ret_text, size_t size);

#endif
