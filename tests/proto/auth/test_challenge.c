/* WWW-Authenticate, cut into its parts: each row is a value and a transcript of what is in it. */

#include "proto/auth/challenge.h"
#include "tests/lib/feed.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* A scheme is "<Name token68>", a parameter "name=value" or "name='value'" where it was quoted. */
static const struct {
    const char *value;
    const char *transcript;
} rows[] = {
    {"", ""},
    {" ,, ", ""},
    {"Basic", "<Basic>"},
    {"Basic realm=\"a\"", "<Basic>realm='a' "},
    {"Basic realm=\"a, b=c, Digest d=e\"", "<Basic>realm='a, b=c, Digest d=e' "},
    {"Basic realm=\"a\\\"b\\\\\"", "<Basic>realm='a\"b\\' "},
    {"Basic realm=\"\"", "<Basic>realm='' "},
    {"Digest a=b,c=d", "<Digest>a=b c=d "},
    {"Digest a = \"b\" ,\tc\t=d", "<Digest>a='b' c=d "},
    {"Digest a=b c=d", "<Digest>a=b c=d "},
    {"Digest\ta=b", "<Digest>a=b "},
    {"Digest a=b/c==,d=", "<Digest>a=b/c== d= "},
    /* several challenges in one field */
    {"Basic realm=\"x\", Digest realm=\"y\", nonce=z",
     "<Basic>realm='x' <Digest>realm='y' nonce=z "},
    {"Negotiate, Basic realm=x", "<Negotiate><Basic>realm=x "},
    {"Negotiate,Basic", "<Negotiate><Basic>"},
    {"NTLM Basic realm=x", "<NTLM><Basic>realm=x "},
    {"Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
     "<Newauth>realm='apps' type=1 title='Login to \"apps\"' <Basic>realm='simple' "},
    /* token68 */
    {"NTLM TlRMTVNTUAAC==", "<NTLM TlRMTVNTUAAC==>"},
    {"NTLM TlRMTVNTUAAC==  , Basic realm=x", "<NTLM TlRMTVNTUAAC==><Basic>realm=x "},
    {"Bearer a~b+c/d._-", "<Bearer a~b+c/d._->"},
    {"Digest realm=", "<Digest realm=>"},
    /* what cannot be read ends it */
    {"Digest a=\"b", "<Digest>!"},
    {"Digest a=\"b\\", "<Digest>!"},
    {"Digest a=\"b\\\"", "<Digest>!"},
    {"Digest a=\"b\"c, d=e", "<Digest>!"},
    {"Digest a=b\"c\"", "<Digest>!"},
    {"Digest a=b, =c", "<Digest>a=b !"},
    {"\"Digest\" a=b", "!"},
    {"Dig/est a=b", "!"},
    {"Digest a/b", "<Digest a/b>"},
    {"Digest a=b, c/d", "<Digest>a=b !"},
};

static void describe(struct span value, char *text, size_t size)
{
    FILE *stream = fmemopen(text, size, "w");
    struct challenge_part part;
    char unquoted[256];

    for (;;) {
        enum challenge_kind kind = challenge_next(&value, &part);
        size_t length = challenge_value_write(&part, unquoted);
        const char *quote = part.is_quoted ? "'" : "";

        if (kind == CHALLENGE_SCHEME)
            fprintf(stream, "<%.*s%s%.*s>", (int)part.name.length, part.name.bytes,
                    length > 0 ? " " : "", (int)length, unquoted);
        else if (kind == CHALLENGE_PARAMETER)
            fprintf(stream, "%.*s=%s%.*s%s ", (int)part.name.length, part.name.bytes, quote,
                    (int)length, unquoted, quote);
        else
            fprintf(stream, "%s", kind == CHALLENGE_BAD ? "!" : "");
        if (kind == CHALLENGE_END || kind == CHALLENGE_BAD)
            break;
    }
    fclose(stream);
}

static void test_parts(void **state)
{
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span value = span_of(rows[i].value);

        value.bytes = feed_guarded(0, value);
        memset(text, 0, sizeof(text));
        describe(value, text, sizeof(text));
        if (strcmp(text, rows[i].transcript) != 0)
            fail_msg("%s: got %s, want %s", rows[i].value, text, rows[i].transcript);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
