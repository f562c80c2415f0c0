/* The client of recorded handshakes: the seed, the session and the time never change. */

#include "tests/lib/tls/tls_fixed.h"

enum { FIXED_NOW_S = 1700000000 };

const struct tls_session tls_fixed_session = {
    .id = "a session id that never changes",
    .master_secret = "forty-eight bytes that are no secret to anybody",
    .version = 0x0303,
    .suite = 0xc02b,
    .id_length = 32,
    .not_after_s = FIXED_NOW_S,
};

struct tls_config *tls_fixed_config(const struct trust *trust, enum tls_backend_name backend,
                                    unsigned flags)
{
    struct tls_options options = {.backend = backend,
                                  .trust = trust,
                                  .chain_count = 1,
                                  .verdict_count = 4,
                                  .is_insecure = (flags & TLS_FIXED_INSECURE) != 0,
                                  .is_legacy = (flags & TLS_FIXED_LEGACY) != 0};
    struct tls_config *config;

    tls_config_open(&options, &config);
    return config;
}

struct tls *tls_fixed_init(void *memory, struct tls_config *config, unsigned flags)
{
    static const unsigned char seed[TLS_SEED_BYTES] = "32 bytes that are the same again";
    struct tls_peer peer = {.host = SPAN("a.test"), .now_s = FIXED_NOW_S, .seed = seed};

    if ((flags & TLS_FIXED_SESSION) != 0)
        peer.session = &tls_fixed_session;
    return tls_init(memory, config, &peer);
}
