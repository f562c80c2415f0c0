/* URLs as they are given, what a server is asked for, and that results say what was given. */

#include "proto/http/idna.h"
#include "tests/lib/engine/engine_rows.h"

#include <stdio.h>
#include <string.h>

enum { URL_TEXT_BYTES = 2048 };

#define U50                                                                                        \
    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"     \
    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"     \
    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"     \
    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"     \
    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
#define E10 "%c3%bc%c3%bc%c3%bc%c3%bc%c3%bc%c3%bc%c3%bc%c3%bc%c3%bc%c3%bc"
#define E50 E10 E10 E10 E10 E10

static const struct seen {
    const char *host;
    const char *target;     /* as given */
    const char *line;       /* as received */
    const char *host_field; /* up to the port */
    bool path_as_is;
    bool is_idn;
} rows[] = {
    {"127.0.0.1", "/a/../b?c/../d#e", "GET /b?c/../d HTTP/1.1\r\n", "Host: 127.0.0.1:", 0, 0},
    {"127.0.0.1", "/a/../b", "GET /a/../b HTTP/1.1\r\n", "Host: 127.0.0.1:", true, 0},
    {"127.0.0.1", "/\xc3\xbc?\xc3\xbc", "GET /%c3%bc?\xc3\xbc HTTP/1.1\r\n", "Host: 127.0.0.1:", 0,
     0},
    {"127.0.0.1", "/\"<>\\^`{|}%?%", "GET /\"<>\\^`{|}%?% HTTP/1.1\r\n", "Host: 127.0.0.1:", 0, 0},
    {"127.1", "/", "GET / HTTP/1.1\r\n", "Host: 127.0.0.1:", 0, 0},
    {"0177.0.0.1", "", "GET / HTTP/1.1\r\n", "Host: 127.0.0.1:", 0, 0},
    {"2130706433", "?a", "GET /?a HTTP/1.1\r\n", "Host: 127.0.0.1:", 0, 0},
    {"0x7f.1", "/", "GET / HTTP/1.1\r\n", "Host: 127.0.0.1:", 0, 0},
    {"%6cocalhost", "/", "GET / HTTP/1.1\r\n", "Host: localhost:", 0, 0},
    {"b\xc3\xbc"
     "cher.localhost",
     "/", "GET / HTTP/1.1\r\n", "Host: xn--bcher-kva.localhost:", 0, true},
    {"fa\xc3\x9f.localhost", "/", "GET / HTTP/1.1\r\n", "Host: xn--fa-hia.localhost:", 0, true},

    /* Longer than what lies in a request's own memory, each in another way: by the text, by what
     * is kept behind it, and on the way out. */
    {"0x7f.1", "/" X500 "/../" X50, "GET /" X50 " HTTP/1.1\r\n", "Host: 127.0.0.1:", 0, 0},
    {"127.1", "/" X50 X40, "GET /" X50 X40 " HTTP/1.1\r\n", "Host: 127.0.0.1:", 0, 0},
    {"\xc3\xbc.localhost", "/" X50 X40 "/..", "GET / HTTP/1.1\r\n", "Host: xn--tda.localhost:", 0,
     true},
    {"127.0.0.1", "/" U50 U50 U50 U50, "GET /" E50 E50 E50 E50 " HTTP/1.1\r\n",
     "Host: 127.0.0.1:", 0, 0},
};

static void row_check(const struct seen *row)
{
    const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, row->line}, {HAS, row->host_field}, {SEND, REPLY(2, "ok")}, {EXPECT_END})};
    struct haul *haul = gathering_open(&(struct haul_options){.path_as_is = row->path_as_is});
    struct loopback *server = loopback_open(scripts, 1);
    const struct haul_result *result;
    char url[URL_TEXT_BYTES];
    snprintf(url, sizeof url, "http://%s:0%u%s", row->host, loopback_port(server), row->target);
    gathering_note("%.200s", url);
    gathering_submit(haul, server, url);
    result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_OK);
    assert_string_equal(result->url, url);
    haul_release(haul, result);
    gathering_close(haul);
    assert_loopback(server);
}

static void a_server_sees_what_is_meant(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!rows[i].is_idn || idna_version())
            row_check(&rows[i]);
}

/* One place has one connection, however it is written. */
static void one_place_is_one_origin(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "},
               {SEND, REPLY(1, "b")}, {EXPECT, "GET /c "}, {SEND, REPLY(1, "c")}, {EXPECT_END})};
    static const char *const formats[] = {"http://127.0.0.1:%u/a", "http://0x7f.1:0%u/b",
                                          "http://2130706433:%u/c"};
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    struct loopback *server = loopback_open(scripts, 1);
    char url[64];
    for (int i = 0; i < 3; i++) {
        snprintf(url, sizeof url, formats[i], loopback_port(server));
        gathering_submit(haul, server, url);
    }
    gathering_expect(haul, "200 ok 'a'\n200 ok 'b' reused\n200 ok 'c' reused\n");
    gathering_close(haul);
    assert_loopback(server);
}

/* A path that is thrice as long on the wire, and does not fit the head of a request. */
static void what_becomes_too_long_is_an_error(void)
{
    static const struct loopback_script scripts[] = {SCRIPT({EXPECT_END})};
    static char url[16001];
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1});
    struct loopback *server = loopback_open(scripts, 1);
    memset(url, 0xbc, 16000);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", loopback_port(server));
    url[strlen(url)] = '\xc3';
    gathering_submit(haul, server, url);
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_URL);
    assert_string_equal(result->message, "the request's head is longer than 16,000 bytes");
    assert_string_equal(result->url, url);
    haul_release(haul, result);
    gathering_close(haul);
    assert_loopback(server);
}

/* Each refusal says what is wrong. */
static void refusals_are_true(void)
{
    static const char *const refusals[][2] = {
        {"http://1.2.3.4.5/", "the URL's host ends in a number and is no IPv4 address"},
        {"http://a..b/", "the URL's host has an empty label: two dots, or one at its beginning"},
        {"http://[fe80::1%25a%41]/",
         "the URL's IPv6 zone is not 1 to 15 letters, digits, hyphens, dots, _ or ~"},
        {"http://a/b c", "the URL has a space or a control byte, which must be percent-encoded"},
    };
    struct haul *haul = gathering_open(&(struct haul_options){0});
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        gathering_submit_to(haul, 1, refusals[i][0]);
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_URL);
        assert_string_equal(result->message, refusals[i][1]);
        assert_string_equal(result->url, refusals[i][0]);
        haul_release(haul, result);
    }
    gathering_close(haul);
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(a_server_sees_what_is_meant),
    SCENARIO(one_place_is_one_origin),
    SCENARIO(what_becomes_too_long_is_an_error),
    SCENARIO(refusals_are_true),
};

int main(void)
{
    return gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof scenarios[0]);
}
