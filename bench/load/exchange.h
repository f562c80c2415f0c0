#ifndef BENCH_LOAD_EXCHANGE_H
#define BENCH_LOAD_EXCHANGE_H

/* The replies of one connection, read from whatever bytes come: the parsers of proto/ in a row, for
 * every client alike. Bodies are counted, not kept. */

#include "proto/http/body.h"
#include "proto/error.h"
#include "proto/http/response.h"

#include <stdbool.h>
#include <stdint.h>

enum exchange_state { EXCHANGE_IN_HEAD, EXCHANGE_IN_BODY, EXCHANGE_DONE };

struct exchange {
    enum exchange_state state;
    struct response response;
    struct body body;
    char *carry; /* the front of a head that came in several pieces; NULL: there never was one */
    uint32_t carry_length;
    bool is_head_request;
    uint64_t body_bytes; /* of the present reply */
};

enum exchange_event {
    EXCHANGE_MORE,  /* all bytes are taken */
    EXCHANGE_REPLY, /* a reply is complete: response holds its facts; *in is what is behind it */
    EXCHANGE_BAD,   /* ret_error says what is wrong */
};

/* carry must be NULL, or as an earlier life of the exchange left it. */
void exchange_init(struct exchange *exchange, bool is_head_request);

/* Frees the carry. */
void exchange_deinit(struct exchange *exchange);

/* Takes bytes from the front of *in, which is cut by them. Errors: those of response_feed() and
 * body_feed(), and HEAD_TOO_LONG where there is no memory to carry a head. */
enum exchange_event exchange_feed(struct exchange *exchange, struct span *in,
                                  enum proto_error *ret_error);

/* The connection ended. True: that ended the present reply's body, and the reply is complete. */
bool exchange_end(struct exchange *exchange);

#endif
