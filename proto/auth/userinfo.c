/* Cuts user information off a URL. It has to be found in URLs that are none, too: what is wrong
 * with one is told with the URL beside it, and a password is not told. */

#include "proto/auth/userinfo.h"

static struct span cut(const char *from, const char *to)
{
    return (struct span){from, (size_t)(to - from)};
}

static const char *authority_begin(struct span text)
{
    for (size_t i = 0; i + 3 <= text.length; i++)
        if (memcmp(text.bytes + i, "://", 3) == 0)
            return text.bytes + i + 3;
    return text.bytes;
}

/* Where a port is none, it may be a password with a slash, which hides the @ behind it. */
bool userinfo_find(struct span text, enum proto_error error, struct span *ret_before,
                   struct span *ret_userinfo, struct span *ret_behind)
{
    const char *end = text.bytes + text.length, *at = NULL;
    const char *begin = text.length > 0 ? authority_begin(text) : end;

    for (const char *p = begin; p < end; p++) {
        if (*p == '@')
            at = p;
        if (error != PROTO_URL_PORT && strchr("/?#", *p) != NULL && *p != '\0')
            break;
    }
    if (at == NULL)
        return false;
    *ret_before = cut(text.bytes, begin);
    *ret_userinfo = cut(begin, at);
    *ret_behind = cut(at + 1, end);
    return true;
}

/* Decodes a part, and goes on behind it in the buffer. false: it has a control byte. */
static bool decode(struct span part, char **buffer, struct span *ret_decoded)
{
    char *start = *buffer;

    for (size_t i = 0; i < part.length; i++) {
        bool has_digits = part.bytes[i] == '%' && part.length - i >= 3;
        int high = has_digits ? ascii_hex_value(part.bytes[i + 1]) : -1;
        int low = has_digits ? ascii_hex_value(part.bytes[i + 2]) : -1;
        unsigned char c = (unsigned char)part.bytes[i];

        if (high >= 0 && low >= 0) {
            c = (unsigned char)(high << 4 | low);
            i += 2;
        }
        if (c < 0x20 || c == 0x7f)
            return false;
        *(*buffer)++ = (char)c;
    }
    *ret_decoded = cut(start, *buffer);
    return true;
}

enum proto_error userinfo_decode(struct span userinfo, char *buffer, struct span *ret_user,
                                 struct span *ret_password)
{
    const char *end = userinfo.bytes + userinfo.length;
    const char *colon = userinfo.length > 0 ? memchr(userinfo.bytes, ':', userinfo.length) : NULL;

    *ret_user = *ret_password = (struct span){NULL, 0};
    if (!decode(cut(userinfo.bytes, colon != NULL ? colon : end), &buffer, ret_user) ||
        (colon != NULL && !decode(cut(colon + 1, end), &buffer, ret_password)))
        return PROTO_URL_USERINFO_CONTROL;
    return PROTO_OK;
}
