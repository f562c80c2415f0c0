/* TLS 1.2 over BearSSL.
 *
 * The library is a state machine between two buffers, and the four ports are thin: bytes are copied
 * into its input buffer, and everything else is a view of one of its buffers. The one hard idea is
 * the certificates. Their messages come in pieces, the verdict needs them whole, and a handshake is
 * short: so the memory that gathers them belongs to the configuration, is lent to a connection from
 * the server's first byte until the verdict, and a connection that finds none free takes no bytes
 * until one is. What the rest of the handshake needs of the certificate, the public key, is copied
 * into the connection. */

#include "proto/tls/arithmetic.h"
#include "proto/tls/backend.h"

#ifdef HAUL_HAS_OPENSSL
#include "proto/tls/ecdsa.h"
#include "proto/tls/rsa.h"
#endif
#include "proto/x509/der.h"
#include "proto/x509/pem.h"

#include <assert.h>
#include <bearssl.h>
#include <stdlib.h>

enum {
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
 * that has its certificates, and behind it to whether it asks for the client's. */
struct walk {
    uint8_t record_header[5];
    uint8_t message_header[4];
    uint8_t record_header_length;
    uint8_t message_header_length;
    bool is_over; /* the server's flight is, or a session is resumed */
    uint16_t record_left;
    uint32_t message_left;
};

struct client_auth {
    br_x509_certificate *certificates; /* over bytes */
    size_t count;
    unsigned char *bytes;
    br_skey_decoder_context key; /* holds the key; its kind is 0 where there is none */
    /* Who signs with it, and the key as it is told: one of the two, or none. */
    const br_rsa_private_key *rsa;
    br_rsa_pkcs1_sign rsa_sign;
    const br_ec_private_key *ec;
    const br_ec_impl *curves;
    br_ecdsa_sign ec_sign;
#ifdef HAUL_HAS_OPENSSL
    struct rsa_signer rsa_signer;
    struct ecdsa_signer ec_signer;
#endif
};

struct bear_config {
    struct tls_config base;
    br_ssl_client_context template; /* copied into every connection, instead of being made anew */
    const char *protocols[1];
    struct chain *chains;
    struct chain *free_chain; /* given back */
    size_t chain_count;
    size_t chains_begun; /* those behind them were never used: their pages cost nothing */
    struct client_auth client;
#ifdef HAUL_HAS_OPENSSL
    struct ecdsa ecdsa; /* base.arithmetic, where libcrypto is there */
#endif
};

struct bear {
    struct tls tls;
    br_ssl_client_context client;
    const br_x509_class *x509; /* the library calls chain_class through this field's address */
    struct bear_config *config;
    struct chain *chain; /* NULL: none is held */
    br_x509_pkey key;    /* the server's, over key_bytes */
    unsigned char key_bytes[MODULUS_BYTES_MAX + EXPONENT_BYTES_MAX];
    struct walk walk;
    bool has_verdict; /* a chain was judged: no session is resumed */
    bool is_open;
    bool is_closing;
    bool is_waiting;
    uint16_t in_used; /* bytes of in: the others were never written */
    unsigned char in[BR_SSL_BUFSIZE_INPUT];
    unsigned char out[TLS_RECORD_OUT_BYTES + RECORD_OVERHEAD_BYTES];
};

static struct bear *bear_of(struct tls *tls)
{
    return (struct bear *)tls;
}

static const struct bear *bear_in(const struct tls *tls)
{
    return (const struct bear *)tls;
}

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

/* By libcrypto, where arithmetic is not NULL. */
static br_rsa_pkcs1_vrfy rsa_fast(const void *arithmetic)
{
#ifdef HAUL_HAS_OPENSSL
    if (arithmetic != NULL)
        return tls_rsa_verify;
#endif
    (void)arithmetic;
    return br_rsa_pkcs1_vrfy_get_default();
}

static bool rsa_check(br_rsa_pkcs1_vrfy verify, const struct certificate_signature *signature,
                      const struct certificate_key *key, const unsigned char *hash)
{
    br_rsa_public_key rsa = rsa_key(key);
    size_t bytes = hashes[signature->hash].bytes;
    unsigned char signed_hash[br_sha512_SIZE];

    return verify((const unsigned char *)signature->value.bytes, signature->value.length,
                  hashes[signature->hash].oid, bytes, &rsa, signed_hash) == 1 &&
           memcmp(signed_hash, hash, bytes) == 0;
}

/* Libcrypto asks for DER (RFC 3279, 2.2.3), and BearSSL lets much pass that is not: numbers that
 * are negative or longer than they need be, or something behind them. What computes is not to
 * decide who is let in. */
static uint32_t ecdsa_of_der(const br_ec_impl *ec, const void *hash, size_t hash_length,
                             const br_ec_public_key *key, const void *signature, size_t length)
{
    struct span rest, number;
    bool is_der = der_only((struct span){signature, length}, DER_SEQUENCE, &rest) &&
                  der_take_unsigned(&rest, &number) && der_take_unsigned(&rest, &number) &&
                  rest.length == 0;

    return is_der ? br_ecdsa_vrfy_asn1_get_default()(ec, hash, hash_length, key, signature, length)
                  : 0;
}

/* By libcrypto, where ec is one that brings it. */
static br_ecdsa_vrfy ecdsa_fast(const br_ec_impl *ec)
{
#ifdef HAUL_HAS_OPENSSL
    if (ec != NULL)
        return tls_ecdsa_verify;
#endif
    (void)ec;
    return ecdsa_of_der;
}

static bool ecdsa_check(const br_ec_impl *ec, const struct certificate_signature *signature,
                        const struct certificate_key *key, const unsigned char *hash)
{
    br_ec_public_key public_key = ec_key(key);

    return ecdsa_fast(ec)(ec != NULL ? ec : br_ec_get_default(), hash,
                          hashes[signature->hash].bytes, &public_key, signature->value.bytes,
                          signature->value.length) == 1;
}

/* context is a br_ec_impl that brings libcrypto's ECDSA; NULL: all is BearSSL's own. */
bool tls_check_signature(void *context, const struct certificate_signature *signature,
                         const struct certificate_key *issuer_key)
{
    const br_hash_class *class = hashes[signature->hash].class;
    unsigned char hash[br_sha512_SIZE];

    if (class == NULL)
        return false;
    tls_hash(context, class, &signature->tbs, 1, hash);
    if (issuer_key->kind == CERTIFICATE_KEY_RSA)
        return rsa_check(rsa_fast(context), signature, issuer_key, hash);
    return issuer_key->kind == CERTIFICATE_KEY_EC &&
           ecdsa_check(context, signature, issuer_key, hash);
}

/* --- the server's certificates -------------------------------------------------------------- */

static struct bear *bear_by(const br_x509_class **x509)
{
    return (struct bear *)(void *)((char *)x509 - offsetof(struct bear, x509));
}

static bool chain_take(struct bear *bear)
{
    struct bear_config *config = bear->config;

    if (bear->chain != NULL)
        return true;
    bear->chain = config->free_chain;
    if (bear->chain != NULL)
        config->free_chain = bear->chain->next_free;
    else if (config->chains_begun < config->chain_count)
        bear->chain = &config->chains[config->chains_begun++];
    return bear->chain != NULL;
}

static void chain_give_back(struct bear *bear)
{
    if (bear->chain == NULL)
        return;
    assert(bear->chain != bear->config->free_chain);
    bear->chain->next_free = bear->config->free_chain;
    bear->config->free_chain = bear->chain;
    bear->chain = NULL;
}

/* What is too large is not waited for. Where verdicts do not count, it is noted at the end. */
static void chain_refuse_size(struct bear *bear)
{
    if (bear->config->base.is_insecure)
        return;
    bear->tls.error = TLS_CERTIFICATE;
    bear->tls.verdict = VERIFY_TOO_LARGE;
    bear->tls.certificate = 0;
}

/* The library tells a message's length to nobody: this reads it beside it. */
static void messages_walk(struct bear *bear, struct span bytes)
{
    enum { CERTIFICATE = 11, CERTIFICATE_REQUEST = 13, SERVER_HELLO_DONE = 14 };
    enum { LIMIT = VERIFY_CHAIN_BYTES_MAX + 3 + 3 * VERIFY_CHAIN_MAX };
    struct walk *walk = &bear->walk;
    const uint8_t *header = walk->message_header;

    for (size_t at = 0; at < bytes.length && !walk->is_over;) {
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
        walk->is_over = header[0] == SERVER_HELLO_DONE;
        bear->tls.was_asked_who |= header[0] == CERTIFICATE_REQUEST;
        if (header[0] == CERTIFICATE && walk->message_left > LIMIT)
            chain_refuse_size(bear);
    }
}

static void records_walk(struct bear *bear, struct span bytes)
{
    struct walk *walk = &bear->walk;
    const uint8_t *header = walk->record_header;

    for (size_t at = 0, length; at < bytes.length && !walk->is_over; at += length) {
        length = bytes.length - at < walk->record_left ? bytes.length - at : walk->record_left;
        if (walk->record_left > 0) {
            if (header[0] == RECORD_HANDSHAKE)
                messages_walk(bear, (struct span){bytes.bytes + at, length});
            walk->record_left = (uint16_t)(walk->record_left - length);
            continue;
        }
        length = 1;
        walk->record_header[walk->record_header_length++] = (uint8_t)bytes.bytes[at];
        if (walk->record_header_length < sizeof(walk->record_header))
            continue;
        walk->record_header_length = 0;
        walk->record_left = (uint16_t)(header[3] << 8 | header[4]);
        walk->is_over = header[0] == RECORD_CHANGE_CIPHER_SPEC; /* of a session resumed */
    }
}

static void chain_start(const br_x509_class **x509, const char *server_name)
{
    struct chain *chain = bear_by(x509)->chain;

    (void)server_name;
    assert(chain != NULL); /* tls_wire_in feeds the handshake only with one */
    chain->count = 0;
    chain->kept = 0;
    chain->length = 0;
    chain->is_too_large = false;
}

static void chain_certificate_start(const br_x509_class **x509, uint32_t length)
{
    struct chain *chain = bear_by(x509)->chain;

    chain->is_too_large |= length > sizeof(chain->bytes) - chain->length;
    if (chain->is_too_large)
        chain_refuse_size(bear_by(x509));
    if (!chain->is_too_large && chain->kept < VERIFY_CHAIN_MAX)
        chain->certificates[chain->kept++] = (struct span){chain->bytes + chain->length, length};
    chain->count++;
}

static void chain_append(const br_x509_class **x509, const unsigned char *bytes, size_t length)
{
    struct chain *chain = bear_by(x509)->chain;

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

/* Copies the key into the connection. false: the library cannot work with it. */
static bool key_keep(struct bear *bear, const struct certificate_key *key)
{
    unsigned char *bytes = bear->key_bytes;

    if (key->kind == CERTIFICATE_KEY_RSA && key->modulus.length <= MODULUS_BYTES_MAX &&
        key->exponent.length <= EXPONENT_BYTES_MAX) {
        memcpy(bytes, key->modulus.bytes, key->modulus.length);
        memcpy(bytes + MODULUS_BYTES_MAX, key->exponent.bytes, key->exponent.length);
        bear->key.key_type = BR_KEYTYPE_RSA;
        bear->key.key.rsa = rsa_key(key);
        bear->key.key.rsa.n = bytes;
        bear->key.key.rsa.e = bytes + MODULUS_BYTES_MAX;
        return true;
    }
    if (key->kind == CERTIFICATE_KEY_EC && key->point.length <= MODULUS_BYTES_MAX) {
        memcpy(bytes, key->point.bytes, key->point.length);
        bear->key.key_type = BR_KEYTYPE_EC;
        bear->key.key.ec = ec_key(key);
        bear->key.key.ec.q = bytes;
        return true;
    }
    return false;
}

static enum tls_error chain_judge(struct bear *bear)
{
    const struct tls_chain chain = {
        .certificates = bear->chain->certificates,
        .count = bear->chain->count,
        .kept = bear->chain->kept,
        .is_too_large = bear->chain->is_too_large,
    };
    struct certificate leaf;
    enum tls_error error = tls_judge(&bear->tls, &bear->config->base, &chain, &leaf);

    if (error == TLS_OK && !key_keep(bear, &leaf.key)) {
        tls_certificate_unusable(&bear->tls, VERIFY_KEY_KIND);
        return TLS_CERTIFICATE;
    }
    return error;
}

static unsigned chain_end(const br_x509_class **x509)
{
    struct bear *bear = bear_by(x509);

    bear->has_verdict = true;
    bear->tls.error = (uint8_t)chain_judge(bear);
    chain_give_back(bear);
    return bear->tls.error == TLS_OK ? 0 : BR_ERR_X509_NOT_TRUSTED;
}

/* What the key may be used for, verify_chain has decided. */
static const br_x509_pkey *chain_key(const br_x509_class *const *x509, unsigned *ret_usages)
{
    const char *field = (const char *)x509;

    if (ret_usages != NULL)
        *ret_usages = BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN;
    return &((const struct bear *)(const void *)(field - offsetof(struct bear, x509)))->key;
}

static const br_x509_class chain_class = {
    .context_size = sizeof(struct bear),
    .start_chain = chain_start,
    .start_cert = chain_certificate_start,
    .append = chain_append,
    .end_cert = chain_certificate_end,
    .end_chain = chain_end,
    .get_pkey = chain_key,
};

/* --- the client's certificate and key ------------------------------------------------------- */

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
    struct span body;
    enum tls_error error = tls_key_block(pem, &body);

    return error == TLS_OK ? key_decode(key, body) : error;
}

/* By libcrypto, where arithmetic is not NULL. */
static void signer_choose(struct client_auth *client, const struct tls_config *base,
                          const struct certificate_key *public_key)
{
    client->rsa = br_skey_decoder_get_rsa(&client->key);
    client->ec = br_skey_decoder_get_ec(&client->key);
    client->rsa_sign = br_rsa_pkcs1_sign_get_default();
    client->ec_sign = br_ecdsa_sign_asn1_get_default();
    client->curves = br_ec_get_default();
#ifdef HAUL_HAS_OPENSSL
    if (base->arithmetic != NULL && client->rsa != NULL &&
        public_key->kind == CERTIFICATE_KEY_RSA) {
        br_rsa_public_key rsa = rsa_key(public_key);

        tls_rsa_signer_open(&client->rsa_signer, client->rsa, &rsa);
        client->rsa = &client->rsa_signer.key;
        client->rsa_sign = tls_rsa_sign;
    }
    if (base->arithmetic != NULL && client->ec != NULL) {
        client->curves = base->arithmetic;
        tls_ecdsa_signer_open(&client->ec_signer, base->arithmetic, client->ec);
        client->ec = &client->ec_signer.key;
        client->ec_sign = tls_ecdsa_sign;
    }
#else
    (void)base;
    (void)public_key;
#endif
}

static void signer_close(struct client_auth *client, const struct tls_config *base)
{
#ifdef HAUL_HAS_OPENSSL
    tls_rsa_signer_close(&client->rsa_signer);
    if (base->arithmetic != NULL)
        tls_ecdsa_signer_close(&client->ec_signer, base->arithmetic);
#else
    (void)client;
    (void)base;
#endif
}

/* Signs with one and checks with the other: the library does not compute a modulus of 4096 bits. */
static bool rsa_key_matches(const struct client_auth *client,
                            const struct certificate_key *public_key)
{
    static const unsigned char hash[br_sha256_SIZE];
    unsigned char value[MODULUS_BYTES_MAX];
    struct certificate_signature signature = {
        .hash = CERTIFICATE_HASH_SHA256, .value = {(char *)value, (client->rsa->n_bitlen + 7) / 8}};

    return public_key->kind == CERTIFICATE_KEY_RSA && signature.value.length <= sizeof(value) &&
           client->rsa_sign(BR_HASH_OID_SHA256, hash, sizeof(hash), client->rsa, value) == 1 &&
           rsa_check(br_rsa_pkcs1_vrfy_get_default(), &signature, public_key, hash);
}

static bool ec_key_matches(const struct client_auth *client,
                           const struct certificate_key *public_key)
{
    unsigned char own[BR_EC_KBUF_PUB_MAX_SIZE];
    size_t length = br_ec_compute_pub(client->curves, NULL, own, client->ec);

    return public_key->kind == CERTIFICATE_KEY_EC && length > 0 &&
           span_equal(public_key->point, (struct span){(char *)own, length});
}

static enum tls_error key_match(struct client_auth *client, const struct tls_config *base)
{
    struct span der = {(const char *)client->certificates[0].data,
                       client->certificates[0].data_len};
    struct certificate leaf;
    bool matches;

    if (!certificate_parse(der, &leaf))
        return TLS_CERTIFICATE_MALFORMED;
    signer_choose(client, base, &leaf.key);
    matches = client->rsa != NULL ? rsa_key_matches(client, &leaf.key)
                                  : ec_key_matches(client, &leaf.key);
    return matches ? TLS_OK : TLS_KEY_MISMATCH;
}

static enum tls_error client_auth_read(struct client_auth *client, const struct tls_config *base,
                                       struct span certificate, struct span key)
{
    enum tls_error error = certificates_read(client, certificate);

    if (error == TLS_OK)
        error = key_read(&client->key, key.length > 0 ? key : certificate);
    return error == TLS_OK ? key_match(client, base) : error;
}

/* Pointers into the connection are set by this, so that it cannot be part of the template. */
static void client_auth_use(br_ssl_client_context *client, const struct client_auth *auth)
{
    if (auth->rsa != NULL)
        br_ssl_client_set_single_rsa(client, auth->certificates, auth->count, auth->rsa,
                                     auth->rsa_sign);
    else if (auth->ec != NULL)
        br_ssl_client_set_single_ec(client, auth->certificates, auth->count, auth->ec,
                                    BR_KEYTYPE_SIGN, BR_KEYTYPE_EC, auth->curves, auth->ec_sign);
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

/* Without instructions for AES, ChaCha20 is several times faster, and constant in time. By
 * libcrypto, where arithmetic is not NULL; AES-GCM is as fast by BearSSL. */
static void template_suites(br_ssl_engine_context *engine, bool is_legacy, const void *arithmetic)
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
#ifdef HAUL_HAS_OPENSSL
    if (arithmetic != NULL)
        tls_chapol_use(engine);
#else
    (void)arithmetic;
#endif
}

static void template_legacy(br_ssl_client_context *client, uint16_t least)
{
    br_ssl_engine_context *engine = &client->eng;

    if (least < BR_TLS12)
        br_ssl_engine_set_versions(engine, BR_TLS10, BR_TLS12);
    br_ssl_engine_set_hash(engine, br_md5_ID, &br_md5_vtable);
    br_ssl_engine_set_hash(engine, br_sha1_ID, &br_sha1_vtable);
    br_ssl_engine_set_prf10(engine, &br_tls10_prf);
    br_ssl_engine_set_default_aes_cbc(engine);
    br_ssl_client_set_default_rsapub(client);
}

/* By libcrypto, where arithmetic is not NULL. */
static void template_prf(br_ssl_engine_context *engine, const void *arithmetic)
{
    br_ssl_engine_set_prf_sha256(engine, &br_tls12_sha256_prf);
    br_ssl_engine_set_prf_sha384(engine, &br_tls12_sha384_prf);
#ifdef HAUL_HAS_OPENSSL
    if (arithmetic != NULL) {
        br_ssl_engine_set_prf_sha256(engine, &tls_prf_sha256);
        br_ssl_engine_set_prf_sha384(engine, &tls_prf_sha384);
    }
#else
    (void)arithmetic;
#endif
}

static void template_init(struct bear_config *config, uint16_t least)
{
    br_ssl_client_context *client = &config->template;
    br_ssl_engine_context *engine = &client->eng;

    br_ssl_client_zero(client);
    br_ssl_engine_set_versions(engine, BR_TLS12, BR_TLS12);
    br_ssl_engine_set_hash(engine, br_sha256_ID, &br_sha256_vtable);
    br_ssl_engine_set_hash(engine, br_sha384_ID, &br_sha384_vtable);
    br_ssl_engine_set_hash(engine, br_sha512_ID, &br_sha512_vtable);
    template_prf(engine, config->base.arithmetic);
    br_ssl_engine_set_rsavrfy(engine, rsa_fast(config->base.arithmetic));
    br_ssl_engine_set_default_ecdsa(engine);
    br_ssl_engine_set_ecdsa(engine, ecdsa_fast(config->base.arithmetic));
    if (config->base.arithmetic != NULL)
        br_ssl_engine_set_ec(engine, config->base.arithmetic);
    br_ssl_engine_set_all_flags(engine, BR_OPT_NO_RENEGOTIATION);
    template_suites(engine, config->base.is_legacy, config->base.arithmetic);
    if (config->base.is_legacy)
        template_legacy(client, least);
    config->protocols[0] = "http/1.1";
    br_ssl_engine_set_protocol_names(engine, config->protocols, 1);
    /* The seed is the caller's alone: the library is not to ask the system for more. */
    engine->rng_os_rand_done = 1;
}

static bool chains_open(struct bear_config *config, size_t count)
{
    config->chains = calloc(count, sizeof(config->chains[0]));
    config->chain_count = count;
    return config->chains != NULL;
}

static struct bear_config *bear_config_of(struct tls_config *config)
{
    return (struct bear_config *)config;
}

/* Where libcrypto is not there to be loaded, BearSSL's own is slower and as good. */
static void arithmetic_take(struct bear_config *config)
{
#ifdef HAUL_HAS_OPENSSL
    if (tls_ecdsa_open(&config->ecdsa))
        config->base.arithmetic = &config->ecdsa.ec;
#else
    (void)config;
#endif
}

static enum tls_error config_fill(struct tls_config *base, const struct tls_options *options)
{
    struct bear_config *config = bear_config_of(base);
    enum tls_error error = TLS_OK;

    arithmetic_take(config);
    template_init(config, options->version_min);
    if (!chains_open(config, options->chain_count > 0 ? options->chain_count : 1))
        return TLS_MEMORY;
    if (options->certificate.length > 0)
        error = client_auth_read(&config->client, base, options->certificate, options->key);
    stack_wipe();
    return error;
}

static void config_free(struct tls_config *base)
{
    struct bear_config *config = bear_config_of(base);

    signer_close(&config->client, base);
    free(config->client.certificates);
    free(config->client.bytes);
    free(config->chains);
    stack_wipe();
}

static bool config_has_chain(const struct tls_config *base)
{
    const struct bear_config *config = (const struct bear_config *)base;

    return config->free_chain != NULL || config->chains_begun < config->chain_count;
}

size_t tls_chain_size(void)
{
    return sizeof(struct chain);
}

/* --- one connection ------------------------------------------------------------------------- */

static bool session_holds(const struct tls_session *session, const struct bear_config *config,
                          int64_t now_s)
{
    return session->id_length > 0 && now_s >= session->made_s && now_s <= session->not_after_s &&
           (session->verdict == VERIFY_OK || config->base.is_insecure);
}

static void session_offer(struct bear *bear, const struct tls_session *session)
{
    br_ssl_session_parameters parameters = {.session_id_len = session->id_length,
                                            .version = session->version,
                                            .cipher_suite = session->suite};

    memcpy(parameters.session_id, session->id, sizeof(parameters.session_id));
    memcpy(parameters.master_secret, session->master_secret, sizeof(parameters.master_secret));
    br_ssl_engine_set_session_parameters(&bear->client.eng, &parameters);
    explicit_bzero(&parameters, sizeof(parameters));
    bear->tls.verdict = session->verdict;
    bear->tls.certificate = session->certificate;
    bear->tls.made_s = session->made_s;
    bear->tls.not_after_s = session->not_after_s;
}

/* Buffers of this size would make the library ask the server for small records
 * (max_fragment_length), though it can take large ones. */
static void buffers_set(struct bear *bear)
{
    br_ssl_engine_set_buffers_bidi(&bear->client.eng, bear->in, sizeof(bear->in), bear->out,
                                   sizeof(bear->out));
    bear->client.eng.log_max_frag_len = 14;
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

static struct tls *init(void *memory, struct tls_config *base, const struct tls_peer *peer)
{
    struct bear *bear = memory;
    struct bear_config *config = bear_config_of(base);
    const struct tls_session *session = peer->session;
    bool resumes = session != NULL && session_holds(session, config, peer->now_s);

    memset(bear, 0, offsetof(struct bear, in));
    tls_begin(&bear->tls, base, peer);
    bear->client = config->template;
    bear->config = config;
    bear->x509 = &chain_class;
    br_ssl_engine_set_x509(&bear->client.eng, &bear->x509);
    if (!peer->is_anonymous)
        client_auth_use(&bear->client, &config->client);
    buffers_set(bear);
    br_ssl_engine_inject_entropy(&bear->client.eng, peer->seed, TLS_SEED_BYTES);
    if (resumes)
        session_offer(bear, session);
    br_ssl_client_reset(&bear->client, tls_host_is_name(&bear->tls) ? bear->tls.host : NULL,
                        resumes);
    curves_reorder(&bear->client.eng);
    stack_wipe();
    return &bear->tls;
}

static void deinit(struct tls *tls)
{
    struct bear *bear = bear_of(tls);
    chain_give_back(bear);
    explicit_bzero(bear->out, sizeof(bear->out));
    explicit_bzero(bear, offsetof(struct bear, in) + bear->in_used);
    stack_wipe();
}

static bool has_failed(const struct bear *bear)
{
    return bear->tls.error != TLS_OK || br_ssl_engine_last_error(&bear->client.eng) != BR_ERR_OK;
}

static bool has_ended(const struct bear *bear)
{
    return has_failed(bear) || bear->client.eng.shutdown_recv ||
           br_ssl_engine_current_state(&bear->client.eng) == BR_SSL_CLOSED;
}

static enum tls_state state(const struct tls *tls)
{
    const struct bear *bear = bear_in(tls);
    if (has_failed(bear))
        return TLS_FAILED;
    if (has_ended(bear))
        return TLS_CLOSED;
    if (bear->is_closing)
        return TLS_CLOSING;
    return bear->is_open ? TLS_OPEN : TLS_HANDSHAKE;
}

/* After every step of the library: has the handshake ended, and how? */
static void progress_note(struct bear *bear)
{
    if (bear->client.eng.application_data != 0 && !has_failed(bear))
        bear->is_open = true;
    if (!bear->is_open && !has_failed(bear) && bear->client.eng.shutdown_recv)
        bear->tls.error = TLS_HANDSHAKE_CUT;
    if (bear->is_open || has_failed(bear))
        chain_give_back(bear);
}

/* After tls_close, the library still holds out what it decrypts, and goes on when it is taken. */
static void closing_drop(struct bear *bear)
{
    size_t length;

    if (bear->is_closing && br_ssl_engine_recvapp_buf(&bear->client.eng, &length) != NULL)
        br_ssl_engine_recvapp_ack(&bear->client.eng, length);
}

/* A handshake or an alert is all that a TLS server begins with; 22 and 21 are no text either. */
static bool begins_like_tls(struct bear *bear, char first)
{
    if (!bear->tls.has_received && first != 22 && first != 21)
        bear->tls.error = TLS_NOT_TLS;
    bear->tls.has_received = true;
    return bear->tls.error == TLS_OK;
}

/* Between flights of a handshake the library would take application data for a fault, if the flight
 * that it answers with is not sent yet. */
static bool is_answering(const struct bear *bear)
{
    return bear->client.eng.application_data == 0 && tls_wire_out(&bear->tls).length > 0;
}

/* What is written to, and decrypted where it lies, has to be wiped; the rest costs no page. */
static void in_note(struct bear *bear, const unsigned char *end)
{
    uint16_t used = (uint16_t)(end - bear->in);

    assert(end >= bear->in && end <= bear->in + sizeof(bear->in));
    if (used > bear->in_used)
        bear->in_used = used;
}

/* Where the library wants bytes says what they are: a record's first ones lie at the beginning. How
 * many it wants does not: the last five of a record are as many as a header's. */
static bool is_record_begin(const struct bear *bear, const unsigned char *buffer)
{
    return buffer == bear->in;
}

/* Once a connection is open, a record of the handshake asks for another one (RFC 5246, 7.4.1.1).
 * BearSSL declines by itself; whether the server takes that is for it to say. */
static void renegotiation_note(struct bear *bear, const unsigned char *buffer, uint8_t first)
{
    bear->tls.was_asked_again |=
        bear->is_open && is_record_begin(bear, buffer) && first == RECORD_HANDSHAKE;
}

static size_t wire_in(struct tls *tls, struct span bytes)
{
    struct bear *bear = bear_of(tls);
    br_ssl_engine_context *engine = &bear->client.eng;
    bool was_open = bear->is_open;
    size_t taken = 0;

    bear->is_waiting = false;
    while (taken < bytes.length && !has_ended(bear) && begins_like_tls(bear, bytes.bytes[taken])) {
        size_t room;
        unsigned char *buffer = br_ssl_engine_recvrec_buf(engine, &room);

        if (buffer == NULL || is_answering(bear))
            return taken;
        bear->is_waiting = !bear->is_open && !bear->has_verdict && !chain_take(bear);
        if (bear->is_waiting)
            return taken;
        renegotiation_note(bear, buffer, (uint8_t)bytes.bytes[taken]);
        if (room > bytes.length - taken)
            room = bytes.length - taken;
        memcpy(buffer, bytes.bytes + taken, room);
        in_note(bear, buffer + room);
        records_walk(bear, (struct span){bytes.bytes + taken, room});
        if (bear->tls.error == TLS_OK)
            br_ssl_engine_recvrec_ack(engine, room);
        taken += room;
        closing_drop(bear);
        progress_note(bear);
    }
    if (!was_open && (bear->is_open || has_failed(bear)))
        stack_wipe();
    return has_ended(bear) ? bytes.length : taken;
}

static bool is_waiting(const struct tls *tls)
{
    return bear_in(tls)->is_waiting;
}

static bool is_inside_record(const struct tls *tls)
{
    const struct bear *bear = bear_in(tls);
    size_t room;
    const unsigned char *buffer = br_ssl_engine_recvrec_buf(&bear->client.eng, &room);

    return buffer != NULL && !is_record_begin(bear, buffer);
}

static void wire_end(struct tls *tls)
{
    struct bear *bear = bear_of(tls);
    if (!has_ended(bear))
        bear->tls.error = bear->is_open ? TLS_TRUNCATED : TLS_HANDSHAKE_CUT;
    chain_give_back(bear);
}

static struct span wire_out(const struct tls *tls)
{
    const struct bear *bear = bear_in(tls);
    size_t length = 0;
    const unsigned char *bytes =
        has_failed(bear) ? NULL : br_ssl_engine_sendrec_buf(&bear->client.eng, &length);

    return (struct span){(const char *)bytes, length};
}

static void wire_sent(struct tls *tls, size_t length)
{
    struct bear *bear = bear_of(tls);
    if (length == 0 || has_failed(bear))
        return;
    assert(length <= wire_out(tls).length);
    br_ssl_engine_sendrec_ack(&bear->client.eng, length);
    if (!bear->is_open) /* the library has gone on with the handshake */
        stack_wipe();
    progress_note(bear);
}

static size_t plain_in(struct tls *tls, struct span bytes)
{
    struct bear *bear = bear_of(tls);
    br_ssl_engine_context *engine = &bear->client.eng;
    size_t room;
    unsigned char *buffer = br_ssl_engine_sendapp_buf(engine, &room);

    if (state(tls) != TLS_OPEN || buffer == NULL || bytes.length == 0)
        return 0;
    if (room > bytes.length)
        room = bytes.length;
    memcpy(buffer, bytes.bytes, room);
    br_ssl_engine_sendapp_ack(engine, room);
    br_ssl_engine_flush(engine, 0);
    return room;
}

static struct span plain_out(const struct tls *tls)
{
    const struct bear *bear = bear_in(tls);
    size_t length = 0;
    const unsigned char *bytes = br_ssl_engine_recvapp_buf(&bear->client.eng, &length);

    return (struct span){(const char *)bytes, length};
}

static void plain_taken(struct tls *tls, size_t length)
{
    struct bear *bear = bear_of(tls);
    assert(length <= plain_out(tls).length);
    if (length > 0)
        br_ssl_engine_recvapp_ack(&bear->client.eng, length);
}

static void close_notify(struct tls *tls)
{
    struct bear *bear = bear_of(tls);
    if (state(tls) != TLS_OPEN)
        return;
    bear->is_closing = true;
    closing_drop(bear);
    br_ssl_engine_close(&bear->client.eng);
}

/* --- what was agreed ------------------------------------------------------------------------ */

static enum tls_error found_by_library(const struct tls *tls, uint8_t *ret_alert)
{
    int code = br_ssl_engine_last_error(&bear_in(tls)->client.eng);

    return library_error((unsigned)code, ret_alert);
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

static struct tls_facts facts(const struct tls *tls)
{
    const struct bear *bear = bear_in(tls);
    const br_ssl_session_parameters *session = &bear->client.eng.session;

    return (struct tls_facts){
        .version = version_name(session->version),
        .suite = suite_name(session->cipher_suite),
        .alpn = bear->client.eng.selected_protocol != 0 ? SPAN("http/1.1") : SPAN(""),
        .is_resumed = bear->is_open && !bear->has_verdict,
    };
}

static bool get_session(const struct tls *tls, struct tls_session *ret_session)
{
    const struct bear *bear = bear_in(tls);
    const br_ssl_session_parameters *session = &bear->client.eng.session;

    explicit_bzero(ret_session, sizeof(*ret_session));
    if (!bear->is_open || has_failed(bear) || session->session_id_len == 0)
        return false;
    *ret_session = (struct tls_session){.version = session->version,
                                        .suite = session->cipher_suite,
                                        .id_length = session->session_id_len,
                                        .verdict = bear->tls.verdict,
                                        .certificate = bear->tls.certificate,
                                        .made_s = bear->tls.made_s,
                                        .not_after_s = bear->tls.not_after_s};
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

/* "CLIENT_RANDOM <hex> <hex>" */
static size_t key_log(struct tls *tls, char ret_lines[TLS_KEYLOG_BYTES])
{
    static const char label[] = "CLIENT_RANDOM ";
    const br_ssl_engine_context *engine = &bear_in(tls)->client.eng;
    char *at = ret_lines + sizeof(label) - 1;

    if (!bear_in(tls)->is_open)
        return 0;
    memcpy(ret_lines, label, sizeof(label) - 1);
    at = hex_write(at, engine->client_random, sizeof(engine->client_random));
    *at++ = ' ';
    at = hex_write(at, engine->session.master_secret, sizeof(engine->session.master_secret));
    *at++ = '\n';
    return (size_t)(at - ret_lines);
}

static const char *version(void)
{
    return "BearSSL";
}

const struct tls_backend tls_bearssl = {
    .name = "bearssl",
    .version = version,
    .config_size = sizeof(struct bear_config),
    .size = sizeof(struct bear),
    .check_signature = tls_check_signature,
    .config_fill = config_fill,
    .config_free = config_free,
    .config_has_chain = config_has_chain,
    .init = init,
    .deinit = deinit,
    .state = state,
    .wire_in = wire_in,
    .wire_end = wire_end,
    .wire_out = wire_out,
    .wire_sent = wire_sent,
    .plain_in = plain_in,
    .plain_out = plain_out,
    .plain_taken = plain_taken,
    .close = close_notify,
    .is_waiting = is_waiting,
    .is_inside_record = is_inside_record,
    .library_error = found_by_library,
    .facts = facts,
    .get_session = get_session,
    .key_log = key_log,
};
