/* Owns the rule of what may be sent again. A connection that was used before and dies unanswered
 * says nothing about the request: the server may have closed it while it was idle (RFC 9110, 9.2.2;
 * RFC 9112, 9.3.1). So the request is sent once more, where that does no harm, and where the
 * connection is fresh, so that there is no third time. */

#include "engine/request/attempt.h"
#include "engine/request/redirect.h"
#include "engine/request/resume.h"

/* What of it would be sent again cannot be read again. */
static const struct failure unable_to_resend = {
    HAUL_REWIND, "the kept connection died, and the body cannot be read again", 0};
static const struct failure unable_to_answer = {
    HAUL_REWIND, "the challenge wants it sent again, and the body cannot be read again", 0};
static const struct failure unable_to_retry = {
    HAUL_REWIND, "it would be tried again, and the body cannot be read again", 0};

static bool may_resend(const struct fetch *fetch)
{
    return fetch->is_reused && fetch->is_idempotent && !fetch->is_resent;
}

static enum verdict try_again(struct fetch *fetch, const struct fetch_terms *terms,
                              struct outcome *outcome, const struct retry_view *view)
{
    struct retry_cause cause = {
        .failure = outcome->failure,
        .stage = outcome->stage,
        .is_lost = outcome->is_lost,
        .status = fetch->status,
    };
    enum retry_answer answer = retry_take(fetch, terms, &cause, view);
    if (answer == RETRY_UNABLE)
        outcome->failure = unable_to_retry;
    if (answer != RETRY_AGAIN)
        return ATTEMPT_DONE;
    if (fetch->can_resume && outcome->stage == HAUL_STAGE_BODY)
        resume_blame(fetch, terms, outcome->failure);
    return ATTEMPT_AGAIN;
}

enum verdict attempt_after(struct fetch *fetch, const struct fetch_terms *terms,
                           struct outcome *outcome, const struct retry_view *view)
{
    switch (outcome->kind) {
    case OUTCOME_NO_ROOM:
        return ATTEMPT_WAIT;
    case OUTCOME_REFUSED:
        return ATTEMPT_GO_ON;
    case OUTCOME_UNANSWERED:
        if (!may_resend(fetch))
            break;
        if (fetch->is_once) {
            outcome->failure = unable_to_resend;
            return ATTEMPT_DONE;
        }
        fetch->is_resent = true;
        return ATTEMPT_RESEND;
    case OUTCOME_FAILED:
        break;
    }
    return try_again(fetch, terms, outcome, view);
}

static enum verdict again_at_head(struct fetch *fetch, const struct fetch_terms *terms, int status,
                                  struct span head, const struct retry_view *view,
                                  struct failure *ret_failure)
{
    struct retry_cause cause = {.status = status, .head = head};
    enum retry_answer answer = retry_take(fetch, terms, &cause, view);
    if (answer == RETRY_UNABLE) {
        *ret_failure = unable_to_retry;
        return ATTEMPT_REFUSED;
    }
    fetch->is_passing = answer == RETRY_AGAIN;
    return fetch->is_passing ? ATTEMPT_AGAIN : ATTEMPT_DONE;
}

enum verdict attempt_at_417(struct fetch *fetch, struct failure *ret_failure)
{
    static const struct failure unable = {
        HAUL_REWIND, "the server does not say 100, and the body goes with one request alone", 0};
    *ret_failure = unable;
    if (fetch->is_once)
        return ATTEMPT_REFUSED;
    fetch->without_expect = fetch->is_passing = fetch->asks_anew = true;
    return ATTEMPT_ANEW;
}

/* Of a reply that is none for the rest of a body, or to a request for all of it. */
static enum verdict judge(struct fetch *fetch, const struct fetch_terms *terms,
                          const struct response *response, struct span head,
                          const struct retry_view *view, struct failure *ret_failure)
{
    switch (redirect_take(fetch, terms, response->status, head, ret_failure)) {
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
    return again_at_head(fetch, terms, response->status, head, view, ret_failure);
}

/* The rest of a body was asked for. DONE: the reply is to be judged as any. */
static enum verdict take_rest(struct fetch *fetch, const struct fetch_terms *terms,
                              const struct response *response, struct span head,
                              const struct retry_view *view, struct failure *ret_failure)
{
    enum resume_answer answer = resume_take(fetch, terms, response, head);
    if (answer == RESUME_GOES_ON)
        return ATTEMPT_GOES_ON;
    if (terms->options->retry->parts_stay && fetch->is_partial) {
        if (answer == RESUME_ANEW &&
            again_at_head(fetch, terms, response->status, head, view, ret_failure) == ATTEMPT_AGAIN)
            return ATTEMPT_AGAIN;
        *ret_failure = resume_failure(fetch, terms);
        return ATTEMPT_BROKEN;
    }
    fetch->is_passing = fetch->asks_anew = answer == RESUME_ASK;
    return fetch->asks_anew ? ATTEMPT_ANEW : ATTEMPT_DONE;
}

/* --- challenges ------------------------------------------------------------------------------- */

enum { ROUNDS_MAX = 2 };

static struct digest_offer offer_of(struct span head)
{
    struct digest_offer offer = {0};
    struct span name;
    struct span value;
    for (size_t cursor = 0; response_field_next(head, &cursor, &name, &value);)
        if (span_equal_fold(name, SPAN("WWW-Authenticate")))
            digest_offer_add(&offer, value);
    return offer;
}

/* The answer that was sent was a wrong one. One to a nonce that was not this request's may be too
 * old without a word about it; else only a nonce that is said to be too old is worth another. */
static bool is_refused(const struct login *login, const struct session *session,
                       const struct digest_challenge *challenge)
{
    if (!login->is_answer)
        return false;
    if (challenge->is_stale)
        return login->has_answered_stale;
    bool is_same = span_equal(digest_nonce(challenge), digest_nonce(&session->challenge));
    return login->rounds > 0 || is_same;
}

static enum verdict refuse(struct failure failure, struct failure *ret_failure)
{
    *ret_failure = failure;
    return ATTEMPT_REFUSED;
}

/* DONE: the reply is to be judged as any. */
static enum verdict answer(struct fetch *fetch, const struct fetch_terms *terms, struct span head,
                           struct failure *ret_failure)
{
    struct login *login = fetch_view(fetch)->login;
    struct digest_offer offer = offer_of(head);
    struct session *session = sessions_of(terms->sessions, login);
    struct session_place place = fetch_place(fetch);
    if (!offer.has_digest || login->rounds == ROUNDS_MAX)
        return ATTEMPT_DONE;
    if (!offer.has_best && !login->is_answer)
        return refuse(failure_of(offer.bad), ret_failure);
    if (!offer.has_best || is_refused(login, session, &offer.best)) {
        session->is_refused = true;
        return ATTEMPT_DONE;
    }
    if (fetch->is_once)
        return refuse(unable_to_answer, ret_failure);
    login->has_answered_stale |= login->is_answer && offer.best.is_stale;
    login->rounds++;
    int error = sessions_answer(terms->sessions, login, &place, &offer.best);
    if (error)
        return refuse((struct failure){HAUL_RESOURCE, "nothing random is to be had", -error},
                      ret_failure);
    fetch->is_passing = fetch->answers = true;
    return ATTEMPT_ANSWER;
}

static bool may_answer(const struct fetch *fetch, const struct fetch_terms *terms, unsigned status)
{
    return status == 401 && terms->auth->is_digest && fetch_view(fetch)->login &&
           login_may_answer(fetch->extra->login);
}

/* --- the whole -------------------------------------------------------------------------------- */

enum verdict attempt_at_head(struct fetch *fetch, struct fetch_terms *terms,
                             const struct response *response, struct span head,
                             const struct retry_view *view, struct failure *ret_failure)
{
    enum verdict verdict = ATTEMPT_DONE;
    if (may_answer(fetch, terms, response->status))
        verdict = answer(fetch, terms, head, ret_failure);
    if (verdict == ATTEMPT_DONE && fetch->is_resumed)
        verdict = take_rest(fetch, terms, response, head, view, ret_failure);
    if (verdict != ATTEMPT_DONE)
        return verdict;
    verdict = judge(fetch, terms, response, head, view, ret_failure);
    if (verdict == ATTEMPT_AGAIN || verdict == ATTEMPT_ELSEWHERE)
        return verdict;
    if (fetch->is_resumed)
        fetch_begin_anew(fetch, terms);
    if (terms->resumes)
        resume_note(fetch, terms, response, head);
    return verdict;
}
