#ifndef TOOLS_INPUT_FILENAME_H
#define TOOLS_INPUT_FILENAME_H

/* The name of a file that a URL suggests, as curl's -O has it: the last segment of its path, as it
 * is written, so that what an escape stands for cannot lead elsewhere. */

#include <stdbool.h>
#include <stddef.h>

enum { FILENAME_BYTES_MAX = 255 }; /* NAME_MAX of linux/limits.h */

/* Whether text begins with a scheme and "://". */
bool url_has_scheme(const char *text, size_t length);

/* Where the URL's last segment lies. False: it is no name of a file, for it is empty, "." or "..",
 * or too long. The path begins behind the authority; text without a scheme has none. */
bool filename_of_url(const char *url, size_t length, const char **ret_name, size_t *ret_length);

#endif
