/* Owns the rules of retries. The hard idea is harm: a request that may have been acted upon is not
 * sent again unasked; many clients that fail at once must not come back at once (full jitter); and
 * a server in trouble must not get more requests for it (the budget). */

#include "engine/request/retry.h"
#include "proto/http/retry_after.h"

#include <errno.h>

enum { BUDGET_LEAST = 10, BACKOFF_DOUBLINGS = 6 };

#define SECOND_NS UINT64_C(1000000000)
#define BACKOFF_MOST_NS (60 * SECOND_NS)
#define PATIENCE_S INT64_C(600) /* for a Retry-After, where nothing else ends the tries */

/* --- what is tried again ---------------------------------------------------------------------- */

static bool is_passing_status(int status, bool has_retry_after)
{
    switch (status) {
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    case 413:
    case 425:
        return has_retry_after;
    default:
        return false;
    }
}

/* A name that does not exist, or an interface, will not next time. */
static bool is_passing_failure(const struct retry_cause *cause)
{
    switch (cause->failure.error) {
    case HAUL_RESOLVE:
        return cause->failure.os_error != ENOENT && cause->failure.os_error != ENODEV &&
               cause->failure.os_error != EINVAL;
    case HAUL_CONNECT:
        return cause->failure.os_error != EAFNOSUPPORT;
    case HAUL_SEND:
    case HAUL_RECEIVE:
    case HAUL_TRUNCATED:
    case HAUL_DEADLINE:
        return true;
    case HAUL_TLS:
        return cause->is_lost;
    case HAUL_OK:
    case HAUL_URL:
    case HAUL_PROTOCOL:
    case HAUL_LIMIT:
    case HAUL_STATUS:
    case HAUL_CANCELLED:
    case HAUL_NOT_STARTED:
    case HAUL_RESOURCE:
    case HAUL_REDIRECT:
    case HAUL_ENCODING:
    case HAUL_DENIED:
    case HAUL_AUTH:
    case HAUL_READ:
    case HAUL_REWIND:
        break;
    }
    return false;
}

static bool is_unsent(const struct retry_cause *cause)
{
    return cause->status == 0 && cause->stage < HAUL_STAGE_SEND;
}

static bool may_repeat(const struct fetch *fetch, const struct haul_retry *retry,
                       const struct retry_cause *cause)
{
    bool is_stuck = retry->parts_stay && fetch->is_partial && !fetch->can_resume;
    return !is_stuck && (fetch->is_idempotent || retry->all_methods || is_unsent(cause));
}

static bool is_in_budget(const struct haul_retry *retry, const struct retry_view *view)
{
    uint64_t most =
        view->begun / 100 * retry->budget_percent + view->begun % 100 * retry->budget_percent / 100;
    return !retry->has_budget || view->retried < (most < BUDGET_LEAST ? BUDGET_LEAST : most);
}

/* --- when ------------------------------------------------------------------------------------- */

/* One that waits for room counts as not started, and its try goes on. */
uint64_t retry_end_ns(const struct fetch *fetch, const struct haul_retry *retry)
{
    uint64_t from_ns = fetch->started_ns ? fetch->started_ns : fetch->attempt_ns;
    uint64_t most_ms = (UINT64_MAX - from_ns) / 1000000;
    if (retry->max_time_ms <= 0 || (uint64_t)retry->max_time_ms > most_ms)
        return UINT64_MAX;
    return from_ns + (uint64_t)retry->max_time_ms * 1000000;
}

static uint64_t delay_ns(const struct fetch *fetch, const struct haul_retry *retry, uint64_t random)
{
    if (retry->delay_ms > 0)
        return retry->delay_ms > INT64_MAX / 1000000 ? (uint64_t)INT64_MAX
                                                     : (uint64_t)retry->delay_ms * 1000000;
    bool is_most = fetch_view(fetch)->retries >= BACKOFF_DOUBLINGS;
    return random % (is_most ? BACKOFF_MOST_NS : SECOND_NS << fetch_view(fetch)->retries);
}

static uint64_t left_ns(uint64_t end_ns, const struct retry_view *view)
{
    return end_ns > view->now_ns ? end_ns - view->now_ns : 0;
}

/* False: it would be too late. Where the run ends in the midst of a wait of ours, it ends that; but
 * what a server says it will not answer before is not waited for in vain. */
static bool settle_time(struct fetch *fetch, const struct haul_retry *retry,
                        const struct retry_view *view, bool has_retry_after, int64_t after_s)
{
    uint64_t wait_ns = delay_ns(fetch, retry, view->random);
    uint64_t after_ns = has_retry_after ? (uint64_t)after_s * SECOND_NS : 0;
    uint64_t tries_ns = left_ns(retry_end_ns(fetch, retry), view);
    uint64_t run_ns = left_ns(view->end_ns, view);
    bool has_end = retry->max_time_ms > 0 || view->end_ns != UINT64_MAX;
    if (has_retry_after &&
        (after_ns >= tries_ns || after_ns >= run_ns || (!has_end && after_s > PATIENCE_S))) {
        fetch_extra(fetch)->retry_after_s = (uint64_t)after_s;
        return false;
    }
    wait_ns = after_ns > wait_ns ? after_ns : wait_ns;
    if (wait_ns >= tries_ns)
        return false;
    fetch_extra(fetch)->again_ns = view->now_ns + wait_ns;
    return true;
}

/* --- the whole -------------------------------------------------------------------------------- */

static void remember(struct fetch *fetch, const struct fetch_terms *terms,
                     const struct retry_cause *cause)
{
    struct fetch_extra *extra = fetch_extra(fetch);
    struct haul_try *try = NULL;
    if (terms->options->retry->keep_tries && !fetch->is_tries_cut)
        try = trail_add(&extra->trail, terms->store, terms->trail_reserve, sizeof *try);
    fetch->is_tries_cut |= !try;
    if (!try)
        return;
    *try = (struct haul_try){.status = cause->status, .error = cause->failure.error};
    if (!extra->last_try)
        extra->tries = try;
    else
        extra->last_try->next = try;
    extra->last_try = try;
}

enum retry_answer retry_take(struct fetch *fetch, const struct fetch_terms *terms,
                             const struct retry_cause *cause, const struct retry_view *view)
{
    const struct haul_retry *retry = terms->options->retry;
    int64_t after_s = 0;
    if (fetch_view(fetch)->retries >= retry->max)
        return RETRY_NONE;
    bool is_reply = cause->head.length > 0;
    bool has_retry_after = is_reply && retry_after_find(cause->head, view->now_s, &after_s);
    bool is_passing =
        is_reply ? is_passing_status(cause->status, has_retry_after) : is_passing_failure(cause);
    if (!is_passing || !may_repeat(fetch, retry, cause) || !is_in_budget(retry, view) ||
        !settle_time(fetch, retry, view, has_retry_after, after_s))
        return RETRY_NONE;
    if (fetch->is_once && !is_unsent(cause)) {
        fetch_extra(fetch)->again_ns = 0;
        return RETRY_UNABLE;
    }
    fetch_extra(fetch)->retries++;
    remember(fetch, terms, cause);
    return RETRY_AGAIN;
}
