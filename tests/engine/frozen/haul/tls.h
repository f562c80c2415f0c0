#ifndef HAUL_TLS_H
#define HAUL_TLS_H

/* Options of https: whom to trust, and what to show. A part of haul.h, which includes it. */

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
};

#endif
