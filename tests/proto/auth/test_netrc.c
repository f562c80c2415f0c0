/* netrc files and the entries in them. Where curl 7.88 reads a file otherwise, the row says so. */

#include "proto/auth/netrc.h"
#include "tests/lib/feed.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* An entry is "machine login:password;", the default's machine is *, and what is not there is -. */
static const struct {
    struct span text;
    const char *entries;
} rows[] = {
    {WIRE(""), ""},
    {WIRE("machine h login l password p\n"), "h l:p;"},
    {WIRE("machine h login l password p"), "h l:p;"},
    {WIRE("machine\nh\r\nlogin\tl\r\n\r\n\fpassword\vp"), "h l:p;"},
    {WIRE("MACHINE h LOGIN l PassWord p"), "h l:p;"},
    {WIRE("machine h password p login l"), "h l:p;"},
    {WIRE("machine h account a login l account password password p"), "h l:p;"},
    {WIRE("foo bar machine h x login l y password p z"), "h l:p;"},
    {WIRE("login a password b machine h login l password p"), "h l:p;"},
    {WIRE("machine h login machine password default"), "h machine:default;"},
    {WIRE("machine a login b password c machine d login e password f"), "a b:c;d e:f;"},
    {WIRE("default login l password p\nmachine h login a password b"), "* l:p;h a:b;"},
    /* what is missing */
    {WIRE("machine h login l"), "h l:-;"},
    {WIRE("machine h password p"), "h -:p;"},
    {WIRE("machine h"), "h -:-;"},
    {WIRE("machine h\ndefault"), "h -:-;* -:-;"},
    {WIRE("machine h login l\nmachine i login m password q\n"), "h l:-;i m:q;"},
    {WIRE("machine h login l\ndefault login m password q\n"), "h l:-;* m:q;"},
    {WIRE("machine h password p\nmachine h login l\n"), "h -:p;h l:-;"},
    {WIRE("machine"), ""},
    {WIRE("machine h login l machine"), "h l:-;"},
    {WIRE("machine h login"), "h -:-;"},
    {WIRE("machine login l password p"), "login -:p;"},
    /* another account of one machine */
    {WIRE("machine h login a password b login c password d"), "h a:b;h c:d;"},
    {WIRE("machine h login a password b login c machine i"), "h a:b;h c:-;i -:-;"},
    {WIRE("machine h login a login b password c"), "h b:c;"},
    {WIRE("machine h password a password b login c"), "h c:b;"},
    /* quotes */
    {WIRE("machine \"h\" login \"a b\" password \"p\\\"q\\\\r\""), "h a b:p\"q\\r;"},
    {WIRE("machine h login a\"b password p\"q\""), "h a\"b:p\"q\";"},
    {WIRE("machine h login a\\b password \\"), "h a\\b:\\;"},
    {WIRE("\"machine\" h login \"\" password \"\""), "h :;"},
    {WIRE("machine h login \"a#b\" password \"\\p\""), "h a#b:p;"},
    {WIRE("machine h login \"a\"password \"p\""), "h a:p;"}, /* curl: a, and no password */
    {WIRE("machine h login \"a\npassword p"), "!1"},
    {WIRE("machine h login a password p\n\nmachine \"i"), "h a:p;!3"},
    {WIRE("machine h login \"a\\\"\npassword p"), "!1"},
    {WIRE("machine h login \"a\\"), "!1"},
    {WIRE("machine h login \"a\\\nb\""), "!1"},
    {WIRE("#\n#\nmachine h login \""), "!3"},
    /* a login that no field could carry */
    {WIRE("machine h login \"a\\nb\" password p"), "?1"},
    {WIRE("machine h login a password \"p\\r\""), "?1"},
    {WIRE("\nmachine h\nlogin a\1b"), "?3"},
    /* comments */
    {WIRE("# machine x login y password z\nmachine h #login x\nlogin a # b\npassword #p\nq"),
     "h a:q;"}, /* as curl: the comment is passed over */
    {WIRE("machine h login a#b password p#q"), "h a#b:p#q;"},
    {WIRE("#"), ""},
    {WIRE("machine h login l #"), "h l:-;"},
    /* macros, to a line that is empty */
    {WIRE("macdef init\nmachine x login y password z\n\nmachine h login l password p\n"), "h l:p;"},
    {WIRE("macdef init machine x\r\nmachine y\r\n\r\nmachine h\r\n"), "h -:-;"},
    {WIRE("macdef init\n  \nmachine x\n"), ""},
    {WIRE("macdef init\n"), ""},
    {WIRE("macdef"), ""},
    {WIRE("machine h login l\nmacdef init\npassword x\n\npassword p\n"), "h l:p;"}, /* curl: x */
    {WIRE("machine h login macdef password p"), "h macdef:p;"},
    {WIRE("macdef a\nb\n\n\nmachine h login \"\n"), "!5"},
};

static void put(FILE *stream, struct span span)
{
    fprintf(stream, "%.*s", span.bytes != NULL ? (int)span.length : 1,
            span.bytes != NULL ? span.bytes : "-");
}

static void describe(char *text, size_t length, char *ret_entries, size_t size)
{
    FILE *stream = fmemopen(ret_entries, size, "w");
    struct netrc netrc;
    struct netrc_entry entry;
    enum netrc_result result;

    netrc_init(&netrc, text, length);
    while ((result = netrc_next(&netrc, &entry)) == NETRC_ENTRY) {
        put(stream, entry.machine.bytes != NULL ? entry.machine : SPAN("*"));
        fputc(' ', stream);
        put(stream, entry.login);
        fputc(':', stream);
        put(stream, entry.password);
        fputc(';', stream);
    }
    if (result != NETRC_END)
        fprintf(stream, "%c%u", result == NETRC_QUOTE ? '!' : '?', netrc.line);
    else
        assert_int_equal(netrc_next(&netrc, &entry), NETRC_END);
    fclose(stream);
}

static void test_entries(void **state)
{
    char entries[256];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = (char *)(uintptr_t)feed_guarded(0, rows[i].text);

        memset(entries, 0, sizeof(entries));
        describe(text, rows[i].text.length, entries, sizeof(entries));
        if (strcmp(entries, rows[i].entries) != 0)
            fail_msg("%s: got %s, want %s", rows[i].text.bytes, entries, rows[i].entries);
    }
}

static void test_hosts(void **state)
{
    const struct netrc_entry machine = {.machine = SPAN("Example.org")};
    const struct netrc_entry by_default = {0};

    (void)state;
    assert_true(netrc_is_for(&machine, SPAN("example.ORG"), false));
    assert_false(netrc_is_for(&machine, SPAN("example.org."), true));
    assert_false(netrc_is_for(&machine, SPAN("a.example.org"), true));
    assert_true(netrc_is_for(&by_default, SPAN("x"), true));
    assert_false(netrc_is_for(&by_default, SPAN("x"), false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_hosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
