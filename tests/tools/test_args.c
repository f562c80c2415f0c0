/* The command line: rows of words, and what they come to or what is said about them. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 32 };

/* Cuts a line at its spaces. '_' stands for a space inside a word. */
static int split(char *line, char **ret_words)
{
    static char program[] = "haul";
    int count = 0;
    ret_words[count++] = program;
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
        for (char *at = strchr(word, '_'); at != NULL; at = strchr(at, '_'))
            *at = ' ';
        ret_words[count++] = word;
    }
    ret_words[count] = NULL;
    return count;
}

struct parsed {
    char line[512];
    char message[512];
    struct args args;
    int code;
};

static void parse(struct parsed *parsed, const char *line)
{
    char *words[WORDS_MAX] = {NULL};
    *parsed = (struct parsed){0};
    snprintf(parsed->line, sizeof(parsed->line), "%s", line);
    int count = split(parsed->line, words);
    parsed->code =
        args_parse(&parsed->args, count, words, parsed->message, sizeof(parsed->message));
}

static const struct {
    const char *words;
    const char *message;
} refusal_rows[] = {
    {"", "no URL and no -i FILE; see haul --help"},
    {"--frob u", "unknown option '--frob'; see haul --help"},
    {"--frob=secret u", "unknown option '--frob'; see haul --help"},
    {"--cocnurrency 5 u",
     "unknown option '--cocnurrency'; did you mean --concurrency? See haul --help"},
    {"--maxtime=5 u", "unknown option '--maxtime'; did you mean --max-time? See haul --help"},
    {"--qiet u", "unknown option '--qiet'; did you mean --quiet? See haul --help"},
    {"--a-word-that-is-far-longer-than-any-option u",
     "unknown option '--a-word-that-is-far-longer-than-any-option'; see haul --help"},
    {"--quiet -jq u", "unknown option '-j'; see haul --help"},
    {"-qm x u",
     "-m/--max-time 'x': seconds from 0.001 to 1000000000 are wanted, or 0 for no limit"},
    {"-qx p u", "unknown option '-x': haul connects directly, and by no proxy"},
    {"--proxy=p u", "unknown option '--proxy': haul connects directly, and by no proxy"},
    {"-T f -d x u",
     "-d/--data, -F/--form and -T/--upload-file exclude each other: a request has one "
     "body"},
    {"-F a=b --json 1 u", "-d/--data, -F/--form and -T/--upload-file exclude each other: a request "
                          "has one body"},
    {"-G -F a=b u", "-G/--get is for -d/--data; a form cannot go into a URL"},
    {"-G -T f u", "-G/--get is for -d/--data; a file cannot go into a URL"},
    {"-I -F a=b u", "-I/--head and -F/--form exclude each other"},
    {"-I -T f u", "-I/--head and -T/--upload-file exclude each other"},
    {"-T f -T g u", "-T/--upload-file is given twice: the one file goes to every URL"},
    {"-T - -i -", "-T/--upload-file '-': stdin can be read only once"},
    {"-F a u", "-F/--form 'a': NAME=VALUE, NAME=@FILE or NAME=<FILE is wanted"},
    {"-F =) u", "-F/--form '=)': no part of parts was begun, by NAME=(, that this could end"},
    {"-F a=( -F =) -F =) u",
     "-F/--form '=)': no part of parts was begun, by NAME=(, that this could end"},
    {"-F a=( -F b=( -F c=( -F d=( -F e=( -F f=( -F g=( -F h=( -F i=( -F j=( u",
     "-F/--form 'j=(': parts lie in each other, more than 9 deep"},
    {"-F a=(;q=r u",
     "-F/--form 'a=(;q=r': behind a semicolon only type= and filename= are known; a "
     "value that has one belongs in double quotes"},
    {"-F a=@/dev/null,/dev/null;q=r u",
     "-F/--form 'a=@/dev/null,/dev/null;q=r': behind a semicolon only type= and filename= are "
     "known; a value that has one belongs in double quotes"},
    {"-F a=b;c u", "-F/--form 'a=b;c': behind a semicolon only type= and filename= are known; a "
                   "value that has one belongs in double quotes"},
    {"-b a=b u", "unknown option '-b': haul keeps no cookies; -H 'Cookie: NAME=VALUE' sends one"},
    {"--cookie a=b u",
     "unknown option '--cookie': haul keeps no cookies; -H 'Cookie: NAME=VALUE' sends one"},
    {"-C - u", "unknown option '-C': a body begins anew, and a file from before stays until it is "
               "whole; leave it out, or ask for a part by -r"},
    {"-c jar.txt u",
     "-c/--concurrency 'jar.txt': a number from 1 to 100000 is wanted; curl's -c FILE keeps "
     "cookies, which haul does not; -H 'Cookie: NAME=VALUE' sends one"},
    {"u --next u", "unknown option '--next': one run has one set of options; run haul once for "
                   "each"},
    {"-o a -o b u", "-o/--output is given twice: it is the one file of the results; --bodies DIR "
                    "or -O give each body a file of its own"},
    {"-o a -o - u", "-o/--output is given twice: it is the one file of the results; --bodies DIR "
                    "or -O give each body a file of its own"},
    {"-o f#1.html u", "-o/--output 'f#1.html': it is the file of the results; --bodies DIR or -O "
                      "give each body a file of its own"},
    {"-O --bodies d u", "--bodies and -O/--remote-name exclude each other: both name the file of a "
                        "body"},
    {"--output-dir d u", "--output-dir is for the files of -O/--remote-name; bodies named by their "
                         "number go to --bodies DIR"},
    {"-f --fail-with-body u", "-f/--fail and --fail-with-body exclude each other"},
    {"--proto-default ftp u", "--proto-default 'ftp': one of http, https is wanted"},
    {"-r bytes=1-2 u", "-r/--range 'bytes=1-2': a range of bytes is wanted: 0-499, 500- or -500"},
    {"-e http://r;auto u",
     "-e/--referer 'http://r;auto': ;auto is not done here; give the URL alone"},
    {"-w", "-w/--write-out wants a value; see haul --help"},
    {"-i - -K -", "-K/--config '-': stdin can be read only once"},
    {"-s=x u", "unknown option '-='; see haul --help"},
    {"--silent=x u", "-q/--quiet takes no value"},
    {"-g --glob u", "-g/--globoff and --glob exclude each other"},
    {"help", "'help' is no URL; did you mean haul --help?"},
    {"-c 2 hepl tls", "'hepl' is no URL; did you mean haul --help?"},
    {"doctr", "'doctr' is no URL; did you mean haul doctor?"},
    {"doctor u", "doctor takes no other words; did you mean haul doctor?"},
    {"-- doctor", "doctor takes no other words; did you mean haul doctor?"},
    {"bnech run u", "'bnech' is no URL; did you mean haul bench?"},
    {"vesion", "'vesion' is no URL; did you mean haul --version?"},
    {"-", "'-' is no URL; -i - reads URLs from stdin"},
    {"u -- -", "'-' is no URL; -i - reads URLs from stdin"},
    {"--connect-t 5 u",
     "option '--connect-t' is ambiguous: --connect-timeout, --connect-to; see haul --help"},
    {"--ca=x u", "option '--ca' is ambiguous: --cacert, --capath; see haul --help"},
    {"u -c", "-c/--concurrency wants a value; see haul --help"},
    {"u --format", "--format wants a value; see haul --help"},
    {"--quiet=yes u", "-q/--quiet takes no value"},
    {"-c 0 u", "-c/--concurrency '0': a number from 1 to 100000 is wanted"},
    {"-c 100001 u", "-c/--concurrency '100001': a number from 1 to 100000 is wanted"},
    {"-c 5x u", "-c/--concurrency '5x': a number from 1 to 100000 is wanted"},
    {"-c -5 u", "-c/--concurrency '-5': a number from 1 to 100000 is wanted"},
    {"-c +5 u", "-c/--concurrency '+5': a number from 1 to 100000 is wanted"},
    {"-c 99999999999999999999 u",
     "-c/--concurrency '99999999999999999999': a number from 1 to 100000 is wanted"},
    {"--window 0 u", "--window '0': a number from 1 to 4194304 is wanted"},
    {"--repeat 0 u", "--repeat '0': a number from 1 to 9223372036854775807 is wanted"},
    {"--max-time 1s u",
     "-m/--max-time '1s': seconds from 0.001 to 1000000000 are wanted, or 0 for no limit"},
    {"--max-time . u",
     "-m/--max-time '.': seconds from 0.001 to 1000000000 are wanted, or 0 for no limit"},
    {"--connect-timeout nan u",
     "--connect-timeout 'nan': seconds from 0.001 to 1000000000 are wanted, or 0 for no limit"},
    {"--loop poll u", "--loop 'poll': one of auto, uring, epoll is wanted"},
    {"--on-error stop u", "--on-error 'stop': one of collect, cancel is wanted"},
    {"--format csv --body u", "--headers, --body and -v/--verbose are for --format ndjson"},
    {"--format text --headers u", "--headers, --body and -v/--verbose are for --format ndjson"},
    {"--format none -v u", "--headers, --body and -v/--verbose are for --format ndjson"},
    {"u --cacert", "--cacert wants a value; see haul --help"},
    {"u --connect-to", "--connect-to wants a value; see haul --help"},
    {"u --resolve", "--resolve wants a value; see haul --help"},
    {"u --deny-address", "--deny-address wants a value; see haul --help"},
    {"--insecure=no u", "-k/--insecure takes no value"},
    {"--key k.pem u", "--key is the key of a --cert, and there is none"},
    {"-I -d x u", "-I/--head and -d/--data exclude each other"},
    {"-i - -i -", "-i/--input '-': stdin can be read only once"},
    {"-i - -d @-", "-d/--data '@-': stdin can be read only once"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusal_rows) / sizeof(refusal_rows[0]); i++) {
        struct parsed parsed;
        parse(&parsed, refusal_rows[i].words);
        assert_int_equal(parsed.code, 2);
        assert_string_equal(parsed.message, refusal_rows[i].message);
        args_free(&parsed.args);
    }
}

/* Every format is taken by its name, and all are named where it is none. */
static void test_formats(void **state)
{
    (void)state;
    static const char *const names[] = {
#define FORMAT_NAME(id, name, manual) [SINK_##id] = #name,
        FORMATS(FORMAT_NAME)
#undef FORMAT_NAME
    };
    struct parsed parsed;
    char line[64], message[256] = "--format 'json': one of";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(line, sizeof(line), "--format %s u", names[i]);
        parse(&parsed, line);
        assert_int_equal(parsed.code, 0);
        assert_int_equal(parsed.args.sink.format, i);
        args_free(&parsed.args);
        strcat(strcat(message, i > 0 ? ", " : " "), names[i]);
    }
    parse(&parsed, "--format json u");
    assert_int_equal(parsed.code, 2);
    assert_string_equal(parsed.message, strcat(message, " is wanted"));
    args_free(&parsed.args);
}

/* Of 32 zero bytes. */
#define PIN "sha256//" PIN_BASE64
#define PIN_BASE64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

/* Every pin is looked at, and the one that is none is named. */
static const struct {
    const char *pins;
    const char *named; /* NULL: they are taken */
} pin_rows[] = {
    {PIN, NULL},
    {PIN ";" PIN, NULL},
    {"sha256//+/09azAZAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", NULL},
    {"", ""},
    {"key.pem", "key.pem"},
    {PIN_BASE64, PIN_BASE64},
    {"sha1//" PIN_BASE64, "sha1//" PIN_BASE64},
    {"sha256/" PIN_BASE64, "sha256/" PIN_BASE64},
    {"sha256//", "sha256//"},
    {PIN "=", PIN "="},
    {"sha256//A" PIN_BASE64, "sha256//A" PIN_BASE64},
    {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
     "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    {"sha256//A-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
     "sha256//A-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
    {PIN ";", ""},
    {";" PIN, ""},
    {PIN ";x;" PIN, "x"},
    {PIN ";" PIN " ", PIN " "},
};

static void test_pins(void **state)
{
    (void)state;
    static char program[] = "haul", option[] = "--pinnedpubkey", url[] = "u";
    for (size_t i = 0; i < sizeof(pin_rows) / sizeof(pin_rows[0]); i++) {
        char pins[128], message[512], said[512];
        struct args args;
        snprintf(pins, sizeof(pins), "%s", pin_rows[i].pins);
        char *words[] = {program, option, pins, url, NULL};
        int code = args_parse(&args, 4, words, message, sizeof(message));
        if (pin_rows[i].named == NULL) {
            assert_int_equal(code, 0);
            assert_string_equal(args.tls.pinned_keys, pins);
        } else {
            snprintf(said, sizeof(said),
                     "--pinnedpubkey '%s': sha256// and the base64 of 32 bytes is wanted",
                     pin_rows[i].named);
            assert_int_equal(code, 2);
            assert_string_equal(message, said);
        }
        args_free(&args);
    }
}

static void test_actions(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        enum args_action action;
    } rows[] = {
        {"u", ARGS_RUN},
        {"--help", ARGS_HELP},
        {"-h u", ARGS_HELP},
        {"-V", ARGS_VERSION},
        {"--version", ARGS_VERSION},
        {"--budget", ARGS_BUDGET},
        {"--budget u", ARGS_BUDGET},
        {"doctor", ARGS_DOCTOR},
        {"u doctor", ARGS_RUN},
        {"docile", ARGS_RUN},
        {"-h doctr", ARGS_HELP},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct parsed parsed;
        parse(&parsed, rows[i].words);
        assert_int_equal(parsed.code, 0);
        assert_int_equal(parsed.args.action, rows[i].action);
        args_free(&parsed.args);
    }
}

/* curl's words for being quiet are as good as those of the rows. */
static void test_aliases(void **state)
{
    (void)state;
    static const char *const words[] = {"-q u", "-s u", "--silent u", "--sil u", "-fs u", "u -sf"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct parsed parsed;
        parse(&parsed, words[i]);
        assert_int_equal(parsed.code, 0);
        assert_true(parsed.args.quiet);
        args_free(&parsed.args);
    }
}

static void test_defaults(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed, "u");
    assert_int_equal(parsed.args.engine.concurrency, 0);
    assert_int_equal(parsed.args.engine.max_time_ms, 0);
    assert_null(parsed.args.engine.method);
    assert_false(parsed.args.engine.has_body);
    assert_false(parsed.args.engine.keep_bodies);
    assert_true(parsed.args.engine.raise_nofile);
    assert_int_equal(parsed.args.inputs.repeat, 1);
    assert_int_equal(parsed.args.sink.format, SINK_NDJSON);
    assert_null(parsed.args.sink.path);
    args_free(&parsed.args);
}

static void test_inputs_keep_their_order(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed, "a -i one -c 5 b --input=two -g -- -c");
    assert_int_equal(parsed.code, 0);
    assert_int_equal(parsed.args.inputs.item_count, 5);
    const struct input_item *items = parsed.args.inputs.items;
    assert_string_equal(items[0].url, "a");
    assert_string_equal(items[1].path, "one");
    assert_string_equal(items[2].url, "b");
    assert_string_equal(items[3].path, "two");
    assert_string_equal(items[4].url, "-c");
    assert_true(parsed.args.inputs.literal);
    args_free(&parsed.args);
}

static void test_control(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed, "-c 1000 --window=5000 --max-time 2.5 --connect-timeout 0 --on-error cancel "
                   "-f --loop epoll --unordered --dns-servers 127.0.0.1 u");
    const struct haul_options *options = &parsed.args.engine;
    assert_int_equal(parsed.code, 0);
    assert_int_equal(options->concurrency, 1000);
    assert_int_equal(options->window, 5000);
    assert_int_equal(options->max_time_ms, 2500);
    assert_int_equal(options->connect_timeout_ms, -1);
    assert_true(options->cancel_on_error);
    assert_int_equal(options->fail_status, 400);
    assert_int_equal(options->loop, HAUL_LOOP_EPOLL);
    assert_true(options->unordered);
    assert_string_equal(options->dns_servers, "127.0.0.1");
    args_free(&parsed.args);
}

/* In the order of writing; what they say is the engine's to check. */
static void test_redirects(void **state)
{
    struct parsed parsed;
    const struct haul_redirect *redirect = &parsed.args.redirect;
    (void)state;
    parse(&parsed, "u");
    assert_ptr_equal(parsed.args.engine.redirect, redirect);
    assert_false(redirect->follow || redirect->keep_hops || parsed.args.sink.follows);
    assert_true(redirect->has_max);
    assert_int_equal(redirect->max, 30);
    args_free(&parsed.args);
    parse(&parsed, "-L -v --max-redirs 0 --post301 --post303 u");
    assert_true(redirect->follow && redirect->keep_hops && parsed.args.sink.follows);
    assert_true(redirect->post301 && !redirect->post302 && redirect->post303);
    assert_false(redirect->location_trusted);
    assert_int_equal(redirect->max, 0);
    args_free(&parsed.args);
    parse(&parsed, "--location-trusted --max-redirs -1 --post302 u");
    assert_true(redirect->follow && redirect->location_trusted && redirect->post302);
    assert_false(redirect->keep_hops);
    assert_int_equal(redirect->max, -1);
    args_free(&parsed.args);
}

static void test_retries(void **state)
{
    struct parsed parsed;
    const struct haul_retry *retry = &parsed.args.retry;
    (void)state;
    parse(&parsed, "u");
    assert_ptr_equal(parsed.args.engine.retry, retry);
    assert_int_equal(retry->max, 0);
    assert_false(retry->has_budget || retry->keep_tries || parsed.args.sink.retries);
    args_free(&parsed.args);
    parse(&parsed, "--retry 3 -v --retry-delay 0.5 --retry-max-time 7 --retry-budget 0 u");
    assert_int_equal(retry->max, 3);
    assert_int_equal(retry->delay_ms, 500);
    assert_int_equal(retry->max_time_ms, 7000);
    assert_true(retry->has_budget && retry->budget_percent == 0);
    assert_true(retry->keep_tries && parsed.args.sink.retries && !retry->all_methods);
    args_free(&parsed.args);
    parse(&parsed, "--retry 1 --retry-delay 0 --retry-budget 20 --retry-all-methods u");
    assert_true(retry->delay_ms <= 0 && retry->all_methods && !retry->keep_tries);
    assert_int_equal(retry->budget_percent, 20);
    args_free(&parsed.args);
}

static void test_rerouting(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed, "--connect-to a::b: --resolve -c:80 u --connect-to=:::1 --resolve *:80:::1");
    const struct haul_options *options = &parsed.args.engine;
    assert_int_equal(parsed.code, 0);
    assert_string_equal(options->connect_to[0], "a::b:");
    assert_string_equal(options->connect_to[1], ":::1");
    assert_null(options->connect_to[2]);
    assert_string_equal(options->resolve[0], "-c:80");
    assert_string_equal(options->resolve[1], "*:80:::1");
    assert_null(options->resolve[2]);
    args_free(&parsed.args);
    parse(&parsed, "u --deny-address private --deny-address=10.0.0.0/8");
    assert_string_equal(parsed.args.limits.deny_addresses[0], "private");
    assert_string_equal(parsed.args.limits.deny_addresses[1], "10.0.0.0/8");
    assert_null(parsed.args.limits.deny_addresses[2]);
    args_free(&parsed.args);
    parse(&parsed, "u --max-per-host 3 --max-per-address 2 --rate 30/m --rate-per-host 2/100ms "
                   "--delay-per-host 0.5 "
                   "--adaptive");
    assert_int_equal(parsed.args.engine.limits->max_per_host, 3);
    assert_int_equal(parsed.args.engine.limits->max_per_address, 2);
    assert_float_equal(parsed.args.engine.limits->rate, 0.5, 1e-9);
    assert_float_equal(parsed.args.engine.limits->rate_per_host, 20, 1e-9);
    assert_int_equal(parsed.args.engine.limits->delay_per_host_ms, 500);
    assert_int_equal(parsed.args.engine.limits->adaptive, 1);
    assert_false(parsed.args.transport.eager);
    args_free(&parsed.args);
    parse(&parsed, "u --eager");
    assert_true(parsed.args.engine.transport->eager);
    args_free(&parsed.args);
    parse(&parsed, "u -Y 1000 -y 2.5");
    assert_int_equal(parsed.args.engine.times->speed_limit, 1000);
    assert_int_equal(parsed.args.engine.times->speed_ms, 2500);
    args_free(&parsed.args);
    parse(&parsed, "u --queue-timeout 1.5 --resolve-timeout 2 --tls-timeout 0 "
                   "--first-byte-timeout 0.001 --deadline 60");
    assert_int_equal(parsed.args.engine.times->queue_ms, 1500);
    assert_int_equal(parsed.args.engine.times->resolve_ms, 2000);
    assert_int_equal(parsed.args.engine.times->tls_ms, -1);
    assert_int_equal(parsed.args.engine.times->first_byte_ms, 1);
    assert_int_equal(parsed.args.engine.limits->deadline_ms, 60000);
    args_free(&parsed.args);
}

/* A time that is too short to count in milliseconds is still a limit. */
static void test_shortest_time(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed, "--max-time .0001 --connect-timeout 3. u");
    assert_int_equal(parsed.args.engine.max_time_ms, 1);
    assert_int_equal(parsed.args.engine.connect_timeout_ms, 3000);
    args_free(&parsed.args);
}

static void test_tls(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed, "--cacert ca.pem --capath roots --cert c.pem --key k.pem --tls-legacy -kv u");
    const struct haul_tls *options = &parsed.args.tls;
    assert_int_equal(parsed.code, 0);
    assert_string_equal(options->ca_file, "ca.pem");
    assert_string_equal(options->ca_directory, "roots");
    assert_string_equal(options->client_certificate, "c.pem");
    assert_string_equal(options->client_key, "k.pem");
    assert_true(options->legacy);
    assert_true(options->insecure);
    assert_true(parsed.args.sink.verbose);
    args_free(&parsed.args);
    parse(&parsed, "--cert c.pem --insecure --verbose u");
    assert_string_equal(options->client_certificate, "c.pem");
    assert_null(options->client_key);
    assert_false(options->legacy);
    assert_true(options->insecure);
    assert_true(parsed.args.sink.verbose);
    args_free(&parsed.args);
}

static void assert_text(const char *text, const char *expected)
{
    if (expected == NULL)
        assert_null(text);
    else
        assert_string_equal(text, expected);
}

static void set_environment(const char *name, const char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

/* The environment names roots where no option does; empty is as good as unset. */
static void test_environment(void **state)
{
    (void)state;
    static const struct {
        const char *cert_file, *cert_dir, *key_log_file;
        const char *words;
        const char *ca_file, *ca_directory, *key_log;
    } rows[] = {
        {NULL, NULL, NULL, "u", NULL, NULL, NULL},
        {"", "", "", "u", NULL, NULL, NULL},
        {"e.pem", NULL, NULL, "u", "e.pem", NULL, NULL},
        {NULL, "edir", "log", "u", NULL, "edir", "log"},
        {"e.pem", "edir", "log", "u", "e.pem", "edir", "log"},
        {"e.pem", "edir", "log", "--cacert c.pem u", "c.pem", NULL, "log"},
        {"e.pem", "edir", NULL, "--capath cdir u", NULL, "cdir", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct parsed parsed;
        set_environment("SSL_CERT_FILE", rows[i].cert_file);
        set_environment("SSL_CERT_DIR", rows[i].cert_dir);
        set_environment("SSLKEYLOGFILE", rows[i].key_log_file);
        parse(&parsed, rows[i].words);
        assert_int_equal(parsed.code, 0);
        assert_text(parsed.args.tls.ca_file, rows[i].ca_file);
        assert_text(parsed.args.tls.ca_directory, rows[i].ca_directory);
        assert_text(parsed.args.tls.key_log, rows[i].key_log);
        args_free(&parsed.args);
    }
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    unsetenv("SSLKEYLOGFILE");
}

static void test_request(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed, "-X PUT -H A:_1 -H B; -A me -d x=1 -d y=2 u");
    const struct haul_options *options = &parsed.args.engine;
    assert_string_equal(options->method, "PUT");
    assert_string_equal(options->user_agent, "me");
    assert_string_equal(options->headers[0], "A: 1");
    assert_string_equal(options->headers[1], "B;");
    assert_string_equal(options->headers[2], "Content-Type: application/x-www-form-urlencoded");
    assert_null(options->headers[3]);
    assert_true(options->has_body);
    assert_int_equal(options->body_length, 7);
    assert_memory_equal(options->body, "x=1&y=2", 7);
    args_free(&parsed.args);
}

static void test_own_content_type(void **state)
{
    (void)state;
    static const char *const rows[] = {"-H content-type:_text/plain -d x u",
                                       "-H Content-Type: -d x u", "-d x -H CONTENT-TYPE; u"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct parsed parsed;
        parse(&parsed, rows[i]);
        assert_int_equal(parsed.args.headers.count, 1);
        args_free(&parsed.args);
    }
}

static void test_head(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed, "-I u");
    assert_string_equal(parsed.args.engine.method, "HEAD");
    args_free(&parsed.args);
    parse(&parsed, "-I -X OPTIONS u");
    assert_string_equal(parsed.args.engine.method, "OPTIONS");
    args_free(&parsed.args);
}

static void test_empty_data(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed, "--data= u");
    assert_true(parsed.args.engine.has_body);
    assert_int_equal(parsed.args.engine.body_length, 0);
    args_free(&parsed.args);
}

/* As in curl -d leaves line ends of a file out, and --data-binary does not. */
static void test_data_of_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/haul-args-XXXXXX";
    char line[128];
    struct parsed parsed;
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "a\r\nb\0c\n", 7), 7);
    close(fd);
    snprintf(line, sizeof(line), "-d @%s -d z u", path);
    parse(&parsed, line);
    assert_int_equal(parsed.args.engine.body_length, 5);
    assert_memory_equal(parsed.args.engine.body, "abc&z", 5);
    args_free(&parsed.args);
    snprintf(line, sizeof(line), "--data-binary @%s u", path);
    parse(&parsed, line);
    assert_int_equal(parsed.args.engine.body_length, 7);
    assert_memory_equal(parsed.args.engine.body, "a\r\nb\0c\n", 7);
    args_free(&parsed.args);
    unlink(path);
    parse(&parsed, line);
    assert_int_equal(parsed.code, 26);
    assert_non_null(strstr(parsed.message, path));
    args_free(&parsed.args);
}

/* Bodies are taken in pieces where nobody needs them whole. */
/* What curl's words come to. */
static void test_words_of_curl(void **state)
{
    (void)state;
    struct parsed parsed;
    parse(&parsed, "-sSZ --parallel-immediate --parallel-max 7 -m 3 -r 5 -e http://r -N u "
                   "--url-query a_b --url-query +c=d --proto-default https --url v");
    assert_int_equal(parsed.code, 0);
    const struct args *args = &parsed.args;
    assert_true(args->quiet && args->sink.tells_failures);
    assert_int_equal(args->engine.concurrency, 7);
    assert_int_equal(args->engine.max_time_ms, 3000);
    assert_string_equal(args->engine.headers[0], "Range: bytes=5-");
    assert_string_equal(args->engine.headers[1], "Referer: http://r");
    assert_null(args->engine.headers[2]);
    assert_string_equal(args->inputs.query, "a+b&c=d");
    assert_string_equal(args->inputs.scheme, "https");
    assert_int_equal(args->inputs.item_count, 2);
    args_free(&parsed.args);

    parse(&parsed, "-r 0-1 -e r -H range:_x -H Referer: u");
    assert_int_equal(parsed.code, 0);
    assert_string_equal(parsed.args.engine.headers[0], "range: x");
    assert_string_equal(parsed.args.engine.headers[1], "Referer:");
    assert_null(parsed.args.engine.headers[2]);
    args_free(&parsed.args);

    parse(&parsed, "-S u"); /* without -s the summary tells */
    assert_false(parsed.args.sink.tells_failures);
    args_free(&parsed.args);
}

/* -w stands alone, unless lines are asked for. */
static void test_formats_beside_writeout(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        enum sink_format format;
        bool keeps_heads;
    } rows[] = {
        {"-w x u", SINK_NONE, false},         {"-w x -o f u", SINK_NDJSON, false},
        {"-w x -o - u", SINK_NDJSON, false},  {"-w x --format text u", SINK_TEXT, false},
        {"-w %{url} u", SINK_NONE, false},    {"-w %{json} u", SINK_NONE, true},
        {"-w %header{x} u", SINK_NONE, true}, {"u", SINK_NDJSON, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct parsed parsed;
        parse(&parsed, rows[i].words);
        assert_int_equal(parsed.code, 0);
        assert_int_equal(parsed.args.sink.format, rows[i].format);
        assert_int_equal(parsed.args.engine.keep_headers, rows[i].keeps_heads);
        args_free(&parsed.args);
    }
}

static void test_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        bool keep, stream;
    } rows[] = {
        {"u", false, false},
        {"--body u", true, false},
        {"--bodies d u", true, true},
        {"--format body u", true, true},
        {"--body --bodies d u", true, false},
        {"-O u", true, true},
        {"-O --body u", true, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct parsed parsed;
        parse(&parsed, rows[i].words);
        assert_int_equal(parsed.args.engine.keep_bodies, rows[i].keep);
        assert_int_equal(parsed.args.engine.stream_bodies, rows[i].stream);
        args_free(&parsed.args);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_pins),
        cmocka_unit_test(test_actions),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_inputs_keep_their_order),
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_retries),
        cmocka_unit_test(test_rerouting),
        cmocka_unit_test(test_shortest_time),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_own_content_type),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_empty_data),
        cmocka_unit_test(test_data_of_a_file),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_words_of_curl),
        cmocka_unit_test(test_formats_beside_writeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
