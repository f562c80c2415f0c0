#ifndef TESTS_LIB_CODED_H
#define TESTS_LIB_CODED_H

/* Bodies in content codings, made by the libraries' own encoders. Needs no test framework. Aborts
 * where there is no memory. */

#include "proto/span.h"

/* "gzip", "deflate", "raw" (deflate without the header of zlib), "br", "zstd", "wide" (zstd with a
 * window of 16 MiB); in a list with commas one after the other, as Content-Encoding has it. The
 * caller frees it. */
struct span coded_make(const char *names, struct span plain);

/* Can it be made, and decoded? */
bool coded_is_there(const char *name);

/* Bytes that compress a little, always the same ones; the caller frees them. */
char *coded_text(size_t length);

#endif
