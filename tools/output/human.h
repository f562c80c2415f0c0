#ifndef TOOLS_OUTPUT_HUMAN_H
#define TOOLS_OUTPUT_HUMAN_H

/* Numbers as people read them. Each writes to a buffer of HUMAN_BYTES and returns it. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { HUMAN_BYTES = 32 };

char *human_count(char *buffer, uint64_t count);      /* 10,000 */
char *human_bytes(char *buffer, uint64_t bytes);      /* 612 B, 6.1 MB */
char *human_duration(char *buffer, uint64_t time_ns); /* 830 us, 1.2 ms, 0.52 s, 2:05 */

/* How many bytes from the first on a terminal may be given as they are: a terminal must not obey
 * what a URL or a reply says. 0: not even the first, a control (those of U+0080 to U+009F too) or a
 * byte that is not UTF-8. */
size_t human_printable(const char *bytes, size_t length);

/* The same, written: what is not to be obeyed becomes ?. */
void human_write_printable(FILE *to, const char *bytes, size_t length);

/* Writes "NAME: " and a list of facts, which commas and semicolons part, in lines of at most so
 * many columns, as far as facts are shorter; further lines are indented below the first fact. */
void human_fold(FILE *to, const char *name, const char *facts, size_t columns);

#endif
