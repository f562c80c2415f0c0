#ifndef ENGINE_LINK_SOURCE_H
#define ENGINE_LINK_SOURCE_H

/* Where connections come from, if that is asked for: an interface, or an address of this machine
 * (haul_transport.interface); and of which family they are (ip_family). */

#include "engine/haul.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>

union source_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

struct source {
    int family;               /* the only one; AF_UNSPEC: either */
    char device[IF_NAMESIZE]; /* "": none */
    bool has_ipv4, has_ipv6;
    union source_address ipv4, ipv6; /* to bind to: the one asked for, or the device's */
};

/* What the options, or NULL, ask for. Errors: -EINVAL, a number is none of those allowed, or the
 * address is of another family than ip_family; -ENODEV, interface is none, nor an address of this
 * machine. ret_why says which. */
int source_init(struct source *source, const struct haul_transport *options,
                struct haul_open_error *ret_why);

/* Binds a new socket of this family. Returns 0 or a positive errno. */
int source_bind(const struct source *source, int fd, int family);

#endif
