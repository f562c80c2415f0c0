/* Owns paths. The idea: one file has many ways of being written ("x", "./x", through a link), but
 * its directory has one number, and in that it has one name. */

#include "tools/output/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

size_t path_directory_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? (size_t)(slash + 1 - path) : 0;
}

int path_make_directory(const char *path)
{
    return mkdir(path, 0777) < 0 && errno != EEXIST ? -errno : 0;
}

int path_make_directories(const char *path, size_t length)
{
    char *copy = strndup(path, length);
    int error = copy == NULL ? -ENOMEM : 0;
    for (size_t at = 1; error == 0 && at <= length; at++) {
        if (copy[at] != '/' && at < length)
            continue;
        char kept = copy[at];
        copy[at] = '\0';
        error = path_make_directory(copy);
        copy[at] = kept;
    }
    free(copy);
    return error;
}

char *path_resolve(const char *path)
{
    char *resolved = realpath(path, NULL);
    return resolved != NULL ? resolved : strdup(path);
}

int path_place(const char *path, uint64_t *ret_place)
{
    struct stat status;
    size_t length = path_directory_length(path);
    char *directory = length > 0 ? strndup(path, length) : strdup(".");
    if (directory == NULL)
        return -ENOMEM;
    int error = stat(directory, &status) < 0 ? -errno : 0;
    if (error == 0)
        *ret_place =
            (uint64_t)status.st_ino ^ ((uint64_t)status.st_dev << 40 | status.st_dev >> 24);
    free(directory);
    return error;
}
