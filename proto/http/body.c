/* The body's readers, one for each framing. A body that has ended is one whose framing is NONE:
 * nothing more can come. */

#include "proto/http/body.h"

bool body_init(struct body *body, const struct response *response)
{
    *body = (struct body){.framing = response->framing};
    if (body->framing == FRAMING_LENGTH) {
        body->remaining = response->content_length;
        if (body->remaining == 0)
            body->framing = FRAMING_NONE;
    } else if (body->framing == FRAMING_CHUNKED) {
        chunked_init(&body->chunked, response->rules->is_strict);
    }
    return body->framing == FRAMING_NONE;
}

static size_t length_feed(struct body *body, struct span in)
{
    size_t taken = in.length < body->remaining ? in.length : (size_t)body->remaining;

    body->remaining -= taken;
    if (body->remaining == 0)
        body->framing = FRAMING_NONE;
    return taken;
}

static enum proto_error chunks_feed(struct body *body, struct span in, struct span *ret_data,
                                    size_t *ret_consumed)
{
    bool done;
    enum proto_error error = chunked_feed(&body->chunked, in, ret_data, ret_consumed, &done);

    if (done)
        body->framing = FRAMING_NONE;
    return error;
}

enum proto_error body_feed(struct body *body, struct span in, struct span *ret_data,
                           size_t *ret_consumed, bool *ret_done)
{
    enum proto_error error = PROTO_OK;

    *ret_consumed = 0;
    switch (body->framing) {
    case FRAMING_NONE:
        break;
    case FRAMING_LENGTH:
        *ret_consumed = length_feed(body, in);
        break;
    case FRAMING_CHUNKED:
        error = chunks_feed(body, in, ret_data, ret_consumed);
        *ret_done = body->framing == FRAMING_NONE;
        return error;
    case FRAMING_CLOSE:
        *ret_consumed = in.length;
        break;
    }
    *ret_data = (struct span){.bytes = in.bytes, .length = *ret_consumed};
    *ret_done = body->framing == FRAMING_NONE;
    return PROTO_OK;
}

enum proto_error body_end(const struct body *body)
{
    bool is_complete = body->framing == FRAMING_NONE || body->framing == FRAMING_CLOSE;

    return is_complete ? PROTO_OK : PROTO_BODY_TRUNCATED;
}
