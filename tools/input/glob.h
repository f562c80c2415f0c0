#ifndef TOOLS_INPUT_GLOB_H
#define TOOLS_INPUT_GLOB_H

/* curl's URL globs: [1-150], [001-100:2], [a-z], [a-z:2], {a,b,c}, several in one text, the last
 * of which varies fastest. They do not nest. A backslash before one of []{} takes its meaning
 * away, as before any character inside braces. An IPv6 literal such as [::1], and [], stand for
 * themselves.
 *
 * The expansions are counted through, never stored: a glob of 2^63 URLs is as small as one of
 * two. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLOB_FAULTS(X)                                                                             \
    X(NONE, "no fault")                                                                            \
    X(UNCLOSED, "the URL's glob is not closed")                                                    \
    X(UNOPENED, "the URL closes a glob that it does not open; write a backslash before it")        \
    X(NESTED, "the URL nests one glob in another")                                                 \
    X(EMPTY, "the URL has a glob with nothing in it")                                              \
    X(RANGE, "the URL's range is not like [1-9], [01-99:3] or [a-z]")                              \
    X(TOO_MANY, "the URL's globs cut it into more than 65 parts")

enum glob_fault {
#define GLOB_FAULT_ENUM(name, sentence) GLOB_##name,
    GLOB_FAULTS(GLOB_FAULT_ENUM)
#undef GLOB_FAULT_ENUM
};

enum { GLOB_PARTS_MAX = 65 }; /* 32 globs and the texts around them */

enum glob_kind { GLOB_TEXT, GLOB_SET, GLOB_NUMBERS, GLOB_LETTERS };

/* A part is where its counter stands: a number or letter, or an element of a set. */
struct glob_part {
    enum glob_kind kind;
    const char *bytes; /* the text, or what is inside the braces */
    size_t length;
    size_t element; /* GLOB_SET: where the current element begins in bytes */
    uint64_t first, last, step, now;
    unsigned width; /* GLOB_NUMBERS: digits to fill up to with zeros */
};

struct glob {
    struct glob_part parts[GLOB_PARTS_MAX];
    size_t part_count;
};

/* The sentence of a fault: static, never NULL. */
const char *glob_sentence(enum glob_fault fault);

/* Whether text has any of []{}: if not, it is its own only expansion. */
bool glob_is_needed(const char *text, size_t length);

/* Parses text, which is borrowed, and stands at the first expansion. On a fault, which alone leaves
 * the glob unusable, ret_column says where it lies, counted from 1. */
enum glob_fault glob_init(struct glob *glob, const char *text, size_t length, size_t *ret_column);

/* Writes the current expansion to buffer, as far as size reaches, without a zero byte at its end.
 * Returns the expansion's whole length, which may be more than size. */
size_t glob_expand(const struct glob *glob, char *buffer, size_t size);

/* Goes on to the next expansion; false: that was the last, and the first is the current again. */
bool glob_next(struct glob *glob);

/* How many expansions there are; UINT64_MAX stands for more than that too. */
uint64_t glob_count(const struct glob *glob);

#endif
