#ifndef PROTO_HTTP_REPLY_H
#define PROTO_HTTP_REPLY_H

/* The replies of one connection, read from whatever bytes come: the parsers of heads and bodies in
 * a row, for every client alike. Pulled: the caller feeds a view, and takes one event after the
 * other until it asks for more.
 *
 *     reply_begin(&reply, is_head_request);
 *     while ((event = reply_feed(&reply, &in, &data, &error)) != REPLY_MORE)
 *         …
 *
 * A head that lies in one view is parsed where it lies; only one that is cut is carried, in memory
 * that the caller lends for it when it is needed. */

#include "proto/error.h"
#include "proto/http/body.h"
#include "proto/http/response.h"

#include <stdbool.h>
#include <stdint.h>

enum { REPLY_CARRY_BYTES = RESPONSE_HEAD_BYTES_MAX };

enum reply_state {
    REPLY_IN_HEAD,
    REPLY_AT_BODY, /* the head was told of */
    REPLY_IN_BODY,
    REPLY_ENDED, /* all of the body was told of, its end was not */
    REPLY_IS_DONE,
};

struct reply {
    enum reply_state state;
    bool has_begun; /* a byte of it was fed */
    struct response response;
    struct body body;
    char *carry; /* REPLY_CARRY_BYTES of the caller's; NULL: none was needed yet */
    uint32_t carry_length;
};

enum reply_event {
    REPLY_MORE,  /* all bytes are taken */
    REPLY_CARRY, /* none was: the head is cut, and reply->carry is needed. Then the same again */
    REPLY_HEAD,  /* the final head, response's facts: data, until the next call; carry is free */
    REPLY_BODY,  /* a piece of the body: data, a part of what was fed */
    REPLY_DONE,  /* complete; *in is what lies behind it */
    REPLY_BAD,   /* ret_error says what is wrong */
};

/* For the next reply. The carry stays as it is. */
void reply_begin(struct reply *reply, bool is_head_request);

/* Takes bytes from the front of *in, which is cut by them. Errors: those of response_feed() and
 * body_feed(). After REPLY_BAD only reply_begin() may follow, after REPLY_DONE too. */
enum reply_event reply_feed(struct reply *reply, struct span *in, struct span *ret_data,
                            enum proto_error *ret_error);

/* The connection ended. OK: that ended the body, and the reply is complete. Else EMPTY_REPLY,
 * HEAD_TRUNCATED or BODY_TRUNCATED. */
enum proto_error reply_end(struct reply *reply);

#endif
