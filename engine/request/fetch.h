#ifndef ENGINE_REQUEST_FETCH_H
#define ENGINE_REQUEST_FETCH_H

/* One request's life, as data: submitted, queued, begun on a connection, finished, handed out,
 * released. */

#include "engine/auth/sessions.h"
#include "engine/failure.h"
#include "engine/haul.h"
#include "engine/memory/store.h"
#include "engine/request/decoding.h"
#include "engine/request/trail.h"
#include "proto/error.h"
#include "proto/http/request.h"
#include "proto/http/url.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define NO_FETCH UINT32_MAX

enum { FETCH_URL_INLINE = 112, TEMPLATE_BYTES = 15000 };

/* Of a body that is dropped so much is read to keep the connection: a new one costs more. */
enum { FETCH_PASSED_BYTES_MAX = 16384 };

enum fetch_state {
    FETCH_FREE,
    FETCH_QUEUED,
    FETCH_WAITING, /* to be queued again: until again_ns */
    FETCH_ACTIVE,
    FETCH_DONE,
    FETCH_LENT,
};

enum { RESUME_TAG_BYTES = 256, RESUME_FIELDS_BYTES = 512 };

/* What it takes to go on with a body that broke off, in a block of its own. */
struct resume {
    uint64_t length; /* of the whole body, where it is known */
    bool has_length;
    int status; /* of the reply that it began with */
    int version_minor;
    struct failure failure; /* by which it broke off */
    size_t tag_length;
    char tag[RESUME_TAG_BYTES];
};

_Static_assert(sizeof(struct resume) + _Alignof(struct resume) <= BLOCK_BYTES, "a block holds it");

/* A block's bytes begin at any multiple of four. */
static inline struct resume *resume_in(const struct store *store, uint32_t block)
{
    char *at = store_block(store, block)->bytes;
    return (struct resume *)(void *)(at + -(uintptr_t)at % _Alignof(struct resume));
}

/* A hop in the trail. */
struct fetch_hop {
    struct haul_hop public;
    char url[];
};

/* What few requests have, by the same slots, in memory that is touched where one has any of it. */
struct fetch_extra {
    /* the request's own, borrowed; has_own says whether any is */
    const char *method;
    const char *const *headers;
    struct span body;    /* where it has_own_body */
    struct login *login; /* NULL: it has no credentials of its own, and is never to have any */

    struct haul_times times; /* of its own, where it has_times */

    /* how it ended, where that is a failure; and of TLS */
    struct failure failure;
    enum haul_stage stage;
    enum haul_detail detail;
    const char *tls_version;
    const char *tls_suite;
    const char *tls_backend;
    const char *tls_verification;

    /* on its way by redirects and retries */
    uint64_t again_ns;  /* when it is tried again; 0: it is not */
    uint64_t queued_ns; /* when it began to wait, to begin; 0: when it was submitted */
    uint64_t left_ns;   /* when the hop or try before was over; 0: there was none, or that is
                           counted */
    uint64_t redirect_ns;
    uint64_t wait_ns;
    uint64_t retry_after_s;
    uint32_t redirects;
    uint32_t retries;
    uint32_t passed; /* bytes of the body that is dropped */
    uint32_t url_effective_length;
    const char *url_effective; /* NULL: the URL itself */
    const struct haul_hop *hops;
    const struct haul_try *tries;
    struct fetch_hop *last_hop;
    struct haul_try *last_try;

    /* of its body */
    uint64_t handed; /* bytes that were handed out, */
    uint64_t offset; /* and before the part that was handed out last */
    uint64_t skip;   /* of the reply under way, that have come before */
    uint32_t codings;
    uint32_t codings_kept;

    struct trail trail;
    const char *head;      /* of the reply, where that is longer than a block and lies in */
    uint32_t head_piece;   /* NO_PIECE: it does not */
    uint32_t hop_block;    /* of a URL that it was redirected to; NO_BLOCK */
    uint32_t resume_block; /* likewise */
};

struct fetch {
    uint64_t started_ns;
    uint64_t attempt_ns;   /* when this try was begun, with its first hop; 0: it is not */
    uint64_t begun_ns;     /* this hop; 0: it is not, or is to begin anew */
    uint64_t connected_ns; /* when a connection was there, new or not; 0: never */
    uint64_t secured_ns;   /* when it could carry the request: after TLS, where there is any */
    uint64_t sent_ns;
    uint64_t first_byte_ns;
    uint64_t finished_ns;
    uint64_t body_bytes;      /* that have come, decoded, */
    uint64_t body_wire_bytes; /* and as they came */
    uint32_t head_length;     /* of the reply's, where it is kept */
    uint32_t anomalies;
    uint32_t attempts;
    uint16_t status; /* 0: no reply */
    uint8_t version_minor;
    enum fetch_state state : 8;
    bool has_extra : 1;
    bool has_failed : 1;
    bool is_reused : 1; /* the connection carried another request before */
    bool is_tls_resumed : 1;
    bool has_tried : 1; /* addresses, for the connection it is to have */
    bool has_own : 1;
    bool has_body : 1;
    bool has_own_body : 1;
    bool has_times : 1; /* of its own */
    bool is_idempotent : 1;
    bool has_range : 1;      /* its own fields contain Range */
    bool has_upload : 1;     /* its body is sent by engine/http/upload.h */
    bool is_once : 1;        /* and cannot be sent again, */
    bool is_chunked : 1;     /* or its length is not told */
    bool without_expect : 1; /* a 417 was the answer to that */
    bool is_resent : 1;      /* on a fresh connection, after a reused one died */
    bool is_partial : 1;     /* a part of the body has been handed out */
    bool is_passing : 1; /* the reply under way is none of the result: its body is dropped, and what
                            was decided at its head comes next */
    bool is_abroad : 1;  /* it was at another origin than its first */
    bool without_content : 1; /* its body did not go along, nor do fields about it */
    bool has_cookie : 1;      /* a reply that was followed had set one */
    bool came_round : 1;      /* at a URL where it had been */
    bool is_cut : 1;          /* not every hop found room in the trail */
    bool is_tries_cut : 1;    /* the same of tries */
    bool is_retried : 1;      /* a try was the last that it left, not a hop */
    bool can_resume : 1;      /* should the body break off */
    bool asks_anew : 1;       /* after it has passed: at once, for all of the body */
    bool answers : 1;         /* after it has passed: at once, with an answer to its challenge */
    bool is_resumed : 1;      /* what has come of the body stays: the rest of it is asked for */

    /* set when it is taken; all above begins as zero */
    uint64_t submitted_ns;
    uint64_t index;
    uint64_t tag_number;
    const char *method_sent;
    uint64_t max_body; /* of the reply */
    struct fetch_extra *extra;
    struct chain chain; /* the body as far as it was received and not handed out */
    uint32_t head_block;
    uint32_t url_block;
    uint32_t decoder; /* of its body; NO_DECODER */
    uint32_t conn;    /* the slot it is on while it is active; NO_SLOT */
    uint32_t next;    /* in the queue, or among the finished */
    uint32_t previous;
    uint32_t url_length;
    struct url_packed url;
    char text[FETCH_URL_INLINE];
};

/* For what is read of it: as it is before anything was written. */
extern const struct fetch_extra fetch_no_extra;

static inline const struct fetch_extra *fetch_view(const struct fetch *fetch)
{
    return fetch->has_extra ? fetch->extra : &fetch_no_extra;
}

/* To be written to. */
static inline struct fetch_extra *fetch_extra(struct fetch *fetch)
{
    if (!fetch->has_extra)
        *fetch->extra = fetch_no_extra;
    fetch->has_extra = true;
    return fetch->extra;
}

/* What all requests of an engine have in common. */
struct fetch_terms {
    const struct haul_options *options;
    struct request_template template; /* of the requests that bring nothing of their own */
    struct store *store;
    struct fetch *fetches;      /* by slot, */
    struct fetch_extra *extras; /* and by the same */
    struct login *logins;       /* likewise */
    struct url_memo url_memo;
    uint32_t url_blocks;      /* for long URLs */
    uint32_t url_blocks_left; /* of them */
    uint64_t body_bytes_max;
    uint32_t trail_reserve; /* shared blocks that are for bodies alone */
    bool resumes;           /* bodies that break off are gone on with */
    bool has_client_certificate;
    const char *accept_encoding;
    const struct auth *auth;
    struct sessions *sessions;
    uint64_t expect_above; /* bodies that are longer are announced */
};

/* What is sent with it; of an upload the bytes are NULL. */
static inline struct span fetch_body(const struct fetch *fetch, const struct fetch_terms *terms)
{
    const struct haul_options *options = terms->options;
    if (!fetch->has_body)
        return (struct span){NULL, 0};
    return fetch->has_own_body ? fetch->extra->body
                               : (struct span){options->body, options->body_length};
}

/* Takes a request into a free slot, of whose upload all is known that can be; ret_error is what of
 * it is wrong, as far as that can be said without a network. -EAGAIN: it has a long URL, and there
 * are enough of them already. */
int fetch_init(struct fetch *fetch, struct fetch_terms *terms, const struct haul_request *request,
               uint64_t now_ns, enum proto_error *ret_error);

/* The answer that goes out with a request, where it is for who asks by Digest and somebody has: the
 * value of an Authorization in buffer, or bytes NULL. It counts. Error: REQUEST_TOO_LONG. */
enum proto_error fetch_answer(struct fetch *fetch, const struct fetch_terms *terms, char *buffer,
                              size_t size, struct span *ret_answer);

/* Where it is, as a session wants to know it. */
struct session_place fetch_place(const struct fetch *fetch);

/* Its own URL, zero-terminated; and the last hop's, which mostly is that. */
struct span fetch_url(const struct fetch *fetch, const struct fetch_terms *terms);
struct span fetch_url_effective(const struct fetch *fetch, const struct fetch_terms *terms);

/* The template of a request that brings something of its own, and that answer (bytes NULL: none);
 * fields: size bytes for it, of which
 * TEMPLATE_BYTES are enough for all that was submitted, and RESUME_FIELDS_BYTES more for what is
 * said where a body is gone on with. */
enum proto_error fetch_template(const struct fetch *fetch, const struct fetch_terms *terms,
                                struct span answer, struct request_template *ret_template,
                                char *fields, size_t size);

/* Queued to active; on which slot is then to be said. */
static inline void fetch_begin(struct fetch *fetch, uint64_t now_ns);

/* Active, and to be queued again: nothing has come of the attempt. */
void fetch_retreat(struct fetch *fetch);

/* Behind that: there is no room for it. What it has waited until it begins again counts as queue,
 * or to what was before, but not against the time that it may take to connect. */
void fetch_wait(struct fetch *fetch);

/* Queued to active, to leave at once: its time was up before it could begin. */
void fetch_take_turn(struct fetch *fetch, uint64_t now_ns);

/* Active, and to be queued again: for the hop that it was led to, or, where again_ns is set, to
 * wait for it. What was kept of the try is given back. */
void fetch_leave(struct fetch *fetch, struct fetch_terms *terms, uint64_t now_ns);

/* A piece of a body that is dropped. False: it is too long to go on with. */
bool fetch_pass(struct fetch *fetch, uint64_t length);

/* The body is to begin anew: what has come of it is given back, its head too. */
void fetch_begin_anew(struct fetch *fetch, struct fetch_terms *terms);

/* Of a piece of a body what has not come before. */
struct span fetch_skip(struct fetch *fetch, struct span data);

/* A connection can carry the request, which is sent next. */
static inline void fetch_take_connection(struct fetch *fetch, bool is_reused, uint64_t now_ns);

/* Keeps a head, where heads are kept. */
static inline void fetch_take_head(struct fetch *fetch, const struct fetch_terms *terms,
                                   struct span head);

/* What a body of that length fails by before it comes; NULL: it may come. */
const struct failure *fetch_check_length(const struct fetch *fetch, uint64_t length);

/* Keeps a piece of the body where bodies are kept. NULL: it is kept. */
static inline const struct failure *
fetch_take_body(struct fetch *fetch, const struct fetch_terms *terms, struct span data);

/* It is over, where it is neither queued nor on a slot any more. failure NULL: with success, unless
 * its status is an error. Returns whether it has failed. */
bool fetch_finish(struct fetch *fetch, const struct fetch_terms *terms, enum haul_stage stage,
                  const struct failure *failure, uint64_t now_ns);

/* What a caller is told of it; body is the piece that it begins with, of a part of it (more) or of
 * all that is left. */
void fetch_describe(const struct fetch *fetch, const struct fetch_terms *terms,
                    const struct haul_piece *body, bool more, struct haul_result *ret_result);

/* Gives back all it has, and the slot is free. */
void fetch_release(struct fetch *fetch, struct fetch_terms *terms);

/* --- what is done at each request, and is mostly little --------------------------------------- */

/* Has anything of it been done? */
static inline bool fetch_has_begun(const struct fetch *fetch)
{
    return fetch->attempt_ns || fetch_view(fetch)->retries > 0;
}

/* What it waited behind another hop is that one's time, or, behind a try, waiting. */
void fetch_count_gap(struct fetch *fetch, uint64_t now_ns);

static inline void fetch_begin_hop(struct fetch *fetch, uint64_t now_ns)
{
    fetch->begun_ns = now_ns;
    fetch->attempts++;
    if (fetch->started_ns == 0)
        fetch->started_ns = now_ns;
    if (fetch->attempt_ns == 0)
        fetch->attempt_ns = now_ns;
    if (fetch_view(fetch)->left_ns)
        fetch_count_gap(fetch, now_ns);
}

static inline void fetch_begin(struct fetch *fetch, uint64_t now_ns)
{
    assert(fetch->state == FETCH_QUEUED && fetch->conn == NO_SLOT);
    fetch->state = FETCH_ACTIVE;
    if (fetch->begun_ns == 0)
        fetch_begin_hop(fetch, now_ns);
}

static inline void fetch_take_connection(struct fetch *fetch, bool is_reused, uint64_t now_ns)
{
    assert(fetch->state == FETCH_ACTIVE);
    fetch->secured_ns = now_ns;
    if (fetch->connected_ns == 0)
        fetch->connected_ns = now_ns;
    fetch->is_reused = is_reused;
}

void fetch_keep_head(struct fetch *fetch, const struct fetch_terms *terms, struct span head);
const struct failure *fetch_cut_body(struct fetch *fetch, const struct fetch_terms *terms,
                                     struct span data);
const struct failure *fetch_keep_body(struct fetch *fetch, const struct fetch_terms *terms,
                                      struct span data);

static inline void fetch_take_head(struct fetch *fetch, const struct fetch_terms *terms,
                                   struct span head)
{
    if (terms->options->keep_headers)
        fetch_keep_head(fetch, terms, head);
}

static inline const struct failure *
fetch_take_body(struct fetch *fetch, const struct fetch_terms *terms, struct span data)
{
    if (data.length > fetch->max_body - fetch->body_bytes)
        return fetch_cut_body(fetch, terms, data);
    fetch->body_bytes += data.length;
    return terms->options->keep_bodies ? fetch_keep_body(fetch, terms, data) : NULL;
}

#endif
