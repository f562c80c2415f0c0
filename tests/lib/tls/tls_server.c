/* A TLS server between two memory BIOs: what libssl would read from a socket and write to one. */

#include "tests/lib/tls/tls_server.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "tls_server: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

static int alpn_select(SSL *ssl, const unsigned char **ret_chosen, unsigned char *ret_length,
                       const unsigned char *offered, unsigned length, void *context)
{
    const struct tls_server_options *options = context;
    const char *wanted = options->alpn;

    (void)ssl;
    for (unsigned at = 0; wanted != NULL && at < length; at += 1u + offered[at]) {
        if (offered[at] != strlen(wanted) || memcmp(offered + at + 1, wanted, offered[at]) != 0)
            continue;
        *ret_chosen = offered + at + 1;
        *ret_length = offered[at];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

static void key_log(const SSL *ssl, const char *line)
{
    struct tls_server *server = SSL_get_app_data(ssl);

    snprintf(server->key_log, sizeof(server->key_log), "%s\n", line);
}

static void identity_set(SSL_CTX *context, const struct tls_server_options *options)
{
    require(SSL_CTX_use_certificate(context, options->pair->certificate) == 1, "certificate");
    require(SSL_CTX_use_PrivateKey(context, options->pair->key) == 1, "key");
    for (size_t i = 0; i < TLS_SERVER_EXTRA_MAX && options->extra[i] != NULL; i++)
        require((int)SSL_CTX_add1_chain_cert(context, options->extra[i]), "extra certificate");
}

/* The machine's clock is not the tests'. */
static void client_ca_set(SSL_CTX *context, const struct tls_server_options *options)
{
    int mode = SSL_VERIFY_PEER | (options->needs_client ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
    X509_STORE *store = SSL_CTX_get_cert_store(context);

    require(X509_STORE_add_cert(store, options->client_ca), "client CA");
    require(SSL_CTX_add_client_CA(context, options->client_ca), "client CA's name");
    X509_STORE_set_flags(store, X509_V_FLAG_NO_CHECK_TIME);
    SSL_CTX_set_verify(context, mode, NULL);
}

/* SSL_CTX_set1_groups_list is a macro that casts const away, which the compiler would not have; nor
 * would it have const options as the context of alpn_select. */
static void groups_set(SSL_CTX *context, const char *groups)
{
    void *argument = (void *)(uintptr_t)groups;

    require(SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, argument) == 1, "groups");
}

static SSL_CTX *context_make(const struct tls_server_options *options)
{
    static const unsigned char id[] = "test";
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    require(context != NULL, "context");
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_session_id_context(context, id, sizeof(id) - 1);
    SSL_CTX_set_min_proto_version(context, options->version);
    SSL_CTX_set_max_proto_version(context, options->version);
    identity_set(context, options);
    if (options->ciphers != NULL)
        require(SSL_CTX_set_cipher_list(context, options->ciphers), "ciphers");
    if (options->groups != NULL)
        groups_set(context, options->groups);
    if (options->client_ca != NULL)
        client_ca_set(context, options);
    SSL_CTX_set_alpn_select_cb(context, alpn_select, (void *)(uintptr_t)options);
    SSL_CTX_set_keylog_callback(context, key_log);
    return context;
}

void tls_server_init(struct tls_server *server, const struct tls_server_options *options,
                     const struct tls_server *resumed_from)
{
    *server = (struct tls_server){.options = options};
    if (resumed_from != NULL) {
        server->context = resumed_from->context;
        SSL_CTX_up_ref(server->context);
    } else {
        server->context = context_make(options);
    }
    server->ssl = SSL_new(server->context);
    server->in = BIO_new(BIO_s_mem());
    server->out = BIO_new(BIO_s_mem());
    require(server->ssl != NULL && server->in != NULL && server->out != NULL, "connection");
    SSL_set_app_data(server->ssl, server);
    SSL_set_bio(server->ssl, server->in, server->out);
    SSL_set_accept_state(server->ssl);
}

/* Sessions outlive connections that end without a close_notify. */
void tls_server_deinit(struct tls_server *server)
{
    SSL_set_shutdown(server->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(server->ssl);
    SSL_CTX_free(server->context);
}

void tls_server_step(struct tls_server *server)
{
    ERR_clear_error();
    if (!SSL_is_init_finished(server->ssl))
        SSL_do_handshake(server->ssl);
}
