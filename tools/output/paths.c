/* Owns paths. The idea: a directory that is there already is as good as one that was made. */

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
