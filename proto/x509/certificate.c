/* An X.509 certificate, read from front to back as RFC 5280, 4.1 writes it down.
 *
 * The parser says what is written, not whether that is good; but what two readers could understand
 * differently (an extension that comes twice, two signature algorithms) it does not accept. */

#include "proto/x509/certificate.h"
#include "proto/x509/der.h"

enum {
    EXTENSIONS_MAX = 64,
    SERIAL_BYTES_MAX = 128, /* RFC 5280 says 20; certificates with more are in use */
    LABEL_BYTES_MAX = 63,   /* of a DNS name (RFC 1035, 2.3.4) */
};

#define OID(literal)                                                                               \
    {                                                                                              \
        .bytes = (literal), .length = sizeof(literal) - 1                                          \
    }

static const struct span oid_any_purpose = OID("\x55\x1d\x25\x00");
static const struct span oid_server_auth = OID("\x2b\x06\x01\x05\x05\x07\x03\x01");

/* --- names and times -------------------------------------------------------------------------- */

/* A Name: a sequence of sets, none of them empty. ret_name is the whole of it. */
static bool name_take(struct span *rest, struct span *ret_name)
{
    struct der_element name;
    struct span part;

    if (!der_is_next(*rest, DER_SEQUENCE) || !der_next(rest, &name))
        return false;
    while (name.content.length > 0)
        if (!der_take(&name.content, DER_SET, &part) || part.length == 0)
            return false;
    *ret_name = name.whole;
    return true;
}

static bool validity_take(struct span *rest, struct certificate *certificate)
{
    struct span validity;

    return der_take(rest, DER_SEQUENCE, &validity) &&
           der_take_time(&validity, &certificate->not_before_s) &&
           der_take_time(&validity, &certificate->not_after_s) && validity.length == 0;
}

/* --- keys ------------------------------------------------------------------------------------- */

static const struct span oid_rsa_key = OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
static const struct span oid_rsa_pss = OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a");
static const struct span oid_ed25519 = OID("\x2b\x65\x70");
static const struct span oid_ed448 = OID("\x2b\x65\x71");
static const struct span oid_ec_key = OID("\x2a\x86\x48\xce\x3d\x02\x01");

static const struct curve {
    struct span oid;
    enum certificate_curve curve;
    size_t point_bytes;
} curves[] = {
    {OID("\x2a\x86\x48\xce\x3d\x03\x01\x07"), CERTIFICATE_CURVE_P256, 1 + 2 * 32},
    {OID("\x2b\x81\x04\x00\x22"), CERTIFICATE_CURVE_P384, 1 + 2 * 48},
    {OID("\x2b\x81\x04\x00\x23"), CERTIFICATE_CURVE_P521, 1 + 2 * 66},
};

static unsigned bit_length(struct span magnitude)
{
    unsigned bits = (unsigned)magnitude.length * 8;

    for (uint8_t first = (uint8_t)magnitude.bytes[0]; first < 0x80; first = (uint8_t)(first << 1))
        bits--;
    return bits;
}

/* An exponent that is even or 1 would make every signature good. */
static bool is_rsa_exponent(struct span exponent)
{
    if (exponent.length == 0 || (exponent.bytes[exponent.length - 1] & 1) == 0)
        return false;
    return exponent.length > 1 || exponent.bytes[0] != 1;
}

static bool rsa_key_read(struct span bits, struct certificate_key *key)
{
    struct span sequence;

    if (!der_only(bits, DER_SEQUENCE, &sequence) || !der_take_unsigned(&sequence, &key->modulus) ||
        !der_take_unsigned(&sequence, &key->exponent) || sequence.length != 0)
        return false;
    if (key->modulus.length == 0 || !is_rsa_exponent(key->exponent))
        return false;
    key->kind = CERTIFICATE_KEY_RSA;
    key->modulus_bits = bit_length(key->modulus);
    return true;
}

/* A curve or a form of the point that is not known leaves the key's kind OTHER. */
static void ec_key_read(struct span parameters, struct span bits, struct certificate_key *key)
{
    struct span oid;

    if (!der_only(parameters, DER_OID, &oid))
        return;
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        if (span_equal(oid, curves[i].oid) && bits.length == curves[i].point_bytes &&
            bits.bytes[0] == 0x04) {
            key->kind = CERTIFICATE_KEY_EC;
            key->curve = curves[i].curve;
            key->point = bits;
        }
    }
}

/* RFC 8410, 4: without parameters, and the point is as long as the curve has it. */
static bool ed_key_read(struct span parameters, struct span bits, enum certificate_key_kind kind,
                        struct certificate_key *key)
{
    if (parameters.length != 0 || bits.length != (kind == CERTIFICATE_KEY_ED25519 ? 32 : 57))
        return false;
    key->kind = kind;
    key->point = bits;
    return true;
}

static bool is_null_or_absent(struct span parameters)
{
    struct span content;

    return parameters.length == 0 ||
           (der_only(parameters, DER_NULL, &content) && content.length == 0);
}

static bool public_key_take(struct span *rest, struct certificate *certificate)
{
    struct certificate_key *key = &certificate->key;
    struct der_element whole;
    struct span algorithm, oid, bits;
    unsigned unused;

    if (!der_is_next(*rest, DER_SEQUENCE) || !der_next(rest, &whole))
        return false;
    certificate->public_key = whole.whole;
    if (!der_take(&whole.content, DER_SEQUENCE, &algorithm) ||
        !der_take(&algorithm, DER_OID, &oid) || !der_take_bits(&whole.content, &bits, &unused) ||
        unused != 0 || whole.content.length != 0)
        return false;
    if (span_equal(oid, oid_rsa_key))
        return is_null_or_absent(algorithm) && rsa_key_read(bits, key);
    if (span_equal(oid, oid_rsa_pss)) {
        if (!rsa_key_read(bits, key))
            return false;
        key->kind = CERTIFICATE_KEY_RSA_PSS;
    }
    if (span_equal(oid, oid_ed25519))
        return ed_key_read(algorithm, bits, CERTIFICATE_KEY_ED25519, key);
    if (span_equal(oid, oid_ed448))
        return ed_key_read(algorithm, bits, CERTIFICATE_KEY_ED448, key);
    if (span_equal(oid, oid_ec_key))
        ec_key_read(algorithm, bits, key);
    return true;
}

/* --- signature algorithms --------------------------------------------------------------------- */

static const struct algorithm {
    struct span oid;
    enum certificate_scheme scheme;
    enum certificate_hash hash;
} algorithms[] = {
    {OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), CERTIFICATE_SCHEME_RSA_PKCS1,
     CERTIFICATE_HASH_SHA256},
    {OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"), CERTIFICATE_SCHEME_RSA_PKCS1,
     CERTIFICATE_HASH_SHA384},
    {OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"), CERTIFICATE_SCHEME_RSA_PKCS1,
     CERTIFICATE_HASH_SHA512},
    {OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"), CERTIFICATE_SCHEME_RSA_PKCS1,
     CERTIFICATE_HASH_SHA1},
    {OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04"), CERTIFICATE_SCHEME_RSA_PKCS1,
     CERTIFICATE_HASH_MD5},
    {OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02"), CERTIFICATE_SCHEME_RSA_PKCS1,
     CERTIFICATE_HASH_MD5},
    {OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"), CERTIFICATE_SCHEME_RSA_PSS,
     CERTIFICATE_HASH_SHA256},
    {OID("\x2a\x86\x48\xce\x3d\x04\x03\x02"), CERTIFICATE_SCHEME_ECDSA, CERTIFICATE_HASH_SHA256},
    {OID("\x2a\x86\x48\xce\x3d\x04\x03\x03"), CERTIFICATE_SCHEME_ECDSA, CERTIFICATE_HASH_SHA384},
    {OID("\x2a\x86\x48\xce\x3d\x04\x03\x04"), CERTIFICATE_SCHEME_ECDSA, CERTIFICATE_HASH_SHA512},
    {OID("\x2a\x86\x48\xce\x3d\x04\x01"), CERTIFICATE_SCHEME_ECDSA, CERTIFICATE_HASH_SHA1},
    {OID("\x2b\x65\x70"), CERTIFICATE_SCHEME_ED25519, CERTIFICATE_HASH_SHA512},
    {OID("\x2b\x65\x71"), CERTIFICATE_SCHEME_ED448, CERTIFICATE_HASH_SHA512},
};

static const struct {
    struct span oid;
    enum certificate_hash hash;
} pss_hashes[] = {
    {OID("\x60\x86\x48\x01\x65\x03\x04\x02\x01"), CERTIFICATE_HASH_SHA256},
    {OID("\x60\x86\x48\x01\x65\x03\x04\x02\x02"), CERTIFICATE_HASH_SHA384},
    {OID("\x60\x86\x48\x01\x65\x03\x04\x02\x03"), CERTIFICATE_HASH_SHA512},
};

static const struct span oid_mgf1 = OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08");

/* algorithm: the content of a hash's AlgorithmIdentifier. */
static bool pss_hash_read(struct span algorithm, enum certificate_hash *ret_hash)
{
    struct span oid;

    if (!der_take(&algorithm, DER_OID, &oid) || !is_null_or_absent(algorithm))
        return false;
    for (size_t i = 0; i < sizeof(pss_hashes) / sizeof(pss_hashes[0]); i++) {
        if (!span_equal(oid, pss_hashes[i].oid))
            continue;
        *ret_hash = pss_hashes[i].hash;
        return true;
    }
    return false;
}

/* RFC 4055, 3.1. What is left out stands for SHA-1, which is not listed. */
static bool pss_read(struct span parameters, struct certificate_signature *signature)
{
    struct span sequence, wrapped, part, oid, salt;
    enum certificate_hash mask_hash;

    if (!der_only(parameters, DER_SEQUENCE, &sequence) ||
        !der_take(&sequence, DER_CONTEXT_OF(0), &wrapped) ||
        !der_only(wrapped, DER_SEQUENCE, &part) || !pss_hash_read(part, &signature->hash))
        return false;
    if (!der_take(&sequence, DER_CONTEXT_OF(1), &wrapped) ||
        !der_only(wrapped, DER_SEQUENCE, &part) || !der_take(&part, DER_OID, &oid) ||
        !span_equal(oid, oid_mgf1) || !der_only(part, DER_SEQUENCE, &part) ||
        !pss_hash_read(part, &mask_hash) || mask_hash != signature->hash)
        return false;
    if (!der_take(&sequence, DER_CONTEXT_OF(2), &wrapped) || !der_take_unsigned(&wrapped, &salt) ||
        wrapped.length != 0 || salt.length > 1 || sequence.length != 0)
        return false;
    signature->salt_bytes = salt.length == 0 ? 0 : (uint8_t)salt.bytes[0];
    return true;
}

/* algorithm: the content of an AlgorithmIdentifier. */
static bool algorithm_read(struct span algorithm, struct certificate_signature *signature)
{
    struct span oid;

    if (!der_take(&algorithm, DER_OID, &oid))
        return false;
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (!span_equal(oid, algorithms[i].oid))
            continue;
        signature->scheme = algorithms[i].scheme;
        signature->hash = algorithms[i].hash;
        if (signature->scheme == CERTIFICATE_SCHEME_RSA_PKCS1)
            return is_null_or_absent(algorithm);
        if (signature->scheme != CERTIFICATE_SCHEME_RSA_PSS)
            return algorithm.length == 0;
        if (!pss_read(algorithm, signature))
            signature->salt_bytes = CERTIFICATE_SALT_NONE;
        return true;
    }
    return true;
}

/* --- extensions ------------------------------------------------------------------------------- */

static bool basic_constraints_read(struct span value, struct certificate *certificate)
{
    struct span constraints, length;

    if (!der_only(value, DER_SEQUENCE, &constraints))
        return false;
    if (der_is_next(constraints, DER_BOOLEAN) &&
        !der_take_boolean(&constraints, &certificate->is_ca))
        return false;
    if (constraints.length == 0)
        return true;
    if (!der_take_unsigned(&constraints, &length) || constraints.length != 0)
        return false;
    /* a limit that needs more than a byte limits nothing: no path is that long */
    if (length.length <= 1)
        certificate->path_length_max = length.length == 0 ? 0 : (uint8_t)length.bytes[0];
    return true;
}

static bool key_usage_read(struct span value, struct certificate *certificate)
{
    struct span bits;
    unsigned unused;

    if (!der_take_bits(&value, &bits, &unused) || value.length != 0)
        return false;
    certificate->key_usage = bits.length == 0 ? 0 : (uint8_t)bits.bytes[0];
    return true;
}

static bool purposes_read(struct span value, struct certificate *certificate)
{
    struct span purposes, oid;

    if (!der_only(value, DER_SEQUENCE, &purposes) || purposes.length == 0)
        return false;
    certificate->purposes = 0;
    while (purposes.length > 0) {
        if (!der_take(&purposes, DER_OID, &oid))
            return false;
        if (span_equal(oid, oid_server_auth))
            certificate->purposes |= CERTIFICATE_SERVER_AUTH;
        if (span_equal(oid, oid_any_purpose))
            certificate->purposes |= CERTIFICATE_ANY_PURPOSE;
    }
    return true;
}

/* A GeneralName: [0] to [8], of which four have elements inside. */
static bool is_general_name(uint8_t tag)
{
    unsigned constructed = 1U << 0 | 1U << 3 | 1U << 4 | 1U << 5, number = tag & 0x1f;

    return (tag & 0xc0) == 0x80 && number <= 8 && (constructed >> number & 1) == (tag >> 5 & 1);
}

static void name_note(const struct der_element *name, struct certificate *certificate)
{
    if (name->tag == CERTIFICATE_NAME_DNS && name->content.length > CERTIFICATE_DNS_BYTES_MAX)
        certificate->has_long_name = true;
}

static bool alt_names_read(struct span value, struct certificate *certificate)
{
    struct der_element name;
    struct span rest;

    if (!der_only(value, DER_SEQUENCE, &certificate->alt_names))
        return false;
    rest = certificate->alt_names;
    while (rest.length > 0) {
        if (!der_next(&rest, &name) || !is_general_name(name.tag))
            return false;
        name_note(&name, certificate);
    }
    return true;
}

/* Takes the next label of a host name, and the dot behind it, of which one must follow in turn. */
static bool label_take(struct span *rest, bool *ret_is_number)
{
    size_t length = 0;

    *ret_is_number = true;
    for (; length < rest->length && rest->bytes[length] != '.'; length++) {
        char byte = ascii_lower(rest->bytes[length]);

        if (!ascii_is_digit(byte) && (byte < 'a' || byte > 'z') && byte != '-' && byte != '_')
            return false;
        *ret_is_number &= ascii_is_digit(byte);
    }
    if (length == 0 || length > LABEL_BYTES_MAX || length + 1 == rest->length)
        return false;
    if (length < rest->length)
        length++;
    *rest = (struct span){rest->bytes + length, rest->length - length};
    return true;
}

bool certificate_is_host_suffix(struct span base)
{
    bool is_number = false;

    if (base.length > 1 && base.bytes[0] == '.')
        base = (struct span){base.bytes + 1, base.length - 1};
    while (base.length > 0)
        if (!label_take(&base, &is_number))
            return false;
    return !is_number;
}

/* mask: the second half of an address constraint. */
static bool is_contiguous(struct span mask)
{
    bool has_ended = false;

    for (size_t i = 0; i < mask.length; i++) {
        uint8_t zeros = (uint8_t) ~(uint8_t)mask.bytes[i];

        if ((zeros & (zeros + 1)) != 0 || (has_ended && zeros != 0xff))
            return false;
        has_ended |= zeros != 0;
    }
    return true;
}

static void base_note(const struct der_element *base, bool is_excluded,
                      struct certificate *certificate)
{
    size_t half = base->content.length / 2;

    name_note(base, certificate);
    if (base->tag == CERTIFICATE_NAME_DNS && is_excluded &&
        !certificate_is_host_suffix(base->content))
        certificate->has_odd_exclusion = true;
    if (base->tag == CERTIFICATE_NAME_ADDRESS &&
        !is_contiguous((struct span){base->content.bytes + half, half}))
        certificate->has_odd_mask = true;
}

/* The base of a subtree: a GeneralName, but an address has its mask behind it. */
static bool is_base(const struct der_element *base)
{
    return is_general_name(base->tag) &&
           (base->tag != CERTIFICATE_NAME_ADDRESS || base->content.length == 2 * 4 ||
            base->content.length == 2 * 16);
}

/* Takes GeneralSubtrees where they come next. minimum and maximum must be left out (RFC 5280,
 * 4.2.1.10). */
static bool subtrees_take(struct span *rest, bool is_excluded, struct certificate *certificate)
{
    uint8_t tag = is_excluded ? DER_CONTEXT_OF(1) : DER_CONTEXT_OF(0);
    struct span subtrees, subtree;
    struct der_element base;

    if (!der_is_next(*rest, tag))
        return true;
    if (!der_take(rest, tag, &subtrees) || subtrees.length == 0)
        return false;
    *(is_excluded ? &certificate->excluded_names : &certificate->permitted_names) = subtrees;
    while (subtrees.length > 0) {
        if (!der_take(&subtrees, DER_SEQUENCE, &subtree) || !der_next(&subtree, &base) ||
            !is_base(&base) || subtree.length != 0)
            return false;
        base_note(&base, is_excluded, certificate);
    }
    return true;
}

static bool name_constraints_read(struct span value, struct certificate *certificate)
{
    struct span constraints;

    return der_only(value, DER_SEQUENCE, &constraints) && constraints.length > 0 &&
           subtrees_take(&constraints, false, certificate) &&
           subtrees_take(&constraints, true, certificate) && constraints.length == 0;
}

static bool subject_key_id_read(struct span value, struct certificate *certificate)
{
    return der_only(value, DER_OCTET_STRING, &certificate->subject_key_id);
}

/* Only its keyIdentifier; issuer and serial number are hints that nobody needs. */
static bool authority_key_id_read(struct span value, struct certificate *certificate)
{
    struct span identifiers;

    return der_only(value, DER_SEQUENCE, &identifiers) &&
           (!der_is_next(identifiers, DER_CONTEXT(0)) ||
            der_take(&identifiers, DER_CONTEXT(0), &certificate->authority_key_id));
}

static bool policies_read(struct span value, struct certificate *certificate)
{
    (void)certificate;
    return der_only(value, DER_SEQUENCE, &value);
}

static const struct extension {
    struct span oid;
    bool (*read)(struct span value, struct certificate *certificate);
} extensions[] = {
    {OID("\x55\x1d\x0e"), subject_key_id_read},   {OID("\x55\x1d\x0f"), key_usage_read},
    {OID("\x55\x1d\x11"), alt_names_read},        {OID("\x55\x1d\x13"), basic_constraints_read},
    {OID("\x55\x1d\x1e"), name_constraints_read}, {OID("\x55\x1d\x20"), policies_read},
    {OID("\x55\x1d\x23"), authority_key_id_read}, {OID("\x55\x1d\x25"), purposes_read},
};

static bool extension_take(struct span *rest, struct span *ret_oid, bool *ret_is_critical,
                           struct span *ret_value)
{
    struct span extension;

    *ret_is_critical = false;
    return der_take(rest, DER_SEQUENCE, &extension) && der_take(&extension, DER_OID, ret_oid) &&
           (!der_is_next(extension, DER_BOOLEAN) ||
            der_take_boolean(&extension, ret_is_critical)) &&
           der_take(&extension, DER_OCTET_STRING, ret_value) && extension.length == 0;
}

static bool extension_read(struct span oid, bool is_critical, struct span value,
                           struct certificate *certificate)
{
    for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
        if (span_equal(oid, extensions[i].oid))
            return extensions[i].read(value, certificate);
    if (is_critical)
        certificate->has_unknown_critical = true;
    return true;
}

static bool extensions_read(struct span wrapped, struct certificate *certificate)
{
    struct span seen[EXTENSIONS_MAX];
    struct span rest, oid, value;
    bool is_critical;

    if (!der_only(wrapped, DER_SEQUENCE, &rest) || rest.length == 0)
        return false;
    for (size_t count = 0; rest.length > 0; count++) {
        if (count == EXTENSIONS_MAX || !extension_take(&rest, &oid, &is_critical, &value))
            return false;
        for (size_t i = 0; i < count; i++)
            if (span_equal(seen[i], oid))
                return false;
        seen[count] = oid;
        if (!extension_read(oid, is_critical, value, certificate))
            return false;
    }
    return true;
}

/* --- the certificate -------------------------------------------------------------------------- */

static bool version_take(struct span *rest, struct certificate *certificate)
{
    struct span wrapped, number;

    certificate->version = 1;
    if (!der_is_next(*rest, DER_CONTEXT_OF(0)))
        return true;
    if (!der_take(rest, DER_CONTEXT_OF(0), &wrapped) || !der_take_unsigned(&wrapped, &number) ||
        wrapped.length != 0 || number.length != 1 || number.bytes[0] > 2)
        return false;
    certificate->version = (uint8_t)(number.bytes[0] + 1);
    return true;
}

/* The unique identifiers of version 2, which nobody uses, and the extensions of version 3. */
static bool tail_read(struct span rest, struct certificate *certificate)
{
    struct span content;

    for (uint8_t n = 1; n <= 2; n++)
        if (certificate->version >= 2 && der_is_next(rest, DER_CONTEXT(n)) &&
            !der_take(&rest, DER_CONTEXT(n), &content))
            return false;
    if (certificate->version == 3 && der_is_next(rest, DER_CONTEXT_OF(3)))
        return der_take(&rest, DER_CONTEXT_OF(3), &content) && rest.length == 0 &&
               extensions_read(content, certificate);
    return rest.length == 0;
}

/* ret_algorithm: the content of the inner AlgorithmIdentifier. */
static bool tbs_read(struct span rest, struct certificate *certificate, struct span *ret_algorithm)
{
    struct span serial;

    return version_take(&rest, certificate) && der_take(&rest, DER_INTEGER, &serial) &&
           serial.length > 0 && serial.length <= SERIAL_BYTES_MAX &&
           der_take(&rest, DER_SEQUENCE, ret_algorithm) && name_take(&rest, &certificate->issuer) &&
           validity_take(&rest, certificate) && name_take(&rest, &certificate->subject) &&
           public_key_take(&rest, certificate) && tail_read(rest, certificate);
}

bool certificate_parse(struct span der, struct certificate *ret_certificate)
{
    struct span content, inner, outer;
    struct der_element tbs;
    unsigned unused;

    *ret_certificate = (struct certificate){
        .der = der,
        .path_length_max = CERTIFICATE_PATH_LENGTH_NONE,
        .key_usage = CERTIFICATE_KEY_USAGE_ANY,
        .purposes = CERTIFICATE_PURPOSES_ALL,
    };
    if (!der_only(der, DER_SEQUENCE, &content) || !der_is_next(content, DER_SEQUENCE) ||
        !der_next(&content, &tbs) || !der_take(&content, DER_SEQUENCE, &outer) ||
        !der_take_bits(&content, &ret_certificate->signature.value, &unused) || unused != 0 ||
        content.length != 0)
        return false;
    ret_certificate->signature.tbs = tbs.whole;
    if (!tbs_read(tbs.content, ret_certificate, &inner) || !span_equal(inner, outer) ||
        !algorithm_read(outer, &ret_certificate->signature))
        return false;
    ret_certificate->subject_hash = name_hash(ret_certificate->subject);
    ret_certificate->issuer_hash = name_hash(ret_certificate->issuer);
    return true;
}
