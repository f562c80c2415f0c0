#ifndef ENGINE_HTTP_EXCHANGE_H
#define ENGINE_HTTP_EXCHANGE_H

/* One request on a link, and the news of it. An exchange is given a request as data and its link's
 * events, and makes news of them; it knows neither whose request it is nor what comes of it.
 *
 *     exchange_feed(&exchanges, index, event.bytes);
 *     while (exchange_next(&exchanges, &news))
 *         …
 *
 * Today an exchange has a link for itself, and its number is the link's. News name the exchange
 * and an exchange its link, so that several may share one. Pipelined, they stand in line: bytes go
 * to the first, and what it leaves of them, behind its DONE, to the next, instead of making the
 * link unfit for reuse; the link's end is the end of all. As streams of HTTP/2 they are found by
 * the stream's number in a frame, and this header's calls stay as they are over another way of
 * writing and reading. */

#include "engine/failure.h"
#include "engine/http/pipes.h"
#include "engine/http/upload.h"
#include "engine/link/link.h"
#include "engine/memory/store.h"
#include "proto/http/reply.h"
#include "proto/http/request.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define NO_EXCHANGE UINT32_MAX

enum { EXCHANGE_REQUEST_INLINE = 208 };

enum exchange_state {
    EXCHANGE_NONE,
    EXCHANGE_HEAD, /* the request is on its way, the reply's head is awaited */
    EXCHANGE_BODY,
};

struct exchange {
    uint32_t link;
    uint32_t carry;         /* the block of a head that came in several pieces; NO_BLOCK */
    uint32_t piece;         /* in its place, of a head longer than a block; NO_PIECE */
    uint32_t request_block; /* of a request longer than `request`; NO_BLOCK */
    enum exchange_state state : 8;
    bool is_sent; /* the whole request is with the kernel */
    bool asks_close;
    bool has_carry;    /* a block or a piece; or it is held */
    bool is_held;      /* what comes is kept until exchange_feed_held() */
    bool is_feeding;   /* with the first block of what is held */
    bool is_waiting;   /* the upload waits for a 100, */
    bool has_expected; /* as it was to do at first */
    bool is_stopped;   /* the upload is not to be sent to its end */
    bool has_held_end;
    uint8_t held_end; /* an enum link_end */
    struct chain held;
    uint32_t held_count;   /* its blocks */
    int held_error;        /* and of the end that has come behind that (has_held_end) */
    uint32_t pipe;         /* that the upload waits for; NO_PIPE */
    struct upload *upload; /* what is to be sent yet; NULL: nothing */
    struct reply reply;
    char request[EXCHANGE_REQUEST_INLINE];
};

struct exchanges {
    struct exchange *list; /* by number, zero-filled at first */
    struct links *links;
    struct store *store;
    uint32_t held_left; /* blocks for what is held beyond the first three of each; may be set */
    struct response_rules rules; /* how replies are read; may be set before the first of them */
    struct pipes *pipes;         /* where there are uploads it is to be set before */
    /* the bytes whose news are being taken */
    uint32_t current; /* NO_EXCHANGE: none */
    struct span in;
};

/* What is asked; body and what the others point to must stay until the exchange is over. */
struct exchange_request {
    const struct request_template *template;
    const struct url *url;
    struct span body;
};

enum exchange_news_kind {
    EXCHANGE_SENT,    /* the whole request is with the kernel */
    EXCHANGE_GOES_ON, /* a 100 has come: exchange_go_on() */
    EXCHANGE_ASKS,    /* there is room for another piece of the upload */
    EXCHANGE_IS_LONG, /* the head is longer than a block: exchange_lend(), or _hold() */
    EXCHANGE_IS_HEAD, /* bytes: the final head, until the next call; facts: exchange_response() */
    EXCHANGE_IS_BODY, /* bytes: a piece of the body, likewise */
    EXCHANGE_DONE,    /* the reply is complete */
    EXCHANGE_FAILED,  /* for failure */
};

struct exchange_news {
    enum exchange_news_kind kind;
    uint32_t exchange;
    struct span bytes;
    bool is_reusable;   /* DONE: the link can carry another request */
    bool is_unanswered; /* FAILED: not a byte that belongs to a reply had come */
    struct failure failure;
};

/* list: one an exchange, zero-filled; all three must outlive *exchanges. */
void exchanges_init(struct exchanges *exchanges, struct exchange *list, struct links *links,
                    struct store *store);

/* From now on it is an exchange on this link. */
void exchange_open(struct exchanges *exchanges, uint32_t index, uint32_t link);

/* Writes and sends a request. True: there is news, SENT or FAILED. Receiving is the caller's. */
bool exchange_begin(struct exchanges *exchanges, uint32_t index,
                    const struct exchange_request *request, struct exchange_news *ret_news);

/* The same with an upload instead of the request's body: what must stay until the exchange is over
 * or news have said SENT. waits: until exchange_go_on() only the head is sent. */
bool exchange_begin_upload(struct exchanges *exchanges, uint32_t index,
                           const struct exchange_request *request, struct upload *upload,
                           struct exchange_news *ret_news);

/* A 100 has come, or nobody waits for one any more: the upload is sent. */
bool exchange_go_on(struct exchanges *exchanges, uint32_t index, struct exchange_news *ret_news);

/* What it waited for can be read, or that failed: error. */
bool exchange_read(struct exchanges *exchanges, uint32_t index, int error,
                   struct exchange_news *ret_news);

/* The head has said that the rest of the upload is not wanted. */
void exchange_stop(struct exchanges *exchanges, uint32_t index);

/* A piece of an upload; returns as upload_give() does, or -EAGAIN, -EALREADY. *ret_has_news: there
 * is news. The end: a piece of NULL. */
int exchange_give(struct exchanges *exchanges, uint32_t index, struct span piece,
                  struct exchange_news *ret_news, bool *ret_has_news);

/* The bytes of a LINK_BYTES, and one after the other the news of them; false: they have no more.
 * In between it may be ended, then no further one comes. */
static inline void exchange_feed(struct exchanges *exchanges, uint32_t index, struct span bytes);
static inline bool exchange_next(struct exchanges *exchanges, struct exchange_news *ret_news);

/* After IS_LONG: lends a piece of the store's to the head, which may be taken over, with what lies
 * in it, after IS_HEAD. */
void exchange_lend(struct exchanges *exchanges, uint32_t index, uint32_t piece);
uint32_t exchange_take_piece(struct exchanges *exchanges, uint32_t index);

/* Or, or after IS_BODY: it is held from now on. What is left of its bytes, and what comes of
 * events, is kept, as far as there is memory: false, it can only fail. */
bool exchange_hold(struct exchanges *exchanges, uint32_t index);
bool exchange_hold_event(struct exchanges *exchanges, const struct link_event *event);

/* When a piece has been lent: what was kept, block by block, as exchange_feed(). False: that was
 * all, and it is held no more; or it is over. Its link is not to be used again. */
bool exchange_feed_held(struct exchanges *exchanges, uint32_t index);

/* After that: the end of its link, if it has come meanwhile. */
bool exchange_take_held_end(struct exchanges *exchanges, uint32_t index,
                            struct link_event *ret_event);

/* What another event of its link is news of; false: of nothing. */
bool exchange_take(struct exchanges *exchanges, uint32_t index, const struct link_event *event,
                   struct exchange_news *ret_news);

/* Behind a DONE: the link rests, and gives back what a busy one needs. */
static inline void exchange_rest(struct exchanges *exchanges, uint32_t index);

/* It is over, whatever its state; what of its request may be with the kernel stays until
 * exchange_close(), behind LINK_CLOSED. */
void exchange_end(struct exchanges *exchanges, uint32_t index);
void exchange_close(struct exchanges *exchanges, uint32_t index);

static inline struct exchange *exchange_at(const struct exchanges *exchanges, uint32_t index)
{
    return &exchanges->list[index];
}

static inline bool exchange_is_held(const struct exchanges *exchanges, uint32_t index)
{
    return exchange_at(exchanges, index)->is_held;
}

/* Is an upload not sent to its end? And was it announced by an Expect? */
static inline bool exchange_is_uploading(const struct exchanges *exchanges, uint32_t index)
{
    return exchange_at(exchanges, index)->upload;
}

static inline bool exchange_has_expected(const struct exchanges *exchanges, uint32_t index)
{
    return exchange_at(exchanges, index)->has_expected;
}

/* Is the upload held back? */
static inline bool exchange_is_waiting(const struct exchanges *exchanges, uint32_t index)
{
    return exchange_at(exchanges, index)->is_waiting;
}

/* Does it need a piece to go on? */
static inline bool exchange_lacks_piece(const struct exchanges *exchanges, uint32_t index)
{
    const struct exchange *exchange = exchange_at(exchanges, index);
    return exchange->state == EXCHANGE_HEAD && exchange->piece == NO_PIECE;
}

/* Has a byte of the reply come? */
static inline bool exchange_has_begun(const struct exchanges *exchanges, uint32_t index)
{
    return exchange_at(exchanges, index)->reply.has_begun;
}

/* Of the head, from IS_HEAD on. */
static inline const struct response *exchange_response(const struct exchanges *exchanges,
                                                       uint32_t index)
{
    return &exchange_at(exchanges, index)->reply.response;
}

enum haul_stage exchange_stage(const struct exchanges *exchanges, uint32_t index);

/* --- what is done at each request, and is mostly little --------------------------------------- */

bool exchange_next_any(struct exchanges *exchanges, enum reply_event event, enum proto_error bad,
                       struct exchange_news *ret_news);

static inline void exchange_feed(struct exchanges *exchanges, uint32_t index, struct span bytes)
{
    assert(exchange_at(exchanges, index)->state != EXCHANGE_NONE);
    exchanges->current = index;
    exchanges->in = bytes;
}

static inline bool exchange_tell(struct exchange_news *ret, enum exchange_news_kind kind,
                                 uint32_t index)
{
    ret->kind = kind;
    ret->exchange = index;
    return true;
}

/* The reply is complete and nothing came behind it, or something did (surplus). */
static inline bool exchange_tell_done(const struct exchanges *exchanges, uint32_t index,
                                      bool has_surplus, struct exchange_news *ret)
{
    const struct exchange *exchange = exchange_at(exchanges, index);
    struct links *links = exchanges->links;
    ret->is_reusable = exchange->reply.response.keep_alive && exchange->is_sent && !has_surplus &&
                       !exchange->asks_close && !link_at(links, exchange->link)->send_error &&
                       !link_is_sending(links, exchange->link);
    return exchange_tell(ret, EXCHANGE_DONE, index);
}

static inline bool exchange_next(struct exchanges *exchanges, struct exchange_news *ret_news)
{
    uint32_t index = exchanges->current;
    enum proto_error bad;
    if (index == NO_EXCHANGE)
        return false;
    struct exchange *exchange = exchange_at(exchanges, index);
    enum reply_event event = reply_feed(&exchange->reply, &exchanges->in, &ret_news->bytes, &bad);
    if (!exchange->has_carry) {
        if (event == REPLY_HEAD) {
            exchange->state = EXCHANGE_BODY;
            return exchange_tell(ret_news, EXCHANGE_IS_HEAD, index);
        }
        if (event == REPLY_BODY)
            return exchange_tell(ret_news, EXCHANGE_IS_BODY, index);
        if (event == REPLY_DONE) {
            exchanges->current = NO_EXCHANGE;
            return exchange_tell_done(exchanges, index, exchanges->in.length > 0, ret_news);
        }
    }
    return exchange_next_any(exchanges, event, bad, ret_news);
}

static inline void exchange_rest(struct exchanges *exchanges, uint32_t index)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    assert(exchange->carry == NO_BLOCK);
    if (exchange->request_block != NO_BLOCK)
        store_give(exchanges->store, exchange->request_block);
    exchange->request_block = NO_BLOCK;
    exchange->state = EXCHANGE_NONE;
    link_rest(exchanges->links, exchange->link);
}

#endif
