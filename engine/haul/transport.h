#ifndef HAUL_TRANSPORT_H
#define HAUL_TRANSPORT_H

/* Options of connections: where they come from, and what is spoken on them. A part of haul.h, which
 * includes it. */

struct haul_transport {
    const char *interface; /* to connect from: an interface's name, by which is then sent whatever
                              the routes say (where SO_BINDTODEVICE is not allowed, from its
                              address), or an address of this machine, and then over its family
                              alone; "if!NAME" and "host!ADDRESS" say which is meant. Copied; NULL:
                              as the routes say */
    uint32_t ip_family;    /* 4 or 6: over no other are connections; 0: over both */
    uint32_t http_version; /* 10: requests are of HTTP/1.0, each over a connection of its own unless
                              a field says Connection: keep-alive; 0 and 11: of HTTP/1.1 */
    bool eager; /* each reply is taken as it comes. Else, with 32 requests or more under way, the
                   engine waits for several at once, at most 1 ms: that saves wake-ups, and a lone
                   reply may be told so much later */
};

#endif
