#ifndef PROTO_TLS_OPENSSL_H
#define PROTO_TLS_OPENSSL_H

/* OpenSSL's functions, each found by its name where TLS is set up: a program that was linked with
 * them would pay 4,400,000 instructions and 1.9 MB in each of its processes for what plain http
 * never calls. The one hard idea is where they are kept, since there are no globals here: each
 * configuration has a table of its own, and what the library calls back with nothing of ours at
 * hand asks the dynamic linker once more. For the room's own files.
 *
 * The headers' macros call functions by their linked names, which do not exist: what they are for
 * is written out. */

#define OPENSSL_SUPPRESS_DEPRECATED /* of 3.0: ecdsa.c and rsa.c say why */

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>

#define OPENSSL_CRYPTO_FUNCTIONS(X)                                                                \
    X(BIO_clear_flags)                                                                             \
    X(BIO_free)                                                                                    \
    X(BIO_new_from_core_bio)                                                                       \
    X(BIO_set_flags)                                                                               \
    X(BN_bin2bn)                                                                                   \
    X(BN_free)                                                                                     \
    X(d2i_X509)                                                                                    \
    X(EC_KEY_free)                                                                                 \
    X(EC_KEY_new_by_curve_name)                                                                    \
    X(EC_KEY_oct2key)                                                                              \
    X(EC_KEY_oct2priv)                                                                             \
    X(ECDSA_sign)                                                                                  \
    X(ECDSA_verify)                                                                                \
    X(ERR_clear_error)                                                                             \
    X(ERR_peek_error)                                                                              \
    X(EVP_DigestVerify)                                                                            \
    X(EVP_DigestVerifyInit_ex)                                                                     \
    X(EVP_MD_CTX_free)                                                                             \
    X(EVP_MD_CTX_new)                                                                              \
    X(EVP_PKEY_CTX_free)                                                                           \
    X(EVP_PKEY_CTX_new_from_name)                                                                  \
    X(EVP_PKEY_CTX_set_rsa_padding)                                                                \
    X(EVP_PKEY_CTX_set_rsa_pss_saltlen)                                                            \
    X(EVP_PKEY_free)                                                                               \
    X(EVP_PKEY_fromdata)                                                                           \
    X(EVP_PKEY_fromdata_init)                                                                      \
    X(EVP_PKEY_new_raw_private_key_ex)                                                             \
    X(EVP_PKEY_new_raw_public_key_ex)                                                              \
    X(OPENSSL_init_crypto)                                                                         \
    X(OpenSSL_version)                                                                             \
    X(OpenSSL_version_num)                                                                         \
    X(OSSL_LIB_CTX_free)                                                                           \
    X(OSSL_LIB_CTX_new_from_dispatch)                                                              \
    X(OSSL_PARAM_BLD_free)                                                                         \
    X(OSSL_PARAM_BLD_new)                                                                          \
    X(OSSL_PARAM_BLD_push_BN)                                                                      \
    X(OSSL_PARAM_BLD_to_param)                                                                     \
    X(OSSL_PARAM_construct_end)                                                                    \
    X(OSSL_PARAM_construct_octet_string)                                                           \
    X(OSSL_PARAM_construct_utf8_string)                                                            \
    X(OSSL_PARAM_free)                                                                             \
    X(X509_free)                                                                                   \
    X(X509_STORE_CTX_get_ex_data)                                                                  \
    X(X509_STORE_CTX_set_error)

#define OPENSSL_SSL_FUNCTIONS(X)                                                                   \
    X(OPENSSL_init_ssl)                                                                            \
    X(SSL_certs_clear)                                                                             \
    X(SSL_CIPHER_standard_name)                                                                    \
    X(SSL_ctrl)                                                                                    \
    X(SSL_CTX_check_private_key)                                                                   \
    X(SSL_CTX_ctrl)                                                                                \
    X(SSL_CTX_free)                                                                                \
    X(SSL_CTX_new_ex)                                                                              \
    X(SSL_CTX_sess_set_new_cb)                                                                     \
    X(SSL_CTX_set_alpn_protos)                                                                     \
    X(SSL_CTX_set_cert_verify_callback)                                                            \
    X(SSL_CTX_set_cipher_list)                                                                     \
    X(SSL_CTX_set_ciphersuites)                                                                    \
    X(SSL_CTX_set_keylog_callback)                                                                 \
    X(SSL_CTX_set_msg_callback)                                                                    \
    X(SSL_CTX_set_options)                                                                         \
    X(SSL_CTX_set_security_level)                                                                  \
    X(SSL_CTX_set_verify)                                                                          \
    X(SSL_CTX_use_certificate)                                                                     \
    X(SSL_CTX_use_PrivateKey)                                                                      \
    X(SSL_do_handshake)                                                                            \
    X(SSL_free)                                                                                    \
    X(SSL_free_buffers)                                                                            \
    X(SSL_get0_alpn_selected)                                                                      \
    X(SSL_get_current_cipher)                                                                      \
    X(SSL_get_error)                                                                               \
    X(SSL_get_ex_data)                                                                             \
    X(SSL_get_ex_data_X509_STORE_CTX_idx)                                                          \
    X(SSL_new)                                                                                     \
    X(SSL_read_ex)                                                                                 \
    X(SSL_SESSION_free)                                                                            \
    X(SSL_SESSION_get_protocol_version)                                                            \
    X(SSL_SESSION_is_resumable)                                                                    \
    X(SSL_session_reused)                                                                          \
    X(SSL_SESSION_up_ref)                                                                          \
    X(SSL_set_bio)                                                                                 \
    X(SSL_set_connect_state)                                                                       \
    X(SSL_set_ex_data)                                                                             \
    X(SSL_set_post_handshake_auth)                                                                 \
    X(SSL_set_session)                                                                             \
    X(SSL_set_shutdown)                                                                            \
    X(SSL_shutdown)                                                                                \
    X(SSL_version)                                                                                 \
    X(SSL_write_ex)                                                                                \
    X(TLS_client_method)

/* A list's functions as members of a struct. */
#define OPENSSL_MEMBER(name) __typeof__(name) *name;
#define OPENSSL_MEMBERS(LIST) LIST(OPENSSL_MEMBER)

struct openssl {
    OPENSSL_MEMBERS(OPENSSL_CRYPTO_FUNCTIONS)
    OPENSSL_MEMBERS(OPENSSL_SSL_FUNCTIONS)
};

/* What the libraries are called. */
#define OPENSSL_TEXT_OF(number) #number
#define OPENSSL_NAME(stem, number) stem ".so." OPENSSL_TEXT_OF(number)
#define OPENSSL_CRYPTO_NAME OPENSSL_NAME("libcrypto", OPENSSL_SHLIB_VERSION)
#define OPENSSL_SSL_NAME OPENSSL_NAME("libssl", OPENSSL_SHLIB_VERSION)

/* Loads both libraries, which stay loaded, and fills the table in. The first call of a process
 * decides: no openssl.cnf is read, and no handler is set for the exit. false: they are not there,
 * or lack a function. */
bool openssl_load(struct openssl *ret_openssl);

/* For who has no table at hand: libcrypto, if it is loaded, or NULL; it is to be given back. */
void *openssl_crypto(void);
void openssl_crypto_done(void *crypto);

/* Fills in the pointer at ret_function, in 0.1 us. false: there is no such function. */
bool openssl_function(void *library, const char *name, void *ret_function);

/* Those of a list: struct functions, and functions_find(), which fills one in, in a tenth of a
 * microsecond for each; false: one of them is not there. For a file's own use. */
#define OPENSSL_FIND(name)                                                                         \
    is_there = is_there && openssl_function(library, #name, &ret_functions->name);
#define OPENSSL_FUNCTIONS(LIST)                                                                    \
    struct functions {                                                                             \
        OPENSSL_MEMBERS(LIST)                                                                      \
    };                                                                                             \
    static bool functions_find(struct functions *ret_functions)                                    \
    {                                                                                              \
        void *library = openssl_crypto();                                                          \
        bool is_there = library != NULL;                                                           \
                                                                                                   \
        LIST(OPENSSL_FIND)                                                                         \
        openssl_crypto_done(library);                                                              \
        return is_there;                                                                           \
    }

/* What libcrypto calls a curve, by its number in TLS (RFC 8422, 5.1.1), which is BearSSL's too;
 * NID_undef: none of P-256, P-384 and P-521. */
int openssl_curve_number(int curve);

/* What SSL_set_ex_data() has left at 0, for who has no table at hand: 0.3 us. */
void *openssl_data_of(const SSL *ssl);

#endif
