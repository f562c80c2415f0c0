/* What is read of replies. A head that lies in one piece is parsed where it lies; only one that is
 * cut is copied, and goes on being read in the copy. */

#include "bench/load/exchange.h"

#include <stdlib.h>

static void exchange_next(struct exchange *exchange)
{
    response_init(&exchange->response, exchange->is_head_request);
    exchange->state = EXCHANGE_IN_HEAD;
    exchange->carry_length = 0;
    exchange->body_bytes = 0;
}

void exchange_init(struct exchange *exchange, bool is_head_request)
{
    exchange->is_head_request = is_head_request;
    exchange_next(exchange);
}

void exchange_deinit(struct exchange *exchange)
{
    free(exchange->carry);
    exchange->carry = NULL;
}

static void take(struct span *in, size_t length)
{
    in->bytes += length;
    in->length -= length;
}

/* Fills the carry from the front of *in; false: it has no room left, or there is no memory. */
static bool carry_add(struct exchange *exchange, struct span *in)
{
    size_t room = RESPONSE_HEAD_BYTES_MAX - exchange->carry_length;
    size_t length = in->length < room ? in->length : room;
    if (!exchange->carry)
        exchange->carry = malloc(RESPONSE_HEAD_BYTES_MAX);
    if (!exchange->carry || length == 0)
        return false;
    memcpy(exchange->carry + exchange->carry_length, in->bytes, length);
    exchange->carry_length += (uint32_t)length;
    take(in, length);
    return true;
}

/* What the carry holds behind the head belongs to *in again: it was its front a moment ago. */
static void carry_return(struct exchange *exchange, struct span *in)
{
    size_t behind = exchange->carry_length - exchange->response.head_length;
    in->bytes -= behind;
    in->length += behind;
    exchange->carry_length = 0;
}

/* One attempt: of what is carried and what came, or of what came alone. */
static enum response_progress head_try(struct exchange *exchange, struct span *in,
                                       enum proto_error *ret_error)
{
    bool is_carried = exchange->carry_length > 0;
    *ret_error = PROTO_HEAD_TOO_LONG;
    if (is_carried && !carry_add(exchange, in))
        return RESPONSE_BAD;
    struct span head = is_carried ? (struct span){exchange->carry, exchange->carry_length} : *in;
    enum response_progress progress = response_feed(&exchange->response, head, ret_error);
    if (progress == RESPONSE_INTERIM || progress == RESPONSE_DONE) {
        if (is_carried)
            carry_return(exchange, in);
        else
            take(in, exchange->response.head_length);
    } else if (progress == RESPONSE_MORE && !is_carried && !carry_add(exchange, in)) {
        *ret_error = PROTO_HEAD_TOO_LONG;
        return RESPONSE_BAD;
    }
    return progress;
}

/* An interim head is dropped, and the next one begins. */
static enum response_progress head_feed(struct exchange *exchange, struct span *in,
                                        enum proto_error *ret_error)
{
    enum response_progress progress = RESPONSE_MORE;
    while (in->length > 0 && (progress == RESPONSE_MORE || progress == RESPONSE_INTERIM))
        progress = head_try(exchange, in, ret_error);
    return progress;
}

static enum exchange_event body_take(struct exchange *exchange, struct span *in,
                                     enum proto_error *ret_error)
{
    while (in->length > 0) {
        struct span data;
        size_t consumed;
        bool is_done = false;
        *ret_error = body_feed(&exchange->body, *in, &data, &consumed, &is_done);
        if (*ret_error != PROTO_OK)
            return EXCHANGE_BAD;
        exchange->body_bytes += data.length;
        take(in, consumed);
        if (is_done) {
            exchange->state = EXCHANGE_DONE;
            return EXCHANGE_REPLY;
        }
    }
    return EXCHANGE_MORE;
}

enum exchange_event exchange_feed(struct exchange *exchange, struct span *in,
                                  enum proto_error *ret_error)
{
    if (exchange->state == EXCHANGE_DONE)
        exchange_next(exchange);
    if (exchange->state == EXCHANGE_IN_HEAD) {
        enum response_progress progress = head_feed(exchange, in, ret_error);
        if (progress == RESPONSE_BAD)
            return EXCHANGE_BAD;
        if (progress != RESPONSE_DONE)
            return EXCHANGE_MORE;
        exchange->state = EXCHANGE_IN_BODY;
        if (body_init(&exchange->body, &exchange->response)) {
            exchange->state = EXCHANGE_DONE;
            return EXCHANGE_REPLY;
        }
    }
    return body_take(exchange, in, ret_error);
}

bool exchange_end(struct exchange *exchange)
{
    bool is_end = exchange->state == EXCHANGE_IN_BODY && body_end(&exchange->body) == PROTO_OK;
    if (is_end)
        exchange->state = EXCHANGE_DONE;
    return is_end;
}
