/* A server that BearSSL does not reach is reached by OpenSSL, on a second connection that nobody is
 * told of; and what that is not for. */

#include "engine/engine.h"
#include "tests/lib/engine/engine_rows.h"
#include "tests/lib/tls/tls_loopback.h"

#include <errno.h>
#include <openssl/ssl.h>

/* The first connection comes to nothing, the second has the reply, as has the third. */
static const struct loopback_script moves[] = {
    SCRIPT({EXPECT_END}),
    SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {EXPECT_END}),
    SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT, "GET /c "}, {SEND, REPLY(1, "c")},
           {EXPECT_END}),
};

static void expect(struct haul *haul, const char *body, const char *version, const char *backend)
{
    const struct haul_result *result = gathering_next(haul);
    if (result->error != HAUL_OK)
        fail_msg("%s: %s", haul_error_name(result->error), result->message);
    assert_int_equal(result->status, 200);
    assert_int_equal(result->body_bytes, 1);
    assert_memory_equal(result->body->bytes, body, 1);
    assert_string_equal(result->tls_version, version);
    assert_string_equal(result->tls_backend, backend);
    assert_string_equal(result->tls_verification, "ok");
    assert_int_equal(result->attempts, 1);
    haul_release(haul, result);
}

static void check_moves(int version, const char *key, bool is_by_pss, const char *agreed)
{
    struct haul_facts facts;
    tls_loopback_speak(version, key, is_by_pss);
    struct loopback *server = loopback_open(moves, sizeof moves / sizeof *moves);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    gathering_note("%s, %s", agreed, key);
    for (int i = 0; i < 3; i++) {
        gathering_submit(haul, server, (const char *[]){"/a", "/b", "/c"}[i]);
        expect(haul, (const char *[]){"a", "b", "c"}[i], agreed, "openssl");
    }
    haul_get_facts(haul, &facts);
    assert_int_equal(facts.connections, 3);
    assert_int_equal(facts.retries + facts.retried, 0);
    gathering_close(haul);
    assert_loopback(server);
    tls_loopback_speak(0, NULL, false);
}

static void a_server_of_tls_1_3_alone_is_reached(void)
{
    check_moves(TLS1_3_VERSION, "P-256", false, "TLSv1.3");
}

static void keys_and_signatures_that_bearssl_has_not_are_reached(void)
{
    check_moves(TLS1_2_VERSION, "ED25519", false, "TLSv1.2");
    check_moves(0, "ED448", false, "TLSv1.3");
    check_moves(TLS1_2_VERSION, "P-256", true, "TLSv1.2"); /* seen in the certificate */
    check_moves(TLS1_2_VERSION, "RSA-PSS", false, "TLSv1.2");
}

static void who_chooses_is_not_moved(void)
{
    static const struct loopback_script one[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END})};
    static const struct loopback_script none[] = {SCRIPT({EXPECT_END})};
    tls_loopback_speak(TLS1_3_VERSION, "P-256", false);
    for (int i = 0; i < 3; i++) {
        const struct haul_tls choices[] = {
            {.backend = HAUL_BACKEND_OPENSSL},
            {.version_min = HAUL_TLS_1_3},
            {.backend = HAUL_BACKEND_BEARSSL},
        };
        struct loopback *server = loopback_open(i < 2 ? one : none, 1);
        struct haul *haul = gathering_open(
            &(struct haul_options){.concurrency = 1, .keep_bodies = true, .tls = &choices[i]});
        gathering_submit(haul, server, "/a");
        if (i < 2)
            expect(haul, "a", "TLSv1.3", "openssl");
        else
            gathering_expect(haul, "0 tls@tls ''\n");
        gathering_close(haul);
        assert_loopback(server);
    }
    tls_loopback_speak(0, NULL, false);
}

/* A refusal that another library would make too leaves the server where it is. */
static void what_openssl_cannot_help_is_not_tried_again(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({HANDSHAKE_AFTER, "Certificate"}, {FIN}, {EXPECT_UNNOTIFIED_END}),
        SCRIPT({EXPECT, "GET /b "}, {SEND, LAST_REPLY(1, "b")}, {EXPECT_END}),
    };
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    gathering_submit(haul, server, "/a");
    gathering_expect(haul, "0 tls@tls ''\n");
    gathering_submit(haul, server, "/b");
    expect(haul, "b", "TLSv1.2", "bearssl");
    gathering_close(haul);
    assert_loopback(server);
}

/* The second connection fails for its own reason, which is the one that is told, and there is no
 * third. */
static void a_second_failure_is_the_last(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({HANDSHAKE_BEFORE, "ServerHello"}, {FIN}, {EXPECT_UNNOTIFIED_END}),
        SCRIPT({HANDSHAKE_BEFORE, "ServerHello"}, {FIN}, {EXPECT_UNNOTIFIED_END}),
        SCRIPT({HANDSHAKE_BEFORE, "ServerHello"}, {RESET}),
        SCRIPT({EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT_END}),
    };
    struct loopback *server = loopback_open(scripts, 4);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    for (int i = 0; i < 2; i++) {
        gathering_submit(haul, server, "/a");
        gathering_expect(haul, "0 tls@tls ''\n");
    }
    gathering_submit(haul, server, "/c");
    expect(haul, "c", "TLSv1.2", "openssl");
    gathering_close(haul);
    assert_loopback(server);
}

/* A host that may have one connection has no other meanwhile: the second begins where the first has
 * ended, and who waits goes on waiting. */
static void the_second_connection_has_the_first_ones_place(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT_END}),
        SCRIPT({EXPECT, "GET /a "}, {PAUSE}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "},
               {SEND, REPLY(1, "b")}, {EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT_END}),
    };
    tls_loopback_speak(TLS1_3_VERSION, "P-256", false);
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = 4, .keep_bodies = true, .limits = &(struct haul_limits){.max_per_host = 1}});
    for (int i = 0; i < 3; i++)
        gathering_submit(haul, server, (const char *[]){"/a", "/b", "/c"}[i]);
    for (int steps = 0; loopback_paused(server, 1) == 0;)
        engine_step(haul, &steps);
    assert_int_equal(loopback_accepted(server), 2);
    loopback_continue(server, 1);
    for (int i = 0; i < 3; i++)
        expect(haul, (const char *[]){"a", "b", "c"}[i], "TLSv1.3", "openssl");
    gathering_close(haul);
    assert_loopback(server);
    tls_loopback_speak(0, NULL, false);
}

/* The connection that is in its handshake; NO_SLOT: none is. */
static uint32_t securing(const struct engine *engine)
{
    uint32_t slot = engine->budget.conns;
    while (slot-- > 0)
        if (engine_stage(engine, slot) == HAUL_STAGE_TLS)
            return slot;
    return NO_SLOT;
}

/* What is left of the first one's time is all that the second has. */
static void the_second_connection_has_the_first_ones_deadline(void)
{
    enum { CONNECT_MS = 300000 };
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT_END}),
        SCRIPT({HANDSHAKE_BEFORE, "ServerHello"}, {PAUSE}, {EXPECT_END}),
    };
    tls_loopback_speak(TLS1_3_VERSION, "P-256", false);
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .connect_timeout_ms = CONNECT_MS});
    const struct engine *engine = &haul->engine;
    gathering_submit(haul, server, "/a");
    for (int steps = 0; loopback_paused(server, 1) == 0 || securing(engine) == NO_SLOT;)
        engine_step(haul, &steps);
    assert_int_equal(engine->deadlines.entries[securing(engine)].due_ns,
                     engine->fetches[0].started_ns + CONNECT_MS * UINT64_C(1000000));
    loopback_continue(server, 1);
    assert_int_equal(haul_cancel(haul, 0), 0);
    gathering_expect(haul, "0 cancelled@tls ''\n");
    gathering_close(haul);
    assert_loopback(server);
    tls_loopback_speak(0, NULL, false);
}

static void tickets_are_taken_up_and_disturb_nobody(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT_REPEAT({EXPECT, "GET /a "}, {SEND, LAST_REPLY(1, "a")}, {EXPECT_END})};
    tls_loopback_speak(TLS1_3_VERSION, "P-256", false);
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = 1,
                               .keep_bodies = true,
                               .tls = &(struct haul_tls){.backend = HAUL_BACKEND_OPENSSL}});
    for (int i = 0; i < 4; i++) {
        gathering_submit(haul, server, "/a");
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_OK);
        assert_int_equal(result->tls_resumed, i > 0);
        haul_release(haul, result);
    }
    gathering_close(haul);
    assert_loopback(server);
    tls_loopback_speak(0, NULL, false);
}

/* What does not go together is said before anything is done. */
static void what_does_not_go_together_is_refused(void)
{
    static const struct haul_tls bad[] = {
        {.backend = HAUL_BACKEND_OPENSSL, .legacy = true},
        {.version_min = HAUL_TLS_1_3, .legacy = true},
        {.version_min = HAUL_TLS_1_3, .backend = HAUL_BACKEND_BEARSSL},
        {.version_min = HAUL_TLS_1_3, .version_max = HAUL_TLS_1_2},
        {.version_max = 0x0302},
        {.backend = (enum haul_backend)3},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct haul_open_error why = {0};
        struct haul *haul;
        assert_int_equal(haul_open_explained(&haul, &(struct haul_options){.tls = &bad[i]}, &why),
                         -EINVAL);
        assert_string_equal(why.option, "tls");
        assert_non_null(why.message);
    }
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(a_server_of_tls_1_3_alone_is_reached),
    SCENARIO(keys_and_signatures_that_bearssl_has_not_are_reached),
    SCENARIO(who_chooses_is_not_moved),
    SCENARIO(what_openssl_cannot_help_is_not_tried_again),
    SCENARIO(a_second_failure_is_the_last),
    SCENARIO(the_second_connection_has_the_first_ones_place),
    SCENARIO(the_second_connection_has_the_first_ones_deadline),
    SCENARIO(tickets_are_taken_up_and_disturb_nobody),
    SCENARIO(what_does_not_go_together_is_refused),
};

int main(void)
{
    if (!haul_openssl_version())
        return 77;
    loopback_use(tls_loopback_layer());
    gathering_trust(tls_loopback_roots());
    gathering_backend(HAUL_BACKEND_AUTO);
    return gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof *scenarios);
}
