#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

/* The engine: everything a run has, in one structure, and the loop that works on it. */

#include "engine/auth/sessions.h"
#include "engine/haul.h"
#include "engine/http/exchange.h"
#include "engine/link/dial.h"
#include "engine/link/link.h"
#include "engine/link/origin.h"
#include "engine/link/places.h"
#include "engine/link/pool.h"
#include "engine/link/resolver.h"
#include "engine/link/secure.h"
#include "engine/loop/batch.h"
#include "engine/loop/loop.h"
#include "engine/memory/budget.h"
#include "engine/memory/clock.h"
#include "engine/memory/deadline.h"
#include "engine/memory/slab.h"
#include "engine/memory/store.h"
#include "engine/request/collector.h"
#include "engine/request/decoding.h"
#include "engine/request/fetch.h"
#include "engine/request/heads.h"
#include "engine/request/pace.h"
#include "engine/request/pressure.h"
#include "engine/request/schedule/schedule.h"

enum { ENGINE_TERMS_MAX = 16 };

/* Who does not run the engine for so long was away. */
#define ENGINE_ABSENCE_NS UINT64_C(100000000)

struct lent {
    struct haul_result result;
    uint32_t fetch;
};

struct engine {
    struct haul_options options;     /* its strings are the engine's own copies, or borrowed */
    struct haul_tls tls;             /* what options.tls points to, likewise */
    struct haul_redirect redirect;   /* what options.redirect points to */
    struct haul_retry retry;         /* and options.retry */
    struct haul_transport transport; /* and options.transport */
    struct haul_limits limits;       /* and options.limits */
    struct haul_times times;         /* of options.times, and all that it leaves to the options */
    bool has_times;                  /* there was any that is for one stage, or one request */
    bool has_speed;                  /* among them for how slow a reply may be */
    uint64_t end_ns;                 /* when the run must be over; DEADLINE_NEVER */
    struct auth auth;                /* of options.auth, which points to nothing then */
    char **option_strings;           /* those copies */
    struct budget budget;
    struct loop *loop;
    struct resolver *resolver;
    struct secure secure;
    char *template_fields; /* of terms */

    struct store store;
    struct origins origins;
    struct pool pool; /* the connection slots; by the same slots: */
    struct links links;
    struct link *link_list;
    struct dials dials;
    struct exchanges exchanges;
    struct pipes pipes;
    struct deadlines deadlines;
    struct deadlines waits; /* of requests that were begun, and are queued or wait to be tried
                               again, by their slots */
    struct pace *paces;     /* of replies, by connection slots, where has_speed */
    uint64_t away_ns;       /* in which the caller did not run the engine, of these */
    struct pressure pressure;
    struct heads heads;
    struct heads coded; /* whose body waits, half decoded, for blocks */
    struct decoders decoders;

    struct fetch *fetches;
    struct fetch_extra *fetch_extras; /* by the same slots */
    struct tried *tried;              /* likewise */
    struct place *tried_further;
    struct login *logins; /* likewise */
    struct sessions sessions;
    struct upload *uploads; /* likewise, of those that have one */
    struct slab fetch_slab;
    struct lent *lents; /* results with the caller */
    struct slab lent_slab;
    struct fetch_terms terms;
    struct schedule schedule;     /* submitted, not begun */
    struct schedule_memory turns; /* of that */
    struct collector collector;
    uint64_t random;     /* xorshift */
    uint16_t looks_from; /* heads of a status from there on are looked at */

    uint32_t active;       /* begun, not finished */
    uint32_t waiting;      /* to be tried again */
    uint32_t heir;         /* the request that a place was made for, until it begins; NO_FETCH */
    uint64_t trust_ns;     /* when the first in the queue knows whether it may go out; 0: it does */
    uint64_t kept_ns;      /* how long an idle connection is, at most */
    bool has_unrepeatable; /* there was a request that must not be sent twice */
    uint64_t now_ns;       /* CLOCK_MONOTONIC, taken after each wait, and between handshakes */
    uint64_t left_ns;      /* when the last run ended, where many may be under way */
    bool is_cancelled;     /* nothing new is taken */
    bool is_woken;
    bool asks_pieces;     /* which has not been said */
    bool has_waits;       /* something may be in waits */
    bool has_gone_on;     /* in the last run, with what was held: there may be a part to hand out */
    uint32_t completions; /* of the last run */
    struct batch batch;

    uint64_t requests;
    uint64_t begun;
    uint64_t failures;
    uint64_t retries;
    uint64_t retried;
    uint64_t redirects;
    uint64_t redirects_unfollowed;
    uint64_t bytes_received;
};

struct haul {
    struct engine engine;
};

/* loop NULL: one is opened as the options say; else it is used, and closed with the engine. Options
 * and all they point to are of this library's own size. Errors as haul_open(); ret_why says why, if
 * it is an option's fault, and is left alone, if not. On failure loop is closed too. */
int engine_open(struct engine *engine, const struct haul_options *options, struct loop *loop,
                struct haul_open_error *ret_why);
void engine_close(struct engine *engine);

/* Ends a request that is on no slot any more, and in no queue; failure NULL: with success. */
void engine_finish(struct engine *engine, uint32_t fetch, enum haul_stage stage,
                   const struct failure *failure);

/* Ends one that is queued or active, as cancelled. */
void engine_cancel(struct engine *engine, uint32_t fetch);

/* Hands over a piece of its body, or with bytes NULL the end. Returns as haul_send_body(). */
int engine_give(struct engine *engine, uint32_t fetch, struct span piece);

/* It was submitted and waits for its turn: for so long as it may. */
void engine_await_first_turn(struct engine *engine, uint32_t fetch);

/* Where on the trip the request on a connection slot is. */
enum haul_stage engine_stage(const struct engine *engine, uint32_t slot);

/* One iteration: begin what may begin, hand it to the kernel, wait at most timeout_ns (negative:
 * without limit), dispatch every completion. Errors: those of loop_wait(). */
int engine_run(struct engine *engine, int64_t timeout_ns);

/* For a caller who was away and does not need a run yet: takes what came meanwhile, and ends what
 * is due. Nothing new is begun. */
void engine_keep_time(struct engine *engine);

/* In a shortage, after blocks have become free: as many receive as the blocks left allow. */
void engine_let_in(struct engine *engine);

/* Only the caller, who holds results, can let it go on. */
bool engine_waits_for_caller(struct engine *engine);

/* Everything unfinished ends as cancelled or not started; nothing new is taken. */
void engine_cancel_all(struct engine *engine);

/* The sum of a budget, one term a consumer. */
struct engine_terms {
    struct haul_budget_term list[ENGINE_TERMS_MAX];
    struct haul_budget sum;
};

void engine_terms(const struct budget *budget, struct engine_terms *ret_terms);

/* haul_open() on a loop of the caller's, which is closed with the engine, or on failure: for the
 * tests, whose loops lack features or inject faults. */
int haul_open_on_loop(struct haul **ret_haul, const struct haul_options *options,
                      struct loop *loop);

/* How many connections a loop for these options must have room for. Errors: -EINVAL, -EMFILE. */
int engine_slots(const struct haul_options *options, uint32_t *ret_slots);

#endif
