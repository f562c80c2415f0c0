/* Distinguished names, and which of them are the same. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "proto/x509/name.h"
#include "tests/lib/feed.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* DER of short elements: a tag, a length, and what is inside. */
#define O "\x06\x03\x55\x04\x0a"
#define CN "\x06\x03\x55\x04\x03"
#define SERIAL "\x06\x03\x55\x04\x05"

enum { UTF8 = 0x0c, PRINTABLE = 0x13, T61 = 0x14, IA5 = 0x16, UNIVERSAL = 0x1c, BMP = 0x1e };

/* An attribute of a name; those of one set follow each other. */
struct part {
    const char *type; /* NULL: the name's end */
    uint8_t tag;
    struct span value;
    bool is_same_set; /* as the part before it */
};

enum { PARTS_MAX = 10 };

#define IS(type, tag, literal)                                                                     \
    {                                                                                              \
        type, tag, WIRE(literal), false                                                            \
    }
#define ALSO(type, tag, literal)                                                                   \
    {                                                                                              \
        type, tag, WIRE(literal), true                                                             \
    }

static size_t wrap(uint8_t tag, const char *content, size_t length, char *out)
{
    char copy[256];

    assert_in_range(length, 0, 127);
    memcpy(copy, content, length);
    out[0] = (char)tag;
    out[1] = (char)length;
    memcpy(out + 2, copy, length);
    return length + 2;
}

static struct span name_make(const struct part *parts, unsigned slot)
{
    char pair[256], set[256], name[256], whole[256];
    size_t name_length = 0, set_length = 0;

    for (const struct part *part = parts; part->type != NULL; part++) {
        size_t length = strlen(part->type);

        memcpy(pair, part->type, length);
        length += wrap(part->tag, part->value.bytes, part->value.length, pair + length);
        set_length += wrap(0x30, pair, length, set + set_length);
        if (part[1].type != NULL && part[1].is_same_set)
            continue;
        name_length += wrap(0x31, set, set_length, name + name_length);
        set_length = 0;
    }
    name_length = wrap(0x30, name, name_length, whole);
    return (struct span){feed_guarded(slot, (struct span){whole, name_length}), name_length};
}

static const struct pair {
    const char *what;
    struct part a[PARTS_MAX];
    struct part b[PARTS_MAX];
    bool is_equal;
} pairs[] = {
    {"empty", {{0}}, {{0}}, true},
    {"type of string", {IS(O, PRINTABLE, "Haul")}, {IS(O, UTF8, "Haul")}, true},
    {"case", {IS(O, PRINTABLE, "HAUL")}, {IS(O, UTF8, "hauL")}, true},
    {"white space",
     {IS(O, PRINTABLE, "  Haul   of\t URLs ")},
     {IS(O, PRINTABLE, "Haul of URLs")},
     true},
    {"only white space", {IS(O, PRINTABLE, "   ")}, {IS(O, UTF8, "")}, true},
    {"two words and one", {IS(O, UTF8, "a b")}, {IS(O, UTF8, "ab")}, false},
    {"a letter", {IS(O, UTF8, "Haul")}, {IS(O, UTF8, "Haui")}, false},
    {"a letter more", {IS(O, UTF8, "Haul")}, {IS(O, UTF8, "Hauls")}, false},
    {"a word more", {IS(O, UTF8, "Haul")}, {IS(O, UTF8, "Haul s")}, false},
    {"another attribute", {IS(O, UTF8, "Haul")}, {IS(CN, UTF8, "Haul")}, false},
    {"one more", {IS(O, UTF8, "Haul")}, {IS(O, UTF8, "Haul"), IS(CN, UTF8, "A")}, false},
    {"order of the name's parts",
     {IS(CN, UTF8, "A"), IS(O, UTF8, "Haul")},
     {IS(O, UTF8, "Haul"), IS(CN, UTF8, "A")},
     false},
    {"order inside a set",
     {IS(CN, UTF8, "A"), ALSO(O, UTF8, "Haul")},
     {IS(O, UTF8, "HAUL"), ALSO(CN, PRINTABLE, "a")},
     true},
    {"one set and two",
     {IS(CN, UTF8, "A"), ALSO(O, UTF8, "Haul")},
     {IS(CN, UTF8, "A"), IS(O, UTF8, "Haul")},
     false},
    {"twice in a set, and once",
     {IS(CN, UTF8, "A"), ALSO(CN, UTF8, "A")},
     {IS(CN, UTF8, "A"), ALSO(CN, UTF8, "B")},
     false},

    /* beyond ASCII: B\u00fccher, \u0416\u0416, \u03a9 */
    {"Latin-1 and UTF-8", {IS(O, T61, "B\xfc")}, {IS(O, UTF8, "B\xc3\xbc")}, true},
    {"BMP", {IS(O, BMP, "\0B\0\xfc")}, {IS(O, UTF8, "b\xc3\xbc")}, true},
    {"universal", {IS(O, UNIVERSAL, "\0\0\0B\0\0\0\xfc")}, {IS(O, UTF8, "b\xc3\x9c")}, true},
    {"case of Cyrillic",
     {IS(O, UTF8, "\xd0\x96\xd0\x81")},
     {IS(O, UTF8, "\xd0\xb6\xd1\x91")},
     true},
    {"case of Greek", {IS(O, UTF8, "\xce\xa9")}, {IS(O, BMP, "\x03\xc9")}, true},
    {"times is no letter", {IS(O, T61, "\xd7")}, {IS(O, T61, "\xf7")}, false},
    {"another letter", {IS(O, UTF8, "\xc3\xbc")}, {IS(O, UTF8, "u")}, false},
    {"composed and not", {IS(O, UTF8, "\xc3\xbc")}, {IS(O, UTF8, "u\xcc\x88")}, false},
    {"a no-break space", {IS(O, UTF8, "a\xc2\xa0 b")}, {IS(O, UTF8, "a b")}, true},

    /* what is no string, and no character */
    {"a NUL ends nothing", {IS(O, UTF8, "Haul")}, {IS(O, UTF8, "Haul\0 evil")}, false},
    {"nor at the end", {IS(O, UTF8, "Haul")}, {IS(O, UTF8, "Haul\0")}, false},
    {"a form that is too long", {IS(O, UTF8, "A")}, {IS(O, UTF8, "\xe0\x81\x81")}, false},
    {"half a character", {IS(O, BMP, "\0A\0")}, {IS(O, BMP, "\0A")}, false},
    {"UTF-8 cut", {IS(O, UTF8, "a\xc3")}, {IS(O, UTF8, "a")}, false},
    {"UTF-8 broken", {IS(O, UTF8, "\xff")}, {IS(O, T61, "\xff")}, false},
    {"a number", {IS(SERIAL, 0x02, "A")}, {IS(SERIAL, 0x02, "a")}, false},
    {"a string and none", {IS(SERIAL, 0x04, "a")}, {IS(SERIAL, UTF8, "a")}, false},
};

static void test_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        const struct pair *row = &pairs[i];
        struct span a = name_make(row->a, 0), b = name_make(row->b, 1);

        if (name_equal(a, b) != row->is_equal || name_equal(b, a) != row->is_equal)
            fail_msg("%s", row->what);
        if (row->is_equal)
            assert_true(name_hash(a) == name_hash(b));
        else
            assert_true(name_hash(a) != name_hash(b)); /* by chance: of these it is so */
        assert_true(name_equal(a, a) && name_equal(b, b));
        assert_true(!row->is_equal || (name_is_within(a, b) && name_is_within(b, a)));
    }
}

static void test_within(void **state)
{
    const struct part base[] = {IS(O, PRINTABLE, "HAUL "), {0}};
    const struct part below[] = {IS(O, UTF8, "haul"), IS(CN, UTF8, "A"), {0}};
    const struct part beside[] = {IS(O, UTF8, "haul b"), IS(CN, UTF8, "A"), {0}};
    const struct part nothing[] = {{0}};

    (void)state;
    assert_true(name_is_within(name_make(below, 0), name_make(base, 1)));
    assert_false(name_is_within(name_make(base, 0), name_make(below, 1)));
    assert_false(name_is_within(name_make(beside, 0), name_make(base, 1)));
    assert_true(name_is_within(name_make(beside, 0), name_make(nothing, 1)));
}

/* Sets of more attributes than are compared by pairs, and bytes that are no name. */
static void test_odd(void **state)
{
    struct part many[PARTS_MAX] = {{0}}, turned[PARTS_MAX] = {{0}};
    static const struct span malformed[] = {WIRE(""), WIRE("\x30"), WIRE("\x30\x02\x31"),
                                            WIRE("\x30\x04\x31\x02\x30\x00"),
                                            WIRE("\x30\x03\x31\x01\x30")};

    (void)state;
    for (size_t i = 0; i < NAME_ATTRIBUTES_MAX + 1; i++) {
        many[i] = (struct part){CN, UTF8, {&"abcdefghijkl"[i], 1}, i > 0};
        turned[NAME_ATTRIBUTES_MAX - i] = many[i];
    }
    for (size_t i = 0; i < NAME_ATTRIBUTES_MAX + 1; i++)
        turned[i].is_same_set = i > 0;
    assert_true(name_equal(name_make(many, 0), name_make(many, 1)));
    assert_false(name_equal(name_make(many, 0), name_make(turned, 1)));
    for (size_t i = 0; i < COUNT(malformed); i++) {
        struct span a = {feed_guarded(0, malformed[i]), malformed[i].length};

        name_hash(a);
        assert_true(name_equal(a, malformed[i]));
        assert_false(name_equal(a, name_make(many, 1)));
        name_is_within(name_make(many, 1), a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_within),
        cmocka_unit_test(test_odd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
