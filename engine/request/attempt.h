#ifndef ENGINE_REQUEST_ATTEMPT_H
#define ENGINE_REQUEST_ATTEMPT_H

/* What comes after an attempt at a request: is it done, to be tried again, or elsewhere? Pure
 * policy: it looks at the request and at what came of the attempt, and changes nothing but the
 * request. */

#include "engine/request/fetch.h"
#include "engine/request/retry.h"
#include "proto/http/response.h"

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
    enum haul_stage stage;
    bool is_lost; /* FAILED: a handshake was cut off */
};

enum verdict {
    ATTEMPT_DONE,
    ATTEMPT_GO_ON,     /* now, and as if it were the first: nothing of it had been sent */
    ATTEMPT_WAIT,      /* the same, when there is room */
    ATTEMPT_RESEND,    /* now, on a fresh connection */
    ATTEMPT_ELSEWHERE, /* when the reply has passed: at the URL that the request now has */
    ATTEMPT_AGAIN,     /* at the request's again_ns; after a head, when the reply has passed */
    ATTEMPT_REFUSED,   /* it is done, for failure, since the reply leads where it may not go; */
    ATTEMPT_MET,       /* or with a reply that leads elsewhere, which is not followed */
    ATTEMPT_GOES_ON,   /* the reply brings the rest of the body */
    ATTEMPT_ANEW,      /* when the reply has passed: now, for all of the body */
    ATTEMPT_ANSWER,    /* when the reply has passed: now, with an answer to its challenge */
    ATTEMPT_BROKEN,    /* it is done, for failure, by which its body broke off before */
};

/* view is asked for where there are retries at all. DONE for a failure that is the outcome's, or
 * that it could only be sent again. */
enum verdict attempt_after(struct fetch *fetch, const struct fetch_terms *terms,
                           struct outcome *outcome, const struct retry_view *view);

/* At a 417 that came before the body was sent: ANEW, without an Expect, or REFUSED. */
enum verdict attempt_at_417(struct fetch *fetch, struct failure *ret_failure);

/* At a final head of a status from 300 on, or, where terms->resumes, of any: DONE (the reply is the
 * result), ANSWER, ELSEWHERE, AGAIN, REFUSED, MET, GOES_ON, ANEW or BROKEN. */
enum verdict attempt_at_head(struct fetch *fetch, struct fetch_terms *terms,
                             const struct response *response, struct span head,
                             const struct retry_view *view, struct failure *ret_failure);

#endif
