#ifndef TOOLS_HELP_H
#define TOOLS_HELP_H

/* The texts of --help, made from the rows of options.c. */

#include <stdbool.h>
#include <stdio.h>

/* Every option, its value and its default: fits 24 lines of 80 columns. */
void help_write(FILE *to);

/* A line an option, with what it does: of the options of a group ("tls"), of one ("max-time",
 * "-c"), of all ("all"); or a line an exit code ("exits"). False, and nothing is written: topic is
 * none of these. */
bool help_write_topic(FILE *to, const char *topic);

#endif
