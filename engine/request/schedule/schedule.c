/* Owns the queues, one a host, and the order among hosts. The hard idea: the next place goes to the
 * host that holds the fewest, so that hosts that are slow or dead have their share and no more. The
 * hosts stand in lists by the places that they hold, a bit says which lists are not empty, and so
 * the next one is found in a step, however many wait. Where a single host is ready it stands in no
 * list, and costs none of that. */

#include "engine/request/schedule/schedule.h"
#include "engine/request/schedule/spacing.h"

#include <assert.h>
#include <string.h>

void schedule_init(struct schedule *schedule, struct fetch *fetches,
                   const struct schedule_memory *memory, const struct schedule_limits *limits,
                   uint64_t seed)
{
    bool has_rates = limits->spacing_ns || limits->host_spacing_ns || limits->host_delay_ns ||
                     limits->is_adaptive;
    *schedule = (struct schedule){
        .fetches = fetches,
        .memory = *memory,
        .limits = *limits,
        .has_rates = has_rates,
        .is_limited = has_rates || limits->host_conns || limits->has_gates,
        .sole = NO_HOST,
        .paid = NO_HOST,
        .yielding = {NO_HOST, NO_HOST},
    };
    hosts_init(&schedule->hosts, memory->hosts, memory->buckets, memory->host_count, seed);
}

static struct host *host_at(const struct schedule *schedule, uint32_t index)
{
    return &schedule->memory.hosts[index];
}

static struct host *host_of(const struct schedule *schedule, uint32_t fetch)
{
    return host_at(schedule, schedule->memory.turns[fetch].host);
}

/* --- lists by places held --------------------------------------------------------------------- */

/* A bit a level, and behind them a bit for each word of those. */
static uint64_t *level_word(const struct schedule *schedule, uint32_t level)
{
    return &schedule->memory.filled[level / 64];
}

static uint64_t *level_top(const struct schedule *schedule, uint32_t level)
{
    uint32_t words = (schedule->memory.level_count + 63) / 64;
    return &schedule->memory.filled[words + level / 4096];
}

static uint32_t level_lowest(const struct schedule *schedule)
{
    uint32_t words = (schedule->memory.level_count + 63) / 64;
    const uint64_t *tops = &schedule->memory.filled[words];
    uint32_t top = 0;
    while (tops[top] == 0)
        top++;
    uint32_t word = 64 * top + (uint32_t)__builtin_ctzll(tops[top]);
    assert(word < words);
    return 64 * word + (uint32_t)__builtin_ctzll(schedule->memory.filled[word]);
}

static void level_put_first(struct schedule *schedule, struct schedule_level *level, uint32_t index)
{
    struct host *host = host_at(schedule, index);
    host->previous = NO_HOST;
    host->next = level->first;
    host_at(schedule, level->first)->previous = index;
    level->first = index;
}

static void level_put_last(struct schedule *schedule, struct schedule_level *level, uint32_t index)
{
    struct host *host = host_at(schedule, index);
    host->next = NO_HOST;
    host->previous = level->last;
    host_at(schedule, level->last)->next = index;
    level->last = index;
}

/* The host's turn is over: it stands behind the others now. */
static bool is_turn_over(const struct host *host, uint64_t now_ns)
{
    return host->stayed >= SCHEDULE_STAY_MOST || now_ns >= host->stay_ns + SCHEDULE_STAY_NS;
}

static void level_insert(struct schedule *schedule, uint32_t index)
{
    struct host *host = host_at(schedule, index);
    struct schedule_level *level = &schedule->memory.levels[host->held];
    uint64_t bit = UINT64_C(1) << host->held % 64;
    bool is_empty = (*level_word(schedule, host->held) & bit) == 0;
    host->is_first = host->is_kept && !is_turn_over(host, schedule->now_ns);
    assert(host->held < schedule->memory.level_count);
    if (is_empty) {
        host->next = host->previous = NO_HOST;
        *level = (struct schedule_level){index, index};
    } else if (host->is_first) {
        level_put_first(schedule, level, index);
    } else {
        level_put_last(schedule, level, index);
    }
    *level_word(schedule, host->held) |= bit;
    *level_top(schedule, host->held) |= UINT64_C(1) << host->held / 64 % 64;
}

static void level_unlink(struct schedule *schedule, struct schedule_level *level, uint32_t index)
{
    const struct host *host = host_at(schedule, index);
    uint32_t *to =
        host->previous == NO_HOST ? &level->first : &host_at(schedule, host->previous)->next;
    uint32_t *back =
        host->next == NO_HOST ? &level->last : &host_at(schedule, host->next)->previous;
    assert(*to == index && *back == index);
    *to = host->next;
    *back = host->previous;
}

static void level_remove(struct schedule *schedule, uint32_t index, uint32_t held)
{
    const struct host *host = host_at(schedule, index);
    level_unlink(schedule, &schedule->memory.levels[held], index);
    if (host->next != NO_HOST || host->previous != NO_HOST)
        return;
    *level_word(schedule, held) &= ~(UINT64_C(1) << held % 64);
    if (*level_word(schedule, held) == 0)
        *level_top(schedule, held) &= ~(UINT64_C(1) << held / 64 % 64);
}

/* --- those whose first request has its token -------------------------------------------------- */

static void paid_insert(struct schedule *schedule, uint32_t index)
{
    struct host *host = host_at(schedule, index);
    host->previous = NO_HOST;
    host->next = schedule->paid;
    if (schedule->paid != NO_HOST)
        host_at(schedule, schedule->paid)->previous = index;
    schedule->paid = index;
}

static void paid_remove(struct schedule *schedule, uint32_t index)
{
    const struct host *host = host_at(schedule, index);
    uint32_t *to =
        host->previous == NO_HOST ? &schedule->paid : &host_at(schedule, host->previous)->next;
    assert(*to == index);
    *to = host->next;
    if (host->next != NO_HOST)
        host_at(schedule, host->next)->previous = host->previous;
}

/* --- those that may begin at a time: a heap --------------------------------------------------- */

static void heap_put(struct schedule *schedule, uint32_t at, uint32_t index)
{
    schedule->memory.heap[at] = index;
    host_at(schedule, index)->next = at;
}

static void heap_rise(struct schedule *schedule, uint32_t at, uint32_t index)
{
    const uint32_t *heap = schedule->memory.heap;
    uint64_t due_ns = host_at(schedule, index)->due_ns;
    while (at > 0 && due_ns < host_at(schedule, heap[(at - 1) / 2])->due_ns) {
        heap_put(schedule, at, heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_put(schedule, at, index);
}

static void heap_sink(struct schedule *schedule, uint32_t at, uint32_t index)
{
    const uint32_t *heap = schedule->memory.heap;
    uint64_t due_ns = host_at(schedule, index)->due_ns;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < schedule->timed &&
            host_at(schedule, heap[child + 1])->due_ns < host_at(schedule, heap[child])->due_ns)
            child++;
        if (child >= schedule->timed || due_ns <= host_at(schedule, heap[child])->due_ns)
            break;
        heap_put(schedule, at, heap[child]);
        at = child;
    }
    heap_put(schedule, at, index);
}

static void heap_insert(struct schedule *schedule, uint32_t index)
{
    heap_rise(schedule, schedule->timed++, index);
}

static void heap_remove(struct schedule *schedule, uint32_t index)
{
    uint32_t at = host_at(schedule, index)->next;
    assert(at < schedule->timed && schedule->memory.heap[at] == index);
    uint32_t last = schedule->memory.heap[--schedule->timed];
    if (last == index)
        return;
    heap_sink(schedule, at, last);
    heap_rise(schedule, host_at(schedule, last)->next, last);
}

/* --- those behind a gate ---------------------------------------------------------------------- */

static void gate_insert(struct schedule *schedule, uint32_t index)
{
    struct host *host = host_at(schedule, index);
    struct schedule_gate *gate = &schedule->memory.gates[host->gate];
    host->next = NO_HOST;
    host->previous = gate->last ? gate->last - 1 : NO_HOST;
    if (gate->last)
        host_at(schedule, gate->last - 1)->next = index;
    else
        gate->first = index + 1;
    gate->last = index + 1;
}

static void gate_remove(struct schedule *schedule, uint32_t index)
{
    struct host *host = host_at(schedule, index);
    struct schedule_gate *gate = &schedule->memory.gates[host->gate];
    if (host->previous == NO_HOST)
        gate->first = host->next == NO_HOST ? 0 : host->next + 1;
    else
        host_at(schedule, host->previous)->next = host->next;
    if (host->next == NO_HOST)
        gate->last = host->previous == NO_HOST ? 0 : host->previous + 1;
    else
        host_at(schedule, host->next)->previous = host->previous;
    host->gate = NO_GATE;
}

/* From wherever it stands behind its gate to the front. */
static void gate_raise(struct schedule *schedule, uint32_t index)
{
    struct host *host = host_at(schedule, index);
    struct schedule_gate *gate = &schedule->memory.gates[host->gate];
    uint32_t number = host->gate;
    assert(host->place == HOST_BEHIND);
    if (gate->first == index + 1)
        return;
    gate_remove(schedule, index);
    host->gate = number;
    host->previous = NO_HOST;
    host->next = gate->first - 1;
    host_at(schedule, host->next)->previous = index;
    gate->first = index + 1;
}

/* --- those that stand behind who holds as few ------------------------------------------------- */

static void yield_insert(struct schedule *schedule, uint32_t index)
{
    struct schedule_level *level = &schedule->yielding;
    struct host *host = host_at(schedule, index);
    if (level->first != NO_HOST) {
        level_put_last(schedule, level, index);
        return;
    }
    host->next = host->previous = NO_HOST;
    *level = (struct schedule_level){index, index};
}

static void yield_remove(struct schedule *schedule, uint32_t index)
{
    level_unlink(schedule, &schedule->yielding, index);
}

/* --- where a host stands ---------------------------------------------------------------------- */

static void ready_insert(struct schedule *schedule, uint32_t index)
{
    if (schedule->ready++ == 0) {
        schedule->sole = index;
        return;
    }
    if (schedule->sole != NO_HOST)
        level_insert(schedule, schedule->sole);
    schedule->sole = NO_HOST;
    level_insert(schedule, index);
}

static void ready_remove(struct schedule *schedule, uint32_t index, uint32_t held)
{
    schedule->ready--;
    if (schedule->sole == index)
        schedule->sole = NO_HOST;
    else
        level_remove(schedule, index, held);
}

/* held: how many it held when it came there. */
static void leave(struct schedule *schedule, uint32_t index, uint32_t held)
{
    struct host *host = host_at(schedule, index);
    switch ((enum host_place)host->place) {
    case HOST_NOWHERE:
        break;
    case HOST_AT_REST:
        hosts_rise(&schedule->hosts, index);
        break;
    case HOST_READY:
        ready_remove(schedule, index, held);
        break;
    case HOST_PAID:
        paid_remove(schedule, index);
        break;
    case HOST_TIMED:
        heap_remove(schedule, index);
        break;
    case HOST_BEHIND:
        gate_remove(schedule, index);
        break;
    case HOST_YIELDS:
        yield_remove(schedule, index);
        break;
    }
    host->place = HOST_NOWHERE;
}

static void enter(struct schedule *schedule, uint32_t index, enum host_place place)
{
    struct host *host = host_at(schedule, index);
    switch (place) {
    case HOST_NOWHERE:
        break;
    case HOST_AT_REST:
        hosts_rest(&schedule->hosts, index);
        break;
    case HOST_READY:
        ready_insert(schedule, index);
        break;
    case HOST_PAID:
        paid_insert(schedule, index);
        break;
    case HOST_TIMED:
        heap_insert(schedule, index);
        break;
    case HOST_BEHIND:
        gate_insert(schedule, index);
        break;
    case HOST_YIELDS:
        yield_insert(schedule, index);
        break;
    }
    host->place = (uint8_t)place;
}

/* To end, or to be idle. */
static bool must_wait_for_own(const struct host *host)
{
    return host->is_full || (host->most > 0 && host->held >= host->most);
}

static enum host_place place_of(const struct schedule *schedule, const struct host *host)
{
    if (host->first == NO_FETCH)
        return host->held + host->conns == 0 ? HOST_AT_REST : HOST_NOWHERE;
    if (must_wait_for_own(host))
        return HOST_NOWHERE;
    if (host->gate != NO_GATE)
        return HOST_BEHIND;
    if (host->paid_last != NO_FETCH)
        return HOST_PAID;
    if (host->due_ns > schedule->now_ns)
        return HOST_TIMED;
    return host->yield_ns > schedule->now_ns ? HOST_YIELDS : HOST_READY;
}

/* Something about it is another. A host that becomes due is looked after in ripen(). */
void schedule_settle(struct schedule *schedule, uint32_t index, uint32_t held)
{
    struct host *host = host_at(schedule, index);
    enum host_place place = place_of(schedule, host);
    bool stays = place == host->place && place != HOST_TIMED;
    if (stays && (place != HOST_READY || schedule->sole == index || held == host->held))
        return;
    leave(schedule, index, held);
    enter(schedule, index, place);
}

static void ripen(struct schedule *schedule, uint64_t now_ns)
{
    schedule->now_ns = now_ns;
    while (schedule->timed > 0) {
        uint32_t index = schedule->memory.heap[0];
        struct host *host = host_at(schedule, index);
        if (host->due_ns > now_ns)
            return;
        schedule_settle(schedule, index, host->held);
    }
}

static void end_yields(struct schedule *schedule)
{
    uint32_t index = schedule->yielding.first;
    while (index != NO_HOST && host_at(schedule, index)->yield_ns <= schedule->now_ns) {
        schedule_settle(schedule, index, host_at(schedule, index)->held);
        index = schedule->yielding.first;
    }
}

/* --- the queue of a host ---------------------------------------------------------------------- */

/* What is linked to a slot's place from both sides, or from the ends. */
static uint32_t *link_to(struct schedule *schedule, struct host *host, uint32_t previous)
{
    return previous == NO_FETCH ? &host->first : &schedule->fetches[previous].next;
}

static uint32_t *link_back(struct schedule *schedule, struct host *host, uint32_t next)
{
    return next == NO_FETCH ? &host->last : &schedule->fetches[next].previous;
}

static void insert(struct schedule *schedule, uint32_t index, struct host *host, uint32_t previous,
                   uint32_t next)
{
    struct fetch *fetches = schedule->fetches;
    uint32_t *to = link_to(schedule, host, previous);
    uint32_t *back = link_back(schedule, host, next);
    enum fetch_state state = fetches[index].state;
    assert(state == FETCH_FREE || state == FETCH_ACTIVE || state == FETCH_WAITING);
    assert(*to == next && *back == previous);
    schedule->queued_hosts += host->first == NO_FETCH;
    fetches[index].state = FETCH_QUEUED;
    fetches[index].previous = previous;
    fetches[index].next = next;
    *to = *back = index;
    schedule->count++;
}

void schedule_append(struct schedule *schedule, uint32_t index)
{
    uint32_t at = hosts_find(&schedule->hosts, &schedule->fetches[index].url);
    struct host *host = host_at(schedule, at);
    schedule->memory.turns[index] = (struct schedule_turn){.host = at};
    insert(schedule, index, host, host->last, NO_FETCH);
    if (host->first == index) /* else it waited before */
        schedule_settle(schedule, at, host->held);
}

void schedule_prepend(struct schedule *schedule, uint32_t index, bool is_paid)
{
    uint32_t at = hosts_find(&schedule->hosts, &schedule->fetches[index].url);
    struct host *host = host_at(schedule, at);
    is_paid &= schedule->has_rates;
    schedule->memory.turns[index] = (struct schedule_turn){.host = at, .is_paid = is_paid};
    uint32_t previous = is_paid ? NO_FETCH : host->paid_last;
    insert(schedule, index, host, previous, *link_to(schedule, host, previous));
    if (is_paid && host->paid_last == NO_FETCH)
        host->paid_last = index;
    schedule_settle(schedule, at, host->held);
}

/* Takes it out; where its host stands is the caller's to settle. */
static struct host *take_out(struct schedule *schedule, uint32_t index)
{
    struct fetch *fetches = schedule->fetches;
    struct host *host = host_of(schedule, index);
    uint32_t previous = fetches[index].previous;
    uint32_t next = fetches[index].next;
    uint32_t *to = link_to(schedule, host, previous);
    uint32_t *back = link_back(schedule, host, next);
    assert(fetches[index].state == FETCH_QUEUED && schedule->count > 0 && *to == index &&
           *back == index);
    if (host->paid_last == index)
        host->paid_last = previous; /* in front of one that has its token stand only others */
    *to = next;
    *back = previous;
    schedule->queued_hosts -= host->first == NO_FETCH;
    schedule->count--;
    return host;
}

void schedule_remove(struct schedule *schedule, uint32_t index)
{
    struct host *host = take_out(schedule, index);
    schedule_settle(schedule, schedule->memory.turns[index].host, host->held);
}

/* --- beginning -------------------------------------------------------------------------------- */

static bool is_gated(const struct schedule *schedule)
{
    return schedule->limits.spacing_ns && schedule->now_ns < schedule->next_ns;
}

/* Of those that have nothing to wait for; NO_HOST. */
static uint32_t host_next(const struct schedule *schedule)
{
    uint32_t yielding = schedule->yielding.first;
    if (schedule->ready == 0)
        return yielding;
    uint32_t index = schedule->sole;
    if (index == NO_HOST)
        index = schedule->memory.levels[level_lowest(schedule)].first;
    assert(host_at(schedule, index)->place == HOST_READY);
    bool holds_fewer =
        yielding != NO_HOST && host_at(schedule, yielding)->held < host_at(schedule, index)->held;
    return holds_fewer ? yielding : index;
}

uint32_t schedule_next_any(struct schedule *schedule, uint64_t now_ns)
{
    ripen(schedule, now_ns);
    end_yields(schedule);
    if (schedule->paid != NO_HOST)
        return host_at(schedule, schedule->paid)->first;
    uint32_t index = is_gated(schedule) ? NO_HOST : host_next(schedule);
    return index == NO_HOST ? NO_FETCH : host_at(schedule, index)->first;
}

bool schedule_may_begin(struct schedule *schedule, uint32_t index, uint64_t now_ns)
{
    const struct host *host = host_of(schedule, index);
    ripen(schedule, now_ns);
    if (must_wait_for_own(host) || host->gate != NO_GATE)
        return false;
    bool is_paid = schedule->memory.turns[index].is_paid;
    return is_paid || (host->due_ns <= now_ns && !is_gated(schedule));
}

static void count_beginning(struct schedule *schedule, struct host *host, uint64_t now_ns)
{
    const struct schedule_limits *limits = &schedule->limits;
    if (limits->spacing_ns)
        schedule->next_ns = spacing_after(schedule->next_ns, limits->spacing_ns, now_ns);
    if (limits->host_spacing_ns)
        host->rate_ns = spacing_after(host->rate_ns, limits->host_spacing_ns, now_ns);
    if (limits->host_delay_ns && host->free_ns < now_ns + limits->host_delay_ns)
        host->free_ns = now_ns + limits->host_delay_ns;
    host->due_ns = host->rate_ns > host->free_ns ? host->rate_ns : host->free_ns;
}

/* One more of its turn, or the first of the next: it has stood behind the others. */
static void count_turn(struct host *host, uint64_t now_ns)
{
    host->stayed++;
    if (host->is_first || !is_turn_over(host, now_ns))
        return;
    host->stayed = 0;
    host->stay_ns = now_ns;
}

void schedule_begin(struct schedule *schedule, uint32_t index, bool is_kept, uint64_t now_ns)
{
    struct host *host = take_out(schedule, index);
    if (schedule->has_rates && !schedule->memory.turns[index].is_paid)
        count_beginning(schedule, host, now_ns);
    host->held++;
    schedule->held++;
    uint32_t at = schedule->memory.turns[index].host;
    if (schedule_is_alone(schedule, at))
        return;
    count_turn(host, now_ns);
    host->is_kept = is_kept;
    schedule_settle(schedule, at, host->held - 1);
}

void schedule_end_any(struct schedule *schedule, uint32_t index, bool is_kept, uint64_t now_ns)
{
    struct host *host = host_at(schedule, index);
    schedule->now_ns = now_ns;
    host->is_kept = is_kept;
    schedule_settle(schedule, index, host->held + 1);
}

void schedule_yield(struct schedule *schedule, uint32_t index, uint64_t now_ns)
{
    uint32_t at = schedule->memory.turns[index].host;
    struct host *host = host_at(schedule, at);
    host->yield_ns = now_ns + SCHEDULE_YIELD_NS;
    if (host->place == HOST_YIELDS) { /* it stands last among them again */
        yield_remove(schedule, at);
        yield_insert(schedule, at);
    }
    schedule->now_ns = now_ns;
    schedule_settle(schedule, at, host->held);
}

bool schedule_stays(struct schedule *schedule, uint32_t index)
{
    return hosts_find(&schedule->hosts, &schedule->fetches[index].url) ==
           schedule->memory.turns[index].host;
}

bool schedule_waits_for_own(const struct schedule *schedule, uint32_t index)
{
    return must_wait_for_own(host_of(schedule, index));
}

uint64_t schedule_host_due_ns(const struct schedule *schedule, uint32_t index)
{
    return host_of(schedule, index)->due_ns;
}

bool schedule_is_beside(const struct schedule *schedule, uint32_t index, uint32_t other)
{
    return schedule->memory.turns[index].host == schedule->memory.turns[other].host;
}

uint64_t schedule_due_ns(struct schedule *schedule, uint64_t now_ns)
{
    ripen(schedule, now_ns);
    uint64_t due_ns = DEADLINE_NEVER;
    if (schedule->timed > 0)
        due_ns = host_at(schedule, schedule->memory.heap[0])->due_ns;
    bool waits = host_next(schedule) != NO_HOST && is_gated(schedule);
    return waits && schedule->next_ns < due_ns ? schedule->next_ns : due_ns;
}

/* --- what hosts say of themselves ------------------------------------------------------------- */

void schedule_slow(struct schedule *schedule, uint32_t index, uint64_t begun_ns, uint64_t until_ns,
                   uint64_t now_ns)
{
    struct host *host = host_of(schedule, index);
    assert(host->held > 0);
    if (host->free_ns < until_ns)
        host->free_ns = until_ns;
    if (host->due_ns < host->free_ns)
        host->due_ns = host->free_ns;
    if (begun_ns >= host->slowed_ns) {
        uint32_t had = host->most > 0 && host->most < host->held ? host->most : host->held;
        host->most = had > 1 ? had / 2 : 1;
        host->praised = 0;
        host->slowed_ns = now_ns;
    }
    schedule_settle(schedule, schedule->memory.turns[index].host, host->held);
}

void schedule_praise(struct schedule *schedule, uint32_t index)
{
    struct host *host = host_of(schedule, index);
    if (host->most == 0 || ++host->praised < host->most)
        return;
    host->praised = 0;
    host->most++;
    if (host->most + 1 >= schedule->memory.level_count) /* as many as there are places */
        host->most = 0;
    schedule_settle(schedule, schedule->memory.turns[index].host, host->held);
}

/* --- connections ------------------------------------------------------------------------------ */

bool schedule_is_full(const struct schedule *schedule, uint32_t index)
{
    uint32_t most = schedule->limits.host_conns;
    return most > 0 && host_of(schedule, index)->conns >= most;
}

void schedule_fill(struct schedule *schedule, uint32_t index)
{
    struct host *host = host_of(schedule, index);
    assert(host->conns > 0); /* whose end it waits for */
    host->is_full = true;
    schedule_settle(schedule, schedule->memory.turns[index].host, host->held);
}

void schedule_connect(struct schedule *schedule, uint32_t index, uint32_t slot)
{
    if (schedule->limits.host_conns == 0)
        return;
    schedule->memory.conn_hosts[slot] = schedule->memory.turns[index].host;
    host_of(schedule, index)->conns++;
}

void schedule_relax(struct schedule *schedule, uint32_t slot, uint32_t ended)
{
    uint32_t at = schedule->memory.conn_hosts[slot];
    struct host *host = host_at(schedule, at);
    assert(host->conns > 0);
    host->conns -= ended;
    host->is_full = false;
    schedule_settle(schedule, at, host->held);
}

bool schedule_is_of(const struct schedule *schedule, uint32_t index, uint32_t slot)
{
    return schedule->memory.conn_hosts[slot] == schedule->memory.turns[index].host;
}

/* --- gates ------------------------------------------------------------------------------------ */

void schedule_stand_behind(struct schedule *schedule, uint32_t index, uint32_t gate, bool is_first)
{
    struct host *host = host_of(schedule, index);
    if (must_wait_for_own(host) || host->gate != NO_GATE)
        return; /* it comes there when its time has come */
    host->gate = gate;
    schedule_settle(schedule, schedule->memory.turns[index].host, host->held);
    if (is_first)
        gate_raise(schedule, schedule->memory.turns[index].host);
}

uint32_t schedule_gate(const struct schedule *schedule, uint32_t index)
{
    return host_of(schedule, index)->gate;
}

static void let_through(struct schedule *schedule, uint32_t at)
{
    struct host *host = host_at(schedule, at);
    leave(schedule, at, host->held);
    schedule_settle(schedule, at, host->held);
}

void schedule_let_through(struct schedule *schedule, uint32_t index)
{
    let_through(schedule, schedule->memory.turns[index].host);
}

void schedule_open(struct schedule *schedule, uint32_t gate, uint32_t count)
{
    while (count-- > 0 && schedule_has_behind(schedule, gate)) {
        let_through(schedule, schedule->memory.gates[gate].first - 1);
    }
}
