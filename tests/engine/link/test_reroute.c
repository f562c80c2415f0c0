/* Connections that go elsewhere than the URL says: rows of lists and of what becomes of a host and
 * port, lists that are refused, and then the engine, over each loop. */

#include "engine/link/reroute.h"
#include "tests/lib/address.h"
#include "tests/lib/gathering.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NOBODY "127.0.0.1:1" /* no DNS server */
#define REPLY(body) "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" body

enum { WORDS_MAX = 16, LIST_BYTES = 512 };

/* A list as the options have it, made of words with a space between them. */
struct list {
    const char *words[WORDS_MAX + 1];
    char text[LIST_BYTES];
};

static const char *const *list_make(struct list *list, const char *text)
{
    char *rest = NULL;
    size_t count = 0;
    *list = (struct list){0};
    if (!text)
        return NULL;
    snprintf(list->text, sizeof list->text, "%s", text);
    for (char *word = strtok_r(list->text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        assert_in_range(count, 0, WORDS_MAX - 1);
        list->words[count++] = word;
    }
    return list->words;
}

static int open_lists(struct reroute *reroute, const char *connect_to, const char *resolve,
                      struct haul_open_error *ret_why)
{
    struct list connects, resolves;
    return reroute_init(reroute, list_make(&connects, connect_to), list_make(&resolves, resolve), 1,
                        ret_why);
}

/* --- what becomes of a host and port ---------------------------------------------------------- */

static const struct {
    const char *connect_to;
    const char *resolve;
    const char *from;
    const char *to;
    const char *addresses; /* NULL: none are given */
} rows[] = {
    {NULL, NULL, "a.test:80", "a.test:80", NULL},
    {"", "", "a.test:80", "a.test:80", NULL},

    {"a.test:80:b.test:81", NULL, "a.test:80", "b.test:81", NULL},
    {"A.Test:80:B.TEST:81", NULL, "a.test:80", "b.test:81", NULL},
    {"a.test:080:b.test:00081", NULL, "a.test:80", "b.test:81", NULL},
    {"a.test:80:b.test:81", NULL, "a.test:81", "a.test:81", NULL},
    {"a.test:80:b.test:81", NULL, "c.test:80", "c.test:80", NULL},
    {"a.test:80:b.test:81", NULL, "a.test.:80", "a.test.:80", NULL},
    {"a.test.:80:b.test.:81", NULL, "a.test.:80", "b.test.:81", NULL},
    {"::b.test:81", NULL, "a.test:80", "b.test:81", NULL},
    {"a.test::b.test:81", NULL, "a.test:8080", "b.test:81", NULL},
    {":80:b.test:81", NULL, "a.test:80", "b.test:81", NULL},
    {":80:b.test:81", NULL, "a.test:81", "a.test:81", NULL},
    {"a.test:80::81", NULL, "a.test:80", "a.test:81", NULL},
    {"a.test:80:b.test:", NULL, "a.test:80", "b.test:80", NULL},
    {"a.test:80:b.test", NULL, "a.test:80", "b.test:80", NULL},
    {"a.test:65535:b.test:1", NULL, "a.test:65535", "b.test:1", NULL},
    {"a.test:80:127.0.0.1:81", NULL, "a.test:80", "127.0.0.1:81", NULL},
    {"127.0.0.1:80:b.test:81", NULL, "127.0.0.1:80", "b.test:81", NULL},
    {"a.test:80:[::1]:81", NULL, "a.test:80", "[::1]:81", NULL},
    {"[::1]:80:b.test:81", NULL, "[::1]:80", "b.test:81", NULL},
    {"[FE80::1]::[fe80::2]:", NULL, "[fe80::1]:80", "[fe80::2]:80", NULL},
    /* An address is the same in each of its forms; a zone makes it another. */
    {"[0::1]:80:b.test:81", NULL, "[::1]:80", "b.test:81", NULL},
    {"0x7f.1:80:b.test:81", NULL, "127.0.0.1:80", "b.test:81", NULL},
    {"127.0.0.1:80:b.test:81", NULL, "2130706433:80", "b.test:81", NULL},
    {"[fe80::1%25lo]:80:b.test:81", NULL, "[fe80::1%lo]:80", "b.test:81", NULL},
    {"[fe80::1%25lo]:80:b.test:81", NULL, "[fe80::1]:80", "[fe80::1]:80", NULL},
    {"%61.test:80:b.test:81", NULL, "a.test:80", "b.test:81", NULL},

    /* The first that matches and says something counts; what it says is not looked up again. */
    {"a.test:80:b.test:81 ::c.test:82", NULL, "a.test:80", "b.test:81", NULL},
    {"::c.test:82 a.test:80:b.test:81", NULL, "a.test:80", "c.test:82", NULL},
    {"a.test:80:: a.test:80:b.test:81", NULL, "a.test:80", "b.test:81", NULL},
    {"a.test:80::81 a.test:80:b.test:", NULL, "a.test:80", "a.test:81", NULL},
    {"a.test:80:b.test:81 b.test:81:c.test:82", NULL, "a.test:80", "b.test:81", NULL},

    {NULL, "a.test:80:127.0.0.1", "a.test:80", "a.test:80", "127.0.0.1#80"},
    {NULL, "A.Test:80:127.0.0.1", "a.test:80", "a.test:80", "127.0.0.1#80"},
    {NULL, "+a.test:80:127.0.0.1", "a.test:80", "a.test:80", "127.0.0.1#80"},
    {NULL, "a.test:80:127.0.0.1", "a.test:81", "a.test:81", NULL},
    {NULL, "a.test:80:127.0.0.1", "b.test:80", "b.test:80", NULL},
    {NULL, "a.test:80:127.0.0.1", "a.test.:80", "a.test.:80", NULL},
    {NULL, "a.test:80:[::1]", "a.test:80", "a.test:80", "::1#80"},
    {NULL, "a.test:80:::1", "a.test:80", "a.test:80", "::1#80"},
    {NULL, "a.test:80:[::2],127.0.0.1,::1,[127.0.0.2]", "a.test:80", "a.test:80",
     "::2#80 127.0.0.1#80 ::1#80 127.0.0.2#80"},
    {NULL, "a.test:80:,127.0.0.1,,", "a.test:80", "a.test:80", "127.0.0.1#80"},
    {NULL, "a.test:80:1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8", "a.test:80",
     "a.test:80",
     "1.1.1.1#80 1.1.1.2#80 1.1.1.3#80 1.1.1.4#80 1.1.1.5#80 1.1.1.6#80 1.1.1.7#80 1.1.1.8#80"},
    {NULL, "127.0.0.1:80:127.0.0.2", "127.0.0.1:80", "127.0.0.1:80", "127.0.0.2#80"},
    {NULL, "[::1]:80:127.0.0.1", "[::1]:80", "[::1]:80", "127.0.0.1#80"},
    {NULL, "localhost:80:127.0.0.2", "localhost:80", "localhost:80", "127.0.0.2#80"},

    /* A host of its own goes before any host; of one host and port the last counts. */
    {NULL, "*:80:127.0.0.1", "a.test:80", "a.test:80", "127.0.0.1#80"},
    {NULL, "*:80:127.0.0.1", "[::1]:80", "[::1]:80", "127.0.0.1#80"},
    {NULL, "*:80:127.0.0.1", "a.test:81", "a.test:81", NULL},
    {NULL, "a.test:80:127.0.0.1 *:80:127.0.0.2", "a.test:80", "a.test:80", "127.0.0.1#80"},
    {NULL, "*:80:127.0.0.2 a.test:80:127.0.0.1", "a.test:80", "a.test:80", "127.0.0.1#80"},
    {NULL, "a.test:80:127.0.0.1 a.test:81:127.0.0.2 a.test:80:127.0.0.3", "a.test:80", "a.test:80",
     "127.0.0.3#80"},
    {NULL, "a.test:80:127.0.0.1 a.test:81:127.0.0.2 a.test:80:127.0.0.3", "a.test:81", "a.test:81",
     "127.0.0.2#81"},
    {NULL, "a.test:80:127.0.0.1 -a.test:80", "a.test:80", "a.test:80", NULL},
    {NULL, "-a.test:80 a.test:80:127.0.0.1", "a.test:80", "a.test:80", "127.0.0.1#80"},
    {NULL, "a.test:80:127.0.0.1 -a.test:81", "a.test:80", "a.test:80", "127.0.0.1#80"},
    {NULL, "a.test:80:127.0.0.1 b.test:80:127.0.0.2 -a.test:80", "b.test:80", "b.test:80",
     "127.0.0.2#80"},
    {NULL, "*:80:127.0.0.1 -a.test:80", "a.test:80", "a.test:80", "127.0.0.1#80"},
    {NULL, "a.test:80:127.0.0.1 -*:80", "a.test:80", "a.test:80", "127.0.0.1#80"},
    {NULL, "*:80:127.0.0.1 -*:80", "a.test:80", "a.test:80", NULL},

    /* Addresses are those of the host and port that are connected to. */
    {"a.test:80:b.test:81", "b.test:81:127.0.0.1", "a.test:80", "b.test:81", "127.0.0.1#81"},
    {"a.test:80:b.test:81", "a.test:80:127.0.0.1", "a.test:80", "b.test:81", NULL},
    {"a.test:80::81", "a.test:81:127.0.0.1", "a.test:80", "a.test:81", "127.0.0.1#81"},
    {"a.test:80:b.test:81", "*:81:127.0.0.1", "a.test:80", "b.test:81", "127.0.0.1#81"},
};

/* text: "host:port", the host in lower case. */
static struct reroute_target target_of(const char *text, char ret_host[LIST_BYTES])
{
    char whole[LIST_BYTES];
    char room[URL_ROOM_BYTES];
    struct url url;
    snprintf(whole, sizeof whole, "http://%s", text);
    assert_int_equal(url_parse(span_of(whole), room, &url, NULL), PROTO_OK);
    snprintf(ret_host, LIST_BYTES, "%.*s", (int)url.host.length, url.host.bytes);
    return (struct reroute_target){ret_host, url.host_kind, url.port};
}

static void hosts_and_ports_go_elsewhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reroute reroute;
        struct haul_open_error why = {0};
        char from[LIST_BYTES], to[LIST_BYTES], addresses[LIST_BYTES] = "";
        print_message("  %s, %s: %s\n", rows[i].connect_to ? rows[i].connect_to : "-",
                      rows[i].resolve ? rows[i].resolve : "-", rows[i].from);
        assert_int_equal(open_lists(&reroute, rows[i].connect_to, rows[i].resolve, &why), 0);
        struct reroute_target target = target_of(rows[i].from, from);
        struct reroute_target wanted = target_of(rows[i].to, to);
        const struct reroute_addresses *given = reroute_find(&reroute, &target);
        assert_string_equal(target.host, wanted.host);
        assert_int_equal(target.kind, wanted.kind);
        assert_int_equal(target.port, wanted.port);
        assert_int_equal(given != NULL, rows[i].addresses != NULL);
        if (given) {
            address_write(&given->addresses, addresses, sizeof addresses);
            assert_string_equal(addresses, rows[i].addresses);
        }
        reroute_deinit(&reroute);
    }
}

/* As in curl only those with a '+' expire. */
static void given_addresses_expire_with_a_plus(void **state)
{
    struct reroute reroute;
    struct haul_open_error why;
    char host[LIST_BYTES];
    (void)state;
    assert_int_equal(open_lists(&reroute, NULL, "a.test:80:::1 +b.test:80:::1", &why), 0);
    struct reroute_target target = target_of("a.test:80", host);
    assert_true(reroute_find(&reroute, &target)->expires_ns == UINT64_MAX);
    target = target_of("b.test:80", host);
    assert_true(reroute_find(&reroute, &target)->expires_ns == UINT64_C(60000000001));
    reroute_deinit(&reroute);
}

/* --- lists that are refused ------------------------------------------------------------------- */

#define X63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X255 X63 "." X63 "." X63 "." X63

static const struct {
    const char *connect_to;
    const char *resolve;
    const char *words; /* of the sentence */
} refusals[] = {
    {"a.test", NULL, "HOST1:PORT1:HOST2:PORT2"},
    {"a.test:80", NULL, "HOST1:PORT1:HOST2:PORT2"},
    {"a.test:80:b.test:81:", NULL, "HOST1:PORT1:HOST2:PORT2"},
    {"::1:80:b.test:81", NULL, "HOST1:PORT1:HOST2:PORT2"},
    {"a.test:80:::1:81", NULL, "HOST1:PORT1:HOST2:PORT2"},
    {"a.test:80:b.test:81 rubbish", NULL, "HOST1:PORT1:HOST2:PORT2"},
    {"a.test:80:b/c:81", NULL, "connect_to has a host"},
    {"a.test:80:b#c:81", NULL, "connect_to has a host"},
    {"a.test:80:u@b.test:81", NULL, "connect_to has a host"},
    {"a.test:80:b..test:81", NULL, "connect_to has a host"},
    {"a.test:80:1.2.3.4.5:81", NULL, "connect_to has a host"},
    {"*:80:b.test:81", NULL, "connect_to has a host"},
    {"[]:80:b.test:81", NULL, "connect_to has a host"},
    {"[::1:80:b.test:81", NULL, "HOST1:PORT1:HOST2:PORT2"},
    {"[a.test:80:b.test:81", NULL, "connect_to has a host"},
    {"[::g]:80:b.test:81", NULL, "connect_to has a host"},
    {"a.test:80:[::1]x:81", NULL, "connect_to has a host"},
    {"a.test:80:[b.test]:81", NULL, "connect_to has a host"},
    {"a.test:80:" X255 ":81", NULL, "connect_to has a host"},
    {"a.test:0:b.test:81", NULL, "connect_to has a port"},
    {"a.test:65536:b.test:81", NULL, "connect_to has a port"},
    {"a.test:x:b.test:81", NULL, "connect_to has a port"},
    {"a.test:80:b.test:0", NULL, "connect_to has a port"},
    {"a.test:80:b.test:99999999999", NULL, "connect_to has a port"},
    {"a.test:80:b.test:+81", NULL, "connect_to has a port"},

    {NULL, "a.test", "[+]HOST:PORT:ADDRESS[,ADDRESS]... or -HOST:PORT"},
    {NULL, "a.test:80", "[+]HOST:PORT:ADDRESS[,ADDRESS]... or -HOST:PORT"},
    {NULL, "+a.test:80", "[+]HOST:PORT:ADDRESS[,ADDRESS]... or -HOST:PORT"},
    {NULL, "-a.test", "[+]HOST:PORT:ADDRESS[,ADDRESS]... or -HOST:PORT"},
    {NULL, "-a.test:80:127.0.0.1", "[+]HOST:PORT:ADDRESS[,ADDRESS]... or -HOST:PORT"},
    {NULL, "a.test:80:127.0.0.1 a.test", "[+]HOST:PORT:ADDRESS[,ADDRESS]... or -HOST:PORT"},
    {NULL, ":80:127.0.0.1", "resolve has a host"},
    {NULL, "*.test:80:127.0.0.1", "resolve has a host"},
    {NULL, "+*.test:80:127.0.0.1", "resolve has a host"},
    {NULL, "a/b:80:127.0.0.1", "resolve has a host"},
    {NULL, X255 ":80:127.0.0.1", "resolve has a host"},
    {NULL, "-:80", "resolve has a host"},
    {NULL, "a.test::127.0.0.1", "resolve has a port"},
    {NULL, "a.test:0:127.0.0.1", "resolve has a port"},
    {NULL, "a.test:65536:127.0.0.1", "resolve has a port"},
    {NULL, "a.test:8x:127.0.0.1", "resolve has a port"},
    {NULL, "-a.test:", "resolve has a port"},
    {NULL, "a.test:80:", "resolve has no address"},
    {NULL, "a.test:80:,", "resolve has no address"},
    {NULL, "a.test:80:b.test", "resolve has an address"},
    {NULL, "a.test:80:127.0.0.1,b.test", "resolve has an address"},
    {NULL, "a.test:80:127.0.0.1:81", "resolve has an address"},
    {NULL, "a.test:80:1.2.3", "resolve has an address"},
    {NULL, "a.test:80:[::1", "resolve has an address"},
    {NULL, "a.test:80:[]", "resolve has an address"},
    {NULL, "a.test:80:" X63, "resolve has an address"},
    {NULL, "a.test:80:1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9",
     "resolve has more than 8 addresses"},
};

static void lists_are_checked_at_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct reroute reroute;
        struct list connects, resolves;
        struct haul *haul = NULL;
        struct haul_open_error why = {0};
        const struct haul_options options = {
            .connect_to = list_make(&connects, refusals[i].connect_to),
            .resolve = list_make(&resolves, refusals[i].resolve),
        };
        print_message("  %s\n",
                      refusals[i].connect_to ? refusals[i].connect_to : refusals[i].resolve);
        assert_int_equal(reroute_init(&reroute, options.connect_to, options.resolve, 1, &why),
                         -EINVAL);
        assert_non_null(strstr(why.message, refusals[i].words));
        assert_string_equal(why.option, refusals[i].connect_to ? "connect_to" : "resolve");
        struct haul_open_error public;
        assert_int_equal(haul_open_explained(&haul, &options, &public), -EINVAL);
        assert_string_equal(public.message, why.message);
        assert_string_equal(public.option, why.option);
        assert_ptr_equal(public.item, why.item);
    }
}

/* --- the engine ------------------------------------------------------------------------------- */

/* What the URL says is sent, and what connections are kept for. */
static void a_connection_goes_elsewhere(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a HTTP/1.1\r\nHost: a.test\r\n"}, {SEND, REPLY("a")},
               {EXPECT, "GET /b HTTP/1.1\r\nHost: a.test\r\n"}, {SEND, REPLY("b")}, {EXPECT_END}),
        SCRIPT({EXPECT, "GET /c HTTP/1.1\r\nHost: b.test:81\r\n"}, {SEND, REPLY("c")},
               {EXPECT_END}),
    };
    struct loopback *server = loopback_open(scripts, 2);
    char rule[64];
    const char *rules[] = {rule, NULL};
    snprintf(rule, sizeof rule, "::127.0.0.1:%u", loopback_port(server));
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = 1, .keep_bodies = true, .connect_to = rules});
    memset(rule, 'x', sizeof rule - 1); /* the engine has its own */
    rules[0] = NULL;
    gathering_submit(haul, server, "http://a.test/a");
    gathering_submit(haul, server, "http://a.test/b");
    gathering_submit(haul, server, "http://b.test:81/c");
    gathering_expect(haul, "200 ok 'a'\n200 ok 'b' reused\n200 ok 'c'\n");
    gathering_close(haul);
    assert_loopback(server);
}

static void other_hosts_are_looked_up(void)
{
    static const char *const connects[] = {"a.test::127.0.0.1:1", NULL};
    static const char *const resolves[] = {"a.test:80:127.0.0.1", "-c.test:80", NULL};
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = 1, .connect_to = connects, .resolve = resolves, .dns_servers = NOBODY});
    gathering_submit_to(haul, 1, "http://b.test/");
    gathering_submit_to(haul, 1, "http://c.test/");
    gathering_submit_to(haul, 1, "http://a.test/");
    gathering_expect(haul, "0 resolve@resolve ''\n0 resolve@resolve ''\n0 connect@connect ''\n");
    gathering_close(haul);
}

/* A label of 64 bytes is refused without asking anybody: so it was what was to be looked up. */
static void where_it_goes_is_looked_up(void)
{
    static const char *const rules[] = {"::" X63 "x.test:", NULL};
    static const char *const urls[] = {"http://localhost:1/", "http://127.0.0.1:1/",
                                       "http://a.test:1/"};
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = 1, .connect_to = rules, .dns_servers = NOBODY});
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        gathering_submit_to(haul, 1, urls[i]);
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_RESOLVE);
        assert_string_equal(result->message, "the host name is not one that can be looked up");
        haul_release(haul, result);
    }
    gathering_close(haul);
}

/* In their order, and from the one that accepted the time before; nobody listens at 127.0.0.2. */
static void given_addresses_are_tried_in_turn(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a HTTP/1.1\r\nHost: a.test:"}, {SEND, REPLY("a")}, {CLOSE}),
        SCRIPT({EXPECT, "GET /b HTTP/1.1\r\nHost: a.test:"}, {SEND, REPLY("b")}, {CLOSE}),
    };
    struct loopback *server = loopback_open(scripts, 2);
    struct haul_facts facts;
    char rule[64];
    char url[64];
    const char *rules[] = {rule, NULL};
    snprintf(rule, sizeof rule, "a.test:%u:127.0.0.2,127.0.0.1", loopback_port(server));
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = 1, .keep_bodies = true, .resolve = rules, .dns_servers = NOBODY});
    for (int i = 0; i < 2; i++) {
        snprintf(url, sizeof url, "http://a.test:%u/%c", loopback_port(server), 'a' + i);
        gathering_submit(haul, server, url);
        gathering_expect(haul, i == 0 ? "200 ok 'a'\n" : "200 ok 'b'\n");
    }
    haul_get_facts(haul, &facts);
    assert_int_equal(facts.connections, 3);
    gathering_close(haul);
    assert_loopback(server);
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(a_connection_goes_elsewhere),
    SCENARIO(other_hosts_are_looked_up),
    SCENARIO(where_it_goes_is_looked_up),
    SCENARIO(given_addresses_are_tried_in_turn),
};

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_and_ports_go_elsewhere),
        cmocka_unit_test(given_addresses_expire_with_a_plus),
        cmocka_unit_test(lists_are_checked_at_open),
    };
    return cmocka_run_group_tests_name("reroute", tests, NULL, NULL) +
           gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof *scenarios);
}
