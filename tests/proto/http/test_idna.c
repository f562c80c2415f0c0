/* Hosts beyond ASCII, as they are typed, and the names that they go out by. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "proto/http/idna.h"
#include "proto/http/url.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define U_63                                                                                       \
    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"     \
    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"     \
    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"     \
    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"     \
    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"     \
    "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"

static const struct row {
    const char *host;
    const char *ascii; /* NULL: */
    enum proto_error error;
    enum url_host_kind kind;
} rows[] = {
    /* bücher, BÜCHER, straße, faß (which the transitional manner would make fass), 例え.テスト */
    {"b\xc3\xbc"
     "cher.example",
     "xn--bcher-kva.example", 0, 0},
    {"B\xc3\x9c"
     "CHER.Example",
     "xn--bcher-kva.example", 0, 0},
    {"bu\xcc\x88"
     "cher.example",
     "xn--bcher-kva.example", 0, 0}, /* u and a diaeresis */
    {"stra\xc3\x9f"
     "e.example",
     "xn--strae-oqa.example", 0, 0},
    {"fa\xc3\x9f.de", "xn--fa-hia.de", 0, 0},
    {"\xe4\xbe\x8b\xe3\x81\x88\xe3\x80\x82\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
     "xn--r8jz45g.xn--zckzah", 0, 0}, /* an ideographic full stop */
    {"\xc3\xbc.", "xn--tda.", 0, 0},
    {"\xc3\xbc_x.y", "xn--_x-wka.y", 0, 0},
    {"xn--bcher-kva.\xc3\xbc", "xn--bcher-kva.xn--tda", 0, 0},
    {"\xc3\xbc\xc2\xad\xc3\xbc", "xn--tdaa", 0, 0}, /* a soft hyphen */
    {"%c3%bc.%78", "xn--tda.x", 0, 0},
    {"\xc3%bc.x", "xn--tda.x", 0, 0},

    /* symbols: IDNA 2008 has none, browsers and curl do */
    {"\xe2\x98\x83.net", "xn--n3h.net", 0, 0},
    {"\xf0\x9f\x98\x80.la", "xn--e28h.la", 0, 0},
    {"\xf0\x9f\x98\x80\xc3\x9f.la", NULL, PROTO_IDNA_CHARACTER, 0}, /* and there they differ */

    /* full width becomes ASCII, also where that is an address, or what no host has */
    {"\xef\xbd\x85xample.com", "example.com", 0, 0},
    {"\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97\xef\xbc\x8e\xef\xbc\x91", "127.0.0.1", 0, URL_HOST_IPV4},
    {"a\xef\xbc\x8f"
     "b.example",
     NULL, PROTO_URL_HOST, 0},
    {"a\xef\xbc\xa0"
     "b.example",
     NULL, PROTO_URL_HOST, 0},
    {"a\xef\xbc\x9a"
     "80",
     NULL, PROTO_URL_HOST, 0},
    {"a\xef\xbc\x85"
     "41",
     NULL, PROTO_URL_HOST, 0},
    {"\xef\xbc\xbb::1\xef\xbc\xbd", NULL, PROTO_URL_HOST, 0},
    {"\xc3\xbc.1", NULL, PROTO_URL_HOST_NUMBER, 0},
    {"\xc3\xbc..a", NULL, PROTO_URL_HOST_LABEL, 0},
    {"\xef\xbc\x8e\xc3\xbc", NULL, PROTO_URL_HOST_LABEL, 0},
    {"\xc2\xad", NULL, PROTO_URL_HOST_EMPTY, 0},

    /* what is no host */
    {"\xff.example", NULL, PROTO_IDNA_UTF8, 0},
    {"\xc3.example", NULL, PROTO_IDNA_UTF8, 0},
    {"\xed\xa0\x80.example", NULL, PROTO_IDNA_UTF8, 0}, /* half of a pair */
    {"%fc.example", NULL, PROTO_IDNA_UTF8, 0},
    {"\xc3\xbc%00.example", NULL, PROTO_IDNA_CHARACTER, 0},
    {"\xc3\xbc%20.example", NULL, PROTO_IDNA_CHARACTER, 0},
    {"\xef\xbf\xbf.example", NULL, PROTO_IDNA_CHARACTER, 0},
    {U_63 ".example", NULL, PROTO_IDNA_TOO_LONG, 0},
    {"\xc3\xbc.xn--a\xc3\xbc", NULL, PROTO_IDNA_ALABEL, 0},
    {"-\xc3\xbc.example", NULL, PROTO_IDNA_HYPHEN, 0},
    {"ab--\xc3\xbc.example", NULL, PROTO_IDNA_HYPHEN, 0},
    {"\xcc\x80"
     "a.example",
     NULL, PROTO_IDNA_PLACE, 0},                                  /* a mark comes first */
    {"x\xe2\x80\x8d\xc3\xbc.example", NULL, PROTO_IDNA_PLACE, 0}, /* a joiner joins nothing */
    {"\xd7\x90"
     "a.example",
     NULL, PROTO_IDNA_PLACE, 0}, /* both directions */
};

static void check(const struct row *row, enum proto_error error, const struct url *url)
{
    enum proto_error expected = idna_version() != NULL ? row->error : PROTO_IDNA_ABSENT;

    if (error != expected)
        fail_msg("%s: %s", row->host, proto_error_sentence(error));
    if (error != PROTO_OK)
        return;
    if (!span_equal(url->host, span_of(row->ascii)))
        fail_msg("%s: %.*s", row->host, (int)url->host.length, url->host.bytes);
    assert_int_equal(url->host_kind, row->kind);
}

static void test_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[256], room[URL_ROOM_BYTES];
        struct url url;
        int length = snprintf(text, sizeof(text), "http://%s:8080/", rows[i].host);
        struct span whole = {text, (size_t)length};

        check(&rows[i], url_parse(whole, room, &url, NULL), &url);
    }
}

/* The Host field has the A-labels, the port behind them, and the scheme's own left out. */
static void test_authority(void **state)
{
    static const char *const texts[][2] = {
        {"http://\xc3\xbc.x:8080/", "xn--tda.x:8080"},
        {"http://\xc3\xbc.x:08080/", "xn--tda.x:8080"},
        {"http://\xc3\xbc.x:80/", "xn--tda.x"},
        {"https://\xc3\xbc.x:80", "xn--tda.x:80"},
        {"https://\xc3\xbc.x:", "xn--tda.x"},
    };

    (void)state;
    if (idna_version() == NULL)
        skip();
    for (size_t i = 0; i < COUNT(texts); i++) {
        char room[URL_ROOM_BYTES];
        struct url url;

        assert_int_equal(url_parse(span_of(texts[i][0]), room, &url, NULL), PROTO_OK);
        assert_true(span_equal(url.authority, span_of(texts[i][1])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_authority),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
