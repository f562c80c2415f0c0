#ifndef ENGINE_LINK_DIAL_H
#define ENGINE_LINK_DIAL_H

/* Getting a link to an origin: its addresses, a connection to one of them, over https a handshake.
 * A dial is one attempt at one address and has a slot of its own; two may race for one request, as
 * RFC 8305 has it. When a second begins, and on whose slots they stand, is the caller's to say. */

#include "engine/failure.h"
#include "engine/link/link.h"
#include "engine/link/origin.h"
#include "engine/link/places.h"
#include "engine/link/resolver.h"

#include <stdbool.h>
#include <stdint.h>

/* How long an attempt is waited for before another begins beside it (RFC 8305, 5, recommends it),
 * the first time through the addresses; each time after that four times as long. */
#define DIAL_DELAY_NS UINT64_C(250000000)

/* So many connections to an origin are under way at once that its server may not have accepted: a
 * listen queue has room for 511 in nginx, and what it has no room for is tried again by the kernel
 * a second later. Who has said nothing to all of these at a few looks, so far apart, is not busy
 * accepting, but slow to answer: then twice as many are, and if that brings nothing either, as many
 * as get through; any number where none of them does, since then it is far away. */
enum { DIAL_TURN_MOST = 256 };
#define DIAL_LOOK_NS UINT64_C(2000000)
#define DIAL_NEAR_NS UINT64_C(8000000) /* from a request to its answer */

enum dial_state {
    DIAL_NONE,
    DIAL_RESOLVING, /* waits for its origin's addresses, or for more of them */
    DIAL_HELD,      /* waits for another's connection to its origin */
    DIAL_LOOSE,     /* waits for either no more: dial_next() goes on with it */
    DIAL_CONNECTING,
    DIAL_BARRED,         /* has no address to go to */
    DIAL_CONNECTED_BARE, /* without the handshake that it needs */
    DIAL_SECURING,       /* the handshake */
};

struct dial {
    union resolver_address address; /* which is tried: its own copy, for the loop to read */
    struct tried *tried;            /* the request's */
    uint32_t origin;
    uint32_t rival; /* the other attempt of its race; NO_SLOT */
    uint32_t next;  /* of those that wait for the same */
    uint32_t previous;
    uint32_t turn; /* its number among its origin's connections; 0: the server has answered */
    uint8_t state;
    bool is_late; /* it was silent for as long as it is waited for alone */
};

struct dials {
    struct dial *list; /* by slot, zero-filled at first */
    uint32_t count;
    uint32_t loose; /* the first of those that wait no more; NO_SLOT */
    struct links *links;
    struct origins *origins;
    struct resolver *resolver;
    struct crowds crowds;           /* of addresses; none, unless the caller fills it */
    const struct haul_tls *options; /* for secure_open(), at the first handshake */
    uint32_t turn_crowd;            /* what they wait for who wait for their turn to be opened */
    uint64_t connects;              /* begun */
    uint64_t lost;                  /* of them, those that were closed because another had won */
    bool has_ipv6;                  /* a connection over IPv6 has been there */
};

enum dial_news_kind {
    DIAL_BEGUN,     /* a connection is under way; dial_delay_ns() says when it is late */
    DIAL_CONNECTED, /* dial_secure() is what comes next */
    DIAL_READY,     /* it can carry requests, and is a dial no more */
    DIAL_FAILED,    /* for failure; dial_forget() is still to be called */
};

struct dial_news {
    enum dial_news_kind kind;
    uint32_t slot;
    struct failure failure;
    bool has_another;        /* there is, or will be, an address that was not tried */
    bool is_crowded;         /* those that are left have as many connections as they may have: */
    uint32_t crowd;          /* this one of the crowds, among them */
    bool is_shortage;        /* of descriptors, ports or memory: the address was not tried */
    enum haul_detail detail; /* of a failure over TLS */
    bool is_lost;            /* the handshake was cut off, by a FIN or a failing connection */
    bool is_moved;           /* the origin has another TLS backend from now on: dialed again, it may
                                succeed */
};

/* Begins to get a link on a free slot, to an address that is not among those tried; rival: of the
 * slot's race, NO_SLOT: it is alone. tried must stay until the dial is over. True: there is news of
 * it at once. */
bool dial_begin(struct dials *dials, uint32_t slot, uint32_t origin, struct tried *tried,
                uint32_t rival, uint64_t now_ns, struct dial_news *ret_news);

/* What is known of an origin's addresses that were not tried, each of which has as many connections
 * as it may have: the crowd of the first; or turn_crowd, where the origin has as many that it may
 * not have accepted: then it is to be asked for again, after DIAL_LOOK_NS at the latest. NO_CROWD:
 * one may have another, or none is known. */
uint32_t dial_crowd(const struct dials *dials, uint32_t origin, const struct tried *tried,
                    uint64_t now_ns);

/* The server has answered on the slot's connection, or that has ended: it has accepted this one,
 * and so those that came before it. To be called again and again at no cost. */
static inline void dial_is_answered(struct dials *dials, uint32_t slot);

/* So quickly that where it is silent it is rather busy than far away. */
void dial_is_near(struct dials *dials, uint32_t slot);

/* The resolver's answer: of an origin, for which its slots go on: dial_next(). */
void dial_answer(struct dials *dials, const struct resolver_answer *answer, uint64_t now_ns);

/* Until false: news of those that have waited; of those whom an answer leaves without addresses,
 * where there is one. */
bool dial_next(struct dials *dials, const struct resolver_answer *answer,
               struct dial_news *ret_news);

/* Does anything wait for dial_next()? */
static inline bool dial_has_next(const struct dials *dials)
{
    return dials->loose != NO_SLOT;
}

/* What an event of its link is news of; false: of nothing. */
bool dial_take(struct dials *dials, const struct link_event *event, struct dial_news *ret_news);

/* Behind DIAL_CONNECTED. True: it has failed at once. */
bool dial_secure(struct dials *dials, uint32_t slot, struct dial_news *ret_news);

/* How long it is waited for before another begins beside it. */
uint64_t dial_delay_ns(const struct dials *dials, uint32_t slot);

/* That time is over, or is not to be waited for. */
void dial_is_late(struct dials *dials, uint32_t slot);

/* Could another begin beside it, or in the place of its rival? Or will that be so, with the
 * addresses that are still to come? */
bool dial_has_another(const struct dials *dials, uint32_t slot);
bool dial_may_have_another(const struct dials *dials, uint32_t slot);

/* It is to be closed for another, and its address may be tried again at the end. */
void dial_give_up(struct dials *dials, uint32_t slot);

/* Nobody wants it any more, or it has failed. Its link is the caller's to close. */
void dial_forget(struct dials *dials, uint32_t slot);

enum haul_stage dial_stage(const struct dials *dials, uint32_t slot);

void dial_take_turn(struct dials *dials, uint32_t slot);

static inline void dial_is_answered(struct dials *dials, uint32_t slot)
{
    if (dials->list[slot].turn)
        dial_take_turn(dials, slot);
}

/* The other attempt of the race of a slot that is dialed, and of one that has just won it, which is
 * then to be closed; NO_SLOT: it is alone. */
static inline uint32_t dial_rival(const struct dials *dials, uint32_t slot)
{
    return dials->list[slot].rival;
}

#endif
