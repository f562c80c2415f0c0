/* Children, played by shell scripts: what they do, and what their parent makes of it. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/base/child.h"
#include "bench/base/signals.h"
#include "tests/lib/script.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* tail notices when nobody reads what it prints. */
#define FOR_EVER "exec tail -f /dev/null >/dev/null 2>&1"

static enum child_end run(const char *program, uint64_t limit_ns, struct child_result *ret_result)
{
    static const char *const words[] = {"-c", "a b"};
    const struct child_options options = {program, words, 2, limit_ns};
    return child_run(&options, ret_result);
}

/* --- ends ------------------------------------------------------------------------------------- */

static const struct {
    const char *lines;
    enum child_end end;
    int status;
    const char *sentence; /* how it begins */
} rows[] = {
    {"echo '{\"a\": 1}'", CHILD_DONE, 0, ""},
    {"echo '{}'; exit 96", CHILD_DONE, 96, ""},
    {"echo '{}'; exit 97", CHILD_DONE, 97, ""},
    {"echo '{}'; exit 98", CHILD_DONE, 98, ""},
    {"echo '{}'; exit 99", CHILD_DONE, 99, ""},
    {"echo 'p99 is 3 ms' >&2; echo '{}'; exit 99", CHILD_DONE, 99, "p99 is 3 ms"},
    {"echo '{}'; exit 95", CHILD_FAILED, 95, "ended with status 95 and said nothing"},
    {"echo '{}'; exit 100", CHILD_FAILED, 100, "ended with status 100 and said nothing"},
    {"echo '{}'; exit 130", CHILD_FAILED, 130, "ended with status 130 and said nothing"},
    {"echo 'haul bench: no route to it' >&2; exit 1", CHILD_FAILED, 1, "no route to it"},
    {"echo first >&2; echo last >&2; echo >&2; exit 2", CHILD_FAILED, 2, "last"},
    {"printf 'without an end' >&2; exit 1", CHILD_FAILED, 1, "without an end"},
    {"printf 'red \\033[31m\\n' >&2; exit 1", CHILD_FAILED, 1, "red  [31m"},
    {"head -c 100000 /dev/zero | tr '\\0' e >&2; exit 1", CHILD_FAILED, 1, "eeeeeeeeeeeee"},
    {"yes 0123456789 | head -n 5000 >&2; echo last >&2; exit 1", CHILD_FAILED, 1, "last"},
    {"kill -9 $$", CHILD_FAILED, -1, "was ended by signal 9 (Killed)"},
    {"", CHILD_FAILED, 0, "printed no JSON: line 1: "},
    {"echo '{\"a\": }'", CHILD_FAILED, 0, "printed no JSON: line 1: "},
    {"echo '{}'; echo more", CHILD_FAILED, 0, "printed no JSON: line 2: "},
    {"echo '[1]'", CHILD_FAILED, 0, "printed no JSON object"},
    {"exec 1>&-; exec 2>&-", CHILD_FAILED, 0, "printed no JSON: "},
    {"exec cat /dev/zero", CHILD_FAILED, -1, "printed more than 64 MiB"},
    {"test \"$*\" = '--format json -c a b' && test $# = 4 && echo '{}'", CHILD_DONE, 0, ""},
    {"cat; echo '{}'", CHILD_DONE, 0, ""},
};

static void ends_as_it_does(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[SCRIPT_PATH_BYTES];
        struct child_result result;
        script_write(*state, rows[i].lines, path);
        print_message("%s\n", rows[i].lines);
        assert_int_equal(run(path, 0, &result), rows[i].end);
        assert_int_equal(result.status, rows[i].status);
        assert_true(strncmp(result.sentence, rows[i].sentence, strlen(rows[i].sentence)) == 0);
        assert_true(*rows[i].sentence != '\0' || result.sentence[0] == '\0');
        assert_true((result.json != NULL) >= (rows[i].end == CHILD_DONE));
        child_result_free(&result);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
    }
}

static void takes_what_is_long(void **state)
{
    char path[SCRIPT_PATH_BYTES];
    struct child_result result;

    script_write(*state, "printf '{\"a\": \"'; head -c 3000000 /dev/zero | tr '\\0' x; echo '\"}'",
                 path);
    assert_int_equal(run(path, 0, &result), CHILD_DONE);
    assert_int_equal(json_string_length(json_object_get(result.json, "a")), 3000000);
    child_result_free(&result);
}

static void says_what_cannot_be_run(void **state)
{
    struct child_result result;

    (void)state;
    assert_int_equal(run("/nonexistent", 0, &result), CHILD_FAILED);
    assert_string_equal(result.sentence, "cannot run /nonexistent: No such file or directory");
    child_result_free(&result);
    assert_int_equal(run("/dev/null", 0, &result), CHILD_FAILED);
    assert_string_equal(result.sentence, "cannot run /dev/null: Permission denied");
    child_result_free(&result);
}

/* --- processes -------------------------------------------------------------------------------- */

/* Somebody else who holds its stdout open is not waited for. */
static void waits_for_the_child_alone(void **state)
{
    char path[SCRIPT_PATH_BYTES];
    struct child_result result;

    script_write(*state, "tail -f /dev/null & echo \"{\\\"pid\\\": $!}\"", path);
    assert_int_equal(run(path, 0, &result), CHILD_DONE);
    pid_t pid = (pid_t)json_integer_value(json_object_get(result.json, "pid"));
    child_result_free(&result);
    assert_true(pid > 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The second one does not heed SIGTERM. */
static void ends_what_takes_too_long(void **state)
{
    static const char *const lines[] = {FOR_EVER, "trap '' TERM; " FOR_EVER};

    for (size_t i = 0; i < 2; i++) {
        char path[SCRIPT_PATH_BYTES];
        struct child_result result;
        script_write(*state, lines[i], path);
        assert_int_equal(run(path, 50000000, &result), CHILD_FAILED);
        assert_string_equal(result.sentence, "was not done after 0.05 s, and was ended");
        assert_int_equal(result.status, -1);
        child_result_free(&result);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    }
}

/* A process that runs the script as its child, and exits with how that ended. */
static int status_of_parent(const char *path)
{
    int status;
    pid_t parent = fork();

    if (parent == 0) {
        struct child_result result;
        signals_catch();
        enum child_end end = run(path, 0, &result);
        child_result_free(&result);
        _exit(signals_first() != 0 ? 100 + (int)end : (int)end);
    }
    assert_int_equal(waitpid(parent, &status, 0), parent);
    return status;
}

static pid_t pid_in_output(const char *path)
{
    char text[32];

    script_output(path, text, sizeof text);
    return (pid_t)atol(text);
}

static void ends_when_interrupted(void **state)
{
    static const char *const lines[] = {
        "echo $$ >$0.out; kill -TERM $PPID; " FOR_EVER,
        "echo $$ >$0.out; kill -INT $PPID; " FOR_EVER,
        "trap 'exit 0' TERM; echo $$ >$0.out; kill -HUP $PPID; while :; do :; done",
    };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char path[SCRIPT_PATH_BYTES];
        script_write(*state, lines[i], path);
        int status = status_of_parent(path);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 100 + CHILD_INTERRUPTED);
        assert_int_equal(kill(pid_in_output(path), 0), -1);
        assert_int_equal(errno, ESRCH);
    }
}

/* This process takes the orphan, and so learns how it ended. */
static void dies_with_its_parent(void **state)
{
    char path[SCRIPT_PATH_BYTES];
    int status;

    script_write(*state, "echo $$ >$0.out; kill -KILL $PPID; " FOR_EVER, path);
    status = status_of_parent(path);
    assert_true(WIFSIGNALED(status));
    pid_t orphan = pid_in_output(path);
    assert_int_equal(waitpid(orphan, &status, 0), orphan);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* What its child leaves behind becomes ours, to be waited for. */
static int set_up(void **state)
{
    return scripts_set_up(state) || prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_as_it_does),          cmocka_unit_test(takes_what_is_long),
        cmocka_unit_test(says_what_cannot_be_run),  cmocka_unit_test(waits_for_the_child_alone),
        cmocka_unit_test(ends_what_takes_too_long), cmocka_unit_test(ends_when_interrupted),
        cmocka_unit_test(dies_with_its_parent),
    };
    /* A shell starts what it puts in the background with these ignored, and children inherit it. */
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signals_catch();
    return cmocka_run_group_tests(tests, set_up, scripts_tear_down);
}
