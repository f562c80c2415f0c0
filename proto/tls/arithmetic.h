#ifndef PROTO_TLS_ARITHMETIC_H
#define PROTO_TLS_ARITHMETIC_H

/* Arithmetic under BearSSL by libcrypto, where that is there: what needs no context of its own (who
 * does: ecdsa.h, rsa.h). What is loaded is found at each call, in about 1 us; where nothing is,
 * BearSSL's own serves. For the room's own files. */

#include "proto/span.h"

#include <bearssl.h>

/* --- hashes (hash.c) -------------------------------------------------------------------------- */

/* Of all the pieces, one behind the other; class is one of BearSSL's. SHA-256, SHA-384 and SHA-512
 * are libcrypto's, where arithmetic is not NULL: 16 KiB take 10 us by the processor's own
 * instructions, and 65 by BearSSL. */
void tls_hash(const void *arithmetic, const br_hash_class *class, const struct span *pieces,
              size_t count, unsigned char *ret_hash);

/* As BearSSL's br_tls12_sha256_prf and br_tls12_sha384_prf; libcrypto has to be built in. */
void tls_prf_sha256(void *ret_bytes, size_t length, const void *secret, size_t secret_length,
                    const char *label, size_t seed_count, const br_tls_prf_seed_chunk *seeds);
void tls_prf_sha384(void *ret_bytes, size_t length, const void *secret, size_t secret_length,
                    const char *label, size_t seed_count, const br_tls_prf_seed_chunk *seeds);

/* --- curves (x25519.c, nist.c) ---------------------------------------------------------------- */

/* ec multiplies by libcrypto from now on, in constant time, as BearSSL does, on curve25519, P-256,
 * P-384 and P-521; and likewise but for one point: what comes to zero on curve25519, as by a point
 * of small order, is refused (RFC 8422, 5.11). Two multiplications are most of a handshake whose
 * verdict is known, on P-256 970 us by BearSSL and 90 by libcrypto. */
void tls_curves_use(br_ec_impl *ec);

/* As br_ec_impl has them, on P-256, P-384 and P-521 (nist.c); on any other curve they are
 * BearSSL's own. */
uint32_t tls_nist_mul(unsigned char *point, size_t point_length, const unsigned char *scalar,
                      size_t scalar_length, int curve);
size_t tls_nist_mulgen(unsigned char *ret_point, const unsigned char *scalar, size_t scalar_length,
                       int curve);

/* --- ChaCha20-Poly1305 (chapol.c) ------------------------------------------------------------- */

/* Records of engine are encrypted and decrypted by libcrypto from now on, as BearSSL does it; short
 * ones BearSSL does itself, sooner. 16 KiB take 7 us and not 38. */
void tls_chapol_use(br_ssl_engine_context *engine);

#endif
