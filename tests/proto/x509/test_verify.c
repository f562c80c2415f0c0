/* Chains as servers send them, each with its verdict: test_verify CHAINS.SH
 *
 * The certificates are made by tests/system/chains.sh, which says what is in each. Signatures are
 * checked by the TLS library, as they are in earnest. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/x509/pem.h"
#include "proto/tls/ecdsa.h"
#include "proto/tls/evp.h"
#include "proto/tls/openssl.h"
#include "proto/tls/tls.h"
#include "proto/x509/verify.h"
#include "tests/lib/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { PEM_BYTES_MAX = 1 << 16, NAMES_MAX = 64 };

static char directory[] = "/tmp/haul-chains-XXXXXX";

/* --- what the rows name ----------------------------------------------------------------------- */

struct chain {
    struct span certificates[NAMES_MAX];
    size_t count;
};

/* Takes the next word off a list of names; false at its end. */
static bool word_next(const char **list, char word[64])
{
    size_t length = strcspn(*list, " ");

    assert_true(length < 64);
    memcpy(word, *list, length);
    word[length] = '\0';
    *list += length + ((*list)[length] == ' ');
    return length > 0;
}

static struct span pem_load(const char *name, char buffer[PEM_BYTES_MAX])
{
    char path[128];
    FILE *file;
    size_t length;

    snprintf(path, sizeof(path), "%s/%s.pem", directory, name);
    file = fopen(path, "r");
    if (file == NULL)
        fail_msg("no certificate %s", name);
    length = fread(buffer, 1, PEM_BYTES_MAX, file);
    fclose(file);
    return (struct span){buffer, length};
}

/* The certificate in memory of exactly its size. */
static struct span certificate_load(const char *name)
{
    char buffer[PEM_BYTES_MAX], *der;
    struct span text = pem_load(name, buffer), label, body;
    size_t length;

    assert_true(pem_next(&text, &label, &body));
    der = malloc(pem_decoded_max(body.length));
    assert_non_null(der);
    assert_true(pem_decode(body, der, &length));
    der = realloc(der, length);
    assert_non_null(der);
    return (struct span){der, length};
}

static void chain_load(const char *names, struct chain *ret_chain)
{
    char word[64];

    ret_chain->count = 0;
    while (word_next(&names, word)) {
        assert_true(ret_chain->count < NAMES_MAX);
        ret_chain->certificates[ret_chain->count++] = certificate_load(word);
    }
}

static void chain_free(struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        free((void *)(uintptr_t)chain->certificates[i].bytes);
}

static struct trust *trust_load(const char *names)
{
    struct trust *trust = trust_open();
    char word[64], buffer[PEM_BYTES_MAX];
    size_t count, bad_count;

    assert_non_null(trust);
    while (word_next(&names, word)) {
        assert_int_equal(trust_add_pem(trust, pem_load(word, buffer), &count, &bad_count), 0);
        assert_int_equal(count, 1);
        assert_int_equal(bad_count, 0);
    }
    return trust;
}

static char *bytes_of(struct span span)
{
    return (char *)(uintptr_t)span.bytes;
}

/* --- chains and verdicts ---------------------------------------------------------------------- */

/* The first second of these years. Certificates are valid from 2025 to 2034, where the rows say
 * nothing else. */
enum { Y2026 = 1767225600, Y2030 = 1893456000 };
static const int64_t y2024 = 1704067200, y2025 = 1735689600, y2035 = 2051222400;
static const int64_t y2040 = 2208988800;

#define WWW "www.example.com"
#define TEN_ROOTS " root-b root-b root-b root-b root-b root-b root-b root-b root-b root-b"
#define FORTY_SIX_ROOTS                                                                            \
    TEN_ROOTS TEN_ROOTS TEN_ROOTS TEN_ROOTS " root-b root-b root-b root-b root-b root-b"

static const struct row {
    const char *sent;
    const char *trusted;
    const char *host;
    enum verify_verdict verdict;
    size_t certificate; /* that the verdict is about */
} rows[] = {
    /* paths */
    {"leaf int", "root", WWW, VERIFY_OK, 0},
    {"leaf int root", "root", WWW, VERIFY_OK, 0},
    {"leaf root int", "root", WWW, VERIFY_OK, 0},
    {"leaf int root", "root-b root root-rsa root-v1", WWW, VERIFY_OK, 0},
    {"leaf2 int2 int-any", "root", WWW, VERIFY_OK, 0},
    {"leaf2 int-any int2", "root", WWW, VERIFY_OK, 0},
    {"leaf2 root int-any int2", "root", WWW, VERIFY_OK, 0},
    {"leaf leaf2 self leaf-ip root-b int2 int", "root", WWW, VERIFY_OK, 0},
    {"leaf int int leaf leaf", "root", WWW, VERIFY_OK, 0},
    {"leaf", "int", WWW, VERIFY_OK, 0},
    {"leaf int", "int", WWW, VERIFY_OK, 0},
    {"leaf int" FORTY_SIX_ROOTS, "root", WWW, VERIFY_OK, 0},
    {"leaf int" FORTY_SIX_ROOTS " root-b", "root", WWW, VERIFY_TOO_MANY, 0},
    {"", "root", WWW, VERIFY_NO_CERTIFICATE, 0},

    /* paths that lead nowhere */
    {"leaf", "root", WWW, VERIFY_ISSUER, 0},
    {"leaf root", "root", WWW, VERIFY_ISSUER, 0},
    {"leaf2 int2", "root", WWW, VERIFY_ISSUER, 1},
    {"leaf2 int-any", "root", WWW, VERIFY_ISSUER, 0},
    {"leaf int", "root-b", WWW, VERIFY_ISSUER, 1},
    {"leaf int", "", WWW, VERIFY_ISSUER, 1},
    {"leaf int root", "root-b", WWW, VERIFY_ROOT, 2},
    {"leaf int root", "", WWW, VERIFY_ROOT, 2},
    {"leaf loop-a int2", "root", WWW, VERIFY_ISSUER, 2},
    {"leaf loop-a int2 int-any", "root", WWW, VERIFY_OK, 0},
    {"int leaf", "root", WWW, VERIFY_KEY_USAGE, 0},

    /* cross-signed */
    {"leaf int cross", "root", WWW, VERIFY_OK, 0},
    {"leaf int cross", "root-b", WWW, VERIFY_OK, 0},
    {"leaf int cross", "root root-b", WWW, VERIFY_OK, 0},
    {"leaf int cross-old cross", "root-b", WWW, VERIFY_OK, 0},
    {"leaf int cross-old", "root", WWW, VERIFY_OK, 0},
    {"leaf int cross-old", "root-b", WWW, VERIFY_EXPIRED, 2},
    {"leaf int-b int", "root", WWW, VERIFY_OK, 0},
    {"leaf int-b int", "root-b", WWW, VERIFY_OK, 0},
    {"leaf int int-b", "root-b", WWW, VERIFY_OK, 0},
    {"leaf int-old int", "root", WWW, VERIFY_OK, 0},
    {"leaf int-no-ca int-client int-dns-org int", "root", WWW, VERIFY_OK, 0},
    {"leaf int root-old", "root-old root", WWW, VERIFY_OK, 0},
    {"leaf int", "root-twin root", WWW, VERIFY_OK, 0},
    {"leaf int", "root root-twin", WWW, VERIFY_OK, 0},

    /* signatures of another key, under the same name */
    {"leaf int", "root-twin", WWW, VERIFY_SIGNATURE, 1},
    {"leaf int", "root-twin-rsa", WWW, VERIFY_SIGNATURE, 1},
    {"leaf int-old-key", "root", WWW, VERIFY_SIGNATURE, 0},
    {"leaf int-old-key int", "root", WWW, VERIFY_OK, 0},
    {"leaf-other-key int", "root", WWW, VERIFY_SIGNATURE, 0},
    {"leaf-other-key int int-old-key", "root", WWW, VERIFY_OK, 0},

    /* by itself */
    {"self", "root", WWW, VERIFY_SELF_SIGNED, 0},
    {"self", "", WWW, VERIFY_SELF_SIGNED, 0},
    {"self self", "root", WWW, VERIFY_SELF_SIGNED, 0},
    {"self-ca", "root", WWW, VERIFY_SELF_SIGNED, 0},
    {"self", "self", WWW, VERIFY_OK, 0},
    {"self", "root self", WWW, VERIFY_OK, 0},
    {"self-ca", "self-ca", WWW, VERIFY_OK, 0},
    {"self", "self-again", WWW, VERIFY_SELF_SIGNED, 0},
    {"self", "self-ca", WWW, VERIFY_SELF_SIGNED, 0},
    {"self", "self", "example.com", VERIFY_HOST, 0},
    {"leaf", "leaf", WWW, VERIFY_OK, 0},
    {"leaf-old", "leaf-old", WWW, VERIFY_EXPIRED, 0},
    {"leaf-client", "leaf-client", WWW, VERIFY_PURPOSE, 0},

    /* dates */
    {"leaf-old int", "root", WWW, VERIFY_EXPIRED, 0},
    {"leaf-late int", "root", WWW, VERIFY_NOT_YET_VALID, 0},
    {"leaf-2055 int", "root", WWW, VERIFY_OK, 0},
    {"leaf int-old", "root", WWW, VERIFY_EXPIRED, 1},
    {"leaf int-late", "root", WWW, VERIFY_NOT_YET_VALID, 1},
    {"leaf int", "root-old", WWW, VERIFY_EXPIRED, VERIFY_ANCHOR},

    /* host names */
    {"leaf int", "root", "example.com", VERIFY_HOST, 0},
    {"leaf int", "root", "ww.example.com", VERIFY_HOST, 0},
    {"leaf int", "root", "a." WWW, VERIFY_HOST, 0},
    {"leaf int", "root", "www.example.co", VERIFY_HOST, 0},
    {"leaf int", "root", "www.example.com.evil", VERIFY_HOST, 0},
    {"leaf int", "root", "", VERIFY_HOST, 0},
    {"leaf int", "root", ".", VERIFY_HOST, 0},
    {"leaf int", "root", "WWW.example.COM", VERIFY_OK, 0},
    {"leaf int", "root", "www.example.com.", VERIFY_OK, 0},
    {"leaf int", "root", "www.example.com..", VERIFY_HOST, 0},
    {"leaf-case int", "root", WWW, VERIFY_OK, 0},
    {"leaf-two int", "root", WWW, VERIFY_OK, 0},
    {"leaf-two int", "root", "a.example.org", VERIFY_OK, 0},
    {"leaf-dot int", "root", WWW, VERIFY_HOST, 0},
    {"leaf-dot int", "root", "www.example.com.", VERIFY_HOST, 0},
    {"leaf-cn-only int", "root", "leaf-cn-only", VERIFY_NO_NAMES, 0},
    {"leaf-v1 int", "root", WWW, VERIFY_NO_NAMES, 0},
    {"leaf-email int", "root", WWW, VERIFY_HOST, 0},
    {"leaf-email int", "root", "www@example.com", VERIFY_HOST, 0},
    {"leaf-san-empty int", "root", WWW, VERIFY_NO_NAMES, 0},
    {"leaf-name-empty int", "root", WWW, VERIFY_HOST, 0},
    {"leaf-name-empty int", "root", "", VERIFY_HOST, 0},
    {"leaf-san-short int", "root", WWW, VERIFY_MALFORMED, 0},
    {"leaf-san-broken int", "root", WWW, VERIFY_MALFORMED, 0},
    {"leaf-san-nul int", "root", WWW, VERIFY_HOST, 0},
    {"leaf-san-nul int", "root", "evi", VERIFY_HOST, 0},

    /* wildcards */
    {"leaf-wild int", "root", "a.example.com", VERIFY_OK, 0},
    {"leaf-wild int", "root", "A.EXAMPLE.com.", VERIFY_OK, 0},
    {"leaf-wild int", "root", "xn--bcher-kva.example.com", VERIFY_OK, 0},
    {"leaf-wild-case int", "root", "a.example.com", VERIFY_OK, 0},
    {"leaf-wild int", "root", "example.com", VERIFY_HOST, 0},
    {"leaf-wild int", "root", ".example.com", VERIFY_HOST, 0},
    {"leaf-wild int", "root", "a.b.example.com", VERIFY_HOST, 0},
    {"leaf-wild int", "root", "aexample.com", VERIFY_HOST, 0},
    {"leaf-wild int", "root", "a.example.org", VERIFY_HOST, 0},
    {"leaf-wild int", "root", "*.example.com", VERIFY_HOST, 0},
    {"leaf-wild-dot int", "root", "a.example.com", VERIFY_HOST, 0},
    {"leaf-wild-com int", "root", "example.com", VERIFY_HOST, 0},
    {"leaf-wild-com-dot int", "root", "example.com", VERIFY_HOST, 0},
    {"leaf-wild-com-dot int", "root", "example.com.", VERIFY_HOST, 0},
    {"leaf-wild-com-dot int", "root", "example.com..", VERIFY_HOST, 0},
    {"leaf-wild-all int", "root", "localhost", VERIFY_HOST, 0},
    {"leaf-wild-part int", "root", WWW, VERIFY_HOST, 0},
    {"leaf-wild-part int", "root", "w*.example.com", VERIFY_HOST, 0},
    {"leaf-wild-tail int", "root", WWW, VERIFY_HOST, 0},
    {"leaf-wild-two int", "root", "a.b.example.com", VERIFY_HOST, 0},
    {"leaf-wild-two int", "root", "a.*.example.com", VERIFY_HOST, 0},
    {"leaf-wild-inner int", "root", "www.a.example.com", VERIFY_HOST, 0},

    /* addresses */
    {"leaf-ip int", "root", "127.0.0.1", VERIFY_OK, 0},
    {"leaf-ip int", "root", "127.0.0.2", VERIFY_HOST, 0},
    {"leaf-ip int", "root", "127.0.0.1.", VERIFY_OK, 0},
    {"leaf-ip int", "root", "::ffff:127.0.0.1", VERIFY_HOST, 0},
    {"leaf-ip int", "root", WWW, VERIFY_HOST, 0},
    {"leaf-ip6 int", "root", "2001:db8::1", VERIFY_OK, 0},
    {"leaf-ip6 int", "root", "2001:db8::1%eth0", VERIFY_OK, 0},
    {"leaf-ip6 int", "root", "2001:db8::2%eth0", VERIFY_HOST, 0},
    {"leaf-ip int", "root", "127.0.0.1%eth0", VERIFY_HOST, 0},
    {"leaf-ip6 int", "root", "2001:0DB8:0:0:0:0:0:1", VERIFY_OK, 0},
    {"leaf-ip6 int", "root", "2001:db8::2", VERIFY_HOST, 0},
    {"leaf-ip-and-name int", "root", "127.0.0.1", VERIFY_OK, 0},
    {"leaf-ip-and-name int", "root", WWW, VERIFY_OK, 0},
    {"leaf-ip-as-name int", "root", "127.0.0.1", VERIFY_HOST, 0},
    {"leaf-ip-as-name int", "root", "2001:db8::1", VERIFY_HOST, 0},
    {"leaf-ip-as-uri int", "root", "127.0.0.1", VERIFY_HOST, 0},
    {"leaf-ip-as-uri int", "root", WWW, VERIFY_HOST, 0},
    {"leaf-ip-as-dns int", "root", "127.0.0.1", VERIFY_HOST, 0},
    {"leaf-ip-as-rid int", "root", "127.0.0.1", VERIFY_HOST, 0},
    {"leaf-ip-long int", "root", "127.0.0.1", VERIFY_HOST, 0},
    {"leaf-wild int", "root", "127.0.0.1", VERIFY_HOST, 0},

    /* purposes and usages */
    {"leaf-bare int", "root", WWW, VERIFY_OK, 0},
    {"leaf-client int", "root", WWW, VERIFY_PURPOSE, 0},
    {"leaf-both int", "root", WWW, VERIFY_OK, 0},
    {"leaf-any-purpose int", "root", WWW, VERIFY_PURPOSE, 0},
    {"leaf-sign-only int", "root", WWW, VERIFY_KEY_USAGE, 0},
    {"leaf-encipher-only int", "root", WWW, VERIFY_KEY_USAGE, 0},
    {"leaf int-client", "root", WWW, VERIFY_PURPOSE, 1},
    {"leaf int-server", "root", WWW, VERIFY_OK, 0},
    {"leaf int-any-purpose", "root", WWW, VERIFY_OK, 0},
    {"leaf int-no-sign", "root", WWW, VERIFY_KEY_USAGE, 1},
    {"leaf int-no-usage", "root", WWW, VERIFY_OK, 0},

    /* extensions */
    {"leaf-critical int", "root", WWW, VERIFY_CRITICAL_EXTENSION, 0},
    {"leaf-poison int", "root", WWW, VERIFY_CRITICAL_EXTENSION, 0},
    {"leaf-unknown int", "root", WWW, VERIFY_OK, 0},
    {"leaf-policies int", "root", WWW, VERIFY_OK, 0},
    {"leaf int-critical", "root", WWW, VERIFY_CRITICAL_EXTENSION, 1},
    {"leaf int-require", "root", WWW, VERIFY_CRITICAL_EXTENSION, 1},
    {"leaf int-policies", "root", WWW, VERIFY_OK, 0},

    /* CAs, and how long a path may be */
    {"leaf-ca int", "root", WWW, VERIFY_OK, 0},
    {"leaf-not-ca int", "root", WWW, VERIFY_OK, 0},
    {"leaf int-no-ca", "root", WWW, VERIFY_NOT_CA, 1},
    {"leaf int-no-basic", "root", WWW, VERIFY_NOT_CA, 1},
    {"leaf int-v1", "root", WWW, VERIFY_NOT_CA, 1},
    {"leaf int-rollover-v1 int-old-key", "root", WWW, VERIFY_NOT_CA, 1},
    {"leaf int-v1", "int-v1", WWW, VERIFY_NOT_CA, VERIFY_ANCHOR},
    {"leaf-of-site leaf-bare int", "root", WWW, VERIFY_NOT_CA, 1},
    {"leaf-of-site", "leaf-bare", WWW, VERIFY_NOT_CA, VERIFY_ANCHOR},
    {"leaf-of-leaf leaf-ca int", "root", WWW, VERIFY_PATH_LENGTH, 2},
    {"leaf-of-leaf leaf-ca int-any", "root", WWW, VERIFY_OK, 0},
    {"leaf int", "root-no-ca", WWW, VERIFY_NOT_CA, VERIFY_ANCHOR},
    {"leaf int", "root-no-basic", WWW, VERIFY_NOT_CA, VERIFY_ANCHOR},
    {"leaf int", "root-v1", WWW, VERIFY_OK, 0},
    {"leaf int", "root-pathlen", WWW, VERIFY_PATH_LENGTH, VERIFY_ANCHOR},
    {"leaf2 int2 int", "root", WWW, VERIFY_PATH_LENGTH, 2},
    {"leaf int-rollover int-old-key", "root", WWW, VERIFY_OK, 0},
    {"leaf2 int2 int-rollover int-old-key", "root", WWW, VERIFY_PATH_LENGTH, 3},

    /* name constraints on names */
    {"leaf int-dns", "root", WWW, VERIFY_OK, 0},
    {"leaf int-dns-org", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf int-dns-mild", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf int-dns-two", "root", WWW, VERIFY_OK, 0},
    {"leaf int-dns-case", "root", WWW, VERIFY_OK, 0},
    {"leaf int-dns-dot", "root", WWW, VERIFY_OK, 0},
    {"leaf-apex int-dns-dot", "root", "example.com", VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-apex int-dns", "root", "example.com", VERIFY_OK, 0},
    {"leaf int-dns-tail", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-two int-dns", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-two int-dns-two", "root", WWW, VERIFY_OK, 0},
    {"leaf-wild int-dns", "root", WWW, VERIFY_OK, 0},
    {"leaf-wild int-dns-dot", "root", WWW, VERIFY_OK, 0},
    {"leaf-wild int-dns-org", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf int-not-www", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf int-not-com", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf int-not-org", "root", WWW, VERIFY_OK, 0},
    {"leaf-two int-not-org", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-apex int-not-www", "root", "example.com", VERIFY_OK, 0},
    {"leaf-wild int-not-www", "root", "a.example.com", VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-san-nul int-dns", "root", WWW, VERIFY_HOST, 0},

    /* constraints that match nothing as they are written: who is excluded by one is not told */
    {"leaf int-not-final", "root", WWW, VERIFY_NAME_EXCLUSION, 1},
    {"leaf int-not-final-org", "root", WWW, VERIFY_NAME_EXCLUSION, 1},
    {"leaf int-not-wild", "root", WWW, VERIFY_NAME_EXCLUSION, 1},
    {"leaf-apex int-not-wild", "root", "example.com", VERIFY_NAME_EXCLUSION, 1},
    {"leaf int-not-dots", "root", WWW, VERIFY_NAME_EXCLUSION, 1},
    {"leaf int-not-hole", "root", WWW, VERIFY_NAME_EXCLUSION, 1},
    {"leaf int-not-only-dot", "root", WWW, VERIFY_NAME_EXCLUSION, 1},
    {"leaf int-not-space", "root", WWW, VERIFY_NAME_EXCLUSION, 1},
    {"leaf int-not-label64", "root", WWW, VERIFY_NAME_EXCLUSION, 1},
    {"leaf-ip int-not-number", "root", "127.0.0.1", VERIFY_NAME_EXCLUSION, 1},
    {"leaf int", "root-nc-final", WWW, VERIFY_NAME_EXCLUSION, VERIFY_ANCHOR},
    {"leaf int-not-final int", "root", WWW, VERIFY_OK, 0},
    {"leaf int-not-label63", "root", WWW, VERIFY_OK, 0},
    {"leaf int-not-evil", "root", WWW, VERIFY_OK, 0},
    {"leaf int-not-all", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-ip int-not-all", "root", "127.0.0.1", VERIFY_OK, 0},
    {"leaf-apex int-not-com", "root", "example.com", VERIFY_NAME_CONSTRAINT, 0},
    {"leaf int-not-dot", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-apex int-not-dot", "root", "example.com", VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-wild int-not-dot", "root", "a.example.com", VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-tail int-not-dot", "root", "anexample.com", VERIFY_OK, 0},
    {"leaf int-dns-wild", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-wild int-dns-wild", "root", "a.example.com", VERIFY_NAME_CONSTRAINT, 0},
    {"leaf int-dns-final", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-dot int-dns-final", "root", WWW, VERIFY_HOST, 0},
    {"leaf int-dns-wild-two", "root", WWW, VERIFY_OK, 0},
    {"leaf-wild int-dns-wild-two", "root", "a.example.com", VERIFY_OK, 0},

    /* names longer than names are */
    {"leaf-253 int", "root", WWW, VERIFY_OK, 0},
    {"leaf-254 int", "root", WWW, VERIFY_NAME_LONG, 0},
    {"leaf int-dns-253", "root", WWW, VERIFY_OK, 0},
    {"leaf int-dns-254", "root", WWW, VERIFY_NAME_LONG, 1},
    {"leaf int-not-254", "root", WWW, VERIFY_NAME_LONG, 1},
    {"leaf int-dns-254 int", "root", WWW, VERIFY_OK, 0},

    /* names that are the same, and spelt otherwise */
    {"leaf int-spelt", "root", WWW, VERIFY_OK, 0},
    {"leaf int-printable", "root", WWW, VERIFY_OK, 0},
    {"leaf int-both", "root", WWW, VERIFY_OK, 0},
    {"leaf int-misspelt", "root", WWW, VERIFY_ISSUER, 0},
    {"leaf int-joined", "root", WWW, VERIFY_ISSUER, 0},
    {"leaf int", "root-spelt", WWW, VERIFY_OK, 0},
    {"leaf int-both", "root-spelt", WWW, VERIFY_OK, 0},
    {"leaf int-spelt int-both root-spelt", "root", WWW, VERIFY_OK, 0},

    /* constraints from a root */
    {"leaf int", "root-nc", WWW, VERIFY_OK, 0},
    {"leaf int", "root-nc-org", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf int", "root-nc-org root", WWW, VERIFY_OK, 0},
    {"leaf2 int2 int-dns-org", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-many int", "root", WWW, VERIFY_OK, 0},
    {"leaf-many int-dns-org", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf int-many", "root", WWW, VERIFY_OK, 0},
    {"leaf-many int-many", "root", WWW, VERIFY_WORK, 0},

    /* name constraints on addresses and on others */
    {"leaf-ip int-ip", "root", "127.0.0.1", VERIFY_OK, 0},
    {"leaf-ip int-ip-ten", "root", "127.0.0.1", VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-ip int-not-ip", "root", "127.0.0.1", VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-ip int-ip6", "root", "127.0.0.1", VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-ip6 int-ip", "root", "2001:db8::1", VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-ip6 int-ip6", "root", "2001:db8::1", VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-ip6 int-not-ip", "root", "2001:db8::1", VERIFY_OK, 0},
    {"leaf-ip int-dns-org", "root", "127.0.0.1", VERIFY_OK, 0},
    {"leaf int-ip", "root", WWW, VERIFY_OK, 0},
    {"leaf-ip-and-name int-ip-ten", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-ip int-ip-gap", "root", "127.0.0.1", VERIFY_NAME_MASK, 1},
    {"leaf-ip int-ip-bits", "root", "127.0.0.1", VERIFY_NAME_MASK, 1},
    {"leaf int-not-ip-gap", "root", WWW, VERIFY_NAME_MASK, 1},
    {"leaf-ip6 int-not-ip6-gap", "root", "2001:db8::1", VERIFY_NAME_MASK, 1},
    {"leaf-ip int-ip-odd-bits", "root", "127.0.0.1", VERIFY_OK, 0},
    {"leaf-ip int-ip-one", "root", "127.0.0.1", VERIFY_OK, 0},
    {"leaf-ip int-ip-all", "root", "127.0.0.1", VERIFY_OK, 0},
    {"leaf int-email", "root", WWW, VERIFY_OK, 0},
    {"leaf-email-too int-email", "root", WWW, VERIFY_NAME_FORM, 0},
    {"leaf int-dir", "root", WWW, VERIFY_OK, 0},
    {"leaf int-dir-spelt", "root", WWW, VERIFY_OK, 0},
    {"leaf-other int-dir-spelt", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf int-dir-other", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf int-not-dir", "root", WWW, VERIFY_NAME_FORM, 0},
    {"leaf-other int-dir-other", "root", WWW, VERIFY_OK, 0},
    {"leaf-other int-rollover int-old-key-dir", "root", WWW, VERIFY_OK, 0},
    {"leaf int-rollover int-old-key-dir", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf-self-issued int", "root", WWW, VERIFY_OK, 0},
    {"leaf-self-issued int-dns-org", "root", WWW, VERIFY_NAME_CONSTRAINT, 0},
    {"leaf int-ip-odd", "root", WWW, VERIFY_MALFORMED, 1},
    {"leaf int-minimum", "root", WWW, VERIFY_MALFORMED, 1},
    {"leaf int-empty", "root", WWW, VERIFY_MALFORMED, 1},

    /* keys and signatures */
    {"leaf-rsa int", "root", WWW, VERIFY_OK, 0},
    {"leaf-1024 int", "root", WWW, VERIFY_KEY_SHORT, 0},
    {"leaf-4104 int", "root", WWW, VERIFY_KEY_KIND, 0},
    {"leaf-p384 int", "root", WWW, VERIFY_OK, 0},
    {"leaf-p521 int", "root", WWW, VERIFY_OK, 0},
    {"leaf-k1 int", "root", WWW, VERIFY_KEY_KIND, 0},
    {"leaf-ed25519 int", "root", WWW, VERIFY_KEY_KIND, 0},
    {"leaf-sha1 int", "root", WWW, VERIFY_SIGNATURE_SHA1, 0},
    {"leaf-sha384 int", "root", WWW, VERIFY_OK, 0},
    {"leaf-sha512 int", "root", WWW, VERIFY_OK, 0},
    {"leaf int-sha1", "root", WWW, VERIFY_SIGNATURE_SHA1, 1},
    {"leaf int-1024", "root", WWW, VERIFY_KEY_SHORT, 1},
    {"by-1024", "root-1024", WWW, VERIFY_KEY_SHORT, VERIFY_ANCHOR},
    {"by-p384", "root-p384", WWW, VERIFY_OK, 0},
    {"by-p521", "root-p521", WWW, VERIFY_OK, 0},
    {"by-rsa-md5", "root-rsa", WWW, VERIFY_SIGNATURE_MD5, 0},
    {"by-rsa-sha1", "root-rsa", WWW, VERIFY_SIGNATURE_SHA1, 0},
    {"by-rsa-sha256", "root-rsa", WWW, VERIFY_OK, 0},
    {"by-rsa-sha384", "root-rsa", WWW, VERIFY_OK, 0},
    {"by-rsa-sha512", "root-rsa", WWW, VERIFY_OK, 0},
    {"by-rsa-pss", "root-rsa", WWW, VERIFY_SIGNATURE_PSS, 0},
};

static const struct row legacy_rows[] = {
    {"leaf int", "root", WWW, VERIFY_OK, 0},
    {"leaf-sha1 int", "root", WWW, VERIFY_OK, 0},
    {"leaf int-sha1", "root", WWW, VERIFY_OK, 0},
    {"leaf-1024 int", "root", WWW, VERIFY_OK, 0},
    {"by-1024", "root-1024", WWW, VERIFY_OK, 0},
    {"by-rsa-sha1", "root-rsa", WWW, VERIFY_OK, 0},
    {"by-rsa-md5", "root-rsa", WWW, VERIFY_SIGNATURE_MD5, 0},
    {"by-rsa-pss", "root-rsa", WWW, VERIFY_SIGNATURE_PSS, 0},
    {"leaf-encipher-only int", "root", WWW, VERIFY_OK, 0},
    {"leaf-sign-only int", "root", WWW, VERIFY_KEY_USAGE, 0},
    {"leaf-cn-only int", "root", "leaf-cn-only", VERIFY_NO_NAMES, 0},
};

static void expect(const struct row *row, const struct verify_result *result, const char *how)
{
    if (result->verdict != row->verdict || result->certificate != row->certificate)
        fail_msg("%s; trusted %s; for %s%s: certificate %zd: %s", row->sent, row->trusted,
                 row->host, how, (ssize_t)result->certificate, verify_sentence(result->verdict));
}

/* What was sent behind the first one, in the opposite order. */
static void chain_reverse(struct chain *chain)
{
    for (size_t i = 1, j = chain->count - 1; i < j; i++, j--) {
        struct span swapped = chain->certificates[i];

        chain->certificates[i] = chain->certificates[j];
        chain->certificates[j] = swapped;
    }
}

/* Who computes, each with its policy. */
struct arithmetic {
    verify_signature_fn *check;
    bool is_wide;
    void *context;
    const char *name;
};

static const struct arithmetic bearssl = {tls_check_signature, false, NULL, ""};

static void row_check(const struct row *row, bool is_legacy, const struct arithmetic *arithmetic)
{
    const struct verify_policy policy = {.host = span_of(row->host),
                                         .now_s = Y2030,
                                         .is_legacy = is_legacy,
                                         .is_wide = arithmetic->is_wide};
    struct trust *trust = trust_load(row->trusted);
    struct verify_result result;
    struct chain chain;

    chain_load(row->sent, &chain);
    verify_chain(chain.certificates, chain.count, trust, &policy, arithmetic->check,
                 arithmetic->context, &result);
    expect(row, &result, arithmetic->name);
    if (row->verdict == VERIFY_OK) {
        assert_true(result.not_before_s <= Y2030 && Y2030 <= result.not_after_s);
        assert_int_not_equal(result.key.kind, CERTIFICATE_KEY_OTHER);
        chain_reverse(&chain);
        verify_chain(chain.certificates, chain.count, trust, &policy, arithmetic->check,
                     arithmetic->context, &result);
        expect(row, &result, ", in opposite order");
    }
    chain_free(&chain);
    trust_close(trust);
}

static void test_chains(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        row_check(&rows[i], false, &bearssl);
}

static void test_legacy(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(legacy_rows); i++)
        row_check(&legacy_rows[i], true, &bearssl);
}

#ifdef HAUL_HAS_OPENSSL

/* What libcrypto's can do beside; all others have the verdict that they have by BearSSL's. */
static const struct row wide_rows[] = {
    {"leaf-ed25519 int", "root", WWW, VERIFY_OK, 0},
    {"by-rsa-pss", "root-rsa", WWW, VERIFY_OK, 0},
};

static const struct row *wide_row(const struct row *row)
{
    for (size_t i = 0; i < COUNT(wide_rows); i++)
        if (strcmp(wide_rows[i].sent, row->sent) == 0)
            return &wide_rows[i];
    return row;
}

/* BearSSL's handshakes, as they are where libcrypto is there: no verdict is another. */
static void test_bearssl_by_libcrypto(void **state)
{
    static struct ecdsa ecdsa;
    const struct arithmetic fast = {tls_check_signature, false, &ecdsa.ec,
                                    ", by BearSSL over libcrypto"};

    (void)state;
    assert_true(tls_ecdsa_open(&ecdsa));
    for (size_t i = 0; i < COUNT(rows); i++)
        row_check(&rows[i], false, &fast);
    for (size_t i = 0; i < COUNT(legacy_rows); i++)
        row_check(&legacy_rows[i], true, &fast);
}

static void test_libcrypto(void **state)
{
    struct openssl openssl;
    struct evp evp = {.openssl = &openssl};
    const struct arithmetic libcrypto = {tls_evp_check_signature, true, &evp, ", by libcrypto"};

    (void)state;
    assert_true(openssl_load(&openssl));
    for (size_t i = 0; i < COUNT(rows); i++)
        row_check(wide_row(&rows[i]), false, &libcrypto);
    for (size_t i = 0; i < COUNT(legacy_rows); i++)
        row_check(wide_row(&legacy_rows[i]), true, &libcrypto);
}

#endif

/* --- time ------------------------------------------------------------------------------------- */

static enum verify_verdict verdict_of(const char *sent, const char *trusted, int64_t now_s,
                                      struct verify_result *ret_result)
{
    const struct verify_policy policy = {.host = SPAN(WWW), .now_s = now_s};
    struct trust *trust = trust_load(trusted);
    struct chain chain;

    chain_load(sent, &chain);
    verify_chain(chain.certificates, chain.count, trust, &policy, tls_check_signature, NULL,
                 ret_result);
    ret_result->key = (struct certificate_key){0};
    ret_result->public_key = (struct span){0};
    chain_free(&chain);
    trust_close(trust);
    return ret_result->verdict;
}

/* Both ends belong to the time that a certificate is valid. */
static void test_time(void **state)
{
    struct verify_result result;

    (void)state;
    assert_int_equal(verdict_of("leaf int", "root", y2024, &result), VERIFY_NOT_YET_VALID);
    assert_int_equal(verdict_of("leaf int", "root", y2025 - 1, &result), VERIFY_NOT_YET_VALID);
    assert_int_equal(verdict_of("leaf int", "root", y2025, &result), VERIFY_OK);
    assert_int_equal(verdict_of("leaf int", "root", y2035, &result), VERIFY_OK);
    assert_int_equal(verdict_of("leaf int", "root", y2035 + 1, &result), VERIFY_EXPIRED);
    assert_int_equal(verdict_of("leaf int", "root", INT64_MIN, &result), VERIFY_NOT_YET_VALID);
    assert_int_equal(verdict_of("leaf int", "root", INT64_MAX, &result), VERIFY_EXPIRED);
    assert_int_equal(verdict_of("leaf-2055 int", "root", y2040, &result), VERIFY_EXPIRED);
    assert_int_equal(result.certificate, 1);
}

/* A path is as good as its shortest-lived certificate. */
static void test_time_of_result(void **state)
{
    struct verify_result result;

    (void)state;
    assert_int_equal(verdict_of("leaf int-old", "root", y2025 + 9, &result), VERIFY_OK);
    assert_int_equal(result.not_before_s, y2025);
    assert_int_equal(result.not_after_s, Y2026);
    assert_int_equal(verdict_of("leaf int", "root-old", y2025 + 9, &result), VERIFY_OK);
    assert_int_equal(result.not_after_s, 1830297600);
    assert_int_equal(verdict_of("leaf-late int", "root", y2035, &result), VERIFY_OK);
    assert_int_equal(result.not_before_s, 1988150400);
    assert_int_equal(result.not_after_s, y2035);
}

/* --- certificates with other bytes ------------------------------------------------------------ */

/* SIGNATURE: the certificate was understood and nothing else was wrong with it. */
static const struct edit {
    const char *name;
    struct span from; /* where it occurs first */
    struct span to;
    enum verify_verdict verdict;
} edits[] = {
    {"leaf", WIRE("250101000000Z"), WIRE("240229235959Z"), VERIFY_SIGNATURE},
    {"leaf", WIRE("250101000000Z"), WIRE("500101000000Z"), VERIFY_SIGNATURE},
    {"leaf", WIRE("250101000000Z"), WIRE("490101000000Z"), VERIFY_NOT_YET_VALID},
    {"leaf", WIRE("250101000000Z"), WIRE("250229000000Z"), VERIFY_MALFORMED},
    {"leaf", WIRE("250101000000Z"), WIRE("250001000000Z"), VERIFY_MALFORMED},
    {"leaf", WIRE("250101000000Z"), WIRE("251301000000Z"), VERIFY_MALFORMED},
    {"leaf", WIRE("250101000000Z"), WIRE("250100000000Z"), VERIFY_MALFORMED},
    {"leaf", WIRE("250101000000Z"), WIRE("250432000000Z"), VERIFY_MALFORMED},
    {"leaf", WIRE("250101000000Z"), WIRE("250431000000Z"), VERIFY_MALFORMED},
    {"leaf", WIRE("250101000000Z"), WIRE("250101240000Z"), VERIFY_MALFORMED},
    {"leaf", WIRE("250101000000Z"), WIRE("250101006000Z"), VERIFY_MALFORMED},
    {"leaf", WIRE("250101000000Z"), WIRE("250101000060Z"), VERIFY_MALFORMED},
    {"leaf", WIRE("250101000000Z"), WIRE("2501010000 0Z"), VERIFY_MALFORMED},
    {"leaf", WIRE("250101000000Z"), WIRE("-50101000000Z"), VERIFY_MALFORMED},
    {"leaf", WIRE("250101000000Z"), WIRE("25010100+0000"), VERIFY_MALFORMED},
    {"leaf", WIRE("250101000000Z"), WIRE("250101000000z"), VERIFY_MALFORMED},
    {"leaf", WIRE("\x17\x0d"), WIRE("\x18\x0d"), VERIFY_MALFORMED},
    {"leaf-2055", WIRE("20551231235959Z"), WIRE("20300101000000Z"), VERIFY_SIGNATURE},
    {"leaf-2055", WIRE("20551231235959Z"), WIRE("20291231235959Z"), VERIFY_EXPIRED},
    {"leaf-2055", WIRE("20551231235959Z"), WIRE("99991231235959Z"), VERIFY_SIGNATURE},
    {"leaf-2055", WIRE("20551231235959Z"), WIRE("00000229235959Z"), VERIFY_EXPIRED},
    {"leaf-2055", WIRE("20551231235959Z"), WIRE("2055123123595.Z"), VERIFY_MALFORMED},
    {"leaf-2055", WIRE("20551231235959Z"), WIRE("21000229000000Z"), VERIFY_MALFORMED},
    {"leaf-2055", WIRE("20551231235959Z"), WIRE("20000229000000Z"), VERIFY_EXPIRED},

    /* lengths and tags */
    {"leaf", WIRE("\x30\x82"), WIRE("\x30\x80"), VERIFY_MALFORMED},
    {"leaf", WIRE("\x30\x82"), WIRE("\x30\x81"), VERIFY_MALFORMED},
    {"leaf", WIRE("\x30\x82"), WIRE("\x30\x83"), VERIFY_MALFORMED},
    {"leaf", WIRE("\x30\x82"), WIRE("\x30\x85"), VERIFY_MALFORMED},
    {"leaf", WIRE("\x30\x82"), WIRE("\x31\x82"), VERIFY_MALFORMED},
    {"leaf", WIRE("\x30\x82"), WIRE("\x3f\x82"), VERIFY_MALFORMED},
    {"leaf", WIRE("\xa0\x03\x02\x01\x02"), WIRE("\xa0\x03\x02\x01\x01"), VERIFY_MALFORMED},
    {"leaf", WIRE("\xa0\x03\x02\x01\x02"), WIRE("\xa0\x03\x02\x01\x03"), VERIFY_MALFORMED},
    {"leaf", WIRE("\xa0\x03\x02\x01\x02"), WIRE("\xa0\x03\x02\x01\x82"), VERIFY_MALFORMED},

    /* algorithms and keys */
    {"leaf", WIRE("\xce\x3d\x04\x03\x02"), WIRE("\xce\x3d\x04\x03\x03"), VERIFY_MALFORMED},
    {"leaf", WIRE("\x03\x42\x00\x04"), WIRE("\x03\x42\x01\x04"), VERIFY_MALFORMED},
    {"leaf", WIRE("\x03\x42\x00\x04"), WIRE("\x03\x42\x00\x02"), VERIFY_KEY_KIND},
    {"leaf", WIRE("\xce\x3d\x03\x01\x07"), WIRE("\xce\x3d\x03\x01\x06"), VERIFY_KEY_KIND},
    {"leaf", WIRE("\xce\x3d\x02\x01"), WIRE("\xce\x3d\x02\x02"), VERIFY_KEY_KIND},
    {"leaf-rsa", WIRE("\x02\x03\x01\x00\x01"), WIRE("\x02\x03\x01\x00\x03"), VERIFY_SIGNATURE},
    {"leaf-rsa", WIRE("\x02\x03\x01\x00\x01"), WIRE("\x02\x03\x01\x00\x02"), VERIFY_MALFORMED},
    {"leaf-rsa", WIRE("\x02\x03\x01\x00\x01"), WIRE("\x02\x03\x00\x00\x01"), VERIFY_MALFORMED},
    {"leaf-rsa", WIRE("\x02\x03\x01\x00\x01"), WIRE("\x02\x03\x81\x00\x01"), VERIFY_MALFORMED},
    {"leaf-rsa", WIRE("\x02\x82\x01\x01\x00"), WIRE("\x02\x82\x01\x01\x80"), VERIFY_MALFORMED},

    /* extensions */
    {"leaf-unknown", WIRE("\x06\x03\x2a\x03\x05"), WIRE("\x06\x03\x2a\x03\x06"), VERIFY_SIGNATURE},
    {"leaf-unknown", WIRE("\x06\x03\x2a\x03\x05"), WIRE("\x06\x03\x2a\x03\x04"), VERIFY_MALFORMED},
    {"leaf-unknown", WIRE("\x06\x03\x2a\x03\x05"), WIRE("\x06\x03\x55\x1d\x11"), VERIFY_MALFORMED},
    {"leaf-critical", WIRE("\x2a\x03\x04\x01\x01\xff"), WIRE("\x2a\x03\x04\x01\x01\x00"),
     VERIFY_SIGNATURE},
    {"leaf-critical", WIRE("\x2a\x03\x04\x01\x01\xff"), WIRE("\x2a\x03\x04\x01\x01\x01"),
     VERIFY_MALFORMED},
    {"leaf", WIRE("\x82\x0fwww"), WIRE("\x92\x0fwww"), VERIFY_MALFORMED},
    {"leaf", WIRE("\x82\x0fwww"), WIRE("\x8fwww\x0f"), VERIFY_MALFORMED},
    {"leaf", WIRE("\x82\x0fwww"), WIRE("\xa2\x0fwww"), VERIFY_MALFORMED},
    {"leaf", WIRE("\x82\x0fwww"), WIRE("\x86\x0fwww"), VERIFY_HOST},
    {"leaf", WIRE("\x03\x02\x07\x80"), WIRE("\x03\x02\x08\x80"), VERIFY_MALFORMED},
    {"leaf", WIRE("\x03\x02\x07\x80"), WIRE("\x03\x02\x07\x81"), VERIFY_MALFORMED},
};

static void edit_check(const struct edit *edit, const struct trust *trust)
{
    const struct verify_policy policy = {.host = SPAN(WWW), .now_s = Y2030};
    struct verify_result result;
    struct chain chain;
    char *at;

    chain_load(edit->name, &chain);
    chain.certificates[chain.count++] = certificate_load("int");
    at = memmem(chain.certificates[0].bytes, chain.certificates[0].length, edit->from.bytes,
                edit->from.length);
    if (at == NULL || edit->from.length != edit->to.length)
        fail_msg("row %zd of the edits does not fit %s", edit - edits, edit->name);
    memcpy(at, edit->to.bytes, edit->to.length);
    verify_chain(chain.certificates, chain.count, trust, &policy, tls_check_signature, NULL,
                 &result);
    if (result.verdict != edit->verdict || result.certificate != 0)
        fail_msg("row %zd of the edits, %s: certificate %zd: %s", edit - edits, edit->name,
                 (ssize_t)result.certificate, verify_sentence(result.verdict));
    chain_free(&chain);
}

static void test_edited(void **state)
{
    struct trust *trust = trust_load("root");

    (void)state;
    for (size_t i = 0; i < COUNT(edits); i++)
        edit_check(&edits[i], trust);
    trust_close(trust);
}

/* An RSA key with a longer modulus and an exponent of one byte: 1 would make any signature good. */
static void test_exponent(void **state)
{
    const struct verify_policy policy = {.host = SPAN(WWW), .now_s = Y2030};
    struct trust *trust = trust_load("root");
    struct verify_result result;
    struct chain chain;
    char *modulus, *exponent;

    (void)state;
    chain_load("leaf-rsa int", &chain);
    modulus = memmem(chain.certificates[0].bytes, chain.certificates[0].length,
                     "\x02\x82\x01\x01\x00", 5);
    assert_non_null(modulus);
    exponent = modulus + 4 + 257;
    assert_memory_equal(exponent, "\x02\x03\x01\x00\x01", 5);
    modulus[3] = 3;
    for (char value = 1; value <= 3; value++) {
        const char bytes[] = {1, 1, 2, 1, value};

        memcpy(exponent, bytes, sizeof(bytes));
        verify_chain(chain.certificates, 2, trust, &policy, tls_check_signature, NULL, &result);
        assert_int_equal(result.verdict, value == 3 ? VERIFY_SIGNATURE : VERIFY_MALFORMED);
    }
    chain_free(&chain);
    trust_close(trust);
}

/* No byte of a path can be changed, cut off or added. */
static void test_every_byte(void **state)
{
    const struct verify_policy policy = {.host = SPAN(WWW), .now_s = Y2030};
    struct trust *trust = trust_load("root");
    struct verify_result result;
    struct chain chain;

    (void)state;
    chain_load("leaf int", &chain);
    for (size_t i = 0; i < chain.count; i++) {
        struct span whole = chain.certificates[i];

        for (size_t at = 0; at < whole.length; at++) {
            bytes_of(whole)[at] ^= 1;
            verify_chain(chain.certificates, 2, trust, &policy, tls_check_signature, NULL, &result);
            assert_int_not_equal(result.verdict, VERIFY_OK);
            bytes_of(whole)[at] ^= 1;

            chain.certificates[i].bytes = feed_guarded(0, (struct span){whole.bytes, at});
            chain.certificates[i].length = at;
            verify_chain(chain.certificates, 2, trust, &policy, tls_check_signature, NULL, &result);
            assert_int_equal(result.verdict, VERIFY_MALFORMED);
            assert_int_equal(result.certificate, i);
            chain.certificates[i] = whole;
        }
    }
    verify_chain(chain.certificates, 2, trust, &policy, tls_check_signature, NULL, &result);
    assert_int_equal(result.verdict, VERIFY_OK);
    chain_free(&chain);
    trust_close(trust);
}

static void test_garbage(void **state)
{
    static const char big[VERIFY_CHAIN_BYTES_MAX + 1];
    const struct verify_policy policy = {.host = SPAN(WWW), .now_s = Y2030};
    struct trust *trust = trust_load("root");
    struct verify_result result;
    struct chain chain;
    char longer[4096] = "";

    (void)state;
    chain_load("leaf int", &chain);
    struct span parts[] = {chain.certificates[0],
                           chain.certificates[1],
                           SPAN("no certificate"),
                           {big, sizeof(big) - 1}};

    /* garbage behind a path does no harm, in its place it is named */
    verify_chain(parts, 3, trust, &policy, tls_check_signature, NULL, &result);
    assert_int_equal(result.verdict, VERIFY_OK);
    parts[1] = parts[2];
    verify_chain(parts, 2, trust, &policy, tls_check_signature, NULL, &result);
    assert_int_equal(result.verdict, VERIFY_MALFORMED);
    assert_int_equal(result.certificate, 1);
    verify_chain(parts + 1, 1, trust, &policy, tls_check_signature, NULL, &result);
    assert_int_equal(result.verdict, VERIFY_MALFORMED);
    assert_int_equal(result.certificate, 0);
    verify_chain(parts + 2, 2, trust, &policy, tls_check_signature, NULL, &result);
    assert_int_equal(result.verdict, VERIFY_TOO_LARGE);

    assert_true(parts[0].length < sizeof(longer));
    memcpy(longer, parts[0].bytes, parts[0].length);
    parts[0] = (struct span){longer, parts[0].length + 1};
    verify_chain(parts, 1, trust, &policy, tls_check_signature, NULL, &result);
    assert_int_equal(result.verdict, VERIFY_MALFORMED);
    chain_free(&chain);
    trust_close(trust);
}

/* --- bounds ----------------------------------------------------------------------------------- */

static bool count_signature(void *context, const struct certificate_signature *signature,
                            const struct certificate_key *issuer_key)
{
    (void)signature;
    (void)issuer_key;
    ++*(unsigned *)context;
    return false;
}

/* A name with so many keys, each of which may have signed any other: names lead from there to the
 * second anchor, but not to the first. */
static void mesh_load(struct chain *ret_chain)
{
    chain_load("leaf int-rollover int-rollover int-rollover int-rollover int-rollover int-rollover "
               "int-rollover int-rollover int-rollover int-rollover int-rollover int-rollover "
               "int-rollover int-rollover int-rollover",
               ret_chain);
    for (size_t i = 1; i < ret_chain->count; i++) {
        struct span der = ret_chain->certificates[i];
        char *point = memmem(der.bytes, der.length, "\x03\x42\x00\x04", 4);

        assert_non_null(point);
        point[4] = (char)i;
    }
}

static void test_search_is_bounded(void **state)
{
    static const char *const trusted[] = {"root", "int-old-key"};
    const struct verify_policy policy = {.host = SPAN(WWW), .now_s = Y2030};
    struct verify_result result;
    struct chain chain;

    (void)state;
    mesh_load(&chain);
    for (size_t i = 0; i < COUNT(trusted); i++) {
        struct trust *trust = trust_load(trusted[i]);
        unsigned count = 0;

        verify_chain(chain.certificates, chain.count, trust, &policy, count_signature, &count,
                     &result);
        assert_int_equal(result.verdict, i == 0 ? VERIFY_ROOT : VERIFY_WORK);
        assert_in_range(count, i == 0 ? 0 : 4, i == 0 ? 0 : 8);
        assert_true(result.work <= VERIFY_WORK_MAX);
        trust_close(trust);
    }
    chain_free(&chain);
}

/* --- the cache -------------------------------------------------------------------------------- */

static void key_make(unsigned number, unsigned char ret_key[VERIFY_KEY_BYTES])
{
    memset(ret_key, 0, VERIFY_KEY_BYTES);
    memcpy(ret_key, &number, sizeof(number));
}

static void test_cache(void **state)
{
    const struct verify_result good = {.not_before_s = 10, .not_after_s = 20};
    const struct verify_result later = {.not_before_s = 15, .not_after_s = 30};
    struct verify_cache *cache = verify_cache_open(8);
    unsigned char key[VERIFY_KEY_BYTES];
    struct verify_result had;

    (void)state;
    assert_non_null(cache);
    key_make(0, key);
    assert_false(verify_cache_has(cache, key, 0, &had));
    verify_cache_add(cache, key, &good);
    assert_false(verify_cache_has(cache, key, 9, &had));
    assert_true(verify_cache_has(cache, key, 10, &had));
    assert_true(verify_cache_has(cache, key, 20, &had));
    assert_false(verify_cache_has(cache, key, 21, &had));
    verify_cache_add(cache, key, &later);
    assert_false(verify_cache_has(cache, key, 10, &had));
    assert_true(verify_cache_has(cache, key, 30, &had));
    assert_int_equal(had.verdict, VERIFY_OK);
    assert_int_equal(had.not_before_s, later.not_before_s);
    assert_int_equal(had.not_after_s, later.not_after_s);
    key[VERIFY_KEY_BYTES - 1] = 1;
    assert_false(verify_cache_has(cache, key, 20, &had));
    verify_cache_close(cache);
    verify_cache_close(NULL);
}

/* For a while, and whatever is refused meanwhile, what was trusted is not forgotten for it. */
static void test_cache_of_refusals(void **state)
{
    const struct verify_result good = {.not_before_s = 10, .not_after_s = 20};
    const struct verify_result bad = {
        .verdict = VERIFY_EXPIRED, .certificate = 3, .not_before_s = 15, .not_after_s = 25};
    struct verify_cache *cache = verify_cache_open(64);
    unsigned char key[VERIFY_KEY_BYTES];
    struct verify_result had;
    unsigned found = 0;

    (void)state;
    assert_non_null(cache);
    key_make(0, key);
    verify_cache_add(cache, key, &bad);
    assert_false(verify_cache_has(cache, key, 14, &had));
    assert_true(verify_cache_has(cache, key, 15, &had));
    assert_int_equal(had.verdict, VERIFY_EXPIRED);
    assert_int_equal(had.certificate, 3);
    assert_true(verify_cache_has(cache, key, 25, &had));
    assert_false(verify_cache_has(cache, key, 26, &had));
    verify_cache_add(cache, key, &good);
    assert_true(verify_cache_has(cache, key, 20, &had));
    assert_int_equal(had.verdict, VERIFY_OK);
    for (unsigned i = 1; i < 1000; i++) {
        key_make(i, key);
        verify_cache_add(cache, key, &bad);
        assert_true(verify_cache_has(cache, key, 15, &had));
    }
    for (unsigned i = 1; i < 1000; i++) {
        key_make(i, key);
        found += verify_cache_has(cache, key, 15, &had);
    }
    assert_in_range(found, 4, 64);
    key_make(0, key);
    assert_true(verify_cache_has(cache, key, 15, &had));
    verify_cache_close(cache);
}

/* How long a refusal is to be remembered, whatever it is for. */
static void test_time_of_refusal(void **state)
{
    struct verify_result result;

    (void)state;
    assert_int_equal(verdict_of("leaf-old int", "root", Y2030, &result), VERIFY_EXPIRED);
    assert_int_equal(result.not_before_s, Y2030);
    assert_int_equal(result.not_after_s, Y2030 + VERIFY_REFUSAL_S);
    assert_int_equal(verdict_of("", "root", Y2030, &result), VERIFY_NO_CERTIFICATE);
    assert_int_equal(result.not_before_s, Y2030);
    assert_int_equal(result.not_after_s, Y2030 + VERIFY_REFUSAL_S);
    assert_int_equal(verdict_of("leaf int", "root", INT64_MAX, &result), VERIFY_EXPIRED);
    assert_int_equal(result.not_after_s, INT64_MAX);
}

static void test_cache_is_bounded(void **state)
{
    const struct verify_result good = {.not_before_s = 10, .not_after_s = 20};
    struct verify_cache *cache = verify_cache_open(64);
    unsigned char key[VERIFY_KEY_BYTES];
    struct verify_result had;
    unsigned found = 0;

    (void)state;
    assert_non_null(cache);
    for (unsigned i = 0; i < 1000; i++) {
        key_make(i, key);
        verify_cache_add(cache, key, &good);
        assert_true(verify_cache_has(cache, key, 15, &had));
    }
    for (unsigned i = 0; i < 1000; i++) {
        key_make(i, key);
        found += verify_cache_has(cache, key, 15, &had);
    }
    assert_int_equal(found, 64);
    verify_cache_close(cache);
    cache = verify_cache_open(0);
    assert_non_null(cache);
    verify_cache_add(cache, key, &good);
    assert_true(verify_cache_has(cache, key, 15, &had));
    verify_cache_close(cache);
    assert_null(verify_cache_open(SIZE_MAX));
}

static void test_sentences(void **state)
{
    (void)state;
    for (int verdict = VERIFY_OK; verdict <= VERIFY_WORK; verdict++) {
        size_t length = strlen(verify_sentence((enum verify_verdict)verdict));

        assert_true(length > 10);
        for (int other = VERIFY_OK; other < verdict; other++)
            assert_string_not_equal(verify_sentence((enum verify_verdict)verdict),
                                    verify_sentence((enum verify_verdict)other));
    }
    assert_string_equal(verify_sentence((enum verify_verdict)(VERIFY_WORK + 1)), "unknown verdict");
}

/* --- the certificates ------------------------------------------------------------------------- */

/* Runs a program to its end; returns its exit status. */
static int run(const char *program, const char *first, const char *second)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        execlp(program, program, first, second, (char *)NULL);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_legacy),
#ifdef HAUL_HAS_OPENSSL
        cmocka_unit_test(test_bearssl_by_libcrypto),
        cmocka_unit_test(test_libcrypto),
#endif
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_time_of_result),
        cmocka_unit_test(test_edited),
        cmocka_unit_test(test_exponent),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_search_is_bounded),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_cache_of_refusals),
        cmocka_unit_test(test_time_of_refusal),
        cmocka_unit_test(test_cache_is_bounded),
        cmocka_unit_test(test_sentences),
    };
    int status;

    if (argc != 2 || mkdtemp(directory) == NULL)
        return 2;
    status = run("sh", argv[1], directory);
    if (status == 0)
        status = cmocka_run_group_tests(tests, NULL, NULL);
    run("rm", "-rf", directory);
    return status;
}
