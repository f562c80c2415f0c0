#ifndef BENCH_LOAD_LOAD_H
#define BENCH_LOAD_LOAD_H

/* One run of load: what was asked for, and what came of it. */

#include "bench/load/stats.h"
#include "bench/load/timeline.h"
#include "engine/haul.h"

#include <stdbool.h>
#include <stdint.h>

enum client_kind { CLIENT_URING, CLIENT_EPOLL, CLIENT_THREADS, CLIENT_COUNT };

/* "uring", "epoll", "threads". */
const char *client_name(enum client_kind kind);

enum { LOAD_THREADS_MAX = 256, LOAD_WARM_UP_AUTO = -1 };

/* Intervals of the timeline, in milliseconds. */
enum { LOAD_INTERVAL_DEFAULT_MS = 1000, LOAD_INTERVAL_LEAST_MS = 10 };

enum { LOAD_CONNECTIONS_DEFAULT = 64, LOAD_DURATION_DEFAULT_S = 10, LOAD_TIMEOUT_DEFAULT_S = 10 };

/* What a target has of its own beside its URL. */
struct load_target {
    const char *method;         /* NULL: as http */
    const char *const *headers; /* behind http's, NULL-terminated; NULL: none */
    const char *body;
    size_t body_length;
    bool has_body; /* false: as http */
};

/* A piece of an open loop's schedule, in which the rate goes evenly from one to the other. */
struct load_stage {
    uint64_t duration_ns;
    double rate_from; /* requests a second; where both are 0 nothing is due */
    double rate_to;
};

enum { LOAD_STAGES_MAX = 64 };

/* Everything zero is the default, except urls. load_filled() has what a zero stands for. */
struct load_options {
    const char *const *urls;
    size_t url_count;
    const struct load_target *targets; /* as many; NULL: they have nothing of their own */
    bool is_template;                  /* placeholders are replaced: template.h */
    enum client_kind client;
    uint32_t connections; /* of all threads together */
    uint32_t threads;     /* uring and epoll: loops. CLIENT_THREADS has one a connection */
    uint32_t pipeline;    /* requests under way on a connection at once */
    uint64_t requests;    /* the window's; 0: not bounded */
    uint64_t duration_ns; /* of the window; 0: not bounded; both 0: the default */
    double rate_from;     /* requests a second, all threads together; 0: closed loop */
    double rate_to;       /* at the window's end; as rate_from: constant */
    const struct load_stage *stages; /* one after the other, instead of requests, duration_ns and */
    size_t stage_count;              /* rates; at most LOAD_STAGES_MAX; 0: none */
    int64_t warm_up_ns;     /* before the window; LOAD_WARM_UP_AUTO: until the rate holds still */
    uint64_t timeout_ns;    /* a request's */
    uint64_t linger_ns;     /* a connection is kept for the server to end it; 0: a second */
    uint64_t interval_ns;   /* of the timeline; 0: the default */
    bool is_http10;         /* HTTP/1.0, and a connection a request unless keep-alive is answered */
    bool is_closing;        /* "Connection: close", and a connection a request */
    bool is_pinned;         /* thread i runs on the i-th processor this process may use */
    uint32_t processors;    /* with is_pinned: use the first so many only; 0: all */
    uint32_t plant_ns;      /* processor time to burn a request: a known difference, to be found */
    bool is_full_handshake; /* TLS sessions are not resumed */
    struct haul_options http; /* its method, headers, body and user_agent are used */
    struct haul_tls tls;
};

/* The options with every default filled in. Whoever asks what a run was to do asks this. */
struct load_options load_filled(const struct load_options *options);

/* Why backend and versions of TLS do not go together, with each other or with what is built in: a
 * sentence, static; NULL: they do. */
const char *load_tls_refuses(const struct load_options *options);

/* Is each request due at a time of its own? */
static inline bool load_is_open(const struct load_options *options)
{
    return options->rate_from > 0 || options->stage_count > 0;
}

/* A piece of the window, or of what comes behind it: as long as interval_ns, or until the window's
 * end where that is sooner. */
struct load_interval {
    uint64_t number;   /* 0, 1, … */
    uint64_t start_ns; /* since the window's begin */
    uint64_t end_ns;
};

/* That which has the time, counted from the window's begin, and that of a number. The options are
 * filled in. */
struct load_interval load_interval_at(const struct load_options *options, uint64_t time_ns);
struct load_interval load_interval_of(const struct load_options *options, uint64_t number);

/* One client thread's time, in seconds. */
struct load_thread {
    double user_s; /* since the window began, until its end or the thread's last reply */
    double system_s;
    double span_s;    /* the window; more where the thread looked at its end later */
    double busy;      /* of the span, though the thread may have ended long before */
    double waited_s;  /* in it, for a processor; negative: not known */
    double stopped_s; /* neither waiting nor asleep: woken so much too late */
};

struct load_result {
    const struct load_options *options;
    const char *loop; /* as used */
    char loop_reason[160];
    double opening_s; /* until all connections were open */
    double warm_up_s;
    uint64_t warm_up_requests;
    double window_s;    /* as it was */
    double elapsed_s;   /* window and what was still under way at its end */
    double started_at;  /* of the window: seconds since 1970 */
    uint64_t window_ns; /* CLOCK_MONOTONIC: its begin; 0: there was none */
    struct stats stats;
    struct stats *stages;      /* as many as the options have, of what was due in each; or NULL */
    struct timeline *timeline; /* to the last reply; NULL: there was no window */
    struct load_thread *threads;
    uint32_t thread_count;
    uint32_t processors;  /* that the client's threads could run on */
    double others;        /* share of those processors' time that others had; negative: not known */
    uint32_t connections; /* in force: lowered where descriptors are short */
    uint32_t unopened;    /* of them, those whose opening was not over when the window began */
    bool is_interrupted;
    uint64_t prepared; /* requests of a template; 0: it was none */
};

/* The processor time of all client threads together; span_s and behind: the greatest. */
struct load_thread load_threads_sum(const struct load_result *result);

#endif
