#ifndef BENCH_SERVER_INBOUND_H
#define BENCH_SERVER_INBOUND_H

/* A request as the server receives it: what of RFC 9112 it takes to tell one from the next. */

#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { INBOUND_HEAD_BYTES_MAX = 32 * 1024, INBOUND_BODY_BYTES_MAX = 16 * 1024 * 1024 };

struct inbound {
    struct span method;
    struct span path; /* without query */
    uint8_t version_minor;
    bool is_head;
    bool keep_alive;
    uint64_t body_bytes;
    size_t length; /* head and body */
};

/* 0: ret_inbound is a whole request at the front of bytes, whose views lie in bytes; INBOUND_MORE:
 * it goes on beyond them; else the status to refuse it with, after which nothing can be read. */
enum { INBOUND_MORE = -1 };
int inbound_parse(struct span bytes, struct inbound *ret_inbound);

#endif
