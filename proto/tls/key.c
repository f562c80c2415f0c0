/* A private key from DER to libcrypto. The one hard idea is what stays behind: libcrypto's own
 * decoders leave a dozen copies of a key in memory that they have freed, so that it is given the
 * numbers instead, which are read here and wiped. */

#include "proto/tls/key.h"

#include "proto/x509/der.h"

#include <bearssl.h>
#include <openssl/core_names.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS_MAX = 8, FIELD_BYTES_MAX = 66 };

/* The numbers of a key as libcrypto takes them: in the order of this machine's bytes. */
struct numbers {
    OSSL_PARAM params[NUMBERS_MAX + 1]; /* the last one is OSSL_PARAM_END */
    size_t count;
    size_t length;
    unsigned char *bytes; /* size of them, for all the numbers of one DER: no more than it has */
    size_t size;
};

/* What is given is not written to, but the type does not say so. */
static void param_add(struct numbers *numbers, const char *name, unsigned type, const void *data,
                      size_t length)
{
    numbers->params[numbers->count++] = (OSSL_PARAM){.key = name,
                                                     .data_type = type,
                                                     .data = (void *)(uintptr_t)data,
                                                     .data_size = length,
                                                     .return_size = OSSL_PARAM_UNMODIFIED};
}

static void number_add(struct numbers *numbers, const char *name, struct span number)
{
    unsigned char *to = numbers->bytes + numbers->length;

    for (size_t i = 0; i < number.length; i++)
        to[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? number.length - 1 - i : i] =
            (unsigned char)number.bytes[i];
    numbers->length += number.length;
    param_add(numbers, name, OSSL_PARAM_UNSIGNED_INTEGER, to, number.length);
}

static EVP_PKEY *key_make(const struct evp *evp, const char *kind, struct numbers *numbers)
{
    const struct openssl *openssl = evp->openssl;
    EVP_PKEY_CTX *context = openssl->EVP_PKEY_CTX_new_from_name(evp->library, kind, NULL);
    EVP_PKEY *key = NULL;

    if (context != NULL && openssl->EVP_PKEY_fromdata_init(context) == 1 &&
        openssl->EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, numbers->params) != 1)
        key = NULL;
    openssl->EVP_PKEY_CTX_free(context);
    return key;
}

/* RFC 8017, A.1.2. */
static EVP_PKEY *rsa_read(const struct evp *evp, const char *kind, struct numbers *numbers,
                          struct span der)
{
    static const char *const names[NUMBERS_MAX] = {
        OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
        OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    struct span rest, number;

    if (!der_only(der, DER_SEQUENCE, &rest) || !der_take_unsigned(&rest, &number) ||
        number.length != 0)
        return NULL;
    for (size_t i = 0; i < NUMBERS_MAX; i++) {
        if (!der_take_unsigned(&rest, &number) || number.length == 0)
            return NULL;
        number_add(numbers, names[i], number);
    }
    return rest.length == 0 ? key_make(evp, kind, numbers) : NULL;
}

/* The curve of an object identifier; 0: another one. */
static int curve_of(struct span oid)
{
    if (span_equal(oid, SPAN("\x2a\x86\x48\xce\x3d\x03\x01\x07")))
        return BR_EC_secp256r1;
    if (span_equal(oid, SPAN("\x2b\x81\x04\x00\x22")))
        return BR_EC_secp384r1;
    return span_equal(oid, SPAN("\x2b\x81\x04\x00\x23")) ? BR_EC_secp521r1 : 0;
}

static const char *curve_name(int curve)
{
    return curve == BR_EC_secp256r1 ? "P-256" : curve == BR_EC_secp384r1 ? "P-384" : "P-521";
}

/* RFC 5915, 3; curve 0: it is named inside. */
static EVP_PKEY *ec_read(const struct evp *evp, int curve, struct numbers *numbers, struct span der)
{
    unsigned char point[BR_EC_KBUF_PUB_MAX_SIZE];
    struct span rest, version, secret, of_curve, oid;
    size_t length;

    if (!der_only(der, DER_SEQUENCE, &rest) || !der_take_unsigned(&rest, &version) ||
        !der_take(&rest, DER_OCTET_STRING, &secret) || secret.length > FIELD_BYTES_MAX)
        return NULL;
    if (curve == 0 && der_take(&rest, DER_CONTEXT_OF(0), &of_curve) &&
        der_only(of_curve, DER_OID, &oid))
        curve = curve_of(oid);
    if (curve == 0)
        return NULL;
    br_ec_private_key key = {
        .curve = curve, .x = (unsigned char *)(uintptr_t)secret.bytes, .xlen = secret.length};
    length = br_ec_compute_pub(br_ec_get_default(), NULL, point, &key);
    if (length == 0)
        return NULL;
    param_add(numbers, OSSL_PKEY_PARAM_GROUP_NAME, OSSL_PARAM_UTF8_STRING, curve_name(curve), 5);
    param_add(numbers, OSSL_PKEY_PARAM_PUB_KEY, OSSL_PARAM_OCTET_STRING, point, length);
    number_add(numbers, OSSL_PKEY_PARAM_PRIV_KEY, secret);
    return key_make(evp, "EC", numbers);
}

/* RFC 8410, 7. */
static EVP_PKEY *edwards_read(const struct evp *evp, const char *kind, struct span der)
{
    struct span secret;

    if (!der_only(der, DER_OCTET_STRING, &secret))
        return NULL;
    return evp->openssl->EVP_PKEY_new_raw_private_key_ex(
        evp->library, kind, NULL, (const unsigned char *)secret.bytes, secret.length);
}

/* RFC 5958, 2: its version, whose key, the key. */
static EVP_PKEY *pkcs8_read(const struct evp *evp, struct numbers *numbers, struct span algorithm,
                            struct span key)
{
    struct span oid, curve;

    if (!der_take(&algorithm, DER_OID, &oid))
        return NULL;
    if (span_equal(oid, SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")))
        return rsa_read(evp, "RSA", numbers, key);
    if (span_equal(oid, SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a")))
        return rsa_read(evp, "RSA-PSS", numbers, key);
    if (span_equal(oid, SPAN("\x2b\x65\x70")))
        return edwards_read(evp, "ED25519", key);
    if (span_equal(oid, SPAN("\x2b\x65\x71")))
        return edwards_read(evp, "ED448", key);
    if (span_equal(oid, SPAN("\x2a\x86\x48\xce\x3d\x02\x01")) &&
        der_only(algorithm, DER_OID, &curve) && curve_of(curve) != 0)
        return ec_read(evp, curve_of(curve), numbers, key);
    return NULL;
}

/* Which of the three is told by what stands behind the version. */
static EVP_PKEY *any_read(const struct evp *evp, struct numbers *numbers, struct span der)
{
    struct span rest, version, algorithm, key;

    if (!der_only(der, DER_SEQUENCE, &rest) || !der_take_unsigned(&rest, &version))
        return NULL;
    if (der_is_next(rest, DER_INTEGER))
        return rsa_read(evp, "RSA", numbers, der);
    if (der_is_next(rest, DER_OCTET_STRING))
        return ec_read(evp, 0, numbers, der);
    if (der_take(&rest, DER_SEQUENCE, &algorithm) && der_take(&rest, DER_OCTET_STRING, &key))
        return pkcs8_read(evp, numbers, algorithm, key);
    return NULL;
}

EVP_PKEY *tls_key_read(const struct evp *evp, struct span der)
{
    struct numbers numbers = {.bytes = malloc(der.length), .size = der.length};
    EVP_PKEY *key = numbers.bytes != NULL ? any_read(evp, &numbers, der) : NULL;

    if (numbers.bytes != NULL)
        explicit_bzero(numbers.bytes, numbers.size);
    free(numbers.bytes);
    return key;
}
