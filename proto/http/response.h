#ifndef PROTO_HTTP_RESPONSE_H
#define PROTO_HTTP_RESPONSE_H

/* The head of a reply, from "HTTP/1.1 200 OK" to the blank line: strict RFC 9112, incremental.
 *
 * The parser copies nothing. It is given the head received so far, always from its first byte, and
 * goes on at the line where it stopped; so a head that lies in one buffer is parsed where it lies,
 * and a head that spans two is carried, by the caller, in a buffer of its own. Interim replies
 * (1xx) are skipped: the caller drops their bytes and feeds what follows. */

#include "proto/error.h"
#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    RESPONSE_HEAD_BYTES_MAX = 16000, /* a whole head: what one carry block holds */
    RESPONSE_LINE_BYTES_MAX = 12000,
    RESPONSE_FIELDS_MAX = 256,
    RESPONSE_INTERIM_MAX = 16,
};

/* How the body ends (RFC 9112, 6.3). */
enum response_framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };

struct response {
    /* facts, valid once response_feed said RESPONSE_DONE */
    uint16_t status;
    uint8_t version_minor; /* HTTP/1.<minor>: 0 or 1 */
    bool keep_alive;       /* the connection may carry another request after this body's end */
    enum response_framing framing;
    uint64_t content_length; /* where framing is FRAMING_LENGTH */
    size_t head_length;      /* of the final head, blank line included */
    uint16_t field_count;
    uint32_t keep_alive_s; /* how long the server keeps the connection, by Keep-Alive: timeout;
                              UINT32_MAX: it does not say */

    /* how far the parser is; private */
    uint32_t offset;  /* of the line being read */
    uint32_t scanned; /* bytes of that line known to hold no end */
    uint8_t interim_count;
    bool is_head_request;
    bool has_status_line;
    bool has_length;
    bool has_coding;
    bool has_close;
    bool has_keep_alive;
    uint32_t length_at; /* where the first Content-Length text lies in the head, and how long */
    uint32_t length_size;
};

enum response_progress {
    RESPONSE_MORE,    /* give me the same bytes again, with more behind them */
    RESPONSE_INTERIM, /* a 1xx head of head_length bytes ended: drop it and feed what follows */
    RESPONSE_DONE,    /* the head is the first head_length bytes */
    RESPONSE_BAD,     /* ret_error says what is wrong */
};

/* Before each reply. is_head_request: the request was HEAD, so that no body follows. */
void response_init(struct response *response, bool is_head_request);

/* head: everything received of this head so far, from its first byte (its address may differ from
 * call to call, its contents may not). Errors through ret_error: STATUS_*, HEAD_*, FIELD_*,
 * LENGTH_*, CODING_*. A fault is reported as soon as its line is complete. */
enum response_progress response_feed(struct response *response, struct span head,
                                     enum proto_error *ret_error);

/* Walks the fields of a head that response_feed accepted. cursor starts at 0. false at the end.
 * The value has no surrounding white space. */
bool response_field_next(struct span head, size_t *cursor, struct span *ret_name,
                         struct span *ret_value);

/* The reason phrase of an accepted head; may be empty. */
struct span response_reason(struct span head);

#endif
