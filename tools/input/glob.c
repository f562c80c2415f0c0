/* Owns the expansion of URL globs. The idea: every part of the text is a wheel of a counter. Each
 * expansion is what the wheels show; the next one is one step of the last wheel, which carries to
 * the one before it when it has gone round. */

#include "tools/input/glob.h"

#include <string.h>

static const char *const sentences[] = {
#define GLOB_FAULT_SENTENCE(name, sentence) [GLOB_##name] = (sentence),
    GLOB_FAULTS(GLOB_FAULT_SENTENCE)
#undef GLOB_FAULT_SENTENCE
};

const char *glob_sentence(enum glob_fault fault)
{
    return sentences[fault];
}

static bool is_special(char c)
{
    return c == '[' || c == ']' || c == '{' || c == '}';
}

bool glob_is_needed(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (is_special(text[i]))
            return true;
    return false;
}

/* --- parsing ---------------------------------------------------------------------------------- */

struct reader {
    const char *at;
    const char *end;
};

/* The length of an IPv6 literal or of [] at the reader; 0: neither is there. A range has no two
 * colons, an IPv6 address has, and what stands behind a % then is its zone. */
static size_t literal_length(const struct reader *reader)
{
    size_t colons = 0;
    bool is_zone = false;
    for (const char *at = reader->at + 1; at < reader->end; at++) {
        if (*at == ']')
            return at == reader->at + 1 || colons >= 2 ? (size_t)(at + 1 - reader->at) : 0;
        is_zone |= *at == '%' && colons >= 2;
        if (*at == '/' || (!is_zone && memchr("0123456789abcdefABCDEF:.", *at, 24) == NULL))
            return 0;
        colons += *at == ':';
    }
    return 0;
}

static enum glob_fault read_text(struct reader *reader, struct glob_part *part)
{
    part->kind = GLOB_TEXT;
    part->bytes = reader->at;
    while (reader->at < reader->end) {
        char c = *reader->at;
        size_t literal = c == '[' ? literal_length(reader) : 0;
        if (c == ']' || c == '}')
            return GLOB_UNOPENED;
        if (c == '{' || (c == '[' && literal == 0))
            break;
        bool escape = c == '\\' && reader->at + 1 < reader->end && is_special(reader->at[1]);
        reader->at += literal != 0 ? literal : escape ? 2 : 1;
    }
    part->length = (size_t)(reader->at - part->bytes);
    return GLOB_NONE;
}

static enum glob_fault read_set(struct reader *reader, struct glob_part *part)
{
    const char *open = reader->at++;
    part->kind = GLOB_SET;
    part->bytes = reader->at;
    for (; reader->at < reader->end; reader->at++) {
        switch (*reader->at) {
        case '}':
            part->length = (size_t)(reader->at++ - part->bytes);
            return part->length > 0 ? GLOB_NONE : GLOB_EMPTY;
        case '{':
        case '[':
            return GLOB_NESTED;
        case ']':
            return GLOB_UNOPENED;
        case '\\':
            reader->at += reader->at + 1 < reader->end;
            break;
        }
    }
    reader->at = open;
    return GLOB_UNCLOSED;
}

static bool read_character(struct reader *reader, char c)
{
    if (reader->at == reader->end || *reader->at != c)
        return false;
    reader->at++;
    return true;
}

static bool read_number(struct reader *reader, uint64_t *ret_number)
{
    const char *start = reader->at;
    uint64_t number = 0;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        uint64_t digit = (uint64_t)(*reader->at - '0');
        if (number > (INT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return reader->at > start;
}

static bool read_numbers(struct reader *reader, struct glob_part *part)
{
    const char *start = reader->at;
    part->kind = GLOB_NUMBERS;
    if (!read_number(reader, &part->first))
        return false;
    part->width = *start == '0' ? (unsigned)(reader->at - start) : 0;
    return read_character(reader, '-') && read_number(reader, &part->last);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool read_letters(struct reader *reader, struct glob_part *part)
{
    const char *at = reader->at;
    part->kind = GLOB_LETTERS;
    if (reader->end - at < 3 || !is_letter(at[0]) || at[1] != '-' || !is_letter(at[2]) ||
        ((at[0] ^ at[2]) & 0x20) != 0)
        return false;
    part->first = (uint64_t)at[0];
    part->last = (uint64_t)at[2];
    reader->at += 3;
    return true;
}

/* As in curl a step that leaves the range at once is taken for a mistake. */
static bool read_step(struct reader *reader, struct glob_part *part)
{
    part->step = 1;
    if (part->first > part->last)
        return false;
    if (!read_character(reader, ':'))
        return true;
    uint64_t most = part->first < part->last ? part->last - part->first : 1;
    return read_number(reader, &part->step) && part->step > 0 && part->step <= most;
}

static enum glob_fault read_range(struct reader *reader, struct glob_part *part)
{
    const char *open = reader->at++;
    if (memchr(reader->at, ']', (size_t)(reader->end - reader->at)) == NULL) {
        reader->at = open;
        return GLOB_UNCLOSED;
    }
    bool letters = is_letter(*reader->at);
    if (!(letters ? read_letters(reader, part) : read_numbers(reader, part)) ||
        !read_step(reader, part) || !read_character(reader, ']'))
        return GLOB_RANGE;
    part->now = part->first;
    return GLOB_NONE;
}

static enum glob_fault read_part(struct reader *reader, struct glob_part *part)
{
    if (*reader->at == '{')
        return read_set(reader, part);
    if (*reader->at == '[' && literal_length(reader) == 0)
        return read_range(reader, part);
    return read_text(reader, part);
}

enum glob_fault glob_init(struct glob *glob, const char *text, size_t length, size_t *ret_column)
{
    struct reader reader = {.at = text, .end = text + length};
    enum glob_fault fault = GLOB_NONE;
    glob->part_count = 0;
    while (reader.at < reader.end && fault == GLOB_NONE) {
        if (glob->part_count == GLOB_PARTS_MAX) {
            fault = GLOB_TOO_MANY;
            break;
        }
        struct glob_part *part = &glob->parts[glob->part_count++];
        *part = (struct glob_part){0};
        fault = read_part(&reader, part);
    }
    *ret_column = (size_t)(reader.at - text) + 1;
    return fault;
}

/* --- counting --------------------------------------------------------------------------------- */

/* Where the element of a set that begins at element ends: at a comma or at the set's end. */
static size_t element_end(const struct glob_part *part, size_t element)
{
    while (element < part->length && part->bytes[element] != ',')
        element += part->bytes[element] == '\\' ? 2 : 1;
    return element < part->length ? element : part->length;
}

static uint64_t part_count(const struct glob_part *part)
{
    uint64_t count = 1;
    switch (part->kind) {
    case GLOB_TEXT:
        break;
    case GLOB_SET:
        for (size_t at = element_end(part, 0); at < part->length; at = element_end(part, at + 1))
            count++;
        break;
    case GLOB_NUMBERS:
    case GLOB_LETTERS:
        count = (part->last - part->first) / part->step + 1;
        break;
    }
    return count;
}

uint64_t glob_count(const struct glob *glob)
{
    uint64_t product = 1;
    for (size_t i = 0; i < glob->part_count; i++)
        if (__builtin_mul_overflow(product, part_count(&glob->parts[i]), &product))
            return UINT64_MAX;
    return product;
}

/* False: the part has gone round and shows its first value again. */
static bool part_next(struct glob_part *part)
{
    bool more = false;
    switch (part->kind) {
    case GLOB_TEXT:
        break;
    case GLOB_SET:
        part->element = element_end(part, part->element) + 1;
        more = part->element <= part->length;
        if (!more)
            part->element = 0;
        break;
    case GLOB_NUMBERS:
    case GLOB_LETTERS:
        more = part->last - part->now >= part->step;
        part->now = more ? part->now + part->step : part->first;
        break;
    }
    return more;
}

bool glob_next(struct glob *glob)
{
    for (size_t i = glob->part_count; i > 0; i--)
        if (part_next(&glob->parts[i - 1]))
            return true;
    return false;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct writer {
    char *buffer;
    size_t size;
    size_t length; /* also of what no longer fitted */
};

static void write_character(struct writer *writer, char c)
{
    if (writer->length < writer->size)
        writer->buffer[writer->length] = c;
    writer->length++;
}

static void write_bytes(struct writer *writer, const char *bytes, size_t length)
{
    size_t left = writer->length < writer->size ? writer->size - writer->length : 0;
    memcpy(writer->buffer + writer->length, bytes, length < left ? length : left);
    writer->length += length;
}

static void write_text(struct writer *writer, const struct glob_part *part)
{
    if (!memchr(part->bytes, '\\', part->length)) {
        write_bytes(writer, part->bytes, part->length);
        return;
    }
    for (size_t i = 0; i < part->length; i++) {
        if (part->bytes[i] == '\\' && i + 1 < part->length && is_special(part->bytes[i + 1]))
            i++;
        write_character(writer, part->bytes[i]);
    }
}

static void write_element(struct writer *writer, const struct glob_part *part)
{
    size_t end = element_end(part, part->element);
    for (size_t i = part->element; i < end; i++) {
        if (part->bytes[i] == '\\' && i + 1 < end)
            i++;
        write_character(writer, part->bytes[i]);
    }
}

static void write_number(struct writer *writer, uint64_t number, unsigned width)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t i = count; i < width; i++)
        write_character(writer, '0');
    while (count > 0)
        write_character(writer, digits[--count]);
}

size_t glob_expand(const struct glob *glob, char *buffer, size_t size)
{
    struct writer writer = {.buffer = buffer, .size = size};
    for (size_t i = 0; i < glob->part_count; i++) {
        const struct glob_part *part = &glob->parts[i];
        switch (part->kind) {
        case GLOB_TEXT:
            write_text(&writer, part);
            break;
        case GLOB_SET:
            write_element(&writer, part);
            break;
        case GLOB_NUMBERS:
            write_number(&writer, part->now, part->width);
            break;
        case GLOB_LETTERS:
            write_character(&writer, (char)part->now);
            break;
        }
    }
    return writer.length;
}
