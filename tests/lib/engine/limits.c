/* Limits, counted where nothing can be hidden: at the seam to the loop, by what is connected and
 * closed there, and when. Times have no upper bound here: a busy machine may take as long as it
 * likes, but nothing may come before it may. */

#include "tests/lib/engine/limits.h"
#include "engine/engine.h"
#include "tests/lib/engine/engine_rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 256, BEGINNINGS = 1024 };

#define MS UINT64_C(1000000)

static uint16_t (*server_port)(void);

/* --- the seam --------------------------------------------------------------------------------- */

static struct seam {
    struct loop_interface own;
    const struct loop_interface *inner;
    bool is_open[SLOTS];
    uint32_t open;
    uint32_t most; /* at once */
    uint32_t connects;
    uint64_t times_ns[BEGINNINGS]; /* of the connects */
} seam;

static void seam_connect(struct loop *loop, uint32_t slot, const struct sockaddr *address,
                         socklen_t length)
{
    assert_true(slot < SLOTS && seam.connects < BEGINNINGS && !seam.is_open[slot]);
    seam.is_open[slot] = true;
    seam.most = ++seam.open > seam.most ? seam.open : seam.most;
    seam.times_ns[seam.connects++] = clock_now_ns();
    seam.inner->connect(loop, slot, address, length);
}

static bool seam_next(struct loop *loop, struct completion *ret)
{
    bool has = seam.inner->next(loop, ret);
    if (has && ret->op == LOOP_CLOSED && seam.is_open[ret->slot]) {
        seam.is_open[ret->slot] = false;
        seam.open--;
    }
    return has;
}

static struct haul *open_at_seam(const struct haul_options *options)
{
    struct loop *loop = gathering_open_loop(options);
    assert_non_null(loop);
    seam = (struct seam){.own = *loop->interface, .inner = loop->interface};
    seam.own.connect = seam_connect;
    seam.own.next = seam_next;
    loop->interface = &seam.own;
    return gathering_open_on(loop, options);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Two hosts, which both are the server. */
static const char *const hosts[] = {"127.0.0.1", "localhost"};

static void submit(struct haul *haul, const char *host, const char *path)
{
    char url[128];
    snprintf(url, sizeof url, "%s://%s:%u%s", gathering_scheme(), host, server_port(), path);
    assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url}), 0);
}

static char rule[64];
static const char *const rules[] = {rule, NULL};

/* One address, so that none is tried beside it. */
static void resolve(struct haul_options *options)
{
    snprintf(rule, sizeof rule, "localhost:%u:127.0.0.1", server_port());
    options->resolve = rules;
}

static void take_all(struct haul *haul, int count)
{
    for (int i = 0; i < count; i++) {
        const struct haul_result *result = gathering_next(haul);
        if (result->error != HAUL_OK)
            fail_msg("%s: %s", haul_error_name(result->error), result->message);
        haul_release(haul, result);
    }
}

/* The same of what is asked for once, and when each was begun by the engine's clock: what is handed
 * to the kernel late says nothing of that. */
static void take_begun(struct haul *haul, uint32_t count, uint64_t *ret_begun_ns)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct haul_result *result = gathering_next(haul);
        const struct lent *lent = (const struct lent *)(const void *)result;
        assert_int_equal(result->error, HAUL_OK);
        ret_begun_ns[i] = haul->engine.fetches[lent->fetch].begun_ns;
        haul_release(haul, result);
    }
}

/* --- who begins next -------------------------------------------------------------------------- */

/* First come, first served has 34 quick ones among the first 50 results. */
static void slow_hosts_have_their_share_and_no_more(void)
{
    int quick = 0;
    struct haul_options options = {.concurrency = 8, .unordered = true};
    resolve(&options);
    struct haul *haul = gathering_open(&options);
    for (int i = 0; i < 80; i++)
        submit(haul, hosts[i % 5 == 0], i % 5 == 0 ? "/delay/3000" : "/delay/10");
    for (int i = 0; i < 80; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->status, 200);
        quick += i < 50 && result->index % 5 != 0;
        haul_release(haul, result);
    }
    assert_in_range(quick, 48, 50);
    gathering_close(haul);
}

/* Takes turns of some length at few places, so that connections are kept: a handshake each for a
 * host that has its requests in one turn, and each host has its first turn before any has its
 * second. By a second a turn ends early: what is slow here makes a few more. */
static void hosts_that_take_turns_keep_their_connections(void)
{
    enum { TURN_HOSTS = 3, TURN_EACH = 20, TURN_ALL = TURN_HOSTS * TURN_EACH };
    static const struct {
        uint32_t places, most;
    } rows[] = {{1, 2 * TURN_HOSTS}, {2, 3 * TURN_HOSTS}};
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        uint64_t firsts = 0;
        struct haul_options options = {.concurrency = rows[row].places,
                                       .unordered = true,
                                       .tls = &(const struct haul_tls){.insecure = true}};
        snprintf(rule, sizeof rule, "*:%u:127.0.0.1", server_port());
        options.resolve = rules;
        struct haul *haul = open_at_seam(&options);
        for (int i = 0; i < TURN_ALL; i++)
            submit(haul, (const char *const[]){"a.test", "b.test", "c.test"}[i % TURN_HOSTS],
                   "/p/1");
        for (uint32_t i = 0; i < TURN_ALL; i++) {
            const struct haul_result *result = gathering_next(haul);
            assert_int_equal(result->status, 200);
            if (result->index < TURN_HOSTS) /* the first of its host */
                firsts = i;
            haul_release(haul, result);
        }
        assert_in_range(seam.connects, TURN_HOSTS, rows[row].most);
        assert_in_range(firsts, 0, 2 * (SCHEDULE_STAY_MOST + 1));
        gathering_close(haul);
    }
}

/* A host that has thousands of requests is not ahead of one that has one for longer than a turn. */
static void who_comes_late_waits_for_a_turn_at_most(void)
{
    enum { LONG = 300 };
    struct haul_options options = {.concurrency = 1, .unordered = true};
    resolve(&options);
    struct haul *haul = open_at_seam(&options);
    for (int i = 0; i <= LONG; i++)
        submit(haul, hosts[i == LONG], "/p/1");
    for (uint32_t i = 0; i <= LONG; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_true(result->index < LONG || i <= SCHEDULE_STAY_MOST + 1);
        haul_release(haul, result);
    }
    assert_in_range(seam.connects, 2, 4 + LONG / SCHEDULE_STAY_MOST);
    gathering_close(haul);
}

/* A host whose replies are to be tried again has no turn of its own meanwhile. */
static void who_has_it_tried_again_keeps_nobody_waiting(void)
{
    enum { EACH = 10 };
    int early = 0;
    struct haul_options options = {
        .concurrency = 1,
        .unordered = true,
        .retry = &(const struct haul_retry){.max = 1, .delay_ms = 1},
    };
    resolve(&options);
    struct haul *haul = open_at_seam(&options);
    for (int i = 0; i < 2 * EACH; i++)
        submit(haul, hosts[i / EACH], i < EACH ? "/status/503" : "/p/1");
    for (int i = 0; i < 2 * EACH; i++) {
        const struct haul_result *result = gathering_next(haul);
        early += i < EACH && result->index < EACH;
        haul_release(haul, result);
    }
    assert_in_range(early, 0, 3); /* none, but where a turn of a second was over */
    gathering_close(haul);
}

/* Of a window that was not chosen: behind more requests of a slow host than may wait of one host,
 * those of another are known, and begin as soon as there is a place. */
static void what_waits_for_a_slow_host_hides_no_other(void)
{
    enum { PLACES = 4, SLOW = 1500, QUICK = 20 };
    int quick = 0;
    struct haul_options options = {.concurrency = PLACES, .unordered = true};
    resolve(&options);
    struct haul *haul = open_at_seam(&options);
    submit(haul, hosts[1], "/p/1");
    for (int i = 0; i < SLOW; i++)
        submit(haul, hosts[0], "/delay/300");
    for (int i = 1; i < QUICK; i++)
        submit(haul, hosts[1], "/p/1");
    for (int i = 0; i < QUICK + 4 * PLACES; i++) {
        const struct haul_result *result = gathering_next(haul);
        quick += result->index == 0 || result->index > SLOW;
        haul_release(haul, result);
    }
    assert_int_equal(quick, QUICK);
    haul_cancel_all(haul);
    for (int i = 0; i < SLOW - 4 * PLACES; i++)
        haul_release(haul, gathering_next(haul));
    gathering_close(haul);
}

/* Where there is one host nothing is gained by more, nor in order: there the first hold up all. */
static void of_one_host_no_more_wait_than_begin_soon(void)
{
    static const struct {
        uint32_t hosts;
        bool is_unordered;
        uint32_t least, most;
    } rows[] = {{1, true, 1025, 1040}, {2, false, 1025, 1040}, {2, true, 4000, 4000}};
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        struct haul_options options = {.concurrency = 4, .unordered = rows[row].is_unordered};
        resolve(&options);
        struct haul *haul = open_at_seam(&options);
        uint32_t taken = 0;
        for (; taken < 4000; taken++) {
            char url[64];
            snprintf(url, sizeof url, "%s://%s:%u/p/1", gathering_scheme(),
                     hosts[taken % rows[row].hosts], server_port());
            int error = haul_submit(haul, &(struct haul_request){.url = url});
            if (error)
                assert_int_equal(error, -EAGAIN);
            if (error)
                break;
        }
        assert_in_range(taken, rows[row].least, rows[row].most);
        haul_cancel_all(haul);
        while (taken-- > 0)
            haul_release(haul, gathering_next(haul));
        gathering_close(haul);
    }
}

/* --- connections ------------------------------------------------------------------------------ */

/* Some of them end behind each reply, some are kept. */
static void no_host_has_more_connections_than_allowed(void)
{
    struct haul_options options = {.concurrency = 16,
                                   .limits = &(const struct haul_limits){.max_per_host = 3}};
    resolve(&options);
    struct haul *haul = open_at_seam(&options);
    for (int i = 0; i < 60; i++)
        submit(haul, hosts[0], i % 3 == 0 ? "/close/x" : i % 3 == 1 ? "/p/1" : "/delay/5");
    take_all(haul, 60);
    assert_int_equal(seam.most, 3);
    for (int i = 0; i < 60; i++)
        submit(haul, hosts[i % 2], "/delay/5");
    take_all(haul, 60);
    assert_int_equal(seam.most, 6);
    gathering_close(haul);
}

/* Three that take long hold up none of another host, */
static void a_full_host_holds_nobody_up(void)
{
    struct haul_options options = {.concurrency = 8,
                                   .unordered = true,
                                   .limits = &(const struct haul_limits){.max_per_host = 3}};
    resolve(&options);
    struct haul *haul = open_at_seam(&options);
    for (int i = 0; i < 12; i++)
        submit(haul, hosts[0], i < 3 ? "/delay/1500" : "/p/1");
    for (int i = 0; i < 20; i++)
        submit(haul, hosts[1], "/p/1");
    for (int i = 0; i < 32; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->status, 200);
        assert_true(i >= 20 || result->index >= 12);
        haul_release(haul, result);
    }
    assert_in_range(seam.most, 4, 6);
    gathering_close(haul);
}

/* and a connection that is idle makes room for one that must be fresh: of another origin of the
 * same host. */
static void an_idle_one_makes_room(void)
{
    struct haul_options options = {.concurrency = 8,
                                   .limits = &(const struct haul_limits){.max_per_host = 1}};
    resolve(&options);
    struct haul *haul = open_at_seam(&options);
    const bool is_https = strcmp(gathering_scheme(), "https") == 0;
    char url[64];
    submit(haul, hosts[0], "/p/1");
    take_all(haul, 1);
    snprintf(url, sizeof url, "%s://127.0.0.1:%u/", is_https ? "http" : "https", server_port());
    assert_int_equal(
        haul_submit(
            haul,
            &(struct haul_request){.url = url, .times = &(const struct haul_times){.max_ms = 500}}),
        0);
    const struct haul_result *result = gathering_next(haul);
    assert_true(result->error != HAUL_OK); /* it speaks only the other, or waits for it */
    haul_release(haul, result);
    assert_int_equal(seam.most, 1);
    assert_int_equal(seam.connects, 2);
    gathering_close(haul);
}

/* Two names of one address share what it may have, and neither waits for ever: whichever has
 * requests gets its turn, though the other's connections are kept. */
static void no_address_has_more_connections_than_allowed(void)
{
    struct haul_options options = {.concurrency = 16,
                                   .limits = &(const struct haul_limits){.max_per_address = 3}};
    resolve(&options);
    struct haul *haul = open_at_seam(&options);
    for (int i = 0; i < 60; i++)
        submit(haul, hosts[i % 2], i % 3 == 0 ? "/close/x" : i % 3 == 1 ? "/p/1" : "/delay/5");
    take_all(haul, 60);
    assert_int_equal(seam.most, 3);
    submit(haul, hosts[0], "/p/1");
    take_all(haul, 1);
    for (int i = 0; i < 6; i++)
        submit(haul, hosts[1], "/delay/5");
    take_all(haul, 6);
    assert_int_equal(seam.most, 3);
    gathering_close(haul);
}

/* --- a run of many hosts ---------------------------------------------------------------------- */

enum { MANY_URLS = 200, MANY_HOSTS = 20 };

static void check_places(const struct engine *engine, uint32_t most)
{
    uint32_t held = 0;
    for (uint32_t i = 0; i < engine->schedule.hosts.touched; i++) {
        assert_in_range(engine->turns.hosts[i].held, 0, most);
        assert_in_range(engine->turns.hosts[i].conns, 0, most);
        held += engine->turns.hosts[i].held;
    }
    assert_int_equal(held, engine->active);
    assert_in_range(seam.open, 0, engine->budget.concurrency);
}

/* By what an index leaves of 4: a reply that is tried again, one that ends its connection, one that
 * is slow, and one that is kept. */
static const struct {
    const char *path;
    uint32_t attempts;
    int status;
} many_rows[] = {
    {"/status/503", 2, 503}, {"/close/x", 1, 200}, {"/delay/20", 1, 200}, {"/p/1", 1, 200}};

/* Counted, not timed: places at each step, and the attempts of each request. */
static void many_hosts_have_their_places_and_attempts(void)
{
    snprintf(rule, sizeof rule, "*:%u:127.0.0.1", server_port());
    struct haul_options options = {
        .concurrency = 16,
        .unordered = true,
        .resolve = rules,
        .tls = &(const struct haul_tls){.insecure = true},
        .retry = &(const struct haul_retry){.max = 1, .delay_ms = 1},
        .limits = &(const struct haul_limits){.max_per_host = 2},
    };
    struct haul *haul = open_at_seam(&options);
    for (int i = 0; i < MANY_URLS; i++) {
        char host[16];
        snprintf(host, sizeof host, "h%d.test", i % MANY_HOSTS);
        submit(haul, host, many_rows[i / MANY_HOSTS % 4].path);
    }
    for (int taken = 0; taken < MANY_URLS;) {
        const struct haul_result *result;
        int error = gathering_try(haul, &result, 1);
        check_places(&haul->engine, 2);
        if (error == -EAGAIN)
            continue;
        assert_int_equal(error, 0);
        size_t row = result->index / MANY_HOSTS % 4;
        assert_int_equal(result->status, many_rows[row].status);
        assert_int_equal(result->attempts, many_rows[row].attempts);
        haul_release(haul, result);
        taken++;
    }
    assert_int_equal(haul->engine.retried, MANY_URLS * 3 / 10);
    assert_int_equal(haul->engine.begun, MANY_URLS);
    assert_true(seam.connects >= MANY_HOSTS);
    gathering_close(haul);
}

/* --- rates ------------------------------------------------------------------------------------ */

static struct haul *open_with(const struct haul_limits *limits, bool follows)
{
    struct haul_options options = {
        .concurrency = 16,
        .limits = limits,
        .redirect = &(const struct haul_redirect){.follow = follows},
        .retry = &(const struct haul_retry){.max = 2, .delay_ms = 1},
    };
    resolve(&options);
    return open_at_seam(&options);
}

/* What a timer may be late by is given back: a millisecond. */
static void all_beginnings_are_spaced_by_the_rate(void)
{
    uint64_t begun_ns[12];
    struct haul *haul = open_with(&(const struct haul_limits){.rate = 40}, false);
    for (int i = 0; i < 12; i++)
        submit(haul, hosts[i % 2], "/close/x");
    take_begun(haul, 12, begun_ns);
    assert_int_equal(seam.connects, 12);
    for (int i = 0; i + 1 < 12; i++) /* of two hosts, which take turns */
        assert_true(begun_ns[i + 1] - begun_ns[i] >= 24 * MS);
    gathering_close(haul);
}

/* A burst does not make up for what was missed. */
static void a_rate_forgets_what_was_missed(void)
{
    struct haul *haul = open_with(&(const struct haul_limits){.rate = 20}, false);
    submit(haul, hosts[0], "/delay/400");
    take_all(haul, 1);
    for (int i = 0; i < 5; i++)
        submit(haul, hosts[0], "/close/x");
    uint64_t from_ns = clock_now_ns();
    take_all(haul, 5);
    assert_true(clock_now_ns() - from_ns >= 4 * 45 * MS);
    gathering_close(haul);
}

/* Both at once, and each at its own rate. */
static void each_host_has_its_rate(void)
{
    uint64_t begun_ns[12];
    struct haul *haul = open_with(&(const struct haul_limits){.rate_per_host = 20}, false);
    for (int i = 0; i < 12; i++)
        submit(haul, hosts[i % 2], "/close/x");
    take_begun(haul, 12, begun_ns);
    for (int i = 0; i + 2 < 12; i++)
        assert_true(begun_ns[i + 2] - begun_ns[i] >= 49 * MS);
    gathering_close(haul);
}

/* From begin to begin, by the engine's own clock, to the nanosecond. */
static void a_delay_is_kept_between_beginnings(void)
{
    uint64_t begun_ns[8];
    struct haul *haul = open_with(&(const struct haul_limits){.delay_per_host_ms = 30}, false);
    for (int i = 0; i < 8; i++)
        submit(haul, hosts[0], "/p/1");
    take_begun(haul, 8, begun_ns);
    for (int i = 0; i + 1 < 8; i++)
        assert_true(begun_ns[i + 1] - begun_ns[i] >= 30 * MS);
    gathering_close(haul);
}

/* Each try is a beginning: three requests of three tries are nine. */
static void retries_are_counted(void)
{
    struct haul *haul = open_with(&(const struct haul_limits){.rate = 40}, false);
    uint64_t from_ns = clock_now_ns();
    for (int i = 0; i < 3; i++)
        submit(haul, hosts[0], "/status/503");
    take_all(haul, 3);
    assert_true(clock_now_ns() - from_ns >= 8 * 24 * MS);
    assert_int_equal(haul->engine.retried, 6);
    gathering_close(haul);
}

/* While the host waits for its time nothing is begun, and what waits expires too. */
static void what_waits_for_a_rate_expires(void)
{
    struct haul_options options = {
        .limits = &(const struct haul_limits){.rate_per_host = 1.0 / 3600},
        .times = &(const struct haul_times){.queue_ms = 300},
    };
    resolve(&options);
    struct haul *haul = open_at_seam(&options);
    submit(haul, hosts[0], "/p/1");
    submit(haul, hosts[0], "/p/1");
    submit(haul, hosts[1], "/p/1");
    gathering_expect(haul, "200 ok ''\n0 deadline@queue ''\n200 ok ''\n");
    assert_int_equal(seam.connects, 2);
    gathering_close(haul);
}

/* --- speed ------------------------------------------------------------------------------------ */

/* Of a body of so many bytes, one each 50 ms: 20 a second. Over TLS bytes count as they come, in
 * records, which are 20 to 50 bytes longer each. */
static void a_reply_is_as_fast_as_it_must_be(void)
{
    static const struct {
        const char *path;
        struct haul_times times;
        enum haul_error error;
    } rows[] = {
        {"/drip/50/50", {.speed_limit = 2, .speed_ms = 1500}, HAUL_OK},
        {"/drip/1000/50", {.speed_limit = 5000, .speed_ms = 800}, HAUL_DEADLINE},
        {"/delay/3000", {.speed_limit = 1, .speed_ms = 600}, HAUL_DEADLINE},
        {"/delay/300", {.speed_limit = 1, .speed_ms = 2000}, HAUL_OK},
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        struct haul_options options = {.times = &rows[row].times};
        struct haul *haul = open_at_seam(&options);
        submit(haul, hosts[0], rows[row].path);
        const struct haul_result *result = gathering_next(haul);
        if (result->error != rows[row].error)
            fail_msg("%s: %s", rows[row].path, haul_error_name(result->error));
        haul_release(haul, result);
        gathering_close(haul);
    }
}

/* --- hosts that say it is too much ------------------------------------------------------------ */

static void a_host_that_has_too_many_gets_fewer(void)
{
    struct haul_options options = {.concurrency = 8,
                                   .limits = &(const struct haul_limits){.adaptive = 1}};
    resolve(&options);
    struct haul *haul = open_at_seam(&options);
    for (int i = 0; i < 8; i++)
        submit(haul, hosts[0], "/status/429");
    take_all(haul, 8);
    for (int i = 0; i < 3; i++)
        submit(haul, hosts[0], "/status/503");
    take_all(haul, 3);
    submit(haul, hosts[0], "/delay/50");
    submit(haul, hosts[0], "/delay/50");
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(haul->engine.active + haul->engine.schedule.count, 1);
    haul_release(haul, result);
    take_all(haul, 1);
    for (int i = 0; i < 100; i++) {
        submit(haul, hosts[0], "/p/1");
        assert_in_range(haul->engine.active, 0, 8);
    }
    take_all(haul, 100);
    assert_int_equal(haul->engine.turns.hosts[0].most, 0); /* as many as there are places */
    gathering_close(haul);
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(slow_hosts_have_their_share_and_no_more),
    SCENARIO(hosts_that_take_turns_keep_their_connections),
    SCENARIO(who_comes_late_waits_for_a_turn_at_most),
    SCENARIO(who_has_it_tried_again_keeps_nobody_waiting),
    SCENARIO(what_waits_for_a_slow_host_hides_no_other),
    SCENARIO(of_one_host_no_more_wait_than_begin_soon),
    SCENARIO(no_host_has_more_connections_than_allowed),
    SCENARIO(a_full_host_holds_nobody_up),
    SCENARIO(an_idle_one_makes_room),
    SCENARIO(no_address_has_more_connections_than_allowed),
    SCENARIO(many_hosts_have_their_places_and_attempts),
    SCENARIO(all_beginnings_are_spaced_by_the_rate),
    SCENARIO(a_rate_forgets_what_was_missed),
    SCENARIO(each_host_has_its_rate),
    SCENARIO(a_delay_is_kept_between_beginnings),
    SCENARIO(retries_are_counted),
    SCENARIO(what_waits_for_a_rate_expires),
    SCENARIO(a_reply_is_as_fast_as_it_must_be),
    SCENARIO(a_host_that_has_too_many_gets_fewer),
};

int limits_main(uint16_t (*port)(void))
{
    server_port = port;
    return gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof *scenarios);
}
