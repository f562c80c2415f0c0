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

/* Writes "NAME: " and a list of facts, which commas and semicolons part, in lines of at most so
 * many columns, as far as facts are shorter; further lines are indented below the first fact. */
void human_fold(FILE *to, const char *name, const char *facts, size_t columns);

#endif
