#ifndef PROTO_HTTP_BODY_H
#define PROTO_HTTP_BODY_H

/* From framing to body views, until the end: by length, chunked, or until the connection closes.
 * Framing is chosen once, in body_init; each has its reader. */

#include "proto/http/chunked.h"
#include "proto/http/response.h"

struct body {
    enum response_framing framing;
    union {
        uint64_t remaining;     /* FRAMING_LENGTH: bytes still to come */
        struct chunked chunked; /* FRAMING_CHUNKED */
    };
};

/* Chooses the reader. Returns true where the body is already complete (none, or length 0). */
bool body_init(struct body *body, const struct response *response);

/* As chunked_feed: the next view of body data at the front of in, how much of in is done with,
 * whether the body has ended. Errors: CHUNK_*, TRAILER_*. */
enum proto_error body_feed(struct body *body, struct span in, struct span *ret_data,
                           size_t *ret_consumed, bool *ret_done);

/* The connection ended (orderly, by FIN). OK where that ends the body, else BODY_TRUNCATED. */
enum proto_error body_end(const struct body *body);

#endif
