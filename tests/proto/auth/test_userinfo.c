/* User information, found in URLs and in what is none, and decoded. */

#include "proto/auth/userinfo.h"
#include "proto/http/url.h"
#include "tests/lib/feed.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define NONE                                                                                       \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

/* shown: the text without it; the text itself where there is none. */
static const struct {
    const char *text;
    const char *shown;
    const char *userinfo;
} rows[] = {
    {"http://u:p@h/", "http://h/", "u:p"},
    {"http://@h", "http://h", ""},
    {"http://u:p@h:99999/x@y", "http://h:99999/x@y", "u:p"},
    {"http://u:p/w@h/", "http://h/", "u:p/w"},
    {"http://u:p?w@h/", "http://h/", "u:p?w"},
    {"http://u:p@ho st/a@b", "http://ho st/a@b", "u:p"},
    {"http://a@b@c/", "http://c/", "a@b"},
    {"u:p@h/x", "h/x", "u:p"},
    {"ftp://u:p@h/x?y@z", "ftp://h/x?y@z", "u:p"},
    {"http://u@", "http://", "u"},
    {"http://h a/@x", "http://h a/@x", NULL},
    {"http://h a?@x", "http://h a?@x", NULL},
    {"http://h a#@x", "http://h a#@x", NULL},
    {"", "", NULL},
    {"h", "h", NULL},
};

static void test_places(void **state)
{
    char room[URL_ROOM_BYTES], shown[64];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span text = span_of(rows[i].text), before, userinfo, behind;
        struct url url;
        enum proto_error error = url_parse(text, room, &url, NULL);
        bool is_found;

        text.bytes = feed_guarded(0, text);
        is_found = userinfo_find(text, error, &before, &userinfo, &behind);
        assert_int_not_equal(error, PROTO_OK);
        assert_int_equal(is_found, rows[i].userinfo != NULL);
        if (!is_found)
            continue;
        memset(shown, 0, sizeof(shown));
        memcpy(shown, before.bytes, before.length);
        memcpy(shown + before.length, behind.bytes, behind.length);
        assert_string_equal(shown, rows[i].shown);
        assert_true(span_equal(userinfo, span_of(rows[i].userinfo)));
    }
}

/* What is not there has bytes NULL. */
static const struct {
    struct span userinfo;
    struct span user, password;
    enum proto_error error;
} decoded[] = {
    {WIRE(""), WIRE(""), NONE, PROTO_OK},
    {WIRE("u"), WIRE("u"), NONE, PROTO_OK},
    {WIRE("u:"), WIRE("u"), WIRE(""), PROTO_OK},
    {WIRE(":p"), WIRE(""), WIRE("p"), PROTO_OK},
    {WIRE("u:p:q"), WIRE("u"), WIRE("p:q"), PROTO_OK},
    {WIRE("a%40b%3Ac:%3ad%20"), WIRE("a@b:c"), WIRE(":d "), PROTO_OK},
    {WIRE("%zz%4:%"), WIRE("%zz%4"), WIRE("%"), PROTO_OK},
    {WIRE("%ff\xff"), WIRE("\xff\xff"), NONE, PROTO_OK},
    {WIRE("a%00b"), NONE, NONE, PROTO_URL_USERINFO_CONTROL},
    {WIRE("a:%1f"), NONE, NONE, PROTO_URL_USERINFO_CONTROL},
    {WIRE("%7f"), NONE, NONE, PROTO_URL_USERINFO_CONTROL},
    {WIRE("%0d%0a"), NONE, NONE, PROTO_URL_USERINFO_CONTROL},
};

static void test_decoding(void **state)
{
    char buffer[64];

    (void)state;
    for (size_t i = 0; i < sizeof(decoded) / sizeof(decoded[0]); i++) {
        struct span user, password;
        struct span text = {feed_guarded(0, decoded[i].userinfo), decoded[i].userinfo.length};

        assert_int_equal(userinfo_decode(text, buffer, &user, &password), decoded[i].error);
        if (decoded[i].error != PROTO_OK)
            continue;
        assert_true(span_equal(user, decoded[i].user) && user.bytes != NULL);
        assert_true(span_equal(password, decoded[i].password));
        assert_int_equal(password.bytes != NULL, decoded[i].password.bytes != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_decoding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
