/* Owns CSV: the head and the lines are made of one list, and so agree. */

#include "tools/output/fields.h"
#include "tools/output/formats.h"
#include "tools/output/json.h"
#include "tools/output/sink.h"

#include <string.h>

#define WRITE_LITERAL(output, literal) output_write((output), (literal), sizeof(literal) - 1)

enum { PART_BYTES = 128 }; /* more than a comma and a number, or a word of our own */

/* A line on its way. */
struct line {
    struct output *output;
    size_t comma;   /* 0 before the first field, then 1 */
    bool is_absent; /* the object whose fields these are */
};

/* Where the field is to be written, with room behind it. */
static inline char *put_comma(struct line *line)
{
    char *at = output_reserve(line->output, PART_BYTES);
    *at = ',';
    at += line->comma;
    line->comma = 1;
    return at;
}

/* --- kinds of values -------------------------------------------------------------------------- */

/* RFC 4180: quoted where it has a quote, a comma or a line end, its quotes doubled. */
static void write_quoted(struct output *output, const char *bytes, size_t length)
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

static void csv_empty(struct line *line)
{
    output_commit(line->output, put_comma(line));
}

static void csv_text(struct line *line, struct field_text text)
{
    csv_empty(line);
    write_quoted(line->output, text.bytes, text.length);
}

/* NULL is an empty field. */
static void csv_string(struct line *line, const char *string)
{
    csv_empty(line);
    if (string != NULL)
        write_quoted(line->output, string, strlen(string));
}

static void csv_word(struct line *line, const char *word)
{
    char *at = put_comma(line);
    output_commit(line->output, word != NULL ? put_bytes(at, word, strlen(word)) : at);
}

static void csv_number(struct line *line, uint64_t number)
{
    output_commit(line->output, put_uint(put_comma(line), number));
}

/* A number that is an empty field where it is 0. */
static void csv_count(struct line *line, uint64_t number)
{
    if (number != 0)
        csv_number(line, number);
    else
        csv_empty(line);
}

static void csv_time(struct line *line, uint64_t time_ns)
{
    csv_number(line, field_microseconds(time_ns));
}

/* With a space between them. */
static void csv_anomalies(struct line *line, uint64_t anomalies)
{
    csv_empty(line);
    while (anomalies != 0) {
        const char *name = field_next_anomaly(&anomalies);
        output_write(line->output, name, strlen(name));
        if (anomalies != 0)
            WRITE_LITERAL(line->output, " ");
    }
}

/* Of no field yet: those that are flags are of NDJSON alone. */
__attribute__((unused)) static void csv_flag(struct line *line, bool flag)
{
    csv_word(line, flag ? "true" : "false");
}

/* --- head and lines --------------------------------------------------------------------------- */

/* By where a field is written: what is of NDJSON alone expands to nothing. */
#define ONLY_ALL(...) __VA_ARGS__
#define ONLY_NDJSON(...)

#define NAME_FIELD(name, where, given, kind, value, manual)                                        \
    ONLY_##where(if (given) { csv_string(&line, #name); })
#define NAME_BEGIN(name, where, given, present, manual)
#define NAME_END

static void csv_begin(struct sink *sink)
{
    const struct sink_options *options = &sink->options;
    struct line line = {.output = &sink->output};
    RESULT_FIELDS(NAME_FIELD, NAME_BEGIN, NAME_END)
    WRITE_LITERAL(line.output, "\n");
}

#define CSV_FIELD(name, where, given, kind, value, manual)                                         \
    ONLY_##where(if (given) {                                                                      \
        if (line.is_absent)                                                                        \
            csv_empty(&line);                                                                      \
        else                                                                                       \
            csv_##kind(&line, value);                                                              \
    })
#define CSV_BEGIN(name, where, given, present, manual) ONLY_##where(line.is_absent = !(present);)
#define CSV_END line.is_absent = false;

static void csv_line(struct sink *sink, const struct haul_result *result)
{
    const struct sink_options *options = &sink->options;
    struct line line = {.output = &sink->output};
    RESULT_FIELDS(CSV_FIELD, CSV_BEGIN, CSV_END)
    WRITE_LITERAL(line.output, "\n");
}

const struct format format_csv = {.begin = csv_begin, .line = csv_line};
