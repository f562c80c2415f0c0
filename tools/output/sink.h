#ifndef TOOLS_OUTPUT_SINK_H
#define TOOLS_OUTPUT_SINK_H

/* Where results go: one line each in one of the formats, or their bodies, and files of bodies. */

#include "engine/haul.h"
#include "tools/output/bodies.h"
#include "tools/output/formats.h"
#include "tools/input/inputs.h"
#include "tools/output/output.h"
#include "tools/output/writeout.h"

#include <stdbool.h>

extern const struct format *const sink_formats[]; /* by enum sink_format */

struct sink_options {
    enum sink_format format;
    bool headers;     /* has_extras only */
    bool body;        /* has_extras only */
    bool verbose;     /* has_extras only */
    bool follows;     /* redirects are followed */
    bool retries;     /* there are retries */
    bool compressed;  /* bodies are decoded where they are coded */
    const char *path; /* NULL: stdout; borrowed, as are the names in files */
    struct bodies_options files;
    const struct writeout *writeout; /* of -w; NULL: none. Borrowed */
    int fail_status;                 /* the engine's */
    bool tells_failures;             /* each on stderr, a line (-S) */
};

enum { SINK_MESSAGE_BYTES = 512 };

struct sink {
    struct sink_options options;
    const struct inputs *inputs; /* to name the lines of bad URLs; borrowed */
    struct output output;
    struct output standard; /* stdout, where output is a file */
    struct bodies bodies;
    const char *body_file;            /* of the result at hand */
    uint64_t body_of;                 /* among results: whose body was written last, */
    uint64_t body_written;            /* and how much of it */
    int error;                        /* a negative errno: nothing is written any more */
    bool is_terminal;                 /* stdout is one */
    char culprit[SINK_MESSAGE_BYTES]; /* what could not be written */
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

/* Writes a line about a failure to stderr. */
void sink_complain(struct sink *sink, const struct haul_result *result);

/* Whether the body, or a piece of it, is that of a reply that --fail calls a failure, and not to be
 * kept. */
static inline bool sink_drops(const struct sink *sink, const struct haul_result *result)
{
    const struct sink_options *options = &sink->options;
    return options->fail_status > 0 && result->status >= options->fail_status &&
           options->files.drops_failed;
}
/* Writes a body, or a piece of it, among the results; one that begins anew takes the place of what
 * was written of it. */
void sink_write_body(struct sink *sink, struct output *output, const struct haul_result *result);

/* Whether what was written of any body can be taken back. */
bool sink_can_rewind(const struct sink *sink);

/* Whether anything waits for sink_flush(). */
static inline bool sink_holds(const struct sink *sink)
{
    return sink->output.used > 0 || sink->standard.used > 0;
}

/* Hands over what is buffered. Returns as sink_take(). */
int sink_flush(struct sink *sink);

/* whole: what was written is to be kept. Returns as sink_take(). */
int sink_close(struct sink *sink, bool whole);

void sink_describe_failure(const struct sink *sink, char *ret_text, size_t size);

#endif
