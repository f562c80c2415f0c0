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

static void feed(struct span wire, bool is_head_request)
{
    size_t cut = feed_reply_cuts(wire, is_head_request, 1, &outcome);

    if (cut != 0) {
        print_wire(wire);
        fail_msg("cut after %zu bytes, the verdict is another", cut);
    }
}

static void check_error(struct span wire, enum proto_error error)
{
    if (outcome.error == error)
        return;
    print_wire(wire);
    fail_msg("expected: %s; found: %s", proto_error_sentence(error),
             proto_error_sentence(outcome.error));
}

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
    {WIRE("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"), 204, FRAMING_NONE, KEEPS,
     "", 1, 5},
    {WIRE("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), 304, FRAMING_NONE, KEEPS, "",
     1, 0},
    {WIRE("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"), 304, FRAMING_NONE,
     KEEPS, "", 1, 0},
    {WIRE("HTTP/1.0 304 Not Modified\r\n\r\n"), 304, FRAMING_NONE, CLOSES, "", 0, 0},
};

static void test_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        const struct accepted *row = &accepted[i];

        feed(row->wire, false);
        check_error(row->wire, PROTO_OK);
        assert_int_equal(outcome.response.status, row->status);
        assert_int_equal(outcome.response.framing, row->framing);
        assert_int_equal(outcome.response.keep_alive, row->keep_alive);
        assert_int_equal(outcome.response.field_count, row->field_count);
        assert_int_equal(outcome.body_length, strlen(row->body));
        assert_memory_equal(outcome.body, row->body, outcome.body_length);
        assert_int_equal(row->wire.length - outcome.used, row->surplus);
    }
}

static const struct span head_replies[] = {
    WIRE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    WIRE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    WIRE("HTTP/1.1 200 OK\r\n\r\n"),
    WIRE("HTTP/1.1 404 Not Found\nContent-Length: 9223372036854775807\n\n"),
};

static void test_head_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(head_replies); i++) {
        feed(head_replies[i], true);
        check_error(head_replies[i], PROTO_OK);
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

#define OK_LINE "HTTP/1.1 200 OK\r\n"

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
    {WIRE("HTTP/1.1  200 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 \r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 20\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 20 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 2000 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 200OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 200\tOK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 -12 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 099 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 600 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 999 OK\r\n\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), PROTO_STATUS_SWITCHING},
    {WIRE("HTTP/1.1 200 O\rK\r\n\r\n"), PROTO_HEAD_BARE_CR},
    {WIRE("HTTP/1.1 200\r\r\n\r\n"), PROTO_HEAD_BARE_CR},
    {WIRE("HTTP/1.1 200 O\x00K\r\n\r\n"), PROTO_HEAD_BYTE},
    {WIRE("HTTP/1.1 200 O\x7fK\r\n\r\n"), PROTO_HEAD_BYTE},
    {WIRE("HTTP/1.1 200 \x1b[2J\r\n\r\n"), PROTO_HEAD_BYTE},

    /* field lines */
    {WIRE(OK_LINE " X: folded first\r\n\r\n"), PROTO_FIELD_FOLDED},
    {WIRE(OK_LINE "X: y\r\n folded\r\n\r\n"), PROTO_FIELD_FOLDED},
    {WIRE(OK_LINE "X: y\r\n\tfolded\r\n\r\n"), PROTO_FIELD_FOLDED},
    {WIRE(OK_LINE "X: y\r\n \r\n\r\n"), PROTO_FIELD_FOLDED},
    {WIRE(OK_LINE "X : y\r\n\r\n"), PROTO_FIELD_COLON},
    {WIRE(OK_LINE "X\t: y\r\n\r\n"), PROTO_FIELD_COLON},
    {WIRE(OK_LINE "Content-Length : 5\r\n\r\nhello"), PROTO_FIELD_COLON},
    {WIRE(OK_LINE "no colon\r\n\r\n"), PROTO_FIELD_COLON},
    {WIRE(OK_LINE "X\r\n\r\n"), PROTO_FIELD_COLON},
    {WIRE(OK_LINE ": no name\r\n\r\n"), PROTO_FIELD_NAME},
    {WIRE(OK_LINE "X(y): z\r\n\r\n"), PROTO_FIELD_NAME},
    {WIRE(OK_LINE "\"X\": z\r\n\r\n"), PROTO_FIELD_NAME},
    {WIRE(OK_LINE "X@Y: z\r\n\r\n"), PROTO_FIELD_NAME},
    {WIRE(OK_LINE "X\xe9: z\r\n\r\n"), PROTO_FIELD_NAME},
    {WIRE(OK_LINE "X: a\rb\r\n\r\n"), PROTO_HEAD_BARE_CR},
    {WIRE(OK_LINE "X: a\r\r\n\r\n"), PROTO_HEAD_BARE_CR},
    {WIRE(OK_LINE "X: a\r\n\rb"), PROTO_HEAD_BARE_CR},
    {WIRE(OK_LINE "\r\r\n"), PROTO_HEAD_BARE_CR},
    {WIRE(OK_LINE "X: a\x00b\r\n\r\n"), PROTO_HEAD_BYTE},
    {WIRE(OK_LINE "X\x00Y: b\r\n\r\n"), PROTO_HEAD_BYTE},
    {WIRE(OK_LINE "X: a\x01\r\n\r\n"), PROTO_HEAD_BYTE},
    {WIRE(OK_LINE "X: a\x0b\r\n\r\n"), PROTO_HEAD_BYTE},
    {WIRE(OK_LINE "X: a\x7f\r\n\r\n"), PROTO_HEAD_BYTE},

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
    {WIRE(OK_LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     PROTO_LENGTH_AND_CODING},
    {WIRE(OK_LINE "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
     PROTO_LENGTH_AND_CODING},
    {WIRE(OK_LINE "Transfer-Encoding: identity\r\n\r\n"), PROTO_CODING_UNKNOWN},
    {WIRE(OK_LINE "Transfer-Encoding:\r\n\r\n"), PROTO_CODING_UNKNOWN},
    {WIRE(OK_LINE "Transfer-Encoding: gzip, chunked\r\n\r\n"), PROTO_CODING_UNKNOWN},
    {WIRE(OK_LINE "Transfer-Encoding: chunked, gzip\r\n\r\n"), PROTO_CODING_UNKNOWN},
    {WIRE(OK_LINE "Transfer-Encoding: chunked, chunked\r\n\r\n"), PROTO_CODING_UNKNOWN},
    {WIRE(OK_LINE "Transfer-Encoding: chunked;q=1\r\n\r\n"), PROTO_CODING_UNKNOWN},
    {WIRE(OK_LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
     PROTO_CODING_UNKNOWN},
    {WIRE("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), PROTO_CODING_HTTP10},

    /* the same where no body follows */
    {WIRE("HTTP/1.1 204 No Content\r\nContent-Length: x\r\n\r\n"), PROTO_LENGTH_VALUE},
    {WIRE("HTTP/1.1 304 Not Modified\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
     PROTO_LENGTH_AND_CODING},

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
    }
}

/* Every control byte, in every kind of place. */
static void test_control_bytes(void **state)
{
    static const char *const forms[] = {
        "HTTP/1.1 200 O?K\r\n\r\n", "HTTP/1.1 200 OK\r\nX?Y: z\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: y?z\r\n\r\n", "HTTP/1.1 200 OK\r\n?: z\r\n\r\n"};

    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        for (int c = 0; c <= 0x7f; c = c == 0x1f ? 0x7f : c + 1) {
            char wire[64] = "";

            if (c == '\t' || c == '\n' || c == '\r')
                continue;
            strcpy(wire, forms[i]);
            *strchr(wire, '?') = (char)c;
            feed((struct span){wire, strlen(forms[i])}, false);
            assert_int_equal(outcome.error, PROTO_HEAD_BYTE);
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
        feed((struct span){wire, sizeof(wire) - 1}, false);
        if (c == ':' || is_token)
            assert_int_equal(outcome.error, PROTO_OK);
        else if (c != 0x7f)
            assert_int_equal(outcome.error, c == ' ' ? PROTO_FIELD_COLON : PROTO_FIELD_NAME);
        assert_int_equal(scan_is_token((char)c), is_token);
    }
}

/* --- when a fault is reported --------------------------------------------------------------- */

/* The last byte of each row is the one that cannot be mended by what follows. */
static const struct refused faults_at_the_end[] = {
    {WIRE("S"), PROTO_STATUS_LINE},
    {WIRE("HTTX"), PROTO_STATUS_LINE},
    {WIRE("HTTP/2"), PROTO_STATUS_VERSION},
    {WIRE("HTTP/1.1 2x"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 600 OK\r\n"), PROTO_STATUS_CODE},
    {WIRE("HTTP/1.1 101 Switching Protocols\n"), PROTO_STATUS_SWITCHING},
    {WIRE("HTTP/1.1 200 OK\rX"), PROTO_HEAD_BARE_CR},
    {WIRE("HTTP/1.1 200 O\x02"), PROTO_HEAD_BYTE},
    {WIRE(OK_LINE " "), PROTO_FIELD_FOLDED},
    {WIRE(OK_LINE "X : y\r\n"), PROTO_FIELD_COLON},
    {WIRE(OK_LINE "(: y\r\n"), PROTO_FIELD_NAME},
    {WIRE(OK_LINE "Content-Length: x\n"), PROTO_LENGTH_VALUE},
    {WIRE(OK_LINE "Transfer-Encoding: x\r\n"), PROTO_CODING_UNKNOWN},
};

static void test_reported_early(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(faults_at_the_end); i++) {
        const struct refused *row = &faults_at_the_end[i];
        struct response response;
        enum proto_error error;

        response_init(&response, false);
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
    static char wire[RESPONSE_LINE_BYTES_MAX];
    struct response response;
    enum proto_error error;

    (void)state;
    memset(wire, 'x', sizeof(wire));
    memcpy(wire, "HTTP/1.1 200 ", 13);
    response_init(&response, false);
    for (size_t length = 1; length < sizeof(wire); length++) {
        assert_int_equal(response_feed(&response, (struct span){wire, length}, &error),
                         RESPONSE_MORE);
        assert_int_equal(response.scanned, length);
    }
}

/* --- limits --------------------------------------------------------------------------------- */

static char big[2 * RESPONSE_HEAD_BYTES_MAX];

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

static enum proto_error big_error(size_t length)
{
    size_t cut = feed_reply_cuts((struct span){big, length}, false, 61, &outcome);

    assert_int_equal(cut, 0);
    return outcome.error;
}

static void test_line_limit(void **state)
{
    size_t start = append(0, OK_LINE);
    size_t end;

    (void)state;
    end = append(append_filled_line(start, RESPONSE_LINE_BYTES_MAX), "Content-Length: 0\r\n\r\n");
    assert_int_equal(big_error(end), PROTO_OK);
    end = append(append_filled_line(start, RESPONSE_LINE_BYTES_MAX + 1), "\r\n");
    assert_int_equal(big_error(end), PROTO_HEAD_LINE_TOO_LONG);
    /* a line that never ends, and one that is still open exactly at the limit */
    assert_int_equal(big_error(start + RESPONSE_LINE_BYTES_MAX), PROTO_HEAD_LINE_TOO_LONG);
    assert_int_equal(big_error(start + RESPONSE_LINE_BYTES_MAX - 1), PROTO_HEAD_TRUNCATED);
}

static void test_head_limit(void **state)
{
    size_t start = append(0, OK_LINE "Content-Length: 0\r\n");
    size_t middle = append_filled_line(start, RESPONSE_LINE_BYTES_MAX);
    size_t rest = RESPONSE_HEAD_BYTES_MAX - middle - 2;

    (void)state;
    assert_int_equal(big_error(append(append_filled_line(middle, rest), "\r\n")), PROTO_OK);
    assert_int_equal(big_error(append(append_filled_line(middle, rest + 1), "\r\n")),
                     PROTO_HEAD_TOO_LONG);
    /* full to the last byte, with a line's end there, and still no blank line */
    assert_int_equal(big_error(append_filled_line(middle, rest + 2)), PROTO_HEAD_TOO_LONG);
    assert_int_equal(big_error(append_filled_line(middle, rest)), PROTO_HEAD_TRUNCATED);
}

static void test_field_limit(void **state)
{
    size_t at = append(0, OK_LINE "Content-Length: 0\r\n");

    (void)state;
    for (size_t i = 1; i < RESPONSE_FIELDS_MAX; i++)
        at = append(at, "X: y\r\n");
    assert_int_equal(big_error(append(at, "\r\n")), PROTO_OK);
    assert_int_equal(outcome.response.field_count, RESPONSE_FIELDS_MAX);
    assert_int_equal(big_error(append(at, "\n")), PROTO_OK);
    assert_int_equal(big_error(append(at, "X: y\r\n\r\n")), PROTO_HEAD_TOO_MANY_FIELDS);
    assert_int_equal(big_error(append(at, "X")), PROTO_HEAD_TOO_MANY_FIELDS);
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
    for (unsigned i = 0; i < RESPONSE_INTERIM_MAX; i++)
        at = append(at, "HTTP/1.1 102 Processing\r\n\r\n");
    assert_int_equal(big_error(append(at, "HTTP/1.1 204 No Content\r\n\r\n")), PROTO_OK);
    assert_int_equal(outcome.interim_count, RESPONSE_INTERIM_MAX);
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

static void test_no_fields(void **state)
{
    struct span name, value;
    size_t cursor = 0;

    (void)state;
    assert_false(response_field_next(SPAN("HTTP/1.1 200 OK\r\n\r\n"), &cursor, &name, &value));
}

static const struct {
    const char *fields;
    uint32_t seconds;
} keep_alives[] = {
    {"", UINT32_MAX},
    {"Keep-Alive: timeout=5\r\n", 5},
    {"keep-alive:max=100 , TIMEOUT=75\r\n", 75},
    {"Keep-Alive: timeout=0\r\n", 0},
    {"Keep-Alive: timeout=9\r\nKeep-Alive: timeout=4, timeout=6\r\n", 4},
    {"Keep-Alive: timeout=\r\n", UINT32_MAX},
    {"Keep-Alive: timeout=-1\r\n", UINT32_MAX},
    {"Keep-Alive: timeout=5s\r\n", UINT32_MAX},
    {"Keep-Alive: timeout=99999999999\r\n", UINT32_MAX},
    {"Keep-Alive: 5\r\nX-Timeout: timeout=3\r\n", UINT32_MAX},
};

static void test_keep_alive_timeout(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(keep_alives) / sizeof(keep_alives[0]); i++) {
        struct response response;
        enum proto_error error;
        char head[256];
        snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n%sContent-Length: 0\r\n\r\n",
                 keep_alives[i].fields);
        response_init(&response, false);
        assert_int_equal(response_feed(&response, span_of(head), &error), RESPONSE_DONE);
        assert_int_equal(response.keep_alive_s, keep_alives[i].seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_head_request),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_control_bytes),
        cmocka_unit_test(test_name_bytes),
        cmocka_unit_test(test_reported_early),
        cmocka_unit_test(test_long_line_is_not_rescanned),
        cmocka_unit_test(test_line_limit),
        cmocka_unit_test(test_head_limit),
        cmocka_unit_test(test_field_limit),
        cmocka_unit_test(test_interim),
        cmocka_unit_test(test_interim_before_head_reply),
        cmocka_unit_test(test_interim_limit),
        cmocka_unit_test(test_reason),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_no_fields),
        cmocka_unit_test(test_keep_alive_timeout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
