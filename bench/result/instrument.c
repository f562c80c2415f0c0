/* The verdict on the instrument. Each rule looks at one way in which haul bench or its machine can
 * stand between the server and the figures, adds a sentence if it finds it, and raises the verdict
 * to its own; a run that nothing was found in is told so, with the numbers that show it. */

#include "bench/result/instrument.h"

#include "bench/base/unit.h"
#include "bench/load/workload.h"
#include "bench/base/exit_status.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* A thread with less than 5 % of its processor left is late whenever two replies come at once: what
 * it measures is its own queue. Its processor time is counted in ticks by some kernels, so that
 * 100 % need not be reached. */
#define BUSY_BOUND 0.95
#define BUSY_NEAR 0.85

/* One request in a hundred was begun later than this although a connection was free: then p99 is
 * the client's. Below a millisecond it is the timer's and the scheduler's grain; above it, a tenth
 * of the typical latency does not change what the figures say. */
#define LAG_SHARE 0.01
#define LAG_GRAIN_NS 1e6
#define LAG_OF_LATENCY 0.1

/* How far the requests begun may be from those asked for. */
#define RATE_TOLERANCE 0.005

/* An empty buffer ring is a normal way to wait while large bodies come; from one completion in a
 * hundred on it costs the client time that is measured. */
#define BUFFERS_SHARE 0.01

/* Ports: from one connect() in a hundred on, the errors and the rate are the client machine's. */
#define PORTS_SHARE 0.01

/* A thread that waited for a processor a tenth of the window was late as often; so was one that did
 * little, and waited longer than it ran. What the kernel does for its connections takes up to four
 * hundredths from a thread that is busy all the time. */
#define WAITED_SHARE 0.1
#define WAITED_SHARE_IDLE 0.01

/* And so long in all at least: another process keeps the processor until the next tick, 4 ms at
 * 250 Hz, now and then. Of a short run once is a large share, and says nothing of the client. */
#define WAITED_GRAIN_S 0.012

/* From a tenth of the processors on, somebody else had them; below, it may be the kernel, or the
 * grain of what it counts. */
#define OTHERS_SHARE 0.1

/* Of a client that was stopped for a hundredth of the run p99 is its own. */
#define STOPPED_SHARE 0.01

/* And so long in all at least that it was stopped, or late: a hypervisor takes a processor away for
 * 3 to 14 ms once in some seconds, for 34 ms now and then, and whoever only sleeps until a time is
 * late then, though nobody else wanted the processor. */
#define LATE_GRAIN_S 0.05

/* From one hundredth of the connections' time on, lost in the client's own waiting, the rate of a
 * closed loop is the client's. */
#define IDLE_SHARE 0.01

/* How long a connection is left alone after it could not be opened: bench/load/client.h. */
#define PAUSE_S 0.1

/* The kernel sends a SYN again after a second. */
#define SLOW_CONNECT_NS 900000000

/* Fewer than this, and the 99.99th percentile is the greatest value. */
enum { SAMPLES_FOR_P99_99 = 10000 };

const char *instrument_verdict_name(enum instrument_verdict verdict)
{
    static const char *const names[] = {
        [INSTRUMENT_OK] = "ok",
        [INSTRUMENT_LIMITED] = "limited",
        [INSTRUMENT_ALL_FAILED] = "all_failed",
        [INSTRUMENT_RATE_NOT_HELD] = "rate_not_held",
        [INSTRUMENT_CLIENT_BOUND] = "client_bound",
    };
    return names[verdict];
}

int instrument_exit_status(const struct instrument *instrument)
{
    switch (instrument->verdict) {
    case INSTRUMENT_CLIENT_BOUND:
        return EXIT_CLIENT_BOUND;
    case INSTRUMENT_RATE_NOT_HELD:
        return EXIT_RATE_NOT_HELD;
    case INSTRUMENT_ALL_FAILED:
        return EXIT_ALL_FAILED;
    case INSTRUMENT_OK:
    case INSTRUMENT_LIMITED:
        return EXIT_DONE;
    }
    return EXIT_DONE;
}

static __attribute__((format(printf, 3, 4))) void
say(struct instrument *instrument, enum instrument_verdict verdict, const char *format, ...)
{
    va_list arguments;
    if (verdict > instrument->verdict)
        instrument->verdict = verdict;
    if (instrument->sentence_count == INSTRUMENT_SENTENCES)
        return;
    va_start(arguments, format);
    vsnprintf(instrument->sentences[instrument->sentence_count++], INSTRUMENT_SENTENCE_BYTES,
              format, arguments);
    va_end(arguments);
}

/* A number within a sentence; the memory lasts until the sentence is said. */
#define TEXT(unit, value) metric_text((char[METRIC_TEXT_BYTES]){0}, (unit), (double)(value))
#define COUNT_TEXT(value) TEXT(METRIC_COUNT, value)
#define NS_TEXT(value) TEXT(METRIC_MICROSECONDS, (double)(value) / 1e3)
#define SHARE_TEXT(value) TEXT(METRIC_SHARE, round((double)(value)*1000) / 1000)

/* --- the client's processors ------------------------------------------------------------------ */

static double busy_sum(const struct load_result *result)
{
    double sum = 0;
    for (uint32_t i = 0; i < result->thread_count; i++)
        sum += result->threads[i].busy;
    return sum;
}

/* More threads than processors starve each other although none of them is busy all the time. */
static bool is_crowded(const struct load_result *result, uint32_t processors)
{
    return processors > 0 && busy_sum(result) >= BUSY_BOUND * processors;
}

static void judge_processors(struct instrument *instrument, const struct load_result *result,
                             uint32_t processors)
{
    if (instrument->busiest >= BUSY_BOUND)
        say(instrument, INSTRUMENT_CLIENT_BOUND,
            "the client was the bottleneck: its busiest thread used %s of its processor; these "
            "figures are about haul bench, not about the server",
            SHARE_TEXT(instrument->busiest));
    else if (is_crowded(result, processors))
        say(instrument, INSTRUMENT_CLIENT_BOUND,
            "the client was the bottleneck: its %s threads together used %s of their processors "
            "(%s); these figures are about haul bench, not about the server",
            COUNT_TEXT(result->thread_count), SHARE_TEXT(busy_sum(result) / processors),
            COUNT_TEXT(processors));
}

static void note_near(struct instrument *instrument)
{
    if (instrument->busiest >= BUSY_NEAR && instrument->busiest < BUSY_BOUND)
        say(instrument, INSTRUMENT_OK,
            "the client was near its end: with %s of a processor used, high percentiles hold some "
            "of its own queueing",
            SHARE_TEXT(instrument->busiest));
}

/* --- the client's time ------------------------------------------------------------------------ */

/* How long threads waited for a processor that others had, and ran. */
struct wait {
    double waited_s;
    double ran_s;
    double span_s;
};

static bool is_starved(const struct wait *wait)
{
    return wait->waited_s >= WAITED_GRAIN_S &&
           (wait->waited_s >= WAITED_SHARE * wait->span_s ||
            (wait->waited_s >= WAITED_SHARE_IDLE * wait->span_s && wait->waited_s >= wait->ran_s));
}

static struct wait wait_of(const struct load_thread *thread)
{
    return (struct wait){thread->waited_s, thread->busy * thread->span_s, thread->span_s};
}

/* Threads that are more than their processors wait for each other too. Not for longer than the
 * others of them ran; and else for whom they share the processors with, in the ratio of what each
 * has of them. */
static struct wait wait_of_shared(const struct load_result *result,
                                  const struct load_thread *thread, uint32_t processors)
{
    struct wait wait = wait_of(thread);
    double own_s = (busy_sum(result) - thread->busy) * thread->span_s;
    double others_s = result->others * processors * thread->span_s;
    double at_least_s = wait.waited_s - own_s;
    double likely_s =
        result->others >= OTHERS_SHARE ? wait.waited_s * others_s / (others_s + own_s) : 0;
    wait.waited_s = fmax(at_least_s, likely_s);
    return wait;
}

/* As if one thread had worked for all that had requests at the same time: requests under way, on
 * average. What many wait one after the other is nobody's large share, and each request's. */
static struct wait wait_of_all(const struct load_result *result, uint32_t processors)
{
    const struct histogram *all = &result->stats.all;
    struct wait sum = {.span_s = result->window_s};
    double under_way_s = histogram_mean_ns(all) * (double)histogram_count(all) / 1e9;
    double lanes = fmin(fmax(under_way_s / result->window_s, 1), result->thread_count);
    for (uint32_t i = 0; i < result->thread_count; i++) {
        struct wait one = wait_of_shared(result, &result->threads[i], processors);
        sum.waited_s += fmax(one.waited_s, 0) / lanes;
        sum.ran_s += one.ran_s / lanes;
    }
    return sum;
}

/* The longest of those that were starved; span_s 0: none was. */
static struct wait starved(const struct load_result *result, uint32_t processors)
{
    bool is_shared = processors > 0 && result->thread_count > processors;
    struct wait longest = {0};
    for (uint32_t i = 0; i < result->thread_count; i++) {
        const struct load_thread *thread = &result->threads[i];
        struct wait wait = is_shared ? wait_of_shared(result, thread, processors) : wait_of(thread);
        if (is_starved(&wait) && wait.waited_s > longest.waited_s)
            longest = wait;
    }
    struct wait all = {0};
    if (is_shared && result->window_s > 0 && result->others >= OTHERS_SHARE)
        all = wait_of_all(result, processors);
    return is_starved(&all) && all.waited_s > longest.waited_s ? all : longest;
}

/* Some always had a processor or waited for one: what the client has not had of them others had. */
static bool is_full(const struct load_result *result, uint32_t processors)
{
    double share = 0;
    for (uint32_t i = 0; i < result->thread_count; i++)
        share += result->threads[i].busy + result->threads[i].waited_s / result->threads[i].span_s;
    return processors > 0 && result->thread_count > processors && !is_crowded(result, processors) &&
           share >= BUSY_BOUND * result->thread_count;
}

static void judge_waiting(struct instrument *instrument, const struct load_result *result,
                          uint32_t processors)
{
    struct load_thread time = load_threads_sum(result);
    struct wait wait = starved(result, processors);
    if (wait.span_s > 0)
        say(instrument, INSTRUMENT_CLIENT_BOUND,
            "the client was the bottleneck: it was starved: a thread waited %s of %s for a "
            "processor that others had, and the latencies hold that",
            NS_TEXT(wait.waited_s * 1e9), NS_TEXT(wait.span_s * 1e9));
    else if (is_full(result, processors))
        say(instrument, INSTRUMENT_CLIENT_BOUND,
            "the client was the bottleneck: it was starved: its %s threads always ran or waited "
            "for a processor, of which they had %s, and others the rest",
            COUNT_TEXT(result->thread_count), SHARE_TEXT(busy_sum(result) / processors));
    if (time.stopped_s < LATE_GRAIN_S)
        return;
    bool is_bound = time.stopped_s >= STOPPED_SHARE * result->elapsed_s;
    say(instrument, is_bound ? INSTRUMENT_CLIENT_BOUND : INSTRUMENT_LIMITED,
        "%sthe client was stopped: it did not run for %s of %s although it was due to wake, and "
        "the latencies hold that",
        is_bound ? "the client was the bottleneck: " : "", NS_TEXT(time.stopped_s * 1e9),
        NS_TEXT(result->elapsed_s * 1e9));
}

/* Of all connections' time in the window. */
static double idle_share(const struct load_result *result, double idle_s)
{
    double time_s = (double)result->connections * result->window_s;
    return time_s > 0 ? idle_s / time_s : 0;
}

static void judge_lingering(struct instrument *instrument, const struct load_result *result)
{
    const struct stats *stats = &result->stats;
    double share = idle_share(result, (double)stats->lingered_ns / 1e9);
    if (stats->lingers == 0)
        return;
    say(instrument, share >= IDLE_SHARE ? INSTRUMENT_CLIENT_BOUND : INSTRUMENT_LIMITED,
        "%sthe server announced %s time%s that it would close a connection and did not: haul bench "
        "lingered on those, %s of the connections' time",
        share >= IDLE_SHARE ? "the client was the bottleneck: " : "", COUNT_TEXT(stats->lingers),
        stats->lingers == 1 ? "" : "s", SHARE_TEXT(share));
}

static uint64_t slow_connects(const struct histogram *connect)
{
    struct histogram_bucket bucket;
    uint32_t cursor = 0;
    uint64_t count = 0;
    while (histogram_next(connect, &cursor, &bucket))
        count += bucket.lowest_ns >= SLOW_CONNECT_NS ? bucket.count : 0;
    return count;
}

static void judge_opening(struct instrument *instrument, const struct load_result *result)
{
    const struct stats *stats = &result->stats;
    uint64_t slow = slow_connects(&stats->phases[PHASE_CONNECT]);
    double pause_s = fmin(PAUSE_S, result->window_s);
    double share = idle_share(result, (double)stats->pauses * pause_s);
    if (result->unopened > 0)
        say(instrument, INSTRUMENT_LIMITED,
            "connections were opened too slowly: %s of %s were not open when the window began",
            COUNT_TEXT(result->unopened), COUNT_TEXT(result->connections));
    if (slow > 0)
        say(instrument, INSTRUMENT_LIMITED,
            "connections were opened slowly: %s of %s took a second or more, as when a SYN is "
            "sent again because the server's queue of those to be accepted was full",
            COUNT_TEXT(slow), COUNT_TEXT(stats->connections));
    if (stats->pauses > 0)
        say(instrument, share >= IDLE_SHARE ? INSTRUMENT_CLIENT_BOUND : INSTRUMENT_LIMITED,
            "%shaul bench paused %s time%s for 100 ms after a connection that could not be opened, "
            "%s of the connections' time",
            share >= IDLE_SHARE ? "the client was the bottleneck: " : "", COUNT_TEXT(stats->pauses),
            stats->pauses == 1 ? "" : "s", SHARE_TEXT(fmin(share, 1)));
}

/* --- the schedule of an open loop ------------------------------------------------------------- */

/* What one request in a hundred of all lagged or more: lags are recorded only where a connection
 * was free. */
static double lag_ns(const struct stats *stats)
{
    double lagged = (double)histogram_count(&stats->lag);
    double share = LAG_SHARE * fmax((double)stats->begun, lagged);
    return lagged > share ? (double)histogram_quantile(&stats->lag, 1 - share / lagged) : 0;
}

static bool is_late(const struct stats *stats)
{
    double typical_ns = (double)histogram_quantile(&stats->intended, 0.5);
    return lag_ns(stats) > fmax(LAG_GRAIN_NS, LAG_OF_LATENCY * typical_ns);
}

static bool judge_lag(struct instrument *instrument, const struct stats *stats)
{
    if (!is_late(stats) || (double)stats->lagged_ns / 1e9 < LATE_GRAIN_S)
        return false;
    say(instrument, INSTRUMENT_CLIENT_BOUND,
        "the client was the bottleneck: one request in a hundred was begun %s or more after it was "
        "due, although a connection was free, and the intended latencies hold that",
        NS_TEXT(lag_ns(stats)));
    return true;
}

static void note_lag(struct instrument *instrument, const struct stats *stats)
{
    if (is_late(stats) && (double)stats->lagged_ns / 1e9 < LATE_GRAIN_S)
        say(instrument, INSTRUMENT_OK,
            "of the schedule %s were begun late, as happens on any machine now and then; in so "
            "short a run p99 holds that",
            NS_TEXT(stats->lagged_ns));
}

/* How many were under way when the window ended is not counted, but what finished after its end
 * was under way or had not begun, and no more can be under way than the connections carry. */
static double begun_in_window(const struct load_result *result, const struct load_options *options)
{
    double late = (double)result->stats.late;
    double carried = (double)result->connections * options->pipeline;
    return (double)result->stats.requests - late + fmin(late, carried);
}

static double due_until(const struct load_options *options, double time_s)
{
    return time_s > 0 ? (double)workload_due_count(options, (uint64_t)llround(time_s * 1e9)) : 0;
}

/* Of a window that lasts until all its requests are finished: the last was begun at the earliest as
 * long before its end as the slowest took. */
static double count_held(const struct load_result *result, const struct load_options *options)
{
    const struct stats *stats = &result->stats;
    uint64_t slowest_ns = histogram_max_ns(&stats->actual);
    if (stats->replies < stats->requests && slowest_ns < options->timeout_ns)
        slowest_ns = options->timeout_ns;
    double due = due_until(options, result->window_s - (double)slowest_ns / 1e9);
    return (double)options->requests / fmax(due, (double)options->requests);
}

static double due_in_window(const struct load_result *result, const struct load_options *options)
{
    double due = due_until(options, result->window_s);
    return options->requests > 0 ? fmin(due, (double)options->requests) : due;
}

static double rate_held(const struct load_result *result, const struct load_options *options,
                        double due)
{
    bool is_counted = options->requests > 0 && options->duration_ns == 0;
    if (due == 0)
        return 1;
    return is_counted && !result->is_interrupted ? count_held(result, options)
                                                 : begun_in_window(result, options) / due;
}

/* One request more or less may be due at a window's edge in each thread's schedule. */
static bool is_held(const struct load_result *result, double held, double due)
{
    uint32_t threads = result->options->client == CLIENT_THREADS ? 1 : result->thread_count;
    return fabs(1 - held) * due <= fmax(RATE_TOLERANCE * due, threads);
}

static void judge_schedule(struct instrument *instrument, const struct load_result *result)
{
    struct load_options options = load_filled(result->options);
    double due = due_in_window(result, &options);
    double asked = result->window_s > 0 ? due / result->window_s : 0;
    bool is_lagging = judge_lag(instrument, &result->stats);
    instrument->rate_held = rate_held(result, &options, due);
    if (is_held(result, instrument->rate_held, due))
        return;
    say(instrument, INSTRUMENT_RATE_NOT_HELD,
        "the rate was not held: %.2f %% of the requests that were due were begun in time, %s of "
        "%s%s",
        100 * instrument->rate_held, TEXT(METRIC_PER_SECOND, round(instrument->rate_held * asked)),
        TEXT(METRIC_PER_SECOND, round(asked)),
        is_lagging || instrument->verdict == INSTRUMENT_CLIENT_BOUND
            ? ""
            : "; the connections were all waiting for the server: it was at its end, or -c is too "
              "low");
}

/* --- what ran short --------------------------------------------------------------------------- */

static void judge_ports(struct instrument *instrument, const struct stats *stats)
{
    double tried = (double)stats->connections + (double)stats->ports_exhausted;
    if (stats->ports_exhausted == 0)
        return;
    bool is_bound = (double)stats->ports_exhausted >= PORTS_SHARE * tried;
    say(instrument, is_bound ? INSTRUMENT_CLIENT_BOUND : INSTRUMENT_LIMITED,
        "%sthis machine had no local port left for %s of %s connections: widen "
        "net.ipv4.ip_local_port_range, or keep connections open",
        is_bound ? "the client was the bottleneck: " : "", COUNT_TEXT(stats->ports_exhausted),
        COUNT_TEXT(tried));
}

static void judge_descriptors(struct instrument *instrument, const struct load_result *result)
{
    uint32_t asked = load_filled(result->options).connections;
    if (result->connections < asked)
        say(instrument, INSTRUMENT_LIMITED,
            "%s of %s connections were used: RLIMIT_NOFILE allows no more descriptors (ulimit -n)",
            COUNT_TEXT(result->connections), COUNT_TEXT(asked));
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static bool are_buffers_short(const struct stats *stats)
{
    return (double)stats->buffers_empty > BUFFERS_SHARE * (double)stats->completions;
}

static void judge_ring(struct instrument *instrument, const struct stats *stats)
{
    if (stats->queue_overflows > 0)
        say(instrument, INSTRUMENT_LIMITED,
            "the completion queue overflowed %s time%s: completions waited in the kernel, and "
            "their latencies hold that",
            COUNT_TEXT(stats->queue_overflows), plural(stats->queue_overflows));
    if (are_buffers_short(stats))
        say(instrument, INSTRUMENT_LIMITED,
            "no receive buffer was left %s time%s in %s completions: the latencies hold the "
            "waiting for one",
            COUNT_TEXT(stats->buffers_empty), plural(stats->buffers_empty),
            COUNT_TEXT(stats->completions));
}

/* Of a run that has nothing good to tell nobody is to think well. */
static void judge_outcome(struct instrument *instrument, const struct stats *stats)
{
    uint64_t failed = stats->requests - stats->replies;
    if (stats->requests > 0 && failed == stats->requests)
        say(instrument, INSTRUMENT_ALL_FAILED, "every request failed: none of %s had a reply",
            COUNT_TEXT(stats->requests));
    else if (stats->requests > 0 && stats_errors(stats) == stats->requests)
        say(instrument, INSTRUMENT_ALL_FAILED,
            "every request failed: of %s, %s had a reply, with a status of 400 or more",
            COUNT_TEXT(stats->requests), COUNT_TEXT(stats->replies));
    else if (stats->requests == 0 && stats->unfinished > 0)
        say(instrument, INSTRUMENT_ALL_FAILED, "no request finished: %s %s under way at the end",
            COUNT_TEXT(stats->unfinished), stats->unfinished == 1 ? "was" : "were");
}

static void judge_rest(struct instrument *instrument, const struct load_result *result)
{
    const struct stats *stats = &result->stats;
    uint64_t clipped = histogram_clipped(&stats->actual) + histogram_clipped(&stats->intended);
    if (clipped > 0)
        say(instrument, INSTRUMENT_LIMITED, "%s latencies were cut to 73 minutes",
            COUNT_TEXT(clipped));
    if (result->is_interrupted)
        say(instrument, INSTRUMENT_LIMITED, "the run was interrupted after %.1f s",
            result->window_s);
}

/* --- words that do not change the verdict ----------------------------------------------------- */

static void say_nothing_found(struct instrument *instrument, const struct load_result *result)
{
    bool is_open_loop = load_is_open(result->options);
    double lag = (double)histogram_quantile(&result->stats.lag, 0.99);
    if (is_open_loop)
        say(instrument, INSTRUMENT_OK,
            "nothing stood in the way: the busiest client thread used %s of its processor, the "
            "rate was held to %.2f %%, and with a connection free 99 %% of the requests were begun "
            "within %s",
            SHARE_TEXT(instrument->busiest), 100 * instrument->rate_held, NS_TEXT(lag));
    else
        say(instrument, INSTRUMENT_OK,
            "nothing stood in the way: the busiest client thread used %s of its processor",
            SHARE_TEXT(instrument->busiest));
}

static void note_buffers(struct instrument *instrument, const struct stats *stats)
{
    if (stats->buffers_empty > 0 && !are_buffers_short(stats))
        say(instrument, INSTRUMENT_OK,
            "no receive buffer was left %s time%s in %s completions, which is harmless",
            COUNT_TEXT(stats->buffers_empty), plural(stats->buffers_empty),
            COUNT_TEXT(stats->completions));
}

static void note_samples(struct instrument *instrument, const struct stats *stats)
{
    if (stats->replies == 0)
        say(instrument, INSTRUMENT_OK, "no reply came: there is no latency to be told");
    else if (stats->replies < SAMPLES_FOR_P99_99)
        say(instrument, INSTRUMENT_OK, "too few replies (%s) for p99.99: it is the maximum",
            COUNT_TEXT(stats->replies));
}

static void note_pipeline(struct instrument *instrument, const struct load_options *options)
{
    if (options->pipeline > 1)
        say(instrument, INSTRUMENT_OK,
            "with %s requests under way on a connection, a latency holds the waiting for the "
            "replies before its own",
            COUNT_TEXT(options->pipeline));
}

/* Coordinated omission, with this run's own numbers. */
static void tell_hidden(struct instrument *instrument, const struct load_result *result)
{
    double slots = (double)result->connections * load_filled(result->options).pipeline;
    double rate =
        result->window_s > 0 ? (double)result->stats.finished_in_window / result->window_s : 0;
    snprintf(instrument->hidden, sizeof(instrument->hidden),
             "closed loop: a connection asks again only when it has been answered, so a server "
             "that stops for 1 s costs this run %s long %s, not the %s of the requests that would "
             "have been due; --rate shows them",
             COUNT_TEXT(slots), slots == 1 ? "latency" : "latencies", COUNT_TEXT(round(rate)));
}

void instrument_judge(struct instrument *ret_instrument, const struct load_result *result,
                      uint32_t processors)
{
    *ret_instrument =
        (struct instrument){.rate_held = -1, .busiest = load_threads_sum(result).busy};
    judge_processors(ret_instrument, result, processors);
    judge_waiting(ret_instrument, result, processors);
    judge_lingering(ret_instrument, result);
    judge_opening(ret_instrument, result);
    judge_ports(ret_instrument, &result->stats);
    if (load_is_open(result->options))
        judge_schedule(ret_instrument, result);
    else
        tell_hidden(ret_instrument, result);
    judge_outcome(ret_instrument, &result->stats);
    judge_descriptors(ret_instrument, result);
    judge_ring(ret_instrument, &result->stats);
    judge_rest(ret_instrument, result);
    if (ret_instrument->verdict == INSTRUMENT_OK)
        say_nothing_found(ret_instrument, result);
    note_near(ret_instrument);
    if (load_is_open(result->options))
        note_lag(ret_instrument, &result->stats);
    note_buffers(ret_instrument, &result->stats);
    note_pipeline(ret_instrument, result->options);
    note_samples(ret_instrument, &result->stats);
    ret_instrument->was_bottleneck = ret_instrument->verdict == INSTRUMENT_CLIENT_BOUND;
}
