#ifndef TOOLS_CURL_MEANT_H
#define TOOLS_CURL_MEANT_H

/* Options of curl that are none of haul's: what is to be said of them. */

#include <stdbool.h>
#include <stddef.h>

/* What to type instead of a letter, or of a long name without its dashes, which an = may end; NULL:
 * curl has no such option, or one that is not known here. */
const char *curl_meant_by_letter(int letter);
const char *curl_meant_by_name(const char *name);

/* The long names, from place 0 on, those of families with a * at their end; NULL: no more. */
const char *curl_name(size_t place);

#endif
