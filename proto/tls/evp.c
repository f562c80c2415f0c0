/* Checks of signatures by libcrypto. A key is made from the numbers that proto/x509 has cut out,
 * and never from the DER around them, which nobody is to read a second time and understand
 * otherwise. The one hard idea is that all of it fails closed: what cannot be set up is a signature
 * that is wrong. */

#include "proto/tls/evp.h"
#include "proto/tls/openssl.h"

#include <openssl/core_names.h>

/* Libcrypto's parameters point at bytes that it does not write, but do not say so. */
static void *unconst(struct span span)
{
    return (void *)(uintptr_t)span.bytes;
}

static const unsigned char *octets(struct span span)
{
    return (const unsigned char *)span.bytes;
}

static EVP_PKEY *key_from(const struct evp *evp, const char *type, OSSL_PARAM *parameters)
{
    const struct openssl *openssl = evp->openssl;
    EVP_PKEY_CTX *context = openssl->EVP_PKEY_CTX_new_from_name(evp->library, type, NULL);
    EVP_PKEY *key = NULL;

    if (context == NULL || openssl->EVP_PKEY_fromdata_init(context) != 1 ||
        openssl->EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        key = NULL;
    openssl->EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *rsa_key(const struct evp *evp, const struct certificate_key *key)
{
    const struct openssl *openssl = evp->openssl;
    OSSL_PARAM_BLD *build = openssl->OSSL_PARAM_BLD_new();
    BIGNUM *n = openssl->BN_bin2bn(octets(key->modulus), (int)key->modulus.length, NULL);
    BIGNUM *e = openssl->BN_bin2bn(octets(key->exponent), (int)key->exponent.length, NULL);
    OSSL_PARAM *parameters = NULL;
    EVP_PKEY *made = NULL;

    if (build != NULL && n != NULL && e != NULL &&
        openssl->OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        openssl->OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        parameters = openssl->OSSL_PARAM_BLD_to_param(build);
    if (parameters != NULL)
        made = key_from(evp, "RSA", parameters);
    openssl->OSSL_PARAM_free(parameters);
    openssl->OSSL_PARAM_BLD_free(build);
    openssl->BN_free(n);
    openssl->BN_free(e);
    return made;
}

static const char *curve_name(enum certificate_curve curve)
{
    switch (curve) {
    case CERTIFICATE_CURVE_P256:
        return "P-256";
    case CERTIFICATE_CURVE_P384:
        return "P-384";
    case CERTIFICATE_CURVE_P521:
        break;
    }
    return "P-521";
}

static EVP_PKEY *ec_key(const struct evp *evp, const struct certificate_key *key)
{
    const struct openssl *openssl = evp->openssl;
    const char *curve = curve_name(key->curve);
    OSSL_PARAM parameters[] = {
        openssl->OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                  (char *)(uintptr_t)curve, 0),
        openssl->OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, unconst(key->point),
                                                   key->point.length),
        openssl->OSSL_PARAM_construct_end(),
    };

    return key_from(evp, "EC", parameters);
}

static EVP_PKEY *ed_key(const struct evp *evp, const char *type, struct span point)
{
    return evp->openssl->EVP_PKEY_new_raw_public_key_ex(evp->library, type, NULL, octets(point),
                                                        point.length);
}

static EVP_PKEY *key_make(const struct evp *evp, const struct certificate_key *key)
{
    switch (key->kind) {
    case CERTIFICATE_KEY_RSA:
    case CERTIFICATE_KEY_RSA_PSS:
        return rsa_key(evp, key);
    case CERTIFICATE_KEY_EC:
        return ec_key(evp, key);
    case CERTIFICATE_KEY_ED25519:
        return ed_key(evp, "ED25519", key->point);
    case CERTIFICATE_KEY_ED448:
        return ed_key(evp, "ED448", key->point);
    case CERTIFICATE_KEY_OTHER:
        break;
    }
    return NULL;
}

/* NULL: the scheme brings its own. */
static const char *hash_name(const struct certificate_signature *signature)
{
    static const char *const names[] = {
        [CERTIFICATE_HASH_SHA1] = "SHA1",
        [CERTIFICATE_HASH_SHA256] = "SHA256",
        [CERTIFICATE_HASH_SHA384] = "SHA384",
        [CERTIFICATE_HASH_SHA512] = "SHA512",
    };
    bool is_ed = signature->scheme == CERTIFICATE_SCHEME_ED25519 ||
                 signature->scheme == CERTIFICATE_SCHEME_ED448;

    return is_ed ? NULL : names[signature->hash];
}

static bool padding_set(const struct openssl *openssl, EVP_PKEY_CTX *context,
                        const struct certificate_signature *signature)
{
    if (signature->scheme != CERTIFICATE_SCHEME_RSA_PSS)
        return true;
    return openssl->EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           openssl->EVP_PKEY_CTX_set_rsa_pss_saltlen(context, signature->salt_bytes) == 1;
}

bool tls_evp_check_signature(void *context, const struct certificate_signature *signature,
                             const struct certificate_key *issuer_key)
{
    const struct evp *evp = context;
    const struct openssl *openssl = evp->openssl;
    EVP_PKEY *key = key_make(evp, issuer_key);
    EVP_MD_CTX *digest = openssl->EVP_MD_CTX_new();
    EVP_PKEY_CTX *check; /* digest's own */
    bool is_good =
        key != NULL && digest != NULL &&
        openssl->EVP_DigestVerifyInit_ex(digest, &check, hash_name(signature), evp->library, NULL,
                                         key, NULL) == 1 &&
        padding_set(openssl, check, signature) &&
        openssl->EVP_DigestVerify(digest, octets(signature->value), signature->value.length,
                                  octets(signature->tbs), signature->tbs.length) == 1;

    openssl->EVP_MD_CTX_free(digest);
    openssl->EVP_PKEY_free(key);
    openssl->ERR_clear_error();
    return is_good;
}
