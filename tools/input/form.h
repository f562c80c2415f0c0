#ifndef TOOLS_INPUT_FORM_H
#define TOOLS_INPUT_FORM_H

/* Forms of parts (RFC 7578), by the words and to the bytes of curl 7.88. */

#include "tools/input/payload.h"

#include <stdbool.h>
#include <stddef.h>

enum form_source { FORM_TEXT, FORM_FILE, FORM_CONTENT };

/* "name=value", "name=@file" or "name=<file", and ";type=", ";filename=" behind it. What it points
 * to is in the word, which is written to. */
struct form_field {
    const char *name;
    const char *value; /* or the file's path */
    enum form_source source;
    const char *type;     /* NULL: by the name of the file */
    const char *filename; /* NULL: that of the path, without its directories */
};

/* Cuts word, which the field then points into. NULL: done; else what is wrong. */
const char *form_parse(char *word, bool is_string, struct form_field *ret_field);

struct form {
    char boundary[41];
    bool has_fields; /* zero at first */
};

/* The field's head, behind what was before it. Its content is the caller's to add. Errors: a
 * negative errno. */
int form_begin_field(struct form *form, struct payload *payload, const struct form_field *field);

/* Behind the last. */
int form_end(struct form *form, struct payload *payload);

#endif
