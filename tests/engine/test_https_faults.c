/* Faults, by https. */

#include "tests/lib/engine/faults.h"
#include "tests/lib/gathering.h"
#include "tests/lib/tls/tls_loopback.h"
#include "tests/lib/tls/tls_relay.h"

static uint16_t port(void)
{
    return tls_relay_port(gathering_server_port());
}

/* A word: the client's library is OpenSSL, and the version 1.3. */
int main(int count, char **words)
{
    (void)words;
    if (count > 1 && !haul_openssl_version())
        return 77; /* meson: skipped */
    if (count > 1) {
        tls_loopback_version(TLS1_3_VERSION);
        gathering_backend(HAUL_BACKEND_OPENSSL);
    }
    gathering_trust(tls_loopback_roots());
    return faults_main(port);
}
