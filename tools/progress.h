#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

/* The line on stderr that shows how far a run is, where stderr is a terminal. */

#include "engine/haul.h"
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
    uint64_t drawn_work; /* that the engine had done: its sum changes with any byte */
    uint64_t worked_ns;  /* when it was last seen to do any */
    double rate;         /* results a second, smoothed */
};

/* wanted: the user did not forbid it. Times are of one monotonic clock. */
void progress_init(struct progress *progress, bool wanted, uint64_t now_ns);

/* Whether progress_draw() would draw: at most ten times a second. */
static inline bool progress_is_due(const struct progress *progress, uint64_t now_ns)
{
    return progress->shown && now_ns - progress->drawn_ns >= 100000000;
}

/* What a line tells beside the tally. */
struct progress_facts {
    struct haul_facts engine;
    uint64_t expected; /* how many results there will be; 0: unknown */
    bool exact;
    bool waits_for_input;
};

/* Where nothing has come for a second although something is under way, the line says for how long,
 * instead of a rate. */
void progress_draw(struct progress *progress, const struct tally *tally,
                   const struct progress_facts *facts, uint64_t now_ns);

/* Of the terminal that is stderr; 0: it is none. */
size_t progress_columns(void);

void progress_erase(struct progress *progress);

#endif
