/* Comparisons of a program that a shell script plays: it prints the run that its words ask for,
 * with noise from a seeded generator, and notes the words. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/compare/compare.h"
#include "bench/compare/comparison.h"
#include "bench/base/signals.h"
#include "tests/lib/quoted.h"
#include "tests/lib/script.h"

#include <fcntl.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 32, TEXT_BYTES = 1 << 14 };

/* --plant burns processor time, --close has no p99.9; front goes in before anything is printed.
 * The generator is Lehmer's, whose products a double holds exactly; three uniform numbers make
 * something like a normal one. */
#define PROGRAM(front)                                                                             \
    "echo \"$*\" >>$0.out; runs=$(wc -l <$0.out)\n" front "\n"                                     \
    "case \"$*\" in *--plant*) cpu=4.725 ;; *) cpu=4.5 ;; esac\n"                                  \
    "case \"$*\" in *--close*) tail=null ;; *) tail=500 ;; esac\n"                                 \
    "case \"$*\" in *threads*) verdict=client_bound ;; *) verdict=ok ;; esac\n"                    \
    "LC_ALL=C exec awk -v seed=$runs -v cpu=$cpu -v tail=$tail -v verdict=$verdict '\n"            \
    "function unit() { x = x * 16807 % 2147483647; return x / 2147483647 }\n"                      \
    "function near(value, noise) {\n"                                                              \
    "    return value * (1 + noise * 2 * (unit() + unit() + unit() - 1.5))\n"                      \
    "}\n"                                                                                          \
    "BEGIN {\n"                                                                                    \
    "    x = seed * 7919; for (i = 0; i < 9; i++) unit()\n"                                        \
    "    if (tail != \"null\") tail = near(tail, 0.05)\n"                                          \
    "    printf \"{\\\"kind\\\": \\\"run\\\", \\\"mode\\\": \\\"closed\\\", \"\n"                  \
    "    printf \"\\\"url\\\": \\\"http://h/s\\\", \\\"histograms\\\": {}, \"\n"                   \
    "    printf \"\\\"environment\\\": {\\\"kernel\\\": \\\"6\\\"}, \"\n"                          \
    "    printf \"\\\"requests\\\": 1000, \\\"error_count\\\": 0, \"\n"                            \
    "    printf \"\\\"instrument\\\": {\\\"verdict\\\": \\\"%s\\\"}, \", verdict\n"                \
    "    printf \"\\\"rate_per_s\\\": %f, \", near(10000, 0.012)\n"                                \
    "    printf \"\\\"cpu\\\": {\\\"us_per_request\\\": %f}, \", near(cpu, 0.01)\n"                \
    "    printf \"\\\"latency_us\\\": {\\\"actual\\\": {\\\"p50\\\": %f, \", near(90, 0.01)\n"     \
    "    printf \"\\\"p90\\\": %f, \\\"p99\\\": %f, \", near(120, 0.015), near(200, 0.03)\n"       \
    "    printf \"\\\"p99_9\\\": %s, \\\"mean\\\": %f}}}\\n\", tail, near(95, 0.01)\n"             \
    "}'"

#define HEALTHY PROGRAM("")

/* --- calling ---------------------------------------------------------------------------------- */

struct called {
    int status;
    char errors[TEXT_BYTES];
};

static char *words_room[WORDS_MAX];

/* argv of "compare", and the words up to NULL. */
static int copy_words(const char *const *words)
{
    int count = 0;

    words_room[count++] = strdup("compare");
    for (; *words != NULL; words++)
        words_room[count++] = strdup(*words);
    words_room[count] = NULL;
    return count;
}

static void free_words(int count)
{
    while (count-- > 0)
        free(words_room[count]);
}

/* What it writes to stderr goes to a file meanwhile. */
static void call(const char *const *words, struct called *ret_called)
{
    FILE *errors = tmpfile();
    int saved = dup(STDERR_FILENO), count = copy_words(words);

    assert_non_null(errors);
    assert_true(dup2(fileno(errors), STDERR_FILENO) >= 0);
    ret_called->status = compare_main(count, words_room);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t length = pread(fileno(errors), ret_called->errors, TEXT_BYTES - 1, 0);
    ret_called->errors[length > 0 ? length : 0] = '\0';
    fclose(errors);
    free_words(count);
}

/* --- what is refused -------------------------------------------------------------------------- */

static const struct {
    const char *words[6];
    const char *message; /* how it begins, behind the program's name */
} refusals[] = {
    {{NULL}, "says not what to compare: --a and --b, or --loops (see --help)"},
    {{"--a"}, "--a wants a value"},
    {{"--fail-on-difference=1"}, "--fail-on-difference takes no value"},
    {{"--a", "-c 'x"}, "--a: the quoting that begins at character 4 has no end: 'x"},
    {{"--b=\""}, "--b: the quoting that begins at character 1 has no end: \""},
    {{"--rounds", "2"}, "--rounds 2: a number from 3 to 100 is wanted"},
    {{"--rounds", "101"}, "--rounds 101: a number from 3 to 100 is wanted"},
    {{"--rounds", "5x"}, "--rounds 5x: a number from 3 to 100 is wanted"},
    {{"--rounds", "-5"}, "--rounds -5: a number from 3 to 100 is wanted"},
    {{"--confidence", "1"}, "--confidence 1: a number from 0.5 to 0.999 is wanted"},
    {{"--confidence", "nan"}, "--confidence nan: a number from 0.5 to 0.999 is wanted"},
    {{"--confidence", "49%"}, "--confidence 49%: a number from 0.5 to 0.999 is wanted"},
    {{"--same-within", "100%"}, "--same-within 100%: a share below 1 is wanted"},
    {{"--same-within", "-1%"}, "--same-within -1%: a share below 1 is wanted"},
    {{"--metrics", "cpu,p98"}, "--metrics: there is no 'p98'; there are rate, "},
    {{"--metrics", "cpu,rate,cpu"}, "--metrics: 'cpu' is there twice"},
    {{"--metrics", ","}, "--metrics ',': names of 1 to 64 metrics are wanted"},
    {{"--format", "xml"}, "--format xml: text or json is wanted"},
    {{"--loops", "uring"}, "--loops uring: two or three of uring, epoll and threads are wanted"},
    {{"--loops", "uring,uring"}, "--loops uring,uring: uring is there twice"},
    {{"--loops", "uring,poll"}, "--loops uring,poll: uring, epoll and threads are known"},
    {{"--loops", "uring,epoll", "--a", ""}, "--loops makes the sides itself: not with --a"},
    {{"--a", "--nope"}, "a: --nope: no such option"},
    {{"--b", "-c 0"}, "b: -c 0: a number from 1 to "},
    {{"--a", "-c 1", "--pipeline", "0"}, "a: --pipeline 0: a number from 1 to "},
    {{"--a", "--format json"},
     "a: --format, -o, --hdr, --timeline and --find-max are not for a run"},
    {{"--a", "", "--hdr", "x"},
     "a: --format, -o, --hdr, --timeline and --find-max are not for a run"},
    {{"--a", "--help"}, "a: --help and --version are no run's"},
    {{"--a", "--https", "http://h/"}, "a: --https and --reply-size are the embedded server's"},
};

static void refuses(void **state)
{
    static const char name[] = "haul bench: compare: ";

    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct called called;
        call(refusals[i].words, &called);
        print_message("%s\n", refusals[i].message);
        assert_int_equal(called.status, 2);
        assert_true(strncmp(called.errors, name, sizeof name - 1) == 0);
        const char *message = called.errors + sizeof name - 1;
        if (strncmp(message, refusals[i].message, strlen(refusals[i].message)) != 0)
            fail_msg("said '%s'", message);
    }
}

/* --- what is found ---------------------------------------------------------------------------- */

/* A program, and a file for the result. */
struct stage {
    struct scripts *scripts;
    char program[SCRIPT_PATH_BYTES];
    char place[SCRIPT_PATH_BYTES]; /* a script that is not run */
    char output[SCRIPT_PATH_BYTES + 8];
};

static void set_up(struct stage *stage, void **state, const char *lines)
{
    stage->scripts = *state;
    script_write(stage->scripts, lines, stage->program);
    script_write(stage->scripts, "", stage->place);
    snprintf(stage->output, sizeof stage->output, "%s.out", stage->place);
}

static const char *metric_verdict(const json_t *pair, const char *name)
{
    const json_t *metrics = json_object_get(pair, "metrics");

    for (size_t i = 0; i < json_array_size(metrics); i++) {
        const json_t *metric = json_array_get(metrics, i);
        if (strcmp(json_string_value(json_object_get(metric, "metric")), name) == 0)
            return json_string_value(json_object_get(metric, "verdict"));
    }
    return "";
}

static const struct {
    const char *a;
    const char *b;
    const char *verdict;
    const char *cpu;
    const char *tail;
    int status;
} pairs[] = {
    {"", "", "no difference detected", "no difference detected", "no difference detected", 0},
    {"", "--plant 225", "difference", "b higher", "no difference detected", 3},
    {"--plant 225", "", "difference", "a higher", "no difference detected", 3},
    {"--plant 225", "--plant 225", "no difference detected", "no difference detected",
     "no difference detected", 0},
    {"", "--close", "no difference detected", "no difference detected", "not comparable", 0},
};

static void finds_what_is_planted(void **state)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct stage stage;
        struct called called;
        set_up(&stage, state, HEALTHY);
        call((const char *[]){"--a", pairs[i].a, "--b", pairs[i].b, "--program-a", stage.program,
                              "--program-b", stage.program, "--fail-on-difference", "--rounds",
                              "20", "--format", "json", "-o", stage.output, "http://h/s", NULL},
             &called);
        assert_string_equal(called.errors, "");
        assert_int_equal(called.status, pairs[i].status);
        json_t *json = json_load_file(stage.output, 0, NULL);
        const json_t *pair = json_array_get(json_object_get(json, "pairs"), 0);
        assert_string_equal(json_string_value(json_object_get(pair, "verdict")), pairs[i].verdict);
        assert_string_equal(metric_verdict(pair, "cpu"), pairs[i].cpu);
        assert_string_equal(metric_verdict(pair, "p99.9"), pairs[i].tail);
        assert_int_equal(json_array_size(json_object_get(json, "runs")), 40);
        json_decref(json);
    }
}

static void says_how_it_was(void **state)
{
    struct stage stage;
    struct called called;

    set_up(&stage, state, HEALTHY);
    call((const char *[]){"--a", "--loop threads -H 'A: b'", "--program-a", stage.program,
                          "--program-b", stage.program, "--rounds", "3", "--format", "json", "-o",
                          stage.output, "-c", "9", "http://h/s", NULL},
         &called);
    assert_int_equal(called.status, 0);
    json_t *json = json_load_file(stage.output, 0, NULL);
    json_t *a, *b, *options, *run;
    const char *schema, *kind, *url, *side, *kernel;
    int rounds, asked, round, bound, fine;
    json_int_t requests;
    assert_int_equal(json_unpack(json, "{ss ss ss si si so s[{so s{si}} {so s{si} sI}]}", "schema",
                                 &schema, "kind", &kind, "url", &url, "rounds", &rounds,
                                 "rounds_asked", &asked, "options", &options, "sides", "options",
                                 &a, "verdicts", "client_bound", &bound, "options", &b, "verdicts",
                                 "ok", &fine, "requests", &requests),
                     0);
    assert_string_equal(schema, "haul-bench/1");
    assert_string_equal(kind, "compare");
    assert_string_equal(url, "http://h/s");
    assert_int_equal(rounds, 3);
    assert_int_equal(asked, 3);
    assert_int_equal(bound, 3);
    assert_int_equal(fine, 3);
    assert_int_equal(requests, 3000);
    assert_int_equal(json_array_size(options), 3);
    assert_int_equal(json_array_size(a), 4);
    assert_string_equal(json_string_value(json_array_get(a, 3)), "A: b");
    assert_int_equal(json_array_size(b), 0);
    assert_int_equal(json_unpack(json, "{s{ss} s[{ss si so}]}", "environment", "kernel", &kernel,
                                 "runs", "side", &side, "round", &round, "run", &run),
                     0);
    assert_string_equal(side, "a");
    assert_int_equal(round, 1);
    assert_null(json_object_get(run, "histograms"));
    json_decref(json);
}

/* The words of each run, in the order of the runs. Ours stand before the user's, whose later word
 * counts. */
static void runs_in_turns(void **state)
{
    static const char format[] = "--format json -z 300ms --warm-up 0.2 -q -c 8 http://h/s %s\n";
    static const char *const order[] = {"--close", "-k",      "-k", "--close", "-k",
                                        "--close", "--close", "-k", "--close", "-k"};
    struct stage stage;
    struct called called;
    char words[TEXT_BYTES], wanted[TEXT_BYTES] = "";

    set_up(&stage, state, HEALTHY);
    call((const char *[]){"-c", "8", "--a", "--close", "--program-a", stage.program, "--b=-k",
                          "--program-b", stage.program, "http://h/s", "-q", "--rounds=4", "-o",
                          stage.output, NULL},
         &called);
    assert_string_equal(called.errors, "");
    script_output(stage.program, words, sizeof words);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), format, order[i]);
    assert_string_equal(words, wanted);
}

/* Bounds of the user's take the place of ours. */
static void keeps_what_the_user_says(void **state)
{
    static const char wanted[] =
        "--format json --warm-up auto -q -n 10 --warm-up 0 http://h/s --rate 5 --metrics\n";
    struct stage stage;
    struct called called;
    char words[TEXT_BYTES];

    set_up(&stage, state, HEALTHY);
    call((const char *[]){"--a", "--rate 5 --metrics", "--program-a", stage.program, NULL},
         &called);
    assert_int_equal(called.status, 2);
    call((const char *[]){"-n", "10", "--warm-up", "0", "http://h/s", "--a", "--rate 5",
                          "--program-a", stage.program, "--program-b", stage.program, "--rounds",
                          "3", "-o", stage.output, NULL},
         &called);
    assert_int_equal(called.status, 0);
    script_output(stage.program, words, sizeof words);
    assert_true(strncmp(words, wanted, strlen(wanted) - strlen(" --metrics\n")) == 0);
}

/* --- what goes wrong -------------------------------------------------------------------------- */

static const struct {
    const char *lines;
    const char *message;
    int rounds; /* in the result; 0: there is none */
} failures[] = {
    {PROGRAM("[ $runs -lt 2 ] || { echo 'haul bench: no' >&2; exit 1; }"), "b, warm-up: no", 0},
    {PROGRAM("[ $runs -lt 8 ] || exit 1"), "b, round 3: ended with status 1 and said nothing", 0},
    {PROGRAM("[ $runs -lt 9 ] || exit 1"), "a, round 4: ended with status 1 and said nothing", 3},
    {PROGRAM("[ $runs -lt 11 ] || kill -9 $$"), "b, round 5: was ended by signal 9 (Killed)", 4},
    {"echo '{\"kind\": \"sweep\"}'", "a, warm-up: what it printed is no run", 0},
};

static void tells_a_failure(void **state)
{
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        struct stage stage;
        struct called called;
        char wanted[512];
        set_up(&stage, state, failures[i].lines);
        snprintf(wanted, sizeof wanted, "haul bench: compare: %s\n", failures[i].message);
        call((const char *[]){"--program-a", stage.program, "--program-b", stage.program,
                              "--format", "json", "-o", stage.output, "http://h/s", NULL},
             &called);
        assert_string_equal(called.errors, wanted);
        assert_int_equal(called.status, 1);
        json_t *json = json_load_file(stage.output, 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(json, "rounds")), failures[i].rounds);
        assert_int_equal(json != NULL, failures[i].rounds > 0);
        json_decref(json);
    }
}

/* A process of its own, for a signal that came stays noted. */
static const struct {
    const char *lines;
    const char *message;
    int rounds;
} interruptions[] = {
    {PROGRAM("[ $runs -lt 5 ] || { kill -INT $PPID; exec tail -f /dev/null; }"),
     "haul bench: compare: interrupted after 1 complete rounds of 50: too few to compare\n", 0},
    {PROGRAM("[ $runs -lt 12 ] || { kill -TERM $PPID; exec tail -f /dev/null; }"),
     "haul bench: compare: interrupted after 4 complete rounds of 50\n", 4},
};

static void tells_what_it_knows_when_interrupted(void **state)
{
    for (size_t i = 0; i < sizeof interruptions / sizeof *interruptions; i++) {
        struct stage stage;
        int status;
        set_up(&stage, state, interruptions[i].lines);
        pid_t pid = fork();
        if (pid == 0) {
            struct called called;
            call((const char *[]){"--program-a", stage.program, "--program-b", stage.program,
                                  "--format=json", "-o", stage.output, "http://h/s", NULL},
                 &called);
            bool is_told = strcmp(called.errors, interruptions[i].message) == 0;
            _exit(is_told ? called.status : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 130);
        json_t *json = json_load_file(stage.output, 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(json, "rounds")),
                         interruptions[i].rounds);
        assert_int_equal(json_is_true(json_object_get(json, "interrupted")),
                         interruptions[i].rounds > 0);
        json_decref(json);
    }
}

static void says_where_it_cannot_write(void **state)
{
    struct stage stage;
    struct called called;

    set_up(&stage, state, HEALTHY);
    call((const char *[]){"--program-a", stage.program, "--program-b", stage.program, "--rounds",
                          "3", "-o", "/dev/full", "http://h/s", NULL},
         &called);
    assert_int_equal(called.status, 1);
    assert_string_equal(called.errors, "haul bench: compare: /dev/full: No space left on device\n");
    call((const char *[]){"--a", "", "-o", "/nonexistent/x", "http://h/s", NULL}, &called);
    assert_int_equal(called.status, 1);
    assert_string_equal(called.errors,
                        "haul bench: compare: /nonexistent/x: No such file or directory\n");
}

/* --- what people read ------------------------------------------------------------------------- */

static const char read_json[] =
    "{'url': 'http://127.0.0.1:4321/s', 'server': 'embedded', 'options': ['-c', '64'],"
    " 'sides': ["
    "  {'name': 'uring', 'program': null, 'options': ['--loop', 'uring'], 'requests': 9000,"
    "   'error_count': 0, 'verdicts': {'ok': 12}},"
    "  {'name': 'threads', 'program': '/old/haul-bench', 'options': ['-H', 'A: b'],"
    "   'requests': 9000, 'error_count': 3, 'verdicts': {'ok': 9, 'client_bound': 3}}],"
    " 'rounds': 12, 'rounds_asked': 12, 'confidence': 0.99, 'same_within': 0.01,"
    " 'interrupted': false, 'pairs': [{'a': 'uring', 'b': 'threads', 'verdict': 'difference',"
    "  'rounds_aside': [4, 11], 'metrics': ["
    "   {'metric': 'rate', 'a': 103211, 'b': 103002, 'ratio': 0.998, 'low': 0.993,"
    "    'high': 1.003, 'verdict': 'same'},"
    "   {'metric': 'cpu', 'a': 4.5, 'b': 4.8, 'ratio': 1.067, 'low': 1.05, 'high': 1.0804,"
    "    'verdict': 'b higher'},"
    "   {'metric': 'p50', 'a': 90.25, 'b': 79, 'ratio': 0.875, 'low': 0.85, 'high': 0.9,"
    "    'verdict': 'a higher'},"
    "   {'metric': 'p99', 'a': 800, 'b': 820, 'ratio': 1.025, 'low': 0.95, 'high': 1.1,"
    "    'resolution': 0.0761, 'verdict': 'no difference detected'},"
    "   {'metric': 'p99.9', 'a': 1200, 'b': 15000, 'ratio': 12.5, 'low': 9.5, 'high': 16,"
    "    'verdict': 'b higher'},"
    "   {'metric': 'errors', 'a': null, 'b': null, 'ratio': null, 'low': null, 'high': null,"
    "    'verdict': 'not comparable'}]}]}";

static const char read_text[] = "http://127.0.0.1:4321/s (embedded server)\n"
                                "all      -c 64\n"
                                "uring:   --loop uring\n"
                                "threads: /old/haul-bench -H 'A: b'\n"
                                "12 of 12 rounds, in each all sides one after the other, in\n"
                                "changing order\n"
                                "\n"
                                "           uring   threads ratio 99 %\n"
                                "rate   103,211/s 103,002/s 0.998 0.993\u20261.003 same\n"
                                "cpu     4.500 us  4.800 us 1.067 1.050\u20261.080 threads higher\n"
                                "p50     90.25 us  79.00 us 0.875 0.850\u20260.900 uring higher\n"
                                "p99     800.0 us  820.0 us 1.025 0.950\u20261.100 -\n"
                                "p99.9   1.200 ms  15.00 ms  12.5 9.500\u202616.0  threads higher\n"
                                "errors missing, 0, or a lower bound, in a round\n"
                                "\n"
                                "uring and threads: cpu 6.7 % higher with threads [5.0 \u2026\n"
                                "8.0]; p50 12 % lower with threads [10 \u2026 15]; p99.9 12.5\n"
                                "times as high with threads [9.5 \u2026 16]; the same within 1 %\n"
                                "in rate; no difference detected in p99 (7.6 % would have\n"
                                "shown); not comparable in errors.\n"
                                "Summary: uring was 1.07 \u00b1 0.02 times better than threads in\n"
                                "cpu.\n"
                                "Disturbed, and not used here: rounds 4, 11.\n"
                                "\n"
                                "A ratio is of the second side's figure to the first's, which\n"
                                "are geometric means of the rounds used. All intervals of a\n"
                                "table hold at once in 99 % of comparisons; '-': no\n"
                                "difference detected.\n"
                                "uring: the client was the bottleneck in none of 12 runs.\n"
                                "threads: the client was the bottleneck in 3 of 12 runs.\n"
                                "threads: 3 of 9000 requests failed.\n";

static void reads_well(void **state)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    json_t *json = quoted_json(read_json);

    (void)state;
    assert_non_null(json);
    comparison_text(out, json);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, read_text);
    assert_true(comparison_has_difference(json));
    free(text);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),
        cmocka_unit_test(finds_what_is_planted),
        cmocka_unit_test(says_how_it_was),
        cmocka_unit_test(runs_in_turns),
        cmocka_unit_test(keeps_what_the_user_says),
        cmocka_unit_test(tells_a_failure),
        cmocka_unit_test(tells_what_it_knows_when_interrupted),
        cmocka_unit_test(says_where_it_cannot_write),
        cmocka_unit_test(reads_well),
    };
    signal(SIGINT, SIG_DFL); /* a shell's background job ignores it */
    signals_catch();
    return cmocka_run_group_tests(tests, scripts_set_up, scripts_tear_down);
}
