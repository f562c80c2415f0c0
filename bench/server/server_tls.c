/* The server's TLS, by libssl, which reads from and writes to a BIO of ours: reading takes from the
 * bytes that the loop has lent, writing appends to a buffer of records, and neither ever waits.
 *
 * The hard idea is whose buffers those are. They belong to all connections together: a connection
 * takes one when it has something to say, and it is given back when the kernel has its bytes. So
 * there are never more of them than sends under way, and the ones in use are those used last, which
 * are in the cache. A connection that waits has none; libssl's own are released likewise. */

#include "bench/server/server_tls.h"

#include "engine/loop/loop.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    RECORD_PLAIN_BYTES = SSL3_RT_MAX_PLAIN_LENGTH,
    RECORD_BYTES = RECORD_PLAIN_BYTES + 512, /* sealed, and a message of TLS itself before it */
    RECORDS_BYTES = 5 * RECORD_BYTES,        /* a head, 64 KiB of body, a close_notify */
    VALID_S = 365 * 86400,
    VALID_BEFORE_S = 86400, /* clocks differ */
};

_Static_assert((int)RECORDS_BYTES > (int)LOOP_SILENT_BYTES + (int)RECORD_BYTES,
               "what has no room for one more record is long");

struct records {
    struct records *next; /* free, too */
    size_t length;
    char bytes[RECORDS_BYTES];
};

struct server_tls {
    SSL_CTX *context;
    BIO_METHOD *method;
    struct records *free;
    char pin[sizeof "sha256//" + 44];
    char plain[RECORD_PLAIN_BYTES];
};

struct channel {
    struct server_tls *tls;
    SSL *ssl;
    struct span received;
    struct records *filling; /* to be sent next; NULL: nothing is */
    struct records *flying;  /* handed over, until channel_sent(); NULL: none are */
    bool has_failed;
};

/* --- buffers of records ----------------------------------------------------------------------- */

static struct records *records_take(struct server_tls *tls)
{
    struct records *records = tls->free;

    if (records)
        tls->free = records->next;
    else
        records = malloc(sizeof *records);
    if (records)
        records->length = 0;
    return records;
}

static void records_give_back(struct server_tls *tls, struct records *records)
{
    if (!records)
        return;
    records->next = tls->free;
    tls->free = records;
}

/* --- what libssl takes for a connection ------------------------------------------------------- */

static int bio_read(BIO *bio, char *buffer, int size)
{
    struct channel *channel = BIO_get_data(bio);
    struct span *received = &channel->received;
    size_t length = received->length < (size_t)size ? received->length : (size_t)size;

    BIO_clear_retry_flags(bio);
    if (length == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(buffer, received->bytes, length);
    received->bytes += length;
    received->length -= length;
    return (int)length;
}

/* Replies are cut to the room there is; messages of TLS itself that find none are of a client who
 * provokes them without reading. */
static int bio_write(BIO *bio, const char *bytes, int length)
{
    struct channel *channel = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (!channel->filling)
        channel->filling = records_take(channel->tls);
    if (!channel->filling || RECORDS_BYTES - channel->filling->length < (size_t)length)
        return -1;
    memcpy(channel->filling->bytes + channel->filling->length, bytes, (size_t)length);
    channel->filling->length += (size_t)length;
    return length;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method_make(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "channel");

    if (!method)
        return NULL;
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    return method;
}

/* --- certificate and key ---------------------------------------------------------------------- */

static bool extension_add(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    bool is_added = extension && X509_add_ext(certificate, extension, -1);

    X509_EXTENSION_free(extension);
    return is_added;
}

/* The serial number is random: clients remember an issuer's. */
static bool certificate_fill(X509 *certificate, EVP_PKEY *key)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    uint64_t serial;

    return RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) &&
           X509_set_version(certificate, X509_VERSION_3) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                      (const unsigned char *)"haul-server", -1, -1, 0) &&
           X509_set_issuer_name(certificate, name) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -VALID_BEFORE_S) &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_S) &&
           X509_set_pubkey(certificate, key) &&
           extension_add(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           extension_add(certificate, NID_key_usage, "critical,digitalSignature") &&
           extension_add(certificate, NID_ext_key_usage, "serverAuth") &&
           extension_add(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

static int identity_make(SSL_CTX *context)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    bool is_set = key && certificate && certificate_fill(certificate, key) &&
                  SSL_CTX_use_certificate(context, certificate) == 1 &&
                  SSL_CTX_use_PrivateKey(context, key) == 1;

    X509_free(certificate);
    EVP_PKEY_free(key);
    return is_set ? 0 : -ENOMEM;
}

static int identity_read(SSL_CTX *context, const char *certificate, const char *key)
{
    bool is_set =
        SSL_CTX_use_certificate_chain_file(context, certificate) == 1 &&
        SSL_CTX_use_PrivateKey_file(context, key ? key : certificate, SSL_FILETYPE_PEM) == 1;

    return is_set ? 0 : -EKEYREJECTED;
}

static bool pin_make(struct server_tls *tls)
{
    const X509 *certificate = SSL_CTX_get0_certificate(tls->context);
    unsigned char *der = NULL;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    unsigned char digest[32];
    unsigned char base64[45];

    if (length < 0)
        return false;
    bool is_made = EVP_Digest(der, (size_t)length, digest, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    EVP_EncodeBlock(base64, digest, sizeof digest);
    snprintf(tls->pin, sizeof tls->pin, "sha256//%s", (const char *)base64);
    return is_made;
}

const char *server_tls_pin(const struct server_tls *tls)
{
    return tls->pin;
}

/* --- what is shared --------------------------------------------------------------------------- */

static int server_tls_init(struct server_tls *tls, const char *certificate, const char *key)
{
    int error;

    tls->method = method_make();
    tls->context = SSL_CTX_new(TLS_server_method());
    if (!tls->method || !tls->context)
        return -ENOMEM;
    SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
    SSL_CTX_set_mode(tls->context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(tls->context, 1); /* one look at the BIO a flight, not two a record */
    error =
        certificate ? identity_read(tls->context, certificate, key) : identity_make(tls->context);
    if (error)
        return error;
    return pin_make(tls) ? 0 : -ENOMEM;
}

int server_tls_open(struct server_tls **ret_tls, const char *certificate, const char *key)
{
    struct server_tls *tls = calloc(1, sizeof *tls);
    int error;

    if (!tls)
        return -ENOMEM;
    error = server_tls_init(tls, certificate, key);
    ERR_clear_error();
    if (error) {
        server_tls_close(tls);
        return error;
    }
    *ret_tls = tls;
    return 0;
}

void server_tls_close(struct server_tls *tls)
{
    if (!tls)
        return;
    while (tls->free) {
        struct records *records = tls->free;

        tls->free = records->next;
        free(records);
    }
    SSL_CTX_free(tls->context);
    BIO_meth_free(tls->method);
    free(tls);
}

/* --- one connection --------------------------------------------------------------------------- */

static bool channel_init(struct channel *channel)
{
    BIO *bio = BIO_new(channel->tls->method);

    channel->ssl = SSL_new(channel->tls->context);
    if (!channel->ssl || !bio) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, channel);
    BIO_set_init(bio, 1);
    SSL_set_bio(channel->ssl, bio, bio);
    SSL_set_accept_state(channel->ssl);
    return true;
}

struct channel *channel_open(struct server_tls *tls)
{
    struct channel *channel = calloc(1, sizeof *channel);

    if (!channel)
        return NULL;
    channel->tls = tls;
    if (channel_init(channel))
        return channel;
    channel_close(channel);
    return NULL;
}

/* libssl forgets the sessions of connections that it thinks were cut off. */
void channel_close(struct channel *channel)
{
    if (!channel)
        return;
    if (channel->ssl)
        SSL_set_shutdown(channel->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(channel->ssl);
    records_give_back(channel->tls, channel->filling);
    records_give_back(channel->tls, channel->flying);
    free(channel);
}

void channel_receive(struct channel *channel, struct span received)
{
    channel->received = received;
}

/* Where nothing is left of what was received, here or inside libssl, there is no need to ask. */
enum channel_read channel_read(struct channel *channel, struct span *ret_plain)
{
    struct server_tls *tls = channel->tls;

    if (channel->has_failed || (channel->received.length == 0 && !SSL_has_pending(channel->ssl)))
        return CHANNEL_MORE;
    ERR_clear_error();
    int got = SSL_read(channel->ssl, tls->plain, sizeof tls->plain);
    if (got > 0) {
        *ret_plain = (struct span){tls->plain, (size_t)got};
        return CHANNEL_PLAIN;
    }
    int error = SSL_get_error(channel->ssl, got);
    if (error == SSL_ERROR_ZERO_RETURN)
        return CHANNEL_ENDED;
    channel->has_failed = error != SSL_ERROR_WANT_READ;
    return CHANNEL_MORE;
}

void channel_write(struct channel *channel, struct span *piece)
{
    while (piece->length > 0) {
        size_t used = channel->filling ? channel->filling->length : 0;
        size_t length = piece->length < RECORD_PLAIN_BYTES ? piece->length : RECORD_PLAIN_BYTES;

        if (RECORDS_BYTES - used < RECORD_BYTES)
            return;
        ERR_clear_error();
        if (channel->has_failed || SSL_write(channel->ssl, piece->bytes, (int)length) <= 0) {
            channel->has_failed = true;
            length = piece->length;
        }
        piece->bytes += length;
        piece->length -= length;
    }
}

void channel_notify(struct channel *channel)
{
    bool is_notified = SSL_get_shutdown(channel->ssl) & SSL_SENT_SHUTDOWN;

    if (channel->has_failed || is_notified || !SSL_is_init_finished(channel->ssl))
        return;
    ERR_clear_error();
    channel->has_failed = SSL_shutdown(channel->ssl) < 0;
}

struct span channel_take(struct channel *channel)
{
    struct records *records = channel->filling;

    channel_sent(channel);
    channel->filling = NULL;
    channel->flying = records;
    return (struct span){records->bytes, records->length};
}

void channel_sent(struct channel *channel)
{
    records_give_back(channel->tls, channel->flying);
    channel->flying = NULL;
}

bool channel_has_records(const struct channel *channel)
{
    return channel->filling != NULL;
}

bool channel_is_long(const struct channel *channel)
{
    return channel->filling && channel->filling->length > LOOP_SILENT_BYTES;
}

bool channel_has_failed(const struct channel *channel)
{
    return channel->has_failed;
}
