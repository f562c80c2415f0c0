/* Owns the way of a result: its body into a file of its own, its line into the output, in the
 * format that was asked for. */

#include "tools/output/human.h"
#include "tools/output/paths.h"
#include "tools/output/sink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct format format_none;

const struct format *const sink_formats[] = {
#define SINK_FORMAT(id, name, manual) [SINK_##id] = &format_##name,
    FORMATS(SINK_FORMAT)
#undef SINK_FORMAT
};

const char *sink_message(struct sink *sink, const struct haul_result *result)
{
    if (result->error != HAUL_OK && result->retry_after_s > 0) {
        snprintf(sink->message, sizeof(sink->message),
                 "%s; its Retry-After asks for %llu s, longer than the tries may take",
                 result->message, (unsigned long long)result->retry_after_s);
        return sink->message;
    }
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

/* The first error is the run's. culprit: what could not be written; NULL: stdout. */
static int sink_fail(struct sink *sink, int error, const char *culprit)
{
    if (sink->error == 0 && error < 0) {
        sink->error = error;
        snprintf(sink->culprit, sizeof(sink->culprit), "%s", culprit != NULL ? culprit : "stdout");
    }
    return sink->error;
}

static int sink_check(struct sink *sink)
{
    sink_fail(sink, -sink->output.error, sink->options.path);
    return sink_fail(sink, -sink->standard.error, NULL);
}

/* --- opening and closing ---------------------------------------------------------------------- */

/* stdout has more to carry than results: bodies that go to "-", and the text of -w. */
static bool needs_standard(const struct sink_options *options)
{
    return options->path != NULL && (options->writeout != NULL || options->files.has_outputs);
}

/* What leads to the file of the results. */
static int make_way(struct sink *sink)
{
    const struct sink_options *options = &sink->options;
    bool is_wanted = options->path != NULL && options->files.creates_directories;
    size_t length = is_wanted ? path_directory_length(options->path) : 0;
    int error = length > 0 ? path_make_directories(options->path, length) : 0;
    return sink_fail(sink, error, options->path);
}

static int open_files(struct sink *sink)
{
    const struct sink_options *options = &sink->options;
    if (!bodies_are_wanted(&options->files))
        return 0;
    int error = bodies_open(&sink->bodies, &options->files, options->path);
    return sink_fail(sink, error, bodies_culprit(&sink->bodies));
}

static int open_outputs(struct sink *sink)
{
    const struct sink_options *options = &sink->options;
    int error = output_open(&sink->output, options->path);
    if (error == 0 && needs_standard(options))
        error = output_open(&sink->standard, NULL);
    return sink_fail(sink, error, options->path);
}

int sink_open(struct sink *sink, const struct sink_options *options, const struct inputs *inputs)
{
    *sink = (struct sink){.options = *options,
                          .inputs = inputs,
                          .is_terminal = isatty(STDOUT_FILENO) == 1,
                          .output = {.fd = -1},
                          .standard = {.fd = -1},
                          .bodies = {.fd = -1}};
    if (make_way(sink) == 0 && open_files(sink) == 0 && open_outputs(sink) == 0) {
        if (sink_formats[options->format]->begin != NULL)
            sink_formats[options->format]->begin(sink);
        return 0;
    }
    sink_close(sink, false);
    return sink->error;
}

static void close_output(struct sink *sink, struct output *output, const char *name, bool whole)
{
    if (output->buffer != NULL) /* else it was never opened */
        sink_fail(sink, output_close(output, whole && sink->error == 0), name);
}

int sink_close(struct sink *sink, bool whole)
{
    bodies_close(&sink->bodies);
    close_output(sink, &sink->standard, NULL, whole);
    close_output(sink, &sink->output, sink->options.path, whole);
    return sink->error;
}

/* --- a result --------------------------------------------------------------------------------- */

static struct output *standard_of(struct sink *sink)
{
    return sink->options.path != NULL ? &sink->standard : &sink->output;
}

void sink_write_body(struct sink *sink, struct output *output, const struct haul_result *result)
{
    uint64_t place = output_place(output);
    if (result->body_offset < sink->body_written && sink->body_of == result->index)
        output_rewind(output, place - (sink->body_written - result->body_offset));
    sink->body_of = result->index;
    sink->body_written = result->body_offset;
    if (sink_drops(sink, result))
        return;
    for (const struct haul_piece *piece = result->body; piece != NULL; piece = piece->next) {
        output_write(output, piece->bytes, piece->length);
        sink->body_written += piece->length;
    }
}

/* A body of stdout, unless all of them go there. */
static void take_standard(struct sink *sink, const struct haul_result *result)
{
    struct output *standard = standard_of(sink);
    if (sink->options.format != SINK_BODY || standard != &sink->output)
        sink_write_body(sink, standard, result);
}

static int take_body(struct sink *sink, const struct haul_result *result)
{
    const struct bodies_options *files = &sink->options.files;
    const char *own = files->has_outputs ? inputs_output(sink->inputs, result->tag_number) : NULL;
    sink->body_file = NULL;
    if (own != NULL && strcmp(own, "-") == 0) {
        take_standard(sink, result);
        return 0;
    }
    int error = bodies_take(&sink->bodies, result, own, &sink->body_file);
    return sink_fail(sink, error, bodies_culprit(&sink->bodies));
}

void sink_complain(struct sink *sink, const struct haul_result *result)
{
    const char *message = sink_message(sink, result);
    fputs("haul: ", stderr);
    human_write_printable(stderr, result->url, result->url_length);
    fprintf(stderr, ": %s: ", haul_error_name(result->error));
    human_write_printable(stderr, message, strlen(message));
    fputc('\n', stderr);
}

static void write_out(struct sink *sink, const struct haul_result *result)
{
    char scratch[WRITEOUT_SCRATCH_BYTES];
    const struct writeout_facts facts = {
        .file = sink->body_file,
        .message = result->error != HAUL_OK ? sink_message(sink, result) : NULL,
        .is_terminal = sink->is_terminal,
        .scratch = scratch,
    };
    writeout_write(sink->options.writeout, result, &facts, standard_of(sink));
}

/* A request's last result. */
static void take_last(struct sink *sink, const struct haul_result *result)
{
    const struct sink_options *options = &sink->options;
    const struct format *format = sink_formats[options->format];
    if (format->line != NULL)
        format->line(sink, result);
    if (options->tells_failures && result->error != HAUL_OK && options->format != SINK_BODY)
        sink_complain(sink, result);
    if (options->writeout != NULL)
        write_out(sink, result);
}

int sink_take(struct sink *sink, const struct haul_result *result)
{
    const struct format *format = sink_formats[sink->options.format];
    if (sink->error < 0)
        return sink->error;
    if (bodies_are_wanted(&sink->options.files) && take_body(sink, result) < 0)
        return sink->error;
    if (format->piece != NULL)
        format->piece(sink, result);
    if (!result->more)
        take_last(sink, result);
    return sink_check(sink);
}

bool sink_can_rewind(const struct sink *sink)
{
    const struct sink_options *options = &sink->options;
    bool has_bodies = sink_formats[options->format]->piece != NULL;
    if (has_bodies && !output_can_rewind(&sink->output))
        return false;
    const struct output *standard = options->path != NULL ? &sink->standard : &sink->output;
    if (options->files.has_standard && !output_can_rewind(standard))
        return false;
    return !options->files.has_direct;
}

int sink_flush(struct sink *sink)
{
    output_flush(&sink->output);
    if (sink->standard.used > 0)
        output_flush(&sink->standard);
    return sink_check(sink);
}

void sink_describe_failure(const struct sink *sink, char *ret_text, size_t size)
{
    snprintf(ret_text, size, "cannot write to %s: %s%s", sink->culprit, strerror(-sink->error),
             sink->error == -EPIPE ? " (its reader has closed it)" : "");
}
