/* The verdict on the instrument: rows of what a run's result says, and what is made of it. */

#include "bench/result/instrument.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)

enum { THREADS_MAX = 8, SENTENCES_MAX = 4 };

/* What differs from an undisturbed run of 64 connections and one thread for 10 s, which got 100,000
 * replies in 1 ms each. An open loop: at 10,000 a second. */
struct row {
    const char *name;
    struct load_options options;
    uint32_t processors;
    uint32_t threads;     /* 0: 1 */
    uint32_t connections; /* in force; 0: 64 */
    double busy;          /* of each thread; 0: 0.41 */
    double window_s;      /* 0: 10 */
    double elapsed_s;     /* 0: as window_s */
    uint64_t requests;    /* 0: 100,000 */
    uint64_t failures;    /* of them, without a reply */
    uint64_t bad_statuses;
    uint64_t unfinished; /* and no request has finished */
    uint64_t late;
    uint64_t slowest_ns; /* one request took so long */
    uint64_t typical_ns; /* 0: 1 ms */
    uint64_t lag_ns;     /* that many requests lagged so long; the others not at all */
    uint64_t lag_count;
    uint64_t lagged_ns;
    uint64_t ports_exhausted, queue_overflows, buffers_empty, completions;
    uint64_t clipped;
    bool is_interrupted;
    double waited_s, stopped_s; /* of each thread */
    double others;              /* had so much of the processors */
    uint64_t lingers, lingered_ns, pauses, slow_connects;
    uint32_t unopened;

    enum instrument_verdict verdict;
    int exit_status;
    const char *sentences[SENTENCES_MAX]; /* how they begin, or "…" and a part */
};

#define OPEN .options = {.rate_from = 10000, .duration_ns = 10 * S}
#define FINE "nothing stood in the way: the busiest client thread used 41 % of its processor"
#define FEW(count) "too few replies (" count ") for p99.99: it is the maximum$"

static const struct row rows[] = {
    {.name = "closed loop, nothing found", .sentences = {FINE}},
    {.name = "a thread at its end",
     .busy = 0.95,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: its busiest thread used 95 % of its processor"}},
    {.name = "a thread near its end",
     .busy = 0.94,
     .sentences = {"nothing stood in the way: the busiest client thread used 94 %",
                   "the client was near its end: with 94 % of a processor used"}},
    {.name = "a thread below that",
     .busy = 0.849,
     .sentences = {"nothing stood in the way: the busiest client thread used 84.9 %"}},
    {.name = "two threads share a processor",
     .threads = 2,
     .processors = 1,
     .busy = 0.48,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: its 2 threads together used 96 % of their "
                   "processors (1); "}},
    {.name = "two threads with a processor each",
     .threads = 2,
     .processors = 2,
     .busy = 0.94,
     .sentences = {"nothing stood in the way", "the client was near its end"}},
    {.name = "four threads of which nobody knows where they ran",
     .threads = 4,
     .busy = 0.5,
     .sentences = {"nothing stood in the way: the busiest client thread used 50 %"}},
    {.name = "eight threads leave room",
     .threads = 8,
     .processors = 2,
     .busy = 0.2,
     .sentences = {"nothing stood in the way: the busiest client thread used 20 %"}},

    {.name = "open loop, nothing found",
     OPEN,
     .sentences = {FINE ", the rate was held to 100.00 %, and with a connection free 99 % of the "
                        "requests were begun within 0 us"}},
    {.name = "one in a hundred lagged: the timer's grain",
     OPEN,
     .lag_ns = 900 * US,
     .lag_count = 1100,
     .sentences = {FINE}},
    {.name = "one in a hundred lagged more",
     OPEN,
     .lag_ns = 1100 * US,
     .lag_count = 1100,
     .lagged_ns = 50 * MS,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: one request in a hundred was begun 1.100 ms or "
                   "more after it was due"}},
    {.name = "a hiccup of a short run",
     .options = {.rate_from = 1000, .duration_ns = 400 * MS},
     .window_s = 0.4,
     .requests = 400,
     .lag_ns = 11 * MS,
     .lag_count = 30,
     .lagged_ns = 49 * MS,
     .sentences = {FINE,
                   "of the schedule 49.00 ms were begun late, as happens on any machine now and "
                   "then; in so short a run p99 holds that$",
                   FEW("400")}},
    {.name = "a short run that was late much of the time",
     .options = {.rate_from = 1000, .duration_ns = 400 * MS},
     .window_s = 0.4,
     .requests = 400,
     .lag_ns = 11 * MS,
     .lag_count = 50,
     .lagged_ns = 50 * MS,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: one request in a hundred was begun 11",
                   FEW("400")}},
    {.name = "fewer than one in a hundred lagged",
     OPEN,
     .lag_ns = 50 * MS,
     .lag_count = 900,
     .sentences = {FINE}},
    {.name = "a lag below a tenth of what is measured",
     OPEN,
     .typical_ns = 100 * MS,
     .lag_ns = 9 * MS,
     .lag_count = 50000,
     .sentences = {FINE}},
    {.name = "a lag above it",
     OPEN,
     .typical_ns = 100 * MS,
     .lag_ns = 11 * MS,
     .lag_count = 50000,
     .lagged_ns = 5000 * MS,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: one request in a hundred was begun 11"}},
    {.name = "a closed loop has no schedule",
     .lag_ns = 50 * MS,
     .lag_count = 100000,
     .sentences = {FINE}},

    {.name = "0.4 % of the requests are missing",
     OPEN,
     .requests = 99600,
     .sentences = {FINE ", the rate was held to 99.60 %"}},
    {.name = "0.6 % of the requests are missing",
     OPEN,
     .requests = 99400,
     .verdict = INSTRUMENT_RATE_NOT_HELD,
     .exit_status = 97,
     .sentences = {"the rate was not held: 99.40 % of the requests that were due were begun in "
                   "time, 9,940/s of 10,000/s; the connections were all waiting for the server"}},
    {.name = "what was under way at the end was begun in time",
     OPEN,
     .late = 64,
     .sentences = {FINE ", the rate was held to 100.00 %"}},
    {.name = "what was begun after the end was not",
     OPEN,
     .late = 20064,
     .verdict = INSTRUMENT_RATE_NOT_HELD,
     .exit_status = 97,
     .sentences = {"the rate was not held: 80.00 %"}},
    {.name = "pipelined, more is under way",
     .options = {.rate_from = 10000, .duration_ns = 10 * S, .pipeline = 8},
     .late = 512,
     .sentences = {FINE, "with 8 requests under way on a connection"}},
    {.name = "one request more or less at the window's edge",
     .options = {.rate_from = 10, .duration_ns = S},
     .window_s = 1,
     .requests = 9,
     .sentences = {FINE, FEW("9")}},
    {.name = "two are more than that",
     .options = {.rate_from = 10, .duration_ns = S},
     .window_s = 1,
     .requests = 8,
     .verdict = INSTRUMENT_RATE_NOT_HELD,
     .exit_status = 97,
     .sentences = {"the rate was not held: 80.00 %", FEW("8")}},
    {.name = "a ramp: half of the last rate on average",
     .options = {.rate_from = 5000, .rate_to = 15000, .duration_ns = 10 * S},
     .sentences = {FINE ", the rate was held to 100.00 %"}},
    {.name = "a ramp without its end",
     .options = {.rate_from = 5000, .rate_to = 15000, .duration_ns = 10 * S},
     .requests = 70000,
     .verdict = INSTRUMENT_RATE_NOT_HELD,
     .exit_status = 97,
     .sentences = {"the rate was not held: 70.00 %"}},
    {.name = "counted requests, begun in time",
     .options = {.rate_from = 10000, .requests = 100000},
     .window_s = 10.4,
     .slowest_ns = 500 * MS,
     .sentences = {FINE ", the rate was held to 100.00 %"}},
    {.name = "one request",
     .options = {.rate_from = 10, .requests = 1},
     .requests = 1,
     .window_s = 0.002,
     .sentences = {FINE ", the rate was held to 100.00 %", FEW("1")}},
    {.name = "counted requests that took twice the time",
     .options = {.rate_from = 10000, .requests = 100000},
     .window_s = 20,
     .verdict = INSTRUMENT_RATE_NOT_HELD,
     .exit_status = 97,
     .sentences = {"the rate was not held: 50.00 %"}},
    {.name = "counted requests, the last timed out",
     .options = {.rate_from = 10000, .requests = 100000},
     .window_s = 20,
     .failures = 1,
     .sentences = {FINE ", the rate was held to 100.00 %"}},
    {.name = "the default length",
     .options = {.rate_from = 10000, .rate_to = 10000},
     .sentences = {FINE ", the rate was held to 100.00 %"}},
    {.name = "the client is the graver cause, and nobody blames the server",
     OPEN,
     .busy = 1,
     .requests = 50000,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: its busiest thread used 100 %",
                   "the rate was not held: 50.00 % of the requests that were due were begun in "
                   "time, 5,000/s of 10,000/s$"}},

    {.name = "an overflow",
     .queue_overflows = 1,
     .verdict = INSTRUMENT_LIMITED,
     .sentences = {"the completion queue overflowed 1 time: "}},
    {.name = "hardly an empty buffer ring",
     .buffers_empty = 1000,
     .completions = 100000,
     .sentences =
         {FINE,
          "no receive buffer was left 1,000 times in 100,000 completions, which is harmless$"}},
    {.name = "an empty buffer ring",
     .buffers_empty = 1001,
     .completions = 100000,
     .verdict = INSTRUMENT_LIMITED,
     .sentences = {"no receive buffer was left 1,001 times in 100,000 completions: the latencies"}},
    {.name = "a few ports",
     .ports_exhausted = 9,
     .verdict = INSTRUMENT_LIMITED,
     .sentences = {"this machine had no local port left for 9 of 1,009 connections"}},
    {.name = "many ports",
     .ports_exhausted = 1000,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: this machine had no local port left for 1,000"}},
    {.name = "descriptors",
     .options = {.connections = 20000},
     .connections = 9968,
     .verdict = INSTRUMENT_LIMITED,
     .sentences = {"9,968 of 20,000 connections were used: RLIMIT_NOFILE"}},
    {.name = "interrupted",
     .is_interrupted = true,
     .window_s = 3.25,
     .verdict = INSTRUMENT_LIMITED,
     .sentences = {"the run was interrupted after 3.2 s"}},
    {.name = "interrupted in an open loop: what was due so far counts",
     OPEN,
     .is_interrupted = true,
     .window_s = 5,
     .requests = 50000,
     .verdict = INSTRUMENT_LIMITED,
     .sentences = {"the run was interrupted after 5.0 s"}},
    {.name = "more than 73 minutes",
     .clipped = 2,
     .verdict = INSTRUMENT_LIMITED,
     .sentences = {"2 latencies were cut to 73 minutes"}},
    {.name = "several at once: the gravest leads",
     OPEN,
     .requests = 50000,
     .queue_overflows = 5,
     .is_interrupted = true,
     .verdict = INSTRUMENT_RATE_NOT_HELD,
     .exit_status = 97,
     .sentences = {"the rate was not held", "the completion queue overflowed 5 times",
                   "the run was interrupted"}},

    {.name = "no reply at all",
     .requests = 5,
     .failures = 5,
     .verdict = INSTRUMENT_ALL_FAILED,
     .exit_status = 96,
     .sentences = {"every request failed: none of 5 had a reply$", "no reply came"}},
    {.name = "no good reply",
     .requests = 50000,
     .bad_statuses = 50000,
     .verdict = INSTRUMENT_ALL_FAILED,
     .exit_status = 96,
     .sentences = {"every request failed: of 50,000, 50,000 had a reply, with a status of 400"}},
    {.name = "nothing finished",
     .unfinished = 3,
     .verdict = INSTRUMENT_ALL_FAILED,
     .exit_status = 96,
     .sentences = {"no request finished: 3 were under way at the end$", "no reply came"}},
    {.name = "starved",
     .waited_s = 1.1,
     .window_s = 2,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences =
         {"the client was the bottleneck: it was starved: a thread waited 1.100 s of 2.000 "
          "s for a processor"}},
    {.name = "hardly starved", .waited_s = 0.99, .sentences = {FINE}},
    {.name = "idle, and yet starved",
     .busy = 0.02,
     .waited_s = 0.21,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: it was starved: a thread waited 210.0 ms of"}},
    {.name = "threads that wait for each other",
     .threads = 8,
     .processors = 1,
     .busy = 0.1,
     .waited_s = 6.9,
     .sentences = {"nothing stood in the way: the busiest client thread used 10 %"}},
    {.name = "threads that wait for others",
     .threads = 8,
     .processors = 1,
     .busy = 0.03,
     .waited_s = 6.9,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: it was starved: a thread waited 4.800 s of"}},
    {.name = "threads that wait for others as well as for each other",
     .threads = 8,
     .processors = 1,
     .busy = 0.09,
     .waited_s = 7,
     .others = 0.27,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: it was starved: a thread waited 2.100 s of 10"}},
    {.name = "and of whom it is not known what others had",
     .threads = 8,
     .processors = 1,
     .busy = 0.09,
     .waited_s = 7,
     .others = -1,
     .sentences = {"nothing stood in the way: the busiest client thread used 9 %"}},
    {.name = "threads that are never idle, on processors that others have a little of",
     .threads = 8,
     .processors = 1,
     .busy = 0.117,
     .waited_s = 8.4,
     .others = 0.06,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: it was starved: its 8 threads always ran or "
                   "waited for a processor, of which they had 93.6 %, and others the rest$"}},
    {.name = "threads that take turns, and of which each waits for others a little",
     .threads = 8,
     .processors = 1,
     .busy = 0.003,
     .typical_ns = 10 * US,
     .waited_s = 0.09,
     .others = 0.9,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: it was starved: a thread waited 703.6 ms of"}},
    {.name = "at the same time",
     .threads = 8,
     .processors = 1,
     .busy = 0.003,
     .waited_s = 0.09,
     .others = 0.9,
     .sentences = {"nothing stood in the way: the busiest client thread used 0.3 %"}},
    {.name = "or wait for each other",
     .threads = 8,
     .processors = 1,
     .busy = 0.003,
     .typical_ns = 10 * US,
     .waited_s = 0.09,
     .others = 0.02,
     .sentences = {"nothing stood in the way: the busiest client thread used 0.3 %"}},
    {.name = "idle, and hardly starved",
     .busy = 0.001,
     .waited_s = 0.09,
     .sentences = {"nothing stood in the way: the busiest client thread used 0.1 %"}},
    {.name = "a processor was waited for in a short run",
     .window_s = 0.1,
     .waited_s = 0.011,
     .sentences = {FINE}},
    {.name = "starved in a short run",
     .window_s = 0.1,
     .waited_s = 0.012,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: it was starved: a thread waited 12.00 ms of "
                   "100.0 ms for a processor"}},
    {.name = "it is not known whether it was starved", .waited_s = -1, .sentences = {FINE}},
    {.name = "stopped",
     .stopped_s = 1,
     .window_s = 3,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: the client was stopped: it did not run for "
                   "1.000 s of 3.000 s"}},
    {.name = "stopped for a little while late replies were waited for",
     .stopped_s = 0.06,
     .window_s = 0.4,
     .elapsed_s = 10,
     .verdict = INSTRUMENT_LIMITED,
     .sentences = {"the client was stopped: it did not run for 60.00 ms of 10.00 s"}},
    {.name = "stopped for a little of a long time",
     .stopped_s = 0.06,
     .verdict = INSTRUMENT_LIMITED,
     .sentences = {"the client was stopped: it did not run for 60.00 ms of 10.00 s"}},
    {.name = "hardly stopped", .stopped_s = 0.04, .sentences = {FINE}},
    {.name = "lingering",
     .lingers = 640,
     .lingered_ns = 640000 * MS,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: the server announced 640 times that it would "
                   "close a connection and did not: haul bench lingered on those, 100 % of"}},
    {.name = "lingering once",
     .lingers = 1,
     .lingered_ns = 1000 * MS,
     .verdict = INSTRUMENT_LIMITED,
     .sentences = {"the server announced 1 time that it would close a connection and did not: haul "
                   "bench lingered on those, 0.2 % of"}},
    {.name = "slow to open",
     .slow_connects = 10,
     .unopened = 7,
     .verdict = INSTRUMENT_LIMITED,
     .sentences =
         {"connections were opened too slowly: 7 of 64 were not open when the window began$",
          "connections were opened slowly: 10 of 1,000 took a second or more"}},
    {.name = "pauses",
     .pauses = 64,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: haul bench paused 64 times for 100 ms after a "
                   "connection that could not be opened, 1 % of the connections' time$"}},
    {.name = "a pause longer than the window",
     .window_s = 0.05,
     .pauses = 16,
     .verdict = INSTRUMENT_CLIENT_BOUND,
     .exit_status = 98,
     .sentences = {"the client was the bottleneck: haul bench paused 16 times for 100 ms after a "
                   "connection that could not be opened, 25 % of the connections' time$"}},
    {.name = "few replies", .requests = 9999, .sentences = {FINE, FEW("9,999")}},
    {.name = "enough replies", .requests = 10000, .sentences = {FINE}},
};

static void fill(struct load_result *result, const struct row *row, struct load_thread *threads)
{
    struct stats *stats = &result->stats;
    uint64_t typical_ns = row->typical_ns > 0 ? row->typical_ns : MS;
    *result = (struct load_result){
        .options = &row->options,
        .loop = "uring",
        .threads = threads,
        .thread_count = row->threads > 0 ? row->threads : 1,
        .connections = row->connections > 0 ? row->connections : 64,
        .window_s = row->window_s > 0 ? row->window_s : 10,
        .elapsed_s = row->elapsed_s > 0  ? row->elapsed_s
                     : row->window_s > 0 ? row->window_s
                                         : 10,
        .is_interrupted = row->is_interrupted,
        .others = row->others,
    };
    for (uint32_t i = 0; i < result->thread_count; i++)
        threads[i] = (struct load_thread){.busy = row->busy > 0 ? row->busy : 0.41,
                                          .span_s = result->window_s,
                                          .waited_s = row->waited_s,
                                          .stopped_s = row->stopped_s};
    result->unopened = row->unopened;
    assert_int_equal(stats_open(stats), 0);
    stats->requests = stats->begun = row->requests > 0 ? row->requests : 100000;
    stats->unfinished = row->unfinished;
    if (row->unfinished > 0)
        stats->requests = stats->begun = 0;
    stats->replies = stats->requests - row->failures;
    stats->errors[HAUL_RECEIVE] = row->failures;
    stats->statuses[503] = row->bad_statuses;
    stats->statuses[200] = stats->replies - row->bad_statuses;
    stats->late = row->late;
    stats->finished_in_window = stats->requests - row->late;
    stats->connections = 1000;
    stats->ports_exhausted = row->ports_exhausted;
    stats->queue_overflows = row->queue_overflows;
    stats->buffers_empty = row->buffers_empty;
    stats->completions = row->completions;
    stats->lingers = row->lingers;
    stats->lingered_ns = row->lingered_ns;
    stats->pauses = row->pauses;
    histogram_record_many(&stats->phases[PHASE_CONNECT], MS, 990);
    if (row->slow_connects > 0)
        histogram_record_many(&stats->phases[PHASE_CONNECT], 1001 * MS, row->slow_connects);
    if (stats->replies > 0) {
        histogram_record_many(&stats->actual, typical_ns, stats->replies);
        histogram_record_many(&stats->intended, typical_ns, stats->replies);
        histogram_record_many(&stats->lag, 0, stats->begun - row->lag_count % stats->begun);
        histogram_record_many(&stats->all, typical_ns, stats->replies);
    }
    if (row->slowest_ns > 0)
        histogram_record(&stats->actual, row->slowest_ns);
    if (row->clipped > 0)
        histogram_record_many(&stats->actual, HISTOGRAM_HIGHEST_NS + 1, row->clipped);
    stats->lagged_ns = row->lagged_ns;
    if (row->lag_count > 0)
        histogram_record_many(&stats->lag, row->lag_ns, row->lag_count);
}

/* A '$' behind the beginning says that it is the whole. */
static bool begins_with(const char *sentence, const char *beginning)
{
    size_t length = strlen(beginning);
    bool is_whole = beginning[length - 1] == '$';
    length -= is_whole;
    return strncmp(sentence, beginning, length) == 0 && (!is_whole || sentence[length] == '\0');
}

static void check(const struct row *row, const struct instrument *instrument)
{
    size_t count = 0;
    while (count < SENTENCES_MAX && row->sentences[count] != NULL)
        count++;
    for (size_t i = 0; i < instrument->sentence_count && i < count; i++)
        if (!begins_with(instrument->sentences[i], row->sentences[i]))
            fail_msg("%s: '%s'", row->name, instrument->sentences[i]);
    if (instrument->sentence_count != count)
        fail_msg("%s: %zu sentences, the last '%s'", row->name, instrument->sentence_count,
                 instrument->sentences[instrument->sentence_count - 1]);
    if (instrument->verdict != row->verdict)
        fail_msg("%s: %s", row->name, instrument_verdict_name(instrument->verdict));
    if (instrument_exit_status(instrument) != row->exit_status)
        fail_msg("%s: exit status %d", row->name, instrument_exit_status(instrument));
    if (instrument->was_bottleneck != (row->exit_status == 98))
        fail_msg("%s: was_bottleneck", row->name);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct load_thread threads[THREADS_MAX] = {{0}};
        struct load_result result;
        struct instrument instrument;
        fill(&result, &rows[i], threads);
        instrument_judge(&instrument, &result, rows[i].processors);
        check(&rows[i], &instrument);
        stats_close(&result.stats);
    }
}

static const struct {
    struct row row;
    double rate_held;
    const char *hidden;
} hidden_rows[] = {
    {{.name = "closed loop"},
     -1,
     "closed loop: a connection asks again only when it has been answered, so a server that stops "
     "for 1 s costs this run 64 long latencies, not the 10,000 of the requests that would have "
     "been due; --rate shows them"},
    {{.name = "one connection", .connections = 1, .requests = 12345},
     -1,
     "closed loop: a connection asks again only when it has been answered, so a server that stops "
     "for 1 s costs this run 1 long latency, not the 1,235 of the requests that would have been "
     "due; --rate shows them"},
    {{.name = "pipelined", .options = {.pipeline = 8}},
     -1,
     "closed loop: a connection asks again only when it has been answered, so a server that stops "
     "for 1 s costs this run 512 long latencies, not the 10,000 of the requests that would have "
     "been due; --rate shows them"},
    {{.name = "open loop", OPEN}, 1, ""},
};

static void test_hidden(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(hidden_rows); i++) {
        struct load_thread threads[THREADS_MAX] = {{0}};
        struct load_result result;
        struct instrument instrument;
        fill(&result, &hidden_rows[i].row, threads);
        instrument_judge(&instrument, &result, 0);
        assert_string_equal(instrument.hidden, hidden_rows[i].hidden);
        assert_true(instrument.rate_held == hidden_rows[i].rate_held);
        assert_true(instrument.busiest == 0.41);
        stats_close(&result.stats);
    }
}

/* A run that was ended before its window began. */
static void test_nothing(void **state)
{
    static const struct load_options closed, open = {.rate_from = 100};
    struct load_result result = {.options = &closed, .loop = "uring", .is_interrupted = true};
    struct instrument instrument;
    (void)state;
    assert_int_equal(stats_open(&result.stats), 0);
    instrument_judge(&instrument, &result, 2);
    assert_int_equal(instrument.verdict, INSTRUMENT_LIMITED);
    result.options = &open;
    instrument_judge(&instrument, &result, 2);
    assert_int_equal(instrument.verdict, INSTRUMENT_LIMITED);
    assert_true(instrument.rate_held == 1);
    stats_close(&result.stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
