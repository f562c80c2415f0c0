/* Owns the values of options: text in, a member of struct args out. The idea: a row names how it is
 * read and where it goes, so that an option of a kind that is here needs no function. */

#include "tools/take.h"
#include "tools/exits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int take_fail(struct parser *parser, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parser->message, parser->message_size, format, arguments);
    va_end(arguments);
    return EXIT_USAGE;
}

int take_fail_no_memory(struct parser *parser)
{
    take_fail(parser, "no memory for the arguments");
    return EXIT_RESOURCE;
}

int take_more(struct parser *parser, struct args_list *list, const char *word)
{
    const char **words = realloc(list->words, (list->count + 2) * sizeof(*words));
    if (words == NULL)
        return take_fail_no_memory(parser);
    list->words = words;
    words[list->count++] = word;
    words[list->count] = NULL;
    return 0;
}

/* --- kinds of values -------------------------------------------------------------------------- */

static void *member_of(struct parser *parser, const struct option_row *row)
{
    return (char *)parser->args + row->at;
}

/* Members of all widths: bool, enum, 32 and 64 bits. */
static int set_integer(struct parser *parser, const struct option_row *row, int64_t number)
{
    void *member = member_of(parser, row);
    switch (row->size) {
    case sizeof(uint8_t):
        *(uint8_t *)member = (uint8_t)number;
        break;
    case sizeof(uint32_t):
        *(uint32_t *)member = (uint32_t)number;
        break;
    default:
        *(uint64_t *)member = (uint64_t)number;
    }
    return 0;
}

int take_constant(struct parser *parser, const struct option_row *row)
{
    return set_integer(parser, row, row->constant);
}

int take_text(struct parser *parser, const struct option_row *row)
{
    *(const char **)member_of(parser, row) = parser->value;
    return 0;
}

int take_append(struct parser *parser, const struct option_row *row)
{
    return take_more(parser, member_of(parser, row), parser->value);
}

int take_number(struct parser *parser, const struct option_row *row)
{
    const char *value = parser->value;
    const char *digits = value + (row->least < 0 && value[0] == '-');
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (digits[0] < '0' || digits[0] > '9' || *end != '\0' || errno != 0 || number < row->least ||
        number > row->most)
        return take_fail(parser, "%s '%s': a number from %lld to %lld is wanted", parser->option,
                         value, (long long)row->least, (long long)row->most);
    return set_integer(parser, row, number);
}

/* Digits with at most one point between them, and nothing that strtod() would take besides. */
static bool is_decimal(const char *value)
{
    size_t whole = strspn(value, "0123456789");
    size_t fraction = value[whole] == '.' ? strspn(value + whole + 1, "0123456789") : 0;
    size_t length = whole + (value[whole] == '.' ? 1 + fraction : 0);
    return whole + fraction > 0 && value[length] == '\0';
}

int take_seconds(struct parser *parser, const struct option_row *row)
{
    const double most = 1e9;
    double seconds = is_decimal(parser->value) ? strtod(parser->value, NULL) : -1;
    if (seconds < 0 || seconds > most)
        return take_fail(parser,
                         "%s '%s': seconds from 0.001 to %.0f are wanted, or 0 for no limit",
                         parser->option, parser->value, most);
    int64_t time_ms = (int64_t)(seconds * 1000 + 0.5);
    return set_integer(parser, row, seconds == 0 ? -1 : time_ms > 0 ? time_ms : 1);
}

int take_word(struct parser *parser, const struct option_row *row)
{
    char allowed[128];
    size_t used = 0;
    size_t wanted = strlen(parser->value);
    const char *word = row->value;
    for (int64_t place = 0;; place++) {
        size_t length = strcspn(word, "|");
        if (length == wanted && memcmp(word, parser->value, length) == 0)
            return set_integer(parser, row, place);
        used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%.*s",
                                 place > 0 ? ", " : "", (int)length, word);
        if (word[length] == '\0' || used >= sizeof(allowed))
            return take_fail(parser, "%s '%s': one of %s is wanted", parser->option, parser->value,
                             allowed);
        word += length + 1;
    }
}

/* --- inputs ----------------------------------------------------------------------------------- */

static int take_stdin(struct parser *parser)
{
    if (parser->stdin_taken)
        return take_fail(parser, "%s '%s': stdin can be read only once", parser->option,
                         parser->value);
    parser->stdin_taken = true;
    return 0;
}

static int add_item(struct parser *parser, const char *url, const char *path)
{
    parser->args->items[parser->item_count++] = (struct input_item){.url = url, .path = path};
    return 0;
}

int take_url(struct parser *parser, const struct option_row *row)
{
    (void)row;
    if (strcmp(parser->value, "-") == 0)
        return take_fail(parser, "'-' is no URL; -i - reads URLs from stdin");
    return add_item(parser, parser->value, NULL);
}

int take_input(struct parser *parser, const struct option_row *row)
{
    (void)row;
    add_item(parser, NULL, parser->value);
    return strcmp(parser->value, "-") == 0 ? take_stdin(parser) : 0;
}

/* --- the body --------------------------------------------------------------------------------- */

static int body_append(struct parser *parser, const char *bytes, size_t length)
{
    char *body = realloc(parser->args->body, parser->body_length + length + 1);
    if (body == NULL)
        return take_fail_no_memory(parser);
    memcpy(body + parser->body_length, bytes, length);
    parser->args->body = body;
    parser->body_length += length;
    return 0;
}

static int body_append_fd(struct parser *parser, int fd)
{
    char buffer[16384];
    ssize_t count;
    int error = 0;
    while (error == 0 && (count = read(fd, buffer, sizeof(buffer))) != 0) {
        if (count > 0)
            error = body_append(parser, buffer, (size_t)count);
        else if (errno != EINTR)
            error = EXIT_READ;
    }
    return error;
}

static int body_append_file(struct parser *parser, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    if (is_stdin && take_stdin(parser) != 0)
        return EXIT_USAGE;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 ? EXIT_READ : body_append_fd(parser, fd);
    if (error == EXIT_READ)
        take_fail(parser, "%s: cannot read %s: %s", parser->option, is_stdin ? "stdin" : path,
                  strerror(errno));
    if (fd >= 0 && !is_stdin)
        close(fd);
    return error;
}

/* As curl's -d: of a file, line ends and NUL bytes are left out. */
static void body_strip(struct parser *parser, size_t from)
{
    char *body = parser->args->body;
    size_t kept = from;
    for (size_t i = from; i < parser->body_length; i++)
        if (body[i] != '\r' && body[i] != '\n' && body[i] != '\0')
            body[kept++] = body[i];
    parser->body_length = kept;
}

/* Several pieces of data are fields of one form. */
static int body_take(struct parser *parser, bool strip)
{
    const char *value = parser->value;
    bool joined = parser->args->engine.has_body;
    int error = joined ? body_append(parser, "&", 1) : 0;
    size_t from = parser->body_length;
    if (error == 0)
        error = value[0] == '@' ? body_append_file(parser, value + 1)
                                : body_append(parser, value, strlen(value));
    if (error == 0 && strip && value[0] == '@')
        body_strip(parser, from);
    parser->args->engine.has_body = true;
    return error;
}

int take_data(struct parser *parser, const struct option_row *row)
{
    (void)row;
    return body_take(parser, true);
}

int take_data_binary(struct parser *parser, const struct option_row *row)
{
    (void)row;
    return body_take(parser, false);
}

/* --- others ----------------------------------------------------------------------------------- */

/* The base64 of 32 bytes is 43 characters and the padding. */
static bool is_pin(const char *pin, size_t length)
{
    static const char prefix[] = "sha256//";
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t begin = sizeof(prefix) - 1;
    return length == begin + 44 && memcmp(pin, prefix, begin) == 0 &&
           strspn(pin + begin, alphabet) == 43 && pin[begin + 43] == '=';
}

int take_pins(struct parser *parser, const struct option_row *row)
{
    (void)row;
    const char *pin = parser->value;
    size_t length = strcspn(pin, ";");
    while (is_pin(pin, length) && pin[length] == ';') {
        pin += length + 1;
        length = strcspn(pin, ";");
    }
    if (!is_pin(pin, length))
        return take_fail(parser, "%s '%.*s': sha256// and the base64 of 32 bytes is wanted",
                         parser->option, (int)length, pin);
    parser->args->tls.pinned_keys = parser->value;
    return 0;
}

/* "-" is stdout, which it is without the option. */
int take_output(struct parser *parser, const struct option_row *row)
{
    (void)row;
    parser->args->sink.path = strcmp(parser->value, "-") == 0 ? NULL : parser->value;
    return 0;
}
