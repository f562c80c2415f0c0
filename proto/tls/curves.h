#ifndef PROTO_TLS_CURVES_H
#define PROTO_TLS_CURVES_H

/* Multiplication on a curve under BearSSL by libcrypto: two of them are most of a handshake whose
 * verdict is known, on P-256 970 us by BearSSL and 90 by libcrypto. For the room's own files. */

#include <bearssl.h>

/* ec multiplies by libcrypto from now on, in constant time, as BearSSL does, on curve25519, P-256,
 * P-384 and P-521; and likewise but for one point: what comes to zero on curve25519, as by a point
 * of small order, is refused (RFC 8422, 5.11). What is loaded is found at each call; where nothing
 * is, BearSSL's own serves. */
void tls_curves_use(br_ec_impl *ec);

/* As br_ec_impl has them, on P-256, P-384 and P-521 (nist.c); on any other curve they are
 * BearSSL's own. */
uint32_t tls_nist_mul(unsigned char *point, size_t point_length, const unsigned char *scalar,
                      size_t scalar_length, int curve);
size_t tls_nist_mulgen(unsigned char *ret_point, const unsigned char *scalar, size_t scalar_length,
                       int curve);

#endif
