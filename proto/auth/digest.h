#ifndef PROTO_AUTH_DIGEST_H
#define PROTO_AUTH_DIGEST_H

/* Digest (RFC 7616): which challenge is answered, and the answer. MD5 and SHA-256, as they are and
 * with -sess; qop=auth, or none at all, as in RFC 2069. */

#include "proto/error.h"
#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { DIGEST_TEXT_BYTES = 2048, DIGEST_HEX_BYTES = 64, DIGEST_CNONCE_BYTES = 64 };

enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256 };

/* A challenge that can be answered. */
struct digest_challenge {
    enum digest_algorithm algorithm;
    bool has_algorithm; /* it names one; else it is MD5 */
    bool is_session;    /* -sess */
    bool has_qop;       /* and auth is among it */
    bool has_opaque;
    bool is_stale;    /* the nonce alone was wrong */
    bool hashes_user; /* userhash=true */
    uint16_t realm_length;
    uint16_t nonce_length;
    uint16_t opaque_length;
    char text[DIGEST_TEXT_BYTES]; /* the three of them, unquoted */
};

/* The challenges of a head, field by field. Begins as zero. */
struct digest_offer {
    struct digest_challenge best; /* the strongest; of those alike the first */
    bool has_best;
    bool has_digest;      /* there is a Digest challenge, */
    enum proto_error bad; /* and this is why the first of them cannot be answered */
};

/* Takes the value of one WWW-Authenticate. */
void digest_offer_add(struct digest_offer *offer, struct span value);

struct span digest_realm(const struct digest_challenge *challenge);
struct span digest_nonce(const struct digest_challenge *challenge);
struct span digest_opaque(const struct digest_challenge *challenge);

/* What all answers to a challenge have in common. */
struct digest_session {
    char secret[DIGEST_HEX_BYTES + 1];    /* H(A1) */
    char user_hash[DIGEST_HEX_BYTES + 1]; /* where the user goes out hashed */
    char cnonce[DIGEST_CNONCE_BYTES + 1];
};

/* cnonce: at most DIGEST_CNONCE_BYTES, and nobody's to guess. With -sess it is a part of the
 * secret, which is the first answer's for good (RFC 7616, 3.4.2): so all answers have the same. */
void digest_session_init(struct digest_session *session, const struct digest_challenge *challenge,
                         struct span user, struct span password, struct span cnonce);

/* What is asked, by the bytes of its request line. count: how many answers to this nonce there are,
 * this one included. */
struct digest_request {
    struct span user; /* without control bytes */
    struct span method;
    struct span target;
    uint32_t count;
};

/* Writes the value of an Authorization into buffer, where it fits size bytes; returns its length in
 * both cases. */
size_t digest_write(const struct digest_challenge *challenge, const struct digest_session *session,
                    const struct digest_request *request, char *buffer, size_t size);

#endif
