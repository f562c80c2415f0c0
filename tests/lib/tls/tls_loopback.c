/* libssl as a layer of the scripted server. The hard idea is where a message lies on the wire:
 * libssl writes each message of a handshake as a record of its own, so a walk over the headers of
 * the records finds it; what follows a ChangeCipherSpec is encrypted, and is the Finished; or, in
 * TLS 1.3, where records say that they are data, what is known by how many of them there are. */

#include "tests/lib/tls/tls_loopback.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { RECORD_HEADER_BYTES = 5, CHANGE_CIPHER_SPEC = 20, HANDSHAKE = 22, DATA = 23 };
enum { CLIENT_PADDING_BYTES = 20000 };

static struct certs_pair root, issuer, leaf, client;
static struct tls_server_options options = {.pair = &leaf, .version = TLS1_2_VERSION};
static struct tls_server_options asking_options;
static struct tls_server sessions, asking_sessions;    /* serve nobody: their contexts are shared */
static struct certs_pair special_issuer, special_leaf; /* of tls_loopback_speak() */
static struct tls_server_options special_options = {.pair = &special_leaf};
static struct tls_server special_sessions;
static bool is_asking, is_special;
static int roots_fd = -1, client_fd = -1; /* in memory */

/* --- the clock -------------------------------------------------------------------------------- */

static _Atomic int64_t clock_ahead_s, clock_step_s;

time_t __real_time(time_t *ret_time);
time_t __wrap_time(time_t *ret_time);

time_t __wrap_time(time_t *ret_time)
{
    time_t now_s = __real_time(NULL) + clock_ahead_s;

    clock_ahead_s += clock_step_s;
    if (ret_time != NULL)
        *ret_time = now_s;
    return now_s;
}

void tls_loopback_clock(int64_t ahead_s, int64_t step_s)
{
    clock_ahead_s = ahead_s;
    clock_step_s = step_s;
}

/* --- certificates ----------------------------------------------------------------------------- */

static void end(void)
{
    tls_loopback_speak(0, NULL, false);
    tls_server_deinit(&asking_sessions);
    tls_server_deinit(&sessions);
    certs_free(&client);
    certs_free(&leaf);
    certs_free(&issuer);
    certs_free(&root);
    close(client_fd);
    close(roots_fd);
}

static int file_make(void)
{
    int fd = memfd_create("pem", MFD_CLOEXEC);

    if (fd < 0)
        abort();
    return fd;
}

static void file_add(int fd, char *pem)
{
    if (write(fd, pem, strlen(pem)) != (ssize_t)strlen(pem))
        abort();
    free(pem);
}

void tls_loopback_version(int version)
{
    options.version = version;
}

/* The engine reads roots from a file and the time from the clock. */
static void begin(void)
{
    time_t now_s = __real_time(NULL);
    struct certs_spec spec = {.common_name = "root",
                              .key = "P-256",
                              .not_before_s = now_s - CERTS_DAY_S,
                              .not_after_s = now_s + CERTS_DAY_S,
                              .is_ca = true};

    if (roots_fd >= 0)
        return;
    root = certs_make(&spec, NULL);
    spec.common_name = "issuer";
    spec.not_after_s = now_s + TLS_LOOPBACK_ISSUER_S;
    issuer = certs_make(&spec, &root);
    spec.not_after_s = now_s + CERTS_DAY_S;
    spec.is_ca = false;
    spec.common_name = "server";
    spec.alt_names = "DNS:localhost,IP:127.0.0.1,IP:::1";
    leaf = certs_make(&spec, &issuer);
    options.extra[0] = issuer.certificate;
    spec.common_name = "client";
    spec.padding_bytes = CLIENT_PADDING_BYTES;
    client = certs_make(&spec, &root);
    asking_options = options;
    asking_options.client_ca = root.certificate;
    asking_options.needs_client = true;
    tls_server_init(&sessions, &options, NULL);
    tls_server_init(&asking_sessions, &asking_options, NULL);
    roots_fd = file_make();
    file_add(roots_fd, certs_pem(root.certificate));
    client_fd = file_make();
    file_add(client_fd, certs_pem(client.certificate));
    file_add(client_fd, certs_key_pem(client.key, CERTS_PKCS8));
    atexit(end);
}

const char *tls_loopback_roots(void)
{
    static char path[32];

    begin();
    snprintf(path, sizeof path, "/proc/self/fd/%d", roots_fd);
    return path;
}

const char *tls_loopback_client(void)
{
    static char path[32];

    begin();
    snprintf(path, sizeof path, "/proc/self/fd/%d", client_fd);
    return path;
}

void tls_loopback_ask(bool asks)
{
    is_asking = asks;
}

/* Below an issuer of its own, which the root has signed, so that any key may sign. */
void tls_loopback_speak(int version, const char *key, bool is_by_pss)
{
    struct certs_spec spec = {.common_name = "special",
                              .key = is_by_pss ? "2048" : "P-256",
                              .not_before_s = __real_time(NULL) - CERTS_DAY_S,
                              .not_after_s = __real_time(NULL) + CERTS_DAY_S,
                              .is_ca = true};

    if (is_special) {
        tls_server_deinit(&special_sessions);
        certs_free(&special_leaf);
        certs_free(&special_issuer);
    }
    is_special = key != NULL;
    if (!is_special)
        return;
    begin();
    special_issuer = certs_make(&spec, &root);
    spec.is_ca = false;
    spec.key = key;
    spec.is_by_pss = is_by_pss;
    spec.alt_names = "DNS:localhost,IP:127.0.0.1,IP:::1";
    special_leaf = certs_make(&spec, &special_issuer);
    special_options.version = version;
    special_options.extra[0] = special_issuer.certificate;
    tls_server_init(&special_sessions, &special_options, NULL);
}

void tls_loopback_init(struct tls_server *server)
{
    if (is_special)
        tls_server_init(server, &special_options, &special_sessions);
    else if (is_asking)
        tls_server_init(server, &asking_options, &asking_sessions);
    else
        tls_server_init(server, &options, &sessions);
}

/* --- the layer -------------------------------------------------------------------------------- */

static void *layer_open(void)
{
    struct tls_server *server = malloc(sizeof *server);

    if (server != NULL)
        tls_loopback_init(server);
    return server;
}

static void layer_close(void *state)
{
    tls_server_deinit(state);
    free(state);
}

static void layer_wire_in(void *state, const char *bytes, size_t length)
{
    struct tls_server *server = state;

    if (BIO_write(server->in, bytes, (int)length) != (int)length)
        abort();
    tls_server_step(server);
}

static size_t layer_wire_out(void *state, char *bytes, size_t size)
{
    struct tls_server *server = state;
    int length = BIO_read(server->out, bytes, (int)size);

    return length > 0 ? (size_t)length : 0;
}

static size_t layer_plain_out(void *state, char *bytes, size_t size)
{
    struct tls_server *server = state;
    size_t length = 0;

    ERR_clear_error();
    SSL_read_ex(server->ssl, bytes, size, &length);
    return length;
}

/* A script that speaks before it has heard is wrong. A client that has gone may have ended TLS. */
static void layer_plain_in(void *state, const char *bytes, size_t length)
{
    struct tls_server *server = state;
    size_t written;

    ERR_clear_error();
    if (!SSL_is_init_finished(server->ssl))
        abort();
    if (length > 0)
        SSL_write_ex(server->ssl, bytes, length, &written);
}

static void layer_notify(void *state)
{
    struct tls_server *server = state;

    ERR_clear_error();
    if (SSL_is_init_finished(server->ssl))
        SSL_shutdown(server->ssl);
}

/* The client is to answer with new keys of its own (RFC 8446, 4.6.3). */
static void layer_renew(void *state)
{
    struct tls_server *server = state;
    bool is_13 = SSL_version(server->ssl) >= TLS1_3_VERSION;

    ERR_clear_error();
    if (is_13 ? SSL_key_update(server->ssl, SSL_KEY_UPDATE_REQUESTED) != 1 ||
                    SSL_do_handshake(server->ssl) != 1 || SSL_new_session_ticket(server->ssl) != 1
              : SSL_renegotiate(server->ssl) != 1)
        abort();
    SSL_do_handshake(server->ssl);
}

static bool layer_is_notified(const void *state)
{
    const struct tls_server *server = state;

    return (SSL_get_shutdown(server->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

static const char *message_name(const char *record, bool is_encrypted)
{
    static const char *const names[] = {[2] = "ServerHello",
                                        [11] = "Certificate",
                                        [12] = "ServerKeyExchange",
                                        [14] = "ServerHelloDone"};
    unsigned char kind = (unsigned char)record[RECORD_HEADER_BYTES];

    if (record[0] == CHANGE_CIPHER_SPEC)
        return "ChangeCipherSpec";
    if (record[0] != HANDSHAKE)
        return NULL;
    if (is_encrypted)
        return "Finished";
    return kind < sizeof names / sizeof *names ? names[kind] : NULL;
}

static size_t record_length(const char *record)
{
    return RECORD_HEADER_BYTES + ((size_t)(unsigned char)record[3] << 8) + (unsigned char)record[4];
}

static size_t count_data(const char *bytes, size_t length)
{
    size_t count = 0;

    for (size_t at = 0; at < length; at += record_length(bytes + at))
        count += bytes[at] == DATA;
    return count;
}

/* left: records from this one on. */
static const char *data_name(size_t left, size_t count)
{
    static const char *const names[] = {"Finished", "CertificateVerify", "Certificate"};

    return left == count ? "EncryptedExtensions" : left <= 3 ? names[left - 1] : NULL;
}

static bool layer_find(const char *bytes, size_t length, const char *message, size_t *ret_offset,
                       size_t *ret_length)
{
    bool is_encrypted = false;
    size_t data = count_data(bytes, length), left = data;

    for (size_t at = 0; at < length; at += record_length(bytes + at)) {
        const char *name =
            bytes[at] == DATA ? data_name(left--, data) : message_name(bytes + at, is_encrypted);

        *ret_offset = at;
        *ret_length = record_length(bytes + at);
        if (name != NULL && strcmp(name, message) == 0)
            return true;
        is_encrypted |= bytes[at] == CHANGE_CIPHER_SPEC;
    }
    return false;
}

const struct loopback_layer *tls_loopback_layer(void)
{
    static const struct loopback_layer layer = {
        .open = layer_open,
        .close = layer_close,
        .wire_in = layer_wire_in,
        .wire_out = layer_wire_out,
        .plain_out = layer_plain_out,
        .plain_in = layer_plain_in,
        .notify = layer_notify,
        .renew = layer_renew,
        .is_notified = layer_is_notified,
        .find = layer_find,
    };

    begin();
    return &layer;
}
