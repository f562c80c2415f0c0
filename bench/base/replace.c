/* Files that appear whole. The temporary one lies in the same directory, so that rename() cannot
 * cross a file system, and is synced before, so that a crash cannot leave a name without
 * content. */

#include "bench/base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void replace_free(struct replace *replace)
{
    free(replace->path);
    free(replace->temporary);
    *replace = (struct replace){0};
}

/* With the rights that a file made by open() would have had. */
static int temporary_open(struct replace *replace)
{
    if (asprintf(&replace->temporary, "%s.XXXXXX", replace->path) < 0) {
        replace->temporary = NULL;
        return -ENOMEM;
    }
    int fd = mkostemp(replace->temporary, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    replace->out = fdopen(fd, "w");
    if (replace->out)
        return 0;
    int error = -errno;
    close(fd);
    unlink(replace->temporary);
    return error;
}

int replace_open(struct replace *replace, const char *path)
{
    struct stat facts;
    *replace = (struct replace){0};
    if (!path) {
        replace->out = stdout;
        return 0;
    }
    if (path[0] == '\0')
        return -ENOENT;
    replace->path = strdup(path);
    if (!replace->path)
        return -ENOMEM;
    int error = 0;
    if (stat(path, &facts) < 0 || S_ISREG(facts.st_mode))
        error = temporary_open(replace);
    else if (!(replace->out = fopen(path, "we")))
        error = -errno;
    if (error)
        replace_free(replace);
    return error;
}

int replace_commit(struct replace *replace)
{
    int error = 0;
    errno = EIO;
    if (fflush(replace->out) < 0 || ferror(replace->out) ||
        (replace->temporary && fsync(fileno(replace->out)) < 0))
        error = -errno;
    if (replace->out != stdout && fclose(replace->out) < 0 && !error)
        error = -errno;
    if (replace->temporary && !error && rename(replace->temporary, replace->path) < 0)
        error = -errno;
    if (replace->temporary && error)
        unlink(replace->temporary);
    replace_free(replace);
    return error;
}

void replace_abandon(struct replace *replace)
{
    if (replace->out != stdout)
        fclose(replace->out);
    if (replace->temporary)
        unlink(replace->temporary);
    replace_free(replace);
}
