/* The unlucky loop. After each wait all completions of the inner loop are copied to a list, changed
 * on the way; what is handed out comes from there. That the bytes are copied is what makes the rest
 * simple: a piece can be cut, kept and overtaken without asking the inner loop. */

#include "tests/lib/fault.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CUTS_MAX = 6 };

struct held {
    struct held *next;
    struct completion completion;
    uint64_t round; /* not to be handed out before it */
    char bytes[];
};

struct slot_state {
    bool receive_dead;   /* a failure was made up: nothing is received any more */
    bool receive_broken; /* and one is due as soon as something is wanted */
    bool receive_wanted;
};

struct fault_loop {
    struct loop head;
    struct loop_interface interface; /* with the inner loop's name */
    struct loop *inner;
    struct fault_rates rates;
    struct fault_counts counts;
    uint64_t random;
    uint64_t round; /* counts the waits */
    struct held *first;
    struct held **last;
    struct held *lent;
    uint32_t slot_count;
    struct slot_state *slots;
};

static struct fault_loop *of(struct loop *loop)
{
    return (struct fault_loop *)loop;
}

const struct fault_counts *fault_counts(const struct loop *loop)
{
    return &((const struct fault_loop *)loop)->counts;
}

static uint32_t random_below(struct fault_loop *fault, uint32_t bound)
{
    fault->random ^= fault->random << 13;
    fault->random ^= fault->random >> 7;
    fault->random ^= fault->random << 17;
    return (uint32_t)(fault->random >> 32) % bound;
}

static bool strikes(struct fault_loop *fault, uint32_t rate, uint64_t *count)
{
    bool does = rate > 0 && random_below(fault, 1000) < rate;

    *count += does;
    return does;
}

/* --- the list --------------------------------------------------------------------------------- */

static bool is_of_slot(const struct completion *completion)
{
    return completion->op == LOOP_CONNECT || completion->op == LOOP_SEND ||
           completion->op == LOOP_RECEIVE || completion->op == LOOP_CLOSED;
}

static bool is_of_tag(const struct completion *completion)
{
    return completion->op == LOOP_READY || completion->op == LOOP_ACCEPT;
}

/* Whether the order of the two is part of the contract. */
static bool is_related(const struct completion *a, const struct completion *b)
{
    if (is_of_slot(a) || is_of_tag(a))
        return a->slot == b->slot && is_of_slot(a) == is_of_slot(b) && is_of_tag(a) == is_of_tag(b);
    return a->op == b->op;
}

static void hold(struct fault_loop *fault, const struct completion *completion)
{
    size_t length =
        completion->result > 0 && completion->bytes != NULL ? (size_t)completion->result : 0;
    struct held *held = malloc(sizeof(*held) + length);

    assert(held != NULL);
    *held = (struct held){.completion = *completion, .round = fault->round};
    held->round += strikes(fault, fault->rates.delayed, &fault->counts.delayed);
    if (length > 0)
        memcpy(held->bytes, completion->bytes, length);
    *fault->last = held;
    fault->last = &held->next;
}

static struct held *take(struct fault_loop *fault, struct held **link)
{
    struct held *held = *link;

    *link = held->next;
    if (held->next == NULL)
        fault->last = link;
    return held;
}

static void drop(struct held *held)
{
    if (held->completion.op == LOOP_ACCEPT && held->completion.result >= 0)
        close(held->completion.result);
    free(held);
}

static void drop_related(struct fault_loop *fault, const struct completion *completion)
{
    struct held **link = &fault->first;

    while (*link != NULL) {
        if (is_related(&(*link)->completion, completion))
            drop(take(fault, link));
        else
            link = &(*link)->next;
    }
}

/* Whether nothing that has to come earlier stands before it. */
static bool is_next_of_its_own(const struct fault_loop *fault, const struct held *held)
{
    const struct held *earlier = fault->first;

    while (!is_related(&earlier->completion, &held->completion))
        earlier = earlier->next;
    return earlier == held;
}

/* From *link on, the first that may be handed out now. */
static struct held **find_timely(struct fault_loop *fault, struct held **link)
{
    while (*link != NULL && ((*link)->round > fault->round || !is_next_of_its_own(fault, *link)))
        link = &(*link)->next;
    return *link != NULL ? link : NULL;
}

/* --- what is made of a completion ------------------------------------------------------------- */

static void hold_piece(struct fault_loop *fault, struct completion *rest, uint32_t length)
{
    struct completion piece = *rest;

    if (length == 0)
        return;
    piece.result = (int32_t)length;
    hold(fault, &piece);
    rest->bytes += length;
    rest->result -= (int32_t)length;
}

static void hold_dead(struct fault_loop *fault, const struct completion *received, int32_t result)
{
    struct completion rest = *received;

    if (random_below(fault, 2) == 0)
        hold_piece(fault, &rest, random_below(fault, (uint32_t)received->result));
    hold(fault, &(struct completion){LOOP_RECEIVE, received->slot, result, NULL});
    fault->slots[received->slot].receive_dead = true;
    loop_pause(fault->inner, received->slot);
}

static void hold_cut(struct fault_loop *fault, const struct completion *received)
{
    struct completion rest = *received;
    uint32_t each = fault->rates.cut_bytes;

    for (int cuts = 0; each == 0 && cuts < CUTS_MAX && rest.result > 1; cuts++) {
        bool is_small = random_below(fault, 2) == 0;
        hold_piece(fault, &rest, is_small ? 1 : 1 + random_below(fault, (uint32_t)rest.result - 1));
    }
    while (each > 0 && (uint32_t)rest.result > each)
        hold_piece(fault, &rest, each);
    hold_piece(fault, &rest, (uint32_t)rest.result);
}

static void admit_received(struct fault_loop *fault, const struct completion *received)
{
    if (fault->slots[received->slot].receive_dead)
        return;
    if (received->result <= 0)
        hold(fault, received);
    else if (strikes(fault, fault->rates.receive_failed, &fault->counts.receive_failed))
        hold_dead(fault, received, -ECONNRESET);
    else if (strikes(fault, fault->rates.receive_ended, &fault->counts.receive_ended))
        hold_dead(fault, received, 0);
    else if (strikes(fault, fault->rates.receive_cut, &fault->counts.receive_cut))
        hold_cut(fault, received);
    else
        hold(fault, received);
}

static void admit(struct fault_loop *fault, struct completion completion)
{
    static const int32_t shortages[] = {-EADDRNOTAVAIL, -ENOBUFS, -ENOMEM};
    static const int32_t connect_errors[] = {-ECONNREFUSED, -ETIMEDOUT, -ENETUNREACH};

    if (completion.op == LOOP_RECEIVE) {
        admit_received(fault, &completion);
        return;
    }
    if (completion.op == LOOP_CONNECT && completion.result == 0 &&
        strikes(fault, fault->rates.connect_short, &fault->counts.connect_short)) {
        completion.result = shortages[random_below(fault, 3)];
        fault->slots[completion.slot].receive_dead = true;
    } else if (completion.op == LOOP_CONNECT && completion.result == 0 &&
               strikes(fault, fault->rates.connect_failed, &fault->counts.connect_failed)) {
        completion.result = connect_errors[random_below(fault, 3)];
        fault->slots[completion.slot].receive_dead = true;
    }
    hold(fault, &completion);
}

/* --- the interface ---------------------------------------------------------------------------- */

static void fault_attach(struct loop *loop, uint32_t slot, int fd)
{
    struct fault_loop *fault = of(loop);

    if (slot >= fault->slot_count) {
        uint32_t count = 2 * slot + 16;
        fault->slots = realloc(fault->slots, count * sizeof(*fault->slots));
        assert(fault->slots != NULL);
        fault->slot_count = count;
    }
    fault->slots[slot] = (struct slot_state){0};
    loop_attach(fault->inner, slot, fd);
}

static void fault_connect(struct loop *loop, uint32_t slot, const struct sockaddr *address,
                          socklen_t length)
{
    struct fault_loop *fault = of(loop);
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)address;
    bool is_silent = address->sa_family == AF_INET && fault->rates.silent_ipv4 != 0 &&
                     (ipv4->sin_addr.s_addr & htonl(0xffffff00)) == fault->rates.silent_ipv4;

    fault->counts.connect_silent += is_silent;
    if (is_silent || strikes(fault, fault->rates.connect_silent, &fault->counts.connect_silent))
        return;
    loop_connect(fault->inner, slot, address, length);
}

/* What cannot be sent to can no longer be received from: the kernel sees to that. */
static void break_receiving(struct fault_loop *fault, uint32_t slot)
{
    struct slot_state *state = &fault->slots[slot];

    state->receive_broken = true;
    if (state->receive_dead || !state->receive_wanted)
        return;
    hold(fault, &(struct completion){LOOP_RECEIVE, slot, -ECONNRESET, NULL});
    state->receive_dead = true;
    loop_pause(fault->inner, slot);
}

static bool holds_send(const struct fault_loop *fault, uint32_t slot)
{
    const struct held *held = fault->first;

    while (held != NULL && (held->completion.op != LOOP_SEND || held->completion.slot != slot))
        held = held->next;
    return held != NULL;
}

static bool fault_is_sending(struct loop *loop, uint32_t slot)
{
    return holds_send(of(loop), slot) || loop_is_sending(of(loop)->inner, slot);
}

static void fault_send(struct loop *loop, uint32_t slot, const void *bytes, size_t length)
{
    struct fault_loop *fault = of(loop);
    int32_t error = random_below(fault, 2) == 0 ? -EPIPE : -ECONNRESET;

    fault->counts.silent_sends += length <= LOOP_SILENT_BYTES;
    if (!strikes(fault, fault->rates.send_failed, &fault->counts.send_failed)) {
        loop_send(fault->inner, slot, bytes, length);
        return;
    }
    hold(fault, &(struct completion){LOOP_SEND, slot, error, NULL});
    break_receiving(fault, slot);
}

static void fault_send_last(struct loop *loop, uint32_t slot, const void *bytes, size_t length)
{
    struct fault_loop *fault = of(loop);

    if (!strikes(fault, fault->rates.send_failed, &fault->counts.send_failed))
        loop_send_last(fault->inner, slot, bytes, length);
}

static void receive_begin(struct fault_loop *fault, uint32_t slot, bool is_once)
{
    struct slot_state *state = &fault->slots[slot];

    state->receive_wanted = true;
    if (state->receive_broken)
        break_receiving(fault, slot);
    else if (!state->receive_dead && is_once)
        loop_receive_once(fault->inner, slot);
    else if (!state->receive_dead)
        loop_receive(fault->inner, slot);
}

static void fault_receive(struct loop *loop, uint32_t slot)
{
    receive_begin(of(loop), slot, false);
}

static void fault_receive_once(struct loop *loop, uint32_t slot)
{
    receive_begin(of(loop), slot, true);
}

static void fault_expect(struct loop *loop, uint32_t slot, uint64_t length)
{
    loop_expect(of(loop)->inner, slot, length);
}

static void fault_pause(struct loop *loop, uint32_t slot)
{
    of(loop)->slots[slot].receive_wanted = false;
    loop_pause(of(loop)->inner, slot);
}

static void fault_close_slot(struct loop *loop, uint32_t slot)
{
    drop_related(of(loop), &(struct completion){LOOP_CLOSED, slot, 0, NULL});
    loop_close_slot(of(loop)->inner, slot);
}

static void fault_accept(struct loop *loop, uint32_t tag, int fd)
{
    drop_related(of(loop), &(struct completion){LOOP_READY, tag, 0, NULL});
    loop_accept(of(loop)->inner, tag, fd);
}

static void fault_poll(struct loop *loop, uint32_t tag, int fd, short events)
{
    drop_related(of(loop), &(struct completion){LOOP_READY, tag, 0, NULL});
    loop_poll(of(loop)->inner, tag, fd, events);
}

static void fault_unpoll(struct loop *loop, uint32_t tag)
{
    drop_related(of(loop), &(struct completion){LOOP_READY, tag, 0, NULL});
    loop_unpoll(of(loop)->inner, tag);
}

static void fault_tick(struct loop *loop, uint64_t time_ns)
{
    loop_tick(of(loop)->inner, time_ns);
}

static void fault_untick(struct loop *loop)
{
    loop_untick(of(loop)->inner);
}

static void fault_ring(struct loop *loop)
{
    loop_ring(of(loop)->inner);
}

static void take_all(struct fault_loop *fault)
{
    struct completion completion;

    while (loop_next(fault->inner, &completion))
        admit(fault, completion);
    fault->head.counters = fault->inner->counters;
}

static int fault_wait(struct loop *loop, uint32_t count, int64_t timeout_ns)
{
    struct fault_loop *fault = of(loop);

    fault->round++;
    if (strikes(fault, fault->rates.interrupted, &fault->counts.interrupted))
        return -EINTR;
    if (strikes(fault, fault->rates.spurious_tick, &fault->counts.spurious_tick))
        hold(fault, &(struct completion){LOOP_TICK, 0, 0, NULL});
    if (strikes(fault, fault->rates.spurious_wake, &fault->counts.spurious_wake))
        hold(fault, &(struct completion){LOOP_WAKE, 0, 0, NULL});
    return loop_wait(fault->inner, count, fault->first != NULL ? 0 : timeout_ns);
}

static bool fault_next(struct loop *loop, struct completion *ret_completion)
{
    struct fault_loop *fault = of(loop);

    free(fault->lent);
    fault->lent = NULL;
    take_all(fault);
    struct held **link = find_timely(fault, &fault->first);
    if (link == NULL)
        return false;
    struct held **other = fault->rates.reordered > 0 ? find_timely(fault, &(*link)->next) : NULL;
    if (other != NULL && strikes(fault, fault->rates.reordered, &fault->counts.reordered))
        link = other;

    fault->lent = take(fault, link);
    *ret_completion = fault->lent->completion;
    if (ret_completion->bytes != NULL)
        ret_completion->bytes = fault->lent->bytes;
    return true;
}

static void fault_close(struct loop *loop)
{
    struct fault_loop *fault = of(loop);

    loop_close(fault->inner);
    while (fault->first != NULL)
        drop(take(fault, &fault->first));
    free(fault->lent);
    free(fault->slots);
    free(fault);
}

static const struct loop_interface interface = {
    .close = fault_close,
    .attach = fault_attach,
    .connect = fault_connect,
    .send = fault_send,
    .is_sending = fault_is_sending,
    .send_last = fault_send_last,
    .receive = fault_receive,
    .receive_once = fault_receive_once,
    .pause = fault_pause,
    .expect = fault_expect,
    .close_slot = fault_close_slot,
    .accept = fault_accept,
    .poll = fault_poll,
    .unpoll = fault_unpoll,
    .tick = fault_tick,
    .untick = fault_untick,
    .ring = fault_ring,
    .wait = fault_wait,
    .next = fault_next,
};

struct loop *fault_open(struct loop *inner, const struct fault_rates *rates, uint64_t seed)
{
    struct fault_loop *fault = calloc(1, sizeof(*fault));
    if (fault == NULL) {
        loop_close(inner);
        return NULL;
    }
    fault->interface = interface;
    fault->interface.name = inner->interface->name;
    fault->head = *inner;
    fault->head.interface = &fault->interface;
    fault->inner = inner;
    fault->rates = *rates;
    fault->last = &fault->first;
    /* Neighbouring seeds must not begin alike, and zero would stay zero. */
    fault->random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    return &fault->head;
}
