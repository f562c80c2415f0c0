/* The client over a blocking socket: a thread a connection, as many programs are written. The one
 * that is free takes the next request, of a number they have in common; so a slow reply holds up
 * its own thread and nothing else. */

#include "bench/load/client.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { RECEIVE_BYTES = 16384, SLICE_NS = 100000000 };

struct client_thread {
    struct client *client;
    const struct place *place;
    const struct round *round;
    uint32_t next; /* request of it */
    int fd;        /* -1: none */
    struct tls *tls;
    struct reading reading;
    struct flight *flights;
    uint32_t flight_count;
    uint32_t flight_first; /* of flights, the next to be answered */
    uint64_t ticket;       /* a request taken but not begun; NO_TICKET */
    uint64_t first_ticket; /* of the burst */
    uint64_t deadline_ns;
    uint64_t first_byte_ns;
    uint64_t received;
    uint64_t sent;
    uint64_t calls;
    uint64_t lag_from_ns; /* since when this thread had nothing to do */
    bool has_replied;
    bool is_reset;      /* the connection ended with RST */
    bool must_look;     /* something may have come that was not received */
    bool is_sent;       /* something of the burst, on this connection */
    bool was_sent;      /* on an earlier one */
    struct usage usage; /* when the stage began */
    char buffer[RECEIVE_BYTES];
    char plain[RECEIVE_BYTES]; /* of a record, where many have the place it was decrypted in */
};

#define NO_TICKET UINT64_MAX

/* What became of an attempt; haul_error has no word for a run that was stopped. */
enum outcome { OUTCOME_OK, OUTCOME_ENDED, OUTCOME_FAILED, OUTCOME_STOPPED };

static bool is_stopped(const struct client_thread *thread)
{
    return atomic_load(&thread->client->conductor->stage) == STAGE_STOPPED;
}

/* --- bytes ------------------------------------------------------------------------------------ */

static enum outcome wait_more(struct client_thread *thread, enum haul_error *ret_error)
{
    uint64_t now_ns = client_now_ns();
    if (client_is_to_measure(thread->client, now_ns))
        client_measure(thread->client, &thread->usage, now_ns);
    if (is_stopped(thread))
        return OUTCOME_STOPPED;
    if (now_ns < thread->deadline_ns)
        return OUTCOME_OK;
    *ret_error = HAUL_DEADLINE;
    return OUTCOME_FAILED;
}

static enum outcome wire_send(struct client_thread *thread, struct span bytes,
                              enum haul_error *ret_error)
{
    while (bytes.length > 0) {
        ssize_t sent = send(thread->fd, bytes.bytes, bytes.length, MSG_NOSIGNAL);
        thread->calls++;
        if (sent > 0) {
            thread->sent += (uint64_t)sent;
            bytes.bytes += sent;
            bytes.length -= (size_t)sent;
            continue;
        }
        *ret_error = HAUL_SEND;
        if (errno != EAGAIN && errno != EINTR)
            return OUTCOME_FAILED;
        enum outcome outcome = wait_more(thread, ret_error);
        if (outcome != OUTCOME_OK)
            return outcome;
    }
    return OUTCOME_OK;
}

static enum outcome wire_receive(struct client_thread *thread, struct span *ret_bytes,
                                 enum haul_error *ret_error)
{
    for (;;) {
        ssize_t received = recv(thread->fd, thread->buffer, sizeof thread->buffer, 0);
        thread->calls++;
        if (received > 0) {
            thread->received += (uint64_t)received;
            thread->must_look = received == sizeof thread->buffer;
            *ret_bytes = (struct span){thread->buffer, (size_t)received};
            return OUTCOME_OK;
        }
        thread->is_reset = received < 0;
        if (received == 0 || (errno != EAGAIN && errno != EINTR))
            return OUTCOME_ENDED;
        enum outcome outcome = wait_more(thread, ret_error);
        if (outcome != OUTCOME_OK)
            return outcome;
    }
}

static enum outcome records_flush(struct client_thread *thread, enum haul_error *ret_error)
{
    struct span wire;
    while ((wire = tls_wire_out(thread->tls)).length > 0) {
        enum outcome outcome = wire_send(thread, wire, ret_error);
        if (outcome != OUTCOME_OK)
            return outcome;
        tls_wire_sent(thread->tls, wire.length);
    }
    return OUTCOME_OK;
}

static enum outcome plain_send(struct client_thread *thread, struct span bytes,
                               enum haul_error *ret_error)
{
    if (!thread->tls)
        return wire_send(thread, bytes, ret_error);
    while (bytes.length > 0 && tls_state(thread->tls) == TLS_OPEN) {
        size_t taken = tls_plain_in(thread->tls, bytes);
        bytes = (struct span){bytes.bytes + taken, bytes.length - taken};
        enum outcome outcome = records_flush(thread, ret_error);
        if (outcome != OUTCOME_OK)
            return outcome;
    }
    return OUTCOME_OK;
}

/* --- a connection ----------------------------------------------------------------------------- */

static void thread_close(struct client_thread *thread)
{
    if (thread->tls) {
        pthread_mutex_lock(&thread->client->vault->lock);
        tls_deinit(thread->tls);
        pthread_mutex_unlock(&thread->client->vault->lock);
    }
    thread->tls = NULL;
    if (thread->fd >= 0) {
        close(thread->fd);
        thread->calls++;
    }
    thread->fd = -1;
}

/* What the handshake makes of some bytes; the group's chains and verdicts are touched here only. */
static bool handshake_take(struct client_thread *thread, struct span wire)
{
    pthread_mutex_lock(&thread->client->vault->lock);
    size_t taken = tls_wire_in(thread->tls, wire);
    pthread_mutex_unlock(&thread->client->vault->lock);
    return taken == wire.length && tls_state(thread->tls) != TLS_FAILED;
}

static void handshake_end(struct client_thread *thread)
{
    pthread_mutex_lock(&thread->client->vault->lock);
    tls_wire_end(thread->tls);
    pthread_mutex_unlock(&thread->client->vault->lock);
}

static void session_keep(const struct client_thread *thread)
{
    struct vault *vault = thread->client->vault;
    const struct workload *workload = thread->client->workload;
    struct tls_session *session = &vault->sessions[thread->place - workload->places];
    pthread_mutex_lock(&vault->lock);
    if (!thread->client->options->is_full_handshake && !tls_get_session(thread->tls, session))
        session->version = 0;
    secure_log_keys(&vault->secure, thread->tls);
    pthread_mutex_unlock(&vault->lock);
}

static bool handshake_begin(struct client_thread *thread)
{
    struct vault *vault = thread->client->vault;
    const struct workload *workload = thread->client->workload;
    const struct tls_session *session = &vault->sessions[thread->place - workload->places];
    pthread_mutex_lock(&vault->lock);
    const struct secure_peer peer = {
        .host = span_of(thread->place->host),
        .port = client_ticket_port(thread->client, thread->place),
        .session = session->version ? session : NULL,
        .is_moved = vault->moved[thread->place - workload->places],
    };
    thread->tls = secure_begin(&vault->secure, thread->client->vault_slot, &peer);
    pthread_mutex_unlock(&vault->lock);
    return thread->tls != NULL;
}

static enum outcome handshake(struct client_thread *thread, enum haul_error *ret_error)
{
    *ret_error = HAUL_RESOURCE;
    if (!handshake_begin(thread))
        return OUTCOME_FAILED;
    for (;;) {
        struct span wire;
        enum outcome outcome = records_flush(thread, ret_error);
        if (outcome == OUTCOME_OK && tls_state(thread->tls) == TLS_OPEN) {
            session_keep(thread);
            return OUTCOME_OK;
        }
        if (outcome == OUTCOME_OK)
            outcome = wire_receive(thread, &wire, ret_error);
        if (outcome == OUTCOME_OK && handshake_take(thread, wire))
            continue;
        if (outcome == OUTCOME_ENDED)
            handshake_end(thread);
        if (outcome == OUTCOME_OK || outcome == OUTCOME_ENDED)
            *ret_error = HAUL_TLS;
        return outcome == OUTCOME_STOPPED ? outcome : OUTCOME_FAILED;
    }
}

/* The other TLS backend may reach who refused this one; a thread that meets that later than another
 * of its group goes there likewise. */
static bool handshake_moves(struct client_thread *thread)
{
    struct vault *vault = thread->client->vault;
    bool moves = false;
    if (!thread->tls || tls_state(thread->tls) != TLS_FAILED)
        return false;
    pthread_mutex_lock(&vault->lock);
    moves = secure_moves(&vault->secure, thread->tls);
    vault->moved[thread->place - thread->client->workload->places] |= moves;
    pthread_mutex_unlock(&vault->lock);
    return moves;
}

/* A blocking connect() that SO_SNDTIMEO or a signal ends goes on where it is called again. */
static enum outcome connect_again(struct client_thread *thread, int error,
                                  enum haul_error *ret_error)
{
    if (error == EINPROGRESS || error == EALREADY || error == EINTR)
        return wait_more(thread, ret_error);
    struct stats *stats = client_stats_lock(thread->client);
    stats->ports_exhausted += error == EADDRNOTAVAIL;
    client_stats_unlock(thread->client);
    *ret_error = HAUL_CONNECT;
    return OUTCOME_FAILED;
}

static enum outcome thread_connect(struct client_thread *thread, enum haul_error *ret_error)
{
    const struct place *place = thread->place;
    uint64_t slice_ns = thread->client->options->timeout_ns / 10;
    struct timeval slice = {
        .tv_usec = (suseconds_t)((slice_ns < SLICE_NS ? slice_ns : SLICE_NS) / 1000 + 1)};
    int on = 1;
    *ret_error = HAUL_RESOURCE;
    assert(thread->fd < 0 && !thread->tls);
    thread->fd = socket(place->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    thread->calls += 5;
    if (thread->fd < 0)
        return OUTCOME_FAILED;
    setsockopt(thread->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(thread->fd, SOL_SOCKET, SO_SNDTIMEO, &slice, sizeof slice);
    setsockopt(thread->fd, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof slice);
    enum outcome outcome = OUTCOME_OK;
    while (outcome == OUTCOME_OK &&
           connect(thread->fd, (const struct sockaddr *)&place->address, place->address_length) < 0)
        outcome = connect_again(thread, errno, ret_error);
    return outcome;
}

static enum outcome thread_open(struct client_thread *thread, enum haul_error *ret_error)
{
    uint64_t opening_ns = client_now_ns();
    bool is_again = false;
    thread->has_replied = false;
    thread->first_byte_ns = 0;
    reading_init(&thread->reading, thread->client->workload->is_head);
    enum outcome outcome = thread_connect(thread, ret_error);
    uint64_t connected_ns = client_now_ns();
    if (outcome == OUTCOME_OK && thread->place->is_https) {
        outcome = handshake(thread, ret_error);
        is_again = outcome == OUTCOME_FAILED && handshake_moves(thread);
    }
    if (outcome != OUTCOME_OK) {
        thread_close(thread);
        return is_again ? thread_open(thread, ret_error) : outcome;
    }
    client_opened(thread->client, connected_ns - opening_ns,
                  thread->place->is_https ? client_now_ns() - connected_ns : 0);
    return OUTCOME_OK;
}

/* --- requests --------------------------------------------------------------------------------- */

/* How many, from that flight on, lie one behind the other. */
static uint32_t in_a_row(const struct client_thread *thread, uint32_t first)
{
    uint32_t count = 1;
    while (first + count < thread->flight_count &&
           thread->flights[first + count].request ==
               round_next(thread->round, thread->flights[first + count - 1].request))
        count++;
    return count;
}

static enum outcome burst_send(struct client_thread *thread, enum haul_error *ret_error)
{
    uint32_t count = thread->flight_count - thread->flight_first;
    uint64_t now_ns = client_now_ns();
    uint64_t sent = thread->sent;
    for (uint32_t i = thread->flight_first; i < thread->flight_count; i++)
        thread->flights[i].sent_ns = now_ns;
    enum outcome outcome = OUTCOME_OK;
    for (uint32_t done = 0, length; done < count && outcome == OUTCOME_OK; done += length) {
        length = in_a_row(thread, thread->flight_first + done);
        uint32_t request = thread->flights[thread->flight_first + done].request;
        outcome = plain_send(thread, round_burst(thread->round, request, length), ret_error);
    }
    thread->is_sent = thread->sent > sent;
    for (uint32_t i = 0; thread->is_sent && thread->was_sent && i < count; i++)
        client_resent(thread->client, &thread->flights[thread->flight_first + i]);
    thread->was_sent |= thread->is_sent;
    return outcome;
}

/* An open connection that was left alone: has the server ended it, or said what nobody asked for?
 * Then nothing is sent on it. */
static void thread_look(struct client_thread *thread)
{
    char byte;
    if (!thread->must_look || thread->fd < 0)
        return;
    thread->must_look = false;
    thread->calls++;
    if (recv(thread->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
        (errno != EAGAIN && errno != EINTR))
        thread_close(thread);
}

static void reply_done(struct client_thread *thread, uint64_t now_ns)
{
    assert(thread->flight_first < thread->flight_count && thread->first_byte_ns > 0);
    client_reply(thread->client, &thread->flights[thread->flight_first], thread->first_byte_ns,
                 now_ns, &thread->reading);
    thread->flight_first++;
    thread->first_byte_ns = 0;
    thread->has_replied = true;
}

/* After the last reply that the connection will bear. */
static void linger(struct client_thread *thread)
{
    enum haul_error error;
    struct span rest;
    uint64_t since_ns = client_now_ns();
    thread->deadline_ns = since_ns + thread->client->options->linger_ns;
    while (wire_receive(thread, &rest, &error) == OUTCOME_OK)
        ;
    uint64_t now_ns = client_now_ns();
    client_lingered(thread->client, now_ns - since_ns, now_ns);
}

static uint8_t kind_of(const struct client_thread *thread, uint32_t flight)
{
    return thread->round->kinds[thread->flights[flight].request];
}

static void first_byte(struct client_thread *thread, uint64_t now_ns)
{
    thread->first_byte_ns = now_ns;
    if (thread->client->workload->is_mixed)
        reading_expect(&thread->reading,
                       (kind_of(thread, thread->flight_first) & REQUEST_IS_HEAD) != 0);
}

/* Replies, from plain bytes; ENDED: the connection can bear no further request. */
static enum outcome replies_take(struct client_thread *thread, struct span in,
                                 enum haul_error *ret_error)
{
    uint64_t now_ns = client_now_ns();
    while (in.length > 0 && thread->flight_first < thread->flight_count) {
        enum proto_error bad;
        if (thread->first_byte_ns == 0)
            first_byte(thread, now_ns);
        switch (reading_feed(&thread->reading, &in, &bad)) {
        case READING_MORE:
            return OUTCOME_OK;
        case READING_BAD:
            *ret_error = HAUL_PROTOCOL;
            return OUTCOME_FAILED;
        case READING_REPLY:
            reply_done(thread, now_ns);
            if (client_keeps(thread->client, &thread->reading.reply.response))
                break;
            linger(thread);
            return OUTCOME_ENDED;
        }
    }
    return in.length > 0 ? OUTCOME_ENDED : OUTCOME_OK;
}

static bool is_decrypted_in_common(const struct client_thread *thread)
{
    return strcmp(tls_facts(thread->tls).backend, "openssl") == 0;
}

static size_t wire_in_alone(struct client_thread *thread, struct span wire, struct span *ret_plain)
{
    size_t taken = tls_wire_in(thread->tls, wire);
    *ret_plain = tls_plain_out(thread->tls);
    return taken;
}

/* libssl's connections decrypt into one buffer of their configuration, which the group has in
 * common: a copy is taken out of it before another thread may use it. */
static size_t wire_in_common(struct client_thread *thread, struct span wire, struct span *ret_plain)
{
    pthread_mutex_lock(&thread->client->vault->lock);
    size_t taken = wire_in_alone(thread, wire, ret_plain);
    assert(ret_plain->length <= sizeof thread->plain);
    if (ret_plain->length > 0) {
        memcpy(thread->plain, ret_plain->bytes, ret_plain->length);
        tls_plain_taken(thread->tls, ret_plain->length);
    }
    pthread_mutex_unlock(&thread->client->vault->lock);
    ret_plain->bytes = thread->plain;
    return taken;
}

static enum outcome records_take(struct client_thread *thread, struct span wire,
                                 enum haul_error *ret_error)
{
    enum outcome outcome = OUTCOME_OK;
    bool is_shared = is_decrypted_in_common(thread);
    while (outcome == OUTCOME_OK) {
        struct span plain;
        size_t taken =
            is_shared ? wire_in_common(thread, wire, &plain) : wire_in_alone(thread, wire, &plain);
        wire = (struct span){wire.bytes + taken, wire.length - taken};
        *ret_error = HAUL_TLS;
        if (tls_state(thread->tls) == TLS_FAILED)
            return OUTCOME_FAILED;
        if (plain.length > 0)
            outcome = replies_take(thread, plain, ret_error);
        if (plain.length > 0 && !is_shared)
            tls_plain_taken(thread->tls, plain.length);
        if (taken == 0 && plain.length == 0)
            return wire.length > 0 ? OUTCOME_FAILED : OUTCOME_OK;
    }
    return outcome;
}

/* The connection's end; true: it ended the last reply too. */
static bool end_take(struct client_thread *thread)
{
    bool is_cut = thread->is_reset || (thread->tls && tls_state(thread->tls) != TLS_CLOSED);
    if (thread->first_byte_ns == 0 || is_cut || !reading_end(&thread->reading))
        return false;
    reply_done(thread, client_now_ns());
    return true;
}

static enum outcome replies_receive(struct client_thread *thread, enum haul_error *ret_error)
{
    enum outcome outcome = OUTCOME_OK;
    while (outcome == OUTCOME_OK && thread->flight_first < thread->flight_count) {
        struct span wire;
        outcome = wire_receive(thread, &wire, ret_error);
        if (outcome == OUTCOME_OK)
            outcome = thread->tls ? records_take(thread, wire, ret_error)
                                  : replies_take(thread, wire, ret_error);
        else if (outcome == OUTCOME_ENDED)
            end_take(thread);
    }
    return outcome;
}

static void flights_fail(struct client_thread *thread, enum haul_error error)
{
    uint64_t now_ns = client_now_ns();
    for (; thread->flight_first < thread->flight_count; thread->flight_first++)
        client_failure(thread->client, &thread->flights[thread->flight_first], now_ns, error);
}

/* May what has no byte of a reply go to the next connection? What was sent may where it may be
 * asked twice and the server, having answered before, may have closed without having seen it. */
static bool may_go_on(const struct client_thread *thread, bool is_new)
{
    if (thread->first_byte_ns > 0)
        return false;
    bool are_idempotent = true;
    for (uint32_t i = thread->flight_first; i < thread->flight_count; i++)
        are_idempotent &= (kind_of(thread, i) & REQUEST_IS_IDEMPOTENT) != 0;
    return thread->is_sent ? thread->has_replied && are_idempotent : !is_new;
}

/* One attempt at all that is left, on the connection there is or a new one. */
static enum outcome flights_try(struct client_thread *thread)
{
    enum haul_error error = HAUL_RECEIVE;
    bool is_new = thread->fd < 0;
    enum outcome outcome = is_new ? thread_open(thread, &error) : OUTCOME_OK;
    if (outcome == OUTCOME_FAILED) {
        flights_fail(thread, error);
        client_paused(thread->client, client_now_ns());
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        return outcome;
    }
    if (outcome == OUTCOME_OK)
        outcome = burst_send(thread, &error);
    if (outcome == OUTCOME_OK)
        outcome = replies_receive(thread, &error);
    bool has_ended = outcome == OUTCOME_ENDED || (outcome == OUTCOME_FAILED && error == HAUL_SEND);
    if (outcome == OUTCOME_ENDED)
        error = thread->first_byte_ns > 0 ? HAUL_TRUNCATED : HAUL_RECEIVE;
    if (has_ended ? !may_go_on(thread, is_new) : outcome == OUTCOME_FAILED)
        flights_fail(thread, error);
    if (outcome == OUTCOME_ENDED || outcome == OUTCOME_FAILED)
        thread_close(thread);
    return outcome;
}

/* Until every request that was begun has a reply or has failed, or the run has ended. */
static void flights_finish(struct client_thread *thread)
{
    uint64_t timeout_ns = thread->client->options->timeout_ns;
    enum outcome outcome = OUTCOME_OK;
    thread->was_sent = false;
    thread_look(thread);
    while (outcome != OUTCOME_STOPPED && thread->flight_first < thread->flight_count) {
        thread->deadline_ns = thread->flights[thread->flight_first].begun_ns + timeout_ns;
        outcome = flights_try(thread);
    }
    uint64_t now_ns = outcome == OUTCOME_STOPPED ? client_now_ns() : 0;
    for (; thread->flight_first < thread->flight_count; thread->flight_first++)
        client_unfinished(thread->client, &thread->flights[thread->flight_first], now_ns);
}

/* --- the run ---------------------------------------------------------------------------------- */

static bool is_stage_over(struct client_thread *thread)
{
    struct client *client = thread->client;
    bool has_news = atomic_load(&client->conductor->stage) != client->stage ||
                    atomic_load(&client->conductor->is_calling);
    return has_news && client_look(client, client_now_ns()) != client->stage;
}

static struct timespec timespec_of(uint64_t time_ns)
{
    return (struct timespec){.tv_sec = (time_t)(time_ns / 1000000000),
                             .tv_nsec = (long)(time_ns % 1000000000)};
}

/* Sleeps until the conductor goes on; it wakes those that sleep, but for the window's begin. */
static enum stage stage_wait(struct client_thread *thread)
{
    struct client *client = thread->client;
    struct conductor *conductor = client->conductor;
    pthread_mutex_lock(&conductor->lock);
    while (!is_stage_over(thread)) {
        uint64_t look_ns = client_look_ns(client, client_now_ns());
        struct timespec until = timespec_of(look_ns);
        if (look_ns == UINT64_MAX)
            pthread_cond_wait(&conductor->changed, &conductor->lock);
        else
            pthread_cond_timedwait(&conductor->changed, &conductor->lock, &until);
    }
    pthread_mutex_unlock(&conductor->lock);
    return client_look(client, client_now_ns());
}

/* Sleeps until a request is due; false: the stage changed first. */
static bool due_wait(struct client_thread *thread, uint64_t due_ns)
{
    uint64_t now_ns;
    while ((now_ns = client_now_ns()) < due_ns) {
        uint64_t until_ns = due_ns - now_ns > SLICE_NS ? now_ns + SLICE_NS : due_ns;
        uint64_t look_ns = client_look_ns(thread->client, now_ns);
        struct timespec until = timespec_of(look_ns < until_ns ? look_ns : until_ns);
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        thread->calls++;
        thread->must_look = true;
        if (is_stage_over(thread))
            return false;
    }
    return true;
}

/* The number of the next request; who takes it raises it. */
static _Atomic uint64_t *next_ticket(const struct client_thread *thread)
{
    struct conductor *conductor = thread->client->conductor;
    return thread->client->stage == STAGE_WARMING ? &conductor->warming_taken
                                                  : &conductor->window_taken;
}

static uint64_t ticket_due_ns(const struct client_thread *thread, uint64_t ticket)
{
    return thread->client->schedule_ns + workload_due_ns(thread->client->options, ticket);
}

/* Which one of the round is begun; of a template all connections go round it together. */
static uint32_t request_next(struct client_thread *thread)
{
    const struct client *client = thread->client;
    size_t place = (size_t)(thread->place - client->workload->places);
    if (client->conductor->turns) {
        bool is_window = client->stage == STAGE_WINDOW;
        size_t turn = place + (is_window ? client->workload->place_count : 0);
        return (uint32_t)(atomic_fetch_add(&client->conductor->turns[turn], 1) %
                          thread->round->count);
    }
    uint32_t request = thread->next;
    thread->next = round_next(thread->round, request);
    return request;
}

/* One request begins. False: none is to begin any more in this stage. */
static bool flight_begin(struct client_thread *thread, bool may_wait)
{
    struct client *client = thread->client;
    bool is_open_loop = load_is_open(client->options);
    uint64_t share = client->stage == STAGE_WINDOW ? client->requests : UINT64_MAX;
    uint64_t now_ns = client_now_ns();
    if (client->stage == STAGE_WINDOW && !is_open_loop && now_ns >= client->end_ns)
        return false;
    if (thread->ticket == NO_TICKET) {
        _Atomic uint64_t *next = next_ticket(thread);
        if (is_open_loop && !may_wait && ticket_due_ns(thread, atomic_load(next)) > now_ns)
            return false; /* it is for a thread that is free by then */
        thread->ticket = atomic_fetch_add(next, 1);
    }
    if (thread->ticket >= share)
        return false;
    uint64_t due_ns = now_ns;
    if (is_open_loop) {
        due_ns = ticket_due_ns(thread, thread->ticket);
        if (due_ns > now_ns && (!may_wait || !due_wait(thread, due_ns)))
            return false;
        now_ns = client_now_ns();
    }
    uint64_t index = thread->ticket;
    thread->ticket = NO_TICKET;
    assert(thread->flight_count < client->workload->depth);
    client->begun++;
    client_tell_begun(client);
    struct flight *flight = &thread->flights[thread->flight_count++];
    *flight = (struct flight){
        .due_ns = due_ns,
        .begun_ns = now_ns,
        .sent_ns = now_ns,
        .is_counted = client->stage == STAGE_WINDOW,
    };
    client_stage(client, index, flight);
    if (thread->flight_count == 1)
        thread->first_ticket = index;
    flight->request = request_next(thread);
    return true;
}

static void lag_record(struct client_thread *thread)
{
    const struct flight *flight = &thread->flights[0];
    if (!load_is_open(thread->client->options) || thread->client->stage != STAGE_WINDOW)
        return;
    uint64_t since_ns = flight->due_ns > thread->lag_from_ns ? flight->due_ns : thread->lag_from_ns;
    struct stats *stats = client_stats_lock(thread->client);
    client_lagged(thread->client, stats, thread->first_ticket, flight->begun_ns - since_ns);
    client_stats_unlock(thread->client);
}

/* Requests, one burst after the other, until the stage changes or gives no more. */
static void stage_work(struct client_thread *thread)
{
    struct client *client = thread->client;
    thread->ticket = NO_TICKET;
    while (!is_stage_over(thread)) {
        thread->flight_first = thread->flight_count = 0;
        thread->lag_from_ns = client_now_ns();
        while (thread->flight_count < client->workload->depth &&
               flight_begin(thread, thread->flight_count == 0))
            ;
        if (thread->flight_count == 0)
            return;
        lag_record(thread);
        flights_finish(thread);
    }
}

static void counts_give(struct client_thread *thread, bool is_window)
{
    struct stats *stats = client_stats_lock(thread->client);
    if (is_window) {
        stats->bytes_sent += thread->sent;
        stats->bytes_received += thread->received;
        stats->system_calls += thread->calls;
        stats->begun += thread->client->begun;
    }
    client_stats_unlock(thread->client);
    thread->sent = thread->received = thread->calls = 0;
}

static void window_take(struct client_thread *thread)
{
    client_measure(thread->client, &thread->usage, client_now_ns());
    counts_give(thread, true);
}

static void run(struct client_thread *thread)
{
    struct client *client = thread->client;
    const struct load_options *options = client->options;
    enum haul_error error;
    thread->deadline_ns = client_now_ns() + options->timeout_ns;
    if (!options->is_closing && !options->is_http10)
        thread_open(thread, &error);
    client_tried(client);
    for (;;) {
        enum stage stage = stage_wait(thread);
        if (stage == STAGE_STOPPED)
            return;
        thread->must_look = true;
        counts_give(thread, false);
        client_enter(client, stage);
        thread->usage = client_usage();
        stage_work(thread);
        if (stage == STAGE_WINDOW) {
            if (options->stage_count > 0) /* the last one may be a pause, which is looked at too */
                due_wait(thread, client->end_ns);
            window_take(thread);
            return;
        }
    }
}

int client_thread_run(struct client *client)
{
    const struct workload *workload = client->workload;
    struct client_thread *thread = calloc(1, sizeof *thread);
    if (!thread)
        return -ENOMEM;
    thread->client = client;
    thread->fd = -1;
    thread->place = &workload->places[client->first_connection % workload->place_count];
    thread->round = place_round(thread->place, 0);
    thread->next = client->first_connection / workload->place_count % thread->round->count;
    thread->flights = calloc(workload->depth, sizeof *thread->flights);
    int error = thread->flights ? 0 : -ENOMEM;
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    if (!error)
        run(thread);
    thread_close(thread);
    reading_deinit(&thread->reading);
    free(thread->flights);
    free(thread);
    return error;
}
