/* Cuts challenges. A word before an = is a parameter's name, any other is a scheme; and what
 * follows a scheme is a token68 only where nothing but a comma or the end is behind it. A comma
 * that is missing between two parts is not missed: nothing else could be meant. */

#include "proto/auth/challenge.h"
#include "proto/http/scan.h"

/* What is not cut off yet. */
struct cutter {
    const char *at;
    const char *end;
};

static void skip_blanks(struct cutter *cutter)
{
    while (cutter->at < cutter->end && ascii_is_blank(*cutter->at))
        cutter->at++;
}

static bool is_at(const struct cutter *cutter, char c)
{
    return cutter->at < cutter->end && *cutter->at == c;
}

/* The end of an element, or what is as good. */
static bool is_at_end(const struct cutter *cutter)
{
    return cutter->at == cutter->end || *cutter->at == ',' || ascii_is_blank(*cutter->at);
}

static struct span cut(const char *from, const char *to)
{
    return (struct span){from, (size_t)(to - from)};
}

/* false: it has no end. */
static bool cut_quoted(struct cutter *cutter, struct challenge_part *part)
{
    const char *start = ++cutter->at;

    for (; cutter->at < cutter->end && *cutter->at != '"'; cutter->at++)
        if (*cutter->at == '\\' && ++cutter->at == cutter->end)
            return false;
    if (cutter->at == cutter->end)
        return false;
    part->value = cut(start, cutter->at++);
    part->is_quoted = true;
    return is_at_end(cutter);
}

/* Behind the =. What is not quoted should be a token, and may be more: base64, say. */
static enum challenge_kind cut_value(struct cutter *cutter, struct challenge_part *part)
{
    const char *start;

    cutter->at++;
    skip_blanks(cutter);
    if (is_at(cutter, '"'))
        return cut_quoted(cutter, part) ? CHALLENGE_PARAMETER : CHALLENGE_BAD;
    start = cutter->at;
    while (!is_at_end(cutter))
        if (*cutter->at++ == '"')
            return CHALLENGE_BAD;
    part->value = cut(start, cutter->at);
    return CHALLENGE_PARAMETER;
}

static bool is_token68_byte(char c)
{
    char lower = ascii_lower(c);

    return (lower >= 'a' && lower <= 'z') || ascii_is_digit(c) ||
           (c != '\0' && strchr("-._~+/", c) != NULL);
}

/* Behind a scheme and blanks; what is none is left where it is. */
static struct span cut_token68(struct cutter *cutter)
{
    struct cutter ahead = *cutter;
    struct span token;

    while (ahead.at < ahead.end && is_token68_byte(*ahead.at))
        ahead.at++;
    if (ahead.at == cutter->at)
        return (struct span){NULL, 0};
    while (is_at(&ahead, '='))
        ahead.at++;
    token = cut(cutter->at, ahead.at);
    skip_blanks(&ahead);
    if (ahead.at < ahead.end && *ahead.at != ',')
        return (struct span){NULL, 0};
    *cutter = ahead;
    return token;
}

static enum challenge_kind cut_part(struct cutter *cutter, struct challenge_part *part)
{
    const char *start = cutter->at;
    bool has_blank;

    cutter->at = scan_token(start, cutter->end);
    part->name = cut(start, cutter->at);
    if (part->name.length == 0)
        return CHALLENGE_BAD;
    has_blank = is_at_end(cutter);
    skip_blanks(cutter);
    if (is_at(cutter, '='))
        return cut_value(cutter, part);
    if (!has_blank)
        return CHALLENGE_BAD;
    part->value = cut_token68(cutter);
    return CHALLENGE_SCHEME;
}

enum challenge_kind challenge_next(struct span *value, struct challenge_part *ret_part)
{
    struct cutter cutter = {value->bytes, value->bytes + value->length};
    enum challenge_kind kind;

    *ret_part = (struct challenge_part){0};
    while (cutter.at < cutter.end && (*cutter.at == ',' || ascii_is_blank(*cutter.at)))
        cutter.at++;
    if (cutter.at == cutter.end)
        return CHALLENGE_END;
    kind = cut_part(&cutter, ret_part);
    *value = cut(cutter.at, kind == CHALLENGE_BAD ? cutter.at : cutter.end);
    return kind;
}

size_t challenge_value_write(const struct challenge_part *part, char *buffer)
{
    size_t length = 0;

    for (size_t i = 0; i < part->value.length; i++) {
        if (part->is_quoted && part->value.bytes[i] == '\\')
            i++; /* cut_quoted() has seen that there is another */
        buffer[length++] = part->value.bytes[i];
    }
    return length;
}
