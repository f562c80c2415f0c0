/* The connection slots: which idle link is taken, which one makes room, and what counts as open. */

#include "engine/link/pool.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

enum { SLOTS = 5, MOST = 3, ORIGINS = 4 };

static struct house {
    struct pool pool;
    struct pool_slot slots[SLOTS];
    uint32_t next[SLOTS];
    struct origins origins;
    struct origin list[ORIGINS];
    uint32_t buckets[16];
} house;

static struct pool *open_house(void)
{
    struct slab slab;
    memset(&house, 0, sizeof house);
    origins_init(&house.origins, house.list, house.buckets, ORIGINS);
    slab_init(&slab, house.next, SLOTS);
    pool_init(&house.pool, house.slots, slab, &house.origins, MOST);
    return &house.pool;
}

/* Of a one-letter host. */
static struct url url_of(const char *host)
{
    static char text[16];
    static char room[URL_ROOM_BYTES];
    struct url url;
    strcpy(text, "http://x/");
    text[7] = *host;
    assert_int_equal(url_parse((struct span){text, 9}, room, &url, NULL), PROTO_OK);
    return url;
}

static uint32_t take(struct pool *pool, const char *host, uint32_t holder)
{
    struct url url = url_of(host);
    return pool_take(pool, &url, holder);
}

/* A link that has been dialed, was used, and rests. */
static uint32_t rest(struct pool *pool, const char *host)
{
    uint32_t slot = take(pool, host, 7);
    assert_int_not_equal(slot, NO_SLOT);
    pool_begin(pool, slot);
    pool_put_idle(pool, slot, 0);
    return slot;
}

static uint32_t take_idle(struct pool *pool, const char *host, uint32_t holder)
{
    struct url url = url_of(host);
    uint32_t origin = origin_find(pool->origins, &url);
    assert_int_not_equal(origin, NO_ORIGIN);
    return pool_take_idle(pool, origin, holder);
}

static void close_whole(struct pool *pool, uint32_t slot)
{
    pool_close(pool, slot);
    pool_remove(pool, slot);
}

static void a_slot_has_its_holder_until_it_rests(void **state)
{
    struct pool *pool = open_house();
    (void)state;
    uint32_t slot = take(pool, "a", 40);
    assert_int_equal(pool_state(pool, slot), POOL_DIALING);
    assert_int_equal(pool_holder(pool, slot), 40);
    assert_int_equal(pool->open, 1);
    pool_begin(pool, slot);
    assert_int_equal(pool_state(pool, slot), POOL_BUSY);
    assert_false(pool_has_idle(pool));
    pool_put_idle(pool, slot, 0);
    assert_true(pool_has_idle(pool));
    assert_int_equal(pool_holder(pool, slot), NO_HOLDER);
    assert_int_equal(take_idle(pool, "a", 41), slot);
    assert_int_equal(pool_holder(pool, slot), 41);
    assert_int_equal(take_idle(pool, "a", 42), NO_SLOT);
    pool_close(pool, slot);
    assert_int_equal(pool->open, 0);
    assert_int_equal(pool->slab.taken, 1);
    pool_remove(pool, slot);
    assert_int_equal(pool->slab.taken, 0);
    assert_int_equal(house.list[0].conns, 0);
}

static void the_last_to_rest_is_taken_first_of_its_origin(void **state)
{
    struct pool *pool = open_house();
    (void)state;
    uint32_t first = rest(pool, "a");
    uint32_t other = rest(pool, "b");
    uint32_t last = take(pool, "a", 7);
    pool_begin(pool, last);
    pool_put_idle(pool, last, 0);
    assert_int_equal(take_idle(pool, "a", 1), last);
    assert_int_equal(take_idle(pool, "a", 2), first);
    assert_int_equal(take_idle(pool, "a", 3), NO_SLOT);
    assert_int_equal(take_idle(pool, "b", 4), other);
    assert_false(pool_has_idle(pool));
}

static void the_oldest_makes_room(void **state)
{
    struct pool *pool = open_house();
    (void)state;
    uint32_t slots[MOST] = {rest(pool, "a"), rest(pool, "b")};
    assert_int_equal(pool_surplus(pool, 0), NO_SLOT);
    slots[2] = rest(pool, "c");
    assert_int_equal(take(pool, "d", 1), NO_SLOT);
    for (int i = 0; i < MOST; i++) {
        assert_int_equal(pool_surplus(pool, 0), slots[i]);
        pool_close(pool, slots[i]);
        uint32_t taken = i < 2 ? take(pool, "d", 1) : NO_SLOT; /* two slots are spare */
        assert_int_equal(taken == NO_SLOT, i == 2);
    }
    assert_false(pool_has_idle(pool));
    assert_int_equal(take(pool, "d", 1), NO_SLOT); /* all slots are being closed, or open */
    pool_remove(pool, slots[0]);
    assert_int_equal(take(pool, "d", 1), slots[0]);
}

/* From the middle of both lists, too. */
static void any_may_be_closed(void **state)
{
    (void)state;
    for (int closed = 0; closed < MOST; closed++) {
        struct pool *pool = open_house();
        uint32_t slots[MOST];
        for (int i = 0; i < MOST; i++)
            slots[i] = rest(pool, "a");
        close_whole(pool, slots[closed]);
        for (int i = MOST - 1; i >= 0; i--)
            if (i != closed)
                assert_int_equal(take_idle(pool, "a", 1), slots[i]);
        assert_int_equal(take_idle(pool, "a", 1), NO_SLOT);
        assert_false(pool_has_idle(pool));
        assert_int_equal(pool->open, MOST - 1);
    }
}

/* Until one is closed, or the time has come. */
static void without_descriptors_nothing_is_opened(void **state)
{
    struct pool *pool = open_house();
    (void)state;
    uint32_t busy = take(pool, "a", 1);
    uint32_t idle = rest(pool, "b");
    pool_be_short(pool, 100);
    assert_false(pool_may_open(pool, 99));
    assert_true(pool_may_open(pool, 100));
    assert_int_equal(pool_surplus(pool, 99), idle);
    assert_int_equal(pool_surplus(pool, 100), NO_SLOT);
    pool_close(pool, idle);
    pool_close(pool, busy);
    assert_false(pool_may_open(pool, 99));
    assert_true(pool_has_more(pool, 1));
    pool_remove(pool, idle);
    assert_true(pool_may_open(pool, 0));
    assert_false(pool_has_more(pool, 1));
    uint32_t vain = take(pool, "a", 1);
    pool_is_vain(pool, vain);
    pool_close(pool, vain);
    pool_be_short(pool, 100);
    pool_remove(pool, vain); /* which was the one that found none */
    assert_false(pool_may_open(pool, 99));
}

/* Beyond the bound, in the place of what is being closed; and never when it is alone. */
static void a_second_attempt_stands_beside(void **state)
{
    struct pool *pool = open_house();
    (void)state;
    uint32_t slots[MOST] = {take(pool, "a", 1), take(pool, "b", 2), take(pool, "c", 3)};
    uint32_t beside = pool_take_beside(pool, slots[1]);
    assert_int_equal(pool_holder(pool, beside), 2);
    assert_int_equal(pool->slots[beside].origin, pool->slots[slots[1]].origin);
    assert_int_equal(pool->open, MOST);
    assert_true(pool_may_race(pool, 0));
    assert_int_not_equal(pool_take_beside(pool, slots[0]), NO_SLOT);
    assert_false(pool_may_race(pool, 0));
    assert_int_equal(pool_take_beside(pool, slots[2]), NO_SLOT);
    close_whole(pool, slots[1]);
    pool_count(pool, beside);
    assert_int_equal(pool->open, MOST);
    assert_int_equal(pool->beside, 1);
    assert_int_equal(take(pool, "d", 4), NO_SLOT);
    pool_begin(pool, beside);
    close_whole(pool, beside);
    assert_int_equal(pool->open, MOST - 1);
    assert_int_equal(house.list[1].conns, 0);
}

/* A request that must not be sent twice goes out where a link has been idle for 50 ms; not for 60 s
 * after one was closed within a second of its reply, or under a request. */
static void who_keeps_links_is_found_out(void **state)
{
    struct pool *pool = open_house();
    const uint64_t ms = 1000000;
    uint64_t until_ns = 0;
    (void)state;
    uint32_t slot = rest(pool, "a");
    uint32_t other = rest(pool, "a");
    uint32_t origin = pool->slots[slot].origin;
    pool->slots[other].idle_ns = 9 * ms;
    assert_int_equal(pool_trust(pool, origin, 40 * ms, &until_ns), POOL_UNKNOWN);
    assert_int_equal(until_ns, 50 * ms);
    assert_int_equal(pool_trust(pool, origin, 50 * ms, &until_ns), POOL_TRUSTED);
    pool->slots[slot].idle_ns = 50 * ms;
    assert_int_equal(pool_trust(pool, origin, 51 * ms, &until_ns), POOL_TRUSTED);
    pool_is_cut(pool, slot, 1051 * ms); /* after long, as servers do */
    assert_int_equal(pool_trust(pool, origin, 1051 * ms, &until_ns), POOL_TRUSTED);
    pool_is_cut(pool, slot, 1050 * ms);
    assert_int_equal(pool_trust(pool, origin, 61049 * ms, &until_ns), POOL_DISTRUSTED);
    pool->slots[slot].idle_ns = pool->slots[other].idle_ns = 61040 * ms;
    assert_int_equal(pool_trust(pool, origin, 61050 * ms, &until_ns), POOL_UNKNOWN);
    assert_int_equal(take_idle(pool, "a", 1), other);
    pool_is_cut(pool, other, 99000 * ms); /* busy: however long it was idle before */
    assert_int_equal(pool_trust(pool, origin, 99000 * ms, &until_ns), POOL_DISTRUSTED);
}

static void more_origins_than_there_are_take_no_slot(void **state)
{
    struct pool *pool = open_house();
    (void)state;
    pool->most = SLOTS;
    assert_int_not_equal(take(pool, "a", 1), NO_SLOT);
    assert_int_not_equal(take(pool, "b", 1), NO_SLOT);
    assert_int_not_equal(take(pool, "c", 1), NO_SLOT);
    assert_int_not_equal(take(pool, "d", 1), NO_SLOT);
    assert_int_equal(take(pool, "e", 1), NO_SLOT);
    assert_int_equal(pool->open, ORIGINS);
    assert_int_equal(pool->slab.taken, ORIGINS);
    assert_int_not_equal(take(pool, "a", 1), NO_SLOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_has_its_holder_until_it_rests),
        cmocka_unit_test(the_last_to_rest_is_taken_first_of_its_origin),
        cmocka_unit_test(the_oldest_makes_room),
        cmocka_unit_test(any_may_be_closed),
        cmocka_unit_test(without_descriptors_nothing_is_opened),
        cmocka_unit_test(a_second_attempt_stands_beside),
        cmocka_unit_test(who_keeps_links_is_found_out),
        cmocka_unit_test(more_origins_than_there_are_take_no_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
