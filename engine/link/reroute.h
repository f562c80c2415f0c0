#ifndef ENGINE_LINK_REROUTE_H
#define ENGINE_LINK_REROUTE_H

/* Connections that go elsewhere than the URL says: another host and port (haul_options.connect_to),
 * or addresses that are given and not looked up (haul_options.resolve). Only the connection is
 * concerned: the Host field, SNI and the certificate remain those of the URL. */

#include "engine/haul.h"
#include "engine/link/resolver.h"
#include "proto/http/url.h"

#include <stddef.h>
#include <stdint.h>

enum { REROUTE_EXPIRY_S = 60 }; /* of the addresses given with '+' */

/* What a connection is made to. */
struct reroute_target {
    const char *host; /* lower case, zero-terminated, an IPv6 literal without its brackets */
    enum url_host_kind kind;
    uint16_t port;
};

/* Addresses that were given. */
struct reroute_addresses {
    struct resolver_addresses addresses;
    uint64_t expires_ns; /* UINT64_MAX: never */
};

struct reroute {
    struct connect_rule *connects; /* in the order given */
    size_t connect_count;
    struct resolve_rule *resolves; /* one a host and port */
    size_t resolve_count;
};

/* Reads both lists, which end with NULL or are NULL. Errors: -EINVAL, ret_why then says what is
 * wrong, and with which element; -ENOMEM. On failure nothing is held. */
int reroute_init(struct reroute *reroute, const char *const *connect_to, const char *const *resolve,
                 uint64_t now_ns, struct haul_open_error *ret_why);
void reroute_deinit(struct reroute *reroute);

/* Changes target, the host and port of a URL, into what to connect to; its host is then the
 * reroute's. Returns the addresses given for that; NULL: none are. */
const struct reroute_addresses *reroute_find(const struct reroute *reroute,
                                             struct reroute_target *target);

#endif
