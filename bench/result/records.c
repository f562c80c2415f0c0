/* Owns the reading of result files. The idea: whoever gets a record need not look twice. What any
 * object must be is looked at when it is read; a sweep's first line gives the matrix, and every
 * other line is held against that, so that its readers get numbers of cells. */

#include "bench/result/records.h"
#include "bench/base/json_at.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool records_fail(struct records *records, const char *format, ...)
{
    va_list arguments;
    int length = records->line == 0
                     ? snprintf(records->message, sizeof records->message, "%s: ", records->path)
                     : snprintf(records->message, sizeof records->message,
                                "%s:%zu: ", records->path, records->line);

    if ((size_t)length >= sizeof records->message)
        return false;
    va_start(arguments, format);
    vsnprintf(records->message + length, sizeof records->message - (size_t)length, format,
              arguments);
    va_end(arguments);
    return false;
}

/* Takes the next line that has its end, and is not blank, into text. RECORDS_END: ret_length is
 * that of a line without end. */
static enum records_next read_line(struct records *records, size_t *ret_length)
{
    do {
        ssize_t length = getline(&records->text, &records->text_size, records->in);
        if (length < 0 && !feof(records->in)) {
            records_fail(records, "cannot be read: %s", strerror(errno));
            return RECORDS_BAD;
        }
        *ret_length = length < 0 ? 0 : (size_t)length;
        records->is_torn |= length > 0 && records->text[length - 1] != '\n';
        if (length < 0 || records->is_torn)
            return RECORDS_END;
        records->line++;
        records->whole_bytes += length;
    } while (strspn(records->text, " \t\r\n") == *ret_length);
    return RECORDS_ONE;
}

/* --- objects ---------------------------------------------------------------------------------- */

/* A file from where reading began: what of it was taken already, then the rest. It may be a pipe,
 * so that there is no way back. */
struct whole {
    const char *taken;
    size_t length;
    FILE *in;
};

static size_t read_whole(void *buffer, size_t size, void *from)
{
    struct whole *whole = from;
    size_t length = whole->length < size ? whole->length : size;

    if (length == 0)
        return fread(buffer, 1, size, whole->in);
    memcpy(buffer, whole->taken, length);
    whole->taken += length;
    whole->length -= length;
    return length;
}

/* A file whose first line is not an object is one object over many lines: no line is whole then. */
static enum records_next read_json(struct records *records, json_t **ret_json)
{
    json_error_t fault;
    size_t length;
    bool is_first = records->line == 0;
    enum records_next next = read_line(records, &length);

    if (next == RECORDS_BAD || (next == RECORDS_END && !is_first))
        return next;
    *ret_json = next == RECORDS_ONE
                    ? json_loadb(records->text, length - 1, JSON_REJECT_DUPLICATES, &fault)
                    : NULL;
    if (*ret_json == NULL && is_first) {
        struct whole whole = {records->text, length, records->in};
        *ret_json = json_load_callback(read_whole, &whole, JSON_REJECT_DUPLICATES, &fault);
        records->line += next == RECORDS_END;
        records->whole_bytes = 0;
        records->is_torn = false;
    }
    if (*ret_json != NULL)
        return RECORDS_ONE;
    records->line += fault.line > 1 ? (size_t)fault.line - 1 : 0;
    records_fail(records, "is no JSON: %s", fault.text);
    return RECORDS_BAD;
}

enum record_kind record_kind(const json_t *json)
{
    static const char *const names[] = {"", "sweep", "cell", "run", "compare"};
    const char *schema = text_at(json, "schema"), *name = text_at(json, "kind");
    bool is_known = schema != NULL && name != NULL && strcmp(schema, RECORDS_SCHEMA) == 0;
    enum record_kind kind = is_known ? RECORD_COMPARE : RECORD_NONE;

    while (kind != RECORD_NONE && strcmp(name, names[kind]) != 0)
        kind--;
    return kind;
}

/* Says that an object is of another kind, or why it is of none. */
static bool fail_kind(struct records *records, const json_t *json, const char *sentence)
{
    const char *schema = text_at(json, "schema");

    if (schema == NULL)
        return records_fail(records, "has no schema, so it is no result of haul bench");
    if (strcmp(schema, RECORDS_SCHEMA) != 0)
        return records_fail(records, "has the schema '%.40s', this reads %s", schema,
                            RECORDS_SCHEMA);
    return records_fail(records, "%s", sentence);
}

static bool take_cell(struct records *records, struct record *record)
{
    record->round = json_integer_value(json_object_get(record->json, "round"));
    record->run = json_object_get(record->json, "run");
    record->failed = text_at(record->json, "failed");
    if (record->round < 1)
        return records_fail(records, "its \"round\" is not a number from 1 on");
    if (json_is_object(record->run) == (record->failed != NULL))
        return records_fail(records, "it has neither one \"run\" nor one sentence in \"failed\"");
    if (record->failed != NULL)
        record->run = NULL;
    else if (record_kind(record->run) != RECORD_RUN)
        return fail_kind(records, record->run, "the run is of no kind run");
    return true;
}

static bool take_object(struct records *records, struct record *record)
{
    record->kind = record_kind(record->json);
    record->path = records->path;
    record->line = records->line;
    if (record->kind == RECORD_NONE)
        return fail_kind(records, record->json, "is no sweep, cell, run or comparison");
    if (record->kind == RECORD_CELL)
        return take_cell(records, record);
    if (record->kind == RECORD_RUN) {
        record->run = record->json;
        record->round = 1;
    }
    return true;
}

bool records_open_any(struct records *records, const char *path)
{
    *records = (struct records){.path = path, .in = fopen(path, "re")};
    return records->in != NULL || records_fail(records, "cannot be opened: %s", strerror(errno));
}

enum records_next records_read_any(struct records *records, struct record *ret_record)
{
    *ret_record = (struct record){0};
    enum records_next next = read_json(records, &ret_record->json);
    if (next != RECORDS_ONE || take_object(records, ret_record))
        return next;
    record_free(ret_record);
    return RECORDS_BAD;
}

void record_free(struct record *record)
{
    json_decref(record->json);
    record->json = NULL;
}

void records_close(struct records *records)
{
    if (records->in != NULL)
        fclose(records->in);
    if (records->head != NULL)
        matrix_free(&records->matrix);
    json_decref(records->head);
    record_free(&records->single);
    free(records->text);
}

/* --- a sweep, or a single run ----------------------------------------------------------------- */

static bool take_head(struct records *records)
{
    char message[MATRIX_MESSAGE_BYTES];
    const char *text = text_at(records->head, "matrix");
    json_int_t rounds = json_integer_value(json_object_get(records->head, "rounds"));

    records->head_bytes = records->whole_bytes;
    if (records->head_bytes == 0)
        return records_fail(records, "the first line of a sweep is not whole");
    if (text == NULL)
        return records_fail(records, "'matrix' is no string");
    if (matrix_parse(&records->matrix, text, message) != 0)
        return records_fail(records, "'matrix' at %s", message);
    if (rounds < 1 || rounds > RECORDS_RUNS_MAX / (json_int_t)records->matrix.cell_count)
        return records_fail(records, "'rounds' is no number from 1 to %d by cells",
                            RECORDS_RUNS_MAX);
    records->rounds = (uint32_t)rounds;
    return true;
}

bool records_open(struct records *records, const char *path)
{
    struct record *first = &records->single;

    if (!records_open_any(records, path) || records_read_any(records, first) != RECORDS_ONE)
        return false;
    if (first->kind == RECORD_SWEEP) {
        records->head = first->json;
        first->json = NULL;
        return take_head(records);
    }
    return first->kind == RECORD_RUN || records_fail(records, "is no sweep and no run");
}

static bool check_cell(struct records *records, struct record *record)
{
    if (records->head == NULL)
        return records_fail(records, "there is more behind the run, which is a file of its own");
    if (record->kind != RECORD_CELL)
        return records_fail(records, "is of no kind cell");
    if (!matrix_find(&records->matrix, json_object_get(record->json, "cell"), &record->cell))
        return records_fail(records, "'cell' is none of the matrix in line 1");
    return record->round <= records->rounds ||
           records_fail(records, "'round' is no number from 1 to %u", records->rounds);
}

enum records_next records_read(struct records *records, struct record *ret_record)
{
    if (records->single.json != NULL) {
        *ret_record = records->single;
        records->single.json = NULL;
        return RECORDS_ONE;
    }
    enum records_next next = records_read_any(records, ret_record);
    bool is_more = next == RECORDS_ONE || (records->head == NULL && records->is_torn);
    if (!is_more || check_cell(records, ret_record))
        return next;
    record_free(ret_record);
    return RECORDS_BAD;
}
