/* Runs of load, conducted: many connections over each client against the embedded server, which is
 * plain or speaks TLS; closed and open loops, warm-ups, stops. What is asserted of times is only
 * what cannot be otherwise. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/load/conductor.h"
#include "bench/server/server.h"
#include "bench/base/signals.h"
#include "tests/lib/address.h"
#include "tests/lib/loopback.h"
#include "tests/lib/network.h"
#include "tests/lib/patience.h"
#include "tests/lib/running.h"

#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

enum { SERVERS = 3, TLS_SERVER = 2, URLS_MAX = 4, URL_BYTES = 64, CONNECTIONS_MANY = 600 };
enum { NO_NETWORK = 77 };

static const uint64_t millisecond_ns = 1000000;

#define OK "HTTP/1.1 200 OK\r\n"
#define REPLY(length, body) OK "Content-Length: " #length "\r\n\r\n" body

/* --- servers ---------------------------------------------------------------------------------- */

/* Two plain ones and one that speaks TLS, for all tests. */
static struct {
    struct server *server;
    pthread_t thread;
} servers[SERVERS];

static void *serve(void *argument)
{
    server_run(argument);
    return NULL;
}

static int servers_begin(void **state)
{
    (void)state;
    for (int i = 0; i < SERVERS; i++) {
        struct server_options options = {.connections = 2 * CONNECTIONS_MANY,
                                         .tls = i == TLS_SERVER};
        if (server_open(&servers[i].server, &options) < 0 ||
            pthread_create(&servers[i].thread, NULL, serve, servers[i].server) != 0)
            return -1;
    }
    return 0;
}

static int servers_end(void **state)
{
    (void)state;
    for (int i = 0; i < SERVERS; i++) {
        server_stop(servers[i].server);
        pthread_join(servers[i].thread, NULL);
        server_close(servers[i].server);
    }
    return 0;
}

/* --- a run ------------------------------------------------------------------------------------ */

/* One run is made after the other: the URLs are those of the one at hand. */
static void url_add(struct load_options *options, const char *scheme, unsigned port,
                    const char *path)
{
    static char texts[URLS_MAX][URL_BYTES];
    static const char *urls[URLS_MAX];
    size_t index = options->url_count++;
    snprintf(texts[index], URL_BYTES, "%s://127.0.0.1:%u%s", scheme, port, path);
    urls[index] = texts[index];
    options->urls = urls;
}

static void path_add(struct load_options *options, int server, const char *path)
{
    url_add(options, server == TLS_SERVER ? "https" : "http", server_port(servers[server].server),
            path);
    options->tls.insecure |= server == TLS_SERVER;
}

/* A scripted server, which is asked for /a. */
static struct loopback *loopback_add(struct load_options *options,
                                     const struct loopback_script *scripts, size_t count)
{
    struct loopback *loopback = loopback_open(scripts, count);
    assert_non_null(loopback);
    url_add(options, "http", loopback_port(loopback), "/a");
    return loopback;
}

static void run_watched(const struct load_options *options, struct run_watch watch,
                        struct load_result *ret_result)
{
    char message[200];
    assert_int_equal(load_run(options, &watch, ret_result, message, sizeof message), 0);
    assert_null(running_violation(ret_result));
}

static void assert_summary(const struct load_result *result, const char *wanted)
{
    char summary[RUNNING_SUMMARY_BYTES];
    running_summarize(result, summary);
    assert_string_equal(summary, wanted);
}

/* For each client there is. */
#define FOR_KINDS(kind)                                                                            \
    for (enum client_kind kind = CLIENT_URING; kind < CLIENT_COUNT; kind++)                        \
        if (running_has(kind))

/* --- counts ----------------------------------------------------------------------------------- */

struct row {
    const char *path;
    struct load_options options;
    const char *summary;
    int servers; /* so many of the plain ones, each with the path; 0: 1 */
};

static const char body_100k[100000];

static const struct row rows[] = {
    {"/s", {.requests = 10, .connections = 1}, "200 x10; 1 connections; 1280 body bytes", 0},
    {"/s", {.requests = 3, .connections = 8}, "200 x3; 8 connections; 384 body bytes", 0},
    {"/s", {.requests = 1000}, "200 x1000; 64 connections; 128000 body bytes", 0},
    {"/4k",
     {.requests = 500, .connections = 16, .threads = 3},
     "200 x500; 16 connections; 2048000 body bytes",
     0},
    {"/64k", {.requests = 100, .connections = 4}, "200 x100; 4 connections; 6553600 body bytes", 0},
    {"/bytes/100000",
     {.requests = 100, .connections = 4, .threads = 4},
     "200 x100; 4 connections; 10000000 body bytes",
     0},
    {"/chunked/100000",
     {.requests = 100, .connections = 4},
     "200 x100; 4 connections; 10000000 body bytes",
     0},
    {"/headers/200", {.requests = 50, .connections = 3}, "200 x50; 3 connections; 0 body bytes", 0},
    {"/drip/20/1", {.requests = 8, .connections = 4}, "200 x8; 4 connections; 160 body bytes", 0},
    {"/4k",
     {.requests = 100, .connections = 4, .http = {.method = "HEAD"}},
     "200 x100; 4 connections; 0 body bytes",
     0},
    {"/s",
     {.requests = 20,
      .connections = 4,
      .http = {.has_body = true, .body = body_100k, .body_length = sizeof body_100k}},
     "200 x20; 4 connections; 2560 body bytes",
     0},
    {"/status/404",
     {.requests = 100, .connections = 4},
     "404 x100; 4 connections; 900 body bytes",
     0},
    {"/status/204",
     {.requests = 100, .connections = 4},
     "204 x100; 4 connections; 0 body bytes",
     0},
    {"/s",
     {.requests = 200, .connections = 8, .is_closing = true},
     "200 x200; 200 connections; 25600 body bytes",
     0},
    {"/s",
     {.requests = 200, .connections = 8, .threads = 2, .is_http10 = true},
     "200 x200; 200 connections; 25600 body bytes",
     0},
    {"/close/x",
     {.requests = 100, .connections = 8},
     "200 x100; 100 connections; 61200 body bytes",
     0},
    {"/s",
     {.requests = 1001, .connections = 8, .pipeline = 16},
     "200 x1001; 8 connections; 128128 body bytes",
     0},
    {"/chunked/20000",
     {.requests = 101, .connections = 2, .threads = 2, .pipeline = 4},
     "200 x101; 2 connections; 2020000 body bytes",
     0},
    {"/s",
     {.requests = 300, .connections = 7, .threads = 2},
     "200 x300; 7 connections; 38400 body bytes",
     2},
    {"/s", {.requests = 100, .connections = 1}, "200 x100; 1 connections; 12800 body bytes", 2},
    {"/s",
     {.requests = 1000, .connections = CONNECTIONS_MANY},
     "200 x1000; 600 connections; 128000 body bytes",
     0},
    {"/s",
     {.requests = 100, .connections = 4, .warm_up_ns = 20000000},
     "200 x100; 4 connections; 12800 body bytes",
     0},
    {"/s",
     {.requests = 100, .connections = 4, .rate_from = 5000},
     "200 x100; 4 connections; 12800 body bytes",
     0},
    {"/s",
     {.requests = 100,
      .connections = 4,
      .threads = 3,
      .rate_from = 2000,
      .rate_to = 8000,
      .duration_ns = UINT64_C(10000000000),
      .warm_up_ns = 20000000},
     "200 x100; 4 connections; 12800 body bytes",
     0},
    {"/s",
     {.connections = 4, .threads = 2, .rate_from = 100, .rate_to = 900, .duration_ns = 200000000},
     "200 x100; 4 connections; 12800 body bytes",
     0},
    {"/s",
     {.requests = 100, .connections = 4, .pipeline = 4, .rate_from = 5000},
     "200 x100; 4 connections; 12800 body bytes",
     0},
    {"/s",
     {.requests = 100, .connections = 4, .is_closing = true, .rate_from = 5000},
     "200 x100; 100 connections; 12800 body bytes",
     0},
    {"/s",
     {.requests = 50, .connections = 4, .plant_ns = 20000, .is_pinned = true},
     "200 x50; 4 connections; 6400 body bytes",
     0},
    {"/stall",
     {.requests = 4, .connections = 2, .timeout_ns = 300000000},
     "deadline x4; 4 connections; 0 body bytes",
     0},
    {"/truncate",
     {.requests = 20, .connections = 1},
     "truncated x20; 20 connections; 0 body bytes",
     0},
    {"/reset", {.requests = 20, .connections = 1}, "receive x20; 20 connections; 0 body bytes", 0},
};

/* Who closes without having said so may be asked once more before the end is seen, on each of its
 * connections, and a connection be made that is not needed any more. */
static bool has_summary(const struct row *row, const char *summary)
{
    unsigned connections, resent = 0;
    char rest[RUNNING_SUMMARY_BYTES];
    if (strcmp(row->path, "/close/x") != 0)
        return strcmp(summary, row->summary) == 0;
    int count =
        sscanf(summary, "200 x100; %u connections; 61200 body bytes%63[^\n]", &connections, rest);
    bool has_resent = count == 2 && sscanf(rest, "; %u resent", &resent) == 1;
    return (count == 1 || has_resent) && resent <= connections && connections >= 100 &&
           connections <= 100 + row->options.connections;
}

static void run_row(const struct row *row, enum client_kind kind, int server)
{
    struct load_options options = row->options;
    struct load_result result;
    char summary[RUNNING_SUMMARY_BYTES];
    for (int i = 0; i < row->servers || i == 0; i++)
        path_add(&options, server + i, row->path);
    if (server == TLS_SERVER)
        options.timeout_ns *= TEST_HANDSHAKE_TIMES;
    running_do(row->path, kind, &options, &result);
    running_summarize(&result, summary);
    if (!has_summary(row, summary))
        fail_msg("row %zu, %s, over %s: %s, not %s", (size_t)(row - rows), row->path,
                 client_name(kind), summary, row->summary);
    assert_int_equal(result.stats.begun, result.stats.requests);
    assert_int_equal(result.stats.unsent, 0);
    assert_false(result.is_interrupted);
    assert_int_equal(result.stats.ports_exhausted, 0);
    load_result_close(&result);
}

static void test_rows(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    for (size_t i = 0; i < COUNT(rows); i++)
        run_row(&rows[i], kind, 0);
}

/* Where the connections matter less, over TLS as well. */
static void test_tls_rows(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].servers < 2 && rows[i].options.connections < CONNECTIONS_MANY &&
            strcmp(rows[i].path, "/reset") != 0)
            run_row(&rows[i], kind, TLS_SERVER);
}

/* --- who asks what ---------------------------------------------------------------------------- */

/* Loops have every second request each, and with it every second place. */
static void test_two_servers(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    {
        struct load_options options = {.requests = 40, .connections = 2, .threads = 2};
        struct load_result result;
        path_add(&options, 0, "/s");
        path_add(&options, 1, "/status/404");
        running_do("two servers", kind, &options, &result);
        assert_int_equal(result.stats.statuses[200] + result.stats.statuses[404], 40);
        assert_int_equal(stats_errors(&result.stats), result.stats.statuses[404]);
        assert_int_equal(result.thread_count, 2);
        if (kind != CLIENT_THREADS)
            assert_int_equal(result.stats.statuses[404], 20);
        load_result_close(&result);
    }
}

/* Every connection goes round its place's targets, each from another one on. */
static void test_targets(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    {
        struct load_options options = {.requests = 90, .connections = 1};
        struct load_result result;
        path_add(&options, 0, "/s");
        path_add(&options, 0, "/status/404");
        path_add(&options, 0, "/status/503");
        running_do("targets", kind, &options, &result);
        assert_int_equal(result.stats.statuses[200], 30);
        assert_int_equal(result.stats.statuses[404], 30);
        assert_int_equal(result.stats.statuses[503], 30);
        load_result_close(&result);
        options.requests = options.connections = 3;
        running_do("first targets", kind, &options, &result);
        if (kind != CLIENT_THREADS) { /* of which one may be quick and take all */
            assert_int_equal(result.stats.statuses[200], 1);
            assert_int_equal(result.stats.statuses[404], 1);
            assert_int_equal(result.stats.statuses[503], 1);
        }
        load_result_close(&result);
    }
}

#define FOUR(...) __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
#define GIVE                                                                                       \
    {EXPECT, "GET /a "},                                                                           \
    {                                                                                              \
        SEND, REPLY(1, "a")                                                                        \
    }

/* A server that closes again and again, without a word: what it answers is what is counted, and
 * none comes twice. */
static void test_arrivals(void **state)
{
    (void)state;
    static const struct loopback_script scripts[] = {SCRIPT_REPEAT(FOUR(FOUR(GIVE)), {CLOSE})};
    static const uint32_t pipelines[] = {1, 4};
    FOR_KINDS(kind)
    for (size_t i = 0; i < COUNT(pipelines); i++) {
        struct load_options options = {
            .requests = 1000, .connections = 8, .threads = 2, .pipeline = pipelines[i]};
        struct load_result result;
        struct loopback *loopback = loopback_add(&options, scripts, 1);
        running_do("arrivals", kind, &options, &result);
        assert_int_equal(loopback_received(loopback), 1000);
        assert_int_equal(result.stats.replies, 1000);
        assert_true(loopback_wait_accepted(loopback, result.stats.connections + 1));
        assert_int_equal(loopback_accepted(loopback), result.stats.connections + 1);
        load_result_close(&result);
        loopback_close(loopback); /* connections end where the script has more */
    }
}

/* --- TLS -------------------------------------------------------------------------------------- */

/* A resumed handshake is short: the certificate is not sent again. */
static void test_resumption(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    {
        uint64_t received[2];
        for (int is_full = 0; is_full < 2; is_full++) {
            struct load_options options = {
                .requests = 40, .connections = 2, .is_closing = true, .is_full_handshake = is_full};
            struct load_result result;
            path_add(&options, TLS_SERVER, "/s");
            running_do("resumption", kind, &options, &result);
            assert_int_equal(result.stats.replies, 40);
            assert_int_equal(histogram_count(&result.stats.phases[PHASE_TLS]), 40);
            received[is_full] = result.stats.bytes_received;
            load_result_close(&result);
        }
        assert_true(received[0] + 38 * 300 < received[1]);
    }
}

static void test_distrust(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    {
        struct load_options options = {.requests = 2, .connections = 1};
        struct load_result result;
        path_add(&options, TLS_SERVER, "/s");
        options.tls.insecure = false;
        running_do("distrust", kind, &options, &result);
        assert_summary(&result, "tls x2; 0 connections; 0 body bytes");
        load_result_close(&result);
    }
}

/* --- open loops ------------------------------------------------------------------------------- */

struct thaw {
    struct loopback *loopback;
    double after_s;
    bool is_done;
};

static void thaw_watch(void *context, const struct run_progress *progress)
{
    struct thaw *thaw = context;
    if (thaw->is_done || progress->stage != STAGE_WINDOW || progress->elapsed_s < thaw->after_s)
        return;
    thaw->is_done = true;
    loopback_continue(thaw->loopback, 1);
}

/* The server's first reply takes 200 ms, in which 20 requests come due, one each 5 ms: they all
 * have waited, and it is to be seen. */
static void test_freeze(void **state)
{
    (void)state;
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT_END}),
        SCRIPT({EXPECT, "GET /a "}, {PAUSE}, {SEND, REPLY(1, "a")}, FOUR(FOUR(GIVE)), GIVE, GIVE,
               GIVE, {EXPECT_END}),
    };
    FOR_KINDS(kind)
    {
        struct load_options options = {
            .client = kind, .requests = 20, .connections = 1, .rate_from = 200};
        struct load_result result;
        struct loopback *loopback = loopback_add(&options, scripts, 2);
        struct thaw thaw = {loopback, 0.2, false};
        run_watched(&options, (struct run_watch){thaw_watch, &thaw, 1, NULL}, &result);
        const struct stats *stats = &result.stats;
        assert_int_equal(stats->replies, 20);
        assert_true(histogram_min_ns(&stats->intended) >= 105 * millisecond_ns);
        assert_true(histogram_quantile(&stats->intended, 0.5) >= 150 * millisecond_ns);
        assert_true(histogram_max_ns(&stats->intended) >= 200 * millisecond_ns);
        assert_true(histogram_max_ns(&stats->phases[PHASE_QUEUE]) >= 195 * millisecond_ns);
        /* That is the server's doing: no connection was free. */
        assert_true(histogram_mean_ns(&stats->phases[PHASE_QUEUE]) >=
                    histogram_mean_ns(&stats->lag) + 1e8);
        load_result_close(&result);
        assert_loopback(loopback);
    }
}

struct slow {
    struct loopback *loopback;
    double gap_s;  /* between two requests */
    size_t first;  /* the connection that asked first; 0: none has */
    bool is_known; /* whether that one may have had two that were due */
    bool is_late;
};

/* The first one waits until the others were asked for all the rest. */
static void slow_watch(void *context, const struct run_progress *progress)
{
    struct slow *slow = context;
    if (slow->first > 0 && !slow->is_known) {
        slow->is_known = true;
        slow->is_late = progress->elapsed_s >= slow->gap_s;
    }
    bool is_over = slow->is_late || loopback_received(slow->loopback) == 6;
    for (size_t i = 1; i <= 3; i++) {
        if (loopback_paused(slow->loopback, i) == 0)
            continue;
        if (slow->first == 0)
            slow->first = i;
        if (i != slow->first || is_over)
            loopback_continue(slow->loopback, i);
    }
}

/* A thread that may have two requests under way does not take one that is not due yet: it could not
 * send it while it waits for the first one's reply. */
static void test_tickets(void **state)
{
    (void)state;
    static const struct loopback_script scripts[] = {
        SCRIPT_REPEAT(FOUR(FOUR({EXPECT, "GET /a "}, {PAUSE}, {SEND, REPLY(1, "a")}))),
    };
    struct load_options options = {
        .client = CLIENT_THREADS, .requests = 6, .connections = 3, .pipeline = 2, .rate_from = 50};
    struct load_result result;
    struct loopback *loopback = loopback_add(&options, scripts, 1);
    struct slow slow = {.loopback = loopback, .gap_s = 0.2};
    run_watched(&options, (struct run_watch){slow_watch, &slow, 1, NULL}, &result);
    assert_int_equal(result.stats.replies, 6);
    load_result_close(&result);
    loopback_close(loopback);
}

/* Far more is due than a server that never answers lets begin: the run ends nevertheless. */
static void test_overdue(void **state)
{
    (void)state;
    static const struct loopback_script scripts[] = {SCRIPT_REPEAT({EXPECT, "GET /a "}, {HOLD})};
    FOR_KINDS(kind)
    {
        struct load_options options = {.connections = 1,
                                       .rate_from = 10000,
                                       .duration_ns = 50 * millisecond_ns,
                                       .timeout_ns = 100 * millisecond_ns};
        struct load_result result;
        struct loopback *loopback = loopback_add(&options, scripts, 1);
        running_do("overdue", kind, &options, &result);
        const struct stats *stats = &result.stats;
        assert_int_equal(stats->requests + stats->unfinished + stats->unsent, 500);
        assert_int_equal(stats->begun + stats->resent, loopback_received(loopback));
        assert_true(result.stats.unsent > 0);
        assert_true(result.stats.errors[HAUL_DEADLINE] > 0);
        assert_true(result.window_s == 0.05);
        assert_true(result.elapsed_s > result.window_s);
        load_result_close(&result);
        loopback_close(loopback);
    }
}

/* --- stages ----------------------------------------------------------------------------------- */

static void test_duration(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    {
        struct load_options options = {
            .connections = 8, .threads = 2, .duration_ns = 100 * millisecond_ns};
        struct load_result result;
        path_add(&options, 0, "/s");
        running_do("duration", kind, &options, &result);
        assert_true(result.window_s == 0.1);
        assert_true(result.started_at > 1e9);
        assert_true(result.warm_up_s == 0);
        assert_int_equal(result.warm_up_requests, 0);
        assert_true(result.stats.finished_in_window <= result.stats.requests);
        assert_true(result.stats.late <= 8);
        assert_int_equal(result.stats.begun, result.stats.requests);
        assert_int_equal(result.connections, 8);
        for (uint32_t i = 0; i < result.thread_count; i++)
            assert_true(result.threads[i].busy >= 0);
        load_result_close(&result);
    }
}

/* The processor's share is of the window, though its only request is over at once. */
static void test_share(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    {
        struct load_options options = {
            .connections = 1, .rate_from = 2, .duration_ns = 400 * millisecond_ns};
        struct load_result result;
        path_add(&options, 0, "/s");
        running_do("one request", kind, &options, &result);
        const struct load_thread *thread = &result.threads[0];
        double used_s = thread->user_s + thread->system_s;
        assert_int_equal(result.stats.requests, 1);
        assert_true(thread->span_s >= 0.4 && used_s > 0);
        assert_true(fabs(thread->busy * thread->span_s - used_s) < 1e-6);
        assert_true(thread->busy < 0.25);
        load_result_close(&result);
    }
}

/* It is looked at when the window is over, not when the last reply has come. */
static void test_share_of_window(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    {
        struct load_options options = {.connections = 1,
                                       .duration_ns = 100 * millisecond_ns,
                                       .timeout_ns = 2000 * millisecond_ns};
        struct load_result result;
        path_add(&options, 0, "/stall");
        running_do("a reply that does not come", kind, &options, &result);
        assert_true(result.elapsed_s >= 2);
        assert_true(result.threads[0].span_s >= 0.1 && result.threads[0].span_s < 1.5);
        load_result_close(&result);
    }
}

static int by_value(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* The window begins when every client has seen it: the first request is begun when it is due, and
 * not up to 10 ms later. A machine that has other things to do makes some late, but not all. */
static void test_first_request(void **state)
{
    enum { TRIES = 15, BEST = 3 };
    (void)state;
    FOR_KINDS(kind)
    {
        uint64_t lags_ns[TRIES];
        for (unsigned i = 0; i < TRIES; i++) {
            struct load_options options = {
                .connections = 1, .rate_from = 500, .duration_ns = millisecond_ns};
            struct load_result result;
            path_add(&options, 0, "/s");
            running_do("1 ms", kind, &options, &result);
            assert_true(result.window_s == 0.001);
            assert_int_equal(result.stats.requests, 1);
            lags_ns[i] = histogram_max_ns(&result.stats.lag);
            load_result_close(&result);
        }
        qsort(lags_ns, TRIES, sizeof *lags_ns, by_value);
        assert_true(lags_ns[BEST - 1] < millisecond_ns * 7 / 10);
    }
}

/* Whichever comes first ends the window. */
static void test_count_and_duration(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    {
        struct load_options options = {
            .requests = 10, .connections = 2, .duration_ns = 60000 * millisecond_ns};
        struct load_result result;
        path_add(&options, 0, "/s");
        running_do("10 requests", kind, &options, &result);
        assert_int_equal(result.stats.replies, 10);
        assert_true(result.window_s < 60);
        load_result_close(&result);
        options.requests = UINT64_C(1) << 40;
        options.duration_ns = 20 * millisecond_ns;
        running_do("20 ms", kind, &options, &result);
        assert_true(result.stats.replies < options.requests);
        assert_true(result.window_s == 0.02);
        load_result_close(&result);
    }
}

/* What warming up leaves under way is not the window's. */
static void test_warm_up(void **state)
{
    (void)state;
    static const int64_t lengths[] = {10000000, 30000000, LOAD_WARM_UP_AUTO};
    FOR_KINDS(kind)
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct load_options options = {
            .requests = 1000, .connections = 32, .threads = 2, .warm_up_ns = lengths[i]};
        struct load_result result;
        path_add(&options, 0, "/s");
        running_do("warm-up", kind, &options, &result);
        assert_int_equal(result.stats.begun, 1000);
        assert_int_equal(result.stats.replies, 1000);
        assert_true(result.warm_up_s * 1e9 >= (double)lengths[i]);
        load_result_close(&result);
    }
}

struct track {
    struct run_progress last;
    unsigned looks;
    bool is_wrong;
};

static void track_watch(void *context, const struct run_progress *progress)
{
    struct track *track = context;
    track->is_wrong |= progress->stage < track->last.stage ||
                       progress->finished < track->last.finished ||
                       progress->opened < track->last.opened || progress->opened > 8;
    track->last = *progress;
    track->looks++;
}

static void test_progress(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    {
        struct track track = {0};
        struct load_options options = {.client = kind,
                                       .connections = 8,
                                       .threads = 2,
                                       .warm_up_ns = 20000000,
                                       .duration_ns = 400 * millisecond_ns};
        struct load_result result;
        path_add(&options, 0, "/status/404");
        run_watched(&options, (struct run_watch){track_watch, &track, 1, NULL}, &result);
        assert_false(track.is_wrong);
        assert_true(track.looks > 1);
        assert_int_equal(track.last.opened, 8);
        load_result_close(&result);
    }
}

/* --- what is no run --------------------------------------------------------------------------- */

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        struct haul_tls tls;
        int error;
        const char *message; /* how it begins */
    } faults[] = {
        {"http://127.0.0.1:1/", {0}, -ECONNREFUSED, "host '127.0.0.1', port 1: Connection refused"},
        {"nonsense", {0}, -EINVAL, "URL 'nonsense', character "},
        {NULL, {.ca_file = "/nowhere"}, -ENOKEY, "TLS: "},
        {NULL, {.pinned_keys = "x"}, -EINVAL, "TLS: "},
        {NULL, {.client_certificate = "/nowhere"}, -EKEYREJECTED, "TLS: "},
    };
    FOR_KINDS(kind)
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct load_options options = {.client = kind, .connections = 9, .tls = faults[i].tls};
        struct load_result result;
        char message[200];
        if (faults[i].url) {
            options.urls = &faults[i].url;
            options.url_count = 1;
        } else {
            path_add(&options, TLS_SERVER, "/s");
            options.tls.insecure = false;
        }
        assert_int_equal(load_run(&options, NULL, &result, message, sizeof message),
                         faults[i].error);
        assert_memory_equal(message, faults[i].message, strlen(faults[i].message));
        assert_null(result.threads);
        assert_null(result.stats.actual.counts);
    }
}

/* --- servers that nobody would want ----------------------------------------------------------- */

/* Answers one request, having gone out of service. */
static void *answer_once(void *argument)
{
    static const char reply[] = OK "Connection: close\r\nContent-Length: 1\r\n\r\nx";
    char head[4096];
    int listener = *(int *)argument;
    close(accept(listener, NULL, NULL)); /* whether somebody is there */
    int fd = accept(listener, NULL, NULL);
    bool is_asked = recv(fd, head, sizeof head, 0) > 0;
    close(listener);
    if (is_asked)
        send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static void test_refused(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    {
        struct load_options options = {.requests = 3, .connections = 1};
        struct load_result result;
        uint16_t port;
        pthread_t thread;
        int listener = address_hold(16, &port);
        assert_int_equal(pthread_create(&thread, NULL, answer_once, &listener), 0);
        url_add(&options, "http", port, "/a");
        running_do("refused", kind, &options, &result);
        pthread_join(thread, NULL);
        assert_summary(&result, "200 x1, connect x2; 1 connections; 1 body bytes");
        assert_true(result.stats.pauses >= 1);
        assert_int_equal(stats_errors(&result.stats), 2);
        assert_true(result.window_s >= 0.1); /* it does not knock again at once */
        load_result_close(&result);
    }
}

/* The queue of those that want to be accepted is full: nothing is refused, and nothing goes on. */
static void test_unaccepted(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    {
        struct load_options options = {
            .requests = 2, .connections = 1, .timeout_ns = 200 * millisecond_ns};
        struct load_result result;
        uint16_t port;
        int listener = address_hold(0, &port);
        url_add(&options, "http", port, "/a");
        running_do("unaccepted", kind, &options, &result);
        assert_summary(&result, "deadline x2; 0 connections; 0 body bytes");
        assert_true(result.opening_s >= 0.2);
        load_result_close(&result);
        close(listener);
    }
}

/* --- runs that are interrupted ---------------------------------------------------------------- */

/* In a process of its own, for a signal is noted for good; its exit status says how it went. 77: it
 * could not be. */
static int child_status(void (*check)(enum client_kind kind), enum client_kind kind)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGINT, SIG_DFL); /* a shell's background job ignores it */
        signals_catch();
        check(kind);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != NO_NETWORK))
        fail_msg("over %s: status %d, see above", client_name(kind), status);
    return WEXITSTATUS(status);
}

static void in_child(void (*check)(enum client_kind kind), enum client_kind kind)
{
    assert_int_equal(child_status(check, kind), 0);
}

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #what);                             \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* When the signal is to come. */
struct trap {
    enum stage stage;
    uint64_t finished;
    double elapsed_s;
    bool is_sent;
};

static void trap_watch(void *context, const struct run_progress *progress)
{
    struct trap *trap = context;
    if (trap->is_sent || progress->stage < trap->stage || progress->finished < trap->finished ||
        progress->elapsed_s < trap->elapsed_s)
        return;
    trap->is_sent = true;
    raise(SIGINT);
}

/* watch may be NULL. */
static void run_in_child(const struct load_options *options, const struct run_watch *watch,
                         struct load_result *ret_result)
{
    char message[200];
    CHECK(load_run(options, watch, ret_result, message, sizeof message) == 0);
    const char *violation = running_violation(ret_result);
    if (violation)
        fprintf(stderr, "%s\n", violation);
    CHECK(violation == NULL);
}

static void run_trapped(struct load_options *options, struct trap trap,
                        struct load_result *ret_result)
{
    options->duration_ns = 60000 * millisecond_ns;
    options->timeout_ns = 60000 * millisecond_ns;
    run_in_child(options, &(struct run_watch){trap_watch, &trap, 1, NULL}, ret_result);
    CHECK(ret_result->is_interrupted);
    CHECK(ret_result->window_s < 60);
}

static void check_interrupted(enum client_kind kind)
{
    struct load_options options = {.client = kind, .connections = 4};
    struct load_result result;
    path_add(&options, 0, "/s");
    run_trapped(&options, (struct trap){.stage = STAGE_WINDOW, .finished = 5}, &result);
    CHECK(result.stats.replies >= 5);
    CHECK(result.stats.unfinished <= 4);
    CHECK(result.window_s > 0);
    load_result_close(&result);
}

/* What was not due yet when the signal came is not missing. */
static void check_interrupted_open_loop(enum client_kind kind)
{
    struct load_options options = {.client = kind, .connections = 4, .rate_from = 1000};
    struct load_result result;
    path_add(&options, 0, "/s");
    run_trapped(&options, (struct trap){.stage = STAGE_WINDOW, .finished = 20}, &result);
    CHECK(result.stats.replies >= 20);
    CHECK(result.stats.begun + result.stats.unsent < 60000);
    CHECK(result.stats.begun + result.stats.unsent >= (uint64_t)(result.window_s * 1000));
    load_result_close(&result);
}

static void check_interrupted_wait(enum client_kind kind)
{
    struct load_options options = {.client = kind, .connections = 4};
    struct load_result result;
    path_add(&options, 0, "/stall");
    run_trapped(&options, (struct trap){.stage = STAGE_WINDOW, .elapsed_s = 0.05}, &result);
    CHECK(result.stats.requests == 0 && result.stats.unfinished == 4);
    CHECK(result.stats.oldest_ns >= 20000000);
    CHECK(result.window_s >= 0.05);
    load_result_close(&result);
}

static void check_interrupted_opening(enum client_kind kind)
{
    struct load_options options = {.client = kind, .connections = 4};
    struct load_result result;
    uint16_t port;
    int listener = address_hold(0, &port);
    url_add(&options, "http", port, "/a");
    run_trapped(&options, (struct trap){.stage = STAGE_OPENING, .elapsed_s = 0.05}, &result);
    CHECK(result.stats.begun == 0 && result.stats.requests == 0 && result.stats.connections == 0);
    CHECK(result.window_s == 0 && result.elapsed_s == 0);
    load_result_close(&result);
    close(listener);
}

static void check_interrupted_warm_up(enum client_kind kind)
{
    struct load_options options = {
        .client = kind, .connections = 4, .warm_up_ns = (int64_t)(60000 * millisecond_ns)};
    struct load_result result;
    path_add(&options, 0, "/s");
    run_trapped(&options, (struct trap){.stage = STAGE_WARMING, .finished = 5}, &result);
    CHECK(result.stats.begun == 0);
    CHECK(result.stats.requests == 0);
    CHECK(result.window_s == 0 && result.warm_up_requests >= 5);
    load_result_close(&result);
}

static void test_interrupted(void **state)
{
    (void)state;
    static void (*const checks[])(enum client_kind kind) = {
        check_interrupted,         check_interrupted_open_loop, check_interrupted_wait,
        check_interrupted_opening, check_interrupted_warm_up,
    };
    FOR_KINDS(kind)
    for (size_t i = 0; i < COUNT(checks); i++)
        in_child(checks[i], kind);
}

/* --- was it me? ------------------------------------------------------------------------------- */

/* Tells a descriptor when the window has begun, and stays in it until it is told itself. */
static void told_watch(void *context, const struct run_progress *progress)
{
    struct trap *trap = context;
    if (trap->is_sent || progress->stage < STAGE_WINDOW || progress->elapsed_s < trap->elapsed_s)
        return;
    trap->is_sent = true;
    CHECK(write((int)trap->finished, "x", 1) == 1);
}

enum { NOT_SEEN = 2 };

/* A client that does not run for a second, though it has not slept so long of itself. What of it
 * was waiting for a processor is not told, and on a busy machine that is much. */
static void check_stopped(enum client_kind kind, int told)
{
    struct trap trap = {.finished = (uint64_t)told, .elapsed_s = 0.05};
    struct run_watch watch = {told_watch, &trap, 1, NULL};
    struct load_options options = {
        .client = kind, .connections = 4, .duration_ns = 1500 * millisecond_ns};
    struct load_result result;
    path_add(&options, 0, "/s");
    run_in_child(&options, &watch, &result);
    bool is_seen = load_threads_sum(&result).stopped_s >= 0.2;
    CHECK(load_threads_sum(&result).stopped_s <= result.elapsed_s);
    load_result_close(&result);
    _exit(is_seen ? 0 : NOT_SEEN);
}

/* Stops a client for a second; returns how it ended. */
static int stop_client(enum client_kind kind)
{
    const struct timespec stop = {.tv_sec = 1};
    int told[2], status;
    char byte;
    assert_int_equal(pipe(told), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(told[0]);
        check_stopped(kind, told[1]);
    }
    close(told[1]);
    bool has_begun = read(told[0], &byte, 1) == 1;
    close(told[0]);
    if (has_begun) {
        kill(child, SIGSTOP);
        nanosleep(&stop, NULL);
        kill(child, SIGCONT);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(has_begun && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Where others use the processors up, all of the second may count as waiting for them, or it may
 * begin when the window is over: then it is tried again. */
static void test_stopped(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    {
        uint64_t until_ns = client_now_ns() + TEST_PATIENCE_MS * millisecond_ns;
        int status = NOT_SEEN;
        while (status == NOT_SEEN && client_now_ns() < until_ns)
            status = stop_client(kind);
        assert_int_equal(status, 0);
    }
}

enum { HOGS = 3 };

/* Busy until they are ended, or nobody is left to end them. */
static void hogs_start(pid_t *ret_hogs)
{
    for (int i = 0; i < HOGS; i++) {
        ret_hogs[i] = fork();
        CHECK(ret_hogs[i] >= 0);
        if (ret_hogs[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (volatile unsigned turns = 0;; turns++)
                ;
        }
    }
}

/* Three others on its processor, and it would use all of that itself. */
static void check_starved(enum client_kind kind)
{
    struct load_options options = {
        .client = kind, .connections = 16, .duration_ns = 1000 * millisecond_ns};
    struct load_result result;
    pid_t hogs[HOGS];
    cpu_set_t set;
    int cpu = 0;
    CHECK(sched_getaffinity(0, sizeof set, &set) == 0);
    while (!CPU_ISSET(cpu, &set))
        cpu++;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
    hogs_start(hogs);
    path_add(&options, 0, "/s");
    run_in_child(&options, NULL, &result);
    for (int i = 0; i < HOGS; i++) {
        kill(hogs[i], SIGKILL);
        waitpid(hogs[i], NULL, 0);
    }
    double waited_s = load_threads_sum(&result).waited_s;
    CHECK(waited_s < 0 || waited_s >= 0.1);
    CHECK(result.others < 0 || result.others >= 0.1);
    load_result_close(&result);
}

static void test_starved(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    in_child(check_starved, kind);
}

/* A server that announces its end, and stays. */
static void test_lingering(void **state)
{
    static const struct loopback_script scripts[] = {SCRIPT_REPEAT(
        {EXPECT, "GET /a "}, {SEND, OK "Connection: close\r\nContent-Length: 1\r\n\r\nx"}, {HOLD})};
    (void)state;
    FOR_KINDS(kind)
    {
        struct load_options options = {.connections = 2, .duration_ns = 1200 * millisecond_ns};
        struct load_result result;
        struct loopback *loopback = loopback_add(&options, scripts, 1);
        running_do("lingering", kind, &options, &result);
        const struct stats *stats = &result.stats;
        assert_true(stats->lingers >= 2);
        assert_true(stats->lingered_ns >= 1900 * millisecond_ns);
        assert_int_equal(stats->requests, loopback_received(loopback));
        load_result_close(&result);
        loopback_close(loopback);
    }
}

/* Of what is late in an open loop the window has no part: no more than its own time is lingered. */
static void test_lingering_behind(void **state)
{
    static const struct loopback_script scripts[] = {SCRIPT_REPEAT(
        {EXPECT, "GET /a "}, {SEND, OK "Connection: close\r\nContent-Length: 1\r\n\r\nx"}, {HOLD})};
    (void)state;
    FOR_KINDS(kind)
    {
        struct load_options options = {.connections = 1,
                                       .rate_from = 10,
                                       .duration_ns = 200 * millisecond_ns,
                                       .linger_ns = 500 * millisecond_ns};
        struct load_result result;
        struct loopback *loopback = loopback_add(&options, scripts, 1);
        running_do("lingering behind the window", kind, &options, &result);
        assert_int_equal(result.stats.requests, 2);
        assert_in_range(result.stats.lingered_ns, 0, 200 * millisecond_ns);
        load_result_close(&result);
        loopback_close(loopback);
    }
}

/* --- ports ------------------------------------------------------------------------------------ */

/* Connections that this side has closed first, so that their own ports wait. */
static unsigned waiting_ports(unsigned port)
{
    FILE *file = fopen("/proc/net/tcp", "r");
    char line[256];
    unsigned count = 0;
    CHECK(file != NULL);
    while (fgets(line, sizeof line, file)) {
        unsigned remote_port, state;
        count += sscanf(line, "%*s %*s %*8x:%4x %2x", &remote_port, &state) == 2 &&
                 remote_port == port && state == TCP_TIME_WAIT;
    }
    fclose(file);
    return count;
}

/* The server closes first: 28,000 ports would not last long. Only at the end nobody is waited
 * for. In a network of its own, where nobody else's sockets are counted. */
static void check_ports(enum client_kind kind)
{
    enum { REQUESTS = 400, CONNECTIONS = 2 };
    struct load_options options = {
        .client = kind, .requests = REQUESTS, .connections = CONNECTIONS, .is_closing = true};
    struct load_result result;
    struct server *server;
    pthread_t thread;
    if (!network_take())
        _exit(NO_NETWORK);
    CHECK(server_open(&server, &(struct server_options){0}) == 0);
    CHECK(pthread_create(&thread, NULL, serve, server) == 0);
    url_add(&options, "http", server_port(server), "/s");
    run_in_child(&options, NULL, &result);
    CHECK(result.stats.connections == REQUESTS);
    CHECK(waiting_ports(server_port(server)) <= CONNECTIONS);
    load_result_close(&result);
    server_stop(server);
    pthread_join(thread, NULL);
    server_close(server);
}

static void test_ports(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    if (child_status(check_ports, kind) == NO_NETWORK) {
        print_message("  no network name space is to be had here\n");
        skip();
    }
}

/* --- descriptors ------------------------------------------------------------------------------ */

static void descriptors_limit(rlim_t soft, rlim_t hard)
{
    struct rlimit limit = {soft, hard};
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* More connections than descriptors: as many as there are. */
static void check_few_descriptors(enum client_kind kind)
{
    struct load_options options = {.client = kind, .requests = 200, .connections = 2000};
    struct load_result result;
    descriptors_limit(100, 200);
    path_add(&options, 0, "/s");
    run_in_child(&options, NULL, &result);
    CHECK(result.stats.replies == 200);
    CHECK(result.connections < 200 && result.connections > 100);
    CHECK(result.stats.connections == result.connections);
    load_result_close(&result);
}

/* None for a while, in the middle of the run. */
static void drought_watch(void *context, const struct run_progress *progress)
{
    struct trap *trap = context;
    if (progress->stage != STAGE_WINDOW || trap->is_sent)
        return;
    if (progress->errors == 0 && progress->finished >= 5) {
        descriptors_limit(3, 1000);
    } else if (progress->errors > 0 && trap->finished == 0) {
        descriptors_limit(1000, 1000);
        trap->finished = progress->finished;
    } else if (progress->errors > 0 && progress->finished > trap->finished + 100) {
        trap->is_sent = true;
        raise(SIGINT);
    }
}

static void check_drought(enum client_kind kind)
{
    struct trap trap = {0};
    struct run_watch watch = {drought_watch, &trap, 1, NULL};
    struct load_options options = {.client = kind,
                                   .connections = 4,
                                   .is_closing = true,
                                   .duration_ns = 60000 * millisecond_ns};
    struct load_result result;
    descriptors_limit(1000, 1000);
    path_add(&options, 0, "/s");
    run_in_child(&options, &watch, &result);
    CHECK(result.stats.errors[HAUL_RESOURCE] > 0);
    CHECK(result.stats.errors[HAUL_RESOURCE] == stats_errors(&result.stats));
    CHECK(result.stats.replies > 0);
    load_result_close(&result);
}

static void test_descriptors(void **state)
{
    (void)state;
    FOR_KINDS(kind)
    {
        in_child(check_few_descriptors, kind);
        in_child(check_drought, kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_tls_rows),
        cmocka_unit_test(test_two_servers),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_arrivals),
        cmocka_unit_test(test_resumption),
        cmocka_unit_test(test_distrust),
        cmocka_unit_test(test_freeze),
        cmocka_unit_test(test_tickets),
        cmocka_unit_test(test_overdue),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_starved),
        cmocka_unit_test(test_lingering),
        cmocka_unit_test(test_first_request),
        cmocka_unit_test(test_lingering_behind),
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_share_of_window),
        cmocka_unit_test(test_duration),
        cmocka_unit_test(test_count_and_duration),
        cmocka_unit_test(test_warm_up),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_unaccepted),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_descriptors),
    };
    return cmocka_run_group_tests(tests, servers_begin, servers_end);
}
