/* The words of a run of load: rows of words, and what they come to or what is said about them. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <inttypes.h>
#include <cmocka.h>

#include "bench/run/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

enum { WORDS_MAX = 32, LINE_BYTES = 512, LINE_LIMIT = 16000 };

static const uint64_t second_ns = 1000000000;

struct parsed {
    char line[LINE_BYTES];
    char message[OPTIONS_MESSAGE_BYTES];
    struct options options;
    enum options_verdict verdict;
};

/* Cuts a line at its spaces. '~' stands for a space inside a word. */
static int split(char *line, char **ret_words)
{
    static char program[] = "haul bench";
    int count = 0;
    ret_words[count++] = program;
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
        for (char *at = strchr(word, '~'); at != NULL; at = strchr(at, '~'))
            *at = ' ';
        ret_words[count++] = word;
    }
    ret_words[count] = NULL;
    return count;
}

static const struct load_options *parse(struct parsed *parsed, const char *line)
{
    char *words[WORDS_MAX] = {NULL};
    *parsed = (struct parsed){0};
    snprintf(parsed->line, sizeof parsed->line, "%s", line);
    int count = split(parsed->line, words);
    parsed->verdict = options_parse(&parsed->options, count, words, parsed->message);
    return &parsed->options.load;
}

static void unparse(struct parsed *parsed)
{
    options_free(&parsed->options);
}

/* --- what is refused -------------------------------------------------------------------------- */

#define COUNT_WANTED(most) ": a number from 1 to " most " is wanted"
#define TIME_WANTED ": a time is wanted, such as 500ms, 30s or 1m30s"
#define RATE_WANTED ": a rate is wanted, such as 1000, 30/1m or 100..5000/s"
#define STAGE_WANTED ": a time and a rate are wanted, such as 10s@100, 30s@100..5000 or 10s@0"
#define STAGES_ALONE(word)                                                                         \
    "--stages says itself how long and how fast: " word " has no place beside it"
#define SIZE_WANTED ": a size up to 64m is wanted, such as 128 or 4k"

static const struct {
    const char *words;
    const char *message;
} refusals[] = {
    {"--frob", "--frob: no such option (--help lists them)"},
    {"http://u --frob=1", "--frob=1: no such option (--help lists them)"},
    {"--p 1", "--p: no such option (--help lists them)"},
    {"-Z", "-Z: no such option (--help lists them)"},
    {"http://u -qZ", "-Z: no such option (--help lists them)"},
    {"http://u -Zq", "-Z: no such option (--help lists them)"},
    {"--quiet=yes", "--quiet=yes: takes no value"},
    {"--insecure=no", "--insecure=no: takes no value"},
    {"--close=1", "--close=1: takes no value"},
    {"http://u -c", "-c: needs a value"},
    {"http://u --rate", "--rate: needs a value"},
    {"-c 0", "-c 0" COUNT_WANTED("100000")},
    {"-c 100001", "-c 100001" COUNT_WANTED("100000")},
    {"-c 5x", "-c 5x" COUNT_WANTED("100000")},
    {"-c -5", "-c -5" COUNT_WANTED("100000")},
    {"-c +5", "-c +5" COUNT_WANTED("100000")},
    {"-c 1.5", "-c 1.5" COUNT_WANTED("100000")},
    {"--connections ~5", "-c  5" COUNT_WANTED("100000")},
    {"-c 99999999999999999999", "-c 99999999999999999999" COUNT_WANTED("100000")},
    {"-n 0", "-n 0" COUNT_WANTED("1099511627776")},
    {"-n 1099511627777", "-n 1099511627777" COUNT_WANTED("1099511627776")},
    {"-n 1k5", "-n 1k5" COUNT_WANTED("1099511627776")},
    {"-n 1.2345k", "-n 1.2345k" COUNT_WANTED("1099511627776")},
    {"-n 0x10", "-n 0x10" COUNT_WANTED("1099511627776")},
    {"-n 1K", "-n 1K" COUNT_WANTED("1099511627776")},
    {"-n 1e3", "-n 1e3" COUNT_WANTED("1099511627776")},
    {"-t 0", "-t 0" COUNT_WANTED("256")},
    {"-t 257", "-t 257" COUNT_WANTED("256")},
    {"--pipeline 0", "--pipeline 0" COUNT_WANTED("1024")},
    {"--pipeline 1025", "--pipeline 1025" COUNT_WANTED("1024")},
    {"--plant 0", "--plant 0" COUNT_WANTED("1000000000")},
    {"--plant 1000000001", "--plant 1000000001" COUNT_WANTED("1000000000")},
    {"--plant 5us", "--plant 5us" COUNT_WANTED("1000000000")},
    {"-z 0", "-z 0" TIME_WANTED},
    {"-z 0x10", "-z 0x10" TIME_WANTED},
    {"-z 1e3", "-z 1e3" TIME_WANTED},
    {"-z 1..2s", "-z 1..2s" TIME_WANTED},
    {"-z 1m30", "-z 1m30" TIME_WANTED},
    {"-z 30s1m", "-z 30s1m" TIME_WANTED},
    {"-z 1m1m", "-z 1m1m" TIME_WANTED},
    {"-z .", "-z ." TIME_WANTED},
    {"-z 0s", "-z 0s" TIME_WANTED},
    {"-z s", "-z s" TIME_WANTED},
    {"-z 5x", "-z 5x" TIME_WANTED},
    {"-z -5s", "-z -5s" TIME_WANTED},
    {"-z 5~s", "-z 5 s" TIME_WANTED},
    {"-z nan", "-z nan" TIME_WANTED},
    {"-z inf", "-z inf" TIME_WANTED},
    {"-z 1e999", "-z 1e999" TIME_WANTED},
    {"-z 99999999h", "-z 99999999h" TIME_WANTED},
    {"-z 0.1ns", "-z 0.1ns" TIME_WANTED},
    {"--timeout 0", "--timeout 0" TIME_WANTED},
    {"--timeout ~", "--timeout  " TIME_WANTED},
    {"--warm-up never", "--warm-up never: auto or a time is wanted, such as 2s"},
    {"--warm-up -1", "--warm-up -1: auto or a time is wanted, such as 2s"},
    {"--stages 10s", "--stages '10s'" STAGE_WANTED},
    {"--stages 10s@", "--stages '10s@'" STAGE_WANTED},
    {"--stages @100", "--stages '@100'" STAGE_WANTED},
    {"--stages 0s@100", "--stages '0s@100'" STAGE_WANTED},
    {"--stages 10s@1e3", "--stages '10s@1e3'" STAGE_WANTED},
    {"--stages 10s@1...2", "--stages '10s@1...2'" STAGE_WANTED},
    {"--stages 10s@0.0001", "--stages '10s@0.0001'" STAGE_WANTED},
    {"--stages 10s@100000001", "--stages '10s@100000001'" STAGE_WANTED},
    {"--stages 10s@5,", "--stages ''" STAGE_WANTED},
    {"--stages ,10s@5", "--stages ''" STAGE_WANTED},
    {"--stages 10s@5,x", "--stages 'x'" STAGE_WANTED},
    {"--stages 10s@0,5s@0..0", "--stages: nothing is ever due: some rate must be above 0"},
    {"--stages 10s@5 -z 5s", STAGES_ALONE("-z")},
    {"--stages 10s@5 -n 5", STAGES_ALONE("-n")},
    {"--rate 5 --stages 10s@5", STAGES_ALONE("--rate")},
    {"--stages 10s@5 --find-max p99<1ms", "--find-max sets the rate itself, in trials of -z"},
    {"--rate 0", "--rate 0" RATE_WANTED},
    {"--rate 0.0009", "--rate 0.0009" RATE_WANTED},
    {"--rate 100000001", "--rate 100000001" RATE_WANTED},
    {"--rate fast", "--rate fast" RATE_WANTED},
    {"--rate 5/", "--rate 5/" RATE_WANTED},
    {"--rate 5/0s", "--rate 5/0s" RATE_WANTED},
    {"--rate 5/60", "--rate 5/60" RATE_WANTED},
    {"--rate 5/week", "--rate 5/week" RATE_WANTED},
    {"--rate 1...2", "--rate 1...2" RATE_WANTED},
    {"--rate .5", "--rate .5" RATE_WANTED},
    {"--rate 0x10", "--rate 0x10" RATE_WANTED},
    {"--rate 1e3", "--rate 1e3" RATE_WANTED},
    {"--rate 5/s/s", "--rate 5/s/s" RATE_WANTED},
    {"--rate 5..", "--rate 5.." RATE_WANTED},
    {"--rate ..5", "--rate ..5" RATE_WANTED},
    {"--rate 5....6", "--rate 5....6" RATE_WANTED},
    {"--rate 1..2..3", "--rate 1..2..3" RATE_WANTED},
    {"--rate 1/s..2/s", "--rate 1/s..2/s" RATE_WANTED},
    {"--rate 500M", "--rate 500M" RATE_WANTED},
    {"--rate -5", "--rate -5" RATE_WANTED},
    {"--loop poll", "--loop poll: uring, epoll or threads is wanted"},
    {"--loop URING", "--loop URING: uring, epoll or threads is wanted"},
    {"--tls-backend gnutls", "--tls-backend gnutls: auto, bearssl or openssl is wanted"},
    {"--tls-max 1.1", "--tls-max 1.1: default, 1.2 or 1.3 is wanted"},
    {"--tlsv1.3 --tls-max 1.2", "TLS: the highest TLS version allowed is below the lowest"},
    {"--tls-backend bearssl --tlsv1.3", "TLS: BearSSL has no TLS 1.3"},
    {"--tls-backend openssl --tls-legacy",
     "TLS: legacy TLS is for BearSSL alone: neither for OpenSSL nor for TLS 1.3"},
    {"--abort-on assert", "--abort-on assert: nothing is asserted (--assert)"},
    {"--abort-on errors",
     "--abort-on 'errors': character 7: one of < <= > >= == != should stand here"},
    {"--interval 9ms", "--interval 9ms: a time from 10ms to 24h is wanted"},
    {"--interval 25h", "--interval 25h: a time from 10ms to 24h is wanted"},
    {"--find-max p99<1s --timeline x", "--find-max makes many runs: --timeline has room for one"},
    {"--reply-size 65m", "--reply-size 65m" SIZE_WANTED},
    {"--reply-size 64.1m", "--reply-size 64.1m" SIZE_WANTED},
    {"--reply-size 4kb", "--reply-size 4kb" SIZE_WANTED},
    {"--reply-size 4g", "--reply-size 4g" SIZE_WANTED},
    {"--reply-size 0x10", "--reply-size 0x10" SIZE_WANTED},
    {"--reply-size 1e300", "--reply-size 1e300" SIZE_WANTED},
    {"--reply-size k", "--reply-size k" SIZE_WANTED},
    {"--assert p98<1ms", "--assert 'p98<1ms': character 1: there is no metric 'p98'"},
    {"--assert p99<20",
     "--assert 'p99<20': character 7: a time needs its unit: ns, us, ms, s or m"},
    {"--assert ok>1 -c 1", "--assert 'ok>1': character 1: there is no metric 'ok'"},
    {"--find-max p99", "--find-max 'p99': character 4: one of < <= > >= == != should stand here"},
    {"-i nowhere", "-i nowhere: No such file or directory"},
    {"-i /", "-i /: Is a directory"},
    {"-i /dev/null", "-i /dev/null: has no URL"},
    {"-d @nowhere", "-d @nowhere: No such file or directory"},
    {"-d @/", "-d @/: Is a directory"},
    {"--https http://u",
     "--https and --reply-size are the embedded server's: with a URL they mean nothing"},
    {"http://u --reply-size 4k",
     "--https and --reply-size are the embedded server's: with a URL they mean nothing"},
    {"--rate 1..2", "--rate A..B needs -z: how long the rate is to grow"},
    {"--rate 1..2 -n 5", "--rate A..B needs -z: how long the rate is to grow"},
    {"--pipeline 2 --close", "--pipeline needs connections that are kept"},
    {"--http1.0 --pipeline 2", "--pipeline needs connections that are kept"},
    {"--find-max p99<1ms --rate 5", "--find-max sets the rate itself, in trials of -z"},
    {"-n 5 --find-max p99<1ms", "--find-max sets the rate itself, in trials of -z"},
    {"--hdr x --find-max p99<1ms", "--find-max makes many runs: --hdr has room for one"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refusals); i++) {
        struct parsed parsed;
        parse(&parsed, refusals[i].words);
        if (parsed.verdict != OPTIONS_BAD || strcmp(parsed.message, refusals[i].message) != 0)
            fail_msg("%s: %d '%s', not '%s'", refusals[i].words, (int)parsed.verdict,
                     parsed.message, refusals[i].message);
        unparse(&parsed);
    }
}

/* What is wanted is not lost behind a word that is too long to be repeated. */
static void test_long_word(void **state)
{
    (void)state;
    static char option[] = "--warm-up", word[4 * OPTIONS_MESSAGE_BYTES];
    char *words[] = {option, option, word, NULL};
    char message[OPTIONS_MESSAGE_BYTES + 1];
    struct options options;
    memset(word, 'x', sizeof word - 1);
    memset(message, '!', sizeof message);
    assert_int_equal(options_parse(&options, 3, words, message), OPTIONS_BAD);
    assert_int_equal(message[OPTIONS_MESSAGE_BYTES], '!');
    assert_memory_equal(message, "--warm-up xxx", 13);
    options_free(&options);
}

/* The names are those of the rows, however many there are. */
static void test_formats(void **state)
{
    static const char *const names[] = {
#define FORMAT_NAME(name, word, put) word,
        RESULT_FORMATS(FORMAT_NAME)
#undef FORMAT_NAME
    };
    struct parsed parsed;
    (void)state;
    parse(&parsed, "--format xml");
    assert_int_equal(parsed.verdict, OPTIONS_BAD);
    assert_memory_equal(parsed.message, "--format xml: ", 14);
    for (size_t i = 0; i < COUNT(names); i++)
        assert_non_null(strstr(parsed.message, names[i]));
    unparse(&parsed);
    for (size_t i = 0; i < COUNT(names); i++) {
        char words[64];
        snprintf(words, sizeof words, "--format %s", names[i]);
        parse(&parsed, words);
        assert_int_equal(parsed.verdict, OPTIONS_RUN);
        assert_int_equal(parsed.options.format, i);
        unparse(&parsed);
    }
}

/* --- what is taken ---------------------------------------------------------------------------- */

static void test_verdicts(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        enum options_verdict verdict;
    } rows[] = {
        {"", OPTIONS_RUN},
        {"http://u", OPTIONS_RUN},
        {"--help", OPTIONS_HELP},
        {"-c 0 --help", OPTIONS_BAD},
        {"--help -c 0", OPTIONS_HELP},
        {"http://u --version", OPTIONS_VERSION},
        {"-- http://u", OPTIONS_RUN},
        {"-- --help", OPTIONS_BAD},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct parsed parsed;
        parse(&parsed, rows[i].words);
        assert_int_equal(parsed.verdict, rows[i].verdict);
        unparse(&parsed);
    }
}

static void test_defaults(void **state)
{
    (void)state;
    struct parsed parsed;
    static const struct load_options zero;
    const struct load_options *load = parse(&parsed, "");
    assert_int_equal(parsed.verdict, OPTIONS_RUN);
    assert_memory_equal(load, &zero, sizeof zero);
    assert_int_equal(load->client, CLIENT_URING);
    assert_int_equal(parsed.options.format, FORMAT_TEXT);
    assert_null(parsed.options.output_path);
    assert_null(parsed.options.hdr_path);
    assert_true(parsed.options.is_embedded);
    assert_int_equal(parsed.options.threshold_count, 0);
    assert_int_equal(parsed.options.find_max_count, 0);
    unparse(&parsed);
}

static void test_load(void **state)
{
    (void)state;
    struct parsed parsed;
    const struct load_options *load =
        parse(&parsed, "-c 100000 -n 1099511627776 -z 30s -t 256 --rate 100..5000/s --loop threads "
                       "--warm-up 2s --timeout 250ms --pin --plant 700 --full-handshake http://u");
    assert_int_equal(parsed.verdict, OPTIONS_RUN);
    assert_int_equal(load->connections, 100000);
    assert_int_equal(load->requests, UINT64_C(1) << 40);
    assert_int_equal(load->duration_ns, 30 * second_ns);
    assert_int_equal(load->threads, 256);
    assert_true(load->rate_from == 100 && load->rate_to == 5000);
    assert_int_equal(load->client, CLIENT_THREADS);
    assert_int_equal(load->warm_up_ns, 2 * second_ns);
    assert_int_equal(load->timeout_ns, second_ns / 4);
    assert_int_equal(load->plant_ns, 700);
    assert_true(load->is_pinned && load->is_full_handshake);
    assert_false(load->is_closing || load->is_http10);
    assert_int_equal(load->pipeline, 0);
    unparse(&parsed);

    load = parse(&parsed, "--connections 7 --requests 8 --duration 9 --threads 2 --close --http1.0 "
                          "--warm-up auto");
    assert_int_equal(parsed.verdict, OPTIONS_RUN);
    assert_int_equal(load->connections, 7);
    assert_int_equal(load->requests, 8);
    assert_int_equal(load->duration_ns, 9 * second_ns);
    assert_int_equal(load->threads, 2);
    assert_int_equal(load->warm_up_ns, LOAD_WARM_UP_AUTO);
    assert_true(load->is_closing && load->is_http10);
    unparse(&parsed);

    load = parse(&parsed, "--pipeline 1024 --warm-up 0 -c 1 -c 2");
    assert_int_equal(load->pipeline, 1024);
    assert_int_equal(load->warm_up_ns, 0);
    assert_int_equal(load->connections, 2); /* the last one counts */
    unparse(&parsed);
}

static void test_loops(void **state)
{
    (void)state;
    for (int kind = 0; kind < CLIENT_COUNT; kind++) {
        char line[32];
        struct parsed parsed;
        snprintf(line, sizeof line, "--loop %s", client_name((enum client_kind)kind));
        assert_int_equal(parse(&parsed, line)->client, kind);
        assert_int_equal(parsed.verdict, OPTIONS_RUN);
        unparse(&parsed);
    }
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ns;
    } rows[] = {
        {"1", UINT64_C(1000000000)},
        {"30s", UINT64_C(30000000000)},
        {"500ms", UINT64_C(500000000)},
        {"5m", UINT64_C(300000000000)},
        {"2h", UINT64_C(7200000000000)},
        {"1.5s", UINT64_C(1500000000)},
        {".25s", UINT64_C(250000000)},
        {"20us", UINT64_C(20000)},
        {"7ns", 7},
        {"0.5", UINT64_C(500000000)},
        {"1m30s", UINT64_C(90000000000)},
        {"1h1m1s1ms1us1ns", UINT64_C(3661001001001)},
        {"1.5m.5s", UINT64_C(90500000000)},
        {"277777h", UINT64_C(999997200000000000)},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char line[96];
        struct parsed parsed;
        snprintf(line, sizeof line, "-z %s --timeout %s --warm-up %s", rows[i].text, rows[i].text,
                 rows[i].text);
        const struct load_options *load = parse(&parsed, line);
        assert_int_equal(parsed.verdict, OPTIONS_RUN);
        assert_int_equal(load->duration_ns, rows[i].ns);
        assert_int_equal(load->timeout_ns, rows[i].ns);
        assert_int_equal(load->warm_up_ns, rows[i].ns);
        unparse(&parsed);
    }
}

static void test_rates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double from;
        double to;
    } rows[] = {
        {"1000", 1000, 1000},
        {"1000/s", 1000, 1000},
        {"5k", 5000, 5000},
        {"2.5k/s", 2500, 2500},
        {"0.001", 0.001, 0.001},
        {"100000000", 1e8, 1e8},
        {"100..5000/s", 100, 5000},
        {"5000..100", 5000, 100},
        {"1k..2k/s", 1000, 2000},
        {"0.5..1.5", 0.5, 1.5},
        {"0.5..0.75", 0.5, 0.75},
        {"30/1m", 0.5, 0.5},
        {"60/m", 1, 1},
        {"60..600/1m", 1, 10},
        {"10/100ms", 100, 100},
        {"5M", 5e6, 5e6},
        {"1k/1m30s", 1000 / 90.0, 1000 / 90.0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char line[64];
        struct parsed parsed;
        snprintf(line, sizeof line, "-z 1 --rate %s", rows[i].text);
        const struct load_options *load = parse(&parsed, line);
        if (parsed.verdict != OPTIONS_RUN)
            fail_msg("%s: %s", line, parsed.message);
        assert_true(load->rate_from == rows[i].from);
        assert_true(load->rate_to == rows[i].to);
        unparse(&parsed);
    }
}

static void test_stages(void **state)
{
    static const struct load_stage wanted[] = {{UINT64_C(10000000000), 100, 100},
                                               {UINT64_C(90000000000), 0.5, 5000},
                                               {UINT64_C(500000000), 0, 0}};
    struct parsed parsed;
    (void)state;
    const struct load_options *load = parse(&parsed, "--stages 10s@100,1m30s@30/1m,500ms@0");
    assert_int_equal(parsed.verdict, OPTIONS_RUN);
    assert_true(load->stages[1].rate_from == 0.5 && load->stages[1].rate_to == 0.5);
    unparse(&parsed);
    load = parse(&parsed, "--stages 10@100/s,90s@0.5..5k,500ms@0");
    assert_int_equal(parsed.verdict, OPTIONS_RUN);
    assert_int_equal(load->stage_count, COUNT(wanted));
    for (size_t i = 0; i < COUNT(wanted); i++) {
        assert_int_equal(load->stages[i].duration_ns, wanted[i].duration_ns);
        assert_true(load->stages[i].rate_from == wanted[i].rate_from);
        assert_true(load->stages[i].rate_to == wanted[i].rate_to);
    }
    assert_int_equal(load->duration_ns, UINT64_C(100500000000));
    unparse(&parsed);
}

/* As many as there is room for, and one more. */
static void test_many_stages(void **state)
{
    (void)state;
    for (size_t count = LOAD_STAGES_MAX; count <= LOAD_STAGES_MAX + 1; count++) {
        char line[LINE_BYTES] = "--stages 1@1";
        struct parsed parsed;
        for (size_t i = 1; i < count; i++)
            strcat(line, ",1@1");
        parse(&parsed, line);
        assert_int_equal(parsed.verdict, count <= LOAD_STAGES_MAX ? OPTIONS_RUN : OPTIONS_BAD);
        if (count > LOAD_STAGES_MAX)
            assert_string_equal(parsed.message, "--stages: more than 64 stages");
        unparse(&parsed);
    }
}

static void test_reply_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {
        {"0", 0},       {"128", 128},    {"4k", 4096},      {"4K", 4096},
        {"64k", 65536}, {"1m", 1 << 20}, {"1.5M", 3 << 19}, {"64m", 64 << 20},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char line[64];
        struct parsed parsed;
        snprintf(line, sizeof line, "--https --reply-size %s", rows[i].text);
        parse(&parsed, line);
        assert_int_equal(parsed.verdict, OPTIONS_RUN);
        assert_int_equal(parsed.options.reply_bytes, rows[i].bytes);
        assert_true(parsed.options.is_https && parsed.options.is_embedded);
        unparse(&parsed);
    }
}

static void test_request(void **state)
{
    (void)state;
    struct parsed parsed;
    const struct load_options *load =
        parse(&parsed, "-H A:~1 -X PUT --header B;~ -A me -d a=b --data c http://u http://v/");
    assert_int_equal(parsed.verdict, OPTIONS_RUN);
    assert_string_equal(load->http.method, "PUT");
    assert_string_equal(load->http.user_agent, "me");
    assert_string_equal(load->http.headers[0], "A: 1");
    assert_string_equal(load->http.headers[1], "B; ");
    assert_null(load->http.headers[2]);
    assert_true(load->http.has_body);
    assert_int_equal(load->http.body_length, 5);
    assert_memory_equal(load->http.body, "a=b&c", 5);
    assert_int_equal(load->url_count, 2);
    assert_string_equal(load->urls[0], "http://u");
    assert_string_equal(load->urls[1], "http://v/");
    assert_null(load->urls[2]);
    assert_false(parsed.options.is_embedded);
    unparse(&parsed);

    load = parse(&parsed, "--request HEAD --user-agent x -- http://-u");
    assert_string_equal(load->http.method, "HEAD");
    assert_string_equal(load->http.user_agent, "x");
    assert_false(load->http.has_body);
    assert_null(load->http.headers);
    assert_string_equal(load->urls[0], "http://-u");
    unparse(&parsed);
}

static void test_tls(void **state)
{
    (void)state;
    struct parsed parsed;
    const struct haul_tls *tls =
        &parse(&parsed, "-k --cacert c --capath d --cert e --key f --pinnedpubkey g --tls-legacy")
             ->tls;
    assert_int_equal(parsed.verdict, OPTIONS_RUN);
    assert_true(tls->insecure && tls->legacy);
    assert_string_equal(tls->ca_file, "c");
    assert_string_equal(tls->ca_directory, "d");
    assert_string_equal(tls->client_certificate, "e");
    assert_string_equal(tls->client_key, "f");
    assert_string_equal(tls->pinned_keys, "g");
    unparse(&parsed);
    assert_true(parse(&parsed, "--insecure")->tls.insecure);
    unparse(&parsed);
}

static void test_tls_versions(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        enum haul_backend backend;
        uint16_t version_min;
        uint16_t version_max;
    } rows[] = {
        {"", HAUL_BACKEND_AUTO, 0, 0},
        {"--tls-backend auto --tls-max default", HAUL_BACKEND_AUTO, 0, 0},
        {"--tls-backend bearssl --tlsv1.2", HAUL_BACKEND_BEARSSL, HAUL_TLS_1_2, 0},
        {"--tls-backend openssl --tlsv1.3", HAUL_BACKEND_OPENSSL, HAUL_TLS_1_3, 0},
        {"--tls-max 1.2", HAUL_BACKEND_AUTO, 0, HAUL_TLS_1_2},
        {"--tlsv1.3 --tls-max 1.3", HAUL_BACKEND_AUTO, HAUL_TLS_1_3, HAUL_TLS_1_3},
        {"--tlsv1.3 --tlsv1.2", HAUL_BACKEND_AUTO, HAUL_TLS_1_2, 0}, /* the last one, as in haul */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct parsed parsed;
        const struct haul_tls *tls = &parse(&parsed, rows[i].words)->tls;
        assert_int_equal(parsed.verdict, OPTIONS_RUN);
        assert_int_equal(tls->backend, rows[i].backend);
        assert_int_equal(tls->version_min, rows[i].version_min);
        assert_int_equal(tls->version_max, rows[i].version_max);
        unparse(&parsed);
    }
}

static void test_result(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed, "--format json -o out --hdr log --assert p99<20ms --assert errors<0.1% "
                   "--calibrate -q");
    const struct options *options = &parsed.options;
    assert_int_equal(parsed.verdict, OPTIONS_RUN);
    assert_int_equal(options->format, FORMAT_JSON);
    assert_string_equal(options->output_path, "out");
    assert_string_equal(options->hdr_path, "log");
    assert_int_equal(options->threshold_count, 2);
    assert_string_equal(options->thresholds[0].text, "p99<20ms");
    assert_string_equal(options->thresholds[1].text, "errors<0.1%");
    assert_true(options->is_calibrating && options->is_quiet);
    assert_int_equal(options->find_max_count, 0);
    unparse(&parsed);

    parse(&parsed, "--output x --format prometheus --quiet --find-max p99~<~50ms");
    assert_true(parsed.options.is_quiet);
    assert_int_equal(parsed.options.find_max_count, 2);
    assert_string_equal(parsed.options.find_max[0].text, "p99 < 50ms");
    assert_true(parsed.options.find_max[0].limit == 50000);
    assert_string_equal(parsed.options.find_max[1].text, "errors<1%");
    assert_int_equal(parsed.options.format, FORMAT_PROMETHEUS);
    assert_string_equal(parsed.options.output_path, "x");
    unparse(&parsed);
    parse(&parsed, "--format text");
    assert_int_equal(parsed.options.format, FORMAT_TEXT);
    unparse(&parsed);
}

/* --- files ------------------------------------------------------------------------------------ */

/* A file with this content, which parse_with_file() takes away. */
static char file_path[] = "/tmp/test_options.XXXXXX";

static void file_make(const char *bytes, size_t length)
{
    strcpy(file_path + strlen(file_path) - 6, "XXXXXX");
    int fd = mkstemp(file_path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), (ssize_t)length);
    close(fd);
}

static const struct load_options *parse_with_file(struct parsed *parsed, const char *before)
{
    char line[LINE_BYTES];
    snprintf(line, sizeof line, "%s%s", before, file_path);
    const struct load_options *load = parse(parsed, line);
    unlink(file_path);
    return load;
}

static void test_url_files(void **state)
{
    (void)state;
    static const char text[] = "# a list\n\nhttp://a/\r\n  \thttp://b/ \t\n \n #c\nhttp://d/";
    struct parsed parsed;
    file_make(text, sizeof text - 1);
    const struct load_options *load = parse_with_file(&parsed, "http://z/ -i ");
    assert_int_equal(parsed.verdict, OPTIONS_RUN);
    assert_int_equal(load->url_count, 4);
    assert_string_equal(load->urls[0], "http://a/");
    assert_string_equal(load->urls[1], "http://b/");
    assert_string_equal(load->urls[2], "http://d/");
    assert_string_equal(load->urls[3], "http://z/");
    assert_null(load->urls[4]);
    unparse(&parsed);
}

static void test_url_faults(void **state)
{
    (void)state;
    static const char text[] = "# two\nhttp://a/\nhttp://b:c/\n";
    struct parsed parsed;
    char message[OPTIONS_MESSAGE_BYTES];
    parse(&parsed, "-c 1 http://a/ htp://b/");
    assert_int_equal(parsed.verdict, OPTIONS_BAD);
    assert_string_equal(parsed.message, "URL 'htp://b/', character 1: the URL's scheme is neither "
                                        "http nor https");
    unparse(&parsed);
    file_make(text, sizeof text - 1);
    parse_with_file(&parsed, "-i ");
    snprintf(
        message, sizeof message,
        "%s:3: URL 'http://b:c/', character 10: the URL's port is not a number from 1 to 65535",
        file_path);
    assert_int_equal(parsed.verdict, OPTIONS_BAD);
    assert_string_equal(parsed.message, message);
    unparse(&parsed);
}

/* A line that begins with a brace is an object; what it does not have is as for all. */
static void test_objects(void **state)
{
    static const char text[] =
        "http://a/\n"
        "  {\"url\": \"http://b/{x}\", \"method\": \"PUT\", \"body\": \"a\\u0000\\u00e9\",\r\n";
    static const char objects[] =
        "http://a/\n"
        " {\"url\":\"http://b/\",\"method\":\"PUT\",\"body\":\"a\\u0000\\u00e9\","
        "\"headers\":[[\"A\",\"1: 2\"],[\"B\",\"\"]]} \r\n"
        "{\"url\":\"http://c/\",\"headers\":null,\"body\":null}\n";
    struct parsed parsed;
    (void)state;
    file_make(objects, sizeof objects - 1);
    const struct load_options *load = parse_with_file(&parsed, "-H X:~1 -i ");
    if (parsed.verdict != OPTIONS_RUN)
        fail_msg("%s", parsed.message);
    assert_int_equal(load->url_count, 3);
    assert_string_equal(load->urls[1], "http://b/");
    assert_null(load->targets[0].method);
    assert_string_equal(load->targets[1].method, "PUT");
    assert_int_equal(load->targets[1].body_length, 4);
    assert_memory_equal(load->targets[1].body, "a\0\xc3\xa9", 4);
    assert_string_equal(load->targets[1].headers[0], "A: 1: 2");
    assert_string_equal(load->targets[1].headers[1], "B;");
    assert_null(load->targets[1].headers[2]);
    assert_null(load->targets[2].headers);
    assert_false(load->targets[2].has_body);
    unparse(&parsed);
    file_make(text, sizeof text - 1); /* an object is a line */
    parse_with_file(&parsed, "-i ");
    assert_int_equal(parsed.verdict, OPTIONS_BAD);
    assert_non_null(strstr(parsed.message, ":2: no JSON, character "));
    unparse(&parsed);
}

/* What is wrong with an object is told, with its line. */
static void test_object_faults(void **state)
{
    static const struct {
        const char *line;
        const char *message;
    } faults[] = {
        {"{}", "it has no \"url\""},
        {"{\"url\":7}", "it has no \"url\""},
        {"{\"url\":\"htp://b\"}",
         "URL 'htp://b', character 1: the URL's scheme is neither http nor https"},
        {"{\"url\":\"http://b\",\"verb\":\"GET\"}",
         "no member is called \"verb\": url, method, headers and body are"},
        {"{\"url\":\"http://b\",\"url\":\"http://c\"}",
         "no JSON, character 23: duplicate object key"},
        {"{\"url\":\"http://b\",\"method\":\"\"}", "\"method\" is not a string that is not empty"},
        {"{\"url\":\"http://b\",\"body\":7}", "\"body\" is not a string"},
        {"{\"url\":\"http://b\",\"headers\":{}}",
         "\"headers\" is not a list of pairs, [[name, value], ...], of strings"},
        {"{\"url\":\"http://b\",\"headers\":[[\"A\"]]}",
         "\"headers\" is not a list of pairs, [[name, value], ...], of strings"},
        {"{\"url\":\"http://b\",\"headers\":[[\"A: b\",\"c\"]]}",
         "\"headers\" is not a list of pairs, [[name, value], ...], of strings"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct parsed parsed;
        char text[256], message[OPTIONS_MESSAGE_BYTES];
        int length = snprintf(text, sizeof text, "#\n%s\n", faults[i].line);
        file_make(text, (size_t)length);
        parse_with_file(&parsed, "-i ");
        snprintf(message, sizeof message, "%s:2: %s", file_path, faults[i].message);
        assert_int_equal(parsed.verdict, OPTIONS_BAD);
        if (strncmp(parsed.message, message, strlen(message)) != 0)
            fail_msg("%s, not %s", parsed.message, message);
        unparse(&parsed);
    }
}

/* Of a template the first request is looked at, and each file that is named. */
static void test_template(void **state)
{
    struct parsed parsed;
    (void)state;
    const struct load_options *load =
        parse(&parsed, "--template http://127.0.0.{random:1..1}:8{index}/{x}");
    if (parsed.verdict != OPTIONS_RUN)
        fail_msg("%s", parsed.message);
    assert_true(load->is_template);
    assert_string_equal(load->urls[0], "http://127.0.0.{random:1..1}:8{index}/{x}");
    unparse(&parsed);
    parse(&parsed, "http://u:8{index}/");
    assert_int_equal(parsed.verdict, OPTIONS_BAD);
    unparse(&parsed);
    parse(&parsed, "--template http://u:x{index}/");
    assert_string_equal(parsed.message, "URL 'http://u:x0/', character 10: the URL's port is not "
                                        "a number from 1 to 65535");
    unparse(&parsed);
    static const char *const lines[] = {"http://u/{line:/none} --template",
                                        "--template -H X:~{line:/none} http://u/",
                                        "--template -d {line:/none}"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        parse(&parsed, lines[i]);
        assert_int_equal(parsed.verdict, OPTIONS_BAD);
        assert_string_equal(parsed.message, "{line:/none}: No such file or directory");
        unparse(&parsed);
    }
    parse(&parsed, "-d {line:/none}");
    assert_int_equal(parsed.verdict, OPTIONS_RUN);
    unparse(&parsed);
}

static void test_url_line_lengths(void **state)
{
    (void)state;
    static char text[2 * LINE_LIMIT + 10];
    for (int more = 0; more < 2; more++) {
        struct parsed parsed;
        char message[OPTIONS_MESSAGE_BYTES];
        size_t length = (size_t)LINE_LIMIT + (size_t)more;
        memset(text, 'a', sizeof text);
        memcpy(text, "http://u\nhttp://u/", 18);
        memcpy(text + 9 + length, "\nhttp://v\n", 10);
        file_make(text, length + 19);
        const struct load_options *load = parse_with_file(&parsed, "-i ");
        snprintf(message, sizeof message, "%s:2: longer than 16000 bytes", file_path);
        if (more) {
            assert_int_equal(parsed.verdict, OPTIONS_BAD);
            assert_string_equal(parsed.message, message);
        } else {
            assert_int_equal(parsed.verdict, OPTIONS_RUN);
            assert_int_equal(load->url_count, 3);
            assert_int_equal(strlen(load->urls[1]), LINE_LIMIT);
            assert_string_equal(load->urls[2], "http://v");
        }
        unparse(&parsed);
    }
}

static void test_body_files(void **state)
{
    (void)state;
    static const char text[] = "{\r\n 1\0}\n";
    struct parsed parsed;
    file_make(text, sizeof text - 1);
    const struct load_options *load = parse_with_file(&parsed, "-d x -d @");
    assert_int_equal(parsed.verdict, OPTIONS_RUN);
    assert_int_equal(load->http.body_length, 6);
    assert_memory_equal(load->http.body, "x&{ 1}", 6);
    unparse(&parsed);

    static char large[100000];
    memset(large, 'l', sizeof large);
    file_make(large, sizeof large);
    load = parse_with_file(&parsed, "-d @");
    assert_int_equal(load->http.body_length, sizeof large);
    assert_memory_equal(load->http.body, large, sizeof large);
    unparse(&parsed);
}

static void test_endless_body(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed, "-d @/dev/zero");
    assert_int_equal(parsed.verdict, OPTIONS_BAD);
    assert_string_equal(parsed.message, "-d @/dev/zero: 64 MiB or more");
    unparse(&parsed);
}

/* --- help ------------------------------------------------------------------------------------- */

/* Not inlined: gcc 12 takes what it returns for a pointer into its own frame. */
static __attribute__((noinline)) char *help_text(void)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    option_help(out, &run_options);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_usage(void **state)
{
    (void)state;
    char *usage = help_text();
    size_t columns = 0;
    for (const char *at = usage; *at != '\0'; at++) {
        bool is_continued = ((unsigned char)*at & 0xC0) == 0x80;
        columns = *at == '\n' ? 0 : columns + !is_continued;
        if (columns > 60)
            fail_msg("60 columns and more: %.70s", at - 60);
    }
    assert_int_equal(columns, 0);
    free(usage);
}

/* Whatever an option is called, the help names it. */
static void test_usage_is_complete(void **state)
{
    (void)state;
    static const char *const names[] = {
        "-c, --connections",
        "-n, --requests",
        "-z, --duration",
        "-t, --threads",
        "--rate",
        "--loop",
        "--warm-up",
        "--pipeline",
        "--close",
        "--http1.0",
        "--timeout",
        "--pin ",
        "--plant",
        "-H, --header",
        "-X, --request",
        "-d, --data",
        "-A, --user-agent",
        "-i, --input",
        "--reply-size",
        "--https",
        "-k, --insecure",
        "--cacert",
        "--capath",
        "--cert ",
        "--key ",
        "--pinnedpubkey",
        "--tls-legacy",
        "--tls-backend",
        "--tlsv1.2",
        "--tlsv1.3",
        "--tls-max",
        "--full-handshake",
        "--format",
        "-o, --output",
        "--hdr",
        "--assert",
        "--find-max",
        "--calibrate",
        "-q, --quiet",
    };
    char *usage = help_text();
    for (size_t i = 0; i < COUNT(names); i++)
        if (strstr(usage, names[i]) == NULL)
            fail_msg("the help has no '%s'", names[i]);
    free(usage);
}

/* The help's line of an option ends with what a run takes where the option is not given. */
static void test_usage_has_the_defaults(void **state)
{
    (void)state;
    const struct load_options filled = load_filled(&(struct load_options){0});
    const struct {
        const char *option, *format;
        uint64_t value;
    } rows[] = {
        {"--connections N ", "(%" PRIu64 ")\n", filled.connections},
        {"--threads N ", "(%" PRIu64 ")\n", filled.threads},
        {"--duration TIME ", "(%" PRIu64 "s)\n", filled.duration_ns / 1000000000},
        {"--timeout TIME ", "(%" PRIu64 "s)\n", filled.timeout_ns / 1000000000},
    };
    char *usage = help_text();
    for (size_t i = 0; i < COUNT(rows); i++) {
        char wanted[40];
        const char *line = strstr(usage, rows[i].option);
        assert_non_null(line);
        size_t length = (size_t)snprintf(wanted, sizeof wanted, rows[i].format, rows[i].value);
        size_t end = strcspn(line, "\n") + 1;
        if (strncmp(line + end - length, wanted, length) != 0)
            fail_msg("the help says not %s of %s", wanted, rows[i].option);
    }
    free(usage);
}

/* Unless told otherwise, a rate at which requests fail is not looked for. */
static void test_find_max(void **state)
{
    static const struct {
        const char *words;
        size_t count;
        const char *last;
    } cases[] = {
        {"--find-max p99<1ms --find-max rate_held>0.9", 3, "errors<1%"},
        {"--find-max p99<1ms --find-max errors<5%", 2, "errors<5%"},
        {"--find-max error_share<0.5", 1, "error_share<0.5"},
        {"--find-max p99<1ms --assert errors<9", 1, "p99<1ms"},
        {"--find-max p99<1ms --assert p50<9ms", 2, "errors<1%"},
        {"--assert p50<9ms", 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parsed parsed;
        parse(&parsed, cases[i].words);
        assert_int_equal(parsed.options.find_max_count, cases[i].count);
        if (cases[i].count > 0)
            assert_string_equal(parsed.options.find_max[cases[i].count - 1].text, cases[i].last);
        options_free(&parsed.options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_max),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_long_word),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_loops),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_many_stages),
        cmocka_unit_test(test_reply_sizes),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_tls_versions),
        cmocka_unit_test(test_result),
        cmocka_unit_test(test_url_files),
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_object_faults),
        cmocka_unit_test(test_template),
        cmocka_unit_test(test_url_line_lengths),
        cmocka_unit_test(test_url_faults),
        cmocka_unit_test(test_body_files),
        cmocka_unit_test(test_endless_body),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_usage_is_complete),
        cmocka_unit_test(test_usage_has_the_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
