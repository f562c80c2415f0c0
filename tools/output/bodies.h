#ifndef TOOLS_OUTPUT_BODIES_H
#define TOOLS_OUTPUT_BODIES_H

/* Bodies as files of their own. Each takes its name only when the reply is whole: one of its own
 * (`output` behind `url` in a file of -K), the last segment of its URL (-O), or the result's index
 * (--bodies). */

#include "engine/haul.h"
#include "tools/output/names.h"

#include <stdbool.h>

struct bodies_options {
    const char *directory;    /* of --bodies; NULL: none. Borrowed, as the next is */
    const char *output_dir;   /* where names of -O and of a URL's own lie; NULL: here */
    bool has_remote_names;    /* -O */
    bool has_outputs;         /* some URLs have names of their own, */
    bool has_standard;        /* of which some are -, stdout, */
    bool has_direct;          /* and some those of what cannot be written again, as pipes */
    bool creates_directories; /* of output_dir and of those names, where they are missing */
    bool drops_failed;        /* a reply that --fail calls a failure gets no file */
};

struct bodies {
    struct bodies_options options;
    struct names names;
    char *common_part; /* where a body is while it is written; but those of a name of their own: */
    char *own_part;    /* beside that name */
    uint64_t common_place, own_place; /* numbers of their directories */
    const char *part;                 /* of the body at hand, one of the two */
    char *path;                       /* where that goes, or the last has gone */
    int fd;                           /* of part, or of path; -1: no body is begun */
    uint64_t written;                 /* to it */
    bool is_direct;                   /* path is no regular file, and written as it is, */
    bool is_void;                     /* to nowhere */
};

/* Are there to be files at all? */
static inline bool bodies_are_wanted(const struct bodies_options *options)
{
    return options->directory != NULL || options->has_remote_names || options->has_outputs;
}

/* What an own name, other than -, says of what it leads to: is it, or will it be, a file, of which
 * what was written can be taken back? */
bool bodies_can_rewind(const struct bodies_options *options, const char *output);

/* Makes the directories where they are missing. taken: a name that no body is to have; NULL: none.
 * Returns 0 or a negative errno. */
int bodies_open(struct bodies *bodies, const struct bodies_options *options, const char *taken);

/* What is unfinished is removed. */
void bodies_close(struct bodies *bodies);

/* Takes the body that result brings, which may be a piece of it: then the result with the next
 * piece is the next one taken. output: its URL's own name; NULL: it has none. After the last piece
 * ret_path is the file, valid until the next call; NULL where the reply was not whole, and nothing
 * of it stays, or where it is to have no file. Returns 0 or a negative errno. */
int bodies_take(struct bodies *bodies, const struct haul_result *result, const char *output,
                const char **ret_path);

/* What could not be written, after a failure. */
const char *bodies_culprit(const struct bodies *bodies);

#endif
