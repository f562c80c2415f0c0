#ifndef ENGINE_REQUEST_DECODING_H
#define ENGINE_REQUEST_DECODING_H

/* The decoders of coded bodies: one for each request under way, which takes it where its reply's
 * head names codings, and gives it back at its end. */

#include "engine/memory/slab.h"
#include "proto/coding/coding.h"

#include <stdbool.h>
#include <stdint.h>

#define NO_DECODER SLAB_NONE

/* What one step makes at most: a few blocks. What of a piece is not decoded yet is kept. */
enum { DECODER_STEP_BYTES = 32768, DECODER_KEPT_BYTES = 16384 };

struct decoder {
    struct coding coding;
    char *memory; /* NULL: it was never used */
};

struct decoders {
    struct decoder *list;
    struct slab slab;
    char *step; /* of DECODER_STEP_BYTES */
    uint64_t max_ratio;
};

/* list and next: one a decoder, zero-filled; step: as above; all the caller's. max_ratio as in
 * coding.h. */
void decoders_init(struct decoders *decoders, struct decoder *list, uint32_t *next, uint32_t count,
                   char *step, uint64_t max_ratio);
void decoders_deinit(struct decoders *decoders);

/* What one takes of memory when it is first used. */
size_t decoder_bytes(void);

/* NO_DECODER: ret_error says why not; OK: the kernel has no memory for it. */
uint32_t decoder_open(struct decoders *decoders, const struct coding_list *list,
                      enum proto_error *ret_error);
void decoder_close(struct decoders *decoders, uint32_t index);

/* A piece of the body as it came; all of it is decoded before the next, by decoder_take(). */
void decoder_feed(struct decoders *decoders, uint32_t index, struct span bytes);

/* The next of its plain bytes, until the next call, of any decoder. True: there may be more without
 * another piece. Errors as coding_take(). */
bool decoder_take(struct decoders *decoders, uint32_t index, struct span *ret_bytes,
                  enum proto_error *ret_error);

/* The piece is the caller's again: what is left of it is kept. */
void decoder_keep(struct decoders *decoders, uint32_t index);

/* The body's end, as coding_end(). */
enum proto_error decoder_end(const struct decoders *decoders, uint32_t index);

#endif
