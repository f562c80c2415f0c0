/* What the clients share: which request may begin when, and what a finished one is
 * worth. A request counts where it was begun for the window, so that warming up leaves nothing
 * behind and what is under way at the end is not lost. */

#include "bench/load/client.h"

#include <assert.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

enum { LATE_NS = 20000000, MARK_NS = 100000000, LAG_GRAIN_NS = 1000000 };

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

/* "run wait slices", in nanoseconds (sched-stats.txt of the kernel). */
static double waited(void)
{
    unsigned long long waited_ns;
    FILE *file = fopen("/proc/thread-self/schedstat", "re");
    int count = file ? fscanf(file, "%*u %llu", &waited_ns) : 0;
    if (file)
        fclose(file);
    return count == 1 ? (double)waited_ns / 1e9 : -1;
}

/* RUSAGE_THREAD is as of the last tick or sleep, of a thread that has not slept up to 10 ms old;
 * asking for the thread's clock brings it up to date. */
struct usage client_usage(void)
{
    struct timespec used;
    struct rusage usage;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    getrusage(RUSAGE_THREAD, &usage);
    return (struct usage){seconds(&usage.ru_utime), seconds(&usage.ru_stime), waited()};
}

void client_measure(struct client *client, const struct usage *begin, uint64_t now_ns)
{
    struct load_thread *time = &client->time;
    struct usage usage = client_usage();
    time->user_s = usage.user_s - begin->user_s;
    time->system_s = usage.system_s - begin->system_s;
    if (time->span_s > 0)
        return;
    time->span_s = (double)(now_ns > client->window_ns ? now_ns - client->window_ns : 1) / 1e9;
    time->busy = (time->user_s + time->system_s) / time->span_s;
    time->waited_s = usage.waited_s < 0 ? usage.waited_s : usage.waited_s - begin->waited_s;
}

bool client_is_to_measure(const struct client *client, uint64_t now_ns)
{
    return client->window_ns > 0 && now_ns >= client->end_ns && client->time.span_s == 0;
}

void lateness_begin(struct lateness *lateness, uint64_t now_ns)
{
    *lateness = (struct lateness){.waited_s = waited(), .mark_ns = now_ns};
}

void lateness_note(struct lateness *lateness, uint64_t until_ns, uint64_t now_ns)
{
    bool is_late = now_ns >= until_ns + LATE_NS;
    if (!is_late && now_ns - lateness->mark_ns < MARK_NS)
        return;
    double waited_s = waited();
    double late_s = (double)(now_ns - until_ns) / 1e9 - (waited_s - lateness->waited_s);
    if (is_late && late_s > 0)
        lateness->stopped_s += late_s;
    lateness->waited_s = waited_s;
    lateness->mark_ns = now_ns;
}

/* Burns processor time. */
static void plant(uint32_t plant_ns)
{
    uint64_t end_ns = client_now_ns() + plant_ns;
    while (client_now_ns() < end_ns)
        ;
}

/* --- counting --------------------------------------------------------------------------------- */

struct stats *client_stats_lock(struct client *client)
{
    if (client->tally->is_shared)
        pthread_mutex_lock(&client->tally->lock);
    return client->tally->stats;
}

static uint64_t in_flight(const struct client *client)
{
    const struct live *live = &client->live;
    uint64_t count = atomic_load_explicit(&live->begun, memory_order_relaxed);
    for (unsigned class = 0; class < STATUS_CLASSES; class ++)
        count -= atomic_load_explicit(&live->classes[class], memory_order_relaxed);
    return count;
}

struct stats *client_stats_at(struct client *client, uint64_t now_ns)
{
    client_stats_lock(client);
    if (now_ns >= client->tally->next_ns)
        tally_turn(client->tally, now_ns, in_flight(client));
    return client->tally->stats;
}

void client_stats_unlock(struct client *client)
{
    if (client->tally->is_shared)
        pthread_mutex_unlock(&client->tally->lock);
}

static unsigned bar_of(uint64_t latency_ns)
{
    uint64_t us = latency_ns / 1000;
    unsigned bar = us > 1 ? 64 - (unsigned)__builtin_clzll(us - 1) : 0;
    return bar < LIVE_BARS ? bar : LIVE_BARS - 1;
}

/* Only this thread writes what it tells, so that no locked instruction is needed. */
static void tell(_Atomic uint64_t *value, uint64_t more)
{
    atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

/* What the schedule was at when a request finished. */
static struct stats *stage_at(const struct client *client, uint64_t now_ns)
{
    uint64_t time_ns = now_ns > client->window_ns ? now_ns - client->window_ns : 0;
    return &client->tally->stages[workload_stage_at(client->options, time_ns)];
}

/* The stage that a request of the window was due in; NULL: there are none. */
static struct stats *stage_of(const struct client *client, const struct flight *flight)
{
    return client->tally->stages ? &client->tally->stages[flight->stage] : NULL;
}

/* Counts a request that has ended in any way; false: it was begun before the window. */
static bool finish(struct client *client, struct stats *stats, const struct flight *flight,
                   uint64_t now_ns)
{
    if (client->window_ns == 0)
        return false;
    bool is_within = now_ns <= client->end_ns;
    stats->finished_in_window += is_within;
    if (client->tally->stages && is_within)
        stage_at(client, now_ns)->finished_in_window++;
    stats->measured += is_within || client->tally->is_shared; /* threads measure to their end */
    if (!flight->is_counted)
        return false;
    stats->late += now_ns > client->end_ns;
    client->last_ns = now_ns;
    return true;
}

/* A client that does not run for 5 ms is late with one request, or with fifty: what it missed of
 * the schedule is 5 ms. */
void client_lagged(const struct client *client, struct stats *stats, uint64_t index,
                   uint64_t lag_ns)
{
    histogram_record(&stats->lag, lag_ns);
    if (lag_ns < LAG_GRAIN_NS)
        return;
    uint64_t next_ns = workload_due_ns(client->options, index + 1);
    uint64_t interval_ns = next_ns - workload_due_ns(client->options, index);
    stats->lagged_ns += lag_ns < interval_ns ? lag_ns : interval_ns;
}

static void count_anomalies(struct stats *stats, uint32_t anomalies)
{
    for (unsigned i = 0; anomalies >> i != 0; i++)
        stats->anomalies[i] += anomalies >> i & 1;
}

static void count_reply(struct client *client, struct stats *stats, const struct flight *flight,
                        uint64_t first_byte_ns, uint64_t now_ns, const struct reading *reading)
{
    assert(flight->begun_ns <= flight->sent_ns && flight->sent_ns <= first_byte_ns);
    assert(first_byte_ns <= now_ns && flight->due_ns <= flight->begun_ns);
    stats->requests++;
    stats->replies++;
    stats->statuses[reading->reply.response.status]++;
    stats->body_bytes += reading->body_bytes;
    count_anomalies(stats, reading->reply.response.anomalies);
    bool is_good = reading->reply.response.status < 400;
    histogram_record(is_good ? &stats->good : &stats->error_status, now_ns - flight->due_ns);
    histogram_record(&stats->phases[PHASE_FIRST_BYTE], first_byte_ns - flight->sent_ns);
    histogram_record(&stats->phases[PHASE_BODY], now_ns - first_byte_ns);
    if (load_is_open(client->options)) {
        histogram_record(&stats->actual, now_ns - flight->begun_ns);
        histogram_record(&stats->phases[PHASE_QUEUE], flight->begun_ns - flight->due_ns);
    }
}

void client_reply(struct client *client, const struct flight *flight, uint64_t first_byte_ns,
                  uint64_t now_ns, const struct reading *reading)
{
    tell(&client->live.classes[reading->reply.response.status / 100], 1);
    tell(&client->live.bars[bar_of(now_ns - flight->due_ns)], 1);
    if (client->options->plant_ns > 0)
        plant(client->options->plant_ns);
    struct stats *stats = client_stats_at(client, now_ns);
    if (finish(client, stats, flight, now_ns)) {
        struct stats *stage = stage_of(client, flight);
        count_reply(client, stats, flight, first_byte_ns, now_ns, reading);
        if (stage)
            count_reply(client, stage, flight, first_byte_ns, now_ns, reading);
    }
    client_stats_unlock(client);
}

static void count_failure(struct stats *stats, uint64_t latency_ns, enum haul_error error)
{
    stats->requests++;
    stats->errors[error]++;
    histogram_record(&stats->failed, latency_ns);
}

void client_failure(struct client *client, const struct flight *flight, uint64_t now_ns,
                    enum haul_error error)
{
    tell(&client->live.classes[0], 1);
    struct stats *stats = client_stats_at(client, now_ns);
    if (finish(client, stats, flight, now_ns)) {
        struct stats *stage = stage_of(client, flight);
        count_failure(stats, now_ns - flight->due_ns, error);
        if (stage)
            count_failure(stage, now_ns - flight->due_ns, error);
    }
    client_stats_unlock(client);
}

static void count_unfinished(struct stats *stats, uint64_t age_ns)
{
    stats->unfinished++;
    stats->oldest_ns = age_ns > stats->oldest_ns ? age_ns : stats->oldest_ns;
}

void client_unfinished(struct client *client, const struct flight *flight, uint64_t now_ns)
{
    struct stats *stats = client_stats_lock(client);
    if (flight->is_counted) {
        struct stats *stage = stage_of(client, flight);
        count_unfinished(stats, now_ns - flight->due_ns);
        if (stage)
            count_unfinished(stage, now_ns - flight->due_ns);
    }
    client_stats_unlock(client);
}

void client_tell_begun(struct client *client)
{
    tell(&client->live.begun, 1);
}

void client_resent(struct client *client, const struct flight *flight)
{
    struct stats *stats = client_stats_lock(client);
    stats->resent += flight->is_counted;
    if (flight->is_counted && stage_of(client, flight))
        stage_of(client, flight)->resent++;
    client_stats_unlock(client);
}

uint16_t client_ticket_port(const struct client *client, const struct place *place)
{
    return client->options->is_full_handshake ? 0 : place->port;
}

void client_opened(struct client *client, uint64_t connect_ns, uint64_t tls_ns)
{
    struct stats *stats = client_stats_lock(client);
    stats->connections++;
    histogram_record(&stats->phases[PHASE_CONNECT], connect_ns);
    if (tls_ns > 0)
        histogram_record(&stats->phases[PHASE_TLS], tls_ns);
    client_stats_unlock(client);
}

/* How much of that time was in the window, which has begun. */
static uint64_t within_window(const struct client *client, uint64_t from_ns, uint64_t to_ns)
{
    uint64_t begin_ns = from_ns > client->window_ns ? from_ns : client->window_ns;
    uint64_t end_ns = to_ns < client->end_ns ? to_ns : client->end_ns;
    return end_ns > begin_ns ? end_ns - begin_ns : 0;
}

void client_lingered(struct client *client, uint64_t time_ns, uint64_t now_ns)
{
    bool is_short = time_ns < client->options->linger_ns / 10; /* a server that closes */
    if (is_short || client->window_ns == 0)
        return;
    uint64_t within_ns = within_window(client, now_ns - time_ns, now_ns);
    if (within_ns == 0)
        return;
    struct stats *stats = client_stats_lock(client);
    stats->lingers++;
    stats->lingered_ns += within_ns;
    client_stats_unlock(client);
}

void client_paused(struct client *client, uint64_t now_ns)
{
    bool is_over = client->window_ns > 0 && now_ns >= client->end_ns;
    client_stats_lock(client)->pauses += !is_over;
    client_stats_unlock(client);
}

void client_tried(struct client *client)
{
    tell(&client->live.opened, 1);
}

bool client_keeps(const struct client *client, const struct response *response)
{
    const struct load_options *options = client->options;
    return response->keep_alive && !options->is_closing &&
           (!options->is_http10 || response->has_keep_alive);
}

/* --- what is to be begun ---------------------------------------------------------------------- */

enum stage client_look(struct client *client, uint64_t now_ns)
{
    struct conductor *conductor = client->conductor;
    enum stage stage = (enum stage)atomic_load_explicit(&conductor->stage, memory_order_acquire);
    if (stage == STAGE_WINDOW && now_ns < atomic_load(&conductor->window_ns))
        return client->stage;
    if (!client->tally->is_shared && now_ns >= client->tally->next_ns)
        tally_turn(client->tally, now_ns, in_flight(client));
    if (atomic_load_explicit(&conductor->is_calling, memory_order_relaxed))
        atomic_store_explicit(&client->live.has_answered, true, memory_order_relaxed);
    return stage;
}

uint64_t client_look_ns(const struct client *client, uint64_t now_ns)
{
    struct conductor *conductor = client->conductor;
    if (client->stage >= STAGE_WINDOW)
        return UINT64_MAX;
    if (atomic_load(&conductor->stage) == STAGE_WINDOW)
        return atomic_load(&conductor->window_ns);
    bool has_answered = atomic_load_explicit(&client->live.has_answered, memory_order_relaxed);
    return has_answered ? now_ns + CALL_TICK_NS : UINT64_MAX;
}

void client_enter(struct client *client, enum stage stage)
{
    struct conductor *conductor = client->conductor;
    assert(stage > client->stage); /* it only goes forward */
    client->stage = stage;
    if (stage == STAGE_WARMING)
        client->schedule_ns = atomic_load(&conductor->warming_ns);
    if (stage != STAGE_WINDOW)
        return;
    client->begun = 0;
    client->window_ns = client->schedule_ns = atomic_load(&conductor->window_ns);
    client->end_ns = atomic_load(&conductor->end_ns);
    client_stats_lock(client);
    if (!client->tally->is_in_window)
        tally_begin(client->tally, client->window_ns);
    client_stats_unlock(client);
}

bool client_is_sending(const struct client *client)
{
    return client->stage == STAGE_WARMING || client->stage == STAGE_WINDOW;
}

uint64_t client_due_ns(const struct client *client)
{
    uint64_t share = client->stage == STAGE_WINDOW ? client->requests : UINT64_MAX;
    if (!client_is_sending(client) || client->begun >= share)
        return UINT64_MAX;
    if (!load_is_open(client->options))
        return 0;
    return client->schedule_ns +
           workload_due_ns(client->options, client->begun * client->count + client->index);
}

void client_stage(const struct client *client, uint64_t index, struct flight *flight)
{
    if (client->tally->stages)
        flight->stage = (uint8_t)workload_stage_of(client->options, index);
}

bool client_begin(struct client *client, uint64_t now_ns, struct flight *ret_flight)
{
    uint64_t due_ns = client_due_ns(client);
    bool is_open_loop = load_is_open(client->options);
    bool is_over = client->stage == STAGE_WINDOW && now_ns >= client->end_ns;
    if (due_ns > now_ns || (is_over && !is_open_loop))
        return false;
    client_tell_begun(client);
    *ret_flight = (struct flight){
        .due_ns = is_open_loop ? due_ns : now_ns,
        .begun_ns = now_ns,
        .sent_ns = now_ns,
        .is_counted = client->stage == STAGE_WINDOW,
    };
    client_stage(client, client->begun * client->count + client->index, ret_flight);
    client->begun++;
    return true;
}
