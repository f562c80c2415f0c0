#ifndef PROTO_HTTP_RANGE_H
#define PROTO_HTTP_RANGE_H

/* Parts of a body: which one a reply brings, and whether it is of the same body as another. */

#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

struct content_range {
    uint64_t first; /* bytes, both within the body */
    uint64_t last;
    uint64_t length; /* of the whole body, where it is known */
    bool has_length;
};

/* The Content-Range (RFC 9110, 14.4) of a head that response_feed() accepted. False: there is none,
 * there are several, or it is none of bytes. */
bool content_range_find(struct span head, struct content_range *ret);

/* The entity-tag of such a head, its quotes included, where it is a strong one: only of those two
 * that are alike say that bodies are, byte for byte (RFC 9110, 8.8.3.2). Empty: there is none. */
struct span strong_etag_find(struct span head);

/* Has such a head a Content-Encoding, be it "identity"? Then bytes may differ from what the tag
 * says of them, as with servers that compress what goes out. */
bool has_content_encoding(struct span head);

#endif
