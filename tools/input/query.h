#ifndef TOOLS_INPUT_QUERY_H
#define TOOLS_INPUT_QUERY_H

/* Text in a URL's query, encoded as curl 7.88 has it: a space is +, and what is not unreserved (RFC
 * 3986, 2.3) is %XX. */

#include <stdbool.h>
#include <stddef.h>

/* "name=content", "name@file", "content", "=content", "@file", as of curl's --data-urlencode. */
struct query_part {
    const char *name; /* goes out as it is */
    size_t name_length;
    const char *content; /* or the file's path */
    bool is_file;
};

struct query_part query_part_of(const char *text);

/* A segment of a path: what is not unreserved is %XX, a space too. Likewise. */
char *path_encode(const char *text);

/* "name=encoded", or what is encoded alone; the caller frees it. NULL: no memory. */
char *query_encode(const struct query_part *part, const char *content, size_t length);

#endif
