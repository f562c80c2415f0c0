#ifndef PROTO_X509_PEM_H
#define PROTO_X509_PEM_H

/* PEM (RFC 7468): blocks of base64 between a BEGIN and an END line; other text is passed over. */

#include "proto/span.h"

/* Cuts the next block off *text: its label ("CERTIFICATE") and what lies between its two lines,
 * undecoded. false: there is none. A BEGIN without its END is passed over. */
bool pem_next(struct span *text, struct span *ret_label, struct span *ret_body);

/* At most so many bytes does a body of this length decode to. */
static inline size_t pem_decoded_max(size_t body_length)
{
    return body_length / 4 * 3 + 3;
}

/* Decodes the base64 of a body, white space allowed anywhere, into buffer, which has room for
 * pem_decoded_max(body.length) bytes. false: it is no base64 (as the body of an old encrypted key,
 * which begins with "Proc-Type:"). */
bool pem_decode(struct span body, char *buffer, size_t *ret_length);

#endif
