/* Chunked bodies in every delivery: the table of RFC 9112, 7.1, and what lies beside it. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/feed.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct feed_outcome outcome;

static void feed_by(const struct response_rules *rules, struct span wire, enum proto_error error)
{
    size_t cut = feed_chunked_cuts(wire, rules, 1, &outcome);

    if (cut != 0 || outcome.error != error) {
        print_error("%.*s\n", (int)wire.length, wire.bytes);
        fail_msg("cut %zu, expected: %s; found: %s", cut, proto_error_sentence(error),
                 proto_error_sentence(outcome.error));
    }
}

static void feed(struct span wire, enum proto_error error)
{
    feed_by(&response_rules_default, wire, error);
}

static const struct accepted {
    struct span wire;
    const char *body;
    size_t surplus;
} accepted[] = {
    {WIRE("0\r\n\r\n"), "", 0},
    {WIRE("000\r\n\r\n"), "", 0},
    {WIRE("5\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {WIRE("5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n"), "hello, world", 0},
    {WIRE("1\r\nh\r\n1\r\ni\r\n0\r\n\r\n"), "hi", 0},
    {WIRE("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"), "01234567890123456789", 0},
    {WIRE("0000000000000000000000000005\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {WIRE("6\r\n0\r\n\r\n0\r\n0\r\n\r\n"), "0\r\n\r\n0", 0},
    {WIRE("2\r\n\r\n\r\n0\r\n\r\n"), "\r\n", 0},

    /* what follows is not the body's */
    {WIRE("1\r\nx\r\n0\r\n\r\nHTTP/1.1"), "x", 8},
    {WIRE("0\r\n\r\n\r\n"), "", 2},

    /* extensions */
    {WIRE("5;a\r\nhello\r\n0;b\r\n\r\n"), "hello", 0},
    {WIRE("5;a=b\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {WIRE("5;a=b;c;d=e\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {WIRE("5 ;\ta = b\t; c\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {WIRE("5;a = b\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {WIRE("5;a=\"b\"\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {WIRE("5;a=\"\";b\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {WIRE("5;a=\"; \\\" \\\\ \t(:=,)\xe9\" ;b=1f\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {WIRE("5;a=\"\\h\\:\"\r\nhello\r\n0\r\n\r\n"), "hello", 0},
    {WIRE("5;abcdef=0123\r\nhello\r\n0\r\n\r\n"), "hello", 0},

    /* trailers */
    {WIRE("5\r\nhello\r\n0\r\nX: y\r\n\r\n"), "hello", 0},
    {WIRE("0\r\nX:\r\nY: a b\t;\"\\\xff\r\nzZ-9: :\r\n\r\n"), "", 0},
    {WIRE("0\r\nContent-Length: 5\r\n\r\nhello"), "", 5},
    {WIRE("0\r\nX: y\r\n folded: too\r\n\tand again\r\n \r\nZ:\r\n\r\n"), "", 0},
};

static void test_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        const struct accepted *row = &accepted[i];

        feed_by(i % 2 ? &feed_strict : &response_rules_default, row->wire, PROTO_OK);
        assert_int_equal(outcome.anomalies, 0);
        assert_int_equal(outcome.body_length, strlen(row->body));
        assert_memory_equal(outcome.body, row->body, outcome.body_length);
        assert_int_equal(row->wire.length - outcome.used, row->surplus);
    }
}

/* Read by default, with the body "hello"; strictly, an error. */
static const struct oddity {
    struct span wire;
    uint32_t anomalies;
    enum proto_error strict;
} oddities[] = {
    {WIRE("5 \r\nhello\r\n0\r\n\r\n"), PROTO_ANOMALY_CHUNK_SIZE_SPACE, PROTO_CHUNK_SIZE_SPACE},
    {WIRE("5\r\nhello\r\n0 \t \r\n\r\n"), PROTO_ANOMALY_CHUNK_SIZE_SPACE, PROTO_CHUNK_SIZE_SPACE},
    {WIRE("5;a \r\nhello\r\n0\r\n\r\n"), PROTO_ANOMALY_CHUNK_SIZE_SPACE, PROTO_CHUNK_SIZE_SPACE},
    {WIRE("5;a=b\t\r\nhello\r\n0\r\n\r\n"), PROTO_ANOMALY_CHUNK_SIZE_SPACE, PROTO_CHUNK_SIZE_SPACE},
    {WIRE("5;\r\nhello\r\n0\r\n\r\n"), PROTO_ANOMALY_CHUNK_EXTENSION_EMPTY,
     PROTO_CHUNK_EXTENSION_EMPTY},
    {WIRE("5 ; \r\nhello\r\n0;\r\n\r\n"), PROTO_ANOMALY_CHUNK_EXTENSION_EMPTY,
     PROTO_CHUNK_EXTENSION_EMPTY},
    {WIRE("5;; ;a=\"b\";\r\nhello\r\n0\r\n\r\n"), PROTO_ANOMALY_CHUNK_EXTENSION_EMPTY,
     PROTO_CHUNK_EXTENSION_EMPTY},
    {WIRE("5 \r\nhello\r\n0;\r\n\r\n"),
     PROTO_ANOMALY_CHUNK_SIZE_SPACE | PROTO_ANOMALY_CHUNK_EXTENSION_EMPTY, PROTO_CHUNK_SIZE_SPACE},

    /* trailers */
    {WIRE("5\r\nhello\r\n0\r\nX : y\r\n\r\n"), PROTO_ANOMALY_COLON_SPACE, PROTO_COLON_SPACE},
    {WIRE("5\r\nhello\r\n0\r\nA: b\r\nX y: z\r\n\r\n"), PROTO_ANOMALY_NAME_SPACE, PROTO_NAME_SPACE},
    {WIRE("5\r\nhello\r\n0\r\nX  y\tz : w\r\n\r\n"),
     PROTO_ANOMALY_NAME_SPACE | PROTO_ANOMALY_COLON_SPACE, PROTO_NAME_SPACE},
    {WIRE("5\r\nhello\r\n0\r\nX: \x01\x7f\r\n\r\n"), PROTO_ANOMALY_VALUE_CONTROL,
     PROTO_VALUE_CONTROL},
    {WIRE("5\r\nhello\r\n0\r\nno colon\r\n\r\n"), PROTO_ANOMALY_LINE_WITHOUT_COLON,
     PROTO_LINE_WITHOUT_COLON},
    {WIRE("5\r\nhello\r\n0\r\nX\r\nA: b\r\n(\"\xe9\")=; \\ 1\r\nX y \r\n\r\n"),
     PROTO_ANOMALY_LINE_WITHOUT_COLON, PROTO_LINE_WITHOUT_COLON},
};

static void test_oddities(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(oddities); i++) {
        feed(oddities[i].wire, PROTO_OK);
        assert_int_equal(outcome.anomalies, oddities[i].anomalies);
        assert_int_equal(outcome.body_length, 5);
        assert_memory_equal(outcome.body, "hello", 5);
        assert_int_equal(outcome.used, oddities[i].wire.length);
        feed_by(&feed_strict, oddities[i].wire, oddities[i].strict);
    }
}

static const struct refused {
    struct span wire;
    enum proto_error error;
} refused[] = {
    /* size */
    {WIRE("\r\n"), PROTO_CHUNK_SIZE},
    {WIRE("\n"), PROTO_CHUNK_SIZE},
    {WIRE(" 5\r\nhello"), PROTO_CHUNK_SIZE},
    {WIRE("g\r\n"), PROTO_CHUNK_SIZE},
    {WIRE("-5\r\nhello"), PROTO_CHUNK_SIZE},
    {WIRE("+5\r\nhello"), PROTO_CHUNK_SIZE},
    {WIRE("0x5\r\nhello"), PROTO_CHUNK_SIZE},
    {WIRE("5_0\r\n"), PROTO_CHUNK_SIZE},
    {WIRE("5h\r\nhello"), PROTO_CHUNK_SIZE},
    {WIRE("5\x00\r\nhello"), PROTO_CHUNK_SIZE},
    {WIRE(";a\r\n"), PROTO_CHUNK_SIZE},
    {WIRE("5\r\nhello\r\n\r\n"), PROTO_CHUNK_SIZE},
    {WIRE("8000000000000000\r\n"), PROTO_CHUNK_SIZE_OVERFLOW},
    {WIRE("ffffffffffffffff\r\n"), PROTO_CHUNK_SIZE_OVERFLOW},
    {WIRE("10000000000000005\r\nhello"), PROTO_CHUNK_SIZE_OVERFLOW},
    {WIRE("7fffffffffffffff0\r\n"), PROTO_CHUNK_SIZE_OVERFLOW},

    /* its line's end */
    {WIRE("5\nhello\r\n0\r\n\r\n"), PROTO_CHUNK_LINE_END},
    {WIRE("5\rhello\r\n0\r\n\r\n"), PROTO_CHUNK_LINE_END},
    {WIRE("5\r\rhello"), PROTO_CHUNK_LINE_END},
    {WIRE("5;a\nhello\r\n0\r\n\r\n"), PROTO_CHUNK_LINE_END},
    {WIRE("5;a=b\nhello\r\n0\r\n\r\n"), PROTO_CHUNK_LINE_END},
    {WIRE("5;a=\"\n\"\r\nhello"), PROTO_CHUNK_LINE_END},
    {WIRE("5;a\rX"), PROTO_CHUNK_LINE_END},
    {WIRE("0\n\n"), PROTO_CHUNK_LINE_END},

    /* extensions */
    {WIRE("5 5\r\nhello"), PROTO_CHUNK_EXTENSION},
    {WIRE("5 \nhello\r\n0\r\n\r\n"), PROTO_CHUNK_LINE_END},
    {WIRE("5;\nhello\r\n0\r\n\r\n"), PROTO_CHUNK_LINE_END},
    {WIRE("5 \rhello\r\n0\r\n\r\n"), PROTO_CHUNK_LINE_END},
    {WIRE("5;;=b\r\nhello"), PROTO_CHUNK_EXTENSION},
    {WIRE("5 \x01\r\nhello"), PROTO_CHUNK_EXTENSION},
    {WIRE("5;=b\r\nhello"), PROTO_CHUNK_EXTENSION},
    {WIRE("5;a=\r\nhello"), PROTO_CHUNK_EXTENSION},
    {WIRE("5;a b\r\nhello"), PROTO_CHUNK_EXTENSION},
    {WIRE("5;a=b c\r\nhello"), PROTO_CHUNK_EXTENSION},
    {WIRE("5;a=b=c\r\nhello"), PROTO_CHUNK_EXTENSION},
    {WIRE("5;a,b\r\nhello"), PROTO_CHUNK_EXTENSION},
    {WIRE("5;a=\"b\r\nhello"), PROTO_CHUNK_EXTENSION},
    {WIRE("5;a=\"b\"c\r\nhello"), PROTO_CHUNK_EXTENSION},
    {WIRE("5;a=\"\\\r\n\"\r\nhello"), PROTO_CHUNK_EXTENSION},
    {WIRE("5;a\x00\r\nhello"), PROTO_CHUNK_EXTENSION},
    {WIRE("5;a=\"\x01\"\r\nhello"), PROTO_CHUNK_EXTENSION},
    {WIRE("5;a=\xe9\r\nhello"), PROTO_CHUNK_EXTENSION},

    /* behind the data */
    {WIRE("5\r\nhello0\r\n\r\n"), PROTO_CHUNK_DATA_END},
    {WIRE("5\r\nhello\n0\r\n\r\n"), PROTO_CHUNK_DATA_END},
    {WIRE("5\r\nhello\r0\r\n\r\n"), PROTO_CHUNK_DATA_END},
    {WIRE("5\r\nhello, world\r\n0\r\n\r\n"), PROTO_CHUNK_DATA_END},

    /* trailers */
    {WIRE("0\r\n\n"), PROTO_TRAILER_LINE},
    {WIRE("0\r\n\rX"), PROTO_TRAILER_LINE},
    {WIRE("0\r\n: y\r\n\r\n"), PROTO_TRAILER_LINE},
    {WIRE("0\r\nX(y): z\r\n\r\n"), PROTO_TRAILER_LINE},
    {WIRE("0\r\nX y\xe9 z: w\r\n\r\n"), PROTO_TRAILER_LINE},
    {WIRE("0\r\n(): w\r\n\r\n"), PROTO_TRAILER_LINE},
    {WIRE("0\r\nno\x01 colon\r\n\r\n"), PROTO_TRAILER_LINE},
    {WIRE("0\r\nno colon\n\r\n"), PROTO_TRAILER_LINE},
    {WIRE("0\r\nX \rY: z\r\n\r\n"), PROTO_TRAILER_LINE},
    {WIRE("0\r\n X: y\r\n\r\n"), PROTO_TRAILER_LINE},
    {WIRE("0\r\nX: y\n\r\n"), PROTO_TRAILER_LINE},
    {WIRE("0\r\nX: y\rz\r\n\r\n"), PROTO_TRAILER_LINE},
    {WIRE("0\r\nX: \x00\r\n\r\n"), PROTO_TRAILER_LINE},

    /* the connection ends first */
    {WIRE(""), PROTO_BODY_TRUNCATED},
    {WIRE("5"), PROTO_BODY_TRUNCATED},
    {WIRE("5;a=\"b"), PROTO_BODY_TRUNCATED},
    {WIRE("5\r\nhell"), PROTO_BODY_TRUNCATED},
    {WIRE("5\r\nhello"), PROTO_BODY_TRUNCATED},
    {WIRE("5\r\nhello\r\n"), PROTO_BODY_TRUNCATED},
    {WIRE("7fffffffffffffff\r\nhello"), PROTO_BODY_TRUNCATED},
    {WIRE("0\r\n"), PROTO_BODY_TRUNCATED},
    {WIRE("0\r\nX: y\r\n"), PROTO_BODY_TRUNCATED},
    {WIRE("0\r\n\r"), PROTO_BODY_TRUNCATED},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        feed(refused[i].wire, refused[i].error);
        feed_chunked_cuts(refused[i].wire, &feed_strict, 1, &outcome);
        assert_int_not_equal(outcome.error, PROTO_OK);
    }
}

/* A size line, its end included, of a given length; it follows on another chunk. */
static enum proto_error size_line_error(const char *filled, char filler, size_t line_bytes)
{
    static char wire[2 * CHUNKED_LINE_BYTES_MAX];
    char *line = wire + 6;

    memcpy(wire, "1\r\nx\r\n", 6);
    memset(line, filler, line_bytes);
    memcpy(line, filled, strlen(filled));
    memcpy(line + line_bytes - 2, "\r\nx\r\n0\r\n\r\n", 10);
    assert_int_equal(feed_chunked_cuts((struct span){wire, 6 + line_bytes + 8},
                                       &response_rules_default, 61, &outcome),
                     0);
    return outcome.error;
}

static void test_line_limit(void **state)
{
    (void)state;
    assert_int_equal(size_line_error("1;a=", 'b', CHUNKED_LINE_BYTES_MAX), PROTO_OK);
    assert_int_equal(size_line_error("1;a=", 'b', CHUNKED_LINE_BYTES_MAX + 1),
                     PROTO_CHUNK_LINE_TOO_LONG);
    assert_int_equal(size_line_error("", '0', CHUNKED_LINE_BYTES_MAX + 1),
                     PROTO_CHUNK_LINE_TOO_LONG);
}

/* Each chunk has a line limit of its own. */
static void test_many_chunks(void **state)
{
    static char wire[3 * CHUNKED_LINE_BYTES_MAX];
    size_t at = 0;

    (void)state;
    while (at + 16 < sizeof(wire)) {
        memcpy(wire + at, "1;a=b\r\nx\r\n", 10);
        at += 10;
    }
    memcpy(wire + at, "0\r\n\r\n", 5);
    assert_int_equal(
        feed_chunked_cuts((struct span){wire, at + 5}, &response_rules_default, 61, &outcome), 0);
    assert_int_equal(outcome.error, PROTO_OK);
    assert_int_equal(outcome.body_length, at / 10);
}

/* A trailer section, its blank line included, of a given length. */
static enum proto_error trailer_error(size_t section_bytes)
{
    static char wire[2 * CHUNKED_TRAILER_BYTES_MAX];
    size_t end = 3 + section_bytes;

    memset(wire, 'y', end);
    memcpy(wire, "0\r\nX: ", 6);
    memcpy(wire + CHUNKED_LINE_BYTES_MAX, "\r\nZ:", 4);
    memcpy(wire + end - 4, "\r\n\r\n", 4);
    assert_int_equal(
        feed_chunked_cuts((struct span){wire, end}, &response_rules_default, 61, &outcome), 0);
    return outcome.error;
}

static void test_trailer_limit(void **state)
{
    (void)state;
    assert_int_equal(trailer_error(CHUNKED_TRAILER_BYTES_MAX), PROTO_OK);
    assert_int_equal(trailer_error(CHUNKED_TRAILER_BYTES_MAX + 1), PROTO_TRAILER_TOO_LONG);
}

/* A chunk's data comes as one view, and one call takes it all. */
static void test_data_is_one_view(void **state)
{
    static const struct span wire = WIRE("b\r\nhello world\r\n0\r\n\r\n");
    struct chunked chunked;
    struct span data;
    size_t consumed;
    bool done;

    (void)state;
    chunked_init(&chunked, true);
    assert_int_equal(chunked_feed(&chunked, wire, &data, &consumed, &done), PROTO_OK);
    assert_ptr_equal(data.bytes, wire.bytes + 3);
    assert_int_equal(data.length, 11);
    assert_int_equal(consumed, 14);
    assert_false(done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),         cmocka_unit_test(test_oddities),
        cmocka_unit_test(test_refused),          cmocka_unit_test(test_line_limit),
        cmocka_unit_test(test_many_chunks),      cmocka_unit_test(test_trailer_limit),
        cmocka_unit_test(test_data_is_one_view),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
