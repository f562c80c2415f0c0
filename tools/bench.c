/* Finding haul-bench: beside this program, as both are installed; where the build puts it; in
 * PATH. */

#include "tools/bench.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_NOT_FOUND = 127 };

static const char program[] = "haul-bench";

/* folder: relative to this program's own. */
static void try_folder(const char *folder, char **argv)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0)
        return;
    path[length] = '\0';
    char *name = strrchr(path, '/') + 1;
    size_t room = sizeof path - (size_t)(name - path);
    if ((size_t)snprintf(name, room, "%s%s", folder, program) < room)
        execv(path, argv);
}

int bench_exec(char **argv)
{
    try_folder("", argv);
    try_folder("../bench/", argv);
    execvp(program, argv);
    fprintf(stderr, "haul: bench: cannot run %s: %s\n", program, strerror(errno));
    return EXIT_NOT_FOUND;
}
