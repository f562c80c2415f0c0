#ifndef BENCH_RECORDS_H
#define BENCH_RECORDS_H

/* Reads the file of a sweep, or of a single run, as SCHEMA.md has them. The file may hold anything:
 * whatever is wrong is said with its place, "sweep.ndjson:7: …". */

#include "bench/matrix.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define RECORDS_SCHEMA "haul-bench/1"

/* Cells times rounds. */
enum { RECORDS_RUNS_MAX = 1000000, RECORDS_MESSAGE_BYTES = 512 };

struct records {
    const char *path;
    FILE *in;
    json_t *head;         /* the first line; NULL: the file is a single run */
    json_t *single;       /* that run, until it is read */
    struct matrix matrix; /* of a sweep */
    uint32_t rounds;
    size_t line;          /* the last one read, from 1 */
    off_t head_bytes;
    off_t whole_bytes;    /* behind the last line that has its end */
    bool is_torn;         /* there is more behind that, which was not read */
    char *text;
    size_t text_size;
    char message[RECORDS_MESSAGE_BYTES];
};

/* A finished cell, or the single run. */
struct record {
    json_t *json;       /* the line, owned */
    size_t line;
    size_t cell;        /* of records.matrix; a single run: 0 */
    uint32_t round;     /* from 1; a single run: 1 */
    json_t *run;        /* borrowed from json; NULL: it failed */
    const char *failed; /* the sentence; borrowed too */
};

enum records_next { RECORDS_ONE, RECORDS_END, RECORDS_BAD };

/* path is borrowed. false: message is set; records_close() follows in every case. */
bool records_open(struct records *records, const char *path);
void records_close(struct records *records);

/* RECORDS_ONE: record_free() follows. RECORDS_BAD: message is set. A cell that failed may come
 * again; what comes last counts. */
enum records_next records_read(struct records *records, struct record *ret_record);
void record_free(struct record *record);

/* "path:line: " and the sentence into message; returns false. */
__attribute__((format(printf, 2, 3))) bool records_fail(struct records *records, const char *format,
                                                        ...);

#endif
