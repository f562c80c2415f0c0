#ifndef HAUL_LIMITS_H
#define HAUL_LIMITS_H

/* Options of a client to trust: which addresses it never connects to. A part of haul.h, which
 * includes it. */

struct haul_limits {
    const char *const *deny_addresses; /* NULL-terminated, copied: "private", an address, or a CIDR,
                                          "10.0.0.0/8": nothing is connected to these, and where a
                                          host has no others the error is DENIED. private is what
                                          IANA's special-purpose registries do not call globally
                                          reachable, and multicast. IPv6 that carries IPv4 is judged
                                          by that. NULL: none */
};

/* "10/s", "30/m", "5k/h", "1/d", "2/100ms": a rate, by the second in *ret_rate. A number alone is
 * taken by the second too, and *ret_has_unit is false: others take it by the hour, and who shares
 * their words may refuse it. Errors: -EINVAL, it is none. */
int haul_rate_parse(const char *text, double *ret_rate, bool *ret_has_unit);

#endif
