/* Requests that differ, against what a server saw: each index once, the same one in the path, the
 * header and the body of a request, whatever the client, its loops and its pipelining; of a server
 * that ends connections each is asked again as itself. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/load/conductor.h"
#include "bench/load/workload.h"
#include "tests/lib/address.h"
#include "tests/lib/running.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 4096, REQUEST_BYTES = 65536, BACKLOG = 256 };

#define MS UINT64_C(1000000)

/* --- a server that remembers ------------------------------------------------------------------ */

struct witness {
    int listener;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned open;
    unsigned patience;   /* of a connection: so many replies, then it ends; 0: no end */
    unsigned seen[MOST]; /* by index */
    unsigned wrong;      /* header or body of another index than the path's */
    unsigned methods[3]; /* GET, HEAD, POST */
};

struct guest {
    struct witness *witness;
    int fd;
    size_t length;
    bool is_silent;
    unsigned replies;
    char bytes[REQUEST_BYTES];
};

/* Of the request that begins the bytes; 0: it is not whole. */
static size_t request_length(const struct guest *guest)
{
    const char *end = memmem(guest->bytes, guest->length, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    size_t head = (size_t)(end - guest->bytes) + 4;
    const char *field = memmem(guest->bytes, head, "Content-Length: ", 16);
    size_t body = field != NULL ? strtoul(field + 16, NULL, 10) : 0;
    return head + body <= guest->length ? head + body : 0;
}

/* "/INDEX", "X-Index: INDEX" and a body "INDEX", if it has one. */
static void remember(struct guest *guest, const char *request, size_t length)
{
    struct witness *witness = guest->witness;
    const char *end = strstr(request, "\r\n\r\n") + 4, *field = strstr(request, "X-Index: ");
    unsigned long index = strtoul(strchr(request, '/') + 1, NULL, 10);
    bool is_right = field == NULL || strtoul(field + 9, NULL, 10) == index;
    is_right &= end == request + length || strtoul(end, NULL, 10) == index;
    pthread_mutex_lock(&witness->lock);
    witness->wrong += !is_right;
    witness->seen[index < MOST ? index : 0]++;
    witness->methods[request[0] == 'G' ? 0 : request[0] == 'H' ? 1 : 2]++;
    pthread_mutex_unlock(&witness->lock);
}

static void answer(struct guest *guest, const char *request)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    size_t length = sizeof reply - 1 - (request[0] == 'H' ? 5 : 0);
    bool is_over = guest->witness->patience > 0 && guest->replies++ >= guest->witness->patience;
    if (guest->is_silent)
        return;
    if (is_over)
        shutdown(guest->fd, SHUT_WR);
    else if (send(guest->fd, reply, length, MSG_NOSIGNAL) < 0)
        return; /* the client has gone */
    guest->is_silent = is_over;
}

static void *guest_run(void *argument)
{
    struct guest *guest = argument;
    struct witness *witness = guest->witness;
    ssize_t got;
    while ((got = recv(guest->fd, guest->bytes + guest->length, REQUEST_BYTES - 1 - guest->length,
                       0)) > 0) {
        guest->length += (size_t)got;
        for (size_t length; (length = request_length(guest)) > 0;) {
            char kept = guest->bytes[length];
            guest->bytes[length] = '\0';
            remember(guest, guest->bytes, length);
            answer(guest, guest->bytes);
            guest->bytes[length] = kept;
            guest->length -= length;
            memmove(guest->bytes, guest->bytes + length, guest->length);
        }
    }
    close(guest->fd);
    free(guest);
    pthread_mutex_lock(&witness->lock);
    witness->open--;
    pthread_cond_signal(&witness->changed);
    pthread_mutex_unlock(&witness->lock);
    return NULL;
}

static void *witness_run(void *argument)
{
    struct witness *witness = argument;
    for (int fd; (fd = accept(witness->listener, NULL, NULL)) >= 0;) {
        struct guest *guest = calloc(1, sizeof *guest);
        pthread_t thread;
        guest->witness = witness;
        guest->fd = fd;
        pthread_mutex_lock(&witness->lock);
        witness->open++;
        pthread_mutex_unlock(&witness->lock);
        if (pthread_create(&thread, NULL, guest_run, guest) != 0)
            abort();
        pthread_detach(thread);
    }
    return NULL;
}

static void witness_open(struct witness *witness, unsigned patience)
{
    *witness = (struct witness){.lock = PTHREAD_MUTEX_INITIALIZER,
                                .changed = PTHREAD_COND_INITIALIZER,
                                .patience = patience};
    witness->listener = address_hold(BACKLOG, &witness->port);
    assert_int_equal(pthread_create(&witness->thread, NULL, witness_run, witness), 0);
}

/* When the last of its connections has ended. */
static void witness_close(struct witness *witness)
{
    shutdown(witness->listener, SHUT_RDWR);
    pthread_join(witness->thread, NULL);
    pthread_mutex_lock(&witness->lock);
    while (witness->open > 0)
        pthread_cond_wait(&witness->changed, &witness->lock);
    pthread_mutex_unlock(&witness->lock);
    close(witness->listener);
}

/* --- each index once -------------------------------------------------------------------------- */

static const char *const headers[] = {"X-Index: {index}", NULL};

static const struct row {
    const char *name;
    uint32_t connections, threads, pipeline, requests;
    bool has_body;
    bool is_closing;
} rows[] = {
    {"one after the other", 1, 1, 1, 50, false, false},
    {"many connections", 16, 1, 1, 500, true, false},
    {"several loops", 16, 3, 1, 500, false, false},
    {"pipelined", 4, 1, 7, 500, true, false},
    {"pipelined, several loops", 6, 2, 5, 500, false, false},
    {"a connection a request", 4, 2, 1, 60, false, true},
    {"fewer than connections", 8, 2, 1, 5, false, false},
};

static struct load_options options_of(const struct row *row, const char *const *urls)
{
    return (struct load_options){
        .urls = urls,
        .url_count = 1,
        .is_template = true,
        .connections = row->connections,
        .threads = row->threads,
        .pipeline = row->pipeline,
        .requests = row->requests,
        .timeout_ns = 60000 * MS,
        .is_closing = row->is_closing,
        .http = {.headers = headers,
                 .has_body = row->has_body,
                 .body = "{index}",
                 .body_length = row->has_body ? 7 : 0},
    };
}

static void test_each_once(void **state)
{
    (void)state;
    for (int kind = 0; kind < CLIENT_COUNT; kind++)
        for (size_t i = 0; running_has((enum client_kind)kind) && i < sizeof rows / sizeof *rows;
             i++) {
            struct witness witness;
            struct load_result result;
            char url[64];
            const char *urls[] = {url, NULL};
            witness_open(&witness, 0);
            snprintf(url, sizeof url, "http://127.0.0.1:%u/{index}", witness.port);
            struct load_options options = options_of(&rows[i], urls);
            running_do(rows[i].name, (enum client_kind)kind, &options, &result);
            witness_close(&witness);
            assert_int_equal(result.prepared, rows[i].requests > rows[i].threads ? rows[i].requests
                                                                                 : rows[i].threads);
            assert_int_equal(result.stats.requests, rows[i].requests);
            assert_int_equal(witness.wrong, 0);
            for (unsigned k = 0; k < MOST; k++)
                assert_int_equal(witness.seen[k], k < rows[i].requests);
            load_result_close(&result);
        }
}

/* Who ends a connection after a few replies, and has read what was sent behind them, sees that
 * again: as itself. */
static void test_again(void **state)
{
    (void)state;
    for (int kind = 0; kind < CLIENT_COUNT; kind++)
        for (size_t i = 0; running_has((enum client_kind)kind) && i < sizeof rows / sizeof *rows;
             i++) {
            struct witness witness;
            struct load_result result;
            char url[64];
            const char *urls[] = {url, NULL};
            uint64_t seen = 0, unseen = 0;
            if (rows[i].has_body || rows[i].is_closing)
                continue;
            witness_open(&witness, 3);
            snprintf(url, sizeof url, "http://127.0.0.1:%u/{index}", witness.port);
            struct load_options options = options_of(&rows[i], urls);
            running_do(rows[i].name, (enum client_kind)kind, &options, &result);
            witness_close(&witness);
            for (unsigned k = 0; k < MOST; k++) {
                seen += witness.seen[k];
                unseen += k < rows[i].requests && witness.seen[k] == 0;
            }
            assert_int_equal(witness.wrong + unseen, 0);
            assert_int_equal(seen, result.stats.requests + result.stats.resent);
            assert_int_equal(result.stats.replies, result.stats.requests);
            if (rows[i].requests > 4 * rows[i].connections)
                assert_true(result.stats.resent > 0);
            load_result_close(&result);
        }
}

/* The {index} of each request tells when it was due, and so its stage, over any number of
 * connections. */
static void test_stages(void **state)
{
    static const struct load_stage stages[] = {
        {100 * MS, 300, 300}, {100 * MS, 300, 900}, {50 * MS, 0, 0}, {50 * MS, 2000, 2000}};
    (void)state;
    for (int kind = 0; kind < CLIENT_COUNT; kind++) {
        struct witness witness;
        struct load_result result;
        char url[64];
        const char *urls[] = {url, NULL};
        if (!running_has((enum client_kind)kind))
            continue;
        witness_open(&witness, 0);
        snprintf(url, sizeof url, "http://127.0.0.1:%u/{index}", witness.port);
        struct load_options options = options_of(&rows[2], urls);
        options.requests = 0;
        options.stages = stages;
        options.stage_count = 4;
        running_do("stages", (enum client_kind)kind, &options, &result);
        witness_close(&witness);
        for (size_t i = 0; i < 4; i++) {
            uint64_t seen = 0;
            for (uint64_t k = workload_due_before(&options, i);
                 k < workload_due_before(&options, i + 1); k++)
                seen += witness.seen[k];
            assert_int_equal(result.stages[i].requests, seen);
        }
        assert_int_equal(result.stats.requests, 30 + 60 + 100);
        load_result_close(&result);
    }
}

/* --- each target with what is its own --------------------------------------------------------- */

/* A reply to HEAD has no body though it has a length, among others on one connection. */
static void test_methods(void **state)
{
    static const struct load_target targets[] = {
        {0},
        {.method = "HEAD"},
        {.body = "2", .body_length = 1, .has_body = true},
        {.method = "HEAD"},
    };
    (void)state;
    for (int kind = 0; kind < CLIENT_COUNT; kind++)
        for (uint32_t depth = 1; running_has((enum client_kind)kind) && depth <= 5; depth += 2) {
            struct witness witness;
            struct load_result result;
            char texts[4][64];
            const char *urls[] = {texts[0], texts[1], texts[2], texts[3], NULL};
            witness_open(&witness, 0);
            for (int i = 0; i < 4; i++)
                snprintf(texts[i], sizeof texts[i], "http://127.0.0.1:%u/%d", witness.port, i);
            struct load_options options = {.urls = urls,
                                           .url_count = 4,
                                           .targets = targets,
                                           .connections = 1,
                                           .pipeline = depth,
                                           .timeout_ns = 60000 * MS,
                                           .requests = 200};
            running_do("methods", (enum client_kind)kind, &options, &result);
            witness_close(&witness);
            assert_int_equal(result.stats.replies, 200);
            assert_int_equal(result.stats.body_bytes, 100 * 5);
            assert_int_equal(witness.methods[0], 50);
            assert_int_equal(witness.methods[1], 100);
            assert_int_equal(witness.methods[2], 50);
            assert_int_equal(witness.wrong, 0);
            load_result_close(&result);
        }
}

/* A POST is never sent twice, though GETs beside it on the same connections are. */
static void test_post_once(void **state)
{
    static const struct load_target targets[] = {{0},
                                                 {.body = "1", .body_length = 1, .has_body = true}};
    (void)state;
    for (int kind = 0; kind < CLIENT_COUNT; kind++)
        for (uint32_t depth = 1; running_has((enum client_kind)kind) && depth <= 4; depth++) {
            struct witness witness;
            struct load_result result;
            char texts[2][64];
            const char *urls[] = {texts[0], texts[1], NULL};
            witness_open(&witness, 2);
            for (int i = 0; i < 2; i++)
                snprintf(texts[i], sizeof texts[i], "http://127.0.0.1:%u/%d", witness.port, i);
            struct load_options options = {.urls = urls,
                                           .url_count = 2,
                                           .targets = targets,
                                           .connections = 2,
                                           .pipeline = depth,
                                           .timeout_ns = 60000 * MS,
                                           .requests = 200};
            running_do("posts", (enum client_kind)kind, &options, &result);
            witness_close(&witness);
            uint64_t seen = witness.methods[0] + witness.methods[2];
            assert_int_equal(seen, result.stats.requests + result.stats.resent);
            assert_true(witness.methods[2] <= 101); /* of two connections' rounds */
            load_result_close(&result);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_once), cmocka_unit_test(test_again),
        cmocka_unit_test(test_stages),    cmocka_unit_test(test_methods),
        cmocka_unit_test(test_post_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
