#ifndef TOOLS_INPUT_PAYLOAD_H
#define TOOLS_INPUT_PAYLOAD_H

/* The body of the requests, as the words of the command line make it: text and files, one behind
 * the other. What is not a regular file is read to its end and kept, so that it may be sent to
 * every URL: what is short in memory, what is long in a file of no name. */

#include "engine/haul.h"

#include <stdbool.h>
#include <stddef.h>

enum { PAYLOAD_KEPT_MAX = 1 << 20 }; /* in memory, of each text between two files */

struct payload_part;

struct payload {
    struct payload_part *first; /* zero at first */
    struct payload_part *last;
};

/* Errors of all three: a negative errno. */
int payload_add(struct payload *payload, const void *bytes, size_t length);

/* What fd has from where it stands on, which is read here, through change where that is not NULL:
 * it makes of bytes others, no more of them, and returns how many. */
int payload_add_read(struct payload *payload, int fd, size_t (*change)(char *bytes, size_t length));

/* What fd has from where it stands on, which is closed with the payload; a regular file is read as
 * it is sent. */
int payload_add_file(struct payload *payload, int fd);

/* It is text alone, which stays the payload's and ends in a zero byte; NULL: it is more. */
const char *payload_text(const struct payload *payload, size_t *ret_length);

/* Its parts; NULL: none. */
const struct haul_body_part *payload_parts(const struct payload *payload);

void payload_close(struct payload *payload);

#endif
