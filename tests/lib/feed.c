/* One driver for whole, cut and byte-wise deliveries: a connection whose pieces have a first size
 * and a step. What a piece leaves unread is kept and lies in front of the next one, as in a receive
 * buffer. */

#include "tests/lib/feed.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

const struct response_rules feed_strict = {
    .is_strict = true,
    .max_head = RESPONSE_MAX_HEAD,
    .max_fields = RESPONSE_MAX_FIELDS,
    .max_interim = RESPONSE_MAX_INTERIM,
    .carry_above = UINT32_MAX,
};

const char *feed_guarded(unsigned slot, struct span wire)
{
    static char *areas[2];
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    char *end;

    if (wire.length > FEED_WIRE_BYTES_MAX)
        abort();
    if (areas[slot] == NULL) {
        char *area = mmap(NULL, FEED_WIRE_BYTES_MAX + page_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (area == MAP_FAILED || mprotect(area + FEED_WIRE_BYTES_MAX, page_bytes, PROT_NONE) != 0)
            abort();
        areas[slot] = area;
    }
    end = areas[slot] + FEED_WIRE_BYTES_MAX;
    if (wire.length > 0)
        memcpy(end - wire.length, wire.bytes, wire.length);
    return end - wire.length;
}

/* --- one connection ------------------------------------------------------------------------- */

struct connection {
    struct span wire;
    size_t begin; /* of what the parser has not done with */
    size_t end;   /* of what was delivered */
    size_t step;
    struct feed_outcome *outcome;
};

static struct span received(struct connection *connection)
{
    struct span bytes = {connection->wire.bytes + connection->begin,
                         connection->end - connection->begin};

    return (struct span){feed_guarded(0, bytes), bytes.length};
}

/* false: the connection has ended. */
static bool deliver(struct connection *connection)
{
    size_t rest = connection->wire.length - connection->end;

    connection->end += rest < connection->step ? rest : connection->step;
    return rest > 0;
}

static void keep_body(struct feed_outcome *outcome, struct span in, struct span data,
                      size_t consumed)
{
    size_t room = FEED_BODY_BYTES_MAX - outcome->body_length;
    size_t kept = data.length < room ? data.length : room;

    if (consumed > in.length)
        outcome->view_strayed = true;
    if (data.length > 0 &&
        (data.bytes < in.bytes || data.bytes + data.length > in.bytes + in.length))
        outcome->view_strayed = true;
    if (kept < data.length)
        outcome->body_overflowed = true;
    if (kept > 0 && !outcome->view_strayed)
        memcpy(outcome->body + outcome->body_length, data.bytes, kept);
    outcome->body_length += kept;
}

static enum proto_error run_body(struct connection *connection, struct body *body)
{
    bool done = false;

    do {
        while (connection->begin < connection->end && !done) {
            struct span in = received(connection);
            struct span data;
            size_t consumed;
            enum proto_error error = body_feed(body, in, &data, &consumed, &done);

            keep_body(connection->outcome, in, data, consumed);
            if (error != PROTO_OK || connection->outcome->view_strayed)
                return error;
            connection->begin += consumed;
        }
    } while (!done && deliver(connection));
    return done ? PROTO_OK : body_end(body);
}

static enum proto_error run_head(struct connection *connection, const struct response_rules *rules,
                                 bool is_head_request)
{
    struct response *response = &connection->outcome->response;
    enum proto_error error;

    response_init(response, rules, is_head_request);
    for (;;) {
        struct span head = received(connection);

        switch (response_feed(response, head, &error)) {
        case RESPONSE_BAD:
            return error;
        case RESPONSE_MORE:
            if (!deliver(connection))
                return head.length == 0 ? PROTO_EMPTY_REPLY : PROTO_HEAD_TRUNCATED;
            break;
        case RESPONSE_INTERIM:
            connection->outcome->interim_count++;
            connection->begin += response->head_length;
            break;
        case RESPONSE_DONE:
            connection->begin += response->head_length;
            return PROTO_OK;
        }
    }
}

static struct connection connection_open(struct span wire, size_t first, size_t step,
                                         struct feed_outcome *outcome)
{
    memset(outcome, 0, offsetof(struct feed_outcome, body));
    return (struct connection){.wire = wire,
                               .end = first < wire.length ? first : wire.length,
                               .step = step,
                               .outcome = outcome};
}

void feed_reply(struct span wire, const struct response_rules *rules, bool is_head_request,
                size_t first, size_t step, struct feed_outcome *ret_outcome)
{
    struct connection connection = connection_open(wire, first, step, ret_outcome);
    struct body body;

    ret_outcome->error = run_head(&connection, rules, is_head_request);
    if (ret_outcome->error != PROTO_OK)
        return;
    if (!body_init(&body, &ret_outcome->response))
        ret_outcome->error = run_body(&connection, &body);
    ret_outcome->anomalies = ret_outcome->response.anomalies | body.chunked.anomalies;
    ret_outcome->used = connection.begin;
}

void feed_chunked(struct span wire, const struct response_rules *rules, size_t first, size_t step,
                  struct feed_outcome *ret_outcome)
{
    struct connection connection = connection_open(wire, first, step, ret_outcome);
    struct response response = {.framing = FRAMING_CHUNKED, .rules = rules};
    struct body body;

    body_init(&body, &response);
    ret_outcome->error = run_body(&connection, &body);
    ret_outcome->anomalies = body.chunked.anomalies;
    ret_outcome->used = connection.begin;
}

/* --- comparing ------------------------------------------------------------------------------ */

static bool same_response(const struct response *a, const struct response *b)
{
    return a->status == b->status && a->version_minor == b->version_minor &&
           a->keep_alive == b->keep_alive && a->framing == b->framing &&
           a->content_length == b->content_length && a->head_length == b->head_length &&
           a->field_count == b->field_count && a->has_folds == b->has_folds &&
           a->has_keep_alive_timeout == b->has_keep_alive_timeout &&
           a->keep_alive_timeout_s == b->keep_alive_timeout_s;
}

bool feed_same(const struct feed_outcome *a, const struct feed_outcome *b)
{
    if (a->view_strayed || b->view_strayed || a->error != b->error ||
        a->interim_count != b->interim_count || a->anomalies != b->anomalies ||
        a->body_length != b->body_length || memcmp(a->body, b->body, a->body_length) != 0)
        return false;
    return a->error != PROTO_OK ||
           (a->used == b->used && same_response(&a->response, &b->response));
}

size_t feed_reply_cuts(struct span wire, const struct response_rules *rules, bool is_head_request,
                       size_t stride, struct feed_outcome *ret_outcome)
{
    static struct feed_outcome other;

    feed_reply(wire, rules, is_head_request, FEED_WIRE_BYTES_MAX, FEED_WIRE_BYTES_MAX, ret_outcome);
    feed_reply(wire, rules, is_head_request, 1, 1, &other);
    if (!feed_same(ret_outcome, &other))
        return 1;
    for (size_t cut = 1; cut < wire.length; cut += stride) {
        feed_reply(wire, rules, is_head_request, cut, FEED_WIRE_BYTES_MAX, &other);
        if (!feed_same(ret_outcome, &other))
            return cut;
    }
    return 0;
}

size_t feed_chunked_cuts(struct span wire, const struct response_rules *rules, size_t stride,
                         struct feed_outcome *ret_outcome)
{
    static struct feed_outcome other;

    feed_chunked(wire, rules, FEED_WIRE_BYTES_MAX, FEED_WIRE_BYTES_MAX, ret_outcome);
    feed_chunked(wire, rules, 1, 1, &other);
    if (!feed_same(ret_outcome, &other))
        return 1;
    for (size_t cut = 1; cut < wire.length; cut += stride) {
        feed_chunked(wire, rules, cut, FEED_WIRE_BYTES_MAX, &other);
        if (!feed_same(ret_outcome, &other))
            return cut;
    }
    return 0;
}
