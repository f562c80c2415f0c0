#ifndef PROTO_SPAN_H
#define PROTO_SPAN_H

/* A borrowed view of bytes: never owned, never zero-terminated, valid as long as what it was cut
 * from. An empty span may have bytes == NULL. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *bytes;
    size_t length;
};

/* A span over a string literal, without its terminating zero. */
#define SPAN(literal) ((struct span){.bytes = (literal), .length = sizeof(literal) - 1})

static inline struct span span_of(const char *string)
{
    return (struct span){.bytes = string, .length = strlen(string)};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

static inline char ascii_lower(char c)
{
    return (c >= 'A' && c <= 'Z') ? (char)(c | 0x20) : c;
}

static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* -1 where c is no hexadecimal digit. */
static inline int ascii_hex_value(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* White space inside a line: a space or a tab. */
static inline bool ascii_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ascii_lower() of each of the eight bytes at p. */
static inline uint64_t ascii_lower_word(const char *p)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t word;
    memcpy(&word, p, sizeof word);
    uint64_t low = word & each * 0x7f;
    uint64_t from_a = low + each * (0x80 - 'A'); /* high bit: not below it */
    uint64_t above_z = low + each * (0x7f - 'Z');
    uint64_t is_upper = (from_a ^ above_z) & ~word & each * 0x80;
    return word | is_upper >> 2;
}

/* ASCII case is folded, as HTTP field names and schemes ask; other bytes must be the same. By
 * eight, the last of which may overlap those before. */
static inline bool span_equal_fold(struct span a, struct span b)
{
    if (a.length != b.length)
        return false;
    if (a.length >= 8) {
        size_t last = a.length - 8;
        for (size_t i = 0; i < last; i += 8)
            if (ascii_lower_word(a.bytes + i) != ascii_lower_word(b.bytes + i))
                return false;
        return ascii_lower_word(a.bytes + last) == ascii_lower_word(b.bytes + last);
    }
    for (size_t i = 0; i < a.length; i++)
        if (ascii_lower(a.bytes[i]) != ascii_lower(b.bytes[i]))
            return false;
    return true;
}

/* The span without the blanks around it. */
static inline struct span span_trim(struct span span)
{
    while (span.length > 0 && ascii_is_blank(span.bytes[0]))
        span = (struct span){.bytes = span.bytes + 1, .length = span.length - 1};
    while (span.length > 0 && ascii_is_blank(span.bytes[span.length - 1]))
        span.length--;
    return span;
}

/* Cuts the next element, trimmed, off a comma-separated list; empty elements are elements too. The
 * list is over, and false returned, when its bytes are NULL. */
static inline bool span_list_next(struct span *list, struct span *ret_element)
{
    struct span element = *list;
    const char *comma;

    if (element.bytes == NULL)
        return false;
    comma = memchr(element.bytes, ',', element.length);
    *list = (struct span){.bytes = NULL, .length = 0};
    if (comma != NULL) {
        size_t length = (size_t)(comma - element.bytes);

        *list = (struct span){.bytes = comma + 1, .length = element.length - length - 1};
        element.length = length;
    }
    *ret_element = span_trim(element);
    return true;
}

#endif
