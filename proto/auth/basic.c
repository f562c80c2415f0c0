/* Credentials in base64 (RFC 4648, 4), three bytes of user:password at a time, without a copy of
 * both. */

#include "proto/auth/basic.h"

/* Of "user:password". */
static unsigned byte_at(struct span user, struct span password, size_t at)
{
    if (at < user.length)
        return (unsigned char)user.bytes[at];
    if (at == user.length)
        return ':';
    return (unsigned char)password.bytes[at - user.length - 1];
}

size_t basic_write(struct span user, struct span password, char *buffer, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const struct span scheme = SPAN("Basic ");
    size_t count = user.length + 1 + password.length;
    size_t length = scheme.length + (count + 2) / 3 * 4;

    if (length > size)
        return length;
    memcpy(buffer, scheme.bytes, scheme.length);
    buffer += scheme.length;
    for (size_t i = 0; i < count; i += 3) {
        unsigned bits = byte_at(user, password, i) << 16;

        if (i + 1 < count)
            bits |= byte_at(user, password, i + 1) << 8;
        if (i + 2 < count)
            bits |= byte_at(user, password, i + 2);
        *buffer++ = digits[bits >> 18];
        *buffer++ = digits[bits >> 12 & 63];
        *buffer++ = i + 1 < count ? digits[bits >> 6 & 63] : '=';
        *buffer++ = i + 2 < count ? digits[bits & 63] : '=';
    }
    return length;
}
