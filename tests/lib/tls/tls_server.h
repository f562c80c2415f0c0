#ifndef TESTS_LIB_TLS_TLS_SERVER_H
#define TESTS_LIB_TLS_TLS_SERVER_H

/* A TLS server as pure bytes, over libssl: an implementation that shares nothing with ours. */

#include "tests/lib/tls/certs.h"

#include <openssl/ssl.h>

#include <stddef.h>

enum { TLS_SERVER_EXTRA_MAX = 56 };

struct tls_server_options {
    const struct certs_pair *pair;
    X509 *extra[TLS_SERVER_EXTRA_MAX]; /* sent after the pair's certificate, up to the first NULL */
    const char *ciphers;               /* as openssl ciphers; NULL: its defaults */
    const char *groups;                /* "P-256:X25519"; NULL: its defaults */
    int version;                       /* the only one: TLS1_2_VERSION; 0: up to 1.3 */
    const char *alpn;  /* what it chooses where it is offered; NULL: it does not know ALPN */
    X509 *client_ca;   /* asks for a certificate of this CA; NULL: asks for none */
    bool needs_client; /* refuses a client without one */
};

struct tls_server {
    SSL_CTX *context; /* may be shared: sessions are kept here */
    SSL *ssl;
    BIO *in;  /* bytes from the client */
    BIO *out; /* bytes for it */
    const struct tls_server_options *options;
    char key_log[512]; /* the last line of it */
};

/* resumed_from: take its context, so that sessions live on; NULL: a new context, for whose life
 * options must stay. */
void tls_server_init(struct tls_server *server, const struct tls_server_options *options,
                     const struct tls_server *resumed_from);
void tls_server_deinit(struct tls_server *server);

/* Goes on with the handshake as far as the bytes reach. */
void tls_server_step(struct tls_server *server);

#endif
