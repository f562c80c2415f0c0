#ifndef ENGINE_HTTP_UPLOAD_H
#define ENGINE_HTTP_UPLOAD_H

/* The body of a request, read as it is sent: from memory, descriptors, or pieces that were handed
 * over, a block's worth at a time.
 *
 *     upload_begin(&upload);
 *     while ((news = upload_next(&upload, block, size, &bytes, &failure)) == UPLOAD_HAS_BYTES)
 *         …
 *
 * It knows neither links nor whose request it is. */

#include "engine/failure.h"
#include "engine/haul.h"
#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

/* From a length above this on a body is worth asking for (as in curl 7.88). */
#define UPLOAD_EXPECT_ABOVE UINT64_C(1048576)

struct upload {
    struct haul_upload what;         /* all of it is known: has_length, is_once, is_chunked */
    struct haul_body_part own;       /* of a body that lies in memory as one */
    const struct haul_body_part *at; /* what is being read; NULL: all is */
    uint64_t done;                   /* of that part, and */
    uint64_t taken;                  /* of the whole body, so many bytes were read */
    uint32_t queued;                 /* of pieces, in the block */
    bool has_ended;                  /* there will be no more pieces */
    bool is_told;                    /* all of it is read, and was handed out */
    bool is_asking;                  /* whoever hands over pieces was told no, or to go on */
};

/* Completes what the caller says by what is known of its parts. False: ret_failure says why it
 * cannot be sent. */
bool upload_measure(struct haul_upload *what, struct failure *ret_failure);

/* Of what is measured; what it points to is borrowed. */
void upload_take(struct upload *upload, const struct haul_upload *what);

/* Of a body that lies in memory. */
void upload_init_memory(struct upload *upload, const void *bytes, uint64_t length);

/* From its beginning, which one that can be read only once has only once. */
void upload_begin(struct upload *upload);

enum upload_news {
    UPLOAD_HAS_BYTES, /* bytes: to be sent next; in the block, or the caller's memory. Nothing comes
                         behind them where is_told is set */
    UPLOAD_WAITS,     /* for a descriptor, upload_fd(), or for a piece, where that is negative */
    UPLOAD_ENDED,     /* that was all */
    UPLOAD_FAILED,    /* for failure */
};

/* What comes next. block: size bytes, of which those of pieces must be the same each time. */
enum upload_news upload_next(struct upload *upload, char *block, size_t size,
                             struct span *ret_bytes, struct failure *ret_failure);
int upload_fd(const struct upload *upload);

/* Copies as much of a piece to the block as there is room for. Returns how much that is; or
 * -EINVAL, -EMSGSIZE. */
int upload_give(struct upload *upload, char *block, size_t size, struct span piece);

#endif
