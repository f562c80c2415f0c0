#ifndef BENCH_RESULT_AXES_H
#define BENCH_RESULT_AXES_H

/* The axes that are known by name, a row each: in a sweep's matrix, in a report, in the help. Any
 * other may be an axis too, but only fills {key}. */

#include <stdbool.h>
#include <stddef.h>

struct axis_row {
    const char *key;
    const char *option; /* that has its value, "--loop"; NULL: no option of a run has it */
    bool is_switch;     /* "on": the option is there; "off": it is not */
    bool is_server;     /* the embedded server's: with a URL it has to be {key} in that */

    /* How a report speaks: "64" of c as "64 connections". No title: as the key stands. */
    const char *title;
    const char *before;
    const char *after;

    const char *member; /* of a run, which says where one that no sweep made stands; NULL: none */
};

extern const struct axis_row axis_rows[];
extern const size_t axis_row_count;

/* NULL: it is not known. */
const struct axis_row *axis_find(const char *key);

#endif
