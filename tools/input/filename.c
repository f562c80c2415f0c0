/* Owns the way from a URL to the name of a file. */

#include "tools/input/filename.h"

#include <ctype.h>
#include <string.h>

/* RFC 3986, 3.1. Returns its length, 0: there is none. */
static size_t scheme_length(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length && (isalnum((unsigned char)text[at]) || strchr("+-.", text[at]) != NULL) &&
           text[at] != '\0')
        at++;
    bool is_scheme = at > 0 && isalpha((unsigned char)text[0]) && length - at >= 3 &&
                     memcmp(text + at, "://", 3) == 0;
    return is_scheme ? at : 0;
}

bool url_has_scheme(const char *text, size_t length)
{
    return scheme_length(text, length) > 0;
}

static size_t length_without(const char *text, size_t length, const char *stops)
{
    size_t at = 0;
    while (at < length && strchr(stops, text[at]) == NULL)
        at++;
    return at;
}

bool filename_of_url(const char *url, size_t length, const char **ret_name, size_t *ret_length)
{
    size_t scheme = scheme_length(url, length);
    size_t path = scheme > 0 ? scheme + 3 : 0;
    path += length_without(url + path, length - path, "/?#");
    size_t end = path + length_without(url + path, length - path, "?#");
    size_t begin = end;
    while (begin > path && url[begin - 1] != '/')
        begin--;
    *ret_name = url + begin;
    *ret_length = end - begin;
    bool is_dots = *ret_length <= 2 && memcmp(*ret_name, "..", *ret_length) == 0;
    return !is_dots && *ret_length <= FILENAME_BYTES_MAX;
}
