#ifndef ENGINE_LOOP_BULK_H
#define ENGINE_LOOP_BULK_H

/* The slots on which much is to come, for both loops: when a socket is to be readable only with
 * many bytes in it, and when with one again. */

#include "engine/loop/loop.h"

#include <stdbool.h>
#include <stdint.h>

enum { BULK_BYTES = 131072 }; /* in a socket, before it is readable */

/* How often a loop calls bulks_look() where there are any: what a stalling peer has sent comes
 * behind two of these at the latest. */
#define BULK_LOOK_NS (LOOP_STALL_NS / 2)

struct bulk {
    uint64_t left;  /* to come; below LOOP_MUCH_BYTES: it is in no list */
    uint64_t moved; /* since the last look */
    uint32_t next;
    uint32_t previous;
    int fd;
    bool is_held; /* it is readable with BULK_BYTES only */
};

struct bulks {
    struct bulk *list; /* by slot; touched where much has come */
    uint32_t first;
};

/* 0, or -ENOMEM. What is zero-filled may be given to bulks_deinit(). */
int bulks_init(struct bulks *bulks, uint32_t slots);
void bulks_deinit(struct bulks *bulks);

static inline bool bulks_are_none(const struct bulks *bulks)
{
    return bulks->first == UINT32_MAX;
}

/* So much is to come on a slot: from now on, or anew. */
void bulk_begin(struct bulks *bulks, uint32_t slot, int fd, uint64_t length);

/* Of slots of which bulk_begin() was told, and harmless where nothing more is to come: so much has
 * come, or the descriptor is to be closed. */
void bulk_received(struct bulks *bulks, uint32_t slot, uint32_t length);
void bulk_end(struct bulks *bulks, uint32_t slot);

/* Whose bytes have not moved since the last look is readable with one of them, until as many come
 * within one look as it would wait for. */
void bulks_look(struct bulks *bulks);

#endif
