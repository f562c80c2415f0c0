#ifndef HAUL_GATHER_H
#define HAUL_GATHER_H

/* The simple case: all at once. A part of haul.h, which includes it. */

/* Results of haul_gather(), in the order of the URLs: with heads, and with bodies in one piece. */
struct haul_gathered {
    size_t count;
    const struct haul_result *const *results; /* results[0] to results[count - 1] */
};

int haul_gather_sized(const char *const *urls, size_t count, const struct haul_options *options,
                      size_t options_size, struct haul_gathered **ret_gathered,
                      struct haul_open_error *ret_error, size_t error_size);

/* Fetches urls[0 … count - 1] and returns when all are done. options as for haul_open(), except
 * that keep_headers and keep_bodies are on, and unordered and stream_bodies off. With
 * cancel_on_error, URLs not reached before the failure are NOT_STARTED. On success the caller frees
 * *ret_gathered with haul_gathered_free(). Errors: those of haul_open(), which *ret_error explains
 * as that of haul_open_explained(), and of haul_next(). */
static inline int haul_gather_explained(const char *const *urls, size_t count,
                                        const struct haul_options *options,
                                        struct haul_gathered **ret_gathered,
                                        struct haul_open_error *ret_error)
{
    struct haul_options sized;
    options = haul_options_size(options, &sized);
    return haul_gather_sized(urls, count, options, sizeof *options, ret_gathered, ret_error,
                             sizeof *ret_error);
}

static inline int haul_gather(const char *const *urls, size_t count,
                              const struct haul_options *options,
                              struct haul_gathered **ret_gathered)
{
    return haul_gather_explained(urls, count, options, ret_gathered, NULL);
}

/* NULL is allowed. */
void haul_gathered_free(struct haul_gathered *gathered);

#endif
