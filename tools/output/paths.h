#ifndef TOOLS_OUTPUT_PATHS_H
#define TOOLS_OUTPUT_PATHS_H

/* Paths of files that are written: what leads to them. */

#include <stddef.h>

/* Of what leads to the file, with its last slash; 0: there is none. */
size_t path_directory_length(const char *path);

/* Makes one directory, and of a path the first length bytes, with what leads to them, where they
 * are missing. Returns 0 or a negative errno. */
int path_make_directory(const char *path);
int path_make_directories(const char *path, size_t length);

#endif
