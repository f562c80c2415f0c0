/* The table of origins: what is one origin and what is two, and who gives way when it is full. */

#include "engine/link/origin.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 4, MANY = 300 };

struct table {
    struct origins origins;
    struct origin list[MANY];
    uint32_t buckets[512];
};

static struct origins *table_init(struct table *table, uint32_t count)
{
    memset(table, 0, sizeof *table);
    assert_in_range(origin_bucket_count(count), count, sizeof table->buckets / sizeof(uint32_t));
    origins_init(&table->origins, table->list, table->buckets, count);
    return &table->origins;
}

static struct url url_of(const char *text)
{
    static char room[URL_ROOM_BYTES];
    struct url url;
    assert_int_equal(url_parse(span_of(text), room, &url, NULL), PROTO_OK);
    return url;
}

static uint32_t acquire(struct origins *origins, const char *text)
{
    struct url url = url_of(text);
    uint32_t index = origin_acquire(origins, &url);
    if (index != NO_ORIGIN) {
        assert_true(origin_is_of(&origins->list[index], &url));
        assert_int_equal(origin_find(origins, &url), index);
    }
    return index;
}

static uint32_t find(struct origins *origins, const char *text)
{
    struct url url = url_of(text);
    return origin_find(origins, &url);
}

static struct table table;

static void host_and_port_make_an_origin(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool are_same;
    } rows[] = {
        {"http://a.example/", "http://a.example/b?c", true},
        {"http://a.example/", "http://A.Example:80/", true},
        {"http://a.example/", "http://a.example:8080/", false},
        {"http://a.example/", "http://b.example/", false},
        {"http://a.example/", "http://a.example.org/", false},
        {"http://127.0.0.1/", "http://127.0.0.1:80", true},
        {"http://127.0.0.1:1/", "http://127.0.0.1:256/", false},
        {"http://[::1]/", "http://[::1]:80/x", true},
        {"http://[::1]/", "http://[::2]/", false},
        {"http://[FE80::1]/", "http://[fe80::1]/", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct origins *origins = table_init(&table, COUNT);
        uint32_t a = acquire(origins, rows[i].a);
        assert_int_equal(find(origins, rows[i].b) == a, rows[i].are_same);
        assert_int_equal(acquire(origins, rows[i].b) == a, rows[i].are_same);
    }
}

static void a_host_is_kept_in_lower_case(void **state)
{
    (void)state;
    struct origins *origins = table_init(&table, COUNT);
    uint32_t index = acquire(origins, "http://WWW.Example.ORG:8080/");
    assert_string_equal(origins->list[index].host, "www.example.org");
    assert_int_equal(origins->list[index].port, 8080);
    assert_int_equal(origins->list[index].idle, NO_SLOT);
    assert_int_equal(origins->list[index].waiting, NO_SLOT);
    assert_int_equal(origins->list[index].state, ORIGIN_UNKNOWN);
}

/* What is known of an origin outlives its connections, until another needs the place. */
static void the_one_unused_for_longest_is_replaced(void **state)
{
    (void)state;
    struct origins *origins = table_init(&table, COUNT);
    uint32_t a = acquire(origins, "http://a/");
    uint32_t b = acquire(origins, "http://b/");
    acquire(origins, "http://c/");
    acquire(origins, "http://d/");
    assert_int_equal(acquire(origins, "http://e/"), NO_ORIGIN); /* all are in use */
    origin_release(origins, b);
    origin_release(origins, a);
    origins->list[a].state = ORIGIN_KNOWN;
    assert_int_equal(find(origins, "http://b/"), b);
    assert_int_equal(acquire(origins, "http://e/"), b); /* b was released first */
    assert_int_equal(find(origins, "http://b/"), NO_ORIGIN);
    assert_int_equal(acquire(origins, "http://a/"), a);
    assert_int_equal(origins->list[a].state, ORIGIN_KNOWN);
    assert_int_equal(acquire(origins, "http://f/"), NO_ORIGIN);
}

static void an_origin_is_in_use_until_its_last_connection(void **state)
{
    (void)state;
    struct origins *origins = table_init(&table, 1);
    uint32_t a = acquire(origins, "http://a/");
    assert_int_equal(acquire(origins, "http://a/"), a);
    origin_release(origins, a);
    assert_int_equal(acquire(origins, "http://b/"), NO_ORIGIN);
    origin_release(origins, a);
    assert_int_equal(acquire(origins, "http://b/"), a);
    assert_string_equal(origins->list[a].host, "b");
}

/* Its answer will name it. */
static void an_origin_being_looked_up_keeps_its_place(void **state)
{
    (void)state;
    struct origins *origins = table_init(&table, 2);
    uint32_t a = acquire(origins, "http://a/");
    uint32_t b = acquire(origins, "http://b/");
    origins->list[a].state = ORIGIN_RESOLVING;
    origin_release(origins, a);
    assert_int_equal(acquire(origins, "http://c/"), NO_ORIGIN);
    origin_release(origins, b);
    assert_int_equal(acquire(origins, "http://c/"), b);
    origins->list[a].state = ORIGIN_UNKNOWN;
    assert_int_equal(acquire(origins, "http://d/"), a);
}

/* Thousands of turns against a plain list of what must be there. */
static void many_come_and_go(void **state)
{
    enum { HOSTS = 1000, TURNS = 20000 };
    static uint32_t held[HOSTS]; /* references */
    static uint32_t places[HOSTS];
    struct origins *origins = table_init(&table, MANY);
    uint32_t in_use = 0;
    char text[32];
    (void)state;
    for (uint32_t turn = 0, random = 1; turn < TURNS; turn++) {
        random = random * 1664525 + 1013904223;
        uint32_t host = (random >> 8) % HOSTS;
        snprintf(text, sizeof text, "http://host-%u/", host);
        if (held[host] > 0 && random >> 30) {
            origin_release(origins, places[host]);
            in_use -= --held[host] == 0;
            continue;
        }
        uint32_t index = acquire(origins, text);
        if (index == NO_ORIGIN) {
            assert_int_equal(in_use, MANY);
            continue;
        }
        assert_true(held[host] == 0 || places[host] == index);
        places[host] = index;
        in_use += held[host]++ == 0;
    }
    for (uint32_t host = 0; host < HOSTS; host++) {
        snprintf(text, sizeof text, "http://host-%u/", host);
        assert_true(held[host] == 0 || find(origins, text) == places[host]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_and_port_make_an_origin),
        cmocka_unit_test(a_host_is_kept_in_lower_case),
        cmocka_unit_test(the_one_unused_for_longest_is_replaced),
        cmocka_unit_test(an_origin_is_in_use_until_its_last_connection),
        cmocka_unit_test(an_origin_being_looked_up_keeps_its_place),
        cmocka_unit_test(many_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
