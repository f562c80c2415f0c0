/* Owns the table of origins: hashed, of fixed size, and replaced by age once no connection refers
 * to an entry, so that a million hosts need no more memory than there are connections. */

#include "engine/link/origin.h"

#include <assert.h>
#include <string.h>

uint32_t origin_bucket_count(uint32_t count)
{
    uint32_t buckets = 16;
    while (buckets < count)
        buckets *= 2;
    return buckets;
}

void origins_init(struct origins *origins, struct origin *list, uint32_t *buckets, uint32_t count)
{
    *origins = (struct origins){
        .list = list,
        .buckets = buckets,
        .bucket_mask = origin_bucket_count(count) - 1,
        .count = count,
        .oldest = NO_ORIGIN,
        .newest = NO_ORIGIN,
        .last = NO_ORIGIN,
    };
}

void origins_deinit(struct origins *origins)
{
    for (uint32_t i = 0; i < origins->touched; i++)
        explicit_bzero(&origins->list[i].session, sizeof origins->list[i].session);
}

/* FNV-1a, over the folded host and the port. */
static uint32_t hash_of(const struct url *url)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < url->host.length; i++)
        hash = (hash ^ (uint8_t)ascii_lower(url->host.bytes[i])) * 16777619u;
    hash = (hash ^ (url->port & 0xff) ^ (uint32_t)url->is_https << 8) * 16777619u;
    return (hash ^ (url->port >> 8)) * 16777619u;
}

bool origin_is_of(const struct origin *origin, const struct url *url)
{
    struct span host = {origin->host, origin->host_length};
    return origin->port == url->port && origin->is_https == url->is_https &&
           origin->is_anonymous == url->is_anonymous && origin->host_kind == url->host_kind &&
           (span_equal(host, url->host) || span_equal_fold(host, url->host));
}

uint32_t origin_find(struct origins *origins, const struct url *url)
{
    if (origins->last != NO_ORIGIN && origin_is_of(&origins->list[origins->last], url))
        return origins->last;
    uint32_t hash = hash_of(url);
    uint32_t number = origins->buckets[hash & origins->bucket_mask];
    while (number != 0) {
        const struct origin *origin = &origins->list[number - 1];
        assert(number <= origins->touched && origin->next != number);
        if (origin->hash == hash && origin_is_of(origin, url))
            return origins->last = number - 1;
        number = origin->next;
    }
    return NO_ORIGIN;
}

static void bucket_remove(struct origins *origins, uint32_t index)
{
    uint32_t *link = &origins->buckets[origins->list[index].hash & origins->bucket_mask];
    while (*link != index + 1) {
        assert(*link > 0); /* it ends at the one that is looked for */
        link = &origins->list[*link - 1].next;
    }
    *link = origins->list[index].next;
}

static void age_remove(struct origins *origins, uint32_t index)
{
    const struct origin *origin = &origins->list[index];
    struct origin *list = origins->list;
    uint32_t *newer = origin->older == NO_ORIGIN ? &origins->oldest : &list[origin->older].newer;
    uint32_t *older = origin->newer == NO_ORIGIN ? &origins->newest : &list[origin->newer].older;
    assert(*newer == index && *older == index);
    *newer = origin->newer;
    *older = origin->older;
}

static void age_append(struct origins *origins, uint32_t index)
{
    struct origin *origin = &origins->list[index];
    uint32_t newest = origins->newest;
    uint32_t *newer = newest == NO_ORIGIN ? &origins->oldest : &origins->list[newest].newer;
    assert(*newer == NO_ORIGIN && newest != index);
    origin->newer = NO_ORIGIN;
    origin->older = newest;
    *newer = index;
    origins->newest = index;
}

/* An entry that was never used, or the one unused for longest, taken out of its lists. An origin
 * whose addresses are on their way keeps its place: their answer names it. One that has some waits
 * for others no more. */
static uint32_t entry_take(struct origins *origins)
{
    if (origins->touched < origins->count)
        return origins->touched++;
    uint32_t index = origins->oldest;
    while (index != NO_ORIGIN && origins->list[index].state == ORIGIN_RESOLVING)
        index = origins->list[index].newer;
    if (index == NO_ORIGIN)
        return NO_ORIGIN;
    assert(origins->list[index].conns == 0 && origins->list[index].waiting == NO_SLOT);
    if (origins->list[index].lookup != NULL)
        resolver_forget(origins->resolver, origins->list[index].lookup);
    origins->list[index].lookup = NULL;
    age_remove(origins, index);
    bucket_remove(origins, index);
    if (origins->last == index)
        origins->last = NO_ORIGIN;
    return index;
}

/* Takes away the addresses of the other family, where only one is asked for. */
static void keep_family(const struct source *source, struct resolver_addresses *addresses)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < addresses->count && source->family != AF_UNSPEC; i++)
        if (addresses->list[i].any.sa_family == source->family)
            addresses->list[kept++] = addresses->list[i];
    if (source->family != AF_UNSPEC)
        addresses->count = kept;
}

void origin_renew(struct origins *origins, struct origin *origin,
                  const struct resolver_addresses *addresses)
{
    struct resolver_addresses allowed = *addresses;
    keep_family(&origins->source, &allowed);
    origin->is_denied = deny_filter(&origins->deny, &allowed);
    places_renew(&origin->places, &allowed);
}

/* Addresses that are given, those of literals, and those of localhost are known from the start. */
static void origin_aim(struct origins *origins, struct origin *origin)
{
    struct reroute_target *target = &origin->target;
    *target = (struct reroute_target){origin->host, origin->host_kind, origin->port};
    const struct reroute_addresses *given = reroute_find(&origins->reroute, target);
    struct resolver_addresses literal;
    if (given) {
        origin_renew(origins, origin, &given->addresses);
        origin->expires_ns = given->expires_ns;
        origin->state = ORIGIN_KNOWN;
    } else if (resolver_literal(target->host, target->kind, target->port, &literal)) {
        origin_renew(origins, origin, &literal);
        origin->expires_ns = UINT64_MAX;
        origin->state = ORIGIN_KNOWN;
    }
}

static void origin_fill(struct origins *origins, struct origin *origin, const struct url *url)
{
    *origin = (struct origin){
        .hash = hash_of(url),
        .idle = NO_SLOT,
        .waiting = NO_SLOT,
        .held = NO_SLOT,
        .host_kind = url->host_kind,
        .port = url->port,
        .is_https = url->is_https,
        .is_anonymous = url->is_anonymous,
        .host_length = (uint8_t)url->host.length,
    };
    for (size_t i = 0; i < url->host.length; i++)
        origin->host[i] = ascii_lower(url->host.bytes[i]);
    origin_aim(origins, origin);
}

uint32_t origin_acquire(struct origins *origins, const struct url *url)
{
    uint32_t index = origin_find(origins, url);
    if (index != NO_ORIGIN) {
        if (origins->list[index].conns++ == 0)
            age_remove(origins, index);
        return index;
    }
    index = entry_take(origins);
    if (index == NO_ORIGIN)
        return NO_ORIGIN;
    struct origin *origin = &origins->list[index];
    origin_fill(origins, origin, url);
    origin->conns = 1;
    origin->next = origins->buckets[origin->hash & origins->bucket_mask];
    origins->buckets[origin->hash & origins->bucket_mask] = index + 1;
    return origins->last = index;
}

void origin_share(struct origins *origins, uint32_t index)
{
    assert(origins->list[index].conns > 0);
    origins->list[index].conns++;
}

void origin_release(struct origins *origins, uint32_t index)
{
    const struct origin *origin = &origins->list[index];
    assert(index < origins->touched && origin->conns > 0);
    if (--origins->list[index].conns > 0)
        return;
    assert(origin->idle == NO_SLOT && origin->waiting == NO_SLOT);
    age_append(origins, index);
}
