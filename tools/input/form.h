#ifndef TOOLS_INPUT_FORM_H
#define TOOLS_INPUT_FORM_H

/* Forms of parts (RFC 7578), by the words and to the bytes of curl 7.88. */

#include "tools/input/payload.h"

#include <stdbool.h>
#include <stddef.h>

enum form_source {
    FORM_TEXT,
    FORM_FILE,
    FORM_CONTENT,
    FORM_OPENS, /* a part of parts, which are the fields behind it, */
    FORM_CLOSES /* up to here */
};

/* "name=value", "name=@file", "name=<file" or "name=(", and ";type=", ";filename=" behind it; "=)"
 * for the end of a part. What it points to is in the word, which is written to. */
struct form_field {
    const char *name;  /* NULL: it has none */
    const char *value; /* or the file's path */
    enum form_source source;
    const char *type;     /* NULL: by the name of the file */
    const char *filename; /* NULL: that of the path, without its directories */
    char *more;           /* of a list of files, "@a,b;type=x", what is behind the first; or NULL */
};

/* Cuts word, which the field then points into. NULL: done; else what is wrong. */
const char *form_parse(char *word, bool is_string, struct form_field *ret_field);

/* The next file of a list becomes the field. Likewise. */
const char *form_parse_more(struct form_field *field);

enum { FORM_LEVELS = 10 };

struct form_level {
    char boundary[41];
    bool has_fields;
    bool is_mixed; /* no form, and its parts no fields */
};

struct form {
    struct form_level levels[FORM_LEVELS]; /* zero at first; parts of parts are behind the form */
    unsigned depth;
};

/* The field's head, behind what was before it. Its content is the caller's to add. Errors: a
 * negative errno. */
int form_begin_field(struct form *form, struct payload *payload, const struct form_field *field);

/* What follows are parts of this one, up to form_close(). Errors: also -ELOOP, they lie in each
 * other FORM_LEVELS deep; -EINVAL, none is open. */
int form_open(struct form *form, struct payload *payload, const struct form_field *field);
int form_close(struct form *form, struct payload *payload);

/* Behind the last; what is open is closed. */
int form_end(struct form *form, struct payload *payload);

#endif
