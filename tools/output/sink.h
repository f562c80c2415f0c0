#ifndef TOOLS_OUTPUT_SINK_H
#define TOOLS_OUTPUT_SINK_H

/* Where results go: one line each in one of the formats, or their bodies, and files of bodies. */

#include "engine/haul.h"
#include "tools/output/bodies.h"
#include "tools/output/formats.h"
#include "tools/input/inputs.h"
#include "tools/output/output.h"

#include <stdbool.h>

extern const struct format *const sink_formats[]; /* by enum sink_format */

struct sink_options {
    enum sink_format format;
    bool headers;       /* has_extras only */
    bool body;          /* has_extras only */
    bool verbose;       /* has_extras only */
    const char *bodies; /* directory, or NULL; borrowed, as path is */
    const char *path;   /* NULL: stdout */
};

enum { SINK_MESSAGE_BYTES = 512 };

struct sink {
    struct sink_options options;
    const struct inputs *inputs; /* to name the lines of bad URLs; borrowed */
    struct output output;
    struct bodies bodies;
    const char *body_file; /* of the result at hand */
    int error;             /* a negative errno: nothing is written any more */
    bool failed_in_bodies;
    char message[SINK_MESSAGE_BYTES];
};

/* Returns 0 or a negative errno: sink_describe_failure() says what was wrong, and there is nothing
 * to close. */
int sink_open(struct sink *sink, const struct sink_options *options, const struct inputs *inputs);

/* Takes one result, with which nothing is left to do but release it. Returns 0, or the negative
 * errno of the first failure, after which nothing is taken. */
int sink_take(struct sink *sink, const struct haul_result *result);

/* The sentence of a failure, for the formats: a bad URL says where it was written; whatever else
 * fails is not the line's fault. Valid until the next call; NULL where nothing failed. */
const char *sink_message(struct sink *sink, const struct haul_result *result);

/* Whether anything waits for sink_flush(). */
static inline bool sink_holds(const struct sink *sink)
{
    return sink->output.used > 0;
}

/* Hands over what is buffered. Returns as sink_take(). */
int sink_flush(struct sink *sink);

/* whole: what was written is to be kept. Returns as sink_take(). */
int sink_close(struct sink *sink, bool whole);

void sink_describe_failure(const struct sink *sink, char *ret_text, size_t size);

#endif
