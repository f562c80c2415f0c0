/* Owns the order of the two runs: what TLS needs is made before any thread, and so before the plain
 * one. */

#include "tests/lib/tls/tls_gathering.h"

#include "tests/lib/tls/tls_loopback.h"

int tls_gathering_main(const struct gathering_row *rows, size_t row_count,
                       const struct gathering_scenario *scenarios, size_t scenario_count)
{
    const struct loopback_layer *tls = tls_loopback_layer();
    int failed = gathering_main(rows, row_count, scenarios, scenario_count);
    loopback_use(tls);
    gathering_trust(tls_loopback_roots());
    return failed + gathering_main(rows, row_count, scenarios, scenario_count);
}
