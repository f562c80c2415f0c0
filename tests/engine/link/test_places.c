/* The order of an origin's addresses, and what a request has tried of them. A place is a letter:
 * small ones are IPv4, large ones IPv6. */

#include "engine/link/places.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static union resolver_address address_of(char name)
{
    union resolver_address address;
    memset(&address, 0, sizeof address);
    if (name >= 'a') {
        address.ipv4.sin_family = AF_INET;
        address.ipv4.sin_addr.s_addr = htonl((uint32_t)name);
    } else {
        address.ipv6.sin6_family = AF_INET6;
        address.ipv6.sin6_addr.s6_addr[15] = (uint8_t)name;
    }
    return address;
}

static void renew(struct places *places, const char *names)
{
    struct resolver_addresses addresses = {.ttl_s = 7};
    for (; *names; names++)
        addresses.list[addresses.count++] = address_of(*names);
    places_renew(places, &addresses);
    assert_int_equal(places->addresses.ttl_s, 7);
}

static void expect(const struct places *places, const char *names)
{
    assert_int_equal(places->addresses.count, strlen(names));
    for (size_t i = 0; names[i]; i++) {
        union resolver_address address = address_of(names[i]);
        assert_memory_equal(&places->addresses.list[i], &address, sizeof address);
    }
}

/* What is known at first; "+a" a is proven, "-a" it is bad; the order then; another answer, and its
 * order. */
static const struct {
    const char *first;
    const char *ranks;
    const char *then;
    const char *second;
    const char *last;
} rows[] = {
    {"abc", "", "abc", "cba", "cba"},
    {"aBc", "+c", "caB", "aBc", "caB"},
    {"aBc", "-a", "Bca", "aBc", "Bca"},
    {"aBc", "-a-B-c", "aBc", "cBa", "cBa"},
    {"aBc", "-a+a", "aBc", "cBa", "acB"},
    {"aBc", "+B-B", "acB", "BcD", "cDB"},
    {"abcd", "+c+b", "bcad", "abcdE", "bcadE"},
    {"ab", "+b", "ba", "cd", "cd"},
    {"ab", "+z", "ab", "ab", "ab"},
    {"aab", "+a-b", "ab", "baba", "ab"}, /* an answer may name one twice */
};

static void what_is_known_orders_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct places places = {0};
        bool has_proven = false;
        renew(&places, rows[i].first);
        for (const char *rank = rows[i].ranks; *rank; rank += 2) {
            union resolver_address address = address_of(rank[1]);
            places_rank(&places, &address, *rank == '+' ? PLACE_PROVEN : PLACE_BAD);
        }
        expect(&places, rows[i].then);
        for (uint32_t j = 0; j < places.addresses.count; j++)
            has_proven |= places.ranks[j] == PLACE_PROVEN;
        assert_int_equal(places_have_proven(&places), has_proven);
        renew(&places, rows[i].second);
        expect(&places, rows[i].last);
    }
}

static char next(const struct places *places, const struct tried *tried)
{
    const union resolver_address *address = places_next(places, tried);
    if (!address)
        return '.';
    bool is_ipv4 = address->any.sa_family == AF_INET;
    return (char)(is_ipv4 ? ntohl(address->ipv4.sin_addr.s_addr)
                          : address->ipv6.sin6_addr.s6_addr[15]);
}

static void add(struct tried *tried, char name)
{
    union resolver_address address = address_of(name);
    tried_add(tried, &address);
}

static void a_round_brings_back_who_was_given_up(void **state)
{
    struct places places = {0};
    struct place further[TRIED_FURTHER_MAX];
    struct tried tried;
    (void)state;
    tried_reset(&tried, further);
    renew(&places, "aBc");
    assert_int_equal(next(&places, &tried), 'a');
    add(&tried, 'a');
    assert_int_equal(next(&places, &tried), 'B');
    add(&tried, 'B');
    add(&tried, 'c');
    assert_int_equal(next(&places, &tried), '.');
    assert_false(tried_begin_round(&tried));
    union resolver_address address = address_of('B');
    tried_give_up(&tried, &address);
    address = address_of('c');
    tried_give_up(&tried, &address);
    address = address_of('a');
    tried_remove(&tried, &address); /* the last takes its place, and is still given up */
    assert_int_equal(next(&places, &tried), 'a');
    add(&tried, 'a');
    assert_true(tried_begin_round(&tried));
    assert_int_equal(tried.round, 1);
    assert_int_equal(tried.count, 1);
    assert_int_equal(next(&places, &tried), 'B');
    assert_false(tried_has_round(&tried));
}

/* There is an end to what a request tries, however many answers there are. */
static void no_more_are_tried_than_are_remembered(void **state)
{
    struct places places = {0};
    struct place further[TRIED_FURTHER_MAX];
    struct tried tried;
    (void)state;
    tried_reset(&tried, further);
    for (int i = 0; i < TRIED_MAX; i++)
        add(&tried, (char)('a' + i));
    renew(&places, "z");
    assert_int_equal(next(&places, &tried), '.');
}

/* --- crowds ----------------------------------------------------------------------------------- */

static uint32_t crowd_of(struct crowds *crowds, char name)
{
    union resolver_address address = address_of(name);
    return crowds_full(crowds, &address);
}

static void join(struct crowds *crowds, uint32_t slot, char name)
{
    union resolver_address address = address_of(name);
    crowds_join(crowds, slot, &address);
}

enum { CROWD_SLOTS = 6 };

static struct crowds crowds_of(uint32_t most)
{
    static struct crowd list[CROWD_SLOTS];
    static uint32_t buckets[4], of_slot[CROWD_SLOTS];
    memset(list, 0, sizeof list);
    memset(buckets, 0, sizeof buckets);
    memset(of_slot, 0, sizeof of_slot);
    return (struct crowds){
        .list = list, .buckets = buckets, .of_slot = of_slot, .bucket_mask = 3, .most = most};
}

/* Each address has its own count, whatever bucket it shares; what leaves makes room for its own. */
static void an_address_has_as_many_as_it_may(void **state)
{
    struct crowds crowds = crowds_of(2);
    (void)state;
    for (char name = 'a'; name <= 'c'; name++)
        assert_int_equal(crowd_of(&crowds, name), NO_CROWD);
    join(&crowds, 0, 'a');
    join(&crowds, 1, 'b');
    join(&crowds, 2, 'a');
    uint32_t full = crowd_of(&crowds, 'a');
    assert_true(full != NO_CROWD);
    assert_int_equal(crowd_of(&crowds, 'b'), NO_CROWD);
    assert_int_equal(crowds_leave(&crowds, 5), NO_CROWD); /* it was none's */
    assert_int_equal(crowds_leave(&crowds, 0), full);
    assert_int_equal(crowds_leave(&crowds, 0), NO_CROWD);
    assert_int_equal(crowd_of(&crowds, 'a'), NO_CROWD);
    crowds_leave(&crowds, 1);
    crowds_leave(&crowds, 2);
}

/* As many crowds as slots are enough, for ever: who is gone is forgotten. */
static void crowds_are_used_again(void **state)
{
    struct crowds crowds = crowds_of(1);
    (void)state;
    for (int round = 0; round < 50; round++) {
        for (uint32_t slot = 0; slot < CROWD_SLOTS; slot++)
            join(&crowds, slot, (char)('a' + (round + (int)slot) % 20));
        for (uint32_t slot = 0; slot < CROWD_SLOTS; slot++)
            assert_true(crowd_of(&crowds, (char)('a' + (round + (int)slot) % 20)) != NO_CROWD);
        assert_int_equal(crowd_of(&crowds, (char)('a' + (round + 10) % 20)), NO_CROWD);
        for (uint32_t slot = 0; slot < CROWD_SLOTS; slot++)
            assert_true(crowds_leave(&crowds, (slot + (uint32_t)round) % CROWD_SLOTS) != NO_CROWD);
    }
}

/* The next address is one that has room; where none has, it is the first one's crowd. */
static void those_that_are_full_are_passed_over(void **state)
{
    struct crowds crowds = crowds_of(1);
    struct places places = {0};
    struct place further[TRIED_FURTHER_MAX];
    struct tried tried;
    uint32_t full = NO_CROWD;
    (void)state;
    tried_reset(&tried, further);
    renew(&places, "ab");
    join(&crowds, 3, 'a');
    const union resolver_address *next_one = places_next_free(&places, &tried, &crowds, &full);
    union resolver_address b = address_of('b');
    assert_non_null(next_one);
    assert_memory_equal(next_one, &b, resolver_address_length(&b));
    join(&crowds, 4, 'b');
    assert_null(places_next_free(&places, &tried, &crowds, &full));
    assert_int_equal(full, crowd_of(&crowds, 'a'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_orders_them),
        cmocka_unit_test(a_round_brings_back_who_was_given_up),
        cmocka_unit_test(no_more_are_tried_than_are_remembered),
        cmocka_unit_test(an_address_has_as_many_as_it_may),
        cmocka_unit_test(crowds_are_used_again),
        cmocka_unit_test(those_that_are_full_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
