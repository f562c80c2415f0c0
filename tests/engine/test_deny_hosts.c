/* Denied addresses, seen by a server: nobody comes, whatever leads there. */

#include "tests/lib/engine/engine_rows.h"

#include <stdio.h>
#include <string.h>

static const char *const loopback[] = {"private", NULL};
static const char *const second[] = {"127.0.0.2", NULL};

/* One request, for a URL at host and the server's port, under rules of which %u is that port. */
static void check(const char *url, const char *resolve, const char *connect_to,
                  const char *const *denied, const char *line, uint32_t accepted)
{
    static const struct loopback_script scripts[] = {
        SCRIPT_REPEAT({EXPECT, "GET /"}, {SEND, LAST_REPLY(2, "ok")}, {CLOSE})};
    struct loopback *server = loopback_open(scripts, 1);
    unsigned port = loopback_port(server);
    char texts[3][128];
    snprintf(texts[0], sizeof texts[0], resolve ? resolve : "-", port);
    snprintf(texts[1], sizeof texts[1], connect_to ? connect_to : "-", port);
    snprintf(texts[2], sizeof texts[2], url, gathering_scheme(), port);
    struct haul *haul = gathering_open(&(struct haul_options){
        .resolve = resolve ? (const char *const[]){texts[0], NULL} : NULL,
        .connect_to = connect_to ? (const char *const[]){texts[1], NULL} : NULL,
        .limits = &(const struct haul_limits){.deny_addresses = denied},
        .keep_bodies = true,
    });
    gathering_submit(haul, server, texts[2]);
    gathering_expect_one(haul, line);
    assert_int_equal(loopback_accepted(server), accepted);
    gathering_close(haul);
    assert_loopback(server);
}

static void a_literal_is_denied(void)
{
    check("%s://127.0.0.1:%u/", NULL, NULL, loopback, "0 denied@connect ''", 0);
    check("%s://0.0.0.0:%u/", NULL, NULL, loopback, "0 denied@connect ''", 0);
    check("%s://[::ffff:127.0.0.1]:%u/", NULL, NULL, loopback, "0 denied@connect ''", 0);
    check("%s://[::1]:%u/", NULL, NULL, loopback, "0 denied@connect ''", 0);
    check("%s://127.0.0.1:%u/", NULL, NULL, second, "200 ok 'ok'", 1);
}

static void a_name_is_denied(void)
{
    check("%s://localhost:%u/", NULL, NULL, loopback, "0 denied@connect ''", 0);
    check("%s://a.test:%u/", "a.test:%u:127.0.0.1", NULL, loopback, "0 denied@connect ''", 0);
    check("%s://a.test:%u/", "+a.test:%u:127.0.0.1,::1", NULL, loopback, "0 denied@connect ''", 0);
    check("%s://a.test:80/", NULL, "a.test:80:127.0.0.1:%u", loopback, "0 denied@connect ''", 0);
}

static void the_others_of_a_host_are_used(void)
{
    check("%s://a.test:%u/", "a.test:%u:127.0.0.2,127.0.0.1", NULL, second, "200 ok 'ok'", 1);
    check("%s://a.test:%u/", "a.test:%u:127.0.0.1,127.0.0.2", NULL, second, "200 ok 'ok'", 1);
}

/* The first hop is allowed, the second is not. */
static void each_hop_is_judged(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a"},
               {SEND, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:1/b\r\nContent-Length: "
                      "0\r\n\r\n"},
               {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){
        .redirect = &(const struct haul_redirect){.follow = true},
        .retry = &(const struct haul_retry){.max = 3, .delay_ms = 1},
        .limits = &(const struct haul_limits){.deny_addresses = second},
    });
    gathering_submit(haul, server, "/a");
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_DENIED);
    assert_int_equal(result->redirects, 1);
    assert_int_equal(result->attempts, 2); /* and no retry */
    haul_release(haul, result);
    gathering_close(haul);
    assert_loopback(server);
}

static void faults_of_the_list_are_named(void)
{
    struct haul *haul;
    struct haul_open_error why;
    const char *const list[] = {"private", "10.0.0.0/33", NULL};
    int error = haul_open_explained(
        &haul,
        &(struct haul_options){.limits = &(const struct haul_limits){.deny_addresses = list}},
        &why);
    assert_int_equal(error, -22);
    assert_string_equal(why.option, "deny_addresses");
    assert_string_equal(why.item, "10.0.0.0/33");
}

int main(void)
{
    static const struct gathering_scenario scenarios[] = {
        SCENARIO(a_literal_is_denied),           SCENARIO(a_name_is_denied),
        SCENARIO(the_others_of_a_host_are_used), SCENARIO(each_hop_is_judged),
        SCENARIO(faults_of_the_list_are_named),
    };
    return gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof *scenarios);
}
