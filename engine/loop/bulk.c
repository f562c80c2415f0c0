/* Owns SO_RCVLOWAT of the sockets on which much is to come: a wake-up, and what follows from it,
 * then is for BULK_BYTES and not for each segment.
 *
 * The hard idea is that a peer may stall anywhere, and what it has sent must come all the same. So
 * it is done only while more is to come than a socket would wait for, and who has a slot in the
 * list is looked at again and again: where nothing has come from one look to the next, its socket
 * is readable with one byte. Saying so wakes who waits for it (tcp_set_rcvlowat()). A kernel whose
 * receive buffer is too small for so many bytes wakes its reader when that is full. */

#include "engine/loop/bulk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define NO_SLOT UINT32_MAX

static_assert(BULK_BYTES + LOOP_BUFFER_BYTES <= LOOP_MUCH_BYTES, "more is to come than waited for");

int bulks_init(struct bulks *bulks, uint32_t slots)
{
    bulks->first = NO_SLOT;
    bulks->list = calloc(slots, sizeof *bulks->list);
    return bulks->list ? 0 : -ENOMEM;
}

void bulks_deinit(struct bulks *bulks)
{
    free(bulks->list);
}

static bool is_in_list(const struct bulk *bulk)
{
    return bulk->left >= LOOP_MUCH_BYTES;
}

static bool hold(struct bulk *bulk, bool is_held)
{
    const int bytes = is_held ? BULK_BYTES : 1;
    bulk->is_held = is_held;
    return setsockopt(bulk->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes) == 0;
}

void bulk_end(struct bulks *bulks, uint32_t slot)
{
    struct bulk *bulk = &bulks->list[slot];
    if (!is_in_list(bulk))
        return;
    bulk->left = 0;
    if (bulk->next != NO_SLOT)
        bulks->list[bulk->next].previous = bulk->previous;
    if (bulk->previous != NO_SLOT)
        bulks->list[bulk->previous].next = bulk->next;
    else
        bulks->first = bulk->next;
}

void bulk_begin(struct bulks *bulks, uint32_t slot, int fd, uint64_t length)
{
    struct bulk *bulk = &bulks->list[slot];
    bulk_end(bulks, slot);
    if (length < LOOP_MUCH_BYTES)
        return;
    *bulk = (struct bulk){.left = length, .fd = fd, .next = bulks->first, .previous = NO_SLOT};
    if (!hold(bulk, true)) { /* the socket knows no such thing */
        bulk->left = 0;
        return;
    }
    if (bulks->first != NO_SLOT)
        bulks->list[bulks->first].previous = slot;
    bulks->first = slot;
}

void bulk_received(struct bulks *bulks, uint32_t slot, uint32_t length)
{
    struct bulk *bulk = &bulks->list[slot];
    if (!is_in_list(bulk))
        return;
    bulk->moved += length;
    if (bulk->left >= length + (uint64_t)LOOP_MUCH_BYTES) {
        bulk->left -= length;
        return;
    }
    if (bulk->is_held)
        hold(bulk, false);
    bulk_end(bulks, slot);
}

void bulks_look(struct bulks *bulks)
{
    for (uint32_t slot = bulks->first; slot != NO_SLOT; slot = bulks->list[slot].next) {
        struct bulk *bulk = &bulks->list[slot];
        if (bulk->is_held ? bulk->moved == 0 : bulk->moved >= BULK_BYTES)
            hold(bulk, !bulk->is_held);
        bulk->moved = 0;
    }
}
