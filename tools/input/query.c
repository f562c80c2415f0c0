/* Owns the encoding of what goes into a query. */

#include "tools/input/query.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The first = counts, or, where there is none, the first @. */
struct query_part query_part_of(const char *text)
{
    const char *mark = strchr(text, '=');
    if (mark == NULL)
        mark = strchr(text, '@');
    if (mark == NULL)
        return (struct query_part){.name = text, .content = text};
    return (struct query_part){text, (size_t)(mark - text), mark + 1, *mark == '@'};
}

static char *put_encoded(char *at, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    if (isalnum(byte) || (byte != '\0' && strchr("-._~", byte) != NULL)) {
        *at++ = (char)byte;
    } else if (byte == ' ') {
        *at++ = '+';
    } else {
        *at++ = '%';
        *at++ = digits[byte >> 4];
        *at++ = digits[byte & 15];
    }
    return at;
}

char *path_encode(const char *text)
{
    char *encoded = malloc(3 * strlen(text) + 1), *at = encoded;
    if (encoded == NULL)
        return NULL;
    for (; *text != '\0'; text++)
        at = *text == ' ' ? (char *)mempcpy(at, "%20", 3) : put_encoded(at, (unsigned char)*text);
    *at = '\0';
    return encoded;
}

char *query_encode(const struct query_part *part, const char *content, size_t length)
{
    char *text = malloc(part->name_length + 1 + 3 * length + 1), *at = text;
    if (text == NULL)
        return NULL;
    if (part->name_length > 0) {
        at = (char *)mempcpy(at, part->name, part->name_length);
        *at++ = '=';
    }
    for (size_t i = 0; i < length; i++)
        at = put_encoded(at, (unsigned char)content[i]);
    *at = '\0';
    return text;
}
