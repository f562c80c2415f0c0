/* Owns durability. The idea: only two things are ever done to a file that matters. A line is
 * added at its end, which at worst leaves a tail without line end; or a finished file takes its
 * name. */

#include "bench/base/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 16, LOCK_TRIES = 50, LOCK_PAUSE_MS = 10 };

static bool fail(char *message, const char *path, const char *what, int error)
{
    snprintf(message, JOURNAL_MESSAGE_BYTES, "%s: %s%s%s", path, what, error != 0 ? ": " : "",
             error != 0 ? strerror(error) : "");
    return false;
}

/* Returns 0 or an errno. */
static int write_all(int descriptor, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(descriptor, bytes, length);
        if (written < 0 && errno != EINTR)
            return errno;
        if (written > 0) {
            bytes += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

/* A name is durable when its directory is. Returns 0 or an errno. */
static int sync_directory(const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);

    snprintf(directory, sizeof directory, "%.*s", length, slash == NULL ? "." : path);
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return errno;
    int error = fsync(descriptor) < 0 && errno != EINVAL ? errno : 0;
    close(descriptor);
    return error;
}

/* --- one writer ------------------------------------------------------------------------------- */

/* The name may have gone to another file between open() and the lock. */
static bool is_at(const char *path, const struct stat *status)
{
    struct stat now;

    return stat(path, &now) == 0 && now.st_dev == status->st_dev && now.st_ino == status->st_ino;
}

/* Returns a locked descriptor, or a negative errno: -EWOULDBLOCK where another holds it, -ESTALE
 * where the name has gone to another file. */
static int open_locked(const char *path, struct stat *ret_status)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int error = 0;

    if (descriptor < 0)
        return -errno;
    if (flock(descriptor, LOCK_EX | LOCK_NB) < 0 || fstat(descriptor, ret_status) < 0)
        error = errno;
    else if (!is_at(path, ret_status))
        error = ESTALE;
    if (error == 0)
        return descriptor;
    close(descriptor);
    return -error;
}

/* Between fork() and execve(), the child of a sweep that was just killed still holds the lock:
 * so this does not give up at once. */
static int wait_for_lock(const char *path, struct stat *ret_status)
{
    int descriptor = open_locked(path, ret_status);

    for (int i = 0; i < LOCK_TRIES && (descriptor == -EWOULDBLOCK || descriptor == -ESTALE); i++) {
        poll(NULL, 0, LOCK_PAUSE_MS);
        descriptor = open_locked(path, ret_status);
    }
    return descriptor;
}

bool journal_open(struct journal *journal, const char *path, char *ret_message)
{
    struct stat status;
    int descriptor = wait_for_lock(path, &status);

    if (descriptor == -EWOULDBLOCK)
        return fail(ret_message, path, "another sweep is writing to it", 0);
    if (descriptor < 0)
        return fail(ret_message, path, "cannot be opened", -descriptor);
    if (!S_ISREG(status.st_mode)) {
        close(descriptor);
        return fail(ret_message, path, "is no regular file", 0);
    }
    *journal = (struct journal){path, descriptor, status.st_size};
    return true;
}

void journal_close(struct journal *journal)
{
    close(journal->descriptor);
}

/* --- lines at the end ------------------------------------------------------------------------- */

bool journal_truncate(struct journal *journal, off_t length, char *ret_message)
{
    if (ftruncate(journal->descriptor, length) < 0 || fdatasync(journal->descriptor) < 0)
        return fail(ret_message, journal->path, "cannot be shortened", errno);
    journal->length = length;
    return true;
}

bool journal_append(struct journal *journal, const char *line, char *ret_message)
{
    char second[JOURNAL_MESSAGE_BYTES];
    size_t length = strlen(line);
    int error = write_all(journal->descriptor, line, length);

    if (error == 0 && fdatasync(journal->descriptor) < 0)
        error = errno;
    if (error == 0) {
        journal->length += (off_t)length;
        return true;
    }
    fail(ret_message, journal->path, "cannot be written", error);
    journal_truncate(journal, journal->length, second);
    return false;
}

/* --- a file in another's place ---------------------------------------------------------------- */

/* Returns 0 or an errno. */
static int copy_from(int from, off_t offset, int to)
{
    char *bytes = malloc(COPY_BYTES);
    int error = bytes != NULL ? 0 : ENOMEM;

    while (error == 0) {
        ssize_t length = pread(from, bytes, COPY_BYTES, offset);
        if (length == 0)
            break;
        error = length < 0 ? errno : write_all(to, bytes, (size_t)length);
        offset += length;
    }
    free(bytes);
    return error;
}

/* A file beside path, locked, which takes its name when it is finished. One that a kill has left
 * behind is begun anew. */
struct draft {
    char path[PATH_MAX];
    int descriptor;
};

static int draft_drop(struct draft *draft, int error)
{
    unlink(draft->path);
    close(draft->descriptor);
    return error;
}

/* Returns 0 or an errno. */
static int draft_open(struct draft *draft, const char *path)
{
    struct stat status;
    int length = snprintf(draft->path, sizeof draft->path, "%s.part", path);

    if (length >= (int)sizeof draft->path)
        return ENAMETOOLONG;
    draft->descriptor = open_locked(draft->path, &status);
    if (draft->descriptor < 0)
        return -draft->descriptor;
    return ftruncate(draft->descriptor, 0) < 0 ? draft_drop(draft, errno) : 0;
}

/* Gives it the name; the descriptor stays open. Returns 0 or an errno, and then it is gone. */
static int draft_commit(struct draft *draft, const char *path)
{
    if (fsync(draft->descriptor) < 0 || rename(draft->path, path) < 0)
        return draft_drop(draft, errno);
    return 0;
}

/* The draft is locked before it has the name: whoever opens the name finds it locked. */
bool journal_replace_first(struct journal *journal, off_t first_length, const char *line,
                           char *ret_message)
{
    struct draft draft;
    int error = draft_open(&draft, journal->path);

    if (error != 0)
        return fail(ret_message, journal->path, "cannot be written", error);
    error = write_all(draft.descriptor, line, strlen(line));
    if (error == 0)
        error = copy_from(journal->descriptor, first_length, draft.descriptor);
    error = error != 0 ? draft_drop(&draft, error) : draft_commit(&draft, journal->path);
    if (error != 0)
        return fail(ret_message, journal->path, "cannot be written", error);
    close(journal->descriptor);
    journal->descriptor = draft.descriptor;
    journal->length += (off_t)strlen(line) - first_length;
    error = sync_directory(journal->path);
    return error == 0 || fail(ret_message, journal->path, "its directory cannot be synced", error);
}
