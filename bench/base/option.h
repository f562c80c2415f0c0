#ifndef BENCH_BASE_OPTION_H
#define BENCH_BASE_OPTION_H

/* What words a command takes, a row an option. Parsing, --help and the completions of shells are
 * made from the rows; the manual page is checked against them. */

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct option_row;

/* A value on its way. */
struct option_taking {
    void *into; /* what the command keeps its options in */
    const struct option_row *row;
    const char *value; /* NULL: the option has none */
    char *message;
};

struct option_row {
    const char *name;     /* behind "--" */
    char letter;          /* 0: none */
    const char *value;    /* what --help calls its value, "auto|TIME"; NULL: it takes none. FILE and
                             DIR are completed as such */
    const char *choices;  /* all values there are, "uring|epoll|threads"; NULL: they are no list */
    const char *standard; /* what holds without it, as a user would write it; NULL: nothing */
    const char *help;     /* NULL: the choices say it */
    const char *heading;  /* stands above it in --help; NULL: none */

    /* false: message says why. */
    bool (*take)(const struct option_taking *taking);
    size_t at; /* in what they are kept in, for takers that serve many rows */
    size_t size;
    uint64_t most;  /* of a number, from 1 */
    bool is_many;   /* each counts, not the last alone */
    bool is_server; /* the embedded server's: no run knows it that is given a URL */
};

/* Of a member of that struct: where it is, for a row. */
#define OPTION_AT(type, member) .at = offsetof(type, member), .size = sizeof(((type *)0)->member)

struct option_list {
    const char *usage; /* stands above the options in --help */
    const char *notes; /* stands below; "": nothing */
    const struct option_row *rows;
    size_t count;
    bool has_run_options; /* other words are options of a run */
};

enum { OPTION_ROWS_MAX = 64, OPTION_LABEL_BYTES = 96 };

void option_help(FILE *out, const struct option_list *list);

/* The row that a word of that length, "--loop" or "-o", stands for; NULL: none. */
const struct option_row *option_find(const struct option_list *list, const char *word,
                                     size_t length);

/* How messages call it: "-c", or "--loop" where it has no letter. */
void option_label(const struct option_row *row, char *ret_label);

/* Which of the row's choices that is; -1: none. */
int option_choice(const struct option_row *row, const char *value);

/* "uring, epoll or threads"; to a buffer of OPTION_LABEL_BYTES. */
void option_choices(const struct option_row *row, char *ret_text);

/* What getopt_long() is to know. */
struct option_getopt {
    struct option options[OPTION_ROWS_MAX + 1];
    char letters[2 + 2 * OPTION_ROWS_MAX];
};

void option_getopt(const struct option_list *list, struct option_getopt *ret_getopt);

/* The row that getopt_long() has returned, or left in optopt; NULL: it is none. */
const struct option_row *option_of_getopt(const struct option_list *list, int code);

/* --- takers: of a string that is kept, and of a switch --- */

bool option_take_text(const struct option_taking *taking);
bool option_take_switch(const struct option_taking *taking);

#endif
