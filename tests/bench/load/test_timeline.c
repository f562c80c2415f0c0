/* The course of a run: intervals, slices handed over, rows that merge, and a server that dies
 * half-way against its own log. */

#include "bench/load/chronicle.h"
#include "bench/load/conductor.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

/* --- intervals -------------------------------------------------------------------------------- */

static void test_intervals(void **state)
{
    static const struct {
        uint64_t interval_ns, duration_ns, time_ns;
        struct load_interval wanted;
    } rows[] = {
        {10, 0, 0, {0, 0, 10}},
        {10, 0, 9, {0, 0, 10}},
        {10, 0, 10, {1, 10, 20}},
        {10, 0, 12345, {1234, 12340, 12350}},
        /* the window's end cuts one short, and what comes behind it counts from there */
        {10, 25, 24, {2, 20, 25}},
        {10, 25, 25, {3, 25, 35}},
        {10, 25, 36, {4, 35, 45}},
        {10, 20, 19, {1, 10, 20}},
        {10, 20, 20, {2, 20, 30}},
        {10, 5, 4, {0, 0, 5}},
        {10, 5, 5, {1, 5, 15}},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct load_options options = {.interval_ns = rows[i].interval_ns,
                                       .duration_ns = rows[i].duration_ns};
        struct load_interval at = load_interval_at(&options, rows[i].time_ns);
        struct load_interval of = load_interval_of(&options, rows[i].wanted.number);
        assert_int_equal(at.number, rows[i].wanted.number);
        assert_int_equal(at.start_ns, rows[i].wanted.start_ns);
        assert_int_equal(at.end_ns, rows[i].wanted.end_ns);
        assert_memory_equal(&of, &at, sizeof of);
    }
}

/* --- rows ------------------------------------------------------------------------------------- */

/* Interval i has i % 7 requests, of (i + 1) microseconds each. */
static void interval_add(struct timeline *timeline, struct stats *stats, uint64_t i)
{
    stats_reset(stats);
    if (i % 7 > 0)
        histogram_record_many(&stats->good, 1000 * (i + 1), i % 7);
    stats->requests = stats->finished_in_window = stats->statuses[200] = i % 7;
    stats->errors[HAUL_CONNECT] = i % 3;
    stats_sum_up(stats, false);
    struct timeline_row row = timeline_row_of(stats, 10 * i, 10 * i + 10, i);
    timeline_add(timeline, &row, stats);
}

static void assert_row(const struct timeline_row *row, uint64_t first, uint64_t last)
{
    struct histogram wanted;
    uint64_t requests = 0, errors = 0;
    assert_true(histogram_open(&wanted));
    for (uint64_t i = first; i <= last; i++) {
        requests += i % 7;
        errors += i % 3;
        if (i % 7 > 0)
            histogram_record_many(&wanted, 1000 * (i + 1), i % 7);
    }
    assert_int_equal(row->start_ns, 10 * first);
    assert_int_equal(row->end_ns, 10 * last + 10);
    assert_int_equal(row->requests, requests);
    assert_int_equal(row->classes[2], requests);
    assert_int_equal(row->errors[HAUL_CONNECT], errors);
    assert_int_equal(row->classes[0], errors);
    assert_int_equal(timeline_errors(row), errors);
    assert_int_equal(row->in_flight, last);
    assert_int_equal(row->max_ns, histogram_max_ns(&wanted));
    assert_int_equal(row->p50_ns, histogram_quantile(&wanted, 0.5));
    assert_int_equal(row->p99_ns, histogram_quantile(&wanted, 0.99));
    histogram_close(&wanted);
}

static void test_rows_merge(void **state)
{
    static const struct {
        uint64_t intervals, rows, each;
    } cases[] = {
        {1, 1, 1},       {999, 999, 1},  {1000, 1000, 1}, {1001, 501, 2},
        {2000, 1000, 2}, {2001, 501, 4}, {7777, 973, 8},
    };
    (void)state;
    for (size_t k = 0; k < ROWS(cases); k++) {
        struct timeline timeline;
        struct stats stats;
        assert_int_equal(timeline_open(&timeline), 0);
        assert_int_equal(stats_open(&stats), 0);
        for (uint64_t i = 0; i < cases[k].intervals; i++)
            interval_add(&timeline, &stats, i);
        timeline_end(&timeline);
        assert_int_equal(timeline.count, cases[k].rows);
        for (uint64_t i = 0; i < timeline.count; i++) {
            uint64_t last = (i + 1) * cases[k].each - 1;
            assert_row(&timeline.rows[i], i * cases[k].each,
                       last < cases[k].intervals ? last : cases[k].intervals - 1);
        }
        timeline_close(&timeline);
        stats_close(&stats);
    }
}

/* --- memory ----------------------------------------------------------------------------------- */

static unsigned allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    allocations++;
    return __real_realloc(memory, size);
}

/* 3,000 different times from 1 ms to 4 ms, for 2,500 intervals: three become one row, at least. */
static void test_memory(void **state)
{
    struct timeline timeline;
    struct stats stats;
    (void)state;
    assert_int_equal(timeline_open(&timeline), 0);
    assert_int_equal(stats_open(&stats), 0);
    for (uint64_t i = 0; i < 3000; i++)
        histogram_record_many(&stats.good, 1000000 + 1000 * i, 1 + i % 5);
    stats.requests = stats.finished_in_window = stats.statuses[200] = 9000;
    stats_sum_up(&stats, false);
    struct timeline_row row = timeline_row_of(&stats, 0, 10, 0);
    allocations = 0;
    for (uint64_t i = 0; i < 2500; i++)
        timeline_add(&timeline, &row, &stats);
    timeline_end(&timeline);
    assert_int_equal(allocations, 0);
    assert_int_equal(timeline.count, 625);
    for (size_t i = 0; i < timeline.count; i++) {
        assert_int_equal(timeline.rows[i].requests, 4 * 9000);
        assert_in_range(timeline.rows[i].p50_ns, row.p50_ns * 99 / 100, row.p50_ns * 101 / 100);
        assert_in_range(timeline.rows[i].p99_ns, row.p99_ns * 99 / 100, row.p99_ns * 101 / 100);
    }
    timeline_close(&timeline);
    stats_close(&stats);
}

/* --- rates ------------------------------------------------------------------------------------ */

static void test_rates(void **state)
{
    static const struct {
        uint64_t start_ns, end_ns, window_ns;
        double rate; /* negative: none */
    } rows[] = {
        {0, 1000 * MS, 10000 * MS, 50},
        {0, 500 * MS, 10000 * MS, 100},
        {9000 * MS, 11000 * MS, 10000 * MS, 50}, /* of the part in the window */
        {10000 * MS, 11000 * MS, 10000 * MS, -1},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct timeline_row row = {
            .start_ns = rows[i].start_ns, .end_ns = rows[i].end_ns, .in_window = 50};
        double rate = -1;
        assert_true(timeline_rate(&row, rows[i].window_ns, &rate) == (rows[i].rate >= 0));
        assert_float_equal(rate, rows[i].rate, 0);
    }
}

/* --- slices ----------------------------------------------------------------------------------- */

struct view_list {
    uint64_t requests[16];
    uint64_t in_flight[16];
    size_t count;
    size_t enough; /* after so many no more is wanted; 0: all are */
};

static bool list_look(void *context, const struct interval_view *view)
{
    struct view_list *list = context;
    assert_int_equal(view->row->start_ns, 10 * list->count);
    assert_int_equal(view->row->requests, view->stats->requests);
    list->in_flight[list->count] = view->row->in_flight;
    list->requests[list->count++] = view->row->requests;
    return list->count != list->enough;
}

struct slices {
    struct load_options options;
    struct tally tallies[2];
    struct chronicle chronicle;
    struct view_list list;
};

static void slices_open(struct slices *slices)
{
    memset(slices, 0, sizeof *slices);
    slices->options.interval_ns = 10;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(tally_open(&slices->tallies[i], &slices->options, false), 0);
        slices->tallies[i].stats->requests = 99; /* of warming up */
        tally_begin(&slices->tallies[i], 1000);
    }
    assert_int_equal(chronicle_open(&slices->chronicle, &slices->options, slices->tallies, 2), 0);
    slices->chronicle.look = list_look;
    slices->chronicle.context = &slices->list;
}

static void slices_close(struct slices *slices)
{
    chronicle_close(&slices->chronicle);
    for (size_t i = 0; i < 2; i++)
        tally_close(&slices->tallies[i]);
}

/* One more has finished, at that time since the window's begin. */
static void request_add(struct slices *slices, size_t index, uint64_t time_ns)
{
    struct tally *tally = &slices->tallies[index];
    if (1000 + time_ns >= tally->next_ns)
        tally_turn(tally, 1000 + time_ns, 3 + index);
    tally->stats->requests++;
}

static void test_slices(void **state)
{
    struct slices slices;
    (void)state;
    slices_open(&slices);
    request_add(&slices, 0, 1);
    request_add(&slices, 1, 2);
    request_add(&slices, 0, 11);
    chronicle_take(&slices.chronicle, 1000, 1012, 0);
    assert_int_equal(slices.list.count, 0); /* the second is still in the first interval */
    request_add(&slices, 1, 35);
    chronicle_take(&slices.chronicle, 1000, 1036, 0);
    assert_int_equal(slices.list.count, 1);
    request_add(&slices, 0, 36);
    chronicle_take(&slices.chronicle, 1000, 1036, 0);
    assert_int_equal(slices.list.count, 3);
    chronicle_end(&slices.chronicle, true, 38);
    assert_int_equal(slices.list.count, 4);
    static const uint64_t requests[] = {2, 1, 0, 2}, in_flight[] = {7, 3, 0, 0};
    assert_memory_equal(slices.list.requests, requests, sizeof requests);
    assert_memory_equal(slices.list.in_flight, in_flight, sizeof in_flight);
    assert_int_equal(slices.chronicle.sum.requests, 5);
    assert_int_equal(slices.chronicle.timeline->count, 4);
    assert_int_equal(slices.chronicle.timeline->rows[3].end_ns, 38);
    slices_close(&slices);
}

/* Who is stopped does not hold up the others for ever, and nothing is lost. */
static void test_a_straggler(void **state)
{
    struct slices slices;
    (void)state;
    slices_open(&slices);
    request_add(&slices, 1, 1);
    for (uint64_t time_ns = 5; time_ns < 100; time_ns += 10) {
        request_add(&slices, 0, time_ns);
        chronicle_take(&slices.chronicle, 1000, 1000 + time_ns, 0);
    }
    assert_true(slices.list.count > 4);
    request_add(&slices, 1, 101);
    chronicle_end(&slices.chronicle, true, 105);
    assert_int_equal(slices.list.count, 11);
    assert_int_equal(slices.chronicle.sum.requests, 12);
    slices_close(&slices);
}

/* A conductor that does not look: it is counted on in the last slice. */
static void test_nobody_looks(void **state)
{
    struct slices slices;
    (void)state;
    slices_open(&slices);
    for (uint64_t time_ns = 5; time_ns < 100; time_ns += 10)
        request_add(&slices, 0, time_ns);
    assert_true(tally_is_full(&slices.tallies[0]));
    chronicle_end(&slices.chronicle, true, 100);
    static const uint64_t requests[] = {1, 1, 1, 7, 0, 0, 0, 0, 0, 0};
    assert_int_equal(slices.list.count, ROWS(requests));
    assert_memory_equal(slices.list.requests, requests, sizeof requests);
    slices_close(&slices);
}

static void test_enough(void **state)
{
    struct slices slices;
    (void)state;
    slices_open(&slices);
    slices.list.enough = 1;
    request_add(&slices, 0, 15);
    request_add(&slices, 1, 15);
    chronicle_take(&slices.chronicle, 1000, 1016, 0);
    assert_true(slices.chronicle.is_enough);
    slices_close(&slices);
}

/* --- a server that dies half-way -------------------------------------------------------------- */

enum { LOG_MOST = 1 << 20 };

struct mortal {
    int listener;
    uint64_t life_ns; /* from its first request on */
    uint64_t *taken;  /* when each request had been read */
    uint64_t *sent;   /* when each reply was about to be written */
    size_t count;
};

/* false: it has died. */
static bool connection_serve(struct mortal *mortal, int fd)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
    char request[4096];
    while (mortal->count < LOG_MOST && recv(fd, request, sizeof request, 0) > 0) {
        uint64_t now_ns = client_now_ns();
        if (mortal->count > 0 && now_ns - mortal->taken[0] > mortal->life_ns)
            return false;
        mortal->taken[mortal->count] = now_ns;
        mortal->sent[mortal->count++] = client_now_ns();
        if (send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL) < 0)
            return true;
    }
    return mortal->count < LOG_MOST;
}

static void *mortal_live(void *argument)
{
    struct mortal *mortal = argument;
    bool is_alive = true;
    while (is_alive) {
        int fd = accept(mortal->listener, NULL, NULL);
        if (fd < 0)
            break;
        is_alive = connection_serve(mortal, fd);
        if (!is_alive) {
            close(mortal->listener);
            mortal->listener = -1;
        }
        close(fd);
    }
    return NULL;
}

static unsigned mortal_open(struct mortal *mortal)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    mortal->taken = malloc(LOG_MOST * sizeof *mortal->taken);
    mortal->sent = malloc(LOG_MOST * sizeof *mortal->sent);
    mortal->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(mortal->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(mortal->listener, 16), 0);
    getsockname(mortal->listener, (struct sockaddr *)&address, &length);
    return ntohs(address.sin_port);
}

static uint64_t count_before(const uint64_t *times, size_t count, uint64_t time_ns)
{
    uint64_t before = 0;
    while (before < count && times[before] < time_ns)
        before++;
    return before;
}

/* A reply is there after it was sent and before the next request was read, so that the server's log
 * says what each row may hold. A thread that counts behind an interval's end counts in the next. */
static void assert_log(const struct load_result *result, const struct mortal *mortal, bool is_exact)
{
    const struct timeline *timeline = result->timeline;
    uint64_t replies = 0, failures = 0, failures_last = 0;
    for (size_t i = 0; i < timeline->count; i++) {
        const struct timeline_row *row = &timeline->rows[i];
        uint64_t end_ns = result->window_ns + row->end_ns;
        replies += row->classes[2];
        failures += row->classes[0];
        failures_last = row->classes[0] > 0 ? i : failures_last;
        assert_true(replies <= count_before(mortal->sent, mortal->count, end_ns));
        if (is_exact)
            assert_true(replies + 1 >= count_before(mortal->taken, mortal->count, end_ns));
        if (row->start_ns > 0)
            assert_int_equal(row->start_ns, timeline->rows[i - 1].end_ns);
    }
    assert_int_equal(replies, mortal->count);
    assert_int_equal(replies, result->stats.replies);
    assert_int_equal(failures + replies, result->stats.requests);
    if (failures > 0) /* dead, and it shows */
        assert_int_equal(timeline->rows[failures_last].classes[2], 0);
}

static bool has_died(void *context, const struct interval_view *view)
{
    (void)context;
    return view->row->classes[0] == 0 || view->row->classes[2] > 0;
}

static void test_a_server_that_dies(void **state)
{
    (void)state;
    for (int kind = 0; kind < CLIENT_COUNT; kind++) {
        struct mortal mortal = {.life_ns = 200 * MS};
        char url[64], message[256];
        const char *urls[] = {url, NULL};
        struct load_result result;
        pthread_t thread;
        snprintf(url, sizeof url, "http://127.0.0.1:%u/", mortal_open(&mortal));
        struct load_options options = {.client = (enum client_kind)kind,
                                       .urls = urls,
                                       .url_count = 1,
                                       .connections = 1,
                                       .interval_ns = 50 * MS,
                                       .duration_ns = 60000 * MS};
        const struct run_watch watch = {NULL, NULL, 0, has_died};
        assert_int_equal(pthread_create(&thread, NULL, mortal_live, &mortal), 0);
        int error = load_run(&options, &watch, &result, message, sizeof message);
        pthread_join(thread, NULL);
        if (error == -EPERM || error == -ENOSYS) /* no io_uring here */
            skip();
        assert_int_equal(error, 0);
        assert_log(&result, &mortal, kind != CLIENT_THREADS);
        assert_true(result.stats.replies < result.stats.requests);
        load_result_close(&result);
        free(mortal.taken);
        free(mortal.sent);
    }
}

/* --- stages ----------------------------------------------------------------------------------- */

/* Over one connection the server's log has the requests in the order in which they were due, so
 * that it says what each stage may have counted. */
static void assert_stages(const struct load_result *result, const struct mortal *mortal)
{
    const struct load_options *options = result->options;
    uint64_t end_ns = result->window_ns, finished = 0;
    for (size_t i = 0; i < options->stage_count; i++) {
        const struct stats *stage = &result->stages[i];
        uint64_t due = workload_due_before(options, i + 1) - workload_due_before(options, i);
        end_ns += options->stages[i].duration_ns;
        finished += stage->finished_in_window;
        assert_int_equal(stage->requests, due);
        assert_int_equal(stage->statuses[200], due);
        assert_int_equal(stage->unsent + stage->unfinished, 0);
        assert_int_equal(histogram_count(&stage->all), due);
        assert_true(finished <= count_before(mortal->sent, mortal->count, end_ns));
        assert_true(finished + 1 >= count_before(mortal->taken, mortal->count, end_ns));
    }
    assert_int_equal(result->stats.requests, mortal->count);
}

/* A hold, a step, a ramp, a pause and a spike: a run of which the last stage has nothing due lasts
 * until its end all the same. */
static void test_stages(void **state)
{
    static const struct load_stage stages[] = {{100 * MS, 200, 200},  {100 * MS, 800, 800},
                                               {100 * MS, 200, 1200}, {100 * MS, 0, 0},
                                               {50 * MS, 2000, 2000}, {150 * MS, 0, 0}};
    (void)state;
    for (int kind = 0; kind < CLIENT_COUNT; kind++) {
        struct mortal mortal = {.life_ns = UINT64_MAX};
        char url[64], message[256];
        const char *urls[] = {url, NULL};
        struct load_result result;
        pthread_t thread;
        snprintf(url, sizeof url, "http://127.0.0.1:%u/", mortal_open(&mortal));
        struct load_options options = {.client = (enum client_kind)kind,
                                       .urls = urls,
                                       .url_count = 1,
                                       .connections = 1,
                                       .timeout_ns = 60000 * MS,
                                       .interval_ns = 50 * MS,
                                       .stages = stages,
                                       .stage_count = ROWS(stages)};
        assert_int_equal(pthread_create(&thread, NULL, mortal_live, &mortal), 0);
        int error = load_run(&options, NULL, &result, message, sizeof message);
        shutdown(mortal.listener, SHUT_RDWR);
        pthread_join(thread, NULL);
        if (error == -EPERM || error == -ENOSYS) /* no io_uring here */
            skip();
        assert_int_equal(error, 0);
        assert_float_equal(result.window_s, 0.6, 1e-9);
        assert_true(result.elapsed_s >= 0.6);
        assert_stages(&result, &mortal);
        assert_log(&result, &mortal, kind != CLIENT_THREADS);
        assert_int_equal(result.stats.replies, result.stats.requests);
        load_result_close(&result);
        close(mortal.listener);
        free(mortal.taken);
        free(mortal.sent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_rows_merge),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_a_straggler),
        cmocka_unit_test(test_nobody_looks),
        cmocka_unit_test(test_enough),
        cmocka_unit_test(test_a_server_that_dies),
        cmocka_unit_test(test_stages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
