#ifndef PROTO_TLS_TLS_H
#define PROTO_TLS_TLS_H

/* A client's TLS as four byte ports: wire in, wire out, plain in, plain out. No descriptor, no
 * callback to above, no blocking, no clock, no source of entropy: time and seed are passed in.
 * Which library stands behind it is a configuration's: see enum tls_backend_name. Nothing outside
 * proto/tls names one.
 *
 * What came from the network is handed over like this; a port that takes less than it was given
 * wants another one emptied first:
 *
 *     for (;;) {
 *         size_t taken = tls_wire_in(tls, wire);
 *         struct span plain = tls_plain_out(tls);
 *
 *         wire = (struct span){wire.bytes + taken, wire.length - taken};
 *         … use plain, then tls_plain_taken(tls, how much of it was used) …
 *         … send tls_wire_out(tls); tls_wire_sent(tls, how much of it was sent) …
 *         if (taken == 0 && plain.length == 0)
 *             break;
 *     }
 */

#include "proto/span.h"
#include "proto/x509/trust.h"
#include "proto/x509/verify.h"

/* Every error once, with its sentence. Those of CERTIFICATE and the alerts are more exact: see
 * tls_failure. */
#define TLS_ERRORS(X)                                                                              \
    X(OK, "no error")                                                                              \
    /* the connection */                                                                           \
    X(TRUNCATED, "the server ended the connection without a close_notify: what came may be cut "   \
                 "short")                                                                          \
    X(HANDSHAKE_CUT, "the server ended the connection during the TLS handshake")                   \
    X(NOT_TLS, "the server's first bytes are not TLS (does this port speak plain HTTP?)")          \
    X(CERTIFICATE, "the server's certificate was refused")                                         \
    X(PIN, "the server's public key is none of those that were pinned")                            \
    X(ALERT, "the server sent a fatal alert")                                                      \
    X(ALERT_SENT, "haul refused what the server sent and said so by an alert")                     \
    X(VERSION, "the server chose a TLS version that was not offered: haul speaks 1.2, with "       \
               "OpenSSL 1.3, and 1.0 and 1.1 only with --tls-legacy")                              \
    X(RECORD_VERSION, "a TLS record carries another version than the one agreed")                  \
    X(RECORD_LENGTH, "a TLS record has an impossible length")                                      \
    X(RECORD_TOO_LARGE, "a TLS record is longer than the standard allows")                         \
    X(RECORD_MAC, "a TLS record was altered on its way: its authentication code is wrong")         \
    X(RECORD_TYPE, "a TLS record is of an unknown type")                                           \
    X(UNEXPECTED, "the server sent a TLS message out of turn")                                     \
    X(CHANGE_CIPHER_SPEC, "the server's ChangeCipherSpec is malformed")                            \
    X(ALERT_FORM, "the server's alert is malformed")                                               \
    X(HANDSHAKE_FORM, "a handshake message of the server is malformed")                            \
    X(SESSION_ID, "the server's session id is longer than 32 bytes")                               \
    X(SUITE, "the server chose a cipher suite that haul did not offer")                            \
    X(COMPRESSION, "the server chose compression, which haul did not offer")                       \
    X(FRAGMENT_LENGTH, "the server chose another maximum fragment length than was asked for")      \
    X(RENEGOTIATION, "the server's secure renegotiation field is wrong")                           \
    X(RENEGOTIATION_ASKED,                                                                         \
      "the server asked for a renegotiation (for a client certificate, most likely), which haul "  \
      "does not do, and gave the connection up")                                                   \
    X(EXTENSION, "the server sent an extension that haul did not offer, or one twice")             \
    X(SERVER_NAME, "the server's answer to the server name is malformed")                          \
    X(HELLO_DONE, "the server's ServerHelloDone is malformed")                                     \
    X(LIMIT, "the server's key or signature is longer than 4096 bits")                             \
    X(FINISHED, "the server's Finished does not match: the handshake was altered on its way")      \
    X(RESUMPTION, "the server resumed a session with another version or cipher suite")             \
    X(ALGORITHM, "the server chose a curve, hash or signature algorithm that haul did not offer")  \
    X(SIGNATURE, "the server's signature over its key exchange is wrong: it does not hold the "    \
                 "certificate's key")                                                              \
    X(KEY_USAGE, "the certificate's key is not of the kind that the chosen cipher suite needs")    \
    X(WEAK, "the server's key exchange is too weak: its group or key is worth less than 112 bits") \
    X(CLIENT_CERTIFICATE, "the client certificate could not be used")                              \
    X(INTERNAL, "the TLS library was used wrongly (a fault in haul)")                              \
    /* the configuration */                                                                        \
    X(MEMORY, "there is not enough memory for TLS")                                                \
    X(CERTIFICATE_NONE, "the client certificate's file has no CERTIFICATE block")                  \
    X(CERTIFICATE_MALFORMED, "the client certificate's file has a block that is no certificate")   \
    X(KEY_NONE, "the client key's file has no private key")                                        \
    X(KEY_ENCRYPTED, "the client key is encrypted: decrypt it first (openssl pkey -in KEY -out "   \
                     "PLAIN)")                                                                     \
    X(KEY_MALFORMED, "the client key is malformed, or neither RSA nor EC on P-256, P-384 or "      \
                     "P-521 (in PKCS#1, SEC1 or PKCS#8)")                                          \
    X(KEY_MISMATCH, "the client key is not the client certificate's")

enum tls_error {
#define TLS_ERROR_ENUM(name, sentence) TLS_##name,
    TLS_ERRORS(TLS_ERROR_ENUM)
#undef TLS_ERROR_ENUM
};

/* The general sentence of an error: static, never NULL, also for a value outside the enum. */
const char *tls_sentence(enum tls_error error);

/* --- what all connections share --------------------------------------------------------------- */

enum { TLS_PIN_BYTES = 32, TLS_SEED_BYTES = 32, TLS_RECORD_OUT_BYTES = 4096 };

/* A session is offered for so long at most (RFC 5246, F.1.4, suggests it). */
enum { TLS_SESSION_S = 24 * 60 * 60 };

/* The libraries. */
enum tls_backend_name {
    TLS_BEARSSL, /* TLS 1.2, and the default */
    TLS_OPENSSL, /* TLS 1.3 and 1.2, Ed25519, Ed448, RSA-PSS; by libssl, where that is there. It
                    reads the clock and asks the system for entropy by itself, takes memory of the
                    heap for each connection, and keeps its sessions in the configuration; legacy
                    is not for it */
};

/* Is it built in? */
bool tls_has_backend(enum tls_backend_name name);

/* Why it cannot be used: it is not built in, or cannot be loaded (OpenSSL is when it is asked for
 * here, in tls_backend_version() or for a configuration of either backend, and then stays). A
 * sentence, static; NULL: it can. */
const char *tls_backend_missing(enum tls_backend_name name);

/* What the library in use calls itself: static; NULL: it is missing. */
const char *tls_backend_version(enum tls_backend_name name);

/* As on the wire (RFC 8446, 4.2.1). */
enum { TLS_VERSION_12 = 0x0303, TLS_VERSION_13 = 0x0304 };

struct tls_options {
    enum tls_backend_name backend; /* one that is not missing */
    const struct trust *trust;     /* borrowed until tls_config_close */
    struct span certificate;       /* the client's, PEM, its own first; length 0: none */
    struct span key;               /* its private key, PEM; length 0: it is in certificate */
    const unsigned char (*pins)[TLS_PIN_BYTES]; /* SHA-256 of each SubjectPublicKeyInfo allowed;
                                                   copied */
    size_t pin_count;                           /* 0: any key will do */
    size_t chain_count;   /* certificate chains that can be in arrival at once, at least 1 */
    size_t verdict_count; /* verdicts remembered; 0: none */
    bool is_insecure;     /* a certificate's verdict is noted, but does not count; pins do */
    bool is_legacy;       /* TLS 1.0 and 1.1, CBC suites, RSA key exchange and SHA-1 too */
    bool has_key_log;     /* tls_key_log() is going to be asked: TLS_OPENSSL keeps its lines */
    uint16_t version_min; /* TLS_VERSION_12 or _13, both inclusive; 0: no bound but is_legacy's */
    uint16_t version_max; /* TLS_BEARSSL ends at 1.2 anyway */
};

/* Suites, keys, trust, pins, the pool of chains and the verdict cache. Not for several threads. */
struct tls_config;

/* Everything is copied but the trust. TLS_OK, or MEMORY, CERTIFICATE_NONE and those after it:
 * *ret_config is then NULL. */
enum tls_error tls_config_open(const struct tls_options *options, struct tls_config **ret_config);

/* After the last connection's tls_deinit. config may be NULL. */
void tls_config_close(struct tls_config *config);

/* Is a chain free for a connection that waits (tls_is_waiting)? */
bool tls_config_has_chain(const struct tls_config *config);

/* Bytes of one of options.chain_count chains, for a budget; only pages that a server's
 * certificates reach are touched. */
size_t tls_chain_size(void);

/* --- one connection --------------------------------------------------------------------------- */

enum tls_state {
    TLS_HANDSHAKE, /* plain_in takes nothing yet */
    TLS_OPEN,
    TLS_CLOSING, /* tls_close was called; what still comes is dropped */
    TLS_CLOSED,  /* the server's close_notify came: what was read is whole */
    TLS_FAILED,  /* tls_failure says why */
};

/* What resumes a session: plain data, to be copied, kept by the caller for one host, port and
 * config, and wiped (it is a secret). */
struct tls_session {
    unsigned char id[32];
    unsigned char master_secret[48];
    uint16_t version;
    uint16_t suite;
    uint8_t id_length;
    uint8_t verdict; /* enum verify_verdict, of the handshake that made it */
    size_t certificate;
    int64_t made_s;      /* its full handshake's begin: the session is not offered earlier, */
    int64_t not_after_s; /* nor later than this, which no resumption prolongs: a day after made_s,
                            or, where the verdict was a good one, the first notAfter of the path;
                            nor, where it was a bad one, by a config that is not insecure, which
                            heeds dates no more than names */
};

struct tls_peer {
    struct span host; /* a name in any case, with or without its final dot, or an IP literal without
                         brackets; copied. A name is sent (SNI), a literal is not. */
    int64_t now_s;    /* seconds since 1970, UTC */
    const unsigned char *seed;         /* TLS_SEED_BYTES random bytes, never used twice */
    const struct tls_session *session; /* to resume; NULL: none */
    bool is_anonymous;                 /* the configuration's client certificate is not shown */
    uint16_t port;                     /* TLS_OPENSSL: sessions are kept for host, port and
                                          is_anonymous, and resumed; 0: none is */
};

struct tls;

/* Bytes of memory that a connection of any configuration needs, or of this one, aligned as malloc
 * does. */
size_t tls_size(void);
size_t tls_config_size(const struct tls_config *config);

/* Bytes of the heap that a connection of this backend takes beside that, as was measured. */
size_t tls_heap_size(enum tls_backend_name name);

/* Bytes of the heap that libcrypto takes of a process, and a configuration for what it computes by
 * it under either backend: a step of one handshake at a time, and a client's key. As was measured;
 * 0: it is not built in. */
size_t tls_arithmetic_size(void);

/* Begins a handshake in memory: the ClientHello is in tls_wire_out, or, where there was no memory,
 * its state is TLS_FAILED. The result is memory's address; it stays valid until tls_deinit, which
 * must come before the memory is used again. */
struct tls *tls_init(void *memory, struct tls_config *config, const struct tls_peer *peer);

/* Gives the chain back, if one is held, and wipes the keys. */
void tls_deinit(struct tls *tls);

enum tls_state tls_state(const struct tls *tls);

/* Bytes from the server: how many were taken, from the front. Fewer than all: plain_out must be
 * taken, wire_out must be sent, or tls_is_waiting. In TLS_CLOSED and TLS_FAILED all are taken and
 * dropped. Certificates that are too large fail at their length, before they come. */
size_t tls_wire_in(struct tls *tls, struct span bytes);

/* Has the server asked for a renegotiation? It was declined, which it may take, or end what it was
 * at: by an alert, or without a word. */
bool tls_was_asked_again(const struct tls *tls);

/* May the server say at any time what is no data (RFC 8446, 4.6: tickets, new keys)? */
bool tls_speaks_at_rest(const struct tls *tls);

/* Did the last tls_wire_in stop because no chain was free? Call it again when
 * tls_config_has_chain. */
bool tls_is_waiting(const struct tls *tls);

/* The server ended the connection (FIN or RST). Without its close_notify: TLS_FAILED, by TRUNCATED
 * or HANDSHAKE_CUT. What is in plain_out stays there. */
void tls_wire_end(struct tls *tls);

/* Bytes to send, in order; length 0: none. The same bytes, and perhaps more behind them, until
 * tls_wire_sent; they also lie still when the connection fails meanwhile. */
struct span tls_wire_out(const struct tls *tls);

/* The first so many of them are sent. After a failure, nothing happens. */
void tls_wire_sent(struct tls *tls, size_t length);

/* Bytes for the server: how many were taken, which makes them one record in wire_out, of at most
 * TLS_RECORD_OUT_BYTES. 0 while wire_out is not empty, and in every state but TLS_OPEN. */
size_t tls_plain_in(struct tls *tls, struct span bytes);

/* Bytes of the server, decrypted where they lie: valid until the next call but tls_plain_taken,
 * tls_plain_in, tls_wire_out and tls_wire_sent, which leave them alone. Length 0: none. */
struct span tls_plain_out(const struct tls *tls);

/* A part of a record has come, and the rest has not: the server is saying something. */
bool tls_is_inside_record(const struct tls *tls);

/* The first so many of them are done with. */
void tls_plain_taken(struct tls *tls, size_t length);

/* Puts a close_notify into wire_out; before the handshake's end and after a failure, nothing
 * happens. */
void tls_close(struct tls *tls);

/* --- what was agreed -------------------------------------------------------------------------- */

struct tls_failure {
    enum tls_error error;
    uint8_t alert;               /* ALERT, ALERT_SENT: its number */
    enum verify_verdict verdict; /* CERTIFICATE: what is wrong, */
    size_t certificate;          /* and with which, as in struct verify_result */
    bool is_at_hello;            /* not a byte of the server had come */
    bool is_unnamed;             /* it asked for a client certificate, and was shown none */
    const char *sentence;        /* the most exact one there is: static, never NULL */
};

struct tls_failure tls_failure(const struct tls *tls);

struct tls_facts {
    const char *backend; /* "bearssl" or "openssl"; static */
    const char *version; /* "TLSv1.2"; static */
    const char *suite;   /* as IANA writes it; static */
    struct span alpn;    /* "http/1.1", or empty: the server did not choose; static */
    bool is_resumed;
    bool is_verified; /* the certificate was trusted, now or when the session was made */
    enum verify_verdict verdict;
    size_t certificate;
};

/* From TLS_OPEN on. */
struct tls_facts tls_facts(const struct tls *tls);

/* The session, for a later connection; false: there is none (no handshake done, or the server
 * keeps none, or it is TLS_OPENSSL's), and *ret_session is wiped. */
bool tls_get_session(const struct tls *tls, struct tls_session *ret_session);

/* Lines as SSLKEYLOGFILE has them, each with its LF and none with a terminating zero: how many
 * bytes of them there are. Of TLS 1.2 one line, "CLIENT_RANDOM <hex> <hex>", from TLS_OPEN on; of
 * 1.3 five, some of them before, and each is told once. */
enum { TLS_KEYLOG_LINE_BYTES = 14 + 64 + 1 + 96 + 1, TLS_KEYLOG_BYTES = 2048 };

size_t tls_key_log(struct tls *tls, char ret_lines[TLS_KEYLOG_BYTES]);

/* The arithmetic of a certificate's signature by BearSSL, for verify_chain; context is NULL. */
verify_signature_fn tls_check_signature;

#endif
