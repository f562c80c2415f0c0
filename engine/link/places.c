/* Owns the order of an origin's addresses, and the sets of those that were tried. A set holds the
 * addresses themselves, not where they stand: another request's success moves them, another answer
 * replaces them, and what was tried stays tried. */

#include "engine/link/places.h"

#include <assert.h>
#include <string.h>

_Static_assert(TRIED_MAX <= 16, "a bit each in given_up");

/* --- the order -------------------------------------------------------------------------------- */

static bool is_same(const union resolver_address *one, const union resolver_address *other)
{
    return memcmp(one, other, sizeof *one) == 0;
}

/* RESOLVER_ADDRESSES_MAX: it is not there. */
static uint32_t place_find(const struct places *places, const union resolver_address *address)
{
    for (uint32_t i = 0; i < places->addresses.count; i++)
        if (is_same(&places->addresses.list[i], address))
            return i;
    return RESOLVER_ADDRESSES_MAX;
}

/* Once, though an answer may name it twice. */
static void place_append(struct places *places, const union resolver_address *address, uint8_t rank)
{
    if (place_find(places, address) != RESOLVER_ADDRESSES_MAX)
        return;
    places->ranks[places->addresses.count] = rank;
    places->addresses.list[places->addresses.count++] = *address;
}

void places_renew(struct places *places, const struct resolver_addresses *addresses)
{
    struct places new = {.addresses.ttl_s = addresses->ttl_s};
    struct places answer = {.addresses = *addresses};
    for (uint32_t i = 0; i < places->addresses.count; i++) {
        uint32_t at = place_find(&answer, &places->addresses.list[i]);
        if (at == RESOLVER_ADDRESSES_MAX)
            continue;
        answer.ranks[at] = places->ranks[i];
        if (places->ranks[i] == PLACE_PROVEN)
            place_append(&new, &addresses->list[at], PLACE_PROVEN);
    }
    for (int rank = PLACE_UNKNOWN; rank <= PLACE_BAD; rank++)
        for (uint32_t i = 0; i < addresses->count && rank != PLACE_PROVEN; i++)
            if (answer.ranks[i] == rank)
                place_append(&new, &addresses->list[i], (uint8_t)rank);
    *places = new;
}

/* To the front, or to the end. */
static void place_move(struct places *places, uint32_t from, uint32_t to)
{
    union resolver_address address = places->addresses.list[from];
    int step = from < to ? 1 : -1;
    for (uint32_t i = from; i != to; i += (uint32_t)step) {
        places->addresses.list[i] = places->addresses.list[i + (uint32_t)step];
        places->ranks[i] = places->ranks[i + (uint32_t)step];
    }
    places->addresses.list[to] = address;
}

void places_rank(struct places *places, const union resolver_address *address, enum place_rank rank)
{
    uint32_t at = place_find(places, address);
    if (at == RESOLVER_ADDRESSES_MAX)
        return;
    uint32_t to = rank == PLACE_BAD ? places->addresses.count - 1 : 0;
    if (rank != PLACE_UNKNOWN)
        place_move(places, at, to);
    places->ranks[rank == PLACE_UNKNOWN ? at : to] = (uint8_t)rank;
}

bool places_have_proven(const struct places *places)
{
    for (uint32_t i = 0; i < places->addresses.count; i++)
        if (places->ranks[i] == PLACE_PROVEN)
            return true;
    return false;
}

/* --- what was tried --------------------------------------------------------------------------- */

static struct place place_of(const union resolver_address *address)
{
    struct place place = {0};
    if (address->any.sa_family == AF_INET6) {
        place.ip = address->ipv6.sin6_addr;
        place.zone = address->ipv6.sin6_scope_id;
        return place;
    }
    place.ip.s6_addr[10] = place.ip.s6_addr[11] = 0xff;
    memcpy(&place.ip.s6_addr[12], &address->ipv4.sin_addr, sizeof address->ipv4.sin_addr);
    return place;
}

static struct place *tried_at(const struct tried *tried, uint32_t i)
{
    return i == 0 ? (struct place *)(uintptr_t)&tried->first : &tried->further[i - 1];
}

/* TRIED_MAX: it is not there. */
static uint32_t tried_find(const struct tried *tried, const union resolver_address *address)
{
    struct place place = place_of(address);
    for (uint32_t i = 0; i < tried->count; i++)
        if (memcmp(tried_at(tried, i), &place, sizeof place) == 0)
            return i;
    return TRIED_MAX;
}

void tried_reset(struct tried *tried, struct place *further)
{
    tried->further = further;
    tried->last = (struct failure){0};
    tried->count = tried->round = 0;
    tried->given_up = 0;
}

void tried_add(struct tried *tried, const union resolver_address *address)
{
    assert(tried->count < TRIED_MAX && tried_find(tried, address) == TRIED_MAX);
    *tried_at(tried, tried->count++) = place_of(address);
}

/* The last takes its place. */
static void remove_at(struct tried *tried, uint32_t at)
{
    uint32_t last = --tried->count;
    uint32_t is_given_up = tried->given_up >> last & 1;
    *tried_at(tried, at) = *tried_at(tried, last);
    tried->given_up &= (uint16_t) ~(1u << at | 1u << last);
    if (at != last)
        tried->given_up |= (uint16_t)(is_given_up << at);
}

void tried_remove(struct tried *tried, const union resolver_address *address)
{
    uint32_t at = tried_find(tried, address);
    if (at != TRIED_MAX)
        remove_at(tried, at);
}

void tried_give_up(struct tried *tried, const union resolver_address *address)
{
    uint32_t at = tried_find(tried, address);
    if (at != TRIED_MAX)
        tried->given_up |= (uint16_t)(1u << at);
}

const union resolver_address *places_next(const struct places *places, const struct tried *tried)
{
    for (uint32_t i = 0; i < places->addresses.count && tried->count < TRIED_MAX; i++)
        if (tried_find(tried, &places->addresses.list[i]) == TRIED_MAX)
            return &places->addresses.list[i];
    return NULL;
}

bool tried_begin_round(struct tried *tried)
{
    bool has_any = tried_has_round(tried);
    for (uint32_t i = tried->count; i-- > 0;)
        if (tried->given_up >> i & 1)
            remove_at(tried, i);
    tried->round += has_any;
    return has_any;
}

/* --- crowds ----------------------------------------------------------------------------------- */

static uint32_t *bucket_of(const struct crowds *crowds, const struct place *place)
{
    uint32_t hash = 2166136261u ^ place->zone;
    for (size_t i = 0; i < sizeof place->ip; i++)
        hash = (hash ^ place->ip.s6_addr[i]) * 16777619u;
    return &crowds->buckets[(hash ^ hash >> 16) & crowds->bucket_mask];
}

static bool is_place(const struct place *one, const struct place *other)
{
    return one->zone == other->zone && memcmp(&one->ip, &other->ip, sizeof one->ip) == 0;
}

/* Counted from 1, as they are linked; 0: there is none. */
static uint32_t crowd_find(const struct crowds *crowds, const struct place *place)
{
    uint32_t number = *bucket_of(crowds, place);
    while (number != 0 && !is_place(&crowds->list[number - 1].place, place))
        number = crowds->list[number - 1].next;
    return number;
}

uint32_t crowds_full(const struct crowds *crowds, const union resolver_address *address)
{
    if (crowds->most == 0)
        return NO_CROWD;
    struct place place = place_of(address);
    uint32_t number = crowd_find(crowds, &place);
    bool is_full = number != 0 && crowds->list[number - 1].count >= crowds->most;
    return is_full ? number - 1 : NO_CROWD;
}

void crowds_join(struct crowds *crowds, uint32_t slot, const union resolver_address *address)
{
    if (crowds->most == 0)
        return;
    struct place place = place_of(address);
    uint32_t number = crowd_find(crowds, &place);
    if (number == 0) {
        number = crowds->free ? crowds->free : ++crowds->touched;
        struct crowd *crowd = &crowds->list[number - 1];
        uint32_t *bucket = bucket_of(crowds, &place);
        crowds->free = crowds->free ? crowd->next : 0;
        *crowd = (struct crowd){.place = place, .next = *bucket};
        *bucket = number;
    }
    assert(crowds->of_slot[slot] == 0 && crowds->list[number - 1].count < crowds->most);
    crowds->list[number - 1].count++;
    crowds->of_slot[slot] = number;
}

uint32_t crowds_leave(struct crowds *crowds, uint32_t slot)
{
    uint32_t number = crowds->most ? crowds->of_slot[slot] : 0;
    if (number == 0)
        return NO_CROWD;
    struct crowd *crowd = &crowds->list[number - 1];
    crowds->of_slot[slot] = 0;
    assert(crowd->count > 0);
    if (--crowd->count > 0)
        return number - 1;
    uint32_t *link = bucket_of(crowds, &crowd->place);
    while (*link != number)
        link = &crowds->list[*link - 1].next;
    *link = crowd->next;
    crowd->next = crowds->free;
    crowds->free = number;
    return number - 1;
}

const union resolver_address *places_next_free(const struct places *places,
                                               const struct tried *tried,
                                               const struct crowds *crowds, uint32_t *ret_full)
{
    *ret_full = NO_CROWD;
    for (uint32_t i = 0; i < places->addresses.count && tried->count < TRIED_MAX; i++) {
        const union resolver_address *address = &places->addresses.list[i];
        if (tried_find(tried, address) != TRIED_MAX)
            continue;
        uint32_t full = crowds_full(crowds, address);
        if (full == NO_CROWD)
            return address;
        *ret_full = *ret_full == NO_CROWD ? full : *ret_full;
    }
    return NULL;
}
