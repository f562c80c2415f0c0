/* Owns what is asked, as a user writes it. The one hard idea: all that can be wrong with a target
 * is found before the first connection is opened, and told with the file and the line. */

#include "bench/run/targets.h"

#include "bench/base/json_at.h"
#include "proto/http/url.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    URL_LINE_BYTES_MAX = 16000,
    OBJECT_BYTES_MAX = 64 << 20,
    WHERE_BYTES = 240, /* a file's name and a line's number */
};

static __attribute__((format(printf, 2, 3))) bool bad(char *message, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, TARGETS_MESSAGE_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

/* --- URLs ------------------------------------------------------------------------------------- */

static bool url_parses(const char *where, const char *text, char *message)
{
    struct url url;
    size_t offset;
    char room[URL_ROOM_BYTES];
    enum proto_error error = url_parse(span_of(text), room, &url, &offset);
    return error == PROTO_OK || bad(message, "%sURL '%.200s', character %zu: %s", where, text,
                                    offset + 1, proto_error_sentence(error));
}

/* Of a template, that of the first request. */
static bool url_check(struct targets *targets, const char *where, const char *text, char *message)
{
    struct template_text first = {0};
    char why[TEMPLATE_MESSAGE_BYTES];
    if (!targets->is_template || !template_has(text, strlen(text)))
        return url_parses(where, text, message);
    if (targets->template.chance == 0)
        template_open(&targets->template);
    int error = template_put(&targets->template, &first, text, strlen(text), 0, why);
    bool is_good =
        error == 0 ? url_parses(where, first.bytes, message) : bad(message, "%s%s", where, why);
    free(first.bytes);
    return is_good;
}

/* Room for one more; doubled, so that a million lines take their time once. */
static bool room_take(struct targets *targets)
{
    size_t count = targets->count;
    if (count > 0 && (count & (count - 1)) != 0)
        return true;
    size_t room = count > 0 ? 2 * count : 1;
    char **urls = reallocarray(targets->urls, room + 1, sizeof *urls);
    if (urls == NULL)
        return false;
    targets->urls = urls;
    struct load_target *list = reallocarray(targets->list, room, sizeof *list);
    if (list == NULL)
        return false;
    targets->list = list;
    return true;
}

static bool target_add(struct targets *targets, const char *where, const char *url, char *message)
{
    if (!url_check(targets, where, url, message))
        return false;
    if (!room_take(targets) || (targets->urls[targets->count] = strdup(url)) == NULL)
        return bad(message, "out of memory");
    targets->list[targets->count++] = (struct load_target){0};
    targets->urls[targets->count] = NULL;
    return true;
}

bool targets_add(struct targets *targets, const char *url, char *ret_message)
{
    return target_add(targets, "", url, ret_message);
}

/* --- objects ---------------------------------------------------------------------------------- */

/* "Name: value", as -H has it: an empty value is sent as such. */
static char *header_line(const json_t *pair)
{
    const char *name = json_string_value(json_array_get(pair, 0));
    const char *value = json_string_value(json_array_get(pair, 1));
    char *line = NULL;
    if (json_array_size(pair) != 2 || name == NULL || value == NULL || *name == '\0' ||
        strpbrk(name, ":; \t") != NULL)
        return NULL;
    return asprintf(&line, *value != '\0' ? "%s: %s" : "%s;", name, value) >= 0 ? line : NULL;
}

static bool headers_take(struct load_target *target, const json_t *value)
{
    size_t count = json_array_size(value);
    char **lines = calloc(count + 1, sizeof *lines);
    bool is_good = json_is_array(value) && lines != NULL;
    target->headers = (const char *const *)lines;
    for (size_t i = 0; i < count && is_good; i++)
        is_good = (lines[i] = header_line(json_array_get(value, i))) != NULL;
    return is_good;
}

static bool method_take(struct load_target *target, const json_t *value)
{
    const char *text = json_string_value(value);
    target->method = text != NULL && *text != '\0' ? strdup(text) : NULL;
    return target->method != NULL;
}

static bool body_take(struct load_target *target, const json_t *value)
{
    if (!json_is_string(value))
        return false;
    target->has_body = true;
    target->body_length = json_string_length(value);
    char *body = malloc(target->body_length + 1);
    if (body != NULL)
        memcpy(body, json_string_value(value), target->body_length + 1);
    target->body = body;
    return body != NULL;
}

static bool url_take(struct load_target *target, const json_t *value)
{
    (void)target;
    return json_is_string(value);
}

static const struct {
    const char *name;
    bool (*take)(struct load_target *target, const json_t *value);
    const char *wanted;
} members[] = {
    {"url", url_take, "a string"},
    {"method", method_take, "a string that is not empty"},
    {"headers", headers_take, "a list of pairs, [[name, value], ...], of strings"},
    {"body", body_take, "a string"},
};

enum { MEMBERS = sizeof members / sizeof *members };

static bool member_take(struct load_target *target, const char *where, const char *name,
                        const json_t *value, char *message)
{
    for (size_t i = 0; i < MEMBERS; i++)
        if (strcmp(name, members[i].name) == 0)
            return json_is_null(value) || members[i].take(target, value) ||
                   bad(message, "%s\"%s\" is not %s", where, name, members[i].wanted);
    return bad(message, "%sno member is called \"%.100s\": url, method, headers and body are",
               where, name);
}

/* The target that was added last takes what the object has. */
static bool object_take(struct targets *targets, const char *where, json_t *object, char *message)
{
    const char *name, *url = text_at(object, "url");
    json_t *value;
    if (url == NULL)
        return bad(message, "%sit has no \"url\"", where);
    if (!target_add(targets, where, url, message))
        return false;
    json_object_foreach(object, name, value)
    {
        if (!member_take(&targets->list[targets->count - 1], where, name, value, message))
            return false;
    }
    targets->has_own = true;
    return true;
}

static bool object_add(struct targets *targets, const char *where, const char *line, size_t length,
                       char *message)
{
    json_error_t error;
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    bool is_good = object != NULL ? object_take(targets, where, object, message)
                                  : bad(message, "%sno JSON, character %d: %s", where, error.column,
                                        error.text);
    json_decref(object);
    return is_good;
}

/* --- files ------------------------------------------------------------------------------------ */

static bool line_take(struct targets *targets, const char *where, char *line, size_t length,
                      char *message)
{
    size_t blanks = strspn(line, " \t");
    while (length > blanks && isspace((unsigned char)line[length - 1]))
        line[--length] = '\0';
    if (length <= blanks || line[blanks] == '#')
        return true;
    if (line[blanks] == '{')
        return length <= OBJECT_BYTES_MAX
                   ? object_add(targets, where, line + blanks, length - blanks, message)
                   : bad(message, "%slonger than 64 MiB", where);
    if (length > URL_LINE_BYTES_MAX)
        return bad(message, "%slonger than %d bytes", where, URL_LINE_BYTES_MAX);
    return target_add(targets, where, line + blanks, message);
}

/* A line, as long as any may be and a byte more; without its end. false: there is none. */
static bool line_read(FILE *file, struct template_text *line)
{
    int byte = EOF;
    line->length = 0;
    while (line->length <= OBJECT_BYTES_MAX && (byte = getc_unlocked(file)) != EOF &&
           byte != '\n') {
        if (line->length + 1 >= line->room) {
            size_t room = 2 * line->room + BUFSIZ;
            char *more = realloc(line->bytes, room);
            if (more == NULL)
                return false;
            line->bytes = more;
            line->room = room;
        }
        line->bytes[line->length++] = (char)byte;
    }
    if (line->bytes != NULL)
        line->bytes[line->length] = '\0';
    return byte != EOF || line->length > 0;
}

static bool lines_read(struct targets *targets, const char *path, FILE *file, char *message)
{
    struct template_text line = {0};
    char where[WHERE_BYTES];
    unsigned long number = 0;
    bool is_good = true;
    while (is_good && line_read(file, &line)) {
        snprintf(where, sizeof where, "%.200s:%lu: ", path, ++number);
        if (line.length > 0)
            is_good = line_take(targets, where, line.bytes, line.length, message);
    }
    free(line.bytes);
    return is_good && (!ferror(file) || bad(message, "-i %s: %s", path, strerror(errno)));
}

bool targets_read(struct targets *targets, const char *path, char *ret_message)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL)
        return bad(ret_message, "-i %s: %s", path, strerror(errno));
    bool is_good = lines_read(targets, path, file, ret_message);
    if (is_good && targets->count == 0)
        is_good = bad(ret_message, "-i %s: has no URL", path);
    if (file != stdin)
        fclose(file);
    return is_good;
}

void targets_free(struct targets *targets)
{
    for (size_t i = 0; i < targets->count; i++) {
        struct load_target *target = &targets->list[i];
        for (size_t k = 0; target->headers != NULL && target->headers[k] != NULL; k++)
            free((char *)(uintptr_t)target->headers[k]);
        free((void *)(uintptr_t)target->headers);
        free((char *)(uintptr_t)target->method);
        free((char *)(uintptr_t)target->body);
        free(targets->urls[i]);
    }
    free(targets->urls);
    free(targets->list);
    template_close(&targets->template);
    *targets = (struct targets){0};
}
