/* The embedded server beside a client: the real one, whose path is the argument, and scripts that
 * say other things than it does. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/run/embedded.h"
#include "bench/base/signals.h"
#include "tests/lib/script.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *server_path;

#define FOR_EVER "; exec tail -f /dev/null >/dev/null 2>&1"

static int processors(void)
{
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    return CPU_COUNT(&set);
}

static void serves(void **state)
{
    const struct embedded_options options = {.program = server_path};
    struct embedded embedded;
    struct sockaddr_in address = {.sin_family = AF_INET};
    char message[256], url[EMBEDDED_URL_BYTES];
    static const char request[] = "GET /s HTTP/1.0\r\nHost: h\r\n\r\n";
    char reply[16] = "";
    unsigned port;

    (void)state;
    assert_int_equal(embedded_open(&embedded, &options, message, sizeof message), 0);
    embedded_url(&embedded, 0, url);
    assert_int_equal(sscanf(url, "http://127.0.0.1:%u/s", &port), 1);
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(client, request, sizeof request - 1, 0), sizeof request - 1);
    assert_int_equal(recv(client, reply, 12, MSG_WAITALL), 12);
    assert_string_equal(reply, "HTTP/1.1 200");
    close(client);
    embedded_close(&embedded);
    assert_int_equal(kill(embedded.pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

static void leaves_a_processor_to_it(void **state)
{
    const struct embedded_options options = {.program = server_path, .is_apart = true};
    struct embedded embedded;
    char message[256];
    cpu_set_t set;
    int before = processors();

    (void)state;
    assert_int_equal(embedded_open(&embedded, &options, message, sizeof message), 0);
    assert_int_equal(embedded.cpu >= 0, before > 1);
    assert_int_equal(processors(), before > 1 ? before - 1 : 1);
    assert_int_equal(sched_getaffinity(embedded.pid, sizeof set, &set), 0);
    if (before > 1) {
        assert_int_equal(CPU_COUNT(&set), 1);
        assert_true(CPU_ISSET(embedded.cpu, &set));
    }
    embedded_close(&embedded);
    assert_int_equal(processors(), before);
}

static const struct {
    bool is_tls;
    uint64_t reply_bytes;
    const char *url;
} urls[] = {
    {false, 0, "http://[::1]:4321/s"},
    {false, 4096, "http://[::1]:4321/bytes/4096"},
    {true, 0, "https://[::1]:4321/s"},
    {true, 1, "https://[::1]:4321/bytes/1"},
};

static void makes_urls(void **state)
{
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char path[SCRIPT_PATH_BYTES], message[256], url[EMBEDDED_URL_BYTES], words[128];
        struct embedded embedded;
        script_write(*state, "echo \"$*\" >$0.out; echo 'listening on [::1]:4321'" FOR_EVER, path);
        const struct embedded_options options = {.program = path, .is_tls = urls[i].is_tls};
        assert_int_equal(embedded_open(&embedded, &options, message, sizeof message), 0);
        embedded_url(&embedded, urls[i].reply_bytes, url);
        assert_string_equal(url, urls[i].url);
        script_output(path, words, sizeof words);
        assert_true((strstr(words, "--tls") != NULL) == urls[i].is_tls);
        assert_true((strstr(words, "--cpu") != NULL) == (embedded.cpu >= 0));
        embedded_close(&embedded);
    }
}

static const char *const strangers[] = {
    "exit 1",
    "echo" FOR_EVER,
    "echo 'usage: something else'" FOR_EVER,
    "printf 'listening on [::1]:4321'",
    "head -c 4000 /dev/zero | tr '\\0' x" FOR_EVER,
};

static void refuses_a_stranger(void **state)
{
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        char path[SCRIPT_PATH_BYTES], message[256], wanted[256];
        struct embedded embedded;
        script_write(*state, strangers[i], path);
        const struct embedded_options options = {.program = path};
        assert_int_equal(embedded_open(&embedded, &options, message, sizeof message), -1);
        snprintf(wanted, sizeof wanted, "%s does not say that it listens", path);
        assert_string_equal(message, wanted);
    }
}

static void says_what_cannot_be_started(void **state)
{
    const struct embedded_options there = {.program = "/nonexistent"}, beside = {0};
    struct embedded embedded;
    char message[256];

    (void)state;
    assert_int_equal(embedded_open(&embedded, &there, message, sizeof message), -1);
    assert_string_equal(message, "/nonexistent cannot be started: No such file or directory");
    assert_int_equal(embedded_open(&embedded, &beside, message, sizeof message), -1);
    assert_non_null(strstr(message, "/haul-server cannot be started: No such file or directory"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves),
        cmocka_unit_test(leaves_a_processor_to_it),
        cmocka_unit_test(makes_urls),
        cmocka_unit_test(refuses_a_stranger),
        cmocka_unit_test(says_what_cannot_be_started),
    };
    if (argc != 2) {
        fputs("usage: test_embedded HAUL_SERVER\n", stderr);
        return 2;
    }
    server_path = argv[1];
    signals_catch();
    return cmocka_run_group_tests(tests, scripts_set_up, scripts_tear_down);
}
