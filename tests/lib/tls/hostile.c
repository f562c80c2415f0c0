/* A writer of DER, from the inside out: each piece is written behind the last one into one arena,
 * and an element copies what it holds once more. */

#include "tests/lib/tls/hostile.h"
#include "proto/x509/certificate.h"
#include "proto/x509/der.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 64, POINT_BYTES_MAX = 133, RSA_SIGNATURE_BYTES = 512, OVERHEAD = 40 };

static char *arena;
static size_t used;

static char *take(size_t length)
{
    char *bytes;

    if (arena == NULL)
        arena = malloc(HOSTILE_BYTES_MAX);
    if (arena == NULL || length > HOSTILE_BYTES_MAX - used)
        abort();
    bytes = arena + used;
    used += length;
    return bytes;
}

void hostile_free(void)
{
    free(arena);
    arena = NULL;
    used = 0;
}

static struct span join(struct span a, struct span b)
{
    char *bytes = take(a.length + b.length);

    if (a.length > 0)
        memcpy(bytes, a.bytes, a.length);
    if (b.length > 0)
        memcpy(bytes + a.length, b.bytes, b.length);
    return (struct span){bytes, a.length + b.length};
}

static struct span element(uint8_t tag, struct span content)
{
    char head[5] = {(char)tag, (char)content.length};
    size_t length = 2;

    if (content.length > 0xffff) {
        head[1] = (char)0x83;
        head[length++] = (char)(content.length >> 16);
        head[length++] = (char)(content.length >> 8);
        head[length++] = (char)content.length;
    } else if (content.length > 0x7f) {
        head[1] = (char)0x82;
        head[length++] = (char)(content.length >> 8);
        head[length++] = (char)content.length;
        if (content.length <= 0xff) {
            head[1] = (char)0x81;
            head[2] = head[3];
            length--;
        }
    }
    return join((struct span){head, length}, content);
}

/* For what joins too many pieces to copy them each time: room for all of them, and one more. */
static void append(struct span *list, struct span part)
{
    memcpy((char *)(uintptr_t)list->bytes + list->length, part.bytes, part.length);
    list->length += part.length;
}

/* So many bytes of a filling, with a number at their end: what differs there is compared longest.
 * In letters, for an address is not what these names are to look like. */
static struct span filled(size_t length, char filling, size_t number)
{
    char *bytes = take(length);

    memset(bytes, filling, length);
    for (size_t i = length; i > 0 && number > 0; number /= 20)
        bytes[--i] = (char)('a' + number % 20);
    return (struct span){bytes, length};
}

static struct span name(unsigned number, size_t bytes)
{
    struct span value = element(0x0c, filled(bytes > 0 ? bytes : 8, 'n', number));

    value = join(element(DER_OID, SPAN("\x55\x04\x03")), value);
    return element(DER_SEQUENCE, element(DER_SET, element(DER_SEQUENCE, value)));
}

/* Host names have labels; an address its bytes, and a mask of ones behind them. */
static struct span general_name(uint8_t tag, size_t bytes, size_t number, bool is_base)
{
    struct span content = filled(bytes, 'a', number);
    char *at = (char *)(uintptr_t)content.bytes;

    if (tag == CERTIFICATE_NAME_DIRECTORY)
        return element(tag, name((unsigned)number, bytes));
    if (tag == CERTIFICATE_NAME_DNS)
        for (size_t i = 40; i + 2 < bytes; i += 41)
            at[i] = '.';
    if (tag == CERTIFICATE_NAME_ADDRESS && is_base)
        content = join(filled(bytes / 2, 'a', number), filled(bytes / 2, (char)0xff, 0));
    return element(tag, content);
}

static struct span extension(struct span oid, struct span value)
{
    return element(DER_SEQUENCE, join(element(DER_OID, oid), element(DER_OCTET_STRING, value)));
}

static struct span alt_names(const struct hostile_spec *spec)
{
    uint8_t tag = spec->alt_name_tag != 0 ? spec->alt_name_tag : CERTIFICATE_NAME_DNS;
    struct span names = {take(spec->alt_names * (spec->alt_name_bytes + OVERHEAD) + OVERHEAD), 0};

    append(&names, element(CERTIFICATE_NAME_DNS, SPAN("www.example.com")));
    for (size_t i = 0; i < spec->alt_names; i++)
        append(&names, general_name(tag, spec->alt_name_bytes, i, false));
    return extension(SPAN("\x55\x1d\x11"), element(DER_SEQUENCE, names));
}

static struct span constraints(const struct hostile_spec *spec)
{
    uint8_t tag = spec->base_tag != 0 ? spec->base_tag : CERTIFICATE_NAME_DNS;
    struct span bases = {take(spec->bases * (spec->base_bytes + OVERHEAD)), 0};

    for (size_t i = 0; i < spec->bases; i++)
        append(&bases, element(DER_SEQUENCE, general_name(tag, spec->base_bytes, i + 5000, true)));
    bases = element(spec->is_excluding ? DER_CONTEXT_OF(1) : DER_CONTEXT_OF(0), bases);
    return extension(SPAN("\x55\x1d\x1e"), element(DER_SEQUENCE, bases));
}

static struct span key_ids(size_t bytes)
{
    struct span id = filled(bytes, 'i', 0);
    struct span subject = extension(SPAN("\x55\x1d\x0e"), element(DER_OCTET_STRING, id));

    return join(subject, extension(SPAN("\x55\x1d\x23"),
                                   element(DER_SEQUENCE, element(DER_CONTEXT(0), id))));
}

static struct span unknown_extensions(const struct hostile_spec *spec)
{
    struct span all = {0};

    for (size_t i = 0; i < spec->extensions; i++) {
        struct span oid = filled(spec->oid_bytes, 'o', 0);

        ((char *)(uintptr_t)oid.bytes)[oid.length - 1] = (char)i; /* they differ at the end */
        all = join(all, extension(oid, SPAN("\x05\x00")));
    }
    return all;
}

static struct span extensions(const struct hostile_spec *spec)
{
    struct span all = unknown_extensions(spec);

    if (spec->is_ca)
        all = join(all, extension(SPAN("\x55\x1d\x13"), SPAN("\x30\x03\x01\x01\xff")));
    if (spec->alt_names > 0 || !spec->is_ca)
        all = join(all, alt_names(spec));
    if (spec->bases > 0)
        all = join(all, constraints(spec));
    if (spec->key_id_bytes > 0)
        all = join(all, key_ids(spec->key_id_bytes));
    return element(DER_CONTEXT_OF(3), element(DER_SEQUENCE, all));
}

static struct span bits(struct span content)
{
    return element(DER_BIT_STRING, join((struct span){"\0", 1}, content));
}

static struct span rsa_key(const struct hostile_spec *spec)
{
    struct span modulus = filled(spec->rsa_bits / 8, (char)0x99, 0), exponent = SPAN("\1\0\1");
    char *at = (char *)(uintptr_t)modulus.bytes;

    *at = (char)0x80;
    memcpy(at + 8, &spec->key, sizeof(spec->key));
    if (spec->exponent_bytes > 0)
        exponent = filled(spec->exponent_bytes, 0x7f, 0);
    modulus = element(DER_INTEGER, join((struct span){"\0", 1}, modulus));
    modulus = bits(element(DER_SEQUENCE, join(modulus, element(DER_INTEGER, exponent))));
    return join(
        element(DER_SEQUENCE, join(element(DER_OID, SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")),
                                   (struct span){"\x05\x00", 2})),
        modulus);
}

/* On its curve: what is not is found out too early. */
static struct span ec_key(const struct hostile_spec *spec)
{
    static const struct {
        const char *name;
        struct span oid;
    } curves[] = {{"P-256", {"\x2a\x86\x48\xce\x3d\x03\x01\x07", 8}},
                  {"P-384", {"\x2b\x81\x04\x00\x22", 5}},
                  {"P-521", {"\x2b\x81\x04\x00\x23", 5}}};
    static struct span keys[KEYS_MAX][3];
    unsigned curve = spec->curve != 0 ? spec->curve - CERTIFICATE_CURVE_P256 : 0;
    struct span *key = &keys[spec->key % KEYS_MAX][curve];
    static char points[KEYS_MAX][3][POINT_BYTES_MAX];

    if (key->length == 0) {
        EVP_PKEY *made = EVP_EC_gen(curves[curve].name);

        key->bytes = points[spec->key % KEYS_MAX][curve];
        if (made == NULL ||
            EVP_PKEY_get_octet_string_param(made, "pub", (unsigned char *)(uintptr_t)key->bytes,
                                            POINT_BYTES_MAX, &key->length) != 1)
            abort();
        EVP_PKEY_free(made);
    }
    return join(element(DER_SEQUENCE, join(element(DER_OID, SPAN("\x2a\x86\x48\xce\x3d\x02\x01")),
                                           element(DER_OID, curves[curve].oid))),
                bits(*key));
}

/* Any two numbers, or any block, will do. */
static struct span signature(bool is_rsa)
{
    struct span number = element(DER_INTEGER, filled(32, 's', 0));

    return bits(is_rsa ? filled(RSA_SIGNATURE_BYTES, 's', 0)
                       : element(DER_SEQUENCE, join(number, number)));
}

struct span hostile_make(const struct hostile_spec *spec)
{
    struct span algorithm =
        spec->is_signed_by_rsa
            ? join(element(DER_OID, SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b")),
                   (struct span){"\x05\x00", 2})
            : element(DER_OID, SPAN("\x2a\x86\x48\xce\x3d\x04\x03\x02"));
    struct span tbs = element(DER_CONTEXT_OF(0), element(DER_INTEGER, SPAN("\x02")));

    algorithm = element(DER_SEQUENCE, algorithm);
    tbs = join(tbs, element(DER_INTEGER, SPAN("\x01")));
    tbs = join(tbs, algorithm);
    tbs = join(tbs, name(spec->issuer, spec->name_bytes));
    tbs = join(tbs, element(DER_SEQUENCE, join(element(DER_UTC_TIME, SPAN("250101000000Z")),
                                               element(DER_UTC_TIME, SPAN("350101000000Z")))));
    tbs = join(tbs, name(spec->subject, spec->name_bytes));
    tbs = join(tbs, element(DER_SEQUENCE, spec->rsa_bits > 0 ? rsa_key(spec) : ec_key(spec)));
    tbs = element(DER_SEQUENCE, join(tbs, extensions(spec)));
    return element(DER_SEQUENCE, join(join(tbs, algorithm), signature(spec->is_signed_by_rsa)));
}

void hostile_trust(struct trust *trust, struct span der)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *pem = take(der.length * 4 / 3 + 100), *at = pem;
    size_t count;

    at = stpcpy(at, "-----BEGIN CERTIFICATE-----");
    for (size_t i = 0; i < der.length; i += 3) {
        size_t left = der.length - i < 3 ? der.length - i : 3;
        uint8_t group[3] = {0};

        memcpy(group, der.bytes + i, left);
        *at++ = letters[group[0] >> 2];
        *at++ = letters[(group[0] << 4 | group[1] >> 4) & 63];
        *at++ = left > 1 ? letters[(group[1] << 2 | group[2] >> 6) & 63] : '=';
        *at++ = left > 2 ? letters[group[2] & 63] : '=';
    }
    at = stpcpy(at, "-----END CERTIFICATE-----");
    if (trust_add_pem(trust, (struct span){pem, (size_t)(at - pem)}, &count, NULL) != 0 ||
        count != 1)
        abort();
}
