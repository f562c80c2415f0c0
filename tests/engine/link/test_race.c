/* Addresses that race: rows of hosts some of whose addresses are silent or refuse, over each loop,
 * plain and over TLS. What is counted are attempts; silence is made at the seam of the loop, where
 * connects to 127.0.9.0/24 are never answered. */

#include "engine/engine.h"
#include "tests/lib/fault.h"
#include "tests/lib/gathering.h"
#include "tests/lib/tls/tls_loopback.h"
#include "tests/lib/tls/tls_relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

static uint16_t port; /* of a server at 127.0.0.1, and at no other address */

static struct loop *silent_loop(const struct haul_options *options)
{
    const struct fault_rates rates = {.silent_ipv4 = htonl(0x7f000900)};
    struct loop *loop = gathering_open_loop(options);
    assert_non_null(loop);
    return fault_open(loop, &rates, 1);
}

/* All must be answered; returns how often silent addresses were tried. */
static uint64_t count_attempts(const char *addresses, uint32_t concurrency, uint32_t requests,
                               struct haul_facts *ret_facts)
{
    char rule[96];
    char url[64];
    const char *const rules[] = {rule, NULL};
    struct haul_options options = {.concurrency = concurrency, .resolve = rules};
    uint32_t submitted = 0;
    snprintf(rule, sizeof rule, "localhost:%u:%s", port, addresses);
    gathering_note("%s, %u at once", addresses, concurrency);
    struct loop *loop = silent_loop(&options);
    struct haul *haul = gathering_open_on(loop, &options);
    for (uint32_t taken = 0; taken < requests; taken++) {
        for (; submitted < requests; submitted++) {
            snprintf(url, sizeof url, "%s://localhost:%u/bytes/10", gathering_scheme(), port);
            if (haul_submit(haul, &(struct haul_request){.url = url}))
                break;
        }
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_OK);
        assert_int_equal(result->status, 200);
        haul_release(haul, result);
        assert_in_range(haul->engine.pool.open, 0, concurrency);
    }
    uint64_t silent = fault_counts(loop)->connect_silent;
    haul_get_facts(haul, ret_facts);
    gathering_close(haul);
    return silent;
}

static const struct {
    const char *addresses;
    uint32_t concurrency;
    uint64_t silent; /* attempts at silent ones */
} rows[] = {
    {"127.0.9.1,127.0.0.1", 1, 1},
    {"127.0.9.1,127.0.0.1", 64, 1},
    {"127.0.0.1,127.0.9.1", 64, 0},
    {"127.0.0.8,127.0.0.1", 64, 0},
    {"127.0.0.8,127.0.9.1,127.0.0.1", 64, 1},
    {"127.0.9.1,[::1],127.0.0.8,127.0.0.1", 64, 1},
    {"127.0.9.1,127.0.9.2,127.0.0.1", 64, 2}, /* the third takes the place of the first */
};

/* However many requests there are, and at once, one of them finds out. A machine that is too busy
 * to accept within 250 ms has some races more, but not one for each that is under way. */
static void a_silent_address_costs_a_handful_of_attempts(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct haul_facts facts;
        uint64_t silent = count_attempts(rows[i].addresses, rows[i].concurrency, 1000, &facts);
        uint64_t more = rows[i].concurrency / 2 + 5;
        assert_in_range(silent, rows[i].silent, rows[i].silent + more);
        assert_in_range(facts.races_lost, rows[i].silent, facts.connections);
    }
}

static void without_room_the_next_begins_later(void)
{
    char rule[96];
    const char *const rules[] = {rule, NULL};
    struct haul_options options = {.concurrency = 8, .resolve = rules};
    snprintf(rule, sizeof rule, "localhost:%u:127.0.9.1,127.0.0.1", port);
    struct haul *haul = gathering_open_on(silent_loop(&options), &options);
    haul->engine.pool.beside_most = 0; /* no room beside: the first is all there is */
    char url[64];
    snprintf(url, sizeof url, "%s://localhost:%u/bytes/10", gathering_scheme(), port);
    assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url}), 0);
    const struct haul_result *result;
    assert_int_equal(gathering_try(haul, &result, 600), -EAGAIN);
    assert_int_equal(haul->engine.dials.connects, 1);
    haul->engine.pool.beside_most = 8; /* and later there is */
    result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_OK);
    haul_release(haul, result);
    gathering_close(haul);
}

/* Cancelled, or out of time, in the middle of a race: both attempts go. */
static void a_race_ends_with_its_request(void)
{
    for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
        char rule[96];
        char url[64];
        const char *const rules[] = {rule, NULL};
        struct haul_options options = {
            .concurrency = 4, .resolve = rules, .connect_timeout_ms = is_cancelled ? -1 : 400};
        snprintf(rule, sizeof rule, "localhost:%u:127.0.9.1,127.0.0.7", port);
        snprintf(url, sizeof url, "%s://localhost:%u/", gathering_scheme(), port);
        const struct fault_rates rates = {.connect_silent = 1000};
        struct loop *loop = fault_open(gathering_open_loop(&options), &rates, 1);
        struct haul *haul = gathering_open_on(loop, &options);
        const struct haul_result *result;
        for (int i = 0; i < 4; i++)
            assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url}), 0);
        while (is_cancelled && haul->engine.dials.connects < 2)
            assert_int_equal(gathering_try(haul, &result, 20), -EAGAIN);
        if (is_cancelled)
            haul_cancel_all(haul);
        for (int i = 0; i < 4; i++) {
            result = gathering_next(haul);
            assert_int_equal(result->error, is_cancelled ? HAUL_CANCELLED : HAUL_DEADLINE);
            assert_int_equal(result->stage, HAUL_STAGE_CONNECT);
            haul_release(haul, result);
        }
        assert_in_range(fault_counts(loop)->connect_silent, 2, 2);
        gathering_close(haul);
    }
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(a_silent_address_costs_a_handful_of_attempts),
    SCENARIO(without_room_the_next_begins_later),
    SCENARIO(a_race_ends_with_its_request),
};

int main(void)
{
    const size_t count = sizeof scenarios / sizeof *scenarios;
    port = gathering_server_port();
    int failed = gathering_main(NULL, 0, scenarios, count);
    gathering_trust(tls_loopback_roots());
    port = tls_relay_port(gathering_server_port());
    return failed + gathering_main(NULL, 0, scenarios, count);
}
