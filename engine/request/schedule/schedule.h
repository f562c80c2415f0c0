#ifndef ENGINE_REQUEST_SCHEDULE_SCHEDULE_H
#define ENGINE_REQUEST_SCHEDULE_SCHEDULE_H

/* What begins next: the requests that wait, by host, and what a host may have at once and in time.
 * It is told what happens, and has no clock of its own. */

#include "engine/memory/deadline.h"
#include "engine/request/fetch.h"
#include "engine/request/schedule/hosts.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

/* A host's turn: while a connection of its own is idle it goes before those that hold as few, so
 * that their dialing does not close it each time; for so many requests behind the first, and so
 * long. Then it stands behind them. A handshake for 33 requests costs little, and who waits for a
 * place at least knows how long for. */
#define SCHEDULE_STAY_MOST 32
#define SCHEDULE_STAY_NS UINT64_C(1000000000)

/* A host that has not answered what was asked, but led elsewhere or is to be tried again, stands so
 * long behind those that hold as few: else those of many would keep waiting whom a reply is had of.
 * Who waits for it knows again how long for. */
#define SCHEDULE_YIELD_NS UINT64_C(1000000000)

/* 0: there is no such limit. */
struct schedule_limits {
    uint64_t spacing_ns;      /* from one beginning to the next, evenly; */
    uint64_t host_spacing_ns; /* of one host; */
    uint64_t host_delay_ns;   /* of one host, at least */
    uint32_t host_conns;      /* connections, those that are idle or being closed included */
    bool has_gates;           /* hosts stand behind them by a limit of the caller's */
    bool is_adaptive;         /* schedule_slow() and schedule_praise() count */
};

/* Of a request, by its slot, while it is queued or active. */
struct schedule_turn {
    uint32_t host;
    bool is_paid; /* it has been counted as a beginning, and came to nothing before it was sent */
};

/* Hosts that hold the same number of places. */
struct schedule_level {
    uint32_t first;
    uint32_t last;
};

/* Hosts behind a gate, counted from 1; 0: none. */
struct schedule_gate {
    uint32_t first;
    uint32_t last;
};

/* Memory of the caller's, zero-filled. */
struct schedule_memory {
    struct schedule_gate *gates;   /* by number, as many as the caller names */
    struct schedule_turn *turns;   /* one a request */
    struct host *hosts;            /* of host_count */
    uint32_t *buckets;             /* of hosts_bucket_count(host_count) */
    uint32_t *heap;                /* of host_count */
    struct schedule_level *levels; /* of level_count */
    uint64_t *filled;              /* of schedule_words(level_count) */
    uint32_t *conn_hosts;          /* one a connection slot */
    uint32_t host_count;  /* at least one more than there are requests and connections together */
    uint32_t level_count; /* one more than there are places */
};

struct schedule {
    struct fetch *fetches; /* by slot */
    struct schedule_memory memory;
    struct schedule_limits limits;
    struct hosts hosts;
    bool has_rates;   /* begins are counted in time */
    bool is_limited;  /* in any way */
    uint64_t next_ns; /* the next may begin, by the rate of all */
    uint64_t now_ns;  /* as it was told last */
    uint32_t count;   /* requests that wait */
    uint32_t held;    /* places */
    uint32_t queued_hosts;
    uint32_t ready; /* hosts that are */
    uint32_t sole;  /* the one that is, while it is in no list; NO_HOST */
    uint32_t paid;  /* the first of those whose first request has its token; NO_HOST */
    uint32_t timed; /* hosts in the heap */
    struct schedule_level yielding; /* in the order in which they do so no more; NO_HOST */
};

static inline uint32_t schedule_words(uint32_t levels)
{
    return (levels + 63) / 64 + (levels + 4095) / 4096;
}

/* fetches and memory must outlive the schedule; seed: of no secret, but not to be foreseen. */
void schedule_init(struct schedule *schedule, struct fetch *fetches,
                   const struct schedule_memory *memory, const struct schedule_limits *limits,
                   uint64_t seed);

/* The request waits behind all others of its host, or, where it had begun before, in front of
 * them; is_paid: nothing of it was sent then, and its beginning is not counted again. */
void schedule_append(struct schedule *schedule, uint32_t fetch);
void schedule_prepend(struct schedule *schedule, uint32_t fetch, bool is_paid);

/* It waits no more; at the same cost wherever it stands. Its state is the caller's to set. */
void schedule_remove(struct schedule *schedule, uint32_t fetch);

/* The request that begins next: the first of the host that holds the fewest places, of those that
 * have nothing to wait for. NO_FETCH: none may begin now. */
static inline uint32_t schedule_next(struct schedule *schedule, uint64_t now_ns);

/* May this one, which waits, begin now, wherever it stands? */
bool schedule_may_begin(struct schedule *schedule, uint32_t fetch, uint64_t now_ns);

/* It begins, and waits no more: from now on it holds a place. is_kept: its host has another
 * connection that is idle. */
void schedule_begin(struct schedule *schedule, uint32_t fetch, bool is_kept, uint64_t now_ns);

/* It holds its place no more. is_kept: its connection is idle now. */
static inline void schedule_end(struct schedule *schedule, uint32_t fetch, bool is_kept,
                                uint64_t now_ns);

/* The host of the request, which is active or was last, has not answered it. */
void schedule_yield(struct schedule *schedule, uint32_t fetch, uint64_t now_ns);

/* Is the URL of a request that is active, which may be that of its next hop, of its host? */
bool schedule_stays(struct schedule *schedule, uint32_t fetch);

/* Does the host of the request, which waits, wait for one of its own to end or to be idle? */
bool schedule_waits_for_own(const struct schedule *schedule, uint32_t fetch);

/* When it may begin one, by its times alone. */
uint64_t schedule_host_due_ns(const struct schedule *schedule, uint32_t fetch);

/* Are both of one host? Each is queued or active. */
bool schedule_is_beside(const struct schedule *schedule, uint32_t fetch, uint32_t other);

/* When schedule_next() may have another answer by time alone; DEADLINE_NEVER: never. */
uint64_t schedule_due_ns(struct schedule *schedule, uint64_t now_ns);

/* --- what hosts say of themselves, where limits.is_adaptive ----------------------------------- */

/* The host of the request, which is active, has too many: it has half of what it holds from now
 * on, once for all that were begun before, and none until a time. */
void schedule_slow(struct schedule *schedule, uint32_t fetch, uint64_t begun_ns, uint64_t until_ns,
                   uint64_t now_ns);

/* It has replied as it should: after as many of these as it may have, it may have one more. */
void schedule_praise(struct schedule *schedule, uint32_t fetch);

/* --- connections, counted where limits.host_conns is set -------------------------------------- */

/* Has the host of the request as many as it may have? */
bool schedule_is_full(const struct schedule *schedule, uint32_t fetch);

/* Then it begins nothing until one of them ends, or is idle. */
void schedule_fill(struct schedule *schedule, uint32_t fetch);

/* The slot is one of the request's host from now on, until schedule_disconnect(). */
void schedule_connect(struct schedule *schedule, uint32_t fetch, uint32_t slot);
static inline void schedule_disconnect(struct schedule *schedule, uint32_t slot);

/* It has become idle. */
static inline void schedule_idle(struct schedule *schedule, uint32_t slot);

/* Is the slot one of the request's host? */
bool schedule_is_of(const struct schedule *schedule, uint32_t fetch, uint32_t slot);

/* --- gates: what several hosts wait for, by a number of the caller's -------------------------- */

/* The host of the request, which waits, begins nothing until the gate is opened for it: after all
 * that wait behind it, or before them. */
void schedule_stand_behind(struct schedule *schedule, uint32_t fetch, uint32_t gate, bool is_first);

/* For so many of those that wait behind it, the first that came. */
void schedule_open(struct schedule *schedule, uint32_t gate, uint32_t count);

/* The gate of the request's host; NO_GATE: it is behind none. */
uint32_t schedule_gate(const struct schedule *schedule, uint32_t fetch);

/* Opens it for this one's host alone, whichever came before. */
void schedule_let_through(struct schedule *schedule, uint32_t fetch);

static inline bool schedule_has_behind(const struct schedule *schedule, uint32_t gate)
{
    return schedule->memory.gates[gate].first != 0;
}

/* --- what is done at each request, and is mostly little --------------------------------------- */

uint32_t schedule_next_any(struct schedule *schedule, uint64_t now_ns);

/* It has ended: another number of places is held. */
void schedule_end_any(struct schedule *schedule, uint32_t host, bool is_kept, uint64_t now_ns);

/* A host holds another number of places than it did. */
void schedule_settle(struct schedule *schedule, uint32_t host, uint32_t held);

/* The slot is idle, or has ended. */
void schedule_relax(struct schedule *schedule, uint32_t slot, uint32_t ended);

/* Only this host is ready, and it stays so. */
static inline bool schedule_is_alone(const struct schedule *schedule, uint32_t host)
{
    return schedule->sole == host && !schedule->is_limited &&
           schedule->memory.hosts[host].first != NO_FETCH;
}

static inline uint32_t schedule_next(struct schedule *schedule, uint64_t now_ns)
{
    if (schedule->sole != NO_HOST && !schedule->is_limited && schedule->yielding.first == NO_HOST)
        return schedule->memory.hosts[schedule->sole].first;
    return schedule_next_any(schedule, now_ns);
}

static inline void schedule_end(struct schedule *schedule, uint32_t fetch, bool is_kept,
                                uint64_t now_ns)
{
    uint32_t at = schedule->memory.turns[fetch].host;
    struct host *host = &schedule->memory.hosts[at];
    assert(host->held > 0 && schedule->held > 0);
    host->held--;
    schedule->held--;
    if (!schedule_is_alone(schedule, at))
        schedule_end_any(schedule, at, is_kept, now_ns);
}

static inline void schedule_disconnect(struct schedule *schedule, uint32_t slot)
{
    if (schedule->limits.host_conns > 0)
        schedule_relax(schedule, slot, 1);
}

static inline void schedule_idle(struct schedule *schedule, uint32_t slot)
{
    if (schedule->limits.host_conns > 0)
        schedule_relax(schedule, slot, 0);
}

#endif
