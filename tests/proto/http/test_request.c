/* Requests as they go out, byte for byte, and header lines that may not. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/http/request.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { FIELDS_MAX = 6 };

static struct url url_of(const char *text)
{
    static char room[URL_ROOM_BYTES];
    struct url url;

    assert_int_equal(url_parse(span_of(text), room, &url, NULL), PROTO_OK);
    return url;
}

static const struct row {
    const char *url;
    struct request_options options;
    const char *fields[FIELDS_MAX];
    const char *wire;
} rows[] = {
    /* target and Host */
    {"http://a/b?c",
     {.user_agent = "haul/0"},
     {0},
     "GET /b?c HTTP/1.1\r\nHost: a\r\nUser-Agent: haul/0\r\nAccept: */*\r\n\r\n"},
    {"http://a", {0}, {0}, "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a?q", {0}, {0}, "GET /?q HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a:8080/#f", {0}, {0}, "GET / HTTP/1.1\r\nHost: a:8080\r\nAccept: */*\r\n\r\n"},
    {"http://a:/", {0}, {0}, "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://[::1]:81/x", {0}, {0}, "GET /x HTTP/1.1\r\nHost: [::1]:81\r\nAccept: */*\r\n\r\n"},
    {"http://a:80/", {0}, {0}, "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a/?b", {.is_http10 = true}, {0}, "GET /?b HTTP/1.0\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a:080/", {0}, {0}, "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"https://a:443/", {0}, {0}, "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a:443/", {0}, {0}, "GET / HTTP/1.1\r\nHost: a:443\r\nAccept: */*\r\n\r\n"},
    {"https://a:80/", {0}, {0}, "GET / HTTP/1.1\r\nHost: a:80\r\nAccept: */*\r\n\r\n"},
    {"http://A:08080/", {0}, {0}, "GET / HTTP/1.1\r\nHost: A:8080\r\nAccept: */*\r\n\r\n"},
    {"http://0x7f.1/", {0}, {0}, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n"},
    {"http://[fe80::1%25lo]:81/x",
     {0},
     {0},
     "GET /x HTTP/1.1\r\nHost: [fe80::1]:81\r\nAccept: */*\r\n\r\n"},
    {"http://a:80/", {0}, {"Host: b:80"}, "GET / HTTP/1.1\r\nHost: b:80\r\nAccept: */*\r\n\r\n"},

    /* targets that do not go out as they are written */
    {"http://a/b/../c?d/../e",
     {0},
     {0},
     "GET /c?d/../e HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a/b/..#/../", {0}, {0}, "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a/b/../c",
     {.path_as_is = true},
     {0},
     "GET /b/../c HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a/./\xc3\xbc?\xc3\xbc",
     {0},
     {0},
     "GET /%c3%bc?\xc3\xbc HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a/./\xc3\xbc",
     {.path_as_is = true},
     {0},
     "GET /./%c3%bc HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a?\xc3\xbc/..",
     {0},
     {0},
     "GET /?\xc3\xbc/.. HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a#\xc3\xbc/..", {0}, {0}, "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a/\"<>\\^`{|}%?\"<>\\^`{|}%",
     {0},
     {0},
     "GET /\"<>\\^`{|}%?\"<>\\^`{|}% HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a/", {0}, {"Host: b:1"}, "GET / HTTP/1.1\r\nHost: b:1\r\nAccept: */*\r\n\r\n"},
    {"http://a/",
     {0},
     {"X: y", "hOST:\tb "},
     "GET / HTTP/1.1\r\nHost: b\r\nAccept: */*\r\nX: y\r\n\r\n"},

    /* methods */
    {"http://a/", {.method = "HEAD"}, {0}, "HEAD / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a/",
     {.method = "PROPFIND"},
     {0},
     "PROPFIND / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a/", {.method = "get!"}, {0}, "get! / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},

    /* what does not go along where it was redirected to */
    {"http://a/",
     {.without_host = true, .without_credentials = true, .without_content = true},
     {"Host: b", "authorization: c", "Cookie: d", "Proxy-Authorization: e", "content-type: f"},
     "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a/",
     {.without_credentials = true},
     {"Host: b", "Authorization;", "Cookies: d", "X-Authorization: e", "Content-Type: f"},
     "GET / HTTP/1.1\r\nHost: b\r\nAccept: */*\r\nCookies: d\r\nX-Authorization: e\r\n"
     "Content-Type: f\r\n\r\n"},
    {"http://a/",
     {.without_content = true, .method = "PUT"},
     {"Content: a", "Content-: b", "CONTENT-MD5: c", "Contents-Of: d"},
     "PUT / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nContent: a\r\nContents-Of: d\r\n"
     "Content-Length: 0\r\n\r\n"},
    {"http://a/",
     {.without_host = true},
     {"Host: b", "Authorization: c"},
     "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nAuthorization: c\r\n\r\n"},

    /* bodies */
    {"http://a/",
     {.has_body = true, .body_bytes = 12},
     {0},
     "POST / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n"
     "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 12\r\n\r\n"},
    {"http://a/",
     {.has_body = true},
     {0},
     "POST / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n"
     "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n"},
    {"http://a/",
     {.method = "PUT", .has_body = true, .body_bytes = UINT64_MAX},
     {"content-type: text/plain"},
     "PUT / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\ncontent-type: text/plain\r\n"
     "Content-Length: 18446744073709551615\r\n\r\n"},
    {"http://a/",
     {.has_body = true, .body_bytes = 1},
     {"Content-Type:"},
     "POST / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nContent-Length: 1\r\n\r\n"},
    {"http://a/",
     {.method = "POST"},
     {"Content-Type: x/y"},
     "POST / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nContent-Type: x/y\r\nContent-Length: "
     "0\r\n\r\n"},

    /* of unknown length, without a type, and asked for first */
    {"http://a/",
     {.method = "PUT", .has_body = true, .is_chunked = true, .without_type = true},
     {0},
     "PUT / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {"http://a/",
     {.has_body = true, .body_bytes = 9, .without_type = true, .may_expect = true},
     {0},
     "POST / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nContent-Length: 9\r\n"
     "Expect: 100-continue\r\n\r\n"},
    {"http://a/",
     {.has_body = true, .without_type = true, .may_expect = true, .is_http10 = true},
     {0},
     "POST / HTTP/1.0\r\nHost: a\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n"},
    {"http://a/",
     {.has_body = true, .without_type = true, .may_expect = true},
     {"Expect:"},
     "POST / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n"},
    {"http://a/",
     {.has_body = true, .without_type = true, .may_expect = true, .without_expect = true},
     {"expect: 100-Continue", "X: y"},
     "POST / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nX: y\r\nContent-Length: 0\r\n\r\n"},
    {"http://a/", {.may_expect = true}, {0}, "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},

    /* without one: a method that means one says so */
    {"http://a/",
     {.method = "PUT"},
     {0},
     "PUT / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n"},
    {"http://a/",
     {.method = "PATCH"},
     {0},
     "PATCH / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n"},
    {"http://a/", {.method = "DELETE"}, {0}, "DELETE / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a/",
     {.method = "OPTIONS"},
     {0},
     "OPTIONS / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a/", {.method = "post"}, {0}, "post / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},

    /* defaults replaced, removed, emptied */
    {"http://a/",
     {.user_agent = "haul/0"},
     {"user-agent: me"},
     "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nuser-agent: me\r\n\r\n"},
    {"http://a/",
     {.user_agent = "haul/0"},
     {"User-Agent:", "Accept:  "},
     "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"http://a/",
     {.user_agent = "haul/0"},
     {"Accept;", "X-Empty;"},
     "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: haul/0\r\nAccept: \r\nX-Empty: \r\n\r\n"},
    {"http://a/", {.user_agent = ""}, {"X:"}, "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"},
    {"http://a/",
     {0},
     {"Accept: a/b", "Accept: c/d"},
     "GET / HTTP/1.1\r\nHost: a\r\nAccept: a/b\r\nAccept: c/d\r\n\r\n"},

    /* values */
    {"http://a/",
     {0},
     {"A:b", "C: \t d  e \t", "F: g:h;i", "J: \xc3\xa9\t\xff"},
     "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nA: b\r\nC: d  e\r\nF: g:h;i\r\n"
     "J: \xc3\xa9\t\xff\r\n\r\n"},
};

static void test_wire(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *fields[FIELDS_MAX + 1] = {0};
        struct request_options options = rows[i].options;
        struct request_template template;
        struct url url = url_of(rows[i].url);
        char buffer[512];
        char wire[512];
        size_t length;

        memcpy(fields, rows[i].fields, sizeof(rows[i].fields));
        options.fields = fields;
        assert_int_equal(request_template_init(&template, &options, buffer, sizeof(buffer), NULL),
                         PROTO_OK);
        assert_int_equal(request_write(&template, &url, wire, sizeof(wire) - 1, &length), PROTO_OK);
        wire[length] = '\0';
        assert_string_equal(wire, rows[i].wire);
        assert_int_equal(length, strlen(rows[i].wire));
    }
}

/* Whether the body waits: as is asked for by default, or by a field, and never without a body, nor
 * by HTTP/1.0. */
static void test_expects(void **state)
{
    static const struct {
        struct request_options options;
        const char *field;
        bool expects;
    } expectations[] = {
        {{.has_body = true}, NULL, false},
        {{.has_body = true, .may_expect = true}, NULL, true},
        {{.has_body = true, .may_expect = true}, "Expect:", false},
        {{.has_body = true, .may_expect = true}, "Expect;", false},
        {{.has_body = true}, "expect: 100-CONTINUE", true},
        {{.has_body = true}, "Expect: x, 100-continue", true},
        {{.has_body = true}, "Expect: 100-continued", false},
        {{.has_body = true, .without_expect = true}, "Expect: 100-continue", false},
        {{.has_body = true, .may_expect = true, .is_http10 = true}, NULL, false},
        {{.has_body = true, .is_http10 = true}, "Expect: 100-continue", false},
        {{.may_expect = true}, NULL, false},
        {{0}, "Expect: 100-continue", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(expectations); i++) {
        const char *const fields[] = {expectations[i].field, NULL};
        struct request_options options = expectations[i].options;
        struct request_template template;
        char buffer[256];

        options.fields = fields;
        assert_int_equal(request_template_init(&template, &options, buffer, sizeof(buffer), NULL),
                         PROTO_OK);
        assert_int_equal(template.expects, expectations[i].expects);
    }
}

static const struct refused {
    struct request_options options;
    const char *field;
    enum proto_error error;
} refused[] = {
    {{.method = ""}, NULL, PROTO_METHOD},
    {{.method = "GET /"}, NULL, PROTO_METHOD},
    {{.method = "G\r\nT"}, NULL, PROTO_METHOD},
    {{.method = "G\xe9T"}, NULL, PROTO_METHOD},
    {{.method = "CONNECT"}, NULL, PROTO_METHOD_CONNECT},
    {{.has_body = true, .is_chunked = true, .is_http10 = true}, NULL, PROTO_REQUEST_CHUNKED},
    {{0}, "", PROTO_FIELD_LINE},
    {{0}, "no colon", PROTO_FIELD_LINE},
    {{0}, "X", PROTO_FIELD_LINE},
    {{0}, "X;y", PROTO_FIELD_LINE},
    {{0}, ";", PROTO_FIELD_LINE},
    {{0}, "Host:", PROTO_FIELD_LINE},
    {{0}, "host;", PROTO_FIELD_LINE},
    {{0}, ": y", PROTO_FIELD_LINE_NAME},
    {{0}, " X: y", PROTO_FIELD_LINE_NAME},
    {{0}, "X : y", PROTO_FIELD_LINE_NAME},
    {{0}, "X Y: z", PROTO_FIELD_LINE_NAME},
    {{0}, "X\xe9: y", PROTO_FIELD_LINE_NAME},
    {{0}, "X\tY: z", PROTO_FIELD_LINE_NAME},
    {{0}, "X: y\r\nZ: 1", PROTO_FIELD_LINE_BYTE},
    {{0}, "X: y\n", PROTO_FIELD_LINE_BYTE},
    {{0}, "X: y\r", PROTO_FIELD_LINE_BYTE},
    {{0}, "X\r\nZ: y", PROTO_FIELD_LINE_BYTE},
    {{0}, "X: \x01", PROTO_FIELD_LINE_BYTE},
    {{0}, "X: \x7f", PROTO_FIELD_LINE_BYTE},
    {{0}, "Content-Length: 5", PROTO_FIELD_LINE_FRAMING},
    {{0}, "content-length:", PROTO_FIELD_LINE_FRAMING},
    {{0}, "Transfer-Encoding: chunked", PROTO_FIELD_LINE_FRAMING},
    {{0}, "TRANSFER-ENCODING;", PROTO_FIELD_LINE_FRAMING},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        const char *fields[] = {"Good: line", refused[i].field, NULL};
        struct request_options options = refused[i].options;
        struct request_template template;
        char buffer[512];
        size_t bad_field = 77;

        options.fields = fields;
        assert_int_equal(
            request_template_init(&template, &options, buffer, sizeof(buffer), &bad_field),
            refused[i].error);
        if (refused[i].field != NULL)
            assert_int_equal(bad_field, 1);
    }
}

static void test_user_agent_byte(void **state)
{
    struct request_options options = {.user_agent = "haul\r\nX: y"};
    struct request_template template;
    char buffer[512];
    size_t bad_field = 0;

    (void)state;
    assert_int_equal(request_template_init(&template, &options, buffer, sizeof(buffer), &bad_field),
                     PROTO_FIELD_LINE_BYTE);
    assert_int_equal(bad_field, SIZE_MAX);
}

static const struct method {
    const char *method;
    bool is_head;
    bool is_idempotent;
} methods[] = {
    {NULL, false, true},    {"GET", false, true},    {"HEAD", true, true},
    {"PUT", false, true},   {"DELETE", false, true}, {"OPTIONS", false, true},
    {"TRACE", false, true}, {"POST", false, false},  {"PATCH", false, false},
    {"get", false, false},  {"head", false, false},
};

static void test_methods(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(methods); i++) {
        struct request_options options = {.method = methods[i].method};
        struct request_template template;
        char buffer[64];

        assert_int_equal(request_template_init(&template, &options, buffer, sizeof(buffer), NULL),
                         PROTO_OK);
        assert_int_equal(template.is_head, methods[i].is_head);
        assert_int_equal(template.is_idempotent, methods[i].is_idempotent);
    }
}

static const struct repeatable {
    const char *field;
    bool is_idempotent;
} repeatables[] = {
    {"Idempotency-Key: 1", true}, {"x-idempotency-key: 1", true}, {"Idempotency-Key;", true},
    {"Idempotency-Key:", false},  {"Idempotency: 1", false},      {"X-Idempotency-Keys: 1", false},
};

/* As in Go: who sends a key can be asked again. */
static void test_idempotency_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(repeatables); i++) {
        const char *const fields[] = {repeatables[i].field, NULL};
        struct request_options options = {.method = "POST", .fields = fields};
        struct request_template template;
        char buffer[256];

        assert_int_equal(request_template_init(&template, &options, buffer, sizeof(buffer), NULL),
                         PROTO_OK);
        assert_int_equal(template.is_idempotent, repeatables[i].is_idempotent);
    }
}

static const struct closing {
    const char *fields[3];
    bool asks_close;
} closings[] = {
    {{"Connection: close"}, true},
    {{"connection: x, CLOSE"}, true},
    {{"Connection: keep-alive", "Connection:close"}, true},
    {{"Connection: keep-alive"}, false},
    {{"Connection: closer"}, false},
    {{"Connection:"}, false},
    {{"X: close"}, false},
};

static void test_asks_close(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(closings); i++) {
        struct request_options options = {.fields = closings[i].fields};
        struct request_template template;
        char buffer[128];

        assert_int_equal(request_template_init(&template, &options, buffer, sizeof(buffer), NULL),
                         PROTO_OK);
        assert_int_equal(template.asks_close, closings[i].asks_close);
    }
}

/* Every size too small is refused, the needed one suffices, and nothing is written behind it. */
static void test_sizes(void **state)
{
    const char *fields[] = {"Host: elsewhere", "X: y", NULL};
    struct request_options options = {.fields = fields, .has_body = true, .body_bytes = 5};
    struct url url = url_of("http://a/b");
    struct request_template template;
    char buffer[256];
    char wire[256];
    size_t needed, length;

    (void)state;
    assert_int_equal(request_template_init(&template, &options, buffer, sizeof(buffer), NULL),
                     PROTO_OK);
    needed = template.host.length + template.fields.length;
    for (size_t size = 0; size <= needed; size++) {
        char small[256];

        memset(small, '#', sizeof(small));
        assert_int_equal(request_template_init(&template, &options, small, size, NULL),
                         size < needed ? PROTO_REQUEST_TOO_LONG : PROTO_OK);
        assert_int_equal(small[size], '#');
    }
    request_template_init(&template, &options, buffer, sizeof(buffer), NULL);
    assert_int_equal(request_write(&template, &url, wire, sizeof(wire), &needed), PROTO_OK);
    for (size_t size = 0; size <= needed; size++) {
        memset(wire, '#', sizeof(wire));
        assert_int_equal(request_write(&template, &url, wire, size, &length),
                         size < needed ? PROTO_REQUEST_TOO_LONG : PROTO_OK);
        assert_int_equal(length, needed);
        assert_int_equal(wire[size], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire),       cmocka_unit_test(test_expects),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_user_agent_byte),
        cmocka_unit_test(test_methods),    cmocka_unit_test(test_idempotency_key),
        cmocka_unit_test(test_asks_close), cmocka_unit_test(test_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
