#ifndef TESTS_ENGINE_FROZEN_LAYOUT_H
#define TESTS_ENGINE_FROZEN_LAYOUT_H

/* What a binary knows of haul.h: where members are, and what numbers words stand for. */

#include <stddef.h>

struct layout_row {
    const char *name;
    size_t place; /* an offset; or an enumerator's number */
    size_t size;  /* of the member */
};

/* The length of a struct that callers fill, and where the next member would lie. */
struct layout_struct {
    const char *name;
    size_t size;
    size_t next; /* of the grown header; else 0 */
};

struct layout {
    const struct layout_row *rows; /* those of the frozen header, in any */
    size_t row_count;
    const struct layout_struct *structs;
    size_t struct_count;
};

extern const struct layout layout_frozen, layout_current, layout_grown;

#endif
