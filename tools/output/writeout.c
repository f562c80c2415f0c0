/* Owns -w. The idea: the text is cut into pieces once, before the run, so that a misspelt variable
 * is known then; a variable is a row, which says how its value is found, and from the value's kind
 * follows how it is written, as itself and in %{json}. */

#include "tools/output/writeout.h"
#include "tools/exits.h"
#include "tools/output/human.h"
#include "tools/output/json.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* --- values ----------------------------------------------------------------------------------- */

enum kind { TEXT, NUMBER, STATUS, TIME };

struct value {
    enum kind kind;
    const char *text; /* TEXT: NULL where there is none */
    size_t length;
    const char *more; /* behind it, or NULL */
    uint64_t number;  /* TIME: nanoseconds */
};

static struct value text_of(const char *text)
{
    return (struct value){TEXT, text, text != NULL ? strlen(text) : 0, NULL, 0};
}

static struct value number_of(uint64_t number)
{
    return (struct value){.kind = NUMBER, .number = number};
}

static struct value time_of(uint64_t time_ns)
{
    return (struct value){.kind = TIME, .number = time_ns};
}

typedef struct value find_value(const struct haul_result *result,
                                const struct writeout_facts *facts);

/* The first of that name. */
static struct value field_of(const struct haul_result *result, const char *wanted, size_t length)
{
    struct value value = {.kind = TEXT};
    const char *name, *text;
    size_t cursor = 0, name_length, text_length;
    while (haul_header_next(result, &cursor, &name, &name_length, &text, &text_length))
        if (name_length == length && strncasecmp(name, wanted, length) == 0) {
            value.text = text;
            value.length = text_length;
            break;
        }
    return value;
}

static struct value find_content_type(const struct haul_result *result,
                                      const struct writeout_facts *facts)
{
    (void)facts;
    return field_of(result, "Content-Type", strlen("Content-Type"));
}

static struct value find_errormsg(const struct haul_result *result,
                                  const struct writeout_facts *facts)
{
    (void)result;
    return text_of(facts->message);
}

static struct value find_exitcode(const struct haul_result *result,
                                  const struct writeout_facts *facts)
{
    (void)facts;
    return number_of((uint64_t)exit_code_of(result));
}

static struct value find_filename(const struct haul_result *result,
                                  const struct writeout_facts *facts)
{
    (void)result;
    return text_of(facts->file);
}

static struct value find_status(const struct haul_result *result,
                                const struct writeout_facts *facts)
{
    (void)facts;
    return (struct value){.kind = STATUS, .number = (uint64_t)result->status};
}

/* There is no proxy. */
static struct value find_connect_status(const struct haul_result *result,
                                        const struct writeout_facts *facts)
{
    (void)result, (void)facts;
    return (struct value){.kind = STATUS};
}

static struct value find_version(const struct haul_result *result,
                                 const struct writeout_facts *facts)
{
    (void)facts;
    return text_of(result->status == 0 ? "0" : result->version_minor == 0 ? "1.0" : "1.1");
}

static struct value find_method(const struct haul_result *result,
                                const struct writeout_facts *facts)
{
    (void)facts;
    return text_of(result->method);
}

static struct value find_connects(const struct haul_result *result,
                                  const struct writeout_facts *facts)
{
    (void)facts;
    bool is_connected = result->status != 0 || result->stage > HAUL_STAGE_CONNECT;
    return number_of(is_connected && !result->reused_connection);
}

static struct value find_fields(const struct haul_result *result,
                                const struct writeout_facts *facts)
{
    (void)facts;
    const char *name, *text;
    size_t cursor = 0, name_length, text_length;
    uint64_t count = 0;
    while (haul_header_next(result, &cursor, &name, &name_length, &text, &text_length))
        count++;
    return number_of(count);
}

static struct value find_scheme(const struct haul_result *result,
                                const struct writeout_facts *facts)
{
    (void)facts;
    const char *url = result->url_effective != NULL ? result->url_effective : result->url;
    bool is_https = strncasecmp(url, "https:", 6) == 0;
    return text_of(is_https ? "HTTPS" : strncasecmp(url, "http:", 5) == 0 ? "HTTP" : NULL);
}

static struct value find_redirects(const struct haul_result *result,
                                   const struct writeout_facts *facts)
{
    (void)facts;
    return number_of(result->redirects);
}

static struct value find_retries(const struct haul_result *result,
                                 const struct writeout_facts *facts)
{
    (void)facts;
    return number_of(result->retries);
}

static struct value find_redirect_url(const struct haul_result *result,
                                      const struct writeout_facts *facts)
{
    size_t length = haul_redirect_url(result, facts->scratch, WRITEOUT_SCRATCH_BYTES);
    return text_of(length > 0 ? facts->scratch : NULL);
}

static struct value find_body_size(const struct haul_result *result,
                                   const struct writeout_facts *facts)
{
    (void)facts;
    return number_of(result->body_bytes);
}

static struct value find_head_size(const struct haul_result *result,
                                   const struct writeout_facts *facts)
{
    (void)facts;
    return number_of(result->head_length);
}

static struct value find_speed(const struct haul_result *result, const struct writeout_facts *facts)
{
    (void)facts;
    double seconds = (double)result->total_ns / 1e9;
    return number_of(seconds > 0 ? (uint64_t)((double)result->body_bytes / seconds) : 0);
}

/* Of the numbers that curl has from OpenSSL two: X509_V_OK, X509_V_ERR_UNSPECIFIED. */
static struct value find_verification(const struct haul_result *result,
                                      const struct writeout_facts *facts)
{
    (void)facts;
    const char *said = result->tls_verification;
    return number_of(said != NULL && strcmp(said, "ok") != 0);
}

static struct value find_time_connect(const struct haul_result *result,
                                      const struct writeout_facts *facts)
{
    (void)facts;
    return time_of(result->connect_ns);
}

static struct value find_time_appconnect(const struct haul_result *result,
                                         const struct writeout_facts *facts)
{
    (void)facts;
    return time_of(result->tls_ns > 0 ? result->connect_ns + result->tls_ns : 0);
}

static struct value find_time_pretransfer(const struct haul_result *result,
                                          const struct writeout_facts *facts)
{
    (void)facts;
    return time_of(result->connect_ns + result->tls_ns);
}

static struct value find_time_redirect(const struct haul_result *result,
                                       const struct writeout_facts *facts)
{
    (void)facts;
    return time_of(result->redirect_ns);
}

static struct value find_time_starttransfer(const struct haul_result *result,
                                            const struct writeout_facts *facts)
{
    (void)facts;
    return time_of(result->connect_ns + result->tls_ns + result->send_ns + result->ttfb_ns);
}

static struct value find_time_total(const struct haul_result *result,
                                    const struct writeout_facts *facts)
{
    (void)facts;
    return time_of(result->total_ns);
}

static struct value find_url(const struct haul_result *result, const struct writeout_facts *facts)
{
    (void)facts;
    return (struct value){.kind = TEXT, .text = result->url, .length = result->url_length};
}

/* A URL without a path has the shortest. */
static struct value find_url_effective(const struct haul_result *result,
                                       const struct writeout_facts *facts)
{
    (void)facts;
    bool has_gone = result->url_effective != NULL;
    const char *url = has_gone ? result->url_effective : result->url;
    struct value value = {.kind = TEXT, .text = url, .length = result->url_length};
    if (has_gone)
        value.length = result->url_effective_length;
    const char *slashes = strstr(url, "://");
    if (slashes != NULL && slashes[3 + strcspn(slashes + 3, "/?#")] == '\0')
        value.more = "/";
    return value;
}

static struct value find_index(const struct haul_result *result, const struct writeout_facts *facts)
{
    (void)facts;
    return number_of(result->index);
}

/* --- variables -------------------------------------------------------------------------------- */

static const struct variable {
    const char *name;
    find_value *find;
    bool needs_heads;
    const char *manual; /* in the words of scdoc(5) */
} variables[] = {
    {"content_type", find_content_type, true, "the reply's Content-Type"},
    {"errormsg", find_errormsg, false, "the sentence of the error, or nothing"},
    {"exitcode", find_exitcode, false, "what a run of this request alone would exit with"},
    {"filename_effective", find_filename, false, "_body_file_, or nothing"},
    {"http_code", find_status, false, "three digits; 000: there was no reply"},
    {"http_connect", find_connect_status, false, "000: there is no proxy"},
    {"http_version", find_version, false, "1.0 or 1.1; 0: there was no reply"},
    {"method", find_method, false, "as sent"},
    {"num_connects", find_connects, false, "1, or 0 where a connection was used again"},
    {"num_headers", find_fields, true, "how many fields the reply's head has"},
    {"num_redirects", find_redirects, false, "_redirects_, with *-L* and without it"},
    {"num_retries", find_retries, false,
     "how many tries there were behind the first, by *--retry*"},
    {"redirect_url", find_redirect_url, true,
     "where a reply leads that was not followed, for want of *-L* or by *--max-redirs*; or "
     "nothing"},
    {"response_code", find_status, false, "as _http_code_"},
    {"scheme", find_scheme, false, "HTTP or HTTPS"},
    {"size_download", find_body_size, false, "_body_bytes_"},
    {"size_header", find_head_size, true, "bytes of the reply's head"},
    {"speed_download", find_speed, false, "bytes of the body a second"},
    {"ssl_verify_result", find_verification, false,
     "0; or 1 where *-k* let a certificate pass, or one was refused"},
    {"time_appconnect", find_time_appconnect, false,
     "seconds to the end of the TLS handshake; 0.000000 without one"},
    {"time_connect", find_time_connect, false,
     "seconds to the connection, as all times from when the request was begun"},
    {"time_pretransfer", find_time_pretransfer, false, "seconds to when it could be sent"},
    {"time_redirect", find_time_redirect, false, "_redirect_us_, in seconds"},
    {"time_starttransfer", find_time_starttransfer, false, "seconds to the reply's first byte"},
    {"time_total", find_time_total, false, "seconds to the end"},
    {"url", find_url, false, "as in NDJSON"},
    {"url_effective", find_url_effective, false,
     "the same of the last hop, with a slash where it has no path"},
    {"urlnum", find_index, false, "_index_"},
};

enum { VARIABLES = sizeof(variables) / sizeof(variables[0]) };

enum piece_kind {
    PIECE_TEXT,
    PIECE_VALUE,
    PIECE_FIELD, /* %header{name} */
    PIECE_JSON,
    PIECE_HEADS,  /* %{header_json} */
    PIECE_ERROR,  /* what follows is for failures alone */
    PIECE_STDOUT, /* where what follows goes */
    PIECE_STDERR,
    PIECE_UNKNOWN,
};

struct piece {
    enum piece_kind kind;
    const char *text; /* or a name */
    size_t length;
    const struct variable *variable;
};

struct writeout {
    char *text; /* the format, its escapes undone: pieces lie in it */
    size_t piece_count;
    struct piece pieces[];
};

bool writeout_variable(size_t place, const char **ret_name, const char **ret_manual)
{
    if (place >= VARIABLES)
        return false;
    *ret_name = variables[place].name;
    *ret_manual = variables[place].manual;
    return true;
}

/* --- the text in pieces ----------------------------------------------------------------------- */

static bool name_is(const struct piece *piece, const char *name)
{
    return strlen(name) == piece->length && memcmp(piece->text, name, piece->length) == 0;
}

/* What a name in braces stands for. */
static void piece_name(struct piece *piece)
{
    static const struct {
        const char *name;
        enum piece_kind kind;
    } others[] = {
        {"json", PIECE_JSON},     {"header_json", PIECE_HEADS}, {"onerror", PIECE_ERROR},
        {"stdout", PIECE_STDOUT}, {"stderr", PIECE_STDERR},
    };
    piece->kind = PIECE_UNKNOWN;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (name_is(piece, others[i].name))
            piece->kind = others[i].kind;
    for (size_t i = 0; i < VARIABLES; i++)
        if (name_is(piece, variables[i].name)) {
            piece->kind = PIECE_VALUE;
            piece->variable = &variables[i];
        }
}

/* "%{name}" or "%header{name}": the length of all of it; 0: it is neither. */
static size_t piece_variable(struct piece *piece, const char *text)
{
    static const char field[] = "%header{";
    bool is_field = strncmp(text, field, sizeof(field) - 1) == 0;
    size_t begin = is_field ? sizeof(field) - 1 : 2;
    const char *end = is_field || strncmp(text, "%{", 2) == 0 ? strchr(text + begin, '}') : NULL;
    if (end == NULL)
        return 0;
    *piece = (struct piece){.text = text + begin, .length = (size_t)(end - text) - begin};
    if (is_field)
        piece->kind = PIECE_FIELD;
    else
        piece_name(piece);
    return (size_t)(end + 1 - text);
}

/* Text up to the next variable, its escapes undone where it lies. "%%" is one %. */
static size_t piece_text(struct piece *piece, char *text)
{
    static const char escapes[] = "n\nr\rt\t";
    char *to = text, *from = text;
    struct piece next;
    while (*from != '\0' && (*from != '%' || piece_variable(&next, from) == 0)) {
        const char *escape = *from == '\\' && from[1] != '\0' ? strchr("nrt", from[1]) : NULL;
        bool is_pair = escape != NULL || (from[0] == '%' && from[1] == '%');
        *to++ = escape != NULL ? escapes[2 * (escape - "nrt") + 1] : *from;
        from += 1 + is_pair;
    }
    *piece = (struct piece){.kind = PIECE_TEXT, .text = text, .length = (size_t)(to - text)};
    return (size_t)(from - text);
}

int writeout_open(struct writeout **ret_writeout, const char *format)
{
    size_t most = 2; /* a piece takes at least one byte */
    for (const char *at = format; *at != '\0'; at++)
        most += 2 * (*at == '%');
    struct writeout *writeout = calloc(1, sizeof(*writeout) + most * sizeof(struct piece));
    char *at = writeout != NULL ? writeout->text = strdup(format) : NULL;
    if (at == NULL) {
        free(writeout);
        return -ENOMEM;
    }
    while (*at != '\0') {
        struct piece *piece = &writeout->pieces[writeout->piece_count++];
        size_t length = piece_variable(piece, at);
        at += length > 0 ? length : piece_text(piece, at);
    }
    *ret_writeout = writeout;
    return 0;
}

void writeout_close(struct writeout *writeout)
{
    if (writeout == NULL)
        return;
    free(writeout->text);
    free(writeout);
}

bool writeout_needs_heads(const struct writeout *writeout)
{
    for (size_t i = 0; i < writeout->piece_count; i++) {
        const struct piece *piece = &writeout->pieces[i];
        if (piece->kind == PIECE_FIELD || piece->kind == PIECE_JSON || piece->kind == PIECE_HEADS ||
            (piece->kind == PIECE_VALUE && piece->variable->needs_heads))
            return true;
    }
    return false;
}

static bool was_before(const struct writeout *writeout, size_t at)
{
    const struct piece *piece = &writeout->pieces[at];
    for (size_t i = 0; i < at; i++) {
        const struct piece *other = &writeout->pieces[i];
        if (other->kind == PIECE_UNKNOWN && other->length == piece->length &&
            memcmp(other->text, piece->text, piece->length) == 0)
            return true;
    }
    return false;
}

bool writeout_describe_unknown(const struct writeout *writeout, char *ret_text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < writeout->piece_count && used < size; i++) {
        const struct piece *piece = &writeout->pieces[i];
        if (piece->kind == PIECE_UNKNOWN && !was_before(writeout, i))
            used += (size_t)snprintf(ret_text + used, size - used, "%s%%{%.*s}",
                                     used > 0 ? ", " : "", (int)piece->length, piece->text);
    }
    return used > 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct writer {
    const struct haul_result *result;
    const struct writeout_facts *facts;
    struct output *output; /* NULL: stderr */
};

static void put(const struct writer *writer, const char *bytes, size_t length)
{
    if (writer->output != NULL)
        output_write(writer->output, bytes, length);
    else
        fwrite(bytes, 1, length, stderr);
}

/* What others have said. */
static void put_text(const struct writer *writer, const char *bytes, size_t length)
{
    bool is_terminal =
        writer->output != NULL ? writer->facts->is_terminal : isatty(STDERR_FILENO) == 1;
    if (!is_terminal) {
        put(writer, bytes, length);
        return;
    }
    while (length > 0) {
        size_t count = human_printable(bytes, length);
        size_t taken = count > 0 ? count : 1;
        put(writer, count > 0 ? bytes : "?", taken);
        bytes += taken;
        length -= taken;
    }
}

/* A JSON string; what is not UTF-8 is written as if it were Latin-1. */
static void put_string(const struct writer *writer, const char *bytes, size_t length, bool is_lower)
{
    enum { PIECE_BYTES = 64 };
    char part[PIECE_BYTES], escaped[PIECE_BYTES * JSON_ESCAPE_BYTES];
    bool is_latin1 = !utf8_is_valid(bytes, length);
    put(writer, "\"", 1);
    while (length > 0) {
        size_t count = length < PIECE_BYTES ? length : PIECE_BYTES;
        for (size_t i = 0; i < count; i++)
            part[i] = is_lower ? (char)tolower((unsigned char)bytes[i]) : bytes[i];
        put(writer, escaped, (size_t)(put_escaped(escaped, part, count, is_latin1) - escaped));
        bytes += count;
        length -= count;
    }
    put(writer, "\"", 1);
}

static void put_number(const struct writer *writer, const struct value *value, bool is_json)
{
    char digits[48];
    const char *format = value->kind == STATUS && !is_json ? "%03" PRIu64 : "%" PRIu64;
    uint64_t time_us = value->number / 1000;
    int length = value->kind == TIME ? snprintf(digits, sizeof(digits), "%" PRIu64 ".%06" PRIu64,
                                                time_us / 1000000, time_us % 1000000)
                                     : snprintf(digits, sizeof(digits), format, value->number);
    put(writer, digits, (size_t)length);
}

static void put_value(const struct writer *writer, const struct value *value)
{
    if (value->kind != TEXT) {
        put_number(writer, value, false);
        return;
    }
    if (value->text != NULL)
        put_text(writer, value->text, value->length);
    if (value->more != NULL)
        put(writer, value->more, strlen(value->more));
}

/* Every variable that has a value. */
static void put_json(const struct writer *writer)
{
    for (size_t i = 0; i < VARIABLES; i++) {
        struct value value = variables[i].find(writer->result, writer->facts);
        put(writer, i == 0 ? "{\"" : ",\"", 2);
        put(writer, variables[i].name, strlen(variables[i].name));
        put(writer, "\":", 2);
        if (value.kind != TEXT)
            put_number(writer, &value, true);
        else if (value.text != NULL)
            put_string(writer, value.text, value.length, false);
        else
            put(writer, "null", 4);
    }
    put(writer, "}", 1);
}

/* Is there one of this name before the cursor? Then it has been told. */
static bool was_told(const struct haul_result *result, size_t until, const char *wanted,
                     size_t length)
{
    const char *name, *text;
    size_t cursor = 0, name_length, text_length;
    while (haul_header_next(result, &cursor, &name, &name_length, &text, &text_length) &&
           cursor < until)
        if (name_length == length && strncasecmp(name, wanted, length) == 0)
            return true;
    return false;
}

static void put_fields_of(const struct writer *writer, const char *wanted, size_t length)
{
    const char *name, *text, *separator = "[";
    size_t cursor = 0, name_length, text_length;
    while (haul_header_next(writer->result, &cursor, &name, &name_length, &text, &text_length)) {
        if (name_length != length || strncasecmp(name, wanted, length) != 0)
            continue;
        put(writer, separator, 1);
        put_string(writer, text, text_length, false);
        separator = ",";
    }
    put(writer, "]", 1);
}

/* As curl's: names in small letters, all values of one together. */
static void put_heads(const struct writer *writer)
{
    const char *name, *text, *separator = "{";
    size_t cursor = 0, name_length, text_length;
    while (haul_header_next(writer->result, &cursor, &name, &name_length, &text, &text_length)) {
        if (was_told(writer->result, cursor, name, name_length))
            continue;
        put(writer, separator, strlen(separator));
        put_string(writer, name, name_length, true);
        put(writer, ":", 1);
        put_fields_of(writer, name, name_length);
        separator = ",\n";
    }
    put(writer, separator[0] == '{' ? "{}" : "\n}", 2);
}

static void put_piece(struct writer *writer, const struct piece *piece, struct output *output)
{
    struct value value;
    switch (piece->kind) {
    case PIECE_TEXT:
        put(writer, piece->text, piece->length);
        break;
    case PIECE_VALUE:
        value = piece->variable->find(writer->result, writer->facts);
        put_value(writer, &value);
        break;
    case PIECE_FIELD:
        value = field_of(writer->result, piece->text, piece->length);
        put_value(writer, &value);
        break;
    case PIECE_JSON:
        put_json(writer);
        break;
    case PIECE_HEADS:
        put_heads(writer);
        break;
    case PIECE_STDOUT:
        writer->output = output;
        break;
    case PIECE_STDERR:
        writer->output = NULL;
        break;
    case PIECE_ERROR:
    case PIECE_UNKNOWN:
        break;
    }
}

void writeout_write(const struct writeout *writeout, const struct haul_result *result,
                    const struct writeout_facts *facts, struct output *output)
{
    struct writer writer = {result, facts, output};
    for (size_t i = 0; i < writeout->piece_count; i++) {
        const struct piece *piece = &writeout->pieces[i];
        if (piece->kind == PIECE_ERROR && result->error == HAUL_OK)
            return;
        put_piece(&writer, piece, output);
    }
}
