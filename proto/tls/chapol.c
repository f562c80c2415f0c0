/* Records by EVP. BearSSL's are made of two functions, of which the one that makes a record's code
 * is exchangeable: that does for what is sent. The hard idea is what is received. Libcrypto hands
 * out the code of nothing that it decrypts, and wants to be told which it should be, which BearSSL
 * does not tell that function; so here the record itself is taken apart. */

#include "proto/tls/arithmetic.h"

#include "proto/tls/openssl.h"

enum {
    LENGTH_MIN = 1024, /* from here on libcrypto is quicker: 2.4 us, 2.6 by BearSSL */
    TAG_BYTES = 16,
    NONCE_BYTES = 12,
    HEADER_BYTES = 13, /* that the code covers: number, type, version, length (RFC 5246, 6.2.3.3) */
};

#define CHAPOL_FUNCTIONS(X)                                                                        \
    X(ERR_clear_error)                                                                             \
    X(EVP_chacha20_poly1305)                                                                       \
    X(EVP_CIPHER_CTX_ctrl)                                                                         \
    X(EVP_CIPHER_CTX_free)                                                                         \
    X(EVP_CIPHER_CTX_new)                                                                          \
    X(EVP_CipherFinal_ex)                                                                          \
    X(EVP_CipherInit_ex)                                                                           \
    X(EVP_CipherUpdate)

OPENSSL_FUNCTIONS(CHAPOL_FUNCTIONS)

/* What one record is done with. */
struct aead {
    const unsigned char *key;
    const unsigned char *nonce;
    const unsigned char *header; /* is not encrypted, but covered */
    size_t header_length;
};

/* NULL: it cannot be set up, and the record is as it was. tag is NULL where it is to be made. */
static EVP_CIPHER_CTX *begin(const struct functions *functions, const struct aead *aead,
                             unsigned char *tag)
{
    EVP_CIPHER_CTX *context = functions->EVP_CIPHER_CTX_new();
    int length;

    if (context != NULL &&
        functions->EVP_CipherInit_ex(context, functions->EVP_chacha20_poly1305(), NULL, aead->key,
                                     aead->nonce, tag == NULL) == 1 &&
        (tag == NULL ||
         functions->EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1) &&
        functions->EVP_CipherUpdate(context, NULL, &length, aead->header,
                                    (int)aead->header_length) == 1)
        return context;
    functions->EVP_CIPHER_CTX_free(context);
    functions->ERR_clear_error();
    return NULL;
}

/* In place. false: the tag is not that of these bytes, or nothing of the two is to be used. */
static bool run(const struct functions *functions, EVP_CIPHER_CTX *context, unsigned char *data,
                size_t length)
{
    int made = 0, more = 0;

    return functions->EVP_CipherUpdate(context, data, &made, data, (int)length) == 1 &&
           functions->EVP_CipherFinal_ex(context, data + made, &more) == 1 &&
           (size_t)made + (size_t)more == length;
}

static void end(const struct functions *functions, EVP_CIPHER_CTX *context)
{
    functions->EVP_CIPHER_CTX_free(context);
    functions->ERR_clear_error();
}

static br_poly1305_run run_of_bearssl(void)
{
    br_poly1305_run best = br_poly1305_ctmulq_get();

    return best != NULL ? best : br_poly1305_ctmul_run;
}

/* A br_poly1305_run. What could not be made is wiped, lest it be sent as it was. */
static void encrypt(const void *key, const void *nonce, void *data, size_t length,
                    const void *header, size_t header_length, void *ret_tag, br_chacha20_run chacha,
                    int encrypts)
{
    const struct aead aead = {key, nonce, header, header_length};
    struct functions functions;
    EVP_CIPHER_CTX *context = NULL;

    if (encrypts != 0 && length >= LENGTH_MIN && functions_find(&functions))
        context = begin(&functions, &aead, NULL);
    if (context == NULL) {
        run_of_bearssl()(key, nonce, data, length, header, header_length, ret_tag, chacha,
                         encrypts);
        return;
    }
    if (!run(&functions, context, data, length) ||
        functions.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, ret_tag) != 1) {
        explicit_bzero(data, length);
        explicit_bzero(ret_tag, TAG_BYTES);
    }
    end(&functions, context);
}

/* --- what is received ------------------------------------------------------------------------- */

static void number_write(unsigned char *at, uint64_t number, size_t bytes)
{
    for (size_t i = bytes; i-- > 0; number >>= 8)
        at[i] = (unsigned char)number;
}

static void header_write(unsigned char header[HEADER_BYTES], uint64_t number, int type,
                         unsigned version, size_t length)
{
    number_write(header, number, 8);
    header[8] = (unsigned char)type;
    number_write(header + 9, version, 2);
    number_write(header + 11, length, 2);
}

/* RFC 7905, 2: the record's number over the end of what was agreed. */
static void nonce_write(unsigned char nonce[NONCE_BYTES], const unsigned char iv[NONCE_BYTES],
                        uint64_t number)
{
    memcpy(nonce, iv, NONCE_BYTES);
    for (size_t i = NONCE_BYTES; i-- > NONCE_BYTES - 8; number >>= 8)
        nonce[i] ^= (unsigned char)number;
}

static unsigned char *decrypt(const br_sslrec_in_class **class, int type, unsigned version,
                              void *data, size_t *length)
{
    br_sslrec_chapol_context *record = (br_sslrec_chapol_context *)(void *)class;
    size_t own = *length - TAG_BYTES;
    unsigned char header[HEADER_BYTES], nonce[NONCE_BYTES];
    const struct aead aead = {record->key, nonce, header, sizeof(header)};
    struct functions functions;
    EVP_CIPHER_CTX *context = NULL;
    bool is_good;

    header_write(header, record->seq, type, version, own);
    nonce_write(nonce, record->iv, record->seq);
    if (own >= LENGTH_MIN && functions_find(&functions))
        context = begin(&functions, &aead, (unsigned char *)data + own);
    if (context == NULL)
        return br_sslrec_in_chapol_vtable.inner.decrypt(class, type, version, data, length);
    record->seq++;
    is_good = run(&functions, context, data, own);
    end(&functions, context);
    *length = own;
    return is_good ? data : NULL;
}

static int check_length(const br_sslrec_in_class *const *class, size_t length)
{
    return br_sslrec_in_chapol_vtable.inner.check_length(class, length);
}

static void begin_in(const br_sslrec_in_chapol_class **class, br_chacha20_run chacha,
                     br_poly1305_run poly, const void *key, const void *iv);

static const br_sslrec_in_chapol_class in_class = {
    .inner = {.context_size = sizeof(br_sslrec_chapol_context),
              .check_length = check_length,
              .decrypt = decrypt},
    .init = begin_in,
};

static void begin_in(const br_sslrec_in_chapol_class **class, br_chacha20_run chacha,
                     br_poly1305_run poly, const void *key, const void *iv)
{
    br_sslrec_in_chapol_vtable.init(class, chacha, poly, key, iv);
    *class = &in_class;
}

void tls_chapol_use(br_ssl_engine_context *engine)
{
    br_ssl_engine_set_chapol(engine, &in_class, &br_sslrec_out_chapol_vtable);
    br_ssl_engine_set_poly1305(engine, encrypt);
}
