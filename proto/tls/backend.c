/* The one door to the TLS libraries: chooses which of them serves a configuration, and owns what a
 * connection is whichever it is. An indirect call is a nanosecond or two, which is why each of the
 * ports below may be one. */

#include "proto/tls/backend.h"

#include "proto/x509/pem.h"

#include <stdlib.h>

static const struct tls_backend *const backends[] = {
    [TLS_BEARSSL] = &tls_bearssl,
#ifdef HAUL_HAS_OPENSSL
    [TLS_OPENSSL] = &tls_libssl,
#else
    [TLS_OPENSSL] = NULL,
#endif
};

enum { BACKEND_COUNT = sizeof(backends) / sizeof(backends[0]) };

bool tls_has_backend(enum tls_backend_name name)
{
    return (size_t)name < BACKEND_COUNT && backends[name] != NULL;
}

const char *tls_backend_missing(enum tls_backend_name name)
{
    if (!tls_has_backend(name))
        return "this haul was built without OpenSSL, which alone has TLS 1.3";
    if (backends[name]->version() == NULL)
        return "OpenSSL, which alone has TLS 1.3, was there when haul was built and cannot be "
               "loaded now: libssl and libcrypto of that version are missing";
    return NULL;
}

const char *tls_backend_version(enum tls_backend_name name)
{
    return tls_has_backend(name) ? backends[name]->version() : NULL;
}

/* --- what all connections share --------------------------------------------------------------- */

static bool pins_copy(struct tls_config *config, const struct tls_options *options)
{
    config->pin_count = options->pin_count;
    if (options->pin_count == 0)
        return true;
    config->pins = calloc(options->pin_count, sizeof(config->pins[0]));
    if (config->pins != NULL)
        memcpy(config->pins, options->pins, options->pin_count * sizeof(config->pins[0]));
    return config->pins != NULL;
}

static bool verdicts_open(struct tls_config *config, size_t count)
{
    config->verdicts = count > 0 ? verify_cache_open(count) : NULL;
    return count == 0 || config->verdicts != NULL;
}

static enum tls_offer offer_of(const struct tls_backend *backend, const struct tls_options *options)
{
    if (options->version_max == TLS_VERSION_12)
        return TLS_OFFERS_12;
    if (!backend->is_wide)
        return TLS_OFFERS_LESS;
    return options->version_min == TLS_VERSION_13 ? TLS_OFFERS_13 : TLS_OFFERS_BOTH;
}

static enum tls_error config_fill(struct tls_config *config, const struct tls_backend *backend,
                                  const struct tls_options *options)
{
    config->backend = backend;
    config->trust = options->trust;
    config->is_insecure = options->is_insecure;
    config->is_legacy = options->is_legacy;
    config->has_certificate = options->certificate.length > 0;
    config->offer = (uint8_t)offer_of(backend, options);
    if (!pins_copy(config, options) || !verdicts_open(config, options->verdict_count))
        return TLS_MEMORY;
    return backend->config_fill(config, options);
}

enum tls_error tls_config_open(const struct tls_options *options, struct tls_config **ret_config)
{
    const struct tls_backend *backend = backends[options->backend];
    struct tls_config *config = calloc(1, backend->config_size);
    enum tls_error error = config != NULL ? config_fill(config, backend, options) : TLS_MEMORY;

    if (error != TLS_OK) {
        tls_config_close(config);
        config = NULL;
    }
    *ret_config = config;
    return error;
}

void tls_config_close(struct tls_config *config)
{
    if (config == NULL)
        return;
    config->backend->config_free(config);
    free(config->pins);
    verify_cache_close(config->verdicts);
    explicit_bzero(config, config->backend->config_size);
    free(config);
}

static bool span_ends_with(struct span span, struct span end)
{
    return span.length >= end.length &&
           memcmp(span.bytes + span.length - end.length, end.bytes, end.length) == 0;
}

/* RFC 1421 headers mark a key that OpenSSL encrypted in its old way; base64 has no colon. */
static bool key_is_encrypted(struct span label, struct span body)
{
    return span_equal(label, SPAN("ENCRYPTED PRIVATE KEY")) ||
           memmem(body.bytes, body.length, "Proc-Type:", strlen("Proc-Type:")) != NULL;
}

enum tls_error tls_key_block(struct span pem, struct span *ret_body)
{
    struct span label;

    while (pem_next(&pem, &label, ret_body))
        if (span_ends_with(label, SPAN("PRIVATE KEY")))
            return key_is_encrypted(label, *ret_body) ? TLS_KEY_ENCRYPTED : TLS_OK;
    return TLS_KEY_NONE;
}

bool tls_config_has_chain(const struct tls_config *config)
{
    return config->backend->config_has_chain(config);
}

/* --- one connection --------------------------------------------------------------------------- */

size_t tls_size(void)
{
    size_t size = 0;

    for (size_t i = 0; i < BACKEND_COUNT; i++)
        if (backends[i] != NULL && backends[i]->size > size)
            size = backends[i]->size;
    return size;
}

size_t tls_config_size(const struct tls_config *config)
{
    return config->backend->size;
}

size_t tls_heap_size(enum tls_backend_name name)
{
    return tls_has_backend(name) ? backends[name]->heap_size : 0;
}

/* Its names and providers 310 kB; a check on P-384 15, a signature of RSA with 4096 bits 12, whose
 * key is 9. */
size_t tls_arithmetic_size(void)
{
    return tls_has_backend(TLS_OPENSSL) ? (size_t)384 << 10 : 0;
}

static void host_copy(struct tls *tls, struct span host)
{
    if (host.length > 0 && host.bytes[host.length - 1] == '.')
        host.length--;
    tls->host_length = 0;
    if (host.length > HOST_BYTES_MAX)
        tls->error = TLS_INTERNAL;
    else
        tls->host_length = (uint8_t)host.length;
    for (size_t i = 0; i < tls->host_length; i++)
        tls->host[i] = ascii_lower(host.bytes[i]);
    tls->host[tls->host_length] = '\0';
}

void tls_begin(struct tls *tls, const struct tls_config *config, const struct tls_peer *peer)
{
    tls->backend = config->backend;
    tls->now_s = peer->now_s;
    tls->verdict = VERIFY_NO_CERTIFICATE;
    tls->has_certificate = config->has_certificate && !peer->is_anonymous;
    tls->offer = config->offer;
    host_copy(tls, peer->host);
}

/* RFC 6066, 3: a literal address is not sent. No top-level domain consists of digits. */
bool tls_host_is_name(const struct tls *tls)
{
    const char *last = strrchr(tls->host, '.');

    last = last != NULL ? last + 1 : tls->host;
    return tls->host_length > 0 && strchr(tls->host, ':') == NULL &&
           last[strspn(last, "0123456789")] != '\0';
}

struct tls *tls_init(void *memory, struct tls_config *config, const struct tls_peer *peer)
{
    return config->backend->init(memory, config, peer);
}

void tls_deinit(struct tls *tls)
{
    tls->backend->deinit(tls);
}

enum tls_state tls_state(const struct tls *tls)
{
    return tls->backend->state(tls);
}

bool tls_speaks_at_rest(const struct tls *tls)
{
    return tls->speaks_at_rest;
}

bool tls_was_asked_again(const struct tls *tls)
{
    return tls->was_asked_again;
}

size_t tls_wire_in(struct tls *tls, struct span bytes)
{
    return tls->backend->wire_in(tls, bytes);
}

bool tls_is_waiting(const struct tls *tls)
{
    return tls->backend->is_waiting(tls);
}

bool tls_is_inside_record(const struct tls *tls)
{
    return tls->backend->is_inside_record(tls);
}

void tls_wire_end(struct tls *tls)
{
    tls->backend->wire_end(tls);
}

struct span tls_wire_out(const struct tls *tls)
{
    return tls->backend->wire_out(tls);
}

void tls_wire_sent(struct tls *tls, size_t length)
{
    tls->backend->wire_sent(tls, length);
}

size_t tls_plain_in(struct tls *tls, struct span bytes)
{
    return tls->backend->plain_in(tls, bytes);
}

struct span tls_plain_out(const struct tls *tls)
{
    return tls->backend->plain_out(tls);
}

void tls_plain_taken(struct tls *tls, size_t length)
{
    tls->backend->plain_taken(tls, length);
}

void tls_close(struct tls *tls)
{
    tls->backend->close(tls);
}

/* --- what was agreed -------------------------------------------------------------------------- */

static const char *sentence_of(const struct tls *tls, const struct tls_failure *failure)
{
    if (failure->error == TLS_CERTIFICATE)
        return verify_sentence(failure->verdict);
    if (failure->error == TLS_ALERT || failure->error == TLS_ALERT_SENT)
        return tls_alert_sentence(tls, failure->error, failure->alert);
    if (failure->error == TLS_HANDSHAKE_CUT && failure->is_unnamed)
        return "the server asked for a client certificate (--cert), was shown none, and ended the "
               "connection";
    return tls_sentence(failure->error);
}

struct tls_failure tls_failure(const struct tls *tls)
{
    struct tls_failure failure = {
        .error = tls->error, .verdict = tls->verdict, .certificate = tls->certificate};

    if (failure.error == TLS_OK)
        failure.error = tls->backend->library_error(tls, &failure.alert);
    if (tls->was_asked_again &&
        (failure.error == TLS_OK || failure.error == TLS_TRUNCATED || failure.error == TLS_ALERT))
        failure.error = TLS_RENEGOTIATION_ASKED;
    failure.is_at_hello = !tls->has_received;
    failure.is_unnamed = tls->was_asked_who && !tls->has_certificate;
    failure.sentence = sentence_of(tls, &failure);
    return failure;
}

struct tls_facts tls_facts(const struct tls *tls)
{
    struct tls_facts facts = tls->backend->facts(tls);

    facts.backend = tls->backend->name;
    facts.is_verified = tls->verdict == VERIFY_OK;
    facts.verdict = tls->verdict;
    facts.certificate = tls->certificate;
    return facts;
}

bool tls_get_session(const struct tls *tls, struct tls_session *ret_session)
{
    return tls->backend->get_session(tls, ret_session);
}

size_t tls_key_log(struct tls *tls, char ret_lines[TLS_KEYLOG_BYTES])
{
    return tls->backend->key_log(tls, ret_lines);
}
