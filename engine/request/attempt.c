/* Owns the rule of what may be sent again. A connection that was used before and dies unanswered
 * says nothing about the request: the server may have closed it while it was idle (RFC 9110, 9.2.2;
 * RFC 9112, 9.3.1). So the request is sent once more, where that does no harm, and where the
 * connection is fresh, so that there is no third time. */

#include "engine/request/attempt.h"
#include "engine/request/redirect.h"

static bool may_resend(const struct fetch *fetch)
{
    return fetch->result.reused_connection && fetch->is_idempotent && !fetch->is_resent;
}

static enum verdict try_again(struct fetch *fetch, const struct fetch_terms *terms,
                              const struct outcome *outcome, const struct retry_view *view)
{
    struct retry_cause cause = {
        .failure = outcome->failure,
        .stage = outcome->stage,
        .is_lost = outcome->is_lost,
        .status = fetch->result.status,
    };
    return retry_take(fetch, terms, &cause, view) ? ATTEMPT_AGAIN : ATTEMPT_DONE;
}

enum verdict attempt_after(struct fetch *fetch, const struct fetch_terms *terms,
                           const struct outcome *outcome, const struct retry_view *view)
{
    switch (outcome->kind) {
    case OUTCOME_NO_ROOM:
        return ATTEMPT_WAIT;
    case OUTCOME_REFUSED:
        return ATTEMPT_GO_ON;
    case OUTCOME_UNANSWERED:
        if (!may_resend(fetch))
            break;
        fetch->is_resent = true;
        return ATTEMPT_RESEND;
    case OUTCOME_FAILED:
        break;
    }
    return try_again(fetch, terms, outcome, view);
}

enum verdict attempt_at_head(struct fetch *fetch, const struct fetch_terms *terms, unsigned status,
                             struct span head, const struct retry_view *view,
                             struct failure *ret_failure)
{
    struct retry_cause cause = {.status = (int)status, .head = head};
    switch (redirect_take(fetch, terms, status, head, ret_failure)) {
    case REDIRECT_FOLLOWS:
        fetch->is_passing = true;
        return ATTEMPT_ELSEWHERE;
    case REDIRECT_REFUSED:
        return ATTEMPT_REFUSED;
    case REDIRECT_MET:
        return ATTEMPT_MET;
    case REDIRECT_NONE:
        break;
    }
    fetch->is_passing = retry_take(fetch, terms, &cause, view);
    return fetch->is_passing ? ATTEMPT_AGAIN : ATTEMPT_DONE;
}
