/* What is asked, and when: the schedule of an open loop, the places and targets that URLs come to,
 * the bytes of their requests, and what is said where there can be none. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/load/workload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

static const uint64_t second_ns = 1000000000;
static const uint64_t far_ns = UINT64_C(1000000000000000000); /* from there on, any will do */

/* --- the schedule ----------------------------------------------------------------------------- */

static const struct {
    double from;
    double to;
    uint64_t seconds;
    uint64_t due; /* within the seconds */
} schedules[] = {
    {1, 1, 10, 10},
    {1000, 1000, 30, 30000},
    {20000, 20000, 10, 200000},
    {333, 333, 60, 19980},
    {0.5, 0.5, 60, 30},
    {0.001, 0.001, 10, 1},
    {1e8, 1e8, 1, 100000000},
    {100, 5000, 10, 25500},
    {5000, 100, 10, 25500},
    {1, 3, 8, 16},
    {0.001, 1000, 100, 50001}, /* the half of one too */
    {1e8, 0.001, 2, 100000001},
    {10000, 1, 600, 3000300},
};

static struct load_options schedule_options(size_t row)
{
    return (struct load_options){
        .rate_from = schedules[row].from,
        .rate_to = schedules[row].to,
        .duration_ns = schedules[row].seconds * second_ns,
    };
}

/* How many are due until then, as the rate's integral. */
static double due_until(const struct load_options *options, double seconds)
{
    double length = (double)options->duration_ns / 1e9;
    double inside = seconds < length ? seconds : length;
    double slope = (options->rate_to - options->rate_from) / length;
    return options->rate_from * inside + slope * inside * inside / 2 +
           options->rate_to * (seconds - inside);
}

/* Indices in growing steps, past the duration's end. */
static uint64_t index_after(uint64_t index)
{
    return index + index / 37 + 1;
}

static void test_due_times(void **state)
{
    (void)state;
    for (size_t row = 0; row < COUNT(schedules); row++) {
        struct load_options options = schedule_options(row);
        uint64_t before_ns = 0;
        assert_int_equal(workload_due_ns(&options, 0), 0);
        for (uint64_t i = 0; i < schedules[row].due * 2 + 10; i = index_after(i)) {
            uint64_t due_ns = workload_due_ns(&options, i);
            double rate = fmax(options.rate_from, options.rate_to);
            double wrong = due_until(&options, (double)due_ns / 1e9) - (double)i;
            assert_true(due_ns >= before_ns);
            if (due_ns < far_ns && fabs(wrong) > rate * 2e-9 + (double)i * 1e-12)
                fail_msg("row %zu, request %llu, at %llu ns: wrong by %g requests", row,
                         (unsigned long long)i, (unsigned long long)due_ns, wrong);
            before_ns = due_ns;
        }
    }
}

/* At a constant rate to the nanosecond, whatever the binary fractions of the rate. */
static void test_constant_rates(void **state)
{
    (void)state;
    static const uint64_t rates[] = {1, 2, 1000, 20000, 1000000};
    for (size_t i = 0; i < COUNT(rates); i++) {
        struct load_options options = {.rate_from = (double)rates[i], .rate_to = (double)rates[i]};
        for (uint64_t k = 0; k < 1000000; k += 997) {
            uint64_t due_ns = workload_due_ns(&options, k);
            uint64_t exact_ns = k * (second_ns / rates[i]);
            assert_true(due_ns == exact_ns || due_ns + 1 == exact_ns);
        }
    }
}

static void test_due_counts(void **state)
{
    (void)state;
    for (size_t row = 0; row < COUNT(schedules); row++) {
        struct load_options options = schedule_options(row);
        uint64_t due = workload_due_count(&options, options.duration_ns);
        if (due != schedules[row].due)
            fail_msg("row %zu: %llu are due, not %llu", row, (unsigned long long)due,
                     (unsigned long long)schedules[row].due);
        assert_int_equal(workload_due_count(&options, 0), 0);
        for (uint64_t time_ns = 1; time_ns < 3 * options.duration_ns; time_ns += time_ns / 7 + 1) {
            uint64_t count = workload_due_count(&options, time_ns);
            assert_true(count > 0); /* the first one is due at once */
            assert_true(workload_due_ns(&options, count - 1) < time_ns);
            assert_true(workload_due_ns(&options, count) >= time_ns);
        }
    }
}

/* Requests of stages by hand: a hold, a ramp, a pause, a spike, and rates whose products are not
 * whole. */
static void test_stages(void **state)
{
    static const struct load_stage some[] = {
        {UINT64_C(10000000000), 100, 100}, {UINT64_C(4000000000), 100, 300},
        {UINT64_C(5000000000), 0, 0},      {UINT64_C(2000000000), 1000, 1000},
        {UINT64_C(1000000000), 1000, 0},   {UINT64_C(1000000000), 0, 0},
    };
    static const struct load_stage parts[] = {{UINT64_C(300000000), 0.1, 0.1},
                                              {UINT64_C(9700000000), 0.1, 0.1},
                                              {UINT64_C(1000000000), 1.5, 1.5},
                                              {UINT64_C(1000000000), 1.5, 1.5}};
    static const struct {
        const struct load_stage *stages;
        size_t count, stage;
        uint64_t index, due_ns;
    } rows[] = {
        {some, 6, 0, 0, 0},
        {some, 6, 0, 999, UINT64_C(9990000000)},
        {some, 6, 1, 1000, UINT64_C(10000000000)},
        {some, 6, 1, 1300, UINT64_C(12000000000)}, /* 100 t + 25 t t: 300 in two seconds */
        {some, 6, 3, 1800, UINT64_C(19000000000)}, /* behind the pause */
        {some, 6, 3, 3799, UINT64_C(20999000000)},
        {some, 6, 4, 3800, UINT64_C(21000000000)},
        {some, 6, 4, 4175, UINT64_C(21500000000)}, /* 1000 t - 500 t t */
        {parts, 4, 0, 0, 0},
        {parts, 4, 2, 1, UINT64_C(10000000000)},
        {parts, 4, 2, 2, UINT64_C(10666666666)},
        {parts, 4, 3, 3, UINT64_C(11333333333)}, /* half a request was left over */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct load_options options = {.stages = rows[i].stages, .stage_count = rows[i].count};
        assert_in_range(workload_due_ns(&options, rows[i].index),
                        rows[i].due_ns - (rows[i].due_ns > 0), rows[i].due_ns + 1);
        assert_int_equal(workload_stage_of(&options, rows[i].index), rows[i].stage);
    }
}

/* Each stage's own are those between its neighbours', and after the last nothing is due. */
static void test_stage_counts(void **state)
{
    static const struct load_stage stages[] = {{UINT64_C(10000000000), 100, 100},
                                               {UINT64_C(4000000000), 100, 300},
                                               {UINT64_C(5000000000), 0, 0},
                                               {UINT64_C(2000000000), 1000, 1000},
                                               {UINT64_C(1000000000), 0, 0}};
    static const uint64_t before[] = {0, 1000, 1800, 1800, 3800, 3800};
    static const uint64_t ends_s[] = {0, 10, 14, 19, 21, 22};
    struct load_options options = {.stages = stages, .stage_count = COUNT(stages)};
    (void)state;
    assert_true(load_is_open(&options));
    assert_int_equal(load_filled(&options).duration_ns, 22 * second_ns);
    for (size_t i = 0; i < COUNT(before); i++) {
        assert_int_equal(workload_due_before(&options, i), before[i]);
        assert_int_equal(workload_due_count(&options, ends_s[i] * second_ns), before[i]);
        if (i + 1 < COUNT(before)) {
            assert_int_equal(workload_stage_at(&options, ends_s[i] * second_ns), i);
            assert_int_equal(workload_stage_at(&options, ends_s[i + 1] * second_ns - 1), i);
        }
    }
    assert_int_equal(workload_stage_at(&options, 99 * second_ns), COUNT(stages) - 1);
    assert_true(workload_due_ns(&options, 3800) >= far_ns);
}

/* --- a place to connect to -------------------------------------------------------------------- */

enum { PLACES = 2 };

struct fixture {
    int listeners[PLACES];
    unsigned ports[PLACES];
    struct load_options options;
    const char *urls[8];
    char texts[8][160];
    char message[200];
    struct workload workload;
};

static unsigned listen_on(int *ret_fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    *ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*ret_fd, (const struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(*ret_fd, 64), 0);
    assert_int_equal(getsockname(*ret_fd, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    *state = fixture;
    for (int i = 0; i < PLACES; i++)
        fixture->ports[i] = listen_on(&fixture->listeners[i]);
    fixture->options.urls = fixture->urls;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < PLACES; i++)
        close(fixture->listeners[i]);
    free(fixture);
    return 0;
}

static void url_add(struct fixture *fixture, const char *format, unsigned port)
{
    size_t index = fixture->options.url_count++;
    snprintf(fixture->texts[index], sizeof fixture->texts[index], format, port);
    fixture->urls[index] = fixture->texts[index];
}

static int open_workload(struct fixture *fixture)
{
    memset(fixture->message, 'x', sizeof fixture->message);
    return workload_open(&fixture->workload, &fixture->options, fixture->message,
                         sizeof fixture->message);
}

/* --- places and targets ----------------------------------------------------------------------- */

static void assert_target(const struct place *place, uint32_t number, const char *begin)
{
    const struct round *round = place_round(place, 0);
    assert_true(number < round->count);
    assert_memory_equal(round_burst(round, number, 1).bytes, begin, strlen(begin));
}

static void test_places(void **state)
{
    struct fixture *fixture = *state;
    const struct workload *workload = &fixture->workload;
    url_add(fixture, "http://127.0.0.1:%u/a", fixture->ports[0]);
    url_add(fixture, "http://127.0.0.1:%u/b", fixture->ports[1]);
    url_add(fixture, "http://127.0.0.1:%u/c?d#e", fixture->ports[0]);
    url_add(fixture, "http://127.0.0.1:%u", fixture->ports[0]);
    url_add(fixture, "http://127.0.0.1:%u/a", fixture->ports[0]);
    url_add(fixture, "http://localhost:%u/", fixture->ports[0]);
    url_add(fixture, "http://LocalHost:%u/?x", fixture->ports[0]);
    url_add(fixture, "https://127.0.0.1:%u/s", fixture->ports[0]);
    assert_int_equal(open_workload(fixture), 0);
    assert_int_equal(workload->place_count, 4);
    assert_int_equal(workload->depth, 1);
    assert_false(workload->is_head);
    assert_true(workload->is_https);

    const struct place *place = &workload->places[0];
    assert_string_equal(place->host, "127.0.0.1");
    assert_int_equal(place->port, fixture->ports[0]);
    assert_false(place->is_https);
    assert_int_equal(place->request_count, 4);
    assert_target(place, 0, "GET /a HTTP/1.1\r\nHost: 127.0.0.1:");
    assert_target(place, 1, "GET /c?d HTTP/1.1\r\n");
    assert_target(place, 2, "GET / HTTP/1.1\r\n");
    assert_target(place, 3, "GET /a HTTP/1.1\r\n");
    place = &workload->places[1];
    assert_int_equal(place->port, fixture->ports[1]);
    assert_int_equal(place->request_count, 1);
    assert_target(place, 0, "GET /b ");
    place = &workload->places[2];
    assert_string_equal(place->host, "localhost");
    assert_int_equal(place->request_count, 2);
    assert_target(place, 1, "GET /?x HTTP/1.1\r\nHost: LocalHost:");
    place = &workload->places[3];
    assert_true(place->is_https);
    assert_target(place, 0, "GET /s ");
    workload_close(&fixture->workload);
}

/* The address is the one that accepts: localhost is ::1 as well, where nobody listens. */
static void test_address(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_in address;
    url_add(fixture, "http://localhost:%u/", fixture->ports[0]);
    assert_int_equal(open_workload(fixture), 0);
    const struct place *place = &fixture->workload.places[0];
    assert_int_equal(place->address_length, sizeof address);
    memcpy(&address, &place->address, sizeof address);
    assert_int_equal(address.sin_family, AF_INET);
    assert_int_equal(ntohl(address.sin_addr.s_addr), INADDR_LOOPBACK);
    assert_int_equal(ntohs(address.sin_port), fixture->ports[0]);
    workload_close(&fixture->workload);
}

/* --- requests --------------------------------------------------------------------------------- */

static const char *const two_headers[] = {"X-A: 1", "Accept: text/plain", NULL};

/* %u: the port. */
static const struct {
    struct load_options options;
    const char *request;
    uint32_t depth;
    bool is_head;
} requests[] = {
    {
        .options = {.http = {.user_agent = ""}},
        .request = "GET /p HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\n\r\n",
        .depth = 1,
    },
    {
        .options = {.is_http10 = true, .http = {.user_agent = "me"}},
        .request = "GET /p HTTP/1.0\r\nHost: 127.0.0.1:%u\r\nUser-Agent: me\r\nAccept: */*\r\n\r\n",
        .depth = 1,
    },
    {
        .options = {.is_closing = true, .http = {.user_agent = "", .headers = two_headers}},
        .request = "GET /p HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\nX-A: 1\r\n"
                   "Accept: text/plain\r\n\r\n",
        .depth = 1,
    },
    {
        .options = {.http = {.user_agent = "", .method = "HEAD"}},
        .request = "HEAD /p HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\n\r\n",
        .depth = 1,
        .is_head = true,
    },
    {
        .options = {.pipeline = 3, .http = {.user_agent = ""}},
        .request = "GET /p HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\n\r\n",
        .depth = 3,
    },
    {
        .options = {.pipeline = 2,
                    .http = {.user_agent = "", .has_body = true, .body = "a=b", .body_length = 3}},
        .request =
            "POST /p HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b",
        .depth = 2,
    },
    {
        .options = {.http = {.user_agent = "", .method = "PUT", .has_body = true}},
        .request = "PUT /p HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\n"
                   "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n",
        .depth = 1,
    },
};

static void test_requests(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(requests); i++) {
        char request[400];
        fixture->options = requests[i].options;
        fixture->options.urls = fixture->urls;
        url_add(fixture, "http://127.0.0.1:%u/p", fixture->ports[0]);
        assert_int_equal(open_workload(fixture), 0);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(request, sizeof request, requests[i].request, fixture->ports[0]);
#pragma GCC diagnostic pop
        const struct round *round = &fixture->workload.places[0].rounds[0];
        struct span burst = round_burst(round, 0, requests[i].depth);
        assert_int_equal(fixture->workload.depth, requests[i].depth);
        assert_int_equal(fixture->workload.is_head, requests[i].is_head);
        assert_int_equal(burst.length, strlen(request) * requests[i].depth);
        for (uint32_t k = 0; k < requests[i].depth; k++)
            assert_memory_equal(burst.bytes + k * strlen(request), request, strlen(request));
        workload_close(&fixture->workload);
    }
}

static void test_default_agent(void **state)
{
    struct fixture *fixture = *state;
    url_add(fixture, "http://127.0.0.1:%u/p", fixture->ports[0]);
    assert_int_equal(open_workload(fixture), 0);
    struct span bytes = round_burst(&fixture->workload.places[0].rounds[0], 0, 1);
    assert_non_null(memmem(bytes.bytes, bytes.length, "\r\nUser-Agent: haul/" HAUL_VERSION "\r",
                           strlen("\r\nUser-Agent: haul/" HAUL_VERSION "\r")));
    workload_close(&fixture->workload);
}

/* Of a template as many as are asked, a round for each loop, and bursts that go over the end. */
static void test_template(void **state)
{
    struct fixture *fixture = *state;
    static const char *const headers[] = {"X-I: {index}", NULL};
    char wanted[200];
    url_add(fixture, "http://127.0.0.1:%u/{index}", fixture->ports[0]);
    fixture->options.is_template = true;
    fixture->options.threads = 3;
    fixture->options.pipeline = 4;
    fixture->options.requests = 8;
    fixture->options.http = (struct haul_options){.user_agent = "", .headers = headers};
    assert_int_equal(open_workload(fixture), 0);
    assert_int_equal(fixture->workload.prepared, 8);
    for (uint32_t loop = 0; loop < 3; loop++) {
        const struct round *round = place_round(&fixture->workload.places[0], loop);
        assert_int_equal(round->count, loop < 2 ? 3 : 2);
        for (uint32_t k = 0; k < round->count + 3; k++) {
            uint32_t index = loop + 3 * (k % round->count);
            struct span one = round_burst(round, k, 1);
            snprintf(wanted, sizeof wanted,
                     "GET /%u HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: */*\r\nX-I: %u\r\n\r\n",
                     index, fixture->ports[0], index);
            assert_int_equal(one.length, strlen(wanted));
            assert_memory_equal(one.bytes, wanted, one.length);
        }
    }
    workload_close(&fixture->workload);
}

/* Without it braces are text, and fewer requests than loops are had by all. */
static void test_no_template(void **state)
{
    struct fixture *fixture = *state;
    static const char *const headers[] = {"X-I: {index}", NULL};
    url_add(fixture, "http://127.0.0.1:%u/", fixture->ports[0]);
    fixture->options.http = (struct haul_options){.user_agent = "",
                                                  .headers = headers,
                                                  .has_body = true,
                                                  .body = "{random}",
                                                  .body_length = 8};
    assert_int_equal(open_workload(fixture), 0);
    assert_int_equal(fixture->workload.prepared, 0);
    struct span one = round_burst(&fixture->workload.places[0].rounds[0], 0, 1);
    assert_non_null(memmem(one.bytes, one.length, "\r\nX-I: {index}\r\n", 16));
    assert_memory_equal(one.bytes + one.length - 8, "{random}", 8);
    workload_close(&fixture->workload);
    fixture->options.is_template = true;
    fixture->options.threads = 4;
    fixture->options.requests = 1;
    assert_int_equal(open_workload(fixture), 0);
    for (uint32_t loop = 0; loop < 4; loop++)
        assert_int_equal(place_round(&fixture->workload.places[0], loop)->count, 1);
    workload_close(&fixture->workload);
}

/* What a target has of its own: method, headers behind those of all, a body. */
static void test_own(void **state)
{
    struct fixture *fixture = *state;
    static const char *const headers[] = {"X-A: 1", NULL}, *const own[] = {"X-B: 2", "X-C;", NULL};
    static const struct load_target targets[] = {
        {0},
        {.method = "HEAD", .headers = own},
        {.body = "abc", .body_length = 3, .has_body = true}};
    for (int i = 0; i < 3; i++)
        url_add(fixture, "http://127.0.0.1:%u/p", fixture->ports[0]);
    fixture->options.targets = targets;
    fixture->options.http = (struct haul_options){.user_agent = "", .headers = headers};
    assert_int_equal(open_workload(fixture), 0);
    const struct round *round = &fixture->workload.places[0].rounds[0];
    assert_true(fixture->workload.is_mixed);
    assert_int_equal(round->kinds[0], REQUEST_IS_IDEMPOTENT);
    assert_int_equal(round->kinds[1], REQUEST_IS_IDEMPOTENT | REQUEST_IS_HEAD);
    assert_int_equal(round->kinds[2], 0);
    struct span all = round_burst(round, 0, 3);
    const char *second = memmem(all.bytes, all.length, "HEAD /p ", 8);
    assert_non_null(second);
    assert_non_null(
        memmem(second, round->at[2] - round->at[1], "X-A: 1\r\nX-B: 2\r\nX-C: \r\n\r\n", 25));
    assert_memory_equal(all.bytes + round->at[2], "POST /p ", 8);
    assert_memory_equal(all.bytes + all.length - 7, "\r\n\r\nabc", 7);
    workload_close(&fixture->workload);
}

/* --- faults ----------------------------------------------------------------------------------- */

#define LABEL_64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char *const bad_headers[] = {"X-A: 1", "oops", NULL};
static const char *const framing_headers[] = {"Content-Length: 9", NULL};

/* The first URL is good, and of the second stands here what it is. */
static const struct {
    const char *url;
    struct load_options options;
    int error;
    const char *message; /* how it begins */
} faults[] = {
    {"ftp://127.0.0.1/",
     {0},
     -EINVAL,
     "URL 'ftp://127.0.0.1/', character 1: the URL's scheme is "
     "neither http nor https"},
    {"127.0.0.1/", {0}, -EINVAL, "URL '127.0.0.1/', character "},
    {"", {0}, -EINVAL, "URL '', character 1: the URL is empty"},
    {"http://127.0.0.1/a b",
     {0},
     -EINVAL,
     "URL 'http://127.0.0.1/a b', character 19: the URL has "
     "a space or a control byte, which must be percent-encoded"},
    {"http://127.0.0.1:66000/",
     {0},
     -EINVAL,
     "URL 'http://127.0.0.1:66000/', character 18: the "
     "URL's port is not a number from 1 to 65535"},
    {"http://127.0.0.1:1/", {0}, -ECONNREFUSED, "host '127.0.0.1', port 1: Connection refused"},
    {"http://[::1]:1/", {0}, -ECONNREFUSED, "host '::1', port 1: Connection refused"},
    {"http://" LABEL_64 "/", {0}, -EHOSTUNREACH, "host '" LABEL_64 "': "},
    {"http://127.0.0.1/",
     {.http = {.method = "G T"}},
     -EINVAL,
     "the request: the method is not a token of RFC 9110"},
    {"http://127.0.0.1/",
     {.http = {.method = "CONNECT"}},
     -EINVAL,
     "the request: the method CONNECT opens a tunnel, which haul does not"},
    {"http://127.0.0.1/",
     {.http = {.user_agent = "a\nb"}},
     -EINVAL,
     "the request: the header's value has a CR, LF, NUL or other control byte"},
    {"http://127.0.0.1/",
     {.http = {.headers = bad_headers}},
     -EINVAL,
     "header 'oops': the header is not of the form 'Name: value'"},
    {"http://127.0.0.1/",
     {.is_closing = true, .http = {.headers = bad_headers}},
     -EINVAL,
     "header 'oops': the header is not of the form 'Name: value'"},
    {"http://127.0.0.1/",
     {.http = {.headers = framing_headers}},
     -EINVAL,
     "header 'Content-Length: 9': the header frames the message"},
    {"http://127.0.0.1/",
     {.pipeline = 1024, .http = {.has_body = true, .body = "", .body_length = 66000}},
     -EINVAL,
     "URL 'http://127.0.0.1:%u/good': its body is too large to be pipelined"},
};

static void test_faults(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(faults); i++) {
        char message[200];
        fixture->options = faults[i].options;
        fixture->options.urls = fixture->urls;
        url_add(fixture, "http://127.0.0.1:%u/good", fixture->ports[0]);
        fixture->urls[fixture->options.url_count++] = faults[i].url;
        assert_int_equal(open_workload(fixture), faults[i].error);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(message, sizeof message, faults[i].message, fixture->ports[0]);
#pragma GCC diagnostic pop
        if (strncmp(fixture->message, message, strlen(message)) != 0)
            fail_msg("row %zu: '%s', not '%s'", i, fixture->message, message);
        assert_int_equal(fixture->workload.place_count, 0);
        assert_null(fixture->workload.places);
    }
}

/* A sentence that does not fit is cut, not written on. */
static void test_short_message(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.url_count = 1;
    fixture->urls[0] = "ftp://127.0.0.1/";
    memset(fixture->message, 'x', sizeof fixture->message);
    assert_int_equal(workload_open(&fixture->workload, &fixture->options, fixture->message, 10),
                     -EINVAL);
    assert_string_equal(fixture->message, "URL 'ftp:");
    assert_int_equal(fixture->message[10], 'x');
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_due_times),
        cmocka_unit_test(test_constant_rates),
        cmocka_unit_test(test_due_counts),
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_stage_counts),
        TEST(places),
        TEST(address),
        TEST(requests),
        TEST(default_agent),
        TEST(template),
        TEST(no_template),
        TEST(own),
        TEST(faults),
        TEST(short_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
