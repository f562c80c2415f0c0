#ifndef PROTO_CODING_CODING_H
#define PROTO_CODING_CODING_H

/* The content codings of one body, taken off: pulled, so that a few bytes that become very many
 * wait for room.
 *
 *     coding_begin(&coding, &list, memory, size, max_ratio);
 *     coding_feed(&coding, bytes);
 *     while (!(error = coding_take(&coding, buffer, sizeof buffer, &length)) && length > 0)
 *         …
 *     …
 *     error = coding_end(&coding);
 */

#include "proto/coding/coder.h"

enum { CODING_MOST = 5, CODING_BETWEEN_BYTES = 16384 };

/* What comes out of little is no bomb yet. */
enum { CODING_FREE_BYTES = 1 << 20 };

struct coding_list {
    uint32_t count;
    enum coding_kind kinds[CODING_MOST]; /* as they were applied */
    uint32_t named;                      /* all there are, unknown ones too */
};

/* What a decoder has made and the next one has not taken. */
struct between {
    char *bytes;
    struct span rest;
};

struct coding {
    struct arena arena;
    uint32_t count;
    struct coder coders[CODING_MOST]; /* as they are taken off */
    struct between between[CODING_MOST - 1];
    struct span in;
    uint64_t fed;
    uint64_t max_ratio;
    enum proto_error error;
};

/* "gzip, deflate, br, zstd": those that were built in, as an Accept-Encoding; NULL: none. */
const char *coding_names(void);

/* How much memory the decoders of one body may need; 0: none are built in. */
size_t coding_memory_bytes(void);

/* The codings that one field's value adds to the list, which begins as zero; identity is none.
 * Errors: CONTENT_UNKNOWN, CONTENT_COUNT, of the first that is not to be had. */
enum proto_error coding_list_add(struct coding_list *list, struct span value);

/* The list has at least one. memory: aligned as malloc()'s is, the caller's until the last call.
 * max_ratio: how many bytes each decoder may make of one that came, once it has made
 * CODING_FREE_BYTES; 0: any number. Error: CONTENT_MEMORY. */
enum proto_error coding_begin(struct coding *coding, const struct coding_list *list, void *memory,
                              size_t size, uint64_t max_ratio);

/* Bytes as they came. Those of before must be taken up: coding_take() has said 0. */
void coding_feed(struct coding *coding, struct span bytes);

/* What of it has not been looked at; it stays the caller's. */
static inline struct span coding_rest(const struct coding *coding)
{
    return coding->in;
}

/* The rest lies elsewhere from now on. */
static inline void coding_move(struct coding *coding, const char *bytes)
{
    coding->in.bytes = bytes;
}

/* Plain bytes, as many as there are and find room; fewer than size: there are no more before
 * coding_feed(). Errors: CONTENT_CORRUPT, CONTENT_WINDOW, CONTENT_MEMORY, CONTENT_RATIO; the bytes
 * are good up to there, and after one it comes again. */
enum proto_error coding_take(struct coding *coding, char *bytes, size_t size, size_t *ret_length);

/* The body has ended: OK, or CONTENT_TRUNCATED. One without any byte is whole. */
enum proto_error coding_end(const struct coding *coding);

#endif
