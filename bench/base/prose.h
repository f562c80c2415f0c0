#ifndef BENCH_BASE_PROSE_H
#define BENCH_BASE_PROSE_H

/* Words that are filled into lines of PROSE_COLUMNS behind a label, for people. A word that fits in
 * no line is cut where the line ends; control characters, which could move a terminal's cursor,
 * become question marks. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { PROSE_COLUMNS = 60 };

struct prose {
    FILE *out;
    size_t indent; /* of every line but the first, which has the label there */
    size_t column;
    bool is_fresh; /* no word stands on this line yet */
};

/* The label takes width columns, or as many as it needs. */
void prose_begin(struct prose *prose, const char *label, size_t width);

/* Words end at blanks; between two calls is one, too. */
void prose_words(struct prose *prose, const char *text);
__attribute__((format(printf, 2, 3))) void prose_put(struct prose *prose, const char *format, ...);

void prose_end(struct prose *prose);

/* All of it at once. */
__attribute__((format(printf, 4, 5))) void prose_line(FILE *out, const char *label, size_t width,
                                                      const char *format, ...);

/* Characters, not bytes: each is taken to be one column wide. */
size_t prose_columns(const char *text, size_t length);

#endif
