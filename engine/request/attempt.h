#ifndef ENGINE_REQUEST_ATTEMPT_H
#define ENGINE_REQUEST_ATTEMPT_H

/* What comes after an attempt at a request: is it done, to be tried again, or elsewhere? Pure
 * policy: it looks at the request and at what came of the attempt, and changes nothing but the
 * request. */

#include "engine/request/fetch.h"

#include <stdbool.h>

enum outcome_kind {
    OUTCOME_FAILED,     /* for failure */
    OUTCOME_NO_ROOM,    /* there was no descriptor, port or memory, and there may be again */
    OUTCOME_REFUSED,    /* by one of the origin's addresses, which has another */
    OUTCOME_UNANSWERED, /* the request was sent, and no byte came that belongs to a reply */
};

struct outcome {
    enum outcome_kind kind;
    struct failure failure; /* to be the result's, where it is done */
};

enum verdict {
    ATTEMPT_DONE,
    ATTEMPT_GO_ON,     /* now, and as if it were the first: nothing of it had been sent */
    ATTEMPT_WAIT,      /* the same, when there is room */
    ATTEMPT_RESEND,    /* now, on a fresh connection */
    ATTEMPT_ELSEWHERE, /* when the reply has passed: at the URL that the request now has */
    ATTEMPT_REFUSED,   /* it is done, for failure, since the reply leads where it may not go; */
    ATTEMPT_MET,       /* or with a reply that leads elsewhere, which is not followed */
};

enum verdict attempt_after(struct fetch *fetch, const struct outcome *outcome);

/* At a final head of a status from 300 on: DONE (the reply is the result), ELSEWHERE, REFUSED or
 * MET. */
enum verdict attempt_at_head(struct fetch *fetch, const struct fetch_terms *terms, unsigned status,
                             struct span head, struct failure *ret_failure);

#endif
