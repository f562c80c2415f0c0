/* Owns what a request and its reply need while they are under way: the request's bytes, the reply
 * reader, the block or the longer piece of a head that came in pieces.
 *
 * The hard idea is what may be reused: only a link whose reply ended exactly where its framing
 * said, with the request sent to its end and nothing behind the reply, can carry another one. */

#include "engine/http/exchange.h"
#include "engine/memory/budget.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void exchanges_init(struct exchanges *exchanges, struct exchange *list, struct links *links,
                    struct store *store)
{
    *exchanges = (struct exchanges){
        .list = list,
        .links = links,
        .store = store,
        .rules = response_rules_default,
        .current = NO_EXCHANGE,
    };
}

void exchange_open(struct exchanges *exchanges, uint32_t index, uint32_t link)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    assert(exchange->state == EXCHANGE_NONE);
    exchange->link = link;
    exchange->carry = NO_BLOCK;
    exchange->piece = NO_PIECE;
    exchange->has_carry = exchange->is_held = exchange->is_feeding = false;
    exchange->held = CHAIN_EMPTY;
    exchange->held_count = 0;
    exchange->has_held_end = false;
    exchange->reply.carry_length = 0;
    reply_lend(&exchange->reply, NULL, 0);
    exchange->request_block = NO_BLOCK;
    exchange->is_waiting = exchange->is_stopped = false;
    exchange->upload = NULL;
    exchange->pipe = NO_PIPE;
}

enum haul_stage exchange_stage(const struct exchanges *exchanges, uint32_t index)
{
    const struct exchange *exchange = exchange_at(exchanges, index);
    switch (exchange->state) {
    case EXCHANGE_HEAD:
        return exchange->is_sent || exchange->reply.has_begun ? HAUL_STAGE_HEAD : HAUL_STAGE_SEND;
    case EXCHANGE_BODY:
        return HAUL_STAGE_BODY;
    case EXCHANGE_NONE:
        break;
    }
    return HAUL_STAGE_QUEUE;
}

/* --- ending ----------------------------------------------------------------------------------- */

static void block_drop(struct store *store, uint32_t *block)
{
    if (*block != NO_BLOCK)
        store_give(store, *block);
    *block = NO_BLOCK;
}

static void carry_drop(struct exchanges *exchanges, struct exchange *exchange)
{
    block_drop(exchanges->store, &exchange->carry);
    if (exchange->piece != NO_PIECE)
        store_give_piece(exchanges->store, exchange->piece);
    exchange->piece = NO_PIECE;
    exchange->has_carry = exchange->is_held;
}

/* The first block of what is held is given back. */
static void held_drop(struct exchanges *exchanges, struct exchange *exchange)
{
    uint32_t first = exchange->held.first;
    uint32_t next = store_block(exchanges->store, first)->next;
    store_give(exchanges->store, first);
    exchange->held.first = next;
    if (next == NO_BLOCK)
        exchange->held = CHAIN_EMPTY;
    exchanges->held_left += exchange->held_count-- > BUDGET_HELD_OWN;
}

static void drop_upload(struct exchanges *exchanges, struct exchange *exchange)
{
    if (exchange->pipe != NO_PIPE)
        pipes_leave(exchanges->pipes, exchange->pipe);
    exchange->pipe = NO_PIPE;
    exchange->upload = NULL;
    exchange->is_waiting = false;
}

void exchange_end(struct exchanges *exchanges, uint32_t index)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    if (exchange->upload)
        drop_upload(exchanges, exchange);
    if (exchanges->current == index)
        exchanges->current = NO_EXCHANGE;
    while (exchange->held.first != NO_BLOCK)
        held_drop(exchanges, exchange);
    exchange->is_held = false;
    carry_drop(exchanges, exchange);
    exchange->state = EXCHANGE_NONE;
}

void exchange_close(struct exchanges *exchanges, uint32_t index)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    assert(exchange->state == EXCHANGE_NONE && !exchange->has_carry);
    block_drop(exchanges->store, &exchange->request_block);
}

static bool tell_failure(struct exchange_news *ret, uint32_t index, struct failure failure,
                         bool is_unanswered)
{
    ret->failure = failure;
    ret->is_unanswered = is_unanswered;
    return exchange_tell(ret, EXCHANGE_FAILED, index);
}

/* --- sending ---------------------------------------------------------------------------------- */

/* As much of the rest as fits goes behind the bytes, which lie in a buffer of this size. */
static void move_front(struct span *bytes, struct span *rest, char *buffer, size_t size)
{
    size_t room = size - bytes->length;
    size_t fits = rest->length < room ? rest->length : room;
    size_t left = rest->length - fits;
    if (left > 0 && left <= LOOP_SILENT_BYTES) /* the end of a long request must not be silent */
        fits = fits > LOOP_SILENT_BYTES ? fits - LOOP_SILENT_BYTES : 0;
    memcpy(buffer + bytes->length, rest->bytes, fits);
    bytes->length += fits;
    rest->bytes += fits;
    rest->length -= fits;
}

/* The whole head into the exchange's own bytes, or into a block; behind it as much of the body as
 * fits, and what does not. False: the head is too long for a block. */
static bool write_request(struct exchanges *exchanges, struct exchange *exchange,
                          const struct exchange_request *request, struct span *ret_bytes,
                          struct span *ret_rest)
{
    struct span body = request->body;
    size_t length;
    size_t size = sizeof exchange->request;
    char *bytes = exchange->request;
    enum proto_error error = request_write(request->template, request->url, bytes, size, &length);
    if (error || length + body.length > size) {
        if (exchange->request_block == NO_BLOCK)
            exchange->request_block = store_take(exchanges->store);
        bytes = store_block(exchanges->store, exchange->request_block)->bytes;
        size = BLOCK_BYTES;
        if (request_write(request->template, request->url, bytes, size, &length))
            return false;
    }
    *ret_bytes = (struct span){bytes, length};
    *ret_rest = body;
    if (body.length > 0)
        move_front(ret_bytes, ret_rest, bytes, size);
    return true;
}

static const struct failure too_long = {HAUL_URL, "the request's head is longer than 16,000 bytes",
                                        0};

bool exchange_begin(struct exchanges *exchanges, uint32_t index,
                    const struct exchange_request *request, struct exchange_news *ret_news)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    struct span bytes;
    struct span rest;
    assert(exchange->state == EXCHANGE_NONE && !exchange->has_carry);
    exchange->state = EXCHANGE_HEAD;
    exchange->is_sent = false;
    exchange->asks_close = request->template->asks_close;
    reply_begin(&exchange->reply, &exchanges->rules, request->template->is_head);
    if (!write_request(exchanges, exchange, request, &bytes, &rest))
        return tell_failure(ret_news, index, too_long, false);
    if (!link_send(exchanges->links, exchange->link, bytes, rest))
        return false;
    exchange->is_sent = true;
    return exchange_tell(ret_news, EXCHANGE_SENT, index);
}

/* --- uploads ---------------------------------------------------------------------------------- */

static char *upload_block(const struct exchanges *exchanges, const struct exchange *exchange)
{
    return store_block(exchanges->store, exchange->request_block)->bytes;
}

static bool tell_sent(struct exchanges *exchanges, uint32_t index, struct exchange_news *ret_news)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    drop_upload(exchanges, exchange);
    exchange->is_sent = true;
    return exchange_tell(ret_news, EXCHANGE_SENT, index);
}

static bool fail_upload(struct exchanges *exchanges, uint32_t index, struct failure failure,
                        struct exchange_news *ret_news)
{
    exchange_stop(exchanges, index);
    return tell_failure(ret_news, index, failure, false);
}

/* There is nothing to send just now. */
static bool wait_for_more(struct exchanges *exchanges, uint32_t index,
                          struct exchange_news *ret_news)
{
    static const struct failure too_many = {HAUL_RESOURCE,
                                            "too many bodies wait for what they are read from", 0};
    struct exchange *exchange = exchange_at(exchanges, index);
    int fd = upload_fd(exchange->upload);
    if (fd < 0 && exchange->upload->is_asking)
        return false;
    if (fd < 0) {
        exchange->upload->is_asking = true;
        return exchange_tell(ret_news, EXCHANGE_ASKS, index);
    }
    assert(exchange->pipe == NO_PIPE);
    exchange->pipe = pipes_wait(exchanges->pipes, index, fd);
    return exchange->pipe == NO_PIPE && fail_upload(exchanges, index, too_many, ret_news);
}

/* Reads and sends, until the kernel has no room, there is nothing to read, or it is all. That short
 * sends are through is asked for only where another one follows. */
static bool go_on_sending(struct exchanges *exchanges, uint32_t index,
                          struct exchange_news *ret_news)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    struct upload *upload = exchange->upload;
    struct span bytes;
    struct failure failure;
    if (exchange->is_waiting)
        return false;
    while (!upload->is_told) {
        if (link_is_sending(exchanges->links, exchange->link))
            return false;
        switch (
            upload_next(upload, upload_block(exchanges, exchange), BLOCK_BYTES, &bytes, &failure)) {
        case UPLOAD_HAS_BYTES:
            if (!link_send(exchanges->links, exchange->link, bytes, (struct span){"", 0}))
                return false;
            break;
        case UPLOAD_WAITS:
            return wait_for_more(exchanges, index, ret_news);
        case UPLOAD_ENDED:
            return tell_sent(exchanges, index, ret_news);
        case UPLOAD_FAILED:
            return fail_upload(exchanges, index, failure, ret_news);
        }
    }
    return tell_sent(exchanges, index, ret_news);
}

/* What of the upload fits behind its head goes with it; what is in memory and does not, behind it.
 * Who waits for something says so when the head is sent. */
static bool add_upload(struct exchanges *exchanges, struct exchange *exchange, struct span *head,
                       struct span *ret_rest, struct failure *ret_failure)
{
    enum { LEAST = 1024 };
    size_t room = BLOCK_BYTES - head->length;
    char *block = upload_block(exchanges, exchange);
    struct span bytes;
    *ret_rest = (struct span){"", 0};
    if (exchange->is_waiting || room < LEAST || exchange->upload->what.by_pieces)
        return true;
    switch (upload_next(exchange->upload, block + head->length, room, &bytes, ret_failure)) {
    case UPLOAD_HAS_BYTES:
        break;
    case UPLOAD_WAITS:
    case UPLOAD_ENDED:
        return true;
    case UPLOAD_FAILED:
        return false;
    }
    if (bytes.bytes < block || bytes.bytes >= block + BLOCK_BYTES) {
        *ret_rest = bytes;
        return true;
    }
    memmove(block + head->length, bytes.bytes, bytes.length);
    head->length += bytes.length;
    return true;
}

bool exchange_begin_upload(struct exchanges *exchanges, uint32_t index,
                           const struct exchange_request *request, struct upload *upload,
                           struct exchange_news *ret_news)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    struct failure failure;
    struct span bytes;
    struct span rest;
    assert(exchange->state == EXCHANGE_NONE && !exchange->has_carry && !exchange->upload);
    exchange->state = EXCHANGE_HEAD;
    exchange->is_sent = false;
    exchange->asks_close = request->template->asks_close;
    reply_begin(&exchange->reply, &exchanges->rules, request->template->is_head);
    exchange->reply.was_continued = false;
    if (exchange->request_block == NO_BLOCK)
        exchange->request_block = store_take(exchanges->store);
    bytes.bytes = upload_block(exchanges, exchange);
    if (request_write(request->template, request->url, upload_block(exchanges, exchange),
                      BLOCK_BYTES, &bytes.length))
        return tell_failure(ret_news, index, too_long, false);
    upload_begin(upload);
    exchange->upload = upload;
    exchange->is_waiting = exchange->has_expected = request->template->expects;
    if (!add_upload(exchanges, exchange, &bytes, &rest, &failure))
        return fail_upload(exchanges, index, failure, ret_news);
    return link_send(exchanges->links, exchange->link, bytes, rest) &&
           go_on_sending(exchanges, index, ret_news);
}

bool exchange_go_on(struct exchanges *exchanges, uint32_t index, struct exchange_news *ret_news)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    if (!exchange->upload || !exchange->is_waiting)
        return false;
    exchange->is_waiting = false;
    return !link_is_sending(exchanges->links, exchange->link) &&
           go_on_sending(exchanges, index, ret_news);
}

bool exchange_read(struct exchanges *exchanges, uint32_t index, int error,
                   struct exchange_news *ret_news)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    struct failure failure = {HAUL_READ, "the body cannot be waited for", error};
    assert(exchange->upload);
    exchange->pipe = NO_PIPE;
    return error ? fail_upload(exchanges, index, failure, ret_news)
                 : go_on_sending(exchanges, index, ret_news);
}

void exchange_stop(struct exchanges *exchanges, uint32_t index)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    if (!exchange->upload)
        return;
    drop_upload(exchanges, exchange);
    exchange->is_stopped = true;
}

/* A piece is copied only where nothing of the block is under way. */
int exchange_give(struct exchanges *exchanges, uint32_t index, struct span piece,
                  struct exchange_news *ret_news, bool *ret_has_news)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    struct upload *upload = exchange->upload;
    *ret_has_news = false;
    if (!upload)
        return exchange->is_stopped ? -EALREADY : -EINVAL;
    bool is_busy = exchange->is_waiting || link_is_sending(exchanges->links, exchange->link);
    if (!piece.bytes)
        upload->has_ended = true;
    int count = 0;
    if (piece.length > 0)
        count = is_busy
                    ? -EAGAIN
                    : upload_give(upload, upload_block(exchanges, exchange), BLOCK_BYTES, piece);
    upload->is_asking = !is_busy && count >= 0;
    if (!upload->is_asking)
        return count;
    *ret_has_news = go_on_sending(exchanges, index, ret_news);
    if (exchange->upload)
        exchange->upload->is_asking = !link_is_sending(exchanges->links, exchange->link);
    return count;
}

/* A failed send is not yet the end: the reply, or the reason, may still be readable. Only where the
 * link lives on would nothing come any more. */
static bool on_sent(struct exchanges *exchanges, uint32_t index, int error,
                    struct exchange_news *ret_news)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    struct failure failure = {HAUL_SEND, "the connection failed while the request was sent", error};
    assert(exchange->state != EXCHANGE_NONE);
    if (exchange->upload && !error)
        return go_on_sending(exchanges, index, ret_news);
    if (exchange->upload) /* nothing of it is wanted any more */
        exchange_stop(exchanges, index);
    exchange->is_sent = !error && !exchange->is_stopped;
    if (exchange->is_stopped && !error)
        return false;
    if (!error)
        return exchange_tell(ret_news, EXCHANGE_SENT, index);
    return link_is_shortage(error) && tell_failure(ret_news, index, failure, false);
}

/* --- receiving -------------------------------------------------------------------------------- */

/* A block first, from which what that is too small for moves to a piece: whether there is one is
 * the caller's to say. */
static bool lend_carry(struct exchanges *exchanges, struct exchange *exchange,
                       struct exchange_news *ret_news)
{
    if (exchange->reply.carry_wanted > BLOCK_BYTES)
        return exchange_tell(ret_news, EXCHANGE_IS_LONG, exchanges->current);
    assert(exchange->state == EXCHANGE_HEAD && exchange->carry == NO_BLOCK);
    exchange->carry = store_take(exchanges->store);
    exchange->has_carry = true;
    reply_lend(&exchange->reply, store_block(exchanges->store, exchange->carry)->bytes,
               BLOCK_BYTES);
    return exchange_next(exchanges, ret_news);
}

void exchange_lend(struct exchanges *exchanges, uint32_t index, uint32_t piece)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    assert(exchange->piece == NO_PIECE);
    reply_lend(&exchange->reply, store_piece(exchanges->store, piece),
               exchanges->store->piece_bytes);
    block_drop(exchanges->store, &exchange->carry);
    exchange->piece = piece;
    exchange->has_carry = true;
}

/* The head has been told of: what is said after it does not lie there. */
static void take_carry_back(struct exchanges *exchanges, struct exchange *exchange)
{
    carry_drop(exchanges, exchange);
    reply_lend(&exchange->reply, NULL, 0);
}

uint32_t exchange_take_piece(struct exchanges *exchanges, uint32_t index)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    uint32_t piece = exchange->piece;
    assert(piece != NO_PIECE && exchange->state == EXCHANGE_BODY);
    exchange->piece = NO_PIECE;
    take_carry_back(exchanges, exchange);
    return piece;
}

/* --- held ------------------------------------------------------------------------------------- */

/* A new block at the end of what is held; false: none is left. */
static bool held_grow(struct exchanges *exchanges, struct exchange *exchange)
{
    struct chain *held = &exchange->held;
    bool is_own = exchange->held_count < BUDGET_HELD_OWN;
    if (!is_own && exchanges->held_left == 0)
        return false;
    exchanges->held_left -= !is_own;
    exchange->held_count++;
    uint32_t block = store_take(exchanges->store);
    if (held->first == NO_BLOCK)
        held->first = block;
    else
        store_block(exchanges->store, held->last)->next = block;
    held->last = block;
    return true;
}

static bool keep(struct exchanges *exchanges, struct exchange *exchange, struct span bytes)
{
    while (bytes.length > 0) {
        uint32_t last = exchange->held.last;
        if (last == NO_BLOCK || store_block(exchanges->store, last)->piece.length == BLOCK_BYTES) {
            if (!held_grow(exchanges, exchange))
                return false;
            continue;
        }
        struct block *block = store_block(exchanges->store, last);
        size_t room = BLOCK_BYTES - block->piece.length;
        size_t length = bytes.length < room ? bytes.length : room;
        memcpy(block->bytes + block->piece.length, bytes.bytes, length);
        block->piece.length += length;
        bytes.bytes += length;
        bytes.length -= length;
    }
    return true;
}

/* What is left lies in the first block of what was held before, or nothing is. */
static void hold_again(struct exchanges *exchanges, struct exchange *exchange)
{
    if (!exchange->is_feeding)
        return;
    struct block *block = store_block(exchanges->store, exchange->held.first);
    memmove(block->bytes, exchanges->in.bytes, exchanges->in.length);
    block->piece.length = exchanges->in.length;
    exchange->is_feeding = false;
}

bool exchange_hold(struct exchanges *exchanges, uint32_t index)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    assert(exchanges->current == index);
    exchanges->current = NO_EXCHANGE;
    if (exchange->is_held) {
        hold_again(exchanges, exchange);
        return true;
    }
    exchange->is_held = exchange->has_carry = true;
    if (exchange->state == EXCHANGE_HEAD && exchange->reply.carry_length == 0)
        reply_again(&exchange->reply); /* it will not come in one view, as it did now */
    return keep(exchanges, exchange, exchanges->in);
}

bool exchange_hold_event(struct exchanges *exchanges, const struct link_event *event)
{
    struct exchange *exchange = exchange_at(exchanges, event->link);
    assert(exchange->is_held);
    if (event->kind == LINK_BYTES)
        return keep(exchanges, exchange, event->bytes);
    if (event->kind == LINK_END) {
        exchange->has_held_end = true;
        exchange->held_end = (uint8_t)event->end;
        exchange->held_error = event->error;
    }
    return true;
}

bool exchange_feed_held(struct exchanges *exchanges, uint32_t index)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    if (!exchange->is_held)
        return false;
    if (exchange->is_feeding)
        held_drop(exchanges, exchange);
    exchange->is_feeding = exchange->held.first != NO_BLOCK;
    exchange->is_held = exchange->is_feeding;
    if (!exchange->is_held)
        return false;
    const struct haul_piece *piece = &store_block(exchanges->store, exchange->held.first)->piece;
    exchange_feed(exchanges, index, (struct span){piece->bytes, piece->length});
    return true;
}

bool exchange_take_held_end(struct exchanges *exchanges, uint32_t index,
                            struct link_event *ret_event)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    bool has_end = exchange->has_held_end;
    *ret_event = (struct link_event){
        .kind = LINK_END,
        .end = (enum link_end)exchange->held_end,
        .link = exchange->link,
        .error = exchange->held_error,
    };
    exchange->has_held_end = false;
    return has_end;
}

/* The interim reply is none of what is awaited from now on. */
static bool tell_continued(struct exchanges *exchanges, uint32_t index,
                           struct exchange_news *ret_news)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    exchanges->current = NO_EXCHANGE;
    if (exchange->state == EXCHANGE_HEAD)
        exchange->reply.has_begun = exchange->reply.carry_length > 0;
    return exchange_tell(ret_news, EXCHANGE_GOES_ON, index);
}

/* What the reader said of the bytes, where a block is there to be lent or given back, or nothing
 * goes on. What is no status line is no reply: on a link used before, the server may have sent more
 * than it had announced, too late to be seen there. */
bool exchange_next_any(struct exchanges *exchanges, enum reply_event event, enum proto_error bad,
                       struct exchange_news *ret_news)
{
    uint32_t index = exchanges->current;
    struct exchange *exchange = exchange_at(exchanges, index);
    switch (event) {
    case REPLY_CARRY:
        return lend_carry(exchanges, exchange, ret_news);
    case REPLY_HEAD: /* it may lie in the carry, until the next call */
        exchange->state = EXCHANGE_BODY;
        return exchange_tell(ret_news, EXCHANGE_IS_HEAD, index);
    case REPLY_BODY:
        take_carry_back(exchanges, exchange);
        return exchange_tell(ret_news, EXCHANGE_IS_BODY, index);
    case REPLY_DONE:
        take_carry_back(exchanges, exchange);
        exchanges->current = NO_EXCHANGE;
        return exchange_tell_done(exchanges, index, exchanges->in.length > 0 || exchange->is_held,
                                  ret_news);
    case REPLY_MORE:
        if (exchange->state == EXCHANGE_BODY)
            take_carry_back(exchanges, exchange);
        if (exchange->is_waiting && exchange->reply.was_continued)
            return tell_continued(exchanges, index, ret_news);
        break;
    case REPLY_BAD:
        exchanges->current = NO_EXCHANGE;
        return tell_failure(ret_news, index, failure_of(bad),
                            bad == PROTO_STATUS_LINE || bad == PROTO_STATUS_TLS);
    }
    exchanges->current = NO_EXCHANGE;
    return false;
}

/* --- the link's end --------------------------------------------------------------------------- */

static struct failure receive_failure(const struct exchange *exchange, int send_error, int error)
{
    struct failure failure = {HAUL_RECEIVE, "the connection failed while the reply was awaited",
                              error};
    if (exchange->reply.has_begun)
        failure.message = "the connection failed inside the reply";
    else if (send_error)
        failure = (struct failure){HAUL_SEND, "the connection failed while the request was sent",
                                   send_error};
    return failure;
}

/* It may also be the end of the body. */
/* Over TLS: a renegotiation was asked for, and declined. A server may end what it cannot have. */
static bool was_asked_again(const struct exchanges *exchanges, uint32_t link)
{
    const struct tls *tls = link_at(exchanges->links, link)->tls;
    return tls && tls_was_asked_again(tls);
}

static bool on_end(struct exchanges *exchanges, uint32_t index, const struct link_event *event,
                   struct exchange_news *ret_news)
{
    struct exchange *exchange = exchange_at(exchanges, index);
    assert(exchange->state != EXCHANGE_NONE);
    int send_error = link_at(exchanges->links, exchange->link)->send_error;
    bool is_unanswered = !exchange->reply.has_begun && exchange->reply.response.interim_count == 0;
    bool is_by_tls = event->end == LINK_EARLY || event->end == LINK_BAD_TLS;
    bool has_failed = event->error || (is_unanswered && send_error);
    enum proto_error bad = is_by_tls || has_failed ? PROTO_OK : reply_end(&exchange->reply);
    struct failure failure;
    if (!is_by_tls && !has_failed && !bad && event->end != LINK_CUT)
        return exchange_tell_done(exchanges, index, false, ret_news);
    if (!is_by_tls && (has_failed || bad) && was_asked_again(exchanges, exchange->link))
        failure = link_failure(exchanges->links, event);
    else if (has_failed && !is_by_tls)
        failure = receive_failure(exchange, send_error, event->error);
    else if (bad)
        failure = failure_of(bad);
    else /* with LINK_CUT a body until close, without close_notify */
        failure = link_failure(exchanges->links, event);
    bool is_by_reply = !is_by_tls && (has_failed || bad);
    return tell_failure(ret_news, index, failure, is_by_reply && is_unanswered);
}

bool exchange_take(struct exchanges *exchanges, uint32_t index, const struct link_event *event,
                   struct exchange_news *ret_news)
{
    switch (event->kind) {
    case LINK_SENT:
        return on_sent(exchanges, index, event->error, ret_news);
    case LINK_END:
        return on_end(exchanges, index, event, ret_news);
    case LINK_BYTES: /* exchange_feed() has them */
    case LINK_CONNECTED:
    case LINK_READY:
    case LINK_CLOSED:
        break;
    }
    return false;
}
