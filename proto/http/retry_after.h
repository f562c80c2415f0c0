#ifndef PROTO_HTTP_RETRY_AFTER_H
#define PROTO_HTTP_RETRY_AFTER_H

/* How long a reply asks to wait: its Retry-After (RFC 9110, 10.2.3). */

#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

/* Longer waits count as this. */
#define RETRY_AFTER_MOST_S (INT64_C(1) << 33)

/* Seconds from the reply on, of a head that response_feed() accepted; the longest of several. A
 * date counts against the head's own Date, or, where it has none, against now_s (seconds since
 * 1970); one that has passed is 0. False: there is none that can be read. */
bool retry_after_find(struct span head, int64_t now_s, int64_t *ret_s);

/* Reads a date in any of the three forms of RFC 9110, 5.6.7, as seconds since 1970. */
bool http_date_read(struct span text, int64_t *ret_s);

#endif
