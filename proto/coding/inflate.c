/* gzip (RFC 1952) and deflate, with a zlib header (RFC 1950) or without one, by zlib. What the RFC
 * calls deflate has that header; some servers leave it away (RFC 9110, 8.4.1.2), and its two bytes
 * tell: a header's make a multiple of 31. A gzip may have members, one behind the other. */

#ifdef HAUL_HAS_ZLIB

#include "proto/coding/coder.h"

#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

enum { GZIP_BITS = MAX_WBITS + 16, RAW_BITS = -MAX_WBITS };

struct inflater {
    z_stream stream;
    bool is_open;
};

enum { AHEAD = 2 }; /* bytes of deflate, or of another member, that tell what it is */

static void *take(void *opaque, unsigned count, unsigned size)
{
    return arena_take(opaque, (size_t)count * size);
}

static void give(void *opaque, void *memory)
{
    arena_give(opaque, memory);
}

bool inflater_open(struct coder *coder, struct arena *arena)
{
    struct inflater *inflater = arena_take(arena, sizeof *inflater);
    if (inflater == NULL)
        return false;
    *inflater = (struct inflater){.stream = {.zalloc = take, .zfree = give, .opaque = arena}};
    coder->state = inflater;
    if (coder->kind == CODING_DEFLATE)
        return true;
    inflater->is_open = true;
    return inflateInit2(&inflater->stream, GZIP_BITS) == Z_OK;
}

static enum proto_error run(struct coder *coder, struct span *in, struct room *room)
{
    struct inflater *inflater = coder->state;
    z_stream *stream = &inflater->stream;
    stream->next_in = (const unsigned char *)in->bytes;
    stream->avail_in = (unsigned)in->length;
    stream->next_out = (unsigned char *)room->bytes;
    stream->avail_out = (unsigned)room->length;
    int result = inflate(stream, Z_NO_FLUSH);
    in->bytes += in->length - stream->avail_in;
    in->length = stream->avail_in;
    room->bytes = (char *)stream->next_out;
    room->length = stream->avail_out;
    switch (result) {
    case Z_STREAM_END:
        coder->is_ended = true;
        return PROTO_OK;
    case Z_OK:
    case Z_BUF_ERROR: /* nothing to take, or no room */
        return PROTO_OK;
    case Z_MEM_ERROR:
        return PROTO_CONTENT_MEMORY;
    default:
        return PROTO_CONTENT_CORRUPT;
    }
}

static enum proto_error run_ahead(struct coder *coder, struct room *room)
{
    struct span ahead = {(const char *)coder->ahead, AHEAD};
    coder->ahead_count = 0;
    return run(coder, &ahead, room); /* two bytes are taken whatever room there is */
}

static bool begins_zlib(const unsigned char *first)
{
    bool is_deflate = (first[0] & 15) == Z_DEFLATED && first[0] >> 4 <= MAX_WBITS - 8;
    return is_deflate && (first[0] << 8 | first[1]) % 31 == 0;
}

static enum proto_error open_deflate(struct coder *coder, struct span *in, struct room *room)
{
    struct inflater *inflater = coder->state;
    if (!coder_looks_ahead(coder, in, AHEAD))
        return PROTO_OK;
    int bits = begins_zlib(coder->ahead) ? MAX_WBITS : RAW_BITS;
    if (inflateInit2(&inflater->stream, bits) != Z_OK)
        return PROTO_CONTENT_MEMORY;
    inflater->is_open = true;
    return run_ahead(coder, room);
}

/* Behind a member: another one, or what is none. */
static enum proto_error go_on(struct coder *coder, struct span *in, struct room *room)
{
    struct inflater *inflater = coder->state;
    bool may_go_on = coder->kind == CODING_GZIP;
    if (may_go_on && !coder_looks_ahead(coder, in, AHEAD))
        return PROTO_OK;
    coder->is_over = !may_go_on || coder->ahead[0] != 0x1f || coder->ahead[1] != 0x8b;
    if (coder->is_over)
        return PROTO_OK;
    coder->is_ended = false;
    inflateReset(&inflater->stream);
    enum proto_error error = run_ahead(coder, room);
    return error != PROTO_OK ? error : run(coder, in, room);
}

enum proto_error inflater_run(struct coder *coder, struct span *in, struct room *room)
{
    const struct inflater *inflater = coder->state;
    enum proto_error error = PROTO_OK;
    if (!inflater->is_open)
        error = open_deflate(coder, in, room);
    if (error == PROTO_OK && inflater->is_open && !coder->is_ended)
        error = run(coder, in, room);
    while (error == PROTO_OK && coder->is_ended && !coder->is_over && in->length > 0 &&
           room->length > 0)
        error = go_on(coder, in, room);
    return error;
}

#else

typedef int inflate_is_not_built_in;

#endif
