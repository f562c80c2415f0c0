#ifndef BENCH_LOAD_CLIENT_H
#define BENCH_LOAD_CLIENT_H

/* A client thread: its share of the connections and of the requests, driven over one kernel
 * interface. Everything but that interface is the same for all: the workload, the parser, the
 * clock, the histogram, the conductor. Threads share nothing that is written often. */

#include "bench/base/clock.h"
#include "bench/load/reading.h"
#include "bench/load/load.h"
#include "bench/load/tally.h"
#include "bench/load/workload.h"
#include "engine/link/secure.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* Where the run is; it only goes forward. Requests are sent from WARMING on, and counted where they
 * begin (open loop: are due) in the WINDOW.
 *
 * The window is called before it begins, and each client answers when it has seen that. Then its
 * begin is set a little ahead, and no client is asleep when it comes; until then they go on. */
enum stage { STAGE_OPENING, STAGE_WARMING, STAGE_WINDOW, STAGE_STOPPED };

/* Set by the one thread that conducts, read by the clients. The times belong to the stage and are
 * written before it. */
struct conductor {
    pthread_mutex_t lock;   /* changed: for those that sleep until the next stage */
    pthread_cond_t changed; /* by CLOCK_MONOTONIC */
    _Atomic uint32_t stage;
    _Atomic bool is_calling;        /* the window is to begin: whoever sees it answers */
    _Atomic uint64_t warming_ns;    /* CLOCK_MONOTONIC: the schedule begins */
    _Atomic uint64_t window_ns;     /* and begins again: may be ahead */
    _Atomic uint64_t end_ns;        /* of the window; UINT64_MAX where requests are counted */
    _Atomic uint64_t warming_taken; /* CLIENT_THREADS: requests begun in the stage, by whichever */
    _Atomic uint64_t window_taken;  /* thread was free */
    _Atomic uint64_t *turns;        /* CLIENT_THREADS, of a template: requests taken of each place's
                                       round while warming up, and as many in the window */
};

/* CLIENT_THREADS: what the TLS connections of a group of threads share. */
struct vault {
    pthread_mutex_t lock;         /* during handshakes, and while libssl decrypts */
    struct secure secure;         /* its slots: the threads of the group */
    struct tls_session *sessions; /* by place; version 0: none */
    bool *moved;                  /* by place: secure_moves() was true of it */
};

enum { LIVE_BARS = 28 };

/* What a client tells while it runs, now and then. */
struct live {
    _Atomic bool has_answered; /* a call */
    _Atomic uint64_t opened;   /* connections whose first opening has ended, well or not */
    _Atomic uint64_t begun;    /* requests, since the run began */
    _Atomic uint64_t classes[STATUS_CLASSES]; /* finished, by the status's first digit; 0: failed */
    _Atomic uint64_t bars[LIVE_BARS];         /* answered in at most 2^i microseconds */
};

/* A request under way. */
struct flight {
    uint64_t due_ns;   /* in a closed loop: begun_ns */
    uint64_t begun_ns; /* a connection was found, or began to be opened, for it */
    uint64_t sent_ns;
    bool is_counted;  /* it was begun for the window */
    uint32_t request; /* of its place's round */
    uint8_t stage;    /* in which it was due, where there are some */
};

struct client {
    const struct load_options *options;
    const struct workload *workload;
    struct conductor *conductor;
    struct tally *tally;
    struct vault *vault; /* NULL: CLIENT_THREADS is not it, or nothing is https */
    uint32_t vault_slot;
    uint32_t index; /* of count threads */
    uint32_t count;
    uint32_t first_connection; /* of the run's, to be spread over places and targets */
    uint32_t connections;
    uint64_t requests; /* its share of the window's; UINT64_MAX: not bounded */

    enum stage stage;     /* as this thread knows it */
    uint64_t schedule_ns; /* the begin of the present schedule */
    uint64_t window_ns;   /* 0: has not begun */
    uint64_t end_ns;
    uint64_t begun;   /* in this stage */
    uint64_t last_ns; /* when the last request of the window finished */

    struct live live;
    struct load_thread time;
    char reason[160];  /* of the loop */
    char message[200]; /* where running failed */
};

/* Runs until the conductor says STOPPED, or the window's requests are all finished. 0, or a
 * negative errno and client->message. Over io_uring or epoll, all connections of the client in one
 * loop: */
int client_loop_run(struct client *client);

/* Over a blocking socket, for its one connection: */
int client_thread_run(struct client *client);

/* --- for the clients -------------------------------------------------------------------------- */

static inline uint64_t client_now_ns(void)
{
    return clock_monotonic_ns();
}

/* What the calling thread has used so far, in seconds. */
struct usage {
    double user_s;
    double system_s;
    double waited_s; /* for a processor; negative: the kernel does not say */
};

struct usage client_usage(void);

/* What the calling thread has used since the window began. Its shares are of what was measured
 * first: whoever goes on behind the window's end measures then, and once more when it is over. */
void client_measure(struct client *client, const struct usage *begin, uint64_t now_ns);

/* Is the window over, and not yet measured? */
bool client_is_to_measure(const struct client *client, uint64_t now_ns);

/* Wake-ups that come 20 ms later than asked for, or more: the thread was stopped. What it waited
 * for a processor meanwhile is taken off. */
struct lateness {
    double stopped_s; /* in all */
    double waited_s;  /* as of mark_ns, which is at most 0.1 s ago */
    uint64_t mark_ns;
};

void lateness_begin(struct lateness *lateness, uint64_t now_ns);
void lateness_note(struct lateness *lateness, uint64_t until_ns, uint64_t now_ns);

/* So long after a connection that could not be opened, the next is not. */
enum { PAUSE_NS = 100000000 };

enum { CALL_TICK_NS = 1000000 }; /* whoever has answered looks so often whether it is time */

/* The stage that the conductor has gone on to by now; what it calls is answered. */
enum stage client_look(struct client *client, uint64_t now_ns);

/* When the stage will be the WINDOW, or is to be looked at again for that; UINT64_MAX: neither. */
uint64_t client_look_ns(const struct client *client, uint64_t now_ns);

/* The conductor has gone on. */
void client_enter(struct client *client, enum stage stage);

/* Are requests to be sent, in this stage? */
bool client_is_sending(const struct client *client);

/* When the client's next request may begin: 0: now; UINT64_MAX: none in this stage. */
uint64_t client_due_ns(const struct client *client);

/* The next request begins, if one may. */
bool client_begin(struct client *client, uint64_t now_ns, struct flight *ret_flight);

/* The flight is of the request of that index. */
void client_stage(const struct client *client, uint64_t index, struct flight *flight);

/* The window's request of that index was due, a connection was free, and yet it was not begun for
 * so long. */
void client_lagged(const struct client *client, struct stats *stats, uint64_t index,
                   uint64_t lag_ns);

/* A reply is complete; its reading holds the facts. */
void client_reply(struct client *client, const struct flight *flight, uint64_t first_byte_ns,
                  uint64_t now_ns, const struct reading *reading);

/* A request has failed. */
void client_failure(struct client *client, const struct flight *flight, uint64_t now_ns,
                    enum haul_error error);

/* A request is under way, and the run has ended. */
void client_unfinished(struct client *client, const struct flight *flight, uint64_t now_ns);

/* A request is sent again. */
void client_resent(struct client *client, const struct flight *flight);

/* The port that libssl is to keep sessions for; 0: for none. */
uint16_t client_ticket_port(const struct client *client, const struct place *place);

/* A connection has been opened: how long that took; tls_ns 0: no TLS. */
void client_opened(struct client *client, uint64_t connect_ns, uint64_t tls_ns);

/* A connection was kept for so long for the server to end it, which leaves TIME_WAIT to that. */
void client_lingered(struct client *client, uint64_t time_ns, uint64_t now_ns);

/* One that could not be opened will be tried again after a pause. */
void client_paused(struct client *client, uint64_t now_ns);

/* The opening of a connection has come to an end for the first time. */
void client_tried(struct client *client);

/* One more is under way. */
void client_tell_begun(struct client *client);

/* Before and after touching client->tally->stats; at: what ended then counts in the interval that
 * has that time. */
struct stats *client_stats_lock(struct client *client);
struct stats *client_stats_at(struct client *client, uint64_t now_ns);
void client_stats_unlock(struct client *client);

/* May the connection carry another request, after this reply? */
bool client_keeps(const struct client *client, const struct response *response);

#endif
