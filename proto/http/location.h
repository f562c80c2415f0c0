#ifndef PROTO_HTTP_LOCATION_H
#define PROTO_HTTP_LOCATION_H

/* Where a reply leads: its Location, against the URL that was asked for (RFC 9110, 10.2.2). */

#include "proto/error.h"
#include "proto/span.h"

#include <stdbool.h>

/* The Location of a head that response_feed() accepted; several that say the same are one, and one
 * without a value leads nowhere. Empty: there is none. Error: LOCATION_DIFFERS. */
enum proto_error location_find(struct span head, struct span *ret_value);

/* Writes the absolute URL that value means into ret_text (size bytes), as RFC 3986, 5 has it: with
 * base's fragment where it has none of its own, without user information, white space and bytes
 * beyond ASCII percent-encoded, and, unless they are to stay, without dot segments. base is a URL
 * that url_parse() accepted; what is written is still to be parsed. Errors: LOCATION_SCHEME,
 * LOCATION_BACKSLASH, LOCATION_TOO_LONG. */
enum proto_error location_resolve(struct span base, struct span value, bool keeps_dots,
                                  char *ret_text, size_t size, size_t *ret_length);

#endif
