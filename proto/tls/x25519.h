#ifndef PROTO_TLS_X25519_H
#define PROTO_TLS_X25519_H

/* x25519 under BearSSL by libcrypto: two of them were most of a handshake whose verdict is known.
 * For the room's own files. */

#include <bearssl.h>

/* ec multiplies on curve25519 by libcrypto from now on, in constant time, as BearSSL does; and
 * likewise but for one point: what comes to zero, as by a point of small order, is refused (RFC
 * 8422, 5.11). What is loaded is found at each call; where nothing is, BearSSL's own serves. */
void tls_x25519_use(br_ec_impl *ec);

#endif
