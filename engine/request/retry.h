#ifndef ENGINE_REQUEST_RETRY_H
#define ENGINE_REQUEST_RETRY_H

/* Whether a request is tried again, and when. */

#include "engine/request/fetch.h"

/* What a try came to. */
struct retry_cause {
    int status; /* 0: there is no reply */
    struct failure failure;
    enum haul_stage stage; /* of the failure */
    bool is_lost;          /* a handshake was cut off */
    struct span head;      /* of the reply */
};

/* What else counts. */
struct retry_view {
    uint64_t now_ns;
    int64_t now_s;   /* since 1970 */
    uint64_t end_ns; /* of the run; UINT64_MAX: it has none */
    uint64_t random; /* of all values alike */
    uint64_t begun;  /* requests, */
    uint64_t retried;
};

enum retry_answer {
    RETRY_NONE,
    RETRY_AGAIN,  /* the fetch's again_ns says when, and the try is on its trail */
    RETRY_UNABLE, /* it would be, but for its body, which cannot be read again */
};

enum retry_answer retry_take(struct fetch *fetch, const struct fetch_terms *terms,
                             const struct retry_cause *cause, const struct retry_view *view);

/* When all tries have to be over; UINT64_MAX: never. */
uint64_t retry_end_ns(const struct fetch *fetch, const struct haul_retry *retry);

#endif
