/* Owns the tags of the loop by which bodies wait for their descriptors. The idea: a tag is had only
 * while there is nothing to read, so that a few serve many. */

#include "engine/http/pipes.h"

#include <assert.h>
#include <poll.h>

void pipes_init(struct pipes *pipes, struct loop *loop, uint32_t first_tag, uint32_t *waiters,
                uint32_t *next, uint32_t count)
{
    *pipes = (struct pipes){.loop = loop, .first_tag = first_tag, .waiters = waiters};
    slab_init(&pipes->slab, next, count);
}

uint32_t pipes_wait(struct pipes *pipes, uint32_t waiter, int fd)
{
    uint32_t pipe = slab_take(&pipes->slab);
    if (pipe == NO_PIPE)
        return NO_PIPE;
    pipes->waiters[pipe] = waiter;
    loop_poll(pipes->loop, pipes->first_tag + pipe, fd, POLLIN);
    return pipe;
}

void pipes_leave(struct pipes *pipes, uint32_t pipe)
{
    loop_unpoll(pipes->loop, pipes->first_tag + pipe);
    slab_give(&pipes->slab, pipe);
}

uint32_t pipes_ready(struct pipes *pipes, uint32_t tag)
{
    uint32_t pipe = tag - pipes->first_tag;
    assert(slab_is_taken(&pipes->slab, pipe));
    uint32_t waiter = pipes->waiters[pipe];
    slab_give(&pipes->slab, pipe);
    return waiter;
}
