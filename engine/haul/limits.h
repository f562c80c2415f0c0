#ifndef HAUL_LIMITS_H
#define HAUL_LIMITS_H

/* Options of a client to trust: which addresses it never connects to, how long each stage of a
 * request and the whole run may take. A part of haul.h, which includes it. */

struct haul_limits {
    const char *const *deny_addresses; /* NULL-terminated, copied: "private", an address, or a CIDR,
                                          "10.0.0.0/8": nothing is connected to these, and where a
                                          host has no others the error is DENIED. private is what
                                          IANA's special-purpose registries do not call globally
                                          reachable, and multicast. IPv6 that carries IPv4 is judged
                                          by that. NULL: none */
    int64_t deadline_ms; /* of the run, from haul_open() on. Then what has begun is a DEADLINE error
                            and what has not is NOT_STARTED (os_error ETIMEDOUT), and nothing new is
                            taken, as after haul_cancel_all(). 0 and negative: none */
    /* Beginnings a second, hops and retries among them: spaced evenly, and what was missed is not
     * made up for by a burst; above 1,000 those of 1 ms begin at once. 0: no limit. Tokens are
     * remembered of as many hosts as there are requests and connections, and 65,536 more. */
    double rate;
    double rate_per_host; /* of each host: a name and a port, of IP literals address and port */
    int64_t delay_per_host_ms; /* from one beginning to the next, at least. 0 and negative: none */
    uint32_t max_per_host; /* connections of a host, those that are idle or being closed included;
                              0: no limit. It waits for its own, and holds nobody up */
    uint32_t adaptive; /* not 0: a reply of 429 or 503 lowers what its host may have under way by
                          half, and the host waits for its Retry-After, at most 10 minutes; replies
                          of other statuses below 500 raise it again, by one a round */
    uint64_t
        max_per_address; /* connections to an address, whatever the name and the port, likewise;
                                 attempts that race count, each at its own. 0: no limit */
};

/* How long a stage may take. None counts the time of another, but for connect_ms and max_ms. 0: as
 * in the options, and in those no limit (connect_ms and max_ms: as their connect_timeout_ms and
 * max_time_ms); negative: no limit. */
struct haul_times {
    int64_t queue_ms;      /* each time it waits to begin: at first, for room, before a retry */
    int64_t resolve_ms;    /* for the addresses of a hop's host */
    int64_t connect_ms;    /* name, connection and TLS together, of each hop and try */
    int64_t tls_ms;        /* a handshake */
    int64_t first_byte_ms; /* from when a request is sent to the first byte of a reply */
    int64_t max_ms;        /* a try, redirects included */
    int64_t speed_limit;   /* bytes a second that a reply must come at, over TLS as they come; */
    int64_t speed_ms;      /* slower for so long is a DEADLINE error. Of the two one is enough: of
                              the other 0 is 1 byte, or 30 s. Counted from when the request is sent,
                              and only while haul reads: what it has paused, for want of memory, for
                              the order or since its caller is away, never stalls */
};

/* "10/s", "30/m", "5k/h", "1/d", "2/100ms": a rate, by the second in *ret_rate. A number alone is
 * taken by the second too, and *ret_has_unit is false: others take it by the hour, and who shares
 * their words may refuse it. Errors: -EINVAL, it is none. */
int haul_rate_parse(const char *text, double *ret_rate, bool *ret_has_unit);

#endif
