/* Getting a link, by the events of links on a loop that does nothing: which address is tried, what
 * is told, and what the origin remembers. */

#include "engine/link/dial.h"
#include "tests/lib/stub_loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/resource.h>

enum { SLOTS = 3, ADDRESSES = 3 };

static struct stage {
    struct stub_loop loop;
    struct links links;
    struct link link[SLOTS];
    struct store store;
    struct origins origins;
    struct origin origin;
    struct dials dials;
    struct dial list[SLOTS];
    struct dial_news news;
} stage;

static struct resolver_addresses addresses_of(uint32_t count)
{
    struct resolver_addresses addresses = {.count = count, .ttl_s = 60};
    for (uint32_t i = 0; i < count; i++)
        addresses.list[i].ipv4 = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x7f000001 + i)};
    return addresses;
}

static void stage_open(uint32_t addresses)
{
    memset(&stage, 0, sizeof stage);
    stub_loop_init(&stage.loop);
    links_init(&stage.links, &stage.loop.head, &stage.store, NULL, stage.link);
    stage.origins.list = &stage.origin;
    stage.origin = (struct origin){.idle = NO_SLOT, .waiting = NO_SLOT};
    stage.dials = (struct dials){
        .list = stage.list, .count = SLOTS, .links = &stage.links, .origins = &stage.origins};
    stage.origin.state = addresses ? ORIGIN_KNOWN : ORIGIN_RESOLVING;
    stage.origin.addresses = addresses_of(addresses);
    stage.origin.expires_ns = 1000;
}

static void close_link(uint32_t slot)
{
    dial_forget(&stage.dials, slot);
    link_close(&stage.links, slot);
    stage.link[slot].state = LINK_FREE;
}

static bool begin(uint32_t slot, uint32_t attempt)
{
    stage.loop.asked[0] = '\0';
    return dial_begin(&stage.dials, slot, 0, attempt, 1, &stage.news);
}

static bool take(uint32_t slot, enum link_event_kind kind, int error)
{
    struct link_event event = {.kind = kind, .end = LINK_REFUSED, .link = slot, .error = error};
    if (kind == LINK_CONNECTED)
        stage.link[slot].state = LINK_OPEN;
    return dial_take(&stage.dials, &event, &stage.news);
}

/* One attempt after the other, each behind the preferred one, which is then another. */
static void refused_addresses_are_told_of_until_the_last(void **state)
{
    (void)state;
    stage_open(ADDRESSES);
    stage.origin.preferred = 1;
    for (uint32_t attempt = 0; attempt < ADDRESSES; attempt++) {
        assert_false(begin(0, attempt));
        assert_string_equal(stage.loop.asked, "attach 0, connect 0, ");
        assert_int_equal(stage.list[0].address, (1 + attempt) % ADDRESSES);
        assert_int_equal(dial_stage(&stage.dials, 0), HAUL_STAGE_CONNECT);
        assert_true(take(0, LINK_END, ECONNREFUSED));
        assert_int_equal(stage.news.kind, DIAL_FAILED);
        assert_int_equal(stage.news.failure.error, HAUL_CONNECT);
        assert_int_equal(stage.news.failure.os_error, ECONNREFUSED);
        assert_int_equal(stage.news.has_another, attempt + 1 < ADDRESSES);
        close_link(0);
    }
    assert_int_equal(stage.dials.connects, ADDRESSES);
    assert_int_equal(stage.origin.preferred, 1);
    assert_false(begin(0, 1));
    assert_true(take(0, LINK_CONNECTED, 0));
    assert_int_equal(stage.news.kind, DIAL_READY);
    assert_int_equal(stage.origin.preferred, 2);
    close_link(0);
}

/* All wait for one answer; who is forgotten before has no news of it. */
static void those_that_wait_go_on_with_the_answer(void **state)
{
    struct resolver_answer answer = {.addresses = addresses_of(1)};
    (void)state;
    stage_open(0);
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        assert_false(begin(slot, 0));
        assert_int_equal(dial_stage(&stage.dials, slot), HAUL_STAGE_RESOLVE);
    }
    dial_forget(&stage.dials, 1);
    dial_answer(&stage.dials, &answer, 5);
    assert_false(dial_next(&stage.dials, &answer, &stage.news));
    assert_int_equal(dial_stage(&stage.dials, 0), HAUL_STAGE_CONNECT);
    assert_int_equal(dial_stage(&stage.dials, 1), HAUL_STAGE_QUEUE);
    assert_int_equal(dial_stage(&stage.dials, 2), HAUL_STAGE_CONNECT);
    assert_int_equal(stage.origin.expires_ns, 5 + UINT64_C(60000000000));
    assert_int_equal(stage.origin.waiting, NO_SLOT);
    close_link(0);
    close_link(2);
}

static void without_addresses_all_that_wait_fail(void **state)
{
    struct resolver_answer answer = {.error = -ENOENT, .message = "no"};
    (void)state;
    stage_open(0);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        assert_false(begin(slot, 0));
    dial_answer(&stage.dials, &answer, 5);
    for (uint32_t i = 0; i < SLOTS; i++) {
        assert_true(dial_next(&stage.dials, &answer, &stage.news));
        assert_int_equal(stage.news.kind, DIAL_FAILED);
        assert_int_equal(stage.news.failure.error, HAUL_RESOLVE);
        assert_string_equal(stage.news.failure.message, "no");
        assert_int_equal(dial_stage(&stage.dials, stage.news.slot), HAUL_STAGE_RESOLVE);
        dial_forget(&stage.dials, stage.news.slot);
    }
    assert_false(dial_next(&stage.dials, &answer, &stage.news));
    assert_int_equal(stage.origin.state, ORIGIN_UNKNOWN);
}

/* The addresses have run out of time, and their name has none any more, while a connect is under
 * way to one of them. */
static void a_connect_outlives_its_addresses(void **state)
{
    struct resolver_answer answer = {.error = -ENOENT, .message = "no"};
    (void)state;
    for (int has_fewer = 0; has_fewer < 2; has_fewer++) {
        stage_open(ADDRESSES);
        assert_false(begin(0, 2));
        if (has_fewer)
            answer = (struct resolver_answer){.addresses = addresses_of(1)};
        stage.origin.state = ORIGIN_RESOLVING;
        dial_answer(&stage.dials, &answer, 5);
        assert_int_equal(stage.origin.addresses.count, has_fewer ? 1 : ADDRESSES);
        assert_true(take(0, LINK_CONNECTED, 0));
        assert_int_equal(stage.news.kind, DIAL_READY);
        assert_in_range(stage.origin.preferred, 0, has_fewer ? 0 : ADDRESSES - 1);
        close_link(0);
    }
}

/* Over https the handshake is asked for; what fails then is a failure of TLS. */
static void a_handshake_comes_between(void **state)
{
    (void)state;
    stage_open(1);
    stage.origin.is_https = true;
    assert_false(begin(0, 0));
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
    bool has_news = begin(0, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(has_news);
    assert_int_equal(stage.news.kind, DIAL_FAILED);
    assert_true(stage.news.is_shortage);
    assert_int_equal(stage.news.failure.error, HAUL_RESOURCE);
    assert_int_equal(stage.news.failure.os_error, EMFILE);
    assert_string_equal(stage.loop.asked, "wait 0, ");
    assert_int_equal(stage.link[0].state, LINK_FREE);
    assert_int_equal(stage.dials.connects, 0);
    dial_forget(&stage.dials, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_addresses_are_told_of_until_the_last),
        cmocka_unit_test(those_that_wait_go_on_with_the_answer),
        cmocka_unit_test(without_addresses_all_that_wait_fail),
        cmocka_unit_test(a_connect_outlives_its_addresses),
        cmocka_unit_test(a_handshake_comes_between),
        cmocka_unit_test(a_shortage_is_told_of_behind_a_second_try),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
