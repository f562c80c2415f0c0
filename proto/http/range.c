/* Reads what is said of parts. The hard idea: where a field is there twice, or is not exactly what
 * the grammar has, nothing is known of the part, and it is joined to nothing. */

#include "proto/http/range.h"
#include "proto/http/response.h"

/* The only field of that name; false: there is none, or more than one. */
static bool find_one(struct span head, struct span wanted, struct span *ret_value)
{
    struct span name, value;
    unsigned count = 0;

    *ret_value = (struct span){NULL, 0};
    for (size_t cursor = 0; response_field_next(head, &cursor, &name, &value);)
        if (span_equal_fold(name, wanted)) {
            *ret_value = value;
            count++;
        }
    return count == 1;
}

/* --- numbers ---------------------------------------------------------------------------------- */

/* Digits from the front of *text, of a number below 2^63. */
static bool take_number(struct span *text, uint64_t *ret)
{
    size_t length = 0;

    *ret = 0;
    while (length < text->length && ascii_is_digit(text->bytes[length])) {
        if (*ret >= (uint64_t)INT64_MAX / 10)
            return false;
        *ret = *ret * 10 + (uint64_t)(text->bytes[length++] - '0');
    }
    *text = (struct span){text->bytes + length, text->length - length};
    return length > 0;
}

static bool take_literal(struct span *text, struct span literal)
{
    if (text->length < literal.length ||
        !span_equal_fold((struct span){text->bytes, literal.length}, literal))
        return false;
    *text = (struct span){text->bytes + literal.length, text->length - literal.length};
    return true;
}

bool content_range_find(struct span head, struct content_range *ret)
{
    struct span text;

    *ret = (struct content_range){0};
    if (!find_one(head, SPAN("Content-Range"), &text) || !take_literal(&text, SPAN("bytes ")))
        return false;
    if (!take_number(&text, &ret->first) || !take_literal(&text, SPAN("-")) ||
        !take_number(&text, &ret->last) || !take_literal(&text, SPAN("/")))
        return false;
    ret->has_length = !span_equal(text, SPAN("*"));
    if (ret->has_length && (!take_number(&text, &ret->length) || text.length > 0))
        return false;
    return ret->first <= ret->last && (!ret->has_length || ret->last < ret->length);
}

/* --- sameness --------------------------------------------------------------------------------- */

struct span strong_etag_find(struct span head)
{
    const struct span none = {NULL, 0};
    struct span tag;

    if (!find_one(head, SPAN("ETag"), &tag) || tag.length < 2 || tag.bytes[0] != '"' ||
        tag.bytes[tag.length - 1] != '"')
        return none;
    for (size_t i = 1; i < tag.length - 1; i++) {
        unsigned char c = (unsigned char)tag.bytes[i];

        if (c <= 0x20 || c == '"' || c == 0x7f)
            return none;
    }
    return tag;
}

bool has_content_encoding(struct span head)
{
    struct span name, value;

    for (size_t cursor = 0; response_field_next(head, &cursor, &name, &value);)
        if (span_equal_fold(name, SPAN("Content-Encoding")))
            return true;
    return false;
}
