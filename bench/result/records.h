#ifndef BENCH_RESULT_RECORDS_H
#define BENCH_RESULT_RECORDS_H

/* Reads files of results, as SCHEMA.md has them: an object a line, blank lines between them passed
 * over, or one object however its lines are broken. A file may hold anything: whatever is wrong is
 * said with its place, "sweep.ndjson:7: …". */

#include "bench/result/matrix.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define RECORDS_SCHEMA "haul-bench/1"

/* Cells times rounds. */
enum { RECORDS_RUNS_MAX = 1000000, RECORDS_MESSAGE_BYTES = 512 };

/* RECORD_NONE: the schema, or the kind, is not one of SCHEMA.md. */
enum record_kind { RECORD_NONE, RECORD_SWEEP, RECORD_CELL, RECORD_RUN, RECORD_COMPARE };

/* One object of a file. */
struct record {
    json_t *json; /* owned */
    enum record_kind kind;
    const char *path;
    size_t line;        /* where it begins */
    size_t cell;        /* of records.matrix, from records_read(); a run: 0 */
    json_int_t round;   /* of a cell, from 1; a run: 1 */
    json_t *run;        /* of these two, borrowed from json; NULL: it failed */
    const char *failed; /* the sentence; borrowed too */
};

struct records {
    const char *path;
    FILE *in;
    json_t *head;         /* a sweep's first line; NULL: the file is a single run */
    struct record single; /* that run, until it is read */
    struct matrix matrix; /* of a sweep */
    uint32_t rounds;
    size_t line; /* the last one read, from 1 */
    off_t head_bytes;
    off_t whole_bytes; /* behind the last line that has its end */
    bool is_torn;      /* there is more behind that, which was not read */
    char *text;
    size_t text_size;
    char message[RECORDS_MESSAGE_BYTES];
};

enum records_next { RECORDS_ONE, RECORDS_END, RECORDS_BAD };

enum record_kind record_kind(const json_t *json);
void record_free(struct record *record);

/* Any mix of records. path is borrowed. false: message is set; records_close() follows in every
 * case. */
bool records_open_any(struct records *records, const char *path);
void records_close(struct records *records);

/* RECORDS_ONE: record_free() follows. RECORDS_BAD: message is set. A file without any is bad. */
enum records_next records_read_any(struct records *records, struct record *ret_record);

/* The same for a file that is a sweep's or a single run: then only cells of the sweep's matrix and
 * rounds come, or that run. A cell that failed may come again; what comes last counts. */
bool records_open(struct records *records, const char *path);
enum records_next records_read(struct records *records, struct record *ret_record);

/* "path:line: " and the sentence into message; returns false. */
__attribute__((format(printf, 2, 3))) bool records_fail(struct records *records, const char *format,
                                                        ...);

#endif
