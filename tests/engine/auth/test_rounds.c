/* Rounds of Digest: what is answered, how often, and by which nonce and count, over each loop,
 * plain and over TLS; and that nothing is lost whatever happens in them. */

#include "engine/engine.h"
#include "tests/lib/engine/chance.h"
#include "tests/lib/engine/engine_rows.h"
#include "tests/lib/tls/tls_gathering.h"

#include <stdio.h>
#include <string.h>

#define DIGEST                                                                                     \
    .auth = &(const struct haul_auth)                                                              \
    {                                                                                              \
        .digest = true, .user = "Mufasa", .password = "Circle of Life"                             \
    }
#define ASKS(fields) "HTTP/1.1 401 x\r\nContent-Length: 2\r\n" fields "\r\nno"
#define FIELD(value) "WWW-Authenticate: " value "\r\n"
#define BY(nonce) "Digest realm=\"r\", qop=\"auth\", nonce=\"" nonce "\""
#define STALE(nonce) BY(nonce) ", stale=true"
#define LACKING LACKS, "Authorization"
#define ANSWERS(nonce, count)                                                                      \
    {HAS,                                                                                          \
     "\r\nAuthorization: Digest username=\"Mufasa\", realm=\"r\", nonce=\"" nonce "\", uri="},     \
    {                                                                                              \
        HAS, ", nc=" count ", qop=auth, "                                                          \
    }
#define NONCE "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"

static const struct gathering_row rows[] = {
    {
        "nothing is sent before the challenge, which is answered on the connection that it came by",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {LACKING}, {SEND, ASKS(FIELD(BY("n")))},
                       {EXPECT, "GET /a "}, ANSWERS("n", "00000001"), {SEND, REPLY(1, "a")},
                       {EXPECT_END})),
        .requests = {"/a"},
        .options = {DIGEST},
        .transcript = "200 ok 'a' reused\n",
    },
    {
        "those that follow answer unasked, with the next count each",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, ASKS(FIELD(BY("n")))}, {EXPECT, "GET /a "},
                       ANSWERS("n", "00000001"), {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "},
                       ANSWERS("n", "00000002"), {SEND, REPLY(1, "b")}, {EXPECT, "POST /c "},
                       ANSWERS("n", "00000003"), {SEND, REPLY(1, "c")}, {EXPECT_END})),
        .requests = {"/a", "/b", "POST /c"},
        .options = {DIGEST},
        .transcript = "200 ok 'a' reused\n200 ok 'b' reused\n200 ok 'c' reused\n",
    },
    {
        "a 401 that asks for nothing is the reply",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, ASKS("")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {DIGEST},
        .transcript = "401 ok 'no'\n",
    },
    {
        "RFC 2069, of which the answer is known (computed apart), by the target that is sent",
        SCRIPTS(SCRIPT(
            {EXPECT, "GET /dir/index.html "},
            {SEND, ASKS(FIELD("Digest realm=\"http-auth@example.org\", nonce=\"" NONCE "\""))},
            {EXPECT, "GET /dir/index.html "},
            {HAS, "uri=\"/dir/index.html\", "
                  "response=\"7b2cc3b30e75b4777ea31027084363fd\"\r\n"},
            {LACKS, "cnonce"}, {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/x/../dir/./index.html"},
        .options = {DIGEST},
        .transcript = "200 ok 'a' reused\n",
    },
    {
        "the strongest of several in one field and in several fields, Basic never",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "},
                       {SEND, ASKS(FIELD("Basic realm=\"b\", " BY("m")) FIELD("Negotiate")
                                       FIELD(BY("s") ", algorithm=SHA-256"))},
                       {EXPECT, "GET /a "}, ANSWERS("s", "00000001"), {HAS, "algorithm=SHA-256"},
                       {LACKS, "Basic"}, {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {DIGEST},
        .transcript = "200 ok 'a' reused\n",
    },
    {
        "who asks by others alone gets none",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {LACKING},
                       {SEND, ASKS(FIELD("Basic realm=\"Digest nonce=1\"") FIELD("NTLM"))},
                       {EXPECT, "GET /b "}, {LACKING}, {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a", "/b"},
        .options = {DIGEST},
        .transcript = "401 ok 'no'\n200 ok 'b' reused\n",
    },
    {
        "a wrong answer is not repeated",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, ASKS(FIELD(BY("n")))}, {EXPECT, "GET /a "},
                       ANSWERS("n", "00000001"), {SEND, ASKS(FIELD(BY("o")))}, {EXPECT, "GET /b "},
                       {LACKING}, {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a", "/b"},
        .options = {DIGEST},
        .transcript = "401 ok 'no' reused\n200 ok 'b' reused\n",
    },
    {
        "stale is answered once",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, ASKS(FIELD(BY("n")))}, {EXPECT, "GET /a "},
                       ANSWERS("n", "00000001"), {SEND, ASKS(FIELD(STALE("o")))},
                       {EXPECT, "GET /a "}, ANSWERS("o", "00000001"), {SEND, REPLY(1, "a")},
                       {EXPECT, "GET /b "}, ANSWERS("o", "00000002"),
                       {SEND, ASKS(FIELD(STALE("p")))}, {EXPECT, "GET /b "},
                       ANSWERS("p", "00000001"), {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a", "/b"},
        .options = {DIGEST},
        .transcript = "200 ok 'a' reused\n200 ok 'b' reused\n",
    },
    {
        "and not twice",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, ASKS(FIELD(BY("n")))}, {EXPECT, "GET /a "},
                       ANSWERS("n", "00000001"), {SEND, ASKS(FIELD(STALE("o")))},
                       {EXPECT, "GET /a "}, ANSWERS("o", "00000001"),
                       {SEND, ASKS(FIELD(STALE("p")))}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {DIGEST},
        .transcript = "401 ok 'no' reused\n",
    },
    {
        "nor behind an answer that was sent unasked",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, ASKS(FIELD(BY("n")))}, {EXPECT, "GET /a "},
                       ANSWERS("n", "00000001"), {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "},
                       ANSWERS("n", "00000002"), {SEND, ASKS(FIELD(STALE("o")))},
                       {EXPECT, "GET /b "}, ANSWERS("o", "00000001"),
                       {SEND, ASKS(FIELD(STALE("p")))}, {EXPECT_END})),
        .requests = {"/a", "/b"},
        .options = {DIGEST},
        .transcript = "200 ok 'a' reused\n401 ok 'no' reused\n",
    },
    {
        "two rounds are all, whatever is new",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, ASKS(FIELD(BY("n")))}, {EXPECT, "GET /a "},
                       ANSWERS("n", "00000001"), {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "},
                       ANSWERS("n", "00000002"), {SEND, ASKS(FIELD(BY("o")))}, {EXPECT, "GET /b "},
                       ANSWERS("o", "00000001"), {SEND, ASKS(FIELD(STALE("p")))},
                       {EXPECT, "GET /b "}, ANSWERS("p", "00000001"),
                       {SEND, ASKS(FIELD(STALE("q")))}, {EXPECT_END})),
        .requests = {"/a", "/b"},
        .options = {DIGEST},
        .transcript = "200 ok 'a' reused\n401 ok 'no' reused\n",
    },
    {
        "a nonce that comes again goes on with its count",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, ASKS(FIELD(BY("n")))}, {EXPECT, "GET /a "},
                       ANSWERS("n", "00000001"), {SEND, ASKS(FIELD(STALE("o")))},
                       {EXPECT, "GET /a "}, ANSWERS("o", "00000001"), {SEND, REPLY(1, "a")},
                       {EXPECT, "GET /b "}, ANSWERS("o", "00000002"),
                       {SEND, ASKS(FIELD(STALE("n")))}, {EXPECT, "GET /b "},
                       ANSWERS("n", "00000002"), {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a", "/b"},
        .options = {DIGEST},
        .transcript = "200 ok 'a' reused\n200 ok 'b' reused\n",
    },
    {
        "what cannot be answered is an error by name, with its head",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "},
                       {SEND, ASKS(FIELD("Digest realm=r, nonce=n, qop=\"auth-int\""))},
                       {EXPECT_END}),
                SCRIPT({EXPECT, "GET /b "},
                       {SEND, ASKS(FIELD("Digest realm=r, nonce=n, algorithm=SHA-512-256"))},
                       {EXPECT_END}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, ASKS(FIELD("Digest realm=\"r"))}, {EXPECT_END})),
        .requests = {"/a", "/b", "/c"},
        .options = {DIGEST},
        .transcript = "401 auth@head ''\n401 auth@head ''\n401 auth@head ''\n",
    },
    {
        "a body goes along again",
        SCRIPTS(SCRIPT({EXPECT, "POST /a "}, {EXPECT_BODY, "x=1"}, {SEND, ASKS(FIELD(BY("n")))},
                       {EXPECT, "POST /a "}, ANSWERS("n", "00000001"), {EXPECT_BODY, "x=1"},
                       {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {DIGEST, .body = "x=1", .body_length = 3, .has_body = true},
        .transcript = "200 ok 'a' reused\n",
    },
    {
        "a server that closes, one that says too much, and one that breaks off",
        SCRIPTS(
            SCRIPT({EXPECT, "GET /a "},
                   {SEND, "HTTP/1.1 401 x\r\nConnection: close\r\nContent-Length: 0\r\n" FIELD(
                              BY("n")) "\r\n"},
                   {CLOSE}),
            SCRIPT({EXPECT, "GET /a "}, ANSWERS("n", "00000001"),
                   {SEND, "HTTP/1.1 401 x\r\nContent-Length: 16385\r\n" FIELD(STALE("o")) "\r\n"},
                   {EXPECT_END}),
            SCRIPT({EXPECT, "GET /a "}, ANSWERS("o", "00000001"), {SEND, REPLY(1, "a")},
                   {EXPECT, "GET /b "}, ANSWERS("o", "00000002"),
                   {SEND, "HTTP/1.1 401 x\r\nContent-Length: 9\r\n" FIELD(STALE("p")) "\r\nbreaks"},
                   {CLOSE}),
            SCRIPT({EXPECT, "GET /b "}, ANSWERS("p", "00000001"), {SEND, REPLY(1, "b")},
                   {EXPECT_END})),
        .requests = {"/a", "/b"},
        .options = {DIGEST},
        .transcript = "200 ok 'a'\n200 ok 'b'\n",
    },
    {
        "a kept connection that dies under an answer: the resend has a count of its own",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, ASKS(FIELD(BY("n")))}, {EXPECT, "GET /a "},
                       ANSWERS("n", "00000001"), {CLOSE}),
                SCRIPT({EXPECT, "GET /a "}, ANSWERS("n", "00000002"), {SEND, REPLY(1, "a")},
                       {EXPECT_END})),
        .requests = {"/a"},
        .options = {DIGEST},
        .transcript = "200 ok 'a'\n",
        .retries = 1,
    },
    {
        "a field goes before it",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {HAS, "Authorization: mine"},
                       {SEND, ASKS(FIELD(BY("n")))}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {DIGEST, .headers = (const char *const[]){"Authorization: mine", NULL}},
        .transcript = "401 ok 'no'\n",
    },
    {
        "a redirect at home is answered unasked, and has two rounds of its own",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, ASKS(FIELD(BY("n")))}, {EXPECT, "GET /a "},
                       ANSWERS("n", "00000001"), {SEND, ASKS(FIELD(STALE("o")))},
                       {EXPECT, "GET /a "}, ANSWERS("o", "00000001"),
                       {SEND, "HTTP/1.1 302 x\r\nContent-Length: 0\r\nLocation: /b\r\n\r\n"},
                       {EXPECT, "GET /b "}, ANSWERS("o", "00000002"),
                       {SEND, ASKS(FIELD(STALE("p")))}, {EXPECT, "GET /b "},
                       ANSWERS("p", "00000001"), {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {DIGEST, .redirect = &(const struct haul_redirect){.follow = true}},
        .transcript = "200 ok 'b' reused\n",
    },
    {
        "a try anew, too",
        SCRIPTS(SCRIPT(
            {EXPECT, "GET /a "}, {SEND, ASKS(FIELD(BY("n")))}, {EXPECT, "GET /a "},
            ANSWERS("n", "00000001"), {SEND, "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n"},
            {EXPECT, "GET /a "}, ANSWERS("n", "00000002"), {SEND, ASKS(FIELD(STALE("o")))},
            {EXPECT, "GET /a "}, ANSWERS("o", "00000001"), {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {DIGEST, .retry = &(const struct haul_retry){.max = 1, .delay_ms = 1}},
        .transcript = "200 ok 'a' reused\n",
    },
};

/* --- others ----------------------------------------------------------------------------------- */

static struct haul *open_digest(struct haul_options options)
{
    static const struct haul_auth auth = {
        .digest = true, .user = "Mufasa", .password = "Circle of Life"};
    options.auth = &auth;
    return gathering_open(&options);
}

static void a_refusal_says_why(void)
{
    static const struct loopback_script script =
        SCRIPT({EXPECT, "GET /a "}, {SEND, ASKS(FIELD("Digest realm=r, nonce=n, qop=auth-int"))},
               {EXPECT_END});
    struct loopback *server = loopback_open(&script, 1);
    struct haul *haul = open_digest((struct haul_options){.concurrency = 1, .keep_headers = true});
    gathering_submit(haul, server, "/a");
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_AUTH);
    assert_int_equal(result->status, 401);
    assert_non_null(strstr(result->message, "qop=auth-int alone"));
    assert_non_null(result->head);
    haul_release(haul, result);
    gathering_close(haul);
    assert_loopback(server);
}

/* A round is an attempt, and counted; no redirect, no retry. */
static void a_round_is_an_attempt(void)
{
    static const struct loopback_script script = SCRIPT(
        {EXPECT, "GET /a "}, {SEND, ASKS(FIELD(BY("n")))}, {EXPECT, "GET /a "},
        {SEND, ASKS(FIELD(STALE("o")))}, {EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT_END});
    struct loopback *server = loopback_open(&script, 1);
    struct haul *haul = open_digest((struct haul_options){.concurrency = 1});
    struct haul_facts facts;
    gathering_submit(haul, server, "/a");
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->attempts, 3);
    assert_int_equal(result->redirects, 0);
    assert_true(result->redirect_ns > 0 && result->redirect_ns <= result->total_ns);
    haul_release(haul, result);
    haul_get_facts(haul, &facts);
    assert_int_equal(facts.redirects + facts.retried + facts.retries, 0);
    gathering_close(haul);
    assert_loopback(server);
}

/* Of another origin none is answered that was not trusted with them. */
static void no_answer_elsewhere(void)
{
    for (int is_trusted = 0; is_trusted < 2; is_trusted++) {
        static char location[160];
        const struct loopback_script there =
            SCRIPT({EXPECT, "GET /b "}, {LACKING}, {SEND, ASKS(FIELD(BY("b")))},
                   {is_trusted ? EXPECT : EXPECT_END, "GET /b "},
                   {is_trusted ? SEND : CLOSE, REPLY(1, "b")});
        const struct loopback_script here =
            SCRIPT({EXPECT, "GET /a "}, {SEND, ASKS(FIELD(BY("a")))}, {EXPECT, "GET /a "},
                   ANSWERS("a", "00000001"), {SEND, location}, {EXPECT_END});
        struct loopback *b = loopback_open(&there, 1);
        snprintf(location, sizeof location,
                 "HTTP/1.1 302 x\r\nContent-Length: 0\r\nLocation: %s://127.0.0.1:%u/b\r\n\r\n",
                 gathering_scheme(), loopback_port(b));
        struct loopback *a = loopback_open(&here, 1);
        struct haul_redirect redirect = {.follow = true, .location_trusted = is_trusted};
        struct haul *haul = open_digest(
            (struct haul_options){.concurrency = 1, .keep_bodies = true, .redirect = &redirect});
        gathering_submit(haul, a, "/a");
        gathering_expect(haul, is_trusted ? "200 ok 'b' reused\n" : "401 ok 'no'\n");
        gathering_close(haul);
        assert_loopback(a);
        assert_loopback(b);
    }
}

/* One deadline is for all rounds. */
static void a_stall_in_a_round_runs_out_of_time(void)
{
    static const struct loopback_script stalls[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, ASKS(FIELD(BY("n")))}, {EXPECT, "GET /a "}, {HOLD}),
        SCRIPT({EXPECT, "GET /a "},
               {SEND, "HTTP/1.1 401 x\r\nContent-Length: 9\r\n" FIELD(BY("n")) "\r\nstops"},
               {HOLD}),
    };
    for (size_t i = 0; i < sizeof stalls / sizeof *stalls; i++) {
        struct loopback *server = loopback_open(&stalls[i], 1);
        struct haul *haul =
            open_digest((struct haul_options){.concurrency = 1, .max_time_ms = 300});
        gathering_submit(haul, server, "/a");
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_DEADLINE);
        assert_true(result->total_ns >= UINT64_C(300000000));
        haul_release(haul, result);
        gathering_close(haul);
        loopback_close(server); /* a busy machine may not have come to the second round */
    }
}

static void a_request_is_cancelled_in_a_round(void)
{
    static const struct loopback_script script =
        SCRIPT({EXPECT, "GET /a "}, {SEND, ASKS(FIELD(BY("n")))}, {EXPECT, "GET /a "}, {HOLD});
    struct loopback *server = loopback_open(&script, 1);
    struct haul *haul = open_digest((struct haul_options){.concurrency = 1});
    gathering_submit(haul, server, "/a");
    gathering_until_asked(haul, server, 2);
    assert_int_equal(haul_cancel(haul, 0), 0);
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_CANCELLED);
    assert_int_equal(haul->engine.sessions.list[0].users, 0);
    haul_release(haul, result);
    gathering_close(haul);
    assert_loopback(server);
}

/* A user of each request's own has a nonce and a count of its own. */
static void users_do_not_share_a_nonce(void)
{
    static const struct loopback_script script = SCRIPT(
        {EXPECT, "GET /a "}, {LACKING}, {SEND, ASKS(FIELD(BY("n")))}, {EXPECT, "GET /a "},
        {HAS, "username=\"a\""}, {HAS, "nc=00000001"}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "},
        {LACKING}, {SEND, ASKS(FIELD(BY("n")))}, {EXPECT, "GET /b "}, {HAS, "username=\"b\\\"c\""},
        {HAS, "nc=00000001"}, {SEND, REPLY(1, "b")}, {EXPECT, "GET /c "}, {HAS, "username=\"a\""},
        {HAS, "nc=00000002"}, {SEND, REPLY(1, "c")}, {EXPECT_END});
    static const char *const users[] = {"a", "b\"c", "a"};
    struct loopback *server = loopback_open(&script, 1);
    struct haul_auth auth = {.digest = true};
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1, .auth = &auth});
    for (int i = 0; i < 3; i++) {
        char url[64];
        snprintf(url, sizeof url, "%s://127.0.0.1:%u/%c", gathering_scheme(), loopback_port(server),
                 'a' + i);
        assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url, .user = users[i]}),
                         0);
    }
    gathering_expect(haul, "200 ok '' reused\n200 ok '' reused\n200 ok '' reused\n");
    gathering_close(haul);
    assert_loopback(server);
}

/* --- chance ----------------------------------------------------------------------------------- */

static void choose(uint64_t seed, struct haul_options *options)
{
    static const struct haul_auth auth = {
        .digest = true, .user = "Mufasa", .password = "Circle of Life"};
    (void)seed;
    options->auth = &auth;
}

static void nobody_uses_a_session(const struct haul *haul)
{
    const struct sessions *sessions = &haul->engine.sessions;
    for (uint32_t i = 0; i < sessions->slab.touched; i++)
        assert_int_equal(sessions->list[i].users, 0);
}

/* A server that asks as often as it answers, with old nonces and new ones. */
static void nothing_is_lost_whatever_happens(void)
{
    static const char *const replies[] = {ASKS(FIELD(BY("n"))), REPLY(1, "x"),
                                          ASKS(FIELD(STALE("o"))), ASKS(FIELD(STALE("n"))),
                                          REPLY(1, "x")};
    chance_run(&(const struct chance){.replies = replies,
                                      .reply_count = sizeof replies / sizeof *replies,
                                      .choose = choose,
                                      .check = nobody_uses_a_session});
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(a_refusal_says_why),
    SCENARIO(a_round_is_an_attempt),
    SCENARIO(no_answer_elsewhere),
    SCENARIO(a_stall_in_a_round_runs_out_of_time),
    SCENARIO(a_request_is_cancelled_in_a_round),
    SCENARIO(users_do_not_share_a_nonce),
    SCENARIO(nothing_is_lost_whatever_happens),
};

int main(void)
{
    return tls_gathering_main(rows, sizeof rows / sizeof *rows, scenarios,
                              sizeof scenarios / sizeof *scenarios);
}
