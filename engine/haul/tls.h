#ifndef HAUL_TLS_H
#define HAUL_TLS_H

/* Options of https: whom to trust, and what to show. A part of haul.h, which includes it. */

/* The library behind TLS. */
enum haul_backend {
    HAUL_BACKEND_AUTO, /* BearSSL, and OpenSSL, where it is built in, for a server that BearSSL does
                          not reach: that wants TLS 1.3, or has a certificate of Ed25519, Ed448 or
                          RSA-PSS. A request that finds that out is made again on a second
                          connection, inside the same deadlines and as the same attempt; those
                          behind it begin there, for as long as the server is remembered. With a
                          client_certificate whose key BearSSL has not, all begin with OpenSSL */
    HAUL_BACKEND_BEARSSL, /* TLS 1.2, or what legacy adds */
    HAUL_BACKEND_OPENSSL, /* TLS 1.3 and 1.2. A handle has a library context of its own; no
                             openssl.cnf is read, nor a handler at exit set: of a program that uses
                             OpenSSL too and wants them, let its own first call come before.
                             libssl and libcrypto are loaded with what at_open is about, or, by
                             this or version_min, in haul_open(), where it is -EINVAL if they are
                             not there; they stay loaded until the process ends */
};

enum { HAUL_TLS_1_2 = 0x0303, HAUL_TLS_1_3 = 0x0304 };

struct haul_tls {
    bool at_open;             /* read the files below in haul_open(), so that one that cannot be
                                 used is its error; else at the first https URL, whose result
                                 then says so, as does that of every other: a TLS error, its
                                 detail, and os_error is the errno that haul_open() would have
                                 returned */
    bool insecure;            /* any certificate will do; pinned_keys still count */
    bool legacy;              /* TLS 1.0 and 1.1, CBC suites, SHA-1, RSA keys from 1024 bits */
    const char *ca_file;      /* PEM roots to trust instead of the system's. It may be a pipe, as
                                 may the two of the client: each is read once, to its end */
    const char *ca_directory; /* every regular file of it, likewise; or of several, with ':'
                                 between them, of which those that cannot be read are passed
                                 over unless none can. Both NULL: the system's roots */
    const char *client_certificate; /* PEM file, its own certificate first; NULL: none */
    const char *client_key;         /* PEM file; NULL: the key is in client_certificate */
    const char *pinned_keys; /* "sha256//<base64>;…": the server's public key must be one; NULL:
                                any will do */
    const char *key_log;     /* append the sessions' secrets to this file (SSLKEYLOGFILE), which
                                it is an error not to be able to open; NULL: never */
    enum haul_backend backend;
    uint16_t version_min; /* HAUL_TLS_1_2 or HAUL_TLS_1_3; 0: whatever else allows. 1.3 is OpenSSL's
                             alone: -EINVAL where that is missing, with BEARSSL and with
                             legacy, which is not for OPENSSL either */
    uint16_t version_max; /* likewise, and not below version_min */
};

/* The version of OpenSSL in use, which is loaded to be asked; NULL: haul was built without it, or
 * it cannot be loaded, and a server that speaks TLS 1.3 alone, or whose certificate is of Ed25519,
 * Ed448 or RSA-PSS, cannot be reached. Static. */
const char *haul_openssl_version(void);

/* A sentence for why that is NULL; NULL: it is not. Static. */
const char *haul_openssl_missing(void);

#endif
