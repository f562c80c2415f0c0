#ifndef TOOLS_OUTPUT_JSON_H
#define TOOLS_OUTPUT_JSON_H

/* The pieces of JSON text, written into memory that the caller has made sure of. Every put_
 * function writes at at and returns the end of what it wrote; none adds a zero byte. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    JSON_UINT_BYTES = 20,  /* the longest number */
    JSON_ESCAPE_BYTES = 6, /* the longest escape: what one byte may become */
};

static inline char *put_bytes(char *at, const char *bytes, size_t length)
{
    memcpy(at, bytes, length);
    return at + length;
}

#define PUT_LITERAL(at, literal) put_bytes((at), (literal), sizeof(literal) - 1)

char *put_uint(char *at, uint64_t number);

/* The inside of a JSON string. latin1: every byte above 127 becomes \u00XX; otherwise such bytes
 * are copied, and the caller knows that they are UTF-8. Needs length * JSON_ESCAPE_BYTES bytes.
 * A text may be put in pieces, cut anywhere. */
char *put_escaped(char *at, const char *bytes, size_t length, bool latin1);

/* A UTF-8 check (RFC 3629) that may be fed in pieces, cut anywhere. Begin with all zero. */
struct utf8 {
    uint8_t left;         /* continuation bytes still to come */
    uint8_t lower, upper; /* what the next of them may be */
};

/* False: what was fed so far is not UTF-8. */
bool utf8_feed(struct utf8 *utf8, const char *bytes, size_t length);

/* The end: false when a character is unfinished. */
static inline bool utf8_end(const struct utf8 *utf8)
{
    return utf8->left == 0;
}

bool utf8_is_valid(const char *bytes, size_t length);

/* Base64 (RFC 4648) that may be fed in pieces. Begin with all zero. */
struct base64 {
    uint8_t held[2]; /* bytes that do not yet make a group of three */
    uint8_t held_count;
};

/* Needs (length + 2) / 3 * 4 bytes. */
char *put_base64(char *at, struct base64 *base64, const char *bytes, size_t length);

/* The last group with its padding: up to 4 bytes. */
char *put_base64_end(char *at, struct base64 *base64);

#endif
