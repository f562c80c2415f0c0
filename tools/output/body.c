/* Owns --format body: bodies as they come, and nothing between them. */

#include "tools/output/formats.h"
#include "tools/output/sink.h"

/* Bodies have no place for an error, so that it goes where a person may see it. */
static void body_line(struct sink *sink, const struct haul_result *result)
{
    if (result->error != HAUL_OK)
        sink_complain(sink, result);
}

/* A body that begins anew takes the place of what was written of it. */
static void body_piece(struct sink *sink, const struct haul_result *result)
{
    if (sink_drops(sink, result))
        return;
    uint64_t place = output_place(&sink->output);
    if (result->body_offset < sink->body_written && sink->body_of == result->index)
        output_rewind(&sink->output, place - (sink->body_written - result->body_offset));
    sink->body_of = result->index;
    sink->body_written = result->body_offset;
    for (const struct haul_piece *piece = result->body; piece != NULL; piece = piece->next) {
        output_write(&sink->output, piece->bytes, piece->length);
        sink->body_written += piece->length;
    }
}

const struct format format_body = {.piece = body_piece, .line = body_line};
