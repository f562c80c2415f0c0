#ifndef BENCH_RUN_LIVE_H
#define BENCH_RUN_LIVE_H

/* The live view of a run: some lines on a terminal, drawn anew a few times a second. It fits what
 * the terminal is at each drawing, whatever it was at the last one. */

#include "bench/load/conductor.h"

#include <stdio.h>

enum { LIVE_INTERVAL_MS = 250, LIVE_COLUMNS_MAX = 100 };

struct live_size {
    uint32_t columns;
    uint32_t rows;
};

/* The last intervals that are over, the latest last. */
struct live_course {
    double rates[LIVE_COLUMNS_MAX];
    bool is_lost[LIVE_COLUMNS_MAX]; /* half of what finished in it, or more, were errors */
    uint32_t count;
    uint64_t end_ns; /* of the latest */
};

struct live_view {
    FILE *out;              /* a terminal */
    struct live_size fixed; /* instead of the terminal's; 0: that */
    const struct load_options *options;
    uint32_t connections;  /* asked for */
    uint64_t requests;     /* of the window; 0: not bounded */
    double duration_s;     /* likewise */
    struct live_size size; /* at present */
    bool is_drawn;
    uint32_t lines; /* drawn so far */
    struct run_progress last;
    struct live_course course;
    uint64_t window_begun; /* finished when the window began */
    double last_s;
};

void live_open(struct live_view *view, FILE *out, const struct load_options *options);

/* As run_watch.watch; context is the view. */
void live_draw(void *context, const struct run_progress *progress);

/* The terminal is as it was. */
void live_close(struct live_view *view);

#endif
