/* A timer wheel of seven levels. A tick is a number of seven digits to the base of 64; a deadline
 * is filed under the highest digit in which its tick differs from the wheel's, so that every bucket
 * of a level comes before every bucket of the level above, and no bucket ever holds two rounds.
 *
 * The hard idea is laziness: an entry may lie in any bucket that begins no later than it is due.
 * Coming to a bucket means looking at the due time, and refiling what has been put off. A request
 * that ends well within its timeout has then cost two stores and no list work. */

#include "engine/memory/deadline.h"

#include <assert.h>

enum { DIGIT_MASK = (1 << DEADLINE_DIGIT_BITS) - 1 };

#define NO_ID UINT32_MAX

static uint64_t tick_of(uint64_t time_ns)
{
    return time_ns / DEADLINE_TICK_NS + (time_ns % DEADLINE_TICK_NS != 0);
}

static uint32_t bucket_of(const struct deadlines *deadlines, uint64_t tick)
{
    uint64_t difference = tick ^ deadlines->tick;
    uint32_t level = (63 - (uint32_t)__builtin_clzll(difference | 1)) / DEADLINE_DIGIT_BITS;
    uint32_t digit = (tick >> level * DEADLINE_DIGIT_BITS) & DIGIT_MASK;

    return (level << DEADLINE_DIGIT_BITS | digit) + 1;
}

static uint64_t *bucket_word(struct deadlines *deadlines, uint32_t bucket)
{
    return &deadlines->filled[(bucket - 1) >> DEADLINE_DIGIT_BITS];
}

static uint64_t bucket_bit(uint32_t bucket)
{
    return UINT64_C(1) << ((bucket - 1) & DIGIT_MASK);
}

/* The digits above the bucket's own are the wheel's, those below are zero. */
static uint64_t bucket_start(const struct deadlines *deadlines, uint32_t bucket)
{
    uint32_t shift = ((bucket - 1) >> DEADLINE_DIGIT_BITS) * DEADLINE_DIGIT_BITS;
    uint64_t digit = (bucket - 1) & DIGIT_MASK;
    uint64_t above = deadlines->tick >> shift >> DEADLINE_DIGIT_BITS;

    return (above << DEADLINE_DIGIT_BITS | digit) << shift;
}

static void file(struct deadlines *deadlines, uint32_t id)
{
    struct deadline_entry *entry = &deadlines->entries[id];
    uint64_t tick = tick_of(entry->due_ns);

    assert(entry->bucket == 0);
    entry->bucket = bucket_of(deadlines, tick > deadlines->tick ? tick : deadlines->tick);
    assert(entry->bucket <= DEADLINE_BUCKETS);
    uint64_t *word = bucket_word(deadlines, entry->bucket);
    uint64_t bit = bucket_bit(entry->bucket);
    uint32_t *first = &deadlines->first[entry->bucket - 1];

    entry->next = *word & bit ? *first : NO_ID;
    entry->previous = NO_ID;
    if (entry->next != NO_ID) {
        assert(entry->next != id && deadlines->entries[entry->next].previous == NO_ID);
        assert(deadlines->entries[entry->next].bucket == entry->bucket);
        deadlines->entries[entry->next].previous = id;
    }
    *first = id;
    *word |= bit;
}

/* Its bucket has it, and its neighbours know it. */
static bool is_filed_well(const struct deadlines *deadlines, uint32_t id)
{
    const struct deadline_entry *entry = &deadlines->entries[id];
    if (entry->bucket == 0 || entry->bucket > DEADLINE_BUCKETS)
        return false;
    if (entry->next != NO_ID && deadlines->entries[entry->next].previous != id)
        return false;
    if (entry->previous != NO_ID)
        return deadlines->entries[entry->previous].next == id;
    return deadlines->first[entry->bucket - 1] == id;
}

static void empty_bucket(struct deadlines *deadlines, uint32_t bucket)
{
    *bucket_word(deadlines, bucket) &= ~bucket_bit(bucket);
    if (deadlines->draining == bucket)
        deadlines->draining = 0;
}

static void unfile(struct deadlines *deadlines, uint32_t id)
{
    struct deadline_entry *entry = &deadlines->entries[id];

    assert(is_filed_well(deadlines, id));
    if (entry->next != NO_ID)
        deadlines->entries[entry->next].previous = entry->previous;
    if (entry->previous != NO_ID)
        deadlines->entries[entry->previous].next = entry->next;
    else if (entry->next != NO_ID)
        deadlines->first[entry->bucket - 1] = entry->next;
    else
        empty_bucket(deadlines, entry->bucket);
    entry->bucket = 0;
}

/* A bucket once begun is emptied first: what it refiles goes to lower levels, ahead of its rest. */
static uint32_t next_bucket(const struct deadlines *deadlines)
{
    if (deadlines->draining != 0)
        return deadlines->draining;
    for (uint32_t level = 0; level < DEADLINE_LEVELS; level++)
        if (deadlines->filled[level] != 0)
            return (level << DEADLINE_DIGIT_BITS |
                    (uint32_t)__builtin_ctzll(deadlines->filled[level])) +
                   1;
    return 0;
}

void deadline_init(struct deadlines *deadlines, struct deadline_entry *entries, uint32_t count,
                   uint64_t now_ns)
{
    assert(count < NO_ID);
    *deadlines = (struct deadlines){
        .entries = entries,
        .count = count,
        .tick = now_ns / DEADLINE_TICK_NS,
    };
}

void deadline_set(struct deadlines *deadlines, uint32_t id, uint64_t time_ns)
{
    assert(id < deadlines->count);
    struct deadline_entry *entry = &deadlines->entries[id];

    entry->due_ns = time_ns;
    if (time_ns == DEADLINE_NEVER)
        return;
    if (entry->bucket != 0) {
        if (bucket_start(deadlines, entry->bucket) * DEADLINE_TICK_NS <= time_ns)
            return;
        unfile(deadlines, id);
    }
    file(deadlines, id);
}

void deadline_clear(struct deadlines *deadlines, uint32_t id)
{
    deadline_set(deadlines, id, DEADLINE_NEVER);
}

bool deadline_expired(struct deadlines *deadlines, uint64_t now_ns, uint32_t *ret_id)
{
    uint64_t now = now_ns / DEADLINE_TICK_NS;
    uint32_t bucket;

    while ((bucket = next_bucket(deadlines)) != 0 && bucket_start(deadlines, bucket) <= now) {
        uint32_t id = deadlines->first[bucket - 1];
        struct deadline_entry *entry = &deadlines->entries[id];

        assert(id < deadlines->count && entry->bucket == bucket);
        deadlines->tick = bucket_start(deadlines, bucket);
        deadlines->draining = bucket;
        unfile(deadlines, id);
        if (entry->due_ns <= now_ns) {
            entry->due_ns = DEADLINE_NEVER;
            *ret_id = id;
            return true;
        }
        if (entry->due_ns != DEADLINE_NEVER)
            file(deadlines, id);
    }
    /* No bucket lies between, so that none changes its level by this. */
    if (deadlines->tick < now)
        deadlines->tick = now;
    return false;
}

uint64_t deadline_next_ns(const struct deadlines *deadlines)
{
    uint32_t bucket = next_bucket(deadlines);

    return bucket == 0 ? DEADLINE_NEVER : bucket_start(deadlines, bucket) * DEADLINE_TICK_NS;
}
