/* Each seed is a handle and fifty requests. The hard part is what is not here: gathering_close()
 * looks after all that an engine may have lost. */

#include "tests/lib/engine/chance.h"
#include "tests/lib/fault.h"
#include "tests/lib/gathering.h"
#include "tests/lib/loopback.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct fault_rates rates = {.receive_cut = 300,
                                         .receive_failed = 30,
                                         .receive_ended = 30,
                                         .connect_failed = 50,
                                         .send_failed = 30,
                                         .reordered = 50,
                                         .delayed = 50};

enum { SEED_REQUESTS = 50, REQUESTS = 250 /* by four loops */ };

uint64_t chance_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void write_script(const struct chance *chance, struct loopback_script *ret_script)
{
    for (size_t i = 0; i + 2 < LOOPBACK_ROWS_MAX; i += 2) {
        ret_script->rows[i] = (struct loopback_row){EXPECT, "GET /"};
        ret_script->rows[i + 1] =
            (struct loopback_row){SEND, chance->replies[i / 2 % chance->reply_count]};
    }
}

/* A body may come in parts. */
static void take_all(struct haul *haul, uint64_t seed)
{
    const struct haul_result *result;
    for (uint64_t taken = 0; taken < SEED_REQUESTS;) {
        assert_int_equal(gathering_try(haul, &result, GATHERING_PATIENCE_MS), 0);
        taken += !result->more;
        haul_release(haul, result);
        if ((taken + seed) % 4 == 0)
            haul_cancel(haul, taken + 2 + seed % 9);
    }
}

static void run_seed(const struct chance *chance, const struct loopback_script *script,
                     uint64_t seed)
{
    struct loopback *server = loopback_open(script, 1);
    struct haul_options options = {.concurrency = 1 + (uint32_t)(seed % 7),
                                   .keep_bodies = seed % 2,
                                   .keep_headers = seed % 3 == 0,
                                   .unordered = seed % 5 < 2};
    gathering_note("HAUL_SEED=%" PRIu64, seed);
    chance->choose(seed, &options);
    struct loop *loop = fault_open(gathering_open_loop(&options), &rates, seed);
    struct haul *haul = gathering_open_on(loop, &options);
    if (chance->prepare)
        chance->prepare(seed, haul);
    for (int i = 0; i < SEED_REQUESTS; i++)
        gathering_submit(haul, server, "/a");
    take_all(haul, seed);
    if (chance->check)
        chance->check(haul);
    gathering_close(haul);
    loopback_close(server);
}

void chance_run(const struct chance *chance)
{
    static struct loopback_script script = {.repeat = true};
    uint64_t seed = chance_number("HAUL_SEED", 1);
    uint64_t requests = chance_number("HAUL_TEST_ROUNDS", REQUESTS);
    write_script(chance, &script);
    for (uint64_t done = 0; done < requests; done += SEED_REQUESTS)
        run_seed(chance, &script, seed++);
}
