#ifndef ENGINE_HTTP_PIPES_H
#define ENGINE_HTTP_PIPES_H

/* Who waits for a descriptor that a body comes from: a tag of the loop's each. */

#include "engine/link/link.h"
#include "engine/memory/slab.h"

#include <stdbool.h>
#include <stdint.h>

#define NO_PIPE SLAB_NONE

struct pipes {
    struct loop *loop;
    uint32_t first_tag;
    struct slab slab;
    uint32_t *waiters; /* by slot of the slab */
};

/* waiters and next: room for count; the loop's tags from first_tag on are for them. */
void pipes_init(struct pipes *pipes, struct loop *loop, uint32_t first_tag, uint32_t *waiters,
                uint32_t *next, uint32_t count);

/* Until fd can be read, or has ended. NO_PIPE: so many wait already. */
uint32_t pipes_wait(struct pipes *pipes, uint32_t waiter, int fd);

/* Before fd may be closed. */
void pipes_leave(struct pipes *pipes, uint32_t pipe);

/* Of a LOOP_READY: who has waited, and does no more. */
uint32_t pipes_ready(struct pipes *pipes, uint32_t tag);

#endif
