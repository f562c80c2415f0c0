/* The sentences and classes of the protocol errors, made from the same list as their names. */

#include "proto/error.h"

#include <stddef.h>

static const struct {
    enum proto_error_class class;
    const char *sentence;
} errors[] = {
#define PROTO_ERROR_ROW(name, class, sentence, ...)                                                \
    [PROTO_##name] = {PROTO_CLASS_##class, sentence},
    PROTO_ERRORS(PROTO_ERROR_ROW)
#undef PROTO_ERROR_ROW
};

enum { ERROR_COUNT = sizeof(errors) / sizeof(errors[0]) };

enum proto_error_class proto_error_class(enum proto_error error)
{
    size_t index = (size_t)error;

    return index < ERROR_COUNT ? errors[index].class : PROTO_CLASS_PROTOCOL;
}

const char *proto_error_sentence(enum proto_error error)
{
    size_t index = (size_t)error;

    return index < ERROR_COUNT ? errors[index].sentence : "unknown error";
}

static const char *const words[] = {
#define PROTO_ANOMALY_WORD(name, class, sentence, word) word,
    PROTO_ANOMALIES(PROTO_ANOMALY_WORD)
#undef PROTO_ANOMALY_WORD
};

const char *proto_anomaly_word(unsigned index)
{
    return index < PROTO_ANOMALY_COUNT ? words[index] : NULL;
}

const char *proto_anomaly_sentence(unsigned index)
{
    if (index >= PROTO_ANOMALY_COUNT)
        return NULL;
    return proto_error_sentence((enum proto_error)(PROTO_CHUNK_SIZE_SPACE + index));
}
