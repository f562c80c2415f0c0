/* Owns --format body: bodies as they come, and nothing between them. */

#include "tools/output/formats.h"
#include "tools/output/sink.h"

#include <stdio.h>

/* Bodies have no place for an error, so that it goes where a person may see it. */
static void body_line(struct sink *sink, const struct haul_result *result)
{
    if (result->error != HAUL_OK)
        fprintf(stderr, "haul: %s: %s: %s\n", result->url, haul_error_name(result->error),
                sink_message(sink, result));
}

static void body_piece(struct sink *sink, const struct haul_result *result)
{
    for (const struct haul_piece *piece = result->body; piece != NULL; piece = piece->next)
        output_write(&sink->output, piece->bytes, piece->length);
}

const struct format format_body = {.piece = body_piece, .line = body_line};
