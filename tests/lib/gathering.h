#ifndef TESTS_LIB_GATHERING_H
#define TESTS_LIB_GATHERING_H

/* What the tests of the engine share: every row and every scenario is run over each kernel
 * interface, io_uring down its ladder and epoll; what a row expects is a transcript, a line a
 * result:
 *
 *     200 ok 'the body' reused
 *     0 connect@connect ''
 *
 * A ring that the kernel refuses is skipped, and why is printed. After every run the engine's
 * counts must balance and no descriptor may be left. */

#include "engine/haul.h"
#include "tests/lib/loopback.h"
#include "tests/lib/patience.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

enum { GATHERING_PATIENCE_MS = TEST_PATIENCE_MS, GATHERING_PATHS_MAX = 8 };

/* One server, one engine with one request at a time unless options say otherwise (bodies are always
 * kept), requests that are all submitted at once. */
struct gathering_row {
    const char *name;
    const struct loopback_script *scripts;
    size_t script_count;
    const char *requests[GATHERING_PATHS_MAX]; /* as gathering_submit() takes them */
    struct haul_options options;
    const char *transcript;
    uint64_t retries;
};

#define SCRIPTS(...)                                                                               \
    .scripts = (const struct loopback_script[]){__VA_ARGS__},                                      \
    .script_count =                                                                                \
        sizeof((const struct loopback_script[]){__VA_ARGS__}) / sizeof(struct loopback_script)

struct loop;

struct gathering_scenario {
    const char *name;
    void (*run)(void);
};

#define SCENARIO(name)                                                                             \
    {                                                                                              \
#name, name                                                                                \
    }

/* Runs all rows and scenarios over all loops; returns how many failed, for main() to return. */
int gathering_main(const struct gathering_row *rows, size_t row_count,
                   const struct gathering_scenario *scenarios, size_t scenario_count);

/* Requests for paths go by https from here on, to servers that a root in ca_file has signed; NULL,
 * as at first: by http. ca_file must stay. */
void gathering_trust(const char *ca_file);

/* Which TLS it is by from here on, where options do not say; at first BearSSL. */
void gathering_backend(enum haul_backend backend);

/* From here on gathering_main() plays the loops at the same time, each in a process of its own: for
 * rows that mostly wait. No thread, and no server, may be there before. */
void gathering_apart(void);

/* --- inside a scenario ------------------------------------------------------------------------ */

/* What is printed should the scenario fail from here on: a seed, say. */
__attribute__((format(printf, 1, 2))) void gathering_note(const char *format, ...);

/* An engine over the loop whose turn it is, which trusts as gathering_trust() says. */
struct haul *gathering_open(const struct haul_options *options);

/* The same over a loop that may wrap that one. loop is the engine's from now on. */
struct haul *gathering_open_on(struct loop *loop, const struct haul_options *options);

/* All that was handed out must be released. Checks the balance, then closes. */
void gathering_close(struct haul *haul);

/* request: "/path", "METHOD /path", or a whole URL. Must be taken. */
void gathering_submit(struct haul *haul, const struct loopback *server, const char *request);
void gathering_submit_to(struct haul *haul, uint16_t port, const char *request);

/* "http", or "https" after gathering_trust(). */
const char *gathering_scheme(void);

/* haul_next(), except that it goes on after -EINTR: the kernel interrupts a thread once to take
 * apart a ring that the thread has closed. */
int gathering_try(struct haul *haul, const struct haul_result **ret_result, int timeout_ms);

/* The next result, however long it takes within reason. */
const struct haul_result *gathering_next(struct haul *haul);

/* Works until that many requests have finished, or bytes have been received, while no
 * result may be handed out. */
void gathering_until_finished(struct haul *haul, uint64_t count);
void gathering_until_received(struct haul *haul, uint64_t bytes);

/* Works until the server has received that many requests, likewise. */
void gathering_until_asked(struct haul *haul, struct loopback *server, size_t count);

/* Takes and releases every result; they must read like transcript. */
void gathering_expect(struct haul *haul, const char *transcript);

/* Takes and releases the next; it must read like line, without the line's end. */
void gathering_expect_one(struct haul *haul, const char *line);

/* Every request has ended and every result is released: is everything back in its place? */
void gathering_check_balance(struct haul *haul);

/* --- bench/server in a process of its own ----------------------------------------------------- */

/* A port of it; started by the first call, ended with the test program. */
uint16_t gathering_server_port(void);

/* Opens a loop of the run's kind for these options; NULL: it could not be opened. */
struct loop *gathering_open_loop(const struct haul_options *options);

/* The option that asks for the run's kind of loop. */
enum haul_loop gathering_loop(void);

/* How many descriptors this process has. */
int gathering_count_descriptors(void);

#endif
