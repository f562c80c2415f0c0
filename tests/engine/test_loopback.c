/* The scripted server itself: each kind of row seen from a plain socket, and each kind of violation
 * reported. A scripted server that agrees with everything would make every engine test worthless,
 * so most rows here are scripts that must fail. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/loopback.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int dial(const struct loopback *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(loopback_port(server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void hear(int fd, const char *text)
{
    char heard[256] = "";

    assert_int_equal(recv(fd, heard, strlen(text), MSG_WAITALL), (ssize_t)strlen(text));
    assert_string_equal(heard, text);
}

/* 0: FIN; else the errno. */
static int hear_end(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, 0);

    assert_true(got <= 0);
    return got == 0 ? 0 : errno;
}

static void test_transcript(void **state)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a HTTP/1.1\r\n"}, {HAS, "Host: a\r\n"}, {LACKS, "Cookie"},
               {SEND, "one"}, {EXPECT, "POST /b "}, {EXPECT_BODY, "body"}, {SEND_BYTES, "two"},
               {SEND, "t\0h", 3}, {FILL, NULL, 5}, {FIN}, {EXPECT_END}),
    };
    struct loopback *server = loopback_open(scripts, 1);
    int fd = dial(server);

    (void)state;
    say(fd, "GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\n");
    hear(fd, "one");
    say(fd, "\r\nbody");
    hear(fd, "twot");
    assert_int_equal(recv(fd, (char[2]){0}, 2, MSG_WAITALL), 2);
    hear(fd, "xxxxx");
    assert_int_equal(hear_end(fd), 0);
    close(fd);
    assert_true(loopback_wait_received(server, 2));
    assert_int_equal(loopback_accepted(server), 1);
    assert_int_equal(loopback_received(server), 2);
    assert_loopback(server);
}

static void test_pause(void **state)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({SEND, "a"}, {PAUSE}, {SEND, "b"}, {PAUSE}, {RESET}),
        SCRIPT({PAUSE}, {CLOSE}),
    };
    struct loopback *server = loopback_open(scripts, 2);
    int first = dial(server);
    int second;

    (void)state;
    assert_true(loopback_wait_paused(server, 0, 1));
    hear(first, "a");
    assert_int_equal(recv(first, (char[1]){0}, 1, MSG_DONTWAIT), -1);
    loopback_continue(server, 0);
    hear(first, "b");
    loopback_continue(server, 0);
    assert_int_equal(hear_end(first), ECONNRESET);
    loopback_continue(server, 1);
    second = dial(server);
    assert_int_equal(hear_end(second), 0);
    assert_true(loopback_wait_accepted(server, 2));
    close(first);
    close(second);
    assert_loopback(server);
}

static void test_hold_ends_with_the_test(void **state)
{
    static const struct loopback_script scripts[] = {SCRIPT({EXPECT, "GET / "}, {HOLD})};
    struct loopback *server = loopback_open(scripts, 1);
    int fd = dial(server);

    (void)state;
    say(fd, "GET / HTTP/1.1\r\n\r\n");
    assert_loopback(server);
    assert_int_equal(hear_end(fd), 0);
    close(fd);
}

static void test_repeat(void **state)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({SEND, "first"}),
        SCRIPT_REPEAT({SEND, "other"}),
    };
    struct loopback *server = loopback_open(scripts, 2);

    (void)state;
    for (int i = 0; i < 20; i++) {
        int fd = dial(server);

        hear(fd, i == 0 ? "first" : "other");
        assert_int_equal(hear_end(fd), 0);
        close(fd);
    }
    assert_loopback(server);
}

static void test_ipv6(void **state)
{
    static const struct loopback_script scripts[] = {SCRIPT({SEND, "six"})};
    struct loopback *server = loopback_open_ipv6(scripts, 1);
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    if (server == NULL) {
        close(fd);
        skip();
    }
    address.sin6_port = htons(loopback_port(server));
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    hear(fd, "six");
    close(fd);
    assert_loopback(server);
}

/* What the client says, and a part of the violation that must be reported. */
static const struct {
    struct loopback_script script;
    const char *says;
    const char *violation;
} violations[] = {
    {SCRIPT({EXPECT, "GET /a "}), "GET /b HTTP/1.1\r\n\r\n", "the head begins otherwise"},
    {SCRIPT({EXPECT, "GET /a "}), "GET /a HTTP/1.1\r\n", "the client closed"},
    {SCRIPT({EXPECT, "GET /a "}), "", "row 0: EXPECT \"GET /a \": the client closed"},
    {SCRIPT({EXPECT, "GET "}, {HAS, "Host"}), "GET / HTTP/1.1\r\n\r\n", "it has not"},
    {SCRIPT({EXPECT, "GET "}, {LACKS, "Host"}), "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "it has;"},
    {SCRIPT({EXPECT, "PUT "}, {EXPECT_BODY, "abc"}), "PUT / HTTP/1.1\r\n\r\nabd",
     "body is another"},
    {SCRIPT({EXPECT, "GET "}, {EXPECT_END}), "GET / HTTP/1.1\r\n\r\nx", "the client sent more"},
    {SCRIPT({PAUSE}), "", "the test ended before it"},
};

static void test_violations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof violations / sizeof violations[0]; i++) {
        struct loopback *server = loopback_open(&violations[i].script, 1);
        const char *violation;
        int fd = dial(server);

        say(fd, violations[i].says);
        close(fd);
        violation = loopback_close(server);
        assert_non_null(violation);
        if (strstr(violation, violations[i].violation) == NULL)
            fail_msg("row %zu: \"%s\" is not in \"%s\"", i, violations[i].violation, violation);
    }
}

/* A layer that a test can speak: what the client hears first is three messages, letters are in the
 * other case, and '!' announces the end. */
struct layered {
    char in[64];
    char out[64];
    bool has_heard;
    bool is_notified;
};

static void *layered_open(void)
{
    return calloc(1, sizeof(struct layered));
}

static void flip(const char *bytes, size_t length, char *ret_text)
{
    for (size_t i = 0; i < length; i++)
        ret_text[i] = (char)(isalpha((unsigned char)bytes[i]) ? bytes[i] ^ 0x20 : bytes[i]);
    ret_text[length] = '\0';
}

static void layered_wire_in(void *state, const char *bytes, size_t length)
{
    struct layered *layered = state;

    if (!layered->has_heard)
        strcat(layered->out, "ONE TWO THREE ");
    layered->has_heard = true;
    layered->is_notified |= memchr(bytes, '!', length) != NULL;
    flip(bytes, length, layered->in + strlen(layered->in));
}

static void layered_plain_in(void *state, const char *bytes, size_t length)
{
    struct layered *layered = state;

    flip(bytes, length, layered->out + strlen(layered->out));
}

static size_t take(char *text, char *bytes, size_t size)
{
    size_t length = strnlen(text, size);

    memcpy(bytes, text, length);
    memmove(text, text + length, strlen(text) - length + 1);
    return length;
}

static size_t layered_wire_out(void *state, char *bytes, size_t size)
{
    return take(((struct layered *)state)->out, bytes, size);
}

static size_t layered_plain_out(void *state, char *bytes, size_t size)
{
    struct layered *layered = state;

    return layered->in[0] != '!' ? take(layered->in, bytes, size) : 0;
}

static void layered_notify(void *state)
{
    strcat(((struct layered *)state)->out, "!");
}

static bool layered_is_notified(const void *state)
{
    return ((const struct layered *)state)->is_notified;
}

static bool layered_find(const char *bytes, size_t length, const char *message, size_t *ret_offset,
                         size_t *ret_length)
{
    const char *found = memmem(bytes, length, message, strlen(message));

    *ret_offset = found != NULL ? (size_t)(found - bytes) : 0;
    *ret_length = strlen(message);
    return found != NULL;
}

static const struct loopback_layer layer = {
    .open = layered_open,
    .close = free,
    .wire_in = layered_wire_in,
    .wire_out = layered_wire_out,
    .plain_out = layered_plain_out,
    .plain_in = layered_plain_in,
    .notify = layered_notify,
    .is_notified = layered_is_notified,
    .find = layered_find,
};

#define LAYERED_EXPECT                                                                             \
    {                                                                                              \
        EXPECT, "get "                                                                             \
    }

/* What the client says, what it hears then until the end, and a part of the violation that must be
 * reported; NULL: none. */
static const struct {
    struct loopback_script script;
    const char *says;
    const char *hears;
    const char *violation;
} layered_rows[] = {
    {SCRIPT(LAYERED_EXPECT, {SEND, "one"}, {SEND_BYTES, "two"}, {FILL, NULL, 2}, {EXPECT_END}),
     "GET /\r\n\r\n!", "ONE TWO THREE ONETWOXX!", NULL},
    {SCRIPT(LAYERED_EXPECT, {SEND_RAW, "raw"}, {SEND_PART, "part"}, {SEND, "x"}), "GET /\r\n\r\n",
     "ONE TWO THREE rawPA", NULL},
    {SCRIPT(LAYERED_EXPECT, {FIN}), "GET /\r\n\r\n", "ONE TWO THREE ", NULL},
    {SCRIPT(LAYERED_EXPECT, {NOTIFY}, {SEND_RAW, "x"}, {RESET}), "GET /\r\n\r\n",
     "ONE TWO THREE !x", NULL},
    {SCRIPT({HANDSHAKE_BEFORE, "TWO"}, {CLOSE}), "x", "ONE ", NULL},
    {SCRIPT({HANDSHAKE_INSIDE, "THREE"}, {CLOSE}), "x", "ONE TWO TH", NULL},
    {SCRIPT({HANDSHAKE_AFTER, "ONE"}, {CLOSE}), "x", "ONE", NULL},
    {SCRIPT({HANDSHAKE_AFTER, "FOUR"}), "x", "ONE TWO THREE !", "the client closed"},
    {SCRIPT(LAYERED_EXPECT, {EXPECT_NOTIFIED_END}), "GET /\r\n\r\n!", "ONE TWO THREE !", NULL},
    {SCRIPT(LAYERED_EXPECT, {EXPECT_NOTIFIED_END}), "GET /\r\n\r\n", "ONE TWO THREE !",
     "the client did not say so"},
    {SCRIPT(LAYERED_EXPECT, {EXPECT_UNNOTIFIED_END}), "GET /\r\n\r\n", "ONE TWO THREE !", NULL},
    {SCRIPT(LAYERED_EXPECT, {EXPECT_UNNOTIFIED_END}), "GET /\r\n\r\n!", "ONE TWO THREE !",
     "the client said so"},
};

static void test_layer(void **state)
{
    (void)state;
    loopback_use(&layer);
    for (size_t i = 0; i < sizeof layered_rows / sizeof layered_rows[0]; i++) {
        struct loopback *server = loopback_open(&layered_rows[i].script, 1);
        const char *wanted = layered_rows[i].violation;
        const char *violation;
        int fd = dial(server);

        say(fd, layered_rows[i].says);
        shutdown(fd, SHUT_WR);
        hear(fd, layered_rows[i].hears);
        hear_end(fd);
        assert_int_equal(loopback_sent(server), strlen(layered_rows[i].hears));
        violation = loopback_close(server);
        if (wanted == NULL ? violation != NULL
                           : violation == NULL || strstr(violation, wanted) == NULL)
            fail_msg("row %zu: %s", i, violation);
        close(fd);
    }
    loopback_use(NULL);
}

static void test_counts_of_connections(void **state)
{
    static const struct loopback_script scripts[] = {SCRIPT({EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    int first;
    int second;

    (void)state;
    assert_string_equal(loopback_close(server), "1 connections were to come, and 0 came");

    server = loopback_open(scripts, 1);
    first = dial(server);
    second = dial(server);
    assert_int_equal(hear_end(second), 0);
    close(first);
    close(second);
    assert_string_equal(loopback_close(server), "connection 1 came, and no script is left for it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transcript),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_hold_ends_with_the_test),
        cmocka_unit_test(test_repeat),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_violations),
        cmocka_unit_test(test_layer),
        cmocka_unit_test(test_counts_of_connections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
