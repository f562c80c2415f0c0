/* The replies of a connection, as every client of the load generator reads them: rows of what the
 * server said, and what was made of it. Each row is fed whole, a byte at a time, and cut in two at
 * each point; what is made of it must be the same. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/load/reading.h"
#include "tests/lib/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRANSCRIPT_BYTES = 4096, WHOLE = FEED_WIRE_BYTES_MAX };

/* A connection that is read, and its transcript: "STATUS BODY-BYTES", a line a reply, with "close"
 * where the connection bears no further one; then "open", where its end was not the last one's, or
 * what was bad. */
struct connection {
    struct reading reading;
    char transcript[TRANSCRIPT_BYTES];
    size_t length;
    enum proto_error error;
    bool is_bad;
};

__attribute__((format(printf, 2, 3))) static void note(struct connection *connection,
                                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    connection->length +=
        (size_t)vsnprintf(connection->transcript + connection->length,
                          TRANSCRIPT_BYTES - connection->length, format, arguments);
    va_end(arguments);
    assert_true(connection->length < TRANSCRIPT_BYTES);
}

static void note_reply(struct connection *connection)
{
    const struct response *response = &connection->reading.reply.response;
    note(connection, "%u %llu%s\n", (unsigned)response->status,
         (unsigned long long)connection->reading.body_bytes, response->keep_alive ? "" : " close");
}

static void read_piece(struct connection *connection, struct span piece)
{
    struct span in = {feed_guarded(0, piece), piece.length};
    const char *end = in.bytes + in.length;

    while (in.length > 0 && !connection->is_bad) {
        size_t before = in.length;
        switch (reading_feed(&connection->reading, &in, &connection->error)) {
        case READING_MORE:
            assert_int_equal(in.length, 0);
            break;
        case READING_REPLY:
            assert_true(in.length < before);
            note_reply(connection);
            break;
        case READING_BAD:
            connection->is_bad = true;
            note(connection, "bad: %s\n", proto_error_sentence(connection->error));
            return;
        }
        assert_ptr_equal(in.bytes + in.length, end);
    }
}

/* first bytes at once, then step bytes a piece, then FIN. */
static const char *read_all(struct connection *connection, struct span wire, bool is_head,
                            size_t first, size_t step)
{
    size_t length = first;
    *connection = (struct connection){0};
    reading_init(&connection->reading, is_head);
    for (size_t begin = 0; begin < wire.length && !connection->is_bad; length = step) {
        size_t left = wire.length - begin;
        length = length < left ? length : left;
        read_piece(connection, (struct span){wire.bytes + begin, length});
        begin += length;
    }
    if (!connection->is_bad && reading_end(&connection->reading))
        note_reply(connection);
    else if (!connection->is_bad)
        note(connection, "open\n");
    reading_deinit(&connection->reading);
    return connection->transcript;
}

static void check(const char *name, struct span wire, bool is_head, size_t stride,
                  const char *transcript)
{
    static struct connection connection;
    if (strcmp(read_all(&connection, wire, is_head, WHOLE, WHOLE), transcript) != 0)
        fail_msg("%s, whole: '%s', not '%s'", name, connection.transcript, transcript);
    if (strcmp(read_all(&connection, wire, is_head, 1, 1), transcript) != 0)
        fail_msg("%s, a byte at a time: '%s', not '%s'", name, connection.transcript, transcript);
    for (size_t cut = 1; cut < wire.length; cut += stride)
        if (strcmp(read_all(&connection, wire, is_head, cut, WHOLE), transcript) != 0)
            fail_msg("%s, cut at %zu: '%s', not '%s'", name, cut, connection.transcript,
                     transcript);
}

#define OK "HTTP/1.1 200 OK\r\n"
#define LENGTH(digits) "Content-Length: " digits "\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

static const struct {
    const char *name;
    struct span wire;
    const char *transcript;
    bool is_head;
} rows[] = {
    {"nothing", WIRE(""), "open\n", false},
    {"one reply", WIRE(OK LENGTH("5") "\r\nhello"), "200 5\nopen\n", false},
    {"an empty body", WIRE(OK LENGTH("0") "\r\n"), "200 0\nopen\n", false},
    {"kept", WIRE(OK LENGTH("1") "\r\na" OK LENGTH("2") "\r\nbb" OK LENGTH("0") "\r\n"),
     "200 1\n200 2\n200 0\nopen\n", false},
    {"bodies that look like heads",
     WIRE(OK LENGTH("19") "\r\n" OK "\r\n" OK LENGTH("2") "\r\n\r\n"), "200 19\n200 2\nopen\n",
     false},
    {"no body by status",
     WIRE("HTTP/1.1 204 No Content\r\n\r\n"
          "HTTP/1.1 304 Not Modified\r\n" LENGTH("9") "\r\n" OK LENGTH("3") "\r\nabc"),
     "204 0\n304 0\n200 3\nopen\n", false},
    {"chunks", WIRE(OK CHUNKED "\r\n5\r\nhello\r\n0\r\n\r\n"), "200 5\nopen\n", false},
    {"chunks, extended, trailed, and another reply",
     WIRE(OK CHUNKED
          "\r\nA;x=y\r\n0123456789\r\n1\r\n!\r\n000\r\nT: v\r\n\r\n" OK LENGTH("1") "\r\nz"),
     "200 11\n200 1\nopen\n", false},
    {"no chunk but the last", WIRE(OK CHUNKED "\r\n0\r\n\r\n" OK CHUNKED "\r\n0\r\n\r\n"),
     "200 0\n200 0\nopen\n", false},
    {"an interim head", WIRE("HTTP/1.1 100 Continue\r\n\r\n" OK LENGTH("2") "\r\nab"),
     "200 2\nopen\n", false},
    {"interim heads with fields, between replies",
     WIRE("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" OK LENGTH(
         "2") "\r\nab"
              "HTTP/1.1 100 Continue\r\n\r\n" OK LENGTH("0") "\r\n"),
     "200 2\n200 0\nopen\n", false},
    {"an interim head and no more", WIRE("HTTP/1.1 100 Continue\r\n\r\n"), "open\n", false},
    {"HEAD", WIRE(OK LENGTH("5000") "\r\n" OK CHUNKED "\r\n" OK LENGTH("0") "\r\n"),
     "200 0\n200 0 close\n200 0\nopen\n", true},
    {"statuses",
     WIRE("HTTP/1.1 404 Not Found\r\n" LENGTH(
         "1") "\r\nx"
              "HTTP/1.1 301 Moved\r\n" LENGTH("1") "\r\ny"
                                                   "HTTP/1.1 599 \r\n" LENGTH("1") "\r\nz"),
     "404 1\n301 1\n599 1\nopen\n", false},
    {"the last one", WIRE(OK "Connection: close\r\n" LENGTH("2") "\r\nab"), "200 2 close\nopen\n",
     false},
    {"until the end", WIRE(OK "\r\nall of it"), "200 9 close\n", false},
    {"until the end, and nothing", WIRE(OK "\r\n"), "200 0 close\n", false},
    {"until the end, behind another", WIRE(OK LENGTH("1") "\r\na" OK "\r\nbb"),
     "200 1\n200 2 close\n", false},
    {"HTTP/1.0", WIRE("HTTP/1.0 200 OK\r\n\r\nall"), "200 3 close\n", false},
    {"HTTP/1.0 with a length", WIRE("HTTP/1.0 200 OK\r\n" LENGTH("3") "\r\nall"),
     "200 3 close\nopen\n", false},
    {"HTTP/1.0, kept", WIRE("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" LENGTH("3") "\r\nall"),
     "200 3\nopen\n", false},
    {"cut in the head", WIRE(OK LENGTH("5")), "open\n", false},
    {"cut in the status line", WIRE("HTTP/1.1 2"), "open\n", false},
    {"cut in the body", WIRE(OK LENGTH("5") "\r\nhell"), "open\n", false},
    {"cut between head and body", WIRE(OK LENGTH("5") "\r\n"), "open\n", false},
    {"cut in a chunk", WIRE(OK CHUNKED "\r\n5\r\nhel"), "open\n", false},
    {"cut before the last chunk", WIRE(OK CHUNKED "\r\n5\r\nhello\r\n"), "open\n", false},
    {"cut in the second one's head", WIRE(OK LENGTH("1") "\r\na" OK), "200 1\nopen\n", false},
    {"no HTTP", WIRE("SSH-2.0-OpenSSH_9.2\r\n"),
     "bad: the status line is not 'HTTP/1.x NNN "
     "reason'\n",
     false},
    {"HTTP/2", WIRE("HTTP/2.0 200 OK\r\n\r\n"),
     "bad: the reply's version is not HTTP/1.0 or HTTP/1.1\n", false},
    {"garbage behind a reply", WIRE(OK LENGTH("1") "\r\naGET / HTTP/1.1\r\n\r\n"),
     "200 1\nbad: the status line is not 'HTTP/1.x NNN reason'\n", false},
    {"garbage behind an interim head", WIRE("HTTP/1.1 100 Continue\r\n\r\nhello there\r\n"),
     "bad: the status line is not 'HTTP/1.x NNN reason'\n", false},
    {"a NUL", WIRE(OK "A: \0\r\n\r\n"), "bad: the head has a NUL or other control byte\n", false},
    {"two lengths", WIRE(OK LENGTH("1") LENGTH("2") "\r\n"),
     "bad: several Content-Length values differ\n", false},
    {"length and chunks: the chunks, and then no other",
     WIRE(OK LENGTH("1") CHUNKED "\r\n2\r\nab\r\n0\r\n\r\n"), "200 2 close\nopen\n", false},
    {"spaces behind the chunk sizes", WIRE(OK CHUNKED "\r\n2 \r\nab\r\n0 \r\n\r\n"),
     "200 2 close\nopen\n", false},
    {"a length and identity", WIRE(OK LENGTH("1") "Transfer-Encoding: identity\r\n\r\na"),
     "bad: both Content-Length and Transfer-Encoding are present\n", false},
    {"a chunk that is none", WIRE(OK CHUNKED "\r\nxyz\r\n"),
     "bad: a chunk size is not hexadecimal digits\n", false},
    {"a chunk too long by a byte", WIRE(OK CHUNKED "\r\n2\r\nabc\r\n0\r\n\r\n"),
     "bad: a chunk's data is not followed by CR LF\n", false},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(rows[i].name, rows[i].wire, rows[i].is_head, 1, rows[i].transcript);
}

/* --- heads as long as they may be, and longer ------------------------------------------------- */

static char wire_buffer[FEED_WIRE_BYTES_MAX];

static void append(struct span *wire, const char *text)
{
    size_t length = strlen(text);
    assert_true(wire->length + length <= sizeof wire_buffer);
    memcpy(wire_buffer + wire->length, text, length);
    *wire = (struct span){wire_buffer, wire->length + length};
}

/* A head of so many bytes, which announces a body of three. */
static void append_head(struct span *wire, size_t length)
{
    static const char last[] = LENGTH("3") "\r\n";
    char line[600] = "X-Padding: ";
    size_t end = wire->length + length - strlen(last);
    memset(line + strlen(line), 'x', sizeof line - strlen(line));
    memcpy(line + sizeof line - 3, "\r\n", 3);
    append(wire, OK);
    while (wire->length + sizeof line + 16 < end)
        append(wire, line);
    append(wire, "Y: ");
    while (wire->length + 2 < end)
        append(wire, "y");
    append(wire, "\r\n");
    append(wire, last);
}

static void test_long_heads(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t head_bytes;
        const char *transcript;
    } lengths[] = {
        {"a long head", 4000, "200 3\n200 3\nopen\n"},
        {"the longest head", RESPONSE_MAX_HEAD, "200 3\n200 3\nopen\n"},
        {"a head too long by a byte", RESPONSE_MAX_HEAD + 1,
         "bad: the head is longer than its limit\n"},
        {"a long one in a view", 20000, "200 3\n200 3\nopen\n"},
        {"a head much too long", 400000, "bad: the head is longer than its limit\n"},
    };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct span wire = {wire_buffer, 0};
        append_head(&wire, lengths[i].head_bytes);
        append(&wire, "abc");
        append_head(&wire, 300);
        append(&wire, "def");
        check(lengths[i].name, wire, false, 1 + lengths[i].head_bytes / 100, lengths[i].transcript);
    }
}

/* A head that spans a whole row of deliveries, with an interim one before, and much behind. */
static void test_pieces(void **state)
{
    (void)state;
    static struct connection connection;
    struct span wire = {wire_buffer, 0};
    append(&wire, "HTTP/1.1 100 Continue\r\n\r\n");
    append_head(&wire, 16000);
    append(&wire, "abc");
    for (int i = 0; i < 40; i++)
        append(&wire, OK LENGTH("3") "\r\nxyz");
    for (size_t first = 1; first < 60; first += 7)
        for (size_t step = 1; step < 20000; step = step * 3 + 1) {
            read_all(&connection, wire, false, first, step);
            assert_int_equal(connection.length, 41 * strlen("200 3\n") + strlen("open\n"));
            assert_false(connection.is_bad);
        }
}

/* --- several lives ---------------------------------------------------------------------------- */

static enum reading_event feed(struct reading *reading, const char *text, struct span *ret_left)
{
    enum proto_error error;
    *ret_left = span_of(text);
    return reading_feed(reading, ret_left, &error);
}

/* A new connection in the place of one that was cut: nothing of it is left. */
static void test_lives(void **state)
{
    (void)state;
    static const char *const cut[] = {"HTTP/1.1 404 N", OK LENGTH("100") "\r\nab",
                                      OK CHUNKED "\r\n5\r\nhe"};
    struct reading reading = {0};
    struct span left;
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        reading_init(&reading, false);
        assert_int_equal(feed(&reading, cut[i], &left), READING_MORE);
        reading_init(&reading, false);
        assert_int_equal(feed(&reading, OK LENGTH("2") "\r\nokHTTP", &left), READING_REPLY);
        assert_int_equal(reading.body_bytes, 2);
        assert_int_equal(reading.reply.response.status, 200);
        assert_int_equal(left.length, 4);
    }
    reading_deinit(&reading);
}

/* Where a connection ends between two replies, none has ended by it. */
static void test_ends(void **state)
{
    (void)state;
    struct reading reading = {0};
    struct span left;
    reading_init(&reading, false);
    assert_false(reading_end(&reading));
    assert_int_equal(feed(&reading, OK LENGTH("0") "\r\n", &left), READING_REPLY);
    assert_false(reading_end(&reading));
    assert_int_equal(feed(&reading, OK "\r\nabc", &left), READING_MORE);
    assert_true(reading_end(&reading));
    assert_false(reading_end(&reading));
    assert_int_equal(reading.body_bytes, 3);
    reading_deinit(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),   cmocka_unit_test(test_long_heads),
        cmocka_unit_test(test_pieces), cmocka_unit_test(test_lives),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
