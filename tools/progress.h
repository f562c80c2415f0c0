#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

/* The line on stderr that shows how far a run is, where stderr is a terminal. */

#include "tools/tally.h"

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool shown; /* at all */
    bool drawn; /* there is a line to erase */
    bool colour;
    uint64_t begun_ns;
    uint64_t drawn_ns;
    uint64_t drawn_results;
    double rate; /* results a second, smoothed */
};

/* wanted: the user did not forbid it. Times are of one monotonic clock. */
void progress_init(struct progress *progress, bool wanted, uint64_t now_ns);

/* Whether progress_draw() would draw: at most ten times a second. */
static inline bool progress_is_due(const struct progress *progress, uint64_t now_ns)
{
    return progress->shown && now_ns - progress->drawn_ns >= 100000000;
}

/* expected: how many results there will be, 0: unknown. */
void progress_draw(struct progress *progress, const struct tally *tally, uint64_t expected,
                   bool exact, uint32_t in_flight, uint64_t now_ns);

void progress_erase(struct progress *progress);

#endif
