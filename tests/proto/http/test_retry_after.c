/* How long replies ask to wait: heads, and seconds or none. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/http/retry_after.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HEAD(fields) "HTTP/1.1 503 x\r\n" fields "\r\n"

enum { NONE = -1, NOW_S = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT */

static const struct {
    const char *head;
    int64_t wait_s;
} rows[] = {
    {HEAD(""), NONE},
    {HEAD("Retry-After: 0\r\n"), 0},
    {HEAD("retry-after:\t120 \r\n"), 120},
    {HEAD("Retry-After: 000120\r\n"), 120},
    {HEAD("Retry-After: 5\r\nRetry-After: 7\r\nRetry-After: 6\r\n"), 7},
    {HEAD("Retry-After: soon\r\nRetry-After: 7\r\n"), 7},
    {HEAD("Retry-After: 99999999999999999999999\r\n"), RETRY_AFTER_MOST_S},
    {HEAD("Retry-After:\r\n"), NONE},
    {HEAD("Retry-After: -1\r\n"), NONE},
    {HEAD("Retry-After: +1\r\n"), NONE},
    {HEAD("Retry-After: 1.5\r\n"), NONE},
    {HEAD("Retry-After: 10s\r\n"), NONE},
    {HEAD("Retry-After: 1 2\r\n"), NONE},
    {HEAD("Retry-After: 0x10\r\n"), NONE},
    {HEAD("Retry-After: tomorrow\r\n"), NONE},
    {HEAD("X-Retry-After: 5\r\n"), NONE},
    /* dates, by the caller's clock */
    {HEAD("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), 0},
    {HEAD("Retry-After: Sun, 06 Nov 1994 08:50:37 GMT\r\n"), 60},
    {HEAD("Retry-After: Sunday, 06-Nov-94 08:50:37 GMT\r\n"), 60},
    {HEAD("Retry-After: Sun Nov  6 08:50:37 1994\r\n"), 60},
    {HEAD("Retry-After: Wed Nov 16 08:49:37 1994\r\n"), 864000},
    {HEAD("Retry-After: Sun, 06 Nov 1994 08:49:36 GMT\r\n"), 0},
    {HEAD("Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n"), 0},
    {HEAD("Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n"), RETRY_AFTER_MOST_S},
    /* and by the server's */
    {HEAD("Date: Sat, 01 Jan 2000 00:00:00 GMT\r\nRetry-After: Sat, 01 Jan 2000 00:00:09 GMT\r\n"),
     9},
    {HEAD("Retry-After: Tue, 29 Feb 2000 00:00:00 GMT\r\nDate: Mon, 28 Feb 2000 00:00:00 GMT\r\n"),
     86400},
    {HEAD("Date: yesterday\r\nRetry-After: Sun, 06 Nov 1994 08:50:37 GMT\r\n"), 60},
    {HEAD("Date: Sat, 01 Jan 2000 00:00:00 GMT\r\nRetry-After: 7\r\n"), 7},
};

static void test_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t wait_s;
        bool has = retry_after_find(span_of(rows[i].head), NOW_S, &wait_s);
        if (has != (rows[i].wait_s != NONE) || (has && wait_s != rows[i].wait_s))
            fail_msg("%s: %d, %lld", rows[i].head, has, (long long)wait_s);
    }
}

static const char *const bad_dates[] = {
    "",
    "Sun",
    "Sun,",
    "Su, 06 Nov 1994 08:49:37 GMT",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun, 06 nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 94 08:49:37 GMT",
    "Sun, 06 Nov 1994 8:49:37 GMT",
    "Sun, 06 Nov 1994 24:49:37 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 32 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 GMT ",
    "Sun, 06 Nov -994 08:49:37 GMT",
    "Sun Nov 6 08:49:37 1994",
    "Sun Nov  6 08:49:37 94",
    "1994-11-06T08:49:37Z",
};

/* Each as it stands, and the good ones without any number of their last bytes, before an end of
 * memory. */
static void test_bad_dates(void **state)
{
    static const char *const good[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                       "Sunday, 06-Nov-94 08:49:37 GMT",
                                       "Sun Nov  6 08:49:37 1994"};
    int64_t date_s;

    (void)state;
    for (size_t i = 0; i < COUNT(bad_dates); i++)
        if (http_date_read(span_of(bad_dates[i]), &date_s))
            fail_msg("%s", bad_dates[i]);
    for (size_t i = 0; i < COUNT(good); i++)
        for (size_t length = 0; length <= strlen(good[i]); length++) {
            char *cut = malloc(length + 1);
            memcpy(cut, good[i], length);
            assert_int_equal(http_date_read((struct span){cut, length}, &date_s),
                             length == strlen(good[i]));
            free(cut);
        }
}

/* Every day of some centuries, as the C library counts them. */
static void test_the_calendar(void **state)
{
    char text[64];
    (void)state;
    setenv("TZ", "UTC", 1);
    for (int64_t day = 0; day < 365 * 500; day += 13) {
        time_t time = (time_t)(day * 86400 + day % 86400);
        struct tm parts;
        int64_t date_s;
        gmtime_r(&time, &parts);
        strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts);
        assert_true(http_date_read(span_of(text), &date_s));
        assert_int_equal(date_s, time);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_bad_dates),
        cmocka_unit_test(test_the_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
