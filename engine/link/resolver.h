#ifndef ENGINE_LINK_RESOLVER_H
#define ENGINE_LINK_RESOLVER_H

/* Host names to addresses, without ever blocking: c-ares sends and parses, the loop watches its
 * sockets, and answers are taken with resolver_next(). Nothing here calls back.
 *
 * A and AAAA are asked for apart. Addresses of one family wait for the other's for 50 ms (those of
 * IPv4 not at all where there is no way out over IPv6), and are an answer then; what comes later
 * completes it.
 *
 * What resolv.conf(5) says is obeyed: nameserver, search and domain, and of its options ndots,
 * rotate, timeout (at most 30) and attempts (at most 5). A name is asked for at one server after
 * the other, each for the time stated, and so from the beginning, as often as stated. What it
 * leaves out: the first time through the servers each has 1 s, and twice as long each other time,
 * until the patience is over; without a limit to that, seven times. A server that refuses whatever
 * it is asked, cannot be reached, or said nothing at all for its time is asked after the others
 * for 30 s. A lookup that begins a second or more after the last look at the file looks again, and
 * reads what has changed; those under way go on by what they began with.
 *
 * Only so many names are asked for at once as a socket has room for answers; the others wait in
 * their order. */

#include "engine/loop/loop.h"
#include "proto/http/url.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    RESOLVER_ADDRESSES_MAX = 8,
    RESOLVER_TTL_MIN_S = 1,
    RESOLVER_TTL_MAX_S = 3600,
};

union resolver_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

/* In the order to try them: the families alternate, beginning with that of the first address
 * answered, so that a family that leads nowhere costs one attempt and not several. */
struct resolver_addresses {
    union resolver_address list[RESOLVER_ADDRESSES_MAX];
    uint32_t count;
    uint32_t ttl_s; /* the smallest of all, RESOLVER_TTL_MIN_S … RESOLVER_TTL_MAX_S */
};

struct resolver_answer {
    uint32_t id;
    int error;           /* 0, or:
                            -ENOENT     no such name, or it has no address
                            -ETIMEDOUT  no DNS server answered within the patience
                            -ECONNREFUSED  no DNS server can be reached, or all of them fail or
                            refuse to answer
                            -EREMOTEIO  a DNS server's answer is malformed, or another failure
                            -EINVAL     not a name that can be looked up
                            -ENODEV     an IPv6 literal with a zone that is no interface here
                            -ENOMEM, -EMFILE */
    bool has_more;       /* another answer with this id follows, with these addresses and those of
                            the other family, if there are any. Never with an error. */
    const char *message; /* a static sentence; NULL where error is 0 */
    struct resolver_addresses addresses;
};

struct resolver;
struct resolver_lookup; /* from resolver_lookup() until its last answer is taken, or it is
                           forgotten */

static inline socklen_t resolver_address_length(const union resolver_address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof(address->ipv6) : sizeof(address->ipv4);
}

/* Fills ret_addresses where no lookup is needed: for the literals, and for localhost and names
 * below it (RFC 6761), which are 127.0.0.1 and ::1. false: look the name up. */
bool resolver_literal(const char *host, enum url_host_kind kind, uint16_t port,
                      struct resolver_addresses *ret_addresses);

struct resolver_options {
    const char *servers; /* "address[:port],…" instead of those of resolv.conf; NULL: those */
    int family;          /* AF_INET or AF_INET6: the only one that is asked for; 0: both are */
    const char *path;    /* of resolv.conf; NULL: /etc/resolv.conf */
    int64_t patience_ms; /* for so long a name is asked for anew, if nobody forgets it before, and
                            resolv.conf does not say how often; negative: without a limit */
};

/* The resolver's sockets use the tags first_tag … first_tag + tags - 1 of the loop, which must
 * outlive it; one or two a DNS server are enough, twice as many where resolv.conf changes, and a
 * socket beyond them is not heard. Errors: -ENOMEM; -EINVAL, servers is not such a list. */
int resolver_open(struct resolver **ret_resolver, struct loop *loop, uint32_t first_tag,
                  uint32_t tags, const struct resolver_options *options);

/* Drops the lookups under way, without answers. NULL is allowed. */
void resolver_close(struct resolver *resolver);

/* Looks host up; an answer with this id follows, perhaps at once, or two, see has_more. ret_lookup
 * may be NULL. Errors: -ENOMEM; -EIO, the system's configuration could not be read; -ENODEV, host
 * is an IPv6 literal whose zone is no interface. */
int resolver_lookup(struct resolver *resolver, uint32_t id, const char *host, uint16_t port,
                    struct resolver_lookup **ret_lookup);

/* Nobody waits for its answers any more, which will not come. It asks nothing that it has not asked
 * yet. */
void resolver_forget(struct resolver *resolver, struct resolver_lookup *lookup);

/* Takes an answer; false: none is there. */
bool resolver_next(struct resolver *resolver, struct resolver_answer *ret_answer);

/* For each LOOP_READY with one of the resolver's tags: its slot and result. */
void resolver_on_ready(struct resolver *resolver, uint32_t tag, int32_t events);

/* When resolver_on_tick() is to be called at the latest; UINT64_MAX: nothing is under way. */
uint64_t resolver_deadline_ns(const struct resolver *resolver);

/* Asks again, or gives up on, what has taken too long. */
void resolver_on_tick(struct resolver *resolver);

#endif
