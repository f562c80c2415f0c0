/* The conductor. It sleeps, looks at what the clients tell, and moves the one word they all read:
 * OPENING until every connection has been tried, WARMING as long as was asked for (or until the
 * rate holds still), WINDOW, and STOPPED where a window has to be ended by force. */

#include "bench/load/conductor.h"

#include "bench/base/signals.h"
#include "bench/load/chronicle.h"
#include "bench/load/processors.h"
#include "engine/memory/budget.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum {
    GROUPS = 8, /* of CLIENT_THREADS' threads, that count together */
    DESCRIPTORS_RESERVED = 32,
    STACK_BYTES = 256 << 10,
    STEP_NS = 10000000,
    LEAD_NS = 3 * CALL_TICK_NS, /* all have looked by then */
    SLICE_NS = 100000000,       /* of warming up: rates of slices are compared */
    SLICES_ALIKE = 4,
};

static const uint64_t second_ns = 1000000000;
static const uint64_t warm_up_ns_max = 3000000000;
static const double alike = 0.05;

/* Who has not answered a call by then waits for a reply, or for a processor. */
static const uint64_t call_ns_max = 1000000000;

struct run {
    struct load_options options; /* with every default filled in */
    struct workload workload;
    struct conductor conductor;
    struct client *clients;
    uint32_t client_count;
    struct tally *tallies;
    uint32_t tally_count;
    struct chronicle chronicle;
    struct vault *vaults; /* NULL: none */
    struct player *players;
    uint32_t started;
    _Atomic uint32_t running;
    _Atomic uint32_t failed; /* counts from 1: the client that could not go on */
    pthread_cond_t done;
    cpu_set_t allowed;
    uint32_t processors;
    struct processors_time window_begin, window_end;
    uint64_t planned; /* requests of an open loop's window; UINT64_MAX: not bounded */
    uint64_t begin_ns;
    uint64_t opened_ns;
    uint64_t stage_ns;
    struct lateness lateness; /* of the conductor itself */
    uint32_t unopened;
    uint64_t called_ns;   /* 0: the window was not called */
    uint64_t slice_ns;    /* warming up: the present slice's begin */
    uint64_t slice_count; /* finished then */
    double rates[SLICES_ALIKE];
    uint32_t slices;
    double started_at;
};

/* A client and the thread that runs it. */
struct player {
    struct run *run;
    struct client *client;
    pthread_t thread;
    int error;
};

/* --- preparing -------------------------------------------------------------------------------- */

/* The defaults, and no more than there are descriptors for. */
static void options_fill(struct run *run, const struct load_options *options)
{
    struct load_options *filled = &run->options;
    *filled = load_filled(options);
    uint64_t descriptors = budget_nofile(true);
    uint64_t room = descriptors > DESCRIPTORS_RESERVED ? descriptors - DESCRIPTORS_RESERVED : 1;
    if (filled->connections > room)
        filled->connections = (uint32_t)room;
    if (filled->threads > filled->connections)
        filled->threads = filled->connections;
}

/* The processors of this process, of which a run may be asked to use the first few only. */
static void processors_find(struct run *run)
{
    uint32_t wanted = run->options.processors;
    cpu_set_t set;
    CPU_ZERO(&run->allowed);
    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &set) && (wanted == 0 || run->processors < wanted)) {
            CPU_SET(cpu, &run->allowed);
            run->processors++;
        }
}

static int vaults_open(struct run *run, char *ret_message, size_t size)
{
    uint32_t slots = (run->client_count + GROUPS - 1) / GROUPS;
    if (run->options.client != CLIENT_THREADS || !run->workload.is_https)
        return 0;
    run->vaults = calloc(run->tally_count, sizeof *run->vaults);
    if (!run->vaults)
        return -ENOMEM;
    for (uint32_t i = 0; i < run->tally_count; i++) {
        struct vault *vault = &run->vaults[i];
        struct haul_open_error why = {.message = "out of memory"};
        pthread_mutex_init(&vault->lock, NULL);
        secure_init(&vault->secure);
        vault->sessions = calloc(run->workload.place_count, sizeof *vault->sessions);
        vault->moved = calloc(run->workload.place_count, sizeof *vault->moved);
        int error = vault->sessions && vault->moved
                        ? secure_open(&vault->secure, &run->options.tls, slots, &why)
                        : -ENOMEM;
        if (error) {
            snprintf(ret_message, size, "TLS: %s", why.message);
            return error;
        }
    }
    return 0;
}

static int tallies_open(struct run *run)
{
    bool is_shared = run->options.client == CLIENT_THREADS;
    uint32_t groups = run->client_count < GROUPS ? run->client_count : GROUPS;
    run->tally_count = is_shared ? groups : run->client_count;
    run->tallies = calloc(run->tally_count, sizeof *run->tallies);
    for (uint32_t i = 0; run->tallies && i < run->tally_count; i++) {
        int error = tally_open(&run->tallies[i], &run->options, is_shared);
        if (error)
            return error;
    }
    if (!run->tallies)
        return -ENOMEM;
    return chronicle_open(&run->chronicle, &run->options, run->tallies, run->tally_count);
}

/* Threads have the requests in common; loops each have every count-th. */
static uint64_t share_of(const struct run *run, uint32_t index)
{
    if (run->planned == UINT64_MAX || run->options.client == CLIENT_THREADS)
        return run->planned;
    if (run->planned <= index)
        return 0;
    return (run->planned - index - 1) / run->client_count + 1;
}

static void client_fill(struct run *run, uint32_t index)
{
    uint32_t each = run->options.connections / run->client_count;
    uint32_t more = run->options.connections % run->client_count;
    uint32_t group = index % run->tally_count;
    run->clients[index] = (struct client){
        .options = &run->options,
        .workload = &run->workload,
        .conductor = &run->conductor,
        .tally = &run->tallies[group],
        .vault = run->vaults ? &run->vaults[group] : NULL,
        .vault_slot = index / GROUPS,
        .index = index,
        .count = run->client_count,
        .first_connection = index * each + (index < more ? index : more),
        .connections = each + (index < more),
        .requests = share_of(run, index),
    };
    run->players[index] = (struct player){.run = run, .client = &run->clients[index]};
}

static int clients_open(struct run *run, char *ret_message, size_t size)
{
    const struct load_options *options = &run->options;
    assert(options->connections > 0 && options->threads > 0);
    run->client_count = options->client == CLIENT_THREADS ? options->connections : options->threads;
    run->planned = options->requests > 0 ? options->requests : UINT64_MAX;
    if (load_is_open(options) && options->duration_ns > 0) {
        uint64_t due = workload_due_count(options, options->duration_ns);
        run->planned = due < run->planned ? due : run->planned;
    }
    snprintf(ret_message, size, "out of memory");
    int error = tallies_open(run);
    if (!error)
        error = vaults_open(run, ret_message, size);
    run->clients = calloc(run->client_count, sizeof *run->clients);
    run->players = calloc(run->client_count, sizeof *run->players);
    if (error || !run->clients || !run->players)
        return error ? error : -ENOMEM;
    if (options->is_template && options->client == CLIENT_THREADS) {
        run->conductor.turns =
            calloc(2 * (size_t)run->workload.place_count, sizeof *run->conductor.turns);
        if (!run->conductor.turns)
            return -ENOMEM;
    }
    for (uint32_t i = 0; i < run->client_count; i++)
        client_fill(run, i);
    return 0;
}

/* --- threads ---------------------------------------------------------------------------------- */

/* Pinned: the number-th of the processors allowed, going round; else any of them. */
static void thread_place(const struct run *run, uint32_t number)
{
    cpu_set_t set = run->allowed;
    uint32_t skip = run->processors > 0 ? number % run->processors : 0;
    if (run->processors == 0)
        return;
    for (int cpu = 0; run->options.is_pinned && cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &run->allowed) && skip-- == 0) {
            CPU_ZERO(&set);
            CPU_SET(cpu, &set);
            break;
        }
    sched_setaffinity(0, sizeof set, &set);
}

static void *play(void *argument)
{
    struct player *player = argument;
    struct run *run = player->run;
    thread_place(run, player->client->index);
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* wake when a request is due, not 50 us later */
    player->error = run->options.client == CLIENT_THREADS ? client_thread_run(player->client)
                                                          : client_loop_run(player->client);
    if (!player->client->tally->is_shared)
        tally_end(player->client->tally);
    pthread_mutex_lock(&run->conductor.lock);
    if (player->error)
        atomic_store(&run->failed, player->client->index + 1);
    uint32_t running = atomic_fetch_sub(&run->running, 1);
    assert(running > 0);
    pthread_cond_signal(&run->done);
    pthread_mutex_unlock(&run->conductor.lock);
    return NULL;
}

static void stage_set(struct run *run, enum stage stage)
{
    struct conductor *conductor = &run->conductor;
    uint64_t now_ns = client_now_ns();
    struct timespec wall;
    assert(stage > atomic_load(&conductor->stage)); /* it only goes forward */
    pthread_mutex_lock(&conductor->lock);
    if (stage == STAGE_STOPPED && atomic_load(&conductor->window_ns) > now_ns)
        atomic_store(&conductor->window_ns, 0);
    run->stage_ns = now_ns;
    if (stage == STAGE_WARMING) {
        atomic_store(&conductor->warming_ns, now_ns);
    } else if (stage == STAGE_WINDOW) {
        atomic_store(&conductor->is_calling, false);
        clock_gettime(CLOCK_REALTIME, &wall);
        run->stage_ns += LEAD_NS;
        lateness_begin(&run->lateness, now_ns);
        run->window_begin = processors_time(&run->allowed);
        run->started_at = run->chronicle.started_at =
            (double)wall.tv_sec + (double)(wall.tv_nsec + LEAD_NS) / 1e9;
        atomic_store(&conductor->window_ns, run->stage_ns);
        atomic_store(&conductor->end_ns, run->options.duration_ns > 0
                                             ? run->stage_ns + run->options.duration_ns
                                             : UINT64_MAX);
    }
    atomic_store(&conductor->stage, stage);
    pthread_cond_broadcast(&conductor->changed);
    pthread_mutex_unlock(&conductor->lock);
}

/* The window is to begin. */
static void call(struct run *run)
{
    struct conductor *conductor = &run->conductor;
    pthread_mutex_lock(&conductor->lock);
    run->called_ns = client_now_ns();
    atomic_store(&conductor->is_calling, true);
    pthread_cond_broadcast(&conductor->changed);
    pthread_mutex_unlock(&conductor->lock);
}

static bool is_answered(const struct run *run)
{
    if (client_now_ns() - run->called_ns >= call_ns_max)
        return true;
    for (uint32_t i = 0; i < run->client_count; i++)
        if (!atomic_load_explicit(&run->clients[i].live.has_answered, memory_order_relaxed))
            return false;
    return true;
}

static int threads_start(struct run *run, char *ret_message, size_t size)
{
    pthread_attr_t attributes;
    int error = 0;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    for (uint32_t i = 0; i < run->client_count && !error; i++) {
        atomic_fetch_add(&run->running, 1);
        error = pthread_create(&run->players[i].thread, &attributes, play, &run->players[i]);
        if (error) {
            atomic_fetch_sub(&run->running, 1);
            snprintf(ret_message, size, "thread %u of %u: %s", i + 1, run->client_count,
                     strerror(error));
        } else {
            run->started++;
        }
    }
    pthread_attr_destroy(&attributes);
    if (error)
        stage_set(run, STAGE_STOPPED);
    return -error;
}

static void threads_join(struct run *run)
{
    for (uint32_t i = 0; i < run->started; i++)
        pthread_join(run->players[i].thread, NULL);
}

/* --- conducting ------------------------------------------------------------------------------- */

static void progress_take(const struct run *run, struct run_progress *ret_progress)
{
    uint64_t now_ns = client_now_ns();
    *ret_progress = (struct run_progress){
        .stage = (enum stage)atomic_load(&run->conductor.stage),
        .elapsed_s = now_ns > run->stage_ns ? (double)(now_ns - run->stage_ns) / 1e9 : 0,
        .row = run->chronicle.has_last ? &run->chronicle.last : NULL,
    };
    for (uint32_t i = 0; i < run->client_count; i++) {
        const struct live *live = &run->clients[i].live;
        ret_progress->opened += (uint32_t)atomic_load_explicit(&live->opened, memory_order_relaxed);
        ret_progress->begun += atomic_load_explicit(&live->begun, memory_order_relaxed);
        for (unsigned class = 0; class < STATUS_CLASSES; class ++) {
            uint64_t count = atomic_load_explicit(&live->classes[class], memory_order_relaxed);
            ret_progress->classes[class] += count;
            ret_progress->finished += count;
            ret_progress->errors += class == 0 || class >= 4 ? count : 0;
        }
        for (unsigned bar = 0; bar < LIVE_BARS; bar++)
            ret_progress->bars[bar] += atomic_load_explicit(&live->bars[bar], memory_order_relaxed);
    }
}

static bool rates_are_alike(const struct run *run)
{
    double low = run->rates[0];
    double high = run->rates[0];
    for (unsigned i = 1; i < SLICES_ALIKE; i++) {
        low = run->rates[i] < low ? run->rates[i] : low;
        high = run->rates[i] > high ? run->rates[i] : high;
    }
    return run->slices > SLICES_ALIKE && low > 0 && high - low <= alike * high;
}

static bool is_warm(struct run *run, const struct run_progress *progress)
{
    uint64_t now_ns = client_now_ns();
    int64_t asked_ns = run->options.warm_up_ns;
    if (asked_ns != LOAD_WARM_UP_AUTO)
        return now_ns - run->stage_ns >= (uint64_t)asked_ns;
    if (run->slice_ns == 0)
        run->slice_ns = run->stage_ns;
    uint64_t length_ns = now_ns - run->slice_ns;
    if (length_ns >= SLICE_NS) {
        run->rates[run->slices++ % SLICES_ALIKE] =
            (double)(progress->finished - run->slice_count) / (double)length_ns;
        run->slice_ns = now_ns;
        run->slice_count = progress->finished;
    }
    return rates_are_alike(run) || now_ns - run->stage_ns >= warm_up_ns_max;
}

static void conduct(struct run *run, const struct run_progress *progress)
{
    uint64_t now_ns = client_now_ns();
    uint64_t patience_ns = run->options.timeout_ns + second_ns;
    if (run->called_ns > 0 && progress->stage < STAGE_WINDOW) {
        if (is_answered(run))
            stage_set(run, STAGE_WINDOW);
        return;
    }
    switch (progress->stage) {
    case STAGE_OPENING:
        if (progress->opened < run->options.connections && now_ns - run->begin_ns < patience_ns)
            return;
        run->opened_ns = now_ns;
        run->unopened = run->options.connections - progress->opened;
        if (run->options.warm_up_ns == 0)
            call(run);
        else
            stage_set(run, STAGE_WARMING);
        break;
    case STAGE_WARMING:
        if (is_warm(run, progress))
            call(run);
        break;
    case STAGE_WINDOW: {
        uint64_t end_ns = atomic_load(&run->conductor.end_ns);
        if (end_ns != UINT64_MAX && now_ns > end_ns + patience_ns)
            stage_set(run, STAGE_STOPPED);
        break;
    }
    case STAGE_STOPPED:
        break;
    }
}

static void step_wait(struct run *run)
{
    bool is_waiting = run->called_ns > 0 && atomic_load(&run->conductor.stage) < STAGE_WINDOW;
    uint64_t until_ns = client_now_ns() + (is_waiting ? CALL_TICK_NS : STEP_NS);
    struct timespec until = {(time_t)(until_ns / second_ns), (long)(until_ns % second_ns)};
    pthread_mutex_lock(&run->conductor.lock);
    if (atomic_load(&run->running) > 0)
        pthread_cond_timedwait(&run->done, &run->conductor.lock, &until);
    pthread_mutex_unlock(&run->conductor.lock);
    lateness_note(&run->lateness, until_ns, client_now_ns());
}

static uint64_t in_flight(const struct run_progress *progress)
{
    return progress->begun > progress->finished ? progress->begun - progress->finished : 0;
}

/* Who had the processors until now, once the window is over. */
static void window_note_end(struct run *run)
{
    if (run->window_begin.now_ns > 0 && run->window_end.now_ns == 0)
        run->window_end = processors_time(&run->allowed);
}

static void lead(struct run *run, const struct run_watch *watch)
{
    uint64_t told_ns = 0;
    run->chronicle.look = watch ? watch->interval : NULL;
    run->chronicle.context = watch ? watch->context : NULL;
    while (atomic_load(&run->running) > 0) {
        struct run_progress progress;
        progress_take(run, &progress);
        uint64_t window_ns = atomic_load(&run->conductor.window_ns);
        if (window_ns > 0)
            chronicle_take(&run->chronicle, window_ns, client_now_ns(), in_flight(&progress));
        bool must_stop =
            signals_first() != 0 || atomic_load(&run->failed) > 0 || run->chronicle.is_enough;
        if (!must_stop)
            conduct(run, &progress);
        else if (progress.stage != STAGE_STOPPED)
            stage_set(run, STAGE_STOPPED);
        uint64_t now_ns = client_now_ns();
        if (watch && watch->watch && now_ns - told_ns >= (uint64_t)watch->interval_ms * 1000000) {
            watch->watch(watch->context, &progress);
            told_ns = now_ns;
        }
        if (window_ns > 0 && now_ns >= atomic_load(&run->conductor.end_ns))
            window_note_end(run);
        step_wait(run);
    }
    window_note_end(run);
}

/* --- what came of it -------------------------------------------------------------------------- */

/* Until its time was over, the run was stopped, or the last of its requests had finished. */
static uint64_t window_length_ns(const struct run *run, uint64_t last_ns)
{
    uint64_t window_ns = atomic_load(&run->conductor.window_ns);
    uint64_t end_ns = atomic_load(&run->conductor.end_ns);
    bool was_counted_out = run->options.requests > 0 && last_ns < end_ns;
    if (window_ns == 0)
        return 0;
    if (atomic_load(&run->conductor.stage) == STAGE_STOPPED && run->stage_ns < end_ns)
        end_ns = run->stage_ns;
    else if (was_counted_out)
        end_ns = last_ns;
    return end_ns - window_ns;
}

/* Of an open loop: what was due in the window, and never begun. */
static uint64_t unsent(const struct run *run, uint64_t length_ns, uint64_t begun)
{
    if (!load_is_open(&run->options))
        return 0;
    uint64_t due = workload_due_count(&run->options, length_ns);
    due = due < run->planned ? due : run->planned;
    return due > begun ? due - begun : 0;
}

/* Every request that has finished did so in one way. */
static void check_balance(const struct stats *stats)
{
    uint64_t failures = 0;
    for (int i = 0; i < STATS_ERROR_COUNT; i++)
        failures += stats->errors[i];
    assert(stats->errors[HAUL_OK] == 0 && stats->replies + failures == stats->requests);
    assert(stats->late <= stats->requests);
}

/* Threads that block in the kernel do not see that they are stopped: who leads them does. */
static void stopped_take(const struct run *run, struct load_result *result)
{
    double stopped_s = run->lateness.stopped_s;
    for (uint32_t i = 0; i < result->thread_count; i++)
        if (result->threads[i].stopped_s < stopped_s)
            result->threads[i].stopped_s = stopped_s;
}

/* What was due in each stage, until the run's end, is accounted for in it. */
static int stages_take(const struct run *run, struct load_result *result)
{
    const struct load_options *options = &run->options;
    if (options->stage_count == 0 || result->window_ns == 0)
        return 0;
    if (stats_open_list(&result->stages, options->stage_count) < 0)
        return -ENOMEM;
    uint64_t all = workload_due_count(options, (uint64_t)(result->window_s * 1e9 + 0.5));
    for (size_t i = 0; i < options->stage_count; i++) {
        struct stats *stage = &result->stages[i];
        for (uint32_t k = 0; k < run->tally_count; k++)
            stats_add(stage, &run->tallies[k].stages[i]);
        uint64_t from = workload_due_before(options, i), to = workload_due_before(options, i + 1);
        stage->begun = stage->requests + stage->unfinished;
        to = to < all ? to : all;
        stage->unsent = to > from + stage->begun ? to - from - stage->begun : 0;
        stats_sum_up(stage, true);
    }
    return 0;
}

/* A thread that ended before the window did had nothing to do in the rest of it. */
static struct load_thread thread_time(const struct client *client, double window_s)
{
    struct load_thread time = client->time;
    if (time.span_s < window_s) {
        time.busy *= time.span_s / window_s;
        time.span_s = window_s;
    }
    return time;
}

/* The times of the window, and of the client threads in it. */
static void times_take(struct run *run, struct load_result *result)
{
    uint64_t window_ns = atomic_load(&run->conductor.window_ns);
    uint64_t last_ns = window_ns;
    for (uint32_t i = 0; i < run->client_count; i++) {
        const struct client *client = &run->clients[i];
        last_ns = client->last_ns > last_ns ? client->last_ns : last_ns;
    }
    uint64_t length_ns = window_length_ns(run, last_ns);
    for (uint32_t i = 0; i < run->client_count; i++)
        result->threads[i] = thread_time(&run->clients[i], (double)length_ns / 1e9);
    if (window_ns > 0)
        stopped_take(run, result);
    uint64_t elapsed_ns = last_ns - window_ns > length_ns ? last_ns - window_ns : length_ns;
    chronicle_end(&run->chronicle, window_ns > 0, elapsed_ns);
    result->stats = run->chronicle.sum;
    run->chronicle.sum = (struct stats){0};
    if (window_ns == 0) { /* stopped before: nothing of it counts */
        stats_begin_window(&result->stats);
    } else {
        result->timeline = run->chronicle.timeline;
        run->chronicle.timeline = NULL;
    }
    result->stats.unsent = unsent(run, length_ns, result->stats.begun);
    result->window_s = (double)length_ns / 1e9;
    result->elapsed_s = (double)elapsed_ns / 1e9;
}

static int result_fill(struct run *run, struct load_result *result)
{
    uint64_t window_ns = atomic_load(&run->conductor.window_ns);
    uint64_t warming_ns = atomic_load(&run->conductor.warming_ns);
    struct run_progress progress;
    progress_take(run, &progress);
    *result = (struct load_result){
        .loop = client_name(run->options.client),
        .connections = run->options.connections,
        .unopened = run->unopened,
        .processors = run->processors,
        .others = processors_others(&run->window_begin, &run->window_end, run->processors),
        .thread_count = run->client_count,
        .started_at = run->started_at,
        .window_ns = window_ns,
        .is_interrupted = signals_first() != 0,
        .prepared = run->workload.prepared,
        .opening_s = (double)(run->opened_ns - run->begin_ns) / 1e9,
        .warm_up_s = warming_ns > 0 && window_ns > 0 ? (double)(window_ns - warming_ns) / 1e9 : 0,
    };
    snprintf(result->loop_reason, sizeof result->loop_reason, "%s", run->clients[0].reason);
    result->threads = calloc(run->client_count, sizeof *result->threads);
    if (!result->threads)
        return -ENOMEM;
    times_take(run, result);
    check_balance(&result->stats);
    result->warm_up_requests = progress.finished - result->stats.requests;
    return stages_take(run, result);
}

void load_result_close(struct load_result *result)
{
    stats_close(&result->stats);
    if (result->stages)
        stats_close_list(result->stages, result->options->stage_count);
    result->stages = NULL;
    if (result->timeline)
        timeline_close(result->timeline);
    free(result->timeline);
    free(result->threads);
    result->timeline = NULL;
    result->threads = NULL;
}

static void run_close(struct run *run)
{
    for (uint32_t i = 0; run->tallies && i < run->tally_count; i++)
        tally_close(&run->tallies[i]);
    chronicle_close(&run->chronicle);
    for (uint32_t i = 0; run->vaults && i < run->tally_count; i++)
        if (run->vaults[i].sessions) {
            secure_close(&run->vaults[i].secure);
            explicit_bzero(run->vaults[i].sessions,
                           run->workload.place_count * sizeof *run->vaults[i].sessions);
            free(run->vaults[i].sessions);
            free(run->vaults[i].moved);
            pthread_mutex_destroy(&run->vaults[i].lock);
        }
    workload_close(&run->workload);
    free(run->conductor.turns);
    free(run->tallies);
    free(run->vaults);
    free(run->clients);
    free(run->players);
}

static int play_all(struct run *run, const struct run_watch *watch, struct load_result *ret_result,
                    char *ret_message, size_t size)
{
    run->begin_ns = run->stage_ns = run->opened_ns = client_now_ns();
    int error = threads_start(run, ret_message, size);
    if (!error)
        lead(run, watch);
    threads_join(run);
    uint32_t failed = atomic_load(&run->failed);
    if (!error && failed > 0) {
        const struct client *client = &run->clients[failed - 1];
        error = run->players[failed - 1].error;
        snprintf(ret_message, size, "%s", client->message[0] ? client->message : strerror(-error));
    }
    if (!error)
        error = result_fill(run, ret_result);
    return error;
}

/* Its waits are timed by client_now_ns(): POSIX has the clock as an attribute, and only glibc also
 * as an argument of the wait. */
static void monotonic_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

int load_run(const struct load_options *options, const struct run_watch *watch,
             struct load_result *ret_result, char *ret_message, size_t size)
{
    struct run run = {.conductor = {.lock = PTHREAD_MUTEX_INITIALIZER}};
    monotonic_init(&run.conductor.changed);
    monotonic_init(&run.done);
    *ret_result = (struct load_result){0};
    options_fill(&run, options);
    processors_find(&run);
    int error = workload_open(&run.workload, &run.options, ret_message, size);
    if (!error)
        error = clients_open(&run, ret_message, size);
    if (!error)
        error = play_all(&run, watch, ret_result, ret_message, size);
    ret_result->options = options;
    run_close(&run);
    if (error)
        load_result_close(ret_result);
    return error;
}
