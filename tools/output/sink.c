/* Owns the formats. The idea: a line of NDJSON is assembled where it is written from, in the
 * output's buffer, by copying constants and numbers one after the other; nothing is formatted
 * twice and nothing is measured before it is written. */

#include "tools/output/sink.h"
#include "tools/output/human.h"
#include "tools/output/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    LINE_PART_BYTES = 512, /* more than all constants and numbers of a part of a line */
    PIECE_BYTES = 4096,    /* of a text that is escaped at once */
};

static uint64_t microseconds(uint64_t time_ns)
{
    return time_ns / 1000;
}

/* A bad URL says where it was written; whatever else fails is not the line's fault. */
static const char *sink_message(struct sink *sink, const struct haul_result *result)
{
    if (result->error != HAUL_URL)
        return result->message;
    char place[SINK_MESSAGE_BYTES / 2];
    unsigned column;
    const char *refusal = inputs_refusal(result->tag, &column);
    inputs_describe(sink->inputs, result->tag, place, sizeof(place));
    if (refusal != NULL && column > 0)
        snprintf(sink->message, sizeof(sink->message), "%s (column %u, %s)", refusal, column,
                 place);
    else
        snprintf(sink->message, sizeof(sink->message), "%s (%s)",
                 refusal != NULL ? refusal : result->message, place);
    return sink->message;
}

/* --- NDJSON ----------------------------------------------------------------------------------- */

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
    output_write(output, "\"", 1);
    write_escaped(output, bytes, length, !utf8_is_valid(bytes, length));
    output_write(output, "\"", 1);
}

static void write_string_or_null(struct output *output, const char *string)
{
    if (string != NULL)
        write_string(output, string, strlen(string));
    else
        output_write(output, "null", 4);
}

#define WRITE_LITERAL(output, literal) output_write((output), (literal), sizeof(literal) - 1)

static void ndjson_headers(struct output *output, const struct haul_result *result)
{
    size_t cursor = 0, name_length, value_length;
    const char *name, *value, *separator = "[";
    WRITE_LITERAL(output, ",\"headers\":");
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

static bool body_is_utf8(const struct haul_result *result)
{
    struct utf8 utf8 = {0};
    for (const struct haul_piece *piece = result->body; piece != NULL; piece = piece->next)
        if (!utf8_feed(&utf8, piece->bytes, piece->length))
            return false;
    return utf8_end(&utf8);
}

static void write_base64(struct output *output, const struct haul_result *result)
{
    struct base64 base64 = {0};
    for (const struct haul_piece *piece = result->body; piece != NULL; piece = piece->next) {
        for (size_t at = 0; at < piece->length; at += PIECE_BYTES) {
            size_t left = piece->length - at;
            char *end = put_base64(output_reserve(output, PIECE_BYTES * 2), &base64,
                                   piece->bytes + at, left < PIECE_BYTES ? left : PIECE_BYTES);
            output_commit(output, end);
        }
    }
    output_commit(output, put_base64_end(output_reserve(output, 4), &base64));
}

static void ndjson_body(struct output *output, const struct haul_result *result)
{
    if (result->status == 0) {
        WRITE_LITERAL(output, ",\"body\":null");
    } else if (body_is_utf8(result)) {
        WRITE_LITERAL(output, ",\"body\":\"");
        for (const struct haul_piece *piece = result->body; piece != NULL; piece = piece->next)
            write_escaped(output, piece->bytes, piece->length, false);
        WRITE_LITERAL(output, "\"");
    } else {
        WRITE_LITERAL(output, ",\"body_base64\":\"");
        write_base64(output, result);
        WRITE_LITERAL(output, "\"");
    }
}

/* A certificate that was refused is told too, although there was no handshake. */
static void ndjson_tls(struct output *output, const struct haul_result *result)
{
    if (result->tls_version == NULL && result->tls_verification == NULL) {
        WRITE_LITERAL(output, ",\"tls\":null");
        return;
    }
    WRITE_LITERAL(output, ",\"tls\":{\"version\":");
    write_string_or_null(output, result->tls_version);
    WRITE_LITERAL(output, ",\"suite\":");
    write_string_or_null(output, result->tls_suite);
    WRITE_LITERAL(output, ",\"verification\":");
    write_string_or_null(output, result->tls_verification);
    WRITE_LITERAL(output, ",\"resumed\":");
    if (result->tls_resumed)
        WRITE_LITERAL(output, "true}");
    else
        WRITE_LITERAL(output, "false}");
}

static void ndjson_error(struct sink *sink, const struct haul_result *result)
{
    struct output *output = &sink->output;
    WRITE_LITERAL(output, ",\"error\":{\"code\":");
    write_string_or_null(output, haul_error_name(result->error));
    WRITE_LITERAL(output, ",\"stage\":");
    write_string_or_null(output, haul_stage_name(result->stage));
    WRITE_LITERAL(output, ",\"message\":");
    write_string_or_null(output, sink_message(sink, result));
    WRITE_LITERAL(output, ",\"os_error\":");
    write_string_or_null(output, result->os_error != 0 ? strerrorname_np(result->os_error) : NULL);
    WRITE_LITERAL(output, "}");
}

static char *put_status(char *at, const struct haul_result *result)
{
    if (result->status == 0)
        return PUT_LITERAL(at, ",\"status\":null,\"http_version\":null");
    at = PUT_LITERAL(at, ",\"status\":");
    at = put_uint(at, (uint64_t)result->status);
    at = PUT_LITERAL(at, ",\"http_version\":\"1.");
    at = put_uint(at, (uint64_t)result->version_minor);
    return PUT_LITERAL(at, "\"");
}

static char *put_times(char *at, const struct haul_result *result)
{
    at = PUT_LITERAL(at, ",\"queue_us\":");
    at = put_uint(at, microseconds(result->queue_ns));
    at = PUT_LITERAL(at, ",\"connect_us\":");
    at = put_uint(at, microseconds(result->connect_ns));
    at = PUT_LITERAL(at, ",\"tls_us\":");
    at = put_uint(at, microseconds(result->tls_ns));
    at = PUT_LITERAL(at, ",\"send_us\":");
    at = put_uint(at, microseconds(result->send_ns));
    at = PUT_LITERAL(at, ",\"ttfb_us\":");
    at = put_uint(at, microseconds(result->ttfb_ns));
    at = PUT_LITERAL(at, ",\"total_us\":");
    return put_uint(at, microseconds(result->total_ns));
}

static void ndjson_begin(struct output *output, const struct haul_result *result)
{
    char *at = output_reserve(output, LINE_PART_BYTES);
    at = PUT_LITERAL(at, "{\"index\":");
    at = put_uint(at, result->index);
    at = PUT_LITERAL(at, ",\"url\":");
    output_commit(output, at);
    write_string(output, result->url, result->url_length);
    WRITE_LITERAL(output, ",\"method\":");
    write_string_or_null(output, result->method);
    at = put_status(output_reserve(output, LINE_PART_BYTES), result);
    output_commit(output, at);
}

static void ndjson_end(struct sink *sink, const struct haul_result *result)
{
    struct output *output = &sink->output;
    if (result->error == HAUL_OK)
        WRITE_LITERAL(output, ",\"error\":null");
    else
        ndjson_error(sink, result);
    char *at = put_times(output_reserve(output, LINE_PART_BYTES), result);
    output_commit(output, PUT_LITERAL(at, "}\n"));
}

static void ndjson_line(struct sink *sink, const struct haul_result *result)
{
    struct output *output = &sink->output;
    ndjson_begin(output, result);
    if (sink->options.headers)
        ndjson_headers(output, result);
    char *at = PUT_LITERAL(output_reserve(output, LINE_PART_BYTES), ",\"body_bytes\":");
    output_commit(output, put_uint(at, result->body_bytes));
    if (sink->options.body)
        ndjson_body(output, result);
    if (sink->options.bodies != NULL) {
        WRITE_LITERAL(output, ",\"body_file\":");
        write_string_or_null(output, sink->body_file);
    }
    if (sink->options.verbose)
        ndjson_tls(output, result);
    ndjson_end(sink, result);
}

/* --- CSV -------------------------------------------------------------------------------------- */

static void csv_head(struct sink *sink)
{
    WRITE_LITERAL(&sink->output, "index,url,method,status,http_version,body_bytes,");
    if (sink->options.bodies != NULL)
        WRITE_LITERAL(&sink->output, "body_file,");
    WRITE_LITERAL(&sink->output, "code,stage,message,os_error,"
                                 "queue_us,connect_us,tls_us,send_us,ttfb_us,total_us\n");
}

/* RFC 4180: quoted where it has a quote, a comma or a line end, its quotes doubled. */
static void csv_field(struct output *output, const char *bytes, size_t length)
{
    bool quoted = false;
    for (size_t i = 0; i < length && !quoted; i++)
        quoted = bytes[i] == '"' || bytes[i] == ',' || bytes[i] == '\n' || bytes[i] == '\r';
    if (!quoted) {
        output_write(output, bytes, length);
        return;
    }
    WRITE_LITERAL(output, "\"");
    while (length > 0) {
        const char *quote = memchr(bytes, '"', length);
        size_t piece = quote != NULL ? (size_t)(quote + 1 - bytes) : length;
        output_write(output, bytes, piece);
        if (quote != NULL)
            WRITE_LITERAL(output, "\"");
        bytes += piece;
        length -= piece;
    }
    WRITE_LITERAL(output, "\"");
}

/* A field of a string, which may be NULL, and the comma after it. */
static void csv_string(struct output *output, const char *string)
{
    if (string != NULL)
        csv_field(output, string, strlen(string));
    WRITE_LITERAL(output, ",");
}

static void csv_number(struct output *output, uint64_t number, char after)
{
    char *at = put_uint(output_reserve(output, LINE_PART_BYTES), number);
    *at++ = after;
    output_commit(output, at);
}

static void csv_error(struct sink *sink, const struct haul_result *result)
{
    struct output *output = &sink->output;
    csv_string(output, haul_error_name(result->error));
    csv_string(output, haul_stage_name(result->stage));
    csv_string(output, sink_message(sink, result));
    csv_string(output, result->os_error != 0 ? strerrorname_np(result->os_error) : NULL);
}

static void csv_line(struct sink *sink, const struct haul_result *result)
{
    struct output *output = &sink->output;
    csv_number(output, result->index, ',');
    csv_field(output, result->url, result->url_length);
    WRITE_LITERAL(output, ",");
    csv_string(output, result->method);
    if (result->status == 0) {
        WRITE_LITERAL(output, ",,");
    } else {
        csv_number(output, (uint64_t)result->status, ',');
        WRITE_LITERAL(output, "1.");
        csv_number(output, (uint64_t)result->version_minor, ',');
    }
    csv_number(output, result->body_bytes, ',');
    if (sink->options.bodies != NULL)
        csv_string(output, sink->body_file);
    if (result->error == HAUL_OK)
        WRITE_LITERAL(output, ",,,,");
    else
        csv_error(sink, result);
    csv_number(output, microseconds(result->queue_ns), ',');
    csv_number(output, microseconds(result->connect_ns), ',');
    csv_number(output, microseconds(result->tls_ns), ',');
    csv_number(output, microseconds(result->send_ns), ',');
    csv_number(output, microseconds(result->ttfb_ns), ',');
    csv_number(output, microseconds(result->total_ns), '\n');
}

/* --- text and bodies -------------------------------------------------------------------------- */

/* A terminal must not obey what a URL says. */
static void write_printable(struct output *output, const char *bytes, size_t length)
{
    bool utf8 = utf8_is_valid(bytes, length);
    for (; length > 0; bytes++, length--) {
        unsigned char byte = (unsigned char)*bytes;
        bool printable = byte >= 0x20 && byte != 0x7F && (byte < 0x80 || utf8);
        output_write(output, printable ? bytes : "?", 1);
    }
}

static void text_line(struct sink *sink, const struct haul_result *result)
{
    char line[LINE_PART_BYTES], status[16] = "-", size[HUMAN_BYTES], time[HUMAN_BYTES];
    struct output *output = &sink->output;
    if (result->status != 0)
        snprintf(status, sizeof(status), "%d", result->status);
    int length = snprintf(
        line, sizeof(line), "%6llu %3s %8s %8s  ", (unsigned long long)result->index, status,
        human_bytes(size, result->body_bytes), human_duration(time, result->total_ns));
    output_write(output, line, (size_t)length);
    write_printable(output, result->url, result->url_length);
    if (result->error != HAUL_OK) {
        const char *name = haul_error_name(result->error);
        const char *message = sink_message(sink, result);
        WRITE_LITERAL(output, "  ");
        output_write(output, name, strlen(name));
        WRITE_LITERAL(output, ": ");
        write_printable(output, message, strlen(message));
    }
    WRITE_LITERAL(output, "\n");
}

/* Bodies have no place for an error, so that it goes where a person may see it. */
static void body_line(struct sink *sink, const struct haul_result *result)
{
    if (result->error != HAUL_OK)
        fprintf(stderr, "haul: %s: %s: %s\n", result->url, haul_error_name(result->error),
                sink_message(sink, result));
}

static void body_write(struct sink *sink, const struct haul_result *result)
{
    for (const struct haul_piece *piece = result->body; piece != NULL; piece = piece->next)
        output_write(&sink->output, piece->bytes, piece->length);
}

/* --- the sink --------------------------------------------------------------------------------- */

static void sink_write_line(struct sink *sink, const struct haul_result *result)
{
    switch (sink->options.format) {
    case SINK_NDJSON:
        ndjson_line(sink, result);
        break;
    case SINK_CSV:
        csv_line(sink, result);
        break;
    case SINK_TEXT:
        text_line(sink, result);
        break;
    case SINK_BODY:
        body_line(sink, result);
        break;
    case SINK_NONE:
        break;
    }
}

static int sink_check(struct sink *sink)
{
    if (sink->error == 0)
        sink->error = -sink->output.error;
    return sink->error;
}

int sink_open(struct sink *sink, const struct sink_options *options, const struct inputs *inputs)
{
    *sink = (struct sink){.options = *options, .inputs = inputs, .output = {.fd = -1}};
    if (options->bodies != NULL) {
        sink->error = bodies_open(&sink->bodies, options->bodies);
        sink->failed_in_bodies = sink->error < 0;
    }
    if (sink->error == 0) {
        sink->error = output_open(&sink->output, options->path);
        if (sink->error < 0 && options->bodies != NULL)
            bodies_close(&sink->bodies);
    }
    if (sink->error == 0 && options->format == SINK_CSV)
        csv_head(sink);
    return sink->error;
}

static int sink_take_body(struct sink *sink, const struct haul_result *result)
{
    int error = bodies_take(&sink->bodies, result, &sink->body_file);
    if (error < 0) {
        sink->error = error;
        sink->failed_in_bodies = true;
    }
    return error;
}

int sink_take(struct sink *sink, const struct haul_result *result)
{
    if (sink->error < 0)
        return sink->error;
    if (sink->options.bodies != NULL && sink_take_body(sink, result) < 0)
        return sink->error;
    if (sink->options.format == SINK_BODY)
        body_write(sink, result);
    if (!result->more)
        sink_write_line(sink, result);
    return sink_check(sink);
}

int sink_flush(struct sink *sink)
{
    output_flush(&sink->output);
    return sink_check(sink);
}

int sink_close(struct sink *sink, bool whole)
{
    if (sink->options.bodies != NULL)
        bodies_close(&sink->bodies);
    int error = output_close(&sink->output, whole && sink->error == 0);
    if (sink->error == 0)
        sink->error = error;
    return sink->error;
}

void sink_describe_failure(const struct sink *sink, char *ret_text, size_t size)
{
    const char *name = sink->failed_in_bodies       ? sink->options.bodies
                       : sink->options.path != NULL ? sink->options.path
                                                    : "stdout";
    snprintf(ret_text, size, "cannot write to %s: %s%s", name, strerror(-sink->error),
             sink->error == -EPIPE ? " (its reader has closed it)" : "");
}
