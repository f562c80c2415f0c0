#ifndef BENCH_RUN_TARGETS_H
#define BENCH_RUN_TARGETS_H

/* What is asked, as words and files name it: URLs, and objects that have more of their own. */

#include "bench/load/load.h"
#include "bench/load/template.h"

#include <stdbool.h>
#include <stddef.h>

enum { TARGETS_MESSAGE_BYTES = 560 };

/* Zero at first. */
struct targets {
    char **urls;              /* NULL-terminated; NULL: there are none */
    struct load_target *list; /* as many */
    size_t count;
    bool is_template;         /* placeholders are replaced before a URL is looked at */
    bool has_own;             /* some have more than a URL */
    struct template template; /* with it */
};

/* A URL, which is checked. false: ret_message, of TARGETS_MESSAGE_BYTES, says why it is none. */
bool targets_add(struct targets *targets, const char *url, char *ret_message);

/* Those of a file, one a line; "-" is standard input. Empty lines and lines that begin with '#' are
 * none; a line that begins with '{' is an object: url, and where they are its own, method, headers
 * ([[name, value]], which come behind those of all) and body. */
bool targets_read(struct targets *targets, const char *path, char *ret_message);

void targets_free(struct targets *targets);

#endif
