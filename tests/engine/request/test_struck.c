/* What strikes a request in each state of each hop and try, and what it comes to then: a cell of a
 * table a state, a way there and a strike, plain and over TLS, over every loop. Nothing waits for
 * time to pass: where a time is to run out, its beginning is put back when the state has come.
 *
 * HAUL_TEST_ROUNDS=4 plays every cell over every loop; by default each has its turn over one. */

#include "engine/engine.h"
#include "tests/lib/address.h"
#include "tests/lib/engine/chance.h"
#include "tests/lib/engine/engine_rows.h"
#include "tests/lib/fault.h"
#include "tests/lib/tls/tls_gathering.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEP_MS = 5, STRIKES_MOST = 4, UPLOAD_BYTES = 24 << 20, ALLOWED_MS = 60000 };

#define BUSY "HTTP/1.1 503 x\r\nContent-Length: 4\r\n\r\nbusy"
#define TO_B "HTTP/1.1 307 x\r\nContent-Length: 2\r\nLocation: /b\r\n\r\nno"

/* --- the table -------------------------------------------------------------------------------- */

enum way { FIRST, KEPT_HOP, OTHER_HOP, KEPT_TRY, WAYS };

static const struct {
    const char *name;
    const char *path;
    uint32_t attempts; /* before the one that is struck, */
    uint32_t redirects;
    uint32_t retries;
    bool is_fresh; /* it has a connection of its own */
} ways[WAYS] = {
    [FIRST] = {"at first", "/a", 0, 0, 0, true},
    [KEPT_HOP] = {"at a hop on the same connection", "/b", 1, 1, 0, false},
    [OTHER_HOP] = {"at a hop to another server", "/b", 1, 1, 0, true},
    [KEPT_TRY] = {"at a retry on the same connection", "/a", 1, 0, 1, false},
};

enum state {
    CONNECTING,
    UNGREETED,
    HALF_SECURED,
    UNSECURED,
    SENDING,
    UNANSWERED,
    IN_HEAD,
    IN_BODY
};

/* The server stands behind a row, and, but in a handshake, behind the request's before it. */
static const struct {
    const char *name;
    enum haul_stage stage;
    struct loopback_row row;
    bool is_handshake;
    bool needs_fresh;
} states[] = {
    [CONNECTING] = {"connecting", HAUL_STAGE_CONNECT, {END}, false, true},
    [UNGREETED] = {"before the handshake's answer",
                   HAUL_STAGE_TLS,
                   {HANDSHAKE_BEFORE, "ServerHello"},
                   true,
                   true},
    [HALF_SECURED] =
        {"inside the handshake", HAUL_STAGE_TLS, {HANDSHAKE_INSIDE, "Certificate"}, true, true},
    [UNSECURED] =
        {"before the handshake's end", HAUL_STAGE_TLS, {HANDSHAKE_BEFORE, "Finished"}, true, true},
    [SENDING] = {"sending", HAUL_STAGE_SEND, {END}, false, true},
    [UNANSWERED] = {"before the head", HAUL_STAGE_HEAD, {END}, false, false},
    [IN_HEAD] = {"inside the head", HAUL_STAGE_HEAD, {SEND, OK "Content-"}, false, false},
    [IN_BODY] = {"inside the body", HAUL_STAGE_BODY, {SEND, REPLY(9, "half")}, false, false},
};

enum { STATES = sizeof states / sizeof *states };

enum strike {
    BY_RESET,
    BY_END,
    BY_CONNECT_TIME,
    BY_TRY_TIME,
    BY_TRIES_TIME,
    BY_RUN_TIME,
    BY_CANCEL,
    BY_CANCEL_ALL
};

static const struct {
    const char *name;
    bool is_servers;
    bool is_final; /* no try follows it */
    enum haul_error error;
} strikes[] = {
    [BY_RESET] = {"reset", true, false, HAUL_RECEIVE},
    [BY_END] = {"end", true, false, HAUL_RECEIVE},
    [BY_CONNECT_TIME] = {"--connect-timeout", false, false, HAUL_DEADLINE},
    [BY_TRY_TIME] = {"--max-time", false, false, HAUL_DEADLINE},
    [BY_TRIES_TIME] = {"--retry-max-time", false, true, HAUL_DEADLINE},
    [BY_RUN_TIME] = {"--deadline", false, true, HAUL_DEADLINE},
    [BY_CANCEL] = {"cancel", false, true, HAUL_CANCELLED},
    [BY_CANCEL_ALL] = {"cancel of all", false, true, HAUL_CANCELLED},
};

enum { STRIKES = sizeof strikes / sizeof *strikes };

struct cell {
    enum way way;
    enum state state;
    enum strike strike;
    bool survives; /* the try behind it is answered; else that is struck as well */
};

static bool is_possible(const struct cell *cell)
{
    bool is_connecting = states[cell->state].stage <= HAUL_STAGE_TLS;
    bool is_tls = strcmp(gathering_scheme(), "https") == 0;
    if (states[cell->state].is_handshake && !is_tls)
        return false;
    if (states[cell->state].needs_fresh && !ways[cell->way].is_fresh)
        return false;
    if (cell->strike == BY_CONNECT_TIME && !is_connecting)
        return false;
    /* what is refused is not accepted and ended; a server that ends without having read resets */
    if (cell->strike == BY_END && (cell->state == CONNECTING || cell->state == SENDING))
        return false;
    if (cell->survives && (strikes[cell->strike].is_final || cell->state == CONNECTING))
        return false;
    return true;
}

/* A kept connection that dies unanswered is no try: the request is sent once more. */
static bool is_resent(const struct cell *cell)
{
    return strikes[cell->strike].is_servers && cell->state == UNANSWERED &&
           !ways[cell->way].is_fresh;
}

static uint32_t strikes_expected(const struct cell *cell)
{
    if (strikes[cell->strike].is_final)
        return 1;
    return (cell->survives ? 1 : 2) + (is_resent(cell) && !cell->survives);
}

static enum haul_error error_expected(const struct cell *cell)
{
    if (!strikes[cell->strike].is_servers)
        return strikes[cell->strike].error;
    if (states[cell->state].stage <= HAUL_STAGE_TLS)
        return cell->state == CONNECTING ? HAUL_CONNECT : HAUL_TLS;
    bool is_cut = cell->state == IN_HEAD || cell->state == IN_BODY;
    return cell->strike == BY_END && is_cut ? HAUL_TRUNCATED : HAUL_RECEIVE;
}

/* --- the servers ------------------------------------------------------------------------------ */

static char *upload;

struct ground {
    const struct cell *cell;
    struct loopback_script scripts[STRIKES_MOST]; /* of the server that strikes */
    struct loopback_script leading;               /* of the one that leads there */
    struct loopback *striking;
    struct loopback *leads;
    char request_a[16], request[16];
    char location[160];
    int held;      /* a port that refuses; -1: none */
    uint16_t port; /* of the request that is struck */
};

static void add(struct loopback_script *script, struct loopback_row row)
{
    size_t at = 0;
    while (script->rows[at].action != END)
        at++;
    script->rows[at] = row;
}

/* Up to where it is struck. */
static void write_struck(struct ground *ground, struct loopback_script *script)
{
    const struct cell *cell = ground->cell;
    const struct loopback_row *row = &states[cell->state].row;
    if (!states[cell->state].is_handshake)
        add(script, (struct loopback_row){EXPECT, ground->request});
    if (row->action != END)
        add(script, *row);
    add(script, (struct loopback_row){PAUSE});
    if (strikes[cell->strike].is_servers)
        add(script, (struct loopback_row){cell->strike == BY_RESET ? RESET : CLOSE});
    else
        add(script, (struct loopback_row){HOLD});
}

static void write_scripts(struct ground *ground)
{
    const struct cell *cell = ground->cell;
    uint32_t count = strikes_expected(cell);
    if (cell->way == KEPT_HOP || cell->way == KEPT_TRY) {
        add(&ground->scripts[0], (struct loopback_row){EXPECT, ground->request_a});
        add(&ground->scripts[0], (struct loopback_row){SEND, cell->way == KEPT_HOP ? TO_B : BUSY});
    }
    for (uint32_t i = 0; i < count; i++)
        write_struck(ground, &ground->scripts[i]);
    if (cell->survives) {
        add(&ground->scripts[count], (struct loopback_row){EXPECT, ground->request});
        add(&ground->scripts[count], (struct loopback_row){SEND, LAST_REPLY(1, "x")});
        add(&ground->scripts[count], (struct loopback_row){HOLD});
        count++;
    }
    if (cell->state == CONNECTING)
        return;
    ground->striking = loopback_open(ground->scripts, count);
    assert_non_null(ground->striking);
    ground->port = loopback_port(ground->striking);
}

/* To connect to is a port where nobody listens, or an address of the network that is silent. */
static const char *host_of(const struct cell *cell)
{
    bool is_silent = cell->state == CONNECTING && cell->strike != BY_RESET;
    return is_silent ? "127.0.9.1" : "127.0.0.1";
}

/* Where another server is struck, one leads there. */
static void open_leading(struct ground *ground)
{
    const struct cell *cell = ground->cell;
    if (cell->way != OTHER_HOP)
        return;
    snprintf(ground->location, sizeof ground->location,
             "HTTP/1.1 307 x\r\nContent-Length: 0\r\n%sLocation: %s://%s:%u/b\r\n\r\n",
             cell->state == SENDING ? "Connection: close\r\n" : "", gathering_scheme(),
             host_of(cell), ground->port);
    add(&ground->leading, (struct loopback_row){EXPECT, ground->request_a});
    add(&ground->leading, (struct loopback_row){SEND, ground->location});
    add(&ground->leading, (struct loopback_row){HOLD});
    ground->leads = loopback_open(&ground->leading, 1);
    assert_non_null(ground->leads);
}

static void open_servers(struct ground *ground)
{
    const struct cell *cell = ground->cell;
    const char *method = cell->state == SENDING ? "PUT" : "GET";
    snprintf(ground->request_a, sizeof ground->request_a, "%s /a ", method);
    snprintf(ground->request, sizeof ground->request, "%s %s ", method, ways[cell->way].path);
    ground->held = cell->state == CONNECTING ? address_hold(-1, &ground->port) : -1;
    write_scripts(ground);
    open_leading(ground);
}

static void close_servers(struct ground *ground)
{
    if (ground->held >= 0)
        close(ground->held);
    if (ground->leads)
        assert_loopback(ground->leads);
    if (ground->striking)
        assert_loopback(ground->striking);
}

/* --- a strike --------------------------------------------------------------------------------- */

static struct haul *open_engine(const struct cell *cell)
{
    static const struct haul_redirect redirect = {.follow = true, .keep_hops = true};
    const struct haul_retry retry = {.max = 1 + ways[cell->way].retries,
                                     .delay_ms = 1,
                                     .max_time_ms = ALLOWED_MS,
                                     .keep_tries = true};
    static const struct haul_limits limits = {.deadline_ms = 3600000};
    const struct haul_options options = {
        .concurrency = 1,
        .window = 4,
        .keep_bodies = true,
        .keep_headers = true,
        .connect_timeout_ms = ALLOWED_MS,
        .max_time_ms = ALLOWED_MS,
        .method = cell->state == SENDING ? "PUT" : NULL,
        .has_body = cell->state == SENDING,
        .body = upload,
        .body_length = cell->state == SENDING ? UPLOAD_BYTES : 0,
        .redirect = &redirect,
        .retry = &retry,
        .limits = &limits,
    };
    const struct fault_rates rates = {.silent_ipv4 = htonl(0x7f000900)};
    if (cell->state != CONNECTING)
        return gathering_open(&options);
    return gathering_open_on(fault_open(gathering_open_loop(&options), &rates, 1), &options);
}

/* Has the request come to where it is to be struck, and its server too? */
static bool has_come(const struct ground *ground, const struct haul *haul, uint32_t struck)
{
    const struct cell *cell = ground->cell;
    if (ground->striking && loopback_paused(ground->striking, struck) == 0)
        return false;
    const struct engine *engine = &haul->engine;
    const struct fetch *fetch = &engine->fetches[0];
    if (fetch->state != FETCH_ACTIVE || fetch->conn == NO_SLOT ||
        fetch->attempts != ways[cell->way].attempts + struck + 1 || fetch->is_passing ||
        engine_stage(engine, fetch->conn) != states[cell->state].stage)
        return false;
    if (cell->state == IN_BODY)
        return fetch->body_bytes == 4;
    return cell->state != IN_HEAD || fetch->first_byte_ns > 0;
}

/* A nanosecond after the machine was started it began, and was given a minute. */
static void run_out(struct haul *haul, uint64_t *begin_ns)
{
    struct engine *engine = &haul->engine;
    *begin_ns = 1;
    deadline_set(&engine->deadlines, engine->fetches[0].conn, 1);
}

static void strike(struct ground *ground, struct haul *haul, uint32_t struck)
{
    struct fetch *fetch = &haul->engine.fetches[0];
    if (ground->striking)
        loopback_continue(ground->striking, struck);
    switch (ground->cell->strike) {
    case BY_RESET:
    case BY_END:
        break;
    case BY_CONNECT_TIME:
        run_out(haul, &fetch->begun_ns);
        break;
    case BY_TRY_TIME:
        run_out(haul, &fetch->attempt_ns);
        break;
    case BY_TRIES_TIME:
        run_out(haul, &fetch->started_ns);
        break;
    case BY_RUN_TIME:
        haul->engine.end_ns = 1;
        break;
    case BY_CANCEL:
        assert_int_equal(haul_cancel(haul, 0), 0);
        break;
    case BY_CANCEL_ALL:
        haul_cancel_all(haul);
        break;
    }
}

static const struct haul_result *await_result(struct ground *ground, struct haul *haul)
{
    const struct haul_result *result = NULL;
    uint32_t struck = 0;
    int steps = 0;
    while (gathering_try(haul, &result, STEP_MS) == -EAGAIN) {
        assert_in_range(++steps, 0, GATHERING_PATIENCE_MS / STEP_MS);
        if (struck < strikes_expected(ground->cell) && has_come(ground, haul, struck))
            strike(ground, haul, struck++);
    }
    bool is_refused = ground->cell->state == CONNECTING && ground->cell->strike == BY_RESET;
    assert_int_equal(struck, is_refused ? 0 : strikes_expected(ground->cell));
    return result;
}

static void check(const struct cell *cell, struct haul *haul, const struct haul_result *result)
{
    struct haul_facts facts;
    uint32_t tries = ways[cell->way].retries + !strikes[cell->strike].is_final;
    bool resends_alone = cell->survives && is_resent(cell);
    if (cell->survives) {
        assert_int_equal(result->error, HAUL_OK);
        assert_int_equal(result->status, 200);
        assert_int_equal(result->body_bytes, 1);
    } else {
        if (cell->state != SENDING || !strikes[cell->strike].is_servers)
            assert_int_equal(result->error, error_expected(cell));
        else
            assert_true(result->error == HAUL_SEND || result->error == HAUL_RECEIVE);
        assert_int_equal(result->stage, states[cell->state].stage);
    }
    assert_int_equal(result->attempts,
                     ways[cell->way].attempts + strikes_expected(cell) + cell->survives);
    assert_int_equal(result->redirects, ways[cell->way].redirects);
    haul_get_facts(haul, &facts);
    assert_int_equal(facts.retried, tries - resends_alone);
    assert_int_equal(facts.retries, is_resent(cell));
}

static void play(const struct cell *cell)
{
    struct ground ground = {.cell = cell};
    char url[64];
    gathering_note("%s %s: %s%s", states[cell->state].name, ways[cell->way].name,
                   strikes[cell->strike].name, cell->survives ? ", and then an answer" : "");
    open_servers(&ground);
    struct haul *haul = open_engine(cell);
    uint16_t port = ground.leads ? loopback_port(ground.leads) : ground.port;
    snprintf(url, sizeof url, "%s://%s:%u/a", gathering_scheme(),
             ground.leads ? "127.0.0.1" : host_of(cell), port);
    assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url}), 0);
    const struct haul_result *result = await_result(&ground, haul);
    check(cell, haul, result);
    haul_release(haul, result);
    gathering_close(haul);
    close_servers(&ground);
}

/* How many of the four loops play a cell. */
static uint32_t rounds(void)
{
    return (uint32_t)chance_number("HAUL_TEST_ROUNDS", 1);
}

static void each_state_of_each_hop_and_try(void)
{
    static uint32_t turn;
    uint32_t number = turn++ % 4;
    upload = upload ? upload : engine_body(UPLOAD_BYTES);
    for (int i = 0; i < WAYS * STATES * STRIKES * 2; i++) {
        struct cell cell = {.survives = i % 2,
                            .strike = (enum strike)(i / 2 % STRIKES),
                            .state = (enum state)(i / 2 / STRIKES % STATES),
                            .way = (enum way)(i / 2 / STRIKES / STATES)};
        if (is_possible(&cell) && number-- % 4 < rounds())
            play(&cell);
    }
}

/* --- while it waits for a retry --------------------------------------------------------------- */

static void write_busy(struct ground *ground)
{
    const struct cell *cell = ground->cell;
    bool is_servers = strikes[cell->strike].is_servers;
    struct loopback_script *script = &ground->scripts[0];
    if (cell->way == KEPT_HOP) {
        add(script, (struct loopback_row){EXPECT, ground->request_a});
        add(script, (struct loopback_row){SEND, TO_B});
    }
    add(script, (struct loopback_row){EXPECT, ground->request});
    add(script, (struct loopback_row){SEND, BUSY});
    add(script, (struct loopback_row){is_servers ? PAUSE : EXPECT_END});
    if (is_servers)
        add(script, (struct loopback_row){cell->strike == BY_RESET ? RESET : CLOSE});
    script = &ground->scripts[1];
    add(script, (struct loopback_row){EXPECT, ground->request});
    add(script, (struct loopback_row){SEND, LAST_REPLY(1, "x")});
    add(script, (struct loopback_row){HOLD});
    ground->striking = loopback_open(ground->scripts, 1 + is_servers);
    assert_non_null(ground->striking);
    ground->port = loopback_port(ground->striking);
}

/* The connection that it came by ends, and its time comes. */
static void wake(struct ground *ground, struct haul *haul)
{
    struct engine *engine = &haul->engine;
    uint32_t idle = engine->pool.idle;
    loopback_continue(ground->striking, 0);
    for (int steps = 0; engine->pool.idle == idle;)
        engine_step(haul, &steps);
    fetch_extra(&engine->fetches[0])->again_ns = 1;
    engine->has_waits = true;
    deadline_set(&engine->waits, 0, 1);
}

static void strike_waiting(struct ground *ground, struct haul *haul)
{
    for (int steps = 0; haul->engine.waiting == 0;)
        engine_step(haul, &steps);
    assert_int_equal(haul->engine.active, 0);
    if (strikes[ground->cell->strike].is_servers)
        wake(ground, haul);
    else
        strike(ground, haul, 0);
}

static void play_waiting(const struct cell *cell)
{
    static const struct haul_retry retry = {.max = 1, .delay_ms = 3600000};
    static const struct haul_redirect redirect = {.follow = true};
    struct ground ground = {.cell = cell, .held = -1};
    bool is_servers = strikes[cell->strike].is_servers;
    gathering_note("waiting %s: %s", ways[cell->way].name, strikes[cell->strike].name);
    snprintf(ground.request_a, sizeof ground.request_a, "GET /a ");
    snprintf(ground.request, sizeof ground.request, "GET %s ", ways[cell->way].path);
    write_busy(&ground);
    open_leading(&ground);
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 2,
                                                              .keep_bodies = true,
                                                              .keep_headers = true,
                                                              .retry = &retry,
                                                              .redirect = &redirect});
    gathering_submit(haul, ground.leads ? ground.leads : ground.striking, "/a");
    strike_waiting(&ground, haul);
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, is_servers ? HAUL_OK : strikes[cell->strike].error);
    assert_int_equal(result->stage, is_servers ? HAUL_STAGE_DONE : HAUL_STAGE_QUEUE);
    assert_int_equal(result->attempts, ways[cell->way].attempts + 1 + is_servers);
    assert_int_equal(result->redirects, ways[cell->way].redirects);
    haul_release(haul, result);
    gathering_close(haul);
    close_servers(&ground);
}

static void while_it_waits(void)
{
    static const enum strike some[] = {BY_RESET, BY_END, BY_RUN_TIME, BY_CANCEL, BY_CANCEL_ALL};
    for (int way = FIRST; way <= OTHER_HOP; way++)
        for (size_t i = 0; i < sizeof some / sizeof *some; i++)
            play_waiting(&(struct cell){(enum way)way, UNANSWERED, some[i], false});
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(each_state_of_each_hop_and_try),
    SCENARIO(while_it_waits),
};

int main(void)
{
    return tls_gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof *scenarios);
}
