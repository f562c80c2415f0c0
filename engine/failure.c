/* The table by which the parsers' errors become those of results. */

#include "engine/failure.h"

struct failure failure_of(enum proto_error error)
{
    static const enum haul_error errors[] = {
        [PROTO_CLASS_NONE] = HAUL_PROTOCOL,     [PROTO_CLASS_URL] = HAUL_URL,
        [PROTO_CLASS_LIMIT] = HAUL_LIMIT,       [PROTO_CLASS_TRUNCATED] = HAUL_TRUNCATED,
        [PROTO_CLASS_RECEIVE] = HAUL_RECEIVE,   [PROTO_CLASS_PROTOCOL] = HAUL_PROTOCOL,
        [PROTO_CLASS_REDIRECT] = HAUL_REDIRECT, [PROTO_CLASS_ENCODING] = HAUL_ENCODING,
        [PROTO_CLASS_AUTH] = HAUL_AUTH,
    };
    return (struct failure){errors[proto_error_class(error)], proto_error_sentence(error), 0};
}
