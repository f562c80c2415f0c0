#ifndef ENGINE_REQUEST_SCHEDULE_HOSTS_H
#define ENGINE_REQUEST_SCHEDULE_HOSTS_H

/* The hosts of requests that wait and are under way: a name and a port, of IP literals the address
 * and a port. What is known of a host outlives its requests, until another takes its place. */

#include "proto/http/url.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define NO_HOST UINT32_MAX
#define NO_GATE UINT32_MAX

/* Where a host stands. */
enum host_place {
    HOST_NOWHERE, /* nobody waits for it, or it waits for one of its own to end */
    HOST_AT_REST, /* it has nothing: the oldest such one is replaced */
    HOST_READY,   /* its first request may begin, */
    HOST_PAID,    /* has its token already, */
    HOST_TIMED,   /* or may begin at a time, */
    HOST_BEHIND,  /* or when its gate is open, */
    HOST_YIELDS,  /* or may begin, where none that holds as few is ready */
};

struct host {
    uint64_t key;       /* what names it, hashed */
    uint64_t rate_ns;   /* its next may begin, by the rate, */
    uint64_t free_ns;   /* by the delay, or as it asked for */
    uint64_t due_ns;    /* both: its key among those that are timed */
    uint64_t slowed_ns; /* when it had too many last */
    uint64_t stay_ns;   /* since when its turn lasts, */
    uint64_t yield_ns;  /* until when it stands behind those that hold as few */
    uint32_t chain;     /* of the same bucket of the table, counted from 1 */
    uint32_t first;     /* of its requests that wait; NO_FETCH */
    uint32_t last;      /* of them, */
    uint32_t paid_last; /* and of those in front that have their token; NO_FETCH */
    uint32_t held;      /* places: requests under way */
    uint32_t most;      /* that it may hold; 0: any number */
    uint32_t praised;   /* since that has changed */
    uint32_t conns;     /* connections, where they are counted */
    uint32_t stayed;    /* begun in its turn behind the first of it */
    uint32_t next;      /* of those that stand in the same place, or where among the timed */
    uint32_t previous;
    uint32_t gate; /* that it waits behind; NO_GATE */
    uint8_t place;
    bool is_full;  /* of connections: until one of them ends or is idle */
    bool is_kept;  /* a connection of its own was idle when one began or ended last */
    bool is_first; /* so it stands before others */
};

struct hosts {
    struct host *list;
    uint32_t *buckets; /* of the table, of bucket_mask + 1, counted from 1; 0: empty */
    uint32_t bucket_mask;
    uint32_t count;
    uint32_t touched; /* those from here on were never used */
    uint32_t oldest;  /* of those at rest */
    uint32_t newest;
    uint64_t seed;
    uint32_t last; /* found last: a run often has one host */
    uint16_t last_port;
    uint8_t last_length; /* of its text; 0: that is not kept */
    char last_text[URL_HOST_BYTES_MAX + 1];
};

uint32_t hosts_bucket_count(uint32_t count);

/* list: zero-filled, of count; buckets: of hosts_bucket_count(count), both the caller's. count is
 * at least one more than there are requests and connections together. */
void hosts_init(struct hosts *hosts, struct host *list, uint32_t *buckets, uint32_t count,
                uint64_t seed);

/* The host of a URL; a new one takes the place of that at rest for longest. */
static inline uint32_t hosts_find(struct hosts *hosts, const struct url_packed *url);

/* It has nothing and stands nowhere; or has something again. */
void hosts_rest(struct hosts *hosts, uint32_t host);
void hosts_rise(struct hosts *hosts, uint32_t host);

/* --- what is done at each request, and is mostly little --------------------------------------- */

uint32_t hosts_find_any(struct hosts *hosts, const struct url_packed *url);

static inline uint32_t hosts_find(struct hosts *hosts, const struct url_packed *url)
{
    if (hosts->last_length == url->host_length && hosts->last_port == url->port &&
        memcmp(hosts->last_text, url->base + url->host_at, url->host_length) == 0)
        return hosts->last;
    return hosts_find_any(hosts, url);
}

#endif
