/* PEM texts and what is taken from them, and the finding of anchors. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/x509/pem.h"
#include "proto/x509/trust.h"
#include "tests/lib/feed.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- base64 ----------------------------------------------------------------------------------- */

static const struct base64 {
    const char *body;
    const char *bytes; /* NULL: refused */
} base64s[] = {
    {"", ""},
    {"\n", ""},
    {"QQ==", "A"},
    {"QUI=", "AB"},
    {"QUJD", "ABC"},
    {"QUJDRA==", "ABCD"},
    {"QUJDREVG", "ABCDEF"},
    {"\nQUJD\r\nREVG\n", "ABCDEF"},
    {" Q\tU\nJ D\nR EVG", "ABCDEF"},
    {"QUJDRA=\n=", "ABCD"},
    {"+/+/", "\xfb\xff\xbf"},
    {"/+9/", "\xff\xef\x7f"},
    {"Q", NULL},
    {"QQ", NULL},
    {"QQ=", NULL},
    {"QQ===", NULL},
    {"QUJD=", NULL},
    {"QUJD====", NULL},
    {"=", NULL},
    {"==", NULL},
    {"====", NULL},
    {"Q===", NULL},
    {"QQ==QUJD", NULL},
    {"QR==", NULL},
    {"QUJ=", NULL},
    {"QUJDQUI", NULL},
    {"QUJ-", NULL},
    {"QU_D", NULL},
    {"QUJ\x80", NULL},
    {"QU\x7fJD", NULL},
    {"Proc-Type: 4,ENCRYPTED\n\nQUJD", NULL},
};

static void test_base64(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(base64s); i++) {
        const struct base64 *row = &base64s[i];
        size_t body_length = strlen(row->body), length = 0;
        struct span body = {feed_guarded(0, span_of(row->body)), body_length};
        char *buffer = malloc(pem_decoded_max(body_length));
        bool is_good = pem_decode(body, buffer, &length);

        if (is_good != (row->bytes != NULL))
            fail_msg("'%s' was %s", row->body, is_good ? "taken" : "refused");
        if (is_good) {
            assert_int_equal(length, strlen(row->bytes));
            assert_memory_equal(buffer, row->bytes, length);
        }
        free(buffer);
    }
}

/* --- blocks ----------------------------------------------------------------------------------- */

static const struct blocks {
    const char *text;
    const char *found; /* "label:body;" for each block */
} blocks[] = {
    {"", ""},
    {"no block", ""},
    {"-----BEGIN A-----QQ==-----END A-----", "A:QQ==;"},
    {"-----BEGIN A-----\nQQ==\n-----END A-----\n", "A:\nQQ==\n;"},
    {"-----BEGIN A B-----QQ==-----END A B-----", "A B:QQ==;"},
    {"# text - with -- dashes ---\n-----BEGIN A-----QQ==-----END A-----tail", "A:QQ==;"},
    {"-----BEGIN A-----x-----END A----------BEGIN B-----y-----END B-----", "A:x;B:y;"},
    {"-----BEGIN A-----x-----END A-----\n--\n-----BEGIN B-----y-----END B-----", "A:x;B:y;"},
    {"-----BEGIN A-----x-----END B-----", ""},
    {"-----BEGIN A-----x-----END AB-----", ""},
    {"-----BEGIN AB-----x-----END A-----", ""},
    {"-----BEGIN A-----x-----END A----", ""},
    {"-----BEGIN A-----x", ""},
    {"-----BEGIN A", ""},
    {"-----BEGIN ", ""},
    {"-----END A-----", ""},
    {"-----BEGIN A-----x-----BEGIN B-----y-----END B-----", "B:y;"},
    {"-----BEGIN A-----x-----END B----------BEGIN C-----y-----END C-----", "C:y;"},
    {"-----BEGIN -----x-----END -----", ":x;"},
};

static void test_blocks(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(blocks); i++) {
        size_t length = strlen(blocks[i].text), used = 0;
        struct span text = {feed_guarded(0, span_of(blocks[i].text)), length}, label, body;
        char found[100] = "";

        while (pem_next(&text, &label, &body))
            used += (size_t)snprintf(found + used, sizeof(found) - used, "%.*s:%.*s;",
                                     (int)label.length, label.bytes, (int)body.length, body.bytes);
        assert_string_equal(found, blocks[i].found);
    }
}

/* --- the store -------------------------------------------------------------------------------- */

/* Two with one name, and one with another. */
#define SELF_BODY                                                                                  \
    "MIIBXTCCAQOgAwIBAgIUVOR1Dre52eIf0/TQ+WzwSMvxy3kwCgYIKoZIzj0EAwIw\n"                           \
    "DzENMAsGA1UEAwwEc2VsZjAeFw0yNTAxMDEwMDAwMDBaFw0zNTAxMDEwMDAwMDBa\n"                           \
    "MA8xDTALBgNVBAMMBHNlbGYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASzHrPw\n"                           \
    "dAo5vm1GR4rDT5yMMZsyBhZs0g8ONcGs2QO2kgtyJJNfUtx4wWJMLY3aTDGmgJk8\n"                           \
    "l59Zd4tR9zBJPBOcoz0wOzAaBgNVHREEEzARgg93d3cuZXhhbXBsZS5jb20wHQYD\n"                           \
    "VR0OBBYEFOKxJr3peK+qbXM262q+7/K/S06/MAoGCCqGSM49BAMCA0gAMEUCIQCE\n"                           \
    "nzEAIaW18xxFstJRs821qvaM048XJzu/27aB6HUWwAIgfmTG2LQJO0yvOXcgtthq\n"                           \
    "+EALomJ7xVv+UK8ladvHGXk=\n"
#define AGAIN_BODY                                                                                 \
    "MIIBXTCCAQOgAwIBAgIUTor4LkHWOwKBwTG8qbJ8EASgUoswCgYIKoZIzj0EAwIw\n"                           \
    "DzENMAsGA1UEAwwEc2VsZjAeFw0yNTAxMDEwMDAwMDBaFw0zNTAxMDEwMDAwMDBa\n"                           \
    "MA8xDTALBgNVBAMMBHNlbGYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASzHrPw\n"                           \
    "dAo5vm1GR4rDT5yMMZsyBhZs0g8ONcGs2QO2kgtyJJNfUtx4wWJMLY3aTDGmgJk8\n"                           \
    "l59Zd4tR9zBJPBOcoz0wOzAaBgNVHREEEzARgg93d3cuZXhhbXBsZS5jb20wHQYD\n"                           \
    "VR0OBBYEFOKxJr3peK+qbXM262q+7/K/S06/MAoGCCqGSM49BAMCA0gAMEUCIEax\n"                           \
    "B+zFASLsidvWAC0O9eYOBc1znKPOaSLpI0JB2Fq1AiEA0SrB51b418HSJ7WoLXzz\n"                           \
    "SKir4I70tfD2FSfynlek1uo=\n"
#define OTHER_BODY                                                                                 \
    "MIIBOjCB4QIUZXFN1x9bn85/7mGyuF60OEj7in0wCgYIKoZIzj0EAwIwIDENMAsG\n"                           \
    "A1UECgwESGF1bDEPMA0GA1UEAwwGUm9vdCBBMB4XDTI1MDEwMTAwMDAwMFoXDTM1\n"                           \
    "MDEwMTAwMDAwMFowIDENMAsGA1UECgwESGF1bDEPMA0GA1UEAwwGUm9vdCBBMFkw\n"                           \
    "EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEUgCOlzQ7YJ+DofN4ZqnC/wQ8NKKG6Pqd\n"                           \
    "BA5yqhy5eyrOuF2BZzEWx5yNeegcKjbZt3quzbAG5FqXAJTO2PQfyzAKBggqhkjO\n"                           \
    "PQQDAgNIADBFAiEAogZTSBbb62cRJ1iA9v1NhNJ5oaLEXOtDMzozdbF4ngkCIDGV\n"                           \
    "gw99lDuKKlTzxmINdTAnM0oQT5TFoWcnBZcNk2jH\n"

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----\n"
#define SELF BEGIN SELF_BODY END
#define AGAIN BEGIN AGAIN_BODY END
#define OTHER BEGIN OTHER_BODY END

static const struct text {
    const char *pem;
    size_t count;
    size_t bad_count;
    size_t anchors;
} texts[] = {
    {"", 0, 0, 0},
    {"no block", 0, 0, 0},
    {SELF, 1, 0, 1},
    {SELF AGAIN, 2, 0, 2},
    {SELF AGAIN OTHER, 3, 0, 3},
    {SELF "text\n" SELF, 2, 0, 1},
    {"Subject: self\n" SELF "\n# other\n\n" OTHER, 2, 0, 2},
    {BEGIN END, 0, 1, 0},
    {BEGIN "QUJD\n" END, 0, 1, 0},
    {BEGIN "no base64!\n" END SELF, 1, 1, 1},
    {BEGIN "MAA=\n" END SELF BEGIN "MAA=\n" END, 1, 2, 1},
    {BEGIN SELF_BODY, 0, 0, 0},
    {BEGIN SELF_BODY AGAIN_BODY END, 0, 1, 0},
    {"-----BEGIN X509 CERTIFICATE-----\n" SELF_BODY "-----END X509 CERTIFICATE-----\n", 1, 0, 1},
    {"-----BEGIN TRUSTED CERTIFICATE-----\n" SELF_BODY "-----END TRUSTED CERTIFICATE-----\n", 0, 0,
     0},
    {"-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n" SELF, 1, 0, 1},
};

static struct trust *trust_of(const char *pem, size_t *ret_count, size_t *ret_bad_count)
{
    struct trust *trust = trust_open();
    size_t length = strlen(pem);

    assert_non_null(trust);
    assert_int_equal(trust_add_pem(trust, (struct span){feed_guarded(0, span_of(pem)), length},
                                   ret_count, ret_bad_count),
                     0);
    return trust;
}

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        size_t count, bad_count;
        struct trust *trust = trust_of(texts[i].pem, &count, &bad_count);

        assert_int_equal(count, texts[i].count);
        assert_int_equal(bad_count, texts[i].bad_count);
        assert_int_equal(trust_count(trust), texts[i].anchors);
        trust_close(trust);
    }
    trust_close(NULL);
}

static size_t found_count(const struct trust *trust, struct span subject)
{
    const struct certificate *anchor;
    size_t cursor = 0, count = 0;

    while ((anchor = trust_find(trust, subject, &cursor)) != NULL) {
        assert_true(span_equal(anchor->subject, subject));
        assert_true(trust_has(trust, anchor));
        count++;
    }
    return count;
}

static void test_found(void **state)
{
    struct trust *one = trust_of(SELF, NULL, NULL), *two = trust_of(OTHER AGAIN, NULL, NULL);
    const struct span self = SPAN("\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x04self");
    struct trust *none = trust_of("", NULL, NULL);
    size_t cursor = 0;
    const struct certificate *anchor = trust_find(one, self, &cursor);

    (void)state;
    assert_non_null(anchor);
    assert_int_equal(anchor->version, 3);
    assert_true(span_equal(anchor->issuer, self));
    assert_int_equal(found_count(one, self), 1);
    assert_int_equal(found_count(two, self), 1);
    assert_int_equal(found_count(none, self), 0);
    assert_int_equal(found_count(one, SPAN("\x30")), 0);
    assert_int_equal(found_count(one, (struct span){NULL, 0}), 0);
    assert_true(trust_has(one, anchor));
    assert_false(trust_has(two, anchor)); /* only one with the same name and key */
    assert_false(trust_has(none, anchor));
    assert_int_equal(trust_add_pem(two, SPAN(SELF), NULL, NULL), 0);
    assert_true(trust_has(two, anchor));
    assert_int_equal(found_count(two, self), 2);
    assert_int_equal(trust_count(two), 3);
    trust_close(one);
    trust_close(two);
    trust_close(none);
}

/* Every root of the system is understood, and found again. */
static void test_system(void **state)
{
    enum { BYTES_MAX = 1 << 22 };
    FILE *file = fopen("/etc/ssl/certs/ca-certificates.crt", "r");
    size_t length, count, bad_count, blocks_count = 0;
    struct span text, label, body;
    struct certificate certificate;
    struct trust *trust = trust_open();
    char *pem, *der;

    (void)state;
    if (file == NULL) {
        print_message("no /etc/ssl/certs/ca-certificates.crt\n");
        trust_close(trust);
        skip();
    }
    pem = malloc(BYTES_MAX);
    der = malloc(BYTES_MAX);
    text = (struct span){pem, fread(pem, 1, BYTES_MAX, file)};
    fclose(file);
    assert_int_equal(trust_add_pem(trust, text, &count, &bad_count), 0);
    assert_int_equal(bad_count, 0);
    while (pem_next(&text, &label, &body)) {
        assert_true(pem_decode(body, der, &length));
        assert_true(certificate_parse((struct span){der, length}, &certificate));
        assert_int_not_equal(certificate.key.kind, CERTIFICATE_KEY_OTHER);
        assert_true(certificate.not_before_s < certificate.not_after_s);
        assert_true(trust_has(trust, &certificate));
        blocks_count++;
    }
    assert_true(blocks_count > 0);
    assert_int_equal(count, blocks_count);
    free(pem);
    free(der);
    trust_close(trust);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64), cmocka_unit_test(test_blocks), cmocka_unit_test(test_texts),
        cmocka_unit_test(test_found),  cmocka_unit_test(test_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
