#ifndef BENCH_SWEEP_SWEEP_CSV_H
#define BENCH_SWEEP_SWEEP_CSV_H

/* A sweep for spreadsheets. */

#include "bench/result/records.h"

/* A sweep's file, from, as CSV: the axes, round and failed (the sentence why, or nothing), then the
 * columns of result_csv(); as its lines come, written whole or not at all. 0, or -1 and
 * records->message. records_close() follows in every case. */
int sweep_csv_write(const char *from, const char *to, struct records *records);

#endif
