/* Digest: the examples of RFC 2617 and RFC 7616, what else they imply (computed apart), and which
 * of several challenges is answered, or why none is. */

#include "proto/auth/digest.h"
#include "tests/lib/feed.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HERE "Digest realm=\"http-auth@example.org\", "
#define NONCE "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\""
#define OPAQUE "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUo5tdS\""
#define CNONCE "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
#define SAYS(user) "Digest username=\"" user "\", realm=\"http-auth@example.org\", " NONCE ", "
#define URI "uri=\"/dir/index.html\", "
#define WITH(count) "cnonce=\"" CNONCE "\", nc=" count ", qop=auth, "

/* --- answers ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *challenge;
    const char *user, *password, *cnonce;
    const char *target;
    uint32_t count;
    const char *answer;
} answers[] = {
    {"RFC 2617, 3.5",
     "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", "
     "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
     "Mufasa", "Circle Of Life", "0a4f113b", "/dir/index.html", 1,
     "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
     "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", " URI "cnonce=\"0a4f113b\", nc=00000001, "
     "qop=auth, response=\"6629fae49393a05397450978507c4ef1\", "
     "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""},
    {"RFC 7616, 3.9.1, MD5", HERE "qop=\"auth, auth-int\", algorithm=MD5, " NONCE ", " OPAQUE,
     "Mufasa", "Circle of Life", CNONCE, "/dir/index.html", 1,
     SAYS("Mufasa") URI WITH("00000001") "response=\"8ca523f5e9506fed4657c9700eebdbec\", " OPAQUE
                                         ", algorithm=MD5"},
    {"RFC 7616, 3.9.1, SHA-256",
     HERE "qop=\"auth, auth-int\", algorithm=SHA-256, " NONCE ", " OPAQUE, "Mufasa",
     "Circle of Life", CNONCE, "/dir/index.html", 1,
     SAYS("Mufasa") URI WITH(
         "00000001") "response="
                     "\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", " OPAQUE
                     ", algorithm=SHA-256"},
    {"the 31st answer", HERE "qop=auth, algorithm=\"md5\", " NONCE, "Mufasa", "Circle of Life",
     CNONCE, "/dir/index.html", 31,
     SAYS("Mufasa") URI WITH("0000001f") "response=\"b73d3a33f555d3e92224325b96a4020c\", "
                                         "algorithm=MD5"},
    {"MD5-sess", HERE "qop=auth, algorithm=md5-SESS, " NONCE, "Mufasa", "Circle of Life", CNONCE,
     "/dir/index.html", 1,
     SAYS("Mufasa") URI WITH("00000001") "response=\"e783283f46242139c486a698fec7211d\", "
                                         "algorithm=MD5-sess"},
    {"SHA-256-sess", HERE "qop=auth, algorithm=SHA-256-sess, " NONCE, "Mufasa", "Circle of Life",
     CNONCE, "/dir/index.html", 1,
     SAYS("Mufasa") URI WITH(
         "00000001") "response="
                     "\"2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7\", "
                     "algorithm=SHA-256-sess"},
    {"RFC 2069: no qop", HERE NONCE, "Mufasa", "Circle of Life", CNONCE, "/dir/index.html", 1,
     SAYS("Mufasa") URI "response=\"7b2cc3b30e75b4777ea31027084363fd\""},
    {"none with SHA-256, and one that is empty", HERE "qop=\"\", algorithm=SHA-256, " NONCE,
     "Mufasa", "Circle of Life", CNONCE, "/dir/index.html", 1,
     SAYS("Mufasa") URI
     "response=\"a1306b0595a6c7fe96c448631fb5cfbd5107bd1fe1da729d978dd7446b812363\", "
     "algorithm=SHA-256"},
    {"the user hashed", HERE "qop=auth, algorithm=SHA-256, userhash=true, " NONCE, "Mufasa",
     "Circle of Life", CNONCE, "/dir/index.html", 1,
     SAYS("a947aad205e80e429958a387394944c6b496301e79f89d35a4cc23b6ee12b5b6") URI WITH(
         "00000001") "response="
                     "\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", "
                     "algorithm=SHA-256, userhash=true"},
    {"quotes and backslashes on all sides",
     "Digest realm=\"r\\\"\\\\\", nonce=\"n\\\"\\\\\", qop=auth, opaque=\"\"", "a\"\\b", "p", "c",
     "/\"x", 1,
     "Digest username=\"a\\\"\\\\b\", realm=\"r\\\"\\\\\", nonce=\"n\\\"\\\\\", uri=\"/\\\"x\", "
     "cnonce=\"c\", nc=00000001, qop=auth, response=\"758555f425d7205835d9ecdbeb92db58\", "
     "opaque=\"\""},
};

static void test_answers(void **state)
{
    char buffer[1024];

    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct digest_offer offer = {0};
        struct digest_session session;
        struct digest_request request = {.user = span_of(answers[i].user),
                                         .method = SPAN("GET"),
                                         .target = span_of(answers[i].target),
                                         .count = answers[i].count};
        size_t length = strlen(answers[i].answer), written;

        digest_offer_add(&offer, span_of(answers[i].challenge));
        assert_true(offer.has_best);
        digest_session_init(&session, &offer.best, request.user, span_of(answers[i].password),
                            span_of(answers[i].cnonce));
        written = digest_write(&offer.best, &session, &request, buffer, sizeof(buffer));
        if (written != length || memcmp(buffer, answers[i].answer, length) != 0)
            fail_msg("%s:\n%.*s\n%s", answers[i].name, (int)written, buffer, answers[i].answer);
        buffer[length - 1] = '#';
        assert_int_equal(digest_write(&offer.best, &session, &request, buffer, length - 1), length);
        assert_int_equal(buffer[length - 1], '#');
    }
}

/* --- offers ----------------------------------------------------------------------------------- */

#define MD5 "Digest realm=m, nonce=n5, qop=auth"
#define SHA "Digest realm=s, nonce=n256, qop=auth, algorithm=SHA-256"

/* fields: of one head, in their order. nonce: of what is answered; NULL: nothing is, for that. */
static const struct {
    const char *fields[3];
    const char *nonce;
    enum proto_error bad;
} offers[] = {
    {{MD5}, "n5", PROTO_OK},
    {{SHA}, "n256", PROTO_OK},
    {{MD5 ", " SHA}, "n256", PROTO_OK},
    {{SHA ", " MD5}, "n256", PROTO_OK},
    {{MD5, SHA}, "n256", PROTO_OK},
    {{SHA, MD5}, "n256", PROTO_OK},
    {{"Basic realm=x", MD5, "Negotiate"}, "n5", PROTO_OK},
    {{"Basic realm=\"Digest nonce=1\", " MD5 ", NTLM"}, "n5", PROTO_OK},
    {{"Digest nonce=1", "Digest nonce=2, algorithm=MD5-sess, qop=auth", MD5}, "1", PROTO_OK},
    {{SHA "-sess", SHA}, "n256", PROTO_OK},
    /* without a realm, as in curl */
    {{"Digest nonce=1"}, "1", PROTO_OK},
    {{"digest NONCE=1, Algorithm=\"MD5\""}, "1", PROTO_OK},
    /* one that cannot be answered leaves the others */
    {{"Digest realm=x, nonce=1, algorithm=SHA-512-256", MD5}, "n5", PROTO_DIGEST_ALGORITHM},
    {{"Digest realm=x, nonce=1, algorithm=SHA-256, qop=auth-int", MD5},
     "n5",
     PROTO_DIGEST_INTEGRITY},
    {{"Digest realm=\"x", MD5}, "n5", PROTO_DIGEST_MALFORMED},
    /* or none is */
    {{"Digest realm=x, nonce=1, qop=\"auth-int\""}, NULL, PROTO_DIGEST_INTEGRITY},
    {{"Digest realm=x, nonce=1, qop=\"auth-int,auth-x\""}, NULL, PROTO_DIGEST_INTEGRITY},
    {{"Digest realm=x, nonce=1, qop=\"auth-x\""}, NULL, PROTO_DIGEST_QOP},
    {{"Digest realm=x, nonce=1, algorithm=MD5-sess"}, NULL, PROTO_DIGEST_QOP},
    {{"Digest realm=x, nonce=1, algorithm=-sess, qop=auth"}, NULL, PROTO_DIGEST_ALGORITHM},
    {{"Digest realm=x, nonce=1, algorithm=\"\""}, NULL, PROTO_DIGEST_ALGORITHM},
    {{"Digest realm=x"}, NULL, PROTO_DIGEST_MALFORMED},
    {{"Digest realm=x, nonce=\"\""}, NULL, PROTO_DIGEST_MALFORMED},
    {{"Digest"}, NULL, PROTO_DIGEST_MALFORMED},
    {{"Digest realm=x, nonce=1, nonce=2"}, NULL, PROTO_DIGEST_MALFORMED},
    {{"Digest realm=\"a\001b\", nonce=1"}, NULL, PROTO_DIGEST_MALFORMED},
    {{"Digest nonce=\"1\", opaque=\"\\\177\""}, NULL, PROTO_DIGEST_MALFORMED},
};

static void test_offers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(offers); i++) {
        struct digest_offer offer = {0};

        for (size_t j = 0; j < COUNT(offers[i].fields) && offers[i].fields[j] != NULL; j++)
            digest_offer_add(&offer, span_of(offers[i].fields[j]));
        if (!offer.has_digest || offer.has_best != (offers[i].nonce != NULL) ||
            offer.bad != offers[i].bad)
            fail_msg("%s: %d %s", offers[i].fields[0], offer.has_best,
                     proto_error_sentence(offer.bad));
        if (offer.has_best && !span_equal(digest_nonce(&offer.best), span_of(offers[i].nonce)))
            fail_msg("%s: another one", offers[i].fields[0]);
    }
}

static void test_no_offer(void **state)
{
    static const char *const values[] = {"", "Basic realm=x", "Digestive realm=x, nonce=1",
                                         "Basic realm=\"Digest nonce=1\"", "Negotiate"};

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        struct digest_offer offer = {0};

        digest_offer_add(&offer, span_of(values[i]));
        assert_false(offer.has_digest || offer.has_best);
    }
}

static void test_flags(void **state)
{
    struct digest_offer offer = {0};

    (void)state;
    digest_offer_add(&offer, SPAN(MD5 ", stale=TRUE, domain=\"/x /y\", charset=UTF-8"));
    assert_true(offer.best.is_stale && !offer.best.hashes_user && !offer.best.has_opaque);
    offer = (struct digest_offer){0};
    digest_offer_add(&offer, SPAN(MD5 ", stale=\"false\", userhash=\"true\", opaque=o"));
    assert_true(!offer.best.is_stale && offer.best.hashes_user && offer.best.has_opaque);
    assert_true(span_equal(digest_opaque(&offer.best), SPAN("o")));
    assert_true(span_equal(digest_realm(&offer.best), SPAN("m")));
}

/* As much as there is room for, and a byte more. */
static void test_long(void **state)
{
    static char text[DIGEST_TEXT_BYTES + 64];

    (void)state;
    for (size_t length = DIGEST_TEXT_BYTES; length <= DIGEST_TEXT_BYTES + 1; length++) {
        struct digest_offer offer = {0};
        size_t start = (size_t)sprintf(text, "Digest realm=r, nonce=\"");

        memset(text + start, 'n', length - 1);
        strcpy(text + start + length - 1, "\"");
        digest_offer_add(&offer, span_of(text));
        assert_int_equal(offer.has_best, length == DIGEST_TEXT_BYTES);
        assert_int_equal(offer.bad, length == DIGEST_TEXT_BYTES ? PROTO_OK : PROTO_DIGEST_LONG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),  cmocka_unit_test(test_offers),
        cmocka_unit_test(test_no_offer), cmocka_unit_test(test_flags),
        cmocka_unit_test(test_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
