#ifndef PROTO_HTTP_CHUNKED_H
#define PROTO_HTTP_CHUNKED_H

/* The chunked transfer coding (RFC 9112, 7.1), decoded byte by byte where it lies: resumable at any
 * cut, strict about CR LF and digits, and, where it is told to be, about white space, extensions
 * and trailers (see PROTO_ANOMALIES); all of them are bounded. */

#include "proto/error.h"
#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { CHUNKED_LINE_BYTES_MAX = 4096, CHUNKED_TRAILER_BYTES_MAX = 16384 };

struct chunked {
    uint64_t remaining;  /* of the current chunk's data */
    uint32_t anomalies;  /* PROTO_ANOMALY_* */
    uint32_t line_bytes; /* of the size line or of the trailer section so far */
    uint8_t state;
    bool is_strict;
};

void chunked_init(struct chunked *chunked, bool is_strict);

/* Takes bytes from the front of in. *ret_data is the next piece of body found there (may be empty;
 * it lies inside in), *ret_consumed how many bytes of in are done with. Call again with the rest
 * until in is empty or *ret_done. Bytes behind the end of the body are not consumed.
 * Errors: CHUNK_*, TRAILER_*, and, where it is strict, the anomalies of chunks and of fields. */
enum proto_error chunked_feed(struct chunked *chunked, struct span in, struct span *ret_data,
                              size_t *ret_consumed, bool *ret_done);

#endif
