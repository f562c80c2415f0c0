/* Bodies that are sent from descriptors and by pieces, by https. */

#include "tests/lib/engine/uploads.h"
#include "tests/lib/tls/tls_loopback.h"

int main(void)
{
    loopback_use(tls_loopback_layer());
    gathering_trust(tls_loopback_roots());
    return gathering_main(NULL, 0, upload_scenarios, upload_scenario_count);
}
