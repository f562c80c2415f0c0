/* Owns the names that are taken: an open hash table of their hashes. The idea: a name that is asked
 * for often remembers how far its numbers have come, so that the thousandth is as cheap as the
 * second. Two names of one hash cost the later of them a number that it did not need. */

#include "tools/output/names.h"
#include "tools/input/filename.h"
#include "tools/output/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name_slot {
    uint64_t hash; /* 0: free */
    uint64_t next; /* the number to try next */
};

enum { CAPACITY_MIN = 64 };

void names_deinit(struct names *names)
{
    free(names->slots);
    *names = (struct names){0};
}

/* FNV-1a of the last segment, the place and its bits mixed in; never 0. */
static uint64_t hash_of(uint64_t place, const char *path)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ place * UINT64_C(0x9e3779b97f4a7c15);
    for (const char *text = path + path_directory_length(path); *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    hash ^= hash >> 32;
    return hash != 0 ? hash : 1;
}

static struct name_slot *slot_find(struct name_slot *slots, size_t capacity, uint64_t hash)
{
    size_t at = hash & (capacity - 1);
    while (slots[at].hash != 0 && slots[at].hash != hash)
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

/* At most half of the slots are taken. */
static int names_grow(struct names *names)
{
    if (2 * (names->count + 1) <= names->capacity)
        return 0;
    size_t capacity = names->capacity > 0 ? 2 * names->capacity : CAPACITY_MIN;
    struct name_slot *slots = calloc(capacity, sizeof(*slots));
    if (slots == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < names->capacity; i++)
        if (names->slots[i].hash != 0)
            *slot_find(slots, capacity, names->slots[i].hash) = names->slots[i];
    free(names->slots);
    names->slots = slots;
    names->capacity = capacity;
    return 0;
}

/* 1: it was free, and is taken now; 0: it was taken; else a negative errno. */
static int take(struct names *names, uint64_t place, const char *path)
{
    int error = names_grow(names);
    if (error < 0)
        return error;
    uint64_t hash = hash_of(place, path);
    struct name_slot *slot = slot_find(names->slots, names->capacity, hash);
    if (slot->hash != 0)
        return 0;
    *slot = (struct name_slot){.hash = hash, .next = 1};
    names->count++;
    return 1;
}

/* Where the suffix begins: at the path's end, or before it where the last segment would be too
 * long. */
static char *suffix_at(char *path, size_t suffix_length)
{
    char *end = path + strlen(path);
    char *slash = strrchr(path, '/');
    char *last = slash != NULL ? slash + 1 : path;
    size_t most = FILENAME_BYTES_MAX - suffix_length;
    return (size_t)(end - last) > most ? last + most : end;
}

int names_take(struct names *names, uint64_t place, char *path)
{
    int is_free = take(names, place, path);
    uint64_t hash = hash_of(place, path);
    while (is_free == 0) {
        char suffix[NAMES_SUFFIX_BYTES];
        struct name_slot *slot = slot_find(names->slots, names->capacity, hash);
        int length = snprintf(suffix, sizeof(suffix), ".%llu", (unsigned long long)slot->next++);
        char kept[NAMES_SUFFIX_BYTES] = "", *at = suffix_at(path, (size_t)length);
        snprintf(kept, sizeof(kept), "%s", at);
        memcpy(at, suffix, (size_t)length + 1);
        is_free = take(names, place, path);
        if (is_free == 0)
            memcpy(at, kept, strlen(kept) + 1);
    }
    return is_free < 0 ? is_free : 0;
}

bool names_have(const struct names *names, uint64_t place, const char *path)
{
    return names->capacity > 0 &&
           slot_find(names->slots, names->capacity, hash_of(place, path))->hash != 0;
}
