#ifndef TESTS_LIB_FEED_H
#define TESTS_LIB_FEED_H

/* Plays a server's bytes into a parser in deliveries of any size, each one lying directly before an
 * unreadable page, and the end of the connection behind the last. The verdict must not depend on
 * the sizes. Needs no test framework, so that fuzz targets use it too. */

#include "proto/http/body.h"

/* Rows of wire bytes, which may contain zeros. */
#define WIRE(literal)                                                                              \
    {                                                                                              \
        .bytes = (literal), .length = sizeof(literal) - 1                                          \
    }

enum { FEED_BODY_BYTES_MAX = 1 << 20, FEED_WIRE_BYTES_MAX = 1 << 20 };

struct feed_outcome {
    enum proto_error error;
    bool body_overflowed; /* body is cut to FEED_BODY_BYTES_MAX */
    bool view_strayed;    /* a view lay outside the bytes given, or a count was beyond them */
    unsigned interim_count;
    struct response response; /* its facts, where the head ended */
    uint32_t anomalies;       /* of head and body */
    size_t used;              /* bytes of the wire, of a head without error and its body */
    size_t body_length;
    char body[FEED_BODY_BYTES_MAX];
};

/* A copy of bytes that ends where an unreadable page begins; valid until the next call. slot 0 or 1
 * chooses one of two places. Aborts where wire is longer than FEED_WIRE_BYTES_MAX. */
const char *feed_guarded(unsigned slot, struct span wire);

/* The default rules, but strict. */
extern const struct response_rules feed_strict;

/* A reply: first bytes at once, then step bytes a delivery (both at least 1), then FIN. */
void feed_reply(struct span wire, const struct response_rules *rules, bool is_head_request,
                size_t first, size_t step, struct feed_outcome *ret_outcome);

/* The same for a chunked body alone. response is not set. */
void feed_chunked(struct span wire, const struct response_rules *rules, size_t first, size_t step,
                  struct feed_outcome *ret_outcome);

/* Do two deliveries of the same bytes agree in every point? */
bool feed_same(const struct feed_outcome *a, const struct feed_outcome *b);

/* Feeds wire whole, a byte at a time, and cut in two at each point (every stride-th one). Returns
 * the cut at which the verdict differed from the whole one's, 0 where none did; 1 is also the
 * byte-wise delivery. ret_outcome is the whole one's. */
size_t feed_reply_cuts(struct span wire, const struct response_rules *rules, bool is_head_request,
                       size_t stride, struct feed_outcome *ret_outcome);
size_t feed_chunked_cuts(struct span wire, const struct response_rules *rules, size_t stride,
                         struct feed_outcome *ret_outcome);

#endif
