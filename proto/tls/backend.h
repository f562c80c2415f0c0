#ifndef PROTO_TLS_BACKEND_H
#define PROTO_TLS_BACKEND_H

/* What a TLS library has to do to stand behind tls.h, and what all of them share: for the room's
 * own files. The one hard idea is that a verdict is nobody's but ours: a library hands over the
 * certificates as they were sent, and is told what tls_judge() says; host, dates, pins and the
 * cache of verdicts never come near it. */

#include "proto/tls/tls.h"

enum { HOST_BYTES_MAX = 253 };

/* Which versions of TLS a server is offered. */
enum tls_offer {
    TLS_OFFERS_LESS, /* 1.2, where later ones are allowed too: the backend has none */
    TLS_OFFERS_BOTH,
    TLS_OFFERS_12, /* 1.2, and no later one is allowed */
    TLS_OFFERS_13, /* 1.3, and no earlier one is allowed */
};

/* Begins the configuration of each backend. */
struct tls_config {
    const struct tls_backend *backend;
    const struct trust *trust;
    void *arithmetic;              /* the context of backend->check_signature; NULL: it has none */
    struct verify_cache *verdicts; /* NULL: none are remembered */
    unsigned char (*pins)[TLS_PIN_BYTES];
    size_t pin_count;
    uint8_t offer; /* enum tls_offer */
    bool has_certificate;
    bool is_insecure;
    bool is_legacy;
};

/* Begins the connection of each backend. */
struct tls {
    const struct tls_backend *backend;
    int64_t now_s;
    int64_t made_s; /* of the session: see struct tls_session */
    int64_t not_after_s;
    size_t certificate;
    uint8_t verdict;
    uint8_t error; /* enum tls_error: what was found here and not by the library */
    bool has_received;
    bool was_asked_again; /* for a renegotiation */
    bool was_asked_who;   /* for a client certificate */
    bool speaks_at_rest;  /* the server may: TLS 1.3 */
    bool has_certificate; /* which is shown when asked for */
    uint8_t offer;        /* enum tls_offer */
    uint8_t host_length;
    char host[HOST_BYTES_MAX + 1]; /* in lower case, without its final dot */
};

/* The functions are tls.h's, each without its tls_. */
struct tls_backend {
    const char *name;
    const char *(*version)(void); /* of the library in use; static. NULL: it cannot be loaded */
    size_t config_size;
    size_t size;
    size_t heap_size; /* what a connection takes beside that */
    verify_signature_fn *check_signature;
    bool is_wide; /* see struct verify_policy */
    /* The configuration is zero-filled, but for what is shared; free leaves its memory alone. */
    enum tls_error (*config_fill)(struct tls_config *config, const struct tls_options *options);
    void (*config_free)(struct tls_config *config);
    bool (*config_has_chain)(const struct tls_config *config);
    struct tls *(*init)(void *memory, struct tls_config *config, const struct tls_peer *peer);
    void (*deinit)(struct tls *tls);
    enum tls_state (*state)(const struct tls *tls);
    size_t (*wire_in)(struct tls *tls, struct span bytes);
    void (*wire_end)(struct tls *tls);
    struct span (*wire_out)(const struct tls *tls);
    void (*wire_sent)(struct tls *tls, size_t length);
    size_t (*plain_in)(struct tls *tls, struct span bytes);
    struct span (*plain_out)(const struct tls *tls);
    void (*plain_taken)(struct tls *tls, size_t length);
    void (*close)(struct tls *tls);
    bool (*is_waiting)(const struct tls *tls);
    bool (*is_inside_record)(const struct tls *tls);
    /* What the library has found, where tls->error says nothing. */
    enum tls_error (*library_error)(const struct tls *tls, uint8_t *ret_alert);
    /* All but what the verdict is. */
    struct tls_facts (*facts)(const struct tls *tls);
    bool (*get_session)(const struct tls *tls, struct tls_session *ret_session);
    size_t (*key_log)(struct tls *tls, char ret_lines[TLS_KEYLOG_BYTES]);
};

extern const struct tls_backend tls_bearssl;
extern const struct tls_backend tls_libssl; /* where libssl is there: HAUL_HAS_OPENSSL */

/* What is shared of a connection, whose memory is zero-filled. */
void tls_begin(struct tls *tls, const struct tls_config *config, const struct tls_peer *peer);

/* Is host a name, which is sent (SNI), or an address, which is not? */
bool tls_host_is_name(const struct tls *tls);

/* A server's certificates, cut as they were sent. */
struct tls_chain {
    const struct span *certificates;
    size_t count; /* of all that came */
    size_t kept;  /* of those that lie there: not more than VERIFY_CHAIN_MAX, not more than fit */
    bool is_too_large;
};

/* Judges them, and their key by the pins; the verdict is the connection's. TLS_OK: *ret_leaf is the
 * first of them; CERTIFICATE or PIN: the handshake is over. */
enum tls_error tls_judge(struct tls *tls, const struct tls_config *config,
                         const struct tls_chain *chain, struct certificate *ret_leaf);

/* The body of the first block of a PEM text that is a private key: TLS_OK, KEY_NONE or
 * KEY_ENCRYPTED. */
enum tls_error tls_key_block(struct span pem, struct span *ret_body);

/* The sentence of an alert, as exact as what is known of the connection makes it; direction is
 * TLS_ALERT or TLS_ALERT_SENT. Static, never NULL. */
const char *tls_alert_sentence(const struct tls *tls, enum tls_error direction, uint8_t number);

/* What is wrong with the first certificate, that not even an insecure connection can do with. */
void tls_certificate_unusable(struct tls *tls, enum verify_verdict verdict);

#endif
