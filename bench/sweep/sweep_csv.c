/* Owns a sweep's file as CSV: what the cells are and what they came to, a row a run. What is in the
 * file counts, whoever has put it there. */

#include "bench/sweep/sweep_csv.h"

#include "bench/base/replace.h"
#include "bench/result/records.h"
#include "bench/result/result.h"

#include <inttypes.h>
#include <string.h>

static void put_head(FILE *out, const struct matrix *matrix)
{
    for (size_t i = 0; i < matrix->axis_count; i++) {
        csv_text(out, matrix->axes[i].key);
        fputc(',', out);
    }
    fputs("round,failed,", out);
    result_csv_head(out);
}

static void put_row(FILE *out, const struct matrix *matrix, const struct record *record,
                    size_t stage)
{
    const json_t *cell = json_object_get(record->json, "cell");
    for (size_t i = 0; i < matrix->axis_count; i++) {
        const char *value = json_string_value(json_object_get(cell, matrix->axes[i].key));
        csv_text(out, value != NULL ? value : "");
        fputc(',', out);
    }
    fprintf(out, "%" JSON_INTEGER_FORMAT ",", record->round);
    csv_text(out, record->failed != NULL ? record->failed : "");
    fputc(',', out);
    result_csv_row(out, record->run, stage);
}

int sweep_csv_write(const char *from, const char *to, struct records *records)
{
    struct replace file;
    struct record record;
    enum records_next next = RECORDS_BAD;
    int error = 0;
    if (!records_open(records, from))
        return -1;
    error = replace_open(&file, to);
    if (error) {
        records_fail(records, "%s: %s", to, strerror(-error));
        return -1;
    }
    put_head(file.out, &records->matrix);
    while ((next = records_read(records, &record)) == RECORDS_ONE) {
        for (size_t stage = 0; stage <= result_stages(record.run); stage++)
            put_row(file.out, &records->matrix, &record, stage);
        record_free(&record);
    }
    if (next == RECORDS_BAD) {
        replace_abandon(&file);
        return -1;
    }
    error = replace_commit(&file);
    if (error)
        records_fail(records, "%s: %s", to, strerror(-error));
    return error ? -1 : 0;
}
