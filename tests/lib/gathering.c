/* Runs rows and scenarios over each loop. What is easy to get wrong is waiting: nothing here waits
 * for time to pass, only for the engine or the server to have come to a certain point, while the
 * engine is driven in short steps. */

#include "tests/lib/gathering.h"

#include "bench/server/server.h"
#include "engine/engine.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEP_MS = 5, SHOWN_BYTES = 40, LINE_BYTES = 256, URL_BYTES = 20000 };

static const struct variant {
    const char *name;
    int (*open)(struct loop **ret_loop, const struct loop_options *options);
    uint32_t without;
} variants[] = {
    {"uring", loop_uring_open, 0},
    {"uring, COOP_TASKRUN", loop_uring_open, LOOP_WITHOUT_DEFER_TASKRUN},
    {"uring, no buffer ring", loop_uring_open, LOOP_WITHOUT_BUFFER_RING},
    {"epoll", loop_epoll_open, 0},
};

enum { VARIANTS = sizeof variants / sizeof *variants };

struct pairing {
    const struct variant *variant;
    const struct gathering_row *row;
    const struct gathering_scenario *scenario;
    char name[160];
};

static const struct variant *current = &variants[0];
static const char *ca_file;
static enum haul_backend tls_backend = HAUL_BACKEND_BEARSSL;
static char note[160];

/* --- the engine ------------------------------------------------------------------------------- */

struct loop *gathering_open_loop(const struct haul_options *options)
{
    struct loop_options loop_options = {.polls = BUDGET_RESOLVER_TAGS, .without = current->without};
    struct loop *loop = NULL;
    assert_int_equal(engine_slots(options, &loop_options.slots), 0);
    loop_options.polls += loop_options.slots; /* a body each may be waited for */
    int error = current->open(&loop, &loop_options);
    return error ? NULL : loop;
}

enum haul_loop gathering_loop(void)
{
    return current->open == loop_epoll_open ? HAUL_LOOP_EPOLL : HAUL_LOOP_URING;
}

void gathering_trust(const char *file)
{
    ca_file = file;
}

void gathering_backend(enum haul_backend backend)
{
    tls_backend = backend;
}

struct haul *gathering_open(const struct haul_options *options)
{
    return gathering_open_on(gathering_open_loop(options), options);
}

struct haul *gathering_open_on(struct loop *loop, const struct haul_options *options)
{
    struct haul_options trusting = *options;
    struct haul_tls tls = trusting.tls ? *trusting.tls : (struct haul_tls){0};
    struct haul *haul = NULL;
    assert_non_null(loop);
    if (ca_file)
        tls.ca_file = ca_file;
    if (tls.backend == HAUL_BACKEND_AUTO)
        tls.backend = tls_backend;
    trusting.tls = &tls;
    assert_int_equal(haul_open_on_loop(&haul, &trusting, loop), 0);
    return haul;
}

/* What is closed may still have to be reaped; nothing else may be under way. */
static void reap(struct engine *engine)
{
    for (int i = 0; engine->pool.slab.taken > engine->pool.open; i++) {
        assert_in_range(i, 0, GATHERING_PATIENCE_MS / STEP_MS);
        int error = engine_run(engine, STEP_MS * INT64_C(1000000));
        assert_true(error == 0 || error == -EINTR);
    }
}

void gathering_check_balance(struct haul *haul)
{
    struct engine *engine = &haul->engine;
    reap(engine);
    assert_int_equal(engine->active, 0);
    assert_int_equal(engine->schedule.count, 0);
    assert_int_equal(engine->schedule.held, 0);
    assert_int_equal(engine->schedule.queued_hosts, 0);
    assert_int_equal(engine->collector.unfinished, 0);
    assert_int_equal(engine->fetch_slab.taken, 0);
    assert_int_equal(engine->store.slab.taken, 0);
    assert_int_equal(engine->decoders.slab.taken, 0);
    assert_int_equal(engine->pipes.slab.taken, 0);
    assert_int_equal(engine->heads.count + engine->coded.count, 0);
    assert_int_equal(engine->store.shared_left, engine->budget.shared_blocks);
    assert_in_range(engine->pool.open, 0, engine->budget.concurrency);
    assert_false(engine->pressure.is_short);
}

void gathering_close(struct haul *haul)
{
    gathering_check_balance(haul);
    haul_close(haul);
}

/* --- asking ----------------------------------------------------------------------------------- */

const char *gathering_scheme(void)
{
    return ca_file ? "https" : "http";
}

void gathering_submit_to(struct haul *haul, uint16_t port, const char *request)
{
    static const char *const methods[] = {"HEAD", "POST", "PUT", "DELETE"};
    char url[URL_BYTES];
    struct haul_request asked = {.url = url};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        size_t length = strlen(methods[i]);
        if (strncmp(request, methods[i], length) == 0 && request[length] == ' ') {
            asked.method = methods[i];
            request += length + 1;
        }
    }
    if (request[0] == '/')
        snprintf(url, sizeof url, "%s://127.0.0.1:%u%s", gathering_scheme(), port, request);
    else
        snprintf(url, sizeof url, "%s", request);
    assert_int_equal(haul_submit(haul, &asked), 0);
}

void gathering_submit(struct haul *haul, const struct loopback *server, const char *request)
{
    gathering_submit_to(haul, loopback_port(server), request);
}

/* --- waiting ---------------------------------------------------------------------------------- */

int gathering_try(struct haul *haul, const struct haul_result **ret_result, int timeout_ms)
{
    int error;
    do
        error = haul_next(haul, ret_result, timeout_ms);
    while (error == -EINTR);
    return error;
}

const struct haul_result *gathering_next(struct haul *haul)
{
    const struct haul_result *result = NULL;
    assert_int_equal(gathering_try(haul, &result, GATHERING_PATIENCE_MS), 0);
    return result;
}

/* One step in which no result may come. */
static void step(struct haul *haul, int *steps)
{
    const struct haul_result *result;
    assert_in_range(++*steps, 0, GATHERING_PATIENCE_MS / STEP_MS);
    assert_int_equal(gathering_try(haul, &result, STEP_MS), -EAGAIN);
}

void gathering_until_finished(struct haul *haul, uint64_t count)
{
    for (int steps = 0; haul->engine.requests < count;)
        step(haul, &steps);
    assert_int_equal(haul->engine.requests, count);
}

void gathering_until_received(struct haul *haul, uint64_t bytes)
{
    for (int steps = 0; haul->engine.bytes_received < bytes;)
        step(haul, &steps);
    assert_int_equal(haul->engine.bytes_received, bytes);
}

void gathering_until_asked(struct haul *haul, struct loopback *server, size_t count)
{
    for (int steps = 0; loopback_received(server) < count;)
        step(haul, &steps);
}

/* --- the transcript --------------------------------------------------------------------------- */

static void write_anomalies(uint64_t anomalies, char *text, size_t size)
{
    size_t length = 0;
    for (uint64_t left = anomalies; left > 0; left &= left - 1)
        length += (size_t)snprintf(text + length, size - length, " %s",
                                   haul_anomaly_name((enum haul_anomaly)(left & -left)));
}

static size_t write_line(const struct haul_result *result, char *line)
{
    char body[SHOWN_BYTES];
    char stage[16] = "";
    char rest[32] = "";
    char odd[LINE_BYTES / 2] = "";
    size_t shown = haul_body_copy(result, body, sizeof body);
    size_t length = 0;
    for (const struct haul_piece *piece = result->body; piece; piece = piece->next)
        length += piece->length;
    if (result->error)
        snprintf(stage, sizeof stage, "@%s", haul_stage_name(result->stage));
    else
        assert_int_equal(result->stage, HAUL_STAGE_DONE);
    if (length > SHOWN_BYTES)
        snprintf(rest, sizeof rest, " of %zu", length);
    assert_int_equal(result->error == HAUL_OK, result->message == NULL);
    write_anomalies(result->anomalies, odd, sizeof odd);
    return (size_t)snprintf(line, LINE_BYTES, "%d %s%s '%.*s'%s%s%s\n", result->status,
                            haul_error_name(result->error), stage, (int)shown, body, rest,
                            result->reused_connection ? " reused" : "", odd);
}

void gathering_expect_one(struct haul *haul, const char *line)
{
    char written[LINE_BYTES];
    const struct haul_result *result = gathering_next(haul);
    written[write_line(result, written) - 1] = '\0';
    haul_release(haul, result);
    assert_string_equal(written, line);
}

void gathering_expect(struct haul *haul, const char *transcript)
{
    static char written[1 << 16];
    const struct haul_result *result;
    size_t length = 0;
    int error;
    written[0] = '\0';
    while ((error = gathering_try(haul, &result, GATHERING_PATIENCE_MS)) == 0) {
        assert_true(length + LINE_BYTES < sizeof written);
        length += write_line(result, written + length);
        haul_release(haul, result);
    }
    if (error != -ENODATA)
        print_error("haul_next() said %s\n", strerrorname_np(-error));
    assert_string_equal(written, transcript);
    assert_int_equal(error, -ENODATA);
}

/* --- running ---------------------------------------------------------------------------------- */

static void run_row(const struct gathering_row *row)
{
    struct loopback *server = loopback_open(row->scripts, row->script_count);
    struct haul_options options = row->options;
    options.keep_bodies = true;
    options.concurrency = options.concurrency ? options.concurrency : 1;
    assert_non_null(server);
    struct haul *haul = gathering_open(&options);
    for (size_t i = 0; i < GATHERING_PATHS_MAX && row->requests[i]; i++)
        gathering_submit(haul, server, row->requests[i]);
    gathering_expect(haul, row->transcript);
    assert_int_equal(haul->engine.retries, row->retries);
    gathering_close(haul);
    assert_loopback(server);
}

int gathering_count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void skip_where_refused(const struct variant *variant)
{
    struct loop *loop;
    char cause[160];
    int error = variant->open(&loop, &(struct loop_options){.slots = 1, .polls = 1});
    if (error == 0) {
        loop_close(loop);
        return;
    }
    assert_int_not_equal(error, -EMFILE); /* an earlier test has kept them */
    loop_uring_explain(error, cause, sizeof cause);
    print_message("skipped over %s: %s\n", variant->name, cause);
    skip();
}

static void run_pairing(void **state)
{
    const struct pairing *pairing = *state;
    current = pairing->variant;
    skip_where_refused(current);
    int descriptors = gathering_count_descriptors();
    if (pairing->row)
        run_row(pairing->row);
    else
        pairing->scenario->run();
    note[0] = '\0';
    assert_int_equal(gathering_count_descriptors(), descriptors);
}

void gathering_note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(note, sizeof note, format, arguments);
    va_end(arguments);
}

/* A scenario that has failed never came to where its note is erased. */
static int print_note(void **state)
{
    (void)state;
    if (note[0])
        print_error("%s\n", note);
    note[0] = '\0';
    return 0;
}

static bool is_apart;

void gathering_apart(void)
{
    is_apart = true;
}

/* Those of one variant, or all. Returns how many failed. */
static int run_variants(const struct gathering_row *rows, size_t row_count,
                        const struct gathering_scenario *scenarios, size_t scenario_count,
                        size_t first, size_t variant_count)
{
    size_t count = (row_count + scenario_count) * variant_count;
    struct pairing *pairings = calloc(count, sizeof *pairings);
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    if (!pairings || !tests)
        return EXIT_FAILURE;
    for (size_t i = 0; i < count; i++) {
        struct pairing *pairing = &pairings[i];
        size_t what = i / variant_count;
        pairing->variant = &variants[first + i % variant_count];
        if (what < row_count)
            pairing->row = &rows[what];
        else
            pairing->scenario = &scenarios[what - row_count];
        snprintf(pairing->name, sizeof pairing->name, "%s [%s]",
                 pairing->row ? pairing->row->name : pairing->scenario->name,
                 pairing->variant->name);
        tests[i] = (struct CMUnitTest){.name = pairing->name,
                                       .test_func = run_pairing,
                                       .teardown_func = print_note,
                                       .initial_state = pairing};
    }
    int failed = _cmocka_run_group_tests("gathering", tests, count, NULL, NULL);
    free(pairings);
    free(tests);
    return failed;
}

static void print_file(int file)
{
    char bytes[4096];
    ssize_t count;
    lseek(file, 0, SEEK_SET);
    while ((count = read(file, bytes, sizeof bytes)) > 0)
        fwrite(bytes, 1, (size_t)count, stdout);
    close(file);
}

/* What each says is printed when it is over. */
static int run_apart(const struct gathering_row *rows, size_t row_count,
                     const struct gathering_scenario *scenarios, size_t scenario_count)
{
    pid_t players[VARIANTS];
    int files[VARIANTS];
    int failed = 0;
    fflush(NULL);
    for (size_t i = 0; i < VARIANTS; i++) {
        files[i] = memfd_create("said", MFD_CLOEXEC);
        players[i] = files[i] < 0 ? -1 : fork();
        if (players[i] < 0)
            return EXIT_FAILURE;
        if (players[i] > 0)
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(files[i], STDOUT_FILENO);
        dup2(files[i], STDERR_FILENO);
        exit(run_variants(rows, row_count, scenarios, scenario_count, i, 1) > 0);
    }
    for (size_t i = 0; i < VARIANTS; i++) {
        int status;
        waitpid(players[i], &status, 0);
        print_file(files[i]);
        failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    return failed;
}

int gathering_main(const struct gathering_row *rows, size_t row_count,
                   const struct gathering_scenario *scenarios, size_t scenario_count)
{
    signal(SIGPIPE, SIG_IGN);
    if (is_apart)
        return run_apart(rows, row_count, scenarios, scenario_count);
    return run_variants(rows, row_count, scenarios, scenario_count, 0, VARIANTS);
}

/* --- bench/server ----------------------------------------------------------------------------- */

static pid_t server_process;

static void server_end(void)
{
    kill(server_process, SIGKILL);
    waitpid(server_process, NULL, 0);
}

static void server_child(int pipe_end)
{
    struct server *server;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (server_open(&server, &(struct server_options){.connections = 256}))
        _exit(EXIT_FAILURE);
    uint16_t port = server_port(server);
    if (write(pipe_end, &port, sizeof port) != sizeof port)
        _exit(EXIT_FAILURE);
    server_run(server);
    _exit(EXIT_SUCCESS);
}

uint16_t gathering_server_port(void)
{
    static uint16_t port;
    int ends[2];
    if (port)
        return port;
    assert_int_equal(pipe(ends), 0);
    server_process = fork();
    assert_true(server_process >= 0);
    if (server_process == 0)
        server_child(ends[1]);
    atexit(server_end);
    close(ends[1]);
    assert_int_equal(read(ends[0], &port, sizeof port), sizeof port);
    close(ends[0]);
    return port;
}
