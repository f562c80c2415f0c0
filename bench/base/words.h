#ifndef BENCH_BASE_WORDS_H
#define BENCH_BASE_WORDS_H

/* A string split into words as a shell would: at blanks, with single quotes, double quotes and
 * backslashes, and nothing expanded. */

#include <stddef.h>

struct words {
    char **words; /* ended by NULL */
    size_t count;
    char *bytes; /* what they point into */
};

/* Returns 0. Errors: -EINVAL for a quote without its end or a backslash with nothing behind it,
 * whose position, from 0, is in *ret_position; -ENOMEM. After an error there is nothing to free. */
int words_split(struct words *ret_words, const char *text, size_t *ret_position);
void words_free(struct words *words);

#endif
