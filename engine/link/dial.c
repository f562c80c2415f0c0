/* Owns the slots on their way to a link. The hard idea is who asks for addresses: the first slot
 * that needs an origin's begins the one lookup, all others wait with it, and with the last that
 * waits the lookup goes. An address that accepted a connection is the origin's preferred one, with
 * which the next dial begins. */

#include "engine/link/dial.h"
#include "proto/tls/tls.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

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
    case DIAL_CONNECTING:
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

/* False: it is under way. */
static bool dial_connect(struct dials *dials, uint32_t slot, struct dial_news *ret_news)
{
    struct dial *dial = dial_at(dials, slot);
    const struct origin *origin = origin_of(dials, slot);
    const struct resolver_addresses *addresses = &origin->addresses;
    assert(addresses->count > 0 && addresses->count <= RESOLVER_ADDRESSES_MAX);
    dial->state = DIAL_CONNECTING;
    dial->address = (uint8_t)((origin->preferred + dial->attempt) % addresses->count);
    int error = -open_link(dials->links, slot, &addresses->list[dial->address]);
    if (!error) {
        dials->connects++;
        return false;
    }
    struct failure failure = {HAUL_CONNECT, "no socket of the address's family", error};
    bool is_shortage = link_is_shortage(error);
    if (is_shortage)
        failure =
            (struct failure){HAUL_RESOURCE, "no descriptor for another connection is left", error};
    tell_failure(ret_news, slot, &failure);
    ret_news->is_shortage = is_shortage;
    return true;
}

static bool on_refused(struct dials *dials, uint32_t slot, int error, struct dial_news *ret_news)
{
    struct failure failure = {HAUL_CONNECT, "the connection was refused or failed", error};
    tell_failure(ret_news, slot, &failure);
    uint32_t tried = dial_at(dials, slot)->attempt + 1u;
    ret_news->has_another = tried < origin_of(dials, slot)->addresses.count;
    return true;
}

/* --- addresses -------------------------------------------------------------------------------- */

static void waiting_insert(struct dials *dials, struct origin *origin, uint32_t slot)
{
    struct dial *dial = dial_at(dials, slot);
    assert(origin->waiting != slot);
    dial->previous = NO_SLOT;
    dial->next = origin->waiting;
    if (dial->next != NO_SLOT)
        dial_at(dials, dial->next)->previous = slot;
    origin->waiting = slot;
}

static void waiting_remove(struct dials *dials, struct origin *origin, uint32_t slot)
{
    struct dial *dial = dial_at(dials, slot);
    assert(dial->state == DIAL_RESOLVING);
    uint32_t *to =
        dial->previous == NO_SLOT ? &origin->waiting : &dial_at(dials, dial->previous)->next;
    assert(*to == slot);
    assert(dial->next == NO_SLOT || dial_at(dials, dial->next)->previous == slot);
    *to = dial->next;
    if (dial->next != NO_SLOT)
        dial_at(dials, dial->next)->previous = dial->previous;
}

static bool dial_resolve(struct dials *dials, uint32_t slot, uint64_t now_ns,
                         struct dial_news *ret_news)
{
    struct dial *dial = dial_at(dials, slot);
    struct origin *origin = origin_of(dials, slot);
    dial->state = DIAL_RESOLVING;
    waiting_insert(dials, origin, slot);
    if (origin->state == ORIGIN_RESOLVING)
        return false;
    assert(dial->next == NO_SLOT);
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

bool dial_begin(struct dials *dials, uint32_t slot, uint32_t origin_index, uint32_t attempt,
                uint64_t now_ns, struct dial_news *ret_news)
{
    struct dial *dial = dial_at(dials, slot);
    const struct origin *origin = &dials->origins->list[origin_index];
    assert(dial->state == DIAL_NONE && attempt < RESOLVER_ADDRESSES_MAX);
    dial->origin = origin_index;
    dial->attempt = (uint8_t)attempt;
    if (origin->state == ORIGIN_KNOWN && now_ns < origin->expires_ns)
        return dial_connect(dials, slot, ret_news);
    return dial_resolve(dials, slot, now_ns, ret_news);
}

/* The index of the address that was preferred, in the new ones; the first if it is not there. */
static uint32_t find_preferred(const struct origin *origin,
                               const struct resolver_addresses *addresses)
{
    const union resolver_address *preferred = &origin->addresses.list[origin->preferred];
    for (uint32_t i = 0; i < addresses->count && origin->addresses.count > 0; i++)
        if (memcmp(&addresses->list[i], preferred, sizeof *preferred) == 0)
            return i;
    return 0;
}

/* The second answer of a lookup has the addresses of the first too. */
void dial_answer(struct dials *dials, const struct resolver_answer *answer, uint64_t now_ns)
{
    struct origin *origin = &dials->origins->list[answer->id];
    bool is_second = origin->state == ORIGIN_KNOWN;
    origin->state = answer->error ? ORIGIN_UNKNOWN : ORIGIN_KNOWN;
    if (!answer->has_more)
        origin->lookup = NULL;
    if (answer->error) /* a connect may still be under way to one of those of before */
        return;
    origin->preferred = is_second ? find_preferred(origin, &answer->addresses) : 0;
    origin->addresses = answer->addresses;
    origin->expires_ns = now_ns + (uint64_t)answer->addresses.ttl_s * 1000000000;
}

/* Those that connect now have no news yet. */
bool dial_next(struct dials *dials, const struct resolver_answer *answer,
               struct dial_news *ret_news)
{
    struct origin *origin = &dials->origins->list[answer->id];
    struct failure failure = {HAUL_RESOLVE, answer->message, -answer->error};
    while (origin->waiting != NO_SLOT) {
        uint32_t slot = origin->waiting;
        if (answer->error) /* it stands there until it is forgotten */
            return tell_failure(ret_news, slot, &failure);
        waiting_remove(dials, origin, slot);
        if (dial_connect(dials, slot, ret_news))
            return true;
    }
    return false;
}

/* With the last one that waits for the addresses their lookup goes, which may not have begun. */
void dial_forget(struct dials *dials, uint32_t slot)
{
    struct dial *dial = dial_at(dials, slot);
    struct origin *origin = origin_of(dials, slot);
    if (dial->state == DIAL_RESOLVING) {
        waiting_remove(dials, origin, slot);
        if (origin->waiting == NO_SLOT && origin->state == ORIGIN_RESOLVING) {
            resolver_forget(dials->resolver, origin->lookup);
            origin->lookup = NULL;
            origin->state = ORIGIN_UNKNOWN;
        }
    }
    dial->state = DIAL_NONE;
}

/* --- events ----------------------------------------------------------------------------------- */

static bool on_connected(struct dials *dials, uint32_t slot, struct dial_news *ret_news)
{
    struct dial *dial = dial_at(dials, slot);
    struct origin *origin = origin_of(dials, slot);
    assert(dial->state == DIAL_CONNECTING);
    origin->preferred = dial->address < origin->addresses.count ? dial->address : 0;
    dial->state = origin->is_https ? DIAL_CONNECTED_BARE : DIAL_NONE;
    return tell(ret_news, origin->is_https ? DIAL_CONNECTED : DIAL_READY, slot);
}

bool dial_secure(struct dials *dials, uint32_t slot, struct dial_news *ret_news)
{
    struct dial *dial = dial_at(dials, slot);
    const struct origin *origin = origin_of(dials, slot);
    struct links *links = dials->links;
    struct span host = {origin->host, origin->host_length};
    struct haul_open_error why = {.message = "the kernel gives no entropy"};
    assert(dial->state == DIAL_CONNECTED_BARE);
    dial->state = DIAL_SECURING;
    int error = secure_open(links->secure, dials->options, dials->count, &why);
    if (!error && link_secure(links, slot, host, origin->has_session ? &origin->session : NULL))
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
    const struct tls *tls = link_at(dials->links, slot)->tls;
    assert(dial_at(dials, slot)->state == DIAL_SECURING);
    dial_at(dials, slot)->state = DIAL_NONE;
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
    const struct tls *tls = link_at(dials->links, event->link)->tls;
    if (event->end != LINK_BROKEN)
        failure = link_failure(dials->links, event);
    tell_failure(ret_news, event->link, &failure);
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
