/* The body's readers, apart from any head: what each takes, hands on, and says at the end. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/http/body.h"
#include "tests/lib/feed.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct row {
    enum response_framing framing;
    uint64_t content_length;
    struct span in;
    bool done_at_once;
    bool done;
    const char *data;
    size_t consumed;
    enum proto_error at_end;
} rows[] = {
    {FRAMING_NONE, 0, WIRE("surplus"), true, true, "", 0, PROTO_OK},
    {FRAMING_LENGTH, 0, WIRE("surplus"), true, true, "", 0, PROTO_OK},
    {FRAMING_LENGTH, 5, WIRE("hello"), false, true, "hello", 5, PROTO_OK},
    {FRAMING_LENGTH, 5, WIRE("hello, world"), false, true, "hello", 5, PROTO_OK},
    {FRAMING_LENGTH, 5, WIRE("hell"), false, false, "hell", 4, PROTO_BODY_TRUNCATED},
    {FRAMING_LENGTH, 5, WIRE(""), false, false, "", 0, PROTO_BODY_TRUNCATED},
    {FRAMING_LENGTH, INT64_MAX, WIRE("hello"), false, false, "hello", 5, PROTO_BODY_TRUNCATED},
    {FRAMING_CLOSE, 0, WIRE("hello"), false, false, "hello", 5, PROTO_OK},
    {FRAMING_CLOSE, 0, WIRE(""), false, false, "", 0, PROTO_OK},
    {FRAMING_CHUNKED, 0, WIRE("0\r\n\r\nmore"), false, true, "", 5, PROTO_OK},
    {FRAMING_CHUNKED, 0, WIRE("5\r\nhello\r\n"), false, false, "hello", 8, PROTO_BODY_TRUNCATED},
    {FRAMING_CHUNKED, 0, WIRE("5\r\nhel"), false, false, "hel", 6, PROTO_BODY_TRUNCATED},
    {FRAMING_CHUNKED, 0, WIRE("5\r\n"), false, false, "", 3, PROTO_BODY_TRUNCATED},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *row = &rows[i];
        struct response response = {.framing = row->framing,
                                    .content_length = row->content_length,
                                    .rules = &response_rules_default};
        struct span in = {feed_guarded(0, row->in), row->in.length};
        struct span data;
        struct body body;
        size_t consumed;
        bool done;

        assert_int_equal(body_init(&body, &response), row->done_at_once);
        assert_int_equal(body_feed(&body, in, &data, &consumed, &done), PROTO_OK);
        assert_int_equal(done, row->done);
        assert_int_equal(consumed, row->consumed);
        assert_true(span_equal(data, span_of(row->data)));
        assert_int_equal(body_end(&body), row->at_end);
    }
}

static void test_length_in_pieces(void **state)
{
    struct response response = {
        .framing = FRAMING_LENGTH, .content_length = 10, .rules = &response_rules_default};
    struct body body;
    struct span data;
    size_t consumed;
    bool done;

    (void)state;
    assert_false(body_init(&body, &response));
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(body_end(&body), PROTO_BODY_TRUNCATED);
        assert_int_equal(body_feed(&body, SPAN("x"), &data, &consumed, &done), PROTO_OK);
        assert_int_equal(consumed, 1);
        assert_int_equal(done, i == 9);
    }
    assert_int_equal(body_end(&body), PROTO_OK);
}

static void test_chunked_fault(void **state)
{
    struct response response = {.framing = FRAMING_CHUNKED, .rules = &response_rules_default};
    struct body body;
    struct span data;
    size_t consumed;
    bool done;

    (void)state;
    body_init(&body, &response);
    assert_int_equal(body_feed(&body, SPAN("x\r\n"), &data, &consumed, &done), PROTO_CHUNK_SIZE);
    assert_false(done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_length_in_pieces),
        cmocka_unit_test(test_chunked_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
