/* A sweep, with a script in haul-bench's place: what is in the file afterwards, whatever
 * happened in between. Each sweep is a process of its own. With the seed given and a script that
 * always says the same, a file has the same bytes however often its sweep was interrupted. */

#include "bench/result/records.h"
#include "bench/sweep/sweep.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* Every script begins so; "$*" are the words. */
#define SCRIPT "#!/bin/sh\ncd \"${0%/*}\" || exit 1\n"
#define COUNTED "echo call >>calls\ncalls=$(wc -l <calls)\n"
#define ANSWER                                                                                     \
    "printf '{\"schema\":\"haul-bench/1\",\"kind\":\"run\",\"words\":\"%s\"}\\n' \"$*\"\n"

enum { PATH_BYTES = 64, FILE_BYTES = 1 << 16, WORDS = 20 };

static char directory[] = "/tmp/test_sweep.XXXXXX";

static const char *path_of(const char *name)
{
    static char paths[4][PATH_BYTES];
    static int next;
    char *path = paths[next++ % 4];

    snprintf(path, PATH_BYTES, "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const char *bytes, size_t length)
{
    FILE *out = fopen(path_of(name), "we");

    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, length, out), length);
    assert_int_equal(fclose(out), 0);
}

static void write_script(const char *text)
{
    write_file("fake", text, strlen(text));
    assert_int_equal(chmod(path_of("fake"), 0700), 0);
}

/* Into a buffer of FILE_BYTES; a file that is not there is empty. Returns its length. */
static size_t read_file(const char *name, char *ret_bytes)
{
    FILE *in = fopen(path_of(name), "re");
    size_t length = in != NULL ? fread(ret_bytes, 1, FILE_BYTES - 1, in) : 0;

    ret_bytes[length] = '\0';
    if (in != NULL)
        fclose(in);
    return length;
}

static void assert_says(const char *name, const char *text)
{
    static char bytes[FILE_BYTES];

    read_file(name, bytes);
    if (strstr(bytes, text) == NULL)
        fail_msg("%s lacks '%s':\n%s", name, text, bytes);
}

static void remove_file(const char *name)
{
    unlink(path_of(name));
}

/* Words are split at blanks; FILE among them is the file. */
static int split(char *bytes, char **words)
{
    static char name[] = "sweep", file[PATH_BYTES];
    char *rest = bytes, *word;
    int count = 0;

    snprintf(file, sizeof file, "%s", path_of("sweep.ndjson"));
    words[count++] = name;
    while ((word = strsep(&rest, " ")) != NULL)
        if (*word != '\0')
            words[count++] = strcmp(word, "FILE") == 0 ? file : word;
    words[count] = NULL;
    return count;
}

static void redirect(const char *name, int descriptor)
{
    int file = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (file < 0 || dup2(file, descriptor) < 0)
        _exit(126);
    close(file);
}

/* size_limit: RLIMIT_FSIZE of the sweep; 0: none. */
static pid_t start(const char *text, rlim_t size_limit)
{
    char bytes[500];
    char *words[WORDS];

    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    snprintf(bytes, sizeof bytes, "%s", text);
    redirect("err", STDERR_FILENO);
    redirect("out", STDOUT_FILENO);
    struct rlimit limit = {size_limit, size_limit};
    if (size_limit > 0 && setrlimit(RLIMIT_FSIZE, &limit) < 0)
        _exit(126);
    exit(sweep_with(path_of("fake"), split(bytes, words), words));
}

/* Its exit status; 128 and more: a signal. */
static int end_of(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int sweep(const char *text)
{
    return end_of(start(text, 0));
}

/* The file of a sweep that nobody disturbed. Returns its length. */
static size_t undisturbed(const char *text, char *ret_bytes)
{
    remove_file("sweep.ndjson");
    write_script(SCRIPT ANSWER);
    assert_int_equal(sweep(text), 0);
    size_t length = read_file("sweep.ndjson", ret_bytes);
    remove_file("sweep.ndjson");
    return length;
}

static void assert_file_is(const char *bytes, size_t length)
{
    static char found[FILE_BYTES];

    assert_int_equal(read_file("sweep.ndjson", found), length);
    assert_memory_equal(found, bytes, length);
    assert_int_equal(access(path_of("sweep.ndjson.part"), F_OK), -1);
}

/* --- what a sweep leaves ---------------------------------------------------------------------- */

#define SMALL "--matrix loop=uring,epoll;c=1,64 --rounds 3 --seed 7 -o FILE -q "

static size_t calls(void)
{
    static char bytes[FILE_BYTES];

    return read_file("calls", bytes) / strlen("call\n");
}

static void every_cell_is_there_once_a_round_and_rounds_are_interleaved(void **state)
{
    struct records records;
    struct record record;
    unsigned seen[3][4] = {{0}};
    uint32_t round = 1;

    (void)state;
    remove_file("sweep.ndjson");
    remove_file("calls");
    write_script(SCRIPT COUNTED ANSWER);
    assert_int_equal(sweep(SMALL), 0);
    assert_true(records_open(&records, path_of("sweep.ndjson")));
    assert_int_equal(records.rounds, 3);
    while (records_read(&records, &record) == RECORDS_ONE) {
        char words[200];
        assert_true(record.round >= round);
        round = record.round;
        seen[round - 1][record.cell]++;
        snprintf(words, sizeof words, "--format json -z 2s --warm-up auto --loop %s -c %s",
                 matrix_value(&records.matrix, record.cell, 0),
                 matrix_value(&records.matrix, record.cell, 1));
        assert_string_equal(json_string_value(json_object_get(record.run, "words")), words);
        record_free(&record);
    }
    assert_false(records.is_torn);
    assert_int_equal(records.whole_bytes, (off_t)ftello(records.in));
    records_close(&records);
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(seen[i / 4][i % 4], 1);
    assert_int_equal(calls(), 12);
}

static void a_finished_sweep_is_left_as_it_is(void **state)
{
    static char bytes[FILE_BYTES];

    (void)state;
    size_t length = undisturbed(SMALL, bytes);
    write_file("sweep.ndjson", bytes, length);
    remove_file("calls");
    write_script(SCRIPT COUNTED ANSWER);
    assert_int_equal(sweep(SMALL), 0);
    assert_int_equal(calls(), 0);
    assert_file_is(bytes, length);
}

static void the_seed_makes_the_order(void **state)
{
    static char first[FILE_BYTES], again[FILE_BYTES], other[FILE_BYTES];

    (void)state;
    size_t length = undisturbed("--matrix c=1,2,3,4,5,6,7,8 --rounds 2 --seed 7 -o FILE", first);
    assert_says("err", "16 runs, 0 of them done; seed 7\n");
    assert_says("err", "sweep: 0/16, 53 s left, round 1: c=");
    assert_says("err", "sweep: 15/16, ");
    assert_says("err", "sweep.ndjson has all 16 runs\n");
    undisturbed("--matrix c=1,2,3,4,5,6,7,8 --rounds 2 --seed 7 -o FILE", again);
    undisturbed("--matrix c=1,2,3,4,5,6,7,8 --rounds 2 --seed 8 -o FILE", other);
    assert_memory_equal(first, again, length);
    assert_memory_not_equal(strstr(first, "\"kind\":\"cell\""), strstr(other, "\"kind\":\"cell\""),
                            500);
}

static void each_round_has_its_own_order(void **state)
{
    static char bytes[FILE_BYTES];
    char order[2][20] = {"", ""};
    const char *at = bytes;

    (void)state;
    undisturbed("--matrix c=1,2,3,4,5,6,7,8 --rounds 2 --seed 7 -o FILE", bytes);
    for (size_t i = 0; i < 16; i++) {
        at = strstr(at, "{\"c\":\"") + 6;
        strncat(order[i / 8], at, 1);
    }
    assert_int_equal(strspn(order[0], "12345678"), 8);
    assert_int_equal(strspn(order[1], "12345678"), 8);
    assert_string_not_equal(order[0], order[1]);
}

/* The seed is in the file. */
static void a_sweep_goes_on_in_its_order(void **state)
{
    static char bytes[FILE_BYTES];
    size_t length = undisturbed("--matrix c=1,2,3,4,5,6,7,8 --rounds 2 --seed 7 -o FILE", bytes);
    size_t kept = (size_t)(strchr(strstr(bytes, "\"kind\":\"cell\""), '\n') - bytes) + 1;

    (void)state;
    write_file("sweep.ndjson", bytes, kept);
    assert_int_equal(sweep("--matrix c=1,2,3,4,5,6,7,8 --rounds 2 -o FILE"), 0);
    assert_file_is(bytes, length);
}

static void rounds_may_grow(void **state)
{
    static char three[FILE_BYTES], five[FILE_BYTES];
    static const char more[] = "--matrix loop=uring,epoll;c=1,64 --rounds 5 --seed 7 -o FILE -q";

    (void)state;
    size_t five_length = undisturbed(more, five);
    size_t three_length = undisturbed(SMALL, three);
    write_file("sweep.ndjson", three, three_length);
    assert_int_equal(sweep(more), 0);
    assert_file_is(five, five_length);
}

/* --- what came in between --------------------------------------------------------------------- */

static void a_last_line_cut_at_any_byte_is_done_again(void **state)
{
    static char bytes[FILE_BYTES];
    size_t length = undisturbed(SMALL, bytes);
    size_t begin = length - 1;

    (void)state;
    while (bytes[begin - 1] != '\n')
        begin--;
    for (size_t cut = begin; cut < length; cut++) {
        write_file("sweep.ndjson", bytes, cut);
        assert_int_equal(sweep(SMALL), 0);
        assert_file_is(bytes, length);
        if (cut > begin)
            assert_says("err", "sweep.ndjson:13: a line without its end, dropped");
    }
}

#define SIXTY "--matrix c=1,2,3,4,5,6;body=128,4k --rounds 5 --seed 3 -o FILE -q"

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void end_after(pid_t pid, int time_ms)
{
    struct pollfd end = {.fd = pidfd_open(pid, 0), .events = POLLIN};

    assert_true(end.fd >= 0);
    poll(&end, 1, time_ms);
    kill(pid, SIGKILL);
    close(end.fd);
}

static void ten_kills_at_random_times_change_nothing(void **state)
{
    static char bytes[FILE_BYTES];
    size_t length = undisturbed(SIXTY, bytes);
    uint64_t seed;

    (void)state;
    assert_int_equal(getrandom(&seed, sizeof seed, 0), sizeof seed);
    print_message("seed %#llx\n", (unsigned long long)seed);
    seed |= 1;
    for (int i = 0; i < 10; i++) {
        pid_t pid = start(SIXTY, 0);
        end_after(pid, (int)(next_random(&seed) % 40));
        int status = end_of(pid);
        assert_true(status == 0 || status == 128 + SIGKILL);
    }
    assert_int_equal(sweep(SIXTY), 0);
    assert_file_is(bytes, length);
}

/* The fifth process that a sweep starts ends its sweep: twelve times four cells are left. */
static void kills_in_the_midst_of_runs_change_nothing(void **state)
{
    static char bytes[FILE_BYTES];
    size_t length = undisturbed(SIXTY, bytes);
    int kills = 0, status;

    (void)state;
    write_script(SCRIPT COUNTED
                 "[ $calls -ne 5 ] || { rm calls; kill -KILL $PPID; exit 1; }\n" ANSWER);
    for (remove_file("calls"); (status = sweep(SIXTY)) != 0; kills++)
        assert_int_equal(status, 128 + SIGKILL);
    assert_int_equal(kills, 14);
    assert_file_is(bytes, length);
}

static void an_interrupt_drops_the_current_run_and_says_how_to_go_on(void **state)
{
    static char bytes[FILE_BYTES], part[FILE_BYTES];
    size_t length = undisturbed(SMALL, bytes);

    (void)state;
    remove_file("calls");
    remove_file("never");
    assert_int_equal(mkfifo(path_of("never"), 0600), 0);
    write_script(SCRIPT COUNTED "[ $calls -ne 4 ] || { kill -INT $PPID; read x <never; }\n" ANSWER);
    assert_int_equal(sweep(SMALL), 130);
    assert_says("err", "sweep.ndjson has 3 of 12 runs; the same command goes on");
    size_t part_length = read_file("sweep.ndjson", part);
    assert_true(part_length < length);
    assert_memory_equal(part, bytes, part_length);
    assert_int_equal(sweep(SMALL), 0);
    assert_file_is(bytes, length);
}

static void two_sweeps_do_not_share_a_file(void **state)
{
    static char bytes[FILE_BYTES];
    static const char one[] = "--matrix c=1 --rounds 1 --seed 1 -o FILE";
    size_t length = undisturbed(one, bytes);
    char byte;

    (void)state;
    remove_file("up");
    remove_file("go");
    assert_int_equal(mkfifo(path_of("up"), 0600), 0);
    assert_int_equal(mkfifo(path_of("go"), 0600), 0);
    int up = open(path_of("up"), O_RDWR | O_CLOEXEC), go = open(path_of("go"), O_RDWR | O_CLOEXEC);
    write_script(SCRIPT "echo >up; read x <go\n" ANSWER);
    pid_t first = start(one, 0);
    assert_int_equal(read(up, &byte, 1), 1);
    assert_int_equal(sweep(one), 1);
    assert_says("err", "sweep.ndjson: another sweep is writing to it");
    assert_int_equal(write(go, "\n", 1), 1);
    assert_int_equal(end_of(first), 0);
    assert_file_is(bytes, length);
    close(up);
    close(go);
}

/* A file may grow to so many bytes: what is left are whole lines, and later all of them. */
static void a_full_disk_leaves_whole_lines(void **state)
{
    static char bytes[FILE_BYTES], part[FILE_BYTES];
    size_t length = undisturbed(SMALL, bytes);
    size_t head = strcspn(bytes, "\n") + 1;

    (void)state;
    for (size_t limit = head - 1; limit < length; limit += limit + 40 < length ? 37 : 1) {
        remove_file("sweep.ndjson");
        assert_int_equal(end_of(start(SMALL, limit)), 1);
        assert_says("err", "sweep.ndjson: cannot be written: File too large");
        size_t part_length = read_file("sweep.ndjson", part);
        assert_true(part_length <= limit);
        assert_memory_equal(part, bytes, part_length);
        assert_true(part_length == 0 || part[part_length - 1] == '\n');
        assert_true(limit - part_length < strcspn(bytes + part_length, "\n") + 1);
        if (limit % 5 == 0) {
            assert_int_equal(sweep(SMALL), 0);
            assert_file_is(bytes, length);
        }
    }
}

/* --- cells that fail -------------------------------------------------------------------------- */

/* Lines of the file with this in it. */
static size_t lines_with(const char *text)
{
    static char bytes[FILE_BYTES];
    size_t count = 0;

    read_file("sweep.ndjson", bytes);
    for (const char *at = bytes; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void a_cell_that_failed_is_tried_again_at_the_end(void **state)
{
    (void)state;
    remove_file("sweep.ndjson");
    remove_file("calls");
    write_script(SCRIPT COUNTED
                 "[ $calls -ne 2 ] || { echo 'haul bench: no luck' >&2; exit 1; }\n" ANSWER);
    assert_int_equal(sweep(SMALL), 0);
    assert_int_equal(calls(), 13);
    assert_int_equal(lines_with("\"failed\":\"no luck\"}\n"), 1);
    assert_int_equal(lines_with("\"run\":{"), 12);
    assert_says("err", "round 1: no luck");
}

static void a_cell_that_fails_always_is_told_and_tried_by_the_next_sweep(void **state)
{
    (void)state;
    remove_file("sweep.ndjson");
    write_script(SCRIPT "case \"$*\" in *epoll*64*) exit 1;; esac\n" ANSWER);
    assert_int_equal(sweep(SMALL), 1);
    assert_says("err", "3 of 12 runs failed; the same command tries them again");
    assert_int_equal(lines_with("\"failed\":\"ended with status 1 and said nothing\"}\n"), 6);
    write_script(SCRIPT ANSWER);
    assert_int_equal(sweep(SMALL), 0);
    assert_int_equal(lines_with("\"run\":{"), 12);
}

static void failures_are_kept_with_their_sentences(void **state)
{
    static const struct {
        const char *script;
        const char *sentence;
    } rows[] = {
        {SCRIPT "kill -SEGV $$\n", "was ended by signal 11"},
        {SCRIPT "echo hello\n", "printed no JSON"},
        {SCRIPT "echo '{\"kind\":\"run\"}'\n", "printed no result of a run"},
        {SCRIPT "echo '{\"schema\":\"haul-bench/1\",\"kind\":\"sweep\"}'\n",
         "printed no result of a run"},
        {SCRIPT "printf 'a \\377 b' >&2; exit 1\n", "a ? b"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        remove_file("sweep.ndjson");
        write_script(rows[i].script);
        assert_int_equal(sweep("--matrix c=1 --rounds 1 -o FILE"), 1);
        assert_says("sweep.ndjson", rows[i].sentence);
    }
}

/* What the client was told about its own state is a result. */
static void a_verdict_on_the_instrument_is_no_failure(void **state)
{
    static const char *const scripts[] = {
        SCRIPT ANSWER "exit 97\n",
        SCRIPT ANSWER "exit 98\n",
        SCRIPT ANSWER "exit 99\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(scripts); i++) {
        remove_file("sweep.ndjson");
        write_script(scripts[i]);
        assert_int_equal(sweep("--matrix c=1 --rounds 1 -o FILE"), 0);
        assert_int_equal(lines_with("\"run\":{"), 1);
    }
}

/* All others would fail as well; and the words are wrong, not the file, so that others may have
 * it. */
static void a_word_that_a_run_refuses_ends_the_sweep_at_once(void **state)
{
    static char bytes[FILE_BYTES];

    (void)state;
    size_t length = undisturbed(SMALL, bytes);
    write_script(SCRIPT "echo 'haul bench: -c 1: too few' >&2; exit 2\n");
    assert_int_equal(sweep("--matrix c=1,2,3 -o FILE"), 2);
    assert_says("err", "sweep: -c 1: too few");
    write_script(SCRIPT ANSWER);
    assert_int_equal(sweep(SMALL), 0);
    assert_file_is(bytes, length);
}

/* --- what is refused -------------------------------------------------------------------------- */

static void another_sweeps_file_is_refused(void **state)
{
    static char bytes[FILE_BYTES];
    static const struct {
        const char *words;
        const char *message;
    } rows[] = {
        {"--matrix loop=uring,epoll;c=1,65 --rounds 3 -o FILE",
         "sweep.ndjson:1: is of another sweep: its axes are "
         "{\"loop\":[\"uring\",\"epoll\"],\"c\":[\"1\",\"64\"]}, now they are "
         "{\"loop\":[\"uring\",\"epoll\"],\"c\":[\"1\",\"65\"]}"},
        {"--matrix c=1,64;loop=uring,epoll --rounds 3 -o FILE", "its axes are {\"loop\""},
        {"--matrix loop=uring,epoll;c=1,64 --rounds 3 -o FILE -z 3s",
         "its options are [\"-z\",\"2s\",\"--warm-up\",\"auto\"], now they are "
         "[\"--warm-up\",\"auto\",\"-z\",\"3s\"]"},
        {"--matrix loop=uring,epoll;c=1,64 --rounds 3 -o FILE http://h/", "\"http://h/\"]"},
        {"--matrix loop=uring,epoll;c=1,64 --rounds 2 -o FILE",
         "sweep.ndjson:1: has 3 rounds, which may grow, but not shrink to 2"},
    };
    (void)state;
    size_t length = undisturbed(SMALL, bytes);
    write_file("sweep.ndjson", bytes, length);
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(sweep(rows[i].words), 1);
        assert_says("err", rows[i].message);
        assert_file_is(bytes, length);
    }
}

#define HEAD                                                                                       \
    "{\"schema\":\"haul-bench/1\",\"kind\":\"sweep\",\"matrix\":\"c=1,2\",\"rounds\":2,"           \
    "\"options\":[\"-z\",\"2s\",\"--warm-up\",\"auto\"]}\n"
#define CELL "{\"schema\":\"haul-bench/1\",\"kind\":\"cell\",\"cell\":{\"c\":\"1\"},\"round\":1,"
#define RUN "\"run\":{\"schema\":\"haul-bench/1\",\"kind\":\"run\"}}\n"

/* None of these is touched. */
static void a_file_that_is_no_sweep_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        const char *message;
    } rows[] = {
        {"my diary", "sweep.ndjson:1: is no JSON"},
        {"my\ndiary\n", "sweep.ndjson:1: is no JSON"},
        {"{\n\"schema\": 5,\n\"kind\" \"run\"}\n", "sweep.ndjson:3: is no JSON"},
        {"{\"schema\":\"haul-bench/1\",\"kind\":\"sw", "sweep.ndjson:1: is no JSON"},
        {"{}\n", "sweep.ndjson:1: has no schema, so it is no result of haul bench"},
        {"[]\n", "sweep.ndjson:1: has no schema, so it is no result of haul bench"},
        {"{\"schema\":\"haul-bench/1\",\"kind\":\"run\"}\n", "sweep.ndjson: is a run, not a sweep"},
        {"{\"schema\":\"haul-bench/2\",\"kind\":\"sweep\"}\n",
         "sweep.ndjson:1: has the schema 'haul-bench/2', this reads haul-bench/1"},
        {"{\"schema\":\"haul-bench/1\",\"kind\":\"sweep\",\"rounds\":1}\n",
         "sweep.ndjson:1: 'matrix' is no string"},
        {"{\"schema\":\"haul-bench/1\",\"kind\":\"sweep\",\"matrix\":\"c\",\"rounds\":1}\n",
         "sweep.ndjson:1: 'matrix' at character 1: 'c' is no axis"},
        {"{\"schema\":\"haul-bench/1\",\"kind\":\"sweep\",\"matrix\":\"c=1\",\"rounds\":0}\n",
         "sweep.ndjson:1: 'rounds' is no number"},
        {"{\"schema\":\"haul-bench/"
         "1\",\"kind\":\"sweep\",\"matrix\":\"c=1,2\",\"rounds\":500001}\n",
         "sweep.ndjson:1: 'rounds' is no number"},
        {HEAD "\n\n!\n", "sweep.ndjson:4: is no JSON"},
        {HEAD "{\n" CELL RUN, "sweep.ndjson:2: is no JSON"},
        {HEAD CELL RUN HEAD, "sweep.ndjson:3: is of no kind cell"},
        {HEAD CELL RUN "{\"kind\":\"cell\"}\n", "sweep.ndjson:3: has no schema"},
        {HEAD CELL "\"run\":5}\n", "sweep.ndjson:2: it has neither one \"run\" nor one sentence"},
        {HEAD CELL "\"run\":{}}\n", "sweep.ndjson:2: has no schema"},
        {HEAD CELL "\"failed\":5}\n",
         "sweep.ndjson:2: it has neither one \"run\" nor one sentence"},
        {HEAD
         "{\"schema\":\"haul-bench/1\",\"kind\":\"cell\",\"cell\":{\"c\":\"3\"},\"round\":1," RUN,
         "sweep.ndjson:2: 'cell' is none of the matrix in line 1"},
        {HEAD
         "{\"schema\":\"haul-bench/1\",\"kind\":\"cell\",\"cell\":{\"c\":\"1\"},\"round\":3," RUN,
         "sweep.ndjson:2: 'round' is no number from 1 to 2"},
        {HEAD CELL "\"round\":1," RUN, "sweep.ndjson:2: is no JSON: duplicate object key"},
    };
    (void)state;
    write_script(SCRIPT "kill -KILL $PPID\n");
    for (size_t i = 0; i < COUNT(rows); i++) {
        write_file("sweep.ndjson", rows[i].bytes, strlen(rows[i].bytes));
        assert_int_equal(sweep("--matrix c=1,2 --rounds 2 -o FILE"), 1);
        assert_says("err", rows[i].message);
        assert_file_is(rows[i].bytes, strlen(rows[i].bytes));
    }
    remove_file("sweep.ndjson");
}

/* A first line alone is nobody's work, nor is an empty file. */
static void a_file_without_cells_is_begun_anew(void **state)
{
    static const char *const rows[] = {"", HEAD, "\n" HEAD, HEAD "{\"schema\":\"haul-"};
    static char bytes[FILE_BYTES];

    (void)state;
    size_t length = undisturbed(SMALL, bytes);
    for (size_t i = 0; i < COUNT(rows); i++) {
        write_file("sweep.ndjson", rows[i], strlen(rows[i]));
        assert_int_equal(sweep(SMALL), 0);
        assert_file_is(bytes, length);
    }
}

static void words_that_cannot_be_used_are_named(void **state)
{
    static const struct {
        const char *words;
        const char *message;
    } rows[] = {
        {"-o FILE", "--matrix is missing"},
        {"--matrix c=1", "-o FILE is missing"},
        {"--matrix", "--matrix: needs a value"},
        {"--matrix c=1;c=2 -o FILE", "--matrix: character 5: the axis 'c' is there twice"},
        {"--matrix nr=1 -o FILE", "--matrix: character 1: 'nr' is no option of a run"},
        {"--matrix body=4k -o FILE http://h/", "character 1: 'body' needs the embedded server"},
        {"--matrix c=0,1 -o FILE", "c=0: -c 0: "},
        {"--matrix loop=uring,epol -o FILE", "loop=epol: --loop epol: "},
        {"--matrix pipeline=1,8;close=off,on -o FILE", "pipeline=8 close=on: --pipeline needs"},
        {"--matrix c=1 -o FILE --nonsense", "--nonsense: no such option"},
        {"--matrix rate=10,20 -o FILE --stages 1s@100",
         "rate=10: --stages says itself how long and how fast: --rate has no place beside it"},
        {"--matrix c=1 -o FILE --stages 1s@100 -z 1s", "how fast: -z has no place beside it"},
        {"--matrix c=1 -o FILE --rounds 0", "--rounds 0: a number"},
        {"--matrix c=1 -o FILE --rounds=x", "--rounds x: a number"},
        {"--matrix c=1,2 -o FILE --rounds 500001", "more than 1000000 runs"},
        {"--matrix c=1 -o FILE --seed -1", "--seed -1: a number"},
        {"--matrix c=1 -o FILE --timeline x", "--timeline is no option of a sweep's run"},
        {"--matrix c=1 -o FILE --hdr x", "--hdr is no option of a sweep's run"},
        {"--matrix c=1 -o FILE --format text", "--format is no option of a sweep's run"},
        {"--matrix c=1 -o FILE --find-max p99<5ms", "--find-max is no option of a sweep's run"},
        {"--matrix c=1 -o FILE --version", "--version is no option of a sweep's run"},
        {"--matrix c=1 -o FILE -- http://h/", "'--' has no place here"},
    };
    (void)state;
    remove_file("sweep.ndjson");
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(sweep(rows[i].words), 2);
        assert_says("err", rows[i].message);
        assert_int_equal(access(path_of("sweep.ndjson"), F_OK), -1);
    }
}

static void a_dry_run_prints_the_plan_and_does_nothing(void **state)
{
    static const struct {
        const char *words;
        const char *out;
    } rows[] = {
        {"--matrix loop=uring,epoll;c=1 --rounds 4 --dry-run -o FILE",
         "loop=uring c=1\nloop=epoll c=1\n2 cells, 4 rounds: 8 runs, 26 s\n"},
        {"--matrix c=1 --rounds=1 --dry-run -n 5",
         "c=1\n1 cells, 1 rounds: 1 runs, unknown time\n"},
        {"--matrix c=1 --rounds=100 --dry-run -z 30s --warm-up 0s",
         "c=1\n1 cells, 100 rounds: 100 runs, 51 min\n"},
        {"--matrix c={x};x=1 --rounds 1 --dry-run", ""},
    };
    (void)state;
    remove_file("sweep.ndjson");
    write_script(SCRIPT "kill -KILL $PPID\n");
    for (size_t i = 0; i < COUNT(rows); i++) {
        static char out[FILE_BYTES];
        assert_int_equal(sweep(rows[i].words), *rows[i].out == '\0' ? 2 : 0);
        read_file("out", out);
        assert_string_equal(out, rows[i].out);
        assert_int_equal(access(path_of("sweep.ndjson"), F_OK), -1);
    }
}

static void words_of_a_run_reach_it(void **state)
{
    static const struct {
        const char *words;
        const char *run;
    } rows[] = {
        {"--matrix c=4 --rounds 1 -n 10 -o FILE", "json --warm-up auto -n 10 -c 4\""},
        {"--matrix c=4 --rounds 1 -n 10 -z 5s -o FILE", "json --warm-up auto -n 10 -z 5s -c 4\""},
        {"--matrix rate=5..10 --rounds 1 -o FILE", "json -z 2s --warm-up auto --rate 5..10\""},
        {"--matrix body=1k,2k;tls=off --rounds 1 -o FILE http://h/{body}?{tls} -k",
         "json -z 2s --warm-up auto http://h/2k?off -k\""},
        {"--matrix n=1 --rounds 1 -o FILE -n {n} http://h/",
         "json --warm-up auto -n 1 http://h/\""},
    };
    (void)state;
    write_script(SCRIPT ANSWER);
    for (size_t i = 0; i < COUNT(rows); i++) {
        remove_file("sweep.ndjson");
        assert_int_equal(sweep(rows[i].words), 0);
        assert_says("sweep.ndjson", rows[i].run);
    }
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
    static const char *const names[] = {"sweep.ndjson", "fake",  "err", "out",
                                        "calls",        "never", "up",  "go"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        remove_file(names[i]);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_is_there_once_a_round_and_rounds_are_interleaved),
        cmocka_unit_test(a_finished_sweep_is_left_as_it_is),
        cmocka_unit_test(the_seed_makes_the_order),
        cmocka_unit_test(each_round_has_its_own_order),
        cmocka_unit_test(a_sweep_goes_on_in_its_order),
        cmocka_unit_test(rounds_may_grow),
        cmocka_unit_test(a_last_line_cut_at_any_byte_is_done_again),
        cmocka_unit_test(ten_kills_at_random_times_change_nothing),
        cmocka_unit_test(kills_in_the_midst_of_runs_change_nothing),
        cmocka_unit_test(an_interrupt_drops_the_current_run_and_says_how_to_go_on),
        cmocka_unit_test(two_sweeps_do_not_share_a_file),
        cmocka_unit_test(a_full_disk_leaves_whole_lines),
        cmocka_unit_test(a_cell_that_failed_is_tried_again_at_the_end),
        cmocka_unit_test(a_cell_that_fails_always_is_told_and_tried_by_the_next_sweep),
        cmocka_unit_test(failures_are_kept_with_their_sentences),
        cmocka_unit_test(a_verdict_on_the_instrument_is_no_failure),
        cmocka_unit_test(a_word_that_a_run_refuses_ends_the_sweep_at_once),
        cmocka_unit_test(another_sweeps_file_is_refused),
        cmocka_unit_test(a_file_that_is_no_sweep_is_refused),
        cmocka_unit_test(a_file_without_cells_is_begun_anew),
        cmocka_unit_test(words_that_cannot_be_used_are_named),
        cmocka_unit_test(a_dry_run_prints_the_plan_and_does_nothing),
        cmocka_unit_test(words_of_a_run_reach_it),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
