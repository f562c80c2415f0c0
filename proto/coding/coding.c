/* Owns the row of decoders. The hard idea is who asks whom: plain bytes are asked of the last one,
 * which asks the one before it for more only when it has taken all it had. So memory stays what it
 * is whatever the bytes expand to; and each decoder's yield is measured against the wire, for the
 * one that ends a row may give little while those before it labour. */

#include "proto/coding/coding.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *name;
    const char *other;
    bool (*open)(struct coder *coder, struct arena *arena);
    enum proto_error (*run)(struct coder *coder, struct span *in, struct room *room);
} codings[] = {
#define CODING_ROW(id, name, other, functions) {name, other, functions##_open, functions##_run},
    CODINGS(CODING_ROW)
#undef CODING_ROW
        {"", "", NULL, NULL}, /* C wants one */
};

const char *coding_names(void)
{
#define CODING_NAME(id, name, other, functions) ", " name
    static const char names[] = "" CODINGS(CODING_NAME);
#undef CODING_NAME
    return names[0] != '\0' ? names + 2 : NULL;
}

/* Of br: a window of 16 MiB, a few dozen KiB about it, and the tables of one meta-block. Of zstd: a
 * window of 8 MiB and two blocks. Of zlib 40 KiB each. */
size_t coding_memory_bytes(void)
{
#if defined(HAUL_HAS_BROTLI)
    return (size_t)21 << 20;
#elif defined(HAUL_HAS_ZSTD)
    return (size_t)9 << 20;
#elif defined(HAUL_HAS_ZLIB)
    return (size_t)320 << 10;
#else
    return 0;
#endif
}

/* --- names ------------------------------------------------------------------------------------ */

static enum coding_kind kind_of(struct span name)
{
    for (int kind = 0; kind < CODING_KINDS; kind++)
        if (span_equal_fold(name, span_of(codings[kind].name)) ||
            span_equal_fold(name, span_of(codings[kind].other)))
            return (enum coding_kind)kind;
    return CODING_KINDS;
}

enum proto_error coding_list_add(struct coding_list *list, struct span value)
{
    struct span name;
    enum proto_error error = PROTO_OK;
    while (span_list_next(&value, &name)) {
        if (name.length == 0 || span_equal_fold(name, SPAN("identity")))
            continue;
        list->named++;
        enum coding_kind kind = kind_of(name);
        if (error == PROTO_OK && kind == CODING_KINDS)
            error = PROTO_CONTENT_UNKNOWN;
        else if (error == PROTO_OK && list->count == CODING_MOST)
            error = PROTO_CONTENT_COUNT;
        else if (error == PROTO_OK)
            list->kinds[list->count++] = kind;
    }
    return error;
}

/* --- the row ---------------------------------------------------------------------------------- */

enum proto_error coding_begin(struct coding *coding, const struct coding_list *list, void *memory,
                              size_t size, uint64_t max_ratio)
{
    assert(list->count > 0 && list->count <= CODING_MOST);
    *coding = (struct coding){.count = list->count, .max_ratio = max_ratio};
    arena_init(&coding->arena, memory, size);
    for (uint32_t i = 0; i < coding->count; i++) {
        struct coder *coder = &coding->coders[i];
        coder->kind = list->kinds[coding->count - 1 - i];
        if (!codings[coder->kind].open(coder, &coding->arena))
            return coding->error = PROTO_CONTENT_MEMORY;
    }
    for (uint32_t i = 0; i + 1 < coding->count; i++) {
        coding->between[i].bytes = arena_take(&coding->arena, CODING_BETWEEN_BYTES);
        if (coding->between[i].bytes == NULL)
            return coding->error = PROTO_CONTENT_MEMORY;
    }
    return PROTO_OK;
}

void coding_feed(struct coding *coding, struct span bytes)
{
    assert(coding->in.length == 0);
    coding->in = bytes;
    coding->fed += bytes.length;
}

static bool is_bomb(const struct coding *coding, const struct coder *coder)
{
    uint64_t came = coding->fed - coding->in.length;
    return coding->max_ratio > 0 && coder->made > CODING_FREE_BYTES &&
           (coder->made - 1) / coding->max_ratio >= came;
}

static enum proto_error run(struct coding *coding, uint32_t place, struct span *in,
                            struct room *room)
{
    struct coder *coder = &coding->coders[place];
    size_t before = room->length;
    coder->has_begun |= in->length > 0;
    if (!coder->has_begun)
        return PROTO_OK;
    enum proto_error error = PROTO_OK;
    if (!coder->is_over)
        error = codings[coder->kind].run(coder, in, room);
    if (coder->is_over)
        in->length = 0;
    coder->made += before - room->length;
    return error == PROTO_OK && is_bomb(coding, coder) ? PROTO_CONTENT_RATIO : error;
}

/* Fills room from the decoder at that place, and asks those before it: there are five at most. */
static enum proto_error pull(struct coding *coding, uint32_t place, struct room *room)
{
    struct between *between = place > 0 ? &coding->between[place - 1] : NULL;
    struct span *in = between != NULL ? &between->rest : &coding->in;
    for (;;) {
        enum proto_error error = run(coding, place, in, room);
        if (error != PROTO_OK || room->length == 0 || between == NULL)
            return error;
        struct room more = {between->bytes, CODING_BETWEEN_BYTES};
        error = pull(coding, place - 1, &more);
        between->rest = (struct span){between->bytes, CODING_BETWEEN_BYTES - more.length};
        if (error != PROTO_OK || between->rest.length == 0)
            return error;
    }
}

enum proto_error coding_take(struct coding *coding, char *bytes, size_t size, size_t *ret_length)
{
    struct room room = {bytes, size};
    if (coding->error == PROTO_OK)
        coding->error = pull(coding, coding->count - 1, &room);
    *ret_length = size - room.length;
    return coding->error;
}

enum proto_error coding_end(const struct coding *coding)
{
    for (uint32_t i = 0; i < coding->count; i++)
        if (coding->coders[i].has_begun && !coding->coders[i].is_ended)
            return PROTO_CONTENT_TRUNCATED;
    return PROTO_OK;
}
