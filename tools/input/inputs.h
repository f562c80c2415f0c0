#ifndef TOOLS_INPUT_INPUTS_H
#define TOOLS_INPUT_INPUTS_H

/* The URLs of a run, one after the other: from arguments and files, globs expanded, the whole list
 * as often as asked. Nothing is read or expanded before it is wanted, so that a list of any length
 * takes the same memory. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One argument, or one file of lines: exactly one of the first two is set. */
struct input_item {
    const char *url;
    const char *path;   /* "-" is stdin */
    const char *output; /* where the body of this URL, or of all of its glob, goes; NULL: nothing is
                           said */
};

struct input_options {
    const struct input_item *items; /* borrowed until inputs_close(), as their strings are */
    size_t item_count;              /* below 2^20 */
    uint64_t repeat;                /* how many times to walk the list */
    bool literal;                   /* expand no globs */
    bool list_globs;                /* expand those in lines of files, too */
    bool names_files;               /* refuse a URL whose path ends in no name of a file, where no
                                       output is said */
    const char *scheme;             /* of URLs that have none; NULL: they stay as they are */
    const char *query;              /* to add to that of every URL; NULL: nothing */
    const char *name; /* to add to every URL whose path ends in a slash, encoded; NULL:
                         nothing */
};

enum input_state {
    INPUT_READY,  /* there is a URL */
    INPUT_WAIT,   /* not now: poll inputs_fd() for POLLIN and ask again */
    INPUT_END,    /* there is none any more */
    INPUT_FAILED, /* reading failed: inputs_describe_failure() says why */
};

struct input {
    const char *url; /* valid until inputs_advance(); zero-terminated only where length is 0 */
    size_t length;   /* at most 16,001: one more than a URL may have stands for all longer ones */
    uint64_t tag;    /* where the URL comes from, for the functions below */
    bool refused;    /* its globs are wrong, and url is the text as written; or it names no file */
};

struct inputs;

/* Opens every file. On failure returns a negative errno, and writes what was wrong to ret_message:
 * -EINVAL where repeat asks to rewind what cannot be rewound, -EISDIR for a directory, else what
 * open() or malloc() said. */
int inputs_open(struct inputs **ret_inputs, const struct input_options *options, char *ret_message,
                size_t size);
void inputs_close(struct inputs *inputs);

/* The current URL: the same one until inputs_advance(). Never blocks. */
enum input_state inputs_peek(struct inputs *inputs, struct input *ret_input);
void inputs_advance(struct inputs *inputs);

/* The descriptor that INPUT_WAIT waits for. */
int inputs_fd(const struct inputs *inputs);

/* How many URLs the whole run will have, as far as one can tell now; 0: unknown. ret_exact: it is
 * not estimated from the size of a file. */
uint64_t inputs_expected(const struct inputs *inputs, bool *ret_exact);

/* "line 17 of urls.txt" or "argument 3". */
void inputs_describe(const struct inputs *inputs, uint64_t tag, char *ret_text, size_t size);

/* The same for the last URL that was advanced over; false: there was none. */
bool inputs_describe_last(const struct inputs *inputs, char *ret_text, size_t size);

/* How many URLs were not advanced over. False: that cannot be known, as a list is not read through.
 * ret_inside: the last that was is one of a glob, which has more. */
bool inputs_left(const struct inputs *inputs, uint64_t *ret_left, bool *ret_inside);

/* "line 17 of urls.txt": the first line of a list whose []{} were left alone and would have been
 * something else as a glob; false: there was none. */
bool inputs_describe_unglobbed(const struct inputs *inputs, char *ret_text, size_t size);

/* The lists that were read through and had no URL: "urls.txt is empty". *cursor starts at 0; false:
 * there is no other. */
bool inputs_describe_empty(const struct inputs *inputs, size_t *cursor, char *ret_text,
                           size_t size);

/* After INPUT_FAILED: which file, and why. */
void inputs_describe_failure(const struct inputs *inputs, char *ret_text, size_t size);

/* The output of the item that a URL comes from; NULL: nothing is said. */
const char *inputs_output(const struct inputs *inputs, uint64_t tag);

/* Why an input was refused; static; NULL: it was not refused. ret_column: where,
 * counted from 1; 0: further right than the tag can say. */
const char *inputs_refusal(uint64_t tag, unsigned *ret_column);

#endif
