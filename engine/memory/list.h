#ifndef ENGINE_MEMORY_LIST_H
#define ENGINE_MEMORY_LIST_H

/* Doubly linked lists through what they hold: no memory of their own, and whatever is in one leaves
 * it without a search. The head is a node too, so that no end is a special case. A node that is in
 * no list points to itself, from list_init() on, so that one linked twice is told. */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *next;
    struct list_node *previous;
};

/* What a node is a member of. */
#define LIST_OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list_node *head)
{
    head->next = head;
    head->previous = head;
}

static inline bool list_is_empty(const struct list_node *head)
{
    return head->next == head;
}

/* node is in no list. */
static inline void list_append(struct list_node *head, struct list_node *node)
{
    assert(node->next == node && node->previous == node);
    assert(head->previous->next == head && head->next->previous == head);
    node->next = head;
    node->previous = head->previous;
    head->previous->next = node;
    head->previous = node;
}

/* From whichever list it is in; it is in none then, and may be removed from that again. */
static inline void list_remove(struct list_node *node)
{
    assert(node->previous->next == node && node->next->previous == node);
    node->previous->next = node->next;
    node->next->previous = node->previous;
    list_init(node);
}

/* The first of them; NULL: there is none. */
static inline struct list_node *list_first(const struct list_node *head)
{
    return list_is_empty(head) ? NULL : head->next;
}

#endif
