/* What is read of replies: a switch over what comes next. The hard idea is the carry: the front of
 * a head is copied only where its end has not come yet, and what is copied too much, since nobody
 * knows where the head ends, goes back to the view that it was the end of. */

#include "proto/http/reply.h"

#include <string.h>

void reply_begin(struct reply *reply, bool is_head_request)
{
    response_init(&reply->response, is_head_request);
    reply->state = REPLY_IN_HEAD;
    reply->has_begun = false;
    reply->carry_length = 0;
}

static void take(struct span *in, size_t length)
{
    in->bytes += length;
    in->length -= length;
}

/* Fills the carry from the front of *in; false: it has no room left. */
static bool carry_add(struct reply *reply, struct span *in)
{
    size_t room = REPLY_CARRY_BYTES - reply->carry_length;
    size_t length = in->length < room ? in->length : room;
    if (length == 0)
        return false;
    memcpy(reply->carry + reply->carry_length, in->bytes, length);
    reply->carry_length += (uint32_t)length;
    take(in, length);
    return true;
}

/* What the carry holds behind the head belongs to *in again: it was its front a moment ago. */
static void carry_return(struct reply *reply, struct span *in)
{
    size_t behind = reply->carry_length - reply->response.head_length;
    in->bytes -= behind;
    in->length += behind;
    reply->carry_length = 0;
}

/* What came of the head so far, in one piece; false: it is longer than the carry. */
static bool head_gather(struct reply *reply, struct span *in, struct span *ret_head)
{
    bool is_carried = reply->carry_length > 0;
    if (is_carried && !carry_add(reply, in))
        return false;
    *ret_head = is_carried ? (struct span){reply->carry, reply->carry_length} : *in;
    return true;
}

static void head_drop(struct reply *reply, struct span *in)
{
    if (reply->carry_length > 0)
        carry_return(reply, in);
    else
        take(in, reply->response.head_length);
}

/* Interim heads are dropped, and the next one begins. */
static enum reply_event head_feed(struct reply *reply, struct span *in, struct span *ret_head,
                                  enum proto_error *ret_error)
{
    while (in->length > 0) {
        *ret_error = PROTO_HEAD_TOO_LONG;
        if (!head_gather(reply, in, ret_head))
            return REPLY_BAD;
        switch (response_feed(&reply->response, *ret_head, ret_error)) {
        case RESPONSE_BAD:
            return REPLY_BAD;
        case RESPONSE_DONE:
            ret_head->length = reply->response.head_length;
            head_drop(reply, in);
            reply->state = REPLY_AT_BODY;
            return REPLY_HEAD;
        case RESPONSE_INTERIM:
            head_drop(reply, in);
            break;
        case RESPONSE_MORE:
            if (reply->carry_length > 0)
                break;
            if (!reply->carry)
                return REPLY_CARRY;
            carry_add(reply, in);
            break;
        }
    }
    return REPLY_MORE;
}

static enum reply_event body_take(struct reply *reply, struct span *in, struct span *ret_data,
                                  enum proto_error *ret_error)
{
    while (in->length > 0) {
        size_t consumed;
        bool is_done = false;
        *ret_error = body_feed(&reply->body, *in, ret_data, &consumed, &is_done);
        if (*ret_error)
            return REPLY_BAD;
        take(in, consumed);
        if (is_done)
            reply->state = REPLY_ENDED;
        if (ret_data->length > 0)
            return REPLY_BODY;
        if (is_done) {
            reply->state = REPLY_IS_DONE;
            return REPLY_DONE;
        }
    }
    return REPLY_MORE;
}

enum reply_event reply_feed(struct reply *reply, struct span *in, struct span *ret_data,
                            enum proto_error *ret_error)
{
    switch (reply->state) {
    case REPLY_IN_HEAD:
        reply->has_begun |= in->length > 0;
        return head_feed(reply, in, ret_data, ret_error);
    case REPLY_AT_BODY:
        reply->state = body_init(&reply->body, &reply->response) ? REPLY_IS_DONE : REPLY_IN_BODY;
        if (reply->state == REPLY_IS_DONE)
            return REPLY_DONE;
        return body_take(reply, in, ret_data, ret_error);
    case REPLY_IN_BODY:
        return body_take(reply, in, ret_data, ret_error);
    case REPLY_ENDED:
        reply->state = REPLY_IS_DONE;
        return REPLY_DONE;
    case REPLY_IS_DONE:
        break;
    }
    return REPLY_DONE;
}

enum proto_error reply_end(struct reply *reply)
{
    if (reply->state == REPLY_IN_HEAD)
        return reply->has_begun ? PROTO_HEAD_TRUNCATED : PROTO_EMPTY_REPLY;
    if (reply->state == REPLY_IS_DONE) /* of a next reply nothing has come */
        return PROTO_EMPTY_REPLY;
    enum proto_error error = body_end(&reply->body);
    if (!error)
        reply->state = REPLY_IS_DONE;
    return error;
}
