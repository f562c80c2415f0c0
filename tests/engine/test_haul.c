/* The public calls: what they promise about results, waiting, waking, bounds and errors. */

#include "engine/engine.h"
#include "tests/lib/fault.h"
#include "tests/lib/gathering.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define REPLY(length, body) OK "Content-Length: " #length "\r\n\r\n" body

/* --- the window ------------------------------------------------------------------------------- */

static int submit(struct haul *haul, const char *path)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", gathering_server_port(), path);
    return haul_submit(haul, &(struct haul_request){.url = url});
}

/* Takes all that is left; every result is a success. Returns how many there were. */
static int take_all(struct haul *haul)
{
    const struct haul_result *result;
    int count = 0;
    int error;
    for (; (error = gathering_try(haul, &result, GATHERING_PATIENCE_MS)) == 0; count++) {
        assert_int_equal(result->error, HAUL_OK);
        assert_int_equal(result->status, 200);
        haul_release(haul, result);
    }
    assert_int_equal(error, -ENODATA);
    return count;
}

static void a_full_window_takes_nothing(void)
{
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 2, .window = 4});
    for (int i = 0; i < 4; i++)
        assert_int_equal(submit(haul, "/p/1"), 0);
    assert_int_equal(submit(haul, "/p/1"), -EAGAIN);
    const struct haul_result *first = gathering_next(haul);
    assert_int_equal(submit(haul, "/p/1"), -EAGAIN); /* handed out, not released */
    haul_release(haul, first);
    assert_int_equal(submit(haul, "/p/1"), 0);
    assert_int_equal(submit(haul, "/p/1"), -EAGAIN);
    assert_int_equal(take_all(haul), 4);
    gathering_close(haul);
}

static void a_slow_reader_holds_the_engine_back(void)
{
    enum { WINDOW = 8 };
    const struct haul_result *held[WINDOW];
    const struct haul_result *result;
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 2, .window = WINDOW});
    for (int i = 0; i < WINDOW; i++) {
        assert_int_equal(submit(haul, "/p/1"), 0);
        held[i] = gathering_next(haul);
    }
    assert_int_equal(submit(haul, "/p/1"), -EAGAIN);
    assert_int_equal(haul_next(haul, &result, -1), -ENODATA);
    for (int i = 0; i < WINDOW; i++)
        haul_release(haul, held[(i * 3 + 5) % WINDOW]);
    assert_int_equal(submit(haul, "/p/1"), 0);
    assert_int_equal(take_all(haul), 1);
    gathering_close(haul);
}

/* A held result, and a copy of all that it said when it was handed out. */
struct held {
    const struct haul_result *result;
    struct haul_result copy;
    char url[64];
    char head[512];
    char body[1024];
};

static void held_take(struct held *held, const struct haul_result *result)
{
    held->result = result;
    held->copy = *result;
    assert_in_range(result->head_length, 1, sizeof held->head);
    assert_int_equal(result->body_bytes, 612);
    strcpy(held->url, result->url);
    memcpy(held->head, result->head, result->head_length);
    haul_body_copy(result, held->body, sizeof held->body);
}

static void held_check(const struct held *held)
{
    char body[1024];
    assert_memory_equal(held->result, &held->copy, sizeof held->copy);
    assert_string_equal(held->result->url, held->url);
    assert_memory_equal(held->result->head, held->head, held->copy.head_length);
    assert_int_equal(haul_body_copy(held->result, body, sizeof body), 612);
    assert_memory_equal(body, held->body, 612);
}

static void results_stay_as_they_are_until_released(void)
{
    enum { HELD = 5, OTHERS = 40 };
    struct held held[HELD];
    char path[32];
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = 2, .window = HELD + 3, .keep_bodies = true, .keep_headers = true});
    for (int i = 0; i < HELD; i++) {
        snprintf(path, sizeof path, "/p/held-%d", i);
        assert_int_equal(submit(haul, path), 0);
        held_take(&held[i], gathering_next(haul));
        assert_int_equal(held[i].copy.index, i);
    }
    for (int i = 0; i < OTHERS; i++) {
        assert_int_equal(submit(haul, "/p/another"), 0);
        assert_int_equal(submit(haul, "/4k"), 0);
        assert_int_equal(take_all(haul), 2);
        for (int j = 0; j < HELD; j++)
            held_check(&held[j]);
    }
    for (int i = 0; i < HELD; i++)
        haul_release(haul, held[(i * 2 + 1) % HELD].result);
    gathering_close(haul);
}

/* --- what a request brings along -------------------------------------------------------------- */

static void a_request_may_bring_its_own(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "POST /a "}, {HAS, "\r\nX-Run: 1\r\n"}, {HAS, "\r\nUser-Agent: me\r\n"},
               {EXPECT_BODY, "run"}, {SEND, REPLY(1, "a")}, {EXPECT, "PATCH /b "},
               {HAS, "\r\nX-Own: 2\r\n"}, {LACKS, "X-Run"}, {HAS, "\r\nContent-Length: 3\r\n"},
               {EXPECT_BODY, "own"}, {SEND, REPLY(1, "b")}, {EXPECT, "POST /c "},
               {HAS, "\r\nX-Run: 1\r\n"}, {EXPECT_BODY, "run"}, {SEND, REPLY(1, "c")},
               {EXPECT_END}),
    };
    const char *const run_headers[] = {"X-Run: 1", NULL};
    const char *const own_headers[] = {"X-Own: 2", "Accept:", NULL};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1,
                                                              .keep_bodies = true,
                                                              .user_agent = "me",
                                                              .headers = run_headers,
                                                              .body = "run",
                                                              .body_length = 3,
                                                              .has_body = true});
    char url[64];
    int tag;
    gathering_submit(haul, server, "/a");
    snprintf(url, sizeof url, "http://127.0.0.1:%u/b and more", loopback_port(server));
    assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url,
                                                              .url_length = strlen(url) - 9,
                                                              .tag = &tag,
                                                              .method = "PATCH",
                                                              .headers = own_headers,
                                                              .body = "own",
                                                              .body_length = 3}),
                     0);
    gathering_submit(haul, server, "/c");
    gathering_expect_one(haul, "200 ok 'a'");
    const struct haul_result *result = gathering_next(haul);
    assert_ptr_equal(result->tag, &tag);
    assert_string_equal(result->method, "PATCH");
    assert_int_equal(result->url_length, strlen(url) - 9);
    assert_memory_equal(result->url, url, result->url_length);
    assert_int_equal(result->url[result->url_length], '\0');
    haul_release(haul, result);
    gathering_expect(haul, "200 ok 'c' reused\n");
    gathering_close(haul);
    assert_loopback(server);
}

/* A number of 64 bits is handed back whole, where pointers are shorter too. */
static void a_tag_may_be_a_number(void)
{
    const uint64_t number = UINT64_C(0xFEDCBA9876543210);
    struct haul *haul = gathering_open(&(struct haul_options){0});
    assert_int_equal(
        haul_submit(haul, &(struct haul_request){.url = "nonsense", .tag_number = number}), 0);
    const struct haul_result *result = gathering_next(haul);
    assert_true(result->tag_number == number);
    haul_release(haul, result);
    gathering_close(haul);
}

static void a_request_that_cannot_be_sent_is_a_result(void)
{
    static const char *const bad_headers[][2] = {
        {"No colon"}, {": no name"}, {"A: b\r\nEvil: yes"}, {"Content-Length: 3"}, {"A b: c"}};
    static const char *const bad_methods[] = {"", "GET /", "CONNECT", "G\nT"};
    struct haul *haul = gathering_open(&(struct haul_options){0});
    for (size_t i = 0; i < sizeof bad_headers / sizeof *bad_headers; i++) {
        struct haul_request request = {.url = "http://127.0.0.1:1/", .headers = bad_headers[i]};
        assert_int_equal(haul_submit(haul, &request), 0);
        gathering_expect_one(haul, "0 url@queue ''");
    }
    for (size_t i = 0; i < sizeof bad_methods / sizeof *bad_methods; i++) {
        struct haul_request request = {.url = "http://127.0.0.1:1/", .method = bad_methods[i]};
        assert_int_equal(haul_submit(haul, &request), 0);
        gathering_expect_one(haul, "0 url@queue ''");
    }
    gathering_close(haul);
}

static void a_url_beyond_the_limit_is_shown_cut(void)
{
    enum { LENGTH = 20000 };
    static char url[LENGTH + 1] = "http://127.0.0.1:1/";
    memset(url + 19, 'x', LENGTH - 19);
    struct haul *haul = gathering_open(&(struct haul_options){0});
    assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url}), 0);
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_URL);
    assert_int_equal(result->url_length, 16000);
    assert_int_equal(strlen(result->url), 16000);
    haul_release(haul, result);
    gathering_close(haul);
}

/* --- what a result says ----------------------------------------------------------------------- */

static void a_head_is_walked(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "},
               {SEND, "HTTP/1.1 103 Early Hints\r\nX: interim\r\n\r\nHTTP/1.1 200 Fine\r\n"
                      "Content-Length:   2  \r\nEmpty:\r\nX: one\r\nX: two\r\n\r\nab"},
               {EXPECT_END})};
    static const char *const fields[][2] = {
        {"Content-Length", "2"}, {"Empty", ""}, {"X", "one"}, {"X", "two"}};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_headers = true});
    gathering_submit(haul, server, "/a");
    const struct haul_result *result = gathering_next(haul);
    const char *name;
    const char *value;
    size_t name_length;
    size_t value_length;
    size_t cursor = 0;
    assert_memory_equal(result->head, "HTTP/1.1 200 Fine\r\n", 19);
    assert_memory_equal(result->head + result->head_length - 4, "\r\n\r\n", 4);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        assert_true(haul_header_next(result, &cursor, &name, &name_length, &value, &value_length));
        assert_int_equal(name_length, strlen(fields[i][0]));
        assert_memory_equal(name, fields[i][0], name_length);
        assert_int_equal(value_length, strlen(fields[i][1]));
        assert_memory_equal(value, fields[i][1], value_length);
    }
    assert_false(haul_header_next(result, &cursor, &name, &name_length, &value, &value_length));
    assert_null(result->body); /* bodies are counted where they are not kept */
    assert_int_equal(result->body_bytes, 2);
    assert_int_equal(result->version_minor, 1);
    haul_release(haul, result);
    gathering_close(haul);
    assert_loopback(server);
}

/* Folded lines are one line, lines that are none are passed over, and a head that is longer than a
 * block is kept as it came: the result before it and behind it too. */
static void odd_and_long_heads_are_walked(void)
{
    enum { LONG = 200000 };
    static const char first[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nLong: ";
    static char head[LONG + 200];
    static const char rest[] =
        "\r\nno colon\r\nPHP Warning:  in x\r\n on line 0\r\nLast : z\r\n\r\n";
    static const struct loopback_script scripts[] = {SCRIPT({EXPECT, "GET /a "}, {SEND, head}),
                                                     SCRIPT({EXPECT, "GET /b "}, {SEND, head})};
    static const struct {
        const char *name, *value;
    } fields[] = {
        {"Content-Length", "0"}, {"Long", NULL}, {"PHP Warning", "in x on line 0"}, {"Last", "z"}};
    size_t start = strlen(first);
    memcpy(head, first, start);
    memset(head + start, 'y', LONG);
    memcpy(head + start + LONG, rest, sizeof rest);
    struct loopback *server = loopback_open(scripts, 2);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 2, .keep_headers = true});
    gathering_submit(haul, server, "/a");
    const struct haul_result *results[2] = {gathering_next(haul)};
    gathering_submit(haul, server, "/b");
    results[1] = gathering_next(haul);
    for (int r = 0; r < 2; r++) {
        size_t cursor = 0;
        const char *name;
        const char *value;
        size_t name_length;
        size_t length;
        assert_int_equal(results[r]->error, HAUL_OK);
        assert_false(results[r]->reused_connection);
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
            const char *wanted = fields[i].value ? fields[i].value : head + start;
            assert_true(
                haul_header_next(results[r], &cursor, &name, &name_length, &value, &length));
            assert_int_equal(name_length, strlen(fields[i].name));
            assert_memory_equal(name, fields[i].name, name_length);
            assert_int_equal(length, fields[i].value ? strlen(wanted) : LONG);
            assert_memory_equal(value, wanted, length);
        }
        assert_false(haul_header_next(results[r], &cursor, &name, &name_length, &value, &length));
        haul_release(haul, results[r]);
    }
    gathering_close(haul);
    assert_loopback(server);
}

static void what_is_not_kept_is_null(void)
{
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1});
    const char *name;
    const char *value;
    size_t length;
    size_t cursor = 0;
    char byte;
    assert_int_equal(submit(haul, "/64k"), 0);
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->body_bytes, 65536);
    assert_null(result->body);
    assert_null(result->head);
    assert_int_equal(haul_body_copy(result, &byte, 1), 0);
    assert_false(haul_header_next(result, &cursor, &name, &length, &value, &length));
    haul_release(haul, result);
    gathering_close(haul);
}

static void times_add_up(void)
{
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1});
    assert_int_equal(submit(haul, "/delay/20"), 0);
    assert_int_equal(submit(haul, "/p/1"), 0);
    const struct haul_result *first = gathering_next(haul);
    const struct haul_result *second = gathering_next(haul);
    assert_true(first->connect_ns > 0);
    assert_true(first->ttfb_ns >= 20000000);
    assert_true(first->total_ns >= first->connect_ns + first->send_ns + first->ttfb_ns);
    assert_true(second->queue_ns >= first->ttfb_ns); /* it had to wait for the first */
    assert_true(second->reused_connection);
    assert_int_equal(second->connect_ns, 0);
    assert_true(second->total_ns >= second->ttfb_ns);
    haul_release(haul, first);
    haul_release(haul, second);
    gathering_close(haul);
}

static void facts_are_counted(void)
{
    struct haul_facts facts;
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .fail_status = 400});
    haul_get_facts(haul, &facts);
    assert_string_equal(facts.loop, gathering_loop() == HAUL_LOOP_EPOLL ? "epoll" : "uring");
    assert_true(strlen(facts.loop_reason) > 0);
    assert_int_equal(facts.concurrency, 1);
    assert_true(facts.window > 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(submit(haul, i == 1 ? "/status/404" : "/p/1"), 0);
    haul_get_facts(haul, &facts);
    assert_int_equal(facts.waiting, 3);
    for (int i = 0; i < 3; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, i == 1 ? HAUL_STATUS : HAUL_OK);
        haul_release(haul, result);
    }
    haul_get_facts(haul, &facts);
    assert_int_equal(facts.requests, 3);
    assert_int_equal(facts.failures, 1);
    assert_int_equal(facts.connections, 1);
    assert_int_equal(facts.retries, 0);
    assert_int_equal(facts.in_flight, 0);
    assert_int_equal(facts.waiting, 0);
    assert_true(facts.bytes_received > 2 * 612);
    assert_true(facts.enters > 0 && facts.completions >= 3);
    gathering_close(haul);
}

/* Enough that the loop waits for several completions at once. */
static void hundreds_are_under_way_at_once(void)
{
    enum { COUNT = 1000, AT_ONCE = 200 };
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = AT_ONCE, .window = COUNT, .keep_bodies = true});
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(submit(haul, i % 10 ? "/p/1" : "/64k"), 0);
    for (int i = 0; i < COUNT; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->index, i);
        assert_int_equal(result->error, HAUL_OK);
        assert_int_equal(result->body_bytes, i % 10 ? 612 : 65536);
        haul_release(haul, result);
    }
    assert_in_range(haul->engine.dials.connects, 2, AT_ONCE);
    gathering_close(haul);
}

/* --- waiting and waking ----------------------------------------------------------------------- */

static const struct loopback_script late[] = {
    SCRIPT({EXPECT, "GET /a "}, {PAUSE}, {SEND, REPLY(1, "a")}, {EXPECT_END})};

static struct haul *ask_late(struct loopback **ret_server)
{
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    *ret_server = loopback_open(late, 1);
    assert_non_null(*ret_server);
    gathering_submit(haul, *ret_server, "/a");
    return haul;
}

static void waiting_has_an_end(void)
{
    const struct haul_result *result;
    struct loopback *server;
    struct haul *haul = ask_late(&server);
    assert_int_equal(gathering_try(haul, &result, 0), -EAGAIN);
    uint64_t start_ns = clock_now_ns();
    assert_int_equal(gathering_try(haul, &result, 20), -EAGAIN);
    assert_true(clock_now_ns() - start_ns >= 20000000);
    gathering_until_asked(haul, server, 1);
    loopback_continue(server, 0);
    gathering_expect(haul, "200 ok 'a'\n");
    assert_int_equal(haul_next(haul, &result, -1), -ENODATA);
    assert_int_equal(haul_next(haul, &result, 0), -ENODATA);
    gathering_close(haul);
    assert_loopback(server);
}

static void a_wake_before_the_call_ends_it(void)
{
    const struct haul_result *result;
    struct loopback *server;
    struct haul *haul = ask_late(&server);
    haul_wake(haul);
    haul_wake(haul);
    assert_int_equal(haul_next(haul, &result, -1), -EINTR);
    gathering_until_asked(haul, server, 1);
    loopback_continue(server, 0);
    gathering_expect(haul, "200 ok 'a'\n");
    gathering_close(haul);
    assert_loopback(server);
}

static void *wake(void *haul)
{
    haul_wake(haul);
    return NULL;
}

static void a_wake_from_another_thread_ends_the_call(void)
{
    const struct haul_result *result;
    struct loopback *server;
    struct haul *haul = ask_late(&server);
    gathering_until_asked(haul, server, 1);
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, wake, haul), 0);
        assert_int_equal(haul_next(haul, &result, -1), -EINTR);
        pthread_join(thread, NULL);
    }
    loopback_continue(server, 0);
    gathering_expect(haul, "200 ok 'a'\n");
    gathering_close(haul);
    assert_loopback(server);
}

/* Of what never ends a call takes what there is time for, and poll() says that there is more. */
static void a_call_ends_where_completions_do_not(void)
{
    static const struct fault_rates rates = {.spurious_tick = 1000};
    static const struct loopback_script script = SCRIPT({EXPECT, "GET /a "}, {HOLD});
    static const struct haul_options options = {.concurrency = 2};
    const struct haul_result *result;
    struct loopback *server = loopback_open(&script, 1);
    struct haul *haul =
        gathering_open_on(fault_open(gathering_open_loop(&options), &rates, 1), &options);
    struct pollfd polled = {.fd = haul_fd(haul), .events = POLLIN};
    gathering_submit(haul, server, "/a");
    for (int timeout_ms = 0; timeout_ms < 3; timeout_ms++) {
        assert_int_equal(haul_next(haul, &result, timeout_ms), -EAGAIN);
        assert_int_equal(poll(&polled, 1, 0), 1);
    }
    assert_int_equal(haul_cancel(haul, 0), 0);
    haul_release(haul, gathering_next(haul));
    gathering_close(haul);
    loopback_close(server);
}

/* Everything is done by poll() and calls that do not wait. */
static int drive_by_poll(struct haul *haul, enum haul_error expected)
{
    const struct haul_result *result;
    struct pollfd polled = {.fd = haul_fd(haul), .events = POLLIN};
    int count = 0;
    for (;;) {
        int error = gathering_try(haul, &result, 0);
        if (error == -ENODATA)
            return count;
        if (error == -EAGAIN) {
            int ready;
            do
                ready = poll(&polled, 1, GATHERING_PATIENCE_MS);
            while (ready < 0 && errno == EINTR);
            assert_int_equal(ready, 1);
            continue;
        }
        assert_int_equal(error, 0);
        assert_int_equal(result->error, expected);
        haul_release(haul, result);
        count++;
    }
}

static void a_gathering_is_driven_by_poll(void)
{
    enum { COUNT = 60 };
    static const char *const paths[] = {"/p/1", "/delay/5", "/64k", "/close/1", "/chunked/100000"};
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 4});
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(submit(haul, paths[i % 5]), 0);
    assert_int_equal(drive_by_poll(haul, HAUL_OK), COUNT);
    gathering_close(haul);
}

static void a_deadline_makes_the_descriptor_readable(void)
{
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 2, .max_time_ms = 30});
    for (int i = 0; i < 3; i++)
        assert_int_equal(submit(haul, "/stall"), 0);
    assert_int_equal(drive_by_poll(haul, HAUL_DEADLINE), 3);
    gathering_close(haul);
}

/* While the caller was away, the reply came, more of it than one wait brings, and the deadline
 * passed: the reply counts. */
static void an_absent_caller_loses_no_reply(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {PAUSE}, {SEND, REPLY(100000, "")}, {FILL, NULL, 100000},
               {PAUSE}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1});
    gathering_submit(haul, server, "/a");
    gathering_until_asked(haul, server, 1);
    loopback_continue(server, 0);
    assert_true(loopback_wait_paused(server, 0, 2));
    deadline_set(&haul->engine.deadlines, 0, 1);
    haul->engine.now_ns -= UINT64_C(1000000000);
    gathering_expect(haul, "200 ok ''\n");
    loopback_continue(server, 0);
    gathering_close(haul);
    assert_loopback(server);
}

/* Each result takes the caller a second, and there is always another one: the deadline of the one
 * that never comes counts all the same. */
static void a_slow_caller_sees_deadlines_expire(void)
{
    enum { CALLS = 40, SOON = 4 };
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = 2, .window = CALLS + 2, .unordered = true, .max_time_ms = 300000});
    const struct haul_result *result;
    assert_int_equal(submit(haul, "/stall"), 0);
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(submit(haul, "/p/1"), 0);
    result = gathering_next(haul);
    assert_int_equal(result->status, 200);
    haul_release(haul, result);
    deadline_set(&haul->engine.deadlines, haul->engine.fetches[0].conn, 1);
    for (int i = 0;; i++) {
        assert_in_range(i, 0, SOON);
        haul->engine.now_ns -= UINT64_C(1000000000);
        result = gathering_next(haul);
        bool is_expired = result->error == HAUL_DEADLINE;
        assert_int_equal(result->index == 0, is_expired);
        haul_release(haul, result);
        if (is_expired)
            break;
    }
    while (gathering_try(haul, &result, GATHERING_PATIENCE_MS) == 0)
        haul_release(haul, result);
    gathering_close(haul);
}

static void run(struct haul *haul)
{
    int error = engine_run(&haul->engine, 1000000);
    assert_true(error == 0 || error == -EINTR);
}

/* So it is where all the others have finished long ago, and need no work any more. */
static void a_slow_caller_with_many_results_sees_them_too(void)
{
    enum { COUNT = 20 };
    struct haul *haul = gathering_open(
        &(struct haul_options){.concurrency = COUNT + 1, .unordered = true, .max_time_ms = 300000});
    const struct haul_result *result;
    assert_int_equal(submit(haul, "/stall"), 0);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(submit(haul, "/p/1"), 0);
    while (haul->engine.requests < COUNT)
        run(haul);
    deadline_set(&haul->engine.deadlines, haul->engine.fetches[0].conn, 1);
    haul->engine.now_ns -= UINT64_C(1000000000);
    haul_release(haul, gathering_next(haul));
    assert_int_equal(haul->engine.requests, COUNT + 1);
    for (int i = 1; i < COUNT; i++)
        haul_release(haul, gathering_next(haul));
    result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_DEADLINE);
    haul_release(haul, result);
    gathering_close(haul);
}

/* After -ENODATA the descriptor tells of a kept connection that ends, once; the connection is then
 * closed, and the descriptor silent. */
static void a_service_looks_after_kept_connections(void)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {PAUSE}, {FIN}, {EXPECT_END}),
    };
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){.keep_bodies = true});
    const struct haul_result *result;
    struct pollfd fd = {.fd = haul_fd(haul), .events = POLLIN};
    gathering_submit(haul, server, "/a");
    gathering_expect(haul, "200 ok 'a'\n");
    assert_int_equal(haul->engine.pool.open, 1);
    assert_int_equal(poll(&fd, 1, 0), 0);
    loopback_continue(server, 0);
    for (int i = 0; haul->engine.pool.open == 1; i++) {
        assert_in_range(i, 0, 3);
        assert_int_equal(poll(&fd, 1, GATHERING_PATIENCE_MS), 1);
        assert_int_equal(haul_next(haul, &result, 0), -ENODATA);
    }
    assert_int_equal(poll(&fd, 1, 0), 0);
    gathering_close(haul);
    assert_loopback(server);
}

/* With a kept connection, behind enough requests that the loop waited for several at once: neither
 * the pulse of those waits goes on, nor does the deadline of a connect that is over wake anybody,
 * nor anything else. HAUL_TEST_IDLE_MS: for how long that is looked at. */
static void an_idle_engine_sleeps(void)
{
    enum { COUNT = 200 };
    static const struct loopback_script scripts[] = {
        SCRIPT_REPEAT({EXPECT, "GET /a "}, {SEND, REPLY(1, "a")}, {EXPECT, "GET /a "},
                      {SEND, REPLY(1, "a")}, {EXPECT_END}),
    };
    const char *wanted_ms = getenv("HAUL_TEST_IDLE_MS");
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = COUNT / 2, .times = &(const struct haul_times){.connect_ms = 200}});
    const struct haul_result *result;
    struct pollfd fd = {.fd = haul_fd(haul), .events = POLLIN};
    for (int i = 0; i < COUNT; i++)
        gathering_submit(haul, server, "/a");
    for (int i = 0; i < COUNT; i++)
        haul_release(haul, gathering_next(haul));
    for (int i = 0; i < 3; i++) { /* the pulse of the last wait is on its way */
        assert_int_equal(haul_next(haul, &result, 0), -ENODATA);
        poll(&fd, 1, 20);
    }
    assert_int_equal(haul_next(haul, &result, 0), -ENODATA);
    uint64_t enters = haul->engine.loop->counters.enters;
    assert_int_equal(poll(&fd, 1, wanted_ms ? atoi(wanted_ms) : 400), 0);
    assert_int_equal(haul->engine.loop->counters.enters, enters);
    gathering_close(haul);
    loopback_close(server);
}

/* --- descriptors ------------------------------------------------------------------------------ */

static struct rlimit lower_nofile(rlim_t spare)
{
    struct rlimit saved;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
    struct rlimit lowered = {.rlim_cur = (rlim_t)gathering_count_descriptors() + spare,
                             .rlim_max = saved.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &lowered), 0);
    return saved;
}

static void few_descriptors_lower_the_concurrency(void)
{
    struct haul_facts facts;
    gathering_server_port();
    struct rlimit saved = lower_nofile(36);
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 100, .window = 200});
    haul_get_facts(haul, &facts);
    assert_in_range(facts.concurrency, 1, 36);
    for (int i = 0; i < 200; i++)
        assert_int_equal(submit(haul, i % 2 ? "/p/1" : "/close/1"), 0);
    assert_int_equal(take_all(haul), 200);
    gathering_close(haul);
    setrlimit(RLIMIT_NOFILE, &saved);
}

static void the_soft_limit_is_raised_where_asked(void)
{
    struct haul_facts facts;
    struct rlimit limit;
    struct rlimit saved = lower_nofile(40);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 100, .raise_nofile = true});
    haul_get_facts(haul, &facts);
    getrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(limit.rlim_cur, limit.rlim_max);
    assert_int_equal(facts.concurrency, 100);
    gathering_close(haul);
    setrlimit(RLIMIT_NOFILE, &saved);
}

enum { HOARD_MAX = 64 };

/* Takes every descriptor that is left. */
static int hoard(int *descriptors)
{
    int count = 0;
    while ((descriptors[count] = fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0)
        assert_in_range(++count, 1, HOARD_MAX - 1);
    assert_int_equal(errno, EMFILE);
    return count;
}

static void spend(const int *descriptors, int count)
{
    for (int i = 0; i < count; i++)
        close(descriptors[i]);
}

/* The descriptors go after the engine was opened: with two left, and two origins whose connections
 * are kept, everything waits for its turn. */
static void running_out_of_descriptors_is_waited_out(void)
{
    enum { COUNT = 40, LEFT = 2 };
    int descriptors[HOARD_MAX];
    char url[64];
    uint16_t port = gathering_server_port();
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 8});
    struct rlimit saved = lower_nofile(HOARD_MAX / 2);
    int count = hoard(descriptors);
    spend(descriptors, LEFT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(url, sizeof url, "http://%s:%u/%s/1", i % 3 ? "127.0.0.1" : "localhost", port,
                 i % 5 ? "p" : "close");
        assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url}), 0);
    }
    assert_int_equal(take_all(haul), COUNT);
    gathering_check_balance(haul);
    spend(descriptors + LEFT, count - LEFT);
    setrlimit(RLIMIT_NOFILE, &saved);
    gathering_close(haul);
}

/* Nothing of the engine's own can make room: that is an error, and passes when the lack does. */
static void no_descriptor_at_all_is_an_error(void)
{
    int descriptors[HOARD_MAX];
    gathering_server_port();
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 8});
    struct rlimit saved = lower_nofile(HOARD_MAX / 2);
    int count = hoard(descriptors);
    assert_int_equal(submit(haul, "/p/1"), 0);
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_RESOURCE);
    assert_int_equal(result->os_error, EMFILE);
    haul_release(haul, result);
    spend(descriptors, count);
    setrlimit(RLIMIT_NOFILE, &saved);
    assert_int_equal(submit(haul, "/p/1"), 0);
    assert_int_equal(take_all(haul), 1);
    gathering_close(haul);
}

static void without_descriptors_nothing_opens(void)
{
    int descriptors[HOARD_MAX];
    struct haul *haul = NULL;
    struct haul_options options = {.loop = gathering_loop()};
    struct rlimit saved = lower_nofile(HOARD_MAX / 2);
    int count = hoard(descriptors);
    assert_int_equal(haul_open(&haul, &options), -EMFILE);
    spend(descriptors, count);
    setrlimit(RLIMIT_NOFILE, &saved);
    assert_int_equal(haul_open(&haul, &options), 0);
    haul_close(haul);
}

/* The last reply's connection is closed by the time the next request needs its descriptor. */
static void one_descriptor_serves_one_connection_after_the_other(void)
{
    int descriptors[HOARD_MAX];
    gathering_server_port();
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 1});
    struct rlimit saved = lower_nofile(HOARD_MAX / 2);
    int count = hoard(descriptors);
    spend(descriptors, 1);
    for (int i = 0; i < 20; i++)
        assert_int_equal(submit(haul, "/close/1"), 0);
    assert_int_equal(take_all(haul), 20);
    gathering_check_balance(haul);
    spend(descriptors + 1, count - 1);
    setrlimit(RLIMIT_NOFILE, &saved);
    gathering_close(haul);
}

/* --- haul_gather() ---------------------------------------------------------------------------- */

static void a_gathering_keeps_everything_in_order(void)
{
    enum { COUNT = 7 };
    static const char *const paths[COUNT] = {
        "/p/1", "/chunked/50000", "/status/404", "/bytes/40000", "/reset", "/delay/20", "/posts/1"};
    char texts[COUNT + 1][64];
    const char *urls[COUNT + 1];
    struct haul_gathered *gathered;
    for (int i = 0; i < COUNT; i++)
        snprintf(texts[i], sizeof texts[i], "http://127.0.0.1:%u%s", gathering_server_port(),
                 paths[i]);
    strcpy(texts[COUNT], "http://:1/");
    for (int i = 0; i <= COUNT; i++)
        urls[i] = texts[i];
    struct haul_options options = {
        .concurrency = 3, .loop = gathering_loop(), .unordered = true, .stream_bodies = true};
    assert_int_equal(haul_gather(urls, COUNT + 1, &options, &gathered), 0);
    assert_int_equal(gathered->count, COUNT + 1);
    for (size_t i = 0; i <= COUNT; i++) {
        const struct haul_result *result = gathered->results[i];
        size_t length = result->body ? result->body->length : 0;
        assert_int_equal(result->index, i);
        assert_string_equal(result->url, urls[i]);
        assert_int_equal(result->body_bytes, length);
        assert_true(!result->body || !result->body->next);
        assert_int_equal(result->head != NULL, result->status != 0);
    }
    assert_int_equal(gathered->results[1]->body_bytes, 50000);
    assert_int_equal(gathered->results[2]->status, 404);
    assert_int_equal(gathered->results[3]->body_bytes, 40000);
    assert_int_equal(gathered->results[4]->error, HAUL_RECEIVE);
    assert_int_equal(gathered->results[COUNT]->error, HAUL_URL);
    haul_gathered_free(gathered);
}

static void a_cancelled_gathering_is_complete_too(void)
{
    enum { COUNT = 9, BAD = 4 };
    char url[64];
    const char *urls[COUNT];
    struct haul_gathered *gathered;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/p/1", gathering_server_port());
    for (int i = 0; i < COUNT; i++)
        urls[i] = i == BAD ? "http://[/" : url;
    struct haul_options options = {
        .concurrency = 1, .window = 3, .loop = gathering_loop(), .cancel_on_error = true};
    assert_int_equal(haul_gather(urls, COUNT, &options, &gathered), 0);
    assert_int_equal(gathered->count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        const struct haul_result *result = gathered->results[i];
        assert_int_equal(result->index, i);
        assert_string_equal(result->url, urls[i]);
        assert_true(i >= BAD - 2 || result->error == HAUL_OK);
        assert_true(i != BAD || result->error == HAUL_URL);
        assert_true(i <= BAD || result->error == HAUL_NOT_STARTED);
    }
    haul_gathered_free(gathered);
}

static void a_gathering_of_nothing_is_empty(void)
{
    struct haul_gathered *gathered;
    struct haul_options options = {.loop = gathering_loop()};
    assert_int_equal(haul_gather(NULL, 0, &options, &gathered), 0);
    assert_int_equal(gathered->count, 0);
    haul_gathered_free(gathered);
    haul_gathered_free(NULL);
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(a_full_window_takes_nothing),
    SCENARIO(a_slow_reader_holds_the_engine_back),
    SCENARIO(a_call_ends_where_completions_do_not),
    SCENARIO(results_stay_as_they_are_until_released),
    SCENARIO(a_request_may_bring_its_own),
    SCENARIO(a_tag_may_be_a_number),
    SCENARIO(a_request_that_cannot_be_sent_is_a_result),
    SCENARIO(a_url_beyond_the_limit_is_shown_cut),
    SCENARIO(a_head_is_walked),
    SCENARIO(odd_and_long_heads_are_walked),
    SCENARIO(what_is_not_kept_is_null),
    SCENARIO(times_add_up),
    SCENARIO(facts_are_counted),
    SCENARIO(hundreds_are_under_way_at_once),
    SCENARIO(waiting_has_an_end),
    SCENARIO(a_wake_before_the_call_ends_it),
    SCENARIO(a_wake_from_another_thread_ends_the_call),
    SCENARIO(a_gathering_is_driven_by_poll),
    SCENARIO(a_deadline_makes_the_descriptor_readable),
    SCENARIO(an_absent_caller_loses_no_reply),
    SCENARIO(a_slow_caller_sees_deadlines_expire),
    SCENARIO(a_slow_caller_with_many_results_sees_them_too),
    SCENARIO(an_idle_engine_sleeps),
    SCENARIO(a_service_looks_after_kept_connections),
    SCENARIO(few_descriptors_lower_the_concurrency),
    SCENARIO(the_soft_limit_is_raised_where_asked),
    SCENARIO(running_out_of_descriptors_is_waited_out),
    SCENARIO(no_descriptor_at_all_is_an_error),
    SCENARIO(without_descriptors_nothing_opens),
    SCENARIO(one_descriptor_serves_one_connection_after_the_other),
    SCENARIO(a_gathering_keeps_everything_in_order),
    SCENARIO(a_cancelled_gathering_is_complete_too),
    SCENARIO(a_gathering_of_nothing_is_empty),
};

int main(void)
{
    return gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof *scenarios);
}
