/* Owns the bytes between the results and the kernel, and the temporary file. The idea: nobody
 * has to check each write. An error is kept, what follows it is thrown away, and the run asks
 * between two results whether there was one. */

#include "tools/output/output.h"
#include "tools/interrupt.h"
#include "tools/output/human.h"
#include "tools/output/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- writing ---------------------------------------------------------------------------------- */

static void output_write_all(struct output *output, const char *bytes, size_t length)
{
    while (length > 0 && output->error == 0) {
        ssize_t count = write(output->fd, bytes, length);
        if (count >= 0) {
            bytes += count;
            length -= (size_t)count;
            output->flushed += (uint64_t)count;
        } else if (errno == EAGAIN) {
            poll(&(struct pollfd){.fd = output->fd, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            output->error = errno;
        }
    }
}

void output_flush(struct output *output)
{
    output_write_all(output, output->buffer, output->used);
    output->used = 0;
}

void output_write(struct output *output, const char *bytes, size_t length)
{
    if (length >= OUTPUT_BYTES) {
        output_flush(output);
        output_write_all(output, bytes, length);
    } else if (length > 0) {
        output_commit(output, (char *)mempcpy(output_reserve(output, length), bytes, length));
    }
}

void output_write_printable(struct output *output, const char *bytes, size_t length)
{
    while (length > 0) {
        size_t count = human_printable(bytes, length);
        size_t taken = count > 0 ? count : 1;
        output_write(output, count > 0 ? bytes : "?", taken);
        bytes += taken;
        length -= taken;
    }
}

bool output_can_rewind(const struct output *output)
{
    struct stat status;
    return fstat(output->fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* Where stdout was appended to, what was there before stays: the way back is as long as what came
 * behind the place. */
void output_rewind(struct output *output, uint64_t place)
{
    output_flush(output);
    if (output->error != 0)
        return;
    off_t end = lseek(output->fd, 0, SEEK_END);
    off_t target = end - (off_t)(output->flushed - place);
    if (end < 0 || ftruncate(output->fd, target) < 0 || lseek(output->fd, target, SEEK_SET) < 0)
        output->error = errno;
    output->flushed = place;
}

/* --- the temporary file ----------------------------------------------------------------------- */

char *output_part_name(const char *directory, size_t length)
{
    char *name = NULL;
    uint64_t number = 0;
    const char *slash = length > 0 && directory[length - 1] != '/' ? "/" : "";
    if (getrandom(&number, sizeof(number), 0) < 0 ||
        asprintf(&name, "%.*s%s.haul-%016llx.part", (int)length, directory, slash,
                 (unsigned long long)number) < 0)
        return NULL;
    return name;
}

static int temporary_open(struct output *output, const struct stat *existing)
{
    output->temporary = output_part_name(output->target, path_directory_length(output->target));
    if (output->temporary == NULL)
        return -ENOMEM;
    output->fd = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (output->fd < 0)
        return -errno;
    interrupt_guard(INTERRUPT_OUTPUT, output->temporary);
    if (existing != NULL && fchmod(output->fd, existing->st_mode & 07777) < 0)
        return -errno;
    return 0;
}

static int target_open(struct output *output, const char *path)
{
    struct stat status;
    output->target = path_resolve(path);
    if (output->target == NULL)
        return -ENOMEM;
    if (stat(output->target, &status) < 0)
        return errno == ENOENT ? temporary_open(output, NULL) : -errno;
    if (S_ISREG(status.st_mode))
        return temporary_open(output, &status);
    output->fd = open(output->target, O_WRONLY | O_CLOEXEC);
    return output->fd < 0 ? -errno : 0;
}

static void output_free(struct output *output)
{
    interrupt_guard(INTERRUPT_OUTPUT, NULL);
    free(output->buffer);
    free(output->target);
    free(output->temporary);
    *output = (struct output){.fd = -1};
}

int output_open(struct output *output, const char *path)
{
    *output = (struct output){.fd = STDOUT_FILENO, .buffer = malloc(OUTPUT_BYTES)};
    int error = output->buffer == NULL ? -ENOMEM : 0;
    if (error == 0 && path != NULL)
        error = target_open(output, path);
    if (error < 0) {
        if (output->temporary != NULL && output->fd >= 0)
            unlink(output->temporary);
        output_free(output);
    }
    return error;
}

static void output_keep_error(struct output *output, int result)
{
    if (result < 0 && output->error == 0)
        output->error = errno;
}

/* A file system may find only now that it has no room (NFS, quotas): fsync() and close() count. */
int output_close(struct output *output, bool whole)
{
    output_flush(output);
    if (output->temporary != NULL && whole)
        output_keep_error(output, fsync(output->fd));
    output_keep_error(output, close(output->fd));
    if (output->temporary != NULL) {
        if (whole && output->error == 0)
            output_keep_error(output, rename(output->temporary, output->target));
        if (!whole || output->error != 0)
            unlink(output->temporary);
    }
    int error = -output->error;
    output_free(output);
    return error;
}
