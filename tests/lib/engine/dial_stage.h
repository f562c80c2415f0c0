#ifndef TESTS_LIB_ENGINE_DIAL_STAGE_H
#define TESTS_LIB_ENGINE_DIAL_STAGE_H

/* What it takes to get links to one origin, on a loop that does nothing. */

#include "engine/link/dial.h"
#include "tests/lib/stub_loop.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { STAGE_SLOTS = 900 };

struct stage {
    struct stub_loop loop;
    struct links links;
    struct link link[STAGE_SLOTS];
    struct store store;
    struct origins origins;
    struct origin origin;
    struct dials dials;
    struct dial list[STAGE_SLOTS];
    struct tried tried[STAGE_SLOTS];
    struct place further[STAGE_SLOTS][TRIED_FURTHER_MAX];
    struct dial_news news;
};

/* 127.0.0.1, 127.0.0.2, … */
static inline struct resolver_addresses addresses_of(uint32_t count)
{
    struct resolver_addresses addresses = {.count = count, .ttl_s = 60};
    for (uint32_t i = 0; i < count; i++)
        addresses.list[i].ipv4 = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x7f000001 + i)};
    return addresses;
}

/* slots: at most STAGE_SLOTS. The origin's addresses are those of count, until expires_ns. */
static inline void stage_set(struct stage *stage, uint32_t slots, enum origin_state state,
                             uint32_t count, uint64_t expires_ns)
{
    struct resolver_addresses addresses = addresses_of(count);
    memset(stage, 0, sizeof *stage);
    stub_loop_init(&stage->loop);
    links_init(&stage->links, &stage->loop.head, &stage->store, NULL, stage->link);
    for (size_t i = 0; i < slots; i++)
        tried_reset(&stage->tried[i], stage->further[i]);
    stage->origins.list = &stage->origin;
    stage->origin = (struct origin){.idle = NO_SLOT, .waiting = NO_SLOT, .held = NO_SLOT};
    stage->dials = (struct dials){.list = stage->list,
                                  .count = slots,
                                  .loose = NO_SLOT,
                                  .links = &stage->links,
                                  .origins = &stage->origins};
    stage->origin.state = state;
    places_renew(&stage->origin.places, &addresses);
    stage->origin.expires_ns = expires_ns;
}

#endif
