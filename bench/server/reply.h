#ifndef BENCH_SERVER_REPLY_H
#define BENCH_SERVER_REPLY_H

/* From a request to the reply's bytes, piece by piece. What is the same for every request is
 * written once, at start, head and body in one piece, so that serving it costs a look-up; what is
 * not is written into the connection's scratch memory. */

#include "bench/server/dataset.h"
#include "bench/server/inbound.h"
#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

/* Fixed replies, in both forms: 0 keeps the connection, 1 announces its end. */
struct fixed {
    char *bytes[2];
    size_t length[2];
    size_t head_length[2];
};

enum { REPLY_FIXED_MAX = 16 };

struct replies {
    struct dataset dataset;
    struct fixed fixed[REPLY_FIXED_MAX];
    char *pattern;
    uint64_t stall_first_ns; /* how long the first request for /p/1 has to wait; then 0 */
};

/* Memory that a connection lends its replies; grows. Starts as zeros. */
struct scratch {
    char *bytes;
    size_t size;
};

enum reply_rest { REPLY_WHOLE, REPLY_PATTERN, REPLY_CHUNKS, REPLY_DRIP };
enum reply_end {
    REPLY_KEEP,
    REPLY_CLOSE,
    REPLY_CUT, /* as REPLY_CLOSE, but without a word: over TLS no close_notify */
    REPLY_RESET,
    REPLY_STALL,
};

struct reply {
    struct span first;  /* to be sent before what rest says; may be empty */
    size_t head_length; /* how much of it is the head */
    enum reply_rest rest;
    uint64_t rest_bytes;  /* of the body, still to come */
    enum reply_end end;   /* what to do when all is sent */
    uint64_t delay_ns;    /* before first */
    uint64_t interval_ns; /* REPLY_DRIP: before each byte of the rest */
};

/* false: no memory; nothing is left behind. */
bool replies_init(struct replies *replies, uint32_t stall_first_ms);
void replies_deinit(struct replies *replies);

/* The reply to request, whose whole text (head and body) is text. Its bytes stay until the next
 * call with the same scratch. */
void reply_make(struct replies *replies, const struct inbound *request, struct span text,
                struct scratch *scratch, struct reply *ret_reply);

/* A refusal, which ends the connection. */
void reply_refuse(int status, struct scratch *scratch, struct reply *ret_reply);

/* The next piece to send; false: all was handed out. The bytes stay until the call after it. A
 * piece that another follows is longer than LOOP_SILENT_BYTES, except in a drip. */
bool reply_next(const struct replies *replies, struct reply *reply, struct scratch *scratch,
                struct span *ret_piece);

#endif
