/* br (RFC 7932), by libbrotlidec. Its window, of up to 16 MiB, is taken at once and whole: it costs
 * only what of it is written, and never moves. */

#ifdef HAUL_HAS_BROTLI

#include "proto/coding/coder.h"

#include <brotli/decode.h>

static void *take(void *opaque, size_t size)
{
    return arena_take(opaque, size);
}

static void give(void *opaque, void *memory)
{
    arena_give(opaque, memory);
}

bool brotli_open(struct coder *coder, struct arena *arena)
{
    BrotliDecoderState *state = BrotliDecoderCreateInstance(take, give, arena);
    coder->state = state;
    return state != NULL && BrotliDecoderSetParameter(
                                state, BROTLI_DECODER_PARAM_DISABLE_RING_BUFFER_REALLOCATION, 1);
}

static enum proto_error error_of(BrotliDecoderErrorCode code)
{
    bool is_memory = code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                     code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
    return is_memory ? PROTO_CONTENT_MEMORY : PROTO_CONTENT_CORRUPT;
}

enum proto_error brotli_run(struct coder *coder, struct span *in, struct room *room)
{
    const uint8_t *next_in = (const uint8_t *)in->bytes;
    uint8_t *next_out = (uint8_t *)room->bytes;
    BrotliDecoderResult result = BrotliDecoderDecompressStream(coder->state, &in->length, &next_in,
                                                               &room->length, &next_out, NULL);
    in->bytes = (const char *)next_in;
    room->bytes = (char *)next_out;
    if (result == BROTLI_DECODER_RESULT_ERROR)
        return error_of(BrotliDecoderGetErrorCode(coder->state));
    coder->is_ended = coder->is_over = result == BROTLI_DECODER_RESULT_SUCCESS;
    return PROTO_OK;
}

#else

typedef int brotli_is_not_built_in;

#endif
