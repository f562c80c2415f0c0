#ifndef PROTO_HTTP_IDNA_H
#define PROTO_HTTP_IDNA_H

/* Host names beyond ASCII by the A-labels that DNS, certificates and servers know them by (UTS 46,
 * IDNA 2008). The one place that knows libidn2, which haul may be built without. */

#include "proto/error.h"
#include "proto/span.h"

/* Converts a host of UTF-8 that has bytes beyond ASCII: mapped as UTS 46 says, not in its
 * transitional manner, so that a sharp s stays what it is. ret_ascii (size bytes) is
 * zero-terminated; that it has only bytes of host names is the caller's to check. Takes memory, and
 * gives it back. Errors: PROTO_IDNA_*. */
enum proto_error idna_to_ascii(struct span host, char *ret_ascii, size_t size);

/* libidn2's version; NULL: haul was built without it. */
const char *idna_version(void);

#endif
