#ifndef ENGINE_LINK_ORIGIN_H
#define ENGINE_LINK_ORIGIN_H

/* The origins (scheme, host and port) in use: their addresses, their idle connections, and the
 * connections that wait for their addresses. */

#include "engine/link/deny.h"
#include "engine/link/places.h"
#include "engine/link/reroute.h"
#include "engine/link/source.h"
#include "engine/link/resolver.h"
#include "engine/memory/slab.h"
#include "proto/tls/tls.h"
#include "proto/http/url.h"

#include <stdbool.h>
#include <stdint.h>

#define NO_ORIGIN UINT32_MAX

enum origin_state { ORIGIN_UNKNOWN, ORIGIN_RESOLVING, ORIGIN_KNOWN };

struct origin {
    uint32_t hash;
    uint32_t next;  /* of the same bucket, as there */
    uint32_t newer; /* origins without connections, by age */
    uint32_t older;
    uint32_t conns;      /* that refer to it */
    uint32_t idle;       /* the connection that became idle last; NO_SLOT: none */
    uint32_t waiting;    /* dials that wait for addresses, a list like the idle one */
    uint32_t held;       /* dials that wait for another's connection, likewise */
    uint32_t connecting; /* dials under way to one of the addresses */
    bool is_open;        /* as many may be as want to: see dial.c */
    uint32_t opened;     /* connections so far, each by its number in turn, */
    uint32_t accepted;   /* up to this one the server has taken them */
    uint8_t turns;       /* enum turns: how many more may be under way */
    uint32_t looks;      /* for one of these, in vain, */
    bool is_near;        /* it has answered a request quickly */
    uint64_t looked_ns;  /* the last of these looks; 0: none */
    enum origin_state state;
    struct resolver_lookup *lookup; /* while addresses are on their way, perhaps more; or NULL */
    struct reroute_target target;   /* what is connected to: mostly host and port */
    uint64_t expires_ns;            /* of the addresses */
    struct places places;
    bool is_denied;       /* some of them were left out */
    uint64_t distrust_ns; /* it closes unannounced, and is taken to until then; 0: it does not */
    bool has_kept;        /* a connection that was idle for a while */
    struct tls_session session; /* to resume, where has_session */
    enum url_host_kind host_kind;
    uint16_t port;
    bool is_https;
    bool is_anonymous; /* as url's: connections that show no client certificate are others */
    bool is_moved;     /* it takes the other TLS backend: secure_moves() */
    bool has_session;
    uint8_t host_length;
    char host[URL_HOST_BYTES_MAX + 1]; /* lower case, zero-terminated */
};

struct origins {
    struct reroute reroute;    /* none, unless the caller fills it */
    struct source source;      /* likewise */
    struct deny deny;          /* likewise: addresses that are none of any origin's */
    struct resolver *resolver; /* the caller's too: whose lookups are forgotten with their origin */
    struct origin *list;
    uint32_t *buckets; /* counted from 1; 0: empty, so that memory is touched where one is used */
    uint32_t bucket_mask;
    uint32_t count;
    uint32_t touched; /* entries from here on were never used */
    uint32_t oldest;  /* without connections, the next to be replaced */
    uint32_t newest;
    uint32_t last; /* found last: a run often has one origin */
};

/* list: room for count; buckets: for origin_bucket_count(count), both zero-filled, the caller's. */
void origins_init(struct origins *origins, struct origin *list, uint32_t *buckets, uint32_t count);
uint32_t origin_bucket_count(uint32_t count);

/* Wipes the sessions, which are secrets: to be called before the memory is freed. One that another
 * origin takes the place of, or another session, is overwritten there and then. */
void origins_deinit(struct origins *origins);

/* It has these addresses from now on, as far as they are not denied. */
void origin_renew(struct origins *origins, struct origin *origin,
                  const struct resolver_addresses *addresses);

/* The origin of a URL, with one more connection referring to it; the one unused for longest is
 * replaced for a new one. NO_ORIGIN: connections refer to every one. */
uint32_t origin_acquire(struct origins *origins, const struct url *url);

/* One connection more refers to one that others refer to. */
void origin_share(struct origins *origins, uint32_t index);

/* One connection fewer refers to it. */
void origin_release(struct origins *origins, uint32_t index);

/* Is the URL's origin the one of this index? */
bool origin_is_of(const struct origin *origin, const struct url *url);

/* The origin of a URL where there is one, without referring to it; NO_ORIGIN. */
uint32_t origin_find(struct origins *origins, const struct url *url);

#endif
