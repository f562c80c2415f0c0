#ifndef TESTS_LIB_TLS_CERTS_H
#define TESTS_LIB_TLS_CERTS_H

/* Keys and certificates for tests, made in memory through libcrypto. Everything is made anew in
 * every run; what cannot be made ends the test program. */

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stdbool.h>
#include <stdint.h>

/* The time that the tests live in: certificates are valid around it, the machine's clock does not
 * matter. */
enum { CERTS_NOW_S = 1700000000, CERTS_DAY_S = 86400 };

struct certs_spec {
    const char *common_name;
    const char *alt_names; /* "DNS:a.test,IP:127.0.0.1"; NULL: none */
    const char *key;       /* "P-256", "P-384", "P-521", "ED25519", "ED448", the bits of an RSA key
                              ("2048"), or "RSA-PSS": such a key of 2048 bits */
    int64_t not_before_s;  /* 0: a day before CERTS_NOW_S */
    int64_t not_after_s;   /* 0: a day after */
    bool is_ca;
    bool is_by_pss;         /* signed with RSA-PSS, by an RSA key */
    unsigned padding_bytes; /* of an extension that nobody knows */
};

struct certs_pair {
    X509 *certificate;
    EVP_PKEY *key;
};

/* issuer NULL: signs itself. */
struct certs_pair certs_make(const struct certs_spec *spec, const struct certs_pair *issuer);
void certs_free(struct certs_pair *pair);

/* Zero-terminated texts, to be freed. */
char *certs_pem(X509 *certificate);

enum certs_format { CERTS_PKCS8, CERTS_TRADITIONAL, CERTS_PKCS8_SECRET, CERTS_TRADITIONAL_SECRET };

/* TRADITIONAL is PKCS#1 or SEC1; SECRET: encrypted with a password. */
char *certs_key_pem(EVP_PKEY *key, enum certs_format format);

/* SHA-256 over the SubjectPublicKeyInfo. */
void certs_pin(X509 *certificate, unsigned char ret_pin[32]);

#endif
