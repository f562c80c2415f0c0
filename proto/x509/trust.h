#ifndef PROTO_X509_TRUST_H
#define PROTO_X509_TRUST_H

/* PEM to trust anchors: the certificates that a path may end in. Filled once, then read-only, so
 * that all connections share it. */

#include "proto/x509/certificate.h"

struct trust;

/* A store to be filled. NULL: no memory. */
struct trust *trust_open(void);

/* trust may be NULL. */
void trust_close(struct trust *trust);

/* Adds every certificate of a PEM text (copied); one that is there already is not added again.
 * ret_count (may be NULL): how many certificates the text had. ret_bad_count (may be NULL): how
 * many blocks that call themselves certificates are none, and were passed over. Other blocks (keys)
 * do not count. What trust_find gave before is no longer valid. Error: -ENOMEM. */
int trust_add_pem(struct trust *trust, struct span pem, size_t *ret_count, size_t *ret_bad_count);

/* How many anchors there are. */
size_t trust_count(const struct trust *trust);

/* The anchors with this subject (the whole DER of its Name, compared by name_equal()), by its hash.
 * *cursor starts at 0; NULL where there are no more. */
const struct certificate *trust_find(const struct trust *trust, struct span subject,
                                     size_t *cursor);

/* Is this very certificate, byte by byte, in the store? */
bool trust_has(const struct trust *trust, const struct certificate *certificate);

#endif
