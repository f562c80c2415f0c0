/* URLs as users type them, and where each is cut or refused. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "proto/http/url.h"
#include "tests/lib/feed.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define HOST_63 "a23456789-123456789-123456789-123456789-123456789-123456789-123"
#define HOST_253                                                                                   \
    HOST_63 "." HOST_63 "." HOST_63 "."                                                            \
            "a23456789-123456789-123456789-123456789-123456789-1234567890a"

static enum proto_error parse(struct span text, struct url *url, size_t *offset)
{
    static char room[URL_ROOM_BYTES];
    struct span guarded = {feed_guarded(0, text), text.length};

    return url_parse(guarded, room, url, offset);
}

static const struct accepted {
    struct span text;
    const char *host;
    uint16_t port;
    enum url_host_kind kind;
    const char *authority;
    const char *target;
} accepted[] = {
    {WIRE("http://example.com/"), "example.com", 80, URL_HOST_NAME, "example.com", "/"},
    {WIRE("http://example.com"), "example.com", 80, URL_HOST_NAME, "example.com", ""},
    {WIRE("HTTP://Example.COM/A"), "Example.COM", 80, URL_HOST_NAME, "Example.COM", "/A"},
    {WIRE("hTtP://a/b/c?d=e&f"), "a", 80, URL_HOST_NAME, "a", "/b/c?d=e&f"},
    {WIRE("http://a?q"), "a", 80, URL_HOST_NAME, "a", "?q"},
    {WIRE("http://a?"), "a", 80, URL_HOST_NAME, "a", "?"},
    {WIRE("http://a?b/c?d"), "a", 80, URL_HOST_NAME, "a", "?b/c?d"},
    {WIRE("http://a//b/../c/./"), "a", 80, URL_HOST_NAME, "a", "//b/../c/./"},
    {WIRE("http://a/b%20c%2Fd%e9"), "a", 80, URL_HOST_NAME, "a", "/b%20c%2Fd%e9"},
    {WIRE("http://a/\\^`{|}[]'()*!$&,;=:@~"), "a", 80, URL_HOST_NAME, "a",
     "/\\^`{|}[]'()*!$&,;=:@~"},
    {WIRE("http://a/x@y:z"), "a", 80, URL_HOST_NAME, "a", "/x@y:z"},
    {WIRE("http://a?x@y"), "a", 80, URL_HOST_NAME, "a", "?x@y"},
    {WIRE("http://a/http://b/"), "a", 80, URL_HOST_NAME, "a", "/http://b/"},
    {WIRE("http://_x-y.~z/"), "_x-y.~z", 80, URL_HOST_NAME, "_x-y.~z", "/"},
    {WIRE("http://example.com./"), "example.com.", 80, URL_HOST_NAME, "example.com.", "/"},
    {WIRE("http://xn--bcher-kva.example/"), "xn--bcher-kva.example", 80, URL_HOST_NAME,
     "xn--bcher-kva.example", "/"},
    {WIRE("http://1.2.3.com/"), "1.2.3.com", 80, URL_HOST_NAME, "1.2.3.com", "/"},
    {WIRE("http://7up/"), "7up", 80, URL_HOST_NAME, "7up", "/"},
    {WIRE("http://" HOST_253 "/"), HOST_253, 80, URL_HOST_NAME, HOST_253, "/"},

    /* fragment */
    {WIRE("http://a/b#c"), "a", 80, URL_HOST_NAME, "a", "/b"},
    {WIRE("http://a#b/c"), "a", 80, URL_HOST_NAME, "a", ""},
    {WIRE("http://a?b#c?d#e"), "a", 80, URL_HOST_NAME, "a", "?b"},
    {WIRE("http://a/#%zz"), "a", 80, URL_HOST_NAME, "a", "/"},

    /* port */
    {WIRE("https://a/b"), "a", 443, URL_HOST_NAME, "a", "/b"},
    {WIRE("HTTPS://a:8443?q"), "a", 8443, URL_HOST_NAME, "a:8443", "?q"},
    {WIRE("https://[::1]"), "::1", 443, URL_HOST_IPV6, "[::1]", ""},
    {WIRE("http://a:8080/b"), "a", 8080, URL_HOST_NAME, "a:8080", "/b"},
    {WIRE("http://a:80"), "a", 80, URL_HOST_NAME, "a", ""},
    {WIRE("https://a:443/"), "a", 443, URL_HOST_NAME, "a", "/"},
    {WIRE("https://a:0443/"), "a", 443, URL_HOST_NAME, "a", "/"},
    {WIRE("http://a:443/"), "a", 443, URL_HOST_NAME, "a:443", "/"},
    {WIRE("https://a:80/"), "a", 80, URL_HOST_NAME, "a:80", "/"},
    {WIRE("http://a:08080/b"), "a", 8080, URL_HOST_NAME, "a:8080", "/b"},
    {WIRE("http://[::1]:080/b"), "::1", 80, URL_HOST_IPV6, "[::1]", "/b"},
    {WIRE("http://[::1]:0081/b"), "::1", 81, URL_HOST_IPV6, "[::1]:81", "/b"},
    {WIRE("https://127.0.0.1:443"), "127.0.0.1", 443, URL_HOST_IPV4, "127.0.0.1", ""},
    {WIRE("http://a:1?b"), "a", 1, URL_HOST_NAME, "a:1", "?b"},
    {WIRE("http://a:65535"), "a", 65535, URL_HOST_NAME, "a:65535", ""},
    {WIRE("http://a:00080/"), "a", 80, URL_HOST_NAME, "a", "/"},
    {WIRE("http://a:/b"), "a", 80, URL_HOST_NAME, "a", "/b"},

    /* numeric hosts */
    {WIRE("http://127.0.0.1:8940/p/1"), "127.0.0.1", 8940, URL_HOST_IPV4, "127.0.0.1:8940", "/p/1"},
    {WIRE("http://255.255.255.255"), "255.255.255.255", 80, URL_HOST_IPV4, "255.255.255.255", ""},
    {WIRE("http://[::1]/"), "::1", 80, URL_HOST_IPV6, "[::1]", "/"},
    {WIRE("http://[::1]:81"), "::1", 81, URL_HOST_IPV6, "[::1]:81", ""},
    {WIRE("http://[::]:?x"), "::", 80, URL_HOST_IPV6, "[::]", "?x"},
    {WIRE("http://[2001:DB8:0:0:0:0:0:1]/"), "2001:db8::1", 80, URL_HOST_IPV6, "[2001:db8::1]",
     "/"},
    {WIRE("http://[2001:DB8::1]:8080/"), "2001:DB8::1", 8080, URL_HOST_IPV6, "[2001:DB8::1]:8080",
     "/"},
    {WIRE("http://[0:0:0:0:0:0:0:1]:8080/"), "::1", 8080, URL_HOST_IPV6, "[::1]:8080", "/"},
    {WIRE("http://[::ffff:127.0.0.1]/"), "::ffff:127.0.0.1", 80, URL_HOST_IPV6,
     "[::ffff:127.0.0.1]", "/"},

    /* zones */
    {WIRE("http://[fe80::1%25eth0]/"), "fe80::1%eth0", 80, URL_HOST_IPV6, "[fe80::1]", "/"},
    {WIRE("http://[fe80::1%eth0]:8080/"), "fe80::1%eth0", 8080, URL_HOST_IPV6, "[fe80::1]:8080",
     "/"},
    {WIRE("http://[fe80::1%251]:080/"), "fe80::1%1", 80, URL_HOST_IPV6, "[fe80::1]", "/"},
    {WIRE("http://[fe80::1%25]/"), "fe80::1%25", 80, URL_HOST_IPV6, "[fe80::1]", "/"},
    {WIRE("http://[fe80:0:0:0:0:0:0:1%25br-a_b.c~123456]:065535/"), "fe80::1%br-a_b.c~123456",
     65535, URL_HOST_IPV6, "[fe80::1]:65535", "/"},
    {WIRE("http://[2001:db8:1111:2222:3333:4444:5555:6666%25interface-12345]:65535/"),
     "2001:db8:1111:2222:3333:4444:5555:6666%interface-12345", 65535, URL_HOST_IPV6,
     "[2001:db8:1111:2222:3333:4444:5555:6666]:65535", "/"},

    /* IPv4 in its old forms */
    {WIRE("http://127.1/"), "127.0.0.1", 80, URL_HOST_IPV4, "127.0.0.1", "/"},
    {WIRE("http://127.1:8080/"), "127.0.0.1", 8080, URL_HOST_IPV4, "127.0.0.1:8080", "/"},
    {WIRE("http://127.1:08080/"), "127.0.0.1", 8080, URL_HOST_IPV4, "127.0.0.1:8080", "/"},
    {WIRE("http://1.2.3/"), "1.2.0.3", 80, URL_HOST_IPV4, "1.2.0.3", "/"},
    {WIRE("http://0177.0.0.1/"), "127.0.0.1", 80, URL_HOST_IPV4, "127.0.0.1", "/"},
    {WIRE("http://01.2.3.4/"), "1.2.3.4", 80, URL_HOST_IPV4, "1.2.3.4", "/"},
    {WIRE("http://127.000.000.001/"), "127.0.0.1", 80, URL_HOST_IPV4, "127.0.0.1", "/"},
    {WIRE("http://2130706433/"), "127.0.0.1", 80, URL_HOST_IPV4, "127.0.0.1", "/"},
    {WIRE("http://4294967295/"), "255.255.255.255", 80, URL_HOST_IPV4, "255.255.255.255", "/"},
    {WIRE("http://0/"), "0.0.0.0", 80, URL_HOST_IPV4, "0.0.0.0", "/"},
    {WIRE("http://0x7f.1/"), "127.0.0.1", 80, URL_HOST_IPV4, "127.0.0.1", "/"},
    {WIRE("http://0X7F000001/"), "127.0.0.1", 80, URL_HOST_IPV4, "127.0.0.1", "/"},
    {WIRE("http://0x7f.0.0x1"), "127.0.0.1", 80, URL_HOST_IPV4, "127.0.0.1", ""},
    {WIRE("http://017700000001/"), "127.0.0.1", 80, URL_HOST_IPV4, "127.0.0.1", "/"},
    {WIRE("http://1.65535/"), "1.0.255.255", 80, URL_HOST_IPV4, "1.0.255.255", "/"},
    {WIRE("http://1.16777215/"), "1.255.255.255", 80, URL_HOST_IPV4, "1.255.255.255", "/"},
    {WIRE("http://1.2.65535/"), "1.2.255.255", 80, URL_HOST_IPV4, "1.2.255.255", "/"},
    {WIRE("http://0x7f.example/"), "0x7f.example", 80, URL_HOST_NAME, "0x7f.example", "/"},
    {WIRE("http://1.0xg/"), "1.0xg", 80, URL_HOST_NAME, "1.0xg", "/"},

    /* escapes in a host, decoded before anything else is found out */
    {WIRE("http://%61%2Eb/"), "a.b", 80, URL_HOST_NAME, "a.b", "/"},
    {WIRE("http://a%2eb:8080/"), "a.b", 8080, URL_HOST_NAME, "a.b:8080", "/"},
    {WIRE("http://127%2e1/"), "127.0.0.1", 80, URL_HOST_IPV4, "127.0.0.1", "/"},

    /* what curl sends */
    {WIRE("http://a/\"<>\\^`{|}?\"<>\\^`{|}"), "a", 80, URL_HOST_NAME, "a",
     "/\"<>\\^`{|}?\"<>\\^`{|}"},
    {WIRE("http://a/%"), "a", 80, URL_HOST_NAME, "a", "/%"},
    {WIRE("http://a/%2?%zz"), "a", 80, URL_HOST_NAME, "a", "/%2?%zz"},
    {WIRE("http://a/\xc3\xa9?\xff#\xc3"), "a", 80, URL_HOST_NAME, "a", "/\xc3\xa9?\xff"},
};

static void test_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        const struct accepted *row = &accepted[i];
        struct url url;
        enum proto_error error = parse(row->text, &url, NULL);

        if (error != PROTO_OK)
            fail_msg("%s: %s", row->text.bytes, proto_error_sentence(error));
        assert_true(span_equal(url.host, span_of(row->host)));
        assert_int_equal(url.port, row->port);
        assert_int_equal(url.host_kind, row->kind);
        assert_true(span_equal(url.authority, span_of(row->authority)));
        assert_true(span_equal(url.target, span_of(row->target)));
        assert_int_equal(url_target_needs_slash(&url), row->target[0] != '/');
    }
}

static const struct refused {
    struct span text;
    enum proto_error error;
    size_t offset;
} refused[] = {
    {WIRE(""), PROTO_URL_EMPTY, 0},

    /* bytes */
    {WIRE(" http://a/"), PROTO_URL_BYTE, 0},
    {WIRE("http://a/b c"), PROTO_URL_BYTE, 10},
    {WIRE("http://a/\t"), PROTO_URL_BYTE, 9},
    {WIRE("http://a/\r\nX: y"), PROTO_URL_BYTE, 9},
    {WIRE("http://a/\n"), PROTO_URL_BYTE, 9},
    {WIRE("http://a/\x00"), PROTO_URL_BYTE, 9},
    {WIRE("http://a/\x7f"), PROTO_URL_BYTE, 9},
    {WIRE("http://a/#x y"), PROTO_URL_BYTE, 11},

    /* scheme */
    {WIRE("example.com/"), PROTO_URL_NO_SCHEME, 0},
    {WIRE("localhost:8080/"), PROTO_URL_NO_SCHEME, 0},
    {WIRE("127.0.0.1"), PROTO_URL_NO_SCHEME, 0},
    {WIRE("//example.com/"), PROTO_URL_NO_SCHEME, 0},
    {WIRE("/path"), PROTO_URL_NO_SCHEME, 0},
    {WIRE("://a"), PROTO_URL_NO_SCHEME, 0},
    {WIRE("1http://a"), PROTO_URL_NO_SCHEME, 0},
    {WIRE("http"), PROTO_URL_NO_SCHEME, 0},
    {WIRE("httpss://a/"), PROTO_URL_SCHEME, 0},
    {WIRE("ftp://a/"), PROTO_URL_SCHEME, 0},
    {WIRE("git+ssh://a/"), PROTO_URL_SCHEME, 0},
    {WIRE("file:///etc/hosts"), PROTO_URL_SCHEME, 0},
    {WIRE("httpx://a/"), PROTO_URL_SCHEME, 0},

    /* user information */
    {WIRE("http://user@a/"), PROTO_URL_USERINFO, 11},
    {WIRE("http://user:password@a/"), PROTO_URL_USERINFO, 20},
    {WIRE("http://a:80@b/"), PROTO_URL_USERINFO, 11},
    {WIRE("http://@a/"), PROTO_URL_USERINFO, 7},
    {WIRE("http://a@b@c/"), PROTO_URL_AT_SIGNS, 10},
    {WIRE("http://@@a/"), PROTO_URL_AT_SIGNS, 8},
    {WIRE("http://a:b@c@/@"), PROTO_URL_AT_SIGNS, 12},
    {WIRE("http://a\\@b@c?@"), PROTO_URL_AT_SIGNS, 11},

    /* host */
    {WIRE("http:"), PROTO_URL_HOST_EMPTY, 5},
    {WIRE("http:/a"), PROTO_URL_HOST_EMPTY, 5},
    {WIRE("http:a/"), PROTO_URL_HOST_EMPTY, 5},
    {WIRE("http://"), PROTO_URL_HOST_EMPTY, 7},
    {WIRE("http:///a"), PROTO_URL_HOST_EMPTY, 7},
    {WIRE("http://:80/"), PROTO_URL_HOST_EMPTY, 7},
    {WIRE("http://?a"), PROTO_URL_HOST_EMPTY, 7},
    {WIRE("http://#a"), PROTO_URL_HOST_EMPTY, 7},
    {WIRE("http://a%2fb/"), PROTO_URL_HOST, 7},
    {WIRE("http://a%3a80/"), PROTO_URL_HOST, 7},
    {WIRE("http://a%40b/"), PROTO_URL_HOST, 7},
    {WIRE("http://a%00/"), PROTO_URL_HOST, 7},
    {WIRE("http://a%25/"), PROTO_URL_HOST, 7},
    {WIRE("http://a%2/"), PROTO_URL_HOST_PERCENT, 8},
    {WIRE("http://a%2g:80/"), PROTO_URL_HOST_PERCENT, 8},
    {WIRE("http://%"), PROTO_URL_HOST_PERCENT, 7},
    {WIRE("http://%2e/"), PROTO_URL_HOST_LABEL, 7},
    {WIRE("http://a\\b/"), PROTO_URL_HOST, 8},
    {WIRE("http://a,b/"), PROTO_URL_HOST, 8},
    {WIRE("http://{a}/"), PROTO_URL_HOST, 7},
    {WIRE("http://a]/"), PROTO_URL_HOST, 8},
    {WIRE("http://./"), PROTO_URL_HOST_LABEL, 7},
    {WIRE("http://.a/"), PROTO_URL_HOST_LABEL, 7},
    {WIRE("http://a..b/"), PROTO_URL_HOST_LABEL, 7},
    {WIRE("http://1.2.3.4.5/"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://999.1.1.1/"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://1.2.3.4./"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://a.1/"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://a.0x1/"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://0x/"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://1.0x/"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://08/"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://1.2.3.08/"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://1.2.3.256/"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://1.2.65536/"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://1.16777216/"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://1.256.3/"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://4294967296/"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://18446744073709551617/"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://0x10000007f000001/"), PROTO_URL_HOST_NUMBER, 7},
    {WIRE("http://" HOST_253 "a/"), PROTO_URL_HOST_TOO_LONG, 7},

    /* IPv6 literals */
    {WIRE("http://[]/"), PROTO_URL_IPV6, 7},
    {WIRE("http://[::1/"), PROTO_URL_IPV6, 7},
    {WIRE("http://["), PROTO_URL_IPV6, 7},
    {WIRE("http://[1::2::3]/"), PROTO_URL_IPV6, 7},
    {WIRE("http://[fe80::1%]/"), PROTO_URL_IPV6_ZONE, 7},
    {WIRE("http://[fe80::1%25eth0%41]/"), PROTO_URL_IPV6_ZONE, 7},
    {WIRE("http://[fe80::1%25a@b]/"), PROTO_URL_USERINFO, 19},
    {WIRE("http://[fe80::1%25interface-123456]/"), PROTO_URL_IPV6_ZONE, 7},
    {WIRE("http://[fe80::%25eth0%25eth0]/"), PROTO_URL_IPV6_ZONE, 7},
    {WIRE("http://[%25eth0]/"), PROTO_URL_IPV6, 7},
    {WIRE("http://[fe80::g%25eth0]/"), PROTO_URL_IPV6, 7},
    {WIRE("http://[127.0.0.1]/"), PROTO_URL_IPV6, 7},
    {WIRE("http://[v1.x]/"), PROTO_URL_IPV6, 7},
    {WIRE("http://[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]/"), PROTO_URL_IPV6, 7},
    {WIRE("http://[::1]x/"), PROTO_URL_IPV6, 12},
    {WIRE("http://::1/"), PROTO_URL_HOST_EMPTY, 7},

    /* port */
    {WIRE("http://a:0/"), PROTO_URL_PORT, 9},
    {WIRE("http://a:65536/"), PROTO_URL_PORT, 9},
    {WIRE("http://a:99999999999999999999/"), PROTO_URL_PORT, 9},
    {WIRE("http://a:8o/"), PROTO_URL_PORT, 9},
    {WIRE("http://a:-1/"), PROTO_URL_PORT, 9},
    {WIRE("http://a:+1/"), PROTO_URL_PORT, 9},
    {WIRE("http://a:80:80/"), PROTO_URL_PORT, 9},
    {WIRE("http://[::1]:x/"), PROTO_URL_PORT, 13},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        const struct refused *row = &refused[i];
        struct url url;
        size_t offset;
        enum proto_error error = parse(row->text, &url, &offset);

        if (error != row->error || offset != row->offset)
            fail_msg("%s: at %zu, %s", row->text.bytes, offset, proto_error_sentence(error));
    }
}

static void test_length_limit(void **state)
{
    static char text[URL_BYTES_MAX + 2];
    struct url url;
    size_t offset;

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "http://a/", 9);
    assert_int_equal(parse((struct span){text, URL_BYTES_MAX}, &url, &offset), PROTO_OK);
    assert_int_equal(url.target.length, URL_BYTES_MAX - 8);
    assert_int_equal(parse((struct span){text, URL_BYTES_MAX + 1}, &url, &offset),
                     PROTO_URL_TOO_LONG);
    assert_int_equal(offset, URL_BYTES_MAX);
}

/* Every byte value in the path: what may not be there is refused where it is. */
static void test_path_bytes(void **state)
{
    (void)state;
    for (int c = 0; c <= 0xff; c++) {
        char text[] = "http://a/?b";
        bool is_bad = c <= 0x20 || c == 0x7f;
        struct url url;
        size_t offset;
        enum proto_error error;

        text[9] = (char)c;
        error = parse((struct span){text, sizeof(text) - 1}, &url, &offset);
        assert_int_equal(error, is_bad ? PROTO_URL_BYTE : PROTO_OK);
        if (is_bad)
            assert_int_equal(offset, 9);
        else
            assert_int_equal(url.has_odd_target, c == '.' || c >= 0x80);
    }
}

static const struct path {
    const char *path;
    const char *sent;       /* also where dots are kept, but for: */
    const char *sent_as_is; /* NULL: the same */
} paths[] = {
    {"/", "/", NULL},
    {"/a/b", "/a/b", NULL},
    {"//", "//", NULL},
    {"/...", "/...", NULL},
    {"/.a/..b/c./d..", "/.a/..b/c./d..", NULL},
    {"/a;x/.;y/..;z", "/a;x/.;y/..;z", NULL},
    {"/%2e%2e/%2E/.%2e", "/%2e%2e/%2E/.%2e", NULL},
    {"/\\..\\b", "/\\..\\b", NULL},
    {"/.", "/", "/."},
    {"/..", "/", "/.."},
    {"/./", "/", "/./"},
    {"/../", "/", "/../"},
    {"/../..", "/", "/../.."},
    {"/a/.", "/a/", "/a/."},
    {"/a/./", "/a/", "/a/./"},
    {"/a/./b", "/a/b", "/a/./b"},
    {"/a/..", "/", "/a/.."},
    {"/a/../", "/", "/a/../"},
    {"/a/../b", "/b", "/a/../b"},
    {"/a/b/..", "/a/", "/a/b/.."},
    {"/a/b/../../c", "/c", "/a/b/../../c"},
    {"/a/../../../b", "/b", "/a/../../../b"},
    {"/a/b/./../../.", "/", "/a/b/./../../."},
    {"//a//../b", "//a/b", "//a//../b"},
    {"/a//..", "/a/", "/a//.."},
    {"/..//", "//", "/..//"},
    {"/a/.../..", "/a/", "/a/.../.."},
    {"/mid/content=5/../6", "/mid/6", "/mid/content=5/../6"}, /* RFC 3986, 5.2.4 */
    {"/a/b/c/./../../g", "/a/g", "/a/b/c/./../../g"},
    {"/\xc3\xbc", "/%c3%bc", NULL},
    {"/\xff/\x80.", "/%ff/%80.", NULL},
    {"/\xc3\xbc/../\xe6\x97\xa5", "/%e6%97%a5", "/%c3%bc/../%e6%97%a5"},
};

static void require_path(const char *path, bool keeps_dots, const char *expected)
{
    size_t length = url_path_write(span_of(path), keeps_dots, NULL);
    char sent[64];

    assert_in_range(length, 1, sizeof(sent));
    assert_int_equal(url_path_write(span_of(path), keeps_dots, sent + length), length);
    if (!span_equal((struct span){sent, length}, span_of(expected)))
        fail_msg("%s: sent as %.*s", path, (int)length, sent);
}

static void test_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(paths); i++) {
        const struct path *row = &paths[i];

        require_path(row->path, false, row->sent);
        require_path(row->path, true, row->sent_as_is != NULL ? row->sent_as_is : row->sent);
    }
}

/* Wherever a dot lies: only one that begins a segment makes the path one to look at. */
static void test_dots(void **state)
{
    static const char letters[] = "http://h/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    char room[URL_ROOM_BYTES], text[sizeof(letters)];
    struct url url;

    (void)state;
    for (size_t at = 9; at < sizeof(letters) - 1; at++) {
        for (size_t length = at + 1; length < sizeof(letters); length++) {
            memcpy(text, letters, sizeof(letters));
            text[at] = '.';
            assert_int_equal(url_parse((struct span){text, length}, room, &url, NULL), PROTO_OK);
            assert_int_equal(url.has_odd_target, at == 9);
            text[at - 1] = '/';
            assert_int_equal(url_parse((struct span){text, length}, room, &url, NULL), PROTO_OK);
            assert_true(url.has_odd_target);
        }
    }
}

/* What was parsed where it was typed is the same where it is kept, with what it needs behind it. */
static void test_move(void **state)
{
    static char copy[URL_BYTES_MAX + 1 + URL_ROOM_BYTES];
    static char room[URL_ROOM_BYTES];

    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        const struct accepted *row = &accepted[i];
        struct span text = row->text;
        struct url url;
        size_t used;

        memset(copy, '#', sizeof(copy));
        memset(room, '#', sizeof(room));
        assert_int_equal(url_parse(text, room, &url, NULL), PROTO_OK);
        used = url_room_used(&url, room);
        memcpy(copy, text.bytes, text.length);
        memcpy(copy + text.length + 1, room, used);
        memset(room, '!', sizeof(room));
        url_move(&url, text, room, copy);
        assert_true(span_equal(url.host, span_of(row->host)));
        assert_true(span_equal(url.authority, span_of(row->authority)));
        assert_true(span_equal(url.target, span_of(row->target)));
    }
}

static bool is_same(const struct url *a, const struct url *b)
{
    return span_equal(a->host, b->host) && span_equal(a->authority, b->authority) &&
           span_equal(a->target, b->target) && a->port == b->port && a->is_https == b->is_https &&
           a->has_odd_target == b->has_odd_target && a->host_kind == b->host_kind;
}

static void parse_behind(struct span before, struct span text)
{
    static char room[URL_ROOM_BYTES], other_room[URL_ROOM_BYTES];
    struct url_memo memo = {0};
    struct url first, url, again;
    struct span guarded = {feed_guarded(0, before), before.length};

    (void)url_parse_next(&memo, guarded, room, &first);
    guarded = (struct span){feed_guarded(0, text), text.length};
    enum proto_error error = url_parse(guarded, room, &url, NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(url_parse_next(&memo, guarded, other_room, &again), error);
        assert_true(error != PROTO_OK || is_same(&url, &again));
    }
}

/* Whatever was parsed before, and where one begins as another does. */
static void test_next(void **state)
{
    static const char *const tails[] = {"",   "/",   "?",   "#",   "/.", "/a/../b", "/\xc3\xa4",
                                        "/ ", ":1/", "@b/", ".b/", "0/", "\\b",     "%2e/"};
    char text[1024];

    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        for (size_t j = 0; j < COUNT(accepted); j++)
            parse_behind(accepted[i].text, accepted[j].text);
        for (size_t j = 0; j < COUNT(refused); j++)
            parse_behind(accepted[i].text, refused[j].text);
        size_t length = strcspn(accepted[i].text.bytes + strlen("https://"), "/?#");
        for (size_t j = 0; j < COUNT(tails); j++) {
            int bytes = snprintf(text, sizeof(text), "%.*s%s", (int)(strlen("https://") + length),
                                 accepted[i].text.bytes, tails[j]);
            parse_behind(accepted[i].text, (struct span){text, (size_t)bytes});
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_length_limit), cmocka_unit_test(test_path_bytes),
        cmocka_unit_test(test_paths),        cmocka_unit_test(test_dots),
        cmocka_unit_test(test_move),         cmocka_unit_test(test_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
