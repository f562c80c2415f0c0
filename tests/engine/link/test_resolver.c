/* The resolver against a scripted DNS server: a thread that answers each question by the table
 * below; or against the test itself, which sees what is asked, and answers what it likes, and then
 * no time is waited for: the clock is put forward. Every
 * scenario is run over both loops; a ring that the kernel refuses is skipped. */

#include "engine/link/resolver.h"
#include "tests/lib/address.h"
#include "tests/lib/patience.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_TAG = 3, TAGS = 4, PATIENCE_MS = 10000 };
enum { CNAME = 5, AAAA = 28 };                                        /* types */
enum { OK = 0, SERVFAIL = 2, NXDOMAIN = 3, REFUSED = 5, EMPTY = 16 }; /* response codes, and none */

/* --- the server ------------------------------------------------------------------------------- */

struct record {
    const char *address; /* NULL: no more */
    uint32_t ttl_s;
};

static const struct zone {
    const char *name;
    const char *alias; /* its CNAME, whose the addresses are; NULL: its own */
    struct record ipv4[12];
    struct record ipv6[12];
    int rcode;
    bool is_silent;
    bool is_garbled;
    bool is_long; /* for a datagram */
} zones[] = {
    {.name = "one.test", .ipv4 = {{"192.0.2.1", 60}}},
    {.name = "six.test", .ipv6 = {{"2001:db8::6", 7}}},
    {.name = "both.test",
     .ipv4 = {{"192.0.2.1", 300}, {"192.0.2.2", 100}, {"192.0.2.3", 200}},
     .ipv6 = {{"2001:db8::1", 300}, {"2001:db8::2", 90}}},
    {.name = "alias.test", .alias = "target.test", .ipv4 = {{"192.0.2.9", 500}}},
    {.name = "brief.test", .ipv4 = {{"192.0.2.1", 0}}},
    {.name = "eternal.test", .ipv4 = {{"192.0.2.1", 86400}}},
    {.name = "many.test",
     .ipv4 = {{"192.0.2.1", 9},
              {"192.0.2.2", 9},
              {"192.0.2.3", 9},
              {"192.0.2.4", 9},
              {"192.0.2.5", 9},
              {"192.0.2.6", 9},
              {"192.0.2.7", 9},
              {"192.0.2.8", 9},
              {"192.0.2.9", 9},
              {"192.0.2.10", 9}}},
    {.name = "empty.test"},
    {.name = "none.test", .rcode = NXDOMAIN},
    {.name = "failing.test", .rcode = SERVFAIL},
    {.name = "refused.test", .rcode = REFUSED},
    {.name = "silent.test", .is_silent = true},
    {.name = "garbled.test", .is_garbled = true},
    {.name = "long.test", .ipv4 = {{"192.0.2.1", 60}}, .is_long = true},
};

struct server {
    pthread_t thread;
    int fd;
    int listener;     /* TCP, at the same port */
    int stream;       /* from there; -1: none */
    int rcode;        /* of all its answers; 0: as the zone says */
    char address[64]; /* as a list of servers */
};

struct message {
    uint8_t bytes[1500];
    size_t length;
};

static void put(struct message *message, const void *bytes, size_t length)
{
    memcpy(message->bytes + message->length, bytes, length);
    message->length += length;
}

static void put_16(struct message *message, uint32_t value)
{
    put(message, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void put_name(struct message *message, const char *name)
{
    while (*name != '\0') {
        size_t label = strcspn(name, ".");
        put(message, &(uint8_t){(uint8_t)label}, 1);
        put(message, name, label);
        name += label + (name[label] == '.');
    }
    put(message, "", 1);
}

/* Reads the name of the question; returns the offset behind it. */
static size_t get_name(const struct message *message, char *ret_name)
{
    size_t at = 12;

    while (message->bytes[at] != 0) {
        uint8_t label = message->bytes[at++];
        memcpy(ret_name, message->bytes + at, label);
        ret_name += label;
        at += label;
        if (message->bytes[at] != 0)
            *ret_name++ = '.';
    }
    *ret_name = '\0';
    return at + 1;
}

static void put_record(struct message *message, const char *name, uint32_t type, uint32_t ttl_s,
                       const void *data, uint32_t length)
{
    put_name(message, name);
    put_16(message, type);
    put_16(message, 1);
    put_16(message, ttl_s >> 16);
    put_16(message, ttl_s & 0xffff);
    put_16(message, length);
    put(message, data, length);
}

static uint32_t put_addresses(struct message *message, const struct zone *zone, uint32_t type)
{
    const struct record *record = type == AAAA ? zone->ipv6 : zone->ipv4;
    const char *name = zone->alias != NULL ? zone->alias : zone->name;
    uint32_t count = 0;

    for (; record[count].address != NULL; count++) {
        uint8_t bytes[16];
        inet_pton(type == AAAA ? AF_INET6 : AF_INET, record[count].address, bytes);
        put_record(message, name, type, record[count].ttl_s, bytes, type == AAAA ? 16 : 4);
    }
    return count;
}

static void answer(struct message *message, const struct zone *zone, size_t question_end)
{
    uint32_t type =
        (uint32_t)(message->bytes[question_end] << 8 | message->bytes[question_end + 1]);
    uint32_t count = 0;

    message->length = question_end + 4;
    if (zone->alias != NULL) {
        struct message name = {.length = 0};
        put_name(&name, zone->alias);
        put_record(message, zone->name, CNAME, 40, name.bytes, (uint32_t)name.length);
        count++;
    }
    count += put_addresses(message, zone, type);
    message->bytes[2] |= 0x80; /* a response */
    message->bytes[3] = (uint8_t)(0x80 | zone->rcode);
    message->bytes[7] = (uint8_t)count;
    memset(message->bytes + 8, 0, 4);
    if (zone->is_garbled)
        message->bytes[7] = 9; /* records that are not there */
}

static const struct zone *find_zone(const char *name)
{
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
        if (strcasecmp(zones[i].name, name) == 0)
            return &zones[i];
    return NULL;
}

/* Makes the answer of the question; false: there is to be none. */
static bool answer_question(const struct server *server, struct message *message, bool is_stream)
{
    char name[300] = "";
    size_t end = get_name(message, name);
    const struct zone *zone = find_zone(name);

    if (zone == NULL || zone->is_silent)
        return false;
    struct zone told = *zone;
    if (server->rcode != 0 || (told.is_long && !is_stream))
        told = (struct zone){.name = zone->name, .rcode = server->rcode, .is_long = zone->is_long};
    answer(message, &told, end);
    if (told.is_long && !is_stream)
        message->bytes[2] |= 2; /* truncated */
    return true;
}

/* False: an empty one, which is the end. */
static bool serve_datagram(const struct server *server)
{
    struct sockaddr_in client;
    socklen_t client_length = sizeof(client);
    struct message message;
    ssize_t length = recvfrom(server->fd, message.bytes, sizeof(message.bytes), 0,
                              (struct sockaddr *)&client, &client_length);

    if (length <= 0)
        return false;
    message.length = (size_t)length;
    if (answer_question(server, &message, false))
        sendto(server->fd, message.bytes, message.length, 0, (struct sockaddr *)&client,
               client_length);
    return true;
}

static void serve_stream(struct server *server)
{
    uint8_t length[2];
    struct message message;

    if (recv(server->stream, length, 2, MSG_WAITALL) == 2) {
        message.length = (size_t)(length[0] << 8 | length[1]);
        recv(server->stream, message.bytes, message.length, MSG_WAITALL);
        if (!answer_question(server, &message, true))
            return;
        length[0] = (uint8_t)(message.length >> 8);
        length[1] = (uint8_t)message.length;
        send(server->stream, length, 2, MSG_NOSIGNAL | MSG_MORE);
        send(server->stream, message.bytes, message.length, MSG_NOSIGNAL);
        return;
    }
    close(server->stream);
    server->stream = -1;
}

/* Ends with an empty datagram. */
static void *serve(void *argument)
{
    struct server *server = argument;

    for (;;) {
        struct pollfd polls[] = {
            {.fd = server->fd, .events = POLLIN},
            {.fd = server->stream < 0 ? server->listener : server->stream, .events = POLLIN},
        };
        poll(polls, 2, -1);
        if (polls[0].revents != 0 && !serve_datagram(server))
            return NULL;
        if (polls[1].revents == 0)
            continue;
        if (server->stream < 0)
            server->stream = accept(server->listener, NULL, NULL);
        else
            serve_stream(server);
    }
}

/* A UDP socket at a port that is a TCP listener's too. */
static int bind_both(int listener)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static void write_address(char *ret_text, size_t size, int fd)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(ret_text, size, "127.0.0.1:%d", ntohs(address.sin_port));
}

static void server_open(struct server *server, int rcode)
{
    uint16_t port;

    *server = (struct server){.fd = -1, .stream = -1, .rcode = rcode};
    while (server->fd < 0) {
        server->listener = address_hold(8, &port);
        server->fd = bind_both(server->listener);
        if (server->fd < 0)
            close(server->listener);
    }
    write_address(server->address, sizeof(server->address), server->fd);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_close(struct server *server)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);

    getsockname(server->fd, (struct sockaddr *)&address, &length);
    sendto(server->fd, "", 0, 0, (struct sockaddr *)&address, length);
    pthread_join(server->thread, NULL);
    close(server->fd);
    close(server->listener);
    if (server->stream >= 0)
        close(server->stream);
}

/* --- the engine's part ------------------------------------------------------------------------ */

/* The resolver's clock, which is ahead by what was not waited for (-Wl,--wrap=clock_gettime). */
static _Atomic uint64_t skipped_ns;
static bool is_alone; /* nobody but the test answers */

int __real_clock_gettime(clockid_t clock, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    int result = __real_clock_gettime(clock, ret_time);
    uint64_t time_ns = (uint64_t)ret_time->tv_nsec + (clock == CLOCK_MONOTONIC ? skipped_ns : 0);
    ret_time->tv_sec += (time_t)(time_ns / 1000000000);
    ret_time->tv_nsec = (long)(time_ns % 1000000000);
    return result;
}

static uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int open_resolver(struct resolver **ret_resolver, struct loop *loop, const char *servers,
                         int64_t patience_ms)
{
    const struct resolver_options options = {.servers = servers, .patience_ms = patience_ms};

    return resolver_open(ret_resolver, loop, FIRST_TAG, TAGS, &options);
}

static bool take_completions(struct loop *loop, struct resolver *resolver, int64_t timeout_ns)
{
    struct completion completion;
    bool has_some = false;
    int result = loop_wait(loop, 1, timeout_ns);

    assert_true(result == 0 || result == -EINTR);
    for (; loop_next(loop, &completion); has_some = true) {
        if (completion.op == LOOP_READY)
            resolver_on_ready(resolver, completion.slot, completion.result);
        else
            assert_int_equal(completion.op, LOOP_TICK);
        resolver_on_tick(resolver);
    }
    return has_some;
}

/* One round of what the engine does for a resolver. Where the test itself is the server, all that
 * has been said has come, and nothing is waited for: it is at once as late as it can get. */
static void turn_until(struct loop *loop, struct resolver *resolver, uint64_t limit_ns)
{
    uint64_t deadline_ns = resolver_deadline_ns(resolver);
    deadline_ns = deadline_ns < limit_ns ? deadline_ns : limit_ns;
    bool may_skip = is_alone && deadline_ns != UINT64_MAX;

    if (!may_skip && deadline_ns != UINT64_MAX)
        loop_tick(loop, deadline_ns > skipped_ns ? deadline_ns - skipped_ns : 0);
    int64_t timeout_ns = may_skip ? 0 : TEST_PATIENCE_S * INT64_C(1000000000);
    if (take_completions(loop, resolver, timeout_ns) || !may_skip)
        return;
    uint64_t now_ns = clock_ns();
    skipped_ns += deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    resolver_on_tick(resolver);
}

static void turn(struct loop *loop, struct resolver *resolver)
{
    turn_until(loop, resolver, UINT64_MAX);
}

static struct resolver_answer await(struct loop *loop, struct resolver *resolver)
{
    struct resolver_answer answer;
    uint64_t limit_ns = clock_ns() + TEST_PATIENCE_S * UINT64_C(1000000000);

    while (!resolver_next(resolver, &answer)) {
        if (clock_ns() > limit_ns)
            fail_msg("no answer");
        turn(loop, resolver);
    }
    return answer;
}

/* --- scenarios -------------------------------------------------------------------------------- */

static const struct row {
    const char *host;
    uint16_t port;
    int error;
    uint32_t ttl_s;
    const char *addresses; /* both families may answer first */
    const char *other_addresses;
} rows[] = {
    {"one.test", 80, 0, 60, "192.0.2.1#80", NULL},
    {"ONE.test", 8080, 0, 60, "192.0.2.1#8080", NULL},
    {"one.test.", 80, 0, 60, "192.0.2.1#80", NULL},
    {"six.test", 443, 0, 7, "2001:db8::6#443", NULL},
    {"both.test", 80, 0, 90, "192.0.2.1#80 2001:db8::1#80 192.0.2.2#80 2001:db8::2#80 192.0.2.3#80",
     "2001:db8::1#80 192.0.2.1#80 2001:db8::2#80 192.0.2.2#80 192.0.2.3#80"},
    {"alias.test", 80, 0, 40, "192.0.2.9#80", NULL},
    {"brief.test", 80, 0, 1, "192.0.2.1#80", NULL},
    {"eternal.test", 80, 0, 3600, "192.0.2.1#80", NULL},
    {"many.test", 1, 0, 9,
     "192.0.2.1#1 192.0.2.2#1 192.0.2.3#1 192.0.2.4#1 192.0.2.5#1 192.0.2.6#1 192.0.2.7#1 "
     "192.0.2.8#1",
     NULL},
    {"empty.test", 80, -ENOENT, 0, "", NULL},
    {"none.test", 80, -ENOENT, 0, "", NULL},
    {"failing.test", 80, -ECONNREFUSED, 0, "", NULL},
    {"refused.test", 80, -ECONNREFUSED, 0, "", NULL},
    {"garbled.test", 80, -EREMOTEIO, 0, "", NULL},
    {"long.test", 80, 0, 60, "192.0.2.1#80", NULL},
    {"a-label-of-more-than-63-bytes-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test", 80,
     -EINVAL, 0, "", NULL},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void check(const struct row *row, const struct resolver_answer *answer)
{
    char text[512];

    address_write(&answer->addresses, text, sizeof(text));
    print_message("  %s: %s%s\n", row->host, text, answer->message != NULL ? answer->message : "");
    assert_int_equal(answer->error, row->error);
    assert_int_equal(answer->message == NULL, row->error == 0);
    assert_int_equal(answer->addresses.ttl_s, row->ttl_s);
    if (row->other_addresses == NULL || strcmp(text, row->other_addresses) != 0)
        assert_string_equal(text, row->addresses);
}

static void names_are_answered(struct loop *loop, struct resolver *resolver)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        assert_int_equal(resolver_lookup(resolver, i, rows[i].host, rows[i].port, NULL), 0);
        struct resolver_answer answer = await(loop, resolver);
        assert_int_equal(answer.id, i);
        check(&rows[i], &answer);
    }
    assert_false(resolver_next(resolver, &(struct resolver_answer){0}));
    assert_true(resolver_deadline_ns(resolver) == UINT64_MAX);
}

static void a_zone_is_an_interface(struct loop *loop, struct resolver *resolver)
{
    (void)loop;
    assert_int_equal(resolver_lookup(resolver, 0, "fe80::1%no-such", 80, NULL), -ENODEV);
    assert_false(resolver_next(resolver, &(struct resolver_answer){0}));
}

static void many_names_are_answered_at_once(struct loop *loop, struct resolver *resolver)
{
    enum { TIMES = 100 }; /* a socket holds some 270 datagrams; more would be lost */
    uint32_t answered[ROWS] = {0};

    for (uint32_t i = 0; i < ROWS * TIMES; i++)
        assert_int_equal(
            resolver_lookup(resolver, i % ROWS, rows[i % ROWS].host, rows[i % ROWS].port, NULL), 0);
    for (uint32_t i = 0; i < ROWS * TIMES; i++) {
        struct resolver_answer answer = await(loop, resolver);
        assert_in_range(answer.id, 0, ROWS - 1);
        assert_int_equal(answer.error, rows[answer.id].error);
        assert_int_equal(answer.addresses.ttl_s, rows[answer.id].ttl_s);
        answered[answer.id]++;
    }
    for (uint32_t i = 0; i < ROWS; i++)
        assert_int_equal(answered[i], TIMES);
}

/* The runner closes the resolver with all of this under way, most of it in the queue, and answers
 * not taken. */
static void lookups_under_way_are_dropped(struct loop *loop, struct resolver *resolver)
{
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(resolver_lookup(resolver, i, "silent.test", 80, NULL), 0);
    assert_int_equal(resolver_lookup(resolver, 10, "one.test", 80, NULL), 0);
    struct resolver_answer answer = await(loop, resolver);
    assert_int_equal(answer.id, 10);
    uint64_t now_ns = clock_ns();
    assert_true(resolver_deadline_ns(resolver) <= now_ns + UINT64_C(2000000000));
    assert_int_equal(resolver_lookup(resolver, 11, "", 80, NULL), 0);
    resolver_on_ready(resolver, FIRST_TAG + TAGS - 1, POLLIN); /* late, of a tag not in use */
    for (uint32_t i = 12; i < 1000; i++)
        assert_int_equal(resolver_lookup(resolver, i, "silent.test", 80, NULL), 0);
}

static void no_server_is_there(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    struct resolver *lonely;
    uint16_t port;
    char server[64];
    int fd = address_hold(-1, &port); /* TCP: nobody hears datagrams */

    snprintf(server, sizeof(server), "127.0.0.1:%d", port);
    assert_int_equal(open_resolver(&lonely, loop, server, PATIENCE_MS), 0);
    assert_int_equal(resolver_lookup(lonely, 1, "one.test", 80, NULL), 0);
    struct resolver_answer answer = await(loop, lonely);
    assert_int_equal(answer.error, -ECONNREFUSED);
    assert_string_equal(answer.message, "no DNS server can be reached, or none can answer");
    resolver_close(lonely);
    close(fd);
}

static void a_bad_list_of_servers_is_refused(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    static const char *const lists[] = {"nonsense", "127.0.0.1:53,dns.example", "127.0.0.1:domain"};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct resolver *none;
        print_message("  %s\n", lists[i]);
        assert_int_equal(open_resolver(&none, loop, lists[i], PATIENCE_MS), -EINVAL);
    }
}

static void nothing_is_opened_before_it_is_needed(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    struct resolver *idle;

    assert_int_equal(open_resolver(&idle, loop, NULL, PATIENCE_MS), 0);
    assert_true(resolver_deadline_ns(idle) == UINT64_MAX);
    resolver_on_tick(idle);
    assert_false(resolver_next(idle, &(struct resolver_answer){0}));
    resolver_close(idle);
    resolver_close(NULL);
}

/* --- the first of two servers ----------------------------------------------------------------- */

/* One after another, and then as many at once. A second each would be beyond the limit. */
static void look_names_up(struct loop *loop, const char *servers)
{
    enum { NAMES = 40 };
    uint64_t limit_ns = clock_ns() + UINT64_C(35000000000);
    struct resolver *resolver;

    assert_int_equal(open_resolver(&resolver, loop, servers, PATIENCE_MS), 0);
    for (uint32_t i = 0; i < NAMES; i++) {
        assert_int_equal(resolver_lookup(resolver, i, "one.test", 80, NULL), 0);
        assert_int_equal(await(loop, resolver).error, 0);
    }
    for (uint32_t i = 0; i < NAMES; i++)
        assert_int_equal(resolver_lookup(resolver, i, "both.test", 80, NULL), 0);
    for (uint32_t i = 0; i < NAMES; i++)
        assert_int_equal(await(loop, resolver).error, 0);
    assert_true(clock_ns() < limit_ns);
    resolver_close(resolver);
}

static void a_server_that_is_not_there_costs_nothing(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    struct server good;
    uint16_t port;
    char servers[128];
    int fd = address_hold(-1, &port); /* TCP: nobody hears datagrams */

    server_open(&good, 0);
    snprintf(servers, sizeof(servers), "127.0.0.1:%d,%s", port, good.address);
    look_names_up(loop, servers);
    server_close(&good);
    close(fd);
}

static void a_server_that_fails_costs_nothing(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    static const int rcodes[] = {SERVFAIL, REFUSED};

    for (size_t i = 0; i < sizeof(rcodes) / sizeof(rcodes[0]); i++) {
        struct server bad;
        struct server good;
        char servers[192];
        server_open(&bad, rcodes[i]);
        server_open(&good, 0);
        snprintf(servers, sizeof(servers), "%s,%s", bad.address, good.address);
        look_names_up(loop, servers);
        server_close(&good);
        server_close(&bad);
    }
}

/* --- the test is the server ------------------------------------------------------------------- */

/* Loopback hands a datagram over before the send of it returns: what has been asked is there to be
 * taken. */
struct desk {
    int fd;
    struct loop *loop;
    struct resolver *resolver;
};

struct question {
    struct message message;
    struct sockaddr_in client;
    size_t end;
    uint32_t type;
    char name[300];
};

static void desk_open(struct desk *desk, struct loop *loop, int64_t patience_ms)
{
    struct sockaddr_in address;
    int bytes = 1 << 20;
    char server[64];

    is_alone = true;
    *desk = (struct desk){.fd = address_bind(SOCK_DGRAM, &address), .loop = loop};
    setsockopt(desk->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    write_address(server, sizeof(server), desk->fd);
    assert_int_equal(open_resolver(&desk->resolver, loop, server, patience_ms), 0);
}

static void desk_close(struct desk *desk)
{
    resolver_close(desk->resolver);
    close(desk->fd);
}

static bool desk_take(struct desk *desk, struct question *ret_question)
{
    struct message *message = &ret_question->message;
    socklen_t length = sizeof(ret_question->client);
    ssize_t received = recvfrom(desk->fd, message->bytes, sizeof(message->bytes), MSG_DONTWAIT,
                                (struct sockaddr *)&ret_question->client, &length);

    if (received <= 0)
        return false;
    message->length = (size_t)received;
    ret_question->end = get_name(message, ret_question->name);
    ret_question->type = message->bytes[ret_question->end + 1];
    return true;
}

/* Waits for the next question, and for nothing else. */
static void desk_await(struct desk *desk, struct question *ret_question)
{
    uint64_t limit_ns = clock_ns() + TEST_PATIENCE_S * UINT64_C(1000000000);

    while (!desk_take(desk, ret_question)) {
        if (clock_ns() > limit_ns)
            fail_msg("no question");
        turn(desk->loop, desk->resolver);
    }
}

/* With an address of each family. */
static void desk_answer(struct desk *desk, const struct question *question)
{
    const struct zone zone = {
        .name = question->name, .ipv4 = {{"192.0.2.1", 60}}, .ipv6 = {{"2001:db8::1", 60}}};
    struct message message = question->message;

    answer(&message, &zone, question->end);
    sendto(desk->fd, message.bytes, message.length, 0, (const struct sockaddr *)&question->client,
           sizeof(question->client));
}

static struct resolver_lookup *desk_lookup(struct desk *desk, uint32_t id)
{
    struct resolver_lookup *lookup;
    char name[32];

    snprintf(name, sizeof(name), "%u.test", id);
    assert_int_equal(resolver_lookup(desk->resolver, id, name, 80, &lookup), 0);
    return lookup;
}

/* Answers everything until that lookup, the only one, has both its addresses. */
static void desk_serve(struct desk *desk, uint32_t id)
{
    struct question question;
    struct resolver_answer answer;
    char text[512];

    while (!resolver_next(desk->resolver, &answer)) {
        while (desk_take(desk, &question))
            desk_answer(desk, &question);
        turn(desk->loop, desk->resolver);
    }
    address_write(&answer.addresses, text, sizeof(text));
    assert_int_equal(answer.id, id);
    assert_string_equal(text, "192.0.2.1#80 2001:db8::1#80");
}

static uint32_t desk_drain(struct desk *desk)
{
    struct question question;
    uint32_t count = 0;

    while (desk_take(desk, &question))
        count++;
    return count;
}

static void expect_addresses(struct desk *desk, uint32_t id, const char *text)
{
    struct resolver_answer answer = await(desk->loop, desk->resolver);
    char got[512];

    address_write(&answer.addresses, got, sizeof(got));
    assert_int_equal(answer.id, id);
    assert_int_equal(answer.error, 0);
    assert_string_equal(got, text);
}

/* Of one family, nothing of the other is asked or told; a name without an address of it has none,
 * and one that does not exist does not. */
static void one_family_is_asked_for(struct loop *loop, struct resolver *resolver)
{
    static const struct {
        int family;
        uint32_t type;
        const char *addresses;
    } families[] = {{AF_INET, 1, "192.0.2.1#80"}, {AF_INET6, AAAA, "2001:db8::1#80"}};
    static const int rcodes[] = {OK, NXDOMAIN};
    (void)resolver;

    for (size_t i = 0; i < 2 * 2; i++) {
        struct resolver_options options = {.family = families[i / 2].family, .patience_ms = -1};
        struct zone zone = {.name = "1.test", .rcode = rcodes[i % 2]};
        struct sockaddr_in address;
        struct desk desk = {.fd = address_bind(SOCK_DGRAM, &address), .loop = loop};
        struct question question;
        char server[64];
        write_address(server, sizeof(server), desk.fd);
        options.servers = server;
        assert_int_equal(resolver_open(&desk.resolver, loop, FIRST_TAG, TAGS, &options), 0);
        desk_lookup(&desk, 1);
        desk_await(&desk, &question);
        assert_int_equal(question.type, families[i / 2].type);
        assert_int_equal(desk_drain(&desk), 0);
        if (i % 2 == 0) {
            desk_answer(&desk, &question);
            expect_addresses(&desk, 1, families[i / 2].addresses);
        } else {
            struct message message = question.message;
            answer(&message, &zone, question.end);
            sendto(desk.fd, message.bytes, message.length, 0,
                   (const struct sockaddr *)&question.client, sizeof(question.client));
            struct resolver_answer none = await(loop, desk.resolver);
            assert_int_equal(none.error, -ENOENT);
            assert_string_equal(none.message, "the host name does not exist");
        }
        desk_close(&desk);
    }
}

/* A burst has room in a socket; what waits is asked in its order, and nothing is lost. */
static void few_are_asked_at_once(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    enum { NAMES = 1000, PLACES = 64 };
    struct desk desk;
    struct question questions[2 * PLACES];
    struct question *question = questions;
    struct resolver_answer answer;
    uint32_t asked = 0;
    uint32_t answered = 0;

    desk_open(&desk, loop, 60000);
    for (uint32_t i = 0; i < NAMES; i++)
        desk_lookup(&desk, i);
    for (uint32_t i = 0; i < 2 * PLACES; i++) {
        assert_true(desk_take(&desk, &questions[i]));
        assert_int_equal(atoi(questions[i].name), i / 2);
    }
    assert_int_equal(desk_drain(&desk), 0);
    for (uint32_t i = 0; i < 2 * PLACES; i++)
        desk_answer(&desk, &questions[i]);
    asked = PLACES;
    while (answered < NAMES) {
        while (resolver_next(desk.resolver, &answer)) {
            assert_int_equal(answer.error, 0);
            answered++;
        }
        if (answered < NAMES)
            turn(loop, desk.resolver);
        while (desk_take(&desk, question)) {
            uint32_t number = (uint32_t)atoi(question->name);
            assert_true(number <= asked); /* again, or the next */
            asked = number == asked ? asked + 1 : asked;
            desk_answer(&desk, question);
        }
    }
    assert_int_equal(asked, NAMES);
    desk_close(&desk);
}

static void silent_names_keep_nobody_waiting(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    enum { SILENT = 200 };
    uint64_t limit_ns = clock_ns() + UINT64_C(10000000000); /* a request's connect timeout */
    struct desk desk;
    struct question question;

    desk_open(&desk, loop, 60000);
    for (uint32_t i = 0; i <= SILENT; i++)
        desk_lookup(&desk, i);
    for (uint32_t answers = 0; answers < 2; answers += atoi(question.name) == SILENT) {
        desk_await(&desk, &question);
        if (atoi(question.name) == SILENT)
            desk_answer(&desk, &question);
    }
    expect_addresses(&desk, SILENT, "192.0.2.1#80 2001:db8::1#80");
    assert_true(clock_ns() < limit_ns);
    desk_close(&desk);
}

static void what_is_forgotten_is_not_asked(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    struct desk desk;
    struct question question;
    struct resolver_lookup *lookups[200];

    desk_open(&desk, loop, 60000);
    for (uint32_t i = 0; i < 200; i++)
        lookups[i] = desk_lookup(&desk, i);
    for (uint32_t i = 100; i < 199; i++)
        resolver_forget(desk.resolver, lookups[i]);
    do {
        desk_await(&desk, &question);
        assert_false(atoi(question.name) >= 100 && atoi(question.name) < 199);
    } while (atoi(question.name) != 199);
    desk_close(&desk);
}

static void forgotten_names_give_their_places_back(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    uint64_t limit_ns = clock_ns() + UINT64_C(10000000000);
    struct desk desk;
    struct question question;
    struct resolver_lookup *lookups[100];

    desk_open(&desk, loop, 60000);
    for (uint32_t i = 0; i < 100; i++)
        lookups[i] = desk_lookup(&desk, i);
    for (uint32_t i = 0; i < 99; i++)
        resolver_forget(desk.resolver, lookups[i]);
    do
        desk_await(&desk, &question);
    while (atoi(question.name) != 99);
    desk_answer(&desk, &question);
    desk_serve(&desk, 99);
    assert_true(clock_ns() < limit_ns);
    desk_close(&desk);
}

/* And what comes for it nevertheless does no harm; not even while another asks. */
static void all_that_is_forgotten_is_quiet(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    struct desk desk;
    struct question old[2];
    struct question question;
    struct resolver_lookup *lookups[100];

    desk_open(&desk, loop, 60000);
    for (uint32_t i = 0; i < 100; i++)
        lookups[i] = desk_lookup(&desk, i);
    assert_true(desk_take(&desk, &old[0]));
    assert_true(desk_take(&desk, &old[1]));
    for (uint32_t i = 100; i-- > 0;)
        resolver_forget(desk.resolver, lookups[i]);
    assert_true(resolver_deadline_ns(desk.resolver) == UINT64_MAX);
    assert_false(resolver_next(desk.resolver, &(struct resolver_answer){0}));
    desk_drain(&desk);
    desk_lookup(&desk, 7);
    for (int i = 0; i < 2; i++) {
        assert_true(desk_take(&desk, &question));
        assert_int_equal(atoi(question.name), 7);
        old[i].client = question.client;
        desk_answer(&desk, &old[i]);
        desk_answer(&desk, &question);
    }
    expect_addresses(&desk, 7, "192.0.2.1#80 2001:db8::1#80");
    desk_close(&desk);
}

/* Datagrams are lost: four of each type here, and no more. */
static void questions_are_asked_again(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    enum { LOST = 4 };
    struct desk desk;
    struct question question;
    struct resolver_answer answer;
    uint32_t lost[256] = {0};

    desk_open(&desk, loop, 60000);
    desk_lookup(&desk, 1);
    while (!resolver_next(desk.resolver, &answer)) {
        while (desk_take(&desk, &question))
            if (lost[question.type]++ >= LOST)
                desk_answer(&desk, &question);
        turn(loop, desk.resolver);
    }
    assert_int_equal(answer.error, 0);
    desk_close(&desk);
}

static void patience_ends(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    struct desk desk;

    desk_open(&desk, loop, 100);
    desk_lookup(&desk, 1);
    struct resolver_answer answer = await(loop, desk.resolver);
    assert_int_equal(answer.error, -ETIMEDOUT);
    assert_string_equal(answer.message, "no DNS server answered in time");
    desk_close(&desk);
}

/* Some servers never answer for IPv6. The limit is the patience: a request's connect timeout. */
static void one_family_is_enough(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    enum { A = 1 };
    static const struct {
        uint32_t silent;
        const char *addresses;
    } cases[] = {{AAAA, "192.0.2.1#80"}, {A, "2001:db8::1#80"}};
    struct desk desk;
    struct question question;
    struct resolver_answer answer;

    for (uint32_t i = 0; i < 2; i++) {
        uint64_t limit_ns = clock_ns() + UINT64_C(10000000000);
        char text[512];
        desk_open(&desk, loop, PATIENCE_MS);
        desk_lookup(&desk, i);
        while (!resolver_next(desk.resolver, &answer)) {
            while (desk_take(&desk, &question))
                if (question.type != cases[i].silent)
                    desk_answer(&desk, &question);
            turn(loop, desk.resolver);
        }
        assert_int_equal(answer.error, 0);
        assert_true(answer.has_more);
        assert_int_equal(answer.addresses.ttl_s, 60);
        address_write(&answer.addresses, text, sizeof(text));
        assert_string_equal(text, cases[i].addresses);
        assert_true(clock_ns() < limit_ns);
        desk_close(&desk);
    }
}

/* A server that never answers for IPv6, is slow from some time on, and whose socket has room for so
 * many datagrams. */
struct slow_server {
    struct question waiting[256];
    uint64_t due_ns[256];
    uint32_t first;
    uint32_t count;
    uint64_t delay_ns;
};

static void slow_server_serve(struct slow_server *server, struct desk *desk)
{
    enum { ROOM = 256 };
    struct question question;

    while (desk_take(desk, &question)) {
        uint32_t last = (server->first + server->count) % ROOM;
        if (question.type == AAAA || server->count == ROOM)
            continue;
        server->waiting[last] = question;
        server->due_ns[last] = clock_ns() + server->delay_ns;
        server->count++;
    }
    while (server->count > 0 && server->due_ns[server->first] <= clock_ns()) {
        desk_answer(desk, &server->waiting[server->first]);
        server->first = (server->first + 1) % ROOM;
        server->count--;
    }
}

/* More names than questions that c-ares is to have: those that are dropped to make room fail none,
 * and what was told in part keeps nobody waiting. */
static void silent_questions_make_room(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    enum { NAMES = 20000, AT_ONCE = 64 };
    static uint64_t begun_ns[NAMES]; /* 0: it has been answered */
    static struct slow_server server;
    struct desk desk;
    struct resolver_answer answer;
    uint32_t begun = 0;
    uint32_t done = 0;
    uint64_t longest_ns = 0;

    desk_open(&desk, loop, PATIENCE_MS);
    server = (struct slow_server){0};
    while (done < NAMES) {
        for (; begun < NAMES && begun - done < AT_ONCE; begun++) {
            begun_ns[begun] = clock_ns();
            desk_lookup(&desk, begun);
        }
        server.delay_ns = begun < NAMES / 2 ? 0 : 300 * UINT64_C(1000000);
        slow_server_serve(&server, &desk);
        if (!resolver_next(desk.resolver, &answer)) {
            turn_until(loop, desk.resolver,
                       server.count > 0 ? server.due_ns[server.first] : UINT64_MAX);
            continue;
        }
        assert_int_equal(answer.error, 0);
        assert_int_equal(answer.addresses.count, 1);
        if (begun_ns[answer.id] == 0)
            continue;
        uint64_t took_ns = clock_ns() - begun_ns[answer.id];
        longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
        begun_ns[answer.id] = 0;
        done++;
    }
    print_message("  the longest took %.3f s\n", (double)longest_ns / 1e9);
    assert_in_range(longest_ns, 0, 3 * UINT64_C(1000000000));
    desk_close(&desk);
}

/* The datagrams of one family are lost twice: the other is not all there is. */
static void both_families_late_are_both_told(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    struct desk desk;
    struct question question;
    struct resolver_answer answer;
    uint32_t lost = 0;

    desk_open(&desk, loop, PATIENCE_MS);
    desk_lookup(&desk, 1);
    do {
        while (desk_take(&desk, &question))
            if (question.type != AAAA || lost++ >= 2)
                desk_answer(&desk, &question);
        answer.has_more = true;
        if (!resolver_next(desk.resolver, &answer))
            turn(loop, desk.resolver);
    } while (answer.has_more);
    assert_int_equal(answer.error, 0);
    assert_int_equal(answer.addresses.count, 2);
    assert_int_not_equal(answer.addresses.list[0].any.sa_family,
                         answer.addresses.list[1].any.sa_family);
    desk_close(&desk);
}

/* A server that needs longer than the first try: its answer to that one counts, and those to the
 * others, which come when the lookup is over, do no harm. */
static void late_answers_are_taken(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    struct desk desk;
    struct question first[2];
    struct question again[2];

    desk_open(&desk, loop, PATIENCE_MS);
    desk_lookup(&desk, 1);
    desk_await(&desk, &first[0]);
    desk_await(&desk, &first[1]);
    desk_await(&desk, &again[0]);
    desk_await(&desk, &again[1]);
    desk_answer(&desk, &first[0]);
    desk_answer(&desk, &first[1]);
    expect_addresses(&desk, 1, "192.0.2.1#80 2001:db8::1#80");
    desk_lookup(&desk, 2);
    desk_answer(&desk, &again[0]);
    desk_answer(&desk, &again[1]);
    desk_serve(&desk, 2);
    desk_close(&desk);
}

/* Each way for the families to be answered, in that order: the answer that there is then, and the
 * last. */
static const struct pair {
    const char *name;
    uint32_t first;   /* the type that is answered first */
    int rcodes[2];    /* of the first, of the other; OK, or EMPTY */
    const char *soon; /* NULL: there is none before the other is answered */
    const char *last;
    int error;
} pairs[] = {
    {"A, then AAAA", 1, {OK, OK}, "192.0.2.1#80", "192.0.2.1#80 2001:db8::1#80", 0},
    {"AAAA, then A", AAAA, {OK, OK}, "2001:db8::1#80", "2001:db8::1#80 192.0.2.1#80", 0},
    {"A, then no AAAA", 1, {OK, EMPTY}, "192.0.2.1#80", "192.0.2.1#80", 0},
    {"A, then NXDOMAIN", 1, {OK, NXDOMAIN}, "192.0.2.1#80", "192.0.2.1#80", 0},
    {"A, then SERVFAIL", 1, {OK, SERVFAIL}, "192.0.2.1#80", "192.0.2.1#80", 0},
    {"no A, then AAAA", 1, {EMPTY, OK}, NULL, "2001:db8::1#80", 0},
    {"NXDOMAIN, then A", AAAA, {NXDOMAIN, OK}, NULL, "192.0.2.1#80", 0},
    {"SERVFAIL, then AAAA", 1, {SERVFAIL, OK}, NULL, "2001:db8::1#80", 0},
    {"no A, no AAAA", 1, {EMPTY, EMPTY}, NULL, "", -ENOENT},
    {"no A, then SERVFAIL", 1, {EMPTY, SERVFAIL}, NULL, "", -ECONNREFUSED},
    {"NXDOMAIN, then SERVFAIL", 1, {NXDOMAIN, SERVFAIL}, NULL, "", -ENOENT},
    {"REFUSED, then no A", AAAA, {REFUSED, EMPTY}, NULL, "", -ECONNREFUSED},
};

static void desk_reply(struct desk *desk, const struct question *question, int rcode)
{
    struct zone zone = {.name = question->name, .rcode = rcode == EMPTY ? OK : rcode};
    struct message message = question->message;

    if (rcode == OK && question->type == AAAA)
        zone.ipv6[0] = (struct record){"2001:db8::1", 50};
    else if (rcode == OK)
        zone.ipv4[0] = (struct record){"192.0.2.1", 60};
    answer(&message, &zone, question->end);
    sendto(desk->fd, message.bytes, message.length, 0, (const struct sockaddr *)&question->client,
           sizeof(question->client));
}

static void expect(const struct resolver_answer *answer, const char *addresses, bool has_more)
{
    char text[512];

    address_write(&answer->addresses, text, sizeof(text));
    assert_string_equal(text, addresses);
    assert_int_equal(answer->id, 5);
    assert_int_equal(answer->has_more, has_more);
}

/* Replies to what is asked, and asked again, until there is an answer. Of the second type only when
 * the first answer is there. */
static void run_pair(struct desk *desk, const struct pair *pair)
{
    struct question question;
    struct question held;
    struct resolver_answer answer;
    bool is_held = false;
    bool is_free = pair->soon == NULL;

    desk_lookup(desk, 5);
    for (;;) {
        while (desk_take(desk, &question)) {
            bool is_first = question.type == pair->first;
            if (is_first || is_free)
                desk_reply(desk, &question, pair->rcodes[!is_first]);
            else
                held = question;
            is_held = is_held || !is_first;
        }
        if (!resolver_next(desk->resolver, &answer)) {
            turn(desk->loop, desk->resolver);
            continue;
        }
        if (!answer.has_more)
            break;
        expect(&answer, pair->soon, true);
        assert_true(is_held && !is_free);
        is_free = true;
        desk_reply(desk, &held, pair->rcodes[1]);
    }
    assert_true(is_free);
    expect(&answer, pair->last, false);
    assert_int_equal(answer.error, pair->error);
    if (strchr(pair->last, ' '))
        assert_int_equal(answer.addresses.ttl_s, 50);
    assert_false(resolver_next(desk->resolver, &answer));
    assert_true(resolver_deadline_ns(desk->resolver) == UINT64_MAX);
}

static void families_are_answered_apart(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct desk desk;
        print_message("  %s\n", pairs[i].name);
        desk_open(&desk, loop, PATIENCE_MS);
        run_pair(&desk, &pairs[i]);
        desk_close(&desk);
    }
}

/* In each state: while it is asked, with one family in and waiting for the other, to be taken, and
 * told in part. Nothing comes of it then, and nothing is left to do. */
static void lookups_are_forgotten_in_each_state(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    enum { ASKED, DELAYED, READY, TOLD, STATES };

    for (int state = ASKED; state < STATES; state++) {
        struct desk desk;
        struct question question;
        struct resolver_answer answer;
        desk_open(&desk, loop, PATIENCE_MS);
        struct resolver_lookup *lookup = desk_lookup(&desk, 5);
        assert_true(desk_take(&desk, &question));
        uint64_t first_ns = resolver_deadline_ns(desk.resolver);
        if (state >= DELAYED) {
            assert_true(desk_take(&desk, &question)); /* AAAA, which waits for A anywhere */
            desk_answer(&desk, &question);
            turn(loop, desk.resolver);
            assert_true(resolver_deadline_ns(desk.resolver) < first_ns);
        }
        while (state >= READY && resolver_deadline_ns(desk.resolver) < first_ns)
            turn(loop, desk.resolver);
        if (state == TOLD) {
            assert_true(resolver_next(desk.resolver, &answer));
            expect(&answer, "2001:db8::1#80", true);
        }
        resolver_forget(desk.resolver, lookup);
        assert_false(resolver_next(desk.resolver, &answer));
        assert_true(resolver_deadline_ns(desk.resolver) == UINT64_MAX);
        desk_drain(&desk);
        desk_lookup(&desk, 6);
        desk_serve(&desk, 6);
        desk_close(&desk);
    }
}

/* --- resolv.conf ------------------------------------------------------------------------------ */

/* What each server sees of the questions for A: its number, and the name. Each stands for itself:
 * s is silent, r refuses, h refuses for AAAA, f fails, n knows no name, a answers, and - is not
 * there. */
static const struct conf_row {
    const char *what;
    const char *text;
    const char *servers;
    const char *host;
    const char *seen;
    int64_t patience_ms;
    uint32_t lookups; /* one after the other */
    int error;
} conf_rows[] = {
    {"attempts", "options timeout:1 attempts:2\n", "s", "x.test", "0:x.test 0:x.test", PATIENCE_MS,
     1, -ETIMEDOUT},
    {"one attempt", "options attempts:1\n", "s", "x.test", "0:x.test", PATIENCE_MS, 1, -ETIMEDOUT},
    {"attempts at each server", "options timeout:1 attempts:2\n", "ss", "x.test",
     "0:x.test 1:x.test 0:x.test 1:x.test", PATIENCE_MS, 1, -ETIMEDOUT},
    {"the last one counts", "options attempts:3\n#options attempts:4\noptions attempts:1\n", "s",
     "x.test", "0:x.test", PATIENCE_MS, 1, -ETIMEDOUT},
    {"what is left out is doubled", "", "s", "x.test", "0:x.test 0:x.test", 2500, 1, -ETIMEDOUT},
    {"what is stated is not", "options timeout:1\n", "s", "x.test", "0:x.test 0:x.test 0:x.test",
     2500, 1, -ETIMEDOUT},
    {"a longer timeout", "options timeout:3\n", "s", "x.test", "0:x.test", 2500, 1, -ETIMEDOUT},
    {"silent, and asked last", "", "sa", "x.test", "0:x.test 1:x.test 1:x.test 1:x.test",
     PATIENCE_MS, 3, 0},
    {"refuses, and is asked last", "", "ra", "x.test", "0:x.test 1:x.test 1:x.test 1:x.test",
     PATIENCE_MS, 3, 0},
    {"refuses one type", "", "sh", "x.test", "0:x.test 1:x.test 1:x.test 1:x.test", PATIENCE_MS, 3,
     0},
    {"is not there", "", "-a", "x.test", "1:x.test 1:x.test 1:x.test", PATIENCE_MS, 3, 0},
    {"two of three", "", "rsa", "x.test", "0:x.test 1:x.test 2:x.test 2:x.test", PATIENCE_MS, 2, 0},
    {"a name that fails is no server that does", "", "fa", "x.test",
     "0:x.test 1:x.test 0:x.test 1:x.test", PATIENCE_MS, 2, 0},
    {"a second chance", "", "f", "x.test", "0:x.test 0:x.test", PATIENCE_MS, 1, -ECONNREFUSED},
    {"rotate", "options rotate\n", "aa", "x.test", "0:x.test 1:x.test 0:x.test 1:x.test",
     PATIENCE_MS, 4, 0},
    {"no rotate", "", "aa", "x.test", "0:x.test 0:x.test", PATIENCE_MS, 2, 0},
    {"search", "search corp.test lab.test\n", "n", "db", "0:db.corp.test 0:db.lab.test 0:db",
     PATIENCE_MS, 1, -ENOENT},
    {"search, found", "search corp.test lab.test\n", "a", "db", "0:db.corp.test", PATIENCE_MS, 1,
     0},
    {"search, later", "search corp.test\n", "n", "a.b", "0:a.b 0:a.b.corp.test", PATIENCE_MS, 1,
     -ENOENT},
    {"ndots", "options ndots:2\nsearch corp.test\n", "n", "a.b", "0:a.b.corp.test 0:a.b",
     PATIENCE_MS, 1, -ENOENT},
    {"ndots:0", "options ndots:0\nsearch corp.test\n", "n", "db", "0:db 0:db.corp.test",
     PATIENCE_MS, 1, -ENOENT},
    {"absolute", "search corp.test\n", "n", "db.", "0:db", PATIENCE_MS, 1, -ENOENT},
};

enum { CONF_SERVERS = 3 };

struct office {
    struct desk desks[CONF_SERVERS]; /* share the loop and the resolver */
    const char *servers;
    char list[256];
    char path[64];
    char seen[1024];
};

static void office_write(const struct office *office, const char *text)
{
    FILE *file = fopen(office->path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void office_open(struct office *office, struct loop *loop, const char *servers,
                        const char *text, int64_t patience_ms)
{
    struct resolver *resolver;

    is_alone = true;
    *office = (struct office){.servers = servers, .path = "/tmp/test_resolver.XXXXXX"};
    close(mkstemp(office->path));
    office_write(office, text);
    for (size_t i = 0; servers[i] != '\0'; i++) {
        struct sockaddr_in address;
        size_t length = strlen(office->list);
        office->desks[i] = (struct desk){.fd = address_bind(SOCK_DGRAM, &address), .loop = loop};
        office->list[length] = ',';
        length += i > 0;
        write_address(office->list + length, sizeof(office->list) - length, office->desks[i].fd);
        if (servers[i] == '-')
            close(office->desks[i].fd);
    }
    const struct resolver_options options = {
        .servers = office->list, .path = office->path, .patience_ms = patience_ms};
    assert_int_equal(resolver_open(&resolver, loop, FIRST_TAG, TAGS, &options), 0);
    for (size_t i = 0; i < CONF_SERVERS; i++)
        office->desks[i].resolver = resolver;
}

static void office_close(struct office *office)
{
    resolver_close(office->desks[0].resolver);
    unlink(office->path);
    for (size_t i = 0; office->servers[i] != '\0'; i++)
        if (office->servers[i] != '-')
            close(office->desks[i].fd);
}

static void office_serve(struct office *office)
{
    struct question question;

    for (size_t i = 0; office->servers[i] != '\0'; i++) {
        while (office->servers[i] != '-' && desk_take(&office->desks[i], &question)) {
            size_t length = strlen(office->seen);
            if (question.type != AAAA)
                snprintf(office->seen + length, sizeof(office->seen) - length, "%s%zu:%s",
                         length > 0 ? " " : "", i, question.name);
            switch (office->servers[i]) {
            case 'h':
                desk_reply(&office->desks[i], &question, question.type == AAAA ? REFUSED : OK);
                break;
            case 'r':
                desk_reply(&office->desks[i], &question, REFUSED);
                break;
            case 'f':
                desk_reply(&office->desks[i], &question, SERVFAIL);
                break;
            case 'n':
                desk_reply(&office->desks[i], &question, NXDOMAIN);
                break;
            case 'a':
                desk_reply(&office->desks[i], &question, OK);
                break;
            }
        }
    }
}

/* Serves until that answer is complete. */
static struct resolver_answer office_await(struct office *office)
{
    struct desk *desk = &office->desks[0];
    struct resolver_answer answer;

    for (;;) {
        office_serve(office);
        if (!resolver_next(desk->resolver, &answer))
            turn(desk->loop, desk->resolver);
        else if (!answer.has_more)
            return answer;
    }
}

static void office_lookup(struct office *office, uint32_t id, const char *host)
{
    assert_int_equal(resolver_lookup(office->desks[0].resolver, id, host, 80, NULL), 0);
}

static void resolv_conf_is_obeyed(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    for (size_t i = 0; i < sizeof(conf_rows) / sizeof(conf_rows[0]); i++) {
        const struct conf_row *row = &conf_rows[i];
        struct office office;
        print_message("  %s\n", row->what);
        office_open(&office, loop, row->servers, row->text, row->patience_ms);
        for (uint32_t n = 0; n < row->lookups; n++) {
            office_lookup(&office, n, row->host);
            assert_int_equal(office_await(&office).error, row->error);
        }
        assert_string_equal(office.seen, row->seen);
        office_close(&office);
    }
}

/* What is under way goes on by what it began with. */
static void resolv_conf_is_read_again(struct loop *loop, struct resolver *resolver)
{
    (void)resolver;
    struct office office;

    office_open(&office, loop, "s", "options timeout:2 attempts:2\n", PATIENCE_MS);
    office_lookup(&office, 1, "old.test");
    uint64_t look_ns = clock_ns() + UINT64_C(1100000000);
    office_write(&office, "options timeout:1 attempts:1\nsearch new.test\n");
    office_lookup(&office, 2, "soon.test"); /* sooner than it looks again */
    while (clock_ns() < look_ns) {
        office_serve(&office);
        turn_until(loop, office.desks[0].resolver, look_ns);
    }
    office_lookup(&office, 3, "new");
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(office_await(&office).error, -ETIMEDOUT);
    assert_string_equal(office.seen,
                        "0:old.test 0:soon.test 0:new.new.test 0:old.test 0:soon.test");
    office_close(&office);
}

/* --- what needs no lookup --------------------------------------------------------------------- */

static const struct literal {
    const char *host;
    enum url_host_kind kind;
    const char *addresses; /* NULL: to be looked up */
} literals[] = {
    {"127.0.0.1", URL_HOST_IPV4, "127.0.0.1#80"},
    {"255.255.255.255", URL_HOST_IPV4, "255.255.255.255#80"},
    {"1.2.3", URL_HOST_IPV4, NULL},
    {"::1", URL_HOST_IPV6, "::1#80"},
    {"2001:db8::ff", URL_HOST_IPV6, "2001:db8::ff#80"},
    {"::ffff:192.0.2.1", URL_HOST_IPV6, "::ffff:192.0.2.1#80"},
    {"2001:db8::gg", URL_HOST_IPV6, NULL},
    {"localhost", URL_HOST_NAME, "127.0.0.1#80 ::1#80"},
    {"LocalHost.", URL_HOST_NAME, "127.0.0.1#80 ::1#80"},
    {"api.localhost", URL_HOST_NAME, "127.0.0.1#80 ::1#80"},
    {"notlocalhost", URL_HOST_NAME, NULL},
    {"localhost.example", URL_HOST_NAME, NULL},
    {"host", URL_HOST_NAME, NULL},
    {".", URL_HOST_NAME, NULL},
};

static void literals_need_no_lookup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
        struct resolver_addresses addresses;
        char text[512];
        bool is_literal = resolver_literal(literals[i].host, literals[i].kind, 80, &addresses);

        print_message("  %s\n", literals[i].host);
        assert_int_equal(is_literal, literals[i].addresses != NULL);
        if (!is_literal)
            continue;
        address_write(&addresses, text, sizeof(text));
        assert_string_equal(text, literals[i].addresses);
        assert_int_equal(addresses.ttl_s, RESOLVER_TTL_MAX_S);
    }
}

/* The name of an interface, or its number, is where a link-local address is looked for. */
static void zones_are_interfaces(void **state)
{
    const struct {
        const char *host;
        uint32_t scope; /* 0: there is no such interface */
    } scoped[] = {
        {"fe80::1%lo", if_nametoindex("lo")},
        {"::1%lo", if_nametoindex("lo")},
        {"fe80::1%7", 7},
        {"fe80::1%4294967295", UINT32_MAX},
        {"fe80::1%4294967296", 0},
        {"fe80::1%0", 0},
        {"fe80::1%7x", 0},
        {"fe80::1%no-such", 0},
        {"fe80::g%lo", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(scoped) / sizeof(scoped[0]); i++) {
        struct resolver_addresses addresses;
        bool is_literal = resolver_literal(scoped[i].host, URL_HOST_IPV6, 80, &addresses);

        print_message("  %s\n", scoped[i].host);
        assert_int_equal(is_literal, scoped[i].scope != 0);
        if (is_literal)
            assert_int_equal(addresses.list[0].ipv6.sin6_scope_id, scoped[i].scope);
    }
}

/* --- both loops ------------------------------------------------------------------------------- */

struct pairing {
    int (*open_loop)(struct loop **ret_loop, const struct loop_options *options);
    void (*run)(struct loop *loop, struct resolver *resolver);
};

static void run_pairing(void **state)
{
    const struct pairing *pairing = *state;
    const struct loop_options options = {.slots = 8, .polls = FIRST_TAG + TAGS};
    struct resolver *resolver;
    struct server server;
    struct loop *loop;
    int error = pairing->open_loop(&loop, &options);

    if (error != 0) {
        print_message("  %s\n", strerror(-error));
        skip();
    }
    is_alone = false;
    server_open(&server, 0);
    assert_int_equal(open_resolver(&resolver, loop, server.address, PATIENCE_MS), 0);
    pairing->run(loop, resolver);
    resolver_close(resolver);
    loop_close(loop);
    server_close(&server);
}

#define PAIRING(loop, scenario)                                                                    \
    {                                                                                              \
        .name = #loop ": " #scenario, .test_func = run_pairing,                                    \
        .initial_state = &(struct pairing){loop_##loop##_open, scenario},                          \
    }
#define BOTH(scenario) PAIRING(epoll, scenario), PAIRING(uring, scenario)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_need_no_lookup),
        cmocka_unit_test(zones_are_interfaces),
        BOTH(names_are_answered),
        BOTH(a_zone_is_an_interface),
        BOTH(many_names_are_answered_at_once),
        BOTH(lookups_under_way_are_dropped),
        BOTH(no_server_is_there),
        BOTH(a_server_that_is_not_there_costs_nothing),
        BOTH(a_server_that_fails_costs_nothing),
        BOTH(few_are_asked_at_once),
        BOTH(silent_names_keep_nobody_waiting),
        BOTH(what_is_forgotten_is_not_asked),
        BOTH(forgotten_names_give_their_places_back),
        BOTH(all_that_is_forgotten_is_quiet),
        BOTH(questions_are_asked_again),
        BOTH(patience_ends),
        BOTH(one_family_is_enough),
        BOTH(silent_questions_make_room),
        BOTH(one_family_is_asked_for),
        BOTH(both_families_late_are_both_told),
        BOTH(late_answers_are_taken),
        BOTH(families_are_answered_apart),
        BOTH(lookups_are_forgotten_in_each_state),
        BOTH(resolv_conf_is_obeyed),
        BOTH(resolv_conf_is_read_again),
        BOTH(a_bad_list_of_servers_is_refused),
        BOTH(nothing_is_opened_before_it_is_needed),
    };
    /* They count more than resolv.conf. */
    unsetenv("RES_OPTIONS");
    unsetenv("LOCALDOMAIN");
    return cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
