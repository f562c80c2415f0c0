/* TLS 1.3 and 1.2 over libssl.
 *
 * The library is driven through ports of our own: what it reads is the span that wire_in was given,
 * what it writes is gathered in the connection. The one hard idea is whom it believes: nobody. It
 * has a library context of the configuration's own, into which no openssl.cnf is loaded; the
 * certificates are judged by proto/x509 on the very bytes of their message, before the library has
 * parsed them, and its own verifier is replaced by the answer. What is decrypted lies in one buffer
 * of the configuration, since who drives us takes it at once; who leaves some takes a copy along.
 * So it is with what is to be sent: a connection at rest has no buffer of its own.
 */

#include "proto/tls/backend.h"
#include "proto/tls/evp.h"
#include "proto/tls/key.h"
#include "proto/tls/openssl.h"
#include "proto/tls/tickets.h"

#include "proto/x509/pem.h"

#include <assert.h>
#include <openssl/core_dispatch.h>
#include <stdlib.h>

enum {
    RECORD_HEADER_BYTES = 5,
    PLAIN_BYTES = 16384, /* of a record, at most */
    /* Records to send: one of the caller's and what the library says beside it; a flight with more
     * (the client's certificates) waits until the first of it is sent. */
    OUT_BYTES = 8192,
    /* What a certificate's entry has around it in TLS 1.3: a length of three bytes, one of two and
     * extensions that nobody asked for. */
    MESSAGE_BYTES_MAX = VERIFY_CHAIN_BYTES_MAX + 4096,
    MESSAGE_BYTES_MAX_INSECURE = 1 << 20,
    MESSAGE_HELLO_REQUEST = 0,
    MESSAGE_CERTIFICATE = 11,
    MESSAGE_CERTIFICATE_REQUEST = 13,
    /* What libssl 3.0 takes of the heap for a connection, at most: 63 kB inside a record of its
     * handshake, of which 22 are the buffer of its messages and 17 that of the record; waiting for
     * the server 41. At rest it is 17, or 12 where a session was resumed: no certificates came. */
    HEAP_BYTES = (64 << 10) + OUT_BYTES,
};

/* Is it known where an SSL has its secrets? */
enum secrets_known { SECRETS_UNKNOWN, SECRETS_GUESSED, SECRETS_FOUND, SECRETS_ELSEWHERE };

struct libssl_config {
    struct tls_config base;
    struct openssl openssl;
    struct evp evp;
    SSL_CTX *context;
    struct tickets *tickets;    /* NULL: none are kept */
    struct libssl *plain_owner; /* whose bytes lie in plain; NULL: nobody's */
    unsigned char *out;         /* OUT_BYTES for the next that has something to send; or NULL */
    size_t exporter_at;         /* in an SSL: see secrets_wipe() */
    enum secrets_known secrets;
    bool has_key_log;
    char plain[PLAIN_BYTES];
};

struct libssl {
    struct tls tls;
    struct libssl_config *config;
    SSL *ssl;          /* NULL: there was no memory */
    BIO *wire;         /* ssl's own: what is read and written by port_read and port_write */
    struct span in;    /* what the library has not read of what wire_in was given */
    struct span plain; /* decrypted, and not taken yet */
    char *rest;        /* holds plain, where it had to leave the configuration's buffer; or NULL */
    char *keys;        /* lines for the key log; or NULL */
    size_t keys_length;
    uint16_t port; /* 0: no session is kept */
    uint16_t record_left;
    uint8_t header_length;
    uint8_t header[RECORD_HEADER_BYTES]; /* of the record that comes in */
    uint8_t found;                       /* enum tls_error: what the library found */
    uint8_t alert;                       /* its number, where found is ALERT or ALERT_SENT */
    uint8_t alert_sent;
    bool is_anonymous;
    bool is_choked;   /* the library had more to send than there was room for */
    bool has_verdict; /* a chain was judged: no session is resumed */
    bool is_open;
    bool is_closing;
    bool has_closed;  /* the server's close_notify came */
    bool has_buffers; /* of records, which the library took for a message and did not give back */
    uint16_t out_begin;
    uint16_t out_end;
    unsigned char *out; /* NULL: nothing is to be sent */
};

static struct libssl *libssl_of(struct tls *tls)
{
    return (struct libssl *)tls;
}

static const struct libssl *libssl_in(const struct tls *tls)
{
    return (const struct libssl *)tls;
}

static struct libssl_config *config_of(struct tls_config *config)
{
    return (struct libssl_config *)config;
}

static const struct openssl *openssl_of(const struct libssl *libssl)
{
    return &libssl->config->openssl;
}

/* --- errors ----------------------------------------------------------------------------------- */

static const struct {
    int reason;
    enum tls_error error;
} reasons[] = {
    {SSL_R_UNSUPPORTED_PROTOCOL, TLS_VERSION},
    {SSL_R_WRONG_SSL_VERSION, TLS_VERSION},
    {SSL_R_VERSION_TOO_LOW, TLS_VERSION},
    {SSL_R_WRONG_VERSION_NUMBER, TLS_RECORD_VERSION},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, TLS_RECORD_MAC},
    {SSL_R_PACKET_LENGTH_TOO_LONG, TLS_RECORD_TOO_LARGE},
    {SSL_R_ENCRYPTED_LENGTH_TOO_LONG, TLS_RECORD_TOO_LARGE},
    {SSL_R_DATA_LENGTH_TOO_LONG, TLS_RECORD_TOO_LARGE},
    {SSL_R_LENGTH_TOO_SHORT, TLS_RECORD_LENGTH},
    {SSL_R_RECORD_TOO_SMALL, TLS_RECORD_LENGTH},
    {SSL_R_BAD_RECORD_TYPE, TLS_RECORD_TYPE},
    {SSL_R_UNEXPECTED_RECORD, TLS_UNEXPECTED},
    {SSL_R_UNEXPECTED_MESSAGE, TLS_UNEXPECTED},
    {SSL_R_CCS_RECEIVED_EARLY, TLS_UNEXPECTED},
    {SSL_R_BAD_CHANGE_CIPHER_SPEC, TLS_CHANGE_CIPHER_SPEC},
    {SSL_R_WRONG_CIPHER_RETURNED, TLS_SUITE},
    {SSL_R_UNKNOWN_CIPHER_RETURNED, TLS_SUITE},
    {SSL_R_UNSUPPORTED_COMPRESSION_ALGORITHM, TLS_COMPRESSION},
    {SSL_R_UNSOLICITED_EXTENSION, TLS_EXTENSION},
    {SSL_R_BAD_EXTENSION, TLS_EXTENSION},
    {SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, TLS_RENEGOTIATION},
    {SSL_R_RENEGOTIATION_MISMATCH, TLS_RENEGOTIATION},
    {SSL_R_DH_KEY_TOO_SMALL, TLS_WEAK},
    {SSL_R_EE_KEY_TOO_SMALL, TLS_WEAK},
    {SSL_R_DIGEST_CHECK_FAILED, TLS_FINISHED},
    {SSL_R_BAD_SIGNATURE, TLS_SIGNATURE},
    {SSL_R_WRONG_SIGNATURE_TYPE, TLS_ALGORITHM},
    {SSL_R_WRONG_CURVE, TLS_ALGORITHM},
    {SSL_R_BAD_KEY_SHARE, TLS_ALGORITHM},
    {SSL_R_WRONG_CERTIFICATE_TYPE, TLS_KEY_USAGE},
    {SSL_R_OLD_SESSION_CIPHER_NOT_RETURNED, TLS_RESUMPTION},
    {SSL_R_SSL_SESSION_VERSION_MISMATCH, TLS_RESUMPTION},
    {SSL_R_LENGTH_MISMATCH, TLS_HANDSHAKE_FORM},
    {ERR_R_MALLOC_FAILURE, TLS_MEMORY},
};

/* The certificates' message is the first that has a limit of ours. */
static void too_large_note(struct libssl *libssl)
{
    libssl->tls.error = TLS_CERTIFICATE;
    libssl->tls.verdict = VERIFY_TOO_LARGE;
    libssl->tls.certificate = 0;
}

static void reason_note(struct libssl *libssl, int reason)
{
    libssl->found = TLS_HANDSHAKE_FORM;
    if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
        libssl->found = TLS_ALERT;
        libssl->alert = (uint8_t)(reason - SSL_AD_REASON_OFFSET);
        return;
    }
    if (reason == SSL_R_EXCESSIVE_MESSAGE_SIZE && !libssl->has_verdict)
        too_large_note(libssl);
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].reason != reason)
            continue;
        libssl->found = (uint8_t)reasons[i].error;
        return;
    }
    if (libssl->alert_sent > 0) {
        libssl->found = TLS_ALERT_SENT;
        libssl->alert = libssl->alert_sent;
    }
}

/* After a call that did not succeed: does it want more bytes, or has it failed? */
static void result_note(struct libssl *libssl, int result)
{
    const struct openssl *openssl = openssl_of(libssl);

    switch (openssl->SSL_get_error(libssl->ssl, result)) {
    case SSL_ERROR_NONE:
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        break;
    case SSL_ERROR_ZERO_RETURN:
        libssl->has_closed = libssl->is_open;
        if (!libssl->is_open)
            libssl->found = TLS_HANDSHAKE_CUT;
        break;
    default:
        reason_note(libssl, ERR_GET_REASON(openssl->ERR_peek_error()));
        break;
    }
    openssl->ERR_clear_error();
}

static bool has_failed(const struct libssl *libssl)
{
    return libssl->tls.error != TLS_OK || libssl->found != TLS_OK;
}

static bool has_ended(const struct libssl *libssl)
{
    return has_failed(libssl) || libssl->has_closed;
}

static enum tls_error found_by_library(const struct tls *tls, uint8_t *ret_alert)
{
    *ret_alert = libssl_in(tls)->alert;
    return libssl_in(tls)->found;
}

/* --- the wire --------------------------------------------------------------------------------- */

/* Where in a record is the end of what was read? */
static void record_walk(struct libssl *libssl, struct span bytes)
{
    while (bytes.length > 0) {
        size_t length = 1;

        if (libssl->record_left > 0) {
            length = bytes.length < libssl->record_left ? bytes.length : libssl->record_left;
            libssl->record_left = (uint16_t)(libssl->record_left - length);
        } else {
            libssl->header[libssl->header_length++] = (uint8_t)bytes.bytes[0];
        }
        if (libssl->header_length == RECORD_HEADER_BYTES) {
            libssl->record_left = (uint16_t)(libssl->header[3] << 8 | libssl->header[4]);
            libssl->header_length = 0;
        }
        bytes = (struct span){bytes.bytes + length, bytes.length - length};
    }
}

static void port_wait(const struct libssl *libssl, int for_what)
{
    const struct openssl *openssl = openssl_of(libssl);

    openssl->BIO_clear_flags(libssl->wire, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    if (for_what != 0)
        openssl->BIO_set_flags(libssl->wire, for_what | BIO_FLAGS_SHOULD_RETRY);
}

static int port_read(OSSL_CORE_BIO *port, void *bytes, size_t size, size_t *ret_length)
{
    struct libssl *libssl = (struct libssl *)(void *)port;
    size_t length = libssl->in.length < size ? libssl->in.length : size;

    port_wait(libssl, length == 0 ? BIO_FLAGS_READ : 0);
    *ret_length = length;
    if (length == 0)
        return 0;
    memcpy(bytes, libssl->in.bytes, length);
    record_walk(libssl, (struct span){libssl->in.bytes, length});
    libssl->in = (struct span){libssl->in.bytes + length, libssl->in.length - length};
    return 1;
}

/* Records wait for their sending in a buffer that is theirs while they do. */
static bool out_take(struct libssl *libssl)
{
    struct libssl_config *config = libssl->config;

    if (libssl->out != NULL)
        return true;
    libssl->out = config->out != NULL ? config->out : malloc(OUT_BYTES);
    config->out = NULL;
    if (libssl->out == NULL)
        libssl->tls.error = TLS_MEMORY;
    return libssl->out != NULL;
}

static void out_give(struct libssl *libssl)
{
    struct libssl_config *config = libssl->config;

    if (config->out != NULL)
        free(libssl->out);
    else
        config->out = libssl->out;
    libssl->out = NULL;
    libssl->out_begin = libssl->out_end = 0;
}

static int port_write(OSSL_CORE_BIO *port, const void *bytes, size_t size, size_t *ret_length)
{
    struct libssl *libssl = (struct libssl *)(void *)port;
    size_t room = OUT_BYTES - libssl->out_end;
    size_t length = room < size ? room : size;

    port_wait(libssl, length == 0 ? BIO_FLAGS_WRITE : 0);
    *ret_length = length;
    libssl->is_choked = length == 0;
    if (length == 0 || !out_take(libssl))
        return 0;
    memcpy(libssl->out + libssl->out_end, bytes, length);
    libssl->out_end = (uint16_t)(libssl->out_end + length);
    return 1;
}

static long port_control(OSSL_CORE_BIO *port, int command, long number, void *pointer)
{
    (void)port;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int port_hold(OSSL_CORE_BIO *port)
{
    (void)port;
    return 1;
}

/* A BIO of ours could ask whose it is by a linked function alone; one of the library context is
 * told, by the pointer that it was made with. */
static OSSL_LIB_CTX *library_open(const struct openssl *openssl)
{
    static const OSSL_DISPATCH ports[] = {
        {OSSL_FUNC_BIO_READ_EX, (void (*)(void))port_read},
        {OSSL_FUNC_BIO_WRITE_EX, (void (*)(void))port_write},
        {OSSL_FUNC_BIO_CTRL, (void (*)(void))port_control},
        {OSSL_FUNC_BIO_UP_REF, (void (*)(void))port_hold},
        {OSSL_FUNC_BIO_FREE, (void (*)(void))port_hold},
        {0, NULL},
    };

    return openssl->OSSL_LIB_CTX_new_from_dispatch(NULL, ports);
}

/* --- the server's certificates ---------------------------------------------------------------- */

/* Takes what stands behind its length of so many bytes off *rest. */
static bool vector_take(struct span *rest, size_t length_bytes, struct span *ret_vector)
{
    size_t length = 0;

    if (rest->length < length_bytes)
        return false;
    for (size_t i = 0; i < length_bytes; i++)
        length = length << 8 | (uint8_t)rest->bytes[i];
    if (length > rest->length - length_bytes)
        return false;
    *ret_vector = (struct span){rest->bytes + length_bytes, length};
    *rest = (struct span){ret_vector->bytes + length, rest->length - length_bytes - length};
    return true;
}

/* The body of a Certificate message (RFC 8446, 4.4.2; RFC 5246, 7.4.2). */
static bool certificates_cut(struct span body, bool is_13,
                             struct span ret_certificates[VERIFY_CHAIN_MAX],
                             struct tls_chain *ret_chain)
{
    struct span list, certificate, context, extensions;
    size_t bytes = 0;

    *ret_chain = (struct tls_chain){.certificates = ret_certificates};
    if ((is_13 && !vector_take(&body, 1, &context)) || !vector_take(&body, 3, &list) ||
        body.length != 0)
        return false;
    while (list.length > 0) {
        if (!vector_take(&list, 3, &certificate) || (is_13 && !vector_take(&list, 2, &extensions)))
            return false;
        bytes += certificate.length;
        if (ret_chain->kept < VERIFY_CHAIN_MAX)
            ret_certificates[ret_chain->kept++] = certificate;
        ret_chain->count++;
    }
    ret_chain->is_too_large = bytes > VERIFY_CHAIN_BYTES_MAX;
    return true;
}

/* What is malformed is left to the library to refuse; without a verdict it will have to. */
static void certificates_take(struct libssl *libssl, struct span body, bool is_13)
{
    struct span certificates[VERIFY_CHAIN_MAX];
    struct tls_chain chain;
    struct certificate leaf;

    if (libssl->has_verdict || !certificates_cut(body, is_13, certificates, &chain))
        return;
    libssl->has_verdict = true;
    libssl->tls.error = (uint8_t)tls_judge(&libssl->tls, &libssl->config->base, &chain, &leaf);
}

static void on_message(int is_ours, int version, int type, const void *bytes, size_t length,
                       SSL *ssl, void *context)
{
    struct libssl *libssl = context;
    const unsigned char *message = bytes;

    (void)ssl;
    if (is_ours != 0 && type == SSL3_RT_ALERT && length == 2)
        libssl->alert_sent = message[1];
    if (is_ours != 0 || type != SSL3_RT_HANDSHAKE || length < SSL3_HM_HEADER_LENGTH)
        return;
    if (message[0] == MESSAGE_CERTIFICATE)
        certificates_take(libssl,
                          (struct span){(const char *)message + SSL3_HM_HEADER_LENGTH,
                                        length - SSL3_HM_HEADER_LENGTH},
                          version >= TLS1_3_VERSION);
    libssl->tls.was_asked_who |= message[0] == MESSAGE_CERTIFICATE_REQUEST;
    libssl->tls.was_asked_again |= libssl->is_open && message[0] == MESSAGE_HELLO_REQUEST;
    libssl->has_buffers = libssl->is_open;
}

/* In the place of the library's verifier. */
static int on_verify(X509_STORE_CTX *store, void *context)
{
    const struct openssl *openssl = context;
    const SSL *ssl =
        openssl->X509_STORE_CTX_get_ex_data(store, openssl->SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct libssl *libssl = openssl->SSL_get_ex_data(ssl, 0);
    bool is_good = libssl->has_verdict && libssl->tls.error == TLS_OK;

    openssl->X509_STORE_CTX_set_error(store, is_good ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return is_good;
}

/* --- sessions and keys ------------------------------------------------------------------------ */

static struct ticket_place place_of(const struct libssl *libssl)
{
    return (struct ticket_place){libssl->tls.host, libssl->port, libssl->is_anonymous};
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct libssl *libssl = openssl_data_of(ssl);
    struct ticket_place place = place_of(libssl);
    struct ticket ticket = {
        .session = session,
        .certificate = libssl->tls.certificate,
        .made_s = libssl->tls.made_s,
        .not_after_s = libssl->tls.not_after_s,
        .verdict = libssl->tls.verdict,
    };

    if (libssl->port == 0 || has_failed(libssl) ||
        openssl_of(libssl)->SSL_SESSION_is_resumable(session) == 0)
        return 0;
    tickets_add(libssl->config->tickets, &place, &ticket);
    return 1;
}

/* --- secrets of TLS 1.3 ----------------------------------------------------------------------- */

/* OpenSSL 3.0 has twelve arrays of them in an SSL, side by side (ssl_local.h: from the early secret
 * to the early exporter's; the exporter's is the last but one, behind the server's), and frees the
 * SSL as it is. Where they are is found by the first two that a key log would have. */
enum { SECRET_BYTES = 64, SECRETS_BEFORE_EXPORTER = 10, SECRETS_FROM_EXPORTER = 2 };
enum { SSL_BYTES_MIN = 3072 }; /* an SSL of 3.0 has 7,608 where a pointer has 8 */

/* Of "LABEL RANDOM SECRET", where it is that label's; 0: it is not. */
static size_t secret_decode(const char *line, const char *label,
                            unsigned char ret_secret[SECRET_BYTES])
{
    const char *digits = strrchr(line, ' ');
    size_t length = digits != NULL ? strlen(++digits) / 2 : 0;

    if (strncmp(line, label, strlen(label)) != 0 || length > SECRET_BYTES)
        return 0;
    for (size_t i = 0; i < 2 * length; i++) {
        unsigned digit =
            (unsigned)(digits[i] <= '9' ? digits[i] - '0' : (digits[i] | 32) - 'a' + 10);

        ret_secret[i / 2] = (unsigned char)(ret_secret[i / 2] << 4 | digit);
    }
    return length;
}

static bool secrets_are_inside(const struct libssl_config *config)
{
    return config->exporter_at >= SECRETS_BEFORE_EXPORTER * SECRET_BYTES &&
           config->exporter_at + SECRETS_FROM_EXPORTER * SECRET_BYTES <= SSL_BYTES_MIN;
}

static void secrets_look(struct libssl *libssl, const char *line)
{
    struct libssl_config *config = libssl->config;
    const char *bytes = (const char *)libssl->ssl, *found;
    unsigned char secret[SECRET_BYTES] = {0};
    size_t length;

    if (config->secrets == SECRETS_UNKNOWN &&
        (length = secret_decode(line, "EXPORTER_SECRET ", secret)) > 0) {
        found = memmem(bytes, SSL_BYTES_MIN, secret, length);
        config->exporter_at = found != NULL ? (size_t)(found - bytes) : 0;
        config->secrets = secrets_are_inside(config) ? SECRETS_GUESSED : SECRETS_ELSEWHERE;
    } else if (config->secrets == SECRETS_GUESSED &&
               (length = secret_decode(line, "SERVER_TRAFFIC_SECRET_0 ", secret)) > 0) {
        config->secrets = memcmp(bytes + config->exporter_at - SECRET_BYTES, secret, length) == 0
                              ? SECRETS_FOUND
                              : SECRETS_ELSEWHERE;
    }
    explicit_bzero(secret, sizeof(secret));
}

/* Before the SSL is freed, which heeds none of them. */
static void secrets_wipe(const struct libssl *libssl)
{
    const struct libssl_config *config = libssl->config;

    if (config->secrets == SECRETS_FOUND)
        explicit_bzero((char *)libssl->ssl + config->exporter_at -
                           SECRETS_BEFORE_EXPORTER * SECRET_BYTES,
                       (SECRETS_BEFORE_EXPORTER + SECRETS_FROM_EXPORTER) * SECRET_BYTES);
}

static bool secrets_are_sought(const struct libssl_config *config)
{
    return config->secrets == SECRETS_UNKNOWN || config->secrets == SECRETS_GUESSED;
}

static void on_key(const SSL *ssl, const char *line)
{
    struct libssl *libssl = openssl_data_of(ssl);
    struct libssl_config *config = libssl->config;
    size_t length = strlen(line);

    if (secrets_are_sought(config))
        secrets_look(libssl, line);
    if (!config->has_key_log && !secrets_are_sought(config))
        config->openssl.SSL_CTX_set_keylog_callback(config->context, NULL);
    if (!config->has_key_log)
        return;
    if (libssl->keys == NULL)
        libssl->keys = malloc(TLS_KEYLOG_BYTES);
    if (libssl->keys == NULL || length + 1 > TLS_KEYLOG_BYTES - libssl->keys_length)
        return;
    memcpy(libssl->keys + libssl->keys_length, line, length);
    libssl->keys[libssl->keys_length + length] = '\n';
    libssl->keys_length += length + 1;
}

static void keys_free(struct libssl *libssl)
{
    if (libssl->keys != NULL)
        explicit_bzero(libssl->keys, libssl->keys_length);
    free(libssl->keys);
    libssl->keys = NULL;
    libssl->keys_length = 0;
}

static size_t key_log(struct tls *tls, char ret_lines[TLS_KEYLOG_BYTES])
{
    struct libssl *libssl = libssl_of(tls);
    size_t length = libssl->keys_length;

    if (length > 0)
        memcpy(ret_lines, libssl->keys, length);
    keys_free(libssl);
    return length;
}

static void session_offer(struct libssl *libssl)
{
    const struct openssl *openssl = openssl_of(libssl);
    const struct tls_config *config = &libssl->config->base;
    struct ticket_place place = place_of(libssl);
    struct ticket ticket = {0};

    if (libssl->port != 0)
        ticket = tickets_take(libssl->config->tickets, &place, libssl->tls.now_s);
    if (ticket.session == NULL)
        return;
    if ((ticket.verdict == VERIFY_OK || config->is_insecure) &&
        openssl->SSL_set_session(libssl->ssl, ticket.session) == 1) {
        libssl->tls.verdict = ticket.verdict;
        libssl->tls.certificate = ticket.certificate;
        libssl->tls.made_s = ticket.made_s;
        libssl->tls.not_after_s = ticket.not_after_s;
    }
    openssl->SSL_SESSION_free(ticket.session);
}

static bool get_session(const struct tls *tls, struct tls_session *ret_session)
{
    (void)tls;
    explicit_bzero(ret_session, sizeof(*ret_session));
    return false;
}

/* --- the client's certificate and key --------------------------------------------------------- */

static bool certificate_add(const struct libssl_config *config, const char *der, size_t length,
                            bool is_first)
{
    const struct openssl *openssl = &config->openssl;
    const unsigned char *at = (const unsigned char *)der;
    X509 *certificate = openssl->d2i_X509(NULL, &at, (long)length);
    bool is_good = certificate != NULL && at == (const unsigned char *)der + length;

    if (is_good && is_first)
        is_good = openssl->SSL_CTX_use_certificate(config->context, certificate) == 1;
    else if (is_good)
        is_good = openssl->SSL_CTX_ctrl(config->context, SSL_CTRL_CHAIN_CERT, 1, certificate) == 1;
    openssl->X509_free(certificate);
    return is_good;
}

static enum tls_error certificates_read(const struct libssl_config *config, struct span pem)
{
    enum tls_error error = TLS_CERTIFICATE_NONE;
    struct span label, body;

    while ((error == TLS_OK || error == TLS_CERTIFICATE_NONE) && pem_next(&pem, &label, &body)) {
        char *der;
        size_t length;

        if (!span_equal(label, SPAN("CERTIFICATE")))
            continue;
        der = malloc(pem_decoded_max(body.length));
        if (der == NULL)
            return TLS_MEMORY;
        if (!pem_decode(body, der, &length) ||
            !certificate_add(config, der, length, error == TLS_CERTIFICATE_NONE))
            error = TLS_CERTIFICATE_MALFORMED;
        else
            error = TLS_OK;
        free(der);
    }
    return error;
}

static enum tls_error key_use(const struct libssl_config *config, const char *der, size_t length)
{
    const struct openssl *openssl = &config->openssl;
    EVP_PKEY *key = tls_key_read(&config->evp, (struct span){der, length});
    enum tls_error error = key != NULL ? TLS_OK : TLS_KEY_MALFORMED;

    if (key != NULL && (openssl->SSL_CTX_use_PrivateKey(config->context, key) != 1 ||
                        openssl->SSL_CTX_check_private_key(config->context) != 1))
        error = TLS_KEY_MISMATCH;
    openssl->EVP_PKEY_free(key);
    return error;
}

static enum tls_error key_read(const struct libssl_config *config, struct span pem)
{
    struct span body;
    size_t size, length = 0;
    char *der;
    enum tls_error error = tls_key_block(pem, &body);

    if (error != TLS_OK)
        return error;
    size = pem_decoded_max(body.length);
    der = malloc(size);
    if (der == NULL)
        return TLS_MEMORY;
    error = pem_decode(body, der, &length) ? key_use(config, der, length) : TLS_KEY_MALFORMED;
    explicit_bzero(der, size);
    free(der);
    return error;
}

/* --- what all connections share --------------------------------------------------------------- */

/* As BearSSL's: what is fast first, and nothing without forward secrecy. */
#define SUITES                                                                                     \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"     \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"       \
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"
#define SUITES_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:X448:P-384:P-521:ffdhe2048:ffdhe3072:ffdhe4096"
#define SIGNATURES                                                                                 \
    "ecdsa_secp256r1_sha256:ed25519:rsa_pss_rsae_sha256:rsa_pkcs1_sha256:ecdsa_secp384r1_sha384:"  \
    "ecdsa_secp521r1_sha512:ed448:rsa_pss_pss_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"     \
    "rsa_pss_pss_sha384:rsa_pss_pss_sha512:rsa_pkcs1_sha384:rsa_pkcs1_sha512"

static bool control(const struct libssl_config *config, int command, long number)
{
    return config->openssl.SSL_CTX_ctrl(config->context, command, number, NULL) > 0;
}

/* The library does not write to the list, but does not say so. */
static bool list_set(const struct libssl_config *config, int command, const char *list)
{
    return config->openssl.SSL_CTX_ctrl(config->context, command, 0, (void *)(uintptr_t)list) == 1;
}

static bool versions_set(const struct libssl_config *config, const struct tls_options *options)
{
    int least = options->version_min > TLS1_2_VERSION ? options->version_min : TLS1_2_VERSION;

    return control(config, SSL_CTRL_SET_MIN_PROTO_VERSION, least) &&
           control(config, SSL_CTRL_SET_MAX_PROTO_VERSION, options->version_max);
}

static bool offers_set(const struct libssl_config *config, const struct tls_options *options)
{
    static const unsigned char protocols[] = "\x08http/1.1";
    const struct openssl *openssl = &config->openssl;

    return versions_set(config, options) &&
           openssl->SSL_CTX_set_cipher_list(config->context, SUITES) == 1 &&
           openssl->SSL_CTX_set_ciphersuites(config->context, SUITES_13) == 1 &&
           list_set(config, SSL_CTRL_SET_GROUPS_LIST, GROUPS) &&
           list_set(config, SSL_CTRL_SET_SIGALGS_LIST, SIGNATURES) &&
           openssl->SSL_CTX_set_alpn_protos(config->context, protocols, sizeof(protocols) - 1) == 0;
}

static void context_set(struct libssl_config *config, const struct tls_options *options)
{
    const struct openssl *openssl = &config->openssl;
    SSL_CTX *context = config->context;

    openssl->SSL_CTX_set_security_level(context, 2); /* 112 bits: no DH group under 2048 */
    openssl->SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    control(config, SSL_CTRL_MODE,
            SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    control(config, SSL_CTRL_SET_SESS_CACHE_MODE,
            SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    openssl->SSL_CTX_sess_set_new_cb(context, on_session);
    control(config, SSL_CTRL_SET_MAX_SEND_FRAGMENT, TLS_RECORD_OUT_BYTES);
    control(config, SSL_CTRL_SET_MAX_CERT_LIST,
            options->is_insecure ? MESSAGE_BYTES_MAX_INSECURE : MESSAGE_BYTES_MAX);
    openssl->SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    openssl->SSL_CTX_set_cert_verify_callback(context, on_verify, &config->openssl);
    openssl->SSL_CTX_set_msg_callback(context, on_message);
    config->has_key_log = options->has_key_log;
    if (openssl->OpenSSL_version_num() >> 20 != 0x300)
        config->secrets = SECRETS_ELSEWHERE;
    if (config->has_key_log || secrets_are_sought(config))
        openssl->SSL_CTX_set_keylog_callback(context, on_key);
}

/* The first call of a process decides: no openssl.cnf, which might change what is offered, and no
 * handler at exit, which would run while threads of the program still do. */
static bool library_take(struct libssl_config *config)
{
    struct openssl *openssl = &config->openssl;

    if (!openssl_load(openssl) ||
        openssl->OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) != 1)
        return false;
    config->evp = (struct evp){openssl, library_open(openssl)};
    if (config->evp.library != NULL)
        config->context =
            openssl->SSL_CTX_new_ex(config->evp.library, NULL, openssl->TLS_client_method());
    return config->context != NULL;
}

static enum tls_error config_fill(struct tls_config *base, const struct tls_options *options)
{
    struct libssl_config *config = config_of(base);
    enum tls_error error = TLS_OK;

    if (!library_take(config) || !offers_set(config, options))
        return TLS_MEMORY;
    config->tickets = tickets_open(&config->openssl);
    if (config->tickets == NULL)
        return TLS_MEMORY;
    base->arithmetic = &config->evp;
    context_set(config, options);
    if (options->certificate.length > 0) {
        error = certificates_read(config, options->certificate);
        if (error == TLS_OK)
            error = key_read(config, options->key.length > 0 ? options->key : options->certificate);
    }
    config->openssl.ERR_clear_error();
    return error;
}

static void config_free(struct tls_config *base)
{
    struct libssl_config *config = config_of(base);

    free(config->out);
    tickets_close(config->tickets);
    if (config->context != NULL)
        config->openssl.SSL_CTX_free(config->context);
    if (config->evp.library != NULL)
        config->openssl.OSSL_LIB_CTX_free(config->evp.library);
}

static bool config_has_chain(const struct tls_config *config)
{
    (void)config;
    return true;
}

/* --- one connection --------------------------------------------------------------------------- */

static enum tls_state state(const struct tls *tls)
{
    const struct libssl *libssl = libssl_in(tls);

    if (has_failed(libssl))
        return TLS_FAILED;
    if (libssl->has_closed)
        return TLS_CLOSED;
    if (libssl->is_closing)
        return TLS_CLOSING;
    return libssl->is_open ? TLS_OPEN : TLS_HANDSHAKE;
}

static void open_note(struct libssl *libssl)
{
    libssl->is_open = true;
    libssl->tls.speaks_at_rest = openssl_of(libssl)->SSL_version(libssl->ssl) >= TLS1_3_VERSION;
}

static void handshake_step(struct libssl *libssl)
{
    const struct openssl *openssl = openssl_of(libssl);
    int result;

    openssl->ERR_clear_error();
    result = openssl->SSL_do_handshake(libssl->ssl);
    if (result != 1)
        result_note(libssl, result);
    else if (!has_failed(libssl))
        open_note(libssl);
}

static bool connection_make(struct libssl *libssl)
{
    const struct openssl *openssl = openssl_of(libssl);
    BIO *wire = openssl->BIO_new_from_core_bio(libssl->config->evp.library,
                                               (OSSL_CORE_BIO *)(void *)libssl);
    SSL *ssl = wire != NULL ? openssl->SSL_new(libssl->config->context) : NULL;

    if (ssl == NULL) {
        openssl->BIO_free(wire);
        return false;
    }
    openssl->SSL_set_bio(ssl, wire, wire);
    openssl->SSL_set_ex_data(ssl, 0, libssl);
    openssl->SSL_ctrl(ssl, SSL_CTRL_SET_MSG_CALLBACK_ARG, 0, libssl);
    openssl->SSL_set_connect_state(ssl);
    libssl->ssl = ssl;
    libssl->wire = wire;
    return !tls_host_is_name(&libssl->tls) ||
           openssl->SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                             libssl->tls.host) == 1;
}

static struct tls *init(void *memory, struct tls_config *base, const struct tls_peer *peer)
{
    struct libssl *libssl = memory;

    memset(libssl, 0, sizeof(*libssl));
    tls_begin(&libssl->tls, base, peer);
    libssl->config = config_of(base);
    libssl->port = peer->port;
    libssl->is_anonymous = peer->is_anonymous;
    if (!connection_make(libssl)) {
        libssl->tls.error = TLS_MEMORY;
        return &libssl->tls;
    }
    if (libssl->tls.has_certificate) /* which may be asked for later too (RFC 8446, 4.6.2) */
        openssl_of(libssl)->SSL_set_post_handshake_auth(libssl->ssl, 1);
    if (peer->is_anonymous)
        openssl_of(libssl)->SSL_certs_clear(libssl->ssl);
    session_offer(libssl);
    handshake_step(libssl);
    return &libssl->tls;
}

static void plain_drop(struct libssl *libssl)
{
    if (libssl->config->plain_owner == libssl)
        libssl->config->plain_owner = NULL;
    free(libssl->rest);
    libssl->rest = NULL;
    libssl->plain = (struct span){0};
}

static void deinit(struct tls *tls)
{
    struct libssl *libssl = libssl_of(tls);
    const struct openssl *openssl = openssl_of(libssl);

    plain_drop(libssl);
    out_give(libssl);
    keys_free(libssl);
    if (libssl->ssl != NULL) /* an end without a close_notify does not spoil the session */
        openssl->SSL_set_shutdown(libssl->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    if (libssl->ssl != NULL)
        secrets_wipe(libssl);
    openssl->SSL_free(libssl->ssl);
    explicit_bzero(libssl, sizeof(*libssl));
}

/* The buffer is wanted: what is left there goes along with its owner. */
static void plain_make_room(struct libssl_config *config)
{
    struct libssl *owner = config->plain_owner;

    config->plain_owner = NULL;
    if (owner == NULL || owner->plain.length == 0)
        return;
    owner->rest = malloc(owner->plain.length);
    if (owner->rest == NULL) {
        owner->tls.error = TLS_MEMORY;
        owner->plain = (struct span){0};
        return;
    }
    memcpy(owner->rest, owner->plain.bytes, owner->plain.length);
    owner->plain.bytes = owner->rest;
}

/* The server has ended: our own close_notify is due (RFC 5246, 7.2.1). */
static void end_answer(struct libssl *libssl)
{
    const struct openssl *openssl = openssl_of(libssl);

    if (libssl->has_closed && !libssl->is_closing)
        openssl->SSL_shutdown(libssl->ssl);
    openssl->ERR_clear_error();
}

/* A message behind the handshake (a ticket) has the library prepare to write, which it seldom does
 * then: 4 kB until the next request. */
static void buffers_drop(struct libssl *libssl)
{
    if (libssl->has_buffers)
        libssl->has_buffers = openssl_of(libssl)->SSL_free_buffers(libssl->ssl) != 1;
}

static void read_step(struct libssl *libssl)
{
    struct libssl_config *config = libssl->config;
    const struct openssl *openssl = &config->openssl;
    size_t length = 0;
    int result;

    plain_make_room(config);
    openssl->ERR_clear_error();
    result = openssl->SSL_read_ex(libssl->ssl, config->plain, sizeof(config->plain), &length);
    if (result != 1) {
        result_note(libssl, result);
        end_answer(libssl);
    } else if (!libssl->is_closing) {
        libssl->plain = (struct span){config->plain, length};
        config->plain_owner = libssl;
    }
    buffers_drop(libssl);
}

/* A handshake or an alert is all that a TLS server begins with; 22 and 21 are no text either. */
static void first_look(struct libssl *libssl, struct span bytes)
{
    if (!libssl->tls.has_received && bytes.length > 0 && bytes.bytes[0] != SSL3_RT_HANDSHAKE &&
        bytes.bytes[0] != SSL3_RT_ALERT)
        libssl->tls.error = TLS_NOT_TLS;
    libssl->tls.has_received |= bytes.length > 0;
}

static size_t wire_in(struct tls *tls, struct span bytes)
{
    struct libssl *libssl = libssl_of(tls);
    size_t left;

    if (!has_ended(libssl))
        first_look(libssl, bytes);
    libssl->in = bytes;
    do {
        left = libssl->in.length;
        if (has_ended(libssl) || libssl->plain.length > 0 || left == 0)
            break;
        if (libssl->is_open)
            read_step(libssl);
        else
            handshake_step(libssl);
    } while (libssl->in.length < left);
    left = libssl->in.length;
    libssl->in = (struct span){0};
    return has_ended(libssl) ? bytes.length : bytes.length - left;
}

static void wire_end(struct tls *tls)
{
    struct libssl *libssl = libssl_of(tls);

    if (!has_ended(libssl))
        tls->error = libssl->is_open ? TLS_TRUNCATED : TLS_HANDSHAKE_CUT;
}

static struct span wire_out(const struct tls *tls)
{
    const struct libssl *libssl = libssl_in(tls);

    if (has_failed(libssl) || libssl->out == NULL)
        return (struct span){0};
    return (struct span){(const char *)libssl->out + libssl->out_begin,
                         (size_t)(libssl->out_end - libssl->out_begin)};
}

static void wire_sent(struct tls *tls, size_t length)
{
    struct libssl *libssl = libssl_of(tls);

    if (length == 0 || has_failed(libssl))
        return;
    assert(length <= wire_out(tls).length);
    libssl->out_begin = (uint16_t)(libssl->out_begin + length);
    if (libssl->out_begin < libssl->out_end)
        return;
    out_give(libssl);
    if (has_ended(libssl))
        return;
    if (!libssl->is_open) /* of a flight that had no room there is more */
        handshake_step(libssl);
    else if (libssl->is_choked && libssl->plain.length == 0) /* or of a later one */
        read_step(libssl);
}

static size_t plain_in(struct tls *tls, struct span bytes)
{
    struct libssl *libssl = libssl_of(tls);
    const struct openssl *openssl = openssl_of(libssl);
    size_t written = 0;
    int result;

    if (state(tls) != TLS_OPEN || libssl->out_end > 0 || bytes.length == 0)
        return 0;
    if (bytes.length > TLS_RECORD_OUT_BYTES)
        bytes.length = TLS_RECORD_OUT_BYTES;
    openssl->ERR_clear_error();
    result = openssl->SSL_write_ex(libssl->ssl, bytes.bytes, bytes.length, &written);
    if (result != 1)
        result_note(libssl, result);
    return written;
}

static struct span plain_out(const struct tls *tls)
{
    return libssl_in(tls)->plain;
}

static void plain_taken(struct tls *tls, size_t length)
{
    struct libssl *libssl = libssl_of(tls);

    assert(length <= libssl->plain.length);
    libssl->plain.bytes += length;
    libssl->plain.length -= length;
    if (libssl->plain.length == 0)
        plain_drop(libssl);
}

static void close_notify(struct tls *tls)
{
    struct libssl *libssl = libssl_of(tls);

    if (state(tls) != TLS_OPEN)
        return;
    libssl->is_closing = true;
    plain_drop(libssl);
    openssl_of(libssl)->SSL_shutdown(libssl->ssl);
    openssl_of(libssl)->ERR_clear_error();
}

static bool is_waiting(const struct tls *tls)
{
    (void)tls;
    return false;
}

static bool is_inside_record(const struct tls *tls)
{
    return libssl_in(tls)->header_length > 0 || libssl_in(tls)->record_left > 0;
}

/* --- what was agreed -------------------------------------------------------------------------- */

static struct tls_facts facts(const struct tls *tls)
{
    const struct libssl *libssl = libssl_in(tls);
    const struct openssl *openssl = openssl_of(libssl);
    const SSL_CIPHER *suite = libssl->is_open ? openssl->SSL_get_current_cipher(libssl->ssl) : NULL;
    const unsigned char *protocol = NULL;
    unsigned length = 0;

    if (!libssl->is_open)
        return (struct tls_facts){.version = "", .suite = "", .alpn = SPAN("")};
    openssl->SSL_get0_alpn_selected(libssl->ssl, &protocol, &length);
    return (struct tls_facts){
        .version = openssl->SSL_version(libssl->ssl) >= TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2",
        .suite = suite != NULL ? openssl->SSL_CIPHER_standard_name(suite) : "",
        .alpn = length > 0 ? SPAN("http/1.1") : SPAN(""),
        .is_resumed = openssl->SSL_session_reused(libssl->ssl) == 1,
    };
}

static const char *version(void)
{
    struct openssl openssl;

    return openssl_load(&openssl) ? openssl.OpenSSL_version(OPENSSL_VERSION) : NULL;
}

const struct tls_backend tls_libssl = {
    .name = "openssl",
    .version = version,
    .config_size = sizeof(struct libssl_config),
    .size = sizeof(struct libssl),
    .heap_size = HEAP_BYTES,
    .check_signature = tls_evp_check_signature,
    .is_wide = true,
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
