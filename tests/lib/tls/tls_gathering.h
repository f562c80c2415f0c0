#ifndef TESTS_LIB_TLS_TLS_GATHERING_H
#define TESTS_LIB_TLS_TLS_GATHERING_H

/* What holds whatever carries it: rows and scenarios over each loop, plainly and over TLS. Who
 * links this has the linker wrap time(), as for tls_loopback.h. */

#include "tests/lib/gathering.h"

/* gathering_main() twice. For main() to return. */
int tls_gathering_main(const struct gathering_row *rows, size_t row_count,
                       const struct gathering_scenario *scenarios, size_t scenario_count);

#endif
