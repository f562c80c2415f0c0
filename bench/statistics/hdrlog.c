/* HdrHistogram's formats, written and read.
 *
 * A payload is two envelopes: cookie and length around deflated data, and in there a header of 40
 * bytes before the counts. One table is that header: it writes ours, and names what is wrong with
 * another's. Its numbers are big-endian. A count is a word of variable length, doubled, so that odd
 * words are left to stand for runs of empty buckets. */

#include "bench/statistics/hdrlog.h"
#include "proto/x509/pem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <zlib.h>

enum {
    ENVELOPE_BYTES = 8,
    HEADER_BYTES = 40,
    WORD_BYTES_MAX = 9,
    RAW_BYTES_MAX = HEADER_BYTES + HISTOGRAM_BUCKETS * WORD_BYTES_MAX,
};

static const uint32_t compressed_cookie = 0x1c849314;

static const char *const sentences[] = {
#define HDRLOG_ERROR_SENTENCE(name, sentence) [HDRLOG_##name] = sentence,
    HDRLOG_ERRORS(HDRLOG_ERROR_SENTENCE)
#undef HDRLOG_ERROR_SENTENCE
};

const char *hdrlog_error_sentence(enum hdrlog_error error)
{
    size_t index = (size_t)error;

    return index < sizeof(sentences) / sizeof(sentences[0]) ? sentences[index] : "unknown error";
}

/* --- numbers ---------------------------------------------------------------------------------- */

static void number_put(uint8_t *at, unsigned bytes, uint64_t number)
{
    while (bytes-- > 0) {
        at[bytes] = (uint8_t)number;
        number >>= 8;
    }
}

static uint64_t number_get(const uint8_t *at, unsigned bytes)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < bytes; i++)
        number = number << 8 | at[i];
    return number;
}

/* LEB128. No word of ours is so great that it needs the ninth byte, which is the last and has eight
 * bits, not seven. */
static uint8_t *word_put(uint8_t *at, uint64_t word)
{
    for (; word >= 0x80; word >>= 7)
        *at++ = (uint8_t)(word | 0x80);
    *at++ = (uint8_t)word;
    return at;
}

/* NULL: the word goes on at the end. */
static const uint8_t *word_get(const uint8_t *at, const uint8_t *end, uint64_t *ret_word)
{
    uint64_t word = 0;

    for (unsigned shift = 0; at < end; shift += 7) {
        uint8_t byte = *at++;

        if (byte < 0x80 || shift == 7 * (WORD_BYTES_MAX - 1)) {
            *ret_word = word | (uint64_t)byte << shift;
            return at;
        }
        word |= (uint64_t)(byte & 0x7f) << shift;
    }
    return NULL;
}

/* --- header ----------------------------------------------------------------------------------- */

enum { PAYLOAD_LENGTH_AT = 4 };

static const struct field {
    uint8_t at;
    uint8_t bytes;
    enum hdrlog_error error;
    uint64_t number;
} fields[] = {
    {0, 4, HDRLOG_NOT_HISTOGRAM, 0x1c849313},
    {8, 4, HDRLOG_SHIFTED, 0},
    {12, 4, HDRLOG_DIGITS, 3},
    {16, 8, HDRLOG_LOWEST, 1},
    {24, 8, HDRLOG_HIGHEST, HISTOGRAM_HIGHEST_NS},
    {32, 8, HDRLOG_SCALED, UINT64_C(0x3ff0000000000000)}, /* the double 1.0 */
};

enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static void header_put(uint8_t *raw, size_t payload_length)
{
    for (const struct field *field = fields; field < fields + FIELDS; field++)
        number_put(raw + field->at, field->bytes, field->number);
    number_put(raw + PAYLOAD_LENGTH_AT, 4, payload_length);
}

static enum hdrlog_error length_check(uint64_t stated, size_t length)
{
    if (stated > length)
        return HDRLOG_TRUNCATED;
    return stated < length ? HDRLOG_OVERLONG : HDRLOG_OK;
}

static enum hdrlog_error header_check(const uint8_t *raw, size_t length)
{
    if (length < HEADER_BYTES)
        return HDRLOG_TRUNCATED;
    for (const struct field *field = fields; field < fields + FIELDS; field++)
        if (number_get(raw + field->at, field->bytes) != field->number)
            return field->error;
    return length_check(number_get(raw + PAYLOAD_LENGTH_AT, 4), length - HEADER_BYTES);
}

/* --- counts ----------------------------------------------------------------------------------- */

/* The buckets up to that of the greatest value; of an empty histogram, the first. A single empty
 * bucket is a count of 0, several are a run. Returns where the next byte would go. */
static uint8_t *counts_put(uint8_t *at, const struct histogram *histogram)
{
    uint32_t end = histogram_index(histogram->max_ns) + 1;

    for (uint32_t i = 0; i < end;) {
        uint64_t count = histogram->counts[i], run = 1;

        while (count == 0 && i + run < end && histogram->counts[i + run] == 0)
            run++;
        at = word_put(at, run > 1 ? 2 * run - 1 : 2 * count);
        i += (uint32_t)run;
    }
    return at;
}

static enum hdrlog_error counts_get(const uint8_t *at, const uint8_t *end,
                                    struct histogram *histogram)
{
    uint64_t index = 0;

    while (at < end) {
        uint64_t word, run, count;

        at = word_get(at, end, &word);
        if (at == NULL)
            return HDRLOG_TRUNCATED;
        run = word % 2 == 0 ? 1 : word / 2 + 1;
        count = word % 2 == 0 ? word / 2 : 0;
        if (run > HISTOGRAM_BUCKETS - index)
            return HDRLOG_BUCKETS;
        if (count > HISTOGRAM_COUNT_MAX - histogram->count)
            return HDRLOG_COUNT;
        if (count > 0)
            histogram_record_bucket(histogram, (uint32_t)index, count);
        index += run;
    }
    return HDRLOG_OK;
}

/* --- envelopes -------------------------------------------------------------------------------- */

/* NULL: no memory. Zero-terminated. */
static char *base64(const uint8_t *bytes, size_t length)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc((length + 2) / 3 * 4 + 1), *out = text;

    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < length; i += 3) {
        unsigned left = length - i < 3 ? (unsigned)(length - i) : 3;
        uint64_t group = number_get(bytes + i, left) << 8 * (3 - left);

        for (unsigned letter = 0; letter < 4; letter++)
            *out++ = letter <= left ? letters[group >> (18 - 6 * letter) & 63] : '=';
    }
    *out = '\0';
    return text;
}

/* NULL: no memory. */
static char *envelop(const uint8_t *raw, size_t raw_length)
{
    uLongf length = compressBound(raw_length);
    uint8_t *packed = malloc(ENVELOPE_BYTES + length);
    char *text = NULL;

    if (packed != NULL && compress(packed + ENVELOPE_BYTES, &length, raw, raw_length) == Z_OK) {
        number_put(packed, 4, compressed_cookie);
        number_put(packed + 4, 4, length);
        text = base64(packed, ENVELOPE_BYTES + length);
    }
    free(packed);
    return text;
}

char *hdrlog_encode(const struct histogram *histogram)
{
    uint8_t *raw = malloc(RAW_BYTES_MAX), *end;
    char *text;

    if (raw == NULL)
        return NULL;
    end = counts_put(raw + HEADER_BYTES, histogram);
    header_put(raw, (size_t)(end - raw) - HEADER_BYTES);
    text = envelop(raw, (size_t)(end - raw));
    free(raw);
    return text;
}

static enum hdrlog_error inflate_all(const uint8_t *data, size_t length, uint8_t *raw,
                                     size_t *ret_length)
{
    uLong taken = length;
    uLongf made = RAW_BYTES_MAX;

    switch (uncompress2(raw, &made, data, &taken)) {
    case Z_OK:
        *ret_length = made;
        return taken == length ? HDRLOG_OK : HDRLOG_OVERLONG;
    case Z_BUF_ERROR:
        return HDRLOG_OVERLONG;
    case Z_MEM_ERROR:
        return HDRLOG_NO_MEMORY;
    default:
        return HDRLOG_DEFLATE;
    }
}

static enum hdrlog_error open_envelope(const uint8_t *packed, size_t length, uint8_t *raw,
                                       size_t *ret_length)
{
    enum hdrlog_error error;

    if (length < ENVELOPE_BYTES)
        return HDRLOG_TRUNCATED;
    if (number_get(packed, 4) != compressed_cookie)
        return HDRLOG_NOT_COMPRESSED;
    error = length_check(number_get(packed + 4, 4), length - ENVELOPE_BYTES);
    if (error != HDRLOG_OK)
        return error;
    return inflate_all(packed + ENVELOPE_BYTES, length - ENVELOPE_BYTES, raw, ret_length);
}

/* packed has room for the payload decoded, raw for RAW_BYTES_MAX. */
static enum hdrlog_error decode(struct span payload, uint8_t *packed, uint8_t *raw,
                                struct histogram *histogram)
{
    size_t packed_length, raw_length;
    enum hdrlog_error error;

    if (!pem_decode(payload, (char *)packed, &packed_length))
        return HDRLOG_BASE64;
    error = open_envelope(packed, packed_length, raw, &raw_length);
    if (error == HDRLOG_OK)
        error = header_check(raw, raw_length);
    if (error == HDRLOG_OK)
        error = counts_get(raw + HEADER_BYTES, raw + raw_length, histogram);
    return error;
}

enum hdrlog_error hdrlog_decode(struct span payload, struct histogram *ret_histogram)
{
    uint8_t *packed = malloc(pem_decoded_max(payload.length)), *raw = malloc(RAW_BYTES_MAX);
    enum hdrlog_error error = HDRLOG_NO_MEMORY;

    histogram_reset(ret_histogram);
    if (packed != NULL && raw != NULL)
        error = decode(payload, packed, raw, ret_histogram);
    if (error != HDRLOG_OK)
        histogram_reset(ret_histogram);
    free(packed);
    free(raw);
    return error;
}

/* --- log -------------------------------------------------------------------------------------- */

static const uint64_t second_ns = 1000000000, millisecond_ns = 1000000;

/* With three decimals, rounded, whatever the locale's decimal point is. */
static void thousandths_write(FILE *out, uint64_t number, uint64_t unit)
{
    uint64_t thousandths = (number + unit / 2000) / (unit / 1000);

    fprintf(out, "%" PRIu64 ".%03u", thousandths / 1000, (unsigned)(thousandths % 1000));
}

bool hdrlog_begin(FILE *out, uint64_t start_ns)
{
    time_t start_s = (time_t)(start_ns / second_ns);
    char date[64];
    struct tm utc;

    strftime(date, sizeof(date), "%a %b %d %H:%M:%S UTC %Y", gmtime_r(&start_s, &utc));
    fputs("#[Histogram log format version 1.3]\n#[StartTime: ", out);
    thousandths_write(out, start_ns, second_ns);
    fprintf(out, " (seconds since epoch), %s]\n", date);
    fputs("\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_"
          "Histogram\"\n",
          out);
    return !ferror(out);
}

bool hdrlog_write(FILE *out, const struct hdrlog_interval *interval,
                  const struct histogram *histogram)
{
    char *payload = hdrlog_encode(histogram);

    if (payload == NULL)
        return false;
    if (interval->tag != NULL) {
        assert(strpbrk(interval->tag, ", \t\r\n") == NULL);
        fprintf(out, "Tag=%s,", interval->tag);
    }
    thousandths_write(out, interval->start_ns, second_ns);
    fputc(',', out);
    thousandths_write(out, interval->end_ns - interval->start_ns, second_ns);
    fputc(',', out);
    thousandths_write(out, histogram_max_ns(histogram), millisecond_ns);
    fprintf(out, ",%s\n", payload);
    free(payload);
    return !ferror(out);
}
