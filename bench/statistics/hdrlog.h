#ifndef BENCH_STATISTICS_HDRLOG_H
#define BENCH_STATISTICS_HDRLOG_H

/* Histograms in the words of HdrHistogram: as a payload of its version 2 (deflated, in base64), and
 * as a log of its version 1.3, one line an interval. Values are nanoseconds. */

#include "bench/statistics/histogram.h"
#include "proto/span.h"

#include <stdio.h>

#define HDRLOG_ERRORS(X)                                                                           \
    X(OK, "no error")                                                                              \
    X(NO_MEMORY, "no memory")                                                                      \
    X(BASE64, "the payload is not base64")                                                         \
    X(NOT_COMPRESSED, "the payload is not a compressed HdrHistogram of version 2")                 \
    X(NOT_HISTOGRAM, "what the payload compresses is not an HdrHistogram of version 2")            \
    X(DEFLATE, "the payload's compressed data is damaged")                                         \
    X(TRUNCATED, "the payload ends before the length that it states")                              \
    X(OVERLONG, "the payload goes on behind the length that it states, or that any has")           \
    X(SHIFTED, "the histogram's buckets are shifted")                                              \
    X(DIGITS, "the histogram has not three significant digits")                                    \
    X(LOWEST, "the histogram's lowest discernible value is not 1")                                 \
    X(HIGHEST, "the histogram's highest trackable value is not 2^42 - 1")                          \
    X(SCALED, "the histogram's values are scaled")                                                 \
    X(BUCKETS, "the histogram has counts behind its last bucket")                                  \
    X(COUNT, "the histogram counts more than 2^44 - 1 values")

enum hdrlog_error {
#define HDRLOG_ERROR_ENUM(name, sentence) HDRLOG_##name,
    HDRLOG_ERRORS(HDRLOG_ERROR_ENUM)
#undef HDRLOG_ERROR_ENUM
};

/* Static, never NULL, also for a value outside the enum. */
const char *hdrlog_error_sentence(enum hdrlog_error error);

/* The payload, zero-terminated, to be freed by the caller: some kilobytes, at most 420,000 bytes.
 * It has the counts; what a histogram knows beside them is not in it. NULL: no memory. */
char *hdrlog_encode(const struct histogram *histogram);

/* Replaces what an open histogram counts by what a payload does, which may be any bytes from
 * anywhere. clipped is 0 then, and the other facts are as histogram_record_bucket() has them. Only
 * payloads of the layout of bench/statistics/histogram.h are taken; after an error ret_histogram is
 * empty.
 *
 * Errors: any but OK. */
enum hdrlog_error hdrlog_decode(struct span payload, struct histogram *ret_histogram);

/* The lines that a log begins with. start_ns: CLOCK_REALTIME. false: out has failed. */
bool hdrlog_begin(FILE *out, uint64_t start_ns);

/* tag: NULL, or a name of the series without comma, blank or line end. start_ns and end_ns: since
 * the log's start. */
struct hdrlog_interval {
    const char *tag;
    uint64_t start_ns;
    uint64_t end_ns;
};

/* One line of a log. false: no memory, or out has failed. */
bool hdrlog_write(FILE *out, const struct hdrlog_interval *interval,
                  const struct histogram *histogram);

#endif
