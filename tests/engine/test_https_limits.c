/* What hosts may have, by https. */

#include "tests/lib/engine/limits.h"
#include "tests/lib/gathering.h"
#include "tests/lib/tls/tls_loopback.h"
#include "tests/lib/tls/tls_relay.h"

static uint16_t port(void)
{
    return tls_relay_port(gathering_server_port());
}

int main(void)
{
    gathering_apart();
    gathering_trust(tls_loopback_roots());
    return limits_main(port);
}
