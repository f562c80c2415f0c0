#ifndef PROTO_WRITER_H
#define PROTO_WRITER_H

/* Text that is written span by span into a buffer of the caller's. */

#include "proto/span.h"

/* Counts what is written, also what no longer fits. */
struct writer {
    char *buffer;
    size_t size;
    size_t length;
};

static inline void put(struct writer *writer, struct span span)
{
    if (span.length > 0 && span.length <= writer->size &&
        writer->length <= writer->size - span.length)
        memcpy(writer->buffer + writer->length, span.bytes, span.length);
    writer->length += span.length;
}

#endif
