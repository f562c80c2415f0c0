/* What -w writes of a result, and which names files get. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/output/names.h"
#include "tools/output/writeout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct haul_result reply = {
    .index = 3,
    .url = "http://h",
    .url_length = 8,
    .method = "GET",
    .stage = HAUL_STAGE_DONE,
    .status = 200,
    .version_minor = 1,
    .head = "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nX: 1\033[m\r\nx: 2\r\n\r\n",
    .head_length = 54,
    .body_bytes = 1000,
    .connect_ns = 1000000,
    .send_ns = 1000,
    .ttfb_ns = 2000000,
    .total_ns = 4000000000,
};

static const struct haul_result failure = {
    .url = "https://h/p",
    .url_length = 11,
    .method = "GET",
    .error = HAUL_CONNECT,
    .stage = HAUL_STAGE_CONNECT,
    .message = "no",
};

static const struct haul_result redirected = {
    .url = "http://h/a",
    .url_length = 10,
    .method = "GET",
    .stage = HAUL_STAGE_DONE,
    .status = 302,
    .version_minor = 1,
    .head = "HTTP/1.1 302 x\r\nLocation: ../c d\r\n\r\n",
    .head_length = 36,
    .url_effective = "https://g/x/b#f",
    .url_effective_length = 15,
    .redirects = 2,
    .redirect_ns = 1500000000,
    .retries = 3,
    .attempts = 6,
};

static const struct {
    const struct haul_result *result;
    const char *format, *text;
    bool is_terminal;
} rows[] = {
    {&reply, "", "", false},
    {&reply, "a\\tb\\n\\r\\q\\", "a\tb\n\r\\q\\", false},
    {&reply, "%%{http_code} %x % %{", "%{http_code} %x % %{", false},
    {&reply, "%{http_code}/%{response_code}", "200/200", false},
    {&failure, "%{http_code} %{exitcode} %{errormsg}", "000 7 no", false},
    {&reply, "%{exitcode}|%{errormsg}|", "0||", false},
    {&reply, "%{size_download} %{size_header} %{num_headers} %{speed_download}", "1000 54 3 250",
     false},
    {&reply, "%{time_connect} %{time_appconnect} %{time_pretransfer}", "0.001000 0.000000 0.001000",
     false},
    {&reply, "%{time_starttransfer} %{time_total}", "0.003001 4.000000", false},
    {&reply, "%{url} %{url_effective} %{scheme} %{method}", "http://h http://h/ HTTP GET", false},
    {&failure, "%{url_effective} %{scheme} %{http_version}", "https://h/p HTTPS 0", false},
    {&redirected, "%{url_effective} %{scheme} %{redirect_url}",
     "https://g/x/b#f HTTPS https://g/c%20d#f", false},
    {&redirected, "%{num_redirects} %{num_retries} %{time_redirect}", "2 3 1.500000", false},
    {&reply, "%{num_redirects} %{num_retries} %{time_redirect}%{redirect_url}", "0 0 0.000000",
     false},
    {&reply, "%{http_version} %{num_connects} %{urlnum}", "1.1 1 3", false},
    {&failure, "%{num_connects}", "0", false},
    {&reply, "%{content_type} %header{X}%header{none}", "a/b 1\033[m", false},
    {&reply, "%header{x}\033", "1?[m\033", true},
    {&reply, "%{none}%{http_code}%{}", "200", false},
    {&reply, "a%{onerror}b", "a", false},
    {&failure, "a%{onerror}b", "ab", false},
    {&reply, "%{stderr}%{stdout}a", "a", false},
    {&reply, "%{header_json}", "{\"content-type\":[\"a/b\"],\n\"x\":[\"1\\u001b[m\",\"2\"]\n}",
     false},
    {&failure, "%{header_json}", "{}", false},
    {&reply, "%{filename_effective}", "file", false},
};

static char *written(const struct writeout *writeout, const struct haul_result *result,
                     bool is_terminal, char *text, size_t size)
{
    char path[] = "/tmp/haul-writeout-XXXXXX";
    struct output output;
    char scratch[WRITEOUT_SCRATCH_BYTES];
    struct writeout_facts facts = {"file", result->message, is_terminal, scratch};
    close(mkstemp(path));
    assert_int_equal(output_open(&output, path), 0);
    writeout_write(writeout, result, &facts, &output);
    assert_int_equal(output_close(&output, true), 0);
    FILE *file = fopen(path, "re");
    unlink(path);
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void test_rows(void **state)
{
    (void)state;
    char text[1024];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct writeout *writeout;
        assert_int_equal(writeout_open(&writeout, rows[i].format), 0);
        written(writeout, rows[i].result, rows[i].is_terminal, text, sizeof(text));
        assert_string_equal(text, rows[i].text);
        writeout_close(writeout);
    }
}

static void test_unknown(void **state)
{
    (void)state;
    struct writeout *writeout;
    char text[64];
    assert_int_equal(writeout_open(&writeout, "%{a}%{http_code}%{b}%{a} %%{c} %header{d}"), 0);
    assert_true(writeout_describe_unknown(writeout, text, sizeof(text)));
    assert_string_equal(text, "%{a}, %{b}");
    writeout_close(writeout);
    assert_int_equal(writeout_open(&writeout, "%{json}%{url}%{onerror}"), 0);
    assert_false(writeout_describe_unknown(writeout, text, sizeof(text)));
    writeout_close(writeout);
}

/* Every variable of the list is known by its name, and in %{json}. */
static void test_all(void **state)
{
    (void)state;
    const char *name, *manual;
    char format[64], member[64], json[2048], text[64];
    struct writeout *writeout;
    assert_int_equal(writeout_open(&writeout, "%{json}"), 0);
    written(writeout, &reply, false, json, sizeof(json));
    writeout_close(writeout);
    for (size_t i = 0; writeout_variable(i, &name, &manual); i++) {
        snprintf(format, sizeof(format), "%%{%s}", name);
        snprintf(member, sizeof(member), "\"%s\":", name);
        assert_int_equal(writeout_open(&writeout, format), 0);
        assert_false(writeout_describe_unknown(writeout, text, sizeof(text)));
        writeout_close(writeout);
        assert_non_null(strstr(json, member));
    }
}

static void test_names(void **state)
{
    (void)state;
    struct names names = {0};
    static const struct {
        uint64_t place; /* of its directory, however that is written */
        const char *asked, *given;
    } asks[] = {
        {1, "a", "a"},       {1, "a", "a.1"},           {1, "a.2", "a.2"},
        {1, "a", "a.3"},     {1, "a.1", "a.1.1"},       {1, "b", "b"},
        {2, "d/a", "d/a"},   {2, "d/a", "d/a.1"},       {2, "e/../d/a", "e/../d/a.2"},
        {1, "./b", "./b.1"}, {1, "d/../b", "d/../b.2"}, {3, "b", "b"},
    };
    char path[512];
    for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
        bool was_free = strcmp(asks[i].asked, asks[i].given) == 0;
        assert_int_equal(names_have(&names, asks[i].place, asks[i].asked), !was_free);
        assert_int_equal(names_take(&names, asks[i].place, strcpy(path, asks[i].asked)), 0);
        assert_string_equal(path, asks[i].given);
    }
    names_deinit(&names);
}

/* Cut as far as the number needs, and all of them different. */
static void test_many_names(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    struct names names = {0}, seen = {0};
    char path[512], again[512];
    for (int i = 0; i < MANY; i++) {
        memset(path, 'x', 255);
        memcpy(path, "d/", 2);
        path[2 + 255] = '\0';
        memset(path + 2, 'x', 255);
        assert_int_equal(names_take(&names, 1, path), 0);
        assert_int_equal(strlen(path), 2 + 255);
        assert_int_equal(names_take(&seen, 1, strcpy(again, path)), 0);
        assert_string_equal(again, path);
    }
    assert_string_equal(path + 2 + 255 - 5, ".1999");
    names_deinit(&names);
    names_deinit(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),  cmocka_unit_test(test_unknown),    cmocka_unit_test(test_all),
        cmocka_unit_test(test_names), cmocka_unit_test(test_many_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
