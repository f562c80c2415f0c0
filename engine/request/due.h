#ifndef ENGINE_REQUEST_DUE_H
#define ENGINE_REQUEST_DUE_H

/* When a request's time is up, by the stage it is in, and what is said of it then. */

#include "engine/failure.h"

#include <stdint.h>

/* start_ns: when it was begun. A time allowed that is negative has no end. */
uint64_t due_ns(enum haul_stage stage, uint64_t start_ns, int64_t connect_ms, int64_t max_ms);

const struct failure *due_failure(enum haul_stage stage);

#endif
