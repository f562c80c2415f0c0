/* The sum of a run's memory: every array that the engine takes is sized here. What the sizes are
 * multiplied by stands in the engine's list of shelves, which knows what lies on them. */

#include "engine/memory/budget.h"
#include "engine/memory/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
    CONCURRENCY_DEFAULT = 64,
    WINDOW_SLACK_MIN = 1024, /* requests that may be finished ahead of the slowest */
    WINDOW_SLACK_MAX = 4096,
    WINDOW_FAR = 16384,       /* or, in no order, that are known beside those of slow hosts; so many
                              blocks (256 MiB that are mostly not touched) are theirs at most */
    QUEUED_MAX = 1024,        /* of a window that was not chosen: more would only take memory */
    CLOSING_MAX = 256,        /* connections that are closed but not yet reaped */
    ORIGINS_SLACK_MIN = 64,   /* origins without connections whose addresses are still known: */
    ORIGINS_SLACK_MAX = 4096, /* as many as a window may have */
    HOSTS_SLACK = 64,         /* hosts without requests that are still known, */
    HOSTS_TIMED = 65536,      /* and where their next beginning has a time */
    LONG_URLS_MAX = 2048,     /* that do not fit their slot, from submit to release */
    HEAD_PIECES = 16,         /* long heads that arrive at once, */
    HEAD_PIECES_KEPT = 48,    /* and those of results that are kept until release */
    BLOCKS_A_RECEIVE = 3,     /* as in request/pressure.h */
    USABLE_MIN = 125,         /* blocks that bodies may fill before they are short, at least */
    HEAD_BYTES_DEFAULT = 256 << 10,
    HEAD_BYTES_MAX = 16 << 20,
    DESCRIPTORS_OF_ENGINE = 8 + BUDGET_RESOLVER_TAGS,
};

#define BODY_BYTES_DEFAULT ((size_t)32 << 20)
#define BODY_BYTES_MAX ((size_t)(SIZE_MAX > UINT32_MAX ? UINT64_C(1) << 40 : UINT32_C(1) << 30))

/* Where the directory cannot be read, as there is no descriptor for it or no /proc, they are asked
 * one by one, as far as a process has any that is not wide open. Both count what the directory
 * itself takes: its descriptor, "." and "..". */
static uint64_t descriptors_used(uint64_t limit)
{
    enum { ASKED_MAX = 4096 };
    uint64_t used = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (directory) {
        for (; readdir(directory);)
            used++;
        closedir(directory);
        return used;
    }
    for (int fd = 0; fd < ASKED_MAX && (uint64_t)fd < limit; fd++)
        used += fcntl(fd, F_GETFD) != -1;
    return used + 3;
}

uint64_t budget_nofile_needed(void)
{
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
    getrlimit(RLIMIT_NOFILE, &limit);
    return DESCRIPTORS_OF_ENGINE + descriptors_used(limit.rlim_cur) + 1;
}

uint64_t budget_nofile(bool raise)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 0;
    if (raise && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit))
            getrlimit(RLIMIT_NOFILE, &limit);
    }
    uint64_t used = DESCRIPTORS_OF_ENGINE + descriptors_used(limit.rlim_cur);
    return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

static uint32_t clamp(uint64_t value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : (uint32_t)value;
}

static bool is_rate(double rate)
{
    return rate >= 0 && rate <= DBL_MAX;
}

/* False: no option is. */
static bool find_out_of_range(const struct haul_options *options, struct haul_open_error *ret_why)
{
    static const struct haul_limits none;
    const struct haul_limits *limits = options->limits ? options->limits : &none;
    const struct {
        bool is_out;
        const char *option;
        const char *message;
    } rows[] = {
        {options->concurrency > BUDGET_CONCURRENCY_MAX, "concurrency",
         "concurrency is above 100,000"},
        {options->window > BUDGET_WINDOW_MAX, "window", "window is above 4,194,304"},
        {options->body_bytes > BODY_BYTES_MAX, "body_bytes", "body_bytes is above 1 TiB"},
        {options->max_head > HEAD_BYTES_MAX, "max_head", "max_head is above 16 MiB"},
        {options->loop > HAUL_LOOP_EPOLL, "loop", "loop is none of haul_loop"},
        {options->fail_status != 0 && (options->fail_status < 100 || options->fail_status > 599),
         "fail_status", "fail_status is neither 0 nor from 100 to 599"},
        {!is_rate(limits->rate), "rate", "rate is no number from 0 on"},
        {!is_rate(limits->rate_per_host), "rate_per_host", "rate_per_host is no number from 0 on"},
        {options->stream_bodies && !options->keep_bodies, "stream_bodies",
         "stream_bodies needs keep_bodies"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].is_out) {
            *ret_why =
                (struct haul_open_error){.option = rows[i].option, .message = rows[i].message};
            return true;
        }
    return false;
}

/* What may still come after everybody was paused, of each of which the last block may be full, and
 * one begun behind what comes; over TLS the beginning of a record had come before. */
static uint32_t flight_of(const struct budget *budget)
{
    uint32_t conns = clamp(budget->concurrency, BUDGET_RECEIVE_BUFFERS / 2, BUDGET_RECEIVE_BUFFERS);
    return budget->flight_blocks + 2 * conns + BLOCKS_A_RECEIVE;
}

/* That each request is entitled to. */
static uint32_t blocks_of_request(const struct haul_options *options)
{
    uint32_t blocks = options->keep_headers;
    blocks += options->redirect && options->redirect->follow; /* the URL of the last hop */
    if (options->retry && options->retry->max > 0 && options->stream_bodies)
        blocks++; /* what it takes to go on with a body */
    return blocks + options->keep_bodies;
}

static uint32_t window_slack(const struct budget *budget, const struct haul_options *options)
{
    uint32_t blocks = blocks_of_request(options);
    uint32_t far = blocks > 0 ? WINDOW_FAR / blocks : WINDOW_FAR;
    uint32_t slack = clamp(budget->concurrency, WINDOW_SLACK_MIN, WINDOW_SLACK_MAX);
    return options->unordered && far > slack ? far : slack;
}

/* The bodies of other requests may fill the shared blocks down to the reserve: what comes after
 * they have been paused, and the current body itself, must fit in it. */
static void budget_blocks(struct budget *budget, const struct haul_options *options)
{
    uint32_t entitled = 3 * budget->conns; /* a long request, TLS records, a head in pieces */
    budget->url_blocks = clamp(budget->window, 1, LONG_URLS_MAX);
    entitled += budget->url_blocks;
    budget->head_bytes = options->max_head ? options->max_head : HEAD_BYTES_DEFAULT;
    if (budget->head_bytes > BLOCK_BYTES)
        budget->head_pieces = options->keep_headers ? HEAD_PIECES + HEAD_PIECES_KEPT : HEAD_PIECES;
    if (budget->head_bytes > BLOCK_BYTES || options->compressed) {
        budget->held_blocks = BUDGET_RECEIVE_BUFFERS;
        entitled += BUDGET_HELD_OWN * budget->conns + budget->held_blocks;
    }
    entitled += blocks_of_request(options) * budget->window;
    if (options->keep_bodies || (options->redirect && options->redirect->keep_hops) ||
        (options->retry && options->retry->keep_tries)) {
        size_t bytes = options->body_bytes ? options->body_bytes : BODY_BYTES_DEFAULT;
        budget->shared_blocks = (uint32_t)(bytes / sizeof(struct block));
    }
    if (options->keep_bodies) {
        entitled++; /* the part that is lent while the next comes in */
        budget->flight_blocks = BUDGET_RECEIVE_BUFFERS;
        budget->reserve_blocks = flight_of(budget);
        uint32_t least = 2 * (budget->reserve_blocks + USABLE_MIN);
        budget->shared_blocks = budget->shared_blocks < least ? least : budget->shared_blocks;
        if (!options->stream_bodies)
            budget->reserve_blocks += budget->shared_blocks / 2;
    }
    budget->blocks = entitled + budget->shared_blocks;
}

static bool has_times(const struct haul_options *options)
{
    const struct haul_limits *limits = options->limits;
    return limits &&
           (limits->rate_per_host > 0 || limits->delay_per_host_ms > 0 || limits->adaptive);
}

int budget_make(struct budget *ret_budget, const struct haul_options *options, uint64_t nofile,
                struct haul_open_error *ret_why)
{
    struct haul_open_error why;
    if (find_out_of_range(options, ret_why ? ret_why : &why))
        return -EINVAL;
    struct budget budget = {0};
    budget.concurrency = options->concurrency ? options->concurrency : CONCURRENCY_DEFAULT;
    budget.concurrency = clamp(nofile, 1, budget.concurrency);
    budget.conns = budget.concurrency + clamp(budget.concurrency, 1, CLOSING_MAX);
    budget.window = options->window;
    budget.unfinished = budget.window ? UINT32_MAX : budget.concurrency + QUEUED_MAX;
    if (budget.window == 0)
        budget.window = budget.concurrency + window_slack(&budget, options);
    if (budget.window <= budget.concurrency)
        budget.window = budget.concurrency + 1;
    budget.origins = budget.conns + clamp(budget.window, ORIGINS_SLACK_MIN, ORIGINS_SLACK_MAX);
    budget.hosts = budget.window + budget.conns + (has_times(options) ? HOSTS_TIMED : HOSTS_SLACK);
    budget.decoders = options->compressed ? budget.concurrency : 0;
    budget.sessions = options->auth && options->auth->digest ? budget.window : 0;
    budget.may_openssl = !options->tls || options->tls->backend != HAUL_BACKEND_BEARSSL;
    budget.pipes = clamp(budget.concurrency, 1, BUDGET_PIPES_MAX);
    budget_blocks(&budget, options);
    *ret_budget = budget;
    return 0;
}
