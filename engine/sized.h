#ifndef ENGINE_SIZED_H
#define ENGINE_SIZED_H

/* Public structs that callers know in another length than the library does: they grow at their end,
 * and the size of what a caller knows travels with its calls, as in openat2(2) and clone3(2). */

#include "engine/haul.h"

#include <stddef.h>

/* Takes the caller's struct of from_size bytes as one of size bytes: what it lacks is zero. Errors:
 * -EINVAL, from_size is 0; -E2BIG, it has something beyond size that is not zero. */
int sized_take(void *ret, size_t size, const void *from, size_t from_size);

/* The other way round: what the caller has beyond size is zero. ret may be NULL. */
void sized_give(void *ret, size_t ret_size, const void *from, size_t size);

/* Options, and all they point to, as this library knows them. */
struct sized_options {
    struct haul_options options; /* what it points to is below, or NULL */
    struct haul_tls tls;
    struct haul_redirect redirect;
    struct haul_retry retry;
    struct haul_transport transport;
    struct haul_limits limits;
    struct haul_times times;
    struct haul_auth auth;
};

/* from may be NULL: all defaults. Errors: those of sized_take(), and ret_why says which struct. */
int sized_options_take(struct sized_options *ret, const struct haul_options *from, size_t from_size,
                       struct haul_open_error *ret_why);

#endif
