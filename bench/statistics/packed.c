/* A histogram in little room. The one hard idea: 2^n neighbours of an octave are a bucket of a
 * coarser grid, whose borders are all borders of the finer one; so that what was packed wide, added
 * up and packed again lies in the same buckets, and the error does not grow from sum to sum.
 *
 * The bytes: n, then for each bucket that counts how many further it is than the one before (at
 * least 1), and its count, both seven bits a byte, the lowest first; 0 behind the last. */

#include "bench/statistics/packed.h"

#include <assert.h>
#include <stddef.h>

enum { LOSS_MAX = HISTOGRAM_OCTAVE_BITS - 1 };

struct writer {
    unsigned char *at;
    const unsigned char *end;
};

/* false: there is no room. */
static bool number_put(struct writer *writer, uint64_t number)
{
    for (; number > 127; number >>= 7) {
        if (writer->at == writer->end)
            return false;
        *writer->at++ = (unsigned char)(number | 128);
    }
    if (writer->at == writer->end)
        return false;
    *writer->at++ = (unsigned char)number;
    return true;
}

static uint64_t number_take(const unsigned char **at)
{
    uint64_t number = 0;
    unsigned shift = 0;

    do
        number |= (uint64_t)(**at & 127) << shift;
    while (shift += 7, *(*at)++ & 128);
    return number;
}

/* false: it has no room when 2^loss buckets become one. */
static bool put(struct packed *packed, const struct histogram *histogram, unsigned loss)
{
    struct writer writer = {packed->bytes, packed->bytes + sizeof packed->bytes};
    uint32_t index = histogram_index(histogram->min_ns) >> loss;
    const uint32_t last = histogram_index(histogram->max_ns) >> loss;
    int64_t before = -1;

    *writer.at++ = (unsigned char)loss;
    for (; index <= last; index++) {
        uint64_t count = 0;

        for (uint32_t i = index << loss; i < (index + 1) << loss; i++)
            count += histogram->counts[i];
        if (count == 0)
            continue;
        if (!number_put(&writer, (uint64_t)(index - before)) || !number_put(&writer, count))
            return false;
        before = index;
    }
    return number_put(&writer, 0);
}

void packed_put(struct packed *packed, const struct histogram *histogram)
{
    unsigned loss = 0;

    *packed = (struct packed){0};
    if (histogram->count == 0)
        return;
    while (!put(packed, histogram, loss)) {
        loss++;
        assert(loss <= LOSS_MAX); /* 66 buckets of at most 1 + 7 bytes */
    }
}

void packed_add(const struct packed *packed, struct histogram *into)
{
    const unsigned char *at = packed->bytes;
    const unsigned loss = *at++;
    uint64_t further;
    int64_t index = -1;

    while ((further = number_take(&at)) > 0) {
        index += (int64_t)further;
        histogram_record_bucket(into, ((uint32_t)index << loss) + (1u << loss) / 2,
                                number_take(&at));
    }
}
