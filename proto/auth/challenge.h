#ifndef PROTO_AUTH_CHALLENGE_H
#define PROTO_AUTH_CHALLENGE_H

/* The value of a WWW-Authenticate, part by part (RFC 9110, 11.6.1): a scheme, then its parameters,
 * then the next scheme. */

#include "proto/span.h"

enum challenge_kind {
    CHALLENGE_SCHEME, /* name; value: its token68, mostly empty */
    CHALLENGE_PARAMETER,
    CHALLENGE_END,
    CHALLENGE_BAD, /* the rest cannot be read */
};

struct challenge_part {
    struct span name;
    struct span value; /* of a quoted string without its quotes, but with its backslashes */
    bool is_quoted;
};

/* Cuts the next part off *value. */
enum challenge_kind challenge_next(struct span *value, struct challenge_part *ret_part);

/* Writes what a part's value says, at most value.length bytes; returns how many. */
size_t challenge_value_write(const struct challenge_part *part, char *buffer);

#endif
