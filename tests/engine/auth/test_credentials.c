/* Credentials that are sent unasked: whose they are, what goes before what, and where they go, over
 * each loop, plain and over TLS. What is sent is written in base64: dTpw is u:p. */

#include "tests/lib/engine/engine_rows.h"
#include "tests/lib/tls/tls_gathering.h"
#include "tests/lib/tls/tls_loopback.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define AUTH(...)                                                                                  \
    .auth = &(const struct haul_auth)                                                              \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define FOLLOW                                                                                     \
    .redirect = &(const struct haul_redirect)                                                      \
    {                                                                                              \
        .follow = true                                                                             \
    }
#define TO(status, path)                                                                           \
    "HTTP/1.1 " status " x\r\nContent-Length: 2\r\nLocation: " path "\r\n\r\nno"
#define BASIC(value) HAS, "\r\nAuthorization: Basic " value "\r\n"
#define LACKING LACKS, "Authorization"

static const struct gathering_row rows[] = {
    {
        "Basic goes out with every request, once",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {BASIC("dTpw")}, {SEND, REPLY(1, "a")},
                       {EXPECT, "GET /b "}, {BASIC("dTpw")}, {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a", "/b"},
        .options = {AUTH(.user = "u", .password = "p")},
        .transcript = "200 ok 'a'\n200 ok 'b' reused\n",
    },
    {
        "a 401 to it is the reply",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {BASIC("dTpw")},
                       {SEND, "HTTP/1.1 401 x\r\nContent-Length: 1\r\n"
                              "WWW-Authenticate: Basic realm=x\r\n\r\na"},
                       {EXPECT_END})),
        .requests = {"/a"},
        .options = {AUTH(.user = "u", .password = "p")},
        .transcript = "401 ok 'a'\n",
    },
    {
        "a user alone, a password alone, neither of any length",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {BASIC("dTo=")}, {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {AUTH(.user = "u")},
        .transcript = "200 ok 'a'\n",
    },
    {
        "a password without a user",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {BASIC("OnA=")}, {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {AUTH(.password = "p")},
        .transcript = "200 ok 'a'\n",
    },
    {
        "a token goes before a user",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {HAS, "\r\nAuthorization: Bearer tok~en=\r\n"},
                       {LACKS, "Basic"}, {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {AUTH(.bearer = "tok~en=", .user = "u")},
        .transcript = "200 ok 'a'\n",
    },
    {
        "a field goes before all of it",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {HAS, "\r\nauthorization: mine\r\n"}, {LACKING},
                       {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {AUTH(.user = "u", .netrc = "default login x password y"),
                    .headers = (const char *const[]){"authorization: mine", NULL}},
        .transcript = "200 ok 'a'\n",
    },
    {
        "one that takes it away, too",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {LACKING}, {SEND, REPLY(1, "a")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {AUTH(.netrc = "default login x password y"),
                    .headers = (const char *const[]){"Authorization:", NULL}},
        .transcript = "200 ok 'a'\n",
    },
    {
        "they stay with redirects at home",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {BASIC("dTpw")}, {SEND, TO("302", "/b")},
                       {EXPECT, "GET /b "}, {BASIC("dTpw")}, {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {AUTH(.user = "u", .password = "p"), FOLLOW},
        .transcript = "200 ok 'b' reused\n",
    },
    {
        "the netrc's default, for a URL that was asked for, and where that leads at home",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {BASIC("dTpw")}, {SEND, TO("302", "/b")},
                       {EXPECT, "GET /b "}, {BASIC("dTpw")}, {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a"},
        .options = {AUTH(.netrc = "machine other login a password b default login u password p"),
                    FOLLOW},
        .transcript = "200 ok 'b' reused\n",
    },
    {
        "a resend on a fresh connection has them too",
        SCRIPTS(SCRIPT({EXPECT, "GET /a "}, {BASIC("dTpw")}, {SEND, REPLY(1, "a")},
                       {EXPECT, "GET /b "}, {CLOSE}),
                SCRIPT({EXPECT, "GET /b "}, {BASIC("dTpw")}, {SEND, REPLY(1, "b")}, {EXPECT_END})),
        .requests = {"/a", "/b"},
        .options = {AUTH(.netrc = "machine 127.0.0.1 login u password p")},
        .transcript = "200 ok 'a'\n200 ok 'b'\n",
        .retries = 1,
    },
};

/* --- URLs and requests of their own ----------------------------------------------------------- */

/* url: what goes before the host, and behind the port. sent: "" nothing. */
static const struct of_url {
    const char *before, *behind;
    struct haul_auth auth;
    const char *user, *password, *bearer;
    const char *sent;
} of_urls[] = {
    {"u:p@", "/", {0}, NULL, NULL, NULL, "Basic dTpw"},
    {"u@", "", {0}, NULL, NULL, NULL, "Basic dTo="},
    {":p@", "?x@y", {0}, NULL, NULL, NULL, "Basic OnA="},
    {"@", "/#x@y", {0}, NULL, NULL, NULL, "Basic Og=="},
    {"a%40b:c%3ad%20@", "/", {0}, NULL, NULL, NULL, "Basic YUBiOmM6ZCA="},
    {"a%zzb:%@", "/", {0}, NULL, NULL, NULL, "Basic YSV6emI6JQ=="},
    {"", "/u:p@x", {0}, NULL, NULL, NULL, ""},
    /* what goes before the URL's, as in curl */
    {"c:d@", "/", {.user = "u", .password = "p"}, NULL, NULL, NULL, "Basic dTpw"},
    {"c:d@", "/", {.user = "u"}, NULL, NULL, NULL, "Basic dTo="},
    {"c:d@", "/", {.bearer = "t"}, NULL, NULL, NULL, "Bearer t"},
    {"c:d@", "/", {0}, "u", "p", NULL, "Basic dTpw"},
    {"c:d@", "/", {0}, NULL, NULL, "t", "Bearer t"},
    {"", "/", {.user = "c", .password = "d"}, "u", "p", NULL, "Basic dTpw"},
    {"", "/", {.bearer = "t"}, "u", "p", NULL, "Basic dTpw"},
    {"", "/", {.user = "c"}, NULL, NULL, "t", "Bearer t"},
    {"", "/", {.user = "c"}, NULL, "p", NULL, "Basic OnA="},
    {"", "/", {.user = "c"}, "", "", NULL, "Basic Og=="},
    /* the netrc, by the login of the URL */
    {"", "/", {.netrc = "machine 127.0.0.1 login u password p"}, NULL, NULL, NULL, "Basic dTpw"},
    {"", "/", {.netrc = "machine other login u password p"}, NULL, NULL, NULL, ""},
    {"", "/", {.netrc = ""}, NULL, NULL, NULL, ""},
    {"",
     "/",
     {.netrc = "default login u password p machine 127.0.0.1 login a password b"},
     NULL,
     NULL,
     NULL,
     "Basic dTpw"},
    {"c:d@",
     "/",
     {.netrc = "machine 127.0.0.1 login u password p"},
     NULL,
     NULL,
     NULL,
     "Basic Yzpk"},
    {"u:d@",
     "/",
     {.netrc = "machine 127.0.0.1 login u password p"},
     NULL,
     NULL,
     NULL,
     "Basic dTpw"},
    {"u:d@",
     "/",
     {.netrc = "machine 127.0.0.1 login u password p", .netrc_optional = true},
     NULL,
     NULL,
     NULL,
     "Basic dTpk"},
    {"u@",
     "/",
     {.netrc = "machine 127.0.0.1 login u password p", .netrc_optional = true},
     NULL,
     NULL,
     NULL,
     "Basic dTpw"},
    {"u@",
     "/",
     {.netrc = "machine 127.0.0.1 login a password b login u password p"},
     NULL,
     NULL,
     NULL,
     "Basic dTpw"},
    {"c@",
     "/",
     {.netrc = "machine 127.0.0.1 login a password b login u password p"},
     NULL,
     NULL,
     NULL,
     "Basic Yzo="},
    {"u@", "/", {.netrc = "machine 127.0.0.1 password p"}, NULL, NULL, NULL, "Basic dTpw"},
    {"", "/", {.netrc = "machine 127.0.0.1 password p"}, NULL, NULL, NULL, "Basic OnA="},
    {"",
     "/",
     {.netrc = "machine 127.0.0.1 login x password y", .user = "u"},
     NULL,
     NULL,
     NULL,
     "Basic dTo="},
    {"", "/", {.netrc = "machine 127.0.0.1 login x password y"}, "u", "p", NULL, "Basic dTpw"},
    /* what an entry lacks is not another's */
    {"",
     "/",
     {.netrc = "machine 127.0.0.1 login u machine other login a password b"},
     NULL,
     NULL,
     NULL,
     "Basic dTo="},
    {"",
     "/",
     {.netrc = "machine 127.0.0.1 login u default login a password b"},
     NULL,
     NULL,
     NULL,
     "Basic dTo="},
    {"",
     "/",
     {.netrc = "machine 127.0.0.1 login u machine 127.0.0.1 login a password b"},
     NULL,
     NULL,
     NULL,
     "Basic dTo="},
    {"", "/", {.netrc = "machine 127.0.0.1 default login a password b"}, NULL, NULL, NULL, ""},
    {"u:d@",
     "/",
     {.netrc = "machine 127.0.0.1 login u default login a password b"},
     NULL,
     NULL,
     NULL,
     "Basic dTpk"},
};

static void of_url_check(const struct of_url *row)
{
    char field[80], url[256], shown[256];
    struct loopback_script script =
        SCRIPT({EXPECT, "GET "}, {LACKING}, {SEND, REPLY(1, "a")}, {EXPECT_END});
    snprintf(field, sizeof field, "\r\nAuthorization: %s\r\n", row->sent);
    if (row->sent[0])
        script.rows[1] = (struct loopback_row){HAS, field};
    struct loopback *server = loopback_open(&script, 1);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .auth = &row->auth});
    unsigned port = loopback_port(server);
    snprintf(url, sizeof url, "%s://%s127.0.0.1:%u%s", gathering_scheme(), row->before, port,
             row->behind);
    snprintf(shown, sizeof shown, "%s://127.0.0.1:%u%s", gathering_scheme(), port, row->behind);
    gathering_note("%s, %s", url, row->sent);
    assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url,
                                                              .user = row->user,
                                                              .password = row->password,
                                                              .bearer = row->bearer}),
                     0);
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_OK);
    assert_string_equal(result->url, shown);
    assert_int_equal(result->url_length, strlen(shown));
    assert_string_equal(result->url_effective, shown);
    haul_release(haul, result);
    gathering_close(haul);
    assert_loopback(server);
}

static void each_source_has_its_place(void)
{
    for (size_t i = 0; i < sizeof of_urls / sizeof *of_urls; i++)
        of_url_check(&of_urls[i]);
}

/* A URL that fills its memory but for the user information, which lies behind it. */
static void long_urls_have_them_too(void)
{
    static char url[16001];
    for (size_t length = 90; length < 130; length++) {
        static const struct loopback_script script =
            SCRIPT({EXPECT, "GET /xx"}, {BASIC("dTpw")}, {SEND, REPLY(1, "a")}, {EXPECT_END});
        struct loopback *server = loopback_open(&script, 1);
        struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1});
        size_t used = (size_t)snprintf(url, sizeof url, "%s://u:p@127.0.0.1:%u/",
                                       gathering_scheme(), loopback_port(server));
        size_t all = length < 129 ? length : 15000;
        memset(url + used, 'x', all - used);
        url[all] = '\0';
        gathering_submit(haul, server, url);
        gathering_expect(haul, "200 ok ''\n");
        gathering_close(haul);
        assert_loopback(server);
    }
}

/* Nothing that is told of a URL has a password in it, whatever is wrong with that. */
static void what_is_refused_shows_none(void)
{
    static const char *const refused[][2] = {
        {"http://u:secret@h h/", "http://h h/"}, {"http://u:secret@h:x/", "http://h:x/"},
        {"http://u:secret@", "http://"},         {"http://u:secret@a@b/", "http://b/"},
        {"http://u:sec/ret@b/", "http://b/"},    {"u:secret@b/", "b/"},
        {"ftp://u:secret@b/", "ftp://b/"},       {"http://u:%00secret@b/", "http://b/"},
    };
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1});
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        gathering_submit_to(haul, 1, refused[i][0]);
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_URL);
        assert_string_equal(result->url, refused[i][1]);
        assert_null(strstr(result->message, "secret"));
        haul_release(haul, result);
    }
    gathering_close(haul);
}

static void control_bytes_are_refused(void)
{
    static const struct haul_request requests[] = {
        {.url = "http://127.0.0.1:1/", .user = "a\rb"},
        {.url = "http://127.0.0.1:1/", .password = "a\tb"},
        {.url = "http://127.0.0.1:1/", .bearer = "a\nX: b"},
    };
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1});
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        assert_int_equal(haul_submit(haul, &requests[i]), 0);
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_URL);
        assert_string_equal(result->message, "the user, password or bearer has a control byte");
        haul_release(haul, result);
    }
    gathering_close(haul);
}

static void options_are_refused_by_name(void)
{
    static const struct {
        struct haul_auth auth;
        const char *option, *message;
    } refused[] = {
        {{.user = "a\x7f"}, "user", "user has a control byte"},
        {{.user = "a", .password = "\n"}, "password", "password has a control byte"},
        {{.bearer = "\t"}, "bearer", "bearer has a control byte"},
        {{.digest = true, .bearer = "t"},
         "bearer",
         "bearer is a token, which digest has no use for"},
        {{.netrc = "machine h login \"a"},
         "netrc",
         "netrc has a quoted word without an end on its line"},
        {{.netrc = "machine h login \"a\\n\""},
         "netrc",
         "netrc has a login or password with a control byte"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct haul *haul;
        struct haul_open_error why;
        struct haul_options options = {.auth = &refused[i].auth, .loop = gathering_loop()};
        assert_int_equal(haul_open_explained(&haul, &options, &why), -EINVAL);
        assert_string_equal(why.option, refused[i].option);
        assert_string_equal(why.message, refused[i].message);
        assert_null(why.item);
    }
}

/* --- elsewhere -------------------------------------------------------------------------------- */

/* From one server to another and back; both hosts are this one, by two names that --resolve knows,
 * and ports differ too. sent: at a, at b, at a again. */
static const struct {
    const char *name;
    struct haul_auth auth;
    const char *before; /* of the host, in the URL */
    bool is_trusted;
    const char *sent[3];
} travels[] = {
    {"given", {.user = "u", .password = "p"}, "", false, {"dTpw", NULL, NULL}},
    {"trusted", {.user = "u", .password = "p"}, "", true, {"dTpw", "dTpw", "dTpw"}},
    {"in the URL", {0}, "u:p@", false, {"dTpw", NULL, NULL}},
    {"in the URL, trusted", {0}, "u:p@", true, {"dTpw", "dTpw", "dTpw"}},
    {"netrc: each has its own",
     {.netrc = "machine a.test login u password p machine b.test login a password b"},
     "",
     false,
     {"dTpw", "YTpi", "dTpw"}},
    {"netrc: the default is not for who is led there",
     {.netrc = "default login u password p"},
     "",
     false,
     {"dTpw", NULL, NULL}},
    {"netrc: nor is another's, where it is trusted",
     {.netrc = "machine a.test login u password p default login a password b"},
     "",
     true,
     {"dTpw", NULL, "dTpw"}},
    {"netrc: one without a password has none",
     {.netrc = "machine a.test login u password p machine b.test login a"},
     "",
     false,
     {"dTpw", "YTo=", "dTpw"}},
    {"netrc: one with nothing has nothing",
     {.netrc = "machine a.test login u password p machine b.test machine c.test login a"},
     "",
     false,
     {"dTpw", NULL, "dTpw"}},
    {"netrc: not asked beside a user",
     {.user = "u", .password = "p", .netrc = "machine b.test login a password b"},
     "",
     false,
     {"dTpw", NULL, NULL}},
    {"netrc, and the URL has a user",
     {.netrc = "machine b.test login a password b"},
     "u:p@",
     false,
     {"dTpw", "YTpi", NULL}},
};

/* A reply that leads to another server, under another name. */
static void lead(char *text, size_t size, const char *host, const struct loopback *server)
{
    snprintf(text, size,
             "HTTP/1.1 302 x\r\nConnection: close\r\nContent-Length: 0\r\n"
             "Location: http://x:y@%s:%u/\r\n\r\n",
             host, loopback_port(server));
}

static struct loopback_row expect_sent(char *field, size_t size, const char *sent)
{
    snprintf(field, size, "\r\nAuthorization: Basic %s\r\n", sent ? sent : "");
    return sent ? (struct loopback_row){HAS, field} : (struct loopback_row){LACKING};
}

/* Plain, whatever the others are: names that are resolved here are no certificate's. */
static void travel_check(size_t index)
{
    static char leads[2][128], fields[3][64], resolve[2][64], url[64];
    static struct loopback_script a[2], b;
    const char *resolves[] = {resolve[0], resolve[1], NULL};
    a[0] = a[1] = b =
        (struct loopback_script)SCRIPT({EXPECT, "GET / "}, {LACKING}, {SEND, NULL}, {EXPECT_END});
    struct loopback *home = loopback_open(a, 2), *abroad = loopback_open(&b, 1);
    a[0].rows[1] = expect_sent(fields[0], sizeof fields[0], travels[index].sent[0]);
    b.rows[1] = expect_sent(fields[1], sizeof fields[1], travels[index].sent[1]);
    a[1].rows[1] = expect_sent(fields[2], sizeof fields[2], travels[index].sent[2]);
    lead(leads[0], sizeof leads[0], "b.test", abroad);
    lead(leads[1], sizeof leads[1], "a.test", home);
    a[0].rows[2].text = leads[0];
    b.rows[2].text = leads[1];
    a[1].rows[2].text = REPLY(1, "a");
    snprintf(resolve[0], sizeof resolve[0], "a.test:%u:127.0.0.1", loopback_port(home));
    snprintf(resolve[1], sizeof resolve[1], "b.test:%u:127.0.0.1", loopback_port(abroad));
    snprintf(url, sizeof url, "http://%sa.test:%u/", travels[index].before, loopback_port(home));
    struct haul_redirect redirect = {.follow = true, .location_trusted = travels[index].is_trusted};
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1,
                                                              .keep_bodies = true,
                                                              .resolve = resolves,
                                                              .redirect = &redirect,
                                                              .auth = &travels[index].auth});
    gathering_note("%s", travels[index].name);
    gathering_submit(haul, home, url);
    gathering_expect(haul, "200 ok 'a'\n");
    gathering_close(haul);
    assert_loopback(home);
    assert_loopback(abroad);
}

static void what_goes_to_another_origin(void)
{
    loopback_use(NULL);
    for (size_t i = 0; i < sizeof travels / sizeof *travels; i++)
        travel_check(i);
    if (strcmp(gathering_scheme(), "https") == 0)
        loopback_use(tls_loopback_layer());
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(each_source_has_its_place),   SCENARIO(long_urls_have_them_too),
    SCENARIO(what_is_refused_shows_none),  SCENARIO(control_bytes_are_refused),
    SCENARIO(options_are_refused_by_name), SCENARIO(what_goes_to_another_origin),
};

int main(void)
{
    return tls_gathering_main(rows, sizeof rows / sizeof *rows, scenarios,
                              sizeof scenarios / sizeof *scenarios);
}
