/* What went wrong with TLS, in words. Alerts are numbers (RFC 5246, 7.2 and later ones); each is
 * explained from the side of whoever sent it. */

#include "proto/tls/backend.h"

const char *tls_sentence(enum tls_error error)
{
    static const char *const sentences[] = {
#define SENTENCE(name, sentence) [TLS_##name] = (sentence),
        TLS_ERRORS(SENTENCE)
#undef SENTENCE
    };
    size_t at = (size_t)error;

    return at < sizeof(sentences) / sizeof(sentences[0]) ? sentences[at] : sentences[TLS_INTERNAL];
}

/* Alerts: number, name, and what it means when a server sends it. */
#define ALERTS(X)                                                                                  \
    X(0, "close_notify", "it ended the connection")                                                \
    X(10, "unexpected_message", "it got a message out of turn")                                    \
    X(20, "bad_record_mac", "a record's authentication code was wrong")                            \
    X(21, "decryption_failed", "it could not decrypt a record")                                    \
    X(22, "record_overflow", "it got a record that is too long")                                   \
    X(30, "decompression_failure", "it could not decompress a record")                             \
    X(40, "handshake_failure",                                                                     \
      "it accepts none of the cipher suites, curves and signature algorithms offered: it may "     \
      "speak TLS 1.3 only or have a key of Ed25519 (both need a haul with OpenSSL, and no "        \
      "--tls-backend bearssl) or of another kind, or want a client certificate; an old server "    \
      "may need --tls-legacy")                                                                     \
    X(41, "no_certificate", "it wants a client certificate")                                       \
    X(42, "bad_certificate", "it found the client certificate bad, or wants one")                  \
    X(43, "unsupported_certificate", "it does not support the client certificate's kind")          \
    X(44, "certificate_revoked", "the client certificate was revoked")                             \
    X(45, "certificate_expired", "the client certificate has expired")                             \
    X(46, "certificate_unknown", "it could not accept the client certificate")                     \
    X(47, "illegal_parameter", "a field of the handshake was out of range")                        \
    X(48, "unknown_ca", "it does not know the CA of the client certificate")                       \
    X(49, "access_denied", "the client certificate does not give access")                          \
    X(50, "decode_error", "it could not decode a message")                                         \
    X(51, "decrypt_error", "a signature or a Finished did not match")                              \
    X(60, "export_restriction", "export rules forbid what was agreed")                             \
    X(70, "protocol_version",                                                                      \
      "it wants another TLS version, most likely 1.3, which needs a haul with OpenSSL and no "     \
      "--tls-backend bearssl; 1.0 and 1.1 need --tls-legacy")                                      \
    X(71, "insufficient_security", "it wants stronger cipher suites than haul offered")            \
    X(80, "internal_error", "it failed for a reason of its own")                                   \
    X(86, "inappropriate_fallback", "it took the connection for a forced downgrade")               \
    X(90, "user_canceled", "it gave the handshake up")                                             \
    X(100, "no_renegotiation", "it does not renegotiate")                                          \
    X(109, "missing_extension", "it misses an extension in the ClientHello")                       \
    X(110, "unsupported_extension", "it got an extension that it did not ask for")                 \
    X(111, "certificate_unobtainable", "it could not fetch the client certificate")                \
    X(112, "unrecognized_name", "it has no certificate for this host name")                        \
    X(113, "bad_certificate_status_response", "an OCSP response was bad")                          \
    X(114, "bad_certificate_hash_value", "a certificate's hash did not match")                     \
    X(115, "unknown_psk_identity", "it does not know the pre-shared key")                          \
    X(116, "certificate_required", "it wants a client certificate")                                \
    X(120, "no_application_protocol", "it speaks no http/1.1 here")

static const struct {
    uint8_t number;
    const char *received;
    const char *sent;
    const char *unnamed; /* received for want of a client certificate */
} alerts[] = {
#define ALERT(number, name, meaning)                                                               \
    {number, "the server sent alert " #number " (" name "): " meaning,                             \
     "haul refused what the server sent, by alert " #number " (" name ")",                         \
     "the server sent alert " #number " (" name "): it asked for a client certificate (--cert), "  \
     "and was shown none"},
    ALERTS(ALERT)
#undef ALERT
};

/* Servers send any of these to a client that has no certificate (RFC 8446, 4.4.2.4, has 116;
 * RFC 5246, 7.4.6, has 40): Go's 42, GnuTLS 50. */
static bool is_about_certificates(uint8_t number)
{
    static const uint8_t numbers[] = {40, 41, 42, 43, 46, 48, 49, 50, 116};

    return memchr(numbers, number, sizeof(numbers)) != NULL;
}

/* What the two alerts to a hello mean depends on what it had; NULL: no more than usually. */
static const char *hello_sentence(const struct tls *tls, uint8_t number)
{
    enum { HANDSHAKE_FAILURE = 40, PROTOCOL_VERSION = 70 };

    if (number == HANDSHAKE_FAILURE && tls->backend->is_wide)
        return "the server sent alert 40 (handshake_failure): it accepts none of the cipher "
               "suites, groups and signature algorithms offered, though OpenSSL's are among them: "
               "an old server may need --tls-legacy (and no --tls-backend openssl)";
    if (number != PROTOCOL_VERSION)
        return NULL;
    if (tls->offer == TLS_OFFERS_BOTH)
        return "the server sent alert 70 (protocol_version): it speaks neither TLS 1.3 nor 1.2; "
               "1.0 and 1.1 need --tls-legacy (and no --tls-backend openssl)";
    if (tls->offer == TLS_OFFERS_13)
        return "the server sent alert 70 (protocol_version): it does not speak TLS 1.3, and no "
               "earlier version was allowed";
    if (tls->offer == TLS_OFFERS_12)
        return "the server sent alert 70 (protocol_version): it does not speak TLS 1.2, and no "
               "later version was allowed; 1.0 and 1.1 need --tls-legacy";
    return NULL;
}

const char *tls_alert_sentence(const struct tls *tls, enum tls_error direction, uint8_t number)
{
    const char *exact = direction == TLS_ALERT ? hello_sentence(tls, number) : NULL;
    bool is_unnamed = tls->was_asked_who && !tls->has_certificate && is_about_certificates(number);

    for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
        if (alerts[i].number != number)
            continue;
        if (direction != TLS_ALERT)
            return alerts[i].sent;
        return is_unnamed ? alerts[i].unnamed : exact ? exact : alerts[i].received;
    }
    return tls_sentence(direction);
}
