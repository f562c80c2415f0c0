/* Bodies of any size against the memory for them, at random: concurrency, window, order, parts,
 * sizes, how long the first one takes, and how many results the caller keeps. No request may fail,
 * expire or wait for ever, and no byte may be missing. The seed is printed where one does.
 *
 * HAUL_TEST_ROUNDS is how many rounds are run over each loop, HAUL_SEED the first one's seed. */

#include "engine/engine.h"
#include "tests/lib/engine/chance.h"
#include "tests/lib/gathering.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 20, MIB = 1 << 20, SMALLEST = 20 * MIB, REQUESTS_MAX = 400, KEPT_MAX = 8 };

struct round {
    uint64_t random;
    struct haul *haul;
    struct haul_options options;
    uint32_t count;
    uint64_t lengths[REQUESTS_MAX]; /* of the bodies, by index */
    uint64_t received[REQUESTS_MAX];
    bool is_chunked[REQUESTS_MAX];
    bool is_finished[REQUESTS_MAX];
    uint32_t submitted;
    uint32_t finished;
    const struct haul_result *kept[KEPT_MAX];
    uint32_t kept_count;
    uint32_t kept_most;
    bool was_short; /* blocks were, at some time */
};

static uint32_t below(struct round *round, uint32_t bound)
{
    round->random ^= round->random << 13;
    round->random ^= round->random >> 7;
    round->random ^= round->random << 17;
    return (uint32_t)(round->random >> 32) % bound;
}

/* Between 0 and most, small ones as often as large ones. */
static uint32_t length_of(struct round *round, uint32_t most)
{
    uint32_t bound = 1u << below(round, 24);
    uint32_t length = below(round, bound < most ? bound + 1 : most);
    return length;
}

static struct round round_make(uint64_t seed)
{
    static const uint32_t concurrencies[] = {1, 2, 3, 8, 16, 64, 100, 200};
    static const uint32_t slacks[] = {1, 2, 10, 100, 1000};
    struct round round = {.random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1};
    uint32_t concurrency = concurrencies[below(&round, 8)];
    round.options = (struct haul_options){
        .concurrency = concurrency,
        .window = concurrency + slacks[below(&round, 5)],
        .unordered = below(&round, 2),
        .keep_bodies = true,
        .keep_headers = below(&round, 2),
        .stream_bodies = below(&round, 2),
        .body_bytes = SMALLEST + below(&round, 3) * MIB,
    };
    round.kept_most = below(&round, 2) * below(&round, KEPT_MAX);
    uint32_t most = round.options.stream_bodies ? 12 * MIB : 9 * MIB;
    uint64_t total = 0;
    round.lengths[round.count++] = 50; /* the first, see submit() */
    while (round.count < REQUESTS_MAX && total < 40 * MIB)
        total += round.lengths[round.count++] = length_of(&round, most);
    return round;
}

/* The first may take its time: its head, or each byte of its body. */
static void submit(struct round *round)
{
    static const char *const firsts[] = {"/bytes/50", "/drip/50/4", "/delay/150"};
    char path[64];
    uint32_t index = round->submitted++;
    if (index == 0) {
        const char *first = firsts[below(round, 3)];
        if (first == firsts[2])
            round->lengths[0] = UINT64_MAX; /* whatever it says */
        gathering_submit_to(round->haul, gathering_server_port(), first);
        return;
    }
    round->is_chunked[index] = below(round, 2);
    snprintf(path, sizeof path, "/%s/%llu", round->is_chunked[index] ? "chunked" : "bytes",
             (unsigned long long)round->lengths[index]);
    gathering_submit_to(round->haul, gathering_server_port(), path);
}

static bool is_window_full(const struct round *round)
{
    return round->haul->engine.fetch_slab.taken == round->haul->engine.budget.window;
}

static void release_one(struct round *round)
{
    uint32_t which = below(round, round->kept_count);
    haul_release(round->haul, round->kept[which]);
    round->kept[which] = round->kept[--round->kept_count];
}

/* Byte n of the server's texts depends on n modulo 64 only, and each chunk of 1000 begins anew. */
static void check_piece(const struct haul_piece *piece, uint64_t from, bool is_chunked)
{
    enum { CHUNK = 1000, PERIOD = 64 };
    static const char period[] =
        "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 012345678\n";
    static char texts[2][BLOCK_BYTES + CHUNK];
    for (size_t i = 0; texts[0][0] == '\0' && i < sizeof texts[0]; i++) {
        size_t n = sizeof texts[0] - 1 - i;
        texts[0][n] = period[n % PERIOD];
        texts[1][n] = period[n % CHUNK % PERIOD];
    }
    assert_in_range(piece->length, 1, BLOCK_BYTES);
    assert_memory_equal(piece->bytes, texts[is_chunked] + from % (is_chunked ? CHUNK : PERIOD),
                        piece->length);
}

static void take(struct round *round, const struct haul_result *result)
{
    uint64_t *received = &round->received[result->index];
    assert_int_equal(result->error, HAUL_OK);
    assert_int_equal(result->status, 200);
    assert_false(round->is_finished[result->index]);
    if (!round->options.unordered)
        assert_int_equal(result->index, round->finished);
    for (const struct haul_piece *piece = result->body; piece; piece = piece->next) {
        if (result->index > 0)
            check_piece(piece, *received, round->is_chunked[result->index]);
        *received += piece->length;
    }
    assert_int_equal(result->body_bytes, *received);
    if (!result->more) {
        round->is_finished[result->index] = true;
        round->finished++;
        if (result->index > 0)
            assert_int_equal(result->body_bytes, round->lengths[result->index]);
    }
    if (result->more || round->kept_most == 0) {
        haul_release(round->haul, result);
        return;
    }
    round->kept[round->kept_count++] = result;
    while (round->kept_count > round->kept_most)
        release_one(round);
}

/* Whether blocks were short at some time. */
static bool run(uint64_t seed)
{
    struct round round = round_make(seed);
    gathering_note("HAUL_SEED=%llu", (unsigned long long)seed);
    round.haul = gathering_open(&round.options);
    while (round.finished < round.count) {
        const struct haul_result *result;
        while (round.submitted < round.count && !is_window_full(&round))
            submit(&round);
        int error = gathering_try(round.haul, &result, GATHERING_PATIENCE_MS);
        round.was_short |= round.haul->engine.pressure.is_short;
        if (error == 0)
            take(&round, result);
        else if (round.kept_count > 0 && (error == -EBUSY || error == -ENODATA))
            release_one(&round);
        else
            fail_msg("haul_next() said %s after %u of %u", strerrorname_np(-error), round.finished,
                     round.count);
    }
    while (round.kept_count > 0)
        release_one(&round);
    gathering_close(round.haul);
    return round.was_short;
}

static void no_body_is_lost_for_want_of_memory(void)
{
    uint64_t first = chance_number("HAUL_SEED", 0);
    uint64_t rounds = chance_number("HAUL_TEST_ROUNDS", ROUNDS);
    uint64_t count = 0;
    for (uint64_t i = 0; i < rounds; i++)
        count += run(first + i);
    if (rounds >= ROUNDS)
        assert_in_range(count, rounds / 4, rounds); /* else they were too easy */
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(no_body_is_lost_for_want_of_memory),
};

int main(void)
{
    return gathering_main(NULL, 0, scenarios, 1);
}
