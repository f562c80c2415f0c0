/* Owns the reading of result files. The idea: a sweep is a first line that gives the matrix, and
 * every other line is held against it, so that readers get numbers of cells and need not look
 * twice. */

#include "bench/records.h"
#include "bench/json_at.h"

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

/* Takes the next line that has its end into text. */
static enum records_next read_line(struct records *records)
{
    ssize_t length = getline(&records->text, &records->text_size, records->in);

    if (length < 0 && feof(records->in))
        return RECORDS_END;
    if (length < 0) {
        records_fail(records, "cannot be read: %s", strerror(errno));
        return RECORDS_BAD;
    }
    if (records->text[length - 1] != '\n') {
        records->is_torn = true;
        return RECORDS_END;
    }
    records->line++;
    records->whole_bytes += length;
    return RECORDS_ONE;
}

static bool is_text(const char *text, const char *wish)
{
    return text != NULL && strcmp(text, wish) == 0;
}

static bool check_schema(struct records *records, const json_t *object)
{
    const char *schema = text_at(object, "schema");

    if (is_text(schema, RECORDS_SCHEMA))
        return true;
    return schema == NULL ? records_fail(records, "has no schema, so it is no result of haul bench")
                          : records_fail(records, "has the schema '%.40s', this reads %s", schema,
                                         RECORDS_SCHEMA);
}

static bool check_run(struct records *records, const json_t *run)
{
    if (!json_is_object(run))
        return records_fail(records, "a run is an object, and this is none");
    if (!check_schema(records, run))
        return false;
    return is_text(text_at(run, "kind"), "run") ||
           records_fail(records, "the run is of no kind run");
}

/* --- the first line --------------------------------------------------------------------------- */

static bool take_head(struct records *records)
{
    char message[MATRIX_MESSAGE_BYTES];
    const char *text = text_at(records->head, "matrix");
    json_int_t rounds = json_integer_value(json_object_get(records->head, "rounds"));

    records->head_bytes = records->whole_bytes;
    if (!check_schema(records, records->head))
        return false;
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

/* A run is a file of its own, however its lines are broken. */
static bool take_single(struct records *records)
{
    json_error_t fault;

    rewind(records->in);
    records->single = json_loadf(records->in, JSON_REJECT_DUPLICATES, &fault);
    records->line = records->single == NULL && fault.line > 0 ? (size_t)fault.line : 1;
    if (records->single == NULL)
        return records_fail(records, "is no JSON: %s", fault.text);
    return check_run(records, records->single);
}

bool records_open(struct records *records, const char *path)
{
    *records = (struct records){.path = path, .in = fopen(path, "re")};
    if (records->in == NULL)
        return records_fail(records, "cannot be opened: %s", strerror(errno));
    enum records_next next = read_line(records);
    if (next == RECORDS_BAD)
        return false;
    if (next == RECORDS_ONE)
        records->head =
            json_loadb(records->text, (size_t)records->whole_bytes, JSON_REJECT_DUPLICATES, NULL);
    if (is_text(text_at(records->head, "kind"), "sweep"))
        return take_head(records);
    json_decref(records->head);
    records->head = NULL;
    return take_single(records);
}

void records_close(struct records *records)
{
    if (records->in != NULL)
        fclose(records->in);
    if (records->head != NULL)
        matrix_free(&records->matrix);
    json_decref(records->head);
    json_decref(records->single);
    free(records->text);
}

/* --- cells ------------------------------------------------------------------------------------ */

static bool take_cell(struct records *records, struct record *record)
{
    json_int_t round = json_integer_value(json_object_get(record->json, "round"));

    if (!check_schema(records, record->json))
        return false;
    if (!is_text(text_at(record->json, "kind"), "cell"))
        return records_fail(records, "is of no kind cell");
    if (!matrix_find(&records->matrix, json_object_get(record->json, "cell"), &record->cell))
        return records_fail(records, "'cell' is none of the matrix in line 1");
    if (round < 1 || round > records->rounds)
        return records_fail(records, "'round' is no number from 1 to %u", records->rounds);
    record->round = (uint32_t)round;
    record->failed = text_at(record->json, "failed");
    if (record->failed != NULL)
        return true;
    record->run = json_object_get(record->json, "run");
    return check_run(records, record->run);
}

static enum records_next read_cell(struct records *records, struct record *record)
{
    json_error_t fault;
    off_t begin = records->whole_bytes;
    enum records_next next = read_line(records);

    if (next != RECORDS_ONE)
        return next;
    record->line = records->line;
    record->json = json_loadb(records->text, (size_t)(records->whole_bytes - begin),
                              JSON_REJECT_DUPLICATES, &fault);
    if (record->json == NULL)
        records_fail(records, "is no JSON: %s", fault.text);
    return record->json != NULL && take_cell(records, record) ? RECORDS_ONE : RECORDS_BAD;
}

static enum records_next read_single(struct records *records, struct record *record)
{
    if (records->single == NULL)
        return RECORDS_END;
    *record = (struct record){.json = records->single, .line = 1, .round = 1};
    record->run = record->json;
    records->single = NULL;
    return RECORDS_ONE;
}

enum records_next records_read(struct records *records, struct record *ret_record)
{
    *ret_record = (struct record){0};
    enum records_next next =
        records->head != NULL ? read_cell(records, ret_record) : read_single(records, ret_record);
    if (next != RECORDS_ONE)
        record_free(ret_record);
    return next;
}

void record_free(struct record *record)
{
    json_decref(record->json);
    record->json = NULL;
}
