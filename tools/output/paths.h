#ifndef TOOLS_OUTPUT_PATHS_H
#define TOOLS_OUTPUT_PATHS_H

/* Paths of files that are written: what leads to them, and which of them are the same. */

#include <stddef.h>
#include <stdint.h>

/* Of what leads to the file, with its last slash; 0: there is none. */
size_t path_directory_length(const char *path);

/* Makes one directory, and of a path the first length bytes, with what leads to them, where they
 * are missing. Returns 0 or a negative errno. */
int path_make_directory(const char *path);
int path_make_directories(const char *path, size_t length);

/* The file behind path, symbolic links followed; path itself where there is none yet. The caller
 * frees it; NULL: no memory. */
char *path_resolve(const char *path);

/* A number of the directory that path lies in, the same by whatever way that is written. Returns 0
 * or a negative errno. */
int path_place(const char *path, uint64_t *ret_place);

#endif
