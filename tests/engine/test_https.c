/* The engine over https, against a scripted server that speaks through libssl: every reply that it
 * takes by http, and what only TLS can do: a server that stops, or goes, or talks nonsense anywhere
 * in the handshake and behind it. */

#include "engine/engine.h"
#include "tests/lib/address.h"
#include "tests/lib/engine/engine_rows.h"
#include "tests/lib/fault.h"
#include "tests/lib/tls/tls_hostile.h"
#include "tests/lib/tls/tls_loopback.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_openssl; /* that of the client, */
static bool is_13;      /* and the server's version is 1.3 */

/* --- rows ------------------------------------------------------------------------------------- */

/* Content type, version, length, level, number (RFC 5246, 6.2.1 and 7.2). */
#define ALERT(level, number) "\x15\x03\x03\x00\x02" level number, 7
#define WARNING "\x01"
#define FATAL "\x02"
#define CLOSE_NOTIFY "\x00"
#define HANDSHAKE_FAILURE "\x28"
#define PROTOCOL_VERSION "\x46"
#define UNRECOGNIZED_NAME "\x70"

/* More than the rest of any record. */
#define NONSENSE "HTTP/1.1 400 Bad Request\r\n\r\n" X5000 X5000 X5000 X5000

/* A record of 4 bytes: the message's type and its length. */
#define CERTIFICATES_OF_16_MIB "\x16\x03\x03\x00\x04\x0b\xff\xff\xff", 9

static const struct gathering_row https_rows[] = {
    {
        "haul_close() announces the end of what is idle",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_NOTIFIED_END})),
        .requests = {"/a"},
        .transcript = "200 ok 'a'\n",
    },
    {
        "a connection that cannot be kept is ended with an announcement",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {EXPECT_NOTIFIED_END}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b?")}, {EXPECT_NOTIFIED_END}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, CHUNKED "x\r\n"}, {EXPECT_NOTIFIED_END})),
        .requests = {"/a", "/b", "/c"},
        .transcript = "200 ok 'a'\n200 ok 'b'\n200 protocol@body ''\n",
    },
    {
        "the server's announcement is answered",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, OK "\r\nall of it"}, {NOTIFY},
                       {EXPECT_NOTIFIED_END})),
        .requests = {"/a"},
        .transcript = "200 ok 'all of it'\n",
    },
    {
        "what follows the announcement is nothing",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, OK "\r\nall of it"}, {NOTIFY},
                       {SEND_RAW, NONSENSE}, {EXPECT_END})),
        .requests = {"/a"},
        .transcript = "200 ok 'all of it'\n",
    },
    {
        "a body that has a length, or chunks, needs no announcement behind it",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {FIN}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, CHUNKED "1\r\nb\r\n0\r\n\r\n"},
                       {EXPECT, "GET /c "}, {FIN}, {EXPECT_UNNOTIFIED_END}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT, "GET /d "}, {RESET}),
                SCRIPT({EXPECT, "GET /d "}, {SEND, REPLY(1, "d")}, {EXPECT_NOTIFIED_END})),
        .requests = {"/a", "/b", "/c", "/d"},
        .transcript = "200 ok 'a'\n200 ok 'b'\n200 ok 'c'\n200 ok 'd'\n",
        .retries = 2,
    },
    {
        "a body until the end may be cut short where nothing announces it",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, OK "\r\nall of it?"}, {FIN},
                       {EXPECT_UNNOTIFIED_END}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, OK "\r\n"}, {FIN}, {EXPECT_UNNOTIFIED_END}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, OK "\r\nall of it?"}, {RESET}),
                SCRIPT({EXPECT, "GET /d "}, {SEND, REPLY(1, "d")}, {EXPECT_END})),
        .requests = {"/a", "/b", "/c", "/d"},
        .transcript = "200 tls@body 'all of it?'\n200 tls@body ''\n200 receive@body 'all of it?'\n"
                      "200 ok 'd'\n",
    },
    {
        "an announced end is too early all the same",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {NOTIFY}, {EXPECT_NOTIFIED_END}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, OK "Content"}, {NOTIFY}, {EXPECT_NOTIFIED_END}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, REPLY(9, "eight by")}, {NOTIFY},
                       {EXPECT_NOTIFIED_END}),
                SCRIPT({EXPECT, "GET /d "}, {SEND, CHUNKED "1\r\nd\r\n"}, {NOTIFY},
                       {EXPECT_NOTIFIED_END})),
        .requests = {"/a", "/b", "/c", "/d"},
        .transcript = "0 receive@head ''\n0 truncated@head ''\n200 truncated@body 'eight by'\n"
                      "200 truncated@body 'd'\n",
    },
    {
        "alerts in the place of a flight",
        SCRIPTS(SCRIPT({HANDSHAKE_BEFORE, "ServerHello"},
                       {SEND_RAW, ALERT(FATAL, HANDSHAKE_FAILURE)}, {EXPECT_UNNOTIFIED_END}),
                SCRIPT({HANDSHAKE_BEFORE, "ServerHello"},
                       {SEND_RAW, ALERT(FATAL, PROTOCOL_VERSION)}, {HOLD}),
                SCRIPT({HANDSHAKE_AFTER, "Certificate"}, {SEND_RAW, ALERT(WARNING, CLOSE_NOTIFY)},
                       {EXPECT_UNNOTIFIED_END}),
                SCRIPT({HANDSHAKE_BEFORE, "ChangeCipherSpec"},
                       {SEND_RAW, ALERT(FATAL, HANDSHAKE_FAILURE)}, {EXPECT_UNNOTIFIED_END}),
                SCRIPT({HANDSHAKE_BEFORE, "Finished"}, {SEND_RAW, ALERT(FATAL, HANDSHAKE_FAILURE)},
                       {EXPECT_UNNOTIFIED_END}),
                SCRIPT({EXPECT, "GET /f "}, {SEND_RAW, ALERT(FATAL, HANDSHAKE_FAILURE)}, {HOLD})),
        .requests = {"/a", "/b", "/c", "/d", "/e", "/f"},
        .transcript = "0 tls@tls ''\n0 tls@tls ''\n0 tls@tls ''\n0 tls@tls ''\n0 tls@tls ''\n"
                      "0 tls@head ''\n",
    },
    {
        "certificates of 16 MiB are refused at their length",
        SCRIPTS(SCRIPT({HANDSHAKE_BEFORE, "Certificate"}, {SEND_RAW, CERTIFICATES_OF_16_MIB},
                       {EXPECT_UNNOTIFIED_END}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_NOTIFIED_END})),
        .requests = {"/a", "/b"},
        .transcript = "0 tls@tls ''\n200 ok 'b'\n",
    },
    {
        "a warning is none",
        SCRIPTS(SCRIPT({SEND_RAW, ALERT(WARNING, UNRECOGNIZED_NAME)}, {EXPECT, "GET /a "},
                       {SEND, REPLY(1, "a")}, {EXPECT_NOTIFIED_END})),
        .requests = {"/a"},
        .transcript = "200 ok 'a'\n",
    },
    {
        "a resumed handshake ends as badly",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {EXPECT_END}),
                SCRIPT({HANDSHAKE_AFTER, "ServerHello"}, {FIN}, {EXPECT_UNNOTIFIED_END}),
                SCRIPT({HANDSHAKE_BEFORE, "Finished"}, {RESET}),
                SCRIPT({HANDSHAKE_INSIDE, "Finished"}, {SEND_RAW, NONSENSE}, {EXPECT_END}),
                SCRIPT({HANDSHAKE_BEFORE, "Finished"}, {FIN}, {EXPECT_UNNOTIFIED_END}),
                SCRIPT({EXPECT, "GET /f "}, {SEND, REPLY(1, "f")}, {EXPECT_END})),
        .requests = {"/a", "/b", "/c", "/d", "/e", "/f"},
        .transcript = "200 ok 'a'\n0 tls@tls ''\n0 tls@tls ''\n0 tls@tls ''\n0 tls@tls ''\n"
                      "200 ok 'f'\n",
    },
    {
        "a head that does not fit a block, behind a resumed handshake that is not sent yet",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {EXPECT_END}),
                SCRIPT({EXPECT_END})), /* whether it is announced depends on the library */
        .requests = {"/a", "/" X5000 X5000},
        .options = {.headers = (const char *const[]){"A: " X5000, "B: " X5000, NULL}},
        .transcript = "200 ok 'a'\n0 url@send ''\n",
    },
    {
        "records that are longer than a receive buffer",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(300000, "")}, {FILL, NULL, 300000},
                       {EXPECT, "GET /b "}, {SEND, CHUNKED "493e0\r\n"}, {FILL, NULL, 300000},
                       {SEND, "\r\n0\r\n\r\n"}, {EXPECT, "GET /c "}, {SEND, REPLY(1, "c")},
                       {EXPECT_NOTIFIED_END})),
        .requests = {"/a", "/b", "/c"},
        .transcript = "200 ok '" X40 "' of 300000\n200 ok '" X40 "' of 300000 reused\n"
                      "200 ok 'c' reused\n",
    },
};

enum { HTTPS_ROWS = sizeof https_rows / sizeof *https_rows };

/* --- how far the server comes ----------------------------------------------------------------- */

enum { STATE_ROWS = 4 };

enum ending { STOPS, ENDS, RESETS, RAVES, ENDINGS };

/* What a server does where it goes on no further. */
static const struct {
    const char *name;
    struct loopback_row rows[2];
} endings[ENDINGS] = {
    [STOPS] = {"stops", {{PAUSE}}},
    [ENDS] = {"ends the connection", {{FIN}, {EXPECT_UNNOTIFIED_END}}},
    [RESETS] = {"resets the connection", {{RESET}}},
    [RAVES] = {"talks nonsense", {{SEND_RAW, NONSENSE}, {EXPECT_UNNOTIFIED_END}}},
};

/* What the server does until then; where that leaves the request, and the error of each ending. A
 * connection that has ended well so far is ended with an announcement; whether one is that has had
 * no answer yet depends on the loop. */
static const struct state {
    const char *name;
    struct loopback_row rows[STATE_ROWS];
    enum haul_stage stage;
    int status;
    const char *body;
    const char *errors[ENDINGS];
    enum loopback_action ends_with;
} states[] = {
#define IN_HANDSHAKE                                                                               \
    HAUL_STAGE_TLS, 0, "", {[ENDS] = "tls", [RESETS] = "tls", [RAVES] = "tls"},                    \
        EXPECT_UNNOTIFIED_END
    {"before the ServerHello", {{HANDSHAKE_BEFORE, "ServerHello"}}, IN_HANDSHAKE},
    {"inside the ServerHello", {{HANDSHAKE_INSIDE, "ServerHello"}}, IN_HANDSHAKE},
    {"after the ServerHello", {{HANDSHAKE_AFTER, "ServerHello"}}, IN_HANDSHAKE},
    {"inside the Certificate", {{HANDSHAKE_INSIDE, "Certificate"}}, IN_HANDSHAKE},
    {"after the ServerKeyExchange", {{HANDSHAKE_AFTER, "ServerKeyExchange"}}, IN_HANDSHAKE},
    {"before the ChangeCipherSpec", {{HANDSHAKE_BEFORE, "ChangeCipherSpec"}}, IN_HANDSHAKE},
    {"before the Finished", {{HANDSHAKE_BEFORE, "Finished"}}, IN_HANDSHAKE},
    {"inside the Finished", {{HANDSHAKE_INSIDE, "Finished"}}, IN_HANDSHAKE},
    {"after the Finished",
     {{EXPECT, "GET /a "}},
     HAUL_STAGE_HEAD,
     0,
     "",
     {[ENDS] = "receive", [RESETS] = "receive", [RAVES] = "tls"},
     EXPECT_END},
    {"inside the first record of the reply",
     {{EXPECT, "GET /a "}, {SEND_PART, REPLY(5, "hello")}},
     HAUL_STAGE_HEAD,
     0,
     "",
     {[ENDS] = "receive", [RESETS] = "receive", [RAVES] = "tls"},
     EXPECT_NOTIFIED_END},
    {"inside a record of the body",
     {{EXPECT, "GET /a "}, {SEND, REPLY(5, "hel")}, {SEND_PART, "lo"}},
     HAUL_STAGE_BODY,
     200,
     "hel",
     {[ENDS] = "truncated", [RESETS] = "receive", [RAVES] = "tls"},
     EXPECT_NOTIFIED_END},
    {"inside a record of a body without a length",
     {{EXPECT, "GET /a "}, {SEND, OK "\r\nhel"}, {SEND_PART, "lo"}},
     HAUL_STAGE_BODY,
     200,
     "hel",
     {[ENDS] = "tls", [RESETS] = "receive", [RAVES] = "tls"},
     EXPECT_NOTIFIED_END},
#undef IN_HANDSHAKE
};

enum { STATES = sizeof states / sizeof *states };

/* TLS 1.3 has another message where 1.2 has the ServerKeyExchange. */
static struct loopback_row row_of(struct loopback_row row)
{
    if (is_13 && row.text && strcmp(row.text, "ServerKeyExchange") == 0)
        row.text = "CertificateVerify";
    return row;
}

static struct loopback_script script_of(const struct state *state, enum ending ending)
{
    struct loopback_script script = {0};
    size_t count = 0;
    for (; state->rows[count].action != END; count++)
        script.rows[count] = row_of(state->rows[count]);
    for (size_t i = 0; i < 2; i++)
        script.rows[count + i] = endings[ending].rows[i];
    if (ending == STOPS)
        script.rows[count + 1].action = state->ends_with;
    return script;
}

static void write_line(const struct state *state, const char *error, char *line, size_t size)
{
    snprintf(line, size, "%d %s@%s '%s'", state->status, error, haul_stage_name(state->stage),
             state->body);
}

/* --- a row for each state and each ending but a stop ------------------------------------------ */

enum { MADE_ROWS = STATES * (ENDINGS - 1) };

static struct gathering_row rows[MADE_ROWS + HTTPS_ROWS];

static void make_row(struct gathering_row *row, const struct state *state, enum ending ending)
{
    static struct made {
        char name[96];
        char transcript[64];
        struct loopback_script script;
    } made[MADE_ROWS];
    struct made *own = &made[row - rows];
    snprintf(own->name, sizeof own->name, "the server %s %s", endings[ending].name, state->name);
    write_line(state, state->errors[ending], own->transcript, sizeof own->transcript - 1);
    strcat(own->transcript, "\n");
    own->script = script_of(state, ending);
    *row = (struct gathering_row){.name = own->name,
                                  .scripts = &own->script,
                                  .script_count = 1,
                                  .requests = {"/a"},
                                  .transcript = own->transcript};
}

static void make_rows(void)
{
    struct gathering_row *row = rows;
    for (size_t i = 0; i < STATES; i++)
        for (enum ending ending = ENDS; ending < ENDINGS; ending++)
            make_row(row++, &states[i], ending);
    memcpy(row, https_rows, sizeof https_rows);
}

/* --- a server that stops ---------------------------------------------------------------------- */

enum { CONNECT_MS = 300000, TOTAL_MS = 600000, SOON_NS = 20000000 };

struct stop {
    const struct state *state;
    struct loopback_script script;
    struct loopback *server;
    struct haul *haul;
};

/* The engine has taken all that the server sent before it stopped. */
static void until_stopped(struct haul *haul, struct loopback *server)
{
    int steps = 0;
    while (loopback_paused(server, 0) == 0 || haul->engine.bytes_received < loopback_sent(server))
        engine_step(haul, &steps);
}

static void stop_open(struct stop *stop, const struct state *state, bool cancel_on_error)
{
    *stop = (struct stop){.state = state, .script = script_of(state, STOPS)};
    gathering_note("the server stops %s", state->name);
    stop->server = loopback_open(&stop->script, 1);
    assert_non_null(stop->server);
    stop->haul = gathering_open(&(struct haul_options){.concurrency = 2,
                                                       .keep_bodies = true,
                                                       .cancel_on_error = cancel_on_error,
                                                       .connect_timeout_ms = CONNECT_MS,
                                                       .max_time_ms = TOTAL_MS});
    gathering_submit(stop->haul, stop->server, "/a");
    until_stopped(stop->haul, stop->server);
    assert_int_equal(engine_stage(&stop->haul->engine, 0), state->stage);
    loopback_continue(stop->server, 0);
}

static void stop_close(struct stop *stop)
{
    gathering_close(stop->haul);
    assert_loopback(stop->server);
    gathering_note("%s", "");
}

static void stop_expect(struct stop *stop, const char *error)
{
    char line[64];
    write_line(stop->state, error, line, sizeof line);
    gathering_expect_one(stop->haul, line);
}

/* The deadline that is in force is the right one; brought near, it ends the wait. */
static void a_server_that_stops_runs_out_of_time(void)
{
    for (size_t i = 0; i < STATES; i++) {
        struct stop stop;
        stop_open(&stop, &states[i], false);
        struct engine *engine = &stop.haul->engine;
        uint64_t allowed_ms = states[i].stage == HAUL_STAGE_TLS ? CONNECT_MS : TOTAL_MS;
        assert_int_equal(engine->deadlines.entries[0].due_ns,
                         engine->fetches[0].started_ns + allowed_ms * 1000000);
        deadline_set(&engine->deadlines, 0, clock_now_ns() + SOON_NS);
        stop_expect(&stop, "deadline");
        stop_close(&stop);
    }
}

static void a_request_to_a_server_that_stops_can_be_cancelled(void)
{
    for (size_t i = 0; i < STATES; i++) {
        struct stop stop;
        stop_open(&stop, &states[i], false);
        assert_int_equal(haul_cancel(stop.haul, 0), 0);
        stop_expect(&stop, "cancelled");
        stop_close(&stop);
    }
}

static void another_ones_failure_cancels_it_too(void)
{
    uint16_t port;
    int fd = address_hold(-1, &port);
    for (size_t i = 0; i < STATES; i++) {
        struct stop stop;
        stop_open(&stop, &states[i], true);
        gathering_submit_to(stop.haul, port, "/b");
        stop_expect(&stop, "cancelled");
        gathering_expect(stop.haul, "0 connect@connect ''\n");
        stop_close(&stop);
    }
    close(fd);
}

static void an_engine_closes_wherever_the_server_stopped(void)
{
    for (size_t i = 0; i < STATES; i++) {
        struct stop stop;
        stop_open(&stop, &states[i], false);
        haul_close(stop.haul);
        assert_loopback(stop.server);
    }
}

/* Nothing but the clock ends this: the server accepts, and says not a word. */
static void a_handshake_has_the_time_of_a_connect(void)
{
    static const struct loopback_script scripts[] = {SCRIPT_REPEAT({HOLD})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 2, .connect_timeout_ms = 40});
    for (int i = 0; i < 3; i++)
        gathering_submit(haul, server, "/a");
    gathering_expect(haul, "0 deadline@tls ''\n0 deadline@tls ''\n0 deadline@tls ''\n");
    gathering_close(haul);
    assert_loopback(server);
}

/* --- what a result tells ---------------------------------------------------------------------- */

static void sessions_are_resumed(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT_REPEAT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {EXPECT_NOTIFIED_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1});
    for (int i = 0; i < 3; i++) {
        gathering_submit(haul, server, "/a");
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->status, 200);
        assert_string_equal(result->tls_version, is_13 ? "TLSv1.3" : "TLSv1.2");
        assert_string_equal(result->tls_verification, "ok");
        assert_int_equal(result->tls_resumed, i > 0);
        assert_true(result->tls_ns > 0);
        haul_release(haul, result);
    }
    gathering_close(haul);
    assert_loopback(server);
}

/* A session outlives no certificate of the path that it was made by, and no clock that was set. */
static void a_session_ends_with_the_first_certificate_of_its_path(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {EXPECT_NOTIFIED_END}),
        SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {EXPECT_NOTIFIED_END}),
        SCRIPT({EXPECT_END}),
        SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {EXPECT_NOTIFIED_END}),
    };
    static const struct {
        int64_t ahead_s;
        const char *verification;
        bool is_resumed;
    } steps[] = {
        {0, "ok", false},
        {TLS_LOOPBACK_ISSUER_S / 2, "ok", true},
        {TLS_LOOPBACK_ISSUER_S + 1, "the certificate has expired", false},
        {-60, "ok", false},
    };
    enum { STEPS = sizeof steps / sizeof *steps };
    struct loopback *server = loopback_open(scripts, STEPS);
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1});
    for (size_t i = 0; i < STEPS; i++) {
        tls_loopback_clock(steps[i].ahead_s, 0);
        gathering_note("step %zu", i);
        gathering_submit(haul, server, "/a");
        const struct haul_result *result = gathering_next(haul);
        assert_string_equal(result->tls_verification, steps[i].verification);
        assert_int_equal(result->tls_resumed, steps[i].is_resumed);
        assert_int_equal(result->error, i == 2 ? HAUL_TLS : HAUL_OK);
        assert_int_equal(result->detail, i == 2 ? HAUL_DETAIL_CERTIFICATE : HAUL_DETAIL_NONE);
        haul_release(haul, result);
    }
    tls_loopback_clock(0, 0);
    gathering_note("%s", "");
    gathering_close(haul);
    assert_loopback(server);
}

static void a_failed_handshake_says_why(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({HANDSHAKE_AFTER, "ServerHello"}, {RESET}),
        SCRIPT({HANDSHAKE_BEFORE, "ServerHello"}, {SEND_RAW, ALERT(FATAL, PROTOCOL_VERSION)},
               {EXPECT_END}),
        SCRIPT({HANDSHAKE_BEFORE, "ServerHello"}, {SEND_RAW, NONSENSE}, {EXPECT_END}),
        SCRIPT({HANDSHAKE_BEFORE, "Certificate"}, {SEND_RAW, CERTIFICATES_OF_16_MIB}, {EXPECT_END}),
    };
    const struct {
        const char *part;
        int os_error;
    } wanted[] = {{"the connection failed during", ECONNRESET},
                  {is_openssl ? "speaks neither TLS 1.3 nor 1.2" : "likely 1.3", 0},
                  {"not TLS", 0},
                  /* in TLS 1.3 certificates come encrypted */
                  {is_13 ? "unknown type" : "larger than 64 KiB", 0}};
    struct loopback *server = loopback_open(scripts, 4);
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1});
    for (int i = 0; i < 4; i++) {
        gathering_submit(haul, server, "/a");
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_TLS);
        assert_non_null(strstr(result->message, wanted[i].part));
        assert_int_equal(result->os_error, wanted[i].os_error);
        assert_null(result->tls_version);
        haul_release(haul, result);
    }
    gathering_close(haul);
    assert_loopback(server);
}

/* Certificates that take work to refuse, each chain another one, and a good server after them. How
 * much work that is at most, tests/proto/x509/test_verify_work.c says; how long it took is printed.
 */
static void hostile_certificates_are_refused_beside_a_good_server(void)
{
    static const struct loopback_script hostile_scripts[] = {
        SCRIPT_REPEAT({EXPECT_UNNOTIFIED_END})};
    static const struct loopback_script good_scripts[] = {
        SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_NOTIFIED_END})};
    loopback_use(tls_hostile_layer());
    struct loopback *hostile = loopback_open(hostile_scripts, 1);
    loopback_use(tls_loopback_layer());
    struct loopback *good = loopback_open(good_scripts, 1);
    gathering_trust(tls_hostile_roots());
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = TLS_HOSTILE_CHAINS + 1, .keep_bodies = true});
    for (int i = 0; i < TLS_HOSTILE_CHAINS; i++)
        gathering_submit(haul, hostile, "/a");
    gathering_submit(haul, good, "/b");
    for (int i = 0; i < TLS_HOSTILE_CHAINS; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_TLS);
        assert_non_null(strstr(result->message, "too much work"));
        haul_release(haul, result);
    }
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->status, 200);
    printf("%.0f ms beside %d hostile handshakes\n", (double)result->total_ns / 1e6,
           TLS_HOSTILE_CHAINS);
    haul_release(haul, result);
    gathering_close(haul);
    gathering_trust(tls_loopback_roots());
    assert_loopback(hostile);
    assert_loopback(good);
}

/* --- pieces ----------------------------------------------------------------------------------- */

/* Everything that the server sends, lent in pieces of each length. */
static void records_are_cut_anywhere(void)
{
    static const uint32_t lengths[] = {1, 2, 3, 5, 6, 28, 29, 1000, 4096, 16383};
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, OK "Content-"}, {SEND, "Length: 5\r\n\r\nhe"},
               {SEND, "llo"}, {EXPECT, "GET /b "}, {SEND, REPLY(40000, "")}, {FILL, NULL, 40000},
               {EXPECT, "GET /c "}, {SEND, CHUNKED "2\r\nbe\r"}, {SEND, "\n2\r\ned\r\n0\r\n\r\n"},
               {EXPECT, "GET /d "}, {SEND, LAST_REPLY(1, "d")}, {EXPECT_NOTIFIED_END}),
        SCRIPT({EXPECT, "GET /e "}, {SEND, OK "\r\nuntil"}, {SEND, " the end"}, {CLOSE}),
    };
    static const char *const paths[] = {"/a", "/b", "/c", "/d", "/e"};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct fault_rates rates = {.receive_cut = 1000, .cut_bytes = lengths[i]};
        struct haul_options options = {.concurrency = 1, .keep_bodies = true};
        struct loopback *server = loopback_open(scripts, 2);
        struct loop *loop = gathering_open_loop(&options);
        gathering_note("pieces of %u bytes", lengths[i]);
        assert_non_null(server);
        assert_non_null(loop);
        struct haul *haul = gathering_open_on(fault_open(loop, &rates, 0), &options);
        for (size_t path = 0; path < sizeof paths / sizeof *paths; path++)
            gathering_submit(haul, server, paths[path]);
        gathering_expect(haul, "200 ok 'hello'\n200 ok '" X40 "' of 40000 reused\n"
                               "200 ok 'beed' reused\n200 ok 'd' reused\n200 ok 'until the end'\n");
        gathering_close(haul);
        assert_loopback(server);
    }
}

/* Each byte of the wire in a segment of its own. */
static void records_come_a_byte_at_a_time(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND_BYTES, REPLY(5, "hello")}, {EXPECT, "GET /b "},
               {SEND_BYTES, CHUNKED "2\r\nbe\r\n2\r\ned\r\n0\r\n\r\n"}, {EXPECT_NOTIFIED_END}),
    };
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    gathering_submit(haul, server, "/a");
    gathering_submit(haul, server, "/b");
    gathering_expect(haul, "200 ok 'hello'\n200 ok 'beed' reused\n");
    gathering_close(haul);
    assert_loopback(server);
}

/* --- bodies of requests ----------------------------------------------------------------------- */

/* Nothing is told of a silent send that is still under way when the reply comes, so the end of a
 * request that is long is not sent silently. */
static void upload(struct haul *haul, const struct loopback *server, const char *body,
                   size_t length)
{
    const struct fault_counts *counts = fault_counts(haul->engine.loop);
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%u/a", loopback_port(server));
    struct haul_request request = {.url = url, .body = body, .body_length = length};
    bool is_short = length < LOOP_SILENT_BYTES - 512;
    bool has_head_alone = length > UPLOAD_EXPECT_ABOVE;
    uint64_t silent_sends = counts->silent_sends;
    gathering_note("a body of %zu bytes", length);
    assert_int_equal(haul_submit(haul, &request), 0);
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->status, 200);
    if (result->reused_connection)
        assert_int_equal(counts->silent_sends - silent_sends, is_short || has_head_alone);
    haul_release(haul, result);
}

/* Bodies around the bounds of records and blocks, on one connection; something is received while
 * they are sent. */
static void bodies_of_all_lengths_are_sent(void)
{
    enum { BLOCK = BLOCK_BYTES, ALL = 3 << 20 };
    static const size_t lengths[] = {1,           1000,  3000,        5000,        8192,
                                     12000,       15000, BLOCK - 400, BLOCK - 200, BLOCK,
                                     BLOCK + 300, 20000, 20600,       24000,       ALL};
    enum { COUNT = sizeof lengths / sizeof *lengths };
    struct haul_options options = {.concurrency = 1, .keep_bodies = true};
    struct loopback_script script = {0};
    struct loopback_row *row = script.rows;
    char *body = engine_body(ALL);
    for (size_t i = 0; i < COUNT; i++) {
        *row++ = (struct loopback_row){EXPECT, "POST /a "};
        *row++ = (struct loopback_row){SEND, "HTTP/1.1 100 Continue\r\n\r\n"};
        *row++ = (struct loopback_row){EXPECT_BODY, body, lengths[i]};
        *row++ = (struct loopback_row){SEND, REPLY(0, "")};
    }
    row->action = EXPECT_NOTIFIED_END;
    struct loopback *server = loopback_open(&script, 1);
    struct loop *loop = gathering_open_loop(&options);
    assert_non_null(server);
    assert_non_null(loop);
    struct haul *haul = gathering_open_on(fault_open(loop, &(struct fault_rates){0}, 0), &options);
    for (size_t i = 0; i < COUNT; i++)
        upload(haul, server, body, lengths[i]);
    gathering_close(haul);
    assert_loopback(server);
    free(body);
}

/* What is still being sent when the reply is there makes the connection unfit for another; nothing
 * can be announced in the middle of a record. */
static void an_early_reply_ends_the_upload(void)
{
    engine_check_early_reply(EXPECT_NOTIFIED_END);
}

/* The flight of the handshake that has it is longer than a send that completes silently, and than a
 * block. */
static void a_long_client_certificate_is_sent(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT_REPEAT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {EXPECT_NOTIFIED_END})};
    tls_loopback_ask(true);
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = 2,
        .keep_bodies = true,
        .tls = &(struct haul_tls){.client_certificate = tls_loopback_client()}});
    for (int i = 0; i < 4; i++)
        gathering_submit(haul, server, "/a");
    gathering_expect(haul, "200 ok 'a'\n200 ok 'a'\n200 ok 'a'\n200 ok 'a'\n");
    gathering_close(haul);
    assert_loopback(server);
    server = loopback_open((struct loopback_script[]){SCRIPT({EXPECT_END})}, 1);
    haul = gathering_open(&(struct haul_options){.concurrency = 1});
    gathering_submit(haul, server, "/a");
    /* without one; of which the server of 1.3 learns when the handshake is over for the client */
    gathering_expect(haul, is_13 ? "0 tls@head ''\n" : "0 tls@tls ''\n");
    gathering_close(haul);
    assert_loopback(server);
    tls_loopback_ask(false);
}

/* --- idle connections ------------------------------------------------------------------------- */

/* The only connection that may be open gives way to another origin's. */
static void an_idle_connection_that_gives_way_announces_it(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_NOTIFIED_END})};
    struct loopback *servers[] = {loopback_open(scripts, 1), loopback_open(scripts, 1)};
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    for (int i = 0; i < 2; i++) {
        gathering_submit(haul, servers[i], "/a");
        gathering_expect_one(haul, "200 ok 'a'");
    }
    assert_loopback(servers[0]);
    gathering_close(haul);
    assert_loopback(servers[1]);
}

static void check_idle_is_dropped(struct loopback_row last)
{
    struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {PAUSE}, {last.action, last.text},
               {EXPECT_END}),
        SCRIPT({EXPECT, "GET /b "}, {PAUSE}, {SEND, REPLY(1, "b")}, {EXPECT_NOTIFIED_END}),
        SCRIPT({EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT_NOTIFIED_END}),
    };
    if (last.action == RESET)
        scripts[0].rows[4].action = END;
    engine_check_idle_is_dropped(scripts);
}

static void an_idle_connection_that_ends_in_any_way_is_dropped(void)
{
    check_idle_is_dropped((struct loopback_row){FIN});
    check_idle_is_dropped((struct loopback_row){NOTIFY});
    check_idle_is_dropped((struct loopback_row){RESET});
    check_idle_is_dropped((struct loopback_row){SEND, REPLY(1, "?")});
    check_idle_is_dropped((struct loopback_row){SEND_RAW, NONSENSE});
}

/* Of TLS 1.3: what a server may say at any time, to a connection at rest too (RFC 8446, 4.6). */
static void new_keys_and_tickets_disturb_nobody(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {PAUSE}, {RENEW}, {RENEW}, {PAUSE},
               {EXPECT, "GET /c "}, {RENEW}, {SEND, REPLY(1, "c")}, {EXPECT, "GET /d "},
               {SEND, REPLY(1, "d")}, {EXPECT_NOTIFIED_END}),
        SCRIPT({EXPECT, "GET /b "}, {PAUSE}, {SEND, LAST_REPLY(1, "b")}, {EXPECT_END})};
    if (!is_13)
        return;
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 2, .keep_bodies = true});
    gathering_submit(haul, server, "/a");
    gathering_submit(haul, server, "/b");
    gathering_expect_one(haul, "200 ok 'a'");
    gathering_until_asked(haul, server, 2);
    loopback_continue(server, 0);
    for (int steps = 0;
         loopback_paused(server, 0) < 2 || haul->engine.bytes_received < loopback_sent(server);)
        engine_step(haul, &steps);
    assert_int_equal(haul->engine.pool.open, 2);
    loopback_continue(server, 0);
    gathering_submit(haul, server, "/c");
    gathering_until_finished(haul, 2);
    loopback_continue(server, 1);
    gathering_expect_one(haul, "200 ok 'b'");
    gathering_expect_one(haul, "200 ok 'c' reused");
    gathering_submit(haul, server, "/d");
    gathering_expect_one(haul, "200 ok 'd' reused");
    gathering_close(haul);
    assert_loopback(server);
}

/* Of TLS 1.2: a server that gives the connection up for it is told of by what it had asked for. */
static void a_renegotiation_is_declined(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {RENEW}, {FIN}, {EXPECT_END})};
    if (is_13)
        return;
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1});
    gathering_submit(haul, server, "/a");
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_TLS);
    assert_non_null(strstr(result->message, "asked for a renegotiation"));
    haul_release(haul, result);
    gathering_close(haul);
    assert_loopback(server);
}

static void nothing_unasked_reaches_a_later_request(void)
{
    engine_check_spoilt(1);
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(a_server_that_stops_runs_out_of_time),
    SCENARIO(a_request_to_a_server_that_stops_can_be_cancelled),
    SCENARIO(another_ones_failure_cancels_it_too),
    SCENARIO(an_engine_closes_wherever_the_server_stopped),
    SCENARIO(a_handshake_has_the_time_of_a_connect),
    SCENARIO(sessions_are_resumed),
    SCENARIO(a_session_ends_with_the_first_certificate_of_its_path),
    SCENARIO(a_failed_handshake_says_why),
    SCENARIO(hostile_certificates_are_refused_beside_a_good_server),
    SCENARIO(records_are_cut_anywhere),
    SCENARIO(records_come_a_byte_at_a_time),
    SCENARIO(bodies_of_all_lengths_are_sent),
    SCENARIO(an_early_reply_ends_the_upload),
    SCENARIO(a_long_client_certificate_is_sent),
    SCENARIO(an_idle_connection_that_gives_way_announces_it),
    SCENARIO(an_idle_connection_that_ends_in_any_way_is_dropped),
    SCENARIO(new_keys_and_tickets_disturb_nobody),
    SCENARIO(a_renegotiation_is_declined),
    SCENARIO(nothing_unasked_reaches_a_later_request),
};

/* The words are the client's library and the server's version: none, "openssl", "openssl 1.3". */
int main(int count, char **words)
{
    (void)words;
    if (count > 1 && !haul_openssl_version())
        return 77; /* meson: skipped */
    is_openssl = count > 1;
    is_13 = count > 2;
    gathering_backend(is_openssl ? HAUL_BACKEND_OPENSSL : HAUL_BACKEND_BEARSSL);
    if (is_13)
        tls_loopback_version(TLS1_3_VERSION);
    tls_hostile_layer();
    loopback_use(tls_loopback_layer());
    gathering_trust(tls_loopback_roots());
    make_rows();
    int failed = gathering_main(engine_rows, engine_row_count, NULL, 0);
    return failed + gathering_main(rows, sizeof rows / sizeof *rows, scenarios,
                                   sizeof scenarios / sizeof *scenarios);
}
