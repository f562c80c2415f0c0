#ifndef TOOLS_OUTPUT_NAMES_H
#define TOOLS_OUTPUT_NAMES_H

/* Which names of files a run has given away: none is given twice, whatever files were there before.
 * A name is remembered as a number of 64 bits, so that a million of them take 32 MB. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct names {
    struct name_slot *slots;
    size_t capacity; /* a power of two; 0 at first, all zero */
    size_t count;
};

void names_deinit(struct names *names);

enum { NAMES_SUFFIX_BYTES = 22 }; /* ".1" to the longest number, and a zero byte */

/* Takes the last segment of path, which has room for the suffix behind it, in the directory of that
 * number: where it was taken before, path becomes path.1, or path.2 and so on; of a last segment
 * that is too long for it, as much as needed is cut off. Returns 0 or -ENOMEM. */
int names_take(struct names *names, uint64_t place, char *path);

/* Was that one taken? */
bool names_have(const struct names *names, uint64_t place, const char *path);

#endif
