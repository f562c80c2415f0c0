/* Owns what placeholders stand for. The one hard idea: a brace is a placeholder only where all of
 * it up to the closing one is understood; so JSON and whatever else has braces passes as it is. */

#include "bench/load/template.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { NUMBER_BYTES = 24, DIGITS_MAX = 18, NAME_BYTES_MAX = 4096 };

struct line {
    size_t at; /* in the file's bytes */
    size_t length;
};

struct template_file {
    struct template_file *next;
    char *name;
    char *bytes;
    struct line *lines;
    size_t line_count;
};

enum kind { KIND_NONE, KIND_INDEX, KIND_RANDOM, KIND_NUMBER, KIND_LINE };

struct placeholder {
    enum kind kind;
    size_t length; /* braces included */
    uint64_t from, to;
    const char *name; /* of the file */
    size_t name_length;
};

/* --- what is one ------------------------------------------------------------------------------ */

static bool begins_with(const char *text, size_t length, const char *word)
{
    return length >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

/* Digits alone, few enough for 64 bits. */
static bool number_take(const char **at, const char *end, uint64_t *ret_number)
{
    const char *first = *at;
    *ret_number = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
        *ret_number = *ret_number * 10 + (uint64_t)(**at - '0');
    return *at > first && *at - first <= DIGITS_MAX;
}

/* "A..B", from text to end. */
static bool range_take(const char *text, const char *end, struct placeholder *placeholder)
{
    if (!number_take(&text, end, &placeholder->from) || end - text < 2 ||
        memcmp(text, "..", 2) != 0)
        return false;
    text += 2;
    return number_take(&text, end, &placeholder->to) && text == end &&
           placeholder->from <= placeholder->to;
}

/* The text begins with a brace. */
static struct placeholder placeholder_at(const char *text, size_t length)
{
    static const char line[] = "{line:", number[] = "{random:";
    const char *close = memchr(text, '}', length);
    struct placeholder found = {.kind = KIND_NONE};
    if (close == NULL)
        return found;
    found.length = (size_t)(close - text) + 1;
    if (begins_with(text, found.length, "{index}")) {
        found.kind = KIND_INDEX;
    } else if (begins_with(text, found.length, "{random}")) {
        found.kind = KIND_RANDOM;
    } else if (begins_with(text, found.length, number)) {
        if (range_take(text + strlen(number), close, &found))
            found.kind = KIND_NUMBER;
    } else if (begins_with(text, found.length, line)) {
        found.name = text + strlen(line);
        found.name_length = (size_t)(close - found.name);
        if (found.name_length > 0 && found.name_length < NAME_BYTES_MAX &&
            memchr(found.name, '\0', found.name_length) == NULL)
            found.kind = KIND_LINE;
    }
    return found;
}

/* The next one from text on, or its end: how far that is. */
static size_t text_before(const char *text, size_t length, struct placeholder *ret_placeholder)
{
    size_t at = 0;
    *ret_placeholder = (struct placeholder){.kind = KIND_NONE};
    for (; at < length; at++) {
        const char *brace = memchr(text + at, '{', length - at);
        if (brace == NULL)
            return length;
        at = (size_t)(brace - text);
        *ret_placeholder = placeholder_at(brace, length - at);
        if (ret_placeholder->kind != KIND_NONE)
            return at;
    }
    return length;
}

bool template_has(const char *text, size_t length)
{
    struct placeholder placeholder;
    text_before(text, length, &placeholder);
    return placeholder.kind != KIND_NONE;
}

/* --- files ------------------------------------------------------------------------------------ */

static void file_free(struct template_file *file)
{
    if (file != NULL) {
        free(file->name);
        free(file->bytes);
        free(file->lines);
    }
    free(file);
}

/* Its whole content; a file that is no file, such as a pipe, is read to its end too. */
static int bytes_read(FILE *in, char **ret_bytes, size_t *ret_length)
{
    size_t room = 0, length = 0, got;
    char *bytes = NULL;
    do {
        if (length + BUFSIZ > room) {
            char *more = realloc(bytes, room = 2 * room + BUFSIZ);
            if (more == NULL) {
                free(bytes);
                return -ENOMEM;
            }
            bytes = more;
        }
        got = fread(bytes + length, 1, room - length, in);
        length += got;
    } while (got > 0);
    *ret_bytes = bytes;
    *ret_length = length;
    return ferror(in) ? -errno : 0;
}

/* Without their ends; those that are empty then are none. */
static int lines_find(struct template_file *file, size_t length)
{
    size_t room = 0;
    for (size_t at = 0; at < length;) {
        const char *end = memchr(file->bytes + at, '\n', length - at);
        size_t next = end != NULL ? (size_t)(end - file->bytes) + 1 : length;
        size_t size = next - at - (end != NULL);
        size -= size > 0 && file->bytes[at + size - 1] == '\r';
        if (file->line_count == room) {
            struct line *more = reallocarray(file->lines, room = 2 * room + 64, sizeof *more);
            if (more == NULL)
                return -ENOMEM;
            file->lines = more;
        }
        if (size > 0)
            file->lines[file->line_count++] = (struct line){at, size};
        at = next;
    }
    return file->line_count > 0 ? 0 : -EINVAL;
}

static int file_read(struct template_file *file)
{
    size_t length = 0;
    FILE *in = fopen(file->name, "re");
    if (in == NULL)
        return -errno;
    int error = bytes_read(in, &file->bytes, &length);
    fclose(in);
    return error != 0 ? error : lines_find(file, length);
}

/* NULL: ret_error and the message say why. */
static const struct template_file *file_find(struct template *template, const char *name,
                                             size_t length, int *ret_error, char *ret_message)
{
    for (struct template_file *file = template->files; file != NULL; file = file->next)
        if (strlen(file->name) == length && memcmp(file->name, name, length) == 0)
            return file;
    struct template_file *file = calloc(1, sizeof *file);
    *ret_error = -ENOMEM;
    if (file != NULL && (file->name = strndup(name, length)) != NULL)
        *ret_error = file_read(file);
    if (*ret_error == 0) {
        file->next = template->files;
        return template->files = file;
    }
    snprintf(ret_message, TEMPLATE_MESSAGE_BYTES, "{line:%.*s}: %s",
             (int)(length < 200 ? length : 200), name,
             *ret_error == -EINVAL ? "the file has no line" : strerror(-*ret_error));
    file_free(file);
    return NULL;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int put(struct template_text *into, const char *bytes, size_t length)
{
    if (into->length + length >= into->room) {
        size_t room = 2 * into->room + length + 64;
        char *more = realloc(into->bytes, room);
        if (more == NULL)
            return -ENOMEM;
        into->bytes = more;
        into->room = room;
    }
    if (length > 0)
        memcpy(into->bytes + into->length, bytes, length);
    into->length += length;
    into->bytes[into->length] = '\0';
    return 0;
}

/* SplitMix64 */
static uint64_t draw(struct template *template)
{
    uint64_t mixed = template->chance += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

static int put_number(struct template_text *into, const char *format, uint64_t number)
{
    char digits[NUMBER_BYTES];
    int length = snprintf(digits, sizeof digits, format, number);
    return put(into, digits, (size_t)length);
}

static int placeholder_put(struct template *template, struct template_text *into,
                           const struct placeholder *placeholder, uint64_t index, char *ret_message)
{
    const struct template_file *file;
    const struct line *line;
    int error = 0;
    switch (placeholder->kind) {
    case KIND_NONE:
        break;
    case KIND_INDEX:
        return put_number(into, "%" PRIu64, index);
    case KIND_RANDOM:
        return put_number(into, "%016" PRIx64, draw(template));
    case KIND_NUMBER:
        return put_number(into, "%" PRIu64,
                          placeholder->from +
                              draw(template) % (placeholder->to - placeholder->from + 1));
    case KIND_LINE:
        file =
            file_find(template, placeholder->name, placeholder->name_length, &error, ret_message);
        if (file == NULL)
            return error;
        line = &file->lines[index % file->line_count];
        return put(into, file->bytes + line->at, line->length);
    }
    return 0;
}

int template_put(struct template *template, struct template_text *into, const char *text,
                 size_t length, uint64_t index, char *ret_message)
{
    int error = put(into, "", 0);
    snprintf(ret_message, TEMPLATE_MESSAGE_BYTES, "out of memory");
    while (error == 0 && length > 0) {
        struct placeholder placeholder;
        size_t before = text_before(text, length, &placeholder);
        error = put(into, text, before);
        if (error == 0)
            error = placeholder_put(template, into, &placeholder, index, ret_message);
        text += before + placeholder.length * (placeholder.kind != KIND_NONE);
        length -= before + placeholder.length * (placeholder.kind != KIND_NONE);
    }
    return error;
}

/* --- opening ---------------------------------------------------------------------------------- */

void template_open(struct template *template)
{
    *template = (struct template){0};
    if (getrandom(&template->chance, sizeof template->chance, GRND_NONBLOCK) < 0)
        template->chance = (uint64_t)(uintptr_t) template;
}

void template_close(struct template *template)
{
    while (template->files != NULL) {
        struct template_file *file = template->files;
        template->files = file->next;
        file_free(file);
    }
}
