/* The paths of the server, one row each, and the pieces their replies are sent in.
 *
 * The hard idea is the size of the pieces: the loop says when a long send is through and is silent
 * about a short one, so every piece but the last is made long. A body of N bytes is then a scratch
 * piece (head and beginning) and pieces of one shared pattern, whatever N is. */

#include "bench/server/reply.h"

#include "engine/loop/loop.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PATTERN_PERIOD = 64, /* byte n of a body depends on n % 64 only */
    PATTERN_BYTES = 256 * 1024,
    FIRST_BYTES = 16 * 1024, /* of a body, behind its head */
    CHUNK_BYTES = 1000,
    CHUNK_LINES_BYTES = 16, /* size line and both line ends */
    HEAD_BYTES = 512,
    BODY_BYTES_MAX = 64 * 1024 * 1024,
    FIELDS_MAX = 10000,
    FIELD_BYTES = 40,
    DELAY_MS_MAX = 600000,
};

_Static_assert(FIRST_BYTES % PATTERN_PERIOD == 0 && PATTERN_BYTES % PATTERN_PERIOD == 0,
               "each piece begins where the pattern does");
_Static_assert((int)FIRST_BYTES > (int)LOOP_SILENT_BYTES, "the first piece of several is long");

#define NS_PER_MS UINT64_C(1000000)

static const char text_plain[] = "text/plain";
static const char application_json[] = "application/json; charset=utf-8";

/* --- heads ------------------------------------------------------------------------------------ */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {413, "Content Too Large"},
        {418, "I'm a teapot"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Other";
}

/* fields: whole lines, or "". Returns the head's length. */
static size_t write_head(char *buffer, size_t size, int status, const char *fields, bool keep)
{
    int length = snprintf(buffer, size, "HTTP/1.1 %d %s\r\n%sConnection: %s\r\n\r\n", status,
                          reason_of(status), fields, keep ? "keep-alive" : "close");

    assert(length > 0 && (size_t)length < size);
    return (size_t)length;
}

static size_t write_body_head(char *buffer, size_t size, int status, const char *type,
                              uint64_t body_bytes, bool keep)
{
    char fields[128];

    snprintf(fields, sizeof fields, "Content-Type: %s\r\nContent-Length: %" PRIu64 "\r\n", type,
             body_bytes);
    return write_head(buffer, size, status, fields, keep);
}

/* --- replies written at start ----------------------------------------------------------------- */

static const struct {
    const char *path;
    size_t body_bytes;
} fixed_texts[] = {{"/p/", 612}, {"/s", 128}, {"/4k", 4096}, {"/64k", 65536}};

enum { FIXED_TEXTS = sizeof fixed_texts / sizeof *fixed_texts };
_Static_assert(FIXED_TEXTS + DATASET_COLLECTIONS <= REPLY_FIXED_MAX,
               "every fixed reply has a slot");

static bool fixed_init(struct fixed *fixed, const char *type, struct span body)
{
    for (int form = 0; form < 2; form++) {
        char *bytes = malloc(HEAD_BYTES + body.length);

        if (!bytes)
            return false;
        size_t head = write_body_head(bytes, HEAD_BYTES, 200, type, body.length, form == 0);
        memcpy(bytes + head, body.bytes, body.length);
        fixed->bytes[form] = bytes;
        fixed->head_length[form] = head;
        fixed->length[form] = head + body.length;
    }
    return true;
}

static bool pattern_init(struct replies *replies)
{
    static const char period[] =
        "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 012345678\n";

    _Static_assert(sizeof period - 1 == PATTERN_PERIOD, "the period is as long as it says");
    replies->pattern = malloc(PATTERN_BYTES);
    if (!replies->pattern)
        return false;
    for (size_t i = 0; i < PATTERN_BYTES; i++)
        replies->pattern[i] = period[i % PATTERN_PERIOD];
    return true;
}

static bool fixed_init_all(struct replies *replies)
{
    for (size_t i = 0; i < FIXED_TEXTS; i++)
        if (!fixed_init(&replies->fixed[i], text_plain,
                        (struct span){replies->pattern, fixed_texts[i].body_bytes}))
            return false;
    for (size_t i = 0; i < DATASET_COLLECTIONS; i++) {
        const struct collection *collection = &replies->dataset.collections[i];

        if (!fixed_init(&replies->fixed[FIXED_TEXTS + i], application_json,
                        (struct span){collection->json, collection->length}))
            return false;
    }
    return true;
}

bool replies_init(struct replies *replies, uint32_t stall_first_ms)
{
    *replies = (struct replies){.stall_first_ns = stall_first_ms * NS_PER_MS};
    if (!dataset_init(&replies->dataset))
        return false;
    if (pattern_init(replies) && fixed_init_all(replies))
        return true;
    replies_deinit(replies);
    return false;
}

void replies_deinit(struct replies *replies)
{
    for (size_t i = 0; i < REPLY_FIXED_MAX; i++) {
        free(replies->fixed[i].bytes[0]);
        free(replies->fixed[i].bytes[1]);
    }
    free(replies->pattern);
    dataset_deinit(&replies->dataset);
}

/* --- replies written for one request ---------------------------------------------------------- */

struct exchange {
    struct replies *replies;
    const struct inbound *request;
    struct span text; /* of the request */
    struct span rest; /* of the path, behind the route's */
    struct scratch *scratch;
    struct reply *reply;
};

static bool scratch_reserve(struct scratch *scratch, size_t size)
{
    char *bytes;

    if (size <= scratch->size)
        return true;
    bytes = realloc(scratch->bytes, size);
    if (!bytes)
        return false;
    scratch->bytes = bytes;
    scratch->size = size;
    return true;
}

/* Without memory the connection ends: there is nothing to say it with. */
static bool exchange_reserve(struct exchange *exchange, size_t body_bytes)
{
    if (scratch_reserve(exchange->scratch, HEAD_BYTES + body_bytes))
        return true;
    exchange->reply->end = REPLY_RESET;
    return false;
}

static void reply_fixed(struct exchange *exchange, size_t index)
{
    const struct fixed *fixed = &exchange->replies->fixed[index];
    int form = exchange->reply->end == REPLY_KEEP ? 0 : 1;

    exchange->reply->first = (struct span){fixed->bytes[form], fixed->length[form]};
    exchange->reply->head_length = fixed->head_length[form];
}

static void reply_text(struct exchange *exchange, int status, const char *type, struct span body)
{
    struct reply *reply = exchange->reply;

    if (!exchange_reserve(exchange, body.length))
        return;
    char *bytes = exchange->scratch->bytes;
    reply->head_length =
        write_body_head(bytes, HEAD_BYTES, status, type, body.length, reply->end == REPLY_KEEP);
    memcpy(bytes + reply->head_length, body.bytes, body.length);
    reply->first = (struct span){bytes, reply->head_length + body.length};
}

static void reply_status(struct exchange *exchange, int status)
{
    reply_text(exchange, status, text_plain, span_of(reason_of(status)));
}

/* A decimal number at the front of the rest of the path, to its end or to a '/'. */
static bool take_number(struct exchange *exchange, uint64_t maximum, uint64_t *ret_number)
{
    struct span *rest = &exchange->rest;
    size_t digits = 0;

    *ret_number = 0;
    while (digits < rest->length && rest->bytes[digits] >= '0' && rest->bytes[digits] <= '9') {
        *ret_number = *ret_number * 10 + (uint64_t)(rest->bytes[digits++] - '0');
        if (*ret_number > maximum)
            return false;
    }
    if (digits == 0 || (digits < rest->length && rest->bytes[digits] != '/'))
        return false;
    digits += digits < rest->length;
    rest->bytes += digits;
    rest->length -= digits;
    return true;
}

static bool take_last_number(struct exchange *exchange, uint64_t maximum, uint64_t *ret_number)
{
    return take_number(exchange, maximum, ret_number) && exchange->rest.length == 0;
}

/* --- routes: false is a 404 ------------------------------------------------------------------- */

static bool route_page(struct exchange *exchange)
{
    struct replies *replies = exchange->replies;

    reply_fixed(exchange, 0);
    if (replies->stall_first_ns && span_equal(exchange->rest, SPAN("1"))) {
        exchange->reply->delay_ns = replies->stall_first_ns;
        replies->stall_first_ns = 0;
    }
    return true;
}

static bool route_small(struct exchange *exchange)
{
    reply_fixed(exchange, 1);
    return true;
}

static bool route_4k(struct exchange *exchange)
{
    reply_fixed(exchange, 2);
    return true;
}

static bool route_64k(struct exchange *exchange)
{
    reply_fixed(exchange, 3);
    return true;
}

static bool route_close(struct exchange *exchange)
{
    exchange->reply->end = REPLY_CLOSE;
    reply_fixed(exchange, 0);
    return true;
}

static bool route_bytes(struct exchange *exchange)
{
    struct reply *reply = exchange->reply;
    uint64_t body_bytes;

    if (!take_last_number(exchange, BODY_BYTES_MAX, &body_bytes))
        return false;
    if (!exchange_reserve(exchange, FIRST_BYTES))
        return true;
    char *bytes = exchange->scratch->bytes;
    size_t beginning = body_bytes < FIRST_BYTES ? body_bytes : FIRST_BYTES;
    reply->head_length =
        write_body_head(bytes, HEAD_BYTES, 200, text_plain, body_bytes, reply->end == REPLY_KEEP);
    memcpy(bytes + reply->head_length, exchange->replies->pattern, beginning);
    reply->first = (struct span){bytes, reply->head_length + beginning};
    reply->rest = REPLY_PATTERN;
    reply->rest_bytes = body_bytes - beginning;
    return true;
}

/* HTTP/1.0 knows no chunks. */
static bool route_chunked(struct exchange *exchange)
{
    struct reply *reply = exchange->reply;

    if (exchange->request->version_minor == 0)
        return route_bytes(exchange);
    if (!take_last_number(exchange, BODY_BYTES_MAX, &reply->rest_bytes))
        return false;
    if (!exchange_reserve(exchange, FIRST_BYTES))
        return true;
    reply->head_length = write_head(exchange->scratch->bytes, HEAD_BYTES, 200,
                                    "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n",
                                    reply->end == REPLY_KEEP);
    reply->first = (struct span){exchange->scratch->bytes, reply->head_length};
    reply->rest = REPLY_CHUNKS;
    return true;
}

static bool route_delay(struct exchange *exchange)
{
    uint64_t delay_ms;

    if (!take_last_number(exchange, DELAY_MS_MAX, &delay_ms))
        return false;
    reply_status(exchange, 200);
    exchange->reply->delay_ns = delay_ms * NS_PER_MS;
    return true;
}

/* 204 and 304 have no body (RFC 9110, 15.3.5 and 15.4.5). */
static bool route_status(struct exchange *exchange)
{
    struct reply *reply = exchange->reply;
    uint64_t status;

    if (!take_last_number(exchange, 599, &status) || status < 200)
        return false;
    reply_status(exchange, (int)status);
    if (status != 204 && status != 304)
        return true;
    if (!exchange_reserve(exchange, 0))
        return true;
    reply->head_length =
        write_head(exchange->scratch->bytes, HEAD_BYTES, (int)status, "", reply->end == REPLY_KEEP);
    reply->first.length = reply->head_length;
    return true;
}

static bool route_truncate(struct exchange *exchange)
{
    struct reply *reply = exchange->reply;

    reply->end = REPLY_CUT;
    if (!exchange_reserve(exchange, 10))
        return true;
    char *bytes = exchange->scratch->bytes;
    reply->head_length = write_body_head(bytes, HEAD_BYTES, 200, text_plain, 1000, false);
    memcpy(bytes + reply->head_length, exchange->replies->pattern, 10);
    reply->first = (struct span){bytes, reply->head_length + 10};
    return true;
}

static bool route_reset(struct exchange *exchange)
{
    exchange->reply->end = REPLY_RESET;
    return true;
}

static bool route_stall(struct exchange *exchange)
{
    exchange->reply->end = REPLY_STALL;
    return true;
}

static bool route_drip(struct exchange *exchange)
{
    struct reply *reply = exchange->reply;
    uint64_t interval_ms;

    if (!take_number(exchange, BODY_BYTES_MAX, &reply->rest_bytes) ||
        !take_last_number(exchange, DELAY_MS_MAX, &interval_ms))
        return false;
    if (!exchange_reserve(exchange, 0))
        return true;
    reply->head_length = write_body_head(exchange->scratch->bytes, HEAD_BYTES, 200, text_plain,
                                         reply->rest_bytes, reply->end == REPLY_KEEP);
    reply->first = (struct span){exchange->scratch->bytes, reply->head_length};
    reply->rest = REPLY_DRIP;
    reply->interval_ns = interval_ms * NS_PER_MS;
    return true;
}

static bool route_echo(struct exchange *exchange)
{
    reply_text(exchange, 200, text_plain, exchange->text);
    return true;
}

static bool route_headers(struct exchange *exchange)
{
    uint64_t count;

    if (!take_last_number(exchange, FIELDS_MAX, &count))
        return false;
    if (!exchange_reserve(exchange, (count + 1) * FIELD_BYTES))
        return true;
    char *bytes = exchange->scratch->bytes;
    size_t length = (size_t)sprintf(bytes, "HTTP/1.1 200 OK\r\n");
    for (uint64_t i = 1; i <= count; i++)
        length +=
            (size_t)sprintf(bytes + length, "X-Field-%" PRIu64 ": value %" PRIu64 "\r\n", i, i);
    length += (size_t)sprintf(bytes + length, "Content-Length: 0\r\nConnection: %s\r\n\r\n",
                              exchange->reply->end == REPLY_KEEP ? "keep-alive" : "close");
    exchange->reply->head_length = length;
    exchange->reply->first = (struct span){bytes, length};
    return true;
}

/* /posts and /posts/7 of each collection. */
static bool route_collection(struct exchange *exchange)
{
    struct span name = exchange->rest;
    const char *slash = memchr(name.bytes, '/', name.length);
    uint64_t id;

    if (slash)
        name.length = (size_t)(slash - name.bytes);
    const struct collection *collection = dataset_find(&exchange->replies->dataset, name);
    if (!collection)
        return false;
    if (!slash) {
        reply_fixed(exchange,
                    FIXED_TEXTS + (size_t)(collection - exchange->replies->dataset.collections));
        return true;
    }
    exchange->rest.bytes += name.length + 1;
    exchange->rest.length -= name.length + 1;
    if (!take_last_number(exchange, collection->count, &id) || id == 0)
        return false;
    reply_text(exchange, 200, application_json, collection_object(collection, id));
    return true;
}

/* In the order of how often they are asked for. A path that ends in '/' takes what follows. */
static const struct {
    struct span path;
    bool (*route)(struct exchange *exchange);
} routes[] = {
    {{"/p/", 3}, route_page},
    {{"/s", 2}, route_small},
    {{"/4k", 3}, route_4k},
    {{"/64k", 4}, route_64k},
    {{"/close/", 7}, route_close},
    {{"/bytes/", 7}, route_bytes},
    {{"/chunked/", 9}, route_chunked},
    {{"/delay/", 7}, route_delay},
    {{"/status/", 8}, route_status},
    {{"/truncate", 9}, route_truncate},
    {{"/reset", 6}, route_reset},
    {{"/stall", 6}, route_stall},
    {{"/drip/", 6}, route_drip},
    {{"/echo", 5}, route_echo},
    {{"/headers/", 9}, route_headers},
    {{"/", 1}, route_collection},
};

static bool path_matches(struct span path, struct span route)
{
    bool takes_more = route.bytes[route.length - 1] == '/';

    return path.length >= route.length && (takes_more || path.length == route.length) &&
           memcmp(path.bytes, route.bytes, route.length) == 0;
}

static bool exchange_route(struct exchange *exchange)
{
    struct span path = exchange->request->path;

    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (path_matches(path, routes[i].path)) {
            exchange->rest.bytes = path.bytes + routes[i].path.length;
            exchange->rest.length = path.length - routes[i].path.length;
            return routes[i].route(exchange);
        }
    return false;
}

/* --- what the server calls -------------------------------------------------------------------- */

void reply_make(struct replies *replies, const struct inbound *request, struct span text,
                struct scratch *scratch, struct reply *ret_reply)
{
    struct exchange exchange = {
        .replies = replies,
        .request = request,
        .text = text,
        .scratch = scratch,
        .reply = ret_reply,
    };

    *ret_reply = (struct reply){.end = request->keep_alive ? REPLY_KEEP : REPLY_CLOSE};
    if (!exchange_route(&exchange))
        reply_status(&exchange, 404);
    if (!request->is_head)
        return;
    ret_reply->first.length = ret_reply->head_length;
    ret_reply->rest = REPLY_WHOLE;
}

void reply_refuse(int status, struct scratch *scratch, struct reply *ret_reply)
{
    struct exchange exchange = {.scratch = scratch, .reply = ret_reply};

    *ret_reply = (struct reply){.end = REPLY_CLOSE};
    reply_status(&exchange, status);
}

static struct span next_pattern(const struct replies *replies, struct reply *reply)
{
    size_t length = reply->rest_bytes < PATTERN_BYTES ? reply->rest_bytes : PATTERN_BYTES;

    reply->rest_bytes -= length;
    return (struct span){replies->pattern, length};
}

/* As many chunks as the scratch memory holds, behind the head where that is still to be sent. */
static struct span next_chunks(const struct replies *replies, struct reply *reply,
                               struct scratch *scratch)
{
    char *end = scratch->bytes + reply->first.length;

    while (reply->rest_bytes > 0 &&
           (size_t)(end - scratch->bytes) + CHUNK_BYTES + 2 * CHUNK_LINES_BYTES <= scratch->size) {
        size_t length = reply->rest_bytes < CHUNK_BYTES ? reply->rest_bytes : CHUNK_BYTES;

        end += sprintf(end, "%zx\r\n", length);
        memcpy(end, replies->pattern, length);
        end += length;
        end += sprintf(end, "\r\n");
        reply->rest_bytes -= length;
    }
    if (reply->rest_bytes == 0) {
        end += sprintf(end, "0\r\n\r\n");
        reply->rest = REPLY_WHOLE;
    }
    reply->first.length = 0;
    return (struct span){scratch->bytes, (size_t)(end - scratch->bytes)};
}

bool reply_next(const struct replies *replies, struct reply *reply, struct scratch *scratch,
                struct span *ret_piece)
{
    if (reply->rest == REPLY_CHUNKS) {
        *ret_piece = next_chunks(replies, reply, scratch);
        return true;
    }
    if (reply->first.length > 0) {
        *ret_piece = reply->first;
        reply->first.length = 0;
        return true;
    }
    if (reply->rest == REPLY_WHOLE || reply->rest_bytes == 0)
        return false;
    if (reply->rest == REPLY_PATTERN) {
        *ret_piece = next_pattern(replies, reply);
        return true;
    }
    *ret_piece = (struct span){replies->pattern, 1};
    reply->rest_bytes--;
    return true;
}
