/* Faults, by https. */

#include "tests/faults.h"
#include "tests/gathering.h"
#include "tests/tls_loopback.h"
#include "tests/tls_relay.h"

static uint16_t port(void)
{
    return tls_relay_port(gathering_server_port());
}

int main(void)
{
    gathering_trust(tls_loopback_roots());
    return faults_main(port);
}
