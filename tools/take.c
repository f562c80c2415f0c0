/* Owns the values of options: text in, a member of struct args out. The idea: a row names how it is
 * read and where it goes, so that an option of a kind that is here needs no function. */

#include "tools/take.h"
#include "tools/exits.h"
#include "tools/input/query.h"

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

int take_nothing(struct parser *parser, const struct option_row *row)
{
    (void)parser, (void)row;
    return 0;
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
    bool is_file = row->of_curl != NULL &&
                   value[strcspn(value, "./ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "abcdefghijklmnopqrstuvwxyz")] != 0 &&
                   (value[0] < '0' || value[0] > '9');
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (digits[0] < '0' || digits[0] > '9' || *end != '\0' || errno != 0 || number < row->least ||
        number > row->most)
        return take_fail(parser, "%s '%s': a number from %lld to %lld is wanted%s%s",
                         parser->option, value, (long long)row->least, (long long)row->most,
                         is_file ? "; " : "", is_file ? row->of_curl : "");
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

/* A bare number is an hour's to curl, and a second's to haul bench. */
int take_rate(struct parser *parser, const struct option_row *row)
{
    double rate;
    bool has_unit;
    if (haul_rate_parse(parser->value, &rate, &has_unit) || !(rate > 0))
        return take_fail(parser,
                         "%s '%s': a rate above 0 is wanted, as 10/s, 30/m, 5k/h or 2/100ms",
                         parser->option, parser->value);
    if (!has_unit)
        return take_fail(parser,
                         "%s '%s': in what time? %s/s is meant by the second, %s/h as in curl",
                         parser->option, parser->value, parser->value, parser->value);
    *(double *)member_of(parser, row) = rate;
    return 0;
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

int take_stdin(struct parser *parser)
{
    if (parser->stdin_taken)
        return take_fail(parser, "%s '%s': stdin can be read only once", parser->option,
                         parser->value);
    parser->stdin_taken = true;
    return 0;
}

/* An output that stood before its URL in a file of -K is the URL's. */
static const char *early_output(struct parser *parser)
{
    struct config_file *file = parser->file;
    bool has_one = file != NULL && file->early_used < file->early.count;
    return has_one ? file->early.words[file->early_used++] : NULL;
}

int take_item(struct parser *parser, const char *url, const char *path)
{
    struct args *args = parser->args;
    if (parser->item_count == parser->item_room) {
        size_t room = 2 * parser->item_room + 8;
        struct input_item *items = realloc(args->items, room * sizeof(*items));
        if (items == NULL)
            return take_fail_no_memory(parser);
        args->items = items;
        parser->item_room = room;
    }
    args->items[parser->item_count++] = (struct input_item){
        .url = url, .path = path, .output = url != NULL ? early_output(parser) : NULL};
    return 0;
}

int take_url(struct parser *parser, const struct option_row *row)
{
    (void)row;
    if (strcmp(parser->value, "-") == 0)
        return take_fail(parser, "'-' is no URL; -i - reads URLs from stdin");
    return take_item(parser, parser->value, NULL);
}

int take_input(struct parser *parser, const struct option_row *row)
{
    (void)row;
    if (strcmp(parser->value, "-") == 0 && take_stdin(parser) != 0)
        return EXIT_USAGE;
    return take_item(parser, NULL, parser->value);
}

/* --- files ------------------------------------------------------------------------------------ */

int take_text_over(struct parser *parser, char *text)
{
    if (text == NULL)
        return take_fail_no_memory(parser);
    int error = take_more(parser, &parser->args->texts, text);
    if (error != 0)
        free(text);
    return error;
}

int take_open(struct parser *parser, const char *path, int *ret_fd)
{
    bool is_stdin = strcmp(path, "-") == 0;
    if (is_stdin && take_stdin(parser) != 0)
        return EXIT_USAGE;
    *ret_fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (*ret_fd >= 0)
        return 0;
    take_fail(parser, "%s: cannot read %s: %s", parser->option, path, strerror(errno));
    return EXIT_READ;
}

static int read_all(struct parser *parser, int fd, char **text, size_t *ret_length)
{
    size_t room = 0, length = 0;
    for (;;) {
        if (room - length < 2) {
            room = 2 * room + 16384;
            char *longer = realloc(*text, room);
            if (longer == NULL)
                return take_fail_no_memory(parser);
            *text = longer;
        }
        ssize_t count = read(fd, *text + length, room - length - 1);
        if (count == 0)
            break;
        if (count < 0 && errno != EINTR)
            return EXIT_READ;
        length += count > 0 ? (size_t)count : 0;
    }
    (*text)[length] = '\0';
    *ret_length = length;
    return 0;
}

int take_file(struct parser *parser, const char *path, char **ret_text, size_t *ret_length)
{
    bool is_stdin = strcmp(path, "-") == 0;
    char *text = NULL;
    if (is_stdin && take_stdin(parser) != 0)
        return EXIT_USAGE;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 ? EXIT_READ : read_all(parser, fd, &text, ret_length);
    if (error == EXIT_READ)
        take_fail(parser, "%s: cannot read %s: %s", parser->option, is_stdin ? "stdin" : path,
                  strerror(errno));
    if (fd >= 0 && !is_stdin)
        close(fd);
    if (error != 0) {
        free(text);
        return error;
    }
    *ret_text = text;
    return take_text_over(parser, text);
}

/* --- heads ------------------------------------------------------------------------------------ */

/* "@file" has one a line. A zero byte would hide what is behind it. */
int take_header(struct parser *parser, const struct option_row *row)
{
    (void)row;
    char *text, *rest = NULL;
    size_t length;
    struct args_list *headers = &parser->args->headers;
    if (parser->value[0] != '@')
        return take_more(parser, headers, parser->value);
    int error = take_file(parser, parser->value + 1, &text, &length);
    if (error == 0 && strlen(text) != length)
        return take_fail(parser, "%s '%s': it has a zero byte, and is no file of headers",
                         parser->option, parser->value);
    char *line = error == 0 ? strtok_r(text, "\r\n", &rest) : NULL;
    for (; line != NULL && error == 0; line = strtok_r(NULL, "\r\n", &rest))
        error = take_more(parser, headers, line);
    return error;
}

/* --- the body --------------------------------------------------------------------------------- */

/* error: a negative errno, or 0. */
static int body_done(struct parser *parser, int error)
{
    if (error == -ENOMEM)
        return take_fail_no_memory(parser);
    if (error < 0) {
        take_fail(parser, "%s: cannot read %s, or keep it (TMPDIR): %s", parser->option,
                  parser->value, strerror(-error));
        return EXIT_READ;
    }
    return 0;
}

/* As curl's -d: of a file, line ends and NUL bytes are left out. */
static size_t strip(char *bytes, size_t length)
{
    size_t kept = 0;
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != '\r' && bytes[i] != '\n' && bytes[i] != '\0')
            bytes[kept++] = bytes[i];
    return kept;
}

static int add_text(struct parser *parser, const char *text)
{
    return body_done(parser, payload_add(&parser->args->payload, text, strlen(text)));
}

/* What the file has, changed, or as it is. */
static int add_file(struct parser *parser, const char *path,
                    size_t (*change)(char *bytes, size_t length))
{
    int fd;
    int error = take_open(parser, path, &fd);
    if (error != 0)
        return error;
    if (change == NULL)
        return body_done(parser, payload_add_file(&parser->args->payload, fd));
    error = payload_add_read(&parser->args->payload, fd, change);
    if (fd != STDIN_FILENO)
        close(fd);
    return body_done(parser, error);
}

/* Several pieces of data are fields of one form, but for JSON. */
static int begin_data(struct parser *parser, bool is_json)
{
    bool joined = parser->has_data && !is_json;
    parser->has_data = true;
    parser->args->engine.has_body = true;
    return add_text(parser, joined ? "&" : "");
}

static int data_take(struct parser *parser, bool is_json, size_t (*change)(char *, size_t))
{
    const char *value = parser->value;
    int error = begin_data(parser, is_json);
    if (error != 0)
        return error;
    return value[0] == '@' ? add_file(parser, value + 1, change) : add_text(parser, value);
}

int take_data(struct parser *parser, const struct option_row *row)
{
    (void)row;
    return data_take(parser, false, strip);
}

int take_data_binary(struct parser *parser, const struct option_row *row)
{
    (void)row;
    return data_take(parser, false, NULL);
}

int take_data_raw(struct parser *parser, const struct option_row *row)
{
    (void)row;
    int error = begin_data(parser, false);
    return error != 0 ? error : add_text(parser, parser->value);
}

int take_json(struct parser *parser, const struct option_row *row)
{
    (void)row;
    parser->is_json = true;
    return data_take(parser, true, NULL);
}

int take_get(struct parser *parser, const struct option_row *row)
{
    (void)row;
    parser->is_get = true;
    return 0;
}

/* A part of a query or a form, as query.h has it. */
static int encoded_text(struct parser *parser, char **ret_text)
{
    struct query_part part = query_part_of(parser->value);
    const char *bytes = part.content;
    char *content = NULL;
    size_t length = part.is_file ? 0 : strlen(part.content);
    int error = part.is_file ? take_file(parser, part.content, &content, &length) : 0;
    if (error != 0)
        return error;
    *ret_text = query_encode(&part, content != NULL ? content : bytes, length);
    return *ret_text == NULL ? take_fail_no_memory(parser) : 0;
}

int take_data_urlencode(struct parser *parser, const struct option_row *row)
{
    (void)row;
    char *text = NULL;
    int error = begin_data(parser, false);
    if (error == 0)
        error = encoded_text(parser, &text);
    if (error == 0)
        error = add_text(parser, text);
    free(text);
    return error;
}

static int form_fail(struct parser *parser, const char *wrong)
{
    return take_fail(parser, "%s '%s': %s", parser->option, parser->value, wrong);
}

/* error: a negative errno, or 0. */
static int form_done(struct parser *parser, int error)
{
    if (error == -ELOOP)
        return form_fail(parser, "parts lie in each other, more than 9 deep");
    if (error == -EINVAL)
        return form_fail(parser, "no part of parts was begun, by NAME=(, that this could end");
    return body_done(parser, error);
}

static int form_add(struct parser *parser, const struct form_field *field)
{
    struct args *args = parser->args;
    int error = body_done(parser, form_begin_field(&args->form, &args->payload, field));
    if (error != 0)
        return error;
    return field->source == FORM_TEXT ? add_text(parser, field->value)
                                      : add_file(parser, field->value, NULL);
}

/* Several files of one field are parts of it, as RFC 2388 has it (4.2), and curl. */
static int form_add_files(struct parser *parser, struct form_field *field)
{
    struct args *args = parser->args;
    const struct form_field whole = {.name = field->name};
    int error = form_done(parser, form_open(&args->form, &args->payload, &whole));
    field->name = NULL;
    while (error == 0) {
        error = form_add(parser, field);
        if (error != 0 || field->more == NULL)
            break;
        const char *wrong = form_parse_more(field);
        error = wrong != NULL ? form_fail(parser, wrong) : 0;
    }
    return error == 0 ? form_done(parser, form_close(&args->form, &args->payload)) : error;
}

static int form_take(struct parser *parser, bool is_string)
{
    struct form_field field;
    struct args *args = parser->args;
    char *word = strdup(parser->value);
    int error = take_text_over(parser, word);
    if (error != 0)
        return error;
    const char *wrong = form_parse(word, is_string, &field);
    if (wrong != NULL)
        return form_fail(parser, wrong);
    args->engine.has_body = true;
    if (field.source == FORM_OPENS)
        return form_done(parser, form_open(&args->form, &args->payload, &field));
    if (field.source == FORM_CLOSES)
        return form_done(parser, form_close(&args->form, &args->payload));
    return field.more != NULL ? form_add_files(parser, &field) : form_add(parser, &field);
}

int take_form(struct parser *parser, const struct option_row *row)
{
    (void)row;
    return form_take(parser, false);
}

int take_form_string(struct parser *parser, const struct option_row *row)
{
    (void)row;
    return form_take(parser, true);
}

/* It is opened when all is known. */
int take_upload(struct parser *parser, const struct option_row *row)
{
    (void)row;
    if (parser->upload_file != NULL)
        return take_fail(parser, "%s is given twice: the one file goes to every URL",
                         parser->option);
    parser->upload_file = strcmp(parser->value, ".") == 0 ? "-" : parser->value;
    return 0;
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

/* "#1" of curl stands for what a glob came to. */
static bool has_glob_number(const char *name)
{
    for (; (name = strchr(name, '#')) != NULL; name++)
        if (name[1] >= '0' && name[1] <= '9')
            return true;
    return false;
}

/* The next URL of the file that has none. */
static int take_output_of_url(struct parser *parser)
{
    struct config_file *file = parser->file;
    for (size_t i = file->first_item; i < parser->item_count; i++) {
        struct input_item *item = &parser->args->items[i];
        if (item->url == NULL || item->output != NULL)
            continue;
        item->output = parser->value;
        return 0;
    }
    if (file->early.count == 0)
        file->early_line = file->line;
    return take_more(parser, &file->early, parser->value);
}

/* "-" is stdout, which it is without the option. */
int take_output(struct parser *parser, const struct option_row *row)
{
    (void)row;
    struct sink_options *sink = &parser->args->sink;
    if (has_glob_number(parser->value))
        return take_fail(parser,
                         "%s '%s': it is the file of the results; --bodies DIR or -O give each "
                         "body a file of its own",
                         parser->option, parser->value);
    if (parser->file != NULL)
        return take_output_of_url(parser);
    if (parser->args->says_output)
        return take_fail(parser,
                         "%s is given twice: it is the one file of the results; --bodies DIR or "
                         "-O give each body a file of its own",
                         parser->option);
    parser->args->says_output = true;
    sink->path = strcmp(parser->value, "-") == 0 ? NULL : parser->value;
    return 0;
}

int take_format(struct parser *parser, const struct option_row *row)
{
    int error = take_word(parser, row);
    parser->args->says_format |= error == 0;
    return error;
}

int take_proto_default(struct parser *parser, const struct option_row *row)
{
    (void)row;
    if (strcmp(parser->value, "http") != 0 && strcmp(parser->value, "https") != 0)
        return take_fail(parser, "%s '%s': one of http, https is wanted", parser->option,
                         parser->value);
    parser->args->inputs.scheme = parser->value;
    return 0;
}

/* --- what becomes a part of the request ------------------------------------------------------- */

/* A part of the query, encoded; with + before it, as it is. */
static int query_text(struct parser *parser, char **ret_text)
{
    if (parser->value[0] != '+')
        return encoded_text(parser, ret_text);
    *ret_text = strdup(parser->value + 1);
    return *ret_text == NULL ? take_fail_no_memory(parser) : 0;
}

int take_url_query(struct parser *parser, const struct option_row *row)
{
    (void)row;
    char *text = NULL, *joined = NULL, *before = parser->args->query;
    int error = query_text(parser, &text);
    if (error != 0)
        return error;
    if (before == NULL) {
        parser->args->query = text;
        return 0;
    }
    if (asprintf(&joined, "%s&%s", before, text) < 0)
        error = take_fail_no_memory(parser);
    free(text);
    if (error == 0) {
        free(before);
        parser->args->query = joined;
    }
    return error;
}

/* A lone number is curl's "from there on"; what a server can make of others is its own matter. */
int take_range(struct parser *parser, const struct option_row *row)
{
    (void)row;
    char *text = NULL;
    const char *value = parser->value;
    size_t allowed = strspn(value, "0123456789-, ");
    if (allowed == 0 || value[allowed] != '\0')
        return take_fail(parser, "%s '%s': a range of bytes is wanted: 0-499, 500- or -500",
                         parser->option, value);
    if (asprintf(&text, "Range: bytes=%s%s", value, strchr(value, '-') == NULL ? "-" : "") < 0)
        text = NULL;
    parser->args->range = text;
    return take_text_over(parser, text);
}

int take_referer(struct parser *parser, const struct option_row *row)
{
    (void)row;
    char *text = NULL;
    const char *automatic = strstr(parser->value, ";auto");
    if (automatic != NULL)
        return take_fail(parser, "%s '%s': ;auto is not done here; give the URL alone",
                         parser->option, parser->value);
    if (asprintf(&text, "Referer: %s", parser->value) < 0)
        text = NULL;
    parser->args->referer = parser->value[0] != '\0' ? text : NULL;
    return take_text_over(parser, text);
}

/* "@file" is a file of the text. */
int take_write_out(struct parser *parser, const struct option_row *row)
{
    (void)row;
    char *text;
    size_t length;
    if (parser->value[0] != '@') {
        parser->args->write_out = parser->value;
        return 0;
    }
    int error = take_file(parser, parser->value + 1, &text, &length);
    parser->args->write_out = error == 0 ? text : NULL;
    return error;
}

/* --- credentials ------------------------------------------------------------------------------ */

/* A copy; what was on the command line is for others to see, and is overwritten, as in curl. */
static int secret_take(struct parser *parser, char **ret_copy)
{
    char *value = (char *)(uintptr_t)parser->value;
    *ret_copy = strdup(value);
    memset(value, ' ', strlen(value));
    return take_text_over(parser, *ret_copy);
}

/* "user:password"; a user alone is asked for the password later. */
int take_user(struct parser *parser, const struct option_row *row)
{
    (void)row;
    char *user;
    struct args *args = parser->args;
    int error = secret_take(parser, &user);
    if (error != 0)
        return error;
    char *colon = strchr(user, ':');
    args->asks_password = colon == NULL;
    args->auth.user = user;
    args->auth.password = colon != NULL ? colon + 1 : NULL;
    if (colon != NULL)
        *colon = '\0';
    return 0;
}

int take_bearer(struct parser *parser, const struct option_row *row)
{
    (void)row;
    char *token;
    int error = secret_take(parser, &token);
    parser->args->auth.bearer = token;
    return error;
}
