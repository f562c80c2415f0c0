/* The walk over DER: one function reads a tag and a length, everything else is made of it.
 *
 * Whoever wants to see two different certificates in the same bytes needs a second spelling of
 * something; DER has one of each, so each reader here refuses the others. */

#include "proto/x509/der.h"

enum { LENGTH_BYTES_MAX = 4 };

static uint8_t byte_at(struct span span, size_t index)
{
    return (uint8_t)span.bytes[index];
}

/* Reads the length octets at *at and leaves *at behind them. */
static bool length_read(struct span span, size_t *at, size_t *ret_length)
{
    size_t count, length = 0;

    if (*at >= span.length)
        return false;
    count = byte_at(span, (*at)++);
    if (count < 0x80) {
        *ret_length = count;
        return true;
    }
    count &= 0x7f;
    if (count == 0 || count > LENGTH_BYTES_MAX || count > span.length - *at ||
        byte_at(span, *at) == 0)
        return false;
    while (count-- > 0)
        length = length << 8 | byte_at(span, (*at)++);
    *ret_length = length;
    return length >= 0x80;
}

bool der_next(struct span *rest, struct der_element *ret_element)
{
    size_t at = 1, length;

    if (rest->length == 0 || (byte_at(*rest, 0) & 0x1f) == 0x1f)
        return false;
    if (!length_read(*rest, &at, &length) || length > rest->length - at)
        return false;
    *ret_element = (struct der_element){
        .tag = byte_at(*rest, 0),
        .whole = {rest->bytes, at + length},
        .content = {rest->bytes + at, length},
    };
    *rest = (struct span){rest->bytes + at + length, rest->length - at - length};
    return true;
}

bool der_take(struct span *rest, uint8_t tag, struct span *ret_content)
{
    struct der_element element;

    if (!der_is_next(*rest, tag) || !der_next(rest, &element))
        return false;
    *ret_content = element.content;
    return true;
}

bool der_only(struct span whole, uint8_t tag, struct span *ret_content)
{
    return der_take(&whole, tag, ret_content) && whole.length == 0;
}

bool der_take_boolean(struct span *rest, bool *ret_value)
{
    struct span content;

    if (!der_take(rest, DER_BOOLEAN, &content) || content.length != 1)
        return false;
    *ret_value = byte_at(content, 0) != 0;
    return byte_at(content, 0) == 0 || byte_at(content, 0) == 0xff;
}

bool der_take_unsigned(struct span *rest, struct span *ret_magnitude)
{
    struct span content;

    if (!der_take(rest, DER_INTEGER, &content) || content.length == 0 || byte_at(content, 0) > 0x7f)
        return false;
    if (byte_at(content, 0) == 0) {
        content = (struct span){content.bytes + 1, content.length - 1};
        if (content.length > 0 && byte_at(content, 0) < 0x80)
            return false;
    }
    *ret_magnitude = content;
    return true;
}

bool der_take_bits(struct span *rest, struct span *ret_bits, unsigned *ret_unused)
{
    struct span content;
    unsigned unused;

    if (!der_take(rest, DER_BIT_STRING, &content) || content.length == 0)
        return false;
    unused = byte_at(content, 0);
    if (unused > 7 || (unused > 0 && content.length == 1) ||
        (byte_at(content, content.length - 1) & ((1U << unused) - 1)) != 0)
        return false;
    *ret_bits = (struct span){content.bytes + 1, content.length - 1};
    *ret_unused = unused;
    return true;
}

/* --- time ------------------------------------------------------------------------------------- */

/* Two digits off the front of text, whose length was checked; -1 where they are none. */
static int two_digits(struct span *text)
{
    const char *digits = text->bytes;

    *text = (struct span){digits + 2, text->length - 2};
    if (!ascii_is_digit(digits[0]) || !ascii_is_digit(digits[1]))
        return -1;
    return (digits[0] - '0') * 10 + (digits[1] - '0');
}

static bool is_leap_year(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap_year(year));
}

/* Days from 1970-01-01 to the first of this month; before 1970 it is negative. */
static int64_t days_before(int year, int month)
{
    static const int16_t days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int past = year - 1; /* full years since the year 1; 0 and below only for the year 0 */
    int64_t leap_days = past < 0 ? -1 : past / 4 - past / 100 + past / 400;

    return (int64_t)past * 365 + leap_days - 719162 + days[month - 1] +
           (month > 2 && is_leap_year(year));
}

/* text: MMDDhhmmssZ */
static bool time_read(int year, struct span text, int64_t *ret_time_s)
{
    int month = two_digits(&text), day = two_digits(&text);
    int hour = two_digits(&text), minute = two_digits(&text), second = two_digits(&text);

    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 ||
        text.bytes[0] != 'Z')
        return false;
    *ret_time_s = (days_before(year, month) + day - 1) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

bool der_take_time(struct span *rest, int64_t *ret_time_s)
{
    struct der_element element;
    struct span text;
    int century, year;

    if (!der_next(rest, &element))
        return false;
    text = element.content;
    if (element.tag == DER_UTC_TIME && text.length == 13) {
        year = two_digits(&text);
        century = year < 50 ? 20 : 19; /* RFC 5280, 4.1.2.5.1 */
    } else if (element.tag == DER_GENERALIZED_TIME && text.length == 15) {
        century = two_digits(&text);
        year = two_digits(&text);
    } else {
        return false;
    }
    return century >= 0 && year >= 0 && time_read(century * 100 + year, text, ret_time_s);
}
