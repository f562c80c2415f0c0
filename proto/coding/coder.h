#ifndef PROTO_CODING_CODER_H
#define PROTO_CODING_CODER_H

/* One coding's decoder, as coding.c sees it, and the list of those that were built in. */

#include "proto/coding/arena.h"
#include "proto/error.h"
#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef HAUL_HAS_ZLIB
#define CODINGS_ZLIB(X) X(GZIP, "gzip", "x-gzip", inflater) X(DEFLATE, "deflate", "", inflater)
#else
#define CODINGS_ZLIB(X)
#endif
#ifdef HAUL_HAS_BROTLI
#define CODINGS_BROTLI(X) X(BR, "br", "", brotli)
#else
#define CODINGS_BROTLI(X)
#endif
#ifdef HAUL_HAS_ZSTD
#define CODINGS_ZSTD(X) X(ZSTD, "zstd", "", zstd)
#else
#define CODINGS_ZSTD(X)
#endif

/* X(id, name, another name, its functions), in the order in which they are asked for. */
#define CODINGS(X) CODINGS_ZLIB(X) CODINGS_BROTLI(X) CODINGS_ZSTD(X)

enum coding_kind {
#define CODING_KIND(id, name, other, functions) CODING_##id,
    CODINGS(CODING_KIND)
#undef CODING_KIND
        CODING_KINDS,
};

/* Room that is filled from its front. */
struct room {
    char *bytes;
    size_t length;
};

struct coder {
    enum coding_kind kind;
    bool has_begun;         /* a byte was taken */
    bool is_ended;          /* so far this is a whole stream */
    bool is_inside;         /* a frame has begun and has not ended; of zstd alone */
    bool is_over;           /* what comes now is none, and dropped: so do browsers and curl */
    void *state;            /* its own, in the arena */
    uint64_t made;          /* bytes */
    unsigned char ahead[4]; /* bytes that decide what follows, */
    uint32_t ahead_count;   /* as many as have come */
};

/* Takes bytes from in until there are so many; false: more have to come. */
static inline bool coder_looks_ahead(struct coder *coder, struct span *in, uint32_t count)
{
    while (coder->ahead_count < count && in->length > 0) {
        coder->ahead[coder->ahead_count++] = (unsigned char)in->bytes[0];
        *in = (struct span){in->bytes + 1, in->length - 1};
    }
    return coder->ahead_count == count;
}

/* <functions>_open(): false, there is no room for it. <functions>_run(): takes from in and fills
 * room, until one of them is empty or it is over; with room left, nothing is held back. Errors:
 * CONTENT_*. */
#define CODER_FUNCTIONS(functions)                                                                 \
    bool functions##_open(struct coder *coder, struct arena *arena);                               \
    enum proto_error functions##_run(struct coder *coder, struct span *in, struct room *room)

CODER_FUNCTIONS(inflater);
CODER_FUNCTIONS(brotli);
CODER_FUNCTIONS(zstd);

#endif
