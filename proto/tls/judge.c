/* From a server's certificates to the end of a handshake, or its going on: the verdict, from the
 * cache where it is known, how long a session may live by it, and the pins. The hard idea is what a
 * remembered verdict depends on; all of it is in its key but the trust store and the arithmetic,
 * which are a configuration's, as the cache is. */

#include "proto/tls/arithmetic.h"
#include "proto/tls/backend.h"

static struct span bytes_of(const void *bytes, size_t length)
{
    return (struct span){bytes, length};
}

/* What a verdict depends on, beside the trust store: the certificates, cut as they were sent, the
 * host and the policy. All of them are kept: there are VERIFY_CHAIN_MAX at most. */
static void verdict_key(const struct tls *tls, const struct tls_config *config,
                        const struct tls_chain *chain, unsigned char ret_key[VERIFY_KEY_BYTES])
{
    struct span pieces[VERIFY_CHAIN_MAX + 3];
    size_t lengths[VERIFY_CHAIN_MAX + 1], count = 0;

    lengths[0] = chain->count;
    for (size_t i = 0; i < chain->count; i++)
        lengths[i + 1] = chain->certificates[i].length;
    pieces[count++] = bytes_of(lengths, (chain->count + 1) * sizeof(lengths[0]));
    for (size_t i = 0; i < chain->count; i++)
        pieces[count++] = chain->certificates[i];
    pieces[count++] = bytes_of(tls->host, tls->host_length);
    pieces[count++] = bytes_of(&config->is_legacy, sizeof(config->is_legacy));
    tls_hash(config->arithmetic, &br_sha256_vtable, pieces, count, ret_key);
}

static void chain_verify(const struct tls *tls, const struct tls_config *config,
                         const struct tls_chain *chain, struct verify_result *ret_result)
{
    struct verify_policy policy = {.host = {tls->host, tls->host_length},
                                   .now_s = tls->now_s,
                                   .is_legacy = config->is_legacy,
                                   .is_wide = config->backend->is_wide};

    verify_chain(chain->certificates, chain->count, config->trust, &policy,
                 config->backend->check_signature, config->arithmetic, ret_result);
}

/* The same, from the cache where the verdict is known. */
static void chain_verify_cached(const struct tls *tls, const struct tls_config *config,
                                const struct tls_chain *chain, struct verify_result *ret_result)
{
    unsigned char key[VERIFY_KEY_BYTES];

    verdict_key(tls, config, chain, key);
    if (verify_cache_has(config->verdicts, key, tls->now_s, ret_result))
        return;
    chain_verify(tls, config, chain, ret_result);
    verify_cache_add(config->verdicts, key, ret_result);
}

/* A verdict holds for as long as every certificate of its path, and a session no longer than its
 * verdict. One that was bad is not of a path, and does not count where a session is made all the
 * same. */
static void session_limit(struct tls *tls, const struct verify_result *result)
{
    tls->made_s = tls->now_s;
    tls->not_after_s = tls->now_s + TLS_SESSION_S;
    if (result->verdict == VERIFY_OK && result->not_after_s < tls->not_after_s)
        tls->not_after_s = result->not_after_s;
}

static void chain_verdict(struct tls *tls, const struct tls_config *config,
                          const struct tls_chain *chain)
{
    struct verify_result result = {.verdict = VERIFY_OK};

    if (chain->is_too_large)
        result.verdict = VERIFY_TOO_LARGE;
    else if (chain->kept < chain->count || config->verdicts == NULL)
        chain_verify(tls, config, chain, &result);
    else
        chain_verify_cached(tls, config, chain, &result);
    tls->verdict = (uint8_t)result.verdict;
    tls->certificate = result.certificate;
    session_limit(tls, &result);
}

static bool pin_matches(const struct tls_config *config, struct span public_key)
{
    unsigned char hash[TLS_PIN_BYTES];
    bool matches = config->pin_count == 0;

    if (!matches)
        tls_hash(config->arithmetic, &br_sha256_vtable, &public_key, 1, hash);
    for (size_t i = 0; i < config->pin_count && !matches; i++)
        matches = memcmp(hash, config->pins[i], TLS_PIN_BYTES) == 0;
    return matches;
}

void tls_certificate_unusable(struct tls *tls, enum verify_verdict verdict)
{
    if (tls->verdict == VERIFY_OK) {
        tls->verdict = (uint8_t)verdict;
        tls->certificate = 0;
    }
}

enum tls_error tls_judge(struct tls *tls, const struct tls_config *config,
                         const struct tls_chain *chain, struct certificate *ret_leaf)
{
    chain_verdict(tls, config, chain);
    if (tls->verdict != VERIFY_OK && !config->is_insecure)
        return TLS_CERTIFICATE;
    if (chain->kept == 0 || !certificate_parse(chain->certificates[0], ret_leaf)) {
        tls_certificate_unusable(tls, VERIFY_MALFORMED);
        return TLS_CERTIFICATE;
    }
    return pin_matches(config, ret_leaf->public_key) ? TLS_OK : TLS_PIN;
}
