#ifndef ENGINE_MEMORY_DEADLINE_H
#define ENGINE_MEMORY_DEADLINE_H

/* The deadlines of ids 0 … count - 1, at most one each. Setting one later and clearing one cost a
 * store: the id stays filed where it is until its place in the wheel comes round. Times are
 * CLOCK_MONOTONIC nanoseconds. A deadline never expires early, and late by at most
 * DEADLINE_TICK_NS. */

#include <stdbool.h>
#include <stdint.h>

#define DEADLINE_TICK_NS UINT64_C(10000000)
#define DEADLINE_NEVER UINT64_MAX

/* Seven digits of six bits count every tick that 64 bits of nanoseconds can name. */
enum { DEADLINE_LEVELS = 7, DEADLINE_DIGIT_BITS = 6, DEADLINE_BUCKETS = 7 * 64 };

struct deadline_entry {
    uint64_t due_ns;
    uint32_t next; /* of the same bucket */
    uint32_t previous;
    uint32_t bucket; /* counts from 1; 0: not filed */
};

struct deadlines {
    struct deadline_entry *entries;
    uint32_t count;
    uint32_t draining;                /* the bucket being emptied; counts from 1; 0: none */
    uint64_t tick;                    /* everything due before it has been handed out */
    uint64_t filled[DEADLINE_LEVELS]; /* a bit for each bucket that is not empty */
    uint32_t first[DEADLINE_BUCKETS];
};

/* entries: room for count, zero-filled, the caller's; nothing is written to it here. */
void deadline_init(struct deadlines *deadlines, struct deadline_entry *entries, uint32_t count,
                   uint64_t now_ns);

/* Replaces id's deadline. A time that has passed is a deadline too; DEADLINE_NEVER clears. */
void deadline_set(struct deadlines *deadlines, uint32_t id, uint64_t time_ns);

/* Replaces id's deadline by one that nobody needs to be told of in time: it may expire late, or
 * never, and deadline_has_come() is to be asked. */
static inline void deadline_note(struct deadlines *deadlines, uint32_t id, uint64_t time_ns)
{
    deadlines->entries[id].due_ns = time_ns;
}

/* Has the deadline of id come, of which deadline_expired() may not have told yet? */
static inline bool deadline_has_come(const struct deadlines *deadlines, uint32_t id,
                                     uint64_t now_ns)
{
    return deadlines->entries[id].due_ns <= now_ns;
}

/* id has no deadline any more; harmless where it has none. */
void deadline_clear(struct deadlines *deadlines, uint32_t id);

/* Has it one that has not come yet? */
static inline bool deadline_is_set(const struct deadlines *deadlines, uint32_t id)
{
    return deadlines->entries[id].bucket != 0 && deadlines->entries[id].due_ns != DEADLINE_NEVER;
}

/* Takes one id whose deadline has come, which clears it; false: there is none (left). now_ns must
 * not go back. */
bool deadline_expired(struct deadlines *deadlines, uint64_t now_ns, uint32_t *ret_id);

/* When deadline_expired() should be called next, though it may find nothing then; DEADLINE_NEVER:
 * not before something is set. */
uint64_t deadline_next_ns(const struct deadlines *deadlines);

#endif
