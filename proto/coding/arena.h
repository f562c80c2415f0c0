#ifndef PROTO_CODING_ARENA_H
#define PROTO_CODING_ARENA_H

/* Memory for the decoders of one body, out of one piece that the caller gives. */

#include <stddef.h>

struct arena {
    char *bytes;
    size_t size;
    size_t reached; /* what lies behind this was never used */
};

/* bytes: aligned as malloc()'s are, and the caller's. */
void arena_init(struct arena *arena, void *bytes, size_t size);

/* NULL: there is no room. */
void *arena_take(struct arena *arena, size_t size);

/* NULL is allowed. */
void arena_give(struct arena *arena, void *memory);

#endif
