/* A firewall that rejects: the refusal finds the socket in use, since it comes while the SYN is
 * being sent, and each loop has to see it all the same. The library fetches over rules of nft, in a
 * network of this process's own; where there is none to be had, or no nft, why is printed. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/server/server.h"
#include "engine/haul.h"
#include "tests/lib/network.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { PORT = 8080 };

static const char *missing; /* what there has to be for a test; NULL: all is there */

static const struct row {
    const char *hook;
    const char *verdict;
    const char *resolve;
    enum haul_error error;
} rows[] = {
    {"output", "reject with icmpx type port-unreachable", "+a.test:8080:127.0.0.1", HAUL_CONNECT},
    {"output", "reject with icmpx type host-unreachable", "+a.test:8080:127.0.0.1", HAUL_CONNECT},
    {"output", "reject with icmpx type admin-prohibited", "+a.test:8080:127.0.0.1", HAUL_CONNECT},
    {"output", "reject with tcp reset", "+a.test:8080:127.0.0.1", HAUL_CONNECT},
    {"input", "reject with icmpx type port-unreachable", "+a.test:8080:127.0.0.1", HAUL_CONNECT},
    {"input", "reject with tcp reset", "+a.test:8080:127.0.0.1", HAUL_CONNECT},
    {"input", "reject with icmpx type port-unreachable", "+a.test:8080:::1", HAUL_CONNECT},
    {"output", "reject with icmpx type port-unreachable", "+a.test:8080:127.0.0.1,127.0.0.2",
     HAUL_OK},
    {"output", "reject with icmpx type host-unreachable", "+a.test:8080:127.0.0.1,127.0.0.2",
     HAUL_OK},
    {"output", "reject with tcp reset", "+a.test:8080:127.0.0.1,127.0.0.2", HAUL_OK},
    {"input", "reject with icmpx type port-unreachable", "+a.test:8080:127.0.0.1,127.0.0.2",
     HAUL_OK},
};

static void *serve(void *server)
{
    server_run(server);
    return NULL;
}

static bool rule_set(const struct row *row)
{
    FILE *nft = popen("PATH=$PATH:/usr/sbin nft -f -", "w");

    if (!nft)
        return false;
    fprintf(nft,
            "flush ruleset\n"
            "table inet t {\n chain c {\n type filter hook %s priority 0\n"
            " ip daddr 127.0.0.1 tcp dport %d %s\n"
            " ip6 daddr ::1 tcp dport %d %s\n }\n}\n",
            row->hook, PORT, row->verdict, PORT, row->verdict);
    return pclose(nft) == 0;
}

static void fetch(const struct row *row, enum haul_loop loop)
{
    const char *const resolve[] = {row->resolve, NULL};
    const struct haul_options options = {.loop = loop, .resolve = resolve, .max_time_ms = 60000};
    const struct haul_request request = {.url = "http://a.test:8080/s"};
    const struct haul_result *result;
    struct haul *haul;
    int error;

    if (haul_open(&haul, &options)) {
        print_message("  this loop is refused\n");
        return;
    }
    assert_int_equal(haul_submit(haul, &request), 0);
    do {
        error = haul_next(haul, &result, 120000);
    } while (error == -EINTR);
    assert_int_equal(error, 0);
    if (result->error != row->error)
        fail_msg("%s, %s, %s: %s", row->hook, row->verdict, row->resolve,
                 haul_error_name(result->error));
    assert_int_equal(result->status, row->error ? 0 : 200);
    haul_release(haul, result);
    haul_close(haul);
}

static void a_rejected_address_is_refused(void **state)
{
    const struct server_options options = {.host = "127.0.0.2", .port = PORT};
    struct server *server;
    pthread_t thread;

    (void)state;
    if (missing) {
        print_message("  %s\n", missing);
        skip();
    }
    assert_int_equal(server_open(&server, &options), 0);
    assert_int_equal(pthread_create(&thread, NULL, serve, server), 0);
    bool is_set = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && is_set; i++) {
        is_set = rule_set(&rows[i]);
        if (!is_set)
            break;
        fetch(&rows[i], HAUL_LOOP_URING);
        fetch(&rows[i], HAUL_LOOP_EPOLL);
    }
    server_stop(server);
    pthread_join(thread, NULL);
    server_close(server);
    if (!is_set) {
        print_message("  nft is missing, or sets no rules here\n");
        skip();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_rejected_address_is_refused)};

    if (!network_take())
        missing = "no network name space is to be had here";
    return cmocka_run_group_tests_name("reject", tests, NULL, NULL);
}
