#ifndef TESTS_LIB_ENGINE_CHANCE_H
#define TESTS_LIB_ENGINE_CHANCE_H

/* Runs of chance: a server that gives the same replies over and over, a loop of faults, and
 * requests that are cancelled while others are under way. Whatever happens, each has its result
 * once, and gathering_close() finds everything back in its place. */

#include "engine/haul.h"

#include <stddef.h>
#include <stdint.h>

/* By number, from the environment; otherwise where it says nothing. */
uint64_t chance_number(const char *name, uint64_t otherwise);

struct chance {
    const char *const *replies; /* one a request that arrives, from the first again */
    size_t reply_count;
    /* What the seed makes of the options, behind what it makes of them in any run. */
    void (*choose)(uint64_t seed, struct haul_options *options);
    /* Of the handle before the first request, and when all have their results; NULL: nothing. */
    void (*prepare)(uint64_t seed, struct haul *haul);
    void (*check)(const struct haul *haul);
};

/* As many requests as HAUL_TEST_ROUNDS says, 250 without it, from HAUL_SEED on. */
void chance_run(const struct chance *chance);

#endif
