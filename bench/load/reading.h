#ifndef BENCH_LOAD_READING_H
#define BENCH_LOAD_READING_H

/* The replies of one connection, counted: for every client alike. Bodies are not kept. */

#include "proto/http/reply.h"

struct reading {
    struct reply reply;
    bool is_head_request;
    uint64_t body_bytes; /* of the present reply */
};

enum reading_event {
    READING_MORE,  /* all bytes are taken */
    READING_REPLY, /* a reply is complete: its facts stand until the next call; *in is what is
                      behind it */
    READING_BAD,   /* ret_error says what is wrong */
};

/* The first of a connection. The carry must be none, or as an earlier connection left it. */
void reading_init(struct reading *reading, bool is_head_request);

/* The next reply of the connection is to another method than the last. */
void reading_expect(struct reading *reading, bool is_head_request);

/* Frees the carry. */
void reading_deinit(struct reading *reading);

/* Takes bytes from the front of *in, which is cut by them. Errors: those of reply_feed(), and
 * HEAD_TOO_LONG where there is no memory to carry a head. */
enum reading_event reading_feed(struct reading *reading, struct span *in,
                                enum proto_error *ret_error);

/* The connection ended. True: that ended the present reply's body, and the reply is complete. */
bool reading_end(struct reading *reading);

#endif
