/* A run for people, from its JSON. Everything is words that are filled into lines of 60 columns
 * behind a label, or a table whose columns are known to fit; what the run does not have is not
 * printed. */

#include "bench/result.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 60, INDENT = 14 };

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

/* --- filling lines ---------------------------------------------------------------------------- */

struct writer {
    FILE *out;
    size_t column;
    bool is_fresh; /* no word stands on this line yet */
};

/* Bytes that continue a character take no column. */
static bool is_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

static size_t columns_of(const char *word, size_t length)
{
    size_t columns = 0;
    for (size_t i = 0; i < length; i++)
        columns += is_character(word[i]);
    return columns;
}

static void line_break(struct writer *writer)
{
    fprintf(writer->out, "\n%*s", INDENT, "");
    writer->column = INDENT;
    writer->is_fresh = true;
}

/* A word that fits in no line is cut where the line ends. Control characters could move a
 * terminal's cursor. */
static void put_word(struct writer *writer, const char *word, size_t length)
{
    size_t columns = columns_of(word, length);
    if (!writer->is_fresh && writer->column + 1 + columns > COLUMNS)
        line_break(writer);
    if (!writer->is_fresh) {
        fputc(' ', writer->out);
        writer->column++;
    }
    for (size_t i = 0; i < length; i++) {
        if (is_character(word[i]) && writer->column == COLUMNS)
            line_break(writer);
        writer->column += is_character(word[i]);
        fputc((unsigned char)word[i] < ' ' || word[i] == 0x7f ? '?' : word[i], writer->out);
    }
    writer->is_fresh = false;
}

static void put_words(struct writer *writer, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (length > 0)
            put_word(writer, text, length);
        text += length + (text[length] == ' ');
    }
}

static __attribute__((format(printf, 2, 3))) void put(struct writer *writer, const char *format,
                                                      ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    put_words(writer, text);
    free(text);
}

static void row_begin(struct writer *writer, const char *label)
{
    fprintf(writer->out, "%-*s", INDENT, label);
    writer->column = INDENT;
    writer->is_fresh = true;
}

static void row_end(struct writer *writer)
{
    fputc('\n', writer->out);
}

/* --- what is in the run ----------------------------------------------------------------------- */

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static bool number_at(const json_t *object, const char *key, double *ret_number)
{
    const json_t *value = json_object_get(object, key);
    *ret_number = json_number_value(value);
    return json_is_number(value);
}

static double number_or_0(const json_t *object, const char *key)
{
    double number;
    number_at(object, key, &number);
    return number;
}

/* As metric_text(); the memory lasts as long as the block it is used in. */
#define TEXT(unit, value) metric_text((char[METRIC_TEXT_BYTES]){0}, (unit), (value))
#define COUNT_AT(object, key) TEXT(METRIC_COUNT, number_or_0(object, key))
#define SHARE_TEXT(value) TEXT(METRIC_SHARE, round((value)*1e4) / 1e4)
#define RATE_TEXT(value) TEXT(METRIC_PER_SECOND, (value) < 100 ? (value) : round(value))
#define SECONDS_TEXT(value) TEXT(METRIC_MICROSECONDS, (value)*1e6)

enum { SIZE_TEXT_BYTES = 32 };

static char *size_text(char *buffer, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    for (; bytes >= 999.95 && unit < ROWS(units) - 1; unit++)
        bytes /= 1000;
    snprintf(buffer, SIZE_TEXT_BYTES, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return buffer;
}

#define SIZE_AT(object, key) size_text((char[SIZE_TEXT_BYTES]){0}, number_or_0(object, key))

static bool is_open_loop(const json_t *run)
{
    const char *mode = text_at(run, "mode");
    return mode != NULL && strcmp(mode, "open") == 0;
}

/* --- what was asked for ----------------------------------------------------------------------- */

static const char *plural(double count)
{
    return count == 1 ? "" : "s";
}

static void put_target(struct writer *writer, const json_t *run)
{
    double targets = number_or_0(run, "targets");
    const char *server = text_at(run, "server");
    row_begin(writer, "target");
    put(writer, "%s %s", text_at(run, "method"), text_at(run, "url"));
    if (targets > 1)
        put(writer, "and %s more", TEXT(METRIC_COUNT, targets - 1));
    if (server != NULL)
        put(writer, "(the %s server)", server);
    row_end(writer);
}

static void put_rate_asked(struct writer *writer, const json_t *plan)
{
    double from = number_or_0(plan, "rate_from"), to = number_or_0(plan, "rate_to");
    put(writer, "open loop, %s", RATE_TEXT(from));
    if (from != to)
        put(writer, "to %s", RATE_TEXT(to));
    put(writer, "over");
}

static void put_load(struct writer *writer, const json_t *run)
{
    double connections = number_or_0(run, "connections"), threads = number_or_0(run, "threads");
    double pipeline = number_or_0(run, "pipeline");
    row_begin(writer, "load");
    if (is_open_loop(run))
        put_rate_asked(writer, json_object_get(run, "plan"));
    else
        put(writer, "closed loop,");
    put(writer, "%s connection%s, %s thread%s, loop %s, HTTP/%s", TEXT(METRIC_COUNT, connections),
        plural(connections), TEXT(METRIC_COUNT, threads), plural(threads), text_at(run, "loop"),
        text_at(run, "http"));
    if (json_is_true(json_object_get(run, "tls")))
        put(writer, "over TLS");
    if (pipeline > 1)
        put(writer, "with %s requests on a connection at once", TEXT(METRIC_COUNT, pipeline));
    if (json_is_true(json_object_get(run, "close")))
        put(writer, "and a connection for each request");
    row_end(writer);
}

static void put_machine(struct writer *writer, const json_t *run)
{
    const json_t *environment = json_object_get(run, "environment");
    static const char *const keys[] = {"kernel", "cpu", "ring"};
    if (!json_is_object(environment))
        return;
    row_begin(writer, "machine");
    for (size_t i = 0; i < ROWS(keys); i++)
        if (text_at(environment, keys[i]) != NULL)
            put(writer, "%s;", text_at(environment, keys[i]));
    put(writer, "%s of %s processors", COUNT_AT(environment, "cores_allowed"),
        COUNT_AT(environment, "cores_online"));
    row_end(writer);
}

/* --- what came of it -------------------------------------------------------------------------- */

static void put_times(struct writer *writer, const json_t *run)
{
    double window_s = number_or_0(run, "window_s"), elapsed_s = number_or_0(run, "elapsed_s");
    row_begin(writer, "time");
    put(writer, "%s", SECONDS_TEXT(window_s));
    if (elapsed_s > window_s)
        put(writer, "and %s until all had finished", SECONDS_TEXT(elapsed_s - window_s));
    put(writer, "(before it %s of opening and %s of warm-up, %s requests)",
        SECONDS_TEXT(number_or_0(run, "opening_s")), SECONDS_TEXT(number_or_0(run, "warm_up_s")),
        COUNT_AT(run, "warm_up_requests"));
    row_end(writer);
}

static void put_requests(struct writer *writer, const json_t *run)
{
    double requests = number_or_0(run, "requests"), replies = number_or_0(run, "replies");
    double unsent = number_or_0(run, "unsent");
    row_begin(writer, "requests");
    put(writer, "%s", TEXT(METRIC_COUNT, requests));
    if (replies != requests)
        put(writer, "with %s replies", TEXT(METRIC_COUNT, replies));
    if (unsent > 0)
        put(writer, "(%s were due and never begun)", TEXT(METRIC_COUNT, unsent));
    row_end(writer);
}

static void put_rate(struct writer *writer, const json_t *run)
{
    double rate, held;
    if (!number_at(run, "rate_per_s", &rate))
        return;
    row_begin(writer, "rate");
    put(writer, "%s", RATE_TEXT(rate));
    if (number_at(run, "rate_held", &held))
        put(writer, "(%s of what was due was begun in time)", SHARE_TEXT(held));
    row_end(writer);
}

static void put_bytes(struct writer *writer, const json_t *run)
{
    row_begin(writer, "bytes");
    put(writer, "%s received, %s of it bodies; %s sent", SIZE_AT(run, "bytes_received"),
        SIZE_AT(run, "body_bytes"), SIZE_AT(run, "bytes_sent"));
    row_end(writer);
    row_begin(writer, "connections");
    put(writer, "%s opened", COUNT_AT(run, "connections_opened"));
    row_end(writer);
}

/* "connect: 3; receive: 1" */
static void put_counts(struct writer *writer, json_t *counts)
{
    size_t left = json_object_size(counts);
    const char *name;
    json_t *value;
    json_object_foreach(counts, name, value)
    {
        left--;
        put(writer, "%s: %s%s", name, TEXT(METRIC_COUNT, json_number_value(value)),
            left > 0 ? ";" : "");
    }
}

static void put_outcome(struct writer *writer, const char *label, json_t *counts)
{
    if (json_object_size(counts) == 0)
        return;
    row_begin(writer, label);
    put_counts(writer, counts);
    row_end(writer);
}

static void put_outcomes(struct writer *writer, const json_t *run)
{
    double share;
    row_begin(writer, "errors");
    put(writer, "%s", COUNT_AT(run, "error_count"));
    if (number_or_0(run, "error_count") > 0 && metric_value(run, METRIC_ERROR_SHARE, &share))
        put(writer, "(%s of the requests)", TEXT(METRIC_SHARE, share));
    row_end(writer);
    put_outcome(writer, "  by stage", json_object_get(run, "errors"));
    put_outcome(writer, "statuses", json_object_get(run, "statuses"));
}

static void put_cost(struct writer *writer, const json_t *run)
{
    double cpu, user, system, calls, completions, busiest;
    if (!metric_value(run, "cpu", &cpu) || !metric_value(run, "user_cpu", &user) ||
        !metric_value(run, "system_cpu", &system))
        return;
    row_begin(writer, "client CPU");
    put(writer, "%s a request (%s of the program, %s of the kernel)",
        TEXT(METRIC_MICROSECONDS, cpu), TEXT(METRIC_MICROSECONDS, user),
        TEXT(METRIC_MICROSECONDS, system));
    if (metric_value(run, "busiest_thread", &busiest))
        put(writer, "and up to %s of a processor for a thread", SHARE_TEXT(busiest));
    row_end(writer);
    if (!metric_value(run, "system_calls", &calls) ||
        !metric_value(run, "completions", &completions))
        return;
    row_begin(writer, "system calls");
    put(writer, "%s a request, and %s completion%s", TEXT(METRIC_COUNT, calls),
        TEXT(METRIC_COUNT, completions), plural(completions));
    row_end(writer);
}

/* --- tables of latency ------------------------------------------------------------------------ */

enum { LABEL_COLUMNS = 6, CELL_COLUMNS = 10, CELLS_MAX = 5 };

_Static_assert(LABEL_COLUMNS + CELLS_MAX * CELL_COLUMNS <= COLUMNS, "a table fits");

struct table_column {
    const char *title; /* at most CELL_COLUMNS - 1 characters */
    const char *key;
};

/* Of the columns, those that the run has, in front; how many. */
static size_t columns_there(const json_t *group, const struct table_column *columns, size_t count,
                            struct table_column *ret_there)
{
    size_t there = 0;
    for (size_t i = 0; i < count && there < CELLS_MAX; i++)
        if (json_is_object(json_object_get(group, columns[i].key)))
            ret_there[there++] = columns[i];
    return there;
}

/* Millions without end would not fit. */
static void put_cell(FILE *out, const json_t *latency, const char *key)
{
    char text[METRIC_TEXT_BYTES] = "-";
    bool is_count = strcmp(key, "count") == 0;
    double value;
    if (number_at(latency, key, &value)) {
        if (is_count && value >= 1e7)
            snprintf(text, sizeof(text), "%.0fM", value / 1e6);
        else
            metric_text(text, is_count ? METRIC_COUNT : METRIC_MICROSECONDS, value);
    }
    fprintf(out, " %*s", CELL_COLUMNS - 1, text);
}

static void put_table(FILE *out, const char *title, const json_t *group,
                      const struct table_column *columns, size_t column_count)
{
    static const struct {
        const char *label;
        const char *key;
    } rows[] = {
        {"p50", "p50"},   {"p75", "p75"},       {"p90", "p90"},       {"p95", "p95"},
        {"p99", "p99"},   {"p99.9", "p99_9"},   {"p99.99", "p99_99"}, {"max", "max"},
        {"mean", "mean"}, {"stddev", "stddev"}, {"min", "min"},       {"count", "count"},
    };
    struct table_column there[CELLS_MAX];
    size_t count = columns_there(group, columns, column_count, there);
    if (count == 0)
        return;
    fprintf(out, "\n%s\n%-*s", title, LABEL_COLUMNS, "");
    for (size_t i = 0; i < count; i++)
        fprintf(out, " %*s", CELL_COLUMNS - 1, there[i].title);
    fputc('\n', out);
    for (size_t row = 0; row < ROWS(rows); row++) {
        fprintf(out, "%-*s", LABEL_COLUMNS, rows[row].label);
        for (size_t i = 0; i < count; i++)
            put_cell(out, json_object_get(group, there[i].key), rows[row].key);
        fputc('\n', out);
    }
}

static void put_latencies(FILE *out, const json_t *run)
{
    static const struct table_column clocks[] = {{"intended", "intended"}, {"actual", "actual"}};
    static const struct table_column phases[] = {{"queue", "queue"},
                                                 {"connect", "connect"},
                                                 {"tls", "tls"},
                                                 {"1st byte", "first_byte"},
                                                 {"body", "body"}};
    put_table(out,
              is_open_loop(run) ? "latency, from when a request was due and from when it was\nbegun"
                                : "latency, from when a request was begun",
              json_object_get(run, "latency_us"), clocks, ROWS(clocks));
    put_table(out, "phases of it, one after the other", json_object_get(run, "phases_us"), phases,
              ROWS(phases));
}

/* --- verdicts --------------------------------------------------------------------------------- */

static void put_sentence(struct writer *writer, const char *label, const char *sentence)
{
    if (sentence == NULL)
        return;
    row_begin(writer, label);
    put_words(writer, sentence);
    row_end(writer);
}

/* The answer to the label's question, where the first sentence does not give it. */
static const char *answer_to(const char *verdict)
{
    if (verdict == NULL || strcmp(verdict, "rate_not_held") == 0)
        return "";
    if (strcmp(verdict, "client_bound") == 0)
        return "yes:";
    return strcmp(verdict, "ok") == 0 ? "no:" : "in part:";
}

static void put_instrument(struct writer *writer, const json_t *run)
{
    const json_t *instrument = json_object_get(run, "instrument");
    const json_t *sentences = json_object_get(instrument, "sentences");
    const json_t *calibration = json_object_get(instrument, "calibration");
    size_t i;
    const json_t *sentence;
    json_array_foreach(sentences, i, sentence)
    {
        row_begin(writer, i == 0 ? "was it me?" : "");
        if (i == 0)
            put_words(writer, answer_to(text_at(instrument, "verdict")));
        put(writer, "%s", json_string_value(sentence));
        row_end(writer);
    }
    put_sentence(writer, "calibration", text_at(calibration, "sentence"));
    put_sentence(writer, "hidden", text_at(run, "hidden"));
}

static void put_thresholds(struct writer *writer, const json_t *run)
{
    const json_t *thresholds = json_object_get(run, "thresholds");
    size_t i;
    const json_t *threshold;
    json_array_foreach(thresholds, i, threshold)
    {
        put_sentence(writer, i == 0 ? "thresholds" : "", text_at(threshold, "sentence"));
    }
}

static void put_find_max(struct writer *writer, const json_t *run)
{
    const json_t *found = json_object_get(run, "find_max");
    double rate;
    if (!json_is_object(found))
        return;
    row_begin(writer, "find max");
    bool has_rate = number_at(found, "rate", &rate);
    const char *comma = json_is_true(json_object_get(found, "is_bounded")) ? "" : ",";
    put(writer, "%s held", text_at(found, "expression"));
    if (has_rate)
        put(writer, "up to %s%s", RATE_TEXT(rate), comma);
    else
        put(writer, "at no rate%s", comma);
    if (*comma != '\0')
        put(writer, "and at all that could be sent");
    size_t trials = json_array_size(json_object_get(found, "trials"));
    put(writer, "(%zu trial%s)", trials, plural((double)trials));
    row_end(writer);
}

void result_text(FILE *out, const json_t *run)
{
    struct writer writer = {.out = out};
    put_find_max(&writer, run);
    if (text_at(run, "url") == NULL)
        return;
    put_target(&writer, run);
    put_load(&writer, run);
    put_machine(&writer, run);
    put_times(&writer, run);
    put_requests(&writer, run);
    put_rate(&writer, run);
    put_bytes(&writer, run);
    put_outcomes(&writer, run);
    put_cost(&writer, run);
    put_latencies(out, run);
    fputc('\n', out);
    put_instrument(&writer, run);
    put_thresholds(&writer, run);
}
