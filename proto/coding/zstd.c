/* zstd (RFC 8878), by libzstd. A window is at most 8 MiB, which every decoder of the web must and
 * need only have (RFC 9659). A body may have frames, one behind the other. */

#ifdef HAUL_HAS_ZSTD

#include "proto/coding/coder.h"

/* Who takes memory from a place of his own says so by a call outside the library's stable part. It
 * has been the same, and exported, in all of its versions 1. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

enum { WINDOW_LOG_MAX = 23 };

static void *take(void *opaque, size_t size)
{
    return arena_take(opaque, size);
}

static void give(void *opaque, void *memory)
{
    arena_give(opaque, memory);
}

bool zstd_open(struct coder *coder, struct arena *arena)
{
    ZSTD_DCtx *state = ZSTD_createDCtx_advanced((ZSTD_customMem){take, give, arena});
    coder->state = state;
    return state != NULL &&
           !ZSTD_isError(ZSTD_DCtx_setParameter(state, ZSTD_d_windowLogMax, WINDOW_LOG_MAX));
}

static enum proto_error error_of(size_t result)
{
    switch ((int)ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
        return PROTO_CONTENT_MEMORY;
    case ZSTD_error_frameParameter_windowTooLarge:
        return PROTO_CONTENT_WINDOW;
    default:
        return PROTO_CONTENT_CORRUPT;
    }
}

static enum proto_error run(struct coder *coder, struct span *in, struct room *room)
{
    ZSTD_inBuffer input = {in->bytes, in->length, 0};
    ZSTD_outBuffer output = {room->bytes, room->length, 0};
    size_t result;
    size_t before;
    do {
        before = input.pos + output.pos;
        result = ZSTD_decompressStream(coder->state, &output, &input);
    } while (!ZSTD_isError(result) && result > 0 && output.pos < output.size &&
             input.pos + output.pos > before);
    *in = (struct span){in->bytes + input.pos, input.size - input.pos};
    *room = (struct room){room->bytes + output.pos, output.size - output.pos};
    coder->is_ended = result == 0;
    coder->is_inside = !coder->is_ended;
    return ZSTD_isError(result) ? error_of(result) : PROTO_OK;
}

/* Of a frame, or of one that is to be skipped (RFC 8878, 3.1). */
static bool is_magic(const unsigned char *bytes)
{
    uint32_t number = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                      (uint32_t)bytes[3] << 24;
    return number == ZSTD_MAGICNUMBER ||
           (number & ZSTD_MAGIC_SKIPPABLE_MASK) == (uint32_t)ZSTD_MAGIC_SKIPPABLE_START;
}

/* Before a frame: is it one? The library would take those of drafts before the RFC too, by memory
 * of its own. Behind one, what is none is the end. */
static enum proto_error go_on(struct coder *coder, struct span *in, struct room *room)
{
    struct span ahead = {(const char *)coder->ahead, sizeof coder->ahead};
    if (!coder_looks_ahead(coder, in, sizeof coder->ahead))
        return PROTO_OK;
    bool is_frame = is_magic(coder->ahead);
    coder->is_over = !is_frame && coder->is_ended;
    if (!is_frame)
        return coder->is_ended ? PROTO_OK : PROTO_CONTENT_CORRUPT;
    coder->ahead_count = 0;
    enum proto_error error = run(coder, &ahead, room);
    return error != PROTO_OK ? error : run(coder, in, room);
}

enum proto_error zstd_run(struct coder *coder, struct span *in, struct room *room)
{
    enum proto_error error = coder->is_inside ? run(coder, in, room) : PROTO_OK;
    while (error == PROTO_OK && !coder->is_inside && !coder->is_over && in->length > 0 &&
           room->length > 0)
        error = go_on(coder, in, room);
    return error;
}

#else

typedef int zstd_is_not_built_in;

#endif
