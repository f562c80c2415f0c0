/* Keys and certificates for tests. RSA keys take long to make, so one of each size serves every
 * certificate of a test program. */

#include "tests/lib/tls/certs.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "certs: cannot make %s\n", what);
    abort();
}

static EVP_PKEY *rsa_key(int bits)
{
    static struct {
        int bits;
        EVP_PKEY *key;
    } made[4];
    size_t i = 0;

    while (made[i].key != NULL && made[i].bits != bits)
        i++;
    require(i < sizeof(made) / sizeof(made[0]), "RSA keys of that many sizes");
    if (made[i].key == NULL) {
        made[i].bits = bits;
        made[i].key = EVP_RSA_gen((unsigned)bits);
    }
    require(made[i].key != NULL && EVP_PKEY_up_ref(made[i].key) == 1, "an RSA key");
    return made[i].key;
}

static EVP_PKEY *pss_key(void)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    EVP_PKEY *key = NULL;

    require(context != NULL && EVP_PKEY_keygen_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) == 1 &&
                EVP_PKEY_generate(context, &key) == 1,
            "a key for RSA-PSS");
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *key_make(const char *kind)
{
    EVP_PKEY *key = NULL;

    if (kind[0] == 'P')
        key = EVP_EC_gen(kind);
    else if (kind[0] == 'E')
        key = EVP_PKEY_Q_keygen(NULL, NULL, kind);
    else
        key = strcmp(kind, "RSA-PSS") == 0 ? pss_key() : rsa_key(atoi(kind));
    require(key != NULL, "a key");
    return key;
}

static void extension_add(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    require(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static void padding_add(X509 *certificate, unsigned bytes)
{
    unsigned char *zeros = calloc(bytes, 1);
    ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    require(zeros != NULL && ASN1_OCTET_STRING_set(value, zeros, (int)bytes) == 1, "padding");
    extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value);
    require(X509_add_ext(certificate, extension, -1) == 1, "an extension");
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
    free(zeros);
}

static void dates_set(X509 *certificate, const struct certs_spec *spec)
{
    int64_t before = spec->not_before_s != 0 ? spec->not_before_s : CERTS_NOW_S - CERTS_DAY_S;
    int64_t after = spec->not_after_s != 0 ? spec->not_after_s : CERTS_NOW_S + CERTS_DAY_S;

    ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)before);
    ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)after);
}

static void extensions_add(X509 *certificate, const struct certs_spec *spec)
{
    if (spec->is_ca) {
        extension_add(certificate, NID_basic_constraints, "critical,CA:TRUE");
        extension_add(certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else {
        extension_add(certificate, NID_key_usage, "critical,digitalSignature,keyEncipherment");
    }
    if (spec->alt_names != NULL)
        extension_add(certificate, NID_subject_alt_name, spec->alt_names);
    if (spec->padding_bytes > 0)
        padding_add(certificate, spec->padding_bytes);
}

static void certificate_sign(X509 *certificate, EVP_PKEY *key, bool is_by_pss)
{
    bool is_ed = EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448");
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    EVP_PKEY_CTX *context;

    require(digest != NULL &&
                EVP_DigestSignInit(digest, &context, is_ed ? NULL : EVP_sha256(), NULL, key) == 1,
            "a signer");
    if (is_by_pss)
        require(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
                    EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 32) == 1,
                "a padding");
    require(X509_sign_ctx(certificate, digest) > 0, "a signature");
    EVP_MD_CTX_free(digest);
}

struct certs_pair certs_make(const struct certs_spec *spec, const struct certs_pair *issuer)
{
    static long serial = 1;
    struct certs_pair made = {X509_new(), key_make(spec->key)};
    X509_NAME *name = X509_get_subject_name(made.certificate);
    const struct certs_pair *signer = issuer != NULL ? issuer : &made;

    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial++);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)spec->common_name,
                               -1, -1, 0);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(signer->certificate));
    X509_set_pubkey(made.certificate, made.key);
    dates_set(made.certificate, spec);
    extensions_add(made.certificate, spec);
    certificate_sign(made.certificate, signer->key, spec->is_by_pss);
    return made;
}

void certs_free(struct certs_pair *pair)
{
    X509_free(pair->certificate);
    EVP_PKEY_free(pair->key);
    *pair = (struct certs_pair){NULL, NULL};
}

/* The contents of a memory BIO, which is freed. */
static char *text_of(BIO *bio)
{
    char *bytes, *text;
    long length = BIO_get_mem_data(bio, &bytes);

    require(length > 0, "PEM");
    text = strndup(bytes, (size_t)length);
    BIO_free(bio);
    return text;
}

char *certs_pem(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());

    require(PEM_write_bio_X509(bio, certificate) == 1, "PEM");
    return text_of(bio);
}

char *certs_key_pem(EVP_PKEY *key, enum certs_format format)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const EVP_CIPHER *cipher = EVP_aes_128_cbc();
    unsigned char password[] = "secret";
    int length = (int)sizeof(password) - 1;
    int written = 0;

    switch (format) {
    case CERTS_PKCS8:
        written = PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
        break;
    case CERTS_TRADITIONAL:
        written = PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL);
        break;
    case CERTS_PKCS8_SECRET:
        written =
            PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, (char *)password, length, NULL, NULL);
        break;
    case CERTS_TRADITIONAL_SECRET:
        written =
            PEM_write_bio_PrivateKey_traditional(bio, key, cipher, password, length, NULL, NULL);
        break;
    }
    require(written == 1, "a key's PEM");
    return text_of(bio);
}

void certs_pin(X509 *certificate, unsigned char ret_pin[32])
{
    unsigned char *der = NULL;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);

    require(length > 0 && EVP_Digest(der, (size_t)length, ret_pin, NULL, EVP_sha256(), NULL) == 1,
            "a pin");
    OPENSSL_free(der);
}
