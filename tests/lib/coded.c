/* Owns nothing but calls: each encoder by its library, in one go. */

#include "tests/lib/coded.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#if defined(HAUL_HAS_BROTLI) && defined(HAS_BROTLI_ENCODER)
#include <brotli/encode.h>
#endif
#ifdef HAUL_HAS_ZSTD
#include <zstd.h>
#endif

static void *need(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static struct span deflated(struct span plain, int bits)
{
    z_stream stream = {0};
    size_t size = plain.length + plain.length / 500 + 64;
    char *bytes = need(malloc(size));
    if (deflateInit2(&stream, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    stream.next_in = (unsigned char *)(uintptr_t)plain.bytes;
    stream.avail_in = (unsigned)plain.length;
    stream.next_out = (unsigned char *)bytes;
    stream.avail_out = (unsigned)size;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        abort();
    deflateEnd(&stream);
    return (struct span){bytes, stream.total_out};
}

#if defined(HAUL_HAS_BROTLI) && defined(HAS_BROTLI_ENCODER)
static struct span brotlied(struct span plain)
{
    size_t size = BrotliEncoderMaxCompressedSize(plain.length) + 64;
    char *bytes = need(malloc(size));
    if (!BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, plain.length,
                               (const uint8_t *)plain.bytes, &size, (uint8_t *)bytes))
        abort();
    return (struct span){bytes, size};
}
#endif

#ifdef HAUL_HAS_ZSTD
/* Without a stated size, so that the window is what the frame says. */
static struct span zstded(struct span plain, int window_log)
{
    ZSTD_CCtx *context = need(ZSTD_createCCtx());
    ZSTD_outBuffer out = {NULL, ZSTD_compressBound(plain.length) + 64, 0};
    ZSTD_inBuffer in = {plain.bytes, plain.length, 0};
    out.dst = need(malloc(out.size));
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    if (window_log > 0)
        ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    size_t left = ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush);
    do
        left = ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
    while (left > 0 && !ZSTD_isError(left));
    if (ZSTD_isError(left) || in.pos < in.size)
        abort();
    ZSTD_freeCCtx(context);
    return (struct span){out.dst, out.pos};
}
#endif

static struct span made(struct span name, struct span plain)
{
    if (span_equal(name, SPAN("gzip")))
        return deflated(plain, MAX_WBITS + 16);
    if (span_equal(name, SPAN("deflate")))
        return deflated(plain, MAX_WBITS);
    if (span_equal(name, SPAN("raw")))
        return deflated(plain, -MAX_WBITS);
#if defined(HAUL_HAS_BROTLI) && defined(HAS_BROTLI_ENCODER)
    if (span_equal(name, SPAN("br")))
        return brotlied(plain);
#endif
#ifdef HAUL_HAS_ZSTD
    if (span_equal(name, SPAN("zstd")))
        return zstded(plain, 0);
    if (span_equal(name, SPAN("wide")))
        return zstded(plain, 24);
#endif
    abort();
}

struct span coded_make(const char *names, struct span plain)
{
    struct span list = span_of(names);
    struct span name;
    struct span coded = {need(malloc(plain.length + 1)), plain.length};
    memcpy((char *)(uintptr_t)coded.bytes, plain.bytes, plain.length);
    while (span_list_next(&list, &name)) {
        struct span next = made(name, coded);
        free((void *)(uintptr_t)coded.bytes);
        coded = next;
    }
    return coded;
}

bool coded_is_there(const char *name)
{
    (void)name; /* in a build without any */
#ifdef HAUL_HAS_ZLIB
    if (strcmp(name, "gzip") == 0 || strcmp(name, "deflate") == 0 || strcmp(name, "raw") == 0)
        return true;
#endif
#if defined(HAUL_HAS_BROTLI) && defined(HAS_BROTLI_ENCODER)
    if (strcmp(name, "br") == 0)
        return true;
#endif
#ifdef HAUL_HAS_ZSTD
    if (strcmp(name, "zstd") == 0 || strcmp(name, "wide") == 0)
        return true;
#endif
    return false;
}

char *coded_text(size_t length)
{
    static const char *const words[] = {"haul ", "gather ", "{\"id\":", "stream", ", ", "\n", "7"};
    char *text = need(malloc(length + 16));
    uint32_t state = 1;
    for (size_t at = 0; at < length;) {
        state = state * 1664525 + 1013904223;
        uint32_t pick = state >> 24;
        if (pick < 7 * 32)
            at += (size_t)(stpcpy(text + at, words[pick / 32]) - (text + at));
        else
            text[at++] = (char)(state >> 16);
    }
    return text;
}
