#ifndef BENCH_RUN_LIVE_H
#define BENCH_RUN_LIVE_H

/* The live view of a run: some lines on a terminal, drawn anew a few times a second. */

#include "bench/load/conductor.h"

#include <stdio.h>

struct live_view {
    FILE *out;            /* a terminal */
    uint32_t connections; /* asked for */
    double duration_s;    /* of the window; 0: not bounded */
    uint32_t lines;       /* drawn, to be drawn over; 0: none */
    uint32_t columns;
    struct run_progress last;
    double last_s;
};

enum { LIVE_INTERVAL_MS = 250 };

void live_open(struct live_view *view, FILE *out, const struct load_options *options);

/* As run_watch.watch; context is the view. */
void live_draw(void *context, const struct run_progress *progress);

/* Wipes it away. */
void live_close(struct live_view *view);

#endif
