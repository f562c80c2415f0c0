#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

/* The options of haul: the one list from which the command line is parsed, and --help, the option
 * list of haul(1) and the completions of the shells are made. */

#include "tools/take.h"

#include <stddef.h>

/* In the order of the manual. */
extern const struct option_row option_rows[];
extern const size_t option_count;

extern const char *const option_groups[]; /* names, by enum option_group */
extern const int option_group_count;

/* "-c/--concurrency": as messages name an option. */
enum { OPTION_NAME_BYTES = 64 };
char *option_name(const struct option_row *row, char *buffer);

const struct option_row *option_of_letter(int letter); /* NULL: there is none */

/* What a word that is no option may have meant, for the message about it: writes the whole names
 * that it begins, or, where it begins none, the one that is nearest, as "--name, --name". Returns
 * how many; *ret_begins: they begin with it. */
size_t option_meant(const char *word, char *ret_names, size_t size, bool *ret_begins);

/* How many letters to add, drop, change or swap make one word of the other; UINT_MAX: they are too
 * long to be misspelt. */
unsigned words_distance(const char *word, size_t length, const char *other);

#endif
