/* Owns the bytes of forms. The hard idea: they are those of curl, names and all, since servers were
 * tried with these. */

#include "tools/input/form.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

/* --- words ------------------------------------------------------------------------------------ */

/* A value up to the next stop, or in quotes. Returns what is behind it; what is behind quotes up to
 * there does not count. */
static char *cut_value(char *text, const char *stops, char **ret_value, char *ret_stop)
{
    char *end = text;
    if (*text == '"') {
        char *to = text;
        for (end = text + 1; *end != '\0' && *end != '"'; end++) {
            if (*end == '\\' && (end[1] == '\\' || end[1] == '"'))
                end++;
            *to++ = *end;
        }
        end += strcspn(end, stops);
        *ret_stop = *end;
        *to = '\0';
        *ret_value = text;
        return end + (*ret_stop != '\0');
    }
    end += strcspn(end, stops);
    *ret_stop = *end;
    *end = '\0';
    *ret_value = text;
    return end + (*ret_stop != '\0');
}

static bool take_key(char **at, const char *key)
{
    size_t length = strlen(key);
    if (strncasecmp(*at, key, length) != 0)
        return false;
    *at += length;
    return true;
}

static bool is_key(const char *text)
{
    static const char *const keys[] = {"type=", "filename=", "headers=", "encoder="};
    text += strspn(text, " \t");
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strncasecmp(text, keys[i], strlen(keys[i])) == 0)
            return true;
    return false;
}

/* A type up to a semicolon that a key follows, or another stop: other semicolons are a part of it.
 * Likewise. */
static char *cut_type(char *text, const char *stops, char **ret_value, char *ret_stop)
{
    char *end = text;
    if (*text == '"')
        return cut_value(text, stops, ret_value, ret_stop);
    *ret_value = text;
    for (end += strcspn(end, stops); *end == ';' && !is_key(end + 1); end += strcspn(end, stops))
        end++;
    *ret_stop = *end;
    *end = '\0';
    return end + (*ret_stop != '\0');
}

/* A value, and what is behind it: ";type=x;filename=y". */
static const char *parse_value(char *at, const char *stops, struct form_field *field)
{
    char stop, *value;
    at = cut_value(at, stops, &value, &stop);
    field->value = value;
    while (stop == ';' && *at != '\0') {
        at += strspn(at, " \t");
        bool is_type = take_key(&at, "type=");
        if (!is_type && !take_key(&at, "filename="))
            return "behind a semicolon only type= and filename= are known; a value that has one "
                   "belongs in double quotes";
        at = is_type ? cut_type(at, stops, &value, &stop) : cut_value(at, stops, &value, &stop);
        *(is_type ? &field->type : &field->filename) = value;
    }
    field->more = stop == ',' ? at : NULL;
    return NULL;
}

const char *form_parse(char *word, bool is_string, struct form_field *ret_field)
{
    char *at = strchr(word, '=');
    *ret_field = (struct form_field){.name = at != word ? word : NULL};
    if (at == NULL)
        return "NAME=VALUE, NAME=@FILE or NAME=<FILE is wanted";
    *at++ = '\0';
    ret_field->value = at;
    if (is_string)
        return NULL;
    if (ret_field->name == NULL && strcmp(at, ")") == 0) {
        ret_field->source = FORM_CLOSES;
        return NULL;
    }
    ret_field->source = *at == '@'   ? FORM_FILE
                        : *at == '<' ? FORM_CONTENT
                        : *at == '(' ? FORM_OPENS
                                     : FORM_TEXT;
    at += ret_field->source != FORM_TEXT;
    return parse_value(at, ret_field->source == FORM_FILE ? ";," : ";", ret_field);
}

const char *form_parse_more(struct form_field *field)
{
    char *at = field->more;
    *field = (struct form_field){.source = FORM_FILE};
    return parse_value(at, ";,", field);
}

/* --- bytes ------------------------------------------------------------------------------------ */

static int put(struct payload *payload, const char *text)
{
    return payload_add(payload, text, strlen(text));
}

/* As browsers have it (WHATWG, and curl since 7.81): a quote is %22, and there are no line ends. */
static int put_quoted(struct payload *payload, const char *text)
{
    int error = put(payload, "\"");
    while (error == 0 && *text != '\0') {
        size_t length = strcspn(text, "\"\r\n");
        error = payload_add(payload, text, length);
        text += length;
        if (error != 0 || *text == '\0')
            continue;
        error = put(payload, *text == '"' ? "%22" : *text == '\r' ? "%0D" : "%0A");
        text++;
    }
    return error == 0 ? put(payload, "\"") : error;
}

static const char *type_of(const char *name)
{
    static const struct {
        const char *end, *type;
    } rows[] = {
        {".gif", "image/gif"},       {".jpg", "image/jpeg"},    {".jpeg", "image/jpeg"},
        {".png", "image/png"},       {".svg", "image/svg+xml"}, {".txt", "text/plain"},
        {".htm", "text/html"},       {".html", "text/html"},    {".pdf", "application/pdf"},
        {".xml", "application/xml"},
    };
    size_t length = name != NULL ? strlen(name) : 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t size = strlen(rows[i].end);
        if (length >= size && strcasecmp(name + length - size, rows[i].end) == 0)
            return rows[i].type;
    }
    return NULL;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* What stdin has is of no file that could tell. */
static const char *field_type(const struct form_field *field, const char *filename)
{
    bool is_stdin = strcmp(field->value, "-") == 0;
    if (field->type != NULL)
        return field->type;
    const char *type = type_of(filename);
    if (field->source == FORM_TEXT || is_stdin)
        return type != NULL && (strcmp(type, "text/plain") != 0 || filename != NULL) ? type : NULL;
    if (type == NULL)
        type = type_of(field->value);
    if (type == NULL && filename != NULL)
        type = "application/octet-stream";
    return type != NULL && filename == NULL && strcmp(type, "text/plain") == 0 ? NULL : type;
}

static int make_boundary(struct form_level *level)
{
    unsigned char random[8];
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return -errno;
    int length = snprintf(level->boundary, sizeof(level->boundary), "------------------------");
    for (size_t i = 0; i < sizeof(random); i++)
        length += snprintf(level->boundary + length, sizeof(level->boundary) - (size_t)length,
                           "%02x", random[i]);
    return 0;
}

static int put_delimiter(struct form *form, struct payload *payload)
{
    struct form_level *level = &form->levels[form->depth];
    int error = level->boundary[0] == '\0' ? make_boundary(level) : 0;
    if (error == 0)
        error = put(payload, level->has_fields ? "\r\n--" : "--");
    level->has_fields = true;
    return error == 0 ? put(payload, level->boundary) : error;
}

/* A part of a form is form-data (RFC 7578, 4.2), one of anything else that has a name an attachment
 * (RFC 2183). */
static int put_disposition(struct form *form, struct payload *payload,
                           const struct form_field *field, const char *filename)
{
    bool is_mixed = form->levels[form->depth].is_mixed;
    bool has_none = is_mixed && field->name == NULL && filename == NULL;
    int error = put_delimiter(form, payload);
    if (error != 0 || has_none)
        return error;
    error = put(payload, is_mixed ? "\r\nContent-Disposition: attachment"
                                  : "\r\nContent-Disposition: form-data");
    if (error == 0 && field->name != NULL)
        error = put(payload, "; name=");
    if (error == 0 && field->name != NULL)
        error = put_quoted(payload, field->name);
    if (error == 0 && filename != NULL)
        error = put(payload, "; filename=");
    return error == 0 && filename != NULL ? put_quoted(payload, filename) : error;
}

static int put_type(struct payload *payload, const char *type)
{
    int error = put(payload, "\r\nContent-Type: ");
    return error == 0 ? put(payload, type) : error;
}

int form_begin_field(struct form *form, struct payload *payload, const struct form_field *field)
{
    const char *filename = field->filename;
    if (filename == NULL && field->source == FORM_FILE)
        filename = base_of(field->value);
    const char *type = field_type(field, filename);
    int error = put_disposition(form, payload, field, filename);
    if (error == 0 && type != NULL)
        error = put_type(payload, type);
    return error == 0 ? put(payload, "\r\n\r\n") : error;
}

static bool is_form_data(const char *type)
{
    static const char form_data[] = "multipart/form-data";
    size_t length = sizeof(form_data) - 1;
    return type != NULL && strncasecmp(type, form_data, length) == 0 &&
           strchr(" \t;", type[length]) != NULL;
}

int form_open(struct form *form, struct payload *payload, const struct form_field *field)
{
    if (form->depth + 1 == FORM_LEVELS)
        return -ELOOP;
    struct form_level *level = &form->levels[form->depth + 1];
    *level = (struct form_level){.is_mixed = !is_form_data(field->type)};
    int error = make_boundary(level);
    if (error == 0)
        error = put_disposition(form, payload, field, field->filename);
    if (error == 0)
        error = put_type(payload, field->type != NULL ? field->type : "multipart/mixed");
    if (error == 0)
        error = put(payload, "; boundary=");
    if (error == 0)
        error = put(payload, level->boundary);
    form->depth++;
    return error == 0 ? put(payload, "\r\n\r\n") : error;
}

int form_close(struct form *form, struct payload *payload)
{
    if (form->depth == 0)
        return -EINVAL;
    int error = put_delimiter(form, payload);
    form->depth--;
    return error == 0 ? put(payload, "--\r\n") : error;
}

int form_end(struct form *form, struct payload *payload)
{
    int error = 0;
    while (form->depth > 0 && error == 0)
        error = form_close(form, payload);
    if (error == 0)
        error = put_delimiter(form, payload);
    return error == 0 ? put(payload, "--\r\n") : error;
}
