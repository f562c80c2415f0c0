/* Replies as a server sends them, in every delivery, and what the head parser makes of them. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "proto/http/scan.h"
#include "tests/lib/feed.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct feed_outcome outcome;

static void print_wire(struct span wire)
{
    print_error("%.*s\n", (int)wire.length, wire.bytes);
}

static void feed_by(const struct response_rules *rules, struct span wire, bool is_head_request)
{
    size_t cut = feed_reply_cuts(wire, rules, is_head_request, 1, &outcome);

    if (cut != 0) {
        print_wire(wire);
        fail_msg("cut after %zu bytes, the verdict is another", cut);
    }
}

static void feed(struct span wire, bool is_head_request)
{
    feed_by(&response_rules_default, wire, is_head_request);
}

static void check_error(struct span wire, enum proto_error error)
{
    if (outcome.error == error)
        return;
    print_wire(wire);
    fail_msg("expected: %s; found: %s", proto_error_sentence(error),
             proto_error_sentence(outcome.error));
}

#define OK_LINE "HTTP/1.1 200 OK\r\n"

/* --- accepted ------------------------------------------------------------------------------- */

enum { CLOSES = false, KEEPS = true };

static const struct accepted {
    struct span wire;
    uint16_t status;
    enum response_framing framing;
    bool keep_alive;
    const char *body;
    uint16_t field_count;
    size_t surplus;
} accepted[] = {
    /* the plain cases of RFC 9112, 6.3 */
    {WIRE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), 200, FRAMING_LENGTH, KEEPS, "hello",
     1, 0},
    {WIRE("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), 200, FRAMING_LENGTH, KEEPS, "", 1, 0},
    {WIRE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), 200,
     FRAMING_CHUNKED, KEEPS, "hello", 1, 0},
    {WIRE("HTTP/1.1 200 OK\r\n\r\nhello"), 200, FRAMING_CLOSE, CLOSES, "hello", 0, 0},
    {WIRE("HTTP/1.1 200 OK\r\n\r\n"), 200, FRAMING_CLOSE, CLOSES, "", 0, 0},
    {WIRE("HTTP/1.0 200 OK\r\n\r\nhello"), 200, FRAMING_CLOSE, CLOSES, "hello", 0, 0},
    {WIRE("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"), 200, FRAMING_LENGTH, CLOSES,
     "hello", 1, 0},

    /* status line */
    {WIRE("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), 200, FRAMING_LENGTH, KEEPS, "", 1, 0},
    {WIRE("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"), 200, FRAMING_LENGTH, KEEPS, "", 1, 0},
    {WIRE("HTTP/1.1 200  two  spaces\tand a tab \r\nContent-Length: 0\r\n\r\n"), 200,
     FRAMING_LENGTH, KEEPS, "", 1, 0},
    {WIRE("HTTP/1.1 200 \xc3\xa9t\xe9\r\nContent-Length: 0\r\n\r\n"), 200, FRAMING_LENGTH, KEEPS,
     "", 1, 0},
    {WIRE("HTTP/1.1 404 404\r\nContent-Length: 0\r\n\r\n"), 404, FRAMING_LENGTH, KEEPS, "", 1, 0},
    {WIRE("HTTP/1.9 599 Odd\r\nContent-Length: 0\r\n\r\n"), 599, FRAMING_LENGTH, KEEPS, "", 1, 0},

    /* LF alone ends a line */
    {WIRE("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"), 200, FRAMING_LENGTH, KEEPS, "hello", 1,
     0},
    {WIRE("HTTP/1.1 200 OK\nContent-Length: 5\r\n\nhello"), 200, FRAMING_LENGTH, KEEPS, "hello", 1,
     0},
    {WIRE("HTTP/1.1 200\n\n\nx"), 200, FRAMING_CLOSE, CLOSES, "\nx", 0, 0},

    /* field lines */
    {WIRE("HTTP/1.1 200 OK\r\nEmpty:\r\nBlank: \t \r\ncontent-LENGTH:2\r\n\r\nok"), 200,
     FRAMING_LENGTH, KEEPS, "ok", 3, 0},
    {WIRE("HTTP/1.1 200 OK\r\nContent-Length: \t 2 \t\r\n\r\nok"), 200, FRAMING_LENGTH, KEEPS, "ok",
     1, 0},
    {WIRE("HTTP/1.1 200 OK\r\n!#$%&'*+-.^_`|~09azAZ: all token bytes\r\nContent-Length: 0\r\n\r\n"),
     200, FRAMING_LENGTH, KEEPS, "", 2, 0},
    {WIRE("HTTP/1.1 200 OK\r\nX: \xff\x80 :;,\"()\t\r\nContent-Length: 0\r\n\r\n"), 200,
     FRAMING_LENGTH, KEEPS, "", 2, 0},
    {WIRE("HTTP/1.1 200 OK\r\nContent-Lengthy: 9\r\nTransfer-Encodings: x\r\nContent-Lengtj: 7\r\n"
          "Content-Length: 1\r\n\r\nx"),
     200, FRAMING_LENGTH, KEEPS, "x", 4, 0},
    {WIRE("HTTP/1.1 301 Moved\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"), 301,
     FRAMING_LENGTH, KEEPS, "", 3, 0},

    /* a status that nobody knows */
    {WIRE("HTTP/1.1 600 Odd\r\nContent-Length: 1\r\n\r\nx"), 600, FRAMING_LENGTH, KEEPS, "x", 1, 0},
    {WIRE("HTTP/1.1 999 Request denied\r\nContent-Length: 2\r\n\r\nno"), 999, FRAMING_LENGTH, KEEPS,
     "no", 1, 0},

    /* folded lines */
    {WIRE(OK_LINE "X: y\r\n folded\r\nContent-Length: 1\r\n\r\nx"), 200, FRAMING_LENGTH, KEEPS, "x",
     2, 0},
    {WIRE(OK_LINE "X: y\r\n\t\r\n \tz\nContent-Length: 1\n\n x"), 200, FRAMING_LENGTH, KEEPS, " ",
     2, 1},
    {WIRE(OK_LINE "X:\n y\n\n hello"), 200, FRAMING_CLOSE, CLOSES, " hello", 1, 0},
    {WIRE(OK_LINE "Content-Length:\r\n 5\r\n\r\nhello"), 200, FRAMING_LENGTH, KEEPS, "hello", 1, 0},
    {WIRE(OK_LINE "Content-Length: 5\r\n ,\r\n\t5\r\n \r\n\r\nhello"), 200, FRAMING_LENGTH, KEEPS,
     "hello", 1, 0},
    {WIRE(OK_LINE "Transfer-Encoding: \r\n\tchunked \r\n \r\n\r\n1\r\nx\r\n0\r\n\r\n"), 200,
     FRAMING_CHUNKED, KEEPS, "x", 1, 0},
    {WIRE(OK_LINE "Connection: x,\r\n close\r\n ,y\r\nContent-Length: 0\r\n\r\n"), 200,
     FRAMING_LENGTH, CLOSES, "", 2, 0},
    {WIRE(OK_LINE "X: y\r\n Content-Length: 5\r\nContent-Length: 1\r\n\r\nx"), 200, FRAMING_LENGTH,
     KEEPS, "x", 2, 0},

    /* several lengths that agree */
    {WIRE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), 200,
     FRAMING_LENGTH, KEEPS, "hello", 2, 0},
    {WIRE("HTTP/1.1 200 OK\r\nContent-Length: 5, 5 ,5\r\n\r\nhello"), 200, FRAMING_LENGTH, KEEPS,
     "hello", 1, 0},
    {WIRE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\nContent-Length: 5,5\r\n\r\nhello"), 200,
     FRAMING_LENGTH, KEEPS, "hello", 3, 0},
    {WIRE("HTTP/1.1 200 OK\r\nContent-Length: 0005\r\n\r\nhello"), 200, FRAMING_LENGTH, KEEPS,
     "hello", 1, 0},

    /* surplus bytes are not the body's */
    {WIRE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, world"), 200, FRAMING_LENGTH, KEEPS,
     "hello", 1, 7},
    {WIRE("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), 200,
     FRAMING_LENGTH, KEEPS, "", 1, 19},
    {WIRE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore"), 200,
     FRAMING_CHUNKED, KEEPS, "", 1, 4},

    /* transfer coding */
    {WIRE("HTTP/1.1 200 OK\r\ntransfer-encoding:\tCHUNKED \r\n\r\n1\r\nx\r\n0\r\n\r\n"), 200,
     FRAMING_CHUNKED, KEEPS, "x", 1, 0},

    /* persistence */
    {WIRE("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"), 200,
     FRAMING_LENGTH, CLOSES, "x", 2, 0},
    {WIRE("HTTP/1.1 200 OK\r\nConnection: X-Hop, , CLOSE\r\nContent-Length: 1\r\n\r\nx"), 200,
     FRAMING_LENGTH, CLOSES, "x", 2, 0},
    {WIRE("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\n"
          "Content-Length: 1\r\n\r\nx"),
     200, FRAMING_LENGTH, CLOSES, "x", 3, 0},
    {WIRE("HTTP/1.1 200 OK\r\nConnection: closed\r\nContent-Length: 1\r\n\r\nx"), 200,
     FRAMING_LENGTH, KEEPS, "x", 2, 0},
    {WIRE("HTTP/1.1 200 OK\r\nConnection:\r\nContent-Length: 1\r\n\r\nx"), 200, FRAMING_LENGTH,
     KEEPS, "x", 2, 0},
    {WIRE("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nx"), 200, FRAMING_CLOSE, CLOSES, "x", 1,
     0},
    {WIRE("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx"), 200,
     FRAMING_LENGTH, KEEPS, "x", 2, 0},
    {WIRE("HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 1\r\n\r\nx"), 200,
     FRAMING_LENGTH, CLOSES, "x", 2, 0},

    /* no body, whatever the fields say */
    {WIRE("HTTP/1.1 204 No Content\r\n\r\n"), 204, FRAMING_NONE, KEEPS, "", 0, 0},
    {WIRE("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), 304, FRAMING_NONE, KEEPS, "",
     1, 0},
    {WIRE("HTTP/1.0 304 Not Modified\r\n\r\n"), 304, FRAMING_NONE, CLOSES, "", 0, 0},
    {WIRE("HTTP/1.1 304 Not Modified\r\nContent-Length: x\r\n\r\n"), 304, FRAMING_NONE, CLOSES, "",
     1, 0},
    {WIRE("HTTP/1.1 100 C\r\nContent-Length: -1\r\nTransfer-Encoding: gzip\r\n\r\n"
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
     200, FRAMING_LENGTH, KEEPS, "x", 1, 0},
};

/* What the grammar allows, or the RFC says how to read, is read so in both manners. */
static void check_accepted(const struct accepted *row)
{
    check_error(row->wire, PROTO_OK);
    assert_int_equal(outcome.anomalies, 0);
    assert_int_equal(outcome.response.status, row->status);
    assert_int_equal(outcome.response.framing, row->framing);
    assert_int_equal(outcome.response.keep_alive, row->keep_alive);
    assert_int_equal(outcome.response.field_count, row->field_count);
    assert_int_equal(outcome.body_length, strlen(row->body));
    assert_memory_equal(outcome.body, row->body, outcome.body_length);
    assert_int_equal(row->wire.length - outcome.used, row->surplus);
}

static void test_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        feed(accepted[i].wire, false);
        check_accepted(&accepted[i]);
        feed_by(&feed_strict, accepted[i].wire, false);
        check_accepted(&accepted[i]);
    }
}

static const struct span head_replies[] = {
    WIRE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    WIRE("HTTP/1.1 200 OK\r\n\r\n"),
    WIRE("HTTP/1.1 404 Not Found\nContent-Length: 9223372036854775807\n\n"),
};

static void test_head_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(head_replies); i++) {
        feed_by(i % 2 ? &feed_strict : &response_rules_default, head_replies[i], true);
        check_error(head_replies[i], PROTO_OK);
        assert_int_equal(outcome.anomalies, 0);
        assert_int_equal(outcome.response.framing, FRAMING_NONE);
        assert_true(outcome.response.keep_alive);
        assert_int_equal(outcome.used, head_replies[i].length);
    }
}

static const struct version {
    struct span wire;
    unsigned minor;
} versions[] = {
    {WIRE("HTTP/1.0 200 OK\r\n\r\n"), 0},
    {WIRE("HTTP/1.1 200 OK\r\n\r\n"), 1},
    {WIRE("HTTP/1.2 200 OK\r\n\r\n"), 1},
    {WIRE("HTTP/1.9 200 OK\r\n\r\n"), 1},
};

static void test_version(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(versions); i++) {
        feed(versions[i].wire, false);
        assert_int_equal(outcome.response.version_minor, versions[i].minor);
    }
}

/* --- refused -------------------------------------------------------------------------------- */

static const struct refused {
    struct span wire;
    enum proto_error error;
} refused[] = {
    /* status line */
    {WIRE("\r\nHTTP/1.1 200 OK\r\n\r\n"), PROTO_STATUS_LINE},
    {WIRE(" HTTP/1.1 200 OK\r\n\r\n"), PROTO_STATUS_LINE},
    {WIRE("http/1.1 200 OK\r\n\r\n"), PROTO_STATUS_LINE},
    {WIRE("<html>\r\n\r\n"), PROTO_STATUS_LINE},
    {WIRE("SSH-2.0-OpenSSH_9.2\r\n"), PROTO_STATUS_LINE},
    {WIRE("\x15\x03\x01\0\2\2\x16"), PROTO_STATUS_TLS},
    {WIRE("\x16\x03\x01\0\2\2\x16"), PROTO_STATUS_LINE},
    {WIRE("HTTP\x00/1.1 200 OK\r\n\r\n"), PROTO_STATUS_LINE},
    {WIRE("HTTP 1.1 200 OK\r\n\r\n"), PROTO_STATUS_LINE},
    {WIRE("HTTP/1.1\r\n\r\n"), PROTO_STATUS_LINE},
    {WIRE("HTTP/1.1\t200 OK\r\n\r\n"), PROTO_STATUS_LINE},
    {WIRE("HTTP/1.10 200 OK\r\n\r\n"), PROTO_STATUS_LINE},
    {WIRE("HTTP/1. 200 OK\r\n\r\n"), PROTO_STATUS_LINE},
    {WIRE("HTTP/11 200 OK\r\n\r\n"), PROTO_STATUS_LINE},
    {WIRE("HTTP/2.0 200 OK\r\n\r\n"), PROTO_STATUS_VERSION},
    {WIRE("HTTP/0.9 200 OK\r\n\r\n"), PROTO_STATUS_VERSION},
    {WIRE("HTTP/3 200\r\n\r\n"), PROTO_STATUS_VERSION},
    {WIRE("HTTP/1.1 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 \r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 20\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 20 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 2000 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 200OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 200\tOK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 -12 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 099 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), PROTO_STATUS_SWITCHING},
    {WIRE("HTTP/1.1 200 O\rK\r\n\r\n"), PROTO_HEAD_BARE_CR},
    {WIRE("HTTP/1.1 200\r\r\n\r\n"), PROTO_HEAD_BARE_CR},
    {WIRE("HTTP/1.1 200 O\x00K\r\n\r\n"), PROTO_HEAD_BYTE},
    {WIRE("HTTP/1.1 200 O\x7fK\r\n\r\n"), PROTO_HEAD_BYTE},
    {WIRE("HTTP/1.1 200 \x1b[2J\r\n\r\n"), PROTO_HEAD_BYTE},

    /* field lines */
    {WIRE(OK_LINE " X: folded first\r\n\r\n"), PROTO_FIELD_FOLDED},
    {WIRE(OK_LINE "\tX: folded first\r\n\r\n"), PROTO_FIELD_FOLDED},
    {WIRE(OK_LINE " \r\n\r\n"), PROTO_FIELD_FOLDED},
    {WIRE(OK_LINE "Content-Length : 5\r\n\r\nhello"), PROTO_FIELD_COLON},
    {WIRE(OK_LINE "content-length\t: 5\r\n\r\nhello"), PROTO_FIELD_COLON},
    {WIRE(OK_LINE "Content-Length\r\n : 5\r\n\r\nhello"), PROTO_FIELD_COLON},
    {WIRE(OK_LINE "Transfer-Encoding \t : chunked\r\n\r\n0\r\n\r\n"), PROTO_FIELD_COLON},
    {WIRE(OK_LINE "Connection : close\r\nContent-Length: 0\r\n\r\n"), PROTO_FIELD_COLON},
    {WIRE("HTTP/1.1 204 No\r\nContent-Length : 5\r\n\r\n"), PROTO_FIELD_COLON},
    {WIRE(OK_LINE "X y(z): a\r\n\r\n"), PROTO_FIELD_NAME},
    {WIRE(OK_LINE "X\r\n (: y\r\n\r\n"), PROTO_FIELD_NAME},
    {WIRE(OK_LINE "no\x01 colon\r\n\r\n"), PROTO_HEAD_BYTE},
    {WIRE(OK_LINE "X\x01Y: z\r\n\r\n"), PROTO_HEAD_BYTE},
    {WIRE(OK_LINE "X: y\r\n z\rw\r\n\r\n"), PROTO_HEAD_BARE_CR},
    {WIRE(OK_LINE "X: y\r\n z\x00w\r\n\r\n"), PROTO_HEAD_BYTE},
    {WIRE(OK_LINE ": no name\r\n\r\n"), PROTO_FIELD_NAME},
    {WIRE(OK_LINE "X(y): z\r\n\r\n"), PROTO_FIELD_NAME},
    {WIRE(OK_LINE "\"X\": z\r\n\r\n"), PROTO_FIELD_NAME},
    {WIRE(OK_LINE "X@Y: z\r\n\r\n"), PROTO_FIELD_NAME},
    {WIRE(OK_LINE "X\xe9: z\r\n\r\n"), PROTO_FIELD_NAME},
    {WIRE(OK_LINE "X: a\rb\r\n\r\n"), PROTO_HEAD_BARE_CR},
    {WIRE(OK_LINE "X: a\r\r\n\r\n"), PROTO_HEAD_BARE_CR},
    {WIRE(OK_LINE "X: a\r\n\rb"), PROTO_HEAD_BARE_CR},
    {WIRE(OK_LINE "\r\r\n"), PROTO_HEAD_BARE_CR},
    {WIRE(OK_LINE "X: a\0b\r\n\r\n"), PROTO_HEAD_BYTE},
    {WIRE(OK_LINE "X\x00Y: b\r\n\r\n"), PROTO_HEAD_BYTE},

    /* length */
    {WIRE(OK_LINE "Content-Length:\r\n\r\n"), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE "Content-Length: -1\r\n\r\n"), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE "Content-Length: +5\r\n\r\nhello"), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE "Content-Length: 0x5\r\n\r\nhello"), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE "Content-Length: 5 5\r\n\r\nhello"), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE "Content-Length: 5.0\r\n\r\nhello"), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE "Content-Length: 5,\r\n\r\nhello"), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE "Content-Length: ,5\r\n\r\nhello"), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE "Content-Length: 5,,5\r\n\r\nhello"), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE "Content-Length: 9223372036854775808\r\n\r\n"), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE "Content-Length: 18446744073709551617\r\n\r\nx"), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE "Content-Length: 99999999999999999999999999\r\n\r\n"), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE "Content-Length: 5, 6\r\n\r\nhello"), PROTO_LENGTH_DIFFERS},
    {WIRE(OK_LINE "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), PROTO_LENGTH_DIFFERS},
    {WIRE(OK_LINE "Content-Length: 05\r\nContent-Length: 5\r\n\r\nhello"), PROTO_LENGTH_DIFFERS},

    /* coding */
    {WIRE(OK_LINE "Transfer-Encoding:\r\n\r\n"), PROTO_CODING_UNKNOWN},
    {WIRE(OK_LINE "Transfer-Encoding: chunked,\r\n\r\n"), PROTO_CODING_UNKNOWN},
    {WIRE(OK_LINE "Transfer-Encoding: chun\r\n ked\r\n\r\n"), PROTO_CODING_UNKNOWN},
    {WIRE(OK_LINE "Transfer-Encoding: \x0b chunked\r\n\r\n"), PROTO_CODING_UNKNOWN},
    {WIRE(OK_LINE "Content-Length: 5\r\n 5\r\n\r\nhello"), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\nhello"),
     PROTO_CODING_UNKNOWN},
    {WIRE("HTTP/1.0 200 OK\r\nTransfer-Encoding: identity\r\n\r\n"), PROTO_CODING_HTTP10},
    {WIRE("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     PROTO_CODING_HTTP10},
    {WIRE(OK_LINE "Transfer-Encoding: gzip, chunked\r\n\r\n"), PROTO_CODING_UNKNOWN},
    {WIRE(OK_LINE "Transfer-Encoding: chunked, gzip\r\n\r\n"), PROTO_CODING_UNKNOWN},
    {WIRE(OK_LINE "Transfer-Encoding: chunked;q=1\r\n\r\n"), PROTO_CODING_UNKNOWN},
    {WIRE("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), PROTO_CODING_HTTP10},

    /* ends too early */
    {WIRE(""), PROTO_EMPTY_REPLY},
    {WIRE("H"), PROTO_HEAD_TRUNCATED},
    {WIRE("HTTP/1.1 200 OK"), PROTO_HEAD_TRUNCATED},
    {WIRE(OK_LINE), PROTO_HEAD_TRUNCATED},
    {WIRE(OK_LINE "\r"), PROTO_HEAD_TRUNCATED},
    {WIRE(OK_LINE "Content-Length: 0\r\n"), PROTO_HEAD_TRUNCATED},
    {WIRE("HTTP/1.1 100 Continue\r\n\r\n"), PROTO_EMPTY_REPLY},
    {WIRE("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2"), PROTO_HEAD_TRUNCATED},
    {WIRE(OK_LINE "Content-Length: 5\r\n\r\nhell"), PROTO_BODY_TRUNCATED},
    {WIRE(OK_LINE "Content-Length: 5\r\n\r\n"), PROTO_BODY_TRUNCATED},
    {WIRE(OK_LINE "Transfer-Encoding: chunked\r\n\r\n"), PROTO_BODY_TRUNCATED},
    {WIRE(OK_LINE "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), PROTO_BODY_TRUNCATED},
    {WIRE(OK_LINE "Transfer-Encoding: chunked\r\n\r\n0\r\n"), PROTO_BODY_TRUNCATED},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        feed(refused[i].wire, false);
        check_error(refused[i].wire, refused[i].error);
        feed_by(&feed_strict, refused[i].wire, false); /* and may have another thing to say */
        assert_int_not_equal(outcome.error, PROTO_OK);
    }
}

/* --- read, and named ------------------------------------------------------------------------ */

#define BIT(name) ((uint32_t)PROTO_ANOMALY_##name)
#define LENGTH_2 "Content-Length: 2\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define OK_IN_CHUNKS "\r\n2\r\nok\r\n0\r\n\r\n"

/* Each is read with the body "ok", or with none to HEAD, 204 and 304, and its connection is not
 * used again; read strictly, it is an error. */
static const struct oddity {
    struct span wire;
    uint32_t anomalies;
    enum proto_error strict;
    enum response_framing framing;
    uint32_t field_count;
    bool is_head;
} oddities[] = {
    {WIRE(OK_LINE CHUNKED "\r\n2 \r\nok\r\n0\r\n\r\n"), BIT(CHUNK_SIZE_SPACE),
     PROTO_CHUNK_SIZE_SPACE, FRAMING_CHUNKED, 1, false},
    {WIRE(OK_LINE CHUNKED "\r\n2;\r\nok\r\n0\r\n\r\n"), BIT(CHUNK_EXTENSION_EMPTY),
     PROTO_CHUNK_EXTENSION_EMPTY, FRAMING_CHUNKED, 1, false},

    /* chunked twice */
    {WIRE(OK_LINE CHUNKED "transfer-encoding: chunked\r\n" OK_IN_CHUNKS), BIT(CODING_REPEATED),
     PROTO_CODING_REPEATED, FRAMING_CHUNKED, 2, false},
    {WIRE(OK_LINE "Transfer-Encoding: chunked ,CHUNKED\r\n" OK_IN_CHUNKS), BIT(CODING_REPEATED),
     PROTO_CODING_REPEATED, FRAMING_CHUNKED, 1, false},
    {WIRE(OK_LINE "Transfer-Encoding: chunked,\r\n chunked, chunked\r\n" OK_IN_CHUNKS),
     BIT(CODING_REPEATED), PROTO_CODING_REPEATED, FRAMING_CHUNKED, 1, false},

    /* a length beside chunked, which counts */
    {WIRE(OK_LINE "Content-Length: 9\r\n" CHUNKED OK_IN_CHUNKS), BIT(LENGTH_AND_CODING),
     PROTO_LENGTH_AND_CODING, FRAMING_CHUNKED, 2, false},
    {WIRE(OK_LINE CHUNKED "Content-Length: 0\r\n" OK_IN_CHUNKS), BIT(LENGTH_AND_CODING),
     PROTO_LENGTH_AND_CODING, FRAMING_CHUNKED, 2, false},
    {WIRE(OK_LINE CHUNKED "Content-Length: 0\r\n" CHUNKED OK_IN_CHUNKS),
     BIT(LENGTH_AND_CODING) | BIT(CODING_REPEATED), PROTO_CODING_REPEATED, FRAMING_CHUNKED, 3,
     false},

    /* identity */
    {WIRE(OK_LINE "Transfer-Encoding: identity\r\n\r\nok"), BIT(CODING_IDENTITY),
     PROTO_CODING_IDENTITY, FRAMING_CLOSE, 1, false},
    {WIRE(OK_LINE "Transfer-Encoding: Identity, identity\r\n\r\nok"), BIT(CODING_IDENTITY),
     PROTO_CODING_IDENTITY, FRAMING_CLOSE, 1, false},
    {WIRE(OK_LINE "Transfer-Encoding: identity, chunked\r\n" OK_IN_CHUNKS), BIT(CODING_IDENTITY),
     PROTO_CODING_IDENTITY, FRAMING_CHUNKED, 1, false},
    {WIRE(OK_LINE "Transfer-Encoding: identity\r\n" CHUNKED LENGTH_2 OK_IN_CHUNKS),
     BIT(CODING_IDENTITY) | BIT(LENGTH_AND_CODING), PROTO_CODING_IDENTITY, FRAMING_CHUNKED, 3,
     false},

    /* names */
    {WIRE(OK_LINE "PHP Warning:  x in Unknown on line 0\r\n" LENGTH_2 "\r\nok"), BIT(NAME_SPACE),
     PROTO_NAME_SPACE, FRAMING_LENGTH, 2, false},
    {WIRE(OK_LINE LENGTH_2 "a \t b c: d\r\n\r\nok"), BIT(NAME_SPACE), PROTO_NAME_SPACE,
     FRAMING_LENGTH, 2, false},
    {WIRE(OK_LINE LENGTH_2 "Content Length: 1\r\n\r\nok"), BIT(NAME_SPACE), PROTO_NAME_SPACE,
     FRAMING_LENGTH, 2, false},
    {WIRE(OK_LINE LENGTH_2 "X : y\r\n\r\nok"), BIT(COLON_SPACE), PROTO_COLON_SPACE, FRAMING_LENGTH,
     2, false},
    {WIRE(OK_LINE "Content-Type\t : y\n" LENGTH_2 "\nok"), BIT(COLON_SPACE), PROTO_COLON_SPACE,
     FRAMING_LENGTH, 2, false},
    {WIRE(OK_LINE LENGTH_2 "PHP Warning : y\r\n\r\nok"), BIT(NAME_SPACE) | BIT(COLON_SPACE),
     PROTO_COLON_SPACE, FRAMING_LENGTH, 2, false},
    {WIRE(OK_LINE LENGTH_2 "X\r\n : y\r\n\r\nok"), BIT(COLON_SPACE), PROTO_COLON_SPACE,
     FRAMING_LENGTH, 2, false},
    {WIRE(OK_LINE LENGTH_2 "X\r\n y: z\r\n\r\nok"), BIT(NAME_SPACE), PROTO_NAME_SPACE,
     FRAMING_LENGTH, 2, false},

    /* control bytes in a value */
    {WIRE(OK_LINE "X: a\x01z\r\n" LENGTH_2 "\r\nok"), BIT(VALUE_CONTROL), PROTO_VALUE_CONTROL,
     FRAMING_LENGTH, 2, false},
    {WIRE(OK_LINE "X:\x1b[31m\x0b\x7f\n" LENGTH_2 "\r\nok"), BIT(VALUE_CONTROL),
     PROTO_VALUE_CONTROL, FRAMING_LENGTH, 2, false},
    {WIRE(OK_LINE "X: y\r\n \x0c\r\n" LENGTH_2 "\r\nok"), BIT(VALUE_CONTROL), PROTO_VALUE_CONTROL,
     FRAMING_LENGTH, 2, false},

    /* the status line */
    {WIRE("HTTP/1.1  200 OK\r\n" LENGTH_2 "\r\nok"), BIT(STATUS_SPACES), PROTO_STATUS_SPACES,
     FRAMING_LENGTH, 1, false},
    {WIRE("HTTP/1.1     200\r\n" LENGTH_2 "\r\nok"), BIT(STATUS_SPACES), PROTO_STATUS_SPACES,
     FRAMING_LENGTH, 1, false},
    {WIRE("HTTP/1.0   200   OK\r\nConnection: keep-alive\r\n" LENGTH_2 "\r\nok"),
     BIT(STATUS_SPACES), PROTO_STATUS_SPACES, FRAMING_LENGTH, 2, false},

    /* lines without a colon, which are passed over */
    {WIRE(OK_LINE "no colon\r\n" LENGTH_2 "\r\nok"), BIT(LINE_WITHOUT_COLON),
     PROTO_LINE_WITHOUT_COLON, FRAMING_LENGTH, 1, false},
    {WIRE(OK_LINE LENGTH_2 "X\n(\xe9)\r\n\r\nok"), BIT(LINE_WITHOUT_COLON),
     PROTO_LINE_WITHOUT_COLON, FRAMING_LENGTH, 1, false},
    {WIRE(OK_LINE LENGTH_2 "X\r\n and more\r\n\r\nok"), BIT(LINE_WITHOUT_COLON),
     PROTO_LINE_WITHOUT_COLON, FRAMING_LENGTH, 1, false},

    /* what frames a body, where none follows */
    {WIRE(OK_LINE CHUNKED "\r\n"), BIT(CODING_WITHOUT_BODY), PROTO_CODING_WITHOUT_BODY,
     FRAMING_NONE, 1, true},
    {WIRE(OK_LINE "Content-Length: 1\r\n" CHUNKED "\r\n"), BIT(CODING_WITHOUT_BODY),
     PROTO_CODING_WITHOUT_BODY, FRAMING_NONE, 2, true},
    {WIRE("HTTP/1.0 200 OK\r\nTransfer-Encoding: x\r\n\r\n"), BIT(CODING_WITHOUT_BODY),
     PROTO_CODING_WITHOUT_BODY, FRAMING_NONE, 1, true},
    {WIRE("HTTP/1.1 204 No Content\r\n" CHUNKED "\r\n"), BIT(CODING_WITHOUT_BODY),
     PROTO_CODING_WITHOUT_BODY, FRAMING_NONE, 1, false},
    {WIRE("HTTP/1.1 304 Not Modified\r\n" CHUNKED LENGTH_2 "\r\n"), BIT(CODING_WITHOUT_BODY),
     PROTO_CODING_WITHOUT_BODY, FRAMING_NONE, 2, false},
    {WIRE("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"), BIT(LENGTH_WITHOUT_BODY),
     PROTO_LENGTH_WITHOUT_BODY, FRAMING_NONE, 1, false},
    {WIRE("HTTP/1.1 204 No Content\r\nContent-Length: -1\r\n\r\n"), BIT(LENGTH_WITHOUT_BODY),
     PROTO_LENGTH_WITHOUT_BODY, FRAMING_NONE, 1, false},
    {WIRE("HTTP/1.1 204 No Content\r\nContent-Length: 1, 2\r\n" CHUNKED "\r\n"),
     BIT(LENGTH_WITHOUT_BODY) | BIT(CODING_WITHOUT_BODY), PROTO_LENGTH_WITHOUT_BODY, FRAMING_NONE,
     2, false},

    /* in an interim head; and of everything something */
    {WIRE("HTTP/1.1 103 Early\r\nX : y\r\n\r\n" OK_LINE LENGTH_2 "\r\nok"), BIT(COLON_SPACE),
     PROTO_COLON_SPACE, FRAMING_LENGTH, 1, false},
    {WIRE("HTTP/1.1  100 C\r\n\r\nHTTP/1.1 200\r\nX y : \x02\r\njunk\r\n" CHUNKED LENGTH_2
          "\r\n2 \r\nok\r\n0;\r\nX : y\r\n\r\n"),
     BIT(STATUS_SPACES) | BIT(NAME_SPACE) | BIT(COLON_SPACE) | BIT(VALUE_CONTROL) |
         BIT(LINE_WITHOUT_COLON) | BIT(LENGTH_AND_CODING) | BIT(CHUNK_SIZE_SPACE) |
         BIT(CHUNK_EXTENSION_EMPTY),
     PROTO_STATUS_SPACES, FRAMING_CHUNKED, 3, false},
};

static void test_oddities(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(oddities); i++) {
        const struct oddity *row = &oddities[i];
        const char *body = row->framing == FRAMING_NONE ? "" : "ok";

        feed(row->wire, row->is_head);
        check_error(row->wire, PROTO_OK);
        if (outcome.anomalies != row->anomalies) {
            print_wire(row->wire);
            fail_msg("anomalies %x, not %x", outcome.anomalies, row->anomalies);
        }
        assert_int_equal(outcome.response.framing, row->framing);
        assert_int_equal(outcome.response.field_count, row->field_count);
        if (outcome.response.anomalies != 0) /* what only the chunks have is for reply.c to say */
            assert_false(outcome.response.keep_alive);
        assert_int_equal(outcome.body_length, strlen(body));
        assert_memory_equal(outcome.body, body, outcome.body_length);
        assert_int_equal(outcome.used, row->wire.length);
        feed_by(&feed_strict, row->wire, row->is_head);
        check_error(row->wire, row->strict);
    }
}

/* Where the framing has two readings, it is an error, whatever oddity is beside it. */
static const struct refused refused_in_both[] = {
    {WIRE(OK_LINE LENGTH_2 "Transfer-Encoding: identity\r\n\r\nok"), PROTO_LENGTH_AND_CODING},
    {WIRE(OK_LINE "Transfer-Encoding: identity\r\n" LENGTH_2 "\r\nok"), PROTO_LENGTH_AND_CODING},
    {WIRE(OK_LINE "Transfer-Encoding: chunked, identity\r\n" OK_IN_CHUNKS), PROTO_CODING_NOT_LAST},
    {WIRE(OK_LINE CHUNKED "Transfer-Encoding: identity\r\n" OK_IN_CHUNKS), PROTO_CODING_NOT_LAST},
    {WIRE(OK_LINE CHUNKED "Transfer-Encoding: gzip\r\n" OK_IN_CHUNKS), PROTO_CODING_UNKNOWN},
    {WIRE(OK_LINE CHUNKED "Content-Length: x\r\n" OK_IN_CHUNKS), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE CHUNKED "Content-Length: 1, 2\r\n" OK_IN_CHUNKS), PROTO_LENGTH_DIFFERS},
    {WIRE(OK_LINE "X\r\n Content-Length: 2\r\n\r\nok"), PROTO_FIELD_NAME},
    {WIRE(OK_LINE "X y : z\r\nContent-Length : 2\r\n\r\nok"), PROTO_FIELD_COLON},
    {WIRE(OK_LINE "no colon\r\n" LENGTH_2 "Content-Length: 3\r\n\r\nok"), PROTO_LENGTH_DIFFERS},
    {WIRE("HTTP/1.1   20 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1  \t200 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1  2000 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1  \r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/2  200\r\n\r\n"), PROTO_STATUS_VERSION},
};

static void test_refused_beside_oddities(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused_in_both); i++) {
        feed(refused_in_both[i].wire, false);
        check_error(refused_in_both[i].wire, refused_in_both[i].error);
        feed_by(&feed_strict, refused_in_both[i].wire, false);
        assert_int_not_equal(outcome.error, PROTO_OK);
    }
}

/* Each anomaly has a row above that is it and nothing else. */
static void test_each_anomaly(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < PROTO_ANOMALY_COUNT; bit++) {
        bool is_there = false;

        for (size_t i = 0; i < COUNT(oddities); i++)
            is_there |= oddities[i].anomalies == 1u << bit;
        if (!is_there)
            fail_msg("%s has no row", proto_anomaly_word(bit));
    }
}

/* Every control byte, in every kind of place. */
static void test_control_bytes(void **state)
{
    static const char *const forms[] = {
        "HTTP/1.1 200 O?K\r\n\r\n", "HTTP/1.1 200 OK\r\nX?Y: z\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: y?z\r\n\r\n", "HTTP/1.1 200 OK\r\n?: z\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno?colon\r\n\r\n"};

    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        for (int c = 0; c <= 0x7f; c = c == 0x1f ? 0x7f : c + 1) {
            char wire[64] = "";

            if (c == '\t' || c == '\n' || c == '\r')
                continue;
            strcpy(wire, forms[i]);
            *strchr(wire, '?') = (char)c;
            feed((struct span){wire, strlen(forms[i])}, false);
            assert_int_equal(outcome.error, i == 2 && c != 0 ? PROTO_OK : PROTO_HEAD_BYTE);
            feed_by(&feed_strict, (struct span){wire, strlen(forms[i])}, false);
            assert_int_equal(outcome.error,
                             i == 2 && c != 0 ? PROTO_VALUE_CONTROL : PROTO_HEAD_BYTE);
        }
    }
}

/* Every byte as a field name: what RFC 9110 calls tchar, and no other. */
static void test_name_bytes(void **state)
{
    (void)state;
    for (int c = 0x20; c <= 0xff; c++) {
        char wire[] = "HTTP/1.1 200 OK\r\nX?: y\r\n\r\n";
        bool is_token = c < 0x7f && strchr(" \"(),/:;<=>?@[\\]{}", c) == NULL;

        wire[18] = (char)c;
        feed_by(&feed_strict, (struct span){wire, sizeof(wire) - 1}, false);
        if (c == ':' || is_token)
            assert_int_equal(outcome.error, PROTO_OK);
        else if (c != 0x7f)
            assert_int_equal(outcome.error, c == ' ' ? PROTO_COLON_SPACE : PROTO_FIELD_NAME);
        assert_int_equal(scan_is_token((char)c), is_token);
    }
}

/* --- when a fault is reported --------------------------------------------------------------- */

/* The last byte of each row is the one that cannot be mended by what follows. */
static const struct refused faults_at_the_end[] = {
    {WIRE("S"), PROTO_STATUS_LINE},
    {WIRE("\x15"), PROTO_STATUS_TLS},
    {WIRE("HTTX"), PROTO_STATUS_LINE},
    {WIRE("HTTP/2"), PROTO_STATUS_VERSION},
    {WIRE("HTTP/1.1 2x"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 099 OK\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1  2x"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 101 Switching Protocols\n"), PROTO_STATUS_SWITCHING},
    {WIRE("HTTP/1.1 200 OK\rX"), PROTO_HEAD_BARE_CR},
    {WIRE("HTTP/1.1 200 O\x02"), PROTO_HEAD_BYTE},
    {WIRE(OK_LINE " "), PROTO_FIELD_FOLDED},
    {WIRE(OK_LINE "Connection : y\r\n\r"), PROTO_FIELD_COLON},
    {WIRE(OK_LINE "(: y\r\nX"), PROTO_FIELD_NAME},
    {WIRE(OK_LINE "X: y\x00"), PROTO_HEAD_BYTE},
    {WIRE(OK_LINE "Content-Length: x\n\n"), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE "Transfer-Encoding: x\r\nX"), PROTO_CODING_UNKNOWN},
};

static void test_reported_early(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(faults_at_the_end); i++) {
        const struct refused *row = &faults_at_the_end[i];
        struct response response;
        enum proto_error error;

        response_init(&response, &response_rules_default, false);
        for (size_t length = 1; length < row->wire.length; length++)
            assert_int_equal(
                response_feed(&response, (struct span){row->wire.bytes, length}, &error),
                RESPONSE_MORE);
        assert_int_equal(response_feed(&response, row->wire, &error), RESPONSE_BAD);
        assert_int_equal(error, row->error);
    }
}

/* A line's bytes are looked at once, however many pieces it comes in. */
static void test_long_line_is_not_rescanned(void **state)
{
    static char wire[1 << 16];
    struct response response;
    enum proto_error error;

    (void)state;
    memset(wire, 'x', sizeof(wire));
    memcpy(wire, "HTTP/1.1 200 ", 13);
    response_init(&response, &response_rules_default, false);
    for (size_t length = 1; length < sizeof(wire); length++) {
        assert_int_equal(response_feed(&response, (struct span){wire, length}, &error),
                         RESPONSE_MORE);
        assert_int_equal(response.scanned, length);
    }
}

/* --- limits --------------------------------------------------------------------------------- */

static char big[2 * RESPONSE_MAX_HEAD];

static size_t append(size_t at, const char *text)
{
    memcpy(big + at, text, strlen(text));
    return at + strlen(text);
}

static size_t append_filled_line(size_t at, size_t line_bytes)
{
    memset(big + at, 'y', line_bytes);
    memcpy(big + at, "X: ", 3);
    memcpy(big + at + line_bytes - 2, "\r\n", 2);
    return at + line_bytes;
}

/* Limits small enough to be fed in every way. */
static const struct response_rules small = {
    .max_head = 4000, .max_fields = 40, .max_interim = 7, .carry_above = UINT32_MAX};

static enum proto_error big_error(size_t length)
{
    size_t cut = feed_reply_cuts((struct span){big, length}, &small, false, 61, &outcome);

    assert_int_equal(cut, 0);
    return outcome.error;
}

static void test_head_limit(void **state)
{
    size_t start = append(0, OK_LINE "Content-Length: 0\r\n");
    size_t rest = small.max_head - start - 2;

    (void)state;
    assert_int_equal(big_error(append(append_filled_line(start, rest), "\r\n")), PROTO_OK);
    assert_int_equal(big_error(append(append_filled_line(start, rest + 1), "\r\n")),
                     PROTO_HEAD_TOO_LONG);
    /* full to the last byte, with a line's end there, and still no blank line */
    assert_int_equal(big_error(append_filled_line(start, rest + 2)), PROTO_HEAD_TOO_LONG);
    assert_int_equal(big_error(append_filled_line(start, rest)), PROTO_HEAD_TRUNCATED);
    /* a line that never ends, and one that is still open exactly at the limit */
    append_filled_line(start, rest + 10);
    assert_int_equal(big_error(small.max_head), PROTO_HEAD_TOO_LONG);
    assert_int_equal(big_error(small.max_head - 1), PROTO_HEAD_TRUNCATED);
    /* a folded one */
    memcpy(big + start + 100, "\r\n ", 3);
    assert_int_equal(big_error(small.max_head), PROTO_HEAD_TOO_LONG);
}

static void test_field_limit(void **state)
{
    size_t at = append(0, OK_LINE "Content-Length: 0\r\n");

    (void)state;
    for (size_t i = 1; i < small.max_fields; i++)
        at = append(at, "X: y\r\n");
    assert_int_equal(big_error(append(at, "\r\n")), PROTO_OK);
    assert_int_equal(outcome.response.field_count, small.max_fields);
    assert_int_equal(big_error(append(at, "\n")), PROTO_OK);
    assert_int_equal(big_error(append(at, " folded\n\n")), PROTO_OK);
    assert_int_equal(big_error(append(at, "X: y\r\n\r\n")), PROTO_HEAD_TOO_MANY_FIELDS);
    assert_int_equal(big_error(append(at, "X")), PROTO_HEAD_TOO_MANY_FIELDS);
}

/* By default a head is as long as browsers take one, of as many fields, after as many others. */
static void test_default_limits(void **state)
{
    size_t start = append(0, OK_LINE "Content-Length: 0\r\n");
    size_t rest = 262144 - start - 2;
    size_t at = 0;

    (void)state;
    for (int too_long = 0; too_long <= 1; too_long++) {
        size_t end = append(append_filled_line(start, rest + (size_t)too_long), "\r\n");
        feed_reply((struct span){big, end}, &response_rules_default, false, 100000, 16384,
                   &outcome);
        assert_int_equal(outcome.error, too_long ? PROTO_HEAD_TOO_LONG : PROTO_OK);
    }
    for (int i = 0; i < 100; i++)
        at = append(at, "HTTP/1.1 102 Processing\r\n\r\n");
    at = append(at, OK_LINE);
    for (int i = 0; i < 1000; i++)
        at = append(at, "X: y\r\n");
    feed_reply((struct span){big, append(at, "\r\n")}, &response_rules_default, true, 5000, 16384,
               &outcome);
    assert_int_equal(outcome.error, PROTO_OK);
    assert_int_equal(outcome.response.field_count, 1000);
    feed_reply((struct span){big, append(at, "X")}, &response_rules_default, true, 5000, 16384,
               &outcome);
    assert_int_equal(outcome.error, PROTO_HEAD_TOO_MANY_FIELDS);
}

/* --- interim replies ------------------------------------------------------------------------ */

static void test_interim(void **state)
{
    static const struct span wire =
        WIRE("HTTP/1.1 100 Continue\r\n\r\n"
             "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: close\r\n"
             "Content-Length: 3\r\n\r\n"
             "HTTP/1.1 199 Odd\n\n"
             "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

    (void)state;
    feed(wire, false);
    check_error(wire, PROTO_OK);
    assert_int_equal(outcome.interim_count, 3);
    assert_int_equal(outcome.response.status, 200);
    assert_int_equal(outcome.response.field_count, 1);
    assert_true(outcome.response.keep_alive);
    assert_int_equal(outcome.used, wire.length);
    assert_memory_equal(outcome.body, "ok", 2);
}

static void test_interim_before_head_reply(void **state)
{
    static const struct span wire = WIRE("HTTP/1.1 102 Processing\r\n\r\n"
                                         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");

    (void)state;
    feed(wire, true);
    check_error(wire, PROTO_OK);
    assert_int_equal(outcome.response.framing, FRAMING_NONE);
}

static void test_interim_limit(void **state)
{
    size_t at = 0;

    (void)state;
    for (unsigned i = 0; i < small.max_interim; i++)
        at = append(at, "HTTP/1.1 102 Processing\r\n\r\n");
    assert_int_equal(big_error(append(at, "HTTP/1.1 204 No Content\r\n\r\n")), PROTO_OK);
    assert_int_equal(outcome.interim_count, small.max_interim);
    assert_int_equal(big_error(append(at, "HTTP/1.1 102 Processing\r\n\r\n")),
                     PROTO_HEAD_TOO_MANY_INTERIM);
}

/* --- views ---------------------------------------------------------------------------------- */

static const struct reason {
    struct span head;
    const char *reason;
} reasons[] = {
    {WIRE("HTTP/1.1 200 OK\r\n\r\n"), "OK"},
    {WIRE("HTTP/1.1 200\r\n\r\n"), ""},
    {WIRE("HTTP/1.1 200 \r\n\r\n"), ""},
    {WIRE("HTTP/1.1 404 Not Found\n\n"), "Not Found"},
    {WIRE("HTTP/1.1   404 Not Found\r\n\r\n"), "Not Found"},
    {WIRE("HTTP/1.1  404\r\n\r\n"), ""},
};

static void test_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(reasons); i++) {
        struct span reason = response_reason(reasons[i].head);

        assert_int_equal(reason.length, strlen(reasons[i].reason));
        assert_memory_equal(reason.bytes, reasons[i].reason, reason.length);
    }
}

static void test_fields(void **state)
{
    static const struct span head = WIRE("HTTP/1.1 200 OK\r\nA: b\r\nEmpty:\r\nBlank: \t \n"
                                         "Trimmed:\t c d \t\r\nColons: e:f:\r\n\r\n");
    static const char *const expected[][2] = {
        {"A", "b"}, {"Empty", ""}, {"Blank", ""}, {"Trimmed", "c d"}, {"Colons", "e:f:"}};
    struct span guarded = {feed_guarded(0, head), head.length};
    struct span name, value;
    size_t cursor = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(response_field_next(guarded, &cursor, &name, &value));
        assert_true(span_equal(name, span_of(expected[i][0])));
        assert_true(span_equal(value, span_of(expected[i][1])));
    }
    assert_false(response_field_next(guarded, &cursor, &name, &value));
    assert_false(response_field_next(guarded, &cursor, &name, &value));
}

/* Of an odd head: names and values as they are read, and no line that is none. */
static void test_odd_fields(void **state)
{
    static const struct span head =
        WIRE("HTTP/1.1  200 OK\r\nno colon\r\nPHP Warning:  x on line 0\r\nmore\nB \t: c\x01\r\n"
             "the last\r\n\r\n");
    static const char *const expected[][2] = {{"PHP Warning", "x on line 0"}, {"B", "c\x01"}};
    struct span guarded = {feed_guarded(0, head), head.length};
    struct span name, value;
    size_t cursor = 0;

    (void)state;
    feed(head, false);
    check_error(head, PROTO_OK);
    assert_int_equal(outcome.response.field_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(response_field_next(guarded, &cursor, &name, &value));
        assert_true(span_equal(name, span_of(expected[i][0])));
        assert_true(span_equal(value, span_of(expected[i][1])));
    }
    assert_false(response_field_next(guarded, &cursor, &name, &value));
    assert_false(response_field_next(guarded, &cursor, &name, &value));
}

static void test_unfold(void **state)
{
    static const struct {
        const char *head, *unfolded;
    } rows[] = {
        {OK_LINE "A: b\r\n\r\n", OK_LINE "A: b\r\n\r\n"},
        {OK_LINE "A: b\r\n c\r\n\r\n", OK_LINE "A: b c\r\n\r\n"},
        {OK_LINE "A: b \t\r\n\t  c\r\nD: e\r\n\r\n", OK_LINE "A: b c\r\nD: e\r\n\r\n"},
        {OK_LINE "A: b\n c\n\td\n\n", OK_LINE "A: b c d\n\n"},
        {OK_LINE "A: b\r\n \r\n c\r\n\r\n", OK_LINE "A: b c\r\n\r\n"},
        {OK_LINE "A: b\r\n \r\n\r\n", OK_LINE "A: b \r\n\r\n"},
        {OK_LINE "A:\r\n b\r\n\r\n", OK_LINE "A: b\r\n\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char head[80];
        struct span unfolded = {head, 0};

        memcpy(head, rows[i].head, strlen(rows[i].head));
        unfolded.length = response_unfold(head, strlen(rows[i].head));
        assert_true(span_equal(unfolded, span_of(rows[i].unfolded)));
    }
}

static void test_keep_alive_timeout(void **state)
{
    static const struct {
        const char *fields;
        bool is_there;
        uint32_t seconds;
    } rows[] = {
        {"", false, 0},
        {"Keep-Alive: timeout=5, max=100\r\n", true, 5},
        {"keep-alive: max=100 ,\tTimeout = 15\r\n", true, 15},
        {"Keep-Alive: max=7,\r\n timeout=60\r\n", true, 60},
        {"Keep-Alive: timeout=0\r\n", true, 0},
        {"Keep-Alive: timeout=9\r\nKeep-Alive: timeout=8\r\n", true, 8},
        {"Keep-Alive: timeout=99999999999\r\n", true, UINT32_MAX},
        {"Keep-Alive: timeout=9, timeout=x\r\n", true, 9},
        {"Keep-Alive: timeout=\r\n", false, 0},
        {"Keep-Alive: timeout\r\n", false, 0},
        {"Keep-Alive: timeout=-5\r\n", false, 0},
        {"Keep-Alive: =5\r\nKeep-Alive:\r\n", false, 0},
        {"Set-Cookie: timeout=5\r\n", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char wire[160] = OK_LINE "Content-Length: 0\r\n";

        strcat(strcat(wire, rows[i].fields), "\r\n");
        feed(span_of(wire), false);
        check_error(span_of(wire), PROTO_OK);
        assert_int_equal(outcome.response.has_keep_alive_timeout, rows[i].is_there);
        assert_int_equal(outcome.response.keep_alive_timeout_s, rows[i].seconds);
    }
}

static void test_no_fields(void **state)
{
    struct span name, value;
    size_t cursor = 0;

    (void)state;
    assert_false(response_field_next(SPAN("HTTP/1.1 200 OK\r\n\r\n"), &cursor, &name, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_head_request),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_oddities),
        cmocka_unit_test(test_refused_beside_oddities),
        cmocka_unit_test(test_each_anomaly),
        cmocka_unit_test(test_control_bytes),
        cmocka_unit_test(test_name_bytes),
        cmocka_unit_test(test_reported_early),
        cmocka_unit_test(test_long_line_is_not_rescanned),
        cmocka_unit_test(test_head_limit),
        cmocka_unit_test(test_field_limit),
        cmocka_unit_test(test_default_limits),
        cmocka_unit_test(test_interim),
        cmocka_unit_test(test_interim_before_head_reply),
        cmocka_unit_test(test_interim_limit),
        cmocka_unit_test(test_reason),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_odd_fields),
        cmocka_unit_test(test_unfold),
        cmocka_unit_test(test_keep_alive_timeout),
        cmocka_unit_test(test_no_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
