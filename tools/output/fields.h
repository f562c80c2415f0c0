#ifndef TOOLS_OUTPUT_FIELDS_H
#define TOOLS_OUTPUT_FIELDS_H

/* The fields of a result: the one list from which NDJSON, CSV and their names in the manual are
 * made, in this order. It is a list of macros, so that a line is still assembled by straight code
 * with its names as constants.
 *
 * FIELD(name, where, given, kind, value, manual): where is ALL or NDJSON alone; given says whether
 * this run has the field at all; kind is how each format writes a value (ndjson_<kind>() and
 * csv_<kind>()). BEGIN(name, where, given, present, manual) and END put the fields between them
 * into an object, which is null where it is not present; CSV has them side by side, then empty.
 * The expressions see result, sink and options (the sink's), and are evaluated only where they are
 * written. manual is what haul(1) says of it, in the words of scdoc(5). */

#include "engine/haul.h"
#include "tools/output/sink.h"

#include <stddef.h>
#include <string.h>

/* Behind each other, a space before each. */
#define FIELD_STAGE(name, text) " " text

/* clang-format off */
#define RESULT_FIELDS(FIELD, BEGIN, END)                                                           \
    FIELD(index, ALL, true, number, result->index,                                                 \
          "number, from 0: the place in the expanded list of arguments")                           \
    FIELD(url, ALL, true, text, field_url(result),                                                 \
          "as asked for, its globs expanded; cut to 16,000 bytes")                                 \
    FIELD(method, ALL, true, string, result->method,                                               \
          "as sent; null where no request could be made")                                          \
    FIELD(status, ALL, true, count, (uint64_t)result->status,                                      \
          "number; null: there was no reply")                                                      \
    FIELD(http_version, ALL, true, word, field_version(result),                                    \
          "\"1.0\" or \"1.1\"; null: there was no reply")                                          \
    FIELD(headers, NDJSON, options->headers, headers, result,                                      \
          "with *--headers*: a list of [name, value], in the reply's order; null: there was no "   \
          "reply")                                                                                 \
    FIELD(body_bytes, ALL, true, number, result->body_bytes,                                       \
          "number: received, without the framing, decoded")                                        \
    FIELD(body_wire_bytes, ALL, options->compressed, number, result->body_wire_bytes,              \
          "with *--compressed*: number: the same, as they came")                                   \
    FIELD(body, NDJSON, options->body && !is_binary, body, result,                                 \
          "with *--body*: the text; null: there was no reply")                                     \
    FIELD(body_base64, NDJSON, options->body && is_binary, base64, result,                         \
          "instead of *body*, where the body is not UTF-8")                                        \
    FIELD(body_file, ALL, bodies_are_wanted(&options->files), string, sink->body_file,             \
          "with *--bodies*, *-O* or *output* of *-K*: the file; null: there is none, as where "    \
          "the reply was not whole")                                                               \
    BEGIN(tls, NDJSON, options->verbose, field_has_tls(result),                                    \
          "with *-v*: an object of the five that follow; null: there was no TLS")                  \
    FIELD(version, NDJSON, true, string, result->tls_version,                                      \
          "as \"TLSv1.2\"; null: there was no handshake")                                          \
    FIELD(suite, NDJSON, true, string, result->tls_suite,                                          \
          "its name; null: there was no handshake")                                                \
    FIELD(verification, NDJSON, true, string, result->tls_verification,                            \
          "\"ok\", or what is wrong with the certificate")                                         \
    FIELD(resumed, NDJSON, true, flag, result->tls_resumed,                                        \
          "true: the handshake resumed an earlier one")                                            \
    FIELD(backend, NDJSON, true, string, result->tls_backend,                                      \
          "\"bearssl\" or \"openssl\"; null: there was no handshake")                              \
    END                                                                                            \
    BEGIN(error, ALL, true, result->error != HAUL_OK,                                              \
          "null, or an object of the four that follow")                                            \
    FIELD(code, ALL, true, word, haul_error_name(result->error),                                   \
          "one of the names under *EXIT STATUS*")                                                  \
    FIELD(stage, ALL, true, word, haul_stage_name(result->stage),                                  \
          "where the trip ended:" HAUL_STAGES(FIELD_STAGE))                                        \
    FIELD(message, ALL, true, string, sink_message(sink, result),                                  \
          "a sentence; for a bad URL with its line or argument")                                   \
    FIELD(os_error, ALL, true, word, field_os_error(result),                                       \
          "the name of the errno behind it, as \"ECONNREFUSED\", or null")                         \
    END                                                                                            \
    FIELD(queue_us, ALL, true, time, result->queue_ns,                                             \
          "microseconds from being taken to being started")                                        \
    FIELD(connect_us, ALL, true, time, result->connect_ns,                                         \
          "from there to the connection, name included; 0 on a reused one")                        \
    FIELD(tls_us, ALL, true, time, result->tls_ns,                                                 \
          "from there to the end of the handshake; 0 without TLS and on a reused connection")      \
    FIELD(send_us, ALL, true, time, result->send_ns,                                               \
          "from there to the last byte sent")                                                      \
    FIELD(ttfb_us, ALL, true, time, result->ttfb_ns,                                               \
          "from there to the first byte of the reply")                                             \
    FIELD(total_us, ALL, true, time, result->total_ns,                                             \
          "from being started to the end")                                                         \
    FIELD(anomalies, ALL, true, anomalies, result->anomalies,                                      \
          "what is odd about the reply, a list of the words under *REPLIES*, mostly []; in CSV "   \
          "with a space between them")                                                             \
    FIELD(url_effective, ALL, options->follows, text, field_url_effective(result),                 \
          "with *-L*: the URL of the last hop, which all but *index*, *url*, *queue_us* and "      \
          "*total_us* are about")                                                                  \
    FIELD(redirects, ALL, options->follows, number, result->redirects,                             \
          "with *-L*, number: followed")                                                           \
    FIELD(redirect_us, ALL, options->follows, time, result->redirect_ns,                           \
          "with *-L*: how much of total_us the hops before the last took")                         \
    FIELD(hops, NDJSON, options->follows && options->verbose, hops, result,                        \
          "with *-L* and *-v*: a list of those hops, {url, status, total_us} each, as far as "     \
          "the memory for bodies had room for it")                                                 \
    FIELD(attempts, ALL, options->retries, number, result->attempts,                               \
          "with *--retry*, number: how often it was begun; hops, retries, and once more after a "  \
          "kept connection died")                                                                  \
    FIELD(wait_us, ALL, options->retries, time, result->wait_ns,                                   \
          "with *--retry*: how much of total_us was waited before retries")                        \
    FIELD(tries, NDJSON, options->retries && options->verbose, tries, result,                      \
          "with *--retry* and *-v*: a list of the tries before the last, {status, error, "         \
          "wait_us} each, as far as the memory for bodies had room for it")
/* clang-format on */

/* --- what a field has to be asked for --------------------------------------------------------- */

struct field_text {
    const char *bytes;
    size_t length;
};

static inline struct field_text field_url(const struct haul_result *result)
{
    return (struct field_text){result->url, result->url_length};
}

static inline struct field_text field_url_effective(const struct haul_result *result)
{
    return (struct field_text){result->url_effective, result->url_effective_length};
}

/* RFC 9112, section 2.3: one digit. */
static inline const char *field_version(const struct haul_result *result)
{
    static const char versions[][4] = {"1.0", "1.1", "1.2", "1.3", "1.4",
                                       "1.5", "1.6", "1.7", "1.8", "1.9"};
    return result->status != 0 ? versions[result->version_minor % 10] : NULL;
}

/* A certificate that was refused is told too, although there was no handshake. */
static inline bool field_has_tls(const struct haul_result *result)
{
    return result->tls_version != NULL || result->tls_verification != NULL;
}

static inline const char *field_os_error(const struct haul_result *result)
{
    return result->os_error != 0 ? strerrorname_np(result->os_error) : NULL;
}

/* The name of the first of them, which is taken away. */
static inline const char *field_next_anomaly(uint64_t *anomalies)
{
    uint64_t first = *anomalies & -*anomalies;
    *anomalies ^= first;
    return haul_anomaly_name((enum haul_anomaly)first);
}

static inline uint64_t field_microseconds(uint64_t time_ns)
{
    return time_ns / 1000;
}

#endif
