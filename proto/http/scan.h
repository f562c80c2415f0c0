#ifndef PROTO_HTTP_SCAN_H
#define PROTO_HTTP_SCAN_H

/* The line scanner: finds the first control byte, which in a well-formed line is its CR. */

#include <stdbool.h>

/* The first byte in [p, end) that is below 0x20 and not a tab, or 0x7f; end where there is none.
 * Reads no byte outside [p, end). Uses AVX2 or SSE2 where the CPU has it. */
const char *scan_control(const char *p, const char *end);

/* The implementations behind it, for the tests: NULL where this CPU or compiler lacks one. */
typedef const char *scan_fn(const char *p, const char *end);
scan_fn *scan_control_plain(void);
scan_fn *scan_control_sse2(void);
scan_fn *scan_control_avx2(void);

/* Is c a tchar of RFC 9110, 5.6.2: a byte that a field name or a method may have? */
bool scan_is_token(char c);

/* The first byte in [p, end) that is not a tchar; end where all are. */
const char *scan_token(const char *p, const char *end);

#endif
