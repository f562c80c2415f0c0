/* Owns the rule of deadlines, one row a stage: the time to connect counts from the beginning of
 * each hop and ends with the handshake, and the whole, redirects included, never ends later than
 * allowed. */

#include "engine/request/due.h"
#include "engine/memory/deadline.h"

#include <assert.h>
#include <errno.h>

static const char no_room[] = "no descriptor, local port or memory within the time allowed";
static const char no_answer[] = "the name had no answer within the connect timeout";
static const char no_connection[] = "no connection within the connect timeout";
static const char no_reply[] = "no complete reply within the time allowed";

static const struct rule {
    bool is_connecting;
    struct failure failure;
} rules[] = {
    [HAUL_STAGE_QUEUE] = {false, {HAUL_DEADLINE, no_room, ETIMEDOUT}},
    [HAUL_STAGE_RESOLVE] = {true, {HAUL_DEADLINE, no_answer, ETIMEDOUT}},
    [HAUL_STAGE_CONNECT] = {true, {HAUL_DEADLINE, no_connection, ETIMEDOUT}},
    [HAUL_STAGE_TLS] = {true, {HAUL_DEADLINE, no_connection, ETIMEDOUT}},
    [HAUL_STAGE_SEND] = {false, {HAUL_DEADLINE, no_reply, ETIMEDOUT}},
    [HAUL_STAGE_HEAD] = {false, {HAUL_DEADLINE, no_reply, ETIMEDOUT}},
    [HAUL_STAGE_BODY] = {false, {HAUL_DEADLINE, no_reply, ETIMEDOUT}},
};

static const struct rule *rule_of(enum haul_stage stage)
{
    assert(stage < sizeof rules / sizeof *rules && rules[stage].failure.message);
    return &rules[stage];
}

static uint64_t end_ns(uint64_t start_ns, int64_t allowed_ms)
{
    if (allowed_ms < 0 || (uint64_t)allowed_ms > (DEADLINE_NEVER - start_ns) / 1000000)
        return DEADLINE_NEVER;
    return start_ns + (uint64_t)allowed_ms * 1000000;
}

uint64_t due_ns(enum haul_stage stage, const struct due_starts *starts, int64_t connect_ms,
                int64_t max_ms)
{
    uint64_t time_ns = end_ns(starts->attempt_ns, max_ms);
    if (!rule_of(stage)->is_connecting)
        return time_ns;
    uint64_t connect_ns = end_ns(starts->hop_ns, connect_ms);
    return connect_ns < time_ns ? connect_ns : time_ns;
}

const struct failure *due_failure(enum haul_stage stage)
{
    return &rule_of(stage)->failure;
}

/* --- a stage's own time ----------------------------------------------------------------------- */

static uint64_t own_end_ns(uint64_t start_ns, int64_t allowed_ms)
{
    return start_ns == 0 || allowed_ms == 0 ? DEADLINE_NEVER : end_ns(start_ns, allowed_ms);
}

/* A hop begins with looking for its addresses. */
uint64_t due_own_ns(enum haul_stage stage, const struct due_starts *starts,
                    const struct haul_times *times)
{
    switch (stage) {
    case HAUL_STAGE_QUEUE:
        return own_end_ns(starts->queued_ns, times->queue_ms);
    case HAUL_STAGE_RESOLVE:
        return own_end_ns(starts->hop_ns, times->resolve_ms);
    case HAUL_STAGE_TLS:
        return own_end_ns(starts->connected_ns, times->tls_ms);
    case HAUL_STAGE_HEAD:
        return own_end_ns(starts->sent_ns, times->first_byte_ms);
    case HAUL_STAGE_CONNECT:
    case HAUL_STAGE_SEND:
    case HAUL_STAGE_BODY:
    case HAUL_STAGE_DONE:
        break;
    }
    return DEADLINE_NEVER;
}

const struct failure *due_own_failure(enum haul_stage stage)
{
    static const struct failure queued = {
        HAUL_DEADLINE, "it waited to begin for longer than the queue timeout", ETIMEDOUT};
    static const struct failure unresolved = {
        HAUL_DEADLINE, "the name had no answer within the resolve timeout", ETIMEDOUT};
    static const struct failure unsecured = {
        HAUL_DEADLINE, "the handshake was not done within the TLS timeout", ETIMEDOUT};
    static const struct failure unanswered = {
        HAUL_DEADLINE, "no byte of a reply within the first-byte timeout", ETIMEDOUT};
    if (stage == HAUL_STAGE_QUEUE)
        return &queued;
    if (stage == HAUL_STAGE_RESOLVE)
        return &unresolved;
    return stage == HAUL_STAGE_TLS ? &unsecured : &unanswered;
}
