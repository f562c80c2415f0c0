/* The simple case: all URLs in, all results out, in one allocation that outlives the engine. */

#include "engine/haul.h"
#include "engine/sized.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct gathering {
    struct haul_gathered public;
    const struct haul_result **list; /* the public results: pointers to these */
    struct haul_result *results;
    struct haul_piece *pieces; /* one a result */
    size_t count;
};

static void *copy(const void *bytes, size_t length)
{
    char *memory = malloc(length + 1);
    if (memory) {
        memcpy(memory, bytes, length);
        memory[length] = '\0';
    }
    return memory;
}

static size_t hop_bytes(const struct haul_hop *hop)
{
    return (sizeof *hop + hop->url_length + sizeof(void *)) & ~(sizeof(void *) - 1);
}

/* The list and its URLs, in one piece; NULL, no memory, or there are none. */
static const struct haul_hop *copy_hops(const struct haul_hop *hops)
{
    size_t bytes = 0;
    for (const struct haul_hop *hop = hops; hop; hop = hop->next)
        bytes += hop_bytes(hop);
    char *memory = bytes > 0 ? malloc(bytes) : NULL;
    char *at = memory;
    for (const struct haul_hop *hop = hops; hop && memory; hop = hop->next) {
        struct haul_hop *kept = (struct haul_hop *)(void *)at;
        char *url = at + sizeof *kept;
        at += hop_bytes(hop);
        *kept = *hop;
        kept->url = memcpy(url, hop->url, hop->url_length + 1);
        kept->next = hop->next ? (const struct haul_hop *)(void *)at : NULL;
    }
    return (const struct haul_hop *)(void *)memory;
}

static const struct haul_try *copy_tries(const struct haul_try *tries)
{
    size_t count = 0;
    for (const struct haul_try *try = tries; try; try = try->next)
        count++;
    struct haul_try *memory = count > 0 ? calloc(count, sizeof *memory) : NULL;
    struct haul_try *at = memory;
    for (const struct haul_try *try = tries; try && memory; try = try->next, at++) {
        *at = *try;
        at->next = try->next ? at + 1 : NULL;
    }
    return memory;
}

/* What a result borrows, the gathering owns: URLs, method, hops, tries, head and body are
 * copied. */
static int gathering_keep(struct gathering *gathering, const struct haul_result *result)
{
    struct haul_result *kept = &gathering->results[result->index];
    struct haul_piece *piece = &gathering->pieces[result->index];
    *kept = *result;
    kept->body = NULL;
    kept->url = copy(result->url, result->url_length);
    kept->method = result->method ? copy(result->method, strlen(result->method)) : NULL;
    kept->head = result->head ? copy(result->head, result->head_length) : NULL;
    kept->url_effective = kept->url;
    if (result->url_effective != result->url)
        kept->url_effective = copy(result->url_effective, result->url_effective_length);
    kept->hops = copy_hops(result->hops);
    kept->tries = copy_tries(result->tries);
    bool failed = !kept->url || !kept->url_effective || (result->method && !kept->method) ||
                  (result->head && !kept->head) || (result->hops && !kept->hops) ||
                  (result->tries && !kept->tries);
    if (!result->body || failed)
        return failed ? -ENOMEM : 0;
    size_t length = 0;
    for (const struct haul_piece *part = result->body; part; part = part->next)
        length += part->length;
    char *bytes = malloc(length + 1);
    if (!bytes)
        return -ENOMEM;
    bytes[haul_body_copy(result, bytes, length)] = '\0';
    *piece = (struct haul_piece){.bytes = bytes, .length = length};
    kept->body = piece;
    return 0;
}

/* Submits what the window takes. After a failure that cancels all, the rest is never submitted. */
static size_t gathering_submit(const struct gathering *gathering, struct haul *haul,
                               const char *const *urls, size_t next)
{
    while (next < gathering->count &&
           haul_submit(haul, &(struct haul_request){.url = urls[next]}) == 0)
        next++;
    return next;
}

static int gathering_run(struct gathering *gathering, struct haul *haul, const char *const *urls,
                         size_t *ret_submitted)
{
    const struct haul_result *result;
    size_t submitted = 0;
    for (;;) {
        *ret_submitted = submitted = gathering_submit(gathering, haul, urls, submitted);
        int error = haul_next(haul, &result, -1);
        if (error == -EINTR)
            continue;
        if (error)
            return error == -ENODATA ? 0 : error;
        error = gathering_keep(gathering, result);
        haul_release(haul, result);
        if (error)
            return error;
    }
}

static int gathering_skip(struct gathering *gathering, const char *const *urls, size_t from)
{
    for (size_t i = from; i < gathering->count; i++) {
        struct haul_result result = {
            .index = i,
            .url = urls[i],
            .url_length = strlen(urls[i]),
            .url_effective = urls[i],
            .url_effective_length = strlen(urls[i]),
            .error = HAUL_NOT_STARTED,
            .message = "cancelled before it was begun",
        };
        int error = gathering_keep(gathering, &result);
        if (error)
            return error;
    }
    return 0;
}

static struct gathering *gathering_new(size_t count)
{
    struct gathering *gathering = calloc(1, sizeof *gathering);
    if (!gathering)
        return NULL;
    gathering->count = count;
    gathering->results = calloc(count + 1, sizeof *gathering->results);
    gathering->pieces = calloc(count + 1, sizeof *gathering->pieces);
    gathering->list = calloc(count + 1, sizeof *gathering->list);
    gathering->public = (struct haul_gathered){count, gathering->list};
    if (!gathering->results || !gathering->pieces || !gathering->list) {
        haul_gathered_free(&gathering->public);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        gathering->list[i] = &gathering->results[i];
    return gathering;
}

static int gathering_open(struct haul **ret_haul, const struct haul_options *options, size_t size,
                          struct haul_open_error *ret_why)
{
    struct sized_options all;
    int error = sized_options_take(&all, options, size, ret_why);
    if (error)
        return error;
    all.options.keep_headers = all.options.keep_bodies = true;
    all.options.unordered = all.options.stream_bodies = false;
    return haul_open_explained(ret_haul, &all.options, ret_why);
}

static int gathering_make(const char *const *urls, size_t count, struct haul *haul,
                          struct haul_gathered **ret_gathered)
{
    struct gathering *gathering = gathering_new(count);
    size_t submitted = 0;
    int error = gathering ? gathering_run(gathering, haul, urls, &submitted) : -ENOMEM;
    if (!error)
        error = gathering_skip(gathering, urls, submitted);
    if (error && gathering)
        haul_gathered_free(&gathering->public);
    else if (!error)
        *ret_gathered = &gathering->public;
    return error;
}

int haul_gather_sized(const char *const *urls, size_t count, const struct haul_options *options,
                      size_t options_size, struct haul_gathered **ret_gathered,
                      struct haul_open_error *ret_error, size_t error_size)
{
    struct haul *haul;
    struct haul_open_error why = {0};
    int error = gathering_open(&haul, options, options_size, &why);
    if (!error) {
        error = gathering_make(urls, count, haul, ret_gathered);
        haul_close(haul);
    }
    if (error && !why.message)
        why.message = haul_strerror(error);
    sized_give(ret_error, error_size, &why, sizeof why);
    return error;
}

void haul_gathered_free(struct haul_gathered *gathered)
{
    struct gathering *gathering = (struct gathering *)gathered;
    if (!gathering)
        return;
    for (size_t i = 0; gathering->results && i < gathering->count; i++) {
        const struct haul_result *result = &gathering->results[i];
        if (result->url_effective != result->url)
            free((void *)(uintptr_t)result->url_effective);
        free((void *)(uintptr_t)result->hops);
        free((void *)(uintptr_t)result->tries);
        free((void *)(uintptr_t)result->url);
        free((void *)(uintptr_t)result->method);
        free((void *)(uintptr_t)result->head);
        free(result->body ? (void *)(uintptr_t)result->body->bytes : NULL);
    }
    free(gathering->list);
    free(gathering->results);
    free(gathering->pieces);
    free(gathering);
}
