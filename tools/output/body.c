/* Owns --format body: bodies as they come, and nothing between them. */

#include "tools/output/formats.h"
#include "tools/output/sink.h"

/* Bodies have no place for an error, so that it goes where a person may see it. */
static void body_line(struct sink *sink, const struct haul_result *result)
{
    if (result->error != HAUL_OK)
        sink_complain(sink, result);
}

static void body_piece(struct sink *sink, const struct haul_result *result)
{
    sink_write_body(sink, &sink->output, result);
}

const struct format format_body = {.piece = body_piece, .line = body_line};
