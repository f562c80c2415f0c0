/* Base64 around an envelope around deflated bytes. */

#include "tests/lib/payload.h"
#include "proto/x509/pem.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

enum { ENVELOPE_BYTES = 8, RAW_BYTES_MAX = 1 << 20 };

static void *memory_of(size_t bytes)
{
    void *memory = calloc(1, bytes);

    if (memory == NULL)
        abort();
    return memory;
}

/* Bit by bit: 8 go in, 6 come out. */
char *payload_of_packed(struct span packed)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = memory_of((packed.length + 2) / 3 * 4 + 1), *out = text;
    size_t bits = packed.length * 8;

    for (size_t bit = 0; bit < bits; bit += 6) {
        size_t at = bit / 8;
        unsigned first = (uint8_t)packed.bytes[at];
        unsigned second = at + 1 < packed.length ? (uint8_t)packed.bytes[at + 1] : 0;

        *out++ = letters[(first << 8 | second) >> (10 - bit % 8) & 63];
    }
    while ((out - text) % 4 != 0)
        *out++ = '=';
    return text;
}

char *payload_of_raw(struct span raw)
{
    static const unsigned char cookie[] = {0x1c, 0x84, 0x93, 0x14};
    uLongf length = compressBound(raw.length);
    unsigned char *packed = memory_of(ENVELOPE_BYTES + length);
    char *text;

    if (compress(packed + ENVELOPE_BYTES, &length, (const Bytef *)raw.bytes, raw.length) != Z_OK)
        abort();
    memcpy(packed, cookie, sizeof(cookie));
    for (unsigned i = 0; i < 4; i++)
        packed[4 + i] = (unsigned char)(length >> (24 - 8 * i));
    text = payload_of_packed((struct span){(char *)packed, ENVELOPE_BYTES + length});
    free(packed);
    return text;
}

char *payload_raw(const char *payload, size_t *ret_length)
{
    struct span text = span_of(payload);
    char *packed = memory_of(pem_decoded_max(text.length)), *raw = memory_of(RAW_BYTES_MAX);
    uLongf raw_length = RAW_BYTES_MAX;
    size_t length;

    if (!pem_decode(text, packed, &length) || length < ENVELOPE_BYTES ||
        uncompress((Bytef *)raw, &raw_length, (const Bytef *)packed + ENVELOPE_BYTES,
                   length - ENVELOPE_BYTES) != Z_OK)
        abort();
    free(packed);
    *ret_length = raw_length;
    return raw;
}
