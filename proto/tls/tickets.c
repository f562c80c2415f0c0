/* A table of places, each with a small ring of sessions. The hard idea is what a burst does: a
 * thousand connections begin before a ticket has come, and each of them brings two. Four a place
 * are enough for those that come one after another, and what comes beyond takes the oldest one's
 * room, so that no server decides how much is kept. */

#include "proto/tls/tickets.h"

#include <stdlib.h>
#include <string.h>

enum { SETS = 256, WAYS = 4, RING = 4, HOST_BYTES = 254 };

struct entry {
    char host[HOST_BYTES];
    uint16_t port;
    bool is_anonymous;
    bool is_used;
    uint8_t count;
    struct ticket ring[RING]; /* the oldest first */
};

struct tickets {
    const struct openssl *openssl;
    size_t turn; /* whose place is taken next in a full set */
    struct entry entries[SETS * WAYS];
};

struct tickets *tickets_open(const struct openssl *openssl)
{
    struct tickets *tickets = calloc(1, sizeof(*tickets));

    if (tickets != NULL)
        tickets->openssl = openssl;
    return tickets;
}

static void entry_clear(const struct openssl *openssl, struct entry *entry)
{
    for (size_t i = 0; i < entry->count; i++)
        openssl->SSL_SESSION_free(entry->ring[i].session);
    *entry = (struct entry){0};
}

void tickets_close(struct tickets *tickets)
{
    for (size_t i = 0; tickets != NULL && i < SETS * WAYS; i++)
        if (tickets->entries[i].is_used)
            entry_clear(tickets->openssl, &tickets->entries[i]);
    free(tickets);
}

/* FNV-1a */
static size_t set_of(const struct ticket_place *place)
{
    uint32_t hash = 2166136261u;

    for (const char *at = place->host; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    hash = (hash ^ place->port) * 16777619u;
    return (hash ^ hash >> 16) % SETS;
}

static bool entry_is_of(const struct entry *entry, const struct ticket_place *place)
{
    return entry->is_used && entry->port == place->port &&
           entry->is_anonymous == place->is_anonymous && strcmp(entry->host, place->host) == 0;
}

static struct entry *entry_find(struct tickets *tickets, const struct ticket_place *place)
{
    struct entry *set = &tickets->entries[set_of(place) * WAYS];

    for (size_t i = 0; i < WAYS; i++)
        if (entry_is_of(&set[i], place))
            return &set[i];
    return NULL;
}

static struct entry *entry_make(struct tickets *tickets, const struct ticket_place *place)
{
    struct entry *set = &tickets->entries[set_of(place) * WAYS], *entry = NULL;

    for (size_t i = 0; i < WAYS && entry == NULL; i++)
        if (!set[i].is_used)
            entry = &set[i];
    if (entry == NULL)
        entry = &set[tickets->turn++ % WAYS];
    entry_clear(tickets->openssl, entry);
    entry->is_used = true;
    entry->port = place->port;
    entry->is_anonymous = place->is_anonymous;
    strncpy(entry->host, place->host, sizeof(entry->host) - 1);
    return entry;
}

static bool is_for_one_use(const struct openssl *openssl, const struct ticket *ticket)
{
    return openssl->SSL_SESSION_get_protocol_version(ticket->session) >= TLS1_3_VERSION;
}

static void ring_drop(const struct openssl *openssl, struct entry *entry, size_t index)
{
    openssl->SSL_SESSION_free(entry->ring[index].session);
    entry->count--;
    memmove(&entry->ring[index], &entry->ring[index + 1],
            (entry->count - index) * sizeof(entry->ring[0]));
}

void tickets_add(struct tickets *tickets, const struct ticket_place *place,
                 const struct ticket *ticket)
{
    const struct openssl *openssl = tickets->openssl;
    struct entry *entry = entry_find(tickets, place);

    if (entry == NULL)
        entry = entry_make(tickets, place);
    while (entry->count > 0 && !is_for_one_use(openssl, ticket))
        ring_drop(openssl, entry, 0);
    if (entry->count == RING)
        ring_drop(openssl, entry, 0);
    entry->ring[entry->count++] = *ticket;
}

struct ticket tickets_take(struct tickets *tickets, const struct ticket_place *place, int64_t now_s)
{
    const struct openssl *openssl = tickets->openssl;
    struct entry *entry = entry_find(tickets, place);
    struct ticket none = {0};

    while (entry != NULL && entry->count > 0) {
        struct ticket ticket = entry->ring[entry->count - 1];

        if (now_s < ticket.made_s || now_s > ticket.not_after_s) {
            ring_drop(openssl, entry, entry->count - 1u);
            continue;
        }
        if (is_for_one_use(openssl, &ticket))
            entry->count--;
        else
            openssl->SSL_SESSION_up_ref(ticket.session);
        return ticket;
    }
    return none;
}
