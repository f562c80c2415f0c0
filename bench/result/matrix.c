/* Owns the language of a sweep's matrix. The idea: a cell is a number, whose digits in the mixed
 * base of the axes' lengths are the values; all else is looked up from it, and nothing is
 * listed. */

#include "bench/result/matrix.h"
#include "bench/base/json_at.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\n"

/* The axis that is an option's; NULL: none is. */
static const struct axis_row *find_key(const char *key)
{
    const struct axis_row *axis = axis_find(key);

    return axis != NULL && axis->option != NULL ? axis : NULL;
}

/* --- parsing ---------------------------------------------------------------------------------- */

struct parser {
    struct matrix *matrix;
    size_t value_count; /* of all axes so far */
    char *message;
};

__attribute__((format(printf, 3, 4))) static bool fail_at(char *message, size_t position,
                                                          const char *format, ...)
{
    va_list arguments;
    int length = snprintf(message, MATRIX_MESSAGE_BYTES, "character %zu: ", position);

    va_start(arguments, format);
    vsnprintf(message + length, MATRIX_MESSAGE_BYTES - (size_t)length, format, arguments);
    va_end(arguments);
    return false;
}

static size_t position_of(const struct parser *parser, const char *part)
{
    return (size_t)(part - parser->matrix->bytes) + 1;
}

static char *trim(char *text)
{
    text += strspn(text, BLANKS);
    for (size_t end = strlen(text); end > 0 && strchr(BLANKS, text[end - 1]) != NULL; end--)
        text[end - 1] = '\0';
    return text;
}

static bool add_value(struct parser *parser, struct matrix_axis *axis, const char *value)
{
    size_t position = position_of(parser, value);
    bool is_switch = axis->known != NULL && axis->known->is_switch;

    if (*value == '\0')
        return fail_at(parser->message, position, "a value of '%s' is empty", axis->key);
    if (is_switch && strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
        return fail_at(parser->message, position, "'%s' of '%s' is not on or off", value,
                       axis->key);
    for (size_t i = 0; i < axis->value_count; i++)
        if (strcmp(axis->values[i], value) == 0)
            return fail_at(parser->message, position, "'%s' has the value '%s' twice", axis->key,
                           value);
    axis->values[axis->value_count++] = value;
    parser->value_count++;
    return true;
}

/* Can this be the key of one more axis? */
static bool check_key(const struct parser *parser, const char *key)
{
    static const char letters[] =
        "0123456789._-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const struct matrix *matrix = parser->matrix;
    size_t position = position_of(parser, key);

    if (*key == '\0')
        return fail_at(parser->message, position, "an axis has no key");
    if (key[strspn(key, letters)] != '\0')
        return fail_at(parser->message, position, "'%s' cannot be a key", key);
    for (size_t i = 0; i < matrix->axis_count; i++)
        if (strcmp(matrix->axes[i].key, key) == 0)
            return fail_at(parser->message, position, "the axis '%s' is there twice", key);
    if (matrix->axis_count == MATRIX_AXES_MAX)
        return fail_at(parser->message, position, "more than %d axes", MATRIX_AXES_MAX);
    return true;
}

static bool parse_axis(struct parser *parser, char *text)
{
    struct matrix *matrix = parser->matrix;
    struct matrix_axis *axis = &matrix->axes[matrix->axis_count];
    char *key = strsep(&text, "=");
    char *value;

    if (text == NULL)
        return fail_at(parser->message, position_of(parser, key),
                       "'%s' is no axis, which is key=value,value", key);
    key = trim(key);
    if (!check_key(parser, key))
        return false;
    *axis = (struct matrix_axis){.key = key,
                                 .known = find_key(key),
                                 .values = matrix->values + parser->value_count,
                                 .position = position_of(parser, key)};
    while ((value = strsep(&text, ",")) != NULL)
        if (!add_value(parser, axis, trim(value)))
            return false;
    if (axis->value_count > MATRIX_CELLS_MAX / matrix->cell_count)
        return fail_at(parser->message, axis->position, "more than %d cells", MATRIX_CELLS_MAX);
    matrix->cell_count *= axis->value_count;
    matrix->axis_count++;
    return true;
}

static bool check_letters(const char *text, char *message)
{
    for (const char *letter = text; *letter != '\0'; letter++)
        if (((unsigned char)*letter < ' ' && strchr(BLANKS, *letter) == NULL) || *letter == 0x7f)
            return fail_at(message, (size_t)(letter - text) + 1, "a control character");
    json_t *string = json_string(text);
    bool is_utf8 = string != NULL;
    json_decref(string);
    return is_utf8 || fail_at(message, 1, "this is not UTF-8");
}

static size_t count_parts(const char *text)
{
    size_t count = 1;

    while ((text = strpbrk(text, ";,")) != NULL) {
        text++;
        count++;
    }
    return count;
}

static bool parse_axes(struct parser *parser)
{
    char *rest = parser->matrix->bytes;
    char *text;

    while ((text = strsep(&rest, ";")) != NULL)
        if (!parse_axis(parser, trim(text)))
            return false;
    return true;
}

int matrix_parse(struct matrix *ret_matrix, const char *text, char *ret_message)
{
    struct parser parser = {.matrix = ret_matrix, .message = ret_message};

    *ret_matrix = (struct matrix){.cell_count = 1};
    if (!check_letters(text, ret_message))
        return -EINVAL;
    ret_matrix->bytes = strdup(text);
    ret_matrix->values = calloc(count_parts(text), sizeof *ret_matrix->values);
    if (ret_matrix->bytes == NULL || ret_matrix->values == NULL) {
        snprintf(ret_message, MATRIX_MESSAGE_BYTES, "no memory");
        matrix_free(ret_matrix);
        return -ENOMEM;
    }
    if (parse_axes(&parser))
        return 0;
    matrix_free(ret_matrix);
    return -EINVAL;
}

void matrix_free(struct matrix *matrix)
{
    free(matrix->bytes);
    free(matrix->values);
    *matrix = (struct matrix){0};
}

/* --- words that are templates ----------------------------------------------------------------- */

/* Is this a {key} of the axis? */
static bool is_place(const char *text, const struct matrix_axis *axis)
{
    size_t length = strlen(axis->key);

    return text[0] == '{' && strncmp(text + 1, axis->key, length) == 0 && text[1 + length] == '}';
}

static bool has_place(const struct matrix_axis *axis, const struct matrix_base *base)
{
    for (size_t i = 0; i < base->word_count; i++)
        for (const char *text = base->words[i]; *text != '\0'; text++)
            if (is_place(text, axis))
                return true;
    return false;
}

static bool is_option_among(const char *option, const struct matrix_base *base)
{
    for (size_t i = 0; i < base->word_count; i++)
        if (strcmp(base->words[i], option) == 0)
            return true;
    return false;
}

static bool check_axis(const struct matrix_axis *axis, const struct matrix_base *base,
                       char *message)
{
    const struct axis_row *known = axis->known;
    bool has_option = known != NULL && !(known->is_server && base->has_server);

    if (has_option && is_option_among(known->option, base))
        return fail_at(message, axis->position, "'%s' is an axis, and so %s cannot be an option",
                       axis->key, known->option);
    if (has_option || has_place(axis, base))
        return true;
    return known == NULL
               ? fail_at(message, axis->position,
                         "'%s' is no option of a run, and no word has {%s}", axis->key, axis->key)
               : fail_at(message, axis->position,
                         "'%s' needs the embedded server, or a URL that has {%s}", axis->key,
                         axis->key);
}

bool matrix_check(const struct matrix *matrix, const struct matrix_base *base, char *ret_message)
{
    for (size_t i = 0; i < matrix->axis_count; i++)
        if (!check_axis(&matrix->axes[i], base, ret_message))
            return false;
    return true;
}

/* Writes a word with its places filled, and its terminating zero. */
static void fill(const struct matrix *matrix, size_t cell, const char *word, FILE *out)
{
    while (*word != '\0') {
        size_t i = 0;
        while (i < matrix->axis_count && !is_place(word, &matrix->axes[i]))
            i++;
        if (i < matrix->axis_count) {
            fputs(matrix_value(matrix, cell, i), out);
            word += strlen(matrix->axes[i].key) + 2;
        } else {
            fputc(*word++, out);
        }
    }
    fputc('\0', out);
}

/* --- cells ------------------------------------------------------------------------------------ */

const char *matrix_value(const struct matrix *matrix, size_t cell, size_t axis)
{
    for (size_t i = matrix->axis_count - 1; i > axis; i--)
        cell /= matrix->axes[i].value_count;
    return matrix->axes[axis].values[cell % matrix->axes[axis].value_count];
}

/* jansson takes NULL for a value, which then is an error like any other. */
static json_t *list_values(const struct matrix_axis *axis)
{
    json_t *list = json_array();
    bool is_bad = list == NULL;

    for (size_t i = 0; i < axis->value_count; i++)
        is_bad |= json_array_append_new(list, json_string(axis->values[i])) != 0;
    if (!is_bad)
        return list;
    json_decref(list);
    return NULL;
}

json_t *matrix_axes(const struct matrix *matrix)
{
    json_t *axes = json_object();
    bool is_bad = axes == NULL;

    for (size_t i = 0; i < matrix->axis_count; i++)
        is_bad |=
            json_object_set_new(axes, matrix->axes[i].key, list_values(&matrix->axes[i])) != 0;
    if (!is_bad)
        return axes;
    json_decref(axes);
    return NULL;
}

json_t *matrix_cell(const struct matrix *matrix, size_t cell)
{
    json_t *object = json_object();
    bool is_bad = object == NULL;

    for (size_t i = 0; i < matrix->axis_count; i++)
        is_bad |= json_object_set_new(object, matrix->axes[i].key,
                                      json_string(matrix_value(matrix, cell, i))) != 0;
    if (!is_bad)
        return object;
    json_decref(object);
    return NULL;
}

static bool find_value(const struct matrix_axis *axis, const char *value, size_t *ret_index)
{
    for (size_t i = 0; value != NULL && i < axis->value_count; i++)
        if (strcmp(axis->values[i], value) == 0) {
            *ret_index = i;
            return true;
        }
    return false;
}

bool matrix_find(const struct matrix *matrix, const json_t *cell, size_t *ret_cell)
{
    size_t index;

    *ret_cell = 0;
    for (size_t i = 0; i < matrix->axis_count; i++) {
        const struct matrix_axis *axis = &matrix->axes[i];
        if (!find_value(axis, text_at(cell, axis->key), &index))
            return false;
        *ret_cell = *ret_cell * axis->value_count + index;
    }
    return json_object_size(cell) == matrix->axis_count;
}

void matrix_text(const struct matrix *matrix, size_t cell, char *ret_text, size_t size)
{
    size_t length = 0;

    for (size_t i = 0; i < matrix->axis_count && length < size; i++)
        length += (size_t)snprintf(ret_text + length, size - length, "%s%s=%s", i == 0 ? "" : " ",
                                   matrix->axes[i].key, matrix_value(matrix, cell, i));
}

/* Writes an axis's words, each with its terminating zero; returns how many. */
static size_t write_axis(const struct matrix_axis *axis, const char *value, FILE *out)
{
    if (axis->known->is_switch && strcmp(value, "off") == 0)
        return 0;
    fputs(axis->known->option, out);
    fputc('\0', out);
    if (axis->known->is_switch)
        return 1;
    fputs(value, out);
    fputc('\0', out);
    return 2;
}

static size_t write_words(const struct matrix *matrix, size_t cell, const struct matrix_base *base,
                          FILE *out)
{
    size_t count = base->word_count;

    for (size_t i = 0; i < base->word_count; i++)
        fill(matrix, cell, base->words[i], out);
    for (size_t i = 0; i < matrix->axis_count; i++) {
        const struct matrix_axis *axis = &matrix->axes[i];
        if (axis->known != NULL && !(axis->known->is_server && base->has_server))
            count += write_axis(axis, matrix_value(matrix, cell, i), out);
    }
    return count;
}

bool matrix_words(const struct matrix *matrix, size_t cell, const struct matrix_base *base,
                  struct matrix_words *ret_words)
{
    size_t size;

    *ret_words = (struct matrix_words){0};
    FILE *out = open_memstream(&ret_words->bytes, &size);
    if (out == NULL)
        return false;
    ret_words->count = write_words(matrix, cell, base, out);
    bool is_whole = fclose(out) == 0;
    ret_words->words = calloc(ret_words->count + 1, sizeof *ret_words->words);
    if (!is_whole || ret_words->words == NULL) {
        matrix_words_free(ret_words);
        return false;
    }
    char *word = ret_words->bytes;
    for (size_t i = 0; i < ret_words->count; i++) {
        ret_words->words[i] = word;
        word += strlen(word) + 1;
    }
    return true;
}

void matrix_words_free(struct matrix_words *words)
{
    free(words->words);
    free(words->bytes);
    *words = (struct matrix_words){0};
}
