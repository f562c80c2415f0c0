/* Owns the order of an arena: pieces, one behind the other to its end, each with its size before
 * it. The first free one that is large enough is taken, and free ones in a row become one on the
 * way to it. There are few of them, and they are asked for rarely: decoders take their memory when
 * they begin. */

#include "proto/coding/arena.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

struct piece {
    size_t size; /* with this head, a multiple of its own size */
    size_t is_taken;
};

void arena_init(struct arena *arena, void *bytes, size_t size)
{
    struct piece *first = bytes;
    *arena = (struct arena){.bytes = bytes, .size = size / sizeof *first * sizeof *first};
    *first = (struct piece){.size = arena->size};
}

static struct piece *piece_at(const struct arena *arena, size_t at)
{
    return (struct piece *)(void *)(arena->bytes + at);
}

/* With what is free behind it. */
static void join(const struct arena *arena, size_t at)
{
    struct piece *piece = piece_at(arena, at);
    while (at + piece->size < arena->size && !piece_at(arena, at + piece->size)->is_taken)
        piece->size += piece_at(arena, at + piece->size)->size;
}

static void split(const struct arena *arena, size_t at, size_t size)
{
    struct piece *piece = piece_at(arena, at);
    if (piece->size - size >= 2 * sizeof *piece)
        *piece_at(arena, at + size) = (struct piece){.size = piece->size - size};
    else
        size = piece->size;
    *piece = (struct piece){.size = size, .is_taken = true};
}

void *arena_take(struct arena *arena, size_t size)
{
    const size_t unit = sizeof(struct piece);
    if (size > arena->size)
        return NULL;
    size = (size + unit - 1) / unit * unit + unit;
    for (size_t at = 0; at < arena->size; at += piece_at(arena, at)->size) {
        if (piece_at(arena, at)->is_taken)
            continue;
        join(arena, at);
        if (piece_at(arena, at)->size < size)
            continue;
        split(arena, at, size);
        size_t end = at + piece_at(arena, at)->size;
        arena->reached = end > arena->reached ? end : arena->reached;
        return arena->bytes + at + unit;
    }
    return NULL;
}

void arena_give(struct arena *arena, void *memory)
{
    if (memory == NULL)
        return;
    struct piece *piece = (struct piece *)memory - 1;
    assert((char *)piece >= arena->bytes && (char *)piece < arena->bytes + arena->size);
    assert(piece->is_taken);
    piece->is_taken = false;
}
