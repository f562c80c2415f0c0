#ifndef BENCH_BASE_REPLACE_H
#define BENCH_BASE_REPLACE_H

/* A file written whole or not at all: beside its place under another name, renamed when complete.
 * What is no regular file (a terminal, a pipe, /dev/full) is written to where it is. */

#include <stdio.h>

struct replace {
    FILE *out;
    char *path;
    char *temporary; /* NULL: written in place */
};

/* path NULL: standard output. Returns 0 or a negative errno. */
int replace_open(struct replace *replace, const char *path);

/* Everything is written: the file takes its place, its bytes being on the disk first. Returns 0; or
 * a negative errno, and the old file, if any, is as it was. */
int replace_commit(struct replace *replace);

/* Nothing has happened. */
void replace_abandon(struct replace *replace);

#endif
