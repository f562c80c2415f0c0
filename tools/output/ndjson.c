/* Owns NDJSON. The idea: a line is assembled where it is written from, in the output's buffer, by
 * copying constants and numbers one after the other; nothing is formatted twice and nothing is
 * measured before it is written. */

#include "tools/output/fields.h"
#include "tools/output/formats.h"
#include "tools/output/json.h"
#include "tools/output/sink.h"

#include <string.h>

enum {
    PART_BYTES = 128,   /* more than a name and a number */
    PIECE_BYTES = 4096, /* of a text that is escaped at once */
};

/* A line on its way. */
struct line {
    struct output *output;
    char lead; /* what stands before the next name: the brace of its object, then commas */
};

#define KEY(name) "\"" #name "\":", sizeof("\"" #name "\":") - 1
#define WRITE_LITERAL(output, literal) output_write((output), (literal), sizeof(literal) - 1)

/* --- text ------------------------------------------------------------------------------------- */

static void write_escaped(struct output *output, const char *bytes, size_t length, bool latin1)
{
    while (length > 0) {
        size_t piece = length < PIECE_BYTES ? length : PIECE_BYTES;
        char *at = output_reserve(output, piece * JSON_ESCAPE_BYTES);
        output_commit(output, put_escaped(at, bytes, piece, latin1));
        bytes += piece;
        length -= piece;
    }
}

/* A JSON string, of any bytes: what is not UTF-8 is written as if it were Latin-1. */
static void write_string(struct output *output, const char *bytes, size_t length)
{
    bool latin1 = !utf8_is_valid(bytes, length);
    if (length <= PIECE_BYTES) {
        char *at = output_reserve(output, length * JSON_ESCAPE_BYTES + 2);
        *at++ = '"';
        at = put_escaped(at, bytes, length, latin1);
        *at++ = '"';
        output_commit(output, at);
        return;
    }
    output_write(output, "\"", 1);
    write_escaped(output, bytes, length, latin1);
    output_write(output, "\"", 1);
}

static void write_string_or_null(struct output *output, const char *string)
{
    if (string != NULL)
        write_string(output, string, strlen(string));
    else
        output_write(output, "null", 4);
}

/* --- kinds of values -------------------------------------------------------------------------- */

/* Copied with the constant that a name is, not by a call: a line has sixteen. */
#define INLINED static inline __attribute__((always_inline))

/* key is a name with its quotes and its colon. Room for a number is left behind it. */
INLINED char *put_key(struct line *line, const char *key, size_t length)
{
    char *at = output_reserve(line->output, PART_BYTES);
    *at++ = line->lead;
    line->lead = ',';
    return put_bytes(at, key, length);
}

INLINED void ndjson_number(struct line *line, const char *key, size_t length, uint64_t number)
{
    output_commit(line->output, put_uint(put_key(line, key, length), number));
}

/* A number that is null where it is 0. */
INLINED void ndjson_count(struct line *line, const char *key, size_t length, uint64_t number)
{
    char *at = put_key(line, key, length);
    output_commit(line->output, number != 0 ? put_uint(at, number) : PUT_LITERAL(at, "null"));
}

INLINED void ndjson_time(struct line *line, const char *key, size_t length, uint64_t time_ns)
{
    ndjson_number(line, key, length, field_microseconds(time_ns));
}

INLINED void ndjson_flag(struct line *line, const char *key, size_t length, bool flag)
{
    char *at = put_key(line, key, length);
    output_commit(line->output, flag ? PUT_LITERAL(at, "true") : PUT_LITERAL(at, "false"));
}

/* A short string of our own, with nothing to escape; NULL is null. */
INLINED void ndjson_word(struct line *line, const char *key, size_t length, const char *word)
{
    char *at = put_key(line, key, length);
    if (word == NULL) {
        output_commit(line->output, PUT_LITERAL(at, "null"));
        return;
    }
    *at++ = '"';
    at = put_bytes(at, word, strlen(word));
    *at++ = '"';
    output_commit(line->output, at);
}

INLINED void ndjson_string(struct line *line, const char *key, size_t length, const char *string)
{
    output_commit(line->output, put_key(line, key, length));
    write_string_or_null(line->output, string);
}

INLINED void ndjson_text(struct line *line, const char *key, size_t length, struct field_text text)
{
    output_commit(line->output, put_key(line, key, length));
    write_string(line->output, text.bytes, text.length);
}

static void write_anomalies(struct output *output, uint64_t anomalies)
{
    while (anomalies != 0) {
        const char *name = field_next_anomaly(&anomalies);
        write_string(output, name, strlen(name));
        if (anomalies != 0)
            WRITE_LITERAL(output, ",");
    }
}

/* A list of names, which is mostly empty. */
INLINED void ndjson_anomalies(struct line *line, const char *key, size_t length, uint64_t anomalies)
{
    char *at = put_key(line, key, length);
    if (anomalies == 0) {
        output_commit(line->output, PUT_LITERAL(at, "[]"));
        return;
    }
    *at++ = '[';
    output_commit(line->output, at);
    write_anomalies(line->output, anomalies);
    WRITE_LITERAL(line->output, "]");
}

static void ndjson_headers(struct line *line, const char *key, size_t length,
                           const struct haul_result *result)
{
    struct output *output = line->output;
    size_t cursor = 0, name_length, value_length;
    const char *name, *value, *separator = "[";
    output_commit(output, put_key(line, key, length));
    if (result->head == NULL) {
        WRITE_LITERAL(output, "null");
        return;
    }
    WRITE_LITERAL(output, "[");
    while (haul_header_next(result, &cursor, &name, &name_length, &value, &value_length)) {
        output_write(output, separator, strlen(separator));
        write_string(output, name, name_length);
        WRITE_LITERAL(output, ",");
        write_string(output, value, value_length);
        WRITE_LITERAL(output, "]");
        separator = ",[";
    }
    WRITE_LITERAL(output, "]");
}

static void ndjson_body(struct line *line, const char *key, size_t length,
                        const struct haul_result *result)
{
    struct output *output = line->output;
    output_commit(output, put_key(line, key, length));
    if (result->status == 0) {
        WRITE_LITERAL(output, "null");
        return;
    }
    WRITE_LITERAL(output, "\"");
    for (const struct haul_piece *piece = result->body; piece != NULL; piece = piece->next)
        write_escaped(output, piece->bytes, piece->length, false);
    WRITE_LITERAL(output, "\"");
}

static void ndjson_base64(struct line *line, const char *key, size_t length,
                          const struct haul_result *result)
{
    struct output *output = line->output;
    struct base64 base64 = {0};
    output_commit(output, put_key(line, key, length));
    WRITE_LITERAL(output, "\"");
    for (const struct haul_piece *piece = result->body; piece != NULL; piece = piece->next) {
        for (size_t at = 0; at < piece->length; at += PIECE_BYTES) {
            size_t left = piece->length - at;
            char *end = put_base64(output_reserve(output, PIECE_BYTES * 2), &base64,
                                   piece->bytes + at, left < PIECE_BYTES ? left : PIECE_BYTES);
            output_commit(output, end);
        }
    }
    output_commit(output, put_base64_end(output_reserve(output, 4), &base64));
    WRITE_LITERAL(output, "\"");
}

static void ndjson_hops(struct line *line, const char *key, size_t length,
                        const struct haul_result *result)
{
    struct output *output = line->output;
    output_commit(output, put_key(line, key, length));
    WRITE_LITERAL(output, "[");
    for (const struct haul_hop *hop = result->hops; hop != NULL; hop = hop->next) {
        struct line object = {output, '{'};
        if (hop != result->hops)
            WRITE_LITERAL(output, ",");
        ndjson_text(&object, KEY(url), (struct field_text){hop->url, hop->url_length});
        ndjson_number(&object, KEY(status), (uint64_t)hop->status);
        ndjson_time(&object, KEY(total_us), hop->total_ns);
        WRITE_LITERAL(output, "}");
    }
    WRITE_LITERAL(output, "]");
}

static void ndjson_tries(struct line *line, const char *key, size_t length,
                         const struct haul_result *result)
{
    struct output *output = line->output;
    output_commit(output, put_key(line, key, length));
    WRITE_LITERAL(output, "[");
    for (const struct haul_try *try = result->tries; try != NULL; try = try->next) {
        struct line object = {output, '{'};
        if (try != result->tries)
            WRITE_LITERAL(output, ",");
        ndjson_count(&object, KEY(status), (uint64_t)try->status);
        ndjson_word(&object, KEY(error),
                    try->error != HAUL_OK ? haul_error_name(try->error) : NULL);
        ndjson_time(&object, KEY(wait_us), try->wait_ns);
        WRITE_LITERAL(output, "}");
    }
    WRITE_LITERAL(output, "]");
}

/* False: null stands for it. */
static bool ndjson_begin(struct line *line, const char *key, size_t length, bool is_present)
{
    char *at = put_key(line, key, length);
    output_commit(line->output, is_present ? at : PUT_LITERAL(at, "null"));
    if (is_present)
        line->lead = '{';
    return is_present;
}

static void ndjson_end(struct line *line)
{
    WRITE_LITERAL(line->output, "}");
}

/* --- the line --------------------------------------------------------------------------------- */

static bool body_is_utf8(const struct haul_result *result)
{
    struct utf8 utf8 = {0};
    for (const struct haul_piece *piece = result->body; piece != NULL; piece = piece->next)
        if (!utf8_feed(&utf8, piece->bytes, piece->length))
            return false;
    return utf8_end(&utf8);
}

#define NDJSON_FIELD(name, where, given, kind, value, manual)                                      \
    if (given)                                                                                     \
        ndjson_##kind(&line, KEY(name), value);
#define NDJSON_BEGIN(name, where, given, present, manual)                                          \
    if ((given) && ndjson_begin(&line, KEY(name), present)) {
#define NDJSON_END                                                                                 \
    ndjson_end(&line);                                                                             \
    }

static void ndjson_line(struct sink *sink, const struct haul_result *result)
{
    const struct sink_options *options = &sink->options;
    struct line line = {&sink->output, '{'};
    bool is_binary = options->body && result->status != 0 && !body_is_utf8(result);
    RESULT_FIELDS(NDJSON_FIELD, NDJSON_BEGIN, NDJSON_END)
    WRITE_LITERAL(&sink->output, "}\n");
}

const struct format format_ndjson = {.line = ndjson_line, .has_extras = true};
