/* References become absolute URLs. Both are cut into the five parts of RFC 3986, 3, and the target
 * is put together from the parts of one or of the other.
 *
 * The hard idea is what to refuse. A backslash before the path is a slash to browsers and a letter
 * to others, so that two programs see two hosts: it is an error, as are two Locations that differ,
 * while white space and bytes beyond ASCII have one meaning, and are encoded. */

#include "proto/http/location.h"
#include "proto/http/response.h"
#include "proto/http/url.h"

enum proto_error location_find(struct span head, struct span *ret_value)
{
    size_t cursor = 0;
    struct span name, value;

    *ret_value = (struct span){NULL, 0};
    while (response_field_next(head, &cursor, &name, &value)) {
        if (!span_equal_fold(name, SPAN("Location")) || value.length == 0)
            continue;
        if (ret_value->length > 0 && !span_equal(value, *ret_value))
            return PROTO_LOCATION_DIFFERS;
        *ret_value = value;
    }
    return PROTO_OK;
}

/* --- parts ------------------------------------------------------------------------------------ */

/* Of a reference; what it has not is empty, and has_ says so where that matters. */
struct parts {
    struct span scheme;    /* without its colon */
    struct span authority; /* without its slashes */
    struct span path;
    struct span query;    /* with its question mark */
    struct span fragment; /* with its # */
    bool has_authority;
};

static struct span cut(const char *from, const char *to)
{
    return (struct span){from, (size_t)(to - from)};
}

static const char *find_any(const char *p, const char *end, const char *bytes)
{
    while (p < end && strchr(bytes, *p) == NULL)
        p++;
    return p;
}

static bool is_scheme_byte(char c, bool is_first)
{
    bool is_letter = ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';

    return is_letter || (!is_first && (ascii_is_digit(c) || c == '+' || c == '-' || c == '.'));
}

/* Empty: a relative reference. */
static struct span scheme_cut(struct span text)
{
    size_t length = 0;

    while (length < text.length && is_scheme_byte(text.bytes[length], length == 0))
        length++;
    if (length == 0 || length == text.length || text.bytes[length] != ':')
        length = 0;
    return (struct span){text.bytes, length};
}

/* One of the two bytes by which an authority is told, as others read it. */
static bool begins_with_backslash(const char *p, const char *end)
{
    for (int i = 0; i < 2 && p + i < end && (p[i] == '/' || p[i] == '\\'); i++)
        if (p[i] == '\\')
            return true;
    return false;
}

static enum proto_error parts_cut(struct span text, struct parts *ret)
{
    const char *p = text.bytes;
    const char *end = p + text.length, *next;

    *ret = (struct parts){.scheme = scheme_cut(text)};
    if (ret->scheme.length > 0)
        p += ret->scheme.length + 1;
    if (begins_with_backslash(p, end))
        return PROTO_LOCATION_BACKSLASH;
    ret->has_authority = end - p >= 2 && p[0] == '/' && p[1] == '/';
    if (ret->has_authority) {
        p += 2;
        next = find_any(p, end, "/?#");
        ret->authority = cut(p, next);
        if (memchr(p, '\\', ret->authority.length) != NULL)
            return PROTO_LOCATION_BACKSLASH;
        p = next;
    }
    next = find_any(p, end, "?#");
    ret->path = cut(p, next);
    p = next;
    next = find_any(p, end, "#");
    ret->query = cut(p, next);
    ret->fragment = cut(next, end);
    return PROTO_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Counts what is written, also what no longer fits. */
struct writer {
    char *text;
    size_t size;
    size_t length;
};

static void put(struct writer *writer, char c)
{
    if (writer->length < writer->size)
        writer->text[writer->length] = c;
    writer->length++;
}

static void put_span(struct writer *writer, struct span span)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < span.length; i++) {
        unsigned char c = (unsigned char)span.bytes[i];

        if (c > 0x20 && c < 0x7f) {
            put(writer, (char)c);
            continue;
        }
        put(writer, '%');
        put(writer, digits[c >> 4]);
        put(writer, digits[c & 15]);
    }
}

/* User information is cut off; of more than one @ the URL's parser says what is wrong. */
static void put_authority(struct writer *writer, struct span authority)
{
    const char *end = authority.bytes + authority.length;
    const char *at = authority.length > 0 ? memchr(authority.bytes, '@', authority.length) : NULL;

    if (at != NULL && memchr(at + 1, '@', (size_t)(end - at - 1)) == NULL)
        authority = cut(at + 1, end);
    put_span(writer, authority);
}

/* A path that is not base's as it is (RFC 3986, 5.2.3 and 5.2.4). False: it is too long. */
static bool put_path(struct writer *writer, struct span before, struct span path, bool keeps_dots)
{
    char merged[URL_BYTES_MAX];
    struct writer merging = {merged, sizeof(merged), 0};
    size_t length;

    put_span(&merging, before);
    put_span(&merging, path);
    if (merging.length > sizeof(merged))
        return false;
    length = url_path_write((struct span){merged, merging.length}, keeps_dots, NULL);
    if (writer->length > writer->size || length > writer->size - writer->length)
        return false;
    writer->length += length;
    url_path_write((struct span){merged, merging.length}, keeps_dots,
                   writer->text + writer->length);
    return true;
}

/* What of base a relative path goes behind. */
static struct span merge_base(struct span path)
{
    while (path.length > 0 && path.bytes[path.length - 1] != '/')
        path.length--;
    return path.length > 0 ? path : SPAN("/");
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool put_target(struct writer *writer, const struct parts *base, const struct parts *parts,
                       bool keeps_dots)
{
    const struct span none = {NULL, 0};
    bool is_own = parts->has_authority || parts->scheme.length > 0;
    bool fits = true;

    if (parts->path.length == 0)
        put_span(writer, is_own ? none : base->path);
    else if (parts->path.bytes[0] == '/')
        fits = put_path(writer, none, parts->path, keeps_dots);
    else if (is_own) /* "http:a": no URL, as its parser says */
        put_span(writer, parts->path);
    else
        fits = put_path(writer, merge_base(base->path), parts->path, keeps_dots);
    if (parts->path.length > 0 || parts->query.length > 0 || is_own)
        put_span(writer, parts->query);
    else
        put_span(writer, base->query);
    put_span(writer, parts->fragment.length > 0 ? parts->fragment : base->fragment);
    return fits;
}

enum proto_error location_resolve(struct span base_text, struct span value, bool keeps_dots,
                                  char *ret_text, size_t size, size_t *ret_length)
{
    struct writer writer = {ret_text, size, 0};
    struct parts base, parts;
    bool has_own_authority, fits;
    enum proto_error error = parts_cut(value, &parts);

    parts_cut(base_text, &base);
    if (parts.scheme.length > 0 && !span_equal_fold(parts.scheme, SPAN("http")) &&
        !span_equal_fold(parts.scheme, SPAN("https")))
        return PROTO_LOCATION_SCHEME;
    if (error != PROTO_OK)
        return error;
    has_own_authority = parts.has_authority || parts.scheme.length > 0;
    put_span(&writer, parts.scheme.length > 0 ? parts.scheme : base.scheme);
    put_span(&writer, parts.has_authority || !has_own_authority ? SPAN("://") : SPAN(":"));
    put_authority(&writer, has_own_authority ? parts.authority : base.authority);
    fits = put_target(&writer, &base, &parts, keeps_dots);
    *ret_length = writer.length;
    return fits && writer.length <= size ? PROTO_OK : PROTO_LOCATION_TOO_LONG;
}
