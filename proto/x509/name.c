/* Distinguished names: sequences of sets of attributes.
 *
 * A value is read a character at a time, already folded, through one reader; so comparing and
 * hashing cannot disagree on what is the same, and nothing is copied. */

#include "proto/x509/name.h"
#include "proto/x509/der.h"

/* Types of strings (X.680, 8.4). */
enum {
    UTF8_STRING = 0x0c,
    PRINTABLE_STRING = 0x13,
    TELETEX_STRING = 0x14,
    IA5_STRING = 0x16,
    UNIVERSAL_STRING = 0x1c,
    BMP_STRING = 0x1e,
};

/* What is no character of its type counts as one of its own, beyond all that are. */
#define NO_CHARACTER UINT32_C(0x110000)
#define VALUE_END UINT32_C(0x200000)

struct reader {
    const unsigned char *at;
    const unsigned char *end;
    uint8_t tag;
    bool has_begun;    /* a character was there: white space counts from now on */
    uint32_t withheld; /* what came behind white space; 0: nothing did */
};

/* --- characters ------------------------------------------------------------------------------- */

static uint32_t number_take(struct reader *reader, size_t bytes)
{
    uint32_t number = 0;

    if ((size_t)(reader->end - reader->at) < bytes)
        return NO_CHARACTER + *reader->at++;
    while (bytes-- > 0)
        number = number << 8 | *reader->at++;
    return number < NO_CHARACTER ? number : NO_CHARACTER + (number & 0xffff);
}

static uint32_t utf8_take(struct reader *reader)
{
    unsigned char first = *reader->at++;
    unsigned more = first < 0x80 ? 0 : first < 0xc2 ? 4 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    uint32_t character = more == 0 ? first : first & (0x3fu >> more);
    uint32_t least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0; /* shorter forms are not UTF-8 */
    const unsigned char *at = reader->at;

    if (more == 4 || first > 0xf4 || (size_t)(reader->end - at) < more)
        return NO_CHARACTER + first;
    for (; more > 0; more--, at++) {
        if ((*at & 0xc0) != 0x80)
            return NO_CHARACTER + first;
        character = character << 6 | (*at & 0x3f);
    }
    reader->at = at;
    return character < NO_CHARACTER && character >= least ? character : NO_CHARACTER + first;
}

static uint32_t character_take(struct reader *reader)
{
    switch (reader->tag) {
    case UTF8_STRING:
        return utf8_take(reader);
    case BMP_STRING:
        return number_take(reader, 2);
    case UNIVERSAL_STRING:
        return number_take(reader, 4);
    default:
        return *reader->at++;
    }
}

/* Small letters of the scripts whose capitals lie a fixed way before them. */
static uint32_t fold(uint32_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c + 0x20;
    if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9 && c != 0x3a2) ||
        (c >= 0x410 && c <= 0x42f))
        return c + 0x20;
    return c >= 0x400 && c <= 0x40f ? c + 0x50 : c;
}

/* A space, a no-break space, and the controls that RFC 4518, 2.2 maps to a space. */
static bool is_space(uint32_t c)
{
    return c == ' ' || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0;
}

/* The next character as it is compared, or VALUE_END. */
static uint32_t next(struct reader *reader)
{
    uint32_t c = reader->withheld;
    bool has_space = false;

    reader->withheld = 0;
    if (c != 0)
        return c;
    while (reader->at < reader->end) {
        c = fold(character_take(reader));
        c = c != 0 ? c : NO_CHARACTER; /* a NUL ends nothing */
        if (!is_space(c))
            break;
        has_space = true;
        c = 0;
    }
    if (c == 0)
        c = VALUE_END;
    if (c == VALUE_END || !has_space || !reader->has_begun) {
        reader->has_begun = true;
        return c;
    }
    reader->withheld = c;
    return ' ';
}

/* --- attributes ------------------------------------------------------------------------------- */

struct attribute {
    struct span type; /* an object identifier */
    struct der_element value;
};

static bool attribute_take(struct span *rest, struct attribute *ret_attribute)
{
    struct span pair;

    return der_take(rest, DER_SEQUENCE, &pair) && der_take(&pair, DER_OID, &ret_attribute->type) &&
           der_next(&pair, &ret_attribute->value) && pair.length == 0;
}

static bool is_string(const struct der_element *value)
{
    switch (value->tag) {
    case UTF8_STRING:
    case PRINTABLE_STRING:
    case TELETEX_STRING:
    case IA5_STRING:
    case UNIVERSAL_STRING:
    case BMP_STRING:
        return true;
    default:
        return false;
    }
}

static struct reader reader_of(const struct der_element *value)
{
    const unsigned char *bytes = (const unsigned char *)value->content.bytes;

    return (struct reader){.at = bytes, .end = bytes + value->content.length, .tag = value->tag};
}

static bool value_equal(const struct der_element *a, const struct der_element *b)
{
    struct reader left = reader_of(a), right = reader_of(b);
    uint32_t c;

    if (!is_string(a) || !is_string(b))
        return span_equal(a->whole, b->whole);
    do {
        c = next(&left);
        if (c != next(&right))
            return false;
    } while (c != VALUE_END);
    return true;
}

static bool attribute_equal(const struct attribute *a, const struct attribute *b)
{
    return span_equal(a->type, b->type) && value_equal(&a->value, &b->value);
}

/* --- sets of them ----------------------------------------------------------------------------- */

/* How many there are; NAME_ATTRIBUTES_MAX + 1: more than are looked at, or one is malformed. */
static size_t set_read(struct span set, struct attribute *ret_attributes)
{
    size_t count = 0;

    while (set.length > 0) {
        if (count == NAME_ATTRIBUTES_MAX || !attribute_take(&set, &ret_attributes[count]))
            return NAME_ATTRIBUTES_MAX + 1;
        count++;
    }
    return count;
}

static bool set_equal(struct span a, struct span b)
{
    struct attribute left[NAME_ATTRIBUTES_MAX], right[NAME_ATTRIBUTES_MAX];
    size_t count = set_read(a, left);
    unsigned used = 0;

    if (count > NAME_ATTRIBUTES_MAX || count != set_read(b, right))
        return span_equal(a, b);
    for (size_t i = 0; i < count; i++) {
        size_t j = 0;

        while (j < count && ((used >> j & 1) != 0 || !attribute_equal(&left[i], &right[j])))
            j++;
        if (j == count)
            return false;
        used |= 1u << j;
    }
    return true;
}

/* --- names ------------------------------------------------------------------------------------ */

/* Compares set by set, as far as base goes; ret_rest: what is left of name. */
static bool begins_with(struct span name, struct span base, struct span *ret_rest)
{
    struct span name_set, base_set;

    if (!der_only(name, DER_SEQUENCE, &name) || !der_only(base, DER_SEQUENCE, &base))
        return false;
    while (base.length > 0)
        if (!der_take(&base, DER_SET, &base_set) || !der_take(&name, DER_SET, &name_set) ||
            !set_equal(name_set, base_set))
            return false;
    *ret_rest = name;
    return true;
}

bool name_equal(struct span a, struct span b)
{
    struct span rest;

    return span_equal(a, b) || (begins_with(a, b, &rest) && rest.length == 0);
}

bool name_is_within(struct span name, struct span base)
{
    struct span rest;

    return begins_with(name, base, &rest);
}

/* --- hashes: FNV-1a --------------------------------------------------------------------------- */

static uint64_t hash_add(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x100000001b3;
}

static uint64_t span_hash(uint64_t hash, struct span span)
{
    for (size_t i = 0; i < span.length; i++)
        hash = hash_add(hash, (uint8_t)span.bytes[i]);
    return hash;
}

static uint64_t attribute_hash(const struct attribute *attribute)
{
    uint64_t hash = span_hash(0xcbf29ce484222325, attribute->type);
    struct reader reader = reader_of(&attribute->value);
    uint32_t c;

    if (!is_string(&attribute->value))
        return span_hash(hash, attribute->value.whole);
    while ((c = next(&reader)) != VALUE_END)
        hash = hash_add(hash, c);
    return hash;
}

/* A sum knows no order. What of a set is malformed is left out: it is equal by its bytes only. */
uint64_t name_hash(struct span name)
{
    uint64_t hash = 0xcbf29ce484222325;
    struct span set;

    if (!der_only(name, DER_SEQUENCE, &name))
        return hash;
    while (der_take(&name, DER_SET, &set)) {
        struct attribute attribute;
        uint64_t sum = 0;

        while (attribute_take(&set, &attribute))
            sum += attribute_hash(&attribute);
        hash = hash_add(hash, sum);
    }
    return hash ^ hash >> 32;
}
