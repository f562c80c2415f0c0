#ifndef PROTO_HTTP_REPLY_H
#define PROTO_HTTP_REPLY_H

/* The replies of one connection, read from whatever bytes come: the parsers of heads and bodies in
 * a row, for every client alike. Pulled: the caller feeds a view, and takes one event after the
 * other until it asks for more.
 *
 *     reply_begin(&reply, &rules, is_head_request);
 *     while ((event = reply_feed(&reply, &in, &data, &error)) != REPLY_MORE)
 *         …
 *
 * A head that lies in one view is parsed where it lies; only one that is cut, whose folds are to be
 * replaced, or that is longer than the rules' carry_above, is carried, in memory that the caller
 * lends for it when it is needed: a small piece first, and where that is too small a larger one. */

#include "proto/error.h"
#include "proto/http/body.h"
#include "proto/http/response.h"

#include <stdbool.h>
#include <stdint.h>

enum reply_state {
    REPLY_IN_HEAD,
    REPLY_AT_HEAD, /* the head is complete, and in the view; it is to be in the carry */
    REPLY_AT_BODY, /* the head was told of */
    REPLY_IN_BODY,
    REPLY_ENDED, /* all of the body was told of, its end was not */
    REPLY_IS_DONE,
};

struct reply {
    enum reply_state state : 8;
    bool has_begun;     /* a byte of it was fed */
    bool was_continued; /* a 100 has come; set here, and whoever asks resets it before */
    uint32_t carry_size;
    uint32_t carry_length; /* what it holds */
    uint32_t
        carry_wanted; /* after REPLY_CARRY: the least size to lend; max_head is always enough */
    char *carry;      /* the caller's, see reply_lend(); NULL: none */
    struct response response;
    struct body body;
};

enum reply_event {
    REPLY_MORE,  /* all bytes are taken */
    REPLY_CARRY, /* a carry of carry_wanted bytes is needed: reply_lend(), then the same again with
                    what is left of *in. Who has none keeps that, and goes on later */
    REPLY_HEAD,  /* the final head without folds, response's facts: data, until the next call. The
                    carry may be taken back after that, by reply_lend() of nothing */
    REPLY_BODY,  /* a piece of the body: data, a part of what was fed */
    REPLY_DONE,  /* complete; *in is what lies behind it */
    REPLY_BAD,   /* ret_error says what is wrong */
};

/* For the next reply. The carry stays as it is. rules: stay the caller's, and as they are. */
void reply_begin(struct reply *reply, const struct response_rules *rules, bool is_head_request);

/* Lends memory of that size, which the former carry's bytes are copied to; the former is the
 * caller's again. NULL and 0: takes it back, which may be done whenever carry_length is 0. */
void reply_lend(struct reply *reply, char *carry, uint32_t size);

/* After REPLY_CARRY, where carry_length is 0: what is left of *in will be fed again in smaller
 * views, from the head's first byte. */
void reply_again(struct reply *reply);

/* Takes bytes from the front of *in, which is cut by them. Errors: those of response_feed() and
 * body_feed(). After REPLY_BAD only reply_begin() may follow, after REPLY_DONE too. Anomalies of
 * the head are in response.anomalies from REPLY_HEAD on, all of them from REPLY_DONE, REPLY_BAD and
 * reply_end() on; with any, response.keep_alive is false. */
enum reply_event reply_feed(struct reply *reply, struct span *in, struct span *ret_data,
                            enum proto_error *ret_error);

/* The connection ended. OK: that ended the body, and the reply is complete. Else EMPTY_REPLY,
 * HEAD_TRUNCATED or BODY_TRUNCATED. */
enum proto_error reply_end(struct reply *reply);

#endif
