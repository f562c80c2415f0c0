#ifndef TOOLS_INPUT_CONFIG_H
#define TOOLS_INPUT_CONFIG_H

/* A file of options, as curl's -K reads it (7.88, src/tool_parsecfg.c): one a line, a long one with
 * or without its dashes, then what parts it from its value (white space, and without dashes = or :
 * too), then the value, in quotes where it has white space: \t \n \r \v are what they are in C, and
 * a backslash before anything else is that. A line that begins with # is passed over, and so are
 * those that begin with / or *. */

#include <stdbool.h>
#include <stddef.h>

struct config {
    char *at; /* what is not read yet, ending in a zero byte; it is written to */
    unsigned line;
};

struct config_option {
    const char *word;  /* as it is written, dashes included */
    const char *value; /* NULL: none stands there */
    bool has_more;     /* behind a value without quotes there is something that is no comment */
};

/* The next option; false: there is none. */
bool config_next(struct config *config, struct config_option *ret_option);

#endif
