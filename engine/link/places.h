#ifndef ENGINE_LINK_PLACES_H
#define ENGINE_LINK_PLACES_H

/* The addresses of an origin in the order to try them, with what is known of each; and which of
 * them a request has tried. */

#include "engine/failure.h"
#include "engine/link/resolver.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum { TRIED_MAX = 16, TRIED_FURTHER_MAX = TRIED_MAX - 1 };

enum place_rank {
    PLACE_UNKNOWN,
    PLACE_PROVEN, /* has accepted a connection */
    PLACE_BAD,    /* refused the last one, or was silent */
};

struct places {
    struct resolver_addresses addresses;
    uint8_t ranks[RESOLVER_ADDRESSES_MAX]; /* of each, an enum place_rank */
};

/* New addresses, of which those that were known before keep their rank: the proven ones lead, in
 * their order, the bad ones come last. */
void places_renew(struct places *places, const struct resolver_addresses *addresses);

/* What has become of an address, which may be none of them any more. */
void places_rank(struct places *places, const union resolver_address *address,
                 enum place_rank rank);

bool places_have_proven(const struct places *places);

/* An address apart from its port, of IPv4 as it is mapped into IPv6. */
struct place {
    struct in6_addr ip;
    uint32_t zone;
};

/* What one request has tried: addresses themselves, whatever becomes of the lists they stood in.
 * Mostly there is one: the further ones lie elsewhere, in memory that is touched with them. */
struct tried {
    struct failure last; /* of an attempt; its message is NULL where none has failed */
    uint8_t count;
    uint8_t round;
    uint16_t given_up; /* a bit each: silent, and left for another that was not tried */
    struct place first;
    struct place *further; /* room for TRIED_FURTHER_MAX */
};

/* further is the caller's. */
void tried_reset(struct tried *tried, struct place *further);
void tried_add(struct tried *tried, const union resolver_address *address);

/* It was not tried after all. */
void tried_remove(struct tried *tried, const union resolver_address *address);

/* It may be tried again when all others have been. */
void tried_give_up(struct tried *tried, const union resolver_address *address);

/* The address to try next; NULL: none is left. */
const union resolver_address *places_next(const struct places *places, const struct tried *tried);

/* Behind that: those that were given up are to be tried again. False: there are none. */
bool tried_begin_round(struct tried *tried);

/* --- how many connections there are to an address, where they are limited --------------------- */

#define NO_CROWD UINT32_MAX

struct crowd {
    struct place place;
    uint32_t count; /* connections; 0: it is nobody's */
    uint32_t next;  /* of the same bucket, or of those that are nobody's */
};

/* Memory of the caller's, zero-filled: as many crowds, and slots, as there are connections. */
struct crowds {
    struct crowd *list;
    uint32_t *buckets; /* of bucket_mask + 1 */
    uint32_t *of_slot; /* counted from 1; 0: of none */
    uint32_t bucket_mask;
    uint32_t free;
    uint32_t touched;
    uint32_t most; /* connections to one address, whatever the port; 0: any number */
};

/* The crowd of an address that has as many as it may have; NO_CROWD: it may have another. */
uint32_t crowds_full(const struct crowds *crowds, const union resolver_address *address);

/* The slot is one of the address's from now on. crowds_leave() gives its crowd, which may have
 * another one then; NO_CROWD: it was none's. */
void crowds_join(struct crowds *crowds, uint32_t slot, const union resolver_address *address);
uint32_t crowds_leave(struct crowds *crowds, uint32_t slot);

/* The address to try next that may have another connection; NULL: none is left, or those that are
 * have as many as they may have: *ret_full is then the crowd of the first. */
const union resolver_address *places_next_free(const struct places *places,
                                               const struct tried *tried,
                                               const struct crowds *crowds, uint32_t *ret_full);

static inline bool tried_has_round(const struct tried *tried)
{
    return tried->given_up != 0;
}

#endif
