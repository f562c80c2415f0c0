#ifndef BENCH_STATISTICS_PACKED_H
#define BENCH_STATISTICS_PACKED_H

/* A histogram in PACKED_BYTES, whatever it counts: as exact as has room there. Some 150 buckets
 * that lie scattered are kept as they are, of more of them neighbours become one: half a million
 * values within three octaves, a second of a steady load, lie in buckets 0.8 % wide then, within
 * six octaves 1.6 %; at worst an octave has two. No memory is taken but this. */

#include "bench/statistics/histogram.h"

enum { PACKED_BYTES = 1024 };

struct packed {
    unsigned char bytes[PACKED_BYTES];
};

/* Counts, and no more: mean, least and greatest are those of the buckets, and what was clipped is
 * as all that lies so high. */
void packed_put(struct packed *packed, const struct histogram *histogram);

/* Counts what was put. A packed that is all zero counts nothing. Packed again, it is not wider than
 * before, but for where the new sum needs more room. */
void packed_add(const struct packed *packed, struct histogram *into);

#endif
