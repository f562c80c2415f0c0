#ifndef PROTO_AUTH_USERINFO_H
#define PROTO_AUTH_USERINFO_H

/* User information in a URL (RFC 3986, 3.2.1): user:password before the @. */

#include "proto/error.h"
#include "proto/span.h"

/* Where it lies in a URL that url_parse() refused with this error, were that for another reason:
 * what is before it, itself, and what is behind its @, together are the text without it. false:
 * there is none. */
bool userinfo_find(struct span text, enum proto_error error, struct span *ret_before,
                   struct span *ret_userinfo, struct span *ret_behind);

/* Decodes it into buffer, of userinfo.length bytes, as curl does: a % that no two digits follow
 * stands for itself. The password's bytes are NULL where there is no colon, the user's never.
 * Error: URL_USERINFO_CONTROL. */
enum proto_error userinfo_decode(struct span userinfo, char *buffer, struct span *ret_user,
                                 struct span *ret_password);

#endif
