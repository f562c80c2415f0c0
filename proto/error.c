/* The sentences of the protocol errors, made from the same list as their names. */

#include "proto/error.h"

#include <stddef.h>

static const char *const sentences[] = {
#define PROTO_ERROR_SENTENCE(name, sentence) [PROTO_##name] = sentence,
    PROTO_ERRORS(PROTO_ERROR_SENTENCE)
#undef PROTO_ERROR_SENTENCE
};

const char *proto_error_sentence(enum proto_error error)
{
    size_t index = (size_t)error;

    return index < sizeof(sentences) / sizeof(sentences[0]) ? sentences[index] : "unknown error";
}
