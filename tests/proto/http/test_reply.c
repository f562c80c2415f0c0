/* One reply after the other, event by event: each row is fed whole, a byte at a time, and cut in
 * two at each point, with a carry as small as may be, and with a large one. Where the pieces of a
 * body are cut may differ; what they are together, the
 * heads and the order may not. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/http/reply.h"
#include "tests/lib/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define LENGTH(digits) "Content-Length: " digits "\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

enum { WHOLE = FEED_WIRE_BYTES_MAX };

/* "[HEAD]BODY;", once a reply, with the words of its anomalies before the semicolon, then the error
 * if there is one, then what the end of the connection makes of it: "end" where that ended the
 * body. */
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
    {"a fold", WIRE(OK "A: b\r\n  c\r\n" LENGTH("1") "\r\na" OK LENGTH("1") "\r\nb"), false,
     "[" OK "A: b c\r\n" LENGTH("1") "\r\n]a;[" OK LENGTH("1") "\r\n]b;"},
    {"folds in a reply to HEAD", WIRE(OK "A:\n b\n\tc\n\n"), true, "[" OK "A: b c\n\n];"},
    {"a fold in an interim head",
     WIRE("HTTP/1.1 100 C\r\nA: b\r\n c\r\n\r\n" OK LENGTH("0") "\r\n"), false,
     "[" OK LENGTH("0") "\r\n];"},
    {"odd", WIRE(OK "A : b\r\nx\r\n" CHUNKED "\r\n1 \r\na\r\n0;\r\n\r\n"), false,
     "[" OK "A : b\r\nx\r\n" CHUNKED
     "\r\n]a chunk_size_space chunk_extension_empty colon_space line_without_colon;"},
    {"an odd interim head", WIRE("HTTP/1.1  100 C\r\n\r\n" OK LENGTH("1") "\r\na"), false,
     "[" OK LENGTH("1") "\r\n]a status_spaces;"},
    {"odd, then a bad chunk", WIRE(OK CHUNKED "\r\n1 \r\na\r\nx\r\n"), false,
     "[" OK CHUNKED "\r\n]a chunk_size_space!"},
    {"odd, and cut", WIRE(OK CHUNKED "\r\n1 \r\na"), false,
     "[" OK CHUNKED "\r\n]a chunk_size_space"},
    {"odd, until the end", WIRE(OK "x\r\n\r\nabc"), false,
     "[" OK "x\r\n\r\n]abc line_without_colonend"},
    {"nothing odd after it", WIRE(OK "x\r\n" LENGTH("0") "\r\n" OK LENGTH("0") "\r\n"), false,
     "[" OK "x\r\n" LENGTH("0") "\r\n] line_without_colon;[" OK LENGTH("0") "\r\n];"},
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

static void note_anomalies(struct transcript *transcript, const struct response *response)
{
    assert_false(response->anomalies != 0 && response->keep_alive);
    for (unsigned bit = 0; bit < PROTO_ANOMALY_COUNT; bit++)
        if (response->anomalies & 1u << bit)
            note(transcript, " ", span_of(proto_anomaly_word(bit)), "");
}

/* Lends a carry of what is wanted and no byte more, or a large one. */
static void lend(struct reply *reply, bool is_exact)
{
    char *former = reply->carry;
    assert_true(reply->carry_wanted > reply->carry_size);
    assert_true(reply->carry_wanted <= reply->response.rules->max_head);
    uint32_t size = is_exact ? reply->carry_wanted : reply->response.rules->max_head;
    reply_lend(reply, malloc(size), size);
    free(former);
}

static void take_back(struct reply *reply)
{
    assert_int_equal(reply->carry_length, 0);
    free(reply->carry);
    reply_lend(reply, NULL, 0);
}

static const struct span none = {"", 0};

/* False: nothing may follow. Where a carry is lent, it goes on with what is left at another place,
 * as who had none at hand would. */
static bool feed_piece(struct reply *reply, bool is_head, bool is_exact, struct span piece,
                       struct transcript *transcript)
{
    struct span in = {feed_guarded(0, piece), piece.length};
    for (unsigned lent = 0;;) {
        struct span data;
        enum proto_error error = PROTO_OK;
        switch (reply_feed(reply, &in, &data, &error)) {
        case REPLY_MORE:
            assert_int_equal(in.length, 0);
            return true;
        case REPLY_CARRY:
            lend(reply, is_exact);
            in.bytes = feed_guarded(++lent % 2, in);
            break;
        case REPLY_HEAD:
            note(transcript, "[", data, "]");
            take_back(reply);
            break;
        case REPLY_BODY:
            assert_true(data.length > 0);
            note(transcript, "", data, "");
            break;
        case REPLY_DONE:
            note_anomalies(transcript, &reply->response);
            note(transcript, ";", none, "");
            reply_begin(reply, reply->response.rules, is_head);
            break;
        case REPLY_BAD:
            assert_int_not_equal(error, PROTO_OK);
            note_anomalies(transcript, &reply->response);
            note(transcript, "!", none, "");
            return false;
        }
    }
}

static void check(size_t row, size_t first, size_t step, bool is_exact)
{
    struct reply reply = {0};
    struct transcript transcript = {0};
    struct span wire = rows[row].wire;
    bool goes_on = true;
    reply_begin(&reply, &response_rules_default, rows[row].is_head);
    for (size_t at = 0, length = first; at < wire.length && goes_on; at += length, length = step) {
        length = length < wire.length - at ? length : wire.length - at;
        goes_on = feed_piece(&reply, rows[row].is_head, is_exact,
                             (struct span){wire.bytes + at, length}, &transcript);
    }
    if (goes_on) {
        enum proto_error error = reply_end(&reply);
        note_anomalies(&transcript, &reply.response);
        if (error == PROTO_OK)
            note(&transcript, "end", none, "");
    }
    free(reply.carry);
    if (strcmp(transcript.text, rows[row].transcript) != 0)
        fail_msg("%s, cut at %zu, then each %zu: '%s', not '%s'", rows[row].name, first, step,
                 transcript.text, rows[row].transcript);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        for (int is_exact = 0; is_exact <= 1; is_exact++) {
            check(row, WHOLE, WHOLE, is_exact);
            check(row, 1, 1, is_exact);
            for (size_t cut = 1; cut < rows[row].wire.length; cut++)
                check(row, cut, WHOLE, is_exact);
        }
    }
}

/* --- the carry -------------------------------------------------------------------------------- */

/* A small piece first, of which the head fills all, then a large one; what is behind the head goes
 * back to the view, and the small piece is free as soon as the large one is lent. */
static void test_carry_grows(void **state)
{
    enum { SMALL = 64, HEAD = 600 };
    static const char status[] = OK "X: ";
    char wire[HEAD + 7];
    struct reply reply = {0};
    struct span data;
    enum proto_error error;
    (void)state;
    memset(wire, 'y', HEAD);
    memcpy(wire, status, sizeof status - 1);
    memcpy(wire + HEAD - 23, "\r\n" LENGTH("3") "\r\nabcHTTP", 23 + 7);
    for (size_t cut = 1; cut < HEAD; cut++) {
        struct span in = {wire, cut};
        char *small = malloc(SMALL);
        char *large = malloc(HEAD);
        reply_begin(&reply, &response_rules_default, false);
        assert_int_equal(reply_feed(&reply, &in, &data, &error), REPLY_CARRY);
        assert_int_equal(in.length, cut);
        assert_int_equal(reply.carry_wanted, cut + 1);
        if (cut < SMALL) {
            reply_lend(&reply, small, SMALL);
            assert_int_equal(reply_feed(&reply, &in, &data, &error), REPLY_MORE);
            in = (struct span){wire + cut, sizeof wire - cut};
            assert_int_equal(reply_feed(&reply, &in, &data, &error), REPLY_CARRY);
            assert_int_equal(in.length, sizeof wire - SMALL);
            assert_int_equal(reply.carry_wanted, SMALL + 1);
            reply_lend(&reply, large, HEAD);
        } else {
            reply_lend(&reply, large, HEAD);
            assert_int_equal(reply_feed(&reply, &in, &data, &error), REPLY_MORE);
            in = (struct span){wire + cut, sizeof wire - cut};
        }
        free(small);
        assert_int_equal(reply_feed(&reply, &in, &data, &error), REPLY_HEAD);
        assert_int_equal(data.length, HEAD);
        assert_memory_equal(data.bytes, wire, HEAD);
        assert_int_equal(in.length, 7);
        assert_int_equal(reply.response.content_length, 3); /* for who would not have so many */
        free(large);
        reply_lend(&reply, NULL, 0);
        assert_int_equal(reply_feed(&reply, &in, &data, &error), REPLY_BODY);
        assert_int_equal(reply_feed(&reply, &in, &data, &error), REPLY_DONE);
        assert_int_equal(in.length, 4);
    }
}

/* Heads beyond carry_above are handed out in the carry, even where they came in one piece. */
static void test_carry_above(void **state)
{
    struct response_rules rules = response_rules_default;
    static const struct span wire = WIRE(OK "A: b\r\n" LENGTH("0") "\r\n");
    struct reply reply = {0};
    struct span data;
    enum proto_error error;
    (void)state;
    for (uint32_t above = (uint32_t)wire.length - 1; above <= wire.length; above++) {
        struct span in = wire;
        char carry[64];
        rules.carry_above = above;
        reply_begin(&reply, &rules, false);
        if (above < wire.length) {
            assert_int_equal(reply_feed(&reply, &in, &data, &error), REPLY_CARRY);
            assert_int_equal(reply.carry_wanted, wire.length);
            reply_lend(&reply, carry, sizeof carry);
        }
        assert_int_equal(reply_feed(&reply, &in, &data, &error), REPLY_HEAD);
        assert_true(span_equal(data, wire));
        assert_true((data.bytes == carry) == (above < wire.length));
        assert_int_equal(in.length, 0);
        reply_lend(&reply, NULL, 0);
    }
}

/* A head as long as it may be needs no carry beyond that, and a longer one never asks for it. */
static void test_carry_limit(void **state)
{
    enum { MOST = 200 };
    struct response_rules rules = response_rules_default;
    char wire[MOST + 1];
    (void)state;
    rules.max_head = MOST;
    for (int too_long = 0; too_long <= 1; too_long++) {
        struct reply reply = {0};
        struct transcript transcript = {0};
        size_t length = MOST + (size_t)too_long;
        memset(wire, 'y', sizeof wire);
        memcpy(wire, OK "X: ", strlen(OK "X: "));
        memcpy(wire + length - 4, "\r\n\r\n", 4);
        reply_begin(&reply, &rules, true);
        for (size_t at = 0; at < length; at += 7)
            if (!feed_piece(&reply, true, true,
                            (struct span){wire + at, length - at < 7 ? length - at : 7},
                            &transcript))
                break;
        free(reply.carry);
        assert_int_equal(transcript.length, too_long ? 1 : MOST + 3);
    }
}

/* What is odd is an error where replies are read strictly, the trailers of a reply as well. */
static void test_strict(void **state)
{
    static const struct {
        const char *text, *transcript;
    } odd[] = {
        {OK "A : b\r\n" LENGTH("0") "\r\n", "!"},
        {"HTTP/1.1  100 C\r\n\r\n" OK LENGTH("0") "\r\n", "!"},
        {OK CHUNKED "\r\n1 \r\na\r\n0\r\n\r\n", "[" OK CHUNKED "\r\n]!"},
        {OK CHUNKED "\r\n0\r\nA : b\r\n\r\n", "[" OK CHUNKED "\r\n]!"},
        {OK CHUNKED "\r\n0\r\nA: b\r\n c\r\n\r\n", "[" OK CHUNKED "\r\n];"},
        {OK "A: b\r\n c\r\n" LENGTH("0") "\r\n", "[" OK "A: b c\r\n" LENGTH("0") "\r\n];"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct reply reply = {0};
        struct transcript transcript = {0};
        reply_begin(&reply, &feed_strict, false);
        feed_piece(&reply, false, true, span_of(odd[i].text), &transcript);
        free(reply.carry);
        assert_string_equal(transcript.text, odd[i].transcript);
    }
}

/* Only a 100 says that the body may come, wherever its head is cut. */
static void test_continued(void **state)
{
    static const struct {
        struct span wire;
        bool was_continued;
    } interim[] = {
        {WIRE("HTTP/1.1 100 C\r\n\r\n"), true},
        {WIRE("HTTP/1.1 100 C\r\nA: b\r\n\r\n" OK), true},
        {WIRE("HTTP/1.1 102 P\r\n\r\n"), false},
        {WIRE("HTTP/1.1 103 E\r\n\r\nHTTP/1.1 100 C\r\n\r\n"), true},
        {WIRE("HTTP/1.1 100 C\r\n"), false},
        {WIRE(OK LENGTH("0") "\r\n"), false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof interim / sizeof *interim; i++) {
        struct span wire = interim[i].wire;
        for (size_t cut = 0; cut < wire.length; cut++) {
            struct reply reply = {0};
            struct transcript transcript = {0};
            struct span rest = {wire.bytes + cut, wire.length - cut};
            reply_begin(&reply, &response_rules_default, false);
            feed_piece(&reply, false, true, (struct span){wire.bytes, cut}, &transcript);
            feed_piece(&reply, false, true, rest, &transcript);
            assert_int_equal(reply.was_continued, interim[i].was_continued);
            free(reply.carry);
        }
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
        reply_begin(&reply, &response_rules_default, false);
        feed_piece(&reply, false, true, span_of(ends[i].text), &transcript);
        assert_int_equal(reply_end(&reply), ends[i].error);
        free(reply.carry);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),        cmocka_unit_test(test_continued),
        cmocka_unit_test(test_ends),        cmocka_unit_test(test_carry_grows),
        cmocka_unit_test(test_carry_above), cmocka_unit_test(test_carry_limit),
        cmocka_unit_test(test_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
