/* The list of protocol errors: a sentence of its own for each, and the class it belongs to. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/error.h"

enum { ERROR_COUNT = PROTO_DIGEST_QOP + 1 };

/* Every error has a sentence of its own. */
static void test_sentences(void **state)
{
    (void)state;
    for (int error = PROTO_OK; error < ERROR_COUNT; error++) {
        assert_string_not_equal(proto_error_sentence(error), "unknown error");
        for (int other = PROTO_OK; other < error; other++)
            assert_string_not_equal(proto_error_sentence(error), proto_error_sentence(other));
    }
    assert_string_equal(proto_error_sentence(PROTO_DIGEST_QOP + 1), "unknown error");
}

/* The words are for scripts to match: they stay as they are, and so do their bits. */
static void test_anomalies(void **state)
{
    static const char *const words[] = {
        "chunk_size_space",   "chunk_extension_empty", "coding_repeated",
        "length_and_coding",  "coding_identity",       "name_space",
        "colon_space",        "value_control",         "status_spaces",
        "line_without_colon", "coding_without_body",   "length_without_body",
    };

    (void)state;
    assert_int_equal(PROTO_ANOMALY_COUNT, sizeof(words) / sizeof(words[0]));
    for (unsigned bit = 0; bit < PROTO_ANOMALY_COUNT; bit++) {
        assert_string_equal(proto_anomaly_word(bit), words[bit]);
        assert_non_null(proto_anomaly_sentence(bit));
    }
    assert_null(proto_anomaly_word(PROTO_ANOMALY_COUNT));
    assert_null(proto_anomaly_sentence(PROTO_ANOMALY_COUNT));
    assert_int_equal(PROTO_ANOMALY_CHUNK_SIZE_SPACE, 1);
    assert_int_equal(PROTO_ANOMALY_LENGTH_WITHOUT_BODY, 1 << 11);
    assert_int_equal(proto_anomaly_bit(PROTO_NAME_SPACE), PROTO_ANOMALY_NAME_SPACE);
    assert_string_equal(proto_anomaly_sentence(5), proto_error_sentence(PROTO_NAME_SPACE));
}

/* Those that are not the reply's grammar are named here; what they are decides whether a request is
 * sent again, and what a caller is told. */
static void test_classes(void **state)
{
    static const struct {
        enum proto_error first, last;
        enum proto_error_class class;
    } rows[] = {
        {PROTO_OK, PROTO_OK, PROTO_CLASS_NONE},
        {PROTO_URL_EMPTY, PROTO_REQUEST_CHUNKED, PROTO_CLASS_URL},
        {PROTO_HEAD_TOO_LONG, PROTO_HEAD_TOO_MANY_INTERIM, PROTO_CLASS_LIMIT},
        {PROTO_CHUNK_LINE_TOO_LONG, PROTO_CHUNK_LINE_TOO_LONG, PROTO_CLASS_LIMIT},
        {PROTO_TRAILER_TOO_LONG, PROTO_TRAILER_TOO_LONG, PROTO_CLASS_LIMIT},
        {PROTO_HEAD_TRUNCATED, PROTO_HEAD_TRUNCATED, PROTO_CLASS_TRUNCATED},
        {PROTO_BODY_TRUNCATED, PROTO_BODY_TRUNCATED, PROTO_CLASS_TRUNCATED},
        {PROTO_EMPTY_REPLY, PROTO_EMPTY_REPLY, PROTO_CLASS_RECEIVE},
        {PROTO_LOCATION_DIFFERS, PROTO_LOCATION_TOO_LONG, PROTO_CLASS_REDIRECT},
        {PROTO_CONTENT_UNKNOWN, PROTO_CONTENT_WINDOW, PROTO_CLASS_ENCODING},
        {PROTO_CONTENT_COUNT, PROTO_CONTENT_RATIO, PROTO_CLASS_LIMIT},
        {PROTO_DIGEST_MALFORMED, PROTO_DIGEST_QOP, PROTO_CLASS_AUTH},
    };

    (void)state;
    for (int error = PROTO_OK; error <= ERROR_COUNT; error++) {
        enum proto_error_class wanted = PROTO_CLASS_PROTOCOL;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
            if (error >= (int)rows[i].first && error <= (int)rows[i].last)
                wanted = rows[i].class;
        if (proto_error_class(error) != wanted)
            fail_msg("'%s' is of class %d", proto_error_sentence(error), proto_error_class(error));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_anomalies),
        cmocka_unit_test(test_classes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
