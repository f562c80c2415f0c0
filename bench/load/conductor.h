#ifndef BENCH_LOAD_CONDUCTOR_H
#define BENCH_LOAD_CONDUCTOR_H

/* A run of load, conducted: client threads are started, led through their stages, and counted
 * together. */

#include "bench/load/client.h"
#include "bench/load/load.h"

/* How far a run is, of all threads together and since its begin. */
struct run_progress {
    enum stage stage;
    double elapsed_s; /* in this stage */
    uint32_t opened;  /* connections tried */
    uint64_t begun;
    uint64_t finished;
    uint64_t errors;                  /* of those: failures, and statuses from 400 on */
    uint64_t classes[STATUS_CLASSES]; /* as in struct live */
    uint64_t bars[LIVE_BARS];
    const struct timeline_row *row; /* the last interval that is over; NULL: none is */
};

/* What looks on, about every interval_ms, from the thread that called load_run(). */
struct run_watch {
    void (*watch)(void *context, const struct run_progress *progress);
    void *context;
    uint32_t interval_ms;

    /* Each interval of the window when it is over. false: no more is wanted, the run is stopped.
     * NULL: nobody looks. */
    bool (*interval)(void *context, const struct interval_view *view);
};

/* Runs to the end, or until signals_first(): what finished so far counts. watch may be NULL. On
 * success the caller frees ret_result with load_result_close(). Errors: -EINVAL, -EHOSTUNREACH and
 * what else workload_open() says, -EMFILE, -ENOMEM, -EAGAIN (no thread), and what the kernel
 * answered to io_uring_setup; ret_message (size bytes) names the cause. */
int load_run(const struct load_options *options, const struct run_watch *watch,
             struct load_result *ret_result, char *ret_message, size_t size);

void load_result_close(struct load_result *result);

#endif
