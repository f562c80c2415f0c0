/* What begins next: by host, by places, by tokens and their times, with a clock of the test's. */

#include "engine/request/schedule/schedule.h"
#include "engine/request/schedule/spacing.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

enum { FETCHES = 64, CONNS = 8, HOSTS = FETCHES + CONNS + 1, LEVELS = FETCHES + 1, BUCKETS = 128 };

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

static struct schedule schedule;
static struct fetch fetches[FETCHES];
static char urls[FETCHES][64 + 1 + URL_ROOM_BYTES];
static uint64_t now_ns;

static void begin_test(const struct schedule_limits *limits)
{
    static struct schedule_turn turns[FETCHES];
    static struct host hosts[HOSTS];
    static uint32_t buckets[BUCKETS], heap[HOSTS], conn_hosts[CONNS];
    static struct schedule_level levels[LEVELS];
    static uint64_t filled[4];
    static struct schedule_gate gates[2];
    const struct schedule_memory memory = {gates,  turns,  hosts,      buckets, heap,
                                           levels, filled, conn_hosts, HOSTS,   LEVELS};
    assert_true(hosts_bucket_count(HOSTS) <= BUCKETS && schedule_words(LEVELS) <= 4);
    memset(hosts, 0, sizeof hosts);
    memset(buckets, 0, sizeof buckets);
    memset(filled, 0, sizeof filled);
    memset(fetches, 0, sizeof fetches);
    now_ns = 5 * SECOND;
    schedule_init(&schedule, fetches, &memory, limits, 1);
}

static const struct schedule_limits none;

static void aim(uint32_t fetch, const char *host)
{
    char room[URL_ROOM_BYTES];
    snprintf(urls[fetch], 64, "http://%s/", host);
    struct span text = span_of(urls[fetch]);
    struct url url;
    assert_int_equal(url_parse(text, room, &url, NULL), 0);
    memcpy(urls[fetch] + text.length + 1, room, url_room_used(&url, room));
    url_move(&url, text, room, urls[fetch]);
    fetches[fetch].url = url_pack(&url, urls[fetch]);
}

static void submit(uint32_t fetch, const char *host)
{
    aim(fetch, host);
    schedule_append(&schedule, fetch);
}

static void begin(uint32_t fetch)
{
    schedule_begin(&schedule, fetch, false, now_ns);
    fetches[fetch].state = FETCH_ACTIVE;
}

/* The next one, which begins. */
static void expect_next(uint32_t fetch)
{
    assert_int_equal(schedule_next(&schedule, now_ns), fetch);
    if (fetch != NO_FETCH)
        begin(fetch);
}

static void end(uint32_t fetch)
{
    schedule_end(&schedule, fetch, false, now_ns);
    fetches[fetch].state = FETCH_FREE;
}

/* --- the queue of one host -------------------------------------------------------------------- */

static void what_waits_keeps_its_order(void **state)
{
    (void)state;
    begin_test(&none);
    for (uint32_t i = 0; i < 5; i++)
        submit(i, "a");
    assert_int_equal(schedule.count, 5);
    schedule_remove(&schedule, 0);
    schedule_remove(&schedule, 2);
    schedule_remove(&schedule, 4);
    fetches[0].state = fetches[2].state = fetches[4].state = FETCH_FREE;
    schedule_prepend(&schedule, 2, false); /* it had begun, and begins again before the others */
    schedule_append(&schedule, 0);
    static const uint32_t order[] = {2, 1, 3, 0, NO_FETCH};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        expect_next(order[i]);
    assert_int_equal(schedule.count, 0);
    assert_int_equal(schedule.held, 4);
}

/* The same host, however it is written; another one by its port or its name. */
static void a_host_is_a_name_and_a_port(void **state)
{
    static const struct {
        const char *one, *other;
        bool is_same;
    } rows[] = {
        {"a", "A", true},
        {"a", "a.", true},
        {"a:80", "a", true},
        {"a", "a:81", false},
        {"a", "b", false},
        {"127.0.0.1", "[::ffff:127.0.0.1]", true},
        {"127.0.0.1", "2130706433", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"127.0.0.1", "127.0.0.1:8080", false},
        {"[::1]", "[0:0:0:0:0:0:0:1]", true},
        {"[::1]", "[::2]", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin_test(&none);
        submit(0, rows[i].one);
        submit(1, rows[i].other);
        if ((schedule.memory.turns[0].host == schedule.memory.turns[1].host) != rows[i].is_same)
            fail_msg("%s and %s", rows[i].one, rows[i].other);
    }
}

/* --- places ----------------------------------------------------------------------------------- */

static void the_next_place_is_for_who_holds_the_fewest(void **state)
{
    (void)state;
    begin_test(&none);
    for (uint32_t i = 0; i < 8; i++)
        submit(i, "slow");
    for (uint32_t i = 8; i < 16; i++)
        submit(i, "quick");
    submit(16, "other");
    static const uint32_t order[] = {0, 8, 16, 1, 9, 2, 10};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        expect_next(order[i]);
    for (uint32_t i = 0; i < 2; i++) { /* of 3 and 3 one ends: it has 2 */
        end(8 + i);
        expect_next(11 + i);
    }
    end(16);
    expect_next(3);
    submit(16, "other");
    expect_next(16);
}

/* Sixteen that hold their place, 64 that give it back, on eight places. */
static void slow_ones_have_their_share_and_no_more(void **state)
{
    uint32_t held[8], count = 0, quick = 0;
    (void)state;
    begin_test(&none);
    for (uint32_t i = 0; i < 64; i++)
        submit(i, i % 4 == 0 ? "slow" : "quick");
    while (quick < 48) {
        while (count < 8) {
            held[count] = schedule_next(&schedule, now_ns);
            assert_true(held[count] != NO_FETCH);
            begin(held[count++]);
        }
        for (uint32_t i = 0; i < count; i++)
            if (held[i] % 4 != 0) {
                end(held[i]);
                held[i--] = held[--count];
                quick++;
            }
        if (schedule.count > 12)
            assert_in_range(count, 0, 4); /* the slow ones that have a place */
    }
}

/* --- turns ------------------------------------------------------------------------------------ */

static const char *const three[] = {"a", "b", "c"};

static uint32_t who_is_next(void)
{
    uint32_t fetch = schedule_next(&schedule, now_ns);
    assert_true(fetch != NO_FETCH);
    begin(fetch);
    schedule_end(&schedule, fetch, true, now_ns);
    fetches[fetch].state = FETCH_FREE;
    return fetch;
}

/* At one place: while a host's connection is idle it goes first, for so many requests. */
static void a_host_keeps_its_turn_for_so_long(void **state)
{
    enum { MANY = SCHEDULE_STAY_MOST + 8, FEW = (FETCHES - MANY) / 2 };
    (void)state;
    begin_test(&none);
    for (uint32_t i = 0; i < MANY + 2 * FEW; i++)
        submit(i, three[i < MANY ? 0 : i < MANY + FEW ? 1 : 2]);
    for (uint32_t i = 0; i <= SCHEDULE_STAY_MOST; i++)
        assert_int_equal(who_is_next(), i);
    for (uint32_t i = 0; i < 2 * FEW; i++)
        assert_int_equal(who_is_next(), MANY + i);
    for (uint32_t i = SCHEDULE_STAY_MOST + 1; i < MANY; i++)
        assert_int_equal(who_is_next(), i);
    expect_next(NO_FETCH);
}

/* And of slow ones not for longer than a second, by when its last one ends. */
static void a_turn_is_over_after_a_time(void **state)
{
    static const uint32_t order[] = {0, 3, 6, 9, 1, 4, 2};
    (void)state;
    begin_test(&none);
    for (uint32_t i = 0; i < 12; i++)
        submit(i, three[i % 3]);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        uint32_t fetch = schedule_next(&schedule, now_ns);
        assert_int_equal(fetch, order[i]);
        begin(fetch);
        now_ns += i < 3 ? 300 * MS : SECOND;
        if (i >= 4) /* b, and c */
            now_ns -= 500 * MS;
        schedule_end(&schedule, fetch, true, now_ns);
        fetches[fetch].state = FETCH_FREE;
    }
}

/* One that holds fewer goes before one whose connection is idle, and what closes its connections
 * takes turns. */
static void who_holds_fewer_goes_before_who_is_kept(void **state)
{
    (void)state;
    begin_test(&none);
    for (uint32_t i = 0; i < 12; i++)
        submit(i, three[i % 3]);
    expect_next(0);
    expect_next(1);
    expect_next(2);
    expect_next(3);
    expect_next(4);
    schedule_end(&schedule, 3, true, now_ns);
    fetches[3].state = FETCH_FREE;
    expect_next(6); /* a goes on before c, which holds as few */
    end(6);
    expect_next(5); /* it does not, */
    schedule_end(&schedule, 4, true, now_ns);
    schedule_end(&schedule, 1, true, now_ns);
    fetches[4].state = fetches[1].state = FETCH_FREE;
    schedule_end(&schedule, 0, true, now_ns);
    fetches[0].state = FETCH_FREE;
    expect_next(9); /* nor does b, that ended before a did */
    expect_next(7);
}

static void lead_elsewhere(uint32_t fetch)
{
    schedule_yield(&schedule, fetch, now_ns);
    end(fetch);
}

/* Who has not answered what was asked stands behind those that hold as few, however often their
 * turn comes, for a second; not behind those that hold more, and behind nobody where none waits. */
static void who_leads_elsewhere_yields(void **state)
{
    (void)state;
    begin_test(&none);
    for (uint32_t i = 0; i < 21; i++)
        submit(i, three[i % 3]);
    expect_next(0);
    lead_elsewhere(0);
    static const uint32_t order[] = {1, 2, 4, 5, 7, 8};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        expect_next(order[i]);
        end(order[i]);
    }
    expect_next(10);
    expect_next(11);
    expect_next(3);  /* b and c hold one each */
    expect_next(13); /* and so does a now */
    lead_elsewhere(3);
    end(10);
    end(11);
    end(13);
    now_ns += SCHEDULE_YIELD_NS - 1;
    expect_next(14);
    end(14);
    now_ns += 1;
    expect_next(16);
    expect_next(17);
    expect_next(6);
}

static void who_waits_alone_yields_to_nobody(void **state)
{
    (void)state;
    begin_test(&none);
    submit(0, "a");
    submit(1, "a");
    submit(2, "a");
    submit(3, "b");
    expect_next(0);
    lead_elsewhere(0);
    expect_next(3);
    expect_next(1);
    lead_elsewhere(1);
    schedule_remove(&schedule, 2);
    fetches[2].state = FETCH_FREE;
    expect_next(NO_FETCH);
    assert_int_equal(schedule.yielding.first, NO_HOST);
}

/* The rate of all holds for it too, and says when it may begin. */
static void who_yields_waits_for_its_token(void **state)
{
    (void)state;
    begin_test(&(const struct schedule_limits){.spacing_ns = 10 * MS});
    submit(0, "a");
    submit(1, "a");
    expect_next(0);
    lead_elsewhere(0);
    expect_next(NO_FETCH);
    assert_in_range(schedule_due_ns(&schedule, now_ns), now_ns + 1, now_ns + 10 * MS);
    now_ns = schedule_due_ns(&schedule, now_ns);
    expect_next(1);
}

/* Hosts come, are forgotten for others, and come again. */
static void hosts_take_each_others_place(void **state)
{
    char name[16];
    (void)state;
    begin_test(&none);
    submit(0, "kept");
    begin(0);
    uint32_t host = schedule.memory.turns[0].host;
    for (uint32_t i = 0; i < 10 * HOSTS; i++) {
        snprintf(name, sizeof name, "h%u", i);
        submit(1, name);
        expect_next(1);
        end(1);
    }
    submit(2, "kept");
    assert_int_equal(schedule.memory.turns[2].host, host);
}

/* Any order of events leaves every request begun once, and nothing held. */
static void chance_loses_nothing(void **state)
{
    uint64_t random = 12345;
    uint32_t ended = 0;
    (void)state;
    begin_test(&(const struct schedule_limits){.host_spacing_ns = 3 * MS, .spacing_ns = MS / 10});
    for (uint32_t steps = 0; ended < 3000; steps++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint32_t fetch = (uint32_t)(random >> 33) % FETCHES;
        uint32_t other = (uint32_t)(random >> 50) % 7;
        char name[8];
        snprintf(name, sizeof name, "h%u", other);
        now_ns += (random >> 40) % MS;
        if (fetches[fetch].state == FETCH_FREE) {
            submit(fetch, name);
        } else if (fetches[fetch].state == FETCH_ACTIVE) {
            if (other < 3)
                schedule_yield(&schedule, fetch, now_ns);
            end(fetch);
            ended += other != 0;
            if (other == 0)
                schedule_prepend(&schedule, fetch, random & 1);
        } else if (other == 1) {
            schedule_remove(&schedule, fetch);
            fetches[fetch].state = FETCH_FREE;
        } else if ((fetch = schedule_next(&schedule, now_ns)) != NO_FETCH) {
            begin(fetch);
        }
    }
    for (uint32_t i = 0; i < FETCHES; i++)
        if (fetches[i].state == FETCH_ACTIVE)
            end(i);
    while (schedule.count > 0) {
        uint32_t fetch = schedule_next(&schedule, now_ns);
        if (fetch == NO_FETCH) {
            assert_true(schedule_due_ns(&schedule, now_ns) > now_ns);
            now_ns = schedule_due_ns(&schedule, now_ns);
            assert_true(now_ns != DEADLINE_NEVER);
            continue;
        }
        begin(fetch);
        end(fetch);
    }
    assert_int_equal(schedule.held, 0);
    assert_int_equal(schedule.queued_hosts, 0);
    assert_int_equal(schedule.ready + schedule.timed, 0);
    assert_int_equal(schedule.yielding.first, NO_HOST);
    assert_int_equal(schedule.paid, NO_HOST);
}

/* --- rates ------------------------------------------------------------------------------------ */

/* Begins all that wait, as their times come; returns how long it took. */
static uint64_t run_all(uint64_t *times)
{
    uint64_t from_ns = now_ns;
    uint32_t count = 0;
    while (schedule.count > 0) {
        uint32_t fetch = schedule_next(&schedule, now_ns);
        if (fetch == NO_FETCH) {
            now_ns = schedule_due_ns(&schedule, now_ns);
            assert_true(now_ns != DEADLINE_NEVER);
            continue;
        }
        begin(fetch);
        end(fetch);
        times[count++] = now_ns - from_ns;
    }
    return now_ns - from_ns;
}

static void beginnings_are_spaced_evenly(void **state)
{
    uint64_t times[FETCHES];
    char name[8];
    (void)state;
    begin_test(&(const struct schedule_limits){.spacing_ns = spacing_of_rate(50)});
    for (uint32_t i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "h%u", i % 3);
        submit(i, name);
    }
    run_all(times);
    for (uint32_t i = 1; i < 20; i++) /* what a timer may be late by is in the first alone */
        assert_in_range(times[i] - times[i - 1], i == 1 ? 19 * MS : 20 * MS, 20 * MS);
}

/* A second of silence is no reason for a burst, nor is a timer that is late. */
static void what_was_missed_is_not_made_up_for(void **state)
{
    (void)state;
    begin_test(&(const struct schedule_limits){.spacing_ns = 20 * MS});
    for (uint32_t i = 0; i < 10; i++)
        submit(i, "a");
    expect_next(0);
    now_ns += SECOND;
    expect_next(1);
    expect_next(NO_FETCH);
    now_ns += 18 * MS;
    expect_next(NO_FETCH);
    now_ns += 1 * MS; /* a timer's lateness, of at most 1 ms, is made up for */
    expect_next(2);
    now_ns += 20 * MS;
    expect_next(3);
    now_ns += 20 * MS + MS / 2;
    expect_next(4);
    now_ns += 19 * MS + MS / 2;
    expect_next(5);
}

static void below_one_millisecond_those_of_one_begin_at_once(void **state)
{
    uint64_t times[FETCHES];
    (void)state;
    begin_test(&(const struct schedule_limits){.spacing_ns = spacing_of_rate(10000)});
    for (uint32_t i = 0; i < 60; i++)
        submit(i, "a");
    run_all(times);
    assert_int_equal(times[9], 0);
    assert_int_equal(times[10], MS / 10);
    assert_in_range(times[59], 4 * MS + 9 * MS / 10, 5 * MS);
}

static void a_host_has_a_rate_of_its_own(void **state)
{
    uint64_t times[FETCHES];
    (void)state;
    begin_test(&(const struct schedule_limits){.host_spacing_ns = 100 * MS});
    for (uint32_t i = 0; i < 8; i++)
        submit(i, i < 4 ? "a" : "b");
    run_all(times);
    for (uint32_t i = 0; i < 8; i += 2) {
        assert_int_equal(times[i], times[i + 1]);
        assert_in_range(times[i] + MS, 100 * MS * (i / 2), 100 * MS * (i / 2) + MS);
    }
}

/* From begin to begin, to the nanosecond; and a host that was at rest is not forgotten. */
static void a_delay_is_never_undercut(void **state)
{
    (void)state;
    begin_test(&(const struct schedule_limits){.host_delay_ns = 10 * MS});
    submit(0, "a");
    expect_next(0);
    end(0);
    now_ns += 10 * MS - 1;
    submit(1, "a");
    submit(2, "b");
    expect_next(2);
    expect_next(NO_FETCH);
    assert_int_equal(schedule_due_ns(&schedule, now_ns), now_ns + 1);
    assert_false(schedule_may_begin(&schedule, 1, now_ns));
    now_ns++;
    assert_true(schedule_may_begin(&schedule, 1, now_ns));
    expect_next(1);
}

/* What came to nothing before it was sent is not counted twice, and goes on whatever the rates
 * say; what was sent is counted again. */
static void a_token_is_paid_once(void **state)
{
    (void)state;
    begin_test(&(const struct schedule_limits){.spacing_ns = SECOND, .host_spacing_ns = SECOND});
    for (uint32_t i = 0; i < 4; i++)
        submit(i, i == 3 ? "b" : "a");
    expect_next(0);
    expect_next(NO_FETCH);
    end(0);
    schedule_prepend(&schedule, 0, true);
    expect_next(0);
    expect_next(NO_FETCH);
    end(0);
    schedule_prepend(&schedule, 0, true);
    now_ns += SECOND;
    expect_next(0);
    expect_next(3); /* of the other host, which came later but holds less */
    expect_next(NO_FETCH);
    end(0);
    schedule_prepend(&schedule, 0, false);
    expect_next(NO_FETCH);
    now_ns += SECOND;
    expect_next(0);
    expect_next(NO_FETCH);
}

/* --- what hosts say of themselves ------------------------------------------------------------- */

static const struct schedule_limits adaptive = {.is_adaptive = true};

/* It goes down by half, once for all that were under way, and up by one a round. */
static void a_host_is_slowed_and_raised_again(void **state)
{
    (void)state;
    begin_test(&adaptive);
    for (uint32_t i = 0; i < 32; i++)
        submit(i, "a");
    for (uint32_t i = 0; i < 8; i++)
        expect_next(i);
    uint64_t begun_ns = now_ns++;
    schedule_slow(&schedule, 0, begun_ns, 0, now_ns);
    schedule_slow(&schedule, 1, begun_ns, 0, now_ns);
    for (uint32_t i = 0; i < 4; i++) {
        end(i);
        expect_next(NO_FETCH);
    }
    end(4);
    expect_next(8); /* four of eight */
    expect_next(NO_FETCH);
    for (uint32_t i = 5; i < 9; i++) {
        schedule_praise(&schedule, i);
        assert_int_equal(schedule_next(&schedule, now_ns), i < 8 ? NO_FETCH : 9);
    }
    expect_next(9);
    expect_next(NO_FETCH);
    begun_ns = now_ns++;
    schedule_slow(&schedule, 9, begun_ns, 0, now_ns);
    for (uint32_t i = 5; i < 8; i++) {
        end(i);
        expect_next(NO_FETCH);
    }
    end(8);
    expect_next(10); /* two of five */
    expect_next(NO_FETCH);
}

/* No other host is held with it, and one place is always left. */
static void a_host_is_held_until_its_time(void **state)
{
    (void)state;
    begin_test(&adaptive);
    for (uint32_t i = 0; i < 4; i++)
        submit(i, i < 3 ? "a" : "b");
    expect_next(0);
    schedule_slow(&schedule, 0, now_ns, now_ns + SECOND, now_ns);
    end(0);
    expect_next(3);
    expect_next(NO_FETCH);
    assert_int_equal(schedule_due_ns(&schedule, now_ns), now_ns + SECOND);
    now_ns += SECOND;
    expect_next(1);
    expect_next(NO_FETCH);
    end(1);
    expect_next(2);
}

/* --- connections ------------------------------------------------------------------------------ */

static void a_full_host_holds_nobody_up(void **state)
{
    (void)state;
    begin_test(&(const struct schedule_limits){.host_conns = 1});
    submit(0, "a");
    submit(1, "a");
    submit(2, "b");
    assert_false(schedule_is_full(&schedule, 0));
    schedule_connect(&schedule, 0, 5);
    expect_next(0);
    assert_true(schedule_is_full(&schedule, 1));
    assert_false(schedule_is_full(&schedule, 2));
    assert_true(schedule_is_of(&schedule, 1, 5));
    assert_false(schedule_is_of(&schedule, 2, 5));
    schedule_fill(&schedule, 1);
    assert_false(schedule_may_begin(&schedule, 1, now_ns));
    expect_next(2);
    expect_next(NO_FETCH);
    end(0);
    expect_next(NO_FETCH); /* its connection is being closed */
    schedule_disconnect(&schedule, 5);
    assert_false(schedule_is_full(&schedule, 1));
    schedule_connect(&schedule, 1, 6);
    expect_next(1);
    submit(3, "a");
    schedule_fill(&schedule, 3);
    expect_next(NO_FETCH);
    end(1);
    schedule_idle(&schedule, 6);
    assert_true(schedule_is_full(&schedule, 3)); /* but there is one to use again */
    expect_next(3);
}

/* Of three that stand behind one gate, and one that has nothing to ask any more. */
static void a_gate_opens_in_turn(void **state)
{
    (void)state;
    begin_test(&(const struct schedule_limits){.has_gates = true});
    for (uint32_t i = 0; i < 5; i++)
        submit(i, (const char *const[]){"a", "b", "c", "d", "e"}[i]);
    for (uint32_t i = 0; i < 4; i++)
        schedule_stand_behind(&schedule, i, 1, false);
    expect_next(4);
    expect_next(NO_FETCH);
    assert_false(schedule_may_begin(&schedule, 0, now_ns));
    assert_true(schedule_has_behind(&schedule, 1) && !schedule_has_behind(&schedule, 0));
    schedule_remove(&schedule, 1);
    schedule_open(&schedule, 1, 2);
    expect_next(0);
    expect_next(2);
    expect_next(NO_FETCH);
    schedule_open(&schedule, 1, UINT32_MAX);
    expect_next(3);
    assert_false(schedule_has_behind(&schedule, 1));
}

/* One goes to the front, and one passes by all that came before it. */
static void a_gate_opens_for_whom_it_is_said(void **state)
{
    (void)state;
    begin_test(&(const struct schedule_limits){.has_gates = true});
    for (uint32_t i = 0; i < 5; i++) {
        submit(i, (const char *const[]){"a", "b", "c", "d", "e"}[i]);
        schedule_stand_behind(&schedule, i, 1, i == 1 || i == 3);
        assert_int_equal(schedule_gate(&schedule, i), 1);
    }
    schedule_let_through(&schedule, 2);
    assert_int_equal(schedule_gate(&schedule, 2), NO_GATE);
    expect_next(2);
    expect_next(NO_FETCH);
    for (uint32_t i = 0; i < 4; i++) {
        schedule_open(&schedule, 1, 1);
        expect_next((const uint32_t[]){3, 1, 0, 4}[i]);
    }
    assert_false(schedule_has_behind(&schedule, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_keeps_its_order),
        cmocka_unit_test(a_host_is_a_name_and_a_port),
        cmocka_unit_test(the_next_place_is_for_who_holds_the_fewest),
        cmocka_unit_test(slow_ones_have_their_share_and_no_more),
        cmocka_unit_test(a_host_keeps_its_turn_for_so_long),
        cmocka_unit_test(a_turn_is_over_after_a_time),
        cmocka_unit_test(who_holds_fewer_goes_before_who_is_kept),
        cmocka_unit_test(who_leads_elsewhere_yields),
        cmocka_unit_test(who_waits_alone_yields_to_nobody),
        cmocka_unit_test(who_yields_waits_for_its_token),
        cmocka_unit_test(hosts_take_each_others_place),
        cmocka_unit_test(chance_loses_nothing),
        cmocka_unit_test(beginnings_are_spaced_evenly),
        cmocka_unit_test(what_was_missed_is_not_made_up_for),
        cmocka_unit_test(below_one_millisecond_those_of_one_begin_at_once),
        cmocka_unit_test(a_host_has_a_rate_of_its_own),
        cmocka_unit_test(a_delay_is_never_undercut),
        cmocka_unit_test(a_token_is_paid_once),
        cmocka_unit_test(a_host_is_slowed_and_raised_again),
        cmocka_unit_test(a_host_is_held_until_its_time),
        cmocka_unit_test(a_gate_opens_in_turn),
        cmocka_unit_test(a_gate_opens_for_whom_it_is_said),
        cmocka_unit_test(a_full_host_holds_nobody_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
