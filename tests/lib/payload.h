#ifndef TESTS_LIB_PAYLOAD_H
#define TESTS_LIB_PAYLOAD_H

/* HdrHistogram payloads put together and taken apart without bench/statistics/hdrlog.c, to be given
 * to it with anything inside. Needs no test framework. Aborts where there is no memory. */

#include "proto/span.h"

/* bytes in base64, zero-terminated; the caller frees it. */
char *payload_of_packed(struct span packed);

/* The same of the envelope around raw, which is deflated: cookie and length are right. */
char *payload_of_raw(struct span raw);

/* What a payload compresses; the caller frees it. Aborts where there is nothing. */
char *payload_raw(const char *payload, size_t *ret_length);

#endif
