/* Owns the splitting of a string into words. The idea: what comes out is never longer than what
 * goes in (a blank makes room for each word's end), so that one buffer and one array suffice. */

#include "bench/base/words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct splitter {
    const char *at;
    char *out;
};

/* Up to the closing quote. false: there is none. */
static bool take_single(struct splitter *splitter)
{
    const char *end = strchr(splitter->at, '\'');
    size_t length = end != NULL ? (size_t)(end - splitter->at) : 0;

    memcpy(splitter->out, splitter->at, length);
    splitter->out += length;
    splitter->at += length + 1;
    return end != NULL;
}

/* Between double quotes a backslash is itself, except before these (POSIX, Shell Command Language,
 * 2.2.3). */
static bool is_escape(const char *at)
{
    return at[0] == '\\' && at[1] != '\0' && strchr("\"\\$`\n", at[1]) != NULL;
}

/* A line's end behind a backslash is left out with it. */
static void take_escaped(struct splitter *splitter)
{
    if (splitter->at[1] != '\n')
        *splitter->out++ = splitter->at[1];
    splitter->at += 2;
}

static bool take_double(struct splitter *splitter)
{
    while (*splitter->at != '"') {
        if (*splitter->at == '\0')
            return false;
        if (is_escape(splitter->at))
            take_escaped(splitter);
        else
            *splitter->out++ = *splitter->at++;
    }
    splitter->at++;
    return true;
}

/* One letter, or what is quoted. false: the quoting that begins here has no end. */
static bool take_piece(struct splitter *splitter)
{
    switch (*splitter->at) {
    case '\'':
        splitter->at++;
        return take_single(splitter);
    case '"':
        splitter->at++;
        return take_double(splitter);
    case '\\':
        if (splitter->at[1] == '\0')
            return false;
        take_escaped(splitter);
        return true;
    default:
        *splitter->out++ = *splitter->at++;
        return true;
    }
}

static bool is_blank(char letter)
{
    return letter == ' ' || letter == '\t' || letter == '\n';
}

static int split(struct words *words, const char *text, size_t *ret_position)
{
    struct splitter splitter = {text, words->bytes};

    for (;;) {
        while (is_blank(*splitter.at))
            splitter.at++;
        if (*splitter.at == '\0')
            return 0;
        words->words[words->count++] = splitter.out;
        while (*splitter.at != '\0' && !is_blank(*splitter.at)) {
            const char *piece = splitter.at;
            if (!take_piece(&splitter)) {
                *ret_position = (size_t)(piece - text);
                return -EINVAL;
            }
        }
        *splitter.out++ = '\0';
    }
}

int words_split(struct words *ret_words, const char *text, size_t *ret_position)
{
    size_t length = strlen(text);
    int error = -ENOMEM;

    *ret_words = (struct words){
        .bytes = malloc(length + 1),
        .words = calloc(length / 2 + 2, sizeof *ret_words->words),
    };
    if (ret_words->bytes != NULL && ret_words->words != NULL)
        error = split(ret_words, text, ret_position);
    if (error != 0)
        words_free(ret_words);
    return error;
}

void words_free(struct words *words)
{
    free(words->words);
    free(words->bytes);
    *words = (struct words){0};
}
