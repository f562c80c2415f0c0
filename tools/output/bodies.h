#ifndef TOOLS_OUTPUT_BODIES_H
#define TOOLS_OUTPUT_BODIES_H

/* The bodies of --bodies: one file each, named by the result's index, that appears in the directory
 * only when the reply is whole. */

#include "engine/haul.h"

struct bodies {
    const char *directory; /* as given; borrowed */
    char *path;            /* of the last whole body: directory/index */
    char *part_path;       /* where a body is while it is written */
    int fd;                /* of part_path; -1: no body is begun */
};

/* Makes the directory where it is missing. Returns 0 or a negative errno. */
int bodies_open(struct bodies *bodies, const char *directory);

/* What is unfinished is removed. */
void bodies_close(struct bodies *bodies);

/* Takes the body that result brings, which may be a piece of it: then the result with the next
 * piece is the next one taken. After the last piece ret_path is the file, valid until the next
 * call; NULL where the reply was not whole, and nothing of it stays. Returns 0 or a negative
 * errno. */
int bodies_take(struct bodies *bodies, const struct haul_result *result, const char **ret_path);

#endif
