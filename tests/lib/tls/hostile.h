#ifndef TESTS_LIB_TLS_HOSTILE_H
#define TESTS_LIB_TLS_HOSTILE_H

/* Certificates as a hostile server would write them: well-formed, of any size and number, with
 * signatures that are nobody's. */

#include "proto/x509/trust.h"

enum { HOSTILE_BYTES_MAX = 1 << 24 };

/* What is 0 is left out. */
struct hostile_spec {
    unsigned subject, issuer; /* names, by number */
    size_t name_bytes;        /* how long both names are; 0: short */
    unsigned key;             /* keys, by number */
    unsigned rsa_bits;        /* 0: an EC key on the curve */
    size_t exponent_bytes;    /* 0: 65537 */
    unsigned curve;           /* enum certificate_curve; 0: P-256 */
    bool is_signed_by_rsa;
    bool is_ca;
    size_t alt_names, alt_name_bytes;
    uint8_t alt_name_tag;     /* 0: dNSName */
    size_t bases, base_bytes; /* of name constraints; an address has its mask in them */
    uint8_t base_tag;         /* 0: dNSName */
    bool is_excluding;
    size_t extensions, oid_bytes; /* unknown ones */
    size_t key_id_bytes;          /* of both key identifiers, which agree */
};

/* The DER. It stays until hostile_free(), which frees all that were made. */
struct span hostile_make(const struct hostile_spec *spec);
void hostile_free(void);

/* Adds it to a store. */
void hostile_trust(struct trust *trust, struct span der);

#endif
