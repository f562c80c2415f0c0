/* Descriptors, local ports or memory run out: what waits for them goes on when there are some, no
 * address is burnt for it, and its time runs on. */

#include "engine/engine.h"
#include "tests/lib/fault.h"
#include "tests/lib/gathering.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

enum { REQUESTS = 100 };

static void submit(struct haul *haul, const char *path)
{
    gathering_submit_to(haul, gathering_server_port(), path);
}

/* Connects that find no port, no buffer, no memory, half of all: each request has one address, and
 * reaches it. */
static void a_shortage_burns_nothing(void)
{
    const struct haul_options options = {.concurrency = 8};
    const struct fault_rates rates = {.connect_short = 500};
    struct loop *loop = fault_open(gathering_open_loop(&options), &rates, 7);
    struct haul *haul = gathering_open_on(loop, &options);
    for (int i = 0; i < REQUESTS; i++)
        submit(haul, "/close/x");
    for (int i = 0; i < REQUESTS; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_OK);
        haul_release(haul, result);
    }
    assert_true(fault_counts(loop)->connect_short > 0);
    gathering_close(haul);
}

/* It waits in the queue, and its whole time runs out there; that to connect does not run. */
static void what_waits_has_its_time(void)
{
    const struct haul_options options = {
        .concurrency = 2, .connect_timeout_ms = 100, .max_time_ms = 400};
    const struct fault_rates rates = {.connect_short = 1000};
    struct haul *haul =
        gathering_open_on(fault_open(gathering_open_loop(&options), &rates, 7), &options);
    submit(haul, "/bytes/1");
    submit(haul, "/bytes/2");
    struct haul_facts facts;
    for (int i = 0; i < 2; i++) {
        const struct haul_result *result = gathering_next(haul);
        assert_int_equal(result->error, HAUL_DEADLINE);
        assert_int_equal(result->stage, HAUL_STAGE_QUEUE);
        assert_non_null(strstr(result->message, "local port"));
        assert_true(result->queue_ns >= UINT64_C(350000000));
        haul_release(haul, result);
    }
    haul_get_facts(haul, &facts);
    assert_in_range(facts.connections, 2, 12); /* now and then, not all the time */
    gathering_close(haul);
}

/* And each try its own: it comes to nothing there as it would anywhere. */
static void what_waits_is_tried_again(void)
{
    static const struct haul_retry retry = {.max = 2, .delay_ms = 1, .keep_tries = true};
    const struct haul_options options = {.concurrency = 1, .max_time_ms = 150, .retry = &retry};
    const struct fault_rates rates = {.connect_short = 1000};
    struct haul *haul =
        gathering_open_on(fault_open(gathering_open_loop(&options), &rates, 7), &options);
    submit(haul, "POST /echo"); /* of which nothing was sent */
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_DEADLINE);
    assert_int_equal(result->stage, HAUL_STAGE_QUEUE);
    assert_true(result->tries && result->tries->next && !result->tries->next->next);
    assert_int_equal(result->tries->error, HAUL_DEADLINE);
    assert_true(result->wait_ns <= result->total_ns);
    haul_release(haul, result);
    struct haul_facts facts;
    haul_get_facts(haul, &facts);
    assert_int_equal(facts.retried, 2);
    gathering_close(haul);
}

static void what_waits_can_be_cancelled(void)
{
    const struct haul_options options = {.concurrency = 2};
    const struct fault_rates rates = {.connect_short = 1000};
    struct haul *haul =
        gathering_open_on(fault_open(gathering_open_loop(&options), &rates, 7), &options);
    const struct haul_result *result;
    submit(haul, "/bytes/1");
    while (haul->engine.fetches[0].state != FETCH_QUEUED || haul->engine.fetches[0].attempt_ns == 0)
        assert_int_equal(gathering_try(haul, &result, 0), -EAGAIN);
    assert_int_equal(haul_cancel(haul, 0), 0);
    gathering_expect(haul, "0 cancelled@queue ''\n");
    gathering_close(haul);
}

/* The bound is lowered while a run goes on: to two connections, and then to none. */
static void fewer_descriptors_in_mid_run(void)
{
    struct rlimit limit;
    const struct haul_result *result;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 8});
    submit(haul, "/close/x");
    result = gathering_next(haul);
    assert_int_equal(result->error, HAUL_OK);
    haul_release(haul, result);
    for (int left = 2; left >= 0; left -= 2) {
        while (haul->engine.pool.slab.taken > 0)
            gathering_try(haul, &result, 10);
        int used = left ? gathering_count_descriptors() : 0;
        int count = left ? REQUESTS : 1;
        int failed = 0;
        struct rlimit few = {(rlim_t)(used + left), limit.rlim_max};
        for (int i = 0; i < count; i++)
            submit(haul, "/close/x");
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        for (int i = 0; i < count; i++) {
            result = gathering_next(haul);
            failed += result->error != HAUL_OK;
            if (left == 0) { /* nothing can go on, and it says what is needed */
                assert_int_equal(result->error, HAUL_RESOURCE);
                assert_int_equal(result->os_error, EMFILE);
                assert_non_null(strstr(result->message, "needs 1"));
            }
            haul_release(haul, result);
        }
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_int_equal(failed, left == 0);
    }
    gathering_close(haul);
}

/* The sockets that names are asked for by are not to be had either, while another connection, whose
 * end would give one back, is open: it waits, and the name is asked for when there are some. With
 * none open it says what is needed. */
static void a_name_waits_for_descriptors_too(void)
{
    struct rlimit limit;
    const struct haul_result *result;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int is_open = 0; is_open < 2; is_open++) {
        struct haul *haul = gathering_open(&(struct haul_options){
            .concurrency = 2, .dns_servers = "127.0.0.1:1", .unordered = true});
        if (is_open) {
            submit(haul, "/stall");
            while (haul->engine.fetches[0].sent_ns == 0)
                assert_int_equal(gathering_try(haul, &result, 5), -EAGAIN);
        }
        struct rlimit few = {0, limit.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        gathering_submit_to(haul, 1, "http://a.example/");
        const struct fetch *second = &haul->engine.fetches[1];
        while (is_open && (second->state != FETCH_QUEUED || second->attempt_ns == 0))
            assert_int_equal(gathering_try(haul, &result, 5), -EAGAIN);
        if (is_open)
            assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        result = gathering_next(haul);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_int_equal(result->error, is_open ? HAUL_RESOLVE : HAUL_RESOURCE);
        assert_int_equal(result->os_error, is_open ? ECONNREFUSED : EMFILE);
        assert_int_equal(!is_open, strstr(result->message, "needs 1") != NULL);
        haul_release(haul, result);
        if (is_open) {
            assert_int_equal(haul_cancel(haul, 0), 0);
            haul_release(haul, gathering_next(haul));
        }
        gathering_close(haul);
    }
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(a_shortage_burns_nothing),     SCENARIO(what_waits_has_its_time),
    SCENARIO(what_waits_is_tried_again),    SCENARIO(what_waits_can_be_cancelled),
    SCENARIO(fewer_descriptors_in_mid_run), SCENARIO(a_name_waits_for_descriptors_too),
};

int main(void)
{
    return gathering_main(NULL, 0, scenarios, sizeof scenarios / sizeof *scenarios);
}
