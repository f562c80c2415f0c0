#ifndef PROTO_X509_VERIFY_H
#define PROTO_X509_VERIFY_H

/* A server's certificates to a verdict: searches a path from the first of them to an anchor
 * (unordered, superfluous and cross-signed certificates are all welcome) and applies the rules of
 * RFC 5280, RFC 9525 and the web to it. Fails closed, and says which certificate and which rule.
 * Time is passed in, and so is the arithmetic of a signature: nothing here knows a TLS library.
 *
 * The rules, of every certificate in the path, the anchor included: dates, keyUsage, extended key
 * usage, no unknown critical extension, no DNS name over 253 bytes, RSA keys of 2048 to 4096 bits
 * (exponents of at most 64) or EC keys on P-256, P-384 or P-521; where the policy is wide, Ed25519
 * and Ed448 too, and RSA-PSS. Of every issuer: cA, path length,
 * name constraints (dNSName, iPAddress and directoryName; another form that applies is refused).
 * Issuers and directory names are compared as RFC 5280, 7.1 asks: see name.h.
 * What excludes in a form that can match nothing as it is written is refused; what permits in such
 * a form permits nothing; a dot before an excluded name does not spare the name itself. An anchor
 * of version 1 that is its own issuer counts as a CA; an anchor's own signature is not looked at.
 * Of the server's certificate: a subjectAltName for the host. An extended key usage that is present
 * must list serverAuth; above the server's, anyExtendedKeyUsage will do. Revocation and policies
 * are not looked at.
 *
 * What a verdict costs is bounded, whatever was sent: see VERIFY_WORK_MAX. */

#include "proto/x509/certificate.h"
#include "proto/x509/trust.h"

/* Every verdict once, with its sentence: it speaks of the certificate that the result names. */
#define VERIFY_VERDICTS(X)                                                                         \
    X(OK, "the certificate is trusted")                                                            \
    /* the message */                                                                              \
    X(NO_CERTIFICATE, "the server sent no certificate")                                            \
    X(TOO_MANY, "the server sent more than 48 certificates")                                       \
    X(TOO_LARGE, "the server's certificates are larger than 64 KiB")                               \
    X(MALFORMED, "the certificate is not well-formed (RFC 5280)")                                  \
    /* the host */                                                                                 \
    X(NO_NAMES, "the certificate has no subjectAltName (a common name does not count)")            \
    X(HOST, "the certificate is not for this host: no subjectAltName matches")                     \
    /* one certificate */                                                                          \
    X(NOT_YET_VALID, "the certificate is not valid yet")                                           \
    X(EXPIRED, "the certificate has expired")                                                      \
    X(CRITICAL_EXTENSION, "the certificate has a critical extension that haul cannot honour")      \
    X(KEY_USAGE, "the certificate's keyUsage does not allow what its key is used for "             \
                 "(digitalSignature for a server, keyCertSign for a CA)")                          \
    X(PURPOSE, "the certificate's extended key usage does not allow serverAuth")                   \
    X(KEY_KIND, "the certificate's key is neither RSA of at most 4096 bits nor EC on P-256, "      \
                "P-384 or P-521, nor, with --tls-backend openssl, Ed25519 or Ed448")               \
    X(KEY_EXPONENT, "the certificate's RSA key has an exponent of more than 64 bits")              \
    X(KEY_SHORT, "the certificate's RSA key is too short (2048 bits are asked for, 1024 with "     \
                 "--tls-legacy)")                                                                  \
    /* its signature */                                                                            \
    X(SIGNATURE_MD5, "the certificate is signed with MD5")                                         \
    X(SIGNATURE_SHA1, "the certificate is signed with SHA-1 (--tls-legacy allows it)")             \
    X(SIGNATURE_PSS, "the certificate is signed with RSA-PSS, which haul cannot check (with "      \
                     "--tls-backend openssl it can, unless its parameters are unusual)")           \
    X(SIGNATURE_KIND, "the certificate is signed with an algorithm that haul does not know")       \
    X(SIGNATURE, "the certificate's signature is not its issuer's")                                \
    /* the path */                                                                                 \
    X(SELF_SIGNED, "the certificate is self-signed and not in the trust store")                    \
    X(ROOT, "the certificate is a root that is not in the trust store")                            \
    X(ISSUER, "the certificate's issuer was not sent and is not in the trust store")               \
    X(NOT_CA, "the certificate signed another and is no CA (basicConstraints)")                    \
    X(PATH_LENGTH, "the certificate's pathLenConstraint allows fewer CAs below it")                \
    X(NAME_CONSTRAINT, "the certificate has a name that a CA above it may not vouch for "          \
                       "(nameConstraints)")                                                        \
    X(NAME_FORM, "the certificate has a name of a form that a CA above it constrains and haul "    \
                 "cannot check (nameConstraints)")                                                 \
    X(NAME_LONG, "the certificate has a DNS name, or a constraint on them, longer than 253 bytes") \
    X(NAME_EXCLUSION, "the certificate excludes DNS names by what no host name ends in, as a "     \
                      "wildcard or a final dot (nameConstraints)")                                 \
    X(NAME_MASK, "the certificate constrains addresses by a mask with gaps (nameConstraints)")     \
    X(WORK, "the certificates take too much work to check: their paths, their names under "        \
            "constraints, or their keys' signatures")

enum verify_verdict {
#define VERIFY_VERDICT_ENUM(name, sentence) VERIFY_##name,
    VERIFY_VERDICTS(VERIFY_VERDICT_ENUM)
#undef VERIFY_VERDICT_ENUM
};

/* The sentence of a verdict: static, never NULL, also for a value outside the enum. */
const char *verify_sentence(enum verify_verdict verdict);

enum {
    VERIFY_CHAIN_MAX = 48,            /* certificates taken from a server */
    VERIFY_CHAIN_BYTES_MAX = 1 << 16, /* of all of them */
    /* What one verdict may cost; beyond it is WORK. A unit is about a nanosecond where one check of
     * a signature takes 1.3 ms on P-256, 6.5 ms on P-384, 12 ms on P-521 and 1.2 ms for RSA of 4096
     * bits; signatures that are wrong, names under constraints and steps of the search count for
     * several times what they take. */
    VERIFY_WORK_MAX = 80000000,
    VERIFY_REFUSAL_S = 10,
};

struct verify_policy {
    struct span host; /* a name in any case, with or without its final dot, or an IP literal without
                         brackets; which of both it is, is found out here. A zone (%eth0) is passed
                         over: it says where the address is reached from, not whose it is */
    int64_t now_s;    /* seconds since 1970, UTC */
    bool is_legacy;   /* SHA-1, RSA keys from 1024 bits, keyEncipherment alone: accepted */
    bool is_wide;     /* Ed25519, Ed448 and RSA-PSS too: there is arithmetic for them */
};

/* Is signature the work of this key? Only RSA PKCS#1 under RSA keys and ECDSA under EC keys come
 * here, never with MD5, and SHA-1 only where the policy is legacy; where it is wide, RSA-PSS under
 * either kind of RSA keys, and Ed25519 and Ed448 under theirs. */
typedef bool verify_signature_fn(void *context, const struct certificate_signature *signature,
                                 const struct certificate_key *issuer_key);

/* What a result's certificate is where the anchor is meant. */
#define VERIFY_ANCHOR SIZE_MAX

struct verify_result {
    enum verify_verdict verdict;
    size_t certificate; /* which one of those sent the verdict is about, from 0, or VERIFY_ANCHOR */
    uint64_t work;      /* what it cost, VERIFY_WORK_MAX at most */
    /* How long it may be remembered, both inclusive: on success, the path's last notBefore and its
     * first notAfter; of a refusal, from now on for VERIFY_REFUSAL_S. */
    int64_t not_before_s;
    int64_t not_after_s;
    /* on success */
    struct certificate_key key; /* the server's; its spans lie in chain[0] */
    struct span public_key;     /* the server's whole SubjectPublicKeyInfo, for a pin */
};

/* What the check of a signature counts as work, if it is good. */
uint64_t verify_signature_work(const struct certificate_signature *signature,
                               const struct certificate_key *issuer_key);

/* chain: the DER certificates as the server sent them, its own first. context is handed to
 * check_signature. */
void verify_chain(const struct span *chain, size_t count, const struct trust *trust,
                  const struct verify_policy *policy, verify_signature_fn *check_signature,
                  void *context, struct verify_result *ret_result);

/* --- a cache of verdicts -------------------------------------------------------------------------
 *
 * Remembers verdicts by a key of the caller's: a SHA-256 over chain, host (in lower case, without
 * its final dot) and is_legacy, for one trust store and one arithmetic. Refusals are remembered for
 * a short while, so that a server that is asked again and again costs its work once. Bounded: a new
 * entry takes an old one's place, but a refusal never a success's. Not for several threads at once.
 */

enum { VERIFY_KEY_BYTES = 32 };

struct verify_cache;

/* For at least count verdicts (0 is taken as 1). NULL: no memory. */
struct verify_cache *verify_cache_open(size_t count);

/* cache may be NULL. */
void verify_cache_close(struct verify_cache *cache);

/* Was a result added for this key that holds at now_s? Then *ret_result has its verdict, its
 * certificate and its two dates, and nothing else. */
bool verify_cache_has(const struct verify_cache *cache, const unsigned char key[VERIFY_KEY_BYTES],
                      int64_t now_s, struct verify_result *ret_result);

/* Adds a result, which holds from the one of its dates to the other. */
void verify_cache_add(struct verify_cache *cache, const unsigned char key[VERIFY_KEY_BYTES],
                      const struct verify_result *result);

#endif
