#ifndef ENGINE_LINK_DIAL_H
#define ENGINE_LINK_DIAL_H

/* Getting a link to an origin: its addresses, a connection to one of them, over https a handshake.
 * A dial is one attempt at one address and has a slot of its own, so that several may race for one
 * request; which address is the next is the caller's to say, who knows which were tried. */

#include "engine/failure.h"
#include "engine/link/link.h"
#include "engine/link/origin.h"
#include "engine/link/resolver.h"

#include <stdbool.h>
#include <stdint.h>

enum dial_state {
    DIAL_NONE,
    DIAL_RESOLVING, /* waits for its origin's addresses */
    DIAL_CONNECTING,
    DIAL_CONNECTED_BARE, /* without the handshake that it needs */
    DIAL_SECURING,       /* the handshake */
};

struct dial {
    uint32_t origin;
    uint32_t next; /* of those that wait for its origin's addresses */
    uint32_t previous;
    uint8_t state;
    uint8_t attempt; /* how many addresses were tried before */
    uint8_t address; /* which one is tried */
};

struct dials {
    struct dial *list; /* by slot, zero-filled at first */
    uint32_t count;
    struct links *links;
    struct origins *origins;
    struct resolver *resolver;
    const struct haul_tls *options; /* for secure_open(), at the first handshake */
    uint64_t connects;              /* begun */
};

enum dial_news_kind {
    DIAL_CONNECTED, /* dial_secure() is what comes next */
    DIAL_READY,     /* it can carry requests, and is a dial no more */
    DIAL_FAILED,    /* for failure; dial_forget() is still to be called */
};

struct dial_news {
    enum dial_news_kind kind;
    uint32_t slot;
    struct failure failure;
    bool has_another;        /* the origin has an address that was not tried */
    bool is_shortage;        /* of descriptors or memory, before anything was tried */
    enum haul_detail detail; /* of a failure over TLS */
};

/* Begins to get a link on a free slot, to the origin's address that comes attempt places behind the
 * preferred one. True: there is news of it at once. */
bool dial_begin(struct dials *dials, uint32_t slot, uint32_t origin, uint32_t attempt,
                uint64_t now_ns, struct dial_news *ret_news);

/* The resolver's answer: of an origin, for which its slots go on. dial_next(), until false, gives
 * their news. */
void dial_answer(struct dials *dials, const struct resolver_answer *answer, uint64_t now_ns);
bool dial_next(struct dials *dials, const struct resolver_answer *answer,
               struct dial_news *ret_news);

/* What an event of its link is news of; false: of nothing. */
bool dial_take(struct dials *dials, const struct link_event *event, struct dial_news *ret_news);

/* Behind DIAL_CONNECTED. True: it has failed at once. */
bool dial_secure(struct dials *dials, uint32_t slot, struct dial_news *ret_news);

/* Nobody wants it any more, or it has failed. Its link is the caller's to close. */
void dial_forget(struct dials *dials, uint32_t slot);

enum haul_stage dial_stage(const struct dials *dials, uint32_t slot);

#endif
