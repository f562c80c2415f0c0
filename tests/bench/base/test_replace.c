/* Files that appear whole or not at all: whatever fails, the old file is as it was, and nothing
 * else lies beside it. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/base/replace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 64, LIMIT_BYTES = 1000 };

struct fixture {
    char folder[PATH_BYTES];
    char path[PATH_BYTES + 8];
    struct replace replace;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    *state = fixture;
    strcpy(fixture->folder, "/tmp/test_replace.XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof fixture->path, "%s/file", fixture->folder);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    unlink(fixture->path);
    int error = rmdir(fixture->folder); /* it would not go if there were more */
    free(fixture);
    return error;
}

static void file_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* NULL: there is no file. */
static void assert_file(const char *path, const char *text)
{
    char content[4096];
    FILE *file = fopen(path, "r");
    if (text == NULL) {
        assert_null(file);
        return;
    }
    assert_non_null(file);
    size_t length = fread(content, 1, sizeof content - 1, file);
    content[length] = '\0';
    fclose(file);
    assert_string_equal(content, text);
}

static unsigned entries(const char *folder)
{
    DIR *directory = opendir(folder);
    unsigned count = 0;
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(directory);
    return count;
}

/* --- what comes to a file --------------------------------------------------------------------- */

static void test_new(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(replace_open(&fixture->replace, fixture->path), 0);
    fputs("new", fixture->replace.out);
    fflush(fixture->replace.out);
    assert_file(fixture->path, NULL);
    assert_int_equal(replace_commit(&fixture->replace), 0);
    assert_null(fixture->replace.out);
    assert_file(fixture->path, "new");
    assert_int_equal(entries(fixture->folder), 1);
}

static void test_old(void **state)
{
    struct fixture *fixture = *state;
    file_write(fixture->path, "the old one");
    assert_int_equal(replace_open(&fixture->replace, fixture->path), 0);
    fputs("new", fixture->replace.out);
    fflush(fixture->replace.out);
    assert_file(fixture->path, "the old one");
    assert_int_equal(replace_commit(&fixture->replace), 0);
    assert_file(fixture->path, "new");
    assert_int_equal(entries(fixture->folder), 1);
}

static void test_abandoned(void **state)
{
    struct fixture *fixture = *state;
    for (int has_old = 0; has_old < 2; has_old++) {
        if (has_old)
            file_write(fixture->path, "the old one");
        assert_int_equal(replace_open(&fixture->replace, fixture->path), 0);
        fputs("new", fixture->replace.out);
        replace_abandon(&fixture->replace);
        assert_null(fixture->replace.out);
        assert_file(fixture->path, has_old ? "the old one" : NULL);
        assert_int_equal(entries(fixture->folder), has_old);
    }
}

/* The rights are those that open() would have given, not those of a temporary file. */
static void test_rights(void **state)
{
    struct fixture *fixture = *state;
    struct stat facts;
    mode_t mask = umask(027);
    assert_int_equal(replace_open(&fixture->replace, fixture->path), 0);
    assert_int_equal(umask(mask), 027);
    assert_true(fcntl(fileno(fixture->replace.out), F_GETFD) & FD_CLOEXEC);
    assert_int_equal(replace_commit(&fixture->replace), 0);
    assert_int_equal(stat(fixture->path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0640);
}

/* --- what fails ------------------------------------------------------------------------------- */

/* The disk is full, as it were: no file may become longer than LIMIT_BYTES. */
static void limit_set(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full(void **state)
{
    struct fixture *fixture = *state;
    static const size_t lengths[] = {LIMIT_BYTES + 1, 20 * LIMIT_BYTES};
    file_write(fixture->path, "the old one");
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(replace_open(&fixture->replace, fixture->path), 0);
        limit_set(LIMIT_BYTES);
        for (size_t k = 0; k < lengths[i]; k++)
            fputc('x', fixture->replace.out);
        int error = replace_commit(&fixture->replace);
        limit_set(RLIM_INFINITY);
        assert_int_equal(error, -EFBIG);
        assert_null(fixture->replace.out);
        assert_file(fixture->path, "the old one");
        assert_int_equal(entries(fixture->folder), 1);
    }
    signal(SIGXFSZ, SIG_DFL);
}

/* In the file's place there is a folder in the end. */
static void test_no_rename(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(replace_open(&fixture->replace, fixture->path), 0);
    assert_int_equal(mkdir(fixture->path, 0700), 0);
    assert_int_equal(replace_commit(&fixture->replace), -EISDIR);
    assert_int_equal(entries(fixture->folder), 1);
    assert_int_equal(rmdir(fixture->path), 0);
}

static void test_no_place(void **state)
{
    struct fixture *fixture = *state;
    char path[PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/none/file", fixture->folder);
    assert_int_equal(replace_open(&fixture->replace, path), -ENOENT);
    assert_int_equal(replace_open(&fixture->replace, ""), -ENOENT);
    assert_int_equal(replace_open(&fixture->replace, fixture->folder), -EISDIR);
    snprintf(path, sizeof path, "%s/file/file", fixture->folder);
    file_write(fixture->path, "");
    assert_int_equal(replace_open(&fixture->replace, path), -ENOTDIR);
    assert_null(fixture->replace.out);
}

/* --- what is no file -------------------------------------------------------------------------- */

static void test_device(void **state)
{
    struct fixture *fixture = *state;
    struct stat facts;
    assert_int_equal(replace_open(&fixture->replace, "/dev/full"), 0);
    assert_true(fcntl(fileno(fixture->replace.out), F_GETFD) & FD_CLOEXEC);
    fputs("lost", fixture->replace.out);
    assert_int_equal(replace_commit(&fixture->replace), -ENOSPC);
    assert_int_equal(stat("/dev/full", &facts), 0);
    assert_true(S_ISCHR(facts.st_mode));
    assert_int_equal(replace_open(&fixture->replace, "/dev/null"), 0);
    fputs("gone", fixture->replace.out);
    assert_int_equal(replace_commit(&fixture->replace), 0);
}

static void test_pipe(void **state)
{
    struct fixture *fixture = *state;
    char text[16] = "";
    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    int reader = open(fixture->path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_int_equal(replace_open(&fixture->replace, fixture->path), 0);
    fputs("through", fixture->replace.out);
    assert_int_equal(replace_commit(&fixture->replace), 0);
    assert_int_equal(read(reader, text, sizeof text - 1), 7);
    assert_string_equal(text, "through");
    close(reader);
}

static void test_standard_output(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(replace_open(&fixture->replace, NULL), 0);
    assert_ptr_equal(fixture->replace.out, stdout);
    assert_int_equal(replace_commit(&fixture->replace), 0);
    assert_int_equal(replace_open(&fixture->replace, NULL), 0);
    replace_abandon(&fixture->replace);
    assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(new),       TEST(old),      TEST(abandoned), TEST(rights), TEST(full),
        TEST(no_rename), TEST(no_place), TEST(device),    TEST(pipe),   TEST(standard_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
