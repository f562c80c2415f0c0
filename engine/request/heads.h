#ifndef ENGINE_REQUEST_HEADS_H
#define ENGINE_REQUEST_HEADS_H

/* Who waits while the pieces for long heads are short, by connection slot. As with pressure.h it is
 * told what happens, and says whose turn it is; it does nothing itself. */

#include "engine/memory/list.h"
#include "engine/memory/slab.h"

#include <stdbool.h>
#include <stdint.h>

struct heads {
    struct list_node *nodes; /* by slot; next is NULL: it does not wait */
    struct list_node line;
    uint32_t count; /* that wait */
};

/* How things stand. */
struct heads_view {
    uint32_t pieces_left;
    uint32_t current; /* the slot of the request whose turn it is; NO_SLOT: it has none */
    bool is_unordered;
};

/* nodes: one a slot, zero-filled, the caller's. */
void heads_init(struct heads *heads, struct list_node *nodes);

/* May the slot have a piece, now that it asks for one? Else it is to wait. */
bool heads_may_take(const struct heads *heads, const struct heads_view *view, uint32_t slot);

/* Behind all others; or before them, where it had its turn and could not come to its end. */
void heads_wait(struct heads *heads, uint32_t slot);
void heads_wait_first(struct heads *heads, uint32_t slot);

static inline bool heads_is_waiting(const struct heads *heads, uint32_t slot)
{
    return heads->count > 0 && heads->nodes[slot].next;
}

/* It waits no more, if it did. */
void heads_leave(struct heads *heads, uint32_t slot);

/* Is there a piece for it, who waits or not? */
bool heads_has_piece(const struct heads_view *view, uint32_t slot);

/* Whose turn it is of those that wait: the current one's, or the first's; NO_SLOT: none waits. */
uint32_t heads_next(const struct heads *heads, const struct heads_view *view);

#endif
