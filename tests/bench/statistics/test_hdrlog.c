/* HdrHistogram's formats: what its Java library writes and reads, and what must be refused. */

#include "bench/statistics/hdrlog.h"
#include "tests/lib/payload.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

enum { HEADER_BYTES = 40, STORED_AT = 10, VALUES_MAX = 8 };

/* A header of HdrHistogram: stated length of the counts, and all else as it must be. */
#define HEADER(length)                                                                             \
    "\x1c\x84\x93\x13\0\0\0" length "\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x01"                         \
    "\0\0\x03\xff\xff\xff\xff\xff\x3f\xf0\0\0\0\0\0\0"
#define BYTES(literal)                                                                             \
    {                                                                                              \
        .bytes = (literal), .length = sizeof(literal) - 1                                          \
    }

static struct histogram opened(void)
{
    struct histogram histogram;

    assert_true(histogram_open(&histogram));
    return histogram;
}

static void assert_same_counts(const struct histogram *a, const struct histogram *b)
{
    assert_int_equal(histogram_count(a), histogram_count(b));
    assert_memory_equal(a->counts, b->counts, HISTOGRAM_BUCKETS * sizeof(*a->counts));
}

/* --- known histograms ------------------------------------------------------------------------- */

/* raw and payload are what HdrHistogram 2.1.11 (Java) encodes such a histogram as, before and after
 * compression. */
struct known_row {
    struct {
        uint64_t value_ns;
        uint64_t times;
    } recorded[VALUES_MAX];
    struct span raw;
    struct span payload;
};

static const struct known_row known_rows[] = {
    {{{0, 0}},
     BYTES(HEADER("\x01") "\0"),
     BYTES("HISTFAAAAB54nJNpmSzMwMDAyAABzFAayGf+DwL2H6AiAHimB3k=")},
    {{{1, 1}},
     BYTES(HEADER("\x02") "\0\x02"),
     BYTES("HISTFAAAAB94nJNpmSzMwMDAxAABzFCaEcj8DwL2H6AiTACARAd8")},
    /* 1000 empty buckets, 3 values, 1046 empty, 1, 1, 1 (of two values each), 9204 empty … */
    {{{1000, 3}, {2047, 1}, {2048, 1}, {2051, 1}, {1000000, 200}, {HISTOGRAM_HIGHEST_NS, 1}},
     BYTES(HEADER("\x11") "\xcf\x0f\x06\xab\x10\x02\x02\x02\xbd\x8e\x01\x90\x03\xb9\xe1\x02\x02"),
     BYTES("HISTFAAAADB42pNpmSzMwMAgyAABzFCaEcj8DwL2HyAC5/nZVgswMTHt7WOcwLzzIRMTACDyDKs=")},
};

enum { KNOWN_ROWS = sizeof(known_rows) / sizeof(known_rows[0]) };

static struct histogram known(const struct known_row *row)
{
    struct histogram histogram = opened();

    for (size_t i = 0; i < VALUES_MAX && row->recorded[i].times > 0; i++)
        histogram_record_many(&histogram, row->recorded[i].value_ns, row->recorded[i].times);
    return histogram;
}

static void known_histograms_are_written_as_others_write_them(void **state)
{
    (void)state;

    for (size_t i = 0; i < KNOWN_ROWS; i++) {
        struct histogram histogram = known(&known_rows[i]);
        char *payload = hdrlog_encode(&histogram), *raw;
        size_t length;

        assert_non_null(payload);
        raw = payload_raw(payload, &length);
        assert_int_equal(length, known_rows[i].raw.length);
        assert_memory_equal(raw, known_rows[i].raw.bytes, length);
        free(raw);
        free(payload);
        histogram_close(&histogram);
    }
}

static void known_payloads_are_read(void **state)
{
    (void)state;
    struct histogram decoded = opened();

    for (size_t i = 0; i < KNOWN_ROWS; i++) {
        struct histogram histogram = known(&known_rows[i]);

        assert_int_equal(hdrlog_decode(known_rows[i].payload, &decoded), HDRLOG_OK);
        assert_same_counts(&decoded, &histogram);
        histogram_close(&histogram);
    }
    histogram_close(&decoded);
}

/* --- there and back --------------------------------------------------------------------------- */

/* Marsaglia's xorshift64. */
static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void assert_comes_back(const struct histogram *histogram, struct histogram *decoded)
{
    char *payload = hdrlog_encode(histogram);

    assert_non_null(payload);
    assert_int_equal(hdrlog_decode(span_of(payload), decoded), HDRLOG_OK);
    assert_same_counts(decoded, histogram);
    assert_true(histogram_min_ns(decoded) <= histogram_min_ns(histogram));
    assert_true(histogram_max_ns(decoded) >= histogram_max_ns(histogram));
    assert_int_equal(histogram_clipped(decoded), 0);
    free(payload);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    struct histogram histogram = opened(), decoded = opened();
    uint64_t seed = 88172645463325252;

    for (unsigned round = 0; round < 200; round++) {
        unsigned bits = 1 + round % 43;

        assert_comes_back(&histogram, &decoded);
        for (unsigned i = 0; i < round; i++)
            histogram_record_many(&histogram, random_next(&seed) >> (64 - bits),
                                  1 + (random_next(&seed) >> (30 + random_next(&seed) % 34)));
    }
    histogram_close(&histogram);
    histogram_close(&decoded);
}

/* Every width that a count has in LEB128, its least and its greatest. */
static void counts_of_every_length_come_back(void **state)
{
    (void)state;
    struct histogram histogram = opened(), decoded = opened();

    for (unsigned bits = 1; bits <= 44; bits++) {
        histogram_reset(&histogram);
        histogram_record_many(&histogram, 5, (UINT64_C(1) << bits) - 1);
        assert_comes_back(&histogram, &decoded);
        histogram_reset(&histogram);
        histogram_record_many(&histogram, 6, UINT64_C(1) << (bits - 1));
        assert_comes_back(&histogram, &decoded);
    }
    histogram_close(&histogram);
    histogram_close(&decoded);
}

static void the_fullest_histogram_fits(void **state)
{
    (void)state;
    struct histogram histogram = opened(), decoded = opened();
    char *payload;

    for (uint32_t index = 0; index < HISTOGRAM_BUCKETS; index++)
        histogram_record_bucket(&histogram, index, UINT64_C(1) << (index % 29));
    assert_comes_back(&histogram, &decoded);
    payload = hdrlog_encode(&histogram);
    assert_true(strlen(payload) < 420000);
    free(payload);
    histogram_close(&histogram);
    histogram_close(&decoded);
}

/* --- what must be refused --------------------------------------------------------------------- */

/* Decodes into a histogram that held something else, and frees the payload. */
static enum hdrlog_error decode(char *payload, struct histogram *decoded)
{
    enum hdrlog_error error;

    histogram_record(decoded, 4711);
    error = hdrlog_decode(span_of(payload), decoded);
    if (error != HDRLOG_OK) {
        assert_int_equal(histogram_count(decoded), 0);
        assert_int_equal(histogram_max_ns(decoded), 0);
    }
    free(payload);
    return error;
}

struct refused_row {
    enum hdrlog_error error;
    struct span bytes;
};

static void assert_rows(const struct refused_row *rows, size_t count,
                        char *(*payload_of)(struct span bytes))
{
    struct histogram decoded = opened();

    for (size_t i = 0; i < count; i++) {
        enum hdrlog_error error = decode(payload_of(rows[i].bytes), &decoded);

        if (error != rows[i].error)
            fail_msg("row %zu: %s", i, hdrlog_error_sentence(error));
    }
    histogram_close(&decoded);
}

static char *as_it_is(struct span text)
{
    return strndup(text.bytes, text.length);
}

static void texts(void **state)
{
    (void)state;
    static const struct refused_row rows[] = {
        {HDRLOG_TRUNCATED, BYTES("")},
        {HDRLOG_BASE64, BYTES("H")},
        {HDRLOG_BASE64, BYTES("HIST!AAA")},
        {HDRLOG_BASE64, BYTES("HISTFAAAAB94nJNpmSzMwMDAxAABzFCaEcj8DwL2H6AiTACARAd8=")},
        {HDRLOG_BASE64, BYTES("HISTFAAAAB94nJNpmSzMwMDAxAABzFCaEcj8DwL2H6AiTACARAd8,HIST")},
        {HDRLOG_OVERLONG, BYTES("HISTFAAAAB94nJNpmSzMwMDAxAABzFCaEcj8DwL2H6AiTACARAd8AAAA")},
        {HDRLOG_OK, BYTES("HISTFAAAAB94nJNpmSzMwMDAxAABzFCaEcj8DwL2H6AiTACARAd8")},
        {HDRLOG_OK, BYTES("HISTFAAAAB94nJNpmSzMwMDAxAABzFCa\nEcj8DwL2H6AiTACARAd8\n")},
    };

    assert_rows(rows, sizeof(rows) / sizeof(rows[0]), as_it_is);
}

static void envelopes(void **state)
{
    (void)state;
    static const struct refused_row rows[] = {
        {HDRLOG_TRUNCATED, BYTES("\x1c\x84\x93\x14\0\0\0")},
        {HDRLOG_DEFLATE, BYTES("\x1c\x84\x93\x14\0\0\0\0")},
        {HDRLOG_TRUNCATED, BYTES("\x1c\x84\x93\x14\0\0\0\x03x\x9c")},
        {HDRLOG_TRUNCATED, BYTES("\x1c\x84\x93\x14\xff\xff\xff\xff\x78\x9c")},
        {HDRLOG_OVERLONG, BYTES("\x1c\x84\x93\x14\0\0\0\x01\x78\x9c")},
        /* cookies: of what is not compressed, of version 1, of version 0, without its low digit */
        {HDRLOG_NOT_COMPRESSED, BYTES("\x1c\x84\x93\x13\0\0\0\0")},
        {HDRLOG_NOT_COMPRESSED, BYTES("\x1c\x84\x93\x02\0\0\0\0")},
        {HDRLOG_NOT_COMPRESSED, BYTES("\x1c\x84\x93\x09\0\0\0\0")},
        {HDRLOG_NOT_COMPRESSED, BYTES("\x1c\x84\x93\x04\0\0\0\0")},
        {HDRLOG_NOT_COMPRESSED, BYTES("GET / HTTP/1.1\r\n")},
        /* deflate: no header of it, nothing behind the header, a preset dictionary */
        {HDRLOG_DEFLATE, BYTES("\x1c\x84\x93\x14\0\0\0\x04zlib")},
        {HDRLOG_DEFLATE, BYTES("\x1c\x84\x93\x14\0\0\0\x02\x78\x9c")},
        {HDRLOG_DEFLATE, BYTES("\x1c\x84\x93\x14\0\0\0\x06\x78\xbb\0\0\0\x01")},
        /* nothing, deflated; and so, but a byte follows */
        {HDRLOG_TRUNCATED, BYTES("\x1c\x84\x93\x14\0\0\0\x08\x78\x9c\x03\0\0\0\0\x01")},
        {HDRLOG_OVERLONG, BYTES("\x1c\x84\x93\x14\0\0\0\x09\x78\x9c\x03\0\0\0\0\x01\0")},
    };

    assert_rows(rows, sizeof(rows) / sizeof(rows[0]), payload_of_packed);
}

static void histograms(void **state)
{
    (void)state;
    static const struct refused_row rows[] = {
        {HDRLOG_OK, BYTES(HEADER("\x01") "\x02")},
        {HDRLOG_OK, BYTES(HEADER("\0"))},
        /* length of the counts */
        {HDRLOG_TRUNCATED, BYTES(HEADER("\x02") "\x02")},
        {HDRLOG_OVERLONG, BYTES(HEADER("\x01") "\x02\x02")},
        {HDRLOG_OVERLONG, BYTES(HEADER("\0") "\x02")},
        /* a run of one, which others never write; 33792 empty buckets; one more */
        {HDRLOG_OK, BYTES(HEADER("\x02") "\x01\x02")},
        {HDRLOG_OK, BYTES(HEADER("\x03") "\xff\x8f\x04")},
        {HDRLOG_BUCKETS, BYTES(HEADER("\x03") "\x81\x90\x04")},
        {HDRLOG_OK, BYTES(HEADER("\x04") "\xfd\x8f\x04\x02")},
        {HDRLOG_BUCKETS, BYTES(HEADER("\x04") "\xff\x8f\x04\0")},
        {HDRLOG_BUCKETS, BYTES(HEADER("\x04") "\xff\x8f\x04\x02")},
        /* the greatest run of all: -2^63 */
        {HDRLOG_BUCKETS, BYTES(HEADER("\x09") "\xff\xff\xff\xff\xff\xff\xff\xff\xff")},
        {HDRLOG_BUCKETS, BYTES(HEADER("\x0a") "\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff")},
        /* words cut */
        {HDRLOG_TRUNCATED, BYTES(HEADER("\x01") "\x80")},
        {HDRLOG_TRUNCATED, BYTES(HEADER("\x03") "\x02\x02\xff")},
        {HDRLOG_TRUNCATED, BYTES(HEADER("\x08") "\xff\xff\xff\xff\xff\xff\xff\xff")},
        /* a word in more bytes than it needs */
        {HDRLOG_OK, BYTES(HEADER("\x09") "\x82\x80\x80\x80\x80\x80\x80\x80\0")},
        /* counts: 2^44 - 1, 2^44, 2^44 - 1 and another, 2^63 - 1, 2^63 - 1 twice */
        {HDRLOG_OK, BYTES(HEADER("\x07") "\xfe\xff\xff\xff\xff\xff\x07")},
        {HDRLOG_COUNT, BYTES(HEADER("\x07") "\x80\x80\x80\x80\x80\x80\x08")},
        {HDRLOG_COUNT, BYTES(HEADER("\x08") "\xfe\xff\xff\xff\xff\xff\x07\x02")},
        {HDRLOG_OK, BYTES(HEADER("\x08") "\xfe\xff\xff\xff\xff\xff\x07\0")},
        {HDRLOG_COUNT, BYTES(HEADER("\x09") "\xfe\xff\xff\xff\xff\xff\xff\xff\xff")},
        {HDRLOG_COUNT, BYTES(HEADER("\x12") "\xfe\xff\xff\xff\xff\xff\xff\xff\xff"
                                            "\xfe\xff\xff\xff\xff\xff\xff\xff\xff")},
    };

    assert_rows(rows, sizeof(rows) / sizeof(rows[0]), payload_of_raw);
}

/* More than any histogram takes, in few bytes. */
static void what_inflates_without_end_is_refused(void **state)
{
    (void)state;
    struct span zeros = {NULL, 1 << 20};
    struct histogram decoded = opened();

    zeros.bytes = calloc(1, zeros.length);
    assert_non_null(zeros.bytes);
    assert_int_equal(decode(payload_of_raw(zeros), &decoded), HDRLOG_OVERLONG);
    free((void *)(uintptr_t)zeros.bytes);
    histogram_close(&decoded);
}

/* What a header says wrong with any one of its bytes changed. */
static enum hdrlog_error header_error(size_t at)
{
    static const struct {
        size_t end;
        enum hdrlog_error error;
    } fields[] = {
        {4, HDRLOG_NOT_HISTOGRAM}, {8, HDRLOG_TRUNCATED}, {12, HDRLOG_SHIFTED}, {16, HDRLOG_DIGITS},
        {24, HDRLOG_LOWEST},       {32, HDRLOG_HIGHEST},  {40, HDRLOG_SCALED},
    };
    size_t i = 0;

    while (at >= fields[i].end)
        i++;
    return fields[i].error;
}

/* A payload's bytes, compressed or not, to be spoilt. */
struct bytes {
    char bytes[256];
    size_t length;
};

static struct bytes known_raw(void)
{
    struct span raw = known_rows[KNOWN_ROWS - 1].raw;
    struct bytes bytes = {.length = raw.length};

    memcpy(bytes.bytes, raw.bytes, raw.length);
    return bytes;
}

/* The envelope of known_raw(), which is deflated as one stored block. */
static struct bytes known_packed(void)
{
    static const char head[] = "\x1c\x84\x93\x14\0\0\0\x44\x78\x01\x01\x39\0\xc6\xff";
    struct bytes raw = known_raw(), packed = {.length = sizeof(head) - 1};
    uint32_t a = 1, b = 0;

    memcpy(packed.bytes, head, packed.length);
    for (size_t i = 0; i < raw.length; i++) {
        packed.bytes[packed.length++] = raw.bytes[i];
        a = (a + (uint8_t)raw.bytes[i]) % 65521; /* Adler-32, RFC 1950 */
        b = (b + a) % 65521;
    }
    for (unsigned i = 0; i < 4; i++)
        packed.bytes[packed.length++] = (char)((b << 16 | a) >> (24 - 8 * i));
    return packed;
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    struct histogram decoded = opened();
    struct bytes raw = known_raw(), packed = known_packed();
    char *text = payload_of_raw((struct span){raw.bytes, raw.length});

    assert_int_equal(
        decode(payload_of_packed((struct span){packed.bytes, packed.length}), &decoded), HDRLOG_OK);
    for (size_t length = 0; length < strlen(text); length++)
        assert_int_equal(decode(strndup(text, length), &decoded),
                         length % 4 == 0 ? HDRLOG_TRUNCATED : HDRLOG_BASE64);
    for (size_t length = 0; length < packed.length; length++)
        assert_int_equal(decode(payload_of_packed((struct span){packed.bytes, length}), &decoded),
                         HDRLOG_TRUNCATED);
    for (size_t length = 0; length < raw.length; length++)
        assert_int_equal(decode(payload_of_raw((struct span){raw.bytes, length}), &decoded),
                         HDRLOG_TRUNCATED);
    free(text);
    histogram_close(&decoded);
}

static void assert_counts_add_up(const struct histogram *histogram)
{
    struct histogram_bucket bucket;
    uint32_t cursor = 0;
    uint64_t count = 0;

    while (histogram_next(histogram, &cursor, &bucket))
        count += bucket.count;
    assert_int_equal(count, histogram_count(histogram));
    assert_true(count <= HISTOGRAM_COUNT_MAX);
}

/* Behind the header, a changed bit may make another good histogram. */
static void every_changed_bit_is_refused_or_another_histogram(void **state)
{
    (void)state;
    struct histogram decoded = opened();
    struct bytes raw = known_raw();

    for (size_t bit = 0; bit < raw.length * 8; bit++) {
        size_t at = bit / 8;
        enum hdrlog_error error;

        raw.bytes[at] = (char)(raw.bytes[at] ^ 1 << bit % 8);
        error = decode(payload_of_raw((struct span){raw.bytes, raw.length}), &decoded);
        raw.bytes[at] = (char)(raw.bytes[at] ^ 1 << bit % 8);
        if (at == 7)
            assert_true(error == HDRLOG_TRUNCATED || error == HDRLOG_OVERLONG);
        else if (at < HEADER_BYTES)
            assert_int_equal(error, header_error(at));
        else if (error == HDRLOG_OK)
            assert_counts_add_up(&decoded);
    }
    histogram_close(&decoded);
}

/* Adler-32 sees to it. Five bits behind a stored block's first three have no meaning (RFC 1951,
 * 3.2.4). */
static void every_changed_bit_of_an_envelope_is_refused(void **state)
{
    (void)state;
    struct histogram decoded = opened();
    struct bytes packed = known_packed();

    for (size_t bit = 0; bit < packed.length * 8; bit++) {
        bool is_idle = bit >= 8 * STORED_AT + 3 && bit < 8 * STORED_AT + 8;
        size_t at = bit / 8;
        enum hdrlog_error error;

        packed.bytes[at] = (char)(packed.bytes[at] ^ 1 << bit % 8);
        error = decode(payload_of_packed((struct span){packed.bytes, packed.length}), &decoded);
        packed.bytes[at] = (char)(packed.bytes[at] ^ 1 << bit % 8);
        assert_int_equal(error == HDRLOG_OK, is_idle);
    }
    histogram_close(&decoded);
}

static void every_error_has_a_sentence(void **state)
{
    (void)state;

    for (int a = HDRLOG_OK; a <= HDRLOG_COUNT; a++)
        for (int b = HDRLOG_OK; b < a; b++)
            assert_string_not_equal(hdrlog_error_sentence((enum hdrlog_error)a),
                                    hdrlog_error_sentence((enum hdrlog_error)b));
    assert_string_equal(hdrlog_error_sentence((enum hdrlog_error)(HDRLOG_COUNT + 1)),
                        "unknown error");
}

/* --- log -------------------------------------------------------------------------------------- */

#define LOG_HEAD                                                                                   \
    "#[Histogram log format version 1.3]\n"                                                        \
    "#[StartTime: 1441812279.474 (seconds since epoch), Wed Sep 09 15:24:39 UTC 2015]\n"           \
    "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"

/* The payload's place is marked by a star. */
static const struct {
    struct hdrlog_interval interval;
    uint64_t value_ns;
    const char *line;
} log_rows[] = {
    {{NULL, 127000000, 1134000000}, 2769000, "0.127,1.007,2.769,*\n"},
    {{"intended", 127000000, 1134000000}, 2769000, "Tag=intended,0.127,1.007,2.769,*\n"},
    {{"intended", 0, 0}, 0, "Tag=intended,0.000,0.000,0.000,*\n"},
    {{NULL, 499999, 1000000500000}, 499, "0.000,1000.000,0.000,*\n"},
    {{NULL, 500000, 86400999499999}, 500, "0.001,86400.999,0.001,*\n"},
    {{NULL, 999500000, 1999500000}, UINT64_MAX, "1.000,1.000,4398046.511,*\n"},
};

static void assert_line(const char *line, const char *pattern, const struct histogram *histogram)
{
    char *payload = hdrlog_encode(histogram), expected[1024];
    int stem = (int)strcspn(pattern, "*");

    snprintf(expected, sizeof(expected), "%.*s%s\n", stem, pattern, payload);
    assert_string_equal(line, expected);
    free(payload);
}

static void lines_of_a_log(void **state)
{
    (void)state;
    struct histogram histogram = opened();

    for (size_t i = 0; i < sizeof(log_rows) / sizeof(log_rows[0]); i++) {
        char *text;
        size_t length;
        FILE *out = open_memstream(&text, &length);

        histogram_reset(&histogram);
        histogram_record(&histogram, log_rows[i].value_ns);
        assert_true(hdrlog_begin(out, UINT64_C(1441812279474000000)));
        assert_true(hdrlog_write(out, &log_rows[i].interval, &histogram));
        fclose(out);
        assert_memory_equal(text, LOG_HEAD, sizeof(LOG_HEAD) - 1);
        assert_line(text + sizeof(LOG_HEAD) - 1, log_rows[i].line, &histogram);
        free(text);
    }
    histogram_close(&histogram);
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    const struct hdrlog_interval interval = {NULL, 0, 1};
    struct histogram histogram = opened();
    FILE *out = fopen("/dev/full", "w");

    assert_non_null(out);
    setbuf(out, NULL);
    assert_false(hdrlog_begin(out, 0));
    clearerr(out);
    assert_false(hdrlog_write(out, &interval, &histogram));
    fclose(out);
    histogram_close(&histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_histograms_are_written_as_others_write_them),
        cmocka_unit_test(known_payloads_are_read),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(counts_of_every_length_come_back),
        cmocka_unit_test(the_fullest_histogram_fits),
        cmocka_unit_test(texts),
        cmocka_unit_test(envelopes),
        cmocka_unit_test(histograms),
        cmocka_unit_test(what_inflates_without_end_is_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(every_changed_bit_is_refused_or_another_histogram),
        cmocka_unit_test(every_changed_bit_of_an_envelope_is_refused),
        cmocka_unit_test(every_error_has_a_sentence),
        cmocka_unit_test(lines_of_a_log),
        cmocka_unit_test(a_full_disk_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
