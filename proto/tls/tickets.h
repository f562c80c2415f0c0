#ifndef PROTO_TLS_TICKETS_H
#define PROTO_TLS_TICKETS_H

/* Sessions of libssl, to be resumed. A server of TLS 1.3 gives several, each for one use (RFC 8446,
 * C.4), after the handshake and when it likes; so they are kept here, a few a place, and the newest
 * goes first. For the room's own files. */

#include "proto/tls/openssl.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ticket {
    SSL_SESSION *session; /* NULL: there is none */
    size_t certificate;
    int64_t made_s; /* these as struct tls_session has them */
    int64_t not_after_s;
    uint8_t verdict;
};

/* Whose they are. */
struct ticket_place {
    const char *host;
    uint16_t port;
    bool is_anonymous;
};

struct tickets;

/* openssl is borrowed. NULL: no memory. */
struct tickets *tickets_open(const struct openssl *openssl);

/* Wipes them. tickets may be NULL. */
void tickets_close(struct tickets *tickets);

/* Keeps one, whose reference is taken over; the oldest of the place goes where there are too many,
 * and of TLS 1.2 every older one. */
void tickets_add(struct tickets *tickets, const struct ticket_place *place,
                 const struct ticket *ticket);

/* The newest of a place that holds at now_s, with a reference of its own; one for a single use is
 * kept no longer. session NULL: there is none. */
struct ticket tickets_take(struct tickets *tickets, const struct ticket_place *place,
                           int64_t now_s);

#endif
