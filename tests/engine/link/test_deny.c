/* Which addresses are denied: by IANA's registries, by ranges, and by what an IPv6 address carries.
 * */

#include "engine/link/deny.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static union resolver_address address_of(const char *text)
{
    union resolver_address address = {0};
    bool is_ipv6 = strchr(text, ':') != NULL;
    address.any.sa_family = is_ipv6 ? AF_INET6 : AF_INET;
    void *into = is_ipv6 ? (void *)&address.ipv6.sin6_addr : (void *)&address.ipv4.sin_addr;
    assert_int_equal(inet_pton(address.any.sa_family, text, into), 1);
    return address;
}

/* "address address" to whether each is denied. */
struct row {
    const char *list; /* of deny_addresses, with spaces between them */
    const char *denied;
    const char *allowed;
};

static const struct row rows[] = {
    {"private",
     "0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 "
     "127.255.255.255 169.254.0.0 169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.8 "
     "192.0.0.11 192.0.0.170 192.0.0.255 192.0.2.1 192.88.99.1 192.168.0.0 192.168.255.255 "
     "198.18.0.0 198.19.255.255 198.51.100.7 203.0.113.255 224.0.0.1 239.255.255.255 240.0.0.1 "
     "255.255.255.255",
     "1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 "
     "169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.0.9 192.0.0.10 192.0.1.0 "
     "192.31.196.1 192.52.193.1 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 "
     "192.175.48.1 198.17.255.255 198.20.0.0 198.51.99.255 203.0.112.255 203.0.114.0 "
     "223.255.255.255 8.8.8.8"},
    {"private",
     ":: ::1 ::2 100::1 100:0:0:1::1 64:ff9b:1::1 64:ff9b:1::8.8.8.8 2001::1 2001:0:808:808::1 "
     "2001:1::4 2001:2::1 2001:10::1 2001:1ff:ffff::1 2001:db8::1 3fff::1 3fff:fff:ffff::1 5f00::1 "
     "fc00::1 fdff:ffff::1 fe80::1 fec0::1 ff02::1 ::8.8.8.8 4000::1 1fff::1 e000::1",
     "2001:1::1 2001:1::2 2001:1::3 2001:3::1 2001:4:112::1 2001:20::1 2001:2f:ffff::1 2001:30::1 "
     "2001:200::1 2001:db7::1 2001:db9::1 2620:4f:8000::1 2606:4700::1111 3ffe::1 3fff:1000::1 "
     "2000::1"},
    /* what it carries */
    {"private",
     "::ffff:127.0.0.1 ::ffff:169.254.169.254 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 "
     "2002:7f00:1:: 2002:c0a8:101::1 ::ffff:0.0.0.0 ::ffff:240.0.0.1",
     "::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1 ::ffff:192.0.0.9"},
    {"10.0.0.0/8", "10.1.2.3 ::ffff:10.1.2.3 64:ff9b::10.1.2.3 2002:a01:203::1",
     "11.0.0.0 127.0.0.1 ::ffff:11.0.0.0 ::10.1.2.3 2002:b01:203::1"},
    {"::ffff:10.0.0.0/104", "10.1.2.3 ::ffff:10.1.2.3", "11.0.0.0 ::ffff:11.0.0.0"},
    /* the length of a prefix, to the bit, and what is beyond it */
    {"10.1.2.131/25", "10.1.2.128 10.1.2.255", "10.1.2.127 10.1.3.0"},
    {"192.0.2.1", "192.0.2.1", "192.0.2.0 192.0.2.2"},
    {"192.0.2.1/32", "192.0.2.1", "192.0.2.0 192.0.2.2"},
    {"192.0.2.2/31", "192.0.2.2 192.0.2.3", "192.0.2.1 192.0.2.4"},
    {"0.0.0.0/0", "0.0.0.0 8.8.8.8 255.255.255.255 ::ffff:8.8.8.8", "::1 2001:db8::1"},
    {"::/0", "::1 2001:db8::1 ::ffff:8.8.8.8", "8.8.8.8 127.0.0.1"},
    {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
    {"2001:db8::1", "2001:db8::1", "2001:db8::2"},
    {"[2001:db8::1]", "2001:db8::1", "2001:db8::2"},
    {"2001:db8::1/128", "2001:db8::1", "2001:db8::"},
    {"64:ff9b::/96", "64:ff9b::8.8.8.8", "8.8.8.8 ::ffff:8.8.8.8"},
    {"10.0.0.0/8 private 2606:4700::/32", "10.0.0.1 127.0.0.1 2606:4700::1", "8.8.8.8 2607::1"},
    {"", "", "127.0.0.1 ::1 10.0.0.1"},
};

static void check(const struct deny *deny, const char *addresses, bool is_denied, const char *list)
{
    char text[1024], *state = NULL;
    snprintf(text, sizeof text, "%s", addresses);
    for (char *word = strtok_r(text, " ", &state); word; word = strtok_r(NULL, " ", &state)) {
        union resolver_address address = address_of(word);
        if (deny_has(deny, &address) != is_denied)
            fail_msg("%s is %s by '%s'", word, is_denied ? "not denied" : "denied", list);
    }
}

static void addresses_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct deny deny;
        struct haul_open_error why = {0};
        const char *list[8] = {NULL};
        size_t count = 0;
        char text[128], *at = NULL;
        snprintf(text, sizeof text, "%s", rows[i].list);
        for (char *word = strtok_r(text, " ", &at); word; word = strtok_r(NULL, " ", &at))
            list[count++] = word;
        assert_int_equal(deny_init(&deny, list, &why), 0);
        assert_int_equal(deny_is_set(&deny), count > 0);
        check(&deny, rows[i].denied, true, rows[i].list);
        check(&deny, rows[i].allowed, false, rows[i].list);
        deny_deinit(&deny);
    }
}

static void what_is_no_range_is_refused(void **state)
{
    static const char *const words[] = {
        "",
        "Private",
        "public",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "10.0.0/8",
        "10",
        "0x7f.0.0.1",
        "10.0.0.0/8 ",
        " 10.0.0.0/8",
        "10.0.0.0/+8",
        "::/129",
        "fe80::1%eth0",
        "[::1",
        "::1]",
        "[]",
        "/8",
        "10.0.0.0/8,::1",
        "localhost",
        "10.0.0.0/0008",
        "10.0.0.0/8/8",
        "[10.0.0.0/8]",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc",
    };
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct deny deny;
        struct haul_open_error why = {0};
        const char *list[] = {"private", words[i], NULL};
        if (deny_init(&deny, list, &why) != -EINVAL)
            fail_msg("'%s' is taken", words[i]);
        assert_string_equal(why.option, "deny_addresses");
        assert_ptr_equal(why.item, words[i]);
        assert_non_null(why.message);
        assert_false(deny_is_set(&deny));
    }
}

static void others_keep_their_order(void **state)
{
    struct deny deny;
    struct haul_open_error why;
    const char *const list[] = {"private", NULL};
    struct resolver_addresses addresses = {.count = 4, .ttl_s = 7};
    (void)state;
    assert_int_equal(deny_init(&deny, list, &why), 0);
    addresses.list[0] = address_of("127.0.0.1");
    addresses.list[1] = address_of("8.8.8.8");
    addresses.list[2] = address_of("::1");
    addresses.list[3] = address_of("2606:4700::1");
    union resolver_address second = addresses.list[1], fourth = addresses.list[3];
    assert_true(deny_filter(&deny, &addresses));
    assert_int_equal(addresses.count, 2);
    assert_memory_equal(&addresses.list[0], &second, sizeof second);
    assert_memory_equal(&addresses.list[1], &fourth, sizeof fourth);
    assert_false(deny_filter(&deny, &addresses));
    deny_deinit(&deny);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_judged),
        cmocka_unit_test(what_is_no_range_is_refused),
        cmocka_unit_test(others_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
