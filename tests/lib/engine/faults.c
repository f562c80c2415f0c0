/* The engine over a loop that injects faults: what must hold whatever goes wrong. Each seed is one
 * run, with its own rates, bounds and requests; HAUL_TEST_ROUNDS says how many over each loop. The
 * seed of one that fails is printed, and HAUL_SEED=<number> plays that one alone. */

#include "tests/lib/engine/chance.h"
#include "tests/lib/engine/faults.h"

#include "engine/engine.h"
#include "tests/lib/fault.h"
#include "tests/lib/gathering.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEEDS = 20,
    SEEDS_ALL_STRIKE = 50,
    REQUESTS = 160,
    REQUESTS_SILENT = 40, /* each may wait a quarter of a second for its turn */
    UPLOAD = 6000,
    TEXT = 40000,
    REPLY_MAX = 100000
};

/* --- chance ----------------------------------------------------------------------------------- */

static uint64_t random_state;

static uint32_t random_below(uint32_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % bound;
}

static uint32_t random_rate(void)
{
    static const uint32_t rates[] = {0, 2, 20, 150};
    return rates[random_below(4)];
}

/* Every third seed has only faults that must not show. */
static struct fault_rates random_rates(bool is_harmless)
{
    struct fault_rates rates = {
        .receive_cut = 4 * random_rate(),
        .reordered = 4 * random_rate(),
        .delayed = 2 * random_rate(),
        .spurious_tick = random_rate(),
        .spurious_wake = random_rate(),
        .interrupted = random_rate(),
    };
    if (is_harmless)
        return rates;
    rates.receive_failed = random_rate();
    rates.receive_ended = random_rate();
    rates.connect_failed = random_rate();
    rates.send_failed = 2 * random_rate();
    rates.connect_silent = random_below(4) == 0 ? random_rate() / 4 : 0;
    rates.connect_short = random_rate() / 4;
    return rates;
}

/* Each of them or not, and never so tight that a run takes long. */
static struct haul_limits random_limits(void)
{
    struct haul_limits limits = {0};
    if (random_below(2) == 0)
        limits.max_per_host = 1 + random_below(4);
    if (random_below(3) == 0)
        limits.max_per_address = 1 + random_below(4);
    if (random_below(3) == 0)
        limits.rate = 1500 + random_below(20000);
    if (random_below(3) == 0)
        limits.rate_per_host = 1500 + random_below(20000);
    if (random_below(4) == 0)
        limits.delay_per_host_ms = 1;
    limits.adaptive = random_below(3) == 0;
    return limits;
}

static uint16_t (*server_port)(void);

/* --- requests --------------------------------------------------------------------------------- */

/* By index: what is asked, and how the reply's body must begin. */
enum kind { ECHO, UPLOAD_ECHO, LENGTH, CHUNKED, CLOSING, HEAD, KINDS };

static const char *const kind_paths[KINDS] = {
    [ECHO] = "/echo",          [UPLOAD_ECHO] = "/echo",
    [LENGTH] = "/bytes/40000", [CHUNKED] = "/chunked/40000",
    [CLOSING] = "/close/x",    [HEAD] = "/bytes/40000",
};

static const char *const kind_methods[KINDS] = {[UPLOAD_ECHO] = "POST", [HEAD] = "HEAD"};

struct run {
    struct haul *haul;
    bool is_harmless;
    bool is_unordered;
    uint32_t requests;
    uint32_t submitted;
    uint32_t taken;
    bool has_result[REQUESTS];
    bool is_cancelled[REQUESTS];
    enum kind kinds[REQUESTS];
    size_t body_length; /* of the parts so far */
    char body[REPLY_MAX];
};

static char upload[UPLOAD];
static char texts[KINDS][TEXT]; /* the replies as they are without faults */

static int submit(struct haul *haul, enum kind kind, uint32_t index)
{
    char url[64];
    bool is_upload = kind == UPLOAD_ECHO;
    const char *host = random_below(2) == 0 ? "127.0.0.1" : "localhost"; /* which has several */
    snprintf(url, sizeof url, "%s://%s:%u%s?n=%u", gathering_scheme(), host, server_port(),
             kind_paths[kind], index);
    return haul_submit(haul, &(struct haul_request){.url = url,
                                                    .method = kind_methods[kind],
                                                    .body = is_upload ? upload : NULL,
                                                    .body_length = is_upload ? UPLOAD : 0});
}

static void fetch_texts(void)
{
    struct haul *haul = gathering_open(&(struct haul_options){.keep_bodies = true});
    const enum kind kinds[] = {LENGTH, CHUNKED, CLOSING};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        assert_int_equal(submit(haul, kinds[i], 0), 0);
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_OK);
        assert_in_range(haul_body_copy(result, texts[kinds[i]], TEXT), 100, TEXT);
        haul_release(haul, result);
    }
    gathering_close(haul);
}

/* --- what must hold --------------------------------------------------------------------------- */

static void check_success(const struct run *run, uint32_t index)
{
    enum kind kind = run->kinds[index];
    char expected[64];
    switch (kind) {
    case ECHO:
    case UPLOAD_ECHO:
        snprintf(expected, sizeof expected, "%s /echo?n=%u HTTP/1.1\r\n",
                 kind == ECHO ? "GET" : "POST", index);
        assert_true(run->body_length > strlen(expected));
        assert_memory_equal(run->body, expected, strlen(expected));
        if (kind == UPLOAD_ECHO)
            assert_memory_equal(run->body + run->body_length - UPLOAD, upload, UPLOAD);
        return;
    case LENGTH:
    case CHUNKED:
        assert_int_equal(run->body_length, TEXT);
        assert_memory_equal(run->body, texts[kind], TEXT);
        return;
    case CLOSING:
        assert_int_equal(run->body_length, 612);
        assert_memory_equal(run->body, texts[kind], 612);
        return;
    case HEAD:
    case KINDS:
        assert_int_equal(run->body_length, 0);
    }
}

/* Nothing is garbled, too large or too late: these are the only errors there can be. */
static const struct {
    enum haul_stage first;
    enum haul_stage last;
} stages[HAUL_RESOURCE + 1] = {
    [HAUL_CONNECT] = {HAUL_STAGE_CONNECT, HAUL_STAGE_CONNECT},
    [HAUL_TLS] = {HAUL_STAGE_TLS, HAUL_STAGE_TLS},
    [HAUL_SEND] = {HAUL_STAGE_SEND, HAUL_STAGE_SEND},
    [HAUL_RECEIVE] = {HAUL_STAGE_SEND, HAUL_STAGE_BODY},
    [HAUL_TRUNCATED] = {HAUL_STAGE_HEAD, HAUL_STAGE_BODY},
    [HAUL_DEADLINE] = {HAUL_STAGE_CONNECT, HAUL_STAGE_TLS}, /* of the connect timeout */
    [HAUL_CANCELLED] = {HAUL_STAGE_QUEUE, HAUL_STAGE_BODY},
    [HAUL_NOT_STARTED] = {HAUL_STAGE_QUEUE, HAUL_STAGE_QUEUE},
};

static void check_failure(const struct run *run, const struct haul_result *result)
{
    bool is_cancelled = result->error == HAUL_CANCELLED || result->error == HAUL_NOT_STARTED;
    if (stages[result->error].last == 0 && !is_cancelled)
        fail_msg("%s: %s", haul_error_name(result->error), result->message);
    if (result->stage < stages[result->error].first || result->stage > stages[result->error].last)
        fail_msg("%s@%s: %s", haul_error_name(result->error), haul_stage_name(result->stage),
                 result->message);
    assert_non_null(result->message);
    if (result->error == HAUL_CONNECT) /* nor of the connection that was tried before */
        assert_true(!result->reused_connection && result->tls_version == NULL);
    assert_int_equal(is_cancelled, run->is_cancelled[result->index]);
    assert_true(is_cancelled || !run->is_harmless);
}

/* Places and connections are those of the hosts, none has too many, and no token is from a time to
 * come. */
static void check_hosts(const struct engine *engine)
{
    const struct schedule *schedule = &engine->schedule;
    const struct schedule_limits *limits = &schedule->limits;
    uint32_t held = 0, conns = 0;
    for (uint32_t i = 0; i < schedule->hosts.touched; i++) {
        const struct host *host = &engine->turns.hosts[i];
        held += host->held;
        conns += host->conns;
        if (limits->host_conns)
            assert_in_range(host->conns, 0, limits->host_conns);
        assert_in_range(host->rate_ns, 0, engine->now_ns + limits->host_spacing_ns);
    }
    const struct crowds *crowds = &engine->dials.crowds;
    for (uint32_t i = 0; crowds->most > 0 && i < crowds->touched; i++) {
        assert_in_range(crowds->list[i].count, 0, crowds->most);
        assert_true(crowds->list[i].count > 0 || !schedule_has_behind(schedule, i));
    }
    assert_int_equal(held, engine->active);
    assert_int_equal(conns, limits->host_conns ? engine->pool.slab.taken : 0);
    assert_in_range(schedule->next_ns, 0, engine->now_ns + limits->spacing_ns);
}

static void check_bounds(const struct engine *engine)
{
    check_hosts(engine);
    assert_in_range(engine->pool.open, 0, engine->budget.concurrency);
    assert_in_range(engine->active, 0, engine->budget.concurrency);
    assert_in_range(engine->pool.slab.taken, engine->pool.open + engine->pool.beside,
                    engine->budget.conns);
    assert_in_range(engine->pool.beside, 0, engine->budget.conns - engine->budget.concurrency);
    assert_in_range(engine->fetch_slab.taken, 0, engine->budget.window);
}

/* A result, or a part of one. */
static void take(struct run *run, const struct haul_result *result)
{
    uint32_t index = (uint32_t)result->index;
    assert_in_range(result->index, 0, run->submitted - 1);
    assert_false(run->has_result[index]);
    assert_true(run->is_unordered || index == run->taken);
    if (result->body_offset == 0) /* it may have begun anew */
        run->body_length = 0;
    size_t room = sizeof run->body - run->body_length;
    run->body_length += haul_body_copy(result, run->body + run->body_length, room);
    assert_int_equal(run->body_length, result->body_bytes);
    if (result->more)
        return;
    if (result->error == HAUL_OK)
        check_success(run, index);
    else
        check_failure(run, result);
    run->has_result[index] = true;
    run->body_length = 0;
    run->taken++;
}

/* --- a run ------------------------------------------------------------------------------------ */

static void submit_some(struct run *run)
{
    while (run->submitted < run->requests && random_below(8) > 0) {
        enum kind kind = (enum kind)random_below(KINDS);
        if (submit(run->haul, kind, run->submitted))
            return;
        run->kinds[run->submitted++] = kind;
    }
}

static void cancel_one(struct run *run)
{
    uint32_t index = run->taken + random_below(8);
    int error = haul_cancel(run->haul, index);
    assert_true(error == 0 || error == -ENOENT || error == -EALREADY);
    if (error == 0)
        run->is_cancelled[index] = true;
}

static void run_to_the_end(struct run *run)
{
    while (run->taken < run->requests) {
        const struct haul_result *result;
        submit_some(run);
        int error = gathering_try(run->haul, &result, GATHERING_PATIENCE_MS);
        check_bounds(&run->haul->engine);
        if (error == -ENODATA)
            continue;
        assert_int_equal(error, 0);
        take(run, result);
        haul_release(run->haul, result);
        if (random_below(32) == 0)
            cancel_one(run);
    }
}

/* Faults that never strike would prove nothing. */
static void add_counts(struct fault_counts *sum, const struct fault_counts *counts)
{
    sum->receive_cut += counts->receive_cut;
    sum->receive_failed += counts->receive_failed;
    sum->receive_ended += counts->receive_ended;
    sum->connect_failed += counts->connect_failed;
    sum->connect_silent += counts->connect_silent;
    sum->connect_short += counts->connect_short;
    sum->send_failed += counts->send_failed;
    sum->reordered += counts->reordered;
    sum->delayed += counts->delayed;
    sum->spurious_tick += counts->spurious_tick;
    sum->spurious_wake += counts->spurious_wake;
    sum->interrupted += counts->interrupted;
}

static bool has_all(const struct fault_counts *sum)
{
    return sum->receive_cut > 0 && sum->receive_failed > 0 && sum->receive_ended > 0 &&
           sum->connect_failed > 0 && sum->send_failed > 0 && sum->connect_silent > 0 &&
           sum->connect_short > 0 && sum->reordered > 0 && sum->delayed > 0 &&
           sum->spurious_tick > 0 && sum->spurious_wake > 0 && sum->interrupted > 0;
}

/* Addresses that accept, that refuse, and that never answer, in an order of chance. */
static const char *random_rule(char *rule, size_t size, uint32_t *ret_silent)
{
    static const char *const lists[] = {
        "127.0.9.1,127.0.0.1",           "127.0.0.8,127.0.0.1",
        "127.0.0.1,127.0.9.1",           "127.0.9.1,127.0.0.8,127.0.0.1",
        "127.0.0.8,127.0.9.1,127.0.0.1", "[::1],127.0.9.1,127.0.0.7,127.0.0.1",
    };
    snprintf(rule, size, "localhost:%u:%s", server_port(), lists[random_below(6)]);
    *ret_silent = random_below(4) == 0 ? htonl(0x7f000900) : 0;
    return rule;
}

static void run_seed(uint64_t seed, struct fault_counts *sum)
{
    static struct run run;
    random_state = seed;
    gathering_note("HAUL_SEED=%" PRIu64, seed);
    run = (struct run){.is_harmless = seed % 3 == 0, .is_unordered = random_below(2) == 0};
    struct haul_options options = {
        .concurrency = 1 + random_below(random_below(4) == 0 ? 4 : 24),
        .unordered = run.is_unordered,
        .keep_bodies = true,
        .keep_headers = random_below(2) == 0,
        .stream_bodies = random_below(2) == 0,
    };
    struct haul_limits limits = random_limits();
    struct haul_retry retry = {.max = random_below(3), .delay_ms = 1};
    options.limits = &limits;
    options.retry = &retry;
    options.window = options.concurrency + 1 + random_below(40);
    struct fault_rates rates = random_rates(run.is_harmless);
    char rule[96];
    const char *const rules[] = {random_rule(rule, sizeof rule, &rates.silent_ipv4), NULL};
    options.resolve = rules;
    bool is_silent = rates.connect_silent > 0 || rates.silent_ipv4 != 0;
    run.requests = is_silent ? REQUESTS_SILENT : REQUESTS;
    if (is_silent && !run.is_harmless)
        options.connect_timeout_ms = 400;
    struct loop *loop = gathering_open_loop(&options);
    assert_non_null(loop);
    loop = fault_open(loop, &rates, seed);
    run.haul = gathering_open_on(loop, &options);
    struct budget *budget = &run.haul->engine.budget;
    if (random_below(2) == 0) /* four blocks, and it is only the current body's turn */
        budget->reserve_blocks = budget->shared_blocks - 4;
    run_to_the_end(&run);
    add_counts(sum, fault_counts(loop));
    gathering_close(run.haul);
}

static uint64_t seed;           /* goes on from loop to loop, */
static struct fault_counts sum; /* as does this */

static void whatever_goes_wrong_every_request_has_its_result(void)
{
    const char *only = getenv("HAUL_SEED");
    for (size_t i = 0; i < UPLOAD; i++)
        upload[i] = (char)('a' + i % 26);
    fetch_texts();
    if (only) {
        run_seed(strtoull(only, NULL, 10), &sum);
        return;
    }
    uint64_t end = seed + chance_number("HAUL_TEST_ROUNDS", SEEDS);
    while (seed < end)
        run_seed(seed++, &sum);
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(whatever_goes_wrong_every_request_has_its_result),
};

int faults_main(uint16_t (*port)(void))
{
    server_port = port;
    int failed = gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof *scenarios);
    if (failed || seed < SEEDS_ALL_STRIKE || has_all(&sum))
        return failed;
    print_error("a kind of fault has never struck\n");
    return EXIT_FAILURE;
}
