#ifndef ENGINE_REQUEST_ATTEMPT_H
#define ENGINE_REQUEST_ATTEMPT_H

/* What comes after an attempt at a request that did not bring its reply: is it done, or to be tried
 * again? Pure policy: it looks at the request and at the outcome, and changes nothing but what the
 * request remembers of its attempts. */

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
    ATTEMPT_GO_ON,  /* now, and as if it were the first: nothing of it had been sent */
    ATTEMPT_WAIT,   /* the same, when there is room */
    ATTEMPT_RESEND, /* now, on a fresh connection */
};

enum verdict attempt_after(struct fetch *fetch, const struct outcome *outcome);

#endif
