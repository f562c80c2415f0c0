/* Where replies lead: a base, a Location, and the URL that the two mean, or what is wrong. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/http/location.h"
#include "proto/http/response.h"
#include "proto/http/url.h"

#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define RFC_BASE "http://a/b/c/d;p?q"

static const struct row {
    const char *base;
    const char *value;
    const char *url;
} rows[] = {
    /* RFC 3986, 5.4.1 and 5.4.2, as far as they stay http */
    {RFC_BASE, "http://g/x", "http://g/x"},
    {RFC_BASE, "g", "http://a/b/c/g"},
    {RFC_BASE, "./g", "http://a/b/c/g"},
    {RFC_BASE, "g/", "http://a/b/c/g/"},
    {RFC_BASE, "/g", "http://a/g"},
    {RFC_BASE, "//g", "http://g"},
    {RFC_BASE, "?y", "http://a/b/c/d;p?y"},
    {RFC_BASE, "g?y", "http://a/b/c/g?y"},
    {RFC_BASE, "#s", "http://a/b/c/d;p?q#s"},
    {RFC_BASE, "g#s", "http://a/b/c/g#s"},
    {RFC_BASE, "g?y#s", "http://a/b/c/g?y#s"},
    {RFC_BASE, ";x", "http://a/b/c/;x"},
    {RFC_BASE, "g;x?y#s", "http://a/b/c/g;x?y#s"},
    {RFC_BASE, "", "http://a/b/c/d;p?q"},
    {RFC_BASE, ".", "http://a/b/c/"},
    {RFC_BASE, "./", "http://a/b/c/"},
    {RFC_BASE, "..", "http://a/b/"},
    {RFC_BASE, "../", "http://a/b/"},
    {RFC_BASE, "../g", "http://a/b/g"},
    {RFC_BASE, "../..", "http://a/"},
    {RFC_BASE, "../../g", "http://a/g"},
    {RFC_BASE, "../../../g", "http://a/g"},
    {RFC_BASE, "../../../../g", "http://a/g"},
    {RFC_BASE, "/./g", "http://a/g"},
    {RFC_BASE, "/../g", "http://a/g"},
    {RFC_BASE, "g.", "http://a/b/c/g."},
    {RFC_BASE, ".g", "http://a/b/c/.g"},
    {RFC_BASE, "g..", "http://a/b/c/g.."},
    {RFC_BASE, "./../g", "http://a/b/g"},
    {RFC_BASE, "g/./h", "http://a/b/c/g/h"},
    {RFC_BASE, "g;x=1/../y", "http://a/b/c/y"},
    {RFC_BASE, "g?y/../x", "http://a/b/c/g?y/../x"},
    {RFC_BASE, "g#s/../x", "http://a/b/c/g#s/../x"},
    /* bases without a path, or with less */
    {"http://a", "g", "http://a/g"},
    {"http://a", "?y", "http://a?y"},
    {"http://a?q", "g", "http://a/g"},
    {"http://a?q", "#s", "http://a?q#s"},
    {"http://a:8080/b", "/g", "http://a:8080/g"},
    {"https://[::1]:81/b", "c", "https://[::1]:81/c"},
    {"https://a/b", "//g:81/x", "https://g:81/x"},
    {"https://a/b", "http://a/b", "http://a/b"},
    {"http://a/b/?c=/d/", "e", "http://a/b/e"},
    /* fragments are kept, unless there is another */
    {"http://a/b#old", "c", "http://a/c#old"},
    {"http://a/b#old", "c#new", "http://a/c#new"},
    {"http://a/b#old", "http://g/", "http://g/#old"},
    {"http://a/b#old", "#", "http://a/b#"},
    /* what is encoded */
    {"http://a/", "/b c\td", "http://a/b%20c%09d"},
    {"http://a/", "/?q=a b", "http://a/?q=a%20b"},
    {"http://a/", "/caf\xc3\xa9?\xc3\xa9#\xff", "http://a/caf%c3%a9?%c3%a9#%ff"},
    {"http://a/", "/%C3%A9\"<>^`{|}", "http://a/%C3%A9\"<>^`{|}"},
    {"http://a/", "/%2e%2e/b", "http://a/%2e%2e/b"},
    {"http://a/", "//b\xc3\xbc.example/", "http://b%c3%bc.example/"},
    /* user information goes */
    {"http://a/", "http://user@b/c", "http://b/c"},
    {"http://a/", "//user:secret@b:81", "http://b:81"},
    {"http://a/", "http://u@b@c/", "http://u@b@c/"},
    {"http://a/", "/u@b", "http://a/u@b"},
    /* a backslash in the path is a letter of it */
    {"http://a/", "/b\\c", "http://a/b\\c"},
    {"http://a/", "b\\c", "http://a/b\\c"},
    {"http://a/", "http://g/\\b", "http://g/\\b"},
    {"http://a/", "HTTPS://g/", "HTTPS://g/"},
    /* no URLs, as the URL's parser will say */
    {"http://a/", "http:g", "http:g"},
    {"http://a/", "http:/g", "http:/g"},
    {"http://a/", "http://", "http://"},
    {"http://a/", "http:///g", "http:///g"},
    {"http://a/", "//", "http://"},
};

static const struct {
    const char *value;
    enum proto_error error;
} refused[] = {
    {"ftp://g/", PROTO_LOCATION_SCHEME},
    {"mailto:me@g", PROTO_LOCATION_SCHEME},
    {"javascript:alert(1)", PROTO_LOCATION_SCHEME},
    {"file:///etc/passwd", PROTO_LOCATION_SCHEME},
    {"httpss://g/", PROTO_LOCATION_SCHEME},
    {"localhost:80/x", PROTO_LOCATION_SCHEME},
    {"\\g", PROTO_LOCATION_BACKSLASH},
    {"\\\\g", PROTO_LOCATION_BACKSLASH},
    {"/\\g", PROTO_LOCATION_BACKSLASH},
    {"\\/g", PROTO_LOCATION_BACKSLASH},
    {"http:\\\\g", PROTO_LOCATION_BACKSLASH},
    {"http:/\\g", PROTO_LOCATION_BACKSLASH},
    {"http://g\\h/", PROTO_LOCATION_BACKSLASH},
    {"http://g\\@h/", PROTO_LOCATION_BACKSLASH},
    {"//g\\", PROTO_LOCATION_BACKSLASH},
};

/* With exactly as much memory as it needs, and with each byte fewer. */
static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t wanted = strlen(rows[i].url), length;
        for (size_t size = wanted;; size--) {
            char *text = malloc(size + 1);
            enum proto_error error = location_resolve(span_of(rows[i].base), span_of(rows[i].value),
                                                      false, text, size, &length);
            if (size == wanted && error != PROTO_OK)
                fail_msg("%s, %s: %s", rows[i].base, rows[i].value, proto_error_sentence(error));
            if (size == wanted && !span_equal((struct span){text, length}, span_of(rows[i].url)))
                fail_msg("%s, %s: %.*s", rows[i].base, rows[i].value, (int)length, text);
            if (size < wanted)
                assert_int_equal(error, PROTO_LOCATION_TOO_LONG);
            free(text);
            if (size == 0)
                break;
        }
    }
}

static void test_refused(void **state)
{
    char text[URL_BYTES_MAX];
    size_t length;

    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        enum proto_error error = location_resolve(SPAN("http://a/b"), span_of(refused[i].value),
                                                  false, text, sizeof(text), &length);
        if (error != refused[i].error)
            fail_msg("%s: %s", refused[i].value, proto_error_sentence(error));
    }
}

static void test_dots_may_stay(void **state)
{
    char text[64];
    size_t length;

    (void)state;
    assert_int_equal(
        location_resolve(SPAN("http://a/b/c"), SPAN("../d/./e"), true, text, sizeof(text), &length),
        PROTO_OK);
    assert_true(span_equal((struct span){text, length}, SPAN("http://a/b/../d/./e")));
}

/* Encoded it may be thrice as long. */
static void test_too_long(void **state)
{
    static char value[URL_BYTES_MAX], text[URL_BYTES_MAX];
    size_t length;

    (void)state;
    memset(value, ' ', sizeof(value));
    value[0] = '/';
    assert_int_equal(location_resolve(SPAN("http://a/"), (struct span){value, sizeof(value)}, false,
                                      text, sizeof(text), &length),
                     PROTO_LOCATION_TOO_LONG);
    memset(value, 'x', sizeof(value));
    assert_int_equal(location_resolve(SPAN("http://a/b?q"), (struct span){value, sizeof(value)},
                                      false, text, sizeof(text), &length),
                     PROTO_LOCATION_TOO_LONG);
    value[0] = '?';
    assert_int_equal(location_resolve(SPAN("http://a/"), (struct span){value, sizeof(value) - 9},
                                      false, text, sizeof(text), &length),
                     PROTO_OK);
    assert_int_equal(length, sizeof(text));
}

#define HEAD(fields) "HTTP/1.1 302 Found\r\n" fields "\r\n"

static const struct {
    const char *head;
    enum proto_error error;
    const char *value; /* NULL: none */
} heads[] = {
    {HEAD(""), PROTO_OK, NULL},
    {HEAD("Content-Location: /a\r\nX-Location: /b\r\n"), PROTO_OK, NULL},
    {HEAD("Location: /a\r\n"), PROTO_OK, "/a"},
    {HEAD("LOCATION:\t /a b \r\n"), PROTO_OK, "/a b"},
    {HEAD("Location:\r\n"), PROTO_OK, NULL},
    {HEAD("Location: /a\r\nlocation: /a\r\n"), PROTO_OK, "/a"},
    {HEAD("Location: /a\r\nA: b\r\nLocation: /b\r\n"), PROTO_LOCATION_DIFFERS, NULL},
    {HEAD("Location: /a\r\nLocation: /A\r\n"), PROTO_LOCATION_DIFFERS, NULL},
    {HEAD("Location:\r\nLocation: /a\r\nLocation: \r\n"), PROTO_OK, "/a"},
};

static void test_find(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++) {
        struct span value;
        assert_int_equal(location_find(span_of(heads[i].head), &value), heads[i].error);
        if (heads[i].error == PROTO_OK)
            assert_true(span_equal(value, span_of(heads[i].value ? heads[i].value : "")));
    }
}

/* Whatever a reply says: nothing outside of what was given is read or written, and what comes out
 * has no byte that would end a request line. */
static void test_any_bytes(void **state)
{
    static const char bytes[] = "ah:/\\?#@%. \t\x80\xff[]1";
    uint32_t random = 1;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        size_t length = (random >> 16) % 24, written;
        char *value = malloc(length + 1), text[128];
        for (size_t j = 0; j < length; j++) {
            random = random * 1664525 + 1013904223;
            value[j] = bytes[(random >> 16) % (sizeof(bytes) - 1)];
        }
        random = random * 1664525 + 1013904223;
        if (location_resolve(SPAN("http://a/b/c?d#e"), (struct span){value, length}, false, text,
                             sizeof(text), &written) == PROTO_OK) {
            assert_in_range(written, 5, sizeof(text));
            for (size_t j = 0; j < written; j++)
                assert_in_range(text[j], 0x21, 0x7e);
        }
        free(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),          cmocka_unit_test(test_refused),
        cmocka_unit_test(test_dots_may_stay), cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_find),          cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
