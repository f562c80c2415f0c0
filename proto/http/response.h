#ifndef PROTO_HTTP_RESPONSE_H
#define PROTO_HTTP_RESPONSE_H

/* The head of a reply, from "HTTP/1.1 200 OK" to the blank line: RFC 9112, incremental.
 *
 * Where the RFC tells a reader what to do, that is done. What is outside its grammar, but read
 * alike by browsers and curl, is read like that, and named in `anomalies`; read strictly, it is an
 * error. What could be read in two ways is an error in both manners.
 *
 * The parser copies nothing. It is given the head received so far, always from its first byte, and
 * goes on at the line where it stopped; so a head that lies in one buffer is parsed where it lies,
 * and a head that spans two is carried, by the caller, in a buffer of its own. Interim replies
 * (1xx) are skipped: the caller drops their bytes and feeds what follows. */

#include "proto/error.h"
#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

/* How replies are read: the manner and the limits. */
struct response_rules {
    bool is_strict;       /* each anomaly is an error */
    uint32_t max_head;    /* bytes of one head, its blank line included */
    uint32_t max_fields;  /* of one head */
    uint32_t max_interim; /* 1xx replies before the final one */
    uint32_t
        carry_above; /* reply.h: longer heads are handed out in the carry, where they can stay */
};

enum { RESPONSE_MAX_HEAD = 256 << 10, RESPONSE_MAX_FIELDS = 1000, RESPONSE_MAX_INTERIM = 100 };

/* Tolerant, with the generous limits above. */
extern const struct response_rules response_rules_default;

/* How the body ends (RFC 9112, 6.3). */
enum response_framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };

struct response {
    /* facts, valid once response_feed said RESPONSE_DONE */
    uint16_t status;
    uint8_t version_minor; /* HTTP/1.<minor>: 0 or 1 */
    bool keep_alive;       /* the connection may carry another request after this body's end */
    enum response_framing framing : 8;
    bool has_folds; /* see response_unfold() */
    bool has_keep_alive_timeout;
    bool has_content_coding; /* there is a Content-Encoding */
    uint64_t content_length; /* where framing is FRAMING_LENGTH */
    uint32_t head_length;    /* of the final head as it was received, blank line included */
    uint32_t field_count;
    uint32_t anomalies; /* PROTO_ANOMALY_*, of interim heads too; any: keep_alive is false */
    uint32_t keep_alive_timeout_s; /* the field Keep-Alive's */

    /* how far the parser is; private */
    uint32_t offset;  /* of the line being read */
    uint32_t scanned; /* bytes of that line known to hold no end */
    uint32_t interim_count;
    uint32_t length_size; /* digits of the Content-Length */
    const struct response_rules *rules;
    bool is_head_request;
    bool ends_at_head; /* whatever its fields say (RFC 9112, 6.3, item 1) */
    bool has_status_line;
    bool has_length;
    bool has_coding; /* any Transfer-Encoding that counts */
    bool has_chunked;
    bool has_close;
    bool has_keep_alive;
};

enum response_progress {
    RESPONSE_MORE,    /* give me the same bytes again, with more behind them */
    RESPONSE_INTERIM, /* a 1xx head of head_length bytes ended: drop it and feed what follows */
    RESPONSE_DONE,    /* the head is the first head_length bytes */
    RESPONSE_BAD,     /* ret_error says what is wrong */
};

/* Before each reply. rules: stay the caller's, and as they are. is_head_request: the request was
 * HEAD, so that no body follows. */
void response_init(struct response *response, const struct response_rules *rules,
                   bool is_head_request);

/* The head will be fed again from its first byte, and less of it at first. */
void response_again(struct response *response);

/* head: everything received of this head so far, from its first byte (its address may differ from
 * call to call, its contents may not). Errors through ret_error: STATUS_*, HEAD_*, FIELD_*,
 * LENGTH_*, CODING_*, and, read strictly, the anomalies. A fault is reported as soon as its line is
 * complete, which the byte behind it tells: white space there goes on with the line. */
enum response_progress response_feed(struct response *response, struct span head,
                                     enum proto_error *ret_error);

/* Replaces each obsolete line folding, with the white space around it, by one space (RFC 9112,
 * 5.2), in a head that response_feed accepted. Returns its new length. */
size_t response_unfold(char *head, size_t length);

/* Walks the fields of a head that response_feed accepted and that has no folds (any more), passing
 * over lines without a colon. cursor starts at 0. false at the end. Name and value have no
 * surrounding white space. */
bool response_field_next(struct span head, size_t *cursor, struct span *ret_name,
                         struct span *ret_value);

/* The reason phrase of an accepted head; may be empty. */
struct span response_reason(struct span head);

#endif
