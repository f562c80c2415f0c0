#ifndef TOOLS_OUTPUT_OUTPUT_H
#define TOOLS_OUTPUT_OUTPUT_H

/* Where text goes: a buffer before stdout, or before a temporary file that takes its name only when
 * it is whole. Errors stick: after the first one everything is swallowed, and output_close() and
 * .error still say which it was. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OUTPUT_BYTES = 1 << 16 };

struct output {
    int fd;
    int error; /* 0, or the errno of the first failure */
    size_t used;
    uint64_t flushed; /* written, of all that was taken */
    char *buffer;
    char *target;    /* NULL: stdout; the file that is written */
    char *temporary; /* NULL: target is no regular file and is written as it is */
};

/* path NULL: stdout. The temporary file lies beside the file that path names, symbolic links
 * followed. Returns 0 or a negative errno, and then there is nothing to close. */
int output_open(struct output *output, const char *path);

/* Writes out what is buffered; whole: the file is finished and takes its name. Returns 0 or the
 * negative errno of the first failure; then the temporary file is removed. */
int output_close(struct output *output, bool whole);

/* A name in a directory, a slash added where there is none, that no other process uses for the part
 * of a file that is there so far. The caller frees it; NULL: no memory. */
char *output_part_name(const char *directory, size_t length);

/* Can what was written be taken back: is it a file, and no pipe? */
bool output_can_rewind(const struct output *output);

/* How much was taken so far; and takes back what came behind such a place. */
static inline uint64_t output_place(const struct output *output)
{
    return output->flushed + output->used;
}

void output_rewind(struct output *output, uint64_t place);

void output_flush(struct output *output);
void output_write(struct output *output, const char *bytes, size_t length);

/* The same for a terminal: what is not to be obeyed becomes ?. */
void output_write_printable(struct output *output, const char *bytes, size_t length);

/* Room for size bytes, at most OUTPUT_BYTES; output_commit() takes the end of what was written. */
static inline char *output_reserve(struct output *output, size_t size)
{
    if (OUTPUT_BYTES - output->used < size)
        output_flush(output);
    return output->buffer + output->used;
}

static inline void output_commit(struct output *output, const char *end)
{
    output->used = (size_t)(end - output->buffer);
}

#endif
