/* Owns the text of JSON: numbers, escapes, UTF-8 and base64. The idea: what is common costs next to
 * nothing. Eight bytes at a time are looked at as one number, and only those eight that hold a byte
 * to be escaped are walked one by one. */

#include "tools/output/json.h"

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

char *put_uint(char *at, uint64_t number)
{
    char digits[JSON_UINT_BYTES];
    char *first = digits + sizeof(digits);
    while (number >= 100) {
        first -= 2;
        memcpy(first, digit_pairs + number % 100 * 2, 2);
        number /= 100;
    }
    if (number >= 10) {
        first -= 2;
        memcpy(first, digit_pairs + number * 2, 2);
    } else {
        *--first = (char)('0' + number);
    }
    return put_bytes(at, first, (size_t)(digits + sizeof(digits) - first));
}

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* The high bit of every byte that is zero, and perhaps of others above the lowest such byte. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH_BYTE(0x01)) & ~word & EACH_BYTE(0x80);
}

/* Whether one of the eight bytes is a control byte, a quote or a backslash, or above 127 where
 * latin1 asks for that. */
static bool has_special(uint64_t word, bool latin1)
{
    uint64_t control = (word - EACH_BYTE(0x20)) & ~word & EACH_BYTE(0x80);
    uint64_t high = latin1 ? word & EACH_BYTE(0x80) : 0;
    return (control | high | zero_bytes(word ^ EACH_BYTE('"')) |
            zero_bytes(word ^ EACH_BYTE('\\'))) != 0;
}

static char *put_unicode_escape(char *at, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";
    at = PUT_LITERAL(at, "\\u00");
    *at++ = hex[byte >> 4];
    *at++ = hex[byte & 15];
    return at;
}

static char *put_escaped_byte(char *at, uint8_t byte, bool latin1)
{
    switch (byte) {
    case '"':
        return PUT_LITERAL(at, "\\\"");
    case '\\':
        return PUT_LITERAL(at, "\\\\");
    case '\n':
        return PUT_LITERAL(at, "\\n");
    case '\r':
        return PUT_LITERAL(at, "\\r");
    case '\t':
        return PUT_LITERAL(at, "\\t");
    default:
        if (byte < 0x20 || (latin1 && byte >= 0x80))
            return put_unicode_escape(at, byte);
        *at = (char)byte;
        return at + 1;
    }
}

char *put_escaped(char *at, const char *bytes, size_t length, bool latin1)
{
    while (length > 0) {
        uint64_t word;
        size_t step = length < sizeof(word) ? length : sizeof(word);
        if (step == sizeof(word)) {
            memcpy(&word, bytes, sizeof(word));
            if (!has_special(word, latin1)) {
                at = put_bytes(at, bytes, sizeof(word));
                bytes += step;
                length -= step;
                continue;
            }
        }
        for (size_t i = 0; i < step; i++)
            at = put_escaped_byte(at, (uint8_t)bytes[i], latin1);
        bytes += step;
        length -= step;
    }
    return at;
}

/* --- UTF-8 ------------------------------------------------------------------------------------ */

/* RFC 3629, section 4: what follows each first byte. Only the second byte's range is special. */
static bool utf8_begin(struct utf8 *utf8, uint8_t byte)
{
    utf8->left = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    utf8->lower = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    utf8->upper = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    return byte >= 0xC2 && byte <= 0xF4;
}

static bool utf8_feed_byte(struct utf8 *utf8, uint8_t byte)
{
    if (utf8->left == 0)
        return byte < 0x80 || utf8_begin(utf8, byte);
    bool allowed = byte >= utf8->lower && byte <= utf8->upper;
    utf8->lower = 0x80;
    utf8->upper = 0xBF;
    utf8->left--;
    return allowed;
}

bool utf8_feed(struct utf8 *utf8, const char *bytes, size_t length)
{
    size_t i = 0;
    while (i < length) {
        uint64_t word;
        if (utf8->left == 0 && length - i >= sizeof(word)) {
            memcpy(&word, bytes + i, sizeof(word));
            if ((word & EACH_BYTE(0x80)) == 0) {
                i += sizeof(word);
                continue;
            }
        }
        if (!utf8_feed_byte(utf8, (uint8_t)bytes[i++]))
            return false;
    }
    return true;
}

bool utf8_is_valid(const char *bytes, size_t length)
{
    struct utf8 utf8 = {0};
    return utf8_feed(&utf8, bytes, length) && utf8_end(&utf8);
}

/* --- base64 ----------------------------------------------------------------------------------- */

static char *put_group(char *at, uint8_t first, uint8_t second, uint8_t third)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t group = (uint32_t)first << 16 | (uint32_t)second << 8 | third;
    for (int shift = 18; shift >= 0; shift -= 6)
        *at++ = alphabet[group >> shift & 63];
    return at;
}

char *put_base64(char *at, struct base64 *base64, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (base64->held_count < 2) {
            base64->held[base64->held_count++] = (uint8_t)bytes[i];
        } else {
            at = put_group(at, base64->held[0], base64->held[1], (uint8_t)bytes[i]);
            base64->held_count = 0;
        }
    }
    return at;
}

char *put_base64_end(char *at, struct base64 *base64)
{
    if (base64->held_count == 0)
        return at;
    at = put_group(at, base64->held[0], base64->held_count == 2 ? base64->held[1] : 0, 0);
    memset(at - (base64->held_count == 2 ? 1 : 2), '=', base64->held_count == 2 ? 1 : 2);
    base64->held_count = 0;
    return at;
}
