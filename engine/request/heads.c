/* Owns the line of those whose head is longer than a block, while the pieces for such heads are
 * short.
 *
 * The hard idea: in order, results that are kept with their heads wait for the one whose turn it
 * is, and hold their pieces meanwhile. So the last piece is for that one alone: it can always go
 * on, and with it, in the end, all. Out of order none waits for another. */

#include "engine/request/heads.h"

#include <assert.h>

void heads_init(struct heads *heads, struct list_node *nodes)
{
    *heads = (struct heads){.nodes = nodes};
    list_init(&heads->line);
}

bool heads_has_piece(const struct heads_view *view, uint32_t slot)
{
    bool may_take_last = view->is_unordered || slot == view->current;
    return view->pieces_left > (may_take_last ? 0 : 1);
}

/* None overtakes those that wait, but for the current one. */
bool heads_may_take(const struct heads *heads, const struct heads_view *view, uint32_t slot)
{
    return heads_has_piece(view, slot) && (heads->count == 0 || slot == view->current);
}

static void insert(struct heads *heads, uint32_t slot, struct list_node *before)
{
    assert(!heads->nodes[slot].next);
    list_init(&heads->nodes[slot]);
    list_append(before, &heads->nodes[slot]);
    heads->count++;
}

void heads_wait(struct heads *heads, uint32_t slot)
{
    insert(heads, slot, &heads->line);
}

void heads_wait_first(struct heads *heads, uint32_t slot)
{
    insert(heads, slot, heads->line.next);
}

void heads_leave(struct heads *heads, uint32_t slot)
{
    if (!heads_is_waiting(heads, slot))
        return;
    list_remove(&heads->nodes[slot]);
    heads->nodes[slot].next = NULL;
    heads->count--;
}

uint32_t heads_next(const struct heads *heads, const struct heads_view *view)
{
    if (heads->count == 0)
        return NO_SLOT;
    if (view->current != NO_SLOT && heads_is_waiting(heads, view->current))
        return view->current;
    return (uint32_t)(heads->line.next - heads->nodes);
}
