/* Getting a link, by the events of links on a loop that does nothing: which address is tried, by
 * whom, what is told, and what the origin and the request remember. */

#include "tests/lib/engine/dial_stage.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/resource.h>

enum { SLOTS = 4, ADDRESSES = 3 };

static struct stage stage;

static void stage_open(uint32_t count)
{
    stage_set(&stage, SLOTS, count ? ORIGIN_KNOWN : ORIGIN_RESOLVING, count, 1000);
}

static void close_link(uint32_t slot)
{
    dial_forget(&stage.dials, slot);
    link_close(&stage.links, slot);
    stage.link[slot].state = LINK_FREE;
}

/* For the request of the same number. */
static bool begin_for(uint32_t slot, uint32_t request, uint32_t rival)
{
    stage.loop.asked[0] = '\0';
    return dial_begin(&stage.dials, slot, 0, &stage.tried[request], rival, 1, &stage.news);
}

static bool begin(uint32_t slot)
{
    return begin_for(slot, slot, NO_SLOT);
}

static void begin_and_connect(uint32_t slot)
{
    assert_true(begin(slot));
    assert_int_equal(stage.news.kind, DIAL_BEGUN);
}

/* The last number of the address. */
static uint32_t address_of(uint32_t slot)
{
    return ntohl(stage.list[slot].address.ipv4.sin_addr.s_addr) & 0xff;
}

static bool take(uint32_t slot, enum link_event_kind kind, int error)
{
    struct link_event event = {.kind = kind, .end = LINK_REFUSED, .link = slot, .error = error};
    if (kind == LINK_CONNECTED)
        stage.link[slot].state = LINK_OPEN;
    return dial_take(&stage.dials, &event, &stage.news);
}

static void connects(uint32_t slot)
{
    assert_true(take(slot, LINK_CONNECTED, 0));
    assert_int_equal(stage.news.kind, DIAL_READY);
}

static void is_refused(uint32_t slot, int error, bool has_another)
{
    assert_true(take(slot, LINK_END, error));
    assert_int_equal(stage.news.kind, DIAL_FAILED);
    assert_int_equal(stage.news.failure.error, HAUL_CONNECT);
    assert_int_equal(stage.news.failure.os_error, error);
    assert_int_equal(stage.news.has_another, has_another);
    close_link(slot);
}

static struct dial_news next(const struct resolver_answer *answer)
{
    struct dial_news none = {.slot = NO_SLOT};
    return dial_next(&stage.dials, answer, &stage.news) ? stage.news : none;
}

/* Each once, whatever has become of their order meanwhile. */
static void each_address_is_tried_once(void **state)
{
    (void)state;
    stage_open(ADDRESSES);
    for (uint32_t attempt = 0; attempt < ADDRESSES; attempt++) {
        begin_and_connect(0);
        assert_string_equal(stage.loop.asked, "attach 0, connect 0, ");
        assert_int_equal(address_of(0), 1 + attempt);
        assert_int_equal(dial_stage(&stage.dials, 0), HAUL_STAGE_CONNECT);
        is_refused(0, ECONNREFUSED, attempt + 1 < ADDRESSES);
    }
    assert_true(begin(0));
    assert_int_equal(stage.news.kind, DIAL_FAILED);
    assert_int_equal(stage.news.failure.os_error, ECONNREFUSED);
    assert_int_equal(stage.dials.connects, ADDRESSES);
}

/* Two requests fall back at once: what one of them finds moves the other's addresses. */
static void two_fall_back_at_once(void **state)
{
    (void)state;
    stage_open(2);
    stage.origin.is_open = true;
    begin_and_connect(0);
    begin_and_connect(1);
    assert_int_equal(address_of(1), 1);
    is_refused(0, ECONNREFUSED, true);
    begin_and_connect(0);
    assert_int_equal(address_of(0), 2);
    connects(0);
    is_refused(1, ECONNREFUSED, true);
    begin_and_connect(1);
    assert_int_equal(address_of(1), 2);
    connects(1);
    close_link(0);
    close_link(1);
}

/* What was tried stays so in another answer, in which it may stand elsewhere. */
static void what_was_tried_outlives_its_list(void **state)
{
    struct resolver_answer answer = {.addresses = addresses_of(3)};
    (void)state;
    stage_open(1);
    begin_and_connect(0);
    is_refused(0, ECONNREFUSED, false);
    stage.origin.state = ORIGIN_RESOLVING;
    answer.addresses.list[0] = addresses_of(3).list[1];
    answer.addresses.list[1] = addresses_of(3).list[0];
    assert_false(begin(0));
    dial_answer(&stage.dials, &answer, 5);
    assert_int_equal(next(&answer).kind, DIAL_BEGUN);
    assert_int_equal(address_of(0), 2);
    is_refused(0, ECONNREFUSED, true);
    begin_and_connect(0);
    assert_int_equal(address_of(0), 3);
    is_refused(0, ECONNREFUSED, false);
}

/* The winner leads from then on, and who was silent comes last, in the next answer too. */
static void who_wins_a_race_leads(void **state)
{
    struct resolver_answer answer = {.addresses = addresses_of(ADDRESSES)};
    (void)state;
    stage_open(ADDRESSES);
    begin_and_connect(0);
    dial_is_late(&stage.dials, 0);
    assert_true(dial_has_another(&stage.dials, 0));
    assert_true(begin_for(1, 0, 0));
    assert_int_equal(address_of(1), 2);
    assert_int_equal(dial_rival(&stage.dials, 0), 1);
    assert_int_equal(dial_rival(&stage.dials, 1), 0);
    connects(1);
    assert_int_equal(stage.dials.lost, 1);
    close_link(0);
    assert_int_equal(dial_rival(&stage.dials, 1), NO_SLOT);
    for (int is_new = 0; is_new < 2; is_new++) {
        const uint32_t order[ADDRESSES] = {2, 3, 1};
        for (uint32_t i = 0; i < ADDRESSES; i++) {
            uint32_t ip = ntohl(stage.origin.places.addresses.list[i].ipv4.sin_addr.s_addr);
            assert_int_equal(ip & 0xff, order[i]);
        }
        dial_answer(&stage.dials, &answer, 5);
    }
    close_link(1);
}

/* At most two are under way: a third address takes the place of the older one, which is tried again
 * at the end, and then waited for longer. */
static void a_third_takes_the_place_of_the_first(void **state)
{
    (void)state;
    stage_open(ADDRESSES);
    begin_and_connect(0);
    assert_int_equal(dial_delay_ns(&stage.dials, 0), UINT64_C(250000000));
    assert_true(begin_for(1, 0, 0));
    dial_is_late(&stage.dials, 1);
    assert_true(dial_has_another(&stage.dials, 1));
    dial_give_up(&stage.dials, 0);
    close_link(0);
    assert_true(begin_for(2, 0, 1));
    assert_int_equal(address_of(2), 3);
    assert_true(dial_has_another(&stage.dials, 2));
    dial_give_up(&stage.dials, 1);
    close_link(1);
    assert_true(begin_for(0, 0, 2));
    assert_int_equal(address_of(0), 1);
    assert_int_equal(dial_delay_ns(&stage.dials, 0), UINT64_C(1000000000));
    connects(0);
    close_link(2);
    close_link(0);
    assert_int_equal(stage.dials.lost, 3);
}

/* With two addresses there is nobody to give way to. */
static void two_silent_ones_are_waited_for(void **state)
{
    (void)state;
    stage_open(2);
    begin_and_connect(0);
    assert_true(begin_for(1, 0, 0));
    assert_false(dial_has_another(&stage.dials, 1));
    assert_false(dial_may_have_another(&stage.dials, 1));
    close_link(0);
    close_link(1);
}

/* One request tries; the others know when it does. */
static void others_wait_for_the_first_connection(void **state)
{
    (void)state;
    stage_open(2);
    begin_and_connect(0);
    assert_false(begin(1));
    assert_false(begin(2));
    assert_int_equal(dial_stage(&stage.dials, 1), HAUL_STAGE_CONNECT);
    dial_is_late(&stage.dials, 0);
    assert_true(begin_for(3, 0, 0)); /* its rival is not held */
    assert_false(dial_has_next(&stage.dials));
    connects(3);
    close_link(0);
    for (int i = 0; i < 2; i++) {
        assert_true(dial_has_next(&stage.dials));
        struct dial_news news = next(NULL);
        assert_int_equal(news.kind, DIAL_BEGUN);
        assert_int_equal(address_of(news.slot), 2);
    }
    assert_int_equal(next(NULL).slot, NO_SLOT);
    for (uint32_t slot = 1; slot < SLOTS; slot++)
        close_link(slot);
}

/* Whoever goes without a result, another goes on; where all refuse, all go on. */
static void one_that_waits_takes_over(void **state)
{
    (void)state;
    stage_open(2);
    begin_and_connect(0);
    for (uint32_t slot = 1; slot < SLOTS; slot++)
        assert_false(begin(slot));
    dial_forget(&stage.dials, 2);
    close_link(0);
    struct dial_news news = next(NULL);
    assert_int_equal(news.kind, DIAL_BEGUN);
    assert_false(dial_has_next(&stage.dials));
    is_refused(news.slot, ECONNREFUSED, true);
    uint32_t other = next(NULL).slot;
    assert_int_equal(address_of(other), 2); /* the other has refused */
    is_refused(other, ECONNREFUSED, true);
    assert_int_equal(next(NULL).slot, NO_SLOT);
    begin_and_connect(other);
    assert_int_equal(address_of(other), 1);
    assert_false(begin(0));
    is_refused(other, ECONNREFUSED, false);
    assert_true(stage.origin.is_open);
    assert_int_equal(next(NULL).slot, 0);
    close_link(0);
}

/* All wait for one answer; who is forgotten before has no news of it. */
static void those_that_wait_go_on_with_the_answer(void **state)
{
    struct resolver_answer answer = {.addresses = addresses_of(1)};
    (void)state;
    stage_open(0);
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        assert_false(begin(slot));
        assert_int_equal(dial_stage(&stage.dials, slot), HAUL_STAGE_RESOLVE);
    }
    dial_forget(&stage.dials, 1);
    dial_answer(&stage.dials, &answer, 5);
    for (uint32_t slot = 1; slot < SLOTS; slot++)
        assert_int_equal(next(&answer).kind, DIAL_BEGUN);
    assert_int_equal(next(&answer).slot, NO_SLOT);
    assert_int_equal(dial_stage(&stage.dials, 0), HAUL_STAGE_CONNECT);
    assert_int_equal(dial_stage(&stage.dials, 1), HAUL_STAGE_QUEUE);
    assert_int_equal(stage.origin.expires_ns, 5 + UINT64_C(60000000000));
    assert_int_equal(stage.origin.waiting, NO_SLOT);
    close_link(0);
    close_link(2);
    close_link(3);
}

/* The other family's addresses are still to come: who has none left waits for them, and who is
 * silent has its rival wait. */
static void the_second_answer_is_waited_for(void **state)
{
    struct resolver_answer answer = {.addresses = addresses_of(2)};
    struct resolver_lookup *lookup = (struct resolver_lookup *)&answer; /* only its being counts */
    (void)state;
    for (int has_more = 0; has_more < 2; has_more++) {
        answer.addresses = addresses_of(has_more ? 2 : 1);
        stage_open(1);
        stage.origin.lookup = lookup;
        begin_and_connect(0);
        begin_and_connect(1);
        is_refused(0, ECONNREFUSED, true);
        assert_false(begin(0));
        assert_true(dial_has_another(&stage.dials, 1));
        assert_false(begin_for(2, 1, 1));
        assert_true(dial_may_have_another(&stage.dials, 1));
        dial_answer(&stage.dials, &answer, 5);
        for (int i = has_more; i < 2; i++) { /* of two addresses the race tries the second */
            struct dial_news news = next(&answer);
            assert_int_equal(news.kind, has_more ? DIAL_BEGUN : DIAL_FAILED);
            assert_true(!has_more || (news.slot == 2 && address_of(2) == 2));
            assert_true(news.slot == 2 || news.failure.os_error == ECONNREFUSED);
        }
        assert_int_equal(next(&answer).slot, NO_SLOT);
        assert_int_equal(stage.list[0].state, has_more ? DIAL_HELD : DIAL_BARRED);
    }
}

static void without_addresses_all_that_wait_fail(void **state)
{
    struct resolver_answer answer = {.error = -ENOENT, .message = "no"};
    (void)state;
    stage_open(0);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        assert_false(begin(slot));
    dial_answer(&stage.dials, &answer, 5);
    for (uint32_t i = 0; i < SLOTS; i++) {
        assert_int_equal(next(&answer).kind, DIAL_FAILED);
        assert_int_equal(stage.news.failure.error, HAUL_RESOLVE);
        assert_string_equal(stage.news.failure.message, "no");
        assert_int_equal(dial_stage(&stage.dials, stage.news.slot), HAUL_STAGE_RESOLVE);
        dial_forget(&stage.dials, stage.news.slot);
    }
    assert_int_equal(next(&answer).slot, NO_SLOT);
    assert_int_equal(stage.origin.state, ORIGIN_UNKNOWN);
}

/* The addresses have run out of time, and their name has none any more, or others, while a connect
 * is under way to one of them. */
static void a_connect_outlives_its_addresses(void **state)
{
    struct resolver_answer answer = {.error = -ENOENT, .message = "no"};
    (void)state;
    for (int has_others = 0; has_others < 2; has_others++) {
        stage_open(ADDRESSES);
        begin_and_connect(0);
        if (has_others) {
            answer = (struct resolver_answer){.addresses = addresses_of(1)};
            answer.addresses.list[0].ipv4.sin_addr.s_addr = htonl(0x7f000009);
        }
        stage.origin.state = ORIGIN_RESOLVING;
        dial_answer(&stage.dials, &answer, 5);
        assert_int_equal(address_of(0), 1);
        connects(0);
        close_link(0);
    }
}

/* Over https the handshake is asked for; what fails then is a failure of TLS. */
static void a_handshake_comes_between(void **state)
{
    (void)state;
    stage_open(1);
    stage.origin.is_https = true;
    begin_and_connect(0);
    assert_true(take(0, LINK_CONNECTED, 0));
    assert_int_equal(stage.news.kind, DIAL_CONNECTED);
    assert_int_equal(dial_stage(&stage.dials, 0), HAUL_STAGE_TLS);
    close_link(0);
}

/* Without a descriptor what is closed is handed to the kernel first, and asked for once more. */
static void a_shortage_is_told_of_behind_a_second_try(void **state)
{
    struct rlimit limit;
    (void)state;
    stage_open(1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit none = {0, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool has_news = begin(0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(has_news);
    assert_int_equal(stage.news.kind, DIAL_FAILED);
    assert_true(stage.news.is_shortage);
    assert_int_equal(stage.news.failure.error, HAUL_RESOURCE);
    assert_int_equal(stage.news.failure.os_error, EMFILE);
    assert_string_equal(stage.loop.asked, "wait 0, ");
    assert_int_equal(stage.link[0].state, LINK_FREE);
    assert_int_equal(stage.dials.connects, 0);
    assert_int_equal(stage.tried[0].count, 0);
    dial_forget(&stage.dials, 0);
}

/* What connect() says, of which family, and whether there was a connection over IPv6. */
static const struct {
    int error;
    bool is_ipv6;
    bool has_ipv6;
    bool is_shortage;
} shortages[] = {
    {EMFILE, false, false, true},        {ENFILE, true, false, true},
    {ENOBUFS, false, false, true},       {ENOMEM, true, false, true},
    {EADDRNOTAVAIL, false, false, true}, {EADDRNOTAVAIL, true, false, false},
    {EADDRNOTAVAIL, true, true, true},   {ECONNREFUSED, true, true, false},
    {ENETUNREACH, true, true, false},    {ETIMEDOUT, false, false, false},
};

static void a_shortage_burns_no_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shortages / sizeof *shortages; i++) {
        stage_open(2);
        begin_and_connect(0);
        stage.dials.has_ipv6 = shortages[i].has_ipv6;
        if (shortages[i].is_ipv6)
            stage.list[0].address.any.sa_family = AF_INET6;
        assert_true(take(0, LINK_END, shortages[i].error));
        assert_int_equal(stage.news.is_shortage, shortages[i].is_shortage);
        assert_int_equal(stage.news.failure.error,
                         shortages[i].is_shortage ? HAUL_RESOURCE : HAUL_CONNECT);
        assert_int_equal(stage.news.failure.os_error, shortages[i].error);
        if (shortages[i].is_shortage && !shortages[i].is_ipv6)
            assert_int_equal(stage.tried[0].count, 0);
        close_link(0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_is_tried_once),
        cmocka_unit_test(two_fall_back_at_once),
        cmocka_unit_test(what_was_tried_outlives_its_list),
        cmocka_unit_test(who_wins_a_race_leads),
        cmocka_unit_test(a_third_takes_the_place_of_the_first),
        cmocka_unit_test(two_silent_ones_are_waited_for),
        cmocka_unit_test(others_wait_for_the_first_connection),
        cmocka_unit_test(one_that_waits_takes_over),
        cmocka_unit_test(those_that_wait_go_on_with_the_answer),
        cmocka_unit_test(the_second_answer_is_waited_for),
        cmocka_unit_test(without_addresses_all_that_wait_fail),
        cmocka_unit_test(a_connect_outlives_its_addresses),
        cmocka_unit_test(a_handshake_comes_between),
        cmocka_unit_test(a_shortage_is_told_of_behind_a_second_try),
        cmocka_unit_test(a_shortage_burns_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
