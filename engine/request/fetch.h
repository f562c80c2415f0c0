#ifndef ENGINE_REQUEST_FETCH_H
#define ENGINE_REQUEST_FETCH_H

/* One request's life: submitted, queued, begun on a connection, finished, handed out, released. */

#include "engine/failure.h"
#include "engine/haul.h"
#include "engine/memory/store.h"
#include "proto/error.h"
#include "proto/http/request.h"
#include "proto/http/url.h"

#include <stdbool.h>
#include <stdint.h>

#define NO_FETCH UINT32_MAX

enum { FETCH_URL_INLINE = 112 };

enum fetch_state { FETCH_FREE, FETCH_QUEUED, FETCH_ACTIVE, FETCH_DONE, FETCH_LENT };

struct fetch {
    struct haul_result result;
    uint64_t submitted_ns;
    uint64_t started_ns;
    uint64_t connected_ns; /* when a connection was there, new or not; 0: never */
    uint64_t secured_ns;   /* when it could carry the request: after TLS, where there is any */
    uint64_t sent_ns;
    uint64_t first_byte_ns;
    struct url url;

    const char *method; /* the request's own, borrowed; has_own says whether any is */
    const char *const *headers;
    const void *body;
    size_t body_length;

    struct chain chain; /* the body as far as it was received and not handed out */
    struct chain lent;  /* the part that is handed out, of a body that goes on */
    uint32_t head_block;
    uint32_t url_block;
    uint32_t conn;
    uint32_t next; /* in the queue, or among the finished */
    uint32_t previous;
    enum fetch_state state;
    uint8_t address_attempt; /* how many addresses refused */
    bool has_own : 1;
    bool has_body : 1;
    bool is_head : 1;
    bool is_idempotent : 1;
    bool is_resent : 1;  /* on a fresh connection, after a reused one died */
    bool is_partial : 1; /* a part of the body has been handed out */
    char text[FETCH_URL_INLINE];
};

struct engine;

/* Takes a request; a bad one is finished at once. Errors: those of haul_submit(). */
int fetch_submit(struct engine *engine, const struct haul_request *request);

/* Begins the queued requests, as many as the bounds allow. */
void fetch_start_queued(struct engine *engine);

/* Back to the front of the queue, to be begun on another connection. */
void fetch_requeue(struct engine *engine, uint32_t index);

/* Ends a request; failure NULL: with success. */
void fetch_finish(struct engine *engine, uint32_t index, enum haul_stage stage,
                  const struct failure *failure);

/* Gives back what a handed-out result holds: its part, or all of it. */
void fetch_release(struct engine *engine, uint32_t index);

/* Cancels one that is queued or active. */
void fetch_cancel(struct engine *engine, uint32_t index);

/* The template of a request that brings something of its own; fields: TEMPLATE_BYTES for it. */
enum proto_error fetch_template(const struct engine *engine, const struct fetch *fetch,
                                struct request_template *ret_template, char *fields);

#endif
