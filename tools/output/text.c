/* Owns --format text: a line that people read. */

#include "tools/output/formats.h"
#include "tools/output/human.h"
#include "tools/output/sink.h"

#include <stdio.h>
#include <string.h>

enum { LINE_BYTES = 128 }; /* more than its numbers */

#define WRITE_LITERAL(output, literal) output_write((output), (literal), sizeof(literal) - 1)

static void text_line(struct sink *sink, const struct haul_result *result)
{
    char line[LINE_BYTES], status[16] = "-", size[HUMAN_BYTES], time[HUMAN_BYTES];
    struct output *output = &sink->output;
    if (result->status != 0)
        snprintf(status, sizeof(status), "%d", result->status);
    int length = snprintf(
        line, sizeof(line), "%6llu %3s %8s %8s  ", (unsigned long long)result->index, status,
        human_bytes(size, result->body_bytes), human_duration(time, result->total_ns));
    output_write(output, line, (size_t)length);
    output_write_printable(output, result->url, result->url_length);
    if (result->error != HAUL_OK) {
        const char *name = haul_error_name(result->error);
        const char *message = sink_message(sink, result);
        WRITE_LITERAL(output, "  ");
        output_write(output, name, strlen(name));
        WRITE_LITERAL(output, ": ");
        output_write_printable(output, message, strlen(message));
    }
    WRITE_LITERAL(output, "\n");
}

const struct format format_text = {.line = text_line};
