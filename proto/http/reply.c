/* What is read of replies: a switch over what comes next. The hard idea is the carry: the front of
 * a head is copied only where its end has not come yet, or where it must be written to, and what is
 * copied too much, since nobody knows where the head ends, goes back to the view that it was the
 * end of. */

#include "proto/http/reply.h"

#include <assert.h>
#include <string.h>

void reply_begin(struct reply *reply, const struct response_rules *rules, bool is_head_request)
{
    response_init(&reply->response, rules, is_head_request);
    reply->state = REPLY_IN_HEAD;
    reply->has_begun = false;
    reply->carry_length = 0;
}

void reply_lend(struct reply *reply, char *carry, uint32_t size)
{
    assert(size >= reply->carry_length);
    if (reply->carry_length > 0)
        memcpy(carry, reply->carry, reply->carry_length);
    reply->carry = carry;
    reply->carry_size = size;
}

void reply_again(struct reply *reply)
{
    assert(reply->carry_length == 0 && reply->state <= REPLY_AT_HEAD);
    response_again(&reply->response);
    reply->state = REPLY_IN_HEAD;
}

static void take(struct span *in, size_t length)
{
    in->bytes += length;
    in->length -= length;
}

/* Fills the carry from the front of *in; false: it has no room left. */
static bool carry_add(struct reply *reply, struct span *in)
{
    size_t room = reply->carry_size - reply->carry_length;
    size_t length = in->length < room ? in->length : room;
    if (length == 0)
        return false;
    memcpy(reply->carry + reply->carry_length, in->bytes, length);
    reply->carry_length += (uint32_t)length;
    take(in, length);
    return true;
}

/* Is there a carry of that size? Else it is asked for. Never for more than max_head: a head that is
 * longer has failed. */
static bool carry_has(struct reply *reply, size_t size)
{
    uint32_t most = reply->response.rules->max_head;
    reply->carry_wanted = size < most ? (uint32_t)size : most;
    return reply->carry_size >= reply->carry_wanted;
}

/* What the carry holds behind the head belongs to *in again: it was its front a moment ago. */
static void carry_return(struct reply *reply, struct span *in)
{
    size_t behind = reply->carry_length - reply->response.head_length;
    in->bytes -= behind;
    in->length += behind;
    reply->carry_length = 0;
}

static void head_drop(struct reply *reply, struct span *in)
{
    if (reply->carry_length > 0)
        carry_return(reply, in);
    else
        take(in, reply->response.head_length);
}

/* The head is complete: it lies in the view or in the carry. An odd one has to lie in the carry. */
static enum reply_event head_end(struct reply *reply, struct span *in, struct span *ret_head)
{
    const struct response *response = &reply->response;
    struct span head = {in->bytes, response->head_length};
    if (reply->carry_length > 0) {
        head.bytes = reply->carry;
    } else if (response->has_folds || head.length > response->rules->carry_above) {
        reply->state = REPLY_AT_HEAD;
        if (!carry_has(reply, head.length))
            return REPLY_CARRY;
        memcpy(reply->carry, head.bytes, head.length);
        head.bytes = reply->carry;
    }
    if (response->has_folds)
        head.length = response_unfold(reply->carry, head.length);
    *ret_head = head;
    head_drop(reply, in);
    reply->state = REPLY_AT_BODY;
    return REPLY_HEAD;
}

/* The head is cut: what came of it goes into the carry. False: that is too small, or not there. */
static bool head_carry(struct reply *reply, struct span *in)
{
    if (reply->carry_length > 0)
        return true;
    if (!carry_has(reply, in->length + 1))
        return false;
    return carry_add(reply, in);
}

/* Interim heads are dropped, and the next one begins. */
static enum reply_event head_feed(struct reply *reply, struct span *in, struct span *ret_head,
                                  enum proto_error *ret_error)
{
    while (in->length > 0) {
        struct span head = *in;
        if (reply->carry_length > 0) {
            if (!carry_add(reply, in)) {
                carry_has(reply, (size_t)reply->carry_length + 1);
                return REPLY_CARRY;
            }
            head = (struct span){reply->carry, reply->carry_length};
        }
        switch (response_feed(&reply->response, head, ret_error)) {
        case RESPONSE_BAD:
            return REPLY_BAD;
        case RESPONSE_DONE:
            return head_end(reply, in, ret_head);
        case RESPONSE_INTERIM:
            reply->was_continued |= reply->response.status == 100;
            head_drop(reply, in);
            break;
        case RESPONSE_MORE:
            if (!head_carry(reply, in))
                return REPLY_CARRY;
            break;
        }
    }
    return REPLY_MORE;
}

/* What the chunks had of anomalies is the reply's. */
static void chunks_end(struct reply *reply)
{
    if (reply->response.framing != FRAMING_CHUNKED || reply->body.chunked.anomalies == 0)
        return;
    reply->response.anomalies |= reply->body.chunked.anomalies;
    reply->response.keep_alive = false;
}

static enum reply_event body_take(struct reply *reply, struct span *in, struct span *ret_data,
                                  enum proto_error *ret_error)
{
    while (in->length > 0) {
        size_t consumed;
        bool is_done = false;
        *ret_error = body_feed(&reply->body, *in, ret_data, &consumed, &is_done);
        if (*ret_error || is_done)
            chunks_end(reply);
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
    case REPLY_AT_HEAD:
        return head_end(reply, in, ret_data);
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
    if (reply->state == REPLY_IN_HEAD || reply->state == REPLY_AT_HEAD)
        return reply->has_begun ? PROTO_HEAD_TRUNCATED : PROTO_EMPTY_REPLY;
    if (reply->state == REPLY_IS_DONE) /* of a next reply nothing has come */
        return PROTO_EMPTY_REPLY;
    enum proto_error error = body_end(&reply->body);
    chunks_end(reply);
    if (!error)
        reply->state = REPLY_IS_DONE;
    return error;
}
