/* PEM: the lines are found by their dashes, and the base64 between them is decoded through one
 * table, four letters to three bytes. */

#include "proto/x509/pem.h"

#include <stdint.h>

/* --- blocks ----------------------------------------------------------------------------------- */

/* Where mark begins, which is at a dash: base64 has none. NULL: nowhere. */
static const char *mark_find(struct span text, struct span mark)
{
    const char *at = text.bytes, *end = text.bytes + text.length;

    while (at < end && (at = memchr(at, '-', (size_t)(end - at))) != NULL) {
        if ((size_t)(end - at) >= mark.length && memcmp(at, mark.bytes, mark.length) == 0)
            return at;
        at++;
    }
    return NULL;
}

/* Cuts everything up to and with mark off *text; ret_before is what was before it. */
static bool cut_at(struct span *text, struct span mark, struct span *ret_before)
{
    const char *at = mark_find(*text, mark);

    if (at == NULL)
        return false;
    *ret_before = (struct span){text->bytes, (size_t)(at - text->bytes)};
    *text = (struct span){at + mark.length, text->length - ret_before->length - mark.length};
    return true;
}

/* Cuts word off *text where it begins with it. */
static bool take(struct span *text, struct span word)
{
    if (text->length < word.length || memcmp(text->bytes, word.bytes, word.length) != 0)
        return false;
    *text = (struct span){text->bytes + word.length, text->length - word.length};
    return true;
}

bool pem_next(struct span *text, struct span *ret_label, struct span *ret_body)
{
    static const struct span dashes = {"-----", 5};
    struct span rest = *text, skipped, label, body;

    while (cut_at(&rest, SPAN("-----BEGIN "), &skipped)) {
        struct span after = rest;

        if (cut_at(&after, dashes, &label) && cut_at(&after, dashes, &body) &&
            take(&after, SPAN("END ")) && take(&after, label) && take(&after, dashes)) {
            *text = after;
            *ret_label = label;
            *ret_body = body;
            return true;
        }
    }
    return false;
}

/* --- base64 ----------------------------------------------------------------------------------- */

/* What a letter is worth, and beyond the 64 values: white space, padding, anything else. All three
 * have the bit SPECIAL. */
enum { SPECIAL = 0x40, WS = 0x40, PD = 0x41, NO = 0x42 };

static const uint8_t letter_values[128] = {
    NO, NO, NO, NO, NO, NO, NO, NO, NO, WS, WS, NO, NO, WS, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, WS, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 62,
    NO, NO, NO, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, PD, NO, NO, NO, 0,
    1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
    23, 24, 25, NO, NO, NO, NO, NO, NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
    39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO, NO, NO,
};

static uint8_t letter_value(char c)
{
    return (uint8_t)c < sizeof(letter_values) ? letter_values[(uint8_t)c] : NO;
}

struct decoder {
    char *out;
    uint32_t group; /* the values of the letters since the last whole group */
    unsigned letters;
    unsigned pads;
};

static void bytes_write(struct decoder *decoder, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        *decoder->out++ = (char)(decoder->group >> (16 - 8 * i));
    decoder->group = 0;
    decoder->letters = 0;
}

static bool letter_take(struct decoder *decoder, uint8_t value)
{
    if (value == WS)
        return true;
    if (value == PD)
        return ++decoder->pads <= 2;
    if (value == NO || decoder->pads > 0)
        return false;
    decoder->group |= (uint32_t)value << (18 - 6 * decoder->letters);
    if (++decoder->letters == 4)
        bytes_write(decoder, 3);
    return true;
}

/* The last group has its padding, and no bits behind its last byte. */
static bool last_group_write(struct decoder *decoder)
{
    unsigned letters = decoder->letters;

    if (letters == 0)
        return decoder->pads == 0;
    if (letters + decoder->pads != 4 || (decoder->group & (letters == 2 ? 0xffff : 0xff)) != 0)
        return false;
    bytes_write(decoder, letters - 1);
    return true;
}

bool pem_decode(struct span body, char *buffer, size_t *ret_length)
{
    struct decoder decoder = {.out = buffer};
    const char *at = body.bytes, *end = body.bytes + body.length;

    while (at < end) {
        if (decoder.letters == 0 && decoder.pads == 0 && end - at >= 4) {
            uint8_t a = letter_value(at[0]), b = letter_value(at[1]);
            uint8_t c = letter_value(at[2]), d = letter_value(at[3]);

            if (((a | b | c | d) & SPECIAL) == 0) {
                decoder.group = (uint32_t)(a << 18 | b << 12 | c << 6 | d);
                bytes_write(&decoder, 3);
                at += 4;
                continue;
            }
        }
        if (!letter_take(&decoder, letter_value(*at++)))
            return false;
    }
    if (!last_group_write(&decoder))
        return false;
    *ret_length = (size_t)(decoder.out - buffer);
    return true;
}
