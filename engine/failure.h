#ifndef ENGINE_FAILURE_H
#define ENGINE_FAILURE_H

/* Why a request failed, as a result says it; it lies on the ground, beside haul.h. */

#include "engine/haul.h"
#include "proto/error.h"

struct failure {
    enum haul_error error;
    const char *message; /* static */
    int os_error;
};

/* What a parser said, in the words of a result. */
struct failure failure_of(enum proto_error error);

#endif
