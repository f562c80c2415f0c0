/* TLS 1.2 over BearSSL: the only file that names it.
 *
 * The library is a state machine between two buffers, and the four ports are thin: bytes are copied
 * into its input buffer, and everything else is a view of one of its buffers. The one hard idea is
 * the certificates. Their messages come in pieces, the verdict needs them whole, and a handshake is
 * short: so the memory that gathers them belongs to the configuration, is lent to a connection from
 * the server's first byte until the verdict, and a connection that finds none free takes no bytes
 * until one is. What the rest of the handshake needs of the certificate, the public key, is copied
 * into the connection. */

#include "proto/tls/tls.h"

#include "proto/x509/pem.h"

#include <assert.h>
#include <bearssl.h>
#include <stdlib.h>

enum {
    HOST_BYTES_MAX = 253,
    /* The largest RSA key that the library works with, and an exponent that is no attack. */
    MODULUS_BYTES_MAX = 512,
    EXPONENT_BYTES_MAX = 8,
    /* What the library adds to a record that it sends, at most. */
    RECORD_OVERHEAD_BYTES = 85,
    /* What every record begins with, its type first (RFC 5246, 6.2.1). */
    RECORD_HEADER_BYTES = 5,
    RECORD_CHANGE_CIPHER_SPEC = 20,
    RECORD_HANDSHAKE = 22,
};

/* Where a server's certificates are gathered. */
struct chain {
    struct chain *next_free;
    size_t count; /* of all that came */
    size_t kept;  /* of those that lie here: not more than VERIFY_CHAIN_MAX, not more than fit */
    size_t length;
    bool is_too_large;
    struct span certificates[VERIFY_CHAIN_MAX];
    char bytes[VERIFY_CHAIN_BYTES_MAX];
};

/* A walk over the server's first records, which are in plain text, to the length of the message
 * that has its certificates. */
struct walk {
    uint8_t record_header[5];
    uint8_t message_header[4];
    uint8_t record_header_length;
    uint8_t message_header_length;
    bool has_arrived; /* or there is no such message */
    uint16_t record_left;
    uint32_t message_left;
};

struct client_auth {
    br_x509_certificate *certificates; /* over bytes */
    size_t count;
    unsigned char *bytes;
    br_skey_decoder_context key; /* holds the key; its kind is 0 where there is none */
};

struct tls_config {
    br_ssl_client_context template; /* copied into every connection, instead of being made anew */
    const char *protocols[1];
    const struct trust *trust;
    struct verify_cache *verdicts; /* NULL: none are remembered */
    struct chain *chains;
    struct chain *free_chain; /* given back */
    size_t chain_count;
    size_t chains_begun; /* those behind them were never used: their pages cost nothing */
    unsigned char (*pins)[TLS_PIN_BYTES];
    size_t pin_count;
    struct client_auth client;
    bool is_insecure;
    bool is_legacy;
};

struct tls {
    br_ssl_client_context client;
    const br_x509_class *x509; /* the library calls chain_class through this field's address */
    struct tls_config *config;
    struct chain *chain; /* NULL: none is held */
    br_x509_pkey key;    /* the server's, over key_bytes */
    unsigned char key_bytes[MODULUS_BYTES_MAX + EXPONENT_BYTES_MAX];
    int64_t now_s;
    int64_t made_s; /* of the session: see struct tls_session */
    int64_t not_after_s;
    size_t certificate;
    struct walk walk;
    uint8_t verdict;
    uint8_t error; /* enum tls_error: what was found here and not by the library */
    bool has_received;
    bool has_verdict; /* a chain was judged: no session is resumed */
    bool is_open;
    bool was_asked_again; /* for a renegotiation */
    bool is_closing;
    bool is_waiting;
    uint16_t in_used; /* bytes of in: the others were never written */
    uint8_t host_length;
    char host[HOST_BYTES_MAX + 1]; /* in lower case, without its final dot */
    unsigned char in[BR_SSL_BUFSIZE_INPUT];
    unsigned char out[TLS_RECORD_OUT_BYTES + RECORD_OVERHEAD_BYTES];
};

/* The library's structures point at bytes that they do not write, but do not say so. */
static unsigned char *unconst(struct span span)
{
    return (unsigned char *)(uintptr_t)span.bytes;
}

/* What the library leaves behind on the stack (keys as numbers, the pads of a master secret, the
 * schedules of a cipher) lies below whoever called it, and stays there until something else happens
 * to be written over it. It goes 14 kB deep, for RSA of 4096 bits. */
enum { STACK_BYTES = 16384 };

/* A sanitizer would put the array elsewhere. */
__attribute__((noinline, no_sanitize("address"))) static void stack_wipe(void)
{
    unsigned char stack[STACK_BYTES];

    explicit_bzero(stack, sizeof(stack));
}

/* --- errors ----------------------------------------------------------------------------------- */

static const uint8_t library_errors[] = {
    [BR_ERR_OK] = TLS_OK,
    [BR_ERR_BAD_PARAM] = TLS_HANDSHAKE_FORM, /* lengths that do not nest */
    [BR_ERR_BAD_STATE] = TLS_INTERNAL,
    [BR_ERR_UNSUPPORTED_VERSION] = TLS_VERSION,
    [BR_ERR_BAD_VERSION] = TLS_RECORD_VERSION,
    [BR_ERR_BAD_LENGTH] = TLS_RECORD_LENGTH,
    [BR_ERR_TOO_LARGE] = TLS_RECORD_TOO_LARGE,
    [BR_ERR_BAD_MAC] = TLS_RECORD_MAC,
    [BR_ERR_NO_RANDOM] = TLS_INTERNAL,
    [BR_ERR_UNKNOWN_TYPE] = TLS_RECORD_TYPE,
    [BR_ERR_UNEXPECTED] = TLS_UNEXPECTED,
    [BR_ERR_BAD_CCS] = TLS_CHANGE_CIPHER_SPEC,
    [BR_ERR_BAD_ALERT] = TLS_ALERT_FORM,
    [BR_ERR_BAD_HANDSHAKE] = TLS_HANDSHAKE_FORM,
    [BR_ERR_OVERSIZED_ID] = TLS_SESSION_ID,
    [BR_ERR_BAD_CIPHER_SUITE] = TLS_SUITE,
    [BR_ERR_BAD_COMPRESSION] = TLS_COMPRESSION,
    [BR_ERR_BAD_FRAGLEN] = TLS_FRAGMENT_LENGTH,
    [BR_ERR_BAD_SECRENEG] = TLS_RENEGOTIATION,
    [BR_ERR_EXTRA_EXTENSION] = TLS_EXTENSION,
    [BR_ERR_BAD_SNI] = TLS_SERVER_NAME,
    [BR_ERR_BAD_HELLO_DONE] = TLS_HELLO_DONE,
    [BR_ERR_LIMIT_EXCEEDED] = TLS_LIMIT,
    [BR_ERR_BAD_FINISHED] = TLS_FINISHED,
    [BR_ERR_RESUME_MISMATCH] = TLS_RESUMPTION,
    [BR_ERR_INVALID_ALGORITHM] = TLS_ALGORITHM,
    [BR_ERR_BAD_SIGNATURE] = TLS_SIGNATURE,
    [BR_ERR_WRONG_KEY_USAGE] = TLS_KEY_USAGE,
    [BR_ERR_NO_CLIENT_AUTH] = TLS_CLIENT_CERTIFICATE,
    [BR_ERR_IO] = TLS_INTERNAL,
};

/* Numbers that the table has a hole for, or that lie behind it, are none that a client meets. */
static enum tls_error library_error(unsigned code, uint8_t *ret_alert)
{
    *ret_alert = 0;
    if (code >= BR_ERR_RECV_FATAL_ALERT) {
        *ret_alert = (uint8_t)code;
        return code >= BR_ERR_SEND_FATAL_ALERT ? TLS_ALERT_SENT : TLS_ALERT;
    }
    if (code == BR_ERR_OK)
        return TLS_OK;
    if (code >= sizeof(library_errors) || library_errors[code] == TLS_OK)
        return TLS_INTERNAL;
    return library_errors[code];
}

/* --- hashes, signatures and keys ------------------------------------------------------------ */

static const struct {
    const br_hash_class *class;
    const unsigned char *oid;
    uint8_t bytes;
} hashes[] = {
    [CERTIFICATE_HASH_SHA1] = {&br_sha1_vtable, BR_HASH_OID_SHA1, br_sha1_SIZE},
    [CERTIFICATE_HASH_SHA256] = {&br_sha256_vtable, BR_HASH_OID_SHA256, br_sha256_SIZE},
    [CERTIFICATE_HASH_SHA384] = {&br_sha384_vtable, BR_HASH_OID_SHA384, br_sha384_SIZE},
    [CERTIFICATE_HASH_SHA512] = {&br_sha512_vtable, BR_HASH_OID_SHA512, br_sha512_SIZE},
};

static void sha256(struct span bytes, unsigned char ret_hash[br_sha256_SIZE])
{
    br_sha256_context context;

    br_sha256_init(&context);
    br_sha256_update(&context, bytes.bytes, bytes.length);
    br_sha256_out(&context, ret_hash);
}

static br_rsa_public_key rsa_key(const struct certificate_key *key)
{
    return (br_rsa_public_key){.n = unconst(key->modulus),
                               .nlen = key->modulus.length,
                               .e = unconst(key->exponent),
                               .elen = key->exponent.length};
}

static br_ec_public_key ec_key(const struct certificate_key *key)
{
    return (br_ec_public_key){
        .curve = (int)key->curve, .q = unconst(key->point), .qlen = key->point.length};
}

static bool rsa_check(const struct certificate_signature *signature,
                      const struct certificate_key *key, const unsigned char *hash)
{
    br_rsa_public_key rsa = rsa_key(key);
    size_t bytes = hashes[signature->hash].bytes;
    unsigned char signed_hash[br_sha512_SIZE];

    return br_rsa_pkcs1_vrfy_get_default()((const unsigned char *)signature->value.bytes,
                                           signature->value.length, hashes[signature->hash].oid,
                                           bytes, &rsa, signed_hash) == 1 &&
           memcmp(signed_hash, hash, bytes) == 0;
}

static bool ecdsa_check(const struct certificate_signature *signature,
                        const struct certificate_key *key, const unsigned char *hash)
{
    br_ec_public_key ec = ec_key(key);

    return br_ecdsa_vrfy_asn1_get_default()(br_ec_get_default(), hash,
                                            hashes[signature->hash].bytes, &ec,
                                            signature->value.bytes, signature->value.length) == 1;
}

bool tls_check_signature(void *context, const struct certificate_signature *signature,
                         const struct certificate_key *issuer_key)
{
    const br_hash_class *class = hashes[signature->hash].class;
    br_hash_compat_context hasher;
    unsigned char hash[br_sha512_SIZE];

    (void)context;
    if (class == NULL)
        return false;
    class->init(&hasher.vtable);
    class->update(&hasher.vtable, signature->tbs.bytes, signature->tbs.length);
    class->out(&hasher.vtable, hash);
    if (issuer_key->kind == CERTIFICATE_KEY_RSA)
        return rsa_check(signature, issuer_key, hash);
    return issuer_key->kind == CERTIFICATE_KEY_EC && ecdsa_check(signature, issuer_key, hash);
}

/* --- the server's certificates -------------------------------------------------------------- */

static struct tls *tls_of(const br_x509_class **x509)
{
    return (struct tls *)(void *)((char *)x509 - offsetof(struct tls, x509));
}

static bool chain_take(struct tls *tls)
{
    struct tls_config *config = tls->config;

    if (tls->chain != NULL)
        return true;
    tls->chain = config->free_chain;
    if (tls->chain != NULL)
        config->free_chain = tls->chain->next_free;
    else if (config->chains_begun < config->chain_count)
        tls->chain = &config->chains[config->chains_begun++];
    return tls->chain != NULL;
}

static void chain_give_back(struct tls *tls)
{
    if (tls->chain == NULL)
        return;
    assert(tls->chain != tls->config->free_chain);
    tls->chain->next_free = tls->config->free_chain;
    tls->config->free_chain = tls->chain;
    tls->chain = NULL;
}

/* What is too large is not waited for. Where verdicts do not count, it is noted at the end. */
static void chain_refuse_size(struct tls *tls)
{
    if (tls->config->is_insecure)
        return;
    tls->error = TLS_CERTIFICATE;
    tls->verdict = VERIFY_TOO_LARGE;
    tls->certificate = 0;
}

/* The library tells a message's length to nobody: this reads it beside it. */
static void messages_walk(struct tls *tls, struct span bytes)
{
    enum { CERTIFICATE = 11, LIMIT = VERIFY_CHAIN_BYTES_MAX + 3 + 3 * VERIFY_CHAIN_MAX };
    struct walk *walk = &tls->walk;
    const uint8_t *header = walk->message_header;

    for (size_t at = 0; at < bytes.length && !walk->has_arrived;) {
        size_t left = bytes.length - at;

        if (walk->message_left > 0) {
            left = left < walk->message_left ? left : walk->message_left;
            walk->message_left -= (uint32_t)left;
            at += left;
            continue;
        }
        walk->message_header[walk->message_header_length++] = (uint8_t)bytes.bytes[at++];
        if (walk->message_header_length < sizeof(walk->message_header))
            continue;
        walk->message_header_length = 0;
        walk->message_left = (uint32_t)header[1] << 16 | (uint32_t)header[2] << 8 | header[3];
        walk->has_arrived = header[0] == CERTIFICATE;
        if (walk->has_arrived && walk->message_left > LIMIT)
            chain_refuse_size(tls);
    }
}

static void records_walk(struct tls *tls, struct span bytes)
{
    struct walk *walk = &tls->walk;
    const uint8_t *header = walk->record_header;

    for (size_t at = 0, length; at < bytes.length && !walk->has_arrived; at += length) {
        length = bytes.length - at < walk->record_left ? bytes.length - at : walk->record_left;
        if (walk->record_left > 0) {
            if (header[0] == RECORD_HANDSHAKE)
                messages_walk(tls, (struct span){bytes.bytes + at, length});
            walk->record_left = (uint16_t)(walk->record_left - length);
            continue;
        }
        length = 1;
        walk->record_header[walk->record_header_length++] = (uint8_t)bytes.bytes[at];
        if (walk->record_header_length < sizeof(walk->record_header))
            continue;
        walk->record_header_length = 0;
        walk->record_left = (uint16_t)(header[3] << 8 | header[4]);
        walk->has_arrived = header[0] == RECORD_CHANGE_CIPHER_SPEC; /* of a session resumed */
    }
}

static void chain_start(const br_x509_class **x509, const char *server_name)
{
    struct chain *chain = tls_of(x509)->chain;

    (void)server_name;
    assert(chain != NULL); /* tls_wire_in feeds the handshake only with one */
    chain->count = 0;
    chain->kept = 0;
    chain->length = 0;
    chain->is_too_large = false;
}

static void chain_certificate_start(const br_x509_class **x509, uint32_t length)
{
    struct chain *chain = tls_of(x509)->chain;

    chain->is_too_large |= length > sizeof(chain->bytes) - chain->length;
    if (chain->is_too_large)
        chain_refuse_size(tls_of(x509));
    if (!chain->is_too_large && chain->kept < VERIFY_CHAIN_MAX)
        chain->certificates[chain->kept++] = (struct span){chain->bytes + chain->length, length};
    chain->count++;
}

static void chain_append(const br_x509_class **x509, const unsigned char *bytes, size_t length)
{
    struct chain *chain = tls_of(x509)->chain;

    if (chain->kept < chain->count)
        return;
    assert(length <= sizeof(chain->bytes) - chain->length); /* the library tells no more of it */
    memcpy(chain->bytes + chain->length, bytes, length);
    chain->length += length;
}

static void chain_certificate_end(const br_x509_class **x509)
{
    (void)x509;
}

/* What a verdict depends on, beside the trust store: the certificates, cut as they were sent, the
 * host and the policy. */
static void verdict_key(const struct tls *tls, unsigned char ret_key[VERIFY_KEY_BYTES])
{
    const struct chain *chain = tls->chain;
    br_sha256_context context;

    br_sha256_init(&context);
    br_sha256_update(&context, &chain->count, sizeof(chain->count));
    for (size_t i = 0; i < chain->count; i++)
        br_sha256_update(&context, &chain->certificates[i].length,
                         sizeof(chain->certificates[i].length));
    br_sha256_update(&context, chain->bytes, chain->length);
    br_sha256_update(&context, tls->host, tls->host_length);
    br_sha256_update(&context, &tls->config->is_legacy, sizeof(tls->config->is_legacy));
    br_sha256_out(&context, ret_key);
}

static void chain_verify(const struct tls *tls, struct verify_result *ret_result)
{
    struct verify_policy policy = {.host = {tls->host, tls->host_length},
                                   .now_s = tls->now_s,
                                   .is_legacy = tls->config->is_legacy};

    verify_chain(tls->chain->certificates, tls->chain->count, tls->config->trust, &policy,
                 tls_check_signature, NULL, ret_result);
}

/* The same, from the cache where the verdict is known. */
static void chain_verify_cached(const struct tls *tls, struct verify_result *ret_result)
{
    struct verify_cache *verdicts = tls->config->verdicts;
    unsigned char key[VERIFY_KEY_BYTES];

    verdict_key(tls, key);
    if (verify_cache_has(verdicts, key, tls->now_s, ret_result))
        return;
    chain_verify(tls, ret_result);
    verify_cache_add(verdicts, key, ret_result);
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

static void chain_verdict(struct tls *tls)
{
    const struct chain *chain = tls->chain;
    struct verify_result result = {.verdict = VERIFY_OK};

    if (chain->is_too_large)
        result.verdict = VERIFY_TOO_LARGE;
    else if (chain->kept < chain->count || tls->config->verdicts == NULL)
        chain_verify(tls, &result);
    else
        chain_verify_cached(tls, &result);
    tls->verdict = (uint8_t)result.verdict;
    tls->certificate = result.certificate;
    session_limit(tls, &result);
}

static bool pin_matches(const struct tls_config *config, struct span public_key)
{
    unsigned char hash[TLS_PIN_BYTES];
    bool matches = config->pin_count == 0;

    if (!matches)
        sha256(public_key, hash);
    for (size_t i = 0; i < config->pin_count && !matches; i++)
        matches = memcmp(hash, config->pins[i], TLS_PIN_BYTES) == 0;
    return matches;
}

/* Copies the key into the connection. false: the library cannot work with it. */
static bool key_keep(struct tls *tls, const struct certificate_key *key)
{
    unsigned char *bytes = tls->key_bytes;

    if (key->kind == CERTIFICATE_KEY_RSA && key->modulus.length <= MODULUS_BYTES_MAX &&
        key->exponent.length <= EXPONENT_BYTES_MAX) {
        memcpy(bytes, key->modulus.bytes, key->modulus.length);
        memcpy(bytes + MODULUS_BYTES_MAX, key->exponent.bytes, key->exponent.length);
        tls->key.key_type = BR_KEYTYPE_RSA;
        tls->key.key.rsa = rsa_key(key);
        tls->key.key.rsa.n = bytes;
        tls->key.key.rsa.e = bytes + MODULUS_BYTES_MAX;
        return true;
    }
    if (key->kind == CERTIFICATE_KEY_EC && key->point.length <= MODULUS_BYTES_MAX) {
        memcpy(bytes, key->point.bytes, key->point.length);
        tls->key.key_type = BR_KEYTYPE_EC;
        tls->key.key.ec = ec_key(key);
        tls->key.key.ec.q = bytes;
        return true;
    }
    return false;
}

/* What is wrong with the first certificate, that not even an insecure connection can do with. */
static void certificate_unusable(struct tls *tls, enum verify_verdict verdict)
{
    if (tls->verdict == VERIFY_OK) {
        tls->verdict = (uint8_t)verdict;
        tls->certificate = 0;
    }
}

static enum tls_error chain_judge(struct tls *tls)
{
    const struct chain *chain = tls->chain;
    struct certificate leaf;

    chain_verdict(tls);
    if (tls->verdict != VERIFY_OK && !tls->config->is_insecure)
        return TLS_CERTIFICATE;
    if (chain->kept == 0 || !certificate_parse(chain->certificates[0], &leaf)) {
        certificate_unusable(tls, VERIFY_MALFORMED);
        return TLS_CERTIFICATE;
    }
    if (!pin_matches(tls->config, leaf.public_key))
        return TLS_PIN;
    if (!key_keep(tls, &leaf.key)) {
        certificate_unusable(tls, VERIFY_KEY_KIND);
        return TLS_CERTIFICATE;
    }
    return TLS_OK;
}

static unsigned chain_end(const br_x509_class **x509)
{
    struct tls *tls = tls_of(x509);

    tls->has_verdict = true;
    tls->error = (uint8_t)chain_judge(tls);
    chain_give_back(tls);
    return tls->error == TLS_OK ? 0 : BR_ERR_X509_NOT_TRUSTED;
}

/* What the key may be used for, verify_chain has decided. */
static const br_x509_pkey *chain_key(const br_x509_class *const *x509, unsigned *ret_usages)
{
    const char *field = (const char *)x509;

    if (ret_usages != NULL)
        *ret_usages = BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN;
    return &((const struct tls *)(const void *)(field - offsetof(struct tls, x509)))->key;
}

static const br_x509_class chain_class = {
    .context_size = sizeof(struct tls),
    .start_chain = chain_start,
    .start_cert = chain_certificate_start,
    .append = chain_append,
    .end_cert = chain_certificate_end,
    .end_chain = chain_end,
    .get_pkey = chain_key,
};

/* --- the client's certificate and key ------------------------------------------------------- */

static bool span_ends_with(struct span span, struct span end)
{
    return span.length >= end.length &&
           memcmp(span.bytes + span.length - end.length, end.bytes, end.length) == 0;
}

static size_t certificate_blocks(struct span pem, size_t *ret_bytes_max)
{
    struct span label, body;
    size_t count = 0;

    *ret_bytes_max = 0;
    while (pem_next(&pem, &label, &body)) {
        if (!span_equal(label, SPAN("CERTIFICATE")))
            continue;
        *ret_bytes_max += pem_decoded_max(body.length);
        count++;
    }
    return count;
}

static enum tls_error certificates_read(struct client_auth *client, struct span pem)
{
    struct span label, body;
    size_t bytes_max, length;
    size_t count = certificate_blocks(pem, &bytes_max);
    unsigned char *bytes;

    if (count == 0)
        return TLS_CERTIFICATE_NONE;
    client->bytes = malloc(bytes_max);
    client->certificates = calloc(count, sizeof(client->certificates[0]));
    if (client->bytes == NULL || client->certificates == NULL)
        return TLS_MEMORY;
    bytes = client->bytes;
    while (pem_next(&pem, &label, &body)) {
        if (!span_equal(label, SPAN("CERTIFICATE")))
            continue;
        if (!pem_decode(body, (char *)bytes, &length))
            return TLS_CERTIFICATE_MALFORMED;
        client->certificates[client->count++] = (br_x509_certificate){bytes, length};
        bytes += length;
    }
    return TLS_OK;
}

/* RFC 1421 headers mark a key that OpenSSL encrypted in its old way; base64 has no colon. */
static bool key_is_encrypted(struct span label, struct span body)
{
    return span_equal(label, SPAN("ENCRYPTED PRIVATE KEY")) ||
           memmem(body.bytes, body.length, "Proc-Type:", strlen("Proc-Type:")) != NULL;
}

static enum tls_error key_decode(br_skey_decoder_context *key, struct span body)
{
    size_t size = pem_decoded_max(body.length), length = 0;
    char *der = malloc(size);
    bool is_base64;

    if (der == NULL)
        return TLS_MEMORY;
    is_base64 = pem_decode(body, der, &length);
    br_skey_decoder_init(key);
    if (is_base64)
        br_skey_decoder_push(key, der, length);
    explicit_bzero(der, size);
    free(der);
    return br_skey_decoder_key_type(key) != 0 ? TLS_OK : TLS_KEY_MALFORMED;
}

static enum tls_error key_read(br_skey_decoder_context *key, struct span pem)
{
    struct span label, body;

    while (pem_next(&pem, &label, &body)) {
        if (!span_ends_with(label, SPAN("PRIVATE KEY")))
            continue;
        return key_is_encrypted(label, body) ? TLS_KEY_ENCRYPTED : key_decode(key, body);
    }
    return TLS_KEY_NONE;
}

/* Signs with one and checks with the other: the library does not compute a modulus of 4096 bits. */
static bool rsa_key_matches(const br_rsa_private_key *key, const struct certificate_key *public_key)
{
    static const unsigned char hash[br_sha256_SIZE];
    unsigned char value[MODULUS_BYTES_MAX];
    struct certificate_signature signature = {.hash = CERTIFICATE_HASH_SHA256,
                                              .value = {(char *)value, (key->n_bitlen + 7) / 8}};

    return public_key->kind == CERTIFICATE_KEY_RSA && signature.value.length <= sizeof(value) &&
           br_rsa_pkcs1_sign_get_default()(BR_HASH_OID_SHA256, hash, sizeof(hash), key, value) ==
               1 &&
           rsa_check(&signature, public_key, hash);
}

static bool ec_key_matches(const br_ec_private_key *key, const struct certificate_key *public_key)
{
    unsigned char own[BR_EC_KBUF_PUB_MAX_SIZE];
    size_t length = br_ec_compute_pub(br_ec_get_default(), NULL, own, key);

    return public_key->kind == CERTIFICATE_KEY_EC && length > 0 &&
           span_equal(public_key->point, (struct span){(char *)own, length});
}

static enum tls_error key_match(const struct client_auth *client)
{
    const br_rsa_private_key *rsa = br_skey_decoder_get_rsa(&client->key);
    const br_ec_private_key *ec = br_skey_decoder_get_ec(&client->key);
    struct span der = {(const char *)client->certificates[0].data,
                       client->certificates[0].data_len};
    struct certificate leaf;
    bool matches;

    if (!certificate_parse(der, &leaf))
        return TLS_CERTIFICATE_MALFORMED;
    matches = rsa != NULL ? rsa_key_matches(rsa, &leaf.key) : ec_key_matches(ec, &leaf.key);
    return matches ? TLS_OK : TLS_KEY_MISMATCH;
}

static enum tls_error client_auth_read(struct client_auth *client, struct span certificate,
                                       struct span key)
{
    enum tls_error error = certificates_read(client, certificate);

    if (error == TLS_OK)
        error = key_read(&client->key, key.length > 0 ? key : certificate);
    return error == TLS_OK ? key_match(client) : error;
}

/* Pointers into the connection are set by this, so that it cannot be part of the template. */
static void client_auth_use(br_ssl_client_context *client, const struct client_auth *auth)
{
    const br_rsa_private_key *rsa = br_skey_decoder_get_rsa(&auth->key);
    const br_ec_private_key *ec = br_skey_decoder_get_ec(&auth->key);

    if (rsa != NULL)
        br_ssl_client_set_single_rsa(client, auth->certificates, auth->count, rsa,
                                     br_rsa_pkcs1_sign_get_default());
    else if (ec != NULL)
        br_ssl_client_set_single_ec(client, auth->certificates, auth->count, ec, BR_KEYTYPE_SIGN,
                                    BR_KEYTYPE_EC, br_ec_get_default(),
                                    br_ecdsa_sign_asn1_get_default());
}

/* --- what all connections share ------------------------------------------------------------- */

enum suite_kind { SUITE_AES, SUITE_CHACHA, SUITE_LEGACY };

static const struct {
    uint16_t number;
    uint8_t kind;
    const char *name;
} suites[] = {
#define SUITE(kind, name)                                                                          \
    {                                                                                              \
        BR_TLS_##name, SUITE_##kind, "TLS_" #name                                                  \
    }
    SUITE(AES, ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    SUITE(AES, ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    SUITE(AES, ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    SUITE(AES, ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    SUITE(CHACHA, ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    SUITE(CHACHA, ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    SUITE(LEGACY, ECDHE_ECDSA_WITH_AES_128_CBC_SHA256),
    SUITE(LEGACY, ECDHE_RSA_WITH_AES_128_CBC_SHA256),
    SUITE(LEGACY, ECDHE_ECDSA_WITH_AES_256_CBC_SHA384),
    SUITE(LEGACY, ECDHE_RSA_WITH_AES_256_CBC_SHA384),
    SUITE(LEGACY, ECDHE_ECDSA_WITH_AES_128_CBC_SHA),
    SUITE(LEGACY, ECDHE_RSA_WITH_AES_128_CBC_SHA),
    SUITE(LEGACY, ECDHE_ECDSA_WITH_AES_256_CBC_SHA),
    SUITE(LEGACY, ECDHE_RSA_WITH_AES_256_CBC_SHA),
    SUITE(LEGACY, RSA_WITH_AES_128_GCM_SHA256),
    SUITE(LEGACY, RSA_WITH_AES_256_GCM_SHA384),
    SUITE(LEGACY, RSA_WITH_AES_128_CBC_SHA256),
    SUITE(LEGACY, RSA_WITH_AES_256_CBC_SHA256),
    SUITE(LEGACY, RSA_WITH_AES_128_CBC_SHA),
    SUITE(LEGACY, RSA_WITH_AES_256_CBC_SHA),
#undef SUITE
};

enum { SUITE_COUNT = sizeof(suites) / sizeof(suites[0]) };

static size_t suites_add(uint16_t *list, size_t count, enum suite_kind kind)
{
    for (size_t i = 0; i < SUITE_COUNT; i++)
        if (suites[i].kind == kind)
            list[count++] = suites[i].number;
    return count;
}

/* Without instructions for AES, ChaCha20 is several times faster, and constant in time. */
static void template_suites(br_ssl_engine_context *engine, bool is_legacy)
{
    bool has_aes = br_aes_x86ni_ctr_get_vtable() != NULL || br_aes_pwr8_ctr_get_vtable() != NULL;
    uint16_t list[SUITE_COUNT];
    size_t count = suites_add(list, 0, has_aes ? SUITE_AES : SUITE_CHACHA);

    count = suites_add(list, count, has_aes ? SUITE_CHACHA : SUITE_AES);
    if (is_legacy)
        count = suites_add(list, count, SUITE_LEGACY);
    br_ssl_engine_set_suites(engine, list, count);
    br_ssl_engine_set_default_aes_gcm(engine);
    br_ssl_engine_set_default_chapol(engine);
}

static void template_legacy(br_ssl_client_context *client)
{
    br_ssl_engine_context *engine = &client->eng;

    br_ssl_engine_set_versions(engine, BR_TLS10, BR_TLS12);
    br_ssl_engine_set_hash(engine, br_md5_ID, &br_md5_vtable);
    br_ssl_engine_set_hash(engine, br_sha1_ID, &br_sha1_vtable);
    br_ssl_engine_set_prf10(engine, &br_tls10_prf);
    br_ssl_engine_set_default_aes_cbc(engine);
    br_ssl_client_set_default_rsapub(client);
}

static void template_init(struct tls_config *config)
{
    br_ssl_client_context *client = &config->template;
    br_ssl_engine_context *engine = &client->eng;

    br_ssl_client_zero(client);
    br_ssl_engine_set_versions(engine, BR_TLS12, BR_TLS12);
    br_ssl_engine_set_hash(engine, br_sha256_ID, &br_sha256_vtable);
    br_ssl_engine_set_hash(engine, br_sha384_ID, &br_sha384_vtable);
    br_ssl_engine_set_hash(engine, br_sha512_ID, &br_sha512_vtable);
    br_ssl_engine_set_prf_sha256(engine, &br_tls12_sha256_prf);
    br_ssl_engine_set_prf_sha384(engine, &br_tls12_sha384_prf);
    br_ssl_engine_set_default_rsavrfy(engine);
    br_ssl_engine_set_default_ecdsa(engine);
    br_ssl_engine_set_all_flags(engine, BR_OPT_NO_RENEGOTIATION);
    template_suites(engine, config->is_legacy);
    if (config->is_legacy)
        template_legacy(client);
    config->protocols[0] = "http/1.1";
    br_ssl_engine_set_protocol_names(engine, config->protocols, 1);
    /* The seed is the caller's alone: the library is not to ask the system for more. */
    engine->rng_os_rand_done = 1;
}

static bool chains_open(struct tls_config *config, size_t count)
{
    config->chains = calloc(count, sizeof(config->chains[0]));
    config->chain_count = count;
    return config->chains != NULL;
}

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

static enum tls_error config_fill(struct tls_config *config, const struct tls_options *options)
{
    config->trust = options->trust;
    config->is_insecure = options->is_insecure;
    config->is_legacy = options->is_legacy;
    template_init(config);
    if (!chains_open(config, options->chain_count > 0 ? options->chain_count : 1) ||
        !pins_copy(config, options) || !verdicts_open(config, options->verdict_count))
        return TLS_MEMORY;
    if (options->certificate.length == 0)
        return TLS_OK;
    return client_auth_read(&config->client, options->certificate, options->key);
}

static void config_free(struct tls_config *config)
{
    free(config->client.certificates);
    free(config->client.bytes);
    free(config->pins);
    free(config->chains);
    verify_cache_close(config->verdicts);
    explicit_bzero(config, sizeof(*config));
    free(config);
}

enum tls_error tls_config_open(const struct tls_options *options, struct tls_config **ret_config)
{
    struct tls_config *config = calloc(1, sizeof(*config));
    enum tls_error error = config != NULL ? config_fill(config, options) : TLS_MEMORY;

    if (error != TLS_OK) {
        tls_config_close(config);
        config = NULL;
    }
    stack_wipe();
    *ret_config = config;
    return error;
}

void tls_config_close(struct tls_config *config)
{
    if (config != NULL)
        config_free(config);
    stack_wipe();
}

bool tls_config_has_chain(const struct tls_config *config)
{
    return config->free_chain != NULL || config->chains_begun < config->chain_count;
}

size_t tls_chain_size(void)
{
    return sizeof(struct chain);
}

/* --- one connection ------------------------------------------------------------------------- */

size_t tls_size(void)
{
    return sizeof(struct tls);
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

/* RFC 6066, 3: a literal address is not sent. No top-level domain consists of digits. */
static bool host_is_name(const struct tls *tls)
{
    const char *last = strrchr(tls->host, '.');

    last = last != NULL ? last + 1 : tls->host;
    return tls->host_length > 0 && strchr(tls->host, ':') == NULL &&
           last[strspn(last, "0123456789")] != '\0';
}

static bool session_holds(const struct tls_session *session, const struct tls_config *config,
                          int64_t now_s)
{
    return session->id_length > 0 && now_s >= session->made_s && now_s <= session->not_after_s &&
           (session->verdict == VERIFY_OK || config->is_insecure);
}

static void session_offer(struct tls *tls, const struct tls_session *session)
{
    br_ssl_session_parameters parameters = {.session_id_len = session->id_length,
                                            .version = session->version,
                                            .cipher_suite = session->suite};

    memcpy(parameters.session_id, session->id, sizeof(parameters.session_id));
    memcpy(parameters.master_secret, session->master_secret, sizeof(parameters.master_secret));
    br_ssl_engine_set_session_parameters(&tls->client.eng, &parameters);
    explicit_bzero(&parameters, sizeof(parameters));
    tls->verdict = session->verdict;
    tls->certificate = session->certificate;
    tls->made_s = session->made_s;
    tls->not_after_s = session->not_after_s;
}

/* Buffers of this size would make the library ask the server for small records
 * (max_fragment_length), though it can take large ones. */
static void buffers_set(struct tls *tls)
{
    br_ssl_engine_set_buffers_bidi(&tls->client.eng, tls->in, sizeof(tls->in), tls->out,
                                   sizeof(tls->out));
    tls->client.eng.log_max_frag_len = 14;
}

/* The library lists the curves by their numbers, x25519 last, and many servers take the first that
 * they know; x25519 costs a third of P-256. The ClientHello is not sent yet and is all that the
 * handshake's hash has seen, so that it can still be changed. */
static void curves_reorder(br_ssl_engine_context *engine)
{
    /* supported_groups (RFC 8422, 5.1.1): type, two lengths, P-256, P-384, P-521, x25519 */
    static const unsigned char made[] = {0, 10, 0, 10, 0, 8, 0, 23, 0, 24, 0, 25, 0, 29};
    static const unsigned char wanted[] = {0, 10, 0, 10, 0, 8, 0, 29, 0, 23, 0, 24, 0, 25};
    size_t length = 0;
    unsigned char *record = br_ssl_engine_sendrec_buf(engine, &length);
    unsigned char *curves = record != NULL ? memmem(record, length, made, sizeof(made)) : NULL;

    if (curves == NULL)
        return;
    memcpy(curves, wanted, sizeof(wanted));
    br_multihash_init(&engine->mhash);
    br_multihash_update(&engine->mhash, record + RECORD_HEADER_BYTES, length - RECORD_HEADER_BYTES);
}

struct tls *tls_init(void *memory, struct tls_config *config, const struct tls_peer *peer)
{
    struct tls *tls = memory;
    const struct tls_session *session = peer->session;
    bool resumes = session != NULL && session_holds(session, config, peer->now_s);

    memset(tls, 0, offsetof(struct tls, in));
    tls->client = config->template;
    tls->config = config;
    tls->x509 = &chain_class;
    tls->now_s = peer->now_s;
    tls->verdict = VERIFY_NO_CERTIFICATE;
    host_copy(tls, peer->host);
    br_ssl_engine_set_x509(&tls->client.eng, &tls->x509);
    if (!peer->is_anonymous)
        client_auth_use(&tls->client, &config->client);
    buffers_set(tls);
    br_ssl_engine_inject_entropy(&tls->client.eng, peer->seed, TLS_SEED_BYTES);
    if (resumes)
        session_offer(tls, session);
    br_ssl_client_reset(&tls->client, host_is_name(tls) ? tls->host : NULL, resumes);
    curves_reorder(&tls->client.eng);
    stack_wipe();
    return tls;
}

void tls_deinit(struct tls *tls)
{
    chain_give_back(tls);
    explicit_bzero(tls->out, sizeof(tls->out));
    explicit_bzero(tls, offsetof(struct tls, in) + tls->in_used);
    stack_wipe();
}

static bool has_failed(const struct tls *tls)
{
    return tls->error != TLS_OK || br_ssl_engine_last_error(&tls->client.eng) != BR_ERR_OK;
}

static bool has_ended(const struct tls *tls)
{
    return has_failed(tls) || tls->client.eng.shutdown_recv ||
           br_ssl_engine_current_state(&tls->client.eng) == BR_SSL_CLOSED;
}

enum tls_state tls_state(const struct tls *tls)
{
    if (has_failed(tls))
        return TLS_FAILED;
    if (has_ended(tls))
        return TLS_CLOSED;
    if (tls->is_closing)
        return TLS_CLOSING;
    return tls->is_open ? TLS_OPEN : TLS_HANDSHAKE;
}

/* After every step of the library: has the handshake ended, and how? */
static void progress_note(struct tls *tls)
{
    if (tls->client.eng.application_data != 0 && !has_failed(tls))
        tls->is_open = true;
    if (!tls->is_open && !has_failed(tls) && tls->client.eng.shutdown_recv)
        tls->error = TLS_HANDSHAKE_CUT;
    if (tls->is_open || has_failed(tls))
        chain_give_back(tls);
}

/* After tls_close, the library still holds out what it decrypts, and goes on when it is taken. */
static void closing_drop(struct tls *tls)
{
    size_t length;

    if (tls->is_closing && br_ssl_engine_recvapp_buf(&tls->client.eng, &length) != NULL)
        br_ssl_engine_recvapp_ack(&tls->client.eng, length);
}

/* A handshake or an alert is all that a TLS server begins with; 22 and 21 are no text either. */
static bool begins_like_tls(struct tls *tls, char first)
{
    if (!tls->has_received && first != 22 && first != 21)
        tls->error = TLS_NOT_TLS;
    tls->has_received = true;
    return tls->error == TLS_OK;
}

/* Between flights of a handshake the library would take application data for a fault, if the flight
 * that it answers with is not sent yet. */
static bool is_answering(const struct tls *tls)
{
    return tls->client.eng.application_data == 0 && tls_wire_out(tls).length > 0;
}

/* What is written to, and decrypted where it lies, has to be wiped; the rest costs no page. */
static void in_note(struct tls *tls, const unsigned char *end)
{
    uint16_t used = (uint16_t)(end - tls->in);

    assert(end >= tls->in && end <= tls->in + sizeof(tls->in));
    if (used > tls->in_used)
        tls->in_used = used;
}

/* Where the library wants bytes says what they are: a record's first ones lie at the beginning. How
 * many it wants does not: the last five of a record are as many as a header's. */
static bool is_record_begin(const struct tls *tls, const unsigned char *buffer)
{
    return buffer == tls->in;
}

/* Once a connection is open, a record of the handshake asks for another one (RFC 5246, 7.4.1.1).
 * BearSSL declines by itself; whether the server takes that is for it to say. */
static void renegotiation_note(struct tls *tls, const unsigned char *buffer, uint8_t first)
{
    tls->was_asked_again |=
        tls->is_open && is_record_begin(tls, buffer) && first == RECORD_HANDSHAKE;
}

bool tls_was_asked_again(const struct tls *tls)
{
    return tls->was_asked_again;
}

size_t tls_wire_in(struct tls *tls, struct span bytes)
{
    br_ssl_engine_context *engine = &tls->client.eng;
    bool was_open = tls->is_open;
    size_t taken = 0;

    tls->is_waiting = false;
    while (taken < bytes.length && !has_ended(tls) && begins_like_tls(tls, bytes.bytes[taken])) {
        size_t room;
        unsigned char *buffer = br_ssl_engine_recvrec_buf(engine, &room);

        if (buffer == NULL || is_answering(tls))
            return taken;
        tls->is_waiting = !tls->is_open && !tls->has_verdict && !chain_take(tls);
        if (tls->is_waiting)
            return taken;
        renegotiation_note(tls, buffer, (uint8_t)bytes.bytes[taken]);
        if (room > bytes.length - taken)
            room = bytes.length - taken;
        memcpy(buffer, bytes.bytes + taken, room);
        in_note(tls, buffer + room);
        records_walk(tls, (struct span){bytes.bytes + taken, room});
        if (tls->error == TLS_OK)
            br_ssl_engine_recvrec_ack(engine, room);
        taken += room;
        closing_drop(tls);
        progress_note(tls);
    }
    if (!was_open && (tls->is_open || has_failed(tls)))
        stack_wipe();
    return has_ended(tls) ? bytes.length : taken;
}

bool tls_is_waiting(const struct tls *tls)
{
    return tls->is_waiting;
}

bool tls_is_inside_record(const struct tls *tls)
{
    size_t room;
    const unsigned char *buffer = br_ssl_engine_recvrec_buf(&tls->client.eng, &room);

    return buffer != NULL && !is_record_begin(tls, buffer);
}

void tls_wire_end(struct tls *tls)
{
    if (!has_ended(tls))
        tls->error = tls->is_open ? TLS_TRUNCATED : TLS_HANDSHAKE_CUT;
    chain_give_back(tls);
}

struct span tls_wire_out(const struct tls *tls)
{
    size_t length = 0;
    const unsigned char *bytes =
        has_failed(tls) ? NULL : br_ssl_engine_sendrec_buf(&tls->client.eng, &length);

    return (struct span){(const char *)bytes, length};
}

void tls_wire_sent(struct tls *tls, size_t length)
{
    if (length == 0 || has_failed(tls))
        return;
    assert(length <= tls_wire_out(tls).length);
    br_ssl_engine_sendrec_ack(&tls->client.eng, length);
    if (!tls->is_open) /* the library has gone on with the handshake */
        stack_wipe();
    progress_note(tls);
}

size_t tls_plain_in(struct tls *tls, struct span bytes)
{
    br_ssl_engine_context *engine = &tls->client.eng;
    size_t room;
    unsigned char *buffer = br_ssl_engine_sendapp_buf(engine, &room);

    if (tls_state(tls) != TLS_OPEN || buffer == NULL || bytes.length == 0)
        return 0;
    if (room > bytes.length)
        room = bytes.length;
    memcpy(buffer, bytes.bytes, room);
    br_ssl_engine_sendapp_ack(engine, room);
    br_ssl_engine_flush(engine, 0);
    return room;
}

struct span tls_plain_out(const struct tls *tls)
{
    size_t length = 0;
    const unsigned char *bytes = br_ssl_engine_recvapp_buf(&tls->client.eng, &length);

    return (struct span){(const char *)bytes, length};
}

void tls_plain_taken(struct tls *tls, size_t length)
{
    assert(length <= tls_plain_out(tls).length);
    if (length > 0)
        br_ssl_engine_recvapp_ack(&tls->client.eng, length);
}

void tls_close(struct tls *tls)
{
    if (tls_state(tls) != TLS_OPEN)
        return;
    tls->is_closing = true;
    closing_drop(tls);
    br_ssl_engine_close(&tls->client.eng);
}

/* --- what was agreed ------------------------------------------------------------------------ */

struct tls_failure tls_failure(const struct tls *tls)
{
    struct tls_failure failure = {
        .error = tls->error, .verdict = tls->verdict, .certificate = tls->certificate};

    if (failure.error == TLS_OK)
        failure.error =
            library_error((unsigned)br_ssl_engine_last_error(&tls->client.eng), &failure.alert);
    if (tls->was_asked_again &&
        (failure.error == TLS_OK || failure.error == TLS_TRUNCATED || failure.error == TLS_ALERT))
        failure.error = TLS_RENEGOTIATION_ASKED;
    if (failure.error == TLS_CERTIFICATE)
        failure.sentence = verify_sentence(failure.verdict);
    else if (failure.error == TLS_ALERT || failure.error == TLS_ALERT_SENT)
        failure.sentence = tls_alert_sentence(failure.error, failure.alert);
    else
        failure.sentence = tls_sentence(failure.error);
    return failure;
}

static const char *suite_name(uint16_t number)
{
    for (size_t i = 0; i < SUITE_COUNT; i++)
        if (suites[i].number == number)
            return suites[i].name;
    return "";
}

static const char *version_name(uint16_t version)
{
    switch (version) {
    case BR_TLS10:
        return "TLSv1.0";
    case BR_TLS11:
        return "TLSv1.1";
    case BR_TLS12:
        return "TLSv1.2";
    }
    return "";
}

struct tls_facts tls_facts(const struct tls *tls)
{
    const br_ssl_session_parameters *session = &tls->client.eng.session;

    return (struct tls_facts){
        .version = version_name(session->version),
        .suite = suite_name(session->cipher_suite),
        .alpn = tls->client.eng.selected_protocol != 0 ? SPAN("http/1.1") : SPAN(""),
        .is_resumed = tls->is_open && !tls->has_verdict,
        .is_verified = tls->verdict == VERIFY_OK,
        .verdict = tls->verdict,
        .certificate = tls->certificate,
    };
}

bool tls_get_session(const struct tls *tls, struct tls_session *ret_session)
{
    const br_ssl_session_parameters *session = &tls->client.eng.session;

    explicit_bzero(ret_session, sizeof(*ret_session));
    if (!tls->is_open || has_failed(tls) || session->session_id_len == 0)
        return false;
    *ret_session = (struct tls_session){.version = session->version,
                                        .suite = session->cipher_suite,
                                        .id_length = session->session_id_len,
                                        .verdict = tls->verdict,
                                        .certificate = tls->certificate,
                                        .made_s = tls->made_s,
                                        .not_after_s = tls->not_after_s};
    memcpy(ret_session->id, session->session_id, sizeof(ret_session->id));
    memcpy(ret_session->master_secret, session->master_secret, sizeof(ret_session->master_secret));
    return true;
}

static char *hex_write(char *at, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < length; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    return at;
}

void tls_keylog_line(const struct tls *tls, char ret_line[TLS_KEYLOG_LINE_BYTES])
{
    static const char label[] = "CLIENT_RANDOM ";
    const br_ssl_engine_context *engine = &tls->client.eng;
    char *at = ret_line + sizeof(label) - 1;

    memcpy(ret_line, label, sizeof(label) - 1);
    at = hex_write(at, engine->client_random, sizeof(engine->client_random));
    *at++ = ' ';
    at = hex_write(at, engine->session.master_secret, sizeof(engine->session.master_secret));
    *at = '\n';
}
