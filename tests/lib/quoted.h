#ifndef TESTS_LIB_QUOTED_H
#define TESTS_LIB_QUOTED_H

/* JSON in a C string, with apostrophes for quotes. To be included behind cmocka.h. */

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A new reference; fails the test where it is no JSON. */
static inline json_t *quoted_json(const char *quoted)
{
    char *text = strdup(quoted);

    assert_non_null(text);
    for (char *letter = text; *letter != '\0'; letter++)
        if (*letter == '\'')
            *letter = '"';
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    free(text);
    return value;
}

#endif
