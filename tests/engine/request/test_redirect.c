/* Redirects: what is asked where, plain and over TLS, each row over every loop; and what becomes of
 * a request when something goes wrong at one of its hops. */

#include "engine/engine.h"
#include "tests/lib/address.h"
#include "tests/lib/engine/chance.h"
#include "tests/lib/engine/engine_rows.h"
#include "tests/lib/tls/tls_gathering.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FOLLOW                                                                                     \
    .redirect = &(const struct haul_redirect)                                                      \
    {                                                                                              \
        .follow = true                                                                             \
    }
#define TO(status, path)                                                                           \
    "HTTP/1.1 " status " x\r\nContent-Length: 2\r\nLocation: " path "\r\n\r\nno"

static const struct gathering_row rows[] = {
    {
        "a redirect is followed on the connection that it came by",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, TO("302", "/b")}, {EXPECT, "GET /b "},
                       {SEND, TO("301", "c?d")}, {EXPECT, "GET /c?d "}, {SEND, REPLY(1, "c")},
                       {EXPECT_END})),
        .requests = {"/a"},
        .options = {FOLLOW},
        .transcript = "200 ok 'c' reused\n",
    },
    {
        "or is the result",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, TO("302", "/b")}, {EXPECT_END})),
        .requests = {"/a"},
        .transcript = "302 ok 'no'\n",
    },
    {
        "each status that leads elsewhere, and those that do not",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, TO("300", "/1")}, {EXPECT, "GET /1 "},
                       {SEND, TO("303", "/2")}, {EXPECT, "GET /2 "}, {SEND, TO("307", "/3")},
                       {EXPECT, "GET /3 "}, {SEND, TO("308", "/4")}, {EXPECT, "GET /4 "},
                       {SEND, TO("305", "/5")}, {EXPECT, "GET /5 "}, {SEND, TO("306", "/6")},
                       {EXPECT, "GET /6 "}, {SEND, TO("399", "/7")}, {EXPECT, "GET /7 "},
                       {SEND, "HTTP/1.1 304 x\r\nLocation: /8\r\n\r\n"}, {EXPECT, "GET /b "},
                       {SEND, TO("201", "/9")}, {EXPECT, "GET /c "}, {SEND, TO("400", "/10")},
                       {EXPECT, "GET /d "}, {SEND, "HTTP/1.1 302 x\r\nContent-Length: 0\r\n\r\n"},
                       {EXPECT, "GET /e "},
                       {SEND, "HTTP/1.1 302 x\r\nLocation:\r\nContent-Length: 0\r\n\r\n"},
                       {EXPECT_END})),
        .requests = {"/a", "/b", "/c", "/d", "/e"},
        .options = {FOLLOW},
        .transcript = "304 ok '' reused\n201 ok 'no' reused\n400 ok 'no' reused\n"
                      "302 ok '' reused\n302 ok '' reused\n",
    },
    {
        "301 and 302 make GET of POST, and of nothing else",
        SCRIPTS(SCRIPT({EXPECT, "POST /a "}, {EXPECT_BODY, "x=1"}, {SEND, TO("301", "/b")},
                       {EXPECT, "GET /b "}, {LACKS, "Content-"}, {SEND, REPLY(1, "b")},
                       {EXPECT, "POST /c "}, {EXPECT_BODY, "x=1"}, {SEND, TO("302", "/d")},
                       {EXPECT, "GET /d "}, {LACKS, "Content-"}, {SEND, REPLY(1, "d")},
                       {EXPECT, "PUT /e "}, {EXPECT_BODY, "x=1"}, {SEND, TO("301", "/f")},
                       {EXPECT, "PUT /f "}, {HAS, "Content-Type: a/b\r\n"}, {EXPECT_BODY, "x=1"},
                       {SEND, TO("302", "/g")}, {EXPECT, "PUT /g "}, {EXPECT_BODY, "x=1"},
                       {SEND, REPLY(1, "g")}, {EXPECT_END})),
        .requests = {"/a", "POST /c", "PUT /e"},
        .options = {FOLLOW, .body = "x=1", .body_length = 3, .has_body = true,
                    .headers = (const char *const[]){"Content-Type: a/b", "Content-MD5: c", NULL}},
        .transcript = "200 ok 'b' reused\n200 ok 'd' reused\n200 ok 'g' reused\n",
    },
    {
        "303 makes GET of all but HEAD",
        SCRIPTS(SCRIPT(
            {EXPECT, "POST /a "}, {SEND, TO("303", "/b")}, {EXPECT, "GET /b "}, {LACKS, "Content-"},
            {SEND, REPLY(1, "b")}, {EXPECT, "PUT /c "}, {SEND, TO("303", "/d")},
            {EXPECT, "GET /d "}, {SEND, REPLY(1, "d")}, {EXPECT, "HEAD /e "},
            {SEND, "HTTP/1.1 303 x\r\nContent-Length: 5\r\nLocation: /f\r\n\r\n"},
            {EXPECT, "HEAD /f "}, {SEND, REPLY(5, "")}, {EXPECT, "DELETE /g "},
            {SEND, TO("303", "/h")}, {EXPECT, "GET /h "}, {SEND, REPLY(1, "h")}, {EXPECT_END})),
        .requests = {"POST /a", "PUT /c", "HEAD /e", "DELETE /g"},
        .options = {FOLLOW},
        .transcript = "200 ok 'b' reused\n200 ok 'd' reused\n200 ok '' reused\n"
                      "200 ok 'h' reused\n",
    },
    {
        "307 and 308 change nothing",
        SCRIPTS(SCRIPT({EXPECT, "POST /a "}, {EXPECT_BODY, "x=1"}, {SEND, TO("307", "/b")},
                       {EXPECT, "POST /b "}, {HAS, "Content-Length: 3\r\n"}, {EXPECT_BODY, "x=1"},
                       {SEND, TO("308", "/c")}, {EXPECT, "POST /c "}, {EXPECT_BODY, "x=1"},
                       {SEND, REPLY(1, "c")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {FOLLOW, .body = "x=1", .body_length = 3, .has_body = true},
        .transcript = "200 ok 'c' reused\n",
    },
    {
        "POST stays where that was asked for",
        SCRIPTS(SCRIPT({EXPECT, "POST /a "}, {EXPECT_BODY, "x"}, {SEND, TO("301", "/b")},
                       {EXPECT, "POST /b "}, {EXPECT_BODY, "x"}, {SEND, TO("302", "/c")},
                       {EXPECT, "POST /c "}, {EXPECT_BODY, "x"}, {SEND, TO("303", "/d")},
                       {EXPECT, "POST /d "}, {EXPECT_BODY, "x"}, {SEND, REPLY(1, "d")},
                       {EXPECT, "PUT /e "}, {EXPECT_BODY, "x"}, {SEND, TO("303", "/f")},
                       {EXPECT, "GET /f "}, {SEND, REPLY(1, "f")}, {EXPECT_END})),
        .requests = {"/a", "PUT /e"},
        .options = {.redirect =
                        &(const struct haul_redirect){
                            .follow = true, .post301 = true, .post302 = true, .post303 = true},
                    .body = "x",
                    .body_length = 1,
                    .has_body = true},
        .transcript = "200 ok 'd' reused\n200 ok 'f' reused\n",
    },
    {
        "GET does not become POST again",
        SCRIPTS(SCRIPT({EXPECT, "POST /a "}, {EXPECT_BODY, "x"}, {SEND, TO("303", "/b")},
                       {EXPECT, "GET /b "}, {SEND, TO("307", "/c")}, {EXPECT, "GET /c "},
                       {LACKS, "Content-"}, {SEND, REPLY(1, "c")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {FOLLOW, .body = "x", .body_length = 1, .has_body = true},
        .transcript = "200 ok 'c' reused\n",
    },
    {
        "too many",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, TO("302", "/b")}, {EXPECT, "GET /b "},
                       {SEND, TO("302", "/c")}, {EXPECT, "GET /c "}, {SEND, TO("302", "/d")},
                       {EXPECT_END})),
        .requests = {"/a"},
        .options = {.redirect =
                        &(const struct haul_redirect){.follow = true, .has_max = true, .max = 2}},
        .transcript = "302 redirect@head '' reused\n",
    },
    {
        "none may be followed",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, TO("302", "/b")}, {EXPECT_END}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a", "/b"},
        .options = {.redirect = &(const struct haul_redirect){.follow = true, .has_max = true}},
        .transcript = "302 redirect@head ''\n200 ok 'b'\n",
    },
    {
        "what cannot be followed",
        SCRIPTS(
            SCRIPT({EXPECT, "GET /a "}, {SEND, TO("302", "ftp://127.0.0.1/")}, {EXPECT_END}),
            SCRIPT({EXPECT, "GET /b "}, {SEND, TO("302", "/\\127.0.0.1/")}, {EXPECT_END}),
            SCRIPT({EXPECT, "GET /c "}, {SEND, TO("302", "http://127.0.0.1:99999/")}, {EXPECT_END}),
            SCRIPT({EXPECT, "GET /d "}, {SEND, TO("302", "/x\r\nLocation: /y")}, {EXPECT_END}),
            SCRIPT({EXPECT, "GET /e "}, {SEND, TO("302", "http://u@v@127.0.0.1/")}, {EXPECT_END})),
        .requests = {"/a", "/b", "/c", "/d", "/e"},
        .options = {FOLLOW},
        .transcript = "302 redirect@head ''\n302 redirect@head ''\n302 redirect@head ''\n"
                      "302 redirect@head ''\n302 redirect@head ''\n",
    },
    {
        "a body of up to 16 KiB keeps the connection",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "},
                       {SEND, "HTTP/1.1 302 x\r\nContent-Length: 16384\r\nLocation: /b\r\n\r\n"},
                       {FILL, NULL, 16384}, {EXPECT, "GET /b "}, {SEND, REPLY(1, "b")},
                       {EXPECT_END})),
        .requests = {"/a"},
        .options = {FOLLOW},
        .transcript = "200 ok 'b' reused\n",
    },
    {
        "a longer one is not waited for",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "},
                       {SEND, "HTTP/1.1 302 x\r\nContent-Length: 16385\r\nLocation: /b\r\n\r\n"},
                       {EXPECT_END}),
                SCRIPT({EXPECT, "GET /b "},
                       {SEND, "HTTP/1.1 302 x\r\nLocation: /c\r\n\r\nuntil it closes"},
                       {EXPECT_END}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {FOLLOW},
        .transcript = "200 ok 'c'\n",
    },
    {
        "nor one in chunks without end, or that breaks",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "},
                       {SEND, "HTTP/1.1 302 x\r\nTransfer-Encoding: chunked\r\nLocation: /b\r\n\r\n"
                              "10000\r\n"},
                       {FILL, NULL, 16385}, {HOLD}),
                SCRIPT({EXPECT, "GET /b "},
                       {SEND, "HTTP/1.1 302 x\r\nContent-Length: 9\r\nLocation: /c\r\n\r\nbreaks"},
                       {RESET}),
                SCRIPT({EXPECT, "GET /c "},
                       {SEND, "HTTP/1.1 302 x\r\nContent-Length: 9\r\nLocation: /d\r\n\r\nends"},
                       {CLOSE}),
                SCRIPT({EXPECT, "GET /d "},
                       {SEND, "HTTP/1.1 302 x\r\nTransfer-Encoding: chunked\r\nLocation: /e\r\n\r\n"
                              "nonsense\r\n"},
                       {HOLD}),
                SCRIPT({EXPECT, "GET /e "}, {SEND, REPLY(1, "e")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {FOLLOW},
        .transcript = "200 ok 'e'\n",
    },
    {
        "a server that closes after it",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "},
                       {SEND, "HTTP/1.1 302 x\r\nConnection: close\r\nContent-Length: 0\r\n"
                              "Location: /b\r\n\r\n"},
                       {CLOSE}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {FOLLOW},
        .transcript = "200 ok 'b'\n",
    },
    {
        "what goes wrong at a hop is the result, without what came before",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, TO("302", "/b")}, {EXPECT, "GET /b "},
                       {SEND, "HT"}, {CLOSE}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, TO("302", "/d")}, {EXPECT, "GET /d "},
                       {SEND, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nd"}, {RESET})),
        .requests = {"/a", "/c"},
        .options = {FOLLOW, .keep_headers = true},
        .transcript = "0 truncated@head '' reused\n200 receive@body 'd' reused\n",
    },
    {
        "a kept connection that dies at a hop is the hop's to try once more",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, TO("302", "/b")}, {EXPECT, "GET /b "}, {CLOSE}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, TO("302", "/c")}, {EXPECT, "GET /c "}, {RESET}),
                SCRIPT({EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {FOLLOW},
        .transcript = "200 ok 'c'\n",
        .retries = 2,
    },
    {
        "a status that counts as a failure counts at the last hop",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {SEND, TO("302", "/b")}, {EXPECT, "GET /b "},
                       {SEND, "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n"}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {FOLLOW, .fail_status = 300},
        .transcript = "404 status@body '' reused\n",
    },
};

/* --- two servers ------------------------------------------------------------------------------ */

static void lead(char *reply, size_t size, uint16_t port, const char *host)
{
    snprintf(reply, size,
             "HTTP/1.1 302 x\r\nContent-Length: 0\r\nLocation: %s://user:secret@%s:%u/there\r\n"
             "Set-Cookie: a=b\r\n\r\n",
             gathering_scheme(), host, port);
}

static const char *const secrets[] = {
    "Authorization: Bearer s", "Cookie: a=b",  "proxy-authorization: Basic s",
    "Host: else.where",        "X-Api-Key: k", NULL};

/* To another port and back, and on from there. */
static void what_is_secret_stays_at_home(void)
{
    char back[256], there[256];
    struct loopback_script there_scripts[] = {
        SCRIPT({EXPECT, "GET /there HTTP/1.1\r\nHost: 127.0.0.1:"}, {LACKS, "uthorization"},
               {LACKS, "Cookie"}, {LACKS, "secret"}, {HAS, "X-Api-Key: k\r\n"}, {SEND, back},
               {EXPECT_END})};
    struct loopback_script here_scripts[] = {SCRIPT(
        {EXPECT, "GET /a HTTP/1.1\r\nHost: else.where\r\n"}, {HAS, "Authorization: Bearer s\r\n"},
        {HAS, "Cookie: a=b\r\n"}, {HAS, "proxy-authorization: Basic s\r\n"},
        {SEND, TO("302", "/b")}, {EXPECT, "GET /b HTTP/1.1\r\nHost: else.where\r\n"},
        {HAS, "Authorization"}, {SEND, there}, {EXPECT, "GET /there HTTP/1.1\r\nHost: 127.0.0.1:"},
        {LACKS, "uthorization"}, {LACKS, "Cookie"}, {HAS, "X-Api-Key"}, {SEND, TO("302", "/e")},
        {EXPECT, "GET /e HTTP/1.1\r\nHost: 127.0.0.1:"}, {LACKS, "uthorization"}, {LACKS, "Cookie"},
        {SEND, REPLY(1, "e")}, {EXPECT_END})};
    struct loopback *other = loopback_open(there_scripts, 1);
    struct loopback *server = loopback_open(here_scripts, 1);
    lead(there, sizeof there, loopback_port(other), "127.0.0.1");
    lead(back, sizeof back, loopback_port(server), "127.0.0.1");
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = 2, .keep_bodies = true, .headers = secrets, FOLLOW});
    gathering_submit(haul, server, "/a");
    const struct haul_result *result = gathering_next(haul);
    char effective[128];
    snprintf(effective, sizeof effective, "%s://127.0.0.1:%u/e", gathering_scheme(),
             loopback_port(server));
    assert_int_equal(result->status, 200);
    assert_int_equal(result->redirects, 4);
    assert_string_equal(result->url_effective, effective);
    assert_int_equal(result->url_effective_length, strlen(effective));
    assert_true(result->redirect_ns > 0 && result->redirect_ns <= result->total_ns);
    haul_release(haul, result);
    gathering_close(haul);
    assert_loopback(server);
    assert_loopback(other);
}

/* But the Host of the fields, which is the first one's. */
static void credentials_go_where_they_are_trusted(void)
{
    char there[256];
    struct loopback_script there_scripts[] = {SCRIPT(
        {EXPECT, "GET /there HTTP/1.1\r\nHost: 127.0.0.1:"}, {HAS, "Authorization: "},
        {HAS, "Cookie: "}, {HAS, "proxy-authorization: "}, {SEND, REPLY(1, "b")}, {EXPECT_END})};
    struct loopback_script here_scripts[] = {
        SCRIPT({EXPECT, "GET /a HTTP/1.1\r\nHost: else.where\r\n"}, {SEND, there}, {EXPECT_END})};
    struct loopback *other = loopback_open(there_scripts, 1);
    struct loopback *server = loopback_open(here_scripts, 1);
    lead(there, sizeof there, loopback_port(other), "127.0.0.1");
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = 1,
        .keep_bodies = true,
        .headers = secrets,
        .redirect = &(const struct haul_redirect){.follow = true, .location_trusted = true}});
    gathering_submit(haul, server, "/a");
    gathering_expect(haul, "200 ok 'b'\n");
    gathering_close(haul);
    assert_loopback(server);
    assert_loopback(other);
}

/* --- what is told ----------------------------------------------------------------------------- */

static void the_hops_are_listed(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, TO("302", "/b#f")}, {EXPECT, "GET /b "},
               {SEND, TO("307", "/c")}, {EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT_END})};
    static const struct haul_redirect redirect = {.follow = true, .keep_hops = true};
    for (int keeps_bodies = 0; keeps_bodies < 2; keeps_bodies++) {
        struct loopback *server = loopback_open(scripts, 1);
        struct haul *haul = gathering_open(&(struct haul_options){
            .concurrency = 1, .keep_bodies = keeps_bodies, .redirect = &redirect});
        gathering_submit(haul, server, "/a");
        const struct haul_result *result = gathering_next(haul);
        const struct haul_hop *first = result->hops;
        assert_non_null(first);
        assert_string_equal(first->url, result->url);
        assert_int_equal(first->status, 302);
        assert_true(first->total_ns > 0);
        const struct haul_hop *second = first->next;
        assert_non_null(second);
        assert_string_equal(second->url + second->url_length - 4, "/b#f");
        assert_int_equal(second->status, 307);
        assert_true(first->total_ns + second->total_ns <= result->redirect_ns);
        assert_null(second->next);
        assert_string_equal(result->url_effective + result->url_effective_length - 4, "/c#f");
        haul_release(haul, result);
        struct haul_facts facts;
        haul_get_facts(haul, &facts);
        assert_true(facts.redirects == 2 && facts.redirects_unfollowed == 0);
        gathering_close(haul);
        assert_loopback(server);
    }
}

/* With the reply that is one too many, which led there, and has what it has. */
static void the_message_says_what_went_round(void)
{
    static const struct {
        const char *replies[4];
        const char *says; /* all of it */
    } cases[] = {
        {{TO("302", "/b"), TO("302", "/c"), TO("302", "/d"), TO("302", "/e")},
         "too many redirects"},
        {{TO("302", "/b"), TO("302", "/a"), TO("302", "/b"), TO("302", "/a")},
         "too many redirects: the same URL came round again"},
        {{TO("302", "/b"), TO("302", "/c"), TO("302", "/d"), TO("302", "/b")},
         "too many redirects: the same URL came round again"},
        {{TO("302", "/a")}, "too many redirects: the same URL came round again"},
        {{TO("302", "/b\r\nSet-Cookie: a=b")},
         "too many redirects; a reply had set a cookie, which haul does not send back"},
        {{TO("302", "/a\r\nSet-Cookie: a=b"), TO("302", "/a"), TO("302", "/a"), TO("302", "/a")},
         "too many redirects: the same URL came round again; a reply had set a cookie"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct loopback_script script = {0};
        struct haul_redirect redirect = {.follow = true, .has_max = true, .max = -1};
        size_t at = 0;
        for (size_t reply = 0; reply < 4 && cases[i].replies[reply]; reply++) {
            script.rows[at++] = (struct loopback_row){EXPECT, "GET /"};
            script.rows[at++] = (struct loopback_row){SEND, cases[i].replies[reply]};
            redirect.max++;
        }
        script.rows[at] = (struct loopback_row){EXPECT_END};
        struct loopback *server = loopback_open(&script, 1);
        struct haul *haul =
            gathering_open(&(struct haul_options){.keep_headers = true, .redirect = &redirect});
        gathering_submit(haul, server, "/a");
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_REDIRECT);
        assert_int_equal(result->status, 302);
        assert_true(result->head_length > 0);
        assert_string_equal(result->message, cases[i].says);
        haul_release(haul, result);
        gathering_close(haul);
        assert_loopback(server);
    }
}

static void those_not_followed_are_counted(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, TO("302", "/b")}, {EXPECT, "GET /b "},
               {SEND, "HTTP/1.1 304 x\r\nLocation: /b\r\n\r\n"}, {EXPECT, "GET /c "},
               {SEND, TO("308", "\\")}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    gathering_submit(haul, server, "/a");
    gathering_submit(haul, server, "/b");
    gathering_submit(haul, server, "/c");
    struct haul_facts facts;
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->redirects, 0);
    assert_ptr_equal(result->url_effective, result->url);
    haul_release(haul, result);
    while (gathering_try(haul, &result, GATHERING_PATIENCE_MS) == 0)
        haul_release(haul, result);
    haul_get_facts(haul, &facts);
    assert_int_equal(facts.redirects_unfollowed, 2);
    gathering_close(haul);
    assert_loopback(server);
}

static void where_one_leads_is_told(void)
{
    static const struct {
        int status;
        const char *head, *url, *leads;
    } cases[] = {
        {302, "HTTP/1.1 302 x\r\nLocation: b?c\r\n\r\n", "http://h/a/x#f", "http://h/a/b?c#f"},
        {305, "HTTP/1.1 305 x\r\nLocation: //u@g:1/\r\n\r\n", "https://h", "https://g:1/"},
        {304, "HTTP/1.1 304 x\r\nLocation: /b\r\n\r\n", "http://h/", ""},
        {200, "HTTP/1.1 200 x\r\nLocation: /b\r\n\r\n", "http://h/", ""},
        {302, "HTTP/1.1 302 x\r\nA: b\r\n\r\n", "http://h/", ""},
        {302, "HTTP/1.1 302 x\r\nLocation: ftp://h/\r\n\r\n", "http://h/", ""},
        {302, "HTTP/1.1 302 x\r\nLocation: http://h:0x/\r\n\r\n", "http://h/", ""},
        {302, NULL, "http://h/", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct haul_result result = {
            .status = cases[i].status,
            .head = cases[i].head,
            .head_length = cases[i].head ? strlen(cases[i].head) : 0,
            .url_effective = cases[i].url,
            .url_effective_length = strlen(cases[i].url),
        };
        char url[64] = "before", few[8] = "before";
        size_t length = strlen(cases[i].leads);
        assert_int_equal(haul_redirect_url(&result, url, sizeof url), length);
        assert_string_equal(url, cases[i].leads);
        assert_int_equal(haul_redirect_url(&result, few, sizeof few), length);
        assert_int_equal(strncmp(few, cases[i].leads, sizeof few - 1), 0);
        assert_int_equal(strlen(few), length ? sizeof few - 1 : 0);
        assert_int_equal(haul_redirect_url(&result, NULL, 0), length);
    }
}

/* --- stalls and cancellation ------------------------------------------------------------------ */

/* Where a server stops, at the second hop or between the two. */
static const struct loopback_script stalls[] = {
    SCRIPT({EXPECT, "GET /a "}, {SEND, TO("302", "/b")}, {EXPECT, "GET /b "}, {HOLD}),
    SCRIPT({EXPECT, "GET /a "}, {SEND, TO("302", "/b")}, {EXPECT, "GET /b "}, {SEND, "HTTP/1.1"},
           {HOLD}),
    SCRIPT({EXPECT, "GET /a "}, {SEND, TO("302", "/b")}, {EXPECT, "GET /b "},
           {SEND, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nb"}, {HOLD}),
    SCRIPT({EXPECT, "GET /a "},
           {SEND, "HTTP/1.1 302 x\r\nContent-Length: 9\r\nLocation: /b\r\n\r\nstops"}, {HOLD}),
};

static void a_stall_at_any_hop_runs_out_of_time(void)
{
    for (size_t i = 0; i < sizeof stalls / sizeof *stalls; i++) {
        struct loopback *server = loopback_open(&stalls[i], 1);
        struct haul *haul =
            gathering_open(&(struct haul_options){.concurrency = 1, .max_time_ms = 300, FOLLOW});
        gathering_submit(haul, server, "/a");
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_DEADLINE);
        assert_true(result->total_ns >= UINT64_C(300000000));
        haul_release(haul, result);
        gathering_close(haul);
        loopback_close(server); /* a busy machine may not have come to the second hop */
    }
}

static void a_request_is_cancelled_at_any_hop(void)
{
    for (size_t i = 0; i < sizeof stalls / sizeof *stalls; i++) {
        struct loopback *server = loopback_open(&stalls[i], 1);
        struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1, FOLLOW});
        gathering_submit(haul, server, "/a");
        gathering_until_asked(haul, server, i < 3 ? 2 : 1);
        assert_int_equal(haul_cancel(haul, 0), 0);
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_CANCELLED);
        haul_release(haul, result);
        gathering_close(haul);
        assert_loopback(server);
    }
}

/* --- chance ----------------------------------------------------------------------------------- */

static void choose(uint64_t seed, struct haul_options *options)
{
    static const struct haul_redirect redirect = {.follow = true, .keep_hops = true};
    (void)seed;
    options->redirect = &redirect;
}

/* A server that redirects as often as it answers. */
static void nothing_is_lost_whatever_happens(void)
{
    static const char *const replies[] = {TO("302", "/b"), TO("307", "/c"), REPLY(1, "x"),
                                          TO("303", "d")};
    chance_run(&(const struct chance){
        .replies = replies, .reply_count = sizeof replies / sizeof *replies, .choose = choose});
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(what_is_secret_stays_at_home),
    SCENARIO(credentials_go_where_they_are_trusted),
    SCENARIO(the_hops_are_listed),
    SCENARIO(the_message_says_what_went_round),
    SCENARIO(those_not_followed_are_counted),
    SCENARIO(where_one_leads_is_told),
    SCENARIO(a_stall_at_any_hop_runs_out_of_time),
    SCENARIO(a_request_is_cancelled_at_any_hop),
    SCENARIO(nothing_is_lost_whatever_happens),
};

int main(void)
{
    return tls_gathering_main(rows, sizeof rows / sizeof *rows, scenarios,
                              sizeof scenarios / sizeof *scenarios);
}
