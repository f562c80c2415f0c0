/* Owns the table of hosts: hashed, of fixed size, replaced by age. The hard idea: a host is known
 * by 64 bits of a hash with a seed of the run's own, so that an entry is small and many are
 * remembered; should two ever have the same they share their limits, and neither sees too much. */

#include "engine/request/schedule/hosts.h"
#include "engine/request/fetch.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

uint32_t hosts_bucket_count(uint32_t count)
{
    uint32_t buckets = 16;
    while (buckets < count)
        buckets *= 2;
    return buckets;
}

void hosts_init(struct hosts *hosts, struct host *list, uint32_t *buckets, uint32_t count,
                uint64_t seed)
{
    *hosts = (struct hosts){
        .list = list,
        .buckets = buckets,
        .bucket_mask = hosts_bucket_count(count) - 1,
        .count = count,
        .oldest = NO_HOST,
        .newest = NO_HOST,
        .last = NO_HOST,
        .seed = seed,
    };
}

/* --- what names it ---------------------------------------------------------------------------- */

/* FNV-1a of 64 bits. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * UINT64_C(1099511628211);
    return hash;
}

static uint64_t hash_folded(uint64_t hash, struct span text)
{
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (uint8_t)ascii_lower(text.bytes[i])) * UINT64_C(1099511628211);
    return hash;
}

/* By its bytes: an address may be written in many ways, and one of IPv4 as mapped into IPv6. */
static uint64_t hash_address(uint64_t hash, struct span host)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[URL_HOST_BYTES_MAX + 1];
    struct in_addr ipv4;
    struct in6_addr ipv6;
    const char *zone = memchr(host.bytes, '%', host.length);
    size_t length = zone ? (size_t)(zone - host.bytes) : host.length;
    memcpy(text, host.bytes, length);
    text[length] = '\0';
    if (inet_pton(AF_INET, text, &ipv4) == 1)
        return hash_bytes(hash, &ipv4, sizeof ipv4);
    if (inet_pton(AF_INET6, text, &ipv6) != 1)
        return hash_folded(hash, host);
    if (memcmp(&ipv6, mapped, sizeof mapped) == 0)
        return hash_bytes(hash, &ipv6.s6_addr[sizeof mapped], sizeof ipv4);
    hash = hash_bytes(hash, &ipv6, sizeof ipv6);
    return hash_bytes(hash, host.bytes + length, host.length - length);
}

/* A name may end in the dot of the root, and is the same without it. */
static uint64_t key_of(const struct hosts *hosts, const struct url *url)
{
    struct span host = url->host;
    bool is_name = url->host_kind == URL_HOST_NAME;
    uint8_t kind = is_name;
    uint64_t hash = UINT64_C(14695981039346656037) ^ hosts->seed;
    hash = hash_bytes(hash, &url->port, sizeof url->port);
    hash = hash_bytes(hash, &kind, sizeof kind);
    if (is_name && host.length > 1 && host.bytes[host.length - 1] == '.')
        host.length--;
    hash = is_name ? hash_folded(hash, host) : hash_address(hash, host);
    hash ^= hash >> 32;
    return hash * UINT64_C(0x9e3779b97f4a7c15);
}

/* --- at rest ---------------------------------------------------------------------------------- */

void hosts_rest(struct hosts *hosts, uint32_t index)
{
    struct host *host = &hosts->list[index];
    uint32_t *to = hosts->newest == NO_HOST ? &hosts->oldest : &hosts->list[hosts->newest].next;
    assert(host->place == HOST_NOWHERE && *to == NO_HOST);
    host->place = HOST_AT_REST;
    host->next = NO_HOST;
    host->previous = hosts->newest;
    *to = index;
    hosts->newest = index;
}

void hosts_rise(struct hosts *hosts, uint32_t index)
{
    struct host *host = &hosts->list[index], *list = hosts->list;
    uint32_t *to = host->previous == NO_HOST ? &hosts->oldest : &list[host->previous].next;
    uint32_t *back = host->next == NO_HOST ? &hosts->newest : &list[host->next].previous;
    assert(host->place == HOST_AT_REST && *to == index && *back == index);
    *to = host->next;
    *back = host->previous;
    host->place = HOST_NOWHERE;
}

/* --- the table -------------------------------------------------------------------------------- */

static uint32_t *bucket_of(struct hosts *hosts, uint64_t key)
{
    return &hosts->buckets[(uint32_t)(key >> 32) & hosts->bucket_mask];
}

static uint32_t entry_take(struct hosts *hosts)
{
    if (hosts->touched < hosts->count)
        return hosts->touched++;
    uint32_t index = hosts->oldest;
    assert(index != NO_HOST); /* all others have a request or a connection, and there are more */
    hosts_rise(hosts, index);
    uint32_t *link = bucket_of(hosts, hosts->list[index].key);
    while (*link != index + 1)
        link = &hosts->list[*link - 1].chain;
    *link = hosts->list[index].chain;
    return index;
}

static uint32_t find(struct hosts *hosts, uint64_t key)
{
    uint32_t *bucket = bucket_of(hosts, key);
    for (uint32_t number = *bucket; number != 0; number = hosts->list[number - 1].chain)
        if (hosts->list[number - 1].key == key)
            return number - 1;
    uint32_t index = entry_take(hosts);
    hosts->list[index] = (struct host){
        .key = key,
        .chain = *bucket,
        .first = NO_FETCH,
        .last = NO_FETCH,
        .paid_last = NO_FETCH,
        .gate = NO_GATE,
    };
    *bucket = index + 1;
    hosts_rest(hosts, index);
    return index;
}

uint32_t hosts_find_any(struct hosts *hosts, const struct url_packed *packed)
{
    struct url url = url_unpack(packed);
    struct span host = url.host;
    hosts->last = find(hosts, key_of(hosts, &url));
    hosts->last_port = url.port;
    hosts->last_length = host.length < sizeof hosts->last_text ? (uint8_t)host.length : 0;
    memcpy(hosts->last_text, host.bytes, hosts->last_length);
    return hosts->last;
}
