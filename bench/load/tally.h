#ifndef BENCH_LOAD_TALLY_H
#define BENCH_LOAD_TALLY_H

/* Where clients count: one each, or one for a group of threads, in one slice of time after the
 * other.
 *
 * Who counts turns to the next slice when its time has come, which exchanges one pointer; the
 * conductor takes the slices that are full, empties them and gives them back. So a request costs
 * what counting it costs, whether there is a timeline or not, and memory is the same after a
 * night. */

#include "bench/load/stats.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Where the conductor takes none, it is counted on in the last. */
enum { TALLY_SLICES = 4 };

struct slice {
    struct stats stats;
    uint64_t number;    /* of its interval: 0, 1, … since the window began */
    uint64_t in_flight; /* when it was left behind, as far as the tally is not shared */
};

struct load_options;

struct tally {
    pthread_mutex_t lock; /* taken where is_shared */
    bool is_shared;
    bool is_in_window;   /* what came before has been dropped */
    struct stats *stats; /* of the present slice */
    uint64_t next_ns;    /* when the next one begins; UINT64_MAX: not before the window */
    uint64_t window_ns;
    const struct load_options *options; /* whose intervals they are */
    struct stats *stages; /* as many as the options have, of what was due in each; NULL: none */
    struct slice slices[TALLY_SLICES];
    _Atomic uint32_t turned; /* slices left behind, of which … */
    _Atomic uint32_t taken;  /* … by the conductor */
    _Atomic uint64_t passed; /* intervals below this are over for who counts here */
};

/* Errors: -ENOMEM. Always to be followed by tally_close(). */
int tally_open(struct tally *tally, const struct load_options *options, bool is_shared);
void tally_close(struct tally *tally);

/* --- for who counts (where is_shared, with the lock) --- */

/* The window has begun then: what was counted before is dropped, the first interval begins. */
void tally_begin(struct tally *tally, uint64_t window_ns);

/* next_ns has come; in_flight: requests under way. */
void tally_turn(struct tally *tally, uint64_t now_ns, uint64_t in_flight);

/* No more will be counted. */
void tally_end(struct tally *tally);

/* --- for the conductor --- */

/* The oldest slice left behind whose number is at most that; NULL: there is none. */
struct slice *tally_first(struct tally *tally, uint64_t number);

/* It has been looked at. */
void tally_take(struct tally *tally);

/* Is the last slice counted in, for want of another? */
bool tally_is_full(const struct tally *tally);

#endif
