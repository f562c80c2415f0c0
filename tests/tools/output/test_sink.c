/* A result as each format writes it. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/output/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct haul_piece second_piece = {NULL, "\xA9\n", 2};
static const struct haul_piece text_body = {&second_piece, "caf\xC3", 4};
static const struct haul_piece binary_body = {&second_piece, "caf", 3};

static const struct haul_hop second_hop = {NULL, "http://g/", 9, 307, 2000};
static const struct haul_hop first_hop = {&second_hop, "http://h/\"", 10, 301, 1000};

static const struct haul_try second_try = {NULL, 0, HAUL_CONNECT, 3000};
static const struct haul_try first_try = {&second_try, 503, HAUL_OK, 5000};

#define TIMES                                                                                      \
    .queue_ns = 1999, .connect_ns = 2000, .tls_ns = 3000, .send_ns = 4000, .ttfb_ns = 5000,        \
    .total_ns = 15000
#define OK_REPLY                                                                                   \
    .index = 7, .url = "http://h/\"", .url_length = 10, .method = "GET", .stage = HAUL_STAGE_DONE, \
    .status = 200, .version_minor = 1, .body_bytes = 6, TIMES
#define FAILURE                                                                                    \
    .index = 18446744073709551615u, .url = "http://h/,", .url_length = 10, .method = "PUT",        \
    .error = HAUL_CONNECT, .stage = HAUL_STAGE_CONNECT, .message = "it said \"no\"",               \
    .os_error = ECONNREFUSED

#define OK_BEGIN                                                                                   \
    "{\"index\":7,\"url\":\"http://h/\\\"\",\"method\":\"GET\",\"status\":200,"                    \
    "\"http_version\":\"1.1\","
#define OK_TIMES                                                                                   \
    "\"error\":null,\"queue_us\":1,\"connect_us\":2,\"tls_us\":3,\"send_us\":4,\"ttfb_us\":5,"     \
    "\"total_us\":15,\"anomalies\":[]"
#define OK_END OK_TIMES "}\n"
#define REDIRECTED                                                                                 \
    .url_effective = "http://g/#f", .url_effective_length = 11, .redirects = 2,                    \
    .redirect_ns = 7000, .hops = &first_hop
#define REDIRECTED_END ",\"url_effective\":\"http://g/#f\",\"redirects\":2,\"redirect_us\":7"
#define FAILURE_BEGIN                                                                              \
    "{\"index\":18446744073709551615,\"url\":\"http://h/,\",\"method\":\"PUT\",\"status\":null,"   \
    "\"http_version\":null,"
#define FAILURE_END                                                                                \
    "\"error\":{\"code\":\"connect\",\"stage\":\"connect\",\"message\":\"it said \\\"no\\\"\","    \
    "\"os_error\":\"ECONNREFUSED\"},\"queue_us\":0,\"connect_us\":0,\"tls_us\":0,\"send_us\":0,"   \
    "\"ttfb_us\":0,\"total_us\":0,\"anomalies\":[]}\n"
#define RETRIED .attempts = 3, .wait_ns = 8000, .tries = &first_try
#define CSV_FIELDS                                                                                 \
    "index,url,method,status,http_version,body_bytes,code,stage,message,os_error,"                 \
    "queue_us,connect_us,tls_us,send_us,ttfb_us,total_us,anomalies"
#define CSV_HEAD CSV_FIELDS "\n"

static const struct {
    struct sink_options options;
    struct haul_result result;
    const char *text;
} rows[] = {
    {{.format = SINK_NDJSON}, {OK_REPLY}, OK_BEGIN "\"body_bytes\":6," OK_END},
    {{.format = SINK_NDJSON}, {FAILURE}, FAILURE_BEGIN "\"body_bytes\":0," FAILURE_END},
    {{.format = SINK_NDJSON},
     {.anomalies = HAUL_ANOMALY_CHUNK_SIZE_SPACE | HAUL_ANOMALY_COLON_SPACE,
      .url = "",
      .method = "GET"},
     "{\"index\":0,\"url\":\"\",\"method\":\"GET\",\"status\":null,\"http_version\":null,"
     "\"body_bytes\":0,\"error\":null,\"queue_us\":0,\"connect_us\":0,\"tls_us\":0,\"send_us\":0,"
     "\"ttfb_us\":0,\"total_us\":0,\"anomalies\":[\"chunk_size_space\",\"colon_space\"]}\n"},
    {{.format = SINK_NDJSON, .headers = true},
     {OK_REPLY, .head = "HTTP/1.1 200 OK\r\nA: 1\r\nB:\r\n\r\n", .head_length = 29},
     OK_BEGIN "\"headers\":[[\"A\",\"1\"],[\"B\",\"\"]],\"body_bytes\":6," OK_END},
    {{.format = SINK_NDJSON, .headers = true, .body = true, .verbose = true},
     {FAILURE},
     FAILURE_BEGIN "\"headers\":null,\"body_bytes\":0,\"body\":null,\"tls\":null," FAILURE_END},
    {{.format = SINK_NDJSON, .body = true},
     {OK_REPLY, .body = &text_body},
     OK_BEGIN "\"body_bytes\":6,\"body\":\"caf\xC3\xA9\\n\"," OK_END},
    {{.format = SINK_NDJSON, .body = true},
     {OK_REPLY, .body = &binary_body},
     OK_BEGIN "\"body_bytes\":6,\"body_base64\":\"Y2FmqQo=\"," OK_END},
    {{.format = SINK_NDJSON, .body = true},
     {OK_REPLY},
     OK_BEGIN "\"body_bytes\":6,\"body\":\"\"," OK_END},
    {{.format = SINK_NDJSON, .verbose = true},
     {OK_REPLY, .tls_version = "TLSv1.2", .tls_suite = "S", .tls_verification = "ok",
      .tls_resumed = true, .tls_backend = "openssl"},
     OK_BEGIN "\"body_bytes\":6,\"tls\":{\"version\":\"TLSv1.2\",\"suite\":\"S\",\"verification\":"
              "\"ok\",\"resumed\":true,\"backend\":\"openssl\"}," OK_END},
    {{.format = SINK_NDJSON, .verbose = true},
     {OK_REPLY, .tls_verification = "is out of date"},
     OK_BEGIN "\"body_bytes\":6,\"tls\":{\"version\":null,\"suite\":null,\"verification\":"
              "\"is out of date\",\"resumed\":false,\"backend\":null}," OK_END},
    {{.format = SINK_NDJSON, .follows = true, .verbose = true},
     {OK_REPLY, REDIRECTED},
     OK_BEGIN "\"body_bytes\":6,\"tls\":null," OK_TIMES REDIRECTED_END
              ",\"hops\":[{\"url\":\"http://h/\\\"\",\"status\":301,\"total_us\":1},"
              "{\"url\":\"http://g/\",\"status\":307,\"total_us\":2}]}\n"},
    {{.format = SINK_NDJSON, .follows = true},
     {OK_REPLY, REDIRECTED},
     OK_BEGIN "\"body_bytes\":6," OK_TIMES REDIRECTED_END "}\n"},
    {{.format = SINK_CSV, .follows = true},
     {OK_REPLY, REDIRECTED},
     CSV_FIELDS ",url_effective,redirects,redirect_us\n"
                "7,\"http://h/\"\"\",GET,200,1.1,6,,,,,1,2,3,4,5,15,,http://g/#f,2,7\n"},
    {{.format = SINK_NDJSON, .retries = true, .verbose = true},
     {OK_REPLY, RETRIED},
     OK_BEGIN
     "\"body_bytes\":6,\"tls\":null," OK_TIMES
     ",\"attempts\":3,\"wait_us\":8,\"tries\":[{\"status\":503,\"error\":null,\"wait_us\":5},"
     "{\"status\":null,\"error\":\"connect\",\"wait_us\":3}]}\n"},
    {{.format = SINK_CSV, .retries = true},
     {OK_REPLY, RETRIED},
     CSV_FIELDS ",attempts,wait_us\n"
                "7,\"http://h/\"\"\",GET,200,1.1,6,,,,,1,2,3,4,5,15,,3,8\n"},
    {{.format = SINK_CSV},
     {.index = 1,
      .url = "u",
      .url_length = 1,
      .method = "GET",
      .status = 503,
      .version_minor = 1,
      .error = HAUL_STATUS,
      .message = "bad",
      .retry_after_s = 86400},
     CSV_HEAD
     "1,u,GET,503,1.1,0,status,queue,\"bad; its Retry-After asks for 86400 s, longer than the "
     "tries may take\",,0,0,0,0,0,0,\n"},
    {{.format = SINK_CSV},
     {OK_REPLY},
     CSV_HEAD "7,\"http://h/\"\"\",GET,200,1.1,6,,,,,1,2,3,4,5,15,\n"},
    {{.format = SINK_CSV},
     {OK_REPLY, .anomalies = HAUL_ANOMALY_NAME_SPACE | HAUL_ANOMALY_LENGTH_WITHOUT_BODY},
     CSV_HEAD
     "7,\"http://h/\"\"\",GET,200,1.1,6,,,,,1,2,3,4,5,15,name_space length_without_body\n"},
    {{.format = SINK_CSV},
     {FAILURE},
     CSV_HEAD "18446744073709551615,\"http://h/,\",PUT,,,0,connect,connect,\"it said \"\"no\"\"\","
              "ECONNREFUSED,0,0,0,0,0,0,\n"},
    {{.format = SINK_TEXT}, {OK_REPLY}, "     7 200      6 B    15 us  http://h/\"\n"},
    {{.format = SINK_BODY}, {OK_REPLY, .body = &text_body}, "caf\xC3\xA9\n"},
    {{.format = SINK_BODY}, {OK_REPLY, .body = &text_body, .more = true}, "caf\xC3\xA9\n"},
    {{.format = SINK_NDJSON}, {OK_REPLY, .more = true}, ""},
    {{.format = SINK_NONE}, {OK_REPLY}, ""},
};

/* What a result becomes in a file. */
static void assert_written(const struct sink_options *wanted, const struct haul_result *result,
                           const char *text, size_t length)
{
    char path[] = "/tmp/haul-sink-XXXXXX", *got = calloc(1, length + 2);
    struct sink_options options = *wanted;
    struct sink sink;
    int fd = mkstemp(path);
    assert_true(fd >= 0 && got != NULL);
    close(fd);
    options.path = path;
    assert_int_equal(sink_open(&sink, &options, NULL), 0);
    assert_int_equal(sink_take(&sink, result), 0);
    assert_int_equal(sink_close(&sink, true), 0);
    FILE *file = fopen(path, "re");
    unlink(path);
    assert_non_null(file);
    assert_int_equal(fread(got, 1, length + 1, file), length);
    fclose(file);
    assert_memory_equal(got, text, length);
    free(got);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_written(&rows[i].options, &rows[i].result, rows[i].text, strlen(rows[i].text));
}

/* A string that is longer than a piece, and than the buffer once it is escaped. */
static void test_a_long_url(void **state)
{
    (void)state;
    enum { LENGTH = 16000 };
    static char url[LENGTH + 1], text[LENGTH * 6 + 512];
    memset(url, '\x01', LENGTH);
    char *at = stpcpy(text, "{\"index\":0,\"url\":\"");
    for (int i = 0; i < LENGTH; i++)
        at = stpcpy(at, "\\u0001");
    at = stpcpy(at, "\",\"method\":null,\"status\":null,\"http_version\":null,\"body_bytes\":0,"
                    "\"error\":null,\"queue_us\":0,\"connect_us\":0,\"tls_us\":0,\"send_us\":0,"
                    "\"ttfb_us\":0,\"total_us\":0,\"anomalies\":[]}\n");
    const struct haul_result result = {.url = url, .url_length = LENGTH};
    assert_written(&(struct sink_options){.format = SINK_NDJSON}, &result, text,
                   (size_t)(at - text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_a_long_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
