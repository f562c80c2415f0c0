/* Owns the lines of -K: cut where they lie. */

#include "tools/input/config.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The line without its end; NULL: there is none. */
static char *line_next(struct config *config)
{
    char *line = config->at;
    if (*line == '\0')
        return NULL;
    size_t length = strcspn(line, "\n");
    config->at = line + length + (line[length] == '\n');
    line[length] = '\0';
    config->line++;
    while (is_space(*line))
        line++;
    return line;
}

/* What is in the quotes, where it lies; a quote that is missing ends with the line. */
static void unquote(char *text)
{
    static const char letters[] = "tnrv", bytes[] = "\t\n\r\v";
    char *to = text;
    for (; *text != '\0' && *text != '"'; text++) {
        if (*text == '\\' && text[1] != '\0') {
            const char *letter = strchr(letters, *++text);
            *to++ = letter != NULL ? bytes[letter - letters] : *text;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
}

static void take_value(char *text, struct config_option *ret)
{
    if (*text == '"') {
        unquote(text + 1);
        ret->value = text + 1;
        return;
    }
    char *end = text;
    while (*end != '\0' && !is_space(*end))
        end++;
    const char *more = end;
    while (is_space(*more))
        more++;
    ret->has_more = *more != '\0' && *more != '#';
    *end = '\0';
    ret->value = end > text ? text : NULL;
}

bool config_next(struct config *config, struct config_option *ret_option)
{
    char *line;
    do {
        line = line_next(config);
        if (line == NULL)
            return false;
    } while (*line == '\0' || strchr("#/*", *line) != NULL);
    const char *parts = line[0] == '-' ? "" : "=:";
    *ret_option = (struct config_option){.word = line};
    while (*line != '\0' && !is_space(*line) && strchr(parts, *line) == NULL)
        line++;
    char *end = line;
    while (*line != '\0' && (is_space(*line) || strchr(parts, *line) != NULL))
        line++;
    *end = '\0';
    take_value(line, ret_option);
    return true;
}
