/* Filling lines. A blank is owed, and written only before the word that still fits. */

#include "bench/base/prose.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that continue a character (10xxxxxx) take no column. */
static bool is_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

size_t prose_columns(const char *text, size_t length)
{
    size_t columns = 0;
    for (size_t i = 0; i < length; i++)
        columns += is_character(text[i]);
    return columns;
}

static void line_break(struct prose *prose)
{
    fprintf(prose->out, "\n%*s", (int)prose->indent, "");
    prose->column = prose->indent;
    prose->is_fresh = true;
}

static void put_word(struct prose *prose, const char *word, size_t length)
{
    if (!prose->is_fresh && prose->column + 1 + prose_columns(word, length) > PROSE_COLUMNS)
        line_break(prose);
    if (!prose->is_fresh) {
        fputc(' ', prose->out);
        prose->column++;
    }
    for (size_t i = 0; i < length; i++) {
        if (is_character(word[i]) && prose->column == PROSE_COLUMNS)
            line_break(prose);
        prose->column += is_character(word[i]);
        fputc((unsigned char)word[i] < ' ' || word[i] == 0x7f ? '?' : word[i], prose->out);
    }
    prose->is_fresh = false;
}

void prose_begin(struct prose *prose, const char *label, size_t width)
{
    size_t columns = prose_columns(label, strlen(label));
    prose->indent = prose->column = columns > width ? columns : width;
    prose->is_fresh = true;
    fprintf(prose->out, "%s%*s", label, (int)(prose->indent - columns), "");
}

void prose_words(struct prose *prose, const char *text)
{
    while (*(text += strspn(text, " ")) != '\0') {
        size_t length = strcspn(text, " ");
        put_word(prose, text, length);
        text += length;
    }
}

static __attribute__((format(printf, 2, 0))) void
put_formatted(struct prose *prose, const char *format, va_list arguments)
{
    char *text;
    if (vasprintf(&text, format, arguments) < 0)
        return;
    prose_words(prose, text);
    free(text);
}

void prose_put(struct prose *prose, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_formatted(prose, format, arguments);
    va_end(arguments);
}

void prose_end(struct prose *prose)
{
    fputc('\n', prose->out);
}

void prose_line(FILE *out, const char *label, size_t width, const char *format, ...)
{
    struct prose prose = {.out = out};
    va_list arguments;
    prose_begin(&prose, label, width);
    va_start(arguments, format);
    put_formatted(&prose, format, arguments);
    va_end(arguments);
    prose_end(&prose);
}
