#ifndef BENCH_RESULT_MATRIX_H
#define BENCH_RESULT_MATRIX_H

/* What a sweep goes through: 'loop=uring,epoll;c=1,64' is two axes and four cells. A cell has one
 * value of each axis, which become words of a run, or fill {key} in the URL. */

#include "bench/result/axes.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    MATRIX_AXES_MAX = 16,
    MATRIX_CELLS_MAX = 100000,
    MATRIX_MESSAGE_BYTES = 256,
};

struct matrix_axis {
    const char *key;
    const struct axis_row *known; /* NULL: it is no option's */
    const char **values;
    size_t value_count;
    size_t position; /* of the key in the text, from 1 */
};

struct matrix {
    struct matrix_axis axes[MATRIX_AXES_MAX];
    size_t axis_count;
    size_t cell_count; /* the last axis changes fastest */
    const char **values;
    char *bytes;
};

/* Keys and values may have blanks around them. Whether a value is one of its option's is for
 * options_parse() to say, but for switches, which are on or off. Returns 0. Errors: -EINVAL,
 * with the sentence and the position in ret_message, of MATRIX_MESSAGE_BYTES; -ENOMEM, said
 * there too. After an error there is nothing to free. */
int matrix_parse(struct matrix *ret_matrix, const char *text, char *ret_message);
void matrix_free(struct matrix *matrix);

/* What all cells have: options and URLs. */
struct matrix_base {
    const char *const *words;
    size_t word_count;
    bool has_server; /* they name targets; false: it is the embedded server that is asked */
};

/* Can these axes be used with that base? Each key must be that of an option which is not in the
 * base, or be in it as {key}; body and tls, options of the embedded server alone, must be in a
 * base that names its targets. */
bool matrix_check(const struct matrix *matrix, const struct matrix_base *base, char *ret_message);

const char *matrix_value(const struct matrix *matrix, size_t cell, size_t axis);

/* {"loop": ["uring", "epoll"], "c": ["1", "64"]}. NULL: no memory. */
json_t *matrix_axes(const struct matrix *matrix);

/* {"loop": "uring", "c": "64"}. NULL: no memory. */
json_t *matrix_cell(const struct matrix *matrix, size_t cell);

/* The cell that is such an object, which may be any JSON; false: none is. */
bool matrix_find(const struct matrix *matrix, const json_t *cell, size_t *ret_cell);

/* "loop=uring c=64", cut where the buffer ends. */
void matrix_text(const struct matrix *matrix, size_t cell, char *ret_text, size_t size);

/* A cell as the words of a run: the base's, filled, and then the axes'. */
struct matrix_words {
    char **words; /* ended by NULL */
    size_t count;
    char *bytes;
};

/* base has passed matrix_check(). false: no memory, and nothing to free. */
bool matrix_words(const struct matrix *matrix, size_t cell, const struct matrix_base *base,
                  struct matrix_words *ret_words);
void matrix_words_free(struct matrix_words *words);

#endif
