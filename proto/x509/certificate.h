#ifndef PROTO_X509_CERTIFICATE_H
#define PROTO_X509_CERTIFICATE_H

/* An X.509 certificate (RFC 5280), cut into the facts that a verdict needs. Nothing is copied:
 * every span lies inside the DER that was parsed. Facts only: no rule is applied here. */

#include "proto/span.h"
#include "proto/x509/name.h"

#include <stdbool.h>
#include <stdint.h>

enum certificate_key_kind {
    CERTIFICATE_KEY_OTHER, /* of a kind, curve or form that is not listed here */
    CERTIFICATE_KEY_RSA,
    CERTIFICATE_KEY_RSA_PSS, /* the same key, for signatures by RSA-PSS only */
    CERTIFICATE_KEY_EC,
    CERTIFICATE_KEY_ED25519,
    CERTIFICATE_KEY_ED448,
};

/* A curve's number in TLS (RFC 8422, 5.1.1). */
enum certificate_curve {
    CERTIFICATE_CURVE_P256 = 23,
    CERTIFICATE_CURVE_P384 = 24,
    CERTIFICATE_CURVE_P521 = 25,
};

struct certificate_key {
    enum certificate_key_kind kind;
    /* RSA: both without leading zero bytes; the exponent is odd and at least 3 */
    struct span modulus;
    struct span exponent;
    unsigned modulus_bits;
    /* EC: an uncompressed point (0x04, X, Y) of the curve's length; whether it lies on the curve is
     * not known */
    enum certificate_curve curve;
    struct span point; /* of Ed25519 and Ed448 too: 32 and 57 bytes, as they were sent */
};

enum certificate_hash {
    CERTIFICATE_HASH_MD5, /* and MD2: named only to be refused */
    CERTIFICATE_HASH_SHA1,
    CERTIFICATE_HASH_SHA256,
    CERTIFICATE_HASH_SHA384,
    CERTIFICATE_HASH_SHA512,
};

enum certificate_scheme {
    CERTIFICATE_SCHEME_OTHER, /* the hash is not known */
    CERTIFICATE_SCHEME_RSA_PKCS1,
    CERTIFICATE_SCHEME_RSA_PSS,
    CERTIFICATE_SCHEME_ECDSA,
    CERTIFICATE_SCHEME_ED25519, /* both without a hash before them */
    CERTIFICATE_SCHEME_ED448,
};

/* Of RSA-PSS, whose hash is not known: the parameters are malformed, or with two different hashes,
 * or with one that is not listed, or another function to make a mask than MGF1. */
enum { CERTIFICATE_SALT_NONE = -1 };

struct certificate_signature {
    enum certificate_scheme scheme;
    enum certificate_hash hash;
    int salt_bytes;    /* of RSA-PSS */
    struct span tbs;   /* the bytes that are signed: the whole TBSCertificate */
    struct span value; /* RSA: the block; ECDSA: a SEQUENCE of r and s */
};

/* Bits of certificate.key_usage (RFC 5280, 4.2.1.3). */
enum {
    CERTIFICATE_DIGITAL_SIGNATURE = 0x80,
    CERTIFICATE_KEY_ENCIPHERMENT = 0x20,
    CERTIFICATE_KEY_CERT_SIGN = 0x04,
    CERTIFICATE_KEY_USAGE_ANY = 0xff, /* where the extension is absent */
};

/* Bits of certificate.purposes: what the extended key usage lists. */
enum {
    CERTIFICATE_SERVER_AUTH = 1,
    CERTIFICATE_ANY_PURPOSE = 2, /* anyExtendedKeyUsage, literally */
    CERTIFICATE_PURPOSES_ALL = 4 /* the extension is absent: nothing is restricted */
};

enum { CERTIFICATE_PATH_LENGTH_NONE = -1 };

/* Tags of the GeneralNames that are understood (RFC 5280, 4.2.1.6). */
enum {
    CERTIFICATE_NAME_DNS = 0x82,
    CERTIFICATE_NAME_DIRECTORY = 0xa4, /* inside: a Name */
    CERTIFICATE_NAME_ADDRESS = 0x87,   /* 4 or 16 bytes; in a name constraint with as long a mask */
};

/* Longer than any DNS name is (RFC 1035, 2.3.4: 255 bytes on the wire are 253 in letters). */
enum { CERTIFICATE_DNS_BYTES_MAX = 253 };

struct certificate {
    struct span der;     /* the whole certificate */
    struct span subject; /* the whole DER of the Name; so is issuer */
    struct span issuer;
    uint64_t subject_hash; /* of both, by name_hash() */
    uint64_t issuer_hash;
    struct span public_key; /* the whole DER of the SubjectPublicKeyInfo: what a pin hashes */
    struct certificate_key key;
    struct certificate_signature signature;
    int64_t not_before_s; /* seconds since 1970, both inclusive */
    int64_t not_after_s;
    uint8_t version; /* 1, 2 or 3 */

    /* extensions; a span whose bytes are NULL: absent */
    struct span subject_key_id;
    struct span authority_key_id;
    struct span alt_names;       /* the GeneralNames inside subjectAltName */
    struct span permitted_names; /* the GeneralSubtrees of nameConstraints */
    struct span excluded_names;
    bool is_ca;
    int path_length_max; /* CERTIFICATE_PATH_LENGTH_NONE: no limit */
    uint8_t key_usage;
    uint8_t purposes;
    bool has_unknown_critical; /* a critical extension that is none of basicConstraints, keyUsage,
                                  extKeyUsage, subjectAltName, nameConstraints and
                                  certificatePolicies */
    bool has_long_name;        /* a dNSName, or a constraint on them, over the bound above */
    bool has_odd_exclusion;    /* excludes DNS names by what is no host's suffix, as below */
    bool has_odd_mask;         /* constrains addresses by a mask that is not ones, then zeros */
};

/* false: der is not exactly one well-formed certificate. That includes an extension that comes
 * twice, a signature algorithm that differs inside and outside, and a date that does not exist. */
bool certificate_parse(struct span der, struct certificate *ret_certificate);

/* Can a host name be this, or end in it? Not where a label of it is empty (as before a final dot),
 * over 63 bytes, or has another byte than letters, digits, - and _ (as a wildcard does), nor where
 * the last is all digits, as in an address. One dot before it, and none at all, are in order. */
bool certificate_is_host_suffix(struct span base);

/* Subject and issuer are the same name. */
static inline bool certificate_is_self_issued(const struct certificate *certificate)
{
    return certificate->subject_hash == certificate->issuer_hash &&
           name_equal(certificate->subject, certificate->issuer);
}

#endif
