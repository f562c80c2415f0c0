/* Counts what proto/http/reply reads, one reply after the other, and owns the memory for a head
 * that came in several pieces. */

#include "bench/load/reading.h"

#include <stdlib.h>

enum { CARRY_BYTES = 16384 };

static void begin(struct reading *reading)
{
    reply_begin(&reading->reply, &response_rules_default, reading->is_head_request);
    reading->body_bytes = 0;
}

void reading_init(struct reading *reading, bool is_head_request)
{
    reading->is_head_request = is_head_request;
    begin(reading);
}

void reading_expect(struct reading *reading, bool is_head_request)
{
    reading_init(reading, is_head_request);
}

void reading_deinit(struct reading *reading)
{
    free(reading->reply.carry);
    reading->reply.carry = NULL;
}

/* Doubled where a head is longer than the last one, so that few are copied twice. */
static bool carry_take(struct reading *reading, enum proto_error *ret_error)
{
    struct reply *reply = &reading->reply;
    char *old = reply->carry;
    uint32_t size = CARRY_BYTES;
    while (size < reply->carry_wanted)
        size *= 2;
    char *carry = malloc(size);
    *ret_error = PROTO_HEAD_TOO_LONG;
    if (!carry)
        return false;
    reply_lend(reply, carry, size);
    free(old);
    return true;
}

enum reading_event reading_feed(struct reading *reading, struct span *in,
                                enum proto_error *ret_error)
{
    struct span data;
    if (reading->reply.state == REPLY_IS_DONE)
        begin(reading);
    for (;;) {
        switch (reply_feed(&reading->reply, in, &data, ret_error)) {
        case REPLY_MORE:
            return READING_MORE;
        case REPLY_CARRY:
            if (!carry_take(reading, ret_error))
                return READING_BAD;
            break;
        case REPLY_HEAD:
            break;
        case REPLY_BODY:
            reading->body_bytes += data.length;
            break;
        case REPLY_DONE:
            return READING_REPLY;
        case REPLY_BAD:
            return READING_BAD;
        }
    }
}

bool reading_end(struct reading *reading)
{
    return reply_end(&reading->reply) == PROTO_OK;
}
