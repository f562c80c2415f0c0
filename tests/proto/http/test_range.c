/* What heads say of parts of bodies: a range, a strong tag, a coding, or nothing. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/http/range.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HEAD(fields) "HTTP/1.1 206 x\r\n" fields "\r\n"

/* "first-last/length", "*": it is not known; NULL: none. */
static const struct {
    const char *head;
    const char *range;
} ranges[] = {
    {HEAD(""), NULL},
    {HEAD("Content-Range: bytes 0-0/1\r\n"), "0-0/1"},
    {HEAD("content-range:\tBytes 10-19/20 \r\n"), "10-19/20"},
    {HEAD("Content-Range: bytes 10-19/*\r\n"), "10-19/*"},
    {HEAD("Content-Range: bytes 1000000000000000000-1000000000000000001/1000000000000000002\r\n"),
     "1000000000000000000-1000000000000000001/1000000000000000002"},
    {HEAD("Content-Range: bytes 0-9/99999999999999999999\r\n"), NULL},
    {HEAD("Content-Range: bytes 0-9/10\r\nContent-Range: bytes 0-9/10\r\n"), NULL},
    {HEAD("Content-Range: bytes */20\r\n"), NULL},
    {HEAD("Content-Range: bytes 9-8/20\r\n"), NULL},
    {HEAD("Content-Range: bytes 9-20/20\r\n"), NULL},
    {HEAD("Content-Range: bytes 9-19\r\n"), NULL},
    {HEAD("Content-Range: bytes 9-/20\r\n"), NULL},
    {HEAD("Content-Range: bytes -19/20\r\n"), NULL},
    {HEAD("Content-Range: bytes 9-19/\r\n"), NULL},
    {HEAD("Content-Range: bytes 9-19/20x\r\n"), NULL},
    {HEAD("Content-Range: bytes 9-19/20, 1-2/20\r\n"), NULL},
    {HEAD("Content-Range: bytes=9-19/20\r\n"), NULL},
    {HEAD("Content-Range: lines 9-19/20\r\n"), NULL},
    {HEAD("Content-Range: bytes 9 - 19/20\r\n"), NULL},
    {HEAD("Content-Range: bytes +9-19/20\r\n"), NULL},
    {HEAD("Content-Range:\r\n"), NULL},
};

static void test_ranges(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ranges); i++) {
        struct content_range range;
        char text[80] = "";
        bool found = content_range_find(span_of(ranges[i].head), &range);

        if (found)
            snprintf(text, sizeof(text), range.has_length ? "%llu-%llu/%llu" : "%llu-%llu/*",
                     (unsigned long long)range.first, (unsigned long long)range.last,
                     (unsigned long long)range.length);
        if (found != (ranges[i].range != NULL) || (found && strcmp(text, ranges[i].range) != 0))
            fail_msg("%s: %s", ranges[i].head, found ? text : "none");
    }
}

static const struct {
    const char *head;
    const char *tag;
} tags[] = {
    {HEAD(""), ""},
    {HEAD("ETag: \"a\"\r\n"), "\"a\""},
    {HEAD("etag: \"\"\r\n"), "\"\""},
    {HEAD("ETag: \"W/a\x80!~\"\r\n"), "\"W/a\x80!~\""},
    {HEAD("ETag: W/\"a\"\r\n"), ""},
    {HEAD("ETag: w/\"a\"\r\n"), ""},
    {HEAD("ETag: a\r\n"), ""},
    {HEAD("ETag: \"a\r\n"), ""},
    {HEAD("ETag: \"\r\n"), ""},
    {HEAD("ETag: \"a\"b\"\r\n"), ""},
    {HEAD("ETag: \"a b\"\r\n"), ""},
    {HEAD("ETag: \"a\"\r\nETag: \"a\"\r\n"), ""},
    {HEAD("ETag:\r\n"), ""},
};

static void test_tags(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(tags); i++) {
        struct span tag = strong_etag_find(span_of(tags[i].head));

        if (!span_equal(tag, span_of(tags[i].tag)))
            fail_msg("%s: '%.*s'", tags[i].head, (int)tag.length, tag.bytes);
    }
}

static void test_codings(void **state)
{
    (void)state;
    assert_false(has_content_encoding(SPAN(HEAD("X-Content-Encoding: gzip\r\n"))));
    assert_true(has_content_encoding(SPAN(HEAD("content-encoding: gzip\r\n"))));
    assert_true(has_content_encoding(SPAN(HEAD("Content-Encoding: identity\r\n"))));
    assert_true(has_content_encoding(SPAN(HEAD("Content-Encoding:\r\n"))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_codings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
