/* Owns the files of bodies. The idea: there is one unfinished file, under a name that no other run
 * uses; a body takes its own name when its last piece is written, and so replaces what was there in
 * one step. */

#include "tools/output/bodies.h"
#include "tools/input/filename.h"
#include "tools/interrupt.h"
#include "tools/output/output.h"
#include "tools/output/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

/* --- directories ------------------------------------------------------------------------------ */

static int open_directory(const struct bodies_options *options, const char *path)
{
    int error = options->creates_directories ? path_make_directories(path, strlen(path)) : 0;
    if (error == 0)
        error = path_make_directory(path);
    if (error == 0 && access(path, W_OK | X_OK) < 0)
        error = -errno;
    return error;
}

/* --- opening and closing ---------------------------------------------------------------------- */

/* A directory that is not there is none where a body could be. */
static int take_name(struct bodies *bodies, const char *taken)
{
    uint64_t place;
    if (path_place(taken, &place) < 0 || names_have(&bodies->names, place, taken))
        return 0;
    char *path = malloc(strlen(taken) + NAMES_SUFFIX_BYTES);
    if (path == NULL)
        return -ENOMEM;
    int error = names_take(&bodies->names, place, strcpy(path, taken));
    free(path);
    return error;
}

/* Nobody gets the name of the file that the results go to, nor that of a link which leads there. */
static int take_names(struct bodies *bodies, const char *taken)
{
    char *resolved = path_resolve(taken);
    int error = resolved == NULL ? -ENOMEM : take_name(bodies, resolved);
    if (error == 0)
        error = take_name(bodies, taken);
    free(resolved);
    return error;
}

static int bodies_init(struct bodies *bodies, const char *taken)
{
    const struct bodies_options *options = &bodies->options;
    const char *directories[] = {options->directory, options->output_dir};
    for (int i = 0; i < 2; i++) {
        int error = directories[i] != NULL ? open_directory(options, directories[i]) : 0;
        if (error < 0) {
            bodies->path = strdup(directories[i]); /* which is to blame */
            return error;
        }
    }
    const char *directory = directories[directories[0] == NULL];
    bodies->common_part = output_part_name(directory != NULL ? directory : "",
                                           directory != NULL ? strlen(directory) : 0);
    if (bodies->common_part == NULL)
        return -ENOMEM;
    if (path_place(bodies->common_part, &bodies->common_place) < 0)
        bodies->common_place = 0; /* no body will get there */
    return taken != NULL ? take_names(bodies, taken) : 0;
}

int bodies_open(struct bodies *bodies, const struct bodies_options *options, const char *taken)
{
    *bodies = (struct bodies){.options = *options, .fd = -1};
    return bodies_init(bodies, taken);
}

static void bodies_drop(struct bodies *bodies)
{
    if (bodies->fd < 0)
        return;
    close(bodies->fd);
    bodies->fd = -1;
    if (bodies->is_direct)
        return;
    unlink(bodies->part);
    interrupt_guard(INTERRUPT_BODY, NULL);
}

void bodies_close(struct bodies *bodies)
{
    bodies_drop(bodies);
    names_deinit(&bodies->names);
    free(bodies->path);
    free(bodies->common_part);
    free(bodies->own_part);
    *bodies = (struct bodies){.fd = -1};
}

/* --- where a body goes ------------------------------------------------------------------------ */

/* Room is left for what names_take() adds. NULL: no memory. */
static char *path_in(const char *directory, const char *name, size_t length)
{
    size_t directory_bytes = directory != NULL ? strlen(directory) : 0;
    bool has_slash = directory_bytes == 0 || directory[directory_bytes - 1] == '/';
    size_t size = directory_bytes + 1 + length + NAMES_SUFFIX_BYTES;
    char *path = malloc(size);
    if (path != NULL)
        snprintf(path, size, "%s%s%.*s", directory != NULL ? directory : "", has_slash ? "" : "/",
                 (int)length, name);
    return path;
}

static int set_path(struct bodies *bodies, const char *directory, const char *name, size_t length)
{
    char *path = path_in(directory, name, length);
    if (path == NULL)
        return -ENOMEM;
    free(bodies->path);
    bodies->path = path;
    return 0;
}

static const char *directory_of_own(const struct bodies_options *options, const char *output)
{
    return output[0] == '/' ? NULL : options->output_dir;
}

/* /dev/null, by its number (Documentation/admin-guide/devices.txt): it is as if nothing had ever
 * been written. */
static bool is_void(const struct stat *status)
{
    return S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
}

bool bodies_can_rewind(const struct bodies_options *options, const char *output)
{
    struct stat status;
    char *path = path_in(directory_of_own(options, output), output, strlen(output));
    bool is_other = path != NULL && stat(path, &status) == 0 && !S_ISREG(status.st_mode);
    free(path);
    return !is_other || is_void(&status);
}

static int set_own_path(struct bodies *bodies, const char *output)
{
    const char *directory = directory_of_own(&bodies->options, output);
    return set_path(bodies, directory, output, strlen(output));
}

/* What path leads to by a link, if that is a file. */
static int follow_link(struct bodies *bodies)
{
    char *resolved = path_resolve(bodies->path);
    if (resolved == NULL)
        return -ENOMEM;
    int error = set_path(bodies, NULL, resolved, strlen(resolved));
    free(resolved);
    return error;
}

/* Beside path. Files of one directory that follow one another have one in turn. */
static int set_own_part(struct bodies *bodies)
{
    size_t length = path_directory_length(bodies->path);
    bodies->part = bodies->own_part;
    if (bodies->own_part != NULL && path_directory_length(bodies->own_part) == length &&
        memcmp(bodies->own_part, bodies->path, length) == 0)
        return 0;
    free(bodies->own_part);
    bodies->own_part = output_part_name(bodies->path, length);
    bodies->part = bodies->own_part;
    return bodies->own_part != NULL ? path_place(bodies->own_part, &bodies->own_place) : -ENOMEM;
}

static int set_remote_path(struct bodies *bodies, const struct haul_result *result)
{
    const char *name;
    size_t length;
    if (!filename_of_url(result->url, result->url_length, &name, &length))
        return -EINVAL; /* the inputs let no such URL pass */
    return set_path(bodies, bodies->options.output_dir, name, length);
}

static int set_index_path(struct bodies *bodies, uint64_t index)
{
    char name[24];
    int length = snprintf(name, sizeof(name), "%06llu", (unsigned long long)index);
    return set_path(bodies, bodies->options.directory, name, (size_t)length);
}

/* --- the file --------------------------------------------------------------------------------- */

/* What a URL's own name leads to may be anything: a device, a pipe. */
static int open_direct(struct bodies *bodies, const struct stat *status)
{
    bodies->is_direct = true;
    bodies->is_void = is_void(status);
    bodies->fd = open(bodies->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return bodies->fd < 0 ? -errno : 0;
}

static int open_own(struct bodies *bodies)
{
    struct stat status;
    bool is_there = lstat(bodies->path, &status) == 0;
    bool is_link = is_there && S_ISLNK(status.st_mode);
    if (is_link)
        is_there = stat(bodies->path, &status) == 0;
    if (is_there && S_ISDIR(status.st_mode))
        return -EISDIR;
    if (is_there && !S_ISREG(status.st_mode))
        return open_direct(bodies, &status);
    size_t length = path_directory_length(bodies->path);
    int error = is_link && is_there ? follow_link(bodies) : 0;
    if (error == 0 && !is_there && bodies->options.creates_directories && length > 0)
        error = path_make_directories(bodies->path, length);
    return error == 0 ? set_own_part(bodies) : error;
}

static int bodies_begin(struct bodies *bodies, const struct haul_result *result, const char *output)
{
    int error;
    bodies->is_direct = bodies->is_void = false;
    bodies->written = 0;
    bodies->part = bodies->common_part;
    if (output != NULL)
        error = set_own_path(bodies, output);
    else if (bodies->options.has_remote_names)
        error = set_remote_path(bodies, result);
    else
        error = set_index_path(bodies, result->index);
    if (error == 0 && output != NULL)
        error = open_own(bodies);
    if (error < 0 || bodies->is_direct)
        return error;
    interrupt_guard(INTERRUPT_BODY, bodies->part);
    bodies->fd = open(bodies->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return bodies->fd < 0 ? -errno : 0;
}

/* The body begins anew: what was written of it is not of this one. */
static int bodies_rewind(struct bodies *bodies, uint64_t offset)
{
    bool is_back = bodies->is_void || (ftruncate(bodies->fd, (off_t)offset) == 0 &&
                                       lseek(bodies->fd, (off_t)offset, SEEK_SET) >= 0);
    if (!is_back)
        return -errno;
    bodies->written = offset;
    return 0;
}

/* Pieces that follow one another go out by one call: each costs 2 us besides. */
enum { PIECES_AT_ONCE = 256 }; /* 4 MiB of blocks */

static int gather_pieces(struct iovec *vector, const struct haul_piece **piece, size_t skipped)
{
    int count = 0;
    for (; *piece != NULL && count < PIECES_AT_ONCE; *piece = (*piece)->next) {
        vector[count++] = (struct iovec){.iov_base = (char *)(uintptr_t)(*piece)->bytes + skipped,
                                         .iov_len = (*piece)->length - skipped};
        skipped = 0;
    }
    return count;
}

/* Where the kernel took fewer bytes than there were, it goes on within that piece. */
static int bodies_append(struct bodies *bodies, const struct haul_piece *piece)
{
    size_t skipped = 0;
    while (piece != NULL) {
        struct iovec vector[PIECES_AT_ONCE];
        const struct haul_piece *behind = piece;
        int pieces = gather_pieces(vector, &behind, skipped);
        ssize_t count = writev(bodies->fd, vector, pieces);
        if (count < 0 && errno != EINTR)
            return -errno;
        bodies->written += count > 0 ? (uint64_t)count : 0;
        skipped += count > 0 ? (size_t)count : 0;
        for (; piece != NULL && skipped >= piece->length; piece = piece->next)
            skipped -= piece->length;
    }
    return 0;
}

/* What is named by its number needs no memory of names, unless others may have that name. */
static int bodies_take_name(struct bodies *bodies, bool is_index)
{
    uint64_t place = bodies->part == bodies->own_part ? bodies->own_place : bodies->common_place;
    if (is_index && !bodies->options.has_outputs &&
        !names_have(&bodies->names, place, bodies->path))
        return 0;
    return names_take(&bodies->names, place, bodies->path);
}

static int bodies_finish(struct bodies *bodies, bool is_index)
{
    int closed = close(bodies->fd);
    int error = closed < 0 ? -errno : 0;
    bodies->fd = -1;
    if (bodies->is_direct)
        return error;
    if (error == 0)
        error = bodies_take_name(bodies, is_index);
    if (error == 0 && rename(bodies->part, bodies->path) < 0)
        error = -errno;
    if (error < 0)
        unlink(bodies->part);
    interrupt_guard(INTERRUPT_BODY, NULL);
    return error;
}

/* --- the way of a body ------------------------------------------------------------------------ */

static bool is_whole(const struct bodies *bodies, const struct haul_result *result)
{
    return result->error == HAUL_OK ||
           (result->error == HAUL_STATUS && !bodies->options.drops_failed);
}

int bodies_take(struct bodies *bodies, const struct haul_result *result, const char *output,
                const char **ret_path)
{
    const struct bodies_options *options = &bodies->options;
    bool is_index = output == NULL && !options->has_remote_names;
    *ret_path = NULL;
    if (!is_whole(bodies, result) || (is_index && options->directory == NULL)) {
        bodies_drop(bodies);
        return 0;
    }
    int error = bodies->fd < 0 ? bodies_begin(bodies, result, output) : 0;
    if (error == 0 && result->body_offset < bodies->written)
        error = bodies_rewind(bodies, result->body_offset);
    if (error == 0)
        error = bodies_append(bodies, result->body);
    if (error == 0 && !result->more) {
        error = bodies_finish(bodies, is_index);
        *ret_path = error == 0 ? bodies->path : NULL;
    }
    if (error < 0)
        bodies_drop(bodies);
    return error;
}

const char *bodies_culprit(const struct bodies *bodies)
{
    const struct bodies_options *options = &bodies->options;
    const char *directory = options->directory != NULL ? options->directory : options->output_dir;
    return bodies->path != NULL ? bodies->path : directory != NULL ? directory : ".";
}
