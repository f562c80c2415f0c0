/* The client over a completion loop: io_uring or epoll, by engine/loop/loop.h, which is all that
 * differs.
 *
 * A line is a connection's place in the run: a link while there is one, and what is to be sent and
 * read on it. Its life is one switch over its state. The one hard idea: a line is either free, on a
 * stack of those that could begin a request, or it has requests under way (flights), or it is on
 * its way to one of the two; every handler ends by putting it where it belongs. A flight outlives
 * its link where nothing of it was sent, or where the server ended a link that it had answered on
 * and asking twice does no harm: it goes to the next. */

#include "bench/load/client.h"

#include "engine/link/link.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OPENING_AT_ONCE = 128, /* more would overflow a listen queue and wait for SYN retransmissions */
    TICK_NS = 10000000,
    AWAKE_NS = CALL_TICK_NS / 2, /* before the window begins: waking can take that long */
    SCAN_NS_MAX = 100000000,
};

static const uint64_t never_ns = UINT64_MAX;

enum line_state {
    LINE_CLOSED,
    LINE_WAITING, /* closed; its flights wait for the time to try again */
    LINE_CONNECTING,
    LINE_SECURING,
    LINE_OPEN,
    LINE_LINGERING, /* the last reply is complete; the server is to close */
    LINE_CLOSING,
};

/* Of a burst this short, in a TLS record or as it is, the kernel takes all at first or nothing. */
enum { WHOLE_BYTES = LOOP_SILENT_BYTES - 64 };

struct line {
    enum line_state state;
    uint32_t place;
    uint32_t next;         /* request of its round, where it goes round alone */
    uint32_t flight_count; /* under way, or to be sent when the connection is open */
    uint32_t flight_first; /* the oldest's place in the ring */
    uint32_t unsent;       /* the last so many of them */
    uint32_t again;        /* the first so many of those were sent on an earlier connection */
    uint32_t free_at;      /* its place on the stack of free ones; NOT_FREE */
    bool is_tried;         /* its first opening has come to an end */
    bool was_used;         /* a reply came on it: the server may have ended it behind that */
    bool is_refused;       /* nothing of the last burst was sent: the link is at its end */
    bool must_wait;        /* before it is opened again */
    bool is_moving;        /* it is opened again at once, with the other TLS backend */
    uint64_t opening_ns;
    uint64_t connected_ns;
    uint64_t first_byte_ns; /* of the present reply; 0: not there */
    struct reading reading;
};

#define NOT_FREE UINT32_MAX

/* A burst that was put together: it stays as long as its connection. */
struct gathered {
    struct gathered *next;
    char bytes[];
};

struct client_loop {
    struct client *client;
    const struct workload *workload;
    struct loop *loop;
    struct links links;
    struct link *link_list; /* by the lines' numbers */
    struct secure secure;
    struct store store; /* a block for each link's records, where there are some */
    struct block *blocks;
    uint32_t *blocks_next;
    struct tls_session *sessions; /* by place; version 0: none */
    bool *moved;                  /* by place: secure_moves() was true of it */
    struct line *lines;
    struct flight *flights; /* depth for each connection */
    uint64_t *deadline_ns;  /* by connection */
    uint32_t *next;         /* by place, where connections go round together; NULL: each alone */
    struct gathered **gathered; /* by connection, where requests of a burst may lie apart */
    uint32_t *free;             /* a stack */
    uint32_t free_count;
    uint32_t replied;       /* the line whose replies are being taken, to be filled then; NO_LINK */
    uint64_t free_since_ns; /* when a connection was found free, none having been before */
    uint32_t depth;
    uint32_t to_open;   /* connections from here on were never opened */
    uint32_t opening;   /* for the first time, at present */
    uint32_t under_way; /* flights of all connections */
    uint64_t timeout_ns;
    uint64_t scan_ns; /* between two looks at the deadlines */
    uint64_t next_scan_ns;
    uint64_t now_ns;               /* as of the completion being handled */
    struct loop_counters counters; /* when the window began */
    uint64_t bytes_sent;           /* then, by links */
    struct usage usage;            /* then */
    uint64_t woken_ns;             /* the first completion since the last wait; 0: none */
    struct lateness lateness;
};

static void line_open(struct client_loop *loop, uint32_t index);
static void line_fill(struct client_loop *loop, uint32_t index);
static void line_fail(struct client_loop *loop, uint32_t index, enum haul_error error);

static struct flight *flight_at(const struct client_loop *loop, uint32_t index, uint32_t number)
{
    uint32_t at = loop->lines[index].flight_first + number;
    if (at >= loop->depth)
        at -= loop->depth;
    return &loop->flights[(size_t)index * loop->depth + at];
}

/* The oldest request's, its connecting included; or, where none waits, the connecting's. */
static uint64_t deadline_of(const struct client_loop *loop, uint32_t index)
{
    bool has_flight = loop->lines[index].flight_count > 0;
    return loop->timeout_ns + (has_flight ? flight_at(loop, index, 0)->begun_ns : loop->now_ns);
}

static const struct place *place_of(const struct client_loop *loop, const struct line *line)
{
    return &loop->workload->places[line->place];
}

static const struct round *round_of(const struct client_loop *loop, const struct line *line)
{
    return place_round(place_of(loop, line), loop->client->index);
}

/* --- the stack of free connections ------------------------------------------------------------ */

static void free_push(struct client_loop *loop, uint32_t index)
{
    assert(loop->lines[index].free_at == NOT_FREE && loop->free_count < loop->client->connections);
    loop->lines[index].free_at = loop->free_count;
    loop->free[loop->free_count++] = index;
    loop->deadline_ns[index] = never_ns;
}

static void free_remove(struct client_loop *loop, uint32_t index)
{
    uint32_t at = loop->lines[index].free_at;
    assert(at < loop->free_count && loop->free[at] == index);
    uint32_t last = loop->free[--loop->free_count];
    loop->free[at] = last;
    loop->lines[last].free_at = at;
    loop->lines[index].free_at = NOT_FREE;
}

/* --- sending ---------------------------------------------------------------------------------- */

static struct flight *first_unsent(const struct client_loop *loop, uint32_t index)
{
    const struct line *line = &loop->lines[index];
    return flight_at(loop, index, line->flight_count - line->unsent);
}

/* Do they lie one behind the other? Those that go to another connection need not. */
static bool is_in_a_row(const struct client_loop *loop, uint32_t index)
{
    const struct line *line = &loop->lines[index];
    const struct round *round = round_of(loop, line);
    uint32_t wanted = first_unsent(loop, index)->request;
    for (uint32_t i = line->flight_count - line->unsent; i < line->flight_count; i++) {
        if (flight_at(loop, index, i)->request != wanted)
            return false;
        wanted = round_next(round, wanted);
    }
    return true;
}

static struct span burst_gather(struct client_loop *loop, uint32_t index)
{
    const struct line *line = &loop->lines[index];
    const struct round *round = round_of(loop, line);
    size_t length = 0;
    for (uint32_t i = line->flight_count - line->unsent; i < line->flight_count; i++)
        length += round_burst(round, flight_at(loop, index, i)->request, 1).length;
    struct gathered *gathered = malloc(sizeof *gathered + length);
    if (!gathered)
        return (struct span){0};
    gathered->next = loop->gathered[index];
    loop->gathered[index] = gathered;
    char *at = gathered->bytes;
    for (uint32_t i = line->flight_count - line->unsent; i < line->flight_count; i++) {
        struct span bytes = round_burst(round, flight_at(loop, index, i)->request, 1);
        memcpy(at, bytes.bytes, bytes.length);
        at += bytes.length;
    }
    return (struct span){gathered->bytes, length};
}

static void gathered_free(struct client_loop *loop, uint32_t index)
{
    while (loop->gathered && loop->gathered[index]) {
        struct gathered *gathered = loop->gathered[index];
        loop->gathered[index] = gathered->next;
        free(gathered);
    }
}

/* The flights that wait for it, in one burst. */
static void line_send(struct client_loop *loop, uint32_t index)
{
    struct line *line = &loop->lines[index];
    struct span burst;
    assert(line->state == LINE_OPEN && line->unsent > 0 && line->unsent <= line->flight_count);
    if (!loop->gathered || is_in_a_row(loop, index))
        burst = round_burst(round_of(loop, line), first_unsent(loop, index)->request, line->unsent);
    else
        burst = burst_gather(loop, index);
    if (!burst.bytes) {
        line_fail(loop, index, HAUL_RESOURCE);
        return;
    }
    line->unsent = 0;
    loop->deadline_ns[index] = deadline_of(loop, index);
    link_send(&loop->links, index, burst, (struct span){0});
}

/* --- beginning -------------------------------------------------------------------------------- */

/* How late the instrument itself was: a connection was free, the request due. */
static void lag_record(struct client_loop *loop, const struct flight *flight)
{
    uint64_t since_ns = flight->due_ns > loop->free_since_ns ? flight->due_ns : loop->free_since_ns;
    const struct client *client = loop->client;
    if (load_is_open(client->options) && client->stage == STAGE_WINDOW)
        client_lagged(client, client->tally->stats,
                      (client->begun - 1) * client->count + client->index, loop->now_ns - since_ns);
}

/* Which one of the round is begun. */
static uint32_t request_next(const struct client_loop *loop, struct line *line)
{
    uint32_t *next = loop->next ? &loop->next[line->place] : &line->next;
    uint32_t request = *next;
    *next = round_next(round_of(loop, line), request);
    return request;
}

/* Takes what may begin now; a connection that could take none is free, but for one whose last
 * request was answered before it was sent. */
static void line_fill(struct client_loop *loop, uint32_t index)
{
    struct line *line = &loop->lines[index];
    bool is_open = line->state == LINE_OPEN;
    bool can_send = !is_open || !link_is_sending(&loop->links, index);
    assert(line->unsent <= line->flight_count && line->flight_count <= loop->depth);
    uint32_t room = can_send && !line->is_refused ? loop->depth - line->flight_count : 0;
    if (loop->free_count == 0)
        loop->free_since_ns = loop->now_ns;
    for (; room > 0; room--) {
        struct flight *flight = flight_at(loop, index, line->flight_count);
        if (!client_begin(loop->client, loop->now_ns, flight))
            break;
        flight->request = request_next(loop, line);
        lag_record(loop, flight);
        line->flight_count++;
        line->unsent++;
        loop->under_way++;
    }
    if (line->flight_count > 0 && line->free_at != NOT_FREE)
        free_remove(loop, index);
    if (line->flight_count == 0 && line->free_at == NOT_FREE && can_send)
        free_push(loop, index);
    else if (line->unsent > 0 && is_open)
        line_send(loop, index);
    else if (line->unsent > 0)
        line_open(loop, index);
}

/* All that is due, as long as a connection is free. */
static void free_fill(struct client_loop *loop)
{
    while (loop->free_count > 0 && client_due_ns(loop->client) <= loop->now_ns) {
        uint32_t count = loop->free_count;
        line_fill(loop, loop->free[loop->free_count - 1]);
        if (loop->free_count == count)
            return;
    }
}

/* --- ending ----------------------------------------------------------------------------------- */

static void line_close(struct client_loop *loop, uint32_t index)
{
    struct line *line = &loop->lines[index];
    assert(line->state >= LINE_CONNECTING && line->state < LINE_CLOSING);
    if (line->free_at != NOT_FREE)
        free_remove(loop, index);
    line->state = LINE_CLOSING;
    loop->deadline_ns[index] = never_ns;
    link_close(&loop->links, index);
}

static void line_tried(struct client_loop *loop, uint32_t index)
{
    struct line *line = &loop->lines[index];
    if (line->is_tried)
        return;
    assert(loop->opening > 0);
    line->is_tried = true;
    loop->opening--;
    client_tried(loop->client);
}

/* Every request on it has failed. */
static void flights_fail(struct client_loop *loop, uint32_t index, enum haul_error error)
{
    struct line *line = &loop->lines[index];
    for (uint32_t i = 0; i < line->flight_count; i++)
        client_failure(loop->client, flight_at(loop, index, i), loop->now_ns, error);
    assert(loop->under_way >= line->flight_count);
    loop->under_way -= line->flight_count;
    line->flight_count = line->unsent = line->again = 0;
}

static void line_fail(struct client_loop *loop, uint32_t index, enum haul_error error)
{
    struct line *line = &loop->lines[index];
    line->must_wait = line->state == LINE_CONNECTING || line->state == LINE_SECURING;
    line_tried(loop, index);
    flights_fail(loop, index, error);
    line_close(loop, index);
}

static void reply_done(struct client_loop *loop, uint32_t index)
{
    struct line *line = &loop->lines[index];
    assert(line->flight_count > line->unsent && loop->under_way > 0);
    client_reply(loop->client, flight_at(loop, index, 0), line->first_byte_ns, loop->now_ns,
                 &line->reading);
    line->first_byte_ns = 0;
    line->was_used = true;
    line->flight_first = line->flight_first + 1 < loop->depth ? line->flight_first + 1 : 0;
    line->flight_count--;
    loop->under_way--;
    if (line->flight_count > 0)
        loop->deadline_ns[index] = deadline_of(loop, index);
}

/* Those of the last burst, which are the youngest, where nothing of it was sent. */
static uint32_t refused_count(const struct client_loop *loop, uint32_t index)
{
    const struct line *line = &loop->lines[index];
    uint32_t count = 0;
    if (!line->is_refused || line->flight_count == 0)
        return 0;
    uint64_t sent_ns = flight_at(loop, index, line->flight_count - 1)->sent_ns;
    while (count < line->flight_count &&
           flight_at(loop, index, line->flight_count - 1 - count)->sent_ns == sent_ns)
        count++;
    return count;
}

static bool may_repeat(const struct client_loop *loop, const struct line *line,
                       const struct flight *flight)
{
    return line->was_used &&
           (round_of(loop, line)->kinds[flight->request] & REQUEST_IS_IDEMPOTENT) != 0;
}

/* No byte of their replies has come, nor will on this connection. What was never sent goes to the
 * next one; what was does so where it may be asked twice and the server, having answered before,
 * may have closed without having seen it. */
static void flights_return(struct client_loop *loop, uint32_t index)
{
    struct line *line = &loop->lines[index];
    uint32_t count = line->flight_count, sent = count - refused_count(loop, index), kept = 0;
    line->again = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct flight *flight = flight_at(loop, index, i);
        if (i < sent && !may_repeat(loop, line, flight)) {
            client_failure(loop->client, flight, loop->now_ns, HAUL_RECEIVE);
            continue;
        }
        line->again += i < sent;
        *flight_at(loop, index, kept++) = *flight;
    }
    loop->under_way -= count - kept;
    line->flight_count = line->unsent = kept;
}

/* It was to linger until then. */
static void line_lingered(struct client_loop *loop, uint64_t until_ns)
{
    uint64_t linger_ns = loop->client->options->linger_ns;
    uint64_t left_ns = until_ns > loop->now_ns ? until_ns - loop->now_ns : 0;
    client_lingered(loop->client, left_ns < linger_ns ? linger_ns - left_ns : 0, loop->now_ns);
}

/* FIN, or RST. */
static void line_ended(struct client_loop *loop, uint32_t index, enum link_end end)
{
    struct line *line = &loop->lines[index];
    bool is_begun = line->first_byte_ns > 0;
    if (line->state == LINE_SECURING) {
        line_fail(loop, index, HAUL_TLS);
    } else if (is_begun && (end != LINK_FIN || !reading_end(&line->reading))) {
        line_fail(loop, index, HAUL_TRUNCATED);
    } else {
        if (is_begun)
            reply_done(loop, index);
        if (line->state == LINE_OPEN)
            flights_return(loop, index);
        else
            line_lingered(loop, loop->deadline_ns[index]);
        line_close(loop, index);
    }
}

/* --- receiving -------------------------------------------------------------------------------- */

/* After the last reply it will bear. */
static void line_linger(struct client_loop *loop, uint32_t index)
{
    struct line *line = &loop->lines[index];
    flights_return(loop, index);
    line->state = LINE_LINGERING;
    loop->deadline_ns[index] = loop->now_ns + loop->client->options->linger_ns;
}

/* Its first byte is there. */
static void first_byte(struct client_loop *loop, uint32_t index)
{
    struct line *line = &loop->lines[index];
    line->first_byte_ns = loop->now_ns;
    if (loop->workload->is_mixed) {
        uint8_t kind = round_of(loop, line)->kinds[flight_at(loop, index, 0)->request];
        reading_expect(&line->reading, (kind & REQUEST_IS_HEAD) != 0);
    }
}

/* Bytes of replies. */
static void line_take(struct client_loop *loop, uint32_t index, struct span in)
{
    struct line *line = &loop->lines[index];
    while (in.length > 0 && line->state == LINE_OPEN) {
        enum proto_error bad = PROTO_OK;
        if (line->flight_count == line->unsent) { /* nobody asked */
            line_close(loop, index);
            return;
        }
        if (line->first_byte_ns == 0)
            first_byte(loop, index);
        switch (reading_feed(&line->reading, &in, &bad)) {
        case READING_MORE:
            return;
        case READING_BAD:
            line_fail(loop, index, HAUL_PROTOCOL);
            return;
        case READING_REPLY:
            reply_done(loop, index);
            if (!client_keeps(loop->client, &line->reading.reply.response))
                line_linger(loop, index);
            break;
        }
    }
}

/* --- opening ---------------------------------------------------------------------------------- */

/* The link can bear requests; tls_ns 0: it is plain. */
static void line_ready(struct client_loop *loop, uint32_t index, uint64_t tls_ns)
{
    struct line *line = &loop->lines[index];
    assert(line->state == LINE_CONNECTING || line->state == LINE_SECURING);
    line->state = LINE_OPEN;
    line_tried(loop, index);
    client_opened(loop->client, line->connected_ns - line->opening_ns, tls_ns);
    if (line->unsent == 0) {
        line_fill(loop, index);
        return;
    }
    for (uint32_t i = 0; i < line->again; i++)
        client_resent(loop->client, flight_at(loop, index, i));
    line->again = 0;
    for (uint32_t i = line->flight_count - line->unsent; i < line->flight_count; i++)
        flight_at(loop, index, i)->sent_ns = loop->now_ns; /* they have waited since they began */
    line_send(loop, index);
}

static void line_secured(struct client_loop *loop, uint32_t index)
{
    struct line *line = &loop->lines[index];
    struct tls *tls = link_at(&loop->links, index)->tls;
    struct tls_session *session = &loop->sessions[line->place];
    if (!loop->client->options->is_full_handshake && !tls_get_session(tls, session))
        session->version = 0;
    secure_log_keys(&loop->secure, tls);
    line_ready(loop, index, loop->now_ns - line->connected_ns);
}

static void line_connected(struct client_loop *loop, uint32_t index)
{
    struct line *line = &loop->lines[index];
    const struct place *place = place_of(loop, line);
    const struct tls_session *session = &loop->sessions[line->place];
    assert(line->state == LINE_CONNECTING);
    line->connected_ns = loop->now_ns;
    if (!place->is_https) {
        loop_receive(loop->loop, index);
        line_ready(loop, index, 0);
        return;
    }
    line->state = LINE_SECURING;
    const struct secure_peer peer = {.host = span_of(place->host),
                                     .port = client_ticket_port(loop->client, place),
                                     .session = session->version ? session : NULL,
                                     .is_moved = loop->moved[line->place]};
    if (!link_secure(&loop->links, index, &peer))
        line_fail(loop, index, HAUL_RESOURCE);
}

static void line_pause(struct client_loop *loop, uint32_t index)
{
    loop->lines[index].state = LINE_WAITING;
    loop->deadline_ns[index] = loop->now_ns + PAUSE_NS;
    client_paused(loop->client, loop->now_ns);
}

/* Without a descriptor there is nothing to close; what waited for it has failed. */
static void line_no_socket(struct client_loop *loop, uint32_t index)
{
    flights_fail(loop, index, HAUL_RESOURCE);
    line_tried(loop, index);
    line_pause(loop, index);
}

static void line_open(struct client_loop *loop, uint32_t index)
{
    struct line *line = &loop->lines[index];
    const struct place *place = place_of(loop, line);
    const struct sockaddr *address = (const struct sockaddr *)&place->address;
    assert(line->state == LINE_CLOSED);
    if (link_open(&loop->links, index, address, place->address_length)) {
        line_no_socket(loop, index);
        return;
    }
    line->state = LINE_CONNECTING;
    line->opening_ns = loop->now_ns;
    line->first_byte_ns = 0;
    line->must_wait = line->was_used = line->is_refused = line->is_moving = false;
    reading_init(&line->reading, loop->workload->is_head);
    loop->deadline_ns[index] = deadline_of(loop, index);
}

static void on_closed(struct client_loop *loop, uint32_t index)
{
    struct line *line = &loop->lines[index];
    assert(line->state == LINE_CLOSING && line->free_at == NOT_FREE);
    line->state = LINE_CLOSED;
    gathered_free(loop, index);
    if (line->must_wait) {
        line_pause(loop, index);
    } else if (line->flight_count > 0 || line->is_moving) {
        line_open(loop, index);
    } else {
        line_fill(loop, index);
    }
}

/* Where connections are kept, all are opened before the first request. */
static void open_first(struct client_loop *loop)
{
    const struct load_options *options = loop->client->options;
    bool is_kept = !options->is_closing && !options->is_http10;
    while (loop->to_open < loop->client->connections && loop->opening < OPENING_AT_ONCE) {
        uint32_t index = loop->to_open++;
        loop->opening++;
        if (is_kept) {
            line_open(loop, index);
        } else {
            line_tried(loop, index);
            line_fill(loop, index);
        }
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static void on_deadline(struct client_loop *loop, uint32_t index)
{
    struct line *line = &loop->lines[index];
    uint64_t deadline_ns = loop->deadline_ns[index];
    loop->deadline_ns[index] = never_ns;
    switch (line->state) {
    case LINE_WAITING:
        line->state = LINE_CLOSED;
        line_fill(loop, index);
        break;
    case LINE_CONNECTING:
    case LINE_SECURING:
    case LINE_OPEN:
        line_fail(loop, index, HAUL_DEADLINE);
        break;
    case LINE_LINGERING:
        line_lingered(loop, deadline_ns);
        line_close(loop, index);
        break;
    case LINE_CLOSED:
    case LINE_CLOSING:
        break;
    }
}

static void deadlines_scan(struct client_loop *loop)
{
    loop->next_scan_ns = loop->now_ns + loop->scan_ns;
    for (uint32_t i = 0; i < loop->client->connections; i++)
        if (loop->deadline_ns[i] <= loop->now_ns)
            on_deadline(loop, i);
}

/* --- events ----------------------------------------------------------------------------------- */

/* The other TLS backend may reach who refused this one: what waits goes to a new connection. */
static bool line_moves(struct client_loop *loop, const struct link_event *event)
{
    struct line *line = &loop->lines[event->link];
    if (line->state != LINE_SECURING || event->end == LINK_EARLY ||
        !secure_moves(&loop->secure, link_at(&loop->links, event->link)->tls))
        return false;
    loop->moved[line->place] = line->is_moving = true;
    line_close(loop, event->link);
    return true;
}

/* A close_notify is not yet the server's FIN, which is to come first. */
static void on_end(struct client_loop *loop, const struct link_event *event, bool is_notice)
{
    if (line_moves(loop, event))
        return;
    switch (event->end) {
    case LINK_REFUSED:
        loop->client->tally->stats->ports_exhausted += event->error == EADDRNOTAVAIL;
        line_fail(loop, event->link, HAUL_CONNECT);
        break;
    case LINK_FIN:
        if (is_notice)
            link_answer(&loop->links, event->link);
        else
            line_ended(loop, event->link, event->end);
        break;
    case LINK_BROKEN:
    case LINK_CUT:
        line_ended(loop, event->link, event->end);
        break;
    case LINK_BAD_TLS:
    case LINK_EARLY:
        line_fail(loop, event->link, HAUL_TLS);
        break;
    }
}

/* After a send that failed the reply, or the reason, may still be readable; its end will come. */
static void on_sent(struct client_loop *loop, uint32_t index, int error)
{
    struct line *line = &loop->lines[index];
    if (line->state == LINE_OPEN && !error)
        line_fill(loop, index);
    else if (line->state == LINE_OPEN)
        line->is_refused = place_of(loop, line)->longest * loop->depth <= WHOLE_BYTES;
}

static void on_event(struct client_loop *loop, const struct link_event *event, bool is_receive)
{
    switch (event->kind) {
    case LINK_CONNECTED:
        line_connected(loop, event->link);
        break;
    case LINK_READY:
        line_secured(loop, event->link);
        break;
    case LINK_BYTES:
        line_take(loop, event->link, event->bytes);
        break;
    case LINK_SENT:
        on_sent(loop, event->link, event->error);
        break;
    case LINK_END:
        on_end(loop, event, is_receive);
        break;
    case LINK_CLOSED:
        on_closed(loop, event->link);
        break;
    }
}

/* More is begun on the line that was replied on, if it is to bear more. */
static void replied_fill(struct client_loop *loop)
{
    uint32_t index = loop->replied;
    loop->replied = NO_LINK;
    if (index != NO_LINK && loop->lines[index].state == LINE_OPEN &&
        loop->lines[index].free_at == NOT_FREE)
        line_fill(loop, index);
}

/* What one receive brings, and the next where that lies right behind it, is taken whole before more
 * is begun: it is one burst, and what of it nobody asked for, or an end, is not taken for an answer
 * to what would have been begun by then. */
static void dispatch(struct client_loop *loop, const struct completion *completion)
{
    struct link_event event;
    bool is_receive = completion->op == LOOP_RECEIVE && completion->result > 0;
    if (loop->replied != completion->slot)
        replied_fill(loop);
    loop->now_ns = client_now_ns();
    if (loop->woken_ns == 0)
        loop->woken_ns = loop->now_ns;
    if (is_receive)
        loop->client->tally->stats->bytes_received += (uint32_t)completion->result;
    bool has_event = links_take(&loop->links, completion, &event);
    for (; has_event; has_event = links_next(&loop->links, &event))
        on_event(loop, &event, is_receive);
    if (is_receive)
        loop->replied = completion->slot;
}

/* --- the run ---------------------------------------------------------------------------------- */

static void window_begin(struct client_loop *loop)
{
    if (loop->next)
        memset(loop->next, 0, loop->workload->place_count * sizeof *loop->next);
    lateness_begin(&loop->lateness, loop->now_ns);
    loop->usage = client_usage();
    loop->counters = loop->loop->counters;
    loop->bytes_sent = loop->links.bytes_sent;
}

/* What the window has cost: as much as until its end, or until its last reply. What finishes later
 * had its counterpart in what was under way when it began. */
static void window_take(struct client_loop *loop)
{
    struct client *client = loop->client;
    struct stats *stats = client->tally->stats;
    const struct loop_counters *counters = &loop->loop->counters;
    client_measure(client, &loop->usage, loop->now_ns);
    client->time.stopped_s = loop->lateness.stopped_s;
    stats->system_calls = counters->enters - loop->counters.enters;
    stats->completions = counters->completions - loop->counters.completions;
    stats->buffers_empty = counters->buffers_empty - loop->counters.buffers_empty;
    stats->queue_overflows = counters->queue_overflows - loop->counters.queue_overflows;
}

/* Follows the conductor, and begins what the new stage allows. */
static void follow(struct client_loop *loop)
{
    struct client *client = loop->client;
    enum stage stage = client_look(client, loop->now_ns);
    if (stage == client->stage)
        return;
    client_enter(client, stage);
    if (stage == STAGE_WINDOW)
        window_begin(loop);
    loop->now_ns = client_now_ns();
    free_fill(loop);
}

/* Nothing of the window is under way, and nothing will begin; or the conductor wants no more. */
static bool is_over(struct client_loop *loop)
{
    const struct client *client = loop->client;
    if (client->stage == STAGE_STOPPED)
        return true;
    if (client->stage != STAGE_WINDOW || loop->under_way > 0)
        return false;
    if (client->options->stage_count > 0 && loop->now_ns < client->end_ns)
        return false; /* the last one may be a pause, which is looked at too */
    bool is_past = loop->now_ns >= client->end_ns;
    return client_due_ns(client) == never_ns || (is_past && !load_is_open(client->options));
}

static int64_t wait_ns(const struct client_loop *loop)
{
    uint64_t until_ns = loop->now_ns + TICK_NS;
    if (loop->next_scan_ns < until_ns)
        until_ns = loop->next_scan_ns;
    if (load_is_open(loop->client->options) && loop->free_count > 0) {
        uint64_t due_ns = client_due_ns(loop->client);
        if (due_ns < until_ns)
            until_ns = due_ns;
    }
    uint64_t look_ns = client_look_ns(loop->client, loop->now_ns);
    if (look_ns - AWAKE_NS < until_ns)
        until_ns = look_ns - AWAKE_NS;
    return until_ns > loop->now_ns ? (int64_t)(until_ns - loop->now_ns) : 0;
}

static int run(struct client_loop *loop)
{
    struct completion completion;
    do {
        follow(loop);
        open_first(loop);
        free_fill(loop);
        if (loop->now_ns >= loop->next_scan_ns)
            deadlines_scan(loop);
        if (client_is_to_measure(loop->client, loop->now_ns))
            window_take(loop);
        int64_t length_ns = wait_ns(loop);
        uint64_t until_ns = loop->now_ns + (uint64_t)length_ns;
        loop->woken_ns = 0;
        int error = loop_wait(loop->loop, 1, length_ns);
        if (error && error != -EINTR)
            return error;
        while (loop_next(loop->loop, &completion))
            dispatch(loop, &completion);
        replied_fill(loop);
        loop->now_ns = client_now_ns();
        lateness_note(&loop->lateness, until_ns,
                      loop->woken_ns > 0 ? loop->woken_ns : loop->now_ns);
    } while (!is_over(loop));
    return 0;
}

static int loop_open(struct client_loop *loop)
{
    struct client *client = loop->client;
    struct loop_options options = {.slots = client->connections};
    struct haul_open_error why = {0};
    bool is_uring = client->options->client == CLIENT_URING;
    int error =
        is_uring ? loop_uring_open(&loop->loop, &options) : loop_epoll_open(&loop->loop, &options);
    if (error && is_uring)
        loop_uring_explain(error, client->message, sizeof client->message);
    if (error)
        return error;
    snprintf(client->reason, sizeof client->reason, "%s", loop->loop->reason);
    links_init(&loop->links, loop->loop, &loop->store, &loop->secure, loop->link_list);
    loop->links.is_curt = true;
    if (!loop->workload->is_https)
        return 0;
    error = secure_open(&loop->secure, &client->options->tls, client->connections, &why);
    if (error)
        snprintf(client->message, sizeof client->message, "TLS: %s", why.message);
    return error;
}

/* Links by lines of the cache: with thousands of them each reply finds its own cold. Blocks are
 * touched as far as there are records. */
static int links_memory_take(struct client_loop *loop)
{
    size_t count = loop->client->connections;
    size_t size = (count * sizeof *loop->link_list + 63) / 64 * 64;
    loop->link_list = aligned_alloc(64, size);
    if (!loop->link_list)
        return -ENOMEM;
    memset(loop->link_list, 0, size);
    if (!loop->workload->is_https)
        return 0;
    loop->blocks = malloc(count * sizeof *loop->blocks);
    loop->blocks_next = malloc(count * sizeof *loop->blocks_next);
    if (!loop->blocks || !loop->blocks_next)
        return -ENOMEM;
    store_init(&loop->store, loop->blocks, loop->blocks_next, (uint32_t)count, 0);
    return 0;
}

static int rounds_memory_take(struct client_loop *loop)
{
    const struct load_options *options = loop->client->options;
    bool may_lie_apart = loop->depth > 1 && (options->is_template || options->targets);
    if (options->is_template)
        loop->next = calloc(loop->workload->place_count, sizeof *loop->next);
    if (may_lie_apart)
        loop->gathered = calloc(loop->client->connections, sizeof *loop->gathered);
    return (options->is_template && !loop->next) || (may_lie_apart && !loop->gathered) ? -ENOMEM
                                                                                       : 0;
}

static int memory_take(struct client_loop *loop)
{
    uint32_t count = loop->client->connections;
    loop->depth = loop->workload->depth;
    loop->lines = calloc(count, sizeof *loop->lines);
    loop->flights = calloc((size_t)count * loop->depth, sizeof *loop->flights);
    loop->deadline_ns = calloc(count, sizeof *loop->deadline_ns);
    loop->free = calloc(count, sizeof *loop->free);
    loop->sessions = calloc(loop->workload->place_count, sizeof *loop->sessions);
    loop->moved = calloc(loop->workload->place_count, sizeof *loop->moved);
    if (!loop->lines || !loop->flights || !loop->deadline_ns || !loop->free || !loop->sessions ||
        !loop->moved)
        return -ENOMEM;
    if (rounds_memory_take(loop) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++) {
        struct line *line = &loop->lines[i];
        uint32_t number = loop->client->first_connection + i;
        line->free_at = NOT_FREE;
        line->place = number % loop->workload->place_count;
        line->next = number / loop->workload->place_count % round_of(loop, line)->count;
        loop->deadline_ns[i] = never_ns;
    }
    return links_memory_take(loop);
}

static void memory_give(struct client_loop *loop)
{
    size_t sessions = loop->workload->place_count * sizeof *loop->sessions;
    for (uint32_t i = 0; loop->lines && i < loop->client->connections; i++)
        reading_deinit(&loop->lines[i].reading);
    for (uint32_t i = 0; i < loop->client->connections; i++)
        gathered_free(loop, i);
    free(loop->gathered);
    free(loop->next);
    free(loop->link_list);
    free(loop->blocks);
    free(loop->blocks_next);
    free(loop->lines);
    free(loop->flights);
    free(loop->deadline_ns);
    free(loop->free);
    if (loop->sessions)
        explicit_bzero(loop->sessions, sessions);
    free(loop->sessions);
    free(loop->moved);
}

static void unfinished_take(struct client_loop *loop)
{
    for (uint32_t i = 0; i < loop->client->connections; i++) {
        for (uint32_t k = 0; k < loop->lines[i].flight_count; k++)
            client_unfinished(loop->client, flight_at(loop, i, k), loop->now_ns);
        if (loop->lines[i].state == LINE_LINGERING)
            line_lingered(loop, loop->deadline_ns[i]);
    }
}

/* The keys of links that the run's end found open lie in what secure_close() frees. */
static void loop_end(struct client_loop *loop)
{
    for (uint32_t i = 0; loop->loop && i < loop->client->connections; i++)
        link_deinit(&loop->links, i);
    if (loop->loop)
        loop_close(loop->loop);
}

int client_loop_run(struct client *client)
{
    struct client_loop loop = {
        .client = client,
        .workload = client->workload,
        .timeout_ns = client->options->timeout_ns,
        .replied = NO_LINK,
        .now_ns = client_now_ns(),
    };
    loop.scan_ns = loop.timeout_ns / 10 < SCAN_NS_MAX ? loop.timeout_ns / 10 + 1 : SCAN_NS_MAX;
    secure_init(&loop.secure);
    int error = memory_take(&loop);
    if (!error)
        error = loop_open(&loop);
    if (!error)
        error = run(&loop);
    if (!error)
        unfinished_take(&loop);
    if (!error && client->window_ns > 0 && client->time.span_s == 0)
        window_take(&loop);
    client->tally->stats->begun = client->begun;
    client->tally->stats->bytes_sent = loop.links.bytes_sent - loop.bytes_sent;
    loop_end(&loop);
    secure_close(&loop.secure);
    memory_give(&loop);
    return error;
}
