/* Owns the slots on their way to a link. The first slot that needs an origin's addresses begins the
 * one lookup, all others wait with it, and with the last that waits the lookup goes.
 *
 * The hard idea is what a silent address costs. An address that has accepted a connection leads
 * from then on, and one that was silent comes last; but a thousand requests may begin before either
 * is known. So as long as none of several addresses has accepted one, a single request tries them,
 * with its rival, and all others are held until it knows. Where it finds that all refuse, nobody is
 * held any more: that costs no time. */

#include "engine/link/dial.h"
#include "proto/tls/tls.h"

#include <assert.h>
#include <errno.h>

/* How many may be under way to an origin. */
enum turns {
    TURNS_FIRST,   /* DIAL_TURN_MOST that were not answered */
    TURNS_TWICE,   /* twice as many */
    TURNS_THROUGH, /* any number, but few whose connect is not through: of a listen queue that is
                      full the kernel drops what comes, so that no more than these are late */
    TURNS_ANY,
};

/* So many are not through: at first, and at last, when that has brought many through. */
enum { THROUGH_LEAST = 8, THROUGH_MOST = 128 };

/* In vain, until the next of these holds; and where the server is near, and so may only be kept
 * from running. A server that is slow to answer has accepted them all long ago: what waits
 * meanwhile is lost, of the 350 ms in which 9,500 are opened where it takes 100. Where connects no
 * longer get through the queue is full, which the kernel sees for a second. */
enum { LOOKS_FIRST = 2, LOOKS_TWICE = 8, LOOKS_NEAR = 50, LOOKS_THROUGH = 500 };

static struct dial *dial_at(const struct dials *dials, uint32_t slot)
{
    return &dials->list[slot];
}

static struct origin *origin_of(const struct dials *dials, uint32_t slot)
{
    return &dials->origins->list[dial_at(dials, slot)->origin];
}

enum haul_stage dial_stage(const struct dials *dials, uint32_t slot)
{
    switch ((enum dial_state)dial_at(dials, slot)->state) {
    case DIAL_RESOLVING:
        return HAUL_STAGE_RESOLVE;
    case DIAL_HELD:
    case DIAL_LOOSE:
    case DIAL_CONNECTING:
    case DIAL_BARRED:
        return HAUL_STAGE_CONNECT;
    case DIAL_CONNECTED_BARE:
    case DIAL_SECURING:
        return HAUL_STAGE_TLS;
    case DIAL_NONE:
        break;
    }
    return HAUL_STAGE_QUEUE;
}

static bool tell(struct dial_news *ret, enum dial_news_kind kind, uint32_t slot)
{
    *ret = (struct dial_news){.kind = kind, .slot = slot};
    return true;
}

static bool tell_failure(struct dial_news *ret, uint32_t slot, const struct failure *failure)
{
    *ret = (struct dial_news){.kind = DIAL_FAILED, .slot = slot, .failure = *failure};
    return true;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static uint32_t *line_of(struct dials *dials, uint32_t slot)
{
    uint8_t state = dial_at(dials, slot)->state;
    if (state == DIAL_RESOLVING)
        return &origin_of(dials, slot)->waiting;
    if (state == DIAL_HELD)
        return &origin_of(dials, slot)->held;
    assert(state == DIAL_LOOSE);
    return &dials->loose;
}

static bool is_in_line(const struct dial *dial)
{
    return dial->state == DIAL_RESOLVING || dial->state == DIAL_HELD || dial->state == DIAL_LOOSE;
}

static void line_insert(struct dials *dials, uint32_t slot, enum dial_state state)
{
    struct dial *dial = dial_at(dials, slot);
    dial->state = (uint8_t)state;
    uint32_t *first = line_of(dials, slot);
    dial->previous = NO_SLOT;
    dial->next = *first;
    if (dial->next != NO_SLOT)
        dial_at(dials, dial->next)->previous = slot;
    *first = slot;
}

static void line_remove(struct dials *dials, uint32_t slot)
{
    struct dial *dial = dial_at(dials, slot);
    uint32_t *first = line_of(dials, slot);
    *(dial->previous == NO_SLOT ? first : &dial_at(dials, dial->previous)->next) = dial->next;
    if (dial->next != NO_SLOT)
        dial_at(dials, dial->next)->previous = dial->previous;
}

/* The first of a line, or all of it, wait no more. */
static void loosen(struct dials *dials, const uint32_t *first, bool all)
{
    while (*first != NO_SLOT) {
        uint32_t slot = *first;
        line_remove(dials, slot);
        line_insert(dials, slot, DIAL_LOOSE);
        if (!all)
            return;
    }
}

/* Nobody is held back from an origin any more. */
static void origin_open(struct dials *dials, struct origin *origin)
{
    origin->is_open = true;
    loosen(dials, &origin->held, true);
}

static bool must_be_held(const struct origin *origin, const struct dial *dial)
{
    return !origin->is_open && origin->connecting > 0 && origin->places.addresses.count > 1 &&
           dial->rival == NO_SLOT;
}

/* --- connecting ------------------------------------------------------------------------------- */

/* What has been closed may still be queued in the loop: in a shortage it is handed over first.
 * Beyond that, whatever is open and idle, or ends, makes room. */
static int open_link(struct links *links, uint32_t slot, const union resolver_address *address)
{
    socklen_t length = resolver_address_length(address);
    int error = link_open(links, slot, &address->any, length);
    if (!link_is_shortage(-error))
        return error;
    loop_wait(links->loop, 1, 0);
    return link_open(links, slot, &address->any, length);
}

/* Of IPv6 that is switched off connect() says EADDRNOTAVAIL too, and at once: it is a lack of ports
 * only where there are connections over it. */
static bool is_shortage(const struct dials *dials, const struct dial *dial, int error)
{
    bool is_ipv6 = dial->address.any.sa_family == AF_INET6;
    return link_is_shortage(error) || (error == EADDRNOTAVAIL && (!is_ipv6 || dials->has_ipv6));
}

static bool tell_shortage(uint32_t slot, int error, struct dial_news *ret_news)
{
    struct failure failure = {
        HAUL_RESOURCE, "no descriptor is left, and a connection needs 1: see ulimit -n", error};
    if (error == EADDRNOTAVAIL)
        failure.message = "no local port is left, and a connection needs 1";
    else if (error != EMFILE && error != ENFILE)
        failure.message = "the kernel has no memory left for a connection";
    tell_failure(ret_news, slot, &failure);
    return ret_news->is_shortage = true;
}

/* The address was not tried, and may be the next. */
static bool tell_untried(struct dials *dials, uint32_t slot, int error, struct dial_news *ret_news)
{
    struct dial *dial = dial_at(dials, slot);
    tried_remove(dial->tried, &dial->address);
    return tell_shortage(slot, error, ret_news);
}

/* An address has failed. */
static void take_failure(struct dials *dials, uint32_t slot, const char *message, int error)
{
    struct dial *dial = dial_at(dials, slot);
    places_rank(&origin_of(dials, slot)->places, &dial->address, PLACE_BAD);
    dial->tried->last = (struct failure){HAUL_CONNECT, message, error};
}

/* --- turns ------------------------------------------------------------------------------------ */

static uint32_t through_most(uint32_t through)
{
    uint32_t beyond = through > 2 * DIAL_TURN_MOST ? through - 2 * DIAL_TURN_MOST : 0;
    if (beyond < 2 * THROUGH_LEAST)
        return THROUGH_LEAST;
    return beyond < 2 * THROUGH_MOST ? beyond / 2 : THROUGH_MOST;
}

static bool is_queue_full(const struct origin *origin)
{
    uint32_t unanswered = origin->opened - origin->accepted;
    uint32_t through = unanswered > origin->connecting ? unanswered - origin->connecting : 0;
    switch ((enum turns)origin->turns) {
    case TURNS_FIRST:
        return unanswered >= DIAL_TURN_MOST;
    case TURNS_TWICE:
        return unanswered >= 2 * DIAL_TURN_MOST;
    case TURNS_THROUGH:
        return origin->connecting >= through_most(through);
    case TURNS_ANY:
        break;
    }
    return false;
}

/* It has said something, or there is something new for it to answer. */
static void turn_goes_on(struct origin *origin)
{
    origin->looked_ns = 0;
    origin->looks = 0;
}

/* A listen queue is full of connections that the kernel there has accepted at once. Where none is
 * through the way is long. */
static bool is_far(const struct origin *origin)
{
    return origin->connecting >= origin->opened - origin->accepted;
}

static uint32_t looks_most(const struct origin *origin)
{
    if (origin->turns == TURNS_FIRST)
        return LOOKS_FIRST;
    if (origin->turns == TURNS_THROUGH)
        return LOOKS_THROUGH;
    return origin->is_near ? LOOKS_NEAR : LOOKS_TWICE;
}

/* Looks are counted, not time: what this process does between two, or waits for a processor, is no
 * silence of the server's. */
static bool must_wait_for_turn(struct origin *origin, uint64_t now_ns)
{
    if (!is_queue_full(origin))
        return false;
    if (origin->looked_ns > 0 && now_ns - origin->looked_ns < DIAL_LOOK_NS)
        return true;
    origin->looks += origin->looked_ns > 0;
    origin->looked_ns = now_ns;
    if (origin->looks < looks_most(origin))
        return true;
    origin->turns = (uint8_t)(is_far(origin) ? TURNS_ANY : origin->turns + 1);
    turn_goes_on(origin);
    return is_queue_full(origin);
}

static void begin_turn(struct origin *origin, struct dial *dial)
{
    dial->turn = ++origin->opened;
    turn_goes_on(origin);
}

/* Listen queues are taken from in their order. */
void dial_take_turn(struct dials *dials, uint32_t slot)
{
    struct dial *dial = dial_at(dials, slot);
    struct origin *origin = origin_of(dials, slot);
    if ((int32_t)(dial->turn - origin->accepted) > 0)
        origin->accepted = dial->turn;
    if (origin->accepted == origin->opened)
        origin->turns = TURNS_FIRST;
    turn_goes_on(origin);
    dial->turn = 0;
}

void dial_is_near(struct dials *dials, uint32_t slot)
{
    origin_of(dials, slot)->is_near = true;
}

static const union resolver_address *find_next(const struct dials *dials,
                                               const struct origin *origin, struct tried *tried,
                                               uint32_t *ret_full)
{
    const struct crowds *crowds = &dials->crowds;
    const union resolver_address *next = places_next_free(&origin->places, tried, crowds, ret_full);
    if (!next && *ret_full == NO_CROWD && !origin->lookup && tried_begin_round(tried))
        next = places_next_free(&origin->places, tried, crowds, ret_full);
    return next;
}

uint32_t dial_crowd(const struct dials *dials, uint32_t index, const struct tried *tried,
                    uint64_t now_ns)
{
    uint32_t full = NO_CROWD;
    struct origin *origin = &dials->origins->list[index];
    bool is_known = origin->state == ORIGIN_KNOWN && now_ns < origin->expires_ns;
    if (is_known && must_wait_for_turn(origin, now_ns))
        return dials->turn_crowd;
    if (is_known && places_next_free(&origin->places, tried, &dials->crowds, &full))
        return NO_CROWD;
    return full;
}

static bool tell_crowded(struct dials *dials, uint32_t slot, uint32_t crowd,
                         struct dial_news *ret_news)
{
    dial_at(dials, slot)->state = DIAL_BARRED;
    tell(ret_news, DIAL_FAILED, slot);
    ret_news->is_crowded = true;
    ret_news->crowd = crowd;
    return true;
}

/* True: there is news of it; it is begun, or no address is left. */
static bool dial_connect(struct dials *dials, uint32_t slot, struct dial_news *ret_news)
{
    static const struct failure none = {HAUL_CONNECT, "no other address is left to try", 0};
    static const struct failure other_family = {
        HAUL_CONNECT, "no address is of the one family that is asked for", 0};
    static const struct failure denied = {
        HAUL_DENIED, "every address of the host is denied, and nothing was sent", 0};
    struct dial *dial = dial_at(dials, slot);
    struct origin *origin = origin_of(dials, slot);
    const union resolver_address *next;
    uint32_t full;
    if (must_be_held(origin, dial)) {
        line_insert(dials, slot, DIAL_HELD);
        return false;
    }
    if (is_queue_full(origin) && dial->rival == NO_SLOT)
        return tell_crowded(dials, slot, dials->turn_crowd, ret_news);
    dial->state = DIAL_NONE;
    while ((next = find_next(dials, origin, dial->tried, &full))) {
        dial->address = *next;
        tried_add(dial->tried, &dial->address);
        int error = -open_link(dials->links, slot, &dial->address);
        if (!error) {
            crowds_join(&dials->crowds, slot, &dial->address);
            dial->state = DIAL_CONNECTING;
            origin->connecting++;
            begin_turn(origin, dial);
            dials->connects++;
            return tell(ret_news, DIAL_BEGUN, slot);
        }
        if (link_is_shortage(error))
            return tell_untried(dials, slot, error, ret_news);
        take_failure(dials, slot, "no socket of the address's family, or none that could be bound",
                     error);
    }
    if (full != NO_CROWD)
        return tell_crowded(dials, slot, full, ret_news);
    if (origin->lookup) { /* the other family's addresses are still to come */
        line_insert(dials, slot, DIAL_RESOLVING);
        return false;
    }
    dial->state = DIAL_BARRED;
    if (dial->tried->last.message)
        return tell_failure(ret_news, slot, &dial->tried->last);
    if (origin->is_denied)
        return tell_failure(ret_news, slot, &denied);
    bool is_bare = origin->places.addresses.count == 0;
    bool is_other_family = is_bare && dials->origins->source.family != AF_UNSPEC;
    return tell_failure(ret_news, slot, is_other_family ? &other_family : &none);
}

bool dial_has_another(const struct dials *dials, uint32_t slot)
{
    const struct dial *dial = dial_at(dials, slot);
    const struct origin *origin = origin_of(dials, slot);
    if (dial->state != DIAL_CONNECTING)
        return false;
    return places_next(&origin->places, dial->tried) || tried_has_round(dial->tried) ||
           (origin->lookup && dial->rival == NO_SLOT); /* which is then waited for */
}

bool dial_may_have_another(const struct dials *dials, uint32_t slot)
{
    bool is_connecting = dial_at(dials, slot)->state == DIAL_CONNECTING;
    return dial_has_another(dials, slot) || (is_connecting && origin_of(dials, slot)->lookup);
}

static bool on_refused(struct dials *dials, uint32_t slot, int error, struct dial_news *ret_news)
{
    struct dial *dial = dial_at(dials, slot);
    if (is_shortage(dials, dial, error))
        return tell_untried(dials, slot, error, ret_news);
    take_failure(dials, slot, "the connection was refused or failed", error);
    tell_failure(ret_news, slot, &dial->tried->last);
    ret_news->has_another = dial_has_another(dials, slot);
    if (!ret_news->has_another && dial->rival == NO_SLOT)
        origin_open(dials, origin_of(dials, slot));
    return true;
}

uint64_t dial_delay_ns(const struct dials *dials, uint32_t slot)
{
    return DIAL_DELAY_NS << 2 * dial_at(dials, slot)->tried->round;
}

void dial_is_late(struct dials *dials, uint32_t slot)
{
    dial_at(dials, slot)->is_late = true;
}

void dial_give_up(struct dials *dials, uint32_t slot)
{
    struct dial *dial = dial_at(dials, slot);
    if (dial->state != DIAL_CONNECTING)
        return;
    dials->lost++;
    tried_give_up(dial->tried, &dial->address);
}

/* --- addresses -------------------------------------------------------------------------------- */

static bool dial_resolve(struct dials *dials, uint32_t slot, uint64_t now_ns,
                         struct dial_news *ret_news)
{
    struct dial *dial = dial_at(dials, slot);
    struct origin *origin = origin_of(dials, slot);
    line_insert(dials, slot, DIAL_RESOLVING);
    if (origin->state == ORIGIN_RESOLVING)
        return false;
    origin->state = ORIGIN_RESOLVING;
    if (origin->lookup) /* what it knew has expired before it was complete */
        resolver_forget(dials->resolver, origin->lookup);
    origin->lookup = NULL;
    int error = resolver_lookup(dials->resolver, dial->origin, origin->target.host,
                                origin->target.port, &origin->lookup);
    if (!error)
        return false;
    struct resolver_answer answer = {
        .id = dial->origin,
        .error = error,
        .message = error == -ENODEV
                       ? "the zone of the IPv6 literal is no network interface of this machine"
                       : "the name service cannot be used",
    };
    dial_answer(dials, &answer, now_ns);
    return dial_next(dials, &answer, ret_news);
}

bool dial_begin(struct dials *dials, uint32_t slot, uint32_t origin_index, struct tried *tried,
                uint32_t rival, uint64_t now_ns, struct dial_news *ret_news)
{
    struct dial *dial = dial_at(dials, slot);
    const struct origin *origin = &dials->origins->list[origin_index];
    assert(dial->state == DIAL_NONE);
    dial->origin = origin_index;
    dial->tried = tried;
    dial->rival = rival;
    dial->is_late = false;
    if (rival != NO_SLOT) {
        assert(dial_at(dials, rival)->rival == NO_SLOT);
        dial_at(dials, rival)->rival = slot;
    }
    if (origin->state == ORIGIN_KNOWN && now_ns < origin->expires_ns)
        return dial_connect(dials, slot, ret_news);
    return dial_resolve(dials, slot, now_ns, ret_news);
}

/* The second answer of a lookup has the addresses of the first too. */
void dial_answer(struct dials *dials, const struct resolver_answer *answer, uint64_t now_ns)
{
    struct origin *origin = &dials->origins->list[answer->id];
    origin->state = answer->error ? ORIGIN_UNKNOWN : ORIGIN_KNOWN;
    if (!answer->has_more)
        origin->lookup = NULL;
    if (answer->error) /* a connect may still be under way to one of those of before */
        return;
    origin_renew(dials->origins, origin, &answer->addresses);
    origin->is_open &= places_have_proven(&origin->places);
    origin->expires_ns = now_ns + (uint64_t)answer->addresses.ttl_s * 1000000000;
    loosen(dials, &origin->waiting, true);
}

bool dial_next(struct dials *dials, const struct resolver_answer *answer,
               struct dial_news *ret_news)
{
    if (answer && answer->error) { /* who waits stands there until it is forgotten */
        uint32_t slot = dials->origins->list[answer->id].waiting;
        struct failure failure = {HAUL_RESOLVE, answer->message, -answer->error};
        if (slot != NO_SLOT && link_is_shortage(-answer->error))
            return tell_shortage(slot, -answer->error, ret_news);
        if (slot != NO_SLOT)
            return tell_failure(ret_news, slot, &failure);
    }
    while (dials->loose != NO_SLOT) {
        uint32_t slot = dials->loose;
        line_remove(dials, slot);
        if (dial_connect(dials, slot, ret_news))
            return true;
    }
    return false;
}

/* It is under way no more. Who of those held is the next to try, where none has won? */
static void end_connecting(struct dials *dials, uint32_t slot)
{
    struct origin *origin = origin_of(dials, slot);
    assert(origin->connecting > 0);
    origin->connecting--;
    if (!origin->is_open && origin->connecting == 0)
        loosen(dials, &origin->held, false);
}

/* With the last one that waits for the addresses their lookup goes, which may not have begun. */
static void end_waiting(struct dials *dials, uint32_t slot)
{
    struct origin *origin = origin_of(dials, slot);
    line_remove(dials, slot);
    if (origin->waiting != NO_SLOT || origin->state != ORIGIN_RESOLVING)
        return;
    resolver_forget(dials->resolver, origin->lookup);
    origin->lookup = NULL;
    origin->state = ORIGIN_UNKNOWN;
}

void dial_forget(struct dials *dials, uint32_t slot)
{
    struct dial *dial = dial_at(dials, slot);
    if (dial->state == DIAL_CONNECTING) {
        if (dial->is_late)
            places_rank(&origin_of(dials, slot)->places, &dial->address, PLACE_BAD);
        end_connecting(dials, slot);
    } else if (is_in_line(dial)) {
        end_waiting(dials, slot);
    }
    if (dial->rival != NO_SLOT)
        dial_at(dials, dial->rival)->rival = NO_SLOT;
    dial->rival = NO_SLOT;
    dial->state = DIAL_NONE;
}

/* --- events ----------------------------------------------------------------------------------- */

static bool on_connected(struct dials *dials, uint32_t slot, struct dial_news *ret_news)
{
    struct dial *dial = dial_at(dials, slot);
    struct origin *origin = origin_of(dials, slot);
    if (dial->rival != NO_SLOT)
        dials->lost += dial_at(dials, dial->rival)->state == DIAL_CONNECTING;
    dials->has_ipv6 |= dial->address.any.sa_family == AF_INET6;
    places_rank(&origin->places, &dial->address, PLACE_PROVEN);
    origin_open(dials, origin);
    turn_goes_on(origin);
    end_connecting(dials, slot);
    dial->state = origin->is_https ? DIAL_CONNECTED_BARE : DIAL_NONE;
    return tell(ret_news, origin->is_https ? DIAL_CONNECTED : DIAL_READY, slot);
}

bool dial_secure(struct dials *dials, uint32_t slot, struct dial_news *ret_news)
{
    struct dial *dial = dial_at(dials, slot);
    const struct origin *origin = origin_of(dials, slot);
    struct links *links = dials->links;
    struct haul_open_error why = {.message = "there is no entropy, or no memory, for TLS"};
    const struct secure_peer peer = {
        .host = {origin->host, origin->host_length},
        .port = origin->port,
        .session = origin->has_session ? &origin->session : NULL,
        .is_anonymous = origin->is_anonymous,
        .is_moved = origin->is_moved,
    };
    assert(dial->state == DIAL_CONNECTED_BARE);
    dial->state = DIAL_SECURING;
    int error = secure_open(links->secure, dials->options, dials->count, &why);
    if (!error && link_secure(links, slot, &peer))
        return false;
    struct failure failure = {HAUL_TLS, why.message, -error};
    tell_failure(ret_news, slot, &failure);
    ret_news->detail = why.detail;
    return true;
}

/* The handshake is done: its session and its keys are kept. */
static bool on_ready(struct dials *dials, uint32_t slot, struct dial_news *ret_news)
{
    struct origin *origin = origin_of(dials, slot);
    struct tls *tls = link_at(dials->links, slot)->tls;
    assert(dial_at(dials, slot)->state == DIAL_SECURING);
    dial_at(dials, slot)->state = DIAL_NONE;
    dial_is_answered(dials, slot);
    origin->has_session = tls_get_session(tls, &origin->session);
    secure_log_keys(dials->links->secure, tls);
    return tell(ret_news, DIAL_READY, slot);
}

/* Without a handshake there is nothing to be complete. */
static bool on_handshake_end(struct dials *dials, const struct link_event *event,
                             struct dial_news *ret_news)
{
    struct failure failure = {HAUL_TLS, "the connection failed during the TLS handshake",
                              event->error};
    struct tls *tls = link_at(dials->links, event->link)->tls;
    if (event->end != LINK_BROKEN)
        failure = link_failure(dials->links, event);
    tell_failure(ret_news, event->link, &failure);
    secure_log_keys(dials->links->secure, tls);
    ret_news->is_moved = event->end != LINK_EARLY && secure_moves(dials->links->secure, tls);
    if (ret_news->is_moved) {
        origin_of(dials, event->link)->is_moved = true;
        return true;
    }
    ret_news->is_lost = event->end == LINK_BROKEN || event->end == LINK_CUT;
    bool is_by_tls = event->end != LINK_BROKEN && event->end != LINK_EARLY;
    enum tls_error error = is_by_tls ? tls_failure(tls).error : TLS_OK;
    if (error == TLS_PIN)
        ret_news->detail = HAUL_DETAIL_PIN;
    if (error == TLS_CERTIFICATE)
        ret_news->detail = HAUL_DETAIL_CERTIFICATE;
    return true;
}

/* Of a failed send the peer's answer, or the reason, may still be readable. */
static bool on_sent(uint32_t slot, int error, struct dial_news *ret_news)
{
    struct failure failure = {HAUL_SEND, "the connection failed while the request was sent", error};
    return link_is_shortage(error) && tell_failure(ret_news, slot, &failure);
}

bool dial_take(struct dials *dials, const struct link_event *event, struct dial_news *ret_news)
{
    switch (event->kind) {
    case LINK_CONNECTED:
        return on_connected(dials, event->link, ret_news);
    case LINK_READY:
        return on_ready(dials, event->link, ret_news);
    case LINK_SENT:
        return on_sent(event->link, event->error, ret_news);
    case LINK_END:
        return event->end == LINK_REFUSED ? on_refused(dials, event->link, event->error, ret_news)
                                          : on_handshake_end(dials, event, ret_news);
    case LINK_BYTES: /* not before it is ready */
    case LINK_CLOSED:
        break;
    }
    return false;
}
