/* One reply after the other, event by event: each row is fed whole, a byte at a time, and cut in
 * two at each point. Where the pieces of a body are cut may differ; what they are together, the
 * heads and the order may not. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/http/reply.h"
#include "tests/lib/feed.h"

#include <stdio.h>
#include <string.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define LENGTH(digits) "Content-Length: " digits "\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

enum { WHOLE = FEED_WIRE_BYTES_MAX };

/* "[HEAD]BODY;", once a reply, then the error if there is one, then what the end of the connection
 * makes of it: "end" where that ended the body. */
static const struct {
    const char *name;
    struct span wire;
    bool is_head;
    const char *transcript;
} rows[] = {
    {"nothing", WIRE(""), false, ""},
    {"a length", WIRE(OK LENGTH("5") "\r\nhello"), false, "[" OK LENGTH("5") "\r\n]hello;"},
    {"no body", WIRE(OK LENGTH("0") "\r\n"), false, "[" OK LENGTH("0") "\r\n];"},
    {"to HEAD", WIRE(OK LENGTH("5") "\r\n"), true, "[" OK LENGTH("5") "\r\n];"},
    {"chunks, a trailer", WIRE(OK CHUNKED "\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nA: b\r\n\r\n"),
     false, "[" OK CHUNKED "\r\n]abcde;"},
    {"interim heads",
     WIRE("HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nL: x\r\n\r\n" OK LENGTH("1") "\r\na"), false,
     "[" OK LENGTH("1") "\r\n]a;"},
    {"two", WIRE(OK LENGTH("1") "\r\na" OK CHUNKED "\r\n1\r\nb\r\n0\r\n\r\n"), false,
     "[" OK LENGTH("1") "\r\n]a;[" OK CHUNKED "\r\n]b;"},
    {"until the end", WIRE(OK "\r\nabc"), false, "[" OK "\r\n]abcend"},
    {"cut in its head", WIRE(OK "Conte"), false, ""},
    {"cut in its body", WIRE(OK LENGTH("5") "\r\nhel"), false, "[" OK LENGTH("5") "\r\n]hel"},
    {"nonsense", WIRE("nonsense\r\n\r\n"), false, "!"},
    {"a bad chunk", WIRE(OK CHUNKED "\r\nx\r\n"), false, "[" OK CHUNKED "\r\n]!"},
};

struct transcript {
    char text[1024];
    size_t length;
};

static void note(struct transcript *transcript, const char *before, struct span span,
                 const char *after)
{
    transcript->length += (size_t)snprintf(transcript->text + transcript->length,
                                           sizeof transcript->text - transcript->length, "%s%.*s%s",
                                           before, (int)span.length, span.bytes, after);
    assert_true(transcript->length < sizeof transcript->text);
}

/* False: nothing may follow. */
static bool feed_piece(struct reply *reply, bool is_head, struct span piece,
                       struct transcript *transcript)
{
    static char carry[REPLY_CARRY_BYTES];
    static const struct span none = {"", 0};
    struct span in = {feed_guarded(0, piece), piece.length};
    for (;;) {
        struct span data;
        enum proto_error error = PROTO_OK;
        switch (reply_feed(reply, &in, &data, &error)) {
        case REPLY_MORE:
            assert_int_equal(in.length, 0);
            return true;
        case REPLY_CARRY:
            assert_null(reply->carry);
            reply->carry = carry;
            break;
        case REPLY_HEAD:
            note(transcript, "[", data, "]");
            reply->carry = NULL; /* free from here on */
            break;
        case REPLY_BODY:
            assert_true(data.length > 0);
            note(transcript, "", data, "");
            break;
        case REPLY_DONE:
            note(transcript, ";", none, "");
            reply_begin(reply, is_head);
            break;
        case REPLY_BAD:
            assert_int_not_equal(error, PROTO_OK);
            note(transcript, "!", none, "");
            return false;
        }
    }
}

static void check(size_t row, size_t first, size_t step)
{
    struct reply reply = {0};
    struct transcript transcript = {0};
    struct span wire = rows[row].wire;
    bool goes_on = true;
    reply_begin(&reply, rows[row].is_head);
    for (size_t at = 0, length = first; at < wire.length && goes_on; at += length, length = step) {
        length = length < wire.length - at ? length : wire.length - at;
        goes_on = feed_piece(&reply, rows[row].is_head, (struct span){wire.bytes + at, length},
                             &transcript);
    }
    if (goes_on && reply_end(&reply) == PROTO_OK)
        note(&transcript, "end", (struct span){"", 0}, "");
    if (strcmp(transcript.text, rows[row].transcript) != 0)
        fail_msg("%s, cut at %zu, then each %zu: '%s', not '%s'", rows[row].name, first, step,
                 transcript.text, rows[row].transcript);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        check(row, WHOLE, WHOLE);
        check(row, 1, 1);
        for (size_t cut = 1; cut < rows[row].wire.length; cut++)
            check(row, cut, WHOLE);
    }
}

/* Why nothing complete is there when the connection ends. */
static void test_ends(void **state)
{
    static const struct {
        const char *text;
        enum proto_error error;
    } ends[] = {
        {"", PROTO_EMPTY_REPLY},
        {"H", PROTO_HEAD_TRUNCATED},
        {OK LENGTH("5") "\r\n", PROTO_BODY_TRUNCATED},
        {OK CHUNKED "\r\n1\r\na\r\n", PROTO_BODY_TRUNCATED},
        {OK LENGTH("1") "\r\na", PROTO_EMPTY_REPLY}, /* of the next one nothing came */
        {OK "\r\n", PROTO_OK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct reply reply = {0};
        struct transcript transcript = {0};
        reply_begin(&reply, false);
        feed_piece(&reply, false, span_of(ends[i].text), &transcript);
        assert_int_equal(reply_end(&reply), ends[i].error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
