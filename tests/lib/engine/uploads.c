/* What servers do while a body is sent: the body comes from files, pipes, memory and by pieces, and
 * what the server does with it is a script. */

#include "tests/lib/engine/uploads.h"

#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define REPLY(length, body) "HTTP/1.1 200 OK\r\nContent-Length: " #length "\r\n\r\n" body
#define EMPTY(status) "HTTP/1.1 " #status " X\r\nContent-Length: 0\r\n\r\n"
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

enum { LONG = (2 << 20) + 77 };

static char *make_bytes(size_t length)
{
    char *bytes = malloc(length + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)('a' + (i * 7 + i / 1000) % 26);
    bytes[length] = '\0';
    return bytes;
}

static int make_file(const char *bytes, size_t length)
{
    int fd = memfd_create("body", MFD_CLOEXEC);
    assert_true(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    return fd;
}

static struct haul *open_one(const struct haul_options *more)
{
    struct haul_options options = *more;
    options.concurrency = options.concurrency ? options.concurrency : 1;
    options.keep_bodies = true;
    return gathering_open(&options);
}

static void submit(struct haul *haul, const struct loopback *server, const char *path,
                   const char *method, const char *const *headers, const struct haul_upload *upload)
{
    char url[100];
    snprintf(url, sizeof url, "%s://127.0.0.1:%u%s", gathering_scheme(), loopback_port(server),
             path);
    assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url,
                                                              .method = method,
                                                              .headers = headers,
                                                              .upload = upload}),
                     0);
}

static const char *const without_expect[] = {"Expect:", NULL};

/* --- where it comes from ---------------------------------------------------------------------- */

static void parts_are_sent_in_their_order(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "PUT /a "}, {HAS, "Content-Length: 14\r\n"}, {LACKS, "Content-Type"},
               {LACKS, "Expect"}, {EXPECT_BODY, "<2345>abcdefgh"}, {SEND, REPLY(1, "a")},
               {EXPECT, "PUT /b "}, {HAS, "Transfer-Encoding: chunked\r\n"}, {SEND, CONTINUE},
               {EXPECT_BODY, "e\r\n<2345>abcdefgh\r\n0\r\n\r\n"}, {SEND, REPLY(1, "b")},
               {EXPECT, "PUT /c "}, {HAS, "Content-Length: 0\r\n"}, {SEND, REPLY(1, "c")}),
    };
    int digits = make_file("0123456789", 10);
    int letters = make_file("abcdefgh", 8);
    const struct haul_body_part parts[] = {
        {.next = &parts[1], .bytes = "<", .length = 1},
        {.next = &parts[2], .fd = digits, .offset = 2, .length = 4},
        {.next = &parts[3], .bytes = ">", .length = 1},
        {.fd = letters, .length = HAUL_TO_END},
    };
    const struct haul_upload upload = {.parts = parts};
    const struct haul_upload chunked = {.parts = parts, .is_chunked = true};
    const struct haul_upload empty = {0};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = open_one(&(struct haul_options){0});
    submit(haul, server, "/a", "PUT", NULL, &upload);
    submit(haul, server, "/b", "PUT", NULL, &chunked);
    submit(haul, server, "/c", "PUT", NULL, &empty);
    gathering_expect(haul, "200 ok 'a'\n200 ok 'b' reused\n200 ok 'c' reused\n");
    gathering_close(haul);
    assert_loopback(server);
    close(digits);
    close(letters);
}

/* Every length around what a block holds, and a small rest behind that. */
static void bodies_of_all_lengths_come_whole(void)
{
    static const size_t lengths[] = {1,     4000,  4096,  4097,  8192,  16000, 16300, 16352,
                                     16353, 16400, 20447, 20448, 32704, 65536, 100000};
    char *bytes = make_bytes(100000);
    int fd = make_file(bytes, 100000);
    struct haul *haul = open_one(&(struct haul_options){0});
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char head[64];
        const struct loopback_script scripts[] = {
            SCRIPT({EXPECT, "PUT /a "}, {HAS, head}, {EXPECT_BODY, bytes, lengths[i]},
                   {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}),
        };
        const struct haul_body_part part = {.fd = fd, .length = lengths[i]};
        struct loopback *server = loopback_open(scripts, 1);
        snprintf(head, sizeof head, "Content-Length: %zu\r\n", lengths[i]);
        submit(haul, server, "/a", "PUT", NULL, &(struct haul_upload){.parts = &part});
        gathering_submit(haul, server, "/b");
        gathering_expect(haul, "200 ok 'a'\n200 ok 'b' reused\n");
        assert_loopback(server);
    }
    gathering_close(haul);
    close(fd);
    free(bytes);
}

/* What is in a pipe is waited for as replies are, and others go on meanwhile. */
static void a_pipe_is_read_as_it_fills(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "PUT /a "}, {HAS, "Transfer-Encoding: chunked\r\n"}, {SEND, CONTINUE},
               {EXPECT_BODY, "5\r\nhello\r\n"}, {PAUSE}, {EXPECT_BODY, "6\r\n world\r\n0\r\n\r\n"},
               {SEND, REPLY(1, "a")}),
        SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}),
    };
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const struct haul_body_part part = {.fd = ends[0], .length = HAUL_TO_END};
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul = open_one(&(struct haul_options){.concurrency = 2, .unordered = true});
    submit(haul, server, "/a", "PUT", NULL, &(struct haul_upload){.parts = &part});
    gathering_until_asked(haul, server, 1);
    gathering_submit(haul, server, "/b");
    gathering_expect_one(haul, "200 ok 'b'");
    assert_int_equal(write(ends[1], "hello", 5), 5);
    for (int steps = 0; loopback_paused(server, 0) < 1; steps++) {
        const struct haul_result *result;
        assert_true(steps < GATHERING_PATIENCE_MS);
        assert_int_equal(gathering_try(haul, &result, 1), -EAGAIN);
    }
    assert_int_equal(write(ends[1], " world", 6), 6);
    close(ends[1]);
    loopback_continue(server, 0);
    gathering_expect(haul, "200 ok 'a'\n");
    gathering_close(haul);
    close(ends[0]);
    assert_loopback(server);
}

/* More than fits is not taken, and when there is room it is said. */
static void pieces_are_taken_as_there_is_room(void)
{
    char *bytes = make_bytes(LONG);
    const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "PUT /a "}, {HAS, "Content-Length: 2097229\r\n"},
               {HAS, "Expect: 100-continue\r\n"}, {SEND, CONTINUE}, {EXPECT_BODY, bytes, LONG},
               {SEND, REPLY(1, "a")}, {EXPECT, "POST /b "}, {HAS, "Transfer-Encoding: chunked\r\n"},
               {SEND, CONTINUE}, {EXPECT_BODY, "3\r\nabc\r\n"},
               {EXPECT_BODY, "2\r\nde\r\n0\r\n\r\n"}, {SEND, REPLY(1, "b")}),
    };
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = open_one(&(struct haul_options){0});
    const struct haul_result *result;
    uint64_t asked = 0;
    int error = -EAGAIN;
    assert_int_equal(haul_send_body(haul, 0, "x", 1), -ENOENT);
    submit(haul, server, "/a", "PUT", NULL,
           &(struct haul_upload){.by_pieces = true, .has_length = true, .length = LONG});
    assert_int_equal(haul_send_body(haul, 0, bytes, LONG), -EAGAIN);
    for (size_t sent = 0; sent<LONG; sent += error> 0 ? (size_t)error : 0) {
        error = haul_send_body(haul, 0, bytes + sent, LONG - sent);
        assert_true(error == -EAGAIN || (error > 0 && error <= 16384));
        if (error == -EAGAIN) {
            assert_int_equal(gathering_try(haul, &result, GATHERING_PATIENCE_MS), -EINPROGRESS);
            asked++;
        }
    }
    assert_true(asked > 1);
    gathering_expect(haul, "200 ok 'a'\n");
    submit(haul, server, "/b", "POST", NULL, &(struct haul_upload){.by_pieces = true});
    while ((error = haul_send_body(haul, 1, "abc", 3)) == -EAGAIN)
        assert_int_equal(gathering_try(haul, &result, GATHERING_PATIENCE_MS), -EINPROGRESS);
    assert_int_equal(error, 3);
    while ((error = haul_send_body(haul, 1, "de", 2)) == -EAGAIN)
        assert_int_equal(gathering_try(haul, &result, GATHERING_PATIENCE_MS), -EINPROGRESS);
    assert_int_equal(error, 2);
    assert_int_equal(haul_end_body(haul, 1), 0);
    assert_int_equal(haul_end_body(haul, 1), -EINVAL);
    gathering_expect(haul, "200 ok 'b' reused\n");
    assert_int_equal(haul_send_body(haul, 1, "x", 1), -ENOENT);
    gathering_close(haul);
    assert_loopback(server);
    free(bytes);
}

/* --- Expect ----------------------------------------------------------------------------------- */

static void long_bodies_are_announced(void)
{
    char *bytes = make_bytes(LONG);
    const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "PUT /a "}, {HAS, "Content-Length: 2097229\r\n"},
               {HAS, "Expect: 100-continue\r\n"}, {SEND, "HTTP/1.1 103 E\r\n\r\n"},
               {SEND_BYTES, CONTINUE}, {EXPECT_BODY, bytes, LONG}, {SEND, REPLY(1, "a")},
               {EXPECT, "POST /b "}, {HAS, "Expect: 100-continue\r\n"},
               {HAS, "Content-Type: application/x-www-form-urlencoded\r\n"}, {SEND, CONTINUE},
               {EXPECT_BODY, bytes, LONG}, {SEND, REPLY(1, "b")}, {EXPECT, "PUT /c "},
               {LACKS, "Expect"}, {EXPECT_BODY, bytes, LONG}, {SEND, REPLY(1, "c")},
               {EXPECT, "PUT /d "}, {LACKS, "Expect"}, {EXPECT_BODY, bytes, 1 << 20},
               {SEND, REPLY(1, "d")}),
    };
    int fd = make_file(bytes, LONG);
    const struct haul_body_part part = {.fd = fd, .length = HAUL_TO_END};
    const struct haul_body_part mib = {.fd = fd, .length = 1 << 20};
    char url[64];
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = open_one(&(struct haul_options){0});
    snprintf(url, sizeof url, "%s://127.0.0.1:%u/b", gathering_scheme(), loopback_port(server));
    submit(haul, server, "/a", "PUT", NULL, &(struct haul_upload){.parts = &part});
    assert_int_equal(
        haul_submit(haul, &(struct haul_request){.url = url, .body = bytes, .body_length = LONG}),
        0);
    submit(haul, server, "/c", "PUT", without_expect, &(struct haul_upload){.parts = &part});
    submit(haul, server, "/d", "PUT", NULL, &(struct haul_upload){.parts = &mib});
    gathering_expect(haul, "200 ok 'a'\n200 ok 'b' reused\n200 ok 'c' reused\n200 ok 'd' reused\n");
    gathering_close(haul);
    assert_loopback(server);
    close(fd);
    free(bytes);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A field asks for it, too. */
static void who_says_nothing_is_waited_for_a_second(void)
{
    static const char *const headers[] = {"Expect: 100-continue", NULL};
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "PUT /a "}, {EXPECT_BODY, "abc"}, {SEND, REPLY(1, "a")},
               {EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}),
    };
    const struct haul_body_part part = {.bytes = "abc", .length = 3};
    const struct haul_times times = {.first_byte_ms = TEST_PATIENCE_MS};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = open_one(&(struct haul_options){.times = &times});
    uint64_t begun_ms = now_ms();
    submit(haul, server, "/a", "PUT", headers, &(struct haul_upload){.parts = &part});
    gathering_submit(haul, server, "/b");
    gathering_expect_one(haul, "200 ok 'a'");
    assert_in_range(now_ms() - begun_ms, 999, TEST_PATIENCE_MS);
    gathering_expect(haul, "200 ok 'b' reused\n");
    gathering_close(haul);
    assert_loopback(server);
}

static void after_a_417_it_is_asked_without(void)
{
    char *bytes = make_bytes(LONG);
    const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "PUT /a "}, {HAS, "Expect: 100-continue\r\n"}, {SEND, EMPTY(417)},
               {EXPECT_END}),
        SCRIPT({EXPECT, "PUT /a "}, {LACKS, "Expect"}, {EXPECT_BODY, bytes, LONG},
               {SEND, EMPTY(417)}),
    };
    int fd = make_file(bytes, LONG);
    const struct haul_body_part part = {.fd = fd, .length = HAUL_TO_END};
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul = open_one(&(struct haul_options){0});
    submit(haul, server, "/a", "PUT", NULL, &(struct haul_upload){.parts = &part});
    gathering_expect(haul, "417 ok ''\n");
    gathering_close(haul);
    assert_loopback(server);
    close(fd);
    free(bytes);
}

/* --- early replies ---------------------------------------------------------------------------- */

/* A reply of any kind before the upload is over ends that, and is the result. */
static void check_early(size_t length, const struct loopback_row *end, bool is_late)
{
    const struct loopback_row pause = {PAUSE};
    const struct loopback_row head = {SEND, "HTTP/1.1 413 X\r\nContent-Length: 4\r\n\r\nmuch"};
    const struct loopback_row reply = is_late ? head : *end;
    struct loopback_script script =
        SCRIPT({EXPECT, "PUT /a "}, {is_late ? pause.action : head.action, head.text}, reply);
    struct loopback *server;
    char *bytes = make_bytes(length);
    int fd = make_file(bytes, length);
    const struct haul_body_part part = {.fd = fd, .length = HAUL_TO_END};
    if (is_late)
        script.rows[3] = *end;
    server = loopback_open(&script, 1);
    struct haul *haul = open_one(&(struct haul_options){0});
    submit(haul, server, "/a", "PUT", without_expect, &(struct haul_upload){.parts = &part});
    if (is_late)
        gathering_until_asked(haul, server, 1);
    for (int i = 0; is_late && i < 20; i++) {
        const struct haul_result *result;
        assert_int_equal(gathering_try(haul, &result, 5), -EAGAIN);
    }
    loopback_continue(server, 0);
    gathering_expect(haul, "413 ok 'much'\n");
    gathering_close(haul);
    loopback_close(server);
    close(fd);
    free(bytes);
}

static void early_replies_are_kept(void)
{
    static const size_t lengths[] = {100000, 8 << 20};
    static const struct loopback_row ends[] = {{CLOSE}, {RESET}, {FIN}, {HOLD}};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (size_t end = 0; end < sizeof ends / sizeof *ends; end++)
            for (int is_late = 0; is_late <= 1; is_late++)
                check_early(lengths[i], &ends[end], is_late);
}

/* The reply is read while the body is still on its way, and nothing of that is lost. */
static void a_reply_may_begin_before_the_body_ends(void)
{
    char *bytes = make_bytes(LONG);
    const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "PUT /a "}, {SEND, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx"},
               {EXPECT_BODY, bytes, LONG}, {SEND, "y"}, {EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}),
    };
    int fd = make_file(bytes, LONG);
    const struct haul_body_part part = {.fd = fd, .length = HAUL_TO_END};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = open_one(&(struct haul_options){0});
    submit(haul, server, "/a", "PUT", without_expect, &(struct haul_upload){.parts = &part});
    gathering_submit(haul, server, "/b");
    gathering_expect(haul, "200 ok 'xy'\n200 ok 'b' reused\n");
    gathering_close(haul);
    assert_loopback(server);
    close(fd);
    free(bytes);
}

/* --- what cannot be read again ---------------------------------------------------------------- */

static const struct {
    struct loopback_script script;
    const char *line;
} once_rows[] = {
    {SCRIPT({EXPECT, "PUT /a "}, {EXPECT_BODY, "3\r\nabc\r\n0\r\n\r\n"},
            {SEND, "HTTP/1.1 307 X\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"}, {EXPECT_END}),
     "307 rewind@head ''"},
    {SCRIPT({EXPECT, "PUT /a "}, {EXPECT_BODY, "3\r\nabc\r\n0\r\n\r\n"},
            {SEND, "HTTP/1.1 308 X\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"}, {EXPECT_END}),
     "308 rewind@head ''"},
    {SCRIPT({EXPECT, "PUT /a "}, {EXPECT_BODY, "3\r\nabc\r\n0\r\n\r\n"},
            {SEND, "HTTP/1.1 303 X\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"},
            {EXPECT, "GET /b "}, {LACKS, "Transfer-Encoding"}, {SEND, REPLY(1, "b")}),
     "200 ok 'b' reused"},
    {SCRIPT({EXPECT, "PUT /a "}, {EXPECT_BODY, "3\r\nabc\r\n0\r\n\r\n"}, {SEND, EMPTY(503)},
            {EXPECT_END}),
     "503 rewind@head ''"},
    {SCRIPT({EXPECT, "PUT /a "}, {EXPECT_BODY, "3\r\nabc\r\n0\r\n\r\n"}, {SEND, EMPTY(404)}),
     "404 ok ''"},
    {SCRIPT({EXPECT, "PUT /a "}, {EXPECT_BODY, "3\r\nabc\r\n0\r\n\r\n"}, {RESET}),
     "0 rewind@head ''"},
};

static void check_once(const struct loopback_script *script, const char *line,
                       const char *const *headers)
{
    static const struct haul_redirect redirect = {.follow = true};
    static const struct haul_retry retry = {.max = 3, .delay_ms = 1};
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "abc", 3), 3);
    close(ends[1]);
    const struct haul_body_part part = {.fd = ends[0], .length = HAUL_TO_END};
    struct loopback *server = loopback_open(script, 1);
    struct haul *haul = open_one(&(struct haul_options){.redirect = &redirect, .retry = &retry});
    submit(haul, server, "/a", "PUT", headers, &(struct haul_upload){.parts = &part});
    gathering_expect_one(haul, line);
    gathering_close(haul);
    assert_loopback(server);
    close(ends[0]);
}

static void what_cannot_be_read_again_is_sent_once(void)
{
    static const struct loopback_script refused = SCRIPT(
        {EXPECT, "PUT /a "}, {HAS, "Expect: 100-continue"}, {SEND, EMPTY(417)}, {EXPECT_END});
    for (size_t i = 0; i < sizeof once_rows / sizeof *once_rows; i++) {
        gathering_note("once, row %zu", i);
        check_once(&once_rows[i].script, once_rows[i].line, without_expect);
    }
    check_once(&refused, "417 rewind@head ''", NULL);
}

/* A challenge is answered by sending the body again, which only some bodies can be. */
static void a_challenge_wants_the_body_again(void)
{
    static const struct haul_auth auth = {.user = "u", .password = "p", .digest = true};
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "PUT /a "}, {EXPECT_BODY, "abc"},
               {SEND, "HTTP/1.1 401 X\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", "
                      "qop=\"auth\"\r\nContent-Length: 0\r\n\r\n"},
               {EXPECT, "PUT /a "}, {HAS, "Authorization: Digest "}, {EXPECT_BODY, "abc"},
               {SEND, REPLY(1, "a")}),
        SCRIPT({EXPECT, "PUT /a "}, {EXPECT_BODY, "abc"},
               {SEND, "HTTP/1.1 401 X\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", "
                      "qop=\"auth\"\r\nContent-Length: 0\r\n\r\n"},
               {EXPECT_END}),
    };
    const struct haul_body_part part = {.bytes = "abc", .length = 3};
    for (int is_once = 0; is_once <= 1; is_once++) {
        struct loopback *server = loopback_open(&scripts[is_once], 1);
        struct haul *haul = open_one(&(struct haul_options){.auth = &auth});
        submit(haul, server, "/a", "PUT", NULL,
               &(struct haul_upload){.parts = &part, .is_once = is_once});
        gathering_expect_one(haul, is_once ? "401 rewind@head ''" : "200 ok 'a' reused");
        gathering_close(haul);
        assert_loopback(server);
    }
}

/* It goes out on a kept connection that is known to be kept, and once. */
static void a_connection_that_died_is_told(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /b "},
               {SEND, REPLY(1, "b")}, {EXPECT, "PUT /c "}, {CLOSE}),
    };
    const struct haul_body_part part = {.bytes = "abc", .length = 3};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = open_one(&(struct haul_options){0});
    gathering_submit(haul, server, "/a");
    gathering_submit(haul, server, "/b");
    submit(haul, server, "/c", "PUT", NULL, &(struct haul_upload){.parts = &part, .is_once = true});
    gathering_expect(haul, "200 ok 'a'\n200 ok 'b' reused\n0 rewind@head '' reused\n");
    gathering_close(haul);
    loopback_close(server);
}

/* --- what cannot be read ---------------------------------------------------------------------- */

static void what_cannot_be_read_is_told(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT_REPEAT({EXPECT, "PUT /"}, {EXPECT_BODY, "abc"}, {EXPECT_END}),
    };
    int file = make_file("abc", 3);
    int directory = open("/", O_RDONLY | O_CLOEXEC);
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "abc", 3), 3);
    close(ends[1]);
    const struct haul_body_part longer = {.fd = file, .length = 100000};
    const struct haul_body_part cut = {.fd = ends[0], .length = 100000};
    const struct haul_body_part bad = {.fd = 9999, .length = 1};
    const struct haul_body_part folder = {.fd = directory, .length = HAUL_TO_END};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = open_one(&(struct haul_options){0});
    submit(haul, server, "/a", "PUT", NULL, &(struct haul_upload){.parts = &longer});
    submit(haul, server, "/b", "PUT", NULL, &(struct haul_upload){.parts = &cut});
    submit(haul, server, "/c", "PUT", NULL, &(struct haul_upload){.parts = &bad});
    submit(haul, server, "/d", "PUT", NULL, &(struct haul_upload){.parts = &folder});
    submit(haul, server, "/e", "PUT", NULL, &(struct haul_upload){.is_used_up = true});
    gathering_expect(haul, "0 read@send ''\n0 read@send ''\n0 read@queue ''\n0 read@queue ''\n"
                           "0 rewind@queue ''\n");
    gathering_close(haul);
    loopback_close(server);
    close(file);
    close(directory);
    close(ends[0]);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void who_waits_for_a_pipe_can_be_cancelled(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT_REPEAT({EXPECT, "PUT /"}, {EXPECT_END}),
    };
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const struct haul_body_part part = {.fd = ends[0], .length = HAUL_TO_END};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = open_one(&(struct haul_options){0});
    submit(haul, server, "/a", "PUT", without_expect, &(struct haul_upload){.parts = &part});
    submit(haul, server, "/b", "PUT", without_expect, &(struct haul_upload){.by_pieces = true});
    gathering_until_asked(haul, server, 1);
    assert_int_equal(haul_cancel(haul, 0), 0);
    gathering_expect_one(haul, "0 cancelled@send ''");
    while (loopback_received(server) < 2) {
        const struct haul_result *result;
        int error = gathering_try(haul, &result, 5);
        assert_true(error == -EAGAIN || error == -EINPROGRESS);
    }
    assert_int_equal(haul_cancel(haul, 1), 0);
    assert_int_equal(haul_send_body(haul, 1, "x", 1), -EALREADY);
    gathering_expect_one(haul, "0 cancelled@send ''");
    gathering_close(haul);
    loopback_close(server);
    close(ends[0]);
    close(ends[1]);
}

const struct gathering_scenario upload_scenarios[] = {
    SCENARIO(parts_are_sent_in_their_order),
    SCENARIO(bodies_of_all_lengths_come_whole),
    SCENARIO(a_pipe_is_read_as_it_fills),
    SCENARIO(pieces_are_taken_as_there_is_room),
    SCENARIO(long_bodies_are_announced),
    SCENARIO(who_says_nothing_is_waited_for_a_second),
    SCENARIO(after_a_417_it_is_asked_without),
    SCENARIO(early_replies_are_kept),
    SCENARIO(a_reply_may_begin_before_the_body_ends),
    SCENARIO(what_cannot_be_read_again_is_sent_once),
    SCENARIO(a_challenge_wants_the_body_again),
    SCENARIO(a_connection_that_died_is_told),
    SCENARIO(what_cannot_be_read_is_told),
    SCENARIO(who_waits_for_a_pipe_can_be_cancelled),
};

const size_t upload_scenario_count = sizeof upload_scenarios / sizeof *upload_scenarios;
