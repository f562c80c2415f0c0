/* Owns the way of a result: its body into a file of its own, its line into the output, in the
 * format that was asked for. */

#include "tools/output/sink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct format format_none;

const struct format *const sink_formats[] = {
#define SINK_FORMAT(id, name, manual) [SINK_##id] = &format_##name,
    FORMATS(SINK_FORMAT)
#undef SINK_FORMAT
};

const char *sink_message(struct sink *sink, const struct haul_result *result)
{
    if (result->error != HAUL_URL)
        return result->message;
    char place[SINK_MESSAGE_BYTES / 2];
    unsigned column;
    const char *refusal = inputs_refusal(result->tag_number, &column);
    inputs_describe(sink->inputs, result->tag_number, place, sizeof(place));
    if (refusal != NULL && column > 0)
        snprintf(sink->message, sizeof(sink->message), "%s (column %u, %s)", refusal, column,
                 place);
    else
        snprintf(sink->message, sizeof(sink->message), "%s (%s)",
                 refusal != NULL ? refusal : result->message, place);
    return sink->message;
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
    if (sink->error == 0 && sink_formats[options->format]->begin != NULL)
        sink_formats[options->format]->begin(sink);
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
    const struct format *format = sink_formats[sink->options.format];
    if (sink->error < 0)
        return sink->error;
    if (sink->options.bodies != NULL && sink_take_body(sink, result) < 0)
        return sink->error;
    if (format->piece != NULL)
        format->piece(sink, result);
    if (!result->more && format->line != NULL)
        format->line(sink, result);
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
