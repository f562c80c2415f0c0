/* Owns the files of --bodies. The idea: there is one unfinished file, under a name that no other
 * run uses; a body takes its own name when its last piece is written. */

#include "tools/output/bodies.h"
#include "tools/interrupt.h"
#include "tools/output/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INDEX_BYTES = 24 }; /* a slash, up to 20 digits, a zero byte */

int bodies_open(struct bodies *bodies, const char *directory)
{
    *bodies = (struct bodies){.directory = directory, .fd = -1};
    if (mkdir(directory, 0777) < 0 && errno != EEXIST)
        return -errno;
    if (access(directory, W_OK | X_OK) < 0)
        return -errno;
    bodies->path = malloc(strlen(directory) + INDEX_BYTES);
    bodies->part_path = output_part_name(directory, strlen(directory));
    if (bodies->path == NULL || bodies->part_path == NULL) {
        bodies_close(bodies);
        return -ENOMEM;
    }
    return 0;
}

static void bodies_drop(struct bodies *bodies)
{
    if (bodies->fd < 0)
        return;
    close(bodies->fd);
    bodies->fd = -1;
    unlink(bodies->part_path);
    interrupt_guard(INTERRUPT_BODY, NULL);
}

void bodies_close(struct bodies *bodies)
{
    bodies_drop(bodies);
    free(bodies->path);
    free(bodies->part_path);
}

static int bodies_begin(struct bodies *bodies)
{
    interrupt_guard(INTERRUPT_BODY, bodies->part_path);
    bodies->fd = open(bodies->part_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return bodies->fd < 0 ? -errno : 0;
}

static int bodies_append(struct bodies *bodies, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(bodies->fd, bytes, length);
        if (count < 0 && errno != EINTR)
            return -errno;
        if (count > 0) {
            bytes += count;
            length -= (size_t)count;
        }
    }
    return 0;
}

static int bodies_finish(struct bodies *bodies, uint64_t index)
{
    snprintf(bodies->path, strlen(bodies->directory) + INDEX_BYTES, "%s/%06llu", bodies->directory,
             (unsigned long long)index);
    int closed = close(bodies->fd);
    bodies->fd = -1;
    if (closed < 0 || rename(bodies->part_path, bodies->path) < 0) {
        int error = -errno;
        unlink(bodies->part_path);
        return error;
    }
    interrupt_guard(INTERRUPT_BODY, NULL);
    return 0;
}

int bodies_take(struct bodies *bodies, const struct haul_result *result, const char **ret_path)
{
    *ret_path = NULL;
    bool is_whole = result->error == HAUL_OK || result->error == HAUL_STATUS;
    if (!is_whole) {
        bodies_drop(bodies);
        return 0;
    }
    int error = bodies->fd < 0 ? bodies_begin(bodies) : 0;
    for (const struct haul_piece *piece = result->body; piece != NULL && error == 0;
         piece = piece->next)
        error = bodies_append(bodies, piece->bytes, piece->length);
    if (error == 0 && !result->more) {
        error = bodies_finish(bodies, result->index);
        *ret_path = error == 0 ? bodies->path : NULL;
    }
    if (error < 0)
        bodies_drop(bodies);
    return error;
}
