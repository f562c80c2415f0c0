#ifndef TOOLS_INPUT_SNIFF_H
#define TOOLS_INPUT_SNIFF_H

/* What a file is that is no list of URLs. */

#include <stddef.h>

/* Why this line, the first of a file that is not blank, is none of a list, and what to do about it:
 * static; NULL: nothing speaks against it. */
const char *sniff(const char *line, size_t length);

#endif
